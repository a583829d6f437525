/* SPDX-License-Identifier: Apache-2.0 */
/* dns01: a challenge answered by a TXT record (RFC 8555 8.4). Happy path: find out where the record of
 * _acme-challenge.NAME really lives, ask the provider for its zone, let the zone worker write the
 * value, wait until all name servers show it, wait what this zone has needed in the past, done. All
 * challenges go this way side by side; what they write to one zone is written together. */
#include "backends/dns/dns_journal.h"
#include "backends/dns/dns_worker.h"
#include "backends/dns/wire/dns_propagation.h"
#include "backends/rt/op_later.h"
#include "backends/solvers/dns_settle.h"
#include "backends/solvers/propagation_view.h"
#include "backends/solvers/solvers_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"
#include "spec/base/cl_log.h"

#include <string.h>

enum dns01_step {
    DNS01_LOCATING,
    DNS01_FINDING_ZONE,
    DNS01_WRITING,
    DNS01_CHECKING,
    DNS01_SETTLING,
    DNS01_PRESENTED
};
/* One challenge, from present to clean-up. */
struct dns01_challenge {
    struct cl_list link; /* in solvers.challenges */
    struct solvers *s;
    struct cl_op *op; /* of present; NULL afterwards */
    enum dns01_step step;
    bool cancelled;
    bool waits;   /* for room at the name */
    bool visible; /* all name servers have it */
    uint32_t negative_ttl;
    cl_time settle; /* waited after that */
    char *fqdn, *target, *soa_zone, *zone, *value;
    struct dns_detail detail;
    enum dns_follow follow;
    struct propagation_spec check; /* servers are a copy */
    struct dns_handle *handle;
    struct dns_resolver *resolver; /* lent */
    struct dns_claim *claim;
    union {
        struct dns_locate_op locate;
        struct dns_zone_op zone;
        struct dns_present_op present;
        struct dns_propagation_op propagation;
    } u; /* by the step */
    struct loop_timer timer;
    json_t *propagation; /* what the name servers said last */
};

static void find_zone(struct dns01_challenge *c);
static void write_value(struct dns01_challenge *c);
static void check(struct dns01_challenge *c);
static void settle(struct dns01_challenge *c);

/* ---- life ---- */

static void challenge_free(struct dns01_challenge *c)
{
    cl_list_remove(&c->link);
    loop_timer_stop(c->s->loop, &c->timer);
    dns_worker_release(c->claim);
    if (c->handle != NULL) {
        dns_handle_unref(c->handle);
    }
    cl_free(c->fqdn);
    cl_free(c->target);
    cl_free(c->soa_zone);
    cl_free(c->zone);
    cl_free(c->value);
    json_decref(c->propagation);
    cl_strv_deinit(&c->check.servers);
    dns_detail_deinit(&c->detail);
    cl_free(c);
}

/* Ends present. After an error nothing is held; the worker removes what may have been written. */
static void end(struct dns01_challenge *c, const struct cl_err *err)
{
    struct cl_op *op = c->op;
    struct cl_err own = {0};

    c->op = NULL;
    c->step = DNS01_PRESENTED;
    if (err != NULL) {
        own = *err;
        if (own.kind != CL_ERR_CANCELLED) {
            cl_wrap(&own, "%s", c->fqdn); /* providers name themselves */
        }
        challenge_free(c);
    }
    cl_op_done(op, err != NULL ? &own : NULL);
}

/* Has it been cancelled between two steps? Then it ends here. */
static bool stopped(struct dns01_challenge *c)
{
    struct cl_err err;

    if (!c->cancelled) {
        return false;
    }
    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
    end(c, &err);
    return true;
}

static void settled(struct loop_timer *t)
{
    struct dns01_challenge *c = t->user;

    if (!stopped(c)) {
        end(c, NULL);
    }
}

