/* SPDX-License-Identifier: Apache-2.0 */
/* dns_worker: the rounds of a zone. What is written is decided in dns_desired; here is the order:
 * collect 300 ms, wait for a place among the zones of the credentials, lock, journal, write, answer
 * those who asked, take what was removed out of the journal, look again. A batch that fails fails for
 * all who asked in it; whatever of it may have been written stays in the set and is removed later. */
#include "backends/dns/dns_worker.h"

#include "backends/dns/dns_worker_impl.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"

#include <string.h>

#define LOCK_DIRECTORY "/run/lock"
#define LOCK_PAUSE (200 * CL_MS)
#define LOCK_PATIENCE (30 * CL_SECOND)

/* One who waits for a value. */
struct present {
    struct cl_list link;
    struct dns_zone *zone;
    struct dns_present_op *op;
    char *fqdn, *value;
    struct loop_task cancel;
};

static void timer_due(struct loop_timer *t);
static void begin(struct dns_zone *z);
static void write_batch(struct dns_zone *z);
static void end_round(struct dns_zone *z);

/* ---- zones ---- */

static bool is_kind(const struct dns_handle *h, const char *kind)
{
    return strcmp(dns_head(h->provider)->ops->kind, kind) == 0;
}

struct dns_zone *dns_zone_get(struct dns_worker *w, struct dns_handle *h, const char *name)
{
    char *key = cl_printf("%s\n%s", h->identity, name);
    struct dns_zone *z = cl_map_get(&w->zones, key);

    if (z != NULL) {
        cl_free(key);
        return z;
    }
    z = cl_new(struct dns_zone);
    z->w = w;
    z->key = key;
    z->name = cl_strdup(name);
    z->handle = dns_handle_ref(h);
    if (!is_kind(h, "responder")) { /* its records go with the process */
        z->path = dns_zone_journal_path(w, h, name);
    }
    cl_list_init(&z->presents);
    (void)cl_map_set(&w->zones, key, z);
    dns_zone_load(z);
    return z;
}

void dns_zone_free(struct dns_zone *z)
{
    size_t pos = 0;
    void *detail;

    (void)cl_map_remove(&z->w->zones, z->key);
    loop_timer_stop(z->w->loop, &z->timer);
    cl_list_remove(&z->waiting);
    dns_desired_deinit(&z->desired);
    while (cl_map_next(&z->details, &pos, NULL, &detail)) {
        dns_detail_deinit(detail);
        cl_free(detail);
    }
    cl_map_deinit(&z->details);
    cl_strv_deinit(&z->stale);
    disk_unlock(z->lock);
    dns_handle_unref(z->handle);
    cl_free(z->key);
    cl_free(z->name);
    cl_free(z->path);
    cl_free(z);
}

static struct dns_batch_rules rules_of(const struct dns_zone *z)
{
    return (struct dns_batch_rules){.values_per_name = z->handle->traits.values_per_name,
                                    .flush = z->w->flush != NULL};
}

bool dns_zone_flushed(const struct dns_zone *z)
{
    const struct dns_batch_rules now = {.values_per_name = z->handle->traits.values_per_name,
                                        .flush = true};
    cl_time due = dns_desired_due(&z->desired, &now);

    /* after a failure it is not for now: the journal has it */
    return z->step == DNS_ZONE_IDLE && !z->kept && (due == CL_NEVER || z->desired.failures > 0);
}

void dns_zone_kick(struct dns_zone *z)
{
    const struct dns_batch_rules rules = rules_of(z);
    cl_time now = loop_now(z->w->loop);

    if (z->step != DNS_ZONE_IDLE) {
        return;
    }
    cl_time due = dns_desired_due(&z->desired, &rules);
    if (due == 0 || z->kept) {
        z->window_end = z->window_end != 0 ? z->window_end : now + DNS_BATCH_WINDOW;
        due = z->window_end;
    }
    if (due == CL_NEVER && dns_desired_empty(&z->desired) && z->stale.len == 0) {
        const struct dns_provider_ops *ops = dns_head(z->handle->provider)->ops;
        if (ops->idle != NULL && z->handle->writing == 0) {
            ops->idle(z->handle->provider);
        }
        dns_zone_free(z);
        return;
    }
    loop_at(z->w->loop, &z->timer, due, timer_due, z);
}

static void timer_due(struct loop_timer *t)
{
    struct dns_zone *z = t->user;

    if (z->step == DNS_ZONE_LOCKING) {
        write_batch(z);
    } else {
        begin(z);
    }
}

/* ---- one round ---- */

static unsigned places(const struct dns_handle *h)
{
    return h->traits.sequential ? 1 : h->traits.concurrency;
}

