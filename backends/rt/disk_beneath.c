/* SPDX-License-Identifier: Apache-2.0 */
/* disk_beneath: files below a directory that someone else may write to (a webroot). No symbolic
 * link is followed below the root, by openat2 RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH; a planted link,
 * directory or foreign file ends in WebrootUnsafe and nothing is written elsewhere. */
#include "backends/rt/disk_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRICT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

static int unsafe(struct cl_err *err, const char *root, const char *relative, const char *why)
{
    return cl_fail(err, CL_ERR_LOCAL, "WebrootUnsafe", "%s below %s: %s", relative, root, why);
}

static int fail_below(struct cl_err *err, int errnum, const char *root, const char *relative)
{
    switch (errnum) {
    case ELOOP:
        return unsafe(err, root, relative, "a symbolic link is in the way; remove it");
    case EXDEV:
        return unsafe(err, root, relative, "the path leads out of the directory");
    case ENOTDIR:
        return unsafe(err, root, relative, "something that is not a directory is in the way");
    default:
        (void)disk_fail(err, errnum, "write", relative);
        cl_wrap(err, "below %s", root);
        return -1;
    }
}

/* Opens one directory component below @dir, creating it 0755 if it is missing. */
static int enter(int dir, const char *name)
{
    int fd = disk_openat2(dir, name, O_RDONLY | O_DIRECTORY, 0, STRICT);

    if (fd >= 0 || errno != ENOENT) {
        return fd;
    }
    if (mkdirat(dir, name, 0755) < 0) {
        /* EEXIST: another process was faster. */
        return errno == EEXIST ? disk_openat2(dir, name, O_RDONLY | O_DIRECTORY, 0, STRICT) : -1;
    }
    fd = disk_openat2(dir, name, O_RDONLY | O_DIRECTORY, 0, STRICT);
    if (fd >= 0) {
        (void)fchmod(fd, 0755); /* whatever the umask is; at worst the web server sees nothing */
    }
    return fd;
}

/* Opens the directory part of ROOT/RELATIVE; -1 with errno. *ret_name: the last component. */
static int open_parent(const char *root, const char *relative, bool create,
                       char ret_name[NAME_MAX + 1])
{
    struct disk_path p;

    if (relative[0] == '/' || disk_path_split(relative, &p, NULL) < 0) {
        errno = EXDEV;
        return -1;
    }
    (void)cl_format(ret_name, NAME_MAX + 1, "%s", p.name);
    int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        /* A missing root is not a hole to be filled, and not an attack. */
        errno = errno == ENOTDIR ? ENOENT : errno;
        return -1;
    }
    char *save = NULL;
    for (char *part = strtok_r(p.dir, "/", &save); part != NULL && dir >= 0;
         part = strtok_r(NULL, "/", &save)) {
        int next =
            create ? enter(dir, part) : disk_openat2(dir, part, O_RDONLY | O_DIRECTORY, 0, STRICT);
        int saved = errno;
        (void)close(dir);
        errno = saved;
        dir = next;
    }
    return dir;
}

/* Makes way for @name if what is there can only be left from an earlier run of ours. */
static bool remove_own_leftover(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_nlink == 1 && st.st_uid == geteuid() && unlinkat(dir, name, 0) == 0;
}

int disk_write_beneath(const char *root, const char *relative, const void *data, size_t len,
                       unsigned mode, struct cl_err *err)
{
    char name[NAME_MAX + 1];
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int dir = open_parent(root, relative, true, name);

    if (dir < 0) {
        return fail_below(err, errno, root, relative);
    }
    int fd = openat(dir, name, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        if (!remove_own_leftover(dir, name)) {
            (void)close(dir);
            return unsafe(err, root, relative,
                          "there is a file or link already that is not ours; remove it");
        }
        fd = openat(dir, name, flags, 0600);
    }
    int failed = fd < 0 ? errno : 0;
    if (fd >= 0) {
        if (disk_write_all(fd, data, len) < 0 || fchmod(fd, (mode_t)mode) < 0) {
            failed = errno;
            (void)unlinkat(dir, name, 0);
        }
        (void)close(fd);
    }
    (void)close(dir);
    return failed == 0 ? 0 : fail_below(err, failed, root, relative);
}

int disk_unlink_beneath(const char *root, const char *relative, struct cl_err *err)
{
    char name[NAME_MAX + 1];
    int dir = open_parent(root, relative, false, name);

    if (dir < 0) {
        return errno == ENOENT ? 0 : fail_below(err, errno, root, relative);
    }
    int failed = unlinkat(dir, name, 0) < 0 ? errno : 0;
    (void)close(dir);
    if (failed != 0 && failed != ENOENT) {
        (void)disk_fail(err, failed, "remove", relative);
        cl_wrap(err, "below %s", root);
        return -1;
    }
    return 0;
}
