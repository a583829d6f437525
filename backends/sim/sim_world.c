/* SPDX-License-Identifier: Apache-2.0 */
/* sim_world: the world itself: its events in world time, chance, the trace, and death. */
#include "backends/sim/sim.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct sim *sim;

#define TRACE_LINE_MAX 1200u

struct sim *sim_create(uint64_t seed)
{
    struct sim *s = cl_new(struct sim);

    s->seed = seed;
    cl_rng_seed(&s->rng, seed);
    cl_rng_seed(&s->keys, seed ^ 0x6b657973U);
    s->now = SIM_START;
    s->horizon = SIM_START + CL_DAY;
    s->commit_max = 4 * CL_MS;
    cl_list_init(&s->life_blocks);
    cl_list_init(&s->world_blocks);
    cl_list_init(&s->servers);
    cl_list_init(&s->alpn_servers);
    cl_list_init(&s->exchanges);
    sim = s;
    s->fs = sim_fs_create();
    return s;
}

/* Everything else was allocated in one of the two heaps. */
void sim_destroy(struct sim *s)
{
    sim = s;
    sim_mem_drop(&s->life_blocks);
    sim_mem_drop(&s->world_blocks);
    sim = NULL;
    cl_free(s);
}

void sim_at(cl_time when, void (*fn)(void *arg), void *arg)
{
    SIM_WORLD();
    struct sim_event *e = cl_new(struct sim_event);

    e->fn = fn;
    e->arg = arg;
    cl_heap_set(&sim->events, &e->node, cl_time_max(when, sim->now));
}

void sim_done(struct cl_op *op, const struct cl_err *err)
{
    SIM_LIFE();
    cl_op_done(op, err);
}

void sim_die(enum sim_end why)
{
    cl_assert(sim->life != 0);
    sim->in_life = false;
    longjmp(sim->death, (int)why);
}

void sim_external(void)
{
    sim->external++;
}

bool sim_lossy(void)
{
    return sim->now < sim->loss_until && !sim->poisoned;
}

bool sim_chance(unsigned per_cent)
{
    return per_cent > 0 && cl_rng_between(&sim->rng, 0, 99) < (int64_t)per_cent;
}

cl_time sim_between(cl_time lo, cl_time hi)
{
    return cl_rng_between(&sim->rng, lo, hi);
}

/* ---- trace ---- */

void sim_trace(const char *fmt, ...)
{
    SIM_WORLD();
    struct cl_buf b;
    char at[CL_TIME_TEXT];
    va_list ap;

    cl_buf_init(&b, TRACE_LINE_MAX);
    (void)cl_buf_addf(&b, "%s.%03d #%u ", cl_time_format(sim->now, at), (int)(sim->now % 1000),
                      sim->life);
    va_start(ap, fmt);
    if (cl_buf_addv(&b, fmt, ap) < 0) {
        (void)cl_buf_adds(&b, "(long)");
    }
    va_end(ap);
    if (sim->verbose) {
        (void)fprintf(stderr, "%s\n", cl_buf_str(&b));
    }
    if (sim->trace.len < SIM_TRACE_LINES) {
        cl_strv_take(&sim->trace, cl_buf_take(&b));
    } else {
        cl_free(sim->trace.items[sim->trace_next]);
        sim->trace.items[sim->trace_next] = cl_buf_take(&b);
        sim->trace_next = (sim->trace_next + 1) % SIM_TRACE_LINES;
    }
}

void sim_violated(const char *property, const char *fmt, ...)
{
    SIM_WORLD();
    char text[1000];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof text, fmt, ap);
    va_end(ap);
    sim_trace("VIOLATED %s: %s", property, text);
    if (sim->failure == NULL) {
        sim->failure = cl_printf("%s: %s", property, text);
    }
}
