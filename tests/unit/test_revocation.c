/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/revocation.h"
#include "tests/unit/acme_fixture.h"

static void acme_point_38_reasons_have_numbers_and_names(void **state)
{
    static const struct {
        const char *text;
        int reason;
    } CASES[] = {
        {"keyCompromise", 1},
        {"KEYCOMPROMISE", 1},
        {"1", 1},
        {"0", 0},
        {"superseded", 4},
        {"10", 10},
        {"7", -1},
        {"11", -1},
        {"", -1},
        {"nonsense", -1},
        {"-1", -1},
        {"1x", -1},
        {"5", 5},
        {"unspecified", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(revocation_reason_parse(CASES[i].text), CASES[i].reason);
    }
    assert_null(revocation_reason_name(7));
    assert_null(revocation_reason_name(-1));
    assert_null(revocation_reason_name(11));
    assert_string_equal(revocation_reason_name(1), "keyCompromise");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acme_point_38_reasons_have_numbers_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
