/* SPDX-License-Identifier: Apache-2.0 */
/* acme_jws: requests as flattened JSON Web Signatures (RFC 7515, RFC 8555 6.2). Pure but for the
 * randomness inside ECDSA. */
#ifndef ACME_JWS_H
#define ACME_JWS_H

#include "backends/crypto/key.h"
#include "spec/base/cl_err.h"

struct acme_jws {
    const struct key *key;
    const char *url;     /* as requested, byte for byte; checked by acme_url_ok */
    const char *nonce;   /* checked by acme_nonces_put; NULL: the inner JWS of keyChange has none */
    const char *kid;     /* account URL: for all requests but newAccount */
    const char *jwk;     /* public key: for newAccount. Exactly one of kid and jwk is given */
    const char *payload; /* "" for POST-as-GET */
};
/** *ret is the body, owned. Fails only if the key cannot sign. */
int acme_jws_sign(const struct acme_jws *in, char **ret, struct cl_err *err);
/** TOKEN "." THUMBPRINT (RFC 8555 8.1); owned. */
char *acme_jws_key_authorization(const char *token, const char *thumbprint);

#endif
