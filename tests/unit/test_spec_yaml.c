/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_yaml and spec_utf8: what is YAML here, and where it is not. */
#include "spec/spec_utf8.h"
#include "spec/spec_yaml.h"
#include "tests/unit/spec_fixture.h"

static const struct yaml_limits LIMITS = {.bytes = 1 << 20, .nodes = 200, .depth = 32};

static int yaml_of(const char *text, size_t len, struct yaml_documents *d, char **ret_problems)
{
    struct spec_problems problems = {0};
    int rc = yaml_parse(text, len, &LIMITS, d, &problems);

    *ret_problems = problems_text(&problems);
    spec_problems_deinit(&problems);
    return rc;
}

static void expect_error(const char *text, size_t len, const char *expected)
{
    struct yaml_documents d;
    char *problems = NULL;
    int rc = yaml_of(text, len, &d, &problems);

    assert_string_equal(problems, expected);
    assert_int_not_equal(rc, 0);
    cl_free(problems);
    yaml_documents_deinit(&d);
}

static struct yaml_documents accept(const char *text)
{
    struct yaml_documents d;
    char *problems = NULL;
    int rc = yaml_of(text, strlen(text), &d, &problems);

    assert_string_equal(problems, "");
    assert_int_equal(rc, 0);
    cl_free(problems);
    return d;
}

static void each_key_and_value_knows_its_position(void **state)
{
    struct yaml_documents d = accept("# c\na:\n  - 1\n  - {b\xC3\xBC: \"x\", c: y}\n");
    const struct yaml_node *list = yaml_get(d.items[0], "a");
    const struct yaml_node *y = yaml_get(list->items[1], "c");

    (void)state;
    assert_int_equal(d.len, 1);
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->len, 2);
    assert_int_equal(list->items[0]->line, 3);
    assert_int_equal(list->items[0]->column, 5);
    assert_int_equal(y->line, 4);
    assert_int_equal(y->column, 18); /* code points, not bytes */
    assert_int_equal(yaml_key(list->items[1], "c")->column, 15);
    assert_null(yaml_key(list, "c"));
    assert_null(yaml_get(y, "c"));
    yaml_documents_deinit(&d);
}

static void several_documents_are_read_and_empty_ones_left_out(void **state)
{
    struct yaml_documents d = accept("---\n---\na: 1\n---\n# nothing\n---\n~\n---\nb: 2\n...\n");

    (void)state;
    assert_int_equal(d.len, 2);
    assert_int_equal(d.items[1]->line, 9);
    yaml_documents_deinit(&d);
    d = accept("");
    assert_int_equal(d.len, 0);
}

static void a_byte_order_mark_and_crlf_are_accepted(void **state)
{
    struct yaml_documents d = accept("\xEF\xBB\xBF"
                                     "a: 1\r\nb: \r\n  c: 2\r\n");
    const struct yaml_node *c = yaml_get(yaml_get(d.items[0], "b"), "c");

    (void)state;
    assert_int_equal(c->line, 3);
    assert_int_equal(c->column, 6);
    assert_int_equal(yaml_key(d.items[0], "a")->column, 1);
    yaml_documents_deinit(&d);
}

static void json_is_yaml(void **state)
{
    struct yaml_documents d =
        accept("{\"a\":\"x\\ty\",\"b\":[1,true,null,\"\\u00fc\"],\n \"c\":{\"d\":\"1\"}}");
    const struct yaml_node *b = yaml_get(d.items[0], "b");

    (void)state;
    assert_string_equal(yaml_get(d.items[0], "a")->text, "x\ty");
    assert_int_equal(yaml_scalar_type(b->items[0]), YAML_INT);
    assert_int_equal(yaml_scalar_type(b->items[1]), YAML_BOOL);
    assert_true(yaml_is_null(b->items[2]));
    assert_string_equal(b->items[3]->text, "\xC3\xBC");
    assert_int_equal(yaml_scalar_type(yaml_get(yaml_get(d.items[0], "c"), "d")), YAML_STRING);
    yaml_documents_deinit(&d);
}

