/* SPDX-License-Identifier: Apache-2.0 */
/* acme_window: additive increase, multiplicative decrease, with a first step from 1 to 8. */
#include "backends/acme/acme_window.h"

#include "spec/base/cl_assert.h"

#define WINDOW_OPEN 8u

static unsigned window_cap(const struct acme_window *w, unsigned size)
{
    return size < w->max ? size : w->max;
}

void acme_window_init(struct acme_window *w, unsigned max)
{
    *w = (struct acme_window){.size = 1, .max = max > 0 ? max : 1};
}

bool acme_window_take(struct acme_window *w)
{
    if (w->undecided >= w->size) {
        return false;
    }
    w->undecided++;
    return true;
}

void acme_window_decided(struct acme_window *w, bool valid, uint64_t certificate)
{
    acme_window_release(w);
    if (valid) {
        w->size = window_cap(w, w->size == 1 ? WINDOW_OPEN : w->size + 1);
        w->failed = 0;
        return;
    }
    if (w->failed == 0) {
        w->size = w->size > 1 ? w->size / 2 : 1;
    } else if (w->failed != certificate) {
        w->size = 1;
    } /* else: a further name of the same certificate says nothing new */
    w->failed = certificate;
}

void acme_window_release(struct acme_window *w)
{
    cl_assert(w->undecided > 0);
    w->undecided--;
}
