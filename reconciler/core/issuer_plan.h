/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_plan: the same for an Issuer: which preparation step next, is it Ready, when to look
 * again. Pure. */
#ifndef ISSUER_PLAN_H
#define ISSUER_PLAN_H

#include "reconciler/core/facts.h"
#include "reconciler/core/plan.h"

struct issuer_plan {
    enum issuer_step step;
    struct verdict ready, stalled; /* stalled ABSENT unless only a change can help */
    struct verdict
        conditions[CONDITION_COUNT]; /* what the CA says, and ClockSkew (ca_conditions) */
    cl_time next_at;
    enum reason next_reason;
};
struct issuer_input {
    const struct object *o;
    const struct issuer_facts *f;
    struct hold_view hold; /* after failed steps */
    bool running;          /* a step runs */
};
/** The directory is refreshed daily. */
void issuer_plan_next(const struct issuer_input *in, cl_time now, struct issuer_plan *ret);
const char *issuer_step_name(enum issuer_step s);

#endif
