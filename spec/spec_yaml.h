/* SPDX-License-Identifier: Apache-2.0 */
/* spec_yaml: YAML text -> trees that know where each key and value stands. The grammar is libyaml's,
 * the meaning of scalars is that of the YAML 1.2 core schema, and what could hide something (anchors,
 * aliases, tags, duplicate keys) is an error. JSON files are YAML. */
#ifndef SPEC_YAML_H
#define SPEC_YAML_H

#include "spec/spec_parse.h"

#include <stdbool.h>
#include <stddef.h>

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };
struct yaml_node {
    enum yaml_kind kind;
    unsigned line, column; /* from 1; columns are code points */
    bool plain;            /* SCALAR: without quotes, so that it may be null, a boolean, a number */
    char *text;            /* SCALAR */
    struct yaml_node **keys;  /* MAP: scalars, beside items */
    struct yaml_node **items; /* MAP: values; LIST: entries */
    size_t len, cap;
};
struct yaml_documents {
    struct yaml_node **items; /* owned; empty documents are left out */
    size_t len;
};
struct yaml_limits {
    size_t bytes, nodes;
    unsigned depth;
};

/** Parses all documents. Returns 0, or -1 with what was found in @problems; *ret is then empty.
 *  Problems that leave a tree to look at (tags, anchors, duplicate keys) are all reported, and the
 *  trees are there: returns 1. */
int yaml_parse(const char *text, size_t len, const struct yaml_limits *limits,
               struct yaml_documents *ret, struct spec_problems *problems);
void yaml_documents_deinit(struct yaml_documents *d);

/* What a scalar says by the core schema of YAML 1.2; quoted ones are strings. */
enum yaml_scalar { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_STRING };
enum yaml_scalar yaml_scalar_type(const struct yaml_node *n);
bool yaml_is_null(const struct yaml_node *n); /* NULL, or a null scalar */
bool yaml_is_true(const struct yaml_node *n); /* a boolean that is true */

/** The value of @key, or NULL if absent or null. @n may be NULL or no mapping. */
struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);
/** The key node of @key, or NULL. */
struct yaml_node *yaml_key(const struct yaml_node *n, const char *key);

#endif
