/* SPDX-License-Identifier: Apache-2.0 */
/* spec_tables_dns01: the forms of a dns01 solver: a described provider, the native ways, and those
 * of cert-manager, which stand for described providers (spec_dns01.h). */
#include "spec/spec_tables.h"
#include "spec/spec_values.h"

#define SECRET(key_, struct_, member_, doc_)                                         \
    {                                                                                \
        ROW(key_, STRUCT, struct_, member_), .sub = &SCHEMA_SECRET_REF, .doc = doc_, \
    }
#define PLAIN(key_, struct_, member_, doc_)                                      \
    {                                                                            \
        ROW(key_, TEXT, struct_, member_), .value = value_argument, .doc = doc_, \
    }

/* ---- propagation ---- */

static const struct schema_word CHECKS[] = {{"authoritative", DNS_CHECK_AUTHORITATIVE, false},
                                            {"doh", DNS_CHECK_DOH, false},
                                            {"recursive", DNS_CHECK_RECURSIVE, false},
                                            {"wait", DNS_CHECK_WAIT, false},
                                            {"none", DNS_CHECK_NONE, false},
                                            {0}};
static const struct schema_field PROPAGATION[] = {
    {ROW("check", WORD, propagation_spec, check), .words = CHECKS,
     .doc = "Who is asked whether the record is visible; authoritative unless given."},
    {ROW("servers", STRV, propagation_spec, servers), .value = value_resolver,
     .doc = "Resolvers, for doh and recursive."},
    {ROW("wait", DURATION, propagation_spec, wait),
     .doc = "Before the first question; with check: wait, instead of all questions."},
    {ROW("timeout", DURATION, propagation_spec, timeout), .doc = "How long to ask."},
    {ROW("interval", DURATION, propagation_spec, interval), .doc = "Between two questions."},
    {ROW("settle", DURATION, propagation_spec, settle), .doc = "After the check has been good."},
    ROW_END,
};
static const struct schema SCHEMA_PROPAGATION = {
    SCHEMA("propagation", propagation_spec, PROPAGATION)};

/* ---- native ways ---- */

static const struct schema_field CREDENTIALS_REF[] = {
    {ROW("name", TEXT, dns01_spec, credentials), .flags = FIELD_REQUIRED, .value = value_subdomain,
     .doc = "Directory below the secrets directory; one file for each input of the provider."},
    ROW_END,
};
static const struct schema SCHEMA_CREDENTIALS_REF = {
    SCHEMA("credentialsRef", dns01_spec, CREDENTIALS_REF)};

static const struct schema_word TSIG_ALGORITHMS[] = {{"HMACMD5", 0, false},
                                                     {"HMACSHA1", 1, false},
                                                     {"HMACSHA224", 2, false},
                                                     {"HMACSHA256", 3, false},
                                                     {"HMACSHA384", 4, false},
                                                     {"HMACSHA512", 5, false},
                                                     {0}};
static const struct schema_word DNS_PROTOCOLS[] = {{"UDP", 0, false}, {"TCP", 1, false}, {0}};
static const struct schema_field RFC2136[] = {
    {ROW("nameserver", TEXT, rfc2136_spec, nameserver), .flags = FIELD_REQUIRED,
     .value = value_nameserver, .doc = "Primary server of the zone: HOST or HOST:PORT."},
    {ROW("tsigKeyName", TEXT, rfc2136_spec, key_name), .value = value_key_name,
     .doc = "Name of the TSIG key that signs updates."},
    {ROW("tsigAlgorithm", TEXT, rfc2136_spec, algorithm), .def = "HMACSHA256",
     .def_compat = "HMACMD5", .words = TSIG_ALGORITHMS, .doc = "Algorithm of the TSIG key."},
    SECRET("tsigSecretSecretRef", rfc2136_spec, secret, "Secret of the TSIG key, in base64."),
    {ROW("protocol", TEXT, rfc2136_spec, protocol), .def = "UDP", .words = DNS_PROTOCOLS,
     .doc = "UDP falls back to TCP by itself."},
    ROW_END,
};
static const struct schema SCHEMA_RFC2136 = {SCHEMA("rfc2136", rfc2136_spec, RFC2136)};

