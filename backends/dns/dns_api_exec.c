/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_exec: runs one step of a description: a list of calls with `when`, `let`, `each`, paging and
 * `expand`. A small stack of frames instead of recursion, since any call may have to wait:
 *
 *   SEQUENCE  the calls of a list, one after the other
 *   EACH      `do` for every entry
 *   CALL      SEND -> (answer) -> EXPAND each id -> PAGE: SEND the next -> done
 *
 * A frame's function says API_AGAIN (look at the top frame), API_WAIT (a callback will resume),
 * API_FAILED (x->err). The end comes from a callback of the loop, never from start. */
#include "backends/dns/dns_api.h"
#include "backends/dns/dns_origin.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define PAGES_MAX 200u
#define ITEMS_MAX 200000u

static enum api_step step_sequence(struct api_exec *x, struct api_frame *f);
static enum api_step step_each(struct api_exec *x, struct api_frame *f);
static enum api_step step_call(struct api_exec *x, struct api_frame *f);

static enum api_step fail(struct api_exec *x, enum cl_err_kind kind, const char *reason,
                          const char *text)
{
    (void)cl_fail(&x->err, kind, reason, "%s", text);
    return API_FAILED;
}

static struct api_frame *push(struct api_exec *x, enum api_frame_kind kind)
{
    if (x->depth == API_FRAMES) {
        (void)fail(x, CL_ERR_PERMANENT, "ProviderInvalid", "calls are nested too deeply");
        return NULL;
    }
    struct api_frame *f = &x->frames[x->depth++];
    memset(f, 0, sizeof *f);
    f->kind = kind;
    return f;
}

static void pop(struct api_exec *x)
{
    struct api_frame *f = &x->frames[--x->depth];

    json_decref(f->list);
    json_decref(f->items);
    json_decref(f->found);
    cl_free(f->cursor);
    cl_free_secret(f->next_url);
}

static void finish(struct api_exec *x)
{
    while (x->depth > 0) {
        pop(x);
    }
    api_request_deinit(&x->request);
    x->running = false;
    x->done(x);
}

void api_exec_resume(struct api_exec *x, enum api_step how)
{
    while (how == API_AGAIN && x->depth > 0) {
        struct api_frame *f = &x->frames[x->depth - 1];
        if (x->cancelled) {
            how = fail(x, CL_ERR_CANCELLED, "Cancelled", "stopped before it was finished");
            break;
        }
        switch (f->kind) {
        case API_SEQUENCE:
            how = step_sequence(x, f);
            break;
        case API_EACH:
            how = step_each(x, f);
            break;
        case API_CALL:
            how = step_call(x, f);
            break;
        }
    }
    if (how != API_WAIT) {
        finish(x);
    }
}

static void woken(struct loop_task *t)
{
    api_exec_resume(t->user, API_AGAIN);
}

void api_exec_wake(struct api_exec *x)
{
    loop_defer(x->p->loop, &x->task, woken, x);
}

void api_exec_start(struct api_exec *x, const struct dns_calls *calls)
{
    cl_assert(!x->running);
    x->running = true;
    x->cancelled = false;
    x->absent = false;
    x->lost = false;
    memset(&x->err, 0, sizeof x->err);
    cl_list_init(&x->link);
    x->depth = 0;
    push(x, API_SEQUENCE)->calls = calls;
    api_exec_wake(x);
}

void api_exec_cancel(struct api_exec *x)
{
    if (!x->running || x->cancelled) {
        return;
    }
    x->cancelled = true;
    if (x->sending) {
        cl_op_cancel(&x->http.op);
        return;
    }
    loop_timer_stop(x->p->loop, &x->timer);
    cl_list_remove(&x->link);
    api_exec_wake(x);
}

/* ---- lists of calls ---- */

/* `let`: variables before a call. */
static int assign(struct api_exec *x, const struct dns_assign *let)
{
    struct dns_eval ev = api_eval(x->p, x->env, &x->p->secrets);

    for (size_t i = 0; i < let->len; i++) {
        struct dns_value v = {0};
        if (dns_tpl_render(let->values[i], &ev, &v, NULL, &x->err) < 0) {
            return -1;
        }
        dns_env_set(x->env, let->names[i], v);
    }
    return 0;
}

