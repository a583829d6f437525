/* SPDX-License-Identifier: Apache-2.0 */
/* memory: a unit's private memory as JSON and back. Tables say which members there are; times are
 * exact, so that "already handled" stays true after a restart. */
#include "backends/store/memory.h"

#include "backends/store/store_json.h"
#include "spec/base/cl_alloc.h"
#include "spec/jfield.h"

#include <string.h>

#define MEMORY_SCHEMA 1u
#define MEMORY_MAX ((size_t)4 << 20)
#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct jfield ROWS[] = {
    JFIELD(JF_WORD, memory, uid, "uid"),
    JFIELD(JF_LONG, memory, generation, "generation"),
    JFIELD(JF_TEXT, memory, source_path, "sourcePath"),
    JFIELD(JF_HASH, memory, source_sha256, "sourceSHA256"),
    JFIELD(JF_UNSIGNED, memory, source_document, "sourceDocument"),
    JFIELD(JF_UNSIGNED, memory, source_line, "sourceLine"),
    JFIELD(JF_TEXT, memory, handled_renew_annotation, "handledRenewAnnotation"),
    JFIELD(JF_LONG, memory, failed_attempts, "failedAttempts"),
    JFIELD_OPT(JF_STRV, memory, compromised_keys, "compromisedKeys"),
    JFIELD(JF_TEXT, memory, last_order_url, "lastOrderURL"),
    JFIELD(JF_UNSIGNED, memory, trouble_attempts, "troubleAttempts"),
    JFIELD(JF_TEXT, memory, last_authorizations, "lastAuthorizations"),
    JFIELD(JF_TEXT, memory, canonical, "lastGood"),
};
static const struct jtable MEMORY = JTABLE(ROWS, memory);
static const struct store_time TIMES[] = {
    {"created", offsetof(struct memory, created)},
    {"deletedAt", offsetof(struct memory, deleted_at)},
    {"loadedAt", offsetof(struct memory, loaded_at)},
    {"handledRenewRequest", offsetof(struct memory, handled_renew_request)},
    {"renewRequested", offsetof(struct memory, renew_requested)},
    {"lastFailure", offsetof(struct memory, last_failure)},
    {"troubleSince", offsetof(struct memory, trouble_since)},
};

static const struct jfield HOLD_ROWS[] = {
    JFIELD(JF_UNSIGNED, memory_hold, failures, "failures"),
    JFIELD(JF_HASH, memory_hold, inputs_hash, "inputsHash"),
};
static const struct jtable HOLD = JTABLE(HOLD_ROWS, memory_hold);
static const struct store_time HOLD_TIMES[] = {
    {"notBefore", offsetof(struct memory_hold, not_before)},
    {"firstFailure", offsetof(struct memory_hold, first_failure)},
    {"lastFailure", offsetof(struct memory_hold, last_failure)},
};

static const struct jfield ISSUER_ROWS[] = {
    JFIELD(JF_WORD, memory_issuer, name, "name"),
    JFIELD(JF_UNSIGNED, memory_issuer, failures, "failures"),
};
static const struct jtable ISSUER = JTABLE(ISSUER_ROWS, memory_issuer);
static const struct store_time ISSUER_TIMES[] = {
    {"dayStart", offsetof(struct memory_issuer, day_start)},
};

static const struct jfield REHEARSAL_ROWS[] = {
    JFIELD(JF_WORD, memory_rehearsal, issuer, "issuer"),
    JFIELD(JF_UNSIGNED, memory_rehearsal, runs, "runs"),
    JFIELD(JF_UNSIGNED, memory_rehearsal, failures, "failures"),
    JFIELD(JF_UNSIGNED, memory_rehearsal, stuck, "stuck"),
};
static const struct jtable REHEARSAL = JTABLE(REHEARSAL_ROWS, memory_rehearsal);
static const struct store_time REHEARSAL_TIMES[] = {
    {"last", offsetof(struct memory_rehearsal, last)},
    {"passedAt", offsetof(struct memory_rehearsal, passed_at)},
};

static const struct jfield HOOK_ROWS[] = {
    JFIELD(JF_WORD, memory_hook, id, "id"),
    JFIELD(JF_TEXT, memory_hook, name, "name"),
    JFIELD(JF_LONG, memory_hook, revision, "revision"),
    JFIELD(JF_TEXT, memory_hook, outputs_hash, "outputsHash"),
    JFIELD(JF_UNSIGNED, memory_hook, failures, "failures"),
    JFIELD(JF_INT, memory_hook, exit_code, "exitCode"),
    JFIELD(JF_LONG, memory_hook, duration_ms, "durationMs"),
    JFIELD(JF_TEXT, memory_hook, result, "result"),
};
static const struct jtable HOOK = JTABLE(HOOK_ROWS, memory_hook);
static const struct store_time HOOK_TIMES[] = {
    {"nextTry", offsetof(struct memory_hook, next_try)},
    {"finishedAt", offsetof(struct memory_hook, finished_at)},
};

