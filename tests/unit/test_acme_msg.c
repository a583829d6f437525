/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a CA, and ours. */
#include "backends/acme/acme_msg.h"
#include "backends/acme/acme_request.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/acme_fixture.h"

#define DIRECTORY                                                            \
    "{\"newNonce\":\"https://ca/nonce\",\"newAccount\":\"https://ca/acct\"," \
    "\"newOrder\":\"https://ca/order\""

static int directory(const char *text, struct acme_directory *ret, struct cl_err *err)
{
    return acme_msg_directory(text, strlen(text), false, ret, err);
}

static void a_directory_with_its_three_urls_is_enough(void **state)
{
    struct acme_directory d;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(directory(DIRECTORY "}", &d, &err), 0);
    assert_string_equal(d.new_nonce, "https://ca/nonce");
    assert_string_equal(d.new_account, "https://ca/acct");
    assert_string_equal(d.new_order, "https://ca/order");
    assert_null(d.terms_of_service);
    assert_false(d.external_account_required);
    acme_directory_deinit(&d);
}

static void the_meta_of_a_directory_is_read(void **state)
{
    struct acme_directory d;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(
        directory(DIRECTORY ",\"renewalInfo\":\"https://ca/ari\",\"keyChange\":\"http://bad/\","
                            "\"revokeCert\":\"https://ca/revoke\",\"jk3_2\":\"https://noise\","
                            "\"meta\":{\"termsOfService\":\"data:text/plain,x\",\"website\":"
                            "\"https://ca/\",\"externalAccountRequired\":true,\"caaIdentities\":["
                            "\"ca.example\",1],\"profiles\":{\"tlsserver\":\"d\",\"x\":\"y\"}}}",
                  &d, &err),
        0);
    assert_string_equal(d.renewal_info, "https://ca/ari");
    assert_string_equal(d.revoke_cert, "https://ca/revoke");
    assert_null(d.key_change); /* not https: as if it were not there */
    assert_string_equal(d.terms_of_service, "data:text/plain,x");
    assert_string_equal(d.website, "https://ca/");
    assert_true(d.external_account_required);
    assert_int_equal(d.caa_identities.len, 1);
    assert_int_equal(d.profiles.len, 2);
    acme_directory_deinit(&d);
}

static void what_is_no_directory_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } CASES[] = {
        {"", "NotJSON"},
        {"<html>504 Gateway Time-out</html>", "NotJSON"},
        {"[]", "NotJSON"},
        {"\"text\"", "NotJSON"},
        {"{\"a\":1,\"a\":2}", "NotJSON"},
        {"{}", "BadURL"},
        {"{\"newNonce\":\"https://ca/nonce\",\"newAccount\":\"https://ca/acct\"}", "BadURL"},
        {"{\"newNonce\":\"http://ca/nonce\"}", "BadURL"},
        {"{\"newNonce\":\"file:///etc/passwd\"}", "BadURL"},
        {"{\"newNonce\":7}", "BadURL"},
        {"{\"newNonce\":null}", "BadURL"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct acme_directory d;
        struct cl_err err = {0};
        assert_int_equal(directory(CASES[i].text, &d, &err), -1);
        assert_int_equal(err.kind, CL_ERR_BAD_RESULT);
        assert_string_equal(err.reason, CASES[i].reason);
    }
    assert_int_equal(acme_msg_directory(NULL, 0, false, &(struct acme_directory){0}, NULL), -1);
}

#define ORDER                                                                                     \
    "{\"status\":\"pending\",\"expires\":\"2026-01-05T14:09:07.99Z\",\"identifiers\":[{\"type\":" \
    "\"dns\",\"value\":\"WWW.example.org\"},{\"type\":\"ip\",\"value\":\"192.0.2.1\"}],"          \
    "\"authorizations\":[\"https://ca/authz/1\",\"https://ca/authz/2\"],\"finalize\":"            \
    "\"https://ca/fin\"%s}"

