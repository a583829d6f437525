/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of DNS providers: what is accepted, and what a newcomer's mistakes are answered with. */
#include "backends/dns/dns_credentials.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <string.h>

#define HEAD "provider: fake\ncredentials: {token: {secret: true, env: FAKE_TOKEN}}\n"
#define REQUEST "request: {base: \"https://api.example\"}\n"
#define MODEL                                                             \
    "records:\n  list: {GET: /r, items: \"${res}\"}\n  add: {POST: /r}\n" \
    "  remove: {DELETE: \"/r/${id}\"}\n"

static int find_base(void *user, const char *name, struct cl_buf *ret)
{
    (void)user;
    if (strcmp(name, "base") != 0) {
        return 0;
    }
    (void)cl_buf_adds(ret, "provider: base\ntested: replay\nttl: {min: 300}\n"
                           "credentials: {token: {secret: true}}\n" REQUEST MODEL);
    return 1;
}
static const struct dns_description_base BASE = {.find = find_base};

/* The first problem as "LINE:COLUMN: TEXT", "" if there is none; owned. */
static char *problem(const char *text)
{
    struct spec_problems problems = {0};
    struct dns_description *d = dns_description_load(text, strlen(text), &BASE, &problems);
    char *got = problems.len > 0 ? cl_printf("%u:%u: %s", problems.items[0].line,
                                             problems.items[0].column, problems.items[0].text)
                                 : cl_strdup("");

    assert_true((d != NULL) == (problems.len == 0));
    dns_description_unref(d);
    spec_problems_deinit(&problems);
    return got;
}

static void mistakes_are_shown_with_line_and_column_and_what_is_meant(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {HEAD REQUEST MODEL, ""},
        {HEAD "requests: {}\n" MODEL,
         "3:1: unknown key requests in a description; did you mean request?"},
        {HEAD REQUEST MODEL "slot: {set: {GET: /}}\n",
         "8:1: a description has one of records, rrset, delta, zonefile and slot; line 4"},
        {HEAD REQUEST, "1:1: one of records, rrset, delta, zonefile and slot is missing"},
        {HEAD REQUEST "records:\n  add: {POST: /r}\n  remove: {DELETE: /r}\n",
         "5:3: records needs list: without it nobody can tell"},
        {HEAD REQUEST "rrset:\n  put: {PUT: /r}\n  delete: {DELETE: /r}\n", "5:3: rrset needs get"},
        {HEAD REQUEST "slot:\n  set: {GETT: /x}\n",
         "5:9: unknown key GETT in a call; did you mean GET?"},
        {HEAD REQUEST "slot:\n  set: {GET: /x, PUT: /y}\n", "5:18: a call has one method"},
        {HEAD REQUEST "slot:\n  set: {GET: \"/x/${valeu}\"}\n",
         "5:20: slot.set: nothing sets the variable valeu; did you mean value?"},
        {HEAD REQUEST "slot:\n  set: {GET: \"/x/${cred.tokn}\"}\n",
         "5:20: slot.set: there is no input for cred.tokn; did you mean token?"},
        {HEAD REQUEST "slot:\n  set: {GET: \"/x/${name.relative}\"}\n",
         "5:20: slot.set: there is no name.relative"},
        {HEAD REQUEST "slot:\n  set: {GET: \"/x/${session.sid}\"}\n",
         "5:20: slot.set: login does not set session.sid"},
        {HEAD REQUEST "slot:\n  set: {GET: \"/x/${zone.id}\"}\n",
         "5:20: slot.set: zone.set does not set zone.id"},
        {HEAD REQUEST "slot:\n  set: {GET: \"/x/${lowr(value)}\"}\n",
         "5:20: there is no function lowr; did you mean lower?"},
        {HEAD REQUEST "slot:\n  set: {GET: x}\n", "5:14: a path starts with /"},
        {HEAD REQUEST "slot:\n  set: {GET: \"https://${zone.name}.example/x\"}\n",
         "5:25: where requests go has to be literal or an input"},
        {HEAD
         "request: {base: \"${session.url}\"}\nlogin: {calls: [{POST: \"https://a.example/\", set: {url: \"${res.u}\"}}]}\n" MODEL,
         "3:20: where requests go has to be literal or an input"},
        {HEAD REQUEST "slot:\n  set: {GET: /x, json: {}}\n", "5:8: a GET has no body"},
        {HEAD REQUEST "slot:\n  set: {POST: /x, json: {}, form: {}}\n",
         "5:29: a call has one of json"},
        {HEAD REQUEST "slot:\n  set: {GET: /x, ok: {status: ok}}\n",
         "5:31: expected a whole number"},
        {HEAD REQUEST "wait: {GET: /x}\n" MODEL, "4:1: wait needs until"},
        {HEAD REQUEST "txt: quotes\n" MODEL, "4:6: txt has to be plain or quoted"},
        {HEAD REQUEST "limits: {rate: fast}\n" MODEL, "4:16: limits.rate has to be COUNT/TIME"},
        {HEAD REQUEST "ttl: {allowed: [300, 60]}\n" MODEL, "4:22: ttl.allowed has to ascend"},
        {HEAD REQUEST "zone: {by: list}\n" MODEL, "4:7: zone.by: list needs zone.call"},
        {HEAD REQUEST "zone: {by: dns}\n" MODEL, "4:12: zone.by has to be soa, list"},
        {HEAD REQUEST "propagation: {timeout: soon}\n" MODEL, "4:24: expected a duration"},
        {"provider: Fake Name\n" REQUEST MODEL, "1:11: provider: NAME is needed"},
        {HEAD "extends: nobody\n", "3:10: there is no description of this name to extend"},
        {"provider: [\n", "2:1:"},
        {"- a\n", "1:1: a description is one YAML document, a mapping"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *got = problem(CASES[i].text);
        if (CASES[i].want[0] == '\0' ? *got != '\0'
                                     : strncmp(got, CASES[i].want, strlen(CASES[i].want)) != 0) {
            fail_msg("%zu: got \"%s\", want \"%s\"", i, got, CASES[i].want);
        }
        cl_free(got);
    }
}