static void scalars_mean_what_yaml_1_2_says(void **state)
{
    static const struct {
        const char *text;
        enum yaml_scalar type;
    } CASES[] = {
        {"", YAML_NULL},           {"~", YAML_NULL},       {"null", YAML_NULL},
        {"Null", YAML_NULL},       {"nULL", YAML_STRING},  {"true", YAML_BOOL},
        {"False", YAML_BOOL},      {"tRUE", YAML_STRING},  {"yes", YAML_STRING},
        {"no", YAML_STRING},       {"on", YAML_STRING},    {"off", YAML_STRING},
        {"y", YAML_STRING},        {"0", YAML_INT},        {"0640", YAML_INT},
        {"-1", YAML_INT},          {"+12", YAML_INT},      {"0o17", YAML_INT},
        {"0o18", YAML_STRING},     {"0x1F", YAML_INT},     {"0xg", YAML_STRING},
        {"0x", YAML_STRING},       {"-", YAML_STRING},     {"1.5", YAML_FLOAT},
        {"1.", YAML_FLOAT},        {".5", YAML_FLOAT},     {".", YAML_STRING},
        {"1e3", YAML_FLOAT},       {"1e", YAML_STRING},    {"-1.5E-3", YAML_FLOAT},
        {".inf", YAML_FLOAT},      {"-.INF", YAML_FLOAT},  {".nan", YAML_FLOAT},
        {"12:30", YAML_STRING},    {"1_000", YAML_STRING}, {"2026-11-24", YAML_STRING},
        {"<<", YAML_STRING},       {"=", YAML_STRING},     {"1.2.3", YAML_STRING},
        {"10.0.0.1", YAML_STRING},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct yaml_node n = {.plain = true, .text = cl_strdup(CASES[i].text)};

        assert_string_equal(CASES[i].text, n.text);
        assert_int_equal(yaml_scalar_type(&n), CASES[i].type);
        n.plain = false;
        assert_int_equal(yaml_scalar_type(&n), YAML_STRING);
        assert_false(yaml_is_true(&n));
        cl_free(n.text);
    }
}

static void what_is_not_text_is_an_error_with_its_position(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *problem;
    } CASES[] = {
        {"a: \xFF", 4, "1:4: not UTF-8 (byte 0xFF)\n"},
        {"\xC3\xBC: 1\nb: \xC3\x28", 11, "2:4: not UTF-8 (byte 0xC3)\n"},
        {"b: \xC0\xAF", 5, "1:4: not UTF-8 (byte 0xC0)\n"},
        {"b: \xED\xA0\x80", 6, "1:4: not UTF-8 (byte 0xED)\n"},
        {"b: \xF4\x90\x80\x80", 7, "1:4: not UTF-8 (byte 0xF4)\n"},
        {"b: \xE2\x82", 5, "1:4: not UTF-8 (byte 0xE2)\n"},
        {"a: 1\nb\0c", 8, "2:2: a NUL byte; is this a binary file, or UTF-16?\n"},
        {"\xFF\xFE"
         "a\0",
         4, "1:1: this file is UTF-16; save it as UTF-8\n"},
        {"\xFE\xFF\0a", 4, "1:1: this file is UTF-16; save it as UTF-8\n"},
        {"a: \x07", 4, "1:4: the character U+0007 is not allowed in a spec\n"},
        {"a: \x7F", 4, "1:4: the character U+007F is not allowed in a spec\n"},
        {"a: x\xC2\x85y", 7, "1:5: the character U+0085 is not allowed in a spec\n"},
        {"a: \xE2\x80\xA8", 6, "1:4: the character U+2028 is not allowed in a spec\n"},
        {"a: \xEF\xBB\xBF", 6, "1:4: the character U+FEFF is not allowed in a spec\n"},
        {"a: 1\rb: \x01", 9, "2:4: the character U+0001 is not allowed in a spec\n"},
        {"a: \"\\0\"", 7, "1:4: the value holds a control character\n"},
        {"a: \"\\e[31m\"", 11, "1:4: the value holds a control character\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        expect_error(CASES[i].text, CASES[i].len, CASES[i].problem);
    }
    assert_int_equal(utf8_length("\xE2\x82\xAC"
                                 "1"),
                     2);
    assert_int_equal(utf8_sequence("", 0, &(uint32_t){0}), 0);
    assert_int_equal(utf8_sequence("\xF0\x9F\x94\x92", 4, &(uint32_t){0}), 4);
}

