/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a CA may answer instead of what was asked for, as one table: the class, the reason,
 * the condition that tells of it, and when it is tried again. Every problem type of RFC 8555 6.7,
 * RFC 9773 7.4 and of the profiles draft, alone and in subproblems; with fields missing, with another
 * status, with HTML around it; Retry-After in every shape. */
#include "backends/acme/acme_problem.h"
#include "reconciler/core/backoff.h"
#include "reconciler/core/ca_conditions.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/acme_fixture.h"

#define NOW 1767366245000 /* 2026-01-02T15:04:05Z */
#define URN "urn:ietf:params:acme:error:"
#define P(type) "{\"type\":\"" URN type "\",\"detail\":\"why\"}"
#define S(n) ((n)*CL_SECOND)

#define READY_SOON S(5) /* Transient, first failure */
#define NEXT_MINUTE S(60)
#define NEXT_DAY CL_DAY
#define BAD_RESULT CL_HOUR

enum where { REQUEST, VERDICT }; /* as an answer, or as the error of a challenge or order */

struct row {
    enum where where;
    long status;
    const char *retry_after, *body;
    enum cl_err_kind kind;
    const char *reason;
    enum condition_type condition; /* CONDITION_STALLED: PERMANENT without one of its own */
    cl_time next;                  /* after NOW, the jitter aside */
};

#define NONE CONDITION_READY /* Ready and Issuing tell of it, nothing else */

