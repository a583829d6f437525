/* SPDX-License-Identifier: Apache-2.0 */
/* acme_revoke: one revocation (RFC 8555 7.6), signed by the account or by the certificate's key. */
#include "backends/acme/acme_impl.h"
#include "backends/acme/acme_problem.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <ctype.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct revocation {
    struct acme *a;
    struct revoke_op *op;
    struct acme_call call;
    struct loop_task task;
    struct cl_err err;
};

static void finish(struct revocation *v, const struct cl_err *err)
{
    struct acme *a = v->a;
    struct revoke_op *op = v->op;
    struct cl_err copy;

    if (err != NULL) {
        copy = *err;
        err = &copy;
    }
    cl_free(v);
    acme_inactive(a);
    cl_op_done(&op->op, err);
}

static void answered(struct cl_op *op, const struct cl_err *err)
{
    struct revocation *v = op->user;
    struct cl_err e;

    if (err == NULL) {
        finish(v, NULL);
        return;
    }
    e = *err;
    if (acme_problem_is(err, "alreadyRevoked")) { /* what was wanted is so */
        v->op->already = true;
        finish(v, NULL);
        return;
    }
    if (acme_problem_is(err, "badRevocationReason")) {
        cl_wrap(&e, "the CA does not take this reason; leave --reason out, or try another one");
    } else {
        acme_note_failure(v->a, &e);
    }
    finish(v, &e);
}

/* The first certificate of @pem as base64url of its DER; NULL if there is none. */
static char *leaf_base64url(const char *pem)
{
    const char *from = strstr(pem, BEGIN);
    const char *to = from != NULL ? strstr(from, END) : NULL;
    unsigned char *der = NULL;
    size_t len;
    size_t n = 0;
    char *result = NULL;

    if (to == NULL) {
        return NULL;
    }
    from += strlen(BEGIN);
    char *text = cl_malloc((size_t)(to - from) + 1);
    for (; from < to; from++) {
        if (isspace((unsigned char)*from) == 0) {
            text[n++] = *from;
        }
    }
    if (cl_base64_decode(text, n, &der, &len) == 0) {
        result = cl_base64url(der, len);
    }
    cl_free(der);
    cl_free(text);
    return result;
}

static void fails(struct loop_task *task)
{
    struct revocation *v = task->user;

    finish(v, &v->err);
}

static int send(struct revocation *v, const char *certificate)
{
    struct acme *a = v->a;
    struct revoke_op *op = v->op;
    char *jwk = NULL;

    if (a->directory.revoke_cert == NULL) {
        return cl_fail(&v->err, CL_ERR_PERMANENT, "RevokeUnsupported",
                       "the CA's directory has no revokeCert, or has not been fetched yet");
    }
    if (certificate == NULL) {
        return cl_fail(&v->err, CL_ERR_LOCAL, "InvalidCertificate",
                       "there is no certificate in it");
    }
    if (op->key != NULL && key_jwk(op->key, &jwk, &v->err) < 0) {
        return -1;
    }
    char *payload = acme_msg_revoke(certificate, op->reason);
    struct acme_request req = {
        .what = ACME_REVOKE, .url = a->directory.revoke_cert, .payload = payload};
    if (op->key != NULL) {
        acme_call_start_by(a->transport, &req, op->key, jwk, &v->call);
    } else {
        acme_call_start(a->transport, &req, &v->call);
    }
    cl_free(payload);
    cl_free(jwk);
    return 0;
}

static void revoke_cancel(struct cl_op *op)
{
    struct revocation *v = op->impl;

    cl_op_cancel(&v->call.op);
}

void acme_revoke_start(struct acme *a, struct revoke_op *op)
{
    struct revocation *v = cl_new(struct revocation);
    char *certificate = leaf_base64url(op->certificate);

    v->a = a;
    v->op = op;
    v->call.op.done = answered;
    v->call.op.user = v;
    op->already = false;
    op->op.impl = v;
    op->op.cancel = revoke_cancel;
    a->active++;
    if (send(v, certificate) < 0) {
        loop_defer(a->host->loop, &v->task, fails, v);
    }
    cl_free(certificate);
}
