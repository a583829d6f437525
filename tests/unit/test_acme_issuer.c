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

/* The protected header of the n-th request (from 0) that begins with @line; owned. */
static json_t *header_of(const struct ca_test *t, const char *line, unsigned n)
{
    json_t *header = NULL;

    cl_strv_for_each(r, &t->peer.requests) {
        if (cl_str_starts(r, line) && n-- == 0) {
            json_t *jws = json_loads(strstr(r, "\r\n\r\n") + 4, 0, NULL);
            const char *text = json_string_value(json_object_get(jws, "protected"));
            unsigned char *raw;
            size_t len;
            assert_int_equal(cl_base64_decode(text, strlen(text), &raw, &len), 0);
            header = json_loadb((char *)raw, len, 0, NULL);
            cl_free(raw);
            json_decref(jws);
            break;
        }
    }
    assert_non_null(header);
    return header;
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
    json_t *first = header_of(t, "POST /acct", 0);
    json_t *second = header_of(t, "POST /acct", 1);
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

static void point_06_a_body_without_end_is_cut_off(void **state)
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

static void point_10_the_clock_of_the_ca_is_compared(void **state)
{
    struct ca_test *t = *state;

    ca_step(t, ISSUER_STEP_DIRECTORY);
    assert_ok(t);
    json_t *d = acme_issuer_ops.details(t->issuer);
    json_t *dir = json_object_get(json_object_get(d, "acme"), "directory");
    assert_true(json_integer_value(json_object_get(dir, "clockSkewSeconds")) < -3600);
    json_decref(d);
}

/* ---- transport ---- */

static void point_01_bad_nonce_is_retried_with_the_nonce_of_the_error(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 2,
                               .status = "400 Bad Request",
                               .headers = "Content-Type: application/problem+json\r\n",
                               .body = "{\"type\":\"" CA_URN "badNonce\"}",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    while (ca_count(t, "POST /order ") < 1) {
        ca_turns(t, 1);
    }
    char *given = cl_strdup(t->last_nonce);
    issued_wait(&i);
    assert_ok(&i);
    assert_int_equal(ca_count(t, "POST /order "), 3);
    json_t *again = header_of(t, "POST /order ", 1);
    assert_string_equal(json_string_value(json_object_get(again, "nonce")), given);
    json_decref(again);
    cl_free(given);
    issued_free(&i);
}

static void point_01_bad_nonces_without_end_are_a_passing_failure(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 100,
                               .status = "400 Bad Request",
                               .body = "{\"type\":\"" CA_URN "badNonce\"}",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_TRANSIENT, "BadNonce");
    assert_int_equal(ca_count(t, "POST /order "), 6);
    issued_free(&i);
}

static void point_02_a_reply_without_a_nonce_costs_one_new_nonce(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /chal/",
                               .times = 1,
                               .status = "200 OK",
                               .body = "{}",
                               .with_nonce = false});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_ok(&i);
    assert_int_equal(ca_count(t, "HEAD /nonce"), 2);
    issued_free(&i);
}

static void point_03_requests_are_jose_json_with_a_user_agent(void **state)
{
    struct ca_test *t = *state;

    ca_prepare(t);
    cl_strv_for_each(r, &t->peer.requests) {
        assert_non_null(strstr(r, "\r\nUser-Agent: certloop-test/1\r\n"));
        if (cl_str_starts(r, "POST")) {
            assert_non_null(strstr(r, "\r\nContent-Type: application/jose+json\r\n"));
        }
    }
    json_t *h = header_of(t, "POST /acct", 0);
    char *url = ca_url(t, "/acct");
    assert_string_equal(json_string_value(json_object_get(h, "url")), url);
    assert_non_null(json_object_get(h, "jwk"));
    assert_null(json_object_get(h, "kid"));
    cl_free(url);
    json_decref(h);
}

static void point_03_a_redirected_post_is_not_followed(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 1,
                               .status = "307 Temporary Redirect",
                               .headers = "Location: /evil\r\n",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_BAD_RESULT, "UnexpectedRedirect");
    assert_int_equal(ca_count(t, "POST /evil"), 0);
    issued_free(&i);
}

