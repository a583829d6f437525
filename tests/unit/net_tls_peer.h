/* SPDX-License-Identifier: Apache-2.0 */
/* net_tls_peer: a TLS server in a thread of its own, with certificates made on the spot. It
 * answers each HTTP request with 200, or says nothing at all. Only for tests/unit/test_net_*.c. */
#ifndef NET_TLS_PEER_H
#define NET_TLS_PEER_H

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- certificates ---- */

struct tls_identity {
    EVP_PKEY *key;
    X509 *cert;
};

static inline void tls_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/** @issuer NULL: a CA that signs itself; else a leaf with the subject alternative names @san. */
static inline void tls_identity_make(struct tls_identity *id, const char *name,
                                     const struct tls_identity *issuer, const char *san)
{
    static long serial;

    id->key = EVP_EC_gen("P-256");
    id->cert = X509_new();
    assert_non_null(id->key);
    assert_non_null(id->cert);
    X509_NAME *subject = X509_get_subject_name(id->cert);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    X509 *by = issuer != NULL ? issuer->cert : id->cert;
    assert_int_equal(X509_set_version(id->cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(id->cert), ++serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(id->cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(id->cert), 3600));
    assert_int_equal(X509_set_issuer_name(id->cert, X509_get_subject_name(by)), 1);
    assert_int_equal(X509_set_pubkey(id->cert, id->key), 1);
    tls_extend(id->cert, by, NID_basic_constraints,
               issuer != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (san != NULL) {
        tls_extend(id->cert, by, NID_subject_alt_name, san);
    }
    EVP_PKEY *signer = issuer != NULL ? issuer->key : id->key;
    assert_true(X509_sign(id->cert, signer, EVP_sha256()) > 0);
}

static inline void tls_identity_free(struct tls_identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
}

/** PEM text; cl_free it. */
static inline char *tls_pem(X509 *cert)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
    long len = BIO_get_mem_data(bio, &data);
    char *text = cl_strndup(data, (size_t)len);
    BIO_free(bio);
    return text;
}

/* ---- the server ---- */

struct tls_peer {
    SSL_CTX *ctx;
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint accepted, answered;
    bool silent;           /* does the handshake, then never says a word */
    bool no_handshake;     /* accepts and never says a word */
    char server_name[256]; /* of the last handshake; read after tls_peer_stop */
};

static inline int tls_on_name(SSL *ssl, int *alert, void *user)
{
    struct tls_peer *p = user;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    (void)snprintf(p->server_name, sizeof p->server_name, "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

/* One connection: in a thread of its own, so that kept connections do not hold up others. */
struct tls_conn {
    struct tls_peer *peer;
    int fd;
};

static inline void *tls_serve(void *arg)
{
    static const char REPLY[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct tls_conn *c = arg;
    struct tls_peer *p = c->peer;
    char in[8192];

    SSL *ssl = SSL_new(p->ctx);
    (void)SSL_set_fd(ssl, c->fd);
    if (p->no_handshake) {
        while (recv(c->fd, in, sizeof in, 0) > 0) {
        }
    } else if (SSL_accept(ssl) == 1) {
        while (SSL_read(ssl, in, sizeof in) > 0) { /* one record = one request here */
            if (!p->silent) {
                atomic_fetch_add(&p->answered, 1); /* before the client can know */
                (void)SSL_write(ssl, REPLY, sizeof REPLY - 1);
            }
        }
    }
    SSL_free(ssl);
    (void)close(c->fd);
    cl_free(c);
    return NULL;
}

static inline void *tls_accept(void *arg)
{
    struct tls_peer *p = arg;
    pthread_t threads[64];
    size_t len = 0;

    while (!atomic_load(&p->stop) && len < COUNT(threads)) {
        int fd = accept(p->fd, NULL, NULL);
        if (fd < 0) {
            break;
        }
        atomic_fetch_add(&p->accepted, 1);
        struct tls_conn *c = cl_new(struct tls_conn);
        c->peer = p;
        c->fd = fd;
        if (pthread_create(&threads[len], NULL, tls_serve, c) == 0) {
            len++;
        }
    }
    for (size_t i = 0; i < len; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return NULL;
}

static inline void tls_peer_start(struct tls_peer *p, const struct tls_identity *leaf, X509 *chain,
                                  int version)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;

    memset(p, 0, sizeof *p);
    p->ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(p->ctx, leaf->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, leaf->key), 1);
    assert_true(SSL_CTX_add1_chain_cert(p->ctx, chain) > 0);
    assert_true(SSL_CTX_set_min_proto_version(p->ctx, version) > 0);
    assert_true(SSL_CTX_set_max_proto_version(p->ctx, version) > 0);
    (void)SSL_CTX_set_tlsext_servername_callback(p->ctx, tls_on_name);
    (void)SSL_CTX_set_tlsext_servername_arg(p->ctx, p);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(p->fd, 64), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&in, &len), 0);
    p->port = ntohs(in.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, tls_accept, p), 0);
}

/** All clients must have closed their connections. */
static inline void tls_peer_stop(struct tls_peer *p)
{
    atomic_store(&p->stop, true);
    (void)shutdown(p->fd, SHUT_RDWR);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->fd);
    SSL_CTX_free(p->ctx);
}

#endif
