/* SPDX-License-Identifier: Apache-2.0 */
/* gates: one predicate for each reason to wait, and the order in which they are asked. */
#include "reconciler/core/gates.h"

#include "reconciler/core/preflight_due.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_str.h"

#define MISSING_PATIENCE (10 * CL_MINUTE) /* files of one checkout come in any order */
#define CLOCK_AGAIN CL_MINUTE

static bool suspended(const struct gate_input *in, struct gate_hit *hit);
static bool deleted(const struct gate_input *in, struct gate_hit *hit);
static bool output_conflict(const struct gate_input *in, struct gate_hit *hit);
static bool key_kept(const struct gate_input *in, struct gate_hit *hit);
static bool key_compromised(const struct gate_input *in, struct gate_hit *hit);
static bool not_reissued(const struct gate_input *in, struct gate_hit *hit);
static bool unsupported(const struct gate_input *in, struct gate_hit *hit);
static bool invalid_profile(const struct gate_input *in, struct gate_hit *hit);
static bool no_solver(const struct gate_input *in, struct gate_hit *hit);
static bool issuer_missing(const struct gate_input *in, struct gate_hit *hit);
static bool issuer_not_ready(const struct gate_input *in, struct gate_hit *hit);
static bool stalled(const struct gate_input *in, struct gate_hit *hit);
static bool rate_limited(const struct gate_input *in, struct gate_hit *hit);
static bool preflight_failed(const struct gate_input *in, struct gate_hit *hit);
static bool backoff(const struct gate_input *in, struct gate_hit *hit);
static bool issuer_held(const struct gate_input *in, struct gate_hit *hit);
static bool clock_behind(const struct gate_input *in, struct gate_hit *hit);
static bool no_token(const struct gate_input *in, struct gate_hit *hit);
static bool outside_window(const struct gate_input *in, struct gate_hit *hit);
static bool no_slot(const struct gate_input *in, struct gate_hit *hit);

const struct gate GATES[] = {
    {REASON_SUSPENDED, false, suspended},
    {REASON_DELETED, false, deleted},
    {REASON_OUTPUT_CONFLICT, false, output_conflict},
    {REASON_CANNOT_REGENERATE_KEY, false, key_kept},
    {REASON_NOT_REISSUED, false, not_reissued},
    {REASON_KEY_COMPROMISED, false, key_compromised},
    {REASON_UNSUPPORTED_BY_ISSUER, false, unsupported},
    {REASON_INVALID_PROFILE, false, invalid_profile},
    {REASON_NO_SOLVER, false, no_solver},
    {REASON_ISSUER_NOT_FOUND, false, issuer_missing},
    {REASON_ISSUER_NOT_READY, true, issuer_not_ready},
    {REASON_STALLED, false, stalled},
    {REASON_RATE_LIMITED, false, rate_limited},
    {REASON_PREFLIGHT_FAILED, false, preflight_failed},
    {REASON_BACKOFF, false, backoff},
    {REASON_RATE_LIMITED, false, issuer_held},
    {REASON_CLOCK_UNSYNCHRONISED, false, clock_behind},
    {REASON_RATE_LIMITED, false, no_token},
    {REASON_WAITING_FOR_WINDOW, false, outside_window},
    {REASON_WAITING_FOR_SLOT, true, no_slot},
};
const size_t GATES_LEN = sizeof(GATES) / sizeof(GATES[0]);

const struct gate *gates_first(const struct gate_input *in, struct gate_hit *hit)
{
    for (size_t i = 0; i < GATES_LEN; i++) {
        *hit = (struct gate_hit){
            .reason = GATES[i].reason, .until = CL_NEVER, .stalled_from = CL_NEVER};
        if (GATES[i].closed(in, hit)) {
            return &GATES[i];
        }
    }
    return NULL;
}

/* "... at T" or what else will happen; buf belongs to the caller. */
static const char *at(cl_time when, char buf[CL_TIME_TEXT])
{
    return when == CL_NEVER ? "when something changes" : cl_time_format(when, buf);
}

static const char *issuer_name(const struct gate_input *in)
{
    return cl_str_or(in->f->issuer_name, cl_str_or(in->o->cert->issuer_ref.name, "(none)"));
}

#define say(hit, ...) ((void)cl_format((hit)->message, sizeof((hit)->message), __VA_ARGS__))

