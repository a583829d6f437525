/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as the openssl command sees them, and chains as facts. Requests are in
 * test_crypto_csr.c, the guard is in test_crypto_guard.c. */
#include "tests/unit/crypto_fixture.h"

static char *cert_text(const char *pem)
{
    char *path = scratch("cert.pem");
    int code = 0;

    write_file(path, pem, strlen(pem));
    char *args = cl_printf("x509 -in %s -noout -text", path);
    char *text = openssl(args, &code);
    assert_int_equal(code, 0);
    cl_free(args);
    cl_free(path);
    return text;
}

static void every_word_for_a_usage_becomes_a_bit_or_an_identifier(void **state)
{
    (void)state;
    static const struct {
        const char *word, *text;
    } CASES[] = {
        {"signing", "Digital Signature"},
        {"digital signature", "Digital Signature"},
        {"content commitment", "Non Repudiation"},
        {"key encipherment", "Key Encipherment"},
        {"key agreement", "Key Agreement"},
        {"data encipherment", "Data Encipherment"},
        {"cert sign", "Certificate Sign"},
        {"crl sign", "CRL Sign"},
        {"encipher only", "Encipher Only"},
        {"decipher only", "Decipher Only"},
        {"any", "Any Extended Key Usage"},
        {"server auth", "TLS Web Server Authentication"},
        {"client auth", "TLS Web Client Authentication"},
        {"code signing", "Code Signing"},
        {"email protection", "E-mail Protection"},
        {"s/mime", "E-mail Protection"},
        {"ipsec end system", "IPSec End System"},
        {"ipsec tunnel", "IPSec Tunnel"},
        {"ipsec user", "IPSec User"},
        {"timestamping", "Time Stamping"},
        {"ocsp signing", "OCSP Signing"},
        {"microsoft sgc", "Microsoft Server Gated Crypto"},
        {"netscape sgc", "Netscape Server Gated Crypto"},
    };
    struct key *k = a_key();

    assert_int_equal(COUNT(CASES), 23);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cert_spec s = spec_for("example.com");
        cl_strv_add(&s.usages, CASES[i].word);
        char *pem = signed_by(NULL, NULL, &s, k, CL_DAY);
        char *text = cert_text(pem);
        assert_has(text, CASES[i].text);
        cl_free(text);
        cl_free(pem);
        spec_free(&s);
    }
    key_destroy(k);
}

