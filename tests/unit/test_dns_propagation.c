/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of dns_propagation: modes, rounds, lame and silent servers, the fallback to DNS over
 * HTTPS; and of dns_exchange where a server misbehaves. */
#include "backends/dns/wire/dns_propagation.h"
#include "backends/net/dns_exchange.h"
#include "tests/unit/dns_fake_servers.h"

#include <sys/resource.h>

#define NAME "_acme-challenge.example.test"

static const struct fake_rr GOOD[] = {
    {"example.test", DNS_SOA, ""},
    {NAME, DNS_TXT, "apex"},
    {NAME, DNS_TXT, "wildcard"},
};
static const struct fake_rr OLD[] = {
    {"example.test", DNS_SOA, ""},
    {NAME, DNS_TXT, "stale"},
};
static const struct fake_rr WORLD[] = {{"test", DNS_SOA, ""}};

struct world {
    struct net n;
    struct fake recursive, a, b, c;
    struct dns_resolver *r;
    struct dns_propagation_params p;
    struct dns_propagation_op op;
    struct cl_strv values;
    bool done;
    unsigned changes;
    struct cl_err err;
    char *shown; /* the table at the end */
    unsigned rounds;
};

static int setup(void **state)
{
    struct world *w = cl_new(struct world);

    net_setup(&w->n);
    fake_start(&w->n, &w->recursive, WORLD, COUNT(WORLD));
    fake_start(&w->n, &w->a, GOOD, COUNT(GOOD));
    fake_start(&w->n, &w->b, GOOD, COUNT(GOOD));
    fake_start(&w->n, &w->c, GOOD, COUNT(GOOD));
    const struct fake_zone zones[] = {{"example.test", {&w->a, &w->b, &w->c}}};
    w->r = fake_resolver(&w->n, &w->recursive, zones, COUNT(zones));
    w->p.every = 20; /* ms */
    cl_strv_add(&w->values, "apex");
    cl_strv_add(&w->values, "wildcard");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    dns_resolver_destroy(w->r);
    fake_stop(&w->recursive);
    fake_stop(&w->a);
    fake_stop(&w->b);
    fake_stop(&w->c);
    net_teardown(&w->n);
    cl_strv_deinit(&w->values);
    cl_strv_deinit(&w->p.recursive);
    cl_strv_deinit(&w->p.doh);
    cl_free(w->shown);
    cl_free(w);
    return 0;
}

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct world *w = op->user;
    const struct dns_table *t = w->op.table;
    struct cl_strv lines = {0};

    w->done = true;
    memset(&w->err, 0, sizeof w->err);
    if (err != NULL) {
        w->err = *err;
    }
    for (size_t i = 0; t != NULL && i < t->n; i++) {
        char *values = cl_strv_join(&t->views[i].values, ",");
        cl_strv_take(&lines, cl_printf("%s(%s)", dns_sight_name(t->views[i].sight), values));
        cl_free(values);
    }
    w->rounds = t != NULL ? t->rounds : 0;
    cl_free(w->shown);
    w->shown = cl_strv_join(&lines, " ");
    cl_strv_deinit(&lines);
    loop_stop(w->n.loop);
}

static void on_change(struct cl_op *op)
{
    struct world *w = op->user;

    w->changes++;
}

static bool is_done(void *user)
{
    return ((struct world *)user)->done;
}

static void start(struct world *w)
{
    w->done = false;
    w->changes = 0;
    w->op.op = (struct cl_op){.done = on_done, .changed = on_change, .user = w};
    dns_propagation_start(w->r, NAME, &w->values, &w->p, &w->op);
    assert_false(w->done);
}

static const char *check(struct world *w)
{
    start(w);
    net_wait(&w->n, is_done, w);
    return w->err.reason;
}

