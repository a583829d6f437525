/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as a server sees them and answers as it may send them, honest or hostile. */
#include "tests/unit/net_fixture.h"

static struct net net;
static struct raw_peer peer;
static struct asked asked;
static char url[URL_TEXT];

static int setup(void **state)
{
    (void)state;
    net_setup(&net);
    raw_start(&net, &peer);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    raw_stop(&peer);
    net_teardown(&net);
    asked_free(&asked); /* after what may still have run */
    return 0;
}

static struct http_request get(const char *path)
{
    return (struct http_request){
        .method = "GET", .url = raw_url(&peer, path, url), .allow_http = true};
}

/* ---- requests ---- */

static void an_answer_has_status_headers_body_and_url(void **state)
{
    (void)state;
    peer.reply = "HTTP/1.1 201 Created\r\nReplay-Nonce:  abc \r\nLINK: <x>;rel=a\r\nLink: <y>\r\n"
                 "Content-Length: 5\r\n\r\nhello";
    struct http_request req = get("/a?b=c");
    ask(&net, &asked, &req);
    assert_answered(&asked, 201);
    assert_string_equal(asked.body, "hello");
    assert_string_equal(asked.final_url, url);
    assert_int_equal(asked.headers.len, 4);
    assert_string_equal(asked.headers.items[0], "replay-nonce: abc");
    assert_string_equal(asked.headers.items[1], "link: <x>;rel=a");
    assert_string_equal(asked.headers.items[2], "link: <y>");
    assert_true(cl_str_starts(peer.requests.items[0], "GET /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.requests.items[0], "\r\nUser-Agent: certloop-test/1\r\n"));
}

static void an_error_status_is_an_answer(void **state)
{
    (void)state;
    peer.reply = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy";
    struct http_request req = get("/");
    ask(&net, &asked, &req);
    assert_answered(&asked, 503);
    assert_string_equal(asked.body, "busy");
}

static void methods_alternate_on_one_connection_without_leaving_traces(void **state)
{
    static const struct {
        const char *method, *body, *line;
    } CASES[] = {
        {"POST", "{\"a\":1}", "POST /x HTTP/1.1\r\n"}, {"GET", NULL, "GET /x HTTP/1.1\r\n"},
        {"HEAD", NULL, "HEAD /x HTTP/1.1\r\n"},        {"POST", "", "POST /x HTTP/1.1\r\n"},
        {"PUT", "put", "PUT /x HTTP/1.1\r\n"},         {"HEAD", NULL, "HEAD /x HTTP/1.1\r\n"},
        {"PATCH", "p", "PATCH /x HTTP/1.1\r\n"},       {"GET", NULL, "GET /x HTTP/1.1\r\n"},
        {"DELETE", NULL, "DELETE /x HTTP/1.1\r\n"},    {"POST", "again", "POST /x HTTP/1.1\r\n"},
        {"DELETE", "body", "DELETE /x HTTP/1.1\r\n"},  {"GET", "ignored", "GET /x HTTP/1.1\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        bool head = cl_streq(CASES[i].method, "HEAD");
        bool sends = CASES[i].body != NULL && !cl_streq(CASES[i].method, "GET");
        struct http_request req = get("/x");
        req.method = CASES[i].method;
        req.body = CASES[i].body;
        req.body_len = CASES[i].body != NULL ? strlen(CASES[i].body) : 0;
        peer.reply = head ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                          : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        ask(&net, &asked, &req);
        assert_answered(&asked, 200);
        assert_string_equal(asked.body, head ? "" : "ok");
        const char *seen = peer.requests.items[i];
        assert_true(cl_str_starts(seen, CASES[i].line));
        assert_string_equal(strstr(seen, "\r\n\r\n") + 4, sends ? CASES[i].body : "");
        assert_null(strstr(seen, "Expect:"));
    }
    assert_int_equal(peer.accepted, 1);
}

static void headers_are_those_of_this_request_only(void **state)
{
    struct cl_strv jose = {0};
    struct cl_strv other = {0};

    (void)state;
    cl_strv_add(&jose, "Content-Type: application/jose+json");
    cl_strv_add(&other, "Authorization: Bearer token");
    struct http_request req = get("/");
    req.method = "POST";
    const struct cl_strv *const EACH[] = {&jose, &jose, &other, NULL, &jose};
    for (size_t i = 0; i < COUNT(EACH); i++) {
        req.headers = EACH[i];
        ask(&net, &asked, &req);
        assert_answered(&asked, 200);
        const char *seen = peer.requests.items[i];
        bool is_jose = strstr(seen, "\r\nContent-Type: application/jose+json\r\n") != NULL;
        bool is_other = strstr(seen, "\r\nAuthorization: Bearer token\r\n") != NULL;
        assert_int_equal(is_jose, EACH[i] == &jose);
        assert_int_equal(is_other, EACH[i] == &other);
    }
    cl_strv_deinit(&jose);
    cl_strv_deinit(&other);
}

static void the_url_is_sent_byte_for_byte(void **state)
{
    (void)state;
    struct http_request req = get("/a/../b/./c%2f?x=%41&y");
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_true(cl_str_starts(peer.requests.items[0], "GET /a/../b/./c%2f?x=%41&y HTTP/1.1\r\n"));
}

static void take_body(struct asked *a)
{
    char *body = http_take_body(&a->op);
    cl_free(a->body);
    a->body = body;
    assert_int_equal(a->op.body.len, 0);
}

static void a_body_can_be_taken(void **state)
{
    (void)state;
    asked.then = take_body;
    struct http_request req = get("/");
    ask(&net, &asked, &req);
    asked.then = NULL;
    assert_string_equal(asked.body, "ok");
}

static void impossible_requests_fail_without_a_connection(void **state)
{
    struct cl_strv two_lines = {0};

    (void)state;
    cl_strv_add(&two_lines, "X: a\r\nY: b");
    struct http_request bad_method = get("/");
    bad_method.method = "BREW";
    struct http_request no_url = get("/");
    no_url.url = NULL;
    struct http_request bad_header = get("/");
    bad_header.headers = &two_lines;
    const struct http_request *const EACH[] = {&bad_method, &no_url, &bad_header};
    for (size_t i = 0; i < COUNT(EACH); i++) {
        ask(&net, &asked, EACH[i]);
        assert_failed(&asked, CL_ERR_INTERNAL, "RequestInvalid");
    }
    cl_strv_deinit(&two_lines);
    assert_int_equal(peer.accepted, 0);
}

static void urls_that_are_not_allowed_fail(void **state)
{
    static const struct {
        const char *url, *reason;
        bool allow_http;
    } CASES[] = {
        {"http://127.0.0.1:1/", "ProtocolNotAllowed", false},
        {"ftp://127.0.0.1:1/", "ProtocolNotAllowed", true},
        {"file:///etc/passwd", "ProtocolNotAllowed", true},
        {"gopher://127.0.0.1:1/", "ProtocolNotAllowed", true},
        {"https://user:pw@127.0.0.1:1/", "URLMalformed", true},
        {"https://", "URLMalformed", true},
        {"https://a b/", "URLMalformed", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct http_request req = {
            .method = "GET", .url = CASES[i].url, .allow_http = CASES[i].allow_http};
        ask(&net, &asked, &req);
        assert_failed(&asked, CL_ERR_BAD_RESULT, CASES[i].reason);
        assert_null(strstr(asked.err.text, "pw@"));
    }
}

/* ---- hostile answers ---- */

static void a_body_may_be_as_long_as_the_limit_and_not_longer(void **state)
{
    (void)state;
    peer.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
    struct http_request req = get("/");
    req.max_body = 10;
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_string_equal(asked.body, "0123456789");
    req.max_body = 9;
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_BAD_RESULT, "BodyTooLarge");
    assert_int_equal(asked.err.http_status, 200);
}

static void an_endless_body_ends_at_the_limit(void **state)
{
    static char chunk[32768];

    (void)state;
    memset(chunk, 'x', sizeof chunk - 1);
    peer.reply = "HTTP/1.1 200 OK\r\n\r\n";
    peer.answer = raw_flood;
    struct http_request req = get("/");
    ask_start(&net, &asked, &req);
    while (peer.requests.len == 0) {
        net_turns(&net, 1);
    }
    cl_container(peer.conns.next, struct raw_conn, link)->flood = chunk;
    net_wait(&net, asked_is_done, &asked);
    assert_failed(&asked, CL_ERR_BAD_RESULT, "BodyTooLarge");
    assert_true(strlen(asked.body) <= 1024U * 1024U);
}

static void endless_headers_end_at_the_limit(void **state)
{
    static char chunk[32768];

    (void)state;
    for (size_t i = 0; i + 16 < sizeof chunk; i += 16) {
        memcpy(chunk + i, "X-Many: 0123\r\n\r\n", 14);
        memcpy(chunk + i + 14, "a:", 2);
    }
    peer.reply = "HTTP/1.1 200 OK\r\n";
    peer.answer = raw_flood;
    struct http_request req = get("/");
    ask_start(&net, &asked, &req);
    while (peer.requests.len == 0) {
        net_turns(&net, 1);
    }
    cl_container(peer.conns.next, struct raw_conn, link)->flood = chunk;
    net_wait(&net, asked_is_done, &asked);
    assert_failed(&asked, CL_ERR_BAD_RESULT, "HeadersTooLarge");
}

static void odd_headers_do_no_harm(void **state)
{
    (void)state;
    peer.reply = "HTTP/1.1 200 OK\r\n: no name\r\nEmpty:\r\nFolded: a\r\n  b\r\n"
                 "\tc\r\nContent-Length: 2\r\n\r\nok";
    struct http_request req = get("/");
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_string_equal(asked.headers.items[0], "empty: ");
    assert_string_equal(asked.headers.items[1], "folded: a b c");
    assert_int_equal(asked.headers.len, 3);
}

static void an_interim_answer_is_not_the_answer(void **state)
{
    (void)state;
    peer.reply = "HTTP/1.1 103 Early Hints\r\nLink: <x>;rel=y\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct http_request req = get("/");
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_int_equal(asked.headers.len, 1);
}

static void broken_answers_have_a_reason(void **state)
{
    static const struct {
        const char *reply, *reason;
    } CASES[] = {
        {"", "EmptyReply"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "ConnectionLost"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "ConnectionLost"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhel", "ConnectionLost"},
        {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nno HTTP at all\r\n\r\n", "BadResponse"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\nx", "BadResponse"},
        {"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", "BadResponse"},
        {"HTTP/9.9 200 OK\r\n\r\n", "BadResponse"},
    };

    (void)state;
    peer.answer = raw_reply_and_close;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        peer.reply = CASES[i].reply;
        struct http_request req = get("/");
        ask(&net, &asked, &req);
        if (!asked.failed) {
            fail_msg("case %zu is an answer", i);
        }
        assert_failed(&asked, CL_ERR_TRANSIENT, CASES[i].reason);
    }
}

/* ---- redirects ---- */

static void answer_redirect(struct raw_conn *c, const char *request)
{
    unsigned hop = 0;
    char text[256];

    const char *at = strstr(request, " /hop/");
    if (at != NULL) {
        hop = (unsigned)strtoul(at + strlen(" /hop/"), NULL, 10);
    }
    if (hop == 0) {
        raw_send(c, "HTTP/1.1 200 OK\r\nX-Last: 1\r\nContent-Length: 4\r\n\r\nlast");
        return;
    }
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 302 Found\r\nLocation: /hop/%u\r\nX-Hop: 1\r\nContent-Length: 3\r\n"
                   "\r\nhop",
                   hop - 1);
    raw_send(c, text);
}

static void five_redirects_of_a_get_are_followed_and_not_six(void **state)
{
    (void)state;
    peer.answer = answer_redirect;
    struct http_request req = get("/hop/5");
    req.follow_redirects = true;
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_string_equal(asked.body, "last");
    assert_int_equal(asked.headers.len, 2); /* of the last answer only */
    assert_true(cl_str_ends(asked.final_url, "/hop/0"));
    req = get("/hop/6");
    req.follow_redirects = true;
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TooManyRedirects");
}

static void without_leave_a_redirect_is_the_answer(void **state)
{
    (void)state;
    peer.answer = answer_redirect;
    struct http_request req = get("/hop/1");
    ask(&net, &asked, &req);
    assert_answered(&asked, 302);
    assert_string_equal(asked.body, "hop");
}

static void a_post_is_never_redirected(void **state)
{
    (void)state;
    peer.answer = answer_redirect;
    struct http_request req = get("/hop/1");
    req.method = "POST";
    req.body = "x";
    req.body_len = 1;
    req.follow_redirects = true;
    ask(&net, &asked, &req);
    assert_answered(&asked, 302);
    assert_int_equal(peer.requests.len, 1);
}

static void a_redirect_to_another_protocol_is_not_followed(void **state)
{
    static const char *const TARGETS[] = {"file:///etc/passwd", "ftp://127.0.0.1/x",
                                          "gopher://127.0.0.1/x", "ldap://127.0.0.1/"};

    (void)state;
    for (size_t i = 0; i < COUNT(TARGETS); i++) {
        char *reply = cl_printf("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                                TARGETS[i]);
        peer.reply = reply;
        struct http_request req = get("/");
        req.follow_redirects = true;
        ask(&net, &asked, &req);
        assert_failed(&asked, CL_ERR_BAD_RESULT, "ProtocolNotAllowed");
        cl_free(reply);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(an_answer_has_status_headers_body_and_url),
        T(an_error_status_is_an_answer),
        T(methods_alternate_on_one_connection_without_leaving_traces),
        T(headers_are_those_of_this_request_only),
        T(the_url_is_sent_byte_for_byte),
        T(a_body_can_be_taken),
        T(impossible_requests_fail_without_a_connection),
        T(urls_that_are_not_allowed_fail),
        T(a_body_may_be_as_long_as_the_limit_and_not_longer),
        T(an_endless_body_ends_at_the_limit),
        T(endless_headers_end_at_the_limit),
        T(odd_headers_do_no_harm),
        T(an_interim_answer_is_not_the_answer),
        T(broken_answers_have_a_reason),
        T(five_redirects_of_a_get_are_followed_and_not_six),
        T(without_leave_a_redirect_is_the_answer),
        T(a_post_is_never_redirected),
        T(a_redirect_to_another_protocol_is_not_followed),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
