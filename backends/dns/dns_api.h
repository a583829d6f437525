/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api: the engine of described providers, inside. Private to backends/dns/dns_api_*.c.
 *
 *  dns_api_run_*.c   one dns_zone_op, dns_apply_op or dns_list_op: which steps, in which order
 *  dns_api_exec.c    one step: calls with when, each, paging, polling, expand
 *  dns_api_send.c    one call: session, rate, request, retry
 *  dns_api_answer.c  what an answer means
 *  dns_api_request.c what is sent;  dns_api_sign.c: signatures over it
 *  dns_api_session.c login and logout;  dns_api_limits.c: rates
 *
 * Each layer starts the one below and goes on in its callback; none calls back from within start. */
#ifndef DNS_API_H
#define DNS_API_H

#include "backends/dns/dns_api_desc.h"
#include "backends/dns/dns_described.h"
#include "spec/base/cl_list.h"
#include "spec/base/cl_map.h"
#include "spec/base/cl_rng.h"

struct api_exec;
struct api_run;

enum api_session_state { API_LOGGED_OUT, API_LOGGING_IN, API_LOGGED_IN };
struct api_session {
    enum api_session_state state;
    struct dns_env env; /* session.*; up: the inputs */
    cl_time expires;    /* 0 = not known */
    unsigned generation;
    struct api_exec *exec;  /* login or logout while it runs */
    struct cl_list waiting; /* execs, by their link */
};
struct api_zone {
    json_t *attributes; /* what zone.set says; borrowed by nobody */
    cl_time at;
    long foreign;   /* zonefile: records that are not ours at the last reading; -1 = not read */
    long shrunk_to; /* fewer were read since shrunk_at */
    cl_time shrunk_at;
    struct cl_strv ours; /* zonefile: "FQDN VALUE" that were written and not taken away since */
};
struct api {
    struct dns_provider_head head; /* first */
    struct loop *loop;
    struct http *http;
    struct dns_description *d;
    const struct dns_api *a; /* d->api */
    struct dns_credentials *credentials;
    const struct http_trust *trust;
    struct cl_strv origin_map;
    struct cl_strv origins; /* where requests may go */
    cl_time fixed_now;
    long ttl;
    void (*trace)(void *user, const char *line);
    void *trace_user;
    struct dns_env inputs;  /* cred.* */
    struct cl_strv secrets; /* texts that must not be shown */
    struct api_session session;
    struct cl_map buckets;     /* rate limits, by key */
    struct cl_map zones;       /* name -> struct api_zone */
    struct cl_map uncommitted; /* zones whose commit is due */
    struct cl_list runs;
    struct cl_rng rng;
    bool dying;    /* destroyed while it logs out */
    bool settling; /* somebody runs the loop until the logout is done */
    bool showing;  /* for people: placeholders instead of inputs, nothing is sent */
};
void api_free(struct api *p);
/** The time that descriptions see, and that the program waits by. */
cl_time api_now(const struct api *p);
/** Masks what must not be shown, in place. */
void api_redact(const struct api *p, const struct cl_strv *more, char *text);

/* ---- requests (dns_api_request.c, dns_api_sign.c) ---- */

struct api_request {
    const char *method;
    char *url;
    char **names, **values; /* headers */
    size_t n_headers;
    char *body; /* NULL = none */
    size_t body_len;
    struct cl_strv secrets; /* texts in it that are masked where it is shown */
};
void api_request_deinit(struct api_request *r);
/** Sets a header; replaces one of that name in any case. NULL removes. */
void api_request_header(struct api_request *r, const char *name, const char *value);
const char *api_request_get(const struct api_request *r, const char *name);

/* What a call is rendered with. */
struct api_render {
    const struct api *p;
    const struct dns_env *env;
    const struct dns_call *call;
    bool plain;
    const char *next_url; /* a page's own URL, or NULL */
};
/** An evaluation with the provider's time and randomness; @secrets may be NULL. */
struct dns_eval api_eval(const struct api *p, const struct dns_env *env, struct cl_strv *secrets);
int api_request_render(const struct api_render *in, struct api_request *ret, struct cl_err *err);
/** Adds what `sign` says. @env: with the variables of the call. */
int api_request_sign(const struct api *p, const struct dns_env *env, struct api_request *r,
                     struct cl_err *err);
int api_sign_v4(const struct dns_v4 *d, const struct dns_eval *ev, struct api_request *r,
                struct cl_err *err);
/** One line for people: method, URL, body, with masks. Owned. */
char *api_request_line(const struct api *p, const struct api_request *r);

/* ---- one step (dns_api_exec.c) ---- */

enum api_frame_kind { API_SEQUENCE, API_EACH, API_CALL };
enum api_call_state { CALL_SEND, CALL_EXPAND, CALL_EXPANDED, CALL_PAGE };
struct api_frame {
    enum api_frame_kind kind;
    const struct dns_calls *calls; /* SEQUENCE */
    const struct dns_call *call;   /* EACH, CALL */
    size_t at;
    json_t *list; /* EACH: entries; CALL: ids to expand */
    enum api_call_state state;
    bool inner; /* CALL: fetches one entry for expand */
    json_t *items, *found;
    unsigned pages, tries;
    bool again; /* logged in anew once */
    char *cursor, *next_url;
    cl_time deadline; /* of polling */
};
#define API_FRAMES 16

