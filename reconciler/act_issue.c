/* SPDX-License-Identifier: Apache-2.0 */
/* act_issue: the step ISSUE from key to archived revision.
 *
 * Happy path: take over the pending record, or make key and CSR (and, for ACME, that record) ->
 * issuer->issue -> (order URL made durable on the way) -> guard -> revision committed -> memory says
 * so -> the unit is queued.
 * Every failure ends in issue_fail(): one error, one backoff, one event, one status. */
#include "reconciler/act_preflight.h"
#include "reconciler/core/backoff.h"
#include "reconciler/issue_run.h"
#include "reconciler/issuer_choice.h"
#include "reconciler/ledger_book.h"
#include "reconciler/observe.h"
#include "reconciler/publish.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_list.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define SHOW_AFTER (250 * CL_MS) /* younger orders are not worth a status write */
#define SHOW_EVERY CL_SECOND
#define SHOW_ANYWAY (10 * CL_SECOND) /* details inside a step */

static void have_key(struct cl_op *op, const struct cl_err *failed);
static void prepare(struct issue_run *r);
static void start_issuer(struct issue_run *r);
static void issued(struct cl_op *op, const struct cl_err *failed);
static void progressed(struct cl_op *op);
static void archived(struct cl_op *op, const struct cl_err *failed);
static void end(struct issue_run *r);

/* ---- start ---- */

void act_issue(struct unit *u, const struct plan *p, cl_time now)
{
    struct unit *issuer = unit_issuer(u);
    if (issuer == NULL || issuer->instance == NULL || !act_enter_line(u, issuer->instance)) {
        return; /* it went away between observe and act; or woken when a slot is given */
    }
    if (!ledger_book_reserve(u, now)) {
        act_leave_line(u);
        daemon_wake_unit(u->d, u);
        return;
    }
    struct issue_run *r = cl_new(struct issue_run);
    r->u = u;
    r->instance = instance_ref(issuer->instance);
    r->rehearsal = u->rehearsing;
    r->store_key = issuer_choice_store_key(u);
    r->started = now;
    r->show_at = now + SHOW_AFTER;
    r->unshown = true;
    r->saves = true;
    observe_inputs_hash(u, r->inputs_hash);
    u->issue = r;
    u->d->issuing++;
    if (p->trigger == REASON_URGENT_RENEWAL || p->window_overridden) {
        unit_event(u, true, reason_token(p->trigger), "%s", p->trigger_message);
    } else {
        cl_log(CL_LOG_DEBUG, u->display, reason_token(p->trigger), "issuing: %s",
               p->trigger_message);
    }
    r->by_ari = p->by_ari && (p->trigger == REASON_RENEWING || p->trigger == REASON_URGENT_RENEWAL);
    if (issue_take_pending(r)) {
        prepare(r);
        return;
    }
    issue_new_pending(r, p);
    if (p->trigger == REASON_CHAIN_CHANGED && issue_take_archived(r)) {
        start_issuer(r); /* nothing of it would have to be resumed */
        return;
    }
    issue_make_key(r);
}

void issue_make_key(struct issue_run *r)
{
    struct unit *u = r->u;
    const struct private_key_spec *k = &u->w->object->cert->private_key;
    if (k->rotation_policy == ROTATE_NEVER && u->w->rev.state == REVISION_OK) {
        struct cl_err err = {0};
        r->key_op.op = (struct cl_op){.done = have_key, .user = r};
        if (key_from_pem(cl_buf_str(&u->w->rev.key_pem), &r->key, &err) == 0) {
            have_key(&r->key_op.op, NULL);
        } else {
            issue_fail(r, &err);
        }
        return;
    }
    r->key_op.op = (struct cl_op){.done = have_key, .user = r};
    key_generate_start(r->u->d->loop, k->algorithm, k->size, &r->key_op);
}

const struct object *issue_wanted(const struct issue_run *r)
{
    if (r->reduced != NULL) {
        return r->reduced;
    }
    return r->kept != NULL ? r->kept : r->u->w->object;
}

static void have_key(struct cl_op *op, const struct cl_err *failed)
{
    struct issue_run *r = op->user;
    struct cl_err err = {0};

    if (failed != NULL) {
        issue_fail(r, failed);
        return;
    }
    if (r->key == NULL) {
        r->key = r->key_op.key;
        r->key_op.key = NULL;
    }
    struct cert_params params = {.spec = issue_wanted(r)->cert,
                                 .acme = r->instance->ops->type == ISSUER_ACME};
    if (r->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "no longer wanted");
        issue_fail(r, &err);
    } else if (key_to_pem(r->key, KEY_PKCS8, &r->pending.key_pem, &err) < 0 ||
               csr_create(&params, r->key, &r->pending.csr, &r->pending.csr_len, &err) < 0) {
        issue_fail(r, &err);
    } else {
        prepare(r);
    }
}

