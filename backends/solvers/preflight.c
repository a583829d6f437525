/* SPDX-License-Identifier: Apache-2.0 */
/* preflight: the way of a name: CAA from the name upwards -> for a record: where it would live;
 * else: the addresses -> our own token over each of them (preflight_reach.c).
 *
 * A query that the resolver refuses (SERVFAIL) is asked again without DNSSEC validation (CD=1): if
 * that is answered, the signatures are broken, and no CA may overlook it. */
#include "backends/solvers/preflight.h"

#include "backends/dns/dns_registry.h"
#include "backends/dns/wire/dns_caa.h"
#include "backends/rt/disk.h"
#include "backends/solvers/preflight_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_dns01.h"
#include "spec/spec_ip.h"

#include <stdarg.h>
#include <string.h>

#define SIDE_BY_SIDE 8U
#define PROBE_FILE ".certloop-preflight"

static void caa_next(struct preflight_name *n);
static void find_addresses(struct preflight_name *n);
static void locate_record(struct preflight_name *n);
static void prove(struct preflight_name *n);

void preflight_add(struct preflight *r, bool certain, const char *reason, const char *identifier,
                   const char *fmt, ...)
{
    va_list ap;

    r->findings = cl_reallocarray(r->findings, r->n + 1, sizeof *r->findings);
    size_t at = r->n++;
    if (certain) { /* they come first, in the order of their finding */
        for (at = 0; at + 1 < r->n && r->findings[at].certain; at++) {
        }
        memmove(&r->findings[at + 1], &r->findings[at], (r->n - 1 - at) * sizeof *r->findings);
    }
    struct preflight_finding *f = &r->findings[at];
    *f = (struct preflight_finding){.certain = certain};
    (void)cl_format(f->reason, sizeof f->reason, "%s", reason);
    (void)cl_format(f->identifier, sizeof f->identifier, "%s", identifier);
    va_start(ap, fmt);
    (void)cl_formatv(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
}

const struct preflight_finding *preflight_failure(const struct preflight_op *op)
{
    return op->n > 0 && op->findings[0].certain ? &op->findings[0] : NULL;
}

/* ---- CAA ---- */

static void ask(struct preflight_name *n, const char *name, unsigned type, bool unchecked,
                void (*done)(struct cl_op *op, const struct cl_err *err))
{
    n->asked = name;
    n->asked_type = type;
    n->query =
        (struct dns_query_op){.op = {.done = done, .user = n}, .checking_disabled = unchecked};
    n->cancel = &n->query.op;
    dns_query_start(n->run->resolver, name, type, &n->query);
}

/* The answer without validation to what was refused with it. */
static void unchecked_answer(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;
    char type[16];

    if (err == NULL) {
        preflight_add(
            n->run, true, "DNSSECFailed", n->identifier,
            "the resolver refuses %s of %s (SERVFAIL) and answers without DNSSEC "
            "validation: the zone's signatures or its DS record are broken; CAs validate, "
            "too",
            dns_type_name(n->asked_type, type), n->asked);
    } else {
        preflight_add(n->run, false, "NameServersFailed", n->identifier, "%s", err->text);
    }
    preflight_name_end(n);
}

/* True: the query failed in a way that ends the looking at this name, or goes on elsewhere. */
static bool refused(struct preflight_name *n, const struct cl_err *err)
{
    if (err == NULL) {
        return false;
    }
    if (n->run->cancelled) {
        preflight_name_end(n);
    } else if (cl_streq(err->reason, "NameServersFailed")) {
        ask(n, n->asked, n->asked_type, true, unchecked_answer);
    } else {
        preflight_add(n->run, false, err->reason, n->identifier, "%s", err->text);
        preflight_name_end(n);
    }
    return true;
}

static const char *type_of(const struct preflight_name *n)
{
    return n->solver->has_http01      ? "http-01"
           : n->solver->has_tlsalpn01 ? "tls-alpn-01"
                                      : dns01_challenge_type(&n->solver->dns01);
}

static void caa_answer(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;
    struct dns_caa_question q = {.owner = n->caa_at,
                                 .wildcard = n->wildcard,
                                 .ca = n->run->p.caa_identities,
                                 .account = n->run->p.account_url,
                                 .method = type_of(n)};
    char text[DNS_CAA_TEXT];

    if (refused(n, err)) {
        return;
    }
    switch (dns_caa_judge(n->query.msg, &q, text)) {
    case DNS_CAA_NONE:
        n->caa_at = dns_name_parent(n->caa_at);
        caa_next(n);
        return;
    case DNS_CAA_UNKNOWN:
        preflight_add(n->run, false, "CAAUnknown", n->identifier,
                      "there are CAA records at %s, and the CA's directory does not say by which "
                      "name they would allow it (caaIdentities)",
                      n->caa_at);
        break;
    case DNS_CAA_FORBIDDEN:
        preflight_add(n->run, true, "CAAForbids", n->identifier, "%s", text);
        break;
    case DNS_CAA_ALLOWED:
        break;
    }
    prove(n);
}

/* From the name upwards, the root excluded (RFC 8659 3). */
static void caa_next(struct preflight_name *n)
{
    if (n->run->cancelled) {
        preflight_name_end(n);
    } else if (n->caa_at == NULL || cl_streq(n->caa_at, ".")) {
        prove(n);
    } else {
        ask(n, n->caa_at, DNS_CAA, false, caa_answer);
    }
}

/* ---- what the solver needs ---- */

static void prove(struct preflight_name *n)
{
    if (n->run->cancelled) {
        preflight_name_end(n);
    } else if (n->solver->has_dns01) {
        locate_record(n);
    } else {
        find_addresses(n);
    }
}

static void located(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;

    if (refused(n, err != NULL && err->kind != CL_ERR_PERMANENT ? err : NULL)) {
        return;
    }
    if (err != NULL) {
        preflight_add(n->run, true, "DelegationBroken", n->identifier, "%s: %s", n->fqdn,
                      err->text);
    } else if (n->locate.unresolved->len > 0) {
        char *lame = cl_strv_join(n->locate.unresolved, ", ");
        preflight_add(n->run, n->locate.servers_len == 0, "DelegationBroken", n->identifier,
                      "%s lives in the zone %s, whose name servers have no address: %s", n->fqdn,
                      n->locate.zone, lame);
        cl_free(lame);
    }
    preflight_name_end(n);
}

static void locate_record(struct preflight_name *n)
{
    struct cl_err err = {0};
    const char *prefix = n->solver->dns01.challenge == DNS_CHALLENGE_PERSIST_01
                             ? "_validation-persist"
                             : "_acme-challenge";

    if (solvers_check(n->run->s, n->solver, n->run->p.certificate->metadata.namespace_, &err) < 0) {
        preflight_add(n->run, true, err.reason, n->identifier, "%s", err.text);
    }
    n->fqdn = cl_printf("%s.%s", prefix, n->identifier);
    n->asked = n->identifier;
    n->asked_type = DNS_SOA;
    n->locate = (struct dns_locate_op){.op = {.done = located, .user = n}};
    n->cancel = &n->locate.op;
    dns_locate_start(n->run->resolver, n->fqdn,
                     n->solver->dns01.cname_follow || n->solver->dns01.type == DNS01_ACME_DNS
                         ? DNS_FOLLOW_EXPLICIT
                         : DNS_FOLLOW_NEVER,
                     &n->locate);
}

static void addresses_answer(struct cl_op *op, const struct cl_err *err)
{
    struct preflight_name *n = op->user;

    if (refused(n, err)) {
        return;
    }
    for (size_t i = 0; i < n->query.msg->n; i++) {
        const struct dns_rr *rr = &n->query.msg->rrs[i];
        if (rr->section == DNS_ANSWER && rr->type == n->asked_type) {
            cl_strv_add(&n->addresses, rr->address);
        }
    }
    n->answered |= n->query.msg->rcode == DNS_NOERROR;
    if (n->asked_type == DNS_AAAA && !n->run->cancelled) { /* first, as the CA does */
        ask(n, n->identifier, DNS_A, false, addresses_answer);
        return;
    }
    if (n->addresses.len == 0 && !n->run->cancelled) {
        preflight_add(n->run, true, "NoAddress", n->identifier,
                      n->answered ? "%s has neither an A nor an AAAA record: the CA has nowhere to "
                                    "connect to; publish one that leads to this machine"
                                  : "%s does not exist in the DNS (NXDOMAIN): check the spelling, "
                                    "or publish an A or AAAA record that leads to this machine",
                      n->identifier);
        preflight_name_end(n);
        return;
    }
    preflight_reach(n);
}

static void find_addresses(struct preflight_name *n)
{
    if (n->ip) {
        cl_strv_add(&n->addresses, n->identifier);
        preflight_reach(n);
    } else {
        ask(n, n->identifier, DNS_AAAA, false, addresses_answer);
    }
}

/* ---- directories ---- */

/* Written, read back, removed: a full or read-only disk is found before the order, not after it. */
static void probe_directory(struct preflight *r, const char *directory)
{
    char *path = cl_printf("%s/" PROBE_FILE, directory);
    struct cl_buf back = {0};
    struct cl_err err = {0};
    bool ok = disk_write(path, PROBE_FILE, strlen(PROBE_FILE), 0600, &err) == 0 &&
              disk_read(path, sizeof PROBE_FILE, &back, NULL, &err) == 0;

    if (ok && !cl_streq(cl_buf_str(&back), PROBE_FILE)) {
        ok = false;
        (void)cl_fail(&err, CL_ERR_LOCAL, "StorageBroken", "%s: what was written reads otherwise",
                      path);
    }
    if (!ok) {
        preflight_add(r, true, "StorageNotWritable", "",
                      "a certificate could not be kept in %s: %s; make it writable for the daemon, "
                      "or make room",
                      directory, err.text);
    }
    cl_buf_deinit(&back);
    (void)disk_unlink(path, NULL);
    cl_free(path);
}

/* ---- the run ---- */

static void end(struct preflight *r)
{
    struct preflight_op *op = r->op;
    struct cl_err err = {0};

    if (r->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the preflight was stopped");
    }
    op->findings = r->findings;
    op->n = r->n;
    loop_task_cancel(&r->pump);
    cl_op_done(&op->op, r->cancelled ? &err : NULL);
    dns_resolver_destroy(r->resolver);
    http_trust_destroy(r->trust);
    cl_free(r->names);
    cl_free(r->findings);
    cl_free(r);
}

static void start_name(struct preflight_name *n)
{
    struct cl_strv types = {0};
    char *why = NULL;
    char *name = cl_printf("%s%s", n->wildcard ? "*." : "", n->identifier);
    static const char *const TYPES[] = {"http-01", "tls-alpn-01", "dns-01", "dns-account-01",
                                        "dns-persist-01"};

    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        cl_strv_add(&types, TYPES[i]);
    }
    n->solver = solver_pick(n->run->p.certificate, n->run->p.issuer_solvers, name, &types, &why);
    cl_strv_deinit(&types);
    cl_free(name);
    if (n->solver == NULL) {
        preflight_add(n->run, true, "NoSolver", n->identifier, "%s", cl_str_or(why, "no solver"));
        preflight_name_end(n);
    } else if (n->ip) {
        prove(n);
    } else if (n->run->resolver == NULL) {
        preflight_name_end(n);
    } else {
        n->caa_at = n->identifier;
        caa_next(n);
    }
    cl_free(why);
}

