/* SPDX-License-Identifier: Apache-2.0 */
/* http_addr (private to backends/net): is an address one that a public host must not lead us to?
 * The answer to a CA whose URLs point into the network of its client. */
#ifndef HTTP_ADDR_H
#define HTTP_ADDR_H

#include <stdbool.h>
#include <sys/socket.h>

/** True for everything that is not a globally reachable unicast address (IANA special-purpose
 *  registries), also when it is wrapped into IPv6, and for families other than IPv4 and IPv6. */
bool http_addr_is_private(const struct sockaddr *sa);
/** The same for an address as text, without brackets; false if @text is not an address. */
bool http_addr_text_is_private(const char *text);

/* The proxies that the environment names for libcurl. Only their ports are kept. */
#define HTTP_PROXIES_MAX 6
struct http_proxies {
    unsigned short ports[HTTP_PROXIES_MAX];
    unsigned len;
};
/** The port of a proxy's URL, as libcurl takes it. */
unsigned short http_proxy_port(const char *proxy);
void http_proxies_read(struct http_proxies *ret);
bool http_proxies_have_port(const struct http_proxies *p, unsigned port);

#endif
