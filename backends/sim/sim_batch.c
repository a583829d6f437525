/* SPDX-License-Identifier: Apache-2.0 */
/* sim_batch: batches. Each step is a point at which the power can go: what came before the last
 * barrier is then durable, of the rest chance keeps a beginning. */
#include "backends/rt/disk.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <string.h>

struct step {
    bool barrier, mkdirs;
    struct sim_op op;
};
struct disk_batch {
    struct step *steps;
    size_t len, cap;
};

/* ---- building: world memory, because a commit may outlive the daemon's interest in it ---- */

struct disk_batch *disk_batch_create(void)
{
    return cl_new(struct disk_batch);
}

void disk_batch_destroy(struct disk_batch *b)
{
    for (size_t i = 0; b != NULL && i < b->len; i++) {
        sim_op_deinit(&b->steps[i].op);
    }
    if (b != NULL) {
        cl_free(b->steps);
    }
    cl_free(b);
}

static struct step *add(struct disk_batch *b, enum sim_op_kind kind, const char *path,
                        const char *other)
{
    if (b->len == b->cap) {
        b->cap = b->cap == 0 ? 8 : b->cap * 2;
        b->steps = cl_reallocarray(b->steps, b->cap, sizeof *b->steps);
    }
    SIM_WORLD();
    struct step *s = &b->steps[b->len++];
    memset(s, 0, sizeof *s);
    s->op.kind = kind;
    s->op.path = cl_strdup(path);
    s->op.other = cl_strdup(other);
    s->op.uid = DISK_KEEP_ID;
    s->op.gid = DISK_KEEP_ID;
    return s;
}

void disk_batch_mkdirs(struct disk_batch *b, const char *path, unsigned mode)
{
    struct step *s = add(b, SIM_OP_MKDIR, path, NULL);

    s->mkdirs = true;
    s->op.mode = mode;
}

/* NOLINTNEXTLINE(readability-function-size): the signature of disk.h */
void disk_batch_write(struct disk_batch *b, const char *path, const void *data, size_t len,
                      unsigned mode, uint32_t uid, uint32_t gid)
{
    struct step *s = add(b, SIM_OP_WRITE, path, NULL);

    SIM_WORLD();
    s->op.blob = sim_blob(data, len);
    s->op.mode = mode;
    s->op.uid = uid;
    s->op.gid = gid;
}

void disk_batch_symlink(struct disk_batch *b, const char *target, const char *path)
{
    struct step *s = add(b, SIM_OP_LINK, path, NULL);

    SIM_WORLD();
    s->op.blob = sim_blob(target, strlen(target));
    s->op.mode = 0777;
}

void disk_batch_rename(struct disk_batch *b, const char *from, const char *to)
{
    (void)add(b, SIM_OP_RENAME, from, to);
}

void disk_batch_unlink(struct disk_batch *b, const char *path)
{
    (void)add(b, SIM_OP_UNLINK, path, NULL);
}

void disk_batch_remove_tree(struct disk_batch *b, const char *path)
{
    (void)add(b, SIM_OP_TREE, path, NULL);
}

void disk_batch_chown(struct disk_batch *b, const char *path, uint32_t uid, uint32_t gid)
{
    struct step *s = add(b, SIM_OP_CHOWN, path, NULL);

    s->op.uid = uid;
    s->op.gid = gid;
}

void disk_batch_chmod(struct disk_batch *b, const char *path, unsigned mode)
{
    add(b, SIM_OP_CHMOD, path, NULL)->op.mode = mode;
}

void disk_batch_barrier(struct disk_batch *b)
{
    add(b, SIM_OP_WRITE, "", NULL)->barrier = true;
}

/* ---- committing ---- */

/* What was done since the last barrier. */
struct run {
    struct sim_op *ops;
    size_t len, cap;
};

static void run_keep(struct run *r, struct sim_op *take_op)
{
    if (r->len == r->cap) {
        r->cap = r->cap == 0 ? 8 : r->cap * 2;
        r->ops = cl_reallocarray(r->ops, r->cap, sizeof *r->ops);
    }
    r->ops[r->len++] = *take_op;
    memset(take_op, 0, sizeof *take_op);
}

