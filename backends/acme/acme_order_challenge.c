/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_challenge: the second half of proving the names, and tidying up.
 *
 * CHALLENGE waits for a place in the window, tells the CA to look, and polls: first when our own
 * responder has seen the CA fetch (acme_fetches), else early once if EagerFirst says so, else by
 * Retry-After. It ends when all are decided; after the first failure no further challenge is sent.
 * CLEANUP takes all answers away and deactivates what is left pending of a dead order. */
#include "backends/acme/acme_order_impl.h"
#include "backends/acme/acme_problem.h"
#include "backends/solvers/solvers.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"

#include <string.h>

#define FALLBACK_POLL (1 * CL_SECOND)

cl_time acme_order_authz_next_at(const struct acme_order *o)
{
    cl_time next = o->expires != 0 ? o->expires - o->p.skew : CL_NEVER;

    for (size_t i = 0; i < o->n_authz; i++) {
        if (o->authz[i].step == AUTHZ_WATCHING) {
            next = cl_time_min(next, o->authz[i].next_poll);
        }
    }
    return next;
}

/* Is it polled early because nothing will tell when the CA has looked? */
static bool polls_unseen(const struct acme_order *o, const struct acme_authz *a)
{
    return o->p.eager_first && !solver_sees_fetches(a->solver);
}

/* The first poll: one round trip after the k-th fetch, or at the fallback time. */
static void first_poll(struct acme_order *o, struct acme_authz *a)
{
    cl_time at = a->told_at + FALLBACK_POLL;

    if (polls_unseen(o, a)) {
        at = a->told_at + o->p.fetches->unseen;
    } else if (solver_sees_fetches(a->solver) &&
               a->fetches >= acme_fetches_wanted(o->p.fetches, o->now)) {
        a->delay = o->p.fetches->delay;
        at = o->now + a->delay;
    }
    a->next_poll = cl_time_max(at, a->not_before);
}

static void fetched(struct acme_order *o, size_t index)
{
    struct acme_authz *a = &o->authz[index];

    a->fetches++;
    if (a->step == AUTHZ_WATCHING && a->polls == 0 && a->delay == 0) {
        first_poll(o, a);
    }
}

static void start_watching(struct acme_order *o, struct acme_authz *a, const char *retry_after)
{
    a->step = AUTHZ_WATCHING;
    a->told = true;
    a->told_at = o->now;
    a->not_before = acme_retry_after(retry_after, o->now);
    first_poll(o, a);
}

static void admit(struct acme_order *o, size_t index)
{
    struct acme_authz *a = &o->authz[index];

    a->admitted = true;
    if (a->told) { /* a resumed order: the CA validates already */
        start_watching(o, a, NULL);
        return;
    }
    a->step = AUTHZ_POSTING;
    acme_order_ask(o, ACME_CHALLENGE, index, a->challenge_url, cl_strdup(ACME_PAYLOAD_CHALLENGE));
}

static void take_away(struct acme_order *o, size_t index)
{
    o->authz[index].answer = ANSWER_CLEANING;
    (void)acme_order_act(o, ACT_CLEANUP, index);
}

/* Does an answer wait until others are gone? */
static bool room_is_wanted(const struct acme_order *o)
{
    for (size_t i = 0; i < o->n_authz; i++) {
        if (o->authz[i].waits) {
            return true;
        }
    }
    return false;
}

static void ask_for_place(struct acme_order *o, size_t index)
{
    o->authz[index].step = AUTHZ_WAITING;
    (void)acme_order_act(o, ACT_ADMIT, index);
}

static void decided(struct acme_order *o, size_t index, bool valid)
{
    struct acme_authz *a = &o->authz[index];

    a->step = valid ? AUTHZ_VALID : AUTHZ_FAILED;
    a->admitted = false;
    acme_order_act(o, ACT_VERDICT, index)->ok = valid;
    if (valid) {
        acme_fetches_learn(o->p.fetches, a->fetches, a->polls, a->delay);
        if (room_is_wanted(o)) {
            take_away(o, index);
        }
        return;
    }
    for (size_t i = 0; i < o->n_authz; i++) { /* the order is lost: nobody else needs to go */
        if (o->authz[i].step == AUTHZ_WAITING) {
            o->authz[i].step = AUTHZ_CHOSEN;
            (void)acme_order_act(o, ACT_RELEASE, i);
        }
    }
}

/* All failing names in one error; the class is the first one's. */
static enum acme_step fail_validation(struct acme_order *o)
{
    struct cl_err err = {0};
    struct cl_buf text;

