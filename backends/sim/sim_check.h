/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check (private to backends/sim): the properties, and what a scenario expects. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "backends/sim/sim_ca.h"

void sim_check_create(void);
/** The daemon changed a path. */
void sim_check_path(const char *path);
/** After each turn of the loop. */
void sim_check_turn(void);
/** After a death: everything that is on the disk. */
void sim_check_disk(void);
/** The run is over: what is left over, what was wasted? */
void sim_check_end(void);
void sim_check_account(const struct sim_ca *ca);
void sim_check_order(struct sim_ca *ca, struct sim_order *o);
void sim_check_hook_started(const char *program, const struct cl_strv *env);
void sim_check_hook_ended(const char *program, bool ok);
/** An Issuer in @path uses the CA at @host: it may have one account there. */
void sim_check_issuer(const char *path, const char *host);
/** A person damages the archive: that key is no longer looked at. */
void sim_check_damaged(const char *path);

/* ---- sim_check_status.c ---- */
void sim_check_status(const char *path);
void sim_check_expiry(void);
/** Condition of Certificate NAME or "issuer/NAME" as its status file says; "" if there is none.
 *  Owned. @field: "status" or "reason". */
char *sim_condition(const char *name, const char *type, const char *field);
long sim_revision(const char *name);
/** What is at status.@dotted ("certificate.issuerRef.name", "issuers.0.usable"); "" if nothing. Owned. */
char *sim_status_member(const char *name, const char *dotted);

/* ---- sim_expect.c ---- */
/** "expect ..." without its first word; @at: when it must be so. 0 or -1 (not understood). */
int sim_expect(const struct cl_strv *words, cl_time at);

/* ---- sim_pace.c ---- */
/** Remembers of each Certificate without a certificate when its turn is, as its status says. */
void sim_pace_forecast(void);
/** All that was ordered at the CA at @host: as early as its limits allow within 1 %, and so were the
 *  forecasts. */
void sim_pace_check(const char *host);

struct sim_status {
    bool ready, expired;
    cl_time not_after;
};
struct sim_check {
    struct cl_map status;    /* path -> struct sim_status */
    struct cl_map dirty;     /* keys of the archive to look at */
    struct cl_map damaged;   /* ... and those that are not looked at */
    struct cl_map issuers;   /* "HOST PATH" */
    struct cl_map orders;    /* "HOST NAMES" -> the last order for them */
    struct cl_map forecasts; /* name of a Certificate -> struct sim_forecast */
    cl_time forecast_at;
    struct cl_map hooks; /* "PROGRAM FINGERPRINT" -> struct hook_run */
    char *hook_running;  /* fingerprint of what the running program was started for */
    cl_time next_expiry;
    cl_time alive_since;
    uint64_t expired;   /* certificates that were in use when they expired */
    uint64_t overviews; /* writes of _summary and the like */
};

#endif
