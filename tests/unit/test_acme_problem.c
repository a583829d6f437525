/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of the CA means. */
#include "backends/acme/acme_problem.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/acme_fixture.h"

#define NOW 1767366245000 /* 2026-01-02T15:04:05Z */
#define URN "urn:ietf:params:acme:error:"

static struct cl_err answer(long status, const char *retry_after, const char *body)
{
    struct acme_failure f = {
        .status = status, .retry_after = retry_after, .body = body, .len = strlen(body)};
    struct cl_err err;

    acme_problem_to_err(&f, NOW, &err);
    return err;
}

static struct cl_err problem(long status, const char *retry_after, const char *type,
                             const char *detail)
{
    char *body = cl_printf("{\"type\":\"" URN "%s\",\"detail\":\"%s\"}", type, detail);
    struct cl_err err = answer(status, retry_after, body);

    cl_free(body);
    return err;
}

static struct cl_err verdict(const char *type)
{
    struct acme_problem p = {.type = cl_strdup(type), .detail = cl_strdup("why")};
    struct cl_err err;

    acme_problem_verdict(&p, "a.example", &err);
    acme_problem_deinit(&p);
    return err;
}

/* Point 28 of the conformance list, as a table of our own. */
static void acme_point_28_every_problem_type_has_a_class(void **state)
{
    static const struct {
        const char *type;
        enum cl_err_kind request, verdict;
    } CASES[] = {
        {"accountDoesNotExist", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"alreadyReplaced", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT},
        {"alreadyRevoked", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"badCSR", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"badNonce", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT},
        {"badPublicKey", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"badRevocationReason", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"badSignatureAlgorithm", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"caa", CL_ERR_VALIDATION, CL_ERR_VALIDATION},
        {"compound", CL_ERR_PERMANENT, CL_ERR_VALIDATION},
        {"conflict", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT},
        {"connection", CL_ERR_VALIDATION, CL_ERR_VALIDATION},
        {"dns", CL_ERR_VALIDATION, CL_ERR_VALIDATION},
        {"externalAccountRequired", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"incorrectResponse", CL_ERR_VALIDATION, CL_ERR_VALIDATION},
        {"invalidContact", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"invalidProfile", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"malformed", CL_ERR_PERMANENT, CL_ERR_VALIDATION},
        {"orderNotReady", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT},
        {"rateLimited", CL_ERR_RATE_LIMITED, CL_ERR_RATE_LIMITED},
        {"rejectedIdentifier", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"serverInternal", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT},
        {"tls", CL_ERR_VALIDATION, CL_ERR_VALIDATION},
        {"unauthorized", CL_ERR_PERMANENT, CL_ERR_VALIDATION},
        {"unsupportedContact", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"unsupportedIdentifier", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
        {"userActionRequired", CL_ERR_PERMANENT, CL_ERR_PERMANENT},
    };
    size_t rows;
    const struct acme_problem_row *table = acme_problem_rows(&rows);

    (void)state;
    assert_int_equal(rows, COUNT(CASES));
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err request = problem(400, NULL, CASES[i].type, "why");
        struct cl_err decided = verdict(CASES[i].type);

        assert_string_equal(table[i].type, CASES[i].type);
        assert_int_equal(request.kind, CASES[i].request);
        assert_int_equal(decided.kind, CASES[i].verdict);
        assert_string_equal(request.reason, table[i].reason);
        assert_true(acme_problem_is(&request, CASES[i].type));
        assert_int_equal(request.http_status, 400);
        assert_non_null(strstr(request.text, "why"));
        assert_string_equal(decided.identifier, "a.example");
        assert_string_equal(decided.reason, table[i].reason);
    }
}

