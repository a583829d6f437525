/* SPDX-License-Identifier: Apache-2.0 */
/* Which solver answers for which name, and why. */
#include "backends/solvers/solvers.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SOLVERS_MAX 4

struct choice {
    struct cert_spec spec;
    struct object cert;
    struct solver_spec own[SOLVERS_MAX], issuer[SOLVERS_MAX];
    struct solver_list issuer_list;
    struct cl_strv types;
    struct string_pair label;
};

static int setup(void **state)
{
    struct choice *c = cl_new(struct choice);
    c->cert.cert = &c->spec;
    c->cert.metadata.labels = (struct string_map){.items = &c->label, .len = 1};
    c->label = (struct string_pair){.key = cl_strdup("team"), .value = cl_strdup("edge")};
    c->issuer_list.items = c->issuer;
    c->spec.solvers.items = c->own;
    for (size_t i = 0; i < SOLVERS_MAX; i++) {
        c->own[i].has_http01 = c->issuer[i].has_http01 = true;
    }
    cl_strv_add(&c->types, "http-01");
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    struct choice *c = *state;
    for (size_t i = 0; i < SOLVERS_MAX; i++) {
        cl_strv_deinit(&c->own[i].selector.dns_names);
        cl_strv_deinit(&c->issuer[i].selector.dns_names);
        cl_strv_deinit(&c->issuer[i].selector.dns_zones);
    }
    cl_free(c->label.key);
    cl_free(c->label.value);
    cl_strv_deinit(&c->types);
    cl_free(c);
    return 0;
}

static const struct solver_spec *pick(struct choice *c, const char *name)
{
    return solver_pick(&c->cert, &c->issuer_list, name, &c->types, NULL);
}

static void the_best_selector_wins(void **state)
{
    struct choice *c = *state;
    c->issuer_list.len = 4;
    cl_strv_add(&c->issuer[1].selector.dns_zones, "example.com");
    cl_strv_add(&c->issuer[2].selector.dns_zones, "b.example.com");
    cl_strv_add(&c->issuer[2].selector.dns_zones, "org");
    cl_strv_add(&c->issuer[3].selector.dns_names, "a.b.example.com");
    assert_ptr_equal(pick(c, "other.test"), &c->issuer[0]); /* no selector: lowest rank */
    assert_ptr_equal(pick(c, "www.example.com"), &c->issuer[1]);
    assert_ptr_equal(pick(c, "x.b.example.com"), &c->issuer[2]);
    assert_ptr_equal(pick(c, "a.b.example.com"), &c->issuer[3]);
    assert_ptr_equal(pick(c, "notexample.com"), &c->issuer[0]);
}

static void labels_count_and_must_match(void **state)
{
    struct choice *c = *state;
    struct string_pair edge = {.key = c->label.key, .value = c->label.value};
    c->issuer_list.len = 2;
    c->issuer[1].selector.match_labels = (struct string_map){.items = &edge, .len = 1};
    assert_ptr_equal(pick(c, "a.test"), &c->issuer[1]);
    char other[] = "core";
    edge.value = other;
    assert_ptr_equal(pick(c, "a.test"), &c->issuer[0]);
}

static void a_selector_must_match_as_a_whole(void **state)
{
    struct choice *c = *state;
    c->issuer_list.len = 1;
    cl_strv_add(&c->issuer[0].selector.dns_names, "a.test");
    cl_strv_add(&c->issuer[0].selector.dns_zones, "example.com");
    assert_null(pick(c, "a.test"));
    assert_null(pick(c, "b.example.com"));
}

static void equals_are_decided_by_the_place_in_the_list(void **state)
{
    struct choice *c = *state;
    c->issuer_list.len = 2;
    assert_ptr_equal(pick(c, "a.test"), &c->issuer[0]);
}

static void the_certificates_own_solvers_come_first(void **state)
{
    struct choice *c = *state;
    c->issuer_list.len = 1;
    cl_strv_add(&c->issuer[0].selector.dns_names, "a.test");
    c->spec.solvers.len = 1;
    assert_ptr_equal(pick(c, "a.test"), &c->own[0]);
    cl_strv_add(&c->own[0].selector.dns_names, "b.test");
    assert_ptr_equal(pick(c, "a.test"), &c->issuer[0]); /* but only where they fit */
}

