/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_choice: gathering for core/failover, and remembering what came of it. */
#include "reconciler/issuer_choice.h"

#include "reconciler/core/backoff.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_check.h"

#include <string.h>

struct seen_issuer { /* texts behind a view */
    char message[320], problem[320], hold_reason[CL_ERR_REASON];
};
struct issuer_choice {
    size_t len;
    struct issuer_view *views;
    struct seen_issuer *texts;
    struct failover out;
    char rehearsal[PLAN_TEXT];
};

void issuer_choice_destroy(struct issuer_choice *c)
{
    if (c != NULL) {
        cl_free(c->views);
        cl_free(c->texts);
        cl_free(c);
    }
}

/* ---- whom ---- */

/* The @n-th of the spec: 0 is spec.issuerRef. */
static const struct issuer_ref *nth(const struct cert_spec *spec, size_t n)
{
    return n == 0 || n > spec->fallback_issuers.len ? &spec->issuer_ref
                                                    : &spec->fallback_issuers.items[n - 1];
}

const struct issuer_ref *issuer_choice_ref(const struct unit *u)
{
    return nth(u->w->object->cert, u->choice);
}

/* The rehearsal that the chosen Issuer asks for; NULL if it asks for none, or it is not there. */
static const struct issuer_ref *rehearsal(const struct unit *u)
{
    const struct unit *issuer = unit_issuer_of(u, issuer_choice_ref(u));
    if (issuer == NULL || issuer->instance == NULL || issuer->instance->ops->type != ISSUER_ACME) {
        return NULL;
    }
    const struct issuer_ref *ref = &issuer->instance->object->issuer->acme.rehearse_with;
    const struct unit *other = unit_issuer_of(u, ref);
    return other == NULL || other == issuer ? NULL : ref;
}

const struct issuer_ref *issuer_choice_asked(const struct unit *u)
{
    const struct issuer_ref *ref = u->rehearsing ? rehearsal(u) : NULL;
    return ref != NULL ? ref : issuer_choice_ref(u);
}

struct memory_hold *issuer_choice_hold(struct unit *u)
{
    struct memory *m = &u->w->memory;
    return u->choice == 0 || u->is_issuer ? &m->hold
                                          : &memory_issuer(m, issuer_choice_ref(u)->name)->hold;
}

char *issuer_choice_store_key(const struct unit *u)
{
    if (u->rehearsing) {
        return cl_printf("%s/rehearsal", u->key);
    }
    return u->choice == 0 ? cl_strdup(u->key)
                          : cl_printf("%s/at-%s", u->key, issuer_choice_ref(u)->name);
}

/* ---- what is known of each ---- */

static void view_hold(struct unit *u, size_t n, struct issuer_view *v)
{
    unsigned before = u->choice;
    u->choice = (unsigned)n;
    observe_failure(u, &v->hold);
    if (n > 0) {
        const struct memory_issuer *rec = memory_issuer(&u->w->memory, v->name);
        v->failures = rec->failures;
        v->day_start = rec->day_start;
    }
    u->choice = before;
}

static void view_issuer(struct unit *u, size_t n, struct issuer_view *v, struct seen_issuer *texts)
{
    const struct issuer_ref *ref = nth(u->w->object->cert, n);
    struct unit *issuer = unit_issuer_of(u, ref);
    struct issuer_facts info = {0};

    *v = (struct issuer_view){.name = cl_str_or(ref->name, ""), .exists = issuer != NULL};
    *texts = (struct seen_issuer){0};
    if (issuer == NULL) {
        return;
    }
    issuer_unit_facts(issuer, &info);
    v->ready = issuer_unit_ready(issuer);
    v->hold_until = info.hold_until;
    (void)cl_format(texts->hold_reason, sizeof(texts->hold_reason), "%s", info.hold_reason);
    v->hold_reason = texts->hold_reason;
    (void)cl_format(texts->message, sizeof(texts->message), "%s",
                    info.problem.kind != CL_ERR_NONE ? info.problem.text : "");
    v->message = texts->message;
    if (observe_issuer_problem(u, issuer, texts->problem, sizeof(texts->problem))) {
        v->problem = texts->problem;
    }
    view_hold(u, n, v);
}

