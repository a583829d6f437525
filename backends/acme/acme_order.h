/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order: one certificate order (RFC 8555 7.4 to 7.5), as a machine without IO and clock.
 *
 * The caller feeds events and carries out the actions that come back; each action that takes time
 * is answered by exactly one event. acme_order_next_at says when a TIMER event is due.
 *
 *   CREATE -> SAVE ----.                                   .-> DOWNLOAD -> CLEANUP -> DONE
 *   RESUME ------------+-> AUTHORIZE -> PRESENT -> CHALLENGE -> FINALIZE <-> POLL
 *
 * Each state may be left for CLEANUP with an error, too: what was presented is always taken away
 * again. If the CA has not seen records that all name servers had, CLEANUP is followed by AGAIN, once:
 * a wait, and CREATE. In the steady state one name costs 7 requests: newOrder, authorization, challenge,
 * authorization, finalize, order, certificate. */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

#include "backends/acme/acme_fetches.h"
#include "backends/acme/acme_msg.h"
#include "backends/acme/acme_request.h"
#include "spec/base/cl_err.h"
#include "spec/spec.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* symbol, name in logs */
#define ACME_ORDER_STATES(X)      \
    X(CREATE, "create")           \
    X(RESUME, "resume")           \
    X(SAVE, "save")               \
    X(AUTHORIZE, "authorize")     \
    X(PRESENT, "present")         \
    X(CHALLENGE, "challenge")     \
    X(FINALIZE, "finalize")       \
    X(POLL, "poll")               \
    X(DOWNLOAD, "download")       \
    X(CLEANUP, "clean up")        \
    X(AGAIN, "wait to try again") \
    X(DONE, "done")
enum acme_order_state {
#define X(symbol, name) ORDER_##symbol,
    ACME_ORDER_STATES(X)
#undef X
        ORDER_STATE_COUNT
};

/* How far one authorization is. */
enum acme_authz_step {
    AUTHZ_READING,  /* asked for, not there yet */
    AUTHZ_REUSED,   /* was valid before: nothing to do */
    AUTHZ_CHOSEN,   /* a challenge and a solver are chosen */
    AUTHZ_WAITING,  /* presented, waits for its turn in the window */
    AUTHZ_POSTING,  /* the CA is being told to look */
    AUTHZ_WATCHING, /* until next_poll */
    AUTHZ_POLLING,  /* asked for the verdict */
    AUTHZ_VALID,
    AUTHZ_FAILED
};
/* The answer to its challenge. */
enum acme_answer {
    ANSWER_NONE,
    ANSWER_PRESENTING,
    ANSWER_PRESENTED,
    ANSWER_CLEANING,
    ANSWER_CLEANED
};
struct acme_authz {
    char *url;
    char *identifier; /* without "*."; NULL until read */
    bool wildcard;
    enum acme_status status; /* at the CA, as last read */
    enum acme_authz_step step;
    enum acme_answer answer;
    bool waits;    /* PRESENTING: until the name has room for its value */
    bool admitted; /* has a place in the window */
    bool told;     /* the CA validates already: never POST the challenge again */
    bool deactivating;
    cl_time miss_wait; /* all name servers have the record: how long a "no" may be remembered; 0 */
    json_t *seen; /* what they said last (propagation_view.h); for people only; owned or NULL */
    const struct solver_spec *solver;                /* borrowed from the specs */
    char *why;                                       /* solver_pick's sentence */
    const char *type;                                /* "http-01"; static */
    char *challenge_url, *token, *key_authorization; /* the last two: NULL for dns-persist-01 */
    struct cl_strv issuers;                          /* dns-persist-01 */
    char *account_uri;
    cl_time presented_at, told_at, not_before /* Retry-After of the challenge */, next_poll;
    unsigned fetches, polls;
    cl_time delay;     /* that the first poll was planned with */
    struct cl_err err; /* why FAILED */
};

/* Inputs; borrowed for the life of the order, except where copied. */
struct acme_order_params {
    const struct object *object;       /* the Certificate */
    const struct solver_list *solvers; /* the Issuer's */
    const char *new_order_url;
    const char *order_url;  /* resume this one; NULL = a new order; copied */
    const char *replaces;   /* RFC 9773; NULL = none; copied */
    const char *thumbprint; /* of the account key */
    const char *csr;        /* base64url */
    bool allow_http;
    bool eager_first;             /* retryAfter: EagerFirst */
    bool request_duration;        /* enableDurationFeature: ask for spec.duration */
    bool abandon;                 /* only deactivate what is pending of order_url */
    cl_time skew;                 /* CA's clock minus ours */
    struct acme_fetches *fetches; /* shared by the orders of an Issuer */
};

