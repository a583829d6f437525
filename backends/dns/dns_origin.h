/* SPDX-License-Identifier: Apache-2.0 */
/* dns_origin: scheme, host and port of a URL: where credentials may go. Private to backends/dns. */
#ifndef DNS_ORIGIN_H
#define DNS_ORIGIN_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_str.h"

#include <stdbool.h>

/* Parts of a URL, all borrowed from its text. */
struct dns_url {
    const char *origin, *host, *path, *query; /* query: after "?", or "" */
    size_t origin_len, host_len, path_len;    /* host with its port */
    bool https;
};
/** Takes a URL apart, strictly: no user names, backslashes, spaces, control characters, fragments. 0 or
 *  -1. */
int dns_url_split(const char *url, struct dns_url *ret);
/** "https://api.example" in lower case, a default port left out; NULL if it is no URL. Owned. */
char *dns_url_origin(const char *url);
/** Is @origin one at a loopback address ("http://127.0.0.1:8080", localhost, [::1])? */
bool dns_origin_is_loopback(const char *origin);
/** The URL to ask instead of @url by a map of "FROM=TO": owned; NULL = @url itself. */
char *dns_origin_mapped(const struct cl_strv *map, const char *url);

#endif
