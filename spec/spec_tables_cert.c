/* SPDX-License-Identifier: Apache-2.0 */
/* spec_tables_cert: the fields of a Certificate. */
#include "spec/spec_tables.h"
#include "spec/spec_values.h"

/* ---- subject ---- */

#define SUBJECT_LIST(key_, member_)                                                         \
    {                                                                                       \
        ROW(key_, STRV, subject_spec, member_),                                             \
            .value = value_argument, .doc = "Part of the subject; public CAs leave it out." \
    }
static const struct schema_field SUBJECT[] = {
    SUBJECT_LIST("organizations", organizations),
    SUBJECT_LIST("countries", countries),
    SUBJECT_LIST("organizationalUnits", organizational_units),
    SUBJECT_LIST("localities", localities),
    SUBJECT_LIST("provinces", provinces),
    SUBJECT_LIST("streetAddresses", street_addresses),
    SUBJECT_LIST("postalCodes", postal_codes),
    {ROW("serialNumber", TEXT, subject_spec, serial_number), .value = value_argument,
     .doc = "Serial number of the subject, not of the certificate."},
    ROW_END,
};
static const struct schema SCHEMA_SUBJECT = {SCHEMA("subject", subject_spec, SUBJECT)};

/* ---- outputs ---- */

static const struct schema_word OUTPUT_PARTS[] = {
    {"cert", PART_CERT, false}, {"chain", PART_CHAIN, false}, {"fullchain", PART_FULLCHAIN, false},
    {"key", PART_KEY, false},   {"ca", PART_CA, false},       {0}};
static const struct schema_word FILE_FORMATS[] = {
    {"PEM", 0, false}, {"DER", 1, true}, {"PKCS12", 2, true}, {0}};
static const struct schema_field OUTPUT_FILE[] = {
    {ROWS("parts", WORDS, output_file, parts, n_parts), .flags = FIELD_REQUIRED,
     .words = OUTPUT_PARTS, .doc = "What the file holds, in this order."},
    {ROW("mode", TEXT, output_file, mode), .value = value_mode, .doc = "Octal mode in quotes."},
    {ROW_BARE("format", WORD), .words = FILE_FORMATS, .doc = "Form of the file."},
    {ROW_BARE("passwordRef", ANY), .flags = FIELD_UNSUPPORTED, .doc = "Password of the file."},
    ROW_END,
};
static const struct schema SCHEMA_OUTPUT_FILE = {
    SCHEMA("files", output_file, OUTPUT_FILE), .key_offset = offsetof(struct output_file, name),
    .key_value = value_file_name, .short_scalar = "parts", .short_list = "parts"};

static const struct schema_word LAYOUTS[] = {
    {"Symlink", LAYOUT_SYMLINK, false}, {"Rename", LAYOUT_RENAME, false}, {0}};
static const struct schema_field OUTPUT[] = {
    {ROW("directory", TEXT, output_spec, directory), .flags = FIELD_REQUIRED, .value = value_path,
     .doc = "Absolute directory below one of the Configuration's outputRoots."},
    {ROW("layout", WORD, output_spec, layout), .words = LAYOUTS,
     .doc = "Symlink changes all files at once; Rename changes one after the other."},
    {ROWS("files", KEYED, output_spec, files, n_files), .sub = &SCHEMA_OUTPUT_FILE,
     .doc = "File name to parts; without it cert.pem, chain.pem, fullchain.pem, privkey.pem."},
    {ROW_BARE("include", ANY), .flags = FIELD_REFUSED,
     .doc = "list the files under files: {NAME: PARTS}"},
    {ROW_BARE("metadataFile", BOOL), .flags = FIELD_UNSUPPORTED,
     .doc = "Write metadata.json beside the files."},
    {ROW("owner", TEXT, output_spec, owner), .value = value_account, .doc = "Owner of the files."},
    {ROW("group", TEXT, output_spec, group), .value = value_account, .doc = "Group of the files."},
    {ROW("mode", TEXT, output_spec, mode), .value = value_mode,
     .doc = "Mode of files that hold the key."},
    {ROW("certMode", TEXT, output_spec, cert_mode), .value = value_mode,
     .doc = "Mode of the other files."},
    {ROW("allowWorldReadableKey", BOOL, output_spec, allow_world_readable_key),
     .doc = "Lets mode give the key to everybody."},
    {ROW("takeOver", BOOL, output_spec, take_over),
     .doc = "Replace files of others, if the Configuration allows it."},
    ROW_END,
};
static const struct schema SCHEMA_OUTPUT = {SCHEMA("outputs", output_spec, OUTPUT)};

