/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_values: the variables of writes: values, old, adds, removes, changes; and the guards of
 * providers who take a whole zone. */
#include "backends/dns/dns_api_values.h"

#include "backends/dns/lang/dns_encode.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define GUARD_PATIENCE CL_MINUTE

struct dns_value api_wire(const struct api *p, const char *value)
{
    if (!p->a->quoted) {
        return dns_value_text(value);
    }
    char *quoted = dns_txt_quote(value);
    struct dns_value v = dns_value_text(quoted);
    cl_free(quoted);
    return v;
}

static void append_wire(const struct api *p, json_t *list, const char *value)
{
    struct dns_value v = api_wire(p, value);

    (void)json_array_append(list, v.json);
    dns_value_deinit(&v);
}

json_t *api_wire_list(const struct api *p, const struct cl_strv *values)
{
    json_t *list = json_array();

    for (size_t i = 0; i < values->len; i++) {
        append_wire(p, list, values->items[i]);
    }
    return list;
}

enum api_action api_set_values(struct api_run *run, struct api_target *t)
{
    struct cl_strv wanted = {0};
    json_t *old = json_array();
    bool exists = !t->absent && (t->n_records > 0 || run->p->a->exists_always);

    for (size_t i = 0; i < t->n_records; i++) {
        append_wire(run->p, old, t->records[i].value);
        if (!cl_strv_has(&t->removes, t->records[i].value) &&
            !cl_strv_has(&wanted, t->records[i].value)) {
            cl_strv_add(&wanted, t->records[i].value);
        }
    }
    for (size_t i = 0; i < t->adds.len; i++) {
        cl_strv_add(&wanted, t->adds.items[i]);
    }
    dns_env_set(&t->env, "values", dns_value_json(api_wire_list(run->p, &wanted)));
    dns_env_set(&t->env, "old", dns_value_json(old));
    const struct dns_value *ttl = dns_env_get(&t->env, "old_ttl");
    if (ttl == NULL || dns_value_is_empty(ttl)) {
        dns_env_set(&t->env, "old_ttl", dns_value_copy(dns_env_get(&run->env, "ttl")));
    }
    bool none = wanted.len == 0;
    cl_strv_deinit(&wanted);
    return none ? API_DELETE : exists ? API_PUT : API_CREATE;
}

/* ---- batches ---- */

void api_batch_begin(struct api_batch *b)
{
    b->changes = json_array();
    b->adds = json_array();
    b->removes = json_array();
}

static void put_variable(json_t *object, const char *key, const struct dns_env *env,
                         const char *name)
{
    const struct dns_value *v = dns_env_get(env, name);

    (void)json_object_set(object, key, v != NULL && v->json != NULL ? v->json : json_null());
}

/* What the calls of `get` have set for this name: an ETag, an id. */
static json_t *got(const struct api_run *run, const struct api_target *t)
{
    json_t *all = json_object();

    for (size_t i = 0; i < run->p->a->get.len; i++) {
        const struct dns_assign *set = &run->p->a->get.items[i].set;
        for (size_t k = 0; k < set->len; k++) {
            put_variable(all, set->names[k], &t->env, set->names[k]);
        }
    }
    return all;
}

static void add_entry(const struct api_target *t, json_t *list, const char *value,
                      const struct api *p, const struct api_record *r)
{
    json_t *entry = json_object();
    struct dns_value wire = api_wire(p, value);

    put_variable(entry, "name", &t->env, "name");
    put_variable(entry, "ttl", &t->env, "ttl");
    (void)json_object_set(entry, "value", wire.json);
    if (r != NULL) {
        (void)json_object_set(entry, "id", r->id != NULL ? r->id : json_null());
        (void)json_object_set(entry, "item", r->item);
    }
    (void)json_array_append_new(list, entry);
    dns_value_deinit(&wire);
}

