/* SPDX-License-Identifier: Apache-2.0 */
/* Whom is a Certificate with several Issuers asked of, and when is its standby put into use? */
#include "reconciler/core/failover.h"
#include "tests/unit/core_fixture.h"

#define NOW DAYS(80) /* ten of ninety days are left: a sixth are fifteen */

struct choice {
    struct fixture x;
    struct issuer_view issuers[3];
    struct issuer_ref fallbacks[2];
    struct failover_input in;
    struct failover out;
};

static const struct hold_view DOWN = {.kind = CL_ERR_TRANSIENT,
                                      .failures = 9,
                                      .not_before = NOW + CL_MINUTE,
                                      .last_failure = NOW - CL_MINUTE,
                                      .reason = "ConnectFailed",
                                      .message = "cannot connect"};

static int setup(void **state)
{
    static struct choice c;
    memset(&c, 0, sizeof(c));
    fixture_init(&c.x);
    c.fallbacks[0].name = text(&c.x, "zerossl");
    c.fallbacks[1].name = text(&c.x, "buypass");
    c.x.spec.fallback_issuers = (struct issuer_ref_list){.items = c.fallbacks, .len = 2};
    c.issuers[0] = (struct issuer_view){.name = "letsencrypt", .exists = true, .ready = true};
    c.issuers[1] = (struct issuer_view){.name = "zerossl", .exists = true, .ready = true};
    c.issuers[2] = (struct issuer_view){.name = "buypass", .exists = true, .ready = true};
    c.issuers[0].hold = DOWN;
    c.x.facts.trouble_since = NOW - 2 * CL_HOUR;
    c.in = (struct failover_input){
        .o = &c.x.object, .f = &c.x.facts, .issuers = c.issuers, .len = 3, .attempts = 9};
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    struct choice *c = *state;
    fixture_deinit(&c->x);
    return 0;
}

static const struct failover *chosen_at(struct choice *c, cl_time now)
{
    failover_choose(&c->in, now, &c->out);
    return &c->out;
}

static void the_first_fallback_is_asked_when_it_is_urgent_and_the_first_issuer_is_down(void **state)
{
    const struct failover *out = chosen_at(*state, NOW);
    assert_int_equal(out->chosen, 1);
    assert_says(out->message, "fallback Issuer zerossl");
    assert_says(out->message, "Issuer letsencrypt cannot be asked: ConnectFailed");
}

static void the_first_issuer_is_asked_whenever_it_may_be(void **state)
{
    struct choice *c = *state;
    c->issuers[0].hold.not_before = NOW;
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    assert_int_equal(c->out.look_at, 0);
    assert_string_equal(c->out.message, "");
    c->issuers[0].hold = DOWN;
    c->x.facts.renew_requested = NOW; /* asked for after the failure: it lifts the hold */
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    c->issuers[0].hold.kind = CL_ERR_RATE_LIMITED; /* ... unless the CA named the time */
    assert_int_equal(chosen_at(c, NOW)->chosen, 1);
    c->x.facts.renew_requested = 0;
    c->issuers[0].hold = DOWN;
    c->issuers[0].hold.inputs_changed = true;
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
}

static void while_it_is_not_urgent_the_first_issuer_is_waited_for(void **state)
{
    struct choice *c = *state;
    cl_time now = DAYS(70);
    c->issuers[0].hold.not_before = now + CL_DAY;
    c->x.facts.trouble_since = DAYS(60);
    assert_int_equal(chosen_at(c, now)->chosen, 0);
    assert_int_equal(c->out.look_at, DAYS(75)); /* a sixth before the end */
    assert_int_equal(chosen_at(c, DAYS(75) - 1)->chosen, 0);
    c->issuers[0].hold.not_before = NOW;
    assert_int_equal(chosen_at(c, DAYS(75))->chosen, 1);
}

