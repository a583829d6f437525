/* SPDX-License-Identifier: Apache-2.0 */
/* status: the status files, the API for people and monitoring. A Kubernetes-shaped JSON object;
 * field names follow cert-manager where the meaning is the same; fields are only added. Pure. */
#ifndef STATUS_H
#define STATUS_H

#include "spec/base/cl_err.h"
#include "spec/manifest.h"
#include "spec/name_problems.h"
#include "spec/spec.h"

#include <jansson.h>

/* Condition types: one X-macro row each: symbol, name, always present?, what it means. */
#define CONDITION_TYPES(X)                                                                     \
    X(READY, "Ready", true, "a usable pair for this generation is on disk")                    \
    X(ISSUING, "Issuing", true, "a certificate is being obtained")                             \
    X(DEPLOYED, "Deployed", true, "hooks succeeded and probes saw the new certificate")        \
    X(RECONCILING, "Reconciling", false, "a new generation is being worked on")                \
    X(STALLED, "Stalled", false, "only a change by a person can help")                         \
    X(RENEWAL_OVERDUE, "RenewalOverdue", false, "a quarter of the renewal reserve is used up") \
    X(FAILED_OVER, "FailedOver", false, "the certificate is not from the first Issuer")        \
    X(DNS_RECORD_REQUIRED, "DNSRecordRequired", false, "a record has to be published")         \
    X(AGREEMENT_REQUIRED, "AgreementRequired", false, "the CA wants a person to agree first")  \
    X(PAUSED_BY_CA, "PausedByCA", false, "the CA waits until a person ends its pause")         \
    X(RATE_LIMITED, "RateLimited", false, "the CA has named a time before which it refuses")   \
    X(CLOCK_SKEW, "ClockSkew", false, "the clocks of the CA and of this machine differ")       \
    X(SPEC_INVALID, "SpecInvalid", false, "the file on disk is rejected; the last good one is used")
enum condition_type {
#define X(symbol, name, always, doc) CONDITION_##symbol,
    CONDITION_TYPES(X)
#undef X
        CONDITION_COUNT
};
enum condition_status { STATUS_ABSENT, STATUS_TRUE, STATUS_FALSE, STATUS_UNKNOWN };

struct condition {
    enum condition_status status; /* ABSENT: not shown */
    char *reason, *message;
    cl_time last_transition;
    long observed_generation;
};
struct status_event {
    cl_time time;
    bool warning; /* type Warning instead of Normal */
    char *reason, *message;
};
#define STATUS_EVENTS 20

struct status_source { /* which bytes are in force */
    char *path;
    unsigned document, line;
    char sha256[CL_SHA256_TEXT];
    char pending_sha256[CL_SHA256_TEXT]; /* rejected bytes, "" if none */
    char spec_hash[CL_SHA256_TEXT];
    cl_time loaded_at;
};
struct status_error {
    enum cl_err_kind kind; /* NONE: no last error */
    char *reason, *type, *identifier, *detail, *order_url, *hint;
    int http_status;
    cl_time retry_after;
    struct name_problems names; /* "subproblems" */
    json_t *authorizations; /* those that failed or waited, as in issuance; owned, may be NULL */
};
struct status_output {
    char *directory;
    struct cl_strv files;
    bool in_sync;
    cl_time last_written;
};
struct status_hook {
    char *name;
    long revision;
    char *result; /* Succeeded | Failed | TimedOut | Pending */
    int exit_code;
    long duration_ms;
    cl_time finished_at;
};
struct status_probe {
    char *connect, *server_name;
    char *serial; /* served, "" if unknown */
    bool matches;
    char *message;
    cl_time checked_at;
};

/* One Certificate. For an Issuer only the members up to events and `details` are used. */
struct status {
    enum spec_kind kind;
    char *name, *namespace_, *uid;
    long generation, observed_generation;
    cl_time created, deleted; /* deleted: metadata.deletionTimestamp, 0 = none */
    struct status_source source;
    struct condition conditions[CONDITION_COUNT];
    cl_time next_reconcile, last_reconcile;
    char *next_reconcile_reason;
    struct status_event events[STATUS_EVENTS]; /* oldest first */
    size_t n_events;
    struct cl_strv warnings;
    /* Certificate */
    char *issuer_name, *issuer_kind; /* spec.issuerRef */
    char *used_issuer, *used_kind;   /* who issued the certificate; NULL = the same */
    cl_time not_before, not_after, renewal_time;
    long revision, failed_attempts;
    cl_time last_failure;
    struct status_error last_error;
    bool has_cert;
    struct cert_facts cert;
    char *profile;                /* that the CA made it by; NULL or "" = none */
    struct cl_strv missing_names; /* of the spec, which it lacks */
    struct status_output *outputs;
    size_t n_outputs;
    struct status_hook *hooks;
    size_t n_hooks;
    struct status_probe *probes;
    size_t n_probes;
    json_t *persist_records; /* persist_proofs_write; owned, may be NULL */
    json_t *issuance;        /* free-form subtree of the running issuance, NULL if none; owned */
    json_t *details;         /* "acme", "ca" ... subtree; owned, may be NULL */
};
void status_init(struct status *s);
void status_deinit(struct status *s);

/** Sets a condition; last_transition moves to @now only when the status value changes. Returns true
 *  if status, reason or message changed. Message may be NULL. */
bool status_set(struct status *s, enum condition_type type, enum condition_status value,
                const char *reason, const char *message, cl_time now);
void status_clear(struct status *s, enum condition_type type); /* becomes absent */
void status_event(struct status *s, cl_time now, bool warning, const char *reason, const char *fmt,
                  ...) __attribute__((format(printf, 5, 6)));
const char *condition_type_name(enum condition_type t);
const char *condition_status_name(enum condition_status s); /* "True", "False", "Unknown" */

/** Renders the file (pretty, stable key order, trailing newline); owned. */
char *status_to_json(const struct status *s);
int status_from_json(const char *text, struct status *ret, struct cl_err *err);

#endif
