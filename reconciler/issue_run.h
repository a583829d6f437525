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
};

/** Takes over the record of an interrupted issuance, if it still answers what is wanted from the
 *  same issuer; otherwise gives its order up. True: r->pending and r->key are set. */
bool issue_take_pending(struct issue_run *r);
void issue_new_pending(struct issue_run *r, const struct plan *p);
/** Removes the record: its order is of no use to anybody any more. */
void issue_drop_pending(struct issue_run *r);
/** Gives the order of a record up at the CA, if it has one of this issuer (best effort). */
void issue_abandon(struct issue_run *r, const struct pending *p);
/** Commits r->manifest with key and chain as the new revision; ends in act_issue.c. */
void issue_archive(struct issue_run *r, const char *fullchain_pem, const char *ca_pem);
void issue_fail(struct issue_run *r, const struct cl_err *err);
/** The names that were not proved go into the memory: the status shows them as long as the failure. */
void issue_keep_authorizations(struct issue_run *r);
/** The identity of the issuer at this moment, owned. */
char *issue_identity(const struct issue_run *r);

#endif
