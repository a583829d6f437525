/* SPDX-License-Identifier: Apache-2.0 */
/* What name servers said, as it stands in the status. */
#include "backends/solvers/propagation_view.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

static void each_server_has_a_row_and_a_lame_one_says_so(void **state)
{
    struct dns_table t = {0};

    (void)state;
    (void)dns_table_add(&t, "ns1.example", "192.0.2.1:53");
    (void)dns_table_add(&t, "ns2.example", "192.0.2.2:53");
    (void)dns_table_add(&t, "ns3.example", "192.0.2.3:53");
    (void)dns_table_add(&t, "", "[2001:db8::1]:53");
    dns_view_saw(&t.views[0], DNS_SIGHT_GOOD, "");
    dns_view_saw(&t.views[1], DNS_SIGHT_MISSING, "no TXT record");
    cl_strv_add(&t.views[1].values, "another one");
    dns_view_saw(&t.views[2], DNS_SIGHT_LAME, "REFUSED");
    dns_view_saw(&t.views[2], DNS_SIGHT_LAME, "REFUSED");
    json_t *list = propagation_view(&t);
    char *text = json_print(list, JSON_COMPACT, false);
    assert_string_equal(
        text, "[{\"nameServer\":\"ns1.example\",\"address\":\"192.0.2.1:53\",\"seen\":true,"
              "\"state\":\"Good\",\"rounds\":1},"
              "{\"nameServer\":\"ns2.example\",\"address\":\"192.0.2.2:53\",\"seen\":false,"
              "\"state\":\"Missing\",\"values\":[\"another one\"],\"rounds\":1},"
              "{\"nameServer\":\"ns3.example\",\"address\":\"192.0.2.3:53\",\"seen\":false,"
              "\"state\":\"Lame\",\"error\":\"REFUSED\",\"rounds\":2},"
              "{\"nameServer\":\"\",\"address\":\"[2001:db8::1]:53\",\"seen\":false,"
              "\"state\":\"Unknown\",\"rounds\":0}]");
    cl_free(text);
    json_decref(list);
    dns_table_deinit(&t);
    assert_null(propagation_view(NULL));
}

static void a_crowd_of_values_is_cut(void **state)
{
    struct dns_table t = {0};

    (void)state;
    struct dns_view *v = dns_table_add(&t, "ns1.example", "192.0.2.1:53");
    dns_view_saw(v, DNS_SIGHT_MISSING, "20 other values");
    for (int i = 0; i < 20; i++) {
        cl_strv_take(&v->values, cl_printf("value %d", i));
    }
    json_t *list = propagation_view(&t);
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "values")), 8);
    json_decref(list);
    dns_table_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_server_has_a_row_and_a_lame_one_says_so),
        cmocka_unit_test(a_crowd_of_values_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
