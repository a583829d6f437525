/* SPDX-License-Identifier: Apache-2.0 */
/* acme_credentials: the step LOAD_CREDENTIALS: CA bundle, account key and account document are read
 * from disk. */
#include "backends/acme/acme_steps_impl.h"
#include "backends/rt/disk.h"
#include "backends/store/secrets.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define DOC_FILE_MAX ((size_t)64 << 10)
#define BUNDLE_FILE_MAX ((size_t)4 << 20)

int acme_set_key(struct acme *a, struct key *take_key, struct cl_err *err)
{
    char *jwk = NULL;
    char *thumbprint = NULL;
    char sha256[CL_SHA256_TEXT];

    if (key_jwk(take_key, &jwk, err) < 0 || key_thumbprint(take_key, &thumbprint, err) < 0 ||
        key_spki_sha256(take_key, sha256, err) < 0) {
        cl_free(jwk);
        cl_free(thumbprint);
        key_destroy(take_key);
        return -1;
    }
    acme_transport_set_key(a->transport, take_key, jwk);
    key_destroy(a->key);
    cl_free(a->jwk);
    cl_free(a->thumbprint);
    a->key = take_key;
    a->jwk = jwk;
    a->thumbprint = thumbprint;
    memcpy(a->key_sha256, sha256, sizeof sha256);
    a->credentials = CREDENTIALS_OK;
    return 0;
}

static int load_trust(struct acme *a, struct cl_err *err)
{
    const struct acme_spec *s = a->spec;
    struct cl_buf pem = {0};

    if (a->trust != NULL) {
        return 0; /* requests may be using it; a changed bundle comes with a changed spec */
    }
    if (s->ca_bundle == NULL && s->ca_bundle_file != NULL &&
        disk_read(s->ca_bundle_file, BUNDLE_FILE_MAX, &pem, NULL, err) < 0) {
        if (err != NULL) {
            err->kind = CL_ERR_PERMANENT;
        }
        cl_wrap(err, "spec.acme.caBundleFile %s", s->ca_bundle_file);
        return -1;
    }
    if (s->ca_bundle_file != NULL && acme_bundle_check(cl_buf_str(&pem), err) < 0) {
        cl_buf_deinit(&pem);
        cl_wrap(err, "spec.acme.caBundleFile %s", s->ca_bundle_file);
        return -1;
    }
    a->trust =
        http_trust_create(s->ca_bundle != NULL ? s->ca_bundle : pem.data, s->skip_tls_verify);
    cl_buf_deinit(&pem);
    acme_transport_set_trust(a->transport, a->trust);
    return 0;
}

/* 0 with the PEM in @ret, 1 if there is no key yet. */
static int read_key_pem(struct acme *a, struct cl_buf *ret, struct cl_err *err)
{
    const struct secret_ref *ref = &a->spec->private_key;
    struct cl_err e = {0};

    a->key_is_secret = false;
    if (secret_ref_given(ref)) {
        if (secret_read(a->host->paths, a->host->config, a->object->metadata.namespace_, ref,
                        "tls.key", ret, NULL, &e) == 0) {
            a->key_is_secret = true;
            return 0;
        }
        if (strcmp(e.reason, "SecretNotFound") != 0) {
            *err = e;
            return -1;
        }
    }
    char *dir = paths_account(a->host->paths, a->object->key);
    char *path = cl_printf("%s/key.pem", dir);
    int rc = disk_read_secret(path, ACME_KEY_FILE_MAX, ret, NULL, err);
    cl_free(path);
    cl_free(dir);
    if (rc < 0 && strcmp(err->reason, "NotFound") == 0) {
        if (a->spec->disable_account_key_generation) {
            (void)cl_fail(err, CL_ERR_PERMANENT, "AccountKeyMissing",
                          "there is no account key, and disableAccountKeyGeneration is set%s%s",
                          e.text[0] != '\0' ? ": " : "", e.text);
            return -1;
        }
        return 1;
    }
    return rc;
}

static int load_key(struct acme *a, struct cl_err *err)
{
    struct cl_buf pem = {0};
    struct key *key = NULL;
    int rc = read_key_pem(a, &pem, err);

    if (rc == 1) {
        a->credentials = CREDENTIALS_TO_MAKE;
        return 0;
    }
    if (rc == 0) {
        rc = key_from_pem(cl_buf_str(&pem), &key, err);
        cl_buf_deinit(&pem);
        rc = rc == 0 ? acme_set_key(a, key, err) : rc;
    }
    if (rc < 0) {
        a->credentials = CREDENTIALS_MISSING;
        cl_wrap(err, "account key");
    }
    return rc;
}

/* A missing or damaged document is not an error: newAccount brings it back. */
static void load_document(struct acme *a)
{
    char *dir = paths_account(a->host->paths, a->object->key);
    char *path = cl_printf("%s/account.json", dir);
    struct cl_buf text = {0};
    struct acme_account_doc doc;

    if (disk_read(path, DOC_FILE_MAX, &text, NULL, NULL) == 0 &&
        acme_account_doc_from_json(cl_buf_str(&text), text.len, &doc, NULL) == 0) {
        acme_account_doc_deinit(&a->doc);
        a->doc = doc;
        a->has_doc = true;
    }
    cl_buf_deinit(&text);
    cl_free(path);
    cl_free(dir);
}

void acme_load_credentials(struct loop_task *task)
{
    struct acme_run *r = task->user;
    struct acme *a = r->a;
    struct cl_err err = {0};

    if (acme_run_was_cancelled(r)) {
        return;
    }
    if (load_trust(a, &err) < 0) {
        a->credentials = CREDENTIALS_MISSING;
        acme_run_end(r, &err);
        return;
    }
    if (load_key(a, &err) < 0) {
        acme_run_end(r, &err);
        return;
    }
    if (acme_load_secrets(a, &err) < 0 || acme_load_next_key(a, &err) < 0) {
        a->credentials = CREDENTIALS_MISSING;
        acme_run_end(r, &err);
        return;
    }
    load_document(a);
    acme_account_refresh(a);
    acme_run_end(r, NULL);
}
