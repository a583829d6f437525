/* SPDX-License-Identifier: Apache-2.0 */
/* spec_tables_config: the fields of the Configuration. */
#include "spec/spec_tables.h"
#include "spec/spec_values.h"

static const struct schema_field DEFAULT_OUTPUTS[] = {
    {ROW("owner", TEXT, config_defaults, output_owner), .value = value_account,
     .doc = "Owner of output files."},
    {ROW("group", TEXT, config_defaults, output_group), .value = value_account,
     .doc = "Group of output files."},
    {ROW("mode", TEXT, config_defaults, output_mode), .value = value_mode,
     .doc = "Mode of output files that hold a key."},
    ROW_END,
};
static const struct schema SCHEMA_DEFAULT_OUTPUTS = {
    SCHEMA("outputs", config_defaults, DEFAULT_OUTPUTS)};

static const struct schema_field DEFAULTS[] = {
    {ROW("issuerRef", STRUCT, config_defaults, issuer_ref), .sub = &SCHEMA_ISSUER_REF,
     .doc = "For Certificates without issuerRef; default letsencrypt."},
    {ROWS("fallbackIssuerRefs", LIST, config_defaults, fallback_issuers.items,
          fallback_issuers.len),
     .sub = &SCHEMA_ISSUER_REF, .doc = "For Certificates without fallbackIssuerRefs."},
    {ROW("privateKey", STRUCT, config_defaults, private_key), .sub = &SCHEMA_PRIVATE_KEY_DEFAULTS,
     .doc = "For what a Certificate leaves open."},
    {ROWS("solvers", LIST, config_defaults, solvers.items, solvers.len), .sub = &SCHEMA_SOLVER,
     .doc = "For Certificates without solvers."},
    {ROWS("hooks", LIST, config_defaults, hooks.items, hooks.len), .flags = FIELD_ONE,
     .sub = &SCHEMA_HOOK, .doc = "For every Certificate, before its own."},
    {ROW_FLAT("outputs"), .sub = &SCHEMA_DEFAULT_OUTPUTS, .doc = "For what an output leaves open."},
    {ROW("keyGroup", TEXT, config_defaults, key_group), .value = value_account,
     .doc = "Group of live/NAME/privkey.pem; without it the file is private."},
    ROW_END,
};
static const struct schema SCHEMA_DEFAULTS = {SCHEMA("defaults", config_defaults, DEFAULTS)};

static const struct schema_field HTTP01_LISTENER[] = {
    {ROW("listen", TEXT, config, http01_listen), .def = "[::]:80", .value = value_listen,
     .doc = "Address of HTTP-01 solvers that name none."},
    ROW_END,
};
static const struct schema SCHEMA_HTTP01_LISTENER = {SCHEMA("http01", config, HTTP01_LISTENER)};

static const struct schema_field TLSALPN01_LISTENER[] = {
    {ROW("listen", TEXT, config, tlsalpn01_listen), .def = "[::]:443", .value = value_listen,
     .doc = "Address of TLS-ALPN-01 solvers that name none."},
    {ROW("proxyProtocol", BOOL, config, tlsalpn01_proxy_protocol),
     .doc = "Connections come through a proxy that puts a PROXY header before them."},
    ROW_END,
};
static const struct schema SCHEMA_TLSALPN01_LISTENER = {
    SCHEMA("tlsalpn01", config, TLSALPN01_LISTENER)};

static const struct schema_field METRICS[] = {
    {ROW("listen", TEXT, config, metrics_listen), .def = "", .value = value_listen_or_unix,
     .doc = "Where metrics are served: ADDRESS:PORT or unix:PATH; off unless set."},
    {ROW("textfile", TEXT, config, metrics_textfile), .value = value_path,
     .doc = "File for the textfile collector of node_exporter."},
    ROW_END,
};
static const struct schema SCHEMA_METRICS = {SCHEMA("metrics", config, METRICS)};

static const struct schema_word SUSPEND[] = {{"None", SUSPEND_NONE, false},
                                             {"Issue", SUSPEND_ISSUE, false},
                                             {"Deploy", SUSPEND_DEPLOY, false},
                                             {"All", SUSPEND_ALL, false},
                                             {0}};

static const struct schema_field DNS_ZONE[] = {
    {ROW("zone", TEXT, dns_zone_spec, zone), .flags = FIELD_REQUIRED, .value = value_key_name,
     .doc = "Name of the zone."},
    {ROW("servers", STRV, dns_zone_spec, servers), .flags = FIELD_REQUIRED,
     .value = value_nameserver, .doc = "Servers to ask for it: HOST or HOST:PORT."},
    ROW_END,
};
static const struct schema SCHEMA_DNS_ZONE = {SCHEMA("zones", dns_zone_spec, DNS_ZONE)};
static const struct schema_field CONFIG_DNS[] = {
    {ROW("resolvers", STRV, config_dns, resolvers), .value = value_resolver,
     .doc = "Recursive name servers, instead of those of the system."},
    {ROWS("zones", LIST, config_dns, zones, n_zones), .sub = &SCHEMA_DNS_ZONE,
     .doc = "Zones whose name servers are not those that the DNS names."},
    {ROW("responder", STRUCT, config_dns, responder), .sub = &SCHEMA_RESPONDER,
     .doc = "The embedded name server of solvers that say responder: {}."},
    ROW_END,
};
static const struct schema SCHEMA_CONFIG_DNS = {SCHEMA("dns", config_dns, CONFIG_DNS)};

