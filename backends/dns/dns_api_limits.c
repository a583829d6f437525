/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_limits: token buckets: what an account may ask in a time. A bucket starts full and fills
 * evenly; a 429 empties it until the time that the answer names. */
#include "backends/dns/dns_api.h"
#include "spec/base/cl_alloc.h"

struct bucket {
    double tokens[DNS_RATES_MAX];
    cl_time at; /* when they were counted */
    cl_time blocked;
};

static struct bucket *bucket_for(struct api *p, const char *zone, const char *fqdn, cl_time now)
{
    const char *key = p->d->limits.scope == DNS_PER_ZONE   ? cl_str_or(zone, "")
                      : p->d->limits.scope == DNS_PER_NAME ? cl_str_or(fqdn, "")
                                                           : "";
    struct bucket *b = cl_map_get(&p->buckets, key);

    if (b == NULL) {
        b = cl_new(struct bucket);
        b->at = now;
        for (size_t i = 0; i < p->d->limits.n_rates; i++) {
            b->tokens[i] = p->d->limits.rates[i].count;
        }
        (void)cl_map_set(&p->buckets, key, b);
    }
    return b;
}

static void fill(const struct api *p, struct bucket *b, cl_time now)
{
    for (size_t i = 0; now > b->at && i < p->d->limits.n_rates; i++) {
        const struct dns_rate *r = &p->d->limits.rates[i];
        b->tokens[i] += (double)(now - b->at) * r->count / (double)r->per;
        b->tokens[i] = b->tokens[i] > r->count ? r->count : b->tokens[i];
    }
    b->at = now;
}

cl_time api_limits_take(struct api *p, const char *zone, const char *fqdn, cl_time now)
{
    struct bucket *b = bucket_for(p, zone, fqdn, now);
    cl_time until = b->blocked > now ? b->blocked : 0;

    fill(p, b, now);
    for (size_t i = 0; i < p->d->limits.n_rates; i++) {
        const struct dns_rate *r = &p->d->limits.rates[i];
        if (b->tokens[i] < 1.0) {
            cl_time wait = (cl_time)((1.0 - b->tokens[i]) * (double)r->per / r->count) + 1;
            until = cl_time_max(until, now + wait);
        }
    }
    for (size_t i = 0; until == 0 && i < p->d->limits.n_rates; i++) {
        b->tokens[i] -= 1.0;
    }
    return until;
}

void api_limits_block(struct api *p, const char *zone, const char *fqdn, cl_time until)
{
    struct bucket *b = bucket_for(p, zone, fqdn, until);

    b->blocked = cl_time_max(b->blocked, until);
}

void api_limits_deinit(struct api *p)
{
    size_t i = 0;
    const char *key = NULL;
    void *bucket = NULL;

    while (cl_map_next(&p->buckets, &i, &key, &bucket)) {
        cl_free(bucket);
    }
    cl_map_deinit(&p->buckets);
}
