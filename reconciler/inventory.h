/* SPDX-License-Identifier: Apache-2.0 */
/* inventory: the watched directory -> declared objects. Level-driven: events are hints, a scan
 * compares stat and SHA-256. A bad file never disturbs the last good objects (D0). */
#ifndef INVENTORY_H
#define INVENTORY_H

#include "backends/rt/disk.h"
#include "backends/rt/watch.h"
#include "reconciler/daemon.h"
#include "spec/spec_parse.h"

enum file_state { FILE_NEW, FILE_IN_FORCE, FILE_REJECTED, FILE_UNREADABLE };
struct file_entry {
    char *name; /* relative to the spec directory */
    struct disk_stat stamp;
    struct disk_stat polled;     /* without events: what the look before saw */
    char sha256[CL_SHA256_TEXT]; /* of the bytes last looked at */
    enum file_state state;
    char *problem;      /* first problem, for people; NULL if in force */
    bool racy;          /* changed within 2 s of the look: hash again at the next scan */
    cl_time open_since; /* seen written but not closed; 0 = closed */
    cl_time parse_retry_at;
    unsigned parse_retries;
    bool seen;       /* in the current scan */
    bool duplicate;  /* rejected because another file declares one of its objects */
    bool forced;     /* decode again even if the bytes are the same */
    size_t declared; /* objects of it that are in force */
    cl_time loaded_at;
};

struct inventory *inventory_create(struct daemon *d);
void inventory_destroy(struct inventory *i);
/** Units from memory/, so that a broken or unreadable file keeps its last good objects. */
void inventory_recall(struct inventory *i);
/** May specs be taken from the directory at all? -1: others can write there. A missing directory is
 *  fine: it may come. */
int inventory_check_directory(const struct inventory *i, struct cl_err *err);
/** Full scan: new, changed and missing files. */
void inventory_scan(struct inventory *i);
/** Looks at one entry only (an event named it). */
void inventory_look(struct inventory *i, const char *name, enum watch_hint hint);
/** The Configuration changed: decode everything again. */
void inventory_reparse(struct inventory *i);
/** `prune --yes`: held deletions go ahead. */
void inventory_confirm_prune(struct inventory *i);

struct inventory_info {
    size_t files, rejected, ignored;
    cl_time last_scan;
    char *unavailable; /* why the directory cannot be read; NULL = fine; borrowed */
    bool prune_held;   /* mass-delete guard */
    size_t pending_deletions;
};
void inventory_info(const struct inventory *i, struct inventory_info *ret);
/** Nothing is removed at present: too much is gone at once, or the directory cannot be read. */
bool inventory_holds(const struct inventory *i);
/** Has an object lost its file within the last seconds? */
bool inventory_any_absent(const struct inventory *i);
/** Iterates over files, sorted by nothing in particular; *pos starts at 0. */
const struct file_entry *inventory_next(const struct inventory *i, size_t *pos);
const struct cl_strv *inventory_ignored(const struct inventory *i);
/** SHA-256 over (path, sha256) of all files in force: proof for GitOps. Computed when it is asked for
 *  after a change. Valid until the next change. */
const char *inventory_set_sha256(struct inventory *i);

/** Is this a file name that is parsed? (.yaml .yml .json, no leading . or #, no ~) Pure. */
bool inventory_name_ok(const char *name);

#endif
