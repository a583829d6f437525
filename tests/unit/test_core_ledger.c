/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: buckets, turns, and what a CA would say to both. */
#include "reconciler/core/ledger.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/core_fixture.h"

#include <string.h>

#define NOW ((cl_time)1800000000000)
#define TICKETS 400

static const struct ca_limits LE = {
    .new_orders = {300, 36 * CL_SECOND},
    .domain = {50, 202 * CL_MINUTE},
    .exact_set = {5, 34 * CL_HOUR},
    .failed_authorizations = {5, 12 * CL_MINUTE},
    .consecutive_failures = {1152, CL_DAY},
    .new_accounts = {10, 18 * CL_MINUTE},
};

struct set {
    struct ledger l;
    struct ledger_ticket t[TICKETS];
    struct cl_strv names, domains;
};

static void fill(struct set *s, size_t i, const char *name, const char *domain,
                 const struct ledger_order *like)
{
    struct ledger_order o = like != NULL ? *like : (struct ledger_order){.emergency = true};
    struct cl_strv names = {0};
    struct cl_strv domains = {0};

    cl_strv_add(&names, name);
    cl_strv_add(&domains, domain);
    o.host = "ca.test";
    o.account = "le";
    o.limits = o.limits != NULL ? o.limits : &LE;
    o.names = &names;
    o.domains = &domains;
    ledger_ticket_fill(&s->l, &s->t[i], &o);
    cl_strv_deinit(&names);
    cl_strv_deinit(&domains);
}

static void end(struct set *s)
{
    for (size_t i = 0; i < TICKETS; i++) {
        ledger_settle(&s->t[i], true, false, NOW);
        ledger_settle(&s->t[i], false, false, NOW);
        ledger_ticket_deinit(&s->l, &s->t[i]);
    }
    ledger_deinit(&s->l);
    cl_free(s);
}

static void many(struct set *s, size_t from, size_t n, const char *domain)
{
    char name[64];
    char own[64];
    for (size_t i = from; i < from + n; i++) {
        (void)cl_format(name, sizeof name, "h%zu.%s", i, domain != NULL ? domain : "example");
        (void)cl_format(own, sizeof own, "h%zu.example", i);
        fill(s, i, name, domain != NULL ? domain : own, NULL);
    }
}

static void a_bucket_gives_its_capacity_then_one_each_refill(void **state)
{
    struct ledger l = {0};
    struct ledger_bucket *b =
        ledger_bucket(&l, LEDGER_EXACT_SET, "ca.test", "*", "a.example", &LE.exact_set);

    (void)state;
    for (long left = 5; left > 0; left--) {
        assert_int_equal(ledger_left(b, NOW), left);
        assert_int_equal(ledger_free_at(b, 0, NOW), NOW);
        ledger_spend(b, NOW);
    }
    assert_int_equal(ledger_left(b, NOW), 0);
    assert_int_equal(ledger_free_at(b, 0, NOW), NOW + 34 * CL_HOUR);
    assert_int_equal(ledger_free_at(b, 2, NOW), NOW + 3 * 34 * CL_HOUR);
    assert_int_equal(ledger_left(b, NOW + 34 * CL_HOUR), 1);
    assert_int_equal(ledger_full_at(b, NOW), NOW + 5 * 34 * CL_HOUR);
    ledger_refill(b);
    assert_int_equal(ledger_left(b, NOW), 5);
    assert_string_equal(b->host, "ca.test");
    assert_string_equal(b->account, "*");
    assert_string_equal(b->key, "a.example");
    ledger_deinit(&l);
}

