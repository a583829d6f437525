/* SPDX-License-Identifier: Apache-2.0 */
/* acme_steps: what an ACME Issuer needs before it can issue. One step at a time:
 *
 *   LOAD_CREDENTIALS  CA bundle, account key and account document from disk
 *   DIRECTORY         GET, up to 5 redirects followed by hand (each checked), clock compared
 *   ACCOUNT           the machine of acme_account: key, newAccount, document
 *
 * A failed step leaves what was known before; the reconciler decides when to try again. */
#include "backends/acme/acme_impl.h"
#include "backends/acme/acme_url.h"
#include "backends/rt/disk.h"
#include "backends/store/secrets.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define KEY_FILE_MAX ((size_t)64 << 10)
#define DOC_FILE_MAX ((size_t)64 << 10)
#define BUNDLE_FILE_MAX ((size_t)4 << 20)
#define REDIRECTS_MAX 5u

struct acme_run {
    struct acme *a;
    struct cl_op *op;
    struct loop_task task;
    struct acme_call call; /* started if calling */
    bool calling, cancelled;
    char *url; /* directory being fetched */
    unsigned redirects;
    bool has_account;
    struct acme_account account;
    struct key_op keygen;
    struct key *key; /* made, not durable yet */
    struct cl_op commit;
};

static void load_credentials(struct loop_task *task);
static void fetch_directory(struct loop_task *task);
static void run_account(struct loop_task *task);
static void nothing_to_do(struct loop_task *task);
static void run_end(struct acme_run *r, const struct cl_err *err);
static void run_cancel(struct cl_op *op);

