/* SPDX-License-Identifier: Apache-2.0 */
/* http_request: runs one request in a slot and lends its answer to done. The slot is at rest again
 * before done runs, so that a request started there gets the handle that has just been used. */
#include "backends/net/http_slot.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* What an op shows while done runs. On the stack of finish: done may free the op. */
struct http_lent {
    struct cl_buf body;
    struct cl_strv headers;
    char *final_url;
};

static void finish(struct http_transfer *t, const struct cl_err *err);
static void explain(struct http_transfer *t, CURLcode code, struct cl_err *err);

void http_start(struct http *h, const struct http_request *req, struct http_op *op)
{
    op->status = 0;
    memset(&op->headers, 0, sizeof op->headers);
    memset(&op->body, 0, sizeof op->body);
    op->final_url = NULL;
    op->lent = NULL;

    struct http_slot *s = http_slot_get(h);
    struct http_transfer *t = &s->transfer;
    t->op = &op->op;
    t->finish = finish;
    t->explain = explain;
    if (http_slot_prepare(s, req, &t->err) < 0) {
        http_transfer_fail(h, t);
        return;
    }
    http_transfer_start(h, t);
}

static void explain(struct http_transfer *t, CURLcode code, struct cl_err *err)
{
    struct http_slot *s = cl_container(t, struct http_slot, transfer);
    struct http_failure f = {.code = code,
                             .refusal = s->refusal,
                             .answered = s->answered,
                             .curl_text = t->curl_text,
                             .max_body = s->max_body};
    char *url = NULL;
    long status = 0;
    long sent = 0;

    /* A refused address that another address made up for is no failure. */
    if (s->refusal == HTTP_REFUSED_ADDRESS && code != CURLE_COULDNT_CONNECT &&
        code != CURLE_ABORTED_BY_CALLBACK) {
        f.refusal = HTTP_REFUSED_NOT;
    }
    (void)curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
    f.url = url;
    f.sent = sent > 0;
    http_explain(&f, err);
    err->http_status = s->answered ? (int)status : 0;
}

static void finish(struct http_transfer *t, const struct cl_err *err)
{
    struct http_slot *s = cl_container(t, struct http_slot, transfer);
    struct http_op *op = cl_container(t->op, struct http_op, op);
    struct http_lent lent = {.body = s->body, .headers = s->headers};
    struct cl_err copy; /* *err may be the slot's */
    char *url = NULL;

    memset(&s->body, 0, sizeof s->body);
    memset(&s->headers, 0, sizeof s->headers);
    if (s->answered) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &op->status);
        (void)curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
        lent.final_url = cl_strdup(url);
    }
    if (err != NULL) {
        copy = *err;
        err = &copy;
    }
    http_slot_put(s);

    op->body = lent.body;
    op->headers = lent.headers;
    op->final_url = lent.final_url;
    op->lent = &lent;
    cl_op_done(&op->op, err);

    cl_buf_deinit(&lent.body);
    cl_strv_deinit(&lent.headers);
    cl_free(lent.final_url);
}

char *http_take_body(struct http_op *op)
{
    char *text = cl_buf_take(&op->lent->body);
    memset(&op->body, 0, sizeof op->body);
    return text;
}
