/* SPDX-License-Identifier: Apache-2.0 */
/* inventory: looks at the spec directory. The order of events never matters: each look compares
 * what is there with what was there. */
#include "reconciler/inventory.h"

#include "reconciler/inventory_internal.h"
#include "reconciler/publish.h"
#include "reconciler/report.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define UNAVAILABLE_AGAIN (10 * CL_SECOND)

static void rescan_due(struct loop_timer *t);
static void looks_due(struct loop_timer *t);

struct inventory *inventory_create(struct daemon *d)
{
    struct inventory *i = cl_new(struct inventory);
    i->d = d;
    i->files.keep = true;
    return i;
}

void inventory_forget(struct inventory *i, struct file_entry *e)
{
    i->set_sha256[0] = '\0';
    cl_map_remove(&i->files, e->name);
    cl_free(e->name);
    cl_free(e->problem);
    cl_free(e);
}

void inventory_destroy(struct inventory *i)
{
    size_t pos = 0;
    void *e;
    if (i == NULL) {
        return;
    }
    loop_timer_stop(i->d->loop, &i->rescan_timer);
    loop_timer_stop(i->d->loop, &i->look_timer);
    while (cl_map_next(&i->files, &pos, NULL, &e)) {
        inventory_forget(i, e);
    }
    cl_map_deinit(&i->files);
    cl_strv_deinit(&i->ignored);
    cl_strv_deinit(&i->subs);
    cl_free(i->unavailable);
    cl_free(i);
}

bool inventory_name_ok(const char *name)
{
    const char *base = strrchr(name, '/');
    base = base != NULL ? base + 1 : name;
    return base[0] != '.' && base[0] != '#' && !cl_str_ends(base, "~") &&
           (cl_str_ends(base, ".yaml") || cl_str_ends(base, ".yml") || cl_str_ends(base, ".json"));
}

struct file_entry *inventory_entry(struct inventory *i, const char *name)
{
    struct file_entry *e = cl_map_get(&i->files, name);
    if (e == NULL) {
        e = cl_keep_new(struct file_entry);
        e->name = cl_keep_dup(name);
        cl_map_set(&i->files, name, e);
    }
    return e;
}

/* ---- timers ---- */

static void arm_looks(struct inventory *i)
{
    size_t pos = 0;
    void *value;
    cl_time next = CL_NEVER;
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        const struct file_entry *e = value;
        if (e->open_since > 0) {
            next = cl_time_min(next, e->open_since + OPEN_QUIET);
        }
        if (e->parse_retry_at > 0) {
            next = cl_time_min(next, e->parse_retry_at);
        }
    }
    loop_at(i->d->loop, &i->look_timer, next, looks_due, i);
}

static void looks_due(struct loop_timer *t)
{
    struct inventory *i = t->user;
    cl_time now = loop_now(i->d->loop);
    size_t pos = 0;
    void *value;

    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        struct file_entry *e = value;
        if (e->open_since > 0 && e->open_since + OPEN_QUIET <= now) {
            e->open_since = 0;
            inventory_look_at(i, e, false);
        } else if (e->parse_retry_at > 0 && e->parse_retry_at <= now) {
            e->parse_retry_at = 0; /* the look says whether there is to be another */
            inventory_look_at(i, e, false);
        }
    }
    arm_looks(i);
}

static void rescan_due(struct loop_timer *t)
{
    inventory_scan(t->user);
}

void inventory_scan_at(struct inventory *i, cl_time when)
{
    if (!cl_heap_contains(&i->rescan_timer.node) || i->rescan_timer.node.when > when) {
        loop_at(i->d->loop, &i->rescan_timer, when, rescan_due, i);
    }
}

/* ---- scanning ---- */

static void set_unavailable(struct inventory *i, const char *why)
{
    if (!cl_streq(why, i->unavailable)) {
        if (why != NULL) {
            cl_log(CL_LOG_ERROR, "", "SpecDirUnavailable",
                   "%s; the last good set of specs stays in force", why);
        } else {
            cl_log(CL_LOG_NOTICE, "", "SpecDirAvailable", "%s is readable again",
                   i->d->paths.specs);
        }
        cl_free(i->unavailable);
        i->unavailable = cl_strdup(why);
        publish_changed(i->d);
    }
}

static void scan_name(struct inventory *i, const char *name)
{
    if (!inventory_name_ok(name)) {
        cl_strv_add(&i->ignored, name);
        return;
    }
    struct file_entry *e = inventory_entry(i, name);
    if (e->open_since > 0) {
        e->seen = true; /* its own timer looks */
        return;
    }
    inventory_look_at(i, e, false);
}

/* What cannot be read is not gone. */
static void keep_subdirectory(struct inventory *i, const char *dir)
{
    char *prefix = cl_printf("%s/", dir);
    size_t pos = 0;
    void *value;
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        struct file_entry *e = value;
        e->seen = e->seen || cl_str_starts(e->name, prefix);
    }
    cl_free(prefix);
}

