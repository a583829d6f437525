/* SPDX-License-Identifier: Apache-2.0 */
/* spec_tables_issuer: the fields of an Issuer. */
#include "spec/spec_tables.h"
#include "spec/spec_values.h"

static const struct schema_word ACCOUNT_KEYS[] = {
    {"ECDSA", KEY_ECDSA, false}, {"RSA", KEY_RSA, false}, {0}};
static const struct schema_word RENEWAL_SOURCES[] = {
    {"None", RENEWAL_SOURCE_NONE, false}, {"ARI", RENEWAL_SOURCE_ARI, false}, {0}};
static const struct schema_word RATE_LIMITS[] = {{"Auto", RATE_LIMITS_AUTO, false},
                                                 {"None", RATE_LIMITS_NONE, false},
                                                 {"LetsEncrypt", RATE_LIMITS_LETS_ENCRYPT, false},
                                                 {0}};
static const struct schema_field RATE_LIMITS_FIELDS[] = {
    {ROW("mode", WORD, rate_limits_spec, mode), .def = "Auto", .words = RATE_LIMITS,
     .doc = "Auto: those known for the host of server. None: only what the CA says itself."},
    CA_LIMIT_ROWS(rate_limits_spec, limits),
    ROW_END,
};
static const struct schema SCHEMA_RATE_LIMITS = {
    .short_scalar = "mode", SCHEMA("rateLimits", rate_limits_spec, RATE_LIMITS_FIELDS)};
static const struct schema_word REISSUE[] = {{"Server", 0, false}, {"Never", 1, true}, {0}};
static const struct schema_word RETRY_AFTER[] = {
    {"Obey", RETRY_AFTER_OBEY, false}, {"EagerFirst", RETRY_AFTER_EAGER_FIRST, false}, {0}};

static const struct schema_word EAB_ALGORITHMS[] = {
    {"HS256", EAB_HS256, false}, {"HS384", EAB_HS384, false}, {"HS512", EAB_HS512, false}, {0}};
static const struct schema_field EAB[] = {
    {ROW("keyID", TEXT, eab_spec, key_id), .flags = FIELD_REQUIRED, .value = value_eab_key_id,
     .doc = "The key identifier that the CA has given you."},
    {ROW("keySecretRef", STRUCT, eab_spec, key), .flags = FIELD_REQUIRED, .sub = &SCHEMA_SECRET_REF,
     .doc = "The MAC key, in base64url as the CA shows it."},
    {ROW("keyAlgorithm", WORD, eab_spec, algorithm), .def = "HS256", .words = EAB_ALGORITHMS,
     .doc = "HMAC of the binding."},
    ROW_END,
};
static const struct schema SCHEMA_EAB = {SCHEMA("externalAccountBinding", eab_spec, EAB)};
static const struct schema_word PREFLIGHT[] = {{"Auto", PREFLIGHT_AUTO, false},
                                               {"Always", PREFLIGHT_ALWAYS, false},
                                               {"Never", PREFLIGHT_NEVER, false},
                                               {0}};

static const struct schema_field ACME[] = {
    {ROW("server", TEXT, acme_spec, server), .flags = FIELD_REQUIRED, .value = value_directory_url,
     .doc = "URL of the directory."},
    {ROW("email", TEXT, acme_spec, email), .value = value_email,
     .doc = "Where the CA writes to; optional."},
    {ROW("termsOfServiceAgreed", BOOL, acme_spec, terms_of_service_agreed), .def_compat = "true",
     .doc = "You have read the terms of the CA and agree."},
    {ROW("privateKeySecretRef", STRUCT, acme_spec, private_key), .sub = &SCHEMA_SECRET_REF,
     .doc = "An account key that exists already; without it one is kept in accounts/."},
    {ROW("accountKeyAlgorithm", WORD, acme_spec, account_key_algorithm), .def = "ECDSA",
     .words = ACCOUNT_KEYS, .doc = "Of a new account key: ECDSA P-256 or RSA 2048."},
    {ROW("disableAccountKeyGeneration", BOOL, acme_spec, disable_account_key_generation),
     .doc = "Wait for an account key instead of making one."},
    {ROW("externalAccountBinding", STRUCT, acme_spec, eab), .flags = FIELD_OPTIONAL,
     .sub = &SCHEMA_EAB, ROW_TAG(acme_spec, eab.on, true),
     .doc = "Binding to an account that the CA already knows."},
    {ROW("preferredChain", STRUCT, acme_spec, preferred_chain), .sub = &SCHEMA_PREFERRED_CHAIN,
     .doc = "Which chain to take if the CA offers several; a lone name is that of the root."},
    {ROW("profile", TEXT, acme_spec, profile), .value = value_profile,
     .doc = "Kind of certificate to ask for, one of those that the CA's directory names."},
    {ROW("proxy", TEXT, acme_spec, proxy), .value = value_proxy,
     .doc = "HTTP proxy for this CA, http://HOST:PORT; none = past every proxy."},
    {ROW("proxySecretRef", STRUCT, acme_spec, proxy_ref), .sub = &SCHEMA_SECRET_REF,
     .doc = "USER:PASSWORD for the proxy."},
    {ROW("caBundle", TEXT, acme_spec, ca_bundle), .value = value_pem,
     .doc = "Roots that the CA's own certificate must chain to, instead of the system's."},
    {ROW("caBundleFile", TEXT, acme_spec, ca_bundle_file), .value = value_path,
     .doc = "The same as a file."},
    {ROW("skipTLSVerify", BOOL, acme_spec, skip_tls_verify),
     .doc = "Do not check the CA's own certificate: for tests only."},
    {ROW("enableDurationFeature", BOOL, acme_spec, enable_duration_feature),
     .doc = "Ask for spec.duration; few CAs accept it."},
    {ROW("renewalInformationSource", WORD, acme_spec, renewal_source), .def = "ARI",
     .words = RENEWAL_SOURCES, .doc = "Whether the CA says when to renew (RFC 9773)."},
    {ROW("rateLimits", STRUCT, acme_spec, rate_limits), .sub = &SCHEMA_RATE_LIMITS,
     .doc = "Which limits are kept before the CA says so."},
    {ROW_BARE("reissueOnChange", WORD), .words = REISSUE, .doc = "Issue anew when server changes."},
    {ROW("retryAfter", WORD, acme_spec, retry_after), .def = "Obey", .words = RETRY_AFTER,
     .doc = "EagerFirst polls once early; for a CA of your own."},
    {ROW("maxConnections", LONG, acme_spec, max_connections), .def = "8", .min = 1, .max = 64,
     .doc = "Requests in flight."},
    {ROW("maxOrders", LONG, acme_spec, max_orders), .def = "500", .min = 1, .max = 10000,
     .doc = "Orders open at one time."},
    {ROW("rehearseWith", STRUCT, acme_spec, rehearse_with), .sub = &SCHEMA_ISSUER_REF,
     .flags = FIELD_OPTIONAL,
     .doc = "Issuer that is asked first after a failed validation, such as a staging CA."},
    {ROW("preflight", WORD, acme_spec, preflight), .def = "Auto", .words = PREFLIGHT,
     .doc = "Look first at what the CA will look at: before an order that costs a scarce token or "
            "follows a failed validation (Auto), before every order, or never."},
    {ROW("httpPort", LONG, acme_spec, http_port), .def = "80", .min = 1, .max = 65535,
     .doc = "Port to which the CA connects for http-01; public CAs use 80."},
    {ROW("tlsPort", LONG, acme_spec, tls_port), .def = "443", .min = 1, .max = 65535,
     .doc = "Port to which the CA connects for tls-alpn-01; public CAs use 443."},
    {ROWS("solvers", LIST, acme_spec, solvers.items, solvers.len), .sub = &SCHEMA_SOLVER,
     .doc = "How control of names is proven."},
    ROW_END,
};
static const struct schema SCHEMA_ACME = {SCHEMA("acme", acme_spec, ACME)};

