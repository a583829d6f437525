/* SPDX-License-Identifier: Apache-2.0 */
/* dns_responder: an authoritative name server inside the daemon for names that were delegated to
 * it, by NS or as the target of a CNAME: DNS-01 without an account anywhere. Its records are in
 * memory only, so nothing is left behind by a crash. */
#ifndef DNS_RESPONDER_H
#define DNS_RESPONDER_H

#include "backends/dns/dns_provider.h"
#include "backends/rt/loop.h"

struct dns_responder_params {
    const char *listen;       /* "192.0.2.1:53", ":53" */
    struct cl_strv zones;     /* it is authoritative for these and nothing else; at least one */
    const char *ns;           /* its own name, as in the NS record of the parent; NULL: "ns" in
                                 the zone */
    struct cl_strv addresses; /* of that name, answered if it lies in a zone of ours */
    const char *contact;      /* rname of the SOA as a name; NULL: "hostmaster" in the zone */
    long ttl;                 /* of TXT answers, seconds; 0 = 1: nobody need remember them */
};
/** Listens at once. Errors: those of dns_listen_start; PERMANENT "ResponderZoneInvalid". */
int dns_responder_create(struct loop *l, const struct dns_responder_params *p,
                         struct dns_provider **ret, struct cl_err *err);
/** Actual port, for listen addresses with port 0. */
unsigned dns_responder_port(const struct dns_provider *p);

#endif
