/* SPDX-License-Identifier: Apache-2.0 */
/* output: projections of the archive: LIVE/NAME and spec.outputs[]. Compares and rewrites; never
 * over a file that certloop did not create. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "backends/rt/disk.h"
#include "backends/store/archive.h"
#include "backends/store/memory.h"
#include "spec/spec.h"

/* One directory that should hold files made from a revision, all names resolved. */
struct output_plan {
    char *directory;
    bool live;           /* below LIVE: certloop's own */
    bool symlink_layout; /* ..data swap; else one rename for each file */
    struct output_plan_file {
        char *name;
        struct cl_buf content; /* secret */
        unsigned mode;
    } * files;
    size_t n_files;
    char *owner, *group;
    bool take_over;
    char *leaf_pem; /* the certificate that it is all about */
    char content_hash[CL_SHA256_TEXT];
};
struct output_plans {
    struct output_plan *items;
    size_t len;
};
void output_plans_deinit(struct output_plans *p);
/** Resolves all outputs of @spec for @rev: default LIVE/KEY (or LIVE/SECRETNAME with tls.crt,
 *  tls.key, ca.crt) and each outputs[] entry. */
int output_resolve(const struct paths *p, const struct config *config, const struct object *o,
                   const struct revision *rev, struct output_plans *ret, struct cl_err *err);

/** The directories and files that @spec will own, without a revision: "DIR/FILE" strings. */
void output_claims(const struct paths *p, const struct object *o, struct cl_strv *ret);

enum output_verdict {
    OUTPUT_IN_SYNC,
    OUTPUT_MISSING, /* not there, or not all */
    OUTPUT_DIFFERS, /* content, owner or mode */
    OUTPUT_FOREIGN  /* something is there that we did not create: OutputConflict/ForeignFile */
};
/** Compares with the disk; @rec (may be NULL) is what memory has. detail names the file. */
enum output_verdict output_check(const struct output_plan *plan, const struct memory_output *rec,
                                 char detail[200]);
/** stat hash of the files listed in @rec; equal to rec->stamp_hash = nothing touched. */
uint64_t output_stamp(const struct memory_output *rec);
/** Appends the writes to @b. Directories are created 0755 (0750 if outside LIVE). */
int output_put(const struct paths *p, const struct output_plan *plan, struct disk_batch *b,
               struct cl_err *err);
/** Removes what we wrote (deletionPolicy Delete). */
void output_remove(const struct memory_output *rec, struct disk_batch *b);
/** A usable pair in the output (or its twin) for the wanted names, for adoption: 0 with PEMs
 *  (owned), 1 none. */
int output_find_pair(const struct paths *p, const struct object *o, char **ret_chain_pem,
                     struct cl_buf *ret_key_pem, struct cl_err *err);

#endif