static void run_abandon(struct run *r)
{
    for (size_t i = 0; i < r->len; i++) {
        r->ops[i].batched = true;
        sim_fs_unsynced(sim->fs, &r->ops[i]);
    }
    r->len = 0;
}

static bool kill_point(void)
{
    return !sim->poisoned && ++sim->counts.durable == sim->faults.kill_at;
}

/* The power goes at this step (NULL: at a sync). A write may leave its temporary file behind. */
static void power_goes(struct run *r, const struct sim_op *op)
{
    sim_trace("durable write %llu (%s): the power goes", (unsigned long long)sim->counts.durable,
              op != NULL ? op->path : "when all is written but not synced");
    run_abandon(r);
    cl_free(r->ops);
    if (op != NULL && op->kind == SIM_OP_WRITE && sim_chance(50)) {
        const char *slash = strrchr(op->path, '/');
        struct sim_op left = {.kind = SIM_OP_WRITE, .mode = 0600};
        left.path = cl_printf("%.*s/.%s.Tmp%03d", (int)(slash - op->path), op->path, slash + 1,
                              (int)sim_between(0, 999));
        left.blob = sim_blob("", 0);
        sim_op_stamp(sim->fs, &left);
        if (sim_op_apply(sim->fs->seen, &left, false) == 0) {
            sim_fs_synced(sim->fs, &left);
        } else {
            sim_op_deinit(&left);
        }
    }
    sim_die(SIM_END_KILL);
}

static void run_sync(struct run *r)
{
    if (r->len > 0 && kill_point()) {
        power_goes(r, NULL);
    }
    for (size_t i = 0; i < r->len; i++) {
        sim_fs_synced(sim->fs, &r->ops[i]);
    }
    r->len = 0;
}

static int do_op(struct run *r, struct sim_op *op, struct cl_err *err)
{
    bool removal = op->kind == SIM_OP_UNLINK || op->kind == SIM_OP_TREE;
    int rc = sim_disk_fault(op->path, op->kind != SIM_OP_UNLINK && op->kind != SIM_OP_TREE);

    if (kill_point()) {
        power_goes(r, op);
    }
    sim_op_stamp(sim->fs, op);
    if (rc == 0) {
        rc = sim_disk_apply(op);
    }
    if (rc == 0) {
        run_keep(r, op);
        return 0;
    }
    if (removal && (rc == ENOENT || rc == ENOTDIR)) {
        return 0;
    }
    return sim_disk_fail(err, rc, removal ? "remove" : "write", op->path);
}

static int do_mkdirs(struct run *r, const struct sim_op *op, struct cl_err *err)
{
    for (const char *p = strchr(op->path + 1, '/');; p = strchr(p + 1, '/')) {
        size_t n = p != NULL ? (size_t)(p - op->path) : strlen(op->path);
        struct sim_op one = {.kind = SIM_OP_MKDIR,
                             .path = cl_strndup(op->path, n),
                             .mode = op->mode,
                             .uid = DISK_KEEP_ID,
                             .gid = DISK_KEEP_ID};
        const struct sim_node *there = sim_fs_node(one.path, true);
        int rc = 0;
        if (there == NULL) {
            rc = do_op(r, &one, err);
        } else if (there->type != DISK_DIR) {
            rc = sim_disk_fail(err, ENOTDIR, "create directory", one.path);
        }
        sim_op_deinit(&one);
        if (rc < 0 || p == NULL) {
            return rc;
        }
    }
}

static int commit(struct disk_batch *b, struct cl_err *err)
{
    SIM_WORLD();
    struct run r = {0};
    int rc = 0;

    sim->effects++;
    for (size_t i = 0; i < b->len && rc == 0; i++) {
        struct step *s = &b->steps[i];
        if (s->barrier) {
            run_sync(&r);
        } else if (s->mkdirs) {
            rc = do_mkdirs(&r, &s->op, err);
        } else {
            rc = do_op(&r, &s->op, err);
        }
    }
    if (rc == 0) {
        run_sync(&r);
    } else {
        run_abandon(&r);
    }
    cl_free(r.ops);
    return rc;
}