static void point_35_the_chain_is_asked_for_by_post_as_get_as_pem(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_ok(&i);
    cl_strv_for_each(r, &t->peer.requests) {
        if (cl_str_starts(r, "POST /cert/")) {
            assert_non_null(strstr(r, "\r\nAccept: application/pem-certificate-chain\r\n"));
            assert_non_null(strstr(r, "\"payload\":\"\""));
        }
        if (cl_str_starts(r, "POST /chal/")) {
            assert_non_null(strstr(r, "\"payload\":\"e30\"")); /* {} */
        }
    }
    issued_free(&i);
}

static void a_server_error_is_tried_again(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /authz/",
                               .times = 1,
                               .status = "502 Bad Gateway",
                               .body = "<html>502</html>",
                               .with_nonce = true});
    ca_twist(t, (struct twist){.method_and_path = "POST /cert/", /* replica lag */
                               .times = 1,
                               .status = "404 Not Found",
                               .body = "{\"type\":\"" CA_URN "malformed\"}",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_ok(&i);
    assert_int_equal(ca_count(t, "POST /authz/"), 3);
    assert_int_equal(ca_count(t, "POST /cert/"), 2);
    issued_free(&i);
}

static void a_new_order_whose_answer_is_lost_is_not_sent_again(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 1,
                               .status = "500 Oops",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_TRANSIENT, "ServerError");
    assert_int_equal(ca_count(t, "POST /order "), 1);
    assert_null(i.issue.used_order_url);
    issued_free(&i);
}

static void a_short_retry_after_of_a_busy_ca_is_waited_out(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 1,
                               .status = "503 Busy",
                               .headers = "Retry-After: 1\r\n",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_ok(&i);
    assert_int_equal(ca_count(t, "POST /order "), 2);
    issued_free(&i);
}

static void point_08_a_long_retry_after_of_a_busy_ca_holds_the_issuer(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 100,
                               .status = "503 Busy",
                               .headers = "Retry-After: 3600\r\n",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_BUSY, "Busy");
    assert_true(ca_facts(t).hold_until >= loop_now(t->net.loop) + 3590 * CL_SECOND);
    assert_string_equal(ca_facts(t).hold_reason, "Busy");
    assert_true(t->changed > 0);
    issued_free(&i);

    issued_start(t, &i, "web2"); /* nothing is sent while it lasts */
    issued_wait(&i);
    assert_err(i.err, CL_ERR_BUSY, "Busy");
    assert_int_equal(ca_count(t, "POST /order "), 1);
    issued_free(&i);
}

static void point_08_a_rate_limit_is_passed_up_with_its_time(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};

    ca_prepare(t);
    ca_twist(t, (struct twist){.method_and_path = "POST /order ",
                               .times = 1,
                               .status = "429 Too Many",
                               .headers = "Retry-After: 600\r\n",
                               .body = "{\"type\":\"" CA_URN "rateLimited\",\"detail\":\"too many "
                                       "new orders\"}",
                               .with_nonce = true});
    issued_start(t, &i, "web");
    issued_wait(&i);
    assert_err(i.err, CL_ERR_RATE_LIMITED, "RateLimited");
    assert_true(i.err.retry_at >= loop_now(t->net.loop) + 590 * CL_SECOND);
    assert_string_equal(ca_facts(t).hold_reason, "RateLimited");
    issued_free(&i);
}

static void a_ca_that_is_gone_is_tried_again_until_it_is_back(void **state)
{
    struct ca_test *t = *state;
    struct issued i = {0};
    unsigned port = t->peer.port;

    ca_prepare(t);
    cl_list_for_each(l, &t->peer.conns) { /* reset, so that nothing keeps the port in TIME_WAIT */
        static const struct linger RESET = {.l_onoff = 1};
        struct raw_conn *c = cl_container(l, struct raw_conn, link);
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &RESET, sizeof RESET);
    }
    raw_stop(&t->peer);
    issued_start(t, &i, "web");
    ca_turns(t, 20);
    assert_false(i.done);
    /* back at the same port */
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    t->peer = (struct raw_peer){.net = &t->net, .answer = ca_answer, .port = port};
    cl_list_init(&t->peer.conns);
    t->peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(t->peer.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(t->peer.fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(t->peer.fd, 16), 0);
    t->peer.watch = loop_fd_watch(t->net.loop, t->peer.fd, LOOP_READ, raw_accept, &t->peer);
    issued_wait(&i);
    assert_ok(&i);
    assert_int_equal(ca_count(t, "POST /order "), 1);
    issued_free(&i);
}