static void a_signed_certificate_carries_what_verifiers_and_linters_expect(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    struct cl_strv crl = {0};
    struct cl_strv ocsp = {0};
    struct cl_strv issuing = {0};
    struct cl_buf pem;

    ca_init(&ca);
    names(&crl, "http://crl.example.com/1 http://crl.example.com/2");
    names(&ocsp, "http://ocsp.example.com");
    names(&issuing, "http://ca.example.com/ca.crt");
    struct cert_sign_params p = {.spec = &s,
                                 .subject_key = k,
                                 .issuer_key = ca.b_key,
                                 .issuer_pem = ca.b,
                                 .now = NOW,
                                 .duration = 90 * CL_DAY,
                                 .path_len = -1,
                                 .crl_distribution_points = &crl,
                                 .ocsp_servers = &ocsp,
                                 .issuing_certificate_urls = &issuing};
    cl_buf_init(&pem, 1 << 20);
    assert_int_equal(cert_sign(&p, &pem, NULL), 0);
    char *text = cert_text(pem.data);
    assert_has(text, "Version: 3");
    assert_has(text, "X509v3 Subject Alternative Name: critical"); /* there is no subject */
    assert_has(text, "Issuer: CN = int-b");
    assert_has(text, "CA:FALSE");
    assert_has(text, "Subject Key Identifier");
    assert_has(text, "Authority Key Identifier");
    assert_has(text, "URI:http://crl.example.com/1");
    assert_has(text, "URI:http://crl.example.com/2");
    assert_has(text, "OCSP - URI:http://ocsp.example.com");
    assert_has(text, "CA Issuers - URI:http://ca.example.com/ca.crt");
    assert_has(text, "Digital Signature, Key Encipherment");
    assert_has(text, "Not Before: Nov 24 11:55:00 2026 GMT");
    assert_has(text, "Not After : Feb 22 12:00:00 2027 GMT");
    cl_free(text);
    cl_buf_deinit(&pem);
    cl_strv_deinit(&crl);
    cl_strv_deinit(&ocsp);
    cl_strv_deinit(&issuing);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

static void openssl_verify_accepts_a_chain_of_four_with_every_key_kind(void **state)
{
    (void)state;
    static const struct {
        enum key_algorithm algorithm;
        long size;
    } KINDS[] = {{KEY_ECDSA, 256}, {KEY_ECDSA, 521}, {KEY_RSA, 2048}, {KEY_ED25519, 0}};
    struct test_ca ca;
    char *root = scratch("root.pem");
    char *rest = scratch("rest.pem");
    char *leaf = scratch("leaf.pem");

    ca_init(&ca);
    write_file(root, ca.root, strlen(ca.root));
    char *both = cl_printf("%s%s", ca.a, ca.b);
    write_file(rest, both, strlen(both));
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct cert_spec s = spec_for("example.com");
        struct key *k = NULL;
        int code = 0;
        assert_int_equal(key_generate(KINDS[i].algorithm, KINDS[i].size, &k, NULL), 0);
        char *pem = signed_by(ca.b, ca.b_key, &s, k, 90 * CL_DAY);
        write_file(leaf, pem, strlen(pem));
        char *args = cl_printf("verify -x509_strict -purpose any -attime %lld -CAfile %s "
                               "-untrusted %s %s",
                               (long long)(NOW / CL_SECOND), root, rest, leaf);
        char *out = openssl(args, &code);
        assert_int_equal(code, 0);
        assert_has(out, "OK");
        cl_free(out);
        cl_free(args);
        cl_free(pem);
        key_destroy(k);
        spec_free(&s);
    }
    cl_free(both);
    cl_free(root);
    cl_free(rest);
    cl_free(leaf);
    ca_deinit(&ca);
}

