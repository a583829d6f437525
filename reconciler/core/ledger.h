/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: the CA's token buckets as we know them, and who waits for which. Pure.
 *
 * A bucket is one number, the time at which it would be full again (as the generic cell rate
 * algorithm has it): spending moves it on by one refill. A token is *reserved* when an order may go,
 * *spent* when the CA has answered or the answer is lost, *released* if nothing was sent. While it is
 * reserved it counts as spent this very moment, so that the CA's own bucket is never behind ours.
 *
 * Who is held stands in one line, ordered by urgency, then arrival. Each has its turn, worked out from
 * the buckets and from those before it: that time is what people are told, and what is kept. Buckets
 * that all accounts of a CA share are lower bounds: a 429 corrects them. */
#ifndef LEDGER_H
#define LEDGER_H

#include "spec/base/cl_heap.h"
#include "spec/base/cl_list.h"
#include "spec/base/cl_map.h"
#include "spec/spec.h"

/* X(symbol, name, what people call it) */
#define LEDGER_KIND_ROWS(X)                                                       \
    X(NEW_ORDERS, "newOrders", "new orders of the account")                       \
    X(DOMAIN, "certificatesPerDomain", "certificates of the registered domain")   \
    X(EXACT_SET, "certificatesPerSet", "certificates of this exact set of names") \
    X(FAILED, "failedAuthorizations", "failed authorizations of the name")        \
    X(CONSECUTIVE, "consecutiveFailures", "failures in a row of the name")        \
    X(ACCOUNTS, "newAccounts", "new accounts")
enum ledger_kind {
#define X(symbol, name, doc) LEDGER_##symbol,
    LEDGER_KIND_ROWS(X)
#undef X
        LEDGER_KINDS
};
const char *ledger_kind_name(enum ledger_kind k);
const char *ledger_kind_doc(enum ledger_kind k);
int ledger_kind_parse(const char *name, enum ledger_kind *ret);
/** The limit of that kind; capacity 0 = there is none. */
const struct ca_limit *ledger_limit(const struct ca_limits *l, enum ledger_kind k);
/** Which bucket does the text of a 429 speak of? -1: it does not say. */
int ledger_kind_of_text(const char *text);

struct ledger_slots;
struct ledger_bucket {
    enum ledger_kind kind;
    char *id;         /* "KIND HOST ACCOUNT KEY": its name in the ledger and on disk */
    const char *host; /* with account and key: parts of a copy of id */
    const char *account, *key;
    char *parts;
    struct ca_limit limit;
    cl_time full_at;
    cl_time blocked_until; /* the CA said so; 0 = it did not */
    unsigned reserved;
    unsigned refs;         /* tickets that may need it */
    unsigned queued;       /* tickets in line that need it */
    unsigned waiting;      /* ... of those in line whose turn it decides */
    struct cl_list change; /* in the ledger's changes */
    struct ledger *ledger;
    /* the turns that have been given */
    uint64_t epoch;
    cl_time given_full_at;
    struct ledger_slots *slots; /* of new orders: turns are given out of order */
};
struct ledger {
    struct cl_map buckets; /* id -> struct ledger_bucket */
    struct cl_heap line;
    uint64_t epoch;
    cl_time least_urgent;   /* of those in line */
    struct cl_list changes; /* buckets, since whoever saves them looked last */
    bool stale;             /* the turns do not fit any more: ledger_rebuild */
};
struct ledger_need {
    struct ledger_bucket *bucket;
    unsigned keep; /* so many are left alone: for emergencies */
};
struct ledger_ticket { /* embedded in a unit; zeroed = has no needs */
    struct cl_heap_node wait;
    struct ledger_need *needs;
    size_t n;
    bool reserved; /* at least one of the two is not settled yet: */
    bool orders_settled, certificates_settled;
    cl_time turn;                  /* in line: not before */
    struct ledger_bucket *decides; /* ... because of; NULL = nothing */
    void *user;
};
/* What one order would use. Borrowed. */
struct ledger_order {
    const char *host, *account;
    const struct ca_limits *limits;
    const struct cl_strv *names;   /* of the certificate, sorted */
    const struct cl_strv *domains; /* registered ones and networks, each once */
    bool replaces;                 /* a renewal that the CA knows as one (RFC 9773 5): free */
    bool same_set;  /* a certificate of these names was issued before: counts for its set alone */
    bool emergency; /* nothing valid is in use, or it runs out: may take the last tokens, too */
};

void ledger_deinit(struct ledger *l);
struct ledger_bucket *ledger_bucket(struct ledger *l, enum ledger_kind kind, const char *host,
                                    const char *account, const char *key,
                                    const struct ca_limit *limit);
/** What is left of it at @now, reservations taken off. */
long ledger_left(const struct ledger_bucket *b, cl_time now);
/** When the next one can be taken, @keep left alone; @now if at once. */
cl_time ledger_free_at(const struct ledger_bucket *b, unsigned keep, cl_time now);
/** When it is full; @now if it is. */
cl_time ledger_full_at(const struct ledger_bucket *b, cl_time now);

/** The needs of an order; leaves the line if they are others than before. */
void ledger_ticket_fill(struct ledger *l, struct ledger_ticket *t, const struct ledger_order *o);
void ledger_ticket_deinit(struct ledger *l, struct ledger_ticket *t);
/** Stands in line, or stays there, and has its turn. @urgency: notAfter of the certificate in use,
 *  0 = none, or revoked (most urgent). Returns the turn; at or before @now: it may reserve. */
cl_time ledger_enter(struct ledger *l, struct ledger_ticket *t, cl_time urgency, cl_time now);
void ledger_leave(struct ledger *l, struct ledger_ticket *t, cl_time now);
/** In line, and its turn has come: takes a token of each. False: one is not there yet, and the turn
 *  has moved to when it will be. */
bool ledger_reserve(struct ledger *l, struct ledger_ticket *t, cl_time now);
/** Of what is reserved, the tokens of new orders (@orders) or of certificates: spent, or given back. */
void ledger_settle(struct ledger_ticket *t, bool orders, bool spent, cl_time now);
/** One token, without asking: of failures, of accounts. */
void ledger_spend(struct ledger_bucket *b, cl_time now);
/** A success ends a row of failures. */
void ledger_refill(struct ledger_bucket *b);
/** The CA says: none before @until. */
void ledger_block(struct ledger *l, struct ledger_bucket *b, cl_time until);
/** Gives all turns anew. Of equal urgency those come first whose domain has more in line than tokens
 *  left: its bucket must not stand full while it could refill. @moved (may be NULL) is told of each
 *  whose turn is now earlier, or a good deal later. */
void ledger_rebuild(struct ledger *l, cl_time now, void (*moved)(struct ledger_ticket *t));
/** Forgets buckets that are full and that nobody needs. */
void ledger_tidy(struct ledger *l, cl_time now);

#endif
