/* SPDX-License-Identifier: Apache-2.0 */
/* admission: one waiting line for a shared gate (an issuer's maxOrders). Who is admitted next:
 * urgency first, then arrival. Pure. */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "spec/base/cl_heap.h"

struct admission_ticket { /* embedded in the unit; zeroed = not in line */
    struct cl_heap_node wait;
    bool admitted;
    void *user;
};
struct admission {
    struct cl_heap line; /* keyed by urgency: time to notAfter, smaller first */
    unsigned capacity, used;
    cl_time last_release, mean_gap; /* between two releases: for the forecast */
};
void admission_init(struct admission *a, unsigned capacity);
void admission_deinit(struct admission *a);
void admission_resize(struct admission *a, unsigned capacity);
/** Whose turn comes first: what the CA is about to revoke (@revoked), nearest expiry first; then who
 *  has no certificate (@not_after 0); then nearest expiry. */
cl_time admission_urgency(cl_time not_after, bool revoked);
/** true: has a slot (already, or takes a free one now). false: stands in line.
 *  @urgency: of admission_urgency. */
bool admission_enter(struct admission *a, struct admission_ticket *t, cl_time urgency);
/** Gives slot or place back. The caller then wakes admission_next. */
void admission_leave(struct admission *a, struct admission_ticket *t, cl_time now);
/** Gives free slots to the first in line: returns one ticket that got one, NULL when done. */
struct admission_ticket *admission_next(struct admission *a);
cl_time admission_forecast(const struct admission *a, const struct admission_ticket *t,
                           cl_time now);

#endif
