/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_finish: the names are proved; now the certificate: FINALIZE sends the CSR, POLL waits
 * for the CA to sign (RFC 8555 7.4). */
#include "backends/acme/acme_order_impl.h"
#include "backends/acme/acme_problem.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define FINALIZE_TRIES 5u

/* The order does not get on: another one may. */
static enum acme_step give_up(struct acme_order *o, const char *why)
{
    struct cl_err err;

    (void)cl_fail(&err, CL_ERR_TRANSIENT, "OrderHangs",
                  "the CA does not finish the order: %s; it is given up and made anew", why);
    o->hung = true;
    return acme_order_fail(o, &err);
}

enum acme_step acme_order_request_failed(struct acme_order *o, const struct cl_err *err,
                                         const char *where)
{
    if (strcmp(err->reason, "TimedOut") == 0) {
        return give_up(o, "it does not answer in time");
    }
    if (acme_order_is_lost(err) && err->http_status >= 404) { /* nothing to come back to */
        cl_free(o->url);
        o->url = NULL;
    }
    return acme_order_fail_in(o, err, where);
}

/* After a reply to finalize or a poll: on, or when to look again. */
static enum acme_step look_again(struct acme_order *o, const char *retry_after)
{
    if (o->early) {
        o->next_poll = o->now + o->p.fetches->finalize;
    } else {
        o->next_poll = acme_order_poll_at(o, retry_after, o->polls);
    }
    return STEP_WAIT;
}

static enum acme_step after_order(struct acme_order *o, const struct acme_reply *reply)
{
    struct cl_err err = {0};

    if (!acme_order_read(o, reply, &err)) {
        return acme_order_fail_in(o, &err, "order");
    }
    if (o->profile != NULL && acme_order_wrong_profile(o, &err)) {
        return acme_order_fail_in(o, &err, "order");
    }
    switch (o->status) {
    case ACME_STATUS_VALID:
        if (o->certificate_url != NULL) {
            return acme_order_go(o, ORDER_DOWNLOAD);
        }
        break; /* its URL comes late */
    case ACME_STATUS_READY:
        if (o->state == ORDER_POLL && o->finalized < FINALIZE_TRIES) {
            return acme_order_go(o, ORDER_FINALIZE);
        }
        break;
    case ACME_STATUS_PENDING: /* after orderNotReady: the validation has not arrived everywhere */
    case ACME_STATUS_PROCESSING:
        break;
    case ACME_STATUS_NONE:
    case ACME_STATUS_INVALID:
    case ACME_STATUS_DEACTIVATED:
    case ACME_STATUS_EXPIRED:
    case ACME_STATUS_REVOKED:
    case ACME_STATUS_COUNT:
        return acme_order_is_dead(o, &err);
    }
    if (o->state == ORDER_FINALIZE) {
        (void)acme_order_go(o, ORDER_POLL);
    }
    return look_again(o, reply->retry_after);
}

enum acme_step acme_order_finalize(struct acme_order *o, const struct acme_event *ev)
{
    switch (ev->type) {
    case EV_ENTER:
        if (o->finalized++ == 0) {
            o->ready_at = o->now;
            o->polls = 0;
        }
        o->early = o->p.eager_first && o->finalized == 1;
        acme_order_ask(o, ACME_FINALIZE, 0, o->finalize_url, acme_msg_finalize(o->p.csr));
        return STEP_WAIT;
    case EV_REPLY:
        return after_order(o, ev->reply);
    case EV_FAILED:
        if (acme_problem_is(ev->err, "orderNotReady") || ev->err->http_status == 409) {
            o->early = false;
            (void)acme_order_go(o, ORDER_POLL);
            return look_again(o, NULL);
        }
        acme_order_blame(o, ev->names);
        return acme_order_request_failed(o, ev->err, "finalize");
    case EV_FETCHED:
    case EV_TIMER:
        return STEP_WAIT;
    case EV_SAVED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_FINALIZE");
}

static enum acme_step poll_now(struct acme_order *o)
{
    if (o->now < o->next_poll) {
        return STEP_WAIT;
    }
    if (acme_order_expired(o) || o->now >= o->ready_at + ACME_HANG) {
        return give_up(o, "it is not decided 15 minutes after finalize");
    }
    o->next_poll = 0;
    o->polls++;
    acme_order_ask(o, ACME_ORDER, 0, o->url, NULL);
    return STEP_WAIT;
}

enum acme_step acme_order_poll(struct acme_order *o, const struct acme_event *ev)
{
    switch (ev->type) {
    case EV_ENTER: /* of a resumed order; after finalize it is entered with the timer set */
        o->ready_at = o->now;
        o->next_poll = acme_order_poll_at(o, NULL, 0);
        return STEP_WAIT;
    case EV_REPLY:
        if (o->early) {
            o->early = false;
            enum acme_step step = after_order(o, ev->reply);
            acme_fetches_finalized(o->p.fetches, o->state != ORDER_POLL);
            return step;
        }
        return after_order(o, ev->reply);
    case EV_FAILED:
        return acme_order_request_failed(o, ev->err, "poll the order");
    case EV_TIMER:
        return o->next_poll != 0 ? poll_now(o) : STEP_WAIT;
    case EV_FETCHED:
        return STEP_WAIT;
    case EV_SAVED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_POLL");
}
