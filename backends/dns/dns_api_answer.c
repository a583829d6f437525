/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_answer: what does an answer mean? Good, absent, not yet, again later, or an error that says what
 * the provider said. A 2xx with an error inside is an error; a redirect is one, too. */
#include "backends/dns/dns_api.h"
#include "backends/dns/lang/dns_xml.h"
#include "spec/base/cl_alloc.h"

#include <regex.h>
#include <string.h>

#define TRIES_MAX 4u
#define WAIT_MAX (60 * CL_SECOND) /* a longer one goes up as retry_at */
#define POLL_EVERY (2 * CL_SECOND)
#define POLL_TIMEOUT (2 * CL_MINUTE)
#define MATCH_MAX ((size_t)64 << 10)

static void timer_fired(struct loop_timer *t)
{
    api_exec_resume(t->user, API_AGAIN);
}

static enum api_step again_in(struct api_exec *x, cl_time delay)
{
    loop_at(x->p->loop, &x->timer, loop_now(x->p->loop) + delay, timer_fired, x);
    return API_WAIT;
}

/* 1, 2, 4 s and up to half as much again. */
static cl_time backoff(struct api_exec *x, unsigned tries)
{
    cl_time base = CL_SECOND << (tries > 0 ? tries - 1 : 0);

    return base + cl_rng_between(&x->p->rng, 0, base / 2);
}

/* The request may or may not have arrived. What creates something is not repeated blindly (not a GET
 * either: there are APIs that create with it). */
static enum api_step transport_failed(struct api_exec *x, struct api_frame *f,
                                      const struct cl_err *err)
{
    static const char *const NOT_SENT[] = {"NameNotResolved", "ConnectFailed", "TLSVerifyFailed",
                                           "TLSFailed", NULL};
    bool sent = true;

    for (size_t i = 0; NOT_SENT[i] != NULL; i++) {
        sent = sent && !cl_streq(err->reason, NOT_SENT[i]);
    }
    bool passing = err->kind == CL_ERR_TRANSIENT && !cl_streq(err->reason, "TLSVerifyFailed");
    if (passing && !(sent && x->once) && ++f->tries < TRIES_MAX) {
        return again_in(x, backoff(x, f->tries));
    }
    x->err = *err;
    x->lost = passing && sent && x->once;
    return API_FAILED;
}

/* ---- reading ---- */

static void set_headers(struct api_exec *x)
{
    json_t *headers = json_object();
    struct cl_buf cookies;

    cl_buf_init(&cookies, (size_t)64 << 10);
    for (size_t i = 0; i < x->http.headers.len; i++) {
        const char *line = x->http.headers.items[i];
        const char *colon = strchr(line, ':');
        if (colon == NULL) {
            continue;
        }
        char *name = cl_strndup(line, (size_t)(colon - line));
        const char *value = colon + 1 + strspn(colon + 1, " ");
        if (json_object_get(headers, name) == NULL) {
            (void)json_object_set_new(headers, name, json_string(value));
        }
        if (cl_streq(name, "set-cookie")) {
            (void)cl_buf_addf(&cookies, "%s%.*s", cookies.len > 0 ? "; " : "",
                              (int)strcspn(value, ";"), value);
        }
        cl_free(name);
    }
    dns_env_set(x->env, "header", dns_value_json(headers));
    dns_env_set_text(x->env, "cookies", cl_buf_str(&cookies));
    cl_buf_deinit(&cookies);
}

static json_t *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    size_t skip = 0;
    while (skip < len && strchr(" \t\r\n", text[skip]) != NULL) {
        skip++;
    }
    json_t *value = json_stringn(text + skip, len - skip);
    if (value == NULL) { /* not UTF-8 */
        char *clean = cl_clean_dup(text + skip, len - skip);
        value = json_string(clean);
        cl_free(clean);
    }
    return value;
}

/* Sets `res`. 0; -1: a good status with a body of the wrong kind. */
static int read_body(struct api_exec *x, const struct dns_call *c, struct cl_err *err)
{
    const char *text = cl_buf_str(&x->http.body);
    size_t len = x->http.body.len;
    enum dns_as as = c->as != DNS_AS_UNSET ? c->as : x->p->a->request.as;
    json_error_t problem;
    json_t *value = NULL;
    bool good = x->http.status < 300;

    if (len > 0 && (as == DNS_AS_UNSET || as == DNS_AS_JSON)) {
        value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
        if (value == NULL && good) {
            char clean[CL_CLEAN_TEXT];
            cl_clean(clean, sizeof clean, text, len < 80 ? len : 80);
            return cl_fail(err, CL_ERR_BAD_RESULT, "AnswerNotJSON", "the answer is no JSON: %s",
                           clean);
        }
    } else if (len > 0 && as == DNS_AS_XML) {
        value = dns_xml_parse(text, len, good ? err : NULL);
        if (value == NULL && good) {
            return -1;
        }
    }
    if (value == NULL) {
        value = trimmed(text, len);
    }
    dns_env_set(x->env, "res", dns_value_json(value));
    return 0;
}

