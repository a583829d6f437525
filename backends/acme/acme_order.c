/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order: the order from newOrder to the certificate.
 *
 * Happy path: CREATE posts newOrder; SAVE has the URL made durable before anything else happens;
 * AUTHORIZE, PRESENT (acme_order_authz.c) and CHALLENGE (acme_order_challenge.c) prove the names;
 * FINALIZE sends the CSR, POLL waits for the certificate and DOWNLOAD gets it (acme_order_finish.c);
 * CLEANUP takes the answers away (acme_order_challenge.c).
 *
 * Failures: RESUME of an order that is lost or dead makes a new one. orderNotReady at finalize polls
 * and finalizes again. An order on which requests time out, or that is not decided 15 minutes after
 * finalize, is given up (hung). An error after which the order can be resumed leaves o->url set; a
 * dead order clears it and has its pending authorizations deactivated. */
#include "backends/acme/acme_order.h"

#include "backends/acme/acme_order_impl.h"
#include "backends/acme/acme_problem.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_log.h"

#include <string.h>

typedef enum acme_step order_fn(struct acme_order *o, const struct acme_event *ev);
static order_fn order_create, order_resume, order_save, order_done;
static enum acme_step route(struct acme_order *o);

#define TO(s) (1u << ORDER_##s)
#define FROM_ORDER (TO(AUTHORIZE) | TO(FINALIZE) | TO(POLL) | TO(DOWNLOAD) | TO(CLEANUP))

/* The whole flow on one page (RFC 8555 7.1.6): name, code, states it may move to. */
static const struct order_row {
    const char *name;
    order_fn *run;
    unsigned next;
} STATES[ORDER_STATE_COUNT] = {
    [ORDER_CREATE] = {"create", order_create, TO(CREATE) | TO(SAVE) | TO(CLEANUP)},
    [ORDER_RESUME] = {"resume", order_resume, TO(CREATE) | FROM_ORDER},
    [ORDER_SAVE] = {"save", order_save, FROM_ORDER},
    [ORDER_AUTHORIZE] = {"authorize", acme_order_authorize,
                         TO(CREATE) | TO(PRESENT) | TO(FINALIZE) | TO(CLEANUP)},
    [ORDER_PRESENT] = {"present", acme_order_present, TO(CHALLENGE) | TO(CLEANUP)},
    [ORDER_CHALLENGE] = {"challenge", acme_order_challenge, TO(FINALIZE) | TO(CLEANUP)},
    [ORDER_FINALIZE] = {"finalize", acme_order_finalize, TO(POLL) | TO(DOWNLOAD) | TO(CLEANUP)},
    [ORDER_POLL] = {"poll", acme_order_poll, TO(FINALIZE) | TO(DOWNLOAD) | TO(CLEANUP)},
    [ORDER_DOWNLOAD] = {"download", acme_order_download, TO(CLEANUP)},
    [ORDER_CLEANUP] = {"clean up", acme_order_cleanup, TO(AGAIN) | TO(DONE)},
    [ORDER_AGAIN] = {"wait to try again", acme_order_again, TO(CREATE) | TO(CLEANUP)},
    [ORDER_DONE] = {"done", order_done, 0},
};

const char *acme_order_state_name(enum acme_order_state s)
{
    return STATES[s].name;
}

bool acme_order_may_go(enum acme_order_state from, enum acme_order_state to)
{
    return (STATES[from].next & (1u << to)) != 0;
}

/* ---- life ---- */

struct acme_order *acme_order_create(const struct acme_order_params *p)
{
    struct acme_order *o = cl_new(struct acme_order);

    o->p = *p;
    o->url = cl_strdup(p->order_url);
    o->replaces = cl_strdup(p->replaces);
    o->state = o->url != NULL ? ORDER_RESUME : ORDER_CREATE;
    return o;
}

static void forget_authz(struct acme_order *o)
{
    for (size_t i = 0; i < o->n_authz; i++) {
        acme_authz_clear(&o->authz[i]);
    }
    cl_free(o->authz);
    o->authz = NULL;
    o->n_authz = 0;
}

