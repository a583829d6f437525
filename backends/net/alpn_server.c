/* SPDX-License-Identifier: Apache-2.0 */
/* alpn_server: OpenSSL in non-blocking mode on the loop. Whether a client is answered is decided by
 * its first message alone, so nobody keeps more here than a connection for some seconds.
 *
 * A connection: PROXY header (if there has to be one) -> handshake -> close_notify and FIN -> what
 * the client still sends is read and dropped until its FIN, so that no RST overtakes an alert. */
#include "backends/net/alpn_server.h"

#include "backends/net/alpn_proxy.h"
#include "backends/net/http_listen.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256U
#define ACCEPTS_MAX 64 /* before the rest of the program gets its turn */
#define HANDSHAKE_TIME (10 * CL_SECOND)
#define DRAIN_TIME (2 * CL_SECOND)
#define DRAIN_MAX 65536U
#define ACCEPT_AGAIN CL_SECOND /* after the process ran out of descriptors */
#define NAME_MAX_TEXT 256U
#define PROTOCOL "\x0a" /* length */ "acme-tls/1"
#define PROTOCOL_LEN 11U

struct alpn_certificate {
    X509 *cert;
    EVP_PKEY *pkey;
};
struct alpn_server {
    struct loop *loop;
    struct http_listener listener;
    struct loop_fd *watch;
    struct loop_timer again;
    struct alpn_server_handler handler;
    SSL_CTX *ctx;
    bool proxy_protocol;
    struct cl_list conns; /* struct conn.link, oldest first */
    unsigned conns_len;
};
struct conn {
    struct cl_list link;
    struct alpn_server *server;
    int fd;
    struct loop_fd *watch;
    struct loop_timer timer;
    struct alpn_proxy proxy;
    bool proxied, draining;
    size_t drained;
    SSL *ssl;
    char name[NAME_MAX_TEXT];
};

static int on_hello(SSL *ssl, int *alert, void *arg);
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg);
static void on_accept(void *user, int fd, unsigned ready);
static void on_conn(void *user, int fd, unsigned ready);
static void conn_close(struct conn *c);

static int fail_tls(struct cl_err *err, const char *what)
{
    char why[160];

    ERR_error_string_n(ERR_peek_last_error(), why, sizeof why);
    ERR_clear_error();
    return cl_fail(err, CL_ERR_INTERNAL, "TLSFailed", "%s: %s", what, why);
}

/* ---- certificates ---- */

int alpn_certificate_create(const char *pem, struct alpn_certificate **ret, struct cl_err *err)
{
    struct alpn_certificate *c = cl_new(struct alpn_certificate);
    BIO *bio = BIO_new_mem_buf(pem, -1);

    if (bio != NULL) {
        c->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        c->cert = c->pkey != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    }
    BIO_free(bio);
    if (c->cert == NULL) {
        alpn_certificate_destroy(c);
        return fail_tls(err, "the certificate of the challenge cannot be read");
    }
    *ret = c;
    return 0;
}

void alpn_certificate_destroy(struct alpn_certificate *c)
{
    if (c != NULL) {
        X509_free(c->cert);
        EVP_PKEY_free(c->pkey);
        cl_free(c);
    }
}

/* ---- start and stop ---- */

static SSL_CTX *make_context(struct alpn_server *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_client_hello_cb(ctx, on_hello, s);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, s);
    return ctx;
}

int alpn_server_start(struct loop *l, const char *listen, bool proxy_protocol,
                      const struct alpn_server_handler *handler, struct alpn_server **ret,
                      struct cl_err *err)
{
    struct alpn_server *s = cl_new(struct alpn_server);

    s->loop = l;
    s->handler = *handler;
    s->proxy_protocol = proxy_protocol;
    cl_list_init(&s->conns);
    if (http_listen_open(listen, &s->listener, err) < 0) {
        cl_free(s);
        return -1;
    }
    s->ctx = make_context(s);
    if (s->ctx == NULL) {
        http_listen_close(&s->listener);
        cl_free(s);
        return fail_tls(err, "no TLS server could be made");
    }
    s->watch = loop_fd_watch(l, s->listener.fd, LOOP_READ, on_accept, s);
    *ret = s;
    return 0;
}

void alpn_server_stop(struct alpn_server *s)
{
    if (s == NULL) {
        return;
    }
    while (!cl_list_empty(&s->conns)) {
        conn_close(cl_container(s->conns.next, struct conn, link));
    }
    loop_timer_stop(s->loop, &s->again);
    loop_fd_unwatch(s->watch);
    http_listen_close(&s->listener);
    SSL_CTX_free(s->ctx);
    cl_free(s);
}

unsigned alpn_server_port(const struct alpn_server *s)
{
    return s->listener.port;
}

/* ---- who is answered ---- */

/* The host name of the extension (RFC 6066 3): a list with one entry of type 0. */
static bool read_name(SSL *ssl, char name[NAME_MAX_TEXT])
{
    const unsigned char *p;
    size_t len;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len) != 1 || len < 5 ||
        (size_t)(p[0] << 8 | p[1]) != len - 2 || p[2] != TLSEXT_NAMETYPE_host_name ||
        (size_t)(p[3] << 8 | p[4]) != len - 5 || len - 5 >= NAME_MAX_TEXT) {
        return false;
    }
    for (size_t i = 0; i < len - 5; i++) {
        char c = (char)p[5 + i];
        if (c <= ' ' || c > '~') {
            return false;
        }
        name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    name[len - 5] = '\0';
    return true;
}

