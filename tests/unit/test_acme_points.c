/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of RFC 8555 get wrong about orders, and the profiles draft: the order machine again,
 * against answers that CAs do give. */
#include "tests/unit/acme_order_fixture.h"
#undef COUNT
#include "tests/unit/crypto_fixture.h"

#define PENDING(name, wildcard)                                                                \
    "{\"status\":\"pending\",\"wildcard\":" wildcard ",\"identifier\":{\"type\":\"dns\","      \
    "\"value\":\"" name "\"},\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/c/d\"," \
    "\"status\":\"pending\",\"token\":\"" TOKEN "\"}]}"

static void acme_point_20_the_same_pending_order_may_come_back(void **state)
{
    struct order_test *t = *state;

    /* Its challenge is being validated since an earlier run: it is not sent again. */
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "processing"), "present/0");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
    order_tell(t, EV_ADMITTED, 0, "");
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "verdict/0+ finalize");
}

static void acme_point_20_an_order_may_be_valid_at_once(void **state)
{
    struct order_test *t = *state;

    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "valid", CERTIFICATE), "save");
    order_tell(t, EV_SAVED, 0, "certificate");
}

static void acme_point_21_an_authorization_that_dies_drops_the_order(void **state)
{
    static const char *const STATUSES[] = {"deactivated", "expired", "revoked"};

    for (size_t i = 0; i < 3; i++) {
        struct order_test *t = *state;
        t->now = T0;
        order_to_watching(t);
        order_timer(t, CL_SECOND, "authorization/0");
        order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", STATUSES[i], "pending"),
                    "abort release/0 cleanup/0");
        order_tell(t, EV_CLEANED, 0, "done");
        assert_int_equal(t->o->err.kind, CL_ERR_TRANSIENT);
        assert_string_equal(t->o->err.reason, "AuthorizationGone");
        assert_null(t->o->url);
        acme_order_destroy(t->o);
        t->o = NULL;
    }
}

static void acme_point_22_one_challenge_of_an_authorization_is_answered(void **state)
{
    struct order_test *t = *state;

    t->solver.has_dns01 = true; /* both that the CA offers could be answered */
    order_to_watching(t);
    assert_string_equal(t->o->authz[0].type, "dns-01");
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_failed_authz("a.example", "dns"),
                "verdict/0- abort cleanup/0");
    assert_string_equal(t->o->names.items[0].identifier, "a.example");
    assert_string_equal(t->o->names.items[0].type, URN "dns");
}

static void acme_point_23_what_cannot_succeed_is_read_to_the_end_and_deactivated(void **state)
{
    struct order_test *t = *state;

    cl_strv_add(&t->spec.dns_names, "b.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("victim.example", "pending", "pending"), "");
    order_reply(t, ACME_AUTHZ, 1, ca_authz("b.example", "pending", "pending"),
                "abort deactivate/0 deactivate/1");
    order_reply(t, ACME_DEACTIVATE, 0, "{}", "");
    order_fails(t, ACME_DEACTIVATE, 1, order_problem(CL_ERR_TRANSIENT, 500, ""), "done");
    assert_string_equal(t->o->err.reason, "UnexpectedIdentifier");
    assert_null(t->o->url);
}

static void acme_point_23_reads_that_fail_meanwhile_are_passed_over(void **state)
{
    struct order_test *t = *state;

    cl_strv_add(&t->spec.dns_names, "b.example");
    cl_strv_add(&t->spec.dns_names, "c.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1 authorization/2");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("victim.example", "valid", "valid"), "");
    order_reply(t, ACME_AUTHZ, 1, "<html>", "");
    order_fails(t, ACME_AUTHZ, 2, order_problem(CL_ERR_TRANSIENT, 500, ""), "abort done");
    assert_string_equal(t->o->err.reason, "UnexpectedIdentifier");
}

static void acme_point_24_the_names_to_blame_are_told(void **state)
{
    struct order_test *t = *state;
    struct cl_err err = order_problem(CL_ERR_PERMANENT, 400, "rejectedIdentifier");
    struct name_problems names = {0};

    name_problems_add(&names, "BAD.example", "rejectedIdentifier", "not\x1b here");
    name_problems_add(&names, "bad.example", "caa", "the first word counts");
    order_start(t, "newOrder");
    order_event(t,
                (struct acme_event){
                    .type = EV_FAILED, .what = ACME_NEW_ORDER, .err = &err, .names = &names},
                "abort done");
    assert_int_equal(t->o->names.len, 1);
    assert_string_equal(t->o->names.items[0].identifier, "bad.example");
    assert_string_equal(t->o->names.items[0].type, URN "rejectedIdentifier");
    assert_string_equal(t->o->names.items[0].detail, "not\\x1B here");
    name_problems_deinit(&names);
}

