/* SPDX-License-Identifier: Apache-2.0 */
/* acme_msg: decoding with jansson, strictly where it matters (URLs, statuses, sizes), tolerantly
 * where CAs differ (unknown members, challenges of unknown types). */
#include "backends/acme/acme_msg.h"

#include "backends/acme/acme_url.h"
#include "backends/solvers/persist_record.h"
#include "spec/base/cl_alloc.h"

#include <jansson.h>
#include <string.h>

#define MSG_MAX_TEXT 1024u /* any other string */
#define MSG_MAX_LIST 64u   /* contacts, profiles */

static const char *const STATUS_NAMES[ACME_STATUS_COUNT] = {
#define X(symbol, name) [ACME_STATUS_##symbol] = name,
    ACME_STATUSES(X)
#undef X
};

const char *acme_status_name(enum acme_status s)
{
    return STATUS_NAMES[s];
}

/* ---- reading members ---- */

static json_t *msg_load(const char *text, size_t len, const char *what, struct cl_err *err)
{
    json_error_t e;
    json_t *root = json_loadb(text != NULL ? text : "", len, JSON_REJECT_DUPLICATES, &e);

    if (!json_is_object(root)) {
        json_decref(root);
        cl_fail(err, CL_ERR_BAD_RESULT, "NotJSON", "the CA's %s is not a JSON object", what);
        return NULL;
    }
    return root;
}

/* Borrowed; NULL if it is missing, no string, or longer than @max. */
static const char *msg_text(const json_t *object, const char *key, size_t max)
{
    const json_t *v = json_object_get(object, key);

    return json_is_string(v) && json_string_length(v) <= max ? json_string_value(v) : NULL;
}

static char *msg_optional_url(const json_t *object, const char *key, bool allow_http)
{
    const char *url = msg_text(object, key, ACME_URL_MAX);

    return acme_url_ok(url, allow_http) ? cl_strdup(url) : NULL;
}

static int msg_url(const json_t *object, const char *key, bool allow_http, char **ret,
                   struct cl_err *err)
{
    char *url = msg_optional_url(object, key, allow_http);

    if (url == NULL) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "BadURL",
                       "the CA's answer has no usable https URL in \"%s\"", key);
    }
    *ret = url;
    return 0;
}

static int msg_status(const json_t *object, enum acme_status *ret, struct cl_err *err)
{
    const char *text = msg_text(object, "status", MSG_MAX_TEXT);

    for (size_t i = ACME_STATUS_NONE + 1; text != NULL && i < ACME_STATUS_COUNT; i++) {
        if (strcmp(text, STATUS_NAMES[i]) == 0) {
            *ret = (enum acme_status)i;
            return 0;
        }
    }
    return cl_fail(err, CL_ERR_BAD_RESULT, "BadStatus", "the CA's answer has no known \"status\"");
}

static cl_time msg_time(const json_t *object, const char *key)
{
    const char *text = msg_text(object, key, MSG_MAX_TEXT);
    cl_time t = 0;

    return text != NULL && cl_time_parse(text, &t) == 0 ? t : 0;
}

static void msg_strings(const json_t *list, struct cl_strv *ret)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        if (i < MSG_MAX_LIST && json_is_string(v) && json_string_length(v) <= MSG_MAX_TEXT) {
            cl_strv_add(ret, json_string_value(v));
        }
    }
}

static void identifier_deinit(struct acme_identifier *id)
{
    cl_free(id->type);
    cl_free(id->value);
}

static int msg_identifier(const json_t *v, struct acme_identifier *ret)
{
    const char *type = msg_text(v, "type", 32);
    const char *value = msg_text(v, "value", 253);

    if (type == NULL || cl_str_empty(value)) {
        return -1;
    }
    ret->type = cl_strdup(type);
    ret->value = cl_str_lower(cl_strdup(value));
    return 0;
}

/* ---- directory ---- */

void acme_directory_deinit(struct acme_directory *d)
{
    cl_free(d->new_nonce);
    cl_free(d->new_account);
    cl_free(d->new_order);
    cl_free(d->revoke_cert);
    cl_free(d->key_change);
    cl_free(d->renewal_info);
    cl_free(d->terms_of_service);
    cl_free(d->website);
    cl_strv_deinit(&d->profiles);
    cl_strv_deinit(&d->caa_identities);
    memset(d, 0, sizeof *d);
}

