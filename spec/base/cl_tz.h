/* SPDX-License-Identifier: Apache-2.0 */
/* cl_tz: time zones: wall clocks to UTC and back, from TZif bytes (RFC 8536) or a POSIX TZ text. Pure:
 * whoever reads the file hands the bytes in. */
#ifndef CL_TZ_H
#define CL_TZ_H

#include <stddef.h>
#include <stdint.h>

struct cl_tz;

/** Version 2 or later, with its footer for the far future. Returns an owned zone, NULL if the bytes
 *  are not one. */
struct cl_tz *cl_tz_parse(const void *data, size_t len);
/** "UTC", "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX.1-2017 8.3, with the longer times of RFC 8536 3.3.1).
 *  Returns an owned zone, or NULL. */
struct cl_tz *cl_tz_parse_posix(const char *text);
void cl_tz_destroy(struct cl_tz *z); /* NULL is fine */

/** Seconds to add to UTC (seconds since the epoch) for the wall clock. */
int32_t cl_tz_offset(const struct cl_tz *z, int64_t utc);
/** The UTC of a wall clock time, both in seconds since 1970-01-01 00:00 of their clock. What the
 *  clock shows twice is the first time; what it skips is the moment of the jump. */
int64_t cl_tz_to_utc(const struct cl_tz *z, int64_t local);

/** Days since 1970-01-01 of a date of the Gregorian calendar; @month from 1. */
int64_t cl_civil_days(int64_t year, unsigned month, unsigned day);
struct cl_civil {
    int64_t year;
    unsigned month, day, weekday; /* from 1, from 1, 0 = Sunday */
};
struct cl_civil cl_civil_date(int64_t days);

#endif
