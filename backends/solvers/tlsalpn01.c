/* SPDX-License-Identifier: Apache-2.0 */
/* tlsalpn01: one table of answers by server name, shown by every listener (RFC 8737; addresses: RFC
 * 8738 6). A listener starts with the first challenge that needs it and is kept: the next renewal
 * comes.
 *
 * A name can have one answer at a time. Who comes with another waits until the first is taken away
 * (solvers_waits), as TXT records of one value do. */
#include "backends/crypto/cert_alpn.h"
#include "backends/net/alpn_server.h"
#include "backends/rt/op_later.h"
#include "backends/solvers/solvers_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_ip.h"

#include <string.h>

#define PEM_MAX ((size_t)16 << 10)

struct tlsalpn01_listener {
    struct alpn_server *server;
    char *address;
    bool proxy_protocol;
};
struct tlsalpn01_answer {
    char *server_name;
    char *key_authorization, *token;
    struct alpn_certificate *certificate;
    struct cl_list waiting; /* struct waiter.link, first come first served */
};
/* A present that waits for the end of another answer for the name. */
struct waiter {
    struct cl_list link;
    struct solvers *solvers;
    struct cl_op *op;
    char *identifier, *key_authorization, *token;
    struct loop_task told, ended;
    bool cancelled;
};

const char *tlsalpn01_address(const struct tlsalpn01_spec *spec, const char *default_listen)
{
    return spec->unix_socket != NULL ? spec->unix_socket : cl_str_or(spec->listen, default_listen);
}

/* The name by which the CA asks for @identifier; owned. */
static char *server_name(const char *identifier)
{
    struct ip_address ip;
    char text[IP_REVERSE_TEXT];

    return cl_strdup(ip_parse(identifier, &ip) == 0 ? ip_reverse_name(&ip, text) : identifier);
}

/* ---- listeners ---- */

static const struct alpn_certificate *find(void *user, const char *name)
{
    const struct solvers *s = user;
    const struct tlsalpn01_answer *a = cl_map_get(&s->tls_answers, name);

    return a != NULL ? a->certificate : NULL;
}

static void completed(void *user, const char *name)
{
    struct solvers *s = user;
    const struct tlsalpn01_answer *a = cl_map_get(&s->tls_answers, name);

    if (a != NULL) {
        char *token = cl_strdup(a->token);
        http01_fetched(s, token);
        cl_free(token);
    }
}

static void listener_stop(struct solvers *s, struct tlsalpn01_listener *l)
{
    (void)cl_map_remove(&s->tls_listeners, l->address);
    alpn_server_stop(l->server);
    cl_free(l->address);
    cl_free(l);
}

static int listener_start(struct solvers *s, const char *address, bool proxy_protocol,
                          struct cl_err *err)
{
    const struct alpn_server_handler handler = {.find = find, .completed = completed, .user = s};
    struct tlsalpn01_listener *l = cl_map_get(&s->tls_listeners, address);
    struct alpn_server *server = NULL;

    if (l != NULL && l->proxy_protocol == proxy_protocol) {
        return 0;
    }
    if (l != NULL && cl_map_next(&s->tls_answers, &(size_t){0}, NULL, &(void *){NULL})) {
        return cl_fail(err, CL_ERR_LOCAL, "ListenerConflict",
                       "tls-alpn-01 listener %s: one solver expects a PROXY header there and "
                       "another does not; give proxyProtocol the same value in both",
                       address);
    }
    if (l != NULL) { /* the setting was changed */
        listener_stop(s, l);
    }
    char *listen = address[0] == '/' ? cl_printf("unix:%s", address) : cl_strdup(address);
    int rc = alpn_server_start(s->loop, listen, proxy_protocol, &handler, &server, err);
    cl_free(listen);
    if (rc < 0) {
        cl_wrap(err, "tls-alpn-01 listener");
        return -1;
    }
    l = cl_new(struct tlsalpn01_listener);
    l->server = server;
    l->address = cl_strdup(address);
    l->proxy_protocol = proxy_protocol;
    (void)cl_map_set(&s->tls_listeners, address, l);
    return 0;
}

/* ---- answers ---- */

static void answer_free(struct solvers *s, struct tlsalpn01_answer *a)
{
    (void)cl_map_remove(&s->tls_answers, a->server_name);
    alpn_certificate_destroy(a->certificate);
    cl_free(a->server_name);
    cl_free(a->key_authorization);
    cl_free(a->token);
    cl_free(a);
}

static struct alpn_certificate *make_certificate(struct solvers *s, const char *identifier,
                                                 const char *key_authorization, struct cl_err *err)
{
    struct alpn_certificate *c = NULL;
    struct cl_buf pem;

    cl_buf_init_secret(&pem, PEM_MAX);
    if (cert_alpn_create(identifier, key_authorization, loop_now(s->loop), &pem, err) == 0) {
        (void)alpn_certificate_create(cl_buf_str(&pem), &c, err);
    }
    cl_buf_deinit(&pem);
    return c;
}

/* Makes the certificate of @key_authorization the answer for the name. */
static int set_answer(struct solvers *s, struct tlsalpn01_answer *a, const char *identifier,
                      const char *key_authorization, const char *token, struct cl_err *err)
{
    struct alpn_certificate *c = make_certificate(s, identifier, key_authorization, err);

    if (c == NULL) {
        return -1;
    }
    alpn_certificate_destroy(a->certificate);
    a->certificate = c;
    cl_free(a->key_authorization);
    cl_free(a->token);
    a->key_authorization = cl_strdup(key_authorization);
    a->token = cl_strdup(token);
    return 0;
}

