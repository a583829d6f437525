/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_file: a heading, then "FULL-AT BLOCKED-UNTIL KIND HOST ACCOUNT KEY" for each change, times in
 * milliseconds. One write runs at a time: an append, or the whole file anew when most lines are old. */
#include "reconciler/ledger_file.h"

#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "reconciler/core/ledger_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define HEADING "certloop-ledger 1\n"
#define FILE_MAX ((size_t)256 << 20)
#define OLD_LINES 2000u /* more of them than this, and than there are buckets: compact */
#define AGAIN_AFTER (10 * CL_SECOND)

struct waiter {
    struct cl_op *op;
    bool running; /* its changes are in the write that runs */
};
struct ledger_file {
    struct daemon *d;
    struct ledger *ledger;
    char *path;
    struct loop_task flush;
    struct loop_timer again;
    struct cl_op op;
    struct loose loose;
    bool exists, dirty, writing, failed;
    size_t lines;
    struct waiter *waiters;
    size_t n_waiters;
};

/* ---- reading ---- */

static int read_line(struct ledger *l, char *line)
{
    static const struct ca_limit UNKNOWN = {0};
    char *words[6];
    enum ledger_kind kind;
    uint64_t full = 0;
    uint64_t blocked = 0;
    char *p = line;

    for (size_t i = 0; i < 6; i++) {
        words[i] = p;
        p += strcspn(p, " ");
        if ((*p == '\0') != (i == 5)) {
            return -1;
        }
        if (i < 5) {
            *p++ = '\0';
        }
    }
    if (cl_parse_u64(words[0], INT64_MAX / 2, &full) < 0 ||
        cl_parse_u64(words[1], INT64_MAX / 2, &blocked) < 0 ||
        ledger_kind_parse(words[2], &kind) < 0) {
        return -1;
    }
    struct ledger_bucket *b = ledger_bucket(l, kind, words[3], words[4], words[5], &UNKNOWN);
    b->full_at = (cl_time)full;
    b->blocked_until = (cl_time)blocked;
    return 0;
}

static void read_all(struct ledger_file *f, char *text, struct cl_strv *problems)
{
    unsigned number = 0;
    char *next = NULL;

    for (char *line = text; *line != '\0'; line = next) {
        char *end = strchr(line, '\n');
        if (end == NULL) {
            break; /* the power went while it was written: it was not durable, nothing relied on it */
        }
        *end = '\0';
        next = end + 1;
        if (number++ == 0) {
            continue;
        }
        f->lines++;
        if (read_line(f->ledger, line) < 0) {
            cl_strv_take(problems, cl_printf("%s:%u: not understood, left out", f->path, number));
        }
    }
}

struct ledger_file *ledger_file_create(struct daemon *d, struct ledger *l, struct cl_strv *problems)
{
    struct ledger_file *f = cl_new(struct ledger_file);
    struct cl_buf text;
    struct cl_err err = {0};

    f->d = d;
    f->ledger = l;
    f->path = cl_printf("%s/ledger/buckets", d->paths.state);
    if (disk_read(f->path, FILE_MAX, &text, NULL, &err) == 0) {
        char *copy = cl_strndup(cl_buf_str(&text), text.len);
        cl_buf_deinit(&text);
        if (cl_str_starts(copy, HEADING)) {
            f->exists = true;
            read_all(f, copy, problems);
        } else {
            cl_strv_take(problems, cl_printf("%s: this is not a ledger of this version; begun anew",
                                             f->path));
        }
        cl_free(copy);
    } else if (!cl_streq(err.reason, "NotFound")) {
        cl_strv_add(problems, err.text);
    }
    return f;
}

void ledger_file_destroy(struct ledger_file *f)
{
    if (f == NULL) {
        return;
    }
    loop_task_cancel(&f->flush);
    loop_timer_stop(f->d->loop, &f->again);
    cl_free(f->waiters);
    cl_free(f->path);
    cl_free(f);
}

/* ---- writing ---- */

static void flush(struct ledger_file *f);

static void flush_task(struct loop_task *t)
{
    flush(t->user);
}

static void again_due(struct loop_timer *t)
{
    flush(t->user);
}

