/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_fixture: an order machine under test. Events go in by short helpers; the actions that
 * come out are compared as text: "newOrder", "save", "authorization/0 authorization/1", ... */
#ifndef ACME_ORDER_FIXTURE_H
#define ACME_ORDER_FIXTURE_H

#include "backends/acme/acme_order.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "tests/unit/acme_fixture.h"

#define T0 1767366245000 /* 2026-01-02T15:04:05Z */
#define EXPIRES "2026-01-03T15:04:05Z"
#define ORDER_URL "https://ca/order/1"
#define URN "urn:ietf:params:acme:error:"
#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"

struct order_test {
    struct cert_spec spec;
    struct object object;
    struct solver_spec solver;
    struct solver_list solvers;
    struct acme_fetches fetches;
    struct acme_order_params p;
    struct acme_order *o;
    cl_time now;
    struct acme_actions actions; /* of the last step */
    char *payload;               /* of the last request */
};

static inline int order_setup(void **state)
{
    struct order_test *t = cl_new(struct order_test);

    t->now = T0;
    t->object = (struct object){.kind = SPEC_CERTIFICATE, .cert = &t->spec};
    t->object.metadata.name = cl_strdup("web");
    t->object.metadata.namespace_ = cl_strdup("");
    t->solver.has_http01 = true;
    t->solvers = (struct solver_list){.items = &t->solver, .len = 1};
    acme_fetches_init(&t->fetches, T0);
    t->p = (struct acme_order_params){.object = &t->object,
                                      .solvers = &t->solvers,
                                      .new_order_url = "https://ca/new-order",
                                      .thumbprint = "thumb",
                                      .csr = "MIIC",
                                      .fetches = &t->fetches};
    cl_strv_add(&t->spec.dns_names, "a.example");
    *state = t;
    return 0;
}

static inline int order_teardown(void **state)
{
    struct order_test *t = *state;

    acme_order_destroy(t->o);
    acme_actions_deinit(&t->actions);
    cl_free(t->payload);
    cl_free(t->object.metadata.name);
    cl_free(t->object.metadata.namespace_);
    cl_strv_deinit(&t->spec.dns_names);
    cl_strv_deinit(&t->spec.ip_addresses);
    cl_free(t);
    return 0;
}

static inline void order_describe(struct cl_buf *b, const struct acme_action *a)
{
    static const char *const NAMES[] = {
        [ACT_REQUEST] = "",        [ACT_ABORT] = "abort",     [ACT_SAVE] = "save",
        [ACT_PRESENT] = "present", [ACT_CLEANUP] = "cleanup", [ACT_ADMIT] = "admit",
        [ACT_VERDICT] = "verdict", [ACT_RELEASE] = "release", [ACT_DONE] = "done",
        [ACT_STOP] = "stop",       [ACT_FORGET] = "forget",
    };
    bool indexed = a->type == ACT_REQUEST
                       ? a->request.what == ACME_AUTHZ || a->request.what == ACME_CHALLENGE ||
                             a->request.what == ACME_DEACTIVATE
                       : a->type != ACT_ABORT && a->type != ACT_SAVE && a->type != ACT_DONE &&
                             a->type != ACT_FORGET;

    (void)cl_buf_adds(b, b->len > 0 ? " " : "");
    (void)cl_buf_adds(b, a->type == ACT_REQUEST ? acme_what_name(a->request.what) : NAMES[a->type]);
    if (indexed) {
        (void)cl_buf_addf(b, "/%zu", a->index);
    }
    if (a->type == ACT_VERDICT) {
        (void)cl_buf_adds(b, a->ok ? "+" : "-");
    }
}

/* One event; the actions must read like @wanted. */
static inline void order_event(struct order_test *t, struct acme_event ev, const char *wanted)
{
    struct cl_buf text;

    acme_actions_deinit(&t->actions);
    ev.now = t->now;
    acme_order_step(t->o, &ev, &t->actions);
    cl_buf_init(&text, 4096);
    for (size_t i = 0; i < t->actions.len; i++) {
        const struct acme_action *a = &t->actions.items[i];
        order_describe(&text, a);
        if (a->type == ACT_REQUEST) {
            cl_free(t->payload);
            t->payload = cl_strdup(a->request.payload);
        }
    }
    assert_string_equal(cl_buf_str(&text), wanted);
    cl_buf_deinit(&text);
}

static inline void order_start(struct order_test *t, const char *wanted)
{
    t->o = acme_order_create(&t->p);
    order_event(t, (struct acme_event){.type = EV_ENTER}, wanted);
}

/* A 2xx reply. @retry_after may be NULL. */
static inline void order_reply_after(struct order_test *t, enum acme_what what, size_t index,
                                     const char *retry_after, const char *body, const char *wanted)
{
    struct acme_reply r = {.status = 200,
                           .location = what == ACME_NEW_ORDER ? ORDER_URL : NULL,
                           .retry_after = retry_after,
                           .body = body,
                           .len = strlen(body)};

    order_event(t, (struct acme_event){.type = EV_REPLY, .what = what, .index = index, .reply = &r},
                wanted);
}

