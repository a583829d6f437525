/* SPDX-License-Identifier: Apache-2.0 */
/* unit: the life of one object: declared, awake, reconciled, at rest, ended. The page everything
 * hangs on is unit_reconcile. */
#include "reconciler/unit.h"

#include "reconciler/act.h"
#include "reconciler/core/backoff.h"
#include "reconciler/inventory.h"
#include "reconciler/observe.h"
#include "reconciler/publish.h"
#include "reconciler/report.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_log.h"
#include "spec/spec_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STATUS_MAX ((size_t)1 << 20)

char *unit_map_key(bool is_issuer, const char *key)
{
    return cl_printf("%c:%s", is_issuer ? 'i' : 'c', key);
}

struct unit *unit_find(struct daemon *d, bool is_issuer, const char *key)
{
    char *map_key = unit_map_key(is_issuer, key);
    struct unit *u = cl_map_get(&d->units, map_key);
    cl_free(map_key);
    return u;
}

struct unit *unit_create(struct daemon *d, bool is_issuer, const char *key, const char *namespace_,
                         const char *name)
{
    struct unit *u = cl_keep_new(struct unit);
    u->d = d;
    u->is_issuer = is_issuer;
    u->key = cl_keep_dup(key);
    u->name = cl_keep_dup(name);
    u->namespace_ = cl_keep_dup(namespace_);
    char *display = cl_printf("%s%s%s%s", is_issuer ? "issuer/" : "", namespace_,
                              namespace_[0] != '\0' ? "/" : "", name);
    u->display = cl_keep_dup(display);
    cl_free(display);
    u->ticket.user = u;
    char *map_key = unit_map_key(is_issuer, key);
    cl_map_set(&d->units, map_key, u);
    cl_free(map_key);
    return u;
}

static void awake_free(struct unit *u)
{
    struct awake *w = u->w;
    if (w == NULL) {
        return;
    }
    object_destroy(w->object);
    memory_deinit(&w->memory);
    status_deinit(&w->status);
    revision_deinit(&w->rev);
    output_plans_deinit(&w->plans);
    cl_free(w->wanted_request);
    cl_free(w);
    u->w = NULL;
}

void unit_destroy(struct unit *u)
{
    cl_assert(!unit_running(u));
    unit_forget_conflict(u);
    unit_release_claims(u, u->w != NULL ? u->w->object : NULL);
    act_leave_line(u);
    workq_forget(&u->d->queue, &u->item);
    char *map_key = unit_map_key(u->is_issuer, u->key);
    cl_map_remove(&u->d->units, map_key);
    cl_free(map_key);
    awake_free(u);
    if (u->instance != NULL) {
        u->instance->u = NULL;
        instance_unref(u->instance);
    }
    cl_free(u->key);
    cl_free(u->display);
    cl_free(u->name);
    cl_free(u->namespace_);
    cl_free(u->issuer_key);
    cl_free(u->file);
    cl_free(u->rejection);
    cl_free(u->outputs_error);
    cl_free(u);
}

bool unit_running(const struct unit *u)
{
    return u->issue != NULL || u->project != NULL || u->deploy != NULL || u->ari != NULL ||
           u->memory_saving || (u->instance != NULL && u->instance->step_running);
}

/* ---- awake and at rest ---- */

static enum spec_kind unit_kind(const struct unit *u)
{
    return u->is_issuer ? SPEC_ISSUER : SPEC_CERTIFICATE;
}

int unit_wake(struct unit *u, struct cl_err *err)
{
    if (u->w != NULL) {
        return 0;
    }
    struct awake *w = cl_new(struct awake);
    char *path = paths_memory(&u->d->paths, u->key, unit_kind(u));
    int rc = memory_load(path, &w->memory, err);
    cl_free(path);
    if (rc == 1) {
        memory_init(&w->memory);
        rc = cl_fail(err, CL_ERR_LOCAL, "StateMissing", "the memory of %s is gone", u->display);
    }
    if (rc == 0 && object_from_canonical(w->memory.canonical, &w->object, err) < 0) {
        struct cl_err why = *err;
        rc = cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "the spec in the memory of %s: %s",
                     u->display, why.text);
    }
    if (rc < 0) {
        memory_deinit(&w->memory);
        cl_free(w);
        return -1;
    }
    u->w = w;
    unit_load_status(u);
    /* the canonical form has no words on what was ignored; the status has */
    cl_strv_deinit(&w->object->warnings);
    cl_strv_copy(&w->object->warnings, &w->status.warnings);
    return 0;
}

