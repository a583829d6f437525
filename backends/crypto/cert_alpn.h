/* SPDX-License-Identifier: Apache-2.0 */
/* cert_alpn: the certificate that answers a tls-alpn-01 challenge (RFC 8737 3). */
#ifndef CERT_ALPN_H
#define CERT_ALPN_H

#include "backends/crypto/key.h"

/**
 * Appends to @ret (a secret buffer) the PEM of a new P-256 key and of a certificate that it signs
 * itself: the one subject alternative name is @identifier, a dNSName, or an iPAddress if it is an
 * address (RFC 8738 6); the critical extension acmeIdentifier holds SHA-256(@key_authorization).
 * Valid for a week from @now. Errors: PERMANENT "InvalidName", INTERNAL.
 */
int cert_alpn_create(const char *identifier, const char *key_authorization, cl_time now,
                     struct cl_buf *ret, struct cl_err *err);

#endif
