/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_impl: between ledger.c (buckets, tickets) and ledger_turns.c (the line). */
#ifndef LEDGER_IMPL_H
#define LEDGER_IMPL_H

#include "reconciler/core/ledger.h"

cl_time ledger_bucket_full(const struct ledger_bucket *b, cl_time now);
void ledger_slots_destroy(struct ledger_slots *s);
/** Takes it out of the line, whatever its turn was. */
void ledger_line_remove(struct ledger *l, struct ledger_ticket *t);
void ledger_line_decides(struct ledger_ticket *t, struct ledger_bucket *b);

#endif
