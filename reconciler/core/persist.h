/* SPDX-License-Identifier: Apache-2.0 */
/* persist: records of dns-persist-01 end, whether a certificate is due or not. When to look at one again,
 * and what to say. Pure. */
#ifndef PERSIST_H
#define PERSIST_H

#include "reconciler/core/plan.h"

/** The record to look at now (that is to renew it, where certloop publishes it), or NULL. */
const struct persist_proof *persist_due(const struct object *o, const struct facts *f, cl_time now);
/** When something changes by time alone: attention, the end, another look. CL_NEVER = not at all. */
cl_time persist_next_at(const struct facts *f, cl_time now);
/** The condition DNSRecordRequired. */
void persist_decide(const struct facts *f, cl_time now, struct verdict *v);

#endif
