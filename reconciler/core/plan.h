/* SPDX-License-Identifier: Apache-2.0 */
/* plan: spec + facts + now -> what to do next, why, and when to look again. Pure. One page:
 * checks (D1) say what is wanted, gates (D2) whether it may start now, ready (D3) what is usable;
 * outputs (D4) and hooks (D5) have their own lane, so that a hanging hook delays no renewal. */
#ifndef PLAN_H
#define PLAN_H

#include "reconciler/core/facts.h"
#include "reconciler/core/reasons.h"
#include "spec/status.h"

/* X(symbol, name, documentation) */
#define PLAN_STEPS(X)                                                                 \
    X(NONE, "None", "nothing to do now")                                              \
    X(ADOPT, "Adopt", "take over a valid pair found in an output")                    \
    X(ISSUE, "Issue", "obtain a certificate")                                         \
    X(CANCEL, "Cancel", "stop the running issuance: its inputs are no longer wanted") \
    X(PROJECT, "Project", "write the outputs from the archive")                       \
    X(DEPLOY, "Deploy", "run hooks and probes")
enum plan_step {
#define X(symbol, name, doc) PLAN_##symbol,
    PLAN_STEPS(X)
#undef X
        PLAN_STEP_COUNT
};
const char *plan_step_name(enum plan_step s);
const char *plan_step_doc(enum plan_step s);

#define PLAN_TEXT 320
struct verdict { /* one condition to be */
    enum condition_status status;
    enum reason reason;
    char message[PLAN_TEXT];
};
struct plan {
    enum plan_step issue;   /* NONE, ADOPT, ISSUE, CANCEL */
    enum plan_step deploy;  /* NONE, PROJECT, DEPLOY */
    bool ask_renewal;       /* the CA is to be asked for renewal information; beside all else */
    bool window_overridden; /* renewal windows are closed, and are not waited for */
    enum reason trigger;    /* D1: why a certificate is wanted; NONE = not wanted */
    char trigger_message[PLAN_TEXT];
    enum reason gate; /* D2: the first closed gate; NONE = open */
    char gate_message[PLAN_TEXT];
    struct verdict conditions[CONDITION_COUNT]; /* SPEC_INVALID is left to the reporter */
    bool by_ari;                                /* renewal_time is the CA's wish */
    cl_time renewal_time; /* when renewal is wanted; 0 = no certificate, CL_NEVER = disabled */
    cl_time next_at;      /* earliest wake-up; CL_NEVER = only events; > now unless a step is due */
    enum reason next_reason;
};

/** Decides. @o: the Certificate (object->cert). */
void plan_next(const struct object *o, const struct facts *f, cl_time now, struct plan *ret);
/** The plan while the archive cannot be read (@why: permissions, a broken disk): nothing is decided from
 *  half of the facts, nothing is ordered, and it is looked at again after a minute. Ready is Unknown;
 *  the other conditions are left as they are (ABSENT here). */
void plan_unreadable(const struct cl_err *why, cl_time now, struct plan *ret);

#endif
