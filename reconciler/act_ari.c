/* SPDX-License-Identifier: Apache-2.0 */
/* act_ari: asks a CA when it wants a certificate renewed (RFC 9773), beside issuing and deploying, and
 * remembers what it says. A failure is a line in the status; the window that is known stays. */
#include "reconciler/act.h"
#include "reconciler/core/ari.h"
#include "reconciler/core/renewal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

/* So many a second at most: a daemon that comes back with thousands of overdue questions asks them one
 * after the other, and who waits for its turn rests. */
#define TURN (50 * CL_MS)

struct ari_run {
    struct unit *u;
    struct instance *instance; /* a reference */
    struct renewal_info_op op;
    char *cert_id;
};

static void tell(struct unit *u, enum ari_news news)
{
    const struct ari_state *s = &u->w->memory.ari;
    const struct cert_facts *cert = &u->w->rev.manifest->cert;
    cl_time guard = renewal_ari_guard(cert, s->renewed_at);
    char from[CL_TIME_TEXT], until[CL_TIME_TEXT], at[CL_TIME_TEXT];
    bool explained = s->explanation_url != NULL;

    if (news == ARI_SAME) {
        return;
    }
    (void)cl_time_format(s->start, from);
    (void)cl_time_format(s->end, until);
    if (s->selected < guard) {
        unit_event(u, true, "RenewalInfoIgnored",
                   "the CA suggests %s to %s, but has asked for a renewal a short while ago; it is "
                   "followed again from %s on, until then spec.renewBefore counts",
                   from, until, cl_time_format(guard, at));
    } else if (s->urgent || news == ARI_MOVED) {
        unit_event(u, s->urgent, "RenewalWindowMoved",
                   "the CA suggests renewal between %s and %s, which makes it %s%s%s", from, until,
                   s->urgent ? "urgent" : cl_time_format(s->selected, at),
                   explained ? "; see " : "", explained ? s->explanation_url : "");
    }
}

static void note_failure(struct unit *u, const struct cert_facts *cert, const struct cl_err *err,
                         cl_time now)
{
    struct ari_state *s = &u->w->memory.ari;
    bool by_ca = err->http_status >= 400 && err->http_status < 500;

    u->d->ari_errors++;
    ari_failed(s, cert, u->key, err->text, by_ca, err->retry_at, now);
    if (s->failures == 1) {
        char at[CL_TIME_TEXT];
        cl_log(CL_LOG_INFO, u->display, err->reason, "%s; asked again at %s", err->text,
               cl_time_format(s->next_check, at));
    }
}

static void asked(struct cl_op *op, const struct cl_err *err)
{
    struct ari_run *r = op->user;
    struct unit *u = r->u;
    const struct manifest *m = u->w->rev.state == REVISION_OK ? u->w->rev.manifest : NULL;
    cl_time now = loop_now(u->d->loop);

    u->ari = NULL;
    if (m != NULL && cl_streq(m->cert.ari_cert_id, r->cert_id)) { /* not replaced meanwhile */
        if (err == NULL) {
            tell(u, ari_answered(&u->w->memory.ari, &m->cert, u->key, &r->op.answer, now));
        } else if (err->kind != CL_ERR_CANCELLED) {
            note_failure(u, &m->cert, err, now);
        }
        unit_memory_changed(u);
    }
    instance_unref(r->instance);
    cl_free(r->cert_id);
    cl_free(r);
    daemon_wake_unit(u->d, u);
}

void act_ari(struct unit *u, cl_time now)
{
    struct daemon *d = u->d;
    struct unit *issuer = unit_issuer(u);

    if (u->ari != NULL || issuer == NULL || issuer->instance == NULL ||
        issuer->instance->ops->renewal_info == NULL) {
        return;
    }
    if (u->ari_turn == 0) { /* the next one that is not given away */
        u->ari_turn = cl_time_max(now, d->ari_turn);
        d->ari_turn = u->ari_turn + TURN;
    }
    if (u->ari_turn > now) {
        return;
    }
    u->ari_turn = 0;
    struct ari_run *r = cl_new(struct ari_run);
    r->u = u;
    r->instance = instance_ref(issuer->instance);
    r->cert_id = cl_strdup(u->w->rev.manifest->cert.ari_cert_id);
    r->op.op = (struct cl_op){.done = asked, .user = r};
    r->op.cert_id = r->cert_id;
    u->ari = r;
    d->ari_polls++;
    r->instance->ops->renewal_info(r->instance->issuer, &r->op);
}

void act_ari_cancel(struct unit *u)
{
    if (u->ari != NULL) {
        cl_op_cancel(&u->ari->op.op);
    }
}

cl_time act_ari_at(const struct unit *u, cl_time now)
{
    return u->ari_turn > now ? u->ari_turn : CL_NEVER;
}
