/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones and cron fields: jumps of the clock, the far future, what is no zone. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_cron.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static cl_time at(const char *text)
{
    cl_time t = 0;
    assert_int_equal(cl_time_parse(text, &t), 0);
    return t;
}

static void assert_offset(const char *zone, const char *when, int32_t expected)
{
    struct cl_tz *z = cl_tz_parse_posix(zone);
    assert_non_null(z);
    if (cl_tz_offset(z, at(when) / CL_SECOND) != expected) {
        fail_msg("%s at %s is %d", zone, when, cl_tz_offset(z, at(when) / CL_SECOND));
    }
    cl_tz_destroy(z);
}

static void posix_rules_give_the_offset_at_any_time(void **state)
{
    static const struct {
        const char *zone, *when;
        int32_t offset;
    } CASES[] = {
        {"UTC", "2026-06-01T00:00:00Z", 0},
        {"<+0330>-3:30", "2026-06-01T00:00:00Z", 12600},
        {BERLIN, "2026-03-29T00:59:59Z", 3600},
        {BERLIN, "2026-03-29T01:00:00Z", 7200},
        {BERLIN, "2026-10-25T00:59:59Z", 7200},
        {BERLIN, "2026-10-25T01:00:00Z", 3600},
        {BERLIN, "2099-07-01T12:00:00Z", 7200},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-01-01T00:00:00Z", 46800}, /* southern */
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-07-01T00:00:00Z", 43200},
        {"AAA-2BBB,J60,J300", "2028-03-01T12:00:00Z", 10800}, /* 1 March in every year */
        {"AAA-2BBB,J60,J300", "2028-02-29T12:00:00Z", 7200},
        {"AAA-2BBB,59,300", "2028-02-29T12:00:00Z", 10800}, /* counted from 0, with leap days */
        {"AAA-2BBB-4:15:30,0/-1,J365/167", "2026-06-01T00:00:00Z", 15330},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_offset(CASES[i].zone, CASES[i].when, CASES[i].offset);
    }
}

static void what_is_no_posix_rule_is_refused(void **state)
{
    static const char *const CASES[] = {"",
                                        "A",
                                        "CET",
                                        "CET-",
                                        "CET-25",
                                        "CET-1CEST",
                                        "CET-1CE,M3.5.0,M10.5.0",
                                        "<CET-1",
                                        "CET-1:60",
                                        "CET-1:00:60",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,M0.1.0,M10.5.0",
                                        "CET-1CEST,J0,J3",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,366,3",
                                        "CET-1CEST-25,J1,J3",
                                        "CET-1CEST,M3.5.0/168,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0 "};
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_tz *z = cl_tz_parse_posix(CASES[i]);
        if (z != NULL) {
            fail_msg("\"%s\" was taken", CASES[i]);
        }
        cl_tz_destroy(z);
    }
}

/* ---- TZif ---- */

static void put32(struct cl_buf *b, uint32_t v)
{
    unsigned char raw[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                            (unsigned char)(v >> 8), (unsigned char)v};
    (void)cl_buf_add(b, (const char *)raw, 4);
}

static void header(struct cl_buf *b, uint32_t times, uint32_t types, uint32_t chars)
{
    static const char ZEROS[15] = "";
    (void)cl_buf_adds(b, "TZif2");
    (void)cl_buf_add(b, ZEROS, sizeof ZEROS);
    put32(b, 0);
    put32(b, 0);
    put32(b, 0);
    put32(b, times);
    put32(b, types);
    put32(b, chars);
}

/* Two transitions and a footer: +1 h, from 1000 on +2 h, from 2000 on +1 h, later @footer. */
static struct cl_buf tzif(const char *footer, unsigned char last_type)
{
    static const char KINDS[2] = {1, 0};
    static const char ENDS[3] = {0, 0, 0}; /* isdst, index; then chars */
    struct cl_buf b;
    cl_buf_init(&b, 4096);
    header(&b, 0, 1, 1);
    put32(&b, 0);
    (void)cl_buf_add(&b, ENDS, 3);
    header(&b, 2, 2, 1);
    put32(&b, 0);
    put32(&b, 1000);
    put32(&b, 0);
    put32(&b, 2000);
    char kinds[2] = {KINDS[0], (char)last_type};
    (void)cl_buf_add(&b, kinds, 2);
    put32(&b, 3600);
    (void)cl_buf_add(&b, ENDS, 2);
    put32(&b, 7200);
    (void)cl_buf_add(&b, ENDS, 3);
    (void)cl_buf_addf(&b, "\n%s\n", footer);
    return b;
}

static void a_tzif_file_is_followed_and_then_its_footer(void **state)
{
    (void)state;
    struct cl_buf b = tzif(BERLIN, 0);
    struct cl_tz *z = cl_tz_parse(b.data, b.len);
    assert_non_null(z);
    assert_int_equal(cl_tz_offset(z, 999), 3600);
    assert_int_equal(cl_tz_offset(z, 1000), 7200);
    assert_int_equal(cl_tz_offset(z, 1999), 7200);
    assert_int_equal(cl_tz_offset(z, at("2060-07-01T00:00:00Z") / CL_SECOND), 7200);
    assert_int_equal(cl_tz_offset(z, at("2060-12-01T00:00:00Z") / CL_SECOND), 3600);
    cl_tz_destroy(z);
    cl_buf_deinit(&b);

    b = tzif("", 0); /* nothing is said of later */
    z = cl_tz_parse(b.data, b.len);
    assert_non_null(z);
    assert_int_equal(cl_tz_offset(z, at("2060-07-01T00:00:00Z") / CL_SECOND), 3600);
    cl_tz_destroy(z);
    cl_buf_deinit(&b);
}

