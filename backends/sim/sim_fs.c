/* SPDX-License-Identifier: Apache-2.0 */
/* sim_fs: the trees and the operations on them. */
#include "backends/sim/sim_fs.h"

#include "backends/sim/sim.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <string.h>

#define LINKS_MAX 16
#define NAME_MAX_LEN 255u
#define WRITE_BACK (30 * CL_SECOND) /* the kernel syncs by itself after that */

/* ---- nodes ---- */

struct sim_blob *sim_blob(const void *data, size_t len)
{
    struct sim_blob *b = cl_malloc(sizeof *b + len + 1);

    b->refs = 1;
    b->len = len;
    if (len > 0) {
        memcpy(b->data, data, len);
    }
    b->data[len] = '\0';
    return b;
}

struct sim_blob *sim_blob_ref(struct sim_blob *b)
{
    if (b != NULL) {
        b->refs++;
    }
    return b;
}

void sim_blob_unref(struct sim_blob *b)
{
    if (b != NULL && --b->refs == 0) {
        cl_free(b);
    }
}

static void node_free(struct sim_node *n)
{
    size_t pos = 0;
    void *child;

    if (n == NULL) {
        return;
    }
    while (cl_map_next(&n->children, &pos, NULL, &child)) {
        node_free(child);
    }
    cl_map_deinit(&n->children);
    sim_blob_unref(n->blob);
    cl_free(n);
}

static struct sim_node *node_copy(const struct sim_node *n)
{
    struct sim_node *c = cl_new(struct sim_node);
    const char *name;
    size_t pos = 0;
    void *child;

    *c = *n;
    c->blob = sim_blob_ref(n->blob);
    c->children = (struct cl_map){0};
    while (cl_map_next(&n->children, &pos, &name, &child)) {
        (void)cl_map_set(&c->children, name, node_copy(child));
    }
    return c;
}

static struct sim_node *node_dir(void)
{
    struct sim_node *n = cl_new(struct sim_node);

    n->type = DISK_DIR;
    n->mode = 0755;
    return n;
}

struct sim_fs *sim_fs_create(void)
{
    struct sim_fs *fs = cl_new(struct sim_fs);

    fs->next_ino = 2;
    fs->seen = node_dir();
    fs->seen->ino = 1;
    fs->durable = node_copy(fs->seen);
    return fs;
}

/* ---- finding ---- */

struct walk {
    struct sim_node *stack[64]; /* from the root to where we are */
    size_t depth;
    unsigned links;
    struct sim_node *found; /* NULL: the last component is missing */
    char name[NAME_MAX_LEN + 1];
};

static int walk_path(struct walk *w, const char *path, bool follow);

static int walk_link(struct walk *w, const struct sim_node *link, bool follow)
{
    char target[1024];

    if (++w->links > LINKS_MAX || link->blob->len >= sizeof target) {
        return ELOOP;
    }
    memcpy(target, link->blob->data, link->blob->len + 1);
    if (target[0] == '/') {
        w->depth = 1;
    }
    return walk_path(w, target, follow);
}

/* A link on the way, or the last component if it is to be followed. */
static int step_link(struct walk *w, const struct sim_node *link, bool last)
{
    int rc = walk_link(w, link, true);

    if (rc != 0 || w->found == NULL) {
        return rc != 0 ? rc : ENOENT;
    }
    return last || w->found->type == DISK_DIR ? 0 : ENOTDIR;
}

/* One component; @last says whether a missing one is fine and a link is left alone. */
static int walk_step(struct walk *w, bool last, bool follow)
{
    struct sim_node *here = w->stack[w->depth - 1];

    w->found = here;
    if (cl_streq(w->name, ".")) {
        return 0;
    }
    if (cl_streq(w->name, "..")) {
        w->depth -= w->depth > 1 ? 1 : 0;
        w->found = w->stack[w->depth - 1];
        return 0;
    }
    w->found = cl_map_get(&here->children, w->name);
    if (w->found == NULL) {
        return last ? 0 : ENOENT;
    }
    if (w->found->type == DISK_LINK && (!last || follow)) {
        return step_link(w, w->found, last);
    }
    return last || w->found->type == DISK_DIR ? 0 : ENOTDIR;
}

