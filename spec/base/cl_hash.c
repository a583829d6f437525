/* SPDX-License-Identifier: Apache-2.0 */
/* cl_hash: SHA-256 through libcrypto; the only file of spec/ that links it. */
#include "spec/base/cl_hash.h"

#include "spec/base/cl_assert.h"

#include <openssl/sha.h>

void cl_sha256(const void *data, size_t len, unsigned char digest[32])
{
    const unsigned char *done = SHA256(len > 0 ? data : "", len, digest);

    cl_assert(done != NULL); /* fails only without a default provider or without memory */
}

char *cl_sha256_hex(const void *data, size_t len, char hex[CL_SHA256_TEXT])
{
    static const char DIGITS[] = "0123456789abcdef";
    unsigned char digest[32];

    cl_sha256(data, len, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        hex[2 * i] = DIGITS[digest[i] >> 4];
        hex[2 * i + 1] = DIGITS[digest[i] & 15];
    }
    hex[CL_SHA256_TEXT - 1] = '\0';
    return hex;
}
