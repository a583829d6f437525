/* SPDX-License-Identifier: Apache-2.0 */
/* conditions: the table says which function fills which condition; absent is what is left zero. */
#include "reconciler/core/conditions.h"

#include "reconciler/core/ca_conditions.h"
#include "reconciler/core/failover.h"
#include "reconciler/core/persist.h"
#include "reconciler/core/ready.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_str.h"

static void ready(const struct planning *p, struct verdict *v);
static void issuing(const struct planning *p, struct verdict *v);
static void deployed(const struct planning *p, struct verdict *v);
static void stalled(const struct planning *p, struct verdict *v);
static void reconciling(const struct planning *p, struct verdict *v);
static void renewal_overdue(const struct planning *p, struct verdict *v);
static void failed_over(const struct planning *p, struct verdict *v);
static void dns_record_required(const struct planning *p, struct verdict *v);

/* Stalled before Reconciling, which gives way to it. */
static const struct {
    enum condition_type type;
    void (*decide)(const struct planning *p, struct verdict *v);
} CONDITIONS[] = {
    {CONDITION_READY, ready},
    {CONDITION_ISSUING, issuing},
    {CONDITION_DEPLOYED, deployed},
    {CONDITION_STALLED, stalled},
    {CONDITION_RECONCILING, reconciling},
    {CONDITION_RENEWAL_OVERDUE, renewal_overdue},
    {CONDITION_FAILED_OVER, failed_over},
    {CONDITION_DNS_RECORD_REQUIRED, dns_record_required},
};

void conditions_decide(struct planning *p)
{
    for (size_t i = 0; i < sizeof(CONDITIONS) / sizeof(CONDITIONS[0]); i++) {
        CONDITIONS[i].decide(p, &p->ret->conditions[CONDITIONS[i].type]);
    }
    if (p->gate != NULL && p->in.f->deleted_at == 0) { /* it is wanted, and something keeps it */
        ca_conditions(&p->in.f->hold, p->in.now, p->ret->conditions);
    }
}

#define set(v, is, why, ...)                  \
    ((v)->status = (is), (v)->reason = (why), \
     (void)cl_format((v)->message, sizeof((v)->message), __VA_ARGS__))

static void ready(const struct planning *p, struct verdict *v)
{
    ready_decide(&p->in, v);
}

static void issuing(const struct planning *p, struct verdict *v)
{
    const struct plan *plan = p->ret;
    const struct manifest *m = p->in.f->manifest;

    if (p->in.f->issuing) {
        set(v, STATUS_TRUE, plan->trigger != REASON_NONE ? plan->trigger : REASON_IN_PROGRESS,
            "Issuing certificate: %s",
            plan->trigger != REASON_NONE ? plan->trigger_message : "the running issuance ends");
    } else if (plan->trigger == REASON_NONE && m != NULL) {
        set(v, STATUS_FALSE, m->adopted ? REASON_ADOPTED : REASON_ISSUED,
            m->adopted ? "Revision %ld was taken over from an existing pair%s%s"
                       : "Revision %ld issued%s%s",
            m->revision, m->adopted || cl_str_empty(m->issuer_name) ? "" : " by ",
            m->adopted ? "" : cl_str_or(m->issuer_name, ""));
    } else if (p->gate != NULL && !p->gate->in_line) {
        set(v, STATUS_FALSE, plan->gate, "%s", plan->gate_message);
    } else if (p->gate != NULL) {
        set(v, STATUS_TRUE, plan->trigger, "%s; %s", plan->trigger_message, plan->gate_message);
    } else {
        set(v, STATUS_TRUE, plan->trigger, "Issuing certificate: %s", plan->trigger_message);
    }
}

static bool hooks_suspended(const struct facts *f)
{
    return f->suspend == SUSPEND_DEPLOY || f->suspend == SUSPEND_ALL;
}

static void deployed(const struct planning *p, struct verdict *v)
{
    const struct facts *f = p->in.f;
    char when[CL_TIME_TEXT];

    if (p->cert == NULL || f->outputs == OUTPUTS_NONE || !f->outputs_written_once) {
        set(v, STATUS_UNKNOWN, REASON_PENDING, "nothing to deploy has been written yet");
    } else if (f->hooks_total == 0 && f->probes_total == 0) {
        set(v, STATUS_TRUE, REASON_NOTHING_TO_DEPLOY, "There are no hooks and no probes");
    } else if (f->hooks_failed > 0) {
        set(v, STATUS_FALSE, REASON_HOOK_FAILED, "%s; tried again at %s",
            cl_str_or(f->hooks_message, "a hook failed"), cl_time_format(f->hooks_next, when));
    } else if (hooks_suspended(f) && f->hooks_pending > 0) {
        set(v, STATUS_FALSE, REASON_SUSPENDED,
            "%u hooks wait while spec.suspend of the Configuration says so", f->hooks_pending);
    } else if (f->hooks_pending > 0) {
        set(v, STATUS_FALSE, REASON_HOOK_PENDING, "%u of %u hooks have not run for this revision",
            f->hooks_pending, f->hooks_total);
    } else if (f->probes_mismatch > 0) {
        set(v, STATUS_FALSE, REASON_PROBE_MISMATCH, "%s",
            cl_str_or(f->probes_message, "another certificate is served"));
    } else if (f->probes_pending > 0) {
        set(v, STATUS_UNKNOWN, REASON_PENDING, "%u of %u probes have not seen the certificate yet",
            f->probes_pending, f->probes_total);
    } else if (f->probes_total > 0) {
        set(v, STATUS_TRUE, REASON_PROBED, "%s",
            cl_str_or(f->probes_message, "The certificate is served"));
    } else {
        set(v, STATUS_TRUE, REASON_DEPLOYED, "All %u hooks succeeded", f->hooks_total);
    }
}

