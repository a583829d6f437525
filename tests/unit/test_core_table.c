/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the tables of core: every reason, step, check, gate and error class has a line of
 * documentation, and a case below that makes core say it. A new row without a case fails here. */
#include "reconciler/core/backoff.h"
#include "reconciler/core/checks.h"
#include "reconciler/core/gates.h"
#include "reconciler/core/ready.h"
#include "tests/unit/core_fixture.h"

#define NOW DAYS(1)

/* Everything core said in all cases together. */
static struct {
    bool reasons[REASON_COUNT], steps[PLAN_STEP_COUNT], triggers[REASON_COUNT], gates[REASON_COUNT],
        ready[REASON_COUNT], conditions[CONDITION_COUNT], issuer_steps[ISSUER_STEP_COUNT],
        classes[CL_ERR_KINDS];
} said;

static void note_plan(const struct plan *p)
{
    said.steps[p->issue] = said.steps[p->deploy] = true;
    said.triggers[p->trigger] = said.gates[p->gate] = true;
    said.ready[p->conditions[CONDITION_READY].reason] = true;
    said.reasons[p->trigger] = said.reasons[p->gate] = said.reasons[p->next_reason] = true;
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        said.reasons[p->conditions[i].reason] = true;
        said.conditions[i] |= p->conditions[i].status == STATUS_TRUE;
    }
}

#define CASE(name, ...)                 \
    static void name(struct fixture *x) \
    {                                   \
        __VA_ARGS__;                    \
    }
static void lacks_a_name(struct fixture *x)
{
    x->spec.allow_subset_of_names = true;
    cl_strv_add(&x->manifest.missing_names, "bad.example");
    x->manifest.full_request = text(x, "{\"dnsNames\":[\"bad.example\",\"example.com\"]}");
    x->facts.wanted_request = x->manifest.full_request;
}
/* one for each row of CHECKS */
CASE(does_not_exist, nothing_issued(x))
CASE(missing_data, x->facts.revision_state = REVISION_MISSING_DATA)
CASE(invalid_key, x->facts.revision_state = REVISION_INVALID_KEY)
CASE(invalid_cert, x->facts.revision_state = REVISION_INVALID_CERT)
CASE(invalid_chain, x->facts.revision_state = REVISION_INVALID_CHAIN)
CASE(incorrect_issuer, x->spec.issuer_ref.name = text(x, "other"))
CASE(incorrect_certificate, x->facts.uid = "other")
CASE(secret_mismatch, x->spec.private_key.size = 384)
CASE(request_changed, x->facts.wanted_request = "{\"dnsNames\":[\"b.example\"]}")
CASE(manually_triggered, x->facts.renew_requested = NOW)
CASE(revoked, x->manifest.revoked_at = NOW)
CASE(urgent, x->facts.ari_selected = T0 + 1; x->facts.ari_urgent = true)
CASE(window_closed, x->facts.window_opens = DAYS(75); x->now = DAYS(70))
CASE(ari_check, x->facts.ari_poll_at = NOW + 1)
CASE(renewing, x->facts.ari_selected = T0 + 1; x->now = DAYS(80))
CASE(profile_changed, x->facts.wanted_profile = "shortlived")
CASE(chain_changed, x->facts.wanted_chain = "root R")
CASE(names_missing, lacks_a_name(x))
/* READY_CHECKS */
CASE(expired, x->spec.renewal_disabled = true; x->now = DAYS(91))
CASE(not_yet_valid, x->now = T0 - 1)
CASE(output_conflict, x->facts.outputs = OUTPUTS_BLOCKED)
CASE(output_drift, x->facts.outputs = OUTPUTS_WRITE; x->facts.outputs_drifting = true)
CASE(output_missing, x->facts.outputs = OUTPUTS_WRITE; x->facts.outputs_written_once = false)
/* GATES, with nothing issued */
CASE(suspended, nothing_issued(x); x->spec.suspend = true)
CASE(deleted, nothing_issued(x); x->facts.deleted_at = NOW; x->facts.grace_end = NOW + 1)
CASE(conflict, nothing_issued(x); x->facts.conflict = "claimed")
CASE(key_kept, secret_mismatch(x); x->spec.private_key.rotation_policy = ROTATE_NEVER)
CASE(key_compromised, nothing_issued(x); x->facts.key_compromised = true;
     x->spec.private_key.rotation_policy = ROTATE_NEVER)
