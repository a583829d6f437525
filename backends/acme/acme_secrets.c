/* SPDX-License-Identifier: Apache-2.0 */
/* acme_secrets: what an ACME Issuer reads from secrets beside its key: the MAC key of the external
 * account binding, only when an account is registered (once there is an account it may be gone), and
 * the password of the proxy. */
#include "backends/acme/acme_eab.h"
#include "backends/acme/acme_steps_impl.h"
#include "backends/crypto/cert.h"
#include "backends/rt/disk.h"
#include "backends/store/pem_blocks.h"
#include "backends/store/secrets.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define BLOCKS_MAX ((size_t)4 << 20)

static int read_secret(struct acme *a, const struct secret_ref *ref, const char *default_key,
                       struct cl_buf *ret, struct cl_err *err)
{
    return secret_read(a->host->paths, a->host->config, a->object->metadata.namespace_, ref,
                       default_key, ret, NULL, err);
}

/* A digest over all that is read, where what is missing counts as empty: a secret that appears is a
 * change. */
static void digest(struct acme *a, char hex[CL_SHA256_TEXT])
{
    const struct secret_ref *const REFS[] = {&a->spec->eab.key, &a->spec->proxy_ref};
    struct cl_buf all;

    cl_buf_init_secret(&all, ACME_KEY_FILE_MAX);
    for (size_t i = 0; i < sizeof REFS / sizeof REFS[0]; i++) {
        struct cl_buf value = {0};
        struct cl_err ignored;
        if (secret_ref_given(REFS[i]) && read_secret(a, REFS[i], "secret", &value, &ignored) == 0) {
            (void)cl_buf_adds(&all, cl_buf_str(&value));
        }
        (void)cl_buf_adds(&all, "\n");
        cl_buf_deinit(&value);
    }
    cl_sha256_hex(all.data, all.len, hex);
    cl_buf_deinit(&all);
}

int acme_load_secrets(struct acme *a, struct cl_err *err)
{
    digest(a, a->secrets_sha256);
    cl_buf_deinit(&a->proxy_user);
    if (secret_ref_given(&a->spec->proxy_ref) &&
        read_secret(a, &a->spec->proxy_ref, "userpass", &a->proxy_user, err) < 0) {
        cl_wrap(err, "password of the proxy (spec.acme.proxySecretRef)");
        return -1;
    }
    if (a->spec->proxy != NULL) {
        acme_transport_set_proxy(a->transport,
                                 strcmp(a->spec->proxy, "none") == 0 ? "" : a->spec->proxy,
                                 a->proxy_user.len > 0 ? cl_buf_str(&a->proxy_user) : NULL);
    }
    return 0;
}

bool acme_secrets_differ(struct acme *a)
{
    char now[CL_SHA256_TEXT];

    if (a->secrets_sha256[0] == '\0' ||
        (!secret_ref_given(&a->spec->eab.key) && !secret_ref_given(&a->spec->proxy_ref))) {
        return false; /* not looked at yet, or nothing to look at */
    }
    digest(a, now);
    return strcmp(now, a->secrets_sha256) != 0;
}

int acme_bind(struct acme *a, const char *payload, char **ret, struct cl_err *err)
{
    struct cl_buf mac = {0};
    char *jws = NULL;
    int rc = read_secret(a, &a->spec->eab.key, "secret", &mac, err);

    if (rc == 0) {
        struct acme_eab eab = {
            .key_id = a->spec->eab.key_id,
            .algorithm = a->spec->eab.algorithm,
            .mac_key = cl_buf_str(&mac),
            .url = a->directory.new_account,
            .jwk = a->jwk,
        };
        rc = acme_eab_sign(&eab, &jws, err);
    }
    if (rc == 0) {
        *ret = acme_msg_bind(payload, jws);
    } else {
        cl_wrap(err, "external account binding %s", a->spec->eab.key_id);
    }
    cl_free(jws);
    cl_buf_deinit(&mac);
    return rc;
}

int acme_bundle_check(const char *pem, struct cl_err *err)
{
    struct cl_buf blocks;
    struct cert_facts facts = {0};
    struct cl_err e = {0};
    int rc = 0;

    cl_buf_init(&blocks, BLOCKS_MAX);
    if (!pem_certificates(pem, &blocks)) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "BadCABundle",
                     "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
    } else if (cert_parse_chain(cl_buf_str(&blocks), &facts, &e) == 0) {
        cert_facts_deinit(&facts);
    } else if (strcmp(e.reason, "InvalidChain") != 0) { /* roots need not sign each other */
        rc = cl_fail(err, CL_ERR_PERMANENT, "BadCABundle", "holds a certificate that is damaged");
    }
    cl_buf_deinit(&blocks);
    return rc;
}

int acme_load_next_key(struct acme *a, struct cl_err *err)
{
    char *path = acme_account_path(a, ACME_NEXT_KEY);
    struct cl_buf pem = {0};
    int rc = 0;

    if (a->next_key == NULL) {
        rc = disk_read_secret(path, ACME_KEY_FILE_MAX, &pem, NULL, err);
        if (rc < 0 && strcmp(err->reason, "NotFound") == 0) {
            cl_free(path);
            return 0;
        }
        if (rc == 0 && (rc = key_from_pem(cl_buf_str(&pem), &a->next_key, err)) == 0) {
            rc = key_jwk(a->next_key, &a->next_jwk, err);
        }
    }
    if (rc < 0) {
        key_destroy(a->next_key);
        a->next_key = NULL;
        cl_wrap(err, "new account key %s", path);
    }
    cl_buf_deinit(&pem);
    cl_free(path);
    return rc;
}
