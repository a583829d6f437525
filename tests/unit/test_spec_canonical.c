/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_canonical: one canonical form for each meaning, and back again. */
#include "spec/manifest.h"
#include "tests/unit/spec_fixture.h"

#include <jansson.h>

/* Everything that has a member, so that a row whose printing and reading differ is found. */
static const char FULL[] =
    "apiVersion: certloop/v1\nkind: Certificate\n"
    "metadata: {name: full, namespace: web, labels: {a: b, c: \"d\\n\\\"e\"}, annotations: {x: \"\"}}\n"
    "spec:\n  secretName: s\n  issuerRef: {name: i, kind: ClusterIssuer, group: certloop}\n"
    "  commonName: \"B\xC3\xBC"
    "cher \xF0\x9F\x94\x92\"\n  dnsNames: [z.example, a.example]\n"
    "  ipAddresses: [10.0.0.1]\n  uris: [a:b]\n  emailAddresses: [a@b.c]\n"
    "  subject: {organizations: [O], countries: [DE], organizationalUnits: [OU], localities: [L], "
    "provinces: [P], streetAddresses: [S], postalCodes: [\"12345\"], serialNumber: \"7\"}\n"
    "  duration: 36h\n  renewBefore: 90m\n  renewal: {policy: Disabled}\n  isCA: true\n"
    "  nameConstraints: {critical: true, permitted: {dnsDomains: [.x], ipRanges: [10.0.0.0/8], "
    "emailAddresses: [x.y], uriDomains: [u]}, excluded: {dnsDomains: [y]}}\n"
    "  usages: [any]\n"
    "  privateKey: {algorithm: RSA, size: 4096, encoding: PKCS1, rotationPolicy: Never}\n"
    "  additionalOutputFormats: [{type: CombinedPEM}]\n"
    "  outputs: [{directory: /etc/x/y, layout: Symlink, owner: o, group: g, mode: \"640\", certMode: "
    "\"0440\", allowWorldReadableKey: true, files: {b.pem: [key, ca], a.pem: {parts: chain, mode: "
    "\"444\"}}}]\n"
    "  hooks: [a, {name: b, timeout: 1m, retries: 0, coalesce: 2s, when: [Failed, Issued]}]\n"
    "  probes: [{connect: \":1\", serverName: x, timeout: 1s, within: 1s}]\n"
    "  solvers: [{selector: {matchLabels: {a: b}, dnsNames: [\"*.x\"], dnsZones: [y]}, http01: "
    "{webroot: /srv/x}, waitInsteadOfSelfCheck: 250ms}, {http01: {}}]\n"
    "  profile: p\n  preferredChain: {issuer: X}\n  allowSubsetOfNames: true\n"
    "  suspend: true\n  deletionPolicy: Delete\n  revisionHistoryLimit: 9\n"
    "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: compat}\n"
    "spec: {commonName: x, secretName: y}\n"
    "---\napiVersion: certloop/v1\nkind: ClusterIssuer\nmetadata: {name: acme}\n"
    "spec:\n  acme: {server: \"https://ca.example/d\", email: a@b.c, termsOfServiceAgreed: true, "
    "privateKeySecretRef: {name: k}, accountKeyAlgorithm: RSA, disableAccountKeyGeneration: true, "
    "caBundle: \"-----BEGIN CERTIFICATE-----\\n\", enableDurationFeature: true, rateLimits: None, "
    "retryAfter: EagerFirst, maxConnections: 2, maxOrders: 3, solvers: [{http01: {listen: "
    "\":1\"}}]}\n"
    "---\napiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: ca}\n"
    "spec: {ca: {secretName: s, crlDistributionPoints: [\"http://a\"], ocspServers: [\"http://b\"], "
    "issuingCertificateURLs: [\"http://c\"]}}\n"
    "---\napiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: root}\n"
    "spec: {ca: {generate: {commonName: R, duration: 30d, algorithm: Ed25519, nameConstraints: "
    "{excluded: {uriDomains: [x]}}}}}\n"
    "---\napiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: self}\n"
    "spec: {selfSigned: {crlDistributionPoints: [\"http://a\"]}}\n";

