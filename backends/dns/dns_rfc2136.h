/* SPDX-License-Identifier: Apache-2.0 */
/* dns_rfc2136: TXT records by dynamic update (RFC 2136), signed by TSIG. Only single records are
 * added and deleted, never a set: what others have at the name stays. */
#ifndef DNS_RFC2136_H
#define DNS_RFC2136_H

#include "backends/dns/dns_provider.h"
#include "backends/rt/loop.h"

struct dns_rfc2136_params {
    const char *nameserver;    /* "ADDRESS:PORT", port 53 if none */
    const char *key_name;      /* NULL or "": not signed (servers that go by address) */
    const char *key_algorithm; /* as dns_tsig_key_init */
    const char *key_secret;    /* base64; not kept in this form */
    const char *zone;          /* NULL: asked from the server (SOA) */
    bool tcp;
    long ttl;        /* seconds; 0 = 60 */
    cl_time timeout; /* of one try; 0 = 5 s */
};
/** Errors: LOCAL "ServerInvalid", PERMANENT "TSIGKeyInvalid" "ZoneInvalid". */
int dns_rfc2136_create(struct loop *l, const struct dns_rfc2136_params *p,
                       struct dns_provider **ret, struct cl_err *err);

#endif
