/* SPDX-License-Identifier: Apache-2.0 */
/* acme_fetches: when to look for the first time whether the CA has decided. Pure; one for each
 * Issuer.
 *
 * Authorizations: our own responder sees the CA fetch the answer, from several places. Learned is
 * k, how many fetches come before the verdict, and how long after the k-th one the verdict can be
 * read. k starts at 1, rises to what was seen when a poll came too early, and is halved each day,
 * so that a CA that fetches less often than it used to is noticed.
 *
 * Where fetches are not seen (DNS records, webroots) and for orders, retryAfter EagerFirst allows one
 * early poll; learned is how early. */
#ifndef ACME_FETCHES_H
#define ACME_FETCHES_H

#include "spec/base/cl_time.h"

#include <stdbool.h>

struct acme_fetches {
    unsigned k;        /* fetches that come before the verdict */
    cl_time delay;     /* from the k-th fetch to the poll */
    unsigned hits;     /* in a row, since the delay last changed */
    cl_time halved_at; /* when k was last halved */
    cl_time finalize;  /* from the reply to finalize to the early poll */
    cl_time unseen;    /* from the reply to a challenge to the early poll, if no fetch is seen */
};
void acme_fetches_init(struct acme_fetches *f, cl_time now);
/** k now. */
unsigned acme_fetches_wanted(struct acme_fetches *f, cl_time now);
/** The CA has decided. @at_end: fetches seen when the verdict was read; @polls: how many polls it
 *  took (1 = the first one was right); @delay: the delay that the first poll was planned with (many
 *  that fail together with one estimate correct it once). */
void acme_fetches_learn(struct acme_fetches *f, unsigned at_end, unsigned polls, cl_time delay);
/** Result of an early poll of an order: was it decided? */
void acme_fetches_finalized(struct acme_fetches *f, bool decided);
/** The same for an authorization whose fetches are not seen. */
void acme_fetches_unseen(struct acme_fetches *f, bool decided);

#endif
