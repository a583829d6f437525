/* SPDX-License-Identifier: Apache-2.0 */
/* dns_multi: an exchange for each question, decoded as it comes. A failed one is no failure of the
 * whole: the caller weighs the replies. */
#include "backends/dns/wire/dns_multi.h"

#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <string.h>

static void finish(struct dns_multi_op *m)
{
    struct dns_reply *replies = m->replies;
    size_t n = m->n;
    struct cl_err err = {0};

    if (m->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the queries were stopped");
    }
    cl_op_done(&m->op, m->cancelled ? &err : NULL);
    for (size_t i = 0; i < n; i++) {
        dns_msg_deinit(&replies[i].msg);
        cl_free(replies[i].server);
        cl_free(replies[i].name);
    }
    cl_free(replies);
}

static void stop_others(struct dns_multi_op *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!m->replies[i].ended) {
            cl_op_cancel(&m->replies[i].exchange.op);
        }
    }
}

static void on_exchange(struct cl_op *op, const struct cl_err *err);

static void ask(struct dns_reply *r)
{
    unsigned char query[512];
    struct dns_exchange_request req = {.server = r->server,
                                       .query = query,
                                       .transport = r->quick ? DNS_UDP : DNS_UDP_TCP,
                                       .tries = r->quick ? 1 : 0,
                                       .timeout = r->multi->timeout};

    req.query_len = r->plain ? dns_msg_query_plain(query, r->name, r->type, r->rd)
                             : dns_msg_query(query, r->name, r->type, r->rd);
    r->exchange.op = (struct cl_op){.done = on_exchange, .user = r};
    dns_exchange_start(r->multi->loop, &req, &r->exchange);
}

/* Servers from before 1999, and some load balancers, take EDNS for a malformed message. */
static bool asks_plainly(struct dns_reply *r)
{
    if (!r->ok || r->msg.rcode != DNS_FORMERR || r->plain || r->multi->enough) {
        return false;
    }
    dns_msg_deinit(&r->msg);
    r->ok = false;
    r->plain = true;
    ask(r);
    return true;
}

static void on_exchange(struct cl_op *op, const struct cl_err *err)
{
    struct dns_reply *r = op->user;
    struct dns_multi_op *m = r->multi;

    if (err != NULL) {
        r->err = *err;
    } else {
        r->ok = dns_msg_decode(r->exchange.answer, r->exchange.answer_len, &r->msg, &r->err) == 0;
    }
    if (asks_plainly(r)) {
        return;
    }
    r->ended = true;
    m->pending--;
    if (!m->enough && m->got != NULL && m->got(m, (size_t)(r - m->replies))) {
        m->enough = true;
        stop_others(m);
    }
    if (m->pending == 0) {
        finish(m);
    }
}

static void on_cancel(struct cl_op *op)
{
    struct dns_multi_op *m = op->impl;

    m->cancelled = m->enough = true;
    stop_others(m);
}

void dns_multi_start(struct loop *l, cl_time timeout, const struct dns_ask *asks, size_t n,
                     struct dns_multi_op *op)
{
    op->loop = l;
    op->n = n;
    op->timeout = timeout;
    op->enough = op->cancelled = false;
    op->pending = n;
    op->replies = NULL;
    if (n == 0) {
        op_later(l, &op->op, NULL);
        return;
    }
    op->replies = cl_calloc(n, sizeof *op->replies);
    op->op.impl = op;
    op->op.cancel = on_cancel;
    for (size_t i = 0; i < n; i++) {
        struct dns_reply *r = &op->replies[i];
        r->multi = op;
        r->server = cl_strdup(asks[i].server);
        r->name = cl_strdup(asks[i].name);
        r->type = asks[i].type;
        r->rd = asks[i].rd;
        r->quick = asks[i].quick;
        ask(r);
    }
}
