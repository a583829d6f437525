/* SPDX-License-Identifier: Apache-2.0 */
/* Running programs: results, deadline, cancel, output, environment, user. Real processes. */
#include "backends/rt/proc.h"
#include "tests/unit/rt_fixture.h"

#include <errno.h>
#include <signal.h>

struct run {
    struct proc_op op;
    struct rt *rt;
    unsigned done;
    bool failed;
    struct cl_err err;
    struct cl_strv argv, env;
};

static void run_done(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;

    r->done++;
    r->failed = err != NULL;
    if (err != NULL) {
        r->err = *err;
    }
}

static bool run_is_done(void *user)
{
    return ((struct run *)user)->done > 0;
}

static bool run_has_output(void *user)
{
    return ((struct run *)user)->op.output_len > 0;
}

static struct run *start(struct rt *rt, struct proc_request *req, const char *program, ...)
{
    struct run *r = cl_new(struct run);
    va_list ap;

    memset(&r->op, 0xa5, sizeof r->op); /* results need no preparation by the caller */
    r->op.op = (struct cl_op){.done = run_done, .user = r};
    r->rt = rt;
    va_start(ap, program);
    for (const char *a = program; a != NULL; a = va_arg(ap, const char *)) {
        cl_strv_add(&r->argv, a);
    }
    va_end(ap);
    cl_strv_add(&r->env, "PATH=/usr/bin:/bin");
    cl_strv_add(&r->env, "GREETING=hello");
    req->argv = &r->argv;
    if (req->env == NULL) {
        req->env = &r->env;
    }
    if (req->timeout == 0) {
        req->timeout = 15 * CL_SECOND;
    }
    proc_start(rt->loop, req, &r->op);
    cl_strv_deinit(&r->argv); /* borrowed during proc_start only */
    cl_strv_deinit(&r->env);
    assert_int_equal(r->done, 0);
    return r;
}

static void finish(struct run *r)
{
    rt_wait(r->rt, run_is_done, r);
    rt_turns(r->rt, 2);
    assert_int_equal(r->done, 1);
}

static void output_and_exit_code_are_kept(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "sh", "-c", "echo out; echo err >&2; exit 3", NULL);

    finish(r);
    assert_false(r->failed);
    assert_int_equal(r->op.exit_code, 3);
    assert_int_equal(r->op.term_signal, 0);
    assert_false(r->op.timed_out);
    assert_string_equal(r->op.output, "out\nerr\n");
    assert_int_equal(r->op.output_len, 8);
    cl_free(r);
}

static void only_the_tail_of_long_output_is_kept(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "sh", "-c", "seq 1 200000; printf end", NULL);

    finish(r);
    assert_int_equal(r->op.exit_code, 0);
    assert_int_equal(r->op.output_len, PROC_OUTPUT_MAX);
    assert_string_equal(r->op.output + PROC_OUTPUT_MAX - 10, "200000\nend");
    cl_free(r);
}

static void the_environment_is_exactly_what_was_given(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "/usr/bin/env", NULL);

    finish(r);
    assert_string_equal(r->op.output, "PATH=/usr/bin:/bin\nGREETING=hello\n");
    cl_free(r);
}

static void directory_input_and_open_descriptors_are_as_documented(void **state)
{
    struct rt *rt = *state;
    struct proc_request req = {.input = "some input"};
    struct proc_request elsewhere = {.directory = rt->dir};
    struct run *r = start(rt, &req, "sh", "-c", "pwd; cat; ls /proc/self/fd | wc -l", NULL);

    finish(r);
    assert_string_equal(r->op.output, "/\nsome input4\n"); /* 0, 1, 2 and that of ls itself */
    cl_free(r);
    r = start(rt, &elsewhere, "sh", "-c", "pwd; cat", NULL);
    finish(r);
    assert_memory_equal(r->op.output, rt->dir, strlen(rt->dir));
    assert_int_equal(r->op.exit_code, 0);
    cl_free(r);
}

static void arguments_are_not_seen_by_a_shell(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "printf", "%s|", "a b", "$HOME", "`id`", ";", NULL);

    finish(r);
    assert_string_equal(r->op.output, "a b|$HOME|`id`|;|");
    cl_free(r);
}

static void what_cannot_be_started_is_an_error_from_the_loop(void **state)
{
    struct rt *rt = *state;
    static const struct {
        const char *program, *reason;
    } CASES[] = {{"no-such-program", "NotFound"},
                 {"/no/such/program", "NotFound"},
                 {"bin/sh", "NotFound"},
                 {"/etc/passwd", "SpawnFailed"}};

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct proc_request req = {0};
        struct run *r = start(rt, &req, CASES[i].program, NULL);
        finish(r);
        assert_true(r->failed);
        assert_string_equal(r->err.reason, CASES[i].reason);
        cl_free(r);
    }
    struct proc_request req = {.user = "no-such-user"};
    struct run *r = start(rt, &req, "true", NULL);
    finish(r);
    assert_string_equal(r->err.reason, "OwnerUnknown");
    cl_free(r);
}

static void a_killed_program_reports_its_signal(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "sh", "-c", "kill -KILL $$", NULL);

    finish(r);
    assert_false(r->failed);
    assert_int_equal(r->op.exit_code, -1);
    assert_int_equal(r->op.term_signal, SIGKILL);
    cl_free(r);
}