static const struct jfield OUTPUT_ROWS[] = {
    JFIELD(JF_WORD, memory_output, directory, "directory"),
    JFIELD(JF_STRV, memory_output, files, "files"),
    JFIELD(JF_TEXT, memory_output, content_hash, "contentHash"),
    JFIELD(JF_UNSIGNED, memory_output, repairs, "repairs"),
};
static const struct jtable OUTPUT = JTABLE(OUTPUT_ROWS, memory_output);
static const struct store_time OUTPUT_TIMES[] = {
    {"lastWritten", offsetof(struct memory_output, last_written)},
    {"repairsSince", offsetof(struct memory_output, repairs_since)},
};

static const struct jfield ARI_ROWS[] = {
    JFIELD(JF_TEXT, ari_state, cert_id, "certID"),
    JFIELD(JF_BOOL, ari_state, urgent, "urgent"),
    JFIELD(JF_TEXT, ari_state, explanation_url, "explanationURL"),
    JFIELD(JF_UNSIGNED, ari_state, failures, "failures"),
    JFIELD(JF_TEXT, ari_state, last_error, "lastError"),
};
static const struct jtable ARI = JTABLE(ARI_ROWS, ari_state);
static const struct store_time ARI_TIMES[] = {
    {"start", offsetof(struct ari_state, start)},
    {"end", offsetof(struct ari_state, end)},
    {"selected", offsetof(struct ari_state, selected)},
    {"lastChecked", offsetof(struct ari_state, last_checked)},
    {"nextCheck", offsetof(struct ari_state, next_check)},
    {"renewedAt", offsetof(struct ari_state, renewed_at)},
};

void memory_init(struct memory *m)
{
    *m = (struct memory){.schema = MEMORY_SCHEMA};
}

void memory_deinit(struct memory *m)
{
    jtable_free(&MEMORY, m);
    memory_hold_clear(&m->hold);
    jtable_free(&ARI, &m->ari);
    for (size_t i = 0; i < m->n_hooks; i++) {
        jtable_free(&HOOK, &m->hooks[i]);
    }
    for (size_t i = 0; i < m->n_outputs; i++) {
        jtable_free(&OUTPUT, &m->outputs[i]);
    }
    for (size_t i = 0; i < m->n_issuers; i++) {
        jtable_free(&ISSUER, &m->issuers[i]);
    }
    jtable_free(&REHEARSAL, &m->rehearsal);
    cl_free(m->issuers);
    cl_free(m->hooks);
    cl_free(m->outputs);
    persist_proofs_deinit(&m->persist);
    *m = (struct memory){0};
}

void memory_hold_clear(struct memory_hold *h)
{
    name_problems_deinit(&h->names);
    *h = (struct memory_hold){0};
}

/* ---- errors: fixed arrays, which the tables do not know ---- */

static json_t *err_write(const struct cl_err *e)
{
    json_t *o = json_object();

    json_put(o, "kind", json_text(cl_err_kind_name(e->kind)));
    json_put(o, "reason", json_text(e->reason));
    json_put(o, "text", json_text(e->text));
    json_put(o, "type", json_text(e->type));
    json_put(o, "identifier", json_text(e->identifier));
    json_put(o, "url", json_text(e->url));
    json_put(o, "httpStatus", json_integer(e->http_status));
    json_put(o, "retryAt", json_integer(e->retry_at));
    return o;
}

static void read_array(const json_t *o, const char *key, char *buf, size_t size)
{
    const char *text = json_string_value(json_object_get(o, key));

    (void)cl_format(buf, size, "%s", text != NULL ? text : "");
}

static void err_read(const json_t *o, struct cl_err *e)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));

    e->kind = kind != NULL ? cl_err_kind_from_name(kind) : CL_ERR_NONE;
    read_array(o, "reason", e->reason, sizeof(e->reason));
    read_array(o, "text", e->text, sizeof(e->text));
    read_array(o, "type", e->type, sizeof(e->type));
    read_array(o, "identifier", e->identifier, sizeof(e->identifier));
    read_array(o, "url", e->url, sizeof(e->url));
    e->http_status = (int)json_integer_value(json_object_get(o, "httpStatus"));
    e->retry_at = json_integer_value(json_object_get(o, "retryAt"));
}

/* ---- write ---- */

static json_t *hold_write(const struct memory_hold *h)
{
    json_t *o = json_object();

    json_put(o, "kind", json_text(cl_err_kind_name(h->kind)));
    jtable_write(&HOLD, o, h);
    store_times_write(HOLD_TIMES, N(HOLD_TIMES), o, h);
    json_put(o, "error", err_write(&h->err));
    if (h->names.len > 0) {
        json_put(o, "names", name_problems_write(&h->names));
    }
    return o;
}

