/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_internal: what the files of this folder share. The only header with OpenSSL types; nobody
 * outside the folder includes it. Nothing here reads the clock. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "backends/crypto/cert.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

typedef STACK_OF(X509_EXTENSION) ext_stack;
typedef STACK_OF(GENERAL_SUBTREE) subtree_stack;

struct key {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX **signer; /* made at the first ECDSA signature: an account key makes many */
};

/** cl_fail with the newest entry of this thread's OpenSSL error queue appended; drains the queue. */
int crypto_fail(struct cl_err *err, enum cl_err_kind kind, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** The algorithm of a public or private key, KEY_DEFAULT if it is none that certloop handles (also
 *  an elliptic curve other than P-256, P-384 and P-521). */
enum key_algorithm pkey_algorithm(EVP_PKEY *pkey);
/** Digest for signing with @pkey; NULL for Ed25519, which has its own. */
const EVP_MD *pkey_digest(EVP_PKEY *pkey);

/** Makes @pub the public key of @pkey. X509_set_pubkey would encode it and decode the result again. */
int pkey_set_public(X509_PUBKEY *pub, EVP_PKEY *pkey);

/* ---- names and extensions (cert_ext.c) ---- */

/** The subject of @spec. With @acme only the common name. NULL and @err if a value does not fit. */
X509_NAME *ext_subject(const struct cert_spec *spec, bool acme, struct cl_err *err);
/** Appends the extensions that @spec asks for to *exts: subject alternative names (critical if
 *  @san_critical) and, unless @acme, key usages and name constraints. */
int ext_add_spec(ext_stack **exts, const struct cert_spec *spec, bool acme, bool san_critical,
                 struct cl_err *err);
int ext_add_basic_constraints(ext_stack **exts, bool is_ca, int path_len);
/** @subject has its public key already; @issuer NULL: it is its own. */
int ext_add_key_ids(ext_stack **exts, const X509 *subject, const X509 *issuer);
int ext_add_urls(ext_stack **exts, const struct cert_sign_params *p);

/* ---- chains (cert_parse.c) ---- */

#define CHAIN_MAX 10u
#define CHAIN_BYTES_MAX ((size_t)64 << 10)
struct chain {
    X509 *certs[CHAIN_MAX]; /* leaf first */
    size_t len;
};
void chain_deinit(struct chain *c);
/** The next certificate of PEM text, in DER (OPENSSL_free); @seen: how many came before. 1: here it
 *  is, 0: the end, -1: something else, too many, or damaged. */
int chain_next_block(BIO *bio, size_t seen, unsigned char **ret_der, long *ret_len,
                     struct cl_err *err);
/** Parses PEM; anything but certificates in it is an error, as is an empty chain. */
/* On the loop's thread only: it keeps the last intermediate that it has decoded. */
int chain_read(const char *pem, struct chain *ret, struct cl_err *err);
/** Is each certificate signed by the next, and may the next sign? */
int chain_check(const struct chain *c, struct cl_err *err);
int chain_facts(const struct chain *c, struct cert_facts *ret, struct cl_err *err);

/** The most specific common name, cleaned, "" if none; owned. */
char *name_common_name(const X509_NAME *name);
/** Of the DER, lower-case hex; owned. */
char *x509_sha256(const X509 *x);
/** Appends @x in PEM. */
int cert_add_pem(struct cl_buf *b, X509 *x);

/* Subject alternative names as text; @other: there are kinds that certloop does not ask for. */
struct san_names {
    struct cl_strv dns, ip, uris, emails;
    bool other;
};
void san_deinit(struct san_names *s);
void san_read(const GENERAL_NAMES *names, struct san_names *ret);
/** Canonical text of an IP address in text form, or a copy of @text if it is none; owned. */
char *ip_canonical(const char *text);
/** 0 if @t is not a valid time. */
cl_time asn1_time_to_ms(const ASN1_TIME *t);

#endif