static void add_line(struct ledger_file *f, struct cl_buf *text, struct ledger_bucket *b,
                     cl_time now)
{
    cl_time full = b->reserved > 0 ? ledger_bucket_full(b, now) : b->full_at;
    (void)cl_buf_addf(text, "%lld %lld %s\n", (long long)full, (long long)b->blocked_until, b->id);
    cl_list_remove(&b->change);
    f->lines++;
}

static void end_waiters(struct ledger_file *f, const struct cl_err *err)
{
    struct waiter *old = f->waiters;
    size_t n = f->n_waiters;

    f->waiters = NULL;
    f->n_waiters = 0;
    for (size_t i = 0; i < n; i++) {
        if (!old[i].running) {
            f->waiters = cl_reallocarray(f->waiters, f->n_waiters + 1, sizeof *f->waiters);
            f->waiters[f->n_waiters++] = old[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (old[i].running) {
            cl_op_done(old[i].op, err);
        }
    }
    cl_free(old);
}

static void written(struct cl_op *op, const struct cl_err *err)
{
    struct ledger_file *f = op->user;

    f->writing = false;
    f->failed = err != NULL;
    daemon_loose_end(f->d, &f->loose);
    if (err != NULL) {
        cl_log(CL_LOG_ERROR, "", err->reason, "the ledger cannot be saved: %s", err->text);
        f->exists = false; /* the next write is of the whole */
        f->dirty = true;
    }
    end_waiters(f, err);
    if (f->dirty && err != NULL) {
        loop_at(f->d->loop, &f->again, loop_now(f->d->loop) + AGAIN_AFTER, again_due, f);
    } else if (f->dirty) {
        loop_defer(f->d->loop, &f->flush, flush_task, f);
    }
}

static void gather(struct ledger_file *f, bool whole, struct cl_buf *text)
{
    cl_time now = loop_now(f->d->loop);
    size_t pos = 0;
    void *value;

    if (whole) {
        (void)cl_buf_adds(text, HEADING);
        while (cl_map_next(&f->ledger->buckets, &pos, NULL, &value)) {
            struct ledger_bucket *b = value;
            if (b->full_at > now || b->reserved > 0 || !cl_list_empty(&b->change)) {
                add_line(f, text, b, now);
            }
        }
    }
    while (f->ledger->changes.next != NULL && !cl_list_empty(&f->ledger->changes)) {
        add_line(f, text, cl_container(f->ledger->changes.next, struct ledger_bucket, change), now);
    }
}

static void flush(struct ledger_file *f)
{
    struct cl_buf text;

    if (!f->dirty || f->writing) {
        return;
    }
    bool whole = !f->exists || f->lines > OLD_LINES + 2 * f->ledger->buckets.count;
    if (whole) {
        ledger_tidy(f->ledger, loop_now(f->d->loop));
        f->lines = 0;
    }
    cl_buf_init(&text, FILE_MAX);
    gather(f, whole, &text);
    f->dirty = false;
    f->writing = true;
    for (size_t i = 0; i < f->n_waiters; i++) {
        f->waiters[i].running = true;
    }
    f->op = (struct cl_op){.done = written, .user = f};
    daemon_loose(f->d, &f->loose, &f->op);
    if (whole) {
        struct disk_batch *batch = disk_batch_create();
        disk_batch_write(batch, f->path, cl_buf_str(&text), text.len, 0600, DISK_KEEP_ID,
                         DISK_KEEP_ID);
        f->exists = true;
        disk_commit(f->d->loop, batch, &f->op);
    } else {
        disk_append(f->d->loop, f->path, cl_buf_str(&text), text.len, &f->op);
    }
    cl_buf_deinit(&text);
}

void ledger_file_changed(struct ledger_file *f)
{
    if (!f->d->read_only) {
        f->dirty = true;
        loop_defer(f->d->loop, &f->flush, flush_task, f);
    }
}

bool ledger_file_sync(struct ledger_file *f, struct cl_op *op)
{
    if (!f->dirty && !f->writing) {
        return false;
    }
    f->waiters = cl_reallocarray(f->waiters, f->n_waiters + 1, sizeof *f->waiters);
    f->waiters[f->n_waiters++] = (struct waiter){.op = op, .running = f->writing && !f->dirty};
    return true;
}

bool ledger_file_busy(const struct ledger_file *f)
{
    return f->dirty && !f->failed;
}
