/* SPDX-License-Identifier: Apache-2.0 */
/* tls-alpn-01: who is shown which certificate, for how long, and what a proxy puts before it. */
#include "backends/net/alpn_proxy.h"
#include "backends/net/alpn_server.h"
#include "backends/solvers/solvers.h"
#include "tests/unit/rt_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"
#define OTHER "AAAGxfADs6pSRb2LAv9IZf17Dt3juxGJ"

struct solving {
    struct rt *rt;
    struct solvers *solvers;
    struct paths paths;
    struct config config;
    struct solver_spec spec;
    struct solver_challenge challenge;
    char listen[32];
    struct rt_op op;
    struct alpn_probe_op probe;
    bool probed;
    struct cl_err err;
    char *seen; /* the certificate that a client was shown */
    unsigned fetched;
    struct solver_fetch watch;
};

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
    void *rt = NULL;

    assert_int_equal(rt_setup(&rt), 0);
    s->rt = rt;
    s->paths.state = cl_printf("%s/state", s->rt->dir);
    free_address(s->listen, sizeof(s->listen));
    s->config.tlsalpn01_listen = s->listen;
    s->solvers = solvers_create(s->rt->loop, NULL, &s->paths, &s->config);
    s->spec.has_tlsalpn01 = true;
    s->challenge = (struct solver_challenge){.type = "tls-alpn-01",
                                             .identifier = "example.com",
                                             .token = TOKEN,
                                             .key_authorization = TOKEN ".thumbprint",
                                             .solver = &s->spec};
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct solving *s = *state;
    void *rt = s->rt;
    solvers_destroy(s->solvers);
    cl_free(s->paths.state);
    cl_free(s->seen);
    cl_free(s);
    return rt_teardown(&rt);
}

static void present(struct solving *s)
{
    solvers_present(s->solvers, &s->challenge, rt_op(&s->op));
    rt_wait(s->rt, rt_op_is_done, &s->op);
    if (s->op.failed) {
        s->err = s->op.err;
    }
}

static void cleanup(struct solving *s)
{
    solvers_cleanup(s->solvers, &s->challenge, rt_op(&s->op));
    rt_wait(s->rt, rt_op_is_done, &s->op);
    assert_false(s->op.failed);
}

static void on_probed(struct cl_op *op, const struct cl_err *err)
{
    struct solving *s = op->user;
    s->probed = true;
    s->err = err != NULL ? *err : (struct cl_err){0};
    cl_free(s->seen);
    s->seen = cl_strdup(s->probe.cert_pem);
    if (err == NULL) {
        assert_string_equal(s->probe.protocol, "acme-tls/1");
    }
}

static bool is_probed(void *user)
{
    return ((struct solving *)user)->probed;
}

/* What a CA is shown for @name, or NULL. */
static const char *ask(struct solving *s, const char *name)
{
    s->probed = false;
    s->probe = (struct alpn_probe_op){.op = {.done = on_probed, .user = s}};
    alpn_probe_start(s->rt->loop, s->listen, name, 10 * CL_SECOND, &s->probe);
    rt_wait(s->rt, is_probed, s);
    rt_turns(s->rt, 5);
    return s->seen;
}

static void on_fetched(struct solver_fetch *f)
{
    struct solving *s = f->user;
    s->fetched++;
}

static void acme_point_33_the_certificate_is_shown_to_all_until_it_is_cleaned_up(void **state)
{
    struct solving *s = *state;
    s->watch = (struct solver_fetch){.fetched = on_fetched, .user = s};
    solvers_on_fetch(s->solvers, TOKEN, &s->watch);
    present(s);
    assert_false(s->op.failed);
    char *first = cl_strdup(ask(s, "example.com"));
    assert_non_null(first);
    for (int i = 0; i < 4; i++) {
        assert_non_null(ask(s, "EXAMPLE.com")); /* names do not care for case */
        assert_string_equal(s->seen, first);
    }
    assert_int_equal(s->fetched, 5);
    present(s); /* idempotent */
    assert_string_equal(ask(s, "example.com"), first);
    solver_fetch_stop(&s->watch);
    cleanup(s);
    assert_null(ask(s, "example.com"));
    assert_string_equal(s->err.reason, "TLSFailed");
    cleanup(s); /* a missing one is success */
    cl_free(first);
}

