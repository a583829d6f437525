/* SPDX-License-Identifier: Apache-2.0 */
/* dns_listen: the sockets of a DNS server, UDP and TCP on one address, inside the loop. What is
 * answered is decided by the caller, at once. */
#ifndef DNS_LISTEN_H
#define DNS_LISTEN_H

#include "backends/rt/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct dns_listen_query {
    const unsigned char *data;
    size_t len;
    bool tcp;
    const char *remote; /* "192.0.2.1" */
};
struct dns_listen_handler {
    /* Writes the answer into @ret (65535 bytes) and returns its length; 0 = stay silent. How much
     * fits into a datagram is the handler's matter: it knows what the query allows. Must not stop
     * the listener. */
    size_t (*answer)(void *user, const struct dns_listen_query *q, unsigned char *ret);
    void *user;
};
#define DNS_LISTEN_ANSWER 65535U

struct dns_listener;
/**
 * Listens on "ADDRESS:PORT", "[::]:53" (IPv4 too) or ":53" (all addresses). At most 50 TCP
 * connections (a further one replaces the one that was silent longest), each ends after 10 s
 * without a complete query. Errors: LOCAL "ListenInvalid" "AddressInUse" "PermissionDenied"
 * "AddressNotAvailable" "ListenFailed".
 */
int dns_listen_start(struct loop *l, const char *listen, const struct dns_listen_handler *handler,
                     struct dns_listener **ret, struct cl_err *err);
/** Not from within the handler. NULL is fine. */
void dns_listen_stop(struct dns_listener *d);
/** Actual port, for listen addresses with port 0. */
unsigned dns_listen_port(const struct dns_listener *d);

#endif
