/* SPDX-License-Identifier: Apache-2.0 */
/* dns_described: the provider that a description makes: one engine for all HTTP APIs. The description
 * says how to list, create, replace and delete; what is written is decided here: only own values
 * are added or removed, what is read is kept, and what was written is looked at again. */
#ifndef DNS_DESCRIBED_H
#define DNS_DESCRIBED_H

#include "backends/dns/dns_credentials.h"
#include "backends/dns/dns_provider.h"
#include "backends/net/http.h"

struct dns_described_params {
    struct loop *loop;
    struct http *http;
    struct dns_description *description; /* referenced */
    struct dns_credentials *take_credentials;
    const struct http_trust *trust; /* NULL = the system's; outlives the provider */
    /* "https://api.example=http://127.0.0.1:8080": what is meant for FROM goes to TO, which must be
     * a loopback address; Host and signatures stay those of FROM. NULL = none. */
    const struct cl_strv *origins;
    cl_time fixed_now; /* the time that now() sees; 0 = the loop's */
    long ttl;          /* wanted, seconds; 0 = 60 */
    /* Every request and answer as one line, secrets masked; NULL = none. */
    void (*trace)(void *user, const char *line);
    void *trace_user;
};
/** Returns NULL with PERMANENT "OriginRefused" or "CredentialInvalid". */
struct dns_provider *dns_described_create(const struct dns_described_params *params,
                                          struct cl_err *err);

/** For commands: runs @l until a logout (idle) has ended, or somebody stops the loop. */
void dns_described_settle(struct dns_provider *provider, struct loop *l);

/** Writes the requests that adding and removing a value at @fqdn of @zone would need, one paragraph
 *  a step, for people: credentials and what only an answer can say stand as <NAME>. */
void dns_described_show(const struct dns_description *d, const char *zone, const char *fqdn,
                        struct cl_buf *ret);

/** Parses and checks "FROM=TO" of a loopback map; fails with PERMANENT "OriginRefused". */
int dns_origin_map_check(const char *pair, struct cl_err *err);

#endif
