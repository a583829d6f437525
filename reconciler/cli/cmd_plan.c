/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan: the daemon's own decision, without network and without writing. */
#include "backends/rt/disk.h"
#include "reconciler/cli/cli_planner.h"
#include "reconciler/cli/cmd_plan_as_of.h"
#include "reconciler/cli/cmd_plan_preflight.h"
#include "reconciler/inventory.h"
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"

#include <string.h>

#define SENTENCES_MAX 30u /* more than these nobody reads */

struct planning {
    struct cli *c;
    struct cli_planner planner;
    struct daemon *d;
    struct cli_table table;
    json_t *items;
    size_t steps, errors, failures;
    size_t orders;
    cl_time ready_by;         /* of the last of these orders */
    struct cl_strv sentences; /* what, why, at what cost, when */
    json_t *preflight;        /* findings, with -o json */
};

/* Is an order to be made, now or at its turn? */
static bool orders(const struct unit *u, const struct plan *plan)
{
    bool held = plan->gate == REASON_RATE_LIMITED && cl_heap_contains(&u->ledger.wait);
    return plan->issue == PLAN_ISSUE || held || plan->gate == REASON_WAITING_FOR_SLOT;
}

/* One sentence for people about what is going to happen. */
static void add_sentence(struct planning *p, const struct unit *u, const struct plan *plan)
{
    char at[CL_TIME_TEXT];

    if (!orders(u, plan)) {
        return;
    }
    cl_time ready = cli_planner_ready(&p->planner, u);
    p->orders++;
    p->ready_by = cl_time_max(p->ready_by, ready);
    if (p->sentences.len >= SENTENCES_MAX) {
        return;
    }
    char *cost = cli_planner_cost(&p->planner, u);
    cl_strv_take(&p->sentences,
                 cl_printf("%s: a new certificate from Issuer %s, because: %s. Costs 1 order%s%s; "
                           "Ready about %s.",
                           u->display, cl_str_or(u->issuer_key, "(none)"), plan->trigger_message,
                           cost[0] != '\0'       ? ": "
                           : p->planner.replaces ? ": it replaces a certificate, so the CA does "
                                                   "not count it"
                                                 : " (no limit is known)",
                           cost, cl_time_format(ready, at)));
    cl_free(cost);
}

/* What a row says: the step, the reason for it or for waiting, and in words. */
struct row {
    const char *step, *reason, *message;
};

static struct row row_of(const struct planning *p, const struct plan *plan)
{
    struct row row = {
        .step = plan_step_name(plan->issue != PLAN_NONE ? plan->issue : plan->deploy),
        .reason = reason_token(plan->trigger),
        .message = plan->trigger_message,
    };
    bool deploys = plan->deploy != PLAN_NONE;

    if (plan->trigger == REASON_NONE) {
        row.reason = reason_token(plan->conditions[CONDITION_READY].reason);
        row.message = plan->conditions[deploys ? CONDITION_DEPLOYED : CONDITION_READY].message;
    } else if (plan->gate != REASON_NONE && plan->issue == PLAN_NONE) {
        row.step = deploys ? row.step : "Wait";
        row.reason = reason_token(plan->gate);
        row.message = plan->gate_message;
    }
    if (plan->deploy == PLAN_PROJECT && plan->issue == PLAN_NONE &&
        !cl_str_empty(p->planner.outputs_detail)) {
        row.message = p->planner.outputs_detail; /* which file, and what is the matter with it */
    }
    return row;
}

static void add_item(struct planning *p, const struct unit *u, const struct plan *plan,
                     const struct row *row, const char *next)
{
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:s}", "object", u->display, "step", row->step, "reason",
        row->reason, "message", row->message, "gate", reason_token(plan->gate), "nextTime", next,
        "orders", plan->issue == PLAN_ISSUE ? 1 : 0, "nextReason", reason_token(plan->next_reason));
    if (orders(u, plan)) {
        json_put(o, "cost", cli_planner_cost_json(&p->planner, u));
        json_put(o, "readyAt", json_time(cli_planner_ready(&p->planner, u)));
    }
    (void)json_array_append_new(p->items, o);
}

static void add_row(struct planning *p, const struct unit *u, const struct plan *plan)
{
    char next[CL_TIME_TEXT];
    const struct row row = row_of(p, plan);

    add_sentence(p, u, plan);
    if (plan->issue != PLAN_NONE || plan->deploy != PLAN_NONE) {
        p->steps++;
    }
    (void)cl_time_format(plan->next_at == CL_NEVER ? 0 : plan->next_at, next);
    if (p->c->output == CLI_JSON) {
        add_item(p, u, plan, &row, next);
    } else {
        cli_table_row(&p->table, u->display, row.step, row.reason,
                      orders(u, plan) ? "1 order" : "none", next, row.message, NULL);
    }
}

static bool asked_for(struct cli *c, const struct unit *u)
{
    if (c->args.len == 0) {
        return c->namespace_ == NULL || c->all_namespaces || cl_streq(c->namespace_, u->namespace_);
    }
    for (size_t i = 0; i < c->args.len; i++) {
        char *full = cli_full_name(c, c->args.items[i]);
        bool same = cl_streq(full, u->display);
        cl_free(full);
        if (same) {
            return true;
        }
    }
    return false;
}