static void two_good_rounds_of_all_servers_are_enough(void **state)
{
    struct world *w = *state;

    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 2);
    assert_int_equal(w->changes, 1);
    assert_string_equal(w->shown, "Good(apex,wildcard) Good(apex,wildcard) Good(apex,wildcard)");
    w->p.anycast = true;
    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 3);
    assert_int_equal(w->recursive.log.len, 0);
}

static void a_slow_server_is_waited_for(void **state)
{
    struct world *w = *state;

    w->b.txt_after = 3;
    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 5);
    assert_string_equal(w->shown, "Good(apex,wildcard) Good(apex,wildcard) Good(apex,wildcard)");
}

static void lame_and_silent_servers_are_reported_and_do_not_block(void **state)
{
    struct world *w = *state;

    w->a.mood = FAKE_REFUSES;
    w->b.mood = FAKE_SILENT;
    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 3);
    assert_string_equal(w->shown, "Lame() Silent() Good(apex,wildcard)");
    w->a.mood = FAKE_NO_AUTHORITY;
    assert_string_equal(check(w), "");
    assert_string_equal(w->shown, "Lame() Silent() Good(apex,wildcard)");
}

static void a_server_that_does_not_know_edns_is_asked_without_it(void **state)
{
    struct world *w = *state;

    w->a.mood = FAKE_NO_EDNS;
    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 2);
    assert_string_equal(w->shown, "Good(apex,wildcard) Good(apex,wildcard) Good(apex,wildcard)");
}

static void who_does_not_have_it_is_named_in_the_end(void **state)
{
    struct world *w = *state;

    w->b.rrs = OLD;
    w->b.rrs_len = COUNT(OLD);
    w->p.timeout = 300;
    assert_string_equal(check(w), "PropagationTimedOut");
    assert_int_equal(w->err.kind, CL_ERR_TRANSIENT);
    assert_string_equal(w->shown, "Good(apex,wildcard) Missing(stale) Good(apex,wildcard)");
    char *wanted = cl_printf("2 of 3 servers have it; %s: Missing (0 of 2 values)", w->b.server);
    assert_non_null(strstr(w->err.text, wanted));
    cl_free(wanted);
}

static void one_round_shows_the_table(void **state)
{
    struct world *w = *state;

    w->p.once = true;
    w->b.rrs = OLD;
    w->b.rrs_len = COUNT(OLD);
    cl_strv_deinit(&w->values);
    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 1);
    assert_string_equal(w->shown, "Good(apex,wildcard) Good(stale) Good(apex,wildcard)");
}

static void modes_that_ask_nobody_end_by_themselves(void **state)
{
    struct world *w = *state;

    w->p.mode = DNS_PROPAGATION_NONE;
    assert_string_equal(check(w), "");
    w->p.mode = DNS_PROPAGATION_WAIT;
    w->p.wait = 50;
    cl_time before = loop_now(w->n.loop);
    assert_string_equal(check(w), "");
    assert_true(loop_now(w->n.loop) - before >= 50);
    assert_int_equal(w->a.log.len, 0);
}

static void configured_recursive_servers_are_asked_and_only_they(void **state)
{
    struct world *w = *state;

    w->p.mode = DNS_PROPAGATION_RECURSIVE;
    w->b.mood = FAKE_NO_AUTHORITY; /* recursive servers have none */
    cl_strv_add(&w->p.recursive, w->b.server);
    assert_string_equal(check(w), "");
    assert_string_equal(w->shown, "Good(apex,wildcard)");
    assert_int_equal(w->a.log.len, 0);
    cl_strv_add(&w->p.recursive, "resolver.example");
    assert_string_equal(check(w), "ServerInvalid");
}

static void a_check_can_be_stopped_at_any_time(void **state)
{
    struct world *w = *state;

    w->b.mood = FAKE_SILENT;
    w->p.wait = 1;
    for (int turns = 0; turns < 8; turns++) {
        start(w);
        net_turns(&w->n, turns);
        if (!w->done) {
            cl_op_cancel(&w->op.op);
            cl_op_cancel(&w->op.op);
            net_wait(&w->n, is_done, w);
            assert_string_equal(w->err.reason, "Cancelled");
        }
    }
}