static const struct schema_field GENERATE[] = {
    {ROW("commonName", TEXT, generate_spec, common_name), .value = value_common_name,
     .doc = "Name of the root; default made of the Issuer and the host."},
    {ROW("duration", DURATION, generate_spec, duration), .def = "3650d",
     .doc = "Lifetime of the root."},
    {ROW("algorithm", WORD, generate_spec, algorithm), .def = "ECDSA", .words = WORDS_KEY_ALGORITHM,
     .doc = "Of the root's key."},
    {ROW("nameConstraints", STRUCT, generate_spec, name_constraints),
     .sub = &SCHEMA_NAME_CONSTRAINTS, .doc = "What the root may sign."},
    ROW_END,
};
static const struct schema SCHEMA_GENERATE = {SCHEMA("generate", generate_spec, GENERATE)};

#define URLS(key_, struct_, member_, doc_)                                  \
    {                                                                       \
        ROW(key_, STRV, struct_, member_), .value = value_url, .doc = doc_, \
    }
static const struct schema_field CA[] = {
    {ROW("secretName", TEXT, ca_spec, secret_name), .value = value_subdomain,
     .doc = "The secretName of a Certificate with isCA, or a directory of the secrets."},
    {ROW("generate", STRUCT, ca_spec, generate), .sub = &SCHEMA_GENERATE,
     ROW_TAG(ca_spec, generate.on, true), .doc = "Make a root on first use: true, or its details."},
    URLS("crlDistributionPoints", ca_spec, crl_distribution_points, "Put into certificates."),
    URLS("ocspServers", ca_spec, ocsp_servers, "Put into certificates."),
    URLS("issuingCertificateURLs", ca_spec, issuing_certificate_urls, "Put into certificates."),
    ROW_END,
};
static const struct schema SCHEMA_CA = {SCHEMA("ca", ca_spec, CA)};

static const struct schema_field SELF_SIGNED[] = {
    URLS("crlDistributionPoints", issuer_spec, self_signed_crl_distribution_points,
         "Put into certificates."),
    ROW_END,
};
static const struct schema SCHEMA_SELF_SIGNED = {SCHEMA("selfSigned", issuer_spec, SELF_SIGNED)};

static const struct schema_field ISSUER[] = {
    {ROW("acme", STRUCT, issuer_spec, acme), .sub = &SCHEMA_ACME,
     ROW_TAG(issuer_spec, type, ISSUER_ACME), .doc = "A CA that speaks ACME (RFC 8555)."},
    {ROW("ca", STRUCT, issuer_spec, ca), .sub = &SCHEMA_CA, ROW_TAG(issuer_spec, type, ISSUER_CA),
     .doc = "A CA of your own."},
    {ROW_FLAT("selfSigned"), .sub = &SCHEMA_SELF_SIGNED,
     ROW_TAG(issuer_spec, type, ISSUER_SELF_SIGNED), .doc = "Certificates sign themselves."},
    {ROW_BARE("vault", ANY), .flags = FIELD_UNSUPPORTED, .doc = "HashiCorp Vault."},
    {ROW_BARE("venafi", ANY), .flags = FIELD_UNSUPPORTED, .doc = "Venafi."},
    ROW_END,
};
const struct schema SCHEMA_ISSUER = {SCHEMA("Issuer", issuer_spec, ISSUER)};
