/* SPDX-License-Identifier: Apache-2.0 */
/* acme_msg: the JSON of RFC 8555 7.1 to plain data and back. Pure. What comes from a CA is bounded
 * and checked here: sizes, URLs, statuses. All errors are BAD_RESULT. */
#ifndef ACME_MSG_H
#define ACME_MSG_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"
#include "spec/name_problems.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>

/* RFC 8555 7.1.6, over all kinds of objects. */
#define ACME_STATUSES(X)          \
    X(NONE, "")                   \
    X(PENDING, "pending")         \
    X(PROCESSING, "processing")   \
    X(READY, "ready")             \
    X(VALID, "valid")             \
    X(INVALID, "invalid")         \
    X(DEACTIVATED, "deactivated") \
    X(EXPIRED, "expired")         \
    X(REVOKED, "revoked")
enum acme_status {
#define X(symbol, name) ACME_STATUS_##symbol,
    ACME_STATUSES(X)
#undef X
        ACME_STATUS_COUNT
};
const char *acme_status_name(enum acme_status s);

#define ACME_MAX_AUTHORIZATIONS 1000u
#define ACME_MAX_CHALLENGES 32u
#define ACME_MAX_PERSIST_ISSUERS 10u
#define ACME_MAX_DETAIL 4096u

/* RFC 8555 7.1.1. Strings are owned; NULL = not there. */
struct acme_directory {
    char *new_nonce, *new_account, *new_order; /* always there */
    char *revoke_cert, *key_change, *renewal_info;
    char *terms_of_service, *website; /* to be shown only: raw text, any scheme */
    bool external_account_required;
    struct cl_strv profiles, profile_docs; /* names, and what the CA says about each */
    struct cl_strv caa_identities;
};
void acme_directory_deinit(struct acme_directory *d);
int acme_msg_directory(const char *text, size_t len, bool allow_http, struct acme_directory *ret,
                       struct cl_err *err);

/* RFC 7807 with RFC 8555 6.7. Foreign text is raw here; acme_problem cleans it. */
struct acme_problem {
    char *type;                 /* without the ACME URN prefix if it had it; "" if none */
    char *detail;               /* at most ACME_MAX_DETAIL */
    char *instance;             /* URL or NULL */
    char *identifier;           /* of the first subproblem, or NULL */
    char *subproblems;          /* "NAME: detail; NAME: detail" or NULL */
    char *subtype;              /* type of the first subproblem, or NULL */
    struct name_problems names; /* the subproblems that have an identifier; clean */
};
void acme_problem_deinit(struct acme_problem *p);
/** 0, or -1 if @text is no problem document (a load balancer's HTML, say). */
int acme_msg_problem(const char *text, size_t len, struct acme_problem *ret);

struct acme_identifier {
    char *type; /* "dns", "ip" */
    char *value;
};
/* RFC 8555 7.1.3 */
struct acme_order_msg {
    enum acme_status status;
    cl_time expires; /* 0 = not said */
    struct acme_identifier *identifiers;
    size_t n_identifiers;
    struct cl_strv authorizations;
    char *finalize;    /* always there */
    char *certificate; /* or NULL */
    char *profile;     /* draft-ietf-acme-profiles: the one it is made by, or NULL */
    bool has_error;
    struct acme_problem error;
};
void acme_order_msg_deinit(struct acme_order_msg *o);
int acme_msg_order(const char *text, size_t len, bool allow_http, struct acme_order_msg *ret,
                   struct cl_err *err);
/** Is the order for exactly the names of @spec? */
bool acme_msg_order_is_for(const struct acme_order_msg *o, const struct cert_spec *spec);

/* RFC 8555 7.1.5, 8 */
struct acme_challenge_msg {
    char *type;  /* as the CA spells it */
    char *url;   /* checked */
    char *token; /* or NULL (dns-persist-01 has none); not checked */
    /* dns-persist-01; empty and NULL if they are not as they should be */
    struct cl_strv issuers; /* 1 to 10 names */
    char *account_uri;
    enum acme_status status;
    bool has_error;
    struct acme_problem error;
};
/* RFC 8555 7.1.4 */
struct acme_authz_msg {
    enum acme_status status;
    struct acme_identifier identifier; /* without "*." */
    bool wildcard;
    cl_time expires;
    struct acme_challenge_msg *challenges; /* malformed ones are left out */
    size_t n_challenges;
};
void acme_authz_msg_deinit(struct acme_authz_msg *a);
int acme_msg_authz(const char *text, size_t len, bool allow_http, struct acme_authz_msg *ret,
                   struct cl_err *err);

/* RFC 8555 7.1.2 */
struct acme_account_msg {
    enum acme_status status;
    struct cl_strv contact;
};
void acme_account_msg_deinit(struct acme_account_msg *a);
int acme_msg_account(const char *text, size_t len, struct acme_account_msg *ret,
                     struct cl_err *err);

/* ---- requests: JSON texts, owned by the caller ---- */
#define ACME_PAYLOAD_CHALLENGE "{}"
#define ACME_PAYLOAD_DEACTIVATE "{\"status\":\"deactivated\"}"
/** The contact list for a configured e-mail address ("a@b, c@d" gives two); NULL gives none. */
void acme_msg_contacts(const char *email, struct cl_strv *ret);
char *acme_msg_new_account(const struct cl_strv *contacts, bool terms_agreed);
char *acme_msg_update_account(const struct cl_strv *contacts, bool terms_agreed);
char *acme_msg_find_account(void); /* onlyReturnExisting */
/** @payload of newAccount with externalAccountBinding @jws (JSON text). */
char *acme_msg_bind(const char *payload, const char *jws);
/** RFC 8555 7.3.5: what the new key signs. @old_jwk: JSON text. */
char *acme_msg_key_change(const char *account_url, const char *old_jwk);
/** RFC 8555 7.6. @certificate: base64url of the DER; @reason: RFC 5280 5.3.1, 0 = left out. */
char *acme_msg_revoke(const char *certificate, int reason);
/* What a newOrder may ask for beside the names; NULL and 0 = not. Borrowed. */
struct acme_wishes {
    const char *replaces; /* RFC 9773 5: certificate id */
    const char *profile;
    cl_time not_after;
};
char *acme_msg_new_order(const struct cert_spec *spec, const struct acme_wishes *w);
/** @csr: base64url of the DER. */
char *acme_msg_finalize(const char *csr);

#endif
