/* SPDX-License-Identifier: Apache-2.0 */
/* gates: the D2 list: a certificate is wanted, may obtaining it start now? The first closed gate
 * says why not, until when, and whether a person has to act. Pure. */
#ifndef GATES_H
#define GATES_H

#include "reconciler/core/plan.h"

struct gate_input {
    const struct object *o;
    const struct facts *f;
    cl_time now;
    enum reason trigger; /* D1 */
};
/* What a closed gate says. Filled with the row's reason and CL_NEVER before the row is asked. */
struct gate_hit {
    enum reason reason;
    char message[PLAN_TEXT];
    cl_time until;        /* look again then; CL_NEVER = an event will come */
    cl_time stalled_from; /* from then on only a change by a person helps; CL_NEVER = not */
};
struct gate {
    enum reason reason; /* a row may report a more precise one through its hit */
    bool in_line;       /* while closed, the certificate still counts as being issued */
    bool (*closed)(const struct gate_input *in, struct gate_hit *hit);
};
extern const struct gate GATES[];
extern const size_t GATES_LEN;
/** First closed gate with its @hit, or NULL: all are open. */
const struct gate *gates_first(const struct gate_input *in, struct gate_hit *hit);
/** Does @h still forbid an attempt? @renew_requested: as in facts. */
bool gates_held(const struct hold_view *h, cl_time renew_requested, cl_time now);

#endif
