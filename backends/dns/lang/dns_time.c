/* SPDX-License-Identifier: Apache-2.0 */
/* dns_time: formatting without locale and without the files of the time zone database. The few zones that
 * APIs ask for follow the rule of the European Union (Directive 2000/84/EC: summer time from the
 * last Sunday of March to that of October, both at 01:00 UTC) or have none. */
#include "backends/dns/lang/dns_time.h"

#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    int minutes; /* east of UTC, in winter */
    bool eu_summer;
} ZONES[] = {
    {"UTC", 0, false},
    {"GMT", 0, false},
    {"Europe/Prague", 60, true},
    {"Europe/Berlin", 60, true},
    {"Europe/Paris", 60, true},
    {"Europe/Vienna", 60, true},
    {"Europe/Zurich", 60, true},
    {"Europe/Amsterdam", 60, true},
    {"Europe/Rome", 60, true},
    {"Europe/Madrid", 60, true},
    {"Europe/Warsaw", 60, true},
    {"Europe/Stockholm", 60, true},
    {"Europe/London", 0, true},
    {"Europe/Moscow", 180, false},
    {"Asia/Shanghai", 480, false},
    {"Asia/Tokyo", 540, false},
};

/* Midnight UTC of the last Sunday of a month, seconds. */
static int64_t last_sunday(int year, int month)
{
    struct tm last = {
        .tm_year = year - 1900, .tm_mon = month, .tm_mday = 0}; /* day 0 of the next */
    int64_t t = (int64_t)timegm(&last);

    return t - (int64_t)last.tm_wday * 86400;
}

static bool eu_summer(time_t t)
{
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL) {
        return false;
    }
    int year = tm.tm_year + 1900;
    return t >= last_sunday(year, 3) + 3600 && t < last_sunday(year, 10) + 3600;
}

static int offset_of(const char *zone, time_t t, int *ret)
{
    if ((zone[0] == '+' || zone[0] == '-') && strlen(zone) == 6 && zone[3] == ':') {
        int digits[4] = {zone[1] - '0', zone[2] - '0', zone[4] - '0', zone[5] - '0'};
        for (int i = 0; i < 4; i++) {
            if (digits[i] < 0 || digits[i] > 9) {
                return -1;
            }
        }
        *ret = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
        *ret = zone[0] == '-' ? -*ret : *ret;
        return 0;
    }
    for (size_t i = 0; i < sizeof ZONES / sizeof ZONES[0]; i++) {
        if (cl_streq(ZONES[i].name, zone)) {
            *ret = ZONES[i].minutes + (ZONES[i].eu_summer && eu_summer(t) ? 60 : 0);
            return 0;
        }
    }
    return -1;
}

static void add_number(struct cl_buf *b, int width, long long n)
{
    (void)cl_buf_addf(b, "%0*lld", width, n);
}

static bool convert_name(char letter, const struct tm *tm, struct cl_buf *b)
{
    static const char *const DAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const MONTHS[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    const char *name =
        letter == 'a' || letter == 'A' ? DAYS[tm->tm_wday % 7] : MONTHS[tm->tm_mon % 12];

    return cl_buf_addf(b, "%.*s", letter == 'a' || letter == 'b' ? 3 : 20, name) == 0;
}

/* One conversion; false if there is none of that letter. */
static bool convert(char letter, cl_time t, const struct tm *tm, struct cl_buf *b)
{
    const struct {
        char letter;
        int width;
        long long n;
    } numbers[] = {
        {'Y', 4, tm->tm_year + 1900LL},
        {'y', 2, tm->tm_year % 100},
        {'m', 2, tm->tm_mon + 1LL},
        {'d', 2, tm->tm_mday},
        {'j', 3, tm->tm_yday + 1LL},
        {'H', 2, tm->tm_hour},
        {'I', 2, (tm->tm_hour + 11) % 12 + 1LL},
        {'M', 2, tm->tm_min},
        {'S', 2, tm->tm_sec},
        {'s', 1, t / CL_SECOND},
        {'f', 3, t % CL_SECOND},
        {'w', 1, tm->tm_wday},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].letter == letter) {
            add_number(b, numbers[i].width, numbers[i].n);
            return true;
        }
    }
    switch (letter) {
    case 'a':
    case 'A':
    case 'b':
    case 'B':
        return convert_name(letter, tm, b);
    case 'e':
        return cl_buf_addf(b, "%2d", tm->tm_mday) == 0;
    case 'p':
        return cl_buf_adds(b, tm->tm_hour < 12 ? "AM" : "PM") == 0;
    case 'F':
        return cl_buf_addf(b, "%04d-%02d-%02d", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday) ==
               0;
    case 'T':
        return cl_buf_addf(b, "%02d:%02d:%02d", tm->tm_hour, tm->tm_min, tm->tm_sec) == 0;
    case '%':
        return cl_buf_adds(b, "%") == 0;
    default:
        return false;
    }
}

int dns_time_format(cl_time t, const char *pattern, const char *zone, char *buf, size_t size,
                    struct cl_err *err)
{
    time_t seconds = (time_t)(t / CL_SECOND);
    struct tm tm;
    struct cl_buf b;
    int minutes = 0;

    if (offset_of(zone, seconds, &minutes) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed",
                       "unknown time zone %s; use UTC or an offset as +08:00", zone);
    }
    seconds += (time_t)minutes * 60;
    if (gmtime_r(&seconds, &tm) == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "the time is out of range");
    }
    cl_buf_init(&b, size - 1);
    int rc = 0;
    for (const char *p = pattern; rc == 0 && *p != '\0'; p++) {
        if (*p != '%') {
            rc = cl_buf_add(&b, p, 1);
        } else if (!convert(*++p, t, &tm, &b)) {
            rc = -1;
            break;
        }
    }
    if (rc == 0) {
        rc = cl_format(buf, size, "%s", cl_buf_str(&b));
    }
    cl_buf_deinit(&b);
    return rc == 0 ? 0
                   : cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed",
                             "the time pattern \"%s\" is unknown or too long", pattern);
}
