/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_parse: whole specs as people write them are accepted, in both APIs. */
#include "spec/spec_check.h"
#include "tests/unit/spec_fixture.h"

#define CERTLOOP(kind, name) "apiVersion: certloop/v1\nkind: " kind "\nmetadata: {name: " name "}\n"

static void nginx_with_its_own_webroot(void **state)
{
    struct parsed p = parse_ok(
        CERTLOOP(
            "Issuer",
            "letsencrypt") "spec: {acme: {server: \"https://acme-v02.api.letsencrypt.org/directory\", email: "
                           "ops@example.com, termsOfServiceAgreed: true, solvers: [{http01: {webroot: "
                           "/var/www/acme}}]}}\n---\n" CERTLOOP(
                               "Certificate",
                               "www") "spec: {dnsNames: [example.com, www.example.com], solvers: [{http01: {webroot: "
                                      "/srv/www/example}}], hooks: [reload-nginx], probe: {connect: \":443\"}}\n",
        NULL, 2);
    const struct object *issuer = p.objects.items[0], *www = p.objects.items[1];

    (void)state;
    assert_int_equal(issuer->kind, SPEC_ISSUER);
    assert_int_equal(issuer->issuer->type, ISSUER_ACME);
    assert_string_equal(issuer->issuer->acme.email, "ops@example.com");
    assert_true(issuer->issuer->acme.terms_of_service_agreed);
    assert_int_equal(issuer->issuer->acme.max_connections, 8);
    assert_int_equal(issuer->issuer->acme.max_orders, 500);
    assert_int_equal(issuer->issuer->acme.account_key_algorithm, KEY_ECDSA);
    assert_string_equal(issuer->issuer->acme.solvers.items[0].http01.webroot, "/var/www/acme");
    assert_string_equal(www->key, "www");
    assert_string_equal(www->metadata.namespace_, "");
    assert_int_equal(www->document, 1);
    assert_int_equal(www->line, 6);
    assert_string_equal(www->cert->issuer_ref.name, "letsencrypt");
    assert_int_equal(www->cert->dns_names.len, 2);
    assert_true(www->cert->solvers.items[0].has_http01);
    assert_string_equal(www->cert->hooks.items[0].name, "reload-nginx");
    assert_int_equal(www->cert->hooks.items[0].retries, 5);
    assert_int_equal(www->cert->hooks.items[0].when, HOOK_ISSUED | HOOK_OUTPUT_CHANGED);
    assert_string_equal(www->cert->probes.items[0].connect, "localhost:443");
    assert_int_equal(www->cert->probes.items[0].within, 2 * CL_MINUTE);
    assert_int_equal(www->cert->private_key.algorithm, KEY_ECDSA);
    assert_int_equal(www->cert->private_key.size, 256);
    assert_int_equal(www->cert->private_key.encoding, KEY_PKCS8);
    assert_int_equal(www->cert->duration, 90 * CL_DAY);
    assert_int_equal(www->cert->revision_history_limit, 3);
    assert_int_equal(www->warnings.len, 0);
    parsed_deinit(&p);
}

static void wildcards_by_dns(void **state)
{
    struct parsed p = parse_ok(
        CERTLOOP(
            "Certificate",
            "wild") "spec: {dnsNames: [example.com, \"*.example.com\"], solvers: [{dns01: "
                    "{provider: cloudflare}}], hooks: [reload-nginx]}\n---\n" CERTLOOP(
                        "Certificate",
                        "wild-bind") "spec:\n  dnsNames: [example.org, \"*.example.org\"]\n  solvers: [{dns01: "
                                     "{rfc2136: {nameserver: \"10.0.0.53:53\", tsigKeyName: acme, tsigAlgorithm: "
                                     "HMACSHA256, tsigSecretSecretRef: {name: bind, key: secret}}}}]\n",
        NULL, 2);
    char problem[300];

    (void)state;
    assert_string_equal(p.objects.items[0]->cert->solvers.items[0].dns01.provider, "cloudflare");
    assert_string_equal(p.objects.items[1]->cert->solvers.items[0].dns01.rfc2136.nameserver,
                        "10.0.0.53:53");
    assert_false(cert_spec_acme_problem(p.objects.items[0]->cert, NULL, problem, sizeof(problem)));
    parsed_deinit(&p);
}

