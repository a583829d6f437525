/* SPDX-License-Identifier: Apache-2.0 */
/* ca_catalog: the table of such a file, and what is asked of it. */
#include "spec/ca_catalog.h"

#include "spec/base/cl_alloc.h"
#include "spec/spec_document.h"
#include "spec/spec_tables.h"

#include <ctype.h>
#include <string.h>

#define LETS_ENCRYPT "https://acme-v02.api.letsencrypt.org/directory"
#define PATH_TEXT "known CA"

static const struct yaml_limits FILE_LIMITS = {.bytes = 64 * 1024, .nodes = 2000, .depth = 8};

/* ---- the table ---- */

static bool day_of(const char *text, cl_time *ret)
{
    char full[32];
    return cl_format(full, sizeof full, "%sT00:00:00Z", text) == 0 && cl_time_parse(full, ret) == 0;
}

static char *value_day(const char *text, char *why, size_t why_size)
{
    cl_time t = 0;
    if (strlen(text) != 10 || !day_of(text, &t)) {
        (void)cl_format(why, why_size, "expected a day, as in 2027-02-10");
        return NULL;
    }
    return cl_strdup(text);
}

static char *value_host(const char *text, char *why, size_t why_size)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) &&
            strchr(".-:", *p) == NULL) {
            (void)cl_format(why, why_size, "expected a host in lower case, with no scheme or path");
            return NULL;
        }
    }
    return *text != '\0' ? cl_strdup(text) : NULL;
}

static const struct schema_field CA_LIMIT[] = {
    {ROW("capacity", LONG, ca_limit, capacity), .flags = FIELD_REQUIRED, .min = 1, .max = 100000000,
     .doc = "So many at once."},
    {ROW("refill", DURATION, ca_limit, refill), .flags = FIELD_REQUIRED,
     .doc = "Then one more after this time."},
    ROW_END,
};
const struct schema SCHEMA_CA_LIMIT = {SCHEMA("limit", ca_limit, CA_LIMIT)};

static const struct schema_field LIMITS[] = {CA_LIMIT_ROWS(known_ca, limits), ROW_END};
static const struct schema SCHEMA_LIMITS = {SCHEMA("limits", known_ca, LIMITS)};

static const struct schema_word REQUESTS[] = {{"newNonce", 0, false},    {"newAccount", 1, false},
                                              {"newOrder", 2, false},    {"revokeCert", 3, false},
                                              {"renewalInfo", 4, false}, {"directory", 5, false},
                                              {"other", 6, false},       {0}};
static const struct schema_field RATE[] = {
    {ROW("what", TEXT, ca_rate, what), .flags = FIELD_REQUIRED, .words = REQUESTS,
     .doc = "Resource of the directory; other: everything else."},
    {ROW("rate", LONG, ca_rate, rate), .flags = FIELD_REQUIRED, .min = 1, .max = 1000000,
     .doc = "Requests a second."},
    {ROW("burst", LONG, ca_rate, burst), .flags = FIELD_REQUIRED, .min = 1, .max = 1000000,
     .doc = "And so many at once."},
    ROW_END,
};
static const struct schema SCHEMA_RATE = {SCHEMA("requests", ca_rate, RATE)};

static const struct schema_field PROFILE[] = {
    {ROW("name", TEXT, ca_profile, name), .flags = FIELD_REQUIRED, .doc = "As in the directory."},
    {ROW("maxNames", LONG, ca_profile, max_names), .min = 1, .max = 10000,
     .doc = "Identifiers in a certificate."},
    {ROW("ipAddresses", BOOL, ca_profile, ip_addresses), .doc = "Also IP addresses."},
    {ROW("default", BOOL, ca_profile, by_default), .doc = "Of orders that name none."},
    ROW_END,
};
static const struct schema SCHEMA_PROFILE = {SCHEMA("profiles", ca_profile, PROFILE)};

static const struct schema_field LIFETIME[] = {
    {ROW("profile", TEXT, ca_lifetime, profile), .doc = "Without it: of all."},
    {ROW("from", TEXT, ca_lifetime, from), .flags = FIELD_REQUIRED, .value = value_day,
     .doc = "First day."},
    {ROW("lifetime", DURATION, ca_lifetime, lifetime), .flags = FIELD_REQUIRED,
     .doc = "Of certificates."},
    {ROW("reuse", DURATION, ca_lifetime, reuse), .doc = "Of valid authorizations."},
    ROW_END,
};
static const struct schema SCHEMA_LIFETIME = {SCHEMA("lifetimes", ca_lifetime, LIFETIME)};

static const struct schema_field END[] = {
    {ROW("what", TEXT, ca_end, what), .flags = FIELD_REQUIRED,
     .doc = "accounts, orders, issuance or certificates."},
    {ROW("date", TEXT, ca_end, date), .flags = FIELD_REQUIRED, .value = value_day,
     .doc = "From that day on there are none."},
    ROW_END,
};
static const struct schema SCHEMA_END = {SCHEMA("ends", ca_end, END)};

