/* SPDX-License-Identifier: Apache-2.0 */
/* disk_info: what kind of file system a path is on, and names of owners as ids. */
#include "backends/rt/disk_internal.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/* statfs(2) f_type. Network: changes made by another host raise no inotify event here, and the same
 * holds for a host that shares a directory into a virtual machine. */
static const struct {
    uint32_t magic;
    enum disk_fs kind;
    const char *name;
} FILE_SYSTEMS[] = {
    {0x0000EF53, DISK_FS_LOCAL, "ext4"},        {0x58465342, DISK_FS_LOCAL, "xfs"},
    {0x9123683E, DISK_FS_LOCAL, "btrfs"},       {0x2FC12FC1, DISK_FS_LOCAL, "zfs"},
    {0xF2F52010, DISK_FS_LOCAL, "f2fs"},        {0xCA451A4E, DISK_FS_LOCAL, "bcachefs"},
    {0x00004D44, DISK_FS_LOCAL, "vfat"},        {0x73717368, DISK_FS_LOCAL, "squashfs"},
    {0x01021994, DISK_FS_EPHEMERAL, "tmpfs"},   {0x858458F6, DISK_FS_EPHEMERAL, "ramfs"},
    {0x794C7630, DISK_FS_EPHEMERAL, "overlay"}, {0x61756673, DISK_FS_EPHEMERAL, "aufs"},
    {0x00006969, DISK_FS_NETWORK, "nfs"},       {0xFF534D42, DISK_FS_NETWORK, "cifs"},
    {0xFE534D42, DISK_FS_NETWORK, "smb2"},      {0x0000517B, DISK_FS_NETWORK, "smb"},
    {0x65735546, DISK_FS_NETWORK, "fuse"},      {0x01021997, DISK_FS_NETWORK, "9p"},
    {0x00C36400, DISK_FS_NETWORK, "ceph"},      {0x5346414F, DISK_FS_NETWORK, "afs"},
    {0x73757245, DISK_FS_NETWORK, "coda"},      {0x0BD00BD0, DISK_FS_NETWORK, "lustre"},
    {0x47504653, DISK_FS_NETWORK, "gpfs"},      {0x01161970, DISK_FS_NETWORK, "gfs2"},
    {0x7461636F, DISK_FS_NETWORK, "ocfs2"},     {0x786F4256, DISK_FS_NETWORK, "vboxsf"},
};

void disk_classify_fs(uint32_t magic, struct disk_fs_info *ret)
{
    ret->kind = DISK_FS_LOCAL;
    (void)cl_format(ret->name, sizeof ret->name, "0x%x", magic);
    for (size_t i = 0; i < sizeof FILE_SYSTEMS / sizeof FILE_SYSTEMS[0]; i++) {
        if (FILE_SYSTEMS[i].magic == magic) {
            ret->kind = FILE_SYSTEMS[i].kind;
            (void)cl_format(ret->name, sizeof ret->name, "%s", FILE_SYSTEMS[i].name);
            return;
        }
    }
}

int disk_fs_info(const char *path, struct disk_fs_info *ret, struct cl_err *err)
{
    char at[PATH_MAX];
    struct disk_path p;
    struct statfs sf;

    if (cl_format(at, sizeof at, "%s", path) < 0) {
        return disk_fail(err, ENAMETOOLONG, "look at", path);
    }
    while (statfs(at, &sf) < 0) {
        /* A directory that is yet to be made will be on the file system of its parent. */
        if ((errno != ENOENT && errno != ENOTDIR) || disk_path_split(at, &p, NULL) < 0 ||
            cl_streq(p.dir, at)) {
            return disk_fail(err, errno, "look at the file system of", path);
        }
        (void)cl_format(at, sizeof at, "%s", p.dir);
    }
    ret->read_only = ((unsigned long)sf.f_flags & ST_RDONLY) != 0;
    disk_classify_fs((uint32_t)sf.f_type, ret);
    return 0;
}