bool unit_is_lost(const struct cl_err *err)
{
    return cl_streq(err->reason, "StateMissing") || cl_streq(err->reason, "StateCorrupt");
}

/* The status file is output; only events, warnings and transition times are taken
 * from it again. */
void unit_load_status(struct unit *u)
{
    struct awake *w = u->w;
    char *path = paths_status(&u->d->paths, u->namespace_, u->name, unit_kind(u));
    struct cl_buf text;
    struct cl_err ignored = {0};
    bool loaded = false;

    if (disk_read(path, STATUS_MAX, &text, NULL, &ignored) == 0) {
        loaded = status_from_json(cl_buf_str(&text), &w->status, &ignored) == 0;
        cl_buf_deinit(&text);
    }
    if (!loaded) {
        status_init(&w->status);
    }
    cl_free(path);
}

void unit_rest(struct unit *u)
{
    if (u->w == NULL || unit_running(u) || u->memory_dirty || u->item.dirty) {
        return;
    }
    awake_free(u);
}

void unit_revision_changed(struct unit *u)
{
    output_plans_deinit(&u->w->plans);
    memset(&u->w->plans, 0, sizeof(u->w->plans));
    u->w->plans_valid = false;
    u->w->adopt_checked = false;
}

/* ---- memory ---- */

/* The last pass found nothing to do, so that another one would only look again. */
static bool may_rest(const struct unit *u)
{
    const struct daemon *d = u->d;
    return !u->is_issuer && !u->summary.busy && u->item.reported && !u->item.dirty &&
           !u->item.processing && !u->ending && !d->stopping && d->idle == NULL;
}

void unit_memory_joined(struct unit *u, const struct cl_err *err)
{
    u->memory_saving = false;
    if (err != NULL) {
        u->memory_dirty = true;
        u->memory_failures++;
        u->memory_retry_at = backoff_hook(u->memory_failures, loop_now(u->d->loop), &u->d->rng);
        cl_log(CL_LOG_ERROR, u->display, err->reason, "cannot save memory: %s", err->text);
    } else {
        u->memory_failures = 0;
        u->memory_retry_at = 0;
        u->memory_dirty = u->memory_again;
    }
    u->memory_again = false;
}

static void memory_saved(struct cl_op *op, const struct cl_err *err)
{
    struct unit *u = op->user;
    unit_memory_joined(u, err);
    if (!u->memory_dirty && may_rest(u)) {
        unit_rest(u);
    } else {
        daemon_wake_unit(u->d, u);
    }
}

bool unit_memory_join(struct unit *u, struct disk_batch *b)
{
    if (!u->memory_dirty || u->memory_saving || u->d->read_only || u->w == NULL) {
        return false;
    }
    char *path = paths_memory(&u->d->paths, u->key, unit_kind(u));
    char *text = memory_to_json(&u->w->memory);
    disk_batch_write(b, path, text, strlen(text), 0600, DISK_KEEP_ID, DISK_KEEP_ID);
    cl_free(text);
    cl_free(path);
    u->memory_dirty = false;
    u->memory_saving = true;
    return true;
}

static void save_memory(struct unit *u)
{
    if (u->project != NULL || act_issue_saves(u)) {
        return; /* it joins their batch, or they change it again and wake the unit */
    }
    if (u->memory_retry_at > loop_now(u->d->loop)) {
        return;
    }
    struct disk_batch *b = disk_batch_create();
    if (!unit_memory_join(u, b)) {
        disk_batch_destroy(b);
        return;
    }
    u->memory_op = (struct cl_op){.done = memory_saved, .user = u};
    disk_commit(u->d->loop, b, &u->memory_op);
}

void unit_memory_changed(struct unit *u)
{
    if (u->memory_saving) {
        u->memory_again = true;
    } else {
        u->memory_dirty = true;
    }
}

struct unit *unit_issuer(struct unit *u)
{
    const struct issuer_ref *ref = &u->w->object->cert->issuer_ref;
    struct unit *found = NULL;

    if (ref->name == NULL) {
        return NULL;
    }
    if (!cl_streq(ref->kind, "ClusterIssuer") && u->namespace_[0] != '\0') {
        char *key = cl_printf("%s_%s", u->namespace_, ref->name);
        found = unit_find(u->d, true, key);
        cl_free(key);
    }
    if (found == NULL) {
        found = unit_find(u->d, true, ref->name);
    }
    if (found != NULL && found->ending) {
        found = NULL;
    }
    const char *key = found != NULL ? found->key : ref->name;
    if (!cl_streq(key, u->issuer_key)) {
        cl_free(u->issuer_key);
        u->issuer_key = cl_keep_dup(key);
    }
    return found;
}