static size_t plan_certificates(struct planning *p, bool show)
{
    size_t pos = 0;
    size_t found = 0;
    void *value;

    while (cl_map_next(&p->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        struct observation seen;
        struct plan plan;
        struct cl_err err = {0};
        if (u->is_issuer || (show && !asked_for(p->c, u))) {
            continue;
        }
        found++;
        if (cli_planner_plan(&p->planner, u, false, &seen, &plan, &err) < 0) {
            if (!show) {
                continue;
            }
            p->errors++;
            (void)cli_error(p->c, 1, "%s: %s", u->display, err.text);
            continue;
        }
        if (show) {
            add_row(p, u, &plan);
            if (cli_flag_given(p->c, "--preflight")) {
                p->failures += plan_preflight(p->c, u, p->preflight);
            }
        }
    }
    return found;
}

static void print_sentences(struct planning *p)
{
    char at[CL_TIME_TEXT];

    if (p->orders == 0) {
        return;
    }
    (void)fputc('\n', p->c->out);
    cl_strv_for_each(line, &p->sentences) {
        (void)fprintf(p->c->out, "%s\n", line);
    }
    if (p->orders > p->sentences.len) {
        (void)fprintf(p->c->out, "... and %zu more.\n", p->orders - p->sentences.len);
    }
    (void)fprintf(p->c->out, "In all: %zu order%s; Ready about %s.\n", p->orders,
                  p->orders == 1 ? "" : "s", cl_time_format(p->ready_by, at));
}

static int print_plan(struct planning *p, size_t found)
{
    struct cli *c = p->c;
    struct inventory_info info;
    inventory_info(p->d->inventory, &info);
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_pack("{s:s,s:I,s:I,s:O,s:I,s:o,s:O}", "apiVersion", "certloop/v1",
                                    "steps", (json_int_t)p->steps, "rejectedFiles",
                                    (json_int_t)info.rejected, "plan", p->items, "orders",
                                    (json_int_t)p->orders, "readyBy", json_time(p->ready_by),
                                    "preflight", p->preflight));
    } else if (found > 0) {
        cli_table_print(c, &p->table);
        print_sentences(p);
    }
    if (info.unavailable != NULL) {
        return cli_error(c, 1, "%s", info.unavailable);
    }
    if (found == 0 && c->args.len > 0) {
        return cli_error(c, 1, "no such Certificate in %s", c->paths.specs);
    }
    return p->errors > 0 || p->failures > 0 || info.rejected > 0 ? 1 : (p->steps > 0 ? 2 : 0);
}

/* Without the right to read the archive the daemon's own word is all there is. */
static bool archive_readable(struct cli *c)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    char *dir = paths_state(&c->paths, "archive");
    bool ok = disk_list(dir, &names, &err) == 0 || cl_streq(err.reason, "NotFound");
    cl_strv_deinit(&names);
    cl_free(dir);
    return ok;
}

static int plan_from_status(struct cli *c)
{
    struct cli_objects l;
    size_t due = 0;
    (void)fprintf(stderr, "certloop plan: archive not readable, planned from status\n");
    int rc = cli_objects_load(c, false, &c->args, &l, NULL);
    for (size_t i = 0; rc == 0 && i < l.len; i++) {
        const struct condition *k = &l.items[i].status.conditions[CONDITION_ISSUING];
        bool issuing = k->status == STATUS_TRUE;
        due += issuing ? 1u : 0u;
        (void)fprintf(c->out, "%s: %s %s: %s\n", l.items[i].display, issuing ? "Issue" : "None",
                      cl_str_or(k->reason, "-"), cl_str_or(k->message, ""));
    }
    cli_objects_deinit(&l);
    return rc != 0 ? 1 : (due > 0 ? 2 : 0);
}

int cmd_plan(struct cli *c)
{
    struct planning p = {.c = c, .items = json_array(), .preflight = json_array()};

    if (!archive_readable(c)) {
        json_decref(p.items);
        json_decref(p.preflight);
        return plan_from_status(c);
    }
    int rc = cli_planner_open(c, &p.planner);
    if (rc == 0) {
        p.d = p.planner.d;
        if (c->output != CLI_JSON) {
            cli_table_row(&p.table, "NAME", "STEP", "REASON", "COST", "NEXT", "WHY", NULL);
        }
        if (cli_flag_given(c, "--as-of")) {
            rc = cmd_plan_as_of(c, p.d, asked_for);
        } else {
            (void)plan_certificates(&p, false); /* who is not asked for stands in the line, too */
            cli_planner_settle(&p.planner);
            rc = print_plan(&p, plan_certificates(&p, true));
        }
    }
    cl_strv_deinit(&p.table.cells);
    cl_strv_deinit(&p.sentences);
    json_decref(p.items);
    json_decref(p.preflight);
    cli_planner_close(&p.planner);
    return rc;
}