static const struct schema_field RESPONDER[] = {
    {ROW("listen", TEXT, responder_spec, listen), .value = value_listen,
     .doc = "Address on which certloop answers for names that are delegated to it."},
    {ROW("zones", STRV, responder_spec, zones), .flags = FIELD_SET, .value = value_key_name,
     .doc = "Zones that are delegated to it, by NS records or as targets of CNAMEs."},
    {ROW("nameServer", TEXT, responder_spec, name_server), .value = value_key_name,
     .doc = "Its own name, as in those NS records; default ns in the zone."},
    {ROW("addresses", STRV, responder_spec, addresses), .flags = FIELD_SET, .value = value_ip,
     .doc = "Addresses of that name, if it lies in one of the zones."},
    ROW_END,
};
const struct schema SCHEMA_RESPONDER = {SCHEMA("responder", responder_spec, RESPONDER)};

static const struct schema_field ACME_DNS[] = {
    {ROW("host", TEXT, acme_dns_spec, host), .value = value_http_url,
     .doc = "URL of the acme-dns server; default: the file host beside the account."},
    SECRET("accountSecretRef", acme_dns_spec, account,
           "JSON file of accounts by domain; without it one is registered and kept."),
    {ROW("allowFrom", STRV, acme_dns_spec, allow_from), .value = value_ip_range,
     .doc = "Networks from which a new account may be updated."},
    ROW_END,
};
static const struct schema SCHEMA_ACME_DNS = {SCHEMA("acmeDNS", acme_dns_spec, ACME_DNS)};

static const struct schema_field HTTPREQ_CREDENTIALS[] = {
    {ROW("name", TEXT, secret_ref, name), .flags = FIELD_REQUIRED, .value = value_subdomain,
     .doc = "Directory below the secrets directory with username and password, or url."},
    ROW_END,
};
static const struct schema SCHEMA_HTTPREQ_CREDENTIALS = {
    SCHEMA("credentialsRef", secret_ref, HTTPREQ_CREDENTIALS), .short_scalar = "name"};
static const struct schema_word HTTPREQ_MODES[] = {{"Default", 0, false}, {"RAW", 1, false}, {0}};
static const struct schema_field HTTPREQ[] = {
    {ROW("url", TEXT, httpreq_spec, url), .value = value_http_url,
     .doc = "URL before /present and /cleanup; default: the file url of the credentials."},
    {ROW("mode", TEXT, httpreq_spec, mode), .def = "Default", .words = HTTPREQ_MODES,
     .doc = "Default sends name and value, RAW domain, token and key authorization."},
    {ROW("credentialsRef", STRUCT, httpreq_spec, credentials), .sub = &SCHEMA_HTTPREQ_CREDENTIALS,
     .doc = "User and password of the server."},
    {ROW("timeout", DURATION, httpreq_spec, timeout), .def = "30s", .doc = "Of one request."},
    ROW_END,
};
static const struct schema SCHEMA_HTTPREQ = {SCHEMA("httpreq", httpreq_spec, HTTPREQ)};

static const struct schema_word EXEC_PROTOCOLS_WORDS[] = {
    {"certloop", EXEC_CERTLOOP, false}, {"lego", EXEC_LEGO, false},
    {"lego-raw", EXEC_LEGO_RAW, false}, {"certbot", EXEC_CERTBOT, false},
    {"acme.sh", EXEC_ACME_SH, false},   {"dehydrated", EXEC_DEHYDRATED, false},
    {"mod_md", EXEC_MOD_MD, false},     {"uacme", EXEC_UACME, false},
    {"acmetool", EXEC_ACMETOOL, false}, {0}};
static const struct schema_field DNS_EXEC[] = {
    {ROW("command", STRV, dns_exec_spec, command), .value = value_argument,
     .doc = "Program and first arguments; no shell."},
    {ROW("cleanupCommand", STRV, dns_exec_spec, cleanup_command), .value = value_argument,
     .doc = "The same for taking records away, where that is another program, as for certbot."},
    {ROW("protocol", WORD, dns_exec_spec, protocol), .def = "certloop",
     .words = EXEC_PROTOCOLS_WORDS, .doc = "Whose hooks it is written for."},
    {ROW("script", TEXT, dns_exec_spec, script), .value = value_script,
     .doc = "For acme.sh: name or path of a dnsapi script, such as dns_cf."},
    {ROW("envFile", TEXT, dns_exec_spec, env_file), .value = value_path,
     .doc = "NAME=VALUE lines, below the secrets directory or a secretRoot."},
    {ROW("env", MAP, dns_exec_spec, env), .doc = "Further variables that are no secrets."},
    {ROW("timeout", DURATION, dns_exec_spec, timeout), .def = "2m",
     .doc = "A call that runs longer is ended."},
    {ROW("sequential", BOOL, dns_exec_spec, sequential), .doc = "One call at a time."},
    ROW_END,
};
static const struct schema SCHEMA_DNS_EXEC = {SCHEMA("exec", dns_exec_spec, DNS_EXEC)};