static bool hold_kept(const struct memory_hold *h)
{
    return h->kind != CL_ERR_NONE || h->failures > 0;
}

static json_t *issuers_write(const struct memory *m)
{
    json_t *a = json_array();

    for (size_t i = 0; i < m->n_issuers; i++) {
        json_t *o = json_object();
        jtable_write(&ISSUER, o, &m->issuers[i]);
        store_times_write(ISSUER_TIMES, N(ISSUER_TIMES), o, &m->issuers[i]);
        if (hold_kept(&m->issuers[i].hold)) {
            json_put(o, "hold", hold_write(&m->issuers[i].hold));
        }
        (void)json_array_append_new(a, o);
    }
    return a;
}

static json_t *rehearsal_write(const struct memory_rehearsal *r)
{
    json_t *o = json_object();

    jtable_write(&REHEARSAL, o, r);
    store_times_write(REHEARSAL_TIMES, N(REHEARSAL_TIMES), o, r);
    return o;
}

static json_t *hooks_write(const struct memory *m)
{
    json_t *a = json_array();

    for (size_t i = 0; i < m->n_hooks; i++) {
        json_t *o = json_object();
        jtable_write(&HOOK, o, &m->hooks[i]);
        store_times_write(HOOK_TIMES, N(HOOK_TIMES), o, &m->hooks[i]);
        (void)json_array_append_new(a, o);
    }
    return a;
}

/* As text: JSON numbers end at 2^63. */
static void stamp_write(json_t *o, const char *key, uint64_t stamp)
{
    char text[24];

    (void)cl_format(text, sizeof(text), "%llu", (unsigned long long)stamp);
    json_put(o, key, json_text(text));
}

/* What is not a stamp is 0: then the files themselves are looked at. */
static uint64_t stamp_read(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    uint64_t stamp = 0;

    return text != NULL && cl_parse_u64(text, UINT64_MAX, &stamp) == 0 ? stamp : 0;
}

static json_t *outputs_write(const struct memory *m)
{
    json_t *a = json_array();

    for (size_t i = 0; i < m->n_outputs; i++) {
        json_t *o = json_object();
        jtable_write(&OUTPUT, o, &m->outputs[i]);
        store_times_write(OUTPUT_TIMES, N(OUTPUT_TIMES), o, &m->outputs[i]);
        stamp_write(o, "stamp", m->outputs[i].stamp_hash);
        (void)json_array_append_new(a, o);
    }
    return a;
}

char *memory_to_json(const struct memory *m)
{
    json_t *o = json_object();

    json_put(o, "schema", json_integer(MEMORY_SCHEMA));
    jtable_write(&MEMORY, o, m);
    store_times_write(TIMES, N(TIMES), o, m);
    stamp_write(o, "verifiedStamp", m->verified_stamp);
    if (hold_kept(&m->hold)) {
        json_put(o, "hold", hold_write(&m->hold));
    }
    if (m->n_issuers > 0) {
        json_put(o, "issuers", issuers_write(m));
    }
    if (m->rehearsal.issuer != NULL) {
        json_put(o, "rehearsal", rehearsal_write(&m->rehearsal));
    }
    if (m->ari.cert_id != NULL || m->ari.renewed_at != 0) {
        json_t *ari = json_object();
        jtable_write(&ARI, ari, &m->ari);
        store_times_write(ARI_TIMES, N(ARI_TIMES), ari, &m->ari);
        json_put(o, "renewalInfo", ari);
    }
    json_put(o, "hooks", hooks_write(m));
    json_put(o, "outputs", outputs_write(m));
    if (m->persist.len > 0) {
        json_put(o, "persist", persist_proofs_write(&m->persist));
    }
    char *text = json_print(o, JSON_INDENT(1), true);
    json_decref(o);
    return text;
}

/* ---- read ---- */

static int hold_read(const json_t *o, struct memory_hold *h, struct cl_err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));

    if (o == NULL) {
        return 0;
    }
    h->kind = kind != NULL ? cl_err_kind_from_name(kind) : CL_ERR_NONE;
    err_read(json_object_get(o, "error"), &h->err);
    if (jtable_read(&HOLD, o, h, err) < 0 ||
        name_problems_read(json_object_get(o, "names"), &h->names, err) < 0) {
        return -1;
    }
    return store_times_read(HOLD_TIMES, N(HOLD_TIMES), o, h, err);
}