static void what_is_reserved_counts_as_spent_at_the_last_moment(void **state)
{
    struct set *s = cl_new(struct set);
    (void)state;
    fill(s, 0, "a.example", "a.example", NULL);
    assert_int_equal(ledger_enter(&s->l, &s->t[0], 0, NOW), NOW);
    assert_true(ledger_reserve(&s->l, &s->t[0], NOW));
    assert_true(ledger_reserve(&s->l, &s->t[0], NOW)); /* once */
    struct ledger_bucket *orders = s->t[0].needs[s->t[0].n - 1].bucket;
    assert_int_equal(orders->kind, LEDGER_NEW_ORDERS);
    assert_int_equal(ledger_left(orders, NOW + CL_HOUR), 299);
    ledger_settle(&s->t[0], true, true, NOW + CL_MINUTE); /* the answer took a minute */
    assert_int_equal(ledger_full_at(orders, NOW), NOW + CL_MINUTE + 36 * CL_SECOND);
    assert_true(s->t[0].reserved); /* the certificate is still to come */
    ledger_settle(&s->t[0], false, false, NOW + CL_MINUTE);
    assert_false(s->t[0].reserved);
    assert_int_equal(ledger_left(s->t[0].needs[0].bucket, NOW + CL_MINUTE), 5); /* given back */
    end(s);
}

static void orders_beyond_the_capacity_get_turns_one_refill_apart(void **state)
{
    struct set *s = cl_new(struct set);
    (void)state;
    many(s, 0, TICKETS, NULL);
    for (size_t i = 0; i < TICKETS; i++) {
        cl_time turn = ledger_enter(&s->l, &s->t[i], 0, NOW);
        assert_int_equal(turn, i < 300 ? NOW : NOW + (cl_time)(i - 299) * 36 * CL_SECOND);
        assert_int_equal(ledger_enter(&s->l, &s->t[i], 0, NOW), turn); /* it keeps its place */
    }
    assert_ptr_equal(s->t[399].decides, s->t[399].needs[s->t[399].n - 1].bucket);
    for (size_t i = 0; i < 300; i++) {
        assert_true(ledger_reserve(&s->l, &s->t[i], NOW));
    }
    assert_false(ledger_reserve(&s->l, &s->t[300], NOW));
    assert_true(s->t[300].turn > NOW);
    end(s);
}

static void who_waits_for_its_domain_keeps_nobody_from_the_orders(void **state)
{
    struct set *s = cl_new(struct set);
    (void)state;
    many(s, 0, 60, "crowd.example");
    many(s, 60, 290, NULL);
    for (size_t i = 0; i < 350; i++) {
        (void)ledger_enter(&s->l, &s->t[i], 0, NOW);
    }
    assert_int_equal(s->t[49].turn, NOW);
    assert_int_equal(s->t[50].turn, NOW + 202 * CL_MINUTE);
    assert_int_equal(s->t[59].turn, NOW + 10 * 202 * CL_MINUTE);
    assert_int_equal(s->t[50].decides->kind, LEDGER_DOMAIN);
    assert_int_equal(s->t[309].turn, NOW); /* 50 + 250 at once */
    assert_int_equal(s->t[310].turn, NOW + 36 * CL_SECOND);
    assert_int_equal(s->t[349].turn, NOW + 40 * 36 * CL_SECOND);
    end(s);
}

static size_t told;
static void count_told(struct ledger_ticket *t)
{
    (void)t;
    told++;
}

static void the_more_urgent_and_the_crowded_go_first_when_turns_are_given_anew(void **state)
{
    struct set *s = cl_new(struct set);
    (void)state;
    many(s, 0, 320, NULL);
    many(s, 320, 60, "crowd.example");
    for (size_t i = 0; i < 380; i++) {
        (void)ledger_enter(&s->l, &s->t[i], i == 10 ? NOW + CL_DAY : 0, NOW);
    }
    assert_true(s->l.stale);
    told = 0;
    ledger_rebuild(&s->l, NOW, count_told);
    assert_false(s->l.stale);
    assert_int_equal(s->t[320].turn, NOW);       /* crowded, so that its bucket refills */
    assert_true(s->t[10].turn > s->t[319].turn); /* it has a certificate: last of all */
    assert_true(told > 50);
    ledger_leave(&s->l, &s->t[319], NOW);
    assert_true(s->l.stale); /* those behind it may move up */
    end(s);
}

