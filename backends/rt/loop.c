/* SPDX-License-Identifier: Apache-2.0 */
/* loop: one turn = wait for IO, run its callbacks, then (uv_check) due timers, then deferred tasks.
 * libuv's own timers run on the monotonic clock; ours are wall-clock points in a heap, and one
 * uv_timer only ends the waiting. The wall clock is read once a turn, lazily. */
#include "backends/rt/loop.h"

#include "backends/rt/loop_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <uv.h>

enum {
    SIGNALS_MAX = 8,
    LOOKS_MAX = 64, /* turns given to closing handles in loop_destroy */
};
static const cl_time RECHECK = 30 * CL_SECOND;
static const cl_time JUMP = 60 * CL_SECOND;

struct signal_watch {
    uv_signal_t handle;
    void (*fn)(void *user, int signum);
    void *user;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* before waiting: sets the alarm */
    uv_check_t check;     /* after waiting: timers and tasks */
    uv_timer_t alarm;
    struct cl_heap timers;
    struct cl_list tasks;
    struct cl_list leftovers;
    cl_time now;    /* 0 = not read in this turn */
    cl_time offset; /* wall clock minus monotonic clock at the last reading */
    bool offset_known;
    cl_time jump; /* not yet reported */
    void (*jump_fn)(void *user, cl_time delta);
    void *jump_user;
    struct signal_watch signals[SIGNALS_MAX];
    size_t signals_len;
    struct disk_queue *disk_queue;
};

struct loop_fd {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    unsigned events;
    bool closing;
    void (*fn)(void *user, int fd, unsigned ready);
    void *user;
};

enum { KEEP_FREE = 8 << 20 };

static void before_waiting(uv_prepare_t *handle);
static void after_waiting(uv_check_t *handle);
static void alarm_rings(uv_timer_t *handle);

struct loop *loop_create(void)
{
    struct loop *l = cl_new(struct loop);

    /* Before there are threads: an arena for each would hold on to memory, and win nothing. */
    (void)mallopt(M_ARENA_MAX, 1);
    /* Parsers and printers take and give back tens of KiB for each file: without this each of them
     * would be a system call and page faults. A daemon that comes to rest gives it back (sys_trim). */
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
    (void)mallopt(M_TOP_PAD, KEEP_FREE / 8);
    (void)mallopt(M_MMAP_THRESHOLD, KEEP_FREE);
    cl_assert(uv_loop_init(&l->uv) == 0);
    /* A peer or a reader of our output that went away is an error of a write, not our end. */
    (void)signal(SIGPIPE, SIG_IGN);
    cl_list_init(&l->tasks);
    cl_list_init(&l->leftovers);
    /* These three start without allocating and cannot fail. The prepare handle also keeps uv_run
     * going when nothing else is watched. */
    (void)uv_prepare_init(&l->uv, &l->prepare);
    (void)uv_check_init(&l->uv, &l->check);
    (void)uv_timer_init(&l->uv, &l->alarm);
    l->prepare.data = l;
    l->check.data = l;
    (void)uv_prepare_start(&l->prepare, before_waiting);
    (void)uv_check_start(&l->check, after_waiting);
    return l;
}

