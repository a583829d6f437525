/* SPDX-License-Identifier: Apache-2.0 */
/* http_slot: prepares libcurl's easy handles and receives the answers. Everything that guards
 * against hostile servers is here: size limits, protocols, addresses, trust. */
#include "backends/net/http_slot.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_hash.h"

#include <string.h>
#include <strings.h>

#define SLOTS_AT_REST 32U
#define MAX_REDIRECTS 5L
#define DEFAULT_CONNECT_TIMEOUT (10 * CL_SECOND)
#define DEFAULT_TIMEOUT (30 * CL_SECOND)
#define DEFAULT_MAX_BODY (1024U * 1024U)

static bool set_constants(struct http_slot *s);
static bool set_method(struct http_slot *s, const struct http_request *req);
static bool set_limits(struct http_slot *s, const struct http_request *req);
static bool set_trust(struct http_slot *s, const struct http_trust *trust);
static bool set_headers(struct http_slot *s, const struct cl_strv *headers);
static size_t on_body(char *data, size_t size, size_t n, void *user);
static size_t on_header(char *data, size_t size, size_t n, void *user);
static curl_socket_t on_open_socket(void *user, curlsocktype purpose,
                                    struct curl_sockaddr *address);
static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port);

/* libcurl's option macro in a form that can be chained with &&. */
#define SET(easy, option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static void slot_free(struct http_slot *s)
{
    curl_easy_cleanup(s->transfer.easy);
    curl_slist_free_all(s->setup.slist);
    cl_strv_deinit(&s->setup.headers);
    cl_strv_deinit(&s->headers);
    cl_buf_deinit(&s->body);
    cl_free(s->sent);
    cl_free(s);
}

struct http_slot *http_slot_get(struct http *h)
{
    if (!cl_list_empty(&h->slots)) {
        struct http_transfer *t = cl_container(h->slots.prev, struct http_transfer, link);
        cl_list_remove(&t->link);
        h->slots_len--;
        return cl_container(t, struct http_slot, transfer);
    }
    struct http_slot *s = cl_new(struct http_slot);
    s->transfer.http = h;
    s->transfer.easy = curl_easy_init();
    if (s->transfer.easy == NULL || !set_constants(s)) {
        cl_impossible("libcurl is out of memory, or older than 7.87");
    }
    return s;
}

void http_slot_put(struct http_slot *s)
{
    struct http *h = s->transfer.http;

    if (h->closing || h->slots_len >= SLOTS_AT_REST) {
        slot_free(s);
        return;
    }
    cl_list_add_tail(&h->slots, &s->transfer.link);
    h->slots_len++;
}

void http_slots_drop(struct http *h)
{
    cl_list_for_each(n, &h->slots) {
        cl_list_remove(n);
        slot_free(
            cl_container(cl_container(n, struct http_transfer, link), struct http_slot, transfer));
    }
    h->slots_len = 0;
}

