/* SPDX-License-Identifier: Apache-2.0 */
/* dns_zone_cut: which zone holds a name? The SOA record of a name that is no zone comes back in the
 * authority section, with the zone as its owner (RFC 2308). A name whose answer leads elsewhere (a
 * CNAME) says nothing: then its parent is asked. */
#include "backends/dns/wire/dns_resolve_impl.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#define NEGATIVE_MAX 300U /* seconds: what is longer is not waited for */

struct walk {
    struct dns_resolver *resolver;
    struct dns_zone_cut_op *op;
    char *name;
    const char *at; /* in name */
    struct dns_query_op query;
    bool cancelled;
    char *override; /* zone whose servers are configured */
    struct loop_task later;
};

static void ask(struct walk *w);

static void end(struct walk *w, const char *zone, uint32_t negative_ttl, const struct cl_err *err)
{
    struct dns_zone_cut_op *op = w->op;

    op->zone = zone;
    op->negative_ttl = negative_ttl < NEGATIVE_MAX ? negative_ttl : NEGATIVE_MAX;
    cl_op_done(&op->op, err);
    cl_free(w->name);
    cl_free(w->override);
    cl_free(w);
}

static const struct dns_rr *find_soa(const struct dns_msg *m, const char *name)
{
    const struct dns_rr *rr = dns_msg_find(m, DNS_ANSWER, name, DNS_SOA);

    if (rr == NULL && dns_msg_find(m, DNS_ANSWER, NULL, DNS_CNAME) == NULL) {
        rr = dns_msg_find(m, DNS_AUTHORITY, NULL, DNS_SOA);
    }
    return rr != NULL && rr->soa != NULL && dns_name_within(name, rr->name) ? rr : NULL;
}

static void on_answer(struct cl_op *op, const struct cl_err *err)
{
    struct walk *w = op->user;
    const struct dns_rr *soa = err == NULL ? find_soa(w->query.msg, w->at) : NULL;
    struct cl_err failure = {0};

    if (err == NULL && w->cancelled) {
        (void)cl_fail(&failure, CL_ERR_CANCELLED, "Cancelled", "the query was stopped");
        err = &failure;
    }
    if (err != NULL) {
        end(w, NULL, 0, err);
        return;
    }
    if (soa == NULL) {
        w->at = dns_name_parent(w->at);
        if (w->at != NULL && !cl_streq(w->at, ".")) {
            ask(w);
            return;
        }
    }
    if (soa == NULL || cl_streq(soa->name, ".")) {
        (void)cl_fail(&failure, CL_ERR_PERMANENT, "ZoneNotFound",
                      "no zone of the DNS holds %s: is the domain registered, and its name spelled "
                      "correctly?",
                      w->name);
        end(w, NULL, 0, &failure);
        return;
    }
    uint32_t ttl = soa->ttl < soa->soa->minimum ? soa->ttl : soa->soa->minimum;
    end(w, soa->name, ttl, NULL);
}

static void on_later(struct loop_task *t)
{
    struct walk *w = t->user;
    struct cl_err err = {0};

    if (w->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the query was stopped");
    }
    end(w, w->override, NEGATIVE_MAX, w->cancelled ? &err : NULL);
}

static void ask(struct walk *w)
{
    w->query.op = (struct cl_op){.done = on_answer, .user = w};
    dns_query_start(w->resolver, w->at, DNS_SOA, &w->query);
}

static void on_cancel(struct cl_op *op)
{
    struct walk *w = op->impl;

    w->cancelled = true;
    cl_op_cancel(&w->query.op);
}

void dns_zone_cut_start(struct dns_resolver *r, const char *name, struct dns_zone_cut_op *op)
{
    const struct dns_zone_override *override = NULL;
    struct cl_err err = {0};
    char *normal = dns_name_normalise(name);

    op->zone = NULL;
    op->negative_ttl = 0;
    if (normal == NULL) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "NameInvalid", "that is no name of the DNS");
        op_later(r->loop, &op->op, &err);
        return;
    }
    struct walk *w = cl_new(struct walk);
    w->resolver = r;
    w->op = op;
    w->name = normal;
    w->at = normal;
    op->op.impl = w;
    op->op.cancel = on_cancel;
    override = dns_resolver_override(r, normal);
    if (override != NULL) {
        w->override = cl_strdup(override->zone);
        loop_defer(r->loop, &w->later, on_later, w);
    } else {
        ask(w);
    }
}
