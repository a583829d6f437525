/* SPDX-License-Identifier: Apache-2.0 */
/* dns_propagation: the flow around the rounds.
 *
 *   wait -> locate -> round -> judge -> pause -> round ...     AUTHORITATIVE
 *   wait ->           round -> judge -> pause -> round ...     DOH, RECURSIVE
 *   wait -> done                                               WAIT
 *
 * If no authoritative server ever answers (outgoing port 53 is often blocked), DOH takes over; its
 * resolvers are asked no earlier than 15 s after the start, since they remember a "no". */
#include "backends/dns/wire/dns_propagation.h"

#include "backends/dns/wire/dns_resolve_impl.h"
#include "backends/dns/wire/dns_round.h"
#include "backends/rt/op_later.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define TIMEOUT (3 * CL_MINUTE)
#define DOH_WAIT (15 * CL_SECOND)
#define DOH_PAUSE (5 * CL_SECOND) /* at least: a cached "no" does not get better by asking */
#define PATIENCE 3U
#define GOOD_ROUNDS 2U

/* Two that have nothing to do with each other. */
static const char *const DOH_URLS[] = {"https://cloudflare-dns.com/dns-query",
                                       "https://dns.google/dns-query"};

struct watch {
    struct dns_resolver *resolver;
    struct dns_propagation_op *op;
    struct dns_propagation_params p; /* strings are ours */
    enum dns_round_kind kind;
    char *name, *zone;
    struct cl_strv values;
    struct dns_rules rules;
    struct dns_table table;
    cl_time started;
    struct loop_timer timer, deadline;
    struct loop_task over;
    struct cl_op *running; /* what to cancel; NULL while waiting */
    struct cl_err err;     /* why it ends early */
    struct dns_locate_op locate;
    struct dns_round_op round;
};

static void on_waited(struct loop_timer *t);
static void locate(struct watch *w);
static void use_doh(struct watch *w);
static void begin_round(struct watch *w);

int dns_propagation_mode_parse(const char *name, enum dns_propagation_mode *ret)
{
    static const char *const NAMES[] = {[DNS_PROPAGATION_AUTHORITATIVE] = "authoritative",
                                        [DNS_PROPAGATION_DOH] = "doh",
                                        [DNS_PROPAGATION_RECURSIVE] = "recursive",
                                        [DNS_PROPAGATION_WAIT] = "wait",
                                        [DNS_PROPAGATION_NONE] = "none"};

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (cl_streq(NAMES[i], name)) {
            *ret = (enum dns_propagation_mode)i;
            return 0;
        }
    }
    return -1;
}

/* ---- the end ---- */

static void end(struct watch *w, const struct cl_err *err)
{
    struct dns_propagation_op *op = w->op;
    struct loop *l = dns_resolver_loop(w->resolver);

    loop_timer_stop(l, &w->timer);
    loop_timer_stop(l, &w->deadline);
    loop_task_cancel(&w->over);
    op->next = 0;
    cl_op_done(&op->op, err);
    dns_table_deinit(&w->table);
    cl_strv_deinit(&w->values);
    cl_strv_deinit(&w->p.recursive);
    cl_strv_deinit(&w->p.doh);
    cl_free(w->name);
    cl_free(w->zone);
    cl_free(w);
}

static void on_over(struct loop_task *t)
{
    struct watch *w = t->user;
    struct cl_err err = w->err;

    end(w, err.kind != CL_ERR_NONE ? &err : NULL);
}

/* Ends with w->err, when what runs has ended. */
static void stop(struct watch *w)
{
    loop_timer_stop(dns_resolver_loop(w->resolver), &w->timer);
    if (w->running != NULL) {
        cl_op_cancel(w->running);
    } else {
        loop_defer(dns_resolver_loop(w->resolver), &w->over, on_over, w);
    }
}

static void on_cancel(struct cl_op *op)
{
    struct watch *w = op->impl;

    (void)cl_fail(&w->err, CL_ERR_CANCELLED, "Cancelled", "the check was stopped");
    stop(w);
}