static void haproxy_with_a_combined_file(void **state)
{
    struct parsed p = parse_ok(
        CERTLOOP(
            "Certificate",
            "shop") "spec:\n  dnsNames: [shop.example.com]\n"
                    "  outputs: [{directory: /etc/haproxy/certs, group: haproxy, files: {shop.pem: [fullchain, "
                    "key]}}]\n"
                    "  hooks: [reload-haproxy]\n  probe: {connect: \":443\"}\n",
        NULL, 1);
    const struct output_spec *o = &p.objects.items[0]->cert->outputs.items[0];

    (void)state;
    assert_string_equal(o->directory, "/etc/haproxy/certs");
    assert_string_equal(o->group, "haproxy");
    assert_null(o->owner);
    assert_int_equal(o->layout, LAYOUT_DEFAULT);
    assert_int_equal(o->n_files, 1);
    assert_string_equal(o->files[0].name, "shop.pem");
    assert_int_equal(o->files[0].n_parts, 2);
    assert_int_equal(o->files[0].parts[0], PART_FULLCHAIN);
    assert_int_equal(o->files[0].parts[1], PART_KEY);
    parsed_deinit(&p);
}

static void mail_with_two_probes(void **state)
{
    struct parsed p = parse_ok(
        CERTLOOP("Certificate", "mail") "spec:\n  dnsNames: [mail.example.com]\n"
                                        "  hooks: [reload-postfix, reload-dovecot]\n"
                                        "  probes: [{connect: \":465\"}, {connect: \":993\"}]\n",
        NULL, 1);

    (void)state;
    assert_int_equal(p.objects.items[0]->cert->probes.len, 2);
    assert_int_equal(p.objects.items[0]->cert->hooks.len, 2);
    parsed_deinit(&p);
    expect_problems(
        CERTLOOP("Certificate",
                 "mail") "spec:\n  dnsNames: [mail.example.com]\n"
                         "  probes: [{connect: \":25\", starttls: smtp}, {connect: \":993\"}]\n",
        NULL, "6:29: spec.probes[0].starttls: not supported by this version of certloop\n");
}

static void a_sidecar_with_a_ca_of_its_own(void **state)
{
    struct parsed p = parse_ok(
        CERTLOOP(
            "Certificate",
            "app") "spec: {dnsNames: [app.internal], issuerRef: {name: internal}}\n"
                   "---\n" CERTLOOP(
                       "Issuer",
                       "internal") "spec: {ca: {generate: {commonName: Example Internal CA, nameConstraints: {permitted: "
                                   "{dnsDomains: [internal]}}}}}\n",
        NULL, 2);
    const struct ca_spec *ca = &p.objects.items[1]->issuer->ca;

    (void)state;
    assert_string_equal(p.objects.items[0]->cert->issuer_ref.name, "internal");
    assert_int_equal(p.objects.items[1]->issuer->type, ISSUER_CA);
    assert_true(ca->generate.on);
    assert_string_equal(ca->generate.common_name, "Example Internal CA");
    assert_int_equal(ca->generate.duration, 3650 * CL_DAY);
    assert_int_equal(ca->generate.algorithm, KEY_ECDSA);
    assert_string_equal(ca->generate.name_constraints.permitted.dns_domains.items[0], "internal");
    parsed_deinit(&p);
}

