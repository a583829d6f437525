/* SPDX-License-Identifier: Apache-2.0 */
/* cl_hash: SHA-256 as hex text. */
#ifndef CL_HASH_H
#define CL_HASH_H

#include <stddef.h>

#define CL_SHA256_TEXT 65

/** Writes 64 lower-case hex digits and a NUL; returns @hex. */
char *cl_sha256_hex(const void *data, size_t len, char hex[CL_SHA256_TEXT]);
void cl_sha256(const void *data, size_t len, unsigned char digest[32]);

#endif
