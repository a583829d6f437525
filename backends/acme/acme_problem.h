/* SPDX-License-Identifier: Apache-2.0 */
/* acme_problem: what an error of the CA means: problem type (RFC 8555 6.7), HTTP status, Retry-After
 * and detail to a class. One table; pure. */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H

#include "backends/acme/acme_msg.h"
#include "spec/base/cl_err.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a problem type appears decides what it means: as the answer to a request, or as the error
 * of a challenge, authorization or order. */
struct acme_problem_row {
    const char *type;         /* without the URN prefix */
    enum cl_err_kind request; /* as the answer to a request */
    enum cl_err_kind verdict; /* as the error of a challenge or order */
    const char *reason;       /* for status and conditions */
};
/** All rows, for tests and documentation. */
const struct acme_problem_row *acme_problem_rows(size_t *ret_count);

/* An answer that is not a 2xx. Borrowed. */
struct acme_failure {
    long status;
    const char *retry_after; /* header or NULL */
    const char *terms_link;  /* Link rel="terms-of-service" or NULL */
    const char *body;
    size_t len;
};
/**
 * Fills @ret. retry_at is never shortened but to 24 h from @now; the later one of Retry-After and a
 * "retry after TIME" in the detail. Reasons that matter to people: "PausedByCA" and
 * "AgreementRequired" (both PERMANENT, with err->url).
 */
void acme_problem_to_err(const struct acme_failure *f, cl_time now, struct cl_err *ret);
/** The same for the error of a challenge or an order, which is about @identifier (may be NULL). */
void acme_problem_verdict(const struct acme_problem *p, const char *identifier, struct cl_err *ret);

/** Is @e of that problem type ("badNonce")? */
bool acme_problem_is(const struct cl_err *e, const char *type);
/** Which of the CA's limits a text speaks of: "exactSet" "registeredDomain" "authorizationFailures"
 *  "newOrders" "newAccounts", or "". */
const char *acme_problem_limit(const char *text);
/** Does this error concern every order at that CA (Busy, a limit of the account), not only the
 *  names of one certificate? */
bool acme_problem_holds_issuer(const struct cl_err *e);
/** Retry-After as an absolute time: at least 1 s ahead, at most 24 h; 0 if absent or unreadable. */
cl_time acme_retry_after(const char *header, cl_time now);

#endif
