/* SPDX-License-Identifier: Apache-2.0 */
/* The D1 and D3 chains: what makes a certificate wanted, and what makes it not Ready. */
#include "tests/unit/core_fixture.h"

static void damaged_key(struct fixture *x)
{
    x->facts.revision_state = REVISION_INVALID_KEY;
    x->facts.revision_detail = "privkey.pem: no PEM block";
}
static void foreign_key(struct fixture *x)
{
    x->facts.revision_state = REVISION_KEY_MISMATCH;
}
static void missing_file(struct fixture *x)
{
    x->facts.revision_state = REVISION_MISSING_DATA;
    x->facts.revision_detail = "fullchain.pem is missing";
}
static void no_manifest(struct fixture *x)
{
    x->facts.manifest = NULL;
}
static void damaged_cert(struct fixture *x)
{
    x->facts.revision_state = REVISION_INVALID_CERT;
}
static void broken_chain(struct fixture *x)
{
    x->facts.revision_state = REVISION_INVALID_CHAIN;
}
static void expired_intermediate(struct fixture *x)
{
    x->manifest.cert.chain_not_after = DAYS(1) - 1;
}
static void other_issuer(struct fixture *x)
{
    x->spec.issuer_ref.name = text(x, "zerossl");
}
static void other_directory(struct fixture *x)
{
    x->facts.issuer_identity = "acme:https://other/directory";
}
static void other_object(struct fixture *x)
{
    x->facts.uid = "uid-2";
}
static void other_size(struct fixture *x)
{
    x->spec.private_key.size = 384;
}
static void other_algorithm(struct fixture *x)
{
    x->spec.private_key.algorithm = KEY_RSA;
    x->spec.private_key.size = 256;
}
static void more_names(struct fixture *x)
{
    x->facts.wanted_request = "{\"dnsNames\":[\"example.com\",\"www.example.com\"]}";
}
static void adopted_with_other_names(struct fixture *x)
{
    x->manifest.adopted = true;
    cl_strv_add(&x->spec.dns_names, "www.example.com");
}
static void adopted_with_other_addresses(struct fixture *x)
{
    x->manifest.adopted = true;
    cl_strv_add(&x->spec.ip_addresses, "192.0.2.1");
}

static void each_violation_is_found_and_breaks_ready(void **state)
{
    static const struct {
        void (*spoil)(struct fixture *x);
        enum reason reason;
        const char *says;
    } CASES[] = {
        {nothing_issued, REASON_DOES_NOT_EXIST, "No certificate has been issued yet"},
        {missing_file, REASON_MISSING_DATA, "fullchain.pem is missing"},
        {no_manifest, REASON_MISSING_DATA, "manifest"},
        {damaged_key, REASON_INVALID_KEY_PAIR, "privkey.pem: no PEM block"},
        {foreign_key, REASON_INVALID_KEY_PAIR, "not the certificate's"},
        {damaged_cert, REASON_INVALID_CERTIFICATE, "cannot be parsed"},
        {broken_chain, REASON_INVALID_CHAIN, "broken"},
        {expired_intermediate, REASON_INVALID_CHAIN, "2026-01-01T23:59:59Z"},
        {other_issuer, REASON_INCORRECT_ISSUER, "spec.issuerRef names zerossl"},
        {other_directory, REASON_INCORRECT_ISSUER, "https://other/directory"},
        {other_object, REASON_INCORRECT_CERTIFICATE, "another object"},
        {other_size, REASON_SECRET_MISMATCH, "ECDSA 384"},
        {other_algorithm, REASON_SECRET_MISMATCH, "asks for RSA"},
        {more_names, REASON_REQUEST_CHANGED, "dnsNames"},
        {adopted_with_other_names, REASON_REQUEST_CHANGED, "taken over"},
        {adopted_with_other_addresses, REASON_REQUEST_CHANGED, "taken over"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct fixture x;
        fixture_init(&x);
        CASES[i].spoil(&x);
        const struct plan *p = plan_at(&x, DAYS(1));
        assert_reason(p->trigger, CASES[i].reason);
        assert_says(p->trigger_message, CASES[i].says);
        assert_int_equal(p->issue, PLAN_ISSUE);
        assert_int_equal(p->conditions[CONDITION_READY].status, STATUS_FALSE);
        assert_reason(p->conditions[CONDITION_READY].reason, CASES[i].reason);
        assert_int_equal(p->conditions[CONDITION_ISSUING].status, STATUS_TRUE);
        fixture_deinit(&x);
    }
}

static void a_good_certificate_is_ready_and_wants_nothing(void **state)
{
    struct fixture *x = *state;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->issue, PLAN_NONE);
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_reason(p->trigger, REASON_NONE);
    assert_condition(p, READY, TRUE, READY);
    assert_condition(p, ISSUING, FALSE, ISSUED);
    assert_says(p->conditions[CONDITION_ISSUING].message, "Revision 2 issued by letsencrypt");
    assert_int_equal(p->conditions[CONDITION_STALLED].status, STATUS_ABSENT);
    assert_int_equal(p->conditions[CONDITION_RECONCILING].status, STATUS_ABSENT);
    assert_int_equal(p->conditions[CONDITION_RENEWAL_OVERDUE].status, STATUS_ABSENT);
}