static int order(const char *text, struct acme_order_msg *ret, struct cl_err *err)
{
    return acme_msg_order(text, strlen(text), false, ret, err);
}

static void an_order_is_read(void **state)
{
    struct acme_order_msg o;
    struct cl_err err = {0};
    char *text = cl_printf(ORDER, ",\"certificate\":\"https://ca/cert\",\"error\":{\"type\":"
                                  "\"urn:ietf:params:acme:error:badCSR\",\"detail\":\"no\"}");

    (void)state;
    assert_int_equal(order(text, &o, &err), 0);
    assert_int_equal(o.status, ACME_STATUS_PENDING);
    assert_int_equal(o.expires / CL_SECOND, 1767622147);
    assert_int_equal(o.n_identifiers, 2);
    assert_string_equal(o.identifiers[0].value, "www.example.org");
    assert_string_equal(o.identifiers[1].type, "ip");
    assert_int_equal(o.authorizations.len, 2);
    assert_string_equal(o.finalize, "https://ca/fin");
    assert_string_equal(o.certificate, "https://ca/cert");
    assert_true(o.has_error);
    assert_string_equal(o.error.type, "badCSR");
    acme_order_msg_deinit(&o);
    cl_free(text);
}

static void all_statuses_of_rfc_8555_are_known(void **state)
{
    static const char *const NAMES[] = {"pending", "processing",  "ready",   "valid",
                                        "invalid", "deactivated", "expired", "revoked"};

    (void)state;
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        struct acme_account_msg a;
        struct cl_err err = {0};
        char *text = cl_printf("{\"status\":\"%s\"}", NAMES[i]);
        assert_int_equal(acme_msg_account(text, strlen(text), &a, &err), 0);
        assert_string_equal(acme_status_name(a.status), NAMES[i]);
        acme_account_msg_deinit(&a);
        cl_free(text);
    }
}

static void what_is_no_order_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } CASES[] = {
        {"{", "NotJSON"},
        {"{}", "BadStatus"},
        {"{\"status\":\"unheard-of\"}", "BadStatus"},
        {"{\"status\":\"\"}", "BadStatus"},
        {"{\"status\":\"valid\"}", "BadURL"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\"}", "BadOrder"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\",\"identifiers\":[]}", "BadOrder"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\",\"identifiers\":[{\"type\":\"dns\"}]}",
         "BadOrder"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\",\"identifiers\":[7]}", "BadOrder"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\",\"identifiers\":[{\"type\":\"dns\","
         "\"value\":\"a.b\"}]}",
         "BadOrder"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\",\"identifiers\":[{\"type\":\"dns\","
         "\"value\":\"a.b\"}],\"authorizations\":[\"http://ca/1\"]}",
         "BadURL"},
        {"{\"status\":\"valid\",\"finalize\":\"https://ca/f\",\"identifiers\":[{\"type\":\"dns\","
         "\"value\":\"a.b\"}],\"authorizations\":[\"https://ca/1\"],\"certificate\":\"x\"}",
         "BadURL"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct acme_order_msg o;
        struct cl_err err = {0};
        assert_int_equal(order(CASES[i].text, &o, &err), -1);
        assert_int_equal(err.kind, CL_ERR_BAD_RESULT);
        assert_string_equal(err.reason, CASES[i].reason);
    }
}

static void an_order_of_more_than_1000_authorizations_is_refused(void **state)
{
    struct cl_strv many = {0};
    struct acme_order_msg o;
    struct cl_err err = {0};

    (void)state;
    for (unsigned i = 0; i <= ACME_MAX_AUTHORIZATIONS; i++) {
        cl_strv_add(&many, "\"https://ca/authz/1\"");
    }
    char *list = cl_strv_join(&many, ",");
    char *text = cl_printf("{\"status\":\"pending\",\"finalize\":\"https://ca/f\",\"identifiers\":"
                           "[{\"type\":\"dns\",\"value\":\"a.b\"}],\"authorizations\":[%s]}",
                           list);
    assert_int_equal(order(text, &o, &err), -1);
    assert_string_equal(err.reason, "BadOrder");
    cl_free(text);
    cl_free(list);
    cl_strv_deinit(&many);
}

