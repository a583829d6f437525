/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the small files of spec/base: allocation, errors, buffers, hash, random, log. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_err.h"
#include "spec/base/cl_hash.h"
#include "spec/base/cl_list.h"
#include "spec/base/cl_log.h"
#include "spec/base/cl_rng.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- cl_alloc ---- */

static jmp_buf out_of_memory;
static size_t failed_size;

static void *refuse(void *p, size_t size)
{
    (void)p;
    (void)size;
    return NULL;
}

static void jump_out(size_t size)
{
    failed_size = size;
    longjmp(out_of_memory, 1);
}

static void running_out_of_memory_calls_the_failure_function(void **state)
{
    const struct cl_alloc_funcs funcs = {.realloc = refuse, .failed = jump_out};
    const struct cl_alloc_funcs defaults = {0};

    (void)state;
    cl_alloc_set(&funcs);
    if (setjmp(out_of_memory) == 0) {
        cl_free(cl_malloc(123));
    }
    cl_alloc_set(&defaults);
    assert_int_equal(failed_size, 123);
}

static void a_product_that_overflows_is_a_failure(void **state)
{
    const struct cl_alloc_funcs funcs = {.failed = jump_out};
    const struct cl_alloc_funcs defaults = {0};
    volatile size_t huge = SIZE_MAX / 2; /* volatile: the compiler would refuse the call */

    (void)state;
    failed_size = 0;
    cl_alloc_set(&funcs);
    if (setjmp(out_of_memory) == 0) {
        cl_free(cl_calloc(huge, 4));
    }
    cl_alloc_set(&defaults);
    assert_true(failed_size == SIZE_MAX);
}

static void size_zero_is_allowed_and_new_objects_are_zeroed(void **state)
{
    void *p = cl_malloc(0);
    uint64_t *n = cl_new(uint64_t);

    (void)state;
    p = cl_realloc(p, 0);
    assert_non_null(p);
    assert_true(*n == 0);
    cl_free(p);
    cl_free(n);
    cl_free(NULL);
}

enum { KEPT = 3000 };

static void what_is_kept_is_zeroed_and_its_own(void **state)
{
    static const size_t SIZES[] = {1, 15, 16, 17, 100, 560, 1024, 1025, 100000};
    static char *kept[KEPT];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < KEPT; i++) {
            size_t size = SIZES[i % (sizeof(SIZES) / sizeof(SIZES[0]))];
            kept[i] = cl_keep(size);
            for (size_t k = 0; k < size; k++) {
                assert_int_equal(kept[i][k], 0);
            }
            memset(kept[i], (int)(i % 255) + 1, size);
        }
        for (size_t i = 0; i < KEPT; i++) {
            size_t size = SIZES[i % (sizeof(SIZES) / sizeof(SIZES[0]))];
            for (size_t k = 0; k < size; k++) {
                assert_int_equal((unsigned char)kept[i][k], i % 255 + 1);
            }
            cl_free(kept[i]);
        }
    }
}

static void a_text_is_kept_as_it_is(void **state)
{
    char *text = cl_keep_dup("web.example.org");
    char *empty = cl_keep_dup("");

    (void)state;
    assert_string_equal(text, "web.example.org");
    assert_string_equal(empty, "");
    assert_null(cl_keep_dup(NULL));
    cl_free(text);
    cl_free(empty);
}

/* ---- cl_err ---- */

static void a_failure_fills_the_error_and_returns_minus_one(void **state)
{
    struct cl_err err = {.http_status = 500};

    (void)state;
    assert_int_equal(cl_fail(&err, CL_ERR_SPEC, "Bad", "line %d", 7), -1);
    assert_int_equal(err.kind, CL_ERR_SPEC);
    assert_int_equal(err.http_status, 0);
    assert_string_equal(err.reason, "Bad");
    assert_string_equal(err.text, "line 7");
    assert_int_equal(cl_fail(NULL, CL_ERR_SPEC, "Bad", "line %d", 7), -1);
}

static void an_error_can_be_made_of_its_own_text(void **state)
{
    struct cl_err err;

    (void)state;
    (void)cl_fail(&err, CL_ERR_SPEC, "Bad", "inner");
    (void)cl_fail(&err, CL_ERR_LOCAL, err.reason, "outer (%s)", err.text);
    assert_string_equal(err.reason, "Bad");
    assert_string_equal(err.text, "outer (inner)");
    cl_wrap(&err, "load %s", err.reason);
    assert_string_equal(err.text, "load Bad: outer (inner)");
    cl_wrap(NULL, "nothing");
}