/* The pair of cert-manager's pages on ACME, with what an API server adds to it. */
static void a_certificate_and_a_cluster_issuer_of_cert_manager(void **state)
{
    struct config *config = config_of("  http01: {listen: \"0.0.0.0:5002\"}\n");
    struct parsed p = parse_ok(
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\n"
        "metadata:\n  name: letsencrypt-staging\n  uid: 0f1e\n  resourceVersion: \"17\"\n"
        "  generation: 2\n  creationTimestamp: 2026-01-01T00:00:00Z\n  managedFields: [{a: {}}]\n"
        "spec:\n  acme:\n"
        "    email: user@example.com\n"
        "    server: https://acme-staging-v02.api.letsencrypt.org/directory\n"
        "    privateKeySecretRef:\n      name: example-issuer-account-key\n"
        "    solvers:\n    - http01:\n        ingress:\n          ingressClassName: nginx\n"
        "          podTemplate: {spec: {nodeSelector: {a: b}}}\n"
        "    - selector: {dnsZones: [example.org]}\n      http01:\n        gatewayHTTPRoute: "
        "{parentRefs: []}\n"
        "status:\n  conditions: [{type: Ready}]\n"
        "---\napiVersion: cert-manager.io/v1\nkind: Certificate\n"
        "metadata:\n  name: example-com\n  namespace: default\n"
        "spec:\n  secretName: example-com-tls\n  commonName: example.com\n  dnsNames:\n"
        "  - example.com\n  - www.example.com\n"
        "  issuerRef:\n    name: letsencrypt-staging\n    kind: ClusterIssuer\n"
        "    group: cert-manager.io\n",
        config, 2);
    const struct object *issuer = p.objects.items[0], *cert = p.objects.items[1];
    char problem[300];

    (void)state;
    assert_int_equal(issuer->kind, SPEC_CLUSTER_ISSUER);
    assert_int_equal(issuer->api, SPEC_API_CERT_MANAGER);
    assert_true(issuer->issuer->acme.terms_of_service_agreed);
    assert_string_equal(issuer->issuer->acme.private_key.name, "example-issuer-account-key");
    assert_string_equal(issuer->issuer->acme.private_key.key, "tls.key");
    assert_string_equal(issuer->issuer->acme.solvers.items[0].http01.listen, "0.0.0.0:5002");
    assert_string_equal(issuer->issuer->acme.solvers.items[1].http01.listen, "0.0.0.0:5002");
    assert_string_equal(cert->key, "default_example-com");
    assert_string_equal(cert->cert->secret_name, "example-com-tls");
    assert_string_equal(cert->cert->issuer_ref.kind, "ClusterIssuer");
    assert_null(cert->cert->issuer_ref.group);
    assert_int_equal(cert->cert->private_key.algorithm, KEY_RSA);
    assert_int_equal(cert->cert->private_key.size, 2048);
    assert_int_equal(cert->cert->private_key.encoding, KEY_PKCS1);
    assert_false(cert_spec_acme_problem(cert->cert, NULL, problem, sizeof(problem)));
    parsed_deinit(&p);
    config_destroy(config);
}

#define LONG_EXAMPLE                                                               \
    "apiVersion: cert-manager.io/v1\nkind: Certificate\n"                          \
    "metadata: {name: example-com, namespace: sandbox}\n"                          \
    "spec:\n"                                                                      \
    "  secretName: example-com-tls\n"                                              \
    "  secretTemplate:\n    annotations: {a-1: \"foo\"}\n    labels: {l: foo}\n"   \
    "  privateKey: {algorithm: RSA, encoding: PKCS1, size: 2048}\n"                \
    "  duration: 2160h\n  renewBefore: 360h\n"                                     \
    "  isCA: false\n  usages: [server auth, client auth]\n"                        \
    "  subject: {organizations: [jetstack]}\n  commonName: example.com\n"          \
    "  dnsNames: [example.com, www.example.com]\n"                                 \
    "  uris: [\"spiffe://cluster.local/ns/sandbox/sa/example\"]\n"                 \
    "  emailAddresses: [john.doe@cert-manager.io]\n  ipAddresses: [192.168.0.5]\n" \
    "  otherNames: []\n"                                                           \
    "  issuerRef: {name: ca-issuer, kind: Issuer, group: cert-manager.io}\n"