static void what_comes_back_is_equal_and_prints_the_same_bytes(void **state)
{
    struct parsed p = parse_ok(FULL, NULL, 6);

    (void)state;
    for (size_t i = 0; i < p.objects.len; i++) {
        char *text = object_to_canonical(p.objects.items[i]);
        struct object *back = NULL;
        struct cl_err err = {0};

        if (object_from_canonical(text, &back, &err) < 0) {
            fail_msg("%s: %s", text, err.text);
        }
        char *again = object_to_canonical(back);
        assert_string_equal(text, again);
        assert_string_equal(back->spec_hash, p.objects.items[i]->spec_hash);
        assert_string_equal(back->key, p.objects.items[i]->key);
        assert_int_equal(back->kind, p.objects.items[i]->kind);
        assert_int_equal(back->api, p.objects.items[i]->api);
        if (back->kind == SPEC_CERTIFICATE) {
            char *a = cert_request_json(back->cert);
            char *b = cert_request_json(p.objects.items[i]->cert);
            assert_string_equal(a, b);
            cl_free(a);
            cl_free(b);
        }
        cl_free(again);
        cl_free(text);
        object_destroy(back);
    }
    parsed_deinit(&p);
}

static void every_member_is_in_the_canonical_form(void **state)
{
    static const char *const MEMBERS[] = {
        "\"size\":4096",
        "\"critical\":true",
        "\"permitted\":{\"dnsDomains\":[\".x\"]",
        "\"keys\":[\"tls.key\",\"tls.crt\"]",
        "\"mode\":\"0640\"",
        "\"retries\":0",
        "\"when\":[\"Issued\",\"Failed\"]",
        "\"waitInsteadOfSelfCheck\":\"250ms\"",
        "\"policy\":\"Disabled\"",
        "\"renewBefore\":\"1h30m\"",
        "\"suspend\":true",
        "\"files\":{\"a.pem\":{\"mode\":\"0444\",\"parts\":[\"chain\"]},\"b.pem\"",
        "\"issuerRef\":{\"kind\":\"ClusterIssuer\",\"name\":\"i\"}",
        "\"http01\":{\"listen\":\"[::]:80\"}",
    };
    struct parsed p = parse_ok(FULL, NULL, 6);
    char *text = object_to_canonical(p.objects.items[0]);

    (void)state;
    for (size_t i = 0; i < COUNT(MEMBERS); i++) {
        if (strstr(text, MEMBERS[i]) == NULL) {
            fail_msg("%s\nnot in\n%s", MEMBERS[i], text);
        }
    }
    cl_free(text);
    parsed_deinit(&p);
}

static void hash_of(const char *text, char ret[CL_SHA256_TEXT])
{
    struct parsed p = parse_ok(text, NULL, 1);

    memcpy(ret, p.objects.items[0]->spec_hash, CL_SHA256_TEXT);
    parsed_deinit(&p);
}

static void the_hash_is_that_of_the_meaning(void **state)
{
    static const char *const SAME[] = {
        "apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: a}\nspec:\n"
        "  dnsNames: [a.b]\n  output: {directory: /etc/x/y, files: {a: key, b: cert}}\n",
        "# a comment\nkind: Certificate\napiVersion: certloop/v1\n"
        "metadata: {name: other, labels: {x: y}}\nspec:\n"
        "  outputs:\n  - files: {b: [cert], a: {parts: [key]}}\n    directory: //etc/x/y/\n"
        "  suspend: false\n  duration: 2160h\n  renewal: {policy: RenewBefore}\n"
        "  issuerRef: {name: letsencrypt, group: cert-manager.io}\n  uris: []\n  commonName: ~\n"
        "  privateKey: {size: 256, encoding: PKCS8, algorithm: ECDSA, rotationPolicy: Always}\n"
        "  usages: [digital signature, key encipherment]\n  revisionHistoryLimit: 3\n"
        "  deletionPolicy: Retain\n  dnsNames: [A.B, a.b]\n  mustStaple: false\n",
        "{\"apiVersion\":\"certloop/v1\",\"kind\":\"Certificate\",\"metadata\":{\"name\":\"a\"},"
        "\"spec\":{\"dnsNames\":[\"a.b\"],\"outputs\":[{\"directory\":\"/etc/x/y\",\"files\":{"
        "\"b\":\"cert\",\"a\":\"key\"}}]}}",
    };
    char first[CL_SHA256_TEXT], hash[CL_SHA256_TEXT];

    (void)state;
    hash_of(SAME[0], first);
    for (size_t i = 1; i < COUNT(SAME); i++) {
        hash_of(SAME[i], hash);
        assert_string_equal(hash, first);
    }
    hash_of("apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: a}\nspec:\n"
            "  dnsNames: [a.c]\n  output: {directory: /etc/x/y, files: {a: key, b: cert}}\n",
            hash);
    assert_string_not_equal(hash, first);
}

