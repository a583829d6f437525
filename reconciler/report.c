/* SPDX-License-Identifier: Apache-2.0 */
/* report: what the pass found goes into the status file, the summary and the log. A status file is
 * written only if it says something else than before; an event is logged once. */
#include "reconciler/report.h"

#include "reconciler/act.h"
#include "reconciler/issuer_choice.h"
#include "reconciler/ledger_book.h"
#include "reconciler/observe.h"
#include "reconciler/publish.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/jfield.h"

#include <string.h>

static void write_status(struct unit *u, bool quiet, cl_time now);

static void set_text(char **field, const char *value)
{
    if (!cl_streq(*field, value)) {
        cl_free(*field);
        *field = cl_strdup(value);
    }
}

/* ---- conditions ---- */

static const char *token_of(struct unit *u, enum condition_type t, const struct verdict *v);

static void log_transition(struct unit *u, enum condition_type t, const struct verdict *v)
{
    enum cl_log_level level = CL_LOG_INFO;
    bool abnormal = t == CONDITION_STALLED || t == CONDITION_RENEWAL_OVERDUE ||
                    t == CONDITION_SPEC_INVALID || t == CONDITION_DNS_RECORD_REQUIRED ||
                    t == CONDITION_AGREEMENT_REQUIRED || t == CONDITION_PAUSED_BY_CA ||
                    t == CONDITION_CLOCK_SKEW;
    if ((abnormal && v->status == STATUS_TRUE) ||
        (t == CONDITION_DEPLOYED && v->status == STATUS_FALSE) ||
        (t == CONDITION_READY && v->status == STATUS_FALSE && u->summary.has_cert)) {
        level = CL_LOG_WARNING;
    }
    cl_log(level, u->display, token_of(u, t, v), "%s is %s: %s", condition_type_name(t),
           v->status == STATUS_ABSENT ? "gone" : condition_status_name(v->status), v->message);
}

/* Stalled names what went wrong (rejectedIdentifier, SecretNotFound), not that it did. */
static const char *token_of(struct unit *u, enum condition_type t, const struct verdict *v)
{
    const char *failure = issuer_choice_hold(u)->err.reason;
    return t == CONDITION_STALLED && v->reason == REASON_STALLED && failure[0] != '\0'
               ? failure
               : reason_token(v->reason);
}

static void set_condition(struct unit *u, enum condition_type t, const struct verdict *v,
                          cl_time now)
{
    struct status *s = &u->w->status;
    enum condition_status before = s->conditions[t].status;

    if (v->status == STATUS_ABSENT) {
        status_clear(s, t);
    } else {
        (void)status_set(s, t, v->status, token_of(u, t, v), v->message, now);
        s->conditions[t].observed_generation = u->w->memory.generation;
    }
    u->summary.conditions[t] = (unsigned char)v->status;
    if (before != v->status && (t == CONDITION_READY || v->status != STATUS_ABSENT) &&
        t != CONDITION_ISSUING && t != CONDITION_RECONCILING &&
        !(before == STATUS_ABSENT && v->status == STATUS_FALSE) && v->status != STATUS_UNKNOWN) {
        log_transition(u, t, v);
    }
}

static void set_spec_invalid(struct unit *u, cl_time now)
{
    struct verdict v = {.status = STATUS_ABSENT, .reason = REASON_NONE};
    if (u->rejection != NULL) {
        v.status = STATUS_TRUE;
        (void)cl_format(v.message, sizeof(v.message), "%s; the last good version stays in force",
                        u->rejection);
        if (status_set(&u->w->status, CONDITION_SPEC_INVALID, STATUS_TRUE, "InvalidSpec", v.message,
                       now)) {
            u->w->status.conditions[CONDITION_SPEC_INVALID].observed_generation =
                u->w->memory.generation;
        }
    } else {
        status_clear(&u->w->status, CONDITION_SPEC_INVALID);
    }
    u->summary.conditions[CONDITION_SPEC_INVALID] = (unsigned char)v.status;
}

/* ---- members common to all kinds ---- */

