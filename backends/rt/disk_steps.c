/* SPDX-License-Identifier: Apache-2.0 */
/* disk_steps: what each step of a batch does. A write is staged: the temporary file gets its owner
 * and mode before it gets its name, and its name only after its data was synced. Every other step
 * waits for the files staged before it, so that all steps are seen in order. In a directory that the
 * batch itself has just made, only the last of the files written to it is staged: nobody knows the
 * directory yet, and its name is what tells that the others are whole. */
#include "backends/rt/disk_group.h"
#include "spec/base/cl_alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMP_TRIES = 16, TREE_DEPTH_MAX = 32 };

/* A parent directory and a name in it. */
struct place {
    struct disk_group_dir *dir;
    struct disk_path split;
};

static int locate(struct disk_run_state *r, const char *path, struct place *ret, struct cl_err *err)
{
    if (disk_path_split(path, &ret->split, err) < 0) {
        return -1;
    }
    ret->dir = disk_dirs_get(r, ret->split.dir, err);
    return ret->dir == NULL ? -1 : 0;
}

/* ---- write ---- */

static int fill_file(int fd, const struct disk_step *s)
{
    if (disk_write_all(fd, s->data, s->len) < 0) {
        return -1;
    }
    if ((s->uid != DISK_KEEP_ID || s->gid != DISK_KEEP_ID) && fchown(fd, s->uid, s->gid) < 0) {
        return -1;
    }
    return s->mode != 0600 ? fchmod(fd, (mode_t)s->mode) : 0; /* after chown: wider last */
}

static struct disk_staged *new_staged(struct disk_run_state *r)
{
    if (r->staged_len == r->staged_cap) {
        r->staged_cap = r->staged_cap == 0 ? 8 : r->staged_cap * 2;
        r->staged = cl_reallocarray(r->staged, r->staged_cap, sizeof *r->staged);
    }
    return &r->staged[r->staged_len];
}

enum { NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };

