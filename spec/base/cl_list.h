/* SPDX-License-Identifier: Apache-2.0 */
/* cl_list: intrusive doubly linked ring. A list head is a node linked to itself. */
#ifndef CL_LIST_H
#define CL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cl_list {
    struct cl_list *next, *prev;
};

static inline void cl_list_init(struct cl_list *l)
{
    l->next = l;
    l->prev = l;
}
static inline bool cl_list_empty(const struct cl_list *l)
{
    return l->next == l || l->next == NULL;
}
static inline void cl_list_add_tail(struct cl_list *head, struct cl_list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}
/** Unlinks @n; afterwards it is a list of its own. Accepts a zeroed or unlinked node. */
static inline void cl_list_remove(struct cl_list *n)
{
    if (n->next != NULL) {
        n->next->prev = n->prev;
        n->prev->next = n->next;
    }
    cl_list_init(n);
}
#define cl_container(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define cl_list_for_each(n, head)                                            \
    for (struct cl_list *n = (head)->next, *n##_next = n->next; n != (head); \
         n = n##_next, n##_next = n->next)

#endif
