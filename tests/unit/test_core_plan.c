/* SPDX-License-Identifier: Apache-2.0 */
/* plan_next as a whole: steps of the two lanes, Deployed, Reconciling, overdue, wake-ups. */
#include "reconciler/core/renewal.h"
#include "tests/unit/core_fixture.h"

static cl_time renewal_of(struct fixture *x)
{
    return renewal_instant(&x->spec, &x->manifest.cert, x->facts.ari_selected);
}

static void renewal_starts_when_its_time_comes_and_not_before(void **state)
{
    struct fixture *x = *state;
    cl_time due = renewal_of(x);
    const struct plan *p = plan_at(x, due - 1);
    assert_int_equal(p->issue, PLAN_NONE);
    assert_int_equal(p->next_at, due);
    assert_reason(p->next_reason, REASON_RENEWAL);
    assert_int_equal(p->renewal_time, due);

    p = plan_at(x, due);
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_reason(p->trigger, REASON_RENEWING);
    assert_condition(p, READY, TRUE, READY);
    assert_condition(p, ISSUING, TRUE, RENEWING);
    assert_int_equal(p->conditions[CONDITION_RECONCILING].status, STATUS_ABSENT);
}

static void renewal_waits_for_the_instant_picked_from_ari(void **state)
{
    struct fixture *x = *state;
    x->facts.ari_selected = DAYS(61);
    assert_int_equal(plan_at(x, DAYS(61) - 1)->issue, PLAN_NONE);
    assert_int_equal(x->plan.next_at, DAYS(61));
    assert_int_equal(plan_at(x, DAYS(61))->issue, PLAN_ISSUE);
}

static void an_ari_window_in_the_past_cannot_make_a_loop(void **state)
{
    struct fixture *x = *state;
    x->facts.ari_selected = T0 + 1;
    x->facts.ari_renewed_at = DAYS(10);
    x->manifest.issued_at = DAYS(10);
    assert_int_equal(plan_at(x, DAYS(10) + CL_HOUR)->issue, PLAN_NONE);
    assert_int_equal(plan_at(x, DAYS(15))->issue, PLAN_ISSUE);
}

static void a_pair_that_was_taken_over_late_is_renewed_at_once(void **state)
{
    struct fixture *x = *state;
    x->manifest.adopted = true;
    x->manifest.issued_at = DAYS(88);
    assert_int_equal(plan_at(x, DAYS(88))->issue, PLAN_ISSUE);
}

static void renewal_can_be_disabled(void **state)
{
    struct fixture *x = *state;
    x->spec.renewal_disabled = true;
    const struct plan *p = plan_at(x, DAYS(89));
    assert_int_equal(p->issue, PLAN_NONE);
    assert_int_equal(p->renewal_time, CL_NEVER);
    assert_int_equal(p->next_at, DAYS(90));
    assert_reason(p->next_reason, REASON_EXPIRY);
    p = plan_at(x, DAYS(90));
    assert_int_equal(p->issue, PLAN_NONE);
    assert_condition(p, READY, FALSE, EXPIRED);
    assert_int_equal(p->conditions[CONDITION_RENEWAL_OVERDUE].status, STATUS_ABSENT);
}

static void a_running_issuance_is_left_alone(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    x->facts.issuing = true;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->issue, PLAN_NONE);
    assert_reason(p->gate, REASON_IN_PROGRESS);
    assert_condition(p, ISSUING, TRUE, DOES_NOT_EXIST);
    assert_condition(p, RECONCILING, TRUE, DOES_NOT_EXIST);
}

static void a_running_issuance_nobody_wants_is_cancelled(void **state)
{
    struct fixture *x = *state;
    x->facts.issuing = true;
    x->facts.issuing_stale = true;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->issue, PLAN_CANCEL);
    assert_condition(p, ISSUING, TRUE, IN_PROGRESS);

    x->facts.issuing_stale = false;
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_NONE);
    x->facts.deleted_at = DAYS(1);
    x->facts.grace_end = DAYS(1) + 10 * CL_SECOND;
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_CANCEL);
}

