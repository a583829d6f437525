/* SPDX-License-Identifier: Apache-2.0 */
/* sim_mem: two heaps. What the daemon allocates in one life is dropped as a whole when it dies, as
 * the kernel would; what the world allocates stays. The N-th allocation of the daemon can fail. */
#include "backends/sim/sim.h"
#include "spec/base/cl_alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before each allocation; the union keeps what follows aligned. */
union block {
    struct {
        struct cl_list link;
        size_t size;
    } head;
    max_align_t align[2];
};

static union block *block_of(void *p)
{
    return (union block *)p - 1;
}

static void *block_realloc(void *p, size_t size)
{
    union block *b = p != NULL ? block_of(p) : NULL;
    struct cl_list *list = NULL;

    if (sim != NULL && sim->in_life && !sim->poisoned &&
        ++sim->counts.allocs == sim->faults.alloc_at) {
        return NULL;
    }
    if (size > SIZE_MAX - sizeof *b) {
        return NULL;
    }
    if (b != NULL) {
        /* Back to the same place; what was made without a world is in no list. */
        list = cl_list_empty(&b->head.link) ? NULL : b->head.link.prev;
        cl_list_remove(&b->head.link);
    } else if (sim != NULL) {
        list = sim->in_life ? sim->life_blocks.prev : sim->world_blocks.prev;
    }
    union block *moved = reallocarray(b, 1, sizeof *b + size);
    if (moved == NULL) {
        return NULL;
    }
    moved->head.size = size;
    cl_list_init(&moved->head.link);
    if (list != NULL) {
        struct cl_list *after = list->next;
        moved->head.link.prev = list;
        moved->head.link.next = after;
        list->next = &moved->head.link;
        after->prev = &moved->head.link;
    }
    return moved + 1;
}

static void block_free(void *p)
{
    union block *b = block_of(p);

    cl_list_remove(&b->head.link);
    free(b);
}

static void block_failed(size_t size)
{
    if (sim == NULL || !sim->in_life) {
        abort(); /* the simulator itself is out of memory */
    }
    sim_trace("out of memory (%zu bytes): the process ends", size);
    sim_die(SIM_END_CRASH);
}

void sim_mem_install(void)
{
    static const struct cl_alloc_funcs FUNCS = {block_realloc, block_free, block_failed};
    cl_alloc_set(&FUNCS);
}

int sim_scope_set(bool in_life)
{
    int old = sim->in_life ? 1 : 0;
    sim->in_life = in_life;
    return old;
}

void sim_scope_reset(const int *old)
{
    if (sim != NULL) {
        sim->in_life = *old != 0;
    }
}

void sim_mem_drop(struct cl_list *blocks)
{
    struct cl_list *next = NULL;

    for (struct cl_list *n = blocks->next; n != blocks; n = next) {
        next = n->next;
        free((char *)n - offsetof(union block, head.link));
    }
    cl_list_init(blocks);
}