struct api_exec {
    struct api *p;
    struct dns_env *env;     /* variables are read and set here */
    const char *step;        /* "records.add", for messages */
    const char *zone, *fqdn; /* keys of the limits */
    bool login;              /* part of a login: no session, nothing that `request` adds */
    bool once;               /* creates something: not sent again when an answer was lost */
    void (*done)(struct api_exec *x);
    void *user;
    /* Results. */
    struct cl_err err; /* kind NONE = success */
    bool absent;       /* a call was answered with `absent` */
    bool lost;         /* failed, and what was asked may have been done */
    /* private */
    struct api_frame frames[API_FRAMES];
    size_t depth;
    struct api_request request;
    struct http_op http;
    struct loop_timer timer;
    struct loop_task task;
    struct cl_list link; /* in session.waiting */
    unsigned generation; /* of the session that the request used */
    bool running, sending, cancelled;
};
/** Runs @calls; x->done comes later, once. The caller has set p to user. */
void api_exec_start(struct api_exec *x, const struct dns_calls *calls);
void api_exec_cancel(struct api_exec *x); /* done still comes */
/** Goes on in the next turn of the loop. */
void api_exec_wake(struct api_exec *x);

enum api_step { API_AGAIN, API_WAIT, API_FAILED, API_DONE };
/* dns_api_send.c: gets the call of the top frame going; its answer comes to api_answer. */
enum api_step api_send(struct api_exec *x, struct api_frame *f);
/* dns_api_answer.c: what the finished x->http means for @f. API_DONE: variables are set. */
enum api_step api_answer(struct api_exec *x, struct api_frame *f, const struct cl_err *transport);
/* dns_api_exec.c: goes on after a callback. */
void api_exec_resume(struct api_exec *x, enum api_step how);

/* ---- sessions and limits ---- */

/** API_DONE: there is one (or none is needed); API_WAIT: @x is woken; API_FAILED: x->err. */
enum api_step api_session_need(struct api_exec *x);
/** The session that @generation used was refused. */
void api_session_drop(struct api *p, unsigned generation);
void api_session_idle(struct api *p); /* logs out */
void api_session_deinit(struct api *p);

/** When the next request may go: 0 = now (and it is counted), else the time to ask again. */
cl_time api_limits_take(struct api *p, const char *zone, const char *fqdn, cl_time now);
/** Nothing more before @until. */
void api_limits_block(struct api *p, const char *zone, const char *fqdn, cl_time until);
void api_limits_deinit(struct api *p);

/* ---- runs (dns_api_run.c and its phases) ---- */

struct api_record {
    char *value;  /* plain */
    json_t *item; /* as listed */
    json_t *id;
    const json_t *whole; /* zonefile: the entry of the list; borrowed from target.items */
};
/* One name of an apply. */
struct api_target {
    const struct dns_change *change;
    struct dns_env env;         /* up: the run's */
    struct api_record *records; /* what is there */
    size_t n_records;
    json_t *items; /* as listed */
    bool absent;
    struct cl_strv before; /* foreign values at the first reading, to notice an overwriting */
    struct cl_strv adds, removes; /* what is to be done */
    size_t next_add, next_remove;
};
enum api_run_kind { RUN_ZONE, RUN_APPLY, RUN_LIST };
struct api_run {
    struct api *p;
    struct cl_list link;
    enum api_run_kind kind;
    struct cl_op *op;
    struct dns_env env;
    struct api_exec exec;
    void (*next)(struct api_run *run); /* after the running exec, when it succeeded */
    struct cl_err err;
    /* zone */
    char *fqdn, *soa_zone;
    char *wanted_zone; /* only this one */
    struct cl_strv candidates;
    size_t candidate;
    struct cl_err zone_err; /* what the last candidate said */
    char *zone;             /* result */
    void (*zone_done)(struct api_run *run);
    /* apply */
    struct api_target *targets;
    size_t n_targets, at;
    unsigned rounds; /* of reading and writing */
    bool wrote, verifying;
    json_t *changes;               /* batch */
    struct dns_change list_change; /* list: the name alone */
    struct loop_timer timer;
    bool timing;
};
void api_zone_start(struct dns_provider *provider, struct dns_zone_op *op);
void api_apply_start(struct dns_provider *provider, struct dns_apply_op *op);
void api_list_start(struct dns_provider *provider, struct dns_list_op *op);

struct api_run *api_run_new(struct api *p, enum api_run_kind kind, struct cl_op *op);
/** Starts @calls in @env; then run->next, or the end of the run with the error. */
void api_run_step(struct api_run *run, const char *step, const struct dns_calls *calls,
                  struct dns_env *env, void (*next)(struct api_run *run));
/** The same, but @next is told of failures, too (run->exec.err). */
void api_run_try(struct api_run *run, const char *step, const struct dns_calls *calls,
                 struct dns_env *env, void (*next)(struct api_run *run));
void api_run_end(struct api_run *run, const struct cl_err *err);
/** @next in @delay. */
void api_run_later(struct api_run *run, cl_time delay, void (*next)(struct api_run *run));
/** Finds the zone (run->fqdn, soa_zone, wanted_zone), sets `zone` in run->env, calls @done. */
void api_run_zone(struct api_run *run, void (*done)(struct api_run *run));
/** Sets `name` (fqdn, dot, rel, label) for a name of run->zone. */
void api_env_name(const struct api *p, struct dns_env *env, const char *fqdn, const char *zone);
/** Reads the records of @t out of the answer in t->env (or run->env). */
int api_read_records(struct api_run *run, struct api_target *t, struct cl_err *err);
void api_target_reset(struct api_target *t);
void api_target_deinit(struct api_target *t);
/** Works out t->adds and t->removes. */
void api_plan_target(struct api_run *run, struct api_target *t);
/** The write phases, one for each model; each ends by calling api_apply_written. */
void api_write(struct api_run *run);
void api_apply_written(struct api_run *run);
/** The answer to a write was lost or it was refused because something changed: read again. */
void api_apply_again(struct api_run *run, const struct cl_err *why);
/** zonefile: may this zone be written back? */
int api_zonefile_guard(struct api_run *run, struct cl_err *err);

#endif