static void an_order_is_for_a_spec_if_the_names_are_the_same_set(void **state)
{
    static const struct {
        const char *dns[3];
        const char *ip;
        bool same;
    } CASES[] = {
        {{"www.example.org"}, "192.0.2.1", true},
        {{"www.example.org"}, NULL, false},
        {{"www.example.org", "example.org"}, NULL, false},
        {{"other.example.org"}, "192.0.2.1", false},
        {{"192.0.2.1", "www.example.org"}, NULL, false},
    };
    struct acme_order_msg o;
    struct cl_err err = {0};
    char *text = cl_printf(ORDER, "");

    (void)state;
    assert_int_equal(order(text, &o, &err), 0);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cert_spec spec = {0};
        for (size_t n = 0; CASES[i].dns[n] != NULL; n++) {
            cl_strv_add(&spec.dns_names, CASES[i].dns[n]);
        }
        if (CASES[i].ip != NULL) {
            cl_strv_add(&spec.ip_addresses, CASES[i].ip);
        }
        assert_int_equal(acme_msg_order_is_for(&o, &spec), CASES[i].same);
        cl_strv_deinit(&spec.dns_names);
        cl_strv_deinit(&spec.ip_addresses);
    }
    acme_order_msg_deinit(&o);
    cl_free(text);
}

static int authz(const char *text, struct acme_authz_msg *ret, struct cl_err *err)
{
    return acme_msg_authz(text, strlen(text), false, ret, err);
}

static void an_authorization_keeps_the_challenges_that_make_sense(void **state)
{
    static const char TEXT[] =
        "{\"status\":\"pending\",\"expires\":\"2026-01-02T15:04:05Z\",\"wildcard\":true,"
        "\"identifier\":{\"type\":\"dns\",\"value\":\"example.org\"},\"challenges\":["
        "{\"type\":\"http-01\",\"url\":\"https://ca/c/1\",\"status\":\"pending\",\"token\":\"t1\"},"
        "{\"type\":\"dns-persist-01\",\"url\":\"https://ca/c/2\",\"status\":\"pending\","
        "\"issuer-domain-names\":[\"ca\"]},"
        "{\"type\":\"odd-01\",\"url\":\"ftp://ca/c/3\",\"status\":\"pending\"},"
        "{\"type\":\"no-status\",\"url\":\"https://ca/c/4\"},"
        "{\"url\":\"https://ca/c/5\",\"status\":\"pending\"},7,"
        "{\"type\":\"http-01\",\"url\":\"https://ca/c/6\",\"status\":\"invalid\",\"error\":{"
        "\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"NXDOMAIN\"}}]}";
    struct acme_authz_msg a;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(authz(TEXT, &a, &err), 0);
    assert_int_equal(a.status, ACME_STATUS_PENDING);
    assert_true(a.wildcard);
    assert_string_equal(a.identifier.value, "example.org");
    assert_int_equal(a.expires / CL_SECOND, 1767366245);
    assert_int_equal(a.n_challenges, 3);
    assert_string_equal(a.challenges[0].token, "t1");
    assert_null(a.challenges[1].token);
    assert_true(a.challenges[2].has_error);
    assert_string_equal(a.challenges[2].error.detail, "NXDOMAIN");
    acme_authz_msg_deinit(&a);
}

