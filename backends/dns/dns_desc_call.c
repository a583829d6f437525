/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desc_call: reads calls, and the small parts that descriptions are made of. */
#include "backends/dns/dns_api_desc.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static const char *const METHODS[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
static void read_call(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret);

void dns_complain(struct dns_reader *r, const struct yaml_node *node, const char *fmt, ...)
{
    char text[CL_ERR_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof text, fmt, ap);
    va_end(ap);
    r->bad = true;
    spec_problems_add(r->problems, false, node != NULL ? node->line : 1,
                      node != NULL ? node->column : 1, "%s", text);
}

/* "a, b, c" for messages; cut when it gets long. */
static void list_keys(const char *const *keys, char *buf, size_t size)
{
    size_t used = 0;

    *buf = '\0';
    for (; *keys != NULL && used + strlen(*keys) + 3 < size; keys++) {
        (void)cl_format(buf + used, size - used, "%s%s", used > 0 ? ", " : "", *keys);
        used += strlen(buf + used);
    }
}

bool dns_check_keys(struct dns_reader *r, const struct yaml_node *node, const char *what,
                    const char *const *keys)
{
    char all[300];

    list_keys(keys, all, sizeof all);
    if (node->kind != YAML_MAP) {
        dns_complain(r, node, "%s has to be a mapping with some of the keys %s", what, all);
        return false;
    }
    for (size_t i = 0; i < node->len; i++) {
        size_t k = 0;
        while (keys[k] != NULL && !cl_streq(keys[k], node->keys[i]->text)) {
            k++;
        }
        if (keys[k] != NULL) {
            continue;
        }
        char clean[CL_CLEAN_TEXT];
        const char *near = cl_str_suggest(node->keys[i]->text, keys);
        cl_clean(clean, sizeof clean, node->keys[i]->text, strlen(node->keys[i]->text));
        if (near != NULL) {
            dns_complain(r, node->keys[i], "unknown key %s in %s; did you mean %s?", clean, what,
                         near);
        } else {
            dns_complain(r, node->keys[i], "unknown key %s in %s; there are %s", clean, what, all);
        }
    }
    return true;
}

static void remember(struct dns_reader *r, const struct dns_tpl *t)
{
    r->seen = cl_reallocarray(r->seen, r->n_seen + 1, sizeof *r->seen);
    r->seen[r->n_seen++] = (struct dns_seen){.tpl = t, .place = r->place};
}

struct dns_tpl *dns_read_tpl(struct dns_reader *r, const struct yaml_node *node)
{
    if (node == NULL) {
        return NULL;
    }
    struct dns_tpl *t = dns_tpl_compile(node, r->problems);
    if (t == NULL) {
        r->bad = true;
        return NULL;
    }
    remember(r, t);
    return t;
}

struct dns_where *dns_read_where(struct dns_reader *r, const struct yaml_node *node)
{
    if (node == NULL) {
        return NULL;
    }
    struct dns_where *w = dns_where_compile(node, r->problems);
    r->bad = r->bad || w == NULL;
    for (size_t i = 0; w != NULL && i < w->len; i++) {
        remember(r, w->expected[i]);
    }
    return w;
}

char *dns_read_text(struct dns_reader *r, const struct yaml_node *node, const char *otherwise)
{
    if (node == NULL) {
        return cl_strdup(otherwise);
    }
    if (node->kind != YAML_SCALAR) {
        dns_complain(r, node, "expected text");
        return cl_strdup(otherwise);
    }
    return cl_strdup(node->text);
}

long dns_read_long(struct dns_reader *r, const struct yaml_node *node, long min, long max,
                   long otherwise)
{
    uint64_t n = 0;

    if (node == NULL) {
        return otherwise;
    }
    if (node->kind != YAML_SCALAR || cl_parse_u64(node->text, (uint64_t)max, &n) < 0 ||
        (long)n < min) {
        dns_complain(r, node, "expected a whole number from %ld to %ld", min, max);
        return otherwise;
    }
    return (long)n;
}