/* The first Issuer is missing, not ready or held as a whole: since when? */
static cl_time issuer_trouble(struct unit *u, cl_time now)
{
    struct unit *issuer = unit_issuer_of(u, nth(u->w->object->cert, 0));
    if (issuer != NULL) {
        return issuer_unit_trouble(issuer, now);
    }
    u->missing_since = u->missing_since == 0 ? now : u->missing_since;
    return u->missing_since;
}

static cl_time trouble_since(struct unit *u, const struct hold_view *hold, cl_time now)
{
    const struct memory *m = &u->w->memory;
    cl_time since = hold->kind != CL_ERR_NONE && !hold->inputs_changed ? m->trouble_since : 0;
    cl_time its = issuer_trouble(u, now);
    return since == 0 || (its != 0 && its < since) ? its : since;
}

static struct issuer_choice *choice_of(struct unit *u)
{
    size_t len = u->w->object->cert->fallback_issuers.len + 1;
    struct issuer_choice *c = u->w->choice;

    if (c == NULL || c->len != len) {
        issuer_choice_destroy(c);
        c = cl_new(struct issuer_choice);
        c->len = len;
        c->views = cl_calloc(len, sizeof(*c->views));
        c->texts = cl_calloc(len, sizeof(*c->texts));
        u->w->choice = c;
    }
    return c;
}

/* ---- the choice ---- */

static void choose(struct unit *u, cl_time now, struct observation *seen)
{
    struct issuer_choice *c = choice_of(u);
    struct failover_input in = {.o = u->w->object,
                                .f = &seen->facts,
                                .issuers = c->views,
                                .len = c->len,
                                .attempts = u->w->memory.trouble_attempts};

    for (size_t i = 0; i < c->len; i++) {
        view_issuer(u, i, &c->views[i], &c->texts[i]);
    }
    seen->facts.trouble_since = trouble_since(u, &c->views[0].hold, now);
    failover_choose(&in, now, &c->out);
    u->choice = (unsigned)c->out.chosen;
    seen->facts.issuer_choice = c->out.message;
    seen->facts.issuer_choice_at = c->out.look_at;
}

static void rehearse(struct unit *u, struct observation *seen)
{
    const struct issuer_ref *ref = rehearsal(u);
    struct unit *other = ref != NULL ? unit_issuer_of(u, ref) : NULL;
    const struct memory_rehearsal *m = &u->w->memory.rehearsal;
    char problem[320];
    struct rehearsal_view v = {.passed_at = m->passed_at, .stuck = m->stuck};
    struct hold_view hold = {0};

    if (other == NULL) {
        return;
    }
    u->many_issuers = true;
    /* one that is still being prepared, after a restart, is waited for */
    bool usable =
        issuer_unit_ready(other) || other->summary.conditions[CONDITION_READY] != STATUS_FALSE;
    v.possible = usable && !observe_issuer_problem(u, other, problem, sizeof(problem));
    observe_failure(u, &hold);
    u->rehearsing = failover_rehearses(&v, &hold);
    if (u->rehearsing) {
        struct issuer_choice *c = choice_of(u);
        (void)cl_format(c->rehearsal, sizeof(c->rehearsal),
                        "rehearsed with Issuer %s first, because the last validation failed; "
                        "Issuer %s is asked when that succeeds",
                        ref->name, issuer_choice_ref(u)->name);
        seen->facts.issuer_choice = c->rehearsal;
    }
}

static void observe_standby(struct unit *u, struct observation *seen)
{
    const struct unit *s = standby_of(u);
    if (s != NULL && !s->ending && s->summary.conditions[CONDITION_READY] == STATUS_TRUE) {
        seen->facts.standby_ready = true;
        seen->facts.standby_not_after = s->summary.not_after;
    }
}

