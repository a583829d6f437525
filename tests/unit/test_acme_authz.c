/* SPDX-License-Identifier: Apache-2.0 */
/* The order machine: authorizations, challenges, the window, tidying up. */
#include "backends/acme/acme_order.h"
#include "tests/unit/acme_order_fixture.h"

/* Three names, all presented, none admitted yet. */
static void three_names(struct order_test *t)
{
    cl_strv_add(&t->spec.dns_names, "b.example");
    cl_strv_add(&t->spec.dns_names, "c.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1 authorization/2");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "pending", "pending"), "");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "");
    order_reply(t, ACME_AUTHZ, 2, ca_authz("c.example", "pending", "pending"),
                "present/0 present/1 present/2");
    order_tell(t, EV_PRESENTED, 0, "");
    order_tell(t, EV_PRESENTED, 2, "");
    order_tell(t, EV_PRESENTED, 1, "admit/0 admit/1 admit/2"); /* all together */
}

static void tell(struct order_test *t, size_t index)
{
    order_tell(t, EV_ADMITTED, index,
               index == 0   ? "challenge/0"
               : index == 1 ? "challenge/1"
                            : "challenge/2");
    order_reply(t, ACME_CHALLENGE, index, "{}", "");
}

static void all_answers_are_presented_before_the_first_challenge(void **state)
{
    struct order_test *t = *state;

    three_names(t);
    assert_string_equal(t->o->authz[0].key_authorization, TOKEN ".thumb");
    assert_string_equal(t->o->authz[0].type, "http-01");
    assert_ptr_equal(t->o->authz[0].solver, &t->solver);
    tell(t, 0);
    tell(t, 2); /* the window lets them go one by one */
    tell(t, 1);
}

static void point_21_what_is_valid_already_is_skipped(void **state)
{
    struct order_test *t = *state;

    cl_strv_add(&t->spec.dns_names, "b.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "pending", "pending"), "present/1");
    order_tell(t, EV_PRESENTED, 1, "admit/1");
    assert_int_equal(t->o->authz[0].step, AUTHZ_REUSED);
}

static void point_20_all_authorizations_may_be_reused(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "finalize");
}

static void point_21_a_dead_authorization_makes_a_new_order_once(void **state)
{
    static const char *const DEAD[] = {"deactivated", "expired", "revoked", "invalid"};

    for (size_t i = 0; i < COUNT(DEAD); i++) {
        struct order_test *t = *state;
        t->p.order_url = ORDER_URL;
        order_start(t, "order");
        order_reply(t, ACME_ORDER, 0, ca_order(t, "pending", ""), "authorization/0");
        order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", DEAD[i], "pending"), "abort newOrder");
        order_tell(t, EV_TIMER, 0, "");
        order_tell(t, EV_FETCHED, 0, "");
        order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
        order_tell(t, EV_SAVED, 0, "authorization/0");
        order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", "dns"), "abort abort done");
        assert_int_equal(t->o->err.kind, CL_ERR_VALIDATION);
        assert_string_equal(t->o->err.reason, "DNSFailed");
        acme_order_destroy(t->o);
        t->o = NULL;
    }
}

static void a_name_that_was_not_asked_for_is_not_proved(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("victim.example", "pending", "pending"), "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
    assert_string_equal(t->o->err.reason, "UnexpectedIdentifier");
}

static void an_ancestor_of_a_name_may_be_proved_instead(void **state)
{
    struct order_test *t = *state;

    cl_strv_deinit(&t->spec.dns_names);
    cl_strv_add(&t->spec.dns_names, "www.a.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
}

static void an_address_is_proved_as_itself(void **state)
{
    static const char TEXT[] =
        "{\"status\":\"pending\",\"identifier\":{\"type\":\"ip\",\"value\":\"192.0.2.1\"},"
        "\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca/c/http\",\"status\":"
        "\"pending\",\"token\":\"" TOKEN "\"}]}";
    struct order_test *t = *state;

    cl_strv_add(&t->spec.ip_addresses, "192.0.2.1");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, TEXT, "present/0");
}

