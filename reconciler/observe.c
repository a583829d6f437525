/* SPDX-License-Identifier: Apache-2.0 */
/* observe: what is true about one Certificate now, gathered from archive, outputs, memory, Issuer
 * and running work. Nothing is decided here. */
#include "reconciler/observe.h"

#include "backends/solvers/solvers.h"
#include "hooks/hook.h"
#include "reconciler/act.h"
#include "reconciler/adopt.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_check.h"

#include <string.h>

static int observe_archive(struct unit *u, struct observation *seen, struct cl_err *err);
static void observe_wishes(struct unit *u, struct observation *seen);
static void observe_gates(struct unit *u, cl_time now, struct observation *seen);
static void observe_issuer(struct unit *u, cl_time now, struct observation *seen);
static void observe_outputs(struct unit *u, cl_time now, struct observation *seen);
static void observe_hooks(struct unit *u, struct observation *seen);
static void observe_probes(struct unit *u, struct observation *seen);

int observe(struct unit *u, cl_time now, struct observation *ret, struct cl_err *err)
{
    memset(ret, 0, sizeof(*ret));
    if (observe_archive(u, ret, err) < 0) {
        return -1;
    }
    observe_wishes(u, ret);
    observe_issuer(u, now, ret);
    observe_ari(u, now, ret);
    observe_windows(u, now, ret);
    observe_gates(u, now, ret);
    observe_outputs(u, now, ret);
    if (ret->facts.outputs == OUTPUTS_OK) {
        observe_hooks(u, ret);
        observe_probes(u, ret);
    }
    ret->facts.issuing = u->issue != NULL;
    ret->facts.deploying = u->project != NULL || u->deploy != NULL;
    return 0;
}

/* ---- archive ---- */

static int observe_archive(struct unit *u, struct observation *seen, struct cl_err *err)
{
    struct awake *w = u->w;
    struct facts *f = &seen->facts;

    if (!w->rev_loaded || archive_stamp(&u->d->paths, u->key) != w->rev.stamp_hash) {
        revision_deinit(&w->rev);
        unit_revision_changed(u);
        w->rev_loaded = archive_load_verified(&u->d->paths, u->key, w->memory.verified_stamp,
                                              &w->rev, err) == 0;
        if (!w->rev_loaded) {
            memset(&w->rev, 0, sizeof(w->rev));
            return -1;
        }
        if (w->rev.state == REVISION_OK && w->memory.verified_stamp != w->rev.stamp_hash) {
            w->memory.verified_stamp = w->rev.stamp_hash;
            unit_memory_changed(u);
        }
    }
    f->revision_state = w->rev.state;
    f->revision_detail = w->rev.detail;
    f->manifest = w->rev.manifest;
    f->key_compromised = f->manifest != NULL &&
                         cl_strv_has(&w->memory.compromised_keys, f->manifest->cert.spki_sha256);
    f->uid = w->memory.uid;
    if (w->wanted_request == NULL) {
        w->wanted_request = cert_request_json(w->object->cert);
    }
    f->wanted_request = w->wanted_request;
    return 0;
}

/* Is there a whole revision that was made for this object, not for an earlier one of its name? */
static bool owns_revision(const struct awake *w)
{
    return w->rev.state == REVISION_OK && cl_streq(w->rev.manifest->uid, w->memory.uid);
}

/* What an earlier object of that name has left comes, as far as is known, from another issuer? */
static bool same_issuer(const struct unit *u, struct unit *issuer)
{
    const struct awake *w = u->w;
    struct issuer_facts f = {0};
    if (w->rev.state != REVISION_OK || owns_revision(w)) {
        return true; /* nothing says otherwise */
    }
    if (issuer != NULL) {
        issuer_unit_facts(issuer, &f);
    }
    return cl_streq(w->rev.manifest->issuer_identity, f.identity);
}

