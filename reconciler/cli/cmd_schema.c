/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_schema: the specs as JSON Schema. */
#include "reconciler/cli/cli_objects.h"
#include "spec/spec_json_schema.h"

#include <strings.h>

int cmd_schema(struct cli *c)
{
    static const enum spec_kind KINDS[] = {SPEC_CERTIFICATE, SPEC_ISSUER, SPEC_CLUSTER_ISSUER,
                                           SPEC_CONFIGURATION};
    const char *names[SPEC_KINDS + 1] = {0};
    if (c->args.len > 1) {
        return cli_usage(c, "one KIND, or none for all of them");
    }
    if (c->args.len == 0) {
        cli_print_json(c, spec_json_schema_all());
        return 0;
    }
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        names[i] = spec_kind_name(KINDS[i]);
        if (strcasecmp(c->args.items[0], names[i]) == 0) {
            cli_print_json(c, spec_json_schema(KINDS[i]));
            return 0;
        }
    }
    const char *near = cl_str_suggest(c->args.items[0], names);
    return cli_usage(c,
                     "there is no kind '%s'%s%s; there are Certificate, Issuer, ClusterIssuer and "
                     "Configuration",
                     c->args.items[0], near != NULL ? ", did you mean " : "", cl_str_or(near, ""));
}
