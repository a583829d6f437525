/* SPDX-License-Identifier: Apache-2.0 */
/* acme_step_rollover: the step ROLLOVER: carries out what the machine of acme_rollover says.
 *
 * Issuances that run end first, and new ones wait: a key authorization holds the account key
 * (RFC 8555 8.1), so that an answer presented under the old key would be wrong under the new one. */
#include "backends/acme/acme_jws.h"
#include "backends/acme/acme_steps_impl.h"
#include "backends/rt/disk.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void rollover_event(struct acme_run *r, const struct acme_rollover_event *ev);

static void tell(struct acme_run *r, enum acme_rollover_event_type type, const struct cl_err *err)
{
    rollover_event(r, &(struct acme_rollover_event){.type = type, .err = err});
}

/* ---- start ---- */

static void begin(struct acme_run *r)
{
    struct acme *a = r->a;
    struct acme_rollover_params p = {
        .directory = &a->directory,
        .account_url = a->doc.url,
        .begun = a->next_key != NULL,
    };
    struct cl_err err;

    if (acme_run_was_cancelled(r)) {
        return;
    }
    if (a->key_is_secret) {
        (void)cl_fail(
            &err, CL_ERR_PERMANENT, "KeyIsASecret",
            "the account key is in the secret of spec.acme.privateKeySecretRef, which is "
            "never written: copy it to accounts/%s/key.pem of the state directory, drop the "
            "reference, and ask again",
            a->object->key);
        acme_run_end(r, &err);
        return;
    }
    acme_rollover_init(&r->rollover, &p);
    tell(r, ROLLOVER_EV_ENTER, NULL);
}

void acme_run_rollover(struct loop_task *task)
{
    struct acme_run *r = task->user;
    struct cl_err err;

    if (r->a->directory_at == 0 || r->a->key == NULL || !r->a->has_doc) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "IssuerNotReady",
                      "the account has to be there before its key is replaced");
        acme_run_end(r, &err);
        return;
    }
    r->a->rolling = true;
    if (r->a->active > 0) {
        r->draining = true;
        return;
    }
    begin(r);
}

static void drained(struct loop_task *task)
{
    struct acme_run *r = task->user;

    r->draining = false;
    begin(r);
}

void acme_rollover_drained(struct acme *a)
{
    if (a->run != NULL && a->run->draining) {
        loop_defer(a->host->loop, &a->run->task, drained, a->run);
    }
}

/* ---- the new key ---- */

static void next_saved(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;
    struct cl_err e = {0};

    if (err == NULL && key_jwk(r->key, &r->a->next_jwk, &e) == 0) {
        r->a->next_key = r->key;
        r->key = NULL;
    }
    tell(r, ROLLOVER_EV_KEY, err != NULL ? err : e.kind != CL_ERR_NONE ? &e : NULL);
}

static void next_made(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;
    struct acme *a = r->a;
    struct cl_buf pem;
    struct cl_err e = {0};

    if (err != NULL) {
        tell(r, ROLLOVER_EV_KEY, err);
        return;
    }
    r->key = r->keygen.key;
    r->keygen.key = NULL;
    cl_buf_init_secret(&pem, ACME_KEY_FILE_MAX);
    if (key_to_pem(r->key, KEY_PKCS8, &pem, &e) < 0) {
        tell(r, ROLLOVER_EV_KEY, &e);
    } else {
        char *path = acme_account_path(a, ACME_NEXT_KEY);
        struct disk_batch *b = disk_batch_create();
        disk_batch_write(b, path, pem.data, pem.len, 0600, DISK_KEEP_ID, DISK_KEEP_ID);
        r->commit = (struct cl_op){.done = next_saved, .user = r};
        disk_commit(a->host->loop, b, &r->commit);
        cl_free(path);
    }
    cl_buf_deinit(&pem);
}

/* ---- requests ---- */

static void answered(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;

    r->calling = false;
    if (err != NULL) {
        tell(r, ROLLOVER_EV_FAILED, err);
        return;
    }
    rollover_event(
        r, &(struct acme_rollover_event){.type = ROLLOVER_EV_REPLY, .reply = &r->call.reply});
}

static void call_init(struct acme_run *r)
{
    r->calling = true;
    r->call.op.done = answered;
    r->call.op.user = r;
}