static void point_25_a_wildcard_without_a_solver_is_permanent(void **state)
{
    static const char TEXT[] =
        "{\"status\":\"pending\",\"wildcard\":true,\"identifier\":{\"type\":\"dns\",\"value\":"
        "\"a.example\"},\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/c/dns\","
        "\"status\":\"pending\",\"token\":\"" TOKEN "\"},{\"type\":\"dns-persist-01\",\"url\":"
        "\"https://ca/c/p\",\"status\":\"pending\"}]}";
    struct order_test *t = *state;

    cl_strv_deinit(&t->spec.dns_names);
    cl_strv_add(&t->spec.dns_names, "*.a.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, TEXT, "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_PERMANENT);
    assert_string_equal(t->o->err.reason, "NoSolver");
    assert_string_equal(t->o->err.identifier, "a.example");
    assert_non_null(strstr(t->o->err.text, "*.a.example"));
    assert_null(t->o->url);
}

static void acme_point_30_a_token_with_slashes_reaches_no_solver(void **state)
{
    static const char *const TOKENS[] = {"../../../../etc/cron.d/evil", "short", "",
                                         "$(reboot)AAAAAAAAAAAAAAAAAAAA"};

    for (size_t i = 0; i < COUNT(TOKENS); i++) {
        struct order_test *t = *state;
        char *text = cl_printf("{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":"
                               "\"a.example\"},\"challenges\":[{\"type\":\"http-01\",\"url\":"
                               "\"https://ca/c/http\",\"status\":\"pending\",\"token\":\"%s\"}]}",
                               TOKENS[i]);
        order_start(t, "newOrder");
        order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
        order_tell(t, EV_SAVED, 0, "authorization/0");
        order_reply(t, ACME_AUTHZ, 0, text, "abort done");
        assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
        assert_string_equal(t->o->err.reason, "BadToken");
        cl_free(text);
        acme_order_destroy(t->o);
        t->o = NULL;
    }
}

static void an_authorization_that_cannot_be_read_fails_the_order(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_tell(t, EV_TIMER, 0, "");
    order_fails(t, ACME_AUTHZ, 0, order_problem(CL_ERR_TRANSIENT, 500, "serverInternal"),
                "abort done");
    assert_string_equal(t->o->url, ORDER_URL);
    acme_order_destroy(t->o);

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, "<html>", "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
}

static void an_answer_that_waits_for_room_gets_it_from_the_one_before(void **state)
{
    struct order_test *t = *state;

    cl_strv_add(&t->spec.dns_names, "b.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "pending", "pending"),
                "present/0 present/1");
    order_tell(t, EV_WAITS, 1, "");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    t->now += CL_MINUTE;
    order_tell(t, EV_TIMER, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "verdict/0+ cleanup/0");
    order_tell(t, EV_CLEANED, 0, "");
    order_tell(t, EV_PRESENTED, 1, "admit/1");
    order_tell(t, EV_ADMITTED, 1, "challenge/1");
    order_reply(t, ACME_CHALLENGE, 1, "{}", "");
    t->now += CL_MINUTE;
    order_tell(t, EV_TIMER, 0, "authorization/1");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "valid", "valid"), "verdict/1+ finalize");
}

static void a_failing_solver_keeps_the_order_for_the_next_try(void **state)
{
    struct order_test *t = *state;
    struct cl_err err = order_problem(CL_ERR_LOCAL, 0, "");

    cl_strv_add(&t->spec.dns_names, "b.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "pending", "pending"),
                "present/0 present/1");
    order_tell(t, EV_TIMER, 0, "");
    order_event(t, (struct acme_event){.type = EV_PRESENTED, .index = 0, .err = &err},
                "abort cleanup/0 stop/1");
    order_tell(t, EV_PRESENTED, 1, "cleanup/1"); /* was under way */
    order_tell(t, EV_CLEANED, 1, "");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_LOCAL);
    assert_string_equal(t->o->err.identifier, "a.example");
    assert_string_equal(t->o->url, ORDER_URL);
}

