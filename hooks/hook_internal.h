/* SPDX-License-Identifier: Apache-2.0 */
/* hook_internal: the kinds of hooks. Private to hooks/. */
#ifndef HOOK_INTERNAL_H
#define HOOK_INTERNAL_H

#include "hooks/hook.h"

struct hook_kind {
    const char *name; /* as in a spec */
    bool (*is)(const struct hook_spec *h);
    char *(*label)(const struct hook_spec *h);
    void (*start)(struct loop *l, const struct hook_spec *h, const struct hook_event *e,
                  struct hook_op *op);
};
extern const struct hook_kind hook_kind_exec, hook_kind_signal, hook_kind_systemd;
/** NULL if @h says nothing to do. */
const struct hook_kind *hook_kind_of(const struct hook_spec *h);

/** Runs @argv as hook @h; the exit code of the program becomes that of the op. */
void hook_run(struct loop *l, const struct hook_spec *h, const struct cl_strv *argv,
              const struct hook_event *e, struct hook_op *op);
/** Ends @op with what was found out at once: a failed run (exit code 1) that says why. */
void hook_failed(struct loop *l, struct hook_op *op, const struct cl_err *err);

#endif
