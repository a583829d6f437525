/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/dns_worker: batches, journals, clean-up and recovery, with a script of
 * the test as the provider. */
#include "backends/dns/dns_worker.h"
#include "backends/dns/dns_worker_impl.h"
#include "tests/unit/rt_fixture.h"

/* Logs "ACTION FQDN VALUE"; fails while the file "broken" exists. */
static const char SCRIPT[] = "#!/bin/sh\n"
                             "cd \"$(dirname \"$0\")\" || exit 1\n"
                             "echo \"$1 $2 $3\" >>log\n"
                             "[ ! -e broken ]\n";

struct working {
    struct rt *rt;
    struct paths paths;
    struct config config;
    struct dns01_spec spec;
    struct dns_registry *registry;
    struct dns_worker *worker;
};

static void open_worker(struct working *w)
{
    w->registry = dns_registry_create(w->rt->loop, NULL, &w->paths, &w->config);
    w->worker = dns_worker_create(w->rt->loop, &w->paths, w->registry);
}

static void close_worker(struct working *w)
{
    dns_worker_destroy(w->worker);
    dns_registry_destroy(w->registry);
}

static int setup(void **state)
{
    struct working *w = cl_new(struct working);
    void *rt = NULL;

    assert_int_equal(rt_setup(&rt), 0);
    w->rt = rt;
    w->paths.state = cl_printf("%s/state", w->rt->dir);
    w->paths.secrets = cl_printf("%s/secrets", w->rt->dir);
    rt_put(w->rt, "hook", SCRIPT);
    rt_put(w->rt, "log", "");
    assert_int_equal(chmod(rt_path(w->rt, "hook"), 0755), 0);
    w->spec = (struct dns01_spec){.type = DNS01_EXEC,
                                  .exec = {.protocol = EXEC_LEGO, .timeout = 20 * CL_SECOND}};
    cl_strv_add(&w->spec.exec.command, rt_path(w->rt, "hook"));
    open_worker(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct working *w = *state;
    void *rt = w->rt;

    close_worker(w);
    cl_strv_deinit(&w->spec.exec.command);
    cl_free(w->paths.state);
    cl_free(w->paths.secrets);
    cl_free(w);
    return rt_teardown(&rt);
}

struct asking {
    struct dns_present_op present;
    bool done, failed;
    struct cl_err err;
};

static void answered(struct cl_op *op, const struct cl_err *err)
{
    struct asking *a = op->user;

    a->done = true;
    a->failed = err != NULL;
    if (err != NULL) {
        a->err = *err;
    }
}

static void ask(struct working *w, struct asking *a, const char *fqdn, const char *value)
{
    struct dns_handle *h = NULL;
    struct cl_err err = {0};

    if (dns_registry_open(w->registry, &w->spec, "", &h, &err) < 0) {
        fail_msg("%s", err.text);
    }
    memset(a, 0, sizeof(*a));
    a->present.op = (struct cl_op){.done = answered, .user = a};
    const struct dns_present_request req = {
        .handle = h, .zone = "example.org", .fqdn = fqdn, .value = value};
    dns_worker_present(w->worker, &req, &a->present);
    assert_false(a->done);
    dns_handle_unref(h);
}

/* A claim of a life that has ended: its zone is gone. */
static void forget(struct asking *a)
{
    cl_free(a->present.claim->fqdn);
    cl_free(a->present.claim->value);
    cl_free(a->present.claim);
}

static bool is_answered(void *user)
{
    return ((struct asking *)user)->done;
}

static void flush(struct working *w)
{
    struct rt_op op;
    dns_worker_flush(w->worker, rt_op(&op));
    assert_int_equal(op.done, 0);
    rt_wait(w->rt, rt_op_is_done, &op);
}

static size_t journals(const struct working *w)
{
    return rt_exists(w->rt, "state/dns") ? rt_entries(w->rt, "state/dns") : 0;
}

static char *journal_path(const struct working *w)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    assert_int_equal(disk_list(rt_path(w->rt, "state/dns"), &names, &err), 0);
    assert_int_equal(names.len, 1);
    char *path = cl_printf("%s/state/dns/%s", w->rt->dir, names.items[0]);
    cl_strv_deinit(&names);
    return path;
}

static void what_is_asked_together_is_written_together_and_removed_by_the_flush(void **state)
{
    struct working *w = *state;
    struct asking a, b;

    ask(w, &a, "_acme-challenge.a", "1");
    ask(w, &b, "_acme-challenge.a", "2");
    assert_file(w->rt, "log", "");
    rt_wait(w->rt, is_answered, &a);
    assert_true(b.done && !a.failed && !b.failed);
    assert_file(w->rt, "log", "present _acme-challenge.a. 1\npresent _acme-challenge.a. 2\n");
    assert_int_equal(journals(w), 1);
    dns_worker_release(a.present.claim);
    dns_worker_release(b.present.claim);
    flush(w);
    assert_file(w->rt, "log",
                "present _acme-challenge.a. 1\npresent _acme-challenge.a. 2\n"
                "cleanup _acme-challenge.a. 1\ncleanup _acme-challenge.a. 2\n");
    assert_int_equal(journals(w), 0);
}

