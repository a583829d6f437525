/* SPDX-License-Identifier: Apache-2.0 */
/* output_put: writes a plan. In the symlink layout the files of a set live in a directory of their
 * own, DIR/..HASH; DIR/..data links to it and DIR/NAME to ..data/NAME, so that one rename of ..data
 * changes key and certificate together. In the rename layout each file is renamed into place. */
#include "backends/rt/disk.h"
#include "backends/store/output_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define LIVE_MODE 0755u
#define OUTSIDE_MODE 0750u
#define SET_MODE 0755u /* of DIR/..HASH: who may enter is up to DIR */
#define SET_DIGITS 16

struct put {
    const struct output_plan *plan;
    unsigned uid, gid;
    struct disk_batch *b;
};

static char *path_of(const char *directory, const char *name)
{
    return cl_printf("%s/%s", directory, name);
}

/* ---- directories ---- */

static int put_directory(const struct put *p, struct cl_err *err)
{
    const char *dir = p->plan->directory;
    const char *slash = strrchr(dir, '/');
    struct disk_stat st;

    if (disk_stat(dir, &st, err) < 0) {
        return -1;
    }
    if (st.type != DISK_NONE) {
        return 0; /* somebody's, or ours: its mode and owner are left alone */
    }
    if (slash != NULL && slash != dir) {
        char *parent = cl_strndup(dir, (size_t)(slash - dir));
        disk_batch_mkdirs(p->b, parent, LIVE_MODE);
        cl_free(parent);
    }
    disk_batch_mkdirs(p->b, dir, p->plan->live ? LIVE_MODE : OUTSIDE_MODE);
    if (!p->plan->live && (p->uid != DISK_KEEP_ID || p->gid != DISK_KEEP_ID)) {
        disk_batch_chown(p->b, dir, p->uid, p->gid);
    }
    return 0;
}

static void put_files(const struct put *p, const char *dir)
{
    for (size_t i = 0; i < p->plan->n_files; i++) {
        const struct output_plan_file *f = &p->plan->files[i];
        char *path = path_of(dir, f->name);
        disk_batch_write(p->b, path, cl_buf_str(&f->content), f->content.len, f->mode, p->uid,
                         p->gid);
        cl_free(path);
    }
}

/* ---- the symlink layout ---- */

/* "..0123456789abcdef" and "..0123456789abcdef-1": directories of sets. */
static bool is_set_name(const char *name)
{
    size_t digits = 0;

    if (!cl_str_starts(name, "..")) {
        return false;
    }
    while (strchr("0123456789abcdef", name[2 + digits]) != NULL && name[2 + digits] != '\0') {
        digits++;
    }
    const char *rest = name + 2 + digits;
    return digits == SET_DIGITS && (rest[0] == '\0' || cl_streq(rest, "-1"));
}

/* A name for the new set that the current one does not have: also a repair is one swap. */
static char *new_set_name(const struct output_plan *plan, const char *current)
{
    char *name = cl_printf("..%.*s", SET_DIGITS, plan->content_hash);

    if (cl_streq(name, current)) {
        cl_free(name);
        name = cl_printf("..%.*s-1", SET_DIGITS, plan->content_hash);
    }
    return name;
}

