/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: whom requests trust, that a connection made with one trust is not used with another, and
 * what a probe sees. */
#include "tests/unit/net_fixture.h"
#include "tests/unit/net_tls_peer.h"

#include <signal.h>

static struct tls_identity ca, other_ca, leaf;
static char *ca_pem, *other_pem, *leaf_pem;
static struct net net;
static struct tls_peer peer;
static struct asked asked;
static char url[URL_TEXT];

static int make_identities(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* the server of this test writes to closed connections */
    tls_identity_make(&ca, "Test Root", NULL, NULL);
    tls_identity_make(&other_ca, "Other Root", NULL, NULL);
    tls_identity_make(&leaf, "localhost", &ca, "DNS:localhost,DNS:www.example.org");
    ca_pem = tls_pem(ca.cert);
    other_pem = tls_pem(other_ca.cert);
    leaf_pem = tls_pem(leaf.cert);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    tls_identity_free(&ca);
    tls_identity_free(&other_ca);
    tls_identity_free(&leaf);
    cl_free(ca_pem);
    cl_free(other_pem);
    cl_free(leaf_pem);
    return 0;
}

static int setup_version(int version)
{
    net_setup(&net);
    tls_peer_start(&peer, &leaf, ca.cert, version);
    (void)snprintf(url, sizeof url, "https://localhost:%u/", peer.port);
    return 0;
}
static int setup(void **state)
{
    (void)state;
    return setup_version(TLS1_3_VERSION);
}
static int setup_tls12(void **state)
{
    (void)state;
    return setup_version(TLS1_2_VERSION);
}

static int teardown(void **state)
{
    (void)state;
    net_teardown(&net);
    asked_free(&asked); /* after what may still have run */
    tls_peer_stop(&peer);
    return 0;
}

static void ask_trusting(const struct http_trust *trust)
{
    struct http_request req = {.method = "GET", .url = url, .trust = trust};
    ask(&net, &asked, &req);
}

/* ---- trust ---- */

static void a_server_of_the_given_ca_is_trusted_and_its_connection_kept(void **state)
{
    (void)state;
    struct http_trust *trust = http_trust_create(ca_pem, false);
    for (int i = 0; i < 5; i++) {
        ask_trusting(trust);
        assert_answered(&asked, 200);
        assert_string_equal(asked.body, "ok");
    }
    assert_int_equal(atomic_load(&peer.accepted), 1);
    http_trust_destroy(trust);
}

static void a_server_of_another_ca_is_not_trusted(void **state)
{
    (void)state;
    struct http_trust *other = http_trust_create(other_pem, false);
    struct http_trust *system = http_trust_create(NULL, false);
    const struct http_trust *const EACH[] = {other, system, NULL};
    for (size_t i = 0; i < COUNT(EACH); i++) {
        ask_trusting(EACH[i]);
        assert_failed(&asked, CL_ERR_TRANSIENT, "TLSVerifyFailed");
    }
    assert_int_equal(atomic_load(&peer.answered), 0);
    http_trust_destroy(other);
    http_trust_destroy(system);
}

static void a_kept_connection_is_not_used_with_another_trust(void **state)
{
    (void)state;
    struct http_trust *good = http_trust_create(ca_pem, false);
    struct http_trust *other = http_trust_create(other_pem, false);
    struct http_trust *blind = http_trust_create(NULL, true);
    ask_trusting(good);
    assert_answered(&asked, 200);
    ask_trusting(other);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TLSVerifyFailed");
    ask_trusting(NULL);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TLSVerifyFailed");
    ask_trusting(blind);
    assert_answered(&asked, 200);
    ask_trusting(other);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TLSVerifyFailed");
    ask_trusting(good);
    assert_answered(&asked, 200);
    assert_int_equal(atomic_load(&peer.answered), 3);
    http_trust_destroy(good);
    http_trust_destroy(other);
    http_trust_destroy(blind);
}

