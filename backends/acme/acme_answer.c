/* SPDX-License-Identifier: Apache-2.0 */
/* acme_answer: what becomes of an answer, or of its absence: success, another try, or an error. */
#include "backends/acme/acme_problem.h"
#include "backends/acme/acme_transport_impl.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define NONCE_TRIES 5u
#define TRIES 5u
#define ALTERNATES_MAX 10u
#define PATIENCE (1 * CL_MINUTE) /* the longest Retry-After that is waited out here */

static void take_reply(struct acme_call *call);
static void take_names(struct acme_call *call);
static void take_alternates(struct acme_call *call);
static void end(struct acme_call *call, const struct cl_err *err);
static void rest(struct acme_call *call);
static void pause_all(struct acme_transport *t, cl_time until, bool busy);
static void pause_ends(struct acme_transport *t);
static void fail_all(struct acme_transport *t, const struct cl_err *err);
static cl_time backoff(struct acme_transport *t, unsigned tries);
static bool is_gone(const struct cl_err *err);
static void directory_is_stale(struct cl_err *err);

/* ---- from http ---- */

void acme_call_answered(struct cl_op *op, const struct cl_err *err)
{
    struct acme_call *call = op->user;
    struct acme_transport *t = call->transport;
    struct http_op *transfer = &call->transfer;

    t->running--;
    acme_transport_kick(t);
    call->state = CALL_IDLE;
    if (call->cancelled) {
        (void)cl_fail(&call->err, CL_ERR_CANCELLED, "Cancelled", "the request was cancelled");
        end(call, &call->err);
        return;
    }
    if (err != NULL) {
        t->errors++;
        acme_call_failed(call, err);
        return;
    }
    acme_nonces_put(&t->nonces, http_header(transfer, "replay-nonce"), loop_now(t->p.loop));
    take_reply(call);
}

/* What the CA's support asks for. It ends the text, so that it is the first to be cut. */
static void add_answer_id(const struct http_op *reply, struct cl_err *err)
{
    static const char *const NAMES[] = {"x-request-id", "request-id", "boulder-request-id",
                                        "cf-ray"};
    char clean[CL_CLEAN_TEXT];
    size_t len = strlen(err->text);

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *id = http_header(reply, NAMES[i]);
        if (id != NULL) {
            (void)cl_format(err->text + len, sizeof err->text - len, " (%s %.80s)", NAMES[i],
                            cl_clean(clean, sizeof clean, id, strlen(id)));
            return;
        }
    }
}

static void classify(struct acme_call *call, struct cl_err *ret)
{
    const struct http_op *r = &call->transfer;
    struct cl_strv terms = {0};

    http_links(r, "terms-of-service", &terms);
    struct acme_failure f = {
        .status = r->status,
        .retry_after = http_header(r, "retry-after"),
        .terms_link = terms.len > 0 ? terms.items[0] : NULL,
        .body = cl_buf_str(&r->body),
        .len = r->body.len,
    };
    acme_problem_to_err(&f, loop_now(call->transport->p.loop), ret);
    add_answer_id(r, ret);
    cl_strv_deinit(&terms);
    if (call->what == ACME_NEW_ORDER || call->what == ACME_FINALIZE) {
        take_names(call);
    }
}

/* Subproblems (RFC 8555 6.7.1) of the last answer. */
static void take_names(struct acme_call *call)
{
    struct acme_problem p = {0};

    name_problems_deinit(&call->names);
    if (acme_msg_problem(cl_buf_str(&call->transfer.body), call->transfer.body.len, &p) == 0) {
        call->names = p.names;
        p.names = (struct name_problems){0};
        acme_problem_deinit(&p);
    }
}

/* RFC 8555 7.4.2: Link rel="alternate", any number of them. Relative ones are resolved; what is no
 * usable URL is no chain. */
static void take_alternates(struct acme_call *call)
{
    struct cl_strv found = {0};

    http_links(&call->transfer, "alternate", &found);
    cl_strv_for_each(link, &found) {
        char *url = acme_url_resolve(call->url, link);
        if (call->alternates.len < ALTERNATES_MAX &&
            acme_url_ok(url, call->transport->allow_http)) {
            cl_strv_add(&call->alternates, url);
        }
        cl_free(url);
    }
    cl_strv_deinit(&found);
    call->reply.alternates = &call->alternates;
}

