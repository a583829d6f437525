/* SPDX-License-Identifier: Apache-2.0 */
/* sim_sys: the further facts of the simulated machine, its log, and its thread pool. */
#include "backends/rt/log_sink.h"
#include "backends/rt/offload.h"
#include "backends/rt/sys.h"
#include "backends/sim/sim.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

const char *sys_getenv(const char *name)
{
    (void)name;
    return NULL;
}

void sys_hostname(char *buf, unsigned size)
{
    (void)cl_format(buf, size, "%s", "sim.example");
}

unsigned sys_uid(void)
{
    return 0;
}

long sys_pid(void)
{
    return 1000 + (long)sim->life;
}

void sys_notify(const char *state)
{
    (void)state;
}

int sys_become(unsigned uid, unsigned gid, struct cl_err *err)
{
    (void)uid;
    (void)gid;
    (void)err;
    return 0;
}

char *sys_program_dir(void)
{
    return cl_strdup("/usr/bin");
}

int sys_exec(const char *program, const struct cl_strv *argv, struct cl_err *err)
{
    (void)argv;
    return cl_fail(err, CL_ERR_LOCAL, "ExecFailed", "cannot run %s", program);
}

void sys_trim(void)
{
}

int sys_listen_fd(const char *listen)
{
    (void)listen;
    return -1;
}

/* ---- log: lines of the trace ---- */

static void to_trace(void *user, enum cl_log_level level, const char *object, const char *reason,
                     const char *text)
{
    static const char *const NAMES[] = {"error", "warning", "notice", "info", "debug"};

    (void)user;
    sim_trace("%s %s %s: %s", NAMES[level], object, reason, text);
}

void log_sink_open(bool json, enum cl_log_level most_verbose)
{
    (void)json;
    cl_log_set_sink(to_trace, NULL, most_verbose);
}

/* ---- offload: the job runs in one piece, a little later ---- */

struct job {
    unsigned life;
    int (*work)(void *arg, struct cl_err *err);
    void *arg;
    struct cl_op *op;
    bool cancelled;
};

static void job_due(void *p)
{
    struct job *j = p;
    struct job copy = *j;
    struct cl_err err = {0};

    cl_free(j);
    if (copy.life != sim->life) {
        return;
    }
    SIM_LIFE();
    int rc = copy.work(copy.arg, &err);
    if (copy.cancelled) {
        rc = cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
    }
    cl_op_done(copy.op, rc < 0 ? &err : NULL);
}

static void job_cancel(struct cl_op *op)
{
    struct job *j = op->impl;

    j->cancelled = true;
}

void offload_start(struct loop *l, int (*work)(void *arg, struct cl_err *err), void *arg,
                   struct cl_op *op)
{
    SIM_WORLD();
    struct job *j = cl_new(struct job);

    (void)l;
    *j = (struct job){.life = sim->life, .work = work, .arg = arg, .op = op};
    op->impl = j;
    op->cancel = job_cancel;
    sim_at(sim->now + sim_between(0, 5), job_due, j);
}
