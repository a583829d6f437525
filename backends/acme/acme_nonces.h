/* SPDX-License-Identifier: Apache-2.0 */
/* acme_nonces: the nonces that came with replies (RFC 8555 6.5), newest used first. Pure. */
#ifndef ACME_NONCES_H
#define ACME_NONCES_H

#include "spec/base/cl_time.h"

#include <stddef.h>

#define ACME_NONCE_LIFE (1 * CL_HOUR) /* CAs forget them; an old one costs a badNonce */

struct acme_nonces {
    struct acme_nonce {
        char *text;
        cl_time at;
    } * items; /* oldest first */
    size_t len, max;
};
void acme_nonces_init(struct acme_nonces *n, size_t max);
void acme_nonces_deinit(struct acme_nonces *n);
/** Keeps a copy of @text if it is a nonce (base64url, at most 512); the oldest one gives way. NULL
 *  is fine. */
void acme_nonces_put(struct acme_nonces *n, const char *text, cl_time now);
/** The newest one, owned by the caller; NULL if there is none younger than an hour. */
char *acme_nonces_take(struct acme_nonces *n, cl_time now);
/** How many are usable now. */
size_t acme_nonces_count(struct acme_nonces *n, cl_time now);

#endif
