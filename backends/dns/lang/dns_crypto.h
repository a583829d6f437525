/* SPDX-License-Identifier: Apache-2.0 */
/* dns_crypto: digests, HMAC, RSA and ECDSA signatures and one-time passwords for descriptions. Functions of
 * bytes: no state, no clock, no randomness of their own (PSS and ECDSA draw it inside OpenSSL). */
#ifndef DNS_CRYPTO_H
#define DNS_CRYPTO_H

#include "spec/base/cl_err.h"
#include "spec/base/cl_time.h"

#include <stdbool.h>
#include <stddef.h>

#define DNS_DIGEST_MAX 64
struct dns_bytes { /* borrowed */
    const void *data;
    size_t len;
};
struct dns_digest {
    unsigned char data[DNS_DIGEST_MAX];
    size_t len;
};
/** "md5" "sha1" "sha256" "sha384" "sha512" */
bool dns_digest_known(const char *algorithm);
int dns_digest(const char *algorithm, const void *data, size_t len, struct dns_digest *ret,
               struct cl_err *err);
int dns_hmac(const char *algorithm, struct dns_bytes key, struct dns_bytes data,
             struct dns_digest *ret, struct cl_err *err);
/** Signs with a PEM private key: @algorithm "sha256" "sha384" "sha512" "sha1" (PKCS #1 v1.5) or "ps256"
 *  (RSASSA-PSS, salt as long as the digest) or "es256" (ECDSA P-256, r and s joined, RFC 7518 3.4).
 *  *ret is owned. */
int dns_sign(const char *algorithm, struct dns_bytes pem, struct dns_bytes data,
             unsigned char **ret, size_t *ret_len, struct cl_err *err);
/** RFC 6238: six digits, SHA-1, 30 s. @secret in base32, spaces and padding ignored. */
int dns_totp(const char *secret, cl_time now, char ret[7], struct cl_err *err);
/** RFC 4648 base32, case-insensitive; *ret is owned. 0 or -1. */
int dns_base32_decode(const char *s, unsigned char **ret, size_t *ret_len);

#endif
