/* SPDX-License-Identifier: Apache-2.0 */
/* The small HTTP servers: addresses, requests, when an answer counts as fetched, and peers that
 * dawdle, vanish or come in crowds. */
#include "backends/net/http_server.h"
#include "tests/unit/net_fixture.h"

static struct net net;
static struct http_server *server;
static struct asked asked;
static char url[URL_TEXT];

/* What the handler saw and shall answer. */
static struct seen {
    unsigned handled, completed;
    char method[16], path[128], host[300], query[64], remote[64];
    bool has_query;
    size_t body_len;
    void *last_tag;
} seen;

static void handle(void *user, const struct http_server_request *req,
                   struct http_server_response *res)
{
    struct seen *s = user;
    s->handled++;
    (void)snprintf(s->method, sizeof s->method, "%s", req->method);
    (void)snprintf(s->path, sizeof s->path, "%s", req->path);
    (void)snprintf(s->host, sizeof s->host, "%s", req->host);
    (void)snprintf(s->remote, sizeof s->remote, "%s", req->remote);
    s->has_query = req->query_name != NULL;
    (void)snprintf(s->query, sizeof s->query, "%s", cl_str_or(req->query_name, ""));
    if (cl_streq(req->path, "/missing")) {
        res->status = 404;
        return;
    }
    res->status = 200;
    res->content_type = "application/octet-stream";
    res->tag = cl_streq(req->path, "/untagged") ? NULL : s;
    for (size_t i = 0; i < s->body_len; i++) {
        assert_int_equal(cl_buf_add(&res->body, "x", 1), 0);
    }
    assert_int_equal(cl_buf_adds(&res->body, "end"), 0);
}

static void completed(void *user, void *tag)
{
    struct seen *s = user;
    s->completed++;
    s->last_tag = tag;
    loop_stop(net.loop);
}

static const struct http_server_handler HANDLER = {
    .handle = handle, .completed = completed, .user = &seen};