static int open_staged(struct disk_staged *f, bool direct)
{
    f->temp[0] = '\0';
    f->fd = direct ? openat(f->dir->fd, f->name, NEW_FILE, 0600) : -1;
    if (f->fd >= 0) {
        return 0;
    }
    for (int i = 0; i < TEMP_TRIES; i++) {
        disk_temp_name(f->name, f->temp);
        f->fd = openat(f->dir->fd, f->temp, NEW_FILE, 0600);
        if (f->fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    return f->fd < 0 ? -1 : 0;
}

/* Does the next step write another file to the same directory? */
static bool more_follows(const struct disk_step *s, const struct disk_step *end)
{
    const char *slash = strrchr(s->path, '/');
    size_t len = slash != NULL ? (size_t)(slash - s->path) + 1 : 0;

    return s + 1 < end && s[1].kind == STEP_WRITE && len > 0 &&
           strncmp(s->path, s[1].path, len) == 0 && strchr(s[1].path + len, '/') == NULL;
}

static int step_write(struct disk_run_state *r, struct disk_step *s, const struct disk_step *end,
                      struct cl_err *err)
{
    struct place at;
    struct disk_staged *f = new_staged(r);

    if (locate(r, s->path, &at, err) < 0) {
        return -1;
    }
    f->dir = at.dir;
    (void)cl_format(f->name, sizeof f->name, "%s", at.split.name);
    if (open_staged(f, at.dir->made && more_follows(s, end)) < 0) {
        return disk_fail(err, errno, "create a temporary file for", s->path);
    }
    r->staged_len++;
    f->dir->users++;
    r->group->open_files++;
    int failed = fill_file(f->fd, s) < 0 ? errno : 0;
    cl_wipe(s->data, s->len);
    if (failed != 0) {
        return disk_fail(err, failed, "write", s->path);
    }
    if (r->group->open_files > DISK_SYNC_FEW) { /* syncfs will do it */
        r->group->open_files--;
        failed = close(f->fd) < 0 ? errno : 0;
        f->fd = -1;
        disk_group_fs(r->group, f->dir->dev)->force = true;
    }
    return failed != 0 ? disk_fail(err, failed, "write", s->path) : 0;
}

static void release(struct disk_run_state *r, struct disk_staged *f)
{
    if (f->fd >= 0) {
        (void)close(f->fd); /* synced, or given up */
        f->fd = -1;
        r->group->open_files--;
    }
    f->dir->users--;
}

int disk_steps_settle(struct disk_run *run, struct cl_err *err)
{
    struct disk_run_state *r = run->st;
    int rc = 0;

    for (size_t i = 0; i < r->staged_len; i++) {
        struct disk_staged *f = &r->staged[i];
        bool direct = f->temp[0] == '\0';
        if (rc == 0 && !direct && renameat(f->dir->fd, f->temp, f->dir->fd, f->name) < 0) {
            rc = disk_fail(err, errno, "rename a new file to", f->name);
            cl_wrap(err, "in %s", f->dir->path != NULL ? f->dir->path : "its directory");
        }
        if (rc < 0) {
            (void)unlinkat(f->dir->fd, direct ? f->name : f->temp, 0);
        }
        f->dir->dirty = true;
        release(r, f);
    }
    r->staged_len = 0;
    return rc;
}

void disk_steps_drop(struct disk_run *run)
{
    struct disk_run_state *r = run->st;

    for (size_t i = 0; i < r->staged_len; i++) {
        struct disk_staged *f = &r->staged[i];
        (void)unlinkat(f->dir->fd, f->temp[0] == '\0' ? f->name : f->temp, 0);
        release(r, f);
    }
    r->staged_len = 0;
}

/* ---- links, names, attributes ---- */

static int step_symlink(struct disk_run_state *r, const struct disk_step *s, struct cl_err *err)
{
    struct place at;
    char temp[DISK_TEMP_MAX];
    int rc = -1;

    if (locate(r, s->path, &at, err) < 0) {
        return -1;
    }
    if (symlinkat(s->other, at.dir->fd, at.split.name) == 0) { /* nothing to replace */
        at.dir->dirty = true;
        disk_dirs_forget(r, s->path);
        return 0;
    }
    for (int i = 0; i < TEMP_TRIES && errno == EEXIST; i++) {
        disk_temp_name(at.split.name, temp);
        rc = symlinkat(s->other, at.dir->fd, temp);
        if (rc == 0) {
            break;
        }
    }
    if (rc < 0) {
        return disk_fail(err, errno, "create a link for", s->path);
    }
    if (renameat(at.dir->fd, temp, at.dir->fd, at.split.name) < 0) {
        int failed = errno;
        (void)unlinkat(at.dir->fd, temp, 0);
        return disk_fail(err, failed, "set the link", s->path);
    }
    at.dir->dirty = true;
    disk_dirs_forget(r, s->path);
    return 0;
}

static int step_rename(struct disk_run_state *r, const struct disk_step *s, struct cl_err *err)
{
    struct place from;
    struct place to;

    if (locate(r, s->path, &from, err) < 0) {
        return -1;
    }
    from.dir->users++; /* so that opening the second cannot close the first */
    int rc = locate(r, s->other, &to, err);
    from.dir->users--;
    if (rc < 0) {
        return -1;
    }
    if (renameat(from.dir->fd, from.split.name, to.dir->fd, to.split.name) < 0) {
        (void)disk_fail(err, errno, "rename", s->path);
        cl_wrap(err, "to %s", s->other);
        return -1;
    }
    from.dir->dirty = true;
    to.dir->dirty = true;
    disk_dirs_forget(r, s->path);
    disk_dirs_forget(r, s->other);
    return 0;
}

static int step_attributes(struct disk_run_state *r, const struct disk_step *s, struct cl_err *err)
{
    struct place at;
    int rc = 0;

    if (locate(r, s->path, &at, err) < 0) {
        return -1;
    }
    if (s->kind == STEP_CHOWN) {
        rc = fchownat(at.dir->fd, at.split.name, s->uid, s->gid, AT_SYMLINK_NOFOLLOW);
    } else {
        rc = fchmodat(at.dir->fd, at.split.name, (mode_t)s->mode, AT_SYMLINK_NOFOLLOW);
    }
    if (rc < 0) {
        return disk_fail(err, errno == EOPNOTSUPP ? ELOOP : errno,
                         s->kind == STEP_CHOWN ? "change the owner of" : "change the mode of",
                         s->path);
    }
    disk_group_fs(r->group, at.dir->dev)->force = true; /* the file itself was not opened */
    return 0;
}

/* ---- removing ---- */

static int remove_entry(int dir, const char *name, unsigned depth);

/* Empties an open directory; takes @fd. */
static int remove_content(int fd, unsigned depth)
{
    DIR *d = fdopendir(fd);
    int rc = 0;

    if (d == NULL) {
        (void)close(fd);
        return -1;
    }
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (e == NULL) {
            rc = errno == 0 ? 0 : -1;
            break;
        }
        if (cl_streq(e->d_name, ".") || cl_streq(e->d_name, "..")) {
            continue;
        }
        if (remove_entry(dirfd(d), e->d_name, depth) < 0 && errno != ENOENT) {
            rc = -1;
            break;
        }
    }
    int saved = errno;
    (void)closedir(d);
    errno = saved;
    return rc;
}

static int remove_directory(int dir, const char *name, unsigned depth)
{
    if (depth == 0) {
        errno = ELOOP;
        return -1;
    }
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        errno = errno == ENOTDIR ? EPERM : errno; /* a file that may not be unlinked */
        return -1;
    }
    if (remove_content(fd, depth - 1) < 0) {
        return -1;
    }
    return unlinkat(dir, name, AT_REMOVEDIR);
}

