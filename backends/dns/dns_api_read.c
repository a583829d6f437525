/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_read: what an answer says about the values at a name, and what follows for them. Only values of the
 * change are ever added or removed; all others are kept as they are. */
#include "backends/dns/dns_api.h"
#include "backends/dns/lang/dns_encode.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

void api_target_reset(struct api_target *t)
{
    for (size_t i = 0; i < t->n_records; i++) {
        cl_free(t->records[i].value);
        json_decref(t->records[i].item);
        json_decref(t->records[i].id);
    }
    cl_free(t->records);
    t->records = NULL;
    t->n_records = 0;
    json_decref(t->items);
    t->items = NULL;
    cl_strv_deinit(&t->adds);
    cl_strv_deinit(&t->removes);
    t->next_add = 0;
    t->next_remove = 0;
}

void api_target_deinit(struct api_target *t)
{
    api_target_reset(t);
    cl_strv_deinit(&t->before);
    dns_env_deinit(&t->env);
}

/* The values of one item: usually one, with `each` several. */
static int add_values(struct api_run *run, struct api_target *t, const json_t *item,
                      struct dns_env *scope, struct cl_err *err)
{
    const struct dns_item *spec = &run->p->a->item;
    struct dns_eval ev = api_eval(run->p, scope, NULL);
    struct dns_value each = {0};
    json_t *entries = NULL;
    int rc = 0;

    if (spec->each != NULL) {
        if (dns_tpl_render(spec->each, &ev, &each, NULL, err) < 0) {
            return -1;
        }
        entries = dns_json_list(each.json);
        dns_value_deinit(&each);
    } else {
        entries = json_array();
        (void)json_array_append(entries, dns_mut(item));
    }
    dns_env_set(scope, "parent", dns_value_ref(dns_mut(item)));
    for (size_t i = 0; rc == 0 && i < json_array_size(entries); i++) {
        json_t *entry = json_array_get(entries, i);
        struct dns_value id = {0};
        char *text = NULL;
        dns_env_set(scope, "item", dns_value_ref(entry));
        if (spec->value != NULL) {
            rc = dns_tpl_text(spec->value, &ev, &text, err);
        } else {
            text = dns_json_string(entry, NULL);
        }
        if (rc == 0 && spec->id != NULL) {
            rc = dns_tpl_render(spec->id, &ev, &id, NULL, err);
        } else if (rc == 0) {
            id = dns_value_ref(json_object_get(entry, "id"));
        }
        if (rc == 0) {
            t->records = cl_reallocarray(t->records, t->n_records + 1, sizeof *t->records);
            t->records[t->n_records++] = (struct api_record){.value = dns_txt_unquote(text),
                                                             .item = json_incref(entry),
                                                             .id = json_incref(id.json),
                                                             .whole = item};
        }
        dns_value_deinit(&id);
        cl_free(text);
    }
    json_decref(entries);
    return rc;
}

/* 1: an item of this name that `where` takes, 0, -1. */
static int belongs(struct api_run *run, const struct api_target *t, const json_t *item,
                   const struct dns_env *scope, struct cl_err *err)
{
    const struct dns_item *spec = &run->p->a->item;
    struct dns_eval ev = api_eval(run->p, scope, NULL);
    struct dns_value value = dns_value_ref(dns_mut(item));
    char *name = NULL;
    int holds = dns_where_holds(spec->where, &value, &ev, err);

    dns_value_deinit(&value);
    if (holds != 1 || spec->name == NULL) {
        return holds;
    }
    if (dns_tpl_text(spec->name, &ev, &name, err) < 0) {
        return -1;
    }
    holds = dns_same_name(name, t->change->fqdn, run->zone) ? 1 : 0;
    cl_free(name);
    return holds;
}

int api_read_records(struct api_run *run, struct api_target *t, struct cl_err *err)
{
    const struct dns_value *items = dns_env_get(&t->env, "items");
    int rc = 0;

    t->items = items != NULL && !t->absent ? dns_json_list(items->json) : json_array();
    for (size_t i = 0; rc == 0 && i < json_array_size(t->items); i++) {
        struct dns_env scope = {.up = &t->env};
        const json_t *item = json_array_get(t->items, i);
        dns_env_set(&scope, "item", dns_value_ref(dns_mut(item)));
        rc = belongs(run, t, item, &scope, err);
        if (rc == 1) {
            rc = add_values(run, t, item, &scope, err);
        }
        dns_env_deinit(&scope);
    }
    return rc;
}

static bool there(const struct api_target *t, const char *value)
{
    for (size_t i = 0; i < t->n_records; i++) {
        if (cl_streq(t->records[i].value, value)) {
            return true;
        }
    }
    return false;
}

/* An own value that had been written is gone: somebody wrote back a set that he had read before. What
 * else was there at first may have been lost with it, and is put back. */
static void restore(struct api_run *run, struct api_target *t)
{
    if (!run->verifying || t->adds.len == 0) {
        return;
    }
    for (size_t i = 0; i < t->before.len; i++) {
        if (!there(t, t->before.items[i])) {
            cl_strv_add(&t->adds, t->before.items[i]);
        }
    }
}

static void remember_foreign(struct api_target *t)
{
    for (size_t i = 0; i < t->n_records; i++) {
        const char *value = t->records[i].value;
        if (!cl_strv_has(&t->change->add, value) && !cl_strv_has(&t->change->remove, value) &&
            !cl_strv_has(&t->before, value)) {
            cl_strv_add(&t->before, value);
        }
    }
}

void api_plan_target(struct api_run *run, struct api_target *t)
{
    bool blind = !run->p->d->lists;

    for (size_t i = 0; i < t->change->add.len; i++) {
        const char *value = t->change->add.items[i];
        if ((blind || !there(t, value)) && !cl_strv_has(&t->adds, value)) {
            cl_strv_add(&t->adds, value);
        }
    }
    for (size_t i = 0; i < t->change->remove.len; i++) {
        const char *value = t->change->remove.items[i];
        if ((blind || there(t, value)) && !cl_strv_has(&t->change->add, value) &&
            !cl_strv_has(&t->removes, value)) {
            cl_strv_add(&t->removes, value);
        }
    }
    restore(run, t);
    if (!run->verifying) {
        remember_foreign(t);
    }
}