    cl_buf_init(&text, sizeof err.text - 1);
    for (size_t i = 0; i < o->n_authz; i++) {
        const struct acme_authz *a = &o->authz[i];
        if (a->step != AUTHZ_FAILED) {
            continue;
        }
        if (err.kind == CL_ERR_NONE) {
            err = a->err;
        }
        if (cl_buf_addf(&text, "%s%s%s: %s", text.len > 0 ? "; " : "", a->wildcard ? "*." : "",
                        a->identifier, a->err.text) < 0) {
            (void)cl_buf_adds(&text, " ...");
            break;
        }
    }
    (void)cl_format(err.text, sizeof err.text, "%s", text.len > 0 ? cl_buf_str(&text) : err.text);
    cl_buf_deinit(&text);
    cl_wrap(&err, "the CA could not validate");
    err.retry_at = 0;
    if (acme_order_try_again(o, &err)) {
        return acme_order_go(o, ORDER_CLEANUP);
    }
    return acme_order_fail(o, &err);
}

/* On when nothing is undecided. After a failure, what has not been told yet stays untold. */
static enum acme_step settle(struct acme_order *o)
{
    bool failed = false;
    bool open = false;
    bool waiting = false;

    for (size_t i = 0; i < o->n_authz; i++) {
        switch (o->authz[i].step) {
        case AUTHZ_READING:
        case AUTHZ_CHOSEN:
        case AUTHZ_WAITING:
            waiting = true;
            break;
        case AUTHZ_POSTING:
        case AUTHZ_WATCHING:
        case AUTHZ_POLLING:
            open = true;
            break;
        case AUTHZ_FAILED:
            failed = true;
            break;
        case AUTHZ_REUSED:
        case AUTHZ_VALID:
            break;
        }
    }
    if (open || (waiting && !failed)) {
        return STEP_WAIT;
    }
    return failed ? fail_validation(o) : acme_order_go(o, ORDER_FINALIZE);
}

static enum acme_step polled(struct acme_order *o, size_t index, const struct acme_reply *reply)
{
    struct acme_authz *a = &o->authz[index];
    struct acme_authz_msg msg;
    struct cl_err err = {0};

    if (acme_msg_authz(reply->body, reply->len, o->p.allow_http, &msg, &err) < 0) {
        return acme_order_fail(o, &err);
    }
    a->status = msg.status;
    if (a->polls == 1 && polls_unseen(o, a)) {
        acme_fetches_unseen(o->p.fetches, msg.status != ACME_STATUS_PENDING &&
                                              msg.status != ACME_STATUS_PROCESSING);
    }
    switch (msg.status) {
    case ACME_STATUS_VALID:
        decided(o, index, true);
        break;
    case ACME_STATUS_PENDING:
    case ACME_STATUS_PROCESSING:
        a->step = AUTHZ_WATCHING;
        a->next_poll = acme_order_poll_at(o, reply->retry_after, a->polls - 1);
        break;
    case ACME_STATUS_NONE:
    case ACME_STATUS_READY:
    case ACME_STATUS_INVALID:
    case ACME_STATUS_DEACTIVATED:
    case ACME_STATUS_EXPIRED:
    case ACME_STATUS_REVOKED:
    case ACME_STATUS_COUNT:
        acme_authz_verdict(&msg, &a->err);
        decided(o, index, false);
        break;
    }
    acme_authz_msg_deinit(&msg);
    return settle(o);
}

static enum acme_step challenge_failed(struct acme_order *o, const struct acme_event *ev)
{
    struct acme_authz *a = &o->authz[ev->index];
    struct cl_err err = *ev->err;

    if (ev->what == ACME_CHALLENGE &&
        (err.http_status == 409 || acme_problem_is(&err, "malformed"))) {
        start_watching(o, a, NULL); /* being validated, or decided already: the poll will tell */
        return STEP_WAIT;
    }
    cl_wrap(&err, "%s %s", ev->what == ACME_CHALLENGE ? "start the validation of" : "poll",
            a->identifier);
    return acme_order_fail(o, &err);
}

static enum acme_step challenge_timer(struct acme_order *o)
{
    struct cl_err err;

    if (acme_order_expired(o)) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "OrderExpired",
                      "the order expired before all names were validated");
        o->hung = true;
        return acme_order_fail(o, &err);
    }
    for (size_t i = 0; i < o->n_authz; i++) {
        struct acme_authz *a = &o->authz[i];
        if (a->step != AUTHZ_WATCHING || a->next_poll > o->now) {
            continue;
        }
        if (o->expires == 0 && o->now >= a->told_at + CL_DAY) {
            (void)cl_fail(&err, CL_ERR_TRANSIENT, "OrderHangs",
                          "the CA has not decided about %s in a day", a->identifier);
            o->hung = true;
            return acme_order_fail(o, &err);
        }
        a->step = AUTHZ_POLLING;
        a->polls++;
        acme_order_ask(o, ACME_AUTHZ, i, a->url, NULL);
    }
    return STEP_WAIT;
}