static void an_authorization_needs_status_and_identifier(void **state)
{
    static const struct {
        const char *text, *reason;
    } CASES[] = {
        {"no", "NotJSON"},
        {"{\"identifier\":{\"type\":\"dns\",\"value\":\"a.b\"}}", "BadStatus"},
        {"{\"status\":\"valid\"}", "BadAuthorization"},
        {"{\"status\":\"valid\",\"identifier\":{\"type\":\"dns\",\"value\":\"\"}}",
         "BadAuthorization"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct acme_authz_msg a;
        struct cl_err err = {0};
        assert_int_equal(authz(CASES[i].text, &a, &err), -1);
        assert_string_equal(err.reason, CASES[i].reason);
    }
}

static void challenges_past_the_32nd_are_left_out(void **state)
{
    struct cl_strv many = {0};
    struct acme_authz_msg a;
    struct cl_err err = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        cl_strv_add(&many, "{\"type\":\"x\",\"url\":\"https://ca/c/1\",\"status\":\"pending\"}");
    }
    char *list = cl_strv_join(&many, ",");
    char *text = cl_printf("{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":"
                           "\"a.b\"},\"challenges\":[%s]}",
                           list);
    assert_int_equal(authz(text, &a, &err), 0);
    assert_int_equal(a.n_challenges, ACME_MAX_CHALLENGES);
    acme_authz_msg_deinit(&a);
    cl_free(text);
    cl_free(list);
    cl_strv_deinit(&many);
}

static void acme_point_06_html_is_no_problem_document_and_does_no_harm(void **state)
{
    static const char *const TEXTS[] = {"",     "<html>502</html>", "[]",        "{}",
                                        "null", "{\"x\":1}",        "{\"type\":"};

    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        struct acme_problem p;
        assert_int_equal(acme_msg_problem(TEXTS[i], strlen(TEXTS[i]), &p), -1);
    }
}

static void acme_point_24_subproblems_are_read_with_their_names(void **state)
{
    static const char TEXT[] =
        "{\"type\":\"urn:ietf:params:acme:error:malformed\",\"detail\":\"Some\",\"instance\":"
        "\"https://ca/i\",\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:"
        "rejectedIdentifier\",\"detail\":\"no\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.b\"}"
        "},{\"detail\":\"without a name\"},{\"type\":\"x\",\"detail\":\"nor this\",\"identifier\":"
        "{\"type\":\"dns\",\"value\":\"c.d\"}}]}";
    struct acme_problem p;

    (void)state;
    assert_int_equal(acme_msg_problem(TEXT, strlen(TEXT), &p), 0);
    assert_string_equal(p.type, "malformed");
    assert_string_equal(p.instance, "https://ca/i");
    assert_string_equal(p.identifier, "a.b");
    assert_string_equal(p.subtype, "rejectedIdentifier");
    assert_string_equal(p.subproblems, "a.b: no; c.d: nor this");
    acme_problem_deinit(&p);
}