static void begin(struct dns_zone *z)
{
    struct dns_handle *h = z->handle;

    if (places(h) > 0 && h->writing >= places(h)) {
        z->step = DNS_ZONE_WAITING;
        cl_list_add_tail(&h->waiting, &z->waiting);
        return;
    }
    h->writing++;
    z->lock_until = loop_now(z->w->loop) + LOCK_PATIENCE;
    write_batch(z);
}

/* Another certloop on this machine may be rewriting the same zone. Only those that read, change and
 * write back can hurt each other. False: look again soon. Where there is no place for locks, or for
 * too long, the write goes on: what was written is looked at again anyway. */
static bool locked(struct dns_zone *z)
{
    char hex[CL_SHA256_TEXT];
    struct cl_err err = {0};

    if (z->lock != NULL || !is_kind(z->handle, "described")) {
        return true;
    }
    char *path = cl_printf(LOCK_DIRECTORY "/certloop-dns-%.16s.lock",
                           cl_sha256_hex(z->name, strlen(z->name), hex));
    int rc = disk_lock(path, &z->lock, &err);
    cl_free(path);
    return rc == 0 || !cl_streq(err.reason, "Locked") || loop_now(z->w->loop) >= z->lock_until;
}

static void fail_batch(struct dns_zone *z, const struct cl_err *err);
static void send_batch(struct dns_zone *z);

static void journalled(struct cl_op *op, const struct cl_err *err)
{
    struct dns_zone *z = op->user;

    if (err != NULL) {
        fail_batch(z, err);
        end_round(z);
        return;
    }
    send_batch(z);
}

static void write_batch(struct dns_zone *z)
{
    const struct dns_batch_rules rules = rules_of(z);
    cl_time now = loop_now(z->w->loop);

    if (!locked(z)) {
        z->step = DNS_ZONE_LOCKING;
        loop_at(z->w->loop, &z->timer, now + LOCK_PAUSE, timer_due, z);
        return;
    }
    z->window_end = 0;
    dns_desired_batch(&z->desired, &rules, now, &z->batch);
    if (z->batch.n == 0 && z->stale.len == 0 && !z->kept) {
        end_round(z);
        return;
    }
    z->step = DNS_ZONE_JOURNALLING;
    z->kept = false;
    dns_zone_save(z, journalled);
}

static const struct dns_detail *detail_of(void *user, const char *fqdn, const char *value)
{
    return dns_zone_detail(user, fqdn, value);
}

static void applied(struct cl_op *op, const struct cl_err *err);

static void send_batch(struct dns_zone *z)
{
    z->step = DNS_ZONE_WRITING;
    z->apply = (struct dns_apply_op){.op = {.done = applied, .user = z},
                                     .zone = z->name,
                                     .changes = z->batch.changes,
                                     .n = z->batch.n,
                                     .detail = detail_of,
                                     .detail_user = z};
    if (z->batch.n == 0) {
        op_later(z->w->loop, &z->apply.op, NULL);
        return;
    }
    dns_head(z->handle->provider)->ops->apply(z->handle->provider, &z->apply);
}

static void tidied(struct cl_op *op, const struct cl_err *err)
{
    (void)err; /* a value too many in the journal is removed once more at the next start */
    end_round(op->user);
}

/* ---- those who asked ---- */

static void present_end(struct present *p, const struct cl_err *err)
{
    struct dns_present_op *op = p->op;
    struct dns_zone *z = p->zone;

    cl_list_remove(&p->link);
    loop_task_cancel(&p->cancel);
    if (err == NULL) {
        op->claim = cl_new(struct dns_claim);
        *op->claim = (struct dns_claim){.zone = z, .fqdn = p->fqdn, .value = p->value};
    } else {
        dns_desired_release(&z->desired, p->fqdn, p->value, loop_now(z->w->loop));
        cl_free(p->fqdn);
        cl_free(p->value);
    }
    cl_free(p);
    cl_op_done(&op->op, err);
}

/* Those whose value is in the batch (@err: it failed), or is there now. */
static void answer(struct cl_list *ready, const struct cl_err *err)
{
    while (!cl_list_empty(ready)) {
        present_end(cl_container(ready->next, struct present, link), err);
    }
}

static bool adds(const struct dns_batch *b, const struct present *p)
{
    for (size_t i = 0; i < b->n; i++) {
        if (strcmp(b->changes[i].fqdn, p->fqdn) == 0) {
            return cl_strv_has(&b->changes[i].add, p->value);
        }
    }
    return false;
}