CASE(not_reissued, x->manifest.revoked_at = NOW; x->manifest.no_reissue = true)
CASE(agreement, nothing_issued(x);
     x->facts.hold = (struct hold_view){
         .kind = CL_ERR_PERMANENT, .not_before = CL_NEVER, .reason = "AgreementRequired"})
CASE(paused, nothing_issued(x); x->facts.hold = (struct hold_view){.kind = CL_ERR_PERMANENT,
                                                                   .not_before = NOW + 1,
                                                                   .reason = "PausedByCA"})
CASE(unsupported, nothing_issued(x); x->facts.issuer_problem = "no")
CASE(invalid_profile, nothing_issued(x); x->facts.profile_problem = "no such profile")
CASE(no_solver, nothing_issued(x); x->facts.no_solver = "a.example")
CASE(issuer_missing, nothing_issued(x); x->facts.issuer_exists = false)
CASE(issuer_not_ready, nothing_issued(x); x->facts.issuer_ready = false)
CASE(issuer_held, nothing_issued(x); x->facts.issuer_hold_until = NOW + 1)
CASE(clock_behind, nothing_issued(x); x->facts.clock_floor = NOW + 1)
CASE(preflight_failed, nothing_issued(x); x->facts.hold.kind = CL_ERR_LOCAL;
     x->facts.hold.reason = "PreflightFailed"; x->facts.hold.not_before = NOW + 1)
CASE(no_slot, nothing_issued(x); x->facts.slot_free = false)
CASE(in_progress, x->facts.issuing = true)
CASE(stale, x->facts.issuing = x->facts.issuing_stale = true)
/* states, deployment, wake-ups */
CASE(fine, (void)x)
CASE(renewal_off, x->spec.renewal_disabled = true)
CASE(adoptable, nothing_issued(x); x->facts.adoptable = true)
CASE(adopted, x->manifest.adopted = true)
CASE(hook_pending, x->facts.hooks_total = x->facts.hooks_pending = 1)
CASE(hook_failed, hook_pending(x); x->facts.hooks_failed = 1; x->facts.hooks_next = NOW + 1)
CASE(deployed, x->facts.hooks_total = 1)
CASE(probed, x->facts.probes_total = 1)
CASE(probe_mismatch, x->facts.probes_total = x->facts.probes_pending = 1;
     x->facts.probes_mismatch = 1)
CASE(overdue, renewing(x); x->facts.issuer_ready = false)
/* records of dns-persist-01 */
static void record(struct fixture *x, cl_time until)
{
    static struct persist_proof p;

    p = (struct persist_proof){.record = text(x, "_validation-persist.example.com"),
                               .value = text(x, "ca.example"),
                               .until = until,
                               .attention_at = NOW - 1};
    x->facts.persist = &p;
    x->facts.n_persist = 1;
}
CASE(record_ends, record(x, NOW + CL_DAY))
CASE(record_ended, record(x, NOW))
CASE(record_missing, nothing_issued(x); x->facts.hold.kind = CL_ERR_TRANSIENT;
     x->facts.hold.not_before = NOW + 1; x->facts.hold.reason = "DNSRecordRequired")

CASE(fallback, static struct issuer_ref zerossl;
     zerossl.name = x->manifest.issuer_name = text(x, "zerossl");
     x->spec.fallback_issuers = (struct issuer_ref_list){.items = &zerossl, .len = 1})
CASE(failover_later, nothing_issued(x); x->facts.issuer_ready = false;
     x->facts.issuer_choice_at = NOW + 1)
CASE(standby, x->spec.standby.name = x->manifest.issuer_name = text(x, "zerossl");
     x->manifest.trigger = text(x, "StandbyInUse"))
CASE(standby_due, nothing_issued(x); x->facts.trouble_since = T0; x->facts.standby_ready = true;
     x->facts.standby_not_after = NOW + CL_DAY)

