/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desc_load: text of a description -> struct: the top level, inputs, limits, and what is known about it. */
#include "backends/dns/dns_api_desc.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define EXTENDS_MAX 4u /* one extends another, which extends a third */

static const struct yaml_limits LIMITS = {.bytes = DNS_DESCRIPTION_MAX, .nodes = 5000, .depth = 32};

/* A file's tree; with `extends`, merged over the one it names. Owned. */
static struct yaml_node *read_tree(const char *text, size_t len,
                                   const struct dns_description_base *base, unsigned depth,
                                   struct spec_problems *problems);

static bool is_env_name(const char *s)
{
    return *s != '\0' &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
               strlen(s);
}

static void read_env(struct dns_reader *r, const struct yaml_node *node, struct dns_input *in)
{
    size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->len : 1;

    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *one = node->kind == YAML_LIST ? node->items[i] : node;
        if (one->kind != YAML_SCALAR || !is_env_name(one->text)) {
            dns_complain(r, one, "env has to be the name of an environment variable, or a list");
            continue;
        }
        cl_strv_add(&in->env, one->text);
    }
}

static void read_input(struct dns_reader *r, const struct yaml_node *key,
                       const struct yaml_node *node, struct dns_input *in)
{
    static const char *const KEYS[] = {"secret",   "env",     "file",   "format", "map",
                                       "optional", "default", "origin", "help",   NULL};

    in->name = cl_strdup(key->text);
    in->line = key->line;
    in->column = key->column;
    in->help = cl_strdup("");
    if (node == NULL || !dns_check_keys(r, node, "an input", KEYS)) {
        return;
    }
    cl_free(in->help);
    in->help = dns_read_text(r, yaml_get(node, "help"), "");
    in->secret = dns_read_bool(r, yaml_get(node, "secret"));
    in->file = dns_read_bool(r, yaml_get(node, "file"));
    in->map = dns_read_bool(r, yaml_get(node, "map"));
    in->origin = dns_read_bool(r, yaml_get(node, "origin"));
    in->default_value = dns_read_text(r, yaml_get(node, "default"), NULL);
    in->optional = dns_read_bool(r, yaml_get(node, "optional")) || in->default_value != NULL;
    read_env(r, yaml_get(node, "env"), in);
    char *format = dns_read_text(r, yaml_get(node, "format"), "");
    in->json = cl_streq(format, "json");
    if (*format != '\0' && !in->json && !cl_streq(format, "text")) {
        dns_complain(r, yaml_get(node, "format"), "format has to be json or text");
    }
    cl_free(format);
}

static void read_inputs(struct dns_reader *r, const struct yaml_node *node)
{
    if (node == NULL) {
        return;
    }
    if (node->kind != YAML_MAP) {
        dns_complain(r, node, "credentials has to be a mapping of names to {secret, env, ...}");
        return;
    }
    r->d->inputs = cl_calloc(node->len + 1, sizeof *r->d->inputs);
    for (size_t i = 0; i < node->len; i++) {
        read_input(r, node->keys[i], node->items[i], &r->d->inputs[r->d->n_inputs++]);
    }
}

static void read_ttl(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"min", "max", "allowed", "unit", NULL};
    struct dns_description *d = r->d;

    d->ttl.unit = 1;
    if (node == NULL || !dns_check_keys(r, node, "ttl", KEYS)) {
        return;
    }
    d->ttl.min = dns_read_long(r, yaml_get(node, "min"), 0, 604800, 0);
    d->ttl.max = dns_read_long(r, yaml_get(node, "max"), 0, 604800, 0);
    d->ttl.unit = dns_read_long(r, yaml_get(node, "unit"), 1, 86400, 1);
    const struct yaml_node *allowed = yaml_get(node, "allowed");
    size_t max = sizeof d->ttl.allowed / sizeof d->ttl.allowed[0];
    if (allowed != NULL && (allowed->kind != YAML_LIST || allowed->len > max)) {
        dns_complain(r, allowed, "ttl.allowed has to be a list of at most %zu numbers", max);
        return;
    }
    for (size_t i = 0; allowed != NULL && i < allowed->len; i++) {
        long ttl = dns_read_long(r, allowed->items[i], 1, 604800, 60);
        if (i > 0 && ttl <= d->ttl.allowed[i - 1]) {
            dns_complain(r, allowed->items[i], "ttl.allowed has to ascend");
        }
        d->ttl.allowed[d->ttl.n_allowed++] = ttl;
    }
}

