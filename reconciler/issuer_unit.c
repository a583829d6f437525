/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_unit: one Issuer under reconciliation: its backend instance, its preparation steps, and
 * who is told when it turns ready. A Certificate never registers an account; it waits at the gate
 * IssuerNotReady and is queued when the Issuer turns Ready. */
#include "reconciler/core/backoff.h"
#include "reconciler/ledger_book.h"
#include "reconciler/observe.h"
#include "reconciler/publish.h"
#include "reconciler/report.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_parse.h"

#include <string.h>

struct instance *instance_ref(struct instance *i)
{
    i->refs++;
    return i;
}

void instance_unref(struct instance *i)
{
    if (--i->refs > 0) {
        return;
    }
    i->ops->destroy(i->issuer);
    admission_deinit(&i->line);
    object_destroy(i->object);
    cl_free(i);
}

static struct object *copy_object(const struct object *o)
{
    struct cl_err err = {0};
    struct object *copy = NULL;
    char *text = object_to_canonical(o);
    if (object_from_canonical(text, &copy, &err) < 0) {
        cl_log(CL_LOG_ERROR, o->key, err.reason, "%s", err.text);
    }
    cl_free(text);
    return copy;
}

/* What failed before may work with another spec, or after a restart by somebody who repaired it: it
 * is tried at once. Only a time that the CA named outlives a restart. */
static void lift_hold(struct unit *u, bool respec)
{
    struct memory_hold *hold = &u->w->memory.hold;
    bool by_ca = hold->kind == CL_ERR_RATE_LIMITED || hold->kind == CL_ERR_BUSY;
    if (hold->kind == CL_ERR_NONE || (by_ca && !respec)) {
        return;
    }
    memset(hold, 0, sizeof(*hold));
    unit_memory_changed(u);
}

/* The instance for the spec in force; a changed spec makes a new one, the old one ends with its
 * last issuance. */
static void ensure_instance(struct unit *u)
{
    struct instance *old = u->instance;
    if (old != NULL && strcmp(old->object->spec_hash, u->w->object->spec_hash) == 0) {
        return;
    }
    const struct condition *ready = &u->w->status.conditions[CONDITION_READY];
    if (old == NULL && ready->status == STATUS_FALSE) { /* and it was so before the restart */
        u->trouble_since = ready->last_transition;
    }
    struct object *o = copy_object(u->w->object);
    const struct issuer_ops *ops = o != NULL ? issuer_kind(o->issuer->type) : NULL;
    if (ops == NULL) {
        object_destroy(o);
        return;
    }
    struct instance *i = cl_new(struct instance);
    i->ops = ops;
    i->object = o;
    i->refs = 1;
    i->u = u;
    i->issuer = ops->create(&u->d->host, o);
    long capacity = ops->type == ISSUER_ACME ? o->issuer->acme.max_orders : 1000;
    admission_init(&i->line, (unsigned)capacity);
    u->instance = i;
    lift_hold(u, old != NULL);
    if (old != NULL) {
        old->u = NULL;
        if (old->step_running) {
            cl_op_cancel(&old->step_op);
        }
        instance_unref(old);
        daemon_wake_dependents(u->d, u->key);
    }
}

void issuer_unit_facts(struct unit *u, struct issuer_facts *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (u->instance != NULL) {
        u->instance->ops->facts(u->instance->issuer, loop_now(u->d->loop), ret);
    }
}

bool issuer_unit_ready(const struct unit *u)
{
    return u->instance != NULL && !u->ending &&
           u->summary.conditions[CONDITION_READY] == STATUS_TRUE;
}

cl_time issuer_unit_trouble(struct unit *u, cl_time now)
{
    struct issuer_facts f;
    issuer_unit_facts(u, &f);
    if (issuer_unit_ready(u) && f.hold_until <= now) {
        u->trouble_since = 0;
    } else if (u->trouble_since == 0) {
        u->trouble_since = now;
    }
    return u->trouble_since;
}

void issuer_unit_reload(struct unit *u)
{
    u->reload = true;
    daemon_wake_unit(u->d, u);
}

/* ---- steps ---- */

