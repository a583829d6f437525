/* SPDX-License-Identifier: Apache-2.0 */
/* disk_read: looking at files and directories. Nothing here waits for anyone: a FIFO without a
 * writer is opened O_NONBLOCK and then refused, because only regular files are read. */
#include "backends/rt/disk_internal.h"
#include "spec/base/cl_alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 16384, LINK_MAX_LEN = 65536 };

static void fill_stat(const struct stat *st, struct disk_stat *ret)
{
    enum disk_type type = DISK_OTHER;

    if (S_ISREG(st->st_mode)) {
        type = DISK_FILE;
    } else if (S_ISDIR(st->st_mode)) {
        type = DISK_DIR;
    } else if (S_ISLNK(st->st_mode)) {
        type = DISK_LINK;
    }
    *ret = (struct disk_stat){
        .type = type,
        .dev = (uint64_t)st->st_dev,
        .ino = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .nlink = (uint64_t)st->st_nlink,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
        .mode = (unsigned)st->st_mode & 07777U,
        .uid = (unsigned)st->st_uid,
        .gid = (unsigned)st->st_gid,
    };
}

static int stat_path(const char *path, int flags, struct disk_stat *ret, struct cl_err *err)
{
    struct stat st;

    if (fstatat(AT_FDCWD, path, &st, flags) == 0) {
        fill_stat(&st, ret);
        return 0;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        *ret = (struct disk_stat){.type = DISK_NONE};
        return 0;
    }
    return disk_fail(err, errno, "look at", path);
}

int disk_stat(const char *path, struct disk_stat *ret, struct cl_err *err)
{
    return stat_path(path, 0, ret, err);
}

int disk_lstat(const char *path, struct disk_stat *ret, struct cl_err *err)
{
    return stat_path(path, AT_SYMLINK_NOFOLLOW, ret, err);
}

static int too_large(const char *path, size_t max, struct cl_err *err)
{
    return cl_fail(err, CL_ERR_LOCAL, "FileTooLarge", "%s is larger than the %zu bytes allowed",
                   path, max);
}

/* Reads to the end. A read that reaches the size which fstat gave needs no second one to find the
 * end; files of /proc and /sys have size 0. */
static int read_all(int fd, const char *path, size_t size, struct cl_buf *b, struct cl_err *err)
{
    char chunk[CHUNK];
    int rc = -1;

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rc = disk_fail(err, errno, "read", path);
            break;
        }
        if (n == 0) {
            rc = 0;
            break;
        }
        if (cl_buf_add(b, chunk, (size_t)n) < 0) {
            rc = too_large(path, b->max, err);
            break;
        }
        if (b->len == size) {
            rc = 0;
            break;
        }
    }
    if (b->secret) {
        cl_wipe(chunk, sizeof chunk);
    }
    return rc;
}

int disk_read_fd(int fd, const char *path, size_t max, struct cl_buf *b, struct disk_stat *ret_stat,
                 struct cl_err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return disk_fail(err, errno, "look at", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return cl_fail(err, CL_ERR_LOCAL, "NotARegularFile", "%s is not a regular file", path);
    }
    if ((uint64_t)st.st_size > max) {
        return too_large(path, max, err);
    }
    if (read_all(fd, path, (size_t)st.st_size, b, err) < 0) {
        return -1;
    }
    if (ret_stat != NULL) {
        fill_stat(&st, ret_stat);
    }
    return 0;
}

/* Takes the result of an open: reads and closes it, or turns errno into an error. */
static int read_opened(int fd, const char *path, struct cl_buf *b, struct disk_stat *ret_stat,
                       struct cl_err *err)
{
    if (fd < 0) {
        if (errno == ENXIO) { /* a socket, or a FIFO without a reader */
            return cl_fail(err, CL_ERR_LOCAL, "NotARegularFile", "%s is not a regular file", path);
        }
        return disk_fail(err, errno, "open", path);
    }
    int rc = disk_read_fd(fd, path, b->max, b, ret_stat, err);
    (void)close(fd); /* opened for reading: nothing to lose */
    if (rc < 0) {
        cl_buf_reset(b);
    }
    return rc;
}

static const int READ_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

int disk_read(const char *path, size_t max, struct cl_buf *ret, struct disk_stat *ret_stat,
              struct cl_err *err)
{
    cl_buf_init(ret, max);
    return read_opened(open(path, READ_FLAGS), path, ret, ret_stat, err);
}

int disk_read_secret(const char *path, size_t max, struct cl_buf *ret, struct disk_stat *ret_stat,
                     struct cl_err *err)
{
    cl_buf_init_secret(ret, max);
    return read_opened(open(path, READ_FLAGS | O_NOFOLLOW), path, ret, ret_stat, err);
}

int disk_read_beneath(const char *root, const char *relative, size_t max, struct cl_buf *ret,
                      struct disk_stat *ret_stat, struct cl_err *err)
{
    cl_buf_init(ret, max);
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return disk_fail(err, errno, "open directory", root);
    }
    int fd = disk_openat2(dir, relative, READ_FLAGS, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    int saved = errno;
    (void)close(dir);
    errno = saved;
    int rc = read_opened(fd, relative, ret, ret_stat, err);
    if (rc < 0) {
        cl_wrap(err, "below %s", root);
    }
    return rc;
}

int disk_list(const char *path, struct cl_strv *ret, struct cl_err *err)
{
    struct cl_strv names = {0};
    DIR *d = opendir(path); /* O_CLOEXEC is part of it */

    if (d == NULL) {
        return disk_fail(err, errno, "open directory", path);
    }
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (e == NULL) {
            break;
        }
        if (!cl_streq(e->d_name, ".") && !cl_streq(e->d_name, "..")) {
            cl_strv_add(&names, e->d_name);
        }
    }
    int failed = errno;
    (void)closedir(d);
    if (failed != 0) {
        cl_strv_deinit(&names);
        return disk_fail(err, failed, "list directory", path);
    }
    cl_strv_sort(&names);
    *ret = names;
    return 0;
}

int disk_readlink(const char *path, char **ret, struct cl_err *err)
{
    for (size_t size = 256; size <= LINK_MAX_LEN; size *= 2) {
        char *buf = cl_malloc(size);
        ssize_t n = readlink(path, buf, size);
        if (n < 0) {
            int failed = errno;
            cl_free(buf);
            if (failed == EINVAL) {
                return cl_fail(err, CL_ERR_LOCAL, "NotALink", "%s is not a symbolic link", path);
            }
            return disk_fail(err, failed, "read link", path);
        }
        if ((size_t)n < size) {
            buf[n] = '\0';
            *ret = buf;
            return 0;
        }
        cl_free(buf);
    }
    return disk_fail(err, ENAMETOOLONG, "read link", path);
}
