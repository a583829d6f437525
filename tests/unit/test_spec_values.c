/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_values, spec_ip and spec_idn: single values and their normal forms. */
#include "spec/spec_ip.h"
#include "spec/spec_values.h"
#include "tests/unit/spec_fixture.h"

#include <arpa/inet.h>

struct value_case {
    schema_value *value;
    const char *in;
    const char *out; /* NULL: refused */
    const char *why; /* part of the reason */
};

static void check_values(const struct value_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char why[300] = "";
        char *out = cases[i].value(cases[i].in, why, sizeof(why));

        if (!cl_streq(out, cases[i].out)) {
            print_message("%s: %s (%s)\n", cases[i].in, out != NULL ? out : "refused", why);
        }
        assert_true(cl_streq(out, cases[i].out));
        if (cases[i].why != NULL) {
            assert_non_null(strstr(why, cases[i].why));
        }
        cl_free(out);
    }
}

static void host_names_become_lower_case_a_labels(void **state)
{
    static const struct value_case CASES[] = {
        {value_dns_name, "example.com", "example.com", NULL},
        {value_dns_name, "WWW.Example.COM", "www.example.com", NULL},
        {value_dns_name, "*.example.com", "*.example.com", NULL},
        {value_dns_name, "localhost", "localhost", NULL},
        {value_dns_name,
         "b\xC3\xBC"
         "cher.example",
         "xn--bcher-kva.example", NULL},
        {value_dns_name,
         "*.B\xC3\x9C"
         "CHER.example",
         "*.xn--bcher-kva.example", NULL},
        {value_dns_name,
         "stra\xC3\x9F"
         "e.example",
         "xn--strae-oqa.example", NULL},
        {value_dns_name, "xn--bcher-kva.example", "xn--bcher-kva.example", NULL},
        {value_dns_name, "1.2.3.example", "1.2.3.example", NULL},
        {value_dns_name, "xn--99999999999.example", NULL, "internationalised"},
        {value_dns_name, "ab--cd.example", NULL, "internationalised"},
        {value_dns_name, "\xE2\x80\x8B.example", NULL, ""},
        {value_dns_name, "\xF0\x9F\x92\xA9.example", NULL, "internationalised name"},
        {value_dns_name, "a..b", NULL, "empty label"},
        {value_dns_name, ".a", NULL, "empty label"},
        {value_dns_name, "*.", NULL, ""},
        {value_dns_name, "*", NULL, "leftmost label"},
        {value_dns_name, "a.*.b", NULL, "leftmost label"},
        {value_dns_name, "w*.b", NULL, "leftmost label"},
        {value_dns_name, "*.*.b", NULL, "leftmost label"},
        {value_dns_name, "a_b.c", NULL, "letters, digits and hyphens"},
        {value_dns_name, "a b.c", NULL, "letters, digits and hyphens"},
        {value_dns_name, "-a.b", NULL, "hyphen"},
        {value_dns_name, "a-.b", NULL, "hyphen"},
        {value_dns_name, "example.com.", NULL, "final dot"},
        {value_dns_name, "https://example.com", NULL, "host name alone"},
        {value_dns_name, "example.com:443", NULL, "host name alone"},
        {value_dns_name, "10.0.0.1", NULL, "ipAddresses"},
        {value_dns_name, "a123456789b123456789c123456789d123456789e123456789f123456789g123.x", NULL,
         "63"},
        {value_zone, "example.com", "example.com", NULL},
        {value_zone, "*.example.com", NULL, "without wildcard"},
        {value_domain, ".example.com", ".example.com", NULL},
        {value_domain, "Example.com", "example.com", NULL},
        {value_domain, "..x", NULL, ""},
    };
    char why[200];
    char longest[260];

    (void)state;
    check_values(CASES, COUNT(CASES));
    memset(longest, 'a', sizeof(longest));
    for (size_t i = 50; i < 254; i += 51) {
        longest[i] = '.';
    }
    longest[253] = '\0';
    char *name = host_name_normalise(longest, why, sizeof(why));
    assert_non_null(name);
    cl_free(name);
    longest[253] = 'a';
    longest[254] = '\0';
    assert_null(host_name_normalise(longest, why, sizeof(why)));
    assert_string_equal(why, "longer than 253 characters");
}

