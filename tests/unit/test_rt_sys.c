/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines, the two protocols of service managers, and changing the user. Children are forked where
 * a test changes what belongs to the whole process. */
#include "backends/rt/log_sink.h"
#include "backends/rt/sys.h"
#include "tests/unit/rt_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <regex.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Runs fn in a child; its exit status. What it writes to standard error ends in @ret_err. */
static int in_child(int (*fn)(void *arg), void *arg, char *ret_err, size_t size)
{
    int fds[2];
    int status = 0;
    size_t len = 0;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(fds[1], STDERR_FILENO) < 0) {
            _exit(99);
        }
        (void)close(fds[1]);
        _exit(fn(arg));
    }
    (void)close(fds[1]);
    for (ssize_t n = 1; n > 0 && len < size - 1; len += (size_t)n) {
        n = read(fds[0], ret_err + len, size - 1 - len);
        assert_true(n >= 0);
    }
    ret_err[len] = '\0';
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t re;

    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&re, text, 0, NULL, 0) != 0) {
        fail_msg("'%s' does not match '%s'", text, pattern);
    }
    regfree(&re);
}

/* ---- log ---- */

struct log_case {
    bool json;
    bool journal;
    const char *object, *reason, *text;
    const char *pattern;
};

static int log_one(void *arg)
{
    const struct log_case *c = arg;
    struct stat st;
    char stream[64];

    if (c->journal && fstat(STDERR_FILENO, &st) == 0) {
        (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                       (unsigned long long)st.st_ino);
        (void)setenv("JOURNAL_STREAM", stream, 1);
    } else {
        (void)setenv("JOURNAL_STREAM", "1:1", 1); /* of someone else's standard error */
    }
    log_sink_open(c->json, CL_LOG_INFO);
    cl_log(CL_LOG_WARNING, c->object, c->reason, "%s", c->text);
    cl_log(CL_LOG_DEBUG, c->object, c->reason, "not shown");
    return 0;
}

static void log_lines_have_the_documented_forms(void **state)
{
#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"
    static const struct log_case CASES[] = {
        {false, false, "web/www", "Issued", "done", "^" TIME " warning web/www Issued: done\n$"},
        {false, false, NULL, NULL, "up", "^" TIME " warning: up\n$"},
        {false, true, "web/www", "Issued", "done", "^<4>done object=web/www reason=Issued\n$"},
        {false, true, NULL, NULL, "up", "^<4>up\n$"},
        {true, false, "web/www", "Issued", "a \"b\" \\c",
         "^\\{\"time\":\"" TIME "\",\"level\":\"warning\",\"object\":\"web/www\","
         "\"reason\":\"Issued\",\"message\":\"a \\\\\"b\\\\\" \\\\\\\\c\"\\}\n$"},
        {true, true, "x", "Y", "z", "^<4>\\{\"time\":.*\"message\":\"z\"\\}\n$"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct log_case c = CASES[i];
        char got[1024];
        assert_int_equal(in_child(log_one, &c, got, sizeof got), 0);
        assert_matches(got, c.pattern);
    }
}

/* ---- sd_notify ---- */

static void the_service_manager_is_notified_on_both_kinds_of_sockets(void **state)
{
    struct rt *rt = *state;
    char path[2][108];

    (void)snprintf(path[0], sizeof path[0], "%s/notify", rt->dir);
    (void)snprintf(path[1], sizeof path[1], "@%s", rt->dir);
    for (size_t i = 0; i < COUNT(path); i++) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        char got[64] = "";
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        memcpy(sa.sun_path, path[i], sizeof path[i]);
        socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path[i]));
        sa.sun_path[0] = path[i][0] == '@' ? '\0' : path[i][0];
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
        (void)setenv("NOTIFY_SOCKET", path[i], 1);
        sys_notify("READY=1");
        assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), strlen("READY=1"));
        assert_string_equal(got, "READY=1");
        (void)close(fd);
        sys_notify("WATCHDOG=1"); /* nobody listens any more: no harm */
    }
    (void)setenv("NOTIFY_SOCKET", "relative", 1);
    sys_notify("READY=1");
    (void)unsetenv("NOTIFY_SOCKET");
    sys_notify("READY=1");
}

/* ---- sd_listen_fds ---- */

struct passed {
    const char *dir;
    int failed_line;
};

static int listen_inet(int family, const void *addr, unsigned *ret_port)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    bool v4 = family == AF_INET;
    socklen_t len = v4 ? sizeof in : sizeof in6;
    int on = 1;
    int fd = socket(family, SOCK_STREAM, 0);

    if (v4) {
        memcpy(&in.sin_addr, addr, sizeof in.sin_addr);
    } else {
        memcpy(&in6.sin6_addr, addr, sizeof in6.sin6_addr);
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    struct sockaddr *sa = v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
    if (fd < 0 || bind(fd, sa, len) < 0 || listen(fd, 1) < 0 || getsockname(fd, sa, &len) < 0) {
        return -1;
    }
    *ret_port = ntohs(v4 ? in.sin_port : in6.sin6_port);
    return fd;
}

