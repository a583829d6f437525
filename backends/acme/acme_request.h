/* SPDX-License-Identifier: Apache-2.0 */
/* acme_request: what can be asked of an ACME server and what comes back, as plain data shared by
 * the pure machines (acme_order, acme_account) and the transport. */
#ifndef ACME_REQUEST_H
#define ACME_REQUEST_H

#include "spec/base/cl_str.h"

#include <stdbool.h>
#include <stddef.h>

/* One X-macro row each: symbol, name in counters and messages. */
#define ACME_REQUESTS(X)          \
    X(DIRECTORY, "directory")     \
    X(NEW_NONCE, "newNonce")      \
    X(NEW_ACCOUNT, "newAccount")  \
    X(ACCOUNT, "account")         \
    X(KEY_CHANGE, "keyChange")    \
    X(REVOKE, "revokeCert")       \
    X(NEW_ORDER, "newOrder")      \
    X(ORDER, "order")             \
    X(AUTHZ, "authorization")     \
    X(CHALLENGE, "challenge")     \
    X(FINALIZE, "finalize")       \
    X(CERTIFICATE, "certificate") \
    X(DEACTIVATE, "deactivate")
enum acme_what {
#define X(symbol, name) ACME_##symbol,
    ACME_REQUESTS(X)
#undef X
        ACME_WHAT_COUNT
};
const char *acme_what_name(enum acme_what what);

/* A request of a machine. Borrowed while it is started. */
struct acme_request {
    enum acme_what what;
    const char *url;
    const char *payload; /* JSON; NULL = POST-as-GET, whose payload is the empty string */
    bool fresh; /* the resource was made a moment ago: a 404 may be replica lag, ask again */
};

/* A reply with a 2xx status. Everything else reaches the machines as a cl_err. Borrowed. */
struct acme_reply {
    long status;
    const char *location;    /* or NULL */
    const char *retry_after; /* or NULL */
    const char *body;
    size_t len;
    const struct cl_strv *alternates; /* of a certificate: URLs of its other chains; or NULL */
};

#endif