static void zones_match_whole_labels(void **state)
{
    (void)state;
    assert_true(dns_name_in_zone("example.com", "example.com"));
    assert_true(dns_name_in_zone("a.Example.com", "example.COM"));
    assert_true(dns_name_in_zone("*.example.com", "example.com"));
    assert_true(dns_name_in_zone("a.b.example.com", "com"));
    assert_false(dns_name_in_zone("badexample.com", "example.com"));
    assert_false(dns_name_in_zone("example.com", "a.example.com"));
    assert_false(dns_name_in_zone("example.com", ""));
    assert_false(dns_name_in_zone("example.org", "example.com"));
}

static void addresses_agree_with_the_system(void **state)
{
    static const char *const CASES[] = {
        "0.0.0.0",
        "255.255.255.255",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.4 ",
        "",
        ":",
        "::",
        "::1",
        "1::",
        ":1",
        "1:",
        "::1:",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1::2::3",
        "1:::2",
        "2001:DB8::A",
        "2001:db8:0:0:1:0:0:1",
        "2001:db8::1:0:0:1",
        "0:0:1::",
        "fe80::1%eth0",
        "12345::",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "1::1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "::1.2.3.4:5",
        "::g",
        "1.2.3.4::",
        "0:0:0:0:0:0:0:0",
        "1:0:0:2:0:0:0:3",
        "1:2:3:4:5:6:7:0",
        "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
        "::00001",
        "::0001",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        unsigned char theirs[16] = {0};
        struct ip_address ours = {{0}, 0};
        int v4 = inet_pton(AF_INET, CASES[i], theirs);
        int v6 = v4 == 1 ? 0 : inet_pton(AF_INET6, CASES[i], theirs);
        int rc = ip_parse(CASES[i], &ours);

        if ((rc == 0) != (v4 == 1 || v6 == 1)) {
            print_message("%s\n", CASES[i]);
        }
        assert_int_equal(rc == 0, v4 == 1 || v6 == 1);
        if (rc == 0) {
            char text[IP_TEXT], again[IP_TEXT], expected[IP_TEXT];
            struct ip_address back;

            assert_memory_equal(ours.bytes, theirs, ours.len);
            (void)ip_format(&ours, text);
            assert_int_equal(ip_parse(text, &back), 0);
            assert_memory_equal(&ours.bytes, &back.bytes, 16);
            assert_string_equal(ip_format(&back, again), text);
            (void)inet_ntop(ours.len == 4 ? AF_INET : AF_INET6, theirs, expected, sizeof(expected));
            if (strchr(expected, '.') == NULL || strchr(text, '.') != NULL) {
                assert_string_equal(text, expected);
            }
        }
    }
}

static void networks_have_no_bits_after_the_prefix(void **state)
{
    static const struct value_case CASES[] = {
        {value_ip_range, "10.0.0.0/8", "10.0.0.0/8", NULL},
        {value_ip_range, "0.0.0.0/0", "0.0.0.0/0", NULL},
        {value_ip_range, "10.0.0.1/32", "10.0.0.1/32", NULL},
        {value_ip_range, "2001:DB8::/32", "2001:db8::/32", NULL},
        {value_ip_range, "10.0.0.1/8", NULL, "prefix"},
        {value_ip_range, "10.0.0.0/33", NULL, NULL},
        {value_ip_range, "10.0.0.0", NULL, NULL},
        {value_ip_range, "x/8", NULL, NULL},
        {value_ip_range, "10.0.0.0/", NULL, NULL},
        {value_ip, "2001:DB8:0::1", "2001:db8::1", NULL},
        {value_ip, "10.0.0.300", NULL, "not an IP address"},
    };

    (void)state;
    check_values(CASES, COUNT(CASES));
}