/* What is asked while an issuance runs stays what it was asked for. */
static void tell_running(struct unit *u, struct observation *seen)
{
    const struct issuer_choice *c = u->w->choice;
    if (c != NULL && (u->choice > 0 || u->rehearsing)) {
        seen->facts.issuer_choice = u->rehearsing ? c->rehearsal : c->out.message;
    }
}

void issuer_choice_observe(struct unit *u, cl_time now, struct observation *seen)
{
    const struct cert_spec *spec = u->w->object->cert;
    bool several = spec->fallback_issuers.len > 0 || spec->standby.name != NULL;

    if (spec->standby.name != NULL) {
        observe_standby(u, seen);
    }
    if (u->issue != NULL) {
        tell_running(u, seen);
    } else {
        u->many_issuers = several;
        u->choice = 0;
        u->rehearsing = false;
        if (several) {
            choose(u, now, seen);
        }
        if (issuer_choice_hold(u)->kind == CL_ERR_VALIDATION) {
            rehearse(u, seen);
        }
    }
    seen->facts.issuer_name = issuer_choice_asked(u)->name;
}

void issuer_choice_identity(struct unit *u, char *ret, size_t size)
{
    const struct cert_spec *spec = u->w->object->cert;
    const struct manifest *m = u->w->rev.manifest;
    const struct issuer_ref *ref = nth(spec, 0);
    struct issuer_facts info = {0};

    for (size_t i = 1; m != NULL && i <= spec->fallback_issuers.len; i++) {
        ref = cl_streq(nth(spec, i)->name, m->issuer_name) ? nth(spec, i) : ref;
    }
    if (m != NULL && failover_on_standby(spec, m)) {
        ref = &spec->standby;
    }
    struct unit *issuer = unit_issuer_of(u, ref);
    if (issuer != NULL) {
        issuer_unit_facts(issuer, &info);
    }
    (void)cl_format(ret, size, "%s", info.identity);
}

/* ---- what came of it ---- */

static void spend(struct memory_issuer *rec, cl_time now)
{
    if (now >= rec->day_start + FAILOVER_DAY) {
        rec->day_start = now;
        rec->failures = 0;
    }
    rec->failures++;
}

void issuer_choice_failed(struct unit *u, const struct cl_err *err, cl_time now)
{
    struct memory *m = &u->w->memory;

    if (u->choice > 0 && backoff_counts(err->kind)) {
        spend(memory_issuer(m, issuer_choice_ref(u)->name), now);
    }
    if (u->choice == 0) {
        m->trouble_since = m->trouble_since == 0 ? now : m->trouble_since;
        m->trouble_attempts++;
    }
    if (err->kind == CL_ERR_VALIDATION) {
        m->rehearsal.stuck = 0;
    }
}

void issuer_choice_delivered(struct unit *u, const char *before)
{
    struct memory *m = &u->w->memory;
    const char *first = u->w->object->cert->issuer_ref.name;

    m->trouble_since = 0;
    m->trouble_attempts = 0;
    if (m->rehearsal.issuer != NULL) {
        cl_free(m->rehearsal.issuer);
        m->rehearsal = (struct memory_rehearsal){0};
    }
    if (u->choice > 0) {
        struct memory_issuer *rec = memory_issuer(m, issuer_choice_ref(u)->name);
        rec->failures = 0;
        unit_event(
            u, true, "FailedOver",
            "issued by fallback Issuer %s, because Issuer %s could not be asked in time; the "
            "next renewal goes to %s again",
            rec->name, first, first);
    } else if (before[0] != '\0' && !cl_streq(before, first)) {
        unit_event(u, false, "BackToPrimary", "issued by Issuer %s again; %s had stepped in", first,
                   before);
    }
}

void issuer_choice_rehearsed(struct unit *u, const struct cl_err *err, cl_time now)
{
    struct memory_rehearsal *m = &u->w->memory.rehearsal;
    const char *name = issuer_choice_asked(u)->name;

    cl_free(m->issuer);
    m->issuer = cl_strdup(name);
    m->runs++;
    m->last = now;
    if (err == NULL) {
        m->passed_at = now;
        m->stuck = 0;
        unit_event(u, false, "Rehearsed",
                   "Issuer %s has issued; its certificate is thrown away and Issuer %s is asked",
                   name, issuer_choice_ref(u)->name);
    } else {
        m->failures++;
        m->stuck = err->kind == CL_ERR_VALIDATION ? 0 : m->stuck + 1;
    }
}

