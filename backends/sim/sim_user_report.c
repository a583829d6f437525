/* SPDX-License-Identifier: Apache-2.0 */
/* sim_user_report: orders -> a line for each Certificate. */
#include "backends/sim/sim_user_report.h"

#include "backends/sim/sim_ca.h"
#include "backends/sim/sim_check.h"
#include "spec/base/cl_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_user_report_add(struct sim_user_report *r, const struct object *o,
                         const struct cl_strv *names)
{
    struct cl_strv typed = {0};
    struct sim_user_cert c = {.name = object_display_name(o), .suspended = o->cert->suspend};

    cl_strv_for_each(name, names) {
        cl_strv_take(&typed, cl_printf("dns:%s", name));
    }
    cl_strv_sort(&typed);
    c.names = cl_strv_join(&typed, " ");
    c.key = cl_strdup(c.name);
    cl_strv_deinit(&typed);
    r->items = cl_reallocarray(r->items, r->len + 1, sizeof *r->items);
    r->items[r->len++] = c;
}

void sim_user_report_deinit(struct sim_user_report *r)
{
    for (size_t i = 0; i < r->len; i++) {
        cl_free(r->items[i].name);
        cl_free(r->items[i].key);
        cl_free(r->items[i].names);
        cl_free(r->items[i].held);
        cl_free(r->items[i].issued);
        cl_free(r->items[i].not_after);
    }
    cl_free(r->items);
    cl_free(r->violation);
    *r = (struct sim_user_report){0};
}

/* What is kept outlives the world, so it must not be of its memory: see keep_texts in sim_run.c. */
static char *keep_text(const char *text)
{
    struct sim *world = sim;
    sim = NULL;
    char *copy = cl_strdup(text);
    sim = world;
    return copy;
}

static cl_time *keep_time(cl_time *take_list, size_t n, cl_time t)
{
    struct sim *world = sim;
    sim = NULL;
    cl_time *list = cl_reallocarray(take_list, n + 1, sizeof(cl_time));
    sim = world;
    list[n] = t;
    return list;
}

void sim_user_report_look(struct sim_user_report *r)
{
    SIM_WORLD();
    for (size_t i = 0; i < r->len; i++) {
        char *reason = sim_condition(r->items[i].key, "Issuing", "reason");
        if (cl_streq(reason, "RateLimited")) {
            char *message = sim_condition(r->items[i].key, "Issuing", "message");
            r->items[i].held = keep_text(message);
            cl_free(message);
        }
        cl_free(reason);
    }
}

static void note(struct sim_user_cert *c, const struct sim_order *o)
{
    cl_time came = o->delivered_at - SIM_START;
    cl_time until = c->n > 0 ? c->not_after[c->n - 1] : came;

    if (c->n > 0 && came > until && c->gap_to == 0) {
        c->gap_from = until;
        c->gap_to = came;
    }
    c->issued = keep_time(c->issued, c->n, came);
    c->not_after = keep_time(c->not_after, c->n, o->not_after - SIM_START);
    c->n++;
}

/* Several Certificates may ask for one set of names: each takes its share in turn. */
static struct sim_user_cert *of_order(const struct sim_user_report *r,
                                      const struct cl_map *by_names, const struct sim_order *o)
{
    struct sim_user_cert *first = cl_map_get(by_names, o->names);
    struct sim_user_cert *best = first;

    for (struct sim_user_cert *c = first; first != NULL && c < r->items + r->len; c++) {
        if (cl_streq(c->names, o->names) && c->n < best->n) {
            best = c;
        }
    }
    return best;
}

void sim_user_report_collect(struct sim_user_report *r)
{
    SIM_WORLD();
    struct cl_map by_names = {0};
    size_t pos = 0;
    void *value;

    for (size_t i = r->len; i-- > 0;) { /* the first of equal ones stays */
        (void)cl_map_set(&by_names, r->items[i].names, &r->items[i]);
    }
    while (cl_map_next(&sim->cas, &pos, NULL, &value)) {
        struct sim_ca *ca = value;
        size_t at = 0;
        r->limited += ca->n_limited;
        while (cl_map_next(&ca->orders, &at, NULL, &value)) {
            const struct sim_order *o = value;
            struct sim_user_cert *c = o->delivered ? of_order(r, &by_names, o) : NULL;
            if (c != NULL) {
                note(c, o);
            }
        }
    }
    cl_map_deinit(&by_names);
    for (size_t i = 0; i < r->len; i++) {
        struct sim_user_cert *c = &r->items[i];
        if (c->n == 0) { /* no order: is it from an issuer without a CA? */
            char *ready = sim_condition(c->key, "Ready", "status");
            c->embedded = cl_streq(ready, "True");
            cl_free(ready);
        }
    }
}

