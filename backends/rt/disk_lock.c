/* SPDX-License-Identifier: Apache-2.0 */
/* disk_lock: one daemon for one state directory, by flock(2). The kernel gives it back when the
 * process ends, however it ends. The file holds the process id, for people and for the message. */
#include "backends/rt/disk_internal.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPLACED_TRIES = 8 };

struct disk_lock {
    int fd;
};

/* Whether the path still leads to the file that was locked. */
static bool still_there(const char *path, int fd)
{
    struct stat opened;
    struct stat named;

    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

static int held_by_other(const char *path, int fd, struct cl_err *err)
{
    char holder[24] = "";
    uint64_t pid = 0;
    ssize_t n = pread(fd, holder, sizeof holder - 1, 0);

    holder[n > 0 ? n : 0] = '\0';
    for (char *p = holder; *p != '\0'; p++) {
        if (*p == '\n') {
            *p = '\0';
            break;
        }
    }
    if (cl_parse_u64(holder, INT32_MAX, &pid) == 0) {
        return cl_fail(err, CL_ERR_LOCAL, "Locked", "%s is held by process %llu", path,
                       (unsigned long long)pid);
    }
    return cl_fail(err, CL_ERR_LOCAL, "Locked", "%s is held by another process", path);
}

static void note_holder(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (len > 0 && ftruncate(fd, 0) == 0) { /* only information: the lock is what counts */
        (void)disk_write_all(fd, text, (size_t)len);
    }
}

int disk_lock(const char *path, struct disk_lock **ret, struct cl_err *err)
{
    for (int i = 0; i < REPLACED_TRIES; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
        if (fd < 0) {
            return disk_fail(err, errno, "open", path);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            int failed = errno;
            int rc = failed == EWOULDBLOCK ? held_by_other(path, fd, err)
                                           : disk_fail(err, failed, "lock", path);
            (void)close(fd);
            return rc;
        }
        if (still_there(path, fd)) {
            note_holder(fd);
            struct disk_lock *lock = cl_new(struct disk_lock);
            lock->fd = fd;
            *ret = lock;
            return 0;
        }
        (void)close(fd); /* removed or replaced between open and flock */
    }
    return cl_fail(err, CL_ERR_LOCAL, "Locked", "%s is being replaced all the time", path);
}

void disk_unlock(struct disk_lock *lock)
{
    if (lock != NULL) {
        (void)close(lock->fd);
        cl_free(lock);
    }
}
