/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns: certloop providers, and certloop dns VERB: descriptions checked and shown, values written
 * by hand. */
#include "reconciler/cli/cmd_dns.h"

#include "backends/dns/dns_described.h"
#include "backends/rt/sys.h"
#include "reconciler/cli/cli_objects.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

#include <string.h>

void dns_cmd_dirs(struct cli *c, struct cl_strv *ret)
{
    for (size_t i = 0; i + 1 < c->flags.len; i += 2) {
        if (cl_streq(c->flags.items[i], "--providers")) {
            cl_strv_add(ret, c->flags.items[i + 1]);
        }
    }
    const char *env = sys_getenv("CERTLOOP_PROVIDERS");
    if (ret->len == 0 && !cl_str_empty(env)) {
        cl_strv_split(ret, env, ":");
    }
    struct config *config = ret->len == 0 ? cli_config(c) : NULL;
    if (config != NULL) {
        cl_strv_copy(ret, &config->provider_directories);
        cl_strv_add(ret, CERTLOOP_DNS_DIR);
        cl_strv_dedupe(ret);
    }
    config_destroy(config);
}

char *dns_cmd_name(const char *name)
{
    char *ret = cl_str_lower(cl_strdup(name));
    size_t len = strlen(ret);

    if (len > 0 && ret[len - 1] == '.') {
        ret[len - 1] = '\0';
    }
    return ret;
}

static void print_problems(FILE *out, const char *path, const struct spec_problems *problems)
{
    for (size_t i = 0; i < problems->len; i++) {
        const struct spec_problem *p = &problems->items[i];
        (void)fprintf(out, "%s:%u:%u: %s: %s\n", path, p->line, p->column,
                      p->warning ? "warning" : "error", p->text);
    }
}

struct dns_description *dns_cmd_open(struct cli *c, const char *name, int *ret_code)
{
    struct cl_strv dirs = {0};
    struct spec_problems problems = {0};
    struct cl_err err = {0};
    struct dns_description *d = NULL;

    dns_cmd_dirs(c, &dirs);
    if (strchr(name, '/') != NULL) {
        d = dns_description_open_file(&dirs, name, &problems, &err);
        print_problems(stderr, name, &problems);
    } else {
        d = dns_description_open(&dirs, name, NULL, &err);
    }
    if (d == NULL) {
        *ret_code = err.kind != CL_ERR_NONE ? cli_error(c, 1, "%s", err.text) : 1;
    }
    spec_problems_deinit(&problems);
    cl_strv_deinit(&dirs);
    return d;
}

/* ---- certloop providers ---- */

static void print_input(FILE *out, const struct dns_input *in)
{
    char *env = cl_strv_join(&in->env, ", ");

    (void)fprintf(out, "  %-18s %s%s%s%s%s%s%s%s%s\n", in->name, in->secret ? "secret, " : "",
                  in->optional ? "optional" : "needed",
                  in->default_value != NULL ? ", default " : "", cl_str_or(in->default_value, ""),
                  in->map ? ", one value a host" : "", *env != '\0' ? "; " : "", env,
                  *in->help != '\0' ? ": " : "", in->help);
    cl_free(env);
}

static const char *scope_name(enum dns_limit_scope scope)
{
    static const char *const NAMES[] = {[DNS_PER_ACCOUNT] = "for an account",
                                        [DNS_PER_ZONE] = "for each zone",
                                        [DNS_PER_NAME] = "for each name"};

    return NAMES[scope];
}

static void print_limits(FILE *out, const struct dns_description *d)
{
    char text[CL_DURATION_TEXT];

    for (size_t i = 0; i < d->limits.n_rates; i++) {
        (void)fprintf(out, "Limit:   %u requests in %s %s\n", d->limits.rates[i].count,
                      cl_duration_format(d->limits.rates[i].per, text),
                      scope_name(d->limits.scope));
    }
    if (d->limits.concurrency == 1) {
        (void)fprintf(out, "Limit:   one change at a time\n");
    } else if (d->limits.concurrency > 1) {
        (void)fprintf(out, "Limit:   %u zones at a time\n", d->limits.concurrency);
    }
    if (d->model == DNS_SLOT) {
        (void)fprintf(out,
                      "Limit:   %u value%s at a name: challenges of one name wait for each other\n",
                      d->slot_values, d->slot_values == 1 ? "" : "s");
    }
    if (d->propagation.wait > 0) {
        (void)fprintf(out, "Visible: not before %s\n",
                      cl_duration_format(d->propagation.wait, text));
    }
    if (d->propagation.timeout > 0) {
        (void)fprintf(out, "Visible: may take %s\n",
                      cl_duration_format(d->propagation.timeout, text));
    }
}