/* ---- DNS over HTTPS ---- */

static size_t doh_message(unsigned char *buf, size_t size, const char *value)
{
    struct dns_writer w;
    struct dns_msg flags = {.qr = true, .rd = true, .ra = true};
    struct dns_owner o = {.name = NAME, .type = DNS_TXT, .class = DNS_IN, .ttl = 60};

    dns_write_begin(&w, buf, size, 0);
    dns_write_flags(&w, &flags);
    dns_write_question(&w, NAME, DNS_TXT, DNS_IN);
    dns_write_txt(&w, &o, value, strlen(value));
    return dns_write_end(&w);
}

static void doh_answer(struct raw_conn *c, const char *request)
{
    unsigned char buf[512];
    char head[128];
    size_t len = doh_message(buf, sizeof buf, "apex");

    assert_non_null(strstr(request, "POST /dns-query HTTP/1.1"));
    assert_non_null(strstr(request, "Content-Type: application/dns-message"));
    assert_non_null(strstr(request, "Accept: application/dns-message"));
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   len);
    raw_send(c, head);
    assert_int_equal(send(c->fd, buf, len, MSG_NOSIGNAL), len);
}

static void without_authoritative_servers_https_is_asked(void **state)
{
    struct world *w = *state;
    struct raw_peer peer;
    char url[URL_TEXT];

    raw_start(&w->n, &peer);
    peer.answer = doh_answer;
    cl_strv_deinit(&w->values);
    cl_strv_add(&w->values, "apex");
    cl_strv_add(&w->p.doh, raw_url(&peer, "/dns-query", url));
    w->p.doh_http = true;
    w->p.wait = 1;
    w->a.mood = w->b.mood = w->c.mood = FAKE_REFUSES;
    assert_string_equal(check(w), "");
    assert_true(w->op.doh_fallback);
    assert_string_equal(w->shown, "Good(apex)");
    w->p.mode = DNS_PROPAGATION_DOH;
    assert_string_equal(check(w), "");
    peer.answer = raw_reply; /* 200, and no DNS message */
    assert_string_equal(check(w), "NameServersSilent");
    assert_string_equal(w->shown, "Lame()");
    raw_stop(&peer);
}

static void modes_have_names(void **state)
{
    enum dns_propagation_mode m;

    (void)state;
    assert_int_equal(dns_propagation_mode_parse("doh", &m), 0);
    assert_int_equal(m, DNS_PROPAGATION_DOH);
    assert_int_equal(dns_propagation_mode_parse("none", &m), 0);
    assert_int_equal(m, DNS_PROPAGATION_NONE);
    assert_int_equal(dns_propagation_mode_parse("guess", &m), -1);
}

/* ---- exchanges ---- */

/* A server that answers with what a test says, or first with something that is no answer. */
enum odd_how { ODD_TRUNCATES, ODD_OTHER_QUESTION, ODD_OTHER_ID, ODD_QUERY_BACK };
struct odd {
    struct dns_listener *listener;
    char server[32];
    enum odd_how how;
    unsigned udp, tcp;
};

static size_t odd_answer(void *user, const struct dns_listen_query *q, unsigned char *ret)
{
    struct odd *o = user;

    memcpy(ret, q->data, q->len);
    ret[2] |= 0x80;
    if (q->tcp) {
        o->tcp++;
        return q->len;
    }
    o->udp++;
    switch (o->how) {
    case ODD_TRUNCATES:
        ret[2] |= 0x02;
        break;
    case ODD_OTHER_QUESTION:
        ret[13]++;
        break;
    case ODD_OTHER_ID:
        ret[0]++;
        break;
    case ODD_QUERY_BACK:
        ret[2] &= 0x7f;
        break;
    }
    return q->len;
}

