/* SPDX-License-Identifier: Apache-2.0 */
/* dns_resolver: the settings of queries, /etc/resolv.conf, and single questions to the recursive
 * servers, in their order: the next one is asked when one is silent or cannot help. */
#include "backends/dns/wire/dns_resolve_impl.h"
#include "backends/rt/disk.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX ((size_t)64 * 1024)
#define RESOLV_CONF_FRESH (5 * CL_SECOND)
#define FLAGS_LOW 3U /* of a message: RA, Z, AD, CD, rcode */
#define FLAG_CD 0x10U
#define SERVERS_MAX 3U /* of resolv.conf, as in libc */

/* ---- settings ---- */

static int add_servers(struct cl_strv *dst, const struct cl_strv *src, struct cl_err *err)
{
    for (size_t i = 0; i < src->len; i++) {
        char text[DNS_SERVER_TEXT];
        if (dns_server_format(src->items[i], text, err) < 0) {
            return -1;
        }
        cl_strv_add(dst, text);
    }
    return 0;
}

int dns_resolver_create(struct loop *l, struct http *http, const struct dns_resolver_params *p,
                        struct dns_resolver **ret, struct cl_err *err)
{
    struct dns_resolver *r = cl_new(struct dns_resolver);
    int rc = add_servers(&r->configured, &p->recursive, err);

