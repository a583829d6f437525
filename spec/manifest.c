/* SPDX-License-Identifier: Apache-2.0 */
/* manifest: the record beside an archived revision, as JSON and back. Strict on reading: a manifest
 * that lacks what decisions need is an error, and the revision counts as incomplete. */
#include "spec/manifest.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/cert_facts_json.h"
#include "spec/jfield.h"

#include <jansson.h>

static const struct jfield ROWS[] = {
    JFIELD(JF_UNSIGNED, manifest, schema, "schema"),
    JFIELD(JF_LONG, manifest, revision, "revision"),
    JFIELD(JF_WORD, manifest, uid, "uid"),
    JFIELD(JF_WORD, manifest, issuer_name, "issuerName"),
    JFIELD(JF_WORD, manifest, issuer_kind, "issuerKind"),
    JFIELD(JF_WORD, manifest, issuer_identity, "issuerIdentity"),
    JFIELD(JF_TEXT, manifest, account_url, "accountURL"),
    JFIELD(JF_TEXT, manifest, order_url, "orderURL"),
    JFIELD(JF_WORD, manifest, trigger, "trigger"),
    JFIELD(JF_TIME, manifest, issued_at, "issuedAt"),
    JFIELD(JF_HASH, manifest, spec_hash, "specHash"),
    JFIELD_OPT(JF_BOOL, manifest, adopted, "adopted"),
    JFIELD_OPT(JF_TEXT, manifest, full_request, "fullRequest"),
    JFIELD_OPT(JF_STRV, manifest, missing_names, "missingNames"),
    JFIELD_OPT(JF_TEXT, manifest, profile, "profile"),
    JFIELD_OPT(JF_TEXT, manifest, chain, "preferredChain"),
    JFIELD_OPT(JF_TEXT, manifest, certificate_url, "certificateURL"),
    JFIELD_OPT(JF_STRV, manifest, warnings, "warnings"),
    JFIELD_OPT(JF_TIME, manifest, revoked_at, "revokedAt"),
    JFIELD_OPT(JF_TEXT, manifest, revocation_reason, "revocationReason"),
    JFIELD_OPT(JF_BOOL, manifest, no_reissue, "noReissue"),
};
static const struct jtable MANIFEST = JTABLE(ROWS, manifest);

#define CANONICAL (JSON_COMPACT | JSON_SORT_KEYS)

void manifest_destroy(struct manifest *m)
{
    if (m == NULL) {
        return;
    }
    jtable_free(&MANIFEST, m);
    cl_free(m->request);
    cert_facts_deinit(&m->cert);
    cl_free(m);
}

char *manifest_to_json(const struct manifest *m)
{
    json_t *o = json_object();
    json_t *cert = json_object();

    jtable_write(&MANIFEST, o, m);
    if (m->request != NULL) {
        json_t *request = json_parse_object(m->request, NULL);

        cl_assert(request != NULL); /* it comes from cert_request_json */
        json_put(o, "request", request);
    }
    cert_facts_write(cert, &m->cert);
    json_put(o, "certificate", cert);
    char *text = json_print(o, JSON_INDENT(2), true);
    json_decref(o);
    return text;
}

static int read_manifest(const json_t *o, struct manifest *m, struct cl_err *err)
{
    const json_t *request = json_object_get(o, "request");
    const json_t *cert = json_object_get(o, "certificate");

    if (jtable_read(&MANIFEST, o, m, err) < 0) {
        return -1;
    }
    if (m->schema != MANIFEST_SCHEMA) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidManifest",
                       "schema %u is not known (this version writes %u)", m->schema,
                       MANIFEST_SCHEMA);
    }
    if (m->revision <= 0 || m->issued_at == 0 || !json_is_object(cert)) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidManifest",
                       "revision, issuedAt or certificate is missing");
    }
    if (json_is_object(request)) {
        m->request = json_print(request, CANONICAL, false);
    } else if (request != NULL && !json_is_null(request)) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidManifest", "request: not an object");
    }
    return cert_facts_read(cert, &m->cert, err);
}

int manifest_from_json(const char *text, struct manifest **ret, struct cl_err *err)
{
    json_t *o = json_parse_object(text, err);
    struct manifest *m = cl_new(struct manifest);
    int rc = o != NULL ? read_manifest(o, m, err) : -1;

    if (rc < 0) {
        cl_wrap(err, "manifest");
        manifest_destroy(m);
    } else {
        *ret = m;
    }
    json_decref(o);
    return rc;
}
