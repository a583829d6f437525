/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a record of dns-persist-01 in the plan: when it is looked at, and what is said. */
#include "reconciler/core/persist.h"
#include "tests/unit/core_fixture.h"

/* The certificate is fine until day 60; its record ends on day 30, attention from day 20. */
static struct persist_proof *record(struct fixture *x)
{
    static struct persist_proof p[2];

    p[0] = (struct persist_proof){.identifier = text(x, "example.com"),
                                  .record = text(x, "_validation-persist.example.com"),
                                  .value = text(x, "ca.example; accounturi=https://ca/1"),
                                  .until = DAYS(30),
                                  .attention_at = DAYS(20),
                                  .checked_at = DAYS(0)};
    p[1] = p[0];
    x->facts.persist = p;
    x->facts.n_persist = 1;
    return p;
}

static void before_its_time_nothing_is_due_but_the_wake_up_is_set(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    (void)record(x);
    const struct plan *p = plan_at(x, DAYS(1));
    assert_null(p->record);
    assert_int_equal(p->conditions[CONDITION_DNS_RECORD_REQUIRED].status, STATUS_ABSENT);
    assert_int_equal(p->next_at, DAYS(20));
    assert_reason(p->next_reason, REASON_PERSIST_RECORD_EXPIRING);
    fixture_deinit(x);
}

static void a_record_without_an_end_asks_for_nothing(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    struct persist_proof *r = record(x);
    r->until = r->attention_at = 0;
    const struct plan *p = plan_at(x, DAYS(59));
    assert_null(p->record);
    assert_true(p->next_at > DAYS(59));
    assert_int_equal(p->conditions[CONDITION_DNS_RECORD_REQUIRED].status, STATUS_ABSENT);
    fixture_deinit(x);
}

static void a_person_is_told_the_line_and_it_is_looked_for_every_hour(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    struct persist_proof *r = record(x);
    const struct plan *p = plan_at(x, DAYS(20));
    assert_ptr_equal(p->record, r);
    assert_condition(p, DNS_RECORD_REQUIRED, TRUE, PERSIST_RECORD_EXPIRING);
    assert_string_equal(p->conditions[CONDITION_DNS_RECORD_REQUIRED].message,
                        "ends at 2026-01-31T00:00:00Z; publish _validation-persist.example.com. "
                        "IN TXT \"ca.example; accounturi=https://ca/1\"");
    r->checked_at = DAYS(20);
    r->problem = text(x, "publish this record");
    p = plan_at(x, DAYS(20) + 1);
    assert_null(p->record);
    assert_int_equal(p->next_at, DAYS(20) + CL_HOUR);
    assert_ptr_equal(plan_at(x, DAYS(20) + CL_HOUR)->record, r);
    assert_condition(p, READY, TRUE, READY); /* the certificate is none the worse */
    fixture_deinit(x);
}

static void an_end_is_told_although_no_issuance_is_due(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    struct persist_proof *r = record(x);
    r->checked_at = DAYS(30) - CL_MINUTE;
    const struct plan *p = plan_at(x, DAYS(30) - CL_SECOND);
    assert_condition(p, DNS_RECORD_REQUIRED, TRUE, PERSIST_RECORD_EXPIRING);
    assert_int_equal(p->next_at, DAYS(30));
    p = plan_at(x, DAYS(30));
    assert_condition(p, DNS_RECORD_REQUIRED, TRUE, PERSIST_RECORD_EXPIRED);
    assert_says(p->conditions[CONDITION_DNS_RECORD_REQUIRED].message, "ended at 2026-01-31");
    assert_int_equal(p->issue, PLAN_NONE);
    fixture_deinit(x);
}

