/* SPDX-License-Identifier: Apache-2.0 */
/* preflight_impl: one run, and what is done for each name. preflight.c is the way of a name,
 * preflight_reach.c the fetching of our own token. Private to backends/solvers. */
#ifndef PREFLIGHT_IMPL_H
#define PREFLIGHT_IMPL_H

#include "backends/dns/wire/dns_resolve.h"
#include "backends/net/alpn_server.h"
#include "backends/solvers/preflight.h"
#include "backends/solvers/solvers_internal.h"

struct preflight {
    struct solvers *s;
    struct preflight_op *op;
    struct preflight_params p;
    struct dns_resolver *resolver; /* NULL: its settings are wrong, and that is a finding */
    struct http_trust *trust;
    struct preflight_finding *findings;
    size_t n;
    struct preflight_name *names;
    size_t names_len, next, running;
    bool cancelled;
    struct loop_task pump;
};
/* One identifier on its way. */
struct preflight_name {
    struct preflight *run;
    const char *identifier; /* without "*."; in the spec */
    bool wildcard, ip;
    const struct solver_spec *solver;
    const char *caa_at; /* in identifier: whose CAA records are asked for */
    const char *asked;  /* the name that the running query is about */
    unsigned asked_type;
    bool answered; /* it exists in the DNS */
    struct cl_strv addresses;
    char *token, *key_authorization, *fqdn;
    struct solver_challenge challenge;
    /* reaching one address */
    size_t address; /* the one that is tried */
    unsigned redirects;
    char *url;
    struct cl_op *cancel; /* what is to be cancelled: the op that runs */
    struct dns_query_op query;
    struct dns_locate_op locate;
    struct cl_op solver_op;
    struct http_op http;
    struct alpn_probe_op probe;
    bool by_daemon; /* the port is the daemon's: its listener answers, without our token */
};

void preflight_add(struct preflight *r, bool certain, const char *reason, const char *identifier,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/** This name is through. */
void preflight_name_end(struct preflight_name *n);
/** Presents a token and fetches it over each address; ends the name. */
void preflight_reach(struct preflight_name *n);

#endif
