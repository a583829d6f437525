/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's promises: what runs in which turn, one clock reading a turn, jumps are reported, and
 * an idle loop sleeps. The wall clock can be shifted by the test. */
#include "tests/unit/rt_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

static cl_time clock_shift;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);

    if (rc == 0 && id == CLOCK_REALTIME) {
        ts->tv_sec += (time_t)(clock_shift / CL_SECOND);
    }
    return rc;
}

/* What ran, as letters in order. */
struct trace {
    struct rt *rt;
    char log[64];
    size_t len;
    struct loop_timer timers[4];
    struct loop_task tasks[4];
    int count;
    int fds[2];
    struct loop_fd *watch;
    unsigned ready;
    cl_time delta;
};

static void note(struct trace *t, char c)
{
    assert_true(t->len < sizeof t->log - 1);
    t->log[t->len++] = c;
    t->log[t->len] = '\0';
}

static void timer_a(struct loop_timer *timer)
{
    note(timer->user, 'a');
}
static void timer_b(struct loop_timer *timer)
{
    note(timer->user, 'b');
}
static void timer_c(struct loop_timer *timer)
{
    struct trace *t = timer->user;

    note(t, 'c');
    loop_stop(t->rt->loop);
}

static void timers_run_in_the_order_of_their_times(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;
    cl_time now = loop_now(l);

    loop_at(l, &t.timers[0], now + 20, timer_c, &t);
    loop_at(l, &t.timers[1], now + 10, timer_b, &t);
    loop_at(l, &t.timers[2], now - 10, timer_a, &t);
    loop_run(l);
    assert_string_equal(t.log, "abc");
    assert_true(loop_now(l) >= now + 20);
}

static void a_stopped_timer_does_not_run(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    loop_at(l, &t.timers[0], loop_now(l) + 1, timer_a, &t);
    loop_at(l, &t.timers[1], loop_now(l) + 2, timer_b, &t);
    loop_at(l, &t.timers[2], loop_now(l) + 9, timer_c, &t);
    loop_timer_stop(l, &t.timers[0]);
    loop_at(l, &t.timers[1], CL_NEVER, timer_b, &t);
    loop_run(l);
    assert_string_equal(t.log, "c");
}

static void timer_again(struct loop_timer *timer)
{
    struct trace *t = timer->user;

    note(t, 'a');
    if (++t->count == 3) {
        loop_stop(t->rt->loop);
    }
    loop_at(t->rt->loop, timer, 1, timer_again, t); /* long past */
}
static void fd_noted(void *user, int fd, unsigned ready)
{
    char c;
    struct trace *t = user;

    (void)ready;
    note(t, 'f');
    assert_int_equal(read(fd, &c, 1), 1);
}