/* ---- judging ---- */

static const struct dns_ok *ok_of(const struct api_exec *x, const struct dns_call *c)
{
    static const struct dns_ok ANY = {0};

    if (c->ok.given) {
        return &c->ok;
    }
    return c->plain || x->login ? &ANY : &x->p->a->request.ok;
}

static bool status_good(const struct dns_ok *ok, long status)
{
    for (size_t i = 0; i < ok->n_status; i++) {
        if (ok->status[i] == status) {
            return true;
        }
    }
    return ok->n_status == 0 && status >= 200 && status < 300;
}

/* 1, 0, -1. */
static int text_matches(const struct dns_tpl *match, const struct dns_eval *ev,
                        const struct dns_value *res, struct cl_err *err)
{
    regex_t regex;
    char *pattern = NULL;
    size_t len = 0;

    if (dns_tpl_text(match, ev, &pattern, err) < 0) {
        return -1;
    }
    int rc = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
    cl_free(pattern);
    if (rc != 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "ProviderInvalid",
                       "ok.match is no extended regular expression");
    }
    char *text = dns_value_string(res, &len);
    if (len > MATCH_MAX) {
        text[MATCH_MAX] = '\0';
    }
    rc = regexec(&regex, text, 0, NULL, 0) == 0 ? 1 : 0;
    regfree(&regex);
    cl_free_secret(text);
    return rc;
}

static int is_good(struct api_exec *x, const struct dns_call *c, const struct dns_eval *ev)
{
    const struct dns_ok *ok = ok_of(x, c);
    const struct dns_value *res = dns_env_get(x->env, "res");

    if (!status_good(ok, x->http.status)) {
        return 0;
    }
    int holds = dns_where_holds(ok->where, res, ev, &x->err);
    if (holds == 1 && ok->match != NULL) {
        holds = text_matches(ok->match, ev, res, &x->err);
    }
    return holds;
}

static bool is_absent(const struct dns_call *c, long status)
{
    for (size_t i = 0; i < c->n_absent; i++) {
        if (c->absent[i] == status) {
            return true;
        }
    }
    return false;
}

/* What the provider says about it, fit to be shown. Owned. */
static char *provider_says(struct api_exec *x, const struct dns_call *c, const struct dns_eval *ev)
{
    const struct dns_tpl *t = c->error != NULL ? c->error : x->p->a->request.error;
    struct dns_value v = {0};
    char *text = NULL;

    if (t != NULL && dns_tpl_render(t, ev, &v, NULL, NULL) == 0) {
        text = dns_value_string(&v, NULL);
        dns_value_deinit(&v);
    }
    if (text == NULL || strspn(text, " :;,-") == strlen(text)) { /* a template that found nothing */
        cl_free(text);
        text = dns_value_string(dns_env_get(x->env, "res"), NULL);
    }
    char clean[300];
    cl_clean(clean, sizeof clean, text, strlen(text) < 250 ? strlen(text) : 250);
    cl_free(text);
    return cl_strdup(*clean != '\0' ? clean : "(no text)");
}

static enum api_step refuse(struct api_exec *x, const struct dns_call *c, const struct dns_eval *ev)
{
    static const struct {
        long from, to;
        enum cl_err_kind kind;
        const char *reason;
    } MEANINGS[] = {{300, 399, CL_ERR_PERMANENT, "ProviderRedirected"},
                    {401, 401, CL_ERR_PERMANENT, "ProviderDenied"},
                    {403, 403, CL_ERR_PERMANENT, "ProviderDenied"},
                    {429, 429, CL_ERR_RATE_LIMITED, "ProviderRateLimited"},
                    {500, 599, CL_ERR_TRANSIENT, "ProviderFailed"},
                    {0, 999, CL_ERR_LOCAL, "ProviderRefused"}};
    size_t i = 0;

    while (x->http.status < MEANINGS[i].from || x->http.status > MEANINGS[i].to) {
        i++;
    }
    char *says = provider_says(x, c, ev);
    const char *moved = MEANINGS[i].from == 300 ? http_header(&x->http, "location") : NULL;
    if (moved != NULL) {
        char clean[200];
        (void)cl_fail(&x->err, MEANINGS[i].kind, MEANINGS[i].reason,
                      "HTTP %ld to %s: redirects are not followed, they could take credentials "
                      "elsewhere",
                      x->http.status, cl_clean(clean, sizeof clean, moved, strnlen(moved, 150)));
    } else {
        (void)cl_fail(&x->err, x->login ? CL_ERR_PERMANENT : MEANINGS[i].kind,
                      x->login && MEANINGS[i].kind == CL_ERR_LOCAL ? "LoginFailed"
                                                                   : MEANINGS[i].reason,
                      "HTTP %ld: %s", x->http.status, says);
        if (x->login && MEANINGS[i].kind != CL_ERR_LOCAL) {
            x->err.kind = MEANINGS[i].kind;
        }
    }
    x->err.http_status = (int)x->http.status;
    cl_free(says);
    return API_FAILED;
}