static void names_and_paths_are_plain(void **state)
{
    static const struct value_case CASES[] = {
        {value_object_name, "web-1.example", "web-1.example", NULL},
        {value_object_name, "Web", NULL, "lower-case"},
        {value_object_name, "_daemon", NULL, "lower-case"},
        {value_object_name, "a_b", NULL, "lower-case"},
        {value_object_name, "-a", NULL, NULL},
        {value_object_name, "a-", NULL, NULL},
        {value_object_name, "a..b", NULL, NULL},
        {value_namespace, "web", "web", NULL},
        {value_namespace, "issuers", NULL, "status files"},
        {value_namespace, "a.b", NULL, NULL},
        {value_plain_name, "reload-nginx", "reload-nginx", NULL},
        {value_plain_name, "dovecot@x.service", "dovecot@x.service", NULL},
        {value_plain_name, "../x", NULL, NULL},
        {value_plain_name, "a/b", NULL, NULL},
        {value_plain_name, "-f", NULL, NULL},
        {value_file_name, "shop.pem", "shop.pem", NULL},
        {value_file_name, ".hidden", NULL, "leading dot"},
        {value_file_name, "a/b", NULL, "no slash"},
        {value_environment, "ACME_KEY", "ACME_KEY", NULL},
        {value_environment, "1A", NULL, NULL},
        {value_environment, "A=B", NULL, NULL},
        {value_argument, "a b", "a b", NULL},
        {value_argument, "a\nb", NULL, "one line"},
        {value_path, "/srv/www", "/srv/www", NULL},
        {value_path, "//srv///www/", "/srv/www", NULL},
        {value_path, "/", "/", NULL},
        {value_path, "srv", NULL, "absolute"},
        {value_path, "/srv/../etc", NULL, "\"..\""},
        {value_path, "/srv/./etc", NULL, "\"..\""},
        {value_path, "/srv/..x", "/srv/..x", NULL},
        {value_path, "/a\nb", NULL, "usable"},
        {value_mode, "0640", "0640", NULL},
        {value_mode, "640", "0640", NULL},
        {value_mode, "0444", "0444", NULL},
        {value_mode, "4755", NULL, "set-id"},
        {value_mode, "1640", NULL, "sticky"},
        {value_mode, "0755", NULL, "execute"},
        {value_mode, "0641", NULL, "execute"},
        {value_mode, "0240", NULL, "owner"},
        {value_mode, "u=rw", NULL, "octal"},
        {value_mode, "0o640", NULL, "octal"},
        {value_mode, "00640", NULL, "octal"},
        {value_account, "www-data", "www-data", NULL},
        {value_account, "1000", "1000", NULL},
        {value_account, "a:b", NULL, NULL},
        {value_account, "-x", NULL, NULL},
        {value_common_name, "Example Root", "Example Root", NULL},
        {value_common_name, "12345678901234567890123456789012345678901234567890123456789012345",
         NULL, "64"},
    };
    char why[200];
    char longest[300];

    (void)state;
    check_values(CASES, COUNT(CASES));
    memset(longest, 'a', sizeof(longest));
    longest[201] = '\0';
    assert_null(value_object_name(longest, why, sizeof(why)));
    assert_null(value_file_name(longest, why, sizeof(why)));
    assert_true(path_below("/srv/a", "/srv") && path_below("/srv", "/srv"));
    assert_true(path_below("/srv", "/"));
    assert_false(path_below("/srvx", "/srv"));
    assert_false(path_below("/", "/srv"));
}

static void addresses_with_ports_have_one_form(void **state)
{
    static const struct value_case CASES[] = {
        {value_listen, "[::]:80", "[::]:80", NULL},
        {value_listen, ":80", "[::]:80", NULL},
        {value_listen, "0.0.0.0:80", "0.0.0.0:80", NULL},
        {value_listen, "localhost:5002", "127.0.0.1:5002", NULL},
        {value_listen, "[::0:1]:5002", "[::1]:5002", NULL},
        {value_listen, "::1:80", NULL, "ADDRESS:PORT"},
        {value_listen, "[10.0.0.1]:80", NULL, NULL},
        {value_listen, "[x:80", NULL, NULL},
        {value_listen, "example.com:80", NULL, NULL},
        {value_listen, "80", NULL, NULL},
        {value_listen, ":0", NULL, NULL},
        {value_listen, ":65536", NULL, NULL},
        {value_listen_or_unix, "unix:/run/certloop/metrics", "unix:/run/certloop/metrics", NULL},
        {value_listen_or_unix, "unix:x", NULL, "absolute"},
        {value_listen_or_unix, "127.0.0.1:9", "127.0.0.1:9", NULL},
        {value_connect, ":443", "localhost:443", NULL},
        {value_connect, "Mail.example.com:25", "mail.example.com:25", NULL},
        {value_connect, "10.0.0.1:25", "10.0.0.1:25", NULL},
        {value_connect, "[2001:db8::1]:25", "[2001:db8::1]:25", NULL},
        {value_connect, "a_b:25", NULL, "letters"},
        {value_connect, "example.com", NULL, "HOST:PORT"},
        {value_server_name, "example.com", "example.com", NULL},
    };

    (void)state;
    check_values(CASES, COUNT(CASES));
}

