/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_parse: documents, metadata, Issuers and the Configuration. */
#include "tests/unit/spec_fixture.h"

#define HEAD "apiVersion: certloop/v1\nkind: Certificate\n"
#define BODY "spec: {dnsNames: [a.b]}\n"

struct text_case {
    const char *text, *problems;
};

static void check_texts(const struct text_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        expect_problems(cases[i].text, NULL, cases[i].problems);
    }
}

static void documents_say_what_they_are(void **state)
{
    static const struct text_case CASES[] = {
        {"- a\n", "1:1: expected a mapping with apiVersion, kind, metadata and spec\n"},
        {"kind: Certificate\n", "1:1: apiVersion: required: certloop/v1 or cert-manager.io/v1\n"},
        {"apiVersion: certlop/v1\nkind: Certificate\n",
         "1:13: apiVersion: \"certlop/v1\" is not known; use certloop/v1\n"},
        {"apiVersion: cert-manager.io/v1alpha2\nkind: Certificate\n",
         "1:13: apiVersion: \"cert-manager.io/v1alpha2\" is not known; use cert-manager.io/v1\n"},
        {"apiVersion: v1\nkind: Secret\n",
         "1:13: apiVersion: \"v1\" is not known; use certloop/v1 or cert-manager.io/v1\n"},
        {"apiVersion: certloop/v1\n",
         "1:1: kind: required: Certificate, Issuer or ClusterIssuer\n"},
        {"apiVersion: certloop/v1\nkind: [Issuer]\n",
         "2:7: kind: required: Certificate, Issuer or ClusterIssuer\n"},
        {"apiVersion: certloop/v1\nkind: certificate\n",
         "2:7: kind: \"certificate\" is not known; Certificate\n"},
        {"apiVersion: certloop/v1\nkind: Order\n",
         "2:7: kind: \"Order\" is not known; Certificate, Issuer and ClusterIssuer are\n"},
        {"apiVersion: certloop/v1\nkind: Configuration\n",
         "2:7: kind: a Configuration is not read from the spec directory; it is the file that "
         "--config names\n"},
        {HEAD, "1:1: metadata: required\n1:1: spec: required\n"},
        {HEAD "metadata: {name: x}\nspec: []\n", "4:7: spec: expected a mapping\n"},
        {HEAD "metadata: x\n" BODY, "3:11: metadata: expected a mapping\n"},
        {HEAD "metadata: {}\n" BODY, "3:11: metadata.name: required\n"},
        {HEAD "metadata: {name: x}\nstatus: {}\nsepc: {}\n" BODY,
         "4:1: status: unknown field\n5:1: sepc: unknown field; did you mean spec?\n"},
        {HEAD "metadata: {name: _x, namespace: issuers}\n" BODY,
         "3:18: metadata.name: must be lower-case letters, digits, '-' and '.', starting and ending "
         "with a letter or digit\n"
         "3:33: metadata.namespace: \"issuers\" is taken by the status files of Issuers\n"},
        {HEAD "metadata: {name: x, label: {}}\n" BODY,
         "3:21: metadata.label: unknown field; did you mean labels?\n"},
        {HEAD "metadata: {name: x}\n? [a]\n: 1\n" BODY, "4:3: a key must be a string\n"},
        {"a: [\n", "2:1: not YAML: did not find expected node content while parsing a flow node\n"},
    };

    (void)state;
    check_texts(CASES, COUNT(CASES));
}

static void every_problem_of_every_document_is_reported_in_order(void **state)
{
    (void)state;
    expect_problems(
        HEAD "metadata: {name: x}\nspec: {dnsNames: [a_b], isCA: 1, isCA: 2}\n"
             "---\n" HEAD "metadata: {name: y}\nspec: {dnsNames: [c_d]}\n",
        NULL,
        "4:19: spec.dnsNames[0]: \"a_b\": a label has letters, digits and hyphens only\n"
        "4:31: spec.isCA: expected true or false (YAML 1.2)\n"
        "4:34: duplicate key isCA, first given in line 4\n"
        "9:19: spec.dnsNames[0]: \"c_d\": a label has letters, digits and hyphens only\n");
}