static void probe(struct acme_run *r)
{
    char *payload = acme_msg_find_account();
    struct acme_request req = {
        .what = ACME_NEW_ACCOUNT, .url = r->a->directory.new_account, .payload = payload};

    call_init(r);
    acme_call_start_by(r->a->transport, &req, r->a->next_key, r->a->next_jwk, &r->call);
    cl_free(payload);
}

/* Outside the old key with the account URL, inside the new one with itself and without a nonce. */
static void change(struct acme_run *r)
{
    struct acme *a = r->a;
    char *payload = acme_msg_key_change(a->doc.url, a->jwk);
    char *inner = NULL;
    struct cl_err err;
    struct acme_jws jws = {
        .key = a->next_key, .url = a->directory.key_change, .jwk = a->next_jwk, .payload = payload};
    int rc = acme_jws_sign(&jws, &inner, &err);

    cl_free(payload);
    if (rc < 0) {
        tell(r, ROLLOVER_EV_FAILED, &err);
        return;
    }
    struct acme_request req = {
        .what = ACME_KEY_CHANGE, .url = a->directory.key_change, .payload = inner};
    call_init(r);
    acme_call_start(a->transport, &req, &r->call);
    cl_free(inner);
}

/* ---- the end ---- */

static void saved(struct cl_op *op, const struct cl_err *err)
{
    tell(op->user, ROLLOVER_EV_SAVED, err);
}

/* The rename is what decides. A kill before the document is written costs a look-up: it does not
 * fit the key any more, and newAccount answers with the same URL. */
static void commit(struct acme_run *r)
{
    struct acme *a = r->a;
    char *from = acme_account_path(a, ACME_NEXT_KEY);
    char *to = acme_account_path(a, "key.pem");
    struct disk_batch *b = disk_batch_create();

    disk_batch_rename(b, from, to);
    r->commit = (struct cl_op){.done = saved, .user = r};
    disk_commit(a->host->loop, b, &r->commit);
    cl_free(to);
    cl_free(from);
}

static void discard(struct acme_run *r)
{
    char *path = acme_account_path(r->a, ACME_NEXT_KEY);
    struct disk_batch *b = disk_batch_create();

    disk_batch_unlink(b, path);
    r->commit = (struct cl_op){.done = saved, .user = r};
    disk_commit(r->a->host->loop, b, &r->commit);
    cl_free(path);
}

static void document_saved(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;

    acme_account_refresh(r->a);
    acme_run_end(r, err);
}

static void forget_next(struct acme *a)
{
    key_destroy(a->next_key);
    cl_free(a->next_jwk);
    a->next_key = NULL;
    a->next_jwk = NULL;
}

static void done(struct acme_run *r)
{
    struct acme *a = r->a;
    struct cl_err err = r->rollover.err;

    if (r->rollover.changed && err.kind == CL_ERR_NONE) {
        struct key *key = a->next_key;
        a->next_key = NULL;
        if (acme_set_key(a, key, &err) == 0) {
            forget_next(a);
            memcpy(a->doc.key_sha256, a->key_sha256, sizeof a->doc.key_sha256);
            char *text = acme_account_doc_to_json(&a->doc);
            char *path = acme_account_path(a, "account.json");
            struct disk_batch *b = disk_batch_create();
            disk_batch_write(b, path, text, strlen(text), 0600, DISK_KEEP_ID, DISK_KEEP_ID);
            r->commit = (struct cl_op){.done = document_saved, .user = r};
            disk_commit(a->host->loop, b, &r->commit);
            cl_free(path);
            cl_free(text);
            return;
        }
        forget_next(a);
    } else if (r->rollover.discarded) {
        forget_next(a);
    }
    acme_run_end(r, err.kind != CL_ERR_NONE ? &err : NULL);
}

static void rollover_event(struct acme_run *r, const struct acme_rollover_event *ev)
{
    switch (acme_rollover_step(&r->rollover, ev)) {
    case ROLLOVER_ACT_MAKE_KEY:
        r->keygen.op.done = next_made;
        acme_make_key(r);
        return;
    case ROLLOVER_ACT_PROBE:
        if (!acme_run_was_cancelled(r)) {
            probe(r);
        }
        return;
    case ROLLOVER_ACT_CHANGE:
        if (!acme_run_was_cancelled(r)) {
            change(r);
        }
        return;
    case ROLLOVER_ACT_COMMIT:
        commit(r);
        return;
    case ROLLOVER_ACT_DISCARD:
        discard(r);
        return;
    case ROLLOVER_ACT_DONE:
        done(r);
        return;
    }
}
