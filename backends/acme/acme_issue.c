/* SPDX-License-Identifier: Apache-2.0 */
/* acme_issue: runs one order: carries out the actions of acme_order and feeds it the results.
 *
 * Every event goes through acme_issue_feed(): one step of the machine, then its actions. Nothing that is
 * started here calls back before it returns, so steps never nest. The op ends when the machine is
 * done and nothing that was started is still under way. */
#include "backends/acme/acme_issue_impl.h"
#include "backends/acme/acme_problem.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_rng.h"
#include "spec/spec_acme.h"

#include <string.h>

static void run_action(struct acme_issuance *i, const struct acme_action *act);
static void finish(struct acme_issuance *i);

/* ---- start and end ---- */

static void start_task(struct loop_task *task)
{
    struct acme_issuance *i = task->user;
    struct acme *a = i->a;

    if (a->rolling) {
        i->parked = true;
        cl_list_add_tail(&a->parked, &i->park);
        return;
    }
    i->active = true;
    a->active++;
    i->order->p.thumbprint = a->thumbprint; /* maybe another one since it was asked for */
    if (a->directory.new_order == NULL || a->key == NULL || !a->has_doc) {
        (void)cl_fail(&i->order->err, CL_ERR_TRANSIENT, "IssuerNotReady",
                      "the Issuer has no directory or no account at the CA yet");
        finish(i);
        return;
    }
    acme_issue_feed(i, &(struct acme_event){.type = EV_ENTER});
}

void acme_issue_unpark(struct acme *a)
{
    while (!cl_list_empty(&a->parked)) {
        struct acme_issuance *i = cl_container(a->parked.next, struct acme_issuance, park);
        cl_list_remove(&i->park);
        i->parked = false;
        loop_defer(a->host->loop, &i->start, start_task, i);
    }
}

void acme_inactive(struct acme *a)
{
    cl_assert(a->active > 0);
    a->active--;
    if (a->active == 0) {
        acme_rollover_drained(a);
    }
}

static void cancel_task(struct loop_task *task)
{
    struct acme_issuance *i = task->user;

    if (i->parked) {
        cl_list_remove(&i->park);
        (void)cl_fail(&i->order->err, CL_ERR_CANCELLED, "Cancelled", "no longer wanted");
        finish(i);
        return;
    }
    acme_issue_feed(task->user, &(struct acme_event){.type = EV_CANCEL});
}

static void issuance_cancel(struct cl_op *op)
{
    struct acme_issuance *i = op->impl;

    loop_defer(i->a->host->loop, &i->cancel, cancel_task, i);
}

static struct acme_issuance *issuance_create(struct acme *a, struct cl_op *op)
{
    struct acme_issuance *i = cl_new(struct acme_issuance);

    i->a = a;
    i->op = op;
    cl_list_init(&i->asked);
    cl_list_init(&i->park);
    op->impl = i;
    op->cancel = issuance_cancel;
    return i;
}

static struct acme_order_params common_params(struct acme *a)
{
    return (struct acme_order_params){
        .solvers = &a->spec->solvers,
        .new_order_url = a->directory.new_order,
        .thumbprint = a->thumbprint,
        .allow_http = strncmp(a->spec->server, "http:", 5) == 0,
        .eager_first = a->spec->retry_after == RETRY_AFTER_EAGER_FIRST,
        .request_duration = a->spec->enable_duration_feature,
        .skew = a->skew,
        .fetches = &a->fetches,
    };
}

void acme_issue_start(struct acme *a, struct issue_op *issue)
{
    struct acme_issuance *i = issuance_create(a, &issue->op);
    struct acme_order_params p = common_params(a);

    issue->impl = i;
    issue->fullchain_pem = NULL;
    issue->ca_pem = NULL;
    issue->used_order_url = NULL;
    issue->failed_view = NULL;
    issue->proofs = (struct persist_proofs){0};
    issue->used_account_url = NULL;
    issue->used_certificate_url = NULL;
    issue->names = (struct name_problems){0};
    issue->warnings = (struct cl_strv){0};
    i->issue = issue;
    i->certificate = cl_rng_hash(issue->key_name) | 1;
    i->csr = cl_base64url(issue->csr, issue->csr_len);
    p.object = issue->object;
    p.order_url = issue->order_url;
    /* RFC 9773 5: only where the CA knows of it, and to the account that ordered the predecessor. */
    if (a->directory.renewal_info != NULL && a->has_doc &&
        cl_streq(issue->replaces_account, a->doc.url)) {
        p.replaces = issue->replaces;
    }
    p.csr = i->csr;
    p.profile = acme_profile_of(issue->object->cert, a->spec);
    p.chain = acme_chain_of(issue->object->cert, a->spec);
    p.certificate_url = issue->certificate_url;
    i->order = acme_order_create(&p);
    loop_defer(a->host->loop, &i->start, start_task, i);
}