static bool suspended(const struct gate_input *in, struct gate_hit *hit)
{
    bool by_config = in->f->suspend == SUSPEND_ISSUE || in->f->suspend == SUSPEND_ALL;
    if (!by_config && !in->o->cert->suspend) {
        return false;
    }
    say(hit, "no certificate is obtained while %s",
        by_config ? "spec.suspend of the Configuration says so" : "spec.suspend is true");
    return true;
}

static bool deleted(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->deleted_at == 0) {
        return false;
    }
    char when[CL_TIME_TEXT];
    say(hit, "the spec was removed; the object ends at %s", at(in->f->grace_end, when));
    return true;
}

static bool output_conflict(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->conflict == NULL) {
        return false;
    }
    hit->stalled_from = 0;
    say(hit, "%s", in->f->conflict);
    return true;
}

/* rotationPolicy Never keeps the key, so a key of another kind can never come by itself. */
static bool key_kept(const struct gate_input *in, struct gate_hit *hit)
{
    const struct private_key_spec *key = &in->o->cert->private_key;
    if (in->trigger != REASON_SECRET_MISMATCH || key->rotation_policy != ROTATE_NEVER) {
        return false;
    }
    hit->stalled_from = 0;
    say(hit,
        "privateKey.rotationPolicy is Never, but the key in use is not %s %ld; set "
        "rotationPolicy: Always, or ask for the key that is there",
        key_algorithm_name(key->algorithm), key->size);
    return true;
}

/* The wish of who revoked it, until a renewal is asked for. */
static bool not_reissued(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->trigger != REASON_REVOKED || !in->f->manifest->no_reissue ||
        in->f->renew_requested != 0) {
        return false;
    }
    say(hit, "revoked with --no-reissue; certloop renew %s asks for another certificate",
        in->o->metadata.name);
    return true;
}

/* A CA blocks such a key, and rightly so. */
static bool key_compromised(const struct gate_input *in, struct gate_hit *hit)
{
    if (!in->f->key_compromised || in->o->cert->private_key.rotation_policy != ROTATE_NEVER) {
        return false;
    }
    hit->stalled_from = 0;
    say(hit, "privateKey.rotationPolicy is Never, but the key was revoked for keyCompromise and is "
             "never used again; set rotationPolicy: Always");
    return true;
}

static bool unsupported(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->issuer_problem == NULL) {
        return false;
    }
    hit->stalled_from = 0;
    say(hit, "Issuer %s cannot sign this spec: %s", issuer_name(in), in->f->issuer_problem);
    return true;
}

static bool invalid_profile(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->profile_problem == NULL) {
        return false;
    }
    hit->stalled_from = 0;
    say(hit, "%s", in->f->profile_problem);
    return true;
}

static bool no_solver(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->no_solver == NULL) {
        return false;
    }
    hit->stalled_from = 0;
    say(hit, "no solver of this Certificate or of Issuer %s fits %s", issuer_name(in),
        in->f->no_solver);
    return true;
}

static bool issuer_missing(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->issuer_exists) {
        return false;
    }
    cl_time since = in->f->issuer_missing_since > 0 ? in->f->issuer_missing_since : in->now;
    hit->stalled_from = since + MISSING_PATIENCE;
    if (hit->stalled_from > in->now) {
        hit->until = hit->stalled_from;
    }
    say(hit, "there is no %s named %s; it is used as soon as its file is there",
        cl_str_or(in->o->cert->issuer_ref.kind, "Issuer"), issuer_name(in));
    return true;
}

static bool issuer_not_ready(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->issuer_ready) {
        return false;
    }
    say(hit, "Waiting for Issuer %s%s%s", issuer_name(in),
        cl_str_empty(in->f->issuer_message) ? "" : ": ", cl_str_or(in->f->issuer_message, ""));
    return true;
}

/* What the last failure left behind. A request made after the failure lifts it, unless the CA named
 * the time: its limits do not change by our asking. */
bool gates_held(const struct hold_view *h, cl_time renew_requested, cl_time now)
{
    if (h->kind == CL_ERR_NONE || h->inputs_changed || h->not_before <= now) {
        return false;
    }
    bool by_ca = h->kind == CL_ERR_RATE_LIMITED || h->kind == CL_ERR_BUSY;
    return by_ca || renew_requested <= h->last_failure;
}

