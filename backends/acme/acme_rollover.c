/* SPDX-License-Identifier: Apache-2.0 */
/* acme_rollover: one function for each state. A failure that may pass leaves the new key where it
 * is; the next run begins with PROBE. */
#include "backends/acme/acme_rollover.h"

#include "backends/acme/acme_problem.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <string.h>

enum step { STEP_WAIT, STEP_AGAIN };
typedef enum step rollover_fn(struct acme_rollover *r, const struct acme_rollover_event *ev,
                              enum acme_rollover_action *act);
static rollover_fn rollover_check, rollover_key, rollover_probe, rollover_change, rollover_commit,
    rollover_discard, rollover_done;

#define TO(s) (1u << ROLLOVER_##s)

static const struct {
    const char *name;
    rollover_fn *run;
    unsigned next;
} STATES[ROLLOVER_STATE_COUNT] = {
    [ROLLOVER_CHECK] = {"check", rollover_check, TO(KEY) | TO(PROBE) | TO(DONE)},
    [ROLLOVER_KEY] = {"key", rollover_key, TO(CHANGE) | TO(DONE)},
    [ROLLOVER_PROBE] = {"probe", rollover_probe, TO(CHANGE) | TO(COMMIT) | TO(DISCARD) | TO(DONE)},
    [ROLLOVER_CHANGE] = {"change", rollover_change, TO(COMMIT) | TO(PROBE) | TO(DONE)},
    [ROLLOVER_COMMIT] = {"commit", rollover_commit, TO(DONE)},
    [ROLLOVER_DISCARD] = {"discard", rollover_discard, TO(DONE)},
    [ROLLOVER_DONE] = {"done", rollover_done, 0},
};

void acme_rollover_init(struct acme_rollover *r, const struct acme_rollover_params *p)
{
    *r = (struct acme_rollover){.p = *p};
}

enum acme_rollover_action acme_rollover_step(struct acme_rollover *r,
                                             const struct acme_rollover_event *ev)
{
    static const struct acme_rollover_event ENTER = {.type = ROLLOVER_EV_ENTER};
    enum acme_rollover_action act = ROLLOVER_ACT_DONE;

    while (STATES[r->state].run(r, ev, &act) == STEP_AGAIN) {
        ev = &ENTER;
    }
    return act;
}

static enum step go(struct acme_rollover *r, enum acme_rollover_state next)
{
    cl_assert((STATES[r->state].next & (1u << next)) != 0);
    r->state = next;
    return STEP_AGAIN;
}

static enum step start(enum acme_rollover_action *act, enum acme_rollover_action what)
{
    *act = what;
    return STEP_WAIT;
}

static enum step fail(struct acme_rollover *r, const struct cl_err *err, const char *what)
{
    r->err = *err;
    cl_wrap(&r->err, "%s", what);
    return go(r, ROLLOVER_DONE);
}

/* NOLINTBEGIN(readability-non-const-parameter): all states have the same parameters */
static enum step rollover_check(struct acme_rollover *r, const struct acme_rollover_event *ev,
                                enum acme_rollover_action *act)
/* NOLINTEND(readability-non-const-parameter): the function has begun */
{
    struct cl_err err;

    (void)ev;
    (void)act;
    if (r->p.begun) {
        return go(r, ROLLOVER_PROBE);
    }
    if (r->p.directory->key_change == NULL) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "KeyChangeUnsupported",
                      "the CA's directory has no keyChange; its accounts keep their key");
        return fail(r, &err, "replace the account key");
    }
    return go(r, ROLLOVER_KEY);
}

static enum step rollover_key(struct acme_rollover *r, const struct acme_rollover_event *ev,
                              enum acme_rollover_action *act)
{
    if (ev->type == ROLLOVER_EV_ENTER) {
        return start(act, ROLLOVER_ACT_MAKE_KEY);
    }
    cl_assert(ev->type == ROLLOVER_EV_KEY);
    return ev->err != NULL ? fail(r, ev->err, "make a new account key") : go(r, ROLLOVER_CHANGE);
}

