/* SPDX-License-Identifier: Apache-2.0 */
/* workq: two lanes and a heap of delayed wake-ups. An item is in a lane exactly when it is dirty and
 * not processing. */
#include "reconciler/core/workq.h"

#include "spec/base/cl_assert.h"

static void push(struct workq *q, struct workq_item *i)
{
    cl_list_add_tail(i->reported ? &q->normal : &q->first, &i->link);
    q->waiting++;
}

static bool in_lane(const struct workq_item *i)
{
    return i->dirty && !i->processing;
}

void workq_init(struct workq *q)
{
    *q = (struct workq){0};
    cl_list_init(&q->first);
    cl_list_init(&q->normal);
}

void workq_deinit(struct workq *q)
{
    cl_heap_deinit(&q->delayed);
    *q = (struct workq){0};
}

void workq_add(struct workq *q, struct workq_item *i)
{
    if (i->dirty) {
        return;
    }
    i->dirty = true;
    if (!i->processing) {
        push(q, i);
    }
}

void workq_add_at(struct workq *q, struct workq_item *i, cl_time when)
{
    if (when == CL_NEVER) {
        cl_heap_remove(&q->delayed, &i->wake);
    } else {
        cl_heap_set(&q->delayed, &i->wake, when);
    }
}

struct workq_item *workq_next(struct workq *q, cl_time now)
{
    struct cl_heap_node *due;
    while ((due = cl_heap_first(&q->delayed)) != NULL && due->when <= now) {
        cl_heap_remove(&q->delayed, due);
        workq_add(q, cl_container(due, struct workq_item, wake));
    }
    struct cl_list *lane = !cl_list_empty(&q->first) ? &q->first : &q->normal;
    if (cl_list_empty(lane)) {
        return NULL;
    }
    struct workq_item *i = cl_container(lane->next, struct workq_item, link);
    cl_list_remove(&i->link);
    q->waiting--;
    i->dirty = false;
    i->processing = true;
    return i;
}

void workq_done(struct workq *q, struct workq_item *i)
{
    cl_assert(i->processing);
    i->processing = false;
    if (i->dirty) {
        push(q, i);
    }
}

void workq_forget(struct workq *q, struct workq_item *i)
{
    if (in_lane(i)) {
        cl_list_remove(&i->link);
        q->waiting--;
    }
    cl_heap_remove(&q->delayed, &i->wake);
    i->dirty = false;
    i->processing = false;
}

cl_time workq_due(const struct workq *q)
{
    if (q->waiting > 0) {
        return 0;
    }
    const struct cl_heap_node *first = cl_heap_first(&q->delayed);
    return first != NULL ? first->when : CL_NEVER;
}
