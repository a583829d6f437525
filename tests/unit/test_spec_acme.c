/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles, chains and subsets of names, as specs say them; what is wrong with which name, and how it
 * is kept. */
#include "backends/store/memory.h"
#include "spec/base/cl_alloc.h"
#include "spec/name_problems.h"
#include "spec/spec_acme.h"
#include "spec/spec_parse.h"
#include "spec/spec_values.h"
#include "spec/status.h"
#include "tests/unit/unit.h"

#include <string.h>

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A Certificate with two names and an address; @more: members of its spec, after a comma. */
static struct object *certificate(const char *more)
{
    struct object *o = NULL;
    struct cl_err err = {0};
    char *text = cl_printf(
        "{\"apiVersion\":\"certloop/v1\",\"kind\":\"Certificate\",\"metadata\":{\"name\":\"web\"},"
        "\"spec\":{\"dnsNames\":[\"a.example\",\"b.example\"],\"ipAddresses\":[\"192.0.2.1\"]%s}}",
        more);

    if (object_from_canonical(text, &o, &err) < 0) {
        fail_msg("%s", err.text);
    }
    cl_free(text);
    return o;
}

static void the_certificate_says_more_than_the_issuer(void **state)
{
    struct object *plain = certificate("");
    struct object *own = certificate(",\"profile\":\"short\",\"preferredChain\":{\"root\":\"R\"}");
    char profile[] = "long";
    struct acme_spec acme = {.profile = profile, .preferred_chain = {.shortest = true}};

    (void)state;
    assert_string_equal(acme_profile_of(plain->cert, &acme), "long");
    assert_string_equal(acme_profile_of(own->cert, &acme), "short");
    assert_null(acme_profile_of(plain->cert, NULL));
    assert_true(acme_chain_of(plain->cert, &acme)->shortest);
    assert_string_equal(acme_chain_of(own->cert, &acme)->root, "R");
    assert_null(acme_chain_of(plain->cert, NULL));
    object_destroy(plain);
    object_destroy(own);
}

