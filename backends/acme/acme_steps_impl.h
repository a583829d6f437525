/* SPDX-License-Identifier: Apache-2.0 */
/* acme_steps_impl: the step of an ACME Issuer that runs; shared by acme_steps.c (directory, account)
 * and acme_credentials.c (what is read from disk). */
#ifndef ACME_STEPS_IMPL_H
#define ACME_STEPS_IMPL_H

#include "backends/acme/acme_impl.h"

#define ACME_KEY_FILE_MAX ((size_t)64 << 10)

struct acme_run {
    struct acme *a;
    struct cl_op *op;
    struct loop_task task;
    struct acme_call call; /* started if calling */
    bool calling, cancelled;
    char *url; /* directory being fetched */
    unsigned redirects;
    bool has_account;
    struct acme_account account;
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

#endif
