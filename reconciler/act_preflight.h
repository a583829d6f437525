/* SPDX-License-Identifier: Apache-2.0 */
/* act_preflight: the preflight before an order, and for `plan --preflight`. */
#ifndef ACT_PREFLIGHT_H
#define ACT_PREFLIGHT_H

#include "backends/solvers/preflight.h"
#include "reconciler/issue_run.h"

/** Starts one if it is due: true, and @go_on is called if nothing certain was found; else the run has
 *  ended by issue_fail. False: nothing to do. */
bool issue_preflight(struct issue_run *r, void (*go_on)(struct issue_run *r));
void issue_preflight_cancel(struct issue_run *r); /* harmless if none runs */

/* What a preflight is given, gathered from a unit; outlives the op. */
struct preflight_inputs {
    struct preflight_params params;
    struct cl_strv identities, directories;
    char *account_url;
};
/** @details: the Issuer's subtree of its status ("acme": {...}), borrowed; may be NULL. */
void preflight_inputs_init(struct preflight_inputs *in, const struct unit *u,
                           const struct object *certificate, const struct object *issuer,
                           const json_t *details);
void preflight_inputs_deinit(struct preflight_inputs *in);

#endif
