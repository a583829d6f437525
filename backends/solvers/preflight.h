/* SPDX-License-Identifier: Apache-2.0 */
/* preflight: looks at what the CA will look at, before it is asked: CAA, addresses, DNSSEC, where a
 * record would live, and whether a token of our own comes back over every address. Never asks the
 * CA. What is found is either certain (the CA cannot but fail, too) or a warning. */
#ifndef PREFLIGHT_H
#define PREFLIGHT_H

#include "backends/solvers/solvers.h"

struct preflight_finding {
    bool certain;
    char reason[CL_ERR_REASON]; /* "CAAForbids" "NoAddress" "DNSSECFailed" "NotReached" ... */
    char identifier[256];       /* "" = not about one name */
    char text[CL_ERR_TEXT];     /* address, what happened, what to do; foreign text is cleaned */
};
struct preflight_params {
    const struct object *certificate;
    const struct solver_list *issuer_solvers; /* may be NULL */
    const char *account_url;                  /* NULL: accounturi is not compared */
    const struct cl_strv *caa_identities;     /* of the CA's directory; may be empty */
    const struct cl_strv *directories;        /* that must be writable */
    unsigned http_port, tls_port;             /* to which the CA connects */
    /* A daemon of this state runs, and may have the ports: its listener is then looked for instead
     * of our own token. */
    bool daemon_runs;
};
struct preflight_op {
    struct cl_op op; /* err: CANCELLED only */
    /* Lent while done runs; certain ones first. */
    const struct preflight_finding *findings;
    size_t n;
};
/** Everything in @p is borrowed until done. Names are looked at side by side. */
void preflight_start(struct solvers *s, const struct preflight_params *p, struct preflight_op *op);
/** The first certain finding, or NULL. */
const struct preflight_finding *preflight_failure(const struct preflight_op *op);

#endif
