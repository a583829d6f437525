/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_sign: signatures over a finished request: the expressions of `sign`, and the family of AWS
 * Signature Version 4 (AWS General Reference, "Signing AWS API requests") with its parameters. */
#include "backends/dns/dns_api.h"
#include "backends/dns/dns_origin.h"
#include "backends/dns/lang/dns_crypto.h"
#include "backends/dns/lang/dns_encode.h"
#include "backends/dns/lang/dns_time.h"
#include "spec/base/cl_alloc.h"

#include <string.h>
#include <strings.h>

static char *sorted_query(const char *query)
{
    struct cl_strv parts = {0};

    cl_strv_split(&parts, query, "&");
    cl_strv_sort(&parts);
    char *sorted = cl_strv_join(&parts, "&");
    cl_strv_deinit(&parts);
    return sorted;
}

static void put_text(json_t *object, const char *key, const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);

    (void)json_object_set_new(object, key, value != NULL ? value : json_string(""));
}

/* What `sign` sees as req.*. */
static json_t *request_object(const struct api_request *r, const struct dns_url *u)
{
    json_t *req = json_object();
    char *sorted = sorted_query(u->query);
    char *target =
        cl_printf("%.*s%s%s", (int)u->path_len, u->path, *u->query != '\0' ? "?" : "", u->query);

    put_text(req, "method", r->method, strlen(r->method));
    put_text(req, "url", r->url, strlen(r->url));
    put_text(req, "host", u->host, u->host_len);
    put_text(req, "path", u->path, u->path_len);
    put_text(req, "query", u->query, strlen(u->query));
    put_text(req, "query_sorted", sorted, strlen(sorted));
    put_text(req, "target", target, strlen(target));
    put_text(req, "body", cl_str_or(r->body, ""), r->body_len);
    cl_free_secret(sorted);
    cl_free_secret(target);
    return req;
}

static int add_headers(const struct dns_tpl *t, const struct dns_eval *ev, struct api_request *r,
                       struct cl_err *err)
{
    struct dns_value v = {0};
    const char *name = NULL;
    json_t *value = NULL;

    if (t == NULL) {
        return 0;
    }
    if (dns_tpl_render(t, ev, &v, NULL, err) < 0) {
        return -1;
    }
    json_object_foreach(v.json, name, value)
    {
        char *text = dns_json_string(value, NULL);
        if (strpbrk(text, "\r\n") == NULL) {
            api_request_header(r, name, json_is_null(value) ? NULL : text);
        }
        cl_free_secret(text);
    }
    dns_value_deinit(&v);
    return 0;
}

static int add_query(const struct dns_tpl *t, const struct dns_eval *ev, struct api_request *r,
                     struct cl_err *err)
{
    struct dns_value v = {0};

    if (t == NULL) {
        return 0;
    }
    if (dns_tpl_render(t, ev, &v, NULL, err) < 0) {
        return -1;
    }
    char *text = dns_form_encode(v.json, false);
    char *url = cl_printf("%s%c%s", r->url, strchr(r->url, '?') != NULL ? '&' : '?', text);
    cl_free_secret(text);
    cl_free_secret(r->url);
    r->url = url;
    dns_value_deinit(&v);
    return 0;
}

int api_request_sign(const struct api *p, const struct dns_env *env, struct api_request *r,
                     struct cl_err *err)
{
    const struct dns_assign *let = &p->a->sign.let;
    struct dns_env scope = {.up = env};
    struct dns_eval ev = api_eval(p, &scope, &r->secrets);
    struct dns_url u;
    int rc = 0;

    if (dns_url_split(r->url, &u) < 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "OriginRefused",
                       "the URL of the request is malformed");
    }
    struct dns_value req = dns_value_json(request_object(r, &u));
    dns_env_set(&scope, "req", req);
    for (size_t i = 0; rc == 0 && i < let->len; i++) {
        struct dns_value v = {0};
        rc = dns_tpl_render(let->values[i], &ev, &v, NULL, err);
        if (rc == 0) {
            dns_env_set(&scope, let->names[i], v);
        }
    }
    if (rc == 0 && p->a->sign.v4 != NULL) {
        rc = api_sign_v4(p->a->sign.v4, &ev, r, err);
    }
    if (rc == 0) {
        rc = add_query(p->a->sign.query, &ev, r, err);
    }
    if (rc == 0) {
        rc = add_headers(p->a->sign.headers, &ev, r, err);
    }
    if (rc < 0) {
        cl_wrap(err, "sign");
    }
    dns_env_deinit(&scope);
    return rc;
}