static void cancel(struct cl_op *op)
{
    struct dns01_challenge *c = op->impl;

    c->cancelled = true;
    switch (c->step) {
    case DNS01_LOCATING:
        cl_op_cancel(&c->u.locate.op);
        break;
    case DNS01_FINDING_ZONE:
        cl_op_cancel(&c->u.zone.op);
        break;
    case DNS01_WRITING:
        cl_op_cancel(&c->u.present.op);
        break;
    case DNS01_CHECKING:
        cl_op_cancel(&c->u.propagation.op);
        break;
    case DNS01_SETTLING:
        loop_at(c->s->loop, &c->timer, 0, settled, c);
        break;
    case DNS01_PRESENTED:
        break;
    }
}

/* ---- where ---- */

static bool asks_servers(const struct dns01_challenge *c)
{
    return c->check.check != DNS_CHECK_WAIT && c->check.check != DNS_CHECK_NONE;
}

static void located(struct cl_op *op, const struct cl_err *err)
{
    struct dns01_challenge *c = op->user;

    if (stopped(c)) {
        return;
    }
    if (err == NULL) {
        c->target = cl_strdup(c->u.locate.target);
        c->soa_zone = cl_strdup(c->u.locate.zone);
    } else if (!asks_servers(c)) { /* by the words of the spec nobody need be asked */
        c->target = cl_strdup(c->fqdn);
    } else {
        end(c, err);
        return;
    }
    find_zone(c);
}

static void zone_found(struct cl_op *op, const struct cl_err *err)
{
    struct dns01_challenge *c = op->user;

    if (stopped(c)) {
        return;
    }
    if (err != NULL) {
        end(c, err);
        return;
    }
    c->zone = cl_strdup(c->u.zone.zone);
    write_value(c);
}

static void find_zone(struct dns01_challenge *c)
{
    struct dns_provider *p = c->handle->provider;

    c->step = DNS01_FINDING_ZONE;
    c->u.zone = (struct dns_zone_op){
        .op = {.done = zone_found, .user = c}, .fqdn = c->target, .soa_zone = c->soa_zone};
    dns_head(p)->ops->zone(p, &c->u.zone);
}

/* ---- write ---- */

static void written(struct cl_op *op, const struct cl_err *err)
{
    struct dns01_challenge *c = op->user;

    c->claim = c->u.present.claim;
    c->waits = false;
    if (stopped(c)) {
        return;
    }
    if (err != NULL) {
        end(c, err);
        return;
    }
    check(c);
}

static void write_value(struct dns01_challenge *c)
{
    const struct dns_present_request req = {.handle = c->handle,
                                            .zone = c->zone,
                                            .fqdn = c->target,
                                            .value = c->value,
                                            .detail = &c->detail};

    c->step = DNS01_WRITING;
    c->u.present = (struct dns_present_op){.op = {.done = written, .user = c}};
    dns_worker_present(c->s->dns_worker, &req, &c->u.present);
    c->waits = c->u.present.waits;
    if (c->waits && c->op->changed != NULL) {
        c->op->changed(c->op);
    }
}

/* ---- visible? ---- */

static enum dns_propagation_mode mode_of(enum dns_check check)
{
    switch (check) {
    case DNS_CHECK_DOH:
        return DNS_PROPAGATION_DOH;
    case DNS_CHECK_RECURSIVE:
        return DNS_PROPAGATION_RECURSIVE;
    case DNS_CHECK_WAIT:
        return DNS_PROPAGATION_WAIT;
    case DNS_CHECK_NONE:
        return DNS_PROPAGATION_NONE;
    case DNS_CHECK_DEFAULT:
    case DNS_CHECK_AUTHORITATIVE:
        break;
    }
    return DNS_PROPAGATION_AUTHORITATIVE;
}

static void looked(struct cl_op *op)
{
    struct dns01_challenge *c = op->user;

    if (c->u.propagation.table != NULL) {
        json_decref(c->propagation);
        c->propagation = propagation_view(c->u.propagation.table);
    }
    if (c->op->changed != NULL) {
        c->op->changed(c->op);
    }
}

