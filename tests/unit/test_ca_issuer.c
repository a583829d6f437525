/* SPDX-License-Identifier: Apache-2.0 */
/* The ca issuer: finding or making its key pair, and signing. */
#include "backends/ca/ca_issuer.h"
#include "tests/unit/issuer_fixture.h"

static struct issuer *create(struct issuer_test *t)
{
    return ca_issuer_ops.create(&t->host, &t->issuer_object);
}

static void put_secret(struct issuer_test *t, const char *file, const char *text)
{
    char name[128];
    struct cl_err err = {0};
    (void)snprintf(name, sizeof(name), "secrets/root/%s", file);
    assert_int_equal(disk_mkdirs(rt_path(t->rt, "secrets/root"), 0700, &err), 0);
    rt_put(t->rt, name, text);
}

static struct issuer *generated(struct issuer_test *t)
{
    t->issuer_spec.ca.generate.on = true;
    struct issuer *i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_int_equal(facts_of(t, &ca_issuer_ops, i).credentials, CREDENTIALS_TO_MAKE);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_MAKE_CA);
    if (t->err.kind != CL_ERR_NONE) {
        fail_msg("%s: %s", t->err.reason, t->err.text);
    }
    return i;
}

static void a_root_is_made_on_first_use_kept_privately_and_published(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = generated(t);
    struct issuer_facts f = facts_of(t, &ca_issuer_ops, i);
    assert_int_equal(f.credentials, CREDENTIALS_OK);
    assert_int_equal(strncmp(f.identity, "ca:", 3), 0);
    assert_true(f.expires > loop_now(t->rt->loop) + 3640 * CL_DAY);

    struct disk_stat st;
    struct cl_err err = {0};
    assert_int_equal(disk_stat(rt_path(t->rt, "state/ca/internal/ca.key"), &st, &err), 0);
    assert_int_equal(st.mode, 0600);
    assert_int_equal(disk_stat(rt_path(t->rt, "live/_issuers/internal/ca.crt"), &st, &err), 0);
    assert_int_equal(st.mode, 0644);
    json_t *details = ca_issuer_ops.details(i);
    json_t *ca = json_object_get(details, "ca");
    assert_non_null(strstr(json_string_value(json_object_get(ca, "subject")), "certloop internal"));
    assert_non_null(
        strstr(json_string_value(json_object_get(ca, "published")), "_issuers/internal/ca.crt"));
    json_decref(details);
    ca_issuer_ops.destroy(i);
}

static void the_same_root_is_there_after_a_restart(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = generated(t);
    struct issuer_facts before = facts_of(t, &ca_issuer_ops, i);
    ca_issuer_ops.destroy(i);
    assert_int_equal(unlink(rt_path(t->rt, "live/_issuers/internal/ca.crt")), 0);

    i = create(t);
    assert_int_equal(facts_of(t, &ca_issuer_ops, i).credentials, CREDENTIALS_UNKNOWN);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    struct issuer_facts after = facts_of(t, &ca_issuer_ops, i);
    assert_string_equal(before.identity, after.identity);
    assert_int_equal(before.expires, after.expires);
    assert_true(rt_exists(t->rt, "live/_issuers/internal/ca.crt")); /* published again */
    ca_issuer_ops.destroy(i);
}

static void a_damaged_root_is_not_replaced_silently(void **state)
{
    struct issuer_test *t = *state;
    ca_issuer_ops.destroy(generated(t));
    rt_put(t->rt, "state/ca/internal/ca.crt", "rubbish");
    struct issuer *i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    struct issuer_facts f = facts_of(t, &ca_issuer_ops, i);
    assert_int_equal(f.credentials, CREDENTIALS_MISSING);
    assert_non_null(strstr(t->err.text, "ca Issuer internal"));
    assert_int_equal(f.problem.kind, t->err.kind);
    ca_issuer_ops.destroy(i);
}