enum acme_step acme_order_challenge(struct acme_order *o, const struct acme_event *ev)
{
    struct cl_err err = {0};

    switch (ev->type) {
    case EV_ENTER:
        for (size_t i = 0; i < o->n_authz; i++) {
            if (o->authz[i].step == AUTHZ_CHOSEN && o->authz[i].answer == ANSWER_PRESENTED) {
                ask_for_place(o, i);
            }
        }
        return STEP_WAIT;
    case EV_ADMITTED:
        admit(o, ev->index);
        return STEP_WAIT;
    case EV_REPLY:
        if (ev->what == ACME_AUTHZ) {
            return polled(o, ev->index, ev->reply);
        }
        start_watching(o, &o->authz[ev->index], ev->reply->retry_after);
        return STEP_WAIT;
    case EV_FAILED:
        return challenge_failed(o, ev);
    case EV_FETCHED:
        fetched(o, ev->index);
        return STEP_WAIT;
    case EV_TIMER:
        return challenge_timer(o);
    case EV_PRESENTED: /* it had waited for the end of another one */
        if (acme_order_presented(o, ev, &err) < 0) {
            return acme_order_fail(o, &err);
        }
        ask_for_place(o, ev->index);
        return STEP_WAIT;
    case EV_WAITS:
        return STEP_WAIT;
    case EV_CLEANED:
        o->authz[ev->index].answer = ANSWER_CLEANED;
        return STEP_WAIT;
    case EV_SAVED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_CHALLENGE");
}

/* ---- CLEANUP ---- */

static bool still_pending(const struct acme_authz *a)
{
    return a->step != AUTHZ_REUSED && a->step != AUTHZ_VALID && a->step != AUTHZ_FAILED &&
           a->step != AUTHZ_READING && a->status != ACME_STATUS_DEACTIVATED;
}

static void enter_cleanup(struct acme_order *o)
{
    /* A dead order; one that expired or hangs has nothing worth a request. */
    bool deactivate = o->p.abandon || o->again_at != 0 ||
                      (o->err.kind != CL_ERR_NONE && o->url == NULL && !o->hung);

    if (o->err.kind != CL_ERR_NONE) {
        (void)acme_order_act(o, ACT_ABORT, 0);
    }
    for (size_t i = 0; i < o->n_authz; i++) {
        struct acme_authz *a = &o->authz[i];
        if (a->step == AUTHZ_WAITING || a->admitted) {
            a->admitted = false;
            (void)acme_order_act(o, ACT_RELEASE, i);
        }
        if (a->answer == ANSWER_PRESENTED) {
            take_away(o, i);
        } else if (a->answer == ANSWER_PRESENTING) {
            (void)acme_order_act(o, ACT_STOP, i);
        }
        if (deactivate && still_pending(a)) {
            a->deactivating = true;
            acme_order_ask(o, ACME_DEACTIVATE, i, a->url, cl_strdup(ACME_PAYLOAD_DEACTIVATE));
        }
    }
}

static enum acme_step when_clean(struct acme_order *o)
{
    for (size_t i = 0; i < o->n_authz; i++) {
        const struct acme_authz *a = &o->authz[i];
        if (a->deactivating || a->answer == ANSWER_PRESENTING || a->answer == ANSWER_CLEANING) {
            return STEP_WAIT;
        }
    }
    return acme_order_go(o, o->again_at != 0 ? ORDER_AGAIN : ORDER_DONE);
}

enum acme_step acme_order_cleanup(struct acme_order *o, const struct acme_event *ev)
{
    switch (ev->type) {
    case EV_ENTER:
        enter_cleanup(o);
        break;
    case EV_PRESENTED: /* was under way when the order failed */
        take_away(o, ev->index);
        break;
    case EV_CLEANED:
        o->authz[ev->index].answer = ANSWER_CLEANED;
        break;
    case EV_REPLY:
    case EV_FAILED: /* of a deactivation: nothing more can be done about it */
        if (ev->what == ACME_DEACTIVATE) {
            o->authz[ev->index].deactivating = false;
            o->authz[ev->index].status = ACME_STATUS_DEACTIVATED;
        }
        break;
    case EV_CANCEL:
        if (o->again_at != 0) {
            o->again_at = 0;
            (void)cl_fail(&o->err, CL_ERR_CANCELLED, "Cancelled",
                          "the order is not wanted any more");
        }
        break;
    case EV_SAVED:
    case EV_WAITS:
    case EV_ADMITTED:
    case EV_FETCHED:
    case EV_TIMER:
        break;
    }
    return when_clean(o);
}
