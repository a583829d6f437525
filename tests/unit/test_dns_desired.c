/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/dns_desired: what is written when, and what is remembered. */
#include "backends/dns/dns_desired.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "tests/unit/unit.h"

#include <string.h>

#define NOW (1000 * CL_DAY)
static const struct dns_batch_rules ANY = {0}, ONE = {.values_per_name = 1},
                                    TWO = {.values_per_name = 2}, FLUSH = {.flush = true};

/* "a +1 +2 -3; b +4" */
static char *text_of(const struct dns_batch *b)
{
    struct cl_buf t;
    cl_buf_init(&t, 4096);
    for (size_t i = 0; i < b->n; i++) {
        (void)cl_buf_addf(&t, "%s%s", i > 0 ? "; " : "", b->changes[i].fqdn);
        cl_strv_for_each(v, &b->changes[i].add) {
            (void)cl_buf_addf(&t, " +%s", v);
        }
        cl_strv_for_each(v, &b->changes[i].remove) {
            (void)cl_buf_addf(&t, " -%s", v);
        }
    }
    return cl_buf_take(&t);
}

static void write_batch(struct dns_desired *d, const struct dns_batch_rules *rules, cl_time now,
                        bool ok, const char *expected)
{
    struct dns_batch b;
    dns_desired_batch(d, rules, now, &b);
    char *text = text_of(&b);
    assert_string_equal(text, expected);
    cl_free(text);
    dns_desired_done(d, &b, ok, now);
}

static void apex_and_wildcard_are_two_values_of_one_name(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_add(&d, "a", "2");
    dns_desired_add(&d, "b", "3");
    assert_int_equal(dns_desired_due(&d, &ANY), 0);
    write_batch(&d, &ANY, NOW, true, "a +1 +2; b +3");
    assert_int_equal(dns_desired_state(&d, "a", "2"), DNS_VALUE_PRESENT);
    assert_int_equal(dns_desired_due(&d, &ANY), CL_NEVER);
    write_batch(&d, &ANY, NOW, true, "");
    dns_desired_deinit(&d);
}

static void a_value_stays_until_the_last_one_lets_go(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_add(&d, "a", "1");
    write_batch(&d, &ANY, NOW, true, "a +1");
    dns_desired_release(&d, "a", "1", NOW);
    assert_int_equal(dns_desired_due(&d, &ANY), CL_NEVER);
    dns_desired_release(&d, "a", "1", NOW);
    assert_int_equal(dns_desired_due(&d, &ANY), NOW + DNS_LAZY);
    write_batch(&d, &ANY, NOW + DNS_LAZY, true, "a -1");
    assert_true(dns_desired_empty(&d));
    dns_desired_deinit(&d);
}

static void a_value_that_is_kept_is_forgotten_and_not_removed(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_add(&d, "a", "2");
    write_batch(&d, &ANY, NOW, true, "a +1 +2");
    dns_desired_keep(&d, "a", "1");
    assert_int_equal(dns_desired_due(&d, &FLUSH), CL_NEVER);
    dns_desired_release(&d, "a", "2", NOW);
    write_batch(&d, &FLUSH, NOW, true, "a -2");
    assert_true(dns_desired_empty(&d));
    dns_desired_deinit(&d);
}

static void a_removal_joins_the_next_write(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    write_batch(&d, &ANY, NOW, true, "a +1");
    dns_desired_release(&d, "a", "1", NOW);
    write_batch(&d, &ANY, NOW + 1, true, "");
    dns_desired_add(&d, "b", "2");
    write_batch(&d, &ANY, NOW + 1, true, "a -1; b +2");
    dns_desired_deinit(&d);
}

static void a_flush_does_not_wait(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    write_batch(&d, &ANY, NOW, true, "a +1");
    dns_desired_release(&d, "a", "1", NOW);
    assert_int_equal(dns_desired_due(&d, &FLUSH), NOW);
    write_batch(&d, &FLUSH, NOW, true, "a -1");
    dns_desired_deinit(&d);
}

static void what_was_never_sent_is_forgotten(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_release(&d, "a", "1", NOW);
    assert_true(dns_desired_empty(&d));
    dns_desired_deinit(&d);
}

static void a_failed_write_may_have_happened(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    write_batch(&d, &ANY, NOW, false, "a +1");
    assert_int_equal(dns_desired_state(&d, "a", "1"), DNS_VALUE_UNSURE);
    dns_desired_release(&d, "a", "1", NOW);
    assert_int_equal(dns_desired_due(&d, &FLUSH), NOW + CL_MINUTE);
    write_batch(&d, &FLUSH, NOW + CL_MINUTE, false, "a -1");
    assert_int_equal(dns_desired_due(&d, &FLUSH), NOW + 6 * CL_MINUTE);
    write_batch(&d, &FLUSH, NOW + 6 * CL_MINUTE, true, "a -1");
    assert_true(dns_desired_empty(&d));
    dns_desired_deinit(&d);
}

