/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan: the daemon's own decision, without network and without writing. */
#include "backends/rt/disk.h"
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/cmd_plan_as_of.h"
#include "reconciler/inventory.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

#include <string.h>

struct planning {
    struct cli *c;
    struct daemon *d;
    struct cli_table table;
    json_t *items;
    size_t steps, errors;
};

/* An Issuer is taken as usable unless the running daemon says that it is not. */
static void assume_issuers(struct planning *p)
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

static void add_row(struct planning *p, const struct unit *u, const struct plan *plan)
{
    char next[CL_TIME_TEXT];
    const char *step = plan_step_name(plan->issue != PLAN_NONE ? plan->issue : plan->deploy);
    const char *reason = reason_token(plan->trigger);
    const char *message = plan->trigger_message;
    bool issue = plan->issue == PLAN_ISSUE;

    if (plan->gate != REASON_NONE && plan->trigger != REASON_NONE && plan->issue == PLAN_NONE) {
        step = plan->deploy != PLAN_NONE ? step : "Wait";
        reason = reason_token(plan->gate);
        message = plan->gate_message;
    } else if (plan->trigger == REASON_NONE) {
        reason = reason_token(plan->conditions[CONDITION_READY].reason);
        message = plan->conditions[plan->deploy != PLAN_NONE ? CONDITION_DEPLOYED : CONDITION_READY]
                      .message;
    }
    if (plan->issue != PLAN_NONE || plan->deploy != PLAN_NONE) {
        p->steps++;
    }
    (void)cl_time_format(plan->next_at == CL_NEVER ? 0 : plan->next_at, next);
    if (p->c->output == CLI_JSON) {
        (void)json_array_append_new(
            p->items, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:s}", "object", u->display, "step",
                                step, "reason", reason, "message", message, "gate",
                                reason_token(plan->gate), "nextTime", next, "orders", issue ? 1 : 0,
                                "nextReason", reason_token(plan->next_reason)));
    } else {
        cli_table_row(&p->table, u->display, step, reason, issue ? "1 order" : "none", next,
                      message, NULL);
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

static size_t plan_certificates(struct planning *p)
{
    size_t pos = 0;
    size_t found = 0;
    void *value;
    cl_time now = loop_now(p->d->loop);

    while (cl_map_next(&p->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        struct observation seen;
        struct plan plan;
        struct cl_err err = {0};
        if (u->is_issuer || !asked_for(p->c, u)) {
            continue;
        }
        found++;
        if (unit_wake(u, &err) < 0 || observe(u, now, &seen, &err) < 0) {
            p->errors++;
            (void)cli_error(p->c, 1, "%s: %s", u->display, err.text);
            continue;
        }
        plan_next(u->w->object, &seen.facts, now, &plan);
        add_row(p, u, &plan);
    }
    return found;
}

static int print_plan(struct planning *p, size_t found)
{
    struct cli *c = p->c;
    struct inventory_info info;
    inventory_info(p->d->inventory, &info);
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_pack("{s:s,s:I,s:I,s:O}", "apiVersion", "certloop/v1", "steps",
                                    (json_int_t)p->steps, "rejectedFiles",
                                    (json_int_t)info.rejected, "plan", p->items));
    } else if (found > 0) {
        cli_table_print(c, &p->table);
    }
    if (info.unavailable != NULL) {
        return cli_error(c, 1, "%s", info.unavailable);
    }
    if (found == 0 && c->args.len > 0) {
        return cli_error(c, 1, "no such Certificate in %s", c->paths.specs);
    }
    return p->errors > 0 || info.rejected > 0 ? 1 : (p->steps > 0 ? 2 : 0);
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
    struct planning p = {.c = c, .items = json_array()};
    struct cl_err err = {0};
    struct daemon_options o = {.specs = c->paths.specs,
                               .state = c->paths.state,
                               .secrets = c->paths.secrets,
                               .config = c->paths.config,
                               .live = c->paths.live,
                               .output_roots = &c->output_roots,
                               .version = CERTLOOP_VERSION,
                               .read_only = true};
    int rc = 1;

    if (!archive_readable(c)) {
        json_decref(p.items);
        return plan_from_status(c);
    }
    struct loop *l = loop_create();
    if (daemon_create(l, &o, &p.d, &err) < 0) {
        rc = cli_error(c, 1, "%s", err.text);
    } else {
        if (c->output != CLI_JSON) {
            cli_table_row(&p.table, "NAME", "STEP", "REASON", "COST", "NEXT", "WHY", NULL);
        }
        inventory_recall(p.d->inventory);
        inventory_scan(p.d->inventory);
        if (cli_flag_given(c, "--as-of")) {
            rc = cmd_plan_as_of(c, p.d, asked_for);
        } else {
            assume_issuers(&p);
            rc = print_plan(&p, plan_certificates(&p));
        }
    }
    cl_strv_deinit(&p.table.cells);
    json_decref(p.items);
    daemon_destroy(p.d);
    loop_destroy(l);
    return rc;
}