static bool is_planned(const struct output_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_files; i++) {
        if (cl_streq(plan->files[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void unlink_at(struct disk_batch *b, const char *dir, const char *name)
{
    char *path = path_of(dir, name);

    disk_batch_unlink(b, path);
    cl_free(path);
}

static void remove_tree_at(struct disk_batch *b, const char *dir, const char *name)
{
    char *path = path_of(dir, name);

    disk_batch_remove_tree(b, path);
    cl_free(path);
}

static void put_links(const struct put *p, const struct cl_strv *present)
{
    const char *dir = p->plan->directory;

    for (size_t i = 0; i < p->plan->n_files; i++) {
        const char *name = p->plan->files[i].name;
        if (cl_strv_has(present, name) && output_is_data_link(dir, name)) {
            continue;
        }
        char *path = path_of(dir, name);
        char *target = cl_printf(OUTPUT_DATA "/%s", name);
        disk_batch_symlink(p->b, target, path);
        cl_free(target);
        cl_free(path);
    }
    cl_strv_for_each(name, present) {
        if (!is_planned(p->plan, name) && output_is_data_link(dir, name)) {
            unlink_at(p->b, dir, name);
        }
    }
}

static void put_set(const struct put *p)
{
    const char *dir = p->plan->directory;
    char *data = path_of(dir, OUTPUT_DATA);
    char *current = NULL;
    struct cl_strv present = {0};

    (void)disk_list(dir, &present, NULL); /* not there yet: nothing is present */
    if (cl_strv_has(&present, OUTPUT_DATA)) {
        (void)disk_readlink(data, &current, NULL);
    }
    char *name = new_set_name(p->plan, current);
    char *set = path_of(dir, name);
    if (cl_strv_has(&present, name)) {
        disk_batch_remove_tree(p->b, set); /* left by a crash */
    }
    disk_batch_mkdirs(p->b, set, SET_MODE);
    put_files(p, set);
    disk_batch_barrier(p->b);
    disk_batch_symlink(p->b, name, data);
    put_links(p, &present);
    disk_batch_barrier(p->b);
    cl_strv_for_each(old, &present) {
        if (is_set_name(old) && !cl_streq(old, name)) {
            remove_tree_at(p->b, dir, old);
        }
    }
    cl_free(set);
    cl_free(name);
    cl_free(current);
    cl_free(data);
    cl_strv_deinit(&present);
}

int output_put(const struct paths *p, const struct output_plan *plan, struct disk_batch *b,
               struct cl_err *err)
{
    struct put put = {.plan = plan, .b = b};

    (void)p;
    if (output_directory_safe(plan->directory, err) < 0 ||
        disk_lookup_owner(cl_str_or(plan->owner, ""), cl_str_or(plan->group, ""), &put.uid,
                          &put.gid, err) < 0 ||
        put_directory(&put, err) < 0) {
        return -1;
    }
    /* Two Certificates that met in a new directory: the second must not swap the first away. */
    if (plan->symlink_layout && !output_data_is_foreign(plan)) {
        put_set(&put);
    } else {
        put_files(&put, plan->directory);
    }
    return 0;
}

/* ---- removing ---- */

/* The directory goes only if it is a set's and holds nothing but that. */
static bool only_ours(const struct memory_output *rec, const struct cl_strv *present)
{
    cl_strv_for_each(name, present) {
        if (!cl_streq(name, OUTPUT_DATA) && !is_set_name(name) && !cl_strv_has(&rec->files, name)) {
            return false;
        }
    }
    return cl_strv_has(present, OUTPUT_DATA);
}

static bool data_is_ours(const struct memory_output *rec)
{
    cl_strv_for_each(name, &rec->files) {
        if (output_is_data_link(rec->directory, name)) {
            return true;
        }
    }
    return false;
}

void output_remove(const struct memory_output *rec, struct disk_batch *b)
{
    struct cl_strv present = {0};

    if (output_directory_safe(rec->directory, NULL) < 0 ||
        disk_list(rec->directory, &present, NULL) < 0) {
        return; /* gone already, or no longer where it was */
    }
    bool set = data_is_ours(rec);
    if (set && only_ours(rec, &present)) {
        disk_batch_remove_tree(b, rec->directory);
    } else {
        cl_strv_for_each(name, &present) {
            if (cl_strv_has(&rec->files, name) || (set && cl_streq(name, OUTPUT_DATA))) {
                unlink_at(b, rec->directory, name);
            } else if (set && is_set_name(name)) {
                remove_tree_at(b, rec->directory, name);
            }
        }
    }
    cl_strv_deinit(&present);
}
