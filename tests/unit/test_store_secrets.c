/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: found where people put them, trimmed and masked; and a spec's author reads nothing that
 * the Configuration does not name. */
#include "backends/store/secrets.h"
#include "spec/base/cl_log.h"
#include "tests/unit/store_fixture.h"

static int read_ref(const struct store_test *t, const struct config *c, const char *ns,
                    struct secret_ref ref, struct cl_buf *ret, struct cl_err *err)
{
    return secret_read(&t->paths, c, ns, &ref, "tls.key", ret, NULL, err);
}

static char *lent(const char *text)
{
    static char ring[4][300];
    static unsigned next;
    char *buf = ring[next++ % 4];

    (void)cl_format(buf, 300, "%s", text);
    return buf;
}

static void assert_value(const struct store_test *t, const struct config *c, const char *ns,
                         struct secret_ref ref, const char *wanted)
{
    struct cl_buf b = {0};
    struct cl_err err = {0};

    if (read_ref(t, c, ns, ref, &b, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
    assert_string_equal(cl_buf_str(&b), wanted);
    assert_true(b.secret);
    cl_buf_deinit(&b);
}

static void assert_refused(const struct store_test *t, const struct config *c,
                           struct secret_ref ref, const char *reason, const char *part)
{
    struct cl_buf b = {0};
    struct cl_err err = {0};

    assert_int_equal(read_ref(t, c, "", ref, &b, &err), -1);
    assert_string_equal(err.reason, reason);
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
    assert_has(err.text, part);
    assert_null(b.data);
}

static void the_namespace_comes_before_the_plain_name(void **state)
{
    const struct store_test *t = *state;
    struct secret_ref ref = {.name = lent("acct"), .key = lent("token")};

    put(t, "secrets/acct/token", "plain-token\n", 0600);
    put(t, "secrets/web/acct/token", "namespaced\r\n\n", 0600);
    assert_value(t, NULL, "web", ref, "namespaced");
    assert_value(t, NULL, "other", ref, "plain-token");
    assert_value(t, NULL, "", ref, "plain-token");
}

static void the_default_key_is_used_when_none_is_given(void **state)
{
    const struct store_test *t = *state;

    put(t, "secrets/acct/tls.key", "  spaces stay ", 0600);
    assert_value(t, NULL, "", (struct secret_ref){.name = lent("acct")}, "  spaces stay ");
}

static void a_mounted_secret_of_links_within_the_directory_is_read(void **state)
{
    const struct store_test *t = *state;

    put(t, "secrets/acct/..2026/token", "mounted-value", 0600);
    assert_int_equal(symlink("..2026", below(t, "secrets/acct/..data")), 0);
    assert_int_equal(symlink("..data/token", below(t, "secrets/acct/token")), 0);
    assert_value(t, NULL, "", (struct secret_ref){.name = lent("acct"), .key = lent("token")},
                 "mounted-value");
}

static void a_missing_secret_names_every_place_that_was_looked_at(void **state)
{
    const struct store_test *t = *state;
    struct secret_ref ref = {.name = lent("acct"), .key = lent("token")};
    struct cl_buf b = {0};
    struct cl_err err = {0};

    assert_int_equal(read_ref(t, NULL, "web", ref, &b, &err), -1);
    assert_string_equal(err.reason, "SecretNotFound");
    assert_has(err.text, below(t, "secrets/web/acct/token"));
    assert_has(err.text, below(t, "secrets/acct/token"));
}

static void nothing_leads_out_of_the_secrets_directory(void **state)
{
    const struct store_test *t = *state;

    put(t, "outside", "root:x:0:0", 0600);
    put(t, "secrets/acct/x", "x", 0600);
    assert_int_equal(symlink(below(t, "outside"), below(t, "secrets/acct/abs")), 0);
    assert_int_equal(symlink("../../outside", below(t, "secrets/acct/rel")), 0);
    assert_refused(t, NULL, (struct secret_ref){.name = lent("acct"), .key = lent("abs")},
                   "SecretForbidden", "leads out");
    assert_refused(t, NULL, (struct secret_ref){.name = lent("acct"), .key = lent("rel")},
                   "SecretForbidden", "leads out");
    assert_refused(t, NULL, (struct secret_ref){.name = lent(".."), .key = lent("../outside")},
                   "SecretForbidden", "leads out");
    assert_refused(t, NULL, (struct secret_ref){.name = lent("acct"), .key = lent("../../outside")},
                   "SecretForbidden", "leads out");
}

static void a_file_must_lie_below_a_root_of_the_configuration(void **state)
{
    const struct store_test *t = *state;
    struct config c = {0};
    struct secret_ref ref = {.file = lent(below(t, "extra/deep/token"))};

    put(t, "extra/deep/token", "from-a-file", 0600);
    put(t, "extra-not/token", "sibling", 0600);
    put(t, "secrets/acct/token", "inside-secrets", 0600);
    assert_refused(t, NULL, ref, "SecretForbidden", "secretRoots");
    assert_refused(t, &c, ref, "SecretForbidden", "secretRoots");
    cl_strv_add(&c.secret_roots, below(t, "extra/"));
    assert_value(t, &c, "", ref, "from-a-file");
    assert_value(t, &c, "", (struct secret_ref){.file = lent(below(t, "secrets/acct/token"))},
                 "inside-secrets");
    assert_refused(t, &c, (struct secret_ref){.file = lent(below(t, "extra-not/token"))},
                   "SecretForbidden", "secretRoots");
    assert_refused(t, &c, (struct secret_ref){.file = lent(below(t, "extra/../extra-not/token"))},
                   "SecretForbidden", "leads out");
    assert_refused(t, &c, (struct secret_ref){.file = lent(below(t, "extra/none"))},
                   "SecretNotFound", "extra//none");
    cl_strv_deinit(&c.secret_roots);
}

static void an_environment_variable_must_be_allowed(void **state)
{
    const struct store_test *t = *state;
    struct config c = {0};
    struct secret_ref ref = {.env = lent("CERTLOOP_TEST_SECRET")};

    assert_int_equal(setenv("CERTLOOP_TEST_SECRET", "env-value\n", 1), 0);
    assert_refused(t, NULL, ref, "SecretForbidden", "secretEnv");
    assert_refused(t, &c, ref, "SecretForbidden", "CERTLOOP_TEST_SECRET");
    cl_strv_add(&c.secret_env, "CERTLOOP_TEST_SECRET");
    assert_value(t, &c, "", ref, "env-value");
    assert_int_equal(unsetenv("CERTLOOP_TEST_SECRET"), 0);
    assert_refused(t, &c, ref, "SecretNotFound", "CERTLOOP_TEST_SECRET");
    cl_strv_deinit(&c.secret_env);
}

static void a_credential_comes_from_the_service_manager(void **state)
{
    const struct store_test *t = *state;
    struct secret_ref ref = {.credential = lent("eab")};

    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_refused(t, NULL, ref, "SecretNotFound", "LoadCredential");
    put(t, "cred/eab", "cred-value", 0400);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", below(t, "cred"), 1), 0);
    assert_value(t, NULL, "", ref, "cred-value");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void a_mode_wider_than_0640_is_noted(void **state)
{
    const struct store_test *t = *state;
    struct secret_ref ref = {.name = lent("acct"), .key = lent("token")};
    struct cl_buf b = {0};
    char *note = NULL;

    put(t, "secrets/acct/token", "long-enough", 0640);
    assert_int_equal(secret_read(&t->paths, NULL, "", &ref, "k", &b, &note, NULL), 0);
    assert_null(note);
    cl_buf_deinit(&b);
    assert_int_equal(chmod(below(t, "secrets/acct/token"), 0644), 0);
    assert_int_equal(secret_read(&t->paths, NULL, "", &ref, "k", &b, &note, NULL), 0);
    assert_has(note, "0644");
    assert_has(note, "secrets/acct/token");
    cl_free(note);
    cl_buf_deinit(&b);
}

static void a_directory_or_fifo_is_no_secret(void **state)
{
    const struct store_test *t = *state;
    struct secret_ref ref = {.name = lent("acct"), .key = lent("pipe")};
    struct cl_buf b = {0};
    struct cl_err err = {0};

    put(t, "secrets/acct/x", "x", 0600);
    assert_int_equal(mkfifo(below(t, "secrets/acct/pipe"), 0600), 0);
    assert_int_equal(read_ref(t, NULL, "", ref, &b, &err), -1);
    assert_string_equal(err.reason, "NotARegularFile");
}

static void what_was_read_is_masked_in_text_from_then_on(void **state)
{
    const struct store_test *t = *state;
    char text[] = "token is very-secret-value-1 here";

    put(t, "secrets/acct/tls.key", "very-secret-value-1\n", 0600);
    assert_value(t, NULL, "", (struct secret_ref){.name = lent("acct")}, "very-secret-value-1");
    cl_log_redact(text);
    assert_has_not(text, "very-secret-value-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(the_namespace_comes_before_the_plain_name),
        store_test(the_default_key_is_used_when_none_is_given),
        store_test(a_mounted_secret_of_links_within_the_directory_is_read),
        store_test(a_missing_secret_names_every_place_that_was_looked_at),
        store_test(nothing_leads_out_of_the_secrets_directory),
        store_test(a_file_must_lie_below_a_root_of_the_configuration),
        store_test(an_environment_variable_must_be_allowed),
        store_test(a_credential_comes_from_the_service_manager),
        store_test(a_mode_wider_than_0640_is_noted),
        store_test(a_directory_or_fifo_is_no_secret),
        store_test(what_was_read_is_masked_in_text_from_then_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
