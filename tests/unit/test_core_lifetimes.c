/* SPDX-License-Identifier: Apache-2.0 */
/* Announced lifetimes, and which specs do not go with them. */
#include "reconciler/core/lifetimes.h"
#include "tests/unit/core_fixture.h"

#define LE "https://acme-v02.api.letsencrypt.org/directory"

static cl_time day(const char *date)
{
    char text[CL_TIME_TEXT];
    cl_time t = 0;
    (void)snprintf(text, sizeof(text), "%sT12:00:00Z", date);
    assert_int_equal(cl_time_parse(text, &t), 0);
    return t;
}

static void the_announced_dates_decide(void **state)
{
    static const struct {
        const char *url, *profile, *date;
        cl_time lifetime, reuse;
    } CASES[] = {
        {LE, NULL, "2026-11-24", 90 * CL_DAY, 30 * CL_DAY},
        {LE, "classic", "2027-02-10", 64 * CL_DAY, 10 * CL_DAY},
        {LE, NULL, "2028-03-01", 45 * CL_DAY, 7 * CL_HOUR},
        {LE, "tlsserver", "2026-11-24", 45 * CL_DAY, 7 * CL_HOUR},
        {LE, "shortlived", "2026-11-24", 160 * CL_HOUR, 7 * CL_HOUR},
        {"https://acme.ca.com/dir", NULL, "2026-11-24", 200 * CL_DAY, 200 * CL_DAY},
        {"https://acme.ca.com/dir", NULL, "2030-01-01", 47 * CL_DAY, 10 * CL_DAY},
        {"https://notletsencrypt.org/dir", NULL, "2028-03-01", 100 * CL_DAY, 100 * CL_DAY},
        {"https://acme.corp.internal/dir", NULL, "2030-01-01", 0, 0},
        {"https://localhost:14000/dir", NULL, "2030-01-01", 0, 0},
        {"https://127.0.0.1/dir", NULL, "2030-01-01", 0, 0},
        {"https://acme.ca.com/dir", NULL, "2020-01-01", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct lifetime_rule r =
            lifetime_rule_at(CASES[i].url, CASES[i].profile, day(CASES[i].date));
        assert_int_equal(r.lifetime, CASES[i].lifetime);
        assert_int_equal(r.reuse, CASES[i].reuse);
    }
}

static void a_spec_is_judged_by_the_lifetime(void **state)
{
    static char weekly[] = "0 2 * * sun", monthly[] = "0 2 1 * *", never[] = "0 0 31 2 *",
                nightly[] = "0 2 * * *", fortnight[] = "0 2 1,15 * *";
    static const struct {
        cl_time renew_before, duration;
        bool off;
        char *cron;
        cl_time lifetime;
        enum lifetime_verdict worst;
        const char *field;
    } CASES[] = {
        {0, 0, false, NULL, 45 * CL_DAY, LIFETIME_FINE, ""},
        {50 * CL_DAY, 0, false, NULL, 45 * CL_DAY, LIFETIME_BREAKS, "spec.renewBefore"},
        {30 * CL_DAY, 0, false, NULL, 45 * CL_DAY, LIFETIME_TIGHT, "spec.renewBefore"},
        {15 * CL_DAY, 0, false, NULL, 45 * CL_DAY, LIFETIME_FINE, ""},
        {CL_DAY, 0, false, NULL, 45 * CL_DAY, LIFETIME_TIGHT, "spec.renewBefore"},
        {0, 0, true, NULL, 45 * CL_DAY, LIFETIME_BREAKS, "spec.renewal.policy"},
        {15 * CL_DAY, 90 * CL_DAY, false, NULL, 45 * CL_DAY, LIFETIME_TIGHT, "spec.duration"},
        {0, 0, false, nightly, 45 * CL_DAY, LIFETIME_FINE, ""},
        {0, 0, false, weekly, 45 * CL_DAY, LIFETIME_TIGHT, "spec.renewal.windows"},
        {0, 0, false, fortnight, 45 * CL_DAY, LIFETIME_BREAKS, "spec.renewal.windows"},
        {0, 0, false, monthly, 90 * CL_DAY, LIFETIME_BREAKS, "spec.renewal.windows"},
        {0, 0, false, never, 90 * CL_DAY, LIFETIME_BREAKS, "spec.renewal.windows"},
        {0, 0, true, monthly, 0, LIFETIME_FINE, ""}, /* nothing is known */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct renewal_window_spec w = {.cron = CASES[i].cron, .duration = CL_HOUR};
        struct cert_spec spec = {.renew_before = CASES[i].renew_before,
                                 .duration = CASES[i].duration,
                                 .renewal_disabled = CASES[i].off,
                                 .renewal_windows = {&w, CASES[i].cron != NULL ? 1 : 0}};
        struct lifetime_rule rule = {.lifetime = CASES[i].lifetime};
        struct lifetime_finding found[LIFETIME_FINDINGS];
        size_t n = lifetime_findings(&spec, NULL, &rule, T0, found);
        enum lifetime_verdict worst = LIFETIME_FINE;
        const char *field = "";
        for (size_t k = 0; k < n; k++) {
            if (found[k].verdict > worst) {
                worst = found[k].verdict;
                field = found[k].field;
            }
        }
        assert_string_equal(lifetime_verdict_name(worst), lifetime_verdict_name(CASES[i].worst));
        assert_string_equal(field, CASES[i].field);
    }
}

static void a_persistent_record_that_ends_before_the_certificate_is_tight(void **state)
{
    (void)state;
    struct solver_spec solver = {
        .has_dns01 = true,
        .dns01 = {.challenge = DNS_CHALLENGE_PERSIST_01, .persist_for = 10 * CL_DAY}};
    struct cert_spec spec = {.solvers = {&solver, 1}};
    struct lifetime_rule rule = {.lifetime = 45 * CL_DAY};
    struct lifetime_finding found[LIFETIME_FINDINGS];
    assert_int_equal(lifetime_findings(&spec, NULL, &rule, T0, found), 1);
    assert_string_equal(found[0].field, "spec.solvers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_announced_dates_decide),
        cmocka_unit_test(a_spec_is_judged_by_the_lifetime),
        cmocka_unit_test(a_persistent_record_that_ends_before_the_certificate_is_tight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
