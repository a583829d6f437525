/* SPDX-License-Identifier: Apache-2.0 */
/* acme_transport: queue, nonces, signing. What becomes of an answer is in acme_answer.c. */
#include "backends/acme/acme_transport.h"

#include "backends/acme/acme_jws.h"
#include "backends/acme/acme_transport_impl.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define USER_DEADLINE (30 * CL_SECOND)
#define SHORT_DEADLINE (10 * CL_SECOND)
#define CHAIN_MAX ((size_t)64 << 10)
#define BODY_MAX ((size_t)1 << 20)

static void pump_task(struct loop_task *task);
static void dispatch(struct acme_call *call, char *take_nonce);
static void fetch_nonce(struct acme_transport *t);

/* ---- life ---- */

struct acme_transport *acme_transport_create(const struct acme_transport_params *p)
{
    struct acme_transport *t = cl_new(struct acme_transport);

    t->p = *p;
    t->p.directory_url = NULL;
    t->directory_url = cl_strdup(p->directory_url);
    t->allow_http = acme_url_is_loopback_http(p->directory_url);
    t->directory_is_public = !acme_url_host_is_private(p->directory_url);
    if (t->p.max_connections == 0) {
        t->p.max_connections = 1;
    }
    cl_list_init(&t->queue);
    cl_list_init(&t->orders);
    cl_list_init(&t->resting);
    acme_nonces_init(&t->nonces, 2 * (size_t)t->p.max_connections + 8);
    cl_rng_seed(&t->rng, loop_entropy(p->loop));
    cl_strv_add(&t->headers, "Content-Type: application/jose+json");
    cl_strv_add(&t->chain_headers, "Content-Type: application/jose+json");
    cl_strv_add(&t->chain_headers, "Accept: application/pem-certificate-chain");
    return t;
}

void acme_transport_destroy(struct acme_transport *t)
{
    if (t == NULL) {
        return;
    }
    cl_assert(t->running == 0 && cl_list_empty(&t->queue) && cl_list_empty(&t->orders));
    loop_task_cancel(&t->pump);
    loop_timer_stop(t->p.loop, &t->pause_timer);
    if (t->nonce != NULL) {
        t->nonce->transport = NULL; /* it frees itself when its request ends */
        cl_op_cancel(&t->nonce->transfer.op);
    }
    acme_nonces_deinit(&t->nonces);
    cl_strv_deinit(&t->headers);
    cl_strv_deinit(&t->chain_headers);
    cl_free(t->directory_url);
    cl_free(t->new_nonce);
    cl_free(t->kid);
    cl_free(t);
}

void acme_transport_set_trust(struct acme_transport *t, const struct http_trust *trust)
{
    t->p.trust = trust;
}

void acme_transport_set_proxy(struct acme_transport *t, const char *proxy, const char *user)
{
    t->proxy = proxy;
    t->proxy_user = user;
}

void acme_transport_set_key(struct acme_transport *t, const struct key *key, const char *jwk)
{
    t->key = key;
    t->jwk = jwk;
}

void acme_transport_set_account(struct acme_transport *t, const char *kid)
{
    cl_free(t->kid);
    t->kid = cl_strdup(kid);
}

void acme_transport_set_new_nonce(struct acme_transport *t, const char *url)
{
    cl_free(t->new_nonce);
    t->new_nonce = cl_strdup(url);
}

void acme_transport_info(struct acme_transport *t, struct acme_transport_info *ret)
{
    *ret = (struct acme_transport_info){
        .errors = t->errors,
        .queued = t->queued,
        .running = t->running,
        .nonces = acme_nonces_count(&t->nonces, loop_now(t->p.loop)),
        .paused_until = t->paused_until,
    };
    memcpy(ret->requests, t->requests, sizeof ret->requests);
}

/* ---- the queue ---- */

void acme_transport_kick(struct acme_transport *t)
{
    loop_defer(t->p.loop, &t->pump, pump_task, t);
}

