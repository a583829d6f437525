/* SPDX-License-Identifier: Apache-2.0 */
/* spec: what must be true. The structs behind the kinds Certificate, Issuer and Configuration, as
 * decoded, defaulted and checked. Strings are owned, NULL = not given; times are durations in ms,
 * 0 = not given. Every struct is filled through the tables of spec_schema, freed by the same. */
#ifndef SPEC_H
#define SPEC_H

#include "spec/base/cl_hash.h"
#include "spec/base/cl_map.h"
#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

#include <stdbool.h>
#include <stddef.h>

enum spec_kind {
    SPEC_CERTIFICATE,
    SPEC_ISSUER,
    SPEC_CLUSTER_ISSUER,
    SPEC_CONFIGURATION,
    SPEC_KINDS
};
enum spec_api { SPEC_API_CERTLOOP, SPEC_API_CERT_MANAGER };

struct string_pair {
    char *key, *value;
};
struct string_map { /* sorted by key */
    struct string_pair *items;
    size_t len;
};
const char *string_map_get(const struct string_map *m, const char *key); /* NULL if absent */

/* {name, key} below the secrets directory, or one of the other forms. Empty: name = file = NULL.. */
struct secret_ref {
    char *name, *key; /* SECRETS/[NAMESPACE/]NAME/KEY */
    char *file;       /* absolute, below a secretRoot */
    char *env;        /* allowed by secretEnv */
    char *credential; /* systemd LoadCredential */
};
bool secret_ref_given(const struct secret_ref *r);

struct issuer_ref {
    char *name;
    char *kind;  /* "Issuer" | "ClusterIssuer" | NULL */
    char *group; /* NULL | "cert-manager.io" | "certloop" */
};
struct issuer_ref_list {
    struct issuer_ref *items;
    size_t len;
};

