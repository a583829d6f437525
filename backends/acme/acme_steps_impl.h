/* SPDX-License-Identifier: Apache-2.0 */
/* acme_steps_impl: the step of an ACME Issuer that runs; shared by the files of the
 * steps and acme_credentials.c and acme_secrets.c (what is read from disk). */
#ifndef ACME_STEPS_IMPL_H
#define ACME_STEPS_IMPL_H

#include "backends/acme/acme_impl.h"
#include "backends/acme/acme_rollover.h"

#define ACME_KEY_FILE_MAX ((size_t)64 << 10)

struct acme_run {
    struct acme *a;
    enum issuer_step step;
    struct cl_op *op;
    struct loop_task task;
    struct acme_call call; /* started if calling */
    bool calling, cancelled;
    bool draining; /* ROLLOVER: until the issuances that run have ended */
    char *url;     /* directory being fetched */
    unsigned redirects;
    bool has_account;
    struct acme_account account;
    struct acme_rollover rollover;
    struct key_op keygen;
    struct key *key; /* made, not durable yet */
    struct cl_op commit;
};

/** Ends the step; frees @r. @err may be NULL. */
void acme_run_end(struct acme_run *r, const struct cl_err *err);
/** Has the step been cancelled meanwhile? Then it ends here, and @r is gone. */
bool acme_run_was_cancelled(struct acme_run *r);

/* ---- acme_credentials.c ---- */
/** The step LOAD_CREDENTIALS. */
void acme_load_credentials(struct loop_task *task);
/** Signs with @take_key from now on. */
int acme_set_key(struct acme *a, struct key *take_key, struct cl_err *err);

/* ---- acme_step_account.c ---- */
void acme_run_account(struct loop_task *task);
/** Starts a new account key as the spec wants it; r->keygen.op.done is set. */
void acme_make_key(struct acme_run *r);
/** accounts/KEY/NAME of the Issuer; owned. */
char *acme_account_path(const struct acme *a, const char *name);

/* ---- acme_step_rollover.c ---- */
#define ACME_NEXT_KEY "key.next.pem"
void acme_run_rollover(struct loop_task *task);

/* ---- acme_secrets.c ---- */
/** What the spec's secret references say now: proxy password, digest of all. */
int acme_load_secrets(struct acme *a, struct cl_err *err);
/** Adds the external account binding to the payload of newAccount; owned. */
int acme_bind(struct acme *a, const char *payload, char **ret, struct cl_err *err);
/** Is there a certificate in it, and is all of it readable? */
int acme_bundle_check(const char *pem, struct cl_err *err);
/** The key that a rollover has left behind, if any. */
int acme_load_next_key(struct acme *a, struct cl_err *err);

#endif
