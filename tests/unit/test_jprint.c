/* SPDX-License-Identifier: Apache-2.0 */
/* What json_print writes is what jansson would write, byte for byte: hashes of specs depend on it. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/jfield.h"
#include "tests/unit/unit.h"

static const char *const TEXTS[] = {
    "{}",
    "[]",
    "[[],{},[{}]]",
    "{\"b\":1,\"a\":[true,false,null,-7,9223372036854775807],\"aa\":{\"z\":\"\",\"y\":[\"x\"]}}",
    "[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u00e9\\u20ac\\ud83d\\ude00\"]",
    "{\"\\\"key\\n\":1.5,\"e\":-2e300}",
    "\"alone\"",
};
static const size_t FLAGS[] = {0,
                               JSON_COMPACT,
                               JSON_INDENT(1),
                               JSON_INDENT(2),
                               JSON_INDENT(31),
                               JSON_COMPACT | JSON_SORT_KEYS,
                               JSON_INDENT(4) | JSON_SORT_KEYS};

static void the_text_is_the_one_that_jansson_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        json_t *v = json_loads(TEXTS[i], JSON_DECODE_ANY, NULL);
        assert_non_null(v);
        for (size_t k = 0; k < COUNT(FLAGS); k++) {
            char *ours = json_print(v, FLAGS[k], false);
            char *theirs = json_dumps(v, FLAGS[k] | JSON_ENCODE_ANY);
            assert_string_equal(ours, theirs);
            cl_free(ours);
            cl_free(theirs);
        }
        json_decref(v);
    }
}

static void a_newline_ends_a_file(void **state)
{
    (void)state;
    json_t *v = json_pack("[i]", 1);
    char *text = json_print(v, JSON_COMPACT, true);
    assert_string_equal(text, "[1]\n");
    cl_free(text);
    json_decref(v);
}

static int use_our_memory(void **state)
{
    (void)state;
    json_set_alloc_funcs(cl_malloc, cl_free); /* as the daemon does */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_the_one_that_jansson_writes),
        cmocka_unit_test(a_newline_ends_a_file),
    };
    return cmocka_run_group_tests(tests, use_our_memory, NULL);
}