/* ---- solvers ---- */
struct http01_spec {
    char *listen;      /* "[::]:80", "0.0.0.0:80", "127.0.0.1:5002" */
    char *webroot;     /* absolute directory; below a Configuration webroot */
    char *unix_socket; /* absolute path of a listening unix socket */
};
struct tlsalpn01_spec {  /* neither address: the Configuration's */
    char *listen;        /* "[::]:443", "127.0.0.1:8443" */
    char *unix_socket;   /* absolute path of a listening unix socket */
    bool proxy_protocol; /* each connection begins with a PROXY header, version 1 or 2 */
};
/* How it is found out that a TXT record is visible, before the CA is told. 0 = not given. */
enum dns_check {
    DNS_CHECK_DEFAULT,
    DNS_CHECK_AUTHORITATIVE, /* ask every authoritative server of the zone */
    DNS_CHECK_DOH,           /* ask resolvers over HTTPS */
    DNS_CHECK_RECURSIVE,     /* ask resolvers */
    DNS_CHECK_WAIT,          /* ask nobody, wait a fixed time */
    DNS_CHECK_NONE
};
struct propagation_spec {
    enum dns_check check;
    struct cl_strv servers; /* resolvers: "ADDRESS:PORT" or "https://..." */
    cl_time wait;           /* before the first question; with DNS_CHECK_WAIT: instead of any */
    cl_time timeout, interval;
    cl_time settle; /* after the check has been good */
};
struct rfc2136_spec {
    char *nameserver; /* "HOST:PORT" */
    char *key_name;   /* TSIG; without final dot */
    char *algorithm;  /* cert-manager's word: "HMACSHA256" */
    struct secret_ref secret;
    char *protocol; /* "UDP" | "TCP" */
};
struct responder_spec {       /* nothing given: the Configuration's */
    char *listen;             /* "ADDRESS:PORT" */
    struct cl_strv zones;     /* that are delegated to it */
    char *name_server;        /* its own name */
    struct cl_strv addresses; /* of that name */
};
struct acme_dns_spec {
    char *host; /* URL; NULL: file "host" beside the account */
    struct secret_ref account;
    struct cl_strv allow_from; /* networks from which updates are accepted; asked at registration */
};
struct httpreq_spec {
    char *url;  /* NULL: file "url" of the credentials */
    char *mode; /* "Default" | "RAW" */
    struct secret_ref credentials;
    cl_time timeout;
};
enum dns_exec_protocol {
    EXEC_CERTLOOP,
    EXEC_LEGO,
    EXEC_LEGO_RAW,
    EXEC_CERTBOT,
    EXEC_ACME_SH,
    EXEC_DEHYDRATED,
    EXEC_MOD_MD,
    EXEC_UACME,
    EXEC_ACMETOOL,
    EXEC_PROTOCOLS
};
struct dns_exec_spec {
    struct cl_strv command;         /* argv, no shell */
    struct cl_strv cleanup_command; /* for certbot's two hooks; none = command */
    enum dns_exec_protocol protocol;
    char *script;          /* acme.sh only: "dns_cf", or an absolute path */
    char *env_file;        /* NAME=VALUE lines; below the secrets or a secretRoot */
    struct string_map env; /* what is not secret */
    cl_time timeout;
    bool sequential;
};
/* cert-manager's own forms; spec_dns01.h maps them to described providers. */
struct cloudflare_spec {
    char *email;
    struct secret_ref api_key, api_token;
};
struct route53_spec {
    char *access_key_id, *region, *hosted_zone_id;
    struct secret_ref access_key_id_ref, secret_access_key;
};
struct azure_dns_spec {
    char *client_id, *tenant_id, *subscription_id, *resource_group, *hosted_zone;
    struct secret_ref client_secret;
};
struct cloud_dns_spec {
    char *project, *hosted_zone;
    struct secret_ref service_account;
};
struct digitalocean_spec {
    struct secret_ref token;
};
struct akamai_spec {
    char *service_consumer_domain;
    struct secret_ref client_token, client_secret, access_token;
};
enum dns01_type { /* which form was written; exactly one */
                  DNS01_NONE,
                  DNS01_PROVIDER,
                  DNS01_RFC2136,
                  DNS01_RESPONDER,
                  DNS01_ACME_DNS,
                  DNS01_HTTPREQ,
                  DNS01_EXEC,
                  DNS01_CLOUDFLARE,
                  DNS01_ROUTE53,
                  DNS01_AZURE_DNS,
                  DNS01_CLOUD_DNS,
                  DNS01_DIGITALOCEAN,
                  DNS01_AKAMAI,
                  DNS01_TYPES
};
enum dns_challenge {                           /* how the record proves the name */
                     DNS_CHALLENGE_01,         /* RFC 8555 8.4 */
                     DNS_CHALLENGE_ACCOUNT_01, /* a name of its own for each account */
                     DNS_CHALLENGE_PERSIST_01  /* a record that stays */
};
struct dns01_spec {
    enum dns01_type type;
    enum dns_challenge challenge;
    cl_time persist_for; /* dns-persist-01: how long a record that is published holds; 0 = always */
    bool cname_follow;   /* cnameStrategy: Follow | None */
    struct propagation_spec propagation;
    struct cl_strv nameservers; /* cert-manager's: resolvers to check with */
    char *provider;             /* of a described provider */
    char *credentials;          /* directory below the secrets; NULL: the provider's name */
    struct string_map config;   /* inputs of the provider that are no secrets */
    struct rfc2136_spec rfc2136;
    struct responder_spec responder;
    struct acme_dns_spec acme_dns;
    struct httpreq_spec httpreq;
    struct dns_exec_spec exec;
    struct cloudflare_spec cloudflare;
    struct route53_spec route53;
    struct azure_dns_spec azure_dns;
    struct cloud_dns_spec cloud_dns;
    struct digitalocean_spec digitalocean;
    struct akamai_spec akamai;
};
struct solver_selector {
    struct string_map match_labels;
    struct cl_strv dns_names, dns_zones;
};
struct solver_spec {
    char *name; /* of the Configuration's solvers; in a spec only until its content is taken over */
    struct solver_selector selector;
    bool has_http01;
    struct http01_spec http01;
    bool has_tlsalpn01;
    struct tlsalpn01_spec tlsalpn01;
    bool has_dns01;
    struct dns01_spec dns01;
    struct propagation_spec self_check; /* for dns01: what propagation leaves open */
    cl_time wait_instead_of_self_check;
};
struct solver_list {
    struct solver_spec *items;
    size_t len;
};

