/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/base/cl_str: strings, cleaning, encodings, suggestions, vectors. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

static void comparisons_accept_null(void **state)
{
    (void)state;
    assert_true(cl_streq(NULL, NULL));
    assert_false(cl_streq(NULL, ""));
    assert_false(cl_streq("", NULL));
    assert_true(cl_streq("a", "a"));
    assert_true(cl_str_empty(NULL) && cl_str_empty("") && !cl_str_empty("x"));
    assert_string_equal(cl_str_or("", "y"), "y");
    assert_string_equal(cl_str_or("x", "y"), "x");
    assert_true(cl_str_starts("abc", "ab") && !cl_str_starts("a", "ab"));
    assert_true(cl_str_ends("abc", "bc") && !cl_str_ends("c", "bc") && cl_str_ends("c", ""));
    assert_null(cl_strdup(NULL));
}

static void lower_casing_touches_ascii_only(void **state)
{
    char text[] = "ExAmple-\xC3\x84.COM";

    (void)state;
    assert_string_equal(cl_str_lower(text), "example-\xC3\x84.com");
}

static void a_cut_format_is_reported_and_ends_at_a_whole_character(void **state)
{
    char buf[6];

    (void)state;
    assert_int_equal(cl_format(buf, sizeof(buf), "%s", "12345"), 0);
    assert_int_equal(cl_format(buf, sizeof(buf), "%s", "123456"), -1);
    assert_string_equal(buf, "12345");
    assert_int_equal(cl_format(buf, sizeof(buf), "123%s", "\xE2\x82\xAC!"), -1);
    assert_string_equal(buf, "123");
    assert_int_equal(cl_format(buf, sizeof(buf), "12%s", "\xE2\x82\xAC!"), -1);
    assert_string_equal(buf, "12\xE2\x82\xAC");
}

static void numbers_are_digits_only_and_bounded(void **state)
{
    static const char *const BAD[] = {"",   "-1",  "+1",  " 1",
                                      "1 ", "0x1", "101", "18446744073709551616"};
    uint64_t n = 7;

    (void)state;
    assert_int_equal(cl_parse_u64(NULL, 100, &n), -1);
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_int_equal(cl_parse_u64(BAD[i], 100, &n), -1);
    }
    assert_int_equal(n, 7);
    assert_int_equal(cl_parse_u64("0100", 100, &n), 0);
    assert_int_equal(n, 100);
    assert_int_equal(cl_parse_u64("18446744073709551615", UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
}

static void foreign_text_loses_what_could_harm(void **state)
{
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
        {"\xF0\x9F\x94\x92", "\xF0\x9F\x94\x92"},
        {"a\nb\tc\x1B[31m\x7F", "a\\x0Ab\\x09c\\x1B[31m\\x7F"},
        {"\xC2\x9B", "\\xC2\\x9B"}, /* C1: CSI */
        /* NOLINTBEGIN(misc-misleading-bidirectional): they are what is tested */
        {"\xE2\x80\xAEgpj", "\\xE2\\x80\\xAEgpj"}, /* right-to-left override */
        {"\xE2\x81\xA6", "\\xE2\\x81\\xA6"},       /* isolate */
        /* NOLINTEND(misc-misleading-bidirectional): end of what is tested */
        {"\xE2\x80\xA8", "\\xE2\\x80\\xA8"},          /* line separator */
        {"\xFF\xC3", "\\xFF\\xC3"},                   /* no UTF-8, cut sequence */
        {"\xC0\xAF", "\\xC0\\xAF"},                   /* overlong */
        {"\xE0\x80\xAF", "\\xE0\\x80\\xAF"},          /* overlong */
        {"\xED\xA0\x80", "\\xED\\xA0\\x80"},          /* surrogate */
        {"\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"}, /* past U+10FFFF */
        {"\xF5\x80\x80\x80", "\\xF5\\x80\\x80\\x80"},
    };
    char buf[CL_CLEAN_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        size_t len = strlen(CASES[i].in);
        char *dup = cl_clean_dup(CASES[i].in, len);

        assert_string_equal(cl_clean(buf, sizeof(buf), CASES[i].in, len), CASES[i].out);
        assert_string_equal(dup, CASES[i].out);
        cl_free(dup);
    }
    assert_string_equal(cl_clean(buf, sizeof(buf), "a\0b", 3), "a\\x00b");
}