cl_time dns_read_duration(struct dns_reader *r, const struct yaml_node *node)
{
    cl_time t = 0;

    if (node != NULL && (node->kind != YAML_SCALAR || cl_duration_parse(node->text, &t) < 0)) {
        dns_complain(r, node, "expected a duration as 10s, 5m or 1h30m");
    }
    return t;
}

bool dns_read_bool(struct dns_reader *r, const struct yaml_node *node)
{
    if (node != NULL && (node->kind != YAML_SCALAR || yaml_scalar_type(node) != YAML_BOOL)) {
        dns_complain(r, node, "expected true or false");
    }
    return node != NULL && yaml_is_true(node);
}

enum dns_as dns_read_as(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const WORDS[] = {"json", "xml", "text", NULL};

    for (size_t i = 0; node != NULL && node->kind == YAML_SCALAR && WORDS[i] != NULL; i++) {
        if (cl_streq(WORDS[i], node->text)) {
            return (enum dns_as)(i + 1);
        }
    }
    if (node != NULL) {
        dns_complain(r, node, "as has to be json, xml or text");
    }
    return DNS_AS_UNSET;
}

void dns_read_assign(struct dns_reader *r, const struct yaml_node *node, struct dns_assign *ret)
{
    if (node == NULL) {
        return;
    }
    if (node->kind != YAML_MAP) {
        dns_complain(r, node, "expected a mapping of variables to values");
        return;
    }
    ret->names = cl_calloc(node->len + 1, sizeof(char *));
    ret->values = cl_calloc(node->len + 1, sizeof(struct dns_tpl *));
    for (size_t i = 0; i < node->len; i++) {
        struct dns_tpl *t = dns_read_tpl(r, node->items[i]);
        if (t == NULL && node->items[i] != NULL) {
            continue; /* reported */
        }
        ret->names[ret->len] = cl_strdup(node->keys[i]->text);
        ret->values[ret->len++] = t;
        cl_strv_add(&r->names, node->keys[i]->text);
    }
}

/* One number or a list of them: status codes. */
static size_t read_status(struct dns_reader *r, const struct yaml_node *node, long *ret, size_t max)
{
    size_t n = 0;

    if (node == NULL) {
        return 0;
    }
    if (node->kind == YAML_SCALAR) {
        ret[0] = dns_read_long(r, node, 100, 599, 200);
        return 1;
    }
    if (node->kind != YAML_LIST || node->len > max) {
        dns_complain(r, node, "expected a status code or a list of them");
        return 0;
    }
    for (; n < node->len; n++) {
        ret[n] = dns_read_long(r, node->items[n], 100, 599, 200);
    }
    return n;
}

void dns_read_ok(struct dns_reader *r, const struct yaml_node *node, struct dns_ok *ret)
{
    static const char *const KEYS[] = {"status", "where", "match", NULL};

    if (node == NULL || !dns_check_keys(r, node, "ok", KEYS)) {
        return;
    }
    ret->given = true;
    ret->n_status = read_status(r, yaml_get(node, "status"), ret->status,
                                sizeof ret->status / sizeof ret->status[0]);
    ret->where = dns_read_where(r, yaml_get(node, "where"));
    ret->match = dns_read_tpl(r, yaml_get(node, "match"));
}

void dns_read_basic(struct dns_reader *r, const struct yaml_node *node, struct dns_tpl **ret_user,
                    struct dns_tpl **ret_password)
{
    if (node == NULL) {
        return;
    }
    if (node->kind != YAML_LIST || node->len != 2) {
        dns_complain(r, node, "basic has to be a list of two: [user, password]");
        return;
    }
    *ret_user = dns_read_tpl(r, node->items[0]);
    *ret_password = dns_read_tpl(r, node->items[1]);
}

