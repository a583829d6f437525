/* SPDX-License-Identifier: Apache-2.0 */
/* http-01 answered by the embedded listener, a unix socket, or files in a webroot. */
#include "backends/net/http.h"
#include "backends/solvers/solvers.h"
#include "tests/unit/rt_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"
#define KEYAUTH TOKEN ".thumbprint"

struct solving {
    struct rt *rt;
    struct solvers *solvers;
    struct paths paths;
    struct config config;
    struct solver_spec spec;
    struct solver_challenge challenge;
    char listen[32];
    struct cl_op op;
    bool done;
    struct cl_err err;
    /* a fetch */
    struct http *http;
    struct http_op get;
    bool got;
    long status;
    char body[256];
    unsigned fetched;
    struct solver_fetch watch;
    bool forget_when_fetched;
};

/* A port nobody listens on right now. */
static void free_address(char *buf, size_t size)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(buf, size, "127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
}

static int setup(void **state)
{
    struct solving *s = cl_new(struct solving);
    struct http_params params = {.user_agent = "test"};
    struct cl_err err = {0};
    void *rt = NULL;

    assert_int_equal(rt_setup(&rt), 0);
    s->rt = rt;
    s->paths.state = cl_printf("%s/state", s->rt->dir);
    cl_strv_take(&s->config.webroots, cl_printf("%s/www", s->rt->dir));
    free_address(s->listen, sizeof(s->listen));
    s->config.http01_listen = s->listen;
    s->http = http_create(s->rt->loop, &params, &err);
    s->solvers = solvers_create(s->rt->loop, s->http, &s->paths, &s->config);
    s->spec.has_http01 = true;
    s->challenge = (struct solver_challenge){.type = "http-01",
                                             .identifier = "example.com",
                                             .token = TOKEN,
                                             .key_authorization = KEYAUTH,
                                             .solver = &s->spec};
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct solving *s = *state;
    void *rt = s->rt;
    solvers_destroy(s->solvers);
    http_destroy(s->http);
    cl_free(s->paths.state);
    cl_free(s->spec.http01.webroot);
    cl_strv_deinit(&s->config.webroots);
    cl_free(s);
    return rt_teardown(&rt);
}

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct solving *s = op->user;
    s->done = true;
    if (err != NULL) {
        s->err = *err;
    }
}

static bool is_done(void *user)
{
    return ((struct solving *)user)->done;
}

static struct cl_op *begin(struct solving *s)
{
    s->done = false;
    memset(&s->err, 0, sizeof(s->err));
    s->op = (struct cl_op){.done = on_done, .user = s};
    return &s->op;
}

static void present(struct solving *s)
{
    solvers_present(s->solvers, &s->challenge, begin(s));
    assert_false(s->done);
    rt_wait(s->rt, is_done, s);
}

static void cleanup(struct solving *s)
{
    solvers_cleanup(s->solvers, &s->challenge, begin(s));
    assert_false(s->done);
    rt_wait(s->rt, is_done, s);
}

static void recover(struct solving *s)
{
    solvers_recover(s->solvers, begin(s));
    rt_wait(s->rt, is_done, s);
}

static void on_got(struct cl_op *op, const struct cl_err *err)
{
    struct solving *s = op->user;
    s->got = true;
    s->status = err == NULL ? s->get.status : -1;
    (void)snprintf(s->body, sizeof(s->body), "%s", cl_buf_str(&s->get.body));
}

static bool is_got(void *user)
{
    return ((struct solving *)user)->got;
}

static long get(struct solving *s, const char *method, const char *path)
{
    char *url = cl_printf("http://%s%s", s->listen, path);
    struct http_request req = {.method = method, .url = url, .allow_http = true};
    s->got = false;
    s->get = (struct http_op){.op = {.done = on_got, .user = s}};
    http_start(s->http, &req, &s->get);
    rt_wait(s->rt, is_got, s);
    rt_turns(s->rt, 5); /* the server notices that its answer is out */
    cl_free(url);
    return s->status;
}

static void assert_success(const struct solving *s)
{
    if (s->err.kind != CL_ERR_NONE) {
        fail_msg("%s: %s", s->err.reason, s->err.text);
    }
}

