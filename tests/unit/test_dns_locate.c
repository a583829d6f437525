/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of dns_resolve: single queries, zone cuts, the servers of a zone, and the place of a
 * challenge record behind CNAMEs, delegations and wildcards. */
#include "backends/dns/wire/dns_resolve_impl.h"
#include "tests/unit/dns_fake_servers.h"

static const struct fake_rr PARENT[] = {
    {"example.test", DNS_SOA, ""},
    {"_acme-challenge.alias.example.test", DNS_CNAME, "host.acme.test"},
    {"_acme-challenge.twice.example.test", DNS_CNAME, "hop.acme.test"},
    {"_acme-challenge.loop.example.test", DNS_CNAME, "loop.acme.test"},
    {"*.wild.example.test", DNS_CNAME, "web.example.test"},
    {"_acme-challenge.both.example.test", DNS_CNAME, "host.acme.test"},
    {"*.both.example.test", DNS_CNAME, "web.example.test"},
    {"_acme-challenge.cut.example.test", DNS_NS, "ns.elsewhere.test"},
    {"_acme-challenge.there.example.test", DNS_TXT, "value"},
    {"web.example.test", DNS_A, "192.0.2.1"},
    {"sub.example.test", DNS_SOA, ""},
};
static const struct fake_rr ACME[] = {
    {"acme.test", DNS_SOA, ""},
    {"hop.acme.test", DNS_CNAME, "host.acme.test"},
    {"loop.acme.test", DNS_CNAME, "_acme-challenge.loop.example.test"},
};
static const struct fake_rr CHILD[] = {
    {"_acme-challenge.cut.example.test", DNS_SOA, ""},
};
/* What the recursive server knows. */
static const struct fake_rr WORLD[] = {
    {"test", DNS_SOA, ""},
    {"test", DNS_NS, "nowhere.test"},
    {"example.test", DNS_SOA, ""},
    {"example.test", DNS_NS, "ns1.example.test"},
    {"example.test", DNS_NS, "ns2.example.test"},
    {"example.test", DNS_NS, "ns3.example.test"},
    {"ns1.example.test", DNS_A, "192.0.2.1"},
    {"ns1.example.test", DNS_AAAA, "2001:db8::1"},
    {"ns2.example.test", DNS_A, "192.0.2.2"},
    {"www.example.test", DNS_CNAME, "web.elsewhere.test"},
    {"elsewhere.test", DNS_SOA, ""},
    {"_acme-challenge.far.elsewhere.test", DNS_CNAME, "target.example.test"},
};

struct world {
    struct net n;
    struct fake recursive, parent, lame, acme, child;
    struct dns_resolver *r;
    bool done;
    struct cl_err err;
    char *target, *zone, *wildcard, *chain, *servers;
    bool by_recursive;
};

static int setup(void **state)
{
    struct world *w = cl_new(struct world);

    net_setup(&w->n);
    fake_start(&w->n, &w->recursive, WORLD, COUNT(WORLD));
    fake_start(&w->n, &w->parent, PARENT, COUNT(PARENT));
    fake_start(&w->n, &w->lame, NULL, 0);
    fake_start(&w->n, &w->acme, ACME, COUNT(ACME));
    fake_start(&w->n, &w->child, CHILD, COUNT(CHILD));
    const struct fake_zone zones[] = {
        {"example.test", {&w->lame, &w->parent}},
        {"acme.test", {&w->acme}},
        {"_acme-challenge.cut.example.test", {&w->child}},
    };
    w->r = fake_resolver(&w->n, &w->recursive, zones, COUNT(zones));
    *state = w;
    return 0;
}

static void forget(struct world *w)
{
    cl_free(w->target);
    cl_free(w->zone);
    cl_free(w->wildcard);
    cl_free(w->chain);
    cl_free(w->servers);
    w->target = w->zone = w->wildcard = w->chain = w->servers = NULL;
}

static int teardown(void **state)
{
    struct world *w = *state;

    forget(w);
    dns_resolver_destroy(w->r);
    fake_stop(&w->recursive);
    fake_stop(&w->parent);
    fake_stop(&w->lame);
    fake_stop(&w->acme);
    fake_stop(&w->child);
    net_teardown(&w->n);
    cl_free(w);
    return 0;
}

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct world *w = op->user;

    w->done = true;
    memset(&w->err, 0, sizeof w->err);
    if (err != NULL) {
        w->err = *err;
    }
    loop_stop(w->n.loop);
}

