/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the embedded responder: what it answers, byte by byte, and as a provider over real
 * sockets, UDP and TCP. */
#include "backends/dns/dns_responder.h"
#include "backends/dns/dns_responder_answer.h"
#include "backends/dns/wire/dns_msg.h"
#include "backends/net/dns_exchange.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

static void setup(struct dns_zone_data *z)
{
    memset(z, 0, sizeof *z);
    cl_strv_add(&z->zones, "acme.example.org");
    cl_strv_add(&z->zones, "_acme-challenge.example.com");
    z->ns = cl_strdup("ns1.acme.example.org");
    cl_strv_add(&z->addresses, "192.0.2.53");
    cl_strv_add(&z->addresses, "2001:db8::53");
    z->ttl = 1;
    z->serial = 42;
    dns_zone_data_add(z, "_acme-challenge.example.com", "apex");
    dns_zone_data_add(z, "_acme-challenge.example.com", "wildcard");
    dns_zone_data_add(z, "a.b.acme.example.org", "deep");
}

struct asking {
    const char *name;
    unsigned type, class, opcode, edns_version;
    bool edns, rd, tcp;
};

static size_t ask_raw(const struct dns_zone_data *z, const struct asking *a, unsigned char *ret)
{
    unsigned char query[600];
    struct dns_writer w;
    struct dns_msg flags = {.rd = a->rd, .opcode = a->opcode};
    struct dns_owner opt = {.section = DNS_ADDITIONAL,
                            .name = ".",
                            .type = DNS_OPT,
                            .class = 1232,
                            .ttl = a->edns_version << 16};

    dns_write_begin(&w, query, sizeof query, 0x4711);
    dns_write_flags(&w, &flags);
    dns_write_question(&w, a->name, a->type, a->class != 0 ? a->class : DNS_IN);
    if (a->edns) {
        dns_write_rr(&w, &opt, NULL, 0);
    }
    return dns_responder_answer(z, query, dns_write_end(&w), a->tcp, ret);
}

static void ask(const struct dns_zone_data *z, const struct asking *a, struct dns_msg *ret)
{
    static unsigned char buf[65535];
    struct cl_err err = {0};
    size_t len = ask_raw(z, a, buf);

    assert_true(len > 0);
    assert_int_equal(dns_msg_decode(buf, len, ret, &err), 0);
    assert_int_equal(ret->id, 0x4711);
    assert_true(ret->qr);
    assert_false(ret->ra);
    assert_int_equal(ret->edns, a->edns);
}

static void questions_get_the_answers_of_an_authoritative_server(void **state)
{
    static const struct {
        const char *name;
        unsigned type, rcode;
        size_t answers;
        bool aa, soa; /* SOA in the authority section */
    } CASES[] = {
        {"_acme-challenge.example.com", DNS_TXT, DNS_NOERROR, 2, true, false},
        {"_acme-challenge.example.com", DNS_SOA, DNS_NOERROR, 1, true, false},
        {"_acme-challenge.example.com", DNS_NS, DNS_NOERROR, 1, true, false},
        {"_acme-challenge.example.com", DNS_CAA, DNS_NOERROR, 0, true, true},
        {"_acme-challenge.example.com", DNS_A, DNS_NOERROR, 0, true, true},
        {"_acme-challenge.example.com", 65, DNS_NOERROR, 0, true, true},
        {"x._acme-challenge.example.com", DNS_TXT, DNS_NXDOMAIN, 0, true, true},
        {"a.b.acme.example.org", DNS_TXT, DNS_NOERROR, 1, true, false},
        {"a.b.acme.example.org", DNS_SOA, DNS_NOERROR, 0, true, true},
        {"b.acme.example.org", DNS_TXT, DNS_NOERROR, 0, true, true}, /* something is below */
        {"c.acme.example.org", DNS_TXT, DNS_NXDOMAIN, 0, true, true},
        {"acme.example.org", DNS_TXT, DNS_NOERROR, 0, true, true},
        {"ns1.acme.example.org", DNS_A, DNS_NOERROR, 1, true, false},
        {"ns1.acme.example.org", DNS_AAAA, DNS_NOERROR, 1, true, false},
        {"ns1.acme.example.org", DNS_TXT, DNS_NOERROR, 0, true, true},
        {"acme.example.org", DNS_ANY, DNS_REFUSED, 0, false, false},
        {"acme.example.org", 252, DNS_REFUSED, 0, false, false}, /* AXFR */
        {"example.com", DNS_TXT, DNS_REFUSED, 0, false, false},
        {"example.net", DNS_TXT, DNS_REFUSED, 0, false, false},
        {".", DNS_NS, DNS_REFUSED, 0, false, false},
    };
    struct dns_zone_data z;

    (void)state;
    setup(&z);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct asking a = {.name = CASES[i].name, .type = CASES[i].type, .edns = i % 2 == 0};
        struct dns_msg m;
        size_t answers = 0;
        ask(&z, &a, &m);
        for (size_t k = 0; k < m.n; k++) {
            answers += m.rrs[k].section == DNS_ANSWER ? 1 : 0;
        }
        bool soa = dns_msg_find(&m, DNS_AUTHORITY, NULL, DNS_SOA) != NULL;
        if (m.rcode != CASES[i].rcode || answers != CASES[i].answers || m.aa != CASES[i].aa ||
            soa != CASES[i].soa) {
            fail_msg("%s %u: rcode %u, %zu answers, aa %d, soa %d", CASES[i].name, CASES[i].type,
                     m.rcode, answers, m.aa, soa);
        }
        dns_msg_deinit(&m);
    }
    dns_zone_data_deinit(&z);
}