static void on_deadline(struct loop_timer *t)
{
    struct watch *w = t->user;
    char limit[CL_DURATION_TEXT];
    char summary[384];

    if (w->err.kind != CL_ERR_NONE) {
        return; /* it is ending */
    }
    (void)cl_duration_format(w->p.timeout, limit);
    if (w->table.rounds == 0) {
        (void)cl_fail(&w->err, CL_ERR_TRANSIENT, "PropagationTimedOut",
                      "the name servers of %s could not be asked within %s", w->name, limit);
    } else {
        dns_table_summary(&w->table, summary, sizeof summary);
        (void)cl_fail(&w->err, CL_ERR_TRANSIENT, "PropagationTimedOut",
                      "%s is not visible everywhere after %s: %s", w->name, limit, summary);
    }
    stop(w);
}

/* ---- rounds ---- */

static void on_pause_over(struct loop_timer *t)
{
    begin_round(t->user);
}

static void pause_until(struct watch *w, cl_time when)
{
    w->op->next = when;
    loop_at(dns_resolver_loop(w->resolver), &w->timer, when, on_pause_over, w);
}

static void nobody(struct watch *w)
{
    char summary[384];
    struct cl_err err = {0};

    if (w->kind == DNS_ROUND_AUTHORITATIVE && dns_resolver_http(w->resolver) != NULL) {
        w->op->doh_fallback = true;
        use_doh(w);
        return;
    }
    dns_table_summary(&w->table, summary, sizeof summary);
    (void)cl_fail(&err, CL_ERR_TRANSIENT, "NameServersSilent",
                  "nobody answers for %s (is outgoing port 53 blocked?): %s", w->name, summary);
    end(w, &err);
}

static bool all_good(const struct dns_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->views[i].sight == DNS_SIGHT_MISSING) {
            return false;
        }
    }
    return true;
}

static void on_round(struct cl_op *op, const struct cl_err *err)
{
    struct watch *w = op->user;
    struct loop *l = dns_resolver_loop(w->resolver);

    w->running = NULL;
    if (w->err.kind != CL_ERR_NONE) {
        struct cl_err copy = w->err;
        end(w, &copy);
        return;
    }
    enum dns_verdict verdict = dns_table_judge(&w->table, &w->rules);
    if (err != NULL || w->p.once || verdict == DNS_VISIBLE) {
        end(w, err);
        return;
    }
    if (verdict == DNS_NOBODY) {
        nobody(w);
        return;
    }
    bool good = all_good(&w->table);
    cl_time pause = dns_round_pause(w->table.rounds, good, w->p.every);
    if (!good && w->kind != DNS_ROUND_AUTHORITATIVE) {
        pause = cl_time_max(pause, DOH_PAUSE);
    }
    pause_until(w, cl_time_add(loop_now(l), pause));
    if (w->op->op.changed != NULL) {
        w->op->op.changed(&w->op->op);
    }
}

static void begin_round(struct watch *w)
{
    w->op->next = 0;
    w->op->table = &w->table;
    w->running = &w->round.op;
    w->round.op = (struct cl_op){.done = on_round, .user = w};
    dns_round_start(w->resolver, w->kind, w->name, &w->values, &w->table, &w->round);
}

/* ---- whom to ask ---- */

static cl_time doh_begins(const struct watch *w)
{
    return cl_time_add(w->started, w->p.wait > 0 ? w->p.wait : DOH_WAIT);
}

static void use_doh(struct watch *w)
{
    dns_table_deinit(&w->table);
    w->kind = w->p.doh_http ? DNS_ROUND_DOH_HTTP : DNS_ROUND_DOH;
    cl_strv_for_each(url, &w->p.doh) {
        (void)dns_table_add(&w->table, "", url);
    }
    for (size_t i = 0; w->p.doh.len == 0 && i < sizeof DOH_URLS / sizeof DOH_URLS[0]; i++) {
        (void)dns_table_add(&w->table, "", DOH_URLS[i]);
    }
    pause_until(w, w->p.once ? 0 : doh_begins(w));
}

static void use_recursive(struct watch *w)
{
    const struct cl_strv *servers =
        w->p.recursive.len > 0 ? &w->p.recursive : dns_resolver_recursive(w->resolver);

    w->kind = DNS_ROUND_RECURSIVE;
    cl_strv_for_each(server, servers) {
        (void)dns_table_add(&w->table, "", server);
    }
    begin_round(w);
}

