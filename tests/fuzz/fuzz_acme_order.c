/* SPDX-License-Identifier: Apache-2.0 */
/* Any sequence of answers: the order machine gets replies, errors and timers as the bytes say, only
 * for what it has asked for. It must end each run without a crash, with every answer taken away
 * again, once it is cancelled. */
#include "backends/acme/acme_order.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <stdint.h>
#include <string.h>

#define T0 1767366245000
#define PENDING_MAX 64
#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define ORDER(state)                                                                             \
    "{\"status\":\"" state "\",\"expires\":\"2026-01-03T15:04:05Z\",\"identifiers\":[{\"type\":" \
    "\"dns\",\"value\":\"a.example\"},{\"type\":\"dns\",\"value\":\"b.example\"}],"              \
    "\"authorizations\":[\"https://ca/1\",\"https://ca/2\"],\"finalize\":\"https://ca/f\""
#define AUTHZ(state, challenge)                                                              \
    "{\"status\":\"" state "\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},"   \
    "\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca/c\",\"status\":\"" challenge \
    "\",\"token\":\"" TOKEN "\"}]}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const BODIES[] = {
    ORDER("pending") "}",
    ORDER("ready") "}",
    ORDER("processing") "}",
    ORDER("valid") ",\"certificate\":\"https://ca/cert\"}",
    ORDER("valid") "}",
    ORDER("invalid") "}",
    AUTHZ("pending", "pending"),
    AUTHZ("pending", "processing"),
    AUTHZ("valid", "valid"),
    AUTHZ("invalid", "invalid"),
    AUTHZ("expired", "pending"),
    "{\"status\":\"invalid\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},\"challenges\":[{"
    "\"type\":\"http-01\",\"url\":\"https://ca/c\",\"status\":\"invalid\",\"token\":\"" TOKEN
    "\",\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"no\"}}]}",
    "-----BEGIN CERTIFICATE-----",
    "<html>",
    "{}",
};
static const struct problem {
    enum cl_err_kind kind;
    int status;
    const char *type, *reason;
} PROBLEMS[] = {
    {CL_ERR_TRANSIENT, 0, "", "TimedOut"},
    {CL_ERR_TRANSIENT, 404, "", "NotFound"},
    {CL_ERR_TRANSIENT, 409, "urn:ietf:params:acme:error:conflict", "Conflict"},
    {CL_ERR_TRANSIENT, 403, "urn:ietf:params:acme:error:orderNotReady", "OrderNotReady"},
    {CL_ERR_PERMANENT, 400, "urn:ietf:params:acme:error:malformed", "Malformed"},
    {CL_ERR_RATE_LIMITED, 429, "urn:ietf:params:acme:error:rateLimited", "RateLimited"},
};

/* What has been asked for and not been answered. */
struct run {
    struct acme_order *o;
    struct acme_action pending[PENDING_MAX];
    size_t n;
    cl_time now;
    bool done;
};

static void step(struct run *r, struct acme_event ev)
{
    struct acme_actions actions = {0};

    ev.now = r->now;
    acme_order_step(r->o, &ev, &actions);
    for (size_t i = 0; i < actions.len; i++) {
        const struct acme_action *a = &actions.items[i];
        switch (a->type) {
        case ACT_ABORT:
            for (size_t k = 0; k < r->n;) {
                if (r->pending[k].type == ACT_REQUEST) {
                    r->pending[k] = r->pending[--r->n];
                } else {
                    k++;
                }
            }
            break;
        case ACT_RELEASE:
            for (size_t k = 0; k < r->n;) {
                if (r->pending[k].type == ACT_ADMIT && r->pending[k].index == a->index) {
                    r->pending[k] = r->pending[--r->n];
                } else {
                    k++;
                }
            }
            break;
        case ACT_DONE:
            r->done = true;
            break;
        case ACT_VERDICT:
        case ACT_FORGET:
        case ACT_STOP: /* its PRESENT is answered all the same */
            break;
        case ACT_REQUEST:
        case ACT_SAVE:
        case ACT_PRESENT:
        case ACT_CLEANUP:
        case ACT_ADMIT:
            cl_assert(r->n < PENDING_MAX);
            r->pending[r->n] = *a;
            r->pending[r->n++].payload = NULL;
            break;
        }
    }
    acme_actions_deinit(&actions);
}

