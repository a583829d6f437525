/* SPDX-License-Identifier: Apache-2.0 */
/* proc: run a program: argv without a shell, clean environment, deadline, output tail. */
#ifndef PROC_H
#define PROC_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_str.h"

#define PROC_OUTPUT_MAX 8192

struct proc_request {
    const struct cl_strv *argv; /* argv[0]: absolute, or found in /usr/sbin:/usr/bin:/sbin:/bin */
    const struct cl_strv *env;  /* NAME=VALUE, complete: nothing is inherited */
    const char *user;           /* run as, without supplementary groups; NULL = as we are */
    const char *directory;      /* NULL = / */
    const char *input;          /* written to stdin, NULL = /dev/null */
    cl_time timeout;            /* 0 = 60 s; then SIGTERM to the group, 5 s later SIGKILL */
};
struct proc_op {
    struct cl_op op; /* op.done: err only if it could not be started ("NotFound", "SpawnFailed") */
    /* results, valid in done */
    int exit_code; /* -1 if killed by a signal or timed out */
    int term_signal;
    bool timed_out;
    cl_time duration;
    char output[PROC_OUTPUT_MAX + 1]; /* the tail of stdout and stderr, raw */
    size_t output_len;
};
void proc_start(struct loop *l, const struct proc_request *req, struct proc_op *op);
/** Sends a signal to a process id; "NotFound" if there is none. */
int proc_signal(long pid, int signum, struct cl_err *err);

#endif
