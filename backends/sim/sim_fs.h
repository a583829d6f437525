/* SPDX-License-Identifier: Apache-2.0 */
/* sim_fs (private to backends/sim): two trees of one disk: what processes see, and what would be
 * there after a power cut. Paths are absolute. Errors are errno values, 0 = success. */
#ifndef SIM_FS_H
#define SIM_FS_H

#include "backends/rt/disk.h"
#include "spec/base/cl_map.h"

struct sim_blob {
    unsigned refs;
    size_t len;
    char data[];
};
struct sim_node {
    enum disk_type type;
    uint64_t ino;
    unsigned mode, uid, gid;
    int64_t mtime_ns, ctime_ns;
    struct sim_blob *blob;  /* of a file: its bytes; of a link: its target */
    struct cl_map children; /* of a directory */
};

enum sim_op_kind {
    SIM_OP_WRITE, /* replaces what is there, as a rename does */
    SIM_OP_LINK,
    SIM_OP_MKDIR,
    SIM_OP_RENAME,
    SIM_OP_UNLINK,
    SIM_OP_TREE, /* removes a directory with what is in it */
    SIM_OP_CHMOD,
    SIM_OP_CHOWN,
    SIM_OP_OTHER /* makes a FIFO or the like */
};
struct sim_op {
    enum sim_op_kind kind;
    char *path, *other; /* other: new name of a rename */
    struct sim_blob *blob;
    unsigned mode;
    uint32_t uid, gid;
    uint64_t ino;
    int64_t time_ns;
    cl_time at;     /* when it was made, for the write-back */
    bool batched;   /* of a commit that did not end: such files are synced in any order */
    bool is_status; /* unsynced: below the status directory, which nobody syncs */
};

struct sim_fs {
    struct sim_node *seen, *durable;
    struct sim_op *unsynced; /* applied to `seen` only, oldest first */
    size_t n_unsynced, cap_unsynced;
    size_t n_unsynced_other; /* those that are not status files: nobody syncs near a status */
    uint64_t next_ino, ticks;
    struct cl_map errors; /* path prefix -> int: the errno there */
    struct cl_map locks;  /* path -> unsigned: the life that holds it */
};

struct sim_fs *sim_fs_create(void);
struct sim_blob *sim_blob(const void *data, size_t len);
struct sim_blob *sim_blob_ref(struct sim_blob *b);
void sim_blob_unref(struct sim_blob *b);

/** Where a path leads in a tree. @follow: also a link in the last component. */
int sim_fs_find(struct sim_node *root, const char *path, bool follow, struct sim_node **ret);
/** Fills the fields that the disk gives: inode, time. */
void sim_op_stamp(struct sim_fs *fs, struct sim_op *op);
/** Applies to one tree; @grow makes missing parents (a journal brings them along). */
int sim_op_apply(struct sim_node *root, const struct sim_op *op, bool grow);
void sim_op_deinit(struct sim_op *op);
/** Takes the op: it was applied to `seen` and may or may not survive. */
void sim_fs_unsynced(struct sim_fs *fs, struct sim_op *take_op);
/** Applies to the durable tree what was synced; takes it. */
void sim_fs_synced(struct sim_fs *fs, struct sim_op *take_op);
/** A power cut: the durable tree and, by chance, some of the unsynced operations are left. */
void sim_fs_power_cut(struct sim_fs *fs);

/* Changes and looks from outside: by people, tools, the CA. No faults, always durable. */
int sim_fs_put(const char *path, const void *data, size_t len, unsigned mode);
int sim_fs_do(enum sim_op_kind kind, const char *path, const char *other);
/** The bytes of a file, or NULL. Borrowed until the next change. */
const struct sim_blob *sim_fs_get(const char *path);
/** From now on everything below @prefix fails with @errnum; 0: no longer. */
void sim_fs_error(const char *prefix, int errnum);
struct sim_node *sim_fs_node(const char *path, bool follow);

/* ---- the daemon's side ---- */
/** Counts one file operation: 0, or the errno with which it fails. A full disk can be read. */
int sim_disk_fault(const char *path, bool writes);
int sim_disk_fail(struct cl_err *err, int errnum, const char *what, const char *path);
/** Applies to `seen` and tells watchers and checks; the op stays the caller's. */
int sim_disk_apply(struct sim_op *op);

#endif
