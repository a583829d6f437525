/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces, retries, queue and holds of the ACME transport, seen through a whole Issuer. */
#include "tests/unit/acme_ca_fixture.h"

/* ---- transport ---- */

static void acme_point_01_bad_nonce_is_retried_with_the_nonce_of_the_error(void **state)
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
    json_t *again = ca_header_of(t, "POST /order ", 1);
    assert_string_equal(json_string_value(json_object_get(again, "nonce")), given);
    json_decref(again);
    cl_free(given);
    issued_free(&i);
}

static void acme_point_01_bad_nonces_without_end_are_a_passing_failure(void **state)
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

static void acme_point_02_a_reply_without_a_nonce_costs_one_new_nonce(void **state)
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

static void acme_point_03_requests_are_jose_json_with_a_user_agent(void **state)
{
    struct ca_test *t = *state;

    ca_prepare(t);
    cl_strv_for_each(r, &t->peer.requests) {
        assert_non_null(strstr(r, "\r\nUser-Agent: certloop-test/1\r\n"));
        if (cl_str_starts(r, "POST")) {
            assert_non_null(strstr(r, "\r\nContent-Type: application/jose+json\r\n"));
        }
    }
    json_t *h = ca_header_of(t, "POST /acct", 0);
    char *url = ca_url(t, "/acct");
    assert_string_equal(json_string_value(json_object_get(h, "url")), url);
    assert_non_null(json_object_get(h, "jwk"));
    assert_null(json_object_get(h, "kid"));
    cl_free(url);
    json_decref(h);
}

static void acme_point_03_a_redirected_post_is_not_followed(void **state)
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

static void acme_point_08_a_long_retry_after_of_a_busy_ca_holds_the_issuer(void **state)
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

static void acme_point_08_a_rate_limit_is_passed_up_with_its_time(void **state)
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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ca_setup, ca_teardown)
    const struct CMUnitTest tests[] = {
        TEST(acme_point_01_bad_nonce_is_retried_with_the_nonce_of_the_error),
        TEST(acme_point_01_bad_nonces_without_end_are_a_passing_failure),
        TEST(acme_point_02_a_reply_without_a_nonce_costs_one_new_nonce),
        TEST(acme_point_03_requests_are_jose_json_with_a_user_agent),
        TEST(acme_point_03_a_redirected_post_is_not_followed),
        TEST(point_35_the_chain_is_asked_for_by_post_as_get_as_pem),
        TEST(a_server_error_is_tried_again),
        TEST(a_new_order_whose_answer_is_lost_is_not_sent_again),
        TEST(a_short_retry_after_of_a_busy_ca_is_waited_out),
        TEST(acme_point_08_a_long_retry_after_of_a_busy_ca_holds_the_issuer),
        TEST(acme_point_08_a_rate_limit_is_passed_up_with_its_time),
        TEST(a_ca_that_is_gone_is_tried_again_until_it_is_back),
        TEST(only_one_new_order_is_unsaved_at_a_time),
        TEST(no_more_than_max_connections_requests_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
