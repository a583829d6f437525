/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_fixture: specs, keys and chains for tests, made with the code under test, and the openssl
 * command as a second opinion. Everything lives in 2026-11-24T12:00:00Z. */
#ifndef CRYPTO_FIXTURE_H
#define CRYPTO_FIXTURE_H

#include "backends/crypto/cert.h"
#include "spec/base/cl_alloc.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW ((cl_time)1795521600 * CL_SECOND)

static inline void names(struct cl_strv *v, const char *list)
{
    cl_strv_deinit(v);
    *v = (struct cl_strv){0};
    cl_strv_split(v, list, " ");
}

static inline struct cert_spec spec_for(const char *dns)
{
    struct cert_spec s = {0};

    names(&s.dns_names, dns);
    return s;
}

static inline void spec_free(struct cert_spec *s)
{
    cl_strv_deinit(&s->dns_names);
    cl_strv_deinit(&s->ip_addresses);
    cl_strv_deinit(&s->uris);
    cl_strv_deinit(&s->email_addresses);
    cl_strv_deinit(&s->usages);
    cl_free(s->common_name);
    cl_free(s->secret_name);
}

static inline struct key *a_key(void)
{
    struct key *k = NULL;

    assert_int_equal(key_generate(KEY_ECDSA, 256, &k, NULL), 0);
    return k;
}

static inline char *signed_by(const char *issuer_pem, const struct key *issuer_key,
                              const struct cert_spec *spec, const struct key *k, cl_time duration)
{
    struct cert_sign_params p = {.spec = spec,
                                 .subject_key = k,
                                 .issuer_key = issuer_pem != NULL ? issuer_key : k,
                                 .issuer_pem = issuer_pem,
                                 .now = NOW,
                                 .duration = duration,
                                 .path_len = -1};
    struct cl_buf pem;
    struct cl_err err = {0};

    cl_buf_init(&pem, 1 << 20);
    if (cert_sign(&p, &pem, &err) < 0) {
        fail_msg("cert_sign: %s: %s", err.reason, err.text);
    }
    return cl_buf_take(&pem);
}

/* root -> int-a -> int-b, in the shape of today's public CAs: three above the leaf. */
struct test_ca {
    struct key *root_key, *a_key, *b_key;
    char *root, *a, *b;
};

static inline char *ca_cert(const char *cn, const char *issuer_pem, const struct key *issuer_key,
                            const struct key *k, cl_time duration)
{
    struct cert_spec s = {.is_ca = true, .common_name = cl_strdup(cn)};
    char *pem = signed_by(issuer_pem, issuer_key, &s, k, duration);

    spec_free(&s);
    return pem;
}

static inline void ca_init(struct test_ca *ca)
{
    ca->root_key = a_key();
    ca->a_key = a_key();
    ca->b_key = a_key();
    ca->root = ca_cert("root", NULL, NULL, ca->root_key, 3650 * CL_DAY);
    ca->a = ca_cert("int-a", ca->root, ca->root_key, ca->a_key, 1000 * CL_DAY);
    ca->b = ca_cert("int-b", ca->a, ca->a_key, ca->b_key, 500 * CL_DAY);
}

static inline void ca_deinit(struct test_ca *ca)
{
    key_destroy(ca->root_key);
    key_destroy(ca->a_key);
    key_destroy(ca->b_key);
    cl_free(ca->root);
    cl_free(ca->a);
    cl_free(ca->b);
}

/* Leaf for @k with all intermediates; owned. */
static inline char *ca_issue(const struct test_ca *ca, const struct cert_spec *spec,
                             const struct key *k, cl_time duration)
{
    char *leaf = signed_by(ca->b, ca->b_key, spec, k, duration);
    char *chain = cl_printf("%s%s%s", leaf, ca->b, ca->a);

    cl_free(leaf);
    return chain;
}

static inline void write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* Runs "openssl ARGS" (split at blanks) and returns its standard output (owned); *ret: exit code. */
static inline char *openssl(const char *args, int *ret)
{
    struct cl_strv argv = {0};
    struct cl_buf out;
    posix_spawn_file_actions_t fa;
    int fds[2];
    pid_t pid = 0;
    int status = 0;
    char chunk[4096];
    ssize_t n = 0;

    cl_strv_add(&argv, "openssl");
    cl_strv_split(&argv, args, " ");
    argv.items = cl_reallocarray(argv.items, argv.len + 1, sizeof(char *));
    argv.items[argv.len] = NULL;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_adddup2(&fa, fds[1], 1);
    posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
    int rc = posix_spawnp(&pid, "openssl", &fa, NULL, argv.items, environ);
    posix_spawn_file_actions_destroy(&fa);
    close(fds[1]);
    cl_strv_deinit(&argv);
    cl_buf_init(&out, 1 << 20);
    if (rc != 0) {
        close(fds[0]);
        skip(); /* no openssl command on this host */
    }
    while ((n = read(fds[0], chunk, sizeof(chunk))) > 0) {
        assert_int_equal(cl_buf_add(&out, chunk, (size_t)n), 0);
    }
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *ret = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return cl_buf_take(&out);
}

/* ---- files for the openssl command ---- */

/* The scratch directory of this program. */
static inline char *crypto_dir(void)
{
    static char dir[] = "/tmp/certloop-crypto-XXXXXX";
    return dir;
}

static inline char *scratch(const char *name)
{
    return cl_printf("%s/%s", crypto_dir(), name);
}

static inline int crypto_make_dir(void **state)
{
    (void)state;
    return mkdtemp(crypto_dir()) != NULL ? 0 : -1;
}

static inline int crypto_remove_dir(void **state)
{
    (void)state;
    static const char *const FILES[] = {"request.der", "cert.pem", "root.pem", "rest.pem",
                                        "leaf.pem"};
    for (size_t i = 0; i < COUNT(FILES); i++) {
        char *path = scratch(FILES[i]);
        (void)unlink(path);
        cl_free(path);
    }
    return rmdir(crypto_dir());
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("\"%s\" is in:\n%s", part, text);
    }
}

#endif
