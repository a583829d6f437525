/* SPDX-License-Identifier: Apache-2.0 */
/* dns_crypto: OpenSSL behind functions of bytes. MD5 and SHA-1 are here because APIs ask for them. */
#include "backends/dns/lang/dns_crypto.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static const EVP_MD *find_digest(const char *name)
{
    static const struct {
        const char *name;
        const EVP_MD *(*md)(void);
    } DIGESTS[] = {{"md5", EVP_md5},
                   {"sha1", EVP_sha1},
                   {"sha256", EVP_sha256},
                   {"sha384", EVP_sha384},
                   {"sha512", EVP_sha512}};

    for (size_t i = 0; i < sizeof DIGESTS / sizeof DIGESTS[0]; i++) {
        if (cl_streq(DIGESTS[i].name, name)) {
            return DIGESTS[i].md();
        }
    }
    return NULL;
}

bool dns_digest_known(const char *algorithm)
{
    return find_digest(algorithm) != NULL;
}

static int unknown(const char *algorithm, struct cl_err *err)
{
    char clean[CL_CLEAN_TEXT];

    return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed",
                   "unknown algorithm %s: there are md5, sha1, sha256, sha384, sha512",
                   cl_clean(clean, sizeof clean, algorithm, strlen(algorithm)));
}

int dns_digest(const char *algorithm, const void *data, size_t len, struct dns_digest *ret,
               struct cl_err *err)
{
    const EVP_MD *md = find_digest(algorithm);
    unsigned size = 0;

    if (md == NULL) {
        return unknown(algorithm, err);
    }
    if (EVP_Digest(data, len, ret->data, &size, md, NULL) != 1) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "%s is not available on this system",
                       algorithm);
    }
    ret->len = size;
    return 0;
}

int dns_hmac(const char *algorithm, struct dns_bytes key, struct dns_bytes data,
             struct dns_digest *ret, struct cl_err *err)
{
    const EVP_MD *md = find_digest(algorithm);
    unsigned size = 0;

    if (md == NULL) {
        return unknown(algorithm, err);
    }
    if (key.len > INT_MAX ||
        HMAC(md, key.data, (int)key.len, data.data, data.len, ret->data, &size) == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "HMAC with %s failed", algorithm);
    }
    ret->len = size;
    return 0;
}

/* ECDSA signatures are two numbers in DER; JOSE wants them with 32 bytes each, joined. */
static int join_ecdsa(unsigned char **sig, size_t *len)
{
    const unsigned char *at = *sig;
    unsigned char *joined = NULL;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)*len);
    int rc = -1;

    if (parts != NULL) {
        joined = cl_malloc(64);
        if (BN_bn2binpad(ECDSA_SIG_get0_r(parts), joined, 32) == 32 &&
            BN_bn2binpad(ECDSA_SIG_get0_s(parts), joined + 32, 32) == 32) {
            cl_free(*sig);
            *sig = joined;
            *len = 64;
            joined = NULL;
            rc = 0;
        }
    }
    ECDSA_SIG_free(parts);
    cl_free(joined);
    return rc;
}

/* NULL: not a digest that signs. */
static const EVP_MD *signing_digest(const char *algorithm)
{
    return cl_streq(algorithm, "ps256") || cl_streq(algorithm, "es256") ? EVP_sha256()
                                                                        : find_digest(algorithm);
}

