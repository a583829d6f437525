/* SPDX-License-Identifier: Apache-2.0 */
/* dns_settle: how long a zone needs after all its name servers show a record until the CA sees it, too:
 * learned when a CA missed a record that was visible everywhere. Kept in STATE/dns/settle.json; losing
 * it costs one more miss. */
#ifndef DNS_SETTLE_H
#define DNS_SETTLE_H

#include "backends/store/paths.h"

/** What was learned about @zone; 0 = nothing, or too long ago to count. */
cl_time dns_settle_get(const struct paths *p, const char *zone, cl_time now);
/** The CA missed a record in @zone although it was visible, and @waited had passed since.
 *  Misses of those that waited less than what has been learned meanwhile say nothing new.
 *  @negative_ttl: seconds for which resolvers remember that there is nothing. Returns the new delay. */
cl_time dns_settle_learn(const struct paths *p, const char *zone, cl_time waited,
                         uint32_t negative_ttl, cl_time now);
/** The rule (pure): a minute at least, the negative TTL up to five, twice as long after each further
 *  miss, ten minutes at most. */
cl_time dns_settle_next(cl_time before, uint32_t negative_ttl);

#endif
