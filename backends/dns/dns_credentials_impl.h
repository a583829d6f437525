/* SPDX-License-Identifier: Apache-2.0 */
/* dns_credentials_impl: what is inside. Private to backends/dns. */
#ifndef DNS_CREDENTIALS_IMPL_H
#define DNS_CREDENTIALS_IMPL_H

#include "backends/dns/dns_credentials.h"

#include <jansson.h>

struct dns_credentials {
    json_t *values; /* input -> value; null for an optional one that is not there */
};

#endif
