/* SPDX-License-Identifier: Apache-2.0 */
/* disk_batch: building batches, and the queue of commits of a loop. One job at a time runs on the
 * thread pool; all batches that arrive meanwhile form the next group. Batches of one group that
 * name the same path would be reordered by their barriers, so the later one waits a group. */
#include "backends/rt/disk_internal.h"
#include "backends/rt/loop_internal.h"
#include "backends/rt/offload.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_map.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP_MAX = 64 }; /* batches; bounds the descriptors that a group holds open */

/* ---- building ---- */

struct disk_batch *disk_batch_create(void)
{
    return cl_new(struct disk_batch);
}

void disk_batch_destroy(struct disk_batch *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->len; i++) {
        struct disk_step *s = &b->steps[i];
        cl_free(s->path);
        cl_free(s->other);
        if (s->data != NULL) {
            cl_wipe(s->data, s->len);
            cl_free(s->data);
        }
    }
    cl_free(b->steps);
    cl_free(b);
}

static struct disk_step *add_step(struct disk_batch *b, enum disk_step_kind kind, const char *path)
{
    if (b->len == b->cap) {
        b->cap = b->cap == 0 ? 8 : b->cap * 2;
        b->steps = cl_reallocarray(b->steps, b->cap, sizeof *b->steps);
    }
    struct disk_step *s = &b->steps[b->len++];
    *s = (struct disk_step){.kind = kind, .path = cl_strdup(path)};
    return s;
}

void disk_batch_mkdirs(struct disk_batch *b, const char *path, unsigned mode)
{
    add_step(b, STEP_MKDIRS, path)->mode = mode;
}

/* NOLINTNEXTLINE(readability-function-size): 7 parameters, as open and chown together have */
void disk_batch_write(struct disk_batch *b, const char *path, const void *data, size_t len,
                      unsigned mode, uint32_t uid, uint32_t gid)
{
    struct disk_step *s = add_step(b, STEP_WRITE, path);

    s->data = cl_malloc(len + 1);
    if (len > 0) {
        memcpy(s->data, data, len);
    }
    s->len = len;
    s->mode = mode;
    s->uid = uid;
    s->gid = gid;
}

void disk_batch_symlink(struct disk_batch *b, const char *target, const char *path)
{
    add_step(b, STEP_SYMLINK, path)->other = cl_strdup(target);
}

void disk_batch_rename(struct disk_batch *b, const char *from, const char *to)
{
    add_step(b, STEP_RENAME, from)->other = cl_strdup(to);
}

void disk_batch_unlink(struct disk_batch *b, const char *path)
{
    (void)add_step(b, STEP_UNLINK, path);
}

void disk_batch_remove_tree(struct disk_batch *b, const char *path)
{
    (void)add_step(b, STEP_REMOVE_TREE, path);
}

void disk_batch_chown(struct disk_batch *b, const char *path, uint32_t uid, uint32_t gid)
{
    struct disk_step *s = add_step(b, STEP_CHOWN, path);

    s->uid = uid;
    s->gid = gid;
}

void disk_batch_chmod(struct disk_batch *b, const char *path, unsigned mode)
{
    add_step(b, STEP_CHMOD, path)->mode = mode;
}

void disk_batch_barrier(struct disk_batch *b)
{
    (void)add_step(b, STEP_BARRIER, NULL);
}

/* ---- committing ---- */

struct waiting {
    struct cl_list link;
    struct disk_batch *batch;
    struct cl_op *op;
};

/* The batches that one job commits. */
struct group {
    struct disk_run *runs;
    struct cl_op **ops;
    size_t len;
};

struct disk_queue {
    struct loop *loop;
    struct cl_list waiting;
    struct loop_task start; /* deferred, so that all batches of one turn are one group */
    struct cl_op job;
    struct group *running; /* NULL = none */
};

static void start_group(struct loop_task *t);

static struct group *group_create(size_t cap)
{
    struct group *g = cl_new(struct group);

    g->runs = cl_calloc(cap, sizeof *g->runs);
    g->ops = cl_calloc(cap, sizeof(struct cl_op *));
    return g;
}

static void group_destroy(struct group *g)
{
    cl_free(g->runs);
    cl_free(g->ops);
    cl_free(g);
}

