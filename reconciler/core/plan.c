/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the page everything hangs on. Wanted? (CHECKS) May it start? (GATES) What else is due?
 * (outputs, hooks) What is true now? (conditions) When to look again? (WAKE_UPS) */
#include "reconciler/core/plan.h"

#include "reconciler/core/conditions.h"
#include "reconciler/core/persist.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#define UNREADABLE_RETRY CL_MINUTE
#define GATE_AGAIN CL_SECOND /* a closed gate is never asked again in the same instant */

static cl_time when_renewed(const struct planning *p);
static void decide_issue(struct planning *p);
static void decide_deploy(const struct planning *p);
static void decide_wake_up(const struct planning *p);

void plan_next(const struct object *o, const struct facts *f, cl_time now, struct plan *ret)
{
    struct planning p = {.in = {.o = o, .f = f, .now = now}, .ret = ret};

    *ret = (struct plan){.next_at = CL_NEVER};
    /* Checks after the fourth may rely on the manifest: only then is the revision whole. */
    if (f->revision_state == REVISION_OK && f->manifest != NULL) {
        p.cert = &f->manifest->cert;
        ret->renewal_time = when_renewed(&p);
    }
    p.in.renewal_time = ret->renewal_time;

    decide_issue(&p);
    decide_deploy(&p);
    ret->record = ret->issue == PLAN_NONE ? persist_due(o, f, now) : NULL;
    conditions_decide(&p);
    decide_wake_up(&p);
}

static cl_time when_renewed(const struct planning *p)
{
    const struct manifest *m = p->in.f->manifest;
    cl_time ari = p->in.f->ari_selected;
    cl_time instant = renewal_instant(p->in.o->cert, p->cert, ari);
    if (m->adopted || instant == CL_NEVER) {
        return instant;
    }
    return cl_time_max(instant, renewal_floor(p->cert, m->issued_at, ari > 0));
}

/* An existing pair is taken over where the archive has nothing usable of this object, or less. */
static bool adopts(const struct planning *p)
{
    static const enum reason FOR[] = {REASON_DOES_NOT_EXIST, REASON_MISSING_DATA,
                                      REASON_INVALID_KEY_PAIR, REASON_INVALID_CERTIFICATE,
                                      REASON_INCORRECT_CERTIFICATE};
    const struct facts *f = p->in.f;
    if (f->deleted_at != 0 || f->conflict != NULL || f->deploying) {
        return false;
    }
    for (size_t i = 0; f->adoptable && i < sizeof(FOR) / sizeof(FOR[0]); i++) {
        if (p->ret->trigger == FOR[i]) {
            return true;
        }
    }
    bool otherwise_fine = p->ret->trigger == REASON_NONE || p->ret->trigger == REASON_RENEWING;
    return f->newer_in_output && otherwise_fine;
}

static void close_gate(struct planning *p, enum reason reason, const char *message)
{
    p->ret->gate = reason;
    (void)cl_format(p->ret->gate_message, sizeof(p->ret->gate_message), "%s", message);
}

static void decide_issue(struct planning *p)
{
    const struct facts *f = p->in.f;
    struct plan *ret = p->ret;
    const struct check *wanted =
        checks_first(&p->in, ret->trigger_message, sizeof(ret->trigger_message));
    ret->trigger = wanted != NULL ? wanted->reason : REASON_NONE;

    if (f->issuing) {
        bool stale = f->issuing_stale || f->deleted_at != 0;
        ret->issue = stale ? PLAN_CANCEL : PLAN_NONE;
        close_gate(p, REASON_IN_PROGRESS,
                   stale ? "the running issuance is being stopped" : "an issuance is running");
        return;
    }
    if (adopts(p)) {
        ret->issue = PLAN_ADOPT;
        return;
    }
    if (ret->trigger == REASON_NONE) {
        return;
    }
    struct gate_input in = {.o = p->in.o, .f = f, .now = p->in.now, .trigger = ret->trigger};
    p->gate = gates_first(&in, &p->hit);
    if (p->gate != NULL) {
        close_gate(p, p->hit.reason, p->hit.message);
    } else {
        ret->issue = PLAN_ISSUE;
    }
}

static bool hooks_suspended(const struct facts *f)
{
    return f->suspend == SUSPEND_DEPLOY || f->suspend == SUSPEND_ALL;
}

/* Outputs are repaired from the archive whatever the gates say; another object's archive never is
 * projected, nor an older pair over a newer one. */
static void decide_deploy(const struct planning *p)
{
    const struct facts *f = p->in.f;
    cl_time now = p->in.now;

    if (p->cert == NULL || f->deploying || f->deleted_at != 0 || f->conflict != NULL ||
        p->ret->issue == PLAN_ADOPT || p->ret->trigger == REASON_INCORRECT_CERTIFICATE) {
        return;
    }
    if (f->outputs == OUTPUTS_WRITE) {
        bool now_due = f->outputs_retry_at <= now;
        p->ret->deploy = now_due && !f->outputs_drifting ? PLAN_PROJECT : PLAN_NONE;
        return;
    }
    bool hook_due = f->hooks_pending > 0 && f->hooks_next <= now;
    /* Probes look at what the hooks have done: while one is pending there is nothing to see. */
    bool probe_due = f->hooks_pending == 0 && f->probes_pending > 0 && f->probes_next <= now;
    if (f->outputs == OUTPUTS_OK && !hooks_suspended(f) && (hook_due || probe_due)) {
        p->ret->deploy = PLAN_DEPLOY;
    }
}