static bool is_done(void *user)
{
    return ((struct world *)user)->done;
}

static void wait_for(struct world *w)
{
    assert_false(w->done);
    net_wait(&w->n, is_done, w);
    w->done = false;
}

static void on_located(struct cl_op *op, const struct cl_err *err)
{
    struct world *w = op->user;
    const struct dns_locate_op *l = cl_container(op, struct dns_locate_op, op);

    forget(w);
    if (err == NULL) {
        w->target = cl_strdup(l->target);
        w->zone = cl_strdup(l->zone);
        w->wildcard = cl_strdup(l->wildcard);
        w->chain = cl_strv_join(l->chain, " ");
        w->by_recursive = l->recursive;
    }
    on_done(op, err);
}

static const char *locate(struct world *w, const char *fqdn, enum dns_follow follow)
{
    struct dns_locate_op op = {.op = {.done = on_located, .user = w}};

    dns_locate_start(w->r, fqdn, follow, &op);
    wait_for(w);
    return w->err.reason;
}

static void a_record_lives_where_the_cnames_lead(void **state)
{
    static const struct {
        const char *name;
        enum dns_follow follow;
        const char *target, *zone, *wildcard;
    } CASES[] = {
        {"_acme-challenge.plain.example.test", DNS_FOLLOW_EXPLICIT,
         "_acme-challenge.plain.example.test", "example.test", NULL},
        {"_ACME-Challenge.There.Example.Test.", DNS_FOLLOW_EXPLICIT,
         "_acme-challenge.there.example.test", "example.test", NULL},
        {"_acme-challenge.alias.example.test", DNS_FOLLOW_EXPLICIT, "host.acme.test", "acme.test",
         NULL},
        {"_acme-challenge.twice.example.test", DNS_FOLLOW_EXPLICIT, "host.acme.test", "acme.test",
         NULL},
        {"_acme-challenge.alias.example.test", DNS_FOLLOW_NEVER,
         "_acme-challenge.alias.example.test", "example.test", NULL},
        {"_acme-challenge.wild.example.test", DNS_FOLLOW_EXPLICIT,
         "_acme-challenge.wild.example.test", "example.test", "web.example.test"},
        {"_acme-challenge.wild.example.test", DNS_FOLLOW_ALWAYS, "web.example.test", "example.test",
         NULL},
        {"_acme-challenge.both.example.test", DNS_FOLLOW_EXPLICIT, "host.acme.test", "acme.test",
         NULL},
        {"_acme-challenge.sub.example.test", DNS_FOLLOW_EXPLICIT,
         "_acme-challenge.sub.example.test", "sub.example.test", NULL},
        {"_acme-challenge.cut.example.test", DNS_FOLLOW_EXPLICIT,
         "_acme-challenge.cut.example.test", "_acme-challenge.cut.example.test", NULL},
    };
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_string_equal(locate(w, CASES[i].name, CASES[i].follow), "");
        if (!cl_streq(w->target, CASES[i].target) || !cl_streq(w->zone, CASES[i].zone) ||
            !cl_streq(w->wildcard, CASES[i].wildcard)) {
            fail_msg("%s: %s in %s, wildcard %s", CASES[i].name, w->target, w->zone,
                     cl_str_or(w->wildcard, "-"));
        }
        assert_false(w->by_recursive);
    }
}

static void the_way_is_shown(void **state)
{
    struct world *w = *state;

    assert_string_equal(locate(w, "_acme-challenge.twice.example.test", DNS_FOLLOW_EXPLICIT), "");
    assert_string_equal(w->chain,
                        "_acme-challenge.twice.example.test hop.acme.test host.acme.test");
}

static void cnames_in_a_circle_are_reported(void **state)
{
    struct world *w = *state;

    assert_string_equal(locate(w, "_acme-challenge.loop.example.test", DNS_FOLLOW_EXPLICIT),
                        "CNAMELoop");
    assert_int_equal(w->err.kind, CL_ERR_PERMANENT);
    assert_non_null(strstr(w->err.text, "in a circle"));
}