void acme_order_forget(struct acme_order *o)
{
    forget_authz(o);
    cl_free(o->url);
    cl_free(o->finalize_url);
    cl_free(o->certificate_url);
    o->url = NULL;
    o->finalize_url = NULL;
    o->certificate_url = NULL;
    o->status = ACME_STATUS_NONE;
    o->expires = 0;
}

void acme_order_destroy(struct acme_order *o)
{
    if (o == NULL) {
        return;
    }
    acme_order_forget(o);
    cl_free(o->replaces);
    cl_free(o->chain);
    cl_free(o);
}

void acme_actions_deinit(struct acme_actions *a)
{
    for (size_t i = 0; i < a->len; i++) {
        cl_free(a->items[i].payload);
    }
    cl_free(a->items);
    memset(a, 0, sizeof *a);
}

/* ---- the driver ---- */

void acme_order_step(struct acme_order *o, const struct acme_event *ev, struct acme_actions *ret)
{
    static const struct acme_event ENTER = {.type = EV_ENTER};

    o->now = ev->now;
    o->out = ret;
    if (ev->type == EV_CANCEL && o->state != ORDER_CLEANUP && o->state != ORDER_DONE) {
        struct cl_err err;
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the order is not wanted any more");
        (void)acme_order_fail(o, &err);
        ev = &ENTER;
    }
    while (STATES[o->state].run(o, ev) == STEP_AGAIN) { /* ends: each round needs a new event, or
                                                           moves forward in the table */
        ev = &ENTER;                                    /* an event is consumed once */
    }
    o->out = NULL;
}

cl_time acme_order_next_at(const struct acme_order *o)
{
    if (o->state == ORDER_CHALLENGE) {
        return acme_order_authz_next_at(o);
    }
    if (o->state == ORDER_AGAIN) {
        return o->again_at;
    }
    return o->state == ORDER_POLL && o->next_poll != 0 ? o->next_poll : CL_NEVER;
}

enum acme_step acme_order_go(struct acme_order *o, enum acme_order_state next)
{
    cl_assert(acme_order_may_go(o->state, next));
    cl_log(CL_LOG_DEBUG, o->p.object != NULL ? o->p.object->metadata.name : NULL, "Order",
           "order %s -> %s", STATES[o->state].name, STATES[next].name);
    o->state = next;
    return STEP_AGAIN;
}

/* After these the same order may still lead to the certificate. */
static bool resumable(enum cl_err_kind kind)
{
    return kind == CL_ERR_TRANSIENT || kind == CL_ERR_BUSY || kind == CL_ERR_RATE_LIMITED ||
           kind == CL_ERR_LOCAL || kind == CL_ERR_CANCELLED || kind == CL_ERR_INTERNAL;
}

enum acme_step acme_order_fail(struct acme_order *o, const struct cl_err *err)
{
    o->err = *err;
    o->again_at = 0;
    if (o->hung || !resumable(err->kind)) {
        cl_free(o->url);
        o->url = NULL;
    }
    return acme_order_go(o, ORDER_CLEANUP);
}

enum acme_step acme_order_fail_in(struct acme_order *o, const struct cl_err *err, const char *where)
{
    struct cl_err e = *err;

    cl_wrap(&e, "%s", where);
    return acme_order_fail(o, &e);
}

enum acme_step acme_order_remake(struct acme_order *o, const struct cl_err *err)
{
    if (o->remade > 0) {
        return acme_order_fail(o, err);
    }
    o->remade++;
    acme_order_forget(o);
    return acme_order_go(o, ORDER_CREATE);
}

struct acme_action *acme_order_act(struct acme_order *o, enum acme_action_type type, size_t index)
{
    struct acme_actions *a = o->out;

    if (a->len == a->cap) {
        a->cap = a->cap > 0 ? a->cap * 2 : 4;
        a->items = cl_reallocarray(a->items, a->cap, sizeof *a->items);
    }
    a->items[a->len] = (struct acme_action){.type = type, .index = index};
    return &a->items[a->len++];
}

void acme_order_ask(struct acme_order *o, enum acme_what what, size_t index, const char *url,
                    char *take_payload)
{
    struct acme_action *a = acme_order_act(o, ACT_REQUEST, index);

    a->payload = take_payload;
    a->request = (struct acme_request){
        .what = what,
        .url = url,
        .payload = take_payload,
        .fresh = o->fresh && (what == ACME_AUTHZ || what == ACME_CHALLENGE ||
                              what == ACME_FINALIZE || what == ACME_CERTIFICATE),
    };
}

