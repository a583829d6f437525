/* SPDX-License-Identifier: Apache-2.0 */
/* A new account key, from every point at which the process may have been killed. */
#include "backends/acme/acme_rollover.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/acme_fixture.h"

#define URL "https://ca.example/acct/1"
#define URN "urn:ietf:params:acme:error:"

static char key_change[] = "https://ca.example/key-change";

struct test {
    struct acme_directory directory;
    struct acme_rollover r;
};

static enum acme_rollover_action event(struct test *t, enum acme_rollover_event_type type,
                                       const struct cl_err *err)
{
    return acme_rollover_step(&t->r, &(struct acme_rollover_event){.type = type, .err = err});
}

static enum acme_rollover_action start(struct test *t, bool begun)
{
    t->directory.key_change = key_change;
    acme_rollover_init(&t->r, &(struct acme_rollover_params){
                                  .directory = &t->directory, .account_url = URL, .begun = begun});
    return event(t, ROLLOVER_EV_ENTER, NULL);
}

static enum acme_rollover_action reply(struct test *t, const char *location)
{
    struct acme_reply r = {.status = 200, .location = location, .body = "{}", .len = 2};

    return acme_rollover_step(
        &t->r, &(struct acme_rollover_event){.type = ROLLOVER_EV_REPLY, .reply = &r});
}

static enum acme_rollover_action fails(struct test *t, enum cl_err_kind kind, int status,
                                       const char *problem)
{
    struct cl_err err = {.kind = kind, .http_status = status};

    if (problem != NULL) {
        (void)cl_format(err.type, sizeof err.type, URN "%s", problem);
    }
    return event(t, ROLLOVER_EV_FAILED, &err);
}

static void acme_point_15_the_new_key_is_durable_before_the_ca_hears_of_it(void **state)
{
    struct test t = {0};

    (void)state;
    assert_int_equal(start(&t, false), ROLLOVER_ACT_MAKE_KEY);
    assert_int_equal(event(&t, ROLLOVER_EV_KEY, NULL), ROLLOVER_ACT_CHANGE);
    assert_int_equal(reply(&t, NULL), ROLLOVER_ACT_COMMIT);
    assert_int_equal(event(&t, ROLLOVER_EV_SAVED, NULL), ROLLOVER_ACT_DONE);
    assert_true(t.r.changed);
    assert_int_equal(t.r.err.kind, CL_ERR_NONE);
}

static void acme_point_15_after_a_kill_the_ca_is_asked_which_key_it_takes(void **state)
{
    struct test t = {0};

    (void)state;
    assert_int_equal(start(&t, true), ROLLOVER_ACT_PROBE);
    assert_int_equal(reply(&t, URL), ROLLOVER_ACT_COMMIT); /* it had happened */

    assert_int_equal(start(&t, true), ROLLOVER_ACT_PROBE);
    assert_int_equal(fails(&t, CL_ERR_PERMANENT, 400, "accountDoesNotExist"),
                     ROLLOVER_ACT_CHANGE); /* it had not */
    assert_int_equal(reply(&t, NULL), ROLLOVER_ACT_COMMIT);

    assert_int_equal(start(&t, true), ROLLOVER_ACT_PROBE);
    assert_int_equal(fails(&t, CL_ERR_TRANSIENT, 500, NULL), ROLLOVER_ACT_DONE); /* later */
    assert_false(t.r.discarded);
}

