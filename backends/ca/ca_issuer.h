/* SPDX-License-Identifier: Apache-2.0 */
/* ca_issuer: an embedded certificate authority. Its key pair comes from a secret (ca.secretName) or
 * is made on first use (ca.generate). Signs in process, without a network. */
#ifndef CA_ISSUER_H
#define CA_ISSUER_H

#include "backends/issuer.h"

extern const struct issuer_ops ca_issuer_ops;

#endif
