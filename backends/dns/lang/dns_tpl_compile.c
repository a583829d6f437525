/* SPDX-License-Identifier: Apache-2.0 */
/* dns_tpl_compile: YAML -> templates, with the position of everything that is wrong. */
#include "backends/dns/lang/dns_template.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"

#include <string.h>

#define DEPTH_MAX 32u

static struct dns_tpl *compile(const struct yaml_node *node, unsigned depth,
                               struct spec_problems *problems);

static struct dns_tpl *tpl_new(enum dns_tpl_kind kind, const struct yaml_node *node)
{
    struct dns_tpl *t = cl_new(struct dns_tpl);

    t->kind = kind;
    t->line = node != NULL ? node->line : 0;
    t->column = node != NULL ? node->column : 0;
    return t;
}

static void add_part(struct dns_tpl *t, const char *text, size_t len, struct dns_expr *expr)
{
    if (expr == NULL && len == 0) {
        return;
    }
    t->parts = cl_reallocarray(t->parts, t->n_parts + 1, sizeof *t->parts);
    t->parts[t->n_parts++] =
        (struct dns_part){.text = expr == NULL ? cl_strndup(text, len) : NULL, .expr = expr};
}

/* The end of the expression that starts at @s, after "${": its closing brace, or NULL. */
static const char *closing_brace(const char *s)
{
    bool quoted = false;
    unsigned depth = 1;

    for (; *s != '\0'; s++) {
        if (quoted) {
            if (*s == '\\' && s[1] != '\0') {
                s++;
            } else {
                quoted = *s != '\'';
            }
        } else if (*s == '\'') {
            quoted = true;
        } else if (*s == '{') {
            depth++;
        } else if (*s == '}' && --depth == 0) {
            return s;
        }
    }
    return NULL;
}

/* Splits @text; -1, what is wrong, and at which byte. */
static int split(struct dns_tpl *t, const char *text, unsigned *ret_at, struct cl_err *err)
{
    const char *at = text;

    for (;;) {
        const char *open = strstr(at, "${");
        if (open == NULL) {
            add_part(t, at, strlen(at), NULL);
            return 0;
        }
        if (open > at && open[-1] == '$') { /* "$${" is a literal "${" */
            add_part(t, at, (size_t)(open - at) - 1, NULL);
            add_part(t, "${", 2, NULL);
            at = open + 2;
            continue;
        }
        add_part(t, at, (size_t)(open - at), NULL);
        const char *close = closing_brace(open + 2);
        if (close == NULL) {
            *ret_at = (unsigned)(open - text);
            return cl_fail(err, CL_ERR_SPEC, "ExpressionInvalid", "this ${ has no closing brace");
        }
        unsigned wrong = 0;
        struct dns_expr *e = dns_expr_parse(open + 2, (size_t)(close - open) - 2, &wrong, err);
        if (e == NULL) {
            *ret_at = (unsigned)(open - text) + 2 + wrong;
            return -1;
        }
        e->offset += (unsigned)(open - text) + 2;
        add_part(t, NULL, 0, e);
        at = close + 1;
    }
}

