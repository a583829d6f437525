/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as the openssl command sees them: what a CA gets to know of a spec, and what not. */
#include "tests/unit/crypto_fixture.h"

static char *csr_text(const struct cert_params *p, const struct key *k)
{
    unsigned char *der = NULL;
    size_t len = 0;
    struct cl_err err = {0};
    int code = 0;
    char *path = scratch("request.der");

    if (csr_create(p, k, &der, &len, &err) < 0) {
        fail_msg("csr_create: %s", err.text);
    }
    write_file(path, der, len);
    char *args = cl_printf("req -inform DER -in %s -noout -text -verify", path);
    char *text = openssl(args, &code);
    assert_int_equal(code, 0); /* the signature is good, too */
    cl_free(args);
    cl_free(path);
    cl_free(der);
    return text;
}

static void acme_point_27_an_acme_request_has_the_names_and_nothing_else(void **state)
{
    (void)state;
    struct cert_spec s = spec_for("example.com *.example.com");
    struct cert_params p = {.spec = &s, .acme = true};
    struct key *k = a_key();

    names(&s.ip_addresses, "192.0.2.1 2001:db8::1");
    names(&s.uris, "https://example.com/x");
    names(&s.subject.organizations, "Example");
    names(&s.usages, "server auth");
    char *text = csr_text(&p, k);
    assert_has(text, "DNS:example.com, DNS:*.example.com, IP Address:192.0.2.1, "
                     "IP Address:2001:DB8:0:0:0:0:0:1");
    assert_has(text, "Subject: \n");
    assert_has_not(text, "URI:");
    assert_has_not(text, "Usage");
    cl_strv_deinit(&s.subject.organizations);
    cl_free(text);
    key_destroy(k);
    spec_free(&s);
}

static void a_request_to_a_ca_of_ones_own_has_all_that_the_spec_asks_for(void **state)
{
    (void)state;
    struct cert_spec s = spec_for("a.example.com");
    struct cert_params p = {.spec = &s};
    struct key *k = NULL;

    assert_int_equal(key_generate(KEY_RSA, 2048, &k, NULL), 0);
    s.common_name = cl_strdup("a.example.com");
    s.is_ca = true;
    names(&s.email_addresses, "ops@example.com");
    names(&s.subject.organizations, "Example,CN=evil");
    names(&s.subject.countries, "DE");
    names(&s.name_constraints.permitted.dns_domains, "example.com");
    names(&s.name_constraints.excluded.ip_ranges, "10.1.2.3/8");
    s.name_constraints.critical = true;
    char *text = csr_text(&p, k);
    assert_has(text, "Subject: C = DE, O = \"Example,CN=evil\", CN = a.example.com");
    assert_has(text, "email:ops@example.com");
    assert_has(text, "CA:TRUE");
    assert_has(text, "X509v3 Name Constraints: critical");
    assert_has(text, "DNS:example.com");
    assert_has(text, "IP:10.0.0.0/255.0.0.0");
    assert_has(text, "Certificate Sign");
    cl_strv_deinit(&s.subject.organizations);
    cl_strv_deinit(&s.subject.countries);
    cl_strv_deinit(&s.name_constraints.permitted.dns_domains);
    cl_strv_deinit(&s.name_constraints.excluded.ip_ranges);
    cl_free(text);
    key_destroy(k);
    spec_free(&s);
}

static void a_common_name_longer_than_64_bytes_is_left_out(void **state)
{
    (void)state;
    struct cert_spec s = {0};

    assert_null(cert_common_name(&s));
    s.common_name = cl_strdup("a234567890123456789012345678901234567890123456789012345.example.");
    assert_int_equal(strlen(s.common_name), 64);
    assert_string_equal(cert_common_name(&s), s.common_name);
    cl_free(s.common_name);
    s.common_name = cl_strdup("a2345678901234567890123456789012345678901234567890123456.example.");
    assert_null(cert_common_name(&s));
    spec_free(&s);
}

static void the_names_of_a_request_can_be_read_back(void **state)
{
    (void)state;
    struct cert_spec s = spec_for("b.example.com a.example.com");
    struct cert_params p = {.spec = &s, .acme = true};
    struct key *k = a_key();
    unsigned char *der = NULL;
    size_t len = 0;
    struct cl_strv dns = {0};
    struct cl_strv ip = {0};
    struct cl_err err = {0};

    names(&s.ip_addresses, "2001:db8::1");
    assert_int_equal(csr_create(&p, k, &der, &len, NULL), 0);
    assert_int_equal(csr_names(der, len, &dns, &ip, NULL), 0);
    assert_true(cl_strv_equal(&dns, &s.dns_names));
    assert_true(cl_strv_equal(&ip, &s.ip_addresses));
    cl_strv_deinit(&dns);
    cl_strv_deinit(&ip);
    assert_int_equal(csr_names(der, len - 1, &dns, &ip, &err), -1);
    assert_string_equal(err.reason, "InvalidCertificateRequest");
    cl_free(der);
    key_destroy(k);
    spec_free(&s);
}

static void an_unknown_usage_is_an_error(void **state)
{
    (void)state;
    struct cert_spec s = spec_for("example.com");
    struct key *k = a_key();
    struct cert_params p = {.spec = &s};
    unsigned char *der = NULL;
    size_t len = 0;
    struct cl_err err = {0};

    cl_strv_add(&s.usages, "flying");
    assert_int_equal(csr_create(&p, k, &der, &len, &err), -1);
    assert_string_equal(err.reason, "InvalidUsage");
    key_destroy(k);
    spec_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acme_point_27_an_acme_request_has_the_names_and_nothing_else),
        cmocka_unit_test(a_request_to_a_ca_of_ones_own_has_all_that_the_spec_asks_for),
        cmocka_unit_test(a_common_name_longer_than_64_bytes_is_left_out),
        cmocka_unit_test(the_names_of_a_request_can_be_read_back),
        cmocka_unit_test(an_unknown_usage_is_an_error),
    };

    return cmocka_run_group_tests(tests, crypto_make_dir, crypto_remove_dir);
}