size_t api_batch_add(struct api_run *run, struct api_target *t, struct api_batch *b)
{
    static const char *const ACTIONS[] = {"put", "create", "delete"};
    const struct api *p = run->p;
    size_t before = json_array_size(b->adds) + json_array_size(b->removes);

    if (t->adds.len == 0 && t->removes.len == 0) {
        return 0;
    }
    for (size_t i = 0; i < t->adds.len; i++) {
        add_entry(t, b->adds, t->adds.items[i], p, NULL);
    }
    for (size_t i = 0; i < t->n_records; i++) {
        if (cl_strv_has(&t->removes, t->records[i].value)) {
            add_entry(t, b->removes, t->records[i].value, p, &t->records[i]);
        }
    }
    json_t *change = json_object();
    enum api_action action = api_set_values(run, t);
    (void)json_object_set_new(change, "action", json_string(ACTIONS[action]));
    put_variable(change, "name", &t->env, "name");
    put_variable(change, "ttl", &t->env, "ttl");
    put_variable(change, "values", &t->env, "values");
    put_variable(change, "old", &t->env, "old");
    put_variable(change, "old_ttl", &t->env, "old_ttl");
    (void)json_object_set_new(change, "adds", api_wire_list(p, &t->adds));
    (void)json_object_set_new(change, "removes", api_wire_list(p, &t->removes));
    (void)json_object_set_new(change, "got", got(run, t));
    (void)json_array_append_new(b->changes, change);
    return p->d->model == DNS_RECORDS
               ? json_array_size(b->adds) + json_array_size(b->removes) - before
               : 1;
}

void api_batch_end(struct api_batch *b, struct dns_env *env)
{
    dns_env_set(env, "changes", dns_value_json(b->changes));
    dns_env_set(env, "adds", dns_value_json(b->adds));
    dns_env_set(env, "removes", dns_value_json(b->removes));
}

/* ---- guards ---- */

/* Own values come and go with other changes, too, and must not be taken for records of others. */
static void note_ours(struct api_zone *z, const struct dns_change *c)
{
    struct cl_strv left = {0};

    for (size_t i = 0; i < z->ours.len; i++) {
        const char *value = strchr(z->ours.items[i], ' ') + 1;
        size_t len = (size_t)(value - z->ours.items[i]) - 1;
        bool here = strlen(c->fqdn) == len && strncmp(c->fqdn, z->ours.items[i], len) == 0;
        if (!here || (!cl_strv_has(&c->remove, value) && !cl_strv_has(&c->add, value))) {
            cl_strv_add(&left, z->ours.items[i]);
        }
    }
    cl_strv_for_each(value, &c->add) {
        cl_strv_take(&left, cl_printf("%s %s", c->fqdn, value));
    }
    cl_strv_deinit(&z->ours);
    z->ours = left;
}

/* Records of the zone that are not own values: neither of this change nor of former ones. */
static long count_foreign(const struct api_run *run, struct api_zone *z)
{
    long own = 0;

    for (size_t i = 0; i < run->n_targets; i++) {
        const struct api_target *t = &run->targets[i];
        note_ours(z, t->change);
        for (size_t k = 0; k < t->n_records; k++) {
            own += cl_strv_has(&t->change->add, t->records[k].value) ||
                           cl_strv_has(&t->change->remove, t->records[k].value)
                       ? 1
                       : 0;
        }
        own -= (long)t->change->add.len; /* counted above if they are there yet */
    }
    return (long)json_array_size(run->targets[0].items) - own - (long)z->ours.len;
}

int api_zonefile_guard(struct api_run *run, struct cl_err *err)
{
    struct api_zone *z = cl_map_get(&run->p->zones, run->zone);
    cl_time now = loop_now(run->p->loop);
    long foreign = count_foreign(run, z);

    if (json_array_size(run->targets[0].items) == 0) {
        return cl_fail(
            err, CL_ERR_LOCAL, "ZoneLooksEmpty",
            "zonefile.get: the zone %s has no record at all, which cannot be: nothing is "
            "written, since writing replaces the whole zone",
            run->zone);
    }
    /* Fewer than before: half an answer, or somebody deleted records. What is still so a minute later
     * is taken for what it is. */
    if (z->foreign > foreign && (z->shrunk_to != foreign || now < z->shrunk_at + GUARD_PATIENCE)) {
        if (z->shrunk_to != foreign || z->shrunk_at == 0) {
            z->shrunk_to = foreign;
            z->shrunk_at = now;
        }
        (void)cl_fail(err, CL_ERR_TRANSIENT, "ZoneShrank",
                      "zonefile.get: the zone %s had %ld other records and now has %ld: nothing is "
                      "written until it has been so for a minute",
                      run->zone, z->foreign, foreign);
        err->retry_at = z->shrunk_at + GUARD_PATIENCE;
        return -1;
    }
    z->foreign = foreign;
    z->shrunk_to = -1;
    z->shrunk_at = 0;
    return 0;
}