static void a_recursive_server_is_never_asked_for_the_challenge_name(void **state)
{
    struct world *w = *state;

    (void)locate(w, "_acme-challenge.plain.example.test", DNS_FOLLOW_EXPLICIT);
    (void)locate(w, "_acme-challenge.alias.example.test", DNS_FOLLOW_EXPLICIT);
    for (size_t i = 0; i < w->recursive.log.len; i++) {
        assert_false(cl_str_starts(w->recursive.log.items[i], "_acme-challenge."));
    }
    assert_true(cl_strv_has(&w->parent.log, "_acme-challenge.plain.example.test"));
}

static void without_authoritative_servers_the_recursive_ones_are_asked(void **state)
{
    struct world *w = *state;

    assert_string_equal(locate(w, "_acme-challenge.far.elsewhere.test", DNS_FOLLOW_EXPLICIT), "");
    assert_string_equal(w->target, "target.example.test");
    w->parent.mood = FAKE_REFUSES;
    assert_string_equal(locate(w, "_acme-challenge.plain.example.test", DNS_FOLLOW_EXPLICIT), "");
    assert_true(w->by_recursive);
    assert_string_equal(w->zone, "example.test");
}

static void what_is_no_name_and_what_has_no_zone_is_told(void **state)
{
    struct world *w = *state;

    assert_string_equal(locate(w, "a..b", DNS_FOLLOW_EXPLICIT), "NameInvalid");
    assert_string_equal(locate(w, "_acme-challenge.example.org", DNS_FOLLOW_EXPLICIT),
                        "NameServersFailed"); /* REFUSED */
    w->recursive.mood = FAKE_SILENT;
    assert_string_equal(locate(w, "_acme-challenge.example.org", DNS_FOLLOW_EXPLICIT),
                        "NameServersSilent");
    assert_non_null(strstr(w->err.text, w->recursive.server));
}

static void a_search_can_be_stopped(void **state)
{
    struct world *w = *state;
    struct dns_locate_op op = {.op = {.done = on_located, .user = w}};

    w->parent.mood = FAKE_SILENT;
    for (int turns = 0; turns < 6; turns++) {
        dns_locate_start(w->r, "_acme-challenge.alias.example.test", DNS_FOLLOW_EXPLICIT, &op);
        net_turns(&w->n, turns);
        cl_op_cancel(&op.op);
        cl_op_cancel(&op.op);
        wait_for(w);
        assert_string_equal(w->err.reason, "Cancelled");
    }
}

/* ---- zone cuts and servers ---- */

static void on_cut(struct cl_op *op, const struct cl_err *err)
{
    struct world *w = op->user;

    forget(w);
    w->zone = cl_strdup(err == NULL ? cl_container(op, struct dns_zone_cut_op, op)->zone : "");
    on_done(op, err);
}

static void the_zone_of_a_name_is_found_by_soa(void **state)
{
    static const struct {
        const char *name, *zone;
    } CASES[] = {
        {"elsewhere.test", "elsewhere.test"},
        {"a.b.elsewhere.test", "elsewhere.test"},
        {"_acme-challenge.far.elsewhere.test", "elsewhere.test"}, /* an alias: its parent */
        {"other.test", "test"},
        {"x.example.test", "example.test"}, /* configured */
    };
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct dns_zone_cut_op op = {.op = {.done = on_cut, .user = w}};
        dns_zone_cut_start(w->r, CASES[i].name, &op);
        wait_for(w);
        assert_string_equal(w->zone, CASES[i].zone);
    }
}

static void on_servers(struct cl_op *op, const struct cl_err *err)
{
    struct world *w = op->user;
    const struct dns_servers *s = &cl_container(op, struct dns_servers_op, op)->servers;
    struct cl_strv all = {0};

    forget(w);
    for (size_t i = 0; i < s->n; i++) {
        cl_strv_take(&all, cl_printf("%s/%s%s%s", s->list[i].ns, s->list[i].server,
                                     s->list[i].in_child ? "/child" : "",
                                     s->list[i].in_parent ? "/parent" : ""));
    }
    for (size_t i = 0; i < s->unresolved.len; i++) {
        cl_strv_take(&all, cl_printf("%s?", s->unresolved.items[i]));
    }
    cl_strv_sort(&all);
    w->servers = cl_strv_join(&all, " ");
    cl_strv_deinit(&all);
    on_done(op, err);
}

