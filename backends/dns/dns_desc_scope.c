/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desc_scope: are all variables there that a description uses? What an answer holds cannot be known, but
 * every name in front of a path can: it is built in, an input, or set by some call. */
#include "backends/dns/dns_api_desc.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static const char *const BUILT_IN[] = {
    "cred",    "session",   "zone",    "name",   "ttl",    "value",   "values", "old",
    "old_ttl", "adds",      "removes", "items",  "item",   "parent",  "page",   "cursor",
    "offset",  "candidate", "res",     "status", "header", "cookies", "n",      "req",
    "id",      "changes",   "records", "poll",   NULL};

struct check {
    struct dns_reader *r;
    const struct dns_tpl *tpl;
    const char *place;
};

static void complain(struct check *c, const struct dns_expr *e, const char *what, const char *name,
                     const char *near)
{
    c->r->bad = true;
    spec_problems_add(c->r->problems, false, c->tpl->line, c->tpl->column + e->offset,
                      "%s: %s%s%s%s%s", c->place, what, name, near != NULL ? "; did you mean " : "",
                      cl_str_or(near, ""), near != NULL ? "?" : "");
}

static bool known(const char *const *words, const char *name)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The members of cred, session, zone, name and req; false: not one of these. */
static bool members_of(struct check *c, const char *scope, struct cl_strv *ret)
{
    static const char *const NAME[] = {"fqdn", "dot", "rel", "label", NULL};
    static const char *const REQ[] = {"method", "url",  "host",         "path", "query",
                                      "target", "body", "query_sorted", NULL};
    const struct dns_description *d = c->r->d;
    const char *const *fixed = NULL;

    if (strcmp(scope, "cred") == 0) {
        for (size_t i = 0; i < d->n_inputs; i++) {
            cl_strv_add(ret, d->inputs[i].name);
        }
    } else if (strcmp(scope, "session") == 0) {
        for (size_t i = 0; i < c->r->session.len; i++) {
            cl_strv_add(ret, c->r->session.items[i]);
        }
    } else if (strcmp(scope, "zone") == 0) {
        cl_strv_add(ret, "name");
        cl_strv_add(ret, "dot");
        for (size_t i = 0; i < d->api->zone.set.len; i++) {
            cl_strv_add(ret, d->api->zone.set.names[i]);
        }
    } else if (strcmp(scope, "name") == 0) {
        fixed = NAME;
    } else if (strcmp(scope, "req") == 0) {
        fixed = REQ;
    } else {
        return false;
    }
    for (; fixed != NULL && *fixed != NULL; fixed++) {
        cl_strv_add(ret, *fixed);
    }
    return true;
}

static void check_member(struct check *c, const struct dns_expr *e, const char *scope)
{
    struct cl_strv members = {0};
    const struct dns_expr *key = e->args[1];
    const char *member =
        key->kind == DNS_EXPR_LITERAL ? json_string_value(key->literal.json) : NULL;

    if (member != NULL && members_of(c, scope, &members) && !cl_strv_has(&members, member)) {
        char *full = cl_printf("%s.%s", scope, member);
        members.items = cl_reallocarray(members.items, members.len + 1, sizeof(char *));
        members.items[members.len] = NULL;
        complain(c, e,
                 strcmp(scope, "cred") == 0      ? "there is no input for "
                 : strcmp(scope, "session") == 0 ? "login does not set "
                 : strcmp(scope, "zone") == 0    ? "zone.set does not set "
                                                 : "there is no ",
                 full, cl_str_suggest(member, (const char *const *)(void *)members.items));
        cl_free(full);
    }
    cl_strv_deinit(&members);
}

static void check_variable(struct check *c, const struct dns_expr *e)
{
    struct dns_reader *r = c->r;

    if (known(BUILT_IN, e->name) || cl_strv_has(&r->names, e->name)) {
        return;
    }
    const char *near = cl_str_suggest(e->name, BUILT_IN);
    r->names.items = cl_reallocarray(r->names.items, r->names.len + 1, sizeof(char *));
    r->names.items[r->names.len] = NULL;
    r->names.cap = r->names.len + 1;
    if (near == NULL) {
        near = cl_str_suggest(e->name, (const char *const *)(void *)r->names.items);
    }
    complain(c, e, "nothing sets the variable ", e->name, near);
}

static void check_expr(struct check *c, const struct dns_expr *e)
{
    if (e->kind == DNS_EXPR_VARIABLE) {
        check_variable(c, e);
        if (strcmp(e->name, "cred") == 0 || strcmp(e->name, "session") == 0) {
            complain(c, e, "say which member is wanted of ", e->name, NULL);
        }
        return;
    }
    if (e->kind == DNS_EXPR_GET && e->args[0]->kind == DNS_EXPR_VARIABLE) {
        check_variable(c, e->args[0]);
        check_member(c, e, e->args[0]->name);
        check_expr(c, e->args[1]);
        return;
    }
    for (size_t i = 0; i < e->n_args; i++) {
        check_expr(c, e->args[i]);
    }
}

