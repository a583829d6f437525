/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_internal: shared by deploy.c (hooks of several units run as one), deploy_probe.c and
 * deploy_event.c (what hooks are told; hooks for failures). */
#ifndef DEPLOY_INTERNAL_H
#define DEPLOY_INTERNAL_H

#include "hooks/hook.h"
#include "reconciler/act.h"

struct deploy_run { /* everything that one unit waits for */
    struct unit *u;
    unsigned outstanding;
    bool cancelled;
    char outputs_hash[CL_SHA256_TEXT]; /* what this run is for */
    long revision;
    cl_time started;
};

/* How one hook or probe went. */
struct result {
    bool ok;
    const char *text;
    int exit_code;
    cl_time duration;
    cl_time next_try; /* after a failure; 0 = by the usual curve */
};
/** Writes it into the record of @id in the unit's memory. */
void deploy_record(struct deploy_run *run, const char *id, const char *name,
                   const struct result *res);
/** One of the run's hooks or probes has ended; with the last one the run ends. */
void deploy_release(struct deploy_run *run);
/** Starts the probes that are due. */
void deploy_probes(struct deploy_run *run, cl_time now);
/** What a hook is told about a unit. Paths are kept alive in @paths. */
void deploy_describe(struct unit *u, struct hook_cert *c, struct cl_strv *paths);

#endif
