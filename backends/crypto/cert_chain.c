/* SPDX-License-Identifier: Apache-2.0 */
/* cert_chain: choosing among chains, and putting one in order. CAs have sent the intermediates the
 * wrong way round, the leaf last, and certificates that belong to no chain at all. */
#include "backends/crypto/cert.h"
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <openssl/err.h>

void cert_links_deinit(struct cert_links *l)
{
    for (size_t i = 0; i < l->len; i++) {
        cl_free(l->items[i].issuer_cn);
        cl_free(l->items[i].sha256);
    }
    l->len = 0;
}

int cert_links_read(const char *pem, struct cert_links *ret, struct cl_err *err)
{
    struct chain c = {0};

    _Static_assert(CERT_LINKS_MAX >= CHAIN_MAX, "a chain fits");
    if (chain_read(pem, &c, err) < 0) {
        return -1;
    }
    ret->len = c.len;
    for (size_t i = 0; i < c.len; i++) {
        ret->items[i].issuer_cn = name_common_name(X509_get_issuer_name(c.certs[i]));
        ret->items[i].sha256 = x509_sha256(c.certs[i]);
    }
    chain_deinit(&c);
    return 0;
}

/* ---- order ---- */

static bool signed_by(X509 *cert, X509 *signer)
{
    bool yes = X509_check_issued(signer, cert) == X509_V_OK &&
               X509_verify(cert, X509_get0_pubkey(signer)) == 1;

    ERR_clear_error();
    return yes;
}

static bool self_issued(const X509 *x)
{
    return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

/* Moves the certificate at @from to @to; those between make room. */
static void move(struct chain *c, size_t from, size_t to)
{
    X509 *x = c->certs[from];

    for (size_t i = from; i > to; i--) {
        c->certs[i] = c->certs[i - 1];
    }
    c->certs[to] = x;
}

/* How many certificates of the reordered chain follow one another. */
static size_t put_in_order(struct chain *c)
{
    size_t n = 1;

    while (n < c->len && !self_issued(c->certs[n - 1])) {
        size_t next = n;
        while (next < c->len && !signed_by(c->certs[n - 1], c->certs[next])) {
            next++;
        }
        if (next == c->len) {
            break;
        }
        move(c, next, n++);
    }
    return n;
}

static size_t find_leaf(const struct chain *c, const struct key *k)
{
    size_t at = 0;

    while (at < c->len && EVP_PKEY_eq(X509_get0_pubkey(c->certs[at]), k->pkey) != 1) {
        at++;
    }
    ERR_clear_error();
    return at;
}

static char *print(const struct chain *c, size_t n)
{
    struct cl_buf b;

    cl_buf_init(&b, 2 * CHAIN_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (cert_add_pem(&b, c->certs[i]) < 0) {
            cl_buf_deinit(&b);
            return NULL;
        }
    }
    return cl_buf_take(&b);
}

static int repair(struct chain *c, const struct key *k, char **ret, struct cl_err *err)
{
    size_t leaf = find_leaf(c, k);

    if (leaf == c->len) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "WrongKey",
                       "none of the certificates is for the key of the request");
    }
    move(c, leaf, 0);
    size_t n = put_in_order(c);
    if (n == 1 && c->len > 1 && !self_issued(c->certs[0])) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "InvalidChain",
                       "the chain lacks the certificate that signed the leaf");
    }
    *ret = print(c, n);
    return *ret != NULL ? 0
                        : cl_fail(err, CL_ERR_INTERNAL, "EncodingFailed",
                                  "the chain could not be written as PEM");
}

int cert_chain_repair(const char *pem, const struct key *k, char **ret, struct cl_err *err)
{
    struct chain c = {0};
    int rc = chain_read(pem, &c, err);

    *ret = NULL;
    if (rc < 0) {
        return -1;
    }
    if (find_leaf(&c, k) != 0 || chain_check(&c, NULL) < 0) {
        rc = repair(&c, k, ret, err);
    }
    chain_deinit(&c);
    return rc;
}
