/* SPDX-License-Identifier: Apache-2.0 */
/* sim_disk: backends/rt/disk.h but for batches: looking, reading, cheap writing, locks. */
#include "backends/rt/disk.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <string.h>

struct disk_lock {
    char *path;
};

int sim_disk_fail(struct cl_err *err, int errnum, const char *what, const char *path)
{
    const char *reason = "DiskError";

    if (errnum == ENOENT || errnum == ENOTDIR) {
        reason = "NotFound";
    } else if (errnum == EACCES || errnum == EPERM) {
        reason = "PermissionDenied";
    } else if (errnum == ENOSPC) {
        reason = "DiskFull";
    } else if (errnum == ELOOP) {
        reason = "SymbolicLink";
    }
    return cl_fail_errno(err, errnum, reason, "cannot %s %s", what, path);
}

int sim_disk_fault(const char *path, bool writes)
{
    const char *prefix;
    size_t pos = 0;
    void *value;

    if (sim->poisoned) {
        return 0;
    }
    if (++sim->counts.disk == sim->faults.disk_at) {
        sim_trace("file operation %llu on %s fails: %s", (unsigned long long)sim->counts.disk, path,
                  sim->faults.disk_errno == ENOSPC ? "ENOSPC" : "EIO");
        sim->counts.faults++;
        return writes ? sim->faults.disk_errno : EIO;
    }
    while (cl_map_next(&sim->fs->errors, &pos, &prefix, &value)) {
        int errnum = *(const int *)value;
        if (cl_str_starts(path, prefix) && (writes || errnum != ENOSPC)) {
            sim->counts.faults++;
            return errnum;
        }
    }
    return 0;
}

void sim_fs_error(const char *prefix, int errnum)
{
    SIM_WORLD();
    cl_free(cl_map_remove(&sim->fs->errors, prefix));
    if (errnum != 0) {
        int *value = cl_new(int);
        *value = errnum;
        (void)cl_map_set(&sim->fs->errors, prefix, value);
    }
}

int sim_disk_apply(struct sim_op *op)
{
    int rc = sim_op_apply(sim->fs->seen, op, false);

    if (rc == 0) {
        bool gone = op->kind == SIM_OP_UNLINK || op->kind == SIM_OP_TREE;
        sim_watch_changed(op->path, gone || op->kind == SIM_OP_RENAME, op->kind == SIM_OP_MKDIR);
        sim_check_path(op->path);
        if (op->kind == SIM_OP_RENAME) {
            sim_watch_changed(op->other, false, false);
            sim_check_path(op->other);
        }
    }
    return rc;
}

/* ---- looking ---- */

static int look(const char *path, bool follow, struct disk_stat *ret, struct cl_err *err)
{
    struct sim_node *n = NULL;
    int rc = sim_disk_fault(path, false);

    if (rc == 0) {
        rc = sim_fs_find(sim->fs->seen, path, follow, &n);
    }
    memset(ret, 0, sizeof *ret);
    if (rc == ENOENT || rc == ENOTDIR) {
        return 0; /* DISK_NONE */
    }
    if (rc != 0) {
        return sim_disk_fail(err, rc, "look at", path);
    }
    *ret = (struct disk_stat){.type = n->type,
                              .dev = 1,
                              .ino = n->ino,
                              .size = n->blob != NULL ? n->blob->len : 4096,
                              .nlink = n->type == DISK_DIR ? 2 : 1,
                              .mtime_ns = n->mtime_ns,
                              .ctime_ns = n->ctime_ns,
                              .mode = n->mode,
                              .uid = n->uid,
                              .gid = n->gid};
    return 0;
}

int disk_stat(const char *path, struct disk_stat *ret, struct cl_err *err)
{
    return look(path, true, ret, err);
}

int disk_lstat(const char *path, struct disk_stat *ret, struct cl_err *err)
{
    return look(path, false, ret, err);
}

static int read_into(const char *path, bool follow, struct cl_buf *ret, struct disk_stat *ret_stat,
                     struct cl_err *err)
{
    struct sim_node *n = NULL;
    int rc = sim_disk_fault(path, false);

    if (rc == 0) {
        rc = sim_fs_find(sim->fs->seen, path, follow, &n);
    }
    if (rc == 0 && n->type == DISK_LINK) {
        rc = ELOOP;
    }
    if (rc != 0) {
        return sim_disk_fail(err, rc, "open", path);
    }
    if (n->type != DISK_FILE) {
        return cl_fail(err, CL_ERR_LOCAL, "NotARegularFile", "%s is not a regular file", path);
    }
    if (n->blob->len > ret->max || cl_buf_add(ret, n->blob->data, n->blob->len) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "FileTooLarge", "%s is larger than the %zu bytes allowed",
                       path, ret->max);
    }
    if (ret_stat != NULL && look(path, follow, ret_stat, err) < 0) {
        cl_buf_deinit(ret);
        return -1;
    }
    return 0;
}