cl_time acme_order_poll_at(const struct acme_order *o, const char *retry_after, unsigned polls)
{
    static const cl_time STEPS[] = {2 * CL_SECOND, 3 * CL_SECOND, 5 * CL_SECOND, 8 * CL_SECOND,
                                    10 * CL_SECOND};
    const unsigned last = sizeof STEPS / sizeof STEPS[0] - 1;
    cl_time asked = acme_retry_after(retry_after, o->now);

    return asked != 0 ? asked : o->now + STEPS[polls < last ? polls : last];
}

bool acme_order_expired(const struct acme_order *o)
{
    return o->expires != 0 && o->now + o->p.skew >= o->expires;
}

/* ---- states ---- */

static enum acme_step ask_new_order(struct acme_order *o)
{
    const struct cert_spec *spec = o->p.object->cert;
    cl_time not_after =
        o->p.request_duration && spec->duration != 0 ? o->now + o->p.skew + spec->duration : 0;

    acme_order_ask(o, ACME_NEW_ORDER, 0, o->p.new_order_url,
                   acme_msg_new_order(spec, o->replaces, not_after));
    return STEP_WAIT;
}

/* RFC 9773 5: alreadyReplaced, and servers that do not know the field, get one try without it. */
static enum acme_step new_order_refused(struct acme_order *o, const struct cl_err *err)
{
    bool about_replaces =
        acme_problem_is(err, "alreadyReplaced") || err->http_status == 409 ||
        (acme_problem_is(err, "malformed") && strstr(err->text, "replace") != NULL);

    if (o->replaces != NULL && about_replaces) {
        cl_free(o->replaces);
        o->replaces = NULL;
        return acme_order_go(o, ORDER_CREATE);
    }
    return acme_order_fail_in(o, err, "new order");
}

static enum acme_step order_create(struct acme_order *o, const struct acme_event *ev)
{
    struct cl_err err = {0};

    switch (ev->type) {
    case EV_ENTER:
        return ask_new_order(o);
    case EV_REPLY:
        if (!acme_url_ok(ev->reply->location, o->p.allow_http)) {
            (void)cl_fail(&err, CL_ERR_BAD_RESULT, "NoOrderURL",
                          "the CA's answer to newOrder has no usable Location");
            return acme_order_fail(o, &err);
        }
        o->url = cl_strdup(ev->reply->location);
        o->fresh = true;
        if (!acme_order_read(o, ev->reply, &err)) {
            return acme_order_fail_in(o, &err, "new order");
        }
        return acme_order_go(o, ORDER_SAVE);
    case EV_FAILED:
        return new_order_refused(o, ev->err);
    case EV_FETCHED:
    case EV_TIMER:
        return STEP_WAIT; /* late ones of an order that was remade */
    case EV_SAVED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_CREATE");
}

/* Lost (404), another account's (unauthorized), or an unknown URL of a CA that started anew. */
bool acme_order_is_lost(const struct cl_err *err)
{
    return err->http_status == 404 || err->http_status == 410 || err->http_status == 405 ||
           acme_problem_is(err, "unauthorized") || acme_problem_is(err, "malformed");
}

static enum acme_step resume_failed(struct acme_order *o, const struct cl_err *err)
{
    if (!acme_order_is_lost(err)) {
        return acme_order_fail_in(o, err, "resume the order");
    }
    acme_order_forget(o);
    return acme_order_go(o, o->p.abandon ? ORDER_CLEANUP : ORDER_CREATE);
}

static enum acme_step resumed(struct acme_order *o, const struct acme_reply *reply)
{
    struct cl_err err = {0};
    struct acme_order_msg msg;