static void a_file_with_too_many_problems_is_cut_short(void **state)
{
    struct cl_buf b;

    (void)state;
    cl_buf_init(&b, 1 << 20);
    (void)cl_buf_adds(&b, HEAD "metadata: {name: x}\nspec:\n  dnsNames:\n");
    for (unsigned i = 0; i < 1000; i++) {
        (void)cl_buf_adds(&b, "  - a_b\n");
    }
    struct parsed p = parse_with(cl_buf_str(&b), NULL);
    assert_int_equal(p.rc, -1);
    assert_int_equal(p.problems.len, 201);
    assert_string_equal(p.problems.items[200].text, "too many problems; the rest is not listed");
    parsed_deinit(&p);
    cl_buf_deinit(&b);
}

static void keys_join_namespace_and_name(void **state)
{
    struct parsed p = parse_ok(HEAD "metadata: {name: x, namespace: web, labels: {b: c, a: d}, "
                                    "uid: 1, managedFields: [1], ownerReferences: ~}\n" BODY,
                               NULL, 1);
    const struct object *o = p.objects.items[0];
    char *name = object_display_name(o);

    (void)state;
    assert_string_equal(o->key, "web_x");
    assert_string_equal(name, "web/x");
    assert_string_equal(string_map_get(&o->metadata.labels, "b"), "c");
    assert_string_equal(string_map_get(&o->metadata.labels, "a"), "d");
    assert_null(string_map_get(&o->metadata.labels, "c"));
    cl_free(name);
    parsed_deinit(&p);

    struct cl_buf b;
    cl_buf_init(&b, 1000);
    (void)cl_buf_adds(&b, HEAD "metadata: {namespace: ");
    for (unsigned i = 0; i < 63; i++) {
        (void)cl_buf_adds(&b, "n");
    }
    (void)cl_buf_adds(&b, ", name: ");
    for (unsigned i = 0; i < 195; i++) {
        (void)cl_buf_adds(&b, i % 50 == 49 ? "." : "n");
    }
    (void)cl_buf_adds(&b, "}\n" BODY);
    expect_problems(cl_buf_str(&b), NULL,
                    "3:11: metadata.name: longer than 240 bytes with the namespace\n");
    cl_buf_deinit(&b);
}

static void one_object_is_declared_once_in_a_file(void **state)
{
    (void)state;
    expect_problems(HEAD "metadata: {name: x}\n" BODY "---\n" HEAD "metadata: {name: x}\n" BODY,
                    NULL,
                    "6:1: metadata.name: Certificate x is declared twice in this file, first in "
                    "line 1\n");
    struct parsed p = parse_ok(HEAD "metadata: {name: x}\n" BODY "---\n" HEAD
                                    "metadata: {name: x, namespace: y}\n" BODY
                                    "---\n{apiVersion: certloop/v1, kind: Issuer, metadata: "
                                    "{name: x}, spec: {selfSigned: {}}}\n",
                               NULL, 3);
    parsed_deinit(&p);
}

static void lists_are_flattened(void **state)
{
    struct parsed p =
        parse_ok("apiVersion: v1\nkind: List\nitems:\n"
                 "- {apiVersion: certloop/v1, kind: Certificate, metadata: {name: a}, " BODY "}\n"
                 "- {apiVersion: certloop/v1, kind: Certificate, metadata: {name: b}, " BODY "}\n",
                 NULL, 2);

    (void)state;
    assert_string_equal(p.objects.items[1]->key, "b");
    assert_int_equal(p.objects.items[1]->document, 1);
    parsed_deinit(&p);
    expect_problems("apiVersion: v1\nkind: List\n", NULL,
                    "1:1: items: expected a list of objects\n");
    expect_problems(
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]\n", NULL,
        "3:22: apiVersion: \"v1\" is not known; use certloop/v1 or "
        "cert-manager.io/v1\n");
}

static void an_empty_file_declares_nothing(void **state)
{
    struct parsed p = parse_ok("# nothing\n", NULL, 0);

    (void)state;
    parsed_deinit(&p);
    expect_problems(
        "apiVersion: [\n", NULL,
        "2:1: not YAML: did not find expected node content while parsing a flow node\n");
}