static void the_last_two_of_a_set_are_kept_for_emergencies(void **state)
{
    struct set *s = cl_new(struct set);
    const struct ledger_order wish = {.emergency = false, .same_set = true};
    const struct ledger_order need = {.emergency = true, .same_set = true};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fill(s, i, "a.example", "a.example", &wish);
        cl_time turn = ledger_enter(&s->l, &s->t[i], 0, NOW);
        if (i < 3) {
            assert_int_equal(turn, NOW);
            assert_true(ledger_reserve(&s->l, &s->t[i], NOW));
        } else {
            assert_true(turn > NOW);
        }
    }
    fill(s, 4, "a.example", "a.example", &need);
    ledger_leave(&s->l, &s->t[3], NOW);
    ledger_rebuild(&s->l, NOW, NULL);
    assert_int_equal(ledger_enter(&s->l, &s->t[4], 0, NOW), NOW);
    assert_true(ledger_reserve(&s->l, &s->t[4], NOW));
    end(s);
}

static void renewals_cost_what_the_table_says(void **state)
{
    static const struct {
        struct ledger_order order;
        size_t needs;
    } CASES[] = {
        {{.emergency = true}, 3},
        {{.emergency = true, .same_set = true}, 1},
        {{.emergency = true, .replaces = true}, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct set *s = cl_new(struct set);
        fill(s, 0, "a.example", "a.example", &CASES[i].order);
        assert_int_equal(s->t[0].n, CASES[i].needs);
        assert_int_equal(ledger_enter(&s->l, &s->t[0], 0, NOW), NOW);
        end(s);
    }
}

static void a_name_that_failed_holds_its_orders_until_a_token_is_back(void **state)
{
    struct set *s = cl_new(struct set);
    struct ledger_bucket *b = ledger_bucket(&s->l, LEDGER_FAILED, "ca.test", "le", "a.example",
                                            &LE.failed_authorizations);
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        ledger_spend(b, NOW);
    }
    fill(s, 0, "a.example", "a.example", NULL);
    assert_int_equal(ledger_enter(&s->l, &s->t[0], 0, NOW), NOW + 12 * CL_MINUTE);
    assert_int_equal(ledger_enter(&s->l, &s->t[0], 0, NOW + 12 * CL_MINUTE), NOW + 12 * CL_MINUTE);
    assert_true(ledger_reserve(&s->l, &s->t[0], NOW + 12 * CL_MINUTE));
    assert_int_equal(ledger_left(b, NOW + 12 * CL_MINUTE), 1); /* asked, not taken */
    end(s);
}

static void a_refusal_empties_the_bucket_until_the_time_it_names(void **state)
{
    struct set *s = cl_new(struct set);
    (void)state;
    fill(s, 0, "a.example", "a.example", NULL);
    fill(s, 1, "b.example", "b.example", NULL);
    assert_int_equal(ledger_enter(&s->l, &s->t[0], 0, NOW), NOW);
    ledger_block(&s->l, s->t[0].needs[2].bucket, NOW + CL_HOUR);
    assert_int_equal(ledger_left(s->t[0].needs[2].bucket, NOW), 0);
    assert_false(ledger_reserve(&s->l, &s->t[0], NOW));
    assert_int_equal(s->t[0].turn, NOW + CL_HOUR);
    ledger_rebuild(&s->l, NOW, NULL);
    assert_int_equal(s->t[0].turn, NOW + CL_HOUR);
    assert_int_equal(ledger_enter(&s->l, &s->t[1], 0, NOW), NOW + CL_HOUR + 36 * CL_SECOND);
    end(s);
}