static void (*const CASES[])(struct fixture *) = {
    does_not_exist,
    missing_data,
    invalid_key,
    invalid_cert,
    invalid_chain,
    incorrect_issuer,
    incorrect_certificate,
    secret_mismatch,
    request_changed,
    profile_changed,
    chain_changed,
    names_missing,
    manually_triggered,
    urgent,
    window_closed,
    ari_check,
    renewing,
    revoked,
    key_compromised,
    not_reissued,
    agreement,
    paused,
    expired,
    not_yet_valid,
    output_conflict,
    output_drift,
    output_missing,
    suspended,
    deleted,
    conflict,
    key_kept,
    unsupported,
    invalid_profile,
    no_solver,
    issuer_missing,
    issuer_not_ready,
    issuer_held,
    clock_behind,
    preflight_failed,
    no_slot,
    in_progress,
    stale,
    fine,
    renewal_off,
    adoptable,
    adopted,
    hook_pending,
    hook_failed,
    deployed,
    probed,
    probe_mismatch,
    overdue,
    fallback,
    failover_later,
    standby,
    standby_due,
    record_ends,
    record_ended,
    record_missing,
};

static void run_certificates(void)
{
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct fixture x;
        fixture_init(&x);
        CASES[i](&x);
        note_plan(plan_at(&x, x.now));
        fixture_deinit(&x);
    }
}

/* A failure of each class, and what the gate makes of it. */
static void run_classes(void)
{
    struct cl_rng rng;
    cl_rng_seed(&rng, 7);
    for (unsigned kind = CL_ERR_NONE + 1; kind < CL_ERR_KINDS; kind++) {
        struct fixture x;
        struct backoff b = {0};
        struct backoff_context c = {0};
        struct cl_err err = {.kind = (enum cl_err_kind)kind};
        fixture_init(&x);
        nothing_issued(&x);
        cl_time until = backoff_fail(&b, &err, &c, NOW, &rng);
        assert_true(until > NOW || kind == CL_ERR_CANCELLED);
        x.facts.hold =
            (struct hold_view){.kind = b.kind, .failures = b.failures, .not_before = until};
        const struct plan *p = plan_at(&x, NOW);
        assert_int_equal(p->issue, kind == CL_ERR_CANCELLED ? PLAN_ISSUE : PLAN_NONE);
        note_plan(p);
        said.classes[kind] = true;
        fixture_deinit(&x);
    }
    said.classes[CL_ERR_NONE] = true;
}

static void run_issuers(void)
{
    static const struct {
        enum issuer_type type;
        struct issuer_facts facts;
        struct hold_view hold;
    } ISSUERS[] = {
        {ISSUER_ACME, {.needs_directory = true, .needs_account = true}, {0}},
        {ISSUER_ACME,
         {.credentials = CREDENTIALS_OK, .needs_directory = true, .needs_account = true},
         {0}},
        {ISSUER_ACME,
         {.credentials = CREDENTIALS_OK,
          .needs_directory = true,
          .directory_at = NOW,
          .needs_account = true},
         {0}},
        {ISSUER_ACME,
         {.credentials = CREDENTIALS_OK,
          .needs_directory = true,
          .directory_at = NOW,
          .needs_account = true,
          .account_ok = true},
         {0}},
        {ISSUER_ACME,
         {.credentials = CREDENTIALS_OK,
          .needs_directory = true,
          .directory_at = NOW,
          .needs_account = true,
          .rollover_due = true,
          .skew = -2 * CL_HOUR},
         {0}},
        {ISSUER_CA, {.credentials = CREDENTIALS_TO_MAKE}, {0}},
        {ISSUER_CA, {.credentials = CREDENTIALS_OK}, {0}},
        {ISSUER_CA, {.credentials = CREDENTIALS_OK, .valid_from = T0, .expires = NOW + 1}, {0}},
        {ISSUER_CA,
         {.credentials = CREDENTIALS_MISSING},
         {.kind = CL_ERR_PERMANENT, .not_before = NOW + 1}},
        {ISSUER_SELF_SIGNED, {.credentials = CREDENTIALS_OK}, {0}},
    };
    for (size_t i = 0; i < COUNT(ISSUERS); i++) {
        struct issuer_spec spec = {.type = ISSUERS[i].type};
        struct object o = {.kind = SPEC_ISSUER, .issuer = &spec};
        struct issuer_input in = {.o = &o, .f = &ISSUERS[i].facts, .hold = ISSUERS[i].hold};
        struct issuer_plan p;
        issuer_plan_next(&in, NOW, &p);
        said.issuer_steps[p.step] = true;
        said.reasons[p.ready.reason] = said.reasons[p.stalled.reason] = true;
        said.reasons[p.next_reason] = true;
        for (size_t c = 0; c < CONDITION_COUNT; c++) {
            said.reasons[p.conditions[c].reason] = true;
            said.conditions[c] |= p.conditions[c].status == STATUS_TRUE;
        }
    }
}

