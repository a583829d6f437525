/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/wire/dns_msg: names, messages read and written, and what a hostile
 * server may send. */
#include "backends/dns/wire/dns_msg.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "tests/unit/unit.h"

#include <string.h>

/* ---- names ---- */

static void names_are_normalised_to_lower_case_without_the_final_dot(void **state)
{
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {"Example.ORG.", "example.org"},
        {"_acme-challenge.example.org", "_acme-challenge.example.org"},
        {".", "."},
        {"*.example.org", "*.example.org"},
        {"a\\.b.org", "a\\046b.org"},
        {"a\\046b.org", "a\\046b.org"},
        {"a\\032b.org", "a\\032b.org"},
        {"\\065bc.org", "abc.org"},
        {"", NULL},
        {"..", NULL},
        {"a..org", NULL},
        {".org", NULL},
        {"a\\", NULL},
        {"a\\256", NULL},
        {"a\\12.org", NULL},
        {"123456789012345678901234567890123456789012345678901234567890123.org",
         "123456789012345678901234567890123456789012345678901234567890123.org"},
        {"1234567890123456789012345678901234567890123456789012345678901234.org", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = dns_name_normalise(CASES[i].in);
        if (CASES[i].out == NULL) {
            assert_null(got);
        } else {
            assert_non_null(got);
            assert_string_equal(got, CASES[i].out);
        }
        cl_free(got);
    }
}

static void a_name_has_255_bytes_at_most(void **state)
{
    char text[300];
    unsigned char wire[DNS_NAME_MAX];

    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t i = 1; i < sizeof text; i += 2) {
        text[i] = '.';
    }
    text[253] = '\0'; /* 127 labels of one byte */
    assert_int_equal(dns_name_encode(text, wire), 255);
    text[253] = '.';
    text[255] = '\0';
    assert_int_equal(dns_name_encode(text, wire), -1);
}

static void a_name_lies_within_its_zone_by_whole_labels(void **state)
{
    (void)state;
    assert_true(dns_name_within("example.org", "example.org"));
    assert_true(dns_name_within("a.example.org", "example.org"));
    assert_true(dns_name_within("example.org", "."));
    assert_false(dns_name_within("badexample.org", "example.org"));
    assert_false(dns_name_within("a\\046example.org", "example.org"));
    assert_false(dns_name_within("org", "example.org"));
    assert_string_equal(dns_name_parent("a.example.org"), "example.org");
    assert_string_equal(dns_name_parent("org"), ".");
    assert_null(dns_name_parent("."));
    assert_int_equal(dns_name_labels("a.example.org"), 3);
    assert_int_equal(dns_name_labels("."), 0);
}

static void pointers_only_lead_backwards(void **state)
{
    static const struct {
        const char *bytes;
        size_t len, at;
        const char *text; /* NULL = refused */
        size_t end;
    } CASES[] = {
        {"\3org\0", 5, 0, "org", 5},
        {"\3org\0\1a\xc0\0", 9, 5, "a.org", 9},
        {"\3org\0\1a\xc0\0\1b\xc0\5", 13, 9, "b.a.org", 13},
        {"\xc0\0", 2, 0, NULL, 0},           /* at itself */
        {"\1a\xc0\0", 4, 0, NULL, 0},        /* at its own begin: a loop */
        {"\xc0\2\1a\0", 5, 0, NULL, 0},      /* forward */
        {"\0\0\xc0\4\xc0\2", 6, 4, NULL, 0}, /* two that point at each other */
        {"\1a\1b\xc0\0", 6, 2, NULL, 0},     /* a name before it that runs into it */
        {"\3or", 3, 0, NULL, 0},             /* cut off */
        {"\xc0", 1, 0, NULL, 0},             /* half a pointer */
        {"\x40"
         "a\0",
         3, 0, NULL, 0},          /* reserved kind of label */
        {"\3org", 4, 0, NULL, 0}, /* no end */
    };
    char text[DNS_NAME_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        size_t pos = CASES[i].at;
        int rc = dns_name_decode(CASES[i].bytes, CASES[i].len, &pos, text);
        if (CASES[i].text == NULL) {
            assert_int_equal(rc, -1);
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(text, CASES[i].text);
            assert_int_equal(pos, CASES[i].end);
        }
    }
}

/* A chain of pointers, each with a label: short on the wire, too long as a name. */
static void a_name_that_grows_by_pointers_ends_at_255_bytes(void **state)
{
    unsigned char msg[1024] = {0};
    size_t len = 1; /* the root at 0 */
    size_t previous = 0;
    char text[DNS_NAME_TEXT];

    (void)state;
    for (int i = 0; i < 126; i++) {
        size_t at = len;
        msg[len++] = 1;
        msg[len++] = 'a';
        msg[len++] = (unsigned char)(0xc0 | previous >> 8);
        msg[len++] = (unsigned char)(previous & 0xff);
        previous = at;
        size_t pos = at;
        assert_int_equal(dns_name_decode(msg, len, &pos, text), 0);
    }
    for (int i = 0; i < 2; i++) {
        size_t at = len;
        msg[len++] = 1;
        msg[len++] = 'a';
        msg[len++] = (unsigned char)(0xc0 | previous >> 8);
        msg[len++] = (unsigned char)(previous & 0xff);
        previous = at;
    }
    assert_int_equal(dns_name_decode(msg, len, &previous, text), -1);
}

