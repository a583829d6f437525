/* SPDX-License-Identifier: Apache-2.0 */
/* dns_round (private to backends/dns/wire): all servers of a table are asked for the TXT records at
 * one name, at once, and the table says afterwards what they have seen. */
#ifndef DNS_ROUND_H
#define DNS_ROUND_H

#include "backends/dns/wire/dns_propagation.h"

enum dns_round_kind {
    DNS_ROUND_AUTHORITATIVE, /* answers count only with authority */
    DNS_ROUND_RECURSIVE,
    DNS_ROUND_DOH,     /* servers are URLs (RFC 8484) */
    DNS_ROUND_DOH_HTTP /* http: is allowed */
};
struct dns_round_op {
    struct cl_op op; /* err: CANCELLED only; then the table has what had come */
};
/** All of it is lent until done. */
void dns_round_start(struct dns_resolver *r, enum dns_round_kind kind, const char *name,
                     const struct cl_strv *values, struct dns_table *table,
                     struct dns_round_op *op);

#endif