static void a_root_can_have_a_name_a_lifetime_and_constraints(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.generate.common_name = cl_strdup("Example Internal CA");
    t->issuer_spec.ca.generate.duration = 100 * CL_DAY;
    cl_strv_add(&t->issuer_spec.ca.generate.name_constraints.permitted.dns_domains, "internal");
    struct issuer *i = generated(t);
    struct issuer_facts f = facts_of(t, &ca_issuer_ops, i);
    assert_true(f.expires <= loop_now(t->rt->loop) + 101 * CL_DAY);
    json_t *details = ca_issuer_ops.details(i);
    const char *subject =
        json_string_value(json_object_get(json_object_get(details, "ca"), "subject"));
    assert_string_equal(subject, "CN=Example Internal CA");
    json_decref(details);
    ca_issuer_ops.destroy(i);
    cl_free(t->issuer_spec.ca.generate.common_name);
    cl_strv_deinit(&t->issuer_spec.ca.generate.name_constraints.permitted.dns_domains);
}

static void an_rsa_root_is_made_beside_the_loop(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.generate.algorithm = KEY_RSA;
    struct issuer *i = generated(t);
    assert_int_equal(facts_of(t, &ca_issuer_ops, i).credentials, CREDENTIALS_OK);
    ca_issuer_ops.destroy(i);
}

static void making_a_root_can_be_cancelled(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.generate.on = true;
    struct issuer *i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    t->done = false;
    t->op = (struct cl_op){.done = issuer_test_done, .user = t};
    ca_issuer_ops.step(i, ISSUER_STEP_MAKE_CA, &t->op);
    cl_op_cancel(&t->op);
    issuer_test_wait(t);
    assert_int_equal(t->err.kind, CL_ERR_CANCELLED);
    ca_issuer_ops.destroy(i);
}

static void a_leaf_is_signed_and_passes_the_guard(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = generated(t);
    run_issue(t, &ca_issuer_ops, i);
    assert_int_equal(t->err.kind, CL_ERR_NONE);
    struct cert_facts f = guarded(t);
    assert_int_equal(f.chain_length, 1); /* the root is not sent along */
    assert_true(f.not_after - loop_now(t->rt->loop) <= 90 * CL_DAY + CL_MINUTE);
    struct cert_facts root = {0};
    struct cl_err err = {0};
    assert_int_equal(cert_parse_chain(t->issue.ca_pem, &root, &err), 0);
    assert_string_equal(root.subject, f.issuer);
    cert_facts_deinit(&f);
    cert_facts_deinit(&root);
    ca_issuer_ops.destroy(i);
}

static void no_leaf_outlives_the_root(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.generate.duration = 10 * CL_DAY;
    t->cert_spec.duration = 90 * CL_DAY;
    struct issuer *i = generated(t);
    run_issue(t, &ca_issuer_ops, i);
    struct cert_facts f = guarded(t);
    assert_true(f.not_after <= facts_of(t, &ca_issuer_ops, i).expires);
    cert_facts_deinit(&f);
    ca_issuer_ops.destroy(i);
}

static void a_name_that_the_roots_constraints_forbid_is_not_signed(void **state)
{
    struct issuer_test *t = *state;
    struct cl_strv *permitted = &t->issuer_spec.ca.generate.name_constraints.permitted.dns_domains;
    cl_strv_add(permitted, "permitted.example");
    struct issuer *i = generated(t);
    run_issue(t, &ca_issuer_ops, i);
    assert_int_equal(t->err.kind, CL_ERR_PERMANENT);
    assert_string_equal(t->err.reason, "NameConstraints");
    ca_issuer_ops.destroy(i);
    cl_strv_deinit(permitted);
}

static void a_generated_root_signs_no_further_ca(void **state)
{
    struct issuer_test *t = *state;
    t->cert_spec.is_ca = true;
    struct issuer *i = generated(t);
    run_issue(t, &ca_issuer_ops, i);
    assert_int_equal(t->err.kind, CL_ERR_PERMANENT);
    assert_string_equal(t->err.reason, "UnsupportedByIssuer");
    ca_issuer_ops.destroy(i);
}

static void issuing_before_the_pair_is_there_fails(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = create(t);
    run_issue(t, &ca_issuer_ops, i);
    assert_string_equal(t->err.reason, "IssuerNotReady");
    ca_issuer_ops.destroy(i);
}

static void an_issuance_can_be_cancelled(void **state)
{
    struct issuer_test *t = *state;
    struct issuer *i = generated(t);
    start_issue(t, &ca_issuer_ops, i);
    cl_op_cancel(&t->issue.op);
    issuer_test_wait(t);
    assert_int_equal(t->err.kind, CL_ERR_CANCELLED);
    ca_issuer_ops.destroy(i);
}

