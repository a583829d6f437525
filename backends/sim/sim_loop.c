/* SPDX-License-Identifier: Apache-2.0 */
/* sim_loop: virtual time. When nothing is due, the clock jumps to what comes next: an event of the
 * world or a timer of the daemon. A timer that is armed again and again from its own call, with the
 * same period, is a tick; unless sim->exact, one that runs while nothing happens may come late,
 * later each time, as on a machine that is busy with others. */
#include "backends/rt/loop.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#define TICKS_MAX 32u
#define TICK_PERIOD (20 * CL_SECOND) /* shorter ones are not ticks */
#define TICK_REPEATS 2u
#define TICK_GROWTH 4
#define TURNS_AT_ONCE 5000u

struct tick {
    struct loop_timer *timer;
    cl_time period, factor;
    unsigned repeats;
    uint64_t effects, external;
};
struct signal_watch {
    int signum;
    void (*fn)(void *user, int signum);
    void *user;
};
struct loop {
    struct cl_heap timers; /* on the wall clock */
    struct cl_list tasks;
    bool stop;
    struct loop_timer *running;
    struct tick ticks[TICKS_MAX];
    size_t n_ticks;
    void (*jump_fn)(void *user, cl_time delta);
    void *jump_user;
    struct signal_watch signals[8];
    size_t n_signals;
};
struct loop_fd {
    int fd;
};

struct loop *loop_create(void)
{
    struct loop *l = cl_new(struct loop);

    cl_list_init(&l->tasks);
    return l;
}

void loop_destroy(struct loop *l)
{
    if (l != NULL) {
        cl_heap_deinit(&l->timers);
        cl_free(l);
    }
}

cl_time sim_wall(void)
{
    return sim->now + sim->skew;
}

cl_time loop_now(struct loop *l)
{
    (void)l;
    return sim_wall();
}

uint64_t loop_entropy(struct loop *l)
{
    (void)l;
    return cl_rng_next(&sim->rng);
}

/* ---- timers ---- */

/* A table of what may be a tick. Timers that did not come back with the same period make room: their
 * memory may be gone, so that only the address is looked at. */
static struct tick *tick_of(struct loop *l, const struct loop_timer *t)
{
    size_t free_at = TICKS_MAX;

    for (size_t i = 0; i < l->n_ticks; i++) {
        if (l->ticks[i].timer == t) {
            return &l->ticks[i];
        }
        free_at = l->ticks[i].repeats == 0 ? i : free_at;
    }
    if (l->n_ticks < TICKS_MAX) {
        free_at = l->n_ticks++;
    }
    if (free_at == TICKS_MAX) {
        return NULL;
    }
    l->ticks[free_at] = (struct tick){.factor = 1};
    return &l->ticks[free_at];
}

static cl_time maybe_late(struct loop *l, struct loop_timer *t, cl_time when)
{
    cl_time period = when - sim_wall();

    if (sim->exact || l->running != t || period < TICK_PERIOD || when == CL_NEVER) {
        return when;
    }
    struct tick *k = tick_of(l, t);
    if (k == NULL) {
        return when;
    }
    k->timer = t;
    k->repeats = k->period == period ? k->repeats + 1 : 0;
    k->period = period;
    if (k->external != sim->external || k->repeats < TICK_REPEATS) {
        k->factor = 1;
    } else if (period * k->factor * TICK_GROWTH <= sim->tick_max) {
        k->factor *= TICK_GROWTH;
    }
    k->external = sim->external;
    return sim_wall() + period * k->factor;
}

void loop_at(struct loop *l, struct loop_timer *t, cl_time when, void (*fn)(struct loop_timer *),
             void *user)
{
    t->fn = fn;
    t->user = user;
    if (when == CL_NEVER) {
        cl_heap_remove(&l->timers, &t->node);
        return;
    }
    cl_heap_set(&l->timers, &t->node, maybe_late(l, t, when));
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    cl_heap_remove(&l->timers, &t->node);
    for (size_t i = 0; i < l->n_ticks; i++) {
        if (l->ticks[i].timer == t) { /* it may be freed now */
            l->ticks[i] = (struct tick){.factor = 1};
        }
    }
}

/* Something happened that the ticks are there for: they come when they were asked for. */
static void hurry(struct loop *l)
{
    for (size_t i = 0; i < l->n_ticks; i++) {
        struct tick *k = &l->ticks[i];
        if (k->external != sim->external && k->factor > 1 && cl_heap_contains(&k->timer->node)) {
            k->factor = 1;
            k->external = sim->external;
            cl_heap_set(&l->timers, &k->timer->node,
                        cl_time_min(k->timer->node.when, sim_wall() + k->period));
        }
    }
}

/* ---- tasks ---- */

void loop_defer(struct loop *l, struct loop_task *t, void (*fn)(struct loop_task *), void *user)
{
    if (cl_list_empty(&t->link)) {
        t->fn = fn;
        t->user = user;
        cl_list_add_tail(&l->tasks, &t->link);
    }
}