int disk_read(const char *path, size_t max, struct cl_buf *ret, struct disk_stat *ret_stat,
              struct cl_err *err)
{
    cl_buf_init(ret, max);
    return read_into(path, true, ret, ret_stat, err);
}

int disk_read_secret(const char *path, size_t max, struct cl_buf *ret, struct disk_stat *ret_stat,
                     struct cl_err *err)
{
    cl_buf_init_secret(ret, max);
    return read_into(path, false, ret, ret_stat, err);
}

/* ROOT/RELATIVE without leaving root; NULL if it tries to. Owned. */
static char *beneath(const char *root, const char *relative)
{
    if (relative[0] == '/' || strstr(relative, "..") != NULL) {
        return NULL;
    }
    return cl_printf("%s/%s", root, relative);
}

static int outside_root(const char *relative, struct cl_err *err)
{
    return cl_fail(err, CL_ERR_LOCAL, "OutsideRoot", "%s leads out of its directory", relative);
}

int disk_read_beneath(const char *root, const char *relative, size_t max, struct cl_buf *ret,
                      struct disk_stat *ret_stat, struct cl_err *err)
{
    char *path = beneath(root, relative);

    cl_buf_init(ret, max);
    if (path == NULL) {
        return outside_root(relative, err);
    }
    int rc = read_into(path, true, ret, ret_stat, err);
    cl_free(path);
    return rc;
}

int disk_list(const char *path, struct cl_strv *ret, struct cl_err *err)
{
    struct sim_node *n = NULL;
    struct cl_strv names = {0};
    const char *name;
    size_t pos = 0;
    int rc = sim_disk_fault(path, false);

    if (rc == 0) {
        rc = sim_fs_find(sim->fs->seen, path, true, &n);
    }
    if (rc == 0 && n->type != DISK_DIR) {
        rc = ENOTDIR;
    }
    if (rc != 0) {
        return sim_disk_fail(err, rc, "open directory", path);
    }
    while (cl_map_next(&n->children, &pos, &name, NULL)) {
        cl_strv_add(&names, name);
    }
    cl_strv_sort(&names);
    *ret = names;
    return 0;
}

int disk_readlink(const char *path, char **ret, struct cl_err *err)
{
    struct sim_node *n = NULL;
    int rc = sim_disk_fault(path, false);

    if (rc == 0) {
        rc = sim_fs_find(sim->fs->seen, path, false, &n);
    }
    if (rc != 0) {
        return sim_disk_fail(err, rc, "read link", path);
    }
    if (n->type != DISK_LINK) {
        return cl_fail(err, CL_ERR_LOCAL, "NotALink", "%s is not a symbolic link", path);
    }
    *ret = cl_strdup(n->blob->data);
    return 0;
}

/* ---- cheap changes: seen at once, durable some time ---- */

static int change(struct sim_op *op, const char *what, struct cl_err *err)
{
    SIM_WORLD();
    int rc = sim_disk_fault(op->path, true);

    sim_op_stamp(sim->fs, op);
    if (rc == 0) {
        rc = sim_disk_apply(op);
    }
    if (rc != 0) {
        char path[512];
        (void)cl_format(path, sizeof path, "%s", op->path);
        sim_op_deinit(op);
        return sim_disk_fail(err, rc, what, path);
    }
    if (strstr(op->path, "/status/_") == NULL) {
        sim->effects++;
    }
    sim_fs_unsynced(sim->fs, op);
    return 0;
}

static struct sim_op new_op(enum sim_op_kind kind, const char *path, const char *other)
{
    SIM_WORLD();
    return (struct sim_op){.kind = kind,
                           .path = cl_strdup(path),
                           .other = cl_strdup(other),
                           .uid = DISK_KEEP_ID,
                           .gid = DISK_KEEP_ID};
}

static struct sim_blob *new_blob(const void *data, size_t len)
{
    SIM_WORLD();
    return sim_blob(data, len);
}

int disk_write(const char *path, const void *data, size_t len, unsigned mode, struct cl_err *err)
{
    struct sim_op op = new_op(SIM_OP_WRITE, path, NULL);

    op.mode = mode;
    op.blob = new_blob(data, len);
    return change(&op, "write", err);
}