static void start(const char *where)
{
    struct cl_err err = {0};
    if (http_server_start(net.loop, where, &HANDLER, &server, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
}

static int setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    net_setup(&net);
    start("127.0.0.1:0");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_server_stop(server);
    server = NULL;
    net_teardown(&net);
    asked_free(&asked); /* after what may still have run */
    return 0;
}

static void get(const char *host, const char *path)
{
    struct http_request req = {.method = "GET", .url = url, .allow_http = true};
    (void)snprintf(url, sizeof url, "http://%s:%u%s", host, http_server_port(server), path);
    ask(&net, &asked, &req);
}

static bool is_completed(void *user)
{
    return seen.completed >= *(unsigned *)user;
}

static void wait_completed(unsigned n)
{
    net_wait(&net, is_completed, &n);
}

/* ---- plain sockets as clients ---- */

static int connect_raw(unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

struct hearing {
    int fd;
    bool closed;
    struct cl_buf text;
};

static bool hears_the_end(void *user)
{
    struct hearing *h = user;
    char chunk[4096];
    ssize_t n = 0;

    while ((n = recv(h->fd, chunk, sizeof chunk, MSG_DONTWAIT)) > 0) {
        assert_int_equal(cl_buf_add(&h->text, chunk, (size_t)n), 0);
    }
    h->closed = n == 0 || (n < 0 && errno != EAGAIN);
    return h->closed;
}

/* Turns the loop until the server closes @fd; what it sent (owned). Fails if it stays open. */
static char *hear_until_closed(int fd)
{
    struct hearing h = {.fd = fd};
    cl_buf_init(&h.text, 16U << 20);
    for (int i = 0; i < 2000 && !hears_the_end(&h); i++) {
        net_turns(&net, 1);
    }
    assert_true(h.closed);
    (void)close(fd);
    char *text = cl_buf_take(&h.text);
    cl_buf_deinit(&h.text);
    return text;
}

/* ---- requests ---- */

static void a_request_is_shown_to_the_handler_and_its_answer_sent(void **state)
{
    (void)state;
    get("127.0.0.1", "/.well-known/acme-challenge/a%2Fb?name=web%20www&x=1");
    assert_answered(&asked, 200);
    assert_string_equal(asked.body, "end");
    assert_string_equal(seen.method, "GET");
    assert_string_equal(seen.path, "/.well-known/acme-challenge/a/b");
    assert_string_equal(seen.host, "127.0.0.1");
    assert_string_equal(seen.query, "web www");
    assert_string_equal(seen.remote, "127.0.0.1");
    bool typed = false;
    for (size_t i = 0; i < asked.headers.len; i++) {
        typed = typed || cl_streq(asked.headers.items[i], "content-type: application/octet-stream");
    }
    assert_true(typed);
}

static void a_request_without_name_has_none(void **state)
{
    (void)state;
    get("127.0.0.1", "/readyz?named=x");
    assert_false(seen.has_query);
}

static void an_empty_answer_has_its_status(void **state)
{
    (void)state;
    get("127.0.0.1", "/missing");
    assert_answered(&asked, 404);
    assert_string_equal(asked.body, "");
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;
    struct http_request req = {.method = "HEAD", .url = url, .allow_http = true};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_string_equal(asked.body, "");
    assert_string_equal(seen.method, "HEAD");
}

static void hosts_are_lower_case_and_without_port(void **state)
{
    static const struct {
        const char *sent, *shown;
    } CASES[] = {
        {"Host: WWW.Example.COM:80\r\n", "www.example.com"},
        {"Host: example.com\r\n", "example.com"},
        {"Host: [2001:DB8::1]:8080\r\n", "2001:db8::1"},
        {"Host: [::1]\r\n", "::1"},
        {"Host: \r\n", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int fd = connect_raw(http_server_port(server));
        say(fd, "GET / HTTP/1.0\r\n");
        say(fd, CASES[i].sent);
        say(fd, "\r\n");
        char *answer = hear_until_closed(fd);
        assert_true(cl_str_starts(answer, "HTTP/1.1 200 "));
        cl_free(answer);
        assert_string_equal(seen.host, CASES[i].shown);
    }
}

static void other_methods_and_bodies_are_refused_unseen(void **state)
{
    static const struct {
        const char *request, *answer;
    } CASES[] = {
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 405 "},
        {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 413 "},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 413 "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int fd = connect_raw(http_server_port(server));
        say(fd, CASES[i].request);
        char *answer = hear_until_closed(fd);
        if (!cl_str_starts(answer, CASES[i].answer)) {
            fail_msg("%s -> %s", CASES[i].request, answer);
        }
        cl_free(answer);
    }
    assert_int_equal(seen.handled, 0);
    assert_int_equal(seen.completed, 0);
}

static void headers_of_16_kib_are_read_and_longer_ones_refused(void **state)
{
    static char filler[64 * 1024];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len = i == 0 ? 15U * 1024U : sizeof filler - 1;
        memset(filler, 'x', len);
        filler[len] = '\0';
        char *request = cl_printf("GET / HTTP/1.0\r\nX: %s\r\n\r\n", filler);
        int fd = connect_raw(http_server_port(server));
        say(fd, request);
        char *answer = hear_until_closed(fd);
        assert_int_equal(cl_str_starts(answer, "HTTP/1.1 200 "), i == 0);
        cl_free(answer);
        cl_free(request);
    }
    assert_int_equal(seen.handled, 1);
}

static void bytes_that_are_no_http_do_no_harm(void **state)
{
    static const char *const GARBAGE[] = {"\x16\x03\x01\x02", "\r\n\r\n\r\n\r\n", "GET\r\n\r\n",
                                          "GET / HTTP/1.1\r\nHost x\r\n\r\n", "GET /%00 x y z\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(GARBAGE); i++) {
        int fd = connect_raw(http_server_port(server));
        say(fd, GARBAGE[i]);
        net_turns(&net, 3);
        (void)close(fd);
        net_turns(&net, 3);
    }
    get("127.0.0.1", "/");
    assert_answered(&asked, 200);
}

/* ---- completed ---- */

static void an_answer_sent_whole_is_completed_once(void **state)
{
    (void)state;
    get("127.0.0.1", "/");
    wait_completed(1);
    assert_ptr_equal(seen.last_tag, &seen);
    get("127.0.0.1", "/untagged");
    net_turns(&net, 5);
    assert_int_equal(seen.completed, 1);
}

static void an_answer_to_a_peer_that_has_gone_is_not_completed(void **state)
{
    (void)state;
    seen.body_len = 4U * 1024U * 1024U - 10;
    int fd = connect_raw(http_server_port(server));
    int small = 4096;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (seen.handled == 0) {
        net_turns(&net, 1);
    }
    net_turns(&net, 3);
    (void)close(fd);
    seen.body_len = 0;
    get("127.0.0.1", "/"); /* the server has long looked at the first one when this is done */
    wait_completed(1);
    net_turns(&net, 5);
    assert_int_equal(seen.completed, 1);
}

static void a_large_answer_arrives_whole(void **state)
{
    (void)state;
    seen.body_len = 4U * 1024U * 1024U - 10;
    struct http_request req = {
        .method = "GET", .url = url, .allow_http = true, .max_body = 8U << 20};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_int_equal(strlen(asked.body), seen.body_len + 3);
}

/* ---- peers that dawdle ---- */

static void a_half_sent_request_holds_up_nobody_and_is_closed_after_ten_seconds(void **state)
{
    (void)state;
    int half = connect_raw(http_server_port(server));
    int mute = connect_raw(http_server_port(server));
    say(half, "GET / HTTP/1.1\r\nHost: exa");
    get("127.0.0.1", "/");
    assert_answered(&asked, 200);
    clock_shift = 8 * CL_SECOND;
    say(half, "m");
    net_turns(&net, 3);
    struct hearing h = {.fd = half};
    assert_false(hears_the_end(&h));
    clock_shift = 11 * CL_SECOND;
    net_turns(&net, 3);
    cl_free(hear_until_closed(half)); /* though it said something 3 s ago */
    cl_free(hear_until_closed(mute));
}

static void an_answered_peer_gets_its_time_anew(void **state)
{
    (void)state;
    int fd = connect_raw(http_server_port(server));
    for (unsigned i = 1; i <= 3; i++) {
        say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        wait_completed(i);
        clock_shift += 8 * CL_SECOND;
        net_turns(&net, 3);
    }
    clock_shift += 3 * CL_SECOND;
    net_turns(&net, 3);
    char *answers = hear_until_closed(fd);
    assert_non_null(strstr(answers, "end"));
    cl_free(answers);
}

static void a_crowd_of_idle_peers_keeps_others_out_for_ten_seconds_only(void **state)
{
    int idle[110];

    (void)state;
    for (size_t i = 0; i < COUNT(idle); i++) {
        idle[i] = connect_raw(http_server_port(server));
    }
    net_turns(&net, 10);
    struct http_request req = {.method = "GET", .url = url, .allow_http = true};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    ask_start(&net, &asked, &req);
    net_turns(&net, 10);
    assert_int_equal(asked.done, 0);
    clock_shift = 11 * CL_SECOND; /* the first 100 go, the other 10 and the request come in */
    net_wait(&net, asked_is_done, &asked);
    assert_answered(&asked, 200);
    for (size_t i = 0; i < COUNT(idle); i++) {
        (void)close(idle[i]);
    }
}

static void stopping_ends_what_is_open(void **state)
{
    (void)state;
    seen.body_len = 4U * 1024U * 1024U - 10;
    int half = connect_raw(http_server_port(server));
    int slow = connect_raw(http_server_port(server));
    say(half, "GET / HTTP/1.1\r\nHost: exa");
    say(slow, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    net_turns(&net, 5);
    http_server_stop(server);
    server = NULL;
    cl_free(hear_until_closed(half));
    cl_free(hear_until_closed(slow));
    assert_int_equal(seen.completed, 0);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(a_request_is_shown_to_the_handler_and_its_answer_sent),
        T(a_request_without_name_has_none),
        T(an_empty_answer_has_its_status),
        T(head_has_the_length_and_no_body),
        T(hosts_are_lower_case_and_without_port),
        T(other_methods_and_bodies_are_refused_unseen),
        T(headers_of_16_kib_are_read_and_longer_ones_refused),
        T(bytes_that_are_no_http_do_no_harm),
        T(an_answer_sent_whole_is_completed_once),
        T(an_answer_to_a_peer_that_has_gone_is_not_completed),
        T(a_large_answer_arrives_whole),
        T(a_half_sent_request_holds_up_nobody_and_is_closed_after_ten_seconds),
        T(an_answered_peer_gets_its_time_anew),
        T(a_crowd_of_idle_peers_keeps_others_out_for_ten_seconds_only),
        T(stopping_ends_what_is_open),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
