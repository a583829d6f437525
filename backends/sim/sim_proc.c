/* SPDX-License-Identifier: Apache-2.0 */
/* sim_proc: programs whose results the scenario has written down. */
#include "backends/rt/proc.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_check.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct process {
    unsigned life;
    struct proc_op *op;
    char *program;
    cl_time started;
    bool cancelled;
};

struct sim_hook *sim_hook(const char *name)
{
    SIM_WORLD();
    struct sim_hook *h = cl_map_get(&sim->hook_results, name);

    if (h == NULL) {
        h = cl_new(struct sim_hook);
        (void)cl_map_set(&sim->hook_results, name, h);
    }
    return h;
}

static void process_ends(void *arg)
{
    struct process *p = arg;
    struct proc_op *op = p->op;
    struct cl_err err = {0};
    struct sim_hook *h = sim_hook(p->program);

    if (p->life == sim->life && op->op.impl == p) {
        bool fails = sim->now >= h->fails_from && sim->now < h->fails_until;
        op->exit_code = fails ? 1 : 0;
        op->term_signal = 0;
        op->timed_out = false;
        op->duration = sim->now - p->started;
        op->output_len =
            (size_t)cl_format(op->output, sizeof op->output, "%s", fails ? "refused" : "done") == 0
                ? strlen(op->output)
                : 0;
        h->successes += fails || p->cancelled ? 0 : 1;
        sim_trace("program %s ends with %d", p->program, op->exit_code);
        sim_check_hook_ended(p->program, !fails && !p->cancelled);
        if (p->cancelled) {
            (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the program was stopped");
        }
        sim_done(&op->op, p->cancelled ? &err : NULL);
    }
    cl_free(p->program);
    cl_free(p);
}

static void process_cancel(struct cl_op *op)
{
    struct process *p = op->impl;

    p->cancelled = true;
}

void proc_start(struct loop *l, const struct proc_request *req, struct proc_op *op)
{
    SIM_WORLD();
    struct process *p = cl_new(struct process);

    (void)l;
    *p = (struct process){.life = sim->life,
                          .op = op,
                          .program = cl_strdup(req->argv->items[0]),
                          .started = sim->now};
    op->op.impl = p;
    op->op.cancel = process_cancel;
    sim->effects++;
    sim->counts.hooks++;
    sim_hook(p->program)->runs++;
    sim_trace("program %s starts", p->program);
    sim_check_hook_started(p->program, req->env);
    sim_at(sim->now + sim_between(20, 400), process_ends, p);
}

int proc_signal(long pid, int signum, struct cl_err *err)
{
    if (pid <= 1) {
        return cl_fail(err, CL_ERR_LOCAL, "NotFound", "there is no process %ld", pid);
    }
    sim->effects++;
    sim_trace("signal %d to process %ld", signum, pid);
    return 0;
}