static void the_long_certificate_of_cert_manager(void **state)
{
    struct parsed p = parse_ok(LONG_EXAMPLE, NULL, 1);
    const struct object *o = p.objects.items[0];
    char problem[300];

    (void)state;
    assert_int_equal(o->warnings.len, 1);
    assert_string_equal(o->warnings.items[0],
                        "spec.secretTemplate: has no meaning outside Kubernetes; ignored");
    assert_int_equal(o->cert->duration, 90 * CL_DAY);
    assert_int_equal(o->cert->renew_before, 15 * CL_DAY);
    assert_string_equal(o->cert->subject.organizations.items[0], "jetstack");
    assert_true(cert_spec_acme_problem(o->cert, NULL, problem, sizeof(problem)));
    parsed_deinit(&p);
    expect_problems(
        LONG_EXAMPLE "  keystores:\n    pkcs12: {create: true, profile: Modern2023, "
                     "passwordSecretRef: {name: k, key: password}}\n"
                     "    jks: {create: false, password: x}\n",
        NULL,
        "6:3: warning: spec.secretTemplate: has no meaning outside Kubernetes; ignored\n"
        "23:14: spec.keystores.pkcs12.create: not supported by this version of "
        "certloop\n");
}

static void the_bootstrap_of_a_ca_by_a_self_signed_issuer(void **state)
{
    struct parsed p = parse_ok(
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: selfsigned-issuer}\n"
        "spec:\n  selfSigned: {}\n---\n"
        "apiVersion: cert-manager.io/v1\nkind: Certificate\n"
        "metadata: {name: my-selfsigned-ca, namespace: sandbox}\n"
        "spec:\n  isCA: true\n  commonName: my-selfsigned-ca\n  secretName: root-secret\n"
        "  privateKey: {algorithm: ECDSA, size: 256}\n"
        "  issuerRef: {name: selfsigned-issuer, kind: ClusterIssuer, group: cert-manager.io}\n---\n"
        "apiVersion: cert-manager.io/v1\nkind: Issuer\n"
        "metadata: {name: my-ca-issuer, namespace: sandbox}\nspec: {ca: {secretName: "
        "root-secret}}\n",
        NULL, 3);

    (void)state;
    assert_int_equal(p.objects.items[0]->issuer->type, ISSUER_SELF_SIGNED);
    assert_true(p.objects.items[1]->cert->is_ca);
    assert_string_equal(p.objects.items[2]->issuer->ca.secret_name, "root-secret");
    assert_false(p.objects.items[2]->issuer->ca.generate.on);
    parsed_deinit(&p);
}