static void a_presented_token_is_served_until_it_is_cleaned_up(void **state)
{
    struct solving *s = *state;
    present(s);
    assert_success(s);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 200);
    assert_string_equal(s->body, KEYAUTH);
    present(s); /* idempotent */
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 200);
    cleanup(s);
    assert_success(s);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 404);
    cleanup(s);
    assert_success(s); /* a missing one is success */
}

/* The body is the key authorization and nothing else, on both families; several perspectives of the
 * CA fetch it, and a fetch does not take it away. */
static void acme_point_31_and_33_the_body_is_exact_on_v4_and_v6_for_every_fetch(void **state)
{
    struct solving *s = *state;
    const char *port = strchr(s->listen, ':') + 1;
    char both[32], v6[32];
    (void)snprintf(both, sizeof(both), "[::]:%s", port);
    (void)snprintf(v6, sizeof(v6), "[::1]:%s", port);
    s->spec.http01.listen = both;
    present(s);
    assert_success(s);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 200);
        assert_string_equal(s->body, KEYAUTH);
    }
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has_v6 = fd >= 0;
    if (has_v6) {
        struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        has_v6 = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
        assert_int_equal(close(fd), 0);
    }
    if (has_v6) {
        (void)snprintf(s->listen, sizeof(s->listen), "%s", v6);
        assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 200);
        assert_string_equal(s->body, KEYAUTH);
    }
    s->spec.http01.listen = NULL;
}

static void nothing_else_is_served(void **state)
{
    struct solving *s = *state;
    present(s);
    assert_int_equal(get(s, "GET", "/"), 404);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/"), 404);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/other"), 404);
    assert_int_equal(get(s, "GET", "/" TOKEN), 404);
}

static void on_fetched(struct solver_fetch *f)
{
    struct solving *s = f->user;
    s->fetched++;
    if (s->forget_when_fetched) {
        solver_fetch_stop(f);
        solvers_cleanup(s->solvers, &s->challenge, begin(s));
    }
}

static void each_complete_fetch_is_told(void **state)
{
    struct solving *s = *state;
    s->watch = (struct solver_fetch){.fetched = on_fetched, .user = s};
    solvers_on_fetch(s->solvers, TOKEN, &s->watch);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), -1); /* no listener */
    present(s);
    (void)get(s, "GET", "/.well-known/acme-challenge/" TOKEN);
    assert_int_equal(s->fetched, 1);
    (void)get(s, "GET", "/.well-known/acme-challenge/" TOKEN);
    assert_int_equal(s->fetched, 2);
    (void)get(s, "HEAD", "/.well-known/acme-challenge/" TOKEN); /* no fetch */
    (void)get(s, "GET", "/.well-known/acme-challenge/x");
    assert_int_equal(s->fetched, 2);
    solver_fetch_stop(&s->watch);
    solver_fetch_stop(&s->watch);
    (void)get(s, "GET", "/.well-known/acme-challenge/" TOKEN);
    assert_int_equal(s->fetched, 2);
}

static void a_watcher_may_clean_up_from_its_call(void **state)
{
    struct solving *s = *state;
    s->forget_when_fetched = true;
    s->watch = (struct solver_fetch){.fetched = on_fetched, .user = s};
    present(s);
    solvers_on_fetch(s->solvers, TOKEN, &s->watch);
    (void)get(s, "GET", "/.well-known/acme-challenge/" TOKEN);
    rt_wait(s->rt, is_done, s);
    assert_int_equal(s->fetched, 1);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 404);
}

static void a_watcher_survives_the_clean_up_of_its_token(void **state)
{
    struct solving *s = *state;
    s->watch = (struct solver_fetch){.fetched = on_fetched, .user = s};
    present(s);
    solvers_on_fetch(s->solvers, TOKEN, &s->watch);
    cleanup(s);
    solver_fetch_stop(&s->watch);
}

static void an_address_in_use_is_named(void **state)
{
    struct solving *s = *state;
    struct solvers *other = solvers_create(s->rt->loop, s->http, &s->paths, &s->config);
    present(s);
    solvers_present(other, &s->challenge, begin(s));
    rt_wait(s->rt, is_done, s);
    assert_int_equal(s->err.kind, CL_ERR_LOCAL);
    assert_string_equal(s->err.reason, "AddressInUse");
    assert_non_null(strstr(s->err.text, s->listen));
    solvers_destroy(other);
}

