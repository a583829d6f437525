/* SPDX-License-Identifier: Apache-2.0 */
/* cl_heap: intrusive binary heap ordered by (when, sequence). A node that is set again to the time
 * it already has keeps its place in the line; any other time puts it at the end of that time's. */
#include "spec/base/cl_heap.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

static bool before(const struct cl_heap_node *a, const struct cl_heap_node *b)
{
    return a->when != b->when ? a->when < b->when : a->seq < b->seq;
}

static void place(struct cl_heap *h, size_t i, struct cl_heap_node *n)
{
    h->nodes[i] = n;
    n->index = i + 1;
}

static void sift_up(struct cl_heap *h, size_t i)
{
    struct cl_heap_node *n = h->nodes[i];

    while (i > 0 && before(n, h->nodes[(i - 1) / 2])) {
        place(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, n);
}

static void sift_down(struct cl_heap *h, size_t i)
{
    struct cl_heap_node *n = h->nodes[i];

    for (size_t child = 2 * i + 1; child < h->len; child = 2 * i + 1) {
        if (child + 1 < h->len && before(h->nodes[child + 1], h->nodes[child])) {
            child++;
        }
        if (!before(h->nodes[child], n)) {
            break;
        }
        place(h, i, h->nodes[child]);
        i = child;
    }
    place(h, i, n);
}

static void settle(struct cl_heap *h, size_t i)
{
    sift_up(h, i);
    sift_down(h, h->nodes[i]->index - 1);
}

void cl_heap_deinit(struct cl_heap *h)
{
    cl_free(h->nodes);
    *h = (struct cl_heap){0};
}

void cl_heap_set(struct cl_heap *h, struct cl_heap_node *n, cl_time when)
{
    if (n->index != 0) {
        cl_assert(n->index <= h->len && h->nodes[n->index - 1] == n);
        if (n->when != when) {
            n->when = when;
            n->seq = h->next_seq++;
            settle(h, n->index - 1);
        }
        return;
    }
    if (h->len == h->cap) {
        h->cap = h->cap == 0 ? 16 : h->cap * 2;
        h->nodes = cl_reallocarray(h->nodes, h->cap, sizeof(h->nodes[0]));
    }
    n->when = when;
    n->seq = h->next_seq++;
    place(h, h->len, n);
    h->len++;
    sift_up(h, h->len - 1);
}

void cl_heap_remove(struct cl_heap *h, struct cl_heap_node *n)
{
    if (n->index == 0) {
        return;
    }
    size_t i = n->index - 1;
    cl_assert(i < h->len && h->nodes[i] == n);
    n->index = 0;
    h->len--;
    if (i < h->len) {
        place(h, i, h->nodes[h->len]);
        settle(h, i);
    }
}

struct cl_heap_node *cl_heap_first(const struct cl_heap *h)
{
    return h->len > 0 ? h->nodes[0] : NULL;
}

bool cl_heap_contains(const struct cl_heap_node *n)
{
    return n->index != 0;
}
