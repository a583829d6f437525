/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/manifest: the record of a revision, the recorded request and its differences. */
#include "spec/base/cl_alloc.h"
#include "spec/manifest.h"
#include "tests/unit/unit.h"

#include <string.h>

/* ---- request ---- */

static void a_spec(struct cert_spec *s)
{
    memset(s, 0, sizeof(*s));
    cl_strv_split(&s->dns_names, "b.example A.example b.example", " ");
    cl_strv_split(&s->usages, "server auth,digital signature", ",");
    s->common_name = cl_strdup("a.example");
    s->duration = 90 * CL_DAY;
    s->private_key.algorithm = KEY_ECDSA;
    s->private_key.size = 256;
}

static void free_spec(struct cert_spec *s)
{
    struct cl_strv *const lists[] = {
        &s->dns_names,         &s->usages,
        &s->ip_addresses,      &s->subject.organizations,
        &s->subject.countries, &s->name_constraints.permitted.dns_domains};

    for (size_t i = 0; i < COUNT(lists); i++) {
        cl_strv_deinit(lists[i]);
    }
    cl_free(s->common_name);
}

static void a_request_is_canonical_json_of_what_is_given(void **state)
{
    struct cert_spec s;

    (void)state;
    a_spec(&s);
    char *text = cert_request_json(&s);
    assert_string_equal(
        text, "{\"commonName\":\"a.example\",\"dnsNames\":[\"a.example\",\"b.example\"],"
              "\"duration\":\"90d\",\"privateKey\":{\"algorithm\":\"ECDSA\",\"size\":256},"
              "\"usages\":[\"digital signature\",\"server auth\"]}");
    cl_free(text);
    free_spec(&s);
}

static void the_order_of_names_does_not_make_another_request(void **state)
{
    struct cert_spec a;
    struct cert_spec b;

    (void)state;
    a_spec(&a);
    a_spec(&b);
    cl_strv_deinit(&b.dns_names);
    cl_strv_split(&b.dns_names, "a.example B.EXAMPLE", " ");
    char *x = cert_request_json(&a);
    char *y = cert_request_json(&b);
    assert_string_equal(x, y);
    assert_null(cert_request_diff(x, y));
    cl_free(x);
    cl_free(y);
    free_spec(&a);
    free_spec(&b);
}

static void differing_fields_are_named_as_in_the_spec(void **state)
{
    struct cert_spec a;
    struct cert_spec b;

    (void)state;
    a_spec(&a);
    a_spec(&b);
    cl_strv_add(&b.dns_names, "c.example");
    cl_strv_add(&b.ip_addresses, "2001:db8::1");
    cl_strv_add(&b.subject.organizations, "Example");
    cl_strv_add(&b.name_constraints.permitted.dns_domains, "example");
    b.duration = CL_DAY;
    b.is_ca = true;
    b.private_key.size = 384;
    char *x = cert_request_json(&a);
    char *y = cert_request_json(&b);
    char *forth = cert_request_diff(x, y);
    char *back = cert_request_diff(y, x);
    assert_string_equal(forth, "spec.dnsNames, spec.duration, spec.ipAddresses, spec.isCA, "
                               "spec.nameConstraints.permitted.dnsDomains, spec.privateKey.size, "
                               "spec.subject.organizations");
    assert_string_equal(back, forth);
    cl_free(x);
    cl_free(y);
    cl_free(forth);
    cl_free(back);
    free_spec(&a);
    free_spec(&b);
}

static void white_space_alone_is_no_difference(void **state)
{
    (void)state;
    assert_null(cert_request_diff("{\"a\": [1] }", "{\"a\":[1]}"));
    assert_null(cert_request_diff(NULL, NULL));
}

static void an_unreadable_request_differs_as_a_whole(void **state)
{
    static const char *const BAD[] = {"", "[]", "{", "{}{}", NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(BAD); i++) {
        char *text = cert_request_diff(BAD[i], "{}");

        assert_string_equal(text, "spec");
        cl_free(text);
    }
}

/* ---- manifest ---- */

static struct manifest *a_manifest(void)
{
    struct manifest *m = cl_new(struct manifest);

    m->schema = MANIFEST_SCHEMA;
    m->revision = 7;
    m->uid = cl_strdup("0198-uid");
    m->issuer_name = cl_strdup("letsencrypt");
    m->issuer_kind = cl_strdup("Issuer");
    m->issuer_identity = cl_strdup("acme:https://ca.example/dir");
    m->order_url = cl_strdup("https://ca.example/order/1");
    m->trigger = cl_strdup("Renewing");
    m->issued_at = INT64_C(1795516948000);
    (void)cl_sha256_hex("spec", 4, m->spec_hash);
    m->request = cl_strdup("{\"dnsNames\":[\"a.example\"]}");
    m->cert.serial = cl_strdup("04d1");
    m->cert.sha256 = cl_strdup("77e0");
    m->cert.spki_sha256 = cl_strdup("b0c4");
    m->cert.subject = cl_strdup("CN=a.example");
    m->cert.issuer = cl_strdup("CN=E7,O=Let's Encrypt,C=US");
    m->cert.common_name = cl_strdup("");
    cl_strv_add(&m->cert.dns_names, "a.example");
    m->cert.not_before = INT64_C(1795510000000);
    m->cert.not_after = INT64_C(1803286000000);
    m->cert.key_algorithm = cl_strdup("ECDSA");
    m->cert.key_size = 256;
    m->cert.chain_length = 2;
    m->cert.ari_cert_id = cl_strdup("aYhba4dGQEHhs3uEe6CuLN4ByNQ.BNE");
    return m;
}