/* ---- hooks, probes ---- */
enum hook_when { HOOK_ISSUED = 1, HOOK_OUTPUT_CHANGED = 2, HOOK_FAILED = 4 };
struct hook_spec {
    char *name;            /* of a Configuration hook or a file in a hook directory; or a label */
    struct cl_strv exec;   /* argv */
    char *signal_pid_file; /* signal: {pidFile, signal} */
    char *signal_name;     /* "HUP" by default */
    char *systemd_unit;    /* systemd: {unit, action} */
    char *systemd_action;  /* "reload" (default) | "restart" | "reload-or-restart" */
    char *user;            /* Configuration only: run as */
    cl_time timeout;       /* default 30s */
    cl_time coalesce;      /* how long at most it waits for others that are on their way; 0 = 5s */
    long retries;          /* default 5 */
    unsigned when;         /* bits of hook_when; default ISSUED | OUTPUT_CHANGED */
};
struct hook_list {
    struct hook_spec *items;
    size_t len;
};
struct probe_spec {
    char *connect;     /* "HOST:PORT"; ":443" means localhost */
    char *server_name; /* default: first dnsName, a wildcard's * becomes certloop-probe */
    cl_time timeout;   /* default 5s */
    cl_time within;    /* default 2m */
};
struct probe_list {
    struct probe_spec *items;
    size_t len;
};

/* ---- outputs ---- */
enum output_part { PART_CERT, PART_CHAIN, PART_FULLCHAIN, PART_KEY, PART_CA, PARTS };
enum output_layout { LAYOUT_DEFAULT, LAYOUT_SYMLINK, LAYOUT_RENAME };
struct output_file {
    char *name; /* file name, no slash */
    enum output_part parts[PARTS];
    size_t n_parts;
    char *mode; /* octal text; NULL = the output's */
};
struct output_spec {
    char *directory; /* absolute */
    enum output_layout layout;
    struct output_file *files; /* none = cert.pem chain.pem fullchain.pem privkey.pem */
    size_t n_files;
    char *owner, *group; /* names or numbers; NULL = the daemon's own */
    char *mode;          /* octal text for files with a key; NULL = 0640 / 0600 */
    char *cert_mode;     /* for the rest; NULL = 0644 */
    bool allow_world_readable_key;
    bool take_over;
};
struct output_list {
    struct output_spec *items;
    size_t len;
};

/* additionalOutputFormats: {type: CombinedPEM, keys}. At most one in the list. */
enum additional_format { FORMAT_COMBINED_PEM };
struct combined_spec {
    enum additional_format type;
    enum output_part parts[PARTS]; /* in this order; default key, fullchain */
    size_t n_parts;
};
struct combined_list {
    struct combined_spec *items;
    size_t len;
};
#define COMBINED_PEM_FILE "tls-combined.pem"

/* ---- keys, subject ---- */
enum key_algorithm { KEY_DEFAULT, KEY_RSA, KEY_ECDSA, KEY_ED25519 };
enum key_encoding { KEY_ENC_DEFAULT, KEY_PKCS1, KEY_PKCS8 };
enum rotation_policy { ROTATE_ALWAYS, ROTATE_NEVER };
struct private_key_spec {
    enum key_algorithm algorithm; /* never KEY_DEFAULT after parsing */
    long size; /* bits: RSA 2048..8192, ECDSA 256|384|521; never 0 after parsing */
    enum key_encoding encoding;
    enum rotation_policy rotation_policy;
};
struct subject_spec {
    struct cl_strv organizations, countries, organizational_units, localities, provinces,
        street_addresses, postal_codes;
    char *serial_number;
};
struct name_constraints_set {
    struct cl_strv dns_domains, ip_ranges, email_addresses, uri_domains;
};
struct name_constraints {
    bool critical;
    struct name_constraints_set permitted, excluded;
};
/* Which of the chains that an ACME CA offers is wanted; one member is given, or none. */
struct chain_preference {
    char *issuer;  /* common name of whoever issued one of its certificates */
    char *root;    /* the same of the topmost certificate: the root (cert-manager's meaning) */
    char *sha256;  /* of one of its certificates, lower-case hex */
    bool shortest; /* fewest certificates */
};
/* A recurring time in which to renew. */
struct renewal_window_spec {
    char *cron;     /* five fields: when it opens */
    char *timezone; /* of the tz database, or a POSIX TZ text; default UTC */
    cl_time duration;
};
struct renewal_window_list {
    struct renewal_window_spec *items;
    size_t len;
};
enum deletion_policy { DELETION_RETAIN, DELETION_DELETE };