static void a_file_of_more_than_a_mebibyte_is_refused(void **state)
{
    struct object_list l;
    struct spec_problems problems = {0};
    char *text = cl_calloc(SPEC_FILE_MAX + 2, 1);

    (void)state;
    memset(text, '#', SPEC_FILE_MAX + 1);
    assert_int_equal(spec_parse(text, SPEC_FILE_MAX + 1, NULL, &l, &problems), -1);
    assert_string_equal(problems.items[0].text, "the file is larger than 1024 KiB");
    spec_problems_deinit(&problems);
    assert_int_equal(spec_parse(text, SPEC_FILE_MAX, NULL, &l, &problems), 0);
    assert_int_equal(l.len, 0);
    cl_free(text);
}

static void what_kubernetes_adds_is_a_warning_at_most(void **state)
{
    struct parsed p = parse_ok(
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: x, namespace: y, "
        "annotations: {cert-manager.io/issue-temporary-certificate: \"true\"}}\n"
        "spec: {selfSigned: {}}\nstatus: {}\n",
        NULL, 1);
    const struct object *o = p.objects.items[0];

    (void)state;
    assert_string_equal(o->key, "x");
    assert_int_equal(o->warnings.len, 2);
    assert_string_equal(o->warnings.items[0],
                        "metadata.namespace: a ClusterIssuer has none; ignored");
    parsed_deinit(&p);
}

/* ---- Issuers ---- */