static void http01_solves_no_wildcard_and_nothing_that_is_not_offered(void **state)
{
    struct choice *c = *state;
    c->issuer_list.len = 1;
    assert_null(pick(c, "*.example.com"));
    c->issuer[0].has_http01 = false;
    assert_null(pick(c, "www.example.com"));
    c->issuer[0].has_http01 = true;
    cl_strv_deinit(&c->types);
    c->types = (struct cl_strv){0};
    cl_strv_add(&c->types, "dns-01");
    assert_null(pick(c, "www.example.com"));
}

static void a_wildcard_goes_to_the_dns01_solver_that_fits_best(void **state)
{
    struct choice *c = *state;
    char *why = NULL;
    cl_strv_add(&c->types, "dns-01");
    c->issuer_list.len = 3;
    c->issuer[1] = (struct solver_spec){
        .has_dns01 = true,
        .dns01 = {.type = DNS01_RFC2136, .rfc2136.nameserver = cl_strdup("10.0.0.53:53")}};
    c->issuer[2] = (struct solver_spec){.has_dns01 = true, .dns01.type = DNS01_PROVIDER};
    cl_strv_add(&c->issuer[2].selector.dns_zones, "example.com");
    assert_ptr_equal(pick(c, "www.test"), &c->issuer[0]);
    assert_ptr_equal(pick(c, "*.test"), &c->issuer[1]);
    assert_ptr_equal(pick(c, "*.example.com"), &c->issuer[2]);
    assert_ptr_equal(pick(c, "example.com"), &c->issuer[2]);
    assert_ptr_equal(solver_pick(&c->cert, &c->issuer_list, "*.test", &c->types, &why),
                     &c->issuer[1]);
    assert_string_equal(why, "solver 2 of the Issuer for *.test: dns-01 by rfc2136 10.0.0.53:53, "
                             "without a selector");
    cl_free(why);
    cl_free(c->issuer[1].dns01.rfc2136.nameserver);
}

static void a_missing_issuer_list_is_an_empty_one(void **state)
{
    struct choice *c = *state;
    assert_null(solver_pick(&c->cert, NULL, "a.test", &c->types, NULL));
}

static void the_choice_is_explained(void **state)
{
    struct choice *c = *state;
    char *why = NULL;
    c->issuer_list.len = 2;
    cl_strv_add(&c->issuer[1].selector.dns_zones, "example.com");
    cl_strv_add(&c->issuer[1].selector.dns_names, "a.example.com");
    assert_non_null(solver_pick(&c->cert, &c->issuer_list, "a.example.com", &c->types, &why));
    assert_string_equal(why, "solver 2 of the Issuer for a.example.com: http-01, named in "
                             "dnsNames, a zone of 2 labels");
    cl_free(why);
    assert_non_null(solver_pick(&c->cert, &c->issuer_list, "b.test", &c->types, &why));
    assert_string_equal(why, "solver 1 of the Issuer for b.test: http-01, without a selector");
    cl_free(why);
    assert_null(solver_pick(&c->cert, &c->issuer_list, "*.b.test", &c->types, &why));
    assert_string_equal(
        why, "no solver of the Certificate or its Issuer fits *.b.test with one of: http-01");
    cl_free(why);
}

