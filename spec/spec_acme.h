/* SPDX-License-Identifier: Apache-2.0 */
/* spec_acme: what an ACME Issuer and a Certificate say together: the Certificate's word wins. Pure. */
#ifndef SPEC_ACME_H
#define SPEC_ACME_H

#include "spec/spec.h"

/** The profile to ask for (draft-ietf-acme-profiles); NULL = none. @acme may be NULL. */
const char *acme_profile_of(const struct cert_spec *cert, const struct acme_spec *acme);
/** The chain to prefer; NULL = the CA's default. @acme may be NULL. */
const struct chain_preference *acme_chain_of(const struct cert_spec *cert,
                                             const struct acme_spec *acme);
/** For manifests and messages: "root ISRG Root X1", "sha256 ab12...", "shortest"; "" for NULL. Owned. */
char *chain_preference_text(const struct chain_preference *c);
/** A Certificate that asks for the names of @o but @without; everything else as in @o. NULL if nothing
 *  is left or changed, or if the common name would have to go. The caller destroys it. */
struct object *object_without_names(const struct object *o, const struct cl_strv *without);

#endif
