/* SPDX-License-Identifier: Apache-2.0 */
/* acme_steps: what an ACME Issuer needs before it can issue. One step at a time:
 *
 *   LOAD_CREDENTIALS  CA bundle, account key and account document from disk
 *   DIRECTORY         GET, up to 5 redirects followed by hand (each checked), clock compared
 *   ACCOUNT           the machine of acme_account (acme_step_account.c)
 *   ROLLOVER          the machine of acme_rollover (acme_step_rollover.c)
 *
 * A failed step leaves what was known before; the reconciler decides when to try again. */
#include "backends/acme/acme_steps_impl.h"
#include "backends/acme/acme_url.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

#define REDIRECTS_MAX 5u

static void fetch_directory(struct loop_task *task);
static void nothing_to_do(struct loop_task *task);
static void run_cancel(struct cl_op *op);

void acme_step_start(struct acme *a, enum issuer_step step, struct cl_op *op)
{
    static void (*const STEPS[ISSUER_STEP_COUNT])(struct loop_task *) = {
        [ISSUER_STEP_NONE] = nothing_to_do,
        [ISSUER_STEP_LOAD_CREDENTIALS] = acme_load_credentials,
        [ISSUER_STEP_DIRECTORY] = fetch_directory,
        [ISSUER_STEP_ACCOUNT] = acme_run_account,
        [ISSUER_STEP_ROLLOVER] = acme_run_rollover,
        [ISSUER_STEP_MAKE_CA] = nothing_to_do,
    };
    struct acme_run *r = cl_new(struct acme_run);

    cl_assert(a->run == NULL);
    a->run = r;
    r->a = a;
    r->step = step;
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
    } else if (r->draining) {
        acme_rollover_drained(r->a); /* it sees that it was cancelled */
    }
}

void acme_run_end(struct acme_run *r, const struct cl_err *err)
{
    struct acme *a = r->a;
    struct cl_op *op = r->op;
    struct cl_err copy = {0};
    enum issuer_step step = r->step;

    if (err != NULL) {
        copy = *err;
        err = &copy;
        acme_note_failure(a, &copy);
    }
    if (err == NULL || err->kind != CL_ERR_CANCELLED) {
        a->problem = copy;
    }
    a->run = NULL;
    a->rolling = false;
    if (r->has_account) {
        acme_account_deinit(&r->account);
    }
    key_destroy(r->key);
    cl_free(r->url);
    cl_free(r);
    acme_wish_step_ended(a, step, err);
    acme_issue_unpark(a);
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
