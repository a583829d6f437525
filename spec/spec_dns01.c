/* SPDX-License-Identifier: Apache-2.0 */
/* spec_dns01: cert-manager's forms of a dns01 solver as described providers, the check that holds for
 * a solver, and the solver as text for journals. */
#include "spec/spec_dns01.h"

#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"
#include "spec/spec_tables.h"
#include "spec/spec_yaml.h"

#include <string.h>

/* ---- forms ---- */

/* Where an input is in a form, and what the description calls it: by a name that the users of other
 * clients have in their environment already, so that it does not hang on the description's word. */
struct form_input {
    const char *name, *field;
    size_t offset;
    bool secret;
};
#define TEXT_OF(struct_, member_, name_, field_)                    \
    {                                                               \
        (name_), (field_), offsetof(struct struct_, member_), false \
    }
#define SECRET_OF(struct_, member_, name_, field_)                 \
    {                                                              \
        (name_), (field_), offsetof(struct struct_, member_), true \
    }
static const struct form_input CLOUDFLARE[] = {
    TEXT_OF(cloudflare_spec, email, "CF_API_EMAIL", "email"),
    SECRET_OF(cloudflare_spec, api_key, "CF_API_KEY", "apiKeySecretRef"),
    SECRET_OF(cloudflare_spec, api_token, "CF_DNS_API_TOKEN", "apiTokenSecretRef"),
    {0},
};
static const struct form_input ROUTE53[] = {
    TEXT_OF(route53_spec, access_key_id, "AWS_ACCESS_KEY_ID", "accessKeyID"),
    SECRET_OF(route53_spec, access_key_id_ref, "AWS_ACCESS_KEY_ID", "accessKeyIDSecretRef"),
    SECRET_OF(route53_spec, secret_access_key, "AWS_SECRET_ACCESS_KEY", "secretAccessKeySecretRef"),
    TEXT_OF(route53_spec, hosted_zone_id, "AWS_HOSTED_ZONE_ID", "hostedZoneID"),
    {0}, /* region is not asked for: there is one endpoint, which signs for us-east-1 */
};
static const struct form_input AZURE_DNS[] = {
    TEXT_OF(azure_dns_spec, client_id, "AZURE_CLIENT_ID", "clientID"),
    TEXT_OF(azure_dns_spec, tenant_id, "AZURE_TENANT_ID", "tenantID"),
    TEXT_OF(azure_dns_spec, subscription_id, "AZURE_SUBSCRIPTION_ID", "subscriptionID"),
    TEXT_OF(azure_dns_spec, resource_group, "AZURE_RESOURCE_GROUP", "resourceGroupName"),
    TEXT_OF(azure_dns_spec, hosted_zone, "AZURE_ZONE_NAME", "hostedZoneName"),
    SECRET_OF(azure_dns_spec, client_secret, "AZURE_CLIENT_SECRET", "clientSecretSecretRef"),
    {0},
};
static const struct form_input CLOUD_DNS[] = {
    TEXT_OF(cloud_dns_spec, project, "GCE_PROJECT", "project"),
    TEXT_OF(cloud_dns_spec, hosted_zone, "GCE_ZONE_ID", "hostedZoneName"),
    SECRET_OF(cloud_dns_spec, service_account, "GCE_SERVICE_ACCOUNT_FILE",
              "serviceAccountSecretRef"),
    {0},
};
static const struct form_input DIGITALOCEAN[] = {
    SECRET_OF(digitalocean_spec, token, "DO_AUTH_TOKEN", "tokenSecretRef"),
    {0},
};
static const struct form_input AKAMAI[] = {
    TEXT_OF(akamai_spec, service_consumer_domain, "AKAMAI_HOST", "serviceConsumerDomain"),
    SECRET_OF(akamai_spec, client_token, "AKAMAI_CLIENT_TOKEN", "clientTokenSecretRef"),
    SECRET_OF(akamai_spec, client_secret, "AKAMAI_CLIENT_SECRET", "clientSecretSecretRef"),
    SECRET_OF(akamai_spec, access_token, "AKAMAI_ACCESS_TOKEN", "accessTokenSecretRef"),
    {0},
};

