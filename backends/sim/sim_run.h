/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run (private to backends/sim): one run = one scenario, one seed, one set of faults. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "backends/sim/sim.h"

/* What the command line says about a run. */
struct sim_options {
    const struct cl_strv *files; /* that are there at the start: path, content, ...; may be NULL */
    uint64_t seed;
    bool seed_given;
    struct sim_faults faults;
    bool verbose, exact;
    void (*started)(void *user);  /* the scenario is loaded, no life has begun; may be NULL */
    void (*finished)(void *user); /* the last life is over, the world still there; may be NULL */
    void *user;
};
struct sim_result {
    bool failed;
    char *failure;       /* the violated property; owned */
    struct cl_strv tail; /* of the trace */
    struct sim_counts counts;
    uint64_t orders, requests;
    cl_time virtual_time;
};
void sim_result_deinit(struct sim_result *r);

/** Runs the text of a scenario. Returns 0, or -1 if the scenario itself is wrong (*err). */
int sim_run(const char *text, const struct sim_options *o, struct sim_result *ret,
            struct cl_err *err);

/* ---- sim_scenario.c ---- */
/** Reads a scenario into the world: what is there at the start is made, the rest is scheduled. */
int sim_scenario_load(const char *text, struct cl_err *err);

/* ---- sim_command.c ---- */
/** Runs one command of a scenario now. @text: the lines between <<END and END, "" if none. */
int sim_command(const struct cl_strv *words, const char *text, struct cl_err *err);

/* ---- sim_random.c ---- */
struct sim_random {
    uint64_t seed;
    unsigned certs;
    cl_time horizon;
    bool kills, faults;
};
/** A random scenario as text; owned. */
char *sim_random(const struct sim_random *p);

#endif
