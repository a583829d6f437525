/* SPDX-License-Identifier: Apache-2.0 */
/* dns_time: points in time as the text that a signature wants. */
#ifndef DNS_TIME_H
#define DNS_TIME_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_time.h"

#include <stddef.h>

/**
 * Writes @t after a pattern of strftime(3): %Y %y %m %d %e %j %H %I %M %S %p %a %A %b %B %F %T
 * %w %%, and %s (seconds), %f (milliseconds, 3 digits), in English. @zone: "UTC", "GMT", an offset as
 * "+08:00", or one of a few names whose rules are fixed by law (dns_time.c). 0, or -1
 * "ExpressionFailed".
 */
int dns_time_format(cl_time t, const char *pattern, const char *zone, char *buf, size_t size,
                    struct cl_err *err);

#endif
