/* SPDX-License-Identifier: Apache-2.0 */
/* dns_template: rendering. Depth is that of the YAML, which is bounded when it is compiled. */
#include "backends/dns/lang/dns_template.h"

#include "backends/dns/lang/dns_encode.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"

#include <string.h>

#define TEXT_MAX ((size_t)16 << 20)

static int render_map(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                      struct cl_err *err);
static int render_list(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                       struct cl_err *err);
static int render_each(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                       struct cl_err *err);
static int render_if(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                     bool *ret_omit, struct cl_err *err);

static void note_secret(const struct dns_eval *ev, const struct dns_value *v)
{
    if (ev->secrets == NULL || !v->secret) {
        return;
    }
    char *text = dns_value_string(v, NULL);
    if (strlen(text) >= 4 && !cl_strv_has(ev->secrets, text)) {
        char *encoded = dns_url_encode(text, strlen(text));
        if (strcmp(encoded, text) != 0) {
            cl_strv_add(ev->secrets, encoded);
        }
        cl_free_secret(encoded);
        cl_strv_add(ev->secrets, text);
    }
    cl_free_secret(text);
}

static int eval_part(const struct dns_part *p, const struct dns_eval *ev, struct dns_value *ret,
                     struct cl_err *err)
{
    if (dns_expr_eval(p->expr, ev, ret, err) < 0) {
        return -1;
    }
    note_secret(ev, ret);
    return 0;
}

static int render_string(const struct dns_tpl *t, const struct dns_eval *ev, bool url,
                         struct dns_value *ret, struct cl_err *err)
{
    struct cl_buf b;
    bool secret = false;

    if (t->n_parts == 1 && t->parts[0].expr != NULL) {
        return eval_part(&t->parts[0], ev, ret, err);
    }
    cl_buf_init_secret(&b, TEXT_MAX);
    for (size_t i = 0; i < t->n_parts; i++) {
        struct dns_value v = {0};
        size_t len = 0;
        if (t->parts[i].expr == NULL) {
            (void)cl_buf_adds(&b, t->parts[i].text);
            continue;
        }
        if (eval_part(&t->parts[i], ev, &v, err) < 0) {
            cl_buf_deinit(&b);
            return -1;
        }
        char *text = dns_value_string(&v, &len);
        if (url && i > 0) { /* what a URL starts with is an address, not a part of one */
            char *encoded = dns_url_encode(text, len);
            (void)cl_buf_adds(&b, encoded);
            cl_free_secret(encoded);
        } else {
            (void)cl_buf_add(&b, text, len);
        }
        secret = secret || v.secret;
        cl_free_secret(text);
        dns_value_deinit(&v);
    }
    *ret = dns_value_textn(cl_buf_str(&b), b.len);
    ret->secret = secret;
    cl_buf_deinit(&b);
    return 0;
}

int dns_tpl_render(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                   bool *ret_omit, struct cl_err *err)
{
    int rc = 0;

    memset(ret, 0, sizeof *ret);
    if (ret_omit != NULL) {
        *ret_omit = false;
    }
    switch (t->kind) {
    case DNS_TPL_LITERAL:
        *ret = dns_value_ref(t->literal);
        return 0;
    case DNS_TPL_STRING:
        rc = render_string(t, ev, false, ret, err);
        if (rc < 0) {
            cl_wrap(err, "line %u", t->line);
        }
        return rc;
    case DNS_TPL_LIST:
        return render_list(t, ev, ret, err);
    case DNS_TPL_MAP:
        return render_map(t, ev, ret, err);
    case DNS_TPL_EACH:
        return render_each(t, ev, ret, err);
    case DNS_TPL_IF:
        return render_if(t, ev, ret, ret_omit, err);
    }
    return 0;
}

/* Bytes have no form in JSON: as text if they are text. */
static json_t *as_json(struct dns_value *v)
{
    if (v->bytes != NULL) {
        json_t *text = json_stringn((const char *)v->bytes, v->len);
        return text != NULL ? text : json_string("");
    }
    return v->json != NULL ? json_incref(v->json) : json_null();
}

static int render_map(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                      struct cl_err *err)
{
    json_t *object = json_object();
    bool secret = false;

    for (size_t i = 0; i < t->len; i++) {
        struct dns_value v = {0};
        char *key = NULL;
        bool omit = false;
        if (dns_tpl_render(t->items[i], ev, &v, &omit, err) < 0 ||
            dns_tpl_text(t->keys[i], ev, &key, err) < 0) {
            dns_value_deinit(&v);
            json_decref(object);
            return -1;
        }
        if (!omit) {
            (void)json_object_set_new(object, key, as_json(&v));
        }
        secret = secret || v.secret;
        cl_free_secret(key);
        dns_value_deinit(&v);
    }
    *ret = dns_value_json(object);
    ret->secret = secret;
    return 0;
}

