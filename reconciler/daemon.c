/* SPDX-License-Identifier: Apache-2.0 */
/* daemon: wiring, start-up order, the pass loop, the way down. */
#include "reconciler/daemon.h"

#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "reconciler/act.h"
#include "reconciler/config_file.h"
#include "reconciler/inventory.h"
#include "reconciler/ledger_book.h"
#include "reconciler/publish.h"
#include "reconciler/requests.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <jansson.h>
#include <string.h>

#define PASSES_PER_TURN 2u           /* then sockets and timers get their turn: requests wait */
#define SWEEP_PERIOD (5 * CL_MINUTE) /* outputs are compared with the archive */
#define SWEEP_PER_UNIT (500 * CL_MS) /* ... or slower, with many objects */
#define TRIM_AFTER (2 * CL_SECOND)   /* of quiet: memory of a burst goes back to the system */
#define DRAIN_LIMIT (20 * CL_SECOND)

static void pass_due(struct loop_task *t);
static void check_stopped(struct daemon *d);

/* ---- the queue ---- */

static void pass_timer_due(struct loop_timer *t)
{
    struct daemon *d = t->user;
    loop_defer(d->loop, &d->pass_task, pass_due, d);
}

void daemon_schedule(struct daemon *d)
{
    cl_time due = workq_due(&d->queue);
    if (due == 0) {
        loop_defer(d->loop, &d->pass_task, pass_due, d);
    } else {
        loop_at(d->loop, &d->pass_timer, due, pass_timer_due, d);
    }
}

void daemon_wake_unit(struct daemon *d, struct unit *u)
{
    workq_add(&d->queue, &u->item);
    daemon_schedule(d);
}

static void trim_due(struct loop_timer *t)
{
    (void)t;
    sys_trim();
}

static void pass_due(struct loop_task *t)
{
    struct daemon *d = t->user;
    struct workq_item *item;
    cl_time now = loop_now(d->loop);

    for (unsigned n = 0; n < PASSES_PER_TURN; n++) {
        item = workq_next(&d->queue, now);
        if (item == NULL) {
            break;
        }
        if (unit_reconcile(cl_container(item, struct unit, item))) {
            workq_done(&d->queue, item);
        }
    }
    daemon_schedule(d);
    loop_at(d->loop, &d->trim_timer, now + TRIM_AFTER, trim_due, d);
    if (d->stopping) {
        check_stopped(d);
    } else if (workq_due(&d->queue) > 0 && d->idle != NULL) {
        d->idle(d->idle_user);
    }
}

void daemon_wake_dependents(struct daemon *d, const char *issuer_key)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (!u->is_issuer &&
            (u->issuer_key == NULL || u->many_issuers || cl_streq(u->issuer_key, issuer_key))) {
            daemon_wake_unit(d, u);
        }
    }
}

void daemon_wake_secret_users(struct daemon *d, const struct unit *u)
{
    const char *secret = u->w->object->cert->secret_name;
    size_t pos = 0;
    void *value;

    if (secret == NULL || !u->w->object->cert->is_ca) {
        return;
    }
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        struct unit *issuer = value;
        if (issuer->is_issuer && issuer->instance != NULL &&
            issuer->instance->ops->type == ISSUER_CA &&
            cl_streq(issuer->instance->object->issuer->ca.secret_name, secret)) {
            issuer_unit_reload(issuer);
        }
    }
}

void daemon_wake_all(struct daemon *d)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        daemon_wake_unit(d, value);
    }
}

void daemon_loose(struct daemon *d, struct loose *l, struct cl_op *op)
{
    l->op = op;
    cl_list_add_tail(&d->loose, &l->link);
}

void daemon_loose_end(struct daemon *d, struct loose *l)
{
    cl_list_remove(&l->link);
    loop_defer(d->loop, &d->pass_task, pass_due, d); /* somebody may wait for nothing to run */
}

/* ---- what issuers may ask ---- */

static void issuer_changed(void *user, const char *issuer_key)
{
    struct daemon *d = user;
    struct unit *u = unit_find(d, true, issuer_key);
    if (u != NULL) {
        daemon_wake_unit(d, u);
    }
}

