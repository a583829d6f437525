/* SPDX-License-Identifier: Apache-2.0 */
/* watch_event: what an inotify event means. An event that names a plain entry is a hint about that
 * entry only; whatever could mean more (overflow, "..data", an event about the directory) is a
 * rescan. A file that is created or written is "touched" until it is closed. */
#include "backends/rt/watch_internal.h"
#include "spec/base/cl_str.h"

#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static void rescan_all(struct watch *w)
{
    for (size_t i = 0; i < w->dirs_len; i++) {
        watch_emit(w, w->dirs[i], NULL, WATCH_RESCAN);
    }
}

/* A link (symbolic or a further hard one), directory or special file is complete once it is there;
 * a new regular file is likely being written. */
static enum watch_hint hint_of_new(const struct watch_dir *d, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    if (cl_format(path, sizeof path, "%s/%s", d->path, name) < 0 || lstat(path, &st) < 0) {
        return WATCH_TOUCHED; /* gone again: another event says so */
    }
    return S_ISREG(st.st_mode) && st.st_nlink == 1 ? WATCH_TOUCHED : WATCH_WRITTEN;
}

static void entry_event(struct watch *w, const struct watch_dir *d, uint32_t mask, const char *name)
{
    if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) {
        watch_emit(w, d, name, WATCH_WRITTEN);
    } else if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        watch_emit(w, d, name, WATCH_GONE);
    } else if ((mask & IN_CREATE) != 0) {
        watch_emit(w, d, name, hint_of_new(d, name));
    } else if ((mask & (IN_MODIFY | IN_ATTRIB)) != 0) {
        watch_emit(w, d, name, WATCH_TOUCHED);
    }
}

static void mark_event(struct watch *w, const struct watch_mark *m, uint32_t mask, const char *name)
{
    struct watch_dir *d = m->dir;

    if ((mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        d->pending = true;
    } else if (!m->is_dir) {
        bool matters = name != NULL && m->name != NULL && cl_streq(m->name, name);
        d->pending = d->pending || (matters && (mask & m->mask) != 0);
    } else if (name == NULL || cl_str_starts(name, "..")) {
        watch_emit(w, d, NULL, WATCH_RESCAN);
    } else {
        entry_event(w, d, mask, name);
    }
}

static void one_event(struct watch *w, int wd, uint32_t mask, const char *name)
{
    if ((mask & IN_Q_OVERFLOW) != 0) {
        w->overflows++;
        rescan_all(w);
        return;
    }
    /* By index and by value: a callback may add directories, and so marks. */
    for (size_t i = 0; i < w->marks_len; i++) {
        struct watch_mark m = w->marks[i];
        if (m.wd == wd && !m.dir->removed) {
            mark_event(w, &m, mask, name);
        }
    }
    if ((mask & IN_IGNORED) != 0) {
        watch_forget_wd(w, wd);
    }
}

void watch_handle_events(struct watch *w, const char *buf, size_t len)
{
    size_t at = 0;
    bool outer = w->dispatching;

    w->dispatching = true;
    while (len - at >= sizeof(struct inotify_event)) {
        struct inotify_event ev;
        memcpy(&ev, buf + at, sizeof ev);
        if (len - at - sizeof ev < ev.len) {
            break; /* the kernel never cuts an event */
        }
        const char *name = buf + at + sizeof ev; /* NUL-padded to ev.len */
        at += sizeof ev + ev.len;
        one_event(w, ev.wd, ev.mask, ev.len > 0 && name[0] != '\0' ? name : NULL);
    }
    w->dispatching = outer;
}
