/* SPDX-License-Identifier: Apache-2.0 */
/* Records of dns-persist-01: which of them prove a name, and how ours look. */
#include "backends/solvers/persist_record.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#define ACCOUNT "https://ca.example/acct/1"
#define NOW ((cl_time)1000 * CL_SECOND)

static char first[] = "ca.example", second[] = "other.example"; /* cl_strv has no const */
static char *ISSUERS[] = {first, second};
static const struct cl_strv NAMES = {.items = ISSUERS, .len = 2};

static void what_proves_a_name_and_what_does_not(void **state)
{
    static const struct {
        const char *text;
        bool wildcard, proves;
    } CASES[] = {
        {"ca.example; accounturi=" ACCOUNT, false, true},
        {"other.example;accounturi=" ACCOUNT, false, true},
        {"CA.Example ;  accounturi = " ACCOUNT, false, true},
        {"ca.example; accounturi=" ACCOUNT "; policy=wildcard", false, true},
        {"ca.example; accounturi=" ACCOUNT "; policy=wildcard", true, true},
        {"ca.example; accounturi=" ACCOUNT "; policy=WildCard", true, true},
        {"ca.example; accounturi=" ACCOUNT "; persistUntil=1001", false, true},
        {"ca.example; accounturi=" ACCOUNT "; unknown=1", false, true},
        {"ca.example; accounturi=" ACCOUNT, true, false},
        {"ca.example; accounturi=" ACCOUNT "; policy=other", true, false},
        {"ca.example; accounturi=" ACCOUNT "; persistUntil=1000", false, false},
        {"ca.example; accounturi=" ACCOUNT "; persistUntil=soon", false, false},
        {"ca.example; accounturi=" ACCOUNT "2", false, false},
        {"stranger.example; accounturi=" ACCOUNT, false, false},
        {"ca.example", false, false},
        {"ca.example; accounturi=" ACCOUNT ";", false, false},
        {"ca.example; accounturi=" ACCOUNT "; accounturi=" ACCOUNT, false, false},
        {"", false, false},
        {"; accounturi=" ACCOUNT, false, false},
        {"a value of somebody else", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct persist_want want = {&NAMES, ACCOUNT, CASES[i].wildcard};
        if (persist_record_proves(CASES[i].text, &want, NOW, NULL) != CASES[i].proves) {
            fail_msg("%s", CASES[i].text);
        }
    }
}

static void what_is_printed_proves_until_its_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const struct persist_want want = {&NAMES, ACCOUNT, (i & 1U) != 0};
        cl_time until = (i & 2U) != 0 ? NOW + CL_DAY : 0;
        cl_time read = 1;
        char *text = persist_record_print(&want, until);
        assert_true(persist_record_proves(text, &want, NOW, &read));
        assert_int_equal(read, until);
        assert_true(until == 0 || !persist_record_proves(text, &want, until, NULL));
        cl_free(text);
    }
}

static void the_line_is_as_the_draft_has_it(void **state)
{
    const struct persist_want want = {&NAMES, ACCOUNT, true};
    char *text = persist_record_print(&want, (cl_time)1767225600 * CL_SECOND);

    (void)state;
    assert_string_equal(text, "ca.example; accounturi=" ACCOUNT
                              "; policy=wildcard; persistUntil=1767225600");
    cl_free(text);
}

static void issuers_are_names_in_lower_case(void **state)
{
    (void)state;
    assert_true(persist_issuer_ok("letsencrypt.org"));
    assert_true(persist_issuer_ok("xn--bcher-kva.example"));
    assert_false(persist_issuer_ok(""));
    assert_false(persist_issuer_ok("Ca.example"));
    assert_false(persist_issuer_ok("ca.example."));
    assert_false(persist_issuer_ok("ca..example"));
    assert_false(persist_issuer_ok("ca.example; accounturi=x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_proves_a_name_and_what_does_not),
        cmocka_unit_test(what_is_printed_proves_until_its_end),
        cmocka_unit_test(the_line_is_as_the_draft_has_it),
        cmocka_unit_test(issuers_are_names_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
