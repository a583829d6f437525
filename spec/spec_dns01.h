/* SPDX-License-Identifier: Apache-2.0 */
/* spec_dns01: what a dns01 solver says, whichever of its forms was written. Pure. */
#ifndef SPEC_DNS01_H
#define SPEC_DNS01_H

#include "spec/base/cl_err.h"
#include "spec/spec.h"

/* An input of a described provider that the spec itself gives: as a secret or as text. */
struct dns01_input {
    const char *name;  /* as in the description, or one of its environment names; borrowed */
    const char *field; /* of the spec, for messages: "apiTokenSecretRef" */
    const char *value; /* NULL: secret */
    const struct secret_ref *secret;
};
#define DNS01_INPUTS_MAX 32

/** The described provider that @s stands for, or NULL if it is one of the native ways. Borrowed. */
const char *dns01_provider(const struct dns01_spec *s);
/** The directory below the secrets where the other inputs are; NULL: all are in the spec. */
const char *dns01_credentials(const struct dns01_spec *s);
/** The inputs that @s gives; returns how many. Those that are not given are left out. */
size_t dns01_inputs(const struct dns01_spec *s, struct dns01_input ret[DNS01_INPUTS_MAX]);
/** How the records of @s are to be checked: propagation, then selfCheck, waitInsteadOfSelfCheck and
 *  nameservers. Nothing of *ret is owned. */
void dns01_propagation(const struct solver_spec *s, struct propagation_spec *ret);
/** The challenge type that @s answers: "dns-01", "dns-account-01", "dns-persist-01". */
const char *dns01_challenge_type(const struct dns01_spec *s);
/** For people and logs: "rfc2136 10.0.0.53:53", "cloudflare". Owned. */
char *dns01_label(const struct dns01_spec *s);
/** The word of a protocol: "acme.sh". */
const char *dns_exec_protocol_name(enum dns_exec_protocol p);

/** The solver as canonical JSON ({"provider":...}), and back: what a journal keeps to find the
 *  provider again. The text is owned; the record is freed by dns01_spec_deinit. */
char *dns01_to_json(const struct dns01_spec *s);
int dns01_from_json(const char *text, struct dns01_spec *ret, struct cl_err *err);
void dns01_spec_deinit(struct dns01_spec *s);

#endif