static void other_names_are_refused(void **state)
{
    struct solving *s = *state;
    present(s);
    static const char *const NAMES[] = {"www.example.com", "example.com.", "example.org", "x"};
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        assert_null(ask(s, NAMES[i]));
        if (strstr(s->err.text, "unrecognized name") == NULL) {
            fail_msg("%s: %s", NAMES[i], s->err.text);
        }
    }
}

static void an_address_is_asked_for_by_its_reverse_name(void **state)
{
    struct solving *s = *state;
    static const struct {
        const char *address, *name;
    } CASES[] = {
        {"192.0.2.17", "17.2.0.192.in-addr.arpa"},
        {"2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        s->challenge.identifier = CASES[i].address;
        present(s);
        assert_non_null(ask(s, CASES[i].name));
        assert_null(ask(s, CASES[i].address));
        cleanup(s);
    }
}

/* Two orders for one name: the second has to wait, and is told so. */
static unsigned told;
static void on_changed(struct cl_op *op)
{
    struct solving *s = op->user;
    told += solvers_waits(s->solvers, &s->challenge);
}

static bool is_told(void *user)
{
    (void)user;
    return told > 0;
}

static void second_done(struct cl_op *op, const struct cl_err *err)
{
    struct solving *s = op->user;
    s->probed = true;
    s->err = err != NULL ? *err : (struct cl_err){0};
}

static void another_answer_for_a_name_waits_for_the_end_of_the_first(void **state)
{
    struct solving *s = *state;
    struct solver_challenge first = s->challenge;
    struct cl_op second = {.done = second_done, .changed = on_changed, .user = s};

    told = 0;
    present(s);
    char *shown = cl_strdup(ask(s, "example.com"));
    s->challenge.token = OTHER;
    s->challenge.key_authorization = OTHER ".thumbprint";
    assert_true(solvers_waits(s->solvers, &s->challenge));
    s->probed = false;
    solvers_present(s->solvers, &s->challenge, &second);
    rt_wait(s->rt, is_told, s);
    assert_string_equal(ask(s, "example.com"), shown);
    s->probed = false;
    struct solver_challenge later = s->challenge;
    s->challenge = first;
    cleanup(s);
    rt_wait(s->rt, is_probed, s);
    assert_int_equal(s->err.kind, CL_ERR_NONE);
    assert_string_not_equal(ask(s, "example.com"), shown);
    s->challenge = later;
    cleanup(s);
    assert_null(ask(s, "example.com"));
    cl_free(shown);
}

static void one_that_waits_can_be_stopped(void **state)
{
    struct solving *s = *state;
    struct cl_op second = {.done = second_done, .user = s};

    present(s);
    s->challenge.key_authorization = OTHER ".thumbprint";
    s->probed = false;
    solvers_present(s->solvers, &s->challenge, &second);
    cl_op_cancel(&second);
    rt_wait(s->rt, is_probed, s);
    assert_int_equal(s->err.kind, CL_ERR_CANCELLED);
}

static void a_port_in_use_is_named(void **state)
{
    struct solving *s = *state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(cl_parse_u64(strchr(s->listen, ':') + 1, 65535, &port), 0);
    a.sin_port = htons((uint16_t)port);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    present(s);
    assert_string_equal(s->err.reason, "AddressInUse");
    assert_int_equal(s->err.kind, CL_ERR_LOCAL);
    assert_non_null(strstr(s->err.text, s->listen));
    assert_int_equal(close(fd), 0);
    present(s);
    assert_false(s->op.failed);
}

static void solvers_of_one_port_agree_about_the_proxy(void **state)
{
    struct solving *s = *state;
    present(s);
    s->spec.tlsalpn01.proxy_protocol = true;
    s->challenge.identifier = "b.example.com";
    present(s);
    assert_string_equal(s->err.reason, "ListenerConflict");
    s->spec.tlsalpn01.proxy_protocol = false;
    s->challenge.identifier = "example.com";
    cleanup(s);
    s->spec.tlsalpn01.proxy_protocol = true;
    present(s);
    assert_false(s->op.failed);
    assert_null(ask(s, "example.com")); /* no header came */
}

static void the_listener_follows_the_configuration(void **state)
{
    struct solving *s = *state;
    struct config other = {0};
    char *old = cl_strdup(s->listen);
    present(s);
    cleanup(s);
    free_address(s->listen, sizeof(s->listen));
    other.tlsalpn01_listen = s->listen;
    solvers_configure(s->solvers, &other);
    present(s);
    assert_non_null(ask(s, "example.com"));
    (void)snprintf(s->listen, sizeof(s->listen), "%s", old);
    assert_null(ask(s, "example.com"));
    assert_string_equal(s->err.reason, "ConnectFailed");
    cl_free(old);
    s->config.tlsalpn01_listen = NULL;
}

static void its_window_is_its_own_and_it_sees_fetches(void **state)
{
    struct solving *s = *state;
    char *identity = solver_identity(&s->spec, &s->config);
    char *want = cl_printf("tls-alpn-01 listen %s", s->listen);
    assert_string_equal(identity, want);
    assert_true(solver_sees_fetches(&s->spec));
    assert_true(solver_answers(&s->spec, "tls-alpn-01"));
    assert_false(solver_answers(&s->spec, "http-01"));
    cl_free(identity);
    cl_free(want);
}

/* ---- PROXY headers ---- */

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) text, sizeof(text) - 1

