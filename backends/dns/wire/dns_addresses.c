/* SPDX-License-Identifier: Apache-2.0 */
/* dns_addresses: A and AAAA of some hosts, all asked at once. */
#include "backends/dns/wire/dns_resolve_impl.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#define FAMILIES 2U

struct lookup {
    struct dns_query_op query;
    struct addresses *all;
    const char *host; /* in all->hosts */
    unsigned type;
    bool ended;
};
struct addresses {
    struct dns_addresses_op *op;
    struct cl_strv hosts;
    struct lookup *lookups;
    size_t n, pending;
    struct dns_host_address *found;
    size_t found_len;
    bool cancelled;
};

static void finish(struct addresses *a)
{
    struct dns_addresses_op *op = a->op;
    struct cl_err err = {0};

    if (a->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the queries were stopped");
    }
    op->addresses = a->found;
    op->n = a->found_len;
    cl_op_done(&op->op, a->cancelled ? &err : NULL);
    cl_strv_deinit(&a->hosts);
    cl_free(a->lookups);
    cl_free(a->found);
    cl_free(a);
}

static void on_answer(struct cl_op *op, const struct cl_err *err)
{
    struct lookup *l = op->user;
    struct addresses *a = l->all;

    l->ended = true;
    a->pending--;
    for (size_t i = 0; err == NULL && i < l->query.msg->n; i++) {
        const struct dns_rr *rr = &l->query.msg->rrs[i];
        /* Its owner may differ: a name server behind a CNAME is wrong, but works for many. */
        if (rr->section == DNS_ANSWER && rr->type == l->type && a->found_len < DNS_ADDRESSES_MAX) {
            struct dns_host_address *f = &a->found[a->found_len++];
            f->host = a->hosts.items[(size_t)(l - a->lookups) / FAMILIES];
            (void)cl_format(f->address, sizeof f->address, "%s", rr->address);
        }
    }
    if (a->pending == 0) {
        finish(a);
    }
}

static void on_cancel(struct cl_op *op)
{
    struct addresses *a = op->impl;

    a->cancelled = true;
    for (size_t i = 0; i < a->n; i++) {
        if (!a->lookups[i].ended) {
            cl_op_cancel(&a->lookups[i].query.op);
        }
    }
}

void dns_addresses_start(struct dns_resolver *r, const struct cl_strv *hosts,
                         struct dns_addresses_op *op)
{
    op->addresses = NULL;
    op->n = 0;
    if (hosts->len == 0) {
        op_later(r->loop, &op->op, NULL);
        return;
    }
    struct addresses *a = cl_new(struct addresses);
    a->op = op;
    cl_strv_copy(&a->hosts, hosts);
    a->n = a->pending = hosts->len * FAMILIES;
    a->lookups = cl_calloc(a->n, sizeof *a->lookups);
    a->found = cl_calloc(DNS_ADDRESSES_MAX, sizeof *a->found);
    op->op.impl = a;
    op->op.cancel = on_cancel;
    for (size_t i = 0; i < a->n; i++) {
        struct lookup *l = &a->lookups[i];
        l->all = a;
        l->type = i % FAMILIES == 0 ? DNS_A : DNS_AAAA;
        l->query.op = (struct cl_op){.done = on_answer, .user = l};
        dns_query_start(r, a->hosts.items[i / FAMILIES], l->type, &l->query);
    }
}
