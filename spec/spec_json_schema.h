/* SPDX-License-Identifier: Apache-2.0 */
/* spec_json_schema: the tables of the kinds as JSON Schema (draft 7), for editors and pipelines. It is
 * made from the tables that decode the specs, so that it cannot say something else. What only the
 * checks know (which fields exclude each other, what a name looks like) is left to validate. */
#ifndef SPEC_JSON_SCHEMA_H
#define SPEC_JSON_SCHEMA_H

#include "spec/spec.h"

#include <jansson.h>

/** The schema of one document of @kind. New reference. */
json_t *spec_json_schema(enum spec_kind kind);
/** The schema of a document of any kind that may be in the spec directory. New reference. */
json_t *spec_json_schema_all(void);

#endif
