/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_request: makes the request of a call: URL, query, headers, body, signature. Pure but for the
 * random bytes of nonces. Where it goes is checked at the end, on the finished URL. */
#include "backends/dns/dns_api.h"
#include "backends/dns/dns_origin.h"
#include "backends/dns/lang/dns_encode.h"
#include "backends/dns/lang/dns_xml.h"
#include "spec/base/cl_alloc.h"

#include <string.h>
#include <strings.h>

void api_request_deinit(struct api_request *r)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        cl_free(r->names[i]);
        cl_free_secret(r->values[i]);
    }
    cl_free(r->names);
    cl_free(r->values);
    cl_free_secret(r->url);
    if (r->body != NULL) {
        cl_wipe(r->body, r->body_len);
    }
    cl_free(r->body);
    cl_strv_deinit(&r->secrets);
    memset(r, 0, sizeof *r);
}

static size_t header_index(const struct api_request *r, const char *name)
{
    size_t i = 0;

    while (i < r->n_headers && strcasecmp(r->names[i], name) != 0) {
        i++;
    }
    return i;
}

const char *api_request_get(const struct api_request *r, const char *name)
{
    size_t i = header_index(r, name);

    return i < r->n_headers ? r->values[i] : NULL;
}

void api_request_header(struct api_request *r, const char *name, const char *value)
{
    size_t i = header_index(r, name);

    if (i < r->n_headers) {
        cl_free(r->names[i]);
        cl_free_secret(r->values[i]);
        r->n_headers--;
        for (; value == NULL && i < r->n_headers; i++) {
            r->names[i] = r->names[i + 1];
            r->values[i] = r->values[i + 1];
        }
        if (value != NULL) {
            r->n_headers++;
        }
    } else if (value != NULL) {
        r->names = cl_reallocarray(r->names, r->n_headers + 1, sizeof(char *));
        r->values = cl_reallocarray(r->values, r->n_headers + 1, sizeof(char *));
        r->n_headers++;
    }
    if (value != NULL) {
        r->names[i] = cl_strdup(name);
        r->values[i] = cl_strdup(value);
    }
}

static void random_bytes(void *user, unsigned char *buf, size_t len)
{
    const struct api *p = user;

    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t bits = loop_entropy(p->loop);
        memcpy(buf + i, &bits, len - i < sizeof bits ? len - i : sizeof bits);
    }
}

struct dns_eval api_eval(const struct api *p, const struct dns_env *env, struct cl_strv *secrets)
{
    return (struct dns_eval){.env = env,
                             .now = p->fixed_now != 0 ? p->fixed_now : loop_now(p->loop),
                             .random = random_bytes,
                             .random_user = dns_mut(p),
                             .secrets = secrets};
}

/* A mapping template over another: its members win, null removes. New reference in *ret. */
static int merged(const struct dns_tpl *common, const struct dns_tpl *own,
                  const struct dns_eval *ev, json_t **ret, struct cl_err *err)
{
    const struct dns_tpl *both[] = {common, own};
    json_t *all = json_object();

    for (size_t i = 0; i < 2; i++) {
        struct dns_value v = {0};
        if (both[i] == NULL) {
            continue;
        }
        if (dns_tpl_render(both[i], ev, &v, NULL, err) < 0) {
            json_decref(all);
            return -1;
        }
        (void)json_object_update(all, v.json);
        dns_value_deinit(&v);
    }
    *ret = all;
    return 0;
}

/* ---- URL ---- */

static bool is_absolute(const char *url)
{
    return cl_str_starts(url, "https://") || cl_str_starts(url, "http://");
}

static int make_url(const struct api_render *in, const struct dns_eval *ev, char **ret,
                    struct cl_err *err)
{
    char *path = NULL;
    char *base = NULL;

    if (dns_tpl_url(in->call->url, ev, &path, err) < 0) {
        return -1;
    }
    if (is_absolute(path)) {
        *ret = path;
        return 0;
    }
    if (in->p->a->request.base == NULL) {
        cl_free_secret(path);
        return cl_fail(err, CL_ERR_PERMANENT, "ProviderInvalid",
                       "the path is relative and there is no request.base");
    }
    if (dns_tpl_text(in->p->a->request.base, ev, &base, err) < 0) {
        cl_free_secret(path);
        return -1;
    }
    bool twice = cl_str_ends(base, "/") && *path == '/';
    *ret = cl_printf("%s%s", base, path + (twice ? 1 : 0));
    cl_free_secret(base);
    cl_free_secret(path);
    return 0;
}

static void add_query(char **url, const json_t *query)
{
    char *text = dns_form_encode(query, false);

    if (*text != '\0') {
        char *longer = cl_printf("%s%c%s", *url, strchr(*url, '?') != NULL ? '&' : '?', text);
        cl_free_secret(*url);
        *url = longer;
    }
    cl_free_secret(text);
}

