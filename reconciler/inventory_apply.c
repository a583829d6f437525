/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_apply: what a look means for the objects: declared, rejected, absent, gone. Absence is
 * never deletion without grace, and never for most objects at once without asking. */
#include "reconciler/inventory_internal.h"
#include "reconciler/publish.h"
#include "reconciler/report.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

static bool is_issuer(const struct object *o)
{
    return o->kind != SPEC_CERTIFICATE;
}

static bool declares(const struct object_list *l, const struct unit *u)
{
    for (size_t k = 0; l != NULL && k < l->len; k++) {
        bool same = cl_streq(l->items[k]->key, u->key) ||
                    (u->is_standby && standby_is_of(u->key, l->items[k]));
        if (is_issuer(l->items[k]) == u->is_issuer && same) {
            return true;
        }
    }
    return false;
}

/* The file that declares @u already, if it is another one that is still there. */
static const char *declared_elsewhere(struct inventory *i, const struct unit *u, const char *file)
{
    struct disk_stat st;
    struct cl_err err = {0};
    if (u == NULL || u->file == NULL || cl_streq(u->file, file) || u->absent_since > 0) {
        return NULL;
    }
    const struct file_entry *e = cl_map_get(&i->files, u->file);
    if (e == NULL || (e->state == FILE_NEW && e->declared == 0)) {
        return NULL; /* (new, but declaring: it did so before a restart) */
    }
    char *path = cl_printf("%s/%s", i->d->paths.specs, u->file);
    bool there = disk_stat(path, &st, &err) < 0 || st.type != DISK_NONE;
    cl_free(path);
    return there ? u->file : NULL;
}

/* Finds duplicates within the list and against other files. */
static size_t find_duplicates(struct inventory *i, const char *file, const struct object_list *l,
                              struct spec_problems *problems)
{
    for (size_t k = 0; k < l->len; k++) {
        struct object *o = l->items[k];
        const struct unit *u = unit_find(i->d, is_issuer(o), o->key);
        const char *other = declared_elsewhere(i, u, file);
        for (size_t m = 0; m < k; m++) {
            if (is_issuer(l->items[m]) == is_issuer(o) && cl_streq(l->items[m]->key, o->key)) {
                other = file;
            }
        }
        if (other != NULL) {
            spec_problems_add(problems, false, o->line, 1,
                              "DuplicateObject: %s %s is already declared in %s",
                              spec_kind_name(o->kind), o->metadata.name, other);
        }
    }
    return problems->len;
}

static void declare_kind(struct inventory *i, struct file_entry *e, struct object_list *l,
                         bool issuers, cl_time now)
{
    for (size_t k = 0; k < l->len; k++) {
        struct object *o = l->items[k];
        if (o == NULL || is_issuer(o) != issuers) {
            continue;
        }
        struct unit *u = unit_find(i->d, issuers, o->key);
        if (u != NULL && u->ending) {
            e->forced = true; /* comes back after its end */
            inventory_scan_at(i, now + CL_SECOND);
            continue;
        }
        if (u == NULL) {
            u = unit_create(i->d, issuers, o->key, o->metadata.namespace_, o->metadata.name);
        }
        cl_strv_for_each(w, &o->warnings) {
            cl_log(CL_LOG_WARNING, u->display, "SpecWarning", "%s: %s", e->name, w);
        }
        l->items[k] = NULL;
        e->declared++;
        u->rejected_sha256[0] = '\0';
        if (!unit_declare(u, o, e->name, e->sha256, now)) {
            e->forced = true;
            inventory_scan_at(i, now + 10 * CL_SECOND);
        }
    }
}

void inventory_apply(struct inventory *i, struct file_entry *e, struct object_list *objects)
{
    struct spec_problems problems = {0};
    cl_time now = loop_now(i->d->loop);

    e->duplicate = false;
    if (find_duplicates(i, e->name, objects, &problems) > 0) {
        e->duplicate = true;
        inventory_reject(i, e, FILE_REJECTED, &problems);
        spec_problems_deinit(&problems);
        return;
    }
    if (e->state == FILE_REJECTED || e->state == FILE_UNREADABLE) {
        cl_log(CL_LOG_NOTICE, "", "FileAccepted", "%s is in force again", e->name);
        report_file(i->d, e->name, e->sha256, NULL);
    }
    if (e->declared > 0) {
        inventory_mark_absent(i, e->name, objects);
    }
    e->state = FILE_IN_FORCE;
    i->set_sha256[0] = '\0';
    e->loaded_at = now;
    e->declared = 0;
    cl_free(e->problem);
    e->problem = NULL;
    declare_kind(i, e, objects, true, now);
    declare_kind(i, e, objects, false, now);
    publish_changed(i->d);
}