void loop_task_cancel(struct loop_task *t)
{
    cl_list_remove(&t->link);
}

/* ---- what the simulator has no use for, or little ---- */

struct loop_fd *loop_fd_watch(struct loop *l, int fd, unsigned events,
                              void (*fn)(void *user, int fd, unsigned ready), void *user)
{
    struct loop_fd *w = cl_new(struct loop_fd);

    (void)l;
    (void)events;
    (void)fn;
    (void)user;
    w->fd = fd;
    return w;
}

void loop_fd_change(struct loop_fd *w, unsigned events)
{
    (void)w;
    (void)events;
}

void loop_fd_unwatch(struct loop_fd *w)
{
    cl_free(w);
}

int loop_signal(struct loop *l, int signum, void (*fn)(void *user, int signum), void *user,
                struct cl_err *err)
{
    if (l->n_signals == sizeof l->signals / sizeof l->signals[0]) {
        return cl_fail(err, CL_ERR_INTERNAL, "TooManySignals", "no more signals can be watched");
    }
    l->signals[l->n_signals++] = (struct signal_watch){signum, fn, user};
    return 0;
}

void loop_on_jump(struct loop *l, void (*fn)(void *user, cl_time delta), void *user)
{
    l->jump_fn = fn;
    l->jump_user = user;
}

void sim_loop_clock_jumped(cl_time delta)
{
    struct loop *l = sim->loop;

    sim_external();
    if (l != NULL && l->jump_fn != NULL) {
        SIM_LIFE();
        l->jump_fn(l->jump_user, delta);
    }
}

/* ---- running ---- */

static void run_world(void)
{
    struct cl_heap_node *n;

    while ((n = cl_heap_first(&sim->events)) != NULL && n->when <= sim->now &&
           sim->failure == NULL) {
        struct sim_event *e = cl_container(n, struct sim_event, node);
        void (*fn)(void *) = e->fn;
        void *arg = e->arg;
        cl_heap_remove(&sim->events, n);
        cl_free(e);
        fn(arg);
    }
}

static void run_timers(struct loop *l)
{
    struct cl_heap_node *n;
    uint64_t before = l->timers.next_seq; /* those armed now wait for the next turn */

    SIM_LIFE();
    while ((n = cl_heap_first(&l->timers)) != NULL && n->when <= sim_wall() && n->seq < before) {
        struct loop_timer *t = cl_container(n, struct loop_timer, node);
        cl_heap_remove(&l->timers, n);
        l->running = t;
        t->fn(t);
        l->running = NULL;
    }
}

static void run_tasks(struct loop *l)
{
    struct cl_list batch;

    SIM_LIFE();
    cl_list_init(&batch);
    while (!cl_list_empty(&l->tasks)) {
        struct cl_list *n = l->tasks.next;
        cl_list_remove(n);
        cl_list_add_tail(&batch, n);
    }
    while (!cl_list_empty(&batch)) {
        struct loop_task *t = cl_container(batch.next, struct loop_task, link);
        cl_list_remove(&t->link);
        t->fn(t);
    }
}

/* The world time of what comes next. */
static cl_time next_time(const struct loop *l)
{
    const struct cl_heap_node *e = cl_heap_first(&sim->events);
    const struct cl_heap_node *t = cl_heap_first(&l->timers);
    cl_time next = e != NULL ? e->when : CL_NEVER;

    if (!cl_list_empty(&l->tasks)) {
        return sim->now;
    }
    if (t != NULL) {
        next = cl_time_min(next, t->when - sim->skew);
    }
    return next;
}

static void count_turn(void)
{
    if (sim->instant != sim->now) {
        sim->instant = sim->now;
        sim->instant_turns = 0;
    }
    if (++sim->instant_turns % TURNS_AT_ONCE != 0) {
        return;
    }
    const struct sim_node *specs = sim_fs_node(SIM_SPECS, true); /* each may need a few */
    if (sim->instant_turns >= TURNS_AT_ONCE + 4 * (specs != NULL ? specs->children.count : 0)) {
        sim_violated("NoBusyLoop", "%llu turns of the loop at one instant",
                     (unsigned long long)sim->instant_turns);
    }
}

void loop_run(struct loop *l)
{
    SIM_WORLD();
    l->stop = false;
    while (!l->stop) {
        cl_time next = next_time(l);
        if (sim->failure != NULL) {
            sim_die(SIM_END_FAILED);
        }
        if (next > sim->horizon) {
            sim->now = sim->horizon;
            return;
        }
        sim->now = cl_time_max(sim->now, next);
        count_turn();
        run_world();
        run_timers(l);
        run_tasks(l);
        if (!sim->exact) {
            hurry(l);
        }
        sim_check_turn();
    }
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}
