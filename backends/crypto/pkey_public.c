/* SPDX-License-Identifier: Apache-2.0 */
/* pkey_public: the SubjectPublicKeyInfo of a key (RFC 3279 2.3, RFC 5480 2.1, RFC 8410 3), put together
 * from what OpenSSL encodes. Its own way there, encoding and decoding the whole, takes ten times as
 * long as signing with the key does. */
#include "backends/crypto/crypto_internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#define POINT_MAX 133 /* uncompressed, on P-521 */

/* Takes @take_bits (OPENSSL_malloc). */
static int set(X509_PUBKEY *pub, int nid, int param_type, void *param, unsigned char *take_bits,
               int len)
{
    if (len <= 0 ||
        X509_PUBKEY_set0_param(pub, OBJ_nid2obj(nid), param_type, param, take_bits, len) != 1) {
        OPENSSL_free(take_bits);
        return -1;
    }
    return 0;
}

static int set_ec(X509_PUBKEY *pub, EVP_PKEY *pkey)
{
    char group[32];
    unsigned char point[POINT_MAX];
    size_t len = 0;

    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                        &len) != 1) {
        return -1;
    }
    ASN1_OBJECT *curve = OBJ_nid2obj(OBJ_sn2nid(group));
    return curve == NULL
               ? -1
               : set(pub, EVP_PKEY_EC, V_ASN1_OBJECT, curve, OPENSSL_memdup(point, len), (int)len);
}

static int set_rsa(X509_PUBKEY *pub, EVP_PKEY *pkey)
{
    unsigned char *der = NULL;
    int len = i2d_PublicKey(pkey, &der);

    return set(pub, EVP_PKEY_RSA, V_ASN1_NULL, NULL, der, len);
}

static int set_ed25519(X509_PUBKEY *pub, EVP_PKEY *pkey)
{
    unsigned char raw[32];
    size_t len = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1) {
        return -1;
    }
    return set(pub, EVP_PKEY_ED25519, V_ASN1_UNDEF, NULL, OPENSSL_memdup(raw, len), (int)len);
}

int pkey_set_public(X509_PUBKEY *pub, EVP_PKEY *pkey)
{
    switch (pkey_algorithm(pkey)) {
    case KEY_ECDSA:
        return set_ec(pub, pkey);
    case KEY_RSA:
        return set_rsa(pub, pkey);
    case KEY_ED25519:
        return set_ed25519(pub, pkey);
    case KEY_DEFAULT:
        break; /* no struct key holds another kind */
    }
    return -1;
}