static void what_certloop_renews_is_told_only_when_that_failed(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    struct persist_proof *r = record(x);
    r->managed = true;
    const struct plan *p = plan_at(x, DAYS(20));
    assert_ptr_equal(p->record, r);
    assert_int_equal(p->conditions[CONDITION_DNS_RECORD_REQUIRED].status, STATUS_ABSENT);
    r->checked_at = DAYS(20);
    r->problem = text(x, "the server refuses the key");
    p = plan_at(x, DAYS(20) + 1);
    assert_null(p->record);
    assert_condition(p, DNS_RECORD_REQUIRED, TRUE, PERSIST_RECORD_EXPIRING);
    assert_says(p->conditions[CONDITION_DNS_RECORD_REQUIRED].message,
                "could not be renewed: the server refuses the key");
    fixture_deinit(x);
}

static void the_worst_is_named_and_the_others_are_counted(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    struct persist_proof *r = record(x);
    x->facts.n_persist = 2;
    r[1].record = text(x, "_validation-persist.second.example");
    r[1].until = DAYS(25);
    const struct plan *p = plan_at(x, DAYS(22));
    assert_says(p->conditions[CONDITION_DNS_RECORD_REQUIRED].message,
                "ends at 2026-01-26T00:00:00Z (and 1 more); publish "
                "_validation-persist.second.example. ");
    r[0].problem = text(x, "gone"); /* a person's record that is not there is more urgent */
    p = plan_at(x, DAYS(22));
    assert_says(p->conditions[CONDITION_DNS_RECORD_REQUIRED].message,
                "publish _validation-persist.example.com. ");
    p = plan_at(x, DAYS(26));
    assert_condition(p, DNS_RECORD_REQUIRED, TRUE, PERSIST_RECORD_EXPIRED);
    fixture_deinit(x);
}

static void an_issuance_that_waits_for_a_record_says_so(void **state)
{
    struct fixture own, *x = &own;
    fixture_init(x);
    (void)state;
    nothing_issued(x);
    x->facts.hold = (struct hold_view){.kind = CL_ERR_TRANSIENT,
                                       .failures = 1,
                                       .not_before = x->now + CL_MINUTE,
                                       .reason = "DNSRecordRequired",
                                       .message = "publish this record: x. IN TXT \"y\""};
    const struct plan *p = plan_at(x, x->now);
    assert_condition(p, DNS_RECORD_REQUIRED, TRUE, PERSIST_RECORD_MISSING);
    assert_says(p->conditions[CONDITION_DNS_RECORD_REQUIRED].message, "x. IN TXT \"y\"");
    fixture_deinit(x);
}

static void nothing_is_looked_at_while_it_must_not_be(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct fixture own, *x = &own;
        fixture_init(x);
        (void)record(x);
        x->facts.issuing = i == 0;
        x->facts.persist_looking = i == 1;
        x->facts.deleted_at = i == 2 ? DAYS(19) : 0;
        x->facts.grace_end = i == 2 ? DAYS(21) : 0;
        x->facts.issuer_exists = i != 3;
        x->facts.suspend = i == 4 ? SUSPEND_ISSUE : SUSPEND_NONE;
        x->spec.suspend = i == 5;
        const struct plan *p = plan_at(x, DAYS(20));
        assert_null(p->record);
        assert_int_equal(p->conditions[CONDITION_DNS_RECORD_REQUIRED].status,
                         i == 2 ? STATUS_ABSENT : STATUS_TRUE);
        assert_true(p->next_at > DAYS(20));
        fixture_deinit(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_its_time_nothing_is_due_but_the_wake_up_is_set),
        cmocka_unit_test(a_record_without_an_end_asks_for_nothing),
        cmocka_unit_test(a_person_is_told_the_line_and_it_is_looked_for_every_hour),
        cmocka_unit_test(an_end_is_told_although_no_issuance_is_due),
        cmocka_unit_test(what_certloop_renews_is_told_only_when_that_failed),
        cmocka_unit_test(the_worst_is_named_and_the_others_are_counted),
        cmocka_unit_test(an_issuance_that_waits_for_a_record_says_so),
        cmocka_unit_test(nothing_is_looked_at_while_it_must_not_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
