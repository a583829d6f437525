/* SPDX-License-Identifier: Apache-2.0 */
/* observe: what is true about one Certificate now, gathered from archive, outputs, memory, Issuer
 * and running work. Nothing is decided here. */
#include "reconciler/observe.h"

#include "backends/solvers/solvers.h"
#include "reconciler/act.h"
#include "reconciler/adopt.h"
#include "reconciler/issuer_choice.h"
#include "reconciler/ledger_book.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_acme.h"
#include "spec/spec_check.h"

#include <string.h>

static int observe_archive(struct unit *u, struct observation *seen, struct cl_err *err);
static void observe_wishes(struct unit *u, struct observation *seen);
static void observe_gates(struct unit *u, cl_time now, struct observation *seen);
static void observe_issuer(struct unit *u, cl_time now, struct observation *seen);
static void observe_outputs(struct unit *u, cl_time now, struct observation *seen);

int observe(struct unit *u, cl_time now, struct observation *ret, struct cl_err *err)
{
    memset(ret, 0, sizeof(*ret));
    if (observe_archive(u, ret, err) < 0) {
        return -1;
    }
    observe_wishes(u, ret);
    issuer_choice_observe(u, now, ret);
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
    if (u->is_standby) {
        return; /* what lies in the outputs is the other one's */
    }
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
    seen->facts.persist = u->w->memory.persist.items;
    seen->facts.n_persist = u->w->memory.persist.len;
    seen->facts.persist_looking = u->persist != NULL;
}

/* ---- gates ---- */

void observe_inputs_hash(struct unit *u, char hex[CL_SHA256_TEXT])
{
    struct unit *issuer = unit_issuer_of(u, issuer_choice_ref(u));
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

const struct solver_list *observe_issuer_solvers(const struct unit *issuer)
{
    return issuer != NULL && issuer->instance != NULL && issuer->instance->ops->type == ISSUER_ACME
               ? &issuer->instance->object->issuer->acme.solvers
               : NULL;
}

/* The types that this version has a solver for; the CA's offer is known only in the order. */
static bool no_solver(struct unit *u, const struct unit *issuer, char *ret, size_t size)
{
    bool missing = false;
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
        if (solver_pick(u->w->object, observe_issuer_solvers(issuer), name, &types, NULL) == NULL) {
            (void)cl_format(ret, size, "%s", name);
            missing = true;
            break;
        }
    }
    cl_strv_deinit(&types);
    return missing;
}

bool observe_issuer_problem(struct unit *u, const struct unit *issuer, char *ret, size_t size)
{
    char name[256];
    if (issuer->instance == NULL || issuer->instance->ops->type != ISSUER_ACME) {
        return false;
    }
    if (cert_spec_acme_problem(u->w->object->cert, observe_issuer_solvers(issuer), ret, size)) {
        return true;
    }
    if (no_solver(u, issuer, name, sizeof(name))) {
        (void)cl_format(ret, size, "no solver fits %s", name);
        return true;
    }
    return false;
}

/* What is known of the CA beforehand: an order that it will refuse is not made. */
static void observe_known_ca(struct unit *u, const struct unit *issuer, struct observation *seen)
{
    const char *server = issuer->instance->object->issuer->acme.server;
    const struct known_ca *k = ca_catalog_find(ledger_book_cas(u->d->ledger), server);

    if (k != NULL && seen->facts.issuer_problem == NULL &&
        known_ca_refuses(k, NULL, u->w->object->cert, seen->issuer_problem,
                         sizeof(seen->issuer_problem))) {
        seen->facts.issuer_problem = seen->issuer_problem;
    }
}

/* What would be asked of the CA, and whether it offers that. */
static void observe_wanted(struct unit *u, const struct instance *instance,
                           struct observation *seen)
{
    const struct cert_spec *cert = u->w->object->cert;
    const struct acme_spec *acme = &instance->object->issuer->acme;
    char *chain = chain_preference_text(acme_chain_of(cert, acme));
    struct cl_err err = {0};

