/* SPDX-License-Identifier: Apache-2.0 */
/* When is a certificate renewed? */
#include "reconciler/core/renewal.h"
#include "tests/unit/core_fixture.h"

static cl_time instant(cl_time lifetime, cl_time before, long percentage, const char *serial)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%s", serial);
    struct cert_spec spec = {.renew_before = before, .renew_before_percentage = percentage};
    struct cert_facts cert = {.serial = text, .not_before = T0, .not_after = T0 + lifetime};
    return renewal_instant(&spec, &cert, 0);
}

static void the_reserve_follows_the_spec_or_the_issued_lifetime(void **state)
{
    static const struct {
        cl_time lifetime, before;
        long percentage;
        cl_time expected; /* days or hours before the end, less jitter */
    } CASES[] = {
        {90 * CL_DAY, 0, 0, 30 * CL_DAY},               /* a third */
        {6 * CL_DAY, 0, 0, 3 * CL_DAY},                 /* short-lived: half */
        {90 * CL_DAY, 20 * CL_DAY, 0, 20 * CL_DAY},     /* renewBefore */
        {90 * CL_DAY, 0, 25, 90 * CL_DAY / 100 * 25},   /* percentage */
        {10 * CL_DAY, 15 * CL_DAY, 0, 10 * CL_DAY / 3}, /* the CA gave less than hoped for */
        {CL_HOUR, 0, 0, CL_HOUR / 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        cl_time end = T0 + CASES[i].lifetime;
        cl_time at = instant(CASES[i].lifetime, CASES[i].before, CASES[i].percentage, "04d1");
        cl_time jitter = end - CASES[i].expected - at;
        assert_true(jitter >= 0 && jitter <= cl_time_min(CASES[i].lifetime / 20, CL_DAY));
    }
}

static void certificates_issued_together_are_not_renewed_together(void **state)
{
    (void)state;
    cl_time a = instant(90 * CL_DAY, 0, 0, "01"), b = instant(90 * CL_DAY, 0, 0, "02");
    assert_int_not_equal(a, b);
    assert_int_equal(a, instant(90 * CL_DAY, 0, 0, "01")); /* but always at the same instant */
}

static void a_reserve_of_nearly_the_whole_life_does_not_go_before_not_before(void **state)
{
    (void)state;
    for (char serial[] = "a"; serial[0] <= 'z'; serial[0]++) {
        assert_true(instant(CL_HOUR, CL_HOUR - CL_SECOND, 0, serial) > T0);
    }
}

static void the_instant_of_ari_is_taken_unless_it_is_too_late(void **state)
{
    (void)state;
    struct cert_spec spec = {0};
    struct cert_facts cert = {.not_before = T0, .not_after = DAYS(90)};
    assert_int_equal(renewal_instant(&spec, &cert, DAYS(10)), DAYS(10));
    assert_int_equal(renewal_instant(&spec, &cert, T0 - 1), T0);
    assert_int_equal(renewal_instant(&spec, &cert, DAYS(90)), DAYS(60));
    spec.renewal_disabled = true;
    assert_int_equal(renewal_instant(&spec, &cert, DAYS(10)), CL_NEVER);
}

static void a_certificate_without_a_lifetime_is_renewed_at_once(void **state)
{
    (void)state;
    struct cert_spec spec = {0};
    struct cert_facts cert = {.not_before = T0, .not_after = T0};
    assert_int_equal(renewal_instant(&spec, &cert, 0), T0);
}

static void renewals_by_time_keep_a_distance_but_never_past_expiry(void **state)
{
    (void)state;
    struct cert_facts cert = {.not_before = T0, .not_after = DAYS(90)};
    assert_int_equal(renewal_floor(&cert, DAYS(1)), DAYS(10));
    assert_int_equal(renewal_ari_guard(&cert, DAYS(1)), DAYS(1) + 90 * CL_DAY / 20);
    assert_int_equal(renewal_ari_guard(&cert, 0), 0);
    assert_int_equal(renewal_window_deadline(&cert), DAYS(81));
    assert_int_equal(renewal_floor(&cert, DAYS(89)), DAYS(90));
    cert.not_after = T0 + CL_HOUR;
    assert_int_equal(renewal_ari_guard(&cert, T0), T0 + CL_HOUR);
}

static void overdue_is_a_quarter_of_the_reserve_later(void **state)
{
    (void)state;
    assert_int_equal(renewal_overdue_at(DAYS(60), DAYS(90)), DAYS(60) + 30 * CL_DAY / 4);
    assert_int_equal(renewal_overdue_at(CL_NEVER, DAYS(90)), CL_NEVER);
    assert_int_equal(renewal_overdue_at(DAYS(90), DAYS(90)), DAYS(90));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_follows_the_spec_or_the_issued_lifetime),
        cmocka_unit_test(certificates_issued_together_are_not_renewed_together),
        cmocka_unit_test(a_reserve_of_nearly_the_whole_life_does_not_go_before_not_before),
        cmocka_unit_test(the_instant_of_ari_is_taken_unless_it_is_too_late),
        cmocka_unit_test(a_certificate_without_a_lifetime_is_renewed_at_once),
        cmocka_unit_test(renewals_by_time_keep_a_distance_but_never_past_expiry),
        cmocka_unit_test(overdue_is_a_quarter_of_the_reserve_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
