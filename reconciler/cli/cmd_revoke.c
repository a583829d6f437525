/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_revoke: asks the daemon to revoke a certificate at its CA. */
#include "reconciler/cli/cli_objects.h"
#include "spec/base/cl_alloc.h"
#include "spec/revocation.h"

#include <string.h>

#define PATIENCE (60 * CL_SECOND)

static int unknown_reason(struct cli *c, const char *text)
{
    (void)cli_usage(
        c, "there is no reason %s; RFC 5280 has these (many CAs take 0, 1, 4 and 5 only):", text);
    for (int i = 0; i <= REVOCATION_REASON_MAX; i++) {
        if (revocation_reason_name(i) != NULL) {
            (void)fprintf(stderr, "  %2d  %s\n", i, revocation_reason_name(i));
        }
    }
    return EXIT_USAGE;
}

int cmd_revoke(struct cli *c)
{
    const char *reason = "0";
    const char *revision = "0";
    uint64_t number = 0;

    if (c->args.len != 1) {
        return cli_usage(c, "name the one Certificate whose certificate is revoked");
    }
    (void)cli_flag_value(c, "--reason", &reason);
    int code = revocation_reason_parse(reason);
    if (code < 0) {
        return unknown_reason(c, reason);
    }
    if (cli_flag_value(c, "--revision", &revision) &&
        (cl_parse_u64(revision, 1000000000, &number) < 0 || number == 0)) {
        return cli_usage(c, "--revision: expected a number, as certloop describe shows it");
    }
    char *key = cli_full_name(c, c->args.items[0]);
    for (char *p = key; *p != '\0'; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    int rc =
        cli_ask(c,
                json_pack("{s:s,s:s,s:i,s:b,s:I,s:b}", "verb", "revoke", "object", key, "reason",
                          code, "withKey", cli_flag_given(c, "--with-key") ? 1 : 0, "revision",
                          (json_int_t)number, "reissue", cli_flag_given(c, "--no-reissue") ? 0 : 1),
                PATIENCE);
    cl_free(key);
    return rc;
}
