/* SPDX-License-Identifier: Apache-2.0 */
/* dns_registry: from what a solver says to a provider instance. One instance for each set of
 * credentials, however many solvers name it; the instance goes some minutes after the last use.
 *
 * Secrets are read each time a solver is opened; when they have changed, that is another instance. An
 * endpoint that a spec names may only be combined with a secret that lists it in the file
 * allowed-origins beside it (SECURITY.md). */
#ifndef DNS_REGISTRY_H
#define DNS_REGISTRY_H

#include "backends/dns/dns_provider.h"
#include "backends/dns/wire/dns_resolve.h"
#include "backends/net/http.h"
#include "backends/store/paths.h"
#include "spec/spec_dns01.h"

struct dns_registry;
struct dns_registry *dns_registry_create(struct loop *l, struct http *http, const struct paths *p,
                                         const struct config *config);
void dns_registry_destroy(struct dns_registry *r); /* NULL is fine */
/** A new Configuration: it counts for what is opened from now on. */
void dns_registry_configure(struct dns_registry *r, const struct config *config);

/* A provider in use. */
struct dns_handle {
    struct dns_provider *provider;
    struct dns_traits traits;
    char *identity; /* hash of kind, settings and credentials: 64 hex digits */
    char *solver;   /* dns01_to_json of one of the solvers that opened it */
    char *namespace_;
    /* For the zone worker: zones that write now, and those that wait. */
    unsigned writing;
    struct cl_list waiting;
    struct dns_registry_entry *entry; /* private */
};
/**
 * Opens the provider of @s; secrets named without a namespace are looked for in @namespace_ first.
 * Errors: PERMANENT "CredentialMissing", "SecretNotFound", "ProviderUnknown", "OriginRefused", ...
 * The handle is given back with dns_handle_unref.
 */
int dns_registry_open(struct dns_registry *r, const struct dns01_spec *s, const char *namespace_,
                      struct dns_handle **ret, struct cl_err *err);
struct dns_handle *dns_handle_ref(struct dns_handle *h);
void dns_handle_unref(struct dns_handle *h);

/** Looks whether @s could be opened, without opening it: provider, inputs, origins. */
int dns_registry_check(struct dns_registry *r, const struct dns01_spec *s, const char *namespace_,
                       struct cl_err *err);

/** The resolver for records of @s: its own resolvers, else those of the Configuration. Lent; lives as
 *  long as the registry. */
int dns_registry_resolver(struct dns_registry *r, const struct solver_spec *s,
                          struct dns_resolver **ret, struct cl_err *err);

#endif