static bool one_has_saved(void *user)
{
    struct issued *two = user;

    return two[0].saves + two[1].saves > 0;
}

static void only_one_new_order_is_unsaved_at_a_time(void **state)
{
    struct ca_test *t = *state;
    struct issued two[2] = {{.hold_save = true}, {.hold_save = true}};

    ca_prepare(t);
    issued_start(t, &two[0], "web1");
    issued_start(t, &two[1], "web2");
    net_wait(&t->net, one_has_saved, two);
    ca_turns(t, 50);
    assert_int_equal(ca_count(t, "POST /order "), 1);
    assert_int_equal(ca_count(t, "POST /authz/"), 0);
    assert_int_equal(two[0].saves, 1);
    two[1].hold_save = false;
    two[0].saved->done(two[0].saved, NULL);
    issued_wait(&two[0]);
    issued_wait(&two[1]);
    assert_ok(&two[0]);
    assert_ok(&two[1]);
    assert_int_equal(ca_count(t, "POST /order "), 2);
    issued_free(&two[0]);
    issued_free(&two[1]);
}

static void no_more_than_max_connections_requests_run(void **state)
{
    struct ca_test *t = *state;
    struct issued many[12];

    memset(many, 0, sizeof many);
    t->issuer_spec.acme.max_connections = 2;
    acme_issuer_ops.destroy(t->issuer);
    ca_create_issuer(t);
    ca_prepare(t);
    for (size_t i = 0; i < COUNT(many); i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "web%zu", i);
        issued_start(t, &many[i], name);
    }
    for (size_t i = 0; i < COUNT(many); i++) {
        issued_wait(&many[i]);
        assert_ok(&many[i]);
        issued_free(&many[i]);
    }
    assert_in_range(t->peer.accepted, 1, 3);
    assert_in_range(ca_count(t, "HEAD /nonce"), 1, 3);
    assert_int_equal(ca_count(t, "POST /"), 1 + 6 * COUNT(many));
}

/* ---- the account and the directory change under us ---- */

static void point_12_a_lost_account_registers_again(void **state)
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
    json_t *h = header_of(t, "POST /acct/1 ", 0);
    assert_non_null(strstr(json_string_value(json_object_get(h, "kid")), "/acct/1"));
    json_decref(h);
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
        TEST(point_06_a_body_without_end_is_cut_off),
        TEST(point_10_the_clock_of_the_ca_is_compared),
        TEST(point_01_bad_nonce_is_retried_with_the_nonce_of_the_error),
        TEST(point_01_bad_nonces_without_end_are_a_passing_failure),
        TEST(point_02_a_reply_without_a_nonce_costs_one_new_nonce),
        TEST(point_03_requests_are_jose_json_with_a_user_agent),
        TEST(point_03_a_redirected_post_is_not_followed),
        TEST(point_35_the_chain_is_asked_for_by_post_as_get_as_pem),
        TEST(a_server_error_is_tried_again),
        TEST(a_new_order_whose_answer_is_lost_is_not_sent_again),
        TEST(a_short_retry_after_of_a_busy_ca_is_waited_out),
        TEST(point_08_a_long_retry_after_of_a_busy_ca_holds_the_issuer),
        TEST(point_08_a_rate_limit_is_passed_up_with_its_time),
        TEST(a_ca_that_is_gone_is_tried_again_until_it_is_back),
        TEST(only_one_new_order_is_unsaved_at_a_time),
        TEST(no_more_than_max_connections_requests_run),
        TEST(point_12_a_lost_account_registers_again),
        TEST(a_directory_that_has_moved_is_fetched_again),
        TEST(a_new_nonce_that_is_gone_means_a_stale_directory_too),
        TEST(a_changed_email_address_is_told_to_the_ca),
        TEST(a_cancelled_issuance_ends_soon_and_keeps_its_order),
        TEST(an_abandoned_order_is_deactivated),
        TEST(an_order_is_resumed_by_its_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
