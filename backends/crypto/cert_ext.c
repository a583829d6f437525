/* SPDX-License-Identifier: Apache-2.0 */
/* cert_ext: subject and extensions of requests and certificates, built as structures: no name of a
 * spec ever passes through OpenSSL's configuration syntax, where a comma would start a new value. */
#include "backends/crypto/crypto_internal.h"
#include "spec/base/cl_alloc.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <string.h>

#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280 appendix A */

const char *cert_common_name(const struct cert_spec *spec)
{
    const char *cn = spec->common_name;

    return cl_str_empty(cn) || strlen(cn) > COMMON_NAME_MAX ? NULL : cn;
}

/* 4 or 16 bytes, or 0 if @text is no address. */
static size_t ip_bytes(const char *text, unsigned char out[16])
{
    if (inet_pton(AF_INET, text, out) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

/* ---- subject ---- */

static int add_entry(X509_NAME *name, int nid, const char *value, struct cl_err *err)
{
    size_t len = strlen(value);
    const unsigned char *bytes = (const unsigned char *)value;

    if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, bytes, (int)len, -1, 0) != 1) {
        return crypto_fail(err, CL_ERR_PERMANENT, "InvalidSubject",
                           "the subject cannot contain %s \"%.80s\"", OBJ_nid2ln(nid), value);
    }
    return 0;
}

static int add_entries(X509_NAME *name, int nid, const struct cl_strv *values, struct cl_err *err)
{
    cl_strv_for_each(value, values) {
        if (add_entry(name, nid, value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fill_subject(X509_NAME *name, const struct cert_spec *spec, bool acme,
                        struct cl_err *err)
{
    const struct subject_spec *s = &spec->subject;
    const struct {
        int nid;
        const struct cl_strv *values;
    } parts[] = {
        {NID_countryName, &s->countries},
        {NID_organizationName, &s->organizations},
        {NID_organizationalUnitName, &s->organizational_units},
        {NID_localityName, &s->localities},
        {NID_stateOrProvinceName, &s->provinces},
        {NID_streetAddress, &s->street_addresses},
        {NID_postalCode, &s->postal_codes},
    };
    const char *cn = cert_common_name(spec);
    unsigned char bytes[16];

    if (acme && cn != NULL && ip_bytes(cn, bytes) > 0) {
        cn = NULL; /* an address is a subject alternative name only (RFC 8738 3) */
    }
    for (size_t i = 0; !acme && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (add_entries(name, parts[i].nid, parts[i].values, err) < 0) {
            return -1;
        }
    }
    if (cn != NULL && add_entry(name, NID_commonName, cn, err) < 0) {
        return -1;
    }
    if (!acme && !cl_str_empty(s->serial_number)) {
        return add_entry(name, NID_serialNumber, s->serial_number, err);
    }
    return 0;
}

X509_NAME *ext_subject(const struct cert_spec *spec, bool acme, struct cl_err *err)
{
    X509_NAME *name = X509_NAME_new();

    if (name == NULL) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "no subject could be made");
        return NULL;
    }
    if (fill_subject(name, spec, acme, err) < 0) {
        X509_NAME_free(name);
        return NULL;
    }
    return name;
}

/* ---- general names ---- */

static GENERAL_NAME *general_text(int type, const char *text)
{
    GENERAL_NAME *gn = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();

    if (gn == NULL || s == NULL || ASN1_STRING_set(s, text, (int)strlen(text)) != 1) {
        GENERAL_NAME_free(gn);
        ASN1_IA5STRING_free(s);
        return NULL;
    }
    GENERAL_NAME_set0_value(gn, type, s);
    return gn;
}

static GENERAL_NAME *general_bytes(const unsigned char *bytes, size_t len)
{
    GENERAL_NAME *gn = GENERAL_NAME_new();
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();

    if (gn == NULL || s == NULL || ASN1_OCTET_STRING_set(s, bytes, (int)len) != 1) {
        GENERAL_NAME_free(gn);
        ASN1_OCTET_STRING_free(s);
        return NULL;
    }
    GENERAL_NAME_set0_value(gn, GEN_IPADD, s);
    return gn;
}

char *ip_canonical(const char *text)
{
    unsigned char bytes[16];
    char canonical[INET6_ADDRSTRLEN];
    size_t len = ip_bytes(text, bytes);

    if (len == 0 ||
        inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, canonical, sizeof(canonical)) == NULL) {
        return cl_strdup(text);
    }
    return cl_strdup(canonical);
}

static GENERAL_NAME *general_ip(const char *text)
{
    unsigned char bytes[16];
    size_t len = ip_bytes(text, bytes);

    return len > 0 ? general_bytes(bytes, len) : NULL;
}

/* "10.0.0.0/8": address, then mask (RFC 5280 4.2.1.10). */
static GENERAL_NAME *general_ip_range(const char *text)
{
    unsigned char bytes[32] = {0};
    const char *slash = strchr(text, '/');
    uint64_t prefix = 0;

    if (slash == NULL) {
        return NULL;
    }
    char *address = cl_strndup(text, (size_t)(slash - text));
    size_t len = ip_bytes(address, bytes);
    cl_free(address);
    if (len == 0 || cl_parse_u64(slash + 1, 8 * len, &prefix) < 0) {
        return NULL;
    }
    for (size_t bit = 0; bit < 8 * len; bit++) {
        unsigned mask = 0x80u >> (bit % 8);
        if (bit < prefix) {
            bytes[len + bit / 8] = (unsigned char)(bytes[len + bit / 8] | mask);
        } else {
            bytes[bit / 8] = (unsigned char)(bytes[bit / 8] & ~mask);
        }
    }
    return general_bytes(bytes, 2 * len);
}

static int push_names(GENERAL_NAMES *names, int type, const struct cl_strv *values,
                      struct cl_err *err)
{
    cl_strv_for_each(value, values) {
        GENERAL_NAME *gn = type == GEN_IPADD ? general_ip(value) : general_text(type, value);
        if (gn == NULL || sk_GENERAL_NAME_push(names, gn) <= 0) {
            GENERAL_NAME_free(gn);
            return crypto_fail(err, CL_ERR_PERMANENT, "InvalidName",
                               "\"%.200s\" cannot be a subject alternative name", value);
        }
    }
    return 0;
}

static int push_ext(ext_stack **exts, int nid, bool critical, void *value, struct cl_err *err)
{
    if (X509V3_add1_i2d(exts, nid, value, critical ? 1 : 0, X509V3_ADD_APPEND) != 1) {
        return crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed",
                           "the extension \"%s\" could not be encoded", OBJ_nid2ln(nid));
    }
    return 0;
}