static void fill_common(struct unit *u)
{
    struct status *s = &u->w->status;
    const struct memory *m = &u->w->memory;
    const struct object *o = u->w->object;

    s->kind = o->kind;
    set_text(&s->name, u->name);
    set_text(&s->namespace_, u->namespace_);
    set_text(&s->uid, m->uid);
    s->generation = m->generation;
    s->observed_generation = m->generation;
    s->created = m->created;
    s->deleted = u->absent_since;
    if (m->source_path != NULL) {
        char *path = cl_printf("%s/%s", u->d->paths.specs, m->source_path);
        char *clean = cl_clean_dup(path, strlen(path)); /* a name may hold anything */
        set_text(&s->source.path, clean);
        cl_free(clean);
        cl_free(path);
    }
    s->source.document = m->source_document;
    s->source.line = m->source_line;
    memcpy(s->source.sha256, m->source_sha256, CL_SHA256_TEXT);
    memcpy(s->source.pending_sha256, u->rejected_sha256, CL_SHA256_TEXT);
    memcpy(s->source.spec_hash, o->spec_hash, CL_SHA256_TEXT);
    s->source.loaded_at = m->loaded_at;
    cl_strv_deinit(&s->warnings);
    cl_strv_copy(&s->warnings, &o->warnings);
}

static void fill_error(struct status_error *e, const struct memory_hold *hold,
                       const char *order_url)
{
    e->kind = hold->kind;
    set_text(&e->reason, hold->err.reason);
    set_text(&e->type, hold->err.type);
    set_text(&e->identifier, hold->err.identifier);
    set_text(&e->detail, hold->err.text);
    set_text(&e->hint, hold->err.url);
    set_text(&e->order_url, cl_str_or(order_url, ""));
    e->http_status = hold->err.http_status;
    e->retry_after = hold->err.retry_at;
    name_problems_deinit(&e->names);
    name_problems_copy(&e->names, &hold->names);
}

/* ---- Certificate ---- */

static void fill_outputs(struct unit *u, const struct facts *f)
{
    struct status *s = &u->w->status;
    const struct memory *m = &u->w->memory;

    for (size_t i = 0; i < s->n_outputs; i++) {
        cl_free(s->outputs[i].directory);
        cl_strv_deinit(&s->outputs[i].files);
    }
    cl_free(s->outputs);
    s->n_outputs = m->n_outputs;
    s->outputs = cl_calloc(m->n_outputs > 0 ? m->n_outputs : 1, sizeof(*s->outputs));
    for (size_t i = 0; i < m->n_outputs; i++) {
        s->outputs[i].directory = cl_strdup(m->outputs[i].directory);
        cl_strv_copy(&s->outputs[i].files, &m->outputs[i].files);
        s->outputs[i].in_sync = f->outputs == OUTPUTS_OK;
        s->outputs[i].last_written = m->outputs[i].last_written;
    }
}

static void free_hooks(struct status *s)
{
    for (size_t i = 0; i < s->n_hooks; i++) {
        cl_free(s->hooks[i].name);
        cl_free(s->hooks[i].result);
    }
    cl_free(s->hooks);
    for (size_t i = 0; i < s->n_probes; i++) {
        cl_free(s->probes[i].connect);
        cl_free(s->probes[i].server_name);
        cl_free(s->probes[i].serial);
        cl_free(s->probes[i].message);
    }
    cl_free(s->probes);
}

static void fill_hook(struct unit *u, size_t i, struct status_hook *h)
{
    struct due_hook due;
    due_hook_load(u, i, &due);
    h->name = cl_strdup(due.rec != NULL ? due.rec->name
                                        : cl_str_or(u->w->object->cert->hooks.items[i].name, ""));
    if (due.rec == NULL) {
        h->result = cl_strdup("Pending");
    } else {
        h->revision = due.rec->revision;
        h->result = cl_strdup(cl_str_or(due.rec->result, "Pending"));
        h->exit_code = due.rec->exit_code;
        h->duration_ms = due.rec->duration_ms;
        h->finished_at = due.rec->finished_at;
    }
    due_hook_deinit(&due);
}

static void fill_hooks(struct unit *u)
{
    struct status *s = &u->w->status;
    const struct cert_spec *spec = u->w->object->cert;

    free_hooks(s);
    s->n_hooks = spec->hooks.len;
    s->hooks = cl_calloc(s->n_hooks > 0 ? s->n_hooks : 1, sizeof(*s->hooks));
    for (size_t i = 0; i < s->n_hooks; i++) {
        fill_hook(u, i, &s->hooks[i]);
    }
    s->n_probes = spec->probes.len;
    s->probes = cl_calloc(s->n_probes > 0 ? s->n_probes : 1, sizeof(*s->probes));
    for (size_t i = 0; i < s->n_probes; i++) {
        char *id = probe_id(&spec->probes.items[i]);
        const struct memory_hook *rec = memory_hook_find(&u->w->memory, id);
        s->probes[i].connect = cl_strdup(spec->probes.items[i].connect);
        s->probes[i].server_name = cl_strdup(cl_str_or(spec->probes.items[i].server_name, ""));
        s->probes[i].matches = rec != NULL && cl_streq(rec->outputs_hash, u->w->outputs_hash);
        s->probes[i].serial = cl_strdup(s->probes[i].matches && u->w->rev.manifest != NULL
                                            ? u->w->rev.manifest->cert.serial
                                            : "");
        s->probes[i].message = cl_strdup(rec != NULL ? cl_str_or(rec->result, "") : "");
        s->probes[i].checked_at = rec != NULL ? rec->finished_at : 0;
        cl_free(id);
    }
}

