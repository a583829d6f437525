/* SPDX-License-Identifier: Apache-2.0 */
/* acme_msg_order: orders and their authorizations (RFC 8555 7.1.3, 7.1.4). */
#include "backends/acme/acme_msg_impl.h"
#include "backends/acme/acme_url.h"
#include "backends/solvers/persist_record.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* ---- orders ---- */

void acme_order_msg_deinit(struct acme_order_msg *o)
{
    for (size_t i = 0; i < o->n_identifiers; i++) {
        acme_identifier_deinit(&o->identifiers[i]);
    }
    cl_free(o->identifiers);
    cl_strv_deinit(&o->authorizations);
    cl_free(o->finalize);
    cl_free(o->certificate);
    cl_free(o->profile);
    acme_problem_deinit(&o->error);
    memset(o, 0, sizeof *o);
}

static int order_identifiers(const json_t *list, struct acme_order_msg *o, struct cl_err *err)
{
    size_t n = json_array_size(list);

    if (n == 0 || n > ACME_MAX_AUTHORIZATIONS) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "BadOrder", "the CA's order has %zu identifiers", n);
    }
    o->identifiers = cl_calloc(n, sizeof *o->identifiers);
    for (size_t i = 0; i < n; i++) {
        if (acme_json_identifier(json_array_get(list, i), &o->identifiers[i]) < 0) {
            return cl_fail(err, CL_ERR_BAD_RESULT, "BadOrder",
                           "the CA's order has a malformed identifier");
        }
        o->n_identifiers++;
    }
    return 0;
}

static int order_authorizations(const json_t *list, bool allow_http, struct acme_order_msg *o,
                                struct cl_err *err)
{
    size_t n = json_array_size(list);

    if (n == 0 || n > ACME_MAX_AUTHORIZATIONS) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "BadOrder", "the CA's order has %zu authorizations",
                       n);
    }
    for (size_t i = 0; i < n; i++) {
        const char *url = json_string_value(json_array_get(list, i));
        if (!acme_url_ok(url, allow_http)) {
            return cl_fail(err, CL_ERR_BAD_RESULT, "BadURL",
                           "the CA's order has an authorization that is no usable https URL");
        }
        cl_strv_add(&o->authorizations, url);
    }
    return 0;
}

int acme_msg_order(const char *text, size_t len, bool allow_http, struct acme_order_msg *ret,
                   struct cl_err *err)
{
    struct acme_order_msg o = {0};
    int rc = -1;
    json_t *root = acme_json_load(text, len, "order", err);

    if (root == NULL) {
        return -1;
    }
    if (acme_json_status(root, &o.status, err) < 0 ||
        acme_json_url(root, "finalize", allow_http, &o.finalize, err) < 0 ||
        order_identifiers(json_object_get(root, "identifiers"), &o, err) < 0 ||
        order_authorizations(json_object_get(root, "authorizations"), allow_http, &o, err) < 0) {
        goto out;
    }
    if (json_object_get(root, "certificate") != NULL &&
        acme_json_url(root, "certificate", allow_http, &o.certificate, err) < 0) {
        goto out;
    }
    o.profile = cl_strdup(acme_json_text(root, "profile", ACME_JSON_TEXT_MAX));
    o.expires = acme_json_time(root, "expires");
    o.has_error = acme_json_problem(json_object_get(root, "error"), &o.error) == 0;
    *ret = o;
    memset(&o, 0, sizeof o);
    rc = 0;
out:
    acme_order_msg_deinit(&o);
    json_decref(root);
    return rc;
}

bool acme_msg_order_is_for(const struct acme_order_msg *o, const struct cert_spec *spec)
{
    if (o->n_identifiers != spec->dns_names.len + spec->ip_addresses.len) {
        return false;
    }
    for (size_t i = 0; i < o->n_identifiers; i++) {
        const struct acme_identifier *id = &o->identifiers[i];
        bool ip = strcmp(id->type, "ip") == 0;

        if (!cl_strv_has(ip ? &spec->ip_addresses : &spec->dns_names, id->value)) {
            return false;
        }
    }
    return true;
}

/* ---- authorizations ---- */

static void challenge_deinit(struct acme_challenge_msg *c)
{
    cl_strv_deinit(&c->issuers);
    cl_free(c->account_uri);
    cl_free(c->type);
    cl_free(c->url);
    cl_free(c->token);
    acme_problem_deinit(&c->error);
}

void acme_authz_msg_deinit(struct acme_authz_msg *a)
{
    acme_identifier_deinit(&a->identifier);
    for (size_t i = 0; i < a->n_challenges; i++) {
        challenge_deinit(&a->challenges[i]);
    }
    cl_free(a->challenges);
    memset(a, 0, sizeof *a);
}

/* issuer-domain-names of dns-persist-01: all of them must be names, else none counts. */
static void issuers_decode(const json_t *list, struct cl_strv *ret)
{
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n && n <= ACME_MAX_PERSIST_ISSUERS; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name == NULL || !persist_issuer_ok(name)) {
            cl_strv_deinit(ret);
            return;
        }
        cl_strv_add(ret, name);
    }
}

static bool challenge_decode(const json_t *v, bool allow_http, struct acme_challenge_msg *ret)
{
    const char *type = acme_json_text(v, "type", 64);
    const char *token = acme_json_text(v, "token", ACME_JSON_TEXT_MAX);

    if (type == NULL || acme_json_status(v, &ret->status, NULL) < 0 ||
        acme_json_url(v, "url", allow_http, &ret->url, NULL) < 0) {
        return false;
    }
    ret->type = cl_strdup(type);
    ret->token = cl_strdup(token);
    issuers_decode(json_object_get(v, "issuer-domain-names"), &ret->issuers);
    ret->account_uri = cl_strdup(acme_json_text(v, "accounturi", ACME_JSON_TEXT_MAX));
    ret->has_error = acme_json_problem(json_object_get(v, "error"), &ret->error) == 0;
    return true;
}

static void authz_challenges(const json_t *list, bool allow_http, struct acme_authz_msg *a)
{
    size_t i;
    json_t *v;

    a->challenges = cl_calloc(ACME_MAX_CHALLENGES, sizeof *a->challenges);
    json_array_foreach(list, i, v)
    {
        struct acme_challenge_msg c = {0};

        if (a->n_challenges < ACME_MAX_CHALLENGES && challenge_decode(v, allow_http, &c)) {
            a->challenges[a->n_challenges++] = c;
        } else {
            challenge_deinit(&c);
        }
    }
}

int acme_msg_authz(const char *text, size_t len, bool allow_http, struct acme_authz_msg *ret,
                   struct cl_err *err)
{
    struct acme_authz_msg a = {0};
    int rc = -1;
    json_t *root = acme_json_load(text, len, "authorization", err);

    if (root == NULL) {
        return -1;
    }
    if (acme_json_status(root, &a.status, err) < 0) {
        goto out;
    }
    if (acme_json_identifier(json_object_get(root, "identifier"), &a.identifier) < 0) {
        cl_fail(err, CL_ERR_BAD_RESULT, "BadAuthorization",
                "the CA's authorization has no identifier");
        goto out;
    }
    a.wildcard = json_is_true(json_object_get(root, "wildcard"));
    a.expires = acme_json_time(root, "expires");
    authz_challenges(json_object_get(root, "challenges"), allow_http, &a);
    *ret = a;
    memset(&a, 0, sizeof a);
    rc = 0;
out:
    acme_authz_msg_deinit(&a);
    json_decref(root);
    return rc;
}