static void each_preference_has_a_text_of_its_own(void **state)
{
    char name[] = "X";
    const struct {
        const struct chain_preference *p;
        const char *text;
    } CASES[] = {
        {NULL, ""},
        {&(struct chain_preference){.root = name}, "root X"},
        {&(struct chain_preference){.issuer = name}, "issuer X"},
        {&(struct chain_preference){.sha256 = name}, "sha256 X"},
        {&(struct chain_preference){.shortest = true}, "shortest"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *text = chain_preference_text(CASES[i].p);
        assert_string_equal(text, CASES[i].text);
        cl_free(text);
    }
}

static void fingerprints_and_profiles_are_checked(void **state)
{
    static const struct {
        schema_value *value;
        const char *text, *normal; /* NULL: refused */
    } CASES[] = {
        {value_sha256, DIGITS, DIGITS},
        {value_sha256, "01:23:45:67:89:AB:CD:EF:0123456789abcdef0123456789abcdef0123456789abcdef",
         DIGITS},
        {value_sha256, DIGITS "0", NULL},
        {value_sha256, "0123", NULL},
        {value_sha256, "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
        {value_profile, "shortlived", "shortlived"},
        {value_profile, "short lived", NULL},
        {value_profile, "sh\xc3\xb6rt", NULL},
        {value_profile, DIGITS DIGITS "0", NULL},
        {value_chain_name, "ISRG Root X1", "ISRG Root X1"},
        {value_chain_name, "two\nlines", NULL},
        {value_chain_name, DIGITS DIGITS "0", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char why[200] = "";
        char *normal = CASES[i].value(CASES[i].text, why, sizeof why);
        if (CASES[i].normal != NULL) {
            assert_non_null(normal);
            assert_string_equal(normal, CASES[i].normal);
        } else {
            assert_null(normal);
            assert_true(why[0] != '\0');
        }
        cl_free(normal);
    }
}

static void names_can_be_left_out_but_not_all_and_not_the_common_name(void **state)
{
    struct object *o = certificate(",\"commonName\":\"b.example\"");
    struct cl_strv without = {0};

    (void)state;
    assert_null(object_without_names(o, &without)); /* nothing changes */
    cl_strv_add(&without, "a.example");
    struct object *less = object_without_names(o, &without);
    assert_int_equal(less->cert->dns_names.len, 1);
    assert_string_equal(less->cert->dns_names.items[0], "b.example");
    assert_int_equal(less->cert->ip_addresses.len, 1);
    object_destroy(less);
    cl_strv_add(&without, "192.0.2.1");
    less = object_without_names(o, &without);
    assert_int_equal(less->cert->ip_addresses.len, 0);
    object_destroy(less);
    cl_strv_add(&without, "b.example");
    assert_null(object_without_names(o, &without));
    cl_strv_deinit(&without);
    object_destroy(o);
    o = certificate("");
    cl_strv_add(&without, "a.example");
    cl_strv_add(&without, "b.example");
    cl_strv_add(&without, "192.0.2.1");
    assert_null(object_without_names(o, &without)); /* nothing is left */
    cl_strv_deinit(&without);
    object_destroy(o);
}

static void a_list_of_names_to_blame_is_bounded(void **state)
{
    struct name_problems p = {0};
    char name[32];

    (void)state;
    for (unsigned i = 0; i <= NAME_PROBLEMS_MAX; i++) {
        (void)cl_format(name, sizeof name, "n%u.example", i);
        name_problems_add(&p, name, i % 2 == 0 ? "dns" : NULL, NULL);
    }
    assert_int_equal(p.len, NAME_PROBLEMS_MAX);
    assert_string_equal(p.items[0].type, "urn:ietf:params:acme:error:dns");
    assert_string_equal(p.items[1].type, "");
    name_problems_deinit(&p);
}

static void names_to_blame_outlive_a_restart_and_are_in_the_status(void **state)
{
    struct memory m, back;
    struct cl_err err = {0};
    struct status s;

    (void)state;
    memory_init(&m);
    m.hold.kind = CL_ERR_VALIDATION;
    name_problems_add(&m.hold.names, "a.example", "dns", "no record");
    char *text = memory_to_json(&m);
    assert_int_equal(memory_from_json(text, &back, &err), 0);
    assert_int_equal(back.hold.names.len, 1);
    assert_string_equal(back.hold.names.items[0].detail, "no record");
    cl_free(text);

    status_init(&s);
    s.kind = SPEC_CERTIFICATE;
    s.name = cl_strdup("web");
    s.has_cert = true;
    s.profile = cl_strdup("short");
    cl_strv_add(&s.missing_names, "a.example");
    s.last_error.kind = CL_ERR_VALIDATION;
    name_problems_copy(&s.last_error.names, &back.hold.names);
    text = status_to_json(&s);
    status_deinit(&s);
    assert_int_equal(status_from_json(text, &s, &err), 0);
    assert_string_equal(s.profile, "short");
    assert_string_equal(s.missing_names.items[0], "a.example");
    assert_string_equal(s.last_error.names.items[0].identifier, "a.example");
    status_deinit(&s);
    cl_free(text);
    memory_deinit(&m);
    memory_deinit(&back);
}

static void a_manifest_keeps_what_was_asked_and_left_out(void **state)
{
    struct manifest m = {.schema = MANIFEST_SCHEMA, .revision = 1, .issued_at = CL_DAY};
    struct manifest *back = NULL;
    struct cl_err err = {0};
    char profile[] = "short", chain[] = "root R", url[] = "https://ca/cert/1", full[] = "{}";

    (void)state;
    m.profile = profile;
    m.chain = chain;
    m.certificate_url = url;
    m.full_request = full;
    cl_strv_add(&m.missing_names, "a.example");
    cl_strv_add(&m.warnings, "no such chain");
    char *text = manifest_to_json(&m);
    if (manifest_from_json(text, &back, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(back->profile, "short");
    assert_string_equal(back->chain, "root R");
    assert_string_equal(back->certificate_url, url);
    assert_string_equal(back->full_request, "{}");
    assert_string_equal(back->missing_names.items[0], "a.example");
    assert_string_equal(back->warnings.items[0], "no such chain");
    manifest_destroy(back);
    cl_free(text);
    cl_strv_deinit(&m.missing_names);
    cl_strv_deinit(&m.warnings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_certificate_says_more_than_the_issuer),
        cmocka_unit_test(each_preference_has_a_text_of_its_own),
        cmocka_unit_test(fingerprints_and_profiles_are_checked),
        cmocka_unit_test(names_can_be_left_out_but_not_all_and_not_the_common_name),
        cmocka_unit_test(a_list_of_names_to_blame_is_bounded),
        cmocka_unit_test(names_to_blame_outlive_a_restart_and_are_in_the_status),
        cmocka_unit_test(a_manifest_keeps_what_was_asked_and_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