struct form {
    const char *provider;
    const struct form_input *inputs;
    size_t offset; /* of the form's record in struct dns01_spec */
};
static const struct form FORMS[DNS01_TYPES] = {
    [DNS01_CLOUDFLARE] = {"cloudflare", CLOUDFLARE, offsetof(struct dns01_spec, cloudflare)},
    [DNS01_ROUTE53] = {"route53", ROUTE53, offsetof(struct dns01_spec, route53)},
    [DNS01_AZURE_DNS] = {"azuredns", AZURE_DNS, offsetof(struct dns01_spec, azure_dns)},
    [DNS01_CLOUD_DNS] = {"gcloud", CLOUD_DNS, offsetof(struct dns01_spec, cloud_dns)},
    [DNS01_DIGITALOCEAN] = {"digitalocean", DIGITALOCEAN,
                            offsetof(struct dns01_spec, digitalocean)},
    [DNS01_AKAMAI] = {"edgedns", AKAMAI, offsetof(struct dns01_spec, akamai)},
};

const char *dns01_provider(const struct dns01_spec *s)
{
    return s->type == DNS01_PROVIDER ? s->provider : FORMS[s->type].provider;
}

const char *dns01_credentials(const struct dns01_spec *s)
{
    return s->type == DNS01_PROVIDER ? cl_str_or(s->credentials, s->provider) : NULL;
}

/* False: not given. */
static bool read_input(const struct dns01_spec *s, const struct form_input *f,
                       struct dns01_input *ret)
{
    const char *at = (const char *)s + FORMS[s->type].offset + f->offset;

    *ret = (struct dns01_input){.name = f->name, .field = f->field};
    if (f->secret) {
        ret->secret = (const struct secret_ref *)(const void *)at;
        return secret_ref_given(ret->secret);
    }
    memcpy(&ret->value, at, sizeof(ret->value));
    return !cl_str_empty(ret->value);
}

size_t dns01_inputs(const struct dns01_spec *s, struct dns01_input ret[DNS01_INPUTS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < s->config.len && n < DNS01_INPUTS_MAX; i++) {
        const struct string_pair *p = &s->config.items[i];
        ret[n++] = (struct dns01_input){.name = p->key, .field = p->key, .value = p->value};
    }
    for (const struct form_input *f = FORMS[s->type].inputs; f != NULL && f->name != NULL; f++) {
        if (n < DNS01_INPUTS_MAX && read_input(s, f, &ret[n])) {
            n++;
        }
    }
    return n;
}

/* ---- the check ---- */

static void lay_under(struct propagation_spec *p, const struct propagation_spec *under)
{
    if (p->check == DNS_CHECK_DEFAULT) {
        p->check = under->check;
    }
    if (p->servers.len == 0) {
        p->servers = under->servers;
    }
    p->wait = p->wait != 0 ? p->wait : under->wait;
    p->timeout = p->timeout != 0 ? p->timeout : under->timeout;
    p->interval = p->interval != 0 ? p->interval : under->interval;
    p->settle = p->settle != 0 ? p->settle : under->settle;
}

void dns01_propagation(const struct solver_spec *s, struct propagation_spec *ret)
{
    *ret = s->dns01.propagation;
    lay_under(ret, &s->self_check);
    if (ret->check == DNS_CHECK_DEFAULT && s->wait_instead_of_self_check > 0) {
        ret->check = DNS_CHECK_WAIT;
        ret->wait = s->wait_instead_of_self_check;
    }
    if (ret->servers.len == 0) {
        ret->servers = s->dns01.nameservers;
    }
    if (ret->check == DNS_CHECK_DEFAULT && ret->servers.len > 0) {
        ret->check =
            cl_str_starts(ret->servers.items[0], "https://") ? DNS_CHECK_DOH : DNS_CHECK_RECURSIVE;
    }
    if (ret->check == DNS_CHECK_DEFAULT) {
        ret->check = DNS_CHECK_AUTHORITATIVE;
    }
}

/* ---- names ---- */

