/* SPDX-License-Identifier: Apache-2.0 */
/* cli_planner: a read-only daemon that scans once. */
#include "reconciler/cli/cli_planner.h"

#include "backends/rt/loop.h"
#include "reconciler/inventory.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

#define ORDER_TAKES (10 * CL_SECOND) /* from its turn to Ready, as a rule */

/* An Issuer is taken as usable unless the running daemon says that it is not. */
static void assume_issuers(struct cli_planner *p)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&p->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        struct cl_err err = {0};
        if (!u->is_issuer || unit_wake(u, &err) < 0) {
            continue;
        }
        issuer_unit_reconcile(u);
        char *path = cl_printf("status/issuers/%s.json", u->name);
        json_t *status = cli_state_json(p->c, path);
        json_t *conditions = json_object_get(json_object_get(status, "status"), "conditions");
        bool ready = true;
        size_t i;
        json_t *k;
        json_array_foreach(conditions, i, k)
        {
            if (cl_streq(json_string_value(json_object_get(k, "type")), "Ready")) {
                ready = cl_streq(json_string_value(json_object_get(k, "status")), "True");
            }
        }
        u->summary.conditions[CONDITION_READY] = ready ? STATUS_TRUE : STATUS_FALSE;
        json_decref(status);
        cl_free(path);
    }
}

int cli_planner_open(struct cli *c, struct cli_planner *ret)
{
    struct cl_err err = {0};
    struct daemon_options o = {.specs = c->paths.specs,
                               .state = c->paths.state,
                               .secrets = c->paths.secrets,
                               .config = c->paths.config,
                               .live = c->paths.live,
                               .output_roots = &c->output_roots,
                               .version = CERTLOOP_VERSION,
                               .read_only = true};

    *ret = (struct cli_planner){.c = c, .loop = loop_create()};
    if (daemon_create(ret->loop, &o, &ret->d, &err) < 0) {
        return cli_error(c, 1, "%s", err.text);
    }
    ret->now = loop_now(ret->loop);
    cl_strv_for_each(line, ledger_book_problems(ret->d->ledger)) {
        (void)cli_error(c, 0, "%s; what it says is not known", line);
    }
    inventory_recall(ret->d->inventory);
    inventory_scan(ret->d->inventory);
    assume_issuers(ret);
    return 0;
}

void cli_planner_close(struct cli_planner *p)
{
    daemon_destroy(p->d);
    loop_destroy(p->loop);
}

int cli_planner_plan(struct cli_planner *p, struct unit *u, bool renew, struct observation *seen,
                     struct plan *ret, struct cl_err *err)
{
    if (unit_wake(u, err) < 0 || observe(u, p->now, seen, err) < 0) {
        return -1;
    }
    p->outputs_detail = seen->facts.outputs_detail;
    p->replaces = seen->facts.replaces != NULL;
    if (renew) {
        seen->facts.renew_requested = p->now;
    }
    plan_next(u->w->object, &seen->facts, p->now, ret);
    if (ledger_book_line(u, seen, ret, p->now)) {
        plan_next(u->w->object, &seen->facts, p->now, ret);
    }
    return 0;
}

void cli_planner_settle(struct cli_planner *p)
{
    struct ledger *l = ledger_book_ledger(p->d->ledger);
    if (l->stale) {
        ledger_rebuild(l, p->now, NULL);
    }
}

static bool costs(const struct ledger_bucket *b)
{
    return b->kind <= LEDGER_EXACT_SET;
}

char *cli_planner_cost(const struct cli_planner *p, const struct unit *u)
{
    struct cl_buf text;

    cl_buf_init(&text, 64 * 1024);
    for (size_t i = u->ledger.n; i-- > 0;) {
        const struct ledger_bucket *b = u->ledger.needs[i].bucket;
        if (costs(b)) {
            (void)cl_buf_addf(&text, "%s1 of %ld %s%s%s", text.len > 0 ? ", " : "",
                              ledger_left(b, p->now), ledger_kind_name(b->kind),
                              cl_streq(b->key, "*") ? "" : " ",
                              cl_streq(b->key, "*") ? "" : b->key);
        }
    }
    char *all = cl_buf_take(&text);
    return all != NULL ? all : cl_strdup("");
}

json_t *cli_planner_cost_json(const struct cli_planner *p, const struct unit *u)
{
    json_t *list = json_array();

    for (size_t i = u->ledger.n; i-- > 0;) {
        const struct ledger_bucket *b = u->ledger.needs[i].bucket;
        if (costs(b)) {
            (void)json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I}", "bucket",
                                                        ledger_kind_name(b->kind), "key", b->key,
                                                        "left", (json_int_t)ledger_left(b, p->now),
                                                        "capacity", (json_int_t)b->limit.capacity));
        }
    }
    return list;
}

cl_time cli_planner_ready(const struct cli_planner *p, const struct unit *u)
{
    bool in_line = u->ledger.n > 0 && cl_heap_contains(&u->ledger.wait);
    return (in_line ? cl_time_max(u->ledger.turn, p->now) : p->now) + ORDER_TAKES;
}