static void acme_point_15_a_conflict_or_a_refusal_is_looked_into(void **state)
{
    static const struct {
        enum cl_err_kind kind;
        int status;
        const char *problem;
    } REFUSALS[] = {
        {CL_ERR_TRANSIENT, 409, "conflict"},     {CL_ERR_TRANSIENT, 409, NULL},
        {CL_ERR_PERMANENT, 401, "unauthorized"}, {CL_ERR_PERMANENT, 400, "malformed"},
        {CL_ERR_BAD_RESULT, 302, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(REFUSALS); i++) {
        struct test t = {0};
        (void)start(&t, false);
        (void)event(&t, ROLLOVER_EV_KEY, NULL);
        assert_int_equal(fails(&t, REFUSALS[i].kind, REFUSALS[i].status, REFUSALS[i].problem),
                         ROLLOVER_ACT_PROBE);
        assert_int_equal(reply(&t, URL), ROLLOVER_ACT_COMMIT); /* the answer had been lost */

        (void)start(&t, false);
        (void)event(&t, ROLLOVER_EV_KEY, NULL);
        (void)fails(&t, REFUSALS[i].kind, REFUSALS[i].status, REFUSALS[i].problem);
        assert_int_equal(fails(&t, CL_ERR_PERMANENT, 400, "accountDoesNotExist"),
                         ROLLOVER_ACT_DISCARD);
        assert_int_equal(event(&t, ROLLOVER_EV_SAVED, NULL), ROLLOVER_ACT_DONE);
        assert_true(t.r.discarded);
        assert_int_equal(t.r.err.kind, REFUSALS[i].kind);
        assert_non_null(strstr(t.r.err.text, "the old one stays"));
    }
}

static void acme_point_15_a_key_of_another_account_is_not_taken(void **state)
{
    struct test t = {0};

    (void)state;
    (void)start(&t, false);
    (void)event(&t, ROLLOVER_EV_KEY, NULL);
    (void)fails(&t, CL_ERR_TRANSIENT, 409, "conflict");
    assert_int_equal(reply(&t, "https://ca.example/acct/2"), ROLLOVER_ACT_DISCARD);
    assert_string_equal(t.r.err.reason, "KeyInUse");
}

static void what_may_pass_keeps_the_new_key_for_the_next_run(void **state)
{
    static const enum cl_err_kind KINDS[] = {CL_ERR_TRANSIENT, CL_ERR_BUSY, CL_ERR_RATE_LIMITED,
                                             CL_ERR_LOCAL, CL_ERR_CANCELLED};

    (void)state;
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct test t = {0};
        (void)start(&t, false);
        (void)event(&t, ROLLOVER_EV_KEY, NULL);
        assert_int_equal(fails(&t, KINDS[i], 0, NULL), ROLLOVER_ACT_DONE);
        assert_int_equal(t.r.err.kind, KINDS[i]);
        assert_false(t.r.discarded);
        assert_false(t.r.changed);
    }
}

static void failures_of_the_disk_come_out(void **state)
{
    struct test t = {0};
    struct cl_err err = {.kind = CL_ERR_LOCAL, .reason = "DiskFull"};

    (void)state;
    (void)start(&t, false);
    assert_int_equal(event(&t, ROLLOVER_EV_KEY, &err), ROLLOVER_ACT_DONE);
    assert_string_equal(t.r.err.reason, "DiskFull");
    (void)start(&t, true);
    (void)reply(&t, URL);
    assert_int_equal(event(&t, ROLLOVER_EV_SAVED, &err), ROLLOVER_ACT_DONE);
    assert_true(t.r.changed);
    assert_string_equal(t.r.err.reason, "DiskFull");
}

static void a_ca_without_key_change_is_told_before_anything_is_made(void **state)
{
    struct test t = {0};

    (void)state;
    acme_rollover_init(
        &t.r, &(struct acme_rollover_params){.directory = &t.directory, .account_url = URL});
    assert_int_equal(event(&t, ROLLOVER_EV_ENTER, NULL), ROLLOVER_ACT_DONE);
    assert_string_equal(t.r.err.reason, "KeyChangeUnsupported");

    acme_rollover_init(&t.r, &(struct acme_rollover_params){
                                 .directory = &t.directory, .account_url = URL, .begun = true});
    assert_int_equal(event(&t, ROLLOVER_EV_ENTER, NULL), ROLLOVER_ACT_PROBE);
    assert_int_equal(fails(&t, CL_ERR_PERMANENT, 400, "accountDoesNotExist"), ROLLOVER_ACT_DISCARD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acme_point_15_the_new_key_is_durable_before_the_ca_hears_of_it),
        cmocka_unit_test(acme_point_15_after_a_kill_the_ca_is_asked_which_key_it_takes),
        cmocka_unit_test(acme_point_15_a_conflict_or_a_refusal_is_looked_into),
        cmocka_unit_test(acme_point_15_a_key_of_another_account_is_not_taken),
        cmocka_unit_test(what_may_pass_keeps_the_new_key_for_the_next_run),
        cmocka_unit_test(failures_of_the_disk_come_out),
        cmocka_unit_test(a_ca_without_key_change_is_told_before_anything_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
