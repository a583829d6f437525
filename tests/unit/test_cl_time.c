/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/base/cl_time: calendar, RFC 3339, HTTP dates, Retry-After, durations. */
#include "spec/base/cl_time.h"
#include "tests/unit/unit.h"

static void additions_saturate_instead_of_wrapping(void **state)
{
    (void)state;
    assert_int_equal(cl_time_add(5, 7), 12);
    assert_int_equal(cl_time_add(5, -7), 0);
    assert_true(cl_time_add(CL_NEVER - 1, 2) == CL_NEVER);
    assert_true(cl_time_add(CL_NEVER, -CL_DAY) == CL_NEVER);
    assert_true(cl_time_add(1, CL_NEVER) == CL_NEVER);
    assert_int_equal(cl_time_add(INT64_MIN, -1), 0);
}

static void a_time_is_written_as_rfc_3339(void **state)
{
    static const struct {
        cl_time t;
        const char *text;
    } CASES[] = {
        {0, ""},
        {CL_NEVER, "never"},
        {CL_SECOND, "1970-01-01T00:00:01Z"},
        {INT64_C(1795516948999), "2026-11-24T10:42:28Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00Z"},
        {-CL_SECOND, "1969-12-31T23:59:59Z"},
        {INT64_C(253402300799000), "9999-12-31T23:59:59Z"},
        {CL_NEVER - 1, "9999-12-31T23:59:59Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z"},
    };
    char buf[CL_TIME_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_string_equal(cl_time_format(CASES[i].t, buf), CASES[i].text);
    }
}

static void rfc_3339_texts_are_understood(void **state)
{
    static const struct {
        const char *text;
        cl_time t;
    } CASES[] = {
        {"2026-11-24T10:42:28Z", INT64_C(1795516948000)},
        {"2026-11-24t10:42:28z", INT64_C(1795516948000)},
        {"2026-11-24 10:42:28.5Z", INT64_C(1795516948500)},
        {"2026-11-24T10:42:28.123456789123456789Z", INT64_C(1795516948123)},
        {"2026-11-24T12:42:28+02:00", INT64_C(1795516948000)},
        {"2026-11-24T05:12:28-05:30", INT64_C(1795516948000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
    };
    cl_time t;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_time_parse(CASES[i].text, &t), 0);
        assert_int_equal(t, CASES[i].t);
    }
}

static void what_is_not_rfc_3339_is_refused(void **state)
{
    static const char *const CASES[] = {
        "",
        "never",
        "2026",
        "2026-11-24",
        "2026-11-24T10:42:28",
        "2026-13-24T10:42:28Z",
        "2026-00-24T10:42:28Z",
        "2026-02-29T10:42:28Z",
        "2026-11-31T10:42:28Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:60:28Z",
        "2026-11-24T10:42:61Z",
        "2026-11-24T10:42:28.Z",
        "2026-11-24T10:42:28Zx",
        "2026-11-24T10:42:28+24:00",
        "2026-11-24T10:42:28+0200",
        "+026-11-24T10:42:28Z",
        "99999999999999999999-11-24T10:42:28Z",
    };
    cl_time t = 77;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_time_parse(CASES[i], &t), -1);
        assert_int_equal(t, 77);
    }
}

static void every_day_of_four_centuries_survives_a_round_trip(void **state)
{
    char buf[CL_TIME_TEXT];
    cl_time t;

    (void)state;
    for (int64_t day = 1; day < 146097; day++) {
        assert_int_equal(cl_time_parse(cl_time_format(day * CL_DAY, buf), &t), 0);
        assert_int_equal(t, day * CL_DAY);
    }
}

static void http_dates_come_in_three_forms(void **state)
{
    static const char *const CASES[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "sun, 06 nov 1994 08:49:37 GMT",
    };
    cl_time t;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_time_parse_http(CASES[i], &t), 0);
        assert_int_equal(t, INT64_C(784111777000));
    }
    assert_int_equal(cl_time_parse_http("Sun Nov 16 08:49:37 1994", &t), 0);
    assert_int_equal(t, INT64_C(784975777000));
    assert_int_equal(cl_time_parse_http("Tuesday, 24-Nov-26 10:42:28 GMT", &t), 0);
    assert_int_equal(t, INT64_C(1795516948000));
}

