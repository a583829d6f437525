/* SPDX-License-Identifier: Apache-2.0 */
/* The life of requests: connections that are shared and given back, deadlines, cancelling, names
 * that hang, addresses that are refused, proxies. */
#include "tests/unit/net_fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>

static struct net net;
static struct raw_peer peer;
static struct asked asked;
static char url[URL_TEXT];

/* ---- names: the resolver of this program ---- */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;
static bool names_hang;
static unsigned names_hanging;

/* "*.hang.test" hangs while names_hang, "private.test" is 127.0.0.1, other names do not exist. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **res)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    (void)pthread_mutex_lock(&names_lock);
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "getaddrinfo");
        memcpy(&real, &found, sizeof found);
    }
    if (cl_str_ends(name, ".hang.test")) {
        names_hanging++;
        while (names_hang) {
            (void)pthread_cond_wait(&names_changed, &names_lock);
        }
        names_hanging--;
        (void)pthread_cond_broadcast(&names_changed);
    }
    (void)pthread_mutex_unlock(&names_lock);
    if (cl_streq(name, "private.test")) {
        return real("127.0.0.1", service, hints, res);
    }
    return EAI_NONAME;
}

static void names_wait_until(unsigned hanging)
{
    (void)pthread_mutex_lock(&names_lock);
    while (names_hanging != hanging) {
        (void)pthread_cond_wait(&names_changed, &names_lock);
    }
    (void)pthread_mutex_unlock(&names_lock);
}

static void names_set_hang(bool hang)
{
    (void)pthread_mutex_lock(&names_lock);
    names_hang = hang;
    (void)pthread_cond_broadcast(&names_changed);
    (void)pthread_mutex_unlock(&names_lock);
}

/* ---- */

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

static const char *named_url(const char *name)
{
    (void)snprintf(url, sizeof url, "http://%s:%u/", name, peer.port);
    return url;
}

/* ---- connections ---- */

struct crowd {
    struct asked each[8];
    unsigned started, finished, failed;
};
static struct crowd crowd;

static void crowd_next(struct asked *a)
{
    crowd.finished++;
    crowd.failed += a->failed ? 1 : 0;
    if (crowd.started < 200) {
        crowd.started++;
        struct http_request req = get("/crowd");
        ask_start(&net, a, &req);
    }
}

static bool crowd_is_done(void *user)
{
    (void)user;
    return crowd.finished == 200;
}

static void two_hundred_requests_share_the_connections_of_eight_at_once(void **state)
{
    (void)state;
    memset(&crowd, 0, sizeof crowd);
    for (size_t i = 0; i < COUNT(crowd.each); i++) {
        struct http_request req = get("/crowd");
        crowd.each[i].then = crowd_next;
        crowd.started++;
        ask_start(&net, &crowd.each[i], &req);
    }
    net_wait(&net, crowd_is_done, NULL);
    for (size_t i = 0; i < COUNT(crowd.each); i++) {
        asked_free(&crowd.each[i]);
    }
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(peer.requests.len, 200);
    assert_in_range(peer.accepted, 1, 8);
}

static void a_hundred_requests_at_once_are_all_answered(void **state)
{
    static struct asked each[100];

    (void)state;
    for (size_t i = 0; i < COUNT(each); i++) {
        struct http_request req = get("/");
        ask_start(&net, &each[i], &req);
    }
    for (size_t i = 0; i < COUNT(each); i++) {
        net_wait(&net, asked_is_done, &each[i]);
        assert_answered(&each[i], 200);
        asked_free(&each[i]);
    }
}

static void a_connection_closed_by_the_server_is_replaced(void **state)
{
    (void)state;
    peer.answer = raw_reply_and_close;
    for (unsigned i = 1; i <= 3; i++) {
        struct http_request req = get("/");
        ask(&net, &asked, &req);
        assert_answered(&asked, 200);
        assert_int_equal(peer.accepted, i);
    }
}

static void close_the_second(struct raw_conn *c, const char *request)
{
    if (peer.requests.len == 2) {
        raw_close(c); /* it was done, but nobody is told */
    } else {
        raw_reply(c, request);
    }
}

static void what_goes_once_is_not_repeated_on_another_connection(void **state)
{
    (void)state;
    struct http_request req = get("/");
    req.method = "POST";
    peer.answer = close_the_second;
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    req.once = true;
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_TRANSIENT, "EmptyReply");
    assert_int_equal(peer.requests.len, 2);
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_int_equal(peer.requests.len, 3);
}

static bool peer_has_closed(void *user)
{
    return ((struct raw_peer *)user)->closed > 0;
}