/* ---- the record ---- */

/* What was remembered of the unit since goes along. */
static void commit(struct issue_run *r, struct disk_batch *take_b,
                   void (*done)(struct cl_op *op, const struct cl_err *err))
{
    r->saves = false;
    r->commit = (struct cl_op){.done = done, .user = r};
    disk_commit(r->u->d->loop, take_b, &r->commit);
}

static void committed(struct issue_run *r, const struct cl_err *err)
{
    if (r->with_memory) {
        r->with_memory = false;
        unit_memory_joined(r->u, err);
    }
}

/* What an order will cost is durable before it is made. */
static void paid(struct cl_op *op, const struct cl_err *failed)
{
    struct issue_run *r = op->user;
    struct cl_err err = {0};

    if (failed != NULL) {
        issue_fail(r, failed);
    } else if (r->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "no longer wanted");
        issue_fail(r, &err);
    } else {
        start_issuer(r);
    }
}

static void pay(struct issue_run *r)
{
    r->commit = (struct cl_op){.done = paid, .user = r};
    if (!r->u->ledger.reserved || !ledger_book_sync(r->u->d->ledger, &r->commit)) {
        paid(&r->commit, NULL);
    }
}

static void prepared(struct cl_op *op, const struct cl_err *failed)
{
    struct issue_run *r = op->user;
    struct cl_err err = {0};

    committed(r, failed);
    if (failed != NULL) {
        issue_fail(r, failed);
    } else if (r->cancelled) {
        r->pending_on_disk = true;
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "no longer wanted");
        issue_fail(r, &err);
    } else {
        r->pending_on_disk = true;
        pay(r);
    }
}

/* Key and request are durable before an order is made, so that of the order only its URL must follow.
 * An issuer in this process needs none of it: what it has not finished is made anew. */
static void prepare(struct issue_run *r)
{
    bool record = r->instance->ops->type == ISSUER_ACME;

    if (!record || (r->pending_on_disk && !r->u->memory_dirty)) {
        r->saves = r->saves && !record;
        pay(r);
        return;
    }
    struct disk_batch *b = disk_batch_create();
    r->with_memory = unit_memory_join(r->u, b);
    pending_put(&r->u->d->paths, r->store_key, &r->pending, b);
    commit(r, b, prepared);
}

static void order_saved(struct cl_op *op, const struct cl_err *err)
{
    struct issue_run *r = op->user;
    struct cl_op *saved = r->saved;
    r->saved = NULL;
    cl_op_done(saved, err);
}

static void save_order(struct issue_op *issue, const char *order_url, const char *account_url,
                       struct cl_op *saved)
{
    struct issue_run *r = cl_container(issue, struct issue_run, issue);
    ledger_book_ordered(r->u, loop_now(r->u->d->loop));
    cl_free(r->pending.order_url);
    cl_free(r->pending.account_url);
    r->pending.order_url = cl_strdup(order_url);
    r->issue.order_url = r->pending.order_url;
    r->pending.account_url = cl_strdup(account_url);
    r->saved = saved;
    r->commit = (struct cl_op){.done = order_saved, .user = r};
    pending_add_order(r->u->d->loop, &r->u->d->paths, r->store_key, &r->pending, &r->commit);
}

/* ---- through the issuer ---- */

static void start_issuer(struct issue_run *r)
{
    if (issue_preflight(r, start_issuer)) {
        return;
    }
    r->issue = (struct issue_op){
        .op = {.done = issued, .changed = progressed, .user = r},
        .object = issue_wanted(r),
        .key_name = r->u->key,
        .key = r->key,
        .csr = r->pending.csr,
        .csr_len = r->pending.csr_len,
        .order_url = r->pending.order_url,
        .certificate_url = r->certificate_url,
        .replaces = observe_replaces(r->u, r->pending.issuer_identity),
        .replaces_account =
            r->u->w->rev.manifest != NULL ? r->u->w->rev.manifest->account_url : NULL,
        .save_order = save_order,
    };
    r->instance->ops->issue(r->instance->issuer, &r->issue);
}

/* A step of the order is told at once if the last telling is long ago, otherwise when it is. */
static void progressed(struct cl_op *op)
{
    struct issue_run *r = op->user;
    struct unit *u = r->u;
    const struct cl_heap_node *wake = &u->item.wake;

    r->unshown = true;
    if (loop_now(u->d->loop) >= r->show_at) {
        daemon_wake_unit(u->d, u);
    } else if (!cl_heap_contains(wake) || wake->when > r->show_at) {
        workq_add_at(&u->d->queue, &u->item, r->show_at);
        daemon_schedule(u->d);
    }
}

