/* SPDX-License-Identifier: Apache-2.0 */
/* persist: an end is treated like the notAfter of a certificate: attention in good time, said as long
 * as it is needed, and a look once an hour at least whether it is needed still. */
#include "reconciler/core/persist.h"

#define LOOK_AT_LEAST (10 * CL_SECOND)
#define LOOK_AT_MOST CL_HOUR

static bool wants_attention(const struct persist_proof *p, cl_time now)
{
    return p->attention_at != 0 && now >= p->attention_at;
}

/* Was it looked at while it wanted attention? The first look comes at once. */
static cl_time next_look(const struct persist_proof *p)
{
    cl_time every = cl_time_max((p->until - p->attention_at) / 10, LOOK_AT_LEAST);

    return p->checked_at < p->attention_at ? p->attention_at
                                           : p->checked_at + cl_time_min(every, LOOK_AT_MOST);
}

const struct persist_proof *persist_due(const struct object *o, const struct facts *f, cl_time now)
{
    if (o->cert->suspend || f->issuing || f->persist_looking || f->deleted_at != 0 ||
        !f->issuer_exists || f->suspend == SUSPEND_ISSUE || f->suspend == SUSPEND_ALL) {
        return NULL;
    }
    for (size_t i = 0; i < f->n_persist; i++) {
        const struct persist_proof *p = &f->persist[i];
        if (wants_attention(p, now) && next_look(p) <= now) {
            return p;
        }
    }
    return NULL;
}

cl_time persist_next_at(const struct facts *f, cl_time now)
{
    cl_time next = CL_NEVER;

    for (size_t i = 0; i < f->n_persist; i++) {
        const struct persist_proof *p = &f->persist[i];
        cl_time times[] = {p->attention_at, p->until, wants_attention(p, now) ? next_look(p) : 0};
        for (size_t k = 0; k < sizeof(times) / sizeof(times[0]); k++) {
            if (times[k] > now) {
                next = cl_time_min(next, times[k]);
            }
        }
    }
    return next;
}

/* How bad: 0 = fine. What certloop renews by itself is fine until that has failed. */
static int urgency(const struct persist_proof *p, cl_time now)
{
    if (p->until != 0 && now >= p->until) {
        return 3;
    }
    bool failed = p->problem != NULL && p->problem[0] != '\0';
    if (!wants_attention(p, now) || (p->managed && !failed)) {
        return 0;
    }
    return failed && !p->managed ? 2 : 1;
}

static const struct persist_proof *worst(const struct facts *f, cl_time now, unsigned *ret_n)
{
    const struct persist_proof *found = NULL;

    *ret_n = 0;
    for (size_t i = 0; i < f->n_persist; i++) {
        const struct persist_proof *p = &f->persist[i];
        int u = urgency(p, now);
        *ret_n += u > 0 ? 1 : 0;
        if (u > 0 && (found == NULL || u > urgency(found, now) ||
                      (u == urgency(found, now) && p->until < found->until))) {
            found = p;
        }
    }
    return found;
}

static void say(const struct persist_proof *p, unsigned n, cl_time now, struct verdict *v)
{
    bool ended = now >= p->until;
    char when[CL_TIME_TEXT], more[32] = "";

    if (n > 1) {
        (void)cl_format(more, sizeof(more), " (and %u more)", n - 1);
    }
    v->status = STATUS_TRUE;
    v->reason = ended ? REASON_PERSIST_RECORD_EXPIRED : REASON_PERSIST_RECORD_EXPIRING;
    if (p->managed) {
        (void)cl_format(v->message, sizeof(v->message),
                        "the record %s %s %s%s and could not be renewed: %s", p->record,
                        ended ? "ended at" : "ends at", cl_time_format(p->until, when), more,
                        cl_str_or(p->problem, ""));
    } else {
        (void)cl_format(v->message, sizeof(v->message), "%s %s%s; publish %s. IN TXT \"%s\"",
                        ended ? "ended at" : "ends at", cl_time_format(p->until, when), more,
                        p->record, p->value);
    }
}

void persist_decide(const struct facts *f, cl_time now, struct verdict *v)
{
    unsigned n = 0;
    const struct persist_proof *p = worst(f, now, &n);

    if (f->deleted_at != 0) {
        return;
    }
    if (f->hold.kind != CL_ERR_NONE && cl_streq(f->hold.reason, "DNSRecordRequired")) {
        v->status = STATUS_TRUE; /* an issuance waits for it */
        v->reason = REASON_PERSIST_RECORD_MISSING;
        (void)cl_format(v->message, sizeof(v->message), "%s", cl_str_or(f->hold.message, ""));
    } else if (p != NULL) {
        say(p, n, now, v);
    }
}