static void a_missing_secret_names_both_places_and_is_found_once_it_is_there(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.secret_name = cl_strdup("root");
    struct issuer *i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_string_equal(t->err.reason, "SecretNotFound");
    assert_non_null(strstr(t->err.text, "Certificate with secretName root"));
    assert_non_null(strstr(t->err.text, "/secrets/root"));
    struct issuer_facts f = facts_of(t, &ca_issuer_ops, i);
    assert_int_equal(f.credentials, CREDENTIALS_MISSING);
    assert_string_equal(f.problem.reason, "SecretNotFound");
    assert_int_equal(f.problem.kind, CL_ERR_LOCAL); /* so that it is looked for again soon */

    struct test_ca ca = test_ca(t, "Root", NULL, true, 1000 * CL_DAY);
    t->pair_chain = ca.cert_pem;
    t->pair_key = ca.key_pem;
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    f = facts_of(t, &ca_issuer_ops, i);
    assert_int_equal(f.credentials, CREDENTIALS_OK);
    assert_int_equal(f.problem.kind, CL_ERR_NONE);
    run_issue(t, &ca_issuer_ops, i);
    struct cert_facts leaf = guarded(t);
    assert_string_equal(leaf.issuer, "CN=Root");
    assert_string_equal(t->issue.ca_pem, ca.cert_pem);
    cert_facts_deinit(&leaf);
    test_ca_deinit(&ca);
    ca_issuer_ops.destroy(i);
    cl_free(t->issuer_spec.ca.secret_name);
}

static void an_intermediate_is_sent_along_and_its_root_is_known_from_ca_crt(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.secret_name = cl_strdup("root");
    struct test_ca root = test_ca(t, "Root", NULL, true, 1000 * CL_DAY);
    struct test_ca inter = test_ca(t, "Intermediate", &root, true, 500 * CL_DAY);
    put_secret(t, "tls.crt", inter.cert_pem);
    put_secret(t, "tls.key", inter.key_pem);
    put_secret(t, "ca.crt", root.cert_pem);
    struct issuer *i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    assert_int_equal(t->err.kind, CL_ERR_NONE);
    run_issue(t, &ca_issuer_ops, i);
    struct cert_facts leaf = guarded(t);
    assert_int_equal(leaf.chain_length, 2);
    assert_string_equal(leaf.issuer, "CN=Intermediate");
    assert_int_equal(strncmp(t->issue.ca_pem, root.cert_pem, strlen(root.cert_pem) - 1), 0);
    assert_true(rt_exists(t->rt, "live/_issuers/internal/ca.crt"));
    cert_facts_deinit(&leaf);
    ca_issuer_ops.destroy(i);

    /* a chain that ends in its root: the root is split off */
    char *chain = cl_printf("%s%s", inter.cert_pem, root.cert_pem);
    put_secret(t, "tls.crt", chain);
    assert_int_equal(unlink(rt_path(t->rt, "secrets/root/ca.crt")), 0);
    i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    run_issue(t, &ca_issuer_ops, i);
    leaf = guarded(t);
    assert_int_equal(leaf.chain_length, 2);
    assert_string_equal(t->issue.ca_pem, root.cert_pem);
    cert_facts_deinit(&leaf);
    ca_issuer_ops.destroy(i);
    cl_free(chain);
    test_ca_deinit(&root);
    test_ca_deinit(&inter);
    cl_free(t->issuer_spec.ca.secret_name);
}

static void a_pair_that_cannot_sign_is_refused(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.secret_name = cl_strdup("root");
    struct test_ca root = test_ca(t, "Root", NULL, true, 1000 * CL_DAY);
    struct test_ca leaf = test_ca(t, "Leaf", NULL, false, 1000 * CL_DAY);
    const struct {
        const char *chain, *key, *reason;
    } CASES[] = {
        {leaf.cert_pem, leaf.key_pem, "NotACA"},
        {root.cert_pem, leaf.key_pem, "InvalidKeyPair"},
        {"rubbish", root.key_pem, "InvalidCertificate"},
        {root.cert_pem, "rubbish", ""},
    };
    struct issuer *i = create(t);
    for (size_t n = 0; n < COUNT(CASES); n++) {
        t->pair_chain = CASES[n].chain;
        t->pair_key = CASES[n].key;
        run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
        assert_int_not_equal(t->err.kind, CL_ERR_NONE);
        if (CASES[n].reason[0] != '\0') {
            assert_string_equal(t->err.reason, CASES[n].reason);
        }
        assert_int_equal(facts_of(t, &ca_issuer_ops, i).credentials, CREDENTIALS_MISSING);
    }
    ca_issuer_ops.destroy(i);
    test_ca_deinit(&root);
    test_ca_deinit(&leaf);
    cl_free(t->issuer_spec.ca.secret_name);
}