static void a_proxy_header_is_taken_and_nothing_behind_it(void **state)
{
    static const struct {
        const char *data;
        size_t len;
        int want;
    } CASES[] = {
        {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nREST"), 1},
        {BYTES("PROXY UNKNOWN\r\nREST"), 1},
        {BYTES(V2 "\x21\x11\0\x0c"
                  "aaaabbbbccddREST"),
         1},
        {BYTES(V2 "\x20\0\0\0REST"), 1},
        {BYTES("PROXY TCP4 192.0.2.1"), 0},
        {BYTES(V2 "\x21\x11\0\x0c"
                  "aaaa"),
         0},
        {BYTES("PROX"), 0},
        {BYTES(V2 "\x11\x11\0\0REST"), -1}, /* version 1 */
        {BYTES(V2 "\x21\x11\x7f\xff"
                  "aaaa"),
         -1}, /* too long */
        {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2\nREST"), -1},
        {BYTES("GET / HTTP/1.1\r\nREST"), -1},
        {BYTES("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\x11\x12REST"), -1}, /* TLS at once */
        {BYTES("PROXY TCP6 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nREST"),
         -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct alpn_proxy p = {0};
        char rest[16] = "";
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(write(fds[0], CASES[i].data, CASES[i].len), CASES[i].len);
        assert_int_equal(alpn_proxy_read(&p, fds[1]), CASES[i].want);
        if (CASES[i].want == 1) {
            assert_int_equal(read(fds[1], rest, sizeof(rest)), 4);
            assert_string_equal(rest, "REST");
        }
        assert_int_equal(close(fds[0]), 0);
        if (CASES[i].want == 0) {
            assert_int_equal(alpn_proxy_read(&p, fds[1]), -1); /* it ends in the middle */
        }
        assert_int_equal(close(fds[1]), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(acme_point_33_the_certificate_is_shown_to_all_until_it_is_cleaned_up),
        TEST(other_names_are_refused),
        TEST(an_address_is_asked_for_by_its_reverse_name),
        TEST(another_answer_for_a_name_waits_for_the_end_of_the_first),
        TEST(one_that_waits_can_be_stopped),
        TEST(a_port_in_use_is_named),
        TEST(solvers_of_one_port_agree_about_the_proxy),
        TEST(the_listener_follows_the_configuration),
        TEST(its_window_is_its_own_and_it_sees_fetches),
        cmocka_unit_test(a_proxy_header_is_taken_and_nothing_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
