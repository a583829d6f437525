/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned of zones whose records a CA has missed. */
#include "backends/solvers/dns_settle.h"
#include "tests/unit/store_fixture.h"

#define TODAY (20000 * CL_DAY)
#define ZONE "example.org"

static void the_delay_is_a_minute_at_least_and_grows_to_ten(void **state)
{
    static const struct {
        cl_time before;
        uint32_t negative_ttl;
        cl_time next;
    } CASES[] = {
        {0, 5, CL_MINUTE},
        {0, 180, 3 * CL_MINUTE},
        {0, 86400, 5 * CL_MINUTE},
        {CL_MINUTE, 5, 2 * CL_MINUTE},
        {4 * CL_MINUTE, 5, 8 * CL_MINUTE},
        {8 * CL_MINUTE, 5, 10 * CL_MINUTE},
        {10 * CL_MINUTE, 5, 10 * CL_MINUTE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(dns_settle_next(CASES[i].before, CASES[i].negative_ttl), CASES[i].next);
    }
}

static void what_was_learned_is_remembered_for_its_zone(void **state)
{
    const struct store_test *t = *state;

    assert_int_equal(dns_settle_get(&t->paths, ZONE, TODAY), 0);
    assert_int_equal(dns_settle_learn(&t->paths, ZONE, 0, 5, TODAY), CL_MINUTE);
    assert_int_equal(dns_settle_get(&t->paths, ZONE, TODAY), CL_MINUTE);
    assert_int_equal(dns_settle_get(&t->paths, "example.net", TODAY), 0);
    assert_int_equal(dns_settle_learn(&t->paths, "example.net", 0, 120, TODAY), 2 * CL_MINUTE);
    assert_int_equal(dns_settle_learn(&t->paths, ZONE, CL_MINUTE, 5, TODAY), 2 * CL_MINUTE);
    assert_int_equal(dns_settle_get(&t->paths, "example.net", TODAY), 2 * CL_MINUTE);
}

static void misses_of_the_same_moment_count_once(void **state)
{
    const struct store_test *t = *state;

    for (int i = 0; i < 5; i++) {
        assert_int_equal(dns_settle_learn(&t->paths, ZONE, 0, 5, TODAY), CL_MINUTE);
    }
}

static void after_three_months_it_is_forgotten(void **state)
{
    const struct store_test *t = *state;

    (void)dns_settle_learn(&t->paths, ZONE, 0, 5, TODAY);
    assert_int_equal(dns_settle_get(&t->paths, ZONE, TODAY + 89 * CL_DAY), CL_MINUTE);
    assert_int_equal(dns_settle_get(&t->paths, ZONE, TODAY + 91 * CL_DAY), 0);
}

static void a_damaged_file_is_as_good_as_none(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "{",
        "[]",
        "{\"" ZONE "\": 60}",
        "{\"" ZONE "\": {\"seconds\": 60}}",
        "{\"" ZONE "\": {\"seconds\": -60, \"learnedAt\": \"2024-10-04T00:00:00Z\"}}",
        "{\"" ZONE "\": {\"seconds\": \"60\", \"learnedAt\": \"2024-10-04T00:00:00Z\"}}"};
    const struct store_test *t = *state;
    char *path = paths_state(&t->paths, "dns/settle.json");

    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        (void)dns_settle_learn(&t->paths, ZONE, 0, 5, TODAY);
        assert_int_equal(disk_write(path, TEXTS[i], strlen(TEXTS[i]), 0600, NULL), 0);
        assert_int_equal(dns_settle_get(&t->paths, ZONE, TODAY), 0);
        assert_int_equal(dns_settle_learn(&t->paths, ZONE, 0, 5, TODAY), CL_MINUTE);
    }
    cl_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delay_is_a_minute_at_least_and_grows_to_ten),
        cmocka_unit_test_setup_teardown(what_was_learned_is_remembered_for_its_zone, store_setup,
                                        store_teardown),
        cmocka_unit_test_setup_teardown(misses_of_the_same_moment_count_once, store_setup,
                                        store_teardown),
        cmocka_unit_test_setup_teardown(after_three_months_it_is_forgotten, store_setup,
                                        store_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_as_good_as_none, store_setup,
                                        store_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
