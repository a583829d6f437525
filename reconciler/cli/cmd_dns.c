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

#define USER_DIR "/etc/certloop/dns"

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
    if (ret->len == 0) {
        cl_strv_add(ret, USER_DIR);
        cl_strv_add(ret, CERTLOOP_DNS_DIR);
    }
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

static void print_limits(FILE *out, const struct dns_description *d)
{
    char text[CL_DURATION_TEXT];

    for (size_t i = 0; i < d->limits.n_rates; i++) {
        (void)fprintf(out, "Limit: %u requests in %s\n", d->limits.rates[i].count,
                      cl_duration_format(d->limits.rates[i].per, text));
    }
    if (d->propagation.timeout > 0) {
        (void)fprintf(out, "Slow: changes may take %s to be visible\n",
                      cl_duration_format(d->propagation.timeout, text));
    }
}

static void print_provider(FILE *out, const struct dns_description *d)
{
    (void)fprintf(out, "%s: %s\n", d->name, d->title);
    if (*d->doc != '\0') {
        (void)fprintf(out, "API: %s\n", d->doc);
    }
    if (*d->note != '\0') {
        (void)fprintf(out, "Note: %s\n", d->note);
    }
    (void)fprintf(out, "Tested: %s\nWrites: %s; zone by %s; TTL %ld s\n",
                  *d->tested != '\0' ? d->tested : "not", dns_model_name(d->model),
                  dns_zone_by_name(d->zone_by), dns_description_ttl(d, 0) * d->ttl.unit);
    if (d->model == DNS_SLOT) {
        (void)fprintf(out,
                      "Holds %u value%s at a name: challenges of one name wait for each other\n",
                      d->slot_values, d->slot_values == 1 ? "" : "s");
    }
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
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:o}", "name", d->name, "title", d->title, "doc",
                     d->doc, "tested", d->tested, "model", dns_model_name(d->model), "ttl",
                     (json_int_t)dns_description_ttl(d, 0) * d->ttl.unit, "inputs", inputs);
}

static int list_providers(struct cli *c)
{
    struct cl_strv dirs = {0};
    struct cl_strv names = {0};
    json_t *all = json_array();
    int rc = 0;

    dns_cmd_dirs(c, &dirs);
    dns_description_names(&dirs, &names);
    cl_strv_for_each(name, &names) {
        struct cl_err err = {0};
        struct dns_description *d = dns_description_open(&dirs, name, NULL, &err);
        if (d == NULL) {
            rc = cli_error(c, 1, "%s", err.text);
            continue;
        }
        if (c->output == CLI_JSON) {
            (void)json_array_append_new(all, provider_json(d));
        } else if (c->output == CLI_NAME) {
            (void)fprintf(c->out, "%s\n", d->name);
        } else {
            (void)fprintf(c->out, "%-18s %-34s %-9s %s\n", d->name, d->title,
                          dns_model_name(d->model), *d->tested != '\0' ? d->tested : "-");
        }
        dns_description_unref(d);
    }
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_incref(all));
    }
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
    return cli_usage(c, "expected add, remove, list, lint or show");
}
