/* SPDX-License-Identifier: Apache-2.0 */
/* selfsigned_issuer: each certificate is signed with its own key. */
#ifndef SELFSIGNED_ISSUER_H
#define SELFSIGNED_ISSUER_H

#include "backends/issuer.h"

extern const struct issuer_ops self_signed_issuer_ops;

#endif