static bool is_late(const struct sim_user_cert *c, cl_time horizon)
{
    if (c->suspended || c->embedded) {
        return false;
    }
    return c->n == 0 || c->gap_to > 0 || c->not_after[c->n - 1] < horizon;
}

static const char *at(cl_time since, char buf[CL_TIME_TEXT])
{
    return cl_time_format(SIM_START + since, buf);
}

static void print_one(const struct sim_user_cert *c, cl_time horizon)
{
    char a[CL_TIME_TEXT], b[CL_TIME_TEXT];

    if (c->embedded || c->suspended) {
        (void)printf("%s: %s\n", c->name, c->suspended ? "suspended" : "from an issuer of its own");
        return;
    }
    if (c->n == 0) {
        (void)printf("%s: LATE: never issued\n", c->name);
        return;
    }
    (void)printf("%s: issued %s, renewed %zu times, the last until %s", c->name,
                 at(c->issued[0], a), c->n - 1, at(c->not_after[c->n - 1], b));
    if (c->held != NULL) {
        (void)printf("; held at first: %s", c->held);
    }
    if (c->gap_to > 0) {
        (void)printf("; LATE: without a valid certificate from %s to %s", at(c->gap_from, a),
                     at(c->gap_to, b));
    } else if (c->not_after[c->n - 1] < horizon) {
        (void)printf("; LATE: expired %s and was not renewed", at(c->not_after[c->n - 1], a));
    }
    (void)printf("\n");
}

static json_t *one_json(const struct sim_user_cert *c, cl_time horizon)
{
    json_t *issued = json_array();
    char text[CL_TIME_TEXT];

    for (size_t i = 0; i < c->n; i++) {
        char until[CL_TIME_TEXT];
        (void)json_array_append_new(issued, json_pack("{s:s,s:s}", "at", at(c->issued[i], text),
                                                      "notAfter", at(c->not_after[i], until)));
    }
    json_t *o = json_pack("{s:s,s:o,s:b}", "object", c->name, "issued", issued, "late",
                          is_late(c, horizon));
    if (c->held != NULL) {
        (void)json_object_set_new(o, "held", json_string(c->held));
    }
    return o;
}

int sim_user_report_print(struct sim_user_report *r, cl_time horizon, bool json)
{
    size_t late = 0;
    size_t renewals = 0;
    cl_time ready = 0;
    char text[CL_TIME_TEXT];
    json_t *list = json_array();

    for (size_t i = 0; i < r->len; i++) {
        const struct sim_user_cert *c = &r->items[i];
        late += is_late(c, horizon) ? 1 : 0;
        renewals += c->n > 0 ? c->n - 1 : 0;
        ready = c->n > 0 ? cl_time_max(ready, c->issued[0]) : ready;
        if (json) {
            (void)json_array_append_new(list, one_json(c, horizon));
        } else {
            print_one(c, horizon);
        }
    }
    if (json) {
        json_t *root =
            json_pack("{s:s,s:O,s:I,s:I,s:I,s:s}", "apiVersion", "certloop/v1", "certificates",
                      list, "late", (json_int_t)late, "renewals", (json_int_t)renewals,
                      "refusedByLimits", (json_int_t)r->limited, "allIssuedAt", at(ready, text));
        char *out = json_dumps(root, JSON_INDENT(2));
        (void)printf("%s\n", out);
        cl_free(out);
        json_decref(root);
    } else {
        (void)printf("In all: %zu certificates, the last one issued first %s, %zu renewals, %llu "
                     "requests refused because of limits, %zu late.\n",
                     r->len, at(ready, text), renewals, (unsigned long long)r->limited, late);
    }
    if (r->violation != NULL) {
        (void)fprintf(stderr, "certloop simulate: the simulation ended early: %s\n", r->violation);
    }
    json_decref(list);
    return late > 0 || r->violation != NULL ? 1 : 0;
}