static void scan_subdirectory(struct inventory *i, const char *dir, char *why, size_t size)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    struct disk_stat st;
    char *path = cl_printf("%s/%s", i->d->paths.specs, dir);

    if (disk_stat(path, &st, &err) == 0 && st.type != DISK_DIR) {
        cl_free(path);
        return;
    }
    if (i->d->watch != NULL) {
        watch_add(i->d->watch, path); /* first the watch, then the look */
    }
    cl_strv_add(&i->subs, dir);
    if (err.text[0] != '\0' || disk_list(path, &names, &err) < 0) {
        (void)cl_format(why, size, "%s", err.text);
        keep_subdirectory(i, dir);
    } else if (!inventory_trusted(i, path, &st, why, size)) {
        keep_subdirectory(i, dir);
    } else {
        cl_strv_for_each(name, &names) {
            char *relative = cl_printf("%s/%s", dir, name);
            if (inventory_name_ok(relative)) {
                scan_name(i, relative);
            }
            cl_free(relative);
        }
    }
    cl_strv_deinit(&names);
    cl_free(path);
}

static void unwatch_gone(struct inventory *i, const struct cl_strv *before)
{
    cl_strv_for_each(dir, before) {
        if (i->d->watch != NULL && !cl_strv_has(&i->subs, dir)) {
            char *path = cl_printf("%s/%s", i->d->paths.specs, dir);
            watch_remove(i->d->watch, path);
            cl_free(path);
        }
    }
}

int inventory_check_directory(const struct inventory *i, struct cl_err *err)
{
    struct disk_stat st;
    char why[300];

    if (disk_stat(i->d->paths.specs, &st, err) < 0) {
        return -1;
    }
    if (st.type == DISK_DIR && !inventory_trusted(i, i->d->paths.specs, &st, why, sizeof(why))) {
        return cl_fail(err, CL_ERR_PERMANENT, "SpecDirUntrusted", "%s", why);
    }
    return 0;
}

static int list_directory(struct inventory *i, struct cl_strv *ret)
{
    struct disk_stat st;
    struct cl_err err = {0};
    struct watch_info watching = {0};
    char why[300];

    if (i->d->watch != NULL) {
        /* First the watch, then the look; a mount upon the directory raises no event. */
        watch_add(i->d->watch, i->d->paths.specs);
        watch_info(i->d->watch, &watching);
    }
    i->polling = watching.polling;
    if (disk_stat(i->d->paths.specs, &st, &err) < 0) {
        set_unavailable(i, err.text);
        return -1;
    }
    if (st.type != DISK_DIR) {
        (void)cl_format(why, sizeof(why), "%s is %s", i->d->paths.specs,
                        st.type == DISK_NONE ? "missing" : "not a directory");
        set_unavailable(i, why);
        return -1;
    }
    if (inventory_check_directory(i, &err) < 0 || disk_list(i->d->paths.specs, ret, &err) < 0) {
        set_unavailable(i, err.text);
        return -1;
    }
    i->other_fs = i->other_fs || (i->dev != 0 && i->dev != st.dev);
    i->dev = st.dev;
    return 0;
}

static void drop_unseen(struct inventory *i)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        struct file_entry *e = value;
        if (!e->seen) {
            inventory_mark_absent(i, e->name, NULL);
            if (e->state != FILE_NEW) {
                report_file(i->d, e->name, "", NULL);
            }
            inventory_forget(i, e);
        }
    }
}

/* @known: files that declared something come first, so that what moves from one to the other is
 * free when the other is looked at, and who declares an object already keeps it. */
static void scan_names(struct inventory *i, const struct cl_strv *names, bool known)
{
    cl_strv_for_each(name, names) {
        const struct file_entry *e = cl_map_get(&i->files, name);
        if (known == (e != NULL && e->declared > 0 && !e->seen)) {
            if (known || e == NULL || !e->seen) {
                scan_name(i, name);
            }
        }
    }
}

static void scan_listed(struct inventory *i, const struct cl_strv *names)
{
    struct cl_strv before = i->subs;
    char why[300] = "";
    size_t pos = 0;
    void *value;

    memset(&i->subs, 0, sizeof(i->subs));
    cl_strv_deinit(&i->ignored);
    memset(&i->ignored, 0, sizeof(i->ignored));
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        ((struct file_entry *)value)->seen = false;
    }
    scan_names(i, names, true);
    scan_names(i, names, false);
    if (i->d->config->recursive) {
        cl_strv_for_each(name, names) {
            if (!inventory_name_ok(name) && name[0] != '.') {
                scan_subdirectory(i, name, why, sizeof(why));
            }
        }
    }
    i->empty = true;
    pos = 0;
    while (i->empty && cl_map_next(&i->files, &pos, NULL, &value)) {
        i->empty = !((struct file_entry *)value)->seen;
    }
    set_unavailable(i, why[0] != '\0' ? why : NULL);
    drop_unseen(i);
    unwatch_gone(i, &before);
    cl_strv_deinit(&before);
}

