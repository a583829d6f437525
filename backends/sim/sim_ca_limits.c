/* SPDX-License-Identifier: Apache-2.0 */
/* sim_ca_limits: what Let's Encrypt counts (letsencrypt.org/docs/rate-limits): token buckets that hold so
 * many and get one more each so many seconds; renewals of a set that was issued before are exempt from
 * the limits of orders and domains, those with a good "replaces" from all. */
#include "backends/sim/sim_ca_limits.h"

#include "spec/base/cl_alloc.h"

#include <string.h>

const struct sim_limit SIM_LE_ORDERS = {"too many new orders", 300, 36};
const struct sim_limit SIM_LE_DOMAIN = {"too many certificates", 50, 202 * 60};
const struct sim_limit SIM_LE_SET = {"too many certificates", 5, 34 * 3600};
const struct sim_limit SIM_LE_FAILED = {"too many failed authorizations", 5, 12 * 60};
static const struct sim_limit ACCOUNTS = {"too many new registrations", 10, 18 * 60};

struct bucket {
    double tokens;
    cl_time at;
};
struct sim_limits {
    struct cl_map buckets; /* "WHAT KEY" -> struct bucket */
    struct cl_map issued;  /* sets of names */
};

int sim_ca_limits_set(struct sim_ca *ca, const char *name)
{
    if (cl_streq(name, "letsencrypt") && ca->limits == NULL) {
        ca->limits = cl_new(struct sim_limits);
    }
    return cl_streq(name, "letsencrypt") || (cl_streq(name, "none") && ca->limits == NULL) ? 0 : -1;
}

static struct bucket *bucket(struct sim_ca *ca, const struct sim_limit *limit, const char *kind,
                             const char *key)
{
    char *id = cl_printf("%s %s", kind, key);
    struct bucket *b = cl_map_get(&ca->limits->buckets, id);

    if (b == NULL) {
        b = cl_new(struct bucket);
        b->tokens = limit->capacity;
        b->at = sim->now;
        (void)cl_map_set(&ca->limits->buckets, id, b);
    }
    cl_free(id);
    b->tokens += (double)(sim->now - b->at) / 1000.0 / limit->refill_seconds;
    b->tokens = b->tokens > limit->capacity ? limit->capacity : b->tokens;
    b->at = sim->now;
    return b;
}

/* A thousandth of a token is the rounding of milliseconds. */
static bool empty(const struct bucket *b)
{
    return b->tokens < 0.999;
}

static void refuse(struct sim_ca *ca, const struct sim_limit *limit, const struct bucket *b,
                   const char *of, struct sim_response *res)
{
    double wait = (1.0 - b->tokens) * limit->refill_seconds;
    cl_time until = sim->now + (cl_time)(wait * 1000.0) + CL_SECOND;
    char at[CL_TIME_TEXT];
    char seconds[32];
    char *text = cl_printf("%s%s in the last window, retry after %s: see the documentation",
                           limit->what, of, cl_time_format(until, at));

    ca->n_limited++;
    sim_trace("%s: 429: %s", ca->host, text);
    sim_ca_problem(res, 429, "rateLimited", text);
    (void)cl_format(seconds, sizeof seconds, "%lld",
                    (long long)((until - sim->now + CL_SECOND - 1) / CL_SECOND));
    sim_response_header(res, "retry-after", seconds);
    cl_free(text);
}

static const char *bare(const char *typed)
{
    return strchr(typed, ':') + 1;
}

const char *sim_registered_domain(const char *name)
{
    const char *last = strrchr(name, '.');

    for (const char *p = last; p != NULL && p > name;) {
        p--;
        if (*p == '.') {
            return p + 1;
        }
    }
    return name;
}

static bool certificates_allowed(struct sim_ca *ca, const struct cl_strv *names, const char *set,
                                 bool same_set, struct sim_response *res)
{
    const struct bucket *b = bucket(ca, &SIM_LE_SET, "set", set);

    if (empty(b)) {
        refuse(ca, &SIM_LE_SET, b, " (5) already issued for this exact set of identifiers", res);
        return false;
    }
    cl_strv_for_each(typed, names) {
        const char *domain = sim_registered_domain(bare(typed));
        b = bucket(ca, &SIM_LE_DOMAIN, "domain", domain);
        if (!same_set && empty(b)) {
            char *of = cl_printf(" (50) already issued for \"%s\"", domain);
            refuse(ca, &SIM_LE_DOMAIN, b, of, res);
            cl_free(of);
            return false;
        }
    }
    return true;
}

