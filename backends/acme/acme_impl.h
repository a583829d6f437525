/* SPDX-License-Identifier: Apache-2.0 */
/* acme_impl: one ACME Issuer at work. acme_issuer.c is its life and facts, acme_steps.c prepares it,
 * acme_issue.c runs orders, acme_lane.c keeps the windows, acme_view.c shows it. */
#ifndef ACME_IMPL_H
#define ACME_IMPL_H

#include "backends/acme/acme_account.h"
#include "backends/acme/acme_fetches.h"
#include "backends/acme/acme_order.h"
#include "backends/acme/acme_transport.h"
#include "backends/acme/acme_window.h"
#include "backends/issuer.h"
#include "spec/base/cl_map.h"

struct acme_run;

struct acme {
    const struct issuer_host *host;
    const struct object *object; /* the Issuer */
    const struct acme_spec *spec;
    struct acme_transport *transport;
    struct http_trust *trust;
    /* credentials */
    enum issuer_credentials credentials;
    struct key *key; /* NULL: none yet */
    char *jwk, *thumbprint;
    char key_sha256[CL_SHA256_TEXT];
    /* directory */
    struct acme_directory directory;
    cl_time directory_at; /* 0 = none, or known to be stale */
    cl_time skew;         /* the CA's clock minus ours, whole seconds */
    /* account */
    bool has_doc, account_ok;
    bool account_lost; /* the CA has refused what is signed as it: look it up again */
    char secrets_sha256[CL_SHA256_TEXT]; /* of what the references said when they were read */
    struct cl_buf proxy_user;            /* secret; "USER:PASSWORD" */
    /* a replacement of the account key */
    struct key *next_key; /* accounts/KEY/key.next.pem; NULL = none */
    char *next_jwk;
    bool key_is_secret;    /* the key in use is from privateKeySecretRef */
    bool rolling;          /* the step runs: issuances wait */
    struct cl_list parked; /* of acme_issuance */
    unsigned active;       /* issuances and revocations that run */
    /* what somebody has asked for */
    struct cl_op *wish_op; /* NULL = nothing */
    enum issuer_wish wish;
    struct loop_task wish_task;
    struct acme_account_doc doc;
    /* state */
    struct cl_err problem; /* of the last step; kind NONE = fine */
    cl_time hold_until;
    char hold_reason[CL_ERR_REASON];
    struct acme_fetches fetches;
    struct cl_map lanes;  /* solver identity -> struct acme_lane, owned */
    struct cl_map hangs;  /* certificate key -> struct acme_hang, owned */
    struct acme_run *run; /* the step that runs */
    unsigned long issued, failed;
    struct cl_list polls; /* of renewal information, waiting */
    unsigned polls_running;
    unsigned long polled;
};

/* When an order of a certificate was last given up because it hung. */
struct acme_hang {
    cl_time at;
};

/** What the account machine needs to know. */
void acme_account_inputs(const struct acme *a, struct acme_account_params *ret);
/** Takes over directory, key and document: is the account usable? Tells the transport. */
void acme_account_refresh(struct acme *a);
/** Side effects of a failed request on the Issuer: holds, a lost account, a stale directory. May
 *  change @err. */
void acme_note_failure(struct acme *a, struct cl_err *err);

/* ---- acme_steps.c ---- */
void acme_step_start(struct acme *a, enum issuer_step step, struct cl_op *op);

/** Nothing runs any more that is signed by the old key, or the step was cancelled. */
void acme_rollover_drained(struct acme *a);

/* ---- acme_secrets.c ---- */
bool acme_secrets_differ(struct acme *a);

/* ---- acme_wish.c ---- */
int acme_wish_start(struct acme *a, enum issuer_wish wish, struct cl_op *op, struct cl_err *err);
/** A step is over: does it fulfil, or end, what was asked for? */
void acme_wish_step_ended(struct acme *a, enum issuer_step step, const struct cl_err *err);
bool acme_wishes(const struct acme *a, enum issuer_wish wish);

/* ---- acme_revoke.c ---- */
void acme_revoke_start(struct acme *a, struct revoke_op *op);

/* ---- acme_issue.c ---- */
/** Lets those go on that wait for the end of a rollover. */
void acme_issue_unpark(struct acme *a);
/** One that was counted in a->active has ended. */
void acme_inactive(struct acme *a);
struct acme_issuance;
void acme_issue_start(struct acme *a, struct issue_op *issue);
void acme_abandon_start(struct acme *a, const char *order_url, struct cl_op *op);
const struct acme_order *acme_issue_order(const struct issue_op *issue); /* NULL: not running */

/* ---- acme_ari.c ---- */
void acme_renewal_info_start(struct acme *a, struct renewal_info_op *op);
void acme_polls_go_on(struct acme *a);

/* ---- acme_lane.c: the window of one solver, and who waits for it ---- */
struct acme_lane {
    struct acme *acme;
    struct acme_window window;
    struct cl_list waiting; /* of acme_place, first come first served */
    struct loop_task pump;
};
/* A place in a window, or the wish for one. Zeroed = neither. */
struct acme_place {
    struct cl_list link;
    struct acme_lane *lane; /* NULL: not in one */
    bool taken;
    void (*admitted)(struct acme_place *p); /* called from the loop, if it had to wait */
    void *user;
};
struct acme_lane *acme_lane_get(struct acme *a, const struct solver_spec *solver);
/** True: taken at once. False: it waits. */
bool acme_lane_enter(struct acme_lane *lane, struct acme_place *p);
void acme_lane_verdict(struct acme_place *p, bool valid, uint64_t certificate);
void acme_lane_leave(struct acme_place *p); /* gives up the place or the waiting; idempotent */
void acme_lanes_deinit(struct acme *a);

/* ---- acme_view.c ---- */
json_t *acme_view_issuance(const struct acme_order *o);
json_t *acme_view_details(struct acme *a);

#endif
