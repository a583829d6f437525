/* SPDX-License-Identifier: Apache-2.0 */
/* conditions: the conditions of a Certificate, one function each, from what plan_next has decided
 * so far. Pure; private to core. */
#ifndef CONDITIONS_H
#define CONDITIONS_H

#include "reconciler/core/checks.h"
#include "reconciler/core/gates.h"
#include "reconciler/core/plan.h"

/* One call of plan_next under way. */
struct planning {
    struct check_input in;
    const struct cert_facts *cert; /* of the archived revision; NULL unless it is readable */
    const struct gate *gate;       /* closed one, NULL = all open or not asked */
    struct gate_hit hit;           /* of gate */
    struct plan *ret;
};
/** Fills ret->conditions; trigger, gate and steps are decided already. */
void conditions_decide(struct planning *p);

#endif
