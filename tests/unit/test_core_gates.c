/* SPDX-License-Identifier: Apache-2.0 */
/* The D2 list: what keeps a wanted certificate from being obtained now, and until when. */
#include "reconciler/core/gates.h"
#include "tests/unit/core_fixture.h"

#define NOW DAYS(1)

static void by_spec(struct fixture *x)
{
    x->spec.suspend = true;
}
static void by_configuration(struct fixture *x)
{
    x->facts.suspend = SUSPEND_ISSUE;
}
static void by_configuration_all(struct fixture *x)
{
    x->facts.suspend = SUSPEND_ALL;
}
static void removed(struct fixture *x)
{
    x->facts.deleted_at = NOW - 1;
    x->facts.grace_end = NOW + 10 * CL_SECOND;
}
static void claimed(struct fixture *x)
{
    x->facts.conflict = "/etc/x is an output of web/other";
}
static void unsupported(struct fixture *x)
{
    x->facts.issuer_problem = "a ca Issuer does not issue for 10y";
}
static void unsolvable(struct fixture *x)
{
    x->facts.no_solver = "*.example.com";
}
static void no_issuer(struct fixture *x)
{
    x->facts.issuer_exists = false;
    x->facts.issuer_missing_since = NOW - CL_MINUTE;
}
static void no_issuer_for_long(struct fixture *x)
{
    x->facts.issuer_exists = false;
    x->facts.issuer_missing_since = NOW - 10 * CL_MINUTE;
}
static void issuer_preparing(struct fixture *x)
{
    x->facts.issuer_ready = false;
    x->facts.issuer_message = "account pending";
}
static void hold(struct fixture *x, enum cl_err_kind kind, cl_time until)
{
    x->facts.hold = (struct hold_view){.kind = kind,
                                       .failures = 2,
                                       .last_failure = NOW - CL_MINUTE,
                                       .not_before = until,
                                       .reason = "Dns",
                                       .message = "no TXT record"};
}
static void permanent(struct fixture *x)
{
    hold(x, CL_ERR_PERMANENT, NOW + CL_DAY);
}
static void spec_is_wrong(struct fixture *x)
{
    hold(x, CL_ERR_SPEC, CL_NEVER);
}
static void limited(struct fixture *x)
{
    hold(x, CL_ERR_RATE_LIMITED, NOW + CL_HOUR);
}
static void busy(struct fixture *x)
{
    hold(x, CL_ERR_BUSY, NOW + CL_HOUR);
}
static void failed(struct fixture *x)
{
    hold(x, CL_ERR_VALIDATION, NOW + CL_HOUR);
}
static void issuer_held(struct fixture *x)
{
    x->facts.issuer_hold_until = NOW + CL_MINUTE;
    x->facts.issuer_hold_reason = "503";
}
static void clock_behind(struct fixture *x)
{
    x->facts.clock_floor = NOW + CL_DAY;
}
static void without_a_token(struct fixture *x)
{
    x->facts.ledger_until = NOW + CL_HOUR;
    x->facts.ledger_message = "newOrders: its turn is at noon";
}
static void in_line(struct fixture *x)
{
    x->facts.slot_free = false;
    x->facts.slot_forecast = NOW + 5 * CL_SECOND;
}
static void in_line_without_forecast(struct fixture *x)
{
    x->facts.slot_free = false;
}
static void key_of_another_kind(struct fixture *x)
{
    x->facts.revision_state = REVISION_OK;
    x->facts.manifest = &x->manifest;
    x->spec.private_key.size = 384;
    x->spec.private_key.rotation_policy = ROTATE_NEVER;
}

