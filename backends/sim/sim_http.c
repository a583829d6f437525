/* SPDX-License-Identifier: Apache-2.0 */
/* sim_http: requests travel to the CA of their host and back, each way with a latency. On the way a
 * request can get lost before it arrives, or its answer after the CA has acted. */
#include "backends/sim/sim_http.h"

#include "backends/sim/sim_ca.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <string.h>
#include <strings.h>

struct http {
    struct loop *loop;
};
struct http_trust {
    bool skip_verify;
};
struct http_lent {
    struct cl_strv headers;
    char *body, *final_url;
};
struct exchange {
    struct cl_list link; /* in sim->exchanges until its op has ended */
    unsigned life;
    unsigned refs;      /* events under way that know it */
    struct http_op *op; /* NULL: ended */
    char *method, *url;
    void *body;
    size_t body_len, max_body;
    cl_time timeout, started;
    enum { FATE_ARRIVES, FATE_NOT_SENT, FATE_ANSWER_LOST } fate;
    struct sim_response response;
    bool answered;
};

struct http *http_create(struct loop *l, const struct http_params *p, struct cl_err *err)
{
    struct http *h = cl_new(struct http);

    (void)p;
    (void)err;
    h->loop = l;
    return h;
}

static void end(struct exchange *x, const struct cl_err *err);

