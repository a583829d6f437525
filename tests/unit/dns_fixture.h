/* SPDX-License-Identifier: Apache-2.0 */
/* dns_fixture: a described provider against a raw peer that answers from a table. Only for
 * tests/unit/test_dns_described*.c. */
#ifndef DNS_FIXTURE_H
#define DNS_FIXTURE_H

#include "backends/dns/dns_described.h"
#include "spec/base/cl_str.h"
#include "tests/unit/net_fixture.h"

/* One answer: the first whose start fits the request line and that is not used up. */
struct reply {
    const char *request; /* "GET /records", "*" = any */
    const char *status;  /* "200 OK"; NULL: the connection ends without an answer */
    const char *body;
    const char *headers; /* whole lines, or NULL */
    int times;           /* 0 = any number */
};
struct dnsfix {
    struct net net;
    struct raw_peer peer;
    struct dns_provider *provider;
    const struct reply *replies;
    int used[32];
    unsigned done;
    struct cl_err err; /* of the last operation */
    char *zone;
    struct cl_strv values;
    struct dns_apply_op apply;
    struct dns_zone_op find;
    struct dns_list_op list;
    struct dns_change change[4];
};
static struct dnsfix *dnsfix_now;

static inline void dnsfix_answer(struct raw_conn *c, const char *request)
{
    struct dnsfix *f = dnsfix_now;

    for (size_t i = 0; f->replies[i].request != NULL; i++) {
        const struct reply *r = &f->replies[i];
        if ((!cl_streq(r->request, "*") && !cl_str_starts(request, r->request)) ||
            (r->times > 0 && f->used[i] >= r->times)) {
            continue;
        }
        f->used[i]++;
        if (r->status == NULL) {
            raw_close(c);
            return;
        }
        char *text = cl_printf("HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", r->status,
                               cl_str_or(r->headers, ""), strlen(r->body), r->body);
        raw_send(c, text);
        cl_free(text);
        return;
    }
    raw_send(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static inline struct dns_description *dnsfix_load(const char *text)
{
    struct spec_problems problems = {0};
    struct dns_description *d = dns_description_load(text, strlen(text), NULL, &problems);

    if (d == NULL) {
        fail_msg("%u:%u: %s", problems.items[0].line, problems.items[0].column,
                 problems.items[0].text);
    }
    spec_problems_deinit(&problems);
    return d;
}

static inline void dnsfix_open(struct dnsfix *f, const char *text, const struct reply *replies)
{
    struct cl_strv pairs = {0};
    struct cl_err err = {0};

    memset(f, 0, sizeof *f);
    dnsfix_now = f;
    net_setup(&f->net);
    raw_start(&f->net, &f->peer);
    f->peer.answer = dnsfix_answer;
    f->replies = replies;
    struct dns_description *d = dnsfix_load(text);
    cl_strv_take(&pairs, cl_printf("url=http://127.0.0.1:%u", f->peer.port));
    cl_strv_add(&pairs, "token=very-secret-token");
    struct dns_described_params p = {.loop = f->net.loop,
                                     .http = f->net.http,
                                     .description = d,
                                     .take_credentials =
                                         dns_credentials_from_pairs(d, &pairs, &err)};
    f->provider = dns_described_create(&p, &err);
    assert_non_null(f->provider);
    dns_description_unref(d);
    cl_strv_deinit(&pairs);
}

static inline void dnsfix_close(struct dnsfix *f)
{
    dns_head(f->provider)->ops->destroy(f->provider);
    raw_stop(&f->peer);
    net_teardown(&f->net);
    cl_free(f->zone);
    cl_strv_deinit(&f->values);
    for (size_t i = 0; i < COUNT(f->change); i++) {
        cl_strv_deinit(&f->change[i].add);
        cl_strv_deinit(&f->change[i].remove);
    }
}

static inline void dnsfix_done(struct cl_op *op, const struct cl_err *err)
{
    struct dnsfix *f = op->user;

    f->done++;
    f->err = err != NULL ? *err : (struct cl_err){0};
    if (op == &f->find.op && err == NULL) {
        f->zone = cl_strdup(f->find.zone);
    }
    if (op == &f->list.op && err == NULL) {
        cl_strv_copy(&f->values, &f->list.values);
    }
    loop_stop(f->net.loop);
}

static inline bool dnsfix_is_done(void *user)
{
    return ((struct dnsfix *)user)->done > 0;
}

static inline void dnsfix_start(struct dnsfix *f, size_t n)
{
    f->done = 0;
    f->apply = (struct dns_apply_op){.op = {.done = dnsfix_done, .user = f},
                                     .zone = "example.com",
                                     .changes = f->change,
                                     .n = n};
    dns_head(f->provider)->ops->apply(f->provider, &f->apply);
    assert_int_equal(f->done, 0);
}

/** Adds and/or removes one value at _acme-challenge.example.com; 0 or -1 (f->err). */
static inline int dnsfix_apply(struct dnsfix *f, const char *add, const char *remove)
{
    cl_strv_deinit(&f->change[0].add);
    cl_strv_deinit(&f->change[0].remove);
    f->change[0].fqdn = "_acme-challenge.example.com";
    if (add != NULL) {
        cl_strv_add(&f->change[0].add, add);
    }
    if (remove != NULL) {
        cl_strv_add(&f->change[0].remove, remove);
    }
    dnsfix_start(f, 1);
    net_wait(&f->net, dnsfix_is_done, f);
    return f->err.kind == CL_ERR_NONE ? 0 : -1;
}

static inline int dnsfix_find(struct dnsfix *f, const char *fqdn, const char *soa)
{
    f->done = 0;
    f->find =
        (struct dns_zone_op){.op = {.done = dnsfix_done, .user = f}, .fqdn = fqdn, .soa_zone = soa};
    dns_head(f->provider)->ops->zone(f->provider, &f->find);
    net_wait(&f->net, dnsfix_is_done, f);
    return f->err.kind == CL_ERR_NONE ? 0 : -1;
}

/** How many requests started with @start. */
static inline unsigned dnsfix_count(const struct dnsfix *f, const char *start)
{
    unsigned n = 0;

    for (size_t i = 0; i < f->peer.requests.len; i++) {
        n += cl_str_starts(f->peer.requests.items[i], start) ? 1 : 0;
    }
    return n;
}

/** The body of the last request that started so, or "". */
static inline const char *dnsfix_body(const struct dnsfix *f, const char *start)
{
    const char *body = "";

    for (size_t i = 0; i < f->peer.requests.len; i++) {
        if (cl_str_starts(f->peer.requests.items[i], start)) {
            body = strstr(f->peer.requests.items[i], "\r\n\r\n") + 4;
        }
    }
    return body;
}

#define assert_done(f, rc)                                      \
    do {                                                        \
        if ((rc) != 0) {                                        \
            fail_msg("%s: %s", (f)->err.reason, (f)->err.text); \
        }                                                       \
    } while (0)
#define assert_reason(f, rc, kind_, reason_)           \
    do {                                               \
        assert_int_equal(rc, -1);                      \
        assert_string_equal((f)->err.reason, reason_); \
        assert_int_equal((f)->err.kind, kind_);        \
    } while (0)

#endif
