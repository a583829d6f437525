/* SPDX-License-Identifier: Apache-2.0 */
/* dns_propagation: waits until a TXT record is visible where the CA will look. All addresses of all
 * authoritative servers are asked in parallel, in rounds, until dns_verdict.h says yes. */
#ifndef DNS_PROPAGATION_H
#define DNS_PROPAGATION_H

#include "backends/dns/wire/dns_resolve.h"
#include "backends/dns/wire/dns_verdict.h"

enum dns_propagation_mode {
    DNS_PROPAGATION_AUTHORITATIVE, /* falls back to DOH if no authoritative server answers */
    DNS_PROPAGATION_DOH,
    DNS_PROPAGATION_RECURSIVE,
    DNS_PROPAGATION_WAIT, /* `wait` only */
    DNS_PROPAGATION_NONE
};
/** "authoritative" "doh" "recursive" "wait" "none"; 0 or -1. */
int dns_propagation_mode_parse(const char *name, enum dns_propagation_mode *ret);

struct dns_propagation_params {
    enum dns_propagation_mode mode;
    struct cl_strv recursive; /* RECURSIVE: servers; empty = the resolver's */
    struct cl_strv doh;       /* DOH: URLs; empty = two public ones (RFC 8484) */
    bool doh_http;            /* http: URLs are allowed: loopback only, by configuration */
    cl_time wait;    /* before the first question; DOH without it: 15 s; WAIT: all of the time */
    cl_time timeout; /* from the first question on; 0 = 3 min */
    cl_time every;   /* longest pause between rounds; 0 = 10 s */
    bool anycast;    /* one more good round */
    bool once;       /* one round, no matter what is seen: to look at the table */
};
struct dns_propagation_op {
    struct cl_op op; /* changed: after each round.
                      * err: TRANSIENT "PropagationTimedOut" (the text names who does not have it),
                      * "NameServersSilent"; those of dns_locate; LOCAL "DoHNotAvailable" */
    /* For the status: valid while the op runs and while done runs. */
    const struct dns_table *table; /* NULL before the first round and in modes WAIT, NONE */
    const char *zone;              /* NULL as long as it is not known */
    cl_time next;                  /* when the next round comes, 0 = one runs */
    bool doh_fallback;             /* no authoritative server answered */
    uint32_t negative_ttl;         /* as dns_locate */
};
/**
 * @fqdn is the target: CNAMEs have been followed. @values: all must be there, others may be. Inputs
 * are copied.
 */
void dns_propagation_start(struct dns_resolver *r, const char *fqdn, const struct cl_strv *values,
                           const struct dns_propagation_params *p, struct dns_propagation_op *op);

#endif
