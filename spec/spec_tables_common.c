/* SPDX-License-Identifier: Apache-2.0 */
/* spec_tables_common: metadata, references, solvers, hooks and keys: parts that several kinds have. */
#include "spec/spec_tables.h"
#include "spec/spec_values.h"

const struct schema *schema_of_kind(enum spec_kind kind)
{
    static const struct schema *const OF_KIND[SPEC_KINDS] = {
        [SPEC_CERTIFICATE] = &SCHEMA_CERTIFICATE,
        [SPEC_ISSUER] = &SCHEMA_ISSUER,
        [SPEC_CLUSTER_ISSUER] = &SCHEMA_ISSUER,
        [SPEC_CONFIGURATION] = &SCHEMA_CONFIGURATION,
    };

    return OF_KIND[kind];
}

/* ---- metadata ---- */

/* What a Kubernetes API server adds is looked past in silence, so that exported objects work. */
static const struct schema_field METADATA[] = {
    {ROW("name", TEXT, metadata, name), .flags = FIELD_REQUIRED, .value = value_object_name,
     .doc = "Name of the object: lower-case letters, digits, '-' and '.'."},
    {ROW("namespace", TEXT, metadata, namespace_), .def = "", .value = value_namespace,
     .doc = "Optional prefix that keeps equal names apart."},
    {ROW("labels", MAP, metadata, labels), .doc = "Labels that solver selectors can match."},
    {ROW("annotations", MAP, metadata, annotations),
     .doc = "Free text; a new value of certloop/renew-requested-at asks for one renewal."},
    {ROW_BARE("uid", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("resourceVersion", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("generation", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("generateName", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("creationTimestamp", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("deletionTimestamp", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("deletionGracePeriodSeconds", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("finalizers", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("managedFields", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("ownerReferences", ANY), .flags = FIELD_IGNORED},
    {ROW_BARE("selfLink", ANY), .flags = FIELD_IGNORED},
    ROW_END,
};
const struct schema SCHEMA_METADATA = {SCHEMA("metadata", metadata, METADATA)};

/* ---- references ---- */

static const struct schema_word ISSUER_KINDS[] = {
    {"Issuer", 0, false}, {"ClusterIssuer", 1, false}, {0}};
static const struct schema_word ISSUER_GROUPS[] = {
    {"cert-manager.io", 0, false}, {"certloop", 1, false}, {0}};
static const struct schema_field ISSUER_REF[] = {
    {ROW("name", TEXT, issuer_ref, name), .flags = FIELD_REQUIRED, .value = value_subdomain,
     .doc = "Name of the Issuer: first in the namespace of the Certificate, then without one."},
    {ROW("kind", TEXT, issuer_ref, kind), .def_compat = "Issuer", .words = ISSUER_KINDS,
     .doc = "Issuer or ClusterIssuer, when both exist under one name."},
    {ROW("group", TEXT, issuer_ref, group), .words = ISSUER_GROUPS,
     .doc = "Accepted for cert-manager's sake."},
    ROW_END,
};
const struct schema SCHEMA_ISSUER_REF = {SCHEMA("issuerRef", issuer_ref, ISSUER_REF)};

static const struct schema_field SECRET_REF[] = {
    {ROW("name", TEXT, secret_ref, name), .value = value_subdomain,
     .doc = "Directory below the secrets directory."},
    {ROW("key", TEXT, secret_ref, key), .value = value_plain_name,
     .doc = "File in that directory."},
    {ROW("file", TEXT, secret_ref, file), .value = value_path,
     .doc = "Absolute path below one of the Configuration's secretRoots."},
    {ROW("env", TEXT, secret_ref, env), .value = value_environment,
     .doc = "Variable listed in the Configuration's secretEnv."},
    {ROW("credential", TEXT, secret_ref, credential), .value = value_plain_name,
     .doc = "Name of a credential that systemd loads (LoadCredential)."},
    ROW_END,
};
const struct schema SCHEMA_SECRET_REF = {SCHEMA("secretRef", secret_ref, SECRET_REF)};

/* ---- solvers ---- */

#define KUBERNETES_ONLY "works in Kubernetes only; use listen, webroot or unixSocket"

static const struct schema_field HTTP01[] = {
    {ROW("listen", TEXT, http01_spec, listen), .value = value_listen,
     .doc = "Address on which certloop answers by itself."},
    {ROW("webroot", TEXT, http01_spec, webroot), .value = value_path,
     .doc = "Directory that a web server serves; files appear below .well-known/acme-challenge."},
    {ROW("unixSocket", TEXT, http01_spec, unix_socket), .value = value_path,
     .doc = "Socket on which certloop answers, for a proxy before it."},
    {ROW_BARE("ingress", ANY), .flags = FIELD_COMPAT | FIELD_IGNORED, .doc = KUBERNETES_ONLY},
    {ROW_BARE("gatewayHTTPRoute", ANY), .flags = FIELD_COMPAT | FIELD_IGNORED,
     .doc = KUBERNETES_ONLY},
    ROW_END,
};
static const struct schema SCHEMA_HTTP01 = {SCHEMA("http01", http01_spec, HTTP01)};

static const struct schema_field TLSALPN01[] = {
    {ROW("listen", TEXT, tlsalpn01_spec, listen), .value = value_listen,
     .doc = "Address on which certloop answers by itself."},
    {ROW("unixSocket", TEXT, tlsalpn01_spec, unix_socket), .value = value_path,
     .doc = "Socket on which certloop answers, for a proxy before it."},
    {ROW("proxyProtocol", BOOL, tlsalpn01_spec, proxy_protocol),
     .doc = "The proxy puts a PROXY header, version 1 or 2, before each connection."},
    ROW_END,
};
static const struct schema SCHEMA_TLSALPN01 = {SCHEMA("tlsalpn01", tlsalpn01_spec, TLSALPN01)};

static const struct schema_field SELECTOR[] = {
    {ROW("matchLabels", MAP, solver_selector, match_labels),
     .doc = "All of these labels must be on the Certificate."},
    {ROW("dnsNames", STRV, solver_selector, dns_names), .flags = FIELD_SET, .value = value_dns_name,
     .doc = "Names that this solver is for."},
    {ROW("dnsZones", STRV, solver_selector, dns_zones), .flags = FIELD_SET, .value = value_zone,
     .doc = "Zones whose names this solver is for; the longest match wins."},
    ROW_END,
};
static const struct schema SCHEMA_SELECTOR = {SCHEMA("selector", solver_selector, SELECTOR)};

static const struct schema_word SELF_CHECK_MODES[] = {
    {"None", DNS_CHECK_NONE, false}, {"Authoritative", DNS_CHECK_AUTHORITATIVE, false},
    {"DoH", DNS_CHECK_DOH, false},   {"Recursive", DNS_CHECK_RECURSIVE, false},
    {"Wait", DNS_CHECK_WAIT, false}, {0}};
static const struct schema_field SELF_CHECK[] = {
    {ROW("mode", WORD, propagation_spec, check), .words = SELF_CHECK_MODES,
     .doc = "How a challenge is tried first."},
    {ROW("nameservers", STRV, propagation_spec, servers), .value = value_resolver,
     .doc = "Resolvers to ask, for DoH and Recursive."},
    {ROW("timeout", DURATION, propagation_spec, timeout), .doc = "How long to try."},
    {ROW("settle", DURATION, propagation_spec, settle), .doc = "How long to wait after."},
    ROW_END,
};
static const struct schema SCHEMA_SELF_CHECK = {SCHEMA("selfCheck", propagation_spec, SELF_CHECK)};

static const struct schema_field SOLVER[] = {
    {ROW("name", TEXT, solver_spec, name), .value = value_plain_name,
     .doc = "A solver of the Configuration: the rest is taken from there."},
    {ROW("selector", STRUCT, solver_spec, selector), .sub = &SCHEMA_SELECTOR,
     .doc = "Which names this solver is for; without it: all that no other claims."},
    {ROW("http01", STRUCT, solver_spec, http01), .sub = &SCHEMA_HTTP01,
     ROW_TAG(solver_spec, has_http01, true),
     .doc = "Answer on port 80: by a built-in server or through a web server's directory."},
    {ROW("dns01", STRUCT, solver_spec, dns01), .sub = &SCHEMA_DNS01,
     ROW_TAG(solver_spec, has_dns01, true),
     .doc = "Answer by a TXT record; the only way to prove a wildcard."},
    {ROW("tlsalpn01", STRUCT, solver_spec, tlsalpn01), .sub = &SCHEMA_TLSALPN01,
     ROW_TAG(solver_spec, has_tlsalpn01, true),
     .doc = "Answer on port 443, in the TLS handshake; a proxy before it may pass it on."},
    {ROW("selfCheck", STRUCT, solver_spec, self_check), .sub = &SCHEMA_SELF_CHECK,
     .doc = "Try the challenge before the CA does."},
    {ROW("waitInsteadOfSelfCheck", DURATION, solver_spec, wait_instead_of_self_check),
     .doc = "Wait this long before the CA is told that the challenge is ready."},
    ROW_END,
};
const struct schema SCHEMA_SOLVER = {SCHEMA("solvers", solver_spec, SOLVER)};
/* The same without the name, which is the key. */
const struct schema SCHEMA_NAMED_SOLVER = {SCHEMA("solvers", solver_spec, SOLVER + 1),
                                           .key_offset = offsetof(struct solver_spec, name),
                                           .key_value = value_plain_name};

/* ---- hooks ---- */

static const struct schema_word SIGNALS[] = {
    {"HUP", 1, false},   {"INT", 2, false},   {"QUIT", 3, false},   {"USR1", 10, false},
    {"USR2", 12, false}, {"TERM", 15, false}, {"WINCH", 28, false}, {0}};
static const struct schema_field HOOK_SIGNAL[] = {
    {ROW("pidFile", TEXT, hook_spec, signal_pid_file), .flags = FIELD_REQUIRED, .value = value_path,
     .doc = "File with the number of the process."},
    {ROW("signal", TEXT, hook_spec, signal_name), .def = "HUP", .words = SIGNALS,
     .doc = "Signal without SIG."},
    ROW_END,
};
static const struct schema SCHEMA_HOOK_SIGNAL = {SCHEMA("signal", hook_spec, HOOK_SIGNAL)};

static const struct schema_word UNIT_ACTIONS[] = {
    {"reload", 0, false}, {"restart", 1, false}, {"reload-or-restart", 2, false}, {0}};
static const struct schema_field HOOK_SYSTEMD[] = {
    {ROW("unit", TEXT, hook_spec, systemd_unit), .flags = FIELD_REQUIRED, .value = value_plain_name,
     .doc = "Unit, such as nginx.service."},
    {ROW("action", TEXT, hook_spec, systemd_action), .def = "reload", .words = UNIT_ACTIONS,
     .doc = "What is done with the unit."},
    ROW_END,
};
static const struct schema SCHEMA_HOOK_SYSTEMD = {SCHEMA("systemd", hook_spec, HOOK_SYSTEMD)};

static const struct schema_word HOOK_WHEN[] = {{"Issued", HOOK_ISSUED, false},
                                               {"OutputChanged", HOOK_OUTPUT_CHANGED, false},
                                               {"Failed", HOOK_FAILED, false},
                                               {0}};
#define HOOK_ROWS                                                                                \
    {ROW("exec", STRV, hook_spec, exec), .value = value_argument,                                \
     .doc = "Program and arguments; no shell."},                                                 \
        {ROW_FLAT("signal"), .sub = &SCHEMA_HOOK_SIGNAL, .flags = FIELD_OPTIONAL,                \
         .doc = "Send a signal to a process."},                                                  \
        {ROW_FLAT("systemd"), .sub = &SCHEMA_HOOK_SYSTEMD, .flags = FIELD_OPTIONAL,              \
         .doc = "Reload or restart a unit."},                                                    \
        {ROW_BARE("http", ANY), .flags = FIELD_UNSUPPORTED, .doc = "Send a request."},           \
        {ROW_BARE("haproxy", ANY), .flags = FIELD_UNSUPPORTED, .doc = "Talk to HAProxy."},       \
        {ROW_BARE("copy", ANY), .flags = FIELD_UNSUPPORTED, .doc = "Copy files."},               \
        {ROW("user", TEXT, hook_spec, user), .flags = FIELD_CONFIG, .value = value_account,      \
         .doc = "only a hook of the Configuration can run as another user"},                     \
        {ROW("timeout", DURATION, hook_spec, timeout), .def = "30s",                             \
         .doc = "A hook that runs longer is ended."},                                            \
        {ROW("coalesce", DURATION, hook_spec, coalesce),                                         \
         .doc = "Wait this long for equal hooks of other certificates, then run once."},         \
        {ROW("retries", LONG, hook_spec, retries), .def = "5", .min = 0, .max = 100,             \
         .doc = "Attempts after a failed one."},                                                 \
        {ROW("when", FLAGS, hook_spec, when), .def = "Issued,OutputChanged", .words = HOOK_WHEN, \
         .doc = "What it runs after."},                                                          \
        {ROW_BARE("on", ANY), .flags = FIELD_REFUSED, .doc = "is called when"},                  \
        {ROW_BARE("true", ANY), .flags = FIELD_REFUSED,                                          \
         .doc = "key `on` was turned into a boolean by a YAML 1.1 tool; write when"},            \
        ROW_END

static const struct schema_field HOOK[] = {
    {ROW("name", TEXT, hook_spec, name), .value = value_plain_name,
     .doc = "A hook of the Configuration, or a file in a hook directory."},
    HOOK_ROWS,
};
const struct schema SCHEMA_HOOK = {SCHEMA("hooks", hook_spec, HOOK), .short_scalar = "name"};

static const struct schema_field NAMED_HOOK[] = {HOOK_ROWS};
const struct schema SCHEMA_NAMED_HOOK = {SCHEMA("hooks", hook_spec, NAMED_HOOK),
                                         .key_offset = offsetof(struct hook_spec, name),
                                         .key_value = value_plain_name};

/* ---- keys ---- */

const struct schema_word WORDS_KEY_ALGORITHM[] = {
    {"RSA", KEY_RSA, false}, {"ECDSA", KEY_ECDSA, false}, {"Ed25519", KEY_ED25519, false}, {0}};
static const struct schema_word KEY_ENCODINGS[] = {
    {"PKCS1", KEY_PKCS1, false}, {"PKCS8", KEY_PKCS8, false}, {0}};
static const struct schema_word ROTATION_POLICIES[] = {
    {"Always", ROTATE_ALWAYS, false}, {"Never", ROTATE_NEVER, false}, {0}};
#define KEY_ROWS(algorithm_, compat_algorithm_, encoding_, compat_encoding_, rotation_)      \
    {ROW("algorithm", WORD, private_key_spec, algorithm), .def = (algorithm_),               \
     .def_compat = (compat_algorithm_), .words = WORDS_KEY_ALGORITHM,                        \
     .doc = "RSA, ECDSA or Ed25519."},                                                       \
        {ROW("size", LONG, private_key_spec, size), .min = 0, .max = 8192,                   \
         .doc = "Bits: RSA 2048 to 8192, ECDSA 256, 384 or 521."},                           \
        {ROW("encoding", WORD, private_key_spec, encoding), .def = (encoding_),              \
         .def_compat = (compat_encoding_), .words = KEY_ENCODINGS,                           \
         .doc = "Form of the key file."},                                                    \
        {ROW("rotationPolicy", WORD, private_key_spec, rotation_policy), .def = (rotation_), \
         .words = ROTATION_POLICIES, .doc = "A new key at every renewal, or never."},        \
        {ROW_BARE("fromFile", TEXT), .flags = FIELD_UNSUPPORTED,                             \
         .doc = "Take a key from a file."},                                                  \
        ROW_END

static const struct schema_field PRIVATE_KEY[] = {
    KEY_ROWS("ECDSA", "RSA", "PKCS8", "PKCS1", "Always")};
const struct schema SCHEMA_PRIVATE_KEY = {SCHEMA("privateKey", private_key_spec, PRIVATE_KEY)};

static const struct schema_field PRIVATE_KEY_DEFAULTS[] = {KEY_ROWS(NULL, NULL, NULL, NULL, NULL)};
const struct schema SCHEMA_PRIVATE_KEY_DEFAULTS = {
    SCHEMA("privateKey", private_key_spec, PRIVATE_KEY_DEFAULTS)};

/* ---- name constraints ---- */

static const struct schema_field CONSTRAINTS_SET[] = {
    {ROW("dnsDomains", STRV, name_constraints_set, dns_domains), .flags = FIELD_SET,
     .value = value_domain, .doc = "Domains with all names below them."},
    {ROW("ipRanges", STRV, name_constraints_set, ip_ranges), .flags = FIELD_SET,
     .value = value_ip_range, .doc = "Networks, such as 10.0.0.0/8."},
    {ROW("emailAddresses", STRV, name_constraints_set, email_addresses), .flags = FIELD_SET,
     .value = value_email_or_domain, .doc = "Addresses, or domains of addresses."},
    {ROW("uriDomains", STRV, name_constraints_set, uri_domains), .flags = FIELD_SET,
     .value = value_domain, .doc = "Domains of URIs."},
    ROW_END,
};
static const struct schema SCHEMA_CONSTRAINTS_SET = {
    SCHEMA("constraints", name_constraints_set, CONSTRAINTS_SET)};
static const struct schema_field NAME_CONSTRAINTS[] = {
    {ROW("critical", BOOL, name_constraints, critical),
     .doc = "Programs that do not know name constraints must refuse the certificate."},
    {ROW("permitted", STRUCT, name_constraints, permitted), .sub = &SCHEMA_CONSTRAINTS_SET,
     .doc = "Only these."},
    {ROW("excluded", STRUCT, name_constraints, excluded), .sub = &SCHEMA_CONSTRAINTS_SET,
     .doc = "None of these."},
    ROW_END,
};
const struct schema SCHEMA_NAME_CONSTRAINTS = {
    SCHEMA("nameConstraints", name_constraints, NAME_CONSTRAINTS)};
