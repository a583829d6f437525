/* SPDX-License-Identifier: Apache-2.0 */
/* What the client decides without a network: private addresses, Link headers, what of a URL may be
 * shown, and that every result of libcurl becomes an error somebody can act on. */
#include "backends/net/http_impl.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void addresses_that_are_not_globally_reachable_are_private(void **state)
{
    static const struct {
        const char *text;
        bool private;
    } CASES[] = {
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"10.0.0.1", true},
        {"11.0.0.1", false},
        {"172.15.255.255", false},
        {"172.16.0.1", true},
        {"172.31.255.255", true},
        {"172.32.0.1", false},
        {"192.168.1.1", true},
        {"192.167.1.1", false},
        {"192.169.1.1", false},
        {"169.254.169.254", true},
        {"100.64.0.1", true},
        {"100.127.255.255", true},
        {"100.128.0.1", false},
        {"100.63.255.255", false},
        {"0.0.0.0", true},
        {"0.1.2.3", true},
        {"224.0.0.1", true},
        {"239.255.255.255", true},
        {"240.0.0.1", true},
        {"255.255.255.255", true},
        {"192.0.0.8", true},
        {"192.0.2.1", true},
        {"198.18.0.1", true},
        {"198.19.255.255", true},
        {"198.20.0.1", false},
        {"198.51.100.7", true},
        {"203.0.113.9", true},
        {"203.0.114.9", false},
        {"8.8.8.8", false},
        {"172.65.32.248", false},
        {"223.255.255.254", false},
        {"::", true},
        {"::1", true},
        {"::2", true},
        {"::ffff:10.0.0.1", true},
        {"::ffff:127.0.0.1", true},
        {"::ffff:8.8.8.8", false},
        {"::127.0.0.1", true},
        {"64:ff9b::10.0.0.1", true},
        {"64:ff9b::8.8.8.8", false},
        {"64:ff9b:1::8.8.8.8", true},
        {"fe80::1", true},
        {"febf::1", true},
        {"fec0::1", true},
        {"fc00::1", true},
        {"fd12:3456::1", true},
        {"ff02::1", true},
        {"ff0e::1", true},
        {"2001:db8::1", true},
        {"2001:db9::1", false},
        {"2002:7f00:1::1", true},
        {"2002:c0a8:101::1", true},
        {"2002:808:808::1", false},
        {"2001::1", true},
        {"2001:10::1", true},
        {"3fff::1", true},
        {"3fff:1000::1", false},
        {"100::1", true},
        {"2606:4700::1111", false},
        {"2a00:1450:4001::2003", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (http_addr_text_is_private(CASES[i].text) != CASES[i].private) {
            fail_msg("%s is %sprivate", CASES[i].text, CASES[i].private ? "" : "not ");
        }
    }
}

static void a_socket_address_is_judged_like_its_text(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr local = {.sa_family = AF_UNIX};

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "10.1.2.3", &in.sin_addr), 1);
    assert_true(http_addr_is_private((struct sockaddr *)&in));
    assert_int_equal(inet_pton(AF_INET, "9.9.9.9", &in.sin_addr), 1);
    assert_false(http_addr_is_private((struct sockaddr *)&in));
    assert_int_equal(inet_pton(AF_INET6, "::1", &in6.sin6_addr), 1);
    assert_true(http_addr_is_private((struct sockaddr *)&in6));
    assert_int_equal(inet_pton(AF_INET6, "2620:fe::fe", &in6.sin6_addr), 1);
    assert_false(http_addr_is_private((struct sockaddr *)&in6));
    assert_true(http_addr_is_private(&local));
}

static void text_that_is_no_address_is_not_private(void **state)
{
    (void)state;
    assert_false(http_addr_text_is_private("example.com"));
    assert_false(http_addr_text_is_private(""));
}

