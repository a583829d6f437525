/* SPDX-License-Identifier: Apache-2.0 */
/* http_slot (private to backends/net): an easy handle that is prepared once and reused, with the
 * answer that it is receiving. http_slot.c tells libcurl what to do, http_request.c runs it. */
#ifndef HTTP_SLOT_H
#define HTTP_SLOT_H

#include "backends/net/http_impl.h"

/* What the handle was told last. Only differences are told again: a POST like the one before costs
 * three options instead of thirty. */
struct http_setup {
    char method[8];
    bool prepared, allow_http, follow, has_trust;
    long connect_timeout, timeout;
    unsigned char trust[32];
    struct cl_strv headers;
    struct curl_slist *slist; /* the same for libcurl */
};

struct http_slot {
    struct http_transfer transfer; /* first: finish gets its address */
    struct http_setup setup;
    char *sent; /* the request's body: libcurl reads it until the end */
    bool refuse_private;
    unsigned short proxy_port; /* of the proxy that was chosen; 0 = none, or the environment's */
    bool once, begun;          /* begun: handed to a connection */
    size_t max_body;
    /* the answer */
    struct cl_buf body;
    struct cl_strv headers;
    size_t header_bytes;
    bool answered;
    enum http_refusal refusal;
};

/** One at rest or a new one. */
struct http_slot *http_slot_get(struct http *h);
/** Puts it to rest (or frees it, if there are enough); its answer has been moved away. */
void http_slot_put(struct http_slot *s);
/** Makes the handle do @req: 0, or -1 with @err (the request itself is impossible). */
int http_slot_prepare(struct http_slot *s, const struct http_request *req, struct cl_err *err);

/** Tells the handle its proxy, each time. */
bool http_slot_set_proxy(struct http_slot *s, const struct http_request *req);

#endif
