/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/wire/dns_verdict: when is a record visible? A round is written as one
 * letter for each server: g(ood) m(issing) l(ame) s(ilent) u(nreachable, no way there). */
#include "backends/dns/wire/dns_verdict.h"
#include "tests/unit/unit.h"

#include <string.h>

static void play(struct dns_table *t, const char *round)
{
    for (size_t i = 0; round[i] != '\0'; i++) {
        static const char NAMES[] = "abcdefgh";
        if (t->n == i) {
            char name[] = {NAMES[i], '\0'};
            (void)dns_table_add(t, name, "192.0.2.1:53");
        }
        struct dns_view *v = &t->views[i];
        enum dns_sight sight = round[i] == 'g'   ? DNS_SIGHT_GOOD
                               : round[i] == 'm' ? DNS_SIGHT_MISSING
                               : round[i] == 'l' ? DNS_SIGHT_LAME
                                                 : DNS_SIGHT_SILENT;
        if (v->hopeless) {
            continue;
        }
        v->hopeless = round[i] == 'u';
        dns_view_saw(v, sight, NULL);
    }
    t->rounds++;
}

static void verdicts_follow_from_what_was_seen(void **state)
{
    static const struct {
        const char *rounds; /* separated by spaces */
        unsigned good_rounds;
        enum dns_verdict verdict;
    } CASES[] = {
        {"g", 2, DNS_NOT_YET},
        {"g g", 2, DNS_VISIBLE},
        {"g g", 3, DNS_NOT_YET},
        {"g g g", 3, DNS_VISIBLE},
        {"g m g", 2, DNS_NOT_YET}, /* in a row */
        {"g m g g", 2, DNS_VISIBLE},
        {"m m m m m m", 2, DNS_NOT_YET}, /* who answers is waited for */
        {"gg gm", 2, DNS_NOT_YET},
        {"gm gg gg", 2, DNS_VISIBLE},
        {"gs gs", 2, DNS_NOT_YET}, /* it may just be slow */
        {"gs gs gs", 2, DNS_VISIBLE},
        {"gl gl gl", 2, DNS_VISIBLE}, /* a lame one does not block */
        {"gl gl gm", 2, DNS_NOT_YET}, /* unless it turns out not to be */
        {"gs gg gg", 2, DNS_VISIBLE},
        {"gg gs gg", 2, DNS_NOT_YET}, /* a silent round is no good one */
        {"gm gs gs gs", 2, DNS_VISIBLE},
        {"s s", 2, DNS_NOT_YET},
        {"s s s", 2, DNS_NOBODY},
        {"l l l", 2, DNS_NOBODY},
        {"sl sl sl", 2, DNS_NOBODY},
        {"s s g", 2, DNS_NOT_YET},
        {"gu gu", 2, DNS_VISIBLE}, /* no IPv6 here: known at once */
        {"uu", 2, DNS_NOBODY},
        {"us us us", 2, DNS_NOBODY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct dns_table t = {0};
        struct dns_rules rules = {.good_rounds = CASES[i].good_rounds, .patience = 3};
        struct cl_strv rounds = {0};
        cl_strv_split(&rounds, CASES[i].rounds, " ");
        for (size_t k = 0; k < rounds.len; k++) {
            play(&t, rounds.items[k]);
        }
        if (dns_table_judge(&t, &rules) != CASES[i].verdict) {
            fail_msg("\"%s\": %d", CASES[i].rounds, (int)dns_table_judge(&t, &rules));
        }
        cl_strv_deinit(&rounds);
        dns_table_deinit(&t);
    }
}

static void an_empty_table_convinces_nobody(void **state)
{
    struct dns_table t = {0};
    struct dns_rules rules = {.good_rounds = 2, .patience = 3};

    (void)state;
    assert_int_equal(dns_table_judge(&t, &rules), DNS_NOBODY);
}

static void pauses_grow_to_ten_seconds(void **state)
{
    static const struct {
        unsigned round;
        bool good;
        cl_time every, pause;
    } CASES[] = {
        {1, false, 0, 1 * CL_SECOND},
        {2, false, 0, 2 * CL_SECOND},
        {3, false, 0, 3 * CL_SECOND},
        {4, false, 0, 5 * CL_SECOND},
        {5, false, 0, 8 * CL_SECOND},
        {6, false, 0, 10 * CL_SECOND},
        {99, false, 0, 10 * CL_SECOND},
        {9, true, 0, 2 * CL_SECOND},
        {5, false, 4 * CL_SECOND, 4 * CL_SECOND},
        {9, false, 30 * CL_SECOND, 30 * CL_SECOND},
        {1, true, 500, 500},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(dns_round_pause(CASES[i].round, CASES[i].good, CASES[i].every),
                         CASES[i].pause);
    }
}

static void the_summary_names_who_does_not_have_it(void **state)
{
    struct dns_table t = {0};
    char buf[256];

    (void)state;
    dns_view_saw(dns_table_add(&t, "ns1.example.org", "192.0.2.1:53"), DNS_SIGHT_GOOD, NULL);
    dns_view_saw(dns_table_add(&t, "ns2.example.org", "192.0.2.2:53"), DNS_SIGHT_MISSING,
                 "2 other values");
    dns_view_saw(dns_table_add(&t, "", "192.0.2.3:53"), DNS_SIGHT_SILENT, NULL);
    dns_table_summary(&t, buf, sizeof buf);
    assert_string_equal(buf, "1 of 3 servers have it; ns2.example.org (192.0.2.2:53): Missing "
                             "(2 other values); 192.0.2.3:53: Silent");
    dns_table_summary(&t, buf, 20); /* cut, not overrun */
    assert_int_equal(strlen(buf), 19);
    dns_table_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_from_what_was_seen),
        cmocka_unit_test(an_empty_table_convinces_nobody),
        cmocka_unit_test(pauses_grow_to_ten_seconds),
        cmocka_unit_test(the_summary_names_who_does_not_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