static int group_work(void *arg, struct cl_err *err)
{
    struct group *g = arg;

    (void)err; /* each run has its own */
    disk_group_run(g->runs, g->len);
    return 0;
}

static void group_done(struct cl_op *job, const struct cl_err *err)
{
    struct disk_queue *q = job->user;
    struct group *g = q->running;

    (void)err;
    q->running = NULL;
    if (!cl_list_empty(&q->waiting)) {
        loop_defer(q->loop, &q->start, start_group, q);
    }
    for (size_t i = 0; i < g->len; i++) {
        disk_batch_destroy(g->runs[i].batch);
        cl_op_done(g->ops[i], g->runs[i].failed ? &g->runs[i].err : NULL);
    }
    group_destroy(g);
}

/* Whether @b names a path that is in @paths; then, or anyway, its paths are added. */
static bool claim_paths(struct cl_map *paths, const struct disk_batch *b)
{
    bool clash = false;

    for (size_t i = 0; i < b->len; i++) {
        const struct disk_step *s = &b->steps[i];
        if (s->kind == STEP_MKDIRS || s->kind == STEP_BARRIER) {
            continue; /* making a directory twice is no conflict */
        }
        clash = clash || cl_map_get(paths, s->path) != NULL;
        if (s->kind == STEP_RENAME) {
            clash = clash || cl_map_get(paths, s->other) != NULL;
        }
    }
    for (size_t i = 0; i < b->len; i++) {
        const struct disk_step *s = &b->steps[i];
        if (s->kind == STEP_MKDIRS || s->kind == STEP_BARRIER) {
            continue;
        }
        (void)cl_map_set(paths, s->path, paths);
        if (s->kind == STEP_RENAME) {
            (void)cl_map_set(paths, s->other, paths);
        }
    }
    return clash;
}

static size_t count_waiting(const struct disk_queue *q)
{
    size_t n = 0;

    for (const struct cl_list *i = q->waiting.next; i != &q->waiting && n < GROUP_MAX;
         i = i->next) {
        n++;
    }
    return n;
}

static void start_group(struct loop_task *t)
{
    struct disk_queue *q = t->user;
    size_t cap = count_waiting(q);
    struct group *g = group_create(cap);
    struct cl_map paths = {0};

    cl_list_for_each(n, &q->waiting) {
        if (g->len == cap) {
            break;
        }
        struct waiting *w = cl_container(n, struct waiting, link);
        if (cap > 1 && claim_paths(&paths, w->batch)) {
            continue;
        }
        g->runs[g->len].batch = w->batch;
        g->ops[g->len++] = w->op;
        cl_list_remove(n);
        cl_free(w);
    }
    cl_map_deinit(&paths);
    q->running = g; /* never empty: the first batch in line clashes with none */
    q->job = (struct cl_op){.done = group_done, .user = q};
    offload_start(q->loop, group_work, g, &q->job);
}

void disk_commit(struct loop *l, struct disk_batch *take_b, struct cl_op *op)
{
    struct disk_queue **slot = loop_disk_queue(l);

    if (*slot == NULL) {
        *slot = cl_new(struct disk_queue);
        (*slot)->loop = l;
        cl_list_init(&(*slot)->waiting);
    }
    struct disk_queue *q = *slot;
    struct waiting *w = cl_new(struct waiting);
    w->batch = take_b;
    w->op = op;
    op->cancel = NULL; /* takes milliseconds; half of it would be worse than all of it */
    op->impl = NULL;
    cl_list_add_tail(&q->waiting, &w->link);
    if (q->running == NULL) {
        loop_defer(l, &q->start, start_group, q);
    }
}

void disk_queue_destroy(struct disk_queue *q)
{
    if (q == NULL) {
        return;
    }
    cl_list_for_each(n, &q->waiting) {
        struct waiting *w = cl_container(n, struct waiting, link);
        disk_batch_destroy(w->batch);
        cl_free(w);
    }
    cl_free(q);
}

int disk_commit_now(struct disk_batch *take_b, struct cl_err *err)
{
    struct disk_run *run = cl_new(struct disk_run); /* a cl_err is too large for some stacks */

    run->batch = take_b;
    disk_group_run(run, 1);
    bool failed = run->failed;
    if (failed && err != NULL) {
        *err = run->err;
    }
    disk_batch_destroy(take_b);
    cl_free(run);
    return failed ? -1 : 0;
}