static void print_ttl(FILE *out, const struct dns_description *d)
{
    long unit = d->ttl.unit;

    (void)fprintf(out, "TTL:     %ld s", dns_description_ttl(d, 0) * unit);
    if (d->ttl.min > 0) {
        (void)fprintf(out, ", at least %ld", d->ttl.min);
    }
    if (d->ttl.max > 0) {
        (void)fprintf(out, ", at most %ld", d->ttl.max);
    }
    for (size_t i = 0; i < d->ttl.n_allowed; i++) {
        (void)fprintf(out, "%s%ld", i == 0 ? "; allowed: " : ", ", d->ttl.allowed[i]);
    }
    (void)fputc('\n', out);
}

static void print_provider(FILE *out, const struct dns_description *d)
{
    (void)fprintf(out, "%s: %s\n", d->name, d->title);
    (void)fprintf(out, "Tested:  %s\n", *d->tested != '\0' ? d->tested : "not");
    if (*d->doc != '\0') {
        (void)fprintf(out, "API:     %s\n", d->doc);
    }
    if (*d->note != '\0') {
        (void)fprintf(out, "Note:    %s\n", d->note);
    }
    (void)fprintf(out, "Writes:  %s%s; zone by %s\n", dns_model_name(d->model),
                  d->batches ? ", many names at once" : "", dns_zone_by_name(d->zone_by));
    print_ttl(out, d);
    print_limits(out, d);
    (void)fprintf(out, "Inputs (files in the directory of credentialsRef, by this name or the "
                       "environment's):\n");
    for (size_t i = 0; i < d->n_inputs; i++) {
        print_input(out, &d->inputs[i]);
    }
}

static json_t *provider_json(const struct dns_description *d)
{
    json_t *inputs = json_array();

    for (size_t i = 0; i < d->n_inputs; i++) {
        const struct dns_input *in = &d->inputs[i];
        json_t *env = json_array();
        for (size_t k = 0; k < in->env.len; k++) {
            (void)json_array_append_new(env, json_string(in->env.items[k]));
        }
        (void)json_array_append_new(inputs, json_pack("{s:s,s:b,s:b,s:o,s:s}", "name", in->name,
                                                      "secret", in->secret, "optional",
                                                      in->optional, "env", env, "help", in->help));
    }
    json_t *limits = json_array();
    for (size_t i = 0; i < d->limits.n_rates; i++) {
        (void)json_array_append_new(
            limits, json_pack("{s:I,s:I,s:s}", "requests", (json_int_t)d->limits.rates[i].count,
                              "seconds", (json_int_t)(d->limits.rates[i].per / CL_SECOND), "scope",
                              scope_name(d->limits.scope)));
    }
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:o}", "name", d->name, "title", d->title, "doc", d->doc,
        "note", d->note, "tested", d->tested, "model", dns_model_name(d->model), "ttl",
        (json_int_t)dns_description_ttl(d, 0) * d->ttl.unit, "limits", limits, "inputs", inputs);
}

static void add_provider(struct cli *c, const struct dns_description *d, struct cli_table *table,
                         json_t *all)
{
    if (c->output == CLI_JSON) {
        (void)json_array_append_new(all, provider_json(d));
    } else if (c->output == CLI_NAME) {
        (void)fprintf(c->out, "%s\n", d->name);
    } else if (c->output == CLI_WIDE) {
        cli_table_row(table, d->name, d->title, d->tested, dns_model_name(d->model), d->doc, NULL);
    } else {
        cli_table_row(table, d->name, d->title, d->tested, NULL);
    }
}

static void print_providers(struct cli *c, const struct cl_strv *dirs, struct cli_table *table,
                            json_t *all)
{
    bool wide = c->output == CLI_WIDE;

    if (c->output == CLI_JSON) {
        cli_print_json(c, json_incref(all));
    } else if (table->cells.len > (wide ? 5U : 3U)) {
        cli_table_print(c, table);
    }
    if (table->cells.len == (wide ? 5U : 3U) && c->output != CLI_NAME && c->output != CLI_JSON) {
        char *places = cl_strv_join(dirs, ", ");
        (void)fprintf(stderr,
                      "There are no descriptions (NAME.yaml) in: %s. --providers DIR, "
                      "CERTLOOP_PROVIDERS or providerDirectories of the Configuration name other "
                      "places.\n",
                      places);
        cl_free(places);
    }
    cl_strv_deinit(&table->cells);
}