/* Could the pair that lies in an output stand for what the spec wants? */
static void check_adoption(struct unit *u, cl_time now)
{
    struct awake *w = u->w;
    struct adoptable pair;
    struct key *key = NULL;
    struct cert_facts cert = {0};
    struct cl_err err = {0};

    w->adopt_checked = true;
    w->adoptable = false;
    w->newer_in_output = false;
    if (adoptable_find(u, &pair, &err) != 0) {
        return;
    }
    if (key_from_pem(cl_buf_str(&pair.key_pem), &key, &err) == 0 &&
        cert_guard(pair.chain_pem, w->object->cert, key, now, &cert, &err) == 0) {
        /* A placeholder that signed itself is no certificate of a CA. */
        struct unit *issuer = unit_issuer(u);
        bool self_signed = cl_streq(cert.subject, cert.issuer);
        bool wants_self = issuer != NULL && issuer->instance != NULL &&
                          issuer->instance->ops->type == ISSUER_SELF_SIGNED;
        bool fits = self_signed == wants_self && same_issuer(u, issuer);
        w->adoptable = fits && !owns_revision(w);
        w->newer_in_output =
            fits && owns_revision(w) && cert.not_before > w->rev.manifest->cert.not_before;
        cert_facts_deinit(&cert);
    }
    key_destroy(key);
    adoptable_deinit(&pair);
}

static void observe_wishes(struct unit *u, struct observation *seen)
{
    seen->facts.renew_requested = u->w->memory.renew_requested;
}

/* ---- gates ---- */

void observe_inputs_hash(struct unit *u, char hex[CL_SHA256_TEXT])
{
    struct unit *issuer = unit_issuer(u);
    struct issuer_facts f = {0};
    if (issuer != NULL) {
        issuer_unit_facts(issuer, &f);
    }
    const struct object *io =
        issuer != NULL && issuer->instance != NULL ? issuer->instance->object : NULL;
    char *text = cl_printf("%s|%s|%s|%s", u->w->object->spec_hash, io != NULL ? io->spec_hash : "",
                           f.identity, u->d->config_sha256);
    cl_sha256_hex(text, strlen(text), hex);
    cl_free(text);
}

static const struct solver_list *issuer_solvers(const struct unit *issuer)
{
    return issuer != NULL && issuer->instance != NULL && issuer->instance->ops->type == ISSUER_ACME
               ? &issuer->instance->object->issuer->acme.solvers
               : NULL;
}

/* The types that this version has a solver for; the CA's offer is known only in the order. */
static void observe_solvers(struct unit *u, const struct unit *issuer, struct observation *seen)
{
    struct cl_strv types = {0};
    cl_strv_add(&types, "http-01");
    cl_strv_add(&types, "tls-alpn-01");
    cl_strv_add(&types, "dns-01");
    cl_strv_add(&types, "dns-account-01");
    cl_strv_add(&types, "dns-persist-01");
    const struct cert_spec *spec = u->w->object->cert;
    for (size_t i = 0; i < spec->dns_names.len + spec->ip_addresses.len; i++) {
        const char *name = i < spec->dns_names.len
                               ? spec->dns_names.items[i]
                               : spec->ip_addresses.items[i - spec->dns_names.len];
        if (solver_pick(u->w->object, issuer_solvers(issuer), name, &types, NULL) == NULL) {
            (void)cl_format(seen->no_solver, sizeof(seen->no_solver), "%s", name);
            seen->facts.no_solver = seen->no_solver;
            break;
        }
    }
    cl_strv_deinit(&types);
}

static void observe_issuer(struct unit *u, cl_time now, struct observation *seen)
{
    struct facts *f = &seen->facts;
    struct unit *issuer = unit_issuer(u);
    struct issuer_facts info = {0};

    f->issuer_exists = issuer != NULL;
    f->issuer_message = "";
    f->issuer_identity = "";
    f->slot_free = true;
    f->slot_forecast = CL_NEVER;
    if (issuer == NULL) {
        if (u->missing_since == 0) {
            u->missing_since = now;
        }
        f->issuer_missing_since = u->missing_since;
        return;
    }
    u->missing_since = 0;
    f->issuer_ready = issuer_unit_ready(issuer);
    issuer_unit_facts(issuer, &info);
    (void)cl_format(seen->identity, sizeof(seen->identity), "%s", info.identity);
    f->issuer_identity = seen->identity;
    f->issuer_hold_until = info.hold_until;
    (void)cl_format(seen->hold_reason, sizeof(seen->hold_reason), "%s", info.hold_reason);
    f->issuer_hold_reason = seen->hold_reason;
    if (!f->issuer_ready) {
        (void)cl_format(seen->issuer_message, sizeof(seen->issuer_message), "%s",
                        info.problem.kind != CL_ERR_NONE ? info.problem.text
                                                         : "it is being prepared");
        f->issuer_message = seen->issuer_message;
    }
    if (issuer->instance == NULL) {
        return;
    }
    f->issuer_type = issuer->instance->ops->type;
    if (f->issuer_type == ISSUER_ACME) {
        if (cert_spec_acme_problem(u->w->object->cert, issuer_solvers(issuer), seen->issuer_problem,
                                   sizeof(seen->issuer_problem))) {
            f->issuer_problem = seen->issuer_problem;
        }
        observe_solvers(u, issuer, seen);
        const struct admission *line = &issuer->instance->line;
        f->slot_free = u->ticket.admitted || line->used < line->capacity;
        if (!f->slot_free) {
            f->slot_forecast = admission_forecast(line, &u->ticket, now);
        }
    }
}