/* ---- polling ---- */

static void the_first_poll_follows_the_kth_fetch(void **state)
{
    struct order_test *t = *state;

    t->fetches.k = 3;
    order_to_challenge(t);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_tell(t, EV_FETCHED, 0, ""); /* before the reply to the challenge */
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    order_tell(t, EV_FETCHED, 0, "");
    assert_int_equal(acme_order_next_at(t->o) - T0, CL_SECOND); /* the fallback */
    t->now = T0 + 40;
    order_tell(t, EV_FETCHED, 0, "");
    order_timer(t, 41, "authorization/0");
}

static void fetches_before_the_challenge_is_sent_are_counted_and_harmless(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_tell(t, EV_FETCHED, 0, "");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
    order_tell(t, EV_FETCHED, 0, "");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
    assert_int_equal(t->o->authz[0].fetches, 1);
}

static void acme_point_33_a_poll_that_comes_too_early_waits_and_is_learned_from(void **state)
{
    struct order_test *t = *state;

    order_to_challenge(t);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    order_tell(t, EV_FETCHED, 0, "");
    order_timer(t, 1, "authorization/0");
    order_tell(t, EV_FETCHED, 0, "");
    order_reply_after(t, ACME_AUTHZ, 0, "9", ca_authz("a.example", "pending", "processing"), "");
    order_tell(t, EV_FETCHED, 0, ""); /* does not hurry: Retry-After is a lower bound */
    order_timer(t, 1 + 9 * CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "verdict/0+ finalize");
    assert_int_equal(t->fetches.k, 3);
}

static void where_fetches_are_not_seen_eager_first_allows_one_early_poll(void **state)
{
    struct order_test *t = *state;
    char webroot[] = "/srv/www";

    t->p.eager_first = true;
    t->solver.http01.webroot = webroot;
    t->fetches.unseen = 32;
    order_to_challenge(t);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    order_timer(t, 32, "authorization/0");
    order_reply_after(t, ACME_AUTHZ, 0, "9", ca_authz("a.example", "pending", "processing"), "");
    assert_int_equal(t->fetches.unseen, 64); /* learned */
    order_timer(t, 32 + 9 * CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "verdict/0+ finalize");
    assert_int_equal(t->fetches.unseen, 64); /* a late poll says nothing */
    t->solver.http01.webroot = NULL;
}

static void without_retry_after_polls_come_after_2_3_5_8_10_10_s(void **state)
{
    static const cl_time STEPS[] = {2, 3, 5, 8, 10, 10, 10};
    struct order_test *t = *state;
    cl_time at = CL_SECOND;

    order_to_watching(t);
    order_timer(t, at, "authorization/0");
    for (size_t i = 0; i < COUNT(STEPS); i++) {
        order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "processing"), "");
        at += STEPS[i] * CL_SECOND;
        order_timer(t, at, "authorization/0");
    }
}

static void retry_after_of_the_challenge_bounds_the_first_poll(void **state)
{
    struct order_test *t = *state;

    order_to_challenge(t);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_tell(t, EV_FETCHED, 0, "");
    order_reply_after(t, ACME_CHALLENGE, 0, "4", "{}", "");
    order_timer(t, 4 * CL_SECOND, "authorization/0");
}

static void a_webroot_is_polled_after_a_second(void **state)
{
    struct order_test *t = *state;

    t->solver.http01.webroot = cl_strdup("/var/www/html");
    order_to_watching(t);
    order_timer(t, CL_SECOND, "authorization/0");
    cl_free(t->solver.http01.webroot);
    t->solver.http01.webroot = NULL;
}

static void acme_point_08_a_conflict_on_a_challenge_means_go_poll(void **state)
{
    static const struct {
        int status;
        const char *type;
    } CASES[] = {{409, ""}, {409, "conflict"}, {400, "malformed"}};

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct order_test *t = *state;
        order_to_challenge(t);
        order_tell(t, EV_ADMITTED, 0, "challenge/0");
        order_fails(t, ACME_CHALLENGE, 0,
                    order_problem(CL_ERR_TRANSIENT, CASES[i].status, CASES[i].type), "");
        order_timer(t, CL_SECOND, "authorization/0");
        acme_order_destroy(t->o);
        t->o = NULL;
        t->now = T0;
    }
}

