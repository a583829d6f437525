/* SPDX-License-Identifier: Apache-2.0 */
/* sim_key: toy private keys: a number from the seed. */
#include "backends/sim/sim.h"
#include "backends/sim/sim_crypto.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static struct key *key_make(enum key_algorithm algorithm, long size, uint64_t id)
{
    struct key *k = cl_new(struct key);
    char text[96];

    k->algorithm = algorithm;
    k->size = size;
    k->id = id;
    (void)cl_format(text, sizeof text, "public %d %ld %016llx", (int)algorithm, size,
                    (unsigned long long)id);
    (void)cl_sha256_hex(text, strlen(text), k->spki);
    return k;
}

void key_destroy(struct key *k)
{
    cl_free(k);
}

int key_generate(enum key_algorithm algorithm, long size, struct key **ret, struct cl_err *err)
{
    (void)err;
    if (algorithm == KEY_DEFAULT) {
        algorithm = KEY_ECDSA;
    }
    if (size == 0) {
        size = algorithm == KEY_RSA ? 2048 : 256;
    }
    *ret = key_make(algorithm, size, cl_rng_next(&sim->keys));
    return 0;
}

/* ---- in the background ---- */

struct keygen {
    unsigned life;
    enum key_algorithm algorithm;
    long size;
    struct key_op *op;
    bool cancelled;
};

static void keygen_due(void *arg)
{
    struct keygen g = *(struct keygen *)arg;
    struct cl_err err = {0};
    int rc = 0;

    cl_free(arg);
    if (g.life != sim->life) {
        return;
    }
    SIM_LIFE();
    if (g.cancelled) {
        rc = cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
    } else {
        rc = key_generate(g.algorithm, g.size, &g.op->key, &err);
    }
    cl_op_done(&g.op->op, rc < 0 ? &err : NULL);
}

static void keygen_cancel(struct cl_op *op)
{
    struct keygen *g = op->impl;

    g->cancelled = true;
}

void key_generate_start(struct loop *l, enum key_algorithm algorithm, long size, struct key_op *op)
{
    SIM_WORLD();
    struct keygen *g = cl_new(struct keygen);

    (void)l;
    *g = (struct keygen){.life = sim->life, .algorithm = algorithm, .size = size, .op = op};
    op->key = NULL;
    op->op.impl = g;
    op->op.cancel = keygen_cancel;
    sim_at(sim->now + (algorithm == KEY_RSA ? sim_between(50, 2000) : 0), keygen_due, g);
}

/* ---- PEM ---- */

static const char *pem_label(const struct key *k, enum key_encoding encoding)
{
    if (encoding != KEY_PKCS1 || k->algorithm == KEY_ED25519) {
        return "PRIVATE KEY";
    }
    return k->algorithm == KEY_RSA ? "RSA PRIVATE KEY" : "EC PRIVATE KEY";
}

int key_to_pem(const struct key *k, enum key_encoding encoding, struct cl_buf *ret,
               struct cl_err *err)
{
    const char *label = pem_label(k, encoding);

    if (cl_buf_addf(ret, "-----BEGIN %s-----\ntoykey/%d/%ld/%llu\n-----END %s-----\n", label,
                    (int)k->algorithm, k->size, (unsigned long long)k->id, label) < 0) {
        return cl_fail(err, CL_ERR_INTERNAL, "KeyEncodingFailed", "the key does not fit");
    }
    return 0;
}

int key_from_pem(const char *pem, struct key **ret, struct cl_err *err)
{
    struct cl_strv parts = {0};
    const char *body = strstr(pem, "toykey/");
    uint64_t algorithm = 0;
    uint64_t size = 0;
    uint64_t id = 0;

    if (body != NULL && strstr(pem, "PRIVATE KEY-----\n") != NULL &&
        strstr(body, "-----END ") != NULL) {
        char *line = cl_strndup(body, strcspn(body, "\n"));
        cl_strv_split(&parts, line, "/");
        cl_free(line);
    }
    bool read = parts.len == 4 && cl_parse_u64(parts.items[1], KEY_ED25519, &algorithm) == 0 &&
                cl_parse_u64(parts.items[2], 65536, &size) == 0 &&
                cl_parse_u64(parts.items[3], UINT64_MAX, &id) == 0;
    cl_strv_deinit(&parts);
    if (!read) {
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidPrivateKey",
                       "this is not a private key in PEM form");
    }
    *ret = key_make((enum key_algorithm)algorithm, (long)size, id);
    return 0;
}

/* ---- facts ---- */

enum key_algorithm key_algorithm(const struct key *k)
{
    return k->algorithm;
}

long key_size(const struct key *k)
{
    return k->size;
}

int key_spki_sha256(const struct key *k, char hex[CL_SHA256_TEXT], struct cl_err *err)
{
    (void)err;
    memcpy(hex, k->spki, CL_SHA256_TEXT);
    return 0;
}

int key_jwk(const struct key *k, char **ret, struct cl_err *err)
{
    (void)err;
    if (k->algorithm == KEY_RSA) {
        *ret = cl_printf("{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"%s\"}", k->spki);
    } else {
        *ret = cl_printf("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"toy\"}", k->spki);
    }
    return 0;
}

int key_thumbprint(const struct key *k, char **ret, struct cl_err *err)
{
    unsigned char digest[32];
    char *jwk = NULL;

    (void)key_jwk(k, &jwk, err);
    cl_sha256(jwk, strlen(jwk), digest);
    cl_free(jwk);
    *ret = cl_base64url(digest, sizeof digest);
    return 0;
}

const char *key_jws_alg(const struct key *k)
{
    switch (k->algorithm) {
    case KEY_RSA:
        return "RS256";
    case KEY_ED25519:
        return "EdDSA";
    case KEY_DEFAULT:
    case KEY_ECDSA:
        break;
    }
    return k->size == 521 ? "ES512" : k->size == 384 ? "ES384" : "ES256";
}

void toy_sign(const char *spki, const void *data, size_t len, unsigned char ret[64])
{
    size_t n = strlen(spki);
    unsigned char *both = cl_malloc(n + len);

    memcpy(both, spki, n); /* NOLINT(bugprone-not-null-terminated-result): bytes, not a string */
    memcpy(both + n, data, len);
    cl_sha256(both, n + len, ret);
    memcpy(ret + 32, ret, 32);
    cl_free(both);
}

int key_sign(const struct key *k, const void *data, size_t len, unsigned char **ret,
             size_t *ret_len, struct cl_err *err)
{
    unsigned char *sig = cl_malloc(64);

    (void)err;
    toy_sign(k->spki, data, len, sig);
    *ret = sig;
    *ret_len = 64;
    return 0;
}
