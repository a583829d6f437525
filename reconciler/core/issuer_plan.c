/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_plan: preparation of an Issuer, step by step: credentials, directory, account or root. */
#include "reconciler/core/issuer_plan.h"

#include "reconciler/core/ca_conditions.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#define DIRECTORY_AGE CL_DAY

/* One row for each step: is it due, not asking about holds? First due row wins. */
static bool load_due(const struct issuer_facts *f, cl_time now)
{
    (void)now;
    return f->credentials == CREDENTIALS_UNKNOWN || f->credentials == CREDENTIALS_MISSING;
}

static bool make_ca_due(const struct issuer_facts *f, cl_time now)
{
    (void)now;
    return f->credentials == CREDENTIALS_TO_MAKE && !f->needs_account;
}

static bool directory_due(const struct issuer_facts *f, cl_time now)
{
    return f->needs_directory && (f->directory_at == 0 || now >= f->directory_at + DIRECTORY_AGE);
}

/* Before the account: until it has ended nobody knows which key the CA takes. */
static bool rollover_due(const struct issuer_facts *f, cl_time now)
{
    (void)now;
    return f->rollover_due && f->credentials == CREDENTIALS_OK;
}

static bool account_due(const struct issuer_facts *f, cl_time now)
{
    (void)now;
    return f->needs_account && !f->account_ok;
}

static const struct {
    enum issuer_step step;
    bool (*due)(const struct issuer_facts *f, cl_time now);
} STEPS[] = {
    {ISSUER_STEP_LOAD_CREDENTIALS, load_due}, {ISSUER_STEP_MAKE_CA, make_ca_due},
    {ISSUER_STEP_DIRECTORY, directory_due},   {ISSUER_STEP_ROLLOVER, rollover_due},
    {ISSUER_STEP_ACCOUNT, account_due},
};

static enum issuer_step first_due(const struct issuer_facts *f, cl_time now)
{
    for (size_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++) {
        if (STEPS[i].due(f, now)) {
            return STEPS[i].step;
        }
    }
    return ISSUER_STEP_NONE;
}

/* A stale directory is refreshed, but is no reason to stop issuing. */
static bool prepared(const struct issuer_facts *f)
{
    return f->credentials == CREDENTIALS_OK && (!f->needs_directory || f->directory_at != 0) &&
           (!f->needs_account || f->account_ok);
}

static cl_time root_expiring_at(const struct issuer_facts *f)
{
    if (f->expires == 0 || f->valid_from == 0) {
        return CL_NEVER;
    }
    return f->expires - (f->expires - f->valid_from) / 3;
}

#define say(v, ...) ((void)cl_format((v)->message, sizeof((v)->message), __VA_ARGS__))

static void ready_true(const struct issuer_input *in, cl_time now, struct verdict *v)
{
    static const struct {
        enum reason reason;
        const char *text;
    } BY_TYPE[] = {
        [ISSUER_NONE] = {REASON_IS_READY, "The issuer is ready"},
        [ISSUER_ACME] = {REASON_ACME_ACCOUNT_REGISTERED, "The ACME account is registered"},
        [ISSUER_CA] = {REASON_KEY_PAIR_VERIFIED, "The CA's key and certificate are usable"},
        [ISSUER_SELF_SIGNED] = {REASON_IS_READY, "Certificates sign themselves"},
    };
    enum issuer_type type = in->o->issuer->type;
    char when[CL_TIME_TEXT];

    v->status = STATUS_TRUE;
    v->reason = BY_TYPE[type].reason;
    say(v, "%s", BY_TYPE[type].text);
    if (now >= root_expiring_at(in->f)) {
        v->reason = REASON_ROOT_EXPIRING;
        say(v, "The CA certificate expires at %s and no certificate outlives it; replace it soon",
            cl_time_format(in->f->expires, when));
    }
}

