/* SPDX-License-Identifier: Apache-2.0 */
/* The CA does not see a record that all name servers show: wait, and try again once. */
#include "tests/unit/acme_order_fixture.h"

#define WAIT (2 * CL_MINUTE)

static void presented(struct order_test *t, size_t index, cl_time miss_wait, const char *wanted)
{
    order_event(t,
                (struct acme_event){.type = EV_PRESENTED, .index = index, .miss_wait = miss_wait},
                wanted);
}

/* From newOrder (asked for already) to the verdict of type @type. */
static void fail_with(struct order_test *t, cl_time miss_wait, const char *type, const char *wanted)
{
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
    presented(t, 0, miss_wait, "admit/0");
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    t->now = acme_order_next_at(t->o);
    order_tell(t, EV_TIMER, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", type), wanted);
}

static void a_miss_after_a_good_check_waits_and_makes_a_second_order(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    fail_with(t, WAIT, "unauthorized", "verdict/0- cleanup/0");
    cl_time missed_at = t->now;
    assert_int_equal(t->o->missed, 1);
    assert_non_null(strstr(t->o->miss.text, "a.example: "));
    order_tell(t, EV_CLEANED, 0, "");
    assert_int_equal(acme_order_next_at(t->o), missed_at + WAIT);
    assert_non_null(t->o->authz); /* still shown */

    t->now = missed_at + WAIT - 1;
    order_tell(t, EV_TIMER, 0, "");
    t->now++;
    order_tell(t, EV_TIMER, 0, "forget newOrder");
    assert_null(t->o->authz);
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "ready", ""), "save");
    order_tell(t, EV_SAVED, 0, "finalize");
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    order_reply(t, ACME_CERTIFICATE, 0, CHAIN, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_NONE);
    assert_int_equal(t->o->missed, 1);
}

static void the_second_miss_is_a_failure(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    fail_with(t, CL_MINUTE, "dns", "verdict/0- cleanup/0");
    order_tell(t, EV_CLEANED, 0, "");
    t->now += CL_MINUTE;
    order_tell(t, EV_TIMER, 0, "forget newOrder");
    fail_with(t, CL_MINUTE, "dns", "verdict/0- abort cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_VALIDATION);
    assert_int_equal(t->o->missed, 1);
}

static void only_a_record_that_was_not_seen_is_a_miss(void **state)
{
    static const struct {
        const char *type;
        cl_time wait;
        bool again;
    } ROWS[] = {
        {"dns", CL_MINUTE, true},          {"unauthorized", CL_MINUTE, true},
        {"incorrectResponse", WAIT, true}, {"dns", 0, false},
        {"unauthorized", 0, false},        {"caa", CL_MINUTE, false},
        {"connection", CL_MINUTE, false},  {"rejectedIdentifier", CL_MINUTE, false},
        {"serverInternal", WAIT, false},   {"rateLimited", WAIT, false},
    };

    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        void *own = NULL;
        (void)order_setup(&own);
        struct order_test *t = own;
        order_start(t, "newOrder");
        fail_with(t, ROWS[i].wait, ROWS[i].type,
                  ROWS[i].again ? "verdict/0- cleanup/0" : "verdict/0- abort cleanup/0");
        assert_int_equal(t->o->missed, ROWS[i].again ? 1 : 0);
        (void)order_teardown(&own);
    }
    (void)state;
}

/* Two names fail, one of them for another reason: nothing is won by waiting. */
static void all_that_failed_must_be_misses_and_the_longest_wait_counts(void **state)
{
    static const struct {
        const char *second;
        bool again;
    } ROWS[] = {{"dns", true}, {"caa", false}};

    for (size_t i = 0; i < 2; i++) {
        void *own = NULL;
        (void)order_setup(&own);
        struct order_test *t = own;
        cl_strv_add(&t->spec.dns_names, "b.example");
        cl_strv_add(&t->spec.dns_names, "c.example");
        order_start(t, "newOrder");
        order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
        order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1 authorization/2");
        order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "");
        order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "pending", "pending"), "");
        order_reply(t, ACME_AUTHZ, 2, ca_authz("c.example", "pending", "pending"),
                    "present/0 present/1 present/2");
        presented(t, 0, CL_MINUTE, "");
        presented(t, 1, WAIT, "");
        presented(t, 2, WAIT, "admit/0 admit/1 admit/2");
        for (size_t n = 0; n < 2; n++) {
            order_tell(t, EV_ADMITTED, n, n == 0 ? "challenge/0" : "challenge/1");
            order_reply(t, ACME_CHALLENGE, n, "{}", "");
        }
        order_timer(t, CL_SECOND, "authorization/0 authorization/1");
        order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", "dns"), "verdict/0- release/2");
        cl_time at = t->now;
        order_reply(t, ACME_AUTHZ, 1, ca_failed_authz("b.example", ROWS[i].second),
                    ROWS[i].again ? "verdict/1- cleanup/0 cleanup/1 cleanup/2 deactivate/2"
                                  : "verdict/1- abort cleanup/0 cleanup/1 cleanup/2 deactivate/2");
        assert_int_equal(t->o->again_at, ROWS[i].again ? at + WAIT : 0);
        (void)order_teardown(&own);
    }
    (void)state;
}

static void one_that_is_not_wanted_any_more_does_not_wait(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    fail_with(t, WAIT, "dns", "verdict/0- cleanup/0");
    order_tell(t, EV_CANCEL, 0, ""); /* while it is cleaned up */
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_CANCELLED);
}

static void the_wait_can_be_ended(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    fail_with(t, WAIT, "dns", "verdict/0- cleanup/0");
    order_tell(t, EV_CLEANED, 0, "");
    order_tell(t, EV_FETCHED, 0, ""); /* late, of the order that failed */
    order_tell(t, EV_CANCEL, 0, "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_CANCELLED);
    assert_int_equal(acme_order_next_at(t->o), CL_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ORDER_TEST(f) cmocka_unit_test_setup_teardown(f, order_setup, order_teardown)
        ORDER_TEST(a_miss_after_a_good_check_waits_and_makes_a_second_order),
        ORDER_TEST(the_second_miss_is_a_failure),
        cmocka_unit_test(only_a_record_that_was_not_seen_is_a_miss),
        cmocka_unit_test(all_that_failed_must_be_misses_and_the_longest_wait_counts),
        ORDER_TEST(one_that_is_not_wanted_any_more_does_not_wait),
        ORDER_TEST(the_wait_can_be_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
