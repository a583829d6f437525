/* SPDX-License-Identifier: Apache-2.0 */
/* disk_internal: what the disk_*.c files share: errno to reason, split paths, temporary names, and
 * the steps of a batch as the group commit sees them. */
#ifndef DISK_INTERNAL_H
#define DISK_INTERNAL_H

#include "backends/rt/disk.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

/** Fails with a reason made from @errnum ("NotFound", "DiskFull", ...) and "cannot WHAT PATH". */
int disk_fail(struct cl_err *err, int errnum, const char *what, const char *path);

/* A path as directory and last component. */
struct disk_path {
    char dir[PATH_MAX];
    char name[NAME_MAX + 1];
};
/** Splits @path ("x" is in "."). Fails for "", "/", "..", ".", and what is too long. */
int disk_path_split(const char *path, struct disk_path *ret, struct cl_err *err);

#define DISK_TEMP_MAX (NAME_MAX + 1)
/** ".NAME.XXXXXX" with six random characters; a long name is cut. */
void disk_temp_name(const char *name, char ret[DISK_TEMP_MAX]);
/** Writes all of @data, also after short writes: 0 or -1 with errno. */
int disk_write_all(int fd, const void *data, size_t len);
/** openat2(2) with O_CLOEXEC: a descriptor, or -1 with errno. */
int disk_openat2(int dir, const char *path, int flags, mode_t mode, unsigned long long resolve);
/** Reads what @fd has, at most @max bytes, into an initialised buffer. */
int disk_read_fd(int fd, const char *path, size_t max, struct cl_buf *b, struct disk_stat *ret_stat,
                 struct cl_err *err);

/** A user (name or number) with the primary group. NSS: may block. */
int disk_lookup_user(const char *user, unsigned *ret_uid, unsigned *ret_gid, struct cl_err *err);

/* ---- batches ---- */
enum disk_step_kind {
    STEP_MKDIRS,
    STEP_WRITE,
    STEP_SYMLINK,
    STEP_RENAME,
    STEP_UNLINK,
    STEP_REMOVE_TREE,
    STEP_CHOWN,
    STEP_CHMOD,
    STEP_BARRIER
};
struct disk_step {
    enum disk_step_kind kind;
    char *path;  /* owned; NULL for a barrier */
    char *other; /* owned; target of a link, new name of a rename */
    char *data;  /* owned, wiped after use */
    size_t len;
    unsigned mode;
    uint32_t uid, gid;
};
struct disk_batch {
    struct disk_step *steps;
    size_t len, cap;
};

/* One batch on its way through a group commit. */
struct disk_run {
    struct disk_batch *batch;
    bool failed;
    struct cl_err err;         /* if failed */
    struct disk_run_state *st; /* of disk_group.c */
};
/** Runs all batches to their end, syncing together. Blocking; any thread. */
void disk_group_run(struct disk_run *runs, size_t n);

/* disk_info.c */
/** Kind and name of the file system with the f_type @magic of statfs(2). Pure. */
void disk_classify_fs(uint32_t magic, struct disk_fs_info *ret);

#endif
