/* SPDX-License-Identifier: Apache-2.0 */
/* revocation: one table. */
#include "spec/revocation.h"

#include "spec/base/cl_str.h"

#include <stddef.h>
#include <stdint.h>
#include <strings.h>

static const char *const NAMES[REVOCATION_REASON_MAX + 1] = {
    [0] = "unspecified",        [REVOCATION_KEY_COMPROMISE] = "keyCompromise",
    [2] = "cACompromise",       [3] = "affiliationChanged",
    [4] = "superseded",         [5] = "cessationOfOperation",
    [6] = "certificateHold",    [8] = "removeFromCRL",
    [9] = "privilegeWithdrawn", [10] = "aACompromise",
};

const char *revocation_reason_name(int reason)
{
    return reason >= 0 && reason <= REVOCATION_REASON_MAX ? NAMES[reason] : NULL;
}

int revocation_reason_parse(const char *text)
{
    uint64_t number;

    if (cl_parse_u64(text, REVOCATION_REASON_MAX, &number) == 0) {
        return NAMES[number] != NULL ? (int)number : -1;
    }
    for (int i = 0; i <= REVOCATION_REASON_MAX; i++) {
        if (NAMES[i] != NULL && strcasecmp(NAMES[i], text) == 0) {
            return i;
        }
    }
    return -1;
}