static void long_foreign_text_is_cut_with_an_ellipsis(void **state)
{
    char in[1000];
    char buf[CL_CLEAN_TEXT];
    char small[8];

    (void)state;
    memset(in, 'x', sizeof(in));
    assert_int_equal(strlen(cl_clean(buf, sizeof(buf), in, 512)), 512);
    assert_int_equal(strlen(cl_clean(buf, sizeof(buf), in, 513)), 515);
    assert_string_equal(buf + 512, "...");
    assert_string_equal(cl_clean(small, sizeof(small), "ab\n\n", 4), "ab...");
}

static void base64url_has_no_padding(void **state)
{
    static const struct {
        const char *in, *out;
    } CASES[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},           {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"\xFB\xFF\xFE", "-__-"}};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        unsigned char *back = NULL;
        size_t len = 0;
        char *text = cl_base64url(CASES[i].in, strlen(CASES[i].in));

        assert_string_equal(text, CASES[i].out);
        assert_int_equal(cl_base64_decode(text, strlen(text), &back, &len), 0);
        assert_int_equal(len, strlen(CASES[i].in));
        assert_string_equal((char *)back, CASES[i].in);
        cl_free(back);
        cl_free(text);
    }
}

static void decoding_accepts_both_alphabets_and_right_padding_only(void **state)
{
    static const char *const GOOD[] = {"+//+", "-__-", "Zg==", "Zm8="};
    static const char *const BAD[] = {"Z",    "Zg=",    "Zm8==", "Zm9v=", "Zh",       "Zm9",
                                      "Z g=", "Zm9v\n", "=",     "====",  "Zg==Zg==", "Zm9vZ"};
    unsigned char *out = NULL;
    size_t len;

    (void)state;
    for (size_t i = 0; i < COUNT(GOOD); i++) {
        assert_int_equal(cl_base64_decode(GOOD[i], strlen(GOOD[i]), &out, &len), 0);
        cl_free(out);
    }
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_int_equal(cl_base64_decode(BAD[i], strlen(BAD[i]), &out, &len), -1);
    }
}

static void hex_is_lower_case(void **state)
{
    char *text = cl_hex("\x00\xAB\xFF", 3);

    (void)state;
    assert_string_equal(text, "00abff");
    cl_free(text);
}

static void secrets_compare_by_content(void **state)
{
    (void)state;
    assert_true(cl_mem_equal("abc", "abd", 2));
    assert_false(cl_mem_equal("abc", "abd", 3));
    assert_true(cl_mem_equal("", "", 0));
}

static void distance_counts_edits(void **state)
{
    char longest[400];

    (void)state;
    assert_int_equal(cl_str_distance("", ""), 0);
    assert_int_equal(cl_str_distance("", "abc"), 3);
    assert_int_equal(cl_str_distance("kitten", "sitting"), 3);
    assert_int_equal(cl_str_distance("dnsName", "dnsNames"), 1);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(cl_str_distance(longest, "y"), 255);
    assert_int_equal(cl_str_distance(longest, longest), 0);
}

static void a_typing_slip_gets_a_suggestion_and_nonsense_none(void **state)
{
    static const char *const KEYS[] = {"dnsNames", "duration", "issuerRef", "uris", NULL};

    (void)state;
    assert_string_equal(cl_str_suggest("dnsName", KEYS), "dnsNames");
    assert_string_equal(cl_str_suggest("DNSNAMES", KEYS), "dnsNames");
    assert_string_equal(cl_str_suggest("isuerRef", KEYS), "issuerRef");
    assert_string_equal(cl_str_suggest("uri", KEYS), "uris");
    assert_null(cl_str_suggest("frobnicate", KEYS));
    assert_null(cl_str_suggest("x", KEYS));
    assert_null(cl_str_suggest("", KEYS));
}

