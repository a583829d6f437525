/* SPDX-License-Identifier: Apache-2.0 */
/* Templates, predicates, XML, and the forms of names and TXT values. */
#include "backends/dns/lang/dns_encode.h"
#include "backends/dns/lang/dns_where.h"
#include "backends/dns/lang/dns_xml.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct yaml_limits LIMITS = {.bytes = 10000, .nodes = 1000, .depth = 32};

static struct yaml_documents parse(const char *text)
{
    struct yaml_documents docs = {0};
    struct spec_problems problems = {0};

    assert_int_equal(yaml_parse(text, strlen(text), &LIMITS, &docs, &problems), 0);
    return docs;
}

/* A YAML template rendered to JSON text; owned. */
static char *render(const char *text, struct cl_strv *secrets)
{
    struct yaml_documents docs = parse(text);
    struct spec_problems problems = {0};
    struct dns_tpl *t = dns_tpl_compile(docs.items[0], &problems);
    struct dns_env env = {0};
    struct dns_eval ev = {.env = &env, .secrets = secrets};
    struct dns_value v = {0};
    struct cl_err err = {0};
    json_error_t e;
    char *got = NULL;

    if (t == NULL) {
        got = cl_printf("%u:%u: %s", problems.items[0].line, problems.items[0].column,
                        problems.items[0].text);
    } else {
        dns_env_set(&env, "values", dns_value_json(json_loads("[\"a\",\"b\"]", 0, &e)));
        dns_env_set(&env, "none", dns_value_json(json_array()));
        dns_env_set(&env, "ttl", dns_value_int(60));
        struct dns_value token = dns_value_text("tok/en");
        token.secret = true;
        dns_env_set(&env, "cred.token", token);
        assert_int_equal(dns_tpl_render(t, &ev, &v, NULL, &err), 0);
        got = dns_value_string(&v, NULL);
    }
    dns_value_deinit(&v);
    dns_env_deinit(&env);
    dns_tpl_destroy(t);
    yaml_documents_deinit(&docs);
    spec_problems_deinit(&problems);
    return got;
}

static void templates_keep_types_and_expand(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"{ttl: \"${ttl}\"}", "{\"ttl\":60}"},
        {"{ttl: \"${ttl}s\"}", "{\"ttl\":\"60s\"}"},
        {"{a: 1, b: true, c: null, d: \"1\", e: 1.0}",
         "{\"a\":1,\"b\":true,\"c\":null,\"d\":\"1\",\"e\":\"1.0\"}"},
        {"[{$each: \"${values}\", $as: v, $do: {\"k${n}\": \"${v}\"}}, end]",
         "[{\"k1\":\"a\"},{\"k2\":\"b\"},\"end\"]"},
        {"[{$if: \"${none}\", $then: x}, {$if: \"${values}\", $then: y}]", "[\"y\"]"},
        {"{a: {$if: \"${none}\", $then: x, $else: z}, b: {$if: \"${none}\", $then: x}}",
         "{\"a\":\"z\"}"},
        {"\"$${not} ${ttl} }\"", "${not} 60 }"},
        {"\"${join('}', values)}\"", "a}b"},
        {"\"a ${ttl\"", "1:4: this ${ has no closing brace"},
        {"{x: \"ab ${ttl +}\"}", "1:15: unexpected +"},
        {"{$each: \"${values}\"}", "1:1: $each needs $do"},
        {"{$if: x, $then: y, $do: z}", "1:20: $do does not belong here"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = render(CASES[i].text, NULL);
        if (strncmp(got, CASES[i].want, strlen(CASES[i].want)) != 0) {
            fail_msg("%s: got %s, want %s", CASES[i].text, got, CASES[i].want);
        }
        cl_free(got);
    }
}

static void secrets_that_are_put_anywhere_are_noted(void **state)
{
    struct cl_strv secrets = {0};

    (void)state;
    cl_free(render("{a: \"Bearer ${cred.token}\", b: \"${ttl}\"}", &secrets));
    assert_true(cl_strv_has(&secrets, "tok/en"));
    assert_true(cl_strv_has(&secrets, "tok%2Fen"));
    assert_int_equal(secrets.len, 2);
    cl_strv_deinit(&secrets);
}

static void predicates_compare_as_text(void **state)
{
    static const struct {
        const char *where;
        int want;
    } CASES[] = {{"{code: 1000}", 1},    {"{code: \"1000\"}", 1}, {"{code: [1, 1000]}", 1},
                 {"{code: 7}", 0},       {"{error: null}", 1},    {"{error: \"\"}", 1},
                 {"{a.b.0.c: true}", 1}, {"{a.b.1.c: null}", 1},  {"{code: 1000, error: x}", 0},
                 {"{\"@s\": OK}", 1}};
    json_error_t e;
    struct dns_value v = dns_value_json(
        json_loads("{\"code\":1000,\"a\":{\"b\":[{\"c\":true}]},\"@s\":\"OK\"}", 0, &e));

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct yaml_documents docs = parse(CASES[i].where);
        struct spec_problems problems = {0};
        struct dns_where *w = dns_where_compile(docs.items[0], &problems);
        struct dns_eval ev = {0};
        int got = dns_where_holds(w, &v, &ev, NULL);
        if (got != CASES[i].want) {
            fail_msg("%s: %d", CASES[i].where, got);
        }
        dns_where_destroy(w);
        yaml_documents_deinit(&docs);
    }
    dns_value_deinit(&v);
}

static void txt_values_are_read_in_every_form(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {{"plain", "plain"},
                 {"\"quoted\"", "quoted"},
                 {"\"two\" \"parts\"", "twoparts"},
                 {"\"es\\\"c\\\\aped\"", "es\"c\\aped"},
                 {"\"dec\\065\"", "decA"},
                 {"\"not closed", "\"not closed"},
                 {"\"a\" b", "\"a\" b"},
                 {"", ""}};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = dns_txt_unquote(CASES[i].text);
        assert_string_equal(got, CASES[i].want);
        cl_free(got);
    }
    char longer[301];
    memset(longer, 'x', 300);
    longer[300] = '\0';
    char *quoted = dns_txt_quote(longer);
    assert_int_equal(strlen(quoted), 300 + 5);
    char *back = dns_txt_unquote(quoted);
    assert_string_equal(back, longer);
    cl_free(quoted);
    cl_free(back);
}

static void names_are_recognised_in_every_form(void **state)
{
    static const struct {
        const char *got, *fqdn;
        bool same;
    } CASES[] = {{"_acme-challenge", "_acme-challenge.example.com", true},
                 {"_acme-challenge.example.com", "_acme-challenge.example.com", true},
                 {"_ACME-challenge.Example.com.", "_acme-challenge.example.com", true},
                 {"_acme-challenge.www", "_acme-challenge.example.com", false},
                 {"@", "_acme-challenge.example.com", false},
                 {"", "_acme-challenge.example.com", false},
                 {"@", "example.com", true},
                 {"", "example.com", true},
                 {"ample.com", "example.com", false}};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(dns_same_name(CASES[i].got, CASES[i].fqdn, "example.com"), CASES[i].same);
    }
    assert_true(dns_is_within("a.example.com", "example.com"));
    assert_false(dns_is_within("anexample.com", "example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_keep_types_and_expand),
        cmocka_unit_test(secrets_that_are_put_anywhere_are_noted),
        cmocka_unit_test(predicates_compare_as_text),
        cmocka_unit_test(txt_values_are_read_in_every_form),
        cmocka_unit_test(names_are_recognised_in_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