static void a_timer_in_the_past_runs_in_the_next_turn_and_lets_io_through(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    assert_int_equal(pipe2(t.fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(t.fds[1], "xx", 2), 2);
    t.watch = loop_fd_watch(l, t.fds[0], LOOP_READ, fd_noted, &t);
    loop_at(l, &t.timers[0], 1, timer_again, &t);
    loop_run(l);
    assert_string_equal(t.log, "fafaa");
    loop_timer_stop(l, &t.timers[0]);
    loop_fd_unwatch(t.watch);
    (void)close(t.fds[0]);
    (void)close(t.fds[1]);
}

static void task_again(struct loop_task *task)
{
    struct trace *t = task->user;

    note(t, 't');
    if (++t->count == 3) {
        loop_stop(t->rt->loop);
        return;
    }
    loop_defer(t->rt->loop, task, task_again, t);
}

static void a_task_queued_by_a_task_runs_in_the_next_turn(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    assert_int_equal(pipe2(t.fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(t.fds[1], "xx", 2), 2);
    t.watch = loop_fd_watch(l, t.fds[0], LOOP_READ, fd_noted, &t);
    loop_defer(l, &t.tasks[0], task_again, &t);
    loop_run(l);
    assert_string_equal(t.log, "ftftt");
    loop_fd_unwatch(t.watch);
    (void)close(t.fds[0]);
    (void)close(t.fds[1]);
}

static void task_u(struct loop_task *task)
{
    note(task->user, 'u');
}
static void task_cancels(struct loop_task *task)
{
    struct trace *t = task->user;

    note(t, 'x');
    loop_task_cancel(&t->tasks[1]);
    loop_stop(t->rt->loop);
}

static void a_task_is_queued_once_and_can_be_cancelled_by_one_before_it(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    loop_defer(l, &t.tasks[2], task_u, &t);
    loop_defer(l, &t.tasks[2], task_u, &t);
    loop_defer(l, &t.tasks[0], task_cancels, &t);
    loop_defer(l, &t.tasks[1], task_u, &t);
    loop_run(l);
    assert_string_equal(t.log, "ux");
}

static void task_reads_clock(struct loop_task *task)
{
    struct trace *t = task->user;
    cl_time before = loop_now(t->rt->loop);

    clock_shift += 5 * CL_SECOND;
    assert_int_equal(loop_now(t->rt->loop), before);
    t->delta = before;
    loop_stop(t->rt->loop);
}

static void the_clock_stands_still_within_a_turn(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    loop_defer(l, &t.tasks[0], task_reads_clock, &t);
    loop_run(l);
    rt_turns(t.rt, 1);
    assert_true(loop_now(l) >= t.delta + 5 * CL_SECOND);
    clock_shift = 0;
}

static void jumped(void *user, cl_time delta)
{
    struct trace *t = user;

    t->count++;
    t->delta = delta;
}

static void a_jump_of_the_wall_clock_is_reported_once(void **state)
{
    static const struct {
        cl_time shift;
        int reports;
    } CASES[] = {{CL_HOUR, 1}, {-CL_HOUR, 1}, {61 * CL_SECOND, 1}, {50 * CL_SECOND, 0}};

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct trace t = {.rt = *state};
        clock_shift = 0;
        loop_on_jump(t.rt->loop, NULL, NULL);
        rt_turns(t.rt, 2);
        (void)loop_now(t.rt->loop);
        rt_turns(t.rt, 1);
        loop_on_jump(t.rt->loop, jumped, &t);
        rt_turns(t.rt, 2);
        t.count = 0;
        clock_shift = CASES[i].shift;
        rt_turns(t.rt, 3);
        assert_int_equal(t.count, CASES[i].reports);
        if (CASES[i].reports > 0) {
            assert_true(llabs(t.delta - CASES[i].shift) < 5 * CL_SECOND);
        }
    }
    loop_on_jump(((struct rt *)*state)->loop, NULL, NULL);
    clock_shift = 0;
}

static void a_timer_follows_a_wall_clock_that_is_set_forward(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    loop_at(l, &t.timers[0], loop_now(l) + CL_DAY, timer_c, &t);
    rt_turns(t.rt, 2);
    assert_string_equal(t.log, "");
    clock_shift = 2 * CL_DAY;
    loop_run(l);
    assert_string_equal(t.log, "c");
    clock_shift = 0;
}

static void fd_ready_note(void *user, int fd, unsigned ready)
{
    struct trace *t = user;

    (void)fd;
    t->ready |= ready;
    loop_stop(t->rt->loop);
}

static void an_fd_is_watched_for_what_was_asked(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t.fds), 0);
    t.watch = loop_fd_watch(l, t.fds[0], LOOP_WRITE, fd_ready_note, &t);
    loop_run(l);
    assert_int_equal(t.ready, LOOP_WRITE);
    assert_int_equal(write(t.fds[1], "x", 1), 1);
    t.ready = 0;
    loop_fd_change(t.watch, LOOP_READ | LOOP_WRITE);
    loop_run(l);
    assert_int_equal(t.ready, LOOP_READ | LOOP_WRITE);
    t.ready = 0;
    loop_fd_change(t.watch, 0);
    rt_turns(t.rt, 3);
    assert_int_equal(t.ready, 0);
    loop_fd_unwatch(t.watch);
    (void)close(t.fds[0]);
    (void)close(t.fds[1]);
}