static void run_unreadable(void)
{
    struct plan p;
    plan_unreadable(&(struct cl_err){.text = "broken disk"}, NOW, &p);
    note_plan(&p);
}

static int run_all(void **state)
{
    (void)state;
    run_unreadable();
    run_certificates();
    run_classes();
    run_issuers();
    return 0;
}

static void every_reason_has_a_token_a_line_and_a_case(void **state)
{
    (void)state;
    for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        assert_true(strlen(reason_token((enum reason)r)) > 0);
        assert_true(strlen(reason_doc((enum reason)r)) > 0);
        if (!said.reasons[r]) {
            fail_msg("no case makes core say %s", reason_token((enum reason)r));
        }
    }
    assert_string_equal(reason_token(REASON_NONE), "");
}

static void every_token_is_unique(void **state)
{
    (void)state;
    for (unsigned a = 1; a < REASON_COUNT; a++) {
        for (unsigned b = 1; b < a; b++) {
            assert_string_not_equal(reason_token((enum reason)a), reason_token((enum reason)b));
        }
    }
}

static void every_step_has_a_name_a_line_and_a_case(void **state)
{
    (void)state;
    for (unsigned s = 0; s < PLAN_STEP_COUNT; s++) {
        assert_true(strlen(plan_step_name((enum plan_step)s)) > 0);
        assert_true(strlen(plan_step_doc((enum plan_step)s)) > 0);
        if (!said.steps[s]) {
            fail_msg("no case plans %s", plan_step_name((enum plan_step)s));
        }
    }
    for (unsigned s = 0; s < ISSUER_STEP_COUNT; s++) {
        if (!said.issuer_steps[s]) {
            fail_msg("no case plans %s", issuer_step_name((enum issuer_step)s));
        }
    }
}

static void every_check_has_a_case_that_fires(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHECKS_LEN; i++) {
        if (!said.triggers[CHECKS[i].reason]) {
            fail_msg("no case triggers %s", reason_token(CHECKS[i].reason));
        }
    }
    for (size_t i = 0; i < READY_CHECKS_LEN; i++) {
        if (!said.ready[READY_CHECKS[i].reason]) {
            fail_msg("no case breaks Ready by %s", reason_token(READY_CHECKS[i].reason));
        }
    }
}

static void every_gate_has_a_case_that_closes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < GATES_LEN; i++) {
        if (!said.gates[GATES[i].reason]) {
            fail_msg("no case closes %s", reason_token(GATES[i].reason));
        }
    }
}

static void every_condition_of_core_is_true_in_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        if (i != CONDITION_SPEC_INVALID && !said.conditions[i]) {
            fail_msg("no case makes condition %zu true", i);
        }
    }
}

static void every_error_class_has_a_line_and_a_case(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < CL_ERR_KINDS; kind++) {
        assert_non_null(backoff_doc((enum cl_err_kind)kind));
        assert_true(said.classes[kind]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_token_a_line_and_a_case),
        cmocka_unit_test(every_token_is_unique),
        cmocka_unit_test(every_step_has_a_name_a_line_and_a_case),
        cmocka_unit_test(every_check_has_a_case_that_fires),
        cmocka_unit_test(every_gate_has_a_case_that_closes_it),
        cmocka_unit_test(every_condition_of_core_is_true_in_a_case),
        cmocka_unit_test(every_error_class_has_a_line_and_a_case),
    };
    return cmocka_run_group_tests(tests, run_all, NULL);
}
