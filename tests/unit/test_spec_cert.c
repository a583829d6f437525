/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_parse: what is wrong with a Certificate, and what the Configuration adds. */
#include "spec/spec_check.h"
#include "tests/unit/spec_fixture.h"

struct cert_case {
    const char *spec; /* from line 6, column 3 */
    const char *problems;
};

static void check_cases(const struct cert_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        expect_cert_problems(cases[i].spec, NULL, cases[i].problems);
    }
}

static void unknown_fields_are_errors_with_a_suggestion(void **state)
{
    static const struct cert_case CASES[] = {
        {"  dnsName: [a.b]\n", "6:3: spec.dnsName: unknown field; did you mean dnsNames?\n"},
        {"  quux: 1\n", "6:3: spec.quux: unknown field\n"},
        {"  <<: {suspend: true}\n", "6:3: spec.<<: unknown field\n"},
        {"  privateKey: {algo: RSA}\n", "6:16: spec.privateKey.algo: unknown field\n"},
        {"  privateKey: {rotationpolicy: Never}\n",
         "6:16: spec.privateKey.rotationpolicy: unknown field; did you mean rotationPolicy?\n"},
        {"  outputs: [{directory: /etc/x/y, \"a.b\": 1}]\n",
         "6:35: spec.outputs[0][\"a.b\"]: unknown field\n"},
    };

    (void)state;
    check_cases(CASES, COUNT(CASES));
}

static void values_of_the_wrong_type_are_errors(void **state)
{
    static const struct cert_case CASES[] = {
        {"  isCA: yes\n", "6:9: spec.isCA: expected true or false (YAML 1.2)\n"},
        {"  isCA: \"true\"\n", "6:9: spec.isCA: expected true or false (YAML 1.2)\n"},
        {"  isCA: [true]\n", "6:9: spec.isCA: expected true or false (YAML 1.2)\n"},
        {"  secretName: 12\n",
         "6:15: spec.secretName: expected a string; write it in quotes: \"12\"\n"},
        {"  secretName: {a: b}\n", "6:15: spec.secretName: expected a string\n"},
        {"  uris: a\n", "6:9: spec.uris: expected a list of strings\n"},
        {"  uris: [a:b, ~]\n", "6:15: spec.uris[1]: expected a string\n"},
        {"  uris: [\"\"]\n", "6:10: spec.uris[0]: must not be empty\n"},
        {"  duration: 90\n",
         "6:13: spec.duration: expected a duration such as 90d, 2160h or 1h30m\n"},
        {"  duration: soon\n",
         "6:13: spec.duration: expected a duration such as 90d, 2160h or 1h30m\n"},
        {"  revisionHistoryLimit: \"3\"\n",
         "6:25: spec.revisionHistoryLimit: expected a number without quotes\n"},
        {"  revisionHistoryLimit: {}\n", "6:25: spec.revisionHistoryLimit: expected a number\n"},
        {"  revisionHistoryLimit: 0\n",
         "6:25: spec.revisionHistoryLimit: 0 is not a number from 1 to 1000\n"},
        {"  revisionHistoryLimit: -1\n",
         "6:25: spec.revisionHistoryLimit: -1 is not a number from 1 to 1000\n"},
        {"  renewBeforePercentage: 100\n",
         "6:26: spec.renewBeforePercentage: 100 is not a number from 1 to 99\n"},
        {"  privateKey: RSA\n", "6:15: spec.privateKey: expected a mapping\n"},
        {"  privateKey: {algorithm: rsa}\n",
         "6:27: spec.privateKey.algorithm: \"rsa\" is not one of RSA, ECDSA, Ed25519; did you mean "
         "RSA?\n"},
        {"  privateKey: {algorithm: true}\n",
         "6:27: spec.privateKey.algorithm: expected a string; write it in quotes: \"true\"\n"},
        {"  usages: [server, any]\n",
         "6:12: spec.usages[0]: \"server\" is not one of signing, digital signature, content "
         "commitment, key encipherment, key agreement, data encipherment, cert sign, crl sign, "
         "encipher only, decipher only, any, server auth, client auth, code signing, email "
         "protection, s/mime, ipsec end system, ipsec tunnel, ipsec user, timestamping, ocsp "
         "signing, microsoft sgc, netscape sgc\n"},
        {"  outputs: [{}]\n", "6:13: spec.outputs[0].directory: required\n"},
        {"  outputs: [/etc/x]\n", "6:13: spec.outputs[0]: expected a mapping\n"},
        {"  solvers: {http01: {}}\n", "6:12: spec.solvers: expected a list\n"},
        {"  outputs: [{directory: /etc/x/y, files: [a]}]\n",
         "6:42: spec.outputs[0].files: expected a mapping\n"},
        {"  outputs: [{directory: /etc/x/y, files: {a: []}}]\n",
         "6:46: spec.outputs[0].files.a: must not be empty\n"},
        {"  outputs: [{directory: /etc/x/y, files: {a: {mode: \"0640\"}}}]\n",
         "6:46: spec.outputs[0].files.a.parts: required\n"},
        {"  outputs: [{directory: /etc/x/y, files: {a.pem: [key, key]}}]\n",
         "6:56: spec.outputs[0].files[\"a.pem\"][1]: key is given twice\n"},
        {"  outputs: [{directory: /etc/x/y, files: {a: privkey}}]\n",
         "6:46: spec.outputs[0].files.a: \"privkey\" is not one of cert, chain, fullchain, key, ca\n"},
        {"  outputs: [{directory: /etc/x/y, files: {a/b: key}}]\n",
         "6:43: spec.outputs[0].files.a/b: must be a file name: no slash, no leading dot "
         "(certloop's temporary files have one)\n"},
        {"  solvers: [{http01: {}, selector: {matchLabels: [a]}}]\n",
         "6:50: spec.solvers[0].selector.matchLabels: expected a mapping of strings\n"},
        {"  solvers: [{http01: {}, selector: {matchLabels: {a: 1}}}]\n",
         "6:54: spec.solvers[0].selector.matchLabels.a: expected a string; write it in quotes: "
         "\"1\"\n"},
    };

    (void)state;
    check_cases(CASES, COUNT(CASES));
}

