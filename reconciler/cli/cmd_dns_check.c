/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns_check: certloop dns check NAME: what the name servers say about the challenge record of NAME:
 * where it lives, who is asked, what each answers. */
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/cmd_dns.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define CHALLENGE "_acme-challenge."

struct look_at {
    struct dns_session s;
    char *name; /* that was asked for, of the record */
    char *target, *zone, *wildcard;
    struct cl_strv chain;
    struct cl_strv values; /* expected; may be none */
    bool good;
    json_t *servers; /* with -o json */
};

static void located(void *user, const struct dns_locate_op *found)
{
    struct look_at *k = user;

    k->target = cl_strdup(found->target);
    k->zone = cl_strdup(found->zone);
    k->wildcard = found->wildcard != NULL ? cl_strdup(found->wildcard) : NULL;
    cl_strv_copy(&k->chain, found->chain);
}

static void print_place(const struct look_at *k)
{
    FILE *out = k->s.c->out;

    (void)fprintf(out, "Name:   %s\n", k->name);
    for (size_t i = 1; i < k->chain.len; i++) {
        (void)fprintf(out, "CNAME:  %s\n", k->chain.items[i]);
    }
    if (k->wildcard != NULL) {
        (void)fprintf(out, "A wildcard has a CNAME to %s: not followed, it is not for this name\n",
                      k->wildcard);
    }
    (void)fprintf(out, "Zone:   %s\n\n", k->zone);
}

/* What to say of one server. Without expected values Good only means: it answers. */
static const char *answer_of(const struct look_at *k, const struct dns_view *v)
{
    if (v->sight == DNS_SIGHT_GOOD && k->values.len == 0) {
        return v->values.len > 0 ? "Answers" : "NoValue";
    }
    return dns_sight_name(v->sight);
}

static void add_server(struct look_at *k, struct cli_table *table, const struct dns_view *v)
{
    char *values = cl_strv_join(&v->values, ", ");
    char *answer = cl_printf("%s%s%s%s", answer_of(k, v), v->detail[0] != '\0' ? " (" : "",
                             v->detail, v->detail[0] != '\0' ? ")" : "");

    if (k->servers != NULL) {
        json_t *list = json_array();
        cl_strv_for_each(value, &v->values) {
            (void)json_array_append_new(list, json_string(value));
        }
        (void)json_array_append_new(
            k->servers, json_pack("{s:s,s:s,s:s,s:s,s:o}", "name", v->ns, "address", v->server,
                                  "answer", answer_of(k, v), "detail", v->detail, "values", list));
    } else {
        cli_table_row(table, v->ns, v->server, answer, values, NULL);
    }
    cl_free(answer);
    cl_free(values);
}

static void looked(void *user, const struct dns_table *table)
{
    struct look_at *k = user;
    struct cli_table t = {0};
    const struct cl_strv *first = NULL;

    cli_table_row(&t, "NAME SERVER", "ADDRESS", "ANSWER", "VALUES", NULL);
    k->good = table->n > 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct dns_view *v = &table->views[i];
        add_server(k, &t, v);
        k->good = k->good && v->sight == DNS_SIGHT_GOOD;
        if (v->sight == DNS_SIGHT_GOOD || v->sight == DNS_SIGHT_MISSING) {
            first = first == NULL ? &v->values : first;
            k->good = k->good && (k->values.len > 0 || cl_strv_equal_set(first, &v->values));
        }
    }
    if (k->servers == NULL) {
        cli_table_print(k->s.c, &t);
    } else {
        cl_strv_deinit(&t.cells);
    }
}

static void print_json(struct look_at *k)
{
    json_t *chain = json_array();

    cl_strv_for_each(name, &k->chain) {
        (void)json_array_append_new(chain, json_string(name));
    }
    cli_print_json(k->s.c, json_pack("{s:s,s:s,s:s,s:o,s:s?,s:b,s:O}", "name", k->name, "target",
                                     k->target, "zone", k->zone, "chain", chain, "wildcard",
                                     k->wildcard, "good", k->good, "servers", k->servers));
}

static int run(struct look_at *k)
{
    if (dns_session_locate(&k->s, k->name, located, k) < 0) {
        return dns_session_failed(&k->s);
    }
    if (k->servers == NULL) {
        print_place(k);
    }
    if (dns_session_look(&k->s, k->target, &k->values, looked, k) < 0) {
        return dns_session_failed(&k->s);
    }
    if (k->servers != NULL) {
        print_json(k);
    } else {
        (void)fprintf(k->s.c->out, "\n%s\n",
                      !k->good            ? "The name servers do not agree, or do not all answer."
                      : k->values.len > 0 ? "All name servers have it."
                                          : "All name servers say the same.");
    }
    return k->good ? 0 : 1;
}

/* The record of NAME; what begins with an underscore is one already. */
static char *record_name(const char *given)
{
    char *name = dns_cmd_name(cl_str_starts(given, "*.") ? given + 2 : given);
    char *ret = name[0] == '_' ? cl_strdup(name) : cl_printf(CHALLENGE "%s", name);

    cl_free(name);
    return ret;
}

int dns_cmd_check(struct cli *c)
{
    struct look_at k = {0};

    if (c->args.len < 2) {
        return cli_usage(c, "check needs a NAME");
    }
    k.name = record_name(c->args.items[1]);
    for (size_t i = 2; i < c->args.len; i++) {
        cl_strv_add(&k.values, c->args.items[i]);
    }
    k.servers = c->output == CLI_JSON ? json_array() : NULL;
    int code = dns_session_open(&k.s, c);
    code = code == 0 ? run(&k) : code;
    dns_session_close(&k.s);
    json_decref(k.servers);
    cl_strv_deinit(&k.values);
    cl_strv_deinit(&k.chain);
    cl_free(k.name);
    cl_free(k.target);
    cl_free(k.zone);
    cl_free(k.wildcard);
    return code;
}