static void no_certificate_at_all_is_urgent(void **state)
{
    struct choice *c = *state;
    nothing_issued(&c->x);
    assert_int_equal(chosen_at(c, NOW)->chosen, 1);
    c->x.facts.trouble_since = NOW - CL_HOUR + 1; /* but an hour of trouble it takes */
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    assert_int_equal(c->out.look_at, NOW + 1);
}

static void a_certificate_that_does_not_answer_the_spec_is_none(void **state)
{
    struct choice *c = *state;
    cl_time now = DAYS(2);
    c->issuers[0].hold.not_before = now + 1;
    c->x.facts.trouble_since = DAYS(1);
    c->x.facts.wanted_request = "{\"dnsNames\":[\"b.example\"]}";
    assert_int_equal(chosen_at(c, now)->chosen, 1);
    c->x.facts.wanted_request = c->x.manifest.request;
    c->x.manifest.issuer_name = text(&c->x, "gone"); /* it works: who issued it is not urgent */
    assert_int_equal(chosen_at(c, now)->chosen, 0);
    assert_true(c->out.look_at > now);
}

static void an_expired_certificate_is_urgent(void **state)
{
    struct choice *c = *state;
    c->issuers[0].hold.not_before = DAYS(200);
    assert_int_equal(chosen_at(c, DAYS(100))->chosen, 1);
}

static void who_never_renews_by_time_is_never_urgent_by_time(void **state)
{
    struct choice *c = *state;
    c->x.spec.renewal_disabled = true;
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    assert_int_equal(c->out.look_at, 0);
    assert_true(failover_urgent_at(&c->x.object, &c->x.facts, NOW) == CL_NEVER);
}

static void who_renews_late_is_urgent_late(void **state)
{
    struct choice *c = *state;
    c->x.spec.renew_before = 2 * CL_DAY;
    cl_time at = failover_urgent_at(&c->x.object, &c->x.facts, NOW);
    assert_true(at > DAYS(88) && at < DAYS(90));
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
}

static void a_short_lifetime_shortens_the_patience(void **state)
{
    struct choice *c = *state;
    cl_time issued = DAYS(10);
    c->x.manifest.cert.not_before = issued;
    c->x.manifest.cert.not_after = issued + CL_HOUR;
    cl_time now = issued + 55 * CL_MINUTE;
    c->issuers[0].hold.not_before = now + CL_MINUTE;
    c->x.facts.trouble_since = now - 9 * CL_MINUTE;
    assert_int_equal(chosen_at(c, now)->chosen, 0);
    c->x.facts.trouble_since = now - 10 * CL_MINUTE;
    assert_int_equal(chosen_at(c, now)->chosen, 1);
}

static void one_attempt_is_not_enough_unless_the_ca_said_when(void **state)
{
    static const struct {
        enum cl_err_kind kind;
        unsigned attempts;
        size_t chosen;
    } CASES[] = {
        {CL_ERR_TRANSIENT, 1, 0},    {CL_ERR_TRANSIENT, 2, 1},  {CL_ERR_VALIDATION, 1, 0},
        {CL_ERR_VALIDATION, 2, 1},   {CL_ERR_BAD_RESULT, 2, 1}, {CL_ERR_BUSY, 1, 1},
        {CL_ERR_RATE_LIMITED, 1, 1}, {CL_ERR_PERMANENT, 1, 1}, /* as PausedByCA is */
        {CL_ERR_LOCAL, 9, 0},        {CL_ERR_SPEC, 9, 0},       {CL_ERR_INTERNAL, 9, 0},
    };
    struct choice *c = *state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        c->issuers[0].hold.kind = CASES[i].kind;
        c->in.attempts = CASES[i].attempts;
        assert_int_equal(chosen_at(c, NOW)->chosen, CASES[i].chosen);
    }
}

