/* SPDX-License-Identifier: Apache-2.0 */
/* The order machine: the happy path, resuming, finalizing, polling, downloading. */
#include "backends/acme/acme_order.h"
#include "tests/unit/acme_order_fixture.h"

static void one_name_costs_seven_requests(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder"); /* 1 */
    assert_string_equal(t->payload,
                        "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0"); /* 2 */
    assert_null(t->payload);                       /* POST-as-GET */
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
    order_tell(t, EV_ADMITTED, 0, "challenge/0"); /* 3 */
    assert_string_equal(t->payload, "{}");
    order_tell(t, EV_FETCHED, 0, "");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    order_timer(t, 1, "authorization/0"); /* 4: right after the fetch */
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"),
                "verdict/0+ finalize"); /* 5 */
    assert_string_equal(t->payload, "{\"csr\":\"MIIC\"}");
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "processing", ""), "");
    order_timer(t, 1 + 2 * CL_SECOND, "order");                                      /* 6 */
    order_reply(t, ACME_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "certificate"); /* 7 */
    order_reply(t, ACME_CERTIFICATE, 0, CHAIN, "cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_NONE);
    assert_string_equal(t->o->chain, CHAIN);
    assert_string_equal(t->o->url, ORDER_URL);
    assert_int_equal(acme_order_next_at(t->o), CL_NEVER);
}

static void acme_point_17_the_order_url_is_saved_before_anything_else(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    assert_string_equal(t->o->url, ORDER_URL);
    order_tell(t, EV_TIMER, 0, ""); /* nothing moves until it is saved */
    order_tell(t, EV_FETCHED, 0, "");
    order_tell(t, EV_SAVED, 0, "authorization/0");
}

static void an_order_that_cannot_be_saved_fails_and_may_be_resumed(void **state)
{
    struct order_test *t = *state;
    struct cl_err err = order_problem(CL_ERR_LOCAL, 0, "");

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_event(t, (struct acme_event){.type = EV_SAVED, .err = &err}, "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_LOCAL);
    assert_string_equal(t->o->url, ORDER_URL);
}

static void acme_point_17_an_order_without_location_is_refused(void **state)
{
    struct order_test *t = *state;
    const char *body = ca_order(t, "pending", "");
    struct acme_reply r = {.status = 201, .body = body, .len = strlen(body)};

    order_start(t, "newOrder");
    order_event(t, (struct acme_event){.type = EV_REPLY, .what = ACME_NEW_ORDER, .reply = &r},
                "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
    assert_string_equal(t->o->err.reason, "NoOrderURL");
}

static void an_order_that_is_no_json_is_refused(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, "<html>", "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
    assert_null(t->o->url);
}

static void acme_point_20_an_order_may_be_ready_at_once(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "ready", ""), "save");
    order_tell(t, EV_SAVED, 0, "finalize");
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    order_reply(t, ACME_CERTIFICATE, 0, CHAIN, "done");
}

static void acme_point_18_finalize_may_be_valid_at_once_and_the_certificate_come_late(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply_after(t, ACME_FINALIZE, 0, "3", ca_order(t, "valid", ""), "");
    order_timer(t, 4 * CL_SECOND, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
}

static void acme_point_18_retry_after_of_a_processing_order_is_obeyed(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply_after(t, ACME_FINALIZE, 0, "30", ca_order(t, "processing", ""), "");
    order_tell(t, EV_TIMER, 0, ""); /* too early */
    order_timer(t, 31 * CL_SECOND, "order");
    order_tell(t, EV_TIMER, 0, ""); /* one is under way */
    order_reply_after(t, ACME_ORDER, 0, "7", ca_order(t, "processing", ""), "");
    order_timer(t, 38 * CL_SECOND, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "processing", ""), "");
    order_timer(t, 43 * CL_SECOND, "order"); /* 2, 3, 5: the third poll waits 5 s */
}

