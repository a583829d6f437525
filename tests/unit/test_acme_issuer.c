/* SPDX-License-Identifier: Apache-2.0 */
/* The whole ACME Issuer against a model CA on loopback, which behaves and misbehaves. */
#include "tests/unit/acme_ca_fixture.h"

static unsigned mode_of(const struct ca_test *t, const char *name)
{
    char *path = cl_printf("%s/accounts/le/%s", t->dir, name);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    cl_free(path);
    return (unsigned)st.st_mode & 07777u;
}

static void from_nothing_to_a_certificate(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    assert_int_equal(ca_facts(t).credentials, CREDENTIALS_UNKNOWN);
    ca_step(t, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_ok(t);
    assert_int_equal(ca_facts(t).credentials, CREDENTIALS_TO_MAKE);
    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_ok(t);
    assert_true(ca_facts(t).directory_at != 0);
    assert_false(ca_facts(t).account_ok);
    ca_step(t, ISSUER_STEP_ACCOUNT);
    assert_ok(t);
    assert_true(ca_facts(t).account_ok);
    assert_int_equal(ca_facts(t).credentials, CREDENTIALS_OK);
    assert_int_equal(mode_of(t, "key.pem"), 0600);
    assert_int_equal(mode_of(t, "account.json"), 0600);
    assert_true(cl_str_starts(ca_facts(t).identity, "acme:http://127.0.0.1:"));

    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_ok(&i);
    assert_string_equal(i.issue.fullchain_pem, CA_CHAIN);
    assert_non_null(strstr(i.issue.used_order_url, "/order/1"));
    assert_non_null(strstr(i.issue.used_account_url, "/acct/1"));
    assert_int_equal(i.saves, 1);
    assert_true(i.changes > 3);
    assert_null(acme_issuer_ops.view(t->issuer, &i.issue));
    assert_int_equal(ca_count(t, "HEAD /nonce"), 1); /* the rest came with replies */
    assert_int_equal(ca_count(t, "POST /"), 1 + 6);  /* valid at finalize: one poll less */
    issued_free(&i);

    json_t *d = acme_issuer_ops.details(t->issuer);
    json_t *acme = json_object_get(d, "acme");
    assert_non_null(strstr(json_string_value(json_object_get(acme, "uri")), "/acct/1"));
    assert_string_equal(json_string_value(json_object_get(acme, "lastRegisteredEmail")),
                        "ops@example.org");
    assert_int_equal(strlen(json_string_value(json_object_get(acme, "lastPrivateKeyHash"))), 64);
    json_decref(d);
}

static void after_a_restart_no_account_is_made(void **state)
{
    struct ca_test *t = *state;

    ca_prepare(t);
    acme_issuer_ops.destroy(t->issuer);
    ca_create_issuer(t);
    ca_prepare(t);
    assert_int_equal(ca_count(t, "POST /acct"), 1);
    assert_int_equal(ca_count(t, "POST /"), 1);
}

static void a_lost_account_document_asks_again_with_the_same_key(void **state)
{
    struct ca_test *t = *state;
    struct cl_err err = {0};
    char *path = cl_printf("%s/accounts/le/account.json", t->dir);

    ca_prepare(t);
    acme_issuer_ops.destroy(t->issuer);
    assert_int_equal(disk_write(path, "{damaged", 8, 0600, &err), 0);
    ca_create_issuer(t);
    ca_prepare(t);
    json_t *first = ca_header_of(t, "POST /acct", 0);
    json_t *second = ca_header_of(t, "POST /acct", 1);
    assert_true(json_equal(json_object_get(first, "jwk"), json_object_get(second, "jwk")));
    json_decref(first);
    json_decref(second);
    cl_free(path);
}

static void a_key_that_may_not_be_generated_is_missing(void **state)
{
    struct ca_test *t = *state;

    t->issuer_spec.acme.disable_account_key_generation = true;
    ca_step(t, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_err(t->err, CL_ERR_PERMANENT, "AccountKeyMissing");
    assert_int_equal(ca_facts(t).credentials, CREDENTIALS_MISSING);
    assert_string_equal(ca_facts(t).problem.reason, "AccountKeyMissing");
}

static void a_ca_bundle_that_cannot_be_read_is_permanent(void **state)
{
    struct ca_test *t = *state;

    t->issuer_spec.acme.ca_bundle_file = cl_printf("%s/no-such-file", t->dir);
    ca_step(t, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_int_equal(t->err.kind, CL_ERR_PERMANENT);
    cl_free(t->issuer_spec.acme.ca_bundle_file);
    t->issuer_spec.acme.ca_bundle_file = NULL;
}

static void steps_that_do_not_apply_do_nothing(void **state)
{
    struct ca_test *t = *state;

    ca_step(t, ISSUER_STEP_NONE);
    assert_ok(t);
    ca_step(t, ISSUER_STEP_ACCOUNT);
    assert_err(t->err, CL_ERR_TRANSIENT, "IssuerNotReady");
}

static void a_step_can_be_cancelled(void **state)
{
    struct ca_test *t = *state;

    ca_op_prepare(t);
    acme_issuer_ops.step(t->issuer, ISSUER_STEP_LOAD_CREDENTIALS, &t->op);
    cl_op_cancel(&t->op);
    net_wait(&t->net, ca_is_done, t);
    assert_int_equal(t->err.kind, CL_ERR_CANCELLED);
    assert_int_equal(ca_facts(t).problem.kind, CL_ERR_NONE);

    ca_twist(t, (struct twist){.method_and_path = "GET /dir", .times = 1, .silent = true});
    ca_op_prepare(t);
    acme_issuer_ops.step(t->issuer, ISSUER_STEP_DIRECTORY, &t->op);
    while (ca_count(t, "GET /dir") == 0) {
        ca_turns(t, 1);
    }
    cl_op_cancel(&t->op);
    net_wait(&t->net, ca_is_done, t);
    assert_int_equal(t->err.kind, CL_ERR_CANCELLED);
}

/* ---- the directory ---- */

static void what_is_no_directory_is_a_named_failure(void **state)
{
    static const struct {
        const char *status, *headers, *body, *reason;
        enum cl_err_kind kind;
    } CASES[] = {
        {"200 OK", "", "<html>hello</html>", "NotJSON", CL_ERR_BAD_RESULT},
        {"200 OK", "", "{\"newNonce\":\"http://127.0.0.1/\"}", "BadURL", CL_ERR_BAD_RESULT},
        {"200 OK", "", "{\"newNonce\":\"file:///etc/passwd\"}", "BadURL", CL_ERR_BAD_RESULT},
        {"403 Forbidden", "", "no", "Refused", CL_ERR_PERMANENT},
        {"429 Too Many", "Retry-After: 100\r\n", "", "RateLimited", CL_ERR_RATE_LIMITED},
        {"302 Found", "Location: ftp://x/\r\n", "", "BadRedirect", CL_ERR_BAD_RESULT},
        {"302 Found", "", "", "BadRedirect", CL_ERR_BAD_RESULT},
    };
    struct ca_test *t = *state;

    for (size_t i = 0; i < COUNT(CASES); i++) {
        t->n_twists = 0;
        ca_twist(t, (struct twist){.method_and_path = "GET /dir",
                                   .times = 1,
                                   .status = CASES[i].status,
                                   .headers = CASES[i].headers,
                                   .body = CASES[i].body});
        ca_step(t, ISSUER_STEP_DIRECTORY);
        assert_err(t->err, CASES[i].kind, CASES[i].reason);
        assert_string_equal(ca_facts(t).problem.reason, CASES[i].reason);
        assert_int_equal(ca_facts(t).directory_at, 0);
    }
}

static void a_directory_may_redirect_but_not_for_ever(void **state)
{
    struct ca_test *t = *state;

    ca_twist(t, (struct twist){.method_and_path = "GET /dir ",
                               .times = 1,
                               .status = "307 Temporary Redirect",
                               .headers = "Location: /dir2\r\n"});
    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_ok(t);
    assert_int_equal(ca_count(t, "GET /dir2"), 1);

    ca_twist(t, (struct twist){.method_and_path = "GET /dir",
                               .times = 100,
                               .status = "301 Moved",
                               .headers = "Location: /dir\r\n"});
    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_err(t->err, CL_ERR_BAD_RESULT, "BadRedirect");
    assert_int_equal(ca_count(t, "GET /dir"), 2 + 6);
    assert_true(ca_facts(t).directory_at != 0); /* the old one stays */
}

static void acme_point_06_a_body_without_end_is_cut_off(void **state)
{
    struct ca_test *t = *state;
    struct cl_buf b;

    cl_buf_init(&b, 4 << 20);
    while (b.len < (2u << 20)) {
        (void)cl_buf_adds(&b, "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
    }
    ca_twist(t, (struct twist){
                    .method_and_path = "GET /dir", .times = 1, .status = "200 OK", .body = b.data});
    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_err(t->err, CL_ERR_BAD_RESULT, "BodyTooLarge");
    cl_buf_deinit(&b);
}

static void acme_point_10_the_clock_of_the_ca_is_compared(void **state)
{
    struct ca_test *t = *state;

    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_ok(t);
    json_t *d = acme_issuer_ops.details(t->issuer);
    json_t *dir = json_object_get(json_object_get(d, "acme"), "directory");
    assert_true(json_integer_value(json_object_get(dir, "clockSkewSeconds")) < -3600);
    json_decref(d);
}

/* ---- the account and the directory change under us ---- */

static void acme_point_12_a_lost_account_registers_again(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 1,
                               .status = "400 Bad Request",
                               .body = "{\"type\":\"" CA_URN "accountDoesNotExist\"}",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_TRANSIENT, "AccountDoesNotExist");
    assert_false(ca_facts(t).account_ok);
    assert_true(t->changed > 0);
    issued_free(&i);
    ca_step(t, ISSUER_STEP_ACCOUNT);
    assert_ok(t);
    assert_int_equal(ca_count(t, "POST /acct"), 2);
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_ok(&i);
    issued_free(&i);
}

static void a_directory_that_has_moved_is_fetched_again(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 1,
                               .status = "404 Not Found",
                               .body = "404 page not found",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_TRANSIENT, "DirectoryStale");
    assert_int_equal(ca_facts(t).directory_at, 0);
    assert_true(t->changed > 0);
    issued_free(&i);
}

static void a_new_nonce_that_is_gone_means_a_stale_directory_too(void **state)
{
    struct ca_test *t = *state;

    ca_step(t, ISSUER_STEP_LOAD_CREDENTIALS);
    ca_step(t, ISSUER_STEP_DIRECTORY);
    ca_twist(t, (struct twist){.method_and_path = "HEAD /nonce", .times = 1, .status = "404 No"});
    ca_step(t, ISSUER_STEP_ACCOUNT);
    assert_err(t->err, CL_ERR_TRANSIENT, "DirectoryStale");
    ca_twist(t, (struct twist){.method_and_path = "HEAD /nonce", .times = 1, .status = "200 OK"});
    ca_step(t, ISSUER_STEP_DIRECTORY);
    ca_step(t, ISSUER_STEP_ACCOUNT);
    assert_err(t->err, CL_ERR_BAD_RESULT, "NoNonce");
}

static void a_changed_email_address_is_told_to_the_ca(void **state)
{
    struct ca_test *t = *state;

    ca_prepare(t);
    acme_issuer_ops.destroy(t->issuer);
    cl_free(t->issuer_spec.acme.email);
    t->issuer_spec.acme.email = cl_strdup("new@example.org");
    ca_create_issuer(t);
    ca_prepare(t);
    assert_int_equal(ca_count(t, "POST /acct "), 1);
    assert_int_equal(ca_count(t, "POST /acct/1 "), 1);
    json_t *h = ca_header_of(t, "POST /acct/1 ", 0);
    assert_non_null(strstr(json_string_value(json_object_get(h, "kid")), "/acct/1"));
    json_decref(h);
}

static void an_issuer_that_is_not_ready_issues_nothing(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_TRANSIENT, "IssuerNotReady");
    issued_free(&i);
    ca_op_prepare(t);
    acme_issuer_ops.abandon(t->issuer, "https://ca.example/order/1", &t->op);
    net_wait(&t->net, ca_is_done, t);
    assert_err(t->err, CL_ERR_TRANSIENT, "IssuerNotReady");
    assert_int_equal(t->peer.accepted, 0);
}

/* ---- ending early ---- */

static void a_cancelled_issuance_ends_soon_and_keeps_its_order(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /chal/", .times = 1, .silent = true});
    issued_start(t, &i, "web");
    while (ca_count(t, "POST /chal/") == 0) {
        ca_turns(t, 1);
    }
    cl_op_cancel(&i.issue.op);
    assert_false(i.done);
    issued_wait(&i);
    assert_int_equal(i.err.kind, CL_ERR_CANCELLED);
    assert_non_null(strstr(i.issue.used_order_url, "/order/1"));
    issued_free(&i);

    issued_start(t, &i, "web"); /* and at once */
    cl_op_cancel(&i.issue.op);
    issued_wait(&i);
    assert_int_equal(i.err.kind, CL_ERR_CANCELLED);
    issued_free(&i);
}

static void an_abandoned_order_is_deactivated(void **state)
{
    struct ca_test *t = *state;
    char *url = ca_url(t, "/order/7");

    ca_prepare(t);
    ca_twist(t, (struct twist){
                    .method_and_path = "POST /order/7",
                    .times = 1,
                    .status = "200 OK",
                    .body = "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":"
                            "\"a.example\"}],\"authorizations\":[\"http://127.0.0.1:1/authz/7\"],"
                            "\"finalize\":\"http://127.0.0.1:1/fin/7\"}",
                    .with_nonce = true});
    ca_op_prepare(t);
    acme_issuer_ops.abandon(t->issuer, url, &t->op);
    cl_free(url);
    ca_turns(t, 10);
    cl_op_cancel(&t->op); /* port 1 does not answer */
    net_wait(&t->net, ca_is_done, t);
    assert_int_equal(ca_count(t, "POST /order/7"), 1);

    url = ca_url(t, "/order/8");
    ca_op_prepare(t);
    acme_issuer_ops.abandon(t->issuer, url, &t->op); /* it is valid by now */
    cl_free(url);
    net_wait(&t->net, ca_is_done, t);
    assert_ok(t);
}

static void an_order_is_resumed_by_its_url(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};
    char *url = ca_url(t, "/order/5");

    ca_prepare(t);
    issued_start(t, &i, "web");
    cl_op_cancel(&i.issue.op);
    issued_wait(&i);
    cl_free(i.issue.used_order_url);
    cl_free(i.issue.used_account_url);
    cl_free(i.issue.used_certificate_url);
    name_problems_deinit(&i.issue.names);
    json_decref(i.issue.failed_view);
    cl_strv_deinit(&i.issue.warnings);
    i.issue.order_url = url;
    i.done = false;
    acme_issuer_ops.issue(t->issuer, &i.issue);
    issued_wait(&i);
    assert_ok(&i);
    assert_int_equal(ca_count(t, "POST /order "), 0);
    assert_int_equal(ca_count(t, "POST /order/5"), 1);
    assert_string_equal(i.issue.used_order_url, url);
    issued_free(&i);
    cl_free(url);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ca_setup, ca_teardown)
    const struct CMUnitTest tests[] = {
        TEST(from_nothing_to_a_certificate),
        TEST(after_a_restart_no_account_is_made),
        TEST(a_lost_account_document_asks_again_with_the_same_key),
        TEST(a_key_that_may_not_be_generated_is_missing),
        TEST(a_ca_bundle_that_cannot_be_read_is_permanent),
        TEST(steps_that_do_not_apply_do_nothing),
        TEST(a_step_can_be_cancelled),
        TEST(what_is_no_directory_is_a_named_failure),
        TEST(a_directory_may_redirect_but_not_for_ever),
        TEST(acme_point_06_a_body_without_end_is_cut_off),
        TEST(acme_point_10_the_clock_of_the_ca_is_compared),
        TEST(acme_point_12_a_lost_account_registers_again),
        TEST(a_directory_that_has_moved_is_fetched_again),
        TEST(a_new_nonce_that_is_gone_means_a_stale_directory_too),
        TEST(a_changed_email_address_is_told_to_the_ca),
        TEST(an_issuer_that_is_not_ready_issues_nothing),
        TEST(a_cancelled_issuance_ends_soon_and_keeps_its_order),
        TEST(an_abandoned_order_is_deactivated),
        TEST(an_order_is_resumed_by_its_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
