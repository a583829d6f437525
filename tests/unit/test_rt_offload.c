/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of ops, on the thread pool: done once, from the loop, with the error of the work. */
#include "backends/rt/offload.h"
#include "tests/unit/rt_fixture.h"

#include <poll.h>
#include <pthread.h>

struct job {
    int in, result;
    bool fails;
    pthread_t thread;
    int gate; /* a pipe to wait for; -1 = none */
};

static int work(void *arg, struct cl_err *err)
{
    struct job *j = arg;
    char c;

    j->thread = pthread_self();
    if (j->gate >= 0) {
        assert_int_equal(read(j->gate, &c, 1), 1);
    }
    j->result = j->in * 2;
    return j->fails ? cl_fail(err, CL_ERR_LOCAL, "JobFailed", "on purpose") : 0;
}

static void the_work_is_done_elsewhere_and_reported_in_the_loop(void **state)
{
    struct rt *rt = *state;
    struct job j = {.in = 21, .gate = -1};
    struct rt_op op;

    offload_start(rt->loop, work, &j, rt_op(&op));
    assert_int_equal(op.done, 0);
    rt_wait(rt, rt_op_is_done, &op);
    assert_int_equal(op.done, 1);
    assert_false(op.failed);
    assert_int_equal(j.result, 42);
    assert_false(pthread_equal(j.thread, pthread_self()));
}

static void the_error_of_the_work_arrives(void **state)
{
    struct rt *rt = *state;
    struct job j = {.fails = true, .gate = -1};
    struct rt_op op;

    offload_start(rt->loop, work, &j, rt_op(&op));
    rt_wait(rt, rt_op_is_done, &op);
    assert_true(op.failed);
    assert_string_equal(op.err.reason, "JobFailed");
}

static void a_cancelled_job_ends_as_cancelled_whether_it_ran_or_waited(void **state)
{
    enum { JOBS = 12 }; /* more than there are threads */
    struct rt *rt = *state;
    struct job jobs[JOBS];
    struct rt_op ops[JOBS];
    int gate[2];
    char go[JOBS] = {0};

    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.in = i, .gate = gate[0]};
        offload_start(rt->loop, work, &jobs[i], rt_op(&ops[i]));
    }
    for (int i = 0; i < JOBS; i++) {
        cl_op_cancel(&ops[i].op);
        cl_op_cancel(&ops[i].op);
        assert_int_equal(ops[i].done, 0); /* never from cancel */
    }
    assert_int_equal(write(gate[1], go, sizeof go), sizeof go);
    for (int i = 0; i < JOBS; i++) {
        rt_wait(rt, rt_op_is_done, &ops[i]);
        assert_int_equal(ops[i].done, 1);
        assert_int_equal(ops[i].err.kind, CL_ERR_CANCELLED);
        cl_op_cancel(&ops[i].op); /* no-op afterwards */
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_work_is_done_elsewhere_and_reported_in_the_loop),
        T(the_error_of_the_work_arrives),
        T(a_cancelled_job_ends_as_cancelled_whether_it_ran_or_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
