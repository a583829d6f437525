/* SPDX-License-Identifier: Apache-2.0 */
/* acme_wish: what somebody asks of the account. A wish makes a step of the Issuer due (issuer_plan);
 * the step's end is the wish's. */
#include "backends/acme/acme_impl.h"

#include <string.h>

bool acme_wishes(const struct acme *a, enum issuer_wish wish)
{
    return a->wish_op != NULL && a->wish == wish;
}

static void end_wish(struct acme *a, const struct cl_err *err)
{
    struct cl_op *op = a->wish_op;

    a->wish_op = NULL;
    loop_task_cancel(&a->wish_task);
    acme_account_refresh(a); /* it is not wanted any more */
    cl_op_done(op, err);
}

static void cancelled(struct loop_task *task)
{
    struct cl_err err;

    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "it was not done in time");
    end_wish(task->user, &err);
}

static void wish_cancel(struct cl_op *op)
{
    struct acme *a = op->impl;

    loop_defer(a->host->loop, &a->wish_task, cancelled, a);
}

int acme_wish_start(struct acme *a, enum issuer_wish wish, struct cl_op *op, struct cl_err *err)
{
    char when[CL_TIME_TEXT];
    cl_time now = loop_now(a->host->loop);

    if (a->wish_op != NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "Busy", "something else is being done with the account");
    }
    if (!a->account_ok) {
        return cl_fail(err, CL_ERR_LOCAL, "IssuerNotReady", "there is no usable account: %s",
                       a->problem.kind != CL_ERR_NONE ? a->problem.text
                                                      : "it is being prepared; ask again");
    }
    if (a->hold_until > now) {
        return cl_fail(err, CL_ERR_RATE_LIMITED, "RateLimited",
                       "the CA allows no request before %s (%s)",
                       cl_time_format(a->hold_until, when), a->hold_reason);
    }
    if (wish == ISSUER_WISH_ROLLOVER && a->directory.key_change == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "KeyChangeUnsupported",
                       "the CA's directory has no keyChange; its accounts keep their key");
    }
    a->wish = wish;
    a->wish_op = op;
    op->impl = a;
    op->cancel = wish_cancel;
    acme_account_refresh(a);
    if (a->host->changed != NULL) {
        a->host->changed(a->host->user, a->object->key);
    }
    return 0;
}

void acme_wish_step_ended(struct acme *a, enum issuer_step step, const struct cl_err *err)
{
    static const enum issuer_step STEPS[ISSUER_WISH_COUNT] = {
        [ISSUER_WISH_UPDATE] = ISSUER_STEP_ACCOUNT,
        [ISSUER_WISH_ROLLOVER] = ISSUER_STEP_ROLLOVER,
        [ISSUER_WISH_DEACTIVATE] = ISSUER_STEP_ACCOUNT,
    };

    if (a->wish_op != NULL && (err != NULL || STEPS[a->wish] == step)) {
        end_wish(a, err);
    }
}