static void a_certificate_never_outlives_its_issuer(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    struct cert_facts leaf;
    struct cert_facts issuer;

    ca_init(&ca);
    char *pem = signed_by(ca.b, ca.b_key, &s, k, 5000 * CL_DAY);
    assert_int_equal(cert_parse_chain(pem, &leaf, NULL), 0);
    assert_int_equal(cert_parse_chain(ca.b, &issuer, NULL), 0);
    assert_int_equal(leaf.not_after, issuer.not_after);
    cert_facts_deinit(&leaf);
    cert_facts_deinit(&issuer);
    cl_free(pem);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

static void an_issuer_that_cannot_sign_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    struct cl_buf pem;
    struct cl_err err = {0};

    ca_init(&ca);
    char *leaf = signed_by(ca.b, ca.b_key, &s, k, CL_DAY);
    struct cert_sign_params p = {.spec = &s,
                                 .subject_key = k,
                                 .issuer_key = ca.a_key,
                                 .issuer_pem = ca.b,
                                 .now = NOW,
                                 .duration = CL_DAY,
                                 .path_len = -1};
    cl_buf_init(&pem, 1 << 20);
    assert_int_equal(cert_sign(&p, &pem, &err), -1);
    assert_string_equal(err.reason, "InvalidKeyPair");
    p.issuer_key = k;
    p.issuer_pem = leaf;
    assert_int_equal(cert_sign(&p, &pem, &err), -1);
    assert_string_equal(err.reason, "NotACA");
    p.issuer_key = ca.b_key;
    p.issuer_pem = ca.b;
    p.now = NOW + 501 * CL_DAY;
    assert_int_equal(cert_sign(&p, &pem, &err), -1);
    assert_string_equal(err.reason, "IssuerExpired");
    assert_int_equal(pem.len, 0);
    cl_free(leaf);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

static void a_self_signed_certificate_without_subject_takes_its_first_name(void **state)
{
    (void)state;
    struct key *k = a_key();
    struct cert_spec s = spec_for("first.example.com second.example.com");
    struct cert_facts f;

    char *pem = signed_by(NULL, NULL, &s, k, CL_DAY);
    assert_int_equal(cert_parse_chain(pem, &f, NULL), 0);
    assert_string_equal(f.subject, "CN=first.example.com");
    assert_string_equal(f.issuer, f.subject);
    assert_false(f.is_ca);
    cert_facts_deinit(&f);
    cl_free(pem);
    key_destroy(k);
    spec_free(&s);
}

static void serials_are_positive_random_and_at_most_20_octets(void **state)
{
    (void)state;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    char previous[64] = "";

    for (int i = 0; i < 50; i++) {
        struct cert_facts f;
        char *pem = signed_by(NULL, NULL, &s, k, CL_DAY);
        assert_int_equal(cert_parse_chain(pem, &f, NULL), 0);
        assert_in_range(strlen(f.serial), 30, 40);
        assert_true(f.serial[0] != '-');
        assert_true(strlen(f.serial) < 40 || f.serial[0] < '8');
        assert_string_not_equal(f.serial, previous);
        (void)cl_format(previous, sizeof(previous), "%s", f.serial);
        cert_facts_deinit(&f);
        cl_free(pem);
    }
    key_destroy(k);
    spec_free(&s);
}

static void the_facts_of_a_chain_are_what_was_put_in(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("Example.com *.example.com");
    struct cert_facts f;
    char spki[CL_SHA256_TEXT];

    ca_init(&ca);
    s.common_name = cl_strdup("example.com");
    names(&s.ip_addresses, "2001:DB8:0::1 192.0.2.1");
    names(&s.uris, "https://example.com/x");
    names(&s.email_addresses, "ops@example.com");
    char *pem = ca_issue(&ca, &s, k, 90 * CL_DAY);
    assert_int_equal(cert_parse_chain(pem, &f, NULL), 0);
    assert_int_equal(key_spki_sha256(k, spki, NULL), 0);
    assert_string_equal(f.spki_sha256, spki);
    assert_string_equal(f.common_name, "example.com");
    assert_string_equal(f.subject, "CN=example.com");
    assert_string_equal(f.issuer, "CN=int-b");
    assert_string_equal(f.dns_names.items[0], "example.com");
    assert_string_equal(f.dns_names.items[1], "*.example.com");
    assert_string_equal(f.ip_addresses.items[0], "2001:db8::1");
    assert_string_equal(f.ip_addresses.items[1], "192.0.2.1");
    assert_string_equal(f.uris.items[0], "https://example.com/x");
    assert_string_equal(f.email_addresses.items[0], "ops@example.com");
    assert_int_equal(f.not_before, NOW - 5 * CL_MINUTE);
    assert_int_equal(f.not_after, NOW + 90 * CL_DAY);
    assert_int_equal(f.chain_not_after, NOW + 500 * CL_DAY);
    assert_string_equal(f.key_algorithm, "ECDSA");
    assert_int_equal(f.key_size, 256);
    assert_int_equal(f.chain_length, 3);
    assert_false(f.is_ca);
    assert_int_equal(strlen(f.sha256), 64);
    assert_non_null(strchr(f.ari_cert_id, '.'));
    cert_facts_deinit(&f);
    cl_free(pem);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

/* The example certificate of RFC 9773 appendix A and the identifier printed there. */
static void the_ari_identifier_is_the_one_of_rfc_9773(void **state)
{
    (void)state;
    static const char PEM[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
                              "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
                              "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
                              "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
                              "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
                              "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
                              "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
                              "-----END CERTIFICATE-----\n";
    struct cert_facts f = {0};
    struct cl_err err = {0};

    if (cert_parse_chain(PEM, &f, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    assert_string_equal(f.ari_cert_id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    cert_facts_deinit(&f);
}

static void chains_that_are_none_are_refused_with_the_reason(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    struct cl_buf key_pem;

    ca_init(&ca);
    cl_buf_init_secret(&key_pem, 65536);
    assert_int_equal(key_to_pem(k, KEY_PKCS8, &key_pem, NULL), 0);
    char *leaf = signed_by(ca.b, ca.b_key, &s, k, CL_DAY);
    char *cut = cl_strndup(leaf, strlen(leaf) / 2);
    const struct {
        char *pem;
        const char *reason;
    } cases[] = {
        {cl_strdup(""), "InvalidCertificate"},
        {cl_strdup("hello"), "InvalidCertificate"},
        {cl_strdup(cut), "InvalidCertificate"},
        {cl_printf("%s%s", leaf, cut), "InvalidCertificate"},
        {cl_printf("%s%s", leaf, key_pem.data), "InvalidCertificate"},
        {cl_printf("%s%s", leaf, ca.a), "InvalidChain"},         /* a link is missing */
        {cl_printf("%s%s%s", leaf, ca.a, ca.b), "InvalidChain"}, /* wrong order */
        {cl_printf("%s%s", leaf, leaf), "InvalidChain"},         /* signed by itself: no */
        {cl_printf("%s%s%s%s%s%s%s%s%s%s%s", leaf, ca.b, ca.a, ca.root, ca.root, ca.root, ca.root,
                   ca.root, ca.root, ca.root, ca.root),
         "InvalidChain"}, /* eleven */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cert_facts f;
        struct cl_err err = {0};
        assert_int_equal(cert_parse_chain(cases[i].pem, &f, &err), -1);
        assert_string_equal(err.reason, cases[i].reason);
        cl_free(cases[i].pem);
    }
    cl_free(cut);
    cl_free(leaf);
    cl_buf_deinit(&key_pem);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

static void text_between_certificates_does_no_harm(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    struct cert_facts f;

    ca_init(&ca);
    char *leaf = signed_by(ca.b, ca.b_key, &s, k, CL_DAY);
    char *pem = cl_printf("subject=x\n%s\r\n\n# next\n%s", leaf, ca.b);
    assert_int_equal(cert_parse_chain(pem, &f, NULL), 0);
    assert_int_equal(f.chain_length, 2);
    cert_facts_deinit(&f);
    cl_free(pem);
    cl_free(leaf);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

static void a_chain_is_split_into_leaf_and_rest(void **state)
{
    (void)state;
    struct test_ca ca;
    struct key *k = a_key();
    struct cert_spec s = spec_for("example.com");
    char *leaf = NULL;
    char *rest = NULL;

    ca_init(&ca);
    char *pem = ca_issue(&ca, &s, k, CL_DAY);
    char *wanted = cl_printf("%s%s", ca.b, ca.a);
    assert_int_equal(cert_split_chain(pem, &leaf, &rest, NULL), 0);
    assert_true(cl_str_starts(pem, leaf));
    assert_string_equal(rest, wanted);
    cl_free(rest);
    char *alone = leaf;
    assert_int_equal(cert_split_chain(alone, &leaf, &rest, NULL), 0);
    assert_string_equal(leaf, alone);
    assert_string_equal(rest, "");
    assert_int_equal(cert_matches_key(pem, k, NULL), 0);
    struct cl_err err = {0};
    assert_int_equal(cert_matches_key(pem, ca.b_key, &err), -1);
    assert_string_equal(err.reason, "InvalidKeyPair");
    cl_free(alone);
    cl_free(leaf);
    cl_free(rest);
    cl_free(wanted);
    cl_free(pem);
    ca_deinit(&ca);
    key_destroy(k);
    spec_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_for_a_usage_becomes_a_bit_or_an_identifier),
        cmocka_unit_test(a_signed_certificate_carries_what_verifiers_and_linters_expect),
        cmocka_unit_test(openssl_verify_accepts_a_chain_of_four_with_every_key_kind),
        cmocka_unit_test(a_certificate_never_outlives_its_issuer),
        cmocka_unit_test(an_issuer_that_cannot_sign_is_refused_with_the_reason),
        cmocka_unit_test(a_self_signed_certificate_without_subject_takes_its_first_name),
        cmocka_unit_test(serials_are_positive_random_and_at_most_20_octets),
        cmocka_unit_test(the_facts_of_a_chain_are_what_was_put_in),
        cmocka_unit_test(the_ari_identifier_is_the_one_of_rfc_9773),
        cmocka_unit_test(chains_that_are_none_are_refused_with_the_reason),
        cmocka_unit_test(text_between_certificates_does_no_harm),
        cmocka_unit_test(a_chain_is_split_into_leaf_and_rest),
    };

    return cmocka_run_group_tests(tests, crypto_make_dir, crypto_remove_dir);
}
