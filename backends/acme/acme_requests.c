/* SPDX-License-Identifier: Apache-2.0 */
/* acme_requests: the JSON that is sent (the second half of acme_msg.h), and the names of requests.
 * Texts that may hold anything go through jansson. */
#include "backends/acme/acme_msg.h"
#include "backends/acme/acme_request.h"
#include "spec/base/cl_alloc.h"

#include <jansson.h>
#include <string.h>

const char *acme_what_name(enum acme_what what)
{
    static const char *const NAMES[ACME_WHAT_COUNT] = {
#define X(symbol, name) [ACME_##symbol] = name,
        ACME_REQUESTS(X)
#undef X
    };
    return NAMES[what];
}

/* Takes the reference; the text is in cl_alloc's memory. */
static char *dump(json_t *take_root)
{
    size_t len = json_dumpb(take_root, NULL, 0, JSON_COMPACT);
    char *text = cl_malloc(len + 1);

    (void)json_dumpb(take_root, text, len, JSON_COMPACT);
    text[len] = '\0';
    json_decref(take_root);
    return text;
}

static json_t *string_array(const struct cl_strv *v)
{
    json_t *list = json_array();

    cl_strv_for_each(s, v) {
        (void)json_array_append_new(list, json_string(s));
    }
    return list;
}

void acme_msg_contacts(const char *email, struct cl_strv *ret)
{
    struct cl_strv parts = {0};

    if (email != NULL) {
        cl_strv_split(&parts, email, ", ");
    }
    cl_strv_for_each(p, &parts) {
        cl_strv_take(ret, cl_str_starts(p, "mailto:") ? cl_strdup(p) : cl_printf("mailto:%s", p));
    }
    cl_strv_deinit(&parts);
}

char *acme_msg_new_account(const struct cl_strv *contacts, bool terms_agreed)
{
    json_t *root = json_object();

    if (contacts->len > 0) {
        (void)json_object_set_new(root, "contact", string_array(contacts));
    }
    if (terms_agreed) {
        (void)json_object_set_new(root, "termsOfServiceAgreed", json_true());
    }
    return dump(root);
}

char *acme_msg_update_account(const struct cl_strv *contacts, bool terms_agreed)
{
    json_t *root = json_object();

    (void)json_object_set_new(root, "contact", string_array(contacts));
    if (terms_agreed) {
        (void)json_object_set_new(root, "termsOfServiceAgreed", json_true());
    }
    return dump(root);
}

char *acme_msg_find_account(void)
{
    return cl_strdup("{\"onlyReturnExisting\":true}");
}

char *acme_msg_bind(const char *payload, const char *jws)
{
    json_t *root = json_loads(payload, 0, NULL);

    (void)json_object_set_new(root, "externalAccountBinding", json_loads(jws, 0, NULL));
    return dump(root);
}

char *acme_msg_key_change(const char *account_url, const char *old_jwk)
{
    return cl_printf("{\"account\":\"%s\",\"oldKey\":%s}", account_url, old_jwk);
}

char *acme_msg_revoke(const char *certificate, int reason)
{
    return reason == 0 ? cl_printf("{\"certificate\":\"%s\"}", certificate)
                       : cl_printf("{\"certificate\":\"%s\",\"reason\":%d}", certificate, reason);
}

static void add_identifiers(json_t *list, const char *type, const struct cl_strv *values)
{
    cl_strv_for_each(v, values) {
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "type", type, "value", v));
    }
}

char *acme_msg_new_order(const struct cert_spec *spec, const struct acme_wishes *w)
{
    char time[CL_TIME_TEXT];
    json_t *root = json_object();
    json_t *identifiers = json_array();

    add_identifiers(identifiers, "dns", &spec->dns_names);
    add_identifiers(identifiers, "ip", &spec->ip_addresses);
    (void)json_object_set_new(root, "identifiers", identifiers);
    if (w->not_after != 0) {
        (void)json_object_set_new(root, "notAfter",
                                  json_string(cl_time_format(w->not_after, time)));
    }
    if (w->replaces != NULL) {
        (void)json_object_set_new(root, "replaces", json_string(w->replaces));
    }
    if (w->profile != NULL) {
        (void)json_object_set_new(root, "profile", json_string(w->profile));
    }
    return dump(root);
}

char *acme_msg_finalize(const char *csr)
{
    return cl_printf("{\"csr\":\"%s\"}", csr);
}