struct cert_spec {
    char *secret_name;
    struct issuer_ref issuer_ref;
    struct issuer_ref_list fallback_issuers; /* asked in this order when it becomes urgent */
    struct issuer_ref standby; /* who issues the second certificate; name NULL = there is none */
    char *common_name;
    struct cl_strv dns_names;    /* lower case A-labels, deduplicated, as given otherwise */
    struct cl_strv ip_addresses; /* canonical text (RFC 5952) */
    struct cl_strv uris, email_addresses;
    struct subject_spec subject;
    cl_time duration;
    cl_time renew_before;
    long renew_before_percentage; /* remaining share of the issued lifetime; 0 = not given */
    bool renewal_disabled;        /* renewal.policy: Disabled */
    char *renewal_at; /* renewal.at: RFC 3339 instant; what was issued before it ends then */
    struct renewal_window_list renewal_windows;
    bool is_ca;
    struct name_constraints name_constraints;
    struct cl_strv usages; /* cert-manager's words; default: digital signature, key encipherment */
    struct private_key_spec private_key;
    struct output_list outputs;
    struct combined_list combined; /* additionalOutputFormats: files beside those of secretName */
    struct hook_list hooks;
    struct probe_list probes;
    struct solver_list solvers;
    bool suspend;
    enum deletion_policy deletion_policy;
    long revision_history_limit;             /* default 3 */
    char *profile;                           /* ACME: of the CA; before the Issuer's */
    struct chain_preference preferred_chain; /* ACME; before the Issuer's */
    bool allow_subset_of_names; /* ACME: names that cannot be proved are left out for now */
};

/* ---- Issuer ---- */
enum retry_after_mode { RETRY_AFTER_OBEY, RETRY_AFTER_EAGER_FIRST };
enum renewal_source { RENEWAL_SOURCE_NONE, RENEWAL_SOURCE_ARI };
/* One token bucket: so many at once, then one more each @refill. capacity 0 = no such limit. */
struct ca_limit {
    long capacity;
    cl_time refill;
};
struct ca_limits {
    struct ca_limit new_orders;            /* of an account */
    struct ca_limit domain;                /* certificates of a registered domain, IPv4, IPv6 /64 */
    struct ca_limit exact_set;             /* certificates of one set of names */
    struct ca_limit failed_authorizations; /* of a name, by an account */
    struct ca_limit consecutive_failures;  /* the same without a success between: then paused */
    struct ca_limit new_accounts;          /* of an address */
};
enum rate_limits_mode {
    RATE_LIMITS_AUTO, /* those known for the directory's host */
    RATE_LIMITS_NONE, /* none but those the CA says */
    RATE_LIMITS_LETS_ENCRYPT
};
struct rate_limits_spec {
    enum rate_limits_mode mode;
    struct ca_limits limits; /* given ones replace those of the mode */
};
enum eab_algorithm { EAB_HS256, EAB_HS384, EAB_HS512 };
struct eab_spec { /* externalAccountBinding (RFC 8555 7.3.4) */
    bool on;
    char *key_id;
    struct secret_ref key; /* of a base64url text */
    enum eab_algorithm algorithm;
};
enum preflight_mode { PREFLIGHT_AUTO, PREFLIGHT_ALWAYS, PREFLIGHT_NEVER };
struct acme_spec {
    char *server; /* directory URL */
    char *email;
    bool terms_of_service_agreed;
    struct secret_ref private_key;            /* privateKeySecretRef; optional */
    enum key_algorithm account_key_algorithm; /* ECDSA (P-256) | RSA (2048) */
    bool disable_account_key_generation;
    struct eab_spec eab;
    char *proxy; /* URL without user; "" = none at all; NULL = the Configuration's */
    struct secret_ref proxy_ref; /* "USER:PASSWORD" for the proxy */
    char *ca_bundle;             /* PEM text */
    char *ca_bundle_file;        /* absolute */
    bool skip_tls_verify;
    bool enable_duration_feature;
    long max_connections; /* requests in flight; default 8 */
    long max_orders;      /* open orders; default 500 */
    enum retry_after_mode retry_after;
    enum renewal_source renewal_source; /* does the CA say when to renew? */
    struct issuer_ref rehearse_with; /* asked first after a failed validation; name NULL = none */
    struct rate_limits_spec rate_limits; /* kept before the CA says so */
    enum preflight_mode preflight;       /* is what the CA will look at looked at first? */
    long http_port, tls_port;            /* where the CA connects to; 80 and 443 at public ones */
    struct solver_list solvers;
    char *profile;
    struct chain_preference preferred_chain;
};
struct generate_spec { /* ca.generate */
    bool on;
    char *common_name; /* default "certloop NAME HOST" */
    cl_time duration;  /* default 3650d */
    enum key_algorithm algorithm;
    struct name_constraints name_constraints;
};
struct ca_spec {
    char *secret_name;
    struct generate_spec generate;
    struct cl_strv crl_distribution_points, ocsp_servers, issuing_certificate_urls;
};
enum issuer_type { ISSUER_NONE, ISSUER_ACME, ISSUER_CA, ISSUER_SELF_SIGNED };
struct issuer_spec {
    enum issuer_type type;
    struct acme_spec acme;
    struct ca_spec ca;
    struct cl_strv self_signed_crl_distribution_points;
};