/* ---- v4 ---- */

/* The parameters as text; owned. */
struct v4 {
    char *algorithm, *prefix, *key, *secret, *region, *service, *terminator, *date_header, *date,
        *day;
    struct cl_strv headers; /* to sign, lower case, sorted */
    char date_text[64], day_text[64];
    bool aws;
};

static void v4_deinit(struct v4 *v)
{
    cl_free(v->algorithm);
    cl_free(v->prefix);
    cl_free(v->key);
    cl_free_secret(v->secret);
    cl_free(v->region);
    cl_free(v->service);
    cl_free(v->terminator);
    cl_free(v->date_header);
    cl_free(v->date);
    cl_free(v->day);
    cl_strv_deinit(&v->headers);
}

static int v4_read(const struct dns_v4 *d, const struct dns_eval *ev, struct v4 *ret,
                   struct cl_err *err)
{
    const struct {
        const struct dns_tpl *tpl;
        char **to;
        const char *otherwise;
    } fields[] = {{d->algorithm, &ret->algorithm, ""},
                  {d->prefix, &ret->prefix, ""},
                  {d->key, &ret->key, ""},
                  {d->secret, &ret->secret, ""},
                  {d->region, &ret->region, ""},
                  {d->service, &ret->service, ""},
                  {d->terminator, &ret->terminator, ""},
                  {d->date_header, &ret->date_header, ""},
                  {d->date, &ret->date, "%Y%m%dT%H%M%SZ"},
                  {d->day, &ret->day, "%Y%m%d"}};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].tpl == NULL) {
            *fields[i].to = cl_strdup(fields[i].otherwise);
        } else if (dns_tpl_text(fields[i].tpl, ev, fields[i].to, err) < 0) {
            return -1;
        }
    }
    ret->aws = cl_str_starts(ret->algorithm, "AWS4");
    if (dns_time_format(ev->now, ret->date, "UTC", ret->date_text, sizeof ret->date_text, err) <
        0) {
        return -1;
    }
    return dns_time_format(ev->now, ret->day, "UTC", ret->day_text, sizeof ret->day_text, err);
}

