/* SPDX-License-Identifier: Apache-2.0 */
/* archive: loading. Whatever is damaged becomes a state with a detail that names the file, so that
 * the plan can say why a new certificate is wanted; only what may pass by itself (permissions, a
 * broken disk) and files of a newer version are errors. Writing is in archive_put.c. */
#include "backends/store/archive.h"

#include "backends/store/archive_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_rng.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

#define MANIFEST_MAX ((size_t)256 << 10)
#define PEM_FILE_MAX ((size_t)256 << 10)

void revision_deinit(struct revision *r)
{
    manifest_destroy(r->manifest);
    cl_free(r->fullchain_pem);
    cl_free(r->ca_pem);
    cl_buf_deinit(&r->key_pem);
    *r = (struct revision){0};
}

long archive_number(const char *name)
{
    uint64_t n = 0;

    if (name[0] == '0' || cl_parse_u64(name, INT_MAX, &n) < 0) {
        return 0;
    }
    return (long)n;
}

long archive_current(const char *dir)
{
    char *path = cl_printf("%s/" ARCHIVE_CURRENT, dir);
    struct disk_stat st;
    char *target = NULL;
    long number = -1;

    if (disk_lstat(path, &st, NULL) == 0 && st.type == DISK_NONE) {
        number = 0;
    } else if (st.type == DISK_LINK && disk_readlink(path, &target, NULL) == 0) {
        number = archive_number(target);
        number = number > 0 ? number : -1;
    }
    cl_free(target);
    cl_free(path);
    return number;
}

/* ---- stamp ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    /* FNV-1a over the eight octets. */
    for (unsigned i = 0; i < 64; i += 8) {
        hash = (hash ^ (value >> i & 0xff)) * 0x100000001b3ULL;
    }
    return hash;
}

static uint64_t mix_stat(uint64_t hash, const struct disk_stat *st)
{
    const uint64_t values[] = {
        (uint64_t)st->type,    st->dev, st->ino, st->size, (uint64_t)st->mtime_ns,
        (uint64_t)st->ctime_ns};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        hash = mix(hash, values[i]);
    }
    return hash;
}

uint64_t archive_stamp(const struct paths *p, const char *key)
{
    static const char *const FILES[] = {ARCHIVE_KEY, ARCHIVE_FULLCHAIN, ARCHIVE_CA,
                                        ARCHIVE_MANIFEST};
    char *dir = paths_archive(p, key);
    char *path = cl_printf("%s/" ARCHIVE_CURRENT, dir);
    struct disk_stat st;
    uint64_t hash = cl_rng_hash(key);
    int rc = disk_lstat(path, &st, NULL);
    bool none = rc == 0 && st.type == DISK_NONE;

    hash = mix_stat(hash, &st);
    cl_free(path);
    for (size_t i = 0; !none && i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        path = cl_printf("%s/" ARCHIVE_CURRENT "/%s", dir, FILES[i]);
        st = (struct disk_stat){0};
        (void)disk_stat(path, &st, NULL); /* unreadable and missing look alike here: load decides */
        hash = mix_stat(hash, &st);
        cl_free(path);
    }
    cl_free(dir);
    return none ? 0 : hash | 1;
}

/* ---- read ---- */

static int damaged(struct revision *r, enum revision_state state, const char *file,
                   const char *what)
{
    r->state = state;
    if (r->number > 0) {
        (void)cl_format(r->detail, sizeof(r->detail), "revision %ld: %s: %s", r->number, file,
                        what);
    } else {
        (void)cl_format(r->detail, sizeof(r->detail), "%s: %s", file, what);
    }
    return 1;
}

/* Reads one file of the revision. 0: read, 1: the revision is damaged, -1: an error. */
static int read_file(struct revision *r, const char *dir, const char *file, struct cl_buf *ret,
                     struct cl_err *err)
{
    char *path = cl_printf("%s/%ld/%s", dir, r->number, file);
    struct cl_err own = {0};
    int rc = disk_read_secret(path, PEM_FILE_MAX, ret, NULL, &own);

