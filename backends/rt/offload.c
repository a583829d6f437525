/* SPDX-License-Identifier: Apache-2.0 */
/* offload: work on libuv's thread pool. The job object is shared with the worker only while the
 * work runs; before and after, the loop's thread owns it (uv_queue_work orders the two). */
#include "backends/rt/offload.h"

#include "backends/rt/loop_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <uv.h>

struct job {
    uv_work_t req;
    int (*work)(void *arg, struct cl_err *err);
    void *arg;
    struct cl_op *op;
    int rc;
    bool cancelled;
    struct cl_err err;
};

static void job_run(uv_work_t *req)
{
    struct job *j = req->data;

    j->rc = j->work(j->arg, &j->err);
}

static void job_after(uv_work_t *req, int status)
{
    struct job *j = req->data;
    struct cl_op *op = j->op;

    if (status == UV_ECANCELED || j->cancelled) {
        struct cl_err err = {0};
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "cancelled");
        cl_free(j);
        cl_op_done(op, &err);
        return;
    }
    struct cl_err err = j->err;
    int rc = j->rc;
    cl_free(j);
    cl_op_done(op, rc < 0 ? &err : NULL);
}

static void job_cancel(struct cl_op *op)
{
    struct job *j = op->impl;

    j->cancelled = true;
    (void)uv_cancel((uv_req_t *)&j->req); /* EBUSY: it runs already; its result is dropped */
}

void offload_start(struct loop *l, int (*work)(void *arg, struct cl_err *err), void *arg,
                   struct cl_op *op)
{
    struct job *j = cl_new(struct job);

    j->req.data = j;
    j->work = work;
    j->arg = arg;
    j->op = op;
    op->impl = j;
    op->cancel = job_cancel;
    cl_assert(uv_queue_work(loop_uv(l), &j->req, job_run, job_after) == 0);
}
