/* SPDX-License-Identifier: Apache-2.0 */
/* The queue's promises: no duplicate, never twice at once, no lost update, first reports first. */
#include "reconciler/core/workq.h"
#include "tests/unit/core_fixture.h"

static void an_item_is_queued_once(void **state)
{
    (void)state;
    struct workq q;
    struct workq_item a = {0};
    workq_init(&q);
    workq_add(&q, &a);
    workq_add(&q, &a);
    assert_int_equal(workq_due(&q), 0);
    assert_ptr_equal(workq_next(&q, T0), &a);
    assert_null(workq_next(&q, T0));
    workq_done(&q, &a);
    assert_int_equal(workq_due(&q), CL_NEVER);
    workq_deinit(&q);
}

static void what_is_added_while_processing_comes_again_afterwards(void **state)
{
    (void)state;
    struct workq q;
    struct workq_item a = {0};
    workq_init(&q);
    workq_add(&q, &a);
    assert_ptr_equal(workq_next(&q, T0), &a);
    workq_add(&q, &a);
    assert_null(workq_next(&q, T0)); /* never twice at once */
    workq_done(&q, &a);
    assert_ptr_equal(workq_next(&q, T0), &a); /* and not lost */
    workq_done(&q, &a);
    assert_null(workq_next(&q, T0));
    workq_deinit(&q);
}

static void unreported_items_go_first(void **state)
{
    (void)state;
    struct workq q;
    struct workq_item old = {.reported = true}, new1 = {0}, new2 = {0};
    workq_init(&q);
    workq_add(&q, &old);
    workq_add(&q, &new1);
    workq_add(&q, &new2);
    assert_ptr_equal(workq_next(&q, T0), &new1);
    new1.reported = true;
    workq_add(&q, &new1); /* re-added to the normal lane */
    workq_done(&q, &new1);
    assert_ptr_equal(workq_next(&q, T0), &new2);
    assert_ptr_equal(workq_next(&q, T0), &old);
    assert_ptr_equal(workq_next(&q, T0), &new1);
    workq_deinit(&q);
}

static void delayed_items_come_when_due_in_order(void **state)
{
    (void)state;
    struct workq q;
    struct workq_item a = {.reported = true}, b = {.reported = true};
    workq_init(&q);
    workq_add_at(&q, &a, T0 + 2);
    workq_add_at(&q, &b, T0 + 1);
    assert_int_equal(workq_due(&q), T0 + 1);
    assert_null(workq_next(&q, T0));
    assert_ptr_equal(workq_next(&q, T0 + 2), &b);
    assert_ptr_equal(workq_next(&q, T0 + 2), &a);
    workq_deinit(&q);
}

static void a_later_wake_up_replaces_the_earlier_one(void **state)
{
    (void)state;
    struct workq q;
    struct workq_item a = {.reported = true};
    workq_init(&q);
    workq_add_at(&q, &a, T0 + 1);
    workq_add_at(&q, &a, T0 + 5);
    assert_int_equal(workq_due(&q), T0 + 5);
    workq_add_at(&q, &a, CL_NEVER);
    assert_int_equal(workq_due(&q), CL_NEVER);
    workq_add_at(&q, &a, CL_NEVER);
    workq_deinit(&q);
}

static void a_forgotten_item_is_nowhere(void **state)
{
    (void)state;
    struct workq q;
    struct workq_item a = {0}, b = {0};
    workq_init(&q);
    workq_add(&q, &a);
    workq_add_at(&q, &a, T0);
    workq_forget(&q, &a);
    assert_int_equal(q.waiting, 0);
    assert_null(workq_next(&q, T0));
    workq_add(&q, &b);
    assert_ptr_equal(workq_next(&q, T0), &b);
    workq_add(&q, &b);
    workq_forget(&q, &b); /* while processing and dirty */
    assert_int_equal(q.waiting, 0);
    assert_null(workq_next(&q, T0));
    workq_add(&q, &b); /* and may come back */
    assert_ptr_equal(workq_next(&q, T0), &b);
    workq_deinit(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_is_queued_once),
        cmocka_unit_test(what_is_added_while_processing_comes_again_afterwards),
        cmocka_unit_test(unreported_items_go_first),
        cmocka_unit_test(delayed_items_come_when_due_in_order),
        cmocka_unit_test(a_later_wake_up_replaces_the_earlier_one),
        cmocka_unit_test(a_forgotten_item_is_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
