/* SPDX-License-Identifier: Apache-2.0 */
/* hook_exec: a program with arguments, in a clean environment, with a deadline. */
#include "hooks/hook_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define DEFAULT_TIMEOUT (30 * CL_SECOND)

/* One program under way. Frees itself. */
struct hook_process {
    struct hook_op *op;
    struct proc_op proc;
};

static void process_done(struct cl_op *done, const struct cl_err *err)
{
    struct hook_process *p = done->user;
    struct hook_op *op = p->op;

    op->exit_code = p->proc.exit_code;
    op->timed_out = p->proc.timed_out;
    op->duration = p->proc.duration;
    memcpy(op->output, p->proc.output, sizeof(op->output));
    op->impl = NULL;
    cl_op_done(&op->op, err);
    cl_free(p);
}

static void process_cancel(struct cl_op *op)
{
    struct hook_process *p = op->impl;
    cl_op_cancel(&p->proc.op);
}

void hook_run(struct loop *l, const struct hook_spec *h, const struct cl_strv *argv,
              const struct hook_event *e, struct hook_op *op)
{
    struct cl_strv env = {0};
    struct hook_process *p = cl_new(struct hook_process);

    hook_env(e, &env);
    p->op = op;
    p->proc.op = (struct cl_op){.done = process_done, .user = p};
    op->op.impl = p;
    op->op.cancel = process_cancel;
    const struct proc_request req = {
        .argv = argv,
        .env = &env,
        .user = h->user,
        .timeout = h->timeout > 0 ? h->timeout : DEFAULT_TIMEOUT,
    };
    proc_start(l, &req, &p->proc);
    cl_strv_deinit(&env);
}

static bool is_exec(const struct hook_spec *h)
{
    return h->exec.len > 0;
}

static char *label(const struct hook_spec *h)
{
    return cl_strv_join(&h->exec, " ");
}

static void start(struct loop *l, const struct hook_spec *h, const struct hook_event *e,
                  struct hook_op *op)
{
    hook_run(l, h, &h->exec, e, op);
}

const struct hook_kind hook_kind_exec = {
    .name = "exec", .is = is_exec, .label = label, .start = start};
