/* SPDX-License-Identifier: Apache-2.0 */
/* manifest: what is recorded beside each archived revision: the request it answered and what came
 * back. Plain data plus JSON; the archive keeps it as manifest.json. Pure. */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "spec/base/cl_err.h"
#include "spec/spec.h"

/* What a certificate says, parsed once when it is written. Strings owned. */
struct cert_facts {
    char *serial;           /* lower-case hex */
    char *sha256;           /* of the DER, hex */
    char *spki_sha256;      /* of the leaf's SubjectPublicKeyInfo, hex */
    char *subject, *issuer; /* one line, RFC 2253 */
    char *common_name;      /* "" if none */
    struct cl_strv dns_names, ip_addresses, uris, email_addresses;
    cl_time not_before, not_after;
    cl_time chain_not_after; /* earliest notAfter of the intermediates; 0 = none */
    char *key_algorithm;     /* "RSA" | "ECDSA" | "Ed25519" */
    long key_size;
    long chain_length; /* certificates in the file */
    bool is_ca;
    char *ari_cert_id; /* RFC 9773 4.1, "" if there is no AKI */
};
void cert_facts_deinit(struct cert_facts *f);
void cert_facts_copy(struct cert_facts *dst, const struct cert_facts *src);

/* What the archive holds for an object (D1 1 to 4 of the chain in reconciler/core/checks.c). */
enum revision_state {
    REVISION_NONE, /* no current revision */
    REVISION_OK,
    REVISION_MISSING_DATA,
    REVISION_INVALID_KEY,
    REVISION_INVALID_CERT,
    REVISION_KEY_MISMATCH, /* leaf public key != private key */
    REVISION_INVALID_CHAIN
};

struct manifest {
    unsigned schema; /* MANIFEST_SCHEMA */
    long revision;
    char *uid;                       /* of the object it was made for */
    char *issuer_name, *issuer_kind; /* "letsencrypt", "Issuer" */
    char *issuer_identity;           /* "acme:URL", "ca:SPKI-SHA256", "selfSigned" */
    char *account_url, *order_url;   /* acme only, else NULL */
    char *trigger;                   /* reason of the D1 chain that asked for it */
    cl_time issued_at;
    char spec_hash[CL_SHA256_TEXT];
    cl_time revoked_at;      /* by us, at the CA; 0 = not */
    char *revocation_reason; /* "keyCompromise" ...; NULL = not revoked */
    bool no_reissue;         /* revoked for good: nothing follows until it is asked for */
    bool adopted;            /* taken from an existing pair, no request recorded */
    /* the request */
    char *request;      /* canonical JSON of the request fields (cert_request_json) */
    char *full_request; /* of the whole spec, if names were left out of the request; else NULL */
    struct cl_strv missing_names; /* that were left out */
    /* acme; NULL = none, or not known */
    char *profile;
    char *chain;             /* preferredChain that was looked for (chain_preference_text) */
    char *certificate_url;   /* where it can be downloaded again */
    struct cl_strv warnings; /* what the issuer said about it, for people */
    struct cert_facts cert;
};
#define MANIFEST_SCHEMA 1u
void manifest_destroy(struct manifest *m);
char *manifest_to_json(const struct manifest *m);
int manifest_from_json(const char *text, struct manifest **ret, struct cl_err *err);

/**
 * The fields of a spec that are asked of the issuer, as canonical JSON: names (lower case, sorted),
 * IP addresses, URIs, e-mail addresses, common name, subject, isCA, name constraints, usages
 * (sorted), duration, key algorithm and size. Two equal texts mean the same request.
 */
char *cert_request_json(const struct cert_spec *spec);
/** Lists the fields in which two request texts differ, as "spec.dnsNames, spec.duration"; owned;
 *  NULL if they are equal. */
char *cert_request_diff(const char *recorded, const char *wanted);

#endif