static void acme_point_24_an_order_made_invalid_names_them_too(void **state)
{
    struct order_test *t = *state;

    order_to_finalize(t);
    order_reply(t, ACME_FINALIZE, 0,
                ca_order(t, "invalid",
                         ",\"error\":{\"type\":\"" URN
                         "compound\",\"detail\":\"d\",\"subproblems\":"
                         "[{\"type\":\"" URN "caa\",\"detail\":\"forbidden\",\"identifier\":"
                         "{\"type\":\"dns\",\"value\":\"a.example\"}}]}"),
                "abort cleanup/0");
    assert_int_equal(t->o->names.len, 1);
    assert_string_equal(t->o->names.items[0].detail, "forbidden");
}

static void acme_point_25_apex_and_wildcard_are_there_at_the_same_time(void **state)
{
    struct order_test *t = *state;

    t->solver.has_http01 = false;
    t->solver.has_dns01 = true;
    cl_strv_add(&t->spec.dns_names, "*.a.example");
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0 authorization/1");
    order_reply(t, ACME_AUTHZ, 0, PENDING("a.example", "true"), "");
    order_reply(t, ACME_AUTHZ, 1, PENDING("a.example", "false"), "present/0 present/1");
    assert_true(t->o->authz[0].wildcard);
    assert_string_equal(t->o->authz[0].identifier, "a.example");
    order_tell(t, EV_PRESENTED, 1, ""); /* no challenge before both are there */
    order_tell(t, EV_PRESENTED, 0, "admit/0 admit/1");
}

static void acme_point_26_a_ca_that_takes_no_lifetime_is_asked_without(void **state)
{
    struct order_test *t = *state;
    struct cl_err err = order_problem(CL_ERR_PERMANENT, 400, "malformed");

    t->p.request_duration = true;
    t->spec.duration = 30 * CL_DAY;
    order_start(t, "newOrder");
    assert_non_null(strstr(t->payload, "\"notAfter\":\"2026-02-01T15:04:05Z\""));
    (void)cl_format(err.text, sizeof err.text, "NotBefore and NotAfter are not supported");
    order_fails(t, ACME_NEW_ORDER, 0, err, "newOrder");
    assert_null(strstr(t->payload, "notAfter"));
    assert_int_equal(t->o->warnings.len, 1);
    order_fails(t, ACME_NEW_ORDER, 0, err, "abort done"); /* once is enough */
}

/* ---- profiles ---- */

static void a_profile_is_asked_for_and_its_echo_accepted(void **state)
{
    struct order_test *t = *state;

    t->p.profile = "shortlived";
    order_start(t, "newOrder");
    assert_non_null(strstr(t->payload, "\"profile\":\"shortlived\""));
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "ready", ",\"profile\":\"shortlived\""), "save");
    order_tell(t, EV_SAVED, 0, "finalize");
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE), "certificate");
}

static void an_order_with_another_profile_is_given_up_and_told(void **state)
{
    static const char *const ECHOES[] = {"", ",\"profile\":\"classic\"", ",\"profile\":7"};

    for (size_t i = 0; i < 3; i++) {
        struct order_test *t = *state;
        t->p.profile = "shortlived";
        order_start(t, "newOrder");
        order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ECHOES[i]), "authorization/0");
        order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"),
                    "abort deactivate/0");
        order_reply(t, ACME_DEACTIVATE, 0, "{}", "done");
        assert_int_equal(t->o->err.kind, CL_ERR_BAD_RESULT);
        assert_string_equal(t->o->err.reason, "ProfileMismatch");
        assert_null(t->o->url);
        acme_order_destroy(t->o);
        t->o = NULL;
    }
}

static void a_profile_that_changes_on_the_way_is_not_installed(void **state)
{
    struct order_test *t = *state;

    t->p.profile = "shortlived";
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "ready", ",\"profile\":\"shortlived\""), "save");
    order_tell(t, EV_SAVED, 0, "finalize");
    order_reply(t, ACME_FINALIZE, 0, ca_order(t, "valid", CERTIFICATE ",\"profile\":\"classic\""),
                "abort done");
    assert_string_equal(t->o->err.reason, "ProfileMismatch");
    assert_null(t->o->chain);
}