struct acme_order {
    struct acme_order_params p;
    enum acme_order_state state;
    cl_time now; /* of the event being handled */
    char *url;   /* order URL; NULL = there is none to come back to */
    char *replaces;
    enum acme_status status; /* at the CA */
    cl_time expires;         /* CA's clock; 0 = not said */
    char *finalize_url, *certificate_url;
    struct acme_authz *authz;
    size_t n_authz;
    bool fresh;         /* made by this run, a moment ago */
    unsigned remade;    /* orders dropped because of dead authorizations */
    unsigned missed;    /* how often the CA did not see what all name servers had: once at most */
    struct cl_err miss; /* why; kept for people */
    cl_time again_at;   /* CLEANUP, AGAIN: when a new order is made; 0 = none is */
    unsigned finalized; /* how often finalize was sent */
    unsigned polls;
    cl_time ready_at; /* when finalize was first sent */
    cl_time next_poll;
    bool early;        /* the next poll of POLL is the early one of EagerFirst */
    bool hung;         /* given up because the CA does not get on with it */
    struct cl_err err; /* kind NONE = fine so far */
    char *chain;       /* the certificate, PEM */
    struct acme_actions *out;
};

enum acme_event_type {
    EV_ENTER,     /* a state begins (or the machine, from outside) */
    EV_REPLY,     /* answer to a REQUEST: what, index, reply */
    EV_FAILED,    /* a REQUEST failed: what, index, err */
    EV_SAVED,     /* SAVE is done; err or NULL */
    EV_PRESENTED, /* PRESENT is done: index; err or NULL */
    EV_WAITS,     /* PRESENT has to wait until the answer of another challenge is gone: index */
    EV_CLEANED,   /* CLEANUP is done: index */
    EV_ADMITTED,  /* ADMIT: there is a place in the window: index */
    EV_FETCHED,   /* the CA has fetched the answer once more: index */
    EV_TIMER,
    EV_CANCEL /* nobody wants it any more: end soon, keep the order */
};
struct acme_event {
    enum acme_event_type type;
    cl_time now;
    enum acme_what what;
    size_t index; /* of the authorization */
    const struct acme_reply *reply;
    const struct cl_err *err;
    cl_time miss_wait; /* PRESENTED: see acme_authz */
};

enum acme_action_type {
    ACT_REQUEST, /* request, index -> EV_REPLY or EV_FAILED */
    ACT_ABORT,   /* cancel all requests; their events are not wanted any more */
    ACT_SAVE,    /* make order->url durable -> EV_SAVED */
    ACT_PRESENT, /* index -> EV_PRESENTED */
    ACT_STOP,    /* index: end a PRESENT that is under way soon */
    ACT_CLEANUP, /* index -> EV_CLEANED */
    ACT_ADMIT,   /* index -> EV_ADMITTED, when the window has room */
    ACT_FORGET,  /* the authorizations go: nothing of them is presented or waits any more */
    ACT_VERDICT, /* index: the challenge is decided (ok) and its place free */
    ACT_RELEASE, /* index: give up the place, or the waiting for one */
    ACT_DONE     /* last action: err, chain and url are final */
};
struct acme_action {
    enum acme_action_type type;
    size_t index;
    bool ok;
    struct acme_request request; /* url is borrowed from the order until its next step */
    char *payload;               /* owned; request.payload points to it, or to static text */
};
struct acme_actions {
    struct acme_action *items;
    size_t len, cap;
};
void acme_actions_deinit(struct acme_actions *a);

struct acme_order *acme_order_create(const struct acme_order_params *p);
void acme_order_destroy(struct acme_order *o); /* NULL is fine */
/** Handles one event; the actions are appended to @ret. The first event is EV_ENTER. */
void acme_order_step(struct acme_order *o, const struct acme_event *ev, struct acme_actions *ret);
/** When a TIMER event is due; CL_NEVER = not before another event. */
cl_time acme_order_next_at(const struct acme_order *o);
const char *acme_order_state_name(enum acme_order_state s);
/** The moves of the state table, for tests: may @from go to @to? */
bool acme_order_may_go(enum acme_order_state from, enum acme_order_state to);

#endif
