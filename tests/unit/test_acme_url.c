/* SPDX-License-Identifier: Apache-2.0 */
/* Which URLs a CA may send us to. */
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/acme_fixture.h"

static void only_clean_https_urls_are_accepted(void **state)
{
    static const struct {
        const char *url;
        bool plain, with_http;
    } CASES[] = {
        {"https://ca.example/acme/new-order", true, true},
        {"https://ca.example:14000/x?y=z&a=%20", true, true},
        {"https://[::1]:14000/dir", true, true},
        {"http://127.0.0.1/dir", false, true},
        {"http://", false, false},
        {"https://", false, false},
        {"https:///path", false, false},
        {"ftp://ca.example/", false, false},
        {"file:///etc/passwd", false, false},
        {"gopher://ca.example/", false, false},
        {"HTTPS://ca.example/", false, false},
        {"https://user@ca.example/", false, false},
        {"https://user:pw@ca.example/", false, false},
        {"https://ca.example/a b", false, false},
        {"https://ca.example/\"", false, false},
        {"https://ca.example/\\", false, false},
        {"https://ca.example/\n", false, false},
        {"https://ca.example/\x1b[31m", false, false},
        {"https://ca.example/\xc3\xa4", false, false},
        {"https://ca.example/#fragment", false, false},
        {"https://[::1/dir", false, false},
        {"https://ca.example:123456789/", false, false},
        {"", false, false},
        {NULL, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(acme_url_ok(CASES[i].url, false), CASES[i].plain);
        assert_int_equal(acme_url_ok(CASES[i].url, true), CASES[i].with_http);
    }
}

static void an_endless_url_is_refused(void **state)
{
    char url[ACME_URL_MAX + 20];

    (void)state;
    memset(url, 'a', sizeof url);
    memcpy(url, "https://ca/", 11);
    url[sizeof url - 1] = '\0';
    assert_false(acme_url_ok(url, false));
    url[ACME_URL_MAX] = '\0';
    assert_true(acme_url_ok(url, false));
    memset(url + 8, 'h', 300); /* a host name that is too long */
    url[308] = '/';
    assert_false(acme_url_ok(url, false));
}

static void plain_http_is_for_loopback(void **state)
{
    (void)state;
    assert_true(acme_url_is_loopback_http("http://127.0.0.1:4000/dir"));
    assert_true(acme_url_is_loopback_http("http://127.9.9.9/dir"));
    assert_true(acme_url_is_loopback_http("http://[::1]/dir"));
    assert_true(acme_url_is_loopback_http("http://localhost/dir"));
    assert_true(acme_url_is_loopback_http("http://ca.localhost/dir"));
    assert_false(acme_url_is_loopback_http("https://localhost/dir"));
    assert_false(acme_url_is_loopback_http("http://10.0.0.1/dir"));
    assert_false(acme_url_is_loopback_http("http://ca.example/dir"));
    assert_false(acme_url_is_loopback_http("http://localhost.example/dir"));
}

static void private_hosts_are_known_by_address_or_name(void **state)
{
    static const struct {
        const char *url;
        bool private;
    } CASES[] = {
        {"https://127.0.0.1/", true},
        {"https://10.1.2.3/", true},
        {"https://172.16.0.1/", true},
        {"https://172.31.255.255/", true},
        {"https://172.32.0.1/", false},
        {"https://192.168.1.1/", true},
        {"https://192.169.1.1/", false},
        {"https://169.254.169.254/", true},
        {"https://100.64.0.1/", true},
        {"https://100.127.255.255/", true},
        {"https://100.128.0.1/", false},
        {"https://0.0.0.0/", true},
        {"https://8.8.8.8/", false},
        {"https://[::1]/", true},
        {"https://[::]/", true},
        {"https://[fd00::1]/", true},
        {"https://[fe80::1]/", true},
        {"https://[2001:db8::1]/", false},
        {"https://localhost:14000/", true},
        {"https://CA/", true},
        {"https://ca.corp.internal/", true},
        {"https://printer.local/", true},
        {"https://ca.home.arpa/", true},
        {"https://ca.test/", true},
        {"https://ca.example.com/", false},
        {"https://acme-v02.api.letsencrypt.org/directory", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (acme_url_host_is_private(CASES[i].url) != CASES[i].private) {
            fail_msg("%s", CASES[i].url);
        }
    }
}

static void origins_are_compared_with_their_default_ports(void **state)
{
    (void)state;
    assert_true(acme_url_same_origin("https://ca.example/a", "https://CA.example:443/b?c"));
    assert_true(acme_url_same_origin("http://[::1]:80/a", "http://[::1]/"));
    assert_false(acme_url_same_origin("https://ca.example/", "https://ca.example:444/"));
    assert_false(acme_url_same_origin("https://ca.example/", "https://cb.example/"));
    assert_false(acme_url_same_origin("https://ca.example/", "http://ca.example/"));
    assert_false(acme_url_same_origin("nonsense", "nonsense"));
}

static void redirects_resolve_absolute_urls_and_paths_only(void **state)
{
    static const struct {
        const char *location, *result;
    } CASES[] = {
        {"https://other.example/dir", "https://other.example/dir"},
        {"http://other.example/dir", "http://other.example/dir"},
        {"/dir2?x", "https://ca.example:14000/dir2?x"},
        {"//evil.example/", NULL},
        {"dir2", NULL},
        {"", NULL},
        {"javascript:alert(1)", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = acme_url_resolve("https://ca.example:14000/dir", CASES[i].location);
        if (CASES[i].result == NULL) {
            assert_null(got);
        } else {
            assert_string_equal(got, CASES[i].result);
        }
        cl_free(got);
    }
    assert_null(acme_url_resolve("nonsense", "/dir"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_clean_https_urls_are_accepted),
        cmocka_unit_test(an_endless_url_is_refused),
        cmocka_unit_test(plain_http_is_for_loopback),
        cmocka_unit_test(private_hosts_are_known_by_address_or_name),
        cmocka_unit_test(origins_are_compared_with_their_default_ports),
        cmocka_unit_test(redirects_resolve_absolute_urls_and_paths_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