/* Code points before byte @at, for the column. */
static unsigned columns(const char *text, unsigned at)
{
    unsigned n = 0;

    for (unsigned i = 0; i < at; i++) {
        n += ((unsigned char)text[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return n;
}

static struct dns_tpl *compile_string(const struct yaml_node *node, struct spec_problems *problems)
{
    struct dns_tpl *t = tpl_new(DNS_TPL_STRING, node);
    struct cl_err err = {0};
    unsigned at = 0;

    t->column += node->plain ? 0 : 1; /* offsets of expressions count from the text itself */
    if (split(t, node->text, &at, &err) < 0) {
        spec_problems_add(problems, false, node->line, t->column + columns(node->text, at), "%s",
                          err.text);
        dns_tpl_destroy(t);
        return NULL;
    }
    bool literal = t->n_parts == 0 || (t->n_parts == 1 && t->parts[0].expr == NULL);
    if (literal) {
        t->kind = DNS_TPL_LITERAL;
        t->literal = json_string(t->n_parts == 0 ? "" : t->parts[0].text);
    }
    return t;
}

/* Digits with an optional sign, which yaml_scalar_type vouches for. */
static json_t *integer(const char *text)
{
    uint64_t n = 0;
    bool negative = *text == '-';

    text += negative || *text == '+' ? 1 : 0;
    if (cl_parse_u64(text, INT64_MAX, &n) < 0) {
        return json_string(text); /* octal, hex or too large: as it is written */
    }
    return json_integer(negative ? -(json_int_t)n : (json_int_t)n);
}

static struct dns_tpl *compile_scalar(const struct yaml_node *node, struct spec_problems *problems)
{
    struct dns_tpl *t = NULL;

    switch (yaml_scalar_type(node)) {
    case YAML_NULL:
        t = tpl_new(DNS_TPL_LITERAL, node);
        t->literal = json_null();
        return t;
    case YAML_BOOL:
        t = tpl_new(DNS_TPL_LITERAL, node);
        t->literal = json_boolean(yaml_is_true(node));
        return t;
    case YAML_INT:
        t = tpl_new(DNS_TPL_LITERAL, node);
        t->literal = integer(node->text);
        return t;
    case YAML_FLOAT: /* a version such as 1.0: kept as it is written */
    case YAML_STRING:
        break;
    }
    return compile_string(node, problems);
}

static bool add_child(struct dns_tpl *t, const struct yaml_node *key, struct dns_tpl *key_tpl,
                      struct dns_tpl *item)
{
    t->items = cl_reallocarray(t->items, t->len + 1, sizeof(struct dns_tpl *));
    if (key != NULL) {
        t->keys = cl_reallocarray(t->keys, t->len + 1, sizeof(struct dns_tpl *));
        t->keys[t->len] = key_tpl;
    }
    t->items[t->len++] = item;
    return item != NULL && (key == NULL || key_tpl != NULL);
}

static struct dns_tpl *finish(struct dns_tpl *t, bool good)
{
    if (!good) {
        dns_tpl_destroy(t);
        return NULL;
    }
    return t;
}

/* The key's value as it stands, also a null; NULL: there is no such key. */
static const struct yaml_node *value_of(const struct yaml_node *node, const char *name)
{
    for (size_t i = 0; i < node->len; i++) {
        if (cl_streq(node->keys[i]->text, name)) {
            return node->items[i];
        }
    }
    return NULL;
}

static bool only_these(const struct yaml_node *node, const char *const *allowed,
                       struct spec_problems *problems)
{
    bool good = true;

    for (size_t i = 0; i < node->len; i++) {
        const char *key = node->keys[i]->text;
        if (!cl_streq(key, allowed[0]) && !cl_streq(key, allowed[1]) &&
            !cl_streq(key, allowed[2])) {
            spec_problems_add(problems, false, node->keys[i]->line, node->keys[i]->column,
                              "%s does not belong here: beside %s there are %s and %s", key,
                              allowed[0], allowed[1], allowed[2]);
            good = false;
        }
    }
    return good;
}

/* {$each, $do, $as} and {$if, $then, $else}: fixed keys only. */
static struct dns_tpl *compile_control(const struct yaml_node *node, enum dns_tpl_kind kind,
                                       unsigned depth, struct spec_problems *problems)
{
    static const char *const EACH[] = {"$each", "$do", "$as"};
    static const char *const IF[] = {"$if", "$then", "$else"};
    const char *const *keys = kind == DNS_TPL_EACH ? EACH : IF;
    struct dns_tpl *t = tpl_new(kind, node);
    const struct yaml_node *body = value_of(node, keys[1]);
    const struct yaml_node *third = value_of(node, keys[2]);
    bool good = only_these(node, keys, problems);

    if (body == NULL) {
        spec_problems_add(problems, false, node->line, node->column, "%s needs %s", keys[0],
                          keys[1]);
        return finish(t, false);
    }
    good = add_child(t, NULL, NULL, compile(value_of(node, keys[0]), depth + 1, problems)) && good;
    good = add_child(t, NULL, NULL, compile(body, depth + 1, problems)) && good;
    if (kind == DNS_TPL_EACH) {
        t->as = cl_strdup(third != NULL && third->kind == YAML_SCALAR ? third->text : "v");
    } else {
        struct dns_tpl *otherwise = third != NULL ? compile(third, depth + 1, problems) : NULL;
        good = good && (third == NULL || otherwise != NULL);
        (void)add_child(t, NULL, NULL, otherwise);
    }
    return finish(t, good);
}

static struct dns_tpl *compile(const struct yaml_node *node, unsigned depth,
                               struct spec_problems *problems)
{
    if (node == NULL) {
        struct dns_tpl *t = tpl_new(DNS_TPL_LITERAL, NULL);
        t->literal = json_null();
        return t;
    }
    if (depth > DEPTH_MAX) {
        spec_problems_add(problems, false, node->line, node->column, "nested deeper than %u",
                          DEPTH_MAX);
        return NULL;
    }
    if (node->kind == YAML_SCALAR) {
        return compile_scalar(node, problems);
    }
    if (node->kind == YAML_MAP && yaml_key(node, "$each") != NULL) {
        return compile_control(node, DNS_TPL_EACH, depth, problems);
    }
    if (node->kind == YAML_MAP && yaml_key(node, "$if") != NULL) {
        return compile_control(node, DNS_TPL_IF, depth, problems);
    }
    bool map = node->kind == YAML_MAP;
    struct dns_tpl *t = tpl_new(map ? DNS_TPL_MAP : DNS_TPL_LIST, node);
    bool good = true;
    for (size_t i = 0; i < node->len; i++) {
        struct dns_tpl *key = map ? compile_string(node->keys[i], problems) : NULL;
        good = add_child(t, map ? node->keys[i] : NULL, key,
                         compile(node->items[i], depth + 1, problems)) &&
               good;
    }
    return finish(t, good);
}

struct dns_tpl *dns_tpl_compile(const struct yaml_node *node, struct spec_problems *problems)
{
    return compile(node, 0, problems);
}

struct dns_tpl *dns_tpl_compile_text(const char *text, struct cl_err *err)
{
    struct dns_tpl *t = tpl_new(DNS_TPL_STRING, NULL);
    unsigned at = 0;

    if (split(t, text, &at, err) < 0) {
        cl_wrap(err, "column %u", at + 1);
        dns_tpl_destroy(t);
        return NULL;
    }
    if (t->n_parts == 0) {
        t->kind = DNS_TPL_LITERAL;
        t->literal = json_string("");
    }
    return t;
}

void dns_tpl_destroy(struct dns_tpl *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < t->n_parts; i++) {
        cl_free(t->parts[i].text);
        dns_expr_destroy(t->parts[i].expr);
    }
    for (size_t i = 0; i < t->len; i++) {
        dns_tpl_destroy(t->items[i]);
        if (t->keys != NULL) {
            dns_tpl_destroy(t->keys[i]);
        }
    }
    json_decref(t->literal);
    cl_free(t->parts);
    cl_free(t->items);
    cl_free(t->keys);
    cl_free(t->as);
    cl_free(t);
}
