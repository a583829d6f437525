/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of renewalInfo (RFC 9773 4.2). */
#include "backends/acme/acme_ari_msg.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

#define WINDOW \
    "{\"suggestedWindow\":{\"start\":\"2026-12-01T00:00:00Z\",\"end\":\"2026-12-03T00:00:00+01:00\"}"

static void rfc_9773_4_2_a_window_and_its_explanation_are_read(void **state)
{
    struct acme_renewal_msg m;
    cl_time start = 0, end = 0;
    (void)state;
    static const char FULL[] = WINDOW ",\"explanationURL\":\"https://ca.example/why\",\"x\":1}";

    assert_int_equal(cl_time_parse("2026-12-01T00:00:00Z", &start), 0);
    assert_int_equal(cl_time_parse("2026-12-02T23:00:00Z", &end), 0);
    assert_int_equal(acme_msg_renewal_info(FULL, strlen(FULL), &m, NULL), 0);
    assert_int_equal(m.start, start);
    assert_int_equal(m.end, end);
    assert_string_equal(m.explanation_url, "https://ca.example/why");
    acme_renewal_msg_deinit(&m);

    static const char BARE[] = WINDOW "}";
    assert_int_equal(acme_msg_renewal_info(BARE, strlen(BARE), &m, NULL), 0);
    assert_null(m.explanation_url);
    acme_renewal_msg_deinit(&m);
}

static void an_explanation_that_is_no_https_address_is_left_out(void **state)
{
    static const char *const URLS[] = {"javascript:alert(1)", "http://ca.example/", "x\\u001b[2J",
                                       ""};
    (void)state;
    for (size_t i = 0; i < COUNT(URLS); i++) {
        struct acme_renewal_msg m;
        char text[300];
        (void)cl_format(text, sizeof text, WINDOW ",\"explanationURL\":\"%s\"}", URLS[i]);
        assert_int_equal(acme_msg_renewal_info(text, strlen(text), &m, NULL), 0);
        assert_null(m.explanation_url);
        acme_renewal_msg_deinit(&m);
    }
}

static void rfc_9773_4_2_what_is_no_window_counts_as_no_answer(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"suggestedWindow\":null}",
        "{\"suggestedWindow\":{\"start\":\"2026-12-01T00:00:00Z\"}}",
        "{\"suggestedWindow\":{\"start\":\"2026-12-01T00:00:00Z\",\"end\":17}}",
        "{\"suggestedWindow\":{\"start\":\"yesterday\",\"end\":\"2026-12-01T00:00:00Z\"}}",
        "{\"suggestedWindow\":{\"start\":\"2026-12-01T00:00:00Z\",\"end\":\"2026-12-01T00:00:00Z\"}}",
        "{\"suggestedWindow\":{\"start\":\"2026-12-02T00:00:00Z\",\"end\":\"2026-12-01T00:00:00Z\"}}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        struct acme_renewal_msg m;
        struct cl_err err = {0};
        assert_int_equal(acme_msg_renewal_info(TEXTS[i], strlen(TEXTS[i]), &m, &err), -1);
        assert_int_equal(err.kind, CL_ERR_BAD_RESULT);
        assert_string_equal(err.reason, "BadRenewalInfo");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_9773_4_2_a_window_and_its_explanation_are_read),
        cmocka_unit_test(an_explanation_that_is_no_https_address_is_left_out),
        cmocka_unit_test(rfc_9773_4_2_what_is_no_window_counts_as_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