static bool held(const struct gate_input *in)
{
    return gates_held(&in->f->hold, in->f->renew_requested, in->now);
}

static bool stalled(const struct gate_input *in, struct gate_hit *hit)
{
    const struct hold_view *h = &in->f->hold;
    if (!held(in) || (h->kind != CL_ERR_PERMANENT && h->not_before != CL_NEVER)) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = h->not_before;
    hit->stalled_from = 0;
    say(hit, "%s: %s; change the spec, its Issuer or its secrets; tried again %s%s",
        cl_str_or(h->reason, "Failed"), cl_str_or(h->message, "no details"),
        h->not_before == CL_NEVER ? "" : "at ", at(h->not_before, when));
    return true;
}

static bool rate_limited(const struct gate_input *in, struct gate_hit *hit)
{
    const struct hold_view *h = &in->f->hold;
    if (!held(in) || (h->kind != CL_ERR_RATE_LIMITED && h->kind != CL_ERR_BUSY)) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = h->not_before;
    say(hit, "Issuer %s allows no request before %s: %s", issuer_name(in), at(hit->until, when),
        cl_str_or(h->message, "no details"));
    return true;
}

/* The CA has not been asked, and is not before this is mended. */
static bool preflight_failed(const struct gate_input *in, struct gate_hit *hit)
{
    const struct hold_view *h = &in->f->hold;
    if (!held(in) || !cl_streq(h->reason, PREFLIGHT_FAILED)) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = h->not_before;
    say(hit, "Preflight failed, the CA was not asked: %s; looked at again at %s",
        cl_str_or(h->message, "no details"), at(hit->until, when));
    return true;
}

static bool backoff(const struct gate_input *in, struct gate_hit *hit)
{
    const struct hold_view *h = &in->f->hold;
    if (!held(in)) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = h->not_before;
    say(hit, "Attempt %u failed (%s): %s; attempt %u at %s", h->failures,
        cl_str_or(h->reason, "Failed"), cl_str_or(h->message, "no details"), h->failures + 1,
        at(hit->until, when));
    return true;
}

static bool issuer_held(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->issuer_hold_until <= in->now) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = in->f->issuer_hold_until;
    say(hit, "Issuer %s is held until %s: %s", issuer_name(in), at(hit->until, when),
        cl_str_or(in->f->issuer_hold_reason, "the CA asks to wait"));
    return true;
}

static bool clock_behind(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->now >= in->f->clock_floor) {
        return false;
    }
    char now[CL_TIME_TEXT], floor[CL_TIME_TEXT];
    hit->until = in->now + CLOCK_AGAIN;
    say(hit, "the clock says %s, but it is past %s; certificates obtained now could not be used",
        cl_time_format(in->now, now), cl_time_format(in->f->clock_floor, floor));
    return true;
}

static bool no_token(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->ledger_until <= in->now) {
        return false;
    }
    hit->until = in->f->ledger_until;
    say(hit, "Held by a limit of Issuer %s: %s", issuer_name(in),
        cl_str_or(in->f->ledger_message, "no details"));
    return true;
}

/* For renewals by time and by the CA's window alone: nobody waits for what is missing, changed, asked
 * for or urgent. Not past the margin before the end either (plan.c says so then). */
static bool outside_window(const struct gate_input *in, struct gate_hit *hit)
{
    cl_time opens = in->f->window_opens;
    if (in->trigger != REASON_RENEWING || opens == 0 ||
        opens > renewal_window_deadline(&in->f->manifest->cert)) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = opens;
    say(hit, "renewal waits for one of spec.renewal.windows; the next opens at %s",
        cl_time_format(opens, when));
    return true;
}

static bool no_slot(const struct gate_input *in, struct gate_hit *hit)
{
    if (in->f->slot_free) {
        return false;
    }
    char when[CL_TIME_TEXT];
    hit->until = in->f->slot_forecast;
    if (hit->until == CL_NEVER) {
        say(hit, "in line for Issuer %s: maxOrders orders are open", issuer_name(in));
    } else {
        say(hit, "in line for Issuer %s: maxOrders orders are open; turn expected at %s",
            issuer_name(in), cl_time_format(hit->until, when));
    }
    return true;
}