static void acme_point_08_429_503_and_409_differ(void **state)
{
    static const struct {
        long status;
        const char *retry_after;
        enum cl_err_kind kind;
        const char *reason;
    } CASES[] = {
        {429, "120", CL_ERR_RATE_LIMITED, "RateLimited"},
        {429, NULL, CL_ERR_RATE_LIMITED, "RateLimited"},
        {503, "120", CL_ERR_BUSY, "Busy"},
        {503, NULL, CL_ERR_TRANSIENT, "ServerError"},
        {500, "60", CL_ERR_TRANSIENT, "ServerError"},
        {502, NULL, CL_ERR_TRANSIENT, "ServerError"},
        {599, NULL, CL_ERR_TRANSIENT, "ServerError"},
        {409, NULL, CL_ERR_TRANSIENT, "Conflict"},
        {404, NULL, CL_ERR_TRANSIENT, "NotFound"},
        {410, NULL, CL_ERR_TRANSIENT, "NotFound"},
        {408, NULL, CL_ERR_TRANSIENT, "TimedOut"},
        {425, NULL, CL_ERR_TRANSIENT, "TooEarly"},
        {400, NULL, CL_ERR_PERMANENT, "Refused"},
        {403, NULL, CL_ERR_PERMANENT, "Refused"},
        {302, NULL, CL_ERR_BAD_RESULT, "UnexpectedRedirect"},
        {101, NULL, CL_ERR_BAD_RESULT, "UnexpectedStatus"},
        {999, NULL, CL_ERR_BAD_RESULT, "UnexpectedStatus"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = answer(CASES[i].status, CASES[i].retry_after, "<html>x</html>");
        assert_int_equal(err.kind, CASES[i].kind);
        assert_string_equal(err.reason, CASES[i].reason);
        assert_string_equal(err.type, "");
    }
}

static void a_status_that_says_more_than_the_type_wins(void **state)
{
    struct cl_err err;

    (void)state;
    err = problem(404, NULL, "malformed", "No order for ID 7");
    assert_int_equal(err.kind, CL_ERR_TRANSIENT);
    assert_string_equal(err.reason, "NotFound");
    err = problem(503, "30", "serverInternal", "busy");
    assert_int_equal(err.kind, CL_ERR_BUSY);
    err = problem(500, NULL, "malformed", "x");
    assert_int_equal(err.kind, CL_ERR_TRANSIENT);
    err = problem(429, NULL, "unheardOf", "x");
    assert_int_equal(err.kind, CL_ERR_RATE_LIMITED);
    err = problem(400, NULL, "unheardOf", "x");
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
    assert_string_equal(err.type, URN "unheardOf");
}

static void
acme_point_07_retry_after_is_seconds_or_a_date_and_never_shortened_but_to_a_day(void **state)
{
    static const struct {
        const char *header;
        cl_time wanted; /* after NOW; -1 = none */
    } CASES[] = {
        {"7", 7 * CL_SECOND},
        {"0", 1 * CL_SECOND},
        {"86400", CL_DAY},
        {"999999", CL_DAY},
        {"Fri, 02 Jan 2026 15:05:05 GMT", CL_MINUTE},
        {"Fri, 02 Jan 2026 15:00:00 GMT", 1 * CL_SECOND},
        {"soon", -1},
        {"-5", -1},
        {"", -1},
        {NULL, -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        cl_time wanted = CASES[i].wanted < 0 ? 0 : NOW + CASES[i].wanted;
        assert_int_equal(acme_retry_after(CASES[i].header, NOW), wanted);
        assert_int_equal(answer(500, CASES[i].header, "").retry_at, wanted);
    }
}

static void the_date_in_a_detail_stands_in_for_retry_after(void **state)
{
    static const struct {
        const char *retry_after, *detail;
        cl_time wanted;
    } CASES[] = {
        {NULL,
         "too many certificates (5) already issued for this exact set of identifiers in the last "
         "168h0m0s, retry after 2026-01-02 16:04:05 UTC: see https://x",
         CL_HOUR},
        {"10", "retry after 2026-01-02 16:04:05 UTC", CL_HOUR},
        {"7200", "retry after 2026-01-02 16:04:05 UTC", 2 * CL_HOUR},
        {NULL, "retry after 2026-01-02T16:04:05Z", CL_HOUR},
        {NULL, "retry after 2027-01-02 16:04:05 UTC", CL_DAY},
        {NULL, "retry after a while", 0},
        {NULL, "retry after 2026-01-0", 0},
        {NULL, "retry after 2026-99-99 16:04:05 UTC", 0},
        {NULL, "no hint", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = problem(429, CASES[i].retry_after, "rateLimited", CASES[i].detail);
        assert_int_equal(err.kind, CL_ERR_RATE_LIMITED);
        assert_int_equal(err.retry_at, CASES[i].wanted == 0 ? 0 : NOW + CASES[i].wanted);
    }
}

static void acme_point_13_terms_of_service_need_a_person(void **state)
{
    struct cl_err err = answer(403, NULL,
                               "{\"type\":\"" URN "userActionRequired\",\"detail\":\"Terms have "
                               "changed\",\"instance\":\"https://ca.example/agree?x=1\"}");

    (void)state;
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
    assert_string_equal(err.reason, "AgreementRequired");
    assert_string_equal(err.url, "https://ca.example/agree?x=1");

    struct acme_failure f = {.status = 403,
                             .terms_link = "https://ca.example/tos",
                             .body = "{\"type\":\"" URN "userActionRequired\"}"};
    f.len = strlen(f.body);
    acme_problem_to_err(&f, NOW, &err);
    assert_string_equal(err.url, "https://ca.example/tos");
    assert_non_null(strstr(err.text, "no detail given"));

    f.terms_link = NULL;
    acme_problem_to_err(&f, NOW, &err);
    assert_string_equal(err.url, "");
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
}

static void acme_point_29_a_paused_name_waits_for_a_person(void **state)
{
    static const char DETAIL[] =
        "Your account is temporarily prevented from requesting certificates for a.example and "
        "possibly others. Please visit: https://ca.example/sfe/v1/unpause?jwt=%s";
    char jwt[400];
    char *detail = cl_printf(DETAIL, "abc");
    struct cl_err err = problem(429, NULL, "rateLimited", detail);

    (void)state;
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
    assert_string_equal(err.reason, "PausedByCA");
    assert_string_equal(err.url, "https://ca.example/sfe/v1/unpause?jwt=abc");
    assert_int_equal(err.retry_at, 0);
    cl_free(detail);

    memset(jwt, 'j', sizeof jwt); /* too long for url, but not for the text */
    jwt[300] = '\0';
    detail = cl_printf(DETAIL, jwt);
    err = problem(429, NULL, "rateLimited", detail);
    assert_string_equal(err.url, "https://ca.example/sfe/v1/unpause");
    assert_non_null(strstr(err.text, jwt));
    cl_free(detail);

    /* with a Retry-After it is an ordinary limit; without a link it is paused all the same */
    detail = cl_printf(DETAIL, "abc");
    assert_int_equal(problem(429, "60", "rateLimited", detail).kind, CL_ERR_RATE_LIMITED);
    cl_free(detail);
    err = problem(429, NULL, "rateLimited",
                  "temporarily prevented from requesting certificates for x");
    assert_string_equal(err.reason, "PausedByCA");
    assert_string_equal(err.url, "");
}

static void acme_point_24_subproblems_name_the_identifier(void **state)
{
    struct cl_err err =
        answer(400, NULL,
               "{\"type\":\"" URN "compound\",\"detail\":\"Some identifiers are refused\","
               "\"subproblems\":[{\"type\":\"" URN "rejectedIdentifier\",\"detail\":\"policy\","
               "\"identifier\":{\"type\":\"dns\",\"value\":\"bad.example\"}}]}");

    (void)state;
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
    assert_string_equal(err.reason, "RejectedIdentifier");
    assert_string_equal(err.identifier, "bad.example");
    assert_non_null(strstr(err.text, "bad.example: policy"));
}

static void foreign_text_is_cleaned(void **state)
{
    struct cl_err err =
        answer(400, NULL, "{\"type\":\"\\u001b[2J\",\"detail\":\"a\\u001b[31mred\\nline\"}");

    (void)state;
    assert_null(strchr(err.text, '\x1b'));
    assert_null(strchr(err.text, '\n'));
    assert_null(strchr(err.type, '\x1b'));
    assert_non_null(strstr(err.text, "[31mred"));
}

static void an_unknown_verdict_is_a_failed_validation(void **state)
{
    struct cl_err err = verdict("somethingNew");

    (void)state;
    assert_int_equal(err.kind, CL_ERR_VALIDATION);
    assert_string_equal(err.reason, "ValidationFailed");
    assert_string_equal(err.type, URN "somethingNew");
    assert_string_equal(verdict("").type, "");
    assert_string_equal(verdict("about:blank").type, "about:blank");
}

static void limits_of_names_hold_one_certificate_others_the_issuer(void **state)
{
    (void)state;
    struct cl_err err = problem(503, "60", "serverInternal", "x");
    assert_true(acme_problem_holds_issuer(&err));
    err = problem(429, "60", "rateLimited", "too many new orders (300) from this account");
    assert_true(acme_problem_holds_issuer(&err));
    err = problem(429, "60", "rateLimited",
                  "too many certificates (50) already issued for \\\"example.org\\\"");
    assert_false(acme_problem_holds_issuer(&err));
    err = problem(429, "60", "rateLimited", "too many failed authorizations (5) for \\\"x\\\"");
    assert_false(acme_problem_holds_issuer(&err));
    err = problem(400, NULL, "malformed", "x");
    assert_false(acme_problem_holds_issuer(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acme_point_28_every_problem_type_has_a_class),
        cmocka_unit_test(acme_point_08_429_503_and_409_differ),
        cmocka_unit_test(a_status_that_says_more_than_the_type_wins),
        cmocka_unit_test(
            acme_point_07_retry_after_is_seconds_or_a_date_and_never_shortened_but_to_a_day),
        cmocka_unit_test(the_date_in_a_detail_stands_in_for_retry_after),
        cmocka_unit_test(acme_point_13_terms_of_service_need_a_person),
        cmocka_unit_test(acme_point_29_a_paused_name_waits_for_a_person),
        cmocka_unit_test(acme_point_24_subproblems_name_the_identifier),
        cmocka_unit_test(foreign_text_is_cleaned),
        cmocka_unit_test(an_unknown_verdict_is_a_failed_validation),
        cmocka_unit_test(limits_of_names_hold_one_certificate_others_the_issuer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
