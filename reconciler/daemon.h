/* SPDX-License-Identifier: Apache-2.0 */
/* daemon: everything that lives as long as the process: wiring, start-up order, the pass loop.
 * Also the door for the simulator and for commands that plan without a daemon. */
#ifndef DAEMON_H
#define DAEMON_H

#include "backends/issuer.h"
#include "backends/net/http_server.h"
#include "backends/rt/watch.h"
#include "reconciler/core/workq.h"
#include "reconciler/zones.h"
#include "spec/base/cl_rng.h"

struct inventory;
struct deploys;
struct requests;
struct publish;
struct unit;

struct daemon_options {
    const char *specs, *state, *secrets, *config; /* directories and file, as in cli */
    const char *live;                             /* NULL = STATE/live */
    const struct cl_strv *output_roots;           /* added to the Configuration's; may be NULL */
    const char *metrics;                          /* overrides metrics.listen; NULL = none */
    const char *version;
    cl_time built_at; /* the clock cannot be before it; 0 = unknown */
    bool once;        /* run --once: no watching, ends when everything is settled */
    bool read_only;   /* plan: no lock, no network, nothing written */
};

/* An op that no unit waits for (failure hooks, given up orders): a drain waits for it. */
struct loose {
    struct cl_list link;
    struct cl_op *op;
};

struct daemon {
    struct loop *loop;
    struct paths paths;
    struct config *config;
    struct http *http;
    struct solvers *solvers;
    struct issuer_host host;
    struct workq queue;
    struct loop_task pass_task;
    struct loop_timer pass_timer;
    struct cl_map units;  /* unit_map_key -> struct unit, certificates and issuers */
    struct cl_map claims; /* output path -> struct unit that owns it */
    size_t conflicts;     /* units that found a path taken */
    struct cl_list loose; /* struct loose: work that belongs to no unit */
    struct inventory *inventory;
    struct watch *watch;
    struct deploys *deploys;
    struct requests *requests;
    struct publish *publish;
    struct disk_lock *lock;
    struct cl_rng rng;
    struct zones zones;
    struct cl_strv cli_output_roots;
    char *cli_metrics;
    const char *version;
    char *config_problem; /* why the Configuration on disk is rejected; NULL = in force */
    char config_sha256[CL_SHA256_TEXT];
    struct cl_strv notes;            /* deviations found at start, for _daemon.json */
    struct cl_strv restart_required; /* settings that changed but need a restart */
    bool ephemeral_state;            /* the state directory does not survive a restart */
    unsigned status_mode;            /* of status files */
    unsigned issuing;                /* issue ops running */
    cl_time ari_turn;                /* the next question about renewal that is not given away */
    unsigned long ari_polls, ari_errors;
    unsigned projecting; /* outputs being written */
    cl_time started_at;
    cl_time clock_floor; /* the clock must not be before this */
    unsigned long clock_jumps;
    struct cl_op flush_op; /* solvers_flush, while stopping */
    bool flushing;
    bool once, read_only, stopping, scanned;
    struct cl_op recover_op;
    struct loose recovering;
    struct loop_timer sweep_timer, stop_timer, trim_timer;
    struct config **old_configs; /* running work may still point into them */
    size_t n_old_configs;
    void (*idle)(void *user); /* the queue has run empty; may be NULL */
    void *idle_user;
    void (*stopped)(void *user); /* after a drain: everything has ended */
    void *stopped_user;
};

/** Opens state, Configuration and sockets; scans nothing yet. Fails with exit codes in mind:
 *  reason "Locked" (75), everything else 78. *ret owned. @l outlives it. */
int daemon_create(struct loop *l, const struct daemon_options *o, struct daemon **ret,
                  struct cl_err *err);
/** First scan, then watching (unless once); work starts in the next turn. */
void daemon_start(struct daemon *d);
/** Drains: cancels what runs, calls stopped() when all of it has ended. */
void daemon_stop(struct daemon *d, void (*stopped)(void *user), void *user);
/** Frees all. Nothing may be running (after stopped, or never started). */
void daemon_destroy(struct daemon *d);
/** Re-reads the Configuration and the directory (SIGHUP). */
void daemon_reload(struct daemon *d);
/** Queues a unit and makes sure that a pass comes. */
void daemon_wake_unit(struct daemon *d, struct unit *u);
void daemon_schedule(struct daemon *d);
void daemon_wake_all(struct daemon *d);
/** @op, embedded beside @l, was started. In its done: daemon_loose_end, before both are freed. */
void daemon_loose(struct daemon *d, struct loose *l, struct cl_op *op);
void daemon_loose_end(struct daemon *d, struct loose *l);
/** Specs and state must not lie in each other, by name or through links (daemon_dirs.c). */
int daemon_check_directories(const struct daemon *d, struct cl_err *err);
/** Starts watching (daemon_watch.c). */
void daemon_watch(struct daemon *d);
/** All Certificates that use this Issuer. */
void daemon_wake_dependents(struct daemon *d, const char *issuer_key);

/** All Issuers that sign with the pair of this Certificate (ca.secretName). */
void daemon_wake_secret_users(struct daemon *d, const struct unit *u);

/* How a one-shot run ends (cli: run --once). */
enum daemon_outcome { OUTCOME_WORKING, OUTCOME_ALL_DONE, OUTCOME_WAITING, OUTCOME_FAILED };
/** WORKING while something is due or running. Appends a line for each object that is not done. */
enum daemon_outcome daemon_outcome(struct daemon *d, struct cl_strv *ret_lines);
/** Is an issuance, deployment, step or save running? */
bool daemon_busy(const struct daemon *d);
/** What a WORKING daemon is judged as when its time is up. */
enum daemon_outcome daemon_verdict(struct daemon *d, struct cl_strv *ret_lines);

#endif