/* Who was asked for it, and what else is known of the Issuers that the spec names. */
static void fill_issuers(struct unit *u)
{
    struct status *s = &u->w->status;
    const struct manifest *m = u->w->rev.manifest;
    bool other = m != NULL && !m->adopted && !cl_str_empty(m->issuer_name) &&
                 !cl_streq(m->issuer_name, s->issuer_name);

    set_text(&s->used_issuer, other ? m->issuer_name : NULL);
    set_text(&s->used_kind, other ? cl_str_or(m->issuer_kind, "Issuer") : NULL);
    json_decref(s->details);
    s->details = m != NULL && m->account_url != NULL ? report_acme(u) : json_object();
    issuer_choice_report(u, loop_now(u->d->loop), s->details);
}

static void fill_certificate(struct unit *u, const struct plan *p)
{
    struct status *s = &u->w->status;
    const struct memory *m = &u->w->memory;
    const struct manifest *manifest = u->w->rev.manifest;

    set_text(&s->issuer_name, u->w->object->cert->issuer_ref.name);
    set_text(&s->issuer_kind, cl_str_or(u->w->object->cert->issuer_ref.kind, "Issuer"));
    cert_facts_deinit(&s->cert);
    memset(&s->cert, 0, sizeof(s->cert));
    s->has_cert = manifest != NULL;
    s->not_before = 0;
    s->not_after = 0;
    s->revision = 0;
    set_text(&s->profile, manifest != NULL ? cl_str_or(manifest->profile, "") : "");
    cl_strv_deinit(&s->missing_names);
    if (manifest != NULL) {
        cl_strv_copy(&s->missing_names, &manifest->missing_names);
        cl_strv_for_each(w, &manifest->warnings) {
            cl_strv_add(&s->warnings, w);
        }
        cert_facts_copy(&s->cert, &manifest->cert);
        s->not_before = manifest->cert.not_before;
        s->not_after = manifest->cert.not_after;
        s->revision = manifest->revision;
    }
    s->renewal_time = p->renewal_time;
    s->failed_attempts = m->failed_attempts;
    s->last_failure = m->last_failure;
    fill_error(&s->last_error, issuer_choice_hold(u), m->last_order_url);
    json_decref(s->last_error.authorizations);
    s->last_error.authorizations =
        issuer_choice_hold(u)->kind != CL_ERR_NONE && m->last_authorizations != NULL
            ? json_loads(m->last_authorizations, 0, NULL)
            : NULL;
    fill_issuers(u);
}

static void keep_summary(struct unit *u, const struct plan *p)
{
    struct unit_summary *m = &u->summary;
    const struct manifest *manifest = u->w->rev.manifest;

    m->ready_reason = (unsigned char)p->conditions[CONDITION_READY].reason;
    m->issuing_reason = (unsigned char)p->conditions[CONDITION_ISSUING].reason;
    m->deployed_reason = (unsigned char)p->conditions[CONDITION_DEPLOYED].reason;
    m->gate = (unsigned char)p->gate;
    m->has_cert = manifest != NULL;
    m->not_before = manifest != NULL ? manifest->cert.not_before : 0;
    m->not_after = manifest != NULL ? manifest->cert.not_after : 0;
    m->renewal_time = p->renewal_time;
    m->ari_selected = p->by_ari ? u->w->memory.ari.selected : 0;
    m->next_at = p->next_at;
    m->last_failure = u->w->memory.last_failure;
    m->generation = u->w->memory.generation;
    m->failed_attempts = u->w->memory.failed_attempts;
    m->revision = u->w->rev.number;
    m->trigger = (unsigned char)p->trigger;
    m->busy =
        p->issue != PLAN_NONE || p->deploy != PLAN_NONE || p->record != NULL || p->ask_renewal;
    m->persist_until = 0;
    for (size_t i = 0; i < u->w->memory.persist.len; i++) {
        cl_time until = u->w->memory.persist.items[i].until;
        if (until != 0 && (m->persist_until == 0 || until < m->persist_until)) {
            m->persist_until = until;
        }
    }
}

/* The next write is near anyway, and nothing happened that people wait for: an order is told of when
 * it is older than a moment, then once a second; the end of a projection wakes the unit. */
