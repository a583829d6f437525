/* SPDX-License-Identifier: Apache-2.0 */
/* acme_steps: what an ACME Issuer needs before it can issue. One step at a time:
 *
 *   LOAD_CREDENTIALS  CA bundle, account key and account document from disk
 *   DIRECTORY         GET, up to 5 redirects followed by hand (each checked), clock compared
 *   ACCOUNT           the machine of acme_account: key, newAccount, document
 *
 * A failed step leaves what was known before; the reconciler decides when to try again. */
#include "backends/acme/acme_steps_impl.h"
#include "backends/acme/acme_url.h"
#include "backends/rt/disk.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define REDIRECTS_MAX 5u

static void fetch_directory(struct loop_task *task);
static void run_account(struct loop_task *task);
static void nothing_to_do(struct loop_task *task);
static void run_cancel(struct cl_op *op);

void acme_step_start(struct acme *a, enum issuer_step step, struct cl_op *op)
{
    static void (*const STEPS[ISSUER_STEP_COUNT])(struct loop_task *) = {
        [ISSUER_STEP_NONE] = nothing_to_do,
        [ISSUER_STEP_LOAD_CREDENTIALS] = acme_load_credentials,
        [ISSUER_STEP_DIRECTORY] = fetch_directory,
        [ISSUER_STEP_ACCOUNT] = run_account,
        [ISSUER_STEP_MAKE_CA] = nothing_to_do,
    };
    struct acme_run *r = cl_new(struct acme_run);

    cl_assert(a->run == NULL);
    a->run = r;
    r->a = a;
    r->op = op;
    op->impl = r;
    op->cancel = run_cancel;
    loop_defer(a->host->loop, &r->task, STEPS[step], r);
}

static void run_cancel(struct cl_op *op)
{
    struct acme_run *r = op->impl;

    r->cancelled = true;
    if (r->calling) {
        cl_op_cancel(&r->call.op);
    }
}

void acme_run_end(struct acme_run *r, const struct cl_err *err)
{
    struct acme *a = r->a;
    struct cl_op *op = r->op;
    struct cl_err copy = {0};

    if (err != NULL) {
        copy = *err;
        err = &copy;
        acme_note_failure(a, &copy);
    }
    if (err == NULL || err->kind != CL_ERR_CANCELLED) {
        a->problem = copy;
    }
    a->run = NULL;
    if (r->has_account) {
        acme_account_deinit(&r->account);
    }
    key_destroy(r->key);
    cl_free(r->url);
    cl_free(r);
    cl_op_done(op, err);
}

static void nothing_to_do(struct loop_task *task)
{
    acme_run_end(task->user, NULL);
}

/* Has the step been cancelled meanwhile? Then it ends here. */
bool acme_run_was_cancelled(struct acme_run *r)
{
    struct cl_err err;

    if (!r->cancelled) {
        return false;
    }
    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the step was cancelled");
    acme_run_end(r, &err);
    return true;
}

/* ---- directory ---- */

static void directory_answered(struct cl_op *op, const struct cl_err *err);

static void get_directory(struct acme_run *r)
{
    r->calling = true;
    r->call.op.done = directory_answered;
    r->call.op.user = r;
    acme_call_get(r->a->transport, r->url, &r->call);
}

static void fetch_directory(struct loop_task *task)
{
    struct acme_run *r = task->user;

    if (acme_run_was_cancelled(r)) {
        return;
    }
    r->url = cl_strdup(r->a->spec->server);
    get_directory(r);
}

static void follow_redirect(struct acme_run *r, const char *location)
{
    bool http = acme_url_is_loopback_http(r->a->spec->server);
    char *next = location != NULL ? acme_url_resolve(r->url, location) : NULL;
    struct cl_err err;

    if (!acme_url_ok(next, http) || r->redirects >= REDIRECTS_MAX) {
        cl_free(next);
        (void)cl_fail(&err, CL_ERR_BAD_RESULT, "BadRedirect",
                      r->redirects >= REDIRECTS_MAX
                          ? "the directory redirects more than 5 times"
                          : "the directory redirects to something that is no https URL");
        acme_run_end(r, &err);
        return;
    }
    r->redirects++;
    cl_free(r->url);
    r->url = next;
    get_directory(r);
}

static void directory_answered(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;
    struct acme *a = r->a;
    const struct acme_reply *reply = &r->call.reply;
    struct acme_directory d;
    struct cl_err e = {0};
    cl_time date;
    cl_time now = loop_now(a->host->loop);

    r->calling = false;
    if (err != NULL) {
        e = *err;
        cl_wrap(&e, "directory %s", a->spec->server);
        acme_run_end(r, &e);
        return;
    }
    if (reply->status >= 300) {
        follow_redirect(r, reply->location);
        return;
    }
    if (acme_msg_directory(reply->body, reply->len, acme_url_is_loopback_http(a->spec->server), &d,
                           &e) < 0) {
        cl_wrap(&e, "directory %s", a->spec->server);
        acme_run_end(r, &e);
        return;
    }
    acme_directory_deinit(&a->directory);
    a->directory = d;
    a->directory_at = now;
    const char *text = http_header(r->call.http, "date");
    if (text != NULL && cl_time_parse_http(text, &date) == 0) {
        cl_time skew = date - now;
        a->skew = skew > -2 * CL_SECOND && skew < 2 * CL_SECOND ? 0 : skew;
    }
    acme_transport_set_new_nonce(a->transport, a->directory.new_nonce);
    acme_account_refresh(a);
    acme_run_end(r, NULL);
}