int disk_mkdirs(const char *path, unsigned mode, struct cl_err *err)
{
    for (const char *p = strchr(path + 1, '/');; p = strchr(p + 1, '/')) {
        size_t n = p != NULL ? (size_t)(p - path) : strlen(path);
        char *dir = cl_strndup(path, n);
        const struct sim_node *there = sim_fs_node(dir, true);
        int rc = 0;
        if (there == NULL) {
            struct sim_op op = new_op(SIM_OP_MKDIR, dir, NULL);
            op.mode = mode;
            rc = change(&op, "create directory", err);
        } else if (there->type != DISK_DIR) {
            rc = sim_disk_fail(err, ENOTDIR, "create directory", dir);
        }
        cl_free(dir);
        if (rc < 0 || p == NULL) {
            return rc;
        }
    }
}

int disk_unlink(const char *path, struct cl_err *err)
{
    struct cl_err own = {0};
    struct sim_op op = new_op(SIM_OP_UNLINK, path, NULL);

    if (change(&op, "remove", &own) < 0 && !cl_streq(own.reason, "NotFound")) {
        if (err != NULL) {
            *err = own;
        }
        return -1;
    }
    return 0;
}

int disk_rename(const char *from, const char *to, struct cl_err *err)
{
    struct sim_op op = new_op(SIM_OP_RENAME, from, to);

    return change(&op, "rename", err);
}

int disk_chmod(const char *path, unsigned mode, struct cl_err *err)
{
    struct sim_op op = new_op(SIM_OP_CHMOD, path, NULL);

    op.mode = mode;
    return change(&op, "change the mode of", err);
}

int disk_write_beneath(const char *root, const char *relative, const void *data, size_t len,
                       unsigned mode, struct cl_err *err)
{
    char *path = beneath(root, relative);
    const struct sim_node *dir = sim_fs_node(root, true);

    if (path == NULL || dir == NULL || dir->type != DISK_DIR) {
        cl_free(path);
        return dir == NULL ? sim_disk_fail(err, ENOENT, "write below", root)
                           : outside_root(relative, err);
    }
    char *parent = cl_strndup(path, (size_t)(strrchr(path, '/') - path));
    int rc = disk_mkdirs(parent, 0755, err);
    if (rc == 0) {
        rc = disk_write(path, data, len, mode, err);
    }
    cl_free(parent);
    cl_free(path);
    return rc;
}

int disk_unlink_beneath(const char *root, const char *relative, struct cl_err *err)
{
    char *path = beneath(root, relative);

    if (path == NULL) {
        return outside_root(relative, err);
    }
    int rc = disk_unlink(path, err);
    cl_free(path);
    return rc;
}

/* ---- facts about the disk ---- */

int disk_fs_info(const char *path, struct disk_fs_info *ret, struct cl_err *err)
{
    int rc = sim_disk_fault(path, false);

    if (rc != 0) {
        return sim_disk_fail(err, rc, "look at the file system of", path);
    }
    *ret = (struct disk_fs_info){.kind = DISK_FS_LOCAL, .name = "ext4"};
    return 0;
}

static int to_id(const char *name, unsigned *ret, struct cl_err *err)
{
    uint64_t id = 0;

    *ret = DISK_KEEP_ID;
    if (cl_str_empty(name)) {
        return 0;
    }
    if (cl_parse_u64(name, UINT32_MAX - 1, &id) < 0 && !cl_streq(name, "root")) {
        return cl_fail(err, CL_ERR_PERMANENT, "OwnerUnknown",
                       "there is no user or group '%s' on this machine", name);
    }
    *ret = (unsigned)id;
    return 0;
}

int disk_lookup_owner(const char *owner, const char *group, unsigned *ret_uid, unsigned *ret_gid,
                      struct cl_err *err)
{
    unsigned uid;
    unsigned gid;

    if (to_id(owner, &uid, err) < 0 || to_id(group, &gid, err) < 0) {
        return -1;
    }
    *ret_uid = uid;
    *ret_gid = gid;
    return 0;
}

int disk_lock(const char *path, struct disk_lock **ret, struct cl_err *err)
{
    const unsigned *holder = cl_map_get(&sim->fs->locks, path);
    int rc = sim_disk_fault(path, false);

    if (rc != 0) {
        return sim_disk_fail(err, rc, "open", path);
    }
    if (holder != NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "Locked", "%s is held by another process", path);
    }
    if (sim_fs_node(path, true) == NULL && disk_write(path, "", 0, 0600, err) < 0) {
        return -1;
    }
    struct disk_lock *lock = cl_new(struct disk_lock);
    lock->path = cl_strdup(path);
    SIM_WORLD();
    unsigned *life = cl_new(unsigned);
    *life = sim->life;
    (void)cl_map_set(&sim->fs->locks, path, life);
    *ret = lock;
    return 0;
}

void disk_unlock(struct disk_lock *lock)
{
    if (lock != NULL) {
        cl_free(cl_map_remove(&sim->fs->locks, lock->path));
        cl_free(lock->path);
        cl_free(lock);
    }
}