static void directory_meta(const json_t *meta, struct acme_directory *d)
{
    const char *key;
    json_t *v;

    d->terms_of_service = cl_strdup(msg_text(meta, "termsOfService", ACME_URL_MAX));
    d->website = cl_strdup(msg_text(meta, "website", ACME_URL_MAX));
    d->external_account_required = json_is_true(json_object_get(meta, "externalAccountRequired"));
    msg_strings(json_object_get(meta, "caaIdentities"), &d->caa_identities);
    json_object_foreach(json_object_get(meta, "profiles"), key, v)
    {
        if (d->profiles.len < MSG_MAX_LIST && strlen(key) <= MSG_MAX_TEXT) {
            cl_strv_add(&d->profiles, key);
        }
    }
}

int acme_msg_directory(const char *text, size_t len, bool allow_http, struct acme_directory *ret,
                       struct cl_err *err)
{
    struct acme_directory d = {0};
    int rc = -1;
    json_t *root = msg_load(text, len, "directory", err);

    if (root == NULL) {
        return -1;
    }
    if (msg_url(root, "newNonce", allow_http, &d.new_nonce, err) < 0 ||
        msg_url(root, "newAccount", allow_http, &d.new_account, err) < 0 ||
        msg_url(root, "newOrder", allow_http, &d.new_order, err) < 0) {
        cl_wrap(err, "is this the directory of an RFC 8555 server?");
        goto out;
    }
    d.revoke_cert = msg_optional_url(root, "revokeCert", allow_http);
    d.key_change = msg_optional_url(root, "keyChange", allow_http);
    d.renewal_info = msg_optional_url(root, "renewalInfo", allow_http);
    directory_meta(json_object_get(root, "meta"), &d);
    *ret = d;
    memset(&d, 0, sizeof d);
    rc = 0;
out:
    acme_directory_deinit(&d);
    json_decref(root);
    return rc;
}

/* ---- problem documents ---- */

void acme_problem_deinit(struct acme_problem *p)
{
    cl_free(p->type);
    cl_free(p->detail);
    cl_free(p->instance);
    cl_free(p->identifier);
    cl_free(p->subproblems);
    cl_free(p->subtype);
    memset(p, 0, sizeof *p);
}

static char *problem_type(const json_t *object)
{
    static const char *const PREFIXES[] = {"urn:ietf:params:acme:error:", "urn:acme:error:", NULL};
    const char *type = msg_text(object, "type", MSG_MAX_TEXT);

    for (const char *const *p = PREFIXES; type != NULL && *p != NULL; p++) {
        if (cl_str_starts(type, *p)) {
            return cl_strdup(type + strlen(*p));
        }
    }
    return cl_strdup(cl_str_or(type, ""));
}

static char *problem_detail(const json_t *object)
{
    const json_t *v = json_object_get(object, "detail");
    size_t len = json_string_length(v);

    if (!json_is_string(v)) {
        return cl_strdup("");
    }
    return cl_strndup(json_string_value(v), len < ACME_MAX_DETAIL ? len : ACME_MAX_DETAIL);
}

static void problem_sub(const json_t *list, struct acme_problem *p)
{
    struct cl_strv texts = {0};
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        struct acme_identifier id = {0};

        if (texts.len >= MSG_MAX_LIST ||
            msg_identifier(json_object_get(v, "identifier"), &id) < 0) {
            continue;
        }
        char *detail = problem_detail(v);
        cl_strv_take(&texts, cl_printf("%s: %s", id.value, detail));
        cl_free(detail);
        if (p->identifier == NULL) {
            p->identifier = cl_strdup(id.value);
            p->subtype = problem_type(v);
        }
        identifier_deinit(&id);
    }
    if (texts.len > 0) {
        p->subproblems = cl_strv_join(&texts, "; ");
    }
    cl_strv_deinit(&texts);
}