void loop_destroy(struct loop *l)
{
    if (l == NULL) {
        return;
    }
    cl_list_for_each(n, &l->leftovers) {
        struct loop_leftover *o = cl_container(n, struct loop_leftover, link);
        cl_list_remove(n);
        o->end(o);
    }
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
    for (size_t i = 0; i < l->signals_len; i++) {
        uv_close((uv_handle_t *)&l->signals[i].handle, NULL);
    }
    for (int i = 0; i < LOOKS_MAX && uv_run(&l->uv, UV_RUN_NOWAIT) != 0; i++) {
    }
    if (uv_loop_close(&l->uv) != 0) {
        return; /* an op still runs; only the end of the process can follow, which frees all */
    }
    disk_queue_destroy(l->disk_queue);
    cl_heap_deinit(&l->timers);
    cl_free(l);
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

void loop_leave(struct loop *l, struct loop_leftover *o)
{
    cl_list_add_tail(&l->leftovers, &o->link);
}

struct disk_queue **loop_disk_queue(struct loop *l)
{
    return &l->disk_queue;
}

/* ---- time ---- */

static cl_time read_clock(clockid_t id)
{
    struct timespec ts;

    cl_assert(clock_gettime(id, &ts) == 0);
    return (cl_time)ts.tv_sec * CL_SECOND + (cl_time)ts.tv_nsec / 1000000;
}

cl_time loop_now(struct loop *l)
{
    if (l->now == 0) {
        l->now = read_clock(CLOCK_REALTIME);
        /* CLOCK_MONOTONIC stands still in suspend, so waking up is a jump too. */
        cl_time offset = l->now - read_clock(CLOCK_MONOTONIC);
        cl_time moved = l->offset_known ? offset - l->offset : 0;
        if (moved >= JUMP || moved <= -JUMP) {
            l->jump += moved;
        }
        l->offset = offset;
        l->offset_known = true;
    }
    return l->now;
}

uint64_t loop_entropy(struct loop *l)
{
    uint64_t r = 0;

    (void)l;
    cl_assert(getrandom(&r, sizeof r, 0) == (ssize_t)sizeof r);
    return r;
}

void loop_on_jump(struct loop *l, void (*fn)(void *user, cl_time delta), void *user)
{
    l->jump_fn = fn;
    l->jump_user = user;
}

static void report_jump(struct loop *l)
{
    cl_time delta = l->jump;

    l->jump = 0;
    if (delta != 0 && l->jump_fn != NULL) {
        l->jump_fn(l->jump_user, delta);
    }
}

/* ---- the turn ---- */

static void before_waiting(uv_prepare_t *handle)
{
    struct loop *l = handle->data;
    const struct cl_heap_node *first = cl_heap_first(&l->timers);
    cl_time delay = RECHECK;

    l->now = 0;
    if (!cl_list_empty(&l->tasks)) {
        delay = 0;
    } else if (first != NULL) {
        delay = cl_time_min(first->when - loop_now(l), RECHECK);
    } else {
        (void)uv_timer_stop(&l->alarm); /* nothing is due ever: no wake-ups */
        return;
    }
    (void)uv_timer_start(&l->alarm, alarm_rings, delay > 0 ? (uint64_t)delay : 0, 0);
    l->now = 0; /* waiting takes time: what comes next reads anew */
}

static void alarm_rings(uv_timer_t *handle)
{
    (void)handle; /* it only had to end the waiting; uv_check does the work */
}

static void run_timers(struct loop *l)
{
    /* What is (re)armed from here on has a later sequence number and waits for the next turn. */
    uint64_t limit = l->timers.next_seq;

    for (;;) {
        struct cl_heap_node *first = cl_heap_first(&l->timers);
        if (first == NULL || first->when > loop_now(l) || first->seq >= limit) {
            return;
        }
        struct loop_timer *t = cl_container(first, struct loop_timer, node);
        cl_heap_remove(&l->timers, first);
        t->fn(t);
    }
}

static void run_tasks(struct loop *l)
{
    struct cl_list batch;

    cl_list_init(&batch);
    while (!cl_list_empty(&l->tasks)) {
        struct cl_list *n = l->tasks.next;
        cl_list_remove(n);
        cl_list_add_tail(&batch, n);
    }
    while (!cl_list_empty(&batch)) { /* a task may cancel others of the batch */
        struct cl_list *n = batch.next;
        cl_list_remove(n);
        struct loop_task *t = cl_container(n, struct loop_task, link);
        t->fn(t);
    }
}

static void after_waiting(uv_check_t *handle)
{
    struct loop *l = handle->data;

    if (cl_heap_first(&l->timers) != NULL || l->jump_fn != NULL) {
        (void)loop_now(l);
        report_jump(l);
    }
    run_timers(l);
    run_tasks(l);
}

void loop_at(struct loop *l, struct loop_timer *t, cl_time when, void (*fn)(struct loop_timer *),
             void *user)
{
    t->fn = fn;
    t->user = user;
    cl_heap_remove(&l->timers, &t->node);
    if (when != CL_NEVER) {
        /* Not before now: run_timers relies on new timers being behind all that are due. */
        cl_heap_set(&l->timers, &t->node, cl_time_max(when, loop_now(l)));
    }
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    cl_heap_remove(&l->timers, &t->node);
}

void loop_defer(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *), void *user)
{
    if (!cl_list_empty(&t->link)) {
        return;
    }
    t->fn = fn;
    t->user = user;
    cl_list_add_tail(&l->tasks, &t->link);
}