static void pump(struct loop_task *t)
{
    struct preflight *r = t->user;

    while (r->next < r->names_len && r->running < SIDE_BY_SIDE && !r->cancelled) {
        r->running++;
        start_name(&r->names[r->next++]);
    }
    if (r->running == 0) {
        end(r);
    }
}

void preflight_name_end(struct preflight_name *n)
{
    struct preflight *r = n->run;

    n->cancel = NULL;
    cl_strv_deinit(&n->addresses);
    cl_free(n->token);
    cl_free(n->key_authorization);
    cl_free(n->fqdn);
    cl_free(n->url);
    n->token = n->key_authorization = n->fqdn = n->url = NULL;
    r->running--;
    loop_defer(r->s->loop, &r->pump, pump, r);
}

static void cancel(struct cl_op *op)
{
    struct preflight *r = op->impl;

    r->cancelled = true;
    for (size_t i = 0; i < r->next; i++) {
        if (r->names[i].cancel != NULL) {
            cl_op_cancel(r->names[i].cancel);
        }
    }
    loop_defer(r->s->loop, &r->pump, pump, r);
}

static void make_resolver(struct preflight *r)
{
    const struct config *config = r->s->config;
    struct dns_resolver_params p = {.zones_len = config->dns.n_zones};
    struct dns_zone_servers *zones = p.zones_len > 0 ? cl_calloc(p.zones_len, sizeof *zones) : NULL;
    struct cl_err err = {0};

    p.recursive = config->dns.resolvers; /* lent: only read */
    for (size_t i = 0; i < p.zones_len; i++) {
        zones[i].zone = config->dns.zones[i].zone;
        zones[i].servers = config->dns.zones[i].servers;
    }
    p.zones = zones;
    if (dns_resolver_create(r->s->loop, NULL, &p, &r->resolver, &err) < 0) {
        preflight_add(r, false, err.reason, "", "spec.dns of the Configuration: %s", err.text);
    }
    cl_free(zones);
}

