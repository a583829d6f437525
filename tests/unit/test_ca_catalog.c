/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of CAs: the shipped files, their checks, and what is asked of them. */
#include "backends/rt/sys.h"
#include "backends/store/ca_files.h"
#include "backends/store/registered_domain.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/core_fixture.h"

#include <string.h>

#define LE "https://acme-v02.api.letsencrypt.org/directory"

static struct ca_catalog shipped;

static int load(void **state)
{
    struct cl_strv dirs = {0};
    struct cl_strv problems = {0};
    (void)state;
    cl_strv_take(&dirs, cl_printf("%s/backends/acme/cas", sys_getenv("CERTLOOP_SOURCE")));
    cl_strv_add(&dirs, "/nonexistent/cas");
    ca_files_load(&dirs, &shipped, &problems);
    cl_strv_for_each(line, &problems) {
        print_error("%s\n", line);
    }
    assert_int_equal(problems.len, 0);
    cl_strv_deinit(&problems);
    cl_strv_deinit(&dirs);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    ca_catalog_deinit(&shipped);
    return 0;
}

static cl_time day(const char *text)
{
    cl_time t = 0;
    assert_int_equal(cl_time_parse(text, &t), 0);
    return t;
}

static void limits_come_from_the_host_of_the_directory(void **state)
{
    struct acme_spec a = {
        .server = (char *)(uintptr_t) "https://ACME-v02.api.letsencrypt.org:443/directory"};
    struct ca_limits l;
    (void)state;
    ca_limits_of(&shipped, &a, &l);
    assert_int_equal(l.new_orders.capacity, 300);
    assert_int_equal(l.domain.refill, 202 * CL_MINUTE);
    a.server = (char *)(uintptr_t) "https://pebble.test:14000/dir";
    ca_limits_of(&shipped, &a, &l);
    assert_int_equal(l.new_orders.capacity, 0);
    a.rate_limits.mode = RATE_LIMITS_LETS_ENCRYPT;
    a.rate_limits.limits.new_orders = (struct ca_limit){1500, CL_SECOND};
    ca_limits_of(&shipped, &a, &l);
    assert_int_equal(l.new_orders.capacity, 1500); /* one's own wins */
    assert_int_equal(l.exact_set.capacity, 5);
    a.server = (char *)(uintptr_t)LE;
    a.rate_limits = (struct rate_limits_spec){.mode = RATE_LIMITS_NONE};
    ca_limits_of(&shipped, &a, &l);
    assert_int_equal(l.new_orders.capacity, 0);
}

static void lifetimes_follow_their_dates(void **state)
{
    static const struct {
        const char *when, *profile;
        cl_time lifetime, reuse;
    } CASES[] = {
        {"2026-11-01T00:00:00Z", NULL, 90 * CL_DAY, 30 * CL_DAY},
        {"2027-02-09T23:59:59Z", "classic", 90 * CL_DAY, 30 * CL_DAY},
        {"2027-02-10T00:00:00Z", "classic", 64 * CL_DAY, 10 * CL_DAY},
        {"2028-02-16T00:00:00Z", NULL, 45 * CL_DAY, 7 * CL_HOUR},
        {"2026-11-01T00:00:00Z", "tlsserver", 45 * CL_DAY, 7 * CL_HOUR},
        {"2026-11-01T00:00:00Z", "shortlived", 160 * CL_HOUR, 7 * CL_HOUR},
        {"2026-11-01T00:00:00Z", "unheard-of", 0, 0},
    };
    const struct known_ca *k = ca_catalog_find(&shipped, LE);
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        cl_time reuse = 0;
        assert_int_equal(known_ca_lifetime(k, CASES[i].profile, day(CASES[i].when), &reuse),
                         CASES[i].lifetime);
        assert_int_equal(reuse, CASES[i].reuse);
    }
    assert_int_equal(known_ca_max_names(k, NULL), 100);
    assert_int_equal(known_ca_max_names(k, "tlsserver"), 25);
    assert_int_equal(known_ca_max_names(k, "unheard-of"), 0);
}

static void what_a_profile_cannot_hold_is_said_before_an_order(void **state)
{
    const struct known_ca *k = ca_catalog_find(&shipped, LE);
    struct cert_spec s = {0};
    char why[300];
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        cl_strv_take(&s.dns_names, cl_printf("h%zu.example", i));
    }
    assert_false(known_ca_refuses(k, NULL, &s, why, sizeof why));
    assert_true(known_ca_refuses(k, "tlsserver", &s, why, sizeof why));
    assert_string_equal(why,
                        "100 names, but a certificate of Let's Encrypt (profile tlsserver) has "
                        "at most 25; divide them between several Certificates");
    cl_strv_deinit(&s.dns_names);
    cl_strv_add(&s.ip_addresses, "192.0.2.1");
    assert_true(known_ca_refuses(k, NULL, &s, why, sizeof why));
    assert_false(known_ca_refuses(k, "shortlived", &s, why, sizeof why));
    cl_strv_deinit(&s.ip_addresses);
    cl_strv_add(&s.dns_names, "*.example");
    k = ca_catalog_find(&shipped, "https://acme.ssl.com/sslcom-dv-rsa");
    assert_true(known_ca_refuses(k, NULL, &s, why, sizeof why));
    cl_strv_deinit(&s.dns_names);
}