/* Leaves the directory of the last component on top of the stack, and its name in w->name. */
static int walk_path(struct walk *w, const char *path, bool follow)
{
    const char *p = path;
    int rc = 0;

    w->found = w->stack[w->depth - 1];
    while (rc == 0) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");
        if (n == 0) {
            break;
        }
        if (n > NAME_MAX_LEN) {
            return ENAMETOOLONG;
        }
        memcpy(w->name, p, n);
        w->name[n] = '\0';
        p += n;
        bool last = p[strspn(p, "/")] == '\0';
        rc = walk_step(w, last, follow);
        if (rc == 0 && !last && w->found != w->stack[w->depth - 1]) {
            if (w->depth == sizeof w->stack / sizeof w->stack[0]) {
                return ENAMETOOLONG;
            }
            w->stack[w->depth++] = w->found;
        }
    }
    return rc;
}

static int find(struct sim_node *root, const char *path, bool follow, struct walk *w)
{
    memset(w, 0, offsetof(struct walk, name));
    w->name[0] = '\0';
    w->stack[0] = root;
    w->depth = 1;
    return walk_path(w, path, follow);
}

int sim_fs_find(struct sim_node *root, const char *path, bool follow, struct sim_node **ret)
{
    struct walk w;
    int rc = find(root, path, follow, &w);

    *ret = rc == 0 ? w.found : NULL;
    return rc == 0 && w.found == NULL ? ENOENT : rc;
}

/* ---- operations ---- */

void sim_op_stamp(struct sim_fs *fs, struct sim_op *op)
{
    op->ino = fs->next_ino++;
    op->time_ns = sim->now * 1000000 + (int64_t)(fs->ticks++ % 1000000);
    op->at = sim->now;
}

void sim_op_deinit(struct sim_op *op)
{
    cl_free(op->path);
    cl_free(op->other);
    sim_blob_unref(op->blob);
    memset(op, 0, sizeof *op);
}

static void grow_parents(struct sim_node *root, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        char *dir = cl_strndup(path, (size_t)(slash - path));
        struct sim_node *n = NULL;
        struct sim_node *seen = NULL;
        struct walk w;
        if (sim_fs_find(root, dir, true, &n) != 0 && find(root, dir, false, &w) == 0 &&
            w.found == NULL) {
            n = node_dir();
            if (sim_fs_find(sim->fs->seen, dir, true, &seen) == 0) {
                n->ino = seen->ino;
                n->mode = seen->mode;
                n->uid = seen->uid;
                n->gid = seen->gid;
            }
            (void)cl_map_set(&w.stack[w.depth - 1]->children, w.name, n);
        }
        cl_free(dir);
    }
}

static struct sim_node *op_node(const struct sim_op *op, enum disk_type type)
{
    struct sim_node *n = cl_new(struct sim_node);

    n->type = type;
    n->ino = op->ino;
    n->mode = op->mode;
    n->uid = op->uid == DISK_KEEP_ID ? 0 : op->uid;
    n->gid = op->gid == DISK_KEEP_ID ? 0 : op->gid;
    n->mtime_ns = op->time_ns;
    n->ctime_ns = op->time_ns;
    n->blob = sim_blob_ref(op->blob);
    return n;
}

static void touch(struct sim_node *dir, const struct sim_op *op)
{
    dir->mtime_ns = op->time_ns;
    dir->ctime_ns = op->time_ns;
}

static int place(struct walk *w, struct sim_node *take_n, const struct sim_op *op)
{
    struct sim_node *dir = w->stack[w->depth - 1];

    if (w->found != NULL && w->found->type == DISK_DIR) {
        node_free(take_n);
        return EISDIR;
    }
    node_free(cl_map_set(&dir->children, w->name, take_n));
    touch(dir, op);
    return 0;
}

static int op_remove(struct walk *w, const struct sim_op *op)
{
    struct sim_node *dir = w->stack[w->depth - 1];

    if (w->found == NULL) {
        return ENOENT;
    }
    if (w->found->type == DISK_DIR && op->kind == SIM_OP_UNLINK) {
        return EISDIR;
    }
    node_free(cl_map_remove(&dir->children, w->name));
    touch(dir, op);
    return 0;
}

