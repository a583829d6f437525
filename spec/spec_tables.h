/* SPDX-License-Identifier: Apache-2.0 */
/* spec_tables: the tables of all kinds. What a row means: spec_schema.h. */
#ifndef SPEC_TABLES_H
#define SPEC_TABLES_H

#include "spec/spec_schema.h"

extern const struct schema SCHEMA_METADATA;
extern const struct schema SCHEMA_CERTIFICATE;   /* spec of a Certificate: struct cert_spec */
extern const struct schema SCHEMA_ISSUER;        /* spec of an Issuer: struct issuer_spec */
extern const struct schema SCHEMA_CONFIGURATION; /* struct config */

/* Parts that several kinds share. */
extern const struct schema SCHEMA_ISSUER_REF;
extern const struct schema SCHEMA_SECRET_REF;
extern const struct schema SCHEMA_SOLVER;
extern const struct schema SCHEMA_NAMED_SOLVER; /* keyed by name, in a Configuration */
extern const struct schema SCHEMA_DNS01;        /* of a solver: struct dns01_spec */
extern const struct schema SCHEMA_RESPONDER;
extern const struct schema SCHEMA_HOOK;       /* in a list */
extern const struct schema SCHEMA_NAMED_HOOK; /* keyed by name, in a Configuration */
extern const struct schema SCHEMA_PRIVATE_KEY;
extern const struct schema SCHEMA_PRIVATE_KEY_DEFAULTS; /* without defaults of its own */
extern const struct schema SCHEMA_NAME_CONSTRAINTS;
extern const struct schema_word WORDS_KEY_ALGORITHM[];

/** The table of a kind's spec. */
const struct schema *schema_of_kind(enum spec_kind kind);

#endif
