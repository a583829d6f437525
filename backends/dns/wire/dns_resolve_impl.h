/* SPDX-License-Identifier: Apache-2.0 */
/* dns_resolve_impl (private to backends/dns/wire): what the files of dns_resolve share: the resolver
 * itself, addresses of name servers, and the servers of a zone. */
#ifndef DNS_RESOLVE_IMPL_H
#define DNS_RESOLVE_IMPL_H

#include "backends/dns/wire/dns_multi.h"
#include "backends/dns/wire/dns_resolve.h"
#include "spec/base/cl_map.h"

#define DNS_NS_MAX 16U /* name servers of one zone that are looked at */

struct dns_zone_override {
    char *zone;
    struct cl_strv servers;
};
struct dns_resolver {
    struct loop *loop;
    struct http *http;
    struct cl_strv configured; /* recursive servers of the specification */
    struct cl_strv system;     /* those of resolv.conf, as of system_at */
    cl_time system_at;
    struct dns_zone_override *zones;
    size_t zones_len;
    cl_time timeout;
    struct cl_map cache; /* zone -> struct dns_cached */
};

/** The recursive servers as of now; valid until the next call. */
const struct cl_strv *dns_resolver_recursive(struct dns_resolver *r);
/** The configured servers of the longest zone that holds @name, or NULL. */
const struct dns_zone_override *dns_resolver_override(const struct dns_resolver *r,
                                                      const char *name);

/* ---- all addresses of some hosts ---- */
struct dns_host_address {
    char *host;
    char address[64]; /* without a port */
};
struct dns_addresses_op {
    struct cl_op op; /* err: CANCELLED only; a host without addresses has none in the list */
    struct dns_host_address *addresses; /* lent while done runs */
    size_t n;
};
void dns_addresses_start(struct dns_resolver *r, const struct cl_strv *hosts,
                         struct dns_addresses_op *op);

/* ---- the servers of a zone, as parent and zone itself name them ---- */
struct dns_servers {
    struct dns_authority *list;
    size_t n;
    struct cl_strv unresolved;
};
void dns_servers_deinit(struct dns_servers *s);
void dns_servers_copy(struct dns_servers *dst, const struct dns_servers *src);

struct dns_servers_op {
    struct cl_op op;            /* err: as dns_query; an empty list is none */
    struct dns_servers servers; /* lent while done runs */
};
/** @referral: the answer by which the parent pointed to @zone; NULL: the parent is asked. */
void dns_servers_start(struct dns_resolver *r, const char *zone, const struct dns_msg *referral,
                       struct dns_servers_op *op);

#endif