static void after_a_minute_without_requests_connections_are_given_back(void **state)
{
    (void)state;
    struct http_request req = get("/");
    ask(&net, &asked, &req);
    net_turns(&net, 3);
    assert_int_equal(peer.closed, 0);
    clock_shift = 61 * CL_SECOND;
    net_turns(&net, 3);
    net_wait(&net, peer_has_closed, &peer);
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    assert_int_equal(peer.accepted, 2);
}

/* ---- endings ---- */

static void a_silent_server_is_given_up_at_the_deadline(void **state)
{
    (void)state;
    peer.answer = raw_silence;
    struct http_request req = get("/");
    req.timeout = 60;
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TimedOut");
}

static void an_answer_that_drips_is_given_up_at_the_deadline(void **state)
{
    (void)state;
    peer.reply = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\ndrip";
    struct http_request req = get("/");
    req.timeout = 60;
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TimedOut");
    assert_int_equal(asked.status, 200); /* what has come is shown */
    assert_string_equal(asked.body, "drip");
}

static void nobody_listening_is_connect_failed(void **state)
{
    (void)state;
    struct http_request req = get("/");
    loop_fd_unwatch(peer.watch);
    peer.watch = NULL;
    (void)close(peer.fd);
    ask(&net, &asked, &req);
    peer.fd = -1;
    assert_failed(&asked, CL_ERR_TRANSIENT, "ConnectFailed");
}

static void cancelling_ends_a_request_once_and_later(void **state)
{
    (void)state;
    peer.answer = raw_silence;
    struct http_request req = get("/");
    ask_start(&net, &asked, &req);
    while (peer.requests.len == 0) {
        net_turns(&net, 1);
    }
    cl_op_cancel(&asked.op.op);
    cl_op_cancel(&asked.op.op);
    assert_int_equal(asked.done, 0);
    net_wait(&net, asked_is_done, &asked);
    net_turns(&net, 3);
    assert_int_equal(asked.done, 1);
    assert_failed(&asked, CL_ERR_CANCELLED, "Cancelled");
}

static void a_request_can_be_cancelled_before_the_loop_has_run(void **state)
{
    (void)state;
    struct http_request good = get("/");
    struct http_request bad = get("/");
    bad.method = "BREW";
    const struct http_request *const EACH[] = {&good, &bad};
    for (size_t i = 0; i < COUNT(EACH); i++) {
        ask_start(&net, &asked, EACH[i]);
        cl_op_cancel(&asked.op.op);
        net_wait(&net, asked_is_done, &asked);
        net_turns(&net, 3);
        assert_int_equal(asked.done, 1);
        assert_failed(&asked, CL_ERR_CANCELLED, "Cancelled");
    }
    assert_int_equal(peer.requests.len, 0);
}

static struct asked victim;

static void cancel_victim(struct asked *a)
{
    (void)a;
    cl_op_cancel(&victim.op.op);
}

static void a_request_can_be_cancelled_by_the_end_of_another(void **state)
{
    (void)state;
    struct http_request req = get("/");
    asked.then = cancel_victim;
    ask_start(&net, &asked, &req);
    ask_start(&net, &victim, &req); /* both answers come in one turn, or nearly */
    net_wait(&net, asked_is_done, &asked);
    net_wait(&net, asked_is_done, &victim);
    net_turns(&net, 3);
    asked.then = NULL;
    assert_int_equal(asked.done, 1);
    assert_int_equal(victim.done, 1);
    asked_free(&victim);
}

static void destroying_cancels_what_runs(void **state)
{
    static struct asked each[3];

    (void)state;
    peer.answer = raw_silence;
    struct http_request req = get("/");
    for (size_t i = 0; i < COUNT(each); i++) {
        ask_start(&net, &each[i], &req);
        net_turns(&net, (int)i);
    }
    http_destroy(net.http);
    net.http = NULL;
    for (size_t i = 0; i < COUNT(each); i++) {
        assert_int_equal(each[i].done, 1);
        assert_failed(&each[i], CL_ERR_CANCELLED, "Cancelled");
        asked_free(&each[i]);
    }
}

/* ---- names ---- */

static void a_name_without_address_is_name_not_resolved(void **state)
{
    (void)state;
    struct http_request req = {
        .method = "GET", .url = named_url("nowhere.test"), .allow_http = true};
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_TRANSIENT, "NameNotResolved");
}