static const struct gate_case {
    void (*close)(struct fixture *x);
    enum reason reason;
    const char *says;
    cl_time next_at; /* CL_NEVER: an event */
    enum condition_status issuing;
    bool stalled;
} CASES[] = {
    {by_spec, REASON_SUSPENDED, "spec.suspend is true", CL_NEVER, STATUS_FALSE, false},
    {by_configuration, REASON_SUSPENDED, "Configuration", CL_NEVER, STATUS_FALSE, false},
    {by_configuration_all, REASON_SUSPENDED, "Configuration", CL_NEVER, STATUS_FALSE, false},
    {removed, REASON_DELETED, "2026-01-02T00:00:10Z", NOW + 10 * CL_SECOND, STATUS_FALSE, false},
    {claimed, REASON_OUTPUT_CONFLICT, "web/other", CL_NEVER, STATUS_FALSE, true},
    {key_of_another_kind, REASON_CANNOT_REGENERATE_KEY, "rotationPolicy", CL_NEVER, STATUS_FALSE,
     true},
    {unsupported, REASON_UNSUPPORTED_BY_ISSUER, "letsencrypt", CL_NEVER, STATUS_FALSE, true},
    {unsolvable, REASON_NO_SOLVER, "*.example.com", CL_NEVER, STATUS_FALSE, true},
    {no_issuer, REASON_ISSUER_NOT_FOUND, "Issuer named letsencrypt", NOW + 9 * CL_MINUTE,
     STATUS_FALSE, false},
    {no_issuer_for_long, REASON_ISSUER_NOT_FOUND, "letsencrypt", CL_NEVER, STATUS_FALSE, true},
    {issuer_preparing, REASON_ISSUER_NOT_READY, "account pending", CL_NEVER, STATUS_TRUE, false},
    {permanent, REASON_STALLED, "2026-01-03T00:00:00Z", NOW + CL_DAY, STATUS_FALSE, true},
    {spec_is_wrong, REASON_STALLED, "when something changes", CL_NEVER, STATUS_FALSE, true},
    {limited, REASON_RATE_LIMITED, "2026-01-02T01:00:00Z", NOW + CL_HOUR, STATUS_FALSE, false},
    {busy, REASON_RATE_LIMITED, "2026-01-02T01:00:00Z", NOW + CL_HOUR, STATUS_FALSE, false},
    {failed, REASON_BACKOFF, "attempt 3 at 2026-01-02T01:00:00Z", NOW + CL_HOUR, STATUS_FALSE,
     false},
    {issuer_held, REASON_RATE_LIMITED, "503", NOW + CL_MINUTE, STATUS_FALSE, false},
    {clock_behind, REASON_CLOCK_UNSYNCHRONISED, "2026-01-03", NOW + CL_MINUTE, STATUS_FALSE, false},
    {without_a_token, REASON_RATE_LIMITED, "newOrders: its turn is at noon", NOW + CL_HOUR,
     STATUS_FALSE, false},
    {in_line, REASON_WAITING_FOR_SLOT, "2026-01-02T00:00:05Z", NOW + 5 * CL_SECOND, STATUS_TRUE,
     false},
    {in_line_without_forecast, REASON_WAITING_FOR_SLOT, "maxOrders", CL_NEVER, STATUS_TRUE, false},
};

static void each_closed_gate_says_why_and_until_when(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        const struct gate_case *c = &CASES[i];
        struct fixture x;
        fixture_init(&x);
        nothing_issued(&x);
        c->close(&x);
        x.manifest.cert.chain_not_after = 0;
        x.spec.renewal_disabled = true;
        x.manifest.cert.not_after = CL_NEVER; /* so that only the gate has a wake-up */
        const struct plan *p = plan_at(&x, NOW);
        assert_int_equal(p->issue, PLAN_NONE);
        assert_reason(p->gate, c->reason);
        assert_says(p->gate_message, c->says);
        assert_int_equal(p->next_at, c->next_at);
        const struct verdict *issuing = &p->conditions[CONDITION_ISSUING];
        assert_int_equal(issuing->status, c->issuing);
        assert_reason(issuing->reason, c->issuing == STATUS_TRUE ? p->trigger : c->reason);
        assert_says(issuing->message, p->gate_message);
        const struct verdict *stalled = &p->conditions[CONDITION_STALLED];
        assert_int_equal(stalled->status, c->stalled ? STATUS_TRUE : STATUS_ABSENT);
        if (c->stalled) {
            assert_reason(stalled->reason, c->reason);
            assert_int_equal(p->conditions[CONDITION_RECONCILING].status, STATUS_ABSENT);
        }
        if (c->next_at == CL_NEVER) {
            assert_reason(p->next_reason, REASON_SPEC_CHANGE);
        }
        fixture_deinit(&x);
    }
}

