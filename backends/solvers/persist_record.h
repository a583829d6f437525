/* SPDX-License-Identifier: Apache-2.0 */
/* persist_record: the text of a record of dns-persist-01 (draft-ietf-acme-dns-persist): an issue-value
 * of RFC 8659 4.2: "ISSUER; accounturi=URL[; policy=wildcard][; persistUntil=SECONDS]". Pure. */
#ifndef PERSIST_RECORD_H
#define PERSIST_RECORD_H

#include "spec/base/cl_str.h"
#include "spec/base/cl_time.h"

#include <stdbool.h>

struct persist_want {
    const struct cl_strv *issuers; /* as the CA says: any of them; lower case */
    const char *account_url;
    bool wildcard;
};
/** Does the record @text prove the name at @now? *ret_until (may be NULL): until when; 0 = always. */
bool persist_record_proves(const char *text, const struct persist_want *want, cl_time now,
                           cl_time *ret_until);
/** The record to publish, for the first of the issuers; @until 0 = always. Owned. */
char *persist_record_print(const struct persist_want *want, cl_time until);
/** Could @name be an issuer's: A-labels in lower case, no final dot, at most 253 bytes? */
bool persist_issuer_ok(const char *name);

#endif