static void ready_flips_at_not_after_beside_a_running_issuance(void **state)
{
    struct fixture *x = *state;
    x->facts.issuing = true;
    assert_condition(plan_at(x, DAYS(89)), READY, TRUE, READY);
    assert_int_equal(x->plan.next_at, DAYS(90));
    assert_condition(plan_at(x, DAYS(90)), READY, FALSE, EXPIRED);
}

static void an_existing_pair_is_adopted_before_any_order(void **state)
{
    static const enum revision_state STATES[] = {REVISION_NONE, REVISION_MISSING_DATA,
                                                 REVISION_INVALID_KEY, REVISION_INVALID_CERT};
    struct fixture *x = *state;
    x->facts.adoptable = true;
    for (size_t i = 0; i < COUNT(STATES); i++) {
        x->facts.revision_state = STATES[i];
        assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_ADOPT);
        assert_int_equal(x->plan.deploy, PLAN_NONE);
    }
    x->facts.revision_state = REVISION_OK;
    x->facts.uid = "uid-2";
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_ADOPT);
}

static void adoption_needs_neither_issuer_nor_slot_and_ignores_suspend(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    x->facts.adoptable = true;
    x->facts.issuer_exists = false;
    x->facts.slot_free = false;
    x->spec.suspend = true;
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_ADOPT);
    x->facts.conflict = "claimed";
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_NONE);
}

static void what_an_old_issuer_made_is_not_adopted_for_a_new_one(void **state)
{
    struct fixture *x = *state;
    x->facts.adoptable = true;
    x->spec.issuer_ref.name = text(x, "production");
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_ISSUE);
}

static void a_newer_pair_in_an_output_is_adopted_not_repaired_away(void **state)
{
    struct fixture *x = *state;
    x->facts.newer_in_output = true;
    x->facts.outputs = OUTPUTS_WRITE;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->issue, PLAN_ADOPT);
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_int_equal(plan_at(x, DAYS(89))->issue, PLAN_ADOPT); /* instead of renewing */
    x->facts.deleted_at = DAYS(1);
    assert_int_equal(plan_at(x, DAYS(1))->issue, PLAN_NONE);
}

static void drift_is_repaired_while_issuing_waits(void **state)
{
    struct fixture *x = *state;
    x->facts.outputs = OUTPUTS_WRITE;
    x->facts.issuer_ready = false;
    x->facts.renew_requested = DAYS(1);
    const struct plan *p = plan_at(x, DAYS(2));
    assert_reason(p->gate, REASON_ISSUER_NOT_READY);
    assert_int_equal(p->deploy, PLAN_PROJECT);
}

static void the_archive_of_another_object_is_never_projected(void **state)
{
    struct fixture *x = *state;
    x->facts.uid = "uid-2";
    x->facts.outputs = OUTPUTS_WRITE;
    assert_int_equal(plan_at(x, DAYS(1))->deploy, PLAN_NONE);
}

static void nothing_is_deployed_while_deploying_or_after_deletion(void **state)
{
    struct fixture *x = *state;
    x->facts.outputs = OUTPUTS_WRITE;
    x->facts.deploying = true;
    assert_int_equal(plan_at(x, DAYS(1))->deploy, PLAN_NONE);
    x->facts.deploying = false;
    x->facts.deleted_at = DAYS(1);
    assert_int_equal(plan_at(x, DAYS(1))->deploy, PLAN_NONE);
}

static void a_removed_object_wakes_at_the_end_of_its_grace(void **state)
{
    struct fixture *x = *state;
    x->facts.deleted_at = DAYS(1);
    x->facts.grace_end = DAYS(1) + 10 * CL_SECOND;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->next_at, DAYS(1) + 10 * CL_SECOND);
    assert_reason(p->next_reason, REASON_GRACE);
    assert_condition(p, READY, TRUE, READY);
}

/* ---- hooks and probes ---- */