static int add_san(ext_stack **exts, const struct cert_spec *spec, bool acme, bool critical,
                   struct cl_err *err)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    int rc = -1;

    if (names == NULL) {
        return crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "out of memory");
    }
    if (push_names(names, GEN_DNS, &spec->dns_names, err) == 0 &&
        push_names(names, GEN_IPADD, &spec->ip_addresses, err) == 0 &&
        (acme || (push_names(names, GEN_URI, &spec->uris, err) == 0 &&
                  push_names(names, GEN_EMAIL, &spec->email_addresses, err) == 0))) {
        rc = sk_GENERAL_NAME_num(names) == 0
                 ? 0
                 : push_ext(exts, NID_subject_alt_name, critical, names, err);
    }
    GENERAL_NAMES_free(names);
    return rc;
}

/* ---- usages ---- */

enum { /* bits of KeyUsage, RFC 5280 4.2.1.3 */
       BIT_DIGITAL_SIGNATURE,
       BIT_CONTENT_COMMITMENT,
       BIT_KEY_ENCIPHERMENT,
       BIT_DATA_ENCIPHERMENT,
       BIT_KEY_AGREEMENT,
       BIT_CERT_SIGN,
       BIT_CRL_SIGN,
       BIT_ENCIPHER_ONLY,
       BIT_DECIPHER_ONLY,
       BIT_COUNT
};

/* cert-manager's words. nid: an extended key usage; else bit is one of KeyUsage. */
static const struct usage {
    const char *word;
    int bit;
    int nid;
} USAGES[] = {
    {"signing", BIT_DIGITAL_SIGNATURE, 0},
    {"digital signature", BIT_DIGITAL_SIGNATURE, 0},
    {"content commitment", BIT_CONTENT_COMMITMENT, 0},
    {"key encipherment", BIT_KEY_ENCIPHERMENT, 0},
    {"key agreement", BIT_KEY_AGREEMENT, 0},
    {"data encipherment", BIT_DATA_ENCIPHERMENT, 0},
    {"cert sign", BIT_CERT_SIGN, 0},
    {"crl sign", BIT_CRL_SIGN, 0},
    {"encipher only", BIT_ENCIPHER_ONLY, 0},
    {"decipher only", BIT_DECIPHER_ONLY, 0},
    {"any", 0, NID_anyExtendedKeyUsage},
    {"server auth", 0, NID_server_auth},
    {"client auth", 0, NID_client_auth},
    {"code signing", 0, NID_code_sign},
    {"email protection", 0, NID_email_protect},
    {"s/mime", 0, NID_email_protect},
    {"ipsec end system", 0, NID_ipsecEndSystem},
    {"ipsec tunnel", 0, NID_ipsecTunnel},
    {"ipsec user", 0, NID_ipsecUser},
    {"timestamping", 0, NID_time_stamp},
    {"ocsp signing", 0, NID_OCSP_sign},
    {"microsoft sgc", 0, NID_ms_sgc},
    {"netscape sgc", 0, NID_ns_sgc},
};

static const struct usage *usage_find(const char *word)
{
    for (size_t i = 0; i < sizeof(USAGES) / sizeof(USAGES[0]); i++) {
        if (cl_streq(USAGES[i].word, word)) {
            return &USAGES[i];
        }
    }
    return NULL;
}

