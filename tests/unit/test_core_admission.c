/* SPDX-License-Identifier: Apache-2.0 */
/* One waiting line for a shared gate. */
#include "reconciler/core/admission.h"
#include "tests/unit/core_fixture.h"

static void slots_are_given_up_to_the_capacity(void **state)
{
    (void)state;
    struct admission a;
    struct admission_ticket t[3] = {0};
    admission_init(&a, 2);
    assert_true(admission_enter(&a, &t[0], 0));
    assert_true(admission_enter(&a, &t[0], 0)); /* it has one already */
    assert_true(admission_enter(&a, &t[1], 0));
    assert_false(admission_enter(&a, &t[2], 0));
    assert_int_equal(a.used, 2);
    assert_null(admission_next(&a));
    admission_leave(&a, &t[0], T0);
    assert_ptr_equal(admission_next(&a), &t[2]);
    assert_null(admission_next(&a));
    admission_leave(&a, &t[1], T0);
    admission_leave(&a, &t[2], T0);
    assert_int_equal(a.used, 0);
    admission_deinit(&a);
}

static void the_most_urgent_comes_first_then_the_first_in_line(void **state)
{
    (void)state;
    struct admission a;
    struct admission_ticket busy = {0}, late = {0}, soon = {0}, soon2 = {0}, none = {0};
    admission_init(&a, 1);
    assert_true(admission_enter(&a, &busy, 0));
    assert_false(admission_enter(&a, &late, DAYS(60)));
    assert_false(admission_enter(&a, &soon, DAYS(5)));
    assert_false(admission_enter(&a, &soon2, DAYS(5)));
    assert_false(admission_enter(&a, &none, 0));
    assert_false(admission_enter(&a, &soon, DAYS(5))); /* asking again keeps the place */
    struct admission_ticket *const order[] = {&none, &soon, &soon2, &late};
    struct admission_ticket *in = &busy;
    for (size_t i = 0; i < COUNT(order); i++) {
        admission_leave(&a, in, T0);
        in = admission_next(&a);
        assert_ptr_equal(in, order[i]);
    }
    admission_leave(&a, in, T0);
    assert_null(admission_next(&a));
    admission_deinit(&a);
}

static void nobody_overtakes_the_line_when_a_slot_is_free(void **state)
{
    (void)state;
    struct admission a;
    struct admission_ticket busy = {0}, first = {0}, second = {0};
    admission_init(&a, 1);
    (void)admission_enter(&a, &busy, 0);
    assert_false(admission_enter(&a, &first, DAYS(1)));
    admission_leave(&a, &busy, T0);
    assert_false(admission_enter(&a, &second, DAYS(2))); /* the slot is first's */
    assert_true(admission_enter(&a, &first, DAYS(1)));
    admission_leave(&a, &second, T0); /* leaves the line only */
    assert_int_equal(a.used, 1);
    admission_leave(&a, &first, T0);
    admission_deinit(&a);
}

static void a_smaller_capacity_takes_nobodys_slot(void **state)
{
    (void)state;
    struct admission a;
    struct admission_ticket t[3] = {0};
    admission_init(&a, 2);
    (void)admission_enter(&a, &t[0], 0);
    (void)admission_enter(&a, &t[1], 0);
    admission_resize(&a, 1);
    assert_false(admission_enter(&a, &t[2], 0));
    admission_leave(&a, &t[0], T0);
    assert_null(admission_next(&a));
    admission_resize(&a, 2);
    assert_ptr_equal(admission_next(&a), &t[2]);
    admission_deinit(&a);
}

static void the_forecast_counts_who_is_ahead(void **state)
{
    (void)state;
    struct admission a;
    struct admission_ticket t[5] = {0}, outside = {0};
    admission_init(&a, 1);
    for (size_t i = 0; i < COUNT(t); i++) {
        (void)admission_enter(&a, &t[i], DAYS(1));
    }
    assert_int_equal(admission_forecast(&a, &t[0], T0), T0);
    assert_int_equal(admission_forecast(&a, &t[4], T0), CL_NEVER); /* nothing was released yet */
    admission_leave(&a, &t[0], T0);
    (void)admission_next(&a);
    admission_leave(&a, &t[1], T0 + CL_MINUTE);
    (void)admission_next(&a);
    cl_time now = T0 + CL_MINUTE;
    assert_int_equal(admission_forecast(&a, &t[3], now), now + CL_MINUTE);
    assert_int_equal(admission_forecast(&a, &t[4], now), now + 2 * CL_MINUTE);
    assert_int_equal(admission_forecast(&a, &outside, now), now + 3 * CL_MINUTE);
    /* a forecast that has passed is made anew, later than now */
    assert_true(admission_forecast(&a, &t[3], now + CL_HOUR) > now + CL_HOUR);
    admission_resize(&a, 0);
    assert_int_equal(admission_forecast(&a, &t[3], now), CL_NEVER);
    admission_deinit(&a);
}

static void the_mean_gap_follows_the_releases(void **state)
{
    (void)state;
    struct admission a;
    struct admission_ticket t = {0};
    admission_init(&a, 1);
    for (cl_time now = T0; now <= T0 + 10 * CL_SECOND; now += CL_SECOND) {
        (void)admission_enter(&a, &t, 0);
        admission_leave(&a, &t, now);
    }
    assert_int_equal(a.mean_gap, CL_SECOND);
    (void)admission_enter(&a, &t, 0);
    admission_leave(&a, &t, T0); /* the clock was set back */
    assert_int_equal(a.mean_gap, CL_SECOND);
    admission_deinit(&a);
}

static void what_the_ca_revokes_comes_first_then_who_has_nothing_then_nearest_expiry(void **state)
{
    (void)state;
    static const struct {
        cl_time not_after;
        bool revoked;
    } ORDER[] = {{2000, true}, {3000, true}, {0, false}, {1000, false}, {2000, false}};
    for (size_t i = 1; i < sizeof(ORDER) / sizeof(ORDER[0]); i++) {
        assert_true(admission_urgency(ORDER[i - 1].not_after, ORDER[i - 1].revoked) <
                    admission_urgency(ORDER[i].not_after, ORDER[i].revoked));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_ca_revokes_comes_first_then_who_has_nothing_then_nearest_expiry),
        cmocka_unit_test(slots_are_given_up_to_the_capacity),
        cmocka_unit_test(the_most_urgent_comes_first_then_the_first_in_line),
        cmocka_unit_test(nobody_overtakes_the_line_when_a_slot_is_free),
        cmocka_unit_test(a_smaller_capacity_takes_nobodys_slot),
        cmocka_unit_test(the_forecast_counts_who_is_ahead),
        cmocka_unit_test(the_mean_gap_follows_the_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
