/* SPDX-License-Identifier: Apache-2.0 */
/* cert_alpn: see the header. Nothing else is in it: a CA refuses further names, and what only
 * browsers look at (usages, key identifiers) has no meaning here. */
#include "backends/crypto/cert_alpn.h"

#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_hash.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <string.h>

#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31" /* id-pe-acmeIdentifier, RFC 8737 6.1 */
#define BACKDATE CL_HOUR
#define LIFETIME (7 * CL_DAY)
#define SERIAL_BITS 127 /* positive */

static int set_fields(X509 *x, EVP_PKEY *pkey, cl_time now)
{
    static const unsigned char NAME[] =
        "ACME challenge"; /* an issuer needs one, RFC 5280 4.1.2.4 */
    X509_NAME *name = X509_get_subject_name(x);
    BIGNUM *serial = BN_new();
    bool ok = serial != NULL &&
              BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) != NULL;

    BN_free(serial);
    return ok && X509_set_version(x, X509_VERSION_3) == 1 &&
                   X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC, NAME, -1, -1,
                                              0) == 1 &&
                   X509_set_issuer_name(x, name) == 1 &&
                   ASN1_TIME_set(X509_getm_notBefore(x), (time_t)((now - BACKDATE) / CL_SECOND)) !=
                       NULL &&
                   ASN1_TIME_set(X509_getm_notAfter(x), (time_t)((now + LIFETIME) / CL_SECOND)) !=
                       NULL &&
                   pkey_set_public(X509_get_X509_PUBKEY(x), pkey) == 0
               ? 0
               : -1;
}

static GENERAL_NAME *name_of(const char *identifier)
{
    unsigned char bytes[16];
    size_t len = inet_pton(AF_INET, identifier, bytes) == 1    ? 4
                 : inet_pton(AF_INET6, identifier, bytes) == 1 ? 16
                                                               : 0;
    GENERAL_NAME *gn = GENERAL_NAME_new();
    ASN1_STRING *s = ASN1_STRING_type_new(len > 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    const void *value = len > 0 ? (const void *)bytes : identifier;

    if (gn == NULL || s == NULL ||
        ASN1_STRING_set(s, value, (int)(len > 0 ? len : strlen(identifier))) != 1) {
        GENERAL_NAME_free(gn);
        ASN1_STRING_free(s);
        return NULL;
    }
    GENERAL_NAME_set0_value(gn, len > 0 ? GEN_IPADD : GEN_DNS, s);
    return gn;
}

static int add_name(X509 *x, const char *identifier)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *gn = name_of(identifier);
    int rc = -1;

    if (names != NULL && gn != NULL && sk_GENERAL_NAME_push(names, gn) > 0) {
        gn = NULL;
        rc = X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1 ? 0 : -1;
    }
    GENERAL_NAME_free(gn);
    GENERAL_NAMES_free(names);
    return rc;
}

/* The value of the extension is the DER of an OCTET STRING of 32 bytes. */
static int add_digest(X509 *x, const char *key_authorization)
{
    unsigned char der[2 + 32] = {V_ASN1_OCTET_STRING, 32};
    ASN1_OBJECT *oid = OBJ_txt2obj(ACME_IDENTIFIER, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext = NULL;

    cl_sha256(key_authorization, strlen(key_authorization), der + 2);
    if (oid != NULL && value != NULL && ASN1_OCTET_STRING_set(value, der, (int)sizeof der) == 1) {
        ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    }
    int rc = ext != NULL && X509_add_ext(x, ext, -1) == 1 ? 0 : -1;
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    return rc;
}

int cert_alpn_create(const char *identifier, const char *key_authorization, cl_time now,
                     struct cl_buf *ret, struct cl_err *err)
{
    struct key *key = NULL;
    X509 *x = X509_new();
    int rc = -1;

    if (key_generate(KEY_ECDSA, 256, &key, err) < 0) {
        goto out;
    }
    if (x == NULL || set_fields(x, key->pkey, now) < 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed", "no certificate could be made");
        goto out;
    }
    if (add_name(x, identifier) < 0) {
        (void)crypto_fail(err, CL_ERR_PERMANENT, "InvalidName",
                          "\"%.200s\" cannot be a subject alternative name", identifier);
        goto out;
    }
    if (add_digest(x, key_authorization) < 0 ||
        X509_sign(x, key->pkey, pkey_digest(key->pkey)) <= 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed",
                          "the certificate could not be signed");
        goto out;
    }
    rc = key_to_pem(key, KEY_PKCS8, ret, err);
    if (rc == 0 && cert_add_pem(ret, x) < 0) {
        rc = crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed",
                         "the certificate could not be encoded");
    }
out:
    X509_free(x);
    key_destroy(key);
    return rc;
}
