/* SPDX-License-Identifier: Apache-2.0 */
/* ca_pair: key and certificate of a ca Issuer: where they are looked for, what they must be, how
 * they are made and where the root is published. Private to backends/ca. */
#ifndef CA_PAIR_H
#define CA_PAIR_H

#include "backends/issuer.h"
#include "backends/rt/disk.h"

#define CA_FILE_MAX ((size_t)64 * 1024)

struct ca_pair {
    struct key *key;
    char *cert_pem;  /* the signing certificate */
    char *chain_pem; /* what goes after a leaf: it and its intermediates, without the root; or "" */
    char *root_pem;  /* NULL = unknown */
    struct cert_facts facts; /* of the signing certificate */
    char spki[CL_SHA256_TEXT];
};
void ca_pair_deinit(struct ca_pair *p); /* accepts a zeroed one */

enum ca_found { CA_FOUND, CA_MISSING, CA_BROKEN };
/**
 * Looks where @o says: the archived pair of a Certificate with that secretName, else
 * SECRETS/[NAMESPACE/]NAME/{tls.crt,tls.key}; for ca.generate STATE/ca/KEY/{ca.crt,ca.key}.
 * MISSING: nothing is there ("SecretNotFound"); BROKEN: it is, but cannot be used.
 */
enum ca_found ca_pair_find(const struct issuer_host *host, const struct object *o,
                           struct ca_pair *ret, struct cl_err *err);
/** A hash over stat of the files that ca_pair_find would read; says nothing of archived pairs. */
uint64_t ca_pair_stamp(const struct issuer_host *host, const struct object *o);

/** Signs a root for @key as ca.generate says; on success *ret is complete. */
int ca_root_sign(const struct object *o, struct key *take_key, cl_time now, struct ca_pair *ret,
                 struct cl_err *err);
/** Appends to @b: key and root durable in STATE/ca/KEY. */
int ca_root_put(const struct issuer_host *host, const struct object *o, const struct ca_pair *p,
                struct disk_batch *b, struct cl_err *err);
/** Appends to @b: the root, if it is known, readable for all at LIVE/_issuers/KEY/ca.crt. */
void ca_root_publish(const struct issuer_host *host, const struct object *o,
                     const struct ca_pair *p, struct disk_batch *b);
/** Is what would be published there already? */
bool ca_root_published(const struct issuer_host *host, const struct object *o,
                       const struct ca_pair *p);
char *ca_root_path(const struct issuer_host *host, const struct object *o); /* owned */

#endif