static void only_host_and_port_of_a_url_are_shown(void **state)
{
    static const struct {
        const char *url, *shown;
    } CASES[] = {
        {"https://ca.example/directory?token=secret", "ca.example"},
        {"https://user:secret@ca.example:8443/dir", "ca.example:8443"},
        {"https://a@b@ca.example#frag", "ca.example"},
        {"https://[2001:db8::1]:443/x", "[2001:db8::1]:443"},
        {"https://ca.example?x@y", "ca.example"},
        {"host:443", "host:443"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char host[128];
        http_url_host(CASES[i].url, host, sizeof host);
        assert_string_equal(host, CASES[i].shown);
    }
}

static void every_result_of_libcurl_has_a_kind_a_reason_and_a_text(void **state)
{
    (void)state;
    for (int code = 1; code < CURL_LAST; code++) {
        struct cl_err err = {0};
        struct http_failure f = {
            .code = (CURLcode)code, .url = "https://ca.example/secret", .curl_text = ""};
        http_explain(&f, &err);
        assert_int_not_equal(err.kind, CL_ERR_NONE);
        assert_true(strlen(err.reason) > 0);
        assert_true(cl_str_starts(err.text, "ca.example: "));
        assert_null(strstr(err.text, "secret"));
    }
}

static void control_characters_of_a_peer_do_not_reach_the_text(void **state)
{
    struct cl_err err = {0};
    struct http_failure f = {.code = CURLE_SSL_CONNECT_ERROR,
                             .url = "https://ca.example/",
                             .curl_text = "bad \x1b[31m name"};

    (void)state;
    http_explain(&f, &err);
    assert_null(strchr(err.text, '\x1b'));
}

/* ---- Link ---- */

/* The targets of @rel, joined with spaces, in the answer with these headers. */
static void assert_links(const char *const *headers, const char *rel, const char *expected)
{
    struct http_op op = {0};
    struct cl_strv found = {0};
    char base[] = "https://ca.example/acme/cert/1";

    op.final_url = base;
    for (; *headers != NULL; headers++) {
        cl_strv_add(&op.headers, *headers);
    }
    http_links(&op, rel, &found);
    char *joined = cl_strv_join(&found, " ");
    assert_string_equal(joined, expected);
    cl_free(joined);
    cl_strv_deinit(&found);
    cl_strv_deinit(&op.headers);
}

static void acme_point_09_links_are_found_by_relation_also_of_several_headers(void **state)
{
    static const struct {
        const char *headers[4];
        const char *rel, *expected;
    } CASES[] = {
        {{"link: <https://a/1>;rel=\"alternate\"", NULL}, "alternate", "https://a/1"},
        {{"link: <https://a/1>; rel=alternate", NULL}, "alternate", "https://a/1"},
        {{"link: <https://a/1>;rel=\"Alternate\"", NULL}, "alternate", "https://a/1"},
        {{"link: <https://a/1> ; REL = \"alternate\"", NULL}, "alternate", "https://a/1"},
        {{"link: <https://a/1>;rel=\"up alternate\"", NULL}, "alternate", "https://a/1"},
        {{"link: <https://a/1>;rel=\"up\", <https://a/2>;rel=\"alternate\"", NULL},
         "alternate",
         "https://a/2"},
        {{"link: <https://a/1>;rel=\"alternate\"", "x: y", "link: <https://a/2>;rel=alternate",
          NULL},
         "alternate",
         "https://a/1 https://a/2"},
        {{"link: <https://a/1,2;3>;rel=\"alternate\"", NULL}, "alternate", "https://a/1,2;3"},
        {{"link: <https://a/1>;title=\"a, <b>; \\\"rel=up\\\"\";rel=alternate", NULL},
         "alternate",
         "https://a/1"},
        {{"link: <https://a/1>;rel=up;rel=alternate", NULL}, "alternate", ""},
        {{"link: <https://a/1>;rel=alternates", NULL}, "alternate", ""},
        {{"link: <https://a/1>;rev=alternate", NULL}, "alternate", ""},
        {{"link: <https://a/1>;rel", NULL}, "alternate", ""},
        {{"link: <https://a/1>", NULL}, "alternate", ""},
        {{"link: <https://a/1;rel=alternate", NULL}, "alternate", ""},
        {{"link: https://a/1;rel=alternate", NULL}, "alternate", ""},
        {{"link: <https://a/1>;rel=\"alternate", NULL}, "alternate", "https://a/1"},
        {{"link: <https://a/1>;rel=\"alternate\\", NULL}, "alternate", ""},
        {{"link: ", NULL}, "alternate", ""},
        {{"linked: <https://a/1>;rel=alternate", NULL}, "alternate", ""},
        {{"link: </2>;rel=alternate, <3>;rel=alternate", NULL},
         "alternate",
         "https://ca.example/2 https://ca.example/acme/cert/3"},
        {{"link: , , <https://a/1>;rel=alternate,", NULL}, "alternate", "https://a/1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_links(CASES[i].headers, CASES[i].rel, CASES[i].expected);
    }
}

static void a_header_is_found_by_its_whole_name(void **state)
{
    struct http_op op = {0};

    (void)state;
    cl_strv_add(&op.headers, "location-x: no");
    cl_strv_add(&op.headers, "location: yes");
    cl_strv_add(&op.headers, "location: second");
    cl_strv_add(&op.headers, "empty: ");
    assert_string_equal(http_header(&op, "location"), "yes");
    assert_string_equal(http_header(&op, "empty"), "");
    assert_null(http_header(&op, "loc"));
    assert_null(http_header(&op, "retry-after"));
    cl_strv_deinit(&op.headers);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(addresses_that_are_not_globally_reachable_are_private),
        cmocka_unit_test(a_socket_address_is_judged_like_its_text),
        cmocka_unit_test(text_that_is_no_address_is_not_private),
        cmocka_unit_test(only_host_and_port_of_a_url_are_shown),
        cmocka_unit_test(every_result_of_libcurl_has_a_kind_a_reason_and_a_text),
        cmocka_unit_test(control_characters_of_a_peer_do_not_reach_the_text),
        cmocka_unit_test(acme_point_09_links_are_found_by_relation_also_of_several_headers),
        cmocka_unit_test(a_header_is_found_by_its_whole_name),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
