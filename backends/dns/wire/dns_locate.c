/* SPDX-License-Identifier: Apache-2.0 */
/* dns_locate: from the name of a challenge to the place where its TXT record has to be.
 *
 *   cut      the zone of the parent name, by recursive servers (the name itself is never asked
 *            there: they would remember that it does not exist)
 *   servers  its name servers
 *   look     they are asked for a CNAME at the name:
 *              a referral, or a SOA below the zone    the zone is cut there: servers again
 *              a CNAME                                sibling: is it a wildcard's?
 *              nothing                                found
 *   sibling  a random name beside it: the same target means a wildcard, which stays unheeded;
 *            otherwise the target is the name now, and all begins anew
 *
 * If no authoritative server can be reached, the recursive ones are asked for the CNAME after all:
 * better a name that is remembered for minutes than none. */
#include "backends/dns/wire/dns_resolve_impl.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#include <inttypes.h>
#include <string.h>

#define SERVERS_ASKED 8U /* at once; the first usable answer counts */
#define CUTS_MAX 8U      /* zones below each other, for one name */
#define NEGATIVE_MAX 300U

struct locate {
    struct dns_resolver *resolver;
    struct dns_locate_op *op;
    enum dns_follow follow;
    char *name; /* as of now */
    char *zone;
    char *alias; /* target of the CNAME at name */
    char *sibling;
    char *wildcard;
    struct cl_strv chain;
    unsigned cuts;
    bool recursive, cancelled;
    uint32_t negative_ttl;
    struct dns_servers servers;
    struct cl_op *running; /* what to cancel */
    struct dns_zone_cut_op cut;
    struct dns_servers_op gather;
    struct dns_multi_op multi;
    struct dns_query_op query;
};

static void find_zone(struct locate *l);
static void find_servers(struct locate *l, const struct dns_msg *referral);
static void look(struct locate *l);
static void look_recursive(struct locate *l);
static void ask_sibling(struct locate *l);
static void follow_alias(struct locate *l);

/* ---- the end ---- */

static void end(struct locate *l, const struct cl_err *err)
{
    struct dns_locate_op *op = l->op;
    struct cl_err cancelled = {0};

    if (l->cancelled) {
        (void)cl_fail(&cancelled, CL_ERR_CANCELLED, "Cancelled", "the queries were stopped");
        err = &cancelled;
    }
    op->target = l->name;
    op->zone = l->zone;
    op->chain = &l->chain;
    op->wildcard = l->wildcard;
    op->servers = l->servers.list;
    op->servers_len = l->servers.n;
    op->unresolved = &l->servers.unresolved;
    op->recursive = l->recursive;
    op->negative_ttl = l->negative_ttl;
    cl_op_done(&op->op, err);
    cl_free(l->name);
    cl_free(l->zone);
    cl_free(l->alias);
    cl_free(l->sibling);
    cl_free(l->wildcard);
    cl_strv_deinit(&l->chain);
    dns_servers_deinit(&l->servers);
    cl_free(l);
}

static void fail(struct locate *l, const struct cl_err *err)
{
    struct cl_err copy = *err;

    cl_wrap(&copy, "looking for the place of %s", l->chain.items[0]);
    end(l, &copy);
}

/* ---- cut ---- */

static void set(char **where, const char *value)
{
    char *old = *where;

    *where = cl_strdup(value);
    cl_free(old);
}

static void on_zone(struct cl_op *op, const struct cl_err *err)
{
    struct locate *l = op->user;

    if (err != NULL || l->cancelled) {
        fail(l, err != NULL ? err : &(struct cl_err){0});
        return;
    }
    set(&l->zone, l->cut.zone);
    l->negative_ttl = l->cut.negative_ttl;
    find_servers(l, NULL);
}

static void find_zone(struct locate *l)
{
    const struct dns_zone_override *z = dns_resolver_override(l->resolver, l->name);
    const char *parent = dns_name_parent(l->name);
    bool top = z != NULL || parent == NULL || cl_streq(parent, ".");

    l->cuts = 0;
    l->running = &l->cut.op;
    l->cut.op = (struct cl_op){.done = on_zone, .user = l};
    dns_zone_cut_start(l->resolver, top ? l->name : parent, &l->cut);
}

/* ---- servers ---- */

static void on_servers(struct cl_op *op, const struct cl_err *err)
{
    struct locate *l = op->user;

    dns_servers_deinit(&l->servers);
    if (l->cancelled) {
        end(l, NULL);
        return;
    }
    if (err == NULL) {
        dns_servers_copy(&l->servers, &l->gather.servers);
    }
    if (l->servers.n > 0) {
        look(l);
    } else {
        look_recursive(l);
    }
}

