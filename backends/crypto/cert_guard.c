/* SPDX-License-Identifier: Apache-2.0 */
/* cert_guard: what stands between a CA's answer and the archive, and the small questions about a
 * chain: does it belong to this key, which part is the leaf? */
#include "backends/crypto/cert.h"
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define CLOCK_SKEW (5 * CL_MINUTE)

static bool leaf_has_key(const struct chain *c, const struct key *k)
{
    bool same = EVP_PKEY_eq(X509_get0_pubkey(c->certs[0]), k->pkey) == 1;

    ERR_clear_error();
    return same;
}

int cert_matches_key(const char *pem, const struct key *k, struct cl_err *err)
{
    struct chain c = {0};

    if (chain_read(pem, &c, err) < 0) {
        return -1;
    }
    bool same = leaf_has_key(&c, k);
    chain_deinit(&c);
    if (!same) {
        return cl_fail(err, CL_ERR_PERMANENT, "InvalidKeyPair",
                       "the certificate was made for another private key");
    }
    return 0;
}

int cert_add_pem(struct cl_buf *b, X509 *x)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = -1;

    if (bio != NULL && PEM_write_bio_X509(bio, x) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        rc = cl_buf_add(b, data, (size_t)len);
    }
    BIO_free(bio);
    return rc;
}

static int add_block(struct cl_buf *b, const unsigned char *der, long len)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = -1;

    if (bio != NULL && PEM_write_bio(bio, PEM_STRING_X509, "", der, len) > 0) {
        long size = BIO_get_mem_data(bio, &data);
        rc = cl_buf_add(b, data, (size_t)size);
    }
    BIO_free(bio);
    return rc;
}

/* The certificates themselves are not decoded: that is slow, and the guard has done it. */
int cert_split_chain(const char *pem, char **ret_leaf, char **ret_rest, struct cl_err *err)
{
    struct cl_buf leaf;
    struct cl_buf rest;
    unsigned char *der = NULL;
    long len = 0;
    size_t n = 0;
    int rc;
    BIO *bio = BIO_new_mem_buf(pem, -1);

    cl_buf_init(&leaf, 2 * CHAIN_BYTES_MAX);
    cl_buf_init(&rest, 2 * CHAIN_BYTES_MAX);
    while ((rc = bio == NULL ? -1 : chain_next_block(bio, n, &der, &len, err)) == 1) {
        rc = add_block(n == 0 ? &leaf : &rest, der, len);
        OPENSSL_free(der);
        n++;
        if (rc < 0) {
            (void)crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed",
                              "the chain could not be written as PEM");
            break;
        }
    }
    BIO_free(bio);
    if (rc == 0 && n == 0) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "InvalidCertificate", "there is no certificate");
    }
    if (rc < 0) {
        cl_buf_deinit(&leaf);
        cl_buf_deinit(&rest);
        return -1;
    }
    *ret_leaf = cl_buf_take(&leaf);
    *ret_rest = cl_buf_take(&rest);
    return 0;
}

/* ---- guard ---- */

static void copy_normalised(struct cl_strv *dst, const struct cl_strv *src, bool ip)
{
    *dst = (struct cl_strv){0};
    cl_strv_for_each(name, src) {
        cl_strv_take(dst, ip ? ip_canonical(name) : cl_str_lower(cl_strdup(name)));
    }
    cl_strv_dedupe(dst);
}

/* Are the names the wanted ones? @extra (may be NULL): one more that may be there as well. */
static bool same_names(const struct cl_strv *wanted, const struct cl_strv *got, bool ip,
                       const char *extra)
{
    struct cl_strv a;
    struct cl_strv b;

    copy_normalised(&a, wanted, ip);
    copy_normalised(&b, got, ip);
    bool same = cl_strv_equal_set(&a, &b);
    if (!same && extra != NULL && !cl_strv_has(&a, extra)) {
        cl_strv_add(&a, extra);
        same = cl_strv_equal_set(&a, &b);
    }
    cl_strv_deinit(&a);
    cl_strv_deinit(&b);
    return same;
}

static bool has_other_names(const X509 *leaf)
{
    struct san_names san;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    san_read(names, &san);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    san_deinit(&san);
    return san.other;
}

static int guard_names(const struct chain *c, const struct cert_spec *spec,
                       const struct cert_facts *f, struct cl_err *err)
{
    char *cn = spec->common_name != NULL ? cl_str_lower(cl_strdup(spec->common_name)) : NULL;
    bool same = same_names(&spec->dns_names, &f->dns_names, false, cn) &&
                same_names(&spec->ip_addresses, &f->ip_addresses, true, NULL) &&
                cl_strv_equal_set(&spec->uris, &f->uris) &&
                cl_strv_equal_set(&spec->email_addresses, &f->email_addresses) &&
                !has_other_names(c->certs[0]);

    cl_free(cn);
    if (!same) {
        char *got = cl_strv_join(&f->dns_names, ", ");
        (void)cl_fail(err, CL_ERR_BAD_RESULT, "WrongNames",
                      "the certificate is not for the names that were asked for, but for: %.300s",
                      got);
        cl_free(got);
        return -1;
    }
    return 0;
}

static int guard_validity(const struct cert_facts *f, cl_time now, struct cl_err *err)
{
    char text[CL_TIME_TEXT];

    if (f->not_before > cl_time_add(now, CLOCK_SKEW)) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "NotValidNow",
                       "the certificate is not valid before %s: is the clock of this host right?",
                       cl_time_format(f->not_before, text));
    }
    if (f->not_after <= now) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "NotValidNow", "the certificate expired at %s",
                       cl_time_format(f->not_after, text));
    }
    if (f->chain_not_after != 0 && f->chain_not_after <= now) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "InvalidChain",
                       "an intermediate certificate expired at %s",
                       cl_time_format(f->chain_not_after, text));
    }
    return 0;
}

static int guard(const struct chain *c, const struct cert_spec *spec, const struct key *k,
                 cl_time now, struct cert_facts *f, struct cl_err *err)
{
    if (!leaf_has_key(c, k)) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "WrongKey",
                       "the certificate is for another key than the one of the request");
    }
    if (chain_check(c, err) < 0 || chain_facts(c, f, err) < 0) {
        return -1;
    }
    if (guard_names(c, spec, f, err) < 0 || guard_validity(f, now, err) < 0) {
        return -1;
    }
    if (f->is_ca && !spec->is_ca) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "UnexpectedCA",
                       "the certificate may sign others (CA:TRUE), which was not asked for");
    }
    if (!f->is_ca && spec->is_ca) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "NotACA",
                       "a CA certificate was asked for, but this one may not sign");
    }
    return 0;
}

int cert_guard(const char *pem, const struct cert_spec *spec, const struct key *k, cl_time now,
               struct cert_facts *ret, struct cl_err *err)
{
    struct chain c = {0};
    struct cert_facts f = {0};
    struct cl_err own = {0};
    int rc = chain_read(pem, &c, &own);

    if (rc == 0) {
        rc = guard(&c, spec, k, now, &f, &own);
        chain_deinit(&c);
    }
    if (rc < 0) {
        cert_facts_deinit(&f);
        if (err != NULL) {
            *err = own;
            err->kind = CL_ERR_BAD_RESULT; /* wherever the fault is, this must not be installed */
        }
        return -1;
    }
    *ret = f;
    return 0;
}
