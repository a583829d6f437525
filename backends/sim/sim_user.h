/* SPDX-License-Identifier: Apache-2.0 */
/* sim_user (private to backends/sim): a user's own specs in virtual time, against model CAs with the
 * limits that theirs have; what became of each certificate is told afterwards. */
#ifndef SIM_USER_H
#define SIM_USER_H

#include "backends/sim/sim_run.h"

struct sim_user {
    const char *specs, *config; /* of the real machine; config may be NULL */
    cl_time horizon;
    uint64_t seed;
    struct cl_strv faults;     /* "HOST down FROM TO" and so on: see sim_user.c */
    const struct cl_strv *cas; /* files about CAs: path, content, ... */
    bool json;
};
/** Prints what came of it. Returns the exit code: 0 nothing late, 1 something is, 65 a spec or a fault
 *  is not understood, 66 a file cannot be read. */
int sim_user_run(const struct sim_user *u);

#endif