/* ---- again? ---- */

/* 429, 5xx and what `retry` names: wait as asked. */
static enum api_step busy(struct api_exec *x, struct api_frame *f, const struct dns_eval *ev)
{
    cl_time now = loop_now(x->p->loop);
    cl_time until = 0;
    const char *after = http_header(&x->http, "retry-after");

    if (after == NULL || cl_time_parse_retry_after(after, now, &until) < 0) {
        until = 0;
    }
    f->tries++;
    cl_time wait = until > now ? until - now : backoff(x, f->tries);
    if (x->http.status == 429) {
        api_limits_block(x->p, x->zone, x->fqdn, now + wait);
    }
    if (wait <= WAIT_MAX && f->tries < TRIES_MAX) {
        return again_in(x, wait);
    }
    (void)refuse(x, f->call, ev);
    x->err.retry_at = now + wait;
    return API_FAILED;
}

/* API_DONE: go on judging. */
static enum api_step maybe_again(struct api_exec *x, struct api_frame *f, const struct dns_eval *ev)
{
    long status = x->http.status;
    int named = 0;

    if ((status == 401 || status == 403) && x->p->a->has_login && !x->login && !f->again) {
        f->again = true; /* the session may have ended: one more, with a new one */
        api_session_drop(x->p, x->generation);
        return API_AGAIN;
    }
    if (x->p->a->request.retry != NULL) {
        named = dns_where_holds(x->p->a->request.retry, dns_env_get(x->env, "res"), ev, &x->err);
        if (named < 0) {
            return API_FAILED;
        }
    }
    if (status == 429 || named > 0) {
        return busy(x, f, ev);
    }
    if (status >= 500 && status != 501 && !status_good(ok_of(x, f->call), status)) {
        if (x->once) {
            x->lost = true;
            return refuse(x, f->call, ev);
        }
        return busy(x, f, ev);
    }
    return API_DONE;
}

/* `until` and `fail`. API_DONE: it is so. */
static enum api_step poll_again(struct api_exec *x, struct api_frame *f, const struct dns_eval *ev)
{
    const struct dns_call *c = f->call;
    const struct dns_value *res = dns_env_get(x->env, "res");
    cl_time now = loop_now(x->p->loop);

    if (c->until == NULL) {
        return API_DONE;
    }
    int failed = c->fail != NULL ? dns_where_holds(c->fail, res, ev, &x->err) : 0;
    int done = failed == 0 ? dns_where_holds(c->until, res, ev, &x->err) : failed;
    if (failed < 0 || done < 0) {
        return API_FAILED;
    }
    if (failed > 0) {
        char *says = provider_says(x, c, ev);
        (void)cl_fail(&x->err, CL_ERR_LOCAL, "ProviderJobFailed", "the provider's job failed: %s",
                      says);
        cl_free(says);
        return API_FAILED;
    }
    if (done > 0) {
        return API_DONE;
    }
    if (f->deadline == 0) {
        f->deadline = now + (c->timeout > 0 ? c->timeout : POLL_TIMEOUT);
    }
    if (now >= f->deadline) {
        (void)cl_fail(&x->err, CL_ERR_TRANSIENT, "ProviderTimedOut",
                      "the provider did not say in time that it is done");
        return API_FAILED;
    }
    f->tries = 0;
    return again_in(x, c->every > 0 ? c->every : POLL_EVERY);
}

enum api_step api_answer(struct api_exec *x, struct api_frame *f, const struct cl_err *transport)
{
    const struct dns_call *c = f->call;
    struct dns_eval ev = api_eval(x->p, x->env, NULL);

    if (transport != NULL) {
        return transport_failed(x, f, transport);
    }
    set_headers(x);
    dns_env_set(x->env, "status", dns_value_int(x->http.status));
    if (is_absent(c, x->http.status)) {
        x->absent = true;
        dns_env_set(x->env, "res", (struct dns_value){0});
        return API_DONE;
    }
    if (read_body(x, c, &x->err) < 0) {
        x->lost = x->once; /* it was done, perhaps */
        return API_FAILED;
    }
    enum api_step how = maybe_again(x, f, &ev);
    if (how != API_DONE) {
        return how;
    }
    int absent = c->absent_if != NULL
                     ? dns_where_holds(c->absent_if, dns_env_get(x->env, "res"), &ev, &x->err)
                     : 0;
    if (absent != 0) {
        x->absent = absent > 0;
        return absent > 0 ? API_DONE : API_FAILED;
    }
    int good = is_good(x, c, &ev);
    if (good <= 0) {
        return good < 0 ? API_FAILED : refuse(x, c, &ev);
    }
    return poll_again(x, f, &ev);
}
