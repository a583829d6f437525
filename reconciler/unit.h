/* SPDX-License-Identifier: Apache-2.0 */
/* unit: one object under reconciliation. At rest it is a key and a summary of a few hundred bytes;
 * awake it holds spec, memory, status and archive facts, all re-read from disk when it wakes. */
#ifndef UNIT_H
#define UNIT_H

#include "backends/store/archive.h"
#include "backends/store/memory.h"
#include "backends/store/output.h"
#include "reconciler/core/admission.h"
#include "reconciler/core/issuer_plan.h"
#include "reconciler/core/plan.h"
#include "reconciler/core/workq.h"
#include "reconciler/daemon.h"
#include "spec/status.h"

struct issue_run;
struct project_run;
struct deploy_run;
struct ari_run;
struct instance;

/* What is needed of an object while it rests: for summary, metrics and outcome. */
struct unit_summary {
    unsigned char conditions[CONDITION_COUNT]; /* enum condition_status */
    cl_time ari_selected;
    unsigned char ready_reason, issuing_reason, deployed_reason, gate, trigger; /* enum reason */
    bool busy; /* the last plan named a step */
    bool has_cert;
    cl_time not_before, not_after, renewal_time, next_at, last_failure;
    long generation, failed_attempts, revision;
};

struct awake {
    struct object *object;
    struct memory memory;
    struct status status;
    struct revision rev;
    bool rev_loaded;
    char *wanted_request;
    struct output_plans plans;
    bool plans_valid;
    char plans_problem[200];
    char outputs_hash[CL_SHA256_TEXT]; /* over all plans: what hooks and probes are due for */
    bool adopt_checked, adoptable, newer_in_output;
};

struct unit {
    struct workq_item item;
    struct daemon *d;
    bool is_issuer;
    char *key;     /* file-system key */
    char *display; /* "NS/NAME", for issuers "issuer/NAME" */
    char *name, *namespace_;
    char *issuer_key; /* Certificates: the Issuer that would be used; NULL = not found */
    /* declaration */
    char *file;      /* the file that declares it, relative to the spec directory; NULL = none */
    char *rejection; /* why the bytes on disk are not in force; NULL = they are */
    char rejected_sha256[CL_SHA256_TEXT];
    cl_time absent_since; /* first scan without it; 0 = declared */
    unsigned absent_scans;
    bool ending;    /* removed for good: ends when its runs have ended */
    char *conflict; /* output claimed by another object; NULL = none */
    /* the last write of the outputs */
    char *outputs_error; /* why it failed; NULL = it did not */
    unsigned outputs_failures;
    cl_time outputs_retry_at;
    /* awake */
    struct awake *w; /* NULL at rest */
    bool memory_dirty, memory_saving, memory_again;
    struct cl_op memory_op;
    long tidied; /* the revision whose predecessors have no keys any more */
    unsigned memory_failures;
    cl_time memory_retry_at;
    /* output of the last report */
    uint64_t status_hash;
    cl_time issuance_shown; /* last write that showed order progress */
    struct unit_summary summary;
    /* Certificates: running work */
    struct issue_run *issue;
    struct project_run *project;
    struct deploy_run *deploy;
    struct ari_run *ari; /* a question about renewal */
    cl_time ari_turn;    /* its turn among many; 0 = none was given */
    struct admission_ticket ticket;
    struct instance *ticket_of; /* whose line the ticket is in */
    /* Issuers */
    struct instance *instance;
    bool reload;           /* read the credentials again */
    cl_time missing_since; /* Certificates: since when the Issuer is not found */
};

/** "c:KEY" or "i:KEY"; owned. */
char *unit_map_key(bool is_issuer, const char *key);
struct unit *unit_find(struct daemon *d, bool is_issuer, const char *key);
struct unit *unit_create(struct daemon *d, bool is_issuer, const char *key, const char *namespace_,
                         const char *name);
/** Frees it and takes it out of queue, map and claims. Nothing may run. */
void unit_destroy(struct unit *u);

/** Loads memory, object and status from disk if it rests. -1: there is no usable memory. */
int unit_wake(struct unit *u, struct cl_err *err);
/** Lets go of what can be re-read, if nothing runs and nothing is unsaved. */
void unit_rest(struct unit *u);
/** A new object (taken) from @file is in force: generation, memory, claims. False: its memory cannot
 *  be read at present, and nothing has changed; to be asked again. */
bool unit_declare(struct unit *u, struct object *take_o, const char *file,
                  const char sha256[CL_SHA256_TEXT], cl_time now);
/** The page everything hangs on: observe, plan, act, report. False: the unit has ended and is
 *  freed. */
bool unit_reconcile(struct unit *u);
/** Events and transition times from the status file; for an awake unit. */
void unit_load_status(struct unit *u);
/** Is that error of unit_wake the end of what was remembered, rather than a passing trouble? */
bool unit_is_lost(const struct cl_err *err);
/** Takes the output paths of @o that nobody has; u->conflict says which one somebody has. */
void unit_claim(struct unit *u, const struct object *o);
/** At start: takes those that @m says it has written. */
void unit_claim_written(struct unit *u, const struct object *o, const struct memory *m);
void unit_forget_conflict(struct unit *u);
/** Gives up output paths: those that @o claims, or all (NULL). */
void unit_release_claims(struct unit *u, const struct object *o);
/** u->w->rev is another one: what was worked out from it is void. */
void unit_revision_changed(struct unit *u);
/** Memory differs from what is on disk: make it durable soon. */
void unit_memory_changed(struct unit *u);
/** If it does: it becomes part of @b instead of a commit of its own, and unit_memory_joined is called
 *  with how that ended. */
bool unit_memory_join(struct unit *u, struct disk_batch *b);
void unit_memory_joined(struct unit *u, const struct cl_err *err);
bool unit_running(const struct unit *u);
/** The declaration is gone for good: cancel what runs; when nothing does, remove status and memory
 *  and destroy. True: destroyed. */
bool unit_end(struct unit *u);
/** Where and why an event happened, in status and log. */
void unit_event(struct unit *u, bool warning, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** The Issuer unit that a Certificate refers to, or NULL; refreshes u->issuer_key. */
struct unit *unit_issuer(struct unit *u);

/* issuer_unit.c */
void issuer_unit_reconcile(struct unit *u);
/** For certificates: is the issuer usable, and what does it say? */
void issuer_unit_facts(struct unit *u, struct issuer_facts *ret);
bool issuer_unit_ready(const struct unit *u);
/** The credentials behind it may have changed: they are read again. */
void issuer_unit_reload(struct unit *u);

/* An issuer instance outlives its unit's spec while issuances still run through it. */
struct instance {
    const struct issuer_ops *ops;
    struct issuer *issuer;
    struct object *object; /* owned */
    unsigned refs;
    struct admission line;
    struct cl_op step_op;
    bool step_running;
    enum issuer_step step;
    struct unit *u; /* NULL once replaced */
};
struct instance *instance_ref(struct instance *i);
void instance_unref(struct instance *i);

#endif
