/* SPDX-License-Identifier: Apache-2.0 */
/* dns_responder_answer (private to backends/dns): what an authoritative server with a few TXT
 * records says to a query. Pure: bytes in, bytes out. */
#ifndef DNS_RESPONDER_ANSWER_H
#define DNS_RESPONDER_ANSWER_H

#include "spec/base/cl_map.h"
#include "spec/base/cl_str.h"

#include <stdint.h>

struct dns_records { /* at one name */
    struct cl_strv values;
};
/* Names are normalised. */
struct dns_zone_data {
    struct cl_strv zones;
    char *ns, *contact;       /* NULL: below each zone */
    struct cl_strv addresses; /* of ns, canonical */
    uint32_t ttl, serial;
    struct cl_map names; /* -> struct dns_records, never empty ones */
};
/** The longest zone that holds @name, or NULL. */
const char *dns_zone_data_find(const struct dns_zone_data *z, const char *name);
/** Adds a value, or removes it; each of them once. */
void dns_zone_data_add(struct dns_zone_data *z, const char *name, const char *value);
void dns_zone_data_remove(struct dns_zone_data *z, const char *name, const char *value);
void dns_zone_data_deinit(struct dns_zone_data *z);

/** The answer to @query, written into @ret (65535 bytes): its length, 0 = stay silent. */
size_t dns_responder_answer(const struct dns_zone_data *z, const unsigned char *query, size_t len,
                            bool tcp, unsigned char *ret);

#endif
