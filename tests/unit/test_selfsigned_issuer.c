/* SPDX-License-Identifier: Apache-2.0 */
/* The selfSigned issuer. */
#include "backends/selfsigned/selfsigned_issuer.h"
#include "tests/unit/issuer_fixture.h"

static void it_is_ready_without_preparation(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = self_signed_issuer_ops.create(&t->host, &t->issuer_object);
    struct issuer_facts f = facts_of(t, &self_signed_issuer_ops, i);
    assert_int_equal(f.credentials, CREDENTIALS_OK);
    assert_string_equal(f.identity, "selfSigned");
    run_step(t, &self_signed_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_int_equal(t->err.kind, CL_ERR_NONE);
    json_t *details = self_signed_issuer_ops.details(i);
    assert_non_null(json_object_get(details, "selfSigned"));
    json_decref(details);
    self_signed_issuer_ops.destroy(i);
}

static void a_certificate_signs_itself_and_is_its_own_root(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = self_signed_issuer_ops.create(&t->host, &t->issuer_object);
    t->cert_spec.duration = 30 * CL_DAY;
    run_issue(t, &self_signed_issuer_ops, i);
    assert_int_equal(t->err.kind, CL_ERR_NONE);
    struct cert_facts f = guarded(t);
    assert_string_equal(f.issuer, f.subject);
    assert_int_equal(f.chain_length, 1);
    assert_false(f.is_ca);
    assert_true(f.not_after - loop_now(t->rt->loop) <= 30 * CL_DAY + CL_MINUTE);
    assert_string_equal(t->issue.ca_pem, t->issue.fullchain_pem);
    cert_facts_deinit(&f);
    self_signed_issuer_ops.destroy(i);
}

static void a_ca_certificate_can_sign_itself(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = self_signed_issuer_ops.create(&t->host, &t->issuer_object);
    t->cert_spec.is_ca = true;
    t->cert_spec.common_name = cl_strdup("Bootstrap CA");
    run_issue(t, &self_signed_issuer_ops, i);
    struct cert_facts f = guarded(t);
    assert_true(f.is_ca);
    cert_facts_deinit(&f);
    self_signed_issuer_ops.destroy(i);
    cl_free(t->cert_spec.common_name);
}

static void what_cannot_be_signed_is_an_error_that_names_the_issuer(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = self_signed_issuer_ops.create(&t->host, &t->issuer_object);
    cl_strv_add(&t->cert_spec.usages, "flying");
    run_issue(t, &self_signed_issuer_ops, i);
    assert_int_equal(t->err.kind, CL_ERR_PERMANENT);
    assert_non_null(strstr(t->err.text, "Issuer internal"));
    cl_strv_deinit(&t->cert_spec.usages);
    self_signed_issuer_ops.destroy(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        issuer_test_case(it_is_ready_without_preparation),
        issuer_test_case(a_certificate_signs_itself_and_is_its_own_root),
        issuer_test_case(a_ca_certificate_can_sign_itself),
        issuer_test_case(what_cannot_be_signed_is_an_error_that_names_the_issuer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
