/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_write: the write phase of the five models: one request after the other until every target
 * has what was planned for it. A model's function starts the next request and says true, or false
 * when nothing is left. After each one `wait` is run, then the next. */
#include "backends/dns/dns_api.h"
#include "backends/dns/dns_api_values.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void next(struct api_run *run);
static void written(struct api_run *run);
static void waited(struct api_run *run);

static void send(struct api_run *run, const char *step, const struct dns_calls *calls,
                 struct dns_env *env)
{
    api_run_try(run, step, calls, env, written);
    run->exec.once = true;
}

static void written(struct api_run *run)
{
    const struct api_exec *x = &run->exec;

    if (x->err.kind != CL_ERR_NONE) {
        /* 412 and 409: it is not what it was when it was read. */
        bool conflict = x->err.http_status == 412 ||
                        (x->err.http_status == 409 && run->p->d->model == DNS_RRSET);
        if (x->lost || conflict) {
            struct cl_err why = x->err;
            api_apply_again(run, &why);
        } else {
            api_run_end(run, &x->err);
        }
        return;
    }
    (void)cl_map_set(&run->p->uncommitted, run->zone, run->p);
    if (run->p->a->wait.len > 0 && !x->absent) {
        api_run_step(run, "wait", &run->p->a->wait, run->exec.env, waited);
        return;
    }
    next(run);
}

static void waited(struct api_run *run)
{
    next(run);
}

/* ---- records: one request for each value ---- */

static bool records_next(struct api_run *run, struct api_target *t)
{
    const struct dns_api *a = run->p->a;

    if (t->next_add < t->adds.len) {
        dns_env_set(&t->env, "value", api_wire(run->p, t->adds.items[t->next_add++]));
        send(run, "records.add", &a->add, &t->env);
        return true;
    }
    while (t->next_remove < t->n_records) {
        const struct api_record *r = &t->records[t->next_remove++];
        if (cl_strv_has(&t->removes, r->value)) {
            dns_env_set(&t->env, "value", api_wire(run->p, r->value));
            dns_env_set(&t->env, "id", dns_value_ref(r->id));
            dns_env_set(&t->env, "item", dns_value_ref(r->item));
            send(run, "records.remove", &a->remove, &t->env);
            return true;
        }
    }
    return false;
}

/* ---- rrset: all values of a name at once ---- */

static bool rrset_next(struct api_run *run, struct api_target *t)
{
    const struct dns_api *a = run->p->a;

    if (t->next_add > 0 || (t->adds.len == 0 && t->removes.len == 0)) {
        return false;
    }
    t->next_add = 1; /* written once in this round */
    enum api_action action = api_set_values(run, t);
    if (action == API_DELETE) {
        send(run, "rrset.delete", &a->drop, &t->env);
    } else if (action == API_CREATE && a->create.len > 0) {
        send(run, "rrset.create", &a->create, &t->env);
    } else {
        send(run, "rrset.put", &a->put, &t->env);
    }
    return true;
}

/* ---- delta: values are added and removed by what they are ---- */

static bool delta_next(struct api_run *run, struct api_target *t)
{
    const struct dns_api *a = run->p->a;
    json_t *adds = api_wire_list(run->p, &t->adds);
    json_t *removes = api_wire_list(run->p, &t->removes);
    bool sent = true;

    dns_env_set(&t->env, "adds", dns_value_ref(adds));
    dns_env_set(&t->env, "removes", dns_value_ref(removes));
    dns_env_set(&t->env, "values", dns_value_ref(t->adds.len > 0 ? adds : removes));
    if (a->change.len > 0 && t->next_add == 0 && t->adds.len + t->removes.len > 0) {
        t->next_add = t->next_remove = 1;
        send(run, "delta.change", &a->change, &t->env);
    } else if (a->change.len == 0 && t->adds.len > 0 && t->next_add == 0) {
        t->next_add = 1;
        send(run, "delta.add", &a->add, &t->env);
    } else if (a->change.len == 0 && t->removes.len > 0 && t->next_remove == 0) {
        t->next_remove = 1;
        dns_env_set(&t->env, "values", dns_value_ref(removes));
        send(run, "delta.remove", &a->remove, &t->env);
    } else {
        sent = false;
    }
    json_decref(adds);
    json_decref(removes);
    return sent;
}

/* ---- slot: a value takes the place of what is there ---- */

static bool slot_next(struct api_run *run, struct api_target *t)
{
    const struct dns_api *a = run->p->a;

    if (t->next_add < t->adds.len) {
        dns_env_set(&t->env, "value", api_wire(run->p, t->adds.items[t->next_add++]));
        send(run, "slot.set", &a->set, &t->env);
        return true;
    }
    if (t->adds.len == 0 && t->removes.len > 0 && t->next_remove == 0 && a->clear.len > 0) {
        t->next_remove = 1;
        dns_env_set(&t->env, "value", api_wire(run->p, t->removes.items[t->removes.len - 1]));
        send(run, "slot.clear", &a->clear, &t->env);
        return true;
    }
    return false;
}

/* ---- zonefile: all records of the zone ---- */

