/* SPDX-License-Identifier: Apache-2.0 */
/* How many challenges may be undecided at a time. */
#include "backends/acme/acme_window.h"
#include "tests/unit/acme_fixture.h"

static unsigned take_all(struct acme_window *w)
{
    unsigned n = 0;

    while (acme_window_take(w)) {
        n++;
    }
    return n;
}

static void a_new_solver_is_tried_with_one_challenge(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 500);
    assert_int_equal(take_all(&w), 1);
}

static void the_first_success_opens_the_window_to_8_and_each_further_one_adds_1(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 500);
    assert_true(acme_window_take(&w));
    acme_window_decided(&w, true, 1);
    assert_int_equal(take_all(&w), 8);
    for (unsigned i = 0; i < 8; i++) {
        acme_window_decided(&w, true, i + 1);
    }
    assert_int_equal(w.size, 16); /* doubled in one round trip */
}

static void the_window_never_passes_max_orders(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 5);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(acme_window_take(&w));
        acme_window_decided(&w, true, i + 1);
    }
    assert_int_equal(w.size, 5);
    acme_window_init(&w, 0);
    assert_int_equal(take_all(&w), 1);
}

static void a_failure_halves_the_window_once_for_each_certificate(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 500);
    w.size = 16;
    assert_int_equal(take_all(&w), 16);
    acme_window_decided(&w, false, 7);
    assert_int_equal(w.size, 8);
    acme_window_decided(&w, false, 7); /* a second name of the same certificate */
    assert_int_equal(w.size, 8);
}

static void two_certificates_failing_in_a_row_close_the_window_to_1(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 500);
    w.size = 64;
    assert_int_equal(take_all(&w), 64);
    acme_window_decided(&w, false, 7);
    acme_window_decided(&w, false, 8);
    assert_int_equal(w.size, 1);
    assert_false(acme_window_take(&w)); /* 62 are still undecided */
}

static void a_success_between_two_failures_keeps_it_open(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 500);
    w.size = 64;
    assert_int_equal(take_all(&w), 64);
    acme_window_decided(&w, false, 7);
    acme_window_decided(&w, true, 9);
    acme_window_decided(&w, false, 8);
    assert_int_equal(w.size, 16); /* (64 / 2 + 1) / 2 */
}

static void a_place_given_back_without_a_verdict_changes_nothing(void **state)
{
    struct acme_window w;

    (void)state;
    acme_window_init(&w, 500);
    assert_true(acme_window_take(&w));
    acme_window_release(&w);
    assert_int_equal(w.size, 1);
    assert_true(acme_window_take(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_solver_is_tried_with_one_challenge),
        cmocka_unit_test(the_first_success_opens_the_window_to_8_and_each_further_one_adds_1),
        cmocka_unit_test(the_window_never_passes_max_orders),
        cmocka_unit_test(a_failure_halves_the_window_once_for_each_certificate),
        cmocka_unit_test(two_certificates_failing_in_a_row_close_the_window_to_1),
        cmocka_unit_test(a_success_between_two_failures_keeps_it_open),
        cmocka_unit_test(a_place_given_back_without_a_verdict_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