static void observe_gates(struct unit *u, cl_time now, struct observation *seen)
{
    struct facts *f = &seen->facts;
    const struct memory_hold *hold = &u->w->memory.hold;

    f->suspend = u->d->config->suspend;
    f->conflict = u->conflict;
    /* A running issuance is not given up for a file that may be back in a moment: unit_end does. */
    f->deleted_at = u->issue != NULL ? 0 : u->absent_since;
    f->grace_end = u->absent_since > 0 ? cl_time_add(u->absent_since, 10 * CL_SECOND) : 0;
    f->clock_floor = u->d->clock_floor;
    f->hold.kind = hold->kind;
    f->hold.failures = hold->failures;
    f->hold.not_before = hold->not_before;
    f->hold.last_failure = hold->last_failure;
    f->hold.reason = hold->err.reason;
    f->hold.message = hold->err.text;
    if (hold->kind != CL_ERR_NONE) {
        char inputs[CL_SHA256_TEXT];
        observe_inputs_hash(u, inputs);
        f->hold.inputs_changed = strcmp(inputs, hold->inputs_hash) != 0;
    }
    if (u->issue != NULL) {
        f->issuing_stale = act_issue_stale(u);
    }
    if (!u->w->adopt_checked && !owns_revision(u->w)) {
        check_adoption(u, now);
    }
    f->adoptable = u->w->adoptable;
}

/* ---- outputs ---- */

struct memory_output *memory_output_find(struct memory *m, const char *directory)
{
    for (size_t i = 0; i < m->n_outputs; i++) {
        if (cl_streq(m->outputs[i].directory, directory)) {
            return &m->outputs[i];
        }
    }
    return NULL;
}

static void resolve_outputs(struct unit *u)
{
    struct awake *w = u->w;
    struct cl_err err = {0};
    struct cl_buf all;

    w->plans_valid = true;
    w->plans_problem[0] = '\0';
    if (output_resolve(&u->d->paths, u->d->config, w->object, &w->rev, &w->plans, &err) < 0) {
        (void)cl_format(w->plans_problem, sizeof(w->plans_problem), "%s", err.text);
        return;
    }
    cl_buf_init(&all, 1 << 20);
    for (size_t i = 0; i < w->plans.len; i++) {
        (void)cl_buf_addf(&all, "%s %s\n", w->plans.items[i].directory,
                          w->plans.items[i].content_hash);
    }
    cl_sha256_hex(cl_buf_str(&all), all.len, w->outputs_hash);
    cl_buf_deinit(&all);
}

static enum output_verdict look_at_output(struct unit *u, const struct output_plan *plan,
                                          char detail[200])
{
    struct memory_output *rec = memory_output_find(&u->w->memory, plan->directory);
    if (rec != NULL && cl_streq(rec->content_hash, plan->content_hash) &&
        output_stamp(rec) == rec->stamp_hash) {
        return OUTPUT_IN_SYNC;
    }
    enum output_verdict v = output_check(plan, rec, detail);
    if (v == OUTPUT_IN_SYNC && rec != NULL) { /* touched, but the same */
        cl_free(rec->content_hash);
        rec->content_hash = cl_strdup(plan->content_hash);
        rec->stamp_hash = output_stamp(rec);
        unit_memory_changed(u);
    } else if (v == OUTPUT_IN_SYNC) {
        v = OUTPUT_MISSING; /* not recorded yet: the writer records it */
    }
    return v;
}