static bool may_wait(const struct unit *u, const unsigned char before[CONDITION_COUNT], cl_time now)
{
    if (u->status_hash == 0 || (u->project == NULL && !act_issue_told(u, now))) {
        return false;
    }
    for (enum condition_type t = 0; t < CONDITION_COUNT; t++) {
        if (t != CONDITION_ISSUING && t != CONDITION_RECONCILING &&
            before[t] != u->summary.conditions[t]) {
            return false;
        }
    }
    return true;
}

/* Is nothing else new in the summary than when it is looked at next? */
static bool same_summary(const struct unit_summary *before, const struct unit_summary *after)
{
    struct unit_summary a, b;

    memcpy(&a, before, sizeof(a)); /* with what is between the members */
    memcpy(&b, after, sizeof(b));
    a.next_at = b.next_at;
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): zeroed when made, copied whole */
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Whose standby it is tells of it, too. */
static void tell_owner(struct unit *u, const unsigned char before[CONDITION_COUNT])
{
    bool news = before[CONDITION_READY] != u->summary.conditions[CONDITION_READY] ||
                u->summary.revision != u->w->rev.number;
    struct unit *owner = u->is_standby && news ? standby_owner(u) : NULL;

    if (owner != NULL && !owner->ending) {
        daemon_wake_unit(u->d, owner);
    }
}

void report(struct unit *u, const struct facts *f, const struct plan *p, cl_time now)
{
    struct status *s = &u->w->status;
    unsigned char before[CONDITION_COUNT];
    struct unit_summary summary;

    memcpy(&summary, &u->summary, sizeof(summary));
    memcpy(before, u->summary.conditions, sizeof(before));
    for (enum condition_type t = 0; t < CONDITION_COUNT; t++) {
        if (t != CONDITION_SPEC_INVALID) {
            set_condition(u, t, &p->conditions[t], now);
        }
    }
    set_spec_invalid(u, now);
    tell_owner(u, before);
    keep_summary(u, p);
    if (u->d->read_only || may_wait(u, before, now)) {
        return;
    }
    fill_common(u);
    fill_certificate(u, p);
    fill_outputs(u, f);
    fill_hooks(u);
    json_decref(s->persist_records);
    s->persist_records = persist_proofs_write(&u->w->memory.persist);
    json_t *view = act_issue_view(u, now);
    if (view != NULL || u->issue == NULL) {
        json_decref(s->issuance);
        s->issuance = view;
    }
    s->next_reconcile = p->next_at;
    set_text(&s->next_reconcile_reason, reason_token(p->next_reason));
    write_status(u, same_summary(&summary, &u->summary), now);
}

void report_unreadable(struct unit *u, const struct plan *p, cl_time now)
{
    const struct verdict *ready = &p->conditions[CONDITION_READY];
    const struct condition *before = &u->w->status.conditions[CONDITION_READY];

    if (!cl_streq(before->reason, reason_token(ready->reason))) { /* the same again is no news */
        unit_event(u, true, reason_token(ready->reason), "%s", ready->message);
    }
    set_condition(u, CONDITION_READY, ready, now);
    set_spec_invalid(u, now);
    u->summary.ready_reason = (unsigned char)ready->reason;
    u->summary.gate = (unsigned char)p->gate;
    u->summary.next_at = p->next_at;
    u->summary.busy = false;
    if (u->d->read_only) {
        return;
    }
    fill_common(u);
    fill_error(&u->w->status.last_error, &u->w->memory.hold, u->w->memory.last_order_url);
    u->w->status.next_reconcile = p->next_at;
    set_text(&u->w->status.next_reconcile_reason, reason_token(p->next_reason));
    write_status(u, false, now);
}

/* ---- Issuer ---- */

static const enum condition_type BY_CA[] = {CONDITION_AGREEMENT_REQUIRED, CONDITION_PAUSED_BY_CA,
                                            CONDITION_RATE_LIMITED, CONDITION_CLOCK_SKEW};

