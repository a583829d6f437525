/* SPDX-License-Identifier: Apache-2.0 */
/* archive: the private truth: ARCHIVE/KEY/REVISION/{privkey.pem,request.der,fullchain.pem,
 * ca.pem (if the root is known),manifest.json} 0600 in 0700, ARCHIVE/KEY/current -> REVISION, and
 * ARCHIVE/KEY/pending.json, the record of an issuance under way. A revision is complete before
 * `current` points to it. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "backends/crypto/cert.h"
#include "backends/rt/disk.h"
#include "backends/store/paths.h"
#include "spec/manifest.h"

struct revision {
    enum revision_state state;
    char detail[200];
    long number;
    struct manifest *manifest; /* NULL unless readable */
    char *fullchain_pem;
    char *ca_pem;           /* root, NULL if unknown */
    struct cl_buf key_pem;  /* secret; as archived (PKCS8) */
    struct disk_stat stamp; /* of the current link and files, combined, for caching */
    uint64_t stamp_hash;
};
void revision_deinit(struct revision *r);
/** Loads and verifies the current revision (OpenSSL runs). Fails only on IO errors; a damaged
 *  revision is a state. */
int archive_load(const struct paths *p, const char *key, struct revision *ret, struct cl_err *err);
/** As archive_load, but the files are only read, not verified (no OpenSSL), if they are still those of
 *  @verified: the stamp_hash of an earlier load with state OK, from memory; 0 = verify. */
int archive_load_verified(const struct paths *p, const char *key, uint64_t verified,
                          struct revision *ret, struct cl_err *err);
/** The files of revision @number (0 = the current one), not verified; a superseded one may have no key
 *  any more. No such revision: manifest NULL, and 0. */
int archive_load_number(const struct paths *p, const char *key, long number, struct revision *ret,
                        struct cl_err *err);
/** Appends to @b: the manifest of a revision that is there, with what has become of it since. */
void archive_put_manifest(const struct paths *p, const char *key, const struct manifest *m,
                          struct disk_batch *b);
/** A hash over stat of all files of the current revision, 0 if none: same hash = same verdict. */
uint64_t archive_stamp(const struct paths *p, const char *key);

struct archive_write {
    const char *key;                 /* file-system key of the object */
    const struct manifest *manifest; /* revision number is taken from it */
    const char *key_pem;             /* PKCS8 */
    const unsigned char *csr;        /* may be NULL */
    size_t csr_len;
    const char *fullchain_pem;
    const char *ca_pem; /* may be NULL */
    bool keep_pending;  /* the record of an issuance under way stays: this pair is not its result */
    long keep_revisions; /* older ones are removed; keys of superseded ones kept only for the
                                   last, the rest unlinked */
};
/** Appends to @b: write revision, barrier, switch `current`, drop pending.json, prune. */
void archive_put(const struct paths *p, const struct archive_write *w, struct disk_batch *b);
/** Appends to @b: unlinks the private keys of all revisions before @current (the rollback's, too). */
void archive_drop_old_keys(const struct paths *p, const char *key, long current,
                           struct disk_batch *b);
/** Highest revision number ever used for @key (0 = none). */
long archive_last_revision(const struct paths *p, const char *key);

/* The durable record of an issuance under way. */
struct pending {
    char *issuer_name, *issuer_identity;
    char *spec_hash; /* of the spec it was started for */
    char *request;   /* cert_request_json */
    char *trigger;
    long attempt;
    cl_time started_at;
    struct cl_buf key_pem; /* secret */
    unsigned char *csr;
    size_t csr_len;
    char *profile;          /* acme: asked for; NULL = none */
    struct cl_strv missing; /* names of the spec that the request leaves out */
    char *order_url;        /* NULL until the CA answered */
    char *account_url;
};
void pending_deinit(struct pending *p);
/** Returns 0 with *ret filled, 1 if there is none, -1 on error (a damaged record is error
 *  "StateCorrupt"). */
int pending_load(const struct paths *p, const char *key, struct pending *ret, struct cl_err *err);
void pending_put(const struct paths *p, const char *key, const struct pending *pending,
                 struct disk_batch *b);
/** Adds order and account URL to the record, which is on disk already; durable when @op is done. Of
 *  several, the last one counts. */
void pending_add_order(struct loop *l, const struct paths *p, const char *key,
                       const struct pending *pending, struct cl_op *op);
void pending_drop(const struct paths *p, const char *key, struct disk_batch *b);

#endif