static void
an_issuer_that_is_missing_not_ready_or_held_is_in_trouble_without_an_attempt(void **state)
{
    struct choice *c = *state;
    c->issuers[0].hold = (struct hold_view){0};
    c->in.attempts = 0;
    c->issuers[0].exists = false;
    assert_int_equal(chosen_at(c, NOW)->chosen, 1);
    assert_says(c->out.message, "there is no such Issuer");
    c->issuers[0].exists = true;
    c->issuers[0].ready = false;
    c->issuers[0].message = "directory: cannot connect";
    assert_int_equal(chosen_at(c, NOW)->chosen, 1);
    assert_says(c->out.message, "not ready: directory: cannot connect");
    c->issuers[0].ready = true;
    c->issuers[0].hold_until = NOW + CL_DAY;
    c->issuers[0].hold_reason = "busy";
    assert_int_equal(chosen_at(c, NOW)->chosen, 1);
    assert_says(c->out.message, "held until");
    c->x.facts.trouble_since = 0;
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
}

static void a_spec_that_the_first_issuer_cannot_sign_is_not_handed_on(void **state)
{
    struct choice *c = *state;
    c->issuers[0].problem = "no solver fits example.com";
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    assert_int_equal(c->out.look_at, 0);
}

static void the_next_fallback_is_asked_when_the_first_cannot_be(void **state)
{
    struct choice *c = *state;
    struct issuer_view *one = &c->issuers[1];
    one->exists = false;
    assert_int_equal(chosen_at(c, NOW)->chosen, 2);
    one->exists = true;
    one->ready = false;
    assert_int_equal(chosen_at(c, NOW)->chosen, 2);
    one->ready = true;
    one->problem = "wildcard";
    assert_int_equal(chosen_at(c, NOW)->chosen, 2);
    one->problem = NULL;
    one->hold = DOWN;
    assert_int_equal(chosen_at(c, NOW)->chosen, 2);
    one->hold = (struct hold_view){0};
    one->failures = FAILOVER_BUDGET;
    one->day_start = NOW - CL_HOUR;
    assert_int_equal(chosen_at(c, NOW)->chosen, 2);
    one->day_start = NOW - CL_DAY;
    assert_int_equal(chosen_at(c, NOW)->chosen, 1);
}

static void when_none_can_be_asked_it_is_looked_at_when_the_first_of_them_can(void **state)
{
    struct choice *c = *state;
    c->issuers[1].failures = FAILOVER_BUDGET;
    c->issuers[1].day_start = NOW - CL_HOUR;
    c->issuers[2].hold = DOWN;
    c->issuers[2].hold.not_before = NOW + 2 * CL_HOUR;
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    assert_int_equal(c->out.look_at, NOW + 2 * CL_HOUR);
    c->issuers[2].hold.not_before = CL_NEVER;
    assert_int_equal(chosen_at(c, NOW)->chosen, 0);
    assert_int_equal(c->out.look_at, NOW + 23 * CL_HOUR);
}

static void what_blocks_an_issuer_is_told(void **state)
{
    char why[PLAN_TEXT];
    struct choice *c = *state;
    struct issuer_view *v = &c->issuers[1];
    assert_int_equal(failover_blocked(v, 0, NOW, why), NOW);
    assert_string_equal(why, "");
    v->hold = DOWN;
    v->hold.not_before = CL_NEVER;
    assert_true(failover_blocked(v, 0, NOW, why) == CL_NEVER);
    assert_says(why, "next attempt when something changes");
    v->hold = (struct hold_view){0};
    v->failures = FAILOVER_BUDGET;
    v->day_start = NOW;
    assert_int_equal(failover_blocked(v, 0, NOW, why), NOW + CL_DAY);
    assert_says(why, "3 attempts failed there within a day");
    v->problem = "it has a wildcard";
    assert_true(failover_blocked(v, 0, NOW, why) == CL_NEVER);
    assert_says(why, "it has a wildcard");
}

/* ---- what plan makes of it ---- */

static void the_plan_says_who_is_asked_and_why(void **state)
{
    struct choice *c = *state;
    c->x.facts.issuer_choice = "asked of fallback Issuer zerossl, because of this";
    c->x.facts.issuer_name = "zerossl";
    const struct plan *p = plan_at(&c->x, NOW);
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_says(p->trigger_message, "because of this");
    c->x.facts.issuer_ready = false;
    p = plan_at(&c->x, NOW);
    assert_says(p->gate_message, "Waiting for Issuer zerossl");
}

