/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_limits: the ledger, for people: what is left, what comes back when, who is held. */
#include "reconciler/cli/cli_planner.h"
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"

#define ROWS_MAX 1000u
#define HELD_SHOWN 20u

struct limits {
    struct cli_planner p;
    struct cli_table table;
    json_t *issuers;
    size_t shown;
};

static const char *wanted_issuer(const struct cli *c)
{
    return c->args.len > 0 ? c->args.items[0] : NULL;
}

static const char *when(cl_time t, char buf[CL_TIME_TEXT])
{
    return t == 0 ? "-" : cl_time_format(t, buf);
}

static void add_row(struct limits *l, const struct unit *issuer, const struct ledger_row *r,
                    json_t *rows)
{
    const struct ledger_bucket *b = r->bucket;
    char left[48], each[CL_DURATION_TEXT], next[CL_TIME_TEXT], full[CL_TIME_TEXT], held[16];

    if (rows != NULL) {
        (void)json_array_append_new(
            rows,
            json_pack("{s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:i}", "bucket", ledger_kind_name(b->kind),
                      "key", b->key, "capacity", (json_int_t)b->limit.capacity, "left",
                      (json_int_t)r->left, "refillSeconds",
                      (json_int_t)(b->limit.refill / CL_SECOND), "nextAt", json_time(r->next_at),
                      "fullAt", json_time(r->full_at > l->p.now ? r->full_at : 0), "blockedUntil",
                      json_time(r->blocked_until), "held", (int)b->waiting));
        return;
    }
    (void)cl_format(left, sizeof left, "%ld of %ld", r->left, b->limit.capacity);
    (void)cl_format(held, sizeof held, "%u", b->waiting);
    cli_table_row(&l->table, issuer->name, ledger_kind_name(b->kind), b->key, left,
                  cl_duration_format(b->limit.refill, each), when(r->next_at, next),
                  when(r->full_at > l->p.now ? r->full_at : 0, full), held, NULL);
}

/* Who waits, in the order of their turns. */
static int by_turn(const void *a, const void *b)
{
    const struct unit *x = *(struct unit *const *)a;
    const struct unit *y = *(struct unit *const *)b;
    return x->ledger.turn < y->ledger.turn ? -1 : (x->ledger.turn > y->ledger.turn ? 1 : 0);
}

static size_t held_units(struct limits *l, const struct unit *issuer, struct unit ***ret)
{
    size_t pos = 0;
    size_t n = 0;
    void *value;

    *ret = cl_calloc(l->p.d->units.count + 1, sizeof(struct unit *));
    while (cl_map_next(&l->p.d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (!u->is_issuer && u->ledger.n > 0 && cl_heap_contains(&u->ledger.wait) &&
            u->ledger.turn > l->p.now && cl_streq(u->issuer_key, issuer->key)) {
            (*ret)[n++] = u;
        }
    }
    qsort(*ret, n, sizeof(struct unit *), by_turn);
    return n;
}

static json_t *held_json(struct unit *const *held, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct ledger_bucket *b = held[i]->ledger.decides;
        (void)json_array_append_new(list,
                                    json_pack("{s:s,s:s,s:o}", "object", held[i]->display, "bucket",
                                              b != NULL ? ledger_kind_name(b->kind) : "", "turn",
                                              json_time(held[i]->ledger.turn)));
    }
    return list;
}

static void show_issuer(struct limits *l, struct unit *issuer)
{
    struct ledger_row *rows = cl_calloc(ROWS_MAX, sizeof *rows);
    size_t n = ledger_book_rows(issuer, l->p.now, rows, ROWS_MAX);
    bool json = l->p.c->output == CLI_JSON;
    json_t *list = json ? json_array() : NULL;
    struct unit **held;
    size_t n_held = held_units(l, issuer, &held);

    for (size_t i = 0; i < n; i++) {
        add_row(l, issuer, &rows[i], list);
    }
    if (json) {
        (void)json_array_append_new(l->issuers,
                                    json_pack("{s:s,s:o,s:o}", "issuer", issuer->name, "rateLimits",
                                              list, "held", held_json(held, n_held)));
    } else if (n == 0) {
        cli_table_row(&l->table, issuer->name, "-", "-", "no limits are known", "-", "-", "-", "-",
                      NULL);
    }
    l->shown++;
    cl_free(held);
    cl_free(rows);
}

