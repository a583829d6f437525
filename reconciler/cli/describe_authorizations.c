/* SPDX-License-Identifier: Apache-2.0 */
/* describe_authorizations: the proofs under way, else those of the last failure. */
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/describe.h"
#include "spec/base/cl_alloc.h"

static const char *text(const json_t *o, const char *key)
{
    return cl_str_or(json_string_value(json_object_get(o, key)), "");
}

/* "no", "no: 2 other values", "Lame: REFUSED" */
static char *answer_of(const json_t *server)
{
    const char *state = text(server, "state");
    size_t others = json_array_size(json_object_get(server, "values"));

    if (json_is_true(json_object_get(server, "seen"))) {
        return cl_strdup("has it");
    }
    if (cl_streq(state, "Missing")) {
        return others > 0 ? cl_printf("does not have it, but %zu other value%s", others,
                                      others > 1 ? "s" : "")
                          : cl_strdup("does not have it");
    }
    const char *error = text(server, "error");
    return cl_printf("%s%s%s", state, error[0] != '\0' ? ": " : "", error);
}

static void print_servers(struct cli *c, const json_t *servers)
{
    struct cli_table t = {0};
    size_t i;
    json_t *server;

    cli_table_row(&t, "    NAME SERVER", "ADDRESS", "ROUNDS", "ANSWER", NULL);
    json_array_foreach(servers, i, server)
    {
        char *name = cl_printf("    %s", text(server, "nameServer"));
        char *answer = answer_of(server);
        char *rounds =
            cl_printf("%lld", (long long)json_integer_value(json_object_get(server, "rounds")));
        cli_table_row(&t, name, text(server, "address"), rounds, answer, NULL);
        cl_free(rounds);
        cl_free(answer);
        cl_free(name);
    }
    cli_table_print(c, &t);
}

static void print_one(struct cli *c, const json_t *z)
{
    const json_t *servers = json_object_get(z, "propagation");
    const json_t *solver = json_object_get(z, "solver");
    const char *waits = text(z, "waitingFor");

    (void)fprintf(c->out, "  %s%s  %s  %s\n",
                  json_is_true(json_object_get(z, "wildcard")) ? "*." : "", text(z, "identifier"),
                  text(z, "state"), text(solver, "type"));
    if (text(z, "error")[0] != '\0') {
        (void)fprintf(c->out, "    %s\n", text(z, "error"));
    }
    if (waits[0] != '\0') {
        (void)fprintf(c->out, "    waits for %s\n", waits);
    }
    if (json_array_size(servers) > 0) {
        print_servers(c, servers);
    }
}

void describe_authorizations(struct cli *c, const json_t *object)
{
    const json_t *status = json_object_get(object, "status");
    const json_t *issuance = json_object_get(status, "issuance");
    const json_t *order = json_object_get(issuance, "order");
    const json_t *list = json_object_get(issuance, "authorizations");
    size_t i;
    json_t *z;

    if (json_array_size(list) == 0) {
        list = json_object_get(json_object_get(status, "lastError"), "authorizations");
    }
    if (json_array_size(list) > 0) {
        (void)fprintf(c->out, "\nAuthorizations\n");
    }
    json_array_foreach(list, i, z)
    {
        print_one(c, z);
    }
    if (json_object_get(order, "missed") != NULL) {
        (void)fprintf(c->out,
                      "  tried again once, after the CA had not seen what all name servers "
                      "have: %s\n",
                      text(order, "missedBecause"));
        if (text(order, "againAt")[0] != '\0') {
            (void)fprintf(c->out, "  the next order is made at %s\n", text(order, "againAt"));
        }
    }
}
