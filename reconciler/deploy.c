/* SPDX-License-Identifier: Apache-2.0 */
/* deploy: the step DEPLOY. Hooks are shared: identical ones run once for all units that wait, one
 * run at a time for each, four at once in all. Probes follow when no hook is pending. Each has its
 * own record and schedule in memory; nothing here ever causes an issuance. */
#include "reconciler/core/backoff.h"
#include "reconciler/deploy_internal.h"
#include "reconciler/observe.h"
#include "reconciler/publish.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define HOOKS_AT_ONCE 4
#define COALESCE_DEFAULT (5 * CL_SECOND)
#define LOOK_AGAIN (100 * CL_MS)

/* One distinct hook that somebody waits for. */
struct job {
    struct deploys *all;
    char *identity;
    char *label;
    struct hook_spec resolved;
    struct cl_list waiting; /* members for the next run */
    struct cl_list running; /* members of this run */
    struct loop_timer start;
    cl_time latest; /* no longer is it waited for others */
    struct hook_op op;
    struct hook_cert *certs;
    struct cl_strv paths; /* that certs point into */
    bool runs;
};
struct deploys {
    struct daemon *d;
    struct cl_map jobs; /* identity -> struct job */
    unsigned running;
};
struct member { /* one unit waiting for one job */
    struct cl_list link;
    struct deploy_run *run; /* NULL: the unit went away */
    char *id;
    bool new_revision; /* not only other outputs */
};
static void start_job(struct loop_timer *t);

struct deploys *deploys_create(struct daemon *d)
{
    struct deploys *s = cl_new(struct deploys);
    s->d = d;
    return s;
}

static void job_destroy(struct job *j)
{
    loop_timer_stop(j->all->d->loop, &j->start);
    cl_map_remove(&j->all->jobs, j->identity);
    hook_spec_deinit(&j->resolved);
    cl_free(j->identity);
    cl_free(j->label);
    cl_free(j->certs);
    cl_strv_deinit(&j->paths);
    cl_free(j);
}

void deploys_destroy(struct deploys *s)
{
    size_t i = 0;
    void *job;
    if (s == NULL) {
        return;
    }
    while (cl_map_next(&s->jobs, &i, NULL, &job)) {
        job_destroy(job);
    }
    cl_map_deinit(&s->jobs);
    cl_free(s);
}

/* ---- the end of a unit's run ---- */

void deploy_release(struct deploy_run *run)
{
    struct unit *u = run->u;
    run->outstanding--;
    if (run->outstanding > 0) {
        return;
    }
    u->deploy = NULL;
    cl_free(run);
    unit_memory_changed(u);
    publish_changed(u->d);
    daemon_wake_unit(u->d, u);
}

void deploy_record(struct deploy_run *run, const char *id, const char *name,
                   const struct result *res)
{
    struct unit *u = run->u;
    struct memory_hook *rec = memory_hook_add(&u->w->memory, id, name);
    cl_time now = loop_now(u->d->loop);

    rec->exit_code = res->exit_code;
    rec->duration_ms = (long)res->duration;
    rec->finished_at = now;
    cl_free(rec->result);
    rec->result = cl_strdup(res->text);
    if (res->ok) {
        rec->revision = run->revision;
        cl_free(rec->outputs_hash);
        rec->outputs_hash = cl_strdup(run->outputs_hash);
        rec->failures = 0;
        rec->next_try = 0;
    } else {
        rec->failures++;
        rec->next_try =
            res->next_try > 0 ? res->next_try : backoff_hook(rec->failures, now, &u->d->rng);
    }
}

/* ---- hooks ---- */