static inline void order_reply(struct order_test *t, enum acme_what what, size_t index,
                               const char *body, const char *wanted)
{
    order_reply_after(t, what, index, NULL, body, wanted);
}

static inline struct cl_err order_problem(enum cl_err_kind kind, int status, const char *type)
{
    struct cl_err err;

    (void)cl_fail(&err, kind, "Reason", "detail of %s", type);
    err.http_status = status;
    if (type[0] != '\0') {
        (void)cl_format(err.type, sizeof err.type, URN "%s", type);
    }
    return err;
}

static inline void order_fails(struct order_test *t, enum acme_what what, size_t index,
                               struct cl_err err, const char *wanted)
{
    order_event(t,
                (struct acme_event){.type = EV_FAILED, .what = what, .index = index, .err = &err},
                wanted);
}

/* An event without more than an index. */
static inline void order_tell(struct order_test *t, enum acme_event_type type, size_t index,
                              const char *wanted)
{
    order_event(t, (struct acme_event){.type = type, .index = index}, wanted);
}

/* The machine wants its timer at T0 + @after; it comes. */
static inline void order_timer(struct order_test *t, cl_time after, const char *wanted)
{
    assert_int_equal(acme_order_next_at(t->o) - T0, after);
    t->now = T0 + after;
    order_tell(t, EV_TIMER, 0, wanted);
}

/* JSON of the CA; results stay valid until the fourth further call. */
static inline const char *order_text(char *take_text)
{
    static char ring[4][2048];
    static unsigned next;
    char *slot = ring[next++ % 4];

    assert_int_equal(cl_format(slot, sizeof ring[0], "%s", take_text), 0);
    cl_free(take_text);
    return slot;
}

/* An order for the names of the spec; @more: further members, starting with a comma. */
static inline const char *ca_order(const struct order_test *t, const char *status, const char *more)
{
    struct cl_buf b;

    cl_buf_init(&b, 4096);
    (void)cl_buf_addf(&b, "{\"status\":\"%s\",\"expires\":\"" EXPIRES "\",\"identifiers\":[",
                      status);
    for (size_t i = 0; i < t->spec.dns_names.len; i++) {
        (void)cl_buf_addf(&b, "%s{\"type\":\"dns\",\"value\":\"%s\"}", i > 0 ? "," : "",
                          t->spec.dns_names.items[i]);
    }
    (void)cl_buf_adds(&b, "],\"authorizations\":[");
    for (size_t i = 0; i < t->spec.dns_names.len; i++) {
        (void)cl_buf_addf(&b, "%s\"https://ca/authz/%zu\"", i > 0 ? "," : "", i);
    }
    (void)cl_buf_addf(&b, "],\"finalize\":\"https://ca/finalize/1\"%s}", more);
    return order_text(cl_buf_take(&b));
}

static inline const char *ca_authz(const char *name, const char *status,
                                   const char *challenge_status)
{
    return order_text(cl_printf(
        "{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":\"%s\"},\"challenges\":["
        "{\"type\":\"dns-01\",\"url\":\"https://ca/c/dns\",\"status\":\"pending\",\"token\":"
        "\"" TOKEN "\"},{\"type\":\"http-01\",\"url\":\"https://ca/c/http\",\"status\":\"%s\","
        "\"token\":\"" TOKEN "\"}]}",
        status, name, challenge_status));
}

static inline const char *ca_failed_authz(const char *name, const char *type)
{
    return order_text(cl_printf(
        "{\"status\":\"invalid\",\"identifier\":{\"type\":\"dns\",\"value\":\"%s\"},"
        "\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca/c/http\",\"status\":"
        "\"invalid\",\"token\":\"" TOKEN "\",\"error\":{\"type\":\"" URN "%s\",\"detail\":"
        "\"it went wrong\"}}]}",
        name, type));
}

#define CERTIFICATE ",\"certificate\":\"https://ca/cert/1\""
#define CHAIN "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

/* A new order up to the state CHALLENGE, one name. */
static inline void order_to_challenge(struct order_test *t)
{
    order_start(t, "newOrder");
    order_reply(t, ACME_NEW_ORDER, 0, ca_order(t, "pending", ""), "save");
    order_tell(t, EV_SAVED, 0, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "pending", "pending"), "present/0");
    order_tell(t, EV_PRESENTED, 0, "admit/0");
}

/* ... and told to the CA. */
static inline void order_to_watching(struct order_test *t)
{
    order_to_challenge(t);
    order_tell(t, EV_ADMITTED, 0, "challenge/0");
    order_reply(t, ACME_CHALLENGE, 0, "{}", "");
}

/* ... and valid, finalize sent. */
static inline void order_to_finalize(struct order_test *t)
{
    order_to_watching(t);
    order_timer(t, CL_SECOND, "authorization/0");
    order_reply(t, ACME_AUTHZ, 0, ca_authz("a.example", "valid", "valid"), "verdict/0+ finalize");
}

#endif
