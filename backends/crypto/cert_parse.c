/* SPDX-License-Identifier: Apache-2.0 */
/* cert_parse: PEM chains into facts. Every text that comes out of a certificate is foreign: it is
 * cleaned before it enters a fact. No clock is read: validity is judged by callers. */
#include "backends/crypto/cert.h"
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* ---- chains ---- */

void chain_deinit(struct chain *c)
{
    for (size_t i = 0; i < c->len; i++) {
        X509_free(c->certs[i]);
    }
    c->len = 0;
}

int chain_next_block(BIO *bio, size_t seen, unsigned char **ret_der, long *ret_len,
                     struct cl_err *err)
{
    char *name = NULL;
    char *header = NULL;
    int rc = 1;

    if (PEM_read_bio(bio, &name, &header, ret_der, ret_len) != 1) {
        unsigned long last = ERR_peek_last_error();
        if (ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE) {
            ERR_clear_error();
            return 0;
        }
        return crypto_fail(err, CL_ERR_PERMANENT, "InvalidCertificate",
                           "certificate %zu of the chain is damaged", seen + 1);
    }
    if (!cl_streq(name, PEM_STRING_X509) && !cl_streq(name, PEM_STRING_X509_OLD)) {
        char clean[CL_CLEAN_TEXT];
        rc = cl_fail(err, CL_ERR_PERMANENT, "InvalidCertificate",
                     "there is a %.40s where only certificates belong",
                     cl_clean(clean, sizeof(clean), name, strlen(name)));
    } else if (seen == CHAIN_MAX) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "InvalidChain",
                     "the chain has more than %u certificates", CHAIN_MAX);
    }
    if (rc < 0) {
        OPENSSL_free(*ret_der);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    return rc;
}

static X509 *decode(const unsigned char *der, long len)
{
    const unsigned char *p = der;
    X509 *x = d2i_X509(NULL, &p, len);

    if (x != NULL && (p != der + len || X509_get0_pubkey(x) == NULL)) {
        X509_free(x);
        return NULL;
    }
    return x;
}

/* The chains of one CA end alike, and decoding a certificate takes ten times as long as the rest of
 * what is done with it: the last intermediate is kept. */
static struct {
    X509 *cert;
    unsigned char *der;
    long len;
} kept;

static X509 *decode_kept(const unsigned char *der, long len)
{
    if (kept.cert != NULL && kept.len == len && memcmp(kept.der, der, (size_t)len) == 0) {
        (void)X509_up_ref(kept.cert);
        return kept.cert;
    }
    X509 *x = decode(der, len);
    if (x == NULL) {
        return NULL;
    }
    X509_free(kept.cert);
    cl_free(kept.der);
    kept.cert = x;
    kept.der = cl_malloc((size_t)len);
    memcpy(kept.der, der, (size_t)len);
    kept.len = len;
    (void)X509_up_ref(x);
    return x;
}

/* 1: a certificate was appended, 0: the end, -1: an error. */
static int chain_read_one(BIO *bio, struct chain *c, struct cl_err *err)
{
    unsigned char *data = NULL;
    long len = 0;
    int rc = chain_next_block(bio, c->len, &data, &len, err);

    if (rc <= 0) {
        return rc;
    }
    X509 *x = c->len == 0 ? decode(data, len) : decode_kept(data, len);
    if (x == NULL) {
        rc = crypto_fail(err, CL_ERR_PERMANENT, "InvalidCertificate",
                         "certificate %zu of the chain cannot be parsed", c->len + 1);
    } else {
        c->certs[c->len++] = x;
    }
    OPENSSL_free(data);
    return rc;
}

