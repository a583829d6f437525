/* SPDX-License-Identifier: Apache-2.0 */
/* sim_user_report (private to backends/sim): what became of each Certificate of a user. */
#ifndef SIM_USER_REPORT_H
#define SIM_USER_REPORT_H

#include "backends/sim/sim.h"
#include "spec/spec.h"

#include <jansson.h>

struct sim_user_cert {
    char *name;  /* as people write it */
    char *key;   /* status: NS/NAME or NAME */
    char *names; /* of its orders */
    char *held;  /* what it waited for after a minute; NULL = nothing */
    cl_time *issued, *not_after;
    size_t n;
    cl_time gap_from, gap_to; /* without a valid certificate; 0 = never */
    bool suspended, embedded; /* embedded: from an issuer that no CA stands behind */
};
struct sim_user_report {
    struct sim_user_cert *items;
    size_t len;
    char *violation; /* of a property of the program; NULL = none */
    uint64_t limited;
};
void sim_user_report_add(struct sim_user_report *r, const struct object *o,
                         const struct cl_strv *names);
void sim_user_report_deinit(struct sim_user_report *r);
/** While the world runs: who is held by what? */
void sim_user_report_look(struct sim_user_report *r);
/** Before the world ends: all orders. */
void sim_user_report_collect(struct sim_user_report *r);
/** Prints; 0 nothing is late, else 1. */
int sim_user_report_print(struct sim_user_report *r, cl_time horizon, bool json);

#endif
