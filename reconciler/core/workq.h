/* SPDX-License-Identifier: Apache-2.0 */
/* workq: which key is looked at next: client-go's dirty/processing semantics (dedupe, never twice
 * at once, no lost update), one delayed wake-up a key, and a first lane for keys never reported. */
#ifndef WORKQ_H
#define WORKQ_H

#include "spec/base/cl_heap.h"
#include "spec/base/cl_list.h"

struct workq_item {           /* embedded in the unit; zeroed = idle */
    struct cl_list link;      /* in a lane */
    struct cl_heap_node wake; /* delayed */
    bool dirty, processing;
    bool reported; /* false: goes to the first lane */
};
struct workq {
    struct cl_list first, normal;
    struct cl_heap delayed;
    size_t waiting;
};
void workq_init(struct workq *q);
void workq_deinit(struct workq *q);
void workq_add(struct workq *q, struct workq_item *i);
/** Replaces the item's delayed wake-up; CL_NEVER removes it. */
void workq_add_at(struct workq *q, struct workq_item *i, cl_time when);
/** Moves what is due at @now into the lanes; then pops the next item (processing, no longer dirty)
 *  or returns NULL. */
struct workq_item *workq_next(struct workq *q, cl_time now);
/** Ends processing; if it was added meanwhile it is queued again. */
void workq_done(struct workq *q, struct workq_item *i);
void workq_forget(struct workq *q, struct workq_item *i); /* removes it everywhere */
/** When something is due next: 0 = now, CL_NEVER = nothing. */
cl_time workq_due(const struct workq *q);

#endif
