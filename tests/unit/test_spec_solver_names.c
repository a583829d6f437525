/* SPDX-License-Identifier: Apache-2.0 */
/* Solvers that the Configuration has and specs name. */
#include "tests/unit/spec_fixture.h"

#define SOLVERS                                                                     \
    "  solvers:\n"                                                                  \
    "    corp-dns: {selector: {dnsZones: [corp.example]}, dns01: {exec: {command: " \
    "[/opt/dns/hook], protocol: lego}, propagation: {settle: 7s}}}\n"               \
    "    web: {http01: {webroot: /elsewhere/www}}\n"

static const struct solver_spec *only(const struct parsed *p)
{
    assert_int_equal(p->objects.items[0]->cert->solvers.len, 1);
    return &p->objects.items[0]->cert->solvers.items[0];
}

static void a_spec_takes_over_the_solver_that_it_names(void **state)
{
    struct config *c = config_of(SOLVERS);
    struct parsed p = parse_cert("  solvers: [{name: corp-dns}]\n", c);
    const struct solver_spec *s = only(&p);

    (void)state;
    assert_true(s->has_dns01);
    assert_int_equal(s->dns01.type, DNS01_EXEC); /* although allowInlineHooks is off */
    assert_string_equal(s->dns01.exec.command.items[0], "/opt/dns/hook");
    assert_int_equal(s->dns01.propagation.settle, 7 * CL_SECOND);
    assert_string_equal(s->selector.dns_zones.items[0], "corp.example");
    parsed_deinit(&p);
    config_destroy(c);
}

/* The roots that bind specs do not bind the Configuration. */
static void its_own_selector_wins_and_the_bounds_of_specs_do_not_count(void **state)
{
    struct config *c = config_of(SOLVERS);
    struct parsed p =
        parse_cert("  solvers: [{name: web, selector: {dnsNames: [example.com]}}]\n", c);

    (void)state;
    assert_string_equal(only(&p)->http01.webroot, "/elsewhere/www");
    assert_string_equal(only(&p)->selector.dns_names.items[0], "example.com");
    parsed_deinit(&p);
    p = parse_cert("  solvers: [{name: corp-dns, selector: {dnsNames: [example.com]}}]\n", c);
    assert_int_equal(only(&p)->selector.dns_zones.len, 0); /* the whole of it */
    parsed_deinit(&p);
    config_destroy(c);
}

static void an_issuer_and_the_defaults_may_name_one_too(void **state)
{
    struct config *c = config_of(SOLVERS "  defaults: {solvers: [{name: web}]}\n");
    char *text = object_text("certloop/v1", "Issuer",
                             "  acme: {server: \"https://ca.example/dir\", email: a@example.com, "
                             "termsOfServiceAgreed: true, solvers: [{name: corp-dns}]}\n");
    struct parsed p = parse_ok(text, c, 1);

    (void)state;
    assert_int_equal(p.objects.items[0]->issuer->acme.solvers.items[0].dns01.type, DNS01_EXEC);
    parsed_deinit(&p);
    cl_free(text);
    p = parse_cert("", c);
    assert_true(only(&p)->has_http01);
    parsed_deinit(&p);
    config_destroy(c);
}

/* What the daemon remembers says all by itself, and a change of the Configuration is a change of the
 * spec. */