/* keys speaks cert-manager's words: tls.crt is leaf and intermediates. */
static const struct schema_word FORMAT_TYPES[] = {
    {"CombinedPEM", FORMAT_COMBINED_PEM, false}, {"DER", 1, true}, {0}};
static const struct schema_word SECRET_KEYS[] = {{"tls.key", PART_KEY, false},
                                                 {"tls.crt", PART_FULLCHAIN, false},
                                                 {"ca.crt", PART_CA, false},
                                                 {0}};
static const struct schema_field COMBINED[] = {
    {ROW("type", WORD, combined_spec, type), .flags = FIELD_REQUIRED, .words = FORMAT_TYPES,
     .doc = "CombinedPEM writes " COMBINED_PEM_FILE "."},
    {ROWS("keys", WORDS, combined_spec, parts, n_parts), .words = SECRET_KEYS,
     .doc = "What the file holds, in this order; default tls.key, tls.crt."},
    ROW_END,
};
static const struct schema SCHEMA_COMBINED = {
    SCHEMA("additionalOutputFormats", combined_spec, COMBINED)};

/* ---- keystores: checked as far as create, so that create: false is accepted ---- */

static const struct schema_field KEYSTORE[] = {
    {ROW_BARE("create", BOOL), .flags = FIELD_UNSUPPORTED, .doc = "Write a keystore."},
    {ROW_BARE("profile", ANY), .flags = FIELD_IGNORED, .doc = "Algorithms of the keystore."},
    {ROW_BARE("alias", ANY), .flags = FIELD_IGNORED, .doc = "Name of the entry."},
    {ROW_BARE("password", ANY), .flags = FIELD_IGNORED, .doc = "Password in the spec."},
    {ROW_BARE("passwordSecretRef", ANY), .flags = FIELD_IGNORED, .doc = "Password as a secret."},
    ROW_END,
};
static const struct schema SCHEMA_KEYSTORE = {.name = "keystore", .fields = KEYSTORE};
static const struct schema_field KEYSTORES[] = {
    {ROW_FLAT("pkcs12"), .sub = &SCHEMA_KEYSTORE, .flags = FIELD_OPTIONAL, .doc = "PKCS #12."},
    {ROW_FLAT("jks"), .sub = &SCHEMA_KEYSTORE, .flags = FIELD_OPTIONAL, .doc = "Java keystore."},
    ROW_END,
};
static const struct schema SCHEMA_KEYSTORES = {.name = "keystores", .fields = KEYSTORES};

/* ---- renewal, probes ---- */

static const struct schema_word RENEWAL_POLICIES[] = {
    {"RenewBefore", 0, false}, {"Disabled", 1, false}, {0}};
static const struct schema_field RENEWAL_WINDOW[] = {
    {ROW("cron", TEXT, renewal_window_spec, cron), .flags = FIELD_REQUIRED, .value = value_cron,
     .doc = "When it opens: minute, hour, day of the month, month, day of the week."},
    {ROW("timezone", TEXT, renewal_window_spec, timezone), .def = "UTC", .value = value_timezone,
     .doc = "Name of the tz database, such as Europe/Berlin."},
    {ROW("windowDuration", DURATION, renewal_window_spec, duration), .flags = FIELD_REQUIRED,
     .doc = "How long it stays open, at least 1m."},
    ROW_END,
};
static const struct schema SCHEMA_RENEWAL_WINDOW = {
    SCHEMA("windows", renewal_window_spec, RENEWAL_WINDOW)};
static const struct schema_field RENEWAL[] = {
    {ROW("policy", WORD, cert_spec, renewal_disabled), .def = "RenewBefore",
     .words = RENEWAL_POLICIES, .doc = "Renew in time, or never."},
    {ROW("at", TEXT, cert_spec, renewal_at), .value = value_instant,
     .doc = "Renew what was issued before this instant (RFC 3339) at it."},
    {ROWS("windows", LIST, cert_spec, renewal_windows.items, renewal_windows.len),
     .sub = &SCHEMA_RENEWAL_WINDOW,
     .doc =
         "Times in which renewals start, unless the certificate would come too close to its end."},
    ROW_END,
};
static const struct schema SCHEMA_RENEWAL = {SCHEMA("renewal", cert_spec, RENEWAL)};

