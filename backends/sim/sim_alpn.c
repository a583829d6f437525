/* SPDX-License-Identifier: Apache-2.0 */
/* sim_alpn: tls-alpn-01 without TLS: certificates are text, and the world asks the listeners for a
 * name as a CA would. */
#include "backends/crypto/cert_alpn.h"
#include "backends/net/alpn_server.h"
#include "backends/rt/op_later.h"
#include "backends/sim/sim.h"
#include "backends/sim/sim_http.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct alpn_certificate {
    char *text;
};
struct alpn_server {
    struct cl_list link; /* in sim->alpn_servers */
    char *listen;
    struct alpn_server_handler handler;
};

int cert_alpn_create(const char *identifier, const char *key_authorization, cl_time now,
                     struct cl_buf *ret, struct cl_err *err)
{
    (void)now;
    if (cl_buf_addf(ret, "challenge %s %s\n", identifier, key_authorization) < 0) {
        return cl_fail(err, CL_ERR_INTERNAL, "SigningFailed", "the certificate does not fit");
    }
    return 0;
}

int alpn_certificate_create(const char *pem, struct alpn_certificate **ret, struct cl_err *err)
{
    (void)err;
    *ret = cl_new(struct alpn_certificate);
    (*ret)->text = cl_strdup(pem);
    return 0;
}

void alpn_certificate_destroy(struct alpn_certificate *c)
{
    if (c != NULL) {
        cl_free(c->text);
        cl_free(c);
    }
}

int alpn_server_start(struct loop *l, const char *listen, bool proxy_protocol,
                      const struct alpn_server_handler *handler, struct alpn_server **ret,
                      struct cl_err *err)
{
    (void)l;
    (void)proxy_protocol;
    cl_list_for_each(n, &sim->alpn_servers) {
        if (cl_streq(cl_container(n, struct alpn_server, link)->listen, listen)) {
            return cl_fail(err, CL_ERR_LOCAL, "AddressInUse", "%s is in use", listen);
        }
    }
    struct alpn_server *s = cl_new(struct alpn_server);
    s->listen = cl_strdup(listen);
    s->handler = *handler;
    cl_list_add_tail(&sim->alpn_servers, &s->link);
    *ret = s;
    return 0;
}

void alpn_server_stop(struct alpn_server *s)
{
    if (s != NULL) {
        cl_list_remove(&s->link);
        cl_free(s->listen);
        cl_free(s);
    }
}

unsigned alpn_server_port(const struct alpn_server *s)
{
    const char *colon = strrchr(s->listen, ':');
    uint64_t port = 0;

    if (colon != NULL) {
        (void)cl_parse_u64(colon + 1, 65535, &port);
    }
    return (unsigned)port;
}

char *sim_alpn_ask(const char *server_name)
{
    char *text = NULL;

    if (sim->life == 0) {
        return NULL;
    }
    cl_list_for_each(n, &sim->alpn_servers) {
        struct alpn_server *s = cl_container(n, struct alpn_server, link);
        if (alpn_server_port(s) == 443 && text == NULL) {
            SIM_LIFE();
            const struct alpn_certificate *c = s->handler.find(s->handler.user, server_name);
            text = c != NULL ? cl_strdup(c->text) : NULL;
            if (text != NULL) {
                s->handler.completed(s->handler.user, server_name);
            }
        }
    }
    return text;
}

void alpn_probe_start(struct loop *l, const char *server, const char *server_name, cl_time timeout,
                      struct alpn_probe_op *op)
{
    struct cl_err err = {0};

    (void)server_name;
    (void)timeout;
    op->cert_pem = NULL;
    op->protocol = NULL;
    (void)cl_fail(&err, CL_ERR_TRANSIENT, "ConnectFailed", "%s: nothing answers in this world",
                  server);
    op_later(l, &op->op, &err);
}
