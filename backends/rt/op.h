/* SPDX-License-Identifier: Apache-2.0 */
/* op: the contract of everything that takes time.
 *
 *  1. x_start(..., op) returns at once and never calls op->done itself.
 *  2. op->done runs exactly once, also after cl_op_cancel (then with CL_ERR_CANCELLED).
 *  3. The memory of op belongs to the caller until done has been called. Inputs are borrowed during
 *     x_start only, unless a parameter is named take_* or its comment says otherwise.
 *  4. Results are valid while done runs; to keep them, copy or take them.
 *  5. Every op has a deadline, set when it starts.
 *  6. A backend retries within minutes at most; longer waits go up as cl_err.retry_at.
 *  7. done may free or reuse the op; the implementation does not touch it afterwards.
 */
#ifndef OP_H
#define OP_H

#include "spec/base/cl_err.h"

struct cl_op {
    /* Set by the caller. err is NULL on success and valid during the call only. */
    void (*done)(struct cl_op *op, const struct cl_err *err);
    void (*changed)(struct cl_op *op); /* progress worth showing; may be NULL; never mid-start */
    void *user;
    /* Set by the implementation in x_start. */
    void (*cancel)(struct cl_op *op);
    void *impl;
};

/** Asks a running op to end soon with CL_ERR_CANCELLED. done still comes, and never from here.
 *  No-op if op->cancel is NULL (not started, or cannot be hurried). */
void cl_op_cancel(struct cl_op *op);
/** For implementations: ends the op: clears cancel and impl, then calls done. */
void cl_op_done(struct cl_op *op, const struct cl_err *err);

#endif