int chain_read(const char *pem, struct chain *ret, struct cl_err *err)
{
    size_t len = strnlen(pem, CHAIN_BYTES_MAX + 1);
    int rc = 1;

    ret->len = 0;
    if (len > CHAIN_BYTES_MAX) {
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidChain", "the chain is longer than %zu bytes",
                       CHAIN_BYTES_MAX);
    }
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    if (bio == NULL) {
        return crypto_fail(err, CL_ERR_INTERNAL, "InvalidCertificate", "out of memory");
    }
    while (rc == 1) {
        rc = chain_read_one(bio, ret, err);
    }
    BIO_free(bio);
    if (rc == 0 && ret->len == 0) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "InvalidCertificate", "there is no certificate");
    }
    if (rc < 0) {
        chain_deinit(ret);
    }
    return rc;
}

int chain_check(const struct chain *c, struct cl_err *err)
{
    for (size_t i = 0; i + 1 < c->len; i++) {
        X509 *subject = c->certs[i];
        X509 *issuer = c->certs[i + 1];
        if (X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(issuer)) != 0 ||
            X509_verify(subject, X509_get0_pubkey(issuer)) != 1) {
            return crypto_fail(err, CL_ERR_PERMANENT, "InvalidChain",
                               "certificate %zu of the chain is not signed by certificate %zu",
                               i + 1, i + 2);
        }
        if (X509_check_ca(issuer) == 0) {
            return crypto_fail(err, CL_ERR_PERMANENT, "InvalidChain",
                               "certificate %zu of the chain is not a CA's", i + 2);
        }
    }
    return 0;
}

/* ---- values ---- */

cl_time asn1_time_to_ms(const ASN1_TIME *t)
{
    struct tm tm;

    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1) {
        ERR_clear_error();
        return 0;
    }
    return (cl_time)timegm(&tm) * CL_SECOND;
}

static void take_text(struct cl_strv *v, const ASN1_STRING *s, bool lower)
{
    char *text =
        cl_clean_dup((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));

    cl_strv_take(v, lower ? cl_str_lower(text) : text);
}

static bool take_ip(struct cl_strv *v, const ASN1_STRING *s)
{
    char text[INET6_ADDRSTRLEN];
    int len = ASN1_STRING_length(s);

    if ((len != 4 && len != 16) ||
        inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof(text)) ==
            NULL) {
        return false;
    }
    cl_strv_add(v, text);
    return true;
}

void san_deinit(struct san_names *s)
{
    cl_strv_deinit(&s->dns);
    cl_strv_deinit(&s->ip);
    cl_strv_deinit(&s->uris);
    cl_strv_deinit(&s->emails);
}

void san_read(const GENERAL_NAMES *names, struct san_names *ret)
{
    *ret = (struct san_names){0};
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *gn = sk_GENERAL_NAME_value(names, i);
        switch (gn->type) {
        case GEN_DNS:
            take_text(&ret->dns, gn->d.dNSName, true);
            break;
        case GEN_URI:
            take_text(&ret->uris, gn->d.uniformResourceIdentifier, false);
            break;
        case GEN_EMAIL:
            take_text(&ret->emails, gn->d.rfc822Name, false);
            break;
        case GEN_IPADD:
            ret->other = !take_ip(&ret->ip, gn->d.iPAddress) || ret->other;
            break;
        default: /* int of OpenSSL: otherName, dirName, x400, EDI, RID */
            ret->other = true;
            break;
        }
    }
}

static char *name_text(const X509_NAME *name)
{
    char *data = NULL;
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());

    /* UTF-8 stays readable; cl_clean takes care of control characters. */
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >=
            0) {
        long len = BIO_get_mem_data(bio, &data);
        text = cl_clean_dup(data, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    return text != NULL ? text : cl_strdup("");
}

char *name_common_name(const X509_NAME *name)
{
    int at = -1;
    unsigned char *utf8 = NULL;
    char *text = NULL;

    for (int i = -1; (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;) {
        at = i; /* the last one is the most specific */
    }
    if (at >= 0) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, at);
        int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));
        if (len >= 0) {
            text = cl_clean_dup((const char *)utf8, (size_t)len);
            OPENSSL_free(utf8);
        }
    }
    ERR_clear_error();
    return text != NULL ? text : cl_strdup("");
}