static void the_listener_follows_the_configuration(void **state)
{
    struct solving *s = *state;
    struct config other = {.http01_listen = NULL};
    char old[32];
    present(s);
    memcpy(old, s->listen, sizeof(old));
    free_address(s->listen, sizeof(s->listen));
    other.http01_listen = s->listen;
    solvers_configure(s->solvers, &other);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 200);
    memcpy(s->listen, old, sizeof(old));
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), -1);
    solvers_configure(s->solvers, &other); /* the same again: nothing happens */
}

static void a_solver_may_name_its_own_address_and_keeps_it(void **state)
{
    struct solving *s = *state;
    struct config other = {0};
    char fresh[32];
    s->spec.http01.listen = s->listen; /* the same as the default, by name */
    present(s);
    free_address(fresh, sizeof(fresh));
    other.http01_listen = fresh;
    solvers_configure(s->solvers, &other);
    assert_int_equal(get(s, "GET", "/.well-known/acme-challenge/" TOKEN), 200);
}

static void a_unix_socket_serves_too(void **state)
{
    struct solving *s = *state;
    char *path = cl_printf("%s/http.sock", s->rt->dir);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    s->spec.http01.unix_socket = path;
    present(s);
    assert_success(s);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    static const char REQUEST[] = "GET /.well-known/acme-challenge/" TOKEN
                                  " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    assert_int_equal(write(fd, REQUEST, sizeof(REQUEST) - 1), sizeof(REQUEST) - 1);
    rt_turns(s->rt, 20);
    char answer[1024] = "";
    ssize_t n = read(fd, answer, sizeof(answer) - 1);
    assert_true(n > 0);
    assert_non_null(strstr(answer, KEYAUTH));
    assert_int_equal(close(fd), 0);
    s->spec.http01.unix_socket = NULL;
    cl_free(path);
}

static void acme_point_30_odd_challenges_are_refused(void **state)
{
    struct solving *s = *state;
    s->challenge.token = "../../../../../../../etc/passwd";
    present(s);
    assert_string_equal(s->err.reason, "InvalidToken");
    assert_int_equal(s->err.kind, CL_ERR_BAD_RESULT);
    s->challenge.token = TOKEN;
    s->challenge.type = "dns-01";
    present(s);
    assert_string_equal(s->err.reason, "UnsupportedChallenge");
}

/* ---- webroot ---- */

#define FILE_IN_WEBROOT "www/site/.well-known/acme-challenge/" TOKEN

static void use_webroot(struct solving *s, const char *path)
{
    cl_free(s->spec.http01.webroot);
    s->spec.http01.webroot = cl_printf("%s/%s", s->rt->dir, path);
}

static void make_webroot(struct solving *s)
{
    struct cl_err err = {0};
    assert_int_equal(disk_mkdirs(rt_path(s->rt, "www/site"), 0755, &err), 0);
    use_webroot(s, "www/site");
}

static void a_token_is_written_into_the_webroot_and_removed_again(void **state)
{
    struct solving *s = *state;
    make_webroot(s);
    present(s);
    assert_success(s);
    assert_file(s->rt, FILE_IN_WEBROOT, KEYAUTH);
    assert_int_equal(rt_entries(s->rt, "state/journal"), 1);
    present(s); /* idempotent */
    assert_success(s);
    cleanup(s);
    assert_success(s);
    assert_false(rt_exists(s->rt, FILE_IN_WEBROOT));
    assert_int_equal(rt_entries(s->rt, "state/journal"), 0);
    cleanup(s);
    assert_success(s);
}

static void acme_point_34_what_a_crash_left_behind_is_removed(void **state)
{
    struct solving *s = *state;
    recover(s);
    assert_success(s); /* no journal at all */
    make_webroot(s);
    present(s);
    solvers_destroy(s->solvers); /* as if the process had ended */
    s->solvers = solvers_create(s->rt->loop, s->http, &s->paths, &s->config);
    recover(s);
    assert_success(s);
    assert_false(rt_exists(s->rt, FILE_IN_WEBROOT));
    assert_int_equal(rt_entries(s->rt, "state/journal"), 0);
    recover(s);
    assert_success(s);
}

static void an_unreadable_journal_entry_is_reported_and_the_others_are_handled(void **state)
{
    struct solving *s = *state;
    make_webroot(s);
    present(s);
    rt_put(s->rt, "state/journal/0000", "rubbish\n");
    recover(s);
    assert_string_equal(s->err.reason, "StateCorrupt");
    assert_false(rt_exists(s->rt, FILE_IN_WEBROOT));
    assert_int_equal(rt_entries(s->rt, "state/journal"), 1);
}

