/* SPDX-License-Identifier: Apache-2.0 */
/* publish_summary: _summary.json, a row for each object. It is written after every change, so it is
 * printed straight into one buffer: as trees of values, a thousand rows cost a hundred times more. */
#include "backends/rt/disk.h"
#include "reconciler/inventory.h"
#include "reconciler/publish.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#define SUMMARY_MAX (256u << 20)
#define USUAL_ROW 512u

static void member(struct cl_buf *b, const char *name, const char *value)
{
    (void)cl_buf_adds(b, ", \"");
    (void)cl_buf_adds(b, name);
    (void)cl_buf_adds(b, "\": ");
    cl_buf_add_json(b, value);
}

static void member_raw(struct cl_buf *b, const char *name, const char *value)
{
    (void)cl_buf_adds(b, ", \"");
    (void)cl_buf_adds(b, name);
    (void)cl_buf_adds(b, "\": ");
    (void)cl_buf_adds(b, value);
}

static void member_time(struct cl_buf *b, const char *name, cl_time t)
{
    char text[CL_TIME_TEXT];
    if (t > 0 && t != CL_NEVER) {
        member(b, name, cl_time_format(t, text));
    } else {
        member_raw(b, name, "null");
    }
}

static void member_number(struct cl_buf *b, const char *name, long value)
{
    char text[24];
    (void)cl_format(text, sizeof(text), "%ld", value);
    member_raw(b, name, text);
}

static const char *word(const struct unit *u, enum condition_type t)
{
    enum condition_status s = (enum condition_status)u->summary.conditions[t];
    return s == STATUS_ABSENT ? "Unknown" : condition_status_name(s);
}

static void row(struct cl_buf *b, const struct unit *u)
{
    const struct unit_summary *m = &u->summary;

    (void)cl_buf_adds(b, u->is_issuer ? "{\"kind\": \"Issuer\"" : "{\"kind\": \"Certificate\"");
    member(b, "namespace", u->namespace_);
    member(b, "name", u->name);
    member(b, "ready", word(u, CONDITION_READY));
    member(b, "reason", reason_token(m->ready_reason));
    member_raw(b, "stalled", m->conditions[CONDITION_STALLED] == STATUS_TRUE ? "true" : "false");
    member(b, "file", cl_str_or(u->file, ""));
    member_raw(b, "specInvalid", u->rejection != NULL ? "true" : "false");
    if (!u->is_issuer) {
        member(b, "deployed", word(u, CONDITION_DEPLOYED));
        member(b, "issuing", word(u, CONDITION_ISSUING));
        member(b, "gate", reason_token(m->gate));
        member(b, "issuer", cl_str_or(u->issuer_key, ""));
        member_time(b, "notAfter", m->not_after);
        member_time(b, "renewalTime", m->renewal_time);
        member_number(b, "failedIssuanceAttempts", m->failed_attempts);
        member_number(b, "revision", m->revision);
    }
    member_time(b, "nextReconcileTime", m->next_at);
    (void)cl_buf_adds(b, "}");
}

static void rejected_files(struct cl_buf *b, const struct inventory *i)
{
    const struct file_entry *e;
    size_t pos = 0;
    const char *before = "\n    ";

    while ((e = inventory_next(i, &pos)) != NULL) {
        if (e->state == FILE_REJECTED || e->state == FILE_UNREADABLE) {
            (void)cl_buf_adds(b, before);
            (void)cl_buf_adds(b, "{\"path\": ");
            cl_buf_add_json(b, e->name);
            member(b, "sha256", e->sha256);
            member(b, "message", cl_str_or(e->problem, ""));
            (void)cl_buf_adds(b, "}");
            before = ",\n    ";
        }
    }
}

void publish_summary(struct daemon *d)
{
    struct cl_buf b;
    struct cl_err err = {0};
    size_t pos = 0;
    void *value;
    const char *before = "\n    ";

    cl_buf_init(&b, SUMMARY_MAX);
    cl_buf_reserve(&b, (d->units.count + 1) * USUAL_ROW);
    (void)cl_buf_adds(&b, "{\n  \"apiVersion\": \"certloop/v1\",\n  \"kind\": \"Summary\"");
    (void)cl_buf_adds(&b, ",\n  \"specSetSha256\": ");
    cl_buf_add_json(&b, inventory_set_sha256(d->inventory));
    (void)cl_buf_adds(&b, ",\n  \"rejected\": [");
    rejected_files(&b, d->inventory);
    (void)cl_buf_adds(&b, "],\n  \"objects\": [");
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        (void)cl_buf_adds(&b, before);
        row(&b, value);
        before = ",\n    ";
    }
    (void)cl_buf_adds(&b, "]");
    member_time(&b, "writtenAt", loop_now(d->loop));
    (void)cl_buf_adds(&b, "}\n");

    char *path = paths_state(&d->paths, "status/_summary.json");
    if (disk_write(path, cl_buf_str(&b), b.len, d->status_mode, &err) < 0) {
        cl_log(CL_LOG_ERROR, "", err.reason, "%s", err.text);
    }
    cl_free(path);
    cl_buf_deinit(&b);
}