static void other_requests_are_turned_down(void **state)
{
    struct dns_zone_data z;
    struct dns_msg m;
    unsigned char ret[65535];

    (void)state;
    setup(&z);
    ask(&z, &(struct asking){.name = "acme.example.org", .type = DNS_SOA, .opcode = 5}, &m);
    assert_int_equal(m.rcode, DNS_NOTIMP);
    dns_msg_deinit(&m);
    ask(&z, &(struct asking){.name = "acme.example.org", .type = DNS_TXT, .class = 3}, &m);
    assert_int_equal(m.rcode, DNS_REFUSED);
    dns_msg_deinit(&m);
    ask(&z,
        &(struct asking){
            .name = "acme.example.org", .type = DNS_SOA, .edns = true, .edns_version = 1},
        &m);
    assert_int_equal(m.rcode, DNS_BADVERS);
    dns_msg_deinit(&m);
    /* An answer is never answered: two servers could go on for ever. */
    assert_int_equal(dns_responder_answer(&z, (const unsigned char *)"\1\2\x80\0\0\0\0\0\0\0\0\0",
                                          12, false, ret),
                     0);
    assert_int_equal(dns_responder_answer(&z, (const unsigned char *)"\1\2\0", 3, false, ret), 0);
    assert_int_equal(
        dns_responder_answer(&z, (const unsigned char *)"\1\2\1\0\0\5\0\0\0\0\0\0", 12, false, ret),
        12);
    assert_int_equal(ret[3] & 0x0f, DNS_FORMERR);
    dns_zone_data_deinit(&z);
}

static void the_case_of_a_question_comes_back(void **state)
{
    static const char QUERY[] =
        "\0\1\0\0\0\1\0\0\0\0\0\0\17_aCmE-ChAlLeNgE\7eXaMpLe\3cOm\0\0\20\0\1";
    unsigned char ret[65535];
    struct dns_zone_data z;
    struct dns_msg m;
    struct cl_err err = {0};

    (void)state;
    setup(&z);
    size_t len =
        dns_responder_answer(&z, (const unsigned char *)QUERY, sizeof QUERY - 1, false, ret);
    assert_true(len > sizeof QUERY);
    assert_memory_equal(ret + 12, QUERY + 12, sizeof QUERY - 1 - 12);
    assert_int_equal(dns_msg_decode(ret, len, &m, &err), 0);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.rrs[0].text, "apex");
    dns_msg_deinit(&m);
    dns_zone_data_deinit(&z);
}

static void what_is_too_long_for_a_datagram_comes_by_tcp(void **state)
{
    struct dns_zone_data z;
    struct dns_msg m;
    struct asking a = {.name = "_acme-challenge.example.com", .type = DNS_TXT, .edns = true};

    (void)state;
    setup(&z);
    for (int i = 0; i < 40; i++) {
        char *value = cl_printf("%02d-0123456789012345678901234567890123456789", i);
        dns_zone_data_add(&z, a.name, value);
        cl_free(value);
    }
    ask(&z, &a, &m);
    assert_true(m.tc);
    assert_int_equal(m.n, 0);
    dns_msg_deinit(&m);
    a.tcp = true;
    ask(&z, &a, &m);
    assert_false(m.tc);
    assert_int_equal(m.n, 42);
    dns_msg_deinit(&m);
    dns_zone_data_deinit(&z);
}

static void only_the_given_value_is_removed(void **state)
{
    struct dns_zone_data z;
    struct dns_msg m;
    struct asking a = {.name = "_acme-challenge.example.com", .type = DNS_TXT};

    (void)state;
    setup(&z);
    dns_zone_data_add(&z, a.name, "apex"); /* twice is once */
    dns_zone_data_remove(&z, a.name, "apex");
    dns_zone_data_remove(&z, a.name, "unknown");
    dns_zone_data_remove(&z, "unknown.example.com", "apex");
    ask(&z, &a, &m);
    assert_int_equal(m.n, 1);
    assert_string_equal(m.rrs[0].text, "wildcard");
    dns_msg_deinit(&m);
    dns_zone_data_deinit(&z);
}

/* ---- as a provider ---- */

struct seen {
    struct loop *loop;
    bool done, failed;
    struct cl_err err;
    size_t records; /* in an answer */
};

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct seen *s = op->user;

    s->done = true;
    s->failed = err != NULL;
    if (err != NULL) {
        s->err = *err;
    }
    loop_stop(s->loop);
}

