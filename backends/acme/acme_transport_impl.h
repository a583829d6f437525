/* SPDX-License-Identifier: Apache-2.0 */
/* acme_transport_impl: shared by acme_transport.c (queue and sending) and acme_answer.c (what
 * becomes of an answer). */
#ifndef ACME_TRANSPORT_IMPL_H
#define ACME_TRANSPORT_IMPL_H

#include "backends/acme/acme_nonces.h"
#include "backends/acme/acme_transport.h"
#include "spec/base/cl_rng.h"

struct acme_nonce_fetch {             /* owned by its request */
    struct acme_transport *transport; /* NULL: gone */
    struct http_op transfer;
};
struct acme_transport {
    struct acme_transport_params p;
    char *directory_url;
    bool allow_http, directory_is_public;
    const char *proxy, *proxy_user; /* NULL = not ours to say */
    const struct key *key;
    const char *jwk;
    char *kid, *new_nonce;
    struct acme_nonces nonces;
    struct acme_nonce_fetch *nonce; /* being asked for */
    struct cl_list queue, orders, resting;
    unsigned queued, running;
    bool order_unsaved;      /* a newOrder is under way or not durable yet */
    cl_time paused_until;    /* nothing is sent before; 0 = not paused */
    bool pause_is_busy;      /* because of a Retry-After, which a success does not shorten */
    struct cl_err pause_err; /* kind NONE, or what calls end with while it lasts */
    struct loop_timer pause_timer;
    struct loop_task pump;
    struct cl_rng rng;
    struct cl_strv headers, chain_headers;
    unsigned long requests[ACME_WHAT_COUNT], errors;
};
void acme_transport_kick(struct acme_transport *t);
void acme_call_enqueue(struct acme_call *call, bool first);
void acme_call_unqueue(struct acme_call *call);
void acme_call_cancel(struct cl_op *op);
/** A newOrder goes back into the queue, or has ended without an order. */
void acme_call_open_gate(struct acme_call *call);
/** Ends the call in the next turn with call->err. */
void acme_call_end_later(struct acme_call *call);
/** http is done with it. */
void acme_call_answered(struct cl_op *op, const struct cl_err *err);
/** Decides whether it rests and goes again, or ends (in the next turn). */
void acme_call_failed(struct acme_call *call, const struct cl_err *err);
/** What a reply to newNonce without a nonce means. */
void acme_answer_without_nonce(struct acme_transport *t, const struct http_op *reply,
                               struct cl_err *ret);

#endif