static struct dns_description *load(const char *text)
{
    struct spec_problems problems = {0};
    struct dns_description *d = dns_description_load(text, strlen(text), &BASE, &problems);

    assert_non_null(d);
    spec_problems_deinit(&problems);
    return d;
}

static void extends_changes_what_it_says_and_keeps_the_rest(void **state)
{
    struct dns_description *d = load("provider: child\nextends: base\nttl: {max: 900}\n"
                                     "request: {base: \"https://other.example\"}\n");

    (void)state;
    assert_string_equal(d->name, "child");
    assert_string_equal(d->tested, ""); /* what was tested was the other one */
    assert_int_equal(d->ttl.min, 300);
    assert_int_equal(d->ttl.max, 900);
    assert_int_equal(d->model, DNS_RECORDS);
    dns_description_unref(d);
    d = load("provider: child\nextends: base\nslot: {set: {GET: /x}}\n");
    assert_int_equal(d->model, DNS_SLOT);
    dns_description_unref(d);
}

static void ttls_are_rounded_to_what_the_provider_takes(void **state)
{
    static const struct {
        const char *ttl;
        long want, got;
    } CASES[] = {{"{min: 300}", 0, 300},
                 {"{min: 30}", 0, 60},
                 {"{max: 50}", 0, 50},
                 {"{allowed: [300, 900]}", 400, 900},
                 {"{allowed: [300, 900]}", 4000, 900},
                 {"{unit: 60}", 90, 2},
                 {"{}", 120, 120}};

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *text = cl_printf("%sttl: %s\n%s", HEAD REQUEST, CASES[i].ttl, MODEL);
        struct dns_description *d = load(text);
        assert_int_equal(dns_description_ttl(d, CASES[i].want), CASES[i].got);
        dns_description_unref(d);
        cl_free(text);
    }
}

static void a_missing_input_is_named_with_where_it_was_looked_for(void **state)
{
    struct dns_description *d = load(HEAD REQUEST MODEL);
    struct cl_strv pairs = {0};
    struct cl_err err = {0};

    (void)state;
    assert_null(dns_credentials_from_pairs(d, &pairs, &err));
    assert_string_equal(err.reason, "CredentialMissing");
    assert_string_equal(
        err.text,
        "fake: the input token is missing: looked for token and FAKE_TOKEN in what was given");
    cl_strv_add(&pairs, "FAKE_TOKEN=x");
    struct dns_credentials *c = dns_credentials_from_pairs(d, &pairs, &err);
    assert_non_null(c);
    dns_credentials_destroy(c);
    cl_strv_deinit(&pairs);
    dns_description_unref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_shown_with_line_and_column_and_what_is_meant),
        cmocka_unit_test(extends_changes_what_it_says_and_keeps_the_rest),
        cmocka_unit_test(ttls_are_rounded_to_what_the_provider_takes),
        cmocka_unit_test(a_missing_input_is_named_with_where_it_was_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
