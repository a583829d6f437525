/* SPDX-License-Identifier: Apache-2.0 */
/* dns_persist: a challenge answered by a record that stays (draft-ietf-acme-dns-persist). Happy path: the
 * name servers are asked, the record is there, done: no provider is needed. If it is not there, it is
 * published through the provider, if the solver has one; else the error says what a person has to
 * publish. persistUntil is an expiry: what ends soon is published anew, or said to end. */
#include "backends/dns/dns_worker.h"
#include "backends/dns/wire/dns_propagation.h"
#include "backends/rt/op_later.h"
#include "backends/solvers/persist_record.h"
#include "backends/solvers/propagation_view.h"
#include "backends/solvers/solvers_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define VISIBLE_WITHIN (3 * CL_MINUTE)
#define ENDS_SOON (30 * CL_DAY)

enum persist_step {
    PERSIST_LOCATING,
    PERSIST_LOOKING,
    PERSIST_FINDING_ZONE,
    PERSIST_WRITING,
    PERSIST_PAUSING
};
struct persist {
    struct cl_list link; /* in solvers.persists */
    struct solvers *s;
    struct cl_op *op;
    enum persist_step step;
    bool cancelled, published, proved;
    char *fqdn, *target, *soa_zone, *zone, *record, *certificate;
    struct cl_strv issuers;
    char *account_url;
    struct persist_want want; /* points to the two above */
    cl_time timeout, persist_for;
    struct dns_handle *handle; /* NULL: a person publishes */
    struct dns_resolver *resolver;
    unsigned rounds, answers;
    cl_time until, deadline;
    union {
        struct dns_locate_op locate;
        struct dns_propagation_op look;
        struct dns_zone_op zone;
        struct dns_present_op present;
    } u;
    struct loop_timer timer;
    char summary[256];
    json_t *propagation; /* what each name server said last */
};

static void look(struct persist *p);
static void publish(struct persist *p);

static void persist_free(struct persist *p)
{
    cl_list_remove(&p->link);
    loop_timer_stop(p->s->loop, &p->timer);
    if (p->handle != NULL) {
        dns_handle_unref(p->handle);
    }
    json_decref(p->propagation);
    cl_strv_deinit(&p->issuers);
    cl_free(p->account_url);
    cl_free(p->fqdn);
    cl_free(p->target);
    cl_free(p->soa_zone);
    cl_free(p->zone);
    cl_free(p->record);
    cl_free(p->certificate);
    cl_free(p);
}

static void end(struct persist *p, const struct cl_err *err)
{
    struct cl_op *op = p->op;
    struct cl_err own = {0};

    if (err != NULL) {
        own = *err;
        if (own.kind != CL_ERR_CANCELLED && !cl_streq(own.reason, "DNSRecordRequired")) {
            cl_wrap(&own, "%s", p->fqdn);
        }
    }
    persist_free(p);
    cl_op_done(op, err != NULL ? &own : NULL);
}

static bool stopped(struct persist *p)
{
    struct cl_err err;

    if (!p->cancelled) {
        return false;
    }
    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
    end(p, &err);
    return true;
}

static void pause_over(struct loop_timer *t)
{
    struct persist *p = t->user;

    if (!stopped(p)) {
        look(p);
    }
}

static void cancel(struct cl_op *op)
{
    struct persist *p = op->impl;

    p->cancelled = true;
    switch (p->step) {
    case PERSIST_LOCATING:
        cl_op_cancel(&p->u.locate.op);
        break;
    case PERSIST_LOOKING:
        cl_op_cancel(&p->u.look.op);
        break;
    case PERSIST_FINDING_ZONE:
        cl_op_cancel(&p->u.zone.op);
        break;
    case PERSIST_WRITING:
        cl_op_cancel(&p->u.present.op);
        break;
    case PERSIST_PAUSING:
        loop_at(p->s->loop, &p->timer, 0, pause_over, p);
        break;
    }
}

/* ---- what the name servers show ---- */

/* Does one of the values prove the name? *ret_until: until when, 0 = always; the latest counts. */
static bool one_proves(const struct persist *p, const struct cl_strv *values, cl_time *ret_until)
{
    cl_time now = loop_now(p->s->loop);
    bool has = false;

    *ret_until = 0;
    cl_strv_for_each(value, values) {
        cl_time until = 0;
        if (!persist_record_proves(value, &p->want, now, &until)) {
            continue;
        }
        if (until == 0) {
            *ret_until = 0;
            return true;
        }
        *ret_until = cl_time_max(*ret_until, until);
        has = true;
    }
    return has;
}