static void other_dates_are_not_http_dates(void **state)
{
    static const char *const CASES[] = {
        "",
        "Sun",
        "Sun,",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nom 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "2026-11-24T10:42:28Z",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
    };
    cl_time t;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_time_parse_http(CASES[i], &t), -1);
    }
}

static void retry_after_is_made_absolute_and_never_lies_in_the_past(void **state)
{
    cl_time now = INT64_C(1795516948000);
    cl_time t;

    (void)state;
    assert_int_equal(cl_time_parse_retry_after("120", now, &t), 0);
    assert_int_equal(t, now + 120 * CL_SECOND);
    assert_int_equal(cl_time_parse_retry_after("Tue, 24 Nov 2026 10:43:28 GMT", now, &t), 0);
    assert_int_equal(t, now + CL_MINUTE);
    assert_int_equal(cl_time_parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now, &t), 0);
    assert_int_equal(t, now);
    assert_int_equal(cl_time_parse_retry_after("99999999999999999999999", now, &t), 0);
    assert_int_equal(t, now + INT32_MAX * CL_SECOND);
    assert_int_equal(cl_time_parse_retry_after("-1", now, &t), -1);
    assert_int_equal(cl_time_parse_retry_after("1.5", now, &t), -1);
    assert_int_equal(cl_time_parse_retry_after("", now, &t), -1);
}

static void durations_are_read_as_go_writes_them_and_in_days(void **state)
{
    static const struct {
        const char *text;
        cl_time d;
    } CASES[] = {
        {"0", 0},
        {"0s", 0},
        {"2160h", 90 * CL_DAY},
        {"2160h0m0s", 90 * CL_DAY},
        {"90d", 90 * CL_DAY},
        {"1h30m", 90 * CL_MINUTE},
        {"1.5h", 90 * CL_MINUTE},
        {".5s", 500},
        {"5.s", 5000},
        {"250ms", 250},
        {"1500us", 1},
        {"1500\xC2\xB5s", 1},
        {"999999ns", 0},
        {"1m1m", 2 * CL_MINUTE},
        {"0.3333333333333333333333333333d", 28799999},
    };
    cl_time d;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_duration_parse(CASES[i].text, &d), 0);
        assert_int_equal(d, CASES[i].d);
    }
}

static void other_durations_are_refused(void **state)
{
    static const char *const CASES[] = {
        "",
        "5",
        "-5s",
        "+5s",
        "s",
        ".s",
        "5x",
        "5 s",
        "1h-5m",
        "5S",
        "1..5s",
        "1h ",
        "106752d",
        "9999999999999999999999h",
        "18446744073709551615ns",
        "106751d9999999h",
    };
    cl_time d = 77;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_duration_parse(CASES[i], &d), -1);
        assert_int_equal(d, 77);
    }
}

static void durations_are_written_short_and_exact(void **state)
{
    static const struct {
        cl_time d;
        const char *text;
    } CASES[] = {
        {0, "0s"},      {90 * CL_DAY, "90d"}, {36 * CL_HOUR, "1d12h"}, {90 * CL_MINUTE, "1h30m"},
        {250, "250ms"}, {61001, "1m1s1ms"},   {-5 * CL_SECOND, "-5s"}, {CL_NEVER, "never"},
    };
    char buf[CL_DURATION_TEXT];
    cl_time d;

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_string_equal(cl_duration_format(CASES[i].d, buf), CASES[i].text);
        if (CASES[i].d >= 0 && CASES[i].d != CL_NEVER) {
            assert_int_equal(cl_duration_parse(buf, &d), 0);
            assert_int_equal(d, CASES[i].d);
        }
    }
    assert_string_equal(cl_duration_format(INT64_MIN, buf), "-106751991167d7h12m55s808ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions_saturate_instead_of_wrapping),
        cmocka_unit_test(a_time_is_written_as_rfc_3339),
        cmocka_unit_test(rfc_3339_texts_are_understood),
        cmocka_unit_test(what_is_not_rfc_3339_is_refused),
        cmocka_unit_test(every_day_of_four_centuries_survives_a_round_trip),
        cmocka_unit_test(http_dates_come_in_three_forms),
        cmocka_unit_test(other_dates_are_not_http_dates),
        cmocka_unit_test(retry_after_is_made_absolute_and_never_lies_in_the_past),
        cmocka_unit_test(durations_are_read_as_go_writes_them_and_in_days),
        cmocka_unit_test(other_durations_are_refused),
        cmocka_unit_test(durations_are_written_short_and_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