    r->loop = l;
    r->http = http;
    r->timeout = p->timeout > 0 ? p->timeout : 2 * CL_SECOND;
    r->zones = p->zones_len > 0 ? cl_calloc(p->zones_len, sizeof *r->zones) : NULL;
    for (size_t i = 0; rc == 0 && i < p->zones_len; i++) {
        struct dns_zone_override *z = &r->zones[r->zones_len++];
        z->zone = dns_name_normalise(p->zones[i].zone);
        if (z->zone == NULL) {
            rc = cl_fail(err, CL_ERR_LOCAL, "ServerInvalid", "\"%s\" is no zone", p->zones[i].zone);
        } else {
            rc = add_servers(&z->servers, &p->zones[i].servers, err);
        }
    }
    if (rc < 0) {
        dns_resolver_destroy(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void dns_resolver_destroy(struct dns_resolver *r)
{
    size_t pos = 0;
    void *cached = NULL;

    if (r == NULL) {
        return;
    }
    while (cl_map_next(&r->cache, &pos, NULL, &cached)) {
        dns_servers_deinit(cached);
        cl_free(cached);
    }
    cl_map_deinit(&r->cache);
    for (size_t i = 0; i < r->zones_len; i++) {
        cl_free(r->zones[i].zone);
        cl_strv_deinit(&r->zones[i].servers);
    }
    cl_free(r->zones);
    cl_strv_deinit(&r->configured);
    cl_strv_deinit(&r->system);
    cl_free(r);
}

struct loop *dns_resolver_loop(struct dns_resolver *r)
{
    return r->loop;
}

struct http *dns_resolver_http(struct dns_resolver *r)
{
    return r->http;
}

cl_time dns_resolver_timeout(const struct dns_resolver *r)
{
    return r->timeout;
}

/* resolv.conf(5). Addresses with a zone index cannot be used and are left out. */
static void read_system(struct dns_resolver *r)
{
    struct cl_buf b;
    struct cl_strv lines = {0};

    cl_strv_deinit(&r->system);
    if (disk_read(RESOLV_CONF, RESOLV_CONF_MAX, &b, NULL, NULL) == 0) {
        cl_strv_split(&lines, cl_buf_str(&b), "\r\n");
    }
    cl_buf_deinit(&b);
    cl_strv_for_each(line, &lines) {
        struct cl_strv words = {0};
        char text[DNS_SERVER_TEXT];
        cl_strv_split(&words, line, " \t");
        if (words.len >= 2 && cl_streq(words.items[0], "nameserver") &&
            r->system.len < SERVERS_MAX && dns_server_format(words.items[1], text, NULL) == 0) {
            cl_strv_add(&r->system, text);
        }
        cl_strv_deinit(&words);
    }
    cl_strv_deinit(&lines);
    if (r->system.len == 0) {
        cl_strv_add(&r->system, "127.0.0.1:53"); /* as libc does */
    }
}

const struct cl_strv *dns_resolver_recursive(struct dns_resolver *r)
{
    cl_time now = loop_now(r->loop);

    if (r->configured.len > 0) {
        return &r->configured;
    }
    if (r->system.len == 0 || now < r->system_at || now - r->system_at > RESOLV_CONF_FRESH) {
        read_system(r);
        r->system_at = now;
    }
    return &r->system;
}

const struct dns_zone_override *dns_resolver_override(const struct dns_resolver *r,
                                                      const char *name)
{
    const struct dns_zone_override *best = NULL;

    for (size_t i = 0; i < r->zones_len; i++) {
        const struct dns_zone_override *z = &r->zones[i];
        if (dns_name_within(name, z->zone) &&
            (best == NULL || strlen(z->zone) > strlen(best->zone))) {
            best = z;
        }
    }
    return best;
}

/* ---- one question ---- */

struct query {
    struct dns_resolver *resolver;
    struct dns_query_op *op;
    struct cl_strv servers;
    size_t next;
    char *name;
    unsigned type;
    struct dns_exchange_op exchange;
    bool cancelled;
    struct cl_err err; /* of the last server */
};

static void ask_next(struct query *q);

static void query_end(struct query *q, const struct dns_msg *msg, const struct cl_err *err)
{
    struct dns_query_op *op = q->op;

    op->msg = msg;
    cl_op_done(&op->op, err);
    cl_strv_deinit(&q->servers);
    cl_free(q->name);
    cl_free(q);
}

static void on_answer(struct cl_op *op, const struct cl_err *err)
{
    struct query *q = op->user;
    struct dns_msg m = {0};
    char rcode[16];

    if (err != NULL) {
        q->err = *err;
    } else if (dns_msg_decode(q->exchange.answer, q->exchange.answer_len, &m, &q->err) == 0) {
        if (m.rcode == DNS_NOERROR || m.rcode == DNS_NXDOMAIN) {
            query_end(q, &m, NULL);
            dns_msg_deinit(&m);
            return;
        }
        (void)cl_fail(&q->err, CL_ERR_TRANSIENT, "NameServersFailed", "%s answers %s",
                      q->servers.items[q->next - 1], dns_rcode_name(m.rcode, rcode));
        dns_msg_deinit(&m);
    }
    if (q->cancelled) {
        (void)cl_fail(&q->err, CL_ERR_CANCELLED, "Cancelled", "the query was stopped");
        struct cl_err copy = q->err;
        query_end(q, NULL, &copy);
        return;
    }
    ask_next(q);
}

static void fail_all(struct query *q)
{
    char type[16];
    struct cl_err err = q->err;
    char *asked = cl_strv_join(&q->servers, ", ");

    cl_wrap(&err, "%s of %s (asked: %s)", dns_type_name(q->type, type), q->name, asked);
    cl_free(asked);
    err.kind = CL_ERR_TRANSIENT;
    if (!cl_streq(err.reason, "NameServersFailed")) {
        (void)cl_format(err.reason, sizeof err.reason, "NameServersSilent");
    }
    query_end(q, NULL, &err);
}

static void ask_next(struct query *q)
{
    unsigned char query[512];

    if (q->next == q->servers.len) {
        fail_all(q);
        return;
    }
    struct dns_exchange_request req = {.server = q->servers.items[q->next++],
                                       .query = query,
                                       .transport = DNS_UDP_TCP,
                                       .timeout = q->resolver->timeout};
    req.query_len = dns_msg_query(query, q->name, q->type, true);
    if (q->op->checking_disabled && req.query_len > FLAGS_LOW) {
        query[FLAGS_LOW] |= FLAG_CD;
    }
    q->exchange.op = (struct cl_op){.done = on_answer, .user = q};
    dns_exchange_start(q->resolver->loop, &req, &q->exchange);
}

static void query_cancel(struct cl_op *op)
{
    struct query *q = op->impl;

    q->cancelled = true;
    cl_op_cancel(&q->exchange.op);
}

void dns_query_start(struct dns_resolver *r, const char *name, unsigned type,
                     struct dns_query_op *op)
{
    unsigned char wire[DNS_NAME_MAX];

    op->msg = NULL;
    if (dns_name_encode(name, wire) < 0) {
        struct cl_err err = {0};
        char clean[CL_CLEAN_TEXT];
        (void)cl_fail(&err, CL_ERR_PERMANENT, "NameInvalid", "\"%s\" is no name of the DNS",
                      cl_clean(clean, sizeof clean, name, strlen(name)));
        op_later(r->loop, &op->op, &err);
        return;
    }
    struct query *q = cl_new(struct query);
    q->resolver = r;
    q->op = op;
    q->name = cl_strdup(name);
    q->type = type;
    cl_strv_copy(&q->servers, dns_resolver_recursive(r));
    op->op.impl = q;
    op->op.cancel = query_cancel;
    ask_next(q);
}