static void hooks_run_when_due_and_not_before(void **state)
{
    struct fixture *x = *state;
    x->facts.hooks_total = x->facts.hooks_pending = 1;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_DEPLOY);
    assert_condition(p, DEPLOYED, FALSE, HOOK_PENDING);

    x->facts.hooks_failed = 1;
    x->facts.hooks_message = "reload-nginx: exit code 1";
    x->facts.hooks_next = DAYS(1) + CL_MINUTE;
    p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_condition(p, DEPLOYED, FALSE, HOOK_FAILED);
    assert_says(p->conditions[CONDITION_DEPLOYED].message,
                "reload-nginx: exit code 1; tried again at 2026-01-02T00:01:00Z");
    assert_int_equal(p->next_at, DAYS(1) + CL_MINUTE);
    assert_reason(p->next_reason, REASON_HOOK_PENDING);
    assert_int_equal(p->issue, PLAN_NONE); /* a failing hook never issues */
    assert_condition(p, READY, TRUE, READY);
    assert_int_equal(plan_at(x, DAYS(1) + CL_MINUTE)->deploy, PLAN_DEPLOY);
}

static void hooks_wait_for_the_outputs(void **state)
{
    struct fixture *x = *state;
    x->facts.hooks_total = x->facts.hooks_pending = 1;
    x->facts.outputs = OUTPUTS_WRITE;
    assert_int_equal(plan_at(x, DAYS(1))->deploy, PLAN_PROJECT);
}

static void suspended_hooks_wait_and_say_so(void **state)
{
    struct fixture *x = *state;
    x->facts.hooks_total = x->facts.hooks_pending = 1;
    x->facts.suspend = SUSPEND_DEPLOY;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_condition(p, DEPLOYED, FALSE, SUSPENDED);
    x->facts.outputs = OUTPUTS_WRITE;
    assert_int_equal(plan_at(x, DAYS(1))->deploy, PLAN_PROJECT);
}

static void deployed_follows_hooks_and_probes(void **state)
{
    struct fixture *x = *state;
    assert_condition(plan_at(x, DAYS(1)), DEPLOYED, TRUE, NOTHING_TO_DEPLOY);
    x->facts.hooks_total = 1;
    assert_condition(plan_at(x, DAYS(1)), DEPLOYED, TRUE, DEPLOYED);
    x->facts.probes_total = x->facts.probes_pending = 1;
    assert_condition(plan_at(x, DAYS(1)), DEPLOYED, UNKNOWN, PENDING);
    assert_int_equal(x->plan.deploy, PLAN_DEPLOY);
    x->facts.probes_mismatch = 1;
    x->facts.probes_next = DAYS(1) + CL_SECOND;
    x->facts.probes_message = ":443 serves serial 03";
    const struct plan *p = plan_at(x, DAYS(1));
    assert_condition(p, DEPLOYED, FALSE, PROBE_MISMATCH);
    assert_says(p->conditions[CONDITION_DEPLOYED].message, "serial 03");
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_int_equal(p->next_at, DAYS(1) + CL_SECOND);
    assert_reason(p->next_reason, REASON_PROBE_MISMATCH);
    x->facts.probes_mismatch = x->facts.probes_pending = 0;
    assert_condition(plan_at(x, DAYS(1)), DEPLOYED, TRUE, PROBED);
}

static void a_hanging_hook_delays_no_renewal(void **state)
{
    struct fixture *x = *state;
    x->facts.hooks_total = x->facts.hooks_pending = 1;
    x->facts.deploying = true;
    const struct plan *p = plan_at(x, DAYS(80));
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_int_equal(p->deploy, PLAN_NONE);
}

/* ---- conditions over time ---- */

