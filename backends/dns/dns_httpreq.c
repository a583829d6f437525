/* SPDX-License-Identifier: Apache-2.0 */
/* dns_httpreq: one request for each value. What is to be added and removed in one batch goes one
 * after the other: the server behind may not like two at a time. */
#include "backends/dns/dns_httpreq.h"

#include "backends/dns/dns_each.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"

#include <string.h>

#define BODY_SHOWN 200

struct dns_httpreq {
    struct dns_provider_head head;
    struct loop *loop;
    struct http *http;
    char *url;
    bool raw;
    char *authorization; /* header line, or NULL */
    cl_time timeout;
};
/* One apply under way. */
struct run {
    struct dns_each each; /* first */
    struct dns_httpreq *p;
    struct http_op request;
};

static struct dns_httpreq *self(struct dns_provider *p)
{
    return (struct dns_httpreq *)(void *)p;
}

static void traits(struct dns_provider *p, struct dns_traits *ret)
{
    (void)p;
    *ret = (struct dns_traits){.sequential = false, .concurrency = 4, .ttl = 60};
}

/* The server knows its zones; ours is only what is kept apart: the zone of the DNS, or the name. */
static void zone(struct dns_provider *p, struct dns_zone_op *op)
{
    dns_zone_given(self(p)->loop, op, op->soa_zone != NULL ? op->soa_zone : op->fqdn);
}

static json_t *body_of(const struct run *r, const struct dns_item *item)
{
    json_t *o = json_object();

    if (r->p->raw) {
        json_put(o, "domain", json_text(item->detail->domain));
        json_put(o, "token", json_text(item->detail->token));
        json_put(o, "keyAuth", json_text(item->detail->key_authorization));
    } else {
        char *fqdn = cl_printf("%s.", item->fqdn);
        json_put(o, "fqdn", json_text(fqdn));
        json_put(o, "value", json_text(item->value));
        cl_free(fqdn);
    }
    return o;
}

/* What an HTTP status means for the next try. */
static int judge(const struct run *r, struct cl_err *err)
{
    const struct http_op *q = &r->request;
    char body[BODY_SHOWN + 8];
    enum cl_err_kind kind = q->status == 429   ? CL_ERR_TRANSIENT
                            : q->status >= 500 ? CL_ERR_TRANSIENT
                                               : CL_ERR_LOCAL;

    if (q->status >= 200 && q->status < 300) {
        return 0;
    }
    (void)cl_clean(body, sizeof(body), cl_buf_str(&q->body),
                   q->body.len < BODY_SHOWN ? q->body.len : BODY_SHOWN);
    (void)cl_fail(err, kind, q->status == 401 || q->status == 403 ? "AuthFailed" : "HttpreqFailed",
                  "%s%s: HTTP %ld%s%s", r->p->url, r->each.item.present ? "/present" : "/cleanup",
                  q->status, *body != '\0' ? ": " : "", body);
    if (err != NULL) {
        err->http_status = (int)q->status;
        const char *after = http_header(q, "retry-after");
        if (after != NULL) {
            (void)cl_time_parse_retry_after(after, loop_now(r->p->loop), &err->retry_at);
        }
    }
    return -1;
}

static void answered(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;
    struct cl_err own = {0};

    if (err != NULL) {
        own = *err;
        cl_wrap(&own, "%s", r->p->url);
    } else {
        (void)judge(r, &own);
    }
    dns_each_next(&r->each, own.kind != CL_ERR_NONE ? &own : NULL);
}

static void send_item(struct dns_each *each, const struct dns_item *item)
{
    struct run *r = (struct run *)(void *)each;
    struct dns_httpreq *p = r->p;
    struct cl_err err = {0};

    if (p->raw && (item->detail == NULL || item->detail->key_authorization == NULL)) {
        (void)cl_fail(&err, CL_ERR_PERMANENT, "DetailsMissing",
                      "mode RAW needs the key authorization, which is not known any more");
        dns_each_next(each, &err);
        return;
    }
    struct cl_strv headers = {0};
    json_t *body = body_of(r, item);
    char *text = json_print(body, JSON_COMPACT, false);
    char *url = cl_printf("%s%s", p->url, item->present ? "/present" : "/cleanup");
    cl_strv_add(&headers, "Content-Type: application/json");
    if (p->authorization != NULL) {
        cl_strv_add(&headers, p->authorization);
    }
    const struct http_request req = {.method = "POST",
                                     .once = true,
                                     .url = url,
                                     .headers = &headers,
                                     .body = text,
                                     .body_len = strlen(text),
                                     .timeout = p->timeout,
                                     .max_body = 64 << 10,
                                     .allow_http = true};
    r->request = (struct http_op){.op = {.done = answered, .user = r}};
    dns_each_under(each, &r->request.op);
    http_start(p->http, &req, &r->request);
    cl_strv_deinit(&headers);
    json_decref(body);
    cl_free(text);
    cl_free(url);
}

static void apply(struct dns_provider *p, struct dns_apply_op *op)
{
    struct run *r = cl_new(struct run);

    r->p = self(p);
    dns_each_start(&r->each, r->p->loop, op, send_item);
}

static void destroy(struct dns_provider *p)
{
    struct dns_httpreq *h = self(p);

    cl_free(h->head.name);
    cl_free(h->url);
    cl_free_secret(h->authorization);
    cl_free(h);
}

static const struct dns_provider_ops OPS = {
    .kind = "httpreq", .traits = traits, .zone = zone, .apply = apply, .destroy = destroy};

struct dns_provider *dns_httpreq_create(const struct dns_httpreq_params *params)
{
    struct dns_httpreq *p = cl_new(struct dns_httpreq);
    size_t len = strlen(params->url);

    while (len > 0 && params->url[len - 1] == '/') {
        len--;
    }
    p->head = (struct dns_provider_head){.ops = &OPS};
    p->loop = params->loop;
    p->http = params->http;
    p->url = cl_strndup(params->url, len);
    p->raw = params->raw;
    p->timeout = params->timeout;
    p->head.name = cl_printf("httpreq %s", p->url);
    if (params->username != NULL && params->password != NULL) {
        p->authorization = dns_basic_auth(params->username, params->password);
    }
    return (struct dns_provider *)(void *)p;
}