static const struct schema_field KNOWN_CA[] = {
    {ROW("name", TEXT, known_ca, name), .flags = FIELD_REQUIRED, .doc = "As people call it."},
    {ROW("hosts", STRV, known_ca, hosts), .flags = FIELD_REQUIRED, .value = value_host,
     .doc = "Of its directories."},
    {ROW("caa", STRV, known_ca, caa), .value = value_host, .doc = "Its names in CAA records."},
    {ROW_FLAT("limits"), .sub = &SCHEMA_LIMITS, .doc = "Token buckets."},
    {ROWS("requests", LIST, known_ca, requests, n_requests), .sub = &SCHEMA_RATE,
     .doc = "Overall rates for an address."},
    {ROWS("profiles", LIST, known_ca, profiles, n_profiles), .sub = &SCHEMA_PROFILE,
     .doc = "What its profiles allow."},
    {ROWS("lifetimes", LIST, known_ca, lifetimes, n_lifetimes), .sub = &SCHEMA_LIFETIME,
     .doc = "In the order of their dates."},
    {ROWS("ends", LIST, known_ca, ends, n_ends), .sub = &SCHEMA_END, .doc = "What it gives up."},
    {ROW("externalAccountBinding", BOOL, known_ca, external_account_binding),
     .doc = "It asks for one."},
    {ROW("emailWanted", BOOL, known_ca, email_wanted), .doc = "Accounts without one fail late."},
    {ROW("noWildcards", BOOL, known_ca, no_wildcards), .doc = "Not without payment."},
    {ROW("freeNames", LONG, known_ca, free_names), .min = 1, .max = 1000,
     .doc = "More names cost money."},
    {ROW("note", TEXT, known_ca, note), .doc = "A sentence for its users."},
    ROW_END,
};
static const struct schema SCHEMA_KNOWN_CA = {SCHEMA(PATH_TEXT, known_ca, KNOWN_CA)};

static void check_order(const struct known_ca *k, const struct yaml_node *root,
                        struct spec_problems *problems)
{
    for (size_t i = 1; i < k->n_lifetimes; i++) {
        const struct ca_lifetime *a = &k->lifetimes[i - 1];
        const struct ca_lifetime *b = &k->lifetimes[i];
        if (cl_streq(a->profile, b->profile) && a->from != NULL && b->from != NULL &&
            strcmp(a->from, b->from) >= 0) {
            const struct yaml_node *at = yaml_get(root, "lifetimes");
            spec_problems_add(problems, false, at->items[i]->line, at->items[i]->column,
                              "lifetimes[%zu].from: must be later than %s", i, a->from);
        }
    }
}

int known_ca_parse(const char *text, size_t len, struct known_ca *ret,
                   struct spec_problems *problems)
{
    struct yaml_documents docs;
    struct schema_context c = {
        .problems = problems, .api = SPEC_API_CERTLOOP, .kind = SPEC_ISSUER, .trusted = true};
    int rc = yaml_parse(text, len, &FILE_LIMITS, &docs, problems) == 0 ? 0 : -1;

    memset(ret, 0, sizeof *ret);
    if (rc == 0 && (docs.len != 1 || docs.items[0]->kind != YAML_MAP)) {
        spec_problems_add(problems, false, 1, 1, "expected one mapping: name, hosts, limits, ...");
        rc = -1;
    }
    if (rc == 0) {
        schema_decode(&c, &SCHEMA_KNOWN_CA, docs.items[0], "", ret);
        for (size_t i = 0; i < problems->len; i++) { /* ".name": a path has no start here */
            char *found = problems->items[i].text;
            if (found[0] == '.') {
                memmove(found, found + 1, strlen(found));
            }
        }
        check_order(ret, docs.items[0], problems);
        rc = problems_have_error(problems, 0) ? -1 : 0;
    }
    if (rc < 0) {
        known_ca_deinit(ret);
    }
    yaml_documents_deinit(&docs);
    return rc;
}

void known_ca_deinit(struct known_ca *k)
{
    schema_deinit(&SCHEMA_KNOWN_CA, k);
}

/* ---- the catalog ---- */

static const struct known_ca *by_host(const struct ca_catalog *c, const char *host)
{
    for (size_t i = 0; i < c->len; i++) {
        if (cl_strv_has(&c->items[i].hosts, host)) {
            return &c->items[i];
        }
    }
    return NULL;
}

void ca_catalog_add(struct ca_catalog *c, struct known_ca *take_k)
{
    cl_strv_for_each(host, &take_k->hosts) {
        if (by_host(c, host) != NULL) {
            known_ca_deinit(take_k);
            return;
        }
    }
    c->items = cl_reallocarray(c->items, c->len + 1, sizeof c->items[0]);
    c->items[c->len++] = *take_k;
    memset(take_k, 0, sizeof *take_k);
}

void ca_catalog_deinit(struct ca_catalog *c)
{
    for (size_t i = 0; i < c->len; i++) {
        known_ca_deinit(&c->items[i]);
    }
    cl_free(c->items);
    *c = (struct ca_catalog){0};
}

