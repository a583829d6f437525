/* SPDX-License-Identifier: Apache-2.0 */
/* alpn_client: one handshake as a CA makes it for tls-alpn-01 (RFC 8737 3), from a connected socket
 * of its own. Nothing is verified: the caller compares. */
#include "backends/net/alpn_server.h"
#include "backends/net/net_addr.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const unsigned char PROTOCOLS[] = "\x0a" /* length */ "acme-tls/1";

struct probe {
    struct loop *loop;
    struct alpn_probe_op *op;
    char server[NET_ADDR_TEXT];
    int fd;
    bool connected;
    struct loop_fd *watch;
    struct loop_timer timer;
    struct loop_task failed;
    SSL_CTX *ctx;
    SSL *ssl;
    struct cl_err err;
};

static void end(struct probe *p, const char *cert_pem)
{
    struct alpn_probe_op *op = p->op;
    struct cl_err err = p->err;
    const unsigned char *chosen = NULL;
    unsigned len = 0;

    loop_timer_stop(p->loop, &p->timer);
    loop_task_cancel(&p->failed);
    loop_fd_unwatch(p->watch);
    if (p->ssl != NULL) {
        SSL_get0_alpn_selected(p->ssl, &chosen, &len);
    }
    char *protocol = len > 0 ? cl_strndup((const char *)chosen, len) : cl_strdup("");
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    if (p->fd >= 0) {
        (void)close(p->fd);
    }
    cl_free(p);
    ERR_clear_error();
    op->cert_pem = cert_pem;
    op->protocol = protocol;
    cl_op_done(&op->op, err.kind != CL_ERR_NONE ? &err : NULL);
    cl_free(protocol);
}

static int fail_connect(struct probe *p, int errnum)
{
    (void)cl_fail_errno(&p->err, errnum, "ConnectFailed", "%s", p->server);
    p->err.kind = CL_ERR_TRANSIENT;
    return -1;
}

static void end_later(struct loop_task *t)
{
    end(t->user, NULL);
}

static void fail_later(struct probe *p)
{
    loop_defer(p->loop, &p->failed, end_later, p);
}

static void late(struct loop_timer *t)
{
    struct probe *p = t->user;

    (void)cl_fail(&p->err, CL_ERR_TRANSIENT, "TimedOut", "%s: no answer%s", p->server,
                  p->connected ? " to the TLS handshake" : "");
    end(p, NULL);
}

static void cancelled(struct cl_op *op)
{
    struct probe *p = op->impl;

    (void)cl_fail(&p->err, CL_ERR_CANCELLED, "Cancelled", "the connection was given up");
    fail_later(p);
}

/* What the other side's alert says, or how else the handshake ended. */
static void explain(struct probe *p, int why)
{
    char text[160] = "the connection was closed";
    unsigned long code = ERR_peek_last_error();

    if (code != 0) {
        const char *reason = ERR_reason_error_string(code);
        (void)cl_format(text, sizeof text, "%s", cl_str_or(reason, "unknown error"));
    } else if (why == SSL_ERROR_SYSCALL && errno == ECONNRESET) {
        (void)cl_format(text, sizeof text, "the connection was reset");
    }
    (void)cl_fail(&p->err, CL_ERR_TRANSIENT, "TLSFailed", "%s: the TLS handshake failed: %s",
                  p->server, text);
}

static void show(struct probe *p)
{
    X509 *cert = SSL_get0_peer_certificate(p->ssl);
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *pem = NULL;

    if (cert != NULL && bio != NULL && PEM_write_bio_X509(bio, cert) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        pem = cl_strndup(data, (size_t)len);
    } else {
        (void)cl_fail(&p->err, CL_ERR_TRANSIENT, "TLSFailed", "%s: no certificate was shown",
                      p->server);
    }
    BIO_free(bio);
    (void)SSL_shutdown(p->ssl);
    end(p, pem);
    cl_free(pem);
}

static void handshake(struct probe *p)
{
    ERR_clear_error();
    errno = 0;
    int rc = SSL_connect(p->ssl);
    int why = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(p->ssl, rc);

    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        loop_fd_change(p->watch, why == SSL_ERROR_WANT_READ ? LOOP_READ : LOOP_WRITE);
    } else if (rc == 1) {
        show(p);
    } else {
        explain(p, why);
        end(p, NULL);
    }
}

static void ready(void *user, int fd, unsigned events)
{
    struct probe *p = user;
    int failed = 0;
    socklen_t len = sizeof failed;

    (void)events;
    if (!p->connected) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0 || failed != 0) {
            (void)fail_connect(p, failed);
            end(p, NULL);
            return;
        }
        p->connected = true;
    }
    handshake(p);
}

/* OpenSSL's macro drops const, although the name is only copied. */
static bool set_server_name(SSL *ssl, const char *server_name)
{
    char *name = cl_strdup(server_name);
    bool ok = SSL_set_tlsext_host_name(ssl, name) == 1;

    cl_free(name);
    return ok;
}

static int prepare(struct probe *p, const char *server_name)
{
    p->ctx = SSL_CTX_new(TLS_client_method());
    p->ssl = p->ctx != NULL ? SSL_new(p->ctx) : NULL;
    if (p->ssl == NULL ||
        SSL_set_alpn_protos(p->ssl, PROTOCOLS, sizeof PROTOCOLS - 1) != 0 /* 0 is success */ ||
        !set_server_name(p->ssl, server_name) || SSL_set_fd(p->ssl, p->fd) != 1) {
        ERR_clear_error();
        return cl_fail(&p->err, CL_ERR_LOCAL, "TLSFailed",
                       "no TLS connection for the name %s can be made", server_name);
    }
    SSL_set_verify(p->ssl, SSL_VERIFY_NONE, NULL);
    SSL_set_connect_state(p->ssl);
    return 0;
}

static int connect_to(struct probe *p, const struct net_addr *a)
{
    p->fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd >= 0 && (connect(p->fd, &a->u.sa, a->len) == 0 || errno == EINPROGRESS)) {
        return 0;
    }
    return fail_connect(p, errno);
}

void alpn_probe_start(struct loop *l, const char *server, const char *server_name, cl_time timeout,
                      struct alpn_probe_op *op)
{
    struct probe *p = cl_new(struct probe);
    struct net_addr a;

    p->loop = l;
    p->op = op;
    p->fd = -1;
    op->op.impl = p;
    op->op.cancel = cancelled;
    if (net_addr_parse(server, 443, &a) < 0) {
        (void)cl_fail(&p->err, CL_ERR_LOCAL, "ProbeInvalid", "\"%.80s\" is no ADDRESS:PORT",
                      server);
        fail_later(p);
        return;
    }
    (void)net_addr_format(&a, p->server);
    if (connect_to(p, &a) < 0 || prepare(p, server_name) < 0) {
        fail_later(p);
        return;
    }
    p->watch = loop_fd_watch(l, p->fd, LOOP_WRITE, ready, p);
    loop_at(l, &p->timer, cl_time_add(loop_now(l), timeout > 0 ? timeout : 10 * CL_SECOND), late,
            p);
}