/* ---- messages ---- */

static void a_query_has_one_question_and_edns(void **state)
{
    unsigned char buf[512];
    struct dns_msg m;
    struct cl_err err = {0};

    (void)state;
    size_t len = dns_msg_query(buf, "_acme-challenge.Example.org", DNS_TXT, true);
    assert_true(len > 0);
    assert_int_equal(dns_msg_decode(buf, len, &m, &err), 0);
    assert_string_equal(m.qname, "_acme-challenge.example.org");
    assert_int_equal(m.qtype, DNS_TXT);
    assert_int_equal(m.qclass, DNS_IN);
    assert_true(m.rd);
    assert_false(m.qr);
    assert_true(m.edns);
    assert_int_equal(m.edns_size, DNS_EDNS_SIZE);
    assert_int_equal(m.n, 0);
    dns_msg_deinit(&m);
    assert_int_equal(dns_msg_query(buf, "a..b", DNS_TXT, true), 0);
}

static size_t write_all(unsigned char *buf, size_t size)
{
    struct dns_writer w;
    struct dns_msg flags = {.qr = true, .aa = true, .rcode = DNS_NOERROR};
    struct dns_owner o = {
        .section = DNS_ANSWER, .name = "x.example.org", .class = DNS_IN, .ttl = 60};
    struct dns_soa soa = {.mname = (char *)(uintptr_t) "ns.example.org",
                          .rname = (char *)(uintptr_t) "hostmaster.example.org",
                          .serial = 7,
                          .refresh = 8,
                          .retry = 9,
                          .expire = 10,
                          .minimum = 300};
    char value[600];

    memset(value, 'v', sizeof value);
    dns_write_begin(&w, buf, size, 0xabcd);
    dns_write_flags(&w, &flags);
    dns_write_question(&w, "x.example.org", DNS_TXT, DNS_IN);
    o.type = DNS_TXT;
    dns_write_txt(&w, &o, value, sizeof value);
    dns_write_txt(&w, &o, "", 0);
    o.type = DNS_A;
    dns_write_rr(&w, &o, "\300\0\2\1", 4);
    o.type = DNS_AAAA;
    dns_write_rr(&w, &o, "\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    o.type = DNS_CAA;
    dns_write_rr(&w, &o, "\200\5Issueca.example", 17);
    o.section = DNS_AUTHORITY;
    o.name = "example.org";
    o.type = DNS_NS;
    dns_write_target(&w, &o, "ns.example.org");
    o.type = DNS_SOA;
    dns_write_soa(&w, &o, &soa);
    dns_write_edns(&w, 1232, DNS_BADVERS);
    return dns_write_end(&w);
}

static void what_is_written_is_read_again(void **state)
{
    unsigned char buf[2048];
    struct dns_msg m;
    struct cl_err err = {0};
    size_t len = write_all(buf, sizeof buf);

    (void)state;
    assert_int_equal(dns_msg_decode(buf, len, &m, &err), 0);
    assert_int_equal(m.id, 0xabcd);
    assert_true(m.qr && m.aa && !m.tc && !m.rd);
    assert_int_equal(m.rcode, DNS_BADVERS);
    assert_int_equal(m.n, 7);
    assert_int_equal(m.rrs[0].text_len, 600);
    assert_int_equal(m.rrs[0].rdlen, 603);
    assert_int_equal(m.rrs[1].text_len, 0);
    assert_string_equal(m.rrs[2].address, "192.0.2.1");
    assert_string_equal(m.rrs[3].address, "2001:db8::1");
    assert_string_equal(m.rrs[4].caa_tag, "issue");
    assert_string_equal(m.rrs[4].text, "ca.example");
    assert_int_equal(m.rrs[4].caa_flags, 128);
    const struct dns_rr *ns = dns_msg_find(&m, DNS_AUTHORITY, "example.org", DNS_NS);
    assert_string_equal(ns->target, "ns.example.org");
    const struct dns_rr *soa = dns_msg_find(&m, DNS_AUTHORITY, NULL, DNS_SOA);
    assert_string_equal(soa->soa->rname, "hostmaster.example.org");
    assert_int_equal(soa->soa->minimum, 300);
    assert_null(dns_msg_find(&m, DNS_ANSWER, "example.org", DNS_NS));
    dns_msg_deinit(&m);
}

static void owners_are_compressed(void **state)
{
    unsigned char buf[2048];
    size_t len = write_all(buf, sizeof buf);

    (void)state;
    /* After the question (12 + 15 + 4) each owner is a pointer to byte 12. */
    assert_int_equal(buf[31], 0xc0);
    assert_int_equal(buf[32], 12);
    assert_true(len < 12 + 19 + 615 + 13 + 16 + 28 + 29 + 17 + 55 + 11);
}

static void every_truncation_of_a_message_is_refused(void **state)
{
    unsigned char buf[2048];
    size_t len = write_all(buf, sizeof buf);
    struct dns_msg m;
    struct cl_err err = {0};

    (void)state;
    for (size_t n = 0; n < len; n++) {
        unsigned char *exact = cl_malloc(n + 1);
        memcpy(exact, buf, n);
        assert_int_equal(dns_msg_decode(exact, n, &m, &err), -1);
        assert_string_equal(err.reason, "DNSMessageInvalid");
        cl_free(exact);
    }
    buf[len] = 0;
    assert_int_equal(dns_msg_decode(buf, len + 1, &m, &err), -1);
}

static void what_does_not_fit_is_not_written(void **state)
{
    unsigned char buf[2048];
    size_t len = write_all(buf, sizeof buf);

    (void)state;
    for (size_t n = 12; n < len; n++) {
        assert_int_equal(write_all(buf, n), 0);
    }
    assert_int_equal(write_all(buf, len), len);
}

static void a_writer_goes_back_to_its_mark(void **state)
{
    unsigned char buf[64];
    struct dns_writer w;
    struct dns_owner o = {.section = DNS_ANSWER, .name = "a.org", .type = DNS_TXT, .class = DNS_IN};
    struct dns_msg m;
    struct cl_err err = {0};

    (void)state;
    dns_write_begin(&w, buf, sizeof buf, 1);
    dns_write_question(&w, "a.org", DNS_TXT, DNS_IN);
    struct dns_mark mark = dns_write_mark(&w);
    for (int i = 0; i < 3; i++) {
        dns_write_txt(&w, &o, "0123456789", 10);
    }
    assert_int_equal(dns_write_end(&w), 0);
    dns_write_rewind(&w, &mark);
    o.name = "b.org";
    dns_write_txt(&w, &o, "x", 1);
    size_t len = dns_write_end(&w);
    assert_int_equal(dns_msg_decode(buf, len, &m, &err), 0);
    assert_int_equal(m.n, 1);
    assert_string_equal(m.rrs[0].name, "b.org");
    dns_msg_deinit(&m);
}

static void records_whose_data_does_not_match_their_length_are_refused(void **state)
{
    static const struct {
        unsigned type;
        const char *data;
        size_t len;
    } CASES[] = {
        {DNS_A, "\1\2\3", 3},       {DNS_A, "\1\2\3\4\5", 5}, {DNS_AAAA, "\1\2\3\4", 4},
        {DNS_TXT, "\5abc", 4},      {DNS_NS, "\1a\0x", 4},    {DNS_NS, "\1a", 2},
        {DNS_SOA, "\0\0\0\0\0", 5}, {DNS_CAA, "\0\5issu", 6}, {DNS_CAA, "\0", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        unsigned char buf[128];
        struct dns_writer w;
        struct dns_msg m;
        struct cl_err err = {0};
        struct dns_owner o = {.name = "a.org", .type = CASES[i].type, .class = DNS_IN};
        dns_write_begin(&w, buf, sizeof buf, 1);
        dns_write_rr(&w, &o, CASES[i].data, CASES[i].len);
        assert_int_equal(dns_msg_decode(buf, dns_write_end(&w), &m, &err), -1);
    }
}

static void a_message_that_claims_more_records_than_it_has_costs_nothing(void **state)
{
    static const unsigned char MSG[12] = {0, 1, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct dns_msg m;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(dns_msg_decode(MSG, sizeof MSG, &m, &err), -1);
}

static void codes_have_names(void **state)
{
    char buf[16];

    (void)state;
    assert_string_equal(dns_rcode_name(DNS_NXDOMAIN, buf), "NXDOMAIN");
    assert_string_equal(dns_rcode_name(99, buf), "RCODE 99");
    assert_string_equal(dns_type_name(DNS_CAA, buf), "CAA");
    assert_string_equal(dns_type_name(65, buf), "TYPE65");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_normalised_to_lower_case_without_the_final_dot),
        cmocka_unit_test(a_name_has_255_bytes_at_most),
        cmocka_unit_test(a_name_lies_within_its_zone_by_whole_labels),
        cmocka_unit_test(pointers_only_lead_backwards),
        cmocka_unit_test(a_name_that_grows_by_pointers_ends_at_255_bytes),
        cmocka_unit_test(a_query_has_one_question_and_edns),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(owners_are_compressed),
        cmocka_unit_test(every_truncation_of_a_message_is_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(a_writer_goes_back_to_its_mark),
        cmocka_unit_test(records_whose_data_does_not_match_their_length_are_refused),
        cmocka_unit_test(a_message_that_claims_more_records_than_it_has_costs_nothing),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