static void a_ca_that_has_ended_is_warned_of(void **state)
{
    struct acme_spec a = {0};
    struct cl_strv lines = {0};
    (void)state;
    known_ca_warnings(ca_catalog_find(&shipped, "https://api.buypass.com/acme/directory"), &a,
                      day("2026-11-24T00:00:00Z"), &lines);
    assert_int_equal(lines.len, 4);
    assert_string_equal(lines.items[1], "Buypass Go SSL has had no orders from 2025-10-15 on; name "
                                        "another CA in spec.acme.server");
    known_ca_warnings(ca_catalog_find(&shipped, "https://acme.zerossl.com/v2/DV90"), &a, 1, &lines);
    assert_int_equal(lines.len, 5);
    cl_strv_deinit(&lines);
}

static void files_that_are_wrong_are_refused_with_their_position(void **state)
{
    static const struct {
        const char *text, *problem;
        unsigned line, column;
    } CASES[] = {
        {"name: X\nhosts: [a.test]\nlimit: {}\n", "limit: unknown field; did you mean limits?", 3,
         1},
        {"hosts: [a.test]\n", "name: required", 1, 1},
        {"name: X\nhosts: [https://a.test/]\n",
         "hosts[0]: expected a host in lower case, with no scheme or path", 2, 9},
        {"name: X\nhosts: [a.test]\nlimits: {newOrders: {capacity: 3}}\n",
         "limits.newOrders.refill: required", 3, 21},
        {"name: X\nhosts: [a.test]\nlifetimes: [{from: soon, lifetime: 90d}]\n",
         "lifetimes[0].from: expected a day, as in 2027-02-10", 3, 20},
        {"name: X\nhosts: [a.test]\nlifetimes:\n- {from: \"2027-01-01\", lifetime: 9d}\n"
         "- {from: \"2026-01-01\", lifetime: 9d}\n",
         "lifetimes[1].from: must be later than 2027-01-01", 5, 3},
        {"- a\n", "expected one mapping: name, hosts, limits, ...", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct spec_problems p = {0};
        struct known_ca k;
        assert_int_equal(known_ca_parse(CASES[i].text, strlen(CASES[i].text), &k, &p), -1);
        assert_true(p.len >= 1);
        assert_string_equal(p.items[0].text, CASES[i].problem);
        assert_int_equal(p.items[0].line, CASES[i].line);
        assert_int_equal(p.items[0].column, CASES[i].column);
        spec_problems_deinit(&p);
    }
}

static void of_two_files_with_one_host_the_first_counts(void **state)
{
    static const char TEXT[] =
        "name: X\nhosts: [a.test]\nlimits: {newOrders: {capacity: %d, refill: 1m}}\n";
    struct ca_catalog c = {0};
    (void)state;
    for (int i = 1; i < 3; i++) {
        struct spec_problems p = {0};
        struct known_ca k;
        char *text = cl_printf(TEXT, i);
        assert_int_equal(known_ca_parse(text, strlen(text), &k, &p), 0);
        ca_catalog_add(&c, &k);
        spec_problems_deinit(&p);
        cl_free(text);
    }
    assert_int_equal(c.len, 1);
    assert_int_equal(ca_catalog_find(&c, "http://u:p@A.test/x?y")->limits.new_orders.capacity, 1);
    assert_null(ca_catalog_find(&c, "https://a.test:8443/x"));
    assert_null(ca_catalog_find(NULL, LE));
    ca_catalog_deinit(&c);
}

static void names_are_counted_by_their_registered_domain(void **state)
{
    static const char *const CASES[][2] = {
        {"www.example.com", "example.com"}, {"*.a.example.co.uk", "example.co.uk"},
        {"example.co.uk", "example.co.uk"}, {"co.uk", "co.uk"},
        {"h.d1.example", "d1.example"},     {"localhost", "localhost"},
        {"me.github.io", "me.github.io"},
    };
    static const char *const NETWORKS[][2] = {{"192.0.2.7", "192.0.2.7"},
                                              {"2001:db8:1:2:3::4", "2001:db8:1:2::/64"}};
    char got[REGISTERED_DOMAIN];
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_string_equal(registered_domain(CASES[i][0], got), CASES[i][1]);
    }
    for (size_t i = 0; i < COUNT(NETWORKS); i++) {
        assert_string_equal(registered_network(NETWORKS[i][0], got), NETWORKS[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_come_from_the_host_of_the_directory),
        cmocka_unit_test(lifetimes_follow_their_dates),
        cmocka_unit_test(what_a_profile_cannot_hold_is_said_before_an_order),
        cmocka_unit_test(a_ca_that_has_ended_is_warned_of),
        cmocka_unit_test(files_that_are_wrong_are_refused_with_their_position),
        cmocka_unit_test(of_two_files_with_one_host_the_first_counts),
        cmocka_unit_test(names_are_counted_by_their_registered_domain),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