static void a_challenge_or_poll_that_fails_for_now_keeps_the_order(void **state)
{
    struct order_test *t = *state;

    order_to_challenge(t);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_fails(t, ACME_CHALLENGE, 0, order_problem(CL_ERR_TRANSIENT, 0, ""),
                "abort release/0 cleanup/0");
    order_tell(t, EV_FETCHED, 0, "");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_string_equal(t->o->url, ORDER_URL);
    acme_order_destroy(t->o);

    order_to_watching(t);
    order_timer(t, CL_SECOND, "authorization/0");
    order_fails(t, ACME_AUTHZ, 0, order_problem(CL_ERR_RATE_LIMITED, 429, "rateLimited"),
                "abort release/0 cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_RATE_LIMITED);
    assert_string_equal(t->o->url, ORDER_URL);
}

static void a_poll_that_is_no_authorization_is_refused(void **state)
{
    struct order_test *t = *state;

    order_to_watching(t);
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, "{}", "abort release/0 cleanup/0 deactivate/0");
    assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
    order_fails(t, ACME_DEACTIVATE, 0, order_problem(CL_ERR_TRANSIENT, 0, ""), "");
    order_tell(t, EV_CLEANED, 0, "done");
}

static void a_resumed_challenge_that_is_being_validated_is_not_sent_again(void **state)
{
    struct order_test *t = *state;

    t->p.order_url = ORDER_URL;
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "pending", ""), "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "processing"), "present/0");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
    order_tell(t, EV_ADMITTED, 0, "");
    order_timer(t, CL_SECOND, "authorization/0");
}

/* ---- failures ---- */

static void point_22_a_failed_challenge_ends_the_order_with_name_type_and_detail(void **state)
{
    struct order_test *t = *state;

    order_to_watching(t);
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", "connection"),
                "verdict/0- abort cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_VALIDATION);
    assert_string_equal(t->o->err.reason, "ConnectionFailed");
    assert_string_equal(t->o->err.identifier, "a.example");
    assert_string_equal(t->o->err.type, URN "connection");
    assert_non_null(strstr(t->o->err.text, "a.example: it went wrong"));
    assert_null(t->o->url);
}

static void a_failed_authorization_without_a_reason_is_a_failed_validation(void **state)
{
    struct order_test *t = *state;

    order_to_watching(t);
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "expired", "pending"),
                "verdict/0- abort cleanup/0");
    assert_int_equal(t->o->err.kind, CL_ERR_VALIDATION);
    assert_string_equal(t->o->err.identifier, "a.example");
}

static void all_failing_names_are_told(void **state)
{
    struct order_test *t = *state;

    three_names(t);
    tell(t, 0);
    tell(t, 1);
    tell(t, 2);
    order_timer(t, CL_SECOND, "authorization/0 authorization/1 authorization/2");
    order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", "dns"), "verdict/0-");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "valid", "valid"), "verdict/1+");
    order_reply(t, ACME_AUTHZ, 2, ca_failed_authz("c.example", "connection"),
                "verdict/2- abort cleanup/0 cleanup/1 cleanup/2");
    assert_string_equal(t->o->err.reason, "DNSFailed"); /* the first one's */
    assert_non_null(strstr(t->o->err.text, "a.example: it went wrong; c.example: it went wrong"));
}

static void point_23_after_a_failure_the_others_are_not_sent_and_are_deactivated(void **state)
{
    struct order_test *t = *state;

    three_names(t);
    tell(t, 0);
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", "dns"),
                "verdict/0- release/1 release/2 abort cleanup/0 cleanup/1 deactivate/1 "
                "cleanup/2 deactivate/2");
    assert_string_equal(t->payload, "{\"status\":\"deactivated\"}");
    order_tell(t, EV_CLEANED, 0, "");
    order_tell(t, EV_CLEANED, 1, "");
    order_tell(t, EV_CLEANED, 2, "");
    order_reply(t, ACME_DEACTIVATE, 1, "{}", "");
    order_fails(t, ACME_DEACTIVATE, 2, order_problem(CL_ERR_TRANSIENT, 500, ""), "done");
}

