/* SPDX-License-Identifier: Apache-2.0 */
/* acme_issue_slot: what surrounds one authorization of a running order: its solver, the fetches that
 * are seen, its place in the window. */
#include "backends/acme/acme_issue_impl.h"
#include "backends/acme/acme_problem.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

struct acme_slot *acme_slot(struct acme_issuance *i, size_t index)
{
    if (i->slots == NULL) { /* the authorizations do not change any more */
        i->n_slots = i->order->n_authz;
        i->slots = cl_calloc(i->n_slots, sizeof *i->slots);
        for (size_t n = 0; n < i->n_slots; n++) {
            i->slots[n].issuance = i;
            i->slots[n].index = n;
        }
    }
    cl_assert(index < i->n_slots);
    return &i->slots[index];
}

void acme_slots_forget(struct acme_issuance *i)
{
    for (size_t n = 0; n < i->n_slots; n++) {
        acme_lane_leave(&i->slots[n].place);
    }
    cl_free(i->slots);
    i->slots = NULL;
    i->n_slots = 0;
}

static void fetched(struct solver_fetch *f)
{
    struct acme_slot *s = f->user;

    acme_issue_feed(s->issuance, &(struct acme_event){.type = EV_FETCHED, .index = s->index});
}

static void present_done(struct cl_op *op, const struct cl_err *err)
{
    struct acme_slot *s = op->user;
    struct acme_issuance *i = s->issuance;

    struct acme_event ev = {.type = EV_PRESENTED, .index = s->index, .err = err};

    i->under_way--;
    if (err == NULL) {
        ev.miss_wait = solvers_miss_wait(i->a->host->solvers, &s->challenge);
    }
    acme_issue_feed(i, &ev);
}

/* Name servers were asked once more, or the value has to wait for room. */
static void present_changed(struct cl_op *op)
{
    struct acme_slot *s = op->user;
    struct acme_issuance *i = s->issuance;
    struct acme_authz *z = &i->order->authz[s->index];
    json_t *seen = solvers_propagation(i->a->host->solvers, &s->challenge);

    if (seen != NULL) {
        json_decref(z->seen);
        z->seen = seen;
    }
    if (solvers_waits(i->a->host->solvers, &s->challenge)) {
        acme_issue_feed(i, &(struct acme_event){.type = EV_WAITS, .index = s->index});
    } else if (i->op->changed != NULL) {
        i->op->changed(i->op);
    }
}

void acme_slot_present(struct acme_issuance *i, struct acme_slot *s)
{
    const struct acme_authz *z = &i->order->authz[s->index];

    s->challenge = (struct solver_challenge){
        .type = z->type,
        .identifier = z->identifier,
        .token = z->token,
        .key_authorization = z->key_authorization,
        .solver = z->solver,
        .namespace_ = i->issue->object->metadata.namespace_,
        .certificate = i->issue->key_name,
        .account_url = i->a->doc.url,
        .wildcard = z->wildcard,
        .issuers = &z->issuers,
        .account_uri = z->account_uri,
    };
    if (solver_sees_fetches(z->solver)) {
        s->fetch.fetched = fetched;
        s->fetch.user = s;
        solvers_on_fetch(i->a->host->solvers, z->token, &s->fetch);
        s->watching = true;
    }
    i->under_way++;
    memset(&s->op, 0, sizeof s->op);
    s->op.done = present_done;
    s->op.changed = present_changed;
    s->op.user = s;
    solvers_present(i->a->host->solvers, &s->challenge, &s->op);
}

static void cleanup_done(struct cl_op *op, const struct cl_err *err)
{
    struct acme_slot *s = op->user;
    struct acme_issuance *i = s->issuance;

    (void)err; /* the solver's journal brings it up again at the next start */
    i->under_way--;
    acme_issue_feed(i, &(struct acme_event){.type = EV_CLEANED, .index = s->index});
}

void acme_slot_cleanup(struct acme_issuance *i, struct acme_slot *s)
{
    if (s->watching) {
        solver_fetch_stop(&s->fetch);
        s->watching = false;
    }
    i->under_way++;
    memset(&s->op, 0, sizeof s->op);
    s->op.done = cleanup_done;
    s->op.user = s;
    solvers_cleanup(i->a->host->solvers, &s->challenge, &s->op);
}

static void admitted(struct acme_place *p)
{
    struct acme_slot *s = p->user;

    acme_issue_feed(s->issuance, &(struct acme_event){.type = EV_ADMITTED, .index = s->index});
}

void acme_slot_admit(struct acme_issuance *i, struct acme_slot *s)
{
    struct acme_lane *lane = acme_lane_get(i->a, i->order->authz[s->index].solver);

    s->place.admitted = admitted;
    s->place.user = s;
    s->admitted_at_once = acme_lane_enter(lane, &s->place);
}

/* The CA's verdict. Did it look for a record and not see it (RFC 8555 6.7, 8.4)? */
void acme_slot_verdict(struct acme_issuance *i, struct acme_slot *s, bool ok)
{
    const struct cl_err *err = &i->order->authz[s->index].err;

    acme_lane_verdict(&s->place, ok, i->certificate);
    if (!ok && s->challenge.solver != NULL &&
        (acme_problem_is(err, "dns") || acme_problem_is(err, "unauthorized") ||
         acme_problem_is(err, "incorrectResponse"))) {
        solvers_missed(i->a->host->solvers, &s->challenge);
    }
}
