/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen (private to backends/net): from a listen address to a listening socket. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "spec/base/cl_err.h"

#include <sys/socket.h>

struct http_listener {
    int fd;
    unsigned port;   /* 0 for a unix socket */
    char *unix_path; /* to be removed again; NULL if TCP, or if the socket was passed to us */
};
/** Binds and listens (non-blocking, close-on-exec), or takes over a copy of the service manager's
 *  socket for that address. Errors: LOCAL "ListenInvalid" "AddressInUse" "PermissionDenied"
 *  "AddressNotAvailable" "NotASocket" "ListenFailed". */
int http_listen_open(const char *where, struct http_listener *ret, struct cl_err *err);
void http_listen_close(struct http_listener *l);

#endif