bool sim_ca_order_allowed(struct sim_ca *ca, const struct sim_account *account,
                          const struct cl_strv *names, bool replaces, struct sim_response *res)
{
    if (ca->limits == NULL || replaces) {
        return true;
    }
    cl_strv_for_each(typed, names) {
        char *key = cl_printf("%s %s", account->id, bare(typed));
        const struct bucket *b = bucket(ca, &SIM_LE_FAILED, "failed", key);
        cl_free(key);
        if (empty(b)) {
            refuse(ca, &SIM_LE_FAILED, b, " (5) for this name", res);
            return false;
        }
    }
    char *set = cl_strv_join(names, " ");
    bool same_set = cl_map_get(&ca->limits->issued, set) != NULL;
    bool ok = certificates_allowed(ca, names, set, same_set, res);
    struct bucket *orders = bucket(ca, &SIM_LE_ORDERS, "orders", account->id);
    if (ok && !same_set && empty(orders)) {
        refuse(ca, &SIM_LE_ORDERS, orders, " (300) from this account", res);
        ok = false;
    } else if (ok && !same_set) {
        orders->tokens -= 1;
    }
    cl_free(set);
    return ok;
}

void sim_ca_order_issued(struct sim_ca *ca, const struct cl_strv *names, bool replaces)
{
    struct cl_strv domains = {0};

    if (ca->limits == NULL) {
        return;
    }
    char *set = cl_strv_join(names, " ");
    bool same_set = cl_map_set(&ca->limits->issued, set, ca) != NULL;
    if (!replaces) {
        bucket(ca, &SIM_LE_SET, "set", set)->tokens -= 1;
    }
    cl_strv_for_each(typed, names) {
        const char *domain = sim_registered_domain(bare(typed));
        if (!replaces && !same_set && !cl_strv_has(&domains, domain)) {
            cl_strv_add(&domains, domain);
            bucket(ca, &SIM_LE_DOMAIN, "domain", domain)->tokens -= 1;
        }
    }
    cl_strv_deinit(&domains);
    cl_free(set);
}

void sim_ca_name_failed(struct sim_ca *ca, const struct sim_account *account, const char *name)
{
    if (ca->limits != NULL) {
        char *key = cl_printf("%s %s", account->id, name);
        bucket(ca, &SIM_LE_FAILED, "failed", key)->tokens -= 1;
        cl_free(key);
    }
}

bool sim_ca_account_allowed(struct sim_ca *ca, struct sim_response *res)
{
    if (ca->limits == NULL) {
        return true;
    }
    struct bucket *b = bucket(ca, &ACCOUNTS, "accounts", "");
    if (empty(b)) {
        refuse(ca, &ACCOUNTS, b, " (10) from this IP address", res);
        return false;
    }
    b->tokens -= 1;
    return true;
}

bool sim_ca_too_fast(struct sim_ca *ca, const char *path, struct sim_response *res)
{
    static const struct {
        const char *path;
        double rate, burst;
    } RATES[] = {{"/nonce", 20, 10}, {"/account", 5, 15}, {"/order", 300, 200}, {"/dir", 40, 40}};
    struct sim_limit limit = {"", 125, 1.0 / 250.0};
    const char *kind = "/acme";

    if (ca->limits == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof RATES / sizeof RATES[0]; i++) {
        if (cl_streq(path, RATES[i].path)) {
            limit.capacity = RATES[i].burst;
            limit.refill_seconds = 1.0 / RATES[i].rate;
            kind = path;
        }
    }
    struct bucket *b = bucket(ca, &limit, "rate", kind);
    if (b->tokens < 1) {
        ca->n_too_fast++;
        sim_ca_problem(res, 503, "rateLimited", "too many requests a second");
        sim_response_header(res, "retry-after", "1");
        return true;
    }
    b->tokens -= 1;
    return false;
}