void http_destroy(struct http *h)
{
    if (h == NULL) {
        return;
    }
    cl_list_for_each(n, &sim->exchanges) {
        struct exchange *x = cl_container(n, struct exchange, link);
        struct cl_err err = {0};
        if (x->life == sim->life) {
            (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the program ends");
            end(x, &err);
        }
    }
    cl_free(h);
}

struct http_trust *http_trust_create(const char *ca_pem, bool skip_verify)
{
    struct http_trust *t = cl_new(struct http_trust);

    (void)ca_pem;
    t->skip_verify = skip_verify;
    return t;
}

void http_trust_destroy(struct http_trust *t)
{
    cl_free(t);
}

/* ---- the end of a request ---- */

static void exchange_unref(struct exchange *x)
{
    if (--x->refs > 0) {
        return;
    }
    cl_list_remove(&x->link);
    cl_free(x->method);
    cl_free(x->url);
    cl_free(x->body);
    cl_strv_deinit(&x->response.headers);
    cl_buf_deinit(&x->response.body);
    cl_free(x);
}

/* Ends the op; the exchange itself may still be on its way. */
static void end(struct exchange *x, const struct cl_err *err)
{
    struct http_op *op = x->op;
    struct http_lent lent = {0};

    cl_list_remove(&x->link);
    x->op = NULL;
    if (op == NULL || x->life != sim->life) {
        return;
    }
    SIM_LIFE();
    op->status = 0;
    memset(&op->headers, 0, sizeof op->headers);
    memset(&op->body, 0, sizeof op->body);
    if (err == NULL) {
        op->status = x->response.status;
        cl_strv_copy(&lent.headers, &x->response.headers);
        lent.body = cl_strndup(cl_buf_str(&x->response.body), x->response.body.len);
        op->headers = lent.headers;
        op->body = (struct cl_buf){.data = lent.body,
                                   .len = x->response.body.len,
                                   .cap = x->response.body.len + 1,
                                   .max = x->response.body.len};
    }
    lent.final_url = cl_strdup(x->url);
    op->final_url = lent.final_url;
    op->lent = &lent;
    cl_op_done(&op->op, err);
    cl_strv_deinit(&lent.headers);
    cl_free(lent.body);
    cl_free(lent.final_url);
}

char *http_take_body(struct http_op *op)
{
    char *body = op->lent != NULL ? op->lent->body : NULL;

    if (op->lent != NULL) {
        op->lent->body = NULL;
    }
    memset(&op->body, 0, sizeof op->body);
    return body != NULL ? body : cl_strdup("");
}

/* ---- the way ---- */

static void returned(void *arg)
{
    struct exchange *x = arg;
    struct cl_err err = {0};

    if (x->op == NULL || x->life != sim->life) {
        exchange_unref(x);
        return;
    }
    if (!x->answered) {
        sim->counts.faults++; /* from now on its sender knows */
        (void)cl_fail(&err, CL_ERR_TRANSIENT,
                      x->fate == FATE_ANSWER_LOST ? "ConnectionLost" : "ConnectFailed", "%s %s: %s",
                      x->method, x->url,
                      x->fate == FATE_ANSWER_LOST ? "the connection broke" : "cannot connect");
    } else if (x->response.body.len > x->max_body) {
        (void)cl_fail(&err, CL_ERR_BAD_RESULT, "BodyTooLarge",
                      "%s: the answer is longer than %zu bytes", x->url, x->max_body);
    }
    end(x, err.kind == CL_ERR_NONE ? NULL : &err);
    exchange_unref(x);
}

static void timed_out(void *arg)
{
    struct exchange *x = arg;
    struct cl_err err = {0};

    (void)cl_fail(&err, CL_ERR_TRANSIENT, "TimedOut", "%s: no complete answer in time", x->url);
    end(x, &err);
    exchange_unref(x);
}

static void arrived(void *arg)
{
    struct exchange *x = arg;
    struct sim_ca *ca = sim_ca_of_url(x->url);
    const char *slash = strchr(x->url + strlen("https://"), '/');
    struct sim_request req = {.method = x->method,
                              .url = x->url,
                              .path = slash != NULL ? slash : "/",
                              .body = x->body != NULL ? x->body : "",
                              .body_len = x->body_len,
                              .life = x->life};
    cl_time back;

    if (ca == NULL || x->fate == FATE_NOT_SENT) {
        returned(x);
        return;
    }
    enum sim_ca_reply reply = sim_ca_handle(ca, &req, &x->response);
    if (reply == SIM_CA_SWALLOWS) {
        sim_at(x->started + x->timeout, timed_out, x);
        return;
    }
    if (reply == SIM_CA_REFUSES) {
        x->fate = FATE_NOT_SENT;
    }
    x->answered = reply == SIM_CA_ANSWERS && x->fate == FATE_ARRIVES;
    back = sim->now + sim_ca_latency(ca);
    if (back > x->started + x->timeout) {
        sim_at(x->started + x->timeout, timed_out, x);
    } else {
        sim_at(back, returned, x);
    }
}

static void cancel_due(void *arg)
{
    struct exchange *x = arg;
    struct cl_err err = {0};

    if (x->op != NULL) { /* else it ended meanwhile; `returned` frees it */
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the request was cancelled");
        end(x, &err);
    }
    exchange_unref(x);
}

/* The answer, if there is one, comes to nobody: a request that was sent is processed whatever its
 * sender does. */
static void http_cancel(struct cl_op *op)
{
    struct exchange *x = op->impl;

    op->cancel = NULL;
    x->refs++;
    sim_at(sim->now, cancel_due, x);
}

static void draw_fate(struct exchange *x)
{
    bool lost = !sim->poisoned && ++sim->counts.requests == sim->faults.request_at;

    if (lost) {
        x->fate = sim->faults.request_at % 2 == 0 ? FATE_NOT_SENT : FATE_ANSWER_LOST;
    } else if (sim_lossy() && sim_chance(sim->request_loss)) {
        x->fate = sim_chance(50) ? FATE_NOT_SENT : FATE_ANSWER_LOST;
    }
    if (x->fate != FATE_ARRIVES) {
        sim_trace("request %llu %s %s: %s", (unsigned long long)sim->counts.requests, x->method,
                  x->url, x->fate == FATE_NOT_SENT ? "never sent" : "its answer is lost");
    }
}

/* The model network has no proxies. */
void http_set_proxy(struct http *h, const char *proxy, const char *user, const char *no_proxy)
{
    (void)h;
    (void)proxy;
    (void)user;
    (void)no_proxy;
}

const char *http_proxy_variable(void)
{
    return NULL;
}

void http_start(struct http *h, const struct http_request *req, struct http_op *op)
{
    SIM_WORLD();
    struct exchange *x = cl_new(struct exchange);
    struct sim_ca *ca = sim_ca_of_url(req->url);

    (void)h;
    x->life = sim->life;
    x->refs = 1;
    x->op = op;
    x->method = cl_strdup(req->method);
    x->url = cl_strdup(req->url);
    if (req->body_len > 0) {
        x->body = cl_strndup(req->body, req->body_len);
        x->body_len = req->body_len;
    }
    x->timeout = req->timeout > 0 ? req->timeout : 30 * CL_SECOND;
    x->max_body = req->max_body > 0 ? req->max_body : (size_t)1 << 20;
    x->started = sim->now;
    cl_buf_init(&x->response.body, (size_t)8 << 20);
    cl_list_add_tail(&sim->exchanges, &x->link);
    op->op.impl = x;
    op->op.cancel = http_cancel;
    op->lent = NULL;
    sim->effects++;
    draw_fate(x);
    sim_at(sim->now + (ca != NULL ? sim_ca_latency(ca) : 1), arrived, x);
}

/* ---- headers ---- */

void sim_response_header(struct sim_response *r, const char *name, const char *value)
{
    cl_strv_take(&r->headers, cl_printf("%s: %s", name, value));
}

static const char *value_of(const char *header, const char *name)
{
    size_t n = strlen(name);

    return strncasecmp(header, name, n) == 0 && header[n] == ':'
               ? header + n + 1 + strspn(header + n + 1, " ")
               : NULL;
}

const char *http_header(const struct http_op *op, const char *name)
{
    for (size_t i = 0; i < op->headers.len; i++) {
        const char *v = value_of(op->headers.items[i], name);
        if (v != NULL) {
            return v;
        }
    }
    return NULL;
}

/* The model CA sends one target a header: <URL>;rel="x". */
void http_links(const struct http_op *op, const char *rel, struct cl_strv *ret)
{
    char *wanted = cl_printf("rel=\"%s\"", rel);

    for (size_t i = 0; i < op->headers.len; i++) {
        const char *v = value_of(op->headers.items[i], "link");
        if (v != NULL && v[0] == '<' && strstr(v, wanted) != NULL) {
            cl_strv_take(ret, cl_strndup(v + 1, strcspn(v + 1, ">")));
        }
    }
    cl_free(wanted);
}

const char *http_version(void)
{
    return "simulated";
}

/* ---- probes ---- */

struct service {
    char *connect, *path, *loaded;
};
struct probe {
    unsigned life;
    struct http_probe_op *op;
    char *connect;
    bool cancelled;
};

void sim_service(const char *connect, const char *path)
{
    SIM_WORLD();
    struct service *s = cl_new(struct service);

    s->connect = cl_strdup(connect);
    s->path = cl_strdup(path);
    (void)cl_map_set(&sim->services, connect, s);
}

void sim_services_reload(void)
{
    SIM_WORLD();
    size_t pos = 0;
    void *value;

    while (cl_map_next(&sim->services, &pos, NULL, &value)) {
        struct service *s = value;
        const struct sim_blob *b = sim_fs_get(s->path);
        cl_free(s->loaded);
        s->loaded = b != NULL ? cl_strndup(b->data, b->len) : NULL;
    }
}

static void probe_due(void *arg)
{
    struct probe p = *(struct probe *)arg;
    const struct service *s = cl_map_get(&sim->services, p.connect);
    struct cl_err err = {0};

    cl_free(p.connect);
    cl_free(arg);
    if (p.life != sim->life) {
        return;
    }
    if (p.cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the probe was stopped");
    } else if (s == NULL || s->loaded == NULL) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "ConnectFailed", "nothing listens there");
    }
    SIM_LIFE();
    char *chain = s != NULL && err.kind == CL_ERR_NONE ? cl_strdup(s->loaded) : NULL;
    p.op->chain_pem = chain;
    cl_op_done(&p.op->op, err.kind == CL_ERR_NONE ? NULL : &err);
    cl_free(chain);
}

static void probe_cancel(struct cl_op *op)
{
    ((struct probe *)op->impl)->cancelled = true;
}

void http_probe_start(struct http *h, const char *connect, const char *server_name, cl_time timeout,
                      struct http_probe_op *op)
{
    SIM_WORLD();
    struct probe *p = cl_new(struct probe);

    (void)h;
    (void)server_name;
    (void)timeout;
    *p = (struct probe){.life = sim->life, .op = op, .connect = cl_strdup(connect)};
    op->op.impl = p;
    op->op.cancel = probe_cancel;
    sim_at(sim->now + sim_between(1, 20), probe_due, p);
}
