/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan_as_of: plan --as-of: which specs break, or get tight, under the lifetimes of a later day. */
#include "reconciler/cli/cmd_plan_as_of.h"

#include "reconciler/core/lifetimes.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct report {
    struct cli *c;
    struct daemon *d;
    struct cli_table table;
    json_t *items;
    cl_time as_of, lifetime, reuse; /* the last two: 0 = as announced */
    size_t breaks, tight;
};

static int read_flags(struct report *r)
{
    const char *text = NULL;
    char instant[CL_TIME_TEXT];

    (void)cli_flag_value(r->c, "--as-of", &text);
    (void)cl_format(instant, sizeof instant, strlen(text) == 10 ? "%sT00:00:00Z" : "%s", text);
    if (cl_time_parse(instant, &r->as_of) < 0) {
        return cli_usage(r->c, "--as-of %s: expected a date such as 2028-03-01", text);
    }
    if (cli_flag_value(r->c, "--lifetime", &text) &&
        (cl_duration_parse(text, &r->lifetime) < 0 || r->lifetime < CL_HOUR)) {
        return cli_usage(r->c, "--lifetime %s: expected a duration of at least 1h, such as 45d",
                         text);
    }
    if (cli_flag_value(r->c, "--reuse", &text) && cl_duration_parse(text, &r->reuse) < 0) {
        return cli_usage(r->c, "--reuse %s: expected a duration such as 7h", text);
    }
    return 0;
}

static struct lifetime_rule rule_of(struct report *r, struct unit *u)
{
    struct unit *issuer = unit_issuer(u);
    struct cl_err err = {0};
    struct lifetime_rule rule = {.source = ""};

    if (issuer != NULL && unit_wake(issuer, &err) == 0 &&
        issuer->w->object->issuer->type == ISSUER_ACME) {
        rule = lifetime_rule_at(issuer->w->object->issuer->acme.server, NULL, r->as_of);
    }
    if (r->lifetime > 0) {
        rule.lifetime = r->lifetime;
        rule.source = "--lifetime";
    }
    if (r->reuse > 0) {
        rule.reuse = r->reuse;
    }
    return rule;
}

static void add(struct report *r, const struct unit *u, const struct lifetime_rule *rule,
                enum lifetime_verdict verdict, const char *field, const char *text)
{
    char life[CL_DURATION_TEXT], reuse[CL_DURATION_TEXT];

    (void)cl_duration_format(rule->lifetime, life);
    (void)cl_duration_format(rule->reuse, reuse);
    r->breaks += verdict == LIFETIME_BREAKS ? 1 : 0;
    r->tight += verdict == LIFETIME_TIGHT ? 1 : 0;
    if (r->c->output == CLI_JSON) {
        (void)json_array_append_new(
            r->items, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "object", u->display, "verdict",
                                lifetime_verdict_name(verdict), "field", field, "message", text,
                                "lifetime", rule->lifetime > 0 ? life : "", "reuse",
                                rule->reuse > 0 ? reuse : "", "source", rule->source));
        return;
    }
    cli_table_row(&r->table, u->display, lifetime_verdict_name(verdict),
                  rule->lifetime > 0 ? life : "-", rule->reuse > 0 ? reuse : "-", field, text,
                  NULL);
}

static void judge(struct report *r, struct unit *u)
{
    const struct cert_spec *spec = u->w->object->cert;
    const struct lifetime_rule rule = rule_of(r, u);
    struct lifetime_finding found[LIFETIME_FINDINGS] = {0};
    size_t n_windows = spec->renewal_windows.len;
    const struct cl_tz **zones = cl_calloc(n_windows + 1, sizeof(*zones));

    for (size_t i = 0; i < n_windows; i++) {
        zones[i] = zones_get(&r->d->zones, spec->renewal_windows.items[i].timezone);
    }
    size_t n = lifetime_findings(spec, zones, &rule, r->as_of, found);
    cl_free(zones);
    for (size_t i = 0; i < n; i++) {
        add(r, u, &rule, found[i].verdict, found[i].field, found[i].text);
    }
    if (n == 0) {
        add(r, u, &rule, LIFETIME_FINE, "",
            rule.lifetime > 0 ? rule.source
                              : "nothing is announced for its issuer; --lifetime D asks what if");
    }
}

static int finish(struct report *r)
{
    char at[CL_TIME_TEXT];

    if (r->c->output == CLI_JSON) {
        cli_print_json(r->c,
                       json_pack("{s:s,s:s,s:I,s:I,s:O}", "apiVersion", "certloop/v1", "asOf",
                                 cl_time_format(r->as_of, at), "breaks", (json_int_t)r->breaks,
                                 "tight", (json_int_t)r->tight, "findings", r->items));
    } else {
        cli_table_print(r->c, &r->table);
    }
    return r->breaks + r->tight > 0 ? 2 : 0;
}

int cmd_plan_as_of(struct cli *c, struct daemon *d,
                   bool (*asked_for)(struct cli *c, const struct unit *u))
{
    struct report r = {.c = c, .d = d, .items = json_array()};
    size_t pos = 0;
    void *value;
    int rc = read_flags(&r);

    if (rc == 0) {
        if (c->output != CLI_JSON) {
            cli_table_row(&r.table, "NAME", "VERDICT", "LIFETIME", "REUSE", "FIELD", "WHY", NULL);
        }
        while (cl_map_next(&d->units, &pos, NULL, &value)) {
            struct unit *u = value;
            struct cl_err err = {0};
            if (u->is_issuer || !asked_for(c, u)) {
                continue;
            }
            if (unit_wake(u, &err) < 0) {
                rc = cli_error(c, 1, "%s: %s", u->display, err.text);
                continue;
            }
            judge(&r, u);
        }
        rc = rc != 0 ? rc : finish(&r);
    }
    cl_strv_deinit(&r.table.cells);
    json_decref(r.items);
    return rc;
}
