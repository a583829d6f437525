/* SPDX-License-Identifier: Apache-2.0 */
/* acme_problem: the table of problem types, and the few details that matter beside the type. */
#include "backends/acme/acme_problem.h"

#include "spec/base/cl_buf.h"

#include <string.h>

#define URN "urn:ietf:params:acme:error:"

static const struct acme_problem_row ROWS[] = {
    {"accountDoesNotExist", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "AccountDoesNotExist"},
    {"alreadyReplaced", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT, "AlreadyReplaced"},
    {"alreadyRevoked", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "AlreadyRevoked"},
    {"badCSR", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "BadCSR"},
    {"badNonce", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT, "BadNonce"},
    {"badPublicKey", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "BadPublicKey"},
    {"badRevocationReason", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "BadRevocationReason"},
    {"badSignatureAlgorithm", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "BadSignatureAlgorithm"},
    {"caa", CL_ERR_VALIDATION, CL_ERR_VALIDATION, "CAAForbids"},
    {"compound", CL_ERR_PERMANENT, CL_ERR_VALIDATION, "SeveralErrors"},
    {"conflict", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT, "Conflict"},
    {"connection", CL_ERR_VALIDATION, CL_ERR_VALIDATION, "ConnectionFailed"},
    {"dns", CL_ERR_VALIDATION, CL_ERR_VALIDATION, "DNSFailed"},
    {"externalAccountRequired", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "ExternalAccountRequired"},
    {"incorrectResponse", CL_ERR_VALIDATION, CL_ERR_VALIDATION, "IncorrectResponse"},
    {"invalidContact", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "InvalidContact"},
    {"invalidProfile", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "InvalidProfile"},
    {"malformed", CL_ERR_PERMANENT, CL_ERR_VALIDATION, "Malformed"},
    {"orderNotReady", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT, "OrderNotReady"},
    {"rateLimited", CL_ERR_RATE_LIMITED, CL_ERR_RATE_LIMITED, "RateLimited"},
    {"rejectedIdentifier", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "RejectedIdentifier"},
    {"serverInternal", CL_ERR_TRANSIENT, CL_ERR_TRANSIENT, "ServerError"},
    {"tls", CL_ERR_VALIDATION, CL_ERR_VALIDATION, "TLSFailed"},
    {"unauthorized", CL_ERR_PERMANENT, CL_ERR_VALIDATION, "Unauthorized"},
    {"unsupportedContact", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "UnsupportedContact"},
    {"unsupportedIdentifier", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "UnsupportedIdentifier"},
    {"userActionRequired", CL_ERR_PERMANENT, CL_ERR_PERMANENT, "AgreementRequired"},
};

/* What the HTTP status says by itself. @over: also against the problem type, because servers put
 * "malformed" into their 404s, and a load balancer has the last word with 429 and 5xx. */
static const struct status_row {
    long from, to;
    bool needs_retry_after;
    bool over;
    enum cl_err_kind kind;
    const char *reason;
} STATUSES[] = {
    {429, 429, false, true, CL_ERR_RATE_LIMITED, "RateLimited"},
    {503, 503, true, true, CL_ERR_BUSY, "Busy"},
    {500, 599, false, true, CL_ERR_TRANSIENT, "ServerError"},
    {404, 404, false, true, CL_ERR_TRANSIENT, "NotFound"},
    {410, 410, false, true, CL_ERR_TRANSIENT, "NotFound"},
    {408, 408, false, false, CL_ERR_TRANSIENT, "TimedOut"},
    {409, 409, false, false, CL_ERR_TRANSIENT, "Conflict"},
    {425, 425, false, false, CL_ERR_TRANSIENT, "TooEarly"},
    {300, 399, false, false, CL_ERR_BAD_RESULT, "UnexpectedRedirect"},
    {400, 499, false, false, CL_ERR_PERMANENT, "Refused"},
    {0, 999, false, false, CL_ERR_BAD_RESULT, "UnexpectedStatus"},
};

const struct acme_problem_row *acme_problem_rows(size_t *ret_count)
{
    *ret_count = sizeof ROWS / sizeof ROWS[0];
    return ROWS;
}

static const struct acme_problem_row *row_of(const char *type)
{
    for (size_t i = 0; type != NULL && i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (strcmp(ROWS[i].type, type) == 0) {
            return &ROWS[i];
        }
    }
    return NULL;
}

