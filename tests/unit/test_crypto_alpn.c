/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of tls-alpn-01 as the openssl command sees it (RFC 8737 3, RFC 8738 6). */
#include "backends/crypto/cert_alpn.h"
#include "tests/unit/crypto_fixture.h"

static char *certificate_text(const char *identifier)
{
    struct cl_buf pem;
    struct cl_err err = {0};
    char *path = scratch("cert.pem");
    int code = 0;

    cl_buf_init_secret(&pem, 16384);
    assert_int_equal(cert_alpn_create(identifier, "token.thumbprint", NOW, &pem, &err), 0);
    write_file(path, pem.data, pem.len);
    char *args = cl_printf("x509 -in %s -noout -text", path);
    char *text = openssl(args, &code);
    assert_int_equal(code, 0);
    cl_free(args);
    cl_free(path);
    cl_buf_deinit(&pem);
    return text;
}

static void the_identifier_is_the_only_name_and_the_digest_is_critical(void **state)
{
    unsigned char digest[32];
    char hex[100] = "";
    (void)state;
    char *text = certificate_text("xn--bcher-kva.example");
    assert_has(text,
               "X509v3 Subject Alternative Name: \n                DNS:xn--bcher-kva.example\n");
    assert_has(text, "1.3.6.1.5.5.7.1.31: critical");
    assert_has(text, "Public Key Algorithm: id-ecPublicKey");
    assert_has(text, "ASN1 OID: prime256v1");
    assert_has(text, "Not Before: Nov 24 11:00:00 2026 GMT");
    assert_has_not(text, "Key Usage");
    /* 04 20: an OCTET STRING of 32 bytes; openssl shows bytes it does not know as dots */
    cl_sha256("token.thumbprint", 16, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        (void)snprintf(hex + i, 2, "%c",
                       (digest[i] >= ' ' && digest[i] <= '~') || digest[i] == '\n' ||
                               digest[i] == '\r'
                           ? (char)digest[i]
                           : '.');
    }
    char *shown = cl_printf(". %s", hex);
    assert_has(text, shown);
    cl_free(shown);
    cl_free(text);
}

static void an_address_is_an_address(void **state)
{
    (void)state;
    char *text = certificate_text("192.0.2.1");
    assert_has(text, "IP Address:192.0.2.1\n");
    assert_has_not(text, "DNS:");
    cl_free(text);
    text = certificate_text("2001:db8::1");
    assert_has(text, "IP Address:2001:DB8:0:0:0:0:0:1\n");
    cl_free(text);
}

static void an_address_is_never_the_common_name_of_an_acme_request(void **state)
{
    (void)state;
    struct cert_spec s = spec_for("a.example.com");
    struct cert_params p = {.spec = &s, .acme = true};
    struct key *k = a_key();
    static const char *const NAMES[] = {"192.0.2.1", "2001:db8::1"};

    names(&s.ip_addresses, "192.0.2.1 2001:db8::1");
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        unsigned char *der = NULL;
        size_t len = 0;
        int code = 0;
        char *path = scratch("request.der");
        s.common_name = cl_strdup(NAMES[i]);
        assert_int_equal(csr_create(&p, k, &der, &len, NULL), 0);
        write_file(path, der, len);
        char *args = cl_printf("req -inform DER -in %s -noout -subject", path);
        char *text = openssl(args, &code);
        assert_string_equal(text, "subject=\n");
        cl_free(text);
        cl_free(args);
        cl_free(path);
        cl_free(der);
        cl_free(s.common_name);
        s.common_name = NULL;
    }
    key_destroy(k);
    spec_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_identifier_is_the_only_name_and_the_digest_is_critical),
        cmocka_unit_test(an_address_is_an_address),
        cmocka_unit_test(an_address_is_never_the_common_name_of_an_acme_request),
    };
    return cmocka_run_group_tests(tests, crypto_make_dir, crypto_remove_dir);
}