/* Splits the words into bits and extended usages (each once, in the order given). */
static int collect_usages(const struct cert_spec *spec, bool bits[BIT_COUNT],
                          EXTENDED_KEY_USAGE *extended, struct cl_err *err)
{
    if (spec->usages.len == 0) {
        bits[BIT_DIGITAL_SIGNATURE] = true;
        bits[BIT_KEY_ENCIPHERMENT] = true;
    }
    bits[BIT_CERT_SIGN] = spec->is_ca;
    cl_strv_for_each(word, &spec->usages) {
        const struct usage *u = usage_find(word);
        if (u == NULL) {
            return cl_fail(err, CL_ERR_PERMANENT, "InvalidUsage", "unknown key usage \"%.80s\"",
                           word);
        }
        if (u->nid == 0) {
            bits[u->bit] = true;
            continue;
        }
        ASN1_OBJECT *oid = OBJ_nid2obj(u->nid);
        bool have = false;
        for (int i = 0; i < sk_ASN1_OBJECT_num(extended) && !have; i++) {
            have = OBJ_cmp(sk_ASN1_OBJECT_value(extended, i), oid) == 0;
        }
        if (!have && sk_ASN1_OBJECT_push(extended, oid) <= 0) {
            return crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "out of memory");
        }
    }
    return 0;
}

static int add_usages(ext_stack **exts, const struct cert_spec *spec, struct cl_err *err)
{
    bool bits[BIT_COUNT] = {false};
    bool any = false;
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    EXTENDED_KEY_USAGE *extended = sk_ASN1_OBJECT_new_null();
    int rc = -1;

    if (usage == NULL || extended == NULL) {
        (void)crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "out of memory");
        goto out;
    }
    if (collect_usages(spec, bits, extended, err) < 0) {
        goto out;
    }
    for (int i = 0; i < BIT_COUNT; i++) {
        any = any || bits[i];
        if (bits[i] && ASN1_BIT_STRING_set_bit(usage, i, 1) != 1) {
            (void)crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "out of memory");
            goto out;
        }
    }
    rc = any ? push_ext(exts, NID_key_usage, true, usage, err) : 0;
    if (rc == 0 && sk_ASN1_OBJECT_num(extended) > 0) {
        rc = push_ext(exts, NID_ext_key_usage, false, extended, err);
    }
out:
    ASN1_BIT_STRING_free(usage);
    sk_ASN1_OBJECT_free(extended); /* the objects are OpenSSL's own */
    return rc;
}

/* ---- name constraints ---- */

static int push_subtrees(subtree_stack **trees, int type, const struct cl_strv *values,
                         struct cl_err *err)
{
    cl_strv_for_each(value, values) {
        GENERAL_NAME *gn = type == GEN_IPADD ? general_ip_range(value) : general_text(type, value);
        GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
        if (*trees == NULL) {
            *trees = sk_GENERAL_SUBTREE_new_null();
        }
        if (gn == NULL || tree == NULL || *trees == NULL ||
            sk_GENERAL_SUBTREE_push(*trees, tree) <= 0) {
            GENERAL_NAME_free(gn);
            GENERAL_SUBTREE_free(tree);
            return crypto_fail(err, CL_ERR_PERMANENT, "InvalidNameConstraint",
                               "\"%.200s\" cannot be a name constraint", value);
        }
        GENERAL_NAME_free(tree->base);
        tree->base = gn;
    }
    return 0;
}

static int push_constraints(subtree_stack **trees, const struct name_constraints_set *set,
                            struct cl_err *err)
{
    if (push_subtrees(trees, GEN_DNS, &set->dns_domains, err) < 0 ||
        push_subtrees(trees, GEN_IPADD, &set->ip_ranges, err) < 0 ||
        push_subtrees(trees, GEN_EMAIL, &set->email_addresses, err) < 0) {
        return -1;
    }
    return push_subtrees(trees, GEN_URI, &set->uri_domains, err);
}

static int add_name_constraints(ext_stack **exts, const struct name_constraints *nc,
                                struct cl_err *err)
{
    NAME_CONSTRAINTS *value = NAME_CONSTRAINTS_new();
    int rc = -1;

    if (value == NULL) {
        return crypto_fail(err, CL_ERR_INTERNAL, "EncodingFailed", "out of memory");
    }
    if (push_constraints(&value->permittedSubtrees, &nc->permitted, err) == 0 &&
        push_constraints(&value->excludedSubtrees, &nc->excluded, err) == 0) {
        rc = value->permittedSubtrees == NULL && value->excludedSubtrees == NULL
                 ? 0
                 : push_ext(exts, NID_name_constraints, nc->critical, value, err);
    }
    NAME_CONSTRAINTS_free(value);
    return rc;
}

int ext_add_spec(ext_stack **exts, const struct cert_spec *spec, bool acme, bool san_critical,
                 struct cl_err *err)
{
    if (add_san(exts, spec, acme, san_critical, err) < 0) {
        return -1;
    }
    if (acme) {
        return 0;
    }
    if (add_usages(exts, spec, err) < 0) {
        return -1;
    }
    return spec->is_ca ? add_name_constraints(exts, &spec->name_constraints, err) : 0;
}