static void what_has_no_effect_yet_is_refused_by_name(void **state)
{
    static const char *const FIELDS[] = {
        "fallbackIssuerRefs: [{name: x}]",
        "otherNames: [{oid: 1.2.3, utf8Value: x}]",
        "literalSubject: CN=x",
        "mustStaple: true",
        "issueTemporaryCertificate: true",
    };
    static const struct cert_case CASES[] = {
        {"  renewal: {policy: RenewBefore, windows: [{cron: \"0 2 * * *\"}]}\n",
         "6:44: spec.renewal.windows[0].windowDuration: required\n"},
        {"  renewal: {windows: [{cron: \"0 2 * *\", windowDuration: 3h}]}\n",
         "6:30: spec.renewal.windows[0].cron: must have five fields: minute, hour, day of the month, "
         "month, day of the week, such as \"0 2 * * mon-fri\"\n"},
        {"  renewal: {windows: [{cron: \"0 2 * * *\", windowDuration: 10s}]}\n",
         "6:59: spec.renewal.windows[0].windowDuration: must be from 1m to 31d\n"},
        {"  renewal: {windows: [{cron: \"0 2 * * *\", windowDuration: 1h, timezone: \"../x\"}]}\n",
         "6:73: spec.renewal.windows[0].timezone: must be a name of the tz database, such as "
         "Europe/Berlin, or UTC\n"},
        {"  renewal: {at: tomorrow}\n",
         "6:17: spec.renewal.at: must be a date and time as in RFC 3339, such as "
         "2026-12-01T02:00:00Z\n"},
        {"  renewal: {policy: Disabled, at: \"2026-12-01T02:00:00Z\"}\n",
         "6:35: spec.renewal.at: needs another renewal.policy than Disabled\n"},
        {"  privateKey: {fromFile: /etc/x}\n",
         "6:16: spec.privateKey.fromFile: not supported by this version of certloop\n"},
        {"  keystores: {jks: {create: true}}\n",
         "6:21: spec.keystores.jks.create: not supported by this version of certloop\n"},
        {"  secretName: x\n  additionalOutputFormats: [{type: DER}]\n",
         "7:36: spec.additionalOutputFormats[0].type: DER is not supported by this version of "
         "certloop\n"},
        {"  outputs: [{directory: /etc/x/y, metadataFile: true, files: {a: {parts: key, format: "
         "PKCS12, passwordRef: {name: x}}}}]\n",
         "6:35: spec.outputs[0].metadataFile: not supported by this version of certloop\n"
         "6:87: spec.outputs[0].files.a.format: PKCS12 is not supported by this version of certloop\n"
         "6:95: spec.outputs[0].files.a.passwordRef: not supported by this version of certloop\n"},
        {"  outputs: [{directory: /etc/x/y, include: [tls.crt]}]\n",
         "6:35: spec.outputs[0].include: list the files under files: {NAME: PARTS}\n"},
        {"  deletionPolicy: Revoke\n",
         "6:19: spec.deletionPolicy: Revoke is not supported by this version of certloop\n"},
        {"  signatureAlgorithm: SHA384WithRSA\n",
         "6:23: spec.signatureAlgorithm: not supported by this version of certloop, except "
         "ECDSAWithSHA256, which is what this key implies\n"},
        {"  hooks: [{name: a, http: {url: x}}, {name: b, haproxy: {}}, {name: c, copy: [x]}]\n",
         "6:21: spec.hooks[0].http: not supported by this version of certloop\n"
         "6:72: spec.hooks[2].copy: not supported by this version of certloop\n"},
        {"  solvers: [{tlsalpn01: {listen: x}}, {http01: {}, selfCheck: {mode: Recursive, timeout: "
         "5m}}]\n",
         "6:34: spec.solvers[0].tlsalpn01.listen: expected ADDRESS:PORT such as \"[::]:80\", "
         "\"0.0.0.0:80\" or \"127.0.0.1:5002\"\n"
         "6:63: spec.solvers[1].selfCheck: with http01 there is mode: None only\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(FIELDS); i++) {
        char *spec = cl_printf("  %s\n", FIELDS[i]);
        char *expected = cl_printf("6:3: spec.%.*s: not supported by this version of certloop\n",
                                   (int)strcspn(FIELDS[i], ":"), FIELDS[i]);

        expect_cert_problems(spec, NULL, expected);
        cl_free(spec);
        cl_free(expected);
    }
    check_cases(CASES, COUNT(CASES));
}

static void a_signature_algorithm_is_accepted_if_the_key_implies_it(void **state)
{
    static const char *const SPECS[] = {
        "  signatureAlgorithm: ECDSAWithSHA256\n",
        "  signatureAlgorithm: ECDSAWithSHA512\n  privateKey: {size: 521}\n",
        "  signatureAlgorithm: PureEd25519\n  privateKey: {algorithm: Ed25519}\n",
        "  signatureAlgorithm: SHA256WithRSA\n  privateKey: {algorithm: RSA}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(SPECS); i++) {
        struct parsed p = parse_cert(SPECS[i], NULL);
        parsed_deinit(&p);
    }
}

static void fields_are_checked_against_each_other(void **state)
{
    static const struct cert_case CASES[] = {
        {"  duration: 59m\n", "6:13: spec.duration: must be at least 1h\n"},
        {"  duration: 40000d\n", "6:13: spec.duration: longer than a hundred years\n"},
        {"  renewBefore: 1m\n", "6:16: spec.renewBefore: must be at least 5m\n"},
        {"  renewBefore: 90d\n",
         "6:16: spec.renewBefore: must be shorter than spec.duration (90d)\n"},
        {"  renewBefore: 1h\n  renewBeforePercentage: 30\n",
         "7:26: spec.renewBeforePercentage: give this or renewBefore, not both\n"},
        {"  nameConstraints: {permitted: {dnsDomains: [a.b]}}\n",
         "6:20: spec.nameConstraints: needs isCA: true\n"},
        {"  privateKey: {algorithm: RSA, size: 1024}\n",
         "6:38: spec.privateKey.size: 1024: an RSA key has 2048 to 8192 bits\n"},
        {"  privateKey: {algorithm: RSA, size: 2049}\n",
         "6:38: spec.privateKey.size: 2049 is not a multiple of 8\n"},
        {"  privateKey: {size: 4096}\n",
         "6:22: spec.privateKey.size: 4096: an ECDSA key has 256, 384 or 521 bits; did you mean "
         "algorithm: RSA?\n"},
        {"  privateKey: {algorithm: Ed25519, encoding: PKCS1}\n",
         "6:46: spec.privateKey.encoding: an Ed25519 key has the form PKCS8 only\n"},
        {"  additionalOutputFormats: [{type: CombinedPEM}]\n",
         "6:28: spec.additionalOutputFormats: needs secretName; under outputs say files: "
         "{tls-combined.pem: [key, fullchain]}\n"},
        {"  secretName: x\n  additionalOutputFormats: [{type: CombinedPEM}, {type: CombinedPEM}]\n",
         "7:50: spec.additionalOutputFormats[1]: CombinedPEM is given twice\n"},
        {"  output: {directory: /etc/x/y}\n  outputs: []\n",
         "7:3: spec.outputs: given twice: outputs and output are the same\n"},
        {"  outputs: [{directory: /etc/x/y}, {directory: /etc/x/y/}]\n",
         "6:36: spec.outputs[1]: the directory is that of outputs[0]; give its files in one entry\n"},
        {"  solvers: [{}]\n",
         "6:13: spec.solvers[0]: a solver needs http01, as in http01: {listen: \"[::]:80\"}, "
         "tlsalpn01 or dns01\n"},
        {"  solvers: [{tlsalpn01: {}, http01: {}}, {tlsalpn01: {listen: \":443\", unixSocket: "
         "/run/x}}]\n",
         "6:13: spec.solvers[0]: give one of http01, tlsalpn01 and dns01\n"
         "6:54: spec.solvers[1].tlsalpn01: give one of listen and unixSocket\n"},
        {"  solvers: [{tlsalpn01: {unixSocket: /mnt/x}}, {tlsalpn01: {}, selfCheck: {mode: DoH}}]\n",
         "6:38: spec.solvers[0].tlsalpn01.unixSocket: /mnt/x is not below one of the Configuration's "
         "outputRoots\n"
         "6:75: spec.solvers[1].selfCheck: with tlsalpn01 there is mode: None only\n"},
        {"  solvers: [{http01: {listen: \":80\", webroot: /srv/x}}]\n",
         "6:22: spec.solvers[0].http01: give one of listen, webroot and unixSocket\n"},
        {"  solvers: [{http01: {ingress: {}}}]\n",
         "6:23: spec.solvers[0].http01.ingress: works in Kubernetes only; use listen, webroot or "
         "unixSocket\n"},
    };

    (void)state;
    check_cases(CASES, COUNT(CASES));
    expect_problems("apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: x}\n"
                    "spec: {dnsNames: [], commonName: \"\"}\n",
                    NULL,
                    "4:7: spec: a certificate needs a name: give dnsNames, ipAddresses, uris, "
                    "emailAddresses or commonName\n");
}

static void hooks_are_named_unless_the_configuration_allows_more(void **state)
{
    static const struct cert_case CASES[] = {
        {"  hooks: [{exec: [a]}]\n",
         "6:11: spec.hooks[0]: what a hook does is defined in the Configuration and named here; a "
         "spec of its own needs allowInlineHooks: true there\n"},
        {"  hooks: [{}]\n",
         "6:11: spec.hooks[0]: needs the name of a hook of the Configuration, or "
         "one of exec, signal and systemd\n"},
        {"  hooks: [{name: a, user: root}]\n",
         "6:21: spec.hooks[0].user: only a hook of the Configuration can run as another user\n"},
        {"  hooks: [{name: a, on: [Issued]}]\n", "6:21: spec.hooks[0].on: is called when\n"},
        {"  hooks: [{name: a, true: [Issued]}]\n",
         "6:21: spec.hooks[0].true: key `on` was turned into a boolean by a YAML 1.1 tool; write "
         "when\n"},
        {"  hooks: [{name: a, when: []}]\n",
         "6:27: spec.hooks[0].when: expected a list of words\n"},
        {"  hooks: [{name: a, when: [Isued]}]\n",
         "6:28: spec.hooks[0].when[0]: \"Isued\" is not one of Issued, OutputChanged, Failed; did "
         "you mean Issued?\n"},
        {"  hooks: [{name: a, timeout: 0s}]\n",
         "6:30: spec.hooks[0].timeout: must be longer than 0s\n"},
        {"  hooks: [../x]\n", "6:11: spec.hooks[0]: must be a plain name: letters, digits, '.', "
                              "'_', '-', '@'\n"},
    };
    struct config *open = config_of("  allowInlineHooks: true\n");
    struct parsed p = parse_cert("  hooks: [{name: a, exec: [b, c]}]\n", open);

    (void)state;
    assert_string_equal(p.objects.items[0]->cert->hooks.items[0].exec.items[1], "c");
    parsed_deinit(&p);
    expect_cert_problems("  hooks: [{exec: [a], signal: {pidFile: /run/x}}]\n", open,
                         "6:11: spec.hooks[0]: give one of exec, signal and systemd\n");
    expect_cert_problems("  hooks: [{signal: {signal: SIGHUP}}]\n", open,
                         "6:11: spec.hooks[0]: needs the name of a hook of the Configuration, or "
                         "one of exec, signal and systemd\n"
                         "6:20: spec.hooks[0].signal.pidFile: required\n"
                         "6:29: spec.hooks[0].signal.signal: \"SIGHUP\" is not one of HUP, INT, "
                         "QUIT, USR1, USR2, TERM, WINCH\n");
    config_destroy(open);
    p = parse_cert("  hooks: one\n", NULL);
    assert_int_equal(p.objects.items[0]->cert->hooks.len, 1);
    parsed_deinit(&p);
    check_cases(CASES, COUNT(CASES));
}

static void outputs_stay_where_the_configuration_allows_them(void **state)
{
    static const struct {
        const char *directory, *problem;
    } CASES[] = {
        {"/tmp/x", "/tmp/x is not below one of the Configuration's outputRoots"},
        {"/etc", "/etc is not below one of the Configuration's outputRoots"},
        {"/etcx/y", "/etcx/y is not below one of the Configuration's outputRoots"},
        {"/etc/sudoers.d", "programs of the system read the files in sudoers.d; outputs do not go "
                           "there"},
        {"/etc/cron.daily/x", "programs of the system read the files in cron.daily; outputs do "
                              "not go there"},
        {"/etc/systemd/system", "programs of the system read the files in systemd; outputs do not "
                                "go there"},
        {"/etc/ssh", "programs of the system read the files in ssh; outputs do not go there"},
        {"/var/../etc/x", "must not have \".\" or \"..\" in it"},
    };
    struct config *tls = config_of("  outputRoots: [/tls]\n  secretRoots: [/tls/secret]\n"
                                   "  hookDirectories: [/tls/hooks]\n");
    struct config *root = config_of("  outputRoots: [/]\n");

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *spec = cl_printf("  outputs: [{directory: %s}]\n", CASES[i].directory);
        char *expected = cl_printf("6:25: spec.outputs[0].directory: %s\n", CASES[i].problem);

        expect_cert_problems(spec, NULL, expected);
        cl_free(spec);
        cl_free(expected);
    }
    expect_cert_problems("  output: {directory: /tmp/x}\n", NULL,
                         "6:23: spec.outputs[0].directory: /tmp/x is not below one of the "
                         "Configuration's outputRoots\n");
    struct parsed p = parse_cert("  outputs: [{directory: /tls}]\n", tls);
    parsed_deinit(&p);
    expect_cert_problems("  outputs: [{directory: /etc/x}]\n", tls,
                         "6:25: spec.outputs[0].directory: /etc/x is not below one of the "
                         "Configuration's outputRoots\n");
    expect_cert_problems(
        "  outputs: [{directory: /tls/hooks}, {directory: /tls/secret/x}]\n", tls,
        "6:25: spec.outputs[0].directory: /tls/hooks is a directory of hooks; "
        "outputs do not go there\n"
        "6:50: spec.outputs[1].directory: /tls/secret/x is a directory of secrets; "
        "outputs do not go there\n");
    expect_cert_problems("  outputs: [{directory: /etc}]\n", root,
                         "6:25: spec.outputs[0].directory: /etc is not below one of the "
                         "Configuration's outputRoots\n");
    expect_cert_problems("  outputs: [{directory: /etc/x, takeOver: true}]\n", tls,
                         "6:25: spec.outputs[0].directory: /etc/x is not below one of the "
                         "Configuration's outputRoots\n"
                         "6:43: spec.outputs[0].takeOver: needs allowTakeOver: true in the "
                         "Configuration\n");
    config_destroy(tls);
    config_destroy(root);
}