static int problem_decode(const json_t *object, struct acme_problem *ret)
{
    if (!json_is_object(object) ||
        (json_object_get(object, "type") == NULL && json_object_get(object, "detail") == NULL)) {
        return -1;
    }
    ret->type = problem_type(object);
    ret->detail = problem_detail(object);
    ret->instance = msg_optional_url(object, "instance", true);
    problem_sub(json_object_get(object, "subproblems"), ret);
    return 0;
}

int acme_msg_problem(const char *text, size_t len, struct acme_problem *ret)
{
    struct acme_problem p = {0};
    json_t *root = msg_load(text, len, "problem document", NULL);
    int rc = problem_decode(root, &p);

    json_decref(root);
    if (rc == 0) {
        *ret = p;
    }
    return rc;
}

/* ---- orders ---- */

void acme_order_msg_deinit(struct acme_order_msg *o)
{
    for (size_t i = 0; i < o->n_identifiers; i++) {
        identifier_deinit(&o->identifiers[i]);
    }
    cl_free(o->identifiers);
    cl_strv_deinit(&o->authorizations);
    cl_free(o->finalize);
    cl_free(o->certificate);
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
        if (msg_identifier(json_array_get(list, i), &o->identifiers[i]) < 0) {
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
    json_t *root = msg_load(text, len, "order", err);

    if (root == NULL) {
        return -1;
    }
    if (msg_status(root, &o.status, err) < 0 ||
        msg_url(root, "finalize", allow_http, &o.finalize, err) < 0 ||
        order_identifiers(json_object_get(root, "identifiers"), &o, err) < 0 ||
        order_authorizations(json_object_get(root, "authorizations"), allow_http, &o, err) < 0) {
        goto out;
    }
    if (json_object_get(root, "certificate") != NULL &&
        msg_url(root, "certificate", allow_http, &o.certificate, err) < 0) {
        goto out;
    }
    o.expires = msg_time(root, "expires");
    o.has_error = problem_decode(json_object_get(root, "error"), &o.error) == 0;
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
    identifier_deinit(&a->identifier);
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
    const char *type = msg_text(v, "type", 64);
    const char *token = msg_text(v, "token", MSG_MAX_TEXT);

    if (type == NULL || msg_status(v, &ret->status, NULL) < 0 ||
        msg_url(v, "url", allow_http, &ret->url, NULL) < 0) {
        return false;
    }
    ret->type = cl_strdup(type);
    ret->token = cl_strdup(token);
    issuers_decode(json_object_get(v, "issuer-domain-names"), &ret->issuers);
    ret->account_uri = cl_strdup(msg_text(v, "accounturi", MSG_MAX_TEXT));
    ret->has_error = problem_decode(json_object_get(v, "error"), &ret->error) == 0;
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
    json_t *root = msg_load(text, len, "authorization", err);

    if (root == NULL) {
        return -1;
    }
    if (msg_status(root, &a.status, err) < 0) {
        goto out;
    }
    if (msg_identifier(json_object_get(root, "identifier"), &a.identifier) < 0) {
        cl_fail(err, CL_ERR_BAD_RESULT, "BadAuthorization",
                "the CA's authorization has no identifier");
        goto out;
    }
    a.wildcard = json_is_true(json_object_get(root, "wildcard"));
    a.expires = msg_time(root, "expires");
    authz_challenges(json_object_get(root, "challenges"), allow_http, &a);
    *ret = a;
    memset(&a, 0, sizeof a);
    rc = 0;
out:
    acme_authz_msg_deinit(&a);
    json_decref(root);
    return rc;
}

/* ---- accounts ---- */

void acme_account_msg_deinit(struct acme_account_msg *a)
{
    cl_strv_deinit(&a->contact);
}

int acme_msg_account(const char *text, size_t len, struct acme_account_msg *ret, struct cl_err *err)
{
    struct acme_account_msg a = {0};
    json_t *root = msg_load(text, len, "account", err);
    int rc = root != NULL ? msg_status(root, &a.status, err) : -1;

    if (rc == 0) {
        msg_strings(json_object_get(root, "contact"), &a.contact);
        *ret = a;
    }
    json_decref(root);
    return rc;
}
