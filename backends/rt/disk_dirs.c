/* SPDX-License-Identifier: Apache-2.0 */
/* disk_dirs: the directories that a batch works in, each opened once. Names are then resolved from
 * the descriptor: cheaper than whole paths, and a file and its rename are in the same directory
 * even if someone moves directories meanwhile. */
#include "backends/rt/disk_group.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRS_MAX = 8 }; /* kept open for a batch */

struct disk_group_fs *disk_group_fs(struct disk_group *g, dev_t dev)
{
    for (size_t i = 0; i < g->fs_len; i++) {
        if (g->fs[i].dev == dev) {
            return &g->fs[i];
        }
    }
    cl_impossible("a directory on a file system that was never entered");
}

static int enter_fs(struct disk_group *g, dev_t dev, int dir_fd)
{
    for (size_t i = 0; i < g->fs_len; i++) {
        if (g->fs[i].dev == dev) {
            return 0;
        }
    }
    int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        return -1;
    }
    g->fs = cl_reallocarray(g->fs, g->fs_len + 1, sizeof *g->fs);
    g->fs[g->fs_len++] = (struct disk_group_fs){.dev = dev, .fd = fd};
    return 0;
}

static void close_dir(struct disk_run_state *r, size_t i)
{
    struct disk_group_dir *d = r->dirs[i];

    if (d->dirty) { /* with no descriptor left, only syncfs reaches it */
        disk_group_fs(r->group, d->dev)->force = true;
    }
    (void)close(d->fd);
    cl_free(d->path);
    cl_free(d);
    r->dirs[i] = r->dirs[--r->dirs_len];
}

static void make_room(struct disk_run_state *r)
{
    for (size_t i = 0; r->dirs_len >= DIRS_MAX && i < r->dirs_len; i++) {
        if (r->dirs[i]->users == 0) {
            close_dir(r, i);
            return;
        }
    }
}

static struct disk_group_dir *find(const struct disk_run_state *r, const char *path)
{
    for (size_t i = 0; i < r->dirs_len; i++) {
        if (r->dirs[i]->path != NULL && strcmp(r->dirs[i]->path, path) == 0) {
            return r->dirs[i];
        }
    }
    return NULL;
}

/* NULL with errno. */
static struct disk_group_dir *get(struct disk_run_state *r, const char *path, struct stat *ret_st)
{
    struct disk_group_dir *d = find(r, path);

    if (d != NULL) {
        return d;
    }
    make_room(r);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, ret_st) < 0 || enter_fs(r->group, ret_st->st_dev, fd) < 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
        return NULL;
    }
    d = cl_new(struct disk_group_dir);
    d->path = cl_strdup(path);
    d->fd = fd;
    d->dev = ret_st->st_dev;
    if (r->dirs_len == r->dirs_cap) {
        r->dirs_cap = r->dirs_cap == 0 ? DIRS_MAX : r->dirs_cap * 2;
        r->dirs = cl_reallocarray(r->dirs, r->dirs_cap, sizeof(struct disk_group_dir *));
    }
    r->dirs[r->dirs_len++] = d;
    return d;
}

struct disk_group_dir *disk_dirs_get(struct disk_run_state *r, const char *path, struct cl_err *err)
{
    struct stat st;
    struct disk_group_dir *d = get(r, path, &st);

    if (d == NULL) {
        (void)disk_fail(err, errno, "open directory", path);
    }
    return d;
}

struct disk_group_dir *disk_dirs_make(struct disk_run_state *r, const char *path, unsigned mode,
                                      struct cl_err *err)
{
    struct stat st;
    struct disk_path p;
    struct disk_group_dir *d = get(r, path, &st);

    if (d != NULL) {
        return d;
    }
    if (errno != ENOENT) {
        (void)disk_fail(err, errno, "open directory", path);
        return NULL;
    }
    if (disk_path_split(path, &p, err) < 0) {
        return NULL;
    }
    struct disk_group_dir *parent = disk_dirs_make(r, p.dir, mode, err);
    if (parent == NULL) {
        return NULL;
    }
    bool made = mkdirat(parent->fd, p.name, (mode_t)mode) == 0;
    if (!made && errno != EEXIST) {
        (void)disk_fail(err, errno, "create directory", path);
        return NULL;
    }
    parent->dirty = true; /* also if another batch of this group made it: it needs it as well */
    d = get(r, path, &st);
    if (d == NULL) {
        (void)disk_fail(err, errno, "open directory", path);
        return NULL;
    }
    d->made = made;
    if (made && (st.st_mode & 0777U) != mode &&
        fchmod(d->fd, (mode_t)mode | (st.st_mode & 07000U)) < 0) { /* the umask took bits */
        (void)disk_fail(err, errno, "set the mode of", path);
        return NULL;
    }
    return d;
}

void disk_dirs_forget(struct disk_run_state *r, const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < r->dirs_len; i++) {
        struct disk_group_dir *d = r->dirs[i];
        if (d->path != NULL && strncmp(d->path, path, len) == 0 &&
            (d->path[len] == '\0' || d->path[len] == '/')) {
            cl_free(d->path);
            d->path = NULL;
        }
    }
}

void disk_dirs_close(struct disk_run_state *r)
{
    while (r->dirs_len > 0) {
        close_dir(r, r->dirs_len - 1);
    }
    cl_free(r->dirs);
    r->dirs = NULL;
    r->dirs_cap = 0;
}
