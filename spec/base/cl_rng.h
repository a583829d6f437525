/* SPDX-License-Identifier: Apache-2.0 */
/* cl_rng: seedable generator for jitter and simulation. Never for keys, tokens or nonces. */
#ifndef CL_RNG_H
#define CL_RNG_H

#include <stdint.h>

struct cl_rng {
    uint64_t state;
};
void cl_rng_seed(struct cl_rng *r, uint64_t seed);
uint64_t cl_rng_next(struct cl_rng *r);
/** Uniform in [lo, hi]; exactly one draw. hi < lo gives lo. */
int64_t cl_rng_between(struct cl_rng *r, int64_t lo, int64_t hi);
/** FNV-1a of a string: a seed that stays the same across restarts. */
uint64_t cl_rng_hash(const char *s);

#endif
