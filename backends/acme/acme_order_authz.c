/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_authz: the first half of proving the names (RFC 8555 7.5): AUTHORIZE reads all
 * authorizations and picks one challenge and one solver for each that is pending; PRESENT makes all
 * answers available together (an apex and its wildcard need both at the same time). */
#include "backends/acme/acme_jws.h"
#include "backends/acme/acme_order_impl.h"
#include "backends/acme/acme_problem.h"
#include "backends/solvers/solvers.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/spec_parse.h"

#include <string.h>

#define PERSIST "dns-persist-01"
/* Challenge types that solvers of this program can answer. */
static const char *const KNOWN_TYPES[] = {"http-01",        "tls-alpn-01", "dns-01",
                                          "dns-account-01", PERSIST,       NULL};

void acme_authz_clear(struct acme_authz *a)
{
    cl_free(a->url);
    cl_free(a->identifier);
    cl_free(a->why);
    cl_free(a->challenge_url);
    cl_free(a->token);
    cl_free(a->key_authorization);
    cl_strv_deinit(&a->issuers);
    cl_free(a->account_uri);
    json_decref(a->seen);
    memset(a, 0, sizeof *a);
}

static const char *known_type(const char *type)
{
    for (const char *const *t = KNOWN_TYPES; *t != NULL; t++) {
        if (strcmp(*t, type) == 0) {
            return *t;
        }
    }
    return NULL;
}

/* Has it what an answer needs: a token, or for dns-persist-01 the names of the CA? */
static bool answerable(const struct acme_challenge_msg *c)
{
    return known_type(c->type) != NULL &&
           (strcmp(c->type, PERSIST) == 0 ? c->issuers.len > 0 : c->token != NULL);
}

/* ---- AUTHORIZE ---- */

/* Does the order ask for that name, or for one below it (RFC 9444 lets an ancestor be proved)? */
static bool identifier_expected(const struct acme_order *o, const struct acme_identifier *id)
{
    const struct cert_spec *spec = o->p.object->cert;

    if (strcmp(id->type, "ip") == 0) {
        return cl_strv_has(&spec->ip_addresses, id->value);
    }
    cl_strv_for_each(name, &spec->dns_names) {
        const char *base = cl_str_starts(name, "*.") ? name + 2 : name;
        if (strcmp(base, id->value) == 0 || dns_name_in_zone(base, id->value)) {
            return true;
        }
    }
    return false;
}

/* The error of the challenge that failed; it is the authorization's. */
void acme_authz_verdict(const struct acme_authz_msg *msg, struct cl_err *ret)
{
    for (size_t i = 0; i < msg->n_challenges; i++) {
        if (msg->challenges[i].has_error) {
            acme_problem_verdict(&msg->challenges[i].error, msg->identifier.value, ret);
            return;
        }
    }
    (void)cl_fail(ret, CL_ERR_VALIDATION, "ValidationFailed", "the CA gave no reason");
    (void)cl_format(ret->identifier, sizeof ret->identifier, "%s", msg->identifier.value);
}

static int choose_challenge(struct acme_order *o, struct acme_authz *a,
                            const struct acme_authz_msg *msg, struct cl_err *err)
{
    struct cl_strv types = {0};
    char *name = cl_printf("%s%s", msg->wildcard ? "*." : "", msg->identifier.value);

    for (size_t i = 0; i < msg->n_challenges; i++) {
        const struct acme_challenge_msg *c = &msg->challenges[i];
        if (answerable(c)) {
            cl_strv_add(&types, c->type);
        }
    }
    a->solver = solver_pick(o->p.object, o->p.solvers, name, &types, &a->why);
    for (size_t i = 0; i < msg->n_challenges && a->solver != NULL; i++) {
        const struct acme_challenge_msg *c = &msg->challenges[i];
        if (answerable(c) && solver_answers(a->solver, c->type) && a->type == NULL) {
            a->type = known_type(c->type);
            a->challenge_url = cl_strdup(c->url);
            a->token = cl_strdup(c->token);
            cl_strv_copy(&a->issuers, &c->issuers);
            a->account_uri = cl_strdup(c->account_uri);
            a->told = c->status == ACME_STATUS_PROCESSING;
        }
    }
    cl_strv_deinit(&types);
    if (a->type == NULL) {
        (void)cl_fail(err, CL_ERR_PERMANENT, "NoSolver", "no solver can prove %s: %s", name,
                      cl_str_or(a->why, "the CA offers no challenge that a solver can answer"));
        (void)cl_format(err->identifier, sizeof err->identifier, "%s", msg->identifier.value);
        cl_free(name);
        return -1;
    }
    cl_free(name);
    if (strcmp(a->type, PERSIST) == 0) {
        a->step = AUTHZ_CHOSEN;
        return 0;
    }
    if (!solver_token_ok(a->token)) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "BadToken",
                       "the CA's token for %s is not base64url of at least 22 characters",
                       msg->identifier.value);
    }
    a->key_authorization = acme_jws_key_authorization(a->token, o->p.thumbprint);
    a->step = AUTHZ_CHOSEN;
    return 0;
}

static bool all_read(const struct acme_order *o, size_t *ret_pending)
{
    *ret_pending = 0;
    for (size_t i = 0; i < o->n_authz; i++) {
        if (o->authz[i].step == AUTHZ_READING) {
            return false;
        }
        *ret_pending += o->authz[i].step == AUTHZ_CHOSEN;
    }
    return true;
}

