/* SPDX-License-Identifier: Apache-2.0 */
/* issue_run: one running issuance; shared by act_issue.c (the way), act_pending.c (its record on
 * disk) and act_adopt.c (the way without a CA). */
#ifndef ISSUE_RUN_H
#define ISSUE_RUN_H

#include "reconciler/act.h"

struct issue_run {
    struct unit *u;
    struct issue_op issue;
    struct instance *instance; /* a reference */
    struct object *kept;       /* owned: the unit's object, once it was replaced */
    bool rehearsal;            /* its certificate is thrown away */
    char *store_key;           /* where pending is kept; owned */
    struct object *reduced;    /* owned: the same without pending.missing; NULL = all names */
    unsigned reductions;
    char *certificate_url; /* owned: what is only downloaded again; NULL = an order is made */
    struct pending pending;
    bool pending_on_disk;
    bool saves; /* the memory goes with the first commit, which is still to come */
    struct key *key;
    struct key_op key_op;
    struct cl_op commit;
    bool with_memory;    /* ... and is part of the one that runs */
    struct cl_op *saved; /* the issuer's, ended when the order is durable */
    struct manifest *manifest;
    struct cert_facts cert;
    cl_time started;
    cl_time show_at; /* the status tells of it at this time again, or not before it at all */
    bool unshown;    /* there is something that no status has told */
    char inputs_hash[CL_SHA256_TEXT];
    bool by_ari; /* the CA asked for it */
    bool cancelled;
    struct issue_preflight *preflight; /* runs */
    bool preflight_done;
    bool scarce; /* the order costs a token that is not soon there again */
};

/** Takes over the record of an interrupted issuance, if it still answers what is wanted from the
 *  same issuer; otherwise gives its order up. True: r->pending and r->key are set. */
bool issue_take_pending(struct issue_run *r);
void issue_new_pending(struct issue_run *r, const struct plan *p);
/** Removes the record: its order is of no use to anybody any more. */
void issue_drop_pending(struct issue_run *r);
/** Adds to @b: no Issuer's record is left; what is ordered elsewhere is given up (best effort). */
void issue_drop_all(struct issue_run *r, struct disk_batch *b);
/** Gives the order of a record up at the CA, if it has one of this issuer (best effort). */
void issue_abandon(struct issue_run *r, const struct pending *p);
/** Commits r->manifest with key and chain as the new revision; ends in act_issue.c. */
void issue_archive(struct issue_run *r, const char *fullchain_pem, const char *ca_pem);
void issue_fail(struct issue_run *r, const struct cl_err *err);
/** issue_memory.c: the end of a run in the memory of its unit, and in its events. */
void issue_remember_failure(struct issue_run *r, const struct cl_err *err, cl_time now);
void issue_remember_success(struct issue_run *r);
/** What is asked for now: the unit's object, or with fewer names. */
const struct object *issue_wanted(const struct issue_run *r);
/** Goes on with a new key, or the archived one if the spec keeps it. */
void issue_make_key(struct issue_run *r);
/** Frees the results of the issuer, so that it can be asked once more. */
void issue_results_deinit(struct issue_run *r);

/* ---- act_again.c: the same certificate with another chain, or one with fewer names ---- */
/** The profile that is wanted at present; NULL = none. */
const char *issue_profile(const struct issue_run *r);
void issue_manifest_acme(const struct issue_run *r, struct manifest *m);
/** Can the current certificate be downloaded again? Then the record is filled from the archive. */
bool issue_take_archived(struct issue_run *r);
/** True: it could not be downloaded again, and a new one is on its way. */
bool issue_anew(struct issue_run *r, const struct cl_err *err);
/** allowSubsetOfNames. True: @err is remembered, and a certificate for the other names is on its way. */
bool issue_without_names(struct issue_run *r, const struct cl_err *err);

/** The names that were not proved go into the memory: the status shows them as long as the failure. */
void issue_keep_authorizations(struct issue_run *r);
/** The identity of the issuer at this moment, owned. */
char *issue_identity(const struct issue_run *r);

#endif