static void fill(struct cl_strv *v, const char *words)
{
    *v = (struct cl_strv){0};
    cl_strv_split(v, words, " ,");
}

static void each_equal_text_is_removed_from_a_list(void **state)
{
    struct cl_strv v;
    (void)state;

    fill(&v, "a b a c a");
    cl_strv_remove(&v, "a");
    char *text = cl_strv_join(&v, " ");
    assert_string_equal(text, "b c");
    cl_free(text);
    cl_strv_remove(&v, "x");
    assert_int_equal(v.len, 2);
    cl_strv_deinit(&v);
}

static void splitting_drops_empty_parts_and_joining_puts_them_together(void **state)
{
    struct cl_strv v;

    (void)state;
    fill(&v, ", b  a,,c ");
    assert_int_equal(v.len, 3);
    char *text = cl_strv_join(&v, ", ");
    assert_string_equal(text, "b, a, c");
    cl_free(text);
    cl_strv_sort(&v);
    text = cl_strv_join(&v, "");
    assert_string_equal(text, "abc");
    cl_free(text);
    cl_strv_deinit(&v);
    text = cl_strv_join(&v, ", ");
    assert_string_equal(text, "");
    cl_free(text);
}

static void deduplication_keeps_the_first_of_each(void **state)
{
    struct cl_strv v;

    (void)state;
    fill(&v, "b a b c a a");
    cl_strv_dedupe(&v);
    char *text = cl_strv_join(&v, " ");
    assert_string_equal(text, "b a c");
    cl_free(text);
    assert_true(cl_strv_has(&v, "c"));
    assert_false(cl_strv_has(&v, "d"));
    cl_strv_deinit(&v);
}

static void vectors_compare_as_lists_and_as_sets(void **state)
{
    struct cl_strv a;
    struct cl_strv b;
    struct cl_strv copy;

    (void)state;
    fill(&a, "x y z");
    fill(&b, "z x y x");
    assert_false(cl_strv_equal(&a, &b));
    assert_true(cl_strv_equal_set(&a, &b));
    cl_strv_copy(&copy, &a);
    assert_true(cl_strv_equal(&a, &copy));
    cl_strv_add(&copy, "w");
    assert_false(cl_strv_equal_set(&a, &copy));
    cl_strv_deinit(&a);
    cl_strv_deinit(&b);
    cl_strv_deinit(&copy);
}

static void iteration_visits_each_item_once_and_accepts_an_empty_vector(void **state)
{
    struct cl_strv v = {0};
    char seen[8] = "";

    (void)state;
    cl_strv_for_each(item, &v) {
        fail_msg("an item in an empty vector: %s", item);
    }
    fill(&v, "a b c");
    cl_strv_for_each(item, &v) {
        memcpy(seen + strlen(seen), item, 2);
    }
    assert_string_equal(seen, "abc");
    cl_strv_deinit(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_equal_text_is_removed_from_a_list),
        cmocka_unit_test(comparisons_accept_null),
        cmocka_unit_test(lower_casing_touches_ascii_only),
        cmocka_unit_test(a_cut_format_is_reported_and_ends_at_a_whole_character),
        cmocka_unit_test(numbers_are_digits_only_and_bounded),
        cmocka_unit_test(foreign_text_loses_what_could_harm),
        cmocka_unit_test(long_foreign_text_is_cut_with_an_ellipsis),
        cmocka_unit_test(base64url_has_no_padding),
        cmocka_unit_test(decoding_accepts_both_alphabets_and_right_padding_only),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(secrets_compare_by_content),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(a_typing_slip_gets_a_suggestion_and_nonsense_none),
        cmocka_unit_test(splitting_drops_empty_parts_and_joining_puts_them_together),
        cmocka_unit_test(deduplication_keeps_the_first_of_each),
        cmocka_unit_test(vectors_compare_as_lists_and_as_sets),
        cmocka_unit_test(iteration_visits_each_item_once_and_accepts_an_empty_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