static void modes_never_give_more_than_was_asked_for(void **state)
{
    static const struct cert_case CASES[] = {
        {"  outputs: [{directory: /etc/x/y, mode: \"0644\"}]\n",
         "6:41: spec.outputs[0].mode: 0644 lets everybody read the key; if that is meant, add "
         "allowWorldReadableKey: true\n"},
        {"  outputs: [{directory: /etc/x/y, mode: \"0666\", allowWorldReadableKey: true}]\n",
         "6:41: spec.outputs[0].mode: 0666 lets everybody write\n"},
        {"  outputs: [{directory: /etc/x/y, certMode: \"0646\"}]\n",
         "6:45: spec.outputs[0].certMode: 0646 lets everybody write\n"},
        {"  outputs: [{directory: /etc/x/y, mode: \"4755\"}]\n",
         "6:41: spec.outputs[0].mode: set-id and sticky bits are not allowed\n"},
        {"  outputs: [{directory: /etc/x/y, mode: 0640}]\n",
         "6:41: spec.outputs[0].mode: expected a string; write it in quotes: \"0640\"\n"},
        {"  outputs: [{directory: /etc/x/y, files: {a.pem: {parts: [cert, key], mode: \"0644\"}, b: "
         "{parts: cert, mode: \"0644\"}, c: {parts: cert, mode: \"0646\"}}}]\n",
         "6:77: spec.outputs[0].files[\"a.pem\"].mode: 0644 lets everybody read the key; if that is "
         "meant, add allowWorldReadableKey: true\n"
         "6:141: spec.outputs[0].files[\"c\"].mode: 0646 lets everybody write\n"},
    };

    (void)state;
    check_cases(CASES, COUNT(CASES));
}

