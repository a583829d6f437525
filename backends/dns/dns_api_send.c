/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_send: gets one call onto the wire: a session first, then the limits, then the request. */
#include "backends/dns/dns_api.h"
#include "backends/dns/dns_origin.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define ANSWER_MAX ((size_t)16 << 20)
#define REQUEST_TIMEOUT (60 * CL_SECOND)

static void answered(struct cl_op *op, const struct cl_err *err);

static void timer_fired(struct loop_timer *t)
{
    api_exec_resume(t->user, API_AGAIN);
}

/* POST https://api.example/v1/zones: without its query, masked. */
static void describe(const struct api_exec *x, char *buf, size_t size)
{
    const char *url = cl_str_or(x->request.url, "");

    (void)cl_format(buf, size, "%s %.*s", cl_str_or(x->request.method, ""), (int)strcspn(url, "?"),
                    url);
    char *text = cl_strdup(buf);
    api_redact(x->p, &x->request.secrets, text);
    (void)cl_format(buf, size, "%s", text);
    cl_free(text);
}

static enum api_step wrap(struct api_exec *x, enum api_step how)
{
    char what[300];

    if (how == API_FAILED && x->err.kind != CL_ERR_CANCELLED) {
        describe(x, what, sizeof what);
        cl_wrap(&x->err, "%s", what);
        api_redact(x->p, &x->request.secrets, x->err.text);
    }
    return how;
}

static void transmit(struct api_exec *x)
{
    struct api_request *r = &x->request;
    struct cl_strv headers = {0};
    char *mapped = dns_origin_mapped(&x->p->origin_map, r->url);
    struct dns_url u;

    for (size_t i = 0; i < r->n_headers; i++) {
        cl_strv_take(&headers, cl_printf("%s: %s", r->names[i], r->values[i]));
    }
    if (mapped != NULL && dns_url_split(r->url, &u) == 0 && api_request_get(r, "Host") == NULL) {
        cl_strv_take(&headers, cl_printf("Host: %.*s", (int)u.host_len, u.host));
    }
    struct http_request req = {.method = r->method,
                               .url = mapped != NULL ? mapped : r->url,
                               .headers = &headers,
                               .body = r->body,
                               .body_len = r->body_len,
                               .trust = x->p->trust,
                               .timeout = REQUEST_TIMEOUT,
                               .max_body = ANSWER_MAX,
                               .once = x->once,
                               .allow_http = true}; /* the origin was checked */
    memset(&x->http, 0, sizeof x->http);
    x->http.op.done = answered;
    x->http.op.user = x;
    x->sending = true;
    http_start(x->p->http, &req, &x->http);
    cl_strv_deinit(&headers);
    cl_free_secret(mapped);
}

enum api_step api_send(struct api_exec *x, struct api_frame *f)
{
    cl_time now = loop_now(x->p->loop);
    enum api_step ready = x->login ? API_DONE : api_session_need(x);

    if (ready != API_DONE) {
        return ready;
    }
    cl_time wait = api_limits_take(x->p, x->zone, x->fqdn, now);
    if (wait > now + 2 * CL_MINUTE) {
        (void)cl_fail(&x->err, CL_ERR_RATE_LIMITED, "ProviderRateLimited",
                      "the provider's rate limit is used up");
        x->err.retry_at = wait;
        return API_FAILED;
    }
    if (wait != 0) {
        loop_at(x->p->loop, &x->timer, wait, timer_fired, x);
        return API_WAIT;
    }
    struct api_render in = {.p = x->p,
                            .env = x->env,
                            .call = f->call,
                            .plain = f->call->plain || x->login,
                            .next_url = f->next_url};
    api_request_deinit(&x->request);
    if (api_request_render(&in, &x->request, &x->err) < 0) {
        return wrap(x, API_FAILED);
    }
    if (x->p->trace != NULL) {
        char *line = api_request_line(x->p, &x->request);
        x->p->trace(x->p->trace_user, line);
        cl_free(line);
    }
    x->generation = x->p->session.generation;
    transmit(x);
    return API_WAIT;
}

static void trace_answer(const struct api_exec *x)
{
    char clean[CL_CLEAN_TEXT];

    cl_clean(clean, sizeof clean, cl_buf_str(&x->http.body), x->http.body.len);
    char *line = cl_printf("-> %ld %s", x->http.status, clean);
    api_redact(x->p, &x->request.secrets, line);
    x->p->trace(x->p->trace_user, line);
    cl_free(line);
}

static void answered(struct cl_op *op, const struct cl_err *err)
{
    struct api_exec *x = op->user;
    struct api_frame *f = &x->frames[x->depth - 1];

    x->sending = false;
    if (x->p->trace != NULL) {
        trace_answer(x);
    }
    if (x->cancelled) {
        (void)cl_fail(&x->err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
        api_exec_resume(x, API_FAILED);
        return;
    }
    enum api_step how = wrap(x, api_answer(x, f, err));
    if (how == API_DONE) {
        f->state = CALL_EXPAND;
        how = API_AGAIN;
    }
    api_exec_resume(x, how);
}
