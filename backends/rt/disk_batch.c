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

/* Two jobs may run at a time. The records that others wait for (one file, no barrier: the URL of an
 * order before the next may be made) do not queue behind whole revisions. */
enum lane { LANE_SHORT, LANE_LONG, LANES, HELD = LANES, PLACES };

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

/* A path that uncommitted batches name: how many in each place, and the last group that took it. */
struct claim {
    unsigned count[PLACES];
    uint64_t group;
};

struct disk_lane {
    struct disk_queue *queue;
    enum lane which;
    struct cl_list waiting;
    struct loop_task start; /* deferred, so that all batches of one turn are one group */
    struct cl_op job;
    struct group *running; /* NULL = none */
};

struct disk_queue {
    struct loop *loop;
    struct disk_lane lanes[LANES];
    struct cl_list held; /* name paths of both lanes, or of a batch that is held */
    struct cl_map claims;
    uint64_t groups;
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

/* ---- paths ---- */

/* The paths that @b changes, one after the other; NULL at the end. Making a directory twice is no
 * conflict. */
static const char *next_path(const struct disk_batch *b, size_t *pos)
{
    while (*pos < 2 * b->len) {
        const struct disk_step *s = &b->steps[*pos / 2];
        bool second = (*pos)++ % 2 != 0;
        if (s->kind == STEP_MKDIRS || s->kind == STEP_BARRIER) {
            continue;
        }
        if (!second) {
            return s->path;
        }
        if (s->kind == STEP_RENAME) {
            return s->other;
        }
    }
    return NULL;
}

static void claim_paths(struct disk_queue *q, const struct disk_batch *b, unsigned place)
{
    size_t pos = 0;

    for (const char *path; (path = next_path(b, &pos)) != NULL;) {
        struct claim *c = cl_map_get(&q->claims, path);
        if (c == NULL) {
            c = cl_new(struct claim);
            cl_map_set(&q->claims, path, c);
        }
        c->count[place]++;
    }
}

static void release_paths(struct disk_queue *q, const struct disk_batch *b, unsigned place)
{
    size_t pos = 0;

    for (const char *path; (path = next_path(b, &pos)) != NULL;) {
        struct claim *c = cl_map_get(&q->claims, path);
        c->count[place]--;
        if (c->count[LANE_SHORT] + c->count[LANE_LONG] + c->count[HELD] == 0) {
            cl_map_remove(&q->claims, path);
            cl_free(c);
        }
    }
}

/* Whether @b names a path that group @id has already; then, or anyway, its paths are the group's. */
static bool enter_group(struct disk_queue *q, const struct disk_batch *b, uint64_t id)
{
    bool clash = false;
    size_t pos = 0;

    for (const char *path; (path = next_path(b, &pos)) != NULL;) {
        const struct claim *c = cl_map_get(&q->claims, path);
        clash = clash || c->group == id;
    }
    pos = 0;
    for (const char *path; (path = next_path(b, &pos)) != NULL;) {
        struct claim *c = cl_map_get(&q->claims, path);
        c->group = id;
    }
    return clash;
}

static bool is_short(const struct disk_batch *b)
{
    size_t writes = 0;

    for (size_t i = 0; i < b->len; i++) {
        if (b->steps[i].kind != STEP_MKDIRS && b->steps[i].kind != STEP_WRITE) {
            return false;
        }
        writes += b->steps[i].kind == STEP_WRITE ? 1 : 0;
    }
    return writes == 1;
}

/* Its own lane, unless its paths are on their way in another. */
static unsigned choose_place(const struct disk_queue *q, const struct disk_batch *b)
{
    unsigned place = is_short(b) ? LANE_SHORT : LANE_LONG;
    bool in[PLACES] = {false};
    size_t pos = 0;

    for (const char *path; (path = next_path(b, &pos)) != NULL;) {
        const struct claim *c = cl_map_get(&q->claims, path);
        for (unsigned i = 0; c != NULL && i < PLACES; i++) {
            in[i] = in[i] || c->count[i] > 0;
        }
    }
    if (in[HELD] || (in[LANE_SHORT] && in[LANE_LONG])) {
        return HELD;
    }
    return in[LANE_SHORT] ? LANE_SHORT : in[LANE_LONG] ? LANE_LONG : place;
}

static void enqueue(struct disk_queue *q, struct waiting *w)
{
    unsigned place = choose_place(q, w->batch);

    claim_paths(q, w->batch, place);
    if (place == HELD) {
        cl_list_add_tail(&q->held, &w->link);
        return;
    }
    struct disk_lane *lane = &q->lanes[place];
    cl_list_add_tail(&lane->waiting, &w->link);
    if (lane->running == NULL) {
        loop_defer(q->loop, &lane->start, start_group, lane);
    }
}

/* What was held may have its way now; in the old order. */
static void release_held(struct disk_queue *q)
{
    struct cl_list held;

    cl_list_init(&held);
    cl_list_for_each(n, &q->held) {
        release_paths(q, cl_container(n, struct waiting, link)->batch, HELD);
        cl_list_remove(n);
        cl_list_add_tail(&held, n);
    }
    cl_list_for_each(n, &held) {
        cl_list_remove(n);
        enqueue(q, cl_container(n, struct waiting, link));
    }
}

/* ---- groups ---- */

static int group_work(void *arg, struct cl_err *err)
{
    struct group *g = arg;

    (void)err; /* each run has its own */
    disk_group_run(g->runs, g->len);
    return 0;
}

static void group_done(struct cl_op *job, const struct cl_err *err)
{
    struct disk_lane *lane = job->user;
    struct disk_queue *q = lane->queue;
    struct group *g = lane->running;

    (void)err;
    lane->running = NULL;
    for (size_t i = 0; i < g->len; i++) {
        release_paths(q, g->runs[i].batch, lane->which);
    }
    release_held(q);
    if (!cl_list_empty(&lane->waiting)) {
        loop_defer(q->loop, &lane->start, start_group, lane);
    }
    for (size_t i = 0; i < g->len; i++) {
        disk_batch_destroy(g->runs[i].batch);
        cl_op_done(g->ops[i], g->runs[i].failed ? &g->runs[i].err : NULL);
    }
    group_destroy(g);
}

static size_t count_waiting(const struct disk_lane *lane)
{
    size_t n = 0;

    for (const struct cl_list *i = lane->waiting.next; i != &lane->waiting && n < GROUP_MAX;
         i = i->next) {
        n++;
    }
    return n;
}

static void start_group(struct loop_task *t)
{
    struct disk_lane *lane = t->user;
    struct disk_queue *q = lane->queue;
    size_t cap = count_waiting(lane);
    struct group *g = group_create(cap);
    uint64_t id = ++q->groups;

    cl_list_for_each(n, &lane->waiting) {
        if (g->len == cap) {
            break;
        }
        struct waiting *w = cl_container(n, struct waiting, link);
        if (enter_group(q, w->batch, id)) {
            continue;
        }
        g->runs[g->len].batch = w->batch;
        g->ops[g->len++] = w->op;
        cl_list_remove(n);
        cl_free(w);
    }
    lane->running = g; /* never empty: the first batch in line clashes with none */
    lane->job = (struct cl_op){.done = group_done, .user = lane};
    offload_start(q->loop, group_work, g, &lane->job);
}

static struct disk_queue *queue_create(struct loop *l)
{
    struct disk_queue *q = cl_new(struct disk_queue);

