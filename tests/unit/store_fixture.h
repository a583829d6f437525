/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture: a state directory of its own below /tmp for each test, and small file helpers. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "backends/rt/disk.h"
#include "backends/store/archive.h"
#include "backends/store/paths.h"
#include "tests/unit/crypto_fixture.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

struct store_test {
    char root[40];
    struct paths paths;
};

static inline int store_setup(void **state)
{
    struct store_test *t = cl_new(struct store_test);
    const char *tmp = "/tmp/certloop-store-XXXXXX";

    (void)cl_format(t->root, sizeof(t->root), "%s", tmp);
    assert_non_null(mkdtemp(t->root));
    t->paths.specs = cl_printf("%s/specs", t->root);
    t->paths.state = cl_printf("%s/state", t->root);
    t->paths.secrets = cl_printf("%s/secrets", t->root);
    t->paths.live = cl_printf("%s/state/live", t->root);
    t->paths.config = cl_printf("%s/etc/config.yaml", t->root);
    *state = t;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int store_teardown(void **state)
{
    struct store_test *t = *state;

    assert_int_equal(nftw(t->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    paths_deinit(&t->paths);
    cl_free(t);
    return 0;
}

/* A path below the test's root; lent from a small ring, so that several fit into one call. */
static inline const char *below(const struct store_test *t, const char *relative)
{
    static char ring[8][512];
    static unsigned next;
    char *buf = ring[next++ % 8];

    (void)cl_format(buf, 512, "%s/%s", t->root, relative);
    return buf;
}

static inline void put(const struct store_test *t, const char *relative, const char *text,
                       unsigned mode)
{
    const char *path = below(t, relative);
    char *dir = cl_strndup(path, (size_t)(strrchr(path, '/') - path));

    assert_int_equal(disk_mkdirs(dir, 0755, NULL), 0);
    write_file(path, text, strlen(text));
    assert_int_equal(chmod(path, mode), 0);
    cl_free(dir);
}

/* The content of a file; owned; "(none)" if it is not there. */
static inline char *get(const struct store_test *t, const char *relative)
{
    struct cl_buf b = {0};

    if (disk_read(below(t, relative), 1 << 20, &b, NULL, NULL) < 0) {
        return cl_strdup("(none)");
    }
    return cl_buf_take(&b);
}

static inline bool exists(const struct store_test *t, const char *relative)
{
    struct stat st;

    return lstat(below(t, relative), &st) == 0;
}

static inline unsigned mode_of(const struct store_test *t, const char *relative)
{
    struct stat st;

    assert_int_equal(stat(below(t, relative), &st), 0);
    return (unsigned)st.st_mode & 07777u;
}

static inline char *link_of(const struct store_test *t, const char *relative)
{
    char *target = NULL;

    return disk_readlink(below(t, relative), &target, NULL) == 0 ? target : cl_strdup("(none)");
}

static inline void commit(struct disk_batch *b)
{
    struct cl_err err = {0};

    if (disk_commit_now(b, &err) < 0) {
        fail_msg("commit: %s: %s", err.reason, err.text);
    }
}

static inline char *pem_of(const struct key *k)
{
    struct cl_buf pem;

    cl_buf_init_secret(&pem, 65536);
    assert_int_equal(key_to_pem(k, KEY_PKCS8, &pem, NULL), 0);
    return cl_buf_take(&pem);
}

/* Archives a certificate for @dns as revision @number; returns nothing to free. */
static inline void archive_one(const struct store_test *t, const struct test_ca *ca,
                               const char *dns, long number, long keep)
{
    struct cert_spec s = spec_for(dns);
    struct key *k = a_key();
    char *chain = ca_issue(ca, &s, k, 90 * CL_DAY);
    char *key_pem = pem_of(k);
    char none[1] = "";
    struct manifest m = {.schema = MANIFEST_SCHEMA,
                         .revision = number,
                         .uid = none,
                         .issuer_name = none,
                         .issuer_kind = none,
                         .issuer_identity = none,
                         .trigger = none,
                         .issued_at = NOW};
    struct cert_params cp = {.spec = &s, .acme = true};
    unsigned char *csr = NULL;
    size_t csr_len = 0;
    struct disk_batch *b = disk_batch_create();

    assert_int_equal(cert_parse_chain(chain, &m.cert, NULL), 0);
    assert_int_equal(csr_create(&cp, k, &csr, &csr_len, NULL), 0);
    struct archive_write w = {.key = "web",
                              .manifest = &m,
                              .key_pem = key_pem,
                              .csr = csr,
                              .csr_len = csr_len,
                              .fullchain_pem = chain,
                              .ca_pem = ca->root,
                              .keep_revisions = keep};
    archive_put(&t->paths, &w, b);
    commit(b);
    cert_facts_deinit(&m.cert);
    cl_free(csr);
    cl_free_secret(key_pem);
    cl_free(chain);
    key_destroy(k);
    spec_free(&s);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

#endif