static bool is_removed(const struct api_run *run, const json_t *entry)
{
    for (size_t i = 0; i < run->n_targets; i++) {
        const struct api_target *t = &run->targets[i];
        for (size_t k = 0; k < t->n_records; k++) {
            if (t->records[k].whole == entry && cl_strv_has(&t->removes, t->records[k].value)) {
                return true;
            }
        }
    }
    return false;
}

static int add_new(struct api_run *run, struct api_target *t, json_t *records, struct cl_err *err)
{
    for (size_t i = 0; i < t->adds.len; i++) {
        struct dns_eval ev = api_eval(run->p, &t->env, NULL);
        struct dns_value v = {0};
        dns_env_set(&t->env, "value", api_wire(run->p, t->adds.items[i]));
        if (dns_tpl_render(run->p->a->record, &ev, &v, NULL, err) < 0) {
            return -1;
        }
        (void)json_array_append(records, v.json);
        dns_value_deinit(&v);
    }
    return 0;
}

static bool zonefile_next(struct api_run *run)
{
    struct api_target *first = &run->targets[0];
    json_t *records = json_array();
    struct cl_err err = {0};

    for (size_t i = 0; i < json_array_size(first->items); i++) {
        json_t *entry = json_array_get(first->items, i);
        if (!is_removed(run, entry)) {
            (void)json_array_append(records, entry);
        }
    }
    for (size_t i = 0; i < run->n_targets; i++) {
        if (add_new(run, &run->targets[i], records, &err) < 0) {
            json_decref(records);
            cl_wrap(&err, "zonefile.record");
            api_run_end(run, &err);
            return true;
        }
    }
    dns_env_set(&first->env, "records", dns_value_json(records));
    run->at = run->n_targets; /* one request for all */
    send(run, "zonefile.put", &run->p->a->put, &first->env);
    return true;
}

/* ---- batches: many names in one request ---- */

static bool batch_next(struct api_run *run)
{
    static const char *const STEPS[] = {"records.batch", "rrset.batch", "delta.batch", "", ""};
    struct api_batch b = {0};
    size_t n = 0;

    api_batch_begin(&b);
    while (run->at < run->n_targets && n < run->p->a->batch_max) {
        n += api_batch_add(run, &run->targets[run->at++], &b);
    }
    bool some = n > 0;
    api_batch_end(&b, &run->env); /* takes the lists */
    if (some) {
        run->at = run->at > run->n_targets ? run->n_targets : run->at;
        send(run, STEPS[run->p->d->model], &run->p->a->batch, &run->env);
    }
    return some;
}

/* ---- all ---- */

static bool target_next(struct api_run *run, struct api_target *t)
{
    switch (run->p->d->model) {
    case DNS_RECORDS:
        return records_next(run, t);
    case DNS_RRSET:
        return rrset_next(run, t);
    case DNS_DELTA:
        return delta_next(run, t);
    case DNS_SLOT:
        return slot_next(run, t);
    case DNS_ZONEFILE:
        return zonefile_next(run);
    }
    return false;
}

/* A single change goes the plain way, if the description has one. */
static bool in_batches(const struct api_run *run)
{
    const struct dns_api *a = run->p->a;
    size_t dirty = 0;

    for (size_t i = 0; i < run->n_targets; i++) {
        dirty += run->targets[i].adds.len + run->targets[i].removes.len > 0 ? 1 : 0;
    }
    bool plain = a->put.len + a->add.len + a->change.len > 0;
    return a->batch.len > 0 && (dirty > 1 || !plain);
}

static void next(struct api_run *run)
{
    if (in_batches(run)) {
        if (!batch_next(run)) {
            api_apply_written(run);
        }
        return;
    }
    while (run->at < run->n_targets) {
        if (target_next(run, &run->targets[run->at])) {
            return;
        }
        run->at++;
    }
    api_apply_written(run);
}

static bool is_empty(const json_t *id)
{
    return id == NULL || json_is_null(id) || (json_is_string(id) && json_string_length(id) == 0);
}

/* A description may deal with it by itself: {when: "${not(id)}", ...}. */
static bool expects_none(const struct dns_calls *remove)
{
    for (size_t i = 0; i < remove->len; i++) {
        if (dns_tpl_uses(remove->items[i].when, "id")) {
            return true;
        }
    }
    return false;
}

/* What is removed by its id has to have one: without it the request would go to all records, or to
 * none. Looked at before anything is written. */
static int check_ids(const struct api_run *run, struct cl_err *err)
{
    const struct dns_api *a = run->p->a;

    if (run->p->d->model != DNS_RECORDS ||
        (a->item.id == NULL && !dns_calls_use(&a->remove, "id")) || expects_none(&a->remove)) {
        return 0;
    }
    for (size_t i = 0; i < run->n_targets; i++) {
        const struct api_target *t = &run->targets[i];
        for (size_t k = 0; k < t->n_records; k++) {
            if (cl_strv_has(&t->removes, t->records[k].value) && is_empty(t->records[k].id)) {
                return cl_fail(err, CL_ERR_BAD_RESULT, "ItemIdMissing",
                               "records.list: item.id finds nothing for a value at %s that has to "
                               "be removed by it: the description does not fit the answer",
                               t->change->fqdn);
            }
        }
    }
    return 0;
}

void api_write(struct api_run *run)
{
    struct cl_err err = {0};

    if (check_ids(run, &err) < 0) {
        api_run_end(run, &err);
        return;
    }
    next(run);
}
