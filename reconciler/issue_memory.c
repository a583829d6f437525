/* SPDX-License-Identifier: Apache-2.0 */
/* issue_memory: how an issuance ended, as the unit remembers it: the hold of the Issuer that was
 * asked, attempts, and the events. */
#include "reconciler/core/backoff.h"
#include "reconciler/issue_run.h"
#include "reconciler/issuer_choice.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define REHEARSAL_AGAIN (5 * CL_MINUTE)

static void set_hold(struct issue_run *r, struct memory_hold *hold, const struct cl_err *err,
                     cl_time now)
{
    const struct unit *u = r->u;
    struct backoff b = {.kind = hold->kind,
                        .failures = hold->failures,
                        .first_failure = hold->first_failure,
                        .last_failure = hold->last_failure,
                        .not_before = hold->not_before};
    struct backoff_context c = {
        .not_after = u->w->rev.manifest != NULL ? u->w->rev.manifest->cert.not_after : 0,
        .embedded = r->instance != NULL && r->instance->ops->type != ISSUER_ACME,
    };
    (void)backoff_fail(&b, err, &c, now, &u->d->rng);
    hold->kind = b.kind;
    hold->failures = b.failures;
    hold->first_failure = b.first_failure;
    hold->last_failure = b.last_failure;
    hold->not_before = b.not_before;
    hold->err = *err;
    name_problems_deinit(&hold->names);
    name_problems_copy(&hold->names, &r->issue.names);
    memcpy(hold->inputs_hash, r->inputs_hash, CL_SHA256_TEXT);
}

/* The production CA was not asked, so that only what the rehearsal found out counts: names that
 * cannot be validated. Its own troubles delay the next one a little. */
static void remember_rehearsal(struct issue_run *r, struct memory_hold *hold,
                               const struct cl_err *err, cl_time now)
{
    struct unit *u = r->u;

    issuer_choice_rehearsed(u, err, now);
    if (err->kind == CL_ERR_VALIDATION) {
        struct cl_err told = *err;
        cl_wrap(&told, "rehearsal with Issuer %s", issuer_choice_asked(u)->name);
        set_hold(r, hold, &told, now);
    } else {
        hold->not_before = now + REHEARSAL_AGAIN * (cl_time)u->w->memory.rehearsal.stuck;
    }
}

void issue_remember_failure(struct issue_run *r, const struct cl_err *err, cl_time now)
{
    struct unit *u = r->u;
    struct memory *m = &u->w->memory;
    struct memory_hold *hold = issuer_choice_hold(u);

    if (r->rehearsal) {
        remember_rehearsal(r, hold, err, now);
    } else {
        if (u->choice == 0 && strcmp(hold->inputs_hash, r->inputs_hash) != 0) {
            m->trouble_since = 0; /* what failed until now was something else */
            m->trouble_attempts = 0;
        }
        set_hold(r, hold, err, now);
        issuer_choice_failed(u, err, now);
        cl_free(m->last_order_url);
        m->last_order_url = cl_strdup(cl_str_or(r->issue.used_order_url, r->pending.order_url));
    }
    issue_keep_authorizations(r);
    m->last_failure = now;
    if (backoff_counts(err->kind)) {
        m->failed_attempts++;
    }
    m->renew_requested = err->kind == CL_ERR_PERMANENT ? 0 : m->renew_requested;
    unit_memory_changed(u);
}

/* Nobody was asked: what is remembered of the first Issuer stays, and it is asked on. */
static void remember_switch(struct issue_run *r)
{
    char until[CL_TIME_TEXT];
    struct unit *u = r->u;
    const char *first = u->w->object->cert->issuer_ref.name;

    unit_event(
        u, true, "StandbyInUse",
        "revision %ld is the standby certificate of Issuer %s, valid until %s: Issuer %s has "
        "not delivered in time; it is asked on",
        r->manifest->revision, r->manifest->issuer_name, cl_time_format(r->cert.not_after, until),
        first);
}

void issue_remember_success(struct issue_run *r)
{
    struct unit *u = r->u;
    struct memory *m = &u->w->memory;
    char until[CL_TIME_TEXT];

    if (r->instance == NULL && !r->manifest->adopted) {
        remember_switch(r);
        return;
    }
    (void)persist_proofs_keep(&m->persist, &u->w->object->cert->dns_names);
    for (size_t i = 0; i < r->issue.proofs.len; i++) {
        persist_proofs_put(&m->persist, &r->issue.proofs.items[i]);
    }
    bool all = r->manifest->missing_names.len == 0;
    m->failed_attempts = all ? 0 : m->failed_attempts;
    m->renew_requested = 0;
    m->ari.renewed_at = r->by_ari ? loop_now(u->d->loop) : m->ari.renewed_at;
    if (all) {
        memory_hold_clear(issuer_choice_hold(u));
    } /* else it says when all names are tried again */
    cl_free(m->last_order_url);
    m->last_order_url = NULL;
    cl_free(m->last_authorizations);
    m->last_authorizations = NULL;
    unit_memory_changed(u);
    if (r->manifest->adopted) {
        unit_event(u, false, "Adopted", "revision %ld: an existing valid pair was taken over",
                   r->manifest->revision);
        return;
    }
    unit_event(u, false, "Issued", "revision %ld issued by %s, valid until %s",
               r->manifest->revision, r->manifest->issuer_name,
               cl_time_format(r->cert.not_after, until));
    cl_strv_for_each(warning, &r->manifest->warnings) {
        unit_event(u, true, "IssuerWarning", "%s", warning);
    }
    issuer_choice_delivered(
        u, u->w->rev.manifest != NULL ? cl_str_or(u->w->rev.manifest->issuer_name, "") : "");
}
