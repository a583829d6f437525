/* SPDX-License-Identifier: Apache-2.0 */
/* spec_document: one YAML document on its way to an object. Private to spec/. */
#ifndef SPEC_DOCUMENT_H
#define SPEC_DOCUMENT_H

#include "spec/spec_schema.h"

struct document {
    struct yaml_node *root; /* a mapping; borrowed */
    struct schema_context c;
};

/** Finds out api and kind. False: reported. @config: a Configuration is expected, and nothing else. */
bool document_start(struct document *d, struct yaml_node *root, bool config, bool trusted,
                    struct spec_problems *problems);
/** The mapping at "spec", or NULL: reported. */
struct yaml_node *document_spec(const struct document *d);
/** Never NULL; wrong if problems were added. The hash is not taken. */
struct object *document_decode(const struct document *d, const struct config *config);

const char *document_api_name(enum spec_api api);
void object_take_hash(struct object *o);
/** Is there an error among the problems from @from on? */
bool problems_have_error(const struct spec_problems *p, size_t from);
void problems_sort(struct spec_problems *p);

#endif