    q->loop = l;
    cl_list_init(&q->held);
    for (unsigned i = 0; i < LANES; i++) {
        q->lanes[i].queue = q;
        q->lanes[i].which = (enum lane)i;
        cl_list_init(&q->lanes[i].waiting);
    }
    return q;
}

void disk_commit(struct loop *l, struct disk_batch *take_b, struct cl_op *op)
{
    struct disk_queue **slot = loop_disk_queue(l);
    struct waiting *w = cl_new(struct waiting);

    if (*slot == NULL) {
        *slot = queue_create(l);
    }
    w->batch = take_b;
    w->op = op;
    op->cancel = NULL; /* takes milliseconds; half of it would be worse than all of it */
    op->impl = NULL;
    enqueue(*slot, w);
}

static void drop_all(struct disk_queue *q, struct cl_list *list, unsigned place)
{
    cl_list_for_each(n, list) {
        struct waiting *w = cl_container(n, struct waiting, link);
        release_paths(q, w->batch, place);
        disk_batch_destroy(w->batch);
        cl_free(w);
    }
}

void disk_queue_destroy(struct disk_queue *q)
{
    if (q == NULL) {
        return;
    }
    drop_all(q, &q->lanes[LANE_SHORT].waiting, LANE_SHORT);
    drop_all(q, &q->lanes[LANE_LONG].waiting, LANE_LONG);
    drop_all(q, &q->held, HELD);
    cl_map_deinit(&q->claims);
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