static void all_addresses_of_all_servers_of_a_zone_are_found(void **state)
{
    struct world *w = *state;
    struct dns_resolver *r = fake_resolver(&w->n, &w->recursive, NULL, 0);
    struct dns_servers_op op = {.op = {.done = on_servers, .user = w}};

    dns_servers_start(r, "example.test", NULL, &op);
    wait_for(w);
    assert_string_equal(w->servers, "ns1.example.test/192.0.2.1:53/child "
                                    "ns1.example.test/[2001:db8::1]:53/child "
                                    "ns2.example.test/192.0.2.2:53/child ns3.example.test?");
    size_t asked = w->recursive.log.len;
    dns_servers_start(r, "example.test", NULL, &op); /* remembered */
    wait_for(w);
    assert_int_equal(w->recursive.log.len, asked);
    dns_resolver_destroy(r);
}

static void a_referral_names_further_servers_and_their_addresses(void **state)
{
    static char name[] = "example.test", ns1[] = "ns1.example.test", ns4[] = "ns4.example.test",
                foreign[] = "ns.elsewhere.test";
    struct dns_rr rrs[] = {
        {.name = name, .type = DNS_NS, .section = DNS_AUTHORITY, .target = ns1},
        {.name = name, .type = DNS_NS, .section = DNS_AUTHORITY, .target = ns4},
        {.name = name, .type = DNS_NS, .section = DNS_AUTHORITY, .target = foreign},
        {.name = ns4, .type = DNS_A, .section = DNS_ADDITIONAL, .address = "192.0.2.4"},
        {.name = ns1, .type = DNS_A, .section = DNS_ADDITIONAL, .address = "192.0.2.99"},
        {.name = foreign, .type = DNS_A, .section = DNS_ADDITIONAL, .address = "192.0.2.66"},
    };
    struct dns_msg referral = {.rrs = rrs, .n = COUNT(rrs)};
    struct world *w = *state;
    struct dns_resolver *r = fake_resolver(&w->n, &w->recursive, NULL, 0);
    struct dns_servers_op op = {.op = {.done = on_servers, .user = w}};

    dns_servers_start(r, "example.test", &referral, &op);
    wait_for(w);
    /* Addresses that come along count where nothing better is known, and only within the zone. */
    assert_string_equal(w->servers, "ns.elsewhere.test? ns1.example.test/192.0.2.1:53/child/parent "
                                    "ns1.example.test/[2001:db8::1]:53/child/parent "
                                    "ns2.example.test/192.0.2.2:53/child ns3.example.test? "
                                    "ns4.example.test/192.0.2.4:53/parent");
    dns_resolver_destroy(r);
}

static void servers_are_given_as_addresses(void **state)
{
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {"192.0.2.1", "192.0.2.1:53"},
        {"192.0.2.1:5353", "192.0.2.1:5353"},
        {"2001:DB8::1", "[2001:db8::1]:53"},
        {"[2001:db8::1]", "[2001:db8::1]:53"},
        {"[2001:db8::1]:99", "[2001:db8::1]:99"},
        {"ns.example.org", NULL},
        {"192.0.2.1:", NULL},
        {"192.0.2.1:0", NULL},
        {"192.0.2.1:65536", NULL},
        {"192.0.2.300", NULL},
        {"[2001:db8::1", NULL},
        {"[2001:db8::1]99", NULL},
        {"", NULL},
    };
    char buf[DNS_SERVER_TEXT];
    struct cl_err err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int rc = dns_server_format(CASES[i].in, buf, &err);
        assert_int_equal(rc, CASES[i].out != NULL ? 0 : -1);
        if (rc == 0) {
            assert_string_equal(buf, CASES[i].out);
        } else {
            assert_string_equal(err.reason, "ServerInvalid");
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_lives_where_the_cnames_lead),
        TEST(the_way_is_shown),
        TEST(cnames_in_a_circle_are_reported),
        TEST(a_recursive_server_is_never_asked_for_the_challenge_name),
        TEST(without_authoritative_servers_the_recursive_ones_are_asked),
        TEST(what_is_no_name_and_what_has_no_zone_is_told),
        TEST(a_search_can_be_stopped),
        TEST(the_zone_of_a_name_is_found_by_soa),
        TEST(all_addresses_of_all_servers_of_a_zone_are_found),
        TEST(a_referral_names_further_servers_and_their_addresses),
        cmocka_unit_test(servers_are_given_as_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