char *ca_host_of_url(const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t len = strcspn(host, "/?#");
    for (size_t i = 0; i < len; i++) { /* user:password@ has no place in the name of a bucket */
        if (host[i] == '@') {
            host += i + 1;
            len -= i + 1;
            i = 0;
        }
    }
    char *copy = cl_str_lower(cl_strndup(host, len));
    if (cl_str_ends(copy, ":443") && cl_str_starts(url, "https:")) {
        copy[strlen(copy) - 4] = '\0';
    }
    return copy;
}

const struct known_ca *ca_catalog_find(const struct ca_catalog *c, const char *directory_url)
{
    if (c == NULL || directory_url == NULL) {
        return NULL;
    }
    char *host = ca_host_of_url(directory_url);
    const struct known_ca *k = by_host(c, host);
    cl_free(host);
    return k;
}

static void override_limit(struct ca_limit *dst, const struct ca_limit *given)
{
    if (given->capacity > 0) {
        *dst = *given;
    }
}

void ca_limits_of(const struct ca_catalog *c, const struct acme_spec *a, struct ca_limits *ret)
{
    const struct ca_limits *given = &a->rate_limits.limits;
    const struct known_ca *k = NULL;

    *ret = (struct ca_limits){0};
    if (a->rate_limits.mode == RATE_LIMITS_AUTO) {
        k = ca_catalog_find(c, a->server);
    } else if (a->rate_limits.mode == RATE_LIMITS_LETS_ENCRYPT) {
        k = ca_catalog_find(c, LETS_ENCRYPT);
    }
    if (k != NULL) {
        *ret = k->limits;
    }
    override_limit(&ret->new_orders, &given->new_orders);
    override_limit(&ret->domain, &given->domain);
    override_limit(&ret->exact_set, &given->exact_set);
    override_limit(&ret->failed_authorizations, &given->failed_authorizations);
    override_limit(&ret->consecutive_failures, &given->consecutive_failures);
    override_limit(&ret->new_accounts, &given->new_accounts);
}

/* ---- questions ---- */

static const struct ca_profile *profile_of(const struct known_ca *k, const char *profile)
{
    for (size_t i = 0; i < k->n_profiles; i++) {
        if (profile != NULL ? cl_streq(k->profiles[i].name, profile) : k->profiles[i].by_default) {
            return &k->profiles[i];
        }
    }
    return NULL;
}

long known_ca_max_names(const struct known_ca *k, const char *profile)
{
    const struct ca_profile *p = profile_of(k, profile);
    return p != NULL ? p->max_names : 0;
}

cl_time known_ca_lifetime(const struct known_ca *k, const char *profile, cl_time when,
                          cl_time *ret_reuse)
{
    const struct ca_profile *p = profile_of(k, profile);
    const char *name = p != NULL ? p->name : profile;
    cl_time lifetime = 0;
    cl_time from = 0;

    for (size_t i = 0; i < k->n_lifetimes; i++) {
        const struct ca_lifetime *l = &k->lifetimes[i];
        bool fits = l->profile == NULL || cl_streq(l->profile, name);
        if (fits && day_of(l->from, &from) && from <= when) {
            lifetime = l->lifetime;
            if (ret_reuse != NULL) {
                *ret_reuse = l->reuse;
            }
        }
    }
    return lifetime;
}

bool known_ca_refuses(const struct known_ca *k, const char *profile, const struct cert_spec *s,
                      char *why, size_t why_size)
{
    const struct ca_profile *p = profile_of(k, profile);
    size_t n = s->dns_names.len + s->ip_addresses.len;
    const char *const label = p != NULL ? p->name : "";

    if (p != NULL && p->max_names > 0 && n > (size_t)p->max_names) {
        (void)cl_format(why, why_size,
                        "%zu names, but a certificate of %s (profile %s) has at most %ld; divide "
                        "them between several Certificates",
                        n, k->name, label, p->max_names);
        return true;
    }
    if (p != NULL && !p->ip_addresses && s->ip_addresses.len > 0) {
        (void)cl_format(why, why_size,
                        "ipAddresses: %s has no IP addresses in certificates of profile %s",
                        k->name, label);
        return true;
    }
    cl_strv_for_each(name, &s->dns_names) {
        if (k->no_wildcards && cl_str_starts(name, "*.")) {
            (void)cl_format(why, why_size, "%s: %s has no wildcards without payment", name,
                            k->name);
            return true;
        }
    }
    return false;
}

void known_ca_warnings(const struct known_ca *k, const struct acme_spec *a, cl_time now,
                       struct cl_strv *ret)
{
    cl_time from = 0;

    for (size_t i = 0; i < k->n_ends; i++) {
        bool over = day_of(k->ends[i].date, &from) && from <= now;
        cl_strv_take(ret, cl_printf("%s %s no %s from %s on; name another CA in spec.acme.server",
                                    k->name, over ? "has had" : "will have", k->ends[i].what,
                                    k->ends[i].date));
    }
    if (k->email_wanted && a->email == NULL) {
        cl_strv_take(ret, cl_printf("%s wants spec.acme.email: orders of accounts without one fail",
                                    k->name));
    }
}
