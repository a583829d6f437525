/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_issuer: what must hold between the fields of an Issuer, and of the Configuration. */
#include "spec/base/cl_alloc.h"
#include "spec/spec_rules.h"

#include <string.h>

#define PATH_SIZE 600
#define ROOT_DURATION_MIN CL_DAY
#define ROOT_DURATION_MAX (36500 * CL_DAY)
#define DEFAULT_SECRET_KEY "tls.key"
#define DEFAULT_EAB_KEY "secret"
#define DEFAULT_PROXY_KEY "userpass"

static void check_proxy(const struct rules *r, const char *proxy, struct secret_ref *ref,
                        const char *where)
{
    char path[PATH_SIZE];

    if (!secret_ref_given(ref)) {
        return;
    }
    (void)cl_format(path, sizeof(path), "%s.proxySecretRef", where);
    rules_secret_ref(r, ref, path);
    if (proxy == NULL || strcmp(proxy, "none") == 0) {
        rules_problem(r, false, path,
                      "needs proxy beside it: the proxy that asks for the password");
    }
    if (ref->name != NULL && ref->key == NULL) {
        ref->key = cl_strdup(DEFAULT_PROXY_KEY);
    }
}

static void check_acme(const struct rules *r, struct acme_spec *a)
{
    int trust = (a->ca_bundle != NULL) + (a->ca_bundle_file != NULL) + a->skip_tls_verify;

    if (!a->terms_of_service_agreed) {
        rules_problem(
            r, false, "spec.acme.termsOfServiceAgreed",
            "must be true: read the terms of the CA, then add termsOfServiceAgreed: true");
    }
    if (trust > 1) {
        rules_problem(r, false, "spec.acme",
                      "give one of caBundle, caBundleFile and skipTLSVerify");
    }
    rules_secret_ref(r, &a->private_key, "spec.acme.privateKeySecretRef");
    if (a->private_key.name != NULL && a->private_key.key == NULL) {
        a->private_key.key = cl_strdup(DEFAULT_SECRET_KEY);
    }
    rules_preferred_chain(r, &a->preferred_chain, "spec.acme.preferredChain");
    if (rules_given(r, "spec.acme.externalAccountBinding")) {
        rules_secret_ref(r, &a->eab.key, "spec.acme.externalAccountBinding.keySecretRef");
        if (a->eab.key.name != NULL && a->eab.key.key == NULL) {
            a->eab.key.key = cl_strdup(DEFAULT_EAB_KEY);
        }
    }
    check_proxy(r, a->proxy, &a->proxy_ref, "spec.acme");
    rules_solvers(r, &a->solvers, "spec.acme.solvers");
}

static void check_ca(const struct rules *r, const struct ca_spec *ca)
{
    if ((ca->secret_name != NULL) == ca->generate.on) {
        rules_problem(r, false, "spec.ca",
                      ca->generate.on
                          ? "give secretName or generate, not both"
                          : "needs secretName, or generate: true for a root of its own");
    }
    if (ca->generate.on &&
        (ca->generate.duration < ROOT_DURATION_MIN || ca->generate.duration > ROOT_DURATION_MAX)) {
        rules_problem(r, false, "spec.ca.generate.duration", "must be from 1d to 36500d");
    }
}

/* How many of the types are there at all, supported or not? */
static int types_given(const struct rules *r)
{
    static const char *const PATHS[] = {"spec.acme", "spec.ca", "spec.selfSigned", "spec.vault",
                                        "spec.venafi"};
    int n = 0;

    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        n += rules_given(r, PATHS[i]);
    }
    return n;
}

void rules_issuer(const struct rules *r, struct issuer_spec *s)
{
    int n = types_given(r);

    if (n > 1) {
        rules_problem(r, false, "spec", "give one of acme, ca and selfSigned");
    } else if (n == 0) {
        rules_problem(r, false, "spec",
                      yaml_key(r->spec, "selfSigned") != NULL
                          ? "give one of acme, ca and selfSigned; an empty one is written "
                            "selfSigned: {}"
                          : "give one of acme, ca and selfSigned");
    } else if (s->type == ISSUER_ACME) {
        check_acme(r, &s->acme);
    } else if (s->type == ISSUER_CA) {
        check_ca(r, &s->ca);
    }
}

void rules_config(const struct rules *r, struct config *c)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < c->hooks.len; i++) {
        const struct hook_spec *h = &c->hooks.items[i];

        if (h->name != NULL) { /* else the key was refused */
            (void)cl_format(path, sizeof(path), "spec.hooks[\"%s\"]", h->name);
            rules_hook(r, h, path);
        }
    }
    for (size_t i = 0; i < c->defaults.hooks.len; i++) {
        (void)cl_format(path, sizeof(path), "spec.defaults.hooks[%zu]", i);
        rules_hook(r, &c->defaults.hooks.items[i], path);
    }
    if (c->defaults.private_key.algorithm != KEY_DEFAULT) {
        rules_private_key(r, &c->defaults.private_key, "spec.defaults.privateKey");
    } else if (c->defaults.private_key.size != 0) {
        rules_problem(r, false, "spec.defaults.privateKey.size", "needs algorithm beside it");
    }
    if (c->defaults.issuer_ref.name == NULL && !rules_given(r, "spec.defaults.issuerRef")) {
        c->defaults.issuer_ref.name = cl_strdup("letsencrypt");
    }
    check_proxy(r, c->proxy, &c->proxy_ref, "spec");
    rules_solvers(r, &c->solvers, "spec.solvers");
    rules_solvers(r, &c->defaults.solvers, "spec.defaults.solvers");
    if (c->defaults.output_mode != NULL && c->defaults.output_mode[3] != '0') {
        rules_problem(r, false, "spec.defaults.outputs.mode", "%s gives the key to everybody",
                      c->defaults.output_mode);
    }
}
