/* SPDX-License-Identifier: Apache-2.0 */
/* reasons: tokens and documentation lines, expanded from the one list in reasons.h. */
#include "reconciler/core/reasons.h"

#include "spec/base/cl_assert.h"

static const struct {
    const char *token, *doc;
} ROWS[REASON_COUNT] = {[REASON_NONE] = {"", ""},
#define X(symbol, token, doc) [REASON_##symbol] = {token, doc},
                        REASONS(X)
#undef X
};

const char *reason_token(enum reason r)
{
    cl_assert(r < REASON_COUNT);
    return ROWS[r].token;
}

const char *reason_doc(enum reason r)
{
    cl_assert(r < REASON_COUNT);
    return ROWS[r].doc;
}
