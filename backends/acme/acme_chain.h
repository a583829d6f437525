/* SPDX-License-Identifier: Apache-2.0 */
/* acme_chain: does a chain answer a preference (RFC 8555 7.4.2, alternates)? Pure. */
#ifndef ACME_CHAIN_H
#define ACME_CHAIN_H

#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>

/** Of a preference for root, issuer or sha256; what cannot be parsed fits none. */
bool acme_chain_fits(const char *pem, const struct chain_preference *p);
/** Certificates in it; 0 if it cannot be parsed. */
size_t acme_chain_length(const char *pem);

#endif
