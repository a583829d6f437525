/* SPDX-License-Identifier: Apache-2.0 */
/* admission: one waiting line for a shared gate. A ticket is admitted, in line, or neither. */
#include "reconciler/core/admission.h"

#include "spec/base/cl_assert.h"
#include "spec/base/cl_list.h"

#define BEFORE_ALL (1000000 * CL_DAY) /* before every notAfter, and before 0 */
#define GUESS_AGAIN (10 * CL_SECOND)

static void admit(struct admission *a, struct admission_ticket *t)
{
    cl_heap_remove(&a->line, &t->wait);
    t->admitted = true;
    a->used++;
}

void admission_init(struct admission *a, unsigned capacity)
{
    *a = (struct admission){.capacity = capacity};
}

void admission_deinit(struct admission *a)
{
    cl_heap_deinit(&a->line);
    *a = (struct admission){0};
}

void admission_resize(struct admission *a, unsigned capacity)
{
    a->capacity = capacity; /* who is in stays in: used may exceed it for a while */
}

cl_time admission_urgency(cl_time not_after, bool revoked)
{
    return revoked ? not_after - BEFORE_ALL : not_after;
}

bool admission_enter(struct admission *a, struct admission_ticket *t, cl_time urgency)
{
    if (t->admitted) {
        return true;
    }
    /* Setting it again with the same urgency would move it behind its equals. */
    if (!cl_heap_contains(&t->wait) || t->wait.when != urgency) {
        cl_heap_set(&a->line, &t->wait, urgency);
    }
    if (a->used < a->capacity && cl_heap_first(&a->line) == &t->wait) {
        admit(a, t);
    }
    return t->admitted;
}

void admission_leave(struct admission *a, struct admission_ticket *t, cl_time now)
{
    cl_heap_remove(&a->line, &t->wait);
    if (!t->admitted) {
        return;
    }
    cl_assert(a->used > 0);
    a->used--;
    t->admitted = false;
    if (a->last_release > 0 && now >= a->last_release) {
        cl_time gap = now - a->last_release;
        a->mean_gap = a->mean_gap == 0 ? gap : (3 * a->mean_gap + gap) / 4;
    }
    a->last_release = now;
}

struct admission_ticket *admission_next(struct admission *a)
{
    struct cl_heap_node *first = cl_heap_first(&a->line);
    if (first == NULL || a->used >= a->capacity) {
        return NULL;
    }
    struct admission_ticket *t = cl_container(first, struct admission_ticket, wait);
    admit(a, t);
    return t;
}

static cl_time ahead_of(const struct admission *a, const struct cl_heap_node *n)
{
    cl_time ahead = 0;
    for (size_t i = 0; i < a->line.len; i++) {
        const struct cl_heap_node *other = a->line.nodes[i];
        if (other->when < n->when || (other->when == n->when && other->seq < n->seq)) {
            ahead++;
        }
    }
    return ahead;
}

cl_time admission_forecast(const struct admission *a, const struct admission_ticket *t, cl_time now)
{
    if (t->admitted) {
        return now;
    }
    if (a->last_release == 0 || a->capacity == 0) {
        return CL_NEVER; /* nothing was released yet: no guess is better than a wrong one */
    }
    cl_time ahead = cl_heap_contains(&t->wait) ? ahead_of(a, &t->wait) : (cl_time)a->line.len;
    cl_time guess = a->last_release + (ahead + 1) * a->mean_gap;
    /* A guess that has passed is made anew, but seldom: the slot itself wakes the unit. */
    return guess > now ? guess : now + cl_time_max(a->mean_gap, GUESS_AGAIN);
}
