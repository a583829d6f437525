/* SPDX-License-Identifier: Apache-2.0 */
/* net_addr (private to backends/net): "ADDRESS:PORT" as text and as a socket address, for DNS.
 * Addresses are numeric: a lookup would block the loop. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct net_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t len;
};
#define NET_ADDR_TEXT 64

/** "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53": 0 or -1. */
int net_addr_parse(const char *text, unsigned short default_port, struct net_addr *ret);
/** All addresses of this machine: IPv6 with IPv4 mapped into it, or IPv4 alone. */
void net_addr_any(struct net_addr *ret, bool v6, unsigned short port);
unsigned short net_addr_port(const struct net_addr *a);
void net_addr_set_port(struct net_addr *a, unsigned short port);
/** "192.0.2.1" or "2001:db8::1"; an IPv4 address mapped into IPv6 is shown as IPv4. */
const char *net_addr_host(const struct net_addr *a, char buf[NET_ADDR_TEXT]);
/** "192.0.2.1:53" or "[2001:db8::1]:53". */
const char *net_addr_format(const struct net_addr *a, char buf[NET_ADDR_TEXT]);

#endif
