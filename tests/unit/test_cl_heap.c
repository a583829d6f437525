/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/base/cl_heap. */
#include "spec/base/cl_heap.h"
#include "spec/base/cl_rng.h"
#include "tests/unit/unit.h"

static void the_first_due_comes_first(void **state)
{
    struct cl_heap h = {0};
    struct cl_heap_node a = {0};
    struct cl_heap_node b = {0};

    (void)state;
    assert_null(cl_heap_first(&h));
    cl_heap_set(&h, &a, 20);
    cl_heap_set(&h, &b, 10);
    assert_ptr_equal(cl_heap_first(&h), &b);
    cl_heap_set(&h, &a, 5);
    assert_ptr_equal(cl_heap_first(&h), &a);
    cl_heap_remove(&h, &a);
    cl_heap_remove(&h, &a);
    assert_false(cl_heap_contains(&a));
    assert_ptr_equal(cl_heap_first(&h), &b);
    cl_heap_deinit(&h);
}

static void equal_times_come_in_the_order_they_were_set(void **state)
{
    enum { N = 50 };
    struct cl_heap h = {0};
    struct cl_heap_node nodes[N] = {0};

    (void)state;
    for (size_t i = 0; i < N; i++) {
        cl_heap_set(&h, &nodes[i], 7);
    }
    cl_heap_set(&h, &nodes[3], 7); /* the time it has: keeps its place */
    cl_heap_set(&h, &nodes[0], 8);
    cl_heap_set(&h, &nodes[0], 7); /* moved away and back: last in line */
    for (size_t i = 1; i <= N; i++) {
        assert_ptr_equal(cl_heap_first(&h), &nodes[i % N]);
        cl_heap_remove(&h, cl_heap_first(&h));
    }
    cl_heap_deinit(&h);
}

static void random_changes_keep_the_order(void **state)
{
    enum { N = 200 };
    struct cl_heap h = {0};
    struct cl_heap_node nodes[N] = {0};
    struct cl_rng rng;
    cl_time last = 0;

    (void)state;
    cl_rng_seed(&rng, 1);
    for (int step = 0; step < 20000; step++) {
        struct cl_heap_node *n = &nodes[cl_rng_between(&rng, 0, N - 1)];

        if (cl_rng_between(&rng, 0, 3) == 0) {
            cl_heap_remove(&h, n);
        } else {
            cl_heap_set(&h, n, cl_rng_between(&rng, 1, 1000));
        }
        assert_true(h.len == 0 || cl_heap_first(&h) == h.nodes[0]);
    }
    while (cl_heap_first(&h) != NULL) {
        struct cl_heap_node *n = cl_heap_first(&h);

        assert_true(n->when >= last);
        last = n->when;
        cl_heap_remove(&h, n);
    }
    cl_heap_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_due_comes_first),
        cmocka_unit_test(equal_times_come_in_the_order_they_were_set),
        cmocka_unit_test(random_changes_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