/* Is the challenge's protocol the only one on offer (RFC 8737 3)? */
static bool asks_for_challenge(SSL *ssl)
{
    const unsigned char *p;
    size_t len;

    return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &p,
                                     &len) == 1 &&
           len == 2 + PROTOCOL_LEN && p[0] == 0 && p[1] == PROTOCOL_LEN &&
           memcmp(p + 2, PROTOCOL, PROTOCOL_LEN) == 0;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
    struct alpn_server *s = arg;
    struct conn *c = SSL_get_app_data(ssl);

    if (!asks_for_challenge(ssl)) {
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }
    const struct alpn_certificate *found =
        read_name(ssl, c->name) ? s->handler.find(s->handler.user, c->name) : NULL;
    if (found == NULL) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (SSL_use_certificate(ssl, found->cert) != 1 || SSL_use_PrivateKey(ssl, found->pkey) != 1) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* on_hello has looked at what is on offer. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    (void)ssl;
    (void)arg;
    if (in_len != PROTOCOL_LEN) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = in + 1;
    *out_len = PROTOCOL_LEN - 1;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- connections ---- */

static void conn_close(struct conn *c)
{
    struct alpn_server *s = c->server;

    loop_timer_stop(s->loop, &c->timer);
    loop_fd_unwatch(c->watch);
    SSL_free(c->ssl);
    (void)close(c->fd);
    cl_list_remove(&c->link);
    s->conns_len--;
    cl_free(c);
}

static void conn_late(struct loop_timer *t)
{
    conn_close(t->user);
}

static bool conn_open(struct alpn_server *s, int fd)
{
    struct conn *c = cl_new(struct conn);

    c->server = s;
    c->fd = fd;
    c->proxied = !s->proxy_protocol;
    cl_list_add_tail(&s->conns, &c->link);
    s->conns_len++;
    c->watch = loop_fd_watch(s->loop, fd, LOOP_READ, on_conn, c);
    loop_at(s->loop, &c->timer, cl_time_add(loop_now(s->loop), HANDSHAKE_TIME), conn_late, c);
    c->ssl = SSL_new(s->ctx);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) {
        ERR_clear_error();
        conn_close(c);
        return false;
    }
    SSL_set_app_data(c->ssl, c);
    SSL_set_accept_state(c->ssl);
    return true;
}

static void accept_again(struct loop_timer *t)
{
    struct alpn_server *s = t->user;

    loop_fd_change(s->watch, LOOP_READ);
}

static void on_accept(void *user, int fd, unsigned ready)
{
    struct alpn_server *s = user;

    (void)ready;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                loop_fd_change(s->watch, 0); /* else the loop would turn and turn */
                loop_at(s->loop, &s->again, cl_time_add(loop_now(s->loop), ACCEPT_AGAIN),
                        accept_again, s);
            }
            if (errno != ECONNABORTED && errno != EINTR) {
                return;
            }
            continue;
        }
        if (s->conns_len >= CONNECTIONS_MAX) { /* whoever has been silent for longest goes */
            conn_close(cl_container(s->conns.next, struct conn, link));
        }
        (void)conn_open(s, client);
    }
}

static void start_draining(struct conn *c)
{
    struct alpn_server *s = c->server;

    c->draining = true;
    (void)shutdown(c->fd, SHUT_WR);
    loop_fd_change(c->watch, LOOP_READ);
    loop_at(s->loop, &c->timer, cl_time_add(loop_now(s->loop), DRAIN_TIME), conn_late, c);
}

static void drain(struct conn *c)
{
    unsigned char waste[2048];
    ssize_t n;

    while ((n = read(c->fd, waste, sizeof waste)) > 0) {
        c->drained += (size_t)n;
        if (c->drained > DRAIN_MAX) {
            break;
        }
    }
    if (n >= 0 || errno != EAGAIN) {
        conn_close(c);
    }
}

static void handshake(struct conn *c)
{
    ERR_clear_error();
    int rc = SSL_accept(c->ssl);
    int why = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, rc);

    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        loop_fd_change(c->watch, why == SSL_ERROR_WANT_READ ? LOOP_READ : LOOP_WRITE);
        return;
    }
    if (rc == 1) {
        (void)SSL_shutdown(c->ssl); /* nothing is ever said over it (RFC 8737 3) */
    }
    ERR_clear_error();
    start_draining(c);
    if (rc == 1) {
        struct alpn_server_handler handler = c->server->handler;
        char name[NAME_MAX_TEXT];
        (void)cl_format(name, sizeof name, "%s", c->name);
        handler.completed(handler.user, name);
    }
}

static void on_conn(void *user, int fd, unsigned ready)
{
    struct conn *c = user;

    (void)ready;
    if (c->draining) {
        drain(c);
        return;
    }
    if (!c->proxied) {
        int rc = alpn_proxy_read(&c->proxy, fd);
        if (rc < 0) {
            conn_close(c);
        }
        if (rc <= 0) {
            return;
        }
        c->proxied = true;
    }
    handshake(c);
}