void loop_task_cancel(struct loop_task *t)
{
    cl_list_remove(&t->link);
}

void loop_run(struct loop *l)
{
    l->now = 0;
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

/* ---- file descriptors ---- */

static int to_uv_events(unsigned events)
{
    return ((events & LOOP_READ) != 0 ? UV_READABLE : 0) |
           ((events & LOOP_WRITE) != 0 ? UV_WRITABLE : 0);
}

static void fd_ready(uv_poll_t *handle, int status, int events)
{
    struct loop_fd *w = handle->data;
    unsigned ready = 0;

    if (status < 0) {
        /* POLLERR: libuv stops the watch. The owner learns the error by reading or writing. */
        ready = w->events;
    } else {
        ready = ((events & UV_READABLE) != 0 ? (unsigned)LOOP_READ : 0U) |
                ((events & UV_WRITABLE) != 0 ? (unsigned)LOOP_WRITE : 0U);
    }
    w->fn(w->user, w->fd, ready);
    if (status < 0 && !w->closing && w->events != 0 && !uv_is_active((uv_handle_t *)&w->poll)) {
        (void)uv_poll_start(&w->poll, to_uv_events(w->events), fd_ready);
    }
}

struct loop_fd *loop_fd_watch(struct loop *l, int fd, unsigned events,
                              void (*fn)(void *user, int fd, unsigned ready), void *user)
{
    struct loop_fd *w = cl_new(struct loop_fd);

    w->loop = l;
    w->fd = fd;
    w->fn = fn;
    w->user = user;
    w->poll.data = w;
    /* Fails for regular files and closed descriptors only, which is a bug of the caller. */
    cl_assert(uv_poll_init(&l->uv, &w->poll, fd) == 0);
    loop_fd_change(w, events);
    return w;
}

void loop_fd_change(struct loop_fd *w, unsigned events)
{
    if (events == w->events) {
        return;
    }
    w->events = events;
    if (events == 0) {
        (void)uv_poll_stop(&w->poll);
    } else {
        cl_assert(uv_poll_start(&w->poll, to_uv_events(events), fd_ready) == 0);
    }
}

static void fd_closed(uv_handle_t *handle)
{
    cl_free(handle->data);
}

void loop_fd_unwatch(struct loop_fd *w)
{
    if (w == NULL || w->closing) {
        return;
    }
    w->closing = true;
    uv_close((uv_handle_t *)&w->poll, fd_closed);
}

/* ---- signals ---- */

static void signal_arrived(uv_signal_t *handle, int signum)
{
    struct signal_watch *s = handle->data;

    s->fn(s->user, signum);
}

int loop_signal(struct loop *l, int signum, void (*fn)(void *user, int signum), void *user,
                struct cl_err *err)
{
    if (l->signals_len == SIGNALS_MAX) {
        return cl_fail(err, CL_ERR_INTERNAL, "TooManySignals", "more than %d signal handlers",
                       SIGNALS_MAX);
    }
    struct signal_watch *s = &l->signals[l->signals_len];
    int rc = uv_signal_init(&l->uv, &s->handle);
    if (rc < 0) {
        return cl_fail_errno(err, -rc, "SignalFailed", "cannot prepare for signal %d", signum);
    }
    l->signals_len++;
    s->fn = fn;
    s->user = user;
    s->handle.data = s;
    rc = uv_signal_start(&s->handle, signal_arrived, signum);
    if (rc < 0) {
        return cl_fail_errno(err, -rc, "SignalFailed", "cannot watch for signal %d", signum);
    }
    return 0;
}
