/* SPDX-License-Identifier: Apache-2.0 */
/* backoff: when may a failed unit try again? Pure: reads no clock, keeps no state of its own. */
#ifndef BACKOFF_H
#define BACKOFF_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_rng.h"

#include <stdbool.h>

struct backoff {
    enum cl_err_kind kind; /* of the last failure */
    unsigned failures;     /* in a row, of the same kind */
    cl_time first_failure, last_failure;
    cl_time not_before; /* CL_NEVER = only a change can help (plus a probe once a day) */
};
struct backoff_context {
    cl_time not_after; /* of the certificate in use, 0 = none: urgency cap */
    bool embedded;     /* ca, selfSigned: 1 s * 2^n, cap 1 min for Transient and Local */
};
/**
 * Records one failed attempt and decides when the next may start, by the class table; jitter only
 * adds; err->retry_at is a lower bound. Returns b->not_before.
 */
cl_time backoff_fail(struct backoff *b, const struct cl_err *err, const struct backoff_context *c,
                     cl_time now, struct cl_rng *rng);
void backoff_reset(struct backoff *b);
/** Does a failure of this class count as an attempt (failedIssuanceAttempts)? */
bool backoff_counts(enum cl_err_kind kind);
/** One line of documentation for a class. */
const char *backoff_doc(enum cl_err_kind kind);
/** Hooks: 10 s, 1 min, 5 min, 15 min, 1 h, then daily; +0..10 %. */
cl_time backoff_hook(unsigned failures, cl_time now, struct cl_rng *rng);

#endif
