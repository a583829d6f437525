/* SPDX-License-Identifier: Apache-2.0 */
/* cl_cron: the five fields of cron: minute, hour, day of the month, month, day of the week. Lists,
 * ranges, steps, names of months and days; 0 and 7 are Sunday. If both days are restricted, either
 * will do, as cron has it. Pure. */
#ifndef CL_CRON_H
#define CL_CRON_H

#include "spec/base/cl_time.h"
#include "spec/base/cl_tz.h"

#include <stdbool.h>

struct cl_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* bit N = value N */
    bool any_day, any_weekday;
};
/** 0, or -1 and a reason in @why. */
int cl_cron_parse(const char *text, struct cl_cron *ret, char *why, size_t why_size);
/** The first time after @after at which it is due in @zone (NULL = UTC); CL_NEVER if there is none
 *  within nine years (31 February). A time that the clock skips is due at the jump; one that it shows
 *  twice is due the first time. */
cl_time cl_cron_next(const struct cl_cron *c, const struct cl_tz *zone, cl_time after);

#endif
