/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal information (RFC 9773): which instant, when to ask, and what plan_next makes of it. */
#include "reconciler/core/ari.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/core_fixture.h"

#define START DAYS(59)
#define END DAYS(61)

static struct cert_facts cert_of(char *id)
{
    return (struct cert_facts){.ari_cert_id = id, .not_before = T0, .not_after = DAYS(90)};
}

static struct ari_answer window(cl_time start, cl_time end)
{
    return (struct ari_answer){.start = start, .end = end};
}

static void rfc_9773_4_2_the_instant_is_picked_once_and_uniformly(void **state)
{
    (void)state;
    unsigned quarter[4] = {0};
    for (int i = 0; i < 2000; i++) {
        char id[32], key[32];
        (void)snprintf(id, sizeof(id), "aki.serial%d", i);
        (void)snprintf(key, sizeof(key), "host-%04d", i);
        struct cert_facts cert = cert_of(id);
        struct ari_state s = {0};
        struct ari_answer a = window(START, END);
        assert_int_equal(ari_answered(&s, &cert, key, &a, DAYS(1)), ARI_PICKED);
        cl_time picked = s.selected;
        assert_in_range(picked, START, END);
        quarter[(picked - START) * 4 / (END - START + 1)]++;
        for (int again = 2; again < 10; again++) {
            assert_int_equal(ari_answered(&s, &cert, key, &a, DAYS(again)), ARI_SAME);
            assert_int_equal(s.selected, picked);
        }
        ari_state_deinit(&s);
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(quarter[i], 420, 580);
    }
}

static void rfc_9773_4_2_another_instant_only_if_the_window_moves_away(void **state)
{
    (void)state;
    char id[] = "aki.serial";
    struct cert_facts cert = cert_of(id);
    struct ari_state s = {0};
    struct ari_answer a = window(START, END);
    (void)ari_answered(&s, &cert, "www", &a, DAYS(1));
    cl_time picked = s.selected;

    a = window(picked - CL_HOUR, END + CL_DAY); /* still in it */
    assert_int_equal(ari_answered(&s, &cert, "www", &a, DAYS(2)), ARI_SAME);
    assert_int_equal(s.selected, picked);
    a = window(DAYS(20), DAYS(21));
    a.explanation_url = "https://ca.example/why";
    assert_int_equal(ari_answered(&s, &cert, "www", &a, DAYS(3)), ARI_MOVED);
    assert_in_range(s.selected, DAYS(20), DAYS(21));
    assert_string_equal(s.explanation_url, "https://ca.example/why");
    assert_false(s.urgent);

    char next[] = "aki.next"; /* the successor has its own */
    cert = cert_of(next);
    s.renewed_at = DAYS(20);
    a = window(START, END);
    assert_int_equal(ari_answered(&s, &cert, "www", &a, DAYS(21)), ARI_PICKED);
    assert_null(s.explanation_url);
    assert_int_equal(s.renewed_at, DAYS(20));
    ari_state_deinit(&s);
}

static void
a_window_that_was_over_when_first_seen_is_urgent_and_one_that_passed_is_not(void **state)
{
    (void)state;
    char id[] = "aki.serial";
    struct cert_facts cert = cert_of(id);
    struct ari_state s = {0};
    struct ari_answer a = window(START, END);
    (void)ari_answered(&s, &cert, "www", &a, DAYS(1));
    (void)ari_answered(&s, &cert, "www", &a, DAYS(70));
    assert_false(s.urgent);
    a = window(DAYS(69), DAYS(70));
    assert_int_equal(ari_answered(&s, &cert, "www", &a, DAYS(70)), ARI_MOVED);
    assert_true(s.urgent);
    a = window(DAYS(75), DAYS(76)); /* the CA takes it back */
    (void)ari_answered(&s, &cert, "www", &a, DAYS(71));
    assert_false(s.urgent);
    ari_state_deinit(&s);
}