static void
a_resolver_that_hangs_delays_neither_others_nor_the_deadline_nor_cancelling(void **state)
{
    static struct asked hung;
    static struct asked late;
    static struct asked cancelled;

    (void)state;
    names_set_hang(true);
    struct http_request slow = {
        .method = "GET", .url = named_url("a.hang.test"), .allow_http = true};
    ask_start(&net, &hung, &slow);
    slow.url = named_url("b.hang.test");
    slow.timeout = 50;
    ask_start(&net, &late, &slow);
    slow.url = named_url("c.hang.test");
    slow.timeout = 0;
    ask_start(&net, &cancelled, &slow);
    struct http_request req = get("/");
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    net_wait(&net, asked_is_done, &late);
    assert_failed(&late, CL_ERR_TRANSIENT, "TimedOut");
    cl_op_cancel(&cancelled.op.op);
    net_wait(&net, asked_is_done, &cancelled);
    assert_failed(&cancelled, CL_ERR_CANCELLED, "Cancelled");
    assert_int_equal(hung.done, 0);
    names_set_hang(false);
    net_wait(&net, asked_is_done, &hung);
    assert_failed(&hung, CL_ERR_TRANSIENT, "NameNotResolved");
    names_wait_until(0);
    asked_free(&hung);
    asked_free(&late);
    asked_free(&cancelled);
}

/* ---- private addresses ---- */

static void private_addresses_are_refused_where_they_must_not_be(void **state)
{
    static const char *const HOSTS[] = {"127.0.0.1", "localhost",  "private.test",
                                        "[::1]",     "2130706433", "[::ffff:127.0.0.1]"};

    (void)state;
    for (size_t i = 0; i < COUNT(HOSTS); i++) {
        struct http_request req = {.method = "GET",
                                   .url = named_url(HOSTS[i]),
                                   .allow_http = true,
                                   .refuse_private = true};
        ask(&net, &asked, &req);
        assert_failed(&asked, CL_ERR_TRANSIENT, "PrivateAddress");
    }
    assert_int_equal(peer.accepted, 0);
}

static void a_kept_connection_to_a_private_address_is_refused_too(void **state)
{
    (void)state;
    struct http_request req = {
        .method = "GET", .url = named_url("private.test"), .allow_http = true};
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
    req.refuse_private = true;
    ask(&net, &asked, &req);
    assert_failed(&asked, CL_ERR_TRANSIENT, "PrivateAddress");
    assert_int_equal(peer.requests.len, 1);
    req.refuse_private = false;
    ask(&net, &asked, &req);
    assert_answered(&asked, 200);
}

static void a_redirect_to_a_private_address_is_refused(void **state)
{
    (void)state;
    /* The first hop goes through a proxy, whose address may be private; the second would not. */
    static const struct http_params PARAMS = {.user_agent = "x"};
    char *proxy = cl_printf("http://127.0.0.1:%u", peer.port);
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    assert_int_equal(setenv("no_proxy", "private.test", 1), 0);
    http_destroy(net.http); /* the environment is read when http is created */
    net.http = http_create(net.loop, &PARAMS, NULL);
    peer.reply = "HTTP/1.1 302 Found\r\nLocation: http://private.test:1/\r\n"
                 "Content-Length: 0\r\n\r\n";
    struct http_request req = {.method = "GET",
                               .url = "http://public.example/",
                               .allow_http = true,
                               .refuse_private = true,
                               .follow_redirects = true};
    ask(&net, &asked, &req);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("no_proxy"), 0);
    cl_free(proxy);
    assert_failed(&asked, CL_ERR_TRANSIENT, "PrivateAddress");
    assert_true(cl_str_starts(peer.requests.items[0], "GET http://public.example/ HTTP/1.1\r\n"));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(two_hundred_requests_share_the_connections_of_eight_at_once),
        T(a_hundred_requests_at_once_are_all_answered),
        T(a_connection_closed_by_the_server_is_replaced),
        T(what_goes_once_is_not_repeated_on_another_connection),
        T(after_a_minute_without_requests_connections_are_given_back),
        T(a_silent_server_is_given_up_at_the_deadline),
        T(an_answer_that_drips_is_given_up_at_the_deadline),
        T(nobody_listening_is_connect_failed),
        T(cancelling_ends_a_request_once_and_later),
        T(a_request_can_be_cancelled_before_the_loop_has_run),
        T(a_request_can_be_cancelled_by_the_end_of_another),
        T(destroying_cancels_what_runs),
        T(a_name_without_address_is_name_not_resolved),
        T(a_resolver_that_hangs_delays_neither_others_nor_the_deadline_nor_cancelling),
        T(private_addresses_are_refused_where_they_must_not_be),
        T(a_kept_connection_to_a_private_address_is_refused_too),
        T(a_redirect_to_a_private_address_is_refused),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