static const struct row ROWS[] = {
    /* RFC 8555 6.7, as the answer to a request */
    {REQUEST, 400, NULL, P("accountDoesNotExist"), CL_ERR_PERMANENT, "AccountDoesNotExist",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, P("alreadyRevoked"), CL_ERR_PERMANENT, "AlreadyRevoked", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 400, NULL, P("badCSR"), CL_ERR_PERMANENT, "BadCSR", CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, P("badNonce"), CL_ERR_TRANSIENT, "BadNonce", NONE, READY_SOON},
    {REQUEST, 400, NULL, P("badPublicKey"), CL_ERR_PERMANENT, "BadPublicKey", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 400, NULL, P("badRevocationReason"), CL_ERR_PERMANENT, "BadRevocationReason",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, P("badSignatureAlgorithm"), CL_ERR_PERMANENT, "BadSignatureAlgorithm",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 403, NULL, P("caa"), CL_ERR_VALIDATION, "CAAForbids", NONE, NEXT_MINUTE},
    {REQUEST, 400, NULL, P("compound"), CL_ERR_PERMANENT, "SeveralErrors", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 400, NULL, P("connection"), CL_ERR_VALIDATION, "ConnectionFailed", NONE, NEXT_MINUTE},
    {REQUEST, 400, NULL, P("dns"), CL_ERR_VALIDATION, "DNSFailed", NONE, NEXT_MINUTE},
    {REQUEST, 403, NULL, P("externalAccountRequired"), CL_ERR_PERMANENT, "ExternalAccountRequired",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 403, NULL, P("incorrectResponse"), CL_ERR_VALIDATION, "IncorrectResponse", NONE,
     NEXT_MINUTE},
    {REQUEST, 400, NULL, P("invalidContact"), CL_ERR_PERMANENT, "InvalidContact", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 400, NULL, P("malformed"), CL_ERR_PERMANENT, "Malformed", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 403, NULL, P("orderNotReady"), CL_ERR_TRANSIENT, "OrderNotReady", NONE, READY_SOON},
    {REQUEST, 429, NULL, P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, NEXT_MINUTE},
    {REQUEST, 400, NULL, P("rejectedIdentifier"), CL_ERR_PERMANENT, "RejectedIdentifier",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 500, NULL, P("serverInternal"), CL_ERR_TRANSIENT, "ServerError", NONE, READY_SOON},
    {REQUEST, 400, NULL, P("tls"), CL_ERR_VALIDATION, "TLSFailed", NONE, NEXT_MINUTE},
    {REQUEST, 403, NULL, P("unauthorized"), CL_ERR_PERMANENT, "Unauthorized", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 400, NULL, P("unsupportedContact"), CL_ERR_PERMANENT, "UnsupportedContact",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, P("unsupportedIdentifier"), CL_ERR_PERMANENT, "UnsupportedIdentifier",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 403, NULL, P("userActionRequired"), CL_ERR_PERMANENT, "AgreementRequired",
     CONDITION_AGREEMENT_REQUIRED, NEXT_DAY},
    /* RFC 9773, the profiles draft, and what servers have of their own */
    {REQUEST, 409, NULL, P("alreadyReplaced"), CL_ERR_TRANSIENT, "AlreadyReplaced", NONE,
     READY_SOON},
    {REQUEST, 400, NULL, P("invalidProfile"), CL_ERR_PERMANENT, "InvalidProfile", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 409, NULL, P("conflict"), CL_ERR_TRANSIENT, "Conflict", NONE, READY_SOON},
    {REQUEST, 400, NULL, P("notInvented"), CL_ERR_PERMANENT, "Refused", CONDITION_STALLED,
     NEXT_DAY},

    /* as the verdict on a challenge or an order */
    {VERDICT, 0, NULL, P("caa"), CL_ERR_VALIDATION, "CAAForbids", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("connection"), CL_ERR_VALIDATION, "ConnectionFailed", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("dns"), CL_ERR_VALIDATION, "DNSFailed", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("incorrectResponse"), CL_ERR_VALIDATION, "IncorrectResponse", NONE,
     NEXT_MINUTE},
    {VERDICT, 0, NULL, P("tls"), CL_ERR_VALIDATION, "TLSFailed", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("unauthorized"), CL_ERR_VALIDATION, "Unauthorized", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("malformed"), CL_ERR_VALIDATION, "Malformed", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("compound"), CL_ERR_VALIDATION, "SeveralErrors", NONE, NEXT_MINUTE},
    {VERDICT, 0, NULL, P("rejectedIdentifier"), CL_ERR_PERMANENT, "RejectedIdentifier",
     CONDITION_STALLED, NEXT_DAY},
    {VERDICT, 0, NULL, P("serverInternal"), CL_ERR_TRANSIENT, "ServerError", NONE, READY_SOON},
    {VERDICT, 0, NULL, P("userActionRequired"), CL_ERR_PERMANENT, "AgreementRequired",
     CONDITION_AGREEMENT_REQUIRED, NEXT_DAY},
    {VERDICT, 0, NULL, P("notInvented"), CL_ERR_VALIDATION, "ValidationFailed", NONE, NEXT_MINUTE},

    /* in subproblems: what is compound means what its first part means */
    {REQUEST, 400, NULL,
     "{\"type\":\"" URN "compound\",\"detail\":\"two\",\"subproblems\":[{\"type\":\"" URN
     "rejectedIdentifier\",\"detail\":\"no\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}}]}",
     CL_ERR_PERMANENT, "RejectedIdentifier", CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 403, NULL,
     "{\"type\":\"" URN "compound\",\"subproblems\":[{\"type\":\"" URN "caa\"},{\"type\":\"" URN
     "dns\"}]}",
     CL_ERR_PERMANENT, "SeveralErrors", CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 403, NULL,
     "{\"type\":\"" URN "compound\",\"subproblems\":[{\"type\":\"" URN
     "caa\",\"detail\":\"a\",\"identifier\":{\"type\":\"dns\",\"value\":\"x.example\"}},"
     "{\"type\":\"" URN "dns\",\"detail\":\"b\"}]}",
     CL_ERR_VALIDATION, "CAAForbids", NONE, NEXT_MINUTE},
    {REQUEST, 400, NULL, "{\"type\":\"" URN "malformed\",\"subproblems\":\"none\"}",
     CL_ERR_PERMANENT, "Malformed", CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, "{\"type\":\"" URN "malformed\",\"subproblems\":[1,null,{}]}",
     CL_ERR_PERMANENT, "Malformed", CONDITION_STALLED, NEXT_DAY},

    /* fields that are missing, or something else */
    {REQUEST, 400, NULL, "{}", CL_ERR_PERMANENT, "Refused", CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, "{\"type\":\"" URN "badCSR\"}", CL_ERR_PERMANENT, "BadCSR",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, "{\"detail\":\"no type\"}", CL_ERR_PERMANENT, "Refused", CONDITION_STALLED,
     NEXT_DAY},
    {REQUEST, 400, NULL, "{\"type\":5,\"detail\":[],\"status\":\"x\"}", CL_ERR_PERMANENT, "Refused",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 400, NULL, "{\"type\":\"about:blank\"}", CL_ERR_PERMANENT, "Refused",
     CONDITION_STALLED, NEXT_DAY},

    /* a status that does not fit: what a load balancer says has the last word */
    {REQUEST, 503, "30", P("malformed"), CL_ERR_BUSY, "Busy", NONE, S(30)},
    {REQUEST, 503, NULL, P("malformed"), CL_ERR_TRANSIENT, "ServerError", NONE, READY_SOON},
    {REQUEST, 404, NULL, P("malformed"), CL_ERR_TRANSIENT, "NotFound", NONE, READY_SOON},
    {REQUEST, 429, "120", P("serverInternal"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, S(120)},
    {REQUEST, 400, "120", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, S(120)},
    {REQUEST, 302, NULL, P("malformed"), CL_ERR_PERMANENT, "Malformed", CONDITION_STALLED,
     NEXT_DAY},

    /* HTML, nothing, nonsense */
    {REQUEST, 502, NULL, "<html><body>Bad gateway</body></html>", CL_ERR_TRANSIENT, "ServerError",
     NONE, READY_SOON},
    {REQUEST, 503, "60", "<html>busy</html>", CL_ERR_BUSY, "Busy", NONE, S(60)},
    {REQUEST, 403, NULL, "<html>{\"type\":\"" URN "caa\"}</html>", CL_ERR_PERMANENT, "Refused",
     CONDITION_STALLED, NEXT_DAY},
    {REQUEST, 429, NULL, "", CL_ERR_RATE_LIMITED, "RateLimited", CONDITION_RATE_LIMITED,
     NEXT_MINUTE},
    {REQUEST, 302, NULL, "", CL_ERR_BAD_RESULT, "UnexpectedRedirect", NONE, BAD_RESULT},
    {REQUEST, 700, NULL, "", CL_ERR_BAD_RESULT, "UnexpectedStatus", NONE, BAD_RESULT},
    {REQUEST, 400, NULL, "[[[[", CL_ERR_PERMANENT, "Refused", CONDITION_STALLED, NEXT_DAY},

    /* Retry-After in every shape; never shortened but to a day, never believed below a minute */
    {REQUEST, 429, "3600", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, CL_HOUR},
    {REQUEST, 429, "Fri, 02 Jan 2026 16:04:05 GMT", P("rateLimited"), CL_ERR_RATE_LIMITED,
     "RateLimited", CONDITION_RATE_LIMITED, CL_HOUR},
    {REQUEST, 429, "Thu, 01 Jan 2026 00:00:00 GMT", P("rateLimited"), CL_ERR_RATE_LIMITED,
     "RateLimited", CONDITION_RATE_LIMITED, NEXT_MINUTE},
    {REQUEST, 429, "0", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, NEXT_MINUTE},
    {REQUEST, 429, "-5", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, NEXT_MINUTE},
    {REQUEST, 429, "soon", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, NEXT_MINUTE},
    {REQUEST, 429, "99999999999999999999", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, CL_DAY},
    {REQUEST, 429, "31536000", P("rateLimited"), CL_ERR_RATE_LIMITED, "RateLimited",
     CONDITION_RATE_LIMITED, CL_DAY},
    {REQUEST, 503, "31536000", "", CL_ERR_BUSY, "Busy", NONE, CL_DAY},

    /* what the detail says where the header does not */
    {REQUEST, 429, NULL,
     "{\"type\":\"" URN
     "rateLimited\",\"detail\":\"too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-01-02 17:04:05 UTC: see https://ca.example/limits\"}",
     CL_ERR_RATE_LIMITED, "RateLimited", CONDITION_RATE_LIMITED, 2 * CL_HOUR},
    {REQUEST, 429, NULL,
     "{\"type\":\"" URN
     "rateLimited\",\"detail\":\"Your account is temporarily prevented from requesting certificates for a.example and possibly others. Please visit: https://ca.example/unpause?jwt=x\"}",
     CL_ERR_PERMANENT, "PausedByCA", CONDITION_PAUSED_BY_CA, NEXT_DAY},
    {REQUEST, 429, "60",
     "{\"type\":\"" URN
     "rateLimited\",\"detail\":\"Your account is temporarily prevented from requesting certificates for a.example\"}",
     CL_ERR_RATE_LIMITED, "RateLimited", CONDITION_RATE_LIMITED, NEXT_MINUTE},
};

static void read_row(const struct row *r, struct cl_err *err)
{
    struct acme_problem p = {0};
    struct acme_failure f = {.status = r->status,
                             .retry_after = r->retry_after,
                             .body = r->body,
                             .len = strlen(r->body)};

    if (r->where == REQUEST) {
        acme_problem_to_err(&f, NOW, err);
        return;
    }
    assert_int_equal(acme_msg_problem(r->body, strlen(r->body), &p), 0);
    acme_problem_verdict(&p, "a.example", err);
    acme_problem_deinit(&p);
}

static void check(const struct row *r, size_t number)
{
    struct cl_err err = {0};
    struct backoff b = {0};
    struct backoff_context c = {0};
    struct cl_rng rng;

    read_row(r, &err);
    cl_rng_seed(&rng, number + 1);
    cl_time next = backoff_fail(&b, &err, &c, NOW, &rng) - NOW;
    enum condition_type special = ca_condition_of(err.reason, err.kind);
    enum condition_type condition = special != CONDITION_COUNT     ? special
                                    : err.kind == CL_ERR_PERMANENT ? CONDITION_STALLED
                                                                   : NONE;
    if (err.kind != r->kind || strcmp(err.reason, r->reason) != 0 || condition != r->condition ||
        next < r->next - r->next / 10 || next > r->next + r->next / 10 + CL_SECOND) {
        fail_msg("row %zu (%ld, Retry-After %s, %s): class %s reason %s condition %s next %lld s",
                 number, r->status, r->retry_after != NULL ? r->retry_after : "-", r->body,
                 cl_err_kind_name(err.kind), err.reason, condition_type_name(condition),
                 (long long)(next / CL_SECOND));
    }
    /* what the CA has named is a lower bound */
    assert_true(next >= err.retry_at - NOW || err.retry_at == 0);
}

static void every_answer_has_its_class_condition_and_next_attempt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        check(&ROWS[i], i);
    }
}