static void webroots_and_sockets_stay_where_the_configuration_allows_them(void **state)
{
    struct config *none = config_of("  webroots: []\n  outputRoots: [/tls]\n");

    (void)state;
    expect_cert_problems("  solvers: [{http01: {webroot: /etc/nginx}}]\n", NULL,
                         "6:32: spec.solvers[0].http01.webroot: /etc/nginx is not below a webroot "
                         "that the Configuration allows (/var/www, /srv, /usr/share/nginx, "
                         "/var/lib/certloop/webroot)\n");
    expect_cert_problems("  solvers: [{http01: {webroot: /srv/x}}]\n", none,
                         "6:32: spec.solvers[0].http01.webroot: /srv/x is not below a webroot that "
                         "the Configuration allows (none)\n");
    expect_cert_problems("  solvers: [{http01: {unixSocket: /run/x}}]\n", none,
                         "6:35: spec.solvers[0].http01.unixSocket: /run/x is not below one of the "
                         "Configuration's outputRoots\n");
    config_destroy(none);
}

static void defaults_of_the_configuration_fill_what_is_left_open(void **state)
{
    struct config *config = config_of("  defaults:\n"
                                      "    issuerRef: {name: internal, kind: ClusterIssuer}\n"
                                      "    privateKey: {algorithm: RSA, size: 3072, encoding: "
                                      "PKCS1, rotationPolicy: Never}\n"
                                      "    solvers: [{http01: {webroot: /anywhere}}]\n"
                                      "    hooks: [log, reload-nginx]\n"
                                      "    outputs: {owner: root, group: tls, mode: \"0640\"}\n");
    struct parsed p = parse_cert("  output: {directory: /etc/x/y, owner: web}\n"
                                 "  hooks: [{name: reload-nginx, retries: 1}]\n",
                                 config);
    const struct cert_spec *s = p.objects.items[0]->cert;
    char hash[CL_SHA256_TEXT];

    (void)state;
    assert_string_equal(s->issuer_ref.name, "internal");
    assert_string_equal(s->issuer_ref.kind, "ClusterIssuer");
    assert_int_equal(s->private_key.algorithm, KEY_RSA);
    assert_int_equal(s->private_key.size, 3072);
    assert_int_equal(s->private_key.encoding, KEY_PKCS1);
    assert_int_equal(s->private_key.rotation_policy, ROTATE_NEVER);
    assert_string_equal(s->solvers.items[0].http01.webroot, "/anywhere");
    assert_int_equal(s->hooks.len, 2);
    assert_string_equal(s->hooks.items[0].name, "log");
    assert_int_equal(s->hooks.items[1].retries, 1);
    assert_string_equal(s->outputs.items[0].owner, "web");
    assert_string_equal(s->outputs.items[0].group, "tls");
    assert_string_equal(s->outputs.items[0].mode, "0640");
    memcpy(hash, p.objects.items[0]->spec_hash, sizeof(hash));
    parsed_deinit(&p);
    p = parse_cert("  output: {directory: /etc/x/y, owner: web}\n"
                   "  hooks: [{name: reload-nginx, retries: 1}]\n",
                   NULL);
    assert_string_not_equal(p.objects.items[0]->spec_hash, hash);
    parsed_deinit(&p);
    p = parse_cert("  privateKey: {size: 384, rotationPolicy: Always, encoding: PKCS8}\n"
                   "  issuerRef: {name: other}\n  solvers: [{http01: true}]\n",
                   config);
    s = p.objects.items[0]->cert;
    assert_int_equal(s->private_key.algorithm, KEY_ECDSA);
    assert_int_equal(s->private_key.size, 384);
    assert_int_equal(s->private_key.encoding, KEY_PKCS8);
    assert_int_equal(s->private_key.rotation_policy, ROTATE_ALWAYS);
    assert_string_equal(s->issuer_ref.name, "other");
    assert_null(s->issuer_ref.kind);
    assert_string_equal(s->solvers.items[0].http01.listen, "[::]:80");
    parsed_deinit(&p);
    config_destroy(config);
}

