/* SPDX-License-Identifier: Apache-2.0 */
/* loop_internal: what the other files of backends/rt share with the loop: the libuv loop below it
 * (opaque here, so that only op, loop, offload and proc know libuv) and the commit queue of disk. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include "backends/rt/loop.h"

struct uv_loop_s;
struct disk_queue;

struct uv_loop_s *loop_uv(struct loop *l);

/* Something that outlives its op and must go with the loop. Zeroed = not registered. */
struct loop_leftover {
    struct cl_list link;
    void (*end)(struct loop_leftover *o); /* called by loop_destroy; may close handles */
};
void loop_leave(struct loop *l, struct loop_leftover *o);

/** The place where disk keeps the commit queue of this loop; NULL until the first commit. The loop
 *  frees it with disk_queue_destroy. */
struct disk_queue **loop_disk_queue(struct loop *l);
void disk_queue_destroy(struct disk_queue *q); /* NULL is fine */

#endif
