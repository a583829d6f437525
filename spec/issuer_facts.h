/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_facts: what an issuer backend says about itself; what reconciler/core decides from. Plain
 * data, filled by backends, read by issuer_plan and plan. */
#ifndef ISSUER_FACTS_H
#define ISSUER_FACTS_H

#include "spec/base/cl_err.h"

#include <stdbool.h>

/* The steps an Issuer can need, in order. One X-macro row each. */
#define ISSUER_STEPS(X)                                                                            \
    X(NONE, "None", "nothing to do")                                                               \
    X(LOAD_CREDENTIALS, "LoadCredentials", "read the account key or the CA's key and certificate") \
    X(DIRECTORY, "Directory", "fetch the ACME directory")                                          \
    X(ACCOUNT, "Account", "find, register or update the ACME account")                             \
    X(ROLLOVER, "Rollover", "bring a replacement of the ACME account key to its end")              \
    X(MAKE_CA, "MakeCA", "generate key and root certificate of a ca Issuer")
enum issuer_step {
#define X(symbol, name, doc) ISSUER_STEP_##symbol,
    ISSUER_STEPS(X)
#undef X
        ISSUER_STEP_COUNT
};

enum issuer_credentials {
    CREDENTIALS_UNKNOWN, /* not looked at yet, or the inputs changed */
    CREDENTIALS_MISSING, /* not there and may not be generated: see problem */
    CREDENTIALS_TO_MAKE, /* not there, will be generated (MAKE_CA; acme: part of ACCOUNT) */
    CREDENTIALS_OK
};
struct issuer_facts {
    enum issuer_credentials credentials;
    bool needs_directory;  /* acme */
    cl_time directory_at;  /* when it was fetched; 0 = never */
    bool needs_account;    /* acme */
    bool account_ok;       /* registered, and contact and key are as the spec says */
    bool rollover_due;     /* acme: a replacement of the account key was asked for or has begun */
    cl_time skew;          /* acme: the CA's clock minus ours; 0 = less than 2 s, or unknown */
    bool renewal_info;     /* the CA says when to renew (RFC 9773), and is to be asked */
    struct cl_err problem; /* kind NONE, or why the last step failed or credentials are missing */
    cl_time hold_until;    /* the whole CA waits (Busy, RateLimited); 0 = no */
    char hold_reason[CL_ERR_REASON];
    cl_time valid_from, expires; /* ca: notBefore, notAfter of the CA certificate; 0 = n/a */
    char identity[512]; /* "acme:DIRECTORY-URL" | "ca:SPKI" | "selfSigned"; "" = unknown yet */
};

#endif
