/* SPDX-License-Identifier: Apache-2.0 */
/* The guard between a CA and the archive: what was asked for passes, everything else is BadResult with
 * a reason of its own. */
#include "tests/unit/crypto_fixture.h"

struct guarded {
    struct test_ca ca;
    struct key *k;
    struct cert_spec spec;
};

static int guard_setup(void **state)
{
    struct guarded *g = cl_new(struct guarded);

    ca_init(&g->ca);
    g->k = a_key();
    g->spec = spec_for("example.com *.example.com");
    *state = g;
    return 0;
}

static int guard_teardown(void **state)
{
    struct guarded *g = *state;

    ca_deinit(&g->ca);
    key_destroy(g->k);
    spec_free(&g->spec);
    cl_free(g);
    return 0;
}

static void assert_refused(const struct guarded *g, const char *pem, cl_time now,
                           const char *reason)
{
    struct cert_facts f = {0};
    struct cl_err err = {0};

    assert_int_equal(cert_guard(pem, &g->spec, g->k, now, &f, &err), -1);
    assert_string_equal(err.reason, reason);
    assert_int_equal(err.kind, CL_ERR_BAD_RESULT);
    assert_null(f.serial);
}

static void the_guard_lets_the_wanted_certificate_pass(void **state)
{
    struct guarded *g = *state;
    struct cert_facts f = {0};
    struct cl_err err = {0};
    struct cert_spec other = spec_for("*.EXAMPLE.com example.com");

    char *pem = ca_issue(&g->ca, &other, g->k, 90 * CL_DAY);
    if (cert_guard(pem, &g->spec, g->k, NOW, &f, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    assert_int_equal(f.chain_length, 3);
    cert_facts_deinit(&f);
    cl_free(pem);
    spec_free(&other);
}

static void the_guard_refuses_another_key(void **state)
{
    struct guarded *g = *state;
    char *pem = ca_issue(&g->ca, &g->spec, g->ca.a_key, CL_DAY);

    assert_refused(g, pem, NOW, "WrongKey");
    cl_free(pem);
}

static void the_guard_refuses_fewer_more_and_other_names(void **state)
{
    struct guarded *g = *state;
    static const char *const CASES[] = {"example.com", "example.com *.example.com x.example.com",
                                        "example.com *.example.org", ""};

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cert_spec other = spec_for(CASES[i]);
        other.common_name = cl_strdup("example.com");
        char *pem = ca_issue(&g->ca, &other, g->k, CL_DAY);
        assert_refused(g, pem, NOW, "WrongNames");
        cl_free(pem);
        spec_free(&other);
    }
    struct cert_spec other = spec_for("example.com *.example.com");
    names(&other.uris, "https://example.com/");
    char *pem = ca_issue(&g->ca, &other, g->k, CL_DAY);
    assert_refused(g, pem, NOW, "WrongNames");
    cl_free(pem);
    spec_free(&other);
}

static void the_guard_compares_addresses_not_their_spelling(void **state)
{
    struct guarded *g = *state;
    struct cert_facts f;
    struct cert_spec other = spec_for("example.com *.example.com");

    names(&other.ip_addresses, "2001:0DB8::0:1");
    names(&g->spec.ip_addresses, "2001:db8::1");
    char *pem = ca_issue(&g->ca, &other, g->k, CL_DAY);
    assert_int_equal(cert_guard(pem, &g->spec, g->k, NOW, &f, NULL), 0);
    cert_facts_deinit(&f);
    cl_free(pem);
    spec_free(&other);
}

static void the_guard_refuses_what_is_not_valid_now(void **state)
{
    struct guarded *g = *state;
    struct cert_facts f;
    char *pem = ca_issue(&g->ca, &g->spec, g->k, CL_DAY);

    assert_refused(g, pem, NOW + CL_DAY, "NotValidNow");
    assert_refused(g, pem, NOW - 11 * CL_MINUTE, "NotValidNow");
    /* A clock a few minutes behind the CA's is no reason. */
    assert_int_equal(cert_guard(pem, &g->spec, g->k, NOW - 9 * CL_MINUTE, &f, NULL), 0);
    cert_facts_deinit(&f);
    cl_free(pem);
}

static void the_guard_refuses_an_expired_intermediate(void **state)
{
    struct guarded *g = *state;
    char *short_b = ca_cert("int-b", g->ca.a, g->ca.a_key, g->ca.b_key, CL_DAY);
    char *leaf = signed_by(g->ca.b, g->ca.b_key, &g->spec, g->k, 90 * CL_DAY);
    char *pem = cl_printf("%s%s%s", leaf, short_b, g->ca.a);

    assert_refused(g, pem, NOW + 2 * CL_DAY, "InvalidChain");
    cl_free(pem);
    cl_free(leaf);
    cl_free(short_b);
}

static void the_guard_refuses_a_certificate_that_may_sign_others(void **state)
{
    struct guarded *g = *state;

    g->spec.is_ca = true;
    char *pem = ca_issue(&g->ca, &g->spec, g->k, CL_DAY);
    g->spec.is_ca = false;
    assert_refused(g, pem, NOW, "UnexpectedCA");
    cl_free(pem);
    pem = ca_issue(&g->ca, &g->spec, g->k, CL_DAY);
    g->spec.is_ca = true;
    assert_refused(g, pem, NOW, "NotACA");
    cl_free(pem);
}

static void the_guard_refuses_garbage_and_floods(void **state)
{
    struct guarded *g = *state;
    char *flood = cl_malloc(70000);

    memset(flood, 'x', 69999);
    flood[69999] = '\0';
    assert_refused(g, "", NOW, "InvalidCertificate");
    assert_refused(g, "<html>", NOW, "InvalidCertificate");
    assert_refused(g, flood, NOW, "InvalidChain");
    cl_free(flood);
}

#define guard_test(f) cmocka_unit_test_setup_teardown(f, guard_setup, guard_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        guard_test(the_guard_lets_the_wanted_certificate_pass),
        guard_test(the_guard_refuses_another_key),
        guard_test(the_guard_refuses_fewer_more_and_other_names),
        guard_test(the_guard_compares_addresses_not_their_spelling),
        guard_test(the_guard_refuses_what_is_not_valid_now),
        guard_test(the_guard_refuses_an_expired_intermediate),
        guard_test(the_guard_refuses_a_certificate_that_may_sign_others),
        guard_test(the_guard_refuses_garbage_and_floods),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