/* ---- wake-ups: each row answers when it alone would look again; what has passed is no wake-up ---- */

static cl_time at_renewal(const struct planning *p)
{
    return p->ret->renewal_time;
}

static cl_time at_overdue(const struct planning *p)
{
    return p->cert != NULL ? renewal_overdue_at(p->ret->renewal_time, p->cert->not_after) : 0;
}

static cl_time at_expiry(const struct planning *p)
{
    return p->cert != NULL ? p->cert->not_after : 0;
}

static cl_time at_chain_expiry(const struct planning *p)
{
    /* the chain is good through its last instant */
    return p->cert != NULL && p->cert->chain_not_after > 0 ? p->cert->chain_not_after + 1 : 0;
}

static cl_time at_validity(const struct planning *p)
{
    return p->cert != NULL ? p->cert->not_before : 0;
}

static cl_time at_gate(const struct planning *p)
{
    if (p->gate == NULL || p->hit.until == CL_NEVER) {
        return 0;
    }
    return cl_time_max(p->hit.until, p->in.now + GATE_AGAIN);
}

static cl_time at_grace_end(const struct planning *p)
{
    return p->in.f->deleted_at != 0 ? p->in.f->grace_end : 0;
}

static cl_time at_output_retry(const struct planning *p)
{
    return p->in.f->outputs == OUTPUTS_WRITE ? p->in.f->outputs_retry_at : 0;
}

static cl_time at_hook(const struct planning *p)
{
    return p->in.f->hooks_pending > 0 && !hooks_suspended(p->in.f) ? p->in.f->hooks_next : 0;
}

static cl_time at_probe(const struct planning *p)
{
    return p->in.f->probes_pending > 0 && !hooks_suspended(p->in.f) ? p->in.f->probes_next : 0;
}

static cl_time at_persist(const struct planning *p)
{
    return persist_next_at(p->in.f, p->in.now);
}

/* A reason of NONE stands for that of the closed gate. */
static const struct {
    cl_time (*when)(const struct planning *p);
    enum reason reason;
} WAKE_UPS[] = {
    {at_gate, REASON_NONE},
    {at_grace_end, REASON_GRACE},
    {at_output_retry, REASON_OUTPUT_MISSING},
    {at_hook, REASON_HOOK_PENDING},
    {at_probe, REASON_PROBE_MISMATCH},
    {at_validity, REASON_NOT_YET_VALID},
    {at_renewal, REASON_RENEWAL},
    {at_overdue, REASON_RENEWING},
    {at_chain_expiry, REASON_INVALID_CHAIN},
    {at_expiry, REASON_EXPIRY},
    {at_persist, REASON_PERSIST_RECORD_EXPIRING},
};

static void decide_wake_up(const struct planning *p)
{
    struct plan *ret = p->ret;
    for (size_t i = 0; i < sizeof(WAKE_UPS) / sizeof(WAKE_UPS[0]); i++) {
        cl_time when = WAKE_UPS[i].when(p);
        if (when > p->in.now && when < ret->next_at) {
            ret->next_at = when;
            ret->next_reason = WAKE_UPS[i].reason != REASON_NONE ? WAKE_UPS[i].reason : ret->gate;
        }
    }
    if (ret->next_at == CL_NEVER && ret->gate != REASON_NONE) {
        ret->next_reason = p->in.f->issuing ? REASON_IN_PROGRESS : REASON_SPEC_CHANGE;
    }
}

void plan_unreadable(const struct cl_err *why, cl_time now, struct plan *ret)
{
    struct verdict *ready = &ret->conditions[CONDITION_READY];

    memset(ret, 0, sizeof(*ret));
    ready->status = STATUS_UNKNOWN;
    ready->reason = REASON_ARCHIVE_UNREADABLE;
    (void)cl_format(ready->message, sizeof(ready->message),
                    "The archive cannot be read, and nothing is ordered before it can: %s",
                    why->text);
    ret->gate = REASON_ARCHIVE_UNREADABLE;
    ret->next_at = now + UNREADABLE_RETRY;
    ret->next_reason = REASON_ARCHIVE_UNREADABLE;
}

static const struct {
    const char *name, *doc;
} STEPS[PLAN_STEP_COUNT] = {
#define X(symbol, name, doc) [PLAN_##symbol] = {name, doc},
    PLAN_STEPS(X)
#undef X
};

const char *plan_step_name(enum plan_step s)
{
    cl_assert(s < PLAN_STEP_COUNT);
    return STEPS[s].name;
}

const char *plan_step_doc(enum plan_step s)
{
    cl_assert(s < PLAN_STEP_COUNT);
    return STEPS[s].doc;
}