static void the_first_closed_gate_is_named(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    /* closed from the last to the first: each new one must take precedence */
    static void (*const CLOSE[])(struct fixture *) = {in_line,   clock_behind, issuer_held, failed,
                                                      no_issuer, unsolvable,   unsupported, claimed,
                                                      removed,   by_spec};
    static const enum reason REASON[] = {REASON_WAITING_FOR_SLOT,
                                         REASON_CLOCK_UNSYNCHRONISED,
                                         REASON_RATE_LIMITED,
                                         REASON_BACKOFF,
                                         REASON_ISSUER_NOT_FOUND,
                                         REASON_NO_SOLVER,
                                         REASON_UNSUPPORTED_BY_ISSUER,
                                         REASON_OUTPUT_CONFLICT,
                                         REASON_DELETED,
                                         REASON_SUSPENDED};
    for (size_t i = 0; i < COUNT(CLOSE); i++) {
        CLOSE[i](x);
        assert_reason(plan_at(x, NOW)->gate, REASON[i]);
    }
}

static void a_hold_ends_with_its_time(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    failed(x);
    assert_int_equal(plan_at(x, NOW + CL_HOUR - 1)->issue, PLAN_NONE);
    assert_int_equal(plan_at(x, NOW + CL_HOUR)->issue, PLAN_ISSUE);
}

static void changed_inputs_lift_every_hold(void **state)
{
    struct fixture *x = *state;
    static void (*const HOLDS[])(struct fixture *) = {failed, permanent, spec_is_wrong, limited};
    for (size_t i = 0; i < COUNT(HOLDS); i++) {
        nothing_issued(x);
        HOLDS[i](x);
        x->facts.hold.inputs_changed = true;
        assert_int_equal(plan_at(x, NOW)->issue, PLAN_ISSUE);
    }
}

static void a_request_after_the_failure_lifts_its_hold_but_no_limit_of_the_ca(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    failed(x);
    x->facts.renew_requested = x->facts.hold.last_failure; /* the request that failed */
    assert_reason(plan_at(x, NOW)->gate, REASON_BACKOFF);
    x->facts.renew_requested = NOW;
    assert_int_equal(plan_at(x, NOW)->issue, PLAN_ISSUE);
    permanent(x);
    assert_int_equal(plan_at(x, NOW)->issue, PLAN_ISSUE);
    limited(x);
    assert_reason(plan_at(x, NOW)->gate, REASON_RATE_LIMITED);
    busy(x);
    assert_reason(plan_at(x, NOW)->gate, REASON_RATE_LIMITED);
}

static void a_missing_issuer_is_patient_from_when_it_was_first_missed(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    x->facts.issuer_exists = false; /* not missed before */
    const struct plan *p = plan_at(x, NOW);
    assert_reason(p->gate, REASON_ISSUER_NOT_FOUND);
    assert_int_equal(p->next_at, NOW + 10 * CL_MINUTE);
    assert_condition(p, RECONCILING, TRUE, ISSUER_NOT_FOUND);
}

static void suspending_the_deployment_suspends_no_issuance(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    x->facts.suspend = SUSPEND_DEPLOY;
    assert_int_equal(plan_at(x, NOW)->issue, PLAN_ISSUE);
}

static void a_forecast_in_the_past_is_not_asked_again_at_once(void **state)
{
    struct fixture *x = *state;
    nothing_issued(x);
    in_line(x);
    x->facts.slot_forecast = NOW - 1;
    assert_int_equal(plan_at(x, NOW)->next_at, NOW + CL_SECOND);
}

static void gates_are_not_asked_when_nothing_is_wanted(void **state)
{
    struct fixture *x = *state;
    issuer_preparing(x);
    failed(x);
    const struct plan *p = plan_at(x, NOW);
    assert_reason(p->gate, REASON_NONE);
    assert_condition(p, ISSUING, FALSE, ISSUED);
    assert_condition(p, READY, TRUE, READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_closed_gate_says_why_and_until_when),
        fixture_test(the_first_closed_gate_is_named),
        fixture_test(a_hold_ends_with_its_time),
        fixture_test(changed_inputs_lift_every_hold),
        fixture_test(a_request_after_the_failure_lifts_its_hold_but_no_limit_of_the_ca),
        fixture_test(a_missing_issuer_is_patient_from_when_it_was_first_missed),
        fixture_test(suspending_the_deployment_suspends_no_issuance),
        fixture_test(a_forecast_in_the_past_is_not_asked_again_at_once),
        fixture_test(gates_are_not_asked_when_nothing_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