static void damaged_tzif_files_are_refused_at_any_length(void **state)
{
    (void)state;
    struct cl_buf b = tzif(BERLIN, 0);
    for (size_t len = 0; len < b.len; len++) {
        assert_null(cl_tz_parse(b.data, len));
    }
    cl_buf_deinit(&b);
    b = tzif("nonsense,", 0);
    assert_null(cl_tz_parse(b.data, b.len));
    cl_buf_deinit(&b);
    b = tzif(BERLIN, 7); /* a type that is not there */
    assert_null(cl_tz_parse(b.data, b.len));
    b.data[4] = '1';
    assert_null(cl_tz_parse(b.data, b.len));
    cl_buf_deinit(&b);
}

static void a_wall_clock_that_jumps_still_has_one_utc(void **state)
{
    static const struct {
        const char *local, *utc;
    } CASES[] = {
        {"2026-01-10T02:30:00Z", "2026-01-10T01:30:00Z"},
        {"2026-07-10T02:30:00Z", "2026-07-10T00:30:00Z"},
        {"2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"},
        {"2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"}, /* skipped: at the jump */
        {"2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
        {"2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"}, /* twice: the first */
        {"2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
    };
    (void)state;
    struct cl_tz *z = cl_tz_parse_posix(BERLIN);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(cl_tz_to_utc(z, at(CASES[i].local) / CL_SECOND),
                         at(CASES[i].utc) / CL_SECOND);
    }
    cl_tz_destroy(z);
}

static void dates_go_there_and_back(void **state)
{
    (void)state;
    for (int64_t day = -800000; day < 800000; day += 37) {
        struct cl_civil c = cl_civil_date(day);
        assert_int_equal(cl_civil_days(c.year, c.month, c.day), day);
    }
    assert_int_equal(cl_civil_date(0).weekday, 4); /* a Thursday */
    assert_int_equal(cl_civil_date(-1).weekday, 3);
}

/* ---- cron ---- */

static void cron_fields_say_when_it_is_due_next(void **state)
{
    static const struct {
        const char *cron, *zone, *after, *next;
    } CASES[] = {
        {"0 2 * * 1-5", "UTC", "2026-11-27T03:00:00Z", "2026-11-30T02:00:00Z"},
        {"0 2 * * mon-FRI", "UTC", "2026-11-27T03:00:00Z", "2026-11-30T02:00:00Z"},
        {"*/15 * * * *", "UTC", "2026-11-27T03:00:00Z", "2026-11-27T03:15:00Z"},
        {"5/20 3 * * *", "UTC", "2026-11-27T03:05:00Z", "2026-11-27T03:25:00Z"},
        {"10-20/5,59 3 * * *", "UTC", "2026-11-27T03:20:00Z", "2026-11-27T03:59:00Z"},
        {"0 0 29 feb *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
        {"0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"}, /* either */
        {"0 0 * * 7", "UTC", "2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z"},
        {"0 0 1 */6 *", "UTC", "2026-11-27T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"0 2 * * *", BERLIN, "2026-11-27T03:00:00Z", "2026-11-28T01:00:00Z"},
        {"30 2 * * *", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"}, /* skipped */
        {"30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"}, /* twice */
        {"30 2 * * *", BERLIN, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_cron c;
        char why[160] = "", have[CL_TIME_TEXT];
        struct cl_tz *z = cl_tz_parse_posix(CASES[i].zone);
        assert_int_equal(cl_cron_parse(CASES[i].cron, &c, why, sizeof why), 0);
        assert_string_equal(cl_time_format(cl_cron_next(&c, z, at(CASES[i].after)), have),
                            CASES[i].next);
        cl_tz_destroy(z);
    }
    struct cl_cron never;
    char why[160];
    assert_int_equal(cl_cron_parse("0 0 31 2 *", &never, why, sizeof why), 0);
    assert_int_equal(cl_cron_next(&never, NULL, at("2026-01-01T00:00:00Z")), CL_NEVER);
}

static void cron_fields_that_make_no_sense_say_why(void **state)
{
    static const struct {
        const char *cron, *why;
    } CASES[] = {
        {"", "five fields"},
        {"0 2 * *", "five fields"},
        {"0 2 * * 1 2026", "five fields"},
        {"@daily", "minute: \"@daily\" is neither"},
        {"60 2 * * *", "minute: \"60\" is not from 0 to 59"},
        {"0 24 * * *", "hour: \"24\""},
        {"0 2 0 * *", "day of the month: \"0\""},
        {"0 2 * 13 *", "month: \"13\""},
        {"0 2 * foo *", "month: \"foo\""},
        {"0 2 * * mond", "day of the week: \"mond\""},
        {"0 2 * * fri-mon", "give two ranges"},
        {"*/0 2 * * *", "\"0\" is not a step"},
        {"0 2 * * 1,,2", "has an empty entry"},
        {", 2 * * *", "has an empty entry"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_cron c;
        char why[200] = "";
        assert_int_equal(cl_cron_parse(CASES[i].cron, &c, why, sizeof why), -1);
        if (strstr(why, CASES[i].why) == NULL) {
            fail_msg("\"%s\" says: %s", CASES[i].cron, why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posix_rules_give_the_offset_at_any_time),
        cmocka_unit_test(what_is_no_posix_rule_is_refused),
        cmocka_unit_test(a_tzif_file_is_followed_and_then_its_footer),
        cmocka_unit_test(damaged_tzif_files_are_refused_at_any_length),
        cmocka_unit_test(a_wall_clock_that_jumps_still_has_one_utc),
        cmocka_unit_test(dates_go_there_and_back),
        cmocka_unit_test(cron_fields_say_when_it_is_due_next),
        cmocka_unit_test(cron_fields_that_make_no_sense_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
