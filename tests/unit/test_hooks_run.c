/* SPDX-License-Identifier: Apache-2.0 */
/* Running hooks: programs, signals, units, and the environment they get. */
#include "hooks/hook.h"
#include "tests/unit/rt_fixture.h"

#include <signal.h>
#include <sys/wait.h>

struct running {
    struct rt *rt;
    struct hook_spec hook;
    struct cl_strv domains, more_domains;
    struct hook_cert certs[2];
    struct hook_event event;
    struct hook_op op;
    bool done;
    struct cl_err err;
};

static int setup(void **state)
{
    struct running *r = cl_new(struct running);
    void *rt = NULL;

    assert_int_equal(rt_setup(&rt), 0);
    r->rt = rt;
    cl_strv_add(&r->domains, "example.com");
    cl_strv_add(&r->domains, "www.example.com");
    cl_strv_add(&r->more_domains, "example.com");
    cl_strv_add(&r->more_domains, "example.org");
    r->certs[0] = (struct hook_cert){.name = "www",
                                     .namespace_ = "",
                                     .lineage = "/var/lib/certloop/live/www",
                                     .dns_names = &r->domains,
                                     .serial = "04d1",
                                     .issuer_name = "letsencrypt",
                                     .revision = 3,
                                     .not_after = 1767225600000};
    r->certs[1] = (struct hook_cert){.name = "mail",
                                     .namespace_ = "team",
                                     .lineage = "/var/lib/certloop/live/team_mail",
                                     .dns_names = &r->more_domains};
    r->event =
        (struct hook_event){.reason = "Issued", .certs = r->certs, .n_certs = 1, .error = ""};
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct running *r = *state;
    void *rt = r->rt;
    hook_spec_deinit(&r->hook);
    cl_strv_deinit(&r->domains);
    cl_strv_deinit(&r->more_domains);
    cl_free(r);
    return rt_teardown(&rt);
}

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct running *r = op->user;
    r->done = true;
    if (err != NULL) {
        r->err = *err;
    }
}

static bool is_done(void *user)
{
    return ((struct running *)user)->done;
}

static void start(struct running *r)
{
    r->done = false;
    memset(&r->err, 0, sizeof(r->err));
    r->op = (struct hook_op){.op = {.done = on_done, .user = r}};
    hook_start(r->rt->loop, &r->hook, &r->event, &r->op);
    assert_false(r->done);
}

static void run(struct running *r)
{
    start(r);
    rt_wait(r->rt, is_done, r);
}

static void use_shell(struct running *r, const char *script)
{
    cl_strv_deinit(&r->hook.exec);
    r->hook.exec = (struct cl_strv){0};
    cl_strv_add(&r->hook.exec, "sh");
    cl_strv_add(&r->hook.exec, "-c");
    cl_strv_add(&r->hook.exec, script);
}

static const char *variable(const struct cl_strv *env, const char *name)
{
    size_t len = strlen(name);
    const char *found = NULL;
    cl_strv_for_each(item, env) {
        if (strncmp(item, name, len) == 0 && item[len] == '=') {
            assert_null(found); /* each once */
            found = item + len + 1;
        }
    }
    return found;
}

static void a_program_succeeds_with_exit_code_0(void **state)
{
    struct running *r = *state;
    use_shell(r, "echo hello; echo \"$RENEWED_LINEAGE|$RENEWED_DOMAINS\" >&2");
    run(r);
    assert_int_equal(r->err.kind, CL_ERR_NONE);
    assert_int_equal(r->op.exit_code, 0);
    assert_string_equal(r->op.output,
                        "hello\n/var/lib/certloop/live/www|example.com www.example.com\n");
}

static void a_failing_program_is_an_exit_code_not_an_error(void **state)
{
    struct running *r = *state;
    use_shell(r, "exit 7");
    run(r);
    assert_int_equal(r->err.kind, CL_ERR_NONE);
    assert_int_equal(r->op.exit_code, 7);
    assert_false(r->op.timed_out);
}

static void arguments_are_passed_without_a_shell(void **state)
{
    struct running *r = *state;
    cl_strv_add(&r->hook.exec, "/bin/echo");
    cl_strv_add(&r->hook.exec, "$(id); `id` && x");
    run(r);
    assert_string_equal(r->op.output, "$(id); `id` && x\n");
}

