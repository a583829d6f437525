/* SPDX-License-Identifier: Apache-2.0 */
/* cl_heap: intrusive binary heap ordered by (when, sequence): first due, first in, first out. */
#ifndef CL_HEAP_H
#define CL_HEAP_H

#include "spec/base/cl_time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cl_heap_node {
    cl_time when;
    uint64_t seq;
    size_t index; /* position + 1; 0 = not in a heap */
};
struct cl_heap {
    struct cl_heap_node **nodes;
    size_t len;
    size_t cap;
    uint64_t next_seq;
};
void cl_heap_deinit(struct cl_heap *h); /* nodes are the owner's */
/** Inserts @n, or moves it if it is already in @h. */
void cl_heap_set(struct cl_heap *h, struct cl_heap_node *n, cl_time when);
void cl_heap_remove(struct cl_heap *h, struct cl_heap_node *n); /* no-op if not in @h */
struct cl_heap_node *cl_heap_first(const struct cl_heap *h);    /* NULL if empty */
bool cl_heap_contains(const struct cl_heap_node *n);

#endif