/* "compound" means what its first subproblem means. */
static const struct acme_problem_row *row_of_problem(const struct acme_problem *p)
{
    const struct acme_problem_row *row = row_of(p->type);
    const struct acme_problem_row *sub = row_of(p->subtype);

    return row != NULL && sub != NULL && strcmp(row->type, "compound") == 0 ? sub : row;
}

static const struct status_row *status_of(const struct acme_failure *f)
{
    size_t i = 0;

    while (f->status < STATUSES[i].from || f->status > STATUSES[i].to ||
           (STATUSES[i].needs_retry_after && cl_str_empty(f->retry_after))) {
        i++; /* ends: the last row takes everything */
        if (i == sizeof STATUSES / sizeof STATUSES[0] - 1) {
            break;
        }
    }
    return &STATUSES[i];
}

cl_time acme_retry_after(const char *header, cl_time now)
{
    cl_time at;

    if (header == NULL || cl_time_parse_retry_after(header, now, &at) < 0) {
        return 0;
    }
    return cl_time_max(now + CL_SECOND, cl_time_min(at, now + CL_DAY));
}

/* "... retry after 2006-01-02 15:04:05 UTC: see https://..." */
static cl_time detail_retry_after(const char *detail, cl_time now)
{
    static const char MARK[] = "retry after ";
    char text[CL_TIME_TEXT];
    cl_time at;
    const char *p = strstr(detail, MARK);

    if (p == NULL) {
        return 0;
    }
    p += strlen(MARK);
    if (strlen(p) < strlen("2006-01-02 15:04:05") || (p[10] != ' ' && p[10] != 'T') ||
        cl_format(text, sizeof text, "%.10sT%.8sZ", p, p + 11) < 0 ||
        cl_time_parse(text, &at) < 0) {
        return 0;
    }
    return cl_time_max(now + CL_SECOND, cl_time_min(at, now + CL_DAY));
}

static void put_text(struct cl_err *e, const char *intro, const struct acme_problem *p)
{
    char detail[CL_CLEAN_TEXT];
    char more[CL_CLEAN_TEXT];

    cl_clean(detail, sizeof detail, p->detail, strlen(p->detail));
    cl_clean(more, sizeof more, cl_str_or(p->subproblems, ""),
             strlen(cl_str_or(p->subproblems, "")));
    (void)cl_format(e->text, sizeof e->text, "%s%s%s%s%s", intro,
                    detail[0] != '\0' ? detail : "no detail given", more[0] != '\0' ? " (" : "",
                    more, more[0] != '\0' ? ")" : "");
}

static void put_type(struct cl_err *e, const struct acme_problem *p)
{
    char type[CL_CLEAN_TEXT];

    cl_clean(type, sizeof type, p->type, strlen(p->type));
    if (type[0] != '\0') {
        (void)cl_format(e->type, sizeof e->type, "%s%s",
                        strchr(type, ':') == NULL && strcmp(type, "about:blank") != 0 ? URN : "",
                        type);
    }
    if (p->identifier != NULL) {
        char name[CL_CLEAN_TEXT];
        cl_clean(name, sizeof name, p->identifier, strlen(p->identifier));
        (void)cl_format(e->identifier, sizeof e->identifier, "%s", name);
    }
}

/* Puts a URL of a person's interest into e->url; one that does not fit loses its query. */
static void put_url(struct cl_err *e, const char *url, size_t len)
{
    char clean[CL_CLEAN_TEXT];

    if (len >= sizeof e->url) {
        const char *query = memchr(url, '?', len);
        len = query != NULL ? (size_t)(query - url) : len;
    }
    cl_clean(clean, sizeof clean, url, len);
    (void)cl_format(e->url, sizeof e->url, "%s", clean);
}

/* Let's Encrypt pauses names of an account after very many failures: 429 without Retry-After and a
 * page where a person can end it. */
static bool paused_by_ca(const struct acme_failure *f, const struct acme_problem *p,
                         struct cl_err *e)
{
    const char *url = strstr(p->detail, "https://");

    if (!cl_str_empty(f->retry_after) ||
        strstr(p->detail, "temporarily prevented from requesting certificates") == NULL) {
        return false;
    }
    e->kind = CL_ERR_PERMANENT;
    (void)cl_format(e->reason, sizeof e->reason, "PausedByCA");
    if (url != NULL) {
        size_t len = strcspn(url, " \t\r\n\"<>");
        put_url(e, url, len);
        if (len < sizeof e->text - 128) { /* where the whole link fits, it comes first */
            (void)cl_format(e->text, sizeof e->text,
                            "the CA has paused these names for this account until a person "
                            "visits %.*s",
                            (int)len, url);
        }
    }
    return true;
}