void dns_read_item(struct dns_reader *r, const struct yaml_node *node, struct dns_item *ret)
{
    static const char *const KEYS[] = {"where", "name", "each", "value", "id", NULL};

    if (node == NULL || !dns_check_keys(r, node, "item", KEYS)) {
        return;
    }
    ret->where = dns_read_where(r, yaml_get(node, "where"));
    ret->name = dns_read_tpl(r, yaml_get(node, "name"));
    ret->each = dns_read_tpl(r, yaml_get(node, "each"));
    ret->value = dns_read_tpl(r, yaml_get(node, "value"));
    ret->id = dns_read_tpl(r, yaml_get(node, "id"));
}

/* page: {next: EXPR} | {last: EXPR} | {size: N}, and start: the number of the first page. */
static void read_page(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret)
{
    static const char *const KEYS[] = {"next", "last", "size", "start", NULL};

    ret->page_start = 1;
    if (node == NULL || !dns_check_keys(r, node, "page", KEYS)) {
        return;
    }
    const struct yaml_node *next = yaml_get(node, "next");
    const struct yaml_node *last = yaml_get(node, "last");
    const struct yaml_node *size = yaml_get(node, "size");
    if ((next != NULL) + (last != NULL) + (size != NULL) != 1) {
        dns_complain(r, node, "page needs one of next, last and size");
        return;
    }
    ret->page = next != NULL ? DNS_PAGE_NEXT : last != NULL ? DNS_PAGE_LAST : DNS_PAGE_SIZE;
    ret->page_expr = dns_read_tpl(r, next != NULL ? next : last);
    ret->page_size = dns_read_long(r, size, 1, 100000, 0);
    ret->page_start = dns_read_long(r, yaml_get(node, "start"), 0, 1, 1);
}

static void read_body(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret)
{
    static const char *const KINDS[] = {"json", "form", "xml", "text"};

    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        const struct yaml_node *body = yaml_get(node, KINDS[i]);
        if (body == NULL) {
            continue;
        }
        if (ret->body_kind != DNS_BODY_NONE) {
            dns_complain(r, yaml_key(node, KINDS[i]), "a call has one of json, form, xml and text");
            return;
        }
        ret->body_kind = (enum dns_body)(i + 1);
        ret->body = dns_read_tpl(r, body);
    }
    if (ret->body_kind != DNS_BODY_NONE && cl_streq(ret->method, "GET")) {
        dns_complain(r, node, "a GET has no body");
    }
}

static void read_url(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret)
{
    for (size_t i = 0; METHODS[i] != NULL; i++) {
        const struct yaml_node *key = yaml_key(node, METHODS[i]);
        if (key == NULL) {
            continue;
        }
        if (ret->method != NULL) {
            dns_complain(r, key, "a call has one method, this one has %s and %s", ret->method,
                         METHODS[i]);
            return;
        }
        ret->method = METHODS[i];
        const struct yaml_node *url = yaml_get(node, METHODS[i]);
        if (url == NULL || url->kind != YAML_SCALAR) {
            dns_complain(r, key, "%s needs a path, as %s: /zones; \"\" for the base itself",
                         METHODS[i], METHODS[i]);
            return;
        }
        ret->url = dns_read_tpl(r, url);
        if (ret->url != NULL) {
            struct dns_api *a = r->d->api;
            a->urls = cl_reallocarray(a->urls, a->n_urls + 1, sizeof(struct dns_tpl *));
            a->urls[a->n_urls++] = ret->url;
        }
    }
}

