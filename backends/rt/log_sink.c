/* SPDX-License-Identifier: Apache-2.0 */
/* log_sink: one write(2) a line on standard error. cl_log has masked secrets and escaped control
 * characters already. Under journald the line starts with <N> (sd-daemon(3)) and has no time of its
 * own; whether standard error leads there is said by JOURNAL_STREAM=DEVICE:INODE. */
#include "backends/rt/log_sink.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 64 * 1024, STALL_MS = 100 };

struct sink {
    bool json;
    bool journal;
};

static const struct {
    char priority; /* syslog(3) */
    const char *name;
} LEVELS[] = {
    [CL_LOG_ERROR] = {'3', "error"},   [CL_LOG_WARNING] = {'4', "warning"},
    [CL_LOG_NOTICE] = {'5', "notice"}, [CL_LOG_INFO] = {'6', "info"},
    [CL_LOG_DEBUG] = {'7', "debug"},
};

static void add_now(struct cl_buf *line)
{
    char text[CL_TIME_TEXT];
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    (void)cl_buf_adds(line, cl_time_format((cl_time)ts.tv_sec * CL_SECOND, text));
}

static void add_json_string(struct cl_buf *line, const char *s)
{
    (void)cl_buf_adds(line, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            (void)cl_buf_addf(line, "\\%c", c);
        } else if (c < 0x20) {
            (void)cl_buf_addf(line, "\\u%04x", (unsigned)c);
        } else {
            (void)cl_buf_add(line, s, 1);
        }
    }
    (void)cl_buf_adds(line, "\"");
}

static void format_json(struct cl_buf *line, const char *level, const char *object,
                        const char *reason, const char *text)
{
    (void)cl_buf_adds(line, "{\"time\":\"");
    add_now(line);
    (void)cl_buf_addf(line, "\",\"level\":\"%s\",\"object\":", level);
    add_json_string(line, object);
    (void)cl_buf_adds(line, ",\"reason\":");
    add_json_string(line, reason);
    (void)cl_buf_adds(line, ",\"message\":");
    add_json_string(line, text);
    (void)cl_buf_adds(line, "}");
}

static void format_text(struct cl_buf *line, const char *level, const char *object,
                        const char *reason, const char *text)
{
    add_now(line);
    (void)cl_buf_addf(line, " %s", level);
    if (object[0] != '\0') {
        (void)cl_buf_addf(line, " %s", object);
    }
    if (reason[0] != '\0') {
        (void)cl_buf_addf(line, " %s", reason);
    }
    (void)cl_buf_addf(line, ": %s", text);
}

/* The journal has time and level already; fields by name are what people search for there. */
static void format_journal(struct cl_buf *line, const char *object, const char *reason,
                           const char *text)
{
    (void)cl_buf_adds(line, text);
    if (object[0] != '\0') {
        (void)cl_buf_addf(line, " object=%s", object);
    }
    if (reason[0] != '\0') {
        (void)cl_buf_addf(line, " reason=%s", reason);
    }
}

/* A reader of standard error that stalls may cost a line, never the daemon. */
static void write_line(const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, p, len);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
            if (poll(&fd, 1, STALL_MS) <= 0) {
                return;
            }
        } else if (n == 0 || errno != EINTR) {
            return;
        }
    }
}

static void sink_line(void *user, enum cl_log_level level, const char *object, const char *reason,
                      const char *text)
{
    const struct sink *s = user;
    struct cl_buf line;

    object = object == NULL ? "" : object;
    reason = reason == NULL ? "" : reason;
    cl_buf_init(&line, LINE_MAX_LEN);
    if (s->journal) {
        (void)cl_buf_addf(&line, "<%c>", LEVELS[level].priority);
    }
    if (s->json) {
        format_json(&line, LEVELS[level].name, object, reason, text);
    } else if (s->journal) {
        format_journal(&line, object, reason, text);
    } else {
        format_text(&line, LEVELS[level].name, object, reason, text);
    }
    (void)cl_buf_adds(&line, "\n");
    write_line(cl_buf_str(&line), line.len);
    cl_buf_deinit(&line);
}

static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char here[64];

    return stream != NULL && fstat(STDERR_FILENO, &st) == 0 &&
           cl_format(here, sizeof here, "%llu:%llu", (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino) == 0 &&
           cl_streq(here, stream);
}

void log_sink_open(bool json, enum cl_log_level most_verbose)
{
    struct sink *s = cl_new(struct sink); /* lives as long as the process */

    s->json = json;
    s->journal = stderr_is_journal();
    cl_log_set_sink(sink_line, s, most_verbose);
}