static void pick(struct dns_zone *z, bool of_batch, struct cl_list *ret)
{
    cl_list_init(ret);
    cl_list_for_each(n, &z->presents) {
        struct present *p = cl_container(n, struct present, link);
        bool there = dns_desired_state(&z->desired, p->fqdn, p->value) == DNS_VALUE_PRESENT;
        if (of_batch ? adds(&z->batch, p) : there) {
            cl_list_remove(n);
            cl_list_add_tail(ret, n);
        }
    }
}

static void fail_batch(struct dns_zone *z, const struct cl_err *err)
{
    struct cl_list failed;
    struct cl_err own = *err; /* @err ends with the op that brought it */

    pick(z, true, &failed);
    if (z->step == DNS_ZONE_WRITING) {
        dns_desired_done(&z->desired, &z->batch, false, loop_now(z->w->loop));
    } else {
        dns_desired_undo(&z->desired, &z->batch);
    }
    answer(&failed, &own);
}

static void applied(struct cl_op *op, const struct cl_err *err)
{
    struct dns_zone *z = op->user;
    struct cl_list ready;
    bool removed = z->batch.removes;

    if (err != NULL) {
        fail_batch(z, err);
        end_round(z);
        return;
    }
    dns_desired_done(&z->desired, &z->batch, true, loop_now(z->w->loop));
    dns_zone_trim_details(z);
    pick(z, false, &ready);
    answer(&ready, NULL);
    const struct dns_batch_rules rules = rules_of(z);
    if ((!removed && !z->kept) || dns_desired_due(&z->desired, &rules) == 0) {
        end_round(z); /* the next write brings the journal up to date */
        return;
    }
    z->step = DNS_ZONE_TIDYING;
    z->kept = false;
    dns_zone_save(z, tidied);
}

/* Gives the place on, and looks at the zone again. */
static void end_round(struct dns_zone *z)
{
    struct dns_worker *w = z->w;
    struct dns_handle *h = z->handle;

    disk_unlock(z->lock);
    z->lock = NULL;
    h->writing--;
    z->step = DNS_ZONE_IDLE;
    if (!cl_list_empty(&h->waiting)) {
        struct dns_zone *next = cl_container(h->waiting.next, struct dns_zone, waiting);
        cl_list_remove(&next->waiting);
        next->step = DNS_ZONE_IDLE;
        begin(next);
    }
    dns_zone_kick(z);
    dns_worker_flush_check(w);
}

/* ---- interface ---- */

static void present_cancelled(struct loop_task *t)
{
    struct present *p = t->user;
    struct dns_zone *z = p->zone;
    struct cl_err err;

    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was written");
    present_end(p, &err);
    dns_zone_kick(z);
}

static void present_cancel(struct cl_op *op)
{
    struct present *p = op->impl;

    loop_defer(p->zone->w->loop, &p->cancel, present_cancelled, p);
}

/* The value is there already. */
static void present_there(struct loop_task *t)
{
    present_end(t->user, NULL);
}

void dns_worker_present(struct dns_worker *w, const struct dns_present_request *req,
                        struct dns_present_op *op)
{
    struct dns_zone *z = dns_zone_get(w, req->handle, req->zone);
    struct present *p = cl_new(struct present);

    p->zone = z;
    p->op = op;
    p->fqdn = cl_strdup(req->fqdn);
    p->value = cl_strdup(req->value);
    op->claim = NULL;
    op->waits = false;
    op->op.impl = p;
    op->op.cancel = present_cancel;
    dns_desired_add(&z->desired, req->fqdn, req->value);
    dns_zone_set_detail(z, req->fqdn, req->value, req->detail);
    cl_list_add_tail(&z->presents, &p->link);
    if (dns_desired_state(&z->desired, req->fqdn, req->value) == DNS_VALUE_PRESENT) {
        op->op.cancel = NULL;
        loop_defer(w->loop, &p->cancel, present_there, p);
        return;
    }
    op->waits = !dns_desired_has_room(&z->desired, req->fqdn, req->value,
                                      z->handle->traits.values_per_name);
    dns_zone_kick(z);
}

void dns_worker_release(struct dns_claim *claim)
{
    if (claim == NULL) {
        return;
    }
    struct dns_zone *z = claim->zone;
    dns_desired_release(&z->desired, claim->fqdn, claim->value, loop_now(z->w->loop));
    cl_free(claim->fqdn);
    cl_free(claim->value);
    cl_free(claim);
    dns_zone_kick(z);
}

void dns_worker_keep(struct dns_claim *claim)
{
    if (claim == NULL) {
        return;
    }
    struct dns_zone *z = claim->zone;
    dns_desired_keep(&z->desired, claim->fqdn, claim->value);
    z->kept = true;
    cl_free(claim->fqdn);
    cl_free(claim->value);
    cl_free(claim);
    dns_zone_kick(z);
}
