/* SPDX-License-Identifier: Apache-2.0 */
/* facts: everything plan_next may know about one Certificate. Plain data; pointers are borrowed
 * from the observer for the pass. */
#ifndef FACTS_H
#define FACTS_H

#include "spec/issuer_facts.h"
#include "spec/manifest.h"
#include "spec/persist_proof.h"
#include "spec/spec.h"

struct hold_view {         /* what a failure left behind (backoff.h) */
    enum cl_err_kind kind; /* NONE = no hold */
    unsigned failures;
    cl_time not_before;   /* CL_NEVER = only a change can help */
    cl_time last_failure; /* a renewal asked for after it lifts the hold, too */
    bool inputs_changed;  /* spec, issuer or secrets differ from those that failed: lifts it */
    const char *reason, *message; /* of the error */
};
enum outputs_state { OUTPUTS_NONE, OUTPUTS_OK, OUTPUTS_WRITE, OUTPUTS_BLOCKED };
struct facts {
    /* archive */
    enum revision_state revision_state;
    const char *revision_detail;     /* names the file; "" if fine */
    const struct manifest *manifest; /* NULL unless readable */
    const char *uid;                 /* this object's */
    const char *wanted_request;      /* cert_request_json of the spec */
    bool adoptable;                  /* an existing valid pair for these names lies in an output */
    bool newer_in_output;            /* ... with a later notBefore than the archive's */
    /* acme: what would be asked for now; NULL = not known, because there is no such Issuer at present */
    const char *wanted_profile; /* "" = none */
    const char *wanted_chain;   /* chain_preference_text; "" = none */
    /* wishes */
    cl_time renew_requested; /* when it was asked, by our clock, and is unfulfilled; 0 = none */
    cl_time ari_selected;    /* RFC 9773 instant, 0 = none */
    cl_time ari_window_end;
    bool ari_urgent;             /* the window was over when it was first seen */
    const char *ari_explanation; /* URL, "" if none */
    cl_time ari_renewed_at;      /* last renewal that ARI asked for; 0 = never */
    cl_time ari_poll_at;         /* when the CA is asked next; 0 = it is not */
    bool ari_polling;            /* it is being asked */
    const char *replaces; /* certificate id that an order would name as replaced; NULL = none */
    cl_time window_opens; /* renewal windows: the next opening; 0 = one is open, or none is given */
    /* gates */
    enum suspend_mode suspend;     /* Configuration */
    cl_time deleted_at, grace_end; /* 0 = present */
    const char *conflict;          /* output claimed by another or foreign: message; NULL = none */
    bool issuer_exists;
    cl_time issuer_missing_since; /* 0 = it exists, or was not missed yet */
    enum issuer_type issuer_type;
    bool issuer_ready;
    const char *issuer_message;  /* why not; "" if ready */
    const char *issuer_identity; /* of the one that issued what is archived, if the spec still names
                                    it, else of the one that would be asked; "" = unknown */
    /* several Issuers (failover.h); all zero if the spec names one */
    const char *issuer_name;   /* who would be asked; NULL = spec.issuerRef */
    const char *issuer_choice; /* why that one, if it is not spec.issuerRef; NULL or "" = it is */
    cl_time issuer_choice_at;  /* the choice may be another one then; 0 = not by time alone */
    cl_time trouble_since;     /* since when spec.issuerRef has not given what is wanted; 0 = not */
    bool standby_ready;        /* a standby that answers the spec lies in its archive */
    cl_time standby_not_after;
    cl_time issuer_hold_until; /* CA-wide Busy or RateLimited; 0 = none */
    const char *issuer_hold_reason;
    const char *issuer_problem;  /* what this issuer type cannot do for the spec; NULL = fine */
    const char *profile_problem; /* the CA has no such profile: message; NULL = fine */
    const char *no_solver;       /* name without a solver; NULL = all have one */
    struct hold_view hold;
    cl_time ledger_until; /* the CA's limits: its turn; 0 = nothing holds it */
    const char *ledger_message;
    bool slot_free;        /* admission: may an order be opened now? (true if it has one) */
    cl_time slot_forecast; /* when not: best guess, or CL_NEVER */
    cl_time clock_floor;   /* now must not be before this (build date, last persisted time) */
    /* records of dns-persist-01 */
    const struct persist_proof *persist;
    size_t n_persist;
    bool persist_looking; /* one is being looked at */
    /* running */
    bool key_compromised; /* the archived key was revoked for keyCompromise */
    bool issuing;         /* an issue op runs */
    bool issuing_stale;   /* ... for inputs that are no longer wanted */
    bool deploying;       /* a project or deploy op runs */
    /* outputs */
    enum outputs_state outputs;
    const char *outputs_detail;
    /* Every declared output was written at least once, from this revision or from an earlier one
     * that answered the same request: a renewal does not make it false, a new output does. */
    bool outputs_written_once;
    bool outputs_drifting;    /* more than 5 repairs in 10 min: repairs pause */
    cl_time outputs_retry_at; /* after a failed write, or when repairs go on; 0 = now */
    /* deploy */
    unsigned hooks_total, hooks_pending, hooks_failed; /* pending: due or waiting for next_try */
    cl_time hooks_next;                                /* earliest next_try of the pending ones */
    const char *hooks_message;                         /* of the first failed one */
    unsigned probes_total, probes_pending, probes_mismatch;
    cl_time probes_next;
    const char *probes_message;
};

#endif
