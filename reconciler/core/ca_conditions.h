/* SPDX-License-Identifier: Apache-2.0 */
/* ca_conditions: which condition tells what a CA has said. Pure; a table. */
#ifndef CA_CONDITIONS_H
#define CA_CONDITIONS_H

#include "reconciler/core/plan.h"

/** The condition that stands for a failure of that reason and class, or CONDITION_COUNT. */
enum condition_type ca_condition_of(const char *reason, enum cl_err_kind kind);
/** Fills the one of @ret[CONDITION_COUNT] that @h calls for; the others stay as they are. */
void ca_conditions(const struct hold_view *h, cl_time now, struct verdict *ret);
/** ClockSkew, if the clocks are a minute or more apart. @skew: the CA's clock minus ours. */
void ca_clock_skew(cl_time skew, struct verdict *ret);

#endif
