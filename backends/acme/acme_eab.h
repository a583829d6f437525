/* SPDX-License-Identifier: Apache-2.0 */
/* acme_eab: the external account binding (RFC 8555 7.3.4): the account key, signed with a MAC key
 * that the CA has handed out. Pure. */
#ifndef ACME_EAB_H
#define ACME_EAB_H

#include "spec/base/cl_err.h"
#include "spec/spec.h"

struct acme_eab {
    const char *key_id; /* checked: no quotes */
    enum eab_algorithm algorithm;
    const char *mac_key; /* base64url or base64, padded or not, as people paste it */
    const char *url;     /* of newAccount, checked by acme_url_ok */
    const char *jwk;     /* of the account key */
};
/** *ret is a flattened JWS, owned. -1: "BadMACKey" (PERMANENT), never quoting the key. */
int acme_eab_sign(const struct acme_eab *in, char **ret, struct cl_err *err);

#endif