    if (acme_msg_order(reply->body, reply->len, o->p.allow_http, &msg, &err) < 0) {
        return resume_failed(o, &err);
    }
    bool usable = msg.status != ACME_STATUS_INVALID && msg.status != ACME_STATUS_EXPIRED &&
                  msg.status != ACME_STATUS_REVOKED && msg.status != ACME_STATUS_DEACTIVATED;
    bool wanted = o->p.abandon || acme_msg_order_is_for(&msg, o->p.object->cert);
    acme_order_msg_deinit(&msg);
    if (!usable || !wanted || !acme_order_read(o, reply, &err) || acme_order_expired(o)) {
        acme_order_forget(o);
        return acme_order_go(o, o->p.abandon ? ORDER_CLEANUP : ORDER_CREATE);
    }
    if (o->p.abandon && o->status != ACME_STATUS_PENDING) {
        return acme_order_go(o, ORDER_CLEANUP);
    }
    return route(o);
}

static enum acme_step order_resume(struct acme_order *o, const struct acme_event *ev)
{
    switch (ev->type) {
    case EV_ENTER:
        acme_order_ask(o, ACME_ORDER, 0, o->url, NULL);
        return STEP_WAIT;
    case EV_REPLY:
        return resumed(o, ev->reply);
    case EV_FAILED:
        return resume_failed(o, ev->err);
    case EV_SAVED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_FETCHED:
    case EV_TIMER:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_RESUME");
}

static enum acme_step order_save(struct acme_order *o, const struct acme_event *ev)
{
    switch (ev->type) {
    case EV_ENTER:
        (void)acme_order_act(o, ACT_SAVE, 0);
        return STEP_WAIT;
    case EV_SAVED:
        return ev->err != NULL ? acme_order_fail_in(o, ev->err, "save the order") : route(o);
    case EV_FETCHED:
    case EV_TIMER:
        return STEP_WAIT;
    case EV_REPLY:
    case EV_FAILED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_SAVE");
}

bool acme_order_read(struct acme_order *o, const struct acme_reply *reply, struct cl_err *err)
{
    struct acme_order_msg msg;

    if (acme_msg_order(reply->body, reply->len, o->p.allow_http, &msg, err) < 0) {
        return false;
    }
    o->status = msg.status;
    o->expires = msg.expires;
    cl_free(o->finalize_url);
    o->finalize_url = cl_strdup(msg.finalize);
    cl_free(o->certificate_url);
    o->certificate_url = cl_strdup(msg.certificate);
    if (o->n_authz == 0) {
        o->n_authz = msg.authorizations.len;
        o->authz = cl_calloc(o->n_authz, sizeof *o->authz);
        for (size_t i = 0; i < o->n_authz; i++) {
            o->authz[i].url = cl_strdup(msg.authorizations.items[i]);
        }
    }
    if (msg.status == ACME_STATUS_INVALID && msg.has_error && err->kind == CL_ERR_NONE) {
        acme_problem_verdict(&msg.error, msg.error.identifier, err);
    }
    acme_order_msg_deinit(&msg);
    return true;
}

enum acme_step acme_order_is_dead(struct acme_order *o, struct cl_err *why)
{
    if (why->kind == CL_ERR_NONE) {
        (void)cl_fail(why, CL_ERR_TRANSIENT, "OrderInvalid", "the CA has made the order %s",
                      acme_status_name(o->status));
    }
    cl_free(o->url);
    o->url = NULL;
    return acme_order_fail_in(o, why, "order");
}

/* Where to go on, by the state of the order at the CA. */
static enum acme_step route(struct acme_order *o)
{
    struct cl_err err = {0};

    switch (o->status) {
    case ACME_STATUS_PENDING:
        return acme_order_go(o, ORDER_AUTHORIZE);
    case ACME_STATUS_READY:
        return acme_order_go(o, ORDER_FINALIZE);
    case ACME_STATUS_PROCESSING:
        return acme_order_go(o, ORDER_POLL);
    case ACME_STATUS_VALID:
        return acme_order_go(o, o->certificate_url != NULL ? ORDER_DOWNLOAD : ORDER_POLL);
    case ACME_STATUS_NONE:
    case ACME_STATUS_INVALID:
    case ACME_STATUS_DEACTIVATED:
    case ACME_STATUS_EXPIRED:
    case ACME_STATUS_REVOKED:
    case ACME_STATUS_COUNT:
        break;
    }
    return acme_order_is_dead(o, &err);
}

static enum acme_step order_done(struct acme_order *o, const struct acme_event *ev)
{
    if (ev->type == EV_ENTER) {
        (void)acme_order_act(o, ACT_DONE, 0);
    }
    return STEP_WAIT; /* late fetches and timers */
}