static void a_first_issuance_is_reconciling_until_its_outputs_are_written(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    x->facts.issuer_ready = false;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_condition(p, RECONCILING, TRUE, ISSUER_NOT_READY);
    assert_condition(p, ISSUING, TRUE, DOES_NOT_EXIST);
    assert_condition(p, DEPLOYED, UNKNOWN, PENDING);

    x->facts.issuer_ready = true;
    assert_condition(plan_at(x, DAYS(1)), RECONCILING, TRUE, DOES_NOT_EXIST);

    x->facts.revision_state = REVISION_OK;
    x->facts.manifest = &x->manifest;
    x->facts.outputs = OUTPUTS_WRITE;
    assert_condition(plan_at(x, DAYS(1)), RECONCILING, TRUE, OUTPUT_MISSING);

    x->facts.outputs = OUTPUTS_OK;
    x->facts.outputs_written_once = true;
    assert_int_equal(plan_at(x, DAYS(1))->conditions[CONDITION_RECONCILING].status, STATUS_ABSENT);
}

static void a_suspended_object_is_not_reconciling(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    x->spec.suspend = true;
    assert_int_equal(plan_at(x, DAYS(1))->conditions[CONDITION_RECONCILING].status, STATUS_ABSENT);
}

static void a_renewal_that_does_not_succeed_becomes_overdue(void **state)
{
    struct fixture *x = *state;
    x->facts.ari_selected = DAYS(60);
    x->facts.hold = (struct hold_view){.kind = CL_ERR_TRANSIENT,
                                       .failures = 1,
                                       .not_before = DAYS(100),
                                       .reason = "ConnectFailed",
                                       .message = "refused"};
    cl_time overdue = DAYS(60) + 30 * CL_DAY / 4;
    const struct plan *p = plan_at(x, overdue - 1);
    assert_int_equal(p->conditions[CONDITION_RENEWAL_OVERDUE].status, STATUS_ABSENT);
    assert_int_equal(p->next_at, overdue);
    p = plan_at(x, overdue);
    assert_condition(p, RENEWAL_OVERDUE, TRUE, BACKOFF);
    assert_says(p->conditions[CONDITION_RENEWAL_OVERDUE].message,
                "expires at 2026-04-01T00:00:00Z");
    assert_int_equal(p->next_at, DAYS(90));
    assert_condition(plan_at(x, DAYS(91)), RENEWAL_OVERDUE, TRUE, BACKOFF);
    x->facts.hold.kind = CL_ERR_NONE;
    assert_condition(plan_at(x, overdue), RENEWAL_OVERDUE, TRUE, RENEWING);
}

static void the_earliest_of_all_wake_ups_is_the_next(void **state)
{
    struct fixture *x = *state;
    x->facts.renew_requested = DAYS(1);
    x->facts.issuer_hold_until = DAYS(1) + 5 * CL_MINUTE;
    x->facts.hooks_total = x->facts.hooks_pending = x->facts.hooks_failed = 1;
    x->facts.hooks_next = DAYS(1) + 4 * CL_MINUTE;
    x->facts.probes_total = x->facts.probes_pending = 1;
    x->facts.probes_next = DAYS(1) + 3 * CL_MINUTE;
    assert_int_equal(plan_at(x, DAYS(1))->next_at, DAYS(1) + 3 * CL_MINUTE);
    x->facts.probes_pending = 0;
    assert_int_equal(plan_at(x, DAYS(1))->next_at, DAYS(1) + 4 * CL_MINUTE);
    x->facts.suspend = SUSPEND_DEPLOY;
    assert_int_equal(plan_at(x, DAYS(1))->next_at, DAYS(1) + 5 * CL_MINUTE);
    assert_reason(x->plan.next_reason, REASON_RATE_LIMITED);
}

static void an_intermediate_that_expires_first_is_a_wake_up(void **state)
{
    struct fixture *x = *state;
    x->manifest.cert.chain_not_after = DAYS(20);
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->next_at, DAYS(20) + 1);
    assert_reason(p->next_reason, REASON_INVALID_CHAIN);
    assert_reason(plan_at(x, DAYS(20) + 1)->trigger, REASON_INVALID_CHAIN);
}

