/* SPDX-License-Identifier: Apache-2.0 */
/* disk_group: many batches, few syncs. A round: every batch runs its steps until it needs a sync;
 * the data of all staged files is synced; they get their names; and for the batches that stand at a
 * barrier or their end, the directories are synced. A failure ends its own batch only. */
#include "backends/rt/disk_group.h"

#include "spec/base/cl_alloc.h"

#include <errno.h>
#include <unistd.h>

static void fail_run(struct disk_run *run)
{
    run->failed = true;
    disk_steps_drop(run);
}

static bool live(const struct disk_run *run)
{
    return !run->failed && !run->st->finished;
}

static bool at_sync_point(const struct disk_run *run)
{
    const struct disk_run_state *r = run->st;

    return r->next >= run->batch->len || run->batch->steps[r->next].kind == STEP_BARRIER;
}

static void reset_counts(struct disk_group *g)
{
    for (size_t i = 0; i < g->fs_len; i++) {
        g->fs[i].count = 0;
        g->fs[i].failed = 0;
    }
}

/* syncfs where there is much to sync, or something that nothing else reaches. Returns whether the
 * things there are dealt with. */
static void sync_whole(struct disk_group *g)
{
    for (size_t i = 0; i < g->fs_len; i++) {
        struct disk_group_fs *fs = &g->fs[i];
        if (fs->count > DISK_SYNC_FEW || fs->force) {
            fs->failed = syncfs(fs->fd) < 0 ? errno : 0;
            fs->force = false;
            fs->count = 0;
        }
    }
}

/* The state of a file system after sync_whole: synced by it, failed in it, or left to fsync. */
static int sync_one(const struct disk_group_fs *fs, int fd)
{
    if (fs->failed != 0) {
        errno = fs->failed;
        return -1;
    }
    return fs->count == 0 || fd < 0 ? 0 : fsync(fd);
}

static void sync_data(struct disk_group *g, struct disk_run *runs, size_t n)
{
    size_t total = 0;

    reset_counts(g);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; live(&runs[i]) && k < runs[i].st->staged_len; k++) {
            disk_group_fs(g, runs[i].st->staged[k].dir->dev)->count++;
            total++;
        }
    }
    if (total == 0) {
        return;
    }
    sync_whole(g);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; live(&runs[i]) && k < runs[i].st->staged_len; k++) {
            const struct disk_staged *f = &runs[i].st->staged[k];
            if (sync_one(disk_group_fs(g, f->dir->dev), f->fd) < 0) {
                (void)disk_fail(&runs[i].err, errno, "sync", f->name);
                fail_run(&runs[i]);
            }
        }
    }
}

static bool someone_waits(const struct disk_run *runs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (live(&runs[i]) && at_sync_point(&runs[i])) {
            return true;
        }
    }
    return false;
}

static void sync_dirs_of(struct disk_group *g, struct disk_run *run)
{
    struct disk_run_state *r = run->st;

    for (size_t k = 0; k < r->dirs_len; k++) {
        struct disk_group_dir *d = r->dirs[k];
        const struct disk_group_fs *fs = disk_group_fs(g, d->dev);
        /* A whole sync that failed concerns every batch that has a directory there. */
        if ((d->dirty || fs->failed != 0) && sync_one(fs, d->fd) < 0 && live(run)) {
            (void)disk_fail(&run->err, errno, "sync directory",
                            d->path != NULL ? d->path : "(renamed)");
            fail_run(run);
        }
        d->dirty = false;
    }
}

/* Also the directories of batches that need no sync yet, or failed: a batch that is done may stand
 * on a directory that another one of the group has made. */
static void sync_dirs(struct disk_group *g, struct disk_run *runs, size_t n)
{
    if (!someone_waits(runs, n)) {
        return;
    }
    reset_counts(g);
    for (size_t i = 0; i < n; i++) {
        const struct disk_run_state *r = runs[i].st;
        for (size_t k = 0; k < r->dirs_len; k++) {
            disk_group_fs(g, r->dirs[k]->dev)->count += r->dirs[k]->dirty ? 1 : 0;
        }
    }
    sync_whole(g);
    for (size_t i = 0; i < n; i++) {
        sync_dirs_of(g, &runs[i]);
    }
}

/* Past the barrier, or to the end. */
static void move_on(struct disk_run *run)
{
    struct disk_run_state *r = run->st;

    while (r->next < run->batch->len && run->batch->steps[r->next].kind == STEP_BARRIER) {
        r->next++;
    }
    r->finished = r->next >= run->batch->len;
}

static bool run_round(struct disk_group *g, struct disk_run *runs, size_t n)
{
    bool more = false;

    for (size_t i = 0; i < n; i++) {
        if (live(&runs[i]) && disk_steps_run(&runs[i], &runs[i].err) < 0) {
            fail_run(&runs[i]);
        }
    }
    sync_data(g, runs, n);
    for (size_t i = 0; i < n; i++) {
        if (live(&runs[i]) && disk_steps_settle(&runs[i], &runs[i].err) < 0) {
            fail_run(&runs[i]);
        }
    }
    sync_dirs(g, runs, n);
    for (size_t i = 0; i < n; i++) {
        if (live(&runs[i]) && at_sync_point(&runs[i])) {
            move_on(&runs[i]);
        }
        more = more || live(&runs[i]);
    }
    return more;
}

void disk_group_run(struct disk_run *runs, size_t n)
{
    struct disk_group g = {0};
    struct disk_run_state *states = cl_calloc(n, sizeof *states);

    for (size_t i = 0; i < n; i++) {
        states[i].group = &g;
        runs[i].st = &states[i];
    }
    while (run_round(&g, runs, n)) {
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < states[i].dirs_len; k++) {
            states[i].dirs[k]->dirty = false; /* of failed batches: nobody waits for it */
        }
        disk_dirs_close(&states[i]);
        cl_free(states[i].staged);
        runs[i].st = NULL;
    }
    for (size_t i = 0; i < g.fs_len; i++) {
        (void)close(g.fs[i].fd);
    }
    cl_free(g.fs);
    cl_free(states);
}