/* ---- waiting for a name ---- */

static void waiter_free(struct waiter *w)
{
    cl_list_remove(&w->link);
    loop_task_cancel(&w->told);
    loop_task_cancel(&w->ended);
    cl_free(w->identifier);
    cl_free(w->key_authorization);
    cl_free(w->token);
    cl_free(w);
}

static void waiter_end(struct waiter *w, const struct cl_err *err)
{
    struct cl_op *op = w->op;

    waiter_free(w);
    cl_op_done(op, err);
}

static void waiter_cancelled(struct loop_task *t)
{
    struct cl_err err = {0};

    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "stopped while another answer was shown");
    waiter_end(t->user, &err);
}

static void waiter_cancel(struct cl_op *op)
{
    struct waiter *w = op->impl;

    loop_defer(w->solvers->loop, &w->ended, waiter_cancelled, w);
}

static void waiter_tell(struct loop_task *t)
{
    struct waiter *w = t->user;

    if (w->op->changed != NULL) {
        w->op->changed(w->op);
    }
}

static void waiter_add(struct solvers *s, struct tlsalpn01_answer *a,
                       const struct solver_challenge *c, struct cl_op *op)
{
    struct waiter *w = cl_new(struct waiter);

    w->solvers = s;
    w->op = op;
    w->identifier = cl_strdup(c->identifier);
    w->key_authorization = cl_strdup(c->key_authorization);
    w->token = cl_strdup(c->token);
    op->impl = w;
    op->cancel = waiter_cancel;
    cl_list_add_tail(&a->waiting, &w->link);
    loop_defer(s->loop, &w->told, waiter_tell, w);
}

/* The name is free: for whoever waits for it, or for nobody. */
static void hand_on(struct solvers *s, struct tlsalpn01_answer *a)
{
    while (!cl_list_empty(&a->waiting)) {
        struct waiter *w = cl_container(a->waiting.next, struct waiter, link);
        struct cl_err err = {0};
        int rc = set_answer(s, a, w->identifier, w->key_authorization, w->token, &err);
        struct cl_op *op = w->op;
        waiter_free(w);
        op_later(s->loop, op, rc < 0 ? &err : NULL);
        if (rc == 0) {
            return;
        }
    }
    answer_free(s, a);
}

/* ---- the solver ---- */

static int present(struct solvers *s, const struct solver_challenge *c, const char *name,
                   struct cl_err *err)
{
    const struct tlsalpn01_spec *spec = &c->solver->tlsalpn01;
    struct tlsalpn01_answer *a;

    if (listener_start(s, tlsalpn01_address(spec, s->tls_default_listen), spec->proxy_protocol,
                       err) < 0) {
        return -1;
    }
    a = cl_new(struct tlsalpn01_answer);
    a->server_name = cl_strdup(name);
    cl_list_init(&a->waiting);
    (void)cl_map_set(&s->tls_answers, name, a);
    if (set_answer(s, a, c->identifier, c->key_authorization, c->token, err) < 0) {
        answer_free(s, a);
        return -1;
    }
    return 0;
}

void tlsalpn01_present(struct solvers *s, const struct solver_challenge *c, struct cl_op *op)
{
    char *name = server_name(c->identifier);
    struct tlsalpn01_answer *a = cl_map_get(&s->tls_answers, name);
    struct cl_err err = {0};

    if (a != NULL && !cl_streq(a->key_authorization, c->key_authorization)) {
        waiter_add(s, a, c, op);
        cl_free(name);
        return;
    }
    if (a == NULL) {
        (void)present(s, c, name, &err);
    }
    cl_free(name);
    op_later(s->loop, op, &err);
}

void tlsalpn01_cleanup(struct solvers *s, const struct solver_challenge *c)
{
    char *name = server_name(c->identifier);
    struct tlsalpn01_answer *a = cl_map_get(&s->tls_answers, name);

    cl_free(name);
    if (a != NULL && cl_streq(a->key_authorization, c->key_authorization)) {
        hand_on(s, a);
    }
    http01_forget(s, c->token);
}

bool tlsalpn01_waits(const struct solvers *s, const struct solver_challenge *c)
{
    char *name = server_name(c->identifier);
    const struct tlsalpn01_answer *a = cl_map_get(&s->tls_answers, name);

    cl_free(name);
    return a != NULL && !cl_streq(a->key_authorization, c->key_authorization);
}

/* ---- life ---- */

void tlsalpn01_init(struct solvers *s, const char *default_listen)
{
    s->tls_default_listen = cl_strdup(default_listen);
}

void tlsalpn01_configure(struct solvers *s, const char *default_listen)
{
    if (!cl_streq(s->tls_default_listen, default_listen)) {
        struct tlsalpn01_listener *old = cl_map_get(&s->tls_listeners, s->tls_default_listen);
        if (old != NULL) { /* specs are merged anew, and start what they name */
            listener_stop(s, old);
        }
        cl_free(s->tls_default_listen);
        s->tls_default_listen = cl_strdup(default_listen);
    }
}

void tlsalpn01_deinit(struct solvers *s)
{
    size_t pos = 0;
    void *value;

    while (cl_map_next(&s->tls_listeners, &pos, NULL, &value)) {
        listener_stop(s, value);
    }
    pos = 0;
    while (cl_map_next(&s->tls_answers, &pos, NULL, &value)) {
        answer_free(s, value);
    }
    cl_map_deinit(&s->tls_listeners);
    cl_map_deinit(&s->tls_answers);
    cl_free(s->tls_default_listen);
}
