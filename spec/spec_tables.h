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
extern const struct schema SCHEMA_PREFERRED_CHAIN;
extern const struct schema_word WORDS_KEY_ALGORITHM[];

extern const struct schema SCHEMA_CA_LIMIT;
/* The limits of a CA as members of @member_, a struct ca_limits. */
#define CA_LIMIT_ROW(key_, struct_, member_, doc_)                                             \
    {                                                                                          \
        ROW(key_, STRUCT, struct_, member_), .sub = &SCHEMA_CA_LIMIT, .flags = FIELD_OPTIONAL, \
                                             .doc = doc_                                       \
    }
#define CA_LIMIT_ROWS(struct_, member_)                                                   \
    CA_LIMIT_ROW("newOrders", struct_, member_.new_orders, "Orders of an account."),      \
        CA_LIMIT_ROW("certificatesPerDomain", struct_, member_.domain,                    \
                     "Certificates of a registered domain."),                             \
        CA_LIMIT_ROW("certificatesPerSet", struct_, member_.exact_set,                    \
                     "Certificates of one and the same set of names."),                   \
        CA_LIMIT_ROW("failedAuthorizations", struct_, member_.failed_authorizations,      \
                     "Failures of an account for a name."),                               \
        CA_LIMIT_ROW("consecutiveFailures", struct_, member_.consecutive_failures,        \
                     "The same without a success between; then the CA pauses the name."), \
        CA_LIMIT_ROW("newAccounts", struct_, member_.new_accounts, "Registrations of an address.")

/** The table of a kind's spec. */
const struct schema *schema_of_kind(enum spec_kind kind);

#endif
