/* SPDX-License-Identifier: Apache-2.0 */
/* dns_resolve: questions to recursive name servers, and where a challenge record lives: which name
 * it really is (explicit CNAMEs followed, wildcard ones recognised), in which zone, on which name
 * servers. A recursive server is never asked for the challenge name itself: it would remember for
 * up to an hour that there is nothing. */
#ifndef DNS_RESOLVE_H
#define DNS_RESOLVE_H

#include "backends/dns/wire/dns_msg.h"
#include "backends/net/http.h"
#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_str.h"

/* Name servers of a zone that are asked instead of those that the DNS names (private zones,
 * split-horizon set-ups, tests). */
struct dns_zone_servers {
    const char *zone;
    struct cl_strv servers; /* "ADDRESS:PORT", port 53 if none */
};
struct dns_resolver_params {
    struct cl_strv recursive; /* "ADDRESS:PORT"; empty = those of /etc/resolv.conf */
    const struct dns_zone_servers *zones;
    size_t zones_len;
    cl_time timeout; /* of one try; 0 = 2 s */
};
/* Shared by all queries with the same settings, usually one for each solver. */
struct dns_resolver;
/** @http is lent (DNS over HTTPS of dns_propagation); may be NULL if that is not used. */
int dns_resolver_create(struct loop *l, struct http *http, const struct dns_resolver_params *p,
                        struct dns_resolver **ret, struct cl_err *err); /* LOCAL "ServerInvalid" */
void dns_resolver_destroy(struct dns_resolver *r); /* its ops have ended; NULL is fine */

/* ---- one question to the recursive servers, one after the other until one knows ---- */
struct dns_query_op {
    struct cl_op op; /* err: TRANSIENT "NameServersSilent" "NameServersFailed" */
    /* Lent while done runs: rcode NOERROR or NXDOMAIN. */
    const struct dns_msg *msg;
    /* Set by the caller: without DNSSEC validation at the server (CD, RFC 4035 3.2.2), to find out
     * whether that is why it refuses. */
    bool checking_disabled;
};
void dns_query_start(struct dns_resolver *r, const char *name, unsigned type,
                     struct dns_query_op *op);

/* ---- which zone holds a name? By SOA, from the name upwards; recursive servers only ---- */
struct dns_zone_cut_op {
    struct cl_op op;       /* err: as dns_query, PERMANENT "ZoneNotFound" */
    const char *zone;      /* lent while done runs */
    uint32_t negative_ttl; /* seconds: how long "no such name" is remembered */
};
/** @name itself is asked for: not for names that do not exist yet (see dns_locate). */
void dns_zone_cut_start(struct dns_resolver *r, const char *name, struct dns_zone_cut_op *op);

/* ---- where does the record of a challenge live? ---- */
enum dns_follow {
    DNS_FOLLOW_EXPLICIT, /* CNAMEs at the name itself, not those of a wildcard */
    DNS_FOLLOW_ALWAYS,   /* wildcard ones, too */
    DNS_FOLLOW_NEVER
};
#define DNS_HOPS_MAX 8U
#define DNS_ADDRESSES_MAX 64U /* name servers of a zone times their addresses */

struct dns_authority { /* one address of one name server of the zone */
    char *ns;          /* its name; "" if it was configured */
    char *server;      /* "ADDRESS:PORT" */
    bool in_parent, in_child;
};
struct dns_locate_op {
    struct cl_op op; /* err: as dns_query; PERMANENT "CNAMELoop", "ZoneNotFound" */
    /* Results, lent while done runs. */
    const char *target;          /* where the TXT record has to be */
    const char *zone;            /* the zone that holds it */
    const struct cl_strv *chain; /* names on the way, first the one asked for, last the target */
    const char *wildcard;        /* target of a wildcard CNAME that was not followed, or NULL */
    const struct dns_authority *servers;
    size_t servers_len;
    const struct cl_strv *unresolved; /* name servers of the zone that have no address */
    bool recursive;                   /* no authoritative server could be reached: found out by
                                         asking the recursive ones */
    uint32_t negative_ttl;            /* seconds, at most 300 */
};
void dns_locate_start(struct dns_resolver *r, const char *fqdn, enum dns_follow follow,
                      struct dns_locate_op *op);

/* ---- for dns_propagation ---- */
struct loop *dns_resolver_loop(struct dns_resolver *r);
struct http *dns_resolver_http(struct dns_resolver *r);
cl_time dns_resolver_timeout(const struct dns_resolver *r);

#endif
