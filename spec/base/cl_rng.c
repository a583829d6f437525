/* SPDX-License-Identifier: Apache-2.0 */
/* cl_rng: splitmix64. A single word of state, so that a seed reproduces a whole run. */
#include "spec/base/cl_rng.h"

void cl_rng_seed(struct cl_rng *r, uint64_t seed)
{
    r->state = seed;
}

uint64_t cl_rng_next(struct cl_rng *r)
{
    r->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int64_t cl_rng_between(struct cl_rng *r, int64_t lo, int64_t hi)
{
    uint64_t draw = cl_rng_next(r); /* also when the range is empty: one call, one draw */

    if (hi <= lo) {
        return lo;
    }
    uint64_t range = (uint64_t)hi - (uint64_t)lo + 1;   /* 0 = all of int64 */
    uint64_t offset = range == 0 ? draw : draw % range; /* bias < range / 2^64: no matter here */
    return (int64_t)((uint64_t)lo + offset);
}

uint64_t cl_rng_hash(const char *s)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001B3);
    }
    return h;
}
