/* SPDX-License-Identifier: Apache-2.0 */
/* The order machine: ending early, and giving up an order that nobody wants any more. */
#include "backends/acme/acme_order.h"
#include "tests/unit/acme_order_fixture.h"

/* ---- cancel and abandon ---- */

static void a_cancelled_order_tidies_up_and_is_kept(void **state)
{
    struct order_test *t = *state;

    order_to_watching(t);
    order_tell(t, EV_CANCEL, 0, "abort release/0 cleanup/0");
    order_tell(t, EV_CANCEL, 0, "");
    order_tell(t, EV_TIMER, 0, "");
    order_tell(t, EV_CLEANED, 0, "done");
    order_tell(t, EV_CANCEL, 0, "");
    order_tell(t, EV_FETCHED, 0, "");
    assert_int_equal(t->o->err.kind, CL_ERR_CANCELLED);
    assert_string_equal(t->o->url, ORDER_URL);
}

static void cancelling_while_presenting_stops_the_solver(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
    order_tell(t, EV_CANCEL, 0, "abort stop/0");
    order_tell(t, EV_PRESENTED, 0, "cleanup/0");
    order_tell(t, EV_CLEANED, 0, "done");
}

static void cancelling_while_saving_is_done_at_once(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_CANCEL, 0, "abort done");
    order_tell(t, EV_SAVED, 0, "");
}

static void point_23_abandoning_deactivates_what_is_pending(void **state)
{
    struct order_test *t = *state;

    cl_strv_add(&t->spec.dns_names, "b.example");
    cl_strv_add(&t->spec.dns_names, "c.example");
    const char *order = ca_order(t, "pending", "");
    t->p.abandon = true;
    t->p.order_url = ORDER_URL;
    t->p.object = NULL; /* nobody knows the spec any more */
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, order, "authorization/0 authorization/1 authorization/2");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "valid", "valid"), "");
    order_reply(t, ACME_AUTHZ, 2, ca_authz("c.example", "expired", "valid"), "deactivate/0");
    order_reply(t, ACME_DEACTIVATE, 0, "{}", "done");
    assert_int_equal(t->o->err.kind, CL_ERR_NONE);
}

static void abandoning_what_is_over_does_nothing(void **state)
{
    static const char *const STATUSES[] = {"invalid", "valid", "ready"};
    struct order_test *t = *state;

    t->p.abandon = true;
    t->p.order_url = ORDER_URL;
    for (size_t i = 0; i < COUNT(STATUSES); i++) {
        order_start(t, "order");
        order_reply(t, ACME_ORDER, 0, ca_order(t, STATUSES[i], ""), "done");
        acme_order_destroy(t->o);
    }
    order_start(t, "order");
    order_fails(t, ACME_ORDER, 0, order_problem(CL_ERR_TRANSIENT, 404, ""), "done");
    assert_int_equal(t->o->err.kind, CL_ERR_NONE);
    acme_order_destroy(t->o);
    order_start(t, "order");
    order_fails(t, ACME_ORDER, 0, order_problem(CL_ERR_TRANSIENT, 500, ""), "abort done");
    assert_int_equal(t->o->err.kind, CL_ERR_TRANSIENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, order_setup, order_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_cancelled_order_tidies_up_and_is_kept),
        TEST(cancelling_while_presenting_stops_the_solver),
        TEST(cancelling_while_saving_is_done_at_once),
        TEST(point_23_abandoning_deactivates_what_is_pending),
        TEST(abandoning_what_is_over_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