static void a_broken_fd_is_reported_as_ready_so_that_its_owner_sees_the_error(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;

    assert_int_equal(pipe2(t.fds, O_CLOEXEC | O_NONBLOCK), 0);
    (void)close(t.fds[0]); /* the write end polls as POLLERR now */
    t.watch = loop_fd_watch(l, t.fds[1], LOOP_WRITE, fd_ready_note, &t);
    loop_run(l);
    assert_int_equal(t.ready, LOOP_WRITE);
    t.ready = 0;
    loop_run(l); /* and again, as long as the owner watches it */
    assert_int_equal(t.ready, LOOP_WRITE);
    loop_fd_unwatch(t.watch);
    (void)close(t.fds[1]);
}

static void fd_unwatches_itself(void *user, int fd, unsigned ready)
{
    struct trace *t = user;

    (void)fd;
    (void)ready;
    t->count++;
    loop_fd_unwatch(t->watch);
    loop_stop(t->rt->loop);
}

static void an_fd_watch_can_be_ended_from_its_own_call(void **state)
{
    struct trace t = {.rt = *state};

    assert_int_equal(pipe2(t.fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(t.fds[1], "x", 1), 1);
    t.watch = loop_fd_watch(t.rt->loop, t.fds[0], LOOP_READ, fd_unwatches_itself, &t);
    loop_run(t.rt->loop);
    rt_turns(t.rt, 3);
    assert_int_equal(t.count, 1);
    (void)close(t.fds[0]);
    (void)close(t.fds[1]);
}

static void signal_noted(void *user, int signum)
{
    struct trace *t = user;

    t->count = signum;
    loop_stop(t->rt->loop);
}

static void a_signal_arrives_in_the_loop(void **state)
{
    struct trace t = {.rt = *state};
    struct cl_err err = {0};

    assert_int_equal(loop_signal(t.rt->loop, SIGUSR1, signal_noted, &t, &err), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    loop_run(t.rt->loop);
    assert_int_equal(t.count, SIGUSR1);
}

static void a_ninth_signal_is_refused(void **state)
{
    struct trace t = {.rt = *state};

    for (int i = 0; i < 8; i++) {
        assert_ok(loop_signal, t.rt->loop, SIGUSR2, signal_noted, &t);
    }
    assert_refused("TooManySignals", loop_signal, t.rt->loop, SIGUSR2, signal_noted, &t);
}

static void entropy_differs(void **state)
{
    struct rt *rt = *state;

    assert_true(loop_entropy(rt->loop) != loop_entropy(rt->loop));
}

static void an_idle_loop_sleeps_until_its_timer(void **state)
{
    struct trace t = {.rt = *state};
    struct loop *l = t.rt->loop;
    struct rusage before;
    struct rusage after;

    loop_at(l, &t.timers[0], loop_now(l) + 300, timer_c, &t);
    assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
    loop_run(l);
    assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
    assert_true(after.ru_nvcsw - before.ru_nvcsw <= 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(timers_run_in_the_order_of_their_times),
        T(a_stopped_timer_does_not_run),
        T(a_timer_in_the_past_runs_in_the_next_turn_and_lets_io_through),
        T(a_task_queued_by_a_task_runs_in_the_next_turn),
        T(a_task_is_queued_once_and_can_be_cancelled_by_one_before_it),
        T(the_clock_stands_still_within_a_turn),
        T(a_jump_of_the_wall_clock_is_reported_once),
        T(a_timer_follows_a_wall_clock_that_is_set_forward),
        T(an_fd_is_watched_for_what_was_asked),
        T(a_broken_fd_is_reported_as_ready_so_that_its_owner_sees_the_error),
        T(an_fd_watch_can_be_ended_from_its_own_call),
        T(a_signal_arrives_in_the_loop),
        T(a_ninth_signal_is_refused),
        T(entropy_differs),
        T(an_idle_loop_sleeps_until_its_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