static void what_could_hide_something_is_refused(void **state)
{
    static const struct {
        const char *text, *problem;
    } CASES[] = {
        {"a: &x 1\nb: *x\n",
         "1:4: anchors (&name) are not accepted in a spec\n"
         "2:4: aliases (*name) are not accepted in a spec; a name that starts with * needs quotes, "
         "as in \"*.example.com\"\n"},
        {"a: !!str 1\n", "1:4: tags (!name) are not accepted in a spec\n"},
        {"a: !x {b: 1}\n", "1:4: tags (!name) are not accepted in a spec\n"},
        {"a: &l [1]\n", "1:4: anchors (&name) are not accepted in a spec\n"},
        {"a: 1\nb: 2\na: 3\n", "3:1: duplicate key a, first given in line 1\n"},
        {"? [a]\n: 1\n", "1:3: a key must be a string\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        expect_error(CASES[i].text, strlen(CASES[i].text), CASES[i].problem);
    }
}

static void a_duplicate_is_found_among_many_keys(void **state)
{
    struct cl_buf b;

    (void)state;
    cl_buf_init(&b, 1 << 16);
    for (unsigned i = 0; i < 40; i++) {
        (void)cl_buf_addf(&b, "k%u: 1\n", i);
    }
    (void)cl_buf_adds(&b, "k3: 1\nk39: 1\n");
    expect_error(b.data, b.len,
                 "41:1: duplicate key k3, first given in line 4\n"
                 "42:1: duplicate key k39, first given in line 40\n");
    cl_buf_deinit(&b);
}

static void limits_end_the_parsing(void **state)
{
    struct yaml_documents d;
    struct spec_problems problems = {0};
    const struct yaml_limits tiny = {.bytes = 1024, .nodes = 10, .depth = 3};
    struct cl_buf b;

    (void)state;
    cl_buf_init(&b, 1 << 16);
    for (unsigned i = 0; i < 5000; i++) {
        (void)cl_buf_adds(&b, "[");
    }
    expect_error(b.data, b.len, "1:33: nested too deeply\n");
    cl_buf_reset(&b);
    for (unsigned i = 0; i < 300; i++) {
        (void)cl_buf_adds(&b, "- a\n");
    }
    expect_error(b.data, b.len, "200:3: too many values in one file; split it\n");
    assert_int_equal(yaml_parse(b.data, b.len, &tiny, &d, &problems), -1);
    assert_string_equal(problems.items[0].text, "the file is larger than 1 KiB");
    spec_problems_deinit(&problems);
    cl_buf_reset(&b);
    for (unsigned i = 0; i < 600; i++) {
        (void)cl_buf_adds(&b, "k");
    }
    (void)cl_buf_adds(&b, ": 1\n");
    expect_error(b.data, b.len, "1:1: the key is too long\n");
    cl_buf_deinit(&b);
}

static void parse_errors_say_what_is_usually_meant(void **state)
{
    static const struct {
        const char *text, *problem;
    } CASES[] = {
        {"listen: [::]:80\n", "an address with brackets needs quotes, as in \"[::]:80\""},
        {"a:\n- *.example.com\n", "a name that starts with * needs quotes"},
        {"{\"a\": \"\\ud83d\\ude00\"}", "a pair of \\uXXXX surrogates, as JSON has it"},
        {"a:\n\tb: 1\n", "tabs cannot indent"},
        {"a: @b\n", "a value that starts with @ needs quotes"},
        {"a: `b\n", "a value that starts with ` needs quotes"},
        {"a: %b\n", "a value that starts with % needs quotes"},
        {"a: b: c\n", "a value with \": \" in it needs quotes"},
        {"a: [1, 2\nb: 3\n", "2:2: not YAML: did not find expected ',' or ']' while parsing"},
        {"a: \"x\n", "not YAML: found unexpected end of stream"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct yaml_documents d;
        char *problems = NULL;
        int rc = yaml_of(CASES[i].text, strlen(CASES[i].text), &d, &problems);

        assert_int_equal(rc, -1);
        if (strstr(problems, CASES[i].problem) == NULL) {
            print_message("%s: %s", CASES[i].text, problems);
        }
        assert_non_null(strstr(problems, CASES[i].problem));
        cl_free(problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_and_value_knows_its_position),
        cmocka_unit_test(several_documents_are_read_and_empty_ones_left_out),
        cmocka_unit_test(a_byte_order_mark_and_crlf_are_accepted),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(scalars_mean_what_yaml_1_2_says),
        cmocka_unit_test(what_is_not_text_is_an_error_with_its_position),
        cmocka_unit_test(what_could_hide_something_is_refused),
        cmocka_unit_test(a_duplicate_is_found_among_many_keys),
        cmocka_unit_test(limits_end_the_parsing),
        cmocka_unit_test(parse_errors_say_what_is_usually_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
