/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_apply: brings names of one zone to what is wanted, as a loop that converges:
 *
 *   zone -> read every name -> plan -> write (dns_api_write.c) -> commit -> done
 *             ^                          |
 *             +--- an answer was lost, something changed meanwhile, or a written set is verified
 *
 * Reading first makes it safe to repeat, and to go on after a lost answer: what is there already is
 * not written again. Sets that are written as a whole are read again afterwards, since a writer who
 * had read before us may have written after us. */
#include "backends/dns/dns_api.h"
#include "backends/dns/lang/dns_encode.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define ROUNDS_MAX 4u

static void read_next(struct api_run *run);
static void read_done(struct api_run *run);
static void plan(struct api_run *run);
static void commit(struct api_run *run);
static void finished(struct api_run *run);

static void prepare_targets(struct api_run *run)
{
    const struct dns_apply_op *op = cl_container(run->op, struct dns_apply_op, op);

    run->targets = cl_calloc(op->n + 1, sizeof *run->targets);
    for (; run->n_targets < op->n; run->n_targets++) {
        struct api_target *t = &run->targets[run->n_targets];
        t->change = &op->changes[run->n_targets];
        t->env.up = &run->env;
    }
}

static void zone_known(struct api_run *run)
{
    long ttl = dns_description_ttl(run->p->d, run->p->ttl);

    dns_env_set(&run->env, "ttl", dns_value_int(ttl));
    for (size_t i = 0; i < run->n_targets; i++) {
        struct api_target *t = &run->targets[i];
        api_env_name(run->p, &t->env, t->change->fqdn, run->zone);
    }
    if (run->n_targets > 0) {
        api_env_name(run->p, &run->env, run->targets[0].change->fqdn, run->zone);
    }
    run->at = 0;
    read_next(run);
}

/* ---- reading ---- */

static void read_next(struct api_run *run)
{
    const struct dns_api *a = run->p->a;

    if (!run->p->d->lists || run->at == run->n_targets) {
        plan(run);
        return;
    }
    struct api_target *t = &run->targets[run->at];
    api_target_reset(t);
    if (run->at > 0 && !a->get_by_name) { /* one answer holds all names */
        t->absent = run->targets[0].absent;
        dns_env_set(&t->env, "items", dns_value_ref(run->targets[0].items));
        read_done(run);
        return;
    }
    static const char *const STEPS[] = {"records.list", "rrset.get", "delta.list", "zonefile.get",
                                        "slot"};
    api_run_step(run, STEPS[run->p->d->model], &a->get, &t->env, read_done);
}

static void read_done(struct api_run *run)
{
    struct api_target *t = &run->targets[run->at];
    struct cl_err err = {0};

    if (run->at == 0 || run->p->a->get_by_name) {
        t->absent = run->exec.absent;
    }
    if (api_read_records(run, t, &err) < 0) {
        cl_wrap(&err, "%s.item", dns_model_name(run->p->d->model));
        api_run_end(run, &err);
        return;
    }
    run->at++;
    read_next(run);
}

/* ---- planning ---- */

static void plan(struct api_run *run)
{
    struct cl_err err = {0};
    bool dirty = false;

    for (size_t i = 0; i < run->n_targets; i++) {
        struct api_target *t = &run->targets[i];
        api_plan_target(run, t);
        dirty = dirty || t->adds.len > 0 || t->removes.len > 0;
    }
    if (!dirty) {
        commit(run);
        return;
    }
    if (++run->rounds > ROUNDS_MAX) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "ProviderLostWrite",
                      "%s: what was written is not there when it is read again",
                      dns_model_name(run->p->d->model));
        api_run_end(run, &err);
        return;
    }
    if (run->verifying && run->rounds == 2) { /* lists lag behind: one more look before writing */
        run->at = 0;
        api_run_later(run, CL_SECOND, read_next);
        return;
    }
    if (run->p->d->model == DNS_ZONEFILE && api_zonefile_guard(run, &err) < 0) {
        api_run_end(run, &err);
        return;
    }
    run->at = 0;
    api_write(run);
}

void api_apply_again(struct api_run *run, const struct cl_err *why)
{
    if (run->rounds >= ROUNDS_MAX) {
        api_run_end(run, why);
        return;
    }
    run->at = 0;
    if (!run->p->d->lists) { /* nothing to read: writing values by content may be repeated */
        for (size_t i = 0; i < run->n_targets; i++) {
            api_target_reset(&run->targets[i]);
        }
    }
    api_run_later(run, CL_SECOND << (run->rounds - 1), read_next);
}

void api_apply_written(struct api_run *run)
{
    enum dns_model model = run->p->d->model;

    run->wrote = true;
    (void)cl_map_set(&run->p->uncommitted, run->zone, run->p);
    if (model == DNS_RRSET || model == DNS_ZONEFILE) {
        run->verifying = true;
        run->at = 0;
        api_run_later(run, 200 * CL_MS, read_next);
        return;
    }
    commit(run);
}

/* ---- the end ---- */

static void commit(struct api_run *run)
{
    if (run->p->a->commit.len == 0 || cl_map_get(&run->p->uncommitted, run->zone) == NULL) {
        finished(run);
        return;
    }
    run->at = 0;
    api_run_step(run, "commit", &run->p->a->commit, &run->env, finished);
}

static void finished(struct api_run *run)
{
    (void)cl_map_remove(&run->p->uncommitted, run->zone);
    api_run_end(run, NULL);
}

void api_apply_start(struct dns_provider *provider, struct dns_apply_op *op)
{
    struct api *p = (struct api *)(void *)provider;
    struct api_run *run = api_run_new(p, RUN_APPLY, &op->op);

    run->wanted_zone = dns_name_plain(op->zone);
    run->fqdn = op->n > 0 ? dns_name_plain(op->changes[0].fqdn) : cl_strdup(op->zone);
    prepare_targets(run);
    api_run_zone(run, zone_known);
}

/* ---- dns_list ---- */

/* What is listed is one target without a change. */
static void list_read(struct api_run *run)
{
    struct dns_list_op *op = cl_container(run->op, struct dns_list_op, op);
    struct api_target *t = &run->targets[0];
    struct cl_err err = {0};

    t->absent = run->exec.absent;
    if (api_read_records(run, t, &err) < 0) {
        api_run_end(run, &err);
        return;
    }
    struct cl_strv values = {0};
    for (size_t i = 0; i < t->n_records; i++) {
        cl_strv_add(&values, t->records[i].value);
    }
    op->values = values;
    api_run_end(run, NULL);
    cl_strv_deinit(&values);
}

static void list_zone(struct api_run *run)
{
    struct api_target *t = &run->targets[0];

    dns_env_set(&run->env, "ttl", dns_value_int(dns_description_ttl(run->p->d, run->p->ttl)));
    api_env_name(run->p, &t->env, t->change->fqdn, run->zone);
    api_run_step(run, "list", &run->p->a->get, &t->env, list_read);
}

void api_list_start(struct dns_provider *provider, struct dns_list_op *op)
{
    struct api *p = (struct api *)(void *)provider;
    struct api_run *run = api_run_new(p, RUN_LIST, &op->op);

    memset(&op->values, 0, sizeof op->values);
    run->wanted_zone = dns_name_plain(op->zone);
    run->fqdn = dns_name_plain(op->fqdn);
    run->targets = cl_calloc(1, sizeof *run->targets);
    run->n_targets = 1;
    run->targets[0].env.up = &run->env;
    run->list_change.fqdn = run->fqdn;
    run->targets[0].change = &run->list_change;
    api_run_zone(run, list_zone);
}