static void read_flow(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret)
{
    ret->when = dns_read_tpl(r, yaml_get(node, "when"));
    dns_read_assign(r, yaml_get(node, "let"), &ret->let);
    ret->each = dns_read_tpl(r, yaml_get(node, "each"));
    const struct yaml_node *as = yaml_get(node, "as");
    const struct yaml_node *body = yaml_get(node, "do");
    if (ret->each != NULL) {
        ret->each_as = dns_read_text(r, as, "v");
        cl_strv_add(&r->names, ret->each_as);
        if (body == NULL) {
            dns_complain(r, node, "each needs do: the calls to make for every entry");
        } else {
            dns_read_calls(r, body, r->place, &ret->each_do);
        }
    } else if (body != NULL) {
        dns_complain(r, yaml_key(node, "do"), "do belongs to each");
    } else if (as != NULL) {
        ret->as = dns_read_as(r, as);
    }
}

static void read_answer(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret)
{
    dns_read_ok(r, yaml_get(node, "ok"), &ret->ok);
    ret->n_absent = read_status(r, yaml_get(node, "absent"), ret->absent,
                                sizeof ret->absent / sizeof ret->absent[0]);
    ret->absent_if = dns_read_where(r, yaml_get(node, "absent_if"));
    ret->error = dns_read_tpl(r, yaml_get(node, "error"));
    ret->items = dns_read_tpl(r, yaml_get(node, "items"));
    ret->values = dns_read_bool(r, yaml_get(node, "values"));
    read_page(r, yaml_get(node, "page"), ret);
    dns_read_assign(r, yaml_get(node, "set"), &ret->set);
    ret->until = dns_read_where(r, yaml_get(node, "until"));
    ret->fail = dns_read_where(r, yaml_get(node, "fail"));
    ret->every = dns_read_duration(r, yaml_get(node, "every"));
    ret->timeout = dns_read_duration(r, yaml_get(node, "timeout"));
    const struct yaml_node *expand = yaml_get(node, "expand");
    if (expand != NULL) {
        ret->expand = cl_new(struct dns_call);
        read_call(r, expand, ret->expand);
        if (ret->items == NULL) {
            dns_complain(r, expand, "expand needs items: it fetches each of them");
        }
    }
}

static void read_call(struct dns_reader *r, const struct yaml_node *node, struct dns_call *ret)
{
    static const char *const KEYS[] = {
        "GET",   "POST",  "PUT",    "PATCH",  "DELETE", "query",   "headers", "basic",
        "json",  "form",  "xml",    "text",   "as",     "ok",      "absent",  "absent_if",
        "error", "items", "values", "expand", "page",   "set",     "let",     "when",
        "each",  "do",    "until",  "fail",   "every",  "timeout", "plain",   NULL};

    ret->line = node->line;
    ret->page_start = 1;
    if (!dns_check_keys(r, node, "a call", KEYS)) {
        return;
    }
    read_url(r, node, ret);
    read_flow(r, node, ret);
    ret->query = dns_read_tpl(r, yaml_get(node, "query"));
    ret->headers = dns_read_tpl(r, yaml_get(node, "headers"));
    dns_read_basic(r, yaml_get(node, "basic"), &ret->user, &ret->password);
    read_body(r, node, ret);
    read_answer(r, node, ret);
    ret->plain = dns_read_bool(r, yaml_get(node, "plain"));
    if (ret->method == NULL && ret->each == NULL && ret->let.len == 0) {
        dns_complain(r, node, "a call needs a method, as GET: /zones, or let, or each and do");
    }
    if (ret->method != NULL && ret->each != NULL) {
        dns_complain(r, node, "each repeats what stands in do; this call has a method beside it");
    }
}

void dns_read_calls(struct dns_reader *r, const struct yaml_node *node, const char *place,
                    struct dns_calls *ret)
{
    const char *outer = r->place;

    if (node == NULL) {
        return;
    }
    r->place = place;
    size_t n = node->kind == YAML_LIST ? node->len : 1;
    ret->items = cl_calloc(n + 1, sizeof *ret->items);
    for (; ret->len < n; ret->len++) {
        const struct yaml_node *one = node->kind == YAML_LIST ? node->items[ret->len] : node;
        read_call(r, one, &ret->items[ret->len]);
    }
    r->place = outer;
}