/* Removes a name and, if it is a directory, what is in it: 0 or -1 with errno. */
static int remove_entry(int dir, const char *name, unsigned depth)
{
    if (unlinkat(dir, name, 0) == 0) {
        return 0;
    }
    if (errno == EISDIR || errno == EPERM) { /* POSIX has EPERM for a directory, Linux EISDIR */
        return remove_directory(dir, name, depth);
    }
    return -1;
}

static int step_remove(struct disk_run_state *r, const struct disk_step *s, struct cl_err *err)
{
    struct place at;
    struct cl_err why = {0};

    if (locate(r, s->path, &at, &why) < 0) {
        if (cl_streq(why.reason, "NotFound")) {
            return 0; /* no directory, so nothing in it */
        }
        if (err != NULL) {
            *err = why;
        }
        return -1;
    }
    bool tree = s->kind == STEP_REMOVE_TREE;
    int rc = tree ? remove_entry(at.dir->fd, at.split.name, TREE_DEPTH_MAX)
                  : unlinkat(at.dir->fd, at.split.name, 0);
    if (rc < 0 && errno == ENOENT) {
        return 0;
    }
    if (rc < 0) {
        return disk_fail(err, errno, "remove", s->path);
    }
    at.dir->dirty = true;
    disk_dirs_forget(r, s->path);
    return 0;
}

/* ---- the sequence ---- */

static int run_step(struct disk_run_state *r, struct disk_step *s, const struct disk_step *end,
                    struct cl_err *err)
{
    switch (s->kind) {
    case STEP_MKDIRS:
        return disk_dirs_make(r, s->path, s->mode, err) == NULL ? -1 : 0;
    case STEP_WRITE:
        return step_write(r, s, end, err);
    case STEP_SYMLINK:
        return step_symlink(r, s, err);
    case STEP_RENAME:
        return step_rename(r, s, err);
    case STEP_UNLINK:
    case STEP_REMOVE_TREE:
        return step_remove(r, s, err);
    case STEP_CHOWN:
    case STEP_CHMOD:
        return step_attributes(r, s, err);
    case STEP_BARRIER:
        break; /* not a step that runs */
    }
    return 0;
}

int disk_steps_run(struct disk_run *run, struct cl_err *err)
{
    struct disk_run_state *r = run->st;

    for (; r->next < run->batch->len; r->next++) {
        struct disk_step *s = &run->batch->steps[r->next];
        if (s->kind == STEP_BARRIER) {
            return 0;
        }
        if (r->staged_len > 0 && s->kind != STEP_WRITE && s->kind != STEP_MKDIRS) {
            return 0; /* once the files before it have their names */
        }
        if (run_step(r, s, run->batch->steps + run->batch->len, err) < 0) {
            return -1;
        }
    }
    return 0;
}
