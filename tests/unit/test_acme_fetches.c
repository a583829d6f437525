/* SPDX-License-Identifier: Apache-2.0 */
/* When to look for the first time. */
#include "backends/acme/acme_fetches.h"
#include "tests/unit/acme_fixture.h"

#define NOW (1000 * CL_DAY)

static void one_fetch_is_waited_for_at_first(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    assert_int_equal(acme_fetches_wanted(&f, NOW), 1);
}

static void a_poll_that_came_too_early_raises_k_to_what_was_seen(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    acme_fetches_learn(&f, 3, 2, f.delay);
    assert_int_equal(acme_fetches_wanted(&f, NOW), 3);
    acme_fetches_learn(&f, 3, 1, f.delay);
    assert_int_equal(acme_fetches_wanted(&f, NOW), 3);
    acme_fetches_learn(&f, 1000, 2, f.delay); /* a CA, or somebody else, that fetches madly */
    assert_int_equal(acme_fetches_wanted(&f, NOW), 16);
}

static void k_is_halved_each_day(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    acme_fetches_learn(&f, 5, 2, f.delay);
    assert_int_equal(acme_fetches_wanted(&f, NOW + CL_DAY - 1), 5);
    assert_int_equal(acme_fetches_wanted(&f, NOW + CL_DAY), 2);
    assert_int_equal(acme_fetches_wanted(&f, NOW + CL_DAY + 1), 2);
    assert_int_equal(acme_fetches_wanted(&f, NOW + 3 * CL_DAY), 1);
    assert_int_equal(acme_fetches_wanted(&f, NOW + 5 * CL_DAY), 1);
}

static void a_verdict_after_fewer_fetches_lowers_k(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    acme_fetches_learn(&f, 5, 2, f.delay);
    acme_fetches_learn(&f, 2, 1, f.delay);
    assert_int_equal(acme_fetches_wanted(&f, NOW), 2);
    acme_fetches_learn(&f, 0, 1, f.delay); /* nobody fetched: says nothing */
    assert_int_equal(acme_fetches_wanted(&f, NOW), 2);
}

static void misses_after_enough_fetches_stretch_the_delay_once_for_one_estimate(void **state)
{
    struct acme_fetches f;
    cl_time planned;

    (void)state;
    acme_fetches_init(&f, NOW);
    planned = f.delay;
    for (int i = 0; i < 10; i++) { /* ten that were sent with the same estimate */
        acme_fetches_learn(&f, 1, 2, planned);
    }
    assert_int_equal(f.delay, 2 * planned);
    for (int i = 0; i < 30; i++) {
        acme_fetches_learn(&f, 1, 2, f.delay);
    }
    assert_int_equal(f.delay, 200);
}

static void many_hits_shorten_the_delay_again(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    f.delay = 40;
    for (int i = 0; i < 32; i++) {
        acme_fetches_learn(&f, 1, 1, f.delay);
    }
    assert_int_equal(f.delay, 34);
    for (int i = 0; i < 32 * 40; i++) {
        acme_fetches_learn(&f, 1, 1, f.delay);
    }
    assert_int_equal(f.delay, 1);
}

static void the_early_poll_of_an_order_is_never_before_5_ms(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    assert_int_equal(f.finalize, 5);
    acme_fetches_finalized(&f, true);
    assert_int_equal(f.finalize, 5);
    acme_fetches_finalized(&f, false);
    assert_int_equal(f.finalize, 10);
    for (int i = 0; i < 20; i++) {
        acme_fetches_finalized(&f, false);
    }
    assert_int_equal(f.finalize, 1000);
    for (int i = 0; i < 100; i++) {
        acme_fetches_finalized(&f, true);
    }
    assert_in_range(f.finalize, 5, 20);
}

static void the_early_poll_of_what_nobody_sees_is_never_before_20_ms(void **state)
{
    struct acme_fetches f;

    (void)state;
    acme_fetches_init(&f, NOW);
    acme_fetches_unseen(&f, true);
    assert_int_equal(f.unseen, 20);
    acme_fetches_unseen(&f, false);
    assert_int_equal(f.unseen, 40);
    assert_int_equal(f.finalize, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fetch_is_waited_for_at_first),
        cmocka_unit_test(a_poll_that_came_too_early_raises_k_to_what_was_seen),
        cmocka_unit_test(k_is_halved_each_day),
        cmocka_unit_test(a_verdict_after_fewer_fetches_lowers_k),
        cmocka_unit_test(misses_after_enough_fetches_stretch_the_delay_once_for_one_estimate),
        cmocka_unit_test(many_hits_shorten_the_delay_again),
        cmocka_unit_test(the_early_poll_of_an_order_is_never_before_5_ms),
        cmocka_unit_test(the_early_poll_of_what_nobody_sees_is_never_before_20_ms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
