/* SPDX-License-Identifier: Apache-2.0 */
/* dns_servers: the name servers of a zone with all their addresses. Asked are the recursive servers
 * (what the zone says of itself) and a server of the parent (what the world is told): resolvers of a
 * CA start at the parent, and the two often differ.
 *
 *   child -> parent's zone -> its servers -> their addresses -> referral -> addresses -> end
 *
 * What cannot be found out is left out, as long as something remains. */
#include "backends/dns/wire/dns_resolve_impl.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define FRESH (5 * CL_MINUTE)
#define PARENTS_MAX 2U /* name servers of the parent zone whose addresses are looked up */
#define PARENT_ADDRESSES_MAX 4U

struct cached {
    struct dns_servers servers; /* first: the resolver frees it as such */
    cl_time until;
};
struct gather {
    struct dns_resolver *resolver;
    struct dns_servers_op *op;
    char *zone;
    struct cl_strv child, parent; /* names */
    struct dns_host_address glue[DNS_NS_MAX];
    struct cl_strv glue_hosts;
    size_t glue_len;
    bool cancelled;
    struct cl_err err; /* why the child's set is not known */
    struct dns_servers result;
    struct cl_op *running; /* what to cancel */
    struct dns_query_op query;
    struct dns_zone_cut_op cut;
    struct dns_addresses_op addresses;
    struct dns_multi_op multi;
    struct loop_task later;
};

static void ask_parent_zone(struct gather *g);
static void ask_parent_servers(struct gather *g, const char *parent);
static void ask_referral(struct gather *g);
static void ask_addresses(struct gather *g);

void dns_servers_deinit(struct dns_servers *s)
{
    for (size_t i = 0; i < s->n; i++) {
        cl_free(s->list[i].ns);
        cl_free(s->list[i].server);
    }
    cl_free(s->list);
    cl_strv_deinit(&s->unresolved);
    memset(s, 0, sizeof *s);
}

static struct dns_authority *add(struct dns_servers *s, const char *ns, const char *server)
{
    if (s->n == DNS_ADDRESSES_MAX) {
        return NULL;
    }
    s->list = cl_reallocarray(s->list, s->n + 1, sizeof *s->list);
    s->list[s->n] = (struct dns_authority){.ns = cl_strdup(ns), .server = cl_strdup(server)};
    return &s->list[s->n++];
}

void dns_servers_copy(struct dns_servers *dst, const struct dns_servers *src)
{
    memset(dst, 0, sizeof *dst);
    for (size_t i = 0; i < src->n; i++) {
        struct dns_authority *a = add(dst, src->list[i].ns, src->list[i].server);
        if (a != NULL) {
            a->in_child = src->list[i].in_child;
            a->in_parent = src->list[i].in_parent;
        }
    }
    cl_strv_copy(&dst->unresolved, &src->unresolved);
}

/* ---- the end ---- */

static void end(struct gather *g, const struct cl_err *err)
{
    struct dns_servers_op *op = g->op;
    struct cl_err cancelled = {0};

    if (g->cancelled) {
        (void)cl_fail(&cancelled, CL_ERR_CANCELLED, "Cancelled", "the queries were stopped");
        err = &cancelled;
    }
    op->servers = g->result;
    cl_op_done(&op->op, err);
    dns_servers_deinit(&g->result);
    cl_strv_deinit(&g->child);
    cl_strv_deinit(&g->parent);
    cl_strv_deinit(&g->glue_hosts);
    cl_free(g->zone);
    cl_free(g);
}

static void remember(struct gather *g)
{
    struct cached *c = cl_map_get(&g->resolver->cache, g->zone);

    if (c == NULL) {
        c = cl_new(struct cached);
        (void)cl_map_set(&g->resolver->cache, g->zone, c);
    }
    dns_servers_deinit(&c->servers);
    dns_servers_copy(&c->servers, &g->result);
    c->until = cl_time_add(loop_now(g->resolver->loop), FRESH);
}

/* ---- what answers say ---- */

static void take_names(const struct dns_msg *m, enum dns_section section, const char *zone,
                       struct cl_strv *ret)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == section && rr->type == DNS_NS && rr->target != NULL &&
            cl_streq(rr->name, zone) && ret->len < DNS_NS_MAX && !cl_strv_has(ret, rr->target)) {
            cl_strv_add(ret, rr->target);
        }
    }
}

/* The names in a referral, and the addresses that came along for those that lie in the zone: for
 * others the parent has no say. */