static int op_rename(struct sim_node *root, struct walk *from, const struct sim_op *op)
{
    struct walk to;
    struct sim_node *moved = from->found;

    if (moved == NULL) {
        return ENOENT;
    }
    int rc = find(root, op->other, false, &to);
    if (rc != 0) {
        return rc;
    }
    if (to.found != NULL && to.found->type == DISK_DIR && to.found->children.count > 0) {
        return ENOTEMPTY;
    }
    (void)cl_map_remove(&from->stack[from->depth - 1]->children, from->name);
    touch(from->stack[from->depth - 1], op);
    node_free(cl_map_set(&to.stack[to.depth - 1]->children, to.name, moved));
    touch(to.stack[to.depth - 1], op);
    moved->ctime_ns = op->time_ns;
    return 0;
}

static int op_attributes(struct walk *w, const struct sim_op *op)
{
    if (w->found == NULL) {
        return ENOENT;
    }
    if (op->kind == SIM_OP_CHMOD && w->found->type == DISK_LINK) {
        return ELOOP;
    }
    if (op->kind == SIM_OP_CHMOD) {
        w->found->mode = op->mode;
    } else {
        w->found->uid = op->uid == DISK_KEEP_ID ? w->found->uid : op->uid;
        w->found->gid = op->gid == DISK_KEEP_ID ? w->found->gid : op->gid;
    }
    w->found->ctime_ns = op->time_ns;
    return 0;
}

int sim_op_apply(struct sim_node *root, const struct sim_op *op, bool grow)
{
    struct walk w;

    if (grow) {
        grow_parents(root, op->path);
        if (op->kind == SIM_OP_RENAME) {
            grow_parents(root, op->other);
        }
    }
    int rc = find(root, op->path, false, &w);
    if (rc != 0) {
        return rc;
    }
    switch (op->kind) {
    case SIM_OP_WRITE:
        return place(&w, op_node(op, DISK_FILE), op);
    case SIM_OP_LINK:
        return place(&w, op_node(op, DISK_LINK), op);
    case SIM_OP_OTHER:
        return place(&w, op_node(op, DISK_OTHER), op);
    case SIM_OP_MKDIR:
        if (w.found != NULL) {
            return EEXIST;
        }
        return place(&w, op_node(op, DISK_DIR), op);
    case SIM_OP_UNLINK:
    case SIM_OP_TREE:
        return op_remove(&w, op);
    case SIM_OP_RENAME:
        return op_rename(root, &w, op);
    case SIM_OP_CHMOD:
    case SIM_OP_CHOWN:
        return op_attributes(&w, op);
    }
    return EINVAL;
}

/* ---- what survives ---- */

static void drop_unsynced(struct sim_fs *fs, size_t from, size_t n)
{
    memmove(&fs->unsynced[from], &fs->unsynced[from + n],
            (fs->n_unsynced - from - n) * sizeof *fs->unsynced);
    fs->n_unsynced -= n;
}

static size_t is_other(const struct sim_op *op)
{
    return op->is_status ? 0 : 1;
}

static void write_back(struct sim_fs *fs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)sim_op_apply(fs->durable, &fs->unsynced[i], true); /* a later sync may have won */
        fs->n_unsynced_other -= is_other(&fs->unsynced[i]);
        sim_op_deinit(&fs->unsynced[i]);
    }
    drop_unsynced(fs, 0, n);
}

void sim_fs_unsynced(struct sim_fs *fs, struct sim_op *take_op)
{
    size_t old = 0;

    if (fs->n_unsynced == fs->cap_unsynced) {
        fs->cap_unsynced = fs->cap_unsynced == 0 ? 64 : fs->cap_unsynced * 2;
        fs->unsynced = cl_reallocarray(fs->unsynced, fs->cap_unsynced, sizeof *fs->unsynced);
    }
    take_op->is_status = strstr(take_op->path, "/status/") != NULL;
    fs->n_unsynced_other += is_other(take_op);
    fs->unsynced[fs->n_unsynced++] = *take_op;
    memset(take_op, 0, sizeof *take_op);
    if (fs->n_unsynced % 64 != 0) {
        return;
    }
    while (old < fs->n_unsynced && fs->unsynced[old].at + WRITE_BACK < sim->now) {
        old++;
    }
    write_back(fs, old);
}

