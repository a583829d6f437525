/* SPDX-License-Identifier: Apache-2.0 */
/* cl_err: filling, wrapping and naming errors. Arguments may point into the error that is being
 * filled, so texts are formatted beside it first. */
#include "spec/base/cl_err.h"

#include "spec/base/cl_str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const KIND_NAMES[CL_ERR_KINDS] = {
    [CL_ERR_NONE] = "None",
    [CL_ERR_TRANSIENT] = "Transient",
    [CL_ERR_BUSY] = "Busy",
    [CL_ERR_RATE_LIMITED] = "RateLimited",
    [CL_ERR_VALIDATION] = "Validation",
    [CL_ERR_LOCAL] = "Local",
    [CL_ERR_PERMANENT] = "Permanent",
    [CL_ERR_BAD_RESULT] = "BadResult",
    [CL_ERR_SPEC] = "Spec",
    [CL_ERR_CANCELLED] = "Cancelled",
    [CL_ERR_INTERNAL] = "Internal",
};

const char *cl_err_kind_name(enum cl_err_kind kind)
{
    return (unsigned)kind < CL_ERR_KINDS ? KIND_NAMES[kind] : "Internal";
}

enum cl_err_kind cl_err_kind_from_name(const char *name)
{
    for (int i = 0; name != NULL && i < CL_ERR_KINDS; i++) {
        if (strcmp(name, KIND_NAMES[i]) == 0) {
            return (enum cl_err_kind)i;
        }
    }
    return CL_ERR_NONE;
}

static void fill(struct cl_err *err, enum cl_err_kind kind, const char *reason, const char *text)
{
    char reason_copy[CL_ERR_REASON];

    (void)cl_format(reason_copy, sizeof(reason_copy), "%s", reason);
    memset(err, 0, sizeof(*err));
    err->kind = kind;
    memcpy(err->reason, reason_copy, sizeof(reason_copy));
    (void)cl_format(err->text, sizeof(err->text), "%s", text);
}

int cl_fail(struct cl_err *err, enum cl_err_kind kind, const char *reason, const char *fmt, ...)
{
    char text[CL_ERR_TEXT];
    va_list ap;

    if (err != NULL) {
        va_start(ap, fmt);
        (void)cl_formatv(text, sizeof(text), fmt, ap);
        va_end(ap);
        fill(err, kind, reason, text);
    }
    return -1;
}

void cl_wrap(struct cl_err *err, const char *fmt, ...)
{
    char context[CL_ERR_TEXT];
    char text[2 * CL_ERR_TEXT + 2];
    va_list ap;

    if (err == NULL) {
        return;
    }
    va_start(ap, fmt);
    (void)cl_formatv(context, sizeof(context), fmt, ap);
    va_end(ap);
    (void)cl_format(text, sizeof(text), "%s: %s", context, err->text);
    (void)cl_format(err->text, sizeof(err->text), "%s", text);
}

int cl_fail_errno(struct cl_err *err, int errnum, const char *reason, const char *fmt, ...)
{
    char context[CL_ERR_TEXT];
    char text[2 * CL_ERR_TEXT];
    char why[128];
    va_list ap;

    if (err != NULL) {
        va_start(ap, fmt);
        (void)cl_formatv(context, sizeof(context), fmt, ap);
        va_end(ap);
        (void)cl_format(text, sizeof(text), "%s: %s", context,
                        strerror_r(errnum, why, sizeof(why)));
        fill(err, CL_ERR_LOCAL, reason, text);
    }
    return -1;
}
