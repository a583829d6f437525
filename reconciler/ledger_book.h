/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_book: the ledger (core/ledger.h) of this daemon: what is known of its CAs, which buckets an
 * order needs, the file that remembers what was spent, and the timer that gives turns anew.
 *
 * The file STATE/ledger/buckets is appended to and compacted: one line for each change of a bucket, the
 * last one counts. What is reserved is written as if it were spent, before the order is sent: a kill
 * between the two costs a token, never a 429. */
#ifndef LEDGER_BOOK_H
#define LEDGER_BOOK_H

#include "reconciler/core/ledger.h"
#include "reconciler/observe.h"
#include "spec/ca_catalog.h"

struct ledger_book;
struct ledger_book *ledger_book_create(struct daemon *d);
void ledger_book_destroy(struct ledger_book *b);
struct ledger *ledger_book_ledger(struct ledger_book *b);
const struct ca_catalog *ledger_book_cas(const struct ledger_book *b);
/** What was wrong with the files about CAs, or with what was remembered; lines for people. */
const struct cl_strv *ledger_book_problems(const struct ledger_book *b);
/** The Configuration has changed. */
void ledger_book_configure(struct ledger_book *b);

/** Before a plan is acted on: @u stands in line if the plan wants an order, and leaves it if not. True:
 *  @seen knows of a closed ledger now, so the plan is to be made again. */
bool ledger_book_line(struct unit *u, struct observation *seen, const struct plan *p, cl_time now);
/** Takes the tokens for the order that begins now. False: not yet. */
bool ledger_book_reserve(struct unit *u, cl_time now);
/** The CA has made the order. */
void ledger_book_ordered(struct unit *u, cl_time now);
/** The issuance ended; @err NULL: with a certificate. Corrects buckets by what a 429 says. */
void ledger_book_ended(struct unit *u, const struct cl_err *err, cl_time now);
/** Until what is reserved is durable: false if it is already, else @op ends then. */
bool ledger_book_sync(struct ledger_book *b, struct cl_op *op);
/** Gives up ticket and place. */
void ledger_book_forget(struct unit *u);
bool ledger_book_busy(const struct ledger_book *b);

/** Does the CA limit new accounts, and when is the next one possible? 0 = now. */
cl_time ledger_book_account_at(struct unit *issuer, cl_time now);
void ledger_book_account_made(struct unit *issuer, cl_time now);
/** "rateLimits" of an Issuer's status; NULL if it has none. New reference. */
json_t *ledger_book_view(struct unit *issuer, cl_time now);

/* What one bucket says at a moment; for people and metrics. */
struct ledger_row {
    const struct ledger_bucket *bucket;
    long left;
    cl_time next_at; /* when one more comes; 0 = it is full */
    cl_time full_at;
    cl_time blocked_until; /* 0 = not */
};
/** Those of @issuer that are not full, and the one of its new orders; at most @max, the fewest left
 *  first. Returns how many. */
size_t ledger_book_rows(struct unit *issuer, cl_time now, struct ledger_row *ret, size_t max);

#endif
