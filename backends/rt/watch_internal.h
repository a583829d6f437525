/* SPDX-License-Identifier: Apache-2.0 */
/* watch_internal: the state shared by watch.c (directories, timers, fallback), watch_path.c (marks
 * along a path) and watch_event.c (what an event means). Tests feed events through it. */
#ifndef WATCH_INTERNAL_H
#define WATCH_INTERNAL_H

#include "backends/rt/watch.h"

#include <stddef.h>
#include <stdint.h>

struct watch_dir {
    char *path; /* as given */
    bool removed;
    bool armed; /* the directory exists and is watched */
    uint64_t dev, ino;
    bool polling;
    char reason[160];
    bool pending;     /* something on the way to it changed: look again */
    unsigned looks;   /* in quick succession */
    cl_time armed_at; /* of the last look */
    cl_time retry_at; /* polling: when to try inotify again */
    struct loop_timer timer;
    struct watch *watch;
};

/* One reason to have an inotify watch. Several marks may share one watch descriptor. */
struct watch_mark {
    int wd; /* -1 = unused */
    struct watch_dir *dir;
    bool is_dir; /* of the directory itself; else of an ancestor */
    bool is_old; /* to be dropped once the new ones are there */
    uint32_t mask;
    char *name; /* ancestor: the entry that matters, NULL = only the ancestor itself */
};

struct watch {
    struct loop *loop;
    watch_fn fn;
    void *user;
    int fd; /* -1: no inotify instance to be had */
    struct loop_fd *io;
    struct watch_dir **dirs;
    size_t dirs_len, dirs_cap;
    struct watch_mark *marks;
    size_t marks_len, marks_cap;
    bool dispatching; /* nothing is freed meanwhile */
    unsigned long overflows, rearms;
};

/* watch_path.c */
enum watch_walk {
    WATCH_WALK_ARMED,
    WATCH_WALK_MISSING,
    WATCH_WALK_FAILED /* poll; reason is set */
};
/** Puts marks on everything that decides where @d->path leads, and on the directory there; drops
 *  the marks that it had. Sets d->dev and d->ino. */
enum watch_walk watch_walk(struct watch *w, struct watch_dir *d);
/** Drops all marks of @d, or those of everyone that the kernel has dropped (@wd >= 0). */
void watch_drop_marks(struct watch *w, const struct watch_dir *d);
/** Gives up the room of dropped marks, unless someone iterates. */
void watch_compact_marks(struct watch *w);
void watch_forget_wd(struct watch *w, int wd);

/* watch_event.c */
/** Handles a buffer as read(2) gives it. */
void watch_handle_events(struct watch *w, const char *buf, size_t len);

/* watch.c */
/** Emits, unless the directory was removed by an earlier callback. */
void watch_emit(struct watch *w, const struct watch_dir *d, const char *name, enum watch_hint hint);

#endif
