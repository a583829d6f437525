/* SPDX-License-Identifier: Apache-2.0 */
/* http_error: what libcurl's result codes mean here. One table: code, kind, reason, sentence. The
 * text names host and port only: paths and queries of foreign URLs may hold secrets. */
#include "backends/net/http_impl.h"
#include "spec/base/cl_str.h"

#include <string.h>

static const struct meaning {
    CURLcode code;
    enum cl_err_kind kind;
    const char *reason;
    const char *phrase;
} MEANINGS[] = {
    {CURLE_COULDNT_RESOLVE_HOST, CL_ERR_TRANSIENT, "NameNotResolved", "the name has no address"},
    {CURLE_COULDNT_RESOLVE_PROXY, CL_ERR_TRANSIENT, "NameNotResolved", "the proxy has no address"},
    {CURLE_COULDNT_CONNECT, CL_ERR_TRANSIENT, "ConnectFailed", "cannot connect"},
    {CURLE_INTERFACE_FAILED, CL_ERR_TRANSIENT, "ConnectFailed", "cannot connect"},
    {CURLE_PROXY, CL_ERR_TRANSIENT, "ConnectFailed", "cannot connect through the proxy"},
    {CURLE_OPERATION_TIMEDOUT, CL_ERR_TRANSIENT, "TimedOut", "no complete answer in time"},
    {CURLE_PEER_FAILED_VERIFICATION, CL_ERR_TRANSIENT, "TLSVerifyFailed",
     "the server's certificate is not trusted"},
    {CURLE_SSL_ISSUER_ERROR, CL_ERR_TRANSIENT, "TLSVerifyFailed",
     "the server's certificate is not trusted"},
    {CURLE_SSL_CACERT_BADFILE, CL_ERR_LOCAL, "CABundleInvalid",
     "the CA certificates to trust cannot be loaded"},
    {CURLE_SSL_CONNECT_ERROR, CL_ERR_TRANSIENT, "TLSFailed", "the TLS handshake failed"},
    {CURLE_SSL_CIPHER, CL_ERR_TRANSIENT, "TLSFailed", "the TLS handshake failed"},
    {CURLE_SSL_CERTPROBLEM, CL_ERR_TRANSIENT, "TLSFailed", "the TLS handshake failed"},
    {CURLE_SSL_CLIENTCERT, CL_ERR_TRANSIENT, "TLSFailed", "a client certificate is demanded"},
    {CURLE_SSL_INVALIDCERTSTATUS, CL_ERR_TRANSIENT, "TLSFailed", "the TLS handshake failed"},
    {CURLE_USE_SSL_FAILED, CL_ERR_TRANSIENT, "TLSFailed", "the TLS handshake failed"},
    {CURLE_GOT_NOTHING, CL_ERR_TRANSIENT, "EmptyReply", "the connection ended without an answer"},
    {CURLE_SEND_ERROR, CL_ERR_TRANSIENT, "ConnectionLost", "the connection broke"},
    {CURLE_RECV_ERROR, CL_ERR_TRANSIENT, "ConnectionLost", "the connection broke"},
    {CURLE_PARTIAL_FILE, CL_ERR_TRANSIENT, "ConnectionLost", "the answer is incomplete"},
    {CURLE_WEIRD_SERVER_REPLY, CL_ERR_TRANSIENT, "BadResponse", "the answer is not HTTP"},
    {CURLE_WRITE_ERROR, CL_ERR_TRANSIENT, "BadResponse", "the answer is malformed"},
    {CURLE_BAD_CONTENT_ENCODING, CL_ERR_TRANSIENT, "BadResponse", "the answer is malformed"},
    {CURLE_TOO_MANY_REDIRECTS, CL_ERR_TRANSIENT, "TooManyRedirects",
     "more than 5 redirects were answered"},
    {CURLE_UNSUPPORTED_PROTOCOL, CL_ERR_BAD_RESULT, "ProtocolNotAllowed",
     "the URL has a scheme that is not allowed here"},
    {CURLE_URL_MALFORMAT, CL_ERR_BAD_RESULT, "URLMalformed", "the URL is malformed"},
    {CURLE_LOGIN_DENIED, CL_ERR_BAD_RESULT, "URLMalformed", "the URL holds a user name"},
    {CURLE_OUT_OF_MEMORY, CL_ERR_INTERNAL, "OutOfMemory", "libcurl is out of memory"},
};

static const struct meaning OTHER = {CURLE_OK, CL_ERR_TRANSIENT, "RequestFailed",
                                     "the request failed"};

static const struct meaning *find(CURLcode code)
{
    for (size_t i = 0; i < sizeof MEANINGS / sizeof MEANINGS[0]; i++) {
        if (MEANINGS[i].code == code) {
            return &MEANINGS[i];
        }
    }
    return &OTHER;
}

void http_explain(const struct http_failure *f, struct cl_err *err)
{
    char host[128];
    char detail[CL_CLEAN_TEXT];

    http_url_host(f->url, host, sizeof host);
    switch (f->refusal) {
    case HTTP_REFUSED_BODY:
        (void)cl_fail(err, CL_ERR_BAD_RESULT, "BodyTooLarge",
                      "%s: the answer is longer than %zu bytes", host, f->max_body);
        return;
    case HTTP_REFUSED_HEADERS:
        (void)cl_fail(err, CL_ERR_BAD_RESULT, "HeadersTooLarge",
                      "%s: the headers of the answer are longer than %u bytes", host,
                      HTTP_HEADERS_MAX);
        return;
    case HTTP_REFUSED_ADDRESS:
        (void)cl_fail(err, CL_ERR_TRANSIENT, "PrivateAddress",
                      "%s: leads to a private address, which this URL must not: not connected",
                      host);
        return;
    case HTTP_REFUSED_REPEAT:
        (void)cl_fail(err, CL_ERR_TRANSIENT, "EmptyReply",
                      "%s: the connection ended without an answer", host);
        return;
    case HTTP_REFUSED_NOT:
        break;
    }

    /* Bytes that are no HTTP/1 have the code of a wrong scheme. */
    bool garbage = f->code == CURLE_UNSUPPORTED_PROTOCOL && f->sent && !f->answered;
    const struct meaning *m = find(garbage ? CURLE_WEIRD_SERVER_REPLY : f->code);
    const char *text = f->curl_text[0] != '\0' ? f->curl_text : curl_easy_strerror(f->code);
    (void)cl_clean(detail, sizeof detail, text, strlen(text));
    if (strstr(text, "CONNECT tunnel failed") != NULL || strstr(text, "HTTP code 407") != NULL) {
        /* nothing was sent to the host itself */
        (void)cl_fail(err, CL_ERR_TRANSIENT, "ConnectFailed",
                      "%s: the proxy does not connect to it (407: user or password of the proxy "
                      "is wrong): %s",
                      host, detail);
        return;
    }
    (void)cl_fail(err, m->kind, m->reason, "%s: %s: %s", host, m->phrase, detail);
}

void http_url_host(const char *url, char *buf, size_t size)
{
    const char *start = strstr(cl_str_or(url, ""), "://");
    start = start != NULL ? start + 3 : cl_str_or(url, "");
    size_t len = strcspn(start, "/?#");
    for (size_t i = len; i > 0; i--) {
        if (start[i - 1] == '@') {
            start += i;
            len -= i;
            break;
        }
    }
    (void)cl_clean(buf, size, start, len);
}