static void from_problem(const struct acme_failure *f, const struct acme_problem *p, cl_time now,
                         struct cl_err *e)
{
    const struct acme_problem_row *row = row_of_problem(p);
    const struct status_row *status = status_of(f);

    e->kind = row != NULL && !status->over ? row->request : status->kind;
    (void)cl_format(e->reason, sizeof e->reason, "%s",
                    row != NULL && !status->over ? row->reason : status->reason);
    put_type(e, p);
    put_text(e, "the CA says: ", p);
    if (e->kind == CL_ERR_RATE_LIMITED && paused_by_ca(f, p, e)) {
        return;
    }
    e->retry_at = cl_time_max(e->retry_at, detail_retry_after(p->detail, now));
    if (e->kind == CL_ERR_RATE_LIMITED && acme_problem_limit(e->text)[0] != '\0') {
        cl_wrap(e, "limit %s", acme_problem_limit(e->text));
    }
    if (cl_streq(e->reason, "AgreementRequired")) {
        const char *url = p->instance != NULL ? p->instance : cl_str_or(f->terms_link, "");
        put_url(e, url, strlen(url));
        cl_wrap(e, "the CA wants a person to act, see %s", cl_str_or(e->url, "its web site"));
    }
}

void acme_problem_to_err(const struct acme_failure *f, cl_time now, struct cl_err *ret)
{
    struct acme_problem p = {0};
    const struct status_row *status = status_of(f);
    struct cl_err e = {
        .kind = status->kind,
        .http_status = (int)f->status,
        .retry_at = acme_retry_after(f->retry_after, now),
    };

    if (acme_msg_problem(f->body, f->len, &p) == 0) {
        from_problem(f, &p, now, &e);
        acme_problem_deinit(&p);
    } else {
        (void)cl_format(e.reason, sizeof e.reason, "%s", status->reason);
        (void)cl_format(e.text, sizeof e.text,
                        "the CA answered HTTP %ld without a problem document", f->status);
    }
    *ret = e;
}

void acme_problem_verdict(const struct acme_problem *p, const char *identifier, struct cl_err *ret)
{
    const struct acme_problem_row *row = row_of_problem(p);
    struct cl_err e = {.kind = row != NULL ? row->verdict : CL_ERR_VALIDATION};

    (void)cl_format(e.reason, sizeof e.reason, "%s",
                    row != NULL ? row->reason : "ValidationFailed");
    put_type(&e, p);
    put_text(&e, "", p);
    if (identifier != NULL) {
        (void)cl_format(e.identifier, sizeof e.identifier, "%s", identifier);
    }
    *ret = e;
}

bool acme_problem_is(const struct cl_err *e, const char *type)
{
    return cl_str_starts(e->type, URN) && strcmp(e->type + strlen(URN), type) == 0;
}

/* In the words of Boulder, the more special ones first. */
static const struct {
    const char *words, *limit;
    bool of_account; /* every order of the account runs into it */
} LIMITS[] = {
    {"exact set of identifiers", "exactSet", false},
    {"exact set of domains", "exactSet", false},
    {"failed authorizations", "authorizationFailures", false},
    {"certificates already", "registeredDomain", false},
    {"already issued for", "registeredDomain", false},
    {"issued for", "registeredDomain", false},
    {"new orders", "newOrders", true},
    {"new registrations", "newAccounts", true},
};

static size_t limit_of(const char *text)
{
    size_t i = 0;

    while (i < sizeof LIMITS / sizeof LIMITS[0] && strstr(text, LIMITS[i].words) == NULL) {
        i++;
    }
    return i;
}

const char *acme_problem_limit(const char *text)
{
    size_t i = limit_of(text);

    return i < sizeof LIMITS / sizeof LIMITS[0] ? LIMITS[i].limit : "";
}

bool acme_problem_holds_issuer(const struct cl_err *e)
{
    size_t i = limit_of(e->text);

    if (e->kind != CL_ERR_RATE_LIMITED) {
        return e->kind == CL_ERR_BUSY;
    }
    return i == sizeof LIMITS / sizeof LIMITS[0] || LIMITS[i].of_account;
}