static void urls_of_a_ca_are_https_except_on_this_machine(void **state)
{
    static const struct value_case CASES[] = {
        {value_directory_url, "https://ca.example/dir", "https://ca.example/dir", NULL},
        {value_directory_url, "https://[2001:db8::1]:14000/dir", "https://[2001:db8::1]:14000/dir",
         NULL},
        {value_directory_url, "http://localhost:4001/dir", "http://localhost:4001/dir", NULL},
        {value_directory_url, "http://127.0.0.1:4001/dir", "http://127.0.0.1:4001/dir", NULL},
        {value_directory_url, "http://[::1]:4001/dir", "http://[::1]:4001/dir", NULL},
        {value_directory_url, "http://ca.example/dir", NULL, "must be https"},
        {value_directory_url, "http://10.0.0.1/dir", NULL, "must be https"},
        {value_directory_url, "ftp://ca.example/dir", NULL, "https://"},
        {value_directory_url, "https://", NULL, NULL},
        {value_directory_url, "https://u:p@ca.example/", NULL, "password"},
        {value_directory_url, "https://ca example/", NULL, NULL},
        {value_directory_url, "https://[::1/", NULL, NULL},
        {value_directory_url, "https://acme-v01.api.letsencrypt.org/directory", NULL,
         "https://acme-v02.api.letsencrypt.org/directory"},
        {value_directory_url, "https://acme-staging.api.letsencrypt.org/directory", NULL,
         "acme-staging-v02"},
        {value_url, "http://crl.example/x", "http://crl.example/x", NULL},
        {value_url, "ldap://crl.example/x", "ldap://crl.example/x", NULL},
        {value_url, "https:///x", NULL, "not a URL"},
        {value_url, "crl.example", NULL, "starts with"},
        {value_uri, "spiffe://cluster.local/ns/a", "spiffe://cluster.local/ns/a", NULL},
        {value_uri, "urn:x", "urn:x", NULL},
        {value_uri, "x", NULL, "expected a URI"},
        {value_uri, "1a:x", NULL, NULL},
        {value_uri, "a:", NULL, NULL},
        {value_uri, "a:b c", NULL, NULL},
        {value_email, "Ops@Example.com", "Ops@example.com", NULL},
        {value_email, "ops", NULL, "bare"},
        {value_email, "Ops <ops@example.com>", NULL, "bare"},
        {value_email, "a@b@example.com", NULL, "bare"},
        {value_email, "a@b_c", NULL, "letters"},
        {value_email_or_domain, "a@example.com", "a@example.com", NULL},
        {value_email_or_domain, ".example.com", ".example.com", NULL},
    };

    (void)state;
    check_values(CASES, COUNT(CASES));
}

static void a_ca_bundle_is_pem_or_base64_of_pem(void **state)
{
    static const struct value_case CASES[] = {
        {value_pem, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
         "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", NULL},
        {value_pem,
         "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBPT0KLS0tLS1FTkQgQ0VSVElG\n"
         "SUNBVEUtLS0tLQo=",
         "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", NULL},
        {value_pem, "AAAA", NULL, "PEM"},
        {value_pem, "hello", NULL, "PEM"},
        {value_pem, "-----BEGIN CERTIFICATE-----\xC3\xBC", NULL, "PEM"},
    };

    (void)state;
    check_values(CASES, COUNT(CASES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_names_become_lower_case_a_labels),
        cmocka_unit_test(zones_match_whole_labels),
        cmocka_unit_test(addresses_agree_with_the_system),
        cmocka_unit_test(networks_have_no_bits_after_the_prefix),
        cmocka_unit_test(names_and_paths_are_plain),
        cmocka_unit_test(addresses_with_ports_have_one_form),
        cmocka_unit_test(urls_of_a_ca_are_https_except_on_this_machine),
        cmocka_unit_test(a_ca_bundle_is_pem_or_base64_of_pem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
