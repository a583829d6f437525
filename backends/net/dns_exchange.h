/* SPDX-License-Identifier: Apache-2.0 */
/* dns_exchange: one DNS query to one server and its answer, as bytes. UDP from a connected socket
 * (the kernel picks the port and drops what comes from elsewhere) with a random id, TCP when the
 * answer is truncated, when UDP stays silent, or when asked for (RFC 7766). What the bytes mean is
 * decided above (backends/dns/wire/dns_msg.h). */
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"

#include <stdbool.h>
#include <stddef.h>

#define DNS_SERVER_TEXT 64 /* "[2001:db8:...]:65535" and its NUL */

enum dns_transport {
    DNS_UDP_TCP, /* UDP; TCP once for a truncated answer, or when every UDP try was silent */
    DNS_UDP,     /* UDP; TCP for a truncated answer only */
    DNS_TCP
};
struct dns_exchange_request {
    const char *server; /* "192.0.2.1:53", "[2001:db8::1]:53"; without a port: 53 */
    const void *query;  /* a whole message with one question or zone; copied */
    size_t query_len;
    bool keep_id; /* the id in the query stays (it is signed); else each try gets a random one */
    enum dns_transport transport;
    cl_time timeout; /* of one try; 0 = 2 s */
    unsigned tries;  /* by UDP; 0 = 2 */
};
struct dns_exchange_op {
    struct cl_op
        op; /* err: TRANSIENT "TimedOut" "ConnectionRefused" "Unreachable" "ExchangeFailed",
                        LOCAL "ServerInvalid" "SocketFailed", CANCELLED */
    /* Lent while done runs. Its id is the query's, it is a response, and its question is the same
     * (it may be missing in an error and in the answer to an update). */
    const unsigned char *answer;
    size_t answer_len;
    bool tcp; /* it came that way */
};
void dns_exchange_start(struct loop *l, const struct dns_exchange_request *req,
                        struct dns_exchange_op *op);

/** Writes the canonical "ADDRESS:PORT" of @text: an IPv4 or IPv6 address (IPv6 in brackets if there
 *  is a port), port 53 if none is given. -1: "ServerInvalid", LOCAL. Names are not looked up. */
int dns_server_format(const char *text, char buf[DNS_SERVER_TEXT], struct cl_err *err);

#endif