static void plan_all(struct limits *l)
{
    for (unsigned round = 0; round < 2; round++) {
        size_t pos = 0;
        void *value;
        while (cl_map_next(&l->p.d->units, &pos, NULL, &value)) {
            struct unit *u = value;
            struct observation seen;
            struct plan plan;
            struct cl_err err = {0};
            if (!u->is_issuer) { /* what cannot be planned waits for no limit */
                (void)cli_planner_plan(&l->p, u, false, &seen, &plan, &err);
            }
        }
        cli_planner_settle(&l->p);
    }
}

static void print_held_by(struct limits *l, const struct unit *issuer)
{
    struct unit **held;
    char at[CL_TIME_TEXT];
    size_t n = held_units(l, issuer, &held);

    for (size_t i = 0; i < n && i < HELD_SHOWN; i++) {
        const struct ledger_bucket *b = held[i]->ledger.decides;
        bool of_one = b != NULL && !cl_streq(b->key, "*");
        (void)fprintf(l->p.c->out, "%s is held by %s%s%s until %s\n", held[i]->display,
                      b != NULL ? ledger_kind_name(b->kind) : "its place in line",
                      of_one ? " " : "", of_one ? b->key : "",
                      cl_time_format(held[i]->ledger.turn, at));
    }
    if (n > HELD_SHOWN) {
        (void)fprintf(l->p.c->out, "... and %zu more, the last until %s\n", n - HELD_SHOWN,
                      cl_time_format(held[n - 1]->ledger.turn, at));
    }
    cl_free(held);
}

static void print_held(struct limits *l)
{
    const char *wanted = wanted_issuer(l->p.c);
    size_t pos = 0;
    void *value;

    while (cl_map_next(&l->p.d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (u->is_issuer && (wanted == NULL || cl_streq(wanted, u->name))) {
            print_held_by(l, u);
        }
    }
}

static void print_warnings(struct limits *l, const struct unit *issuer)
{
    struct cl_strv lines = {0};
    if (issuer->instance == NULL || issuer->instance->ops->type != ISSUER_ACME) {
        return;
    }
    const struct acme_spec *a = &issuer->instance->object->issuer->acme;
    const struct known_ca *k = ca_catalog_find(ledger_book_cas(l->p.d->ledger), a->server);
    if (k != NULL) {
        known_ca_warnings(k, a, l->p.now, &lines);
    }
    cl_strv_for_each(line, &lines) {
        (void)fprintf(stderr, "certloop limits: Issuer %s: %s\n", issuer->name, line);
    }
    cl_strv_deinit(&lines);
}

static int show(struct limits *l)
{
    struct cli *c = l->p.c;
    size_t pos = 0;
    void *value;

    plan_all(l);
    while (cl_map_next(&l->p.d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (u->is_issuer && u->instance != NULL && u->instance->ops->type == ISSUER_ACME &&
            (wanted_issuer(c) == NULL || cl_streq(wanted_issuer(c), u->name))) {
            show_issuer(l, u);
            print_warnings(l, u);
        }
    }
    if (l->shown == 0 && wanted_issuer(c) != NULL) {
        return cli_error(c, 1, "there is no ACME Issuer %s in %s", wanted_issuer(c),
                         c->paths.specs);
    }
    if (c->output == CLI_JSON) {
        cli_print_json(c,
                       json_pack("{s:s,s:O}", "apiVersion", "certloop/v1", "issuers", l->issuers));
    } else if (l->shown > 0) {
        cli_table_print(c, &l->table);
        print_held(l);
    } else {
        (void)fprintf(c->out, "there are no ACME Issuers: nothing is limited\n");
    }
    return 0;
}

int cmd_limits(struct cli *c)
{
    struct limits l = {.issuers = json_array()};
    int rc = cli_planner_open(c, &l.p);

    if (rc == 0) {
        cli_table_row(&l.table, "ISSUER", "BUCKET", "KEY", "LEFT", "ONE MORE EACH", "NEXT", "FULL",
                      "HELD", NULL);
        rc = show(&l);
    }
    cl_strv_deinit(&l.table.cells);
    json_decref(l.issuers);
    cli_planner_close(&l.p);
    return rc;
}