static void a_new_trust_in_the_place_of_a_freed_one_is_a_new_trust(void **state)
{
    (void)state;
    struct http_trust *trust = http_trust_create(ca_pem, false);
    ask_trusting(trust);
    assert_answered(&asked, 200);
    http_trust_destroy(trust);
    trust = http_trust_create(other_pem, false);
    ask_trusting(trust);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TLSVerifyFailed");
    http_trust_destroy(trust);
}

static void a_certificate_for_another_name_is_not_trusted(void **state)
{
    (void)state;
    struct http_trust *trust = http_trust_create(ca_pem, false);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", peer.port);
    ask_trusting(trust);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TLSVerifyFailed");
    http_trust_destroy(trust);
}

static void ca_certificates_that_cannot_be_read_are_said_to_be_so(void **state)
{
    static const char *const BUNDLES[] = {
        "no PEM", "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(BUNDLES); i++) {
        struct http_trust *trust = http_trust_create(BUNDLES[i], false);
        ask_trusting(trust);
        assert_failed(&asked, CL_ERR_LOCAL, "CABundleInvalid");
        http_trust_destroy(trust);
    }
}

static void a_server_without_tls_is_tls_failed(void **state)
{
    struct raw_peer raw;

    (void)state;
    raw_start(&net, &raw);
    loop_fd_unwatch(raw.watch); /* answered by hand: the first bytes are no HTTP request */
    struct http_request req = {.method = "GET", .url = url};
    (void)snprintf(url, sizeof url, "https://localhost:%u/", raw.port);
    ask_start(&net, &asked, &req);
    net_turns(&net, 5);
    int fd = accept(raw.fd, NULL, NULL);
    assert_true(fd >= 0);
    assert_true(send(fd, "HTTP/1.0 400 Bad\r\n\r\n", 20, MSG_NOSIGNAL) > 0);
    net_wait(&net, asked_is_done, &asked);
    assert_failed(&asked, CL_ERR_TRANSIENT, "TLSFailed");
    (void)close(fd);
    raw.watch = NULL;
    raw_stop(&raw);
}

/* ---- probe ---- */

struct probed {
    struct http_probe_op op;
    unsigned done;
    bool failed;
    struct cl_err err;
    char *chain;
};
static struct probed probed;

static void probe_done(struct cl_op *op, const struct cl_err *err)
{
    struct probed *p = op->user;
    p->done++;
    p->failed = err != NULL;
    if (err != NULL) {
        p->err = *err;
    }
    p->chain = cl_strdup(p->op.chain_pem);
    loop_stop(net.loop);
}

static bool probe_is_done(void *user)
{
    return ((struct probed *)user)->done > 0;
}

static void probe_start(const char *connect, const char *name, cl_time timeout)
{
    cl_free(probed.chain);
    memset(&probed, 0, sizeof probed);
    probed.op.op.done = probe_done;
    probed.op.op.user = &probed;
    http_probe_start(net.http, connect, name, timeout, &probed.op);
    assert_int_equal(probed.done, 0);
}

static void probe(const char *connect, const char *name, cl_time timeout)
{
    probe_start(connect, name, timeout);
    net_wait(&net, probe_is_done, &probed);
    assert_int_equal(probed.done, 1);
}

static const char *peer_address(void)
{
    (void)snprintf(url, sizeof url, "127.0.0.1:%u", peer.port);
    return url;
}

static int teardown_probe(void **state)
{
    cl_free(probed.chain);
    memset(&probed, 0, sizeof probed);
    return teardown(state);
}

static void a_probe_sees_the_chain_of_a_server_that_says_nothing(void **state)
{
    (void)state;
    peer.silent = true;
    probe(peer_address(), "www.example.org", 0);
    if (probed.failed) {
        fail_msg("%s: %s", probed.err.reason, probed.err.text);
    }
    char *expected = cl_printf("%s%s", leaf_pem, ca_pem);
    assert_string_equal(probed.chain, expected);
    cl_free(expected);
}