/* Only a person can help: the gate says so, or the outputs are fought over. */
static void stalled(const struct planning *p, struct verdict *v)
{
    const struct facts *f = p->in.f;
    const struct verdict *ready_now = &p->ret->conditions[CONDITION_READY];

    /* NamesMissing: the spec allows it, Ready tells of it, and it is tried again by itself. */
    if (f->deleted_at != 0 || f->issuing || p->ret->trigger == REASON_NAMES_MISSING) {
        return;
    }
    if (p->gate != NULL && p->hit.stalled_from <= p->in.now) {
        set(v, STATUS_TRUE, p->ret->gate, "%s", p->ret->gate_message);
    } else if (f->conflict != NULL || f->outputs == OUTPUTS_BLOCKED) {
        set(v, STATUS_TRUE, REASON_OUTPUT_CONFLICT, "%s",
            f->conflict != NULL ? f->conflict
                                : cl_str_or(f->outputs_detail, "an output is not ours"));
    } else if (ready_now->reason == REASON_OUTPUT_DRIFT) {
        set(v, STATUS_TRUE, REASON_OUTPUT_DRIFT, "%s", ready_now->message);
    }
}

/* The D1 reasons that mean: what the spec asks for has never been there. */
static bool first_time(enum reason trigger)
{
    static const enum reason FIRST_TIME[] = {REASON_DOES_NOT_EXIST, REASON_INCORRECT_ISSUER,
                                             REASON_INCORRECT_CERTIFICATE, REASON_SECRET_MISMATCH,
                                             REASON_REQUEST_CHANGED};
    for (size_t i = 0; i < sizeof(FIRST_TIME) / sizeof(FIRST_TIME[0]); i++) {
        if (FIRST_TIME[i] == trigger) {
            return true;
        }
    }
    return false;
}

/* Not for a renewal in the background: kstatus would show InProgress every two months. */
static void reconciling(const struct planning *p, struct verdict *v)
{
    const struct facts *f = p->in.f;
    const struct plan *plan = p->ret;

    if (plan->conditions[CONDITION_STALLED].status == STATUS_TRUE || f->deleted_at != 0 ||
        plan->gate == REASON_SUSPENDED) {
        return;
    }
    if (first_time(plan->trigger)) {
        if (p->gate != NULL) {
            set(v, STATUS_TRUE, plan->gate, "%s", plan->gate_message);
        } else {
            set(v, STATUS_TRUE, plan->trigger, "%s", plan->trigger_message);
        }
    } else if (p->cert != NULL && !f->outputs_written_once) {
        set(v, STATUS_TRUE, REASON_OUTPUT_MISSING, "%s",
            cl_str_or(f->outputs_detail, "the outputs are written next"));
    }
}

static void dns_record_required(const struct planning *p, struct verdict *v)
{
    persist_decide(p->in.f, p->in.now, v);
}

static void renewal_overdue(const struct planning *p, struct verdict *v)
{
    if (p->cert == NULL || p->ret->renewal_time == 0 ||
        p->in.now < renewal_overdue_at(p->ret->renewal_time, p->cert->not_after)) {
        return;
    }
    char due[CL_TIME_TEXT], end[CL_TIME_TEXT];
    set(v, STATUS_TRUE, p->ret->gate != REASON_NONE ? p->ret->gate : REASON_RENEWING,
        "renewal is due since %s and the certificate %s %s%s%s",
        cl_time_format(p->ret->renewal_time, due),
        p->in.now < p->cert->not_after ? "expires at" : "expired at",
        cl_time_format(p->cert->not_after, end), p->gate != NULL ? "; " : "",
        p->gate != NULL ? p->ret->gate_message : "");
}

/* What is in use is not from the Issuer that the spec asks first. */
static void failed_over(const struct planning *p, struct verdict *v)
{
    const struct cert_spec *spec = p->in.o->cert;
    const struct manifest *m = p->in.f->manifest;
    char when[CL_TIME_TEXT];

    if (p->cert == NULL || cl_str_empty(m->issuer_name) ||
        cl_streq(m->issuer_name, spec->issuer_ref.name) || !failover_names(spec, m->issuer_name)) {
        return;
    }
    if (failover_on_standby(spec, m)) {
        set(v, STATUS_TRUE, REASON_STANDBY_IN_USE,
            "The standby certificate of Issuer %s is in use until Issuer %s delivers one",
            m->issuer_name, spec->issuer_ref.name);
    } else {
        set(v, STATUS_TRUE, REASON_FALLBACK_ISSUER,
            "Revision %ld is from fallback Issuer %s; Issuer %s is asked again at the renewal, %s",
            m->revision, m->issuer_name, spec->issuer_ref.name,
            p->ret->renewal_time == CL_NEVER ? "which is disabled"
                                             : cl_time_format(p->ret->renewal_time, when));
    }
}