static void a_value_wanted_twice_is_written_once(void **state)
{
    struct working *w = *state;
    struct asking a, b;

    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    ask(w, &b, "x", "1");
    rt_wait(w->rt, is_answered, &b);
    dns_worker_release(a.present.claim);
    flush(w);
    assert_file(w->rt, "log", "present x. 1\n");
    dns_worker_release(b.present.claim);
    flush(w);
    assert_file(w->rt, "log", "present x. 1\ncleanup x. 1\n");
}

static void a_removal_joins_the_next_write_of_the_zone(void **state)
{
    struct working *w = *state;
    struct asking a, b;

    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    dns_worker_release(a.present.claim);
    ask(w, &b, "y", "2");
    rt_wait(w->rt, is_answered, &b);
    assert_file(w->rt, "log", "present x. 1\npresent y. 2\ncleanup x. 1\n");
    dns_worker_release(b.present.claim);
    flush(w);
}

static void a_failure_is_everybodys_and_stays_in_the_journal(void **state)
{
    struct working *w = *state;
    struct asking a;

    rt_put(w->rt, "broken", "");
    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    assert_true(a.failed);
    assert_null(a.present.claim);
    assert_string_equal(a.err.reason, "HookFailed");
    assert_int_equal(journals(w), 1);
    flush(w); /* not now: it has just failed */
    assert_file(w->rt, "log", "present x. 1\n");
}

static void what_cannot_be_journalled_is_not_written(void **state)
{
    struct working *w = *state;
    struct asking a;

    rt_put(w->rt, "state", "not a directory");
    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    assert_true(a.failed);
    assert_file(w->rt, "log", "");
    assert_int_equal(unlink(rt_path(w->rt, "state")), 0);
}

static void a_cancelled_one_ends_and_is_not_written(void **state)
{
    struct working *w = *state;
    struct asking a;

    ask(w, &a, "x", "1");
    cl_op_cancel(&a.present.op);
    assert_false(a.done);
    rt_wait(w->rt, is_answered, &a);
    assert_int_equal(a.err.kind, CL_ERR_CANCELLED);
    flush(w);
    assert_file(w->rt, "log", "");
}

static void acme_point_32_what_a_killed_process_left_is_removed_and_nothing_else(void **state)
{
    struct working *w = *state;
    struct asking a, again;
    struct cl_err err = {0};

    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    close_worker(w); /* as a kill would: nobody lets go */
    assert_int_equal(journals(w), 1);
    open_worker(w);
    assert_int_equal(dns_worker_recover(w->worker, &err), 0);
    ask(w, &again, "y", "2"); /* the next write takes it away */
    rt_wait(w->rt, is_answered, &again);
    assert_file(w->rt, "log", "present x. 1\npresent y. 2\ncleanup x. 1\n");
    dns_worker_release(again.present.claim);
    flush(w);
    assert_int_equal(journals(w), 0);
    forget(&a);
}

static void a_value_of_a_resumed_order_stays(void **state)
{
    struct working *w = *state;
    struct asking a, again;
    struct cl_err err = {0};

    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    close_worker(w);
    open_worker(w);
    assert_int_equal(dns_worker_recover(w->worker, &err), 0);
    ask(w, &again, "x", "1");
    rt_wait(w->rt, is_answered, &again);
    flush(w);
    assert_file(w->rt, "log", "present x. 1\npresent x. 1\n");
    dns_worker_release(again.present.claim);
    flush(w);
    assert_int_equal(journals(w), 0);
    forget(&a);
}

static void a_damaged_journal_is_kept_aside_and_reported(void **state)
{
    struct working *w = *state;
    struct asking a;
    struct cl_err err = {0};

    ask(w, &a, "x", "1");
    rt_wait(w->rt, is_answered, &a);
    char *path = journal_path(w);
    const char *relative = path + strlen(w->rt->dir) + 1;
    close_worker(w);
    rt_put(w->rt, relative, "{\"schema\":1,\n");
    open_worker(w);
    assert_int_equal(dns_worker_recover(w->worker, &err), -1);
    assert_string_equal(err.reason, "StateCorrupt");
    assert_non_null(strstr(err.text, path));
    struct asking b;
    ask(w, &b, "y", "2");
    rt_wait(w->rt, is_answered, &b);
    dns_worker_release(b.present.claim);
    flush(w);
    assert_int_equal(journals(w), 1); /* NAME.damaged */
    cl_free(path);
    forget(&a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_asked_together_is_written_together_and_removed_by_the_flush),
        T(a_value_wanted_twice_is_written_once),
        T(a_removal_joins_the_next_write_of_the_zone),
        T(a_failure_is_everybodys_and_stays_in_the_journal),
        T(what_cannot_be_journalled_is_not_written),
        T(a_cancelled_one_ends_and_is_not_written),
        T(acme_point_32_what_a_killed_process_left_is_removed_and_nothing_else),
        T(a_value_of_a_resumed_order_stays),
        T(a_damaged_journal_is_kept_aside_and_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
