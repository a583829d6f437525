/* SPDX-License-Identifier: Apache-2.0 */
/* loop: time, timers, deferred calls, file descriptors, signals. The only clock of the program and
 * the only file (with proc and offload) that knows libuv. Single-threaded. */
#ifndef LOOP_H
#define LOOP_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_heap.h"
#include "spec/base/cl_list.h"
#include "spec/base/cl_time.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_create(void);
void loop_destroy(struct loop *l); /* all watches must have been stopped; NULL is fine */

/** Wall clock in ms: one value for each loop turn. */
cl_time loop_now(struct loop *l);
/** Unpredictable 64 bits, to seed jitter (getrandom). In the simulator: from the seed. */
uint64_t loop_entropy(struct loop *l);

/* A timer at an absolute wall-clock time. Zeroed = stopped. Owned by the caller. */
struct loop_timer {
    struct cl_heap_node node;
    void (*fn)(struct loop_timer *t);
    void *user;
};
/** (Re)arms @t for @when (past = next turn; CL_NEVER = stop). fn runs once. The wall clock is read
 *  again at least every 30 s, so suspend and clock steps are noticed. */
void loop_at(struct loop *l, struct loop_timer *t, cl_time when, void (*fn)(struct loop_timer *),
             void *user);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* A call made in the next turn, after pending IO. Zeroed = idle. Owned by the caller. */
struct loop_task {
    struct cl_list link;
    void (*fn)(struct loop_task *t);
    void *user;
};
/** Queues @t; if it is queued already nothing changes. */
void loop_defer(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *), void *user);
void loop_task_cancel(struct loop_task *t);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_fd;
/** Watches @fd (stays the caller's). @fn gets the ready events (LOOP_READ | LOOP_WRITE). */
struct loop_fd *loop_fd_watch(struct loop *l, int fd, unsigned events,
                              void (*fn)(void *user, int fd, unsigned ready), void *user);
void loop_fd_change(struct loop_fd *w, unsigned events);
/** Stops; to be called before the caller closes its fd. NULL is fine. */
void loop_fd_unwatch(struct loop_fd *w);

/** Calls @fn in the loop when @signum arrives. At most 8 signals. */
int loop_signal(struct loop *l, int signum, void (*fn)(void *user, int signum), void *user,
                struct cl_err *err);

/** Called when the wall clock jumped by 60 s or more against the monotonic one. */
void loop_on_jump(struct loop *l, void (*fn)(void *user, cl_time delta), void *user);

/** Runs until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