static void collect_as(struct dns_reader *r, const struct dns_tpl *t)
{
    if (t == NULL) {
        return;
    }
    if (t->kind == DNS_TPL_EACH) {
        cl_strv_add(&r->names, t->as);
    }
    for (size_t i = 0; i < t->len; i++) {
        collect_as(r, t->items[i]);
    }
}

static void check_tpl(struct check *c, const struct dns_tpl *t)
{
    if (t == NULL) {
        return;
    }
    c->tpl = t;
    for (size_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].expr != NULL) {
            check_expr(c, t->parts[i].expr);
        }
    }
    for (size_t i = 0; i < t->len; i++) {
        check_tpl(c, t->keys != NULL ? t->keys[i] : NULL);
        check_tpl(c, t->items[i]);
    }
}

/* ---- origins ---- */

static bool only_inputs(const struct dns_expr *e)
{
    if (e->kind == DNS_EXPR_VARIABLE) {
        return strcmp(e->name, "cred") == 0;
    }
    for (size_t i = 0; i < e->n_args; i++) {
        if (!only_inputs(e->args[i])) {
            return false;
        }
    }
    return true;
}

static void wrong_url(struct dns_reader *r, const struct dns_tpl *t, unsigned offset,
                      const char *text)
{
    r->bad = true;
    spec_problems_add(r->problems, false, t->line, t->column + offset, "%s", text);
}

/* From "https://" to the next slash there may be literal text and inputs alone. */
static void check_host(struct dns_reader *r, const struct dns_tpl *t, bool absolute)
{
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct dns_part *part = &t->parts[i];
        if (part->expr != NULL && !only_inputs(part->expr)) {
            wrong_url(
                r, t, part->expr->offset,
                "where requests go has to be literal or an input (cred.NAME): nothing that an "
                "answer says may choose who gets the credentials");
            return;
        }
        const char *host = part->text;
        if (i == 0 && absolute && host != NULL) {
            host += strcspn(host, ":");
            host += strspn(host, ":/");
        }
        if (host != NULL && strchr(host, '/') != NULL) {
            return;
        }
    }
}

static void check_origin(struct dns_reader *r, const struct dns_tpl *t, bool base)
{
    const char *first = t->kind == DNS_TPL_LITERAL ? json_string_value(t->literal)
                        : t->n_parts > 0           ? t->parts[0].text
                                                   : NULL;
    bool absolute =
        first != NULL && (cl_str_starts(first, "https://") || cl_str_starts(first, "http://"));

    if (base && first != NULL && !absolute) {
        wrong_url(r, t, 0, "request.base has to start with https:// or with an input");
    } else if (!base && first != NULL && !absolute && strchr("/?", *first) == NULL) {
        wrong_url(r, t, 0, "a path starts with / (or is \"\", or a whole URL)");
    } else if (absolute || base) {
        check_host(r, t, absolute);
    }
}

void dns_check_variables(struct dns_reader *r)
{
    const struct dns_api *a = r->d->api;

    for (size_t i = 0; i < r->n_seen; i++) {
        collect_as(r, r->seen[i].tpl);
    }
    for (size_t i = 0; i < r->n_seen; i++) {
        struct check c = {.r = r, .place = r->seen[i].place};
        check_tpl(&c, r->seen[i].tpl);
    }
    for (size_t i = 0; i < a->n_urls; i++) {
        check_origin(r, a->urls[i], false);
    }
    if (a->request.base != NULL) {
        check_origin(r, a->request.base, true);
    }
}

/* ---- what does a call depend on? ---- */

struct use {
    const char *name;
    bool found;
};

static void note_use(void *user, const struct dns_tpl *t, const struct dns_expr *e)
{
    struct use *u = user;

    (void)t;
    u->found = u->found || (e->kind == DNS_EXPR_VARIABLE && strcmp(e->name, u->name) == 0);
}

bool dns_tpl_uses(const struct dns_tpl *t, const char *name)
{
    struct use u = {.name = name};

    dns_tpl_walk(t, note_use, &u);
    return u.found;
}

static bool call_uses(const struct dns_call *c, struct use *u)
{
    const struct dns_tpl *all[] = {c->url,  c->query,     c->headers, c->body,
                                   c->each, c->page_expr, c->when,    c->items};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        dns_tpl_walk(all[i], note_use, u);
    }
    for (size_t i = 0; i < c->let.len; i++) {
        dns_tpl_walk(c->let.values[i], note_use, u);
    }
    for (size_t i = 0; i < c->set.len; i++) {
        dns_tpl_walk(c->set.values[i], note_use, u);
    }
    return u->found || (c->expand != NULL && call_uses(c->expand, u)) ||
           dns_calls_use(&c->each_do, u->name);
}

bool dns_calls_use(const struct dns_calls *calls, const char *name)
{
    struct use u = {.name = name};

    for (size_t i = 0; i < calls->len; i++) {
        if (call_uses(&calls->items[i], &u)) {
            return true;
        }
    }
    return false;
}
