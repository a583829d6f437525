/* SPDX-License-Identifier: Apache-2.0 */
/* backoff: the curves by error class. Policy is the table; the code below only reads it. */
#include "reconciler/core/backoff.h"

#include "spec/base/cl_assert.h"

#include <stddef.h>

#define STEPS 5

/* After the n-th failure in a row: steps[n - 1]; past the last step it grows by factor up to cap.
 * No step = never by itself. */
struct curve {
    const char *doc;
    cl_time steps[STEPS];
    unsigned factor;
    cl_time cap;         /* of our own delay */
    cl_time early_cap;   /* instead of cap during the first hour; 0 = none */
    cl_time honour_max;  /* how far ahead err->retry_at is believed */
    cl_time floor;       /* the urgency cap shortens down to this; 0 = it never does */
    unsigned jitter_div; /* adds up to 1/jitter_div of the wait */
    bool counts;         /* as an attempt */
};

static const struct curve CURVES[CL_ERR_KINDS] = {
    [CL_ERR_NONE] = {.doc = "no failure"},
    [CL_ERR_TRANSIENT] =
        {.doc = "network or server trouble: 5 s, doubled up to 5 min for an hour, then 30 min",
         .steps = {5 * CL_SECOND},
         .factor = 2,
         .cap = 30 * CL_MINUTE,
         .early_cap = 5 * CL_MINUTE,
         .honour_max = CL_DAY,
         .floor = 5 * CL_SECOND,
         .jitter_div = 10},
    [CL_ERR_BUSY] = {.doc = "the CA asks everybody to wait: its Retry-After, at most a day",
                     .steps = {5 * CL_SECOND},
                     .factor = 2,
                     .cap = 30 * CL_MINUTE,
                     .honour_max = CL_DAY,
                     .jitter_div = 10},
    [CL_ERR_RATE_LIMITED] =
        {.doc = "a limit of the CA is reached: its Retry-After, at least a minute; not an attempt",
         .steps = {1 * CL_MINUTE},
         .factor = 2,
         .cap = 1 * CL_HOUR,
         .honour_max = 8 * CL_DAY, /* the longest published window is a week */
         .jitter_div = 20},
    [CL_ERR_VALIDATION] =
        {.doc = "the CA could not validate a name: 1 min, 10 min, 100 min, then daily",
         .steps = {1 * CL_MINUTE, 10 * CL_MINUTE, 100 * CL_MINUTE, CL_DAY},
         .factor = 1,
         .cap = CL_DAY,
         .honour_max = CL_DAY,
         .floor = 12 * CL_MINUTE, /* one failed validation is refilled in 12 min */
         .jitter_div = 10,
         .counts = true},
    [CL_ERR_LOCAL] = {.doc = "something on this side: 1, 5, 15, 60 min, doubled up to 6 h",
                      .steps = {1 * CL_MINUTE, 5 * CL_MINUTE, 15 * CL_MINUTE, 1 * CL_HOUR},
                      .factor = 2,
                      .cap = 6 * CL_HOUR,
                      .honour_max = CL_DAY,
                      .floor = 5 * CL_MINUTE,
                      .jitter_div = 10,
                      .counts = true},
    [CL_ERR_PERMANENT] = {.doc = "only a change can help: one probe a day",
                          .steps = {CL_DAY},
                          .factor = 1,
                          .cap = CL_DAY,
                          .honour_max = 8 * CL_DAY,
                          .jitter_div = 10,
                          .counts = true},
    [CL_ERR_BAD_RESULT] = {.doc = "the CA's answer must not be installed: 1 h, doubled up to 32 h",
                           .steps = {1 * CL_HOUR},
                           .factor = 2,
                           .cap = 32 * CL_HOUR,
                           .honour_max = 2 * CL_DAY,
                           .floor = 12 * CL_MINUTE,
                           .jitter_div = 10,
                           .counts = true},
    [CL_ERR_SPEC] = {.doc = "the spec is wrong: it waits for a change", .counts = true},
    [CL_ERR_CANCELLED] = {.doc = "stopped by certloop itself: no failure"},
    [CL_ERR_INTERNAL] = {.doc = "a bug in certloop: 15 min, doubled up to 6 h",
                         .steps = {15 * CL_MINUTE},
                         .factor = 2,
                         .cap = 6 * CL_HOUR,
                         .honour_max = CL_DAY,
                         .jitter_div = 10,
                         .counts = true},
};