/* The pair of the Certificate with that secretName, in the namespace or without one. */
static int find_secret_pair(void *user, const char *namespace_, const char *secret_name,
                            char **ret_chain_pem, struct cl_buf *ret_key_pem)
{
    struct daemon *d = user;
    size_t pos = 0;
    void *value;

    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        struct cl_err err = {0};
        struct revision rev = {0};
        bool rested = u->w == NULL;
        if (u->is_issuer || u->ending ||
            (!cl_streq(u->namespace_, namespace_) && u->namespace_[0] != '\0') ||
            unit_wake(u, &err) < 0) {
            continue;
        }
        bool it = cl_streq(u->w->object->cert->secret_name, secret_name) &&
                  archive_load(&d->paths, u->key, &rev, &err) == 0 && rev.state == REVISION_OK;
        if (rested) {
            unit_rest(u);
        }
        if (it) {
            *ret_chain_pem = cl_strdup(rev.fullchain_pem);
            cl_buf_init_secret(ret_key_pem, 64 * 1024);
            (void)cl_buf_add(ret_key_pem, cl_buf_str(&rev.key_pem), rev.key_pem.len);
            revision_deinit(&rev);
            return 0;
        }
        revision_deinit(&rev);
    }
    return 1;
}

/* ---- creation ---- */

static int open_state(struct daemon *d, struct cl_err *err)
{
    struct disk_fs_info fs;
    struct disk_stat st;

    if (paths_prepare(&d->paths, &d->notes, err) < 0 || paths_check_schema(&d->paths, err) < 0) {
        return -1;
    }
    char *lock = paths_state(&d->paths, "lock");
    int rc = disk_lock(lock, &d->lock, err);
    cl_free(lock);
    if (rc < 0) {
        return -1;
    }
    if (disk_fs_info(d->paths.state, &fs, err) < 0) {
        return -1;
    }
    d->ephemeral_state = fs.kind == DISK_FS_EPHEMERAL && !d->config->accept_ephemeral_state;
    if (d->ephemeral_state) {
        cl_log(CL_LOG_WARNING, "", "StateNotPersistent",
               "%s is on %s: a restart loses it and every certificate would be ordered again; use "
               "a volume, or set acceptEphemeralState: true",
               d->paths.state, fs.name);
    }
    if (d->once) {
        return disk_stat(d->paths.specs, &st, err) < 0 ? -1 : 0;
    }
    return 0;
}

static void set_paths(struct daemon *d, const struct daemon_options *o)
{
    d->paths.specs = cl_strdup(o->specs);
    d->paths.state = cl_strdup(o->state);
    d->paths.secrets = cl_strdup(o->secrets);
    d->paths.config = cl_strdup(o->config);
    d->paths.live = o->live != NULL ? cl_strdup(o->live) : cl_printf("%s/live", o->state);
}

static int open_services(struct daemon *d, struct cl_err *err)
{
    char agent[64];
    (void)cl_format(agent, sizeof(agent), "certloop/%s", d->version);
    struct http_params params = {.user_agent = agent};
    d->http = http_create(d->loop, &params, err);
    if (d->http == NULL) {
        return -1;
    }
    config_file_apply_proxy(d);
    d->solvers = solvers_create(d->loop, d->http, &d->paths, d->config);
    d->host = (struct issuer_host){
        .loop = d->loop,
        .http = d->http,
        .solvers = d->solvers,
        .paths = &d->paths,
        .config = d->config,
        .user = d,
        .changed = issuer_changed,
        .find_secret_pair = find_secret_pair,
    };
    return 0;
}

int daemon_create(struct loop *l, const struct daemon_options *o, struct daemon **ret,
                  struct cl_err *err)
{
    struct daemon *d = cl_new(struct daemon);

