/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_file: STATE/ledger/buckets. Private to ledger_book. */
#ifndef LEDGER_FILE_H
#define LEDGER_FILE_H

#include "reconciler/core/ledger.h"
#include "reconciler/daemon.h"

struct ledger_file;
/** Reads what is there into @l; lines that are damaged are left out and told in @problems. */
struct ledger_file *ledger_file_create(struct daemon *d, struct ledger *l,
                                       struct cl_strv *problems);
void ledger_file_destroy(struct ledger_file *f);
/** Buckets have changed: they are appended in the next turn. */
void ledger_file_changed(struct ledger_file *f);
/** False: all is durable. True: @op ends when what has changed until now is. */
bool ledger_file_sync(struct ledger_file *f, struct cl_op *op);
bool ledger_file_busy(const struct ledger_file *f);

#endif
