/* SPDX-License-Identifier: Apache-2.0 */
/* watch_path: a path leads through directories and links. Each place where another lookup result
 * would lead elsewhere gets a mark: on a plain directory its own move or removal is enough (quiet);
 * on the parent of a link or of something missing, events with that name. Each mark is set before
 * the place is looked at, so no change can fall in between. */
#include "backends/rt/disk.h"
#include "backends/rt/watch_internal.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40, TRIES = 3 };

#define SELF_MASK (IN_DELETE_SELF | IN_MOVE_SELF)
#define ENTRY_MASK (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define DIR_MASK (IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | ENTRY_MASK | SELF_MASK)

/* A walk on its way. `at` is where it stands, without links; `rest` is still to be resolved. */
struct walk {
    struct watch *watch;
    struct watch_dir *dir;
    char at[PATH_MAX];
    char rest[PATH_MAX];
    unsigned links;
    enum watch_walk result;
};

static enum watch_walk fail(struct watch_dir *d, int errnum, const char *path)
{
    const char *hint = "";
    struct cl_err why = {0};

    if (errnum == ENOSPC) {
        hint = "; raise the sysctl fs.inotify.max_user_watches";
    } else if (errnum == EMFILE) {
        hint = "; raise the sysctl fs.inotify.max_user_instances";
    }
    (void)cl_fail_errno(&why, errnum, "WatchFailed", "inotify cannot watch %.60s", path);
    (void)cl_format(d->reason, sizeof d->reason, "%.100s%s", why.text, hint);
    return WATCH_WALK_FAILED;
}

static int add_mark(struct walk *k, const char *path, const char *name, uint32_t mask, bool is_dir)
{
    struct watch *w = k->watch;
    int wd = inotify_add_watch(w->fd, path, mask | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD);

    if (wd < 0) {
        return -1;
    }
    if (w->marks_len == w->marks_cap) {
        w->marks_cap = w->marks_cap == 0 ? 16 : w->marks_cap * 2;
        w->marks = cl_reallocarray(w->marks, w->marks_cap, sizeof *w->marks);
    }
    w->marks[w->marks_len++] = (struct watch_mark){
        .wd = wd, .dir = k->dir, .is_dir = is_dir, .mask = mask, .name = cl_strdup(name)};
    return 0;
}

/* ---- marks ---- */

static bool wd_in_use(const struct watch *w, int wd)
{
    for (size_t i = 0; i < w->marks_len; i++) {
        if (w->marks[i].wd == wd) {
            return true;
        }
    }
    return false;
}

static void clear_mark(struct watch_mark *m)
{
    cl_free(m->name);
    *m = (struct watch_mark){.wd = -1};
}

void watch_compact_marks(struct watch *w)
{
    size_t n = 0;

    if (w->dispatching) {
        return; /* someone iterates; done afterwards */
    }
    for (size_t i = 0; i < w->marks_len; i++) {
        if (w->marks[i].wd >= 0) {
            w->marks[n++] = w->marks[i];
        }
    }
    w->marks_len = n;
}

static void drop_marks(struct watch *w, const struct watch_dir *d, bool old_only)
{
    for (size_t i = 0; i < w->marks_len; i++) {
        struct watch_mark *m = &w->marks[i];
        if (m->wd >= 0 && m->dir == d && (m->is_old || !old_only)) {
            int wd = m->wd;
            clear_mark(m);
            if (!wd_in_use(w, wd)) {
                (void)inotify_rm_watch(w->fd, wd); /* EINVAL: the kernel was faster */
            }
        }
    }
    watch_compact_marks(w);
}

void watch_drop_marks(struct watch *w, const struct watch_dir *d)
{
    drop_marks(w, d, false);
}

void watch_forget_wd(struct watch *w, int wd)
{
    for (size_t i = 0; i < w->marks_len; i++) {
        if (w->marks[i].wd == wd) {
            clear_mark(&w->marks[i]);
        }
    }
    watch_compact_marks(w);
}

/* ---- the walk ---- */

/* Takes the next component off k->rest; false at the end. */
static bool next_component(struct walk *k, char name[NAME_MAX + 1])
{
    const char *p = k->rest + strspn(k->rest, "/");
    size_t len = strcspn(p, "/");

    if (len == 0) {
        k->rest[0] = '\0';
        return false;
    }
    if (len > NAME_MAX) {
        len = NAME_MAX; /* cannot exist: the lookup fails with ENOENT */
    }
    memcpy(name, p, len);
    name[len] = '\0';
    memmove(k->rest, p + len, strlen(p + len) + 1);
    return true;
}

static void go_up(struct walk *k)
{
    char *slash = strrchr(k->at, '/');

    if (slash == NULL) {
        return;
    }
    slash[slash == k->at ? 1 : 0] = '\0';
}