struct answered {
    struct net *n;
    struct dns_exchange_op op;
    bool done, tcp;
    size_t len;
    char reason[CL_ERR_REASON];
};

static void on_answered(struct cl_op *op, const struct cl_err *err)
{
    struct answered *a = op->user;

    a->done = true;
    a->tcp = a->op.tcp;
    a->len = a->op.answer_len;
    (void)snprintf(a->reason, sizeof a->reason, "%s", err != NULL ? err->reason : "");
    loop_stop(a->n->loop);
}

static bool is_answered(void *user)
{
    return ((struct answered *)user)->done;
}

static void answers_that_do_not_fit_are_not_taken(void **state)
{
    static const struct {
        enum odd_how how;
        enum dns_transport transport;
        const char *reason;
        unsigned udp, tcp;
    } CASES[] = {
        {ODD_TRUNCATES, DNS_UDP, "", 1, 1},        {ODD_OTHER_QUESTION, DNS_UDP, "TimedOut", 2, 0},
        {ODD_OTHER_ID, DNS_UDP, "TimedOut", 2, 0}, {ODD_QUERY_BACK, DNS_UDP, "TimedOut", 2, 0},
        {ODD_OTHER_ID, DNS_UDP_TCP, "", 2, 1},     {ODD_OTHER_ID, DNS_TCP, "", 0, 1},
    };
    struct net n;

    (void)state;
    net_setup(&n);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct odd o = {.how = CASES[i].how};
        struct dns_listen_handler handler = {.answer = odd_answer, .user = &o};
        struct answered a = {.n = &n};
        unsigned char query[512];
        struct dns_exchange_request req = {
            .server = o.server, .query = query, .transport = CASES[i].transport, .timeout = 60};
        assert_int_equal(dns_listen_start(n.loop, "127.0.0.1:0", &handler, &o.listener, NULL), 0);
        (void)snprintf(o.server, sizeof o.server, "127.0.0.1:%u", dns_listen_port(o.listener));
        req.query_len = dns_msg_query(query, "example.test", DNS_TXT, true);
        a.op.op = (struct cl_op){.done = on_answered, .user = &a};
        dns_exchange_start(n.loop, &req, &a.op);
        net_wait(&n, is_answered, &a);
        assert_string_equal(a.reason, CASES[i].reason);
        assert_int_equal(o.udp, CASES[i].udp);
        assert_int_equal(o.tcp, CASES[i].tcp);
        assert_int_equal(a.tcp, CASES[i].tcp > 0);
        dns_listen_stop(o.listener);
    }
    net_teardown(&n);
}

/* As a process that has used up its descriptors, for a while. */
static void give_back(struct loop_timer *t)
{
    struct rlimit *old = t->user;

    assert_int_equal(setrlimit(RLIMIT_NOFILE, old), 0);
}

static void without_a_free_descriptor_it_waits(void **state)
{
    struct world *w = *state;
    struct rlimit old;
    struct loop_timer timer = {0};

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit none = {.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    loop_at(w->n.loop, &timer, loop_now(w->n.loop) + 250, give_back, &old);
    assert_string_equal(check(w), "");
    assert_int_equal(w->rounds, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_good_rounds_of_all_servers_are_enough),
        TEST(a_slow_server_is_waited_for),
        TEST(lame_and_silent_servers_are_reported_and_do_not_block),
        TEST(a_server_that_does_not_know_edns_is_asked_without_it),
        TEST(who_does_not_have_it_is_named_in_the_end),
        TEST(one_round_shows_the_table),
        TEST(modes_that_ask_nobody_end_by_themselves),
        TEST(configured_recursive_servers_are_asked_and_only_they),
        TEST(a_check_can_be_stopped_at_any_time),
        TEST(without_authoritative_servers_https_is_asked),
        TEST(without_a_free_descriptor_it_waits),
        cmocka_unit_test(modes_have_names),
        cmocka_unit_test(answers_that_do_not_fit_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
