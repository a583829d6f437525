/* SPDX-License-Identifier: Apache-2.0 */
/* cl_tz: transitions of a TZif file; the POSIX rule in its footer goes on where they end. */
#include "spec/base/cl_tz.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <stdbool.h>
#include <string.h>

#define DAY_SECONDS 86400
#define TRANSITIONS_MAX 5000u
#define TYPES_MAX 256u
#define HEADER 44u
#define OFFSET_MAX (26 * 3600) /* RFC 8536 3.2 */

/* When one half of the year begins, in local time of the half before. */
struct rule {
    enum { RULE_MONTH, RULE_JULIAN, RULE_DAY } kind; /* M3.5.0, J60, 59 */
    unsigned month, week, day;
    int32_t time;
};
struct cl_tz {
    int64_t *at;     /* when an offset begins, ascending */
    int32_t *offset; /* ... which */
    size_t n;
    int32_t first; /* before the first transition */
    /* from the last transition on */
    bool has_rule, has_dst;
    int32_t std, dst; /* seconds east of Greenwich */
    struct rule dst_begins, dst_ends;
};

/* ---- the calendar ---- */

int64_t cl_civil_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + (int64_t)doe - 719468;
}

struct cl_civil cl_civil_date(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    struct cl_civil c = {.month = mp < 10 ? mp + 3 : mp - 9,
                         .day = doy - (153 * mp + 2) / 5 + 1,
                         .weekday = (unsigned)(((days % 7) + 11) % 7)};

    c.year = (int64_t)yoe + era * 400 + (c.month <= 2 ? 1 : 0);
    return c;
}

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* ---- POSIX rules ---- */