static struct manifest *make_manifest(struct issue_run *r, cl_time now)
{
    struct unit *u = r->u;
    struct manifest *m = cl_new(struct manifest);
    m->schema = MANIFEST_SCHEMA;
    m->revision = archive_last_revision(&u->d->paths, u->key) + 1;
    m->uid = cl_strdup(u->w->memory.uid);
    m->issuer_name = cl_strdup(r->pending.issuer_name);
    m->issuer_kind = cl_strdup(spec_kind_name(r->instance->object->kind));
    m->issuer_identity = cl_strdup(r->pending.issuer_identity);
    m->account_url = cl_strdup(r->issue.used_account_url);
    m->order_url = cl_strdup(r->issue.used_order_url);
    issue_manifest_acme(r, m);
    m->trigger = cl_strdup(r->pending.trigger);
    m->issued_at = now;
    (void)cl_format(m->spec_hash, sizeof(m->spec_hash), "%s", r->pending.spec_hash);
    m->request =
        r->reduced != NULL ? cert_request_json(r->reduced->cert) : cl_strdup(r->pending.request);
    cert_facts_copy(&m->cert, &r->cert);
    return m;
}

void issue_archive(struct issue_run *r, const char *fullchain_pem, const char *ca_pem)
{
    struct unit *u = r->u;
    struct archive_write w = {
        .key = u->key,
        .manifest = r->manifest,
        .key_pem = cl_buf_str(&r->pending.key_pem),
        .csr = r->pending.csr,
        .csr_len = r->pending.csr_len,
        .fullchain_pem = fullchain_pem,
        .ca_pem = ca_pem,
        .keep_pending = r->instance == NULL && !r->manifest->adopted,
        .keep_revisions = issue_wanted(r)->cert->revision_history_limit,
    };
    struct disk_batch *b = disk_batch_create();
    r->with_memory = unit_memory_join(u, b);
    archive_put(&u->d->paths, &w, b);
    issue_drop_all(r, b);
    commit(r, b, archived);
}

/* What it was for is known; nothing of it is kept. */
static void rehearsed(struct issue_run *r, cl_time now)
{
    issuer_choice_rehearsed(r->u, NULL, now);
    issuer_choice_hold(r->u)->not_before = now;
    unit_memory_changed(r->u);
    issue_drop_pending(r);
    end(r);
}

static void issued(struct cl_op *op, const struct cl_err *failed)
{
    struct issue_run *r = op->user;
    struct cl_err err = {0};
    cl_time now = loop_now(r->u->d->loop);

    if (failed != NULL) {
        if (!issue_anew(r, failed) && !issue_without_names(r, failed)) {
            issue_fail(r, failed);
        }
        return;
    }
    /* "Not valid yet" by a clock that is behind would be refused, and ordered again, for ever. */
    cl_time judged_at = now + cl_time_max(r->issue.skew, 0);
    if (cert_guard(r->issue.fullchain_pem, issue_wanted(r)->cert, r->key, judged_at, &r->cert,
                   &err) < 0) {
        issue_fail(r, &err);
        return;
    }
    if (r->rehearsal) {
        rehearsed(r, now);
        return;
    }
    r->manifest = make_manifest(r, now);
    issue_archive(r, r->issue.fullchain_pem, r->issue.ca_pem);
}

/* ---- ends ---- */

/* The next pass need not read from the archive what has just been written to it, nor parse what the
 * guard has looked at. */
static void keep_revision(struct issue_run *r)
{
    struct awake *w = r->u->w;

    w->memory.verified_stamp = archive_stamp(&r->u->d->paths, r->u->key);
    if (r->issue.fullchain_pem == NULL) {
        return; /* adopted: from files of others */
    }
    revision_deinit(&w->rev);
    w->rev = (struct revision){
        .state = REVISION_OK,
        .number = r->manifest->revision,
        .manifest = r->manifest,
        .fullchain_pem = r->issue.fullchain_pem,
        .ca_pem = r->issue.ca_pem,
        .key_pem = r->pending.key_pem,
        .stamp_hash = w->memory.verified_stamp,
    };
    r->manifest = NULL;
    r->issue.fullchain_pem = NULL;
    r->issue.ca_pem = NULL;
    r->pending.key_pem = (struct cl_buf){0};
    unit_revision_changed(r->u);
}

static void archived(struct cl_op *op, const struct cl_err *failed)
{
    struct issue_run *r = op->user;

    committed(r, failed);
    if (failed != NULL) {
        issue_fail(r, failed);
        return;
    }
    issue_remember_success(r);
    keep_revision(r);
    ledger_book_ended(r->u, NULL, loop_now(r->u->d->loop));
    daemon_wake_secret_users(r->u->d, r->u);
    end(r);
}

