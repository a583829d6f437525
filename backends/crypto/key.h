/* SPDX-License-Identifier: Apache-2.0 */
/* key: private keys, opaque. OpenSSL stays behind this header; errors are drained into cl_err. */
#ifndef KEY_H
#define KEY_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_buf.h"
#include "spec/spec.h"

struct key;
void key_destroy(struct key *k); /* NULL is fine */
/** ECDSA and Ed25519: microseconds. RSA: up to seconds; use key_generate_start on the loop. */
int key_generate(enum key_algorithm algorithm, long size, struct key **ret, struct cl_err *err);
struct key_op {
    struct cl_op op;
    struct key
        *key; /* result: set when done comes without an error, and the caller's from then on */
};
/** EC inline (done still comes later), RSA on the thread pool, one at a time: the waiting line is
 *  one for the process (file-scope state). A cancelled one ends at once, also when it runs. */
void key_generate_start(struct loop *l, enum key_algorithm algorithm, long size, struct key_op *op);
int key_from_pem(const char *pem, struct key **ret, struct cl_err *err);
/** Appends PEM in that encoding to @ret (a secret buffer). Ed25519 is always PKCS8. */
int key_to_pem(const struct key *k, enum key_encoding encoding, struct cl_buf *ret,
               struct cl_err *err);
enum key_algorithm key_algorithm(const struct key *k);
long key_size(const struct key *k); /* bits */
/** SHA-256 of the SubjectPublicKeyInfo, hex. */
int key_spki_sha256(const struct key *k, char hex[CL_SHA256_TEXT], struct cl_err *err);
/** The public JWK with lexicographic members and no white space (RFC 7638 3); owned. */
int key_jwk(const struct key *k, char **ret, struct cl_err *err);
/** base64url(SHA-256(JWK)); owned. */
int key_thumbprint(const struct key *k, char **ret, struct cl_err *err);
/** JWS algorithm: "ES256" "ES384" "ES512" "RS256" "EdDSA". */
const char *key_jws_alg(const struct key *k);
/** Signs for JWS (RFC 7518: ECDSA as R||S); *ret owned. */
int key_sign(const struct key *k, const void *data, size_t len, unsigned char **ret,
             size_t *ret_len, struct cl_err *err);

#endif
