/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: names that cannot collide, folders with the modes of SECURITY.md, and a
 * format number that keeps an older program off a newer state. */
#include "tests/unit/store_fixture.h"

static void assert_path(const struct store_test *t, char *take_path, const char *relative)
{
    assert_string_equal(take_path, below(t, relative));
    cl_free(take_path);
}

static void every_kind_of_file_has_its_place(void **state)
{
    const struct store_test *t = *state;
    const struct paths *p = &t->paths;

    assert_path(t, paths_archive(p, "web"), "state/archive/web");
    assert_path(t, paths_memory(p, "ns_web", SPEC_CERTIFICATE), "state/memory/ns_web.json");
    assert_path(t, paths_memory(p, "le", SPEC_ISSUER), "state/memory/_issuers/le.json");
    assert_path(t, paths_status(p, "", "web", SPEC_CERTIFICATE), "state/status/web.json");
    assert_path(t, paths_status(p, "ns", "web", SPEC_CERTIFICATE), "state/status/ns/web.json");
    assert_path(t, paths_status(p, "", "le", SPEC_ISSUER), "state/status/issuers/le.json");
    assert_path(t, paths_status(p, "", "le", SPEC_CLUSTER_ISSUER), "state/status/issuers/le.json");
    assert_path(t, paths_status(p, "ns", "le", SPEC_ISSUER), "state/status/issuers/ns_le.json");
    assert_path(t, paths_status_file(p, "web.yaml"), "state/status/_files/web.yaml.json");
    assert_path(t, paths_state(p, "ledger/x"), "state/ledger/x");
    assert_path(t, paths_live(p, "web"), "state/live/web");
    assert_path(t, paths_account(p, "le"), "state/accounts/le");
}

static void a_file_of_a_sub_directory_and_a_very_long_one_have_one_name(void **state)
{
    const struct store_test *t = *state;
    char name[600];

    assert_path(t, paths_status_file(&t->paths, "team/a%b.yaml"),
                "state/status/_files/team%2Fa%25b.yaml.json");
    memset(name, 'n', sizeof(name) - 2);
    name[sizeof(name) - 2] = 'a';
    name[sizeof(name) - 1] = '\0';
    char *a = paths_status_file(&t->paths, name);
    name[sizeof(name) - 2] = 'b';
    char *b = paths_status_file(&t->paths, name);
    assert_string_not_equal(a, b);
    assert_true(strlen(strrchr(a, '/')) < 255);
    cl_free(a);
    cl_free(b);
}

static void preparing_makes_all_folders_with_their_modes_whatever_the_umask(void **state)
{
    const struct store_test *t = *state;
    static const struct {
        const char *name;
        unsigned mode;
    } WANTED[] = {
        {"state", 0711},          {"state/archive", 0700}, {"state/accounts", 0700},
        {"state/memory", 0700},   {"state/ledger", 0700},  {"state/ca", 0700},
        {"state/dns", 0700},      {"state/journal", 0700}, {"state/status", 0755},
        {"state/requests", 0770}, {"state/live", 0755},    {"state/memory/_issuers", 0700},
        {"state/schema", 0644},
    };
    struct cl_strv notes = {0};
    mode_t old = umask(077);

    assert_int_equal(paths_prepare(&t->paths, &notes, NULL), 0);
    (void)umask(old);
    for (size_t i = 0; i < COUNT(WANTED); i++) {
        assert_int_equal(mode_of(t, WANTED[i].name), WANTED[i].mode);
    }
    assert_int_equal(notes.len, 0);
    assert_int_equal(paths_prepare(&t->paths, &notes, NULL), 0);
    assert_int_equal(notes.len, 0);
    assert_int_equal(paths_check_schema(&t->paths, NULL), 0);
}

static void what_is_wider_is_tightened_and_named_what_is_narrower_stays(void **state)
{
    const struct store_test *t = *state;
    struct cl_strv notes = {0};

    assert_int_equal(paths_prepare(&t->paths, NULL, NULL), 0);
    assert_int_equal(chmod(below(t, "state/archive"), 0755), 0);
    assert_int_equal(chmod(below(t, "state/live"), 0700), 0);
    assert_int_equal(paths_prepare(&t->paths, &notes, NULL), 0);
    assert_int_equal(mode_of(t, "state/archive"), 0700);
    assert_int_equal(mode_of(t, "state/live"), 0700);
    assert_int_equal(notes.len, 1);
    assert_has(notes.items[0], "state/archive had mode 0755");
    cl_strv_deinit(&notes);
}

static void a_file_where_a_folder_belongs_is_an_error(void **state)
{
    const struct store_test *t = *state;
    struct cl_err err = {0};

    put(t, "state/archive", "x", 0600);
    assert_int_equal(paths_prepare(&t->paths, NULL, &err), -1);
    assert_string_equal(err.reason, "StateUnusable");
}

static void the_format_number_decides_whether_the_state_may_be_used(void **state)
{
    const struct store_test *t = *state;
    static const struct {
        const char *text, *reason;
    } CASES[] = {{"1\n", NULL},          {"1", NULL},
                 {"2\n", "StateTooNew"}, {"0\n", "StateCorrupt"},
                 {"", "StateCorrupt"},   {"one", "StateCorrupt"},
                 {"-1", "StateCorrupt"}, {"1 x", "StateCorrupt"}};

    assert_int_equal(paths_check_schema(&t->paths, NULL), 0); /* nothing there yet */
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = {0};
        put(t, "state/schema", CASES[i].text, 0644);
        int rc = paths_check_schema(&t->paths, &err);
        assert_int_equal(rc, CASES[i].reason == NULL ? 0 : -1);
        assert_string_equal(err.reason, CASES[i].reason == NULL ? "" : CASES[i].reason);
        if (rc < 0) {
            assert_has(err.text, "state/schema");
        }
    }
    /* and preparing does not write over it */
    put(t, "state/schema", "7\n", 0644);
    assert_int_equal(paths_prepare(&t->paths, NULL, NULL), 0);
    char *text = get(t, "state/schema");
    assert_string_equal(text, "7\n");
    cl_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(every_kind_of_file_has_its_place),
        store_test(a_file_of_a_sub_directory_and_a_very_long_one_have_one_name),
        store_test(preparing_makes_all_folders_with_their_modes_whatever_the_umask),
        store_test(what_is_wider_is_tightened_and_named_what_is_narrower_stays),
        store_test(a_file_where_a_folder_belongs_is_an_error),
        store_test(the_format_number_decides_whether_the_state_may_be_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
