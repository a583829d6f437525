/* SPDX-License-Identifier: Apache-2.0 */
/* cert_ext_ca: the extensions that an issuer adds to what the spec asks for: basic constraints, key
 * identifiers, where to find CRLs, OCSP responders and the issuer's certificate. */
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <openssl/err.h>
#include <string.h>

#define KEY_ID_BYTES 20

static int push(ext_stack **exts, int nid, bool critical, void *value)
{
    return X509V3_add1_i2d(exts, nid, value, critical ? 1 : 0, X509V3_ADD_APPEND) == 1 ? 0 : -1;
}

int ext_add_basic_constraints(ext_stack **exts, bool is_ca, int path_len)
{
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
    int rc = -1;

    if (bc == NULL) {
        return -1;
    }
    bc->ca = is_ca ? 0xff : 0;
    if (is_ca && path_len >= 0) {
        bc->pathlen = ASN1_INTEGER_new();
        if (bc->pathlen == NULL || ASN1_INTEGER_set_int64(bc->pathlen, path_len) != 1) {
            goto out;
        }
    }
    rc = push(exts, NID_basic_constraints, true, bc);
out:
    BASIC_CONSTRAINTS_free(bc);
    return rc;
}

/* The leftmost 160 bits of SHA-256 of the public key bits (RFC 7093 2, method 1); NULL on error. */
static ASN1_OCTET_STRING *key_id(const X509 *x)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x);
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    unsigned char digest[32];

    if (id == NULL || bits == NULL) {
        ASN1_OCTET_STRING_free(id);
        return NULL;
    }
    cl_sha256(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), digest);
    if (ASN1_OCTET_STRING_set(id, digest, KEY_ID_BYTES) != 1) {
        ASN1_OCTET_STRING_free(id);
        return NULL;
    }
    return id;
}

/* The identifier in the issuer's certificate, whoever computed it; else that of its key. */
static ASN1_OCTET_STRING *issuer_key_id(const X509 *issuer)
{
    ASN1_OCTET_STRING *id = X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);

    ERR_clear_error();
    return id != NULL ? id : key_id(issuer);
}

int ext_add_key_ids(ext_stack **exts, const X509 *subject, const X509 *issuer)
{
    ASN1_OCTET_STRING *ski = key_id(subject);
    AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
    int rc = -1;

    if (ski != NULL && aki != NULL) {
        aki->keyid = issuer != NULL ? issuer_key_id(issuer) : key_id(subject);
        if (aki->keyid != NULL && push(exts, NID_subject_key_identifier, false, ski) == 0) {
            rc = push(exts, NID_authority_key_identifier, false, aki);
        }
    }
    ASN1_OCTET_STRING_free(ski);
    AUTHORITY_KEYID_free(aki);
    return rc;
}

static int set_uri(GENERAL_NAME *gn, const char *url)
{
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();

    if (s == NULL || ASN1_STRING_set(s, url, (int)strlen(url)) != 1) {
        ASN1_IA5STRING_free(s);
        return -1;
    }
    GENERAL_NAME_set0_value(gn, GEN_URI, s);
    return 0;
}

static int push_point(CRL_DIST_POINTS *points, const char *url)
{
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAME *gn = GENERAL_NAME_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

    if (point == NULL || gn == NULL || names == NULL || set_uri(gn, url) < 0 ||
        (point->distpoint = DIST_POINT_NAME_new()) == NULL ||
        sk_GENERAL_NAME_push(names, gn) <= 0) {
        DIST_POINT_free(point);
        GENERAL_NAME_free(gn);
        sk_GENERAL_NAME_free(names);
        return -1;
    }
    point->distpoint->type = 0; /* fullName */
    point->distpoint->name.fullname = names;
    if (sk_DIST_POINT_push(points, point) <= 0) {
        DIST_POINT_free(point);
        return -1;
    }
    return 0;
}

static int add_crl(ext_stack **exts, const struct cl_strv *urls)
{
    CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
    int rc = points != NULL ? 0 : -1;

    cl_strv_for_each(url, urls) {
        if (rc == 0) {
            rc = push_point(points, url);
        }
    }
    if (rc == 0) {
        rc = push(exts, NID_crl_distribution_points, false, points);
    }
    sk_DIST_POINT_pop_free(points, DIST_POINT_free);
    return rc;
}

static int push_access(AUTHORITY_INFO_ACCESS *aia, int nid, const struct cl_strv *urls)
{
    cl_strv_for_each(url, urls) {
        ACCESS_DESCRIPTION *ad = ACCESS_DESCRIPTION_new();
        if (ad == NULL || set_uri(ad->location, url) < 0 ||
            sk_ACCESS_DESCRIPTION_push(aia, ad) <= 0) {
            ACCESS_DESCRIPTION_free(ad);
            return -1;
        }
        ASN1_OBJECT_free(ad->method);
        ad->method = OBJ_nid2obj(nid);
    }
    return 0;
}

static bool any(const struct cl_strv *v)
{
    return v != NULL && v->len > 0;
}

int ext_add_urls(ext_stack **exts, const struct cert_sign_params *p)
{
    int rc = 0;

    if (any(p->crl_distribution_points) && add_crl(exts, p->crl_distribution_points) < 0) {
        return -1;
    }
    if (!any(p->ocsp_servers) && !any(p->issuing_certificate_urls)) {
        return 0;
    }
    AUTHORITY_INFO_ACCESS *aia = sk_ACCESS_DESCRIPTION_new_null();
    if (aia == NULL) {
        return -1;
    }
    if (any(p->ocsp_servers)) {
        rc = push_access(aia, NID_ad_OCSP, p->ocsp_servers);
    }
    if (rc == 0 && any(p->issuing_certificate_urls)) {
        rc = push_access(aia, NID_ad_ca_issuers, p->issuing_certificate_urls);
    }
    if (rc == 0) {
        rc = push(exts, NID_info_access, false, aia);
    }
    AUTHORITY_INFO_ACCESS_free(aia);
    return rc;
}
