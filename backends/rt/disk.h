/* SPDX-License-Identifier: Apache-2.0 */
/* disk: the only way to files. Reading and cheap writing is synchronous; whatever must survive a
 * power cut goes through a batch, which is committed off the loop as a group commit. */
#ifndef DISK_H
#define DISK_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <stdbool.h>
#include <stdint.h>

enum disk_type { DISK_NONE, DISK_FILE, DISK_DIR, DISK_LINK, DISK_OTHER };
struct disk_stat {
    enum disk_type type; /* NONE: does not exist (then all else is 0) */
    uint64_t dev, ino, size, nlink;
    int64_t mtime_ns, ctime_ns;
    unsigned mode; /* permission bits, 07777 */
    unsigned uid, gid;
};
/** Follows links (lstat: does not). A missing file or component is success with DISK_NONE. */
int disk_stat(const char *path, struct disk_stat *ret, struct cl_err *err);
int disk_lstat(const char *path, struct disk_stat *ret, struct cl_err *err);

/**
 * Reads a whole regular file of at most @max bytes (opened O_NONBLOCK|O_CLOEXEC, fstat'ed: a FIFO,
 * device, socket or directory is refused as NotARegularFile, a longer file as FileTooLarge).
 * @ret_stat may be NULL. A missing file fails with reason "NotFound". *ret is initialised here.
 */
int disk_read(const char *path, size_t max, struct cl_buf *ret, struct disk_stat *ret_stat,
              struct cl_err *err);
/** As disk_read, but wiped on deinit, and refusing to follow a link in the last component. */
int disk_read_secret(const char *path, size_t max, struct cl_buf *ret, struct disk_stat *ret_stat,
                     struct cl_err *err);
/** As disk_read of ROOT/RELATIVE, resolved with openat2 RESOLVE_BENEATH|NO_MAGICLINKS. */
int disk_read_beneath(const char *root, const char *relative, size_t max, struct cl_buf *ret,
                      struct disk_stat *ret_stat, struct cl_err *err);
/** Names in a directory except . and .., sorted. A missing directory fails with "NotFound". */
int disk_list(const char *path, struct cl_strv *ret, struct cl_err *err);
/** Resolves one link; *ret owned. */
int disk_readlink(const char *path, char **ret, struct cl_err *err);

/** Not durable: temporary file in the same directory, then rename. Directories must exist. */
int disk_write(const char *path, const void *data, size_t len, unsigned mode, struct cl_err *err);
/** mkdir -p; new directories get @mode; existing ones are left alone. */
int disk_mkdirs(const char *path, unsigned mode, struct cl_err *err);
int disk_unlink(const char *path, struct cl_err *err); /* missing is success */
int disk_rename(const char *from, const char *to, struct cl_err *err);
int disk_chmod(const char *path, unsigned mode, struct cl_err *err); /* O_NOFOLLOW */
/** ROOT/RELATIVE created O_EXCL, RESOLVE_NO_SYMLINKS below @root, missing directories made 0755.
 *  For webroots: returns 0, or -1 ("WebrootUnsafe", ...). A regular file of our own user that is
 *  there already (left by a crash) is replaced. disk_unlink_beneath removes it again. */
int disk_write_beneath(const char *root, const char *relative, const void *data, size_t len,
                       unsigned mode, struct cl_err *err);
int disk_unlink_beneath(const char *root, const char *relative, struct cl_err *err);

/* What kind of file system a path is on. */
enum disk_fs {
    DISK_FS_LOCAL,
    DISK_FS_NETWORK /* no inotify */,
    DISK_FS_EPHEMERAL /* tmpfs, overlay */
};
struct disk_fs_info {
    enum disk_fs kind;
    bool read_only;
    char name[16]; /* "ext4", "nfs", "overlay", hex if unknown */
};
int disk_fs_info(const char *path, struct disk_fs_info *ret, struct cl_err *err);

/** User and group names to ids (NSS; may block: call inside a batch or at start). "" = keep. */
int disk_lookup_owner(const char *owner, const char *group, unsigned *ret_uid, unsigned *ret_gid,
                      struct cl_err *err);
#define DISK_KEEP_ID UINT32_MAX

/** Takes an flock (LOCK_EX|LOCK_NB) on @path, created 0600. Held until disk_unlock or exit.
 *  Fails with reason "Locked" if another process holds it. */
struct disk_lock;
int disk_lock(const char *path, struct disk_lock **ret, struct cl_err *err);
void disk_unlock(struct disk_lock *lock);

/* ---- batches: an ordered list of changes, made durable together ---- */
struct disk_batch;
struct disk_batch *disk_batch_create(void);
void disk_batch_destroy(struct disk_batch *b); /* only if never committed; NULL is fine */
void disk_batch_mkdirs(struct disk_batch *b, const char *path, unsigned mode);
/** Temporary file in the same directory (O_EXCL, O_NOFOLLOW, owner and mode set on the descriptor
 *  before it has its name), then rename. Data is copied, wiped after use. uid/gid may be
 *  DISK_KEEP_ID. */
void disk_batch_write(struct disk_batch *b, const char *path, const void *data, size_t len,
                      unsigned mode, uint32_t uid, uint32_t gid);
/** Makes @path a symbolic link to @target, atomically replacing what link or file was there. */
void disk_batch_symlink(struct disk_batch *b, const char *target, const char *path);
void disk_batch_rename(struct disk_batch *b, const char *from, const char *to);
void disk_batch_unlink(struct disk_batch *b, const char *path); /* missing is fine */
/** Removes a directory with what is in it, never following links. Missing is fine. */
void disk_batch_remove_tree(struct disk_batch *b, const char *path);
void disk_batch_chown(struct disk_batch *b, const char *path, uint32_t uid, uint32_t gid);
void disk_batch_chmod(struct disk_batch *b, const char *path, unsigned mode);
/** What comes before is durable before anything after it is done. */
void disk_batch_barrier(struct disk_batch *b);
/** Commits: the steps in order, all durable when op->done comes with NULL. The first failing step
 *  ends the batch with its error. Batches that wait while one commit runs are synced together;
 *  those that name one and the same path take effect in the order of their commits. (Paths that
 *  contain each other are not compared: wait for the first.) Cannot be cancelled. */
void disk_commit(struct loop *l, struct disk_batch *take_b, struct cl_op *op);
/** Appends to an existing file (not through a link) and makes that durable by one sync, beside the queue
 *  of commits: for records that other work waits for. No commit may name @path meanwhile. After a
 *  power cut a part of @data may be there. Cannot be cancelled. A missing file: "NotFound". */
void disk_append(struct loop *l, const char *path, const void *data, size_t len, struct cl_op *op);
/** As disk_commit, blocking: for commands and start-up. */
int disk_commit_now(struct disk_batch *take_b, struct cl_err *err);

#endif
