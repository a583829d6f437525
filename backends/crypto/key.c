/* SPDX-License-Identifier: Apache-2.0 */
/* key: generating, reading and writing private keys. Signing and JWK are in key_jws.c, generation
 * beside the loop in key_start.c. */
#include "backends/crypto/key.h"

#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

int crypto_fail(struct cl_err *err, enum cl_err_kind kind, const char *reason, const char *fmt, ...)
{
    char text[CL_ERR_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof(text), fmt, ap);
    va_end(ap);
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return cl_fail(err, kind, reason, "%s%s%s", text, why != NULL ? ": " : "",
                   why != NULL ? why : "");
}

const char *crypto_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

static struct key *key_wrap(EVP_PKEY *take_pkey)
{
    struct key *k = cl_new(struct key);

    k->pkey = take_pkey;
    k->signer = cl_new(EVP_PKEY_CTX *);
    return k;
}

void key_destroy(struct key *k)
{
    if (k != NULL) {
        EVP_PKEY_CTX_free(*k->signer);
        cl_free(k->signer);
        EVP_PKEY_free(k->pkey);
        cl_free(k);
    }
}

enum key_algorithm pkey_algorithm(EVP_PKEY *pkey)
{
    char group[32] = "";
    size_t len = 0;
    enum key_algorithm found = KEY_DEFAULT;

    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        found = KEY_RSA;
        break;
    case EVP_PKEY_ED25519:
        found = KEY_ED25519;
        break;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
            (cl_streq(group, SN_X9_62_prime256v1) || cl_streq(group, SN_secp384r1) ||
             cl_streq(group, SN_secp521r1))) {
            found = KEY_ECDSA;
        }
        break;
    default: /* int of OpenSSL, not an enum of ours */
        break;
    }
    ERR_clear_error();
    return found;
}

const EVP_MD *pkey_digest(EVP_PKEY *pkey)
{
    if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519) {
        return NULL;
    }
    if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC && EVP_PKEY_get_bits(pkey) > 256) {
        return EVP_PKEY_get_bits(pkey) > 384 ? EVP_sha512() : EVP_sha384();
    }
    return EVP_sha256();
}

int key_generate(enum key_algorithm algorithm, long size, struct key **ret, struct cl_err *err)
{
    EVP_PKEY *pkey = NULL;

    switch (algorithm) {
    case KEY_RSA:
        if (size < RSA_BITS_MIN || size > RSA_BITS_MAX) {
            return cl_fail(err, CL_ERR_PERMANENT, "InvalidKeySize",
                           "an RSA key of %ld bits is not supported: use %d to %d", size,
                           RSA_BITS_MIN, RSA_BITS_MAX);
        }
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)size);
        break;
    case KEY_DEFAULT:
    case KEY_ECDSA:
        if (size != 0 && size != 256 && size != 384 && size != 521) {
            return cl_fail(err, CL_ERR_PERMANENT, "InvalidKeySize",
                           "an ECDSA key of %ld bits is not supported: use 256, 384 or 521", size);
        }
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
                                 size == 521   ? "P-521"
                                 : size == 384 ? "P-384"
                                               : "P-256");
        break;
    case KEY_ED25519:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    }
    if (pkey == NULL) {
        return crypto_fail(err, CL_ERR_INTERNAL, "KeyGenerationFailed",
                           "no private key could be generated");
    }
    *ret = key_wrap(pkey);
    return 0;
}

/* ---- reading ---- */

/* The algorithm that a PKCS#8 structure names; EVP_PKEY_NONE if it is none of ours. */
static int pkcs8_algorithm(const unsigned char *der, long len)
{
    const unsigned char *p = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, len);
    const ASN1_OBJECT *oid = NULL;
    int id = EVP_PKEY_NONE;

    if (info != NULL && PKCS8_pkey_get0(&oid, NULL, NULL, NULL, info) == 1) {
        id = OBJ_obj2nid(oid);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return id == EVP_PKEY_RSA || id == EVP_PKEY_EC || id == EVP_PKEY_ED25519 ? id : EVP_PKEY_NONE;
}

/* One PEM block. The algorithm is told to the decoder, which else tries all that it has: that takes
 * three times as long. */