struct waiting {
    struct disk_batch *batch;
    struct cl_op *op;
    unsigned life;
};

static void commit_due(void *arg)
{
    struct waiting *w = arg;
    struct cl_err err = {0};

    if (w->life == sim->life) { /* else it died with the process */
        struct cl_op *op = w->op;
        int rc = commit(w->batch, &err);
        {
            SIM_LIFE();
            disk_batch_destroy(w->batch);
        }
        cl_free(w);
        sim_done(op, rc < 0 ? &err : NULL);
        return;
    }
    cl_free(w);
}

void disk_commit(struct loop *l, struct disk_batch *take_b, struct cl_op *op)
{
    SIM_WORLD();
    struct waiting *w = cl_new(struct waiting);

    (void)l;
    *w = (struct waiting){.batch = take_b, .op = op, .life = sim->life};
    op->cancel = NULL;
    op->impl = NULL;
    sim->commit_at = cl_time_max(sim->commit_at, sim->now + sim_between(0, sim->commit_max));
    sim_at(sim->commit_at, commit_due, w);
}

/* ---- appending ---- */

struct append {
    char *path;
    struct sim_blob *data;
    struct cl_op *op;
    unsigned life;
};

/* The file as it is, and the first @len bytes of the record. */
static struct sim_op appended(const struct append *a, const struct sim_blob *old, size_t len)
{
    char *both = cl_malloc(old->len + len);
    struct sim_op op = {.kind = SIM_OP_WRITE, .mode = 0600, .path = cl_strdup(a->path)};

    memcpy(both, old->data, old->len);
    memcpy(both + old->len, a->data->data, len);
    op.blob = sim_blob(both, old->len + len);
    op.uid = DISK_KEEP_ID;
    op.gid = DISK_KEEP_ID;
    cl_free(both);
    return op;
}

static int append(const struct append *a, struct cl_err *err)
{
    SIM_WORLD();
    int rc = sim_disk_fault(a->path, true);
    const struct sim_blob *old = sim_fs_get(a->path);

    sim->effects++;
    if (rc != 0 || old == NULL) {
        return sim_disk_fail(err, rc != 0 ? rc : ENOENT, "append to", a->path);
    }
    if (kill_point()) { /* any beginning of the record may have reached the disk */
        struct sim_op torn = appended(a, old, (size_t)sim_between(0, (int64_t)a->data->len));
        sim_op_stamp(sim->fs, &torn);
        if (sim_op_apply(sim->fs->seen, &torn, false) == 0) {
            sim_fs_synced(sim->fs, &torn);
        } else {
            sim_op_deinit(&torn);
        }
        sim_trace("durable append to %s: the power goes", a->path);
        sim_die(SIM_END_KILL);
    }
    struct sim_op whole = appended(a, old, a->data->len);
    sim_op_stamp(sim->fs, &whole);
    rc = sim_disk_apply(&whole);
    if (rc != 0) {
        sim_op_deinit(&whole);
        return sim_disk_fail(err, rc, "append to", a->path);
    }
    sim_fs_synced(sim->fs, &whole);
    return 0;
}

static void append_due(void *arg)
{
    struct append *a = arg;
    struct cl_err err = {0};

    if (a->life == sim->life) { /* else it died with the process */
        struct cl_op *op = a->op;
        int rc = append(a, &err);
        sim_blob_unref(a->data);
        cl_free(a->path);
        cl_free(a);
        sim_done(op, rc < 0 ? &err : NULL);
        return;
    }
    sim_blob_unref(a->data);
    cl_free(a->path);
    cl_free(a);
}

void disk_append(struct loop *l, const char *path, const void *data, size_t len, struct cl_op *op)
{
    SIM_WORLD();
    struct append *a = cl_new(struct append);

    (void)l;
    *a = (struct append){
        .path = cl_strdup(path), .data = sim_blob(data, len), .op = op, .life = sim->life};
    op->cancel = NULL;
    op->impl = NULL;
    sim_at(sim->now + sim_between(0, sim->commit_max), append_due, a);
}

int disk_commit_now(struct disk_batch *take_b, struct cl_err *err)
{
    int rc = commit(take_b, err);

    disk_batch_destroy(take_b);
    return rc;
}
