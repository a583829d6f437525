/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_values: what the write phase hands to templates. Private to dns_api_write.c and
 * dns_api_values.c. */
#ifndef DNS_API_VALUES_H
#define DNS_API_VALUES_H

#include "backends/dns/dns_api.h"

enum api_action { API_PUT, API_CREATE, API_DELETE };

/** A value as the provider wants it written: plain or quoted. */
struct dns_value api_wire(const struct api *p, const char *value);
json_t *api_wire_list(const struct api *p, const struct cl_strv *values); /* new reference */
/** rrset: sets values, old, old_ttl of @t for what is planned. */
enum api_action api_set_values(struct api_run *run, struct api_target *t);

/* The variables of a batch: `changes` has an entry for each name ({action, name, ttl, values, old,
 * old_ttl, adds, removes, got}), `adds` and `removes` one for each value ({name, value, ttl} and
 * {name, value, id, item}). */
struct api_batch {
    json_t *changes, *adds, *removes;
};
void api_batch_begin(struct api_batch *b);
/** Adds what is planned for @t; how many changes that were. */
size_t api_batch_add(struct api_run *run, struct api_target *t, struct api_batch *b);
void api_batch_end(struct api_batch *b, struct dns_env *env);

#endif
