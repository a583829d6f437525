/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation as the CA sees it, and what its answers mean. */
#include "tests/unit/acme_ca_fixture.h"

#define PEM "-----BEGIN CERTIFICATE-----\nAAEC\nAwQF\n-----END CERTIFICATE-----\n"

/* One revocation that the CA answers with @status and a problem of @type (NULL: none). */
static bool revoke_as(struct ca_test *t, const struct key *key, int reason, const char *status,
                      const char *type)
{
    struct revoke_op r = {.certificate = PEM, .key = key, .reason = reason};
    char *body = type != NULL ? cl_printf("{\"type\":\"" CA_URN "%s\",\"detail\":\"no\"}", type)
                              : cl_strdup("");

    ca_twist(t, (struct twist){.method_and_path = "POST /revoke",
                               .times = 1,
                               .status = status,
                               .headers = "Content-Type: application/problem+json\r\n"
                                          "X-Request-Id: r-4711\r\n",
                               .body = body,
                               .with_nonce = true});
    t->done = false;
    r.op = (struct cl_op){.done = ca_op_done, .user = t};
    acme_issuer_ops.revoke(t->issuer, &r);
    assert_false(t->done);
    net_wait(&t->net, ca_is_done, t);
    cl_free(body);
    return r.already;
}

static void acme_point_38_the_account_or_the_certificates_key_signs(void **state)
{
    struct ca_test *t = *state;
    struct key *key = NULL;
    struct cl_err err = {0};

    ca_prepare(t);
    assert_false(revoke_as(t, NULL, 4, "200 OK", NULL));
    assert_ok(t);
    json_t *h = ca_header_of(t, "POST /revoke", 0);
    assert_non_null(json_object_get(h, "kid"));
    assert_null(json_object_get(h, "jwk"));
    json_decref(h);

    assert_int_equal(key_generate(KEY_ECDSA, 256, &key, &err), 0);
    (void)revoke_as(t, key, 1, "200 OK", NULL);
    assert_ok(t);
    h = ca_header_of(t, "POST /revoke", 1);
    assert_null(json_object_get(h, "kid"));
    assert_non_null(json_object_get(h, "jwk"));
    json_decref(h);
    key_destroy(key);
}

static void acme_point_38_already_revoked_is_success(void **state)
{
    struct ca_test *t = *state;

    ca_prepare(t);
    assert_true(revoke_as(t, NULL, 0, "400 Bad Request", "alreadyRevoked"));
    assert_ok(t);
}

static void acme_point_38_a_reason_that_the_ca_refuses_is_told(void **state)
{
    struct ca_test *t = *state;

    ca_prepare(t);
    (void)revoke_as(t, NULL, 3, "400 Bad Request", "badRevocationReason");
    assert_err(t->err, CL_ERR_PERMANENT, "BadRevocationReason");
    assert_non_null(strstr(t->err.text, "does not take this reason"));
    assert_non_null(strstr(t->err.text, "r-4711")); /* what the CA's support asks for */
    (void)revoke_as(t, NULL, 0, "403 Forbidden", "unauthorized");
    assert_err(t->err, CL_ERR_PERMANENT, "Unauthorized");
}

static void what_is_no_certificate_is_not_sent(void **state)
{
    struct ca_test *t = *state;
    struct revoke_op r = {.certificate = "nothing"};

    ca_prepare(t);
    t->done = false;
    r.op = (struct cl_op){.done = ca_op_done, .user = t};
    acme_issuer_ops.revoke(t->issuer, &r);
    net_wait(&t->net, ca_is_done, t);
    assert_err(t->err, CL_ERR_LOCAL, "InvalidCertificate");
    assert_int_equal(ca_count(t, "POST /revoke"), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ca_setup, ca_teardown)
    const struct CMUnitTest tests[] = {
        TEST(acme_point_38_the_account_or_the_certificates_key_signs),
        TEST(acme_point_38_already_revoked_is_success),
        TEST(acme_point_38_a_reason_that_the_ca_refuses_is_told),
        TEST(what_is_no_certificate_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
