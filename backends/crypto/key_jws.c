/* SPDX-License-Identifier: Apache-2.0 */
/* key_jws: what an ACME account key does: the public JWK, its thumbprint (RFC 7638) and signatures
 * in the form of JWS (RFC 7518 3.4: ECDSA as R||S; RFC 8037: EdDSA). */
#include "backends/crypto/crypto_internal.h"
#include "backends/crypto/key.h"
#include "spec/base/cl_alloc.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#define COORDINATE_MAX 66 /* P-521 */

static int coordinate_size(const struct key *k)
{
    return (EVP_PKEY_get_bits(k->pkey) + 7) / 8;
}

/* A public number as base64url, left-padded to @size bytes (0: as short as it is); NULL on error. */
static char *public_number(const struct key *k, const char *param, int size)
{
    BIGNUM *n = NULL;
    char *text = NULL;

    if (EVP_PKEY_get_bn_param(k->pkey, param, &n) == 1) {
        int len = size > 0 ? size : BN_num_bytes(n);
        unsigned char *bytes = cl_malloc((size_t)len + 1);
        if (BN_bn2binpad(n, bytes, len) == len) {
            text = cl_base64url(bytes, (size_t)len);
        }
        cl_free(bytes);
    }
    BN_free(n);
    return text;
}

static char *jwk_ec(const struct key *k)
{
    int size = coordinate_size(k);
    char *x = public_number(k, OSSL_PKEY_PARAM_EC_PUB_X, size);
    char *y = public_number(k, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    char *jwk = NULL;

    if (x != NULL && y != NULL) {
        jwk = cl_printf("{\"crv\":\"P-%d\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                        EVP_PKEY_get_bits(k->pkey), x, y);
    }
    cl_free(x);
    cl_free(y);
    return jwk;
}

static char *jwk_rsa(const struct key *k)
{
    char *e = public_number(k, OSSL_PKEY_PARAM_RSA_E, 0);
    char *n = public_number(k, OSSL_PKEY_PARAM_RSA_N, 0);
    char *jwk = NULL;

    if (e != NULL && n != NULL) {
        jwk = cl_printf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);
    }
    cl_free(e);
    cl_free(n);
    return jwk;
}

static char *jwk_okp(const struct key *k)
{
    unsigned char raw[32];
    size_t len = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &len) != 1) {
        return NULL;
    }
    char *x = cl_base64url(raw, len);
    char *jwk = cl_printf("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
    cl_free(x);
    return jwk;
}

int key_jwk(const struct key *k, char **ret, struct cl_err *err)
{
    char *jwk = NULL;

    switch (key_algorithm(k)) {
    case KEY_ECDSA:
        jwk = jwk_ec(k);
        break;
    case KEY_RSA:
        jwk = jwk_rsa(k);
        break;
    case KEY_ED25519:
        jwk = jwk_okp(k);
        break;
    case KEY_DEFAULT:
        break; /* key_from_pem lets no other kind in */
    }
    if (jwk == NULL) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "KeyEncodingFailed",
                          "the public key could not be written as a JWK");
        return -1;
    }
    *ret = jwk;
    return 0;
}

int key_thumbprint(const struct key *k, char **ret, struct cl_err *err)
{
    unsigned char digest[32];
    char *jwk = NULL;

    if (key_jwk(k, &jwk, err) < 0) {
        return -1;
    }
    cl_sha256(jwk, strlen(jwk), digest);
    cl_free(jwk);
    *ret = cl_base64url(digest, sizeof(digest));
    return 0;
}

const char *key_jws_alg(const struct key *k)
{
    switch (key_algorithm(k)) {
    case KEY_RSA:
        return "RS256";
    case KEY_ED25519:
        return "EdDSA";
    case KEY_ECDSA:
    case KEY_DEFAULT:
        break;
    }
    switch (key_size(k)) {
    case 384:
        return "ES384";
    case 521:
        return "ES512";
    default:
        return "ES256";
    }
}

/* DER SEQUENCE of two integers to two numbers of fixed width. */
static int ecdsa_to_jws(const unsigned char *der, size_t len, int size, unsigned char *out)
{
    const unsigned char *p = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
    int rc = -1;

    if (sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, size) == size &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + size, size) == size) {
        rc = 0;
    }
    ECDSA_SIG_free(sig);
    return rc;
}

/* EVP_DigestSign looks up its algorithms for each signature; this does so once for a key. */
static int sign_ecdsa(const struct key *k, const void *data, size_t len, unsigned char *sig,
                      size_t *sig_len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (*k->signer == NULL) {
        *k->signer = EVP_PKEY_CTX_new(k->pkey, NULL);
        if (*k->signer == NULL || EVP_PKEY_sign_init(*k->signer) != 1) {
            EVP_PKEY_CTX_free(*k->signer);
            *k->signer = NULL;
            return -1;
        }
    }
    return EVP_Digest(data, len, digest, &n, pkey_digest(k->pkey), NULL) == 1 &&
                   EVP_PKEY_sign(*k->signer, sig, sig_len, digest, n) == 1
               ? 0
               : -1;
}

static int sign_other(const struct key *k, const void *data, size_t len, unsigned char *sig,
                      size_t *sig_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc = -1;

    if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, pkey_digest(k->pkey), NULL, k->pkey) == 1 &&
        EVP_DigestSign(ctx, sig, sig_len, data, len) == 1) {
        rc = 0;
    }
    EVP_MD_CTX_free(ctx);
    return rc;
}

int key_sign(const struct key *k, const void *data, size_t len, unsigned char **ret,
             size_t *ret_len, struct cl_err *err)
{
    bool ecdsa = key_algorithm(k) == KEY_ECDSA;
    size_t sig_len = (size_t)EVP_PKEY_get_size(k->pkey);
    unsigned char *sig = cl_malloc(sig_len);
    int rc =
        ecdsa ? sign_ecdsa(k, data, len, sig, &sig_len) : sign_other(k, data, len, sig, &sig_len);

    if (rc == 0 && ecdsa) {
        unsigned char raw[2 * COORDINATE_MAX];
        int size = coordinate_size(k);
        rc = ecdsa_to_jws(sig, sig_len, size, raw);
        sig_len = 2 * (size_t)size;
        sig = cl_realloc(sig, sig_len);
        memcpy(sig, raw, rc == 0 ? sig_len : 0);
    }
    if (rc < 0) {
        cl_free(sig);
        return crypto_fail(err, CL_ERR_INTERNAL, "SigningFailed", "the key could not sign");
    }
    *ret = sig;
    *ret_len = sig_len;
    return 0;
}