static void a_webroot_outside_of_the_allowed_roots_is_refused(void **state)
{
    static const char *const PATHS[] = {"other", "www/../other", "wwwx", "www/./site"};
    struct solving *s = *state;
    struct cl_err err = {0};
    assert_int_equal(disk_mkdirs(rt_path(s->rt, "other"), 0755, &err), 0);
    assert_int_equal(disk_mkdirs(rt_path(s->rt, "wwwx"), 0755, &err), 0);
    for (size_t i = 0; i < COUNT(PATHS); i++) {
        use_webroot(s, PATHS[i]);
        present(s);
        assert_string_equal(s->err.reason, "WebrootForbidden");
        assert_int_equal(s->err.kind, CL_ERR_PERMANENT);
        cleanup(s);
        assert_string_equal(s->err.reason, "WebrootForbidden");
    }
    assert_false(rt_exists(s->rt, "other/.well-known"));
}

static void a_root_itself_is_a_webroot(void **state)
{
    struct solving *s = *state;
    make_webroot(s);
    use_webroot(s, "www");
    present(s);
    assert_success(s);
    assert_file(s->rt, "www/.well-known/acme-challenge/" TOKEN, KEYAUTH);
}

static void a_missing_webroot_is_not_created(void **state)
{
    struct solving *s = *state;
    make_webroot(s);
    use_webroot(s, "www/typo");
    present(s);
    assert_string_equal(s->err.reason, "WebrootMissing");
    assert_false(rt_exists(s->rt, "www/typo"));
    assert_false(rt_exists(s->rt, "state/journal"));
}

static void a_planted_link_writes_nothing_elsewhere(void **state)
{
    struct solving *s = *state;
    struct cl_err err = {0};
    make_webroot(s);
    assert_int_equal(disk_mkdirs(rt_path(s->rt, "secret"), 0755, &err), 0);
    assert_int_equal(symlink(rt_path(s->rt, "secret"), rt_path(s->rt, "www/site/.well-known")), 0);
    present(s);
    assert_string_equal(s->err.reason, "WebrootUnsafe");
    assert_int_equal(rt_entries(s->rt, "secret"), 0);

    /* the webroot itself is a link out of the allowed root */
    assert_int_equal(symlink(rt_path(s->rt, "secret"), rt_path(s->rt, "www/link")), 0);
    use_webroot(s, "www/link");
    present(s);
    assert_string_equal(s->err.reason, "WebrootUnsafe");
    assert_int_equal(rt_entries(s->rt, "secret"), 0);
}

static void presenting_a_file_can_be_cancelled(void **state)
{
    struct solving *s = *state;
    make_webroot(s);
    solvers_present(s->solvers, &s->challenge, begin(s));
    cl_op_cancel(&s->op);
    rt_wait(s->rt, is_done, s);
    assert_int_equal(s->err.kind, CL_ERR_CANCELLED);
    assert_false(rt_exists(s->rt, FILE_IN_WEBROOT));
    cleanup(s);
    assert_success(s);
    assert_int_equal(rt_entries(s->rt, "state/journal"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_presented_token_is_served_until_it_is_cleaned_up),
        TEST(acme_point_31_and_33_the_body_is_exact_on_v4_and_v6_for_every_fetch),
        TEST(nothing_else_is_served),
        TEST(each_complete_fetch_is_told),
        TEST(a_watcher_may_clean_up_from_its_call),
        TEST(a_watcher_survives_the_clean_up_of_its_token),
        TEST(an_address_in_use_is_named),
        TEST(the_listener_follows_the_configuration),
        TEST(a_solver_may_name_its_own_address_and_keeps_it),
        TEST(a_unix_socket_serves_too),
        TEST(acme_point_30_odd_challenges_are_refused),
        TEST(a_token_is_written_into_the_webroot_and_removed_again),
        TEST(acme_point_34_what_a_crash_left_behind_is_removed),
        TEST(an_unreadable_journal_entry_is_reported_and_the_others_are_handled),
        TEST(a_webroot_outside_of_the_allowed_roots_is_refused),
        TEST(a_root_itself_is_a_webroot),
        TEST(a_missing_webroot_is_not_created),
        TEST(a_planted_link_writes_nothing_elsewhere),
        TEST(presenting_a_file_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