static int render_url(const struct api_render *in, const struct dns_eval *ev, struct api_request *r,
                      struct cl_err *err)
{
    json_t *query = NULL;

    if (in->next_url != NULL) {
        r->url = cl_strdup(in->next_url);
        return 0;
    }
    if (make_url(in, ev, &r->url, err) < 0 ||
        merged(in->plain ? NULL : in->p->a->request.query, in->call->query, ev, &query, err) < 0) {
        return -1;
    }
    add_query(&r->url, query);
    json_decref(query);
    return 0;
}

/* ---- headers ---- */

static bool header_safe(const char *name, const char *value)
{
    if (*name == '\0' || strpbrk(name, ": \t\r\n") != NULL) {
        return false;
    }
    return strpbrk(value, "\r\n") == NULL;
}

static int set_headers(struct api_request *r, const json_t *headers, struct cl_err *err)
{
    const char *name = NULL;
    json_t *value = NULL;

    json_object_foreach(dns_mut(headers), name, value)
    {
        char *text = dns_json_string(value, NULL);
        bool safe = header_safe(name, text);
        if (safe) {
            api_request_header(r, name, json_is_null(value) ? NULL : text);
        }
        cl_free_secret(text);
        if (!safe) {
            return cl_fail(err, CL_ERR_LOCAL, "HeaderInvalid",
                           "the value of the header %s holds a line break: is a credential wrong?",
                           name);
        }
    }
    return 0;
}

static int render_basic(const struct dns_tpl *user, const struct dns_tpl *password,
                        const struct dns_eval *ev, struct api_request *r, struct cl_err *err)
{
    char *name = NULL;
    char *secret = NULL;
    struct cl_err problem = {0};
    struct dns_expr *b64 = dns_expr_parse("cat('Basic ', b64(cat(u, ':', p)))", 34, NULL, &problem);
    struct dns_env scope = {0};
    struct dns_eval inner = *ev;
    struct dns_value v = {0};
    int rc = -1;

    inner.env = &scope;
    if (b64 != NULL && dns_tpl_text(user, ev, &name, err) == 0 &&
        dns_tpl_text(password, ev, &secret, err) == 0) {
        dns_env_set_text(&scope, "u", name);
        dns_env_set_text(&scope, "p", secret);
        rc = dns_expr_eval(b64, &inner, &v, err);
    }
    if (rc == 0) {
        char *text = dns_value_string(&v, NULL);
        api_request_header(r, "Authorization", text);
        cl_strv_add(&r->secrets, text + strlen("Basic "));
        cl_free_secret(text);
    }
    dns_value_deinit(&v);
    dns_env_deinit(&scope);
    dns_expr_destroy(b64);
    cl_free_secret(name);
    cl_free_secret(secret);
    return rc;
}

static int render_headers(const struct api_render *in, const struct dns_eval *ev,
                          struct api_request *r, struct cl_err *err)
{
    const struct dns_api *a = in->p->a;
    json_t *headers = NULL;

    if (merged(in->plain ? NULL : a->request.headers, in->call->headers, ev, &headers, err) < 0) {
        return -1;
    }
    int rc = set_headers(r, headers, err);
    json_decref(headers);
    if (rc == 0 && in->call->user != NULL) {
        rc = render_basic(in->call->user, in->call->password, ev, r, err);
    } else if (rc == 0 && !in->plain && a->request.user != NULL) {
        rc = render_basic(a->request.user, a->request.password, ev, r, err);
    }
    return rc;
}

/* ---- body ---- */

static void set_body(struct api_request *r, char *take_text, const char *type)
{
    r->body = take_text;
    r->body_len = strlen(take_text);
    if (api_request_get(r, "Content-Type") == NULL) {
        api_request_header(r, "Content-Type", type);
    }
}

/* A list of mappings, one over the other: numbered form fields come from $each. */
static json_t *flatten(const struct dns_value *v)
{
    json_t *all = json_object();

    for (size_t i = 0; json_is_array(v->json) && i < json_array_size(v->json); i++) {
        (void)json_object_update(all, json_array_get(v->json, i));
    }
    if (json_is_object(v->json)) {
        (void)json_object_update(all, v->json);
    }
    return all;
}

static int render_json(const struct dns_tpl *wrap, const struct dns_tpl *body,
                       const struct dns_eval *ev, struct api_request *r, struct cl_err *err)
{
    struct dns_value own = {0};
    json_t *all = NULL;

    if (body != NULL && dns_tpl_render(body, ev, &own, NULL, err) < 0) {
        return -1;
    }
    if (wrap != NULL && (body == NULL || json_is_object(own.json))) {
        if (merged(wrap, body, ev, &all, err) < 0) {
            dns_value_deinit(&own);
            return -1;
        }
        dns_value_deinit(&own);
        own = dns_value_json(all);
    }
    char *text =
        json_dumps(own.json != NULL ? own.json : json_null(), JSON_ENCODE_ANY | JSON_COMPACT);
    dns_value_deinit(&own);
    set_body(r, text, "application/json");
    return 0;
}