static void tokens_are_base64url_of_a_sane_length(void **state)
{
    static const struct {
        const char *token;
        bool ok;
    } CASES[] = {
        {"abcdefghijklmnopqrstuv", true},
        {"ABC-_0123456789abcdefg", true},
        {"abcdefghijklmnopqrstu", false}, /* 21 */
        {"", false},
        {"../../../../../etc/passwd", false},
        {"abcdefghijklmnopqrstuv/", false},
        {"abcdefghijklmnopqrstuv.", false},
        {"abcdefghijklmnopqrstu\n", false},
        {"abcdefghijklmnopqrstu\xc3\xa4", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(solver_token_ok(CASES[i].token), CASES[i].ok);
    }
    char longest[258];
    memset(longest, 'a', sizeof(longest));
    longest[256] = '\0';
    assert_true(solver_token_ok(longest));
    longest[256] = 'a';
    longest[257] = '\0';
    assert_false(solver_token_ok(longest));
}

static void an_identity_names_what_is_shared(void **state)
{
    (void)state;
    char webroot[] = "/srv/www", listen[] = "[::]:5002", other[] = "127.0.0.1:80";
    struct config none = {0}, configured = {.http01_listen = other};
    const struct {
        struct http01_spec http01;
        const struct config *config;
        const char *identity;
        bool sees;
    } CASES[] = {
        {{0}, &none, "http-01 listen [::]:80", true},
        {{0}, &configured, "http-01 listen 127.0.0.1:80", true},
        {{.listen = listen}, &configured, "http-01 listen [::]:5002", true},
        {{.webroot = webroot}, &none, "http-01 webroot /srv/www", false},
        {{.unix_socket = webroot}, &none, "http-01 listen /srv/www", true},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct solver_spec s = {.has_http01 = true, .http01 = CASES[i].http01};
        char *identity = solver_identity(&s, CASES[i].config);
        assert_string_equal(identity, CASES[i].identity);
        assert_int_equal(solver_sees_fetches(&s), CASES[i].sees);
        cl_free(identity);
    }
}

/* An address: RFC 8738 leaves http-01 and tls-alpn-01; selectors speak of names. */
static void an_address_is_proved_by_a_connection_never_by_a_record(void **state)
{
    struct choice *c = *state;
    c->issuer_list.len = 3;
    c->issuer[0] = (struct solver_spec){.has_dns01 = true};
    c->issuer[1].has_http01 = false;
    c->issuer[1].has_tlsalpn01 = true;
    cl_strv_add(&c->types, "tls-alpn-01");
    cl_strv_add(&c->types, "dns-01");
    assert_ptr_equal(pick(c, "192.0.2.1"), &c->issuer[1]);
    assert_ptr_equal(pick(c, "2001:db8::1"), &c->issuer[1]);
    assert_ptr_equal(pick(c, "a.test"), &c->issuer[0]);
    cl_strv_add(&c->issuer[1].selector.dns_names, "a.test");
    assert_ptr_equal(pick(c, "192.0.2.1"), &c->issuer[2]);
    cl_strv_add(&c->issuer[2].selector.dns_zones, "1");
    assert_null(pick(c, "192.0.2.1"));
}

/* The CA's offer decides which of several is used: in the order of the list. */
static void what_the_ca_does_not_offer_is_passed_over(void **state)
{
    struct choice *c = *state;
    char *why = NULL;
    c->issuer_list.len = 2;
    c->issuer[0].has_http01 = false;
    c->issuer[0].has_tlsalpn01 = true;
    assert_ptr_equal(pick(c, "a.test"), &c->issuer[1]);
    cl_strv_add(&c->types, "tls-alpn-01");
    assert_ptr_equal(solver_pick(&c->cert, &c->issuer_list, "a.test", &c->types, &why),
                     &c->issuer[0]);
    assert_string_equal(why, "solver 1 of the Issuer for a.test: tls-alpn-01, without a selector");
    assert_null(pick(c, "*.a.test"));
    cl_free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_best_selector_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_count_and_must_match, setup, teardown),
        cmocka_unit_test_setup_teardown(a_selector_must_match_as_a_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(equals_are_decided_by_the_place_in_the_list, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_certificates_own_solvers_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wildcard_goes_to_the_dns01_solver_that_fits_best, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(http01_solves_no_wildcard_and_nothing_that_is_not_offered,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_is_proved_by_a_connection_never_by_a_record,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_ca_does_not_offer_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_issuer_list_is_an_empty_one, setup, teardown),
        cmocka_unit_test_setup_teardown(the_choice_is_explained, setup, teardown),
        cmocka_unit_test(tokens_are_base64url_of_a_sane_length),
        cmocka_unit_test(an_identity_names_what_is_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