/* ---- the page ---- */

static void pass(struct unit *u, cl_time now)
{
    struct observation seen;
    struct plan plan;
    struct cl_err err = {0};

    if (u->conflict != NULL) {
        unit_claim(u, u->w->object); /* the other may have given it up */
    }
    if (observe(u, now, &seen, &err) < 0) {
        plan_unreadable(&err, now, &plan);
        report_unreadable(u, &plan, now);
        workq_add_at(&u->d->queue, &u->item, plan.next_at);
        return;
    }
    plan_next(u->w->object, &seen.facts, now, &plan);
    if (u->item.reported && !u->d->read_only && !u->d->stopping) {
        act_start(u, &seen.facts, &plan, now);
    }
    report(u, &seen.facts, &plan, now);

    cl_time next = cl_time_min(plan.next_at, act_issue_show_at(u));
    next = cl_time_min(next, act_ari_at(u, now));
    if (u->memory_dirty && u->memory_retry_at > 0) {
        next = cl_time_min(next, u->memory_retry_at);
    }
    workq_add_at(&u->d->queue, &u->item, next);
}

bool unit_reconcile(struct unit *u)
{
    cl_time now = loop_now(u->d->loop);
    struct cl_err err = {0};

    if (u->ending) {
        return !unit_end(u);
    }
    if (unit_wake(u, &err) < 0) {
        cl_log(CL_LOG_ERROR, u->display, err.reason, "%s", err.text);
        if (unit_is_lost(&err) && u->rejection == NULL && u->absent_since == 0) {
            inventory_reparse(u->d->inventory); /* the file is the way back */
        } else {
            workq_add_at(&u->d->queue, &u->item, now + CL_MINUTE);
        }
        return true;
    }
    if (u->is_issuer) {
        issuer_unit_reconcile(u);
    } else {
        pass(u, now);
    }
    save_memory(u);
    if (!u->item.reported) {
        u->item.reported = true;
        workq_add(&u->d->queue, &u->item);
    }
    unit_rest(u);
    return true;
}

/* ---- the end ---- */

static void unlink_quietly(char *take_path)
{
    struct cl_err err = {0};
    if (disk_unlink(take_path, &err) < 0) {
        cl_log(CL_LOG_WARNING, "", err.reason, "%s", err.text);
    }
    cl_free(take_path);
}

static void remove_outputs(struct unit *u)
{
    struct cl_err err = {0};
    const struct cert_spec *spec = u->w != NULL ? u->w->object->cert : NULL;
    if (spec == NULL || spec->deletion_policy != DELETION_DELETE) {
        return;
    }
    struct disk_batch *b = disk_batch_create();
    for (size_t i = 0; i < u->w->memory.n_outputs; i++) {
        output_remove(&u->w->memory.outputs[i], b);
    }
    if (disk_commit_now(b, &err) < 0) {
        cl_log(CL_LOG_WARNING, u->display, err.reason, "outputs not removed: %s", err.text);
    }
}

bool unit_end(struct unit *u)
{
    struct cl_err err = {0};
    struct daemon *d = u->d;

    u->ending = true;
    if (unit_running(u)) {
        act_cancel(u);
        act_deploy_cancel(u);
        act_ari_cancel(u);
        if (u->instance != NULL && u->instance->step_running) {
            cl_op_cancel(&u->instance->step_op);
        }
        return false; /* the runs wake the unit when they end */
    }
    if (!u->is_issuer && unit_wake(u, &err) == 0) {
        remove_outputs(u);
    }
    unlink_quietly(paths_status(&d->paths, u->namespace_, u->name, unit_kind(u)));
    unlink_quietly(paths_memory(&d->paths, u->key, unit_kind(u)));
    cl_log(CL_LOG_NOTICE, u->display, "Removed",
           "no longer declared; archive and account stay on disk");
    char *issuer_key = u->is_issuer ? cl_strdup(u->key) : NULL;
    unit_destroy(u);
    if (issuer_key != NULL) {
        daemon_wake_dependents(d, issuer_key);
        cl_free(issuer_key);
    }
    publish_changed(d);
    return true;
}

void unit_event(struct unit *u, bool warning, const char *reason, const char *fmt, ...)
{
    char text[PLAN_TEXT];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (u->w != NULL) {
        status_event(&u->w->status, loop_now(u->d->loop), warning, reason, "%s", text);
    }
    cl_log(warning ? CL_LOG_WARNING : CL_LOG_INFO, u->display, reason, "%s", text);
}
