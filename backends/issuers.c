/* SPDX-License-Identifier: Apache-2.0 */
/* issuers: the registry of kinds: one line each. */
#include "backends/acme/acme_issuer.h"
#include "backends/ca/ca_issuer.h"
#include "backends/issuer.h"
#include "backends/selfsigned/selfsigned_issuer.h"

#include <stddef.h>

static const struct issuer_ops *const KINDS[] = {
    &acme_issuer_ops,
    &ca_issuer_ops,
    &self_signed_issuer_ops,
    NULL,
};

const struct issuer_ops *const *issuer_kinds(void)
{
    return KINDS;
}

const struct issuer_ops *issuer_kind(enum issuer_type type)
{
    for (size_t i = 0; KINDS[i] != NULL; i++) {
        if (KINDS[i]->type == type) {
            return KINDS[i];
        }
    }
    return NULL;
}