void preflight_start(struct solvers *s, const struct preflight_params *p, struct preflight_op *op)
{
    const struct cert_spec *spec = p->certificate->cert;
    struct preflight *r = cl_new(struct preflight);

    r->s = s;
    r->op = op;
    r->p = *p;
    op->findings = NULL;
    op->n = 0;
    op->op.impl = r;
    op->op.cancel = cancel;
    r->trust = http_trust_create(NULL, true); /* CAs do not look at certificates here, either */
    make_resolver(r);
    r->names_len = spec->dns_names.len + spec->ip_addresses.len;
    r->names = r->names_len > 0 ? cl_calloc(r->names_len, sizeof *r->names) : NULL;
    for (size_t i = 0; i < r->names_len; i++) {
        struct preflight_name *n = &r->names[i];
        n->run = r;
        n->ip = i >= spec->dns_names.len;
        n->identifier =
            n->ip ? spec->ip_addresses.items[i - spec->dns_names.len] : spec->dns_names.items[i];
        n->wildcard = cl_str_starts(n->identifier, "*.");
        n->identifier += n->wildcard ? 2 : 0;
    }
    for (size_t i = 0; p->directories != NULL && i < p->directories->len; i++) {
        probe_directory(r, p->directories->items[i]);
    }
    loop_defer(s->loop, &r->pump, pump, r);
}