static void a_slot_is_given_on_in_the_same_change(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_add(&d, "a", "2");
    dns_desired_add(&d, "a", "3");
    write_batch(&d, &ONE, NOW, true, "a +1");
    assert_int_equal(dns_desired_due(&d, &ONE), CL_NEVER);
    dns_desired_release(&d, "a", "1", NOW);
    assert_int_equal(dns_desired_due(&d, &ONE), 0);
    write_batch(&d, &ONE, NOW, true, "a +2 -1");
    dns_desired_release(&d, "a", "2", NOW);
    write_batch(&d, &ONE, NOW, true, "a +3 -2");
    dns_desired_deinit(&d);
}

static void two_slots_take_two(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_add(&d, "a", "2");
    dns_desired_add(&d, "a", "3");
    write_batch(&d, &TWO, NOW, true, "a +1 +2");
    dns_desired_release(&d, "a", "2", NOW);
    write_batch(&d, &TWO, NOW, true, "a +3 -2");
    dns_desired_deinit(&d);
}

static void a_value_that_is_wanted_again_while_it_is_removed_is_written_again(void **state)
{
    struct dns_desired d = {0};
    struct dns_batch b;
    (void)state;
    dns_desired_add(&d, "a", "1");
    write_batch(&d, &ANY, NOW, true, "a +1");
    dns_desired_release(&d, "a", "1", NOW);
    dns_desired_batch(&d, &FLUSH, NOW, &b);
    dns_desired_add(&d, "a", "1");
    dns_desired_done(&d, &b, true, NOW);
    write_batch(&d, &ANY, NOW, true, "a +1");
    dns_desired_deinit(&d);
}

static void a_value_that_is_let_go_while_it_is_written_is_removed(void **state)
{
    struct dns_desired d = {0};
    struct dns_batch b;
    (void)state;
    dns_desired_add(&d, "a", "1");
    dns_desired_batch(&d, &ANY, NOW, &b);
    dns_desired_release(&d, "a", "1", NOW);
    dns_desired_done(&d, &b, true, NOW + 1);
    assert_int_equal(dns_desired_due(&d, &ANY), NOW + 1 + DNS_LAZY);
    write_batch(&d, &FLUSH, NOW + 1, true, "a -1");
    dns_desired_deinit(&d);
}

static void what_a_journal_lists_is_removed_unless_it_is_wanted_again(void **state)
{
    struct dns_desired d = {0};
    (void)state;
    dns_desired_recover(&d, "a", "1", NOW);
    dns_desired_recover(&d, "a", "2", NOW);
    assert_int_equal(dns_desired_due(&d, &ANY), NOW + DNS_LAZY);
    dns_desired_add(&d, "a", "2");
    write_batch(&d, &ANY, NOW, true, "a +2 -1");
    dns_desired_deinit(&d);
}

static void listed(void *user, const char *fqdn, const struct dns_value *v)
{
    (void)cl_buf_addf(user, "%s=%s ", fqdn, v->value);
}

static void a_batch_under_way_is_listed_and_one_never_sent_is_not(void **state)
{
    struct dns_desired d = {0};
    struct dns_batch b;
    struct cl_buf t;
    (void)state;
    cl_buf_init(&t, 100);
    dns_desired_add(&d, "a", "1");
    dns_desired_add(&d, "b", "2");
    dns_desired_each(&d, listed, &t);
    assert_string_equal(cl_buf_str(&t), "");
    dns_desired_batch(&d, &ANY, NOW, &b);
    dns_desired_each(&d, listed, &t);
    assert_string_equal(cl_buf_str(&t), "a=1 b=2 ");
    dns_desired_release(&d, "b", "2", NOW);
    dns_desired_undo(&d, &b);
    cl_buf_reset(&t);
    dns_desired_each(&d, listed, &t);
    assert_string_equal(cl_buf_str(&t), "");
    assert_int_equal(dns_desired_state(&d, "a", "1"), DNS_VALUE_ABSENT);
    write_batch(&d, &ANY, NOW, true, "a +1");
    cl_buf_deinit(&t);
    dns_desired_deinit(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apex_and_wildcard_are_two_values_of_one_name),
        cmocka_unit_test(a_value_stays_until_the_last_one_lets_go),
        cmocka_unit_test(a_removal_joins_the_next_write),
        cmocka_unit_test(a_flush_does_not_wait),
        cmocka_unit_test(what_was_never_sent_is_forgotten),
        cmocka_unit_test(a_failed_write_may_have_happened),
        cmocka_unit_test(a_slot_is_given_on_in_the_same_change),
        cmocka_unit_test(two_slots_take_two),
        cmocka_unit_test(a_value_that_is_wanted_again_while_it_is_removed_is_written_again),
        cmocka_unit_test(a_value_that_is_let_go_while_it_is_written_is_removed),
        cmocka_unit_test(what_a_journal_lists_is_removed_unless_it_is_wanted_again),
        cmocka_unit_test(a_value_that_is_kept_is_forgotten_and_not_removed),
        cmocka_unit_test(a_batch_under_way_is_listed_and_one_never_sent_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
