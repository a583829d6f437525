/* SPDX-License-Identifier: Apache-2.0 */
/* How an Issuer becomes ready, step by step, and what it says meanwhile. */
#include "tests/unit/core_fixture.h"

struct issuer_case {
    struct issuer_spec spec;
    struct object object;
    struct issuer_facts facts;
    struct issuer_input in;
    struct issuer_plan plan;
};

static struct issuer_case *issuer(enum issuer_type type)
{
    static struct issuer_case c;
    memset(&c, 0, sizeof(c));
    c.spec.type = type;
    c.object.kind = SPEC_ISSUER;
    c.object.issuer = &c.spec;
    c.facts.needs_directory = c.facts.needs_account = type == ISSUER_ACME;
    c.in = (struct issuer_input){.o = &c.object, .f = &c.facts};
    return &c;
}

static const struct issuer_plan *issuer_plan_at(struct issuer_case *c, cl_time now)
{
    issuer_plan_next(&c->in, now, &c->plan);
    return &c->plan;
}

static void an_acme_issuer_loads_its_key_then_the_directory_then_the_account(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_ACME);
    const struct issuer_plan *p = issuer_plan_at(c, T0);
    assert_int_equal(p->step, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_int_equal(p->ready.status, STATUS_UNKNOWN);
    assert_reason(p->ready.reason, REASON_PENDING);

    c->facts.credentials = CREDENTIALS_TO_MAKE; /* its key is made with the account */
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_DIRECTORY);
    c->facts.directory_at = T0;
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_ACCOUNT);
    c->facts.credentials = CREDENTIALS_OK;
    c->facts.account_ok = true;
    p = issuer_plan_at(c, T0);
    assert_int_equal(p->step, ISSUER_STEP_NONE);
    assert_int_equal(p->ready.status, STATUS_TRUE);
    assert_reason(p->ready.reason, REASON_ACME_ACCOUNT_REGISTERED);
    assert_int_equal(p->next_at, T0 + CL_DAY);
}

static void a_stale_directory_is_refreshed_without_leaving_ready(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_ACME);
    c->facts.credentials = CREDENTIALS_OK;
    c->facts.account_ok = true;
    c->facts.directory_at = T0;
    const struct issuer_plan *p = issuer_plan_at(c, T0 + CL_DAY);
    assert_int_equal(p->step, ISSUER_STEP_DIRECTORY);
    assert_int_equal(p->ready.status, STATUS_TRUE);
    c->in.hold = (struct hold_view){.kind = CL_ERR_TRANSIENT, .not_before = T0 + CL_DAY + 5000};
    p = issuer_plan_at(c, T0 + CL_DAY);
    assert_int_equal(p->step, ISSUER_STEP_NONE);
    assert_int_equal(p->ready.status, STATUS_TRUE);
    assert_int_equal(p->next_at, T0 + CL_DAY + 5000);
    assert_reason(p->next_reason, REASON_BACKOFF);
}

static void a_ca_is_loaded_or_made(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_CA);
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_LOAD_CREDENTIALS);
    c->facts.credentials = CREDENTIALS_TO_MAKE;
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_MAKE_CA);
    c->facts.credentials = CREDENTIALS_OK;
    const struct issuer_plan *p = issuer_plan_at(c, T0);
    assert_int_equal(p->step, ISSUER_STEP_NONE);
    assert_reason(p->ready.reason, REASON_KEY_PAIR_VERIFIED);
    assert_int_equal(p->next_at, CL_NEVER);
}

static void self_signed_is_ready_at_once(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_SELF_SIGNED);
    c->facts.credentials = CREDENTIALS_OK;
    const struct issuer_plan *p = issuer_plan_at(c, T0);
    assert_int_equal(p->ready.status, STATUS_TRUE);
    assert_reason(p->ready.reason, REASON_IS_READY);
}

static void a_root_is_announced_at_a_third_and_ends_ready_when_it_expires(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_CA);
    c->facts.credentials = CREDENTIALS_OK;
    c->facts.valid_from = T0;
    c->facts.expires = DAYS(90);
    const struct issuer_plan *p = issuer_plan_at(c, DAYS(60) - 1);
    assert_reason(p->ready.reason, REASON_KEY_PAIR_VERIFIED);
    assert_int_equal(p->next_at, DAYS(60));
    assert_reason(p->next_reason, REASON_ROOT_EXPIRING);
    p = issuer_plan_at(c, DAYS(60));
    assert_int_equal(p->ready.status, STATUS_TRUE);
    assert_reason(p->ready.reason, REASON_ROOT_EXPIRING);
    assert_says(p->ready.message, "2026-04-01T00:00:00Z");
    assert_int_equal(p->next_at, DAYS(90));
    assert_reason(p->next_reason, REASON_EXPIRY);
    p = issuer_plan_at(c, DAYS(90));
    assert_int_equal(p->ready.status, STATUS_FALSE);
    assert_reason(p->ready.reason, REASON_EXPIRED);
}