void report_issuer(struct unit *u, const struct issuer_facts *f, const struct issuer_plan *p,
                   cl_time now)
{
    struct status *s = &u->w->status;

    set_condition(u, CONDITION_READY, &p->ready, now);
    set_condition(u, CONDITION_STALLED, &p->stalled, now);
    for (size_t i = 0; i < sizeof(BY_CA) / sizeof(BY_CA[0]); i++) {
        set_condition(u, BY_CA[i], &p->conditions[BY_CA[i]], now);
    }
    set_spec_invalid(u, now);
    u->summary.ready_reason = (unsigned char)p->ready.reason;
    u->summary.next_at = p->next_at;
    u->summary.not_after = f->expires;
    u->summary.generation = u->w->memory.generation;
    u->summary.busy = p->step != ISSUER_STEP_NONE;
    if (u->d->read_only) {
        return;
    }
    fill_common(u);
    fill_error(&s->last_error, &u->w->memory.hold, NULL);
    s->not_after = f->expires;
    s->next_reconcile = p->next_at;
    set_text(&s->next_reconcile_reason, reason_token(p->next_reason));
    if (u->instance->ops->details != NULL) {
        json_decref(s->details);
        s->details = u->instance->ops->details(u->instance->issuer);
    }
    if (u->instance->ops->type == ISSUER_ACME) {
        const struct acme_spec *a = &u->instance->object->issuer->acme;
        const struct known_ca *k = ca_catalog_find(ledger_book_cas(u->d->ledger), a->server);
        if (k != NULL) {
            known_ca_warnings(k, a, now, &s->warnings);
        }
    }
    json_t *limits = ledger_book_view(u, now);
    if (limits != NULL && s->details != NULL) {
        json_put(s->details, "rateLimits", limits);
    } else {
        json_decref(limits);
    }
    write_status(u, false, now);
}

/* ---- writing ---- */

/* The time of the pass does not count: a pass that changes nothing writes nothing. */
static uint64_t hash_status(char *text)
{
    char *at = strstr(text, "\"lastReconcileTime\"");
    char *rest = at != NULL ? strchr(at, '\n') : NULL;
    if (rest == NULL) {
        return cl_rng_hash(text);
    }
    char kept = *at;
    *at = '\0';
    uint64_t hash = cl_rng_hash(text) * 31 + cl_rng_hash(rest);
    *at = kept;
    return hash;
}

/* @quiet: what _summary.json and the metrics tell of is as it was. */
static void write_status(struct unit *u, bool quiet, cl_time now)
{
    struct status *s = &u->w->status;
    struct cl_err err = {0};
    cl_time last = s->last_reconcile;

    s->last_reconcile = now;
    char *text = status_to_json(s);
    uint64_t hash = hash_status(text);
    if (hash == u->status_hash) {
        s->last_reconcile = last;
        cl_free(text);
        return;
    }
    char *path = paths_status(&u->d->paths, u->namespace_, u->name, s->kind);
    if (u->namespace_[0] != '\0') {
        char *slash = strrchr(path, '/');
        *slash = '\0';
        (void)disk_mkdirs(path, 0755, &err); /* a failure shows at the write */
        *slash = '/';
    }
    if (disk_write(path, text, strlen(text), u->d->status_mode, &err) < 0) {
        cl_log(CL_LOG_ERROR, u->display, err.reason, "status not written: %s", err.text);
    } else {
        u->status_hash = hash;
    }
    cl_free(path);
    cl_free(text);
    if (quiet) {
        publish_later(u->d);
    } else {
        publish_changed(u->d);
    }
}

static char *file_status_path(struct daemon *d, const char *file)
{
    char *flat = cl_strdup(file);
    for (char *c = flat; *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    char *path = paths_status_file(&d->paths, flat);
    cl_free(flat);
    return path;
}

void report_file(struct daemon *d, const char *file, const char *sha256,
                 const struct spec_problems *problems)
{
    char *path = file_status_path(d, file);
    struct cl_err err = {0};

    if (d->read_only) {
        cl_free(path);
        return;
    }
    if (problems == NULL) {
        (void)disk_unlink(path, &err);
        cl_free(path);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < problems->len; i++) {
        const struct spec_problem *p = &problems->items[i];
        (void)json_array_append_new(
            list, json_pack("{s:i,s:i,s:s,s:s}", "line", (int)p->line, "column", (int)p->column,
                            "severity", p->warning ? "warning" : "error", "message", p->text));
    }
    char *raw = cl_printf("%s/%s", d->paths.specs, file);
    char *full = cl_clean_dup(raw, strlen(raw));
    char at[CL_TIME_TEXT];
    json_t *root = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "apiVersion", "certloop/v1", "kind",
                             "SpecFile", "path", full, "sha256", sha256, "checkedAt",
                             cl_time_format(loop_now(d->loop), at), "problems", list);
    char *text = json_dumps(root, JSON_INDENT(2));
    if (text != NULL && disk_write(path, text, strlen(text), d->status_mode, &err) < 0) {
        cl_log(CL_LOG_ERROR, file, err.reason, "status not written: %s", err.text);
    }
    cl_free(text); /* jansson uses cl_alloc (daemon_create) */
    json_decref(root);
    cl_free(full);
    cl_free(raw);
    cl_free(path);
    publish_changed(d);
}