static void the_first_violation_wins(void **state)
{
    struct fixture *x = *state;
    other_object(x);
    other_size(x);
    more_names(x);
    x->facts.renew_requested = DAYS(1);
    assert_reason(plan_at(x, DAYS(89))->trigger, REASON_INCORRECT_CERTIFICATE);
}

static void the_size_of_an_ed25519_key_is_not_compared(void **state)
{
    struct fixture *x = *state;
    x->spec.private_key.algorithm = KEY_ED25519;
    x->spec.private_key.size = 0;
    x->manifest.cert.key_algorithm = text(x, "Ed25519");
    x->manifest.cert.key_size = 256;
    assert_reason(plan_at(x, DAYS(1))->trigger, REASON_NONE);
}

static void requests_of_equal_meaning_are_no_change(void **state)
{
    struct fixture *x = *state;
    x->facts.wanted_request = "{ \"dnsNames\": [\"example.com\"] }";
    assert_reason(plan_at(x, DAYS(1))->trigger, REASON_NONE);
}

static void an_unknown_issuer_of_an_adopted_pair_is_no_reason(void **state)
{
    struct fixture *x = *state;
    x->manifest.adopted = true;
    x->manifest.issuer_name = NULL;
    x->manifest.issuer_identity = NULL;
    x->manifest.request = NULL;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_reason(p->trigger, REASON_NONE);
    assert_condition(p, ISSUING, FALSE, ADOPTED);
}

static void the_common_name_may_move_in_and_out_of_the_names_of_an_adopted_pair(void **state)
{
    static const struct {
        const char *have_cn, *want_cn, *more_want;
        enum reason reason;
    } CASES[] = {
        {"example.com", "", NULL, REASON_NONE},
        {"", "example.com", NULL, REASON_NONE},
        {"example.com", "example.com", NULL, REASON_NONE},
        {"www.example.com", "", "www.example.com", REASON_NONE}, /* only in the CN */
        {"www.example.com", "www.example.com", NULL, REASON_NONE},
        {"", "www.example.com", NULL, REASON_REQUEST_CHANGED},
        {"other.example.com", "", "www.example.com", REASON_REQUEST_CHANGED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct fixture x;
        fixture_init(&x);
        x.manifest.adopted = true;
        x.manifest.cert.common_name = text(&x, CASES[i].have_cn);
        x.spec.common_name = text(&x, CASES[i].want_cn);
        if (CASES[i].more_want != NULL) {
            cl_strv_add(&x.spec.dns_names, CASES[i].more_want);
        }
        assert_reason(plan_at(&x, DAYS(1))->trigger, CASES[i].reason);
        fixture_deinit(&x);
    }
}

static void a_renewal_that_is_asked_for_is_wanted_and_leaves_ready_alone(void **state)
{
    struct fixture *x = *state;
    x->facts.renew_requested = DAYS(1);
    const struct plan *p = plan_at(x, DAYS(2));
    assert_reason(p->trigger, REASON_MANUALLY_TRIGGERED);
    assert_says(p->trigger_message, "2026-01-02T00:00:00Z");
    assert_int_equal(p->issue, PLAN_ISSUE);
    assert_condition(p, READY, TRUE, READY);
    assert_int_equal(p->conditions[CONDITION_RECONCILING].status, STATUS_ABSENT);
}

static void expiry_and_not_before_flip_ready_by_time_alone(void **state)
{
    struct fixture *x = *state;
    x->spec.renewal_disabled = true;
    assert_condition(plan_at(x, DAYS(90) - 1), READY, TRUE, READY);
    assert_condition(plan_at(x, DAYS(90)), READY, FALSE, EXPIRED);
    assert_says(x->plan.conditions[CONDITION_READY].message, "2026-04-01T00:00:00Z");
    assert_condition(plan_at(x, T0 - 1), READY, FALSE, NOT_YET_VALID);
    assert_int_equal(x->plan.next_at, T0);
}

static void an_expired_leaf_is_reported_as_expired_not_as_a_broken_chain(void **state)
{
    struct fixture *x = *state;
    x->manifest.cert.chain_not_after = DAYS(90);
    assert_condition(plan_at(x, DAYS(91)), READY, FALSE, EXPIRED);
}

static void ready_needs_every_declared_output_once(void **state)
{
    struct fixture *x = *state;
    x->facts.outputs = OUTPUTS_WRITE;
    x->facts.outputs_written_once = false;
    x->facts.outputs_detail = "/etc/x/cert.pem";
    const struct plan *p = plan_at(x, DAYS(1));
    assert_condition(p, READY, FALSE, OUTPUT_MISSING);
    assert_says(p->conditions[CONDITION_READY].message, "/etc/x/cert.pem");
    assert_condition(p, RECONCILING, TRUE, OUTPUT_MISSING);
    assert_condition(p, DEPLOYED, UNKNOWN, PENDING);
    assert_int_equal(p->deploy, PLAN_PROJECT);
}

static void drift_is_repaired_without_leaving_ready_until_the_repair_fails(void **state)
{
    struct fixture *x = *state;
    x->facts.outputs = OUTPUTS_WRITE;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_PROJECT);
    assert_int_equal(p->issue, PLAN_NONE);
    assert_condition(p, READY, TRUE, READY);

    x->facts.outputs_retry_at = DAYS(1) + CL_MINUTE;
    p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_condition(p, READY, FALSE, OUTPUT_MISSING);
    assert_int_equal(p->next_at, DAYS(1) + CL_MINUTE);
    assert_reason(p->next_reason, REASON_OUTPUT_MISSING);
    assert_int_equal(plan_at(x, DAYS(1) + CL_MINUTE)->deploy, PLAN_PROJECT);
}

