/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_merge: the Configuration's defaults go into what a Certificate leaves open, before its
 * hash is taken, so that a change of defaults is seen as a change of each spec. */
#include "spec/base/cl_alloc.h"
#include "spec/spec_rules.h"
#include "spec/spec_tables.h"

#include <string.h>

#define DEFAULT_ISSUER "letsencrypt"

static void merge_text(char **into, const char *def)
{
    if (*into == NULL && def != NULL) {
        *into = cl_strdup(def);
    }
}

static void merge_issuer_ref(const struct rules *r, struct issuer_ref *ref)
{
    const struct issuer_ref *def = r->config != NULL ? &r->config->defaults.issuer_ref : NULL;

    if (ref->name == NULL && !rules_given(r, "spec.issuerRef")) {
        ref->name = cl_strdup(def != NULL ? cl_str_or(def->name, DEFAULT_ISSUER) : DEFAULT_ISSUER);
        if (def != NULL && def->kind != NULL) {
            cl_free(ref->kind);
            ref->kind = cl_strdup(def->kind);
        }
    }
    cl_free(ref->group); /* both that are accepted mean the same */
    ref->group = NULL;
}

/* Algorithm and size belong together: a size that the spec gives is one of its own algorithm. */
static void merge_key(const struct rules *r, struct private_key_spec *k)
{
    const struct private_key_spec *def = &r->config->defaults.private_key;

    if (def->algorithm != KEY_DEFAULT && !rules_given(r, "spec.privateKey.algorithm") &&
        !rules_given(r, "spec.privateKey.size")) {
        k->algorithm = def->algorithm;
        k->size = def->size;
    }
    if (def->encoding != KEY_ENC_DEFAULT && !rules_given(r, "spec.privateKey.encoding")) {
        k->encoding = def->encoding;
    }
    if (!rules_given(r, "spec.privateKey.rotationPolicy")) {
        k->rotation_policy = def->rotation_policy;
    }
}

static bool same_name(const struct hook_list *l, const char *name)
{
    for (size_t i = 0; i < l->len; i++) {
        if (name != NULL && cl_streq(l->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Those for every Certificate run first; one that the spec names itself is the spec's. */
static void merge_hooks(struct hook_list *own, const struct hook_list *defaults)
{
    struct hook_list all = {0};

    all.items = cl_calloc(own->len + defaults->len + 1, sizeof(all.items[0]));
    for (size_t i = 0; i < defaults->len; i++) {
        if (!same_name(own, defaults->items[i].name)) {
            schema_copy(&SCHEMA_HOOK, &all.items[all.len++], &defaults->items[i]);
        }
    }
    if (all.len == 0) {
        cl_free(all.items);
        return;
    }
    for (size_t i = 0; i < own->len; i++) {
        all.items[all.len++] = own->items[i];
    }
    cl_free(own->items);
    *own = all;
}

static void merge_solvers(struct solver_list *own, const struct solver_list *defaults)
{
    if (own->len > 0 || defaults->len == 0) {
        return;
    }
    own->items = cl_calloc(defaults->len, sizeof(own->items[0]));
    for (size_t i = 0; i < defaults->len; i++) {
        schema_copy(&SCHEMA_SOLVER, &own->items[own->len++], &defaults->items[i]);
    }
}

void rules_merge_key(const struct rules *r, struct private_key_spec *k)
{
    if (r->config != NULL && !r->c.trusted) {
        merge_key(r, k);
    }
}

void rules_merge(const struct rules *r, struct cert_spec *s)
{
    if (r->c.trusted) { /* merged when it was written */
        return;
    }
    merge_issuer_ref(r, &s->issuer_ref);
    if (s->usages.len == 0) {
        cl_strv_add(&s->usages, "digital signature");
        cl_strv_add(&s->usages, "key encipherment");
    }
    if (r->config == NULL) {
        return;
    }
    const struct config_defaults *d = &r->config->defaults;
    rules_merge_fallbacks(r, s);
    merge_solvers(&s->solvers, &d->solvers);
    merge_hooks(&s->hooks, &d->hooks);
    for (size_t i = 0; i < s->outputs.len; i++) {
        merge_text(&s->outputs.items[i].owner, d->output_owner);
        merge_text(&s->outputs.items[i].group, d->output_group);
        merge_text(&s->outputs.items[i].mode, d->output_mode);
    }
}
