/* SPDX-License-Identifier: Apache-2.0 */
/* ca_pair: finding and judging the key pair of a ca Issuer. */
#include "backends/ca/ca_pair.h"

#include "backends/store/secrets.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_rng.h"

#include <string.h>

/* What was found, not judged yet. */
struct raw_pair {
    char *chain, *root; /* root may be NULL */
    struct cl_buf key;  /* secret */
};

static void raw_deinit(struct raw_pair *r)
{
    cl_free(r->chain);
    cl_free(r->root);
    cl_buf_deinit(&r->key);
}

void ca_pair_deinit(struct ca_pair *p)
{
    key_destroy(p->key);
    cl_free(p->cert_pem);
    cl_free(p->chain_pem);
    cl_free(p->root_pem);
    cert_facts_deinit(&p->facts);
    memset(p, 0, sizeof(*p));
}

/* Takes a chain apart: everything but a self-issued certificate is sent along with a leaf. */
static int sort_chain(const char *pem, struct ca_pair *ret, struct cl_err *err)
{
    struct cl_buf chain;
    char *rest = cl_strdup(pem);
    int rc = 0;

    cl_buf_init(&chain, CA_FILE_MAX);
    while (rc == 0 && !cl_str_empty(rest)) {
        char *one = NULL, *more = NULL;
        struct cert_facts facts = {0};
        rc = cert_split_chain(rest, &one, &more, err);
        if (rc == 0 && (rc = cert_parse_chain(one, &facts, err)) == 0) {
            bool root = cl_streq(facts.subject, facts.issuer);
            if (root) {
                cl_free(ret->root_pem);
                ret->root_pem = cl_strdup(one);
            } else if (cl_buf_adds(&chain, one) < 0) {
                rc = cl_fail(err, CL_ERR_PERMANENT, "InvalidChain", "the chain is too long");
            }
            if (ret->cert_pem == NULL) {
                ret->cert_pem = cl_strdup(one);
            }
        }
        cert_facts_deinit(&facts);
        cl_free(one);
        cl_free(rest);
        rest = more;
    }
    cl_free(rest);
    if (rc == 0) {
        ret->chain_pem = cl_buf_take(&chain);
    }
    cl_buf_deinit(&chain);
    return rc;
}

static int judge(const struct raw_pair *raw, struct ca_pair *ret, struct cl_err *err)
{
    if (key_from_pem(cl_buf_str(&raw->key), &ret->key, err) < 0 ||
        cert_parse_chain(raw->chain, &ret->facts, err) < 0 ||
        cert_matches_key(raw->chain, ret->key, err) < 0 ||
        key_spki_sha256(ret->key, ret->spki, err) < 0 || sort_chain(raw->chain, ret, err) < 0) {
        return -1;
    }
    if (!ret->facts.is_ca) {
        return cl_fail(err, CL_ERR_PERMANENT, "NotACA",
                       "the certificate of %s is not a CA's (isCA: true)", ret->facts.subject);
    }
    if (ret->root_pem == NULL && raw->root != NULL) {
        ret->root_pem = cl_strdup(raw->root);
    }
    return 0;
}

static char *generated_path(const struct issuer_host *host, const struct object *o,
                            const char *file)
{
    char *relative = cl_printf("ca/%s/%s", o->key, file);
    char *path = paths_state(host->paths, relative);
    cl_free(relative);
    return path;
}

static int read_secret_file(const struct issuer_host *host, const struct object *o,
                            const char *file, struct cl_buf *ret, struct cl_err *err)
{
    struct secret_ref ref = {.name = o->issuer->ca.secret_name};
    return secret_read(host->paths, host->config, o->metadata.namespace_, &ref, file, ret, NULL,
                       err);
}

/* The secret's three files; ca.crt is welcome but not needed. */
static int raw_from_secrets(const struct issuer_host *host, const struct object *o,
                            struct raw_pair *ret, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_err ignored = {0};

    if (read_secret_file(host, o, "tls.crt", &text, err) < 0) {
        return -1;
    }
    ret->chain = cl_buf_take(&text);
    cl_buf_deinit(&text);
    if (read_secret_file(host, o, "tls.key", &ret->key, err) < 0) {
        return -1;
    }
    if (read_secret_file(host, o, "ca.crt", &text, &ignored) == 0) {
        ret->root = cl_buf_take(&text);
        cl_buf_deinit(&text);
    }
    return 0;
}

