/* SPDX-License-Identifier: Apache-2.0 */
/* sim_pace: was the daemon as fast as the CA's limits allow, and did it say so from the start? The
 * bound is worked out here, apart from the daemon's own ledger: a clerk who gives every token that there
 * is to the domain with the most names waiting. */
#include "backends/sim/sim_ca_limits.h"
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <stdlib.h>
#include <string.h>

#define SLACK (60 * CL_SECOND) /* an order takes a while, and the first second is everybody's */

struct sim_forecast {
    cl_time turn;
};
struct domain {
    size_t waiting;
    double tokens;
};

static json_t *status_of(const char *path)
{
    const struct sim_blob *b = sim_fs_get(path);
    return b != NULL ? json_loadb(b->data, b->len, 0, NULL) : NULL;
}

void sim_pace_forecast(void)
{
    SIM_WORLD();
    const char *path;
    size_t pos = 0;

    sim->check->forecast_at = sim->now;
    while (cl_map_next(&sim->check->status, &pos, &path, NULL)) {
        json_t *root = status_of(path);
        const json_t *status = json_object_get(root, "status");
        const char *next = json_string_value(json_object_get(status, "nextReconcileTime"));
        const char *why = json_string_value(json_object_get(status, "nextReconcileReason"));
        const char *name =
            json_string_value(json_object_get(json_object_get(root, "metadata"), "name"));
        cl_time turn = 0;
        if (name != NULL && cl_streq(why, "RateLimited") && next != NULL &&
            cl_time_parse(next, &turn) == 0) {
            struct sim_forecast *f = cl_new(struct sim_forecast);
            f->turn = turn;
            (void)cl_map_set(&sim->check->forecasts, name, f);
        }
        json_decref(root);
    }
}

static const char *first_name(const struct sim_order *o)
{
    return strchr(o->identifiers.items[0], ':') + 1;
}

static void check_forecast(const struct sim_order *o)
{
    char *name = cl_strndup(first_name(o), strcspn(first_name(o), "."));
    const struct sim_forecast *f = cl_map_get(&sim->check->forecasts, name);
    char said[CL_TIME_TEXT], was[CL_TIME_TEXT];

    if (f != NULL && o->delivered) {
        cl_time off = o->delivered_at - f->turn;
        off = off < 0 ? -off : off;
        if (off > (f->turn - sim->check->forecast_at) / 100 + SLACK) {
            sim_violated("Forecast", "%s was told %s and came at %s", name,
                         cl_time_format(f->turn, said), cl_time_format(o->delivered_at, was));
        }
        (void)cl_map_remove(&sim->check->forecasts, name); /* the first certificate counts */
    }
    cl_free(name);
}

/* ---- the bound ---- */

static int by_time(const void *a, const void *b)
{
    cl_time x = *(const cl_time *)a;
    cl_time y = *(const cl_time *)b;
    return x < y ? -1 : (x > y ? 1 : 0);
}

static double filled(double tokens, const struct sim_limit *l, cl_time by)
{
    tokens += (double)by / 1000.0 / l->refill_seconds;
    return tokens > l->capacity ? l->capacity : tokens;
}

/* Who has most waiting and may go. */
static struct domain *busiest(struct cl_map *domains)
{
    struct domain *best = NULL;
    size_t pos = 0;
    void *value;

    while (cl_map_next(domains, &pos, NULL, &value)) {
        struct domain *d = value;
        if (d->waiting > 0 && d->tokens >= 0.9999 && (best == NULL || d->waiting > best->waiting)) {
            best = d;
        }
    }
    return best;
}

/* The earliest times at which @n orders could be made, in steps of a second. */
static void bound(struct cl_map *domains, size_t n, cl_time start, cl_time *ret)
{
    double orders = SIM_LE_ORDERS.capacity;
    cl_time step = 6 * CL_SECOND;
    size_t done = 0;

    for (cl_time t = start; done < n && t < sim->now; t += step) {
        struct domain *d;
        while (done < n && orders >= 0.9999 && (d = busiest(domains)) != NULL) {
            d->waiting--;
            d->tokens -= 1;
            orders -= 1;
            ret[done++] = t;
        }
        orders = filled(orders, &SIM_LE_ORDERS, step);
        size_t pos = 0;
        void *value;
        while (cl_map_next(domains, &pos, NULL, &value)) {
            d = value;
            d->tokens = filled(d->tokens, &SIM_LE_DOMAIN, step);
        }
    }
    for (; done < n; done++) {
        ret[done] = sim->now;
    }
}

static void note_domain(struct cl_map *domains, const struct sim_order *o)
{
    const char *name = sim_registered_domain(first_name(o));
    struct domain *d = cl_map_get(domains, name);

    if (d == NULL) {
        d = cl_new(struct domain);
        d->tokens = SIM_LE_DOMAIN.capacity;
        (void)cl_map_set(domains, name, d);
    }
    d->waiting++;
}

void sim_pace_check(const char *host)
{
    SIM_WORLD();
    struct sim_ca *ca = cl_map_get(&sim->cas, host);
    struct cl_map domains = {0}, seen = {0};
    size_t pos = 0, n = 0;
    void *value;
    char may[CL_TIME_TEXT], was[CL_TIME_TEXT];

    if (ca == NULL || ca->orders.count == 0) {
        sim_violated("Pace", "nothing was ordered at %s", host);
        return;
    }
    cl_time *came = cl_calloc(ca->orders.count, sizeof *came);
    cl_time *best = cl_calloc(ca->orders.count, sizeof *best);
    while (cl_map_next(&ca->orders, &pos, NULL, &value)) {
        const struct sim_order *o = value;
        if (o->delivered && cl_map_set(&seen, o->names, value) == NULL) {
            check_forecast(o);
            note_domain(&domains, o);
            came[n++] = o->delivered_at;
        }
    }
    qsort(came, n, sizeof *came, by_time);
    bound(&domains, n, SIM_START, best);
    for (size_t i = 0; i < n; i++) {
        if (came[i] > best[i] + (best[i] - SIM_START) / 100 + SLACK) {
            sim_violated("Pace", "certificate %zu of %zu came at %s; the limits allow %s", i + 1, n,
                         cl_time_format(came[i], was), cl_time_format(best[i], may));
            break;
        }
    }
    cl_map_deinit(&seen);
    cl_map_deinit(&domains);
    cl_free(best);
    cl_free(came);
}
