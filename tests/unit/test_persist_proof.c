/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of records of dns-persist-01. */
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"
#include "spec/persist_proof.h"
#include "tests/unit/unit.h"

#define T0 ((cl_time)1767225600000)
#define DAYS(n) (T0 + (n)*CL_DAY)

static char *lend(const char *s)
{
    static char ring[8][64];
    static unsigned next;
    char *slot = ring[next++ % 8];

    (void)cl_format(slot, sizeof(ring[0]), "%s", s);
    return slot;
}

static struct persist_proof proof(const char *identifier, bool wildcard, cl_time until)
{
    return (struct persist_proof){.identifier = lend(identifier),
                                  .wildcard = wildcard,
                                  .record = lend("_validation-persist.example.org"),
                                  .value = lend("ca.example; accounturi=https://ca/1"),
                                  .account_url = lend("https://ca/1"),
                                  .until = until,
                                  .attention_at = persist_attention_at(T0, until, 0),
                                  .checked_at = T0,
                                  .problem = lend("")};
}

static void a_record_is_due_a_third_of_its_time_before_its_end_but_30_days_at_most(void **state)
{
    static const struct {
        cl_time until, persist_for, wanted;
    } ROWS[] = {
        {0, 0, 0},
        {0, 90 * CL_DAY, 0},
        {DAYS(9), 0, DAYS(6)},
        {DAYS(90), 0, DAYS(60)},
        {DAYS(365), 0, DAYS(335)},
        {T0 - CL_DAY, 0, T0 - CL_DAY}, /* ended already */
        {DAYS(90), 90 * CL_DAY, DAYS(60)},
        {DAYS(365), 360 * CL_DAY, DAYS(245)}, /* a machine has no patience to save */
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        assert_int_equal(persist_attention_at(T0, ROWS[i].until, ROWS[i].persist_for),
                         ROWS[i].wanted);
    }
}

static void being_looked_at_makes_no_record_younger(void **state)
{
    struct persist_proofs l = {0};
    struct persist_proof p = proof("a.example", false, DAYS(90));

    (void)state;
    persist_proofs_put(&l, &p);
    p.checked_at = DAYS(80);
    p.attention_at = persist_attention_at(DAYS(80), p.until, 0);
    persist_proofs_put(&l, &p);
    assert_int_equal(l.len, 1);
    assert_int_equal(l.items[0].attention_at, DAYS(60));
    assert_int_equal(l.items[0].checked_at, DAYS(80));

    p.until = DAYS(180); /* a later one */
    p.attention_at = persist_attention_at(DAYS(80), p.until, 0);
    persist_proofs_put(&l, &p);
    assert_int_equal(l.items[0].attention_at, DAYS(150));

    p.managed = true; /* from now on by a provider */
    p.attention_at = persist_attention_at(DAYS(80), p.until, 240 * CL_DAY);
    persist_proofs_put(&l, &p);
    assert_int_equal(l.items[0].attention_at, DAYS(100));
    persist_proofs_deinit(&l);
}

static void a_name_and_its_wildcard_are_two(void **state)
{
    struct persist_proofs l = {0};
    struct persist_proof apex = proof("a.example", false, 0);
    struct persist_proof wild = proof("a.example", true, DAYS(9));
    struct cl_strv names = {0};

    (void)state;
    persist_proofs_put(&l, &apex);
    persist_proofs_put(&l, &wild);
    assert_int_equal(l.len, 2);
    cl_strv_add(&names, "*.a.example");
    cl_strv_add(&names, "b.example");
    assert_true(persist_proofs_keep(&l, &names));
    assert_false(persist_proofs_keep(&l, &names));
    assert_int_equal(l.len, 1);
    assert_true(l.items[0].wildcard);
    persist_proofs_drop(&l, &wild);
    assert_int_equal(l.len, 0);
    persist_proofs_drop(&l, &wild);
    cl_strv_deinit(&names);
    persist_proofs_deinit(&l);
}

static void they_survive_as_json(void **state)
{
    struct persist_proofs l = {0}, again = {0};
    struct persist_proof p = proof("a.example", true, DAYS(9));
    struct cl_err err = {0};

    (void)state;
    cl_strv_add(&p.issuers, "ca.example");
    p.managed = true;
    p.problem = lend("the zone is gone");
    persist_proofs_put(&l, &p);
    json_t *array = persist_proofs_write(&l);
    assert_int_equal(persist_proofs_read(array, &again, &err), 0);
    assert_int_equal(again.len, 1);
    json_t *second = persist_proofs_write(&again);
    assert_true(json_equal(array, second));
    assert_int_equal(again.items[0].until, DAYS(9));
    assert_string_equal(again.items[0].issuers.items[0], "ca.example");
    json_decref(array);
    json_decref(second);
    persist_proofs_deinit(&again);
    array = json_loads("[{\"until\": 7}]", 0, NULL);
    assert_int_equal(persist_proofs_read(array, &again, &err), -1);
    json_decref(array);
    persist_proofs_deinit(&again);
    persist_proofs_deinit(&l);
    cl_strv_deinit(&p.issuers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_due_a_third_of_its_time_before_its_end_but_30_days_at_most),
        cmocka_unit_test(being_looked_at_makes_no_record_younger),
        cmocka_unit_test(a_name_and_its_wildcard_are_two),
        cmocka_unit_test(they_survive_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
