/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version: what this program is made of. */
#include "backends/crypto/cert.h"
#include "backends/net/http.h"
#include "reconciler/cli/cli_objects.h"
#include "version.h"

#include <jansson.h>

int cmd_version(struct cli *c)
{
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_pack("{s:s,s:s,s:[s,s,s]}", "version", CERTLOOP_VERSION, "commit",
                                    CERTLOOP_COMMIT, "libraries", http_version(), crypto_version(),
                                    "jansson/" JANSSON_VERSION));
        return 0;
    }
    (void)fprintf(c->out, "certloop %s%s%s\n%s\n%s\njansson/%s\n", CERTLOOP_VERSION,
                  CERTLOOP_COMMIT[0] != '\0' ? " " : "", CERTLOOP_COMMIT, http_version(),
                  crypto_version(), JANSSON_VERSION);
    return 0;
}