void inventory_scan(struct inventory *i)
{
    struct cl_strv names = {0};
    cl_time now = loop_now(i->d->loop);
    cl_time again;

    i->look_again = false;
    if (list_directory(i, &names) == 0) {
        scan_listed(i, &names);
        i->last_scan = now;
        again = inventory_collect(i, now);
    } else {
        again = now + UNAVAILABLE_AGAIN;
    }
    cl_strv_deinit(&names);
    /* A scan costs some microseconds a file: the period keeps it below a thousandth of a core. */
    cl_time period = cl_time_max(30 * CL_SECOND, (cl_time)i->files.count * 10);
    again = i->look_again ? now : cl_time_min(again, now + period);
    arm_looks(i);
    if (!i->d->read_only) {
        loop_at(i->d->loop, &i->rescan_timer, again, rescan_due, i);
    }
    publish_changed(i->d);
}

void inventory_look(struct inventory *i, const char *name, enum watch_hint hint)
{
    if (hint == WATCH_GONE && !inventory_name_ok(name) && !i->d->config->recursive) {
        return; /* the temporary name of an atomic write */
    }
    if (hint == WATCH_RESCAN || hint == WATCH_GONE) {
        inventory_scan_at(i, loop_now(i->d->loop)); /* one scan for a burst of events */
        return;
    }
    if (!inventory_name_ok(name)) {
        if (i->d->config->recursive && hint == WATCH_WRITTEN && strchr(name, '/') == NULL) {
            inventory_scan_at(i, loop_now(i->d->loop)); /* a subdirectory, perhaps */
        }
        return;
    }
    if (inventory_check_directory(i, NULL) < 0) { /* the scan says so */
        inventory_scan_at(i, loop_now(i->d->loop));
        return;
    }
    struct file_entry *e = inventory_entry(i, name);
    if (hint == WATCH_TOUCHED) {
        char *path = cl_printf("%s/%s", i->d->paths.specs, name);
        struct disk_stat st;
        struct cl_err err = {0};
        bool content = disk_stat(path, &st, &err) < 0 || st.size != e->stamp.size ||
                       st.mtime_ns != e->stamp.mtime_ns || st.ino != e->stamp.ino;
        cl_free(path);
        if (content || e->open_since > 0) { /* being written: wait for the close */
            e->open_since = loop_now(i->d->loop);
            arm_looks(i);
            return;
        }
    }
    e->open_since = 0;
    inventory_look_at(i, e, hint == WATCH_WRITTEN);
    if (!e->seen) { /* a dangling link, or gone again */
        inventory_scan_at(i, loop_now(i->d->loop));
        return;
    }
    if (e->parse_retry_at > 0) {
        arm_looks(i);
    }
}

void inventory_reparse(struct inventory *i)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        ((struct file_entry *)value)->forced = true;
    }
    inventory_scan_at(i, loop_now(i->d->loop));
}

void inventory_confirm_prune(struct inventory *i)
{
    i->prune_confirmed = true;
    inventory_scan(i);
}

/* ---- what others ask ---- */

void inventory_info(const struct inventory *i, struct inventory_info *ret)
{
    size_t pos = 0;
    void *value;
    memset(ret, 0, sizeof(*ret));
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        const struct file_entry *e = value;
        ret->files++;
        ret->rejected += e->state == FILE_REJECTED || e->state == FILE_UNREADABLE ? 1u : 0u;
    }
    ret->ignored = i->ignored.len;
    ret->last_scan = i->last_scan;
    ret->unavailable = i->unavailable;
    ret->prune_held = i->prune_held;
    ret->pending_deletions = i->pending_deletions;
}

bool inventory_holds(const struct inventory *i)
{
    return i->prune_held || i->unavailable != NULL;
}

bool inventory_any_absent(const struct inventory *i)
{
    return i->pending_deletions > 0;
}

const struct file_entry *inventory_next(const struct inventory *i, size_t *pos)
{
    void *value;
    return cl_map_next(&i->files, pos, NULL, &value) ? value : NULL;
}

const struct cl_strv *inventory_ignored(const struct inventory *i)
{
    return &i->ignored;
}

const char *inventory_set_sha256(struct inventory *i)
{
    struct cl_strv lines = {0};
    size_t pos = 0;
    void *value;

    if (i->set_sha256[0] != '\0') {
        return i->set_sha256;
    }
    while (cl_map_next(&i->files, &pos, NULL, &value)) {
        const struct file_entry *e = value;
        if (e->state == FILE_IN_FORCE) {
            cl_strv_take(&lines, cl_printf("%s %s\n", e->name, e->sha256));
        }
    }
    cl_strv_sort(&lines);
    char *text = cl_strv_join(&lines, "");
    cl_sha256_hex(text, strlen(text), i->set_sha256);
    cl_free(text);
    cl_strv_deinit(&lines);
    return i->set_sha256;
}