static const struct schema_field PROBE[] = {
    {ROW("connect", TEXT, probe_spec, connect), .flags = FIELD_REQUIRED, .value = value_connect,
     .doc = "HOST:PORT of the service; \":443\" is this machine."},
    {ROW_BARE("starttls", TEXT), .flags = FIELD_UNSUPPORTED, .doc = "Protocol to speak first."},
    {ROW("serverName", TEXT, probe_spec, server_name), .value = value_server_name,
     .doc = "Name to ask for; default the first dnsName."},
    {ROW("timeout", DURATION, probe_spec, timeout), .def = "5s", .doc = "For one attempt."},
    {ROW("within", DURATION, probe_spec, within), .def = "2m",
     .doc = "When the new certificate must be served after the hooks."},
    ROW_END,
};
static const struct schema SCHEMA_PROBE = {SCHEMA("probes", probe_spec, PROBE),
                                           .short_scalar = "connect"};

/* ---- the Certificate ---- */

static const struct schema_word USAGES[] = {{"signing", 0, false},
                                            {"digital signature", 0, false},
                                            {"content commitment", 0, false},
                                            {"key encipherment", 0, false},
                                            {"key agreement", 0, false},
                                            {"data encipherment", 0, false},
                                            {"cert sign", 0, false},
                                            {"crl sign", 0, false},
                                            {"encipher only", 0, false},
                                            {"decipher only", 0, false},
                                            {"any", 0, false},
                                            {"server auth", 0, false},
                                            {"client auth", 0, false},
                                            {"code signing", 0, false},
                                            {"email protection", 0, false},
                                            {"s/mime", 0, false},
                                            {"ipsec end system", 0, false},
                                            {"ipsec tunnel", 0, false},
                                            {"ipsec user", 0, false},
                                            {"timestamping", 0, false},
                                            {"ocsp signing", 0, false},
                                            {"microsoft sgc", 0, false},
                                            {"netscape sgc", 0, false},
                                            {0}};
static const struct schema_word DELETION_POLICIES[] = {{"Retain", DELETION_RETAIN, false},
                                                       {"Delete", DELETION_DELETE, false},
                                                       {"Revoke", 2, true},
                                                       {0}};
static const struct schema_word SIGNATURE_ALGORITHMS[] = {
    {"SHA256WithRSA", 0, false},   {"SHA384WithRSA", 0, false},
    {"SHA512WithRSA", 0, false},   {"ECDSAWithSHA256", 0, false},
    {"ECDSAWithSHA384", 0, false}, {"ECDSAWithSHA512", 0, false},
    {"PureEd25519", 0, false},     {0}};

