/* SPDX-License-Identifier: Apache-2.0 */
/* acme_lane: one waiting line for each (Issuer, solver identity), in front of its window. */
#include "backends/acme/acme_impl.h"
#include "spec/base/cl_alloc.h"

struct acme_lane *acme_lane_get(struct acme *a, const struct solver_spec *solver)
{
    char *identity = solver_identity(solver, a->host->config);
    struct acme_lane *lane = cl_map_get(&a->lanes, identity);

    if (lane == NULL) {
        lane = cl_new(struct acme_lane);
        lane->acme = a;
        acme_window_init(&lane->window,
                         a->spec->max_orders > 0 ? (unsigned)a->spec->max_orders : 1);
        cl_list_init(&lane->waiting);
        (void)cl_map_set(&a->lanes, identity, lane);
    }
    cl_free(identity);
    return lane;
}

bool acme_lane_enter(struct acme_lane *lane, struct acme_place *p)
{
    p->lane = lane;
    if (cl_list_empty(&lane->waiting) && acme_window_take(&lane->window)) {
        p->taken = true;
        return true;
    }
    cl_list_add_tail(&lane->waiting, &p->link);
    return false;
}

static void lane_pump(struct loop_task *task)
{
    struct acme_lane *lane = task->user;

    while (!cl_list_empty(&lane->waiting) && acme_window_take(&lane->window)) {
        struct acme_place *p = cl_container(lane->waiting.next, struct acme_place, link);
        cl_list_remove(&p->link);
        p->taken = true;
        p->admitted(p);
    }
}

static void lane_kick(struct acme_lane *lane)
{
    if (!cl_list_empty(&lane->waiting)) {
        loop_defer(lane->acme->host->loop, &lane->pump, lane_pump, lane);
    }
}

void acme_lane_verdict(struct acme_place *p, bool valid, uint64_t certificate)
{
    struct acme_lane *lane = p->lane;

    acme_window_decided(&lane->window, valid, certificate);
    p->taken = false;
    p->lane = NULL;
    lane_kick(lane);
}

void acme_lane_leave(struct acme_place *p)
{
    struct acme_lane *lane = p->lane;

    if (lane == NULL) {
        return;
    }
    if (p->taken) {
        acme_window_release(&lane->window);
    } else {
        cl_list_remove(&p->link);
    }
    p->taken = false;
    p->lane = NULL;
    lane_kick(lane);
}

void acme_lanes_deinit(struct acme *a)
{
    size_t i = 0;
    const char *key;
    void *value;

    while (cl_map_next(&a->lanes, &i, &key, &value)) {
        struct acme_lane *lane = value;
        loop_task_cancel(&lane->pump);
        cl_free(lane);
    }
    cl_map_deinit(&a->lanes);
}
