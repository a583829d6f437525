/* SPDX-License-Identifier: Apache-2.0 */
/* ready: the D3 chain: is a usable pair for this generation on disk? The D1 checks that break
 * readiness, then time, then the outputs. Pure. */
#ifndef READY_H
#define READY_H

#include "reconciler/core/checks.h"
#include "reconciler/core/plan.h"

/* The rows after those of CHECKS. */
extern const struct check READY_CHECKS[];
extern const size_t READY_CHECKS_LEN;
/** Fills the Ready condition. */
void ready_decide(const struct check_input *in, struct verdict *ret);

#endif