static EVP_PKEY *decode_block(const char *name, const unsigned char *der, long len)
{
    const unsigned char *p = der;
    int id = EVP_PKEY_NONE;

    if (cl_streq(name, PEM_STRING_PKCS8INF)) {
        id = pkcs8_algorithm(der, len);
    } else if (cl_streq(name, PEM_STRING_RSA)) {
        id = EVP_PKEY_RSA;
    } else if (cl_streq(name, PEM_STRING_ECPRIVATEKEY)) {
        id = EVP_PKEY_EC;
    }
    return id == EVP_PKEY_NONE ? NULL : d2i_PrivateKey(id, NULL, &p, len);
}

/* The first private key in @pem (parameters or certificates may come before it). *ret_encrypted: it
 * has a passphrase. */
static EVP_PKEY *read_first_key(BIO *bio, bool *ret_encrypted)
{
    EVP_PKEY *pkey = NULL;
    char *name = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    bool found = false;

    while (!found && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
        found = cl_str_ends(name, "PRIVATE KEY");
        *ret_encrypted =
            found && (strstr(name, "ENCRYPTED") != NULL || strstr(header, "ENCRYPTED") != NULL);
        if (found && !*ret_encrypted) {
            pkey = decode_block(name, der, len);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)len);
    }
    return pkey;
}

int key_from_pem(const char *pem, struct key **ret, struct cl_err *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    bool encrypted = false;
    EVP_PKEY *pkey = bio != NULL ? read_first_key(bio, &encrypted) : NULL;

    BIO_free(bio);
    if (pkey == NULL) {
        return crypto_fail(err, CL_ERR_PERMANENT, "InvalidPrivateKey",
                           encrypted
                               ? "the private key is encrypted; store it without a passphrase"
                               : "this is not an RSA, ECDSA or Ed25519 private key in PEM form");
    }
    ERR_clear_error(); /* decoders that were tried before the right one leave entries */
    if (pkey_algorithm(pkey) == KEY_DEFAULT || (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
                                                EVP_PKEY_get_bits(pkey) > 2 * RSA_BITS_MAX)) {
        EVP_PKEY_free(pkey);
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidPrivateKey",
                       "this kind of private key is not supported: use RSA, ECDSA on P-256, P-384 "
                       "or P-521, or Ed25519");
    }
    *ret = key_wrap(pkey);
    return 0;
}

/* ---- writing ---- */

int key_to_pem(const struct key *k, enum key_encoding encoding, struct cl_buf *ret,
               struct cl_err *err)
{
    int rc = -1;
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());

    cl_assert(ret->secret);
    if (bio != NULL && encoding == KEY_PKCS1 && pkey_algorithm(k->pkey) != KEY_ED25519) {
        rc = PEM_write_bio_PrivateKey_traditional(bio, k->pkey, NULL, NULL, 0, NULL, NULL);
    } else if (bio != NULL) {
        rc = PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL);
    }
    if (rc == 1) {
        long len = BIO_get_mem_data(bio, &data);
        rc = len > 0 ? cl_buf_add(ret, data, (size_t)len) : -1;
    } else {
        rc = -1;
    }
    BIO_free(bio);
    if (rc < 0) {
        return crypto_fail(err, CL_ERR_INTERNAL, "KeyEncodingFailed",
                           "the private key could not be encoded");
    }
    return 0;
}

enum key_algorithm key_algorithm(const struct key *k)
{
    return pkey_algorithm(k->pkey);
}

long key_size(const struct key *k)
{
    return EVP_PKEY_get_bits(k->pkey);
}

int key_spki_sha256(const struct key *k, char hex[CL_SHA256_TEXT], struct cl_err *err)
{
    unsigned char *der = NULL;
    X509_PUBKEY *pub = X509_PUBKEY_new();
    int len = -1;

    if (pub != NULL && pkey_set_public(pub, k->pkey) == 0) {
        len = i2d_X509_PUBKEY(pub, &der);
    }
    X509_PUBKEY_free(pub);
    if (len <= 0) {
        return crypto_fail(err, CL_ERR_INTERNAL, "KeyEncodingFailed",
                           "the public key could not be encoded");
    }
    cl_sha256_hex(der, (size_t)len, hex);
    OPENSSL_free(der);
    return 0;
}