static void answer(struct run *r, size_t k, uint8_t how)
{
    struct acme_action a = r->pending[k];
    const char *body = BODIES[how % (sizeof BODIES / sizeof BODIES[0])];
    const struct problem *p = &PROBLEMS[how % (sizeof PROBLEMS / sizeof PROBLEMS[0])];
    struct acme_reply reply = {.status = 200,
                               .location = how % 7 != 0 ? "https://ca/order/1" : NULL,
                               .retry_after = how % 5 == 0 ? "3" : NULL,
                               .body = body,
                               .len = strlen(body)};
    struct cl_err err;
    bool fails = how >= 0xc0;

    (void)cl_fail(&err, p->kind, p->reason, "so it is");
    err.http_status = p->status;
    (void)cl_format(err.type, sizeof err.type, "%s", p->type);
    r->pending[k] = r->pending[--r->n];
    struct acme_event ev = {.what = a.request.what, .index = a.index};
    switch (a.type) {
    case ACT_REQUEST:
        ev.type = fails ? EV_FAILED : EV_REPLY;
        ev.reply = fails ? NULL : &reply;
        break;
    case ACT_SAVE:
        ev.type = EV_SAVED;
        break;
    case ACT_PRESENT:
        ev.type = EV_PRESENTED;
        ev.miss_wait = how % 2 != 0 ? CL_MINUTE : 0;
        break;
    case ACT_CLEANUP:
        ev.type = EV_CLEANED;
        fails = false;
        break;
    case ACT_ADMIT:
        ev.type = EV_ADMITTED;
        fails = false;
        break;
    case ACT_ABORT:
    case ACT_FORGET:
    case ACT_VERDICT:
    case ACT_STOP:
    case ACT_RELEASE:
    case ACT_DONE:
        cl_impossible("such actions are not answered");
    }
    ev.err = fails ? &err : NULL;
    step(r, ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *names[] = {cl_strdup("a.example"), cl_strdup("b.example")};
    struct cert_spec spec = {.dns_names = {.items = names, .len = 2, .cap = 2}};
    struct object object = {.kind = SPEC_CERTIFICATE, .cert = &spec};
    struct solver_spec solver = {.has_http01 = true};
    struct solver_list solvers = {&solver, 1};
    struct acme_fetches fetches;
    struct acme_order_params p = {.object = &object,
                                  .solvers = &solvers,
                                  .new_order_url = "https://ca/new",
                                  .order_url = size % 2 != 0 ? "https://ca/order/1" : NULL,
                                  .thumbprint = "t",
                                  .csr = "c",
                                  .eager_first = size % 3 == 0,
                                  .fetches = &fetches};
    struct run r = {.now = T0};

    acme_fetches_init(&fetches, T0);
    r.o = acme_order_create(&p);
    step(&r, (struct acme_event){.type = EV_ENTER});
    for (size_t i = 0; i + 1 < size && !r.done; i += 2) {
        cl_time next = acme_order_next_at(r.o);
        if (data[i] % 4 == 0 && next != CL_NEVER) {
            r.now = cl_time_max(r.now, next);
            step(&r, (struct acme_event){.type = EV_TIMER});
        } else if (data[i] % 4 == 1 && r.o->state == ORDER_CHALLENGE) {
            step(&r, (struct acme_event){.type = EV_FETCHED, .index = data[i + 1] % 2});
        } else if (r.n > 0) {
            answer(&r, data[i] % r.n, data[i + 1]);
        }
    }
    if (!r.done) {
        step(&r, (struct acme_event){.type = EV_CANCEL});
    }
    while (!r.done) {
        cl_assert(r.n > 0); /* somebody is still waited for */
        answer(&r, 0, 0);
    }
    for (size_t i = 0; i < r.o->n_authz; i++) {
        enum acme_answer left = r.o->authz[i].answer;
        cl_assert(left == ANSWER_NONE || left == ANSWER_CLEANED);
    }
    acme_order_destroy(r.o);
    cl_free(names[0]);
    cl_free(names[1]);
    return 0;
}