static void a_manifest_survives_the_way_through_json(void **state)
{
    struct manifest *m = a_manifest();
    struct manifest *back = NULL;
    struct cl_err err;
    char *text = manifest_to_json(m);

    (void)state;
    assert_int_equal(manifest_from_json(text, &back, &err), 0);
    assert_int_equal(back->revision, 7);
    assert_string_equal(back->issuer_identity, m->issuer_identity);
    assert_null(back->account_url);
    assert_string_equal(back->order_url, m->order_url);
    assert_int_equal(back->issued_at, m->issued_at);
    assert_string_equal(back->spec_hash, m->spec_hash);
    assert_string_equal(back->request, m->request);
    assert_false(back->adopted);
    assert_string_equal(back->cert.serial, "04d1");
    assert_string_equal(back->cert.common_name, "");
    assert_true(cl_strv_equal(&back->cert.dns_names, &m->cert.dns_names));
    assert_int_equal(back->cert.not_after, m->cert.not_after);
    assert_int_equal(back->cert.key_size, 256);
    char *again = manifest_to_json(back);
    assert_string_equal(again, text);
    cl_free(again);
    cl_free(text);
    manifest_destroy(m);
    manifest_destroy(back);
    manifest_destroy(NULL);
}

static void an_adopted_pair_has_no_request(void **state)
{
    struct manifest *m = a_manifest();
    struct manifest *back = NULL;

    (void)state;
    cl_free(m->request);
    m->request = NULL;
    m->adopted = true;
    char *text = manifest_to_json(m);
    assert_int_equal(manifest_from_json(text, &back, NULL), 0);
    assert_true(back->adopted);
    assert_null(back->request);
    cl_free(text);
    manifest_destroy(m);
    manifest_destroy(back);
}

static void a_manifest_that_lacks_what_decisions_need_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } CASES[] = {
        {"", "line"},
        {"[]", "not an object"},
        {"{\"revision\":1,\"revision\":1}", "line"},
        {"{\"schema\":2}", "schema 2 is not known"},
        {"{\"schema\":-1}", "schema: not what belongs there"},
        {"{\"schema\":1,\"revision\":1}", "is missing"},
        {"{\"schema\":1,\"revision\":0,\"issuedAt\":\"2026-11-24T10:42:28Z\",\"certificate\":{}}",
         "is missing"},
        {"{\"schema\":1,\"revision\":1,\"issuedAt\":\"yesterday\",\"certificate\":{}}", "issuedAt"},
        {"{\"schema\":1,\"revision\":1,\"issuedAt\":\"2026-11-24T10:42:28Z\",\"certificate\":{"
         "\"dnsNames\":[1]}}",
         "dnsNames"},
        {"{\"schema\":1,\"revision\":1,\"issuedAt\":\"2026-11-24T10:42:28Z\",\"certificate\":{},"
         "\"request\":7}",
         "request"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct manifest *m = NULL;
        struct cl_err err;

        assert_int_equal(manifest_from_json(CASES[i].text, &m, &err), -1);
        assert_null(m);
        assert_non_null(strstr(err.text, CASES[i].why));
        assert_true(cl_str_starts(err.text, "manifest: "));
    }
}

static void copied_facts_are_independent(void **state)
{
    struct manifest *m = a_manifest();
    struct cert_facts copy;

    (void)state;
    cert_facts_copy(&copy, &m->cert);
    manifest_destroy(m);
    assert_string_equal(copy.serial, "04d1");
    assert_int_equal(copy.chain_length, 2);
    assert_int_equal(copy.dns_names.len, 1);
    cert_facts_deinit(&copy);
    cert_facts_deinit(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_canonical_json_of_what_is_given),
        cmocka_unit_test(the_order_of_names_does_not_make_another_request),
        cmocka_unit_test(differing_fields_are_named_as_in_the_spec),
        cmocka_unit_test(white_space_alone_is_no_difference),
        cmocka_unit_test(an_unreadable_request_differs_as_a_whole),
        cmocka_unit_test(a_manifest_survives_the_way_through_json),
        cmocka_unit_test(an_adopted_pair_has_no_request),
        cmocka_unit_test(a_manifest_that_lacks_what_decisions_need_is_refused),
        cmocka_unit_test(copied_facts_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