static void on_located(struct cl_op *op, const struct cl_err *err)
{
    struct watch *w = op->user;

    w->running = NULL;
    if (w->err.kind != CL_ERR_NONE || err != NULL) {
        struct cl_err copy = w->err.kind != CL_ERR_NONE ? w->err : *err;
        end(w, &copy);
        return;
    }
    w->zone = cl_strdup(w->locate.zone);
    w->op->zone = w->zone;
    w->op->negative_ttl = w->locate.negative_ttl;
    for (size_t i = 0; i < w->locate.servers_len; i++) {
        const struct dns_authority *a = &w->locate.servers[i];
        (void)dns_table_add(&w->table, a->ns, a->server);
    }
    for (size_t i = 0; i < w->locate.unresolved->len; i++) { /* shown, but nobody to ask */
        struct dns_view *v = dns_table_add(&w->table, w->locate.unresolved->items[i], "");
        dns_view_saw(v, DNS_SIGHT_SILENT, "has no address");
        v->hopeless = true;
    }
    if (w->locate.servers_len == 0) {
        nobody(w);
    } else {
        begin_round(w);
    }
}

static void locate(struct watch *w)
{
    w->running = &w->locate.op;
    w->locate.op = (struct cl_op){.done = on_located, .user = w};
    dns_locate_start(w->resolver, w->name, DNS_FOLLOW_NEVER, &w->locate);
}

/* ---- start ---- */

static void on_waited(struct loop_timer *t)
{
    struct watch *w = t->user;

    w->op->next = 0;
    switch (w->p.mode) {
    case DNS_PROPAGATION_AUTHORITATIVE:
        locate(w);
        return;
    case DNS_PROPAGATION_DOH:
        use_doh(w);
        return;
    case DNS_PROPAGATION_RECURSIVE:
        use_recursive(w);
        return;
    case DNS_PROPAGATION_WAIT:
    case DNS_PROPAGATION_NONE:
        end(w, NULL);
        return;
    }
}

static int check(struct dns_resolver *r, const char *name, const struct dns_propagation_params *p,
                 struct cl_err *err)
{
    char text[DNS_SERVER_TEXT];

    if (name == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "NameInvalid", "that is no name of the DNS");
    }
    if (p->mode == DNS_PROPAGATION_DOH && dns_resolver_http(r) == NULL) {
        return cl_fail(err, CL_ERR_LOCAL, "DoHNotAvailable", "there is no HTTP client here");
    }
    for (size_t i = 0; i < p->recursive.len; i++) {
        if (dns_server_format(p->recursive.items[i], text, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void dns_propagation_start(struct dns_resolver *r, const char *fqdn, const struct cl_strv *values,
                           const struct dns_propagation_params *p, struct dns_propagation_op *op)
{
    struct loop *l = dns_resolver_loop(r);
    struct cl_err err = {0};
    char *name = dns_name_normalise(fqdn);

    op->table = NULL;
    op->zone = NULL;
    op->next = 0;
    op->doh_fallback = false;
    op->negative_ttl = 0;
    if (check(r, name, p, &err) < 0) {
        cl_free(name);
        op_later(l, &op->op, &err);
        return;
    }
    struct watch *w = cl_new(struct watch);
    w->resolver = r;
    w->op = op;
    w->p = *p;
    cl_strv_copy(&w->p.recursive, &p->recursive);
    cl_strv_copy(&w->p.doh, &p->doh);
    w->p.timeout = p->timeout > 0 ? p->timeout : TIMEOUT;
    w->name = name;
    cl_strv_copy(&w->values, values);
    w->rules.good_rounds = GOOD_ROUNDS + (p->anycast ? 1 : 0);
    w->rules.patience = PATIENCE;
    w->started = loop_now(l);
    op->op.impl = w;
    op->op.cancel = on_cancel;
    bool waits = p->mode != DNS_PROPAGATION_NONE && p->mode != DNS_PROPAGATION_DOH;
    cl_time first = cl_time_add(w->started, waits ? p->wait : 0);
    op->next = waits && p->wait > 0 ? first : 0;
    loop_at(l, &w->timer, first, on_waited, w);
    if (p->mode != DNS_PROPAGATION_WAIT && p->mode != DNS_PROPAGATION_NONE) {
        cl_time limit = p->mode == DNS_PROPAGATION_DOH ? doh_begins(w) : first;
        loop_at(l, &w->deadline, cl_time_add(limit, w->p.timeout), on_deadline, w);
    }
}