static void an_order_of_another_profile_is_not_resumed(void **state)
{
    struct order_test *t = *state;

    t->p.profile = "shortlived";
    t->p.order_url = ORDER_URL;
    order_start(t, "order");
    order_reply(t, ACME_ORDER, 0, ca_order(t, "pending", ",\"profile\":\"classic\""), "newOrder");
}

/* ---- chains ---- */

struct two_chains {
    struct test_ca one, two;
    struct key *k;
    struct cert_spec spec;
    char *first, *second; /* of three and of two certificates */
    struct cl_strv links;
};

static void chains_init(struct two_chains *c)
{
    ca_init(&c->one);
    ca_init(&c->two);
    c->k = a_key();
    c->spec = spec_for("a.example");
    c->first = ca_issue(&c->one, &c->spec, c->k, 90 * CL_DAY);
    char *leaf = signed_by(c->two.a, c->two.a_key, &c->spec, c->k, 90 * CL_DAY);
    c->second = cl_printf("%s%s", leaf, c->two.a);
    cl_free(leaf);
    c->links = (struct cl_strv){0};
    cl_strv_add(&c->links, "https://ca/cert/1/1");
}

static void chains_deinit(struct two_chains *c)
{
    ca_deinit(&c->one);
    ca_deinit(&c->two);
    key_destroy(c->k);
    spec_free(&c->spec);
    cl_free(c->first);
    cl_free(c->second);
    cl_strv_deinit(&c->links);
}

static void chain_reply(struct order_test *t, const char *pem, const struct cl_strv *links,
                        const char *wanted)
{
    struct acme_reply r = {.status = 200, .body = pem, .len = strlen(pem), .alternates = links};

    order_event(t, (struct acme_event){.type = EV_REPLY, .what = ACME_CERTIFICATE, .reply = &r},
                wanted);
}

static char *fingerprint(const char *pem)
{
    struct cert_links l = {0};

    assert_int_equal(cert_links_read(pem, &l, NULL), 0);
    char *sha256 = cl_strdup(l.items[0].sha256);
    cert_links_deinit(&l);
    return sha256;
}

/* Downloads with @p; @asked: is the alternate asked for; @second: is it taken in the end? */
static void choose(struct order_test *t, const struct two_chains *c,
                   const struct chain_preference *p, bool asked, bool second)
{
    t->p.chain = p;
    t->p.certificate_url = "https://ca/cert/1";
    order_start(t, "certificate");
    chain_reply(t, c->first, &c->links, asked ? "certificate" : "done");
    if (asked) {
        chain_reply(t, c->second, NULL, "done");
    }
    assert_string_equal(t->o->chain, second ? c->second : c->first);
    assert_int_equal(t->o->err.kind, CL_ERR_NONE);
    assert_string_equal(t->o->certificate_url, "https://ca/cert/1");
    acme_order_destroy(t->o);
    t->o = NULL;
}

static void acme_point_36_alternates_are_asked_for_only_if_the_default_does_not_fit(void **state)
{
    struct order_test *t = *state;
    struct two_chains c;
    char root[] = "root", a[] = "int-a", b[] = "int-b", nobody[] = "nobody";

    chains_init(&c);
    char *sha256 = fingerprint(c.two.a);
    choose(t, &c, NULL, false, false);
    choose(t, &c, &(struct chain_preference){.root = root}, false, false);
    choose(t, &c, &(struct chain_preference){.issuer = b}, false, false);
    choose(t, &c, &(struct chain_preference){.issuer = a}, false, false);
    choose(t, &c, &(struct chain_preference){.sha256 = sha256}, true, true);
    choose(t, &c, &(struct chain_preference){.shortest = true}, true, true);
    choose(t, &c, &(struct chain_preference){.root = nobody}, true, false);
    choose(t, &c, &(struct chain_preference){.root = a}, true, false); /* it is no root */
    cl_free(sha256);
    chains_deinit(&c);
}

static void acme_point_36_no_chain_that_fits_is_a_warning(void **state)
{
    struct order_test *t = *state;
    struct two_chains c;
    char nobody[] = "nobody";
    const struct chain_preference p = {.root = nobody};

    chains_init(&c);
    cl_strv_add(&c.links, "https://ca/cert/1/2");
    t->p.chain = &p;
    t->p.certificate_url = "https://ca/cert/1";
    order_start(t, "certificate");
    chain_reply(t, c.first, &c.links, "certificate");
    chain_reply(t, "<html>", NULL, "certificate");
    order_fails(t, ACME_CERTIFICATE, 0, order_problem(CL_ERR_TRANSIENT, 500, ""), "done");
    assert_int_equal(t->o->err.kind, CL_ERR_NONE);
    assert_string_equal(t->o->chain, c.first);
    assert_int_equal(t->o->warnings.len, 2); /* a failed download, and the outcome */
    assert_non_null(strstr(t->o->warnings.items[1], "no chain with preferredChain root nobody"));
    chains_deinit(&c);
}

