/* SPDX-License-Identifier: Apache-2.0 */
/* dns_round: the questions of one round, by DNS or by HTTPS, and what each answer means. */
#include "backends/dns/wire/dns_round.h"

#include "backends/dns/wire/dns_multi.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define VALUES_SHOWN 16U
#define DOH_TIMEOUT (5 * CL_SECOND)
#define DOH_TYPE "application/dns-message"

struct doh {
    struct http_op http;
    struct round *round;
    struct dns_view *view;
    bool ended;
};
struct round {
    struct dns_resolver *resolver;
    struct dns_round_op *op;
    enum dns_round_kind kind;
    const char *name;
    const struct cl_strv *values;
    struct dns_table *table;
    bool cancelled;
    /* by DNS */
    struct dns_multi_op multi;
    struct dns_view **asked; /* in the order of the questions */
    /* by HTTPS */
    struct doh *doh;
    size_t pending;
};

static void end(struct round *r)
{
    struct dns_round_op *op = r->op;
    struct cl_err err = {0};

    if (r->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the queries were stopped");
    } else {
        r->table->rounds++;
    }
    cl_op_done(&op->op, r->cancelled ? &err : NULL);
    cl_free(r->asked);
    cl_free(r->doh);
    cl_free(r);
}

/* ---- what an answer means ---- */

static bool has_value(const struct dns_msg *m, const char *value)
{
    size_t len = strlen(value);

    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == DNS_ANSWER && rr->type == DNS_TXT && rr->text_len == len &&
            memcmp(rr->text, value, len) == 0) {
            return true;
        }
    }
    return false;
}

/* For people; returns how many there are. */
static size_t show_values(const struct dns_msg *m, struct cl_strv *ret)
{
    size_t n = 0;

    cl_strv_deinit(ret);
    for (size_t i = 0; i < m->n; i++) {
        const struct dns_rr *rr = &m->rrs[i];
        if (rr->section == DNS_ANSWER && rr->type == DNS_TXT && rr->text != NULL &&
            n++ < VALUES_SHOWN) {
            char clean[CL_CLEAN_TEXT];
            cl_strv_add(ret, cl_clean(clean, sizeof clean, rr->text, rr->text_len));
        }
    }
    return n;
}

static void judge_answer(const struct round *r, struct dns_view *v, const struct dns_msg *m)
{
    char detail[64];
    size_t found = 0;

    if (m->rcode != DNS_NOERROR && m->rcode != DNS_NXDOMAIN) {
        char rcode[16];
        dns_view_saw(v, DNS_SIGHT_LAME, dns_rcode_name(m->rcode, rcode));
        return;
    }
    if (r->kind == DNS_ROUND_AUTHORITATIVE && !m->aa) {
        dns_view_saw(v, DNS_SIGHT_LAME, "not authoritative for the zone");
        return;
    }
    size_t n = show_values(m, &v->values);
    for (size_t i = 0; i < r->values->len; i++) {
        found += has_value(m, r->values->items[i]) ? 1 : 0;
    }
    if (found == r->values->len) {
        dns_view_saw(v, DNS_SIGHT_GOOD, NULL);
        return;
    }
    if (n == 0) {
        (void)cl_format(detail, sizeof detail, "%s",
                        m->rcode == DNS_NXDOMAIN ? "no such name" : "no TXT record");
    } else if (r->values->len == 1) {
        (void)cl_format(detail, sizeof detail, "%zu other value%s", n, n == 1 ? "" : "s");
    } else {
        (void)cl_format(detail, sizeof detail, "%zu of %zu values", found, r->values->len);
    }
    dns_view_saw(v, DNS_SIGHT_MISSING, detail);
}

static void judge_failure(struct dns_view *v, const struct cl_err *err)
{
    if (err->kind == CL_ERR_CANCELLED) {
        return;
    }
    v->hopeless = cl_streq(err->reason, "Unreachable");
    dns_view_saw(v, err->kind == CL_ERR_BAD_RESULT ? DNS_SIGHT_LAME : DNS_SIGHT_SILENT,
                 err->reason);
}

/* ---- by DNS ---- */

static void on_replies(struct cl_op *op, const struct cl_err *err)
{
    struct round *r = op->user;

    (void)err;
    for (size_t i = 0; i < r->multi.n; i++) {
        const struct dns_reply *reply = &r->multi.replies[i];
        if (reply->ok) {
            judge_answer(r, r->asked[i], &reply->msg);
        } else {
            judge_failure(r->asked[i], &reply->err);
        }
    }
    end(r);
}