void acme_call_enqueue(struct acme_call *call, bool first)
{
    struct acme_transport *t = call->transport;
    struct cl_list *queue = call->what == ACME_NEW_ORDER ? &t->orders : &t->queue;

    if (t->pause_err.kind != CL_ERR_NONE) { /* a long Busy */
        call->err = t->pause_err;
        acme_call_end_later(call);
        return;
    }
    call->state = CALL_QUEUED;
    t->queued++;
    cl_list_add_tail(first ? queue->next : queue, &call->link); /* before the first, or last */
    acme_transport_kick(t);
}

static void call_init(struct acme_transport *t, const char *url, struct acme_call *call)
{
    call->transport = t;
    call->url = cl_strdup(url);
    call->payload = NULL;
    call->key = NULL;
    call->jwk = NULL;
    call->fresh = false;
    call->unauthenticated = false;
    call->cancelled = false;
    call->gate = false;
    call->nonces = 0;
    call->timeouts = 0;
    call->tries = 0;
    call->http = NULL;
    memset(&call->reply, 0, sizeof call->reply);
    memset(&call->timer, 0, sizeof call->timer);
    memset(&call->task, 0, sizeof call->task);
    memset(&call->transfer, 0, sizeof call->transfer);
    cl_list_init(&call->link);
    call->op.impl = call;
    call->op.cancel = acme_call_cancel;
}

void acme_call_start(struct acme_transport *t, const struct acme_request *req,
                     struct acme_call *call)
{
    call_init(t, req->url, call);
    call->what = req->what;
    call->payload = cl_strdup(cl_str_or(req->payload, ""));
    call->fresh = req->fresh;
    acme_call_enqueue(call, false);
}

void acme_call_start_by(struct acme_transport *t, const struct acme_request *req,
                        const struct key *key, const char *jwk, struct acme_call *call)
{
    acme_call_start(t, req, call);
    call->key = key;
    call->jwk = cl_strdup(jwk);
}

void acme_call_get(struct acme_transport *t, const char *url, struct acme_call *call)
{
    call_init(t, url, call);
    call->what = ACME_DIRECTORY;
    call->unauthenticated = true;
    acme_call_enqueue(call, false);
}

void acme_transport_order_saved(struct acme_transport *t)
{
    t->order_unsaved = false;
    acme_transport_kick(t);
}

/* The next call that may go. Orders that are under way come before new ones: what has begun ends
 * sooner, and fewer orders are open at a time. */
static struct acme_call *next_call(struct acme_transport *t)
{
    struct cl_list *l = NULL;

    if (!cl_list_empty(&t->queue)) {
        l = t->queue.next;
    } else if (!cl_list_empty(&t->orders) && !t->order_unsaved) {
        l = t->orders.next;
    }
    return l != NULL ? cl_container(l, struct acme_call, link) : NULL;
}

static void pump(struct acme_transport *t)
{
    struct acme_call *call;

    if (t->paused_until != 0) {
        return;
    }
    while (t->running + (t->nonce != NULL) < t->p.max_connections &&
           (call = next_call(t)) != NULL) {
        char *nonce =
            call->unauthenticated ? NULL : acme_nonces_take(&t->nonces, loop_now(t->p.loop));
        if (nonce == NULL && !call->unauthenticated) {
            fetch_nonce(t);
            return;
        }
        acme_call_unqueue(call);
        dispatch(call, nonce);
    }
}

static void pump_task(struct loop_task *task)
{
    pump(task->user);
}

void acme_call_unqueue(struct acme_call *call)
{
    cl_assert(call->state == CALL_QUEUED);
    cl_list_remove(&call->link);
    call->transport->queued--;
    call->state = CALL_IDLE;
}

/* ---- sending ---- */

/* https always; addresses as acme_url.h says. */
static void fill_request(const struct acme_transport *t, const char *url, struct http_request *r)
{
    r->url = url;
    r->trust = t->p.trust;
    r->proxy = t->proxy;
    r->proxy_user = t->proxy_user;
    r->connect_timeout = SHORT_DEADLINE;
    r->allow_http = t->allow_http;
    r->refuse_private = t->directory_is_public && !acme_url_same_origin(url, t->directory_url);
}