static enum api_step step_sequence(struct api_exec *x, struct api_frame *f)
{
    struct dns_eval ev = api_eval(x->p, x->env, NULL);

    if (f->at == f->calls->len) {
        pop(x);
        return API_AGAIN;
    }
    const struct dns_call *c = &f->calls->items[f->at++];
    int wanted = dns_tpl_true(c->when, &ev, &x->err);
    if (wanted < 0 || (wanted > 0 && assign(x, &c->let) < 0)) {
        return API_FAILED;
    }
    if (wanted == 0 || (c->method == NULL && c->each == NULL)) {
        return API_AGAIN;
    }
    struct api_frame *next = push(x, c->each != NULL ? API_EACH : API_CALL);
    if (next == NULL) {
        return API_FAILED;
    }
    next->call = c;
    return API_AGAIN;
}

static enum api_step step_each(struct api_exec *x, struct api_frame *f)
{
    if (f->list == NULL) {
        struct dns_eval ev = api_eval(x->p, x->env, NULL);
        struct dns_value v = {0};
        if (dns_tpl_render(f->call->each, &ev, &v, NULL, &x->err) < 0) {
            return API_FAILED;
        }
        f->list = dns_json_list(v.json);
        dns_value_deinit(&v);
    }
    if (f->at == json_array_size(f->list)) {
        pop(x);
        return API_AGAIN;
    }
    dns_env_set(x->env, f->call->each_as, dns_value_ref(json_array_get(f->list, f->at++)));
    struct api_frame *body = push(x, API_SEQUENCE);
    if (body == NULL) {
        return API_FAILED;
    }
    body->calls = &f->call->each_do;
    return API_AGAIN;
}

/* ---- one call ---- */

static const json_t *variable(const struct api_exec *x, const char *name)
{
    const struct dns_value *v = dns_env_get(x->env, name);

    return v != NULL ? v->json : NULL;
}

/* Takes the items of the page that has come. */
static enum api_step take_items(struct api_exec *x, struct api_frame *f)
{
    const struct dns_call *c = f->call;
    struct dns_eval ev = api_eval(x->p, x->env, NULL);
    struct dns_value v = {0};

    if (c->items == NULL) {
        return API_AGAIN;
    }
    if (dns_tpl_render(c->items, &ev, &v, NULL, &x->err) < 0) {
        return API_FAILED;
    }
    f->found = json_array();
    const char *key = NULL;
    json_t *member = NULL;
    if (c->values && json_is_object(v.json)) {
        json_object_foreach(v.json, key, member)
        {
            (void)json_array_append(f->found, member);
        }
    } else {
        json_decref(f->found);
        f->found = dns_json_list(v.json);
    }
    dns_value_deinit(&v);
    if (f->items == NULL) {
        f->items = json_array();
    }
    if (json_array_size(f->items) + json_array_size(f->found) > ITEMS_MAX) {
        return fail(x, CL_ERR_BAD_RESULT, "AnswerTooLong", "the list has too many entries");
    }
    if (c->expand == NULL) {
        (void)json_array_extend(f->items, f->found);
    }
    f->at = 0;
    return API_AGAIN;
}

/* The list holds ids: each is fetched by a call of its own. */
static enum api_step expand(struct api_exec *x, struct api_frame *f)
{
    if (f->state == CALL_EXPANDED) {
        const json_t *res = variable(x, "res");
        if (res != NULL && !x->absent) {
            (void)json_array_append(f->items, dns_mut(res));
        }
        x->absent = false; /* gone since it was listed */
    }
    f->state = CALL_PAGE;
    if (f->call->expand == NULL || f->at >= json_array_size(f->found)) {
        return API_AGAIN;
    }
    f->state = CALL_EXPANDED;
    dns_env_set(x->env, "item", dns_value_ref(json_array_get(f->found, f->at++)));
    const struct dns_call *c = f->call->expand;
    struct api_frame *inner = push(x, API_CALL); /* f stays where it is: frames do not move */
    if (inner == NULL) {
        return API_FAILED;
    }
    inner->call = c;
    inner->inner = true;
    return API_AGAIN;
}

