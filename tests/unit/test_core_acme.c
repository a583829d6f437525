/* SPDX-License-Identifier: Apache-2.0 */
/* The checks about profile, chain and missing names: when they fire, and when they must not. */
#include "tests/unit/core_fixture.h"

static void another_profile_makes_a_new_certificate_wanted(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    x.manifest.profile = text(&x, "classic");
    x.facts.wanted_profile = "classic";
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_NONE);
    x.facts.wanted_profile = "short";
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_REQUEST_CHANGED);
    assert_condition(&x.plan, READY, FALSE, REQUEST_CHANGED);
    assert_says(x.plan.trigger_message, "spec.profile: short");
    x.facts.wanted_profile = ""; /* it was removed from the spec */
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_REQUEST_CHANGED);
    fixture_deinit(&x);
}

static void what_is_not_known_changes_nothing(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    x.manifest.profile = text(&x, "classic");
    x.manifest.chain = text(&x, "root R");
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_NONE); /* the Issuer is not there */
    x.facts.wanted_profile = "short";
    x.facts.wanted_chain = "shortest";
    x.manifest.adopted = true; /* of a pair that was found nothing is known */
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_NONE);
    fixture_deinit(&x);
}

static void another_chain_leaves_ready_as_it_is(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    x.facts.wanted_chain = "root R";
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_CHAIN_CHANGED);
    assert_condition(&x.plan, READY, TRUE, READY);
    x.manifest.chain = text(&x, "root R");
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_NONE);
    fixture_deinit(&x);
}

static void lack(struct fixture *x)
{
    x->spec.allow_subset_of_names = true;
    cl_strv_add(&x->manifest.missing_names, "bad.example");
    x->manifest.full_request = text(x, "{\"dnsNames\":[\"bad.example\"]}");
    x->facts.wanted_request = x->manifest.full_request;
}

static void missing_names_are_told_and_tried_again(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    lack(&x);
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_NAMES_MISSING);
    assert_int_equal(x.plan.issue, PLAN_ISSUE);
    assert_condition(&x.plan, READY, TRUE, NAMES_MISSING);
    assert_says(x.plan.conditions[CONDITION_READY].message, "bad.example");
    x.facts.hold = (struct hold_view){.kind = CL_ERR_PERMANENT, .not_before = DAYS(2)};
    (void)plan_at(&x, DAYS(1));
    assert_int_equal(x.plan.issue, PLAN_NONE);
    assert_int_equal(x.plan.next_at, DAYS(2));
    assert_int_equal(x.plan.conditions[CONDITION_STALLED].status, STATUS_ABSENT);
    fixture_deinit(&x);
}

static void a_spec_without_the_missing_names_is_satisfied(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    lack(&x);
    x.facts.wanted_request = x.manifest.request; /* what was asked for in the end */
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_NONE);
    assert_condition(&x.plan, READY, TRUE, READY);
    fixture_deinit(&x);
}

static void without_the_permission_missing_names_are_a_changed_request(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    lack(&x);
    x.spec.allow_subset_of_names = false;
    assert_reason(plan_at(&x, DAYS(1))->trigger, REASON_REQUEST_CHANGED);
    assert_condition(&x.plan, READY, FALSE, REQUEST_CHANGED);
    fixture_deinit(&x);
}

static void a_profile_that_the_ca_lacks_stalls_before_an_order(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    nothing_issued(&x);
    x.facts.profile_problem = "the CA has no profile x";
    assert_int_equal(plan_at(&x, DAYS(1))->issue, PLAN_NONE);
    assert_condition(&x.plan, STALLED, TRUE, INVALID_PROFILE);
    fixture_deinit(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_profile_makes_a_new_certificate_wanted),
        cmocka_unit_test(what_is_not_known_changes_nothing),
        cmocka_unit_test(another_chain_leaves_ready_as_it_is),
        cmocka_unit_test(missing_names_are_told_and_tried_again),
        cmocka_unit_test(a_spec_without_the_missing_names_is_satisfied),
        cmocka_unit_test(without_the_permission_missing_names_are_a_changed_request),
        cmocka_unit_test(a_profile_that_the_ca_lacks_stalls_before_an_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