static int raw_from_state(const struct issuer_host *host, const struct object *o,
                          struct raw_pair *ret, struct cl_err *err)
{
    char *cert = generated_path(host, o, "ca.crt");
    char *key = generated_path(host, o, "ca.key");
    struct cl_buf text = {0};
    int rc = disk_read(cert, CA_FILE_MAX, &text, NULL, err);
    if (rc == 0) {
        ret->chain = cl_buf_take(&text);
        rc = disk_read_secret(key, CA_FILE_MAX, &ret->key, NULL, err);
    }
    cl_buf_deinit(&text);
    cl_free(cert);
    cl_free(key);
    return rc;
}

static int raw_find(const struct issuer_host *host, const struct object *o, struct raw_pair *ret,
                    struct cl_err *err)
{
    const char *name = o->issuer->ca.secret_name;
    if (cl_str_empty(name)) {
        return raw_from_state(host, o, ret, err);
    }
    if (host->find_secret_pair != NULL &&
        host->find_secret_pair(host->user, o->metadata.namespace_, name, &ret->chain, &ret->key) ==
            0) {
        return 0;
    }
    return raw_from_secrets(host, o, ret, err);
}

enum ca_found ca_pair_find(const struct issuer_host *host, const struct object *o,
                           struct ca_pair *ret, struct cl_err *err)
{
    struct raw_pair raw = {0};
    struct cl_err problem = {0};
    struct ca_pair found = {0};
    const char *name = o->issuer->ca.secret_name;
    enum ca_found result = CA_FOUND;

    if (raw_find(host, o, &raw, &problem) < 0) {
        bool missing =
            cl_streq(problem.reason, "SecretNotFound") || cl_streq(problem.reason, "NotFound");
        result = missing ? CA_MISSING : CA_BROKEN;
        if (missing && !cl_str_empty(name)) {
            /* LOCAL: it is looked for again every minute; either may turn up without a new spec */
            (void)cl_fail(&problem, CL_ERR_LOCAL, "SecretNotFound",
                          "no Certificate with secretName %s has been issued, and there is no pair "
                          "tls.crt, tls.key in %s/%s",
                          name, host->paths->secrets, name);
        }
    } else if (judge(&raw, &found, &problem) < 0) {
        result = CA_BROKEN;
        cl_wrap(&problem, "key pair of ca Issuer %s", o->metadata.name);
    }
    raw_deinit(&raw);
    if (result == CA_FOUND) {
        *ret = found;
    } else {
        ca_pair_deinit(&found);
        *err = problem;
    }
    return result;
}

static uint64_t stat_hash(uint64_t seed, const char *path)
{
    struct disk_stat st = {0};
    struct cl_err ignored = {0};
    (void)disk_stat(path, &st, &ignored);
    char *text =
        cl_printf("%llu %llu %llu %llu %lld %lld", (unsigned long long)seed,
                  (unsigned long long)st.dev, (unsigned long long)st.ino,
                  (unsigned long long)st.size, (long long)st.mtime_ns, (long long)st.ctime_ns);
    uint64_t hash = cl_rng_hash(text);
    cl_free(text);
    return hash;
}

uint64_t ca_pair_stamp(const struct issuer_host *host, const struct object *o)
{
    static const char *const FILES[] = {"tls.crt", "tls.key", "ca.crt"};
    const char *name = o->issuer->ca.secret_name;
    uint64_t hash = 0;

    if (cl_str_empty(name)) {
        char *path = generated_path(host, o, "ca.crt");
        hash = stat_hash(hash, path);
        cl_free(path);
        return hash;
    }
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        char *own =
            cl_printf("%s/%s/%s/%s", host->paths->secrets, o->metadata.namespace_, name, FILES[i]);
        char *common = cl_printf("%s/%s/%s", host->paths->secrets, name, FILES[i]);
        hash = stat_hash(stat_hash(hash, own), common);
        cl_free(own);
        cl_free(common);
    }
    return hash;
}
