/* SPDX-License-Identifier: Apache-2.0 */
/* dns_worker_flush: the worker as a whole: its life, and the flush before the process ends. */
#include "backends/dns/dns_worker_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

/* ---- flush ---- */

static void flush_end(struct loop_task *t)
{
    struct dns_worker *w = t->user;
    struct cl_op *op = w->flush;

    w->flush = NULL;
    cl_op_done(op, NULL);
}

void dns_worker_flush_check(struct dns_worker *w)
{
    size_t pos = 0;
    void *zone;

    if (w->flush == NULL) {
        return;
    }
    while (cl_map_next(&w->zones, &pos, NULL, &zone)) {
        if (!dns_zone_flushed(zone)) {
            return;
        }
    }
    loop_defer(w->loop, &w->flush_task, flush_end, w);
}

static void flush_cancel(struct cl_op *op)
{
    struct dns_worker *w = op->impl;

    loop_defer(w->loop, &w->flush_task, flush_end, w);
}

void dns_worker_flush(struct dns_worker *w, struct cl_op *op)
{
    size_t pos = 0;
    void *zone;

    cl_assert(w->flush == NULL);
    w->flush = op;
    op->impl = w;
    op->cancel = flush_cancel;
    while (cl_map_next(&w->zones, &pos, NULL, &zone)) {
        dns_zone_kick(zone);
    }
    dns_worker_flush_check(w);
}

struct dns_worker *dns_worker_create(struct loop *l, const struct paths *p, struct dns_registry *r)
{
    struct dns_worker *w = cl_new(struct dns_worker);

    w->loop = l;
    w->paths = p;
    w->registry = r;
    return w;
}

void dns_worker_destroy(struct dns_worker *w)
{
    size_t pos = 0;
    void *value;

    if (w == NULL) {
        return;
    }
    loop_timer_stop(w->loop, &w->retry_timer);
    loop_task_cancel(&w->flush_task);
    while (cl_map_next(&w->zones, &pos, NULL, &value)) {
        struct dns_zone *z = value;
        if (z->step == DNS_ZONE_IDLE || z->step == DNS_ZONE_LOCKING) {
            dns_zone_free(z); /* the others are waited for by operations under way */
        }
    }
    cl_map_deinit(&w->zones);
    cl_free(w);
}
