/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desired: the set of values of one zone. A value leaves the set when it is known to be gone, or
 * was never sent; until then a journal can list it. */
#include "backends/dns/dns_desired.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

/* ---- the set ---- */

static void name_free(struct dns_desired_name *n)
{
    for (size_t i = 0; i < n->n; i++) {
        cl_free(n->values[i].value);
    }
    cl_free(n->values);
    cl_free(n->fqdn);
    cl_free(n);
}

void dns_desired_deinit(struct dns_desired *d)
{
    size_t pos = 0;
    void *name;

    while (cl_map_next(&d->names, &pos, NULL, &name)) {
        name_free(name);
    }
    cl_map_deinit(&d->names);
    *d = (struct dns_desired){0};
}

static struct dns_value *find(const struct dns_desired *d, const char *fqdn, const char *value)
{
    const struct dns_desired_name *n = cl_map_get(&d->names, fqdn);

    for (size_t i = 0; n != NULL && i < n->n; i++) {
        if (strcmp(n->values[i].value, value) == 0) {
            return &n->values[i];
        }
    }
    return NULL;
}

static struct dns_value *get(struct dns_desired *d, const char *fqdn, const char *value)
{
    struct dns_value *v = find(d, fqdn, value);
    struct dns_desired_name *n = cl_map_get(&d->names, fqdn);

    if (v != NULL) {
        return v;
    }
    if (n == NULL) {
        n = cl_new(struct dns_desired_name);
        n->fqdn = cl_strdup(fqdn);
        (void)cl_map_set(&d->names, fqdn, n);
    }
    n->values = cl_reallocarray(n->values, n->n + 1, sizeof(n->values[0]));
    v = &n->values[n->n++];
    *v = (struct dns_value){.value = cl_strdup(value)};
    return v;
}

/* Takes @v, a value of @n, out; the name too, if it was the last one. */
static void forget(struct dns_desired *d, struct dns_desired_name *n, struct dns_value *v)
{
    size_t i = (size_t)(v - n->values);

    cl_free(v->value);
    memmove(v, v + 1, (n->n - i - 1) * sizeof(*v));
    if (--n->n == 0) {
        (void)cl_map_remove(&d->names, n->fqdn);
        name_free(n);
    }
}

void dns_desired_add(struct dns_desired *d, const char *fqdn, const char *value)
{
    get(d, fqdn, value)->refs++;
}

void dns_desired_release(struct dns_desired *d, const char *fqdn, const char *value, cl_time now)
{
    struct dns_value *v = find(d, fqdn, value);

    cl_assert(v != NULL && v->refs > 0);
    if (--v->refs > 0) {
        return;
    }
    v->released_at = now;
    if (v->state == DNS_VALUE_ABSENT && !v->in_flight) {
        forget(d, cl_map_get(&d->names, fqdn), v);
    }
}

void dns_desired_keep(struct dns_desired *d, const char *fqdn, const char *value)
{
    struct dns_value *v = find(d, fqdn, value);

    cl_assert(v != NULL && v->refs > 0);
    if (--v->refs == 0 && !v->in_flight) {
        forget(d, cl_map_get(&d->names, fqdn), v);
    }
}

void dns_desired_recover(struct dns_desired *d, const char *fqdn, const char *value, cl_time now)
{
    struct dns_value *v = get(d, fqdn, value);

    if (v->state == DNS_VALUE_ABSENT) {
        v->state = DNS_VALUE_UNSURE;
    }
    v->released_at = now;
}

enum dns_value_state dns_desired_state(const struct dns_desired *d, const char *fqdn,
                                       const char *value)
{
    const struct dns_value *v = find(d, fqdn, value);

    return v != NULL ? v->state : DNS_VALUE_ABSENT;
}

bool dns_desired_empty(const struct dns_desired *d)
{
    return d->names.count == 0;
}

/* ---- what can be written ---- */

static bool wanted(const struct dns_value *v)
{
    return v->refs > 0;
}

static bool is_removal(const struct dns_value *v)
{
    return v->refs == 0 && v->state != DNS_VALUE_ABSENT;
}

/* Those of the name that have a place: all that are there and wanted, then the others in the order
 * in which they came. What is wanted by nobody gives its place away in the same change. */
static bool has_place(const struct dns_desired_name *n, const struct dns_value *v, unsigned places)
{
    size_t before = 0;

    if (places == 0 || v->state == DNS_VALUE_PRESENT) {
        return true;
    }
    for (size_t i = 0; i < n->n; i++) {
        const struct dns_value *o = &n->values[i];
        before += o != v && wanted(o) && (o->state == DNS_VALUE_PRESENT || o < v);
    }
    return before < places;
}

static bool is_add(const struct dns_desired_name *n, const struct dns_value *v, unsigned places)
{
    return wanted(v) && v->state != DNS_VALUE_PRESENT && has_place(n, v, places);
}

bool dns_desired_has_room(const struct dns_desired *d, const char *fqdn, const char *value,
                          unsigned places)
{
    const struct dns_value *v = find(d, fqdn, value);

    return v == NULL || has_place(cl_map_get(&d->names, fqdn), v, places);
}

