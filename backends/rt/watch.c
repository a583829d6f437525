/* SPDX-License-Identifier: Apache-2.0 */
/* watch: the directories, and when they are looked at again. After events on the way to a directory
 * its path is walked anew at once; paths that flap are held back 1 s to 20 s. What inotify cannot
 * see (network file systems) or may not watch (limits) is polled. After every new walk the caller
 * gets a WATCH_RESCAN: first the watch, then the scan. */
#include "backends/rt/watch.h"

#include "backends/rt/disk.h"
#include "backends/rt/watch_internal.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { READ_SIZE = 16384, READS_MAX = 64 /* for each turn */, LOOKS_AT_ONCE = 4 };
static const cl_time BACKOFF_FIRST = CL_SECOND;
static const cl_time BACKOFF_LAST = 20 * CL_SECOND;
static const cl_time POLL_PERIOD = 10 * CL_SECOND;
static const cl_time INOTIFY_RETRY = CL_HOUR;

static void timer_due(struct loop_timer *t);

void watch_emit(struct watch *w, const struct watch_dir *d, const char *name, enum watch_hint hint)
{
    if (!d->removed) {
        w->fn(w->user, d->path, name, hint);
    }
}

/* ---- arming ---- */

static void start_timer(struct watch *w, struct watch_dir *d, cl_time delay)
{
    loop_at(w->loop, &d->timer, cl_time_add(loop_now(w->loop), delay), timer_due, d);
}

static void poll_instead(struct watch *w, struct watch_dir *d)
{
    watch_drop_marks(w, d);
    d->polling = true;
    d->armed = false;
    d->retry_at = cl_time_add(loop_now(w->loop), INOTIFY_RETRY);
    start_timer(w, d, POLL_PERIOD);
}

/* inotify_add_watch succeeds on network file systems, and then sees local changes only. */
static bool on_network(struct watch_dir *d)
{
    struct disk_fs_info fs;

    if (disk_fs_info(d->path, &fs, NULL) < 0 || fs.kind != DISK_FS_NETWORK) {
        return false;
    }
    (void)cl_format(d->reason, sizeof d->reason,
                    "%.80s is on %s, where inotify misses changes by others", d->path, fs.name);
    return true;
}

static int open_inotify(struct watch *w, struct watch_dir *d);

static void arm(struct watch *w, struct watch_dir *d)
{
    d->pending = false;
    d->polling = false;
    d->reason[0] = '\0';
    d->armed_at = loop_now(w->loop);
    loop_timer_stop(w->loop, &d->timer);
    if (on_network(d) || open_inotify(w, d) < 0) {
        poll_instead(w, d);
        return;
    }
    switch (watch_walk(w, d)) {
    case WATCH_WALK_ARMED:
        d->armed = true;
        if (on_network(d)) { /* mounted meanwhile */
            poll_instead(w, d);
        }
        break;
    case WATCH_WALK_MISSING:
        /* The marks tell when it comes; only a mount comes without an event. */
        d->armed = false;
        start_timer(w, d, BACKOFF_LAST);
        break;
    case WATCH_WALK_FAILED:
        poll_instead(w, d);
        break;
    }
}

static void rearm(struct watch *w, struct watch_dir *d)
{
    w->rearms++;
    arm(w, d);
    watch_emit(w, d, NULL, WATCH_RESCAN);
}

/* At once, but a path that keeps changing is held back: 1 s after some looks in a row, then twice
 * as long each time, up to 20 s. */
static void rearm_soon(struct watch *w, struct watch_dir *d)
{
    cl_time quiet = loop_now(w->loop) - d->armed_at;
    cl_time delay = 0;

    d->pending = false;
    if (quiet < 0 || quiet > BACKOFF_LAST) {
        d->looks = 0;
    }
    if (d->looks >= LOOKS_AT_ONCE) {
        delay = BACKOFF_FIRST << (d->looks - LOOKS_AT_ONCE < 5 ? d->looks - LOOKS_AT_ONCE : 5);
        delay = cl_time_min(delay, BACKOFF_LAST) - quiet;
    }
    if (delay > 0) {
        start_timer(w, d, delay);
        return;
    }
    d->looks++;
    rearm(w, d);
}

static void timer_due(struct loop_timer *t)
{
    struct watch_dir *d = t->user;
    struct watch *w = d->watch;
    struct disk_stat st;

    if (d->polling && loop_now(w->loop) < d->retry_at) {
        start_timer(w, d, POLL_PERIOD);
        watch_emit(w, d, NULL, WATCH_RESCAN);
    } else if (d->polling || d->armed || disk_stat(d->path, &st, NULL) < 0 ||
               st.type != DISK_NONE) {
        d->looks++; /* held back once more, if it goes on like that */
        rearm(w, d);
    } else {
        start_timer(w, d, BACKOFF_LAST); /* still missing */
    }
}