void issue_fail(struct issue_run *r, const struct cl_err *err)
{
    struct unit *u = r->u;
    cl_time now = loop_now(u->d->loop);
    char at[CL_TIME_TEXT];

    ledger_book_ended(u, err, now);
    if (err->kind == CL_ERR_CANCELLED) {
        if (!u->d->stopping && r->pending_on_disk) {
            issue_abandon(r, &r->pending);
            issue_drop_pending(r);
        }
        end(r);
        return;
    }
    if (!u->ending) {
        issue_remember_failure(r, err, now);
        unit_event(u, true, err->reason, "%s%s%s; next try %s", err->identifier,
                   err->identifier[0] != '\0' ? ": " : "", err->text,
                   issuer_choice_hold(u)->not_before == CL_NEVER
                       ? "after a change of spec, issuer or secrets"
                       : cl_time_format(issuer_choice_hold(u)->not_before, at));
        if (backoff_counts(err->kind)) {
            deploys_failed(u, err);
        }
    }
    /* The issuer names the order in its result if it is worth going on with; what it gave for a bad
     * certificate it would give again. A record without an order serves the next attempt. */
    bool useless = r->issue.used_order_url == NULL || err->kind == CL_ERR_BAD_RESULT;
    if (r->pending_on_disk && r->pending.order_url != NULL && useless) {
        issue_drop_pending(r);
    }
    end(r);
}

static void end(struct issue_run *r)
{
    struct unit *u = r->u;
    struct daemon *d = u->d;

    u->issue = NULL;
    d->issuing--;
    act_leave_line(u);
    if (r->instance != NULL) {
        instance_unref(r->instance);
    }
    object_destroy(r->kept);
    object_destroy(r->reduced);
    cl_free(r->certificate_url);
    issue_results_deinit(r);
    pending_deinit(&r->pending);
    cl_free(r->store_key);
    key_destroy(r->key);
    manifest_destroy(r->manifest);
    cert_facts_deinit(&r->cert);
    cl_free(r);
    u->issuance_shown = 0;
    publish_changed(d);
    daemon_wake_unit(d, u);
}

void act_cancel(struct unit *u)
{
    if (u->issue != NULL && !u->issue->cancelled) {
        u->issue->cancelled = true;
        cl_log(CL_LOG_INFO, u->display, "Cancelled",
               "the running issuance is stopped: its inputs are no longer wanted");
        issue_preflight_cancel(u->issue);
        cl_op_cancel(&u->issue->issue.op);
    }
}

bool act_issue_saves(const struct unit *u)
{
    return u->issue != NULL && u->issue->saves;
}

bool act_issue_keeps(struct unit *u, struct object *o)
{
    if (u->issue == NULL || u->issue->kept != NULL) {
        return false;
    }
    u->issue->kept = o;
    return true;
}

bool act_issue_stale(struct unit *u)
{
    const struct issue_run *r = u->issue;
    struct unit *issuer = unit_issuer(u);
    if (r->manifest != NULL || r->instance == NULL) {
        return false; /* being archived: nothing to win by stopping now */
    }
    return issuer == NULL || issuer->instance != r->instance ||
           !cl_streq(r->pending.request, u->w->wanted_request) ||
           !cl_streq(r->pending.profile, issue_profile(r));
}

json_t *act_issue_view(struct unit *u, cl_time now)
{
    struct issue_run *r = u->issue;
    if (r == NULL || r->instance == NULL || now < r->show_at) {
        return NULL;
    }
    r->show_at = now + SHOW_EVERY;
    r->unshown = false;
    json_t *view = r->instance->ops->view != NULL
                       ? r->instance->ops->view(r->instance->issuer, &r->issue)
                       : NULL;
    if (view == NULL) {
        view = json_object();
    }
    char at[CL_TIME_TEXT];
    (void)json_object_set_new(view, "attempt", json_integer(r->pending.attempt));
    (void)json_object_set_new(view, "startedAt", json_string(cl_time_format(r->started, at)));
    (void)json_object_set_new(view, "trigger", json_string(cl_str_or(r->pending.trigger, "")));
    (void)json_object_set_new(view, "issuerRef",
                              json_pack("{s:s}", "name", r->pending.issuer_name));
    return view;
}

cl_time act_issue_show_at(const struct unit *u)
{
    const struct issue_run *r = u->issue;
    if (r == NULL) {
        return CL_NEVER;
    }
    return r->unshown ? r->show_at : cl_time_add(r->show_at, SHOW_ANYWAY);
}

bool act_issue_told(const struct unit *u, cl_time now)
{
    return u->issue != NULL && now < u->issue->show_at;
}
