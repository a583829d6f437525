/* SPDX-License-Identifier: Apache-2.0 */
/* preflight_due: is what the CA will look at looked at first? Pure. */
#ifndef PREFLIGHT_DUE_H
#define PREFLIGHT_DUE_H

#include "spec/base/cl_err.h"
#include "spec/spec.h"

#define PREFLIGHT_FAILED "PreflightFailed" /* reason of the error that a certain finding ends in */

struct preflight_case {
    enum preflight_mode mode;   /* of the Issuer */
    bool resumes;               /* an order is open already: nothing is spent any more */
    bool scarce;                /* the order costs a token that is not soon there again */
    enum cl_err_kind last_kind; /* of the failure before; NONE = none */
    const char *last_reason;
};
bool preflight_due(const struct preflight_case *c);

#endif
