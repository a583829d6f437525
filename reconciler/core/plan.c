/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the page everything hangs on. Wanted? (CHECKS) May it start? (GATES) What else is due?
 * (outputs, hooks) What is true now? (conditions) When to look again? (WAKE_UPS) */
#include "reconciler/core/plan.h"

#include "reconciler/core/conditions.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define UNREADABLE_RETRY CL_MINUTE
#define GATE_AGAIN CL_SECOND /* a closed gate is never asked again in the same instant */

static cl_time when_renewed(struct planning *p);
static void decide_issue(struct planning *p);
static void decide_ask(const struct planning *p);
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
    decide_ask(&p);
    decide_deploy(&p);
    conditions_decide(&p);
    decide_wake_up(&p);
}

static cl_time when_renewed(struct planning *p)
{
    const struct manifest *m = p->in.f->manifest;
    const struct facts *f = p->in.f;
    const struct cert_spec *spec = p->in.o->cert;
    struct cert_facts life = *p->cert; /* borrowed */
    if (!m->adopted && m->issued_at > life.not_before && m->issued_at < life.not_after) {
        life.not_before =
            m->issued_at; /* a CA may date back: what was never there is no lifetime */
    }
    cl_time by_time = renewal_instant(spec, &life, 0);
    cl_time at = 0;

    if (by_time == CL_NEVER) {
        return CL_NEVER;
    }
    if (!m->adopted) {
        by_time = cl_time_max(by_time, renewal_floor(&life, m->issued_at));
    }
    bool by_spec = spec->renewal_at != NULL && cl_time_parse(spec->renewal_at, &at) == 0 &&
                   at > m->issued_at && at < p->cert->not_after;
    bool by_ari = f->ari_selected > 0 && f->ari_selected < p->cert->not_after;
    if (by_spec && !(by_ari && f->ari_urgent)) {
        return at;
    }
    if (!by_ari) {
        return by_time;
    }
    cl_time guard = renewal_ari_guard(p->cert, f->ari_renewed_at);
    cl_time instant = renewal_instant(spec, p->cert, f->ari_selected);
    p->ret->by_ari = instant >= guard || guard < by_time;
    return instant >= guard ? instant : cl_time_min(by_time, guard);
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
    bool otherwise_fine = p->ret->trigger == REASON_NONE || p->ret->trigger == REASON_RENEWING ||
                          p->ret->trigger == REASON_URGENT_RENEWAL;
    return f->newer_in_output && otherwise_fine;
}

static void close_gate(struct planning *p, enum reason reason, const char *message)
{
    p->ret->gate = reason;
    (void)cl_format(p->ret->gate_message, sizeof(p->ret->gate_message), "%s", message);
}

/* A renewal that starts outside of its windows says why. */
static void note_window(const struct planning *p)
{
    struct plan *ret = p->ret;
    cl_time opens = p->in.f->window_opens;
    char when[CL_TIME_TEXT];
    size_t used = strlen(ret->trigger_message);
    bool renewal = ret->trigger == REASON_RENEWING || ret->trigger == REASON_URGENT_RENEWAL;

    if (!renewal || opens == 0) {
        return;
    }
    ret->window_overridden = true;
    (void)cl_format(ret->trigger_message + used, sizeof(ret->trigger_message) - used,
                    "; spec.renewal.windows are not waited for: %s (next opening %s)",
                    ret->trigger == REASON_URGENT_RENEWAL ? "it is urgent"
                                                          : "that would be too close to expiry",
                    opens == CL_NEVER ? "never" : cl_time_format(opens, when));
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
        note_window(p);
    }
}

/* The CA is asked beside whatever else is due; what it says comes too late for what is being
 * replaced. */
static void decide_ask(const struct planning *p)
{
    const struct facts *f = p->in.f;

    p->ret->ask_renewal = p->cert != NULL && f->ari_poll_at > 0 && f->ari_poll_at <= p->in.now &&
                          !f->ari_polling && !f->issuing && f->issuer_ready && f->deleted_at == 0 &&
                          p->ret->issue == PLAN_NONE;
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

static cl_time at_poll(const struct planning *p)
{
    const struct facts *f = p->in.f;
    return f->issuer_ready && !f->ari_polling && !f->issuing ? f->ari_poll_at : 0;
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
    {at_poll, REASON_ARI_CHECK},
    {at_renewal, REASON_RENEWAL},
    {at_overdue, REASON_RENEWING},
    {at_chain_expiry, REASON_INVALID_CHAIN},
    {at_expiry, REASON_EXPIRY},
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