static void a_problem_of_an_old_or_foreign_kind_keeps_its_type(void **state)
{
    static const struct {
        const char *text, *type, *detail;
    } CASES[] = {
        {"{\"type\":\"urn:acme:error:malformed\"}", "malformed", ""},
        {"{\"type\":\"about:blank\",\"detail\":7}", "about:blank", ""},
        {"{\"detail\":\"only\"}", "", "only"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct acme_problem p;
        assert_int_equal(acme_msg_problem(CASES[i].text, strlen(CASES[i].text), &p), 0);
        assert_string_equal(p.type, CASES[i].type);
        assert_string_equal(p.detail, CASES[i].detail);
        acme_problem_deinit(&p);
    }
}

static void an_account_is_read_with_its_contacts(void **state)
{
    static const char TEXT[] = "{\"status\":\"valid\",\"contact\":[\"mailto:a@b\",7],\"orders\":1}";
    struct acme_account_msg a;
    struct cl_err err = {0};

    (void)state;
    assert_int_equal(acme_msg_account(TEXT, strlen(TEXT), &a, &err), 0);
    assert_int_equal(a.status, ACME_STATUS_VALID);
    assert_int_equal(a.contact.len, 1);
    acme_account_msg_deinit(&a);
    assert_int_equal(acme_msg_account("x", 1, &a, &err), -1);
}

static void acme_point_16_contacts_may_be_empty(void **state)
{
    static const struct {
        const char *email, *payload;
        bool agreed;
    } CASES[] = {
        {NULL, "{}", false},
        {NULL, "{\"termsOfServiceAgreed\":true}", true},
        {"ops@example.org",
         "{\"contact\":[\"mailto:ops@example.org\"],\"termsOfServiceAgreed\":true}", true},
        {"a@b, mailto:c@d", "{\"contact\":[\"mailto:a@b\",\"mailto:c@d\"]}", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_strv contacts = {0};
        acme_msg_contacts(CASES[i].email, &contacts);
        char *payload = acme_msg_new_account(&contacts, CASES[i].agreed);
        assert_string_equal(payload, CASES[i].payload);
        cl_free(payload);
        cl_strv_deinit(&contacts);
    }
    struct cl_strv none = {0};
    char *update = acme_msg_update_account(&none, false);
    assert_string_equal(update, "{\"contact\":[]}");
    cl_free(update);
}

static void an_order_asks_for_all_names_and_for_a_lifetime_only_if_told(void **state)
{
    struct cert_spec spec = {0};

    (void)state;
    cl_strv_add(&spec.dns_names, "*.example.org");
    cl_strv_add(&spec.ip_addresses, "2001:db8::1");
    char *text = acme_msg_new_order(&spec, &(struct acme_wishes){0});
    assert_string_equal(text, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"*.example.org\"},"
                              "{\"type\":\"ip\",\"value\":\"2001:db8::1\"}]}");
    cl_free(text);
    text = acme_msg_new_order(
        &spec, &(struct acme_wishes){.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
                                     .not_after = 1767366245000});
    assert_non_null(strstr(text, "\"notAfter\":\"2026-01-02T15:04:05Z\""));
    assert_non_null(strstr(text, "\"replaces\":\"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE\""));
    cl_free(text);
    text = acme_msg_finalize("MIIB");
    assert_string_equal(text, "{\"csr\":\"MIIB\"}");
    cl_free(text);
    cl_strv_deinit(&spec.dns_names);
    cl_strv_deinit(&spec.ip_addresses);
}

static void every_request_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < ACME_WHAT_COUNT; i++) {
        assert_true(strlen(acme_what_name((enum acme_what)i)) > 0);
    }
    assert_string_equal(acme_what_name(ACME_NEW_ORDER), "newOrder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_with_its_three_urls_is_enough),
        cmocka_unit_test(the_meta_of_a_directory_is_read),
        cmocka_unit_test(what_is_no_directory_is_refused),
        cmocka_unit_test(an_order_is_read),
        cmocka_unit_test(all_statuses_of_rfc_8555_are_known),
        cmocka_unit_test(what_is_no_order_is_refused),
        cmocka_unit_test(an_order_of_more_than_1000_authorizations_is_refused),
        cmocka_unit_test(an_order_is_for_a_spec_if_the_names_are_the_same_set),
        cmocka_unit_test(an_authorization_keeps_the_challenges_that_make_sense),
        cmocka_unit_test(an_authorization_needs_status_and_identifier),
        cmocka_unit_test(challenges_past_the_32nd_are_left_out),
        cmocka_unit_test(acme_point_06_html_is_no_problem_document_and_does_no_harm),
        cmocka_unit_test(acme_point_24_subproblems_are_read_with_their_names),
        cmocka_unit_test(a_problem_of_an_old_or_foreign_kind_keeps_its_type),
        cmocka_unit_test(an_account_is_read_with_its_contacts),
        cmocka_unit_test(acme_point_16_contacts_may_be_empty),
        cmocka_unit_test(an_order_asks_for_all_names_and_for_a_lifetime_only_if_told),
        cmocka_unit_test(every_request_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