/* More than 5 repairs within 10 minutes: somebody else writes there. */
static bool drifting(const struct memory_output *rec, cl_time now)
{
    return rec != NULL && rec->repairs > 5 && now - rec->repairs_since < 10 * CL_MINUTE;
}

/* What lies in the outputs still answers the spec while a plain renewal is being written. */
static bool is_renewal(const struct awake *w)
{
    const char *trigger = w->rev.manifest->trigger;
    return cl_streq(trigger, reason_token(REASON_RENEWING)) ||
           cl_streq(trigger, reason_token(REASON_URGENT_RENEWAL)) ||
           cl_streq(trigger, reason_token(REASON_MANUALLY_TRIGGERED));
}

/* One output that is not as it should be makes them all so; a foreign file outranks the rest. */
static void observe_output(struct unit *u, const struct output_plan *plan, cl_time now,
                           struct observation *seen)
{
    struct facts *f = &seen->facts;
    const struct memory_output *rec = memory_output_find(&u->w->memory, plan->directory);
    char detail[200] = "";
    enum output_verdict v = look_at_output(u, plan, detail);

    if (v == OUTPUT_IN_SYNC) {
        return;
    }
    if (rec == NULL || (!cl_streq(rec->content_hash, plan->content_hash) && !is_renewal(u->w))) {
        f->outputs_written_once = false;
    }
    if (drifting(rec, now)) {
        f->outputs_drifting = true;
        f->outputs_retry_at = cl_time_max(f->outputs_retry_at, rec->repairs_since + 10 * CL_MINUTE);
    }
    if (v != OUTPUT_FOREIGN && f->outputs == OUTPUTS_BLOCKED) {
        return;
    }
    f->outputs = v == OUTPUT_FOREIGN ? OUTPUTS_BLOCKED : OUTPUTS_WRITE;
    if (f->outputs == OUTPUTS_WRITE && u->outputs_error != NULL) {
        (void)cl_format(seen->outputs_detail, sizeof(seen->outputs_detail), "%s", u->outputs_error);
    } else {
        (void)cl_format(seen->outputs_detail, sizeof(seen->outputs_detail), "%s: %s",
                        plan->directory, detail);
    }
}

static void observe_outputs(struct unit *u, cl_time now, struct observation *seen)
{
    struct awake *w = u->w;
    struct facts *f = &seen->facts;

    f->outputs = OUTPUTS_NONE;
    f->outputs_detail = seen->outputs_detail;
    if (w->rev.state != REVISION_OK) {
        return;
    }
    if (!w->plans_valid) {
        resolve_outputs(u);
    }
    f->outputs_retry_at = u->outputs_retry_at;
    f->outputs_written_once = true;
    if (w->plans_problem[0] != '\0') {
        f->outputs = OUTPUTS_BLOCKED;
        f->outputs_written_once = false;
        (void)cl_format(seen->outputs_detail, sizeof(seen->outputs_detail), "%s", w->plans_problem);
        return;
    }
    f->outputs = OUTPUTS_OK;
    for (size_t i = 0; i < w->plans.len; i++) {
        observe_output(u, &w->plans.items[i], now, seen);
    }
    if (f->outputs == OUTPUTS_WRITE && f->outputs_written_once && !w->adopt_checked) {
        check_adoption(u, now);
    }
    f->newer_in_output = w->newer_in_output;
}

/* ---- hooks and probes ---- */

struct memory_hook *memory_hook_find(struct memory *m, const char *id)
{
    for (size_t i = 0; i < m->n_hooks; i++) {
        if (cl_streq(m->hooks[i].id, id)) {
            return &m->hooks[i];
        }
    }
    return NULL;
}

struct memory_hook *memory_hook_add(struct memory *m, const char *id, const char *name)
{
    struct memory_hook *rec = memory_hook_find(m, id);
    if (rec != NULL) {
        return rec;
    }
    m->hooks = cl_reallocarray(m->hooks, m->n_hooks + 1, sizeof(*m->hooks));
    rec = &m->hooks[m->n_hooks++];
    memset(rec, 0, sizeof(*rec));
    rec->id = cl_strdup(id);
    rec->name = cl_strdup(name);
    return rec;
}

