/* SPDX-License-Identifier: Apache-2.0 */
/* spec_decode: single values of the tables. Private to spec_decode.c and spec_scalar.c. */
#ifndef SPEC_DECODE_H
#define SPEC_DECODE_H

#include "spec/spec_schema.h"

/* Where a value is, from the root of the document: a chain on the stack. */
struct place {
    const struct place *up;
    const char *key; /* NULL: an entry of a list */
    size_t index;
};

void decode_problem(const struct schema_context *c, bool warning, const struct yaml_node *node,
                    const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/** A string of @f in its normal form, checked against f->value or f->words; owned. NULL: reported. */
char *decode_string(const struct schema_context *c, const struct schema_field *f,
                    const struct yaml_node *node, const struct place *at);

/* Each decodes @node into the member of @f. @record keeps its zero where something is wrong. */
void decode_text(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record);
void decode_bool(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record);
void decode_long(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record);
void decode_duration(const struct schema_context *c, const struct schema_field *f,
                     struct yaml_node *node, const struct place *at, void *record);
void decode_word(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record);
void decode_flags(const struct schema_context *c, const struct schema_field *f,
                  struct yaml_node *node, const struct place *at, void *record);
void decode_words(const struct schema_context *c, const struct schema_field *f,
                  struct yaml_node *node, const struct place *at, void *record);

/** Sets the member from the text of a table, which must be right. */
void decode_default_value(const struct schema_field *f, const char *def, void *record);

#endif