static void outputs_that_are_fought_over_pause_and_stall(void **state)
{
    struct fixture *x = *state;
    x->facts.outputs = OUTPUTS_WRITE;
    x->facts.outputs_drifting = true;
    x->facts.outputs_detail = "/srv/tls/cert.pem";
    x->facts.outputs_retry_at = DAYS(1) + CL_HOUR;
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_int_equal(p->issue, PLAN_NONE);
    assert_condition(p, READY, FALSE, OUTPUT_DRIFT);
    assert_condition(p, STALLED, TRUE, OUTPUT_DRIFT);
    assert_says(p->conditions[CONDITION_STALLED].message, "/srv/tls/cert.pem");
    assert_int_equal(p->next_at, DAYS(1) + CL_HOUR);
}

static void a_blocked_output_is_a_conflict(void **state)
{
    struct fixture *x = *state;
    x->facts.outputs = OUTPUTS_BLOCKED;
    x->facts.outputs_detail = "/etc/x/cert.pem is not ours";
    const struct plan *p = plan_at(x, DAYS(1));
    assert_int_equal(p->deploy, PLAN_NONE);
    assert_condition(p, READY, FALSE, OUTPUT_CONFLICT);
    assert_condition(p, STALLED, TRUE, OUTPUT_CONFLICT);
    assert_says(p->conditions[CONDITION_STALLED].message, "/etc/x/cert.pem is not ours");

    x->facts.conflict = "/etc/x is an output of web/other";
    p = plan_at(x, DAYS(1));
    assert_says(p->conditions[CONDITION_READY].message, "web/other");
    assert_says(p->conditions[CONDITION_STALLED].message, "web/other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violation_is_found_and_breaks_ready),
        fixture_test(a_good_certificate_is_ready_and_wants_nothing),
        fixture_test(the_first_violation_wins),
        fixture_test(the_size_of_an_ed25519_key_is_not_compared),
        fixture_test(requests_of_equal_meaning_are_no_change),
        fixture_test(an_unknown_issuer_of_an_adopted_pair_is_no_reason),
        cmocka_unit_test(the_common_name_may_move_in_and_out_of_the_names_of_an_adopted_pair),
        fixture_test(a_renewal_that_is_asked_for_is_wanted_and_leaves_ready_alone),
        fixture_test(expiry_and_not_before_flip_ready_by_time_alone),
        fixture_test(an_expired_leaf_is_reported_as_expired_not_as_a_broken_chain),
        fixture_test(ready_needs_every_declared_output_once),
        fixture_test(drift_is_repaired_without_leaving_ready_until_the_repair_fails),
        fixture_test(outputs_that_are_fought_over_pause_and_stall),
        fixture_test(a_blocked_output_is_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
