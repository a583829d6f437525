/* SPDX-License-Identifier: Apache-2.0 */
/* dns_expr_parse: text -> expression. Recursive descent over
 *   expr  = atom { "." member | "[" expr "]" }
 *   atom  = number | 'text' | true | false | null | name | name "(" [ expr { "," expr } ] ")" */
#include "backends/dns/lang/dns_expr.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

struct parser {
    const char *text;
    size_t len, at;
    unsigned depth;
    size_t wrong; /* where the error is */
    struct cl_err *err;
};

static struct dns_expr *parse_expr(struct parser *p);
static struct dns_expr *parse_call(struct parser *p, char *name, size_t start);

static struct dns_expr *fail(struct parser *p, size_t at, struct dns_expr *drop, const char *fmt,
                             ...) __attribute__((format(printf, 4, 5)));
static struct dns_expr *fail(struct parser *p, size_t at, struct dns_expr *drop, const char *fmt,
                             ...)
{
    char text[CL_ERR_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof text, fmt, ap);
    va_end(ap);
    p->wrong = at;
    (void)cl_fail(p->err, CL_ERR_SPEC, "ExpressionInvalid", "%s", text);
    dns_expr_destroy(drop);
    return NULL;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->len && strchr(" \t\r\n", p->text[p->at]) != NULL && p->text[p->at] != '\0') {
        p->at++;
    }
}