static void a_probe_asks_for_the_server_name_and_not_for_the_address(void **state)
{
    (void)state;
    probe(peer_address(), "unknown.example.net", 0);
    assert_false(probed.failed); /* whatever is served is seen, nothing is verified */
    assert_string_equal(peer.server_name, "unknown.example.net");
}

static void a_probe_always_makes_a_connection_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        probe(peer_address(), "localhost", 0);
        assert_false(probed.failed);
        assert_true(cl_str_starts(probed.chain, leaf_pem));
    }
    assert_int_equal(atomic_load(&peer.accepted), 3);
}

static void probes_and_requests_run_side_by_side(void **state)
{
    char address[64];

    (void)state;
    struct http_trust *trust = http_trust_create(ca_pem, false);
    struct http_request req = {.method = "GET", .url = url, .trust = trust};
    ask_start(&net, &asked, &req);
    (void)snprintf(address, sizeof address, "localhost:%u", peer.port);
    probe(address, "localhost", 0);
    assert_false(probed.failed);
    net_wait(&net, asked_is_done, &asked);
    assert_answered(&asked, 200);
    http_trust_destroy(trust);
}

static void a_probe_that_cannot_be_is_an_error_of_its_own(void **state)
{
    static const char *const ADDRESSES[] = {
        "127.0.0.1", ":443", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:https", ""};

    (void)state;
    for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
        probe(ADDRESSES[i], "localhost", 0);
        assert_failed(&probed, CL_ERR_LOCAL, "ProbeInvalid");
        assert_null(probed.chain);
    }
}

static void a_probe_of_nobody_is_connect_failed(void **state)
{
    (void)state;
    probe("127.0.0.1:1", "localhost", 0);
    assert_failed(&probed, CL_ERR_TRANSIENT, "ConnectFailed");
    assert_non_null(strstr(probed.err.text, "127.0.0.1:1"));
}

static void a_probe_of_a_silent_port_ends_at_the_deadline(void **state)
{
    (void)state;
    peer.no_handshake = true;
    probe(peer_address(), "localhost", 60);
    assert_failed(&probed, CL_ERR_TRANSIENT, "TimedOut");
}

static void a_probe_can_be_cancelled(void **state)
{
    (void)state;
    peer.no_handshake = true;
    probe_start(peer_address(), "localhost", 0);
    net_turns(&net, 5);
    cl_op_cancel(&probed.op.op);
    assert_int_equal(probed.done, 0);
    net_wait(&net, probe_is_done, &probed);
    assert_failed(&probed, CL_ERR_CANCELLED, "Cancelled");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(a_server_of_the_given_ca_is_trusted_and_its_connection_kept),
        T(a_server_of_another_ca_is_not_trusted),
        T(a_kept_connection_is_not_used_with_another_trust),
        T(a_new_trust_in_the_place_of_a_freed_one_is_a_new_trust),
        T(a_certificate_for_another_name_is_not_trusted),
        T(ca_certificates_that_cannot_be_read_are_said_to_be_so),
        T(a_server_without_tls_is_tls_failed),
#undef T
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown_probe)
        T(a_probe_sees_the_chain_of_a_server_that_says_nothing),
        cmocka_unit_test_setup_teardown(a_probe_sees_the_chain_of_a_server_that_says_nothing,
                                        setup_tls12, teardown_probe),
        T(a_probe_asks_for_the_server_name_and_not_for_the_address),
        T(a_probe_always_makes_a_connection_of_its_own),
        T(probes_and_requests_run_side_by_side),
        T(a_probe_that_cannot_be_is_an_error_of_its_own),
        T(a_probe_of_nobody_is_connect_failed),
        T(a_probe_of_a_silent_port_ends_at_the_deadline),
        T(a_probe_can_be_cancelled),
    };
    return cmocka_run_group_tests(TESTS, make_identities, free_identities);
}
