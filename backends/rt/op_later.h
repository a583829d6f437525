/* SPDX-License-Identifier: Apache-2.0 */
/* op_later: for implementations that know the result at once: ends the op in the next loop turn,
 * since x_start never calls done itself. Header only, so that any machine serves it. */
#ifndef OP_LATER_H
#define OP_LATER_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_alloc.h"

/* One answer on its way. Frees itself. */
struct op_later {
    struct loop_task task;
    struct cl_op *op;
    struct cl_err err; /* kind NONE: success */
};

static inline void op_later_run(struct loop_task *t)
{
    struct op_later *later = t->user;
    struct cl_op *op = later->op;
    struct cl_err err = later->err;

    cl_free(later);
    cl_op_done(op, err.kind == CL_ERR_NONE ? NULL : &err);
}

static inline void op_later_cancel(struct cl_op *op)
{
    struct op_later *later = op->impl;

    (void)cl_fail(&later->err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
}

/** Ends @op soon: with success if @err is NULL or of kind NONE, else with a copy of it. */
static inline void op_later(struct loop *l, struct cl_op *op, const struct cl_err *err)
{
    struct op_later *later = cl_new(struct op_later);

    later->op = op;
    if (err != NULL) {
        later->err = *err;
    }
    op->impl = later;
    op->cancel = op_later_cancel;
    loop_defer(l, &later->task, op_later_run, later);
}

#endif