    if (rc < 0) {
        if (cl_streq(own.reason, "NotFound")) {
            rc = damaged(r, REVISION_MISSING_DATA, file, "missing");
        } else if (cl_streq(own.reason, "NotARegularFile") ||
                   cl_streq(own.reason, "FileTooLarge") || cl_streq(own.reason, "SymbolicLink")) {
            rc = damaged(r, REVISION_MISSING_DATA, file, own.text);
        } else if (err != NULL) {
            *err = own;
        }
    } else if (ret->len == 0) {
        rc = damaged(r, REVISION_MISSING_DATA, file, "empty");
    } else if (memchr(ret->data, '\0', ret->len) != NULL) {
        rc = damaged(r, REVISION_MISSING_DATA, file, "holds binary data");
    }
    cl_free(path);
    return rc;
}

static bool manifest_too_new(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    bool newer = json_integer_value(json_object_get(o, "schema")) > (json_int_t)MANIFEST_SCHEMA;

    json_decref(o);
    return newer;
}

static int load_manifest(struct revision *r, const char *dir, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_err own = {0};
    int rc = read_file(r, dir, ARCHIVE_MANIFEST, &text, err);

    if (rc == 0 && manifest_from_json(cl_buf_str(&text), &r->manifest, &own) < 0) {
        if (manifest_too_new(cl_buf_str(&text))) {
            rc = cl_fail(err, CL_ERR_PERMANENT, "StateTooNew",
                         "%s/%ld/" ARCHIVE_MANIFEST " was written by a newer version: run that one",
                         dir, r->number);
        } else {
            rc = damaged(r, REVISION_MISSING_DATA, ARCHIVE_MANIFEST, own.text);
        }
    }
    cl_buf_deinit(&text);
    return rc;
}

static int load_chain(struct revision *r, const char *dir, struct cl_err *err)
{
    struct cl_buf text = {0};
    int rc = read_file(r, dir, ARCHIVE_FULLCHAIN, &text, err);

    if (rc == 0) {
        r->fullchain_pem = cl_buf_take(&text);
    }
    cl_buf_deinit(&text);
    return rc;
}

/* ---- verify: the first damage decides the state, in the order of the issue chain ---- */

static int verify_key(struct revision *r, const struct cert_facts *facts, struct cl_err *err)
{
    char spki[CL_SHA256_TEXT];
    struct key *k = NULL;
    struct cl_err own = {0};

    if (key_from_pem(cl_buf_str(&r->key_pem), &k, &own) < 0) {
        return damaged(r, REVISION_INVALID_KEY, ARCHIVE_KEY, own.text);
    }
    int rc = key_spki_sha256(k, spki, err);
    key_destroy(k);
    if (rc == 0 && !cl_streq(spki, facts->spki_sha256)) {
        return damaged(r, REVISION_KEY_MISMATCH, ARCHIVE_KEY,
                       "is not the private key of " ARCHIVE_FULLCHAIN);
    }
    return rc;
}

static int verify(struct revision *r, struct cl_err *err)
{
    struct cert_facts facts = {0};
    struct cl_err own = {0};

    if (cert_parse_chain(r->fullchain_pem, &facts, &own) < 0) {
        bool chain = cl_streq(own.reason, "InvalidChain");
        return damaged(r, chain ? REVISION_INVALID_CHAIN : REVISION_INVALID_CERT, ARCHIVE_FULLCHAIN,
                       own.text);
    }
    int rc = verify_key(r, &facts, err);
    if (rc == 0 && !cl_streq(facts.sha256, r->manifest->cert.sha256)) {
        rc = damaged(r, REVISION_INVALID_CERT, ARCHIVE_FULLCHAIN,
                     "is not the certificate that " ARCHIVE_MANIFEST " tells of");
    }
    cert_facts_deinit(&facts);
    return rc;
}

/* ---- load ---- */

