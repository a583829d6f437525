/* SPDX-License-Identifier: Apache-2.0 */
/* dns_multi: an exchange for each question, decoded as it comes. A failed one is no failure of the
 * whole: the caller weighs the replies. */
#include "backends/dns/wire/dns_multi.h"

#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

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

static void on_exchange(struct cl_op *op, const struct cl_err *err)
{
    struct dns_reply *r = op->user;
    struct dns_multi_op *m = r->multi;

    r->ended = true;
    m->pending--;
    if (err != NULL) {
        r->err = *err;
    } else {
        r->ok = dns_msg_decode(r->exchange.answer, r->exchange.answer_len, &r->msg, &r->err) == 0;
    }
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
        unsigned char query[512];
        struct dns_reply *r = &op->replies[i];
        struct dns_exchange_request req = {.server = asks[i].server,
                                           .query = query,
                                           .transport = asks[i].quick ? DNS_UDP : DNS_UDP_TCP,
                                           .tries = asks[i].quick ? 1 : 0,
                                           .timeout = timeout};
        req.query_len = dns_msg_query(query, asks[i].name, asks[i].type, asks[i].rd);
        r->multi = op;
        r->exchange.op = (struct cl_op){.done = on_exchange, .user = r};
        dns_exchange_start(l, &req, &r->exchange);
    }
}