    json_set_alloc_funcs(cl_malloc, cl_free);
    d->loop = l;
    d->once = o->once;
    d->read_only = o->read_only;
    d->version = o->version;
    d->started_at = loop_now(l);
    d->clock_floor = o->built_at;
    if (o->output_roots != NULL) {
        cl_strv_copy(&d->cli_output_roots, o->output_roots);
    }
    d->cli_metrics = cl_strdup(o->metrics);
    cl_rng_seed(&d->rng, loop_entropy(l));
    workq_init(&d->queue);
    d->units.keep = true;
    d->claims.keep = true;
    cl_list_init(&d->loose);
    set_paths(d, o);
    if (config_file_load(d, err) < 0 || daemon_check_directories(d, err) < 0 ||
        (!d->read_only && open_state(d, err) < 0) || open_services(d, err) < 0) {
        daemon_destroy(d);
        return -1;
    }
    d->ledger = ledger_book_create(d);
    d->inventory = inventory_create(d);
    if (!d->read_only && inventory_check_directory(d->inventory, err) < 0 &&
        cl_streq(err->reason, "SpecDirUntrusted")) { /* anything else may pass */
        daemon_destroy(d);
        return -1;
    }
    d->deploys = deploys_create(d);
    d->publish = publish_create(d);
    d->requests = requests_create(d);
    *ret = d;
    return 0;
}

/* ---- start ---- */

/* The secret that an Issuer missed may be there now: no event tells. */
static void look_for_secrets(struct daemon *d)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        struct issuer_facts f;
        if (!u->is_issuer || u->instance == NULL || u->ending) {
            continue;
        }
        issuer_unit_facts(u, &f);
        bool (*changed)(struct issuer * i) = u->instance->ops->secrets_changed;
        if (f.credentials == CREDENTIALS_MISSING ||
            (changed != NULL && changed(u->instance->issuer))) {
            issuer_unit_reload(u);
        }
    }
}

static void sweep_due(struct loop_timer *t)
{
    struct daemon *d = t->user;
    cl_time period = cl_time_max(SWEEP_PERIOD, (cl_time)d->units.count * SWEEP_PER_UNIT);
    look_for_secrets(d);
    daemon_wake_all(d);
    loop_at(d->loop, &d->sweep_timer, loop_now(d->loop) + period, sweep_due, d);
}

static void clock_jumped(void *user, cl_time delta)
{
    struct daemon *d = user;
    d->clock_jumps++;
    cl_log(CL_LOG_NOTICE, "", "ClockJumped", "the clock moved by %ld s; everything is looked at",
           (long)(delta / CL_SECOND));
    daemon_wake_all(d);
    if (d->scanned) {
        inventory_scan(d->inventory);
    }
}

static void recovered(struct cl_op *op, const struct cl_err *err)
{
    struct daemon *d = op->user;
    daemon_loose_end(d, &d->recovering);
    if (d->stopping) {
        return;
    }
    if (err != NULL) {
        cl_log(CL_LOG_WARNING, "", err->reason, "old challenges not removed: %s", err->text);
    }
    inventory_recall(d->inventory);
    inventory_scan(d->inventory);
    d->scanned = true;
    if (!d->read_only) {
        requests_scan(d->requests);
    }
    if (!d->once) {
        sys_notify("READY=1");
    }
    publish_now(d);
    daemon_schedule(d);
}

void daemon_start(struct daemon *d)
{
    loop_on_jump(d->loop, clock_jumped, d);
    if (!d->once) {
        daemon_watch(d);
        publish_listen(d);
    }
    cl_log(CL_LOG_NOTICE, "", "Started", "certloop %s: specs %s, state %s", d->version,
           d->paths.specs, d->paths.state);
    cl_strv_for_each(note, &d->notes) {
        cl_log(CL_LOG_WARNING, "", "ModeTightened", "%s", note);
    }
    loop_at(d->loop, &d->sweep_timer, loop_now(d->loop) + SWEEP_PERIOD, sweep_due, d);
    d->recover_op = (struct cl_op){.done = recovered, .user = d};
    daemon_loose(d, &d->recovering, &d->recover_op);
    solvers_recover(d->solvers, &d->recover_op);
}

void daemon_reload(struct daemon *d)
{
    sys_notify("RELOADING=1");
    config_file_changed(d);
    if (d->scanned) {
        look_for_secrets(d);
        inventory_scan(d->inventory);
    }
    sys_notify("READY=1");
}