void inventory_reject(struct inventory *i, struct file_entry *e, enum file_state state,
                      const struct spec_problems *problems)
{
    size_t pos = 0;
    void *value;
    const struct spec_problem *first = NULL;

    for (size_t k = 0; k < problems->len; k++) {
        const struct spec_problem *p = &problems->items[k];
        if (!p->warning) {
            cl_log(CL_LOG_ERROR, "", state == FILE_UNREADABLE ? "FileUnreadable" : "InvalidSpec",
                   "%s:%u:%u: %s", e->name, p->line, p->column, p->text);
            first = first != NULL ? first : p;
        }
    }
    e->state = state;
    i->set_sha256[0] = '\0';
    cl_free(e->problem);
    e->problem = first != NULL ? cl_strdup(first->text) : cl_strdup("rejected");
    report_file(i->d, e->name, e->sha256, problems);
    while (e->declared > 0 && cl_map_next(&i->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (cl_streq(u->file, e->name)) {
            cl_free(u->rejection);
            u->rejection = cl_printf("%s:%u:%u: %s", e->name, first != NULL ? first->line : 1,
                                     first != NULL ? first->column : 1, e->problem);
            memcpy(u->rejected_sha256, e->sha256, CL_SHA256_TEXT);
            u->absent_since = 0;
            daemon_wake_unit(i->d, u);
        }
    }
    publish_changed(i->d);
}

/* An object that moves to another file: the other was refused while both declared it. */
static void look_at_duplicates(struct inventory *i, cl_time now)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        struct file_entry *e = value;
        if (e->duplicate) {
            e->forced = true;
            i->look_again = true; /* if a scan is running */
            inventory_scan_at(i, now);
        }
    }
}

void inventory_mark_absent(struct inventory *i, const char *file, const struct object_list *still)
{
    size_t pos = 0;
    void *value;
    bool any = false;
    cl_time now = loop_now(i->d->loop);

    while (cl_map_next(&i->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (u->ending || u->absent_since > 0 || !cl_streq(u->file, file) || declares(still, u)) {
            continue;
        }
        any = true;
        u->absent_since = now;
        u->absent_scans = 0;
        i->pending_deletions++;
        cl_free(u->rejection);
        u->rejection = NULL;
        cl_log(CL_LOG_NOTICE, u->display, "Absent",
               "no longer declared by %s; it ends after the grace period", file);
        daemon_wake_unit(i->d, u);
    }
    if (any) {
        look_at_duplicates(i, now);
    }
    inventory_scan_at(i, now + DELETE_GRACE);
}

/* ---- the end of objects ---- */

static bool is_mass(size_t gone, size_t all)
{
    return gone > 3 && gone * 2 > all;
}

static void set_held(struct inventory *i, bool held, size_t gone, size_t all)
{
    if (held && !i->prune_held) {
        cl_log(CL_LOG_ERROR, "", "MassDeletionHeld",
               "%zu of %zu objects are gone at once; nothing is removed for 5 min. If this is "
               "meant: certloop prune --yes",
               gone, all);
    }
    i->prune_held = held;
}

cl_time inventory_collect(struct inventory *i, cl_time now)
{
    size_t pos = 0;
    void *value;
    size_t gone = 0;
    size_t all = 0;
    cl_time next = CL_NEVER;

    while (cl_map_next(&i->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        all++;
        gone += u->absent_since > 0 && !u->ending ? 1u : 0u;
    }
    bool mass = gone > 0 && (is_mass(gone, all) || i->empty || i->other_fs) && !i->prune_confirmed;
    cl_time grace = mass ? MASS_GRACE : DELETE_GRACE;
    unsigned scans = mass ? 3 : 2;
    bool held = false;
    pos = 0;
    while (cl_map_next(&i->d->units, &pos, NULL, &value)) {
        struct unit *u = value;
        if (u->ending) { /* may be declared again when it has ended */
            next = cl_time_min(next, now + CL_SECOND);
        }
        if (u->absent_since == 0 || u->ending) {
            continue;
        }
        u->absent_scans++;
        if (u->absent_scans >= scans && now - u->absent_since >= grace && !i->d->read_only) {
            u->ending = true;
            daemon_wake_unit(i->d, u);
            gone--;
        } else {
            held = held || mass;
            next = cl_time_min(next, cl_time_max(u->absent_since + grace, now + CL_SECOND));
        }
    }
    set_held(i, held, gone, all);
    i->pending_deletions = gone;
    if (gone == 0) {
        i->prune_confirmed = false;
        i->other_fs = false;
    }
    return next;
}
