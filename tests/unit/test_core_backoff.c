/* SPDX-License-Identifier: Apache-2.0 */
/* The curves: how long after the n-th failure of a class. */
#include "reconciler/core/backoff.h"
#include "tests/unit/core_fixture.h"

static struct cl_rng RNG;

static cl_time fail_at(struct backoff *b, enum cl_err_kind kind, cl_time now)
{
    struct cl_err err = {.kind = kind};
    struct backoff_context c = {0};
    return backoff_fail(b, &err, &c, now, &RNG) - now;
}

/* @delay with up to a tenth more */
static void assert_about(cl_time actual, cl_time delay)
{
    assert_true(actual >= delay);
    assert_true(actual <= delay + delay / 10);
}

static void each_class_follows_its_curve(void **state)
{
    static const struct {
        enum cl_err_kind kind;
        cl_time delays[8];
    } CASES[] = {
        {CL_ERR_TRANSIENT,
         {5 * CL_SECOND, 10 * CL_SECOND, 20 * CL_SECOND, 40 * CL_SECOND, 80 * CL_SECOND,
          160 * CL_SECOND, 5 * CL_MINUTE, 5 * CL_MINUTE}},
        {CL_ERR_BUSY, {5 * CL_SECOND, 10 * CL_SECOND}},
        {CL_ERR_RATE_LIMITED, {1 * CL_MINUTE, 2 * CL_MINUTE, 4 * CL_MINUTE}},
        {CL_ERR_VALIDATION,
         {1 * CL_MINUTE, 10 * CL_MINUTE, 100 * CL_MINUTE, CL_DAY, CL_DAY, CL_DAY}},
        {CL_ERR_LOCAL,
         {1 * CL_MINUTE, 5 * CL_MINUTE, 15 * CL_MINUTE, CL_HOUR, 2 * CL_HOUR, 4 * CL_HOUR,
          6 * CL_HOUR, 6 * CL_HOUR}},
        {CL_ERR_PERMANENT, {CL_DAY, CL_DAY, CL_DAY}},
        {CL_ERR_BAD_RESULT,
         {CL_HOUR, 2 * CL_HOUR, 4 * CL_HOUR, 8 * CL_HOUR, 16 * CL_HOUR, 32 * CL_HOUR,
          32 * CL_HOUR}},
        {CL_ERR_INTERNAL, {15 * CL_MINUTE, 30 * CL_MINUTE, CL_HOUR}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct backoff b = {0};
        for (unsigned n = 0; n < 8 && CASES[i].delays[n] != 0; n++) {
            assert_about(fail_at(&b, CASES[i].kind, T0), CASES[i].delays[n]);
            assert_int_equal(b.failures, n + 1);
        }
    }
}

static void a_wrong_spec_waits_for_a_change(void **state)
{
    (void)state;
    struct backoff b = {0};
    (void)fail_at(&b, CL_ERR_SPEC, T0);
    assert_int_equal(b.not_before, CL_NEVER);
}

static void transient_failures_slow_down_after_an_hour(void **state)
{
    (void)state;
    struct backoff b = {0};
    cl_time delay = 0;
    for (cl_time now = T0; now < T0 + 3 * CL_HOUR; now += delay) {
        delay = fail_at(&b, CL_ERR_TRANSIENT, now);
        assert_true(delay <= (now - T0 < CL_HOUR ? 5 : 30) * CL_MINUTE * 11 / 10);
    }
    assert_about(fail_at(&b, CL_ERR_TRANSIENT, T0 + 4 * CL_HOUR), 30 * CL_MINUTE);
}

static void a_failure_of_another_class_starts_its_own_count(void **state)
{
    (void)state;
    struct backoff b = {0};
    (void)fail_at(&b, CL_ERR_VALIDATION, T0);
    (void)fail_at(&b, CL_ERR_VALIDATION, T0);
    assert_about(fail_at(&b, CL_ERR_LOCAL, T0 + CL_HOUR), CL_MINUTE);
    assert_int_equal(b.failures, 1);
    assert_int_equal(b.first_failure, T0 + CL_HOUR);
    assert_int_equal(b.last_failure, T0 + CL_HOUR);
    backoff_reset(&b);
    assert_int_equal(b.kind, CL_ERR_NONE);
    assert_int_equal(b.failures, 0);
}

static void what_we_stopped_ourselves_is_no_failure(void **state)
{
    (void)state;
    struct backoff b = {0};
    (void)fail_at(&b, CL_ERR_VALIDATION, T0);
    struct backoff before = b;
    (void)fail_at(&b, CL_ERR_CANCELLED, T0 + CL_MINUTE);
    assert_memory_equal(&before, &b, sizeof(b));
}

static void a_time_named_by_the_ca_is_a_lower_bound_and_jitter_only_adds(void **state)
{
    (void)state;
    struct backoff_context soon = {.not_after = T0 + CL_HOUR}; /* urgency shortens it neither */
    for (int i = 0; i < 200; i++) {
        struct backoff b = {0};
        struct cl_err err = {.kind = CL_ERR_RATE_LIMITED, .retry_at = T0 + 34 * CL_HOUR};
        cl_time at = backoff_fail(&b, &err, &soon, T0, &RNG);
        assert_true(at >= err.retry_at && at <= err.retry_at + 34 * CL_HOUR / 20);
        err.kind = CL_ERR_TRANSIENT;
        err.retry_at = T0 + 10 * CL_MINUTE;
        assert_true(backoff_fail(&b, &err, &soon, T0, &RNG) >= err.retry_at);
    }
}

static void an_absurd_retry_after_is_believed_for_a_day(void **state)
{
    (void)state;
    struct backoff b = {0};
    struct backoff_context c = {0};
    struct cl_err err = {.kind = CL_ERR_BUSY, .retry_at = T0 + 3650 * CL_DAY};
    cl_time at = backoff_fail(&b, &err, &c, T0, &RNG);
    assert_about(at - T0, CL_DAY);
}

static void urgency_shortens_the_wait_down_to_a_floor(void **state)
{
    static const struct {
        enum cl_err_kind kind;
        cl_time remaining, longest;
    } CASES[] = {
        {CL_ERR_VALIDATION, 80 * CL_HOUR, 10 * CL_HOUR}, /* a six-day certificate at renewal */
        {CL_ERR_VALIDATION, 20 * CL_MINUTE, 12 * CL_MINUTE},
        {CL_ERR_LOCAL, 20 * CL_MINUTE, 5 * CL_MINUTE},
        {CL_ERR_BAD_RESULT, 8 * CL_HOUR, 1 * CL_HOUR},
        {CL_ERR_TRANSIENT, 8 * CL_MINUTE, 1 * CL_MINUTE},
        {CL_ERR_TRANSIENT, 1 * CL_SECOND, 5 * CL_SECOND},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct backoff b = {0};
        struct backoff_context c = {.not_after = T0 + CASES[i].remaining};
        struct cl_err err = {.kind = CASES[i].kind};
        for (int n = 0; n < 12; n++) {
            cl_time delay = backoff_fail(&b, &err, &c, T0, &RNG) - T0;
            assert_true(delay <= CASES[i].longest * 11 / 10);
        }
    }
}

static void urgency_ends_with_the_certificate(void **state)
{
    (void)state;
    struct backoff b = {0};
    struct backoff_context c = {.not_after = T0 - 1};
    struct cl_err err = {.kind = CL_ERR_PERMANENT};
    assert_about(backoff_fail(&b, &err, &c, T0, &RNG) - T0, CL_DAY);
    err.kind = CL_ERR_BAD_RESULT;
    assert_about(backoff_fail(&b, &err, &c, T0, &RNG) - T0, CL_HOUR);
}

static void embedded_issuers_are_tried_again_soon(void **state)
{
    (void)state;
    struct backoff b = {0};
    struct backoff_context c = {.embedded = true};
    struct cl_err err = {.kind = CL_ERR_LOCAL};
    static const cl_time DELAYS[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < COUNT(DELAYS); i++) {
        assert_about(backoff_fail(&b, &err, &c, T0, &RNG) - T0, DELAYS[i] * CL_SECOND);
    }
    err.kind = CL_ERR_PERMANENT;
    assert_about(backoff_fail(&b, &err, &c, T0, &RNG) - T0, CL_DAY);
}

static void only_some_classes_count_as_attempts(void **state)
{
    (void)state;
    static const enum cl_err_kind FREE[] = {CL_ERR_NONE, CL_ERR_TRANSIENT, CL_ERR_BUSY,
                                            CL_ERR_RATE_LIMITED, CL_ERR_CANCELLED};
    for (size_t i = 0; i < COUNT(FREE); i++) {
        assert_false(backoff_counts(FREE[i]));
    }
    static const enum cl_err_kind COUNTED[] = {CL_ERR_VALIDATION, CL_ERR_LOCAL, CL_ERR_PERMANENT,
                                               CL_ERR_BAD_RESULT};
    for (size_t i = 0; i < COUNT(COUNTED); i++) {
        assert_true(backoff_counts(COUNTED[i]));
    }
}

static void hooks_have_their_own_schedule(void **state)
{
    static const cl_time DELAYS[] = {10 * CL_SECOND, 10 * CL_SECOND, CL_MINUTE, 5 * CL_MINUTE,
                                     15 * CL_MINUTE, CL_HOUR,        CL_DAY,    CL_DAY};
    (void)state;
    for (unsigned i = 0; i < COUNT(DELAYS); i++) {
        assert_about(backoff_hook(i, T0, &RNG) - T0, DELAYS[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_follows_its_curve),
        cmocka_unit_test(a_wrong_spec_waits_for_a_change),
        cmocka_unit_test(transient_failures_slow_down_after_an_hour),
        cmocka_unit_test(a_failure_of_another_class_starts_its_own_count),
        cmocka_unit_test(what_we_stopped_ourselves_is_no_failure),
        cmocka_unit_test(a_time_named_by_the_ca_is_a_lower_bound_and_jitter_only_adds),
        cmocka_unit_test(an_absurd_retry_after_is_believed_for_a_day),
        cmocka_unit_test(urgency_shortens_the_wait_down_to_a_floor),
        cmocka_unit_test(urgency_ends_with_the_certificate),
        cmocka_unit_test(embedded_issuers_are_tried_again_soon),
        cmocka_unit_test(only_some_classes_count_as_attempts),
        cmocka_unit_test(hooks_have_their_own_schedule),
    };
    cl_rng_seed(&RNG, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
