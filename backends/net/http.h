/* SPDX-License-Identifier: Apache-2.0 */
/* http: HTTP(S) requests over one libcurl multi handle on the loop. Connections are kept and
 * shared. The caller bounds how many are in flight; libcurl never queues. */
#ifndef HTTP_H
#define HTTP_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <stdbool.h>

struct http;
struct http_params {
    const char *user_agent; /* "certloop/0.1.0" */
};
struct http *http_create(struct loop *l, const struct http_params *p, struct cl_err *err);
/** Running requests end with CANCELLED first. Not from within a done. NULL is fine. */
void http_destroy(struct http *h);
/** For requests that name no proxy themselves. @proxy: URL, "" = none, NULL = what the environment
 *  says; @user: "USER:PASSWORD" or NULL; @no_proxy: list as in libcurl's no_proxy, or NULL = the
 *  environment's. Copied; requests that run go on as they began. */
void http_set_proxy(struct http *h, const char *proxy, const char *user, const char *no_proxy);
/** Names the variable of the environment that sends requests through a proxy; NULL if none does. */
const char *http_proxy_variable(void);

/* Trust for a group of requests; owned by the caller, outlives its requests. Loaded lazily. */
struct http_trust;
/** @ca_pem: PEM text used instead of the system's bundle; NULL = the system's. */
struct http_trust *http_trust_create(const char *ca_pem, bool skip_verify);
void http_trust_destroy(struct http_trust *t);

struct http_request {
    const char *method;            /* "GET" "HEAD" "POST" "PUT" "PATCH" "DELETE" */
    const char *url;               /* https:, or http: if allow_http */
    const struct cl_strv *headers; /* "Name: value"; NULL = none */
    const void *body;              /* copied; not with GET and HEAD */
    size_t body_len;
    const struct http_trust *trust;
    cl_time connect_timeout; /* default 10 s */
    cl_time timeout;         /* whole request; default 30 s */
    size_t max_body;         /* default 1 MiB; longer = "BodyTooLarge", BAD_RESULT */
    bool follow_redirects;   /* GET and HEAD only, at most 5, same protocols */
    bool allow_http;
    bool refuse_private;    /* address loopback, private, link-local, multicast: "PrivateAddress" */
    const char *proxy;      /* URL; "" = none; NULL = as http_set_proxy says */
    const char *proxy_user; /* "USER:PASSWORD" for it, or NULL */
    bool once; /* not idempotent. Otherwise libcurl sends it again by itself when a kept connection
                * ends without an answer, though the server may have done what it was asked. */
};
struct http_op {
    struct cl_op op; /* err: TRANSIENT "ConnectFailed" "TLSFailed" "TimedOut" ..., BAD_RESULT */
    /* Results: lent while done runs and freed by http afterwards: read, copy, or http_take_body;
     * never free or take them in another way. An HTTP error status is not an err. After an err
     * they hold what had arrived of the answer, often nothing. */
    long status;            /* 0 = no answer */
    struct cl_strv headers; /* "name: value", names lower-cased, in order */
    struct cl_buf body;
    char *final_url;
    struct http_lent *lent; /* private */
};
void http_start(struct http *h, const struct http_request *req, struct http_op *op);
/** The body, to be kept: NUL-terminated, never NULL, cl_free it. Only while done runs; afterwards
 *  op->body is empty. */
char *http_take_body(struct http_op *op);
/** First header of that (lower-case) name, or NULL. */
const char *http_header(const struct http_op *op, const char *name);
/** All values of Link with rel == @rel (case-insensitive, RFC 8288), appended to @ret. */
void http_links(const struct http_op *op, const char *rel, struct cl_strv *ret);

/* TLS probe: handshake only, no verification; what leaf and chain are served? */
struct http_probe_op {
    struct cl_op op;
    char *chain_pem; /* as served, leaf first; lent while done runs; NULL with an err */
};
/** @connect "HOST:PORT" (IPv6 in brackets); SNI @server_name. */
void http_probe_start(struct http *h, const char *connect, const char *server_name, cl_time timeout,
                      struct http_probe_op *op);
/** "libcurl/7.88.1 OpenSSL/3.0.19 ..." */
const char *http_version(void);

#endif
