/* SPDX-License-Identifier: Apache-2.0 */
/* failover: which of the Issuers that a Certificate names is asked now, and when is the standby put
 * into use? Pure.
 *
 * The first Issuer is asked whenever it may be. A fallback is asked only while all of this holds:
 * it is urgent (no certificate that answers the spec, or less than a sixth of its lifetime left);
 * the first one cannot be asked now because of its own trouble; that has lasted for an hour (or a
 * sixth of the lifetime, if that is less) and, where it could be asked at all, for two attempts. */
#ifndef FAILOVER_H
#define FAILOVER_H

#include "reconciler/core/facts.h"
#include "reconciler/core/plan.h"

/* Failures that count, of one certificate with one fallback in a day: one broken name does not use
 * up the patience of every CA. */
#define FAILOVER_BUDGET 3
#define FAILOVER_DAY CL_DAY

/* One Issuer, as seen from one Certificate. */
struct issuer_view {
    const char *name;
    bool exists, ready;
    const char *message;     /* why it is not ready */
    cl_time hold_until;      /* the whole CA waits; 0 = no */
    const char *hold_reason; /* ... why */
    const char *problem;     /* why it can never sign the spec; NULL = it can */
    struct hold_view hold;   /* of this Certificate with it */
    unsigned failures;       /* fallbacks: that count, in the day since day_start */
    cl_time day_start;
};
struct failover_input {
    const struct object *o;
    const struct facts *f;             /* archive and wishes; trouble_since */
    const struct issuer_view *issuers; /* the first Issuer, then the fallbacks in their order */
    size_t len;
    unsigned attempts; /* that failed at the first Issuer since trouble_since */
};
struct failover {
    size_t chosen;
    char message[PLAN_TEXT]; /* why, if it is not the first; "" otherwise */
    cl_time look_at;         /* the choice may be another one then; 0 = not by time alone */
};
void failover_choose(const struct failover_input *in, cl_time now, struct failover *ret);
/** What keeps the Issuer from being asked now, for people: @ret_text is "" if nothing does. Returns
 *  when it may be asked by time alone (now = nothing keeps it, CL_NEVER = only a change helps). */
cl_time failover_blocked(const struct issuer_view *v, cl_time renew_requested, cl_time now,
                         char ret_text[PLAN_TEXT]);

/** From when on it is urgent to have a certificate (0 = it is already, CL_NEVER = never by time).
 *  Uses what @f says of the archive. */
cl_time failover_urgent_at(const struct object *o, const struct facts *f, cl_time now);
/** Is the standby put into use now? */
bool failover_switches(const struct object *o, const struct facts *f, cl_time now);
/** Is a certificate of the Issuer @name welcome: of the first, a fallback, or the standby's? */
bool failover_names(const struct cert_spec *spec, const char *name);
/** Is @m the standby, put into use? */
bool failover_on_standby(const struct cert_spec *spec, const struct manifest *m);

/* ---- rehearsal ---- */
#define REHEARSAL_PATIENCE 3 /* rehearsals in a row that failed without telling anything */

struct rehearsal_view {
    bool possible;     /* the Issuer names one that exists, is ready and can sign the spec */
    cl_time passed_at; /* the last one that succeeded; 0 = none */
    unsigned stuck;    /* in a row, ended by something else than a failed validation */
};
/** After a failed validation (@h, of the Issuer that would be asked) the next attempt is a
 *  rehearsal, until one has succeeded or the rehearsals themselves do not work. */
bool failover_rehearses(const struct rehearsal_view *r, const struct hold_view *h);

#endif
