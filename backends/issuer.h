/* SPDX-License-Identifier: Apache-2.0 */
/* issuer: the vtable of everything that can sign a certificate request.
 *
 * An issuer instance lives as long as its spec (a changed spec makes a new instance). The reconciler
 * asks for its facts, lets issuer_plan choose one step, and runs it; once it is ready, certificates
 * are issued through it, many at a time. An instance decides nothing about *when* to retry beyond
 * minutes: failures go up as cl_err. */
#ifndef ISSUER_H
#define ISSUER_H

#include "backends/crypto/cert.h"
#include "backends/net/http.h"
#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "backends/solvers/solvers.h"
#include "backends/store/paths.h"
#include "spec/ari_state.h"
#include "spec/issuer_facts.h"
#include "spec/name_problems.h"
#include "spec/spec.h"

#include <jansson.h>

/* What every instance may use. Owned by the daemon, outlives all instances. */
struct issuer_host {
    struct loop *loop;
    struct http *http;
    struct solvers *solvers;
    const struct paths *paths;
    const struct config *config;
    void *user;
    /* The facts of the issuer changed by themselves (hold ended, account vanished): look again. */
    void (*changed)(void *user, const char *issuer_key);
    /* An archived pair of the Certificate with that secretName: 0 with PEMs (owned), 1 none yet. */
    int (*find_secret_pair)(void *user, const char *namespace_, const char *secret_name,
                            char **ret_chain_pem, struct cl_buf *ret_key_pem);
};

/* One issuance. Inputs are set by the caller and stay valid until done. */
struct issue_op {
    struct cl_op op;
    const struct object *object; /* the Certificate */
    const char *key_name;        /* its file-system key, for logs and solver journals */
    const struct key *key;
    const unsigned char *csr;
    size_t csr_len;
    const char *order_url; /* resume this order; NULL = a new one */
    const char *replaces;  /* ARI certificate id (RFC 9773 5) or NULL */
    /* acme: only download this certificate again, because another of its chains is wanted; NULL = order
     * one. What the CA answers then is the archived certificate, for @key. */
    const char *certificate_url;
    const char
        *replaces_account; /* URL of the account that ordered it: sent only if it is this one */
    /* acme: called when the CA has answered newOrder. The caller makes it durable and ends @saved;
     * until then no further newOrder of the account is sent, and no challenge of this one. */
    void (*save_order)(struct issue_op *issue, const char *order_url, const char *account_url,
                       struct cl_op *saved);
    /* results, valid in done */
    char *fullchain_pem; /* leaf first; not checked yet: the caller runs cert_guard */
    char *ca_pem;        /* the root if the issuer knows it, else NULL */
    char *used_order_url, *used_account_url; /* acme, else NULL */
    struct persist_proofs proofs;            /* records that stay and that were used */
    char *used_certificate_url;              /* the same: where it can be downloaded again */
    struct name_problems names;              /* acme: which names are to blame; also with an err */
    struct cl_strv warnings;                 /* acme: for people */
    cl_time skew;        /* acme: the CA's clock minus ours, as far as it is known; else 0 */
    json_t *failed_view; /* after a failure: what view() had said last; a reference or NULL */
    void *impl;
};

/* One revocation (RFC 8555 7.6). */
struct revoke_op {
    struct cl_op op;         /* err "AlreadyRevoked" does not happen: that is success */
    const char *certificate; /* PEM, leaf first */
    const struct key *key;   /* sign with the certificate's key; NULL = with the account's */
    int reason;              /* RFC 5280 5.3.1; 0 = none given */
    bool already;            /* result: the CA had revoked it before */
    void *impl;
};
/* What can be asked of an issuer's account. */
#define ISSUER_WISHES(X)                                                \
    X(UPDATE, "update", "tell the CA the contacts of the spec again")   \
    X(ROLLOVER, "rollover", "replace the account key (RFC 8555 7.3.5)") \
    X(DEACTIVATE, "deactivate", "end the account at the CA, for good (RFC 8555 7.3.6)")
enum issuer_wish {
#define X(symbol, name, doc) ISSUER_WISH_##symbol,
    ISSUER_WISHES(X)
#undef X
        ISSUER_WISH_COUNT
};
/* One question about renewal (RFC 9773 4). A failure holds nothing up; kind CANCELLED, TRANSIENT ...;
 * http_status tells whether the CA itself refused. */
struct renewal_info_op {
    struct cl_op op;
    const char *cert_id;      /* borrowed until done */
    struct ari_answer answer; /* result, valid in done if err is NULL */
};

struct issuer; /* opaque to the reconciler; each backend has its own */

struct issuer_ops {
    const char *name; /* "acme" "ca" "selfSigned" */
    enum issuer_type type;
    struct issuer *(*create)(const struct issuer_host *host, const struct object *object);
    void (*destroy)(struct issuer *i); /* running ops have been cancelled and are done */
    void (*facts)(struct issuer *i, cl_time now, struct issuer_facts *ret);
    void (*step)(struct issuer *i, enum issuer_step step, struct cl_op *op);
    void (*issue)(struct issuer *i, struct issue_op *op);
    /* The "issuance" subtree for the status (order, authorizations); new reference. May be NULL. */
    json_t *(*view)(struct issuer *i, const struct issue_op *op);
    /* May be NULL. Only if the facts say renewal_info. */
    void (*renewal_info)(struct issuer *i, struct renewal_info_op *op);
    /* Gives up an order that nobody wants any more: deactivates its pending authorizations. */
    void (*abandon)(struct issuer *i, const char *order_url, struct cl_op *op); /* may be NULL */
    /* What the issuer will not do for that Certificate, before anything is asked of it: -1 with err
     * (reason, text), 0 = nothing is known against it. May be NULL. */
    int (*refuses)(struct issuer *i, const struct object *certificate, struct cl_err *err);
    /* Both may be NULL. wish(): 0, or -1 with why it is refused; @op ends when it is fulfilled or
     * has failed. Not while another wish of that issuer runs. */
    void (*revoke)(struct issuer *i, struct revoke_op *op);
    int (*wish)(struct issuer *i, enum issuer_wish wish, struct cl_op *op, struct cl_err *err);
    /* Do the secrets on disk differ from those that the last step has read? May be NULL. */
    bool (*secrets_changed)(struct issuer *i);
    /* The subtree for the Issuer's status ("acme": {...}); new reference. */
    json_t *(*details)(struct issuer *i);
};

/* All kinds; one line in issuers.c each. NULL-terminated. */
const struct issuer_ops *const *issuer_kinds(void);
const struct issuer_ops *issuer_kind(enum issuer_type type); /* NULL if unknown */

#endif
