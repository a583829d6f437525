/* SPDX-License-Identifier: Apache-2.0 */
/* acme_fetches: estimates that follow what the CA does. */
#include "backends/acme/acme_fetches.h"

#define FETCHES_MAX 16u
#define DELAY_MIN (1 * CL_MS)
#define DELAY_MAX (200 * CL_MS)
#define HITS_TO_SHORTEN 32u
#define FINALIZE_MIN (5 * CL_MS) /* Pebble 2.10 can hang an order that is polled at once */
#define UNSEEN_MIN (20 * CL_MS)  /* the CA has to ask a name server, at least */
#define EARLY_MAX (1 * CL_SECOND)

void acme_fetches_init(struct acme_fetches *f, cl_time now)
{
    *f = (struct acme_fetches){.k = 1,
                               .delay = DELAY_MIN,
                               .halved_at = now,
                               .finalize = FINALIZE_MIN,
                               .unseen = UNSEEN_MIN};
}

unsigned acme_fetches_wanted(struct acme_fetches *f, cl_time now)
{
    if (now >= cl_time_add(f->halved_at, CL_DAY)) {
        f->k = f->k > 1 ? f->k / 2 : 1;
        f->halved_at = now;
    }
    return f->k;
}

void acme_fetches_learn(struct acme_fetches *f, unsigned at_end, unsigned polls, cl_time delay)
{
    if (at_end == 0) {
        return; /* decided without asking us: says nothing */
    }
    if (polls <= 1) {
        if (at_end < f->k) { /* the fallback timer found out that fewer are enough */
            f->k = at_end;
        }
        if (++f->hits >= HITS_TO_SHORTEN && f->delay > DELAY_MIN) {
            f->delay -= f->delay / 8 + 1 <= f->delay - DELAY_MIN ? f->delay / 8 + 1 : 1;
            f->hits = 0;
        }
        return;
    }
    f->hits = 0;
    if (at_end > f->k) {
        f->k = at_end < FETCHES_MAX ? at_end : FETCHES_MAX;
    } else if (delay >= f->delay) {
        f->delay = cl_time_min(f->delay * 2, DELAY_MAX);
    }
}

static cl_time early(cl_time was, cl_time least, bool decided)
{
    return decided ? cl_time_max(least, was - was / 16) : cl_time_min(was * 2, EARLY_MAX);
}

void acme_fetches_finalized(struct acme_fetches *f, bool decided)
{
    f->finalize = early(f->finalize, FINALIZE_MIN, decided);
}

void acme_fetches_unseen(struct acme_fetches *f, bool decided)
{
    f->unseen = early(f->unseen, UNSEEN_MIN, decided);
}
