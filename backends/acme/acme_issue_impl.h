/* SPDX-License-Identifier: Apache-2.0 */
/* acme_issue_impl: one running order; shared by acme_issue.c (the pump, requests, the record) and
 * acme_issue_slot.c (what surrounds one authorization: solver, window). */
#ifndef ACME_ISSUE_IMPL_H
#define ACME_ISSUE_IMPL_H

#include "backends/acme/acme_impl.h"

/* What surrounds one authorization. */
struct acme_slot {
    struct acme_issuance *issuance;
    size_t index;
    struct cl_op op;                   /* present, then cleanup */
    struct solver_challenge challenge; /* points into the order */
    struct solver_fetch fetch;
    struct persist_proof proof; /* of dns-persist-01 */
    bool watching;
    struct acme_place place;
    bool admitted_at_once; /* to be told to the machine after its step */
};
/* A request under way. */
struct asked {
    struct cl_list link;
    struct acme_issuance *issuance;
    struct acme_call call;
    size_t index;
    bool aborted;
};
struct acme_issuance {
    struct acme *a;
    struct issue_op *issue; /* NULL: abandon */
    struct cl_op *op;
    struct acme_order *order;
    char *csr;
    uint64_t certificate; /* identity for the window */
    struct cl_list asked;
    struct acme_slot *slots;
    size_t n_slots;
    struct cl_op saved;
    bool saving, gate; /* gate: we keep the next newOrder of the account back */
    bool saved_at_once;
    unsigned under_way; /* requests, solver ops, save */
    bool done;
    struct cl_list park; /* in acme.parked while a rollover runs */
    bool parked, active;
    struct loop_timer timer;
    cl_time timer_at;
    struct loop_task start, cancel;
};

/** Every event goes through here. May end and free the issuance: nothing may touch it afterwards. */
void acme_issue_feed(struct acme_issuance *i, const struct acme_event *ev);

/* ---- acme_issue_slot.c: the actions on one authorization ---- */
struct acme_slot *acme_slot(struct acme_issuance *i, size_t index);
/** Nothing is presented any more, and the next order has authorizations of its own. Idempotent. */
void acme_slots_forget(struct acme_issuance *i);
void acme_slot_present(struct acme_issuance *i, struct acme_slot *s);
void acme_slot_cleanup(struct acme_issuance *i, struct acme_slot *s);
void acme_slot_admit(struct acme_issuance *i, struct acme_slot *s);
/** The CA's verdict. */
void acme_slot_verdict(struct acme_issuance *i, struct acme_slot *s, bool ok);

#endif