static void names_are_normalised_and_repeated_ones_dropped(void **state)
{
    struct parsed p =
        parse_ok("apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: x}\nspec:\n"
                 "  dnsNames: [WWW.example.com, a.example.com, www.EXAMPLE.com]\n"
                 "  ipAddresses: [\"2001:DB8::1\", \"2001:db8:0::1\", 10.0.0.1]\n",
                 NULL, 1);
    const struct cert_spec *s = p.objects.items[0]->cert;

    (void)state;
    assert_int_equal(s->dns_names.len, 2);
    assert_string_equal(s->dns_names.items[0], "www.example.com");
    assert_int_equal(s->ip_addresses.len, 2);
    assert_string_equal(s->ip_addresses.items[0], "2001:db8::1");
    assert_int_equal(s->usages.len, 2);
    parsed_deinit(&p);
}

static void an_acme_issuer_says_what_it_could_not_honour(void **state)
{
    static const struct {
        const char *spec, *problem;
    } CASES[] = {
        {"  isCA: true\n", "spec.isCA"},
        {"  uris: [a:b]\n", "spec.uris"},
        {"  emailAddresses: [a@b.c]\n", "spec.emailAddresses"},
        {"  commonName: other.example\n", "spec.commonName: other.example is none of"},
        {"  commonName: 10.0.0.1\n", "spec.commonName"},
        {"  commonName: Example Inc\n", "spec.commonName"},
        {"  commonName: EXAMPLE.com\n", NULL},
        {"  commonName: 10.0.0.1\n  ipAddresses: [10.0.0.1]\n  solvers: [{http01: {}}]\n", NULL},
        {"  ipAddresses: [10.0.0.1]\n  solvers: [{tlsalpn01: {}}]\n", NULL},
        {"  ipAddresses: [10.0.0.1]\n",
         "spec.ipAddresses: 10.0.0.1: an IP address is proved by a http01 or tlsalpn01 solver"},
        {"", NULL},
    };
    static const struct {
        const char *names, *problem;
    } NAMES[] = {
        {"\"*.example.com\", www.example.com", "RedundantName: spec.dnsNames: www.example.com"},
        {"\"*.example.com\", example.com", "a wildcard needs a dns01 solver"},
        {"\"*.example.com\", a.b.example.com", "a wildcard needs a dns01 solver"},
        {"a.example.com, b.example.com, localhost", NULL},
    };
    char problem[300];

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct parsed p = parse_cert(CASES[i].spec, NULL);
        bool found =
            cert_spec_acme_problem(p.objects.items[0]->cert, NULL, problem, sizeof(problem));

        assert_int_equal(found, CASES[i].problem != NULL);
        assert_true(!found || strstr(problem, CASES[i].problem) != NULL);
        parsed_deinit(&p);
    }
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        char *text = cl_printf("apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: x}\n"
                               "spec: {dnsNames: [%s]}\n",
                               NAMES[i].names);
        struct parsed p = parse_ok(text, NULL, 1);
        bool found =
            cert_spec_acme_problem(p.objects.items[0]->cert, NULL, problem, sizeof(problem));

        assert_int_equal(found, NAMES[i].problem != NULL);
        assert_true(!found || strstr(problem, NAMES[i].problem) != NULL);
        parsed_deinit(&p);
        cl_free(text);
    }
    struct parsed p = parse_ok("apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: x}\n"
                               "spec: {commonName: example.com}\n",
                               NULL, 1);
    assert_true(cert_spec_acme_problem(p.objects.items[0]->cert, NULL, problem, sizeof(problem)));
    assert_non_null(strstr(problem, "at least one name"));
    parsed_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_fields_are_errors_with_a_suggestion),
        cmocka_unit_test(values_of_the_wrong_type_are_errors),
        cmocka_unit_test(what_has_no_effect_yet_is_refused_by_name),
        cmocka_unit_test(a_signature_algorithm_is_accepted_if_the_key_implies_it),
        cmocka_unit_test(fields_are_checked_against_each_other),
        cmocka_unit_test(hooks_are_named_unless_the_configuration_allows_more),
        cmocka_unit_test(outputs_stay_where_the_configuration_allows_them),
        cmocka_unit_test(modes_never_give_more_than_was_asked_for),
        cmocka_unit_test(webroots_and_sockets_stay_where_the_configuration_allows_them),
        cmocka_unit_test(defaults_of_the_configuration_fill_what_is_left_open),
        cmocka_unit_test(names_are_normalised_and_repeated_ones_dropped),
        cmocka_unit_test(an_acme_issuer_says_what_it_could_not_honour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