static char peek(struct parser *p)
{
    skip_space(p);
    return p->at < p->len ? p->text[p->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@';
}

static bool is_name(char c)
{
    return is_name_start(c) || is_digit(c) || c == '-' || c == ':';
}

static struct dns_expr *node(enum dns_expr_kind kind, size_t offset)
{
    struct dns_expr *e = cl_new(struct dns_expr);

    e->kind = kind;
    e->offset = (unsigned)offset;
    return e;
}

static void add_arg(struct dns_expr *e, struct dns_expr *arg)
{
    e->args = cl_reallocarray(e->args, e->n_args + 1, sizeof(struct dns_expr *));
    e->args[e->n_args++] = arg;
}

static char *take_name(struct parser *p)
{
    size_t start = p->at;

    while (p->at < p->len && is_name(p->text[p->at])) {
        p->at++;
    }
    return cl_strndup(p->text + start, p->at - start);
}

static struct dns_expr *parse_number(struct parser *p)
{
    size_t start = p->at;
    uint64_t n = 0;

    p->at += p->text[p->at] == '-' ? 1 : 0;
    size_t digits = p->at;
    while (p->at < p->len && is_digit(p->text[p->at])) {
        p->at++;
    }
    char *text = cl_strndup(p->text + digits, p->at - digits);
    int rc = cl_parse_u64(text, INT64_MAX, &n);
    cl_free(text);
    if (rc < 0 || (p->at < p->len && is_name_start(p->text[p->at]))) {
        return fail(p, start, NULL, "this is no whole number; text stands in single quotes");
    }
    struct dns_expr *e = node(DNS_EXPR_LITERAL, start);
    e->literal = dns_value_int(digits > start ? -(long long)n : (long long)n);
    return e;
}

static struct dns_expr *parse_text(struct parser *p)
{
    static const char ESCAPES[] = "n\nt\tr\r\\\\''";
    size_t start = p->at++;
    struct cl_buf text;
    const char *hit = NULL;

    cl_buf_init(&text, p->len + 1);
    for (; p->at < p->len && p->text[p->at] != '\''; p->at++) {
        char c = p->text[p->at];
        if (c == '\\') {
            c = p->at + 1 < p->len ? p->text[p->at + 1] : '\0';
            for (hit = ESCAPES; *hit != '\0' && *hit != c; hit += 2) {
            }
            if (*hit == '\0') {
                cl_buf_deinit(&text);
                return fail(p, p->at, NULL, "only \\n \\t \\r \\\\ and \\' may follow a backslash");
            }
            c = hit[1];
            p->at++;
        }
        (void)cl_buf_add(&text, &c, 1);
    }
    if (p->at >= p->len) {
        cl_buf_deinit(&text);
        return fail(p, start, NULL, "the text that starts here has no closing quote");
    }
    p->at++;
    struct dns_expr *e = node(DNS_EXPR_LITERAL, start);
    e->literal = dns_value_textn(cl_buf_str(&text), text.len);
    cl_buf_deinit(&text);
    return e;
}

static struct dns_expr *parse_word(struct parser *p)
{
    static const char *const WORDS[] = {"true", "false", "null", NULL};
    size_t start = p->at;
    char *name = take_name(p);

    if (p->at < p->len && p->text[p->at] == '(') {
        return parse_call(p, name, start);
    }
    for (size_t i = 0; WORDS[i] != NULL; i++) {
        if (cl_streq(name, WORDS[i])) {
            struct dns_expr *e = node(DNS_EXPR_LITERAL, start);
            e->literal = dns_value_json(i == 0 ? json_true() : i == 1 ? json_false() : json_null());
            cl_free(name);
            return e;
        }
    }
    struct dns_expr *e = node(DNS_EXPR_VARIABLE, start);
    e->name = name;
    return e;
}

static struct dns_expr *check_arity(struct parser *p, struct dns_expr *e)
{
    const struct dns_function *f = e->function;

    if (e->n_args < f->min_args || e->n_args > f->max_args) {
        return fail(p, e->offset, e, "%s has %zu argument%s here; it is %s", f->name, e->n_args,
                    e->n_args == 1 ? "" : "s", f->signature);
    }
    return e;
}

static struct dns_expr *parse_call(struct parser *p, char *name, size_t start)
{
    struct dns_expr *e = node(DNS_EXPR_CALL, start);

    e->function = dns_function_find(name);
    if (e->function == NULL) {
        const char *near = dns_function_suggest(name);
        (void)fail(p, start, e, "there is no function %s%s%s%s", name,
                   near != NULL ? "; did you mean " : "", cl_str_or(near, ""),
                   near != NULL ? "?" : "");
        cl_free(name);
        return NULL;
    }
    cl_free(name);
    p->at++;
    if (peek(p) == ')') {
        p->at++;
        return check_arity(p, e);
    }
    for (;;) {
        struct dns_expr *arg = parse_expr(p);
        if (arg == NULL) {
            dns_expr_destroy(e);
            return NULL;
        }
        add_arg(e, arg);
        char c = peek(p);
        if (c == ')') {
            p->at++;
            return check_arity(p, e);
        }
        if (c != ',') {
            return fail(p, p->at, e, "expected , or ) in the arguments of %s", e->function->name);
        }
        p->at++;
    }
}

static struct dns_expr *parse_atom(struct parser *p)
{
    char c = peek(p);

    if (is_digit(c) || c == '-') {
        return parse_number(p);
    }
    if (c == '\'') {
        return parse_text(p);
    }
    if (is_name_start(c)) {
        return parse_word(p);
    }
    if (c == '\0') {
        return fail(p, p->at, NULL, "the expression ends where a value is expected");
    }
    return fail(p, p->at, NULL,
                "unexpected %c: an expression is a path (a.b[0]), a number, 'text' or a call f(x)",
                c);
}

/* The member after a dot: a name or a number. */
static struct dns_expr *parse_member(struct parser *p)
{
    if (p->at < p->len && is_digit(p->text[p->at])) {
        return parse_number(p);
    }
    if (p->at >= p->len || !is_name_start(p->text[p->at])) {
        return fail(p, p->at, NULL, "expected a name after the dot; other names go into ['...']");
    }
    struct dns_expr *key = node(DNS_EXPR_LITERAL, p->at);
    char *name = take_name(p);
    key->literal = dns_value_text(name);
    cl_free(name);
    return key;
}

static struct dns_expr *parse_index(struct parser *p)
{
    struct dns_expr *key = parse_expr(p);

    if (key == NULL) {
        return NULL;
    }
    if (peek(p) != ']') {
        return fail(p, p->at, key, "expected ]");
    }
    p->at++;
    return key;
}

static struct dns_expr *parse_expr(struct parser *p)
{
    if (++p->depth > DNS_EXPR_DEPTH) {
        return fail(p, p->at, NULL, "nested deeper than %d", DNS_EXPR_DEPTH);
    }
    struct dns_expr *e = parse_atom(p);
    unsigned chain = 0;
    if (e == NULL) {
        return NULL;
    }
    while (peek(p) == '.' || peek(p) == '[') {
        size_t at = p->at;
        char c = p->text[p->at++];
        if (++chain > DNS_EXPR_DEPTH) {
            return fail(p, at, e, "a path of more than %d steps", DNS_EXPR_DEPTH);
        }
        struct dns_expr *key = c == '.' ? parse_member(p) : parse_index(p);
        if (key == NULL) {
            dns_expr_destroy(e);
            return NULL;
        }
        struct dns_expr *get = node(DNS_EXPR_GET, e->offset);
        add_arg(get, e);
        add_arg(get, key);
        e = get;
    }
    p->depth--;
    return e;
}

struct dns_expr *dns_expr_parse(const char *text, size_t len, unsigned *ret_offset,
                                struct cl_err *err)
{
    struct parser p = {.text = text, .len = len, .err = err};
    struct dns_expr *e = parse_expr(&p);

    if (e != NULL && peek(&p) != '\0') {
        e = fail(&p, p.at, e,
                 "unexpected %c after the expression; there are no operators, only f(a, b)",
                 p.text[p.at]);
    }
    if (e == NULL && ret_offset != NULL) {
        *ret_offset = (unsigned)p.wrong;
    }
    return e;
}
