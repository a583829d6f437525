/* SPDX-License-Identifier: Apache-2.0 */
/* watch: inotify on directories, by its own descriptor. Events are hints; truth is what a scan
 * finds. Falls back to polling hints where inotify cannot be trusted or had. */
#ifndef WATCH_H
#define WATCH_H

#include "backends/rt/loop.h"

enum watch_hint {
    WATCH_WRITTEN, /* complete: IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE of a symlink or hard link */
    WATCH_TOUCHED, /* IN_CREATE or IN_MODIFY of a file that is still open for writing, IN_ATTRIB */
    WATCH_GONE,    /* IN_DELETE, IN_MOVED_FROM */
    WATCH_RESCAN   /* anything may have changed: overflow, a ..name, self event, re-arm, poll */
};
/** @dir is the directory as given to watch_add; @name the entry, NULL for WATCH_RESCAN. */
typedef void (*watch_fn)(void *user, const char *dir, const char *name, enum watch_hint hint);

struct watch;
struct watch *watch_create(struct loop *l, watch_fn fn, void *user);
void watch_destroy(struct watch *w); /* NULL is fine */
/**
 * Watches the entries of @dir. If it does not exist, is a symlink, or goes away, its nearest
 * existing ancestors are watched too, and a WATCH_RESCAN comes when the path leads elsewhere or
 * back (re-armed with 1 s to 20 s backoff). Never fails: on network file systems, ENOSPC or EMFILE
 * it polls (a WATCH_RESCAN every 10 s) and retries hourly.
 * The caller scans after the first call, which emits nothing. Adding a directory again checks that
 * it is still the one that is watched: call it with each periodic scan, since a mount raises no
 * event (no WATCH_RESCAN comes of it: the caller is about to scan).
 */
void watch_add(struct watch *w, const char *dir);
void watch_remove(struct watch *w, const char *dir);
struct watch_info {
    bool polling;     /* some directory is polled */
    char reason[160]; /* why, for people: "max_user_watches reached (fs.inotify...)" */
    unsigned long overflows, rearms;
};
void watch_info(const struct watch *w, struct watch_info *ret);

#endif