/* Which headers are signed: those that are named, or host and the date; AWS wants all x-amz-*. */
static int v4_headers(const struct dns_v4 *d, const struct dns_eval *ev,
                      const struct api_request *r, struct v4 *v, struct cl_err *err)
{
    struct dns_value names = {0};

    if (d->sign_headers != NULL) {
        if (dns_tpl_render(d->sign_headers, ev, &names, NULL, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < json_array_size(names.json); i++) {
            cl_strv_take(&v->headers,
                         cl_str_lower(dns_json_string(json_array_get(names.json, i), NULL)));
        }
        dns_value_deinit(&names);
    } else if (*v->date_header != '\0') {
        cl_strv_take(&v->headers, cl_str_lower(cl_strdup(v->date_header)));
    }
    for (size_t i = 0; v->aws && i < r->n_headers; i++) {
        if (strncasecmp(r->names[i], "x-amz-", 6) == 0) {
            cl_strv_take(&v->headers, cl_str_lower(cl_strdup(r->names[i])));
        }
    }
    if (!cl_strv_has(&v->headers, "host")) {
        cl_strv_add(&v->headers, "host");
    }
    cl_strv_sort(&v->headers);
    cl_strv_dedupe(&v->headers);
    return 0;
}

/* Parameters without "=" get one. */
static char *v4_query(const char *query)
{
    struct cl_strv parts = {0};
    struct cl_strv full = {0};

    cl_strv_split(&parts, query, "&");
    cl_strv_for_each(part, &parts) {
        cl_strv_take(&full, cl_printf("%s%s", part, strchr(part, '=') != NULL ? "" : "="));
    }
    cl_strv_sort(&full);
    char *text = cl_strv_join(&full, "&");
    cl_strv_deinit(&parts);
    cl_strv_deinit(&full);
    return text;
}

static char *sha256_text(const void *data, size_t len)
{
    struct dns_digest d = {.len = 0};

    (void)dns_digest("sha256", data, len, &d, NULL);
    return cl_hex(d.data, d.len);
}

static void v4_canonical(const struct v4 *v, const struct api_request *r, const struct dns_url *u,
                         struct cl_buf *b)
{
    char *query = v4_query(u->query);
    char *payload = sha256_text(cl_str_or(r->body, ""), r->body_len);
    char *signed_headers = cl_strv_join(&v->headers, ";");

    (void)cl_buf_addf(b, "%s\n", r->method);
    for (size_t i = 0; i < u->path_len; i++) { /* AWS encodes the encoded path once more */
        (void)cl_buf_addf(b, "%c%s", u->path[i], v->aws && u->path[i] == '%' ? "25" : "");
    }
    (void)cl_buf_addf(b, "%s\n%s\n", u->path_len == 0 ? "/" : "", query);
    for (size_t i = 0; i < v->headers.len; i++) {
        const char *name = v->headers.items[i];
        const char *value = cl_str_or(api_request_get(r, name), "");
        size_t skip = strspn(value, " ");
        if (strcmp(name, "host") == 0) {
            (void)cl_buf_addf(b, "host:%.*s\n", (int)u->host_len, u->host);
        } else {
            (void)cl_buf_addf(b, "%s:%s\n", name, value + skip);
        }
    }
    (void)cl_buf_addf(b, "\n%s\n%s", signed_headers, payload);
    cl_free(query);
    cl_free(payload);
    cl_free(signed_headers);
}

/* The key is derived by one HMAC for each part of the scope. */
static void v4_signature(const struct v4 *v, const struct cl_strv *scope, const char *to_sign,
                         struct dns_digest *ret)
{
    struct dns_digest key = {.len = 0};
    char *first = cl_printf("%s%s", v->prefix, v->secret);

    struct dns_bytes with = {first, strlen(first)};
    for (size_t i = 0; i < scope->len; i++) {
        struct dns_bytes part = {scope->items[i], strlen(scope->items[i])};
        struct dns_digest next = {.len = 0};
        (void)dns_hmac("sha256", with, part, &next, NULL);
        key = next;
        with = (struct dns_bytes){key.data, key.len};
    }
    (void)dns_hmac("sha256", with, (struct dns_bytes){to_sign, strlen(to_sign)}, ret, NULL);
    cl_free_secret(first);
    cl_wipe(&key, sizeof key);
}

static void v4_authorize(const struct v4 *v, struct api_request *r, const struct dns_url *u)
{
    struct cl_strv scope = {0};
    struct dns_digest sig = {.len = 0};
    struct cl_buf canonical;
    const char *parts[] = {v->day_text, v->region, v->service, v->terminator};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (*parts[i] != '\0') {
            cl_strv_add(&scope, parts[i]);
        }
    }
    cl_buf_init(&canonical, (size_t)1 << 20);
    v4_canonical(v, r, u, &canonical);
    char *scope_text = cl_strv_join(&scope, "/");
    char *digest = sha256_text(cl_buf_str(&canonical), canonical.len);
    char *to_sign = cl_printf("%s\n%s\n%s\n%s", v->algorithm, v->date_text, scope_text, digest);
    v4_signature(v, &scope, to_sign, &sig);
    char *hex = cl_hex(sig.data, sig.len);
    char *names = cl_strv_join(&v->headers, ";");
    char *value = cl_printf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", v->algorithm,
                            v->key, scope_text, names, hex);
    api_request_header(r, "Authorization", value);
    cl_strv_add(&r->secrets, hex);
    cl_free(value);
    cl_free(names);
    cl_free(hex);
    cl_free(to_sign);
    cl_free(digest);
    cl_free(scope_text);
    cl_buf_deinit(&canonical);
    cl_strv_deinit(&scope);
}

int api_sign_v4(const struct dns_v4 *d, const struct dns_eval *ev, struct api_request *r,
                struct cl_err *err)
{
    struct v4 v = {0};
    struct dns_url u;
    int rc = v4_read(d, ev, &v, err);

    if (rc == 0 && *v.date_header != '\0') {
        api_request_header(r, v.date_header, v.date_text);
    }
    if (rc == 0) {
        rc = v4_headers(d, ev, r, &v, err);
    }
    if (rc == 0 && dns_url_split(r->url, &u) == 0) {
        v4_authorize(&v, r, &u);
    }
    v4_deinit(&v);
    return rc;
}
