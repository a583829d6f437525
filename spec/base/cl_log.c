/* SPDX-License-Identifier: Apache-2.0 */
/* cl_log: formats one line and hands it to the sink. Secrets are masked over the whole line before
 * anything is cut or escaped, or half of one could stay behind. The sink is process-wide. */
#include "spec/base/cl_log.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <stdarg.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)64 << 10)
#define SECRET_MIN 8u
#define MASK "***"

static struct {
    cl_log_sink sink;
    void *user;
    enum cl_log_level most_verbose;
    struct cl_strv secrets;
} logger;

static const char *const LEVELS[] = {
    [CL_LOG_ERROR] = "error", [CL_LOG_WARNING] = "warning", [CL_LOG_NOTICE] = "notice",
    [CL_LOG_INFO] = "info",   [CL_LOG_DEBUG] = "debug",
};

void cl_log_set_sink(cl_log_sink sink, void *user, enum cl_log_level most_verbose)
{
    logger.sink = sink;
    logger.user = user;
    logger.most_verbose = most_verbose;
}

bool cl_log_enabled(enum cl_log_level level)
{
    return logger.sink != NULL && level <= logger.most_verbose;
}

void cl_log(enum cl_log_level level, const char *object, const char *reason, const char *fmt, ...)
{
    struct cl_buf line;
    va_list ap;

    if (!cl_log_enabled(level)) {
        return;
    }
    cl_buf_init_secret(&line, LINE_MAX_BYTES); /* it may hold what is about to be masked */
    va_start(ap, fmt);
    int rc = cl_buf_addv(&line, fmt, ap);
    va_end(ap);
    if (rc < 0) {
        (void)cl_buf_adds(&line, "(message of more than 64 KiB left out)");
    }
    cl_log_redact(line.data);
    char *clean = cl_clean_dup(line.data, strlen(line.data));
    logger.sink(logger.user, level, object != NULL ? object : "", reason != NULL ? reason : "",
                clean);
    cl_free(clean);
    cl_buf_deinit(&line);
}

void cl_log_mask(const char *secret)
{
    if (secret != NULL && strlen(secret) >= SECRET_MIN && !cl_strv_has(&logger.secrets, secret)) {
        cl_strv_add(&logger.secrets, secret);
    }
}

void cl_log_forget(void)
{
    cl_strv_deinit(&logger.secrets);
    memset(&logger.secrets, 0, sizeof(logger.secrets));
}

static void redact_one(char *text, const char *secret)
{
    size_t n = strlen(secret);
    char *out = strstr(text, secret);
    const char *rest = out;

    if (out == NULL) {
        return;
    }
    for (const char *hit = out; hit != NULL; hit = strstr(rest, secret)) {
        memmove(out, rest, (size_t)(hit - rest));
        out += hit - rest;
        memcpy(out, MASK, sizeof(MASK) - 1);
        out += sizeof(MASK) - 1;
        rest = hit + n;
    }
    memmove(out, rest, strlen(rest) + 1);
}

void cl_log_redact(char *text)
{
    cl_strv_for_each(secret, &logger.secrets) {
        redact_one(text, secret);
    }
}

int cl_log_level_parse(const char *name, enum cl_log_level *ret)
{
    for (size_t i = 0; name != NULL && i < sizeof(LEVELS) / sizeof(LEVELS[0]); i++) {
        if (strcmp(name, LEVELS[i]) == 0) {
            *ret = (enum cl_log_level)i;
            return 0;
        }
    }
    return -1;
}