static int issuers_read(const json_t *a, struct memory *m, struct cl_err *err)
{
    if (json_array_size(a) > 0) {
        m->issuers = cl_calloc(json_array_size(a), sizeof(*m->issuers));
    }
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *o = json_array_get(a, i);
        struct memory_issuer *one = &m->issuers[m->n_issuers++];
        if (jtable_read(&ISSUER, o, one, err) < 0 ||
            store_times_read(ISSUER_TIMES, N(ISSUER_TIMES), o, one, err) < 0 ||
            hold_read(json_object_get(o, "hold"), &one->hold, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int rehearsal_read(const json_t *o, struct memory_rehearsal *r, struct cl_err *err)
{
    if (o == NULL) {
        return 0;
    }
    if (jtable_read(&REHEARSAL, o, r, err) < 0) {
        return -1;
    }
    return store_times_read(REHEARSAL_TIMES, N(REHEARSAL_TIMES), o, r, err);
}

static int ari_read(const json_t *o, struct ari_state *s, struct cl_err *err)
{
    if (o == NULL) {
        return 0;
    }
    if (jtable_read(&ARI, o, s, err) < 0) {
        return -1;
    }
    return store_times_read(ARI_TIMES, N(ARI_TIMES), o, s, err);
}

static int hooks_read(const json_t *a, struct memory *m, struct cl_err *err)
{
    m->hooks = cl_calloc(json_array_size(a) + 1, sizeof(*m->hooks));
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *o = json_array_get(a, i);
        struct memory_hook *h = &m->hooks[m->n_hooks++];
        if (jtable_read(&HOOK, o, h, err) < 0 ||
            store_times_read(HOOK_TIMES, N(HOOK_TIMES), o, h, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int outputs_read(const json_t *a, struct memory *m, struct cl_err *err)
{
    m->outputs = cl_calloc(json_array_size(a) + 1, sizeof(*m->outputs));
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *o = json_array_get(a, i);
        struct memory_output *out = &m->outputs[m->n_outputs++];
        if (jtable_read(&OUTPUT, o, out, err) < 0 ||
            store_times_read(OUTPUT_TIMES, N(OUTPUT_TIMES), o, out, err) < 0) {
            return -1;
        }
        out->stamp_hash = stamp_read(o, "stamp");
    }
    return 0;
}

static int decode(const json_t *o, struct memory *m, struct cl_err *err)
{
    m->schema = MEMORY_SCHEMA;
    m->verified_stamp = stamp_read(o, "verifiedStamp");
    if (jtable_read(&MEMORY, o, m, err) < 0 || store_times_read(TIMES, N(TIMES), o, m, err) < 0 ||
        hold_read(json_object_get(o, "hold"), &m->hold, err) < 0 ||
        issuers_read(json_object_get(o, "issuers"), m, err) < 0 ||
        rehearsal_read(json_object_get(o, "rehearsal"), &m->rehearsal, err) < 0 ||
        ari_read(json_object_get(o, "renewalInfo"), &m->ari, err) < 0 ||
        hooks_read(json_object_get(o, "hooks"), m, err) < 0 ||
        outputs_read(json_object_get(o, "outputs"), m, err) < 0 ||
        persist_proofs_read(json_object_get(o, "persist"), &m->persist, err) < 0) {
        return -1;
    }
    return 0;
}

static int from_json(const char *text, const char *what, struct memory *ret, struct cl_err *err)
{
    struct cl_err own = {0};
    struct memory m = {0};
    json_t *o = store_parse(text, MEMORY_SCHEMA, what, err);

    if (o == NULL) {
        return -1;
    }
    int rc = decode(o, &m, &own);
    json_decref(o);
    if (rc < 0) {
        memory_deinit(&m);
        if (err != NULL) {
            *err = own;
        }
        return store_corrupt(err, what);
    }
    *ret = m;
    return 0;
}

int memory_from_json(const char *text, struct memory *ret, struct cl_err *err)
{
    return from_json(text, "the memory of an object", ret, err);
}

int memory_load(const char *path, struct memory *ret, struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_err own = {0};
    int rc = disk_read(path, MEMORY_MAX, &text, NULL, &own);

    if (rc == 0) {
        rc = from_json(cl_buf_str(&text), path, ret, &own);
    } else if (cl_streq(own.reason, "NotFound")) {
        rc = 1;
    }
    if (rc < 0 && err != NULL) {
        *err = own;
    }
    cl_buf_deinit(&text);
    return rc;
}

struct memory_issuer *memory_issuer(struct memory *m, const char *name)
{
    for (size_t i = 0; i < m->n_issuers; i++) {
        if (cl_streq(m->issuers[i].name, name)) {
            return &m->issuers[i];
        }
    }
    m->issuers = cl_reallocarray(m->issuers, m->n_issuers + 1, sizeof(*m->issuers));
    m->issuers[m->n_issuers] = (struct memory_issuer){.name = cl_strdup(name)};
    return &m->issuers[m->n_issuers++];
}
