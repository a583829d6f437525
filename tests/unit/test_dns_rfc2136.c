/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of backends/dns/dns_rfc2136. Alone: what response codes mean, settings, a server that is not
 * there. With DNS_TEST_SERVERS ("ADDRESS:PORT ..." of real name servers with the zone example.test
 * and the keys of tests/lib/nameservers.sh; set by tests/functional/test_dns_rfc2136.sh): the whole
 * of it, with foreign values that must survive. */
#include "backends/dns/dns_rfc2136.h"
#include "backends/dns/dns_rfc2136_reason.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define NAME "_acme-challenge.example.test"

static void codes_are_explained(void **state)
{
    static const struct {
        unsigned opcode, rcode;
        const char *key, *reason, *text;
    } CASES[] = {
        {DNS_OP_UPDATE, DNS_NOERROR, "acme", NULL, ""},
        {DNS_OP_QUERY, DNS_NXDOMAIN, "acme", NULL, ""},
        {DNS_OP_UPDATE, DNS_NXDOMAIN, "acme", "NameServerFailed", "NXDOMAIN"},
        {DNS_OP_UPDATE, DNS_REFUSED, "acme", "UpdateRefused", "update-policy { grant acme"},
        {DNS_OP_UPDATE, DNS_REFUSED, NULL, "UpdateRefused", "give a TSIG key"},
        {DNS_OP_QUERY, DNS_REFUSED, NULL, "QueryRefused", "does not hold the zone"},
        {DNS_OP_UPDATE, DNS_NOTAUTH, "acme", "NotAuthoritative", "primary"},
        {DNS_OP_UPDATE, DNS_NOTZONE, "acme", "NotInZone", "example.test"},
        {DNS_OP_UPDATE, DNS_NOTIMP, "acme", "UpdateNotSupported", "dnsupdate=yes"},
        {DNS_OP_UPDATE, DNS_FORMERR, "acme", "UpdateMalformed", "FORMERR"},
        {DNS_OP_UPDATE, DNS_SERVFAIL, "acme", "NameServerFailed", "journal"},
        {DNS_OP_UPDATE, 77, "acme", "NameServerFailed", "RCODE 77"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char zone[] = "example.test";
        struct dns_msg m = {.opcode = CASES[i].opcode, .rcode = CASES[i].rcode, .qname = zone};
        struct cl_err err = {0};
        int rc = dns_rfc2136_reason(&m, CASES[i].key, &err);
        assert_int_equal(rc, CASES[i].reason == NULL ? 0 : -1);
        if (rc < 0) {
            assert_string_equal(err.reason, CASES[i].reason);
            assert_non_null(strstr(err.text, CASES[i].text));
        }
    }
}

/* ---- running ops to their end ---- */

struct run {
    struct loop *loop;
    struct dns_provider *p;
    const struct dns_provider_ops *ops;
    bool done;
    struct cl_err err;
    char *zone;
    struct cl_strv values;
};

static int create(struct run *r, const struct dns_rfc2136_params *p)
{
    memset(r, 0, sizeof *r);
    r->loop = loop_create();
    int rc = dns_rfc2136_create(r->loop, p, &r->p, &r->err);
    r->ops = rc == 0 ? dns_head(r->p)->ops : NULL;
    return rc;
}

static void destroy(struct run *r)
{
    if (r->p != NULL) {
        r->ops->destroy(r->p);
    }
    cl_free(r->zone);
    cl_strv_deinit(&r->values);
    loop_destroy(r->loop);
}

static void on_done(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;

    r->done = true;
    memset(&r->err, 0, sizeof r->err);
    if (err != NULL) {
        r->err = *err;
    }
    loop_stop(r->loop);
}

static const char *wait_for(struct run *r)
{
    assert_false(r->done); /* nothing ends while it starts */
    while (!r->done) {
        loop_run(r->loop);
    }
    r->done = false;
    return r->err.reason;
}

static void on_zone(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;

    cl_free(r->zone);
    r->zone = cl_strdup(err == NULL ? cl_container(op, struct dns_zone_op, op)->zone : "");
    on_done(op, err);
}

static const char *zone(struct run *r, const char *fqdn)
{
    struct dns_zone_op op = {.op = {.done = on_zone, .user = r}, .fqdn = fqdn};

    r->ops->zone(r->p, &op);
    return wait_for(r);
}

static void on_list(struct cl_op *op, const struct cl_err *err)
{
    struct run *r = op->user;

    cl_strv_deinit(&r->values);
    if (err == NULL) {
        cl_strv_copy(&r->values, &cl_container(op, struct dns_list_op, op)->values);
        cl_strv_sort(&r->values);
    }
    on_done(op, err);
}

/* The values at @fqdn, sorted and joined by ","; "!" and the reason if it fails. */
static const char *list(struct run *r, const char *fqdn, char *buf, size_t size)
{
    struct dns_list_op op = {
        .op = {.done = on_list, .user = r}, .zone = "example.test", .fqdn = fqdn};

    r->ops->list(r->p, &op);
    const char *reason = wait_for(r);
    char *joined = cl_strv_join(&r->values, ",");
    (void)cl_format(buf, size, "%s%s", reason[0] != '\0' ? "!" : "",
                    reason[0] != '\0' ? reason : joined);
    cl_free(joined);
    return buf;
}

/* @add and @remove: values separated by ",". */
static const char *apply_in(struct run *r, const char *zone_name, const char *fqdn, const char *add,
                            const char *remove)
{
    struct dns_change c = {.fqdn = fqdn};
    struct dns_apply_op op = {
        .op = {.done = on_done, .user = r}, .zone = zone_name, .changes = &c, .n = 1};

    cl_strv_split(&c.add, add, ",");
    cl_strv_split(&c.remove, remove, ",");
    r->ops->apply(r->p, &op);
    const char *reason = wait_for(r);
    cl_strv_deinit(&c.add);
    cl_strv_deinit(&c.remove);
    return reason;
}

static const char *apply(struct run *r, const char *fqdn, const char *add, const char *remove)
{
    return apply_in(r, "example.test", fqdn, add, remove);
}

/* ---- alone ---- */

static void settings_that_cannot_work_are_refused(void **state)
{
    static const struct {
        struct dns_rfc2136_params p;
        const char *reason;
    } CASES[] = {
        {{.nameserver = "ns.example.test"}, "ServerInvalid"},
        {{.nameserver = "192.0.2.1:0"}, "ServerInvalid"},
        {{.nameserver = "192.0.2.1", .key_name = "acme", .key_secret = "?"}, "TSIGKeyInvalid"},
        {{.nameserver = "192.0.2.1", .zone = "a..b"}, "ZoneInvalid"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct run r;
        assert_int_equal(create(&r, &CASES[i].p), -1);
        assert_string_equal(r.err.reason, CASES[i].reason);
        destroy(&r);
    }
}

static void a_server_that_is_not_there_is_named(void **state)
{
    struct dns_rfc2136_params p = {.nameserver = "127.0.0.1:1", .timeout = 200};
    struct run r;

    (void)state;
    assert_int_equal(create(&r, &p), 0);
    assert_string_equal(apply(&r, NAME, "a", ""), "ConnectionRefused");
    assert_non_null(strstr(r.err.text, "rfc2136 127.0.0.1:1: update of zone example.test"));
    assert_int_equal(r.err.kind, CL_ERR_TRANSIENT);
    destroy(&r);
}

static void a_configured_zone_is_not_asked_for(void **state)
{
    struct dns_rfc2136_params p = {.nameserver = "127.0.0.1:1", .zone = "Example.TEST."};
    struct run r;

    (void)state;
    assert_int_equal(create(&r, &p), 0);
    assert_string_equal(zone(&r, NAME), "");
    assert_string_equal(r.zone, "example.test");
    destroy(&r);
}

/* ---- with real servers ---- */

static void live(const char *server, bool tcp, const char *algorithm)
{
    char *key = cl_printf("acme-%s", algorithm);
    char *hmac = cl_printf("hmac-%s", algorithm);
    struct dns_rfc2136_params p = {.nameserver = server,
                                   .key_name = key,
                                   .key_algorithm = hmac,
                                   .key_secret = SECRET,
                                   .tcp = tcp};
    struct dns_rfc2136_params other = p;
    struct run r;
    struct run foreign;
    char buf[2048];

    other.key_name = "acme";
    other.key_algorithm = NULL;
    assert_int_equal(create(&r, &p), 0);
    assert_int_equal(create(&foreign, &other), 0);
    assert_string_equal(zone(&r, NAME), "");
    assert_string_equal(r.zone, "example.test");
    assert_string_equal(apply(&foreign, NAME, "foreign", ""), "");
    assert_string_equal(apply(&r, NAME, "apex,wildcard", ""), "");
    assert_string_equal(list(&r, NAME, buf, sizeof buf), "apex,foreign,wildcard");
    assert_string_equal(apply(&r, NAME, "apex", "gone-already"), ""); /* repeated: no difference */
    assert_string_equal(list(&r, NAME, buf, sizeof buf), "apex,foreign,wildcard");
    assert_string_equal(apply(&r, NAME, "next", "apex"), "");
    assert_string_equal(list(&r, NAME, buf, sizeof buf), "foreign,next,wildcard");
    assert_string_equal(apply(&r, NAME, "", "wildcard,next"), "");
    assert_string_equal(list(&r, NAME, buf, sizeof buf), "foreign");
    assert_string_equal(apply(&foreign, NAME, "", "foreign"), "");
    assert_string_equal(list(&r, NAME, buf, sizeof buf), "");
    destroy(&r);
    destroy(&foreign);
    cl_free(key);
    cl_free(hmac);
}

static void for_each_server(void (*test)(const char *server))
{
    const char *servers = getenv("DNS_TEST_SERVERS");
    struct cl_strv all = {0};

    if (servers == NULL) {
        skip();
    }
    cl_strv_split(&all, servers, " ");
    for (size_t i = 0; i < all.len; i++) {
        test(all.items[i]);
    }
    cl_strv_deinit(&all);
}

static void every_algorithm(const char *server)
{
    static const char *const ALGORITHMS[] = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"};

    for (size_t i = 0; i < COUNT(ALGORITHMS); i++) {
        live(server, i % 2 == 1, ALGORITHMS[i]);
    }
}

static void foreign_values_survive_with_every_algorithm(void **state)
{
    (void)state;
    for_each_server(every_algorithm);
}

static void wrong_keys(const char *server)
{
    static const struct {
        const char *key, *algorithm, *secret, *reasons; /* any of them: servers differ */
    } CASES[] = {
        {"nobody", NULL, SECRET, "TSIGBadKey UpdateRefused"},
        {"acme", NULL,
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "TSIGBadSignature UpdateRefused"},
        {"stranger", NULL, SECRET, "UpdateRefused NotAuthoritative TSIGBadKey"},
        {NULL, NULL, NULL, "UpdateRefused NotAuthoritative"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct dns_rfc2136_params p = {.nameserver = server,
                                       .key_name = CASES[i].key,
                                       .key_algorithm = CASES[i].algorithm,
                                       .key_secret = CASES[i].secret};
        struct run r;
        assert_int_equal(create(&r, &p), 0);
        const char *reason = apply(&r, NAME, "a", "");
        if (reason[0] == '\0' || strstr(CASES[i].reasons, reason) == NULL) {
            fail_msg("%s, key %s: %s: %s", server, cl_str_or(CASES[i].key, "none"), reason,
                     r.err.text);
        }
        assert_int_equal(r.err.kind, CL_ERR_PERMANENT);
        destroy(&r);
    }
}

static void wrong_keys_are_told_apart(void **state)
{
    (void)state;
    for_each_server(wrong_keys);
}

static void other_zones(const char *server)
{
    struct dns_rfc2136_params p = {.nameserver = server, .key_name = "acme", .key_secret = SECRET};
    struct run r;

    assert_int_equal(create(&r, &p), 0);
    assert_true(zone(&r, "_acme-challenge.example.net")[0] != '\0');
    assert_int_equal(r.err.kind, CL_ERR_PERMANENT);
    assert_true(apply_in(&r, "example.net", "_acme-challenge.example.net", "a", "")[0] != '\0');
    assert_string_equal(apply(&r, "_acme-challenge.example.net", "a", ""), "NotInZone");
    destroy(&r);
}

static void names_in_other_zones_are_refused(void **state)
{
    (void)state;
    for_each_server(other_zones);
}

static void many(const char *server)
{
    struct dns_rfc2136_params p = {.nameserver = server, .key_name = "acme", .key_secret = SECRET};
    struct dns_change changes[300];
    struct run r;
    struct dns_apply_op op = {
        .op = {.done = on_done, .user = &r}, .zone = "example.test", .changes = changes};
    char buf[256];

    assert_int_equal(create(&r, &p), 0);
    op.n = COUNT(changes);
    memset(changes, 0, sizeof changes);
    for (size_t i = 0; i < COUNT(changes); i++) {
        changes[i].fqdn = cl_printf("_acme-challenge.n%zu.example.test", i);
        cl_strv_take(&changes[i].add, cl_printf("%0100zu", i));
        cl_strv_add(&changes[i].add, "second");
    }
    r.ops->apply(r.p, &op);
    assert_string_equal(wait_for(&r), "");
    assert_string_equal(list(&r, changes[0].fqdn, buf, sizeof buf) + 100, ",second");
    assert_string_equal(list(&r, changes[299].fqdn, buf, sizeof buf) + 100, ",second");
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct cl_strv none = changes[i].remove;
        changes[i].remove = changes[i].add;
        changes[i].add = none;
    }
    r.ops->apply(r.p, &op);
    assert_string_equal(wait_for(&r), "");
    assert_string_equal(list(&r, changes[299].fqdn, buf, sizeof buf), "");
    for (size_t i = 0; i < COUNT(changes); i++) {
        cl_strv_deinit(&changes[i].remove);
        cl_free((char *)(uintptr_t)changes[i].fqdn);
    }
    destroy(&r);
}

static void many_names_go_in_few_updates(void **state)
{
    (void)state;
    for_each_server(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_explained),
        cmocka_unit_test(settings_that_cannot_work_are_refused),
        cmocka_unit_test(a_server_that_is_not_there_is_named),
        cmocka_unit_test(a_configured_zone_is_not_asked_for),
        cmocka_unit_test(foreign_values_survive_with_every_algorithm),
        cmocka_unit_test(wrong_keys_are_told_apart),
        cmocka_unit_test(names_in_other_zones_are_refused),
        cmocka_unit_test(many_names_go_in_few_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