static void take_referral(struct gather *g, const struct dns_msg *m)
{
    take_names(m, DNS_AUTHORITY, g->zone, &g->parent);
    for (size_t i = 0; i < m->n && g->glue_len < DNS_NS_MAX; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == DNS_ADDITIONAL && rr->address[0] != '\0' &&
            cl_strv_has(&g->parent, rr->name) && dns_name_within(rr->name, g->zone)) {
            cl_strv_add(&g->glue_hosts, rr->name);
            (void)cl_format(g->glue[g->glue_len].address, sizeof g->glue[0].address, "%s",
                            rr->address);
            g->glue_len++;
        }
    }
}

/* ---- child ---- */

static void on_child(struct cl_op *op, const struct cl_err *err)
{
    struct gather *g = op->user;

    if (err != NULL) {
        g->err = *err;
    } else {
        take_names(g->query.msg, DNS_ANSWER, g->zone, &g->child);
    }
    if (g->cancelled) {
        end(g, NULL);
    } else if (g->parent.len > 0) {
        ask_addresses(g);
    } else {
        ask_parent_zone(g);
    }
}

/* ---- parent ---- */

static void on_parent_zone(struct cl_op *op, const struct cl_err *err)
{
    struct gather *g = op->user;

    if (g->cancelled) {
        end(g, NULL);
    } else if (err != NULL) {
        ask_addresses(g);
    } else {
        ask_parent_servers(g, g->cut.zone);
    }
}

static void ask_parent_zone(struct gather *g)
{
    const char *parent = dns_name_parent(g->zone);

    if (parent == NULL || cl_streq(parent, ".")) {
        ask_addresses(g);
        return;
    }
    g->running = &g->cut.op;
    g->cut.op = (struct cl_op){.done = on_parent_zone, .user = g};
    dns_zone_cut_start(g->resolver, parent, &g->cut);
}

static void on_parent_addresses(struct cl_op *op, const struct cl_err *err)
{
    struct gather *g = op->user;

    (void)err;
    if (g->cancelled) {
        end(g, NULL);
    } else {
        ask_referral(g);
    }
}

static void on_parent_servers(struct cl_op *op, const struct cl_err *err)
{
    struct gather *g = op->user;
    struct cl_strv hosts = {0};

    for (size_t i = 0; err == NULL && i < g->query.msg->n && hosts.len < PARENTS_MAX; i++) {
        const struct dns_rr *rr = &g->query.msg->rrs[i];
        if (rr->section == DNS_ANSWER && rr->type == DNS_NS && rr->target != NULL) {
            cl_strv_add(&hosts, rr->target);
        }
    }
    if (g->cancelled) {
        end(g, NULL);
    } else {
        g->running = &g->addresses.op;
        g->addresses.op = (struct cl_op){.done = on_parent_addresses, .user = g};
        dns_addresses_start(g->resolver, &hosts, &g->addresses);
    }
    cl_strv_deinit(&hosts);
}

static void ask_parent_servers(struct gather *g, const char *parent)
{
    g->running = &g->query.op;
    g->query.op = (struct cl_op){.done = on_parent_servers, .user = g};
    dns_query_start(g->resolver, parent, DNS_NS, &g->query);
}

static bool is_referral(struct dns_multi_op *m, size_t i)
{
    const struct gather *g = m->op.user;
    const struct dns_reply *r = &m->replies[i];

    return r->ok && (dns_msg_find(&r->msg, DNS_AUTHORITY, g->zone, DNS_NS) != NULL ||
                     dns_msg_find(&r->msg, DNS_ANSWER, g->zone, DNS_NS) != NULL);
}

static void on_referral(struct cl_op *op, const struct cl_err *err)
{
    struct gather *g = op->user;

    for (size_t i = 0; err == NULL && i < g->multi.n && g->parent.len == 0; i++) {
        if (is_referral(&g->multi, i)) {
            take_referral(g, &g->multi.replies[i].msg);
            /* A server of both zones answers as the child. */
            take_names(&g->multi.replies[i].msg, DNS_ANSWER, g->zone, &g->parent);
        }
    }
    if (g->cancelled) {
        end(g, NULL);
    } else {
        ask_addresses(g);
    }
}

static void ask_referral(struct gather *g)
{
    struct dns_ask asks[PARENT_ADDRESSES_MAX];
    char servers[PARENT_ADDRESSES_MAX][DNS_SERVER_TEXT];
    size_t n = 0;

    for (size_t i = 0; i < g->addresses.n && n < PARENT_ADDRESSES_MAX; i++) {
        if (dns_server_format(g->addresses.addresses[i].address, servers[n], NULL) == 0) {
            asks[n] = (struct dns_ask){.server = servers[n], .name = g->zone, .type = DNS_NS};
            n++;
        }
    }
    g->running = &g->multi.op;
    g->multi.op = (struct cl_op){.done = on_referral, .user = g};
    g->multi.got = is_referral;
    dns_multi_start(g->resolver->loop, g->resolver->timeout, asks, n, &g->multi);
}

