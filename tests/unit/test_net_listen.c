/* SPDX-License-Identifier: Apache-2.0 */
/* Where the small HTTP servers listen: TCP of both families, unix sockets, a socket passed by the
 * service manager, and what is said when that is not possible. */
#include "backends/net/http_server.h"
#include "tests/unit/net_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct net net;
static struct http_server *server;
static struct asked asked;
static char url[URL_TEXT];
static char dir[64];
static char remote[64];

static void handle(void *user, const struct http_server_request *req,
                   struct http_server_response *res)
{
    (void)user;
    (void)snprintf(remote, sizeof remote, "%s", req->remote);
    (void)cl_buf_adds(&res->body, "here");
}
static const struct http_server_handler HANDLER = {.handle = handle};

static int setup(void **state)
{
    (void)state;
    net_setup(&net);
    (void)snprintf(dir, sizeof dir, "/tmp/test_net_listen.XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_server_stop(server);
    server = NULL;
    net_teardown(&net);
    asked_free(&asked);
    return rmdir(dir); /* fails if anything is left in it */
}

static void start(const char *where)
{
    struct cl_err err = {0};
    if (http_server_start(net.loop, where, &HANDLER, &server, &err) < 0) {
        fail_msg("%s: %s", err.reason, err.text);
    }
}

static void assert_no_start(const char *where, const char *reason)
{
    struct cl_err err = {0};
    struct http_server *none = NULL;
    assert_int_equal(http_server_start(net.loop, where, &HANDLER, &none, &err), -1);
    assert_null(none);
    assert_string_equal(err.reason, reason);
    assert_int_equal(err.kind, CL_ERR_LOCAL);
    assert_non_null(strstr(err.text, where)); /* the address is named */
}

static void get(const char *host)
{
    struct http_request req = {.method = "GET", .url = url, .allow_http = true};
    (void)snprintf(url, sizeof url, "http://%s:%u/", host, http_server_port(server));
    ask(&net, &asked, &req);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof in6) == 0;
    (void)close(fd);
    return has;
}

static void any_address_means_both_families(void **state)
{
    static const char *const ADDRESSES[] = {":0", "[::]:0", "*:0"};

    (void)state;
    for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
        start(ADDRESSES[i]);
        assert_in_range(http_server_port(server), 1, 65535);
        get("127.0.0.1");
        assert_answered(&asked, 200);
        assert_string_equal(remote, "127.0.0.1");
        if (has_ipv6()) {
            get("[::1]");
            assert_answered(&asked, 200);
            assert_string_equal(remote, "::1");
        }
        http_server_stop(server);
    }
    server = NULL;
}

static void one_address_means_that_one(void **state)
{
    static const char *const ADDRESSES[] = {"127.0.0.1:0", "localhost:0", "0.0.0.0:0"};

    (void)state;
    for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
        start(ADDRESSES[i]);
        get("127.0.0.1");
        assert_answered(&asked, 200);
        get("[::1]");
        assert_failed(&asked, CL_ERR_TRANSIENT, "ConnectFailed");
        http_server_stop(server);
    }
    server = NULL;
}

#define LONG_PATH                                                                               \
    "unix:/a/path/that/is/much/longer/than/the/hundred/and/eight/bytes/which/the/address/of/a/" \
    "unix/socket/may/have/on/linux/"

static void text_that_is_no_address_is_refused(void **state)
{
    static const char *const ADDRESSES[] = {"",
                                            "80",
                                            "127.0.0.1",
                                            "127.0.0.1:",
                                            "127.0.0.1:65536",
                                            "127.0.0.1:http",
                                            "[::1:80",
                                            "::1:80",
                                            "[]:80",
                                            "example.com:80",
                                            "1.2.3:80",
                                            "unix:",
                                            "unix:relative",
                                            "127.0.0.1:-1",
                                            "[127.0.0.1]:80",
                                            LONG_PATH};

    (void)state;
    for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
        assert_no_start(ADDRESSES[i], "ListenInvalid");
    }
}

static void a_port_in_use_is_said_to_be_in_use(void **state)
{
    char where[64];

    (void)state;
    start("127.0.0.1:0");
    (void)snprintf(where, sizeof where, "127.0.0.1:%u", http_server_port(server));
    assert_no_start(where, "AddressInUse");
    http_server_stop(server);
    start(where); /* and it is free at once */
    get("127.0.0.1");
    assert_answered(&asked, 200);
}

static void an_address_of_another_machine_is_not_available(void **state)
{
    (void)state;
    assert_no_start("192.0.2.1:8080", "AddressNotAvailable");
}

