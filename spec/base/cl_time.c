/* SPDX-License-Identifier: Apache-2.0 */
/* cl_time: calendar arithmetic, RFC 3339, HTTP dates and durations. Input may be hostile: digits
 * are counted before they are added up, and every product is checked. */
#include "spec/base/cl_time.h"

#include "spec/base/cl_str.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct civil {
    int year, month, day, hour, minute, second; /* month 1-12; second 60 = leap second */
};

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const WEEKDAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

cl_time cl_time_add(cl_time t, cl_time delta)
{
    cl_time sum;

    if (t == CL_NEVER || delta == CL_NEVER) {
        return CL_NEVER;
    }
    if (__builtin_add_overflow(t, delta, &sum)) {
        return delta > 0 ? CL_NEVER : 0;
    }
    return sum > 0 ? sum : 0;
}

cl_time cl_time_min(cl_time a, cl_time b)
{
    return a < b ? a : b;
}

cl_time cl_time_max(cl_time a, cl_time b)
{
    return a > b ? a : b;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so that
 * the leap day is the last of its year; eras of 400 years have 146,097 days. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, struct civil *c)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (int)(yoe + era * 400 + (c->month <= 2 ? 1 : 0));
}

static bool valid(const struct civil *c)
{
    static const int LENGTH[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;

    if (c->month < 1 || c->month > 12 || c->day < 1) {
        return false;
    }
    return c->day <= LENGTH[c->month - 1] + (leap && c->month == 2 ? 1 : 0) && c->hour <= 23 &&
           c->minute <= 59 && c->second <= 60;
}

static cl_time from_civil(const struct civil *c)
{
    return days_from_civil(c->year, c->month, c->day) * CL_DAY + c->hour * CL_HOUR +
           c->minute * CL_MINUTE + c->second * CL_SECOND;
}

/* ---- a cursor over the text ---- */

/* Exactly @n digits (n <= 9). */
static bool take_number(const char **s, int n, int *ret)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        char c = (*s)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *s += n;
    *ret = value;
    return true;
}

static bool take_any(const char **s, const char *set)
{
    if (**s == '\0' || strchr(set, **s) == NULL) {
        return false;
    }
    (*s)++;
    return true;
}

static bool take_text(const char **s, const char *text)
{
    size_t n = strlen(text);

    if (strncmp(*s, text, n) != 0) {
        return false;
    }
    *s += n;
    return true;
}

static bool take_clock(const char **s, struct civil *c)
{
    return take_number(s, 2, &c->hour) && take_any(s, ":") && take_number(s, 2, &c->minute) &&
           take_any(s, ":") && take_number(s, 2, &c->second);
}