static bool set_constants(struct http_slot *s)
{
    CURL *e = s->transfer.easy;

    return SET(e, CURLOPT_PRIVATE, (void *)&s->transfer) &&
           SET(e, CURLOPT_ERRORBUFFER, s->transfer.curl_text) && SET(e, CURLOPT_NOSIGNAL, 1L) &&
           SET(e, CURLOPT_USERAGENT, s->transfer.http->user_agent) &&
           SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           /* The compiled-in bundle is parsed once for all connections; a directory of hashed
            * certificates beside it would prevent that, and would be added to a trust's own PEM. */
           SET(e, CURLOPT_CAPATH, NULL) && SET(e, CURLOPT_PATH_AS_IS, 1L) &&
           SET(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
           SET(e, CURLOPT_MAXREDIRS, MAX_REDIRECTS) &&
           SET(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
           /* A transfer that ends during a name lookup leaves the resolver thread to itself
            * instead of waiting for it: the loop must not stand still. */
           SET(e, CURLOPT_QUICK_EXIT, 1L) && SET(e, CURLOPT_WRITEFUNCTION, on_body) &&
           SET(e, CURLOPT_WRITEDATA, s) && SET(e, CURLOPT_HEADERFUNCTION, on_header) &&
           SET(e, CURLOPT_HEADERDATA, s) && SET(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) &&
           SET(e, CURLOPT_OPENSOCKETDATA, s) && SET(e, CURLOPT_PREREQFUNCTION, on_connected) &&
           SET(e, CURLOPT_PREREQDATA, s);
}

/* Behind a proxy the address is not ours to see; what the URL itself says can be checked. */
static bool names_private_address(const char *url)
{
    bool found = false;
    char *host = NULL;
    CURLU *u = curl_url();

    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        size_t len = strlen(host);
        if (len > 2 && host[0] == '[') {
            host[len - 1] = '\0';
            found = http_addr_text_is_private(host + 1);
        } else {
            found = http_addr_text_is_private(host) || strcasecmp(host, "localhost") == 0;
        }
    }
    curl_free(host);
    curl_url_cleanup(u);
    return found;
}

int http_slot_prepare(struct http_slot *s, const struct http_request *req, struct cl_err *err)
{
    static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    bool known = false;

    for (size_t i = 0; METHODS[i] != NULL; i++) {
        known = known || cl_streq(req->method, METHODS[i]);
    }
    if (!known || cl_str_empty(req->url)) {
        return cl_fail(err, CL_ERR_INTERNAL, "RequestInvalid", "no such method, or no URL");
    }
    for (size_t i = 0; req->headers != NULL && i < req->headers->len; i++) {
        if (strpbrk(req->headers->items[i], "\r\n") != NULL) {
            return cl_fail(err, CL_ERR_INTERNAL, "RequestInvalid", "a header of two lines");
        }
    }
    if (req->refuse_private && names_private_address(req->url)) {
        struct http_failure f = {.refusal = HTTP_REFUSED_ADDRESS, .url = req->url};
        http_explain(&f, err);
        return -1;
    }
    s->refuse_private = req->refuse_private;
    s->once = req->once;
    s->begun = false;
    s->max_body = req->max_body != 0 ? req->max_body : DEFAULT_MAX_BODY;
    s->header_bytes = 0;
    s->answered = false;
    s->refusal = HTTP_REFUSED_NOT;
    cl_buf_init(&s->body, s->max_body);
    if (!set_method(s, req) || !set_limits(s, req) || !set_trust(s, req->trust) ||
        !http_slot_set_proxy(s, req) || !set_headers(s, req->headers) ||
        !SET(s->transfer.easy, CURLOPT_URL, req->url)) {
        s->setup.method[0] = '\0'; /* told again next time */
        s->setup.prepared = false;
        return cl_fail(err, CL_ERR_INTERNAL, "CurlFailed", "libcurl refuses an option");
    }
    s->setup.prepared = true;
    return 0;
}

static bool set_method(struct http_slot *s, const struct http_request *req)
{
    CURL *e = s->transfer.easy;
    bool get = cl_streq(req->method, "GET");
    bool head = cl_streq(req->method, "HEAD");
    bool same = cl_streq(s->setup.method, req->method);

    cl_free(s->sent);
    s->sent = NULL;
    if (!get && !head) {
        s->sent = cl_malloc(req->body_len + 1);
        if (req->body_len > 0) {
            memcpy(s->sent, req->body, req->body_len);
        }
        if (!SET(e, CURLOPT_POSTFIELDS, s->sent) ||
            !SET(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len)) {
            return false;
        }
    }
    if (same) {
        return true;
    }
    (void)cl_format(s->setup.method, sizeof s->setup.method, "%s", req->method);
    if (get) {
        return SET(e, CURLOPT_CUSTOMREQUEST, NULL) && SET(e, CURLOPT_HTTPGET, 1L);
    }
    if (head) {
        return SET(e, CURLOPT_CUSTOMREQUEST, NULL) && SET(e, CURLOPT_HTTPGET, 1L) &&
               SET(e, CURLOPT_NOBODY, 1L);
    }
    const char *custom = cl_streq(req->method, "POST") ? NULL : s->setup.method;
    return SET(e, CURLOPT_POST, 1L) && SET(e, CURLOPT_CUSTOMREQUEST, custom);
}

static long milliseconds(cl_time asked, cl_time otherwise)
{
    cl_time t = asked > 0 ? asked : otherwise;
    return (long)cl_time_min(t, CL_HOUR);
}

static bool set_limits(struct http_slot *s, const struct http_request *req)
{
    CURL *e = s->transfer.easy;
    struct http_setup *was = &s->setup;
    long connect_timeout = milliseconds(req->connect_timeout, DEFAULT_CONNECT_TIMEOUT);
    long timeout = milliseconds(req->timeout, DEFAULT_TIMEOUT);
    bool fetches = cl_streq(req->method, "GET") || cl_streq(req->method, "HEAD");
    bool follow = req->follow_redirects && fetches;
    bool ok = true;

    if (was->connect_timeout != connect_timeout) {
        ok = ok && SET(e, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout);
        was->connect_timeout = connect_timeout;
    }
    if (was->timeout != timeout) {
        ok = ok && SET(e, CURLOPT_TIMEOUT_MS, timeout);
        was->timeout = timeout;
    }
    if (!was->prepared || was->allow_http != req->allow_http) {
        const char *protocols = req->allow_http ? "http,https" : "https";
        ok = ok && SET(e, CURLOPT_PROTOCOLS_STR, protocols) &&
             SET(e, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
        was->allow_http = req->allow_http;
    }
    if (was->follow != follow) {
        ok = ok && SET(e, CURLOPT_FOLLOWLOCATION, follow ? 1L : 0L);
        was->follow = follow;
    }
    return ok;
}

/* ---- trust ---- */

static void trust_identify(struct http_trust *t)
{
    struct cl_buf all;
    cl_buf_init(&all, t->ca_pem_len + 2);
    (void)cl_buf_adds(&all, t->skip_verify ? "-" : t->ca_pem != NULL ? "=" : "+");
    (void)cl_buf_adds(&all, cl_str_or(t->ca_pem, ""));
    cl_sha256(all.data, all.len, t->id);
    cl_buf_deinit(&all);
}

struct http_trust *http_trust_create(const char *ca_pem, bool skip_verify)
{
    struct http_trust *t = cl_new(struct http_trust);
    t->ca_pem = cl_strdup(ca_pem);
    t->ca_pem_len = ca_pem != NULL ? strlen(ca_pem) : 0;
    t->skip_verify = skip_verify;
    trust_identify(t);
    return t;
}

void http_trust_destroy(struct http_trust *t)
{
    if (t != NULL) {
        cl_free(t->ca_pem);
        cl_free(t);
    }
}

/* libcurl shares a connection only between handles whose TLS settings are equal, the bytes of the
 * CA certificates included. It keeps its own copy: a handle at rest may outlive the trust. */
static bool set_trust(struct http_slot *s, const struct http_trust *trust)
{
    static const struct http_trust SYSTEM = {0};
    CURL *e = s->transfer.easy;
    const struct http_trust *t = trust != NULL ? trust : &SYSTEM;

    if (s->setup.has_trust && memcmp(s->setup.trust, t->id, sizeof t->id) == 0) {
        return true;
    }
    s->setup.has_trust = false;
    struct curl_blob blob = {.data = t->ca_pem, .len = t->ca_pem_len, .flags = CURL_BLOB_COPY};
    struct curl_blob *given = t->ca_pem != NULL ? &blob : NULL;
    if (!SET(e, CURLOPT_CAINFO_BLOB, given) ||
        !SET(e, CURLOPT_SSL_VERIFYPEER, t->skip_verify ? 0L : 1L) ||
        !SET(e, CURLOPT_SSL_VERIFYHOST, t->skip_verify ? 0L : 2L)) {
        return false;
    }
    memcpy(s->setup.trust, t->id, sizeof s->setup.trust);
    s->setup.has_trust = true;
    return true;
}

static bool set_headers(struct http_slot *s, const struct cl_strv *headers)
{
    static const struct cl_strv NONE = {0};
    const struct cl_strv *wanted = headers != NULL ? headers : &NONE;

    if (cl_strv_equal(&s->setup.headers, wanted)) {
        return true;
    }
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < wanted->len; i++) {
        struct curl_slist *longer = curl_slist_append(list, wanted->items[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
            return false;
        }
        list = longer;
    }
    if (!SET(s->transfer.easy, CURLOPT_HTTPHEADER, list)) {
        curl_slist_free_all(list);
        return false;
    }
    curl_slist_free_all(s->setup.slist);
    s->setup.slist = list;
    cl_strv_deinit(&s->setup.headers);
    cl_strv_copy(&s->setup.headers, wanted);
    return true;
}

/* ---- the answer ---- */

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct http_slot *s = user;

    if (cl_buf_add(&s->body, data, size * n) < 0) {
        s->refusal = HTTP_REFUSED_BODY;
        return 0;
    }
    return size * n;
}

/* A line that goes on with what the line before said (obsolete folding, RFC 9112 5.2). */
static void fold(struct cl_strv *headers, const char *text, size_t len)
{
    if (headers->len > 0) {
        char **last = &headers->items[headers->len - 1];
        char *joined = cl_printf("%s %.*s", *last, (int)len, text);
        cl_free(*last);
        *last = joined;
    }
}

static void add_header(struct http_slot *s, char *line, size_t len)
{
    char *colon = memchr(line, ':', len);

    if (colon == NULL || colon == line) {
        return;
    }
    size_t name_len = (size_t)(colon - line);
    const char *value = colon + 1;
    size_t value_len = len - name_len - 1;
    while (value_len > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        value_len--;
    }
    char *name = cl_strndup(line, name_len);
    cl_strv_take(&s->headers, cl_printf("%s: %.*s", cl_str_lower(name), (int)value_len, value));
    cl_free(name);
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
    struct http_slot *s = user;
    size_t all = size * n;
    size_t len = all;

    s->header_bytes += all;
    if (s->header_bytes > HTTP_HEADERS_MAX) {
        s->refusal = HTTP_REFUSED_HEADERS;
        return 0;
    }
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r' || data[len - 1] == ' ' ||
                       data[len - 1] == '\t')) {
        len--;
    }
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        /* a new answer: after 100 Continue, or a redirect that is followed */
        s->answered = true;
        cl_strv_deinit(&s->headers);
        cl_buf_reset(&s->body);
    } else if (len > 0 && (data[0] == ' ' || data[0] == '\t')) {
        fold(&s->headers, data + strspn(data, " \t"), len - strspn(data, " \t"));
    } else if (len > 0) {
        add_header(s, data, len);
    }
    return all;
}

