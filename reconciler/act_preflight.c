/* SPDX-License-Identifier: Apache-2.0 */
/* act_preflight: what the CA would look at is looked at before a new order. A certain failure ends the
 * run as a local one: it is tried again by itself, and the CA has not been asked. */
#include "reconciler/act_preflight.h"

#include "backends/rt/disk.h"
#include "reconciler/core/preflight_due.h"
#include "reconciler/issuer_choice.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

struct issue_preflight {
    struct preflight_op op;
    struct preflight_inputs inputs;
    void (*go_on)(struct issue_run *r);
};

static void add_directory(struct cl_strv *list, const char *path)
{
    struct disk_stat st = {0};

    if (disk_stat(path, &st, NULL) == 0 && st.type == DISK_DIR && !cl_strv_has(list, path)) {
        cl_strv_add(list, path);
    }
}

void preflight_inputs_init(struct preflight_inputs *in, const struct unit *u,
                           const struct object *certificate, const struct object *issuer,
                           const json_t *details)
{
    const struct acme_spec *acme = &issuer->issuer->acme;
    const json_t *view = json_object_get(details, "acme");
    const char *uri = json_string_value(json_object_get(view, "uri"));
    const json_t *names = json_object_get(json_object_get(view, "directory"), "caaIdentities");
    char *archive = paths_state(&u->d->paths, "archive");
    size_t i;
    json_t *v;

    memset(in, 0, sizeof *in);
    in->account_url = cl_str_empty(uri) ? NULL : cl_strdup(uri);
    json_array_foreach(names, i, v)
    {
        if (json_is_string(v)) {
            cl_strv_add(&in->identities, json_string_value(v));
        }
    }
    add_directory(&in->directories, archive);
    add_directory(&in->directories, u->d->paths.live);
    for (size_t k = 0; k < certificate->cert->outputs.len; k++) {
        add_directory(&in->directories, certificate->cert->outputs.items[k].directory);
    }
    in->params = (struct preflight_params){
        .certificate = certificate,
        .issuer_solvers = &acme->solvers,
        .account_url = in->account_url,
        .caa_identities = &in->identities,
        .directories = &in->directories,
        .http_port = acme->http_port > 0 ? (unsigned)acme->http_port : 80,
        .tls_port = acme->tls_port > 0 ? (unsigned)acme->tls_port : 443,
    };
    cl_free(archive);
}

void preflight_inputs_deinit(struct preflight_inputs *in)
{
    cl_strv_deinit(&in->identities);
    cl_strv_deinit(&in->directories);
    cl_free(in->account_url);
}

/* All findings that count, in one error; more than fit are only counted. */
static void fail_with(const struct preflight_op *op, struct cl_err *err)
{
    const struct preflight_finding *first = preflight_failure(op);
    size_t more = 0;

    for (size_t i = 1; i < op->n; i++) {
        more += op->findings[i].certain;
    }
    (void)cl_fail(err, CL_ERR_LOCAL, PREFLIGHT_FAILED, "%s: %s", first->reason, first->text);
    if (more > 0) {
        char text[CL_ERR_TEXT];
        (void)cl_format(text, sizeof text, "%s (and %zu more: certloop plan --preflight shows all)",
                        err->text, more);
        memcpy(err->text, text, sizeof err->text);
    }
    (void)cl_format(err->identifier, sizeof err->identifier, "%s", first->identifier);
}

static void done(struct cl_op *op, const struct cl_err *failed)
{
    struct issue_run *r = op->user;
    struct issue_preflight *p = r->preflight;
    void (*go_on)(struct issue_run * r) = p->go_on;
    struct cl_err err = {0};

    if (failed != NULL || r->cancelled) {
        (void)cl_fail(&err, CL_ERR_CANCELLED, "Cancelled", "no longer wanted");
    } else if (preflight_failure(&p->op) != NULL) {
        fail_with(&p->op, &err);
    } else {
        for (size_t i = 0; i < p->op.n; i++) {
            cl_log(CL_LOG_WARNING, r->u->display, p->op.findings[i].reason, "preflight: %s",
                   p->op.findings[i].text);
        }
    }
    r->preflight = NULL;
    r->preflight_done = true;
    preflight_inputs_deinit(&p->inputs);
    cl_free(p);
    if (err.kind != CL_ERR_NONE) {
        issue_fail(r, &err);
    } else {
        go_on(r);
    }
}

bool issue_preflight(struct issue_run *r, void (*go_on)(struct issue_run *r))
{
    const struct object *issuer = r->instance->object;
    const struct memory_hold *hold = issuer_choice_hold(r->u);

    if (r->preflight_done || r->instance->ops->type != ISSUER_ACME) {
        return false;
    }
    const struct preflight_case c = {.mode = issuer->issuer->acme.preflight,
                                     .resumes = r->pending.order_url != NULL,
                                     .scarce = r->scarce,
                                     .last_kind = hold->kind,
                                     .last_reason = hold->err.reason};
    if (!preflight_due(&c)) {
        return false;
    }
    struct issue_preflight *p = cl_new(struct issue_preflight);
    json_t *details = r->instance->ops->details(r->instance->issuer);
    preflight_inputs_init(&p->inputs, r->u, r->kept != NULL ? r->kept : r->u->w->object, issuer,
                          details);
    json_decref(details);
    p->go_on = go_on;
    p->op.op = (struct cl_op){.done = done, .user = r};
    r->preflight = p;
    preflight_start(r->u->d->solvers, &p->inputs.params, &p->op);
    return true;
}

void issue_preflight_cancel(struct issue_run *r)
{
    if (r->preflight != NULL) {
        cl_op_cancel(&r->preflight->op.op);
    }
}