static void nothing_is_inherited(void **state)
{
    struct running *r = *state;
    assert_int_equal(setenv("SECRET_OF_THE_DAEMON", "hunter2", 1), 0);
    use_shell(r, "env");
    run(r);
    assert_null(strstr(r->op.output, "hunter2"));
    assert_non_null(strstr(r->op.output, "PATH=/usr/local/sbin:"));
}

static void a_program_that_hangs_ends_at_its_timeout(void **state)
{
    struct running *r = *state;
    r->hook.timeout = 100;
    use_shell(r, "exec tail -f /dev/null");
    run(r);
    assert_true(r->op.timed_out);
    assert_int_not_equal(r->op.exit_code, 0);
}

static void a_running_program_can_be_cancelled(void **state)
{
    struct running *r = *state;
    use_shell(r, "exec tail -f /dev/null");
    start(r);
    rt_turns(r->rt, 3);
    cl_op_cancel(&r->op.op);
    assert_false(r->done);
    rt_wait(r->rt, is_done, r);
    assert_int_equal(r->err.kind, CL_ERR_CANCELLED);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
    struct running *r = *state;
    cl_strv_add(&r->hook.exec, "/no/such/program");
    run(r);
    assert_int_not_equal(r->err.kind, CL_ERR_NONE);
    assert_non_null(strstr(r->err.text, "/no/such/program"));
}

static void a_hook_without_an_action_is_an_error(void **state)
{
    struct running *r = *state;
    run(r);
    assert_string_equal(r->err.reason, "HookEmpty");
}

/* ---- the environment ---- */

static void the_environment_describes_all_certificates_of_a_run(void **state)
{
    struct running *r = *state;
    struct cl_strv env = {0};
    r->event.n_certs = 2;
    hook_env(&r->event, &env);
    static const struct {
        const char *name, *value;
    } EXPECTED[] = {
        {"RENEWED_LINEAGE", "/var/lib/certloop/live/www"},
        {"RENEWED_DOMAINS", "example.com www.example.com example.org"},
        {"CERTLOOP_EVENT", "Issued"},
        {"CERTLOOP_CERTIFICATES", "www team/mail"},
        {"CERTLOOP_LINEAGES", "/var/lib/certloop/live/www:/var/lib/certloop/live/team_mail"},
        {"CERTLOOP_NAME", "www"},
        {"CERTLOOP_SERIAL", "04d1"},
        {"CERTLOOP_REVISION", "3"},
        {"CERTLOOP_ISSUER", "letsencrypt"},
        {"CERTLOOP_NOT_AFTER", "2026-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < COUNT(EXPECTED); i++) {
        assert_non_null(variable(&env, EXPECTED[i].name));
        assert_string_equal(variable(&env, EXPECTED[i].name), EXPECTED[i].value);
    }
    assert_null(variable(&env, "FAILED_DOMAINS"));
    assert_null(variable(&env, "CERTLOOP_NAMESPACE")); /* unknown or empty: left out */
    assert_null(variable(&env, "CERTLOOP_KEY_PATH"));
    cl_strv_deinit(&env);
}

static void a_failure_names_the_failed_domains_and_cleans_what_the_ca_said(void **state)
{
    struct running *r = *state;
    struct cl_strv env = {0};
    r->event.reason = "Failed";
    r->event.error = "no TXT record\x1b[31m\nX=1";
    r->certs[0].key_path = "/srv/key.pem";
    hook_env(&r->event, &env);
    assert_string_equal(variable(&env, "FAILED_DOMAINS"), "example.com www.example.com");
    assert_null(variable(&env, "RENEWED_DOMAINS"));
    assert_string_equal(variable(&env, "CERTLOOP_KEY_PATH"), "/srv/key.pem");
    assert_null(strchr(variable(&env, "CERTLOOP_ERROR"), '\x1b'));
    assert_null(strchr(variable(&env, "CERTLOOP_ERROR"), '\n'));
    cl_strv_deinit(&env);
}

/* ---- signals ---- */

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
}

static void put_pid(struct running *r, const char *text)
{
    rt_put(r->rt, "service.pid", text);
    cl_free(r->hook.signal_pid_file);
    r->hook.signal_pid_file = cl_strdup(rt_path(r->rt, "service.pid"));
}