static enum acme_step authz_read(struct acme_order *o, size_t index,
                                 const struct acme_authz_msg *msg)
{
    struct acme_authz *a = &o->authz[index];
    struct cl_err err = {0};
    size_t pending;

    if (!o->p.abandon && !identifier_expected(o, &msg->identifier)) {
        (void)cl_fail(&err, CL_ERR_BAD_RESULT, "UnexpectedIdentifier",
                      "the CA wants a name proved that the certificate does not have");
        return acme_order_fail(o, &err);
    }
    a->identifier = cl_strdup(msg->identifier.value);
    a->wildcard = msg->wildcard;
    a->status = msg->status;
    switch (msg->status) {
    case ACME_STATUS_VALID:
        a->step = AUTHZ_REUSED;
        break;
    case ACME_STATUS_PENDING:
    case ACME_STATUS_PROCESSING:
        if (o->p.abandon) {
            a->step = AUTHZ_CHOSEN;
        } else if (choose_challenge(o, a, msg, &err) < 0) {
            return acme_order_fail(o, &err);
        }
        break;
    case ACME_STATUS_NONE:
    case ACME_STATUS_READY:
    case ACME_STATUS_INVALID:
    case ACME_STATUS_DEACTIVATED:
    case ACME_STATUS_EXPIRED:
    case ACME_STATUS_REVOKED:
    case ACME_STATUS_COUNT: /* of an order that we did not see fail: make another one */
        acme_authz_verdict(msg, &err);
        if (o->p.abandon) {
            a->step = AUTHZ_FAILED;
            break;
        }
        (void)acme_order_act(o, ACT_ABORT, 0);
        return acme_order_remake(o, &err);
    }
    if (!all_read(o, &pending)) {
        return STEP_WAIT;
    }
    if (o->p.abandon) {
        return acme_order_go(o, ORDER_CLEANUP);
    }
    return acme_order_go(o, pending > 0 ? ORDER_PRESENT : ORDER_FINALIZE);
}

enum acme_step acme_order_authorize(struct acme_order *o, const struct acme_event *ev)
{
    struct acme_authz_msg msg;
    struct cl_err err = {0};
    enum acme_step step;

    switch (ev->type) {
    case EV_ENTER:
        for (size_t i = 0; i < o->n_authz; i++) {
            acme_order_ask(o, ACME_AUTHZ, i, o->authz[i].url, NULL);
        }
        return STEP_WAIT;
    case EV_REPLY:
        if (acme_msg_authz(ev->reply->body, ev->reply->len, o->p.allow_http, &msg, &err) < 0) {
            return acme_order_fail(o, &err);
        }
        step = authz_read(o, ev->index, &msg);
        acme_authz_msg_deinit(&msg);
        return step;
    case EV_FAILED:
        err = *ev->err;
        cl_wrap(&err, "read an authorization");
        return acme_order_fail(o, &err);
    case EV_FETCHED:
    case EV_TIMER:
        return STEP_WAIT;
    case EV_SAVED:
    case EV_PRESENTED:
    case EV_WAITS:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_AUTHORIZE");
}

/* ---- PRESENT ---- */

/* On when nothing is under way any more, but for those that wait for the end of others. */
static enum acme_step when_presented(struct acme_order *o)
{
    bool any = false;

    for (size_t i = 0; i < o->n_authz; i++) {
        if (o->authz[i].answer == ANSWER_PRESENTING && !o->authz[i].waits) {
            return STEP_WAIT;
        }
        any |= o->authz[i].answer == ANSWER_PRESENTED;
    }
    return any ? acme_order_go(o, ORDER_CHALLENGE) : STEP_WAIT;
}

int acme_order_presented(struct acme_order *o, const struct acme_event *ev, struct cl_err *err)
{
    struct acme_authz *a = &o->authz[ev->index];

    a->answer = ANSWER_PRESENTED; /* if it failed, it may still have to be taken away */
    a->presented_at = o->now;
    a->waits = false;
    a->miss_wait = ev->miss_wait;
    if (ev->err != NULL) {
        *err = *ev->err;
        cl_wrap(err, "present the answer for %s", a->identifier);
        (void)cl_format(err->identifier, sizeof err->identifier, "%s", a->identifier);
        return -1;
    }
    return 0;
}

enum acme_step acme_order_present(struct acme_order *o, const struct acme_event *ev)
{
    struct cl_err err = {0};

    switch (ev->type) {
    case EV_ENTER:
        for (size_t i = 0; i < o->n_authz; i++) {
            if (o->authz[i].step == AUTHZ_CHOSEN) {
                o->authz[i].answer = ANSWER_PRESENTING;
                (void)acme_order_act(o, ACT_PRESENT, i);
            }
        }
        return STEP_WAIT;
    case EV_PRESENTED:
        return acme_order_presented(o, ev, &err) < 0 ? acme_order_fail(o, &err) : when_presented(o);
    case EV_WAITS:
        o->authz[ev->index].waits = true;
        return when_presented(o);
    case EV_FETCHED:
        o->authz[ev->index].fetches++;
        return STEP_WAIT;
    case EV_TIMER:
        return STEP_WAIT;
    case EV_REPLY:
    case EV_FAILED:
    case EV_SAVED:
    case EV_CLEANED:
    case EV_ADMITTED:
    case EV_CANCEL:
        break;
    }
    cl_impossible("event in ORDER_PRESENT");
}