/* ---- stop ---- */

bool daemon_busy(const struct daemon *d)
{
    size_t pos = 0;
    void *value;
    if (!cl_list_empty(&d->loose) || ledger_book_busy(d->ledger)) {
        return true;
    }
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (unit_running(u)) {
            return true;
        }
    }
    return false;
}

static void finish_stop(struct daemon *d)
{
    void (*stopped)(void *) = d->stopped;
    loop_timer_stop(d->loop, &d->stop_timer);
    d->stopped = NULL;
    publish_now(d);
    if (stopped != NULL) {
        stopped(d->stopped_user);
    }
}

/* What challenges left for later, records in zones, has been removed or stays in the journal. */
static void flushed(struct cl_op *op, const struct cl_err *err)
{
    struct daemon *d = op->user;
    (void)err;
    if (d->stopped != NULL) {
        finish_stop(d);
    }
}

static void check_stopped(struct daemon *d)
{
    size_t pos = 0;
    void *value;
    if (d->stopped == NULL || daemon_busy(d)) {
        return;
    }
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        if (((struct unit *)value)->memory_dirty) {
            return;
        }
    }
    if (!d->flushing) {
        d->flushing = true;
        d->flush_op = (struct cl_op){.done = flushed, .user = d};
        solvers_flush(d->solvers, &d->flush_op);
    }
}

static void drain_ended(struct loop_timer *t)
{
    struct daemon *d = t->user;
    cl_log(CL_LOG_WARNING, "", "DrainLimit",
           "stopping with work still running; it is resumed at "
           "the next start");
    finish_stop(d);
}

void daemon_stop(struct daemon *d, void (*stopped)(void *user), void *user)
{
    size_t pos = 0;
    void *value;

    if (d->stopping) {
        return;
    }
    sys_notify("STOPPING=1");
    cl_log(CL_LOG_NOTICE, "", "Stopping", "finishing what cannot be interrupted");
    d->stopping = true;
    d->stopped = stopped;
    d->stopped_user = user;
    loop_at(d->loop, &d->stop_timer, loop_now(d->loop) + DRAIN_LIMIT, drain_ended, d);
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (u->is_issuer) {
            if (u->instance != NULL && u->instance->step_running) {
                cl_op_cancel(&u->instance->step_op);
            }
        } else {
            act_cancel(u);
            act_deploy_cancel(u);
            act_persist_cancel(u);
            act_ari_cancel(u);
        }
    }
    cl_list_for_each(n, &d->loose) {
        cl_op_cancel(cl_container(n, struct loose, link)->op);
    }
    loop_defer(d->loop, &d->pass_task, pass_due, d);
}

static void destroy_units(struct daemon *d)
{
    size_t pos = 0;
    void *value;
    cl_map_deinit(&d->claims);
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        unit_destroy(value);
    }
    cl_map_deinit(&d->units);
}

void daemon_destroy(struct daemon *d)
{
    if (d == NULL) {
        return;
    }
    loop_timer_stop(d->loop, &d->sweep_timer);
    loop_timer_stop(d->loop, &d->stop_timer);
    loop_timer_stop(d->loop, &d->trim_timer);
    watch_destroy(d->watch);
    destroy_units(d); /* may wake others */
    ledger_book_destroy(d->ledger);
    loop_task_cancel(&d->pass_task);
    loop_timer_stop(d->loop, &d->pass_timer);
    requests_destroy(d->requests);
    publish_destroy(d->publish);
    deploys_destroy(d->deploys);
    inventory_destroy(d->inventory);
    solvers_destroy(d->solvers);
    http_destroy(d->http);
    workq_deinit(&d->queue);
    disk_unlock(d->lock);
    config_file_free(d);
    paths_deinit(&d->paths);
    cl_strv_deinit(&d->cli_output_roots);
    cl_strv_deinit(&d->notes);
    cl_strv_deinit(&d->restart_required);
    cl_free(d->cli_metrics);
    cl_free(d);
}
