/* SPDX-License-Identifier: Apache-2.0 */
/* sim_ca_limits (private to backends/sim): the token buckets of a model CA, written apart from those of
 * the daemon: counted here are the real requests. Switched on by: ca HOST limits=letsencrypt */
#ifndef SIM_CA_LIMITS_H
#define SIM_CA_LIMITS_H

#include "backends/sim/sim_ca.h"

struct sim_limits;
/** letsencrypt or none: 0, else -1. */
int sim_ca_limits_set(struct sim_ca *ca, const char *name);
/** The overall rate of requests: true, and the answer is a 503, if @path is asked for too often. */
bool sim_ca_too_fast(struct sim_ca *ca, const char *path, struct sim_response *res);
/** May a new order for @names ("dns:NAME") be made? False: the answer is a 429. What an order costs is
 *  spent here, what a certificate costs when it is issued. */
bool sim_ca_order_allowed(struct sim_ca *ca, const struct sim_account *account,
                          const struct cl_strv *names, bool replaces, struct sim_response *res);
void sim_ca_order_issued(struct sim_ca *ca, const struct cl_strv *names, bool replaces);
void sim_ca_name_failed(struct sim_ca *ca, const struct sim_account *account, const char *name);
bool sim_ca_account_allowed(struct sim_ca *ca, struct sim_response *res);

/* How a CA counts, for those who check it from outside. */
struct sim_limit {
    const char *what; /* in the text of a 429 */
    double capacity, refill_seconds;
};
extern const struct sim_limit SIM_LE_ORDERS, SIM_LE_DOMAIN, SIM_LE_SET, SIM_LE_FAILED;
/** The last two labels: all names of scenarios are such. Points into @name. */
const char *sim_registered_domain(const char *name);

#endif