void acme_abandon_start(struct acme *a, const char *order_url, struct cl_op *op)
{
    struct acme_issuance *i = issuance_create(a, op);
    struct acme_order_params p = common_params(a);

    p.order_url = order_url;
    p.abandon = true;
    i->order = acme_order_create(&p);
    loop_defer(a->host->loop, &i->start, start_task, i);
}

const struct acme_order *acme_issue_order(const struct issue_op *issue)
{
    const struct acme_issuance *i = issue->impl;

    return i != NULL ? i->order : NULL;
}

/* At most one order an hour is made anew because its predecessor hung. */
static void note_hang(struct acme_issuance *i, struct cl_err *err)
{
    struct acme *a = i->a;
    cl_time now = loop_now(a->host->loop);
    struct acme_hang *h = cl_map_get(&a->hangs, i->issue->key_name);

    if (h == NULL) {
        h = cl_new(struct acme_hang);
        (void)cl_map_set(&a->hangs, i->issue->key_name, h);
    } else if (now - h->at < CL_HOUR) {
        err->retry_at = cl_time_max(err->retry_at, h->at + CL_HOUR);
    }
    h->at = now;
}

/* Whether it may be installed is for the guard to say; here it only gets the order that a server needs
 * (RFC 8555 7.4.2). */
static void take_chain(struct acme_issuance *i)
{
    struct acme_order *o = i->order;
    struct cl_err err = {0};
    char *repaired = NULL;

    if (i->issue->key != NULL && cert_chain_repair(o->chain, i->issue->key, &repaired, &err) == 0 &&
        repaired != NULL) {
        cl_strv_add(&i->issue->warnings, "the CA sent the chain out of order; it was put in order");
    }
    i->issue->fullchain_pem = repaired != NULL ? repaired : o->chain;
    if (repaired == NULL) {
        o->chain = NULL;
    }
}

static void take_results(struct acme_issuance *i, struct cl_err *err)
{
    struct issue_op *issue = i->issue;
    struct acme_order *o = i->order;

    if (issue == NULL) {
        return;
    }
    issue->impl = NULL;
    issue->skew = i->a->skew;
    issue->used_order_url = cl_strdup(o->url);
    issue->used_account_url = i->a->has_doc ? cl_strdup(i->a->doc.url) : NULL;
    issue->names = o->names;
    o->names = (struct name_problems){0};
    issue->warnings = o->warnings;
    o->warnings = (struct cl_strv){0};
    if (o->err.kind == CL_ERR_NONE) {
        for (size_t n = 0; n < i->n_slots; n++) {
            if (!cl_str_empty(i->slots[n].proof.identifier)) {
                persist_proofs_put(&issue->proofs, &i->slots[n].proof);
            }
        }
        issue->used_certificate_url = cl_strdup(o->certificate_url);
        take_chain(i);
        i->a->issued++;
        return;
    }
    issue->failed_view = acme_view_issuance(o);
    i->a->failed += o->err.kind != CL_ERR_CANCELLED;
    if (o->hung) {
        note_hang(i, err);
    }
}

static void finish(struct acme_issuance *i)
{
    struct cl_op *op = i->op;
    struct cl_err err = i->order->err;

    cl_assert(cl_list_empty(&i->asked));
    take_results(i, &err);
    acme_slots_forget(i);
    loop_task_cancel(&i->start);
    loop_task_cancel(&i->cancel);
    loop_timer_stop(i->a->host->loop, &i->timer);
    if (err.kind != CL_ERR_NONE && err.kind != CL_ERR_CANCELLED) {
        if (i->order->url == NULL && acme_problem_is(&err, "unauthorized")) {
            i->a->account_lost = true; /* newOrder refused: is the account still one? */
        }
        acme_note_failure(i->a, &err);
    }
    if (i->active) {
        acme_inactive(i->a);
    }
    acme_order_destroy(i->order);
    cl_free(i->csr);
    cl_free(i);
    cl_op_done(op, err.kind != CL_ERR_NONE ? &err : NULL);
}

/* ---- the pump ---- */

static void timer_fired(struct loop_timer *timer)
{
    struct acme_issuance *i = timer->user;

    i->timer_at = CL_NEVER;
    acme_issue_feed(i, &(struct acme_event){.type = EV_TIMER});
}

static void arm(struct acme_issuance *i)
{
    cl_time at = acme_order_next_at(i->order);

    if (at != i->timer_at) {
        i->timer_at = at;
        loop_at(i->a->host->loop, &i->timer, at, timer_fired, i);
    }
}

