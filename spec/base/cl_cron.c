/* SPDX-License-Identifier: Apache-2.0 */
/* cl_cron: fields to sets of numbers, and the next moment that is in all of them. */
#include "spec/base/cl_cron.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define DAYS_AHEAD (9 * 366) /* 29 February is at most eight years away */
#define DAY_SECONDS 86400

static const char *const MONTHS[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const WEEKDAYS[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

struct field {
    const char *name;
    unsigned min, max;
    const char *const *words; /* the first stands for min */
};
static const struct field FIELDS[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, MONTHS},
    {"day of the week", 0, 7, WEEKDAYS},
};
#define N_FIELDS (sizeof FIELDS / sizeof FIELDS[0])

struct parsing {
    const struct field *f;
    char *why;
    size_t why_size;
};

static int bad(const struct parsing *p, const char *text, const char *what)
{
    (void)cl_format(p->why, p->why_size, "%s: \"%s\" %s", p->f->name, text, what);
    return -1;
}

static int value(const struct parsing *p, const char *text, unsigned *ret)
{
    uint64_t n = 0;

    if (cl_parse_u64(text, 1000, &n) == 0) {
        *ret = (unsigned)n;
        if (n >= p->f->min && n <= p->f->max) {
            return 0;
        }
        char range[48];
        (void)cl_format(range, sizeof range, "is not from %u to %u", p->f->min, p->f->max);
        return bad(p, text, range);
    }
    for (unsigned i = 0; p->f->words != NULL && p->f->words[i] != NULL; i++) {
        char lower[4] = "";
        (void)cl_format(lower, sizeof lower, "%s", text);
        if (strlen(text) == 3 && cl_streq(cl_str_lower(lower), p->f->words[i])) {
            *ret = p->f->min + i;
            return 0;
        }
    }
    return bad(p, text, "is neither a number nor a name");
}

static int step_of(const struct parsing *p, const char *text, unsigned *ret)
{
    uint64_t n = 0;

    if (cl_parse_u64(text, 59, &n) < 0 || n == 0) {
        return bad(p, text, "is not a step from 1 to 59");
    }
    *ret = (unsigned)n;
    return 0;
}

/* "*", "5", "1-5", "mon-fri", each with "/STEP"; @item is taken apart. */
static int item(const struct parsing *p, char *text, uint64_t *set)
{
    unsigned from = p->f->min, to = p->f->max, step = 1;
    char *slash = strchr(text, '/');
    char *dash = strchr(text, '-');

    if (slash != NULL) {
        *slash = '\0';
        if (step_of(p, slash + 1, &step) < 0) {
            return -1;
        }
    }
    if (dash != NULL) {
        *dash = '\0';
        if (value(p, text, &from) < 0 || value(p, dash + 1, &to) < 0) {
            return -1;
        }
        if (from > to) {
            return bad(p, dash + 1, "comes before the start of its range; give two ranges");
        }
    } else if (!cl_streq(text, "*")) {
        if (value(p, text, &from) < 0) {
            return -1;
        }
        to = slash != NULL ? p->f->max : from;
    }
    for (unsigned i = from; i <= to; i += step) {
        *set |= (uint64_t)1 << i;
    }
    return 0;
}

static int field(const struct parsing *p, const char *text, uint64_t *set)
{
    struct cl_strv items = {0};
    int rc = 0;

    *set = 0;
    if (text[0] == ',' || text[strlen(text) - 1] == ',' || strstr(text, ",,") != NULL) {
        return bad(p, text, "has an empty entry");
    }
    cl_strv_split(&items, text, ",");
    for (size_t i = 0; rc == 0 && i < items.len; i++) {
        rc = item(p, items.items[i], set);
    }
    cl_strv_deinit(&items);
    return rc;
}

int cl_cron_parse(const char *text, struct cl_cron *ret, char *why, size_t why_size)
{
    uint64_t sets[N_FIELDS] = {0};
    bool any[N_FIELDS] = {false};
    const char *p = text;
    size_t n = 0;

    for (; n <= N_FIELDS; n++) {
        p += strspn(p, " \t");
        size_t len = strcspn(p, " \t");
        if (len == 0 || n == N_FIELDS) {
            break;
        }
        char *one = cl_strndup(p, len);
        struct parsing at = {.f = &FIELDS[n], .why = why, .why_size = why_size};
        int rc = field(&at, one, &sets[n]);
        any[n] = one[0] == '*';
        cl_free(one);
        if (rc < 0) {
            return -1;
        }
        p += len;
    }
    if (n != N_FIELDS || *p != '\0') {
        (void)cl_format(why, why_size,
                        "must have five fields: minute, hour, day of the month, month, day of the "
                        "week, such as \"0 2 * * mon-fri\"");
        return -1;
    }
    *ret = (struct cl_cron){.minutes = sets[0],
                            .hours = (uint32_t)sets[1],
                            .days = (uint32_t)sets[2],
                            .months = (uint32_t)sets[3],
                            .weekdays = (uint32_t)((sets[4] | sets[4] >> 7) & 0x7f),
                            .any_day = any[2],
                            .any_weekday = any[4]};
    return 0;
}

static bool has_day(const struct cl_cron *c, int64_t days)
{
    struct cl_civil d = cl_civil_date(days);
    bool by_date = (c->days >> d.day & 1) != 0;
    bool by_weekday = (c->weekdays >> d.weekday & 1) != 0;

    if ((c->months >> d.month & 1) == 0) {
        return false;
    }
    return c->any_day || c->any_weekday ? by_date && by_weekday : by_date || by_weekday;
}

static cl_time to_utc(const struct cl_tz *zone, int64_t local)
{
    return (zone != NULL ? cl_tz_to_utc(zone, local) : local) * CL_SECOND;
}

/* The first moment of that day which is after @after, or CL_NEVER. A day may be out of order around a
 * jump of the clock, so that the smallest counts. */
static cl_time in_day(const struct cl_cron *c, const struct cl_tz *zone, int64_t days,
                      cl_time after)
{
    cl_time best = CL_NEVER;

    for (unsigned h = 0; h < 24; h++) {
        for (unsigned m = 0; m < 60 && (c->hours >> h & 1) != 0; m++) {
            if ((c->minutes >> m & 1) != 0) {
                cl_time t = to_utc(zone, days * DAY_SECONDS + (int64_t)(h * 60 + m) * 60);
                best = t > after && t < best ? t : best;
            }
        }
    }
    return best;
}

cl_time cl_cron_next(const struct cl_cron *c, const struct cl_tz *zone, cl_time after)
{
    int64_t day = after / CL_DAY - 2; /* offsets are at most 26 hours */

    for (int64_t end = day + DAYS_AHEAD; day < end; day++) {
        cl_time t = has_day(c, day) ? in_day(c, zone, day, after) : CL_NEVER;
        if (t != CL_NEVER) {
            return t;
        }
    }
    return CL_NEVER;
}
