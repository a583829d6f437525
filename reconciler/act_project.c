/* SPDX-License-Identifier: Apache-2.0 */
/* act_project: the step PROJECT: outputs are written from the archive in one durable batch, and
 * memory records what was written, so that foreign files are never taken for ours. */
#include "reconciler/act.h"
#include "reconciler/core/backoff.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

struct project_run {
    struct unit *u;
    struct cl_op commit;
    struct cl_strv directories; /* what was written, and the hash of its content, side by side */
    struct cl_strv hashes;
    char *files; /* per directory: names separated by newlines, directories by \f */
};

static void record(struct unit *u, const char *directory, const char *hash, const char *files,
                   cl_time now)
{
    struct memory *m = &u->w->memory;
    struct memory_output *rec = memory_output_find(m, directory);
    bool repair = rec != NULL && cl_streq(rec->content_hash, hash);

    if (rec == NULL) {
        m->outputs = cl_reallocarray(m->outputs, m->n_outputs + 1, sizeof(*m->outputs));
        rec = &m->outputs[m->n_outputs++];
        memset(rec, 0, sizeof(*rec));
        rec->directory = cl_strdup(directory);
    }
    if (repair) {
        if (now - rec->repairs_since >= 10 * CL_MINUTE) {
            rec->repairs = 0;
            rec->repairs_since = now;
        }
        rec->repairs++;
        unit_event(u, false, "OutputRepaired", "%s was restored from the archive", directory);
    }
    cl_free(rec->content_hash);
    rec->content_hash = cl_strdup(hash);
    cl_strv_deinit(&rec->files);
    memset(&rec->files, 0, sizeof(rec->files));
    cl_strv_split(&rec->files, files, "\n");
    rec->stamp_hash = output_stamp(rec);
    rec->last_written = now;
}

/* Outputs that the spec no longer names stay on disk but are no longer ours to repair. */
void act_project_forget(struct unit *u)
{
    struct memory *m = &u->w->memory;
    size_t kept = 0;
    if (u->project != NULL || !u->w->plans_valid || u->w->plans_problem[0] != '\0') {
        return;
    }
    for (size_t i = 0; i < m->n_outputs; i++) {
        bool wanted = false;
        for (size_t k = 0; k < u->w->plans.len && !wanted; k++) {
            wanted = cl_streq(u->w->plans.items[k].directory, m->outputs[i].directory);
        }
        if (wanted) {
            m->outputs[kept++] = m->outputs[i];
        } else {
            unit_event(u, false, "OutputReleased",
                       "%s is no longer declared: its files stay and are not renewed any more; "
                       "remove them if nobody uses them",
                       m->outputs[i].directory);
            unit_memory_changed(u);
            cl_free(m->outputs[i].directory);
            cl_strv_deinit(&m->outputs[i].files);
            cl_free(m->outputs[i].content_hash);
        }
    }
    m->n_outputs = kept;
}

void act_project_afresh(struct unit *u)
{
    cl_free(u->outputs_error);
    u->outputs_error = NULL;
    u->outputs_failures = 0;
    u->outputs_retry_at = 0;
}

/* The same failure again is no news. */
static void write_failed(struct unit *u, const struct cl_err *err, cl_time now)
{
    u->outputs_failures++;
    u->outputs_retry_at = backoff_hook(u->outputs_failures, now, &u->d->rng);
    if (!cl_streq(u->outputs_error, err->text)) {
        unit_event(u, true, err->reason, "outputs not written: %s", err->text);
        cl_free(u->outputs_error);
        u->outputs_error = cl_strdup(err->text);
    }
}

static void projected(struct cl_op *op, const struct cl_err *err)
{
    struct project_run *r = op->user;
    struct unit *u = r->u;
    cl_time now = loop_now(u->d->loop);

    u->project = NULL;
    u->d->projecting--;
    if (err != NULL) {
        if (err->kind != CL_ERR_CANCELLED) {
            write_failed(u, err, now);
        }
    } else {
        struct cl_strv lists = {0};
        cl_strv_split(&lists, r->files, "\f");
        for (size_t i = 0; i < r->directories.len && i < lists.len; i++) {
            record(u, r->directories.items[i], r->hashes.items[i], lists.items[i], now);
        }
        cl_strv_deinit(&lists);
        act_project_afresh(u);
        unit_memory_changed(u);
    }
    cl_strv_deinit(&r->directories);
    cl_strv_deinit(&r->hashes);
    cl_free(r->files);
    cl_free(r);
    daemon_wake_unit(u->d, u);
}

static int put(struct unit *u, const struct output_plan *plan, struct project_run *r,
               struct cl_buf *files, struct disk_batch *b, struct cl_err *err)
{
    char detail[200];
    const struct memory_output *rec = memory_output_find(&u->w->memory, plan->directory);

    if (output_check(plan, rec, detail) != OUTPUT_IN_SYNC &&
        output_put(&u->d->paths, plan, b, err) < 0) {
        return -1;
    }
    cl_strv_add(&r->directories, plan->directory);
    cl_strv_add(&r->hashes, plan->content_hash);
    if (files->len > 0) {
        (void)cl_buf_adds(files, "\f");
    }
    for (size_t i = 0; i < plan->n_files; i++) {
        (void)cl_buf_addf(files, "%s\n", plan->files[i].name);
    }
    return 0;
}

void act_project(struct unit *u, cl_time now)
{
    struct cl_err err = {0};
    struct project_run *r = cl_new(struct project_run);
    struct disk_batch *b = disk_batch_create();
    struct cl_buf files;

    r->u = u;
    cl_buf_init(&files, 1 << 20);
    for (size_t i = 0; i < u->w->plans.len; i++) {
        if (put(u, &u->w->plans.items[i], r, &files, b, &err) < 0) {
            cl_wrap(&err, "%s", u->w->plans.items[i].directory);
            write_failed(u, &err, now);
            disk_batch_destroy(b);
            cl_buf_deinit(&files);
            cl_strv_deinit(&r->directories);
            cl_strv_deinit(&r->hashes);
            cl_free(r);
            return;
        }
    }
    r->files = cl_buf_take(&files);
    u->project = r;
    u->d->projecting++;
    r->commit = (struct cl_op){.done = projected, .user = r};
    disk_commit(u->d->loop, b, &r->commit);
}
