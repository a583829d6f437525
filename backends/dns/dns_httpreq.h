/* SPDX-License-Identifier: Apache-2.0 */
/* dns_httpreq: a server that publishes records for us, by the protocol of lego's httpreq provider:
 * POST URL/present and URL/cleanup with a JSON body, 2xx is success. */
#ifndef DNS_HTTPREQ_H
#define DNS_HTTPREQ_H

#include "backends/dns/dns_provider.h"
#include "backends/net/http.h"

struct dns_httpreq_params {
    struct loop *loop;
    struct http *http;
    const char *url;      /* http or https */
    bool raw;             /* {domain, token, keyAuth} instead of {fqdn, value} */
    const char *username; /* with @password: basic authentication; else NULL */
    const char *password;
    cl_time timeout; /* of one request; 0 = 30 s */
};
struct dns_provider *dns_httpreq_create(const struct dns_httpreq_params *params);

#endif
