/* SPDX-License-Identifier: Apache-2.0 */
/* output_targets: which directories and file names a Certificate has: LIVE/KEY, or LIVE/SECRETNAME
 * with the additional formats, and each entry of spec.outputs. */
#include "backends/store/output_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define RULE(name_, part_)                              \
    {                                                   \
        .name = (name_), .parts = {part_}, .n_parts = 1 \
    }
#define N(rules) (sizeof(rules) / sizeof((rules)[0]))

/* The root comes last, so that an output without it is the first four. */
static const struct output_rule PEM_RULES[] = {
    RULE("cert.pem", PART_CERT),
    RULE("chain.pem", PART_CHAIN),
    RULE("fullchain.pem", PART_FULLCHAIN),
    RULE("privkey.pem", PART_KEY),
    RULE("ca.pem", PART_CA),
};
static const struct output_rule SECRET_RULES[] = {
    RULE("tls.crt", PART_FULLCHAIN),
    RULE("tls.key", PART_KEY),
    RULE("ca.crt", PART_CA),
};

bool output_rule_has(const struct output_rule *rule, enum output_part part)
{
    for (size_t i = 0; i < rule->n_parts; i++) {
        if (rule->parts[i] == part) {
            return true;
        }
    }
    return false;
}

char *output_scoped_name(const struct object *o, const char *name)
{
    bool has_ns = !cl_str_empty(o->metadata.namespace_);

    return cl_printf("%s%s%s", has_ns ? o->metadata.namespace_ : "", has_ns ? "_" : "", name);
}

static void add_rule(struct output_target *t, const struct output_rule *rule)
{
    for (size_t i = 0; i < t->n_rules; i++) {
        if (cl_streq(t->rules[i].name, rule->name)) {
            t->rules[i] = *rule; /* the later one wins: an entry may redefine a default file */
            return;
        }
    }
    t->rules = cl_reallocarray(t->rules, t->n_rules + 1, sizeof(*t->rules));
    t->rules[t->n_rules++] = *rule;
}

static void add_rules(struct output_target *t, const struct output_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_rule(t, &rules[i]);
    }
}

static void add_spec_files(struct output_target *t, const struct output_spec *spec)
{
    if (spec->n_files == 0) {
        add_rules(t, PEM_RULES, N(PEM_RULES) - 1);
        return;
    }
    for (size_t i = 0; i < spec->n_files; i++) {
        const struct output_file *f = &spec->files[i];
        struct output_rule rule = {.name = f->name, .n_parts = f->n_parts, .mode = f->mode};
        memcpy(rule.parts, f->parts, sizeof(rule.parts));
        add_rule(t, &rule);
    }
}

/* One slash between components, none at the end. */
static char *normal_directory(const char *directory)
{
    char *out = cl_strdup(directory);
    size_t len = 0;

    for (const char *s = directory; *s != '\0'; s++) {
        if (*s != '/' || len == 0 || out[len - 1] != '/') {
            out[len++] = *s;
        }
    }
    while (len > 1 && out[len - 1] == '/') {
        len--;
    }
    out[len] = '\0';
    return out;
}

static struct output_target *target_at(struct output_targets *t, char *take_directory)
{
    for (size_t i = 0; i < t->len; i++) {
        if (cl_streq(t->items[i].directory, take_directory)) {
            cl_free(take_directory);
            return &t->items[i];
        }
    }
    t->items = cl_reallocarray(t->items, t->len + 1, sizeof(*t->items));
    t->items[t->len] = (struct output_target){.directory = take_directory};
    return &t->items[t->len++];
}

void output_targets(const struct paths *p, const struct object *o, struct output_targets *ret)
{
    const struct cert_spec *spec = o->cert;
    bool secret = !cl_str_empty(spec->secret_name);
    char *name = secret ? output_scoped_name(o, spec->secret_name) : cl_strdup(o->key);
    char *live = paths_live(p, name);

    *ret = (struct output_targets){0};
    struct output_target *t = target_at(ret, normal_directory(live));
    t->live = true;
    add_rules(t, secret ? SECRET_RULES : PEM_RULES, secret ? N(SECRET_RULES) : N(PEM_RULES));
    for (size_t i = 0; i < spec->combined.len; i++) {
        const struct combined_spec *c = &spec->combined.items[i];
        struct output_rule rule = {.name = COMBINED_PEM_FILE, .n_parts = c->n_parts};
        memcpy(rule.parts, c->parts, sizeof(rule.parts));
        add_rule(t, &rule);
    }
    for (size_t i = 0; i < spec->outputs.len; i++) {
        const struct output_spec *out = &spec->outputs.items[i];
        t = target_at(ret, normal_directory(out->directory));
        t->spec = t->spec == NULL ? out : t->spec;
        add_spec_files(t, out);
    }
    cl_free(live);
    cl_free(name);
}

void output_targets_deinit(struct output_targets *t)
{
    for (size_t i = 0; i < t->len; i++) {
        cl_free(t->items[i].directory);
        cl_free(t->items[i].rules);
    }
    cl_free(t->items);
    *t = (struct output_targets){0};
}

void output_claims(const struct paths *p, const struct object *o, struct cl_strv *ret)
{
    struct output_targets targets;

    output_targets(p, o, &targets);
    for (size_t i = 0; i < targets.len; i++) {
        const struct output_target *t = &targets.items[i];
        bool set = t->live || t->spec->layout == LAYOUT_SYMLINK ||
                   (t->spec->layout == LAYOUT_DEFAULT && t->spec->n_files == 0);
        for (size_t k = 0; k < t->n_rules; k++) {
            cl_strv_take(ret, cl_printf("%s/%s", t->directory, t->rules[k].name));
        }
        if (set) { /* two sets in one directory would swap each other away */
            cl_strv_take(ret, cl_printf("%s/" OUTPUT_DATA, t->directory));
        }
    }
    output_targets_deinit(&targets);
}
