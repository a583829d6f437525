/* SPDX-License-Identifier: Apache-2.0 */
/* http_impl (private to backends/net): what http.c (the engine: one multi handle on the loop),
 * http_request.c (requests) and http_probe.c (handshakes) share. */
#ifndef HTTP_IMPL_H
#define HTTP_IMPL_H

#include "backends/net/http.h"
#include "backends/net/http_addr.h"

#include <curl/curl.h>
#include <stdbool.h>

struct http {
    struct loop *loop;
    CURLM *multi; /* NULL while nothing was asked for a minute */
    char *user_agent;
    struct http_proxies proxies;
    char *proxy, *proxy_user, *no_proxy; /* of http_set_proxy; NULL = the environment's */
    struct loop_timer timer;             /* libcurl's only timeout */
    struct loop_task soon;               /* the same with a delay of 0 */
    struct loop_timer idle;              /* closes all connections */
    struct cl_list transfers;            /* that have started and not ended */
    struct cl_list slots; /* struct http_slot.transfer.link: at rest, last used first */
    unsigned slots_len;
    bool closing;
    bool reporting; /* inside the loop that hands out results */
};

/* One easy handle at work. Embedded first in what a kind of transfer needs besides. */
struct http_transfer {
    struct cl_list link;
    struct http *http;
    CURL *easy;
    struct cl_op *op;
    /* Called once, out of curl's callbacks; frees or reuses @t, then calls cl_op_done. */
    void (*finish)(struct http_transfer *t, const struct cl_err *err);
    /* Describes why curl gave up. */
    void (*explain)(struct http_transfer *t, CURLcode code, struct cl_err *err);
    struct cl_err err;      /* of a transfer that ends without curl */
    struct loop_task ended; /* calls finish for such a transfer */
    bool adopted;           /* in the multi handle */
    char curl_text[CURL_ERROR_SIZE];
};

/** Hands @t (http, easy, op, finish, explain are set) to the multi handle; op can be cancelled. */
void http_transfer_start(struct http *h, struct http_transfer *t);
/** Ends @t in the next turn with t->err, which the caller has filled. Instead of _start. */
void http_transfer_fail(struct http *h, struct http_transfer *t);

/* Why a callback of ours ended a transfer. */
enum http_refusal {
    HTTP_REFUSED_NOT,
    HTTP_REFUSED_BODY,    /* longer than max_body */
    HTTP_REFUSED_HEADERS, /* longer than HTTP_HEADERS_MAX */
    HTTP_REFUSED_ADDRESS, /* private */
    HTTP_REFUSED_REPEAT,  /* a request that goes once was to go a second time */
};
#define HTTP_HEADERS_MAX (64U * 1024U)

struct http_failure {
    CURLcode code;
    enum http_refusal refusal;
    bool sent;             /* a request had gone out */
    bool answered;         /* a status line had come */
    const char *url;       /* only its host and port are shown */
    const char *curl_text; /* CURLOPT_ERRORBUFFER */
    size_t max_body;
};
/** Fills @err from what went wrong; http_error.c. */
void http_explain(const struct http_failure *f, struct cl_err *err);
/** "host" or "host:port" of a URL: no user, path or query, which may hold secrets. */
void http_url_host(const char *url, char *buf, size_t size);

/** CURLOPT_OPENSOCKETFUNCTION that only adds close-on-exec. */
curl_socket_t http_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address);

/* ---- trust ---- */
struct http_trust {
    char *ca_pem; /* NULL = the system's */
    size_t ca_pem_len;
    bool skip_verify;
    unsigned char id[32]; /* hash of all this: equal trusts share prepared handles */
};

/** Frees the slots at rest; http_request.c. */
void http_slots_drop(struct http *h);

#endif