/* Nobody else is bothered when an embedded issuer is asked again. */
static const struct curve EMBEDDED = {.steps = {1 * CL_SECOND},
                                      .factor = 2,
                                      .cap = 1 * CL_MINUTE,
                                      .honour_max = CL_DAY,
                                      .floor = 1 * CL_SECOND,
                                      .jitter_div = 10};

static const cl_time HOOK_STEPS[] = {10 * CL_SECOND, 1 * CL_MINUTE, 5 * CL_MINUTE,
                                     15 * CL_MINUTE, 1 * CL_HOUR,   CL_DAY};

static cl_time curve_delay(const struct curve *c, unsigned failures, bool early)
{
    cl_time cap = early && c->early_cap > 0 ? c->early_cap : c->cap;
    cl_time delay = 0;
    for (unsigned n = 0; n < failures && delay < cap; n++) {
        if (n < STEPS && c->steps[n] > 0) {
            delay = c->steps[n];
        } else if (c->factor > 1) {
            delay *= c->factor;
        } else {
            break;
        }
    }
    return cl_time_min(delay, cap);
}

cl_time backoff_fail(struct backoff *b, const struct cl_err *err, const struct backoff_context *c,
                     cl_time now, struct cl_rng *rng)
{
    cl_assert(err->kind > CL_ERR_NONE && err->kind < CL_ERR_KINDS);
    if (err->kind == CL_ERR_CANCELLED) {
        return b->not_before;
    }
    if (b->kind != err->kind) {
        *b = (struct backoff){.kind = err->kind, .first_failure = now};
    }
    b->failures++;
    b->last_failure = now;
    const struct curve *curve = &CURVES[err->kind];
    if (c->embedded && (err->kind == CL_ERR_TRANSIENT || err->kind == CL_ERR_LOCAL)) {
        curve = &EMBEDDED;
    }
    cl_time draw = cl_rng_between(rng, 0, 1000);
    if (curve->steps[0] == 0) {
        b->not_before = CL_NEVER;
        return b->not_before;
    }

    cl_time delay = curve_delay(curve, b->failures, now - b->first_failure < CL_HOUR);
    cl_time remaining = c->not_after - now; /* <= 0: none or expired, nothing left to save */
    if (curve->floor > 0 && remaining > 0) {
        delay = cl_time_min(delay, cl_time_max(curve->floor, remaining / 8));
    }
    cl_time asked = cl_time_min(err->retry_at - now, curve->honour_max);
    delay = cl_time_max(delay, asked);
    /* Jitter only adds: a CA that says "not before 12:00" must not see us at 11:59. */
    b->not_before = now + delay + delay / curve->jitter_div * draw / 1000;
    return b->not_before;
}

void backoff_reset(struct backoff *b)
{
    *b = (struct backoff){0};
}

bool backoff_counts(enum cl_err_kind kind)
{
    cl_assert(kind < CL_ERR_KINDS);
    return CURVES[kind].counts;
}

const char *backoff_doc(enum cl_err_kind kind)
{
    cl_assert(kind < CL_ERR_KINDS);
    return CURVES[kind].doc;
}

cl_time backoff_hook(unsigned failures, cl_time now, struct cl_rng *rng)
{
    const size_t last = sizeof(HOOK_STEPS) / sizeof(HOOK_STEPS[0]) - 1;
    size_t n = failures == 0 ? 0 : failures - 1U;
    cl_time delay = HOOK_STEPS[n < last ? n : last];
    return now + delay + cl_rng_between(rng, 0, delay / 10);
}