static int render_list(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                       struct cl_err *err)
{
    json_t *list = json_array();
    bool secret = false;

    for (size_t i = 0; i < t->len; i++) {
        struct dns_value v = {0};
        bool omit = false;
        if (dns_tpl_render(t->items[i], ev, &v, &omit, err) < 0) {
            json_decref(list);
            return -1;
        }
        if (t->items[i]->kind == DNS_TPL_EACH) {
            (void)json_array_extend(list, v.json);
        } else if (!omit) {
            (void)json_array_append_new(list, as_json(&v));
        }
        secret = secret || v.secret;
        dns_value_deinit(&v);
    }
    *ret = dns_value_json(list);
    ret->secret = secret;
    return 0;
}

static int render_each(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                       struct cl_err *err)
{
    struct dns_value source = {0};
    struct dns_env scope = {.up = ev->env};
    struct dns_eval inner = *ev;
    int rc = 0;

    if (dns_tpl_render(t->items[0], ev, &source, NULL, err) < 0) {
        return -1;
    }
    inner.env = &scope;
    json_t *from = dns_json_list(source.json);
    json_t *list = json_array();
    bool secret = source.secret;
    for (size_t i = 0; rc == 0 && i < json_array_size(from); i++) {
        struct dns_value v = {0};
        struct dns_value item = dns_value_ref(json_array_get(from, i));
        bool omit = false;
        item.secret = source.secret;
        dns_env_set(&scope, t->as, item);
        dns_env_set(&scope, "n", dns_value_int((long long)i + 1));
        rc = dns_tpl_render(t->items[1], &inner, &v, &omit, err);
        if (rc == 0 && !omit) {
            (void)json_array_append_new(list, as_json(&v));
        }
        secret = secret || v.secret;
        dns_value_deinit(&v);
    }
    dns_env_deinit(&scope);
    dns_value_deinit(&source);
    json_decref(from);
    if (rc < 0) {
        json_decref(list);
        return -1;
    }
    *ret = dns_value_json(list);
    ret->secret = secret;
    return 0;
}

static int render_if(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                     bool *ret_omit, struct cl_err *err)
{
    int holds = dns_tpl_true(t->items[0], ev, err);

    if (holds < 0) {
        return -1;
    }
    const struct dns_tpl *chosen = holds ? t->items[1] : t->items[2];
    if (chosen == NULL) {
        if (ret_omit != NULL) {
            *ret_omit = true;
        }
        return 0;
    }
    return dns_tpl_render(chosen, ev, ret, ret_omit, err);
}

int dns_tpl_text(const struct dns_tpl *t, const struct dns_eval *ev, char **ret, struct cl_err *err)
{
    struct dns_value v = {0};

    if (dns_tpl_render(t, ev, &v, NULL, err) < 0) {
        return -1;
    }
    *ret = dns_value_string(&v, NULL);
    dns_value_deinit(&v);
    return 0;
}

int dns_tpl_url(const struct dns_tpl *t, const struct dns_eval *ev, char **ret, struct cl_err *err)
{
    struct dns_value v = {0};

    if (t->kind != DNS_TPL_STRING) {
        return dns_tpl_text(t, ev, ret, err);
    }
    if (render_string(t, ev, true, &v, err) < 0) {
        cl_wrap(err, "line %u", t->line);
        return -1;
    }
    *ret = dns_value_string(&v, NULL);
    dns_value_deinit(&v);
    return 0;
}

int dns_tpl_true(const struct dns_tpl *t, const struct dns_eval *ev, struct cl_err *err)
{
    struct dns_value v = {0};

    if (t == NULL) {
        return 1;
    }
    if (dns_tpl_render(t, ev, &v, NULL, err) < 0) {
        return -1;
    }
    bool holds = dns_value_is_true(&v);
    dns_value_deinit(&v);
    return holds ? 1 : 0;
}

typedef void walk_fn(void *user, const struct dns_tpl *t, const struct dns_expr *e);

static void walk_expr(const struct dns_tpl *t, const struct dns_expr *e, walk_fn *fn, void *user)
{
    fn(user, t, e);
    for (size_t i = 0; i < e->n_args; i++) {
        walk_expr(t, e->args[i], fn, user);
    }
}

void dns_tpl_walk(const struct dns_tpl *t, walk_fn *fn, void *user)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].expr != NULL) {
            walk_expr(t, t->parts[i].expr, fn, user);
        }
    }
    for (size_t i = 0; i < t->len; i++) {
        dns_tpl_walk(t->keys != NULL ? t->keys[i] : NULL, fn, user);
        dns_tpl_walk(t->items[i], fn, user);
    }
}
