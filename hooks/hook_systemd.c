/* SPDX-License-Identifier: Apache-2.0 */
/* hook_systemd: reload or restart a unit, by systemctl. */
#include "backends/rt/op_later.h"
#include "hooks/hook_internal.h"

#include <string.h>

static bool is_systemd(const struct hook_spec *h)
{
    return !cl_str_empty(h->systemd_unit);
}

static const char *action_of(const struct hook_spec *h)
{
    return cl_str_or(h->systemd_action, "reload");
}

static char *label(const struct hook_spec *h)
{
    return cl_printf("systemctl %s %s", action_of(h), h->systemd_unit);
}

/* The characters of unit names (systemd.unit(5)); no leading dash: that would be an option. */
static bool unit_ok(const char *unit)
{
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ":-_.\\@";
    return unit[0] != '-' && strspn(unit, ALLOWED) == strlen(unit) && strlen(unit) < 256;
}

static bool action_ok(const char *action)
{
    return cl_streq(action, "reload") || cl_streq(action, "restart") ||
           cl_streq(action, "reload-or-restart");
}

static void start(struct loop *l, const struct hook_spec *h, const struct hook_event *e,
                  struct hook_op *op)
{
    const char *action = action_of(h);
    if (!unit_ok(h->systemd_unit) || !action_ok(action)) {
        struct cl_err err = {0};
        (void)cl_fail(
            &err, CL_ERR_PERMANENT, "HookInvalid",
            "systemd unit \"%.100s\" with action \"%.40s\": the action is reload, restart "
            "or reload-or-restart, the unit a unit's name",
            h->systemd_unit, action);
        op_later(l, &op->op, &err);
        return;
    }
    struct cl_strv argv = {0};
    cl_strv_add(&argv, "systemctl");
    cl_strv_add(&argv, action);
    cl_strv_add(&argv, "--");
    cl_strv_add(&argv, h->systemd_unit);
    hook_run(l, h, &argv, e, op);
    cl_strv_deinit(&argv);
}

const struct hook_kind hook_kind_systemd = {
    .name = "systemd", .is = is_systemd, .label = label, .start = start};
