/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_look: one file: may it be trusted, has it changed, what do its bytes say? */
#include "backends/rt/sys.h"
#include "reconciler/inventory_internal.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* ---- trust ---- */

bool inventory_trusted(const struct inventory *i, const char *what, const struct disk_stat *st,
                       char *why, size_t size)
{
    struct disk_fs_info fs;
    struct cl_err err = {0};
    const char *complaint = NULL;

    if ((st->mode & 022u) != 0) {
        complaint = "it can be written by group or others";
    } else if (st->uid != 0 && st->uid != sys_uid()) {
        complaint = "it belongs to neither root nor the daemon's user";
    }
    if (complaint == NULL || i->d->config->trust_spec_dir) {
        return true;
    }
    if (disk_fs_info(i->d->paths.specs, &fs, &err) == 0 && fs.read_only) {
        return true; /* as mounted ConfigMaps are */
    }
    (void)cl_format(why, size,
                    "%s is not trusted: %s; chown and chmod it, or set trustSpecDir: true", what,
                    complaint);
    return false;
}

/* ---- one file ---- */

static bool same_stamp(const struct disk_stat *a, const struct disk_stat *b)
{
    return a->type == b->type && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static void reject_text(struct inventory *i, struct file_entry *e, enum file_state state,
                        const char *text)
{
    struct spec_problems p = {0};
    e->forced = true; /* its bytes were not looked at, and count again once they may be read */
    if (e->state == state && cl_streq(e->problem, text)) {
        return; /* said already */
    }
    spec_problems_add(&p, false, 1, 1, "%s", text);
    inventory_reject(i, e, state, &p);
    spec_problems_deinit(&p);
}

/* A file that was found by a scan may still be being written: a parse error in fresh bytes waits. */
static bool retry_parse(struct file_entry *e, bool complete, cl_time now)
{
    bool fresh = now - e->stamp.mtime_ns / 1000000 < 2 * CL_SECOND;
    if (complete || !fresh || e->parse_retries >= 3) {
        e->parse_retries = 0;
        e->parse_retry_at = 0;
        return false;
    }
    e->parse_retries++;
    e->parse_retry_at = now + CL_SECOND;
    return true;
}

static void set_default_namespace(const char *file, struct object_list *l)
{
    const char *slash = strchr(file, '/');
    for (size_t k = 0; slash != NULL && k < l->len; k++) {
        struct object *o = l->items[k];
        if (o->metadata.namespace_[0] == '\0' && o->kind != SPEC_CLUSTER_ISSUER) {
            cl_free(o->metadata.namespace_);
            o->metadata.namespace_ = cl_strndup(file, (size_t)(slash - file));
            cl_free(o->key);
            o->key = cl_printf("%s_%s", o->metadata.namespace_, o->metadata.name);
        }
    }
}

static void decode(struct inventory *i, struct file_entry *e, const struct cl_buf *text,
                   bool complete)
{
    struct object_list objects = {0};
    struct spec_problems problems = {0};

    if (spec_parse(cl_buf_str(text), text->len, i->d->config, &objects, &problems) == 0) {
        e->parse_retries = 0;
        e->parse_retry_at = 0;
        set_default_namespace(e->name, &objects);
        inventory_apply(i, e, &objects);
    } else if (!i->d->once && !i->d->read_only && retry_parse(e, complete, loop_now(i->d->loop))) {
        e->forced = true;
    } else {
        inventory_reject(i, e, FILE_REJECTED, &problems);
    }
    object_list_deinit(&objects);
    spec_problems_deinit(&problems);
}

static void read_and_decode(struct inventory *i, struct file_entry *e, const char *path,
                            bool complete)
{
    struct cl_buf text;
    struct cl_err err = {0};
    char sha256[CL_SHA256_TEXT];
    char why[300];
    cl_time now = loop_now(i->d->loop);

    if (!inventory_trusted(i, path, &e->stamp, why, sizeof(why))) {
        reject_text(i, e, FILE_REJECTED, why);
        return;
    }
    if (disk_read(path, SPEC_FILE_MAX, &text, &e->stamp, &err) < 0) {
        reject_text(i, e, cl_streq(err.reason, "FileTooLarge") ? FILE_REJECTED : FILE_UNREADABLE,
                    err.text);
        return;
    }
    /* Changed within the resolution of time stamps: the next scan compares the bytes again. */
    e->racy = now - e->stamp.ctime_ns / 1000000 < 2 * CL_SECOND;
    cl_sha256_hex(text.data != NULL ? text.data : "", text.len, sha256);
    if (strcmp(sha256, e->sha256) != 0 || e->state == FILE_UNREADABLE || e->forced) {
        memcpy(e->sha256, sha256, sizeof(sha256));
        i->set_sha256[0] = '\0';
        e->forced = false;
        decode(i, e, &text, complete);
    }
    cl_buf_deinit(&text);
}

/* Without events nobody tells when a writer has closed the file: what is new is taken when two looks
 * have seen the same, else a stalled copy would order half of its names. */
static bool may_be_open(struct inventory *i, struct file_entry *e, const struct disk_stat *st,
                        bool complete)
{
    if (complete || !i->polling || !i->d->scanned || same_stamp(st, &e->stamp) ||
        same_stamp(st, &e->polled)) {
        return false;
    }
    e->polled = *st;
    e->open_since = loop_now(i->d->loop);
    return true;
}

/* @complete: the writer has closed the file, so what is in it is meant. */
void inventory_look_at(struct inventory *i, struct file_entry *e, bool complete)
{
    char *path = cl_printf("%s/%s", i->d->paths.specs, e->name);
    struct disk_stat st;
    struct cl_err err = {0};

    if (disk_stat(path, &st, &err) < 0) {
        e->seen = true; /* EIO is not absence */
        reject_text(i, e, FILE_UNREADABLE, err.text);
    } else if (st.type == DISK_NONE) {
        e->seen = false;
    } else if (st.type != DISK_FILE) {
        e->seen = true;
        e->stamp = st;
        reject_text(i, e, FILE_REJECTED,
                    "not a regular file (directory, FIFO, socket or device); it is not read");
    } else {
        e->seen = true;
        bool look = !same_stamp(&st, &e->stamp) || e->racy || e->forced || complete ||
                    e->state == FILE_UNREADABLE;
        if (look && !may_be_open(i, e, &st, complete)) {
            e->stamp = st;
            read_and_decode(i, e, path, complete);
        }
    }
    cl_free(path);
}