static void acme_point_34_the_answer_stays_until_the_authorization_is_final(void **state)
{
    struct order_test *t = *state;

    order_to_watching(t);
    order_tell(t, EV_FETCHED, 0, "");
    order_tell(t, EV_FETCHED, 0, "");
    order_timer(t, 1, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "processing"), "");
    assert_int_equal(t->o->authz[0].answer, ANSWER_PRESENTED);
}

static void an_order_that_expires_while_waiting_for_the_window_is_dropped(void **state)
{
    struct order_test *t = *state;

    order_to_challenge(t);
    order_timer(t, CL_DAY, "abort release/0 cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
    assert_int_equal(t->o->err.kind, CL_ERR_TRANSIENT);
    assert_string_equal(t->o->err.reason, "OrderExpired");
    assert_null(t->o->url);
}

static void a_validation_without_end_is_given_up_after_a_day(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0,
                "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":"
                "\"a.example\"}],\"authorizations\":[\"https://ca/authz/0\"],\"finalize\":"
                "\"https://ca/f\"}",
                "save"); /* says nothing about expiry */
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
    assert_int_equal(acme_order_next_at(t->o), CL_NEVER);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply_after(t, ACME_AUTHZ, 0, "99999", ca_authz("a.example", "pending", "processing"),
                      "");
    order_timer(t, CL_SECOND + CL_DAY, "abort release/0 cleanup/0");
    assert_string_equal(t->o->err.reason, "OrderHangs");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, order_setup, order_teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_answers_are_presented_before_the_first_challenge),
        TEST(point_21_what_is_valid_already_is_skipped),
        TEST(point_20_all_authorizations_may_be_reused),
        TEST(point_21_a_dead_authorization_makes_a_new_order_once),
        TEST(a_name_that_was_not_asked_for_is_not_proved),
        TEST(an_ancestor_of_a_name_may_be_proved_instead),
        TEST(an_address_is_proved_as_itself),
        TEST(an_answer_that_waits_for_room_gets_it_from_the_one_before),
        TEST(point_25_a_wildcard_without_a_solver_is_permanent),
        TEST(acme_point_30_a_token_with_slashes_reaches_no_solver),
        TEST(an_authorization_that_cannot_be_read_fails_the_order),
        TEST(a_failing_solver_keeps_the_order_for_the_next_try),
        TEST(the_first_poll_follows_the_kth_fetch),
        TEST(fetches_before_the_challenge_is_sent_are_counted_and_harmless),
        TEST(acme_point_33_a_poll_that_comes_too_early_waits_and_is_learned_from),
        TEST(where_fetches_are_not_seen_eager_first_allows_one_early_poll),
        TEST(without_retry_after_polls_come_after_2_3_5_8_10_10_s),
        TEST(retry_after_of_the_challenge_bounds_the_first_poll),
        TEST(a_webroot_is_polled_after_a_second),
        TEST(acme_point_08_a_conflict_on_a_challenge_means_go_poll),
        TEST(a_challenge_or_poll_that_fails_for_now_keeps_the_order),
        TEST(a_poll_that_is_no_authorization_is_refused),
        TEST(a_resumed_challenge_that_is_being_validated_is_not_sent_again),
        TEST(point_22_a_failed_challenge_ends_the_order_with_name_type_and_detail),
        TEST(a_failed_authorization_without_a_reason_is_a_failed_validation),
        TEST(all_failing_names_are_told),
        TEST(point_23_after_a_failure_the_others_are_not_sent_and_are_deactivated),
        TEST(acme_point_34_the_answer_stays_until_the_authorization_is_final),
        TEST(an_order_that_expires_while_waiting_for_the_window_is_dropped),
        TEST(a_validation_without_end_is_given_up_after_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
