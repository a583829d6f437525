/* SPDX-License-Identifier: Apache-2.0 */
/* status_fields: which member of the status structs has which name in the file. Names follow
 * cert-manager where the meaning is the same; rows are only added. */
#include "spec/status_fields.h"

#include "spec/status.h"

static const struct jfield METADATA[] = {
    JFIELD(JF_WORD, status, name, "name"),
    JFIELD(JF_WORD, status, namespace_, "namespace"),
    JFIELD(JF_WORD, status, uid, "uid"),
    JFIELD(JF_LONG, status, generation, "generation"),
    JFIELD(JF_TIME, status, created, "creationTimestamp"),
    JFIELD_OPT(JF_TIME, status, deleted, "deletionTimestamp"),
};
const struct jtable STATUS_METADATA = JTABLE(METADATA, status);

static const struct jfield SOURCE[] = {
    JFIELD(JF_WORD, status_source, path, "path"),
    JFIELD(JF_UNSIGNED, status_source, document, "document"),
    JFIELD(JF_UNSIGNED, status_source, line, "line"),
    JFIELD(JF_HASH, status_source, sha256, "sha256"),
    JFIELD(JF_HASH, status_source, spec_hash, "specHash"),
    JFIELD(JF_TIME, status_source, loaded_at, "loadedAt"),
    JFIELD_OPT(JF_HASH, status_source, pending_sha256, "pendingSha256"),
};
const struct jtable STATUS_SOURCE = JTABLE(SOURCE, status_source);

static const struct jfield ISSUER_REF[] = {
    JFIELD(JF_WORD, status, issuer_name, "name"),
    JFIELD(JF_WORD, status, issuer_kind, "kind"),
};
const struct jtable STATUS_ISSUER_REF = JTABLE(ISSUER_REF, status);

static const struct jfield USED_ISSUER[] = {
    JFIELD(JF_TEXT, status, used_issuer, "name"),
    JFIELD(JF_TEXT, status, used_kind, "kind"),
};
const struct jtable STATUS_USED_ISSUER = JTABLE(USED_ISSUER, status);

static const struct jfield VALIDITY[] = {
    JFIELD(JF_TIME, status, not_before, "notBefore"),
    JFIELD(JF_TIME, status, not_after, "notAfter"),
    JFIELD(JF_TIME, status, renewal_time, "renewalTime"),
    JFIELD(JF_LONG, status, revision, "revision"),
    JFIELD(JF_LONG, status, failed_attempts, "failedIssuanceAttempts"),
    JFIELD(JF_TIME, status, last_failure, "lastFailureTime"),
};
const struct jtable STATUS_VALIDITY = JTABLE(VALIDITY, status);

static const struct jfield SCHEDULE[] = {
    JFIELD(JF_TIME, status, next_reconcile, "nextReconcileTime"),
    JFIELD(JF_WORD, status, next_reconcile_reason, "nextReconcileReason"),
    JFIELD(JF_TIME, status, last_reconcile, "lastReconcileTime"),
};
const struct jtable STATUS_SCHEDULE = JTABLE(SCHEDULE, status);

static const struct jfield CONDITION[] = {
    JFIELD(JF_WORD, condition, reason, "reason"),
    JFIELD(JF_WORD, condition, message, "message"),
    JFIELD(JF_TIME, condition, last_transition, "lastTransitionTime"),
    JFIELD(JF_LONG, condition, observed_generation, "observedGeneration"),
};
const struct jtable STATUS_CONDITION = JTABLE(CONDITION, condition);

static const struct jfield ERROR[] = {
    JFIELD_OPT(JF_WORD, status_error, reason, "reason"),
    JFIELD_OPT(JF_WORD, status_error, type, "type"),
    JFIELD_OPT(JF_INT, status_error, http_status, "status"),
    JFIELD_OPT(JF_WORD, status_error, identifier, "identifier"),
    JFIELD_OPT(JF_WORD, status_error, detail, "detail"),
    JFIELD_OPT(JF_WORD, status_error, order_url, "orderURL"),
    JFIELD_OPT(JF_WORD, status_error, hint, "hint"),
    JFIELD_OPT(JF_TIME, status_error, retry_after, "retryAfter"),
};
const struct jtable STATUS_ERROR = JTABLE(ERROR, status_error);

static const struct jfield EXTRA[] = {
    JFIELD_OPT(JF_TEXT, status, profile, "profile"),
    JFIELD_OPT(JF_STRV, status, missing_names, "missingNames"),
};
const struct jtable STATUS_EXTRA = JTABLE(EXTRA, status);

static const struct jfield OUTPUT[] = {
    JFIELD(JF_WORD, status_output, directory, "directory"),
    JFIELD(JF_STRV, status_output, files, "files"),
    JFIELD(JF_BOOL, status_output, in_sync, "inSync"),
    JFIELD(JF_TIME, status_output, last_written, "lastWritten"),
};
const struct jtable STATUS_OUTPUT = JTABLE(OUTPUT, status_output);

static const struct jfield HOOK[] = {
    JFIELD(JF_WORD, status_hook, name, "name"),
    JFIELD(JF_LONG, status_hook, revision, "revision"),
    JFIELD(JF_WORD, status_hook, result, "result"),
    JFIELD(JF_INT, status_hook, exit_code, "exitCode"),
    JFIELD(JF_LONG, status_hook, duration_ms, "durationMs"),
    JFIELD(JF_TIME, status_hook, finished_at, "finishedAt"),
};
const struct jtable STATUS_HOOK = JTABLE(HOOK, status_hook);

static const struct jfield PROBE[] = {
    JFIELD(JF_WORD, status_probe, connect, "connect"),
    JFIELD(JF_WORD, status_probe, server_name, "serverName"),
    JFIELD(JF_WORD, status_probe, serial, "serialNumber"),
    JFIELD(JF_BOOL, status_probe, matches, "matches"),
    JFIELD(JF_WORD, status_probe, message, "message"),
    JFIELD(JF_TIME, status_probe, checked_at, "checkedAt"),
};
const struct jtable STATUS_PROBE = JTABLE(PROBE, status_probe);

static const struct jfield EVENT[] = {
    JFIELD(JF_TIME, status_event, time, "time"),
    JFIELD(JF_WORD, status_event, reason, "reason"),
    JFIELD(JF_WORD, status_event, message, "message"),
};
const struct jtable STATUS_EVENT = JTABLE(EVENT, status_event);