static void a_long_text_is_cut(void **state)
{
    struct cl_err err;
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)cl_fail(&err, CL_ERR_SPEC, text, "%s", text);
    assert_int_equal(strlen(err.reason), CL_ERR_REASON - 1);
    assert_int_equal(strlen(err.text), CL_ERR_TEXT - 1);
    cl_wrap(&err, "%s", "context");
    assert_true(cl_str_starts(err.text, "context: xxx"));
}

static void a_system_error_is_local_and_says_why(void **state)
{
    struct cl_err err;

    (void)state;
    assert_int_equal(cl_fail_errno(&err, ENOENT, "ReadFailed", "read %s", "/x"), -1);
    assert_int_equal(err.kind, CL_ERR_LOCAL);
    assert_string_equal(err.text, "read /x: No such file or directory");
}

static void every_kind_has_a_name_that_leads_back(void **state)
{
    (void)state;
    for (int i = 0; i < CL_ERR_KINDS; i++) {
        assert_int_equal(cl_err_kind_from_name(cl_err_kind_name((enum cl_err_kind)i)), i);
    }
    assert_int_equal(cl_err_kind_from_name("nonsense"), CL_ERR_NONE);
    assert_int_equal(cl_err_kind_from_name(NULL), CL_ERR_NONE);
}

/* ---- cl_buf ---- */

static void a_buffer_stops_at_its_maximum_and_stays_as_it_was(void **state)
{
    struct cl_buf b;

    (void)state;
    cl_buf_init(&b, 5);
    assert_string_equal(cl_buf_str(&b), "");
    assert_int_equal(cl_buf_adds(&b, "abc"), 0);
    assert_int_equal(cl_buf_adds(&b, "def"), -1);
    assert_int_equal(cl_buf_addf(&b, "%d", 123), -1);
    assert_string_equal(cl_buf_str(&b), "abc");
    assert_int_equal(cl_buf_addf(&b, "%d", 12), 0);
    assert_string_equal(b.data, "abc12");
    assert_int_equal(b.len, 5);
    cl_buf_reset(&b);
    assert_string_equal(b.data, "");
    cl_buf_deinit(&b);
    cl_buf_deinit(&b);
}

static void a_buffer_grows_and_hands_its_memory_over(void **state)
{
    struct cl_buf b;

    (void)state;
    cl_buf_init_secret(&b, 100000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(cl_buf_addf(&b, "%d", i % 10), 0);
    }
    char *text = cl_buf_take(&b);
    assert_int_equal(strlen(text), 10000);
    assert_true(cl_str_ends(text, "789"));
    cl_free_secret(text);
    cl_free_secret(NULL);
    text = cl_buf_take(&b);
    assert_string_equal(text, "");
    cl_free(text);
    assert_int_equal(cl_buf_add(&b, "a\0b", 3), 0);
    assert_memory_equal(b.data, "a\0b", 4);
    cl_buf_deinit(&b);
}

/* ---- cl_hash, cl_rng, cl_list ---- */

