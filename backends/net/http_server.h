/* SPDX-License-Identifier: Apache-2.0 */
/* http_server: small HTTP/1.1 servers (libmicrohttpd on its epoll descriptor inside the loop). */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "backends/rt/loop.h"
#include "spec/base/cl_buf.h"

#include <stdbool.h>

struct http_server_request {
    const char *method, *path, *host; /* host: lower-case, no port or []; "" if none */
    const char *query_name;           /* value of ?name=, NULL if none */
    const char *remote;               /* "192.0.2.1" or "unix" */
};
struct http_server_response {
    unsigned status;
    const char *content_type;
    struct cl_buf body; /* initialised by the server with max 4 MiB */
    void *tag;          /* handed to completed */
};
struct http_server_handler {
    void (*handle)(void *user, const struct http_server_request *req,
                   struct http_server_response *res);
    /* The response for which handle set @tag has been sent completely (only then); may be NULL. */
    void (*completed)(void *user, void *tag);
    void *user;
};
struct http_server;
/**
 * Listens on "HOST:PORT", "[::]:80" (IPv4 too), ":8080" (all) or "unix:/path" (mode 0660, stale
 * socket replaced); a matching socket of the service manager is used instead. Only GET and HEAD,
 * bodies refused, 16 KiB of headers, 100 connections, 10 s timeout.
 */
int http_server_start(struct loop *l, const char *listen, const struct http_server_handler *handler,
                      struct http_server **ret, struct cl_err *err);
/** Ends open connections without `completed`. Not from within a handler. NULL is fine. */
void http_server_stop(struct http_server *s);
/** Actual port, for listen addresses with port 0. */
unsigned http_server_port(const struct http_server *s);

#endif