static int run_signature(EVP_PKEY *key, const char *algorithm, struct dns_bytes data,
                         unsigned char **ret, size_t *ret_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *params = NULL;
    bool pss = cl_streq(algorithm, "ps256");
    int rc = -1;

    if (ctx != NULL &&
        EVP_DigestSignInit(ctx, &params, signing_digest(algorithm), NULL, key) == 1 &&
        (!pss || (EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(params, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
        EVP_DigestSign(ctx, NULL, ret_len, data.data, data.len) == 1) {
        *ret = cl_malloc(*ret_len + 1);
        rc = EVP_DigestSign(ctx, *ret, ret_len, data.data, data.len) == 1 ? 0 : -1;
    }
    EVP_MD_CTX_free(ctx);
    return rc;
}

static EVP_PKEY *read_key(struct dns_bytes pem)
{
    char no_passphrase[] = ""; /* without one OpenSSL would ask the terminal */
    BIO *bio = BIO_new_mem_buf(pem.data, pem.len > INT_MAX ? INT_MAX : (int)pem.len);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase) : NULL;

    BIO_free(bio);
    return key;
}

int dns_sign(const char *algorithm, struct dns_bytes pem, struct dns_bytes data,
             unsigned char **ret, size_t *ret_len, struct cl_err *err)
{
    bool ecdsa = cl_streq(algorithm, "es256");
    unsigned char *sig = NULL;
    size_t sig_len = 0;
    int rc = -1;

    if (signing_digest(algorithm) == NULL) {
        return unknown(algorithm, err);
    }
    EVP_PKEY *key = read_key(pem);
    if (key == NULL) {
        ERR_clear_error();
        return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                       "the private key is no PEM key without a passphrase");
    }
    if (EVP_PKEY_base_id(key) == (ecdsa ? EVP_PKEY_EC : EVP_PKEY_RSA)) {
        rc = run_signature(key, algorithm, data, &sig, &sig_len);
    }
    if (rc == 0 && ecdsa) {
        rc = join_ecdsa(&sig, &sig_len);
    }
    EVP_PKEY_free(key);
    if (rc < 0) {
        ERR_clear_error();
        cl_free(sig);
        return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                       "the private key cannot sign with %s: it has to be %s", algorithm,
                       ecdsa ? "an EC key on P-256" : "an RSA key");
    }
    *ret = sig;
    *ret_len = sig_len;
    return 0;
}

/* The value of a digit, -1: none, -2: left out. */
static int base32_digit(char c)
{
    if (c == '=' || c == ' ' || c == '-') {
        return -2;
    }
    c = (char)toupper((unsigned char)c);
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

int dns_base32_decode(const char *s, unsigned char **ret, size_t *ret_len)
{
    unsigned char *out = cl_malloc(strlen(s) * 5 / 8 + 1);
    size_t n = 0;
    uint32_t bits = 0;
    unsigned pending = 0;

    for (; *s != '\0'; s++) {
        int digit = base32_digit(*s);
        if (digit == -1) {
            cl_free(out);
            return -1;
        }
        if (digit < 0) {
            continue;
        }
        bits = (bits << 5 | (uint32_t)digit) & 0xFFFF;
        pending += 5;
        if (pending >= 8) {
            pending -= 8;
            out[n++] = (unsigned char)(bits >> pending & 0xFF);
        }
    }
    *ret = out;
    *ret_len = n;
    return 0;
}

int dns_totp(const char *secret, cl_time now, char ret[7], struct cl_err *err)
{
    unsigned char *key = NULL;
    unsigned char counter[8];
    struct dns_digest d;
    size_t key_len = 0;

    if (dns_base32_decode(secret, &key, &key_len) < 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                       "the secret of the one-time password is no base32");
    }
    uint64_t steps = (uint64_t)(now / (30 * CL_SECOND));
    for (int i = 7; i >= 0; i--) {
        counter[i] = (unsigned char)(steps & 0xFF);
        steps >>= 8;
    }
    int rc = dns_hmac("sha1", (struct dns_bytes){key, key_len},
                      (struct dns_bytes){counter, sizeof counter}, &d, err);
    cl_wipe(key, key_len);
    cl_free(key);
    if (rc < 0) {
        return -1;
    }
    size_t at = d.data[d.len - 1] & 15u; /* RFC 4226 5.3 */
    unsigned code = ((unsigned)(d.data[at] & 0x7F) << 24 | (unsigned)d.data[at + 1] << 16 |
                     (unsigned)d.data[at + 2] << 8 | d.data[at + 3]) %
                    1000000u;
    return cl_format(ret, 7, "%06u", code);
}
