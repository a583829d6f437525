/* SPDX-License-Identifier: Apache-2.0 */
/* solvers_internal: the parts of one struct solvers. Private to backends/solvers. */
#ifndef SOLVERS_INTERNAL_H
#define SOLVERS_INTERNAL_H

#include "backends/solvers/solvers.h"

#define HTTP01_PREFIX "/.well-known/acme-challenge/" /* RFC 8555 8.3 */

struct solvers {
    struct loop *loop;
    const struct paths *paths;
    const struct config *config;
    char *default_listen;    /* of the Configuration in force */
    struct cl_map listeners; /* address -> struct http01_listener */
    struct cl_map tokens;    /* token -> struct http01_token */
    uint64_t next_token;
    char *tls_default_listen;
    struct cl_map tls_listeners; /* address -> struct tlsalpn01_listener */
    struct cl_map tls_answers;   /* server name -> struct tlsalpn01_answer */
    struct cl_strv left;         /* journal entries of files that could not be removed yet */
    struct loop_timer left_timer;
    struct cl_list challenges; /* dns-01: struct dns01_challenge.link */
    struct cl_list persists;   /* dns-persist-01: struct persist.link; those under way */
    struct dns_registry *dns_registry;
    struct dns_worker *dns_worker;
};

/* ---- http01.c: answers served by this process ---- */
/** Where an embedded solver listens ("unix:PATH" for a unix socket); borrowed. NULL for webroot. */
const char *http01_address(const struct http01_spec *spec, const char *default_listen);
int http01_serve(struct solvers *s, const struct solver_challenge *c, struct cl_err *err);
void http01_forget(struct solvers *s, const char *token);
void http01_configure(struct solvers *s, const char *default_listen);
void http01_deinit(struct solvers *s);

/** The answer for @token was fetched completely. May run callbacks that clean up. */
void http01_fetched(struct solvers *s, const char *token);

/* ---- tlsalpn01.c: answers given in a TLS handshake (RFC 8737) ---- */
const char *tlsalpn01_address(const struct tlsalpn01_spec *spec, const char *default_listen);
void tlsalpn01_init(struct solvers *s, const char *default_listen);
void tlsalpn01_deinit(struct solvers *s);
void tlsalpn01_configure(struct solvers *s, const char *default_listen);
void tlsalpn01_present(struct solvers *s, const struct solver_challenge *c, struct cl_op *op);
void tlsalpn01_cleanup(struct solvers *s, const struct solver_challenge *c);
bool tlsalpn01_waits(const struct solvers *s, const struct solver_challenge *c);

/* ---- webroot.c: answers left in a directory that another server serves ---- */
void webroot_present(struct solvers *s, const struct solver_challenge *c, struct cl_op *op);
int webroot_cleanup(struct solvers *s, const struct solver_challenge *c, struct cl_err *err);
/** Removes what the journal lists; what cannot be removed stays listed. */
int webroot_recover(struct solvers *s, struct cl_err *err);
void webroot_deinit(struct solvers *s);

/* ---- dns01.c: TXT records ---- */
void dns01_init(struct solvers *s, struct http *http);
void dns01_deinit(struct solvers *s);
void dns01_present(struct solvers *s, const struct solver_challenge *req, struct cl_op *op);
void dns01_cleanup(struct solvers *s, const struct solver_challenge *req);
bool dns01_waits(const struct solvers *s, const struct solver_challenge *req);
void dns01_missed(struct solvers *s, const struct solver_challenge *req);
json_t *dns01_propagation_view(const struct solvers *s, const struct solver_challenge *req);
cl_time dns01_miss_wait(const struct solvers *s, const struct solver_challenge *req);

/* ---- dns_persist.c: TXT records that stay ---- */
void dns_persist_present(struct solvers *s, const struct solver_challenge *req, struct cl_op *op);
json_t *dns_persist_propagation(const struct solvers *s, const struct solver_challenge *req);

#endif
