/* SPDX-License-Identifier: Apache-2.0 */
/* preflight_due: see the header. */
#include "reconciler/core/preflight_due.h"

#include "spec/base/cl_str.h"

bool preflight_due(const struct preflight_case *c)
{
    if (c->resumes) {
        return false;
    }
    switch (c->mode) {
    case PREFLIGHT_ALWAYS:
        return true;
    case PREFLIGHT_NEVER:
        return false;
    case PREFLIGHT_AUTO:
        break;
    }
    return c->scarce || c->last_kind == CL_ERR_VALIDATION ||
           cl_streq(c->last_reason, PREFLIGHT_FAILED);
}
