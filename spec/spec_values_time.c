/* SPDX-License-Identifier: Apache-2.0 */
/* spec_values_time: cron fields, names of time zones, instants. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_cron.h"
#include "spec/spec_values.h"

#include <string.h>

char *value_cron(const char *text, char *why, size_t why_size)
{
    struct cl_cron c;

    return cl_cron_parse(text, &c, why, why_size) == 0 ? cl_strdup(text) : NULL;
}

/* Whether there is such a zone is asked of the machine, elsewhere. */
char *value_timezone(const char *text, char *why, size_t why_size)
{
    static const char LETTERS[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    struct cl_tz *posix = cl_tz_parse_posix(text);
    bool name = text[0] != '\0' && text[0] != '/' && strspn(text, LETTERS) == strlen(text);

    if (posix == NULL && !name) {
        (void)cl_format(why, why_size,
                        "must be a name of the tz database, such as Europe/Berlin, or UTC");
        return NULL;
    }
    cl_tz_destroy(posix);
    return cl_strdup(text);
}

char *value_instant(const char *text, char *why, size_t why_size)
{
    cl_time t;
    char utc[CL_TIME_TEXT];

    if (cl_time_parse(text, &t) < 0) {
        (void)cl_format(why, why_size,
                        "must be a date and time as in RFC 3339, such as 2026-12-01T02:00:00Z");
        return NULL;
    }
    return cl_strdup(cl_time_format(t, utc));
}