/* ---- cert-manager's forms ---- */

static const struct schema_field CLOUDFLARE[] = {
    PLAIN("email", cloudflare_spec, email, "With apiKeySecretRef only."),
    SECRET("apiKeySecretRef", cloudflare_spec, api_key, "Global key; a token is better."),
    SECRET("apiTokenSecretRef", cloudflare_spec, api_token, "Token that may edit the zone."),
    ROW_END,
};
static const struct schema SCHEMA_CLOUDFLARE = {SCHEMA("cloudflare", cloudflare_spec, CLOUDFLARE)};

static const struct schema_field ROUTE53[] = {
    PLAIN("accessKeyID", route53_spec, access_key_id, "Id of the access key."),
    SECRET("accessKeyIDSecretRef", route53_spec, access_key_id_ref, "The same as a secret."),
    SECRET("secretAccessKeySecretRef", route53_spec, secret_access_key, "The access key."),
    PLAIN("region", route53_spec, region, "Accepted; Route 53 has one endpoint."),
    PLAIN("hostedZoneID", route53_spec, hosted_zone_id, "Zone to write to, if not to be found."),
    {ROW_BARE("role", TEXT), .flags = FIELD_UNSUPPORTED, .doc = "Role to assume."},
    {ROW_BARE("auth", ANY), .flags = FIELD_UNSUPPORTED, .doc = "Identity of a Kubernetes pod."},
    ROW_END,
};
static const struct schema SCHEMA_ROUTE53 = {SCHEMA("route53", route53_spec, ROUTE53)};

static const struct schema_word AZURE_CLOUDS[] = {{"AzurePublicCloud", 0, false},
                                                  {"AzureChinaCloud", 1, true},
                                                  {"AzureGermanCloud", 2, true},
                                                  {"AzureUSGovernmentCloud", 3, true},
                                                  {0}};
static const struct schema_field AZURE_DNS[] = {
    PLAIN("clientID", azure_dns_spec, client_id, "Id of the service principal."),
    SECRET("clientSecretSecretRef", azure_dns_spec, client_secret, "Its secret."),
    PLAIN("subscriptionID", azure_dns_spec, subscription_id, "Subscription of the zone."),
    PLAIN("tenantID", azure_dns_spec, tenant_id, "Tenant of the service principal."),
    PLAIN("resourceGroupName", azure_dns_spec, resource_group, "Resource group of the zone."),
    PLAIN("hostedZoneName", azure_dns_spec, hosted_zone, "Zone, if not to be found."),
    {ROW_BARE("environment", WORD), .words = AZURE_CLOUDS, .doc = "Which Azure."},
    {ROW_BARE("managedIdentity", ANY), .flags = FIELD_UNSUPPORTED,
     .doc = "Identity of the machine."},
    ROW_END,
};
static const struct schema SCHEMA_AZURE_DNS = {SCHEMA("azureDNS", azure_dns_spec, AZURE_DNS)};

static const struct schema_field CLOUD_DNS[] = {
    PLAIN("project", cloud_dns_spec, project, "Project of the zone."),
    PLAIN("hostedZoneName", cloud_dns_spec, hosted_zone, "Zone, if not to be found."),
    SECRET("serviceAccountSecretRef", cloud_dns_spec, service_account,
           "JSON key file of a service account."),
    ROW_END,
};
static const struct schema SCHEMA_CLOUD_DNS = {SCHEMA("cloudDNS", cloud_dns_spec, CLOUD_DNS)};

static const struct schema_field DIGITALOCEAN[] = {
    SECRET("tokenSecretRef", digitalocean_spec, token, "Token of the API."),
    ROW_END,
};
static const struct schema SCHEMA_DIGITALOCEAN = {
    SCHEMA("digitalocean", digitalocean_spec, DIGITALOCEAN)};

static const struct schema_field AKAMAI[] = {
    PLAIN("serviceConsumerDomain", akamai_spec, service_consumer_domain, "Host of the API."),
    SECRET("clientTokenSecretRef", akamai_spec, client_token, "Client token."),
    SECRET("clientSecretSecretRef", akamai_spec, client_secret, "Client secret."),
    SECRET("accessTokenSecretRef", akamai_spec, access_token, "Access token."),
    ROW_END,
};
static const struct schema SCHEMA_AKAMAI = {SCHEMA("akamai", akamai_spec, AKAMAI)};