static void a_signal_reaches_the_process_of_the_pid_file(void **state)
{
    struct running *r = *state;
    char pid[32];
    (void)signal(SIGUSR1, on_signal);
    (void)snprintf(pid, sizeof(pid), " %ld\n", (long)getpid());
    put_pid(r, pid);
    r->hook.signal_name = cl_strdup("SIGUSR1");
    run(r);
    assert_int_equal(r->err.kind, CL_ERR_NONE);
    assert_int_equal(r->op.exit_code, 0);
    assert_int_equal(signalled, SIGUSR1);
}

static void a_pid_file_that_leads_nowhere_is_a_failed_run(void **state)
{
    static const char *const TEXTS[] = {"", "1", "0", "-1", "12x", "99999999999", "4194303"};
    struct running *r = *state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        put_pid(r, TEXTS[i]);
        run(r);
        assert_int_equal(r->err.kind, CL_ERR_NONE);
        assert_int_equal(r->op.exit_code, 1);
        assert_non_null(strstr(r->op.output, "service.pid"));
    }
    cl_free(r->hook.signal_pid_file);
    r->hook.signal_pid_file = cl_strdup(rt_path(r->rt, "missing.pid"));
    run(r);
    assert_int_equal(r->op.exit_code, 1);
    assert_non_null(strstr(r->op.output, "missing.pid"));
}

static void a_pid_file_that_anybody_can_write_is_refused(void **state)
{
    struct running *r = *state;
    char pid[32];
    signalled = 0;
    (void)signal(SIGHUP, on_signal);
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    put_pid(r, pid);
    assert_int_equal(chmod(r->hook.signal_pid_file, 0666), 0);
    run(r);
    assert_int_equal(r->op.exit_code, 1);
    assert_non_null(strstr(r->op.output, "could have been written by others"));
    if (getuid() == 0) {
        assert_int_equal(chmod(r->hook.signal_pid_file, 0644), 0);
        assert_int_equal(chown(r->hook.signal_pid_file, 12345, 12345), 0);
        run(r);
        assert_int_equal(r->op.exit_code, 1);
    }
    assert_int_equal(signalled, 0);
}

static void an_unknown_signal_is_an_error(void **state)
{
    struct running *r = *state;
    put_pid(r, "1");
    r->hook.signal_name = cl_strdup("KILL");
    run(r);
    assert_string_equal(r->err.reason, "HookInvalid");
}

/* ---- units ---- */

static void a_unit_name_that_is_none_is_an_error(void **state)
{
    static const char *const UNITS[] = {"--help", "a b", "x;y", "$(id)", "/etc/passwd"};
    struct running *r = *state;
    for (size_t i = 0; i < COUNT(UNITS); i++) {
        cl_free(r->hook.systemd_unit);
        r->hook.systemd_unit = cl_strdup(UNITS[i]);
        run(r);
        assert_string_equal(r->err.reason, "HookInvalid");
    }
    cl_free(r->hook.systemd_unit);
    r->hook.systemd_unit = cl_strdup("nginx.service");
    r->hook.systemd_action = cl_strdup("poweroff");
    run(r);
    assert_string_equal(r->err.reason, "HookInvalid");
}

/* Whatever this machine's systemctl says about it, or that there is none: it is reported. */
static void a_unit_that_does_not_exist_cannot_be_reloaded(void **state)
{
    struct running *r = *state;
    r->hook.systemd_unit = cl_strdup("certloop-test-no-such-unit.service");
    run(r);
    assert_true(r->err.kind != CL_ERR_NONE || r->op.exit_code != 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_program_succeeds_with_exit_code_0),
        TEST(a_failing_program_is_an_exit_code_not_an_error),
        TEST(arguments_are_passed_without_a_shell),
        TEST(nothing_is_inherited),
        TEST(a_program_that_hangs_ends_at_its_timeout),
        TEST(a_running_program_can_be_cancelled),
        TEST(a_program_that_is_not_there_is_an_error),
        TEST(a_hook_without_an_action_is_an_error),
        TEST(the_environment_describes_all_certificates_of_a_run),
        TEST(a_failure_names_the_failed_domains_and_cleans_what_the_ca_said),
        TEST(a_signal_reaches_the_process_of_the_pid_file),
        TEST(a_pid_file_that_leads_nowhere_is_a_failed_run),
        TEST(a_pid_file_that_anybody_can_write_is_refused),
        TEST(an_unknown_signal_is_an_error),
        TEST(a_unit_name_that_is_none_is_an_error),
        TEST(a_unit_that_does_not_exist_cannot_be_reloaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