static bool touches(const struct sim_op *op, const char *path)
{
    size_t n = strlen(op->path);

    return strncmp(op->path, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Does @older lie on or below the path of @op, so that replaying it later would undo @op? */
static bool overrides(const struct sim_op *op, const struct sim_op *older)
{
    return touches(op, older->path) || (older->other != NULL && touches(op, older->other));
}

void sim_fs_synced(struct sim_fs *fs, struct sim_op *take_op)
{
    bool near_status = strstr(take_op->path, "/status") != NULL || touches(take_op, SIM_STATE);
    size_t others = 0; /* seen and left */
    size_t i = 0;

    while (fs->n_unsynced_other > (near_status ? 0 : others) && i < fs->n_unsynced) {
        struct sim_op *older = &fs->unsynced[i];
        if (older->is_status && !near_status) {
            i++;
            continue;
        }
        bool above = take_op->kind != SIM_OP_TREE && older->kind == SIM_OP_MKDIR &&
                     touches(older, take_op->path);
        bool needed = take_op->kind == SIM_OP_CHMOD || take_op->kind == SIM_OP_CHOWN ||
                      take_op->kind == SIM_OP_RENAME;
        if (above || older->kind == SIM_OP_RENAME || /* the journal brings them along */
            (needed && overrides(take_op, older))) {
            (void)sim_op_apply(fs->durable, older, true);
        } else if (!overrides(take_op, older)) {
            others += is_other(older);
            i++;
            continue;
        }
        fs->n_unsynced_other -= is_other(older);
        sim_op_deinit(older);
        drop_unsynced(fs, i, 1);
    }
    (void)sim_op_apply(fs->durable, take_op, true);
    sim_op_deinit(take_op);
}

/* Which unsynced operations survive: a beginning, as a journal has it; of a commit that did not end,
 * whose files were being synced one by one, any of them. */
void sim_fs_power_cut(struct sim_fs *fs)
{
    size_t keep = (size_t)sim_between(0, (int64_t)fs->n_unsynced);
    bool any_order = sim_chance(50);

    for (size_t i = 0; i < fs->n_unsynced; i++) {
        if (any_order && fs->unsynced[i].batched ? sim_chance(50) : i < keep) {
            (void)sim_op_apply(fs->durable, &fs->unsynced[i], true);
        }
        sim_op_deinit(&fs->unsynced[i]);
    }
    fs->n_unsynced = 0;
    fs->n_unsynced_other = 0;
    node_free(fs->seen);
    fs->seen = node_copy(fs->durable);
}

/* ---- from outside ---- */

static int outside(struct sim_op *op)
{
    SIM_WORLD();
    struct sim_op durable = *op;

    sim_op_stamp(sim->fs, op);
    durable.ino = op->ino;
    durable.time_ns = op->time_ns;
    durable.path = cl_strdup(op->path);
    durable.other = cl_strdup(op->other);
    durable.blob = sim_blob_ref(op->blob);
    int rc = sim_disk_apply(op);
    if (rc == 0) {
        sim_fs_synced(sim->fs, &durable);
    } else {
        sim_op_deinit(&durable);
    }
    sim_op_deinit(op);
    sim_external();
    return rc;
}

int sim_fs_put(const char *path, const void *data, size_t len, unsigned mode)
{
    SIM_WORLD();
    struct sim_op op = {.kind = SIM_OP_WRITE, .path = cl_strdup(path), .mode = mode};

    op.blob = sim_blob(data, len);
    grow_parents(sim->fs->seen, path);
    return outside(&op);
}

int sim_fs_do(enum sim_op_kind kind, const char *path, const char *other)
{
    SIM_WORLD();
    struct sim_op op = {.kind = kind, .path = cl_strdup(path), .mode = 0755};

    if (kind == SIM_OP_LINK) {
        op.blob = sim_blob(other, strlen(other));
        op.mode = 0777;
    } else {
        op.other = cl_strdup(other);
    }
    if (kind == SIM_OP_MKDIR || kind == SIM_OP_LINK) {
        grow_parents(sim->fs->seen, path);
    }
    return outside(&op);
}

struct sim_node *sim_fs_node(const char *path, bool follow)
{
    struct sim_node *n = NULL;

    return sim_fs_find(sim->fs->seen, path, follow, &n) == 0 ? n : NULL;
}

const struct sim_blob *sim_fs_get(const char *path)
{
    const struct sim_node *n = sim_fs_node(path, true);

    return n != NULL && n->type == DISK_FILE ? n->blob : NULL;
}