static void find_servers(struct locate *l, const struct dns_msg *referral)
{
    l->running = &l->gather.op;
    l->gather.op = (struct cl_op){.done = on_servers, .user = l};
    dns_servers_start(l->resolver, l->zone, referral, &l->gather);
}

/* ---- look ---- */

enum finding { USELESS, NOTHING, ALIAS, CUT };

/* What a server of l->zone says about @name; *ret: the target or the zone below (lent). */
static enum finding judge(const struct locate *l, const struct dns_msg *m, const char *name,
                          const char **ret)
{
    const struct dns_rr *cname = dns_msg_find(m, DNS_ANSWER, name, DNS_CNAME);
    const struct dns_rr *soa = dns_msg_find(m, DNS_AUTHORITY, NULL, DNS_SOA);
    const struct dns_rr *ns = dns_msg_find(m, DNS_AUTHORITY, NULL, DNS_NS);
    const struct dns_rr *owner = soa != NULL ? soa : ns;

    if (m->rcode != DNS_NOERROR && m->rcode != DNS_NXDOMAIN) {
        return USELESS;
    }
    if (cname != NULL && cname->target != NULL) {
        *ret = cname->target;
        return ALIAS;
    }
    if (owner == NULL || !dns_name_within(name, owner->name) ||
        !dns_name_within(owner->name, l->zone)) {
        return m->aa ? NOTHING : USELESS; /* an upward referral is a lame server's */
    }
    if (!cl_streq(owner->name, l->zone)) {
        *ret = owner->name;
        return CUT;
    }
    return soa != NULL || m->aa ? NOTHING : USELESS;
}

static void found(struct locate *l, const struct dns_rr *soa)
{
    if (soa != NULL && soa->soa != NULL) {
        uint32_t ttl = soa->ttl < soa->soa->minimum ? soa->ttl : soa->soa->minimum;
        l->negative_ttl = ttl < NEGATIVE_MAX ? ttl : NEGATIVE_MAX;
    }
    end(l, NULL);
}

/* An answer about l->name. */
static void act(struct locate *l, enum finding f, const char *what, const struct dns_msg *m)
{
    const struct dns_rr *soa = dns_msg_find(m, DNS_AUTHORITY, NULL, DNS_SOA);

    switch (f) {
    case ALIAS:
        if (l->follow == DNS_FOLLOW_NEVER) {
            found(l, NULL);
            return;
        }
        set(&l->alias, what);
        if (l->follow == DNS_FOLLOW_ALWAYS) {
            follow_alias(l);
        } else {
            ask_sibling(l);
        }
        return;
    case CUT:
        set(&l->zone, what);
        if (soa != NULL && dns_resolver_override(l->resolver, l->name) != NULL) {
            found(l, soa); /* the configured servers hold the zone below, too */
        } else if (++l->cuts > CUTS_MAX) {
            look_recursive(l);
        } else {
            find_servers(l, soa == NULL ? m : NULL);
        }
        return;
    case NOTHING:
        found(l, soa);
        return;
    case USELESS:
        break;
    }
    look_recursive(l);
}

static bool is_useful(struct dns_multi_op *m, size_t i)
{
    const struct locate *l = m->op.user;
    const char *what = NULL;

    return m->replies[i].ok && judge(l, &m->replies[i].msg,
                                     l->sibling != NULL ? l->sibling : l->name, &what) != USELESS;
}

static const struct dns_msg *first_useful(struct dns_multi_op *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (is_useful(m, i)) {
            return &m->replies[i].msg;
        }
    }
    return NULL;
}

static void on_look(struct cl_op *op, const struct cl_err *err)
{
    struct locate *l = op->user;
    const struct dns_msg *m = err == NULL ? first_useful(&l->multi) : NULL;
    const char *what = NULL;

    if (l->cancelled) {
        end(l, NULL);
    } else if (m != NULL) {
        enum finding f = judge(l, m, l->name, &what);
        act(l, f, what, m);
    } else {
        look_recursive(l);
    }
}

static void ask_servers(struct locate *l, const char *name,
                        void (*done)(struct cl_op *op, const struct cl_err *err))
{
    struct dns_ask asks[SERVERS_ASKED];
    size_t n = 0;

    for (; n < l->servers.n && n < SERVERS_ASKED; n++) {
        asks[n] =
            (struct dns_ask){.server = l->servers.list[n].server, .name = name, .type = DNS_CNAME};
    }
    l->running = &l->multi.op;
    l->multi.op = (struct cl_op){.done = done, .user = l};
    l->multi.got = is_useful;
    dns_multi_start(l->resolver->loop, l->resolver->timeout, asks, n, &l->multi);
}

static void look(struct locate *l)
{
    cl_free(l->sibling);
    l->sibling = NULL;
    ask_servers(l, l->name, on_look);
}