static void rfc_9773_4_3_polls_follow_retry_after_within_bounds(void **state)
{
    static const struct {
        cl_time retry_after, least, most; /* from the answer on */
    } CASES[] = {
        {0, 6 * CL_HOUR * 9 / 10, 6 * CL_HOUR * 11 / 10},
        {6 * CL_HOUR, 6 * CL_HOUR, 6 * CL_HOUR * 11 / 10},
        {CL_SECOND, 10 * CL_MINUTE, 11 * CL_MINUTE},
        {30 * CL_DAY, CL_DAY, CL_DAY * 11 / 10},
    };
    (void)state;
    char id[] = "aki.serial";
    struct cert_facts cert = cert_of(id);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct ari_state s = {0};
        struct ari_answer a = window(START, END);
        a.retry_at = CASES[i].retry_after > 0 ? DAYS(1) + CASES[i].retry_after : 0;
        (void)ari_answered(&s, &cert, "www", &a, DAYS(1));
        assert_in_range(s.next_check - DAYS(1), CASES[i].least, CASES[i].most);
        assert_int_equal(ari_poll_at(&s, &cert, T0), s.next_check);
        ari_state_deinit(&s);
    }
    cert.not_after = T0 + CL_HOUR; /* lives an hour */
    struct ari_state s = {0};
    struct ari_answer a = window(T0 + 1, T0 + 2);
    (void)ari_answered(&s, &cert, "www", &a, T0);
    assert_in_range(s.next_check - T0, 9 * CL_MINUTE, 11 * CL_MINUTE);
    (void)ari_answered(&s, &cert, "www", &a, T0 + 55 * CL_MINUTE);
    assert_int_equal(ari_poll_at(&s, &cert, T0), CL_NEVER); /* nothing to ask after its end */
    ari_state_deinit(&s);
}

static void polls_of_many_certificates_are_spread(void **state)
{
    (void)state;
    unsigned early = 0;
    for (int i = 0; i < 1000; i++) {
        char id[] = "aki.serial", key[32];
        (void)snprintf(key, sizeof(key), "host-%04d", i);
        struct cert_facts cert = cert_of(id);
        struct ari_state s = {0};
        struct ari_answer a = window(START, END);
        (void)ari_answered(&s, &cert, key, &a, T0);
        early += s.next_check < T0 + 6 * CL_HOUR ? 1 : 0;
        ari_state_deinit(&s);
    }
    assert_in_range(early, 400, 600);
}

static void a_failed_poll_keeps_the_window_and_is_repeated_more_and_more_rarely(void **state)
{
    static const cl_time WAITS[] = {CL_HOUR, 2 * CL_HOUR, 4 * CL_HOUR, 6 * CL_HOUR, 6 * CL_HOUR};
    (void)state;
    char id[] = "aki.serial";
    struct cert_facts cert = cert_of(id);
    struct ari_state s = {0};
    struct ari_answer a = window(START, END);
    (void)ari_answered(&s, &cert, "www", &a, T0);
    cl_time picked = s.selected;
    for (size_t i = 0; i < COUNT(WAITS); i++) {
        ari_failed(&s, &cert, "www", "500", false, 0, DAYS(1));
        assert_in_range(s.next_check - DAYS(1), WAITS[i], WAITS[i] * 11 / 10);
        assert_int_equal(s.selected, picked);
        assert_string_equal(s.last_error, "500");
    }
    (void)ari_answered(&s, &cert, "www", &a, DAYS(2));
    assert_null(s.last_error);
    ari_failed(&s, &cert, "www", "404", true, 0, DAYS(2)); /* by the CA: no use in asking soon */
    assert_in_range(s.next_check - DAYS(2), 6 * CL_HOUR, 7 * CL_HOUR);
    (void)ari_answered(&s, &cert, "www", &a, DAYS(3));
    ari_failed(&s, &cert, "www", "503", false, DAYS(3) + 5 * CL_HOUR, DAYS(3));
    assert_in_range(s.next_check - DAYS(3), 5 * CL_HOUR, 6 * CL_HOUR);
    ari_state_deinit(&s);
}