static void ready_false(const struct issuer_input *in, cl_time now, struct verdict *v)
{
    const struct issuer_facts *f = in->f;
    char when[CL_TIME_TEXT];

    v->status = STATUS_FALSE;
    if (f->hold_until > now) {
        v->reason = REASON_RATE_LIMITED;
        say(v, "no request before %s: %s", cl_time_format(f->hold_until, when),
            cl_str_or(f->hold_reason, "the CA asks to wait"));
    } else if (in->hold.kind != CL_ERR_NONE && in->hold.not_before > now) {
        v->reason = REASON_ISSUER_FAILED;
        say(v, "%s: %s; tried again %s%s", cl_str_or(in->hold.reason, "Failed"),
            cl_str_or(in->hold.message, "no details"), in->hold.not_before == CL_NEVER ? "" : "at ",
            in->hold.not_before == CL_NEVER ? "when something changes"
                                            : cl_time_format(in->hold.not_before, when));
    } else if (f->problem.kind != CL_ERR_NONE) {
        v->reason = REASON_ISSUER_FAILED;
        say(v, "%s: %s", cl_str_or(f->problem.reason, "Failed"), f->problem.text);
    } else {
        v->status = STATUS_UNKNOWN;
        v->reason = REASON_PENDING;
        say(v, "The issuer is being prepared");
    }
}

static void ready_decide_issuer(const struct issuer_input *in, cl_time now, struct verdict *v)
{
    char when[CL_TIME_TEXT];

    if (prepared(in->f) && in->f->expires != 0 && now >= in->f->expires) {
        v->status = STATUS_FALSE;
        v->reason = REASON_EXPIRED;
        say(v, "The CA certificate expired at %s; replace it",
            cl_time_format(in->f->expires, when));
    } else if (prepared(in->f)) {
        ready_true(in, now, v);
    } else {
        ready_false(in, now, v);
    }
}

static void wake(struct issuer_plan *ret, cl_time when, enum reason reason, cl_time now)
{
    if (when > now && when < ret->next_at) {
        ret->next_at = when;
        ret->next_reason = reason;
    }
}

void issuer_plan_next(const struct issuer_input *in, cl_time now, struct issuer_plan *ret)
{
    const struct issuer_facts *f = in->f;
    const struct hold_view *h = &in->hold;

    *ret = (struct issuer_plan){.next_at = CL_NEVER};
    enum issuer_step due = first_due(f, now);
    bool held = h->kind != CL_ERR_NONE && !h->inputs_changed && h->not_before > now;
    /* The CA's own hold concerns what goes over the wire. */
    bool by_ca = (due == ISSUER_STEP_DIRECTORY || due == ISSUER_STEP_ACCOUNT ||
                  due == ISSUER_STEP_ROLLOVER) &&
                 f->hold_until > now;
    if (!in->running && !held && !by_ca) {
        ret->step = due;
    }
    ready_decide_issuer(in, now, &ret->ready);

    ca_conditions(h, now, ret->conditions);
    ca_clock_skew(f->skew, &ret->conditions[CONDITION_CLOCK_SKEW]);
    bool hopeless = held && (h->kind == CL_ERR_PERMANENT || h->not_before == CL_NEVER);
    if (hopeless && ret->ready.status != STATUS_TRUE && !in->running) {
        ret->stalled = ret->ready;
        ret->stalled.status = STATUS_TRUE;
        ret->stalled.reason = REASON_STALLED;
        ret->next_reason = REASON_SPEC_CHANGE;
    }
    if (due != ISSUER_STEP_NONE && held) {
        wake(ret, h->not_before, REASON_BACKOFF, now);
    }
    if (due != ISSUER_STEP_NONE && by_ca) {
        wake(ret, f->hold_until, REASON_RATE_LIMITED, now);
    }
    if (f->needs_directory && f->directory_at != 0) {
        wake(ret, f->directory_at + DIRECTORY_AGE, REASON_RENEWAL, now);
    }
    wake(ret, root_expiring_at(f), REASON_ROOT_EXPIRING, now);
    if (f->expires != 0) {
        wake(ret, f->expires, REASON_EXPIRY, now);
    }
}

static const char *const STEP_NAMES[ISSUER_STEP_COUNT] = {
#define X(symbol, name, doc) [ISSUER_STEP_##symbol] = name,
    ISSUER_STEPS(X)
#undef X
};

const char *issuer_step_name(enum issuer_step s)
{
    cl_assert(s < ISSUER_STEP_COUNT);
    return STEP_NAMES[s];
}
