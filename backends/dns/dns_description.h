/* SPDX-License-Identifier: Apache-2.0 */
/* dns_description: a DNS provider as data. The text of a description (YAML, providers/README.md) is
 * checked strictly and becomes a struct that says what the provider wants to know, and how it is
 * asked. Loading is pure: text in, struct or problems with line and column out. */
#ifndef DNS_DESCRIPTION_H
#define DNS_DESCRIPTION_H

#include "spec/base/cl_buf.h"
#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"
#include "spec/spec_parse.h"

#include <stdbool.h>

/* One input of a provider. */
struct dns_input {
    char *name;
    char *help;          /* "" if none */
    struct cl_strv env;  /* names under which users of lego and acme.sh have it */
    char *default_value; /* NULL = none */
    bool secret;         /* masked, and all that is computed from it */
    bool optional;       /* may be missing; then it is null */
    bool file;           /* as an environment variable it names a file that holds the value */
    bool json;           /* format: json: the value is parsed, cred.NAME.member works */
    bool map;            /* host name -> value */
    bool origin;         /* decides where requests go: has to come from beside the secrets */
    unsigned line, column;
};
struct dns_rate {
    unsigned count;
    cl_time per;
};
#define DNS_RATES_MAX 4
enum dns_limit_scope { DNS_PER_ACCOUNT, DNS_PER_ZONE, DNS_PER_NAME };
enum dns_model { DNS_RECORDS, DNS_RRSET, DNS_DELTA, DNS_ZONEFILE, DNS_SLOT };
enum dns_zone_by {
    DNS_ZONE_SOA,
    DNS_ZONE_LIST,
    DNS_ZONE_PROBE,
    DNS_ZONE_NONE,
    DNS_ZONE_LABELS,
    DNS_ZONE_CONFIG
};

struct dns_api; /* the compiled calls: private to backends/dns (dns_api_desc.h) */
struct dns_description {
    unsigned refs;
    char *name;   /* "cloudflare" */
    char *title;  /* "Cloudflare" */
    char *doc;    /* where the API is documented; "" if not said */
    char *tested; /* "replay", or "live 2026-11-24" */
    char *note;   /* what a user should know; "" if nothing */
    struct dns_input *inputs;
    size_t n_inputs;
    struct {
        long min, max, unit; /* seconds; 0 = no bound; unit 1 */
        long allowed[16];    /* ascending */
        size_t n_allowed;
    } ttl;
    struct {
        struct dns_rate rates[DNS_RATES_MAX];
        size_t n_rates;
        enum dns_limit_scope scope;
        unsigned concurrency; /* zones at a time; 0 = no bound */
    } limits;
    struct {
        cl_time wait, timeout, every; /* 0 = not said */
        bool anycast;
    } propagation;
    enum dns_model model;
    enum dns_zone_by zone_by;
    unsigned slot_values; /* DNS_SLOT: 1 or 2 */
    bool batches, lists;
    struct dns_api *api;
};

/* Where the description that another one extends is found. */
struct dns_description_base {
    /** 1 and the text, 0 = there is none of that name. */
    int (*find)(void *user, const char *name, struct cl_buf *ret);
    void *user;
};
/**
 * Loads one description. @base may be NULL: then `extends` is an error. Returns an owned
 * description (dns_description_unref), or NULL and what is wrong in @problems (initialised by the
 * caller, zeroed; warnings alone do not fail).
 */
struct dns_description *dns_description_load(const char *text, size_t len,
                                             const struct dns_description_base *base,
                                             struct spec_problems *problems);
struct dns_description *dns_description_ref(struct dns_description *d);
void dns_description_unref(struct dns_description *d); /* NULL is fine */
const struct dns_input *dns_description_input(const struct dns_description *d, const char *name);
/** "records" "rrset" "delta" "zonefile" "slot"; "soa" "list" ... */
const char *dns_model_name(enum dns_model model);
const char *dns_zone_by_name(enum dns_zone_by by);
/** The TTL to write, in the provider's unit, when @want seconds are wanted (0 = 60). */
long dns_description_ttl(const struct dns_description *d, long want);
#define DNS_DESCRIPTION_MAX ((size_t)256 << 10)

/* ---- files (dns_description_files.c): the only part that touches the disk ---- */

/**
 * Loads NAME.yaml from the first of @dirs that has it. A file has to belong to root or to the user
 * that runs and must not be writable by others, and so its directory: it steers credentials.
 * Returns NULL with PERMANENT "ProviderUnknown" (names the nearest), "ProviderInvalid"
 * (FILE:LINE:COLUMN: what), "ProviderUntrusted". *ret_path (may be NULL) is owned.
 */
struct dns_description *dns_description_open(const struct cl_strv *dirs, const char *name,
                                             char **ret_path, struct cl_err *err);
/** The same for one file by its path; problems with their positions go to @problems. NULL and no
 *  problems: @err says why the file could not be read. */
struct dns_description *dns_description_open_file(const struct cl_strv *dirs, const char *path,
                                                  struct spec_problems *problems,
                                                  struct cl_err *err);
/** Names of all descriptions in @dirs, sorted, each once. */
void dns_description_names(const struct cl_strv *dirs, struct cl_strv *ret);

#endif