static void the_content_is_part_of_the_hash(void **state)
{
    static const char SPEC[] = "  solvers: [{name: web}]\n";
    struct config *before = config_of("  solvers: {web: {http01: {webroot: /a}}}\n");
    struct config *after = config_of("  solvers: {web: {http01: {webroot: /b}}}\n");
    struct config *renamed =
        config_of("  solvers: {other: {dns01: {provider: ovh}}, web: {http01: {webroot: /a}}}\n");
    struct parsed one = parse_cert(SPEC, before);
    struct parsed two = parse_cert(SPEC, after);
    struct parsed three = parse_cert(SPEC, renamed);
    struct object *again = NULL;
    struct cl_err err = {0};

    (void)state;
    assert_string_not_equal(one.objects.items[0]->spec_hash, two.objects.items[0]->spec_hash);
    assert_string_equal(one.objects.items[0]->spec_hash, three.objects.items[0]->spec_hash);
    char *canonical = object_to_canonical(one.objects.items[0]);
    assert_null(strstr(canonical, "\"name\":\"web\""));
    assert_int_equal(object_from_canonical(canonical, &again, &err), 0);
    assert_string_equal(again->cert->solvers.items[0].http01.webroot, "/a");
    cl_free(canonical);
    object_destroy(again);
    parsed_deinit(&one);
    parsed_deinit(&two);
    parsed_deinit(&three);
    config_destroy(before);
    config_destroy(after);
    config_destroy(renamed);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *spec, *problem;
    } ROWS[] = {
        {"  solvers: [{name: corp-dsn}]\n",
         "6:20: spec.solvers[0].name: the Configuration has no solver corp-dsn; did you mean "
         "corp-dns?\n"},
        {"  solvers: [{name: unlike}]\n",
         "6:20: spec.solvers[0].name: the Configuration has no solver unlike\n"},
        {"  solvers:\n  - name: web\n    http01: {webroot: /var/www}\n",
         "8:13: spec.solvers[0].http01: a solver with a name is the Configuration's: it may have a "
         "selector beside it, nothing else\n"},
        {"  solvers: [{name: corp-dns, waitInsteadOfSelfCheck: 5s}]\n",
         "6:54: spec.solvers[0].waitInsteadOfSelfCheck: a solver with a name is the Configuration's: "
         "it may have a selector beside it, nothing else\n"},
    };
    struct config *c = config_of(SOLVERS);

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        expect_cert_problems(ROWS[i].spec, c, ROWS[i].problem);
    }
    expect_cert_problems("  solvers: [{name: web}]\n", NULL,
                         "6:20: spec.solvers[0].name: the Configuration has no solver web; it has "
                         "none under spec.solvers\n");
    config_destroy(c);
}

static void a_solver_of_the_configuration_is_checked_where_it_stands(void **state)
{
    static const struct {
        const char *spec, *problem;
    } ROWS[] = {
        {"  solvers: {empty: {}}\n", "4:20: spec.solvers[\"empty\"]: a solver needs http01"},
        {"  solvers: {two: {http01: {}, dns01: {provider: ovh}}}\n",
         "4:18: spec.solvers[\"two\"]: give http01 or dns01, not both"},
        {"  solvers: {x: {dns01: {exec: {protocol: lego}}}}\n",
         "4:31: spec.solvers[\"x\"].dns01.exec: needs command"},
        {"  solvers: {x: {name: y, http01: {}}}\n", "name: unknown field"},
        {"  defaults: {solvers: [{name: y}]}\n",
         "4:31: spec.defaults.solvers[0].name: the Configuration has no solver y"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct spec_problems problems = {0};
        struct config *config = NULL;
        char *text =
            cl_printf("apiVersion: certloop/v1\nkind: Configuration\nspec:\n%s", ROWS[i].spec);
        assert_int_equal(spec_parse_config(text, strlen(text), &config, &problems), -1);
        char *list = problems_text(&problems);
        if (strstr(list, ROWS[i].problem) == NULL) {
            print_message("%s", list);
        }
        assert_non_null(strstr(list, ROWS[i].problem));
        cl_free(list);
        cl_free(text);
        spec_problems_deinit(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_takes_over_the_solver_that_it_names),
        cmocka_unit_test(its_own_selector_wins_and_the_bounds_of_specs_do_not_count),
        cmocka_unit_test(an_issuer_and_the_defaults_may_name_one_too),
        cmocka_unit_test(the_content_is_part_of_the_hash),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_solver_of_the_configuration_is_checked_where_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