static int sign(struct acme_call *call, const char *nonce, char **ret_body)
{
    struct acme_transport *t = call->transport;
    bool registering = call->what == ACME_NEW_ACCOUNT || call->key != NULL;
    struct acme_jws jws = {
        .key = call->key != NULL ? call->key : t->key,
        .url = call->url,
        .nonce = nonce,
        .kid = registering ? NULL : t->kid,
        .jwk = call->key != NULL ? call->jwk
               : registering     ? t->jwk
                                 : NULL,
        .payload = call->payload,
    };

    if (jws.key == NULL || (!registering && t->kid == NULL)) {
        return cl_fail(&call->err, CL_ERR_TRANSIENT, "IssuerNotReady",
                       "the Issuer has no account at the CA yet");
    }
    return acme_jws_sign(&jws, ret_body, &call->err);
}

static void dispatch(struct acme_call *call, char *take_nonce)
{
    struct acme_transport *t = call->transport;
    bool short_deadline = call->what == ACME_DEACTIVATE;
    char *body = NULL;
    struct http_request r = {
        .method = call->unauthenticated ? "GET" : "POST",
        .headers = call->what == ACME_CERTIFICATE ? &t->chain_headers
                   : call->unauthenticated        ? NULL
                                                  : &t->headers,
        .timeout = short_deadline ? SHORT_DEADLINE : USER_DEADLINE,
        .max_body = call->what == ACME_CERTIFICATE ? CHAIN_MAX : BODY_MAX,
    };

    if (!call->unauthenticated && sign(call, take_nonce, &body) < 0) {
        acme_nonces_put(&t->nonces, take_nonce, loop_now(t->p.loop));
        cl_free(take_nonce);
        acme_call_end_later(call);
        return;
    }
    cl_free(take_nonce);
    fill_request(t, call->url, &r);
    r.body = body;
    r.body_len = body != NULL ? strlen(body) : 0;
    t->running++;
    t->requests[call->what]++;
    if (call->what == ACME_NEW_ORDER) {
        call->gate = true;
        t->order_unsaved = true;
    }
    call->state = CALL_SENT;
    memset(&call->transfer, 0, sizeof call->transfer);
    call->transfer.op.done = acme_call_answered;
    call->transfer.op.user = call;
    http_start(t->p.http, &r, &call->transfer);
    cl_free(body);
}

/* ---- nonces ---- */

static void nonce_done(struct cl_op *op, const struct cl_err *err)
{
    struct acme_nonce_fetch *f = op->user;
    struct acme_transport *t = f->transport;
    struct cl_err problem;

    if (t == NULL) {
        cl_free(f);
        return;
    }
    t->nonce = NULL;
    t->errors += err != NULL;
    if (err == NULL) {
        size_t before = t->nonces.len;
        acme_nonces_put(&t->nonces, http_header(&f->transfer, "replay-nonce"), loop_now(t->p.loop));
        if (t->nonces.len == before) {
            acme_answer_without_nonce(t, &f->transfer, &problem);
            t->errors++;
            err = &problem;
        }
    }
    struct acme_call *call = next_call(t);
    if (err != NULL && call != NULL) { /* the request that needs it has failed */
        acme_call_unqueue(call);
        acme_call_failed(call, err);
    }
    acme_transport_kick(t);
    cl_free(f);
}

/* One at a time: requests that run bring nonces, too. */
static void fetch_nonce(struct acme_transport *t)
{
    struct http_request r = {.method = "HEAD", .timeout = USER_DEADLINE, .max_body = BODY_MAX};

    if (t->nonce != NULL) {
        return;
    }
    struct acme_nonce_fetch *f = cl_new(struct acme_nonce_fetch);
    f->transport = t;
    f->transfer.op.done = nonce_done;
    f->transfer.op.user = f;
    t->nonce = f;
    t->requests[ACME_NEW_NONCE]++;
    fill_request(t, t->new_nonce, &r);
    http_start(t->p.http, &r, &f->transfer);
}
