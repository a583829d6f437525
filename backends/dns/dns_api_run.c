/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_run: the frame of every operation: one exec after the other, an end with a message that names
 * provider and step, cancelling. */
#include "backends/dns/dns_api.h"
#include "backends/dns/lang/dns_encode.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void cancel(struct cl_op *op)
{
    struct api_run *run = op->impl;

    if (run->exec.running) {
        api_exec_cancel(&run->exec);
        return;
    }
    if (run->timing) { /* let it end in the timer, now */
        (void)cl_fail(&run->err, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
        loop_at(run->p->loop, &run->timer, 1, run->timer.fn, run);
    }
}

struct api_run *api_run_new(struct api *p, enum api_run_kind kind, struct cl_op *op)
{
    struct api_run *run = cl_new(struct api_run);

    run->p = p;
    run->kind = kind;
    run->op = op;
    run->env.up = &p->session.env;
    op->impl = run;
    op->cancel = cancel;
    cl_list_add_tail(&p->runs, &run->link);
    return run;
}

static void run_free(struct api_run *run)
{
    for (size_t i = 0; i < run->n_targets; i++) {
        api_target_deinit(&run->targets[i]);
    }
    cl_free(run->targets);
    json_decref(run->changes);
    dns_env_deinit(&run->env);
    cl_strv_deinit(&run->candidates);
    cl_free(run->fqdn);
    cl_free(run->soa_zone);
    cl_free(run->wanted_zone);
    cl_free(run->zone);
    cl_free(run);
}

void api_run_end(struct api_run *run, const struct cl_err *err)
{
    struct cl_op *op = run->op;
    struct cl_err copy;

    cl_list_remove(&run->link);
    loop_timer_stop(run->p->loop, &run->timer);
    if (err != NULL) {
        copy = *err;
        cl_wrap(&copy, "%s", run->p->d->name);
        api_redact(run->p, NULL, copy.text);
        err = &copy;
    }
    cl_op_done(op, err);
    run_free(run);
}

static void exec_done(struct api_exec *x)
{
    struct api_run *run = x->user;

    if (x->err.kind != CL_ERR_NONE) {
        cl_wrap(&x->err, "%s", x->step);
        api_run_end(run, &x->err);
        return;
    }
    run->next(run);
}

static void exec_tried(struct api_exec *x)
{
    struct api_run *run = x->user;

    if (x->err.kind == CL_ERR_CANCELLED) {
        api_run_end(run, &x->err);
        return;
    }
    if (x->err.kind != CL_ERR_NONE) {
        cl_wrap(&x->err, "%s", x->step);
    }
    run->next(run);
}

static void start(struct api_run *run, const char *step, const struct dns_calls *calls,
                  struct dns_env *env, void (*done)(struct api_exec *x))
{
    struct api_exec *x = &run->exec;

    x->p = run->p;
    x->user = run;
    x->done = done;
    x->step = step;
    x->env = env;
    x->zone = run->zone;
    x->fqdn = run->at < run->n_targets ? run->targets[run->at].change->fqdn : run->fqdn;
    x->once = false;
    api_exec_start(x, calls);
}

void api_run_step(struct api_run *run, const char *step, const struct dns_calls *calls,
                  struct dns_env *env, void (*next)(struct api_run *run))
{
    run->next = next;
    start(run, step, calls, env, exec_done);
}

void api_run_try(struct api_run *run, const char *step, const struct dns_calls *calls,
                 struct dns_env *env, void (*next)(struct api_run *run))
{
    run->next = next;
    start(run, step, calls, env, exec_tried);
}

static void timer_fired(struct loop_timer *t)
{
    struct api_run *run = t->user;

    run->timing = false;
    if (run->err.kind == CL_ERR_CANCELLED) {
        api_run_end(run, &run->err);
        return;
    }
    run->next(run);
}

void api_run_later(struct api_run *run, cl_time delay, void (*next)(struct api_run *run))
{
    run->next = next;
    run->timing = true;
    loop_at(run->p->loop, &run->timer, loop_now(run->p->loop) + delay, timer_fired, run);
}

void api_env_name(const struct api *p, struct dns_env *env, const char *fqdn, const char *zone)
{
    json_t *name = json_object();
    char *dot = cl_printf("%s.", fqdn);
    size_t n = strlen(fqdn);
    size_t z = strlen(zone);
    bool below = dns_is_within(fqdn, zone) && n > z;

    (void)json_object_set_new(name, "fqdn", json_string(fqdn));
    (void)json_object_set_new(name, "dot", json_string(dot));
    (void)json_object_set_new(name, "rel",
                              below    ? json_stringn(fqdn, n - z - 1)
                              : n == z ? json_string(p->a->apex)
                                       : json_string(fqdn));
    (void)json_object_set_new(name, "label", json_stringn(fqdn, strcspn(fqdn, ".")));
    dns_env_set(env, "name", dns_value_json(name));
    cl_free(dot);
}