static void what_was_remembered_is_not_bound_by_a_new_configuration(void **state)
{
    struct config *config = config_of("  allowInlineHooks: true\n  outputRoots: [/tls]\n"
                                      "  webroots: [/www]\n  allowTakeOver: true\n");
    struct parsed p =
        parse_cert("  outputs: [{directory: /tls, takeOver: true}]\n  hooks: [{exec: [a]}]\n"
                   "  solvers: [{http01: {webroot: /www/x}}]\n",
                   config);
    char *text = object_to_canonical(p.objects.items[0]);
    struct object *back = NULL;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(object_from_canonical(text, &back, &err), 0);
    assert_string_equal(back->cert->outputs.items[0].directory, "/tls");
    object_destroy(back);
    object_destroy(NULL);
    cl_free(text);
    parsed_deinit(&p);
    config_destroy(config);
}

static void a_damaged_memory_is_an_error(void **state)
{
    static const struct {
        const char *text, *problem;
    } CASES[] = {
        {"", "remembered spec: expected one object"},
        {"{\"apiVersion\":", "remembered spec: not YAML"},
        {"{\"apiVersion\":\"certloop/v1\",\"kind\":\"Issuer\",\"metadata\":{\"name\":\"x\"},"
         "\"spec\":{\"selfSigned\":{},\"future\":1}}",
         "remembered spec: spec.future: unknown field"},
        {"{\"apiVersion\":\"cert-manager.io/v1\",\"kind\":\"Certificate\",\"metadata\":{\"name\":"
         "\"x\"},\"spec\":{\"secretTemplate\":{},\"commonName\":1}}",
         "remembered spec: spec.commonName: expected a string"},
        {"a: 1\n---\nb: 2\n", "remembered spec: expected one object"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct object *o = NULL;
        struct cl_err err = {0};

        assert_int_equal(object_from_canonical(CASES[i].text, &o, &err), -1);
        assert_null(o);
        assert_int_equal(err.kind, CL_ERR_SPEC);
        assert_string_equal(err.reason, "InvalidSpec");
        if (strstr(err.text, CASES[i].problem) == NULL) {
            fail_msg("%s", err.text);
        }
    }
}

static void yaml_for_people_means_the_same(void **state)
{
    struct parsed p = parse_ok(FULL, NULL, 6);

    (void)state;
    for (size_t i = 0; i < p.objects.len; i++) {
        char *text = object_to_yaml(p.objects.items[i]);
        struct parsed again = parse_ok(text, NULL, 1);
        char *a = object_to_canonical(p.objects.items[i]);
        char *b = object_to_canonical(again.objects.items[0]);

        assert_string_equal(a, b);
        cl_free(a);
        cl_free(b);
        cl_free(text);
        parsed_deinit(&again);
    }
    parsed_deinit(&p);
}

static void yaml_for_people_reads_well(void **state)
{
    struct parsed p = parse_ok("apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: \"on\"}\n"
                               "spec: {selfSigned: {}}\n---\n"
                               "apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: \"12\", "
                               "labels: {a: \"true\", b: \"x: y\", c: \"\"}}\n"
                               "spec: {ca: {secretName: s, ocspServers: [\"http://b\"]}}\n",
                               NULL, 2);
    char *a = object_to_yaml(p.objects.items[0]);
    char *b = object_to_yaml(p.objects.items[1]);

    (void)state;
    assert_string_equal(a, "apiVersion: certloop/v1\nkind: Issuer\nmetadata:\n  name: on\nspec:\n"
                           "  selfSigned: {}\n");
    assert_string_equal(b,
                        "apiVersion: certloop/v1\nkind: Issuer\nmetadata:\n  name: \"12\"\n"
                        "  labels:\n    a: \"true\"\n    b: \"x: y\"\n    c: \"\"\nspec:\n  ca:\n"
                        "    secretName: s\n    ocspServers:\n      - \"http://b\"\n");
    cl_free(a);
    cl_free(b);
    parsed_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back_is_equal_and_prints_the_same_bytes),
        cmocka_unit_test(every_member_is_in_the_canonical_form),
        cmocka_unit_test(the_hash_is_that_of_the_meaning),
        cmocka_unit_test(what_was_remembered_is_not_bound_by_a_new_configuration),
        cmocka_unit_test(a_damaged_memory_is_an_error),
        cmocka_unit_test(yaml_for_people_means_the_same),
        cmocka_unit_test(yaml_for_people_reads_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
