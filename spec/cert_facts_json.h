/* SPDX-License-Identifier: Apache-2.0 */
/* cert_facts_json: the facts of a certificate as members of a JSON object; the same in a manifest
 * and under status.certificate. */
#ifndef CERT_FACTS_JSON_H
#define CERT_FACTS_JSON_H

#include "spec/manifest.h"

#include <jansson.h>

/** Appends the members to @o. */
void cert_facts_write(json_t *o, const struct cert_facts *f);
/** Fills @ret, which the caller has zeroed and deinitialises also on error. Texts are never NULL. */
int cert_facts_read(const json_t *o, struct cert_facts *ret, struct cl_err *err);

#endif