static void a_port_below_1024_needs_permission(void **state)
{
    (void)state;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    unsigned first = 0;
    bool known = f != NULL && fscanf(f, "%u", &first) == 1;
    if (f != NULL) {
        (void)fclose(f);
    }
    bool root = geteuid() == 0;
    if (!known || first <= 1 || (root && seteuid(65534) < 0)) {
        skip();
    }
    assert_no_start("127.0.0.1:1", "PermissionDenied");
    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
}

/* ---- unix sockets ---- */

static void fill(struct sockaddr_un *un, const char *path)
{
    memset(un, 0, sizeof *un);
    un->sun_family = AF_UNIX;
    (void)snprintf(un->sun_path, sizeof un->sun_path, "%s", path);
}

static char *unix_get(const char *path)
{
    struct sockaddr_un un;
    char text[4096] = "";
    size_t len = 0;
    ssize_t n = -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fill(&un, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_true(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL) == 18);
    for (int i = 0; i < 1000 && n != 0; i++) {
        net_turns(&net, 1);
        n = recv(fd, text + len, sizeof text - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    return cl_strdup(text);
}

static void a_unix_socket_is_for_owner_and_group_and_goes_with_the_server(void **state)
{
    char where[128];
    struct stat st;

    (void)state;
    (void)snprintf(where, sizeof where, "unix:%s/http.sock", dir);
    for (int i = 0; i < 2; i++) {
        start(where);
        assert_int_equal(stat(where + 5, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0660);
        assert_int_equal(http_server_port(server), 0);
        char *answer = unix_get(where + 5);
        assert_non_null(strstr(answer, "\r\n\r\nhere"));
        cl_free(answer);
        assert_string_equal(remote, "unix");
        assert_no_start(where, "AddressInUse");
        http_server_stop(server);
        assert_int_not_equal(stat(where + 5, &st), 0);
    }
    server = NULL;
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    char where[128];
    struct sockaddr_un un;

    (void)state;
    (void)snprintf(where, sizeof where, "unix:%s/http.sock", dir);
    fill(&un, where + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    (void)close(fd); /* what a killed server leaves */
    start(where);
    char *answer = unix_get(where + 5);
    assert_non_null(strstr(answer, "\r\n\r\nhere"));
    cl_free(answer);
}

static void a_file_at_the_path_of_a_unix_socket_is_left_alone(void **state)
{
    char where[128];
    struct stat st;

    (void)state;
    (void)snprintf(where, sizeof where, "unix:%s/file", dir);
    int fd = open(where + 5, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_no_start(where, "NotASocket");
    assert_int_equal(stat(where + 5, &st), 0);
    assert_int_equal(unlink(where + 5), 0);
    (void)snprintf(where, sizeof where, "unix:%s", dir);
    assert_no_start(where, "NotASocket");
}

/* ---- the service manager's socket ---- */

static struct sockaddr_in passed;

/* Before anything else is opened: descriptor 3 is the first that a service manager passes. */
static void pass_socket(void)
{
    socklen_t len = sizeof passed;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    passed = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)&passed, sizeof passed) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&passed, &len) < 0 || (fd != 3 && dup2(fd, 3) != 3)) {
        abort();
    }
    if (fd != 3) {
        (void)close(fd);
    }
}

static void a_socket_of_the_service_manager_is_used_and_stays_open(void **state)
{
    char where[64];
    char pid[32];

    (void)state;
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
    (void)snprintf(where, sizeof where, "127.0.0.1:%u", ntohs(passed.sin_port));
    for (int i = 0; i < 2; i++) {
        start(where);
        assert_int_equal(http_server_port(server), ntohs(passed.sin_port));
        get("127.0.0.1");
        assert_answered(&asked, 200);
        http_server_stop(server);
        server = NULL;
        /* connections now wait in the socket for the next start instead of being refused */
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (struct sockaddr *)&passed, sizeof passed), 0);
        (void)close(client);
    }
    assert_int_equal(unsetenv("LISTEN_FDS"), 0);
    assert_int_equal(unsetenv("LISTEN_PID"), 0);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(any_address_means_both_families),
        T(one_address_means_that_one),
        T(text_that_is_no_address_is_refused),
        T(a_port_in_use_is_said_to_be_in_use),
        T(an_address_of_another_machine_is_not_available),
        T(a_port_below_1024_needs_permission),
        T(a_unix_socket_is_for_owner_and_group_and_goes_with_the_server),
        T(a_stale_unix_socket_is_replaced),
        T(a_file_at_the_path_of_a_unix_socket_is_left_alone),
        T(a_socket_of_the_service_manager_is_used_and_stays_open),
    };
    pass_socket();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