/* ---- the solver ---- */

#define FORM(key_, member_, type_, schema_, doc_)                                              \
    {                                                                                          \
        ROW(key_, STRUCT, dns01_spec, member_), .sub = &(schema_),                             \
                                                ROW_TAG(dns01_spec, type, type_), .doc = doc_, \
    }
static const struct schema_word CNAME_STRATEGIES[] = {
    {"None", 0, false}, {"Follow", 1, false}, {0}};
static const struct schema_word CHALLENGES[] = {{"dns-01", DNS_CHALLENGE_01, false},
                                                {"dns-account-01", DNS_CHALLENGE_ACCOUNT_01, false},
                                                {"dns-persist-01", DNS_CHALLENGE_PERSIST_01, false},
                                                {0}};
static const struct schema_field DNS01[] = {
    {ROW("challenge", WORD, dns01_spec, challenge), .words = CHALLENGES,
     .doc = "Which challenge the record answers; dns-01 unless given. dns-persist-01 needs no "
            "provider: then the record is published by a person."},
    {ROW("persistFor", DURATION, dns01_spec, persist_for),
     .doc = "With dns-persist-01: how long a record that is published here holds; for ever unless "
            "given."},
    {ROW("provider", TEXT, dns01_spec, provider), .value = value_plain_name,
     .doc = "A described provider; `certloop providers` lists them."},
    {ROW_FLAT("credentialsRef"), .sub = &SCHEMA_CREDENTIALS_REF, .flags = FIELD_OPTIONAL,
     .doc = "Where the provider's inputs are; default: the directory named like the provider."},
    {ROW("config", MAP, dns01_spec, config), .doc = "Inputs of the provider that are no secrets."},
    {ROW("propagation", STRUCT, dns01_spec, propagation), .sub = &SCHEMA_PROPAGATION,
     .doc = "How it is found out that the record is visible."},
    {ROW("cnameStrategy", WORD, dns01_spec, cname_follow), .def = "Follow", .def_compat = "None",
     .words = CNAME_STRATEGIES,
     .doc = "Follow: where _acme-challenge.NAME is a CNAME, write to its target."},
    {ROW("nameservers", STRV, dns01_spec, nameservers), .value = value_resolver,
     .doc = "Resolvers to check with, as in cert-manager; propagation says more."},
    FORM("rfc2136", rfc2136, DNS01_RFC2136, SCHEMA_RFC2136, "Dynamic updates signed by TSIG."),
    FORM("responder", responder, DNS01_RESPONDER, SCHEMA_RESPONDER,
         "certloop answers by itself for names delegated to it."),
    FORM("acmeDNS", acme_dns, DNS01_ACME_DNS, SCHEMA_ACME_DNS, "A server of acme-dns."),
    FORM("httpreq", httpreq, DNS01_HTTPREQ, SCHEMA_HTTPREQ,
         "A server that speaks the protocol of lego's httpreq."),
    FORM("exec", exec, DNS01_EXEC, SCHEMA_DNS_EXEC, "A program, as written for other clients."),
    FORM("cloudflare", cloudflare, DNS01_CLOUDFLARE, SCHEMA_CLOUDFLARE,
         "cert-manager's form of provider: cloudflare."),
    FORM("route53", route53, DNS01_ROUTE53, SCHEMA_ROUTE53,
         "cert-manager's form of provider: route53."),
    FORM("azureDNS", azure_dns, DNS01_AZURE_DNS, SCHEMA_AZURE_DNS,
         "cert-manager's form of provider: azuredns."),
    FORM("cloudDNS", cloud_dns, DNS01_CLOUD_DNS, SCHEMA_CLOUD_DNS,
         "cert-manager's form of provider: gcloud."),
    FORM("digitalocean", digitalocean, DNS01_DIGITALOCEAN, SCHEMA_DIGITALOCEAN,
         "cert-manager's form of provider: digitalocean."),
    FORM("akamai", akamai, DNS01_AKAMAI, SCHEMA_AKAMAI,
         "cert-manager's form of provider: edgedns."),
    {ROW_BARE("webhook", ANY), .flags = FIELD_REFUSED,
     .doc = "needs Kubernetes; write provider: NAME, httpreq or exec instead"},
    ROW_END,
};
const struct schema SCHEMA_DNS01 = {SCHEMA("dns01", dns01_spec, DNS01), .short_scalar = "provider"};