static void keep_output(struct unit *u, const struct job *j)
{
    struct cl_err err = {0};
    char *clean = cl_malloc(PROC_OUTPUT_MAX * 4 + 1);
    if (j->op.output[0] == '\0') {
        cl_free(clean);
        return;
    }
    (void)cl_format(clean, PROC_OUTPUT_MAX + 1, "%s", j->op.output);
    cl_log_redact(clean);
    char *archive = paths_archive(&u->d->paths, u->key);
    char *dir = cl_printf("%s/hooks", archive);
    char *path = cl_printf("%s/%.32s.log", dir, j->identity);
    if (disk_mkdirs(dir, 0700, &err) < 0 ||
        disk_write(path, clean, strlen(clean), 0600, &err) < 0) {
        cl_log(CL_LOG_WARNING, u->display, err.reason, "hook output not kept: %s", err.text);
    }
    cl_free(path);
    cl_free(dir);
    cl_free(archive);
    cl_free(clean);
}

static void tell_member(struct job *j, struct member *m, const struct cl_err *err)
{
    struct deploy_run *run = m->run;
    struct unit *u = run->u;
    bool ok = err == NULL && j->op.exit_code == 0 && !j->op.timed_out;
    char result[200];

    if (err != NULL && err->kind == CL_ERR_CANCELLED) { /* we stop: it is due at the next start */
        deploy_release(run);
        return;
    }
    if (err != NULL) {
        (void)cl_format(result, sizeof(result), "%s", err->text);
    } else if (j->op.timed_out) {
        (void)cl_format(result, sizeof(result), "TimedOut");
    } else {
        (void)cl_format(result, sizeof(result), "%s", ok ? "Succeeded" : "Failed");
    }
    const struct result r = {ok, result, j->op.exit_code, j->op.duration, 0};
    deploy_record(run, m->id, j->label, &r);
    struct memory_hook *rec = memory_hook_find(&u->w->memory, m->id);
    if (ok) {
        unit_event(u, false, "HookSucceeded", "%s, %ld ms", j->label, (long)j->op.duration);
    } else {
        char at[CL_TIME_TEXT];
        unit_event(u, true, "HookFailed", "%s: %s (exit code %d); next try %s", j->label, result,
                   j->op.exit_code, cl_time_format(rec->next_try, at));
    }
    if (err == NULL) {
        keep_output(u, j);
    }
    deploy_release(run);
}

static void job_done(struct cl_op *op, const struct cl_err *err)
{
    struct job *j = op->user;
    struct deploys *s = j->all;

    j->runs = false;
    s->running--;
    cl_list_for_each(n, &j->running) {
        struct member *m = cl_container(n, struct member, link);
        cl_list_remove(n);
        if (m->run != NULL) {
            tell_member(j, m, err);
        }
        cl_free(m->id);
        cl_free(m);
    }
    cl_free(j->certs);
    j->certs = NULL;
    cl_strv_deinit(&j->paths);
    if (cl_list_empty(&j->waiting)) {
        job_destroy(j);
    } else {
        loop_at(s->d->loop, &j->start, loop_now(s->d->loop), start_job, j);
    }
}

static void start_job(struct loop_timer *t)
{
    struct job *j = t->user;
    struct deploys *s = j->all;
    size_t n = 0;
    bool issued = false;

    if (cl_list_empty(&j->waiting)) { /* who waited has gone */
        job_destroy(j);
        return;
    }
    cl_time now = loop_now(s->d->loop);
    bool others = s->d->issuing > 0 || s->d->projecting > 0; /* more are on their way */
    if (s->running >= HOOKS_AT_ONCE || (others && now < j->latest)) {
        loop_at(s->d->loop, &j->start, now + LOOK_AGAIN, start_job, j);
        return;
    }
    cl_list_for_each(node, &j->waiting) {
        cl_list_remove(node);
        cl_list_add_tail(&j->running, node);
        n++;
    }
    j->certs = cl_calloc(n, sizeof(*j->certs));
    n = 0;
    cl_list_for_each(node, &j->running) {
        struct member *m = cl_container(node, struct member, link);
        if (m->run != NULL) {
            deploy_describe(m->run->u, &j->certs[n++], &j->paths);
            issued = issued || m->new_revision;
        }
    }
    struct hook_event e = {.reason = issued ? "Issued" : "OutputChanged",
                           .certs = j->certs,
                           .n_certs = n,
                           .error = ""};
    j->runs = true;
    s->running++;
    j->op = (struct hook_op){.op = {.done = job_done, .user = j}};
    hook_start(s->d->loop, &j->resolved, &e, &j->op);
}