static void the_plan_looks_again_when_the_choice_may_change(void **state)
{
    struct choice *c = *state;
    c->x.facts.issuer_ready = false;
    c->x.facts.issuer_choice_at = NOW + CL_HOUR;
    const struct plan *p = plan_at(&c->x, NOW);
    assert_int_equal(p->next_at, NOW + CL_HOUR);
    assert_reason(p->next_reason, REASON_FAILOVER);
    p = plan_at(&c->x, DAYS(1)); /* nothing is wanted */
    assert_true(p->next_at != NOW + CL_HOUR);
}

static void a_certificate_of_a_fallback_is_welcome_until_it_is_renewed(void **state)
{
    struct choice *c = *state;
    c->x.manifest.issuer_name = text(&c->x, "buypass");
    const struct plan *p = plan_at(&c->x, DAYS(1));
    assert_int_equal(p->issue, PLAN_NONE);
    assert_condition(p, READY, TRUE, READY);
    assert_condition(p, FAILED_OVER, TRUE, FALLBACK_ISSUER);
    assert_says(p->conditions[CONDITION_FAILED_OVER].message, "Issuer letsencrypt is asked again");
    c->x.spec.renewal_disabled = true;
    p = plan_at(&c->x, DAYS(1));
    assert_says(p->conditions[CONDITION_FAILED_OVER].message, "disabled");
    c->x.spec.fallback_issuers.len = 1; /* no longer named */
    p = plan_at(&c->x, DAYS(1));
    assert_condition(p, READY, FALSE, INCORRECT_ISSUER);
    assert_int_equal(p->conditions[CONDITION_FAILED_OVER].status, STATUS_ABSENT);
}

/* ---- the standby ---- */

static void standby(struct choice *c)
{
    c->x.spec.fallback_issuers.len = 0;
    c->x.spec.standby.name = text(&c->x, "google");
    c->x.facts.standby_ready = true;
    c->x.facts.standby_not_after = DAYS(120);
}

static bool switches(struct choice *c, cl_time now)
{
    return plan_at(&c->x, now)->issue == PLAN_SWITCH;
}

static void the_standby_is_used_when_it_is_urgent_and_the_first_issuer_fails(void **state)
{
    struct choice *c = *state;
    standby(c);
    assert_true(switches(c, NOW));
    assert_false(switches(c, DAYS(75) - 1));
    c->x.facts.trouble_since = 0;
    assert_false(switches(c, NOW));
    c->x.facts.trouble_since = NOW - CL_MINUTE;
    assert_false(switches(c, NOW));
    nothing_issued(&c->x);
    assert_true(switches(c, NOW + CL_HOUR));
}

static void a_revoked_certificate_is_replaced_by_the_standby_at_once(void **state)
{
    struct choice *c = *state;
    standby(c);
    c->x.facts.trouble_since = 0;
    c->x.facts.ari_urgent = true;
    c->x.facts.standby_not_after = DAYS(30); /* also by one that ends earlier */
    assert_true(switches(c, DAYS(2)));
    c->x.facts.ari_urgent = false;
    assert_false(switches(c, DAYS(2)));
    c->x.manifest.revoked_at = DAYS(1);
    assert_true(switches(c, DAYS(2)));
    c->x.manifest.issuer_name = c->x.spec.standby.name;
    c->x.manifest.trigger = text(&c->x, "StandbyInUse");
    assert_false(switches(c, DAYS(2))); /* it is the standby already */
}

static void a_standby_that_is_no_better_is_not_used(void **state)
{
    struct choice *c = *state;
    standby(c);
    c->x.facts.standby_not_after = DAYS(90);
    assert_false(switches(c, NOW));
    c->x.facts.standby_not_after = DAYS(120);
    c->x.facts.standby_ready = false;
    assert_false(switches(c, NOW));
    c->x.facts.standby_ready = true;
    assert_false(switches(c, DAYS(120))); /* expired itself */
}

