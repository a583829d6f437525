/* SPDX-License-Identifier: Apache-2.0 */
/* acme_view: orders and the Issuer as JSON for the status files. */
#include "backends/acme/acme_impl.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void set_time(json_t *object, const char *key, cl_time t)
{
    char text[CL_TIME_TEXT];

    if (t != 0) {
        (void)json_object_set_new(object, key, json_string(cl_time_format(t, text)));
    }
}

static const char *authz_state(const struct acme_authz *z)
{
    switch (z->step) {
    case AUTHZ_READING:
        return "unknown";
    case AUTHZ_REUSED:
    case AUTHZ_VALID:
        return "valid";
    case AUTHZ_CHOSEN:
    case AUTHZ_WAITING:
        return "pending";
    case AUTHZ_POSTING:
    case AUTHZ_WATCHING:
    case AUTHZ_POLLING:
        return "processing";
    case AUTHZ_FAILED:
        return "invalid";
    }
    return "";
}

/* What the name servers said about a record, and what it waits for. */
static void view_visibility(json_t *v, const struct acme_authz *z)
{
    if (z->seen != NULL) {
        (void)json_object_set(v, "propagation", z->seen);
    }
    if (z->waits) {
        (void)json_object_set_new(v, "waitingFor",
                                  json_string("the end of another challenge at the same name"));
    }
}

static json_t *view_authz(const struct acme_authz *z)
{
    json_t *v = json_pack("{s:s?, s:b, s:s}", "identifier", z->identifier, "wildcard",
                          (int)z->wildcard, "state", authz_state(z));

    if (z->step == AUTHZ_REUSED) {
        (void)json_object_set_new(v, "reused", json_true());
        return v;
    }
    if (z->type != NULL) {
        (void)json_object_set_new(
            v, "solver", json_pack("{s:s, s:s}", "type", z->type, "why", cl_str_or(z->why, "")));
    }
    (void)json_object_set_new(
        v, "presented",
        json_boolean(z->answer == ANSWER_PRESENTED || z->answer == ANSWER_CLEANING));
    set_time(v, "presentedAt", z->presented_at);
    view_visibility(v, z);
    if (z->step == AUTHZ_WAITING) {
        (void)json_object_set_new(v, "waitingFor", json_string("its turn at the CA"));
    }
    if (z->fetches > 0) {
        (void)json_object_set_new(v, "fetches", json_integer((json_int_t)z->fetches));
    }
    if (z->step == AUTHZ_FAILED) {
        (void)json_object_set_new(v, "error", json_string(z->err.text));
    }
    return v;
}

json_t *acme_view_issuance(const struct acme_order *o)
{
    json_t *root = json_object();
    json_t *list = json_array();
    const char *state = o->status != ACME_STATUS_NONE ? acme_status_name(o->status)
                                                      : acme_order_state_name(o->state);
    json_t *order =
        json_pack("{s:s?, s:s, s:s, s:s}", "url", o->url, "state", state, "step",
                  acme_order_state_name(o->state), "replaces", cl_str_or(o->replaces, ""));

    if (o->p.profile != NULL) {
        (void)json_object_set_new(order, "profile", json_string(o->p.profile));
    }
    set_time(order, "expires", o->expires);
    if (o->missed > 0) {
        (void)json_object_set_new(order, "missed", json_integer((json_int_t)o->missed));
        (void)json_object_set_new(order, "missedBecause", json_string(o->miss.text));
        set_time(order, "againAt", o->again_at);
    }
    (void)json_object_set_new(root, "order", order);
    for (size_t i = 0; i < o->n_authz; i++) {
        (void)json_array_append_new(list, view_authz(&o->authz[i]));
    }
    (void)json_object_set_new(root, "authorizations", list);
    return root;
}

/* Text of the CA that was not checked: without what a terminal would obey. */
static json_t *view_foreign(const char *text)
{
    char *clean = cl_clean_dup(cl_str_or(text, ""), strlen(cl_str_or(text, "")));
    json_t *v = json_string(clean);

    cl_free(clean);
    return v;
}

static json_t *view_directory(const struct acme *a)
{
    const struct acme_directory *d = &a->directory;
    json_t *profiles = json_array();
    json_t *docs = json_object();
    json_t *v = json_object();

    for (size_t i = 0; i < d->profiles.len; i++) {
        json_t *name = view_foreign(d->profiles.items[i]);
        (void)json_object_set_new(docs, json_string_value(name),
                                  view_foreign(d->profile_docs.items[i]));
        (void)json_array_append_new(profiles, name);
    }
    (void)json_object_set_new(v, "profiles", profiles);
    (void)json_object_set_new(v, "profileDescriptions", docs);
    json_t *identities = json_array();
    cl_strv_for_each(name, &a->directory.caa_identities) {
        (void)json_array_append_new(identities, view_foreign(name));
    }
    (void)json_object_set_new(v, "caaIdentities", identities);
    (void)json_object_set_new(v, "renewalInfo", json_boolean(a->directory.renewal_info != NULL));
    (void)json_object_set_new(v, "termsOfService", view_foreign(a->directory.terms_of_service));
    set_time(v, "fetchedAt", a->directory_at);
    if (a->skew != 0) {
        (void)json_object_set_new(v, "clockSkewSeconds",
                                  json_integer((json_int_t)(a->skew / CL_SECOND)));
    }
    return v;
}

static json_t *view_requests(struct acme *a)
{
    struct acme_transport_info info;
    json_t *v = json_object();
    unsigned long posts = 0;

    acme_transport_info(a->transport, &info);
    for (size_t i = 0; i < ACME_WHAT_COUNT; i++) {
        if (i != ACME_DIRECTORY && i != ACME_NEW_NONCE) {
            posts += info.requests[i];
        }
        (void)json_object_set_new(v, acme_what_name((enum acme_what)i),
                                  json_integer((json_int_t)info.requests[i]));
    }
    (void)json_object_set_new(v, "renewalInfo", json_integer((json_int_t)a->polled));
    (void)json_object_set_new(v, "posts", json_integer((json_int_t)posts));
    (void)json_object_set_new(v, "errors", json_integer((json_int_t)info.errors));
    return v;
}

static json_t *view_contacts(const struct acme *a)
{
    json_t *v = json_array();

    cl_strv_for_each(c, &a->doc.contact) {
        (void)json_array_append_new(v, json_string(c));
    }
    return v;
}

json_t *acme_view_details(struct acme *a)
{
    json_t *acme = json_object();
    const char *email = a->account_ok && a->spec->email != NULL ? a->spec->email : "";

    (void)json_object_set_new(acme, "uri", json_string(a->has_doc ? a->doc.url : ""));
    (void)json_object_set_new(acme, "lastRegisteredEmail", json_string(email));
    (void)json_object_set_new(acme, "contact", view_contacts(a));
    (void)json_object_set_new(acme, "accountState",
                              json_string(!a->has_doc           ? "none"
                                          : a->doc.deactivated  ? "deactivated"
                                          : a->next_key != NULL ? "key being replaced"
                                          : a->account_ok       ? "valid"
                                                                : "being prepared"));
    (void)json_object_set_new(acme, "externalAccount",
                              json_string(a->spec->eab.on ? a->spec->eab.key_id : ""));
    (void)json_object_set_new(acme, "lastPrivateKeyHash",
                              json_string(a->key != NULL ? a->key_sha256 : ""));
    (void)json_object_set_new(acme, "directory", view_directory(a));
    (void)json_object_set_new(acme, "requests", view_requests(a));
    return json_pack("{s:o}", "acme", acme);
}