static void the_schema_written_out_in_full(void **state)
{
    struct config *config = config_of("  allowInlineHooks: true\n  allowTakeOver: true\n");
    struct parsed p = parse_ok(
        CERTLOOP(
            "Certificate",
            "full") "spec:\n"
                    "  secretName: example-com-tls\n"
                    "  issuerRef: {name: letsencrypt, kind: Issuer}\n"
                    "  fallbackIssuerRefs: []\n"
                    "  commonName: example.com\n  dnsNames: [example.com, \"*.example.com\"]\n"
                    "  ipAddresses: []\n  uris: []\n  emailAddresses: []\n"
                    "  subject: {organizations: [Example], serialNumber: \"12\"}\n"
                    "  duration: 2160h\n  renewBeforePercentage: 33\n"
                    "  renewal: {policy: Disabled, windows: []}\n"
                    "  isCA: false\n  usages: [digital signature, key encipherment, server auth]\n"
                    "  privateKey: {algorithm: ECDSA, size: 384, encoding: PKCS8, rotationPolicy: Never, "
                    "fromFile: \"\"}\n"
                    "  signatureAlgorithm: ECDSAWithSHA384\n  mustStaple: false\n  literalSubject: \"\"\n"
                    "  additionalOutputFormats: [{type: CombinedPEM, keys: [tls.crt, tls.key, ca.crt]}]\n"
                    "  output:\n"
                    "    directory: /etc/haproxy/certs/example.com\n    layout: Rename\n"
                    "    files: {tls.crt: fullchain, tls.key: {parts: [key], mode: \"600\", format: PEM}}\n"
                    "    owner: root\n    group: haproxy\n    mode: \"0644\"\n    certMode: \"0444\"\n"
                    "    allowWorldReadableKey: true\n    takeOver: true\n"
                    "  hooks:\n"
                    "    - {exec: [systemctl, reload, haproxy], timeout: 1m, retries: 0, coalesce: 5s, when: "
                    "[Failed]}\n"
                    "    - signal: {pidFile: /run/x.pid}\n"
                    "    - systemd: {unit: nginx.service, action: restart}\n"
                    "  probe: {connect: \"127.0.0.1:443\", serverName: example.com, timeout: 3s, within: 1m}\n"
                    "  solvers:\n"
                    "    - selector: {matchLabels: {team: edge}, dnsNames: [example.com], dnsZones: [a.b]}\n"
                    "      http01: {}\n      selfCheck: {mode: None}\n      waitInsteadOfSelfCheck: 2s\n"
                    "    - http01: {unixSocket: /run/certloop/http01}\n"
                    "  issueTemporaryCertificate: false\n  encodeUsagesInRequest: true\n"
                    "  revisionHistoryLimit: 5\n  deletionPolicy: Delete\n  suspend: true\n",
        config, 1);
    const struct object *o = p.objects.items[0];
    const struct cert_spec *s = o->cert;

    (void)state;
    assert_int_equal(o->warnings.len, 1);
    assert_true(s->renewal_disabled && s->suspend);
    assert_int_equal(s->renew_before_percentage, 33);
    assert_int_equal(s->private_key.rotation_policy, ROTATE_NEVER);
    assert_int_equal(s->deletion_policy, DELETION_DELETE);
    assert_int_equal(s->combined.len, 1);
    assert_int_equal(s->combined.items[0].parts[0], PART_FULLCHAIN);
    assert_int_equal(s->combined.items[0].parts[1], PART_KEY);
    assert_int_equal(s->combined.items[0].parts[2], PART_CA);
    assert_int_equal(s->outputs.items[0].layout, LAYOUT_RENAME);
    assert_string_equal(s->outputs.items[0].files[1].mode, "0600");
    assert_true(s->outputs.items[0].take_over);
    assert_int_equal(s->hooks.items[0].retries, 0);
    assert_int_equal(s->hooks.items[0].when, HOOK_FAILED);
    assert_int_equal(s->hooks.items[0].exec.len, 3);
    assert_string_equal(s->hooks.items[1].signal_name, "HUP");
    assert_null(s->hooks.items[0].signal_name);
    assert_string_equal(s->hooks.items[2].systemd_action, "restart");
    assert_string_equal(s->solvers.items[0].http01.listen, "[::]:80");
    assert_int_equal(s->solvers.items[0].wait_instead_of_self_check, 2 * CL_SECOND);
    assert_string_equal(string_map_get(&s->solvers.items[0].selector.match_labels, "team"), "edge");
    parsed_deinit(&p);
    config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nginx_with_its_own_webroot),
        cmocka_unit_test(wildcards_by_dns),
        cmocka_unit_test(haproxy_with_a_combined_file),
        cmocka_unit_test(mail_with_two_probes),
        cmocka_unit_test(a_sidecar_with_a_ca_of_its_own),
        cmocka_unit_test(a_certificate_and_a_cluster_issuer_of_cert_manager),
        cmocka_unit_test(the_long_certificate_of_cert_manager),
        cmocka_unit_test(the_bootstrap_of_a_ca_by_a_self_signed_issuer),
        cmocka_unit_test(the_schema_written_out_in_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
