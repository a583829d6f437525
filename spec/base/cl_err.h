/* SPDX-License-Identifier: Apache-2.0 */
/* cl_err: an error as a value. Kind says what the caller should do, reason is a stable token for
 * status and tests, text is for people and never holds secrets. No allocation. */
#ifndef CL_ERR_H
#define CL_ERR_H

#include "spec/base/cl_time.h"

/* The classes that backoff, status and ledger switch on. */
enum cl_err_kind {
    CL_ERR_NONE,
    CL_ERR_TRANSIENT,    /* network, 5xx, lost order: the same thing may work soon */
    CL_ERR_BUSY,         /* 503 with Retry-After: the whole issuer waits */
    CL_ERR_RATE_LIMITED, /* 429: never an attempt; retry_at is a lower bound */
    CL_ERR_VALIDATION,   /* the CA could not validate a challenge */
    CL_ERR_LOCAL,        /* something on this side: solver, self-check, disk */
    CL_ERR_PERMANENT,    /* only a change by a person (spec, issuer, secret) can help */
    CL_ERR_BAD_RESULT,   /* the CA answered with something that must not be installed */
    CL_ERR_SPEC,         /* the file is wrong */
    CL_ERR_CANCELLED,    /* we stopped it ourselves */
    CL_ERR_INTERNAL,     /* a bug */
    CL_ERR_KINDS
};

#define CL_ERR_REASON 48
#define CL_ERR_TEXT 512

struct cl_err {
    enum cl_err_kind kind;
    cl_time retry_at;           /* lower bound for the next try; 0 = none given */
    int http_status;            /* of the answer that caused it; 0 = none */
    char reason[CL_ERR_REASON]; /* CamelCase token */
    char text[CL_ERR_TEXT];     /* for people; foreign text in it has been cleaned */
    char type[80];              /* ACME problem type URN (RFC 8555 6.7), "" if none */
    char identifier[256];       /* the name it is about, "" if none */
    char url[256];              /* where a person can do something about it, "" if none */
};

/** "Transient", "Busy", ... as in the status file. */
const char *cl_err_kind_name(enum cl_err_kind kind);
/** Inverse of cl_err_kind_name; CL_ERR_NONE if unknown. */
enum cl_err_kind cl_err_kind_from_name(const char *name);

/** Fills @err (may be NULL) and returns -1, so that callers can "return cl_fail(...)". */
int cl_fail(struct cl_err *err, enum cl_err_kind kind, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** Puts "CONTEXT: " before err->text. No-op if @err is NULL. */
void cl_wrap(struct cl_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** cl_fail with CL_ERR_LOCAL and ": strerror(errnum)" appended. */
int cl_fail_errno(struct cl_err *err, int errnum, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
