/* SPDX-License-Identifier: Apache-2.0 */
/* ca_root: the root that ca.generate makes on first use: path length 0, so that it signs leaves
 * only, and where it is kept and published. */
#include "backends/ca/ca_pair.h"
#include "backends/rt/sys.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define ROOT_DURATION (3650 * CL_DAY)
#define COMMON_NAME_MAX 64 /* RFC 5280 A.1, ub-common-name */

static void root_name(const struct object *o, char name[COMMON_NAME_MAX + 1])
{
    const char *wanted = o->issuer->ca.generate.common_name;
    char host[256];

    if (!cl_str_empty(wanted)) {
        (void)cl_format(name, COMMON_NAME_MAX + 1, "%s", wanted);
        return;
    }
    sys_hostname(host, sizeof(host));
    (void)cl_format(name, COMMON_NAME_MAX + 1, "certloop %s %s", o->metadata.name, host);
}

int ca_root_sign(const struct object *o, struct key *take_key, cl_time now, struct ca_pair *ret,
                 struct cl_err *err)
{
    const struct generate_spec *generate = &o->issuer->ca.generate;
    char name[COMMON_NAME_MAX + 1];
    struct ca_pair pair = {.key = take_key};
    struct cert_spec spec = {
        .common_name = name, .is_ca = true, .name_constraints = generate->name_constraints};
    struct cl_buf pem;
    int rc = -1;

    root_name(o, name);
    cl_strv_add(&spec.usages, "cert sign");
    cl_strv_add(&spec.usages, "crl sign");
    cl_buf_init(&pem, CA_FILE_MAX);
    struct cert_sign_params params = {
        .spec = &spec,
        .subject_key = pair.key,
        .issuer_key = pair.key,
        .now = now,
        .duration = generate->duration > 0 ? generate->duration : ROOT_DURATION,
        .path_len = 0,
    };
    if (cert_sign(&params, &pem, err) == 0 &&
        cert_parse_chain(cl_buf_str(&pem), &pair.facts, err) == 0 &&
        key_spki_sha256(pair.key, pair.spki, err) == 0) {
        pair.cert_pem = cl_strdup(cl_buf_str(&pem));
        pair.root_pem = cl_strdup(cl_buf_str(&pem));
        pair.chain_pem = cl_strdup("");
        *ret = pair;
        rc = 0;
    } else {
        cl_wrap(err, "root of ca Issuer %s", o->metadata.name);
        ca_pair_deinit(&pair);
    }
    cl_strv_deinit(&spec.usages);
    cl_buf_deinit(&pem);
    return rc;
}

int ca_root_put(const struct issuer_host *host, const struct object *o, const struct ca_pair *p,
                struct disk_batch *b, struct cl_err *err)
{
    char *relative = cl_printf("ca/%s", o->key);
    char *directory = paths_state(host->paths, relative);
    char *key_path = cl_printf("%s/ca.key", directory);
    char *cert_path = cl_printf("%s/ca.crt", directory);
    struct cl_buf key;

    cl_buf_init_secret(&key, CA_FILE_MAX);
    int rc = key_to_pem(p->key, KEY_PKCS8, &key, err);
    if (rc == 0) {
        disk_batch_mkdirs(b, directory, 0700);
        disk_batch_write(b, key_path, key.data, key.len, 0600, DISK_KEEP_ID, DISK_KEEP_ID);
        disk_batch_barrier(b); /* a root without its key would be refused at the next start */
        disk_batch_write(b, cert_path, p->cert_pem, strlen(p->cert_pem), 0600, DISK_KEEP_ID,
                         DISK_KEEP_ID);
        disk_batch_barrier(b);
    }
    cl_buf_deinit(&key);
    cl_free(relative);
    cl_free(directory);
    cl_free(key_path);
    cl_free(cert_path);
    return rc;
}

static char *publish_directory(const struct issuer_host *host, const struct object *o)
{
    char *relative = cl_printf("_issuers/%s", o->key);
    char *directory = paths_live(host->paths, relative);
    cl_free(relative);
    return directory;
}

char *ca_root_path(const struct issuer_host *host, const struct object *o)
{
    char *directory = publish_directory(host, o);
    char *path = cl_printf("%s/ca.crt", directory);
    cl_free(directory);
    return path;
}

void ca_root_publish(const struct issuer_host *host, const struct object *o,
                     const struct ca_pair *p, struct disk_batch *b)
{
    if (p->root_pem == NULL) {
        return;
    }
    char *directory = publish_directory(host, o);
    char *path = ca_root_path(host, o);
    disk_batch_mkdirs(b, directory, 0755);
    disk_batch_write(b, path, p->root_pem, strlen(p->root_pem), 0644, DISK_KEEP_ID, DISK_KEEP_ID);
    cl_free(directory);
    cl_free(path);
}

bool ca_root_published(const struct issuer_host *host, const struct object *o,
                       const struct ca_pair *p)
{
    if (p->root_pem == NULL) {
        return true;
    }
    struct cl_buf text = {0};
    struct cl_err ignored = {0};
    char *path = ca_root_path(host, o);
    bool same = disk_read(path, CA_FILE_MAX, &text, NULL, &ignored) == 0 &&
                cl_streq(cl_buf_str(&text), p->root_pem);
    cl_buf_deinit(&text);
    cl_free(path);
    return same;
}
