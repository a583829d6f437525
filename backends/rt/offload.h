/* SPDX-License-Identifier: Apache-2.0 */
/* offload: one blocking job on the thread pool. No decisions in there. */
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"

/** Runs work(arg) in a worker thread, then op->done in the loop: with NULL if work returned 0, else
 *  with what work put into its err. @arg must stay valid until done. Work that runs already is
 *  not interrupted by a cancel, but then ends as cancelled. work must not touch the loop, cl_log or shared data. */
void offload_start(struct loop *l, int (*work)(void *arg, struct cl_err *err), void *arg,
                   struct cl_op *op);

#endif
