/* SPDX-License-Identifier: Apache-2.0 */
/* disk_common: the small parts below every file operation. No policy in here. */
#include "backends/rt/disk_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *reason_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return "NotFound";
    case EACCES:
    case EPERM:
        return "PermissionDenied";
    case ENOSPC:
    case EDQUOT:
        return "DiskFull";
    case EROFS:
        return "ReadOnlyFileSystem";
    case ELOOP:
        return "SymbolicLink";
    case EMFILE:
    case ENFILE:
        return "TooManyOpenFiles";
    case EXDEV:
        return "OutsideRoot";
    default:
        return "DiskError";
    }
}

int disk_fail(struct cl_err *err, int errnum, const char *what, const char *path)
{
    return cl_fail_errno(err, errnum, reason_of(errnum), "cannot %s %s", what, path);
}

int disk_path_split(const char *path, struct disk_path *ret, struct cl_err *err)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    size_t start = len;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    size_t dir_len = start;
    while (dir_len > 1 && path[dir_len - 1] == '/') {
        dir_len--;
    }
    size_t name_len = len - start;
    bool dots = (name_len == 1 && path[start] == '.') ||
                (name_len == 2 && path[start] == '.' && path[start + 1] == '.');
    if (name_len == 0 || dots) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidPath", "'%s' does not end with a name", path);
    }
    if (name_len > NAME_MAX || dir_len >= sizeof ret->dir) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidPath", "the path %.100s... is too long", path);
    }
    if (dir_len == 0) {
        ret->dir[0] = '.';
        dir_len = 1;
    } else {
        memcpy(ret->dir, path, dir_len);
    }
    ret->dir[dir_len] = '\0';
    memcpy(ret->name, path + start, name_len);
    ret->name[name_len] = '\0';
    return 0;
}

void disk_temp_name(const char *name, char ret[DISK_TEMP_MAX])
{
    static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t random = 0;
    char tail[7];

    /* Not a secret: O_EXCL decides. If the pool is not ready yet at boot, the clock will do. */
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        struct timespec ts = {0};
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        random = (uint32_t)ts.tv_nsec;
    }
    for (size_t i = 0; i < sizeof tail - 1; i++) {
        tail[i] = ALPHABET[random & 31U];
        random >>= 5;
    }
    tail[sizeof tail - 1] = '\0';
    (void)snprintf(ret, DISK_TEMP_MAX, ".%.*s.%s", NAME_MAX - 8, name, tail);
}

int disk_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return -1;
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int disk_openat2(int dir, const char *path, int flags, mode_t mode, unsigned long long resolve)
{
    struct open_how how = {.flags = (unsigned long long)(unsigned)(flags | O_CLOEXEC),
                           .mode = mode,
                           .resolve = resolve};

    for (int tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        /* EAGAIN: a rename elsewhere raced with the walk; the kernel asks to try again. */
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == 32) {
            return (int)fd;
        }
    }
}