static void checked(struct cl_op *op, const struct cl_err *err)
{
    struct dns01_challenge *c = op->user;

    looked(op); /* before it is freed: who keeps what was said asks now */
    if (stopped(c)) {
        return;
    }
    if (err != NULL) {
        end(c, err);
        return;
    }
    c->visible = asks_servers(c);
    c->negative_ttl = c->u.propagation.negative_ttl;
    settle(c);
}

static void check(struct dns01_challenge *c)
{
    const struct dns_traits *t = &c->handle->traits;
    const struct cl_strv *servers = &c->check.servers;
    char *values[] = {c->value};
    const struct cl_strv wanted = {.items = values, .len = 1};
    struct dns_propagation_params p = {
        .mode = mode_of(c->check.check),
        .wait = c->check.wait != 0 ? c->check.wait : t->propagation_wait,
        .timeout = c->check.timeout != 0 ? c->check.timeout : t->propagation_timeout,
        .every = c->check.interval != 0 ? c->check.interval : t->propagation_every,
        .anycast = t->anycast,
    };

    if (p.mode == DNS_PROPAGATION_NONE) {
        settle(c);
        return;
    }
    p.doh = p.mode == DNS_PROPAGATION_DOH ? *servers : p.doh;
    p.recursive = p.mode == DNS_PROPAGATION_RECURSIVE ? *servers : p.recursive;
    c->step = DNS01_CHECKING;
    c->u.propagation =
        (struct dns_propagation_op){.op = {.done = checked, .changed = looked, .user = c}};
    dns_propagation_start(c->resolver, c->target, &wanted, &p, &c->u.propagation);
}

/* The zone as the DNS has it. */
static const char *place(const struct dns01_challenge *c)
{
    return cl_str_or(c->soa_zone, c->zone);
}

static void settle(struct dns01_challenge *c)
{
    cl_time now = loop_now(c->s->loop);
    cl_time wait = c->check.settle; /* what the spec says wins over what was learned */

    if (wait == 0 && asks_servers(c)) {
        wait = dns_settle_get(c->s->paths, place(c), now);
    }
    c->settle = wait;
    c->step = DNS01_SETTLING;
    loop_at(c->s->loop, &c->timer, wait > 0 ? now + wait : 0, settled, c);
}

/* ---- interface ---- */

static char *value_of(const char *key_authorization)
{
    unsigned char digest[32];

    cl_sha256(key_authorization, strlen(key_authorization), digest);
    return cl_base64url(digest, sizeof(digest));
}

/* The label of an account (draft-ietf-acme-dns-account-label 3): base32 in lower case of the first ten
 * bytes of SHA-256 of its URL. @ret has room for 16 characters and a NUL. */
