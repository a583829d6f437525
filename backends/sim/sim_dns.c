/* SPDX-License-Identifier: Apache-2.0 */
/* sim_dns: the network of the simulated world has no name servers: questions go unanswered for as
 * long as they would in reality. Listeners of the daemon are known, so that a second one on the same
 * address is refused. */
#include "backends/net/dns_exchange.h"
#include "backends/net/dns_listen.h"
#include "backends/rt/op_later.h"
#include "backends/sim/sim.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct exchange {
    struct loop *loop;
    struct dns_exchange_op *op;
    struct loop_timer timer;
    struct loop_task stopped;
    char server[DNS_SERVER_TEXT];
};
struct dns_listener {
    struct cl_list link; /* in sim->dns_listeners */
    char *listen;
    struct dns_listen_handler handler;
};

int dns_server_format(const char *text, char buf[DNS_SERVER_TEXT], struct cl_err *err)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 53;
    bool ported = colon != NULL && (text[0] == '[' || colon == strchr(text, ':'));
    int host = (int)(ported ? (size_t)(colon - text) : strlen(text));

    if ((ported && cl_parse_u64(colon + 1, UINT16_MAX, &port) < 0) || host == 0 ||
        cl_format(buf, DNS_SERVER_TEXT, "%.*s:%u", host, text, (unsigned)port) < 0) {
        return cl_fail(err, CL_ERR_LOCAL, "ServerInvalid", "that is no name server");
    }
    return 0;
}

static void end(struct exchange *x, enum cl_err_kind kind, const char *reason)
{
    struct dns_exchange_op *op = x->op;
    struct cl_err err = {0};

    (void)cl_fail(&err, kind, reason, "%s does not answer", x->server);
    loop_timer_stop(x->loop, &x->timer);
    loop_task_cancel(&x->stopped);
    cl_free(x);
    cl_op_done(&op->op, &err);
}

static void on_timeout(struct loop_timer *t)
{
    end(t->user, CL_ERR_TRANSIENT, "TimedOut");
}

static void on_stopped(struct loop_task *t)
{
    end(t->user, CL_ERR_CANCELLED, "Cancelled");
}

static void on_cancel(struct cl_op *op)
{
    struct exchange *x = op->impl;

    loop_defer(x->loop, &x->stopped, on_stopped, x);
}

void dns_exchange_start(struct loop *l, const struct dns_exchange_request *req,
                        struct dns_exchange_op *op)
{
    struct cl_err err = {0};
    char text[DNS_SERVER_TEXT];
    cl_time timeout = req->timeout > 0 ? req->timeout : 2 * CL_SECOND;
    unsigned tries = req->transport == DNS_TCP ? 1 : req->tries > 0 ? req->tries : 2;

    op->answer = NULL;
    op->answer_len = 0;
    op->tcp = false;
    if (dns_server_format(req->server, text, &err) < 0) {
        op_later(l, &op->op, &err);
        return;
    }
    struct exchange *x = cl_new(struct exchange);
    x->loop = l;
    x->op = op;
    (void)cl_format(x->server, sizeof x->server, "%s", text);
    op->op.impl = x;
    op->op.cancel = on_cancel;
    tries += req->transport == DNS_UDP_TCP ? 1 : 0;
    loop_at(l, &x->timer, cl_time_add(loop_now(l), timeout * (cl_time)tries), on_timeout, x);
}

int dns_listen_start(struct loop *l, const char *listen, const struct dns_listen_handler *handler,
                     struct dns_listener **ret, struct cl_err *err)
{
    (void)l;
    cl_list_for_each(n, &sim->dns_listeners) {
        if (cl_streq(cl_container(n, struct dns_listener, link)->listen, listen)) {
            return cl_fail(err, CL_ERR_LOCAL, "AddressInUse", "%s is in use", listen);
        }
    }
    struct dns_listener *d = cl_new(struct dns_listener);
    d->listen = cl_strdup(listen);
    d->handler = *handler;
    cl_list_add_tail(&sim->dns_listeners, &d->link);
    *ret = d;
    return 0;
}

void dns_listen_stop(struct dns_listener *d)
{
    if (d != NULL) {
        cl_list_remove(&d->link);
        cl_free(d->listen);
        cl_free(d);
    }
}

unsigned dns_listen_port(const struct dns_listener *d)
{
    const char *colon = strrchr(d->listen, ':');
    uint64_t port = 53;

    if (colon != NULL) {
        (void)cl_parse_u64(colon + 1, UINT16_MAX, &port);
    }
    return (unsigned)port;
}