/* The property the queue relies on: no busy loop. */
static void the_next_look_is_always_later_than_now(void **state)
{
    struct fixture *x = *state;
    for (int i = 0; i < 4000; i++) {
        cl_time now = T0 + (cl_time)i * CL_HOUR;
        x->facts.slot_free = i % 2 == 0;
        x->facts.slot_forecast = i % 3 == 0 ? now : CL_NEVER;
        x->facts.hooks_total = x->facts.hooks_pending = (unsigned)(i % 5 == 0);
        x->facts.hooks_next = now - CL_MINUTE;
        x->facts.issuing = i % 7 == 0;
        const struct plan *p = plan_at(x, now);
        assert_true(p->next_at > now);
    }
}

static void long_messages_are_cut_not_overrun(void **state)
{
    struct fixture *x = *state;
    char longest[2 * PLAN_TEXT];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    nothing_issued(x);
    x->facts.conflict = longest;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(strlen(p->gate_message), PLAN_TEXT - 1);
    assert_int_equal(strlen(p->conditions[CONDITION_STALLED].message), PLAN_TEXT - 1);
}

static void while_the_archive_cannot_be_read_nothing_is_decided(void **state)
{
    struct fixture *x = *state;
    struct cl_err why = {0};

    (void)cl_fail(&why, CL_ERR_LOCAL, "IOError", "cannot read /a/current: Input/output error");
    plan_unreadable(&why, x->now, &x->plan);
    assert_reason(x->plan.conditions[CONDITION_READY].reason, REASON_ARCHIVE_UNREADABLE);
    assert_int_equal(x->plan.conditions[CONDITION_READY].status, STATUS_UNKNOWN);
    assert_non_null(strstr(x->plan.conditions[CONDITION_READY].message, why.text));
    assert_int_equal(x->plan.issue, PLAN_NONE);
    assert_int_equal(x->plan.deploy, PLAN_NONE);
    assert_int_equal(x->plan.next_at, x->now + CL_MINUTE);
    assert_reason(x->plan.next_reason, REASON_ARCHIVE_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(renewal_starts_when_its_time_comes_and_not_before),
        fixture_test(renewal_waits_for_the_instant_picked_from_ari),
        fixture_test(an_ari_window_in_the_past_cannot_make_a_loop),
        fixture_test(a_pair_that_was_taken_over_late_is_renewed_at_once),
        fixture_test(renewal_can_be_disabled),
        fixture_test(a_running_issuance_is_left_alone),
        fixture_test(a_running_issuance_nobody_wants_is_cancelled),
        fixture_test(ready_flips_at_not_after_beside_a_running_issuance),
        fixture_test(an_existing_pair_is_adopted_before_any_order),
        fixture_test(adoption_needs_neither_issuer_nor_slot_and_ignores_suspend),
        fixture_test(what_an_old_issuer_made_is_not_adopted_for_a_new_one),
        fixture_test(a_newer_pair_in_an_output_is_adopted_not_repaired_away),
        fixture_test(drift_is_repaired_while_issuing_waits),
        fixture_test(the_archive_of_another_object_is_never_projected),
        fixture_test(nothing_is_deployed_while_deploying_or_after_deletion),
        fixture_test(a_removed_object_wakes_at_the_end_of_its_grace),
        fixture_test(hooks_run_when_due_and_not_before),
        fixture_test(hooks_wait_for_the_outputs),
        fixture_test(suspended_hooks_wait_and_say_so),
        fixture_test(deployed_follows_hooks_and_probes),
        fixture_test(a_hanging_hook_delays_no_renewal),
        fixture_test(a_first_issuance_is_reconciling_until_its_outputs_are_written),
        fixture_test(a_suspended_object_is_not_reconciling),
        fixture_test(a_renewal_that_does_not_succeed_becomes_overdue),
        fixture_test(the_earliest_of_all_wake_ups_is_the_next),
        fixture_test(an_intermediate_that_expires_first_is_a_wake_up),
        fixture_test(the_next_look_is_always_later_than_now),
        fixture_test(while_the_archive_cannot_be_read_nothing_is_decided),
        fixture_test(long_messages_are_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
