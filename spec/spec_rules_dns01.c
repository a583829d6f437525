/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_dns01: what must hold between the fields of a dns01 solver. A program that a spec names
 * runs only if the Configuration allows specs to run programs. */
#include "spec/base/cl_alloc.h"
#include "spec/spec_rules.h"
#include "spec/spec_values.h"

#include <string.h>

#define PATH_SIZE 700

struct at { /* where in the spec */
    const struct rules *r;
    const char *path;
};

static const char *sub(const struct at *at, const char *field, char buf[PATH_SIZE])
{
    (void)cl_format(buf, PATH_SIZE, "%s.%s", at->path, field);
    return buf;
}

static void secret(const struct at *at, struct secret_ref *ref, const char *field, bool needed)
{
    char path[PATH_SIZE];

    rules_secret_ref(at->r, ref, sub(at, field, path));
    if (needed && !secret_ref_given(ref) && !at->r->has_errors) {
        rules_problem(at->r, false, at->path, "needs %s", field);
    }
}

static void check_rfc2136(const struct at *at, struct dns01_spec *d)
{
    struct rfc2136_spec *s = &d->rfc2136;

    secret(at, &s->secret, "tsigSecretSecretRef", false);
    if ((s->key_name != NULL) != secret_ref_given(&s->secret)) {
        rules_problem(at->r, false, at->path, "tsigKeyName and tsigSecretSecretRef go together");
    }
    if (s->secret.name != NULL && s->secret.key == NULL) {
        s->secret.key = cl_strdup("secret");
    }
}

static void check_responder(const struct at *at, struct dns01_spec *d)
{
    const struct responder_spec *s = &d->responder;
    bool any =
        s->listen != NULL || s->zones.len > 0 || s->name_server != NULL || s->addresses.len > 0;
    bool configured = at->r->config != NULL && at->r->config->dns.responder.zones.len > 0;

    if (any && s->zones.len == 0) {
        rules_problem(at->r, false, at->path, "needs zones: the names that are delegated to it");
    } else if (!any && !configured && at->r->c.kind != SPEC_CONFIGURATION && !at->r->c.trusted) {
        rules_problem(at->r, false, at->path,
                      "needs zones here, or dns.responder in the Configuration");
    }
}

static void check_acme_dns(const struct at *at, struct dns01_spec *d)
{
    struct acme_dns_spec *s = &d->acme_dns;

    secret(at, &s->account, "accountSecretRef", false);
    if (s->host == NULL && s->account.name == NULL) {
        rules_problem(at->r, false, at->path, "needs host, such as https://auth.example.org");
    }
    if (s->account.name != NULL && s->account.key == NULL) {
        s->account.key = cl_strdup("acmedns.json");
    }
}

static void check_httpreq(const struct at *at, struct dns01_spec *d)
{
    const struct httpreq_spec *s = &d->httpreq;
    char path[PATH_SIZE];

    if (s->url == NULL && s->credentials.name == NULL) {
        rules_problem(at->r, false, at->path, "needs url, or credentialsRef with a file url");
    }
    if (s->timeout == 0) {
        rules_problem(at->r, false, sub(at, "timeout", path), "must be longer than 0s");
    }
}

static void check_environment(const struct at *at, const struct string_map *env)
{
    char path[PATH_SIZE], why[200];

    for (size_t i = 0; i < env->len; i++) {
        char *name = value_environment(env->items[i].key, why, sizeof(why));
        if (name == NULL || strpbrk(env->items[i].value, "\n\r") != NULL) {
            rules_problem(at->r, false, sub(at, "env", path), "%s: %s", env->items[i].key,
                          name == NULL ? why : "must be one line");
        }
        cl_free(name);
    }
}

static void check_exec(const struct at *at, struct dns01_spec *d)
{
    const struct dns_exec_spec *s = &d->exec;
    const struct config *config = at->r->config;
    bool acme_sh = s->protocol == EXEC_ACME_SH;
    char path[PATH_SIZE];

    if (at->r->c.kind != SPEC_CONFIGURATION && !at->r->c.trusted &&
        (config == NULL || !config->allow_inline_hooks)) {
        rules_problem(at->r, false, at->path,
                      "a spec may run a program of its own only with allowInlineHooks: true in the "
                      "Configuration; it can name one that the Configuration has under solvers");
    }
    if (acme_sh && s->script == NULL) {
        rules_problem(at->r, false, at->path, "needs script, such as script: dns_cf");
    }
    if (!acme_sh && s->script != NULL) {
        rules_problem(at->r, false, sub(at, "script", path), "belongs to protocol: acme.sh");
    }
    if (!acme_sh && s->command.len == 0) {
        rules_problem(at->r, false, at->path, "needs command: [PROGRAM, ARGUMENT]");
    }
    if (s->timeout == 0) {
        rules_problem(at->r, false, sub(at, "timeout", path), "must be longer than 0s");
    }
    check_environment(at, &s->env);
}

static void check_cloudflare(const struct at *at, struct dns01_spec *d)
{
    struct cloudflare_spec *s = &d->cloudflare;

    secret(at, &s->api_key, "apiKeySecretRef", false);
    secret(at, &s->api_token, "apiTokenSecretRef", false);
    if (secret_ref_given(&s->api_key) == secret_ref_given(&s->api_token)) {
        rules_problem(at->r, false, at->path, "give one of apiTokenSecretRef and apiKeySecretRef");
    } else if (secret_ref_given(&s->api_key) && s->email == NULL) {
        rules_problem(at->r, false, at->path, "apiKeySecretRef needs email beside it");
    }
}

