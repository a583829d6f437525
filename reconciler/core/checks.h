/* SPDX-License-Identifier: Apache-2.0 */
/* checks: the D1 chain: the first check that fires says why a certificate is wanted. Pure. */
#ifndef CHECKS_H
#define CHECKS_H

#include "reconciler/core/facts.h"
#include "reconciler/core/reasons.h"

struct check_input {
    const struct object *o;
    const struct facts *f;
    cl_time now;
    cl_time renewal_time;
};
struct check {
    enum reason reason;
    bool breaks_ready; /* D3: while it fires, Ready is False */
    /* true = fires; writes a message for people */
    bool (*fires)(const struct check_input *in, char *message, size_t size);
};
extern const struct check CHECKS[];
extern const size_t CHECKS_LEN;

/* ---- checks_acme.c ---- */
bool checks_profile_changed(const struct check_input *in, char *message, size_t size);
bool checks_chain_changed(const struct check_input *in, char *message, size_t size);
bool checks_names_missing(const struct check_input *in, char *message, size_t size);
/** Was the certificate made for this spec, but for names that it may lack for now? */
bool checks_lacks_names(const struct check_input *in);

/** First check that fires, or NULL. */
const struct check *checks_first(const struct check_input *in, char *message, size_t size);

#endif