/* Every server that answers has to have a record that proves the name; the earliest end counts. */
static void judge(struct persist *p, const struct dns_table *t)
{
    unsigned having = 0;
    struct dns_table shown = {.n = t->n, .rounds = t->rounds};

    shown.views = cl_calloc(t->n > 0 ? t->n : 1, sizeof *shown.views); /* only the sights differ */
    p->answers = 0;
    p->until = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct dns_view *v = &t->views[i];
        cl_time until = 0;
        shown.views[i] = *v;
        if (v->sight == DNS_SIGHT_LAME || v->sight == DNS_SIGHT_SILENT) {
            continue;
        }
        bool proves = one_proves(p, &v->values, &until);
        shown.views[i].sight = proves ? DNS_SIGHT_GOOD : DNS_SIGHT_MISSING;
        p->answers++;
        having += proves ? 1 : 0;
        if (until != 0) {
            p->until = p->until == 0 ? until : cl_time_min(p->until, until);
        }
    }
    p->proved = p->answers > 0 && having == p->answers;
    json_decref(p->propagation);
    p->propagation = propagation_view(&shown);
    cl_free(shown.views);
    (void)cl_format(p->summary, sizeof p->summary,
                    "%u of %u name servers that answer have %s IN TXT \"%s\"", having, p->answers,
                    p->fqdn, p->record);
}

static void record_required(struct persist *p)
{
    struct cl_err err = {0};

    (void)cl_fail(&err, CL_ERR_TRANSIENT, "DNSRecordRequired",
                  "publish this record, it is looked for again by itself: %s. IN TXT \"%s\"",
                  p->fqdn, p->record);
    end(p, &err);
}

/* The record is there. Does it hold long enough? */
static void proved(struct persist *p)
{
    cl_time left = p->until - loop_now(p->s->loop);
    char when[CL_TIME_TEXT];

    if (p->until == 0 || p->published) {
        end(p, NULL);
        return;
    }
    if (p->handle != NULL) {
        bool renew = p->persist_for == 0 || left < p->persist_for / 3;
        if (renew) {
            publish(p);
        } else {
            end(p, NULL);
        }
        return;
    }
    if (left < ENDS_SOON) {
        cl_log(CL_LOG_WARNING, p->certificate, "DNSRecordExpires",
               "the record %s ends at %s; publish a later one: %s. IN TXT \"%s\"", p->fqdn,
               cl_time_format(p->until, when), p->fqdn, p->record);
    }
    end(p, NULL);
}

static void not_visible(struct persist *p)
{
    cl_time now = loop_now(p->s->loop);
    struct cl_err err = {0};

    if (now >= p->deadline) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "PropagationTimedOut", "%s", p->summary);
        end(p, &err);
        return;
    }
    p->step = PERSIST_PAUSING;
    loop_at(p->s->loop, &p->timer, now + dns_round_pause(++p->rounds, false, 0), pause_over, p);
}

static void looked(struct cl_op *op, const struct cl_err *err)
{
    struct persist *p = op->user;
    struct cl_err own = {0};

    if (err == NULL && p->u.look.table != NULL) {
        judge(p, p->u.look.table);
        if (p->op->changed != NULL) {
            p->op->changed(p->op);
        }
    }
    if (stopped(p)) {
        return;
    }
    if (err != NULL) {
        end(p, err);
    } else if (p->answers == 0) {
        (void)cl_fail(&own, CL_ERR_TRANSIENT, "NameServersSilent",
                      "no name server answers for it (is outgoing port 53 blocked?)");
        end(p, &own);
    } else if (p->proved) {
        proved(p);
    } else if (p->published) {
        not_visible(p);
    } else if (p->handle != NULL) {
        publish(p);
    } else {
        record_required(p);
    }
}

static void look(struct persist *p)
{
    static const struct cl_strv ANY = {0};
    const struct dns_propagation_params params = {.mode = DNS_PROPAGATION_AUTHORITATIVE,
                                                  .once = true};

    p->step = PERSIST_LOOKING;
    p->u.look = (struct dns_propagation_op){.op = {.done = looked, .user = p}};
    dns_propagation_start(p->resolver, p->target, &ANY, &params, &p->u.look);
}

static void located(struct cl_op *op, const struct cl_err *err)
{
    struct persist *p = op->user;

    if (stopped(p)) {
        return;
    }
    if (err != NULL) {
        end(p, err);
        return;
    }
    p->target = cl_strdup(p->u.locate.target);
    p->soa_zone = cl_strdup(p->u.locate.zone);
    look(p);
}

/* ---- publish ---- */