static void no_problem_type_is_left_out(void **state)
{
    size_t n;
    const struct acme_problem_row *types = acme_problem_rows(&n);

    (void)state;
    for (size_t t = 0; t < n; t++) {
        bool found = false;
        for (size_t i = 0; i < COUNT(ROWS); i++) {
            found =
                found || (ROWS[i].where == REQUEST && strstr(ROWS[i].body, types[t].type) != NULL);
        }
        if (!found) {
            fail_msg("no row for %s", types[t].type);
        }
    }
}

static void the_bucket_of_a_limit_is_named(void **state)
{
    static const struct {
        const char *detail, *limit;
        bool holds_issuer;
    } CASES[] = {
        {"too many certificates (5) already issued for this exact set of identifiers in the last "
         "168h0m0s, retry after 2026-01-02 17:04:05 UTC: see x",
         "exactSet", false},
        {"too many certificates (50) already issued for \\\"example.org\\\" in the last 168h0m0s",
         "registeredDomain", false},
        {"too many failed authorizations (5) for \\\"a.example\\\" in the last 1h0m0s",
         "authorizationFailures", false},
        {"too many new orders (300) from this account in the last 3h0m0s", "newOrders", true},
        {"too many new registrations (10) from this IP address in the last 3h0m0s", "newAccounts",
         true},
        {"slow down", "", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *body =
            cl_printf("{\"type\":\"" URN "rateLimited\",\"detail\":\"%s\"}", CASES[i].detail);
        struct acme_failure f = {.status = 429, .body = body, .len = strlen(body)};
        struct cl_err err;
        acme_problem_to_err(&f, NOW, &err);
        assert_string_equal(acme_problem_limit(err.text), CASES[i].limit);
        assert_int_equal(acme_problem_holds_issuer(&err), CASES[i].holds_issuer);
        if (CASES[i].limit[0] != '\0') {
            char *named = cl_printf("limit %s", CASES[i].limit);
            assert_non_null(strstr(err.text, named));
            cl_free(named);
        }
        cl_free(body);
    }
}

static void user_action_is_permanent_and_shows_where(void **state)
{
    static const char BODY[] = "{\"type\":\"" URN "userActionRequired\",\"detail\":\"new terms\","
                               "\"instance\":\"https://ca.example/tos/2\"}";
    struct acme_failure f = {.status = 403, .body = BODY, .len = sizeof BODY - 1};
    struct cl_err err;

    (void)state;
    acme_problem_to_err(&f, NOW, &err);
    assert_int_equal(err.kind, CL_ERR_PERMANENT);
    assert_string_equal(err.url, "https://ca.example/tos/2");
    assert_non_null(strstr(err.text, "https://ca.example/tos/2"));
    f.body = "{\"type\":\"" URN "userActionRequired\"}";
    f.len = strlen(f.body);
    f.terms_link = "https://ca.example/tos/3";
    acme_problem_to_err(&f, NOW, &err);
    assert_string_equal(err.url, "https://ca.example/tos/3");
}

static void ca_conditions_are_there_while_the_hold_is(void **state)
{
    struct verdict v[CONDITION_COUNT] = {{0}};
    struct hold_view h = {.kind = CL_ERR_RATE_LIMITED,
                          .not_before = NOW + 1,
                          .reason = "RateLimited",
                          .message = "x"};

    (void)state;
    ca_conditions(&h, NOW, v);
    assert_int_equal(v[CONDITION_RATE_LIMITED].status, STATUS_TRUE);
    memset(v, 0, sizeof v);
    ca_conditions(&h, NOW + 1, v); /* over */
    h.inputs_changed = true;
    ca_conditions(&h, NOW, v);
    assert_int_equal(v[CONDITION_RATE_LIMITED].status, STATUS_ABSENT);
}

static void acme_point_10_a_minute_of_skew_is_a_condition_with_the_amount(void **state)
{
    struct verdict v = {0};

    (void)state;
    ca_clock_skew(59 * CL_SECOND, &v);
    assert_int_equal(v.status, STATUS_ABSENT);
    ca_clock_skew(-3 * CL_HOUR, &v);
    assert_int_equal(v.status, STATUS_TRUE);
    assert_non_null(strstr(v.message, "3h"));
    assert_non_null(strstr(v.message, "behind ours"));
    ca_clock_skew(CL_MINUTE, &v);
    assert_non_null(strstr(v.message, "ahead of ours"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_class_condition_and_next_attempt),
        cmocka_unit_test(no_problem_type_is_left_out),
        cmocka_unit_test(the_bucket_of_a_limit_is_named),
        cmocka_unit_test(user_action_is_permanent_and_shows_where),
        cmocka_unit_test(ca_conditions_are_there_while_the_hold_is),
        cmocka_unit_test(acme_point_10_a_minute_of_skew_is_a_condition_with_the_amount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
