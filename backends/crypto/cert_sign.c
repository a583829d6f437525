/* SPDX-License-Identifier: Apache-2.0 */
/* cert_sign: signing in process, for the ca and selfSigned issuers (RFC 5280). notAfter is never past
 * the issuer's, serials are 159 random bits. */
#include "backends/crypto/cert.h"
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define BACKDATE (5 * CL_MINUTE) /* for clients whose clock is behind */
#define SERIAL_BITS 159          /* positive, and at most 20 octets (RFC 5280 4.1.2.2) */

static int set_serial(X509 *x)
{
    BIGNUM *n = BN_new();
    int rc = -1;

    if (n != NULL && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
        !BN_is_zero(n) && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL) {
        rc = 0;
    }
    BN_free(n);
    return rc;
}

static int set_validity(X509 *x, const struct cert_sign_params *p, const X509 *issuer,
                        struct cl_err *err)
{
    cl_time duration = p->duration > 0 ? p->duration : 90 * CL_DAY;
    cl_time from = p->now > BACKDATE ? p->now - BACKDATE : p->now;
    cl_time to = cl_time_add(p->now, duration);
    char text[CL_TIME_TEXT];

    if (issuer != NULL) {
        cl_time end = asn1_time_to_ms(X509_get0_notAfter(issuer));
        if (end <= p->now) {
            return cl_fail(err, CL_ERR_PERMANENT, "IssuerExpired",
                           "the CA certificate expired at %s: replace it",
                           cl_time_format(end, text));
        }
        to = cl_time_min(to, end);
    }
    if (ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(from / CL_SECOND)) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(to / CL_SECOND)) == NULL) {
        return crypto_fail(err, CL_ERR_PERMANENT, "InvalidDuration",
                           "the validity cannot be expressed in a certificate");
    }
    return 0;
}

/* An issuer without a name is not allowed (RFC 5280 4.1.2.4), and a self-signed certificate is its
 * own: without a subject it takes its first name that fits. */
static int name_self(X509_NAME *subject, const struct cert_spec *spec)
{
    const char *cn = "self-signed";
    const struct cl_strv *const lists[] = {&spec->dns_names, &spec->ip_addresses};

    for (size_t i = 2; i-- > 0;) {
        struct cert_spec one = {0};
        for (size_t k = lists[i]->len; k-- > 0;) {
            one.common_name = lists[i]->items[k];
            cn = cl_str_or(cert_common_name(&one), cn);
        }
    }
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1,
                                      -1, 0) == 1
               ? 0
               : -1;
}

static int set_names(X509 *x, const struct cert_sign_params *p, const X509 *issuer, bool *ret_empty,
                     struct cl_err *err)
{
    X509_NAME *subject = ext_subject(p->spec, false, err);

    if (subject == NULL) {
        return -1;
    }
    if (issuer == NULL && X509_NAME_entry_count(subject) == 0 && name_self(subject, p->spec) < 0) {
        X509_NAME_free(subject);
        return crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed", "no subject could be made");
    }
    *ret_empty = X509_NAME_entry_count(subject) == 0;
    int ok = X509_set_subject_name(x, subject) == 1 &&
             X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : subject) == 1;
    X509_NAME_free(subject);
    return ok ? 0
              : crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed", "the names could not be set");
}

static int set_extensions(X509 *x, const struct cert_sign_params *p, const X509 *issuer,
                          bool no_subject, struct cl_err *err)
{
    ext_stack *exts = NULL;
    int rc = -1;

    /* Without a subject the alternative names are the only ones: critical (RFC 5280 4.2.1.6). */
    if (ext_add_spec(&exts, p->spec, false, no_subject, err) < 0) {
        goto out;
    }
    rc = ext_add_basic_constraints(&exts, p->spec->is_ca, p->path_len);
    if (rc == 0) {
        rc = ext_add_key_ids(&exts, x, issuer);
    }
    if (rc == 0) {
        rc = ext_add_urls(&exts, p);
    }
    for (int i = 0; i < sk_X509_EXTENSION_num(exts) && rc == 0; i++) {
        rc = X509_add_ext(x, sk_X509_EXTENSION_value(exts, i), -1) == 1 ? 0 : -1;
    }
    if (rc < 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed",
                          "the extensions could not be encoded");
    }
out:
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    return rc;
}

/* What the constraints above forbid, every client would refuse (RFC 5280 4.2.1.10). */
static int check_constraints(X509 *x, const struct chain *above, struct cl_err *err)
{
    int rc = X509_V_OK;

    (void)X509_check_purpose(x, -1, 0); /* only to have the names read from the extensions */
    for (size_t i = 0; i < above->len && rc == X509_V_OK; i++) {
        NAME_CONSTRAINTS *nc = X509_get_ext_d2i(above->certs[i], NID_name_constraints, NULL, NULL);
        if (nc != NULL) {
            rc = NAME_CONSTRAINTS_check(x, nc);
            NAME_CONSTRAINTS_free(nc);
        }
    }
    if (rc == X509_V_OK) {
        return 0;
    }
    return cl_fail(err, CL_ERR_PERMANENT, "NameConstraints",
                   "the name constraints of the CA certificate forbid one of the names (%s); no "
                   "client would accept it: ask for permitted names, or use another Issuer",
                   X509_verify_cert_error_string(rc));
}

static int sign(const struct cert_sign_params *p, const struct chain *above, struct cl_buf *ret,
                struct cl_err *err)
{
    const X509 *issuer = above->len > 0 ? above->certs[0] : NULL;
    X509 *x = X509_new();
    bool no_subject = false;
    int rc = -1;

    if (x == NULL || set_serial(x) < 0 || X509_set_version(x, X509_VERSION_3) != 1 ||
        pkey_set_public(X509_get_X509_PUBKEY(x), p->subject_key->pkey) < 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed", "no certificate could be made");
        goto out;
    }
    if (set_names(x, p, issuer, &no_subject, err) < 0 || set_validity(x, p, issuer, err) < 0 ||
        set_extensions(x, p, issuer, no_subject, err) < 0) {
        goto out;
    }
    if (X509_sign(x, p->issuer_key->pkey, pkey_digest(p->issuer_key->pkey)) <= 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed",
                          "the certificate could not be signed");
        goto out;
    }
    if (check_constraints(x, above, err) < 0) {
        goto out;
    }
    rc = cert_add_pem(ret, x);
    if (rc < 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed",
                          "the certificate could not be encoded");
    }
out:
    X509_free(x);
    return rc;
}

int cert_sign(const struct cert_sign_params *p, struct cl_buf *ret, struct cl_err *err)
{
    struct chain chain = {0};
    int rc = -1;

    if (p->issuer_pem == NULL) {
        return sign(p, &chain, ret, err);
    }
    if (chain_read(p->issuer_pem, &chain, err) < 0) {
        cl_wrap(err, "CA certificate");
        return -1;
    }
    X509 *issuer = chain.certs[0];
    if (EVP_PKEY_eq(X509_get0_pubkey(issuer), p->issuer_key->pkey) != 1) {
        (void)crypto_fail(err, CL_ERR_PERMANENT, "InvalidKeyPair",
                          "the CA's private key does not belong to its certificate");
    } else if (X509_check_ca(issuer) == 0) {
        (void)crypto_fail(err, CL_ERR_PERMANENT, "NotACA",
                          "the certificate of the CA may not sign (it is not CA:TRUE)");
    } else {
        rc = sign(p, &chain, ret, err);
    }
    chain_deinit(&chain);
    return rc;
}
