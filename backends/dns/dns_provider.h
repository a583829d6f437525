/* SPDX-License-Identifier: Apache-2.0 */
/* dns_provider: the vtable of everything that can publish TXT records: the described HTTP APIs, RFC
 * 2136, the embedded responder, acme-dns, httpreq, exec.
 *
 * A provider instance belongs to one set of credentials. It knows how to find its zone and how to
 * bring the values at names of one zone to what is wanted; it keeps no desired state, no queue, no
 * journal and decides nothing about when: that is the zone worker (dns_worker.h), which never runs
 * two dns_apply of the same zone at once. */
#ifndef DNS_PROVIDER_H
#define DNS_PROVIDER_H

#include "backends/rt/op.h"
#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

#include <stdbool.h>

/* Names here are lower-case A-labels without the final dot. Values are plain: not quoted. */

/* What is wanted at one name. */
struct dns_change {
    const char *fqdn;      /* "_acme-challenge.example.org" */
    struct cl_strv add;    /* own values that must be there afterwards */
    struct cl_strv remove; /* own values that must be gone afterwards; nothing else is touched */
};

struct dns_traits {
    unsigned values_per_name; /* 0 = any number; 1 or 2: slot services, further values wait */
    bool batches;             /* many names of a zone in one request */
    bool lists;               /* can tell which values are there (dns_list) */
    bool sequential;          /* one change at a time over all zones */
    unsigned concurrency;     /* zones in parallel; 0 = no bound */
    bool anycast;             /* visible at one address does not mean visible at all nodes */
    long ttl;                 /* what will be written, seconds */
    cl_time propagation_wait, propagation_timeout, propagation_every; /* 0 = the program's */
};

struct dns_provider; /* each backend has its own; first member: struct dns_provider_head */

/* Which zone of this provider holds @fqdn? */
struct dns_zone_op {
    struct cl_op op;      /* err: PERMANENT "ZoneNotFound", AUTH "...", TRANSIENT ... */
    const char *fqdn;     /* set by the caller, valid until done */
    const char *soa_zone; /* the zone as the DNS shows it; NULL if it could not be found out */
    char *zone;           /* result, valid in done, owned by the provider's op */
};
/* What else is known of a value. Hooks written for other clients want to be told; HTTP APIs do not. */
struct dns_detail {
    char *domain;            /* identifier without "*.", as the CA knows it; CNAMEs not followed */
    char *token;             /* of the challenge */
    char *key_authorization; /* TOKEN "." THUMBPRINT */
    char *certificate;       /* key of the object that it is for */
};
/* Brings several names of one zone to what is wanted. Idempotent: a value that is there already is
 * not written again, one that is missing already is not removed; so it may be repeated after an
 * answer was lost. Ends when the provider says it is done (its own "wait"), not when visible. */
struct dns_apply_op {
    struct cl_op op; /* err names provider, step and reason; the whole batch counts as not done */
    const char *zone;
    const struct dns_change *changes; /* names are distinct; valid until done */
    size_t n;
    /* The details of one of the values, or NULL: not known. @detail itself may be NULL. */
    const struct dns_detail *(*detail)(void *user, const char *fqdn, const char *value);
    void *detail_user;
};
/* The values at @fqdn, also foreign ones. */
struct dns_list_op {
    struct cl_op op;
    const char *zone, *fqdn;
    struct cl_strv values; /* result, lent while done runs */
};

struct dns_provider_ops {
    const char *kind; /* "described" "rfc2136" "responder" "acmeDNS" "httpreq" "exec" */
    void (*traits)(struct dns_provider *p, struct dns_traits *ret);
    void (*zone)(struct dns_provider *p, struct dns_zone_op *op);
    void (*apply)(struct dns_provider *p, struct dns_apply_op *op);
    void (*list)(struct dns_provider *p, struct dns_list_op *op); /* NULL unless traits.lists */
    void (*idle)(struct dns_provider *p);    /* nothing to do for now: log out; may be NULL */
    void (*destroy)(struct dns_provider *p); /* running ops have ended */
};
struct dns_provider_head {
    const struct dns_provider_ops *ops;
    char *name; /* for messages: "cloudflare", "rfc2136 10.0.0.53:53" */
};
static inline const struct dns_provider_head *dns_head(const struct dns_provider *p)
{
    return (const struct dns_provider_head *)(const void *)p;
}

#endif