const char *dns01_challenge_type(const struct dns01_spec *s)
{
    static const char *const NAMES[] = {[DNS_CHALLENGE_01] = "dns-01",
                                        [DNS_CHALLENGE_ACCOUNT_01] = "dns-account-01",
                                        [DNS_CHALLENGE_PERSIST_01] = "dns-persist-01"};

    return NAMES[s->challenge];
}

const char *dns_exec_protocol_name(enum dns_exec_protocol p)
{
    static const char *const NAMES[EXEC_PROTOCOLS] = {
        [EXEC_CERTLOOP] = "certloop", [EXEC_LEGO] = "lego",       [EXEC_LEGO_RAW] = "lego-raw",
        [EXEC_CERTBOT] = "certbot",   [EXEC_ACME_SH] = "acme.sh", [EXEC_DEHYDRATED] = "dehydrated",
        [EXEC_MOD_MD] = "mod_md",     [EXEC_UACME] = "uacme",     [EXEC_ACMETOOL] = "acmetool",
    };

    return NAMES[p];
}

char *dns01_label(const struct dns01_spec *s)
{
    const char *program = s->exec.command.len > 0 ? s->exec.command.items[0] : s->exec.script;

    if (dns01_provider(s) != NULL) {
        return cl_strdup(dns01_provider(s));
    }
    switch (s->type) {
    case DNS01_RFC2136:
        return cl_printf("rfc2136 %s", s->rfc2136.nameserver);
    case DNS01_RESPONDER:
        return cl_printf("responder%s%s", s->responder.listen != NULL ? " " : "",
                         cl_str_or(s->responder.listen, ""));
    case DNS01_ACME_DNS:
        return cl_printf("acmeDNS %s", cl_str_or(s->acme_dns.host, s->acme_dns.account.name));
    case DNS01_HTTPREQ:
        return cl_printf("httpreq %s", cl_str_or(s->httpreq.url, s->httpreq.credentials.name));
    case DNS01_EXEC:
        return cl_printf("exec %s %s", dns_exec_protocol_name(s->exec.protocol), program);
    case DNS01_NONE:
    case DNS01_PROVIDER:
    case DNS01_CLOUDFLARE:
    case DNS01_ROUTE53:
    case DNS01_AZURE_DNS:
    case DNS01_CLOUD_DNS:
    case DNS01_DIGITALOCEAN:
    case DNS01_AKAMAI:
    case DNS01_TYPES:
        break;
    }
    return cl_strdup("dns01");
}

/* ---- journals ---- */

char *dns01_to_json(const struct dns01_spec *s)
{
    json_t *o = schema_print(&SCHEMA_DNS01, s);
    char *text = json_print(o, JSON_SORT_KEYS | JSON_COMPACT, false);

    json_decref(o);
    return text;
}

int dns01_from_json(const char *text, struct dns01_spec *ret, struct cl_err *err)
{
    static const struct yaml_limits LIMITS = {(size_t)256 << 10, 10000, 32};
    struct spec_problems problems = {0};
    struct yaml_documents documents = {0};
    const struct schema_context c = {
        .problems = &problems, .api = SPEC_API_CERTLOOP, .kind = SPEC_CERTIFICATE, .trusted = true};

    memset(ret, 0, sizeof(*ret));
    (void)yaml_parse(text, strlen(text), &LIMITS, &documents, &problems);
    if (documents.len == 1) {
        schema_decode(&c, &SCHEMA_DNS01, documents.items[0], "dns01", ret);
        ret->type = ret->provider != NULL ? DNS01_PROVIDER : ret->type;
    }
    bool bad = problems.len > 0 || ret->type == DNS01_NONE;
    if (bad) {
        (void)cl_fail(err, CL_ERR_LOCAL, "StateCorrupt", "remembered solver: %s",
                      problems.len > 0 ? problems.items[0].text : "it names no provider");
        dns01_spec_deinit(ret);
    }
    yaml_documents_deinit(&documents);
    spec_problems_deinit(&problems);
    return bad ? -1 : 0;
}

void dns01_spec_deinit(struct dns01_spec *s)
{
    schema_deinit(&SCHEMA_DNS01, s);
}
