/* SPDX-License-Identifier: Apache-2.0 */
/* sim_watch: hints from the simulated disk, some milliseconds late; some end in an overflow. */
#include "backends/rt/watch.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define DIRS_MAX 64u
#define HINT_DELAY_MAX (3 * CL_MS)

struct dir {
    char *path;
    uint64_t ino; /* 0 = is not there */
};
struct watch {
    struct loop *loop;
    watch_fn fn;
    void *user;
    struct dir dirs[DIRS_MAX];
    size_t n_dirs;
    unsigned long overflows, rearms;
};
/* The watch of the running life. */
struct sim_watches {
    struct watch *w;
    unsigned life;
};

struct hint {
    unsigned life;
    char *dir, *name;
    enum watch_hint hint;
};

static struct watch *active(void)
{
    return sim->watches != NULL && sim->watches->life == sim->life && sim->life != 0
               ? sim->watches->w
               : NULL;
}

struct watch *watch_create(struct loop *l, watch_fn fn, void *user)
{
    struct watch *w = cl_new(struct watch);

    w->loop = l;
    w->fn = fn;
    w->user = user;
    SIM_WORLD();
    if (sim->watches == NULL) {
        sim->watches = cl_new(struct sim_watches);
    }
    sim->watches->w = w;
    sim->watches->life = sim->life;
    return w;
}

void watch_destroy(struct watch *w)
{
    if (w == NULL) {
        return;
    }
    if (active() == w) {
        sim->watches->w = NULL;
    }
    for (size_t i = 0; i < w->n_dirs; i++) {
        cl_free(w->dirs[i].path);
    }
    cl_free(w);
}

static uint64_t ino_of(const char *path)
{
    const struct sim_node *n = sim_fs_node(path, true);

    return n != NULL && n->type == DISK_DIR ? n->ino : 0;
}

static struct dir *dir_of(struct watch *w, const char *path)
{
    for (size_t i = 0; i < w->n_dirs; i++) {
        if (cl_streq(w->dirs[i].path, path)) {
            return &w->dirs[i];
        }
    }
    return NULL;
}

void watch_add(struct watch *w, const char *dir)
{
    struct dir *d;

    if (w == NULL) {
        return;
    }
    d = dir_of(w, dir);
    if (d == NULL && w->n_dirs < DIRS_MAX) {
        d = &w->dirs[w->n_dirs++];
        d->path = cl_strdup(dir);
    }
    if (d != NULL) {
        d->ino = ino_of(dir);
    }
}

void watch_remove(struct watch *w, const char *dir)
{
    struct dir *d = dir_of(w, dir);

    if (d != NULL) {
        cl_free(d->path);
        *d = w->dirs[--w->n_dirs];
    }
}

void watch_info(const struct watch *w, struct watch_info *ret)
{
    *ret = (struct watch_info){.overflows = w->overflows, .rearms = w->rearms};
}

/* ---- hints ---- */

static void hint_due(void *arg)
{
    struct hint *h = arg;
    struct watch *w = active();

    if (w != NULL && h->life == sim->life) {
        SIM_LIFE();
        w->fn(w->user, h->dir, h->name, h->hint);
    }
    cl_free(h->dir);
    cl_free(h->name);
    cl_free(h);
}

static void emit(const char *dir, const char *name, enum watch_hint hint)
{
    struct hint *h = cl_new(struct hint);

    h->life = sim->life;
    h->dir = cl_strdup(dir);
    h->name = cl_strdup(name);
    h->hint = hint;
    sim_at(sim->now + sim_between(0, HINT_DELAY_MAX), hint_due, h);
}

/* The watched directory may have come, gone, or be another one now. */
void sim_watch_check(void)
{
    SIM_WORLD();
    struct watch *w = active();

    for (size_t i = 0; w != NULL && i < w->n_dirs; i++) {
        uint64_t ino = ino_of(w->dirs[i].path);
        if (ino != w->dirs[i].ino) {
            w->dirs[i].ino = ino;
            w->rearms++;
            emit(w->dirs[i].path, NULL, WATCH_RESCAN);
        }
    }
}

static enum watch_hint hint_of(const char *name, bool gone, bool touched)
{
    if (cl_str_starts(name, "..")) {
        return WATCH_RESCAN;
    }
    return gone ? WATCH_GONE : touched ? WATCH_TOUCHED : WATCH_WRITTEN;
}

void sim_watch_changed(const char *path, bool gone, bool touched)
{
    SIM_WORLD();
    struct watch *w = active();
    const char *slash = strrchr(path, '/');

    if (w == NULL || slash == NULL) {
        return;
    }
    size_t n = (size_t)(slash - path);
    for (size_t i = 0; i < w->n_dirs; i++) {
        const struct dir *d = &w->dirs[i];
        if (strncmp(d->path, path, n) != 0 || d->path[n] != '\0') {
            continue;
        }
        enum watch_hint hint = hint_of(slash + 1, gone, touched);
        if (sim_lossy() && sim_chance(sim->watch_loss)) {
            w->overflows++;
            hint = WATCH_RESCAN;
        }
        emit(d->path, hint == WATCH_RESCAN ? NULL : slash + 1, hint);
    }
    if (cl_str_starts(path, SIM_SPECS) || cl_str_starts(SIM_SPECS, path)) {
        sim_watch_check();
    }
}