/* ---- addresses ---- */

/* A proxy may well have a private address: it is the owner of this machine who chose it. */
static bool refused(struct http_slot *s, bool is_private, unsigned port)
{
    if (!s->refuse_private || !is_private || (s->proxy_port != 0 && port == s->proxy_port) ||
        http_proxies_have_port(&s->transfer.http->proxies, port)) {
        return false;
    }
    s->refusal = HTTP_REFUSED_ADDRESS;
    return true;
}

static unsigned port_of(const struct sockaddr *sa)
{
    /* sin_port and sin6_port are at the same place, as sa_data is */
    const unsigned char *p = (const unsigned char *)sa->sa_data;
    return (unsigned)p[0] << 8 | p[1];
}

static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_slot *s = user;

    if (refused(s, http_addr_is_private(&address->addr), port_of(&address->addr))) {
        return CURL_SOCKET_BAD;
    }
    return http_open_socket(user, purpose, address);
}

/* Runs each time a connection is there for the request. Also a kept one, made for a request without
 * this limit, leads somewhere; and one that ends in silence is followed by another. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's parameters */
static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    (void)local;
    (void)local_port;
    struct http_slot *s = user;
    if (s->once && s->begun) {
        s->refusal = HTTP_REFUSED_REPEAT;
        return CURL_PREREQFUNC_ABORT;
    }
    s->begun = true;
    return refused(s, http_addr_text_is_private(remote), (unsigned)remote_port)
               ? CURL_PREREQFUNC_ABORT
               : CURL_PREREQFUNC_OK;
}