/* ---- without authoritative servers ---- */

static void on_recursive(struct cl_op *op, const struct cl_err *err)
{
    struct locate *l = op->user;

    if (l->cancelled || err != NULL) {
        fail(l, err != NULL ? err : &(struct cl_err){0});
        return;
    }
    const struct dns_msg *m = l->query.msg;
    const struct dns_rr *cname = dns_msg_find(m, DNS_ANSWER, l->name, DNS_CNAME);
    const struct dns_rr *soa = dns_msg_find(m, DNS_AUTHORITY, NULL, DNS_SOA);
    if (cname != NULL && cname->target != NULL) {
        act(l, ALIAS, cname->target, m);
        return;
    }
    if (soa != NULL && dns_name_within(l->name, soa->name)) {
        set(&l->zone, soa->name);
    }
    found(l, NULL);
}

static void look_recursive(struct locate *l)
{
    cl_free(l->sibling);
    l->sibling = NULL;
    l->recursive = true;
    l->running = &l->query.op;
    l->query.op = (struct cl_op){.done = on_recursive, .user = l};
    dns_query_start(l->resolver, l->name, DNS_CNAME, &l->query);
}

/* ---- sibling ---- */

static void compare(struct locate *l, const struct dns_msg *m)
{
    const struct dns_rr *cname =
        m != NULL ? dns_msg_find(m, DNS_ANSWER, l->sibling, DNS_CNAME) : NULL;

    if (cname != NULL && cl_streq(cname->target, l->alias)) {
        set(&l->wildcard, l->alias);
        found(l, NULL);
    } else {
        follow_alias(l);
    }
}

static void on_sibling(struct cl_op *op, const struct cl_err *err)
{
    struct locate *l = op->user;

    if (l->cancelled) {
        end(l, NULL);
    } else {
        compare(l, err == NULL ? first_useful(&l->multi) : NULL);
    }
}

static void on_sibling_recursive(struct cl_op *op, const struct cl_err *err)
{
    struct locate *l = op->user;

    if (l->cancelled) {
        end(l, NULL);
    } else {
        compare(l, err == NULL ? l->query.msg : NULL);
    }
}

static void ask_sibling(struct locate *l)
{
    const char *parent = dns_name_parent(l->name);

    cl_free(l->sibling);
    l->sibling = cl_printf("_x%016" PRIx64 "%s%s", loop_entropy(l->resolver->loop),
                           cl_streq(parent, ".") ? "" : ".", parent);
    if (l->recursive) {
        l->running = &l->query.op;
        l->query.op = (struct cl_op){.done = on_sibling_recursive, .user = l};
        dns_query_start(l->resolver, l->sibling, DNS_CNAME, &l->query);
    } else {
        ask_servers(l, l->sibling, on_sibling);
    }
}

static void follow_alias(struct locate *l)
{
    struct cl_err err = {0};
    bool loop = cl_strv_has(&l->chain, l->alias);

    if (loop || l->chain.len > DNS_HOPS_MAX) {
        char *chain = cl_strv_join(&l->chain, " -> ");
        (void)cl_fail(&err, CL_ERR_PERMANENT, "CNAMELoop", "%s: %s -> %s",
                      loop ? "the CNAMEs lead in a circle" : "more than 8 CNAMEs", chain, l->alias);
        cl_free(chain);
        fail(l, &err);
        return;
    }
    cl_strv_add(&l->chain, l->alias);
    set(&l->name, l->alias);
    l->recursive = false;
    find_zone(l);
}

/* ---- start ---- */

static void on_cancel(struct cl_op *op)
{
    struct locate *l = op->impl;

    l->cancelled = true;
    cl_op_cancel(l->running);
}

void dns_locate_start(struct dns_resolver *r, const char *fqdn, enum dns_follow follow,
                      struct dns_locate_op *op)
{
    char *name = dns_name_normalise(fqdn);

    if (name == NULL || cl_streq(name, ".")) {
        struct cl_err err = {0};
        char clean[CL_CLEAN_TEXT];
        cl_free(name);
        (void)cl_fail(&err, CL_ERR_PERMANENT, "NameInvalid", "\"%s\" is no name of the DNS",
                      cl_clean(clean, sizeof clean, fqdn, strlen(fqdn)));
        memset((char *)op + sizeof op->op, 0, sizeof *op - sizeof op->op);
        op_later(r->loop, &op->op, &err);
        return;
    }
    struct locate *l = cl_new(struct locate);
    l->resolver = r;
    l->op = op;
    l->follow = follow;
    l->name = name;
    cl_strv_add(&l->chain, name);
    op->op.impl = l;
    op->op.cancel = on_cancel;
    find_zone(l);
}
