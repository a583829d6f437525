/* SPDX-License-Identifier: Apache-2.0 */
/* sim_op: the two functions of backends/rt/op.h. */
#include "backends/rt/op.h"

#include <stddef.h>

void cl_op_cancel(struct cl_op *op)
{
    if (op->cancel != NULL) {
        op->cancel(op);
    }
}

void cl_op_done(struct cl_op *op, const struct cl_err *err)
{
    op->cancel = NULL;
    op->impl = NULL;
    op->done(op, err);
}
