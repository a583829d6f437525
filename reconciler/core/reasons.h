/* SPDX-License-Identifier: Apache-2.0 */
/* reasons: every reason token that core can put into a plan, a condition or an event, with the line
 * that the documentation prints. tests/unit/test_core_table.c walks this list: each needs a test. */
#ifndef REASONS_H
#define REASONS_H

/* X(symbol, token, documentation) */
#define REASONS(X)                                                                                 \
    /* D1: why a certificate is wanted */                                                          \
    X(DOES_NOT_EXIST, "DoesNotExist", "no certificate has been issued yet")                        \
    X(MISSING_DATA, "MissingData", "a file of the archived revision is missing or empty")          \
    X(INVALID_KEY_PAIR, "InvalidKeyPair", "the archived key is damaged or not the certificate's")  \
    X(INVALID_CERTIFICATE, "InvalidCertificate", "the archived certificate cannot be parsed")      \
    X(INVALID_CHAIN, "InvalidChain", "the chain is broken or an intermediate has expired")         \
    X(INCORRECT_ISSUER, "IncorrectIssuer", "the certificate is from another issuer than wanted")   \
    X(INCORRECT_CERTIFICATE, "IncorrectCertificate", "the archive belongs to another object")      \
    X(SECRET_MISMATCH, "SecretMismatch", "algorithm or size of the key differ from the spec")      \
    X(REQUEST_CHANGED, "RequestChanged", "the spec asks for something else than was issued")       \
    X(MANUALLY_TRIGGERED, "ManuallyTriggered", "a renewal was asked for")                          \
    X(URGENT_RENEWAL, "UrgentRenewal", "the CA asks to replace the certificate at once")           \
    X(RENEWING, "Renewing", "the renewal time has come")                                           \
    X(STANDBY_IN_USE, "StandbyInUse", "the standby is in use until the first Issuer delivers")     \
    X(CHAIN_CHANGED, "ChainChanged", "another chain is preferred than when it was issued")         \
    X(NAMES_MISSING, "NamesMissing", "names that the CA refused are left out for now")             \
    X(EXPIRED, "Expired", "the certificate has expired")                                           \
    X(NOT_YET_VALID, "NotYetValid", "the certificate is not valid yet")                            \
    X(REVOKED, "Revoked", "the certificate was revoked at the CA")                                 \
    /* D2: why issuing waits */                                                                    \
    X(SUSPENDED, "Suspended", "suspended by the spec or the Configuration")                        \
    X(DELETED, "Deleted", "the spec was removed; the object ends after the grace period")          \
    X(OUTPUT_CONFLICT, "OutputConflict", "an output is claimed by another object or foreign")      \
    X(ISSUER_NOT_FOUND, "IssuerNotFound", "there is no such Issuer")                               \
    X(ISSUER_NOT_READY, "IssuerNotReady", "the Issuer is not ready")                               \
    X(UNSUPPORTED_BY_ISSUER, "UnsupportedByIssuer", "this kind of issuer cannot sign this spec")   \
    X(INVALID_PROFILE, "InvalidProfile", "the CA does not offer the profile that is asked for")    \
    X(NO_SOLVER, "NoSolver", "no solver fits one of the names")                                    \
    X(CANNOT_REGENERATE_KEY, "CannotRegenerateKey", "rotationPolicy Never and the key differs")    \
    X(KEY_COMPROMISED, "KeyCompromised", "the key to be kept was revoked for keyCompromise")       \
    X(NOT_REISSUED, "NotReissued", "revoked with --no-reissue; a renewal has to be asked for")     \
    X(BACKOFF, "Backoff", "waiting after a failure")                                               \
    X(PREFLIGHT_FAILED, "PreflightFailed", "what the CA would look at is not as it must be")       \
    X(RATE_LIMITED, "RateLimited", "the CA said not before that time")                             \
    X(STALLED, "Stalled", "no retry can help before something is changed")                         \
    X(WAITING_FOR_WINDOW, "WaitingForWindow", "renewal waits for one of spec.renewal.windows")     \
    X(WAITING_FOR_SLOT, "WaitingForSlot", "as many orders as maxOrders allows are open")           \
    X(CLOCK_UNSYNCHRONISED, "ClockUnsynchronised", "the clock is behind what is known to be past") \
    X(IN_PROGRESS, "InProgress", "an issuance is running")                                         \
    /* states */                                                                                   \
    X(READY, "Ready", "certificate is up to date and has not expired")                             \
    X(PENDING, "Pending", "not looked at yet")                                                     \
    X(ISSUED, "Issued", "a certificate was issued")                                                \
    X(ADOPTED, "Adopted", "an existing valid pair was taken over")                                 \
    X(ARCHIVE_UNREADABLE, "ArchiveUnreadable", "the disk does not let the archive be read now")    \
    X(OUTPUT_MISSING, "OutputMissing", "a declared output is not on disk yet")                     \
    X(OUTPUT_DRIFT, "OutputDrift", "outputs are overwritten by somebody again and again")          \
    /* D4, D5 */                                                                                   \
    X(NOTHING_TO_DEPLOY, "NothingToDeploy", "there are no hooks and no probes")                    \
    X(DEPLOYED, "Deployed", "all hooks succeeded")                                                 \
    X(PROBED, "Probed", "the endpoint serves the new certificate")                                 \
    X(HOOK_PENDING, "HookPending", "a hook has not run yet for this revision")                     \
    X(HOOK_FAILED, "HookFailed", "a hook failed and is retried on its own schedule")               \
    X(PROBE_MISMATCH, "ProbeMismatch", "the endpoint serves another certificate")                  \
    /* several Issuers */                                                                          \
    X(FALLBACK_ISSUER, "FallbackIssuer", "the certificate in use is from a fallback Issuer")       \
    X(FAILOVER, "Failover", "another Issuer may be asked, or the standby used")                    \
    X(PERSIST_RECORD_EXPIRING, "PersistRecordExpiring", "a record of dns-persist-01 ends soon")    \
    X(PERSIST_RECORD_EXPIRED, "PersistRecordExpired", "a record of dns-persist-01 has ended")      \
    X(PERSIST_RECORD_MISSING, "PersistRecordMissing", "an issuance waits for a DNS record")        \
    /* wake-ups */                                                                                 \
    X(EXPIRY, "Expiry", "the certificate expires")                                                 \
    X(ARI_CHECK, "ARICheck", "the CA is asked when to renew (RFC 9773)")                           \
    X(RENEWAL, "Renewal", "the renewal time comes")                                                \
    X(GRACE, "Grace", "the deletion grace period ends")                                            \
    X(SPEC_CHANGE, "SpecChange", "only a change of the spec, issuer or secrets can help")          \
    /* issuers */                                                                                  \
    X(ACME_ACCOUNT_REGISTERED, "ACMEAccountRegistered", "the ACME account is registered")          \
    X(KEY_PAIR_VERIFIED, "KeyPairVerified", "the CA's key and certificate are usable")             \
    X(IS_READY, "IsReady", "the issuer needs no preparation")                                      \
    X(ROOT_EXPIRING, "RootExpiring", "less than a third of the root's life is left")               \
    X(CLOCK_SKEW, "ClockSkew", "the clock of the CA differs from ours")                            \
    X(ISSUER_FAILED, "IssuerFailed", "a preparation step failed and is retried")

enum reason {
    REASON_NONE,
#define X(symbol, token, doc) REASON_##symbol,
    REASONS(X)
#undef X
        REASON_COUNT
};
const char *reason_token(enum reason r); /* "" for NONE */
const char *reason_doc(enum reason r);

#endif