static void eager_first_allows_one_early_poll_and_then_obeys(void **state)
{
    struct order_test *t = *state;

    t->p.eager_first = true;
    order_to_finalize(t);
    order_reply_after(t, ACME_FINALIZE, 0, "60", ca_order(t, "processing", ""), "");
    order_timer(t, CL_SECOND + 5, "order");
    order_reply_after(t, ACME_ORDER, 0, "60", ca_order(t, "processing", ""), "");
    assert_int_equal(t->fetches.finalize, 10); /* learned */
    order_timer(t, CL_SECOND + 5 + CL_MINUTE, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    assert_int_equal(t->fetches.finalize, 10); /* a late poll says nothing */
}

static void an_early_poll_that_hits_is_learned(void **state)
{
    struct order_test *t = *state;

    t->p.eager_first = true;
    t->fetches.finalize = 32;
    order_to_finalize(t);
    order_reply_after(t, ACME_FINALIZE, 0, "1", ca_order(t, "processing", ""), "");
    order_timer(t, CL_SECOND + 32, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    assert_int_equal(t->fetches.finalize, 30);
}

static void acme_point_19_order_not_ready_polls_and_finalizes_again(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_fails(t, ACME_FINALIZE, 0, order_problem(CL_ERR_TRANSIENT, 403, "orderNotReady"), "");
    order_timer(t, 3 * CL_SECOND, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "pending", ""), "");
    order_timer(t, 6 * CL_SECOND, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "ready", ""), "finalize");
    assert_string_equal(t->payload, "{\"csr\":\"MIIC\"}"); /* the same CSR */
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
}

static void finalizing_again_and_again_is_bounded(void **state)
{
    struct order_test *t = *state;
    cl_time at;

    order_to_finalize(t);
    for (int i = 0; i < 4; i++) {
        order_fails(t, ACME_FINALIZE, 0, order_problem(CL_ERR_TRANSIENT, 409, ""), "");
        t->now = acme_order_next_at(t->o);
        order_tell(t, EV_TIMER, 0, "order");
        order_reply(t, ACME_ORDER, 0, ca_order(t, "ready", ""), "finalize");
    }
    order_fails(t, ACME_FINALIZE, 0, order_problem(CL_ERR_TRANSIENT, 409, ""), "");
    for (;;) { /* now it is only polled, until the order is given up */
        at = acme_order_next_at(t->o);
        assert_true(at < T0 + CL_HOUR);
        t->now = at;
        if (at >= T0 + CL_SECOND + 15 * CL_MINUTE) {
            break;
        }
        order_tell(t, EV_TIMER, 0, "order");
        order_reply(t, ACME_ORDER, 0, ca_order(t, "ready", ""), "");
    }
    order_tell(t, EV_TIMER, 0, "abort cleanup/0");
    assert_string_equal(t->o->err.reason, "OrderHangs");
}

static void an_order_not_decided_in_15_minutes_is_given_up(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply_after(t, ACME_FINALIZE, 0, "899", ca_order(t, "processing", ""), "");
    order_timer(t, 900 * CL_SECOND, "order");
    order_reply_after(t, ACME_ORDER, 0, "1", ca_order(t, "processing", ""), "");
    order_timer(t, 901 * CL_SECOND, "abort cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_TRANSIENT);
    assert_true(t->o->hung);
    assert_null(t->o->url); /* the next try makes a new one */
}

static void an_order_on_which_requests_time_out_is_given_up(void **state)
{
    struct order_test *t = *state;
    struct cl_err err = order_problem(CL_ERR_TRANSIENT, 0, "");

    (void)cl_format(err.reason, sizeof err.reason, "TimedOut");
    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "processing", ""), "");
    order_timer(t, 3 * CL_SECOND, "order");
    order_fails(t, ACME_ORDER, 0, err, "abort cleanup/0");
    assert_true(t->o->hung);
    assert_null(t->o->url);
}

static void an_order_made_invalid_at_finalize_says_why(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(
        t, ACME_FINALIZE, 0,
        ca_order(t, "invalid", ",\"error\":{\"type\":\"" URN "caa\",\"detail\":\"CAA forbids\"}"),
        "abort cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_VALIDATION);
    assert_string_equal(t->o->err.reason, "CAAForbids");
    assert_null(t->o->url);
}

static void an_order_made_invalid_without_a_word_is_made_anew(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "invalid", ""), "abort cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_TRANSIENT);
    assert_string_equal(t->o->err.reason, "OrderInvalid");
    assert_null(t->o->url);
}

static void a_refused_csr_is_permanent(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_fails(t, ACME_FINALIZE, 0, order_problem(CL_ERR_PERMANENT, 400, "badCSR"),
                "abort cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_PERMANENT);
    assert_null(t->o->url);
}

static void after_a_network_error_the_order_is_kept(void **state)
{
    static const enum cl_err_kind KINDS[] = {CL_ERR_TRANSIENT, CL_ERR_BUSY, CL_ERR_RATE_LIMITED,
                                             CL_ERR_LOCAL};

    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct order_test *t = *state;
        order_to_finalize(t);
        order_fails(t, ACME_FINALIZE, 0, order_problem(KINDS[i], 0, ""), "abort cleanup/0");
        order_tell(t, EV_CLEANED, 0, "done");
        assert_string_equal(t->o->url, ORDER_URL);
        acme_order_destroy(t->o);
        t->o = NULL;
        t->now = T0;
    }
}

