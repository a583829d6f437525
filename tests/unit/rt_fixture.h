/* SPDX-License-Identifier: Apache-2.0 */
/* rt_fixture: a loop, a temporary directory, and waiting for a condition with a deadline. Only for
 * tests/unit/test_rt_*.c. */
#ifndef RT_FIXTURE_H
#define RT_FIXTURE_H

#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RT_DEADLINE (20 * CL_SECOND)

struct rt {
    struct loop *loop;
    char dir[64]; /* a fresh directory */
    struct loop_timer guard;
    struct loop_timer tick;
    bool late;
};

static inline int rt_setup(void **state)
{
    struct rt *rt = cl_new(struct rt);

    (void)umask(022);
    (void)snprintf(rt->dir, sizeof rt->dir, "/tmp/certloop-rt-XXXXXX");
    assert_non_null(mkdtemp(rt->dir));
    rt->loop = loop_create();
    *state = rt;
    return 0;
}

static inline int rt_teardown(void **state)
{
    struct rt *rt = *state;
    struct cl_err err = {0};
    struct disk_batch *b = disk_batch_create();

    disk_batch_remove_tree(b, rt->dir);
    assert_int_equal(disk_commit_now(b, &err), 0);
    loop_timer_stop(rt->loop, &rt->guard);
    loop_timer_stop(rt->loop, &rt->tick);
    loop_destroy(rt->loop);
    cl_free(rt);
    return 0;
}

static inline void rt_guard(struct loop_timer *t)
{
    struct rt *rt = t->user;

    rt->late = true;
    loop_stop(rt->loop);
}

static inline void rt_tick(struct loop_timer *t)
{
    struct rt *rt = t->user;

    loop_stop(rt->loop);
}

/** Runs the loop until holds(user); fails after RT_DEADLINE. */
static inline void rt_wait(struct rt *rt, bool (*holds)(void *user), void *user)
{
    rt->late = false;
    loop_at(rt->loop, &rt->guard, loop_now(rt->loop) + RT_DEADLINE, rt_guard, rt);
    while (!holds(user) && !rt->late) {
        loop_at(rt->loop, &rt->tick, loop_now(rt->loop) + 5, rt_tick, rt);
        loop_run(rt->loop);
    }
    loop_timer_stop(rt->loop, &rt->guard);
    loop_timer_stop(rt->loop, &rt->tick);
    if (rt->late) {
        fail_msg("what the test waits for did not come in time");
    }
}

static inline void rt_turn_fn(struct loop_task *t)
{
    loop_stop(t->user);
}

/** Some turns of the loop. */
static inline void rt_turns(struct rt *rt, int turns)
{
    for (int i = 0; i < turns; i++) {
        struct loop_task task = {0};
        loop_defer(rt->loop, &task, rt_turn_fn, rt->loop);
        loop_run(rt->loop);
    }
}

/** DIR/NAME; one of a few static buffers, so that two fit into one call. */
static inline const char *rt_path(const struct rt *rt, const char *name)
{
    static char bufs[8][256];
    static unsigned next;
    char *buf = bufs[next++ % COUNT(bufs)];

    (void)snprintf(buf, sizeof bufs[0], "%s/%s", rt->dir, name);
    return buf;
}

/** Writes by open, write, close: what an editor or cp does. */
static inline void rt_put(const struct rt *rt, const char *name, const char *text)
{
    int fd = open(rt_path(rt, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static inline void assert_file(const struct rt *rt, const char *name, const char *text)
{
    struct cl_buf b;
    struct cl_err err = {0};

    if (disk_read(rt_path(rt, name), 1 << 20, &b, NULL, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    assert_string_equal(cl_buf_str(&b), text);
    cl_buf_deinit(&b);
}

static inline bool rt_exists(const struct rt *rt, const char *name)
{
    struct stat st;

    return lstat(rt_path(rt, name), &st) == 0;
}

/** The number of entries of a directory: temporary files left behind would count. */
static inline size_t rt_entries(const struct rt *rt, const char *name)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};

    assert_int_equal(disk_list(rt_path(rt, name), &names, &err), 0);
    size_t n = names.len;
    cl_strv_deinit(&names);
    return n;
}

/* An op whose end is recorded. */
struct rt_op {
    struct cl_op op;
    unsigned done;
    bool failed;
    struct cl_err err;
};

static inline void rt_op_done(struct cl_op *op, const struct cl_err *err)
{
    struct rt_op *r = op->user;

    r->done++;
    r->failed = err != NULL;
    if (err != NULL) {
        r->err = *err;
    }
}

static inline struct cl_op *rt_op(struct rt_op *r)
{
    memset(r, 0, sizeof *r);
    r->op.done = rt_op_done;
    r->op.user = r;
    return &r->op;
}

static inline bool rt_op_is_done(void *user)
{
    return ((struct rt_op *)user)->done > 0;
}

/** For calls that end with an error argument: the macro supplies it. */
#define assert_ok(call, ...)                            \
    do {                                                \
        struct cl_err err_ = {0};                       \
        if (call(__VA_ARGS__, &err_) < 0) {             \
            fail_msg("%s: %s", err_.reason, err_.text); \
        }                                               \
    } while (0)
#define assert_refused(reason_, call, ...)              \
    do {                                                \
        struct cl_err err_ = {0};                       \
        assert_int_equal(call(__VA_ARGS__, &err_), -1); \
        assert_string_equal(err_.reason, reason_);      \
    } while (0)

#endif
