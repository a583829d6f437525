/* SPDX-License-Identifier: Apache-2.0 */
/* acme_step_account: the step ACCOUNT: carries out what the machine of acme_account says. */
#include "backends/acme/acme_steps_impl.h"
#include "backends/rt/disk.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void account_event(struct acme_run *r, const struct acme_account_event *ev);

char *acme_account_path(const struct acme *a, const char *name)
{
    char *dir = paths_account(a->host->paths, a->object->key);
    char *path = cl_printf("%s/%s", dir, name);

    cl_free(dir);
    return path;
}

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
    char *path = acme_account_path(r->a, name);
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

void acme_make_key(struct acme_run *r)
{
    bool rsa = r->a->spec->account_key_algorithm == KEY_RSA;

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

/* Does not call back before it returns, but for a secret that is missing. */
static void send(struct acme_run *r, struct acme_account_action *act)
{
    struct cl_err err;
    char *bound = NULL;

    if (act->bind) {
        if (acme_bind(r->a, act->payload, &bound, &err) < 0) {
            account_fails(r, ACCOUNT_EV_FAILED, &err);
            return;
        }
        act->request.payload = bound;
    }
    r->calling = true;
    r->call.op.done = account_answered;
    r->call.op.user = r;
    acme_call_start(r->a->transport, &act->request, &r->call);
    cl_free(bound);
}

static void account_event(struct acme_run *r, const struct acme_account_event *ev)
{
    struct acme_account_action act;

    acme_account_step(&r->account, ev, &act);
    switch (act.type) {
    case ACCOUNT_ACT_MAKE_KEY:
        r->keygen.op.done = key_made;
        acme_make_key(r);
        break;
    case ACCOUNT_ACT_REQUEST:
        if (acme_run_was_cancelled(r)) {
            break;
        }
        /* An update is signed as the account just recorded. */
        if (act.request.what == ACME_ACCOUNT) {
            acme_transport_set_account(r->a->transport, r->account.doc.url);
        }
        send(r, &act);
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

void acme_run_account(struct loop_task *task)
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
