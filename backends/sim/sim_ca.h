/* SPDX-License-Identifier: Apache-2.0 */
/* sim_ca (private to backends/sim): a model of an RFC 8555 server, at https://HOST/. It keeps to the
 * protocol and, in windows of time, does what real ones do on bad days. */
#ifndef SIM_CA_H
#define SIM_CA_H

#include "backends/sim/sim_http.h"

#include <jansson.h>

enum sim_ca_reply { SIM_CA_ANSWERS, SIM_CA_SWALLOWS, SIM_CA_REFUSES };

/* What a CA does between two points in time. */
#define SIM_CA_WINDOWS(X)                                                             \
    X(DOWN, "down")              /* connections are refused */                        \
    X(SILENT, "silent")          /* requests are never answered */                    \
    X(ERROR, "error")            /* 500 */                                            \
    X(BUSY, "busy")              /* 503 with Retry-After of ARG seconds */            \
    X(LIMITED, "limited")        /* 429 for newOrder, Retry-After ARG s or the end */ \
    X(PAUSED, "paused")          /* 429 for newOrder: paused until a person acts */   \
    X(HTML, "html")              /* an HTML page with status 200 */                   \
    X(HUGE, "huge")              /* two MiB of nothing */                             \
    X(LOSES, "loses")            /* forgets orders: 404 */                            \
    X(WRONG_KEY, "wrongkey")     /* certificates for another key */                   \
    X(WRONG_CHAIN, "wrongchain") /* chains that do not fit */                         \
    X(INVALID, "invalid")        /* cannot validate the name ARG */                   \
    X(REJECTS, "rejects")        /* rejectedIdentifier for the name ARG */
enum sim_ca_window_kind {
#define X(symbol, name) SIM_CA_##symbol,
    SIM_CA_WINDOWS(X)
#undef X
        SIM_CA_WINDOW_KINDS
};
struct sim_ca_window {
    enum sim_ca_window_kind kind;
    cl_time from, until;
    char *arg; /* "" if none */
};

struct sim_account {
    char *id, *spki;
};
struct sim_authz {
    char *id, *name, *type, *token, *why;
    struct sim_account *account;
    enum { AUTHZ_PENDING, AUTHZ_VALID, AUTHZ_INVALID, AUTHZ_DEACTIVATED } status;
    bool answered; /* the challenge was POSTed */
    bool by_tls;   /* ... and it was that of tls-alpn-01 */
    unsigned fetches_left;
    cl_time give_up;
    cl_time ended;
};
struct sim_order {
    char *id, *names; /* "dns:a dns:b", sorted */
    struct sim_account *account;
    struct cl_strv identifiers; /* "dns:NAME" */
    struct sim_authz **authzs;
    size_t n_authzs;
    enum { ORDER_PENDING, ORDER_PROCESSING, ORDER_VALID, ORDER_INVALID } status;
    cl_time created, ready_at, expires, not_after, delivered_at;
    char *chain;
    char *replaces; /* RFC 9773: identifies the certificate it is to replace; NULL = none */
    unsigned life;  /* that asked for it, dead or alive */
    bool delivered; /* the chain was downloaded */
    bool excused;   /* its loss is the fault of somebody else */
};

/* A certificate, by its identifier of RFC 9773. */
struct sim_issued {
    struct sim_order *order; /* that led to it */
    cl_time issued_at, not_before, not_after;
    bool replaced;
};

struct sim_ca {
    char *host;
    cl_time lifetime, latency_lo, latency_hi, processing, patience, retry_after;
    unsigned bad_nonce;    /* per cent of POSTs */
    unsigned fetches;      /* for each validation */
    unsigned reuse;        /* per cent: a valid authorization is used again */
    cl_time renewal_every; /* Retry-After of renewalInfo; 0 = there is no renewalInfo */
    cl_time revoked_at;    /* what was issued before is to be replaced at once; 0 = never */
    struct sim_ca_window *windows;
    size_t n_windows;
    struct cl_map accounts; /* id and "spki:..." -> struct sim_account */
    struct cl_map orders, authzs, nonces;
    struct cl_map issued; /* certificate id -> struct sim_issued */
    uint64_t n_key_changes;
    uint64_t n_accounts, n_orders, n_posts, n_new_nonce, n_failed_orders, next_id;
    struct sim_limits *limits; /* NULL = none */
    uint64_t n_limited, n_too_fast;
    uint64_t n_renewal_info, n_replaced, n_revoked_replaced;
};

struct sim_ca *sim_ca(const char *host); /* made on first use */
struct sim_ca *sim_ca_of_url(const char *url);
cl_time sim_ca_latency(const struct sim_ca *ca);
void sim_ca_window(struct sim_ca *ca, enum sim_ca_window_kind kind, cl_time from, cl_time until,
                   const char *arg);
int sim_ca_window_parse(const char *name, enum sim_ca_window_kind *ret);
enum sim_ca_reply sim_ca_handle(struct sim_ca *ca, const struct sim_request *req,
                                struct sim_response *res);

/* ---- between sim_ca*.c ---- */
/* A POST whose signature was checked. */
struct sim_post {
    struct sim_account *account; /* NULL for newAccount */
    const char *spki;            /* of the key in the JWS */
    unsigned life;               /* of its sender */
    json_t *payload;             /* NULL for POST-as-GET */
};
const struct sim_ca_window *sim_ca_now(const struct sim_ca *ca, enum sim_ca_window_kind kind,
                                       const char *arg);
void sim_ca_problem(struct sim_response *res, long status, const char *type, const char *detail);
void sim_ca_json(struct sim_response *res, long status, json_t *take_body);
char *sim_ca_url(const struct sim_ca *ca, const char *folder, const char *id);
char *sim_ca_new_id(struct sim_ca *ca);
void sim_ca_new_order(struct sim_ca *ca, const struct sim_post *p, struct sim_response *res);
/** Brings the state of an order up to date: time and authorizations move it on. */
void sim_ca_refresh(struct sim_ca *ca, struct sim_order *o);
void sim_ca_order(struct sim_ca *ca, struct sim_order *o, struct sim_response *res);
void sim_ca_finalize(struct sim_ca *ca, struct sim_order *o, const struct sim_post *p,
                     struct sim_response *res);
void sim_ca_chain(struct sim_ca *ca, struct sim_order *o, struct sim_response *res);
void sim_ca_authz(struct sim_ca *ca, struct sim_authz *z, const struct sim_post *p,
                  struct sim_response *res);
void sim_ca_challenge(struct sim_ca *ca, struct sim_authz *z, const struct sim_post *p,
                      struct sim_response *res);
/* ---- sim_ca_ari.c ---- */
struct toy_cert;
/** Reads replaces of newOrder into o->replaces; o->identifiers is filled. -1: the answer says why. */
int sim_ca_take_replaces(struct sim_ca *ca, const struct sim_post *p, struct sim_order *o,
                         struct sim_response *res);
/** @leaf was issued for @o. */
void sim_ca_note_certificate(struct sim_ca *ca, struct sim_order *o, const struct toy_cert *leaf);
void sim_ca_renewal_info(struct sim_ca *ca, const char *id, struct sim_response *res);
/** Has what was issued then been revoked, by now? */
bool sim_ca_revoked(const struct sim_ca *ca, cl_time issued_at);

#endif