static void issuers_are_of_one_type(void **state)
{
    static const struct {
        const char *spec, *problems; /* from line 5 */
    } CASES[] = {
        {"  {}\n", "5:3: spec: give one of acme, ca and selfSigned\n"},
        {"  selfSigned:\n",
         "5:3: spec: give one of acme, ca and selfSigned; an empty one is written "
         "selfSigned: {}\n"},
        {"  selfSigned: {}\n  ca: {generate: true}\n",
         "5:3: spec: give one of acme, ca and selfSigned\n"},
        {"  vault: {server: x}\n", "5:3: spec.vault: not supported by this version of certloop\n"},
        {"  venafi: {zone: x}\n", "5:3: spec.venafi: not supported by this version of certloop\n"},
        {"  acmee: {}\n", "5:3: spec.acmee: unknown field; did you mean acme?\n"
                          "5:3: spec: give one of acme, ca and selfSigned\n"},
        {"  ca: {}\n", "5:7: spec.ca: needs secretName, or generate: true for a root of its own\n"},
        {"  ca: {generate: false}\n",
         "5:7: spec.ca: needs secretName, or generate: true for a root of its own\n"},
        {"  ca: {secretName: x, generate: true}\n",
         "5:7: spec.ca: give secretName or generate, not both\n"},
        {"  ca: {generate: {duration: 1h}}\n",
         "5:29: spec.ca.generate.duration: must be from 1d to 36500d\n"},
        {"  ca: {generate: yes}\n", "5:18: spec.ca.generate: expected a mapping\n"},
        {"  ca: {secretName: x, ocspServers: [x]}\n",
         "5:37: spec.ca.ocspServers[0]: expected a URL that starts with http://, https:// or "
         "ldap://\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *text = object_text("certloop/v1", "Issuer", CASES[i].spec);

        expect_problems(text, NULL, CASES[i].problems);
        cl_free(text);
    }
}

static void acme_issuers_agree_and_trust_in_one_way(void **state)
{
    static const struct {
        const char *fields, *problems; /* from line 8, column 5 */
    } CASES[] = {
        {"    caBundleFile: /etc/x\n    skipTLSVerify: true\n",
         "6:5: spec.acme: give one of caBundle, caBundleFile and skipTLSVerify\n"},
        {"    privateKeySecretRef: {name: a, file: /etc/b}\n",
         "8:26: spec.acme.privateKeySecretRef: give one of name, file, env and credential\n"},
        {"    privateKeySecretRef: {file: /etc/shadow, key: x}\n",
         "8:26: spec.acme.privateKeySecretRef: key belongs to name\n"
         "8:33: spec.acme.privateKeySecretRef.file: /etc/shadow is not below one of the "
         "Configuration's secretRoots; specs read secrets from there only\n"},
        {"    privateKeySecretRef: {env: SECRET}\n",
         "8:32: spec.acme.privateKeySecretRef.env: SECRET is not listed in the Configuration's "
         "secretEnv\n"},
        {"    privateKeySecretRef: {key: x}\n",
         "8:26: spec.acme.privateKeySecretRef: give one of name, file, env and credential\n"},
        {"    externalAccountBinding: {keyID: x}\n",
         "8:29: spec.acme.externalAccountBinding.keySecretRef: required\n"},
        {"    externalAccountBinding: {keyID: \"a b\", keySecretRef: {name: eab}}\n",
         "8:37: spec.acme.externalAccountBinding.keyID: expected the key identifier as the CA shows "
         "it, without spaces and quotes\n"},
        {"    externalAccountBinding: {keyID: a, keySecretRef: {name: eab}, keyAlgorithm: HS1}\n",
         "8:81: spec.acme.externalAccountBinding.keyAlgorithm: \"HS1\" is not one of HS256, "
         "HS384, HS512\n"},
        {"    proxy: \"http://me:secret@proxy:3128\"\n",
         "8:12: spec.acme.proxy: user and password do not belong into a spec: put USER:PASSWORD "
         "into a secret and name it in proxySecretRef\n"},
        {"    proxy: \"ftp://proxy\"\n",
         "8:12: spec.acme.proxy: expected http://HOST:PORT, https://HOST:PORT, socks5h://HOST:PORT "
         "or none\n"},
        {"    proxy: \"http://proxy:99999\"\n",
         "8:12: spec.acme.proxy: expected http://HOST:PORT, https://HOST:PORT, socks5h://HOST:PORT "
         "or none\n"},
        {"    proxySecretRef: {name: proxy}\n",
         "8:21: spec.acme.proxySecretRef: needs proxy beside it: the proxy that asks for the "
         "password\n"},
        {"    preferredChain: \"ISRG Root X1\"\n    profile: tlsserver\n", ""},
        {"    preferredChain: {shortest: true}\n", ""},
        {"    preferredChain: {root: A, issuer: B}\n",
         "8:21: spec.acme.preferredChain: give one of root, issuer, sha256 and shortest\n"},
        {"    renewalInformationSource: OCSP\n",
         "8:31: spec.acme.renewalInformationSource: \"OCSP\" is not one of None, ARI\n"},
        {"    rateLimits: LetsEncript\n",
         "8:17: spec.acme.rateLimits: \"LetsEncript\" is not one of Auto, None, LetsEncrypt; did you mean "
         "LetsEncrypt?\n"},
        {"    rateLimits: {newOrdersPer3h: 300}\n",
         "8:18: spec.acme.rateLimits.newOrdersPer3h: unknown field\n"},
        {"    rateLimits: {newOrders: {capacity: 0, refill: 1m}}\n",
         "8:40: spec.acme.rateLimits.newOrders.capacity: 0 is not a number from 1 to 100000000\n"},
        {"    reissueOnChange: Never\n",
         "8:22: spec.acme.reissueOnChange: Never is not supported by this version of certloop\n"},
        {"    maxConnections: 65\n",
         "8:21: spec.acme.maxConnections: 65 is not a number from 1 to 64\n"},
        {"    solvers: [{http01: {webroot: /etc}}]\n",
         "8:34: spec.acme.solvers[0].http01.webroot: /etc is not below a webroot that the "
         "Configuration allows (/var/www, /srv, /usr/share/nginx, /var/lib/certloop/webroot)\n"},
        {"    caBundle: x\n",
         "8:15: spec.acme.caBundle: expected certificates as PEM text, or that text in base64\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *spec = cl_printf("  acme:\n    server: https://ca.example/dir\n"
                               "    termsOfServiceAgreed: true\n%s",
                               CASES[i].fields);
        char *text = object_text("certloop/v1", "Issuer", spec);

        expect_problems(text, NULL, CASES[i].problems);
        cl_free(text);
        cl_free(spec);
    }
    expect_problems("apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: x}\nspec: {acme: "
                    "{server: \"https://ca.example/dir\"}}\n",
                    NULL,
                    "4:14: spec.acme.termsOfServiceAgreed: must be true: read the terms of the CA, "
                    "then add termsOfServiceAgreed: true\n");
    expect_problems(
        "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: x}\nspec: {acme: "
        "{termsOfServiceAgreed: false}}\n",
        NULL,
        "4:14: spec.acme.server: required\n"
        "4:37: spec.acme.termsOfServiceAgreed: must be true: read the terms of the CA, "
        "then add termsOfServiceAgreed: true\n");
}

static void secrets_are_read_where_the_configuration_allows_it(void **state)
{
    static const char *const REFS[] = {"{file: /etc/keys/a.pem}", "{env: ACME_KEY}",
                                       "{credential: acme}", "{name: a, key: b.pem}"};
    struct config *config = config_of("  secretRoots: [/etc/keys]\n  secretEnv: [ACME_KEY]\n");

    (void)state;
    for (size_t i = 0; i < COUNT(REFS); i++) {
        char *spec = cl_printf("  acme: {server: \"https://ca.example/dir\", termsOfServiceAgreed: "
                               "true, rateLimits: None, renewalInformationSource: None, "
                               "reissueOnChange: Server, retryAfter: EagerFirst, "
                               "privateKeySecretRef: %s}\n",
                               REFS[i]);
        char *text = object_text("certloop/v1", "Issuer", spec);
        struct parsed p = parse_ok(text, config, 1);
        const struct acme_spec *a = &p.objects.items[0]->issuer->acme;

        assert_true(secret_ref_given(&a->private_key));
        assert_int_equal(a->retry_after, RETRY_AFTER_EAGER_FIRST);
        assert_int_equal(a->rate_limits.mode, RATE_LIMITS_NONE);
        parsed_deinit(&p);
        cl_free(text);
        cl_free(spec);
    }
    assert_false(secret_ref_given(&(struct secret_ref){0}));
    config_destroy(config);
}

/* ---- Configuration ---- */

static void a_configuration_has_defaults_for_everything(void **state)
{
    struct spec_problems problems = {0};
    struct config *c = NULL;

    (void)state;
    assert_int_equal(spec_parse_config(NULL, 0, &c, &problems), 0);
    assert_false(c->allow_inline_hooks);
    assert_int_equal(c->hook_directories.len, 2);
    assert_string_equal(c->hook_directories.items[0], "/etc/certloop/hooks.d");
    assert_int_equal(c->output_roots.len, 5);
    assert_int_equal(c->webroots.len, 4);
    assert_int_equal(c->secret_roots.len, 0);
    assert_string_equal(c->defaults.issuer_ref.name, "letsencrypt");
    assert_int_equal(c->defaults.private_key.algorithm, KEY_DEFAULT);
    assert_null(c->defaults.key_group);
    assert_int_equal(c->suspend, SUSPEND_NONE);
    assert_string_equal(c->status_mode, "0644");
    assert_string_equal(c->http01_listen, "[::]:80");
    assert_true(cl_str_empty(c->metrics_listen));
    config_destroy(c);
    config_destroy(NULL);
    assert_int_equal(problems.len, 0);
}

static void a_configuration_written_out_in_full(void **state)
{
    struct config *c = config_of(
        "  allowInlineHooks: true\n"
        "  hookDirectories: [/etc/certloop/hooks.d]\n"
        "  hooks:\n    reload-nginx: {exec: [systemctl, reload, nginx], timeout: 30s, user: root}\n"
        "    hup: {signal: {pidFile: /run/x.pid, signal: USR1}}\n"
        "    dovecot: {systemd: {unit: dovecot.service}}\n"
        "  outputRoots: []\n  allowTakeOver: true\n  webroots: [/www/]\n  secretRoots: [/s]\n"
        "  secretEnv: [A]\n"
        "  defaults: {issuerRef: {name: internal}, keyGroup: ssl-cert, hooks: []}\n"
        "  tenants: {}\n  suspend: Deploy\n  recursive: true\n  trustSpecDir: true\n"
        "  acceptEphemeralState: true\n  statusMode: \"0640\"\n"
        "  http01: {listen: \"127.0.0.1:5002\"}\n"
        "  metrics: {listen: \"unix:/run/certloop/metrics\", textfile: /var/lib/x.prom}\n"
        "  providerDirectories: []\n");

    (void)state;
    assert_int_equal(c->hooks.len, 3);
    assert_string_equal(c->hooks.items[0].name, "dovecot"); /* sorted */
    assert_string_equal(c->hooks.items[1].name, "hup");
    assert_string_equal(c->hooks.items[2].name, "reload-nginx");
    assert_string_equal(c->hooks.items[2].user, "root");
    assert_string_equal(c->hooks.items[1].signal_name, "USR1");
    assert_int_equal(c->output_roots.len, 0);
    assert_string_equal(c->webroots.items[0], "/www");
    assert_string_equal(c->defaults.key_group, "ssl-cert");
    assert_int_equal(c->suspend, SUSPEND_DEPLOY);
    assert_string_equal(c->metrics_listen, "unix:/run/certloop/metrics");
    config_destroy(c);
}

static void mistakes_in_a_configuration_have_positions(void **state)
{
    static const struct {
        const char *text, *problems;
    } CASES[] = {
        {"", "1:1: the file is empty; remove it, or declare a Configuration\n"},
        {"apiVersion: certloop/v1\nkind: Certificate\n",
         "2:7: kind: this file holds one document of kind Configuration, not Certificate\n"},
        {"apiVersion: certloop/v1\n",
         "1:1: kind: this file holds one document of kind Configuration\n"},
        {"apiVersion: cert-manager.io/v1\nkind: Configuration\n",
         "1:13: apiVersion: a Configuration is of certloop/v1\n"},
        {"apiVersion: certloop/v1\nkind: Configuration\n", "1:1: spec: required\n"},
        {"apiVersion: certloop/v1\nkind: Configuration\nspec: {}\n---\na: 1\n",
         "5:1: a Configuration is one document\n"},
        {"apiVersion: certloop/v1\nkind: Configuration\nspec:\n  hooks: {a: {}, b: {exec: [x], "
         "systemd: {unit: y}}, c/d: {exec: [x]}}\n",
         "4:14: spec.hooks[\"a\"]: needs one of exec, signal and systemd\n"
         "4:21: spec.hooks[\"b\"]: give one of exec, signal and systemd\n"
         "4:54: spec.hooks.c/d: must be a plain name: letters, digits, '.', '_', '-', '@'\n"},
        {"apiVersion: certloop/v1\nkind: Configuration\nspec:\n  tenants: {web: {owner: x}}\n"
         "  tlsalpn01: {listen: 443}\n  providerDirectories: [/x]\n",
         "4:3: spec.tenants: not supported by this version of certloop\n"
         "5:23: spec.tlsalpn01.listen: expected a string; write it in quotes: \"443\"\n"},
        {"apiVersion: certloop/v1\nkind: Configuration\nspec:\n  defaults: {privateKey: {size: "
         "384}, outputs: {mode: \"0644\"}, hooks: [{}], solvers: [{}]}\n",
         "4:33: spec.defaults.privateKey.size: needs algorithm beside it\n"
         "4:55: spec.defaults.outputs.mode: 0644 gives the key to everybody\n"
         "4:72: spec.defaults.hooks[0]: needs the name of a hook of the Configuration, or one of "
         "exec, signal and systemd\n"
         "4:87: spec.defaults.solvers[0]: a solver needs http01, as in http01: {listen: "
         "\"[::]:80\"}, tlsalpn01 or dns01\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct spec_problems problems = {0};
        struct config *c = NULL;
        int rc = spec_parse_config(CASES[i].text, strlen(CASES[i].text), &c, &problems);
        char *text = problems_text(&problems);

        assert_string_equal(text, CASES[i].problems);
        assert_int_equal(rc, -1);
        assert_null(c);
        cl_free(text);
        spec_problems_deinit(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_say_what_they_are),
        cmocka_unit_test(every_problem_of_every_document_is_reported_in_order),
        cmocka_unit_test(a_file_with_too_many_problems_is_cut_short),
        cmocka_unit_test(keys_join_namespace_and_name),
        cmocka_unit_test(one_object_is_declared_once_in_a_file),
        cmocka_unit_test(lists_are_flattened),
        cmocka_unit_test(an_empty_file_declares_nothing),
        cmocka_unit_test(a_file_of_more_than_a_mebibyte_is_refused),
        cmocka_unit_test(what_kubernetes_adds_is_a_warning_at_most),
        cmocka_unit_test(issuers_are_of_one_type),
        cmocka_unit_test(acme_issuers_agree_and_trust_in_one_way),
        cmocka_unit_test(secrets_are_read_where_the_configuration_allows_it),
        cmocka_unit_test(a_configuration_has_defaults_for_everything),
        cmocka_unit_test(a_configuration_written_out_in_full),
        cmocka_unit_test(mistakes_in_a_configuration_have_positions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
