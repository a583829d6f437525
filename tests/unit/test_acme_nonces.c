/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of nonces. */
#include "backends/acme/acme_nonces.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/acme_fixture.h"

#define NOW (1000 * CL_DAY)

static void expect(struct acme_nonces *n, cl_time now, const char *wanted)
{
    char *got = acme_nonces_take(n, now);

    if (wanted == NULL) {
        assert_null(got);
    } else {
        assert_string_equal(got, wanted);
    }
    cl_free(got);
}

static void the_newest_nonce_is_used_first_and_once(void **state)
{
    struct acme_nonces n;

    (void)state;
    acme_nonces_init(&n, 4);
    acme_nonces_put(&n, "one", NOW);
    acme_nonces_put(&n, "two", NOW);
    expect(&n, NOW, "two");
    expect(&n, NOW, "one");
    expect(&n, NOW, NULL);
    acme_nonces_deinit(&n);
}

static void the_pool_is_bounded_and_the_oldest_gives_way(void **state)
{
    struct acme_nonces n;

    (void)state;
    acme_nonces_init(&n, 2);
    acme_nonces_put(&n, "one", NOW);
    acme_nonces_put(&n, "two", NOW);
    acme_nonces_put(&n, "three", NOW);
    assert_int_equal(acme_nonces_count(&n, NOW), 2);
    expect(&n, NOW, "three");
    expect(&n, NOW, "two");
    acme_nonces_put(&n, "left over", NOW);
    acme_nonces_put(&n, "left", NOW);
    acme_nonces_deinit(&n);
}

static void acme_point_02_nonces_are_dropped_after_an_hour(void **state)
{
    struct acme_nonces n;

    (void)state;
    acme_nonces_init(&n, 4);
    acme_nonces_put(&n, "old", NOW);
    acme_nonces_put(&n, "young", NOW + CL_MINUTE);
    assert_int_equal(acme_nonces_count(&n, NOW + CL_HOUR), 1);
    expect(&n, NOW + CL_HOUR, "young");
    expect(&n, NOW + CL_HOUR, NULL);
    acme_nonces_deinit(&n);
}

static void what_is_no_base64url_is_no_nonce(void **state)
{
    struct acme_nonces n;
    char longest[514];

    (void)state;
    acme_nonces_init(&n, 4);
    memset(longest, 'x', sizeof longest);
    longest[513] = '\0';
    acme_nonces_put(&n, NULL, NOW);
    acme_nonces_put(&n, "", NOW);
    acme_nonces_put(&n, "a\"b", NOW);
    acme_nonces_put(&n, "a b", NOW);
    acme_nonces_put(&n, "a=", NOW);
    acme_nonces_put(&n, longest, NOW);
    assert_int_equal(acme_nonces_count(&n, NOW), 0);
    acme_nonces_deinit(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_nonce_is_used_first_and_once),
        cmocka_unit_test(the_pool_is_bounded_and_the_oldest_gives_way),
        cmocka_unit_test(acme_point_02_nonces_are_dropped_after_an_hour),
        cmocka_unit_test(what_is_no_base64url_is_no_nonce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