static void nothing_is_switched_where_nothing_may_change(void **state)
{
    struct choice *c = *state;
    standby(c);
    c->x.spec.suspend = true;
    assert_false(switches(c, NOW));
    c->x.spec.suspend = false;
    c->x.facts.suspend = SUSPEND_ISSUE;
    assert_false(switches(c, NOW));
    c->x.facts.suspend = SUSPEND_NONE;
    c->x.facts.conflict = "claimed";
    assert_false(switches(c, NOW));
    c->x.facts.conflict = NULL;
    c->x.facts.issuing = true;
    assert_false(switches(c, NOW));
    c->x.facts.issuing = false;
    assert_true(switches(c, NOW));
}

static void while_the_standby_is_in_use_the_first_issuer_is_asked_on(void **state)
{
    struct choice *c = *state;
    standby(c);
    c->x.manifest.issuer_name = c->x.spec.standby.name;
    c->x.manifest.trigger = text(&c->x, "StandbyInUse");
    c->x.facts.standby_not_after = DAYS(90);
    const struct plan *p = plan_at(&c->x, DAYS(2));
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_reason(p->trigger, REASON_STANDBY_IN_USE);
    assert_condition(p, READY, TRUE, READY);
    assert_condition(p, FAILED_OVER, TRUE, STANDBY_IN_USE);
}

/* ---- rehearsal ---- */

static void after_a_failed_validation_the_next_attempt_is_a_rehearsal(void **state)
{
    struct hold_view failed = {.kind = CL_ERR_VALIDATION, .last_failure = NOW};
    struct rehearsal_view r = {.possible = true};
    (void)state;
    assert_true(failover_rehearses(&r, &failed));
    r.passed_at = NOW; /* it went well: now the CA itself */
    assert_false(failover_rehearses(&r, &failed));
    failed.last_failure = NOW + 1;
    assert_true(failover_rehearses(&r, &failed));
    r.stuck = REHEARSAL_PATIENCE; /* the rehearsal is what does not work */
    assert_false(failover_rehearses(&r, &failed));
    r.stuck = 0;
    r.possible = false;
    assert_false(failover_rehearses(&r, &failed));
    r.possible = true;
    failed.kind = CL_ERR_TRANSIENT;
    assert_false(failover_rehearses(&r, &failed));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_first_fallback_is_asked_when_it_is_urgent_and_the_first_issuer_is_down),
        test(the_first_issuer_is_asked_whenever_it_may_be),
        test(while_it_is_not_urgent_the_first_issuer_is_waited_for),
        test(no_certificate_at_all_is_urgent),
        test(a_certificate_that_does_not_answer_the_spec_is_none),
        test(an_expired_certificate_is_urgent),
        test(who_never_renews_by_time_is_never_urgent_by_time),
        test(who_renews_late_is_urgent_late),
        test(a_short_lifetime_shortens_the_patience),
        test(one_attempt_is_not_enough_unless_the_ca_said_when),
        test(an_issuer_that_is_missing_not_ready_or_held_is_in_trouble_without_an_attempt),
        test(a_spec_that_the_first_issuer_cannot_sign_is_not_handed_on),
        test(the_next_fallback_is_asked_when_the_first_cannot_be),
        test(when_none_can_be_asked_it_is_looked_at_when_the_first_of_them_can),
        test(what_blocks_an_issuer_is_told),
        test(the_plan_says_who_is_asked_and_why),
        test(the_plan_looks_again_when_the_choice_may_change),
        test(a_certificate_of_a_fallback_is_welcome_until_it_is_renewed),
        test(the_standby_is_used_when_it_is_urgent_and_the_first_issuer_fails),
        test(a_revoked_certificate_is_replaced_by_the_standby_at_once),
        test(a_standby_that_is_no_better_is_not_used),
        test(nothing_is_switched_where_nothing_may_change),
        test(while_the_standby_is_in_use_the_first_issuer_is_asked_on),
        test(after_a_failed_validation_the_next_attempt_is_a_rehearsal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
