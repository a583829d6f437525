/* SPDX-License-Identifier: Apache-2.0 */
/* describe_persist: records of dns-persist-01. */
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/describe.h"
#include "spec/base/cl_str.h"

static const char *text(const json_t *o, const char *key)
{
    return cl_str_or(json_string_value(json_object_get(o, key)), "");
}

static void print_end(struct cli *c, const json_t *p)
{
    char relative[CL_DURATION_TEXT];
    cl_time until = 0;

    if (cl_time_parse(text(p, "until"), &until) < 0) {
        (void)fprintf(c->out, "does not end\n");
        return;
    }
    (void)fprintf(c->out, "ends at %s (%s)\n", text(p, "until"), cli_relative(until, relative));
}

void describe_persist_records(struct cli *c, const json_t *object)
{
    const json_t *list = json_object_get(json_object_get(object, "status"), "persistRecords");
    size_t i;
    json_t *p;

    if (json_array_size(list) > 0) {
        (void)fprintf(c->out, "\nRecords of dns-persist-01\n");
    }
    json_array_foreach(list, i, p)
    {
        bool managed = json_is_true(json_object_get(p, "managed"));
        (void)fprintf(c->out, "  %s%s: %s ",
                      json_is_true(json_object_get(p, "wildcard")) ? "*." : "",
                      text(p, "identifier"), text(p, "record"));
        print_end(c, p);
        if (text(p, "problem")[0] != '\0') {
            (void)fprintf(c->out, "    last look at %s: %s\n", text(p, "checkedTime"),
                          text(p, "problem"));
        }
        if (text(p, "attentionTime")[0] != '\0') {
            (void)fprintf(c->out, "    %s from %s on: %s. IN TXT \"%s\"\n",
                          managed ? "is renewed" : "publish", text(p, "attentionTime"),
                          text(p, "record"), text(p, "value"));
        }
    }
}