void acme_step_start(struct acme *a, enum issuer_step step, struct cl_op *op)
{
    static void (*const STEPS[ISSUER_STEP_COUNT])(struct loop_task *) = {
        [ISSUER_STEP_NONE] = nothing_to_do,
        [ISSUER_STEP_LOAD_CREDENTIALS] = load_credentials,
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

static void run_end(struct acme_run *r, const struct cl_err *err)
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
    run_end(task->user, NULL);
}

/* Has the step been cancelled meanwhile? Then it ends here. */
static bool run_was_cancelled(struct acme_run *r)
{
    struct cl_err err;

    if (!r->cancelled) {
        return false;
    }
    (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "the step was cancelled");
    run_end(r, &err);
    return true;
}

/* ---- credentials ---- */

static int set_key(struct acme *a, struct key *take_key, struct cl_err *err)
{
    char *jwk = NULL;
    char *thumbprint = NULL;
    char sha256[CL_SHA256_TEXT];

    if (key_jwk(take_key, &jwk, err) < 0 || key_thumbprint(take_key, &thumbprint, err) < 0 ||
        key_spki_sha256(take_key, sha256, err) < 0) {
        cl_free(jwk);
        cl_free(thumbprint);
        key_destroy(take_key);
        return -1;
    }
    acme_transport_set_key(a->transport, take_key, jwk);
    key_destroy(a->key);
    cl_free(a->jwk);
    cl_free(a->thumbprint);
    a->key = take_key;
    a->jwk = jwk;
    a->thumbprint = thumbprint;
    memcpy(a->key_sha256, sha256, sizeof sha256);
    a->credentials = CREDENTIALS_OK;
    return 0;
}

static int load_trust(struct acme *a, struct cl_err *err)
{
    const struct acme_spec *s = a->spec;
    struct cl_buf pem = {0};

    if (a->trust != NULL) {
        return 0; /* requests may be using it; a changed bundle comes with a changed spec */
    }
    if (s->ca_bundle == NULL && s->ca_bundle_file != NULL &&
        disk_read(s->ca_bundle_file, BUNDLE_FILE_MAX, &pem, NULL, err) < 0) {
        if (err != NULL) {
            err->kind = CL_ERR_PERMANENT;
        }
        cl_wrap(err, "spec.acme.caBundleFile %s", s->ca_bundle_file);
        return -1;
    }
    a->trust =
        http_trust_create(s->ca_bundle != NULL ? s->ca_bundle : pem.data, s->skip_tls_verify);
    cl_buf_deinit(&pem);
    acme_transport_set_trust(a->transport, a->trust);
    return 0;
}

/* 0 with the PEM in @ret, 1 if there is no key yet. */
static int read_key_pem(struct acme *a, struct cl_buf *ret, struct cl_err *err)
{
    const struct secret_ref *ref = &a->spec->private_key;
    struct cl_err e = {0};

    if (secret_ref_given(ref)) {
        if (secret_read(a->host->paths, a->host->config, a->object->metadata.namespace_, ref,
                        "tls.key", ret, NULL, &e) == 0) {
            return 0;
        }
        if (strcmp(e.reason, "SecretNotFound") != 0) {
            *err = e;
            return -1;
        }
    }
    char *dir = paths_account(a->host->paths, a->object->key);
    char *path = cl_printf("%s/key.pem", dir);
    int rc = disk_read_secret(path, KEY_FILE_MAX, ret, NULL, err);
    cl_free(path);
    cl_free(dir);
    if (rc < 0 && strcmp(err->reason, "NotFound") == 0) {
        if (a->spec->disable_account_key_generation) {
            (void)cl_fail(err, CL_ERR_PERMANENT, "AccountKeyMissing",
                          "there is no account key, and disableAccountKeyGeneration is set%s%s",
                          e.text[0] != '\0' ? ": " : "", e.text);
            return -1;
        }
        return 1;
    }
    return rc;
}

static int load_key(struct acme *a, struct cl_err *err)
{
    struct cl_buf pem = {0};
    struct key *key = NULL;
    int rc = read_key_pem(a, &pem, err);

    if (rc == 1) {
        a->credentials = CREDENTIALS_TO_MAKE;
        return 0;
    }
    if (rc == 0) {
        rc = key_from_pem(cl_buf_str(&pem), &key, err);
        cl_buf_deinit(&pem);
        rc = rc == 0 ? set_key(a, key, err) : rc;
    }
    if (rc < 0) {
        a->credentials = CREDENTIALS_MISSING;
        cl_wrap(err, "account key");
    }
    return rc;
}

/* A missing or damaged document is not an error: newAccount brings it back. */
static void load_document(struct acme *a)
{
    char *dir = paths_account(a->host->paths, a->object->key);
    char *path = cl_printf("%s/account.json", dir);
    struct cl_buf text = {0};
    struct acme_account_doc doc;

    if (disk_read(path, DOC_FILE_MAX, &text, NULL, NULL) == 0 &&
        acme_account_doc_from_json(cl_buf_str(&text), text.len, &doc, NULL) == 0) {
        acme_account_doc_deinit(&a->doc);
        a->doc = doc;
        a->has_doc = true;
    }
    cl_buf_deinit(&text);
    cl_free(path);
    cl_free(dir);
}

static void load_credentials(struct loop_task *task)
{
    struct acme_run *r = task->user;
    struct acme *a = r->a;
    struct cl_err err = {0};

    if (run_was_cancelled(r)) {
        return;
    }
    if (load_trust(a, &err) < 0) {
        a->credentials = CREDENTIALS_MISSING;
        run_end(r, &err);
        return;
    }
    if (load_key(a, &err) < 0) {
        run_end(r, &err);
        return;
    }
    load_document(a);
    acme_account_refresh(a);
    run_end(r, NULL);
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

    if (run_was_cancelled(r)) {
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
        run_end(r, &err);
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
        run_end(r, &e);
        return;
    }
    if (reply->status >= 300) {
        follow_redirect(r, reply->location);
        return;
    }
    if (acme_msg_directory(reply->body, reply->len, acme_url_is_loopback_http(a->spec->server), &d,
                           &e) < 0) {
        cl_wrap(&e, "directory %s", a->spec->server);
        run_end(r, &e);
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
    run_end(r, NULL);
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
    } else if (set_key(r->a, key, &e) < 0) {
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
    cl_buf_init_secret(&pem, KEY_FILE_MAX);
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
        run_end(r, &err);
        return;
    }
    acme_account_doc_deinit(&a->doc);
    a->doc = m->doc;
    memset(&m->doc, 0, sizeof m->doc);
    a->has_doc = true;
    a->account_lost = false;
    acme_account_refresh(a);
    run_end(r, NULL);
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
        if (run_was_cancelled(r)) {
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

    if (run_was_cancelled(r)) {
        return;
    }
    if (r->a->directory_at == 0) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "IssuerNotReady",
                      "the directory has not been fetched yet");
        run_end(r, &err);
        return;
    }
    acme_account_inputs(r->a, &p);
    acme_account_init(&r->account, &p);
    r->has_account = true;
    account_event(r, &(struct acme_account_event){.type = ACCOUNT_EV_ENTER});
}