long dns_description_ttl(const struct dns_description *d, long want)
{
    long ttl = want > 0 ? want : 60;

    ttl = ttl < d->ttl.min ? d->ttl.min : ttl;
    ttl = d->ttl.max > 0 && ttl > d->ttl.max ? d->ttl.max : ttl;
    for (size_t i = 0; i < d->ttl.n_allowed; i++) {
        if (d->ttl.allowed[i] >= ttl || i + 1 == d->ttl.n_allowed) {
            ttl = d->ttl.allowed[i];
            break;
        }
    }
    return (ttl + d->ttl.unit - 1) / d->ttl.unit;
}

/* "1200/5m", "10/s" */
static void read_rate(struct dns_reader *r, const struct yaml_node *node)
{
    struct dns_description *d = r->d;
    const char *slash = node->kind == YAML_SCALAR ? strchr(node->text, '/') : NULL;
    uint64_t count = 0;
    cl_time per = 0;

    if (slash != NULL) {
        char *number = cl_strndup(node->text, (size_t)(slash - node->text));
        bool digit = slash[1] >= '0' && slash[1] <= '9';
        char *time = cl_printf("%s%s", digit ? "" : "1", slash + 1);
        if (cl_parse_u64(number, 1000000, &count) < 0 || cl_duration_parse(time, &per) < 0) {
            count = 0;
        }
        cl_free(number);
        cl_free(time);
    }
    if (count == 0 || per == 0) {
        dns_complain(r, node, "limits.rate has to be COUNT/TIME, as 1200/5m or 10/s");
    } else if (d->limits.n_rates < DNS_RATES_MAX) {
        d->limits.rates[d->limits.n_rates++] =
            (struct dns_rate){.count = (unsigned)count, .per = per};
    }
}

static void read_limits(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"rate", "per", "concurrency", NULL};
    struct dns_description *d = r->d;

    if (node == NULL || !dns_check_keys(r, node, "limits", KEYS)) {
        return;
    }
    const struct yaml_node *rate = yaml_get(node, "rate");
    size_t n = rate == NULL ? 0 : rate->kind == YAML_LIST ? rate->len : 1;
    for (size_t i = 0; i < n; i++) {
        read_rate(r, rate->kind == YAML_LIST ? rate->items[i] : rate);
    }
    char *per = dns_read_text(r, yaml_get(node, "per"), "account");
    if (cl_streq(per, "zone")) {
        d->limits.scope = DNS_PER_ZONE;
    } else if (cl_streq(per, "name")) {
        d->limits.scope = DNS_PER_NAME;
    } else if (!cl_streq(per, "account")) {
        dns_complain(r, yaml_get(node, "per"), "limits.per has to be account, zone or name");
    }
    cl_free(per);
    d->limits.concurrency = (unsigned)dns_read_long(r, yaml_get(node, "concurrency"), 1, 100, 0);
}

static void read_propagation(struct dns_reader *r, const struct yaml_node *node)
{
    static const char *const KEYS[] = {"wait", "timeout", "every", "anycast", NULL};
    struct dns_description *d = r->d;

    if (node == NULL || !dns_check_keys(r, node, "propagation", KEYS)) {
        return;
    }
    d->propagation.wait = dns_read_duration(r, yaml_get(node, "wait"));
    d->propagation.timeout = dns_read_duration(r, yaml_get(node, "timeout"));
    d->propagation.every = dns_read_duration(r, yaml_get(node, "every"));
    d->propagation.anycast = dns_read_bool(r, yaml_get(node, "anycast"));
}