static void the_text_of_a_refusal_names_the_bucket(void **state)
{
    static const struct {
        const char *text;
        int kind;
    } CASES[] = {
        {"too many new orders (300) from this account in the last 3h0m0s, retry after ...",
         LEDGER_NEW_ORDERS},
        {"too many certificates (50) already issued for \"example.com\" in the last 168h0m0s",
         LEDGER_DOMAIN},
        {"too many certificates (5) already issued for this exact set of identifiers",
         LEDGER_EXACT_SET},
        {"too many failed authorizations (5) for \"a.example\" in the last 1h0m0s", LEDGER_FAILED},
        {"too many new registrations (10) from this IP address", LEDGER_ACCOUNTS},
        {"slow down", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(ledger_kind_of_text(CASES[i].text), CASES[i].kind);
    }
}

static void each_kind_has_a_name_a_sentence_and_a_limit(void **state)
{
    enum ledger_kind k;
    (void)state;
    for (unsigned i = 0; i < LEDGER_KINDS; i++) {
        assert_int_equal(ledger_kind_parse(ledger_kind_name((enum ledger_kind)i), &k), 0);
        assert_int_equal(k, i);
        assert_true(strlen(ledger_kind_doc(k)) > 5);
        assert_true(ledger_limit(&LE, k)->capacity > 0);
    }
    assert_int_equal(ledger_kind_parse("other", &k), -1);
}

static void buckets_that_are_full_and_unused_are_forgotten(void **state)
{
    struct ledger l = {0};
    struct ledger_bucket *b =
        ledger_bucket(&l, LEDGER_DOMAIN, "ca.test", "*", "a.example", &LE.domain);
    (void)state;
    ledger_spend(b, NOW);
    cl_list_remove(&b->change); /* as if it were saved */
    ledger_tidy(&l, NOW);
    assert_int_equal(l.buckets.count, 1);
    ledger_tidy(&l, NOW + CL_DAY);
    assert_int_equal(l.buckets.count, 0);
    ledger_deinit(&l);
}

static void long_sets_of_names_have_a_key_of_their_own(void **state)
{
    struct ledger l = {0};
    struct ledger_ticket t[2] = {0};
    struct cl_strv domains = {0};
    (void)state;
    cl_strv_add(&domains, "example");
    for (size_t i = 0; i < 2; i++) {
        struct cl_strv names = {0};
        for (size_t n = 0; n < 30; n++) {
            cl_strv_take(&names, cl_printf("host-%zu-%zu.example", n, n == 29 ? i : 0));
        }
        struct ledger_order o = {
            .host = "h", .account = "a", .limits = &LE, .names = &names, .domains = &domains};
        ledger_ticket_fill(&l, &t[i], &o);
        cl_strv_deinit(&names);
    }
    assert_ptr_not_equal(t[0].needs[0].bucket, t[1].needs[0].bucket);
    assert_ptr_equal(t[0].needs[1].bucket, t[1].needs[1].bucket);
    assert_true(strlen(t[0].needs[0].bucket->key) < 130);
    ledger_ticket_deinit(&l, &t[0]);
    ledger_ticket_deinit(&l, &t[1]);
    cl_strv_deinit(&domains);
    ledger_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_capacity_then_one_each_refill),
        cmocka_unit_test(what_is_reserved_counts_as_spent_at_the_last_moment),
        cmocka_unit_test(orders_beyond_the_capacity_get_turns_one_refill_apart),
        cmocka_unit_test(who_waits_for_its_domain_keeps_nobody_from_the_orders),
        cmocka_unit_test(the_more_urgent_and_the_crowded_go_first_when_turns_are_given_anew),
        cmocka_unit_test(the_last_two_of_a_set_are_kept_for_emergencies),
        cmocka_unit_test(renewals_cost_what_the_table_says),
        cmocka_unit_test(a_name_that_failed_holds_its_orders_until_a_token_is_back),
        cmocka_unit_test(a_refusal_empties_the_bucket_until_the_time_it_names),
        cmocka_unit_test(the_text_of_a_refusal_names_the_bucket),
        cmocka_unit_test(each_kind_has_a_name_a_sentence_and_a_limit),
        cmocka_unit_test(buckets_that_are_full_and_unused_are_forgotten),
        cmocka_unit_test(long_sets_of_names_have_a_key_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