/* ---- the status ---- */

static void put_time(json_t *o, const char *key, cl_time t)
{
    char text[CL_TIME_TEXT];
    if (t > 0 && t != CL_NEVER) {
        (void)json_object_set_new(o, key, json_string(cl_time_format(t, text)));
    }
}

static json_t *issuer_row(struct unit *u, size_t i, cl_time now)
{
    const struct issuer_choice *c = u->w->choice;
    const struct issuer_view *v = &c->views[i];
    const struct manifest *m = u->w->rev.manifest;
    char why[PLAN_TEXT];
    cl_time next = failover_blocked(v, u->w->memory.renew_requested, now, why);
    json_t *o = json_object();

    (void)json_object_set_new(o, "name", json_string(v->name));
    (void)json_object_set_new(o, "role", json_string(i == 0 ? "Primary" : "Fallback"));
    (void)json_object_set_new(o, "inUse",
                              json_boolean(m != NULL && cl_streq(m->issuer_name, v->name) &&
                                           !failover_on_standby(u->w->object->cert, m)));
    (void)json_object_set_new(o, "asked", json_boolean(u->choice == i));
    (void)json_object_set_new(o, "usable", json_boolean(next <= now));
    if (why[0] != '\0') {
        (void)json_object_set_new(o, "message", json_string(why));
        put_time(o, "nextAttemptTime", next);
    }
    if (i > 0 && v->failures > 0) {
        (void)json_object_set_new(o, "failuresToday", json_integer(v->failures));
    }
    if (i == 0) {
        put_time(o, "failingSince", u->w->memory.trouble_since);
    }
    return o;
}

static json_t *standby_row(struct unit *u)
{
    const struct cert_spec *spec = u->w->object->cert;
    const struct manifest *m = u->w->rev.manifest;
    const struct unit *s = standby_of(u);
    json_t *o = json_object();

    (void)json_object_set_new(o, "issuerRef", json_pack("{s:s}", "name", spec->standby.name));
    bool ready = s != NULL && s->summary.conditions[CONDITION_READY] == STATUS_TRUE;
    (void)json_object_set_new(o, "ready", json_boolean(ready));
    (void)json_object_set_new(o, "inUse", json_boolean(m != NULL && failover_on_standby(spec, m)));
    if (s != NULL) {
        (void)json_object_set_new(o, "name", json_string(s->name));
        (void)json_object_set_new(o, "reason",
                                  json_string(reason_token((enum reason)s->summary.ready_reason)));
        (void)json_object_set_new(o, "revision", json_integer(s->summary.revision));
        put_time(o, "notAfter", s->summary.not_after);
        put_time(o, "renewalTime", s->summary.renewal_time);
    }
    return o;
}

void issuer_choice_report(struct unit *u, cl_time now, json_t *details)
{
    const struct cert_spec *spec = u->w->object->cert;
    const struct memory_rehearsal *m = &u->w->memory.rehearsal;
    const struct issuer_choice *c = u->w->choice;

    if (c != NULL && spec->fallback_issuers.len > 0) {
        json_t *rows = json_array();
        for (size_t i = 0; i < c->len; i++) {
            (void)json_array_append_new(rows, issuer_row(u, i, now));
        }
        (void)json_object_set_new(details, "issuers", rows);
    }
    if (spec->standby.name != NULL) {
        (void)json_object_set_new(details, "standby", standby_row(u));
    }
    if (m->issuer != NULL) {
        json_t *o =
            json_pack("{s:{s:s},s:i,s:i,s:b}", "issuerRef", "name", m->issuer, "runs", (int)m->runs,
                      "failures", (int)m->failures, "passed", m->passed_at == m->last);
        put_time(o, "lastRunTime", m->last);
        (void)json_object_set_new(details, "rehearsal", o);
    }
}