static bool take_month(const char **s, int *ret)
{
    for (int i = 0; i < 12; i++) {
        if (strncasecmp(*s, MONTHS[i], 3) == 0) {
            *s += 3;
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

/* ---- RFC 3339 ---- */

/* @value in @width decimal digits, then @after. Status files are full of times: printf would take a
 * tenth of the time of a pass. */
static char *put_digits(char *at, int width, int value, char after)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    at[width] = after;
    return at + width + 1;
}

const char *cl_time_format(cl_time t, char buf[CL_TIME_TEXT])
{
    /* 9999-12-31T23:59:59Z: RFC 3339 has no later year; earlier than year 0 likewise. */
    static const cl_time LATEST = INT64_C(253402300799000);
    static const cl_time EARLIEST = INT64_C(-62167219200000);
    struct civil c;

    if (t == 0 || t == CL_NEVER) {
        (void)cl_format(buf, CL_TIME_TEXT, "%s", t == 0 ? "" : "never");
        return buf;
    }
    t = cl_time_max(EARLIEST, cl_time_min(LATEST, t));
    int64_t days = t / CL_DAY - (t % CL_DAY < 0 ? 1 : 0);
    int64_t seconds = (t - days * CL_DAY) / CL_SECOND;
    civil_from_days(days, &c);
    char *at = put_digits(buf, 4, c.year, '-');
    at = put_digits(at, 2, c.month, '-');
    at = put_digits(at, 2, c.day, 'T');
    at = put_digits(at, 2, (int)(seconds / 3600), ':');
    at = put_digits(at, 2, (int)(seconds / 60 % 60), ':');
    at = put_digits(at, 2, (int)(seconds % 60), 'Z');
    *at = '\0';
    return buf;
}

/* "Z" or "+hh:mm", to the end of the text. */
static bool take_offset(const char **s, cl_time *ret)
{
    int hours = 0;
    int minutes = 0;
    bool west = **s == '-';

    *ret = 0;
    if (take_any(s, "Zz")) {
        return true;
    }
    if (!take_any(s, "+-") || !take_number(s, 2, &hours) || !take_any(s, ":") ||
        !take_number(s, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *ret = (hours * CL_HOUR + minutes * CL_MINUTE) * (west ? -1 : 1);
    return true;
}

static bool take_fraction_ms(const char **s, cl_time *ret)
{
    cl_time scale = 100;

    *ret = 0;
    if (!take_any(s, ".")) {
        return true;
    }
    if (**s < '0' || **s > '9') {
        return false;
    }
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        *ret += (**s - '0') * scale;
        scale /= 10; /* digits beyond milliseconds count nothing */
    }
    return true;
}

int cl_time_parse(const char *s, cl_time *ret)
{
    struct civil c = {0};
    cl_time fraction;
    cl_time offset;

    if (!take_number(&s, 4, &c.year) || !take_any(&s, "-") || !take_number(&s, 2, &c.month) ||
        !take_any(&s, "-") || !take_number(&s, 2, &c.day) || !take_any(&s, "Tt ") ||
        !take_clock(&s, &c) || !take_fraction_ms(&s, &fraction) || !take_offset(&s, &offset) ||
        *s != '\0' || !valid(&c)) {
        return -1;
    }
    *ret = from_civil(&c) + fraction - offset;
    return 0;
}

/* ---- HTTP (RFC 9110) ---- */

/* Skips a weekday, long or short; which one it is does not matter. */
static bool take_weekday(const char **s, bool *ret_long)
{
    for (size_t i = 0; i < sizeof(WEEKDAYS) / sizeof(WEEKDAYS[0]); i++) {
        size_t n = strlen(WEEKDAYS[i]);

        *ret_long = strncasecmp(*s, WEEKDAYS[i], n) == 0;
        if (*ret_long || strncasecmp(*s, WEEKDAYS[i], 3) == 0) {
            *s += *ret_long ? n : 3;
            return true;
        }
    }
    return false;
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool take_imf_date(const char **s, struct civil *c)
{
    return take_number(s, 2, &c->day) && take_any(s, " ") && take_month(s, &c->month) &&
           take_any(s, " ") && take_number(s, 4, &c->year) && take_any(s, " ") &&
           take_clock(s, c) && take_text(s, " GMT");
}

/* "06-Nov-94 08:49:37 GMT" */
static bool take_rfc850_date(const char **s, struct civil *c)
{
    if (!take_number(s, 2, &c->day) || !take_any(s, "-") || !take_month(s, &c->month) ||
        !take_any(s, "-") || !take_number(s, 2, &c->year) || !take_any(s, " ") ||
        !take_clock(s, c) || !take_text(s, " GMT")) {
        return false;
    }
    c->year += c->year < 70 ? 2000 : 1900; /* nothing of ours lies before the epoch */
    return true;
}

/* "Nov  6 08:49:37 1994" */
static bool take_asctime_date(const char **s, struct civil *c)
{
    if (!take_month(s, &c->month) || !take_any(s, " ")) {
        return false;
    }
    int digits = take_any(s, " ") ? 1 : 2;
    return take_number(s, digits, &c->day) && take_any(s, " ") && take_clock(s, c) &&
           take_any(s, " ") && take_number(s, 4, &c->year);
}

int cl_time_parse_http(const char *s, cl_time *ret)
{
    struct civil c = {0};
    bool long_day;
    bool ok;

    if (!take_weekday(&s, &long_day)) {
        return -1;
    }
    if (!take_any(&s, ",")) {
        ok = take_any(&s, " ") && take_asctime_date(&s, &c);
    } else if (long_day) {
        ok = take_any(&s, " ") && take_rfc850_date(&s, &c);
    } else {
        ok = take_any(&s, " ") && take_imf_date(&s, &c);
    }
    if (!ok || *s != '\0' || !valid(&c)) {
        return -1;
    }
    *ret = from_civil(&c);
    return 0;
}

int cl_time_parse_retry_after(const char *s, cl_time now, cl_time *ret)
{
    /* 68 years; more has no meaning and must not reach CL_NEVER ("only a change can help"). */
    static const cl_time MOST = INT32_MAX;
    cl_time seconds = 0;
    cl_time date;

    if (*s < '0' || *s > '9') {
        if (cl_time_parse_http(s, &date) < 0) {
            return -1;
        }
        *ret = cl_time_max(date, now);
        return 0;
    }
    for (; *s >= '0' && *s <= '9'; s++) {
        seconds = cl_time_min(seconds * 10 + (*s - '0'), MOST);
    }
    if (*s != '\0') {
        return -1;
    }
    *ret = cl_time_add(now, seconds * CL_SECOND);
    return 0;
}

/* ---- durations ---- */

#define NS_PER_MS UINT64_C(1000000)

struct unit {
    const char *name;
    uint64_t ns;
};
static const struct unit UNITS[] = {
    /* longer names first: "ms" before "m" */
    {"ms", NS_PER_MS},
    {"us", UINT64_C(1000)},
    {"\xC2\xB5s", UINT64_C(1000)}, /* U+00B5 and U+03BC, as Go prints and accepts them */
    {"\xCE\xBCs", UINT64_C(1000)},
    {"ns", UINT64_C(1)},
    {"d", NS_PER_MS *(uint64_t)CL_DAY},
    {"h", NS_PER_MS *(uint64_t)CL_HOUR},
    {"m", NS_PER_MS *(uint64_t)CL_MINUTE},
    {"s", NS_PER_MS *(uint64_t)CL_SECOND},
};

static const struct unit *take_unit(const char **s)
{
    for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
        if (take_text(s, UNITS[i].name)) {
            return &UNITS[i];
        }
    }
    return NULL;
}

/* One "12.5h"; adds it to *total in nanoseconds. */
static bool take_term(const char **s, uint64_t *total)
{
    const char *start = *s;
    uint64_t whole = 0;
    uint64_t amount;

    for (; **s >= '0' && **s <= '9'; (*s)++) {
        if (__builtin_mul_overflow(whole, (uint64_t)10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(**s - '0'), &whole)) {
            return false;
        }
    }
    bool digits = *s > start;
    const char *fraction = take_any(s, ".") ? *s : NULL;
    while (fraction != NULL && **s >= '0' && **s <= '9') {
        (*s)++;
        digits = true;
    }
    const char *end = *s;
    const struct unit *unit = digits ? take_unit(s) : NULL;
    if (unit == NULL || __builtin_mul_overflow(whole, unit->ns, &amount) || amount > INT64_MAX) {
        return false;
    }
    uint64_t scale = unit->ns;
    for (const char *p = fraction; p != NULL && p < end && scale > 0; p++) {
        scale /= 10;
        amount += (uint64_t)(*p - '0') * scale; /* less than one unit in all: cannot wrap */
    }
    return !__builtin_add_overflow(*total, amount, total) && *total <= INT64_MAX;
}

int cl_duration_parse(const char *s, cl_time *ret)
{
    uint64_t total = 0;

    if (strcmp(s, "0") == 0) { /* the one number that needs no unit */
        *ret = 0;
        return 0;
    }
    do {
        if (!take_term(&s, &total)) {
            return -1;
        }
    } while (*s != '\0');
    *ret = (cl_time)(total / NS_PER_MS);
    return 0;
}

const char *cl_duration_format(cl_time d, char buf[CL_DURATION_TEXT])
{
    static const struct {
        const char *name;
        uint64_t ms;
    } PARTS[] = {{"d", (uint64_t)CL_DAY},
                 {"h", (uint64_t)CL_HOUR},
                 {"m", (uint64_t)CL_MINUTE},
                 {"s", (uint64_t)CL_SECOND},
                 {"ms", 1}};
    uint64_t left = d < 0 ? UINT64_C(0) - (uint64_t)d : (uint64_t)d;
    char text[CL_DURATION_TEXT];

    if (d == 0 || d == CL_NEVER) {
        (void)cl_format(buf, CL_DURATION_TEXT, "%s", d == 0 ? "0s" : "never");
        return buf;
    }
    (void)cl_format(buf, CL_DURATION_TEXT, "%s", d < 0 ? "-" : "");
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        if (left >= PARTS[i].ms) {
            (void)cl_format(text, sizeof(text), "%s%llu%s", buf,
                            (unsigned long long)(left / PARTS[i].ms), PARTS[i].name);
            (void)cl_format(buf, CL_DURATION_TEXT, "%s", text);
            left %= PARTS[i].ms;
        }
    }
    return buf;
}
