/* SPDX-License-Identifier: Apache-2.0 */
/* failover: urgent? in trouble for long enough? then the first fallback that may be asked. */
#include "reconciler/core/failover.h"

#include "reconciler/core/checks.h"
#include "reconciler/core/gates.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define PATIENCE CL_HOUR
#define SHARE \
    6 /* of the lifetime: what is left when it is urgent, and how long one waits at most */
#define ATTEMPTS 2

bool failover_names(const struct cert_spec *spec, const char *name)
{
    bool named = cl_streq(spec->issuer_ref.name, name) || cl_streq(spec->standby.name, name);
    for (size_t i = 0; !named && i < spec->fallback_issuers.len; i++) {
        named = cl_streq(spec->fallback_issuers.items[i].name, name);
    }
    return named;
}

bool failover_on_standby(const struct cert_spec *spec, const struct manifest *m)
{
    return spec->standby.name != NULL && cl_streq(spec->standby.name, m->issuer_name) &&
           cl_streq(m->trigger, reason_token(REASON_STANDBY_IN_USE));
}

/* ---- urgency ---- */

static bool whole(const struct facts *f)
{
    return f->revision_state == REVISION_OK && f->manifest != NULL;
}

/* Is there a certificate for this generation? Who issued it does not make it less usable. */
static bool answers(const struct object *o, const struct facts *f, cl_time now)
{
    struct check_input in = {.o = o, .f = f, .now = now};
    char ignored[PLAN_TEXT];

    for (size_t i = 0; i < CHECKS_LEN; i++) {
        if (CHECKS[i].breaks_ready && CHECKS[i].reason != REASON_INCORRECT_ISSUER &&
            CHECKS[i].fires(&in, ignored, sizeof(ignored))) {
            return false;
        }
    }
    return true;
}

cl_time failover_urgent_at(const struct object *o, const struct facts *f, cl_time now)
{
    if (!answers(o, f, now)) {
        return 0;
    }
    const struct cert_facts *cert = &f->manifest->cert;
    cl_time renewal = renewal_instant(o->cert, cert, 0);
    if (renewal == CL_NEVER) {
        return CL_NEVER;
    }
    /* who renews late wants to be late: half of that reserve is left to the first Issuer */
    cl_time share =
        cl_time_min((cert->not_after - cert->not_before) / SHARE, (cert->not_after - renewal) / 2);
    cl_time at = cert->not_after - share;
    return now >= at ? 0 : at;
}

static cl_time patience(const struct facts *f)
{
    cl_time lifetime = whole(f) ? f->manifest->cert.not_after - f->manifest->cert.not_before : 0;
    return lifetime > 0 ? cl_time_min(PATIENCE, lifetime / SHARE) : PATIENCE;
}

/* ---- who may be asked ---- */

#define say(...) ((void)cl_format(ret_text, PLAN_TEXT, __VA_ARGS__))

cl_time failover_blocked(const struct issuer_view *v, cl_time renew_requested, cl_time now,
                         char ret_text[PLAN_TEXT])
{
    char when[CL_TIME_TEXT];

    if (!v->exists) {
        say("there is no such Issuer");
        return CL_NEVER;
    }
    if (v->problem != NULL) {
        say("it cannot sign this spec: %s", v->problem);
        return CL_NEVER;
    }
    if (!v->ready) {
        say("it is not ready%s%s", cl_str_empty(v->message) ? "" : ": ", cl_str_or(v->message, ""));
        return CL_NEVER;
    }
    if (v->hold_until > now) {
        say("it is held until %s: %s", cl_time_format(v->hold_until, when),
            cl_str_or(v->hold_reason, "the CA asks to wait"));
        return v->hold_until;
    }
    if (gates_held(&v->hold, renew_requested, now)) {
        say("%s: %s; next attempt %s%s", cl_str_or(v->hold.reason, "Failed"),
            cl_str_or(v->hold.message, "no details"), v->hold.not_before == CL_NEVER ? "" : "at ",
            v->hold.not_before == CL_NEVER ? "when something changes"
                                           : cl_time_format(v->hold.not_before, when));
        return v->hold.not_before;
    }
    if (v->failures >= FAILOVER_BUDGET && now < v->day_start + FAILOVER_DAY) {
        say("%u attempts failed there within a day; next attempt at %s", v->failures,
            cl_time_format(v->day_start + FAILOVER_DAY, when));
        return v->day_start + FAILOVER_DAY;
    }
    ret_text[0] = '\0';
    return now;
}

/* May it be another CA's turn when the first one failed like this? What went wrong on this side
 * would go wrong there, too. */
