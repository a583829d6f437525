/* SPDX-License-Identifier: Apache-2.0 */
/* solvers: who answers a challenge: the embedded listener, a file, or a TXT record. */
#include "backends/solvers/solvers.h"

#include "backends/dns/dns_worker.h"
#include "backends/rt/op_later.h"
#include "backends/solvers/solvers_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_dns01.h"

#define TOKEN_MIN 22 /* 128 bits in base64url (RFC 8555 8.1) */
#define TOKEN_MAX 256
#define DEFAULT_LISTEN "[::]:80"
#define DEFAULT_TLS_LISTEN "[::]:443"

static const char *listen_of(const struct config *config)
{
    return cl_str_or(config->http01_listen, DEFAULT_LISTEN);
}

static const char *tls_listen_of(const struct config *config)
{
    return cl_str_or(config->tlsalpn01_listen, DEFAULT_TLS_LISTEN);
}

struct solvers *solvers_create(struct loop *l, struct http *http, const struct paths *p,
                               const struct config *config)
{
    struct solvers *s = cl_new(struct solvers);
    s->loop = l;
    s->paths = p;
    s->config = config;
    s->default_listen = cl_strdup(listen_of(config));
    tlsalpn01_init(s, tls_listen_of(config));
    dns01_init(s, http);
    return s;
}

void solvers_destroy(struct solvers *s)
{
    if (s == NULL) {
        return;
    }
    dns01_deinit(s);
    tlsalpn01_deinit(s);
    http01_deinit(s);
    webroot_deinit(s);
    cl_free(s->default_listen);
    cl_free(s);
}

void solvers_configure(struct solvers *s, const struct config *config)
{
    s->config = config;
    http01_configure(s, listen_of(config));
    tlsalpn01_configure(s, tls_listen_of(config));
    dns_registry_configure(s->dns_registry, config);
}

bool solver_token_ok(const char *token)
{
    size_t len = 0;
    for (const char *c = token; *c != '\0'; c++, len++) {
        bool ok = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                  (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';
        if (!ok || len >= TOKEN_MAX) {
            return false;
        }
    }
    return len >= TOKEN_MIN;
}

bool solver_answers(const struct solver_spec *spec, const char *type)
{
    return (spec->has_http01 && cl_streq(type, "http-01")) ||
           (spec->has_tlsalpn01 && cl_streq(type, "tls-alpn-01")) ||
           (spec->has_dns01 && cl_streq(type, dns01_challenge_type(&spec->dns01)));
}

static bool persists(const struct solver_challenge *c)
{
    return cl_streq(c->type, "dns-persist-01");
}

static int check(const struct solver_challenge *c, struct cl_err *err)
{
    if (!solver_answers(c->solver, c->type)) {
        return cl_fail(err, CL_ERR_PERMANENT, "UnsupportedChallenge",
                       "%s: there is no solver for challenges of type %s", c->identifier, c->type);
    }
    if (!persists(c) && !solver_token_ok(c->token)) {
        return cl_fail(err, CL_ERR_BAD_RESULT, "InvalidToken",
                       "%s: the CA's token is not 22 to 256 characters of base64url",
                       c->identifier);
    }
    return 0;
}

void solvers_present(struct solvers *s, const struct solver_challenge *c, struct cl_op *op)
{
    struct cl_err err = {0};
    bool ok = check(c, &err) == 0;
    if (ok && persists(c)) {
        dns_persist_present(s, c, op);
        return;
    }
    if (ok && c->solver->has_dns01) {
        dns01_present(s, c, op);
        return;
    }
    if (ok && c->solver->has_tlsalpn01) {
        tlsalpn01_present(s, c, op);
        return;
    }
    if (ok && c->solver->http01.webroot != NULL) {
        webroot_present(s, c, op);
        return;
    }
    if (ok) {
        (void)http01_serve(s, c, &err);
    }
    op_later(s->loop, op, &err);
}

void solvers_cleanup(struct solvers *s, const struct solver_challenge *c, struct cl_op *op)
{
    struct cl_err err = {0};
    bool ok = check(c, &err) == 0;
    if (ok && c->solver->has_dns01) {
        if (!persists(c)) { /* that record stays */
            dns01_cleanup(s, c);
        }
    } else if (ok && c->solver->has_tlsalpn01) {
        tlsalpn01_cleanup(s, c);
    } else if (ok) {
        if (c->solver->http01.webroot != NULL) {
            (void)webroot_cleanup(s, c, &err);
        }
        http01_forget(s, c->token);
    }
    op_later(s->loop, op, &err);
}

void solvers_recover(struct solvers *s, struct cl_op *op)
{
    struct cl_err err = {0}, other = {0};
    bool files = webroot_recover(s, &err) == 0;
    (void)dns_worker_recover(s->dns_worker, files ? &err : &other);
    op_later(s->loop, op, &err);
}

void solvers_flush(struct solvers *s, struct cl_op *op)
{
    dns_worker_flush(s->dns_worker, op);
}

json_t *solvers_propagation(const struct solvers *s, const struct solver_challenge *c)
{
    if (persists(c)) {
        return dns_persist_propagation(s, c);
    }
    return c->solver->has_dns01 ? dns01_propagation_view(s, c) : NULL;
}

cl_time solvers_miss_wait(const struct solvers *s, const struct solver_challenge *c)
{
    return c->solver->has_dns01 && !persists(c) ? dns01_miss_wait(s, c) : 0;
}

bool solvers_waits(const struct solvers *s, const struct solver_challenge *c)
{
    if (c->solver->has_tlsalpn01) {
        return tlsalpn01_waits(s, c);
    }
    return c->solver->has_dns01 && !persists(c) && dns01_waits(s, c);
}

void solvers_missed(struct solvers *s, const struct solver_challenge *c)
{
    if (c->solver->has_dns01 && !persists(c)) {
        dns01_missed(s, c);
    }
}

int solvers_check(struct solvers *s, const struct solver_spec *spec, const char *namespace_,
                  struct cl_err *err)
{
    return spec->has_dns01 && spec->dns01.type != DNS01_NONE
               ? dns_registry_check(s->dns_registry, &spec->dns01, namespace_, err)
               : 0;
}

bool solver_sees_fetches(const struct solver_spec *spec)
{
    return spec->has_tlsalpn01 || (spec->has_http01 && spec->http01.webroot == NULL);
}

char *solver_identity(const struct solver_spec *spec, const struct config *config)
{
    const struct http01_spec *http01 = &spec->http01;
    if (spec->has_dns01) {
        char *label = dns01_label(&spec->dns01);
        char *identity = cl_printf("dns-01 %s", label);
        cl_free(label);
        return identity;
    }
    if (spec->has_tlsalpn01) {
        return cl_printf("tls-alpn-01 listen %s",
                         tlsalpn01_address(&spec->tlsalpn01, tls_listen_of(config)));
    }
    if (http01->webroot != NULL) {
        return cl_printf("http-01 webroot %s", http01->webroot);
    }
    return cl_printf("http-01 listen %s", http01_address(http01, listen_of(config)));
}
