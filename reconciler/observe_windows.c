/* SPDX-License-Identifier: Apache-2.0 */
/* observe_windows: is one of spec.renewal.windows open, or when is the next? */
#include "reconciler/observe.h"
#include "spec/base/cl_cron.h"

/* The opening of @w that counts: one whose end is still to come, or the next. */
static cl_time opening(struct daemon *d, const struct renewal_window_spec *w, cl_time now)
{
    const struct cl_tz *zone = zones_get(&d->zones, w->timezone);
    struct cl_cron cron;
    char why[160];

    /* A zone that was there when the spec was taken and is gone now is no reason not to renew. */
    if (zone == NULL || cl_cron_parse(w->cron, &cron, why, sizeof why) < 0) {
        return now;
    }
    return cl_cron_next(&cron, zone, now - w->duration);
}

void observe_windows(struct unit *u, cl_time now, struct observation *seen)
{
    const struct renewal_window_list *l = &u->w->object->cert->renewal_windows;
    cl_time first = l->len > 0 ? CL_NEVER : 0;

    for (size_t i = 0; i < l->len; i++) {
        first = cl_time_min(first, opening(u->d, &l->items[i], now));
    }
    seen->facts.window_opens = first > now ? first : 0;
}
