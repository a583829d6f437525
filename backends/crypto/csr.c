/* SPDX-License-Identifier: Apache-2.0 */
/* csr: certificate requests (RFC 2986). The names are always in the extension; a common name only
 * if the spec gives one. */
#include "backends/crypto/cert.h"
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

static int csr_fill(X509_REQ *req, const struct cert_params *p, const struct key *k,
                    struct cl_err *err)
{
    X509_NAME *subject = ext_subject(p->spec, p->acme, err);
    ext_stack *exts = NULL;
    bool ca = !p->acme && p->spec->is_ca;
    int rc = -1;

    if (subject == NULL || ext_add_spec(&exts, p->spec, p->acme, false, err) < 0) {
        goto out;
    }
    if ((ca && ext_add_basic_constraints(&exts, true, -1) < 0) ||
        X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(req, subject) != 1 ||
        pkey_set_public(X509_REQ_get_X509_PUBKEY(req), k->pkey) < 0 ||
        (exts != NULL && X509_REQ_add_extensions(req, exts) != 1) ||
        X509_REQ_sign(req, k->pkey, pkey_digest(k->pkey)) <= 0) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "RequestFailed",
                          "the certificate request could not be made");
        goto out;
    }
    rc = 0;
out:
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    X509_NAME_free(subject);
    return rc;
}

int csr_create(const struct cert_params *p, const struct key *k, unsigned char **ret,
               size_t *ret_len, struct cl_err *err)
{
    X509_REQ *req = X509_REQ_new();
    int rc = -1;

    if (req == NULL) {
        return crypto_fail(err, CL_ERR_INTERNAL, "RequestFailed", "out of memory");
    }
    if (csr_fill(req, p, k, err) == 0) {
        int len = i2d_X509_REQ(req, NULL);
        if (len > 0) {
            unsigned char *der = cl_malloc((size_t)len);
            unsigned char *end = der;
            *ret_len = (size_t)i2d_X509_REQ(req, &end);
            *ret = der;
            rc = 0;
        } else {
            (void)crypto_fail(err, CL_ERR_INTERNAL, "RequestFailed",
                              "the certificate request could not be encoded");
        }
    }
    X509_REQ_free(req);
    return rc;
}

int csr_names(const unsigned char *der, size_t len, struct cl_strv *ret_dns, struct cl_strv *ret_ip,
              struct cl_err *err)
{
    const unsigned char *p = der;
    X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)len);
    struct san_names san = {0};

    if (req == NULL || p != der + len) {
        X509_REQ_free(req);
        return crypto_fail(err, CL_ERR_LOCAL, "InvalidCertificateRequest",
                           "this is not a certificate request in DER form");
    }
    ext_stack *exts = X509_REQ_get_extensions(req);
    GENERAL_NAMES *names = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
    san_read(names, &san);
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    X509_REQ_free(req);
    ERR_clear_error();
    *ret_dns = san.dns;
    *ret_ip = san.ip;
    san.dns = (struct cl_strv){0};
    san.ip = (struct cl_strv){0};
    san_deinit(&san);
    return 0;
}
