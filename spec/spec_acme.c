/* SPDX-License-Identifier: Apache-2.0 */
/* spec_acme: profiles and chains: table, values, rule, and whose word counts. */
#include "spec/spec_acme.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/spec_parse.h"
#include "spec/spec_rules.h"
#include "spec/spec_tables.h"
#include "spec/spec_values.h"

#include <string.h>

#define NAME_BYTES_MAX 128
#define SHA256_DIGITS 64

/* ---- table and rule ---- */

static const struct schema_field PREFERRED_CHAIN[] = {
    {ROW("root", TEXT, chain_preference, root), .value = value_chain_name,
     .doc = "Common name of the root: whoever issued the topmost certificate."},
    {ROW("issuer", TEXT, chain_preference, issuer), .value = value_chain_name,
     .doc = "Common name of whoever issued any of its certificates."},
    {ROW("sha256", TEXT, chain_preference, sha256), .value = value_sha256,
     .doc = "Fingerprint of one of its certificates."},
    {ROW("shortest", BOOL, chain_preference, shortest), .doc = "The one of fewest certificates."},
    ROW_END,
};
const struct schema SCHEMA_PREFERRED_CHAIN = {
    SCHEMA("preferredChain", chain_preference, PREFERRED_CHAIN), .short_scalar = "root"};

static bool chain_given(const struct chain_preference *c)
{
    return !cl_str_empty(c->root) || !cl_str_empty(c->issuer) || !cl_str_empty(c->sha256) ||
           c->shortest;
}

void rules_preferred_chain(const struct rules *r, const struct chain_preference *c,
                           const char *path)
{
    int n =
        !cl_str_empty(c->root) + !cl_str_empty(c->issuer) + !cl_str_empty(c->sha256) + c->shortest;

    if (n > 1) {
        rules_problem(r, false, path, "give one of root, issuer, sha256 and shortest");
    }
}

char *value_chain_name(const char *text, char *why, size_t why_size)
{
    if (strlen(text) > NAME_BYTES_MAX) {
        (void)cl_format(why, why_size, "longer than %d bytes", NAME_BYTES_MAX);
        return NULL;
    }
    return value_argument(text, why, why_size);
}

char *value_profile(const char *text, char *why, size_t why_size)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)text[i];
        if (ch <= ' ' || ch >= 0x7f) {
            (void)cl_format(why, why_size,
                            "the name of a profile has no spaces and only printable ASCII");
            return NULL;
        }
    }
    if (len > NAME_BYTES_MAX) {
        (void)cl_format(why, why_size, "longer than %d bytes", NAME_BYTES_MAX);
        return NULL;
    }
    return cl_strdup(text);
}

char *value_sha256(const char *text, char *why, size_t why_size)
{
    char digits[SHA256_DIGITS + 1];
    size_t n = 0;

    for (const char *p = text; *p != '\0' && n <= SHA256_DIGITS; p++) {
        if (*p == ':') {
            continue;
        }
        if (n == SHA256_DIGITS || strchr("0123456789abcdefABCDEF", *p) == NULL) {
            n = SHA256_DIGITS + 1;
            break;
        }
        digits[n++] = *p;
    }
    if (n != SHA256_DIGITS) {
        (void)cl_format(why, why_size,
                        "a SHA-256 fingerprint is 64 hex digits, as openssl x509 -fingerprint "
                        "-sha256 prints them");
        return NULL;
    }
    digits[n] = '\0';
    return cl_str_lower(cl_strdup(digits));
}

/* ---- whose word counts ---- */

const char *acme_profile_of(const struct cert_spec *cert, const struct acme_spec *acme)
{
    if (!cl_str_empty(cert->profile)) {
        return cert->profile;
    }
    return acme != NULL && !cl_str_empty(acme->profile) ? acme->profile : NULL;
}

const struct chain_preference *acme_chain_of(const struct cert_spec *cert,
                                             const struct acme_spec *acme)
{
    if (chain_given(&cert->preferred_chain)) {
        return &cert->preferred_chain;
    }
    return acme != NULL && chain_given(&acme->preferred_chain) ? &acme->preferred_chain : NULL;
}

char *chain_preference_text(const struct chain_preference *c)
{
    if (c == NULL) {
        return cl_strdup("");
    }
    if (c->shortest) {
        return cl_strdup("shortest");
    }
    if (!cl_str_empty(c->sha256)) {
        return cl_printf("sha256 %s", c->sha256);
    }
    return !cl_str_empty(c->issuer) ? cl_printf("issuer %s", c->issuer)
                                    : cl_printf("root %s", cl_str_or(c->root, ""));
}

/* ---- fewer names ---- */

static size_t leave_out(struct cl_strv *names, const struct cl_strv *without)
{
    struct cl_strv left = {0};
    size_t before = names->len;

    cl_strv_for_each(name, names) {
        if (!cl_strv_has(without, name)) {
            cl_strv_add(&left, name);
        }
    }
    cl_strv_deinit(names);
    *names = left;
    return before - left.len;
}

struct object *object_without_names(const struct object *o, const struct cl_strv *without)
{
    struct object *copy = NULL;
    char *text = object_to_canonical(o);
    int rc = object_from_canonical(text, &copy, NULL);

    cl_free(text);
    cl_assert(rc == 0); /* it was made a moment ago */
    struct cert_spec *s = copy->cert;
    size_t gone = leave_out(&s->dns_names, without) + leave_out(&s->ip_addresses, without);
    bool cn_gone = s->common_name != NULL && cl_strv_has(without, s->common_name);
    if (gone == 0 || cn_gone || s->dns_names.len + s->ip_addresses.len == 0) {
        object_destroy(copy);
        return NULL;
    }
    return copy;
}
