/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/base/cl_map. */
#include "spec/base/cl_map.h"
#include "spec/base/cl_rng.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

static void an_empty_map_has_nothing(void **state)
{
    struct cl_map m = {0};
    size_t i = 0;

    (void)state;
    assert_null(cl_map_get(&m, "a"));
    assert_null(cl_map_remove(&m, "a"));
    assert_false(cl_map_next(&m, &i, NULL, NULL));
    cl_map_deinit(&m);
}

static void setting_gives_the_previous_value_back(void **state)
{
    struct cl_map m = {0};
    int one = 1;
    int two = 2;

    (void)state;
    assert_null(cl_map_set(&m, "a", &one));
    assert_ptr_equal(cl_map_set(&m, "a", &two), &one);
    assert_ptr_equal(cl_map_get(&m, "a"), &two);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(cl_map_remove(&m, "a"), &two);
    assert_null(cl_map_get(&m, "a"));
    cl_map_deinit(&m);
}

static void iteration_is_in_insertion_order_and_survives_removal(void **state)
{
    struct cl_map m = {0};
    char order[16] = "";
    const char *key;
    void *value;
    size_t i = 0;
    int n = 0;

    (void)state;
    (void)cl_map_set(&m, "z", &n);
    (void)cl_map_set(&m, "a", &n);
    (void)cl_map_set(&m, "m", &n);
    (void)cl_map_set(&m, "b", &n);
    (void)cl_map_remove(&m, "a");
    (void)cl_map_set(&m, "a", &n);
    while (cl_map_next(&m, &i, &key, &value)) {
        memcpy(order + strlen(order), key, 2);
        assert_ptr_equal(value, &n);
        (void)cl_map_remove(&m, key);
    }
    assert_string_equal(order, "zmba");
    assert_int_equal(m.count, 0);
    cl_map_deinit(&m);
}

/* A plain array is the model; random operations must agree with it, through growth and rebuilds. */
static void random_operations_agree_with_a_model(void **state)
{
    enum { KEYS = 600, STEPS = 60000 };
    static int values[KEYS];
    int *model[KEYS] = {0};
    struct cl_map m = {0};
    struct cl_rng rng;
    size_t live = 0;

    (void)state;
    cl_rng_seed(&rng, 42);
    for (int step = 0; step < STEPS; step++) {
        int64_t limit = step < STEPS / 2 ? KEYS : 20; /* the second half only churns a few */
        size_t k = (size_t)cl_rng_between(&rng, 0, limit - 1);
        char key[16];

        (void)cl_format(key, sizeof(key), "key-%zu", k);
        if (cl_rng_between(&rng, 0, 2) > 0) {
            assert_ptr_equal(cl_map_set(&m, key, &values[k]), model[k]);
            live += model[k] == NULL ? 1 : 0;
            model[k] = &values[k];
        } else {
            assert_ptr_equal(cl_map_remove(&m, key), model[k]);
            live -= model[k] != NULL ? 1 : 0;
            model[k] = NULL;
        }
        assert_int_equal(m.count, live);
        assert_ptr_equal(cl_map_get(&m, key), model[k]);
    }
    assert_true(m.slots_cap <= (size_t)8 * (KEYS + 1)); /* holes do not make it grow for ever */
    cl_map_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(setting_gives_the_previous_value_back),
        cmocka_unit_test(iteration_is_in_insertion_order_and_survives_removal),
        cmocka_unit_test(random_operations_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