static void written(struct cl_op *op, const struct cl_err *err)
{
    struct persist *p = op->user;

    if (err == NULL) {
        dns_worker_keep(p->u.present.claim);
    }
    if (stopped(p)) {
        return;
    }
    if (err != NULL) {
        end(p, err);
        return;
    }
    p->published = true;
    p->deadline = loop_now(p->s->loop) + p->timeout;
    look(p);
}

static void zone_found(struct cl_op *op, const struct cl_err *err)
{
    struct persist *p = op->user;

    if (stopped(p)) {
        return;
    }
    if (err != NULL) {
        end(p, err);
        return;
    }
    p->zone = cl_strdup(p->u.zone.zone);
    const struct dns_present_request req = {
        .handle = p->handle, .zone = p->zone, .fqdn = p->target, .value = p->record};
    p->step = PERSIST_WRITING;
    p->u.present = (struct dns_present_op){.op = {.done = written, .user = p}};
    dns_worker_present(p->s->dns_worker, &req, &p->u.present);
}

static void publish(struct persist *p)
{
    struct dns_provider *provider = p->handle->provider;

    p->step = PERSIST_FINDING_ZONE;
    p->u.zone = (struct dns_zone_op){
        .op = {.done = zone_found, .user = p}, .fqdn = p->target, .soa_zone = p->soa_zone};
    dns_head(provider)->ops->zone(provider, &p->u.zone);
}

/* ---- interface ---- */

static int check_offer(const struct solver_challenge *req, struct cl_err *err)
{
    if (req->issuers == NULL || req->issuers->len == 0 || req->account_url == NULL) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "ChallengeInvalid",
                       "%s: the CA does not say for which issuer the record has to be",
                       req->identifier);
    }
    if (req->account_uri != NULL && !cl_streq(req->account_uri, req->account_url)) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "ChallengeInvalid",
                       "%s: the CA wants a record for another account than ours", req->identifier);
    }
    return 0;
}

static int open_provider(struct persist *p, const struct solver_challenge *req, struct cl_err *err)
{
    struct solvers *s = p->s;
    const struct dns01_spec *spec = &req->solver->dns01;

    if (spec->type != DNS01_NONE &&
        dns_registry_open(s->dns_registry, spec, cl_str_or(req->namespace_, ""), &p->handle, err) <
            0) {
        return -1;
    }
    return dns_registry_resolver(s->dns_registry, req->solver, &p->resolver, err);
}

void dns_persist_present(struct solvers *s, const struct solver_challenge *req, struct cl_op *op)
{
    const struct dns01_spec *spec = &req->solver->dns01;
    struct persist *p = NULL;
    struct cl_err err = {0};
    cl_time now = loop_now(s->loop);

    if (check_offer(req, &err) < 0) {
        op_later(s->loop, op, &err);
        return;
    }
    p = cl_new(struct persist);
    p->s = s;
    p->op = op;
    p->persist_for = spec->persist_for;
    p->fqdn = cl_str_lower(cl_printf("_validation-persist.%s", req->identifier));
    p->certificate = cl_strdup(cl_str_or(req->certificate, ""));
    p->account_url = cl_strdup(req->account_url);
    cl_strv_copy(&p->issuers, req->issuers);
    p->want = (struct persist_want){&p->issuers, p->account_url, req->wildcard};
    p->record = persist_record_print(&p->want, spec->persist_for > 0 ? now + spec->persist_for : 0);
    cl_list_init(&p->link);
    if (open_provider(p, req, &err) < 0) {
        persist_free(p);
        op_later(s->loop, op, &err);
        return;
    }
    cl_time patience = p->handle != NULL ? p->handle->traits.propagation_timeout : 0;
    p->timeout = patience > 0 ? patience : VISIBLE_WITHIN;
    if (spec->propagation.timeout > 0) {
        p->timeout = spec->propagation.timeout;
    }
    cl_list_add_tail(&s->persists, &p->link);
    op->impl = p;
    op->cancel = cancel;
    p->step = PERSIST_LOCATING;
    p->u.locate = (struct dns_locate_op){.op = {.done = located, .user = p}};
    dns_locate_start(p->resolver, p->fqdn,
                     spec->cname_follow ? DNS_FOLLOW_EXPLICIT : DNS_FOLLOW_NEVER, &p->u.locate);
}

json_t *dns_persist_propagation(const struct solvers *s, const struct solver_challenge *req)
{
    char *fqdn = cl_str_lower(cl_printf("_validation-persist.%s", req->identifier));
    json_t *found = NULL;

    cl_list_for_each(n, &s->persists) {
        const struct persist *p = cl_container(n, struct persist, link);
        if (strcmp(p->fqdn, fqdn) == 0) {
            found = p->propagation;
        }
    }
    cl_free(fqdn);
    return json_incref(found);
}
