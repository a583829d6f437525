/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_session: one login for each set of credentials. Whoever needs the session while one call logs in
 * waits for it; the provider sees one login. */
#include "backends/dns/dns_api.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define EARLY (10 * CL_SECOND) /* a session is renewed this long before it ends */

static void logged_in(struct api_exec *x);
static void logged_out(struct api_exec *x);

static struct api_exec *make_exec(struct api *p, const char *step, void (*done)(struct api_exec *))
{
    struct api_exec *x = cl_new(struct api_exec);

    x->p = p;
    x->env = cl_new(struct dns_env);
    x->env->up = &p->session.env;
    x->step = step;
    x->login = true;
    x->done = done;
    cl_list_init(&x->link);
    p->session.exec = x;
    return x;
}

static void free_exec(struct api_exec *x)
{
    x->p->session.exec = NULL;
    dns_env_deinit(x->env);
    cl_free(x->env);
    cl_free(x);
}

enum api_step api_session_need(struct api_exec *x)
{
    struct api *p = x->p;
    struct api_session *s = &p->session;
    cl_time now = loop_now(p->loop);

    if (!p->a->has_login) {
        return API_DONE;
    }
    if (s->state == API_LOGGED_IN && s->expires != 0 && now >= s->expires) {
        s->state = API_LOGGED_OUT;
    }
    if (s->state == API_LOGGED_IN) {
        return API_DONE;
    }
    cl_list_add_tail(&s->waiting, &x->link);
    if (s->state == API_LOGGED_OUT && s->exec == NULL) {
        s->state = API_LOGGING_IN;
        dns_env_deinit(&s->env);
        api_exec_start(make_exec(p, "login", logged_in), &p->a->login.calls);
    }
    return API_WAIT;
}

void api_session_drop(struct api *p, unsigned generation)
{
    if (p->session.state == API_LOGGED_IN && p->session.generation == generation) {
        p->session.state = API_LOGGED_OUT;
    }
}

/* `expires` from the answer (seconds from now, as number or text), else from the description. */
static cl_time end_of(const struct api *p, const struct api_exec *x)
{
    cl_time now = loop_now(p->loop);
    const struct dns_value *v = NULL;
    long long seconds = 0;

    for (size_t i = 0; i < x->env->len; i++) {
        v = cl_streq(x->env->vars[i].name, "expires") ? &x->env->vars[i].value : v;
    }
    cl_time life = p->a->login.expires;
    if (v != NULL && dns_value_as_int(v, &seconds) && seconds > 0 && seconds < 315360000) {
        life = seconds * CL_SECOND;
    }
    if (life == 0) {
        return 0;
    }
    return now + (life > 2 * EARLY ? life - EARLY : life / 2);
}

static void release(struct api *p, const struct cl_err *err)
{
    while (!cl_list_empty(&p->session.waiting)) {
        struct api_exec *x = cl_container(p->session.waiting.next, struct api_exec, link);
        cl_list_remove(&x->link);
        if (err != NULL) {
            x->err = *err;
            x->err.kind = err->kind == CL_ERR_CANCELLED ? CL_ERR_TRANSIENT : err->kind;
            api_exec_resume(x, API_FAILED);
        } else {
            api_exec_wake(x);
        }
    }
}

static void logged_in(struct api_exec *x)
{
    struct api *p = x->p;
    struct cl_err err = x->err;

    if (err.kind == CL_ERR_NONE) {
        p->session.expires = end_of(p, x);
        p->session.state = API_LOGGED_IN;
        p->session.generation++;
    } else {
        p->session.state = API_LOGGED_OUT;
        cl_wrap(&err, "login");
    }
    free_exec(x);
    if (p->dying) {
        api_free(p);
        return;
    }
    release(p, err.kind == CL_ERR_NONE ? NULL : &err);
}

void api_session_idle(struct api *p)
{
    if (p->session.state != API_LOGGED_IN || p->session.exec != NULL ||
        p->a->login.logout.len == 0 || !cl_list_empty(&p->runs)) {
        return;
    }
    p->session.state = API_LOGGED_OUT;
    api_exec_start(make_exec(p, "login.logout", logged_out), &p->a->login.logout);
}

/* A failed logout changes nothing: the session ends by itself. Somebody may have come meanwhile. */
static void logged_out(struct api_exec *x)
{
    struct api *p = x->p;

    free_exec(x);
    if (p->dying) {
        api_free(p);
        return;
    }
    if (p->settling) {
        loop_stop(p->loop);
    }
    if (!cl_list_empty(&p->session.waiting)) {
        struct api_exec *first = cl_container(p->session.waiting.next, struct api_exec, link);
        cl_list_remove(&first->link);
        api_exec_wake(first);
    }
}

void api_session_deinit(struct api *p)
{
    cl_assert(p->session.exec == NULL);
    dns_env_deinit(&p->session.env);
}
