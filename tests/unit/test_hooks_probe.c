/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: does the endpoint serve the certificate that was deployed? */
#include "backends/crypto/cert.h"
#include "hooks/hook.h"
#include "tests/unit/net_tls_peer.h"
#include "tests/unit/rt_fixture.h"

struct probing {
    struct rt *rt;
    struct http *http;
    struct tls_identity ca, leaf;
    struct tls_peer peer;
    char connect[64];
    char *sha256;
    struct probe_op op;
    bool done;
    struct cl_err err;
};

static char *sha256_of(X509 *cert)
{
    struct cert_facts facts = {0};
    struct cl_err err = {0};
    char *pem = tls_pem(cert);
    assert_int_equal(cert_parse_chain(pem, &facts, &err), 0);
    char *hash = cl_strdup(facts.sha256);
    cert_facts_deinit(&facts);
    cl_free(pem);
    return hash;
}

static int setup(void **state)
{
    struct probing *p = cl_new(struct probing);
    struct http_params params = {.user_agent = "test"};
    struct cl_err err = {0};
    void *rt = NULL;

    assert_int_equal(rt_setup(&rt), 0);
    p->rt = rt;
    p->http = http_create(p->rt->loop, &params, &err);
    tls_identity_make(&p->ca, "Test CA", NULL, NULL);
    tls_identity_make(&p->leaf, "leaf", &p->ca, "DNS:www.example.com");
    tls_peer_start(&p->peer, &p->leaf, p->ca.cert, TLS1_3_VERSION);
    (void)snprintf(p->connect, sizeof(p->connect), "127.0.0.1:%u", p->peer.port);
    p->sha256 = sha256_of(p->leaf.cert);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct probing *p = *state;
    void *rt = p->rt;
    http_destroy(p->http);
    tls_peer_stop(&p->peer);
    tls_identity_free(&p->leaf);
    tls_identity_free(&p->ca);
    cl_free(p->sha256);
    cl_free(p);
    return rt_teardown(&rt);
}

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct probing *p = op->user;
    p->done = true;
    if (err != NULL) {
        p->err = *err;
    }
}

static bool is_done(void *user)
{
    return ((struct probing *)user)->done;
}

static void start(struct probing *p, const struct probe_spec *spec, const char *sha256)
{
    p->done = false;
    memset(&p->err, 0, sizeof(p->err));
    p->op = (struct probe_op){.op = {.done = on_done, .user = p}};
    probe_start(p->http, p->rt->loop, spec, "default.example.com", sha256, &p->op);
    assert_false(p->done);
}

static void the_certificate_that_is_expected_matches(void **state)
{
    struct probing *p = *state;
    struct probe_spec spec = {.connect = p->connect, .timeout = 10 * CL_SECOND};
    start(p, &spec, p->sha256);
    rt_wait(p->rt, is_done, p);
    assert_int_equal(p->err.kind, CL_ERR_NONE);
    assert_true(p->op.matches);
    assert_true(strlen(p->op.serial) > 0);
    assert_non_null(strstr(p->op.message, p->connect));
    assert_string_equal(p->peer.server_name, "default.example.com");
}

static void another_certificate_is_named_by_its_serial(void **state)
{
    struct probing *p = *state;
    char name[] = "www.example.com", port_only[16];
    (void)snprintf(port_only, sizeof(port_only), ":%u", p->peer.port); /* localhost */
    struct probe_spec spec = {.connect = port_only, .server_name = name};
    start(p, &spec, "00");
    rt_wait(p->rt, is_done, p);
    assert_int_equal(p->err.kind, CL_ERR_NONE);
    assert_false(p->op.matches);
    assert_non_null(strstr(p->op.message, "another certificate"));
    assert_non_null(strstr(p->op.message, "localhost:"));
    assert_string_equal(p->peer.server_name, "www.example.com");
}

static void an_endpoint_that_is_not_there_is_an_error_that_says_so(void **state)
{
    struct probing *p = *state;
    char connect[] = "127.0.0.1:1";
    struct probe_spec spec = {.connect = connect};
    start(p, &spec, p->sha256);
    rt_wait(p->rt, is_done, p);
    assert_int_not_equal(p->err.kind, CL_ERR_NONE);
    assert_false(p->op.matches);
    assert_non_null(strstr(p->op.message, "127.0.0.1:1"));
}

static void a_probe_can_be_cancelled(void **state)
{
    struct probing *p = *state;
    struct probe_spec spec = {.connect = p->connect};
    start(p, &spec, p->sha256);
    cl_op_cancel(&p->op.op);
    rt_wait(p->rt, is_done, p);
    assert_int_equal(p->err.kind, CL_ERR_CANCELLED);
}

static void the_default_name_is_one_that_the_certificate_covers(void **state)
{
    (void)state;
    struct cert_spec spec = {0};
    char *name = probe_default_name(&spec);
    assert_string_equal(name, "localhost");
    cl_free(name);
    cl_strv_add(&spec.ip_addresses, "192.0.2.1");
    name = probe_default_name(&spec);
    assert_string_equal(name, "192.0.2.1");
    cl_free(name);
    cl_strv_add(&spec.dns_names, "*.example.com");
    name = probe_default_name(&spec);
    assert_string_equal(name, "certloop-probe.example.com");
    cl_free(name);
    cl_free(spec.dns_names.items[0]);
    spec.dns_names.items[0] = cl_strdup("www.example.com");
    name = probe_default_name(&spec);
    assert_string_equal(name, "www.example.com");
    cl_free(name);
    cl_strv_deinit(&spec.dns_names);
    cl_strv_deinit(&spec.ip_addresses);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_certificate_that_is_expected_matches),
        TEST(another_certificate_is_named_by_its_serial),
        TEST(an_endpoint_that_is_not_there_is_an_error_that_says_so),
        TEST(a_probe_can_be_cancelled),
        cmocka_unit_test(the_default_name_is_one_that_the_certificate_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
