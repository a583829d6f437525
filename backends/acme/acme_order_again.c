/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_again: the CA has not seen records that every name server shows: a resolver of the CA
 * remembers that there was nothing, or one node of a name server is behind. That is no failed attempt
 * yet: when resolvers have forgotten, a second order is made, once in an issuance. */
#include "backends/acme/acme_order_impl.h"
#include "backends/acme/acme_problem.h"

#include <string.h>

/* Did the CA look and not see the record (RFC 8555 6.7)? Nothing else is a miss: not CAA, not a name that
 * it refuses, not a limit. */
static bool missed(const struct acme_authz *a)
{
    static const char *const TYPES[] = {"dns", "unauthorized", "incorrectResponse"};

    for (size_t i = 0; a->miss_wait > 0 && i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (acme_problem_is(&a->err, TYPES[i])) {
            return true;
        }
    }
    return false;
}

bool acme_order_try_again(struct acme_order *o, const struct cl_err *why)
{
    cl_time wait = 0;

    for (size_t i = 0; i < o->n_authz; i++) {
        const struct acme_authz *a = &o->authz[i];
        if (a->step != AUTHZ_FAILED) {
            continue;
        }
        if (!missed(a)) {
            return false;
        }
        wait = cl_time_max(wait, a->miss_wait);
    }
    if (o->missed > 0 || wait == 0) {
        return false;
    }
    o->missed++;
    o->again_at = o->now + wait;
    o->miss = *why;
    return true;
}

enum acme_step acme_order_again(struct acme_order *o, const struct acme_event *ev)
{
    (void)ev; /* only the time counts */
    if (o->now < o->again_at) {
        return STEP_WAIT; /* a timer comes; late events of the order that failed do not count */
    }
    o->again_at = 0;
    (void)acme_order_act(o, ACT_FORGET, 0);
    acme_order_forget(o);
    return acme_order_go(o, ORDER_CREATE);
}
