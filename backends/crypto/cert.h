/* SPDX-License-Identifier: Apache-2.0 */
/* cert: requests, certificates, chains. Time is an argument; no OpenSSL type appears. */
#ifndef CERT_H
#define CERT_H

#include "backends/crypto/key.h"
#include "spec/base/cl_err.h"
#include "spec/manifest.h"

/* What goes into a CSR or a certificate. Borrowed. */
struct cert_params {
    const struct cert_spec *spec; /* names, subject, isCA, usages, name constraints */
    bool acme; /* leave subject, URIs, e-mails, usages out (the CA ignores them) */
};
/** PKCS#10 in DER; *ret owned. CN: spec->common_name if given, never longer than 64. */
int csr_create(const struct cert_params *p, const struct key *k, unsigned char **ret,
               size_t *ret_len, struct cl_err *err);
/** SANs of a CSR, for the resume check. */
int csr_names(const unsigned char *der, size_t len, struct cl_strv *ret_dns, struct cl_strv *ret_ip,
              struct cl_err *err);

/* Signing in process, for ca and selfSigned. */
struct cert_sign_params {
    const struct cert_spec *spec;
    const struct key *subject_key;
    const struct key *issuer_key; /* == subject_key for self-signed */
    const char *issuer_pem;       /* issuer certificate (first of a chain); NULL = self-signed */
    cl_time now, duration;        /* notBefore = now - 5 min; notAfter never past the issuer's */
    int path_len;                 /* for isCA; -1 = none */
    const struct cl_strv *crl_distribution_points, *ocsp_servers, *issuing_certificate_urls;
};
/** One PEM certificate, appended to @ret. Serial: 159 random bits. */
int cert_sign(const struct cert_sign_params *p, struct cl_buf *ret, struct cl_err *err);

/** Parses a PEM chain, leaf first, into facts. Reasons: "InvalidCertificate", "InvalidChain" (a
 *  certificate is not signed by the next). */
int cert_parse_chain(const char *pem, struct cert_facts *ret, struct cl_err *err);
/** Splits a PEM chain: leaf alone and the rest (may be ""); both owned. */
int cert_split_chain(const char *pem, char **ret_leaf, char **ret_rest, struct cl_err *err);

/* What a chain is chosen by. */
struct cert_link {
    char *issuer_cn; /* common name of whoever issued it, "" if none */
    char *sha256;    /* of the DER, hex */
};
#define CERT_LINKS_MAX 10u
struct cert_links { /* leaf first */
    struct cert_link items[CERT_LINKS_MAX];
    size_t len;
};
void cert_links_deinit(struct cert_links *l);
/** Reads a PEM chain; signatures are not looked at. */
int cert_links_read(const char *pem, struct cert_links *ret, struct cl_err *err);
/**
 * Puts a chain in order (RFC 8555 7.4.2: the leaf first, each certificate signed by the next): the
 * leaf is the one that belongs to @k; what stands beside the chain is dropped. *ret is NULL if it was
 * in order, else owned. Fails if certificates are there, but not the one that signed the leaf.
 */
int cert_chain_repair(const char *pem, const struct key *k, char **ret, struct cl_err *err);
/** Does the leaf of @pem belong to @k? "InvalidKeyPair" if not. */
int cert_matches_key(const char *pem, const struct key *k, struct cl_err *err);

/**
 * The guard between a CA's answer and the archive: at most 10 certificates and 64 KiB; leaf key ==
 * @k; SAN set == names of @spec; valid at @now (notBefore at most 5 min ahead); CA:TRUE only if
 * spec->is_ca; each signed by the next; intermediates not expired. Errors are BAD_RESULT with
 * reason "WrongKey", "WrongNames", "NotValidNow", "UnexpectedCA", "InvalidChain", ...
 * On success *ret gets the facts.
 */
int cert_guard(const char *pem, const struct cert_spec *spec, const struct key *k, cl_time now,
               struct cert_facts *ret, struct cl_err *err);
/** The name in a CSR or certificate is 64 bytes at most: the CN to use for @spec, or NULL. */
const char *cert_common_name(const struct cert_spec *spec);

/** "OpenSSL 3.0.19 ..." */
const char *crypto_version(void);

#endif
