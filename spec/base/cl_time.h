/* SPDX-License-Identifier: Apache-2.0 */
/* cl_time: points in time and durations in milliseconds. Pure: nothing here reads a clock. */
#ifndef CL_TIME_H
#define CL_TIME_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since the epoch (UTC), or a duration in milliseconds. 0 means "not set". */
typedef int64_t cl_time;

#define CL_NEVER INT64_MAX
#define CL_MS ((cl_time)1)
#define CL_SECOND ((cl_time)1000)
#define CL_MINUTE (60 * CL_SECOND)
#define CL_HOUR (60 * CL_MINUTE)
#define CL_DAY (24 * CL_HOUR)

#define CL_TIME_TEXT 32     /* "2026-11-24T10:42:28Z" and its NUL */
#define CL_DURATION_TEXT 48 /* "2160h0m0s" and the like */

/** @t + @delta, saturating at CL_NEVER and 0; CL_NEVER stays CL_NEVER. */
cl_time cl_time_add(cl_time t, cl_time delta);
cl_time cl_time_min(cl_time a, cl_time b);
cl_time cl_time_max(cl_time a, cl_time b);

/** Writes RFC 3339 UTC with seconds ("" for 0, "never" for CL_NEVER) and returns @buf. */
const char *cl_time_format(cl_time t, char buf[CL_TIME_TEXT]);
/** Parses RFC 3339 (any offset, optional fraction). Returns 0, or -1 if @s is not one. */
int cl_time_parse(const char *s, cl_time *ret);
/** Parses an HTTP-date in its three forms (RFC 9110 5.6.7). Returns 0 or -1. */
int cl_time_parse_http(const char *s, cl_time *ret);
/** Parses Retry-After: delta-seconds or HTTP-date (RFC 9110 10.2.3); result is absolute. */
int cl_time_parse_retry_after(const char *s, cl_time now, cl_time *ret);

/** Parses a Go duration ("2160h", "1h30m", "250ms") or with days ("90d"). Not negative. */
int cl_duration_parse(const char *s, cl_time *ret);
/** Shortest exact form in d, h, m, s, ms, e.g. "90d", "1h30m". Returns @buf. */
const char *cl_duration_format(cl_time d, char buf[CL_DURATION_TEXT]);

#endif