static int render_form(const struct dns_tpl *wrap, const struct dns_tpl *body,
                       const struct dns_eval *ev, struct api_request *r, struct cl_err *err)
{
    struct dns_value v = {0};
    json_t *all = NULL;

    if (merged(wrap, NULL, ev, &all, err) < 0) {
        return -1;
    }
    if (body != NULL && dns_tpl_render(body, ev, &v, NULL, err) < 0) {
        json_decref(all);
        return -1;
    }
    json_t *own = flatten(&v);
    (void)json_object_update(all, own);
    set_body(r, dns_form_encode(all, false), "application/x-www-form-urlencoded");
    json_decref(own);
    json_decref(all);
    dns_value_deinit(&v);
    return 0;
}

static int render_other(const struct dns_call *c, const struct dns_eval *ev, struct api_request *r,
                        struct cl_err *err)
{
    struct dns_value v = {0};

    if (dns_tpl_render(c->body, ev, &v, NULL, err) < 0) {
        return -1;
    }
    bool xml = c->body_kind == DNS_BODY_XML;
    char *text = xml ? dns_xml_print(v.json, err) : dns_value_string(&v, NULL);
    dns_value_deinit(&v);
    if (text == NULL) {
        return -1;
    }
    set_body(r, text, xml ? "text/xml" : "text/plain");
    return 0;
}

static int render_body(const struct api_render *in, const struct dns_eval *ev,
                       struct api_request *r, struct cl_err *err)
{
    const struct dns_call *c = in->call;
    const struct dns_tpl *wrap = in->plain ? NULL : in->p->a->request.wrap;
    enum dns_body wrap_kind = wrap != NULL ? in->p->a->request.wrap_kind : DNS_BODY_NONE;

    if (c->body_kind == DNS_BODY_NONE && (wrap == NULL || cl_streq(c->method, "GET"))) {
        return 0;
    }
    enum dns_body kind = c->body_kind != DNS_BODY_NONE ? c->body_kind : wrap_kind;
    if (kind == DNS_BODY_JSON) {
        return render_json(wrap_kind == kind ? wrap : NULL, c->body, ev, r, err);
    }
    if (kind == DNS_BODY_FORM) {
        return render_form(wrap_kind == kind ? wrap : NULL, c->body, ev, r, err);
    }
    return render_other(c, ev, r, err);
}

/* ---- all of it ---- */

static int check_origin(const struct api *p, const char *url, struct cl_err *err)
{
    char *origin = dns_url_origin(url);
    int rc = 0;

    if (origin == NULL) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "OriginRefused", "the URL of the request is malformed");
    } else if (!cl_strv_has(&p->origins, origin)) {
        rc = cl_fail(
            err, CL_ERR_PERMANENT, "OriginRefused",
            "the request would go to %s, which neither the description nor a credential names",
            origin);
    }
    cl_free(origin);
    return rc;
}

int api_request_render(const struct api_render *in, struct api_request *ret, struct cl_err *err)
{
    const struct dns_assign *let = &in->p->a->request.let;
    struct dns_env scope = {.up = in->env};
    struct dns_eval ev = api_eval(in->p, &scope, &ret->secrets);
    int rc = 0;

    ret->method = in->call->method;
    for (size_t i = 0; rc == 0 && !in->plain && i < let->len; i++) {
        struct dns_value v = {0};
        rc = dns_tpl_render(let->values[i], &ev, &v, NULL, err);
        if (rc == 0) {
            dns_env_set(&scope, let->names[i], v);
        }
    }
    if (rc == 0) {
        rc = render_url(in, &ev, ret, err);
    }
    if (rc == 0) {
        rc = render_headers(in, &ev, ret, err);
    }
    if (rc == 0) {
        rc = render_body(in, &ev, ret, err);
    }
    if (rc == 0 && !in->p->showing) {
        rc = check_origin(in->p, ret->url, err);
    }
    if (rc == 0 && !in->plain && in->p->a->has_sign && !in->p->showing) {
        rc = api_request_sign(in->p, &scope, ret, err);
    }
    dns_env_deinit(&scope);
    return rc;
}

char *api_request_line(const struct api *p, const struct api_request *r)
{
    struct cl_buf b;

    cl_buf_init(&b, (size_t)64 << 10);
    (void)cl_buf_addf(&b, "%s %s", r->method, r->url);
    for (size_t i = 0; i < r->n_headers; i++) {
        (void)cl_buf_addf(&b, "\n  %s: %s", r->names[i], r->values[i]);
    }
    if (r->body != NULL) {
        (void)cl_buf_addf(&b, "\n  %s", r->body);
    }
    char *text = cl_buf_take(&b);
    cl_buf_deinit(&b);
    api_redact(p, &r->secrets, text);
    return text;
}