/* May the same request work later, so that nothing is known yet? */
static bool may_pass(const struct cl_err *e)
{
    switch (e->kind) {
    case CL_ERR_TRANSIENT:
    case CL_ERR_BUSY:
    case CL_ERR_RATE_LIMITED:
    case CL_ERR_LOCAL:
    case CL_ERR_CANCELLED:
    case CL_ERR_INTERNAL:
        return e->http_status != 409;
    case CL_ERR_NONE:
    case CL_ERR_VALIDATION:
    case CL_ERR_PERMANENT:
    case CL_ERR_BAD_RESULT:
    case CL_ERR_SPEC:
    case CL_ERR_KINDS:
        return false;
    }
    cl_impossible("error kind");
}

/* A refusal may also mean that the change has happened before, and that the signature is that of
 * the former key. */
static enum step rollover_change(struct acme_rollover *r, const struct acme_rollover_event *ev,
                                 enum acme_rollover_action *act)
{
    if (ev->type == ROLLOVER_EV_ENTER) {
        return start(act, ROLLOVER_ACT_CHANGE);
    }
    if (ev->type == ROLLOVER_EV_REPLY) {
        return go(r, ROLLOVER_COMMIT);
    }
    cl_assert(ev->type == ROLLOVER_EV_FAILED);
    if (may_pass(ev->err)) {
        return fail(r, ev->err, "replace the account key (the new one is kept, to be tried again)");
    }
    r->refusal = *ev->err;
    return go(r, ROLLOVER_PROBE);
}

static enum step taken(struct acme_rollover *r, const struct acme_reply *reply)
{
    if (cl_streq(reply->location, r->p.account_url)) {
        return go(r, ROLLOVER_COMMIT);
    }
    (void)cl_fail(&r->err, CL_ERR_PERMANENT, "KeyInUse",
                  "replace the account key: the CA says that the new key belongs to another "
                  "account; the old one stays");
    return go(r, ROLLOVER_DISCARD);
}

static enum step rollover_probe(struct acme_rollover *r, const struct acme_rollover_event *ev,
                                enum acme_rollover_action *act)
{
    bool unknown;

    if (ev->type == ROLLOVER_EV_ENTER) {
        return start(act, ROLLOVER_ACT_PROBE);
    }
    if (ev->type == ROLLOVER_EV_REPLY) {
        return taken(r, ev->reply);
    }
    cl_assert(ev->type == ROLLOVER_EV_FAILED);
    unknown = acme_problem_is(ev->err, "accountDoesNotExist");
    if (!unknown && (may_pass(ev->err) || r->refusal.kind == CL_ERR_NONE)) {
        return fail(r, ev->err, "ask whether the CA has taken the new account key");
    }
    if (r->refusal.kind == CL_ERR_NONE && r->p.directory->key_change != NULL) {
        return go(r, ROLLOVER_CHANGE);
    }
    r->err = r->refusal;
    if (r->err.kind == CL_ERR_NONE) {
        (void)cl_fail(&r->err, CL_ERR_PERMANENT, "KeyChangeUnsupported",
                      "the CA's directory has no keyChange any more");
    }
    cl_wrap(&r->err, "replace the account key (the old one stays)");
    return go(r, ROLLOVER_DISCARD);
}

static enum step rollover_commit(struct acme_rollover *r, const struct acme_rollover_event *ev,
                                 enum acme_rollover_action *act)
{
    if (ev->type == ROLLOVER_EV_ENTER) {
        r->changed = true;
        return start(act, ROLLOVER_ACT_COMMIT);
    }
    cl_assert(ev->type == ROLLOVER_EV_SAVED);
    return ev->err != NULL ? fail(r, ev->err, "keep the new account key") : go(r, ROLLOVER_DONE);
}

/* That it cannot be removed is no harm: the next run asks for it again. */
static enum step rollover_discard(struct acme_rollover *r, const struct acme_rollover_event *ev,
                                  enum acme_rollover_action *act)
{
    if (ev->type == ROLLOVER_EV_ENTER) {
        r->discarded = true;
        return start(act, ROLLOVER_ACT_DISCARD);
    }
    cl_assert(ev->type == ROLLOVER_EV_SAVED);
    return go(r, ROLLOVER_DONE);
}

static enum step rollover_done(struct acme_rollover *r, const struct acme_rollover_event *ev,
                               enum acme_rollover_action *act)
{
    (void)r;
    (void)ev;
    return start(act, ROLLOVER_ACT_DONE);
}