static void sha_256_gives_the_standard_s_answer(void **state)
{
    char hex[CL_SHA256_TEXT];

    (void)state;
    assert_string_equal(cl_sha256_hex("abc", 3, hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(cl_sha256_hex(NULL, 0, hex),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void random_numbers_are_reproducible_and_in_range(void **state)
{
    struct cl_rng a;
    struct cl_rng b;
    bool seen[3] = {false, false, false};

    (void)state;
    cl_rng_seed(&a, cl_rng_hash("web"));
    cl_rng_seed(&b, cl_rng_hash("web"));
    for (int i = 0; i < 100; i++) {
        int64_t n = cl_rng_between(&a, -1, 1);

        assert_in_range(n + 1, 0, 2);
        seen[n + 1] = true;
        assert_int_equal(cl_rng_between(&b, -1, 1), n);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_int_equal(cl_rng_between(&a, 5, 4), 5);
    (void)cl_rng_next(&b);
    (void)cl_rng_between(&a, INT64_MIN, INT64_MAX);
    (void)cl_rng_next(&b);
    assert_true(cl_rng_next(&a) == cl_rng_next(&b)); /* one draw a call, whatever the range */
}

static void a_list_is_iterated_in_order_while_nodes_leave(void **state)
{
    struct cl_list head;
    struct cl_list nodes[3] = {{NULL, NULL}};
    size_t i = 0;

    (void)state;
    cl_list_init(&head);
    cl_list_remove(&nodes[0]); /* a zeroed one */
    for (size_t k = 0; k < 3; k++) {
        cl_list_add_tail(&head, &nodes[k]);
    }
    cl_list_for_each(n, &head) {
        assert_ptr_equal(n, &nodes[i++]);
        cl_list_remove(n);
    }
    assert_int_equal(i, 3);
    assert_true(cl_list_empty(&head));
}

/* ---- cl_log ---- */

struct captured {
    int lines;
    enum cl_log_level level;
    char object[64], reason[64], text[256];
};

static void capture(void *user, enum cl_log_level level, const char *object, const char *reason,
                    const char *text)
{
    struct captured *c = user;

    c->lines++;
    c->level = level;
    (void)cl_format(c->object, sizeof(c->object), "%s", object);
    (void)cl_format(c->reason, sizeof(c->reason), "%s", reason);
    (void)cl_format(c->text, sizeof(c->text), "%s", text);
}

static void without_a_sink_nothing_is_enabled(void **state)
{
    (void)state;
    cl_log_set_sink(NULL, NULL, CL_LOG_DEBUG);
    assert_false(cl_log_enabled(CL_LOG_ERROR));
    cl_log(CL_LOG_ERROR, NULL, NULL, "nobody hears this");
}

static void a_line_reaches_the_sink_clean_and_without_secrets(void **state)
{
    struct captured c = {0};

    (void)state;
    cl_log_set_sink(capture, &c, CL_LOG_INFO);
    cl_log_mask("hunter2hunter2");
    cl_log_mask("short");
    cl_log(CL_LOG_DEBUG, "web", "Reason", "too verbose");
    assert_int_equal(c.lines, 0);
    cl_log(CL_LOG_INFO, "web", NULL, "a hunter2hunter2 b hunter2hunter2hunter2 short\n");
    cl_log_set_sink(NULL, NULL, CL_LOG_ERROR);
    assert_int_equal(c.lines, 1);
    assert_int_equal(c.level, CL_LOG_INFO);
    assert_string_equal(c.object, "web");
    assert_string_equal(c.reason, "");
    assert_string_equal(c.text, "a *** b ***hunter2 short\\x0A");
}

static void redaction_works_in_place(void **state)
{
    char text[] = "hunter2hunter2hunter2hunter2";
    char plain[] = "nothing here";

    (void)state;
    cl_log_mask("hunter2hunter2");
    cl_log_redact(text);
    assert_string_equal(text, "******");
    cl_log_redact(plain);
    assert_string_equal(plain, "nothing here");
}

static void levels_have_names(void **state)
{
    enum cl_log_level level = CL_LOG_ERROR;

    (void)state;
    assert_int_equal(cl_log_level_parse("debug", &level), 0);
    assert_int_equal(level, CL_LOG_DEBUG);
    assert_int_equal(cl_log_level_parse("loud", &level), -1);
    assert_int_equal(cl_log_level_parse(NULL, &level), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_out_of_memory_calls_the_failure_function),
        cmocka_unit_test(a_product_that_overflows_is_a_failure),
        cmocka_unit_test(size_zero_is_allowed_and_new_objects_are_zeroed),
        cmocka_unit_test(what_is_kept_is_zeroed_and_its_own),
        cmocka_unit_test(a_text_is_kept_as_it_is),
        cmocka_unit_test(a_failure_fills_the_error_and_returns_minus_one),
        cmocka_unit_test(an_error_can_be_made_of_its_own_text),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(a_system_error_is_local_and_says_why),
        cmocka_unit_test(every_kind_has_a_name_that_leads_back),
        cmocka_unit_test(a_buffer_stops_at_its_maximum_and_stays_as_it_was),
        cmocka_unit_test(a_buffer_grows_and_hands_its_memory_over),
        cmocka_unit_test(sha_256_gives_the_standard_s_answer),
        cmocka_unit_test(random_numbers_are_reproducible_and_in_range),
        cmocka_unit_test(a_list_is_iterated_in_order_while_nodes_leave),
        cmocka_unit_test(without_a_sink_nothing_is_enabled),
        cmocka_unit_test(a_line_reaches_the_sink_clean_and_without_secrets),
        cmocka_unit_test(redaction_works_in_place),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
