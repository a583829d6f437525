/* SPDX-License-Identifier: Apache-2.0 */
/* ca_catalog: what is known of public CAs: limits, names a certificate may have, lifetimes and their
 * dates, ends. For defaults and warnings alone: what a CA can do is read from its directory. Pure. */
#ifndef CA_CATALOG_H
#define CA_CATALOG_H

#include "spec/spec.h"
#include "spec/spec_parse.h"

struct ca_rate { /* of requests, for an address */
    char *
        what; /* "newNonce" "newAccount" "newOrder" "revokeCert" "renewalInfo" "directory" "other" */
    long rate; /* a second */
    long burst;
};
struct ca_profile {
    char *name;
    long max_names; /* identifiers in a certificate; 0 = unknown */
    bool ip_addresses;
    bool by_default; /* of orders that name none */
};
struct ca_lifetime { /* from that day on */
    char *profile;   /* NULL = of all */
    char *from;      /* "2027-02-10" */
    cl_time lifetime;
    cl_time reuse; /* of a valid authorization; 0 = unknown */
};
struct ca_end {
    char *what; /* "accounts" "orders" "issuance" "certificates" */
    char *date; /* from that day on there are none */
};
struct known_ca {
    char *name;
    struct cl_strv hosts; /* of the directory */
    struct cl_strv caa;   /* names for CAA records (RFC 8659) */
    struct ca_limits limits;
    struct ca_rate *requests;
    size_t n_requests;
    struct ca_profile *profiles;
    size_t n_profiles;
    struct ca_lifetime *lifetimes; /* in the order of their dates */
    size_t n_lifetimes;
    struct ca_end *ends;
    size_t n_ends;
    bool external_account_binding; /* it will ask for one */
    bool email_wanted;             /* orders without an email address in the account fail late */
    bool no_wildcards;
    long free_names; /* more names than these cost money; 0 = does not matter */
    char *note;      /* a sentence for people */
};
struct ca_catalog {
    struct known_ca *items;
    size_t len;
};

/** One file: 0 with *ret, else -1 and positions in @problems. known_ca_deinit frees *ret. */
int known_ca_parse(const char *text, size_t len, struct known_ca *ret,
                   struct spec_problems *problems);
void known_ca_deinit(struct known_ca *k);
/** Takes @k unless one of its hosts is known already. */
void ca_catalog_add(struct ca_catalog *c, struct known_ca *take_k);
void ca_catalog_deinit(struct ca_catalog *c);

/** By the host of a directory's URL; NULL if unknown. */
const struct known_ca *ca_catalog_find(const struct ca_catalog *c, const char *directory_url);
/** The host of a URL as in buckets and files: lower case, with a port if it is not the usual one. */
char *ca_host_of_url(const char *url);
/** The limits that an Issuer keeps before its CA says so: of the mode, changed by what it gives. */
void ca_limits_of(const struct ca_catalog *c, const struct acme_spec *a, struct ca_limits *ret);
/** How many names a certificate of @profile (NULL: the default one) may have; 0 = unknown. */
long known_ca_max_names(const struct known_ca *k, const char *profile);
/** Lifetime of a certificate issued at @when; *ret_reuse (may be NULL) for how long authorizations
 *  then hold. 0 = unknown. */
cl_time known_ca_lifetime(const struct known_ca *k, const char *profile, cl_time when,
                          cl_time *ret_reuse);
/** What certificates of this CA cannot have, as a sentence in @why; false: nothing is known to be
 *  wrong. An error at plan time, before anything is ordered. */
bool known_ca_refuses(const struct known_ca *k, const char *profile, const struct cert_spec *s,
                      char *why, size_t why_size);
/** Sentences about @k that its users should read at @now: ends, notes. */
void known_ca_warnings(const struct known_ca *k, const struct acme_spec *a, cl_time now,
                       struct cl_strv *ret);

#endif