static const struct schema_field CONFIGURATION[] = {
    {ROW("allowInlineHooks", BOOL, config, allow_inline_hooks),
     .doc = "Specs may run programs, send signals and touch units by themselves."},
    {ROW("hookDirectories", STRV, config, hook_directories),
     .def = "/etc/certloop/hooks.d,/usr/lib/certloop/hooks", .value = value_path,
     .doc = "Where hooks are looked for by name."},
    {ROWS("hooks", KEYED, config, hooks.items, hooks.len), .sub = &SCHEMA_NAMED_HOOK,
     .doc = "Hooks that specs may name."},
    {ROWS("solvers", KEYED, config, solvers.items, solvers.len), .sub = &SCHEMA_NAMED_SOLVER,
     .doc = "Solvers that specs may name."},
    {ROW("outputRoots", STRV, config, output_roots), .def = "/etc,/var,/srv,/opt,/run",
     .value = value_path, .doc = "Directories below which outputs may be."},
    {ROW("allowTakeOver", BOOL, config, allow_take_over),
     .doc = "Outputs with takeOver may replace files of others."},
    {ROW("webroots", STRV, config, webroots),
     .def = "/var/www,/srv,/usr/share/nginx,/var/lib/certloop/webroot", .value = value_path,
     .doc = "Directories below which http01.webroot may be."},
    {ROW("secretRoots", STRV, config, secret_roots), .value = value_path,
     .doc = "Further directories that {file:} may read from."},
    {ROW("secretEnv", STRV, config, secret_env), .value = value_environment,
     .doc = "Variables that {env:} may read."},
    {ROW("defaults", STRUCT, config, defaults), .sub = &SCHEMA_DEFAULTS,
     .doc = "Merged into every Certificate."},
    {ROW_BARE("tenants", KEYED), .flags = FIELD_UNSUPPORTED,
     .doc = "Bounds for sub-directories that belong to others."},
    {ROW("suspend", WORD, config, suspend), .def = "None", .words = SUSPEND,
     .doc = "Stop orders, hooks, or both, everywhere."},
    {ROW("recursive", BOOL, config, recursive),
     .doc = "Read sub-directories of the spec directory, too."},
    {ROW("trustSpecDir", BOOL, config, trust_spec_dir),
     .doc = "Do not check owner and mode of the spec directory."},
    {ROW("acceptEphemeralState", BOOL, config, accept_ephemeral_state),
     .doc = "Do not warn of a state directory that will not survive."},
    {ROW("statusMode", TEXT, config, status_mode), .def = "0644", .value = value_mode,
     .doc = "Mode of status files."},
    {ROW_FLAT("http01"), .sub = &SCHEMA_HTTP01_LISTENER, .doc = "The shared HTTP-01 server."},
    {ROW_FLAT("tlsalpn01"), .sub = &SCHEMA_TLSALPN01_LISTENER,
     .doc = "The shared TLS-ALPN-01 server."},
    {ROW_FLAT("metrics"), .sub = &SCHEMA_METRICS, .doc = "Metrics."},
    {ROW("proxy", TEXT, config, proxy), .value = value_proxy,
     .doc = "HTTP proxy for requests to CAs and DNS providers, http://HOST:PORT; none = past every "
            "proxy. Without it the daemon's environment counts (https_proxy, no_proxy)."},
    {ROW("proxySecretRef", STRUCT, config, proxy_ref), .sub = &SCHEMA_SECRET_REF,
     .doc = "USER:PASSWORD for the proxy."},
    {ROW("noProxy", STRV, config, no_proxy), .value = value_no_proxy,
     .doc = "Hosts, domains and networks that are reached without a proxy."},
    {ROW("providerDirectories", STRV, config, provider_directories),
     .def = "/etc/certloop/dns,/usr/local/share/certloop/dns,"
            "/usr/share/certloop/dns",
     .value = value_path, .doc = "Where descriptions of DNS providers are; the first one wins."},
    {ROW("caDirectories", STRV, config, ca_directories),
     .def = "/etc/certloop/cas,/usr/local/share/certloop/cas,/usr/share/certloop/cas",
     .value = value_path, .doc = "What is known of public CAs; the first file of a name wins."},
    {ROW("dns", STRUCT, config, dns), .sub = &SCHEMA_CONFIG_DNS,
     .doc = "How DNS-01 finds zones, and the embedded name server."},
    ROW_END,
};
const struct schema SCHEMA_CONFIGURATION = {SCHEMA("Configuration", config, CONFIGURATION)};
