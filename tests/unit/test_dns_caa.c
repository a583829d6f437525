/* SPDX-License-Identifier: Apache-2.0 */
/* CAA: who may issue (RFC 8659), for which account and by which challenge (RFC 8657); and when a
 * preflight is made at all. */
#include "backends/dns/wire/dns_caa.h"
#include "reconciler/core/preflight_due.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define ACCOUNT "https://ca.example/acct/1"

struct record {
    unsigned flags;
    const char *tag, *value;
};

static enum dns_caa_verdict judge(const struct record *records, size_t n, bool wildcard,
                                  char text[DNS_CAA_TEXT])
{
    struct dns_rr rrs[4] = {0};
    struct dns_msg m = {.rrs = rrs};
    struct cl_strv ca = {0};
    struct dns_caa_question q = {.owner = "example.org",
                                 .wildcard = wildcard,
                                 .ca = &ca,
                                 .account = ACCOUNT,
                                 .method = "http-01"};
    for (size_t i = 0; i < n && records[i].tag != NULL; i++) {
        struct dns_rr *rr = &rrs[m.n++];
        rr->section = DNS_ANSWER;
        rr->type = DNS_CAA;
        rr->caa_flags = records[i].flags;
        (void)snprintf(rr->caa_tag, sizeof(rr->caa_tag), "%s", records[i].tag);
        rr->text = cl_strdup(records[i].value);
        rr->text_len = strlen(records[i].value);
    }
    cl_strv_add(&ca, "ca.example");
    cl_strv_add(&ca, "ca.test");
    enum dns_caa_verdict v = dns_caa_judge(&m, &q, text);
    for (size_t i = 0; i < m.n; i++) {
        cl_free(rrs[i].text);
    }
    cl_strv_deinit(&ca);
    return v;
}

static void records_decide_who_may_issue(void **state)
{
    static const struct {
        struct record records[3];
        bool wildcard;
        enum dns_caa_verdict want;
        const char *text;
    } CASES[] = {
        {{{0}}, false, DNS_CAA_NONE, ""},
        {{{0, "issue", "ca.example"}}, false, DNS_CAA_ALLOWED, ""},
        {{{0, "issue", " CA.test ; x=y"}}, false, DNS_CAA_ALLOWED, ""},
        {{{0, "issue", "other.example"}, {0, "issue", "ca.example"}}, false, DNS_CAA_ALLOWED, ""},
        {{{0, "issue", "other.example"}},
         false,
         DNS_CAA_FORBIDDEN,
         "they name other CAs only; publish: example.org. CAA 0 issue \"ca.example\""},
        {{{0, "issue", ";"}}, false, DNS_CAA_FORBIDDEN, "other CAs only"},
        {{{0, "iodef", "mailto:a@b"}}, false, DNS_CAA_ALLOWED, ""},
        /* wildcards: issuewild if there is one, else issue */
        {{{0, "issue", "other.example"}, {0, "issuewild", "ca.example"}},
         true,
         DNS_CAA_ALLOWED,
         ""},
        {{{0, "issue", "ca.example"}, {0, "issuewild", ";"}},
         true,
         DNS_CAA_FORBIDDEN,
         "CAA 0 issuewild"},
        {{{0, "issue", "ca.example"}}, true, DNS_CAA_ALLOWED, ""},
        {{{0, "issuewild", ";"}}, false, DNS_CAA_ALLOWED, ""},
        /* what nobody knows and must know */
        {{{128, "tbs", "x"}, {0, "issue", "ca.example"}},
         false,
         DNS_CAA_FORBIDDEN,
         "critical property \"tbs\""},
        {{{0, "tbs", "x"}, {0, "issue", "ca.example"}}, false, DNS_CAA_ALLOWED, ""},
        {{{128, "issue", "ca.example"}}, false, DNS_CAA_ALLOWED, ""},
        /* RFC 8657 */
        {{{0, "issue", "ca.example; accounturi=" ACCOUNT}}, false, DNS_CAA_ALLOWED, ""},
        {{{0, "issue", "ca.example;accounturi=https://ca.example/acct/2"}},
         false,
         DNS_CAA_FORBIDDEN,
         "another account; publish: example.org. CAA 0 issue \"ca.example; accounturi=" ACCOUNT},
        {{{0, "issue", "ca.example; accounturi=" ACCOUNT "; accounturi=" ACCOUNT}},
         false,
         DNS_CAA_FORBIDDEN,
         "another account"},
        {{{0, "issue", "ca.example; validationmethods=dns-01,http-01"}},
         false,
         DNS_CAA_ALLOWED,
         ""},
        {{{0, "issue", "ca.example; validationmethods=dns-01"}},
         false,
         DNS_CAA_FORBIDDEN,
         "validationmethods leave this challenge out"},
        {{{0, "issue", "ca.example; broken"}}, false, DNS_CAA_FORBIDDEN, "cannot be read"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char text[DNS_CAA_TEXT];
        enum dns_caa_verdict got = judge(CASES[i].records, 3, CASES[i].wildcard, text);
        if (got != CASES[i].want || strstr(text, CASES[i].text) == NULL) {
            fail_msg("case %zu: %d, %s", i, (int)got, text);
        }
    }
}

static void a_ca_without_a_known_name_is_not_judged(void **state)
{
    char text[DNS_CAA_TEXT];
    char value[] = "other.example";
    struct dns_rr rr = {.section = DNS_ANSWER,
                        .type = DNS_CAA,
                        .caa_tag = "issue",
                        .text = value,
                        .text_len = strlen(value)};
    struct dns_msg m = {.rrs = &rr, .n = 1};
    struct dns_caa_question q = {.owner = "example.org"};
    (void)state;
    assert_int_equal(dns_caa_judge(&m, &q, text), DNS_CAA_UNKNOWN);
}

static void a_preflight_is_made_when_something_can_be_saved(void **state)
{
    static const struct {
        struct preflight_case c;
        bool due;
    } CASES[] = {
        {{.mode = PREFLIGHT_AUTO}, false},
        {{.mode = PREFLIGHT_AUTO, .scarce = true}, true},
        {{.mode = PREFLIGHT_AUTO, .scarce = true, .resumes = true}, false},
        {{.mode = PREFLIGHT_AUTO, .last_kind = CL_ERR_VALIDATION}, true},
        {{.mode = PREFLIGHT_AUTO, .last_kind = CL_ERR_TRANSIENT, .last_reason = "x"}, false},
        {{.mode = PREFLIGHT_AUTO, .last_kind = CL_ERR_LOCAL, .last_reason = PREFLIGHT_FAILED},
         true},
        {{.mode = PREFLIGHT_ALWAYS}, true},
        {{.mode = PREFLIGHT_ALWAYS, .resumes = true}, false},
        {{.mode = PREFLIGHT_NEVER, .scarce = true, .last_kind = CL_ERR_VALIDATION}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(preflight_due(&CASES[i].c), CASES[i].due);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_decide_who_may_issue),
        cmocka_unit_test(a_ca_without_a_known_name_is_not_judged),
        cmocka_unit_test(a_preflight_is_made_when_something_can_be_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