static void the_first_question_comes_shortly_after_issuance_if_there_is_an_identifier(void **state)
{
    (void)state;
    char id[] = "aki.serial", none[] = "";
    struct cert_facts cert = cert_of(id);
    struct ari_state s = {0};
    assert_in_range(ari_poll_at(&s, &cert, DAYS(1)) - DAYS(1), 1, CL_MINUTE);
    assert_false(ari_known(&s, &cert));
    cert.ari_cert_id = none;
    assert_int_equal(ari_poll_at(&s, &cert, DAYS(1)), CL_NEVER);
}

/* ---- plan_next ---- */

static void revoked(struct fixture *x, cl_time window_end)
{
    x->facts.ari_selected = window_end - 1;
    x->facts.ari_window_end = window_end;
    x->facts.ari_urgent = true;
    x->facts.ari_explanation = "https://ca.example/incident";
}

static void an_urgent_window_renews_at_once_and_says_why(void **state)
{
    struct fixture *x = *state;
    x->manifest.issued_at = DAYS(1);
    revoked(x, DAYS(1));
    const struct plan *p = plan_at(x, DAYS(1) + CL_HOUR);
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_true(p->by_ari);
    assert_condition(p, ISSUING, TRUE, URGENT_RENEWAL);
    assert_says(p->trigger_message, "https://ca.example/incident");
}

static void an_urgent_window_does_not_wait_for_a_renewal_window(void **state)
{
    struct fixture *x = *state;
    revoked(x, DAYS(1));
    x->facts.window_opens = DAYS(3);
    const struct plan *p = plan_at(x, DAYS(2));
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_true(p->window_overridden);
    assert_says(p->trigger_message, "it is urgent");
    x->spec.renewal_disabled = true; /* but nothing is renewed against the spec */
    assert_int_equal(plan_at(x, DAYS(2))->issue, PLAN_NONE);
}

static void renewals_by_ari_keep_a_distance_and_renew_before_counts_meanwhile(void **state)
{
    struct fixture *x = *state;
    x->facts.ari_renewed_at = DAYS(10);
    x->manifest.issued_at = DAYS(10);
    revoked(x, DAYS(9));
    cl_time guard = DAYS(10) + 90 * CL_DAY / 20;
    assert_int_equal(plan_at(x, DAYS(11))->renewal_time, guard);
    assert_int_equal(x->plan.issue, PLAN_NONE);
    assert_int_equal(plan_at(x, guard)->issue, PLAN_ISSUE); /* once in a while it is followed */
    x->manifest.cert.not_after = DAYS(12);
    x->manifest.cert.not_before = DAYS(10);
    cl_time by_time = renewal_instant(&x->spec, &x->manifest.cert, 0);
    x->facts.ari_renewed_at = DAYS(11);
    assert_int_equal(plan_at(x, DAYS(11))->renewal_time,
                     cl_time_min(by_time, DAYS(11) + 2 * CL_DAY / 20));
}

static void the_ca_is_asked_beside_whatever_else_is_due(void **state)
{
    struct fixture *x = *state;
    x->facts.ari_poll_at = DAYS(2);
    assert_false(plan_at(x, DAYS(1))->ask_renewal);
    assert_int_equal(x->plan.next_at, DAYS(2));
    assert_reason(x->plan.next_reason, REASON_ARI_CHECK);
    assert_true(plan_at(x, DAYS(2))->ask_renewal);
    x->facts.hooks_total = 1;
    x->facts.hooks_pending = 1;
    assert_true(plan_at(x, DAYS(2))->ask_renewal);
    assert_int_equal(x->plan.deploy, PLAN_DEPLOY);
    x->facts.ari_polling = true;
    assert_false(plan_at(x, DAYS(2))->ask_renewal);
    x->facts.ari_polling = false;
    x->facts.issuer_ready = false;
    assert_false(plan_at(x, DAYS(2))->ask_renewal);
}

/* ---- windows and instants of the spec ---- */