static int child_path(const struct walk *k, const char *name, char ret[PATH_MAX])
{
    return cl_format(ret, PATH_MAX, "%s%s%s", k->at, cl_streq(k->at, "/") ? "" : "/", name);
}

/* Puts the target of the link CHILD before the rest of the path. */
static int follow_link(struct walk *k, const char *child)
{
    char target[PATH_MAX];
    char joined[PATH_MAX];
    ssize_t n = readlink(child, target, sizeof target - 1);

    if (n < 0 || ++k->links > LINKS_MAX) {
        return -1;
    }
    target[n] = '\0';
    if (cl_format(joined, sizeof joined, "%s/%s", target, k->rest) < 0) {
        return -1;
    }
    memcpy(k->rest, joined, sizeof joined);
    if (target[0] == '/') {
        (void)cl_format(k->at, sizeof k->at, "/");
    }
    return 0;
}

static bool stop(struct walk *k, enum watch_walk result)
{
    k->result = result;
    return false;
}

/* CHILD is a link, missing or odd: watch for another entry of that name. */
static bool step_odd(struct walk *k, const char *name, const char *child)
{
    struct stat st;

    if (add_mark(k, k->at, name, ENTRY_MASK | SELF_MASK, false) < 0) {
        return stop(k, fail(k->dir, errno, k->at));
    }
    if (lstat(child, &st) < 0 || (!S_ISLNK(st.st_mode) && !S_ISDIR(st.st_mode))) {
        return stop(k, WATCH_WALK_MISSING);
    }
    if (S_ISDIR(st.st_mode)) { /* it came just now */
        (void)cl_format(k->at, sizeof k->at, "%s", child);
        return true;
    }
    return follow_link(k, child) == 0 ? true : stop(k, WATCH_WALK_MISSING);
}

/* One component; false ends the walk with k->result. */
static bool step(struct walk *k, const char *name)
{
    char child[PATH_MAX];

    if (cl_streq(name, ".")) {
        return true;
    }
    if (cl_streq(name, "..")) {
        go_up(k);
        return true;
    }
    if (child_path(k, name, child) < 0) {
        return stop(k, WATCH_WALK_MISSING);
    }
    if (add_mark(k, child, NULL, SELF_MASK, false) == 0) { /* refuses links: a plain directory */
        memcpy(k->at, child, sizeof child);
        return true;
    }
    if (errno == EACCES) { /* searchable but not readable: no marks, but its content may have */
        struct stat st;
        if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode)) {
            memcpy(k->at, child, sizeof child);
            return true;
        }
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
        return stop(k, fail(k->dir, errno, child));
    }
    return step_odd(k, name, child);
}

static enum watch_walk walk_once(struct watch *w, struct watch_dir *d)
{
    struct walk k = {.watch = w, .dir = d, .at = "/", .result = WATCH_WALK_ARMED};
    char name[NAME_MAX + 1];
    struct stat before;
    struct stat after;

    if (cl_format(k.rest, sizeof k.rest, "%s", d->path) < 0 ||
        (d->path[0] != '/' && getcwd(k.at, sizeof k.at) == NULL)) {
        return WATCH_WALK_MISSING;
    }
    while (next_component(&k, name)) {
        if (!step(&k, name)) {
            return k.result;
        }
    }
    if (stat(k.at, &before) < 0) {
        return WATCH_WALK_MISSING;
    }
    if (add_mark(&k, k.at, NULL, DIR_MASK, true) < 0) {
        return errno == ENOENT || errno == ENOTDIR ? WATCH_WALK_MISSING : fail(d, errno, k.at);
    }
    if (stat(d->path, &after) < 0 || before.st_dev != after.st_dev ||
        before.st_ino != after.st_ino) {
        return WATCH_WALK_MISSING; /* changed under the walk */
    }
    d->dev = (uint64_t)after.st_dev;
    d->ino = (uint64_t)after.st_ino;
    return WATCH_WALK_ARMED;
}

enum watch_walk watch_walk(struct watch *w, struct watch_dir *d)
{
    enum watch_walk result = WATCH_WALK_MISSING;

    for (int i = 0; i < TRIES; i++) {
        struct stat st;
        for (size_t k = 0; k < w->marks_len; k++) {
            if (w->marks[k].dir == d) {
                w->marks[k].is_old = true;
            }
        }
        result = walk_once(w, d);
        drop_marks(w, d, true); /* after the new ones: shared watches stay, no event is lost */
        if (result != WATCH_WALK_MISSING || stat(d->path, &st) < 0 || !S_ISDIR(st.st_mode)) {
            break; /* else it was missing for a moment only */
        }
    }
    return result;
}