static void check_route53(const struct at *at, struct dns01_spec *d)
{
    struct route53_spec *s = &d->route53;

    secret(at, &s->access_key_id_ref, "accessKeyIDSecretRef", false);
    secret(at, &s->secret_access_key, "secretAccessKeySecretRef", true);
    if ((s->access_key_id != NULL) == secret_ref_given(&s->access_key_id_ref)) {
        rules_problem(at->r, false, at->path, "give one of accessKeyID and accessKeyIDSecretRef");
    }
}

static void check_azure(const struct at *at, struct dns01_spec *d)
{
    secret(at, &d->azure_dns.client_secret, "clientSecretSecretRef", true);
}

static void check_cloud_dns(const struct at *at, struct dns01_spec *d)
{
    secret(at, &d->cloud_dns.service_account, "serviceAccountSecretRef", true);
}

static void check_digitalocean(const struct at *at, struct dns01_spec *d)
{
    secret(at, &d->digitalocean.token, "tokenSecretRef", true);
}

static void check_akamai(const struct at *at, struct dns01_spec *d)
{
    secret(at, &d->akamai.client_token, "clientTokenSecretRef", true);
    secret(at, &d->akamai.client_secret, "clientSecretSecretRef", true);
    secret(at, &d->akamai.access_token, "accessTokenSecretRef", true);
}

static const struct {
    const char *field;
    void (*check)(const struct at *at, struct dns01_spec *d);
} FORMS[DNS01_TYPES] = {
    [DNS01_PROVIDER] = {"provider", NULL},
    [DNS01_RFC2136] = {"rfc2136", check_rfc2136},
    [DNS01_RESPONDER] = {"responder", check_responder},
    [DNS01_ACME_DNS] = {"acmeDNS", check_acme_dns},
    [DNS01_HTTPREQ] = {"httpreq", check_httpreq},
    [DNS01_EXEC] = {"exec", check_exec},
    [DNS01_CLOUDFLARE] = {"cloudflare", check_cloudflare},
    [DNS01_ROUTE53] = {"route53", check_route53},
    [DNS01_AZURE_DNS] = {"azureDNS", check_azure},
    [DNS01_CLOUD_DNS] = {"cloudDNS", check_cloud_dns},
    [DNS01_DIGITALOCEAN] = {"digitalocean", check_digitalocean},
    [DNS01_AKAMAI] = {"akamai", check_akamai},
};

/* How many of the forms are there? */
static int forms_given(const struct at *at)
{
    char path[PATH_SIZE];
    int n = rules_given(at->r, sub(at, "webhook", path)); /* refused by name */

    for (unsigned t = 0; t < DNS01_TYPES; t++) {
        n += FORMS[t].field != NULL && rules_given(at->r, sub(at, FORMS[t].field, path));
    }
    return n;
}

void rules_propagation(const struct rules *r, const struct propagation_spec *p, const char *path)
{
    bool resolvers = p->check == DNS_CHECK_RECURSIVE || p->check == DNS_CHECK_DOH;
    bool https = p->servers.len > 0;

    cl_strv_for_each(server, &p->servers) {
        https = https && cl_str_starts(server, "https://");
    }
    if (p->check == DNS_CHECK_WAIT && p->wait == 0) {
        rules_problem(r, false, path, "check: wait needs wait, such as wait: 2m");
    }
    if (p->check == DNS_CHECK_RECURSIVE && (p->servers.len == 0 || https)) {
        rules_problem(r, false, path, "needs servers: the addresses of resolvers");
    }
    if (p->check == DNS_CHECK_DOH && p->servers.len > 0 && !https) {
        rules_problem(r, false, path, "DNS over HTTPS needs servers that start with https://");
    }
    if (p->servers.len > 0 && p->check != DNS_CHECK_DEFAULT && !resolvers) {
        rules_problem(r, false, path, "servers are asked with recursive and doh only");
    }
}

static void check_challenge(const struct at *at, const struct dns01_spec *d)
{
    char path[PATH_SIZE];

    if (d->persist_for != 0 && d->challenge != DNS_CHALLENGE_PERSIST_01) {
        rules_problem(at->r, false, sub(at, "persistFor", path),
                      "belongs to challenge: dns-persist-01");
    } else if (d->persist_for != 0 && d->persist_for < CL_DAY) {
        rules_problem(at->r, false, sub(at, "persistFor", path), "must be at least 1d");
    }
}

void rules_dns01(const struct rules *r, struct dns01_spec *d, const char *path)
{
    const struct at at = {r, path};
    char buf[PATH_SIZE];
    int n = forms_given(&at);

    d->type = d->provider != NULL ? DNS01_PROVIDER : d->type;
    check_challenge(&at, d);
    if (n == 0 && d->challenge == DNS_CHALLENGE_PERSIST_01) {
        return; /* the record is published by a person */
    }
    if (n != 1) {
        rules_problem(r, false, path,
                      n > 1 ? "give one of provider, rfc2136, responder, acmeDNS, httpreq, exec"
                            : "needs provider: NAME, rfc2136, responder, acmeDNS, httpreq or exec");
        return;
    }
    if (d->type != DNS01_PROVIDER && (d->credentials != NULL || d->config.len > 0)) {
        rules_problem(r, false, path, "credentialsRef and config belong to provider");
    }
    (void)sub(&at, "propagation", buf);
    rules_propagation(r, &d->propagation, buf);
    if (FORMS[d->type].check != NULL) {
        const struct at form = {r, sub(&at, FORMS[d->type].field, buf)};
        FORMS[d->type].check(&form, d);
    }
}