/* One step and its actions. */
static void step(struct acme_issuance *i, const struct acme_event *ev)
{
    struct acme_actions actions = {0};
    struct acme_event timed = *ev;

    timed.now = loop_now(i->a->host->loop);
    acme_order_step(i->order, &timed, &actions);
    for (size_t n = 0; n < actions.len; n++) {
        run_action(i, &actions.items[n]);
    }
    acme_actions_deinit(&actions);
}

/* What was granted while actions were carried out becomes events now. */
static void feed_granted(struct acme_issuance *i)
{
    if (i->saved_at_once) {
        i->saved_at_once = false;
        step(i, &(struct acme_event){.type = EV_SAVED});
    }
    for (size_t n = 0; n < i->n_slots; n++) {
        if (i->slots[n].admitted_at_once) {
            i->slots[n].admitted_at_once = false;
            step(i, &(struct acme_event){.type = EV_ADMITTED, .index = n});
        }
    }
}

/* May end and free the issuance: nothing may touch it afterwards. */
void acme_issue_feed(struct acme_issuance *i, const struct acme_event *ev)
{
    enum acme_order_state before = i->order->state;

    step(i, ev);
    feed_granted(i);
    if (i->gate && !i->saving) {
        i->gate = false;
        acme_transport_order_saved(i->a->transport);
    }
    if (i->done && i->under_way == 0) {
        finish(i);
        return;
    }
    arm(i);
    if (i->op->changed != NULL && i->order->state != before && !i->done) {
        i->op->changed(i->op);
    }
}

/* ---- requests ---- */

static void answered(struct cl_op *op, const struct cl_err *err)
{
    struct asked *q = op->user;
    struct acme_issuance *i = q->issuance;
    struct acme_event ev = {.type = err != NULL ? EV_FAILED : EV_REPLY,
                            .what = q->call.what,
                            .index = q->index,
                            .reply = &q->call.reply,
                            .names = &q->call.names,
                            .err = err};
    bool aborted = q->aborted;

    cl_list_remove(&q->link);
    i->under_way--;
    if (ev.what == ACME_NEW_ORDER && err == NULL) {
        i->gate = true;
    }
    if (aborted) { /* its event is not wanted: feed one that says nothing */
        ev = (struct acme_event){.type = EV_TIMER};
    }
    acme_issue_feed(i, &ev);
    cl_strv_deinit(&q->call.alternates);
    name_problems_deinit(&q->call.names);
    cl_free(q);
}

static void ask(struct acme_issuance *i, const struct acme_action *act)
{
    struct asked *q = cl_new(struct asked);

    q->issuance = i;
    q->index = act->index;
    q->call.op.done = answered;
    q->call.op.user = q;
    cl_list_add_tail(&i->asked, &q->link);
    i->under_way++;
    acme_call_start(i->a->transport, &act->request, &q->call);
}

static void abort_requests(struct acme_issuance *i)
{
    cl_list_for_each(l, &i->asked) {
        struct asked *q = cl_container(l, struct asked, link);
        q->aborted = true;
        cl_op_cancel(&q->call.op);
    }
}

/* ---- save ---- */

static void order_saved(struct cl_op *op, const struct cl_err *err)
{
    struct acme_issuance *i = op->user;

    i->under_way--;
    i->saving = false;
    acme_issue_feed(i, &(struct acme_event){.type = EV_SAVED, .err = err});
}

static void save(struct acme_issuance *i)
{
    struct issue_op *issue = i->issue;

    if (issue == NULL || issue->save_order == NULL) {
        i->saved_at_once = true;
        return;
    }
    i->saving = true;
    i->under_way++;
    memset(&i->saved, 0, sizeof i->saved);
    i->saved.done = order_saved;
    i->saved.user = i;
    issue->save_order(issue, i->order->url, i->a->doc.url, &i->saved);
}

static void run_action(struct acme_issuance *i, const struct acme_action *act)
{
    switch (act->type) {
    case ACT_REQUEST:
        ask(i, act);
        return;
    case ACT_ABORT:
        abort_requests(i);
        return;
    case ACT_SAVE:
        save(i);
        return;
    case ACT_PRESENT:
        acme_slot_present(i, acme_slot(i, act->index));
        return;
    case ACT_STOP:
        cl_op_cancel(&acme_slot(i, act->index)->op);
        return;
    case ACT_CLEANUP:
        acme_slot_cleanup(i, acme_slot(i, act->index));
        return;
    case ACT_FORGET:
        acme_slots_forget(i);
        return;
    case ACT_ADMIT:
        acme_slot_admit(i, acme_slot(i, act->index));
        return;
    case ACT_VERDICT:
        acme_slot_verdict(i, acme_slot(i, act->index), act->ok);
        return;
    case ACT_RELEASE:
        acme_lane_leave(&acme_slot(i, act->index)->place);
        return;
    case ACT_DONE:
        i->done = true;
        return;
    }
}
