/* SPDX-License-Identifier: Apache-2.0 */
/* memory: the daemon's private memory of one unit, MEMORY/KEY.json 0600, durable. Whatever cannot
 * be derived again from specs, archive and outputs. */
#ifndef MEMORY_H
#define MEMORY_H

#include "backends/rt/disk.h"
#include "backends/store/paths.h"
#include "spec/ari_state.h"
#include "spec/base/cl_err.h"
#include "spec/name_problems.h"
#include "spec/persist_proof.h"
#include "spec/spec.h"

struct memory_hold {       /* backoff after failures */
    enum cl_err_kind kind; /* NONE = no hold */
    unsigned failures;     /* in a row, of this kind */
    cl_time not_before;    /* CL_NEVER = only a change can help */
    cl_time first_failure, last_failure;
    char inputs_hash[CL_SHA256_TEXT]; /* spec + issuer + secrets at that time; a change lifts it */
    struct cl_err err;
    struct name_problems names; /* which names are to blame */
};
struct memory_issuer { /* one record for each Issuer beside the first that was asked */
    char *name;
    struct memory_hold hold;
    unsigned failures; /* that count, in the day since day_start */
    cl_time day_start;
};
struct memory_rehearsal {    /* after failed validations (rehearseWith) */
    char *issuer;            /* with whom the last one was; NULL = there was none */
    unsigned runs, failures; /* since the last certificate */
    unsigned stuck;          /* in a row, ended by something else than a failed validation */
    cl_time last, passed_at;
};
struct memory_hook { /* one record for each hook or probe of the spec, by identity */
    char *id;        /* hash of what it runs */
    long revision;   /* last revision for which it succeeded; 0 = never */
    char *outputs_hash;
    unsigned failures;
    cl_time next_try, finished_at;
    cl_time first_failure; /* of the present row of failures; 0 = none */
    int exit_code;
    long duration_ms;
    char *result;
    char *name;
};
struct memory_output { /* what we wrote, so that foreign files are recognised */
    char *directory;
    struct cl_strv files;
    char *content_hash;  /* over names, modes and bytes */
    uint64_t stamp_hash; /* stat of all files after the write */
    cl_time last_written;
    unsigned repairs; /* in the current 10 min */
    cl_time repairs_since;
};
struct memory {
    unsigned schema;
    char *uid;
    long generation;
    cl_time created, deleted_at; /* deleted_at: first scan without it; 0 = present */
    char *canonical;             /* last good object (object_to_canonical) */
    char *source_path;
    char source_sha256[CL_SHA256_TEXT];
    unsigned source_document, source_line;
    cl_time loaded_at;
    char *handled_renew_annotation; /* value of certloop/renew-requested-at already acted on */
    cl_time handled_renew_request;  /* time of the last request from the command line */
    cl_time renew_requested;        /* asked and not yet fulfilled; 0 = none */
    long failed_attempts;
    cl_time last_failure;
    char *last_order_url; /* of the attempt that hold tells of; NULL = it came to no order */
    char
        *last_authorizations; /* of that attempt: those not valid, JSON as in the status; or NULL */
    uint64_t verified_stamp;  /* revision.stamp_hash of the last load with state OK; 0 = none. For
                                archive_load_verified, also after a restart */
    struct cl_strv compromised_keys; /* SPKI SHA-256 of keys revoked for compromise: never again */
    struct memory_hold hold;         /* of spec.issuerRef; the others have theirs in issuers */
    cl_time trouble_since;           /* spec.issuerRef has failed since; 0 = not */
    unsigned trouble_attempts;
    struct memory_issuer *issuers;
    size_t n_issuers;
    struct memory_rehearsal rehearsal;
    struct persist_proofs persist; /* records of dns-persist-01 */
    struct ari_state ari;          /* renewal information of the CA */
    struct memory_hook *hooks;
    size_t n_hooks;
    struct memory_output *outputs;
    size_t n_outputs;
};
void memory_init(struct memory *m);
void memory_deinit(struct memory *m);
/** No hold any more. */
void memory_hold_clear(struct memory_hold *h);
/** 0 with *ret, 1 if there is none, -1 on error. */
int memory_load(const char *path, struct memory *ret, struct cl_err *err);
/** The record of Issuer @name, made if it is not there yet. */
struct memory_issuer *memory_issuer(struct memory *m, const char *name);
char *memory_to_json(const struct memory *m); /* owned */
int memory_from_json(const char *text, struct memory *ret, struct cl_err *err);

#endif