cl_time dns_desired_due(const struct dns_desired *d, const struct dns_batch_rules *rules)
{
    cl_time due = CL_NEVER;
    size_t pos = 0;
    void *value;

    while (cl_map_next(&d->names, &pos, NULL, &value)) {
        const struct dns_desired_name *n = value;
        for (size_t i = 0; i < n->n; i++) {
            const struct dns_value *v = &n->values[i];
            if (is_add(n, v, rules->values_per_name)) {
                return 0;
            }
            if (is_removal(v)) {
                cl_time at = rules->flush ? v->released_at : v->released_at + DNS_LAZY;
                due = cl_time_min(due, cl_time_max(at, d->not_before));
            }
        }
    }
    return due;
}

static void collect(struct dns_desired_name *n, unsigned places, bool removals,
                    struct dns_batch *ret)
{
    struct dns_change c = {.fqdn = n->fqdn};

    for (size_t i = 0; i < n->n; i++) {
        struct dns_value *v = &n->values[i];
        if (is_add(n, v, places)) {
            cl_strv_add(&c.add, v->value);
        } else if (removals && is_removal(v)) {
            cl_strv_add(&c.remove, v->value);
        }
    }
    for (size_t i = 0; i < n->n; i++) { /* marked last: places are counted by what was before */
        struct dns_value *v = &n->values[i];
        v->in_flight = cl_strv_has(&c.add, v->value) || cl_strv_has(&c.remove, v->value);
    }
    ret->adds |= c.add.len > 0;
    ret->removes |= c.remove.len > 0;
    if (c.add.len + c.remove.len == 0) {
        return;
    }
    ret->changes = cl_reallocarray(ret->changes, ret->n + 1, sizeof(ret->changes[0]));
    ret->changes[ret->n++] = c;
}

void dns_desired_batch(struct dns_desired *d, const struct dns_batch_rules *rules, cl_time now,
                       struct dns_batch *ret)
{
    bool removals = dns_desired_due(d, rules) <= now; /* 0 if anything is wanted: they join it */
    size_t pos = 0;
    void *name;

    *ret = (struct dns_batch){0};
    while (removals && cl_map_next(&d->names, &pos, NULL, &name)) {
        collect(name, rules->values_per_name, removals, ret);
    }
}

static void batch_deinit(struct dns_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        cl_strv_deinit(&batch->changes[i].add);
        cl_strv_deinit(&batch->changes[i].remove);
    }
    cl_free(batch->changes);
    *batch = (struct dns_batch){0};
}

static void added(struct dns_desired *d, const char *fqdn, const char *value, bool ok, cl_time now)
{
    struct dns_value *v = find(d, fqdn, value);

    v->in_flight = false;
    v->state = ok ? DNS_VALUE_PRESENT : DNS_VALUE_UNSURE;
    if (v->refs == 0) { /* released meanwhile */
        v->released_at = now;
    }
}

static void removed(struct dns_desired *d, struct dns_desired_name *n, const char *value, bool ok)
{
    struct dns_value *v = find(d, n->fqdn, value);

    v->in_flight = false;
    if (!ok) {
        v->state = DNS_VALUE_UNSURE;
    } else if (v->refs > 0) { /* wanted again meanwhile */
        v->state = DNS_VALUE_ABSENT;
    } else {
        forget(d, n, v);
    }
}

void dns_desired_done(struct dns_desired *d, struct dns_batch *batch, bool ok, cl_time now)
{
    static const cl_time WAIT[] = {CL_MINUTE, 5 * CL_MINUTE, 15 * CL_MINUTE, CL_HOUR};
    const size_t last = sizeof(WAIT) / sizeof(WAIT[0]) - 1;

    for (size_t i = 0; i < batch->n; i++) {
        struct dns_change *c = &batch->changes[i];
        cl_strv_for_each(value, &c->add) {
            added(d, c->fqdn, value, ok, now);
        }
        char *fqdn = cl_strdup(c->fqdn); /* the name may go with its last value */
        cl_strv_for_each(value, &c->remove) {
            removed(d, cl_map_get(&d->names, fqdn), value, ok);
        }
        cl_free(fqdn);
    }
    if (ok) {
        d->failures = 0;
        d->not_before = 0;
    } else {
        d->not_before = now + WAIT[d->failures < last ? d->failures : last];
        d->failures++;
    }
    batch_deinit(batch);
}

void dns_desired_undo(struct dns_desired *d, struct dns_batch *batch)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&d->names, &pos, NULL, &value)) {
        struct dns_desired_name *n = value;
        for (size_t i = n->n; i-- > 0;) {
            struct dns_value *v = &n->values[i];
            v->in_flight = false;
            if (v->refs == 0 && v->state == DNS_VALUE_ABSENT) {
                bool last = n->n == 1;
                forget(d, n, v);
                if (last) {
                    break;
                }
            }
        }
    }
    batch_deinit(batch);
}

void dns_desired_each(const struct dns_desired *d,
                      void (*fn)(void *user, const char *fqdn, const struct dns_value *v),
                      void *user)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&d->names, &pos, NULL, &value)) {
        const struct dns_desired_name *n = value;
        for (size_t i = 0; i < n->n; i++) {
            if (n->values[i].state != DNS_VALUE_ABSENT || n->values[i].in_flight) {
                fn(user, n->fqdn, &n->values[i]);
            }
        }
    }
}