static void a_certificate_that_is_gone_cannot_be_downloaded_again(void **state)
{
    struct order_test *t = *state;

    t->p.certificate_url = "https://ca/cert/1";
    order_start(t, "certificate");
    order_fails(t, ACME_CERTIFICATE, 0, order_problem(CL_ERR_TRANSIENT, 404, ""), "abort done");
    assert_int_equal(t->o->err.http_status, 404);
}

static void acme_point_35_a_chain_is_put_in_order_or_refused(void **state)
{
    struct two_chains c;
    char *fixed = NULL;
    struct cl_err err = {0};

    (void)state;
    chains_init(&c);
    char *leaf = signed_by(c.one.b, c.one.b_key, &c.spec, c.k, 90 * CL_DAY);
    char *wrong = cl_printf("%s%s%s%s", c.one.a, c.two.b, leaf, c.one.b);
    char *good = cl_printf("%s%s%s", leaf, c.one.b, c.one.a);
    char *broken = cl_printf("%s%s", leaf, c.one.a);

    assert_int_equal(cert_chain_repair(good, c.k, &fixed, &err), 0);
    assert_null(fixed); /* nothing to mend */
    assert_int_equal(cert_chain_repair(wrong, c.k, &fixed, &err), 0);
    assert_string_equal(fixed, good); /* the stranger is gone, too */
    cl_free(fixed);
    assert_int_equal(cert_chain_repair(broken, c.k, &fixed, &err), -1);
    assert_string_equal(err.reason, "InvalidChain");
    assert_int_equal(cert_chain_repair(good, c.two.b_key, &fixed, &err), -1);
    assert_string_equal(err.reason, "WrongKey");
    assert_int_equal(cert_chain_repair("garbage", c.k, &fixed, &err), -1);
    cl_free(leaf);
    cl_free(wrong);
    cl_free(good);
    cl_free(broken);
    chains_deinit(&c);
}

static void acme_point_37_a_chain_of_four_passes_the_guard(void **state)
{
    struct two_chains c;
    struct cert_facts f = {0};
    struct cl_err err = {0};

    (void)state;
    chains_init(&c);
    struct key *k3 = a_key();
    char *third = ca_cert("int-c", c.one.b, c.one.b_key, k3, 400 * CL_DAY);
    char *leaf = signed_by(third, k3, &c.spec, c.k, 90 * CL_DAY);
    char *chain = cl_printf("%s%s%s%s", leaf, third, c.one.b, c.one.a);

    if (cert_guard(chain, &c.spec, c.k, NOW, &f, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(f.chain_length, 4);
    cert_facts_deinit(&f);
    key_destroy(k3);
    cl_free(third);
    cl_free(leaf);
    cl_free(chain);
    chains_deinit(&c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, order_setup, order_teardown)
    const struct CMUnitTest tests[] = {
        TEST(acme_point_20_the_same_pending_order_may_come_back),
        TEST(acme_point_20_an_order_may_be_valid_at_once),
        TEST(acme_point_21_an_authorization_that_dies_drops_the_order),
        TEST(acme_point_22_one_challenge_of_an_authorization_is_answered),
        TEST(acme_point_23_what_cannot_succeed_is_read_to_the_end_and_deactivated),
        TEST(acme_point_23_reads_that_fail_meanwhile_are_passed_over),
        TEST(acme_point_24_the_names_to_blame_are_told),
        TEST(acme_point_24_an_order_made_invalid_names_them_too),
        TEST(acme_point_25_apex_and_wildcard_are_there_at_the_same_time),
        TEST(acme_point_26_a_ca_that_takes_no_lifetime_is_asked_without),
        TEST(a_profile_is_asked_for_and_its_echo_accepted),
        TEST(an_order_with_another_profile_is_given_up_and_told),
        TEST(a_profile_that_changes_on_the_way_is_not_installed),
        TEST(an_order_of_another_profile_is_not_resumed),
        TEST(acme_point_36_alternates_are_asked_for_only_if_the_default_does_not_fit),
        TEST(acme_point_36_no_chain_that_fits_is_a_warning),
        TEST(a_certificate_that_is_gone_cannot_be_downloaded_again),
        cmocka_unit_test(acme_point_35_a_chain_is_put_in_order_or_refused),
        cmocka_unit_test(acme_point_37_a_chain_of_four_passes_the_guard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
