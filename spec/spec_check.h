/* SPDX-License-Identifier: Apache-2.0 */
/* spec_check: rules between fields, and what the Configuration allows. Pure functions. */
#ifndef SPEC_CHECK_H
#define SPEC_CHECK_H

#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>

/** A name that a wildcard of the same spec covers: CAs refuse the pair. Writes the name to @buf. */
bool cert_spec_redundant_name(const struct cert_spec *spec, char buf[256]);

/** What no ACME issuer could honour: URIs, e-mail addresses, isCA, a common name that is none of the
 *  names, a wildcard without a dns01 solver, an address without http01 or tlsalpn01, a redundant name. @issuer: the solvers of the Issuer,
 *  or NULL. Writes one sentence to @buf. */
bool cert_spec_acme_problem(const struct cert_spec *spec, const struct solver_list *issuer,
                            char *buf, size_t size);

#endif
