/* SPDX-License-Identifier: Apache-2.0 */
/* spec_parse: bytes of a file -> objects, or errors with line and column. Pure. */
#ifndef SPEC_PARSE_H
#define SPEC_PARSE_H

#include "spec/base/cl_err.h"
#include "spec/spec.h"

/* One complaint about a file. Lines and columns count from 1; columns count code points. */
struct spec_problem {
    unsigned line, column;
    bool warning;
    char *text; /* "spec.dnsName: unknown field; did you mean dnsNames?" */
};
struct spec_problems {
    struct spec_problem *items;
    size_t len;
};
void spec_problems_deinit(struct spec_problems *p);
void spec_problems_add(struct spec_problems *p, bool warning, unsigned line, unsigned column,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

struct object_list {
    struct object **items; /* owned */
    size_t len;
};
void object_list_deinit(struct object_list *l);

#define SPEC_FILE_MAX ((size_t)1 << 20)

/**
 * Decodes all documents of one file: strict YAML 1.2 core (reconciler's rules: no anchors, tags,
 * duplicate keys, unknown keys; depth 32, 20,000 nodes, 1 MiB), kinds Certificate, Issuer and
 * ClusterIssuer of certloop/v1 and cert-manager.io/v1, kind List flattened; defaults from @config
 * (may be NULL) merged, cross-field rules checked, names normalised, spec hashes taken.
 *
 * All or nothing: with any error *ret stays empty. Warnings alone do not fail.
 * Returns 0 or -1; @problems (initialised by the caller, zeroed) gets errors and warnings.
 */
int spec_parse(const char *text, size_t len, const struct config *config, struct object_list *ret,
               struct spec_problems *problems);

/** The same for the Configuration file; NULL text gives the defaults. *ret is owned. */
int spec_parse_config(const char *text, size_t len, struct config **ret,
                      struct spec_problems *problems);

/**
 * The canonical form of an object: a JSON document (jansson, sorted keys, compact) that
 * object_from_canonical turns back into an equal object. It is what memory/ keeps as the last good
 * spec and what spec_hash is taken over (its "spec" member alone). Owned by the caller.
 */
char *object_to_canonical(const struct object *o);
int object_from_canonical(const char *text, struct object **ret, struct cl_err *err);
/** YAML for people: the object with all defaults visible. Owned by the caller. */
char *object_to_yaml(const struct object *o);

/** Does @name (a dNSName of a spec, or "*.x") fall below @zone? Label-wise. */
bool dns_name_in_zone(const char *name, const char *zone);
/** Normalises a host name: IDN to A-labels (libidn2), lower case, LDH check, at most 253, wildcard
 *  only leftmost. Returns an owned string, or NULL and a reason in @why. */
char *host_name_normalise(const char *name, char *why, size_t why_size);

#endif
