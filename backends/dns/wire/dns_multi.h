/* SPDX-License-Identifier: Apache-2.0 */
/* dns_multi (private to backends/dns/wire): several questions to several servers at once. Ends when
 * all have ended; what is not needed any more can be cut short. A server that does not understand EDNS
 * (RFC 6891 7: FORMERR) is asked once more without it. */
#ifndef DNS_MULTI_H
#define DNS_MULTI_H

#include "backends/dns/wire/dns_msg.h"
#include "backends/net/dns_exchange.h"

struct dns_ask {
    const char *server, *name; /* lent while it starts */
    unsigned type;
    bool rd;
    bool quick; /* one try by UDP only: it was silent before */
};
struct dns_reply {
    bool ok; /* msg is an answer, whatever its rcode */
    struct dns_msg msg;
    struct cl_err err; /* if not */
    /* private */
    struct dns_exchange_op exchange;
    struct dns_multi_op *multi;
    char *server, *name;
    unsigned type;
    bool rd, quick, ended;
    bool plain; /* asked again, without EDNS */
};
struct dns_multi_op {
    struct cl_op op; /* err: CANCELLED only */
    /* Looks at a reply (index @i) when it comes; true: enough, the others are stopped. May be NULL.
     * Must not cancel or free the op. */
    bool (*got)(struct dns_multi_op *m, size_t i);
    /* Lent while got and done run, in the order of the questions. */
    struct dns_reply *replies;
    size_t n;
    /* private */
    struct loop *loop;
    size_t pending;
    cl_time timeout;
    bool enough, cancelled;
};
/** @timeout: of one try. */
void dns_multi_start(struct loop *l, cl_time timeout, const struct dns_ask *asks, size_t n,
                     struct dns_multi_op *op);

#endif
