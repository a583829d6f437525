/* SPDX-License-Identifier: Apache-2.0 */
/* acme_transport: signed requests of one account. Its own queue: at most maxConnections requests
 * are inside http; a request takes its nonce, is signed, and its deadline starts, only when a slot
 * is free. What is retried here, within a minute or so:
 *
 *   badNonce            at once, with the nonce of the error reply, 5 times
 *   no connection       1, 2, 4, 8, 16 s (+0..50 %), all requests wait; then all fail
 *   timeout             once more
 *   5xx, 404 of a fresh resource   1, 2, 4, 8, 16 s (+0..50 %), this request alone
 *   503 with Retry-After up to a minute   then; all requests wait. Longer: all fail as Busy
 *
 * newOrder is retried only if it surely was never sent: a lost answer may have made an order. Of
 * newOrders, one is sent at a time, and the next only after acme_transport_order_saved. */
#ifndef ACME_TRANSPORT_H
#define ACME_TRANSPORT_H

#include "backends/acme/acme_request.h"
#include "backends/crypto/key.h"
#include "backends/net/http.h"
#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/name_problems.h"

struct acme_transport;
struct acme_transport_params {
    struct loop *loop;
    struct http *http;
    const struct http_trust *trust; /* may be changed by acme_transport_set_trust */
    const char *directory_url;      /* decides which other URLs are acceptable (acme_url.h) */
    unsigned max_connections;
};
struct acme_transport *acme_transport_create(const struct acme_transport_params *p);
void acme_transport_destroy(struct acme_transport *t); /* no call runs any more; NULL is fine */
void acme_transport_set_trust(struct acme_transport *t, const struct http_trust *trust);
/** A proxy of this CA's own: URL, "" = none; @user "USER:PASSWORD" or NULL. Borrowed until the next
 *  call. Without it http decides. */
void acme_transport_set_proxy(struct acme_transport *t, const char *proxy, const char *user);
/** What requests are signed with from now on; borrowed until the next call. @jwk of @key; @kid may
 *  be NULL while there is no account. */
void acme_transport_set_key(struct acme_transport *t, const struct key *key, const char *jwk);
void acme_transport_set_account(struct acme_transport *t, const char *kid);
void acme_transport_set_new_nonce(struct acme_transport *t, const char *url);

/* One request. The caller owns it until done. */
struct acme_call {
    struct cl_op op; /* err: the classes of acme_problem and http */
    /* result, valid in done if err is NULL */
    struct acme_reply reply;
    const struct http_op *http; /* all of the reply, for links and dates */
    struct cl_strv alternates;  /* reply.alternates points to it; freed by the caller */
    /* Also with an err: what the CA said about single names. Freed by the caller. */
    struct name_problems names;
    /* private */
    struct acme_transport *transport;
    struct cl_list link;
    enum acme_call_state { CALL_IDLE, CALL_QUEUED, CALL_SENT, CALL_RESTING, CALL_ENDING } state;
    enum acme_what what;
    char *url, *payload;
    const struct key *key; /* signs instead of the account's, with jwk instead of kid; or NULL */
    char *jwk;
    bool fresh, unauthenticated, cancelled;
    bool gate; /* a newOrder that keeps the next one back */
    unsigned nonces, timeouts, tries;
    struct loop_timer timer;
    struct loop_task task;
    struct http_op transfer;
    struct cl_err err;
};
/** POST (or POST-as-GET) of @req, copied. */
void acme_call_start(struct acme_transport *t, const struct acme_request *req,
                     struct acme_call *call);
/** The same, signed by @key as itself (RFC 8555 6.2: newAccount by another key, revokeCert by the
 *  certificate's). @key is borrowed until done, @jwk copied. */
void acme_call_start_by(struct acme_transport *t, const struct acme_request *req,
                        const struct key *key, const char *jwk, struct acme_call *call);
/** Unauthenticated GET of the directory; redirects are not followed but reported: reply.status is
 *  3xx then, with reply.location. */
void acme_call_get(struct acme_transport *t, const char *url, struct acme_call *call);
/** The last newOrder is durable, or nobody cares any more. */
void acme_transport_order_saved(struct acme_transport *t);

struct acme_transport_info {
    unsigned long requests[ACME_WHAT_COUNT]; /* sent, retries included */
    unsigned long errors;                    /* without an answer, or with 4xx or 5xx */
    unsigned queued, running;
    size_t nonces;
    cl_time paused_until; /* 0 = not */
};
void acme_transport_info(struct acme_transport *t, struct acme_transport_info *ret);

#endif