static void take_reply(struct acme_call *call)
{
    struct acme_transport *t = call->transport;
    const struct http_op *r = &call->transfer;
    struct cl_err err;
    bool redirect = call->unauthenticated && r->status >= 300 && r->status < 400;

    if ((r->status >= 200 && r->status < 300) || redirect) {
        if (t->paused_until != 0 && !t->pause_is_busy) {
            loop_timer_stop(t->p.loop, &t->pause_timer);
            pause_ends(t); /* the CA is back */
        }
        call->http = r;
        call->reply = (struct acme_reply){
            .status = r->status,
            .location = http_header(r, "location"),
            .retry_after = http_header(r, "retry-after"),
            .body = cl_buf_str(&r->body),
            .len = r->body.len,
        };
        if (call->what == ACME_CERTIFICATE) {
            take_alternates(call);
        }
        end(call, NULL);
        return;
    }
    classify(call, &err);
    t->errors++;
    if (acme_problem_is(&err, "badNonce") && call->nonces < NONCE_TRIES) {
        call->nonces++; /* never processed: safe for every request, also newOrder */
        acme_call_open_gate(call);
        acme_call_enqueue(call, true);
        return;
    }
    acme_call_failed(call, &err);
}

void acme_answer_without_nonce(struct acme_transport *t, const struct http_op *reply,
                               struct cl_err *ret)
{
    struct acme_failure f = {
        .status = reply->status,
        .retry_after = http_header(reply, "retry-after"),
        .body = cl_buf_str(&reply->body),
        .len = reply->body.len,
    };

    if (reply->status >= 200 && reply->status < 300) {
        (void)cl_fail(ret, CL_ERR_BAD_RESULT, "NoNonce",
                      "the CA's answer to newNonce has no usable Replay-Nonce");
        return;
    }
    acme_problem_to_err(&f, loop_now(t->p.loop), ret);
    cl_wrap(ret, "newNonce");
    if (is_gone(ret)) {
        directory_is_stale(ret);
    }
}

/* ---- failures ---- */

enum verdict { GIVE_UP, AGAIN_NOW, AGAIN_LATER, AGAIN_ALL_LATER, ALL_GIVE_UP };

static bool never_sent(const struct cl_err *err)
{
    return strcmp(err->reason, "ConnectFailed") == 0 || strcmp(err->reason, "NameNotResolved") == 0;
}

/* What concerns this request alone. */
static enum verdict judge_one(struct acme_call *call, const struct cl_err *err, cl_time now)
{
    if (strcmp(err->reason, "TimedOut") == 0) {
        return call->timeouts++ > 0 ? GIVE_UP : AGAIN_NOW;
    }
    if (err->http_status == 404 || err->http_status == 410) {
        return call->fresh ? AGAIN_LATER : GIVE_UP;
    }
    if (err->http_status >= 500) {
        return err->retry_at > now + PATIENCE ? GIVE_UP : AGAIN_LATER;
    }
    if (err->http_status != 0 || strcmp(err->reason, "TLSVerifyFailed") == 0 ||
        strcmp(err->reason, "DirectoryStale") == 0) {
        return GIVE_UP; /* for the machines, or for a person */
    }
    return AGAIN_LATER; /* the connection broke */
}

/* Pure but for the counters of the call. */
static enum verdict judge(struct acme_call *call, const struct cl_err *err, cl_time now)
{
    bool last = call->tries >= TRIES;

    if (err->kind == CL_ERR_BUSY) {
        return err->retry_at > now + PATIENCE || last ? ALL_GIVE_UP : AGAIN_ALL_LATER;
    }
    if (call->what == ACME_DEACTIVATE) {
        return GIVE_UP; /* a courtesy */
    }
    if (never_sent(err)) {
        return last ? ALL_GIVE_UP : AGAIN_ALL_LATER;
    }
    if (err->kind != CL_ERR_TRANSIENT || call->what == ACME_NEW_ORDER || last) {
        return GIVE_UP;
    }
    return judge_one(call, err, now);
}

static bool is_gone(const struct cl_err *err)
{
    return err->http_status == 404 || err->http_status == 405 || err->http_status == 410;
}

/* A URL of the directory does not exist any more: nothing is wrong with the resource asked for. */
static void directory_is_stale(struct cl_err *err)
{
    err->kind = CL_ERR_TRANSIENT;
    err->http_status = 0;
    err->type[0] = '\0';
    (void)cl_format(err->reason, sizeof err->reason, "DirectoryStale");
    cl_wrap(err, "the CA's directory has changed");
}