static void the_deadline_ends_the_whole_group(void **state)
{
    struct rt *rt = *state;
    struct proc_request req = {.timeout = 200};
    struct run *r = start(rt, &req, "sh", "-c", "sleep 600 & echo $!; wait", NULL);
    uint64_t pid = 0;

    finish(r);
    assert_false(r->failed);
    assert_true(r->op.timed_out);
    assert_int_equal(r->op.exit_code, -1);
    assert_int_equal(r->op.term_signal, SIGTERM);
    assert_true(r->op.duration >= 200 && r->op.duration < 5000);
    r->op.output[r->op.output_len - 1] = '\0';
    assert_int_equal(cl_parse_u64(r->op.output, INT32_MAX, &pid), 0);
    for (int i = 0; i < 2000 && kill((pid_t)pid, 0) == 0; i++) {
        struct disk_stat st;
        char stat_path[64];
        struct cl_buf b;
        (void)snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", (int)pid);
        if (disk_stat(stat_path, &st, NULL) == 0 &&
            disk_read(stat_path, 4096, &b, NULL, NULL) == 0) {
            bool zombie = strstr(cl_buf_str(&b), ") Z ") != NULL; /* nobody reaps it in here */
            cl_buf_deinit(&b);
            if (zombie) {
                break;
            }
        }
        rt_turns(rt, 10);
    }
    cl_free(r);
}

static void who_ignores_sigterm_is_killed_five_seconds_later(void **state)
{
    struct proc_request req = {.timeout = 100};
    struct run *r = start(*state, &req, "sh", "-c",
                          "trap '' TERM; echo ready; while :; do sleep 1; done", NULL);

    finish(r);
    assert_true(r->op.timed_out);
    assert_int_equal(r->op.term_signal, SIGKILL);
    assert_true(r->op.duration >= 5000);
    assert_string_equal(r->op.output, "ready\n");
    cl_free(r);
}

static void cancel_ends_the_program_and_the_op(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "sh", "-c", "echo up; exec sleep 600", NULL);

    rt_wait(r->rt, run_has_output, r);
    cl_op_cancel(&r->op.op);
    cl_op_cancel(&r->op.op);
    assert_int_equal(r->done, 0);
    finish(r);
    assert_int_equal(r->err.kind, CL_ERR_CANCELLED);
    assert_int_equal(r->op.term_signal, SIGTERM);
    assert_false(r->op.timed_out);
    cl_free(r);
}

static void cancel_before_the_start_ends_the_op_too(void **state)
{
    struct proc_request missing = {0};
    struct proc_request as_user = {.user = "root"};
    struct run *r = start(*state, &missing, "no-such-program", NULL);

    cl_op_cancel(&r->op.op);
    finish(r);
    assert_int_equal(r->err.kind, CL_ERR_CANCELLED);
    cl_free(r);
    r = start(*state, &as_user, "sleep", "600", NULL);
    cl_op_cancel(&r->op.op);
    finish(r);
    assert_int_equal(r->err.kind, CL_ERR_CANCELLED);
    cl_free(r);
}

static void a_daemon_left_behind_does_not_hold_up_the_end(void **state)
{
    struct proc_request req = {0};
    struct run *r = start(*state, &req, "sh", "-c", "sleep 30 & echo started", NULL);

    finish(r);
    assert_int_equal(r->op.exit_code, 0);
    assert_true(r->op.duration < 5000);
    assert_string_equal(r->op.output, "started\n");
    cl_free(r);
}

static void a_program_runs_as_the_user_asked_for(void **state)
{
    struct proc_request req = {.user = "nobody"};

    if (geteuid() != 0) {
        skip();
    }
    struct run *r = start(*state, &req, "sh", "-c", "id -un; id -G | wc -w", NULL);
    finish(r);
    assert_false(r->failed);
    assert_string_equal(r->op.output, "nobody\n1\n");
    cl_free(r);
}

static void many_programs_run_side_by_side(void **state)
{
    struct run *runs[20];

    for (size_t i = 0; i < COUNT(runs); i++) {
        struct proc_request req = {0};
        char n[8];
        (void)snprintf(n, sizeof n, "%zu", i);
        runs[i] = start(*state, &req, "sh", "-c", "exit $0", n, NULL);
    }
    for (size_t i = 0; i < COUNT(runs); i++) {
        finish(runs[i]);
        assert_int_equal(runs[i]->op.exit_code, i);
        cl_free(runs[i]);
    }
}

static void a_signal_is_sent_to_a_process_and_never_to_a_group(void **state)
{
    static const long BAD[] = {0, -1, 1, -5, 1L << 40};

    (void)state;
    assert_ok(proc_signal, (long)getpid(), 0);
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_refused("NotFound", proc_signal, BAD[i], 0);
    }
    assert_refused("NotFound", proc_signal, INT32_MAX, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(output_and_exit_code_are_kept),
        T(only_the_tail_of_long_output_is_kept),
        T(the_environment_is_exactly_what_was_given),
        T(directory_input_and_open_descriptors_are_as_documented),
        T(arguments_are_not_seen_by_a_shell),
        T(what_cannot_be_started_is_an_error_from_the_loop),
        T(a_killed_program_reports_its_signal),
        T(the_deadline_ends_the_whole_group),
        T(who_ignores_sigterm_is_killed_five_seconds_later),
        T(cancel_ends_the_program_and_the_op),
        T(cancel_before_the_start_ends_the_op_too),
        T(a_daemon_left_behind_does_not_hold_up_the_end),
        T(a_program_runs_as_the_user_asked_for),
        T(many_programs_run_side_by_side),
        T(a_signal_is_sent_to_a_process_and_never_to_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
