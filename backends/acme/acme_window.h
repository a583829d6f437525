/* SPDX-License-Identifier: Apache-2.0 */
/* acme_window: how many challenges of one (Issuer, solver) may be undecided at the CA at a time.
 * Pure.
 *
 * A broken solver (port 80 closed, wrong webroot) fails every challenge, and failed authorizations
 * are what CAs punish hardest. So the window starts at 1: one success opens it to 8, each further
 * one adds 1. A failure halves it, once for each certificate; two failures of different
 * certificates with no success between them make it 1. */
#ifndef ACME_WINDOW_H
#define ACME_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct acme_window {
    unsigned size;      /* how many may be undecided */
    unsigned max;       /* maxOrders */
    unsigned undecided; /* taken, not yet decided or released */
    uint64_t failed;    /* identity of the certificate that failed last; 0 = a success since */
};
void acme_window_init(struct acme_window *w, unsigned max);
/** Takes a place: true, or false if none is free. */
bool acme_window_take(struct acme_window *w);
/** The CA has decided. @certificate identifies whose challenge it was (not 0). */
void acme_window_decided(struct acme_window *w, bool valid, uint64_t certificate);
/** Gives a place back without a verdict. */
void acme_window_release(struct acme_window *w);

#endif
