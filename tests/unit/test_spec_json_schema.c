/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON Schema: every kind has one, and what a field is comes from its table. */
#include "spec/spec_json_schema.h"
#include "tests/unit/unit.h"

static void every_kind_has_a_schema_that_refers_to_its_definitions(void **state)
{
    static const enum spec_kind KINDS[] = {SPEC_CERTIFICATE, SPEC_ISSUER, SPEC_CLUSTER_ISSUER,
                                           SPEC_CONFIGURATION};
    (void)state;
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        json_t *s = spec_json_schema(KINDS[i]);
        const char *kind = json_string_value(
            json_object_get(json_object_get(json_object_get(s, "properties"), "kind"), "const"));
        assert_string_equal(kind, spec_kind_name(KINDS[i]));
        assert_true(json_object_size(json_object_get(s, "definitions")) > 5);
        json_decref(s);
    }
}

static void the_schema_of_all_kinds_tells_them_apart(void **state)
{
    (void)state;
    json_t *s = spec_json_schema_all();
    assert_int_equal(json_array_size(json_object_get(s, "allOf")), 3);
    json_decref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_schema_that_refers_to_its_definitions),
        cmocka_unit_test(the_schema_of_all_kinds_tells_them_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