static struct job *job_for(struct deploys *s, struct due_hook *h)
{
    struct job *j = cl_map_get(&s->jobs, h->id);
    if (j != NULL) {
        return j;
    }
    j = cl_new(struct job);
    j->all = s;
    j->identity = cl_strdup(h->id);
    j->label = hook_label(&h->resolved);
    j->resolved = h->resolved; /* taken */
    h->usable = false;
    cl_list_init(&j->waiting);
    cl_list_init(&j->running);
    cl_map_set(&s->jobs, j->identity, j);
    return j;
}

static void join_job(struct deploy_run *run, struct due_hook *h)
{
    struct daemon *d = run->u->d;
    cl_time coalesce = h->resolved.coalesce > 0 ? h->resolved.coalesce : COALESCE_DEFAULT;
    struct job *j = job_for(d->deploys, h);
    struct member *m = cl_new(struct member);

    m->run = run;
    m->id = cl_strdup(h->id);
    m->new_revision = h->rec == NULL || h->rec->revision < run->revision;
    run->outstanding++;
    cl_list_add_tail(&j->waiting, &m->link);
    if (!j->runs && !cl_heap_contains(&j->start.node)) {
        j->latest = loop_now(d->loop) + coalesce;
        loop_at(d->loop, &j->start, loop_now(d->loop), start_job, j);
    }
}

static void start_hooks(struct deploy_run *run, cl_time now, bool *ret_pending)
{
    struct unit *u = run->u;
    const struct hook_list *hooks = &u->w->object->cert->hooks;

    for (size_t i = 0; i < hooks->len; i++) {
        struct due_hook h;
        if ((hooks->items[i].when & (HOOK_ISSUED | HOOK_OUTPUT_CHANGED)) == 0) {
            continue;
        }
        due_hook_load(u, i, &h);
        if (hook_done(u, h.rec, hooks->items[i].when)) {
            due_hook_deinit(&h);
            continue;
        }
        *ret_pending = true;
        if (h.rec != NULL && h.rec->failures > 0 && h.rec->next_try > now) {
            due_hook_deinit(&h);
            continue;
        }
        if (h.usable) {
            join_job(run, &h);
        } else {
            const struct result r = {false, h.err.text, -1, 0, 0};
            deploy_record(run, h.id, cl_str_or(hooks->items[i].name, "inline hook"), &r);
            unit_event(u, true, h.err.reason, "%s", h.err.text);
            unit_memory_changed(u);
        }
        due_hook_deinit(&h);
    }
}

/* ---- entry points ---- */

void act_deploy(struct unit *u, cl_time now)
{
    struct deploy_run *run = cl_new(struct deploy_run);
    bool hooks_pending = false;

    run->u = u;
    run->started = now;
    run->revision = u->w->rev.number;
    memcpy(run->outputs_hash, u->w->outputs_hash, CL_SHA256_TEXT);
    run->outstanding = 1; /* ours, until everything is started */
    u->deploy = run;
    start_hooks(run, now, &hooks_pending);
    if (!hooks_pending) {
        deploy_probes(run, now);
    }
    deploy_release(run);
}

void act_deploy_cancel(struct unit *u)
{
    struct deploys *s = u->d->deploys;
    size_t i = 0;
    void *value;

    if (u->deploy == NULL) {
        return;
    }
    u->deploy->cancelled = true;
    while (cl_map_next(&s->jobs, &i, NULL, &value)) {
        struct job *j = value;
        if (j->runs && u->d->stopping) {
            cl_op_cancel(&j->op.op);
        }
        cl_list_for_each(n, &j->waiting) {
            struct member *m = cl_container(n, struct member, link);
            if (m->run == u->deploy) {
                cl_list_remove(n);
                struct deploy_run *run = m->run;
                cl_free(m->id);
                cl_free(m);
                deploy_release(run);
                if (u->deploy == NULL) {
                    return;
                }
            }
        }
    }
}