/* ---- an object of the watched directory ---- */
struct metadata {
    char *name, *namespace_; /* namespace_ "" if none, never NULL */
    struct string_map labels, annotations;
};
struct object {
    enum spec_api api;
    enum spec_kind kind; /* CERTIFICATE, ISSUER or CLUSTER_ISSUER */
    struct metadata metadata;
    char *key;                      /* file-system key: NAME or NAMESPACE_NAME */
    unsigned document;              /* index within the file, from 0 */
    unsigned line;                  /* of its first line, from 1 */
    char spec_hash[CL_SHA256_TEXT]; /* of the canonical, defaulted spec; decides generation */
    struct cl_strv warnings;        /* accepted, but without meaning here */
    union {
        struct cert_spec *cert;
        struct issuer_spec *issuer;
    };
};

/* ---- Configuration ---- */
struct config_listen {
    char *listen;
};
struct config_defaults {
    struct issuer_ref issuer_ref;
    struct issuer_ref_list fallback_issuers;
    struct private_key_spec private_key; /* algorithm KEY_DEFAULT = none given */
    struct solver_list solvers;
    struct hook_list hooks;
    char *output_owner, *output_group, *output_mode;
    char *key_group; /* group of live/NAME/privkey.pem */
};
struct dns_zone_spec { /* a zone whose servers are not those that the DNS names */
    char *zone;
    struct cl_strv servers; /* "HOST:PORT" */
};
struct config_dns {
    struct cl_strv resolvers; /* "ADDRESS:PORT"; none = the system's */
    struct dns_zone_spec *zones;
    size_t n_zones;
    struct responder_spec responder;
};
struct tenant {
    char *name, *owner;
    struct cl_strv kinds, names, issuers, hooks, output_roots;
};
enum suspend_mode { SUSPEND_NONE, SUSPEND_ISSUE, SUSPEND_DEPLOY, SUSPEND_ALL };
struct config {
    bool allow_inline_hooks;
    struct cl_strv hook_directories;
    struct hook_list hooks;     /* by name */
    struct solver_list solvers; /* by name */
    struct cl_strv output_roots;
    bool allow_take_over;
    struct cl_strv webroots;
    struct cl_strv secret_roots, secret_env;
    struct config_defaults defaults;
    struct tenant *tenants;
    size_t n_tenants;
    enum suspend_mode suspend;
    bool recursive;
    bool trust_spec_dir;
    bool accept_ephemeral_state;
    struct cl_strv provider_directories; /* descriptions of DNS providers; the first one wins */
    struct cl_strv ca_directories;       /* what is known of CAs; the first one wins */
    struct config_dns dns;
    char *status_mode;      /* octal text, default 0644 */
    char *http01_listen;    /* default "[::]:80" */
    char *tlsalpn01_listen; /* default "[::]:443" */
    bool tlsalpn01_proxy_protocol;
    char *metrics_listen; /* "" = off; TCP "HOST:PORT" or "unix:PATH" */
    char *metrics_textfile;
    char *proxy; /* URL without user; NULL = the environment's, as libcurl reads it */
    struct secret_ref proxy_ref; /* "USER:PASSWORD" */
    struct cl_strv no_proxy;     /* hosts, ".domain" or CIDR, as libcurl's no_proxy */
    /* Set by whoever may look at the machine: is there such a time zone? If not, @hint says what to
     * do. NULL: not checked. */
    bool (*zone_exists)(const char *name, char *hint, size_t size);
};

void cert_spec_destroy(struct cert_spec *s);
void issuer_spec_destroy(struct issuer_spec *s);
void object_destroy(struct object *o);
void config_destroy(struct config *c);

/** Do two references name the same Issuer? No: one of them names none. */
bool issuer_ref_same(const struct issuer_ref *a, const struct issuer_ref *b);
/** The Certificate that @o keeps as its standby: the same names from spec.standby.issuerRef, no
 *  outputs, hooks or probes. Owned; NULL if there is none. */
struct object *object_standby(const struct object *o);

const char *spec_kind_name(enum spec_kind kind);      /* "Certificate", ... */
const char *key_algorithm_name(enum key_algorithm a); /* "RSA", "ECDSA", "Ed25519" */
/** "[NAMESPACE/]NAME" as people write it; owned by the caller. */
char *object_display_name(const struct object *o);

#endif
