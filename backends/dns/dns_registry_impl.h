/* SPDX-License-Identifier: Apache-2.0 */
/* dns_registry_impl: opening one solver: gather what it needs, then make the provider unless there is
 * one with the same identity. Private to dns_registry*.c. */
#ifndef DNS_REGISTRY_IMPL_H
#define DNS_REGISTRY_IMPL_H

#include "backends/dns/dns_credentials.h"
#include "backends/dns/dns_registry.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_map.h"

struct dns_registry {
    struct loop *loop;
    struct http *http;
    const struct paths *paths;
    const struct config *config;
    struct cl_map entries;      /* identity -> struct dns_registry_entry */
    struct cl_map resolvers;    /* settings as text -> struct dns_resolver */
    struct cl_map descriptions; /* name -> struct dns_cached_description */
    struct loop_timer sweep;
};

#define DNS_SECRETS_MAX 4
/* What opening gathers. Secrets are wiped. */
struct dns_opening {
    struct dns_registry *r;
    const struct dns01_spec *spec;
    const char *namespace_;
    struct cl_buf identity;                 /* secret: everything that makes the instance */
    struct cl_buf secrets[DNS_SECRETS_MAX]; /* by the kind */
    struct dns_description *description;    /* described; referenced */
    struct dns_credentials *credentials;
    struct cl_strv env; /* exec */
};
/** A secret of the solver, by reference. */
int dns_opening_secret(struct dns_opening *o, const struct secret_ref *ref, const char *key,
                       struct cl_buf *ret, struct cl_err *err);
/** The same for a file that need not be there: 1, 0 = not there, -1. */
int dns_opening_optional(struct dns_opening *o, const char *directory, const char *file,
                         struct cl_buf *ret, struct cl_err *err);
/** An endpoint that the spec itself names goes with the secrets in @directory only if these say so:
 *  PERMANENT "OriginRefused". */
int dns_opening_origin(struct dns_opening *o, const char *endpoint, const char *directory,
                       struct cl_err *err);
/** Is the input part of the host in any URL of @d? */
bool dns_input_decides_origin(const struct dns_description *d, const char *name);
void dns_opening_mix(struct dns_opening *o, const char *name, const char *value);

struct dns_opener {
    /** Reads and checks; fills the identity. No instance yet. */
    int (*gather)(struct dns_opening *o, struct cl_err *err);
    int (*make)(struct dns_opening *o, struct dns_provider **ret, struct cl_err *err);
};
const struct dns_opener *dns_opener_of(enum dns01_type type); /* NULL: no such form */

/** The description, from the cache or the Configuration's directories; lent. */
struct dns_description *dns_registry_description(struct dns_registry *r, const char *name,
                                                 struct cl_err *err);

#endif