/* ---- account ---- */

static void account_event(struct acme_run *r, const struct acme_account_event *ev);

static void account_fails(struct acme_run *r, enum acme_account_event_type type,
                          const struct cl_err *err)
{
    account_event(r, &(struct acme_account_event){.type = type, .err = err});
}

static void account_saved(struct cl_op *op, const struct cl_err *err)
{
    account_fails(op->user, ACCOUNT_EV_SAVED, err);
}

/* accounts/KEY/NAME, durable, readable by nobody else. */
static void commit_file(struct acme_run *r, const char *name, const void *data, size_t len)
{
    char *dir = paths_account(r->a->host->paths, r->a->object->key);
    char *path = cl_printf("%s/%s", dir, name);
    struct disk_batch *b = disk_batch_create();

    disk_batch_mkdirs(b, dir, 0700);
    disk_batch_write(b, path, data, len, 0600, DISK_KEEP_ID, DISK_KEEP_ID);
    r->commit.user = r;
    disk_commit(r->a->host->loop, b, &r->commit);
    cl_free(path);
    cl_free(dir);
}

static void key_saved(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;
    struct key *key = r->key;
    struct cl_err e = {0};

    r->key = NULL;
    if (err != NULL) {
        key_destroy(key);
        account_fails(r, ACCOUNT_EV_KEY, err);
    } else if (acme_set_key(r->a, key, &e) < 0) {
        account_fails(r, ACCOUNT_EV_KEY, &e);
    } else {
        account_event(r, &(struct acme_account_event){.type = ACCOUNT_EV_KEY,
                                                      .key_sha256 = r->a->key_sha256});
    }
}

static void key_made(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;
    struct cl_buf pem;
    struct cl_err e = {0};

    if (err != NULL) {
        account_fails(r, ACCOUNT_EV_KEY, err);
        return;
    }
    r->key = r->keygen.key;
    r->keygen.key = NULL;
    cl_buf_init_secret(&pem, ACME_KEY_FILE_MAX);
    if (key_to_pem(r->key, KEY_PKCS8, &pem, &e) < 0) {
        account_fails(r, ACCOUNT_EV_KEY, &e);
    } else {
        r->commit.done = key_saved;
        commit_file(r, "key.pem", pem.data, pem.len);
    }
    cl_buf_deinit(&pem);
}

static void make_key(struct acme_run *r)
{
    bool rsa = r->a->spec->account_key_algorithm == KEY_RSA;

    r->keygen.op.done = key_made;
    r->keygen.op.user = r;
    key_generate_start(r->a->host->loop, rsa ? KEY_RSA : KEY_ECDSA, rsa ? 2048 : 256, &r->keygen);
}

static void account_answered(struct cl_op *op, const struct cl_err *err)
{
    struct acme_run *r = op->user;

    r->calling = false;
    if (err != NULL) {
        account_fails(r, ACCOUNT_EV_FAILED, err);
        return;
    }
    account_event(r,
                  &(struct acme_account_event){.type = ACCOUNT_EV_REPLY, .reply = &r->call.reply});
}

static void save_document(struct acme_run *r)
{
    char *text = acme_account_doc_to_json(&r->account.doc);

    r->commit.done = account_saved;
    commit_file(r, "account.json", text, strlen(text));
    cl_free(text);
}

static void account_done(struct acme_run *r)
{
    struct acme *a = r->a;
    struct acme_account *m = &r->account;

    if (m->err.kind != CL_ERR_NONE) {
        struct cl_err err = m->err;
        acme_run_end(r, &err);
        return;
    }
    acme_account_doc_deinit(&a->doc);
    a->doc = m->doc;
    memset(&m->doc, 0, sizeof m->doc);
    a->has_doc = true;
    a->account_lost = false;
    acme_account_refresh(a);
    acme_run_end(r, NULL);
}

static void account_event(struct acme_run *r, const struct acme_account_event *ev)
{
    struct acme_account_action act;

    acme_account_step(&r->account, ev, &act);
    switch (act.type) {
    case ACCOUNT_ACT_MAKE_KEY:
        make_key(r);
        break;
    case ACCOUNT_ACT_REQUEST:
        if (acme_run_was_cancelled(r)) {
            break;
        }
        /* An update is signed as the account just recorded. */
        if (act.request.what == ACME_ACCOUNT) {
            acme_transport_set_account(r->a->transport, r->account.doc.url);
        }
        r->calling = true;
        r->call.op.done = account_answered;
        r->call.op.user = r;
        acme_call_start(r->a->transport, &act.request, &r->call);
        break;
    case ACCOUNT_ACT_SAVE:
        save_document(r);
        break;
    case ACCOUNT_ACT_DONE:
        account_done(r);
        break;
    }
    cl_free(act.payload);
}

static void run_account(struct loop_task *task)
{
    struct acme_run *r = task->user;
    struct acme_account_params p;
    struct cl_err err;

    if (acme_run_was_cancelled(r)) {
        return;
    }
    if (r->a->directory_at == 0) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "IssuerNotReady",
                      "the directory has not been fetched yet");
        acme_run_end(r, &err);
        return;
    }
    acme_account_inputs(r->a, &p);
    acme_account_init(&r->account, &p);
    r->has_account = true;
    account_event(r, &(struct acme_account_event){.type = ACCOUNT_EV_ENTER});
}