static void account_label(const char *url, char *ret)
{
    static const char DIGITS[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char digest[32];

    cl_sha256(url, strlen(url), digest);
    for (unsigned bit = 0; bit < 80; bit += 5) { /* five bits each; they span two bytes at most */
        unsigned two = (unsigned)digest[bit / 8] << 8 | digest[bit / 8 + 1];
        *ret++ = DIGITS[two >> (11 - bit % 8) & 31U];
    }
    *ret = '\0';
}

static char *record_name(const struct solver_challenge *req)
{
    char label[17];

    if (!cl_streq(req->type, "dns-account-01")) {
        return cl_str_lower(cl_printf("_acme-challenge.%s", req->identifier));
    }
    account_label(cl_str_or(req->account_url, ""), label);
    return cl_str_lower(cl_printf("_%s._acme-challenge.%s", label, req->identifier));
}

static int open_provider(struct dns01_challenge *c, const struct solver_challenge *req,
                         struct cl_err *err)
{
    struct solvers *s = c->s;

    if (dns_registry_open(s->dns_registry, &req->solver->dns01, cl_str_or(req->namespace_, ""),
                          &c->handle, err) < 0) {
        return -1;
    }
    return dns_registry_resolver(s->dns_registry, req->solver, &c->resolver, err);
}

void dns01_present(struct solvers *s, const struct solver_challenge *req, struct cl_op *op)
{
    struct dns01_challenge *c = cl_new(struct dns01_challenge);
    struct propagation_spec check_spec;
    struct cl_err err = {0};

    c->s = s;
    c->op = op;
    c->fqdn = record_name(req);
    c->value = value_of(req->key_authorization);
    c->detail = (struct dns_detail){.domain = cl_strdup(req->identifier),
                                    .token = cl_strdup(req->token),
                                    .key_authorization = cl_strdup(req->key_authorization),
                                    .certificate = cl_strdup(req->certificate)};
    /* an account of acme-dns is reached by a CNAME and in no other way */
    bool follow = req->solver->dns01.cname_follow || req->solver->dns01.type == DNS01_ACME_DNS;
    c->follow = follow ? DNS_FOLLOW_EXPLICIT : DNS_FOLLOW_NEVER;
    dns01_propagation(req->solver, &check_spec);
    c->check = check_spec;
    cl_strv_copy(&c->check.servers, &check_spec.servers);
    cl_list_init(&c->link);
    if (open_provider(c, req, &err) < 0) {
        challenge_free(c);
        op_later(s->loop, op, &err);
        return;
    }
    cl_list_add_tail(&s->challenges, &c->link);
    op->impl = c;
    op->cancel = cancel;
    c->u.locate = (struct dns_locate_op){.op = {.done = located, .user = c}};
    dns_locate_start(c->resolver, c->fqdn, c->follow, &c->u.locate);
}

static struct dns01_challenge *find(const struct solvers *s, const struct solver_challenge *req)
{
    cl_list_for_each(n, &s->challenges) {
        struct dns01_challenge *c = cl_container(n, struct dns01_challenge, link);
        if (strcmp(c->detail.token, req->token) == 0 &&
            strcmp(c->detail.domain, req->identifier) == 0) {
            return c;
        }
    }
    return NULL;
}

void dns01_cleanup(struct solvers *s, const struct solver_challenge *req)
{
    struct dns01_challenge *c = find(s, req);

    if (c != NULL && c->op == NULL) {
        challenge_free(c); /* the worker removes the value within a minute */
    }
}

bool dns01_waits(const struct solvers *s, const struct solver_challenge *req)
{
    const struct dns01_challenge *c = find(s, req);

    return c != NULL && c->waits;
}

json_t *dns01_propagation_view(const struct solvers *s, const struct solver_challenge *req)
{
    const struct dns01_challenge *c = find(s, req);

    return c != NULL ? json_incref(c->propagation) : NULL;
}

cl_time dns01_miss_wait(const struct solvers *s, const struct solver_challenge *req)
{
    const struct dns01_challenge *c = find(s, req);

    return c != NULL && c->visible ? dns_settle_next(0, c->negative_ttl) : 0;
}

void dns01_missed(struct solvers *s, const struct solver_challenge *req)
{
    const struct dns01_challenge *c = find(s, req);
    char text[CL_DURATION_TEXT];

    if (c == NULL || !c->visible) {
        return;
    }
    cl_time delay =
        dns_settle_learn(s->paths, place(c), c->settle, c->negative_ttl, loop_now(s->loop));
    cl_log(CL_LOG_NOTICE, cl_str_or(c->detail.certificate, ""), "DNSNotSettled",
           "the CA did not see the record %s, which all name servers had: from now on zone %s is "
           "given %s more",
           c->target, place(c), cl_duration_format(delay, text));
}

void dns01_init(struct solvers *s, struct http *http)
{
    cl_list_init(&s->challenges);
    cl_list_init(&s->persists);
    s->dns_registry = dns_registry_create(s->loop, http, s->paths, s->config);
    s->dns_worker = dns_worker_create(s->loop, s->paths, s->dns_registry);
}

void dns01_deinit(struct solvers *s)
{
    cl_list_for_each(n, &s->challenges) {
        struct dns01_challenge *c = cl_container(n, struct dns01_challenge, link);
        if (c->op == NULL) { /* else an operation under way still points to it */
            challenge_free(c);
        }
    }
    dns_worker_destroy(s->dns_worker);
    dns_registry_destroy(s->dns_registry);
}