/* ---- events ---- */

static void free_dir(struct watch_dir *d)
{
    cl_free(d->path);
    cl_free(d);
}

static void sweep(struct watch *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->dirs_len; i++) {
        if (w->dirs[i]->removed) {
            free_dir(w->dirs[i]);
        } else {
            w->dirs[n++] = w->dirs[i];
        }
    }
    w->dirs_len = n;
    watch_compact_marks(w);
}

static void read_events(void *user, int fd, unsigned ready)
{
    struct watch *w = user;
    _Alignas(struct inotify_event) char buf[READ_SIZE];

    (void)ready;
    w->dispatching = true;
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t n = read(fd, buf, sizeof buf);
        if (n <= 0) {
            break; /* EAGAIN; EINTR comes again with the next turn */
        }
        watch_handle_events(w, buf, (size_t)n);
    }
    for (size_t i = 0; i < w->dirs_len; i++) {
        if (w->dirs[i]->pending && !w->dirs[i]->removed) {
            rearm_soon(w, w->dirs[i]);
        }
    }
    w->dispatching = false;
    sweep(w);
}

static int open_inotify(struct watch *w, struct watch_dir *d)
{
    if (w->fd >= 0) {
        return 0;
    }
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0) {
        struct cl_err why = {0};
        (void)cl_fail_errno(&why, errno, "WatchFailed", "no inotify instance");
        (void)cl_format(d->reason, sizeof d->reason,
                        "%.80s; raise the sysctl fs.inotify.max_user_instances", why.text);
        return -1;
    }
    w->io = loop_fd_watch(w->loop, w->fd, LOOP_READ, read_events, w);
    return 0;
}

/* ---- the interface ---- */

struct watch *watch_create(struct loop *l, watch_fn fn, void *user)
{
    struct watch *w = cl_new(struct watch);

    w->loop = l;
    w->fn = fn;
    w->user = user;
    w->fd = -1;
    return w;
}

void watch_destroy(struct watch *w)
{
    if (w == NULL) {
        return;
    }
    for (size_t i = 0; i < w->dirs_len; i++) {
        watch_drop_marks(w, w->dirs[i]);
        loop_timer_stop(w->loop, &w->dirs[i]->timer);
        free_dir(w->dirs[i]);
    }
    loop_fd_unwatch(w->io);
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
    cl_free(w->marks);
    cl_free(w->dirs);
    cl_free(w);
}

static struct watch_dir *find(const struct watch *w, const char *dir)
{
    for (size_t i = 0; i < w->dirs_len; i++) {
        if (!w->dirs[i]->removed && cl_streq(w->dirs[i]->path, dir)) {
            return w->dirs[i];
        }
    }
    return NULL;
}

/* Mounting over a directory, for one, raises no event: the caller's own scan finds out. */
static void check_again(struct watch *w, struct watch_dir *d)
{
    struct disk_stat st;
    bool there = disk_stat(d->path, &st, NULL) == 0 && st.type == DISK_DIR;

    if (!d->polling && (there != d->armed || (there && (st.dev != d->dev || st.ino != d->ino)))) {
        w->rearms++;
        arm(w, d);
    }
}

void watch_add(struct watch *w, const char *dir)
{
    struct watch_dir *d = find(w, dir);

    if (d != NULL) {
        check_again(w, d);
        return;
    }
    d = cl_new(struct watch_dir);
    d->path = cl_strdup(dir);
    d->watch = w;
    if (w->dirs_len == w->dirs_cap) {
        w->dirs_cap = w->dirs_cap == 0 ? 8 : w->dirs_cap * 2;
        w->dirs = cl_reallocarray(w->dirs, w->dirs_cap, sizeof(struct watch_dir *));
    }
    w->dirs[w->dirs_len++] = d;
    arm(w, d);
}

void watch_remove(struct watch *w, const char *dir)
{
    struct watch_dir *d = find(w, dir);

    if (d == NULL) {
        return;
    }
    watch_drop_marks(w, d);
    loop_timer_stop(w->loop, &d->timer);
    d->removed = true;
    if (!w->dispatching) {
        sweep(w);
    }
}

void watch_info(const struct watch *w, struct watch_info *ret)
{
    *ret = (struct watch_info){.overflows = w->overflows, .rearms = w->rearms};
    for (size_t i = 0; i < w->dirs_len; i++) {
        if (w->dirs[i]->polling && !w->dirs[i]->removed && !ret->polling) {
            ret->polling = true;
            (void)cl_format(ret->reason, sizeof ret->reason, "%s", w->dirs[i]->reason);
        }
    }
}