    (void)cl_format(seen->chain, sizeof(seen->chain), "%s", chain);
    cl_free(chain);
    seen->facts.wanted_chain = seen->chain;
    seen->facts.wanted_profile = cl_str_or(acme_profile_of(cert, acme), "");
    if (instance->ops->refuses != NULL &&
        instance->ops->refuses(instance->issuer, u->w->object, &err) < 0) {
        (void)cl_format(seen->profile_problem, sizeof(seen->profile_problem), "%s", err.text);
        seen->facts.profile_problem = seen->profile_problem;
    }
}

static void observe_issuer(struct unit *u, cl_time now, struct observation *seen)
{
    struct facts *f = &seen->facts;
    struct unit *issuer = unit_issuer(u);
    struct issuer_facts info = {0};

    f->issuer_exists = issuer != NULL;
    f->issuer_message = "";
    f->slot_free = true;
    f->slot_forecast = CL_NEVER;
    issuer_choice_identity(u, seen->identity, sizeof(seen->identity));
    f->issuer_identity = seen->identity;
    if (issuer == NULL) {
        if (u->missing_since == 0) {
            u->missing_since = now;
        }
        f->issuer_missing_since = u->missing_since;
        return;
    }
    u->missing_since = u->choice == 0 ? 0 : u->missing_since;
    f->issuer_ready = issuer_unit_ready(issuer);
    issuer_unit_facts(issuer, &info);
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
        if (cert_spec_acme_problem(u->w->object->cert, observe_issuer_solvers(issuer),
                                   seen->issuer_problem, sizeof(seen->issuer_problem))) {
            f->issuer_problem = seen->issuer_problem;
        }
        observe_known_ca(u, issuer, seen);
        if (no_solver(u, issuer, seen->no_solver, sizeof(seen->no_solver))) {
            f->no_solver = seen->no_solver;
        }
        observe_wanted(u, issuer->instance, seen);
        const struct admission *line = &issuer->instance->line;
        f->slot_free = u->ticket.admitted || line->used < line->capacity;
        if (!f->slot_free) {
            f->slot_forecast = admission_forecast(line, &u->ticket, now);
        }
    }
}

void observe_failure(struct unit *u, struct hold_view *ret)
{
    const struct memory_hold *hold = issuer_choice_hold(u);

    *ret = (struct hold_view){.kind = hold->kind,
                              .failures = hold->failures,
                              .not_before = hold->not_before,
                              .last_failure = hold->last_failure,
                              .reason = hold->err.reason,
                              .message = hold->err.text};
    if (hold->kind != CL_ERR_NONE) {
        char inputs[CL_SHA256_TEXT];
        observe_inputs_hash(u, inputs);
        ret->inputs_changed = strcmp(inputs, hold->inputs_hash) != 0;
    }
}

static void observe_gates(struct unit *u, cl_time now, struct observation *seen)
{
    struct facts *f = &seen->facts;

    f->suspend = u->d->config->suspend;
    f->conflict = u->conflict;
    /* A running issuance is not given up for a file that may be back in a moment: unit_end does. */
    f->deleted_at = u->issue != NULL ? 0 : u->absent_since;
    f->grace_end = u->absent_since > 0 ? cl_time_add(u->absent_since, 10 * CL_SECOND) : 0;
    f->clock_floor = u->d->clock_floor;
    observe_failure(u, &f->hold);
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
    if (!u->is_standby && /* which goes into none */
        output_resolve(&u->d->paths, u->d->config, w->object, &w->rev, &w->plans, &err) < 0) {
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
           cl_streq(trigger, reason_token(REASON_MANUALLY_TRIGGERED)) ||
           cl_streq(trigger, reason_token(REASON_CHAIN_CHANGED)) ||
           cl_streq(trigger, reason_token(REASON_NAMES_MISSING));
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