/* The root is a convenience: without it the revision is still whole. */
static int load_ca(struct revision *r, const char *dir, struct cl_err *err)
{
    char *path = cl_printf("%s/%ld/" ARCHIVE_CA, dir, r->number);
    struct cl_buf text = {0};
    struct cl_err own = {0};
    int rc = disk_read(path, PEM_FILE_MAX, &text, NULL, &own);

    if (rc == 0 && text.len > 0) {
        r->ca_pem = cl_strdup(cl_buf_str(&text));
    } else if (rc < 0 && cl_streq(own.reason, "NotFound")) {
        rc = 0;
    } else if (rc < 0 && err != NULL) {
        *err = own;
    }
    cl_buf_deinit(&text);
    cl_free(path);
    return rc;
}

static int load_files(struct revision *r, const char *dir, bool verified, struct cl_err *err)
{
    int rc = load_manifest(r, dir, err);

    if (rc == 0) {
        rc = load_chain(r, dir, err);
    }
    if (rc == 0) {
        rc = read_file(r, dir, ARCHIVE_KEY, &r->key_pem, err);
    }
    if (rc == 0 && !verified) {
        rc = verify(r, err);
    }
    if (rc == 0) {
        rc = load_ca(r, dir, err);
    }
    return rc;
}

int archive_load(const struct paths *p, const char *key, struct revision *ret, struct cl_err *err)
{
    return archive_load_verified(p, key, 0, ret, err);
}

int archive_load_verified(const struct paths *p, const char *key, uint64_t verified,
                          struct revision *ret, struct cl_err *err)
{
    struct revision r = {0};
    char *dir = paths_archive(p, key);
    char *link = cl_printf("%s/" ARCHIVE_CURRENT, dir);
    int rc = 0;

    /* Before the files are read: a change during the reading makes the next look differ. */
    r.stamp_hash = archive_stamp(p, key);
    if (disk_lstat(link, &r.stamp, err) < 0) {
        rc = -1;
    } else if (r.stamp.type != DISK_NONE) {
        r.number = archive_current(dir);
        if (r.number <= 0) {
            r.number = 0;
            rc = damaged(&r, REVISION_MISSING_DATA, ARCHIVE_CURRENT, "is not a link to a revision");
        } else {
            rc = load_files(&r, dir, verified != 0 && verified == r.stamp_hash, err);
            r.state = rc == 0 ? REVISION_OK : r.state;
        }
    }
    if (rc < 0) {
        cl_wrap(err, "archive of %s", key);
        revision_deinit(&r);
    } else {
        *ret = r;
    }
    cl_free(link);
    cl_free(dir);
    return rc < 0 ? -1 : 0;
}

int archive_load_number(const struct paths *p, const char *key, long number, struct revision *ret,
                        struct cl_err *err)
{
    char *dir = paths_archive(p, key);
    struct revision r = {.number = number > 0 ? number : archive_current(dir)};
    int rc = r.number > 0 ? load_manifest(&r, dir, err) : 0;

    if (rc == 0 && r.manifest != NULL) {
        rc = load_chain(&r, dir, err);
    }
    if (rc == 0 && r.manifest != NULL) {
        struct cl_err gone;
        (void)read_file(&r, dir, ARCHIVE_KEY, &r.key_pem, &gone);
    }
    cl_free(dir);
    if (r.manifest != NULL) { /* what is missing beside it is no error of the caller's */
        *ret = r;
        return 0;
    }
    revision_deinit(&r);
    *ret = (struct revision){0};
    return rc < 0 && r.state == REVISION_NONE ? -1 : 0;
}

void archive_put_manifest(const struct paths *p, const char *key, const struct manifest *m,
                          struct disk_batch *b)
{
    char *dir = paths_archive(p, key);
    char *path = cl_printf("%s/%ld/" ARCHIVE_MANIFEST, dir, m->revision);
    char *text = manifest_to_json(m);

    disk_batch_write(b, path, text, strlen(text), 0600, DISK_KEEP_ID, DISK_KEEP_ID);
    cl_free(text);
    cl_free(path);
    cl_free(dir);
}