static void read_about(struct dns_reader *r, const struct yaml_node *root)
{
    struct dns_description *d = r->d;

    d->name = dns_read_text(r, yaml_get(root, "provider"), "");
    d->title = dns_read_text(r, yaml_get(root, "title"), d->name);
    d->doc = dns_read_text(r, yaml_get(root, "doc"), "");
    d->note = dns_read_text(r, yaml_get(root, "note"), "");
    d->tested = dns_read_text(r, yaml_get(root, "tested"), "");
    if (*d->name == '\0' ||
        strspn(d->name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(d->name)) {
        const struct yaml_node *at = yaml_get(root, "provider");
        dns_complain(r, at != NULL ? at : root,
                     "provider: NAME is needed, in lower-case letters, digits and -");
    }
    if (*d->tested != '\0' && !cl_streq(d->tested, "replay") &&
        !cl_str_starts(d->tested, "live ")) {
        dns_complain(r, yaml_get(root, "tested"), "tested has to be replay, or live DATE");
    }
}

static bool read_all(struct dns_reader *r, const struct yaml_node *root)
{
    static const char *const KEYS[] = {
        "provider", "title",       "doc",   "note",     "tested",  "extends", "credentials", "ttl",
        "limits",   "propagation", "txt",   "apex",     "request", "login",   "sign",        "zone",
        "records",  "rrset",       "delta", "zonefile", "slot",    "wait",    "commit",      NULL};

    if (!dns_check_keys(r, root, "a description", KEYS)) {
        return false;
    }
    read_about(r, root);
    read_inputs(r, yaml_get(root, "credentials"));
    read_ttl(r, yaml_get(root, "ttl"));
    read_limits(r, yaml_get(root, "limits"));
    read_propagation(r, yaml_get(root, "propagation"));
    dns_read_api(r, root);
    dns_check_variables(r);
    return !r->bad;
}

static struct yaml_node *extend(struct yaml_node *child, const struct dns_description_base *base,
                                unsigned depth, struct spec_problems *problems)
{
    const struct yaml_node *name = yaml_get(child, "extends");
    struct cl_buf text;
    struct yaml_node *merged = NULL;
    struct spec_problems theirs = {0};

    if (name == NULL) {
        return child;
    }
    cl_buf_init(&text, DNS_DESCRIPTION_MAX);
    if (name->kind != YAML_SCALAR || base == NULL || depth >= EXTENDS_MAX ||
        base->find(base->user, name->text, &text) != 1) {
        spec_problems_add(problems, false, name->line, name->column,
                          depth >= EXTENDS_MAX ? "extends goes too far, or in a circle"
                                               : "there is no description of this name to extend");
    } else {
        struct yaml_node *parent = read_tree(cl_buf_str(&text), text.len, base, depth + 1, &theirs);
        if (parent == NULL) {
            spec_problems_add(problems, false, name->line, name->column,
                              "the description %s, which this one extends, is wrong itself: %s",
                              name->text, theirs.len > 0 ? theirs.items[0].text : "it is empty");
        } else {
            merged = dns_yaml_merge(parent, child);
            dns_yaml_destroy(parent);
        }
    }
    spec_problems_deinit(&theirs);
    cl_buf_deinit(&text);
    dns_yaml_destroy(child);
    return merged;
}

static struct yaml_node *read_tree(const char *text, size_t len,
                                   const struct dns_description_base *base, unsigned depth,
                                   struct spec_problems *problems)
{
    struct yaml_documents docs = {0};
    struct yaml_node *root = NULL;

    if (yaml_parse(text, len, &LIMITS, &docs, problems) == 0) {
        if (docs.len != 1 || docs.items[0]->kind != YAML_MAP) {
            spec_problems_add(problems, false, docs.len > 1 ? docs.items[1]->line : 1, 1,
                              "a description is one YAML document, a mapping");
        } else {
            root = docs.items[0];
            docs.len = 0;
        }
    }
    yaml_documents_deinit(&docs);
    return root != NULL ? extend(root, base, depth, problems) : NULL;
}

struct dns_description *dns_description_load(const char *text, size_t len,
                                             const struct dns_description_base *base,
                                             struct spec_problems *problems)
{
    struct yaml_node *root = read_tree(text, len, base, 0, problems);
    struct dns_description *d = NULL;

    if (root == NULL) {
        return NULL;
    }
    d = cl_new(struct dns_description);
    d->refs = 1;
    d->api = cl_new(struct dns_api);
    struct dns_reader r = {.problems = problems, .d = d, .place = "description"};
    if (!read_all(&r, root)) {
        dns_description_unref(d);
        d = NULL;
    }
    dns_yaml_destroy(root);
    cl_free(r.seen);
    cl_strv_deinit(&r.names);
    cl_strv_deinit(&r.session);
    return d;
}

const struct dns_input *dns_description_input(const struct dns_description *d, const char *name)
{
    for (size_t i = 0; i < d->n_inputs; i++) {
        if (cl_streq(d->inputs[i].name, name)) {
            return &d->inputs[i];
        }
    }
    return NULL;
}
