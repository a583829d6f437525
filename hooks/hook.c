/* SPDX-License-Identifier: Apache-2.0 */
/* hook: the dispatcher over the kinds, and what identifies a hook. */
#include "hooks/hook.h"

#include "backends/rt/op_later.h"
#include "hooks/hook_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"

#include <string.h>

static const struct hook_kind *const KINDS[] = {&hook_kind_exec, &hook_kind_signal,
                                                &hook_kind_systemd};

const struct hook_kind *hook_kind_of(const struct hook_spec *h)
{
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (KINDS[i]->is(h)) {
            return KINDS[i];
        }
    }
    return NULL;
}

void hook_spec_deinit(struct hook_spec *h)
{
    cl_free(h->name);
    cl_strv_deinit(&h->exec);
    cl_free(h->signal_pid_file);
    cl_free(h->signal_name);
    cl_free(h->systemd_unit);
    cl_free(h->systemd_action);
    cl_free(h->user);
    memset(h, 0, sizeof(*h));
}

/* Each part with its length, so that no two different hooks give the same text. */
static void add_part(struct cl_strv *parts, const char *s)
{
    cl_strv_take(parts, s != NULL ? cl_printf("%zu:%s", strlen(s), s) : cl_strdup("-"));
}

char *hook_identity(const struct hook_spec *resolved)
{
    char hex[CL_SHA256_TEXT];
    struct cl_strv parts = {0};

    cl_strv_for_each(arg, &resolved->exec) {
        add_part(&parts, arg);
    }
    cl_strv_add(&parts, "signal");
    add_part(&parts, resolved->signal_pid_file);
    add_part(&parts, resolved->signal_name);
    cl_strv_add(&parts, "systemd");
    add_part(&parts, resolved->systemd_unit);
    add_part(&parts, resolved->systemd_action);
    cl_strv_add(&parts, "user");
    add_part(&parts, resolved->user);
    char *text = cl_strv_join(&parts, ",");
    (void)cl_sha256_hex(text, strlen(text), hex);
    cl_free(text);
    cl_strv_deinit(&parts);
    return cl_strdup(hex);
}

char *hook_label(const struct hook_spec *resolved)
{
    if (!cl_str_empty(resolved->name)) {
        return cl_strdup(resolved->name);
    }
    const struct hook_kind *kind = hook_kind_of(resolved);
    return kind != NULL ? kind->label(resolved) : cl_strdup("hook");
}

void hook_failed(struct loop *l, struct hook_op *op, const struct cl_err *err)
{
    op->exit_code = 1;
    (void)cl_format(op->output, sizeof(op->output), "%s", err->text);
    op_later(l, &op->op, NULL);
}

void hook_start(struct loop *l, const struct hook_spec *resolved, const struct hook_event *e,
                struct hook_op *op)
{
    const struct hook_kind *kind = hook_kind_of(resolved);

    op->exit_code = 0;
    op->timed_out = false;
    op->duration = 0;
    op->output[0] = '\0';
    op->impl = NULL;
    if (kind == NULL) {
        struct cl_err err = {0};
        (void)cl_fail(&err, CL_ERR_PERMANENT, "HookEmpty",
                      "hook %s says neither exec nor signal nor systemd",
                      cl_str_or(resolved->name, "(unnamed)"));
        op_later(l, &op->op, &err);
        return;
    }
    kind->start(l, resolved, e, op);
}
