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
    bool has_doc, account_ok, account_lost;
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

/* ---- acme_issue.c ---- */
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