static bool number(const char **p, unsigned max, unsigned *ret)
{
    unsigned n = 0;
    const char *from = *p;

    while (**p >= '0' && **p <= '9' && n <= max) {
        n = n * 10 + (unsigned)(**p - '0');
        (*p)++;
    }
    *ret = n;
    return *p > from && n <= max;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool clock_time(const char **p, unsigned max_hours, int32_t *ret)
{
    unsigned h = 0, m = 0, s = 0;
    bool minus = **p == '-';

    *p += **p == '-' || **p == '+' ? 1 : 0;
    if (!number(p, max_hours, &h)) {
        return false;
    }
    if (**p == ':') {
        (*p)++;
        if (!number(p, 59, &m)) {
            return false;
        }
    }
    if (**p == ':') {
        (*p)++;
        if (!number(p, 59, &s)) {
            return false;
        }
    }
    int32_t t = (int32_t)(h * 3600 + m * 60 + s);
    *ret = minus ? -t : t;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool zone_name(const char **p)
{
    const char *from = *p;

    if (**p == '<') {
        *p += strcspn(*p, ">");
        return *(*p)++ == '>';
    }
    while (is_letter(**p)) {
        (*p)++;
    }
    return *p - from >= 3;
}

static bool read_rule(const char **p, struct rule *r)
{
    bool ok;

    *r = (struct rule){.time = 2 * 3600};
    if (**p == 'M') {
        (*p)++;
        r->kind = RULE_MONTH;
        ok = number(p, 12, &r->month) && *(*p)++ == '.' && number(p, 5, &r->week) &&
             *(*p)++ == '.' && number(p, 6, &r->day) && r->month > 0 && r->week > 0;
    } else if (**p == 'J') {
        (*p)++;
        r->kind = RULE_JULIAN;
        ok = number(p, 365, &r->day) && r->day > 0;
    } else {
        r->kind = RULE_DAY;
        ok = number(p, 365, &r->day);
    }
    if (ok && **p == '/') {
        (*p)++;
        ok = clock_time(p, 167, &r->time);
    }
    return ok;
}

static bool read_posix(const char *p, struct cl_tz *z)
{
    if (strcmp(p, "UTC") == 0) {
        z->has_rule = true;
        return true;
    }
    if (!zone_name(&p)) {
        return false;
    }
    if (!clock_time(&p, 24, &z->std)) {
        return false;
    }
    z->std = -z->std; /* POSIX counts to the west */
    z->has_rule = true;
    if (*p == '\0') {
        return true;
    }
    z->has_dst = true;
    z->dst = z->std + 3600;
    if (!zone_name(&p)) {
        return false;
    }
    if (*p != ',' && *p != '\0') {
        if (!clock_time(&p, 24, &z->dst)) {
            return false;
        }
        z->dst = -z->dst;
    }
    return *p++ == ',' && read_rule(&p, &z->dst_begins) && *p++ == ',' &&
           read_rule(&p, &z->dst_ends) && *p == '\0';
}

/* The rule in @year as seconds of the wall clock before it. */
static int64_t rule_at(const struct rule *r, int64_t year)
{
    int64_t day = 0;

    switch (r->kind) {
    case RULE_MONTH: {
        int64_t first = cl_civil_days(year, r->month, 1);
        unsigned weekday = cl_civil_date(first).weekday;
        static const unsigned LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        unsigned len = LENGTHS[r->month - 1] + (r->month == 2 && leap(year) ? 1 : 0);
        unsigned d = (r->day + 7 - weekday) % 7 + (r->week - 1) * 7;
        day = first + (d >= len ? d - 7 : d);
        break;
    }
    case RULE_JULIAN: /* 29 February is never counted */
        day = cl_civil_days(year, 1, 1) + r->day - 1 + (leap(year) && r->day >= 60 ? 1 : 0);
        break;
    case RULE_DAY:
        day = cl_civil_days(year, 1, 1) + r->day;
        break;
    }
    return day * DAY_SECONDS + r->time;
}

static int32_t by_rule(const struct cl_tz *z, int64_t utc)
{
    if (!z->has_dst) {
        return z->std;
    }
    int64_t local = utc + z->std;
    int64_t days = (local >= 0 ? local : local - (DAY_SECONDS - 1)) / DAY_SECONDS;
    int64_t year = cl_civil_date(days).year;
    int64_t begins = rule_at(&z->dst_begins, year) - z->std;
    int64_t ends = rule_at(&z->dst_ends, year) - z->dst;
    bool summer = begins < ends ? utc >= begins && utc < ends : utc >= begins || utc < ends;

    return summer ? z->dst : z->std;
}

struct cl_tz *cl_tz_parse_posix(const char *text)
{
    struct cl_tz *z = cl_new(struct cl_tz);

    if (!read_posix(text, z)) {
        cl_tz_destroy(z);
        return NULL;
    }
    return z;
}

/* ---- TZif ---- */

struct tzif { /* one header (RFC 8536 3.1) */
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const unsigned char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool read_header(const unsigned char *p, size_t len, struct tzif *h)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0) {
        return false;
    }
    *h = (struct tzif){be32(p + 20), be32(p + 24), be32(p + 28),
                       be32(p + 32), be32(p + 36), be32(p + 40)};
    return h->timecnt <= TRANSITIONS_MAX && h->typecnt <= TYPES_MAX && h->charcnt <= 4096 &&
           h->leapcnt <= 1000 && h->isstdcnt <= TYPES_MAX && h->isutcnt <= TYPES_MAX;
}

static size_t block_size(const struct tzif *h, size_t time_size)
{
    return h->timecnt * (time_size + 1) + h->typecnt * 6 + h->charcnt +
           h->leapcnt * (time_size + 4) + h->isstdcnt + h->isutcnt;
}

static bool read_block(const unsigned char *p, const struct tzif *h, struct cl_tz *z)
{
    const unsigned char *types = p + (size_t)h->timecnt * 8;
    const unsigned char *ttinfo = types + h->timecnt;

    z->at = cl_calloc(h->timecnt + 1, sizeof *z->at);
    z->offset = cl_calloc(h->timecnt + 1, sizeof *z->offset);
    z->n = h->timecnt;
    z->first = h->typecnt > 0 ? (int32_t)be32(ttinfo) : 0;
    for (size_t i = 0; i < z->n; i++) {
        z->at[i] = be64(p + i * 8);
        if (types[i] >= h->typecnt || (i > 0 && z->at[i] <= z->at[i - 1])) {
            return false;
        }
        z->offset[i] = (int32_t)be32(ttinfo + (size_t)types[i] * 6);
        if (z->offset[i] > OFFSET_MAX || z->offset[i] < -OFFSET_MAX) {
            return false;
        }
    }
    return h->typecnt > 0 && z->first <= OFFSET_MAX && z->first >= -OFFSET_MAX;
}

static bool read_footer(const unsigned char *p, size_t len, struct cl_tz *z)
{
    const unsigned char *end = len > 1 && p[0] == '\n' ? memchr(p + 1, '\n', len - 1) : NULL;

    if (end == NULL) {
        return false;
    }
    if (end == p + 1) { /* nothing is said of the far future: as it was last */
        return true;
    }
    char *text = cl_strndup((const char *)p + 1, (size_t)(end - p - 1));
    bool ok = read_posix(text, z);
    cl_free(text);
    return ok;
}

struct cl_tz *cl_tz_parse(const void *data, size_t len)
{
    const unsigned char *p = data;
    struct tzif h;

    if (!read_header(p, len, &h) || p[4] < '2') {
        return NULL;
    }
    size_t second = HEADER + block_size(&h, 4); /* the first block is for old readers */
    if (second > len || !read_header(p + second, len - second, &h)) {
        return NULL;
    }
    size_t body = second + HEADER;
    size_t footer = body + block_size(&h, 8);
    if (footer > len) {
        return NULL;
    }
    struct cl_tz *z = cl_new(struct cl_tz);
    if (!read_block(p + body, &h, z) || !read_footer(p + footer, len - footer, z)) {
        cl_tz_destroy(z);
        return NULL;
    }
    return z;
}

void cl_tz_destroy(struct cl_tz *z)
{
    if (z != NULL) {
        cl_free(z->at);
        cl_free(z->offset);
        cl_free(z);
    }
}

/* ---- questions ---- */

int32_t cl_tz_offset(const struct cl_tz *z, int64_t utc)
{
    size_t lo = 0, hi = z->n; /* the first transition after utc */

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->at[mid] <= utc) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (lo == z->n && z->has_rule) {
        return by_rule(z, utc);
    }
    return lo == 0 ? z->first : z->offset[lo - 1];
}

int64_t cl_tz_to_utc(const struct cl_tz *z, int64_t local)
{
    int32_t before = cl_tz_offset(z, local - DAY_SECONDS);
    int32_t after = cl_tz_offset(z, local + DAY_SECONDS);
    int64_t early = local - (before > after ? before : after);
    int64_t late = local - (before > after ? after : before);

    if (cl_tz_offset(z, early) == local - early) {
        return early;
    }
    if (cl_tz_offset(z, late) == local - late) {
        return late;
    }
    while (late - early > 1) { /* skipped: the jump lies between */
        int64_t mid = early + (late - early) / 2;
        if (cl_tz_offset(z, mid) == after) {
            late = mid;
        } else {
            early = mid;
        }
    }
    return late;
}