/* ---- addresses ---- */

static void add_address(struct gather *g, const char *ns, const char *address)
{
    char server[DNS_SERVER_TEXT];

    if (dns_server_format(address, server, NULL) < 0) {
        return;
    }
    for (size_t i = 0; i < g->result.n; i++) {
        if (cl_streq(g->result.list[i].server, server)) {
            return;
        }
    }
    struct dns_authority *a = add(&g->result, ns, server);
    if (a != NULL) {
        a->in_child = cl_strv_has(&g->child, ns);
        a->in_parent = cl_strv_has(&g->parent, ns);
    }
}

static bool has_address(const struct gather *g, const char *ns)
{
    for (size_t i = 0; i < g->result.n; i++) {
        if (cl_streq(g->result.list[i].ns, ns)) {
            return true;
        }
    }
    return false;
}

/* Glue only where nothing better is known. */
static void add_glue(struct gather *g)
{
    size_t known = g->result.n;

    for (size_t i = 0; i < g->glue_len; i++) {
        bool better = false;
        for (size_t k = 0; k < known; k++) {
            better = better || cl_streq(g->result.list[k].ns, g->glue_hosts.items[i]);
        }
        if (!better) {
            add_address(g, g->glue_hosts.items[i], g->glue[i].address);
        }
    }
}

static void add_unresolved(struct gather *g, const struct cl_strv *names)
{
    cl_strv_for_each(ns, names) {
        if (!has_address(g, ns) && !cl_strv_has(&g->result.unresolved, ns)) {
            cl_strv_add(&g->result.unresolved, ns);
        }
    }
}

static void on_addresses(struct cl_op *op, const struct cl_err *err)
{
    struct gather *g = op->user;

    for (size_t i = 0; err == NULL && i < g->addresses.n; i++) {
        add_address(g, g->addresses.addresses[i].host, g->addresses.addresses[i].address);
    }
    add_glue(g);
    add_unresolved(g, &g->parent);
    add_unresolved(g, &g->child);
    if (g->result.n > 0 && !g->cancelled) {
        remember(g);
    }
    end(g, g->child.len + g->parent.len == 0 && g->err.kind != CL_ERR_NONE ? &g->err : NULL);
}

static void ask_addresses(struct gather *g)
{
    struct cl_strv hosts;

    cl_strv_copy(&hosts, &g->child);
    cl_strv_for_each(ns, &g->parent) {
        if (!cl_strv_has(&hosts, ns) && hosts.len < DNS_NS_MAX) {
            cl_strv_add(&hosts, ns);
        }
    }
    g->running = &g->addresses.op;
    g->addresses.op = (struct cl_op){.done = on_addresses, .user = g};
    dns_addresses_start(g->resolver, &hosts, &g->addresses);
    cl_strv_deinit(&hosts);
}

/* ---- start ---- */

static void on_known(struct loop_task *t)
{
    end(t->user, NULL);
}

static void on_cancel(struct cl_op *op)
{
    struct gather *g = op->impl;

    g->cancelled = true;
    if (g->running != NULL) {
        cl_op_cancel(g->running);
    }
}

/* Configured or remembered: then nobody is asked. */
static bool is_known(struct gather *g)
{
    const struct dns_zone_override *z = dns_resolver_override(g->resolver, g->zone);
    const struct cached *c = cl_map_get(&g->resolver->cache, g->zone);

    if (z != NULL && cl_streq(z->zone, g->zone)) {
        for (size_t i = 0; i < z->servers.len; i++) {
            (void)add(&g->result, "", z->servers.items[i]);
        }
        return true;
    }
    if (c != NULL && c->until > loop_now(g->resolver->loop)) {
        dns_servers_copy(&g->result, &c->servers);
        return true;
    }
    return false;
}

void dns_servers_start(struct dns_resolver *r, const char *zone, const struct dns_msg *referral,
                       struct dns_servers_op *op)
{
    struct gather *g = cl_new(struct gather);

    g->resolver = r;
    g->op = op;
    g->zone = cl_strdup(zone);
    op->op.impl = g;
    op->op.cancel = on_cancel;
    if (is_known(g)) {
        loop_defer(r->loop, &g->later, on_known, g);
        return;
    }
    if (referral != NULL) {
        take_referral(g, referral);
    }
    g->running = &g->query.op;
    g->query.op = (struct cl_op){.done = on_child, .user = g};
    dns_query_start(r, zone, DNS_NS, &g->query);
}