/* Is there another page? 1 and what the next call needs, 0, or -1. */
static int next_page(struct api_exec *x, struct api_frame *f)
{
    const struct dns_call *c = f->call;
    struct dns_eval ev = api_eval(x->p, x->env, NULL);
    struct dns_value v = {0};
    long long last = 0;

    if (c->page == DNS_PAGE_NONE) {
        return 0;
    }
    if (c->page == DNS_PAGE_SIZE) {
        return f->found != NULL && (long)json_array_size(f->found) >= c->page_size ? 1 : 0;
    }
    if (dns_tpl_render(c->page_expr, &ev, &v, NULL, &x->err) < 0) {
        return -1;
    }
    int more = 0;
    if (c->page == DNS_PAGE_LAST) {
        bool number = dns_value_as_int(&v, &last);
        more = number && (long long)f->pages + c->page_start <= last ? 1 : 0;
    } else if (dns_value_is_true(&v)) {
        char *next = dns_value_string(&v, NULL);
        bool same = cl_streq(next, f->cursor);
        bool link = cl_str_starts(next, "https://") || cl_str_starts(next, "http://");
        cl_free(f->cursor);
        f->cursor = next;
        cl_free_secret(f->next_url);
        f->next_url = link ? cl_strdup(next) : NULL;
        more = same ? -1 : 1;
        if (same) {
            (void)fail(x, CL_ERR_BAD_RESULT, "PageLoop", "the list goes on with the page it is at");
        }
    }
    dns_value_deinit(&v);
    return more;
}

/* What a login sets is session.NAME for all who come after it, and is masked from now on. */
static void keep_session(struct api_exec *x, const struct dns_assign *set)
{
    for (size_t i = 0; i < set->len; i++) {
        const struct dns_value *v = dns_env_get(x->env, set->names[i]);
        struct dns_value kept = dns_value_copy(v);
        char *name = cl_printf("session.%s", set->names[i]);
        kept.secret = true;
        dns_env_set(&x->p->session.env, name, kept);
        cl_free(name);
    }
}

/* All pages are there: the variables that later calls see. */
static enum api_step conclude(struct api_exec *x, struct api_frame *f)
{
    if (!f->inner) {
        dns_env_set(x->env, "items", dns_value_json(f->items != NULL ? f->items : json_array()));
        f->items = NULL;
    }
    if (!x->absent && assign(x, &f->call->set) < 0) {
        cl_wrap(&x->err, "set");
        return API_FAILED;
    }
    if (x->login && !x->absent) {
        keep_session(x, &f->call->set);
    }
    pop(x);
    return API_AGAIN;
}

static enum api_step step_page(struct api_exec *x, struct api_frame *f)
{
    if (!f->inner) { /* `next` and `set` may look at the items so far */
        dns_env_set(x->env, "items", dns_value_ref(f->items));
    }
    f->pages++;
    int more = x->absent ? 0 : next_page(x, f);
    if (more < 0) {
        return API_FAILED;
    }
    if (more == 0) {
        return conclude(x, f);
    }
    if (f->pages >= PAGES_MAX) {
        return fail(x, CL_ERR_BAD_RESULT, "PageLoop", "the list has more than 200 pages");
    }
    json_decref(f->found);
    f->found = NULL;
    f->state = CALL_SEND;
    f->tries = 0;
    return API_AGAIN;
}

static enum api_step step_call(struct api_exec *x, struct api_frame *f)
{
    switch (f->state) {
    case CALL_SEND:
        dns_env_set(x->env, "page", dns_value_int((long long)f->pages + f->call->page_start));
        dns_env_set(x->env, "cursor", dns_value_text(f->cursor));
        dns_env_set(x->env, "offset",
                    dns_value_int(f->items != NULL ? (long long)json_array_size(f->items) : 0));
        return api_send(x, f);
    case CALL_EXPAND:
    case CALL_EXPANDED:
        if (f->state == CALL_EXPAND && !x->absent && take_items(x, f) == API_FAILED) {
            return API_FAILED;
        }
        return expand(x, f);
    case CALL_PAGE:
        return step_page(x, f);
    }
    return API_FAILED;
}
