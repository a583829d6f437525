/* SPDX-License-Identifier: Apache-2.0 */
/* acme_issuer: certificates from an ACME server (RFC 8555), as an issuer.
 *
 * Beside issuer.h: after a failed issue(), used_order_url tells whether the order is worth resuming:
 * NULL = drop the recorded one, the next issue() makes a new order. The object given to create()
 * must outlive the instance, as the Certificate's object must outlive its issue(). */
#ifndef ACME_ISSUER_H
#define ACME_ISSUER_H

#include "backends/issuer.h"

extern const struct issuer_ops acme_issuer_ops;

#endif