void due_hook_load(struct unit *u, size_t index, struct due_hook *ret)
{
    const struct hook_spec *spec = &u->w->object->cert->hooks.items[index];
    memset(ret, 0, sizeof(*ret));
    ret->usable = hook_resolve(u->d->config, spec, &ret->resolved, &ret->err) == 0;
    if (ret->usable) {
        ret->id = hook_identity(&ret->resolved);
    } else {
        memset(&ret->resolved, 0, sizeof(ret->resolved));
        ret->id = cl_printf("missing:%s", cl_str_or(spec->name, "inline"));
    }
    ret->rec = memory_hook_find(&u->w->memory, ret->id);
}

void due_hook_deinit(struct due_hook *h)
{
    if (h->usable) {
        hook_spec_deinit(&h->resolved);
    }
    cl_free(h->id);
}

char *probe_id(const struct probe_spec *p)
{
    return cl_printf("probe:%s/%s", p->connect, cl_str_or(p->server_name, ""));
}

bool hook_done(const struct unit *u, const struct memory_hook *rec, unsigned when)
{
    if (rec == NULL) {
        return false;
    }
    return cl_streq(rec->outputs_hash, u->w->outputs_hash) ||
           ((when & HOOK_OUTPUT_CHANGED) == 0 && rec->revision == u->w->rev.number);
}

/* One that is pending: since when does it fail, and when is it tried next? */
static void count_hook(const struct memory_hook *rec, unsigned *pending, unsigned *failed,
                       cl_time *next)
{
    bool fresh = rec == NULL || rec->failures == 0;
    cl_time at = fresh ? 0 : rec->next_try;
    *next = *pending == 0 ? at : cl_time_min(*next, at);
    *pending += 1;
    *failed += fresh ? 0u : 1u;
}

static void observe_hooks(struct unit *u, struct observation *seen)
{
    struct facts *f = &seen->facts;
    const struct hook_list *hooks = &u->w->object->cert->hooks;

    f->hooks_message = seen->hooks_message;
    for (size_t i = 0; i < hooks->len; i++) {
        if ((hooks->items[i].when & (HOOK_ISSUED | HOOK_OUTPUT_CHANGED)) == 0) {
            continue;
        }
        struct due_hook h;
        unsigned failed = f->hooks_failed;
        due_hook_load(u, i, &h);
        f->hooks_total++;
        if (!hook_done(u, h.rec, hooks->items[i].when)) {
            count_hook(h.rec, &f->hooks_pending, &f->hooks_failed, &f->hooks_next);
        }
        if (f->hooks_failed > failed && seen->hooks_message[0] == '\0') {
            (void)cl_format(seen->hooks_message, sizeof(seen->hooks_message), "%s: %s",
                            cl_str_or(h.rec->name, "hook"), cl_str_or(h.rec->result, "failed"));
        }
        due_hook_deinit(&h);
    }
}

static void observe_probes(struct unit *u, struct observation *seen)
{
    struct facts *f = &seen->facts;
    const struct probe_list *probes = &u->w->object->cert->probes;

    f->probes_message = seen->probes_message;
    for (size_t i = 0; i < probes->len; i++) {
        char *id = probe_id(&probes->items[i]);
        const struct memory_hook *rec = memory_hook_find(&u->w->memory, id);
        unsigned mismatch = f->probes_mismatch;
        f->probes_total++;
        if (!hook_done(u, rec, HOOK_OUTPUT_CHANGED)) {
            count_hook(rec, &f->probes_pending, &f->probes_mismatch, &f->probes_next);
        }
        if (f->probes_mismatch > mismatch) {
            (void)cl_format(seen->probes_message, sizeof(seen->probes_message), "%s: %s",
                            probes->items[i].connect, cl_str_or(rec->result, ""));
        } else if (f->probes_mismatch == 0 && rec != NULL && seen->probes_message[0] == '\0') {
            (void)cl_format(seen->probes_message, sizeof(seen->probes_message), "%s %s",
                            probes->items[i].connect, cl_str_or(rec->result, ""));
        }
        cl_free(id);
    }
}
