/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_internal: shared by inventory.c (looking) and inventory_apply.c (what follows). */
#ifndef INVENTORY_INTERNAL_H
#define INVENTORY_INTERNAL_H

#include "reconciler/inventory.h"
#include "reconciler/unit.h"

#define OPEN_QUIET (10 * CL_SECOND)   /* written but not closed: left alone this long */
#define DELETE_GRACE (10 * CL_SECOND) /* and two scans */
#define MASS_GRACE (5 * CL_MINUTE)    /* and three scans, if most objects go at once */

struct inventory {
    struct daemon *d;
    struct cl_map files; /* name -> struct file_entry */
    struct cl_strv ignored;
    struct loop_timer rescan_timer, look_timer;
    cl_time last_scan;
    char *unavailable;
    bool prune_confirmed, prune_held;
    size_t pending_deletions;
    uint64_t dev;        /* the file system of the spec directory at the last scan; 0 = none yet */
    bool other_fs;       /* it has changed: what is missing may be below a mount, or unmounted */
    bool empty;          /* no spec file at all in the last scan */
    bool polling;        /* no events tell when a file is closed */
    bool look_again;     /* a duplicate may be none any more */
    struct cl_strv subs; /* subdirectories that are watched (recursive) */
    char set_sha256[CL_SHA256_TEXT]; /* of all files in force; "" = a file has changed since */
};

/** Scans at @when if none comes earlier. */
void inventory_scan_at(struct inventory *i, cl_time when);
struct file_entry *inventory_entry(struct inventory *i, const char *name);
void inventory_forget(struct inventory *i, struct file_entry *e);

/** Compares @e with the disk and takes what is new. @complete: the writer has closed the file, so
 *  what is in it is meant. Sets e->seen. */
void inventory_look_at(struct inventory *i, struct file_entry *e, bool complete);
/** Owner and mode of a file or directory are such that only root and we can have written it. */
bool inventory_trusted(const struct inventory *i, const char *what, const struct disk_stat *st,
                       char *why, size_t size);

/** The bytes of @e parse: its objects come into force, or the file is rejected as duplicate. */
void inventory_apply(struct inventory *i, struct file_entry *e, struct object_list *objects);
/** The bytes of @e are not taken; its last good objects stay. */
void inventory_reject(struct inventory *i, struct file_entry *e, enum file_state state,
                      const struct spec_problems *problems);
/** Objects of @e that it no longer declares (all, if the file is gone) are marked absent. */
void inventory_mark_absent(struct inventory *i, const char *file, const struct object_list *still);
/** Ends what has been absent long enough; counts a scan. Returns when to scan next for it. */
cl_time inventory_collect(struct inventory *i, cl_time now);

#endif