static int list_providers(struct cli *c)
{
    struct cl_strv dirs = {0};
    struct cl_strv names = {0};
    struct cli_table table = {0};
    json_t *all = json_array();
    int rc = 0;

    dns_cmd_dirs(c, &dirs);
    dns_description_names(&dirs, &names);
    if (c->output == CLI_WIDE) {
        cli_table_row(&table, "NAME", "TITLE", "TESTED", "WRITES", "API", NULL);
    } else {
        cli_table_row(&table, "NAME", "TITLE", "TESTED", NULL);
    }
    cl_strv_for_each(name, &names) {
        struct cl_err err = {0};
        struct dns_description *d = dns_description_open(&dirs, name, NULL, &err);
        if (d == NULL) {
            rc = cli_error(c, 1, "%s", err.text);
            continue;
        }
        add_provider(c, d, &table, all);
        dns_description_unref(d);
    }
    print_providers(c, &dirs, &table, all);
    rc = names.len == 0 ? 1 : rc;
    json_decref(all);
    cl_strv_deinit(&names);
    cl_strv_deinit(&dirs);
    return rc;
}

int cmd_providers(struct cli *c)
{
    int rc = 0;

    if (c->args.len > 1) {
        return cli_usage(c, "one NAME at most");
    }
    if (c->args.len == 0) {
        return list_providers(c);
    }
    struct dns_description *d = dns_cmd_open(c, c->args.items[0], &rc);
    if (d == NULL) {
        return rc;
    }
    if (c->output == CLI_JSON) {
        cli_print_json(c, provider_json(d));
    } else {
        print_provider(c->out, d);
    }
    dns_description_unref(d);
    return 0;
}

/* ---- certloop dns lint, show ---- */

static int lint(struct cli *c)
{
    struct cl_strv dirs = {0};
    int rc = 0;

    if (c->args.len < 2) {
        return cli_usage(c, "lint needs a FILE");
    }
    dns_cmd_dirs(c, &dirs);
    for (size_t i = 1; i < c->args.len; i++) {
        const char *path = c->args.items[i];
        struct spec_problems problems = {0};
        struct cl_err err = {0};
        struct dns_description *d = dns_description_open_file(&dirs, path, &problems, &err);
        if (d == NULL && problems.len == 0) {
            rc = cli_error(c, 1, "%s", err.text);
        }
        print_problems(c->out, path, &problems);
        rc = d == NULL ? 1 : rc;
        if (d != NULL) {
            (void)fprintf(c->out, "%s: %s, %s: valid\n", path, d->name, dns_model_name(d->model));
        }
        dns_description_unref(d);
        spec_problems_deinit(&problems);
    }
    cl_strv_deinit(&dirs);
    return rc;
}

static int show(struct cli *c)
{
    const char *fqdn = "_acme-challenge.www.example.com";
    const char *zone = NULL;
    struct cl_buf text;
    int rc = 0;

    if (c->args.len != 2) {
        return cli_usage(c, "show needs a PROVIDER");
    }
    (void)cli_flag_value(c, "--name", &fqdn);
    if (!cli_flag_value(c, "--zone", &zone)) { /* the last two labels will do for a look */
        const char *at = fqdn + strlen(fqdn);
        for (int dots = 0; at > fqdn && (dots += at[-1] == '.' ? 1 : 0) < 2;) {
            at--;
        }
        zone = at;
    }
    struct dns_description *d = dns_cmd_open(c, c->args.items[1], &rc);
    if (d == NULL) {
        return rc;
    }
    cl_buf_init(&text, (size_t)1 << 20);
    dns_described_show(d, zone, fqdn, &text);
    (void)fputs(cl_buf_str(&text), c->out);
    cl_buf_deinit(&text);
    dns_description_unref(d);
    return 0;
}

int cmd_dns(struct cli *c)
{
    const char *verb = c->args.len > 0 ? c->args.items[0] : "";

    if (cl_streq(verb, "lint")) {
        return lint(c);
    }
    if (cl_streq(verb, "show")) {
        return show(c);
    }
    if (cl_streq(verb, "add") || cl_streq(verb, "remove") || cl_streq(verb, "list")) {
        return dns_cmd_change(c, verb);
    }
    if (cl_streq(verb, "test")) {
        return dns_cmd_test(c);
    }
    if (cl_streq(verb, "check")) {
        return dns_cmd_check(c);
    }
    if (cl_streq(verb, "purge")) {
        return dns_cmd_purge(c);
    }
    return cli_usage(c, "expected test, check, purge, add, remove, list, lint or show");
}