static char *serial_text(const X509 *x)
{
    char *text = NULL;
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *hex = n != NULL ? BN_bn2hex(n) : NULL;

    if (hex != NULL) {
        text = cl_str_lower(cl_strdup(hex));
    }
    OPENSSL_free(hex);
    BN_free(n);
    return text != NULL ? text : cl_strdup("");
}

/* base64url(AKI keyIdentifier) "." base64url(content octets of the serial), RFC 9773 4.1. */
static char *ari_cert_id(X509 *x)
{
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);
    char *id = NULL;

    /* Tag and a length of one octet come first: a serial has at most 20 octets. */
    if (aki != NULL && len > 2 && len < 0x80) {
        char *a = cl_base64url(ASN1_STRING_get0_data(aki), (size_t)ASN1_STRING_length(aki));
        char *b = cl_base64url(der + 2, (size_t)len - 2);
        id = cl_printf("%s.%s", a, b);
        cl_free(a);
        cl_free(b);
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return id != NULL ? id : cl_strdup("");
}

static char *der_sha256(unsigned char *take_der, int len)
{
    char hex[CL_SHA256_TEXT] = "";

    if (len > 0) {
        cl_sha256_hex(take_der, (size_t)len, hex);
    }
    OPENSSL_free(take_der);
    return cl_strdup(hex);
}

char *x509_sha256(const X509 *x)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x, &der);

    return der_sha256(der, len);
}

static char *spki_sha256(const X509 *x)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

    return der_sha256(der, len);
}

/* ---- facts ---- */

int chain_facts(const struct chain *c, struct cert_facts *ret, struct cl_err *err)
{
    X509 *leaf = c->certs[0];
    struct cert_facts f = {0};
    struct san_names san;

    f.not_before = asn1_time_to_ms(X509_get0_notBefore(leaf));
    f.not_after = asn1_time_to_ms(X509_get0_notAfter(leaf));
    if (f.not_before == 0 || f.not_after == 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidCertificate",
                       "the validity of the certificate cannot be read");
    }
    for (size_t i = 1; i < c->len; i++) {
        cl_time t = asn1_time_to_ms(X509_get0_notAfter(c->certs[i]));
        f.chain_not_after = i == 1 ? t : cl_time_min(f.chain_not_after, t);
    }
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    san_read(names, &san);
    GENERAL_NAMES_free(names);
    f.dns_names = san.dns;
    f.ip_addresses = san.ip;
    f.uris = san.uris;
    f.email_addresses = san.emails;
    f.serial = serial_text(leaf);
    f.sha256 = x509_sha256(leaf);
    f.spki_sha256 = spki_sha256(leaf);
    f.subject = name_text(X509_get_subject_name(leaf));
    f.issuer = name_text(X509_get_issuer_name(leaf));
    f.common_name = name_common_name(X509_get_subject_name(leaf));
    EVP_PKEY *pkey = X509_get0_pubkey(leaf);
    enum key_algorithm algorithm = pkey_algorithm(pkey);
    f.key_algorithm =
        cl_strdup(algorithm == KEY_DEFAULT ? "unknown" : key_algorithm_name(algorithm));
    f.key_size = EVP_PKEY_get_bits(pkey);
    f.chain_length = (long)c->len;
    f.is_ca = (X509_get_extension_flags(leaf) & EXFLAG_CA) != 0;
    f.ari_cert_id = ari_cert_id(leaf);
    ERR_clear_error();
    *ret = f;
    return 0;
}

int cert_parse_chain(const char *pem, struct cert_facts *ret, struct cl_err *err)
{
    struct chain c = {0};

    if (chain_read(pem, &c, err) < 0) {
        return -1;
    }
    int rc = chain_check(&c, err);
    if (rc == 0) {
        rc = chain_facts(&c, ret, err);
    }
    chain_deinit(&c);
    return rc;
}