static void step_failed(struct unit *u, const struct instance *i, const struct cl_err *err)
{
    struct memory_hold *hold = &u->w->memory.hold;
    cl_time now = loop_now(u->d->loop);
    struct backoff b = {.kind = hold->kind,
                        .failures = hold->failures,
                        .first_failure = hold->first_failure,
                        .last_failure = hold->last_failure,
                        .not_before = hold->not_before};
    struct backoff_context c = {.embedded = i->ops->type != ISSUER_ACME};
    bool same = hold->kind == err->kind && cl_streq(hold->err.text, err->text);

    (void)backoff_fail(&b, err, &c, now, &u->d->rng);
    hold->kind = b.kind;
    hold->failures = b.failures;
    hold->first_failure = b.first_failure;
    hold->last_failure = b.last_failure;
    hold->not_before = b.not_before;
    hold->err = *err;
    u->w->memory.last_failure = now;
    unit_memory_changed(u); /* else the hold would be forgotten at rest, and tried again too soon */
    if (!same) {
        unit_event(u, true, err->reason, "%s: %s", issuer_step_name(i->step), err->text);
        daemon_wake_dependents(u->d, u->key); /* they tell why they wait */
    }
}

static void step_done(struct cl_op *op, const struct cl_err *err)
{
    struct instance *i = op->user;
    struct unit *u = i->u;

    i->step_running = false;
    if (u != NULL) {
        if (err == NULL && i->step == ISSUER_STEP_ACCOUNT) { /* or only changed: a lower bound */
            ledger_book_account_made(u, loop_now(u->d->loop));
        }
        if (err == NULL) {
            if (u->w->memory.hold.kind != CL_ERR_NONE) {
                memset(&u->w->memory.hold, 0, sizeof(u->w->memory.hold));
                unit_memory_changed(u);
            }
        } else if (err->kind != CL_ERR_CANCELLED) {
            step_failed(u, i, err);
        }
        daemon_wake_unit(u->d, u);
    }
    instance_unref(i);
}

static void start_step(struct unit *u, enum issuer_step step)
{
    struct instance *i = instance_ref(u->instance);
    i->step = step;
    i->step_running = true;
    i->step_op = (struct cl_op){.done = step_done, .user = i};
    i->ops->step(i->issuer, step, &i->step_op);
}

static void observe_hold(struct unit *u, struct hold_view *v)
{
    const struct memory_hold *hold = &u->w->memory.hold;
    v->kind = hold->kind;
    v->failures = hold->failures;
    v->not_before = hold->not_before;
    v->last_failure = hold->last_failure;
    v->reason = hold->err.reason;
    v->message = hold->err.text;
}

/* A CA counts new accounts for an address: one that it would refuse is not asked for. */
static void hold_account(struct unit *u, struct issuer_plan *p, cl_time now)
{
    cl_time at = p->step == ISSUER_STEP_ACCOUNT ? ledger_book_account_at(u, now) : 0;
    char text[CL_TIME_TEXT];

    if (at > 0) {
        p->step = ISSUER_STEP_NONE;
        p->next_at = cl_time_min(p->next_at, at);
        p->ready.reason = REASON_RATE_LIMITED;
        (void)cl_format(p->ready.message, sizeof(p->ready.message),
                        "Held by a limit of the CA, %s; the account is asked for at %s",
                        ledger_kind_name(LEDGER_ACCOUNTS), cl_time_format(at, text));
    }
}

void issuer_unit_reconcile(struct unit *u)
{
    cl_time now = loop_now(u->d->loop);
    struct issuer_facts facts = {0};
    struct issuer_plan plan;
    bool was_ready = issuer_unit_ready(u);

    ensure_instance(u);
    if (u->instance == NULL) {
        return;
    }
    issuer_unit_facts(u, &facts);
    struct issuer_input in = {.o = u->w->object, .f = &facts, .running = u->instance->step_running};
    observe_hold(u, &in.hold);
    issuer_plan_next(&in, now, &plan);
    if (u->reload && !in.running) { /* the instance decides whether anything is different */
        plan.step = ISSUER_STEP_LOAD_CREDENTIALS;
    }
    hold_account(u, &plan, now);
    if (u->item.reported && plan.step != ISSUER_STEP_NONE && !in.running && !u->d->stopping &&
        !u->d->read_only && !u->memory_dirty && !u->memory_saving) {
        u->reload = u->reload && plan.step != ISSUER_STEP_LOAD_CREDENTIALS;
        start_step(u, plan.step);
    }
    report_issuer(u, &facts, &plan, now);
    (void)issuer_unit_trouble(u, now);
    workq_add_at(&u->d->queue, &u->item, plan.next_at);
    if (was_ready != issuer_unit_ready(u)) {
        daemon_wake_dependents(u->d, u->key);
    }
}
