/* SPDX-License-Identifier: Apache-2.0 */
/* disk_write: cheap changes that need not survive a power cut: status files, metrics, requests.
 * Readers never see half a file: a temporary file beside the target is renamed over it. */
#include "backends/rt/disk_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMP_TRIES = 16 };

/* Creates a temporary file beside @p; *ret_temp is its whole path. */
static int open_temp(const struct disk_path *p, char ret_temp[PATH_MAX + NAME_MAX + 2])
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        char name[DISK_TEMP_MAX];
        disk_temp_name(p->name, name);
        (void)snprintf(ret_temp, PATH_MAX + NAME_MAX + 2, "%s/%s", p->dir, name);
        int fd = open(ret_temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

int disk_write(const char *path, const void *data, size_t len, unsigned mode, struct cl_err *err)
{
    struct disk_path p;
    char temp[PATH_MAX + NAME_MAX + 2];

    if (disk_path_split(path, &p, err) < 0) {
        return -1;
    }
    int fd = open_temp(&p, temp);
    if (fd < 0) {
        return disk_fail(err, errno, "create a temporary file for", path);
    }
    int failed = 0;
    if (disk_write_all(fd, data, len) < 0 || (mode != 0600 && fchmod(fd, (mode_t)mode) < 0)) {
        failed = errno;
    }
    if (close(fd) < 0 && failed == 0) {
        failed = errno; /* NFS and quotas report here */
    }
    if (failed == 0 && rename(temp, path) < 0) {
        failed = errno;
    }
    if (failed != 0) {
        (void)unlink(temp);
        return disk_fail(err, failed, "write", path);
    }
    return 0;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_dir(const char *path, unsigned mode)
{
    struct stat st;

    if (mkdir(path, (mode_t)mode) == 0) {
        if (stat(path, &st) == 0 && (st.st_mode & 0777U) != mode) { /* the umask took bits */
            return chmod(path, (mode_t)mode | (st.st_mode & 07000U));
        }
        return 0;
    }
    if (errno == EEXIST) {
        errno = ENOTDIR;
        return is_directory(path) ? 0 : -1;
    }
    return -1;
}

int disk_mkdirs(const char *path, unsigned mode, struct cl_err *err)
{
    char buf[PATH_MAX];

    if (is_directory(path)) {
        return 0;
    }
    if (cl_format(buf, sizeof buf, "%s", path) < 0 || buf[0] == '\0') {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidPath", "'%.100s' is no usable path", path);
    }
    for (char *p = buf + 1; *p != '\0'; p++) {
        if (*p != '/' || p[-1] == '/') {
            continue;
        }
        *p = '\0';
        /* An ancestor that exists but may not be created here (EACCES, EROFS) is fine. */
        if (!is_directory(buf) && make_dir(buf, mode) < 0) {
            return disk_fail(err, errno, "create directory", buf);
        }
        *p = '/';
    }
    if (!is_directory(buf) && make_dir(buf, mode) < 0) {
        return disk_fail(err, errno, "create directory", buf);
    }
    return 0;
}

int disk_unlink(const char *path, struct cl_err *err)
{
    if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR) {
        return disk_fail(err, errno, "remove", path);
    }
    return 0;
}

int disk_rename(const char *from, const char *to, struct cl_err *err)
{
    if (rename(from, to) < 0) {
        int failed = errno;
        (void)disk_fail(err, failed, "rename", from);
        cl_wrap(err, "to %s", to);
        return -1;
    }
    return 0;
}

int disk_chmod(const char *path, unsigned mode, struct cl_err *err)
{
    if (fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) < 0) {
        /* This is how a symbolic link is refused. */
        return disk_fail(err, errno == EOPNOTSUPP ? ELOOP : errno, "change the mode of", path);
    }
    return 0;
}
