/* SPDX-License-Identifier: Apache-2.0 */
/* acme_msg: decoding with jansson, strictly where it matters (URLs, statuses, sizes), tolerantly
 * where CAs differ (unknown members, challenges of unknown types). Directories, problem documents and
 * accounts; orders and authorizations are in acme_msg_order.c. */
#include "backends/acme/acme_msg_impl.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"

#include <jansson.h>
#include <string.h>

#define MSG_MAX_LIST 64u /* contacts, profiles */

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

json_t *acme_json_load(const char *text, size_t len, const char *what, struct cl_err *err)
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
const char *acme_json_text(const json_t *object, const char *key, size_t max)
{
    const json_t *v = json_object_get(object, key);

    return json_is_string(v) && json_string_length(v) <= max ? json_string_value(v) : NULL;
}

static char *msg_optional_url(const json_t *object, const char *key, bool allow_http)
{
    const char *url = acme_json_text(object, key, ACME_URL_MAX);

    return acme_url_ok(url, allow_http) ? cl_strdup(url) : NULL;
}

int acme_json_url(const json_t *object, const char *key, bool allow_http, char **ret,
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

int acme_json_status(const json_t *object, enum acme_status *ret, struct cl_err *err)
{
    const char *text = acme_json_text(object, "status", ACME_JSON_TEXT_MAX);

    for (size_t i = ACME_STATUS_NONE + 1; text != NULL && i < ACME_STATUS_COUNT; i++) {
        if (strcmp(text, STATUS_NAMES[i]) == 0) {
            *ret = (enum acme_status)i;
            return 0;
        }
    }
    return cl_fail(err, CL_ERR_BAD_RESULT, "BadStatus", "the CA's answer has no known \"status\"");
}

cl_time acme_json_time(const json_t *object, const char *key)
{
    const char *text = acme_json_text(object, key, ACME_JSON_TEXT_MAX);
    cl_time t = 0;

    return text != NULL && cl_time_parse(text, &t) == 0 ? t : 0;
}

static void msg_strings(const json_t *list, struct cl_strv *ret)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        if (i < MSG_MAX_LIST && json_is_string(v) && json_string_length(v) <= ACME_JSON_TEXT_MAX) {
            cl_strv_add(ret, json_string_value(v));
        }
    }
}

void acme_identifier_deinit(struct acme_identifier *id)
{
    cl_free(id->type);
    cl_free(id->value);
}

int acme_json_identifier(const json_t *v, struct acme_identifier *ret)
{
    const char *type = acme_json_text(v, "type", 32);
    const char *value = acme_json_text(v, "value", 253);

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
    cl_strv_deinit(&d->profile_docs);
    cl_strv_deinit(&d->caa_identities);
    memset(d, 0, sizeof *d);
}

static void directory_meta(const json_t *meta, struct acme_directory *d)
{
    const char *key;
    json_t *v;

    d->terms_of_service = cl_strdup(acme_json_text(meta, "termsOfService", ACME_URL_MAX));
    d->website = cl_strdup(acme_json_text(meta, "website", ACME_URL_MAX));
    d->external_account_required = json_is_true(json_object_get(meta, "externalAccountRequired"));
    msg_strings(json_object_get(meta, "caaIdentities"), &d->caa_identities);
    json_object_foreach(json_object_get(meta, "profiles"), key, v)
    {
        if (d->profiles.len < MSG_MAX_LIST && strlen(key) <= ACME_JSON_TEXT_MAX) {
            bool said = json_is_string(v) && json_string_length(v) <= ACME_JSON_TEXT_MAX;
            cl_strv_add(&d->profiles, key);
            cl_strv_add(&d->profile_docs, said ? json_string_value(v) : "");
        }
    }
}

int acme_msg_directory(const char *text, size_t len, bool allow_http, struct acme_directory *ret,
                       struct cl_err *err)
{
    struct acme_directory d = {0};
    int rc = -1;
    json_t *root = acme_json_load(text, len, "directory", err);

    if (root == NULL) {
        return -1;
    }
    if (acme_json_url(root, "newNonce", allow_http, &d.new_nonce, err) < 0 ||
        acme_json_url(root, "newAccount", allow_http, &d.new_account, err) < 0 ||
        acme_json_url(root, "newOrder", allow_http, &d.new_order, err) < 0) {
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
    name_problems_deinit(&p->names);
    memset(p, 0, sizeof *p);
}

static char *problem_type(const json_t *object)
{
    static const char *const PREFIXES[] = {"urn:ietf:params:acme:error:", "urn:acme:error:", NULL};
    const char *type = acme_json_text(object, "type", ACME_JSON_TEXT_MAX);

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
            acme_json_identifier(json_object_get(v, "identifier"), &id) < 0) {
            continue;
        }
        char *detail = problem_detail(v);
        char *type = problem_type(v);
        name_problems_add(&p->names, id.value, type, detail);
        cl_free(type);
        cl_strv_take(&texts, cl_printf("%s: %s", id.value, detail));
        cl_free(detail);
        if (p->identifier == NULL) {
            p->identifier = cl_strdup(id.value);
            p->subtype = problem_type(v);
        }
        acme_identifier_deinit(&id);
    }
    if (texts.len > 0) {
        p->subproblems = cl_strv_join(&texts, "; ");
    }
    cl_strv_deinit(&texts);
}

int acme_json_problem(const json_t *object, struct acme_problem *ret)
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
    json_t *root = acme_json_load(text, len, "problem document", NULL);
    int rc = acme_json_problem(root, &p);

    json_decref(root);
    if (rc == 0) {
        *ret = p;
    }
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
    json_t *root = acme_json_load(text, len, "account", err);
    int rc = root != NULL ? acme_json_status(root, &a.status, err) : -1;

    if (rc == 0) {
        msg_strings(json_object_get(root, "contact"), &a.contact);
        *ret = a;
    }
    json_decref(root);
    return rc;
}