static void ask_by_dns(struct round *r)
{
    struct dns_ask *asks = cl_calloc(r->table->n + 1, sizeof *asks);
    size_t n = 0;

    r->asked = cl_calloc(r->table->n + 1, sizeof(struct dns_view *));
    for (size_t i = 0; i < r->table->n; i++) {
        struct dns_view *v = &r->table->views[i];
        if (!v->hopeless) {
            r->asked[n] = v;
            asks[n++] = (struct dns_ask){.server = v->server,
                                         .name = r->name,
                                         .type = DNS_TXT,
                                         .rd = r->kind == DNS_ROUND_RECURSIVE,
                                         .quick = v->sight == DNS_SIGHT_SILENT};
        }
    }
    r->multi.op = (struct cl_op){.done = on_replies, .user = r};
    dns_multi_start(dns_resolver_loop(r->resolver), dns_resolver_timeout(r->resolver), asks, n,
                    &r->multi);
    cl_free(asks);
}

/* ---- by HTTPS ---- */

static void judge_http(const struct round *r, struct dns_view *v, const struct http_op *http)
{
    struct dns_msg m = {0};
    const char *type = http_header(http, "content-type");
    char detail[64];

    if (http->status != 200) {
        (void)cl_format(detail, sizeof detail, "HTTP %ld", http->status);
        dns_view_saw(v, DNS_SIGHT_LAME, detail);
    } else if (type == NULL || !cl_str_starts(type, DOH_TYPE) ||
               dns_msg_decode(http->body.data, http->body.len, &m, NULL) < 0) {
        dns_view_saw(v, DNS_SIGHT_LAME, "no DNS message");
    } else {
        judge_answer(r, v, &m);
        dns_msg_deinit(&m);
    }
}

static void on_http(struct cl_op *op, const struct cl_err *err)
{
    struct doh *d = op->user;
    struct round *r = d->round;

    d->ended = true;
    r->pending--;
    if (err != NULL) {
        judge_failure(d->view, err);
        d->view->hopeless = false; /* what cannot be reached now may be so later */
    } else {
        judge_http(r, d->view, &d->http);
    }
    if (r->pending == 0) {
        end(r);
    }
}

static void ask_by_http(struct round *r)
{
    unsigned char query[512];
    struct cl_strv headers = {0};
    struct http_request req = {.method = "POST",
                               .headers = &headers,
                               .body = query,
                               .body_len = dns_msg_query(query, r->name, DNS_TXT, true),
                               .timeout = DOH_TIMEOUT,
                               .max_body = UINT16_MAX,
                               .allow_http = r->kind == DNS_ROUND_DOH_HTTP};

    cl_strv_add(&headers, "Content-Type: " DOH_TYPE);
    cl_strv_add(&headers, "Accept: " DOH_TYPE);
    r->doh = cl_calloc(r->table->n, sizeof *r->doh);
    r->pending = r->table->n;
    for (size_t i = 0; i < r->table->n; i++) {
        struct doh *d = &r->doh[i];
        d->round = r;
        d->view = &r->table->views[i];
        d->http.op = (struct cl_op){.done = on_http, .user = d};
        req.url = d->view->server;
        http_start(dns_resolver_http(r->resolver), &req, &d->http);
    }
    cl_strv_deinit(&headers);
}

/* ---- start ---- */

static void on_cancel(struct cl_op *op)
{
    struct round *r = op->impl;

    r->cancelled = true;
    if (r->doh == NULL) {
        cl_op_cancel(&r->multi.op);
        return;
    }
    for (size_t i = 0; i < r->table->n; i++) {
        if (!r->doh[i].ended) {
            cl_op_cancel(&r->doh[i].http.op);
        }
    }
}

void dns_round_start(struct dns_resolver *r, enum dns_round_kind kind, const char *name,
                     const struct cl_strv *values, struct dns_table *table, struct dns_round_op *op)
{
    struct round *x = cl_new(struct round);

    x->resolver = r;
    x->op = op;
    x->kind = kind;
    x->name = name;
    x->values = values;
    x->table = table;
    op->op.impl = x;
    op->op.cancel = on_cancel;
    if ((kind == DNS_ROUND_DOH || kind == DNS_ROUND_DOH_HTTP) && table->n > 0) {
        ask_by_http(x);
    } else {
        ask_by_dns(x);
    }
}
