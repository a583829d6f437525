/* SPDX-License-Identifier: Apache-2.0 */
/* acme_account_doc: the account document to JSON and back. */
#include "backends/acme/acme_account.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"

#include <jansson.h>
#include <string.h>

#define DOC_SCHEMA 1

void acme_account_doc_deinit(struct acme_account_doc *d)
{
    cl_free(d->url);
    cl_free(d->directory);
    cl_free(d->new_account);
    cl_free(d->terms);
    cl_strv_deinit(&d->contact);
    memset(d, 0, sizeof *d);
}

char *acme_account_doc_to_json(const struct acme_account_doc *d)
{
    json_t *contact = json_array();

    cl_strv_for_each(c, &d->contact) {
        (void)json_array_append_new(contact, json_string(c));
    }
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "schema", DOC_SCHEMA, "url", d->url,
                  "directory", d->directory, "newAccount", d->new_account, "termsOfService",
                  d->terms, "keySHA256", d->key_sha256, "contact", contact);
    if (d->deactivated) { /* absent as a rule, so that older versions read it, too */
        (void)json_object_set_new(root, "deactivated", json_true());
    }
    size_t len = json_dumpb(root, NULL, 0, JSON_INDENT(2));
    char *text = cl_malloc(len + 2);
    (void)json_dumpb(root, text, len, JSON_INDENT(2));
    text[len] = '\n';
    text[len + 1] = '\0';
    json_decref(root);
    return text;
}

int acme_account_doc_from_json(const char *text, size_t len, struct acme_account_doc *ret,
                               struct cl_err *err)
{
    struct acme_account_doc d = {0};
    const char *url;
    const char *directory;
    const char *new_account;
    const char *terms;
    const char *key;
    json_t *contact;
    int schema;
    size_t i;
    json_t *v;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    if (json_unpack(root, "{s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "schema", &schema, "url", &url,
                    "directory", &directory, "newAccount", &new_account, "termsOfService", &terms,
                    "keySHA256", &key, "contact", &contact) < 0 ||
        schema != DOC_SCHEMA || !acme_url_ok(url, true) ||
        cl_format(d.key_sha256, sizeof d.key_sha256, "%s", key) < 0) {
        json_decref(root);
        return cl_fail(err, CL_ERR_LOCAL, "BadAccountDocument",
                       "the account document is damaged; it is made again from the CA's answer");
    }
    d.deactivated = json_is_true(json_object_get(root, "deactivated"));
    d.url = cl_strdup(url);
    d.directory = cl_strdup(directory);
    d.new_account = cl_strdup(new_account);
    d.terms = cl_strdup(terms);
    json_array_foreach(contact, i, v)
    {
        if (json_is_string(v)) {
            cl_strv_add(&d.contact, json_string_value(v));
        }
    }
    json_decref(root);
    *ret = d;
    return 0;
}