static void a_replaced_secret_is_taken_up_when_it_is_whole(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.secret_name = cl_strdup("root");
    struct test_ca old = test_ca(t, "Old", NULL, true, 1000 * CL_DAY);
    struct test_ca new = test_ca(t, "New", NULL, true, 1000 * CL_DAY);
    put_secret(t, "tls.crt", old.cert_pem);
    put_secret(t, "tls.key", old.key_pem);
    struct issuer *i = create(t);
    struct issuer_facts f, g;
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    cl_time now = loop_now(t->rt->loop);
    ca_issuer_ops.facts(i, now, &f);

    put_secret(t, "tls.crt", new.cert_pem); /* half of it */
    ca_issuer_ops.facts(i, now + CL_MINUTE, &g);
    assert_int_equal(g.credentials, CREDENTIALS_OK);
    assert_string_equal(g.identity, f.identity);
    put_secret(t, "tls.key", new.key_pem);
    ca_issuer_ops.facts(i, now + 2 * CL_MINUTE, &g);
    assert_string_not_equal(g.identity, f.identity);
    ca_issuer_ops.destroy(i);
    test_ca_deinit(&old);
    test_ca_deinit(&new);
    cl_free(t->issuer_spec.ca.secret_name);
}

static void an_archived_pair_that_was_renewed_is_taken_up(void **state)
{
    struct issuer_test *t = *state;
    t->issuer_spec.ca.secret_name = cl_strdup("root");
    struct test_ca old = test_ca(t, "Old", NULL, true, 1000 * CL_DAY);
    struct test_ca new = test_ca(t, "New", NULL, true, 1000 * CL_DAY);
    struct issuer_facts f, g;
    t->pair_chain = old.cert_pem;
    t->pair_key = old.key_pem;
    struct issuer *i = create(t);
    run_step(t, &ca_issuer_ops, i, ISSUER_STEP_LOAD_CREDENTIALS);
    f = facts_of(t, &ca_issuer_ops, i);
    t->pair_chain = new.cert_pem;
    t->pair_key = new.key_pem;
    ca_issuer_ops.facts(i, loop_now(t->rt->loop) + CL_HOUR, &g);
    assert_string_not_equal(g.identity, f.identity);
    ca_issuer_ops.destroy(i);
    test_ca_deinit(&old);
    test_ca_deinit(&new);
    cl_free(t->issuer_spec.ca.secret_name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        issuer_test_case(a_root_is_made_on_first_use_kept_privately_and_published),
        issuer_test_case(the_same_root_is_there_after_a_restart),
        issuer_test_case(a_damaged_root_is_not_replaced_silently),
        issuer_test_case(a_root_can_have_a_name_a_lifetime_and_constraints),
        issuer_test_case(an_rsa_root_is_made_beside_the_loop),
        issuer_test_case(making_a_root_can_be_cancelled),
        issuer_test_case(a_leaf_is_signed_and_passes_the_guard),
        issuer_test_case(no_leaf_outlives_the_root),
        issuer_test_case(a_name_that_the_roots_constraints_forbid_is_not_signed),
        issuer_test_case(a_generated_root_signs_no_further_ca),
        issuer_test_case(issuing_before_the_pair_is_there_fails),
        issuer_test_case(an_issuance_can_be_cancelled),
        issuer_test_case(a_missing_secret_names_both_places_and_is_found_once_it_is_there),
        issuer_test_case(an_intermediate_is_sent_along_and_its_root_is_known_from_ca_crt),
        issuer_test_case(a_pair_that_cannot_sign_is_refused),
        issuer_test_case(a_replaced_secret_is_taken_up_when_it_is_whole),
        issuer_test_case(an_archived_pair_that_was_renewed_is_taken_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