static bool fault_of_ca(enum cl_err_kind kind)
{
    switch (kind) {
    case CL_ERR_TRANSIENT:
    case CL_ERR_BUSY:
    case CL_ERR_RATE_LIMITED:
    case CL_ERR_VALIDATION:
    case CL_ERR_PERMANENT:
    case CL_ERR_BAD_RESULT:
        return true;
    case CL_ERR_NONE:
    case CL_ERR_LOCAL:
    case CL_ERR_SPEC:
    case CL_ERR_CANCELLED:
    case CL_ERR_INTERNAL:
    case CL_ERR_KINDS:
        break;
    }
    return false;
}

/* A CA that named a time, or refused for good, is not asked twice to be believed. */
static bool one_attempt_is_enough(enum cl_err_kind kind)
{
    return kind == CL_ERR_BUSY || kind == CL_ERR_RATE_LIMITED || kind == CL_ERR_PERMANENT;
}

/* When the first Issuer has been in trouble for long enough; CL_NEVER = it is not in any. */
static cl_time given_up_at(const struct failover_input *in, cl_time now)
{
    const struct issuer_view *first = &in->issuers[0];
    cl_time since = in->f->trouble_since;
    bool by_hold = first->exists && first->ready && first->hold_until <= now;

    if (first->exists && first->problem != NULL) {
        return CL_NEVER; /* only a change of the spec helps */
    }
    bool ours = by_hold && !fault_of_ca(first->hold.kind);
    bool early = by_hold && in->attempts < ATTEMPTS && !one_attempt_is_enough(first->hold.kind);
    return since == 0 || ours || early ? CL_NEVER : cl_time_add(since, patience(in->f));
}

static void choose_fallback(const struct failover_input *in, const char *why, cl_time now,
                            struct failover *ret)
{
    char text[PLAN_TEXT];

    for (size_t i = 1; i < in->len; i++) {
        cl_time when = failover_blocked(&in->issuers[i], in->f->renew_requested, now, text);
        if (when <= now) {
            ret->chosen = i;
            ret->look_at = 0;
            (void)cl_format(ret->message, sizeof(ret->message),
                            "asked of fallback Issuer %s, because Issuer %s cannot be asked: %s",
                            in->issuers[i].name, in->issuers[0].name, why);
            return;
        }
        if (when != CL_NEVER && (ret->look_at == 0 || when < ret->look_at)) {
            ret->look_at = when;
        }
    }
}

void failover_choose(const struct failover_input *in, cl_time now, struct failover *ret)
{
    char why[PLAN_TEXT];

    *ret = (struct failover){0};
    if (failover_blocked(&in->issuers[0], in->f->renew_requested, now, why) <= now) {
        return;
    }
    cl_time urgent_at = failover_urgent_at(in->o, in->f, now);
    cl_time at = given_up_at(in, now);
    at = urgent_at == CL_NEVER || at == CL_NEVER ? CL_NEVER : cl_time_max(at, urgent_at);
    if (at > now) {
        ret->look_at = at == CL_NEVER ? 0 : at;
        return;
    }
    choose_fallback(in, why, now, ret);
}

/* ---- the standby ---- */

/* By a person, or by the CA, which says so with a window that is over (RFC 9773 4.2). */
static bool revoked(const struct facts *f)
{
    return whole(f) && (f->ari_urgent || f->manifest->revoked_at != 0);
}

/* It is another certificate than the one in use, and a better one. */
static bool better(const struct object *o, const struct facts *f)
{
    if (!whole(f)) {
        return true;
    }
    return f->standby_not_after > f->manifest->cert.not_after ||
           (revoked(f) && !failover_on_standby(o->cert, f->manifest));
}

bool failover_switches(const struct object *o, const struct facts *f, cl_time now)
{
    bool stopped = o->cert->suspend || f->suspend == SUSPEND_ISSUE || f->suspend == SUSPEND_ALL ||
                   f->deleted_at != 0 || f->conflict != NULL;
    if (!f->standby_ready || stopped || f->standby_not_after <= now || !better(o, f)) {
        return false;
    }
    if (revoked(f)) {
        return true;
    }
    return f->trouble_since != 0 && now >= cl_time_add(f->trouble_since, patience(f)) &&
           failover_urgent_at(o, f, now) == 0;
}

/* ---- rehearsal ---- */

bool failover_rehearses(const struct rehearsal_view *r, const struct hold_view *h)
{
    return r->possible && h->kind == CL_ERR_VALIDATION && r->passed_at < h->last_failure &&
           r->stuck < REHEARSAL_PATIENCE;
}