static void a_renewal_waits_for_its_window(void **state)
{
    struct fixture *x = *state;
    x->facts.window_opens = DAYS(75);
    const struct plan *p = plan_at(x, DAYS(70));
    assert_int_equal(p->issue, PLAN_NONE);
    assert_condition(p, ISSUING, FALSE, WAITING_FOR_WINDOW);
    assert_says(p->gate_message, "2026-03-17T00:00:00Z");
    assert_int_equal(p->next_at, DAYS(75));
    x->facts.window_opens = 0; /* it is open */
    p = plan_at(x, DAYS(70));
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_false(p->window_overridden);
}

static void a_window_too_close_to_the_end_is_not_waited_for(void **state)
{
    static const cl_time OPENS[] = {DAYS(81) + 1, DAYS(95), CL_NEVER};
    struct fixture *x = *state;
    for (size_t i = 0; i < COUNT(OPENS); i++) {
        x->facts.window_opens = OPENS[i];
        const struct plan *p = plan_at(x, DAYS(70));
        assert_int_equal(p->issue, PLAN_ISSUE);
        assert_true(p->window_overridden);
        assert_says(p->trigger_message, "too close to expiry");
    }
}

static void what_is_no_renewal_waits_for_no_window(void **state)
{
    struct fixture *x = *state;
    x->facts.window_opens = DAYS(40);
    x->facts.renew_requested = DAYS(30);
    assert_int_equal(plan_at(x, DAYS(30))->issue, PLAN_ISSUE);
    assert_false(x->plan.window_overridden);
    nothing_issued(x);
    x->facts.renew_requested = 0;
    assert_int_equal(plan_at(x, DAYS(30))->issue, PLAN_ISSUE);
}

static void what_was_issued_before_an_instant_of_the_spec_is_renewed_at_it(void **state)
{
    struct fixture *x = *state;
    x->spec.renewal_at = text(x, "2026-02-01T00:00:00Z");
    assert_int_equal(plan_at(x, DAYS(30))->next_at, DAYS(31));
    assert_int_equal(plan_at(x, DAYS(31))->issue, PLAN_ISSUE);
    x->facts.ari_selected = DAYS(60); /* the spec knows better */
    assert_int_equal(plan_at(x, DAYS(30))->renewal_time, DAYS(31));
    revoked(x, DAYS(20)); /* unless it is urgent */
    assert_int_equal(plan_at(x, DAYS(30))->issue, PLAN_ISSUE);
    x->facts.ari_urgent = false;
    x->facts.ari_selected = 0;
    x->manifest.issued_at = DAYS(31); /* its successor */
    assert_int_equal(plan_at(x, DAYS(32))->issue, PLAN_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_9773_4_2_the_instant_is_picked_once_and_uniformly),
        cmocka_unit_test(rfc_9773_4_2_another_instant_only_if_the_window_moves_away),
        cmocka_unit_test(
            a_window_that_was_over_when_first_seen_is_urgent_and_one_that_passed_is_not),
        cmocka_unit_test(rfc_9773_4_3_polls_follow_retry_after_within_bounds),
        cmocka_unit_test(polls_of_many_certificates_are_spread),
        cmocka_unit_test(a_failed_poll_keeps_the_window_and_is_repeated_more_and_more_rarely),
        cmocka_unit_test(the_first_question_comes_shortly_after_issuance_if_there_is_an_identifier),
        fixture_test(an_urgent_window_renews_at_once_and_says_why),
        fixture_test(an_urgent_window_does_not_wait_for_a_renewal_window),
        fixture_test(renewals_by_ari_keep_a_distance_and_renew_before_counts_meanwhile),
        fixture_test(the_ca_is_asked_beside_whatever_else_is_due),
        fixture_test(a_renewal_waits_for_its_window),
        fixture_test(a_window_too_close_to_the_end_is_not_waited_for),
        fixture_test(what_is_no_renewal_waits_for_no_window),
        fixture_test(what_was_issued_before_an_instant_of_the_spec_is_renewed_at_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
