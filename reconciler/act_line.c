/* SPDX-License-Identifier: Apache-2.0 */
/* act_line: the line in front of an issuer (maxOrders): places are kept while a plan waits for one,
 * given back otherwise, and whoever leaves wakes the next. */
#include "reconciler/act.h"
#include "reconciler/core/ari.h"

void act_leave_line(struct unit *u)
{
    struct instance *i = u->ticket_of;
    struct admission_ticket *next;
    if (i == NULL) {
        return;
    }
    u->ticket_of = NULL;
    admission_leave(&i->line, &u->ticket, loop_now(u->d->loop));
    while ((next = admission_next(&i->line)) != NULL) {
        daemon_wake_unit(u->d, next->user);
    }
    instance_unref(i);
}

/* Takes a slot, or a place in the line; whoever leaves wakes the next. */
bool act_enter_line(struct unit *u, struct instance *i)
{
    const struct manifest *m = u->w->rev.manifest;
    bool revoked = m != NULL && u->w->memory.ari.urgent && ari_known(&u->w->memory.ari, &m->cert);
    cl_time urgency = admission_urgency(m != NULL ? m->cert.not_after : 0, revoked);
    if (u->ticket_of != i) {
        act_leave_line(u);
        u->ticket_of = instance_ref(i);
    }
    return admission_enter(&i->line, &u->ticket, urgency);
}

void act_line(struct unit *u, const struct plan *p)
{
    struct unit *issuer = unit_issuer(u);
    if (u->issue != NULL || p->issue == PLAN_ISSUE) {
        return;
    }
    if (p->gate != REASON_WAITING_FOR_SLOT) {
        act_leave_line(u);
    } else if (issuer != NULL && issuer->instance != NULL && act_enter_line(u, issuer->instance)) {
        daemon_wake_unit(u->d, u); /* a slot came free meanwhile */
    }
}