static void an_order_lost_while_polling_is_made_anew(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "processing", ""), "");
    order_timer(t, 3 * CL_SECOND, "order");
    order_fails(t, ACME_ORDER, 0, order_problem(CL_ERR_TRANSIENT, 404, "malformed"),
                "abort cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_TRANSIENT);
    assert_null(t->o->url);
}

static void a_poll_that_is_no_order_is_refused(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0, "<html>", "abort cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
}

static void acme_point_35_what_is_no_pem_is_refused(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    order_reply(t, ACME_CERTIFICATE, 0, "<html>not a chain</html>", "abort cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
    assert_string_equal(t->o->err.reason, "NotPEM");
    assert_null(t->o->chain);
}

static void a_download_that_fails_for_now_keeps_the_order(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    order_fails(t, ACME_CERTIFICATE, 0, order_problem(CL_ERR_TRANSIENT, 500, ""),
                "abort cleanup/0");
    assert_string_equal(t->o->url, ORDER_URL);
}

static void late_fetches_and_timers_say_nothing(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_tell(t, EV_FETCHED, 0, "");
    order_tell(t, EV_TIMER, 0, "");
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "processing", ""), "");
    order_tell(t, EV_FETCHED, 0, "");
    order_timer(t, 3 * CL_SECOND, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    order_tell(t, EV_FETCHED, 0, "");
    order_tell(t, EV_TIMER, 0, "");
    order_reply(t, ACME_CERTIFICATE, 0, CHAIN, "cleanup/0");
}

/* ---- replaces ---- */

static void an_order_that_is_replaced_already_is_asked_for_without_replaces(void **state)
{
    struct order_test *t = *state;

    t->p.replaces = "aki.serial";
    order_start(t, "newOrder");
    assert_non_null(strstr(t->payload, "\"replaces\":\"aki.serial\""));
    order_fails(t, ACME_NEW_ORDER, 0, order_problem(CL_ERR_TRANSIENT, 409, "alreadyReplaced"),
                "newOrder");
    assert_null(strstr(t->payload, "replaces"));
    order_fails(t, ACME_NEW_ORDER, 0, order_problem(CL_ERR_TRANSIENT, 409, "alreadyReplaced"),
                "abort done");
}

static void a_malformed_complaint_about_replaces_counts_too(void **state)
{
    struct order_test *t = *state;

    t->p.replaces = "aki.serial";
    order_start(t, "newOrder");
    struct cl_err err = order_problem(CL_ERR_PERMANENT, 400, "malformed");
    (void)cl_format(err.text, sizeof err.text, "unknown field replaces");
    order_fails(t, ACME_NEW_ORDER, 0, err, "newOrder");
}

static void acme_point_26_a_lifetime_is_asked_for_only_if_told(void **state)
{
    struct order_test *t = *state;

    t->spec.duration = 10 * CL_DAY;
    t->p.request_duration = true;
    t->p.skew = CL_HOUR; /* their clock is what counts */
    order_start(t, "newOrder");
    assert_non_null(strstr(t->payload, "\"notAfter\":\"2026-01-12T16:04:05Z\""));
}

/* ---- resuming ---- */

static void an_order_is_resumed_where_the_ca_has_it(void **state)
{
    static const struct {
        const char *status, *more, *next;
    } CASES[] = {
        {"pending", "", "authorization/0"},
        {"ready", "", "finalize"},
        {"valid", CERTIFICATE, "certificate"},
        {"valid", "", ""},
        {"processing", "", ""},
        {"invalid", "", "newOrder"},
        {"expired", "", "newOrder"},
        {"revoked", "", "newOrder"},
        {"deactivated", "", "newOrder"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct order_test *t = *state;
        t->p.order_url = ORDER_URL;
        order_start(t, "order");
        order_reply(t, ACME_ORDER, 0, ca_order(t, CASES[i].status, CASES[i].more), CASES[i].next);
        acme_order_destroy(t->o);
        t->o = NULL;
    }
}

static void a_resumed_order_that_is_processing_is_polled(void **state)
{
    struct order_test *t = *state;

    t->p.order_url = ORDER_URL;
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "processing", ""), "");
    order_timer(t, 2 * CL_SECOND, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
    order_reply(t, ACME_CERTIFICATE, 0, CHAIN, "done");
}

