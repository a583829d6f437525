/* SPDX-License-Identifier: Apache-2.0 */
/* alpn_server: TLS servers that do nothing but answer tls-alpn-01 challenges (RFC 8737): a handshake
 * for a name that has an answer, with "acme-tls/1" alone, shows its certificate and ends; every
 * other one ends with an alert. And the other side: what does such a server show? */
#ifndef ALPN_SERVER_H
#define ALPN_SERVER_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"

#include <stdbool.h>

/* A certificate and its key, ready for use. */
struct alpn_certificate;
/** @pem: as cert_alpn_create makes it. Errors: INTERNAL "TLSFailed". */
int alpn_certificate_create(const char *pem, struct alpn_certificate **ret, struct cl_err *err);
void alpn_certificate_destroy(struct alpn_certificate *c); /* NULL is fine */

struct alpn_server_handler {
    /* The certificate for @server_name (lower-case), or NULL. Lent until the next turn. */
    const struct alpn_certificate *(*find)(void *user, const char *server_name);
    /* A client has completed its handshake for that name: it has seen the certificate. */
    void (*completed)(void *user, const char *server_name);
    void *user;
};
struct alpn_server;
/**
 * Listens as http_server does ("HOST:PORT", "[::]:443" with IPv4, "unix:/path"; a matching socket of
 * the service manager is used instead). @proxy_protocol: each connection begins with a PROXY header
 * of version 1 or 2, and one without is ended. TLS 1.2 and 1.3; 256 connections, the oldest makes
 * way for a new one; 10 s for a handshake.
 */
int alpn_server_start(struct loop *l, const char *listen, bool proxy_protocol,
                      const struct alpn_server_handler *handler, struct alpn_server **ret,
                      struct cl_err *err);
/** Ends open connections. Not from within a handler. NULL is fine. */
void alpn_server_stop(struct alpn_server *s);
unsigned alpn_server_port(const struct alpn_server *s); /* for listen addresses with port 0 */

struct alpn_probe_op {
    struct cl_op op; /* err: TRANSIENT "ConnectFailed" "TimedOut" "TLSFailed", LOCAL */
    /* Lent while done runs, NULL with an err: the certificate that was shown, PEM, and the protocol
     * that was agreed on ("" if none). */
    const char *cert_pem, *protocol;
};
/** Connects to @server ("ADDRESS:PORT", numeric) as a CA does: SNI @server_name, ALPN "acme-tls/1",
 *  nothing verified. */
void alpn_probe_start(struct loop *l, const char *server, const char *server_name, cl_time timeout,
                      struct alpn_probe_op *op);

#endif