static const struct schema_field CERTIFICATE[] = {
    {ROW("secretName", TEXT, cert_spec, secret_name), .value = value_subdomain,
     .doc = "Directory below live/ with tls.crt, tls.key and ca.crt, as cert-manager names them."},
    {ROW("issuerRef", STRUCT, cert_spec, issuer_ref), .sub = &SCHEMA_ISSUER_REF,
     .doc = "Who issues; default from the Configuration."},
    {ROW_BARE("fallbackIssuerRefs", LIST), .flags = FIELD_UNSUPPORTED,
     .doc = "Who issues when it becomes urgent."},
    {ROW("commonName", TEXT, cert_spec, common_name), .value = value_common_name,
     .doc = "At most 64 characters; under ACME one of the names."},
    {ROW("dnsNames", STRV, cert_spec, dns_names), .flags = FIELD_SET, .value = value_dns_name,
     .doc = "Host names; a wildcard is the whole leftmost label."},
    {ROW("ipAddresses", STRV, cert_spec, ip_addresses), .flags = FIELD_SET, .value = value_ip,
     .doc = "IP addresses."},
    {ROW("uris", STRV, cert_spec, uris), .flags = FIELD_SET, .value = value_uri,
     .doc = "URIs; not under ACME."},
    {ROW("emailAddresses", STRV, cert_spec, email_addresses), .flags = FIELD_SET,
     .value = value_email, .doc = "E-mail addresses; not under ACME."},
    {ROW_BARE("otherNames", LIST), .flags = FIELD_UNSUPPORTED, .doc = "Names by OID."},
    {ROW("subject", STRUCT, cert_spec, subject), .sub = &SCHEMA_SUBJECT,
     .doc = "Further parts of the subject."},
    {ROW_BARE("literalSubject", TEXT), .flags = FIELD_UNSUPPORTED, .doc = "Subject, RFC 4514."},
    {ROW("duration", DURATION, cert_spec, duration), .def = "90d",
     .doc = "Lifetime, at least 1h; public CAs decide by themselves."},
    {ROW("renewBefore", DURATION, cert_spec, renew_before),
     .doc = "Renew this long before the end; default a third of the lifetime."},
    {ROW("renewBeforePercentage", LONG, cert_spec, renew_before_percentage), .min = 1, .max = 99,
     .doc = "The same as the share of the lifetime that is left."},
    {ROW_FLAT("renewal"), .sub = &SCHEMA_RENEWAL, .doc = "Whether and when to renew."},
    {ROW("isCA", BOOL, cert_spec, is_ca), .doc = "The certificate may sign others."},
    {ROW("nameConstraints", STRUCT, cert_spec, name_constraints), .sub = &SCHEMA_NAME_CONSTRAINTS,
     .doc = "What a CA certificate may sign."},
    {ROW("usages", STRV, cert_spec, usages), .flags = FIELD_SET, .words = USAGES,
     .doc = "Key usages; default digital signature and key encipherment."},
    {ROW_BARE("encodeUsagesInRequest", BOOL), .flags = FIELD_WARN,
     .doc = "has no effect; usages are always part of the request"},
    {ROW("privateKey", STRUCT, cert_spec, private_key), .sub = &SCHEMA_PRIVATE_KEY,
     .doc = "The key of the certificate."},
    {ROW_BARE("signatureAlgorithm", WORD), .words = SIGNATURE_ALGORITHMS,
     .doc = "Must be what the key implies."},
    {ROW_BARE("mustStaple", BOOL), .flags = FIELD_UNSUPPORTED, .doc = "TLS feature extension."},
    {ROWS("additionalOutputFormats", LIST, cert_spec, combined.items, combined.len),
     .sub = &SCHEMA_COMBINED, .doc = "Further files beside those of secretName."},
    {ROW_FLAT("keystores"), .sub = &SCHEMA_KEYSTORES, .flags = FIELD_OPTIONAL,
     .doc = "Keystores beside the files of secretName."},
    {ROW_BARE("secretTemplate", ANY), .flags = FIELD_WARN,
     .doc = "has no meaning outside Kubernetes; ignored"},
    {ROWS("outputs", LIST, cert_spec, outputs.items, outputs.len), .alias = "output",
     .flags = FIELD_ONE, .sub = &SCHEMA_OUTPUT, .doc = "Further directories to write."},
    {ROWS("hooks", LIST, cert_spec, hooks.items, hooks.len), .flags = FIELD_ONE,
     .sub = &SCHEMA_HOOK, .doc = "What runs after a change."},
    {ROWS("probes", LIST, cert_spec, probes.items, probes.len), .alias = "probe",
     .flags = FIELD_ONE, .sub = &SCHEMA_PROBE, .doc = "Services that must serve the certificate."},
    {ROWS("solvers", LIST, cert_spec, solvers.items, solvers.len), .sub = &SCHEMA_SOLVER,
     .doc = "Before those of the Issuer."},
    {ROW_BARE("issueTemporaryCertificate", BOOL), .flags = FIELD_UNSUPPORTED,
     .doc = "A self-signed certificate until the first is issued."},
    {ROW("suspend", BOOL, cert_spec, suspend), .doc = "Neither issue nor deploy."},
    {ROW("deletionPolicy", WORD, cert_spec, deletion_policy), .def = "Retain",
     .words = DELETION_POLICIES, .doc = "What happens to outputs when the spec is removed."},
    {ROW("revisionHistoryLimit", LONG, cert_spec, revision_history_limit), .def = "3", .min = 1,
     .max = 1000, .doc = "Revisions kept in the archive."},
    ROW_END,
};
const struct schema SCHEMA_CERTIFICATE = {SCHEMA("Certificate", cert_spec, CERTIFICATE)};
