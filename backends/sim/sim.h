/* SPDX-License-Identifier: Apache-2.0 */
/* sim (private to backends/sim): the simulated world. One struct holds virtual time, the disk, the
 * CAs, faults and what is expected; the daemon lives in it, dies and is started again. The functions
 * of rt, net and crypto have no context argument, so the world is one process-wide pointer. */
#ifndef SIM_H
#define SIM_H

#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_heap.h"
#include "spec/base/cl_list.h"
#include "spec/base/cl_map.h"
#include "spec/base/cl_rng.h"
#include "spec/base/cl_str.h"

#include <setjmp.h>

#define SIM_START ((cl_time)1796083200000) /* 2026-12-01T00:00:00Z */
#define SIM_SPECS "/etc/acme.d"
#define SIM_STATE "/var/lib/certloop"
#define SIM_SECRETS "/etc/certloop/secrets"
#define SIM_CONFIG "/etc/certloop/config.yaml"
#define SIM_TRACE_LINES 400

struct sim_fs;
struct sim_ca;
struct sim_check;
struct sim_watches;

/* How a life of the daemon ended. */
enum sim_end {
    SIM_END_NONE,
    SIM_END_HORIZON, /* time is up */
    SIM_END_STOPPED, /* drained after a request to stop */
    SIM_END_KILL,    /* power cut: what was not synced may be lost */
    SIM_END_CRASH,   /* killed: the kernel keeps what was written */
    SIM_END_FAILED   /* a property is violated; nothing more to run */
};

/* The N-th of something fails; 0 = none does. */
struct sim_faults {
    uint64_t kill_at;  /* durable write that ends in a power cut */
    uint64_t disk_at;  /* file operation that fails */
    int disk_errno;    /* EIO or ENOSPC */
    uint64_t alloc_at; /* allocation that fails: the process ends */
    uint64_t request_at;
};
struct sim_counts {
    uint64_t durable, disk, allocs, requests; /* as numbered by sim_faults */
    uint64_t kills, restarts, hooks;
    uint64_t faults; /* injected failures of the disk and of requests */
};

struct sim_event {
    struct cl_heap_node node; /* in world time */
    void (*fn)(void *arg);
    void *arg;
};

struct sim {
    uint64_t seed;
    struct cl_rng rng;  /* of the world: latencies, faults */
    struct cl_rng keys; /* of toy keys, tokens, serials */
    cl_time now;        /* world time: never goes back */
    cl_time skew;       /* the daemon's wall clock minus world time */
    cl_time horizon;
    cl_time commit_at;  /* when the last commit in line ends */
    cl_time commit_max; /* how long one takes at most */
    cl_time tick_max;   /* a periodic timer that finds nothing to do may be late by this much */
    unsigned life;      /* number of the running life; 0 = the daemon is dead */
    bool in_life;       /* allocations belong to the daemon */
    bool poisoned;      /* ignore the fault counters (start-up of the world, checks) */
    bool stopping;      /* the daemon drains */
    bool exact;         /* every periodic timer fires */
    bool verbose;
    jmp_buf death;
    struct cl_list life_blocks, world_blocks;
    struct cl_heap events;
    struct loop *loop; /* of the running life */
    struct sim_fs *fs;
    struct sim_watches *watches;
    struct cl_list servers; /* listening http servers of this life */
    struct cl_list dns_listeners, alpn_servers;
    struct cl_list exchanges; /* requests that somebody waits for */
    struct cl_map services;   /* "HOST:PORT" -> what serves a certificate there */
    struct cl_strv webroots;  /* directories that the web server of the machine serves */
    struct cl_map cas;        /* host -> struct sim_ca */
    struct sim_check *check;
    struct sim_faults faults;
    struct sim_counts counts;
    unsigned watch_loss;   /* per cent of hints that end in an overflow */
    unsigned request_loss; /* per cent of requests that fail */
    cl_time loss_until;    /* random losses end here */
    uint64_t respecs;      /* changes of specs since the start: each may cost an order */
    uint64_t external;     /* changes from outside; resets late timers */
    uint64_t effects;      /* what the daemon did to the world */
    uint64_t instant_turns;
    cl_time instant;
    struct cl_strv trace; /* ring */
    size_t trace_next;
    char *failure;              /* the violated property; NULL = none */
    struct cl_map hook_results; /* argv[0] -> struct sim_hook */
};

/* The world; set by sim_run. */
extern struct sim *sim;

/* ---- sim_mem.c: whose memory is it? ---- */
void sim_mem_install(void);
int sim_scope_set(bool in_life);
void sim_scope_reset(const int *old);
/* The rest of the block allocates for the world, or for the daemon. */
#define SIM_WORLD() \
    __attribute__((cleanup(sim_scope_reset), unused)) const int sim_scope = sim_scope_set(false)
#define SIM_LIFE() \
    __attribute__((cleanup(sim_scope_reset), unused)) const int sim_scope = sim_scope_set(true)
void sim_mem_drop(struct cl_list *blocks);

/* ---- sim_world.c: events, death, trace ---- */
struct sim *sim_create(uint64_t seed);
void sim_destroy(struct sim *s);
void sim_at(cl_time when, void (*fn)(void *arg), void *arg);
/** Ends op in the daemon's context; @err may be NULL. */
void sim_done(struct cl_op *op, const struct cl_err *err);
/** Ends the running life now. Does not return. */
void sim_die(enum sim_end why) __attribute__((noreturn));
void sim_trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** A property does not hold: remembers it (the first one) and ends the run soon. */
void sim_violated(const char *property, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool sim_chance(unsigned per_cent);
cl_time sim_between(cl_time lo, cl_time hi);
void sim_external(void);
/** Are random losses on? */
bool sim_lossy(void);

/* ---- the machine as a world sees it ---- */
cl_time sim_wall(void);
void sim_loop_clock_jumped(cl_time delta);
void sim_watch_changed(const char *path, bool gone, bool touched);
void sim_watch_check(void);
void sim_servers_reset(void);

/* ---- sim_proc.c ---- */
struct sim_hook {
    cl_time fails_from, fails_until;
    uint64_t runs, successes;
};
struct sim_hook *sim_hook(const char *name);

#endif
