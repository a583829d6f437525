/* SPDX-License-Identifier: Apache-2.0 */
/* http_probe: a TLS handshake to see which chain an endpoint serves. Nothing is verified and
 * nothing is sent after the handshake, so the endpoint need not speak HTTP. Always a connection of
 * its own, without a resumed session (which would show no chain) and past any proxy. */
#include "backends/net/http_impl.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define CHAIN_MAX (256U * 1024U)

struct probe {
    struct http_transfer transfer; /* first */
    struct curl_slist *connect_to;
    char *url;
};

static bool prepare(struct probe *p, const char *connect, const char *server_name, cl_time timeout);
static void finish(struct http_transfer *t, const struct cl_err *err);
static void explain(struct http_transfer *t, CURLcode code, struct cl_err *err);

void http_probe_start(struct http *h, const char *connect, const char *server_name, cl_time timeout,
                      struct http_probe_op *op)
{
    struct probe *p = cl_new(struct probe);

    op->chain_pem = NULL;
    p->transfer.http = h;
    p->transfer.op = &op->op;
    p->transfer.finish = finish;
    p->transfer.explain = explain;
    p->transfer.easy = curl_easy_init();
    if (p->transfer.easy != NULL && prepare(p, connect, server_name, timeout)) {
        http_transfer_start(h, &p->transfer);
        return;
    }
    (void)cl_fail(&p->transfer.err, CL_ERR_LOCAL, "ProbeInvalid",
                  "%s (server name %s) cannot be connected to: HOST:PORT is needed", connect,
                  server_name);
    http_transfer_fail(h, &p->transfer);
}

#define SET(easy, option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

/* The URL has the server name, for SNI; the connection goes to @connect whatever the URL says. */
static bool prepare(struct probe *p, const char *connect, const char *server_name, cl_time timeout)
{
    CURL *e = p->transfer.easy;
    long limit = (long)cl_time_min(timeout > 0 ? timeout : 10 * CL_SECOND, CL_HOUR);
    const char *port = strrchr(connect, ':');
    uint64_t number = 0;

    if (port == NULL || port == connect || cl_parse_u64(port + 1, UINT16_MAX, &number) < 0 ||
        number == 0) {
        return false;
    }
    bool v6 = strchr(server_name, ':') != NULL && server_name[0] != '[';
    p->url = cl_printf(v6 ? "https://[%s]/" : "https://%s/", server_name);
    char *to = cl_printf("::%s", connect);
    p->connect_to = curl_slist_append(NULL, to);
    cl_free(to);
    return p->connect_to != NULL && SET(e, CURLOPT_PRIVATE, (void *)&p->transfer) &&
           SET(e, CURLOPT_ERRORBUFFER, p->transfer.curl_text) && SET(e, CURLOPT_NOSIGNAL, 1L) &&
           SET(e, CURLOPT_QUICK_EXIT, 1L) && SET(e, CURLOPT_CONNECT_ONLY, 1L) &&
           SET(e, CURLOPT_URL, p->url) && SET(e, CURLOPT_PROTOCOLS_STR, "https") &&
           SET(e, CURLOPT_CONNECT_TO, p->connect_to) && SET(e, CURLOPT_PROXY, "") &&
           SET(e, CURLOPT_FRESH_CONNECT, 1L) && SET(e, CURLOPT_FORBID_REUSE, 1L) &&
           SET(e, CURLOPT_SSL_SESSIONID_CACHE, 0L) && SET(e, CURLOPT_SSL_ENABLE_ALPN, 0L) &&
           SET(e, CURLOPT_SSL_VERIFYPEER, 0L) && SET(e, CURLOPT_SSL_VERIFYHOST, 0L) &&
           SET(e, CURLOPT_CERTINFO, 1L) && SET(e, CURLOPT_CONNECTTIMEOUT_MS, limit) &&
           SET(e, CURLOPT_TIMEOUT_MS, limit) &&
           SET(e, CURLOPT_OPENSOCKETFUNCTION, http_open_socket);
}

static void explain(struct http_transfer *t, CURLcode code, struct cl_err *err)
{
    struct probe *p = cl_container(t, struct probe, transfer);
    /* "::HOST:PORT": the name that was connected to is the one to show */
    struct http_failure f = {
        .code = code, .url = p->connect_to->data + 2, .curl_text = t->curl_text};
    http_explain(&f, err);
}

/* libcurl describes each certificate in lines "Name:value"; "Cert:" has the PEM. */
static char *read_chain(CURL *easy)
{
    struct curl_certinfo *info = NULL;
    struct cl_buf chain;

    cl_buf_init(&chain, CHAIN_MAX);
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) == CURLE_OK && info != NULL) {
        for (int i = 0; i < info->num_of_certs; i++) {
            for (struct curl_slist *line = info->certinfo[i]; line != NULL; line = line->next) {
                if (!cl_str_starts(line->data, "Cert:")) {
                    continue;
                }
                const char *pem = line->data + strlen("Cert:");
                if (cl_buf_addf(&chain, "%s%s", pem, cl_str_ends(pem, "\n") ? "" : "\n") < 0) {
                    break; /* a chain of that size: what fits is shown */
                }
            }
        }
    }
    char *text = chain.len > 0 ? cl_buf_take(&chain) : NULL;
    cl_buf_deinit(&chain);
    return text;
}

static void finish(struct http_transfer *t, const struct cl_err *err)
{
    struct probe *p = cl_container(t, struct probe, transfer);
    struct http_probe_op *op = cl_container(t->op, struct http_probe_op, op);
    char *chain = NULL;
    struct cl_err copy = {0}; /* *err may be the transfer's */

    if (err != NULL) {
        copy = *err;
        err = &copy;
    } else if ((chain = read_chain(t->easy)) == NULL) {
        (void)cl_fail(&copy, CL_ERR_TRANSIENT, "TLSFailed", "%s: no certificate was served",
                      p->connect_to->data + 2);
        err = &copy;
    }
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(p->connect_to);
    cl_free(p->url);
    cl_free(p);

    op->chain_pem = chain;
    cl_op_done(&op->op, err);
    cl_free(chain);
}
