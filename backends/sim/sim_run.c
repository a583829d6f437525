/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run: lives of the daemon, one after the other, in one world. A life ends by a request to stop
 * (then nothing of its memory may be left), by a power cut, a kill, or an allocation that failed;
 * a supervisor starts the next one a second later. */
#include "backends/sim/sim_run.h"

#include "backends/rt/log_sink.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "reconciler/daemon.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define RESTART_AFTER (1 * CL_SECOND)
#define START_FAILURES_MAX 200u
#define DRAIN_MAX (1 * CL_MINUTE)

void sim_result_deinit(struct sim_result *r)
{
    cl_free(r->failure);
    cl_strv_deinit(&r->tail);
    memset(r, 0, sizeof *r);
}

/* ---- one life ---- */

static void stopped(void *user)
{
    loop_stop(user);
}

static int start_daemon(struct daemon **ret, struct cl_err *err)
{
    struct daemon_options o = {.specs = SIM_SPECS,
                               .state = SIM_STATE,
                               .secrets = SIM_SECRETS,
                               .config = SIM_CONFIG,
                               .version = "simulated"};

    SIM_LIFE();
    sim->loop = loop_create();
    if (daemon_create(sim->loop, &o, ret, err) < 0) {
        return -1;
    }
    daemon_start(*ret);
    return 0;
}

/* Lets the daemon stop by itself; everything it allocated must be gone afterwards. */
static void end_well(struct daemon *d)
{
    cl_time horizon = sim->horizon;

    sim->stopping = true;
    {
        SIM_LIFE();
        daemon_stop(d, stopped, sim->loop);
    }
    sim->horizon = sim->now + DRAIN_MAX;
    loop_run(sim->loop);
    sim->horizon = horizon;
    if (!d->stopping || d->stopped != NULL) {
        sim_violated("StopsInTime", "the daemon was asked to stop and did not");
        return;
    }
    SIM_LIFE();
    daemon_destroy(d);
    loop_destroy(sim->loop);
    sim->loop = NULL;
    cl_log_forget();
    size_t left = 0;
    cl_list_for_each(n, &sim->life_blocks) {
        left++;
        (void)n;
    }
    if (left > 0) {
        sim_violated("NoLeak", "%zu allocations are left after a clean stop", left);
    }
}

static enum sim_end live(void)
{
    struct daemon *volatile d = NULL;
    struct daemon *started = NULL;
    struct cl_err err = {0};
    int why = setjmp(sim->death);

    if (why != 0) {
        return (enum sim_end)why;
    }
    if (start_daemon(&started, &err) < 0) {
        sim_trace("the daemon does not start: %s", err.text);
        return SIM_END_CRASH;
    }
    d = started;
    loop_run(sim->loop);
    if (sim->failure != NULL) {
        return SIM_END_FAILED;
    }
    bool horizon = sim->now >= sim->horizon;
    if (horizon) {
        sim_check_end();
    }
    end_well(d);
    return horizon ? SIM_END_HORIZON : SIM_END_STOPPED;
}

/* ---- between lives ---- */

static void bury(enum sim_end why)
{
    struct cl_heap_node *n;

    sim->life = 0;
    sim->in_life = false;
    sim->loop = NULL;
    sim->stopping = false;
    sim_servers_reset();
    cl_log_forget();
    cl_map_deinit(&sim->fs->locks);
    memset(&sim->fs->locks, 0, sizeof sim->fs->locks);
    if (why == SIM_END_KILL) {
        sim_fs_power_cut(sim->fs);
    }
    if (why == SIM_END_KILL || why == SIM_END_CRASH) {
        sim->counts.kills++;
    }
    sim_mem_drop(&sim->life_blocks);
    sim_check_disk();
    /* The world goes on while the daemon is dead. */
    cl_time until = sim->now + RESTART_AFTER;
    while ((n = cl_heap_first(&sim->events)) != NULL && n->when <= until && sim->failure == NULL) {
        struct sim_event *e = cl_container(n, struct sim_event, node);
        struct sim_event copy = *e;
        sim->now = cl_time_max(sim->now, n->when);
        cl_heap_remove(&sim->events, n);
        cl_free(e);
        copy.fn(copy.arg);
    }
    sim->now = until;
}

static void run_lives(void)
{
    static const char *const WHY[] = {"", "time is up", "stopped", "power cut", "killed", "failed"};
    enum sim_end why = SIM_END_NONE;
    unsigned number = 0;
    unsigned short_lives = 0;

    while (sim->failure == NULL && why != SIM_END_HORIZON && sim->now < sim->horizon) {
        cl_time born = sim->now;
        sim->life = ++number;
        sim->check->alive_since = sim->now;
        log_sink_open(false, CL_LOG_DEBUG);
        why = live();
        sim->in_life = false;
        sim_trace("life %u ends: %s", sim->life, WHY[why]);
        short_lives = sim->now - born < CL_SECOND ? short_lives + 1 : 0;
        if (short_lives > START_FAILURES_MAX) {
            sim_violated("StartsAgain", "%u starts in a row have failed", short_lives);
        }
        if (sim->failure == NULL && why != SIM_END_HORIZON) {
            bury(why);
        }
    }
    sim->life = 0;
}

/* ---- a run ---- */

static void collect(struct sim_result *r)
{
    size_t pos = 0;
    void *value;

    r->failed = sim->failure != NULL;
    r->counts = sim->counts;
    r->virtual_time = sim->now - SIM_START;
    while (cl_map_next(&sim->cas, &pos, NULL, &value)) {
        const struct sim_ca *ca = value;
        r->orders += ca->n_orders;
        r->requests += ca->n_posts;
    }
}

/* Copies that outlive the world. */
static void keep_texts(struct sim *s, struct sim_result *r)
{
    sim = NULL;
    r->failure = cl_strdup(s->failure);
    for (size_t i = 0; i < s->trace.len; i++) {
        cl_strv_add(&r->tail, s->trace.items[(s->trace_next + i) % s->trace.len]);
    }
    sim = s;
}

int sim_run(const char *text, const struct sim_options *o, struct sim_result *ret,
            struct cl_err *err)
{
    struct sim *s = sim_create(o->seed);

    memset(ret, 0, sizeof *ret);
    s->verbose = o->verbose;
    s->poisoned = true;
    sim_check_create();
    for (size_t i = 0; o->files != NULL && i + 1 < o->files->len; i += 2) {
        const char *content = o->files->items[i + 1];
        (void)sim_fs_put(o->files->items[i], content, strlen(content), 0644);
    }
    int rc = sim_scenario_load(text, err);
    if (rc == 0) {
        s->poisoned = false;
        s->exact = s->exact || o->exact;
        s->faults = o->faults;
        if (o->started != NULL) {
            o->started(o->user);
        }
        run_lives();
        if (o->finished != NULL) {
            o->finished(o->user);
        }
        cl_log_set_sink(NULL, NULL, CL_LOG_ERROR);
        collect(ret);
    }
    keep_texts(s, ret);
    sim_destroy(s);
    return rc;
}