static int look_for_passed_sockets(void *arg)
{
    const struct passed *p = arg;
    const struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    unsigned port4 = 0;
    unsigned port6 = 0;
    char text[160];
    int fds[3];

    fds[0] = listen_inet(AF_INET, &loopback, &port4);
    fds[1] = listen_inet(AF_INET6, &in6addr_any, &port6);
    fds[2] = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s/sock", p->dir);
    if (fds[0] < 0 || fds[1] < 0 || bind(fds[2], (struct sockaddr *)&un, sizeof un) < 0) {
        return 77;
    }
    for (int i = 0; i < 3; i++) { /* to 3, 4, 5, by way of higher numbers */
        fds[i] = fcntl(fds[i], F_DUPFD, 100);
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(fds[i], 3 + i) < 0) {
            return 78;
        }
    }
    (void)setenv("LISTEN_FDS", "3", 1);
    (void)snprintf(text, sizeof text, "%ld", (long)getpid());
    (void)setenv("LISTEN_PID", text, 1);
#define CHECK(want, ...)                                \
    do {                                                \
        (void)snprintf(text, sizeof text, __VA_ARGS__); \
        if (sys_listen_fd(text) != (want)) {            \
            return __LINE__ % 60 + 1;                   \
        }                                               \
    } while (0)
    CHECK(3, "127.0.0.1:%u", port4);
    CHECK(3, "localhost:%u", port4);
    CHECK(-1, ":%u", port4); /* asks for all addresses, this is one */
    CHECK(-1, "0.0.0.0:%u", port4);
    CHECK(4, "[::]:%u", port6);
    CHECK(4, ":%u", port6);
    CHECK(-1, "[::1]:%u", port6);
    CHECK(5, "unix:%s/sock", p->dir);
    CHECK(-1, "unix:%s/other", p->dir);
    CHECK(-1, "nonsense");
    CHECK(-1, "127.0.0.1:%u", port4 == 1 ? 2U : 1U);
    if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0) {
        return 79;
    }
    (void)setenv("LISTEN_PID", "1", 1); /* meant for another process */
    CHECK(-1, "127.0.0.1:%u", port4);
    (void)unsetenv("LISTEN_PID");
    CHECK(-1, "127.0.0.1:%u", port4);
    return 0;
}

static void a_passed_socket_is_found_by_its_address(void **state)
{
    struct rt *rt = *state;
    struct passed p = {.dir = rt->dir};
    char err[2048];
    int status = in_child(look_for_passed_sockets, &p, err, sizeof err);

    if (status == 77) {
        skip(); /* no IPv6 here */
    }
    if (status != 0) {
        fail_msg("check %d: %s", status, err);
    }
}

/* ---- identity and the rest ---- */

static int become_nobody(void *arg)
{
    struct cl_err err = {0};
    gid_t groups[4];

    (void)arg;
    if (sys_become(65534, 65534, &err) < 0) {
        return 1;
    }
    if (geteuid() != 65534 || getegid() != 65534 || getuid() != 65534 || sys_uid() != 65534) {
        return 2;
    }
    if (getgroups(4, groups) > 1 || setuid(0) == 0) {
        return 3;
    }
    return sys_become(0, 0, &err) < 0 && cl_streq(err.reason, "PermissionDenied") ? 0 : 4;
}

static void becoming_another_user_is_for_good(void **state)
{
    char err[2048];

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    int status = in_child(become_nobody, NULL, err, sizeof err);
    if (status != 0) {
        fail_msg("check %d: %s", status, err);
    }
}

static void facts_about_the_process_are_told(void **state)
{
    char name[64];
    char tiny[2];

    (void)state;
    (void)setenv("CERTLOOP_TEST", "yes", 1);
    assert_string_equal(sys_getenv("CERTLOOP_TEST"), "yes");
    assert_null(sys_getenv("CERTLOOP_TEST_NOT_SET"));
    sys_hostname(name, sizeof name);
    assert_true(strlen(name) > 0);
    sys_hostname(tiny, sizeof tiny);
    assert_int_equal(tiny[1], '\0');
    assert_int_equal(sys_pid(), (long)getpid());
    sys_trim();
}

#define T(f) cmocka_unit_test_setup_teardown(f, rt_setup, rt_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(log_lines_have_the_documented_forms),
        T(the_service_manager_is_notified_on_both_kinds_of_sockets),
        T(a_passed_socket_is_found_by_its_address),
        T(becoming_another_user_is_for_good),
        T(facts_about_the_process_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
