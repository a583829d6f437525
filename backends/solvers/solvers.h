/* SPDX-License-Identifier: Apache-2.0 */
/* solvers: make challenges answerable (RFC 8555 8) and undo it: http-01 by the shared embedded
 * listener, a unix socket, or a webroot; tls-alpn-01 by a listener of its own; dns-01 by whoever can publish TXT records. */
#ifndef SOLVERS_H
#define SOLVERS_H

#include "backends/net/http.h"
#include "backends/rt/loop.h"
#include "backends/rt/op.h"
#include "backends/store/paths.h"
#include "spec/jfield.h"
#include "spec/spec.h"

/* Borrowed during present/cleanup start; the solver copies what it keeps. */
struct solver_challenge {
    const char *type;       /* "http-01" "tls-alpn-01" "dns-01" "dns-account-01" "dns-persist-01" */
    const char *identifier; /* without "*." */
    const char
        *token; /* NULL for dns-persist-01; else checked: [A-Za-z0-9_-]{22,} and at most 256 */
    const char *key_authorization; /* TOKEN "." THUMBPRINT */
    const struct solver_spec *solver;
    const char *namespace_;  /* where its secrets are looked for first; NULL = none */
    const char *certificate; /* key of the object that it is for; NULL = not known */
    const char *account_url; /* of the ACME account; for dns-account-01 and dns-persist-01 */
    /* dns-persist-01, as the CA says; issuers are checked (persist_issuer_ok). */
    bool wildcard;
    const struct cl_strv *issuers;
    const char *account_uri; /* NULL: not said, as by CAs after the first draft */
};

struct solvers;
/** All outlive @s. @http: may be NULL in tests without dns-01. */
struct solvers *solvers_create(struct loop *l, struct http *http, const struct paths *p,
                               const struct config *config);
void solvers_destroy(struct solvers *s); /* stops the listeners; NULL is fine */
/** A new Configuration is in force: listeners are re-bound as needed. @config outlives @s. */
void solvers_configure(struct solvers *s, const struct config *config);

/** Makes the answer available; a TXT record is visible when it ends. Idempotent. What stays outside
 *  the process (webroot, record) is journalled durably first. op->changed: name servers were asked
 *  once more. Errors: LOCAL "AddressInUse", "WebrootUnsafe", TRANSIENT "PropagationTimedOut", ... */
void solvers_present(struct solvers *s, const struct solver_challenge *c, struct cl_op *op);
/** Takes it away again; a missing one is success. Records go with the next write of their zone, or
 *  within a minute. */
void solvers_cleanup(struct solvers *s, const struct solver_challenge *c, struct cl_op *op);
/** Removes now what cleanup left for later. Before the process ends; cancel ends it at once. */
void solvers_flush(struct solvers *s, struct cl_op *op);
/** Does present wait until another value at the same name is gone? Told by op->changed. */
bool solvers_waits(const struct solvers *s, const struct solver_challenge *c);
/** What each name server said last about a record (propagation_view.h), while it is presented and each
 *  time op->changed is called; a new reference, or NULL. */
json_t *solvers_propagation(const struct solvers *s, const struct solver_challenge *c);
/** If the CA does not see what is presented now: how long until resolvers have forgotten that there was
 *  nothing? A minute at least, the negative TTL of the zone up to five. 0: it was not seen by all name
 *  servers either, or is no record of dns-01. */
cl_time solvers_miss_wait(const struct solvers *s, const struct solver_challenge *c);
/** The CA has looked and not seen the answer, which is still presented: for a record that all name
 *  servers had, the zone is given more time from now on. */
void solvers_missed(struct solvers *s, const struct solver_challenge *c);
/** After a crash: removes what the journal says is still there. At start, before the first order. */
void solvers_recover(struct solvers *s, struct cl_op *op);

/* Told each time the answer for a token was fetched completely (listener and unix socket only). */
struct solver_fetch {
    struct cl_list link;
    void (*fetched)(struct solver_fetch *f);
    void *user;
};
/** Registers for @token until solver_fetch_stop. */
void solvers_on_fetch(struct solvers *s, const char *token, struct solver_fetch *f);
void solver_fetch_stop(struct solver_fetch *f);
/** Does this solver answer challenges of @type? */
bool solver_answers(const struct solver_spec *spec, const char *type);
/** Looks whether the solver could work: its provider, its secrets. Errors name the place. */
int solvers_check(struct solvers *s, const struct solver_spec *spec, const char *namespace_,
                  struct cl_err *err);
/** Can this solver tell when the CA has fetched? (webroot: no) */
bool solver_sees_fetches(const struct solver_spec *spec);

/** A stable name of what would be shared by two uses of it ("http-01 listen [::]:80"), for the
 *  window of undecided challenges. Owned. */
char *solver_identity(const struct solver_spec *spec, const struct config *config);

/**
 * Chooses the solver for one identifier (pure): the certificate's own list before the issuer's;
 * within one list dnsNames match > longest dnsZones > more matchLabels > earlier; no selector is
 * the lowest rank (cert-manager's order). @dns_name keeps its "*.", or is an address. @types: offered challenge
 * types. NULL if none fits; *ret_why gets a sentence (owned; may be NULL).
 */
const struct solver_spec *solver_pick(const struct object *cert, const struct solver_list *issuer,
                                      const char *dns_name, const struct cl_strv *types,
                                      char **ret_why);

/** Is @token fit to become a path, a label, an argument? */
bool solver_token_ok(const char *token);

#endif