/* ---- owners ---- */

static int no_such(struct cl_err *err, int errnum, const char *what, const char *name)
{
    if (errnum != ENOENT && errnum != ESRCH) { /* POSIX lets "not found" be some of these */
        return cl_fail_errno(err, errnum, "OwnerLookupFailed", "cannot look up the %s '%s'", what,
                             name);
    }
    return cl_fail(err, CL_ERR_PERMANENT, "OwnerUnknown", "there is no %s '%s' on this machine",
                   what, name);
}

/* NSS wants a buffer of unknown size. */
enum { NSS_FIRST = 1024, NSS_MAX = 1 << 20 };

/* By name, or by @uid if @name is NULL. */
static int find_user(const char *name, unsigned uid, struct passwd *ret, char **ret_buf)
{
    for (size_t size = NSS_FIRST;; size *= 4) {
        struct passwd *found = NULL;
        char *buf = cl_malloc(size);
        int failed = name != NULL ? getpwnam_r(name, ret, buf, size, &found)
                                  : getpwuid_r((uid_t)uid, ret, buf, size, &found);
        if (found != NULL) {
            *ret_buf = buf; /* the strings of *ret are in there */
            return 0;
        }
        cl_free(buf);
        if (failed != ERANGE || size > NSS_MAX) {
            return failed == 0 ? ENOENT : failed;
        }
    }
}

static int user_id(const char *name, unsigned *ret, struct cl_err *err)
{
    struct passwd pw;
    char *buf = NULL;
    int failed = find_user(name, 0, &pw, &buf);

    if (failed != 0) {
        return no_such(err, failed, "user", name);
    }
    *ret = (unsigned)pw.pw_uid;
    cl_free(buf);
    return 0;
}

int disk_lookup_user(const char *user, unsigned *ret_uid, unsigned *ret_gid, struct cl_err *err)
{
    uint64_t number = 0;
    bool numeric = cl_parse_u64(user, UINT32_MAX - 1, &number) == 0;
    struct passwd pw;
    char *buf = NULL;
    int failed = find_user(numeric ? NULL : user, (unsigned)number, &pw, &buf);

    if (failed != 0) {
        return no_such(err, failed, "user", user);
    }
    *ret_uid = (unsigned)pw.pw_uid;
    *ret_gid = (unsigned)pw.pw_gid;
    cl_free(buf);
    return 0;
}

static int group_id(const char *name, unsigned *ret, struct cl_err *err)
{
    for (size_t size = NSS_FIRST;; size *= 4) {
        struct group entry;
        struct group *found = NULL;
        char *buf = cl_malloc(size);
        int failed = getgrnam_r(name, &entry, buf, size, &found);
        if (found != NULL) {
            *ret = (unsigned)found->gr_gid;
        }
        cl_free(buf);
        if (found != NULL) {
            return 0;
        }
        if (failed != ERANGE || size > NSS_MAX) {
            return no_such(err, failed == 0 ? ENOENT : failed, "group", name);
        }
    }
}

static int to_id(const char *name, unsigned *ret,
                 int (*look_up)(const char *name, unsigned *ret, struct cl_err *err),
                 struct cl_err *err)
{
    uint64_t number = 0;

    if (cl_str_empty(name)) {
        *ret = DISK_KEEP_ID;
        return 0;
    }
    if (cl_parse_u64(name, UINT32_MAX - 1, &number) == 0) {
        *ret = (unsigned)number;
        return 0;
    }
    return look_up(name, ret, err);
}

int disk_lookup_owner(const char *owner, const char *group, unsigned *ret_uid, unsigned *ret_gid,
                      struct cl_err *err)
{
    unsigned uid = DISK_KEEP_ID;
    unsigned gid = DISK_KEEP_ID;

    if (to_id(owner, &uid, user_id, err) < 0 || to_id(group, &gid, group_id, err) < 0) {
        return -1;
    }
    *ret_uid = uid;
    *ret_gid = gid;
    return 0;
}