static void wait_for(struct seen *s)
{
    while (!s->done) {
        loop_run(s->loop);
    }
    s->done = false;
}

static void on_answer(struct cl_op *op, const struct cl_err *err)
{
    struct seen *s = op->user;
    const struct dns_exchange_op *x = cl_container(op, struct dns_exchange_op, op);
    struct dns_msg m;

    assert_null(err);
    assert_int_equal(dns_msg_decode(x->answer, x->answer_len, &m, NULL), 0);
    s->records = m.n;
    dns_msg_deinit(&m);
    on_done(op, NULL);
}

static size_t answers_of(struct seen *s, unsigned port, enum dns_transport transport)
{
    unsigned char query[512];
    char *server = cl_printf("127.0.0.1:%u", port);
    struct dns_exchange_op x = {.op = {.done = on_answer, .user = s}};
    struct dns_exchange_request req = {.server = server, .query = query, .transport = transport};

    req.query_len = dns_msg_query(query, "_acme-challenge.example.com", DNS_TXT, false);
    dns_exchange_start(s->loop, &req, &x);
    cl_free(server);
    wait_for(s);
    assert_false(s->failed);
    assert_int_equal(x.tcp, transport == DNS_TCP);
    return s->records;
}

static void the_provider_publishes_over_udp_and_tcp(void **state)
{
    struct seen s = {.loop = loop_create()};
    struct dns_responder_params p = {.listen = "127.0.0.1:0"};
    struct dns_provider *provider = NULL;
    struct dns_traits traits;
    struct cl_err err = {0};
    struct dns_change change = {.fqdn = "_acme-challenge.example.com"};
    struct dns_apply_op apply = {.op = {.done = on_done, .user = &s}, .changes = &change, .n = 1};
    struct dns_zone_op zone = {.op = {.done = on_done, .user = &s}};

    (void)state;
    assert_int_equal(dns_responder_create(s.loop, &p, &provider, &err), -1);
    assert_string_equal(err.reason, "ResponderZoneInvalid");
    cl_strv_add(&p.zones, "_ACME-challenge.example.com.");
    assert_int_equal(dns_responder_create(s.loop, &p, &provider, &err), 0);
    const struct dns_provider_ops *ops = dns_head(provider)->ops;
    ops->traits(provider, &traits);
    assert_int_equal(traits.values_per_name, 0);
    zone.fqdn = change.fqdn;
    ops->zone(provider, &zone);
    assert_false(s.done);
    wait_for(&s);
    assert_false(s.failed);
    assert_string_equal(zone.zone, "_acme-challenge.example.com");
    zone.fqdn = "example.com";
    ops->zone(provider, &zone);
    wait_for(&s);
    assert_string_equal(s.err.reason, "ZoneNotFound");
    memset(&s.err, 0, sizeof s.err);
    cl_strv_add(&change.add, "value");
    ops->apply(provider, &apply);
    wait_for(&s);
    assert_false(s.failed);
    assert_int_equal(answers_of(&s, dns_responder_port(provider), DNS_UDP), 1);
    assert_int_equal(answers_of(&s, dns_responder_port(provider), DNS_TCP), 1);
    ops->destroy(provider);
    cl_strv_deinit(&p.zones);
    cl_strv_deinit(&change.add);
    loop_destroy(s.loop);
}

/* For tests/functional/test_dns_responder.sh: serves two values at the address until it is killed. */
static int serve(const char *listen)
{
    struct loop *l = loop_create();
    struct dns_responder_params p = {.listen = listen, .ns = "ns.acme.example.org"};
    struct dns_provider *provider = NULL;
    struct cl_err err = {0};
    struct dns_change change = {.fqdn = "_acme-challenge.example.com"};
    struct seen s = {.loop = l};
    struct dns_apply_op apply = {.op = {.done = on_done, .user = &s}, .changes = &change, .n = 1};

    cl_strv_add(&p.zones, "_acme-challenge.example.com");
    cl_strv_add(&p.zones, "acme.example.org");
    cl_strv_add(&p.addresses, "127.0.0.1");
    cl_strv_add(&change.add, "apex");
    cl_strv_add(&change.add, "wildcard");
    if (dns_responder_create(l, &p, &provider, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    dns_head(provider)->ops->apply(provider, &apply);
    for (;;) {
        loop_run(l);
    }
}

int main(void)
{
    const char *listen = getenv("DNS_TEST_SERVE");

    if (listen != NULL) {
        return serve(listen);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_get_the_answers_of_an_authoritative_server),
        cmocka_unit_test(other_requests_are_turned_down),
        cmocka_unit_test(the_case_of_a_question_comes_back),
        cmocka_unit_test(what_is_too_long_for_a_datagram_comes_by_tcp),
        cmocka_unit_test(only_the_given_value_is_removed),
        cmocka_unit_test(the_provider_publishes_over_udp_and_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