static void a_lost_order_is_made_anew(void **state)
{
    static const struct {
        int status;
        const char *type;
    } CASES[] = {
        {404, ""}, {404, "malformed"}, {400, "malformed"}, {403, "unauthorized"}, {405, ""}};

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct order_test *t = *state;
        t->p.order_url = ORDER_URL;
        order_start(t, "order");
        order_fails(t, ACME_ORDER, 0,
                    order_problem(CL_ERR_TRANSIENT, CASES[i].status, CASES[i].type), "newOrder");
        acme_order_destroy(t->o);
        t->o = NULL;
    }
}

static void an_order_that_cannot_be_read_now_is_kept(void **state)
{
    struct order_test *t = *state;

    t->p.order_url = ORDER_URL;
    order_start(t, "order");
    order_fails(t, ACME_ORDER, 0, order_problem(CL_ERR_TRANSIENT, 0, ""), "abort done");
    assert_string_equal(t->o->url, ORDER_URL);
}

static void an_order_for_other_names_is_not_resumed(void **state)
{
    struct order_test *t = *state;
    const char *other;

    other = ca_order(t, "ready", "");
    cl_strv_add(&t->spec.dns_names, "b.example");
    t->p.order_url = ORDER_URL;
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, other, "newOrder");
}

static void an_expired_order_is_not_resumed_by_the_clock_of_the_ca(void **state)
{
    struct order_test *t = *state;

    t->p.order_url = ORDER_URL;
    t->p.skew = 2 * CL_DAY;
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "pending", ""), "newOrder");
}

static void garbage_instead_of_the_order_to_resume_fails(void **state)
{
    struct order_test *t = *state;

    t->p.order_url = ORDER_URL;
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, "<html>", "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
}

/* ---- the table ---- */

static void every_state_has_a_name_and_ends(void **state)
{
    (void)state;
    for (int s = 0; s < ORDER_STATE_COUNT; s++) {
        assert_true(strlen(acme_order_state_name((enum acme_order_state)s)) > 0);
        if (s != ORDER_CLEANUP && s != ORDER_DONE) {
            assert_true(acme_order_may_go((enum acme_order_state)s, ORDER_CLEANUP));
        }
    }
    assert_true(acme_order_may_go(ORDER_CLEANUP, ORDER_DONE));
    assert_false(acme_order_may_go(ORDER_CREATE, ORDER_FINALIZE));
    acme_order_destroy(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, order_setup, order_teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_name_costs_seven_requests),
        TEST(acme_point_17_the_order_url_is_saved_before_anything_else),
        TEST(an_order_that_cannot_be_saved_fails_and_may_be_resumed),
        TEST(acme_point_17_an_order_without_location_is_refused),
        TEST(an_order_that_is_no_json_is_refused),
        TEST(acme_point_20_an_order_may_be_ready_at_once),
        TEST(acme_point_18_finalize_may_be_valid_at_once_and_the_certificate_come_late),
        TEST(acme_point_18_retry_after_of_a_processing_order_is_obeyed),
        TEST(eager_first_allows_one_early_poll_and_then_obeys),
        TEST(an_early_poll_that_hits_is_learned),
        TEST(acme_point_19_order_not_ready_polls_and_finalizes_again),
        TEST(finalizing_again_and_again_is_bounded),
        TEST(an_order_not_decided_in_15_minutes_is_given_up),
        TEST(an_order_on_which_requests_time_out_is_given_up),
        TEST(an_order_made_invalid_at_finalize_says_why),
        TEST(an_order_made_invalid_without_a_word_is_made_anew),
        TEST(a_refused_csr_is_permanent),
        TEST(after_a_network_error_the_order_is_kept),
        TEST(an_order_lost_while_polling_is_made_anew),
        TEST(a_poll_that_is_no_order_is_refused),
        TEST(acme_point_35_what_is_no_pem_is_refused),
        TEST(a_download_that_fails_for_now_keeps_the_order),
        TEST(late_fetches_and_timers_say_nothing),
        TEST(an_order_that_is_replaced_already_is_asked_for_without_replaces),
        TEST(a_malformed_complaint_about_replaces_counts_too),
        TEST(acme_point_26_a_lifetime_is_asked_for_only_if_told),
        TEST(an_order_is_resumed_where_the_ca_has_it),
        TEST(a_resumed_order_that_is_processing_is_polled),
        TEST(a_lost_order_is_made_anew),
        TEST(an_order_that_cannot_be_read_now_is_kept),
        TEST(an_order_for_other_names_is_not_resumed),
        TEST(an_expired_order_is_not_resumed_by_the_clock_of_the_ca),
        TEST(garbage_instead_of_the_order_to_resume_fails),
        TEST(every_state_has_a_name_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