static void missing_credentials_are_looked_for_again_after_the_hold(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_CA);
    c->facts.credentials = CREDENTIALS_MISSING;
    (void)cl_fail(&c->facts.problem, CL_ERR_LOCAL, "SecretNotFound", "no pair in %s", "/s/root");
    c->in.hold = (struct hold_view){.kind = CL_ERR_LOCAL,
                                    .not_before = T0 + CL_MINUTE,
                                    .reason = "SecretNotFound",
                                    .message = "no pair in /s/root"};
    const struct issuer_plan *p = issuer_plan_at(c, T0);
    assert_int_equal(p->step, ISSUER_STEP_NONE);
    assert_int_equal(p->next_at, T0 + CL_MINUTE);
    assert_int_equal(p->ready.status, STATUS_FALSE);
    assert_reason(p->ready.reason, REASON_ISSUER_FAILED);
    assert_says(p->ready.message, "no pair in /s/root; tried again at 2026-01-01T00:01:00Z");
    p = issuer_plan_at(c, T0 + CL_MINUTE);
    assert_int_equal(p->step, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_says(p->ready.message, "SecretNotFound: no pair in /s/root");
    c->in.hold.inputs_changed = true;
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_LOAD_CREDENTIALS);
}

static void a_running_step_is_not_started_twice(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_ACME);
    c->in.running = true;
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_NONE);
}

static void a_hold_of_the_ca_stops_what_goes_over_the_wire(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_ACME);
    c->facts.hold_until = T0 + CL_HOUR;
    (void)cl_format(c->facts.hold_reason, sizeof(c->facts.hold_reason), "RateLimited");
    assert_int_equal(issuer_plan_at(c, T0)->step, ISSUER_STEP_LOAD_CREDENTIALS);
    c->facts.credentials = CREDENTIALS_OK;
    const struct issuer_plan *p = issuer_plan_at(c, T0);
    assert_int_equal(p->step, ISSUER_STEP_NONE);
    assert_int_equal(p->next_at, T0 + CL_HOUR);
    assert_reason(p->next_reason, REASON_RATE_LIMITED);
    assert_reason(p->ready.reason, REASON_RATE_LIMITED);
    assert_int_equal(issuer_plan_at(c, T0 + CL_HOUR)->step, ISSUER_STEP_DIRECTORY);
}

static void a_permanent_failure_stalls(void **state)
{
    (void)state;
    struct issuer_case *c = issuer(ISSUER_ACME);
    c->facts.credentials = CREDENTIALS_OK;
    c->facts.directory_at = T0;
    c->in.hold = (struct hold_view){.kind = CL_ERR_PERMANENT,
                                    .not_before = CL_NEVER,
                                    .reason = "UserActionRequired",
                                    .message = "agree to the terms"};
    const struct issuer_plan *p = issuer_plan_at(c, T0);
    assert_int_equal(p->stalled.status, STATUS_TRUE);
    assert_reason(p->stalled.reason, REASON_STALLED);
    assert_says(p->stalled.message, "agree to the terms; tried again when something changes");
    c->in.hold.kind = CL_ERR_TRANSIENT;
    c->in.hold.not_before = T0 + 5;
    assert_int_equal(issuer_plan_at(c, T0)->stalled.status, STATUS_ABSENT);
}

static void each_step_has_a_name(void **state)
{
    (void)state;
    for (unsigned s = 0; s < ISSUER_STEP_COUNT; s++) {
        assert_true(strlen(issuer_step_name((enum issuer_step)s)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acme_issuer_loads_its_key_then_the_directory_then_the_account),
        cmocka_unit_test(a_stale_directory_is_refreshed_without_leaving_ready),
        cmocka_unit_test(a_ca_is_loaded_or_made),
        cmocka_unit_test(self_signed_is_ready_at_once),
        cmocka_unit_test(a_root_is_announced_at_a_third_and_ends_ready_when_it_expires),
        cmocka_unit_test(missing_credentials_are_looked_for_again_after_the_hold),
        cmocka_unit_test(a_running_step_is_not_started_twice),
        cmocka_unit_test(a_hold_of_the_ca_stops_what_goes_over_the_wire),
        cmocka_unit_test(a_permanent_failure_stalls),
        cmocka_unit_test(each_step_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