void acme_call_failed(struct acme_call *call, const struct cl_err *err)
{
    struct acme_transport *t = call->transport;
    cl_time now = loop_now(t->p.loop);

    call->err = *err;
    if (strcmp(err->reason, "PrivateAddress") == 0) {
        call->err.kind = CL_ERR_BAD_RESULT;
    }
    if ((call->what == ACME_NEW_ORDER || call->what == ACME_NEW_ACCOUNT) && is_gone(err)) {
        directory_is_stale(&call->err);
    }
    switch (judge(call, &call->err, now)) {
    case GIVE_UP:
        acme_call_end_later(call);
        return;
    case AGAIN_NOW:
        acme_call_enqueue(call, false);
        return;
    case AGAIN_LATER:
        call->tries++;
        rest(call);
        return;
    case AGAIN_ALL_LATER:
        call->tries++;
        pause_all(t, cl_time_max(err->retry_at, now + backoff(t, call->tries)),
                  err->kind == CL_ERR_BUSY);
        acme_call_open_gate(call);
        acme_call_enqueue(call, true);
        return;
    case ALL_GIVE_UP:
        if (err->kind == CL_ERR_BUSY) {
            pause_all(t, err->retry_at, true);
            t->pause_err = *err;
        }
        acme_call_end_later(call);
        fail_all(t, &call->err);
        return;
    }
    cl_impossible("verdict");
}

static cl_time backoff(struct acme_transport *t, unsigned tries)
{
    cl_time base = CL_SECOND << (tries < TRIES ? tries - 1 : TRIES - 1);

    return base + cl_rng_between(&t->rng, 0, base / 2); /* jitter only adds */
}

static void rested(struct loop_timer *timer)
{
    struct acme_call *call = timer->user;

    cl_list_remove(&call->link);
    acme_call_enqueue(call, false);
}

static void rest(struct acme_call *call)
{
    struct acme_transport *t = call->transport;
    cl_time now = loop_now(t->p.loop);

    call->state = CALL_RESTING;
    cl_list_add_tail(&t->resting, &call->link);
    loop_at(t->p.loop, &call->timer, cl_time_max(call->err.retry_at, now + backoff(t, call->tries)),
            rested, call);
}

static void pause_ends(struct acme_transport *t)
{
    t->paused_until = 0;
    t->pause_is_busy = false;
    t->pause_err.kind = CL_ERR_NONE;
    acme_transport_kick(t);
}

static void pause_over(struct loop_timer *timer)
{
    pause_ends(timer->user);
}

static void pause_all(struct acme_transport *t, cl_time until, bool busy)
{
    t->pause_is_busy = t->pause_is_busy || busy;
    if (until > t->paused_until) {
        t->paused_until = until;
        loop_at(t->p.loop, &t->pause_timer, until, pause_over, t);
    }
}

static void fail_all(struct acme_transport *t, const struct cl_err *err)
{
    struct cl_list *const QUEUES[] = {&t->queue, &t->orders};

    for (size_t i = 0; i < 2; i++) {
        cl_list_for_each(l, QUEUES[i]) {
            struct acme_call *call = cl_container(l, struct acme_call, link);
            acme_call_unqueue(call);
            call->err = *err;
            acme_call_end_later(call);
        }
    }
}

/* ---- the end ---- */

void acme_call_open_gate(struct acme_call *call)
{
    if (call->gate) {
        call->gate = false;
        acme_transport_order_saved(call->transport);
    }
}

static void end(struct acme_call *call, const struct cl_err *err)
{
    struct cl_err copy; /* done may free the call */

    if (err != NULL) {
        copy = *err;
        err = &copy;
        acme_call_open_gate(call); /* there is nothing to be saved */
    }
    cl_free(call->url);
    cl_free(call->payload);
    cl_free(call->jwk);
    call->url = NULL;
    call->jwk = NULL;
    call->payload = NULL;
    call->state = CALL_IDLE;
    cl_op_done(&call->op, err);
}

static void end_task(struct loop_task *task)
{
    struct acme_call *call = task->user;

    cl_assert(call != NULL);
    end(call, &call->err);
}

void acme_call_end_later(struct acme_call *call)
{
    call->state = CALL_ENDING;
    loop_defer(call->transport->p.loop, &call->task, end_task, call);
}

void acme_call_cancel(struct cl_op *op)
{
    struct acme_call *call = op->impl;
    struct acme_transport *t = call->transport;

    switch (call->state) {
    case CALL_SENT:
        call->cancelled = true;
        cl_op_cancel(&call->transfer.op);
        return;
    case CALL_QUEUED:
        acme_call_unqueue(call);
        break;
    case CALL_RESTING:
        loop_timer_stop(t->p.loop, &call->timer);
        cl_list_remove(&call->link);
        break;
    case CALL_IDLE:
    case CALL_ENDING:
        return; /* done comes anyway */
    }
    (void)cl_fail(&call->err, CL_ERR_CANCELLED, "Cancelled", "the request was cancelled");
    acme_call_end_later(call);
}
