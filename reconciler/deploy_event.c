/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_event: what hooks are told about a certificate, and the hooks for failures: run once for
 * each failed attempt, not retried. */
#include "reconciler/deploy_internal.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

static const char *path_of(const struct output_plan *plan, const char *const *names,
                           struct cl_strv *paths)
{
    for (size_t i = 0; i < plan->n_files; i++) {
        for (const char *const *n = names; *n != NULL; n++) {
            if (cl_streq(plan->files[i].name, *n)) {
                cl_strv_take(paths, cl_printf("%s/%s", plan->directory, *n));
                return paths->items[paths->len - 1];
            }
        }
    }
    return NULL;
}

void deploy_describe(struct unit *u, struct hook_cert *c, struct cl_strv *paths)
{
    static const char *const CERT[] = {"cert.pem", NULL};
    static const char *const KEY[] = {"privkey.pem", "tls.key", NULL};
    static const char *const CHAIN[] = {"chain.pem", NULL};
    static const char *const FULLCHAIN[] = {"fullchain.pem", "tls.crt", NULL};
    const struct manifest *m = u->w->rev.manifest;

    memset(c, 0, sizeof(*c));
    c->name = u->name;
    c->namespace_ = u->namespace_;
    c->dns_names = &u->w->object->cert->dns_names;
    c->lineage = "";
    if (u->w->plans.len > 0) {
        const struct output_plan *first = &u->w->plans.items[0];
        c->lineage = first->directory;
        c->cert_path = path_of(first, CERT, paths);
        c->key_path = path_of(first, KEY, paths);
        c->chain_path = path_of(first, CHAIN, paths);
        c->fullchain_path = path_of(first, FULLCHAIN, paths);
    }
    if (m != NULL) {
        c->serial = m->cert.serial;
        c->issuer_name = m->issuer_name;
        c->revision = m->revision;
        c->not_after = m->cert.not_after;
    }
}

struct failed_run {
    struct hook_op op;
    struct loose loose;
    struct hook_spec resolved;
    struct hook_cert cert;
    struct cl_strv paths;
    struct daemon *d;
    char *display;
};

static void failed_hook_done(struct cl_op *op, const struct cl_err *err)
{
    struct failed_run *r = op->user;
    bool stopped = err != NULL && err->kind == CL_ERR_CANCELLED;
    if (!stopped && (err != NULL || r->op.exit_code != 0)) {
        cl_log(CL_LOG_WARNING, r->display, "HookFailed", "failure hook: %s",
               err != NULL ? err->text : "it exited with an error");
    }
    daemon_loose_end(r->d, &r->loose);
    hook_spec_deinit(&r->resolved);
    cl_strv_deinit(&r->paths);
    cl_free(r->display);
    cl_free(r);
}

void deploys_failed(struct unit *u, const struct cl_err *err)
{
    const struct hook_list *hooks = &u->w->object->cert->hooks;
    for (size_t i = 0; i < hooks->len; i++) {
        struct due_hook h;
        if ((hooks->items[i].when & HOOK_FAILED) == 0) {
            continue;
        }
        due_hook_load(u, i, &h);
        if (!h.usable) {
            unit_event(u, true, h.err.reason, "%s", h.err.text);
            due_hook_deinit(&h);
            continue;
        }
        struct failed_run *r = cl_new(struct failed_run);
        r->d = u->d;
        r->display = cl_strdup(u->display);
        r->resolved = h.resolved;
        h.usable = false;
        deploy_describe(u, &r->cert, &r->paths);
        struct hook_event e = {
            .reason = "Failed", .certs = &r->cert, .n_certs = 1, .error = err->text};
        r->op.op = (struct cl_op){.done = failed_hook_done, .user = r};
        daemon_loose(u->d, &r->loose, &r->op.op);
        hook_start(u->d->loop, &r->resolved, &e, &r->op);
        due_hook_deinit(&h);
    }
}
