/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan_preflight: `plan --preflight`: looks at what a CA would look at, and never asks a CA. What
 * it says of itself is taken from the Issuer's status, as the daemon has read it last. */
#include "reconciler/cli/cmd_plan_preflight.h"

#include "reconciler/act_preflight.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

struct looking {
    struct cli *c;
    struct preflight_op op;
    struct loop *loop;
    struct unit *unit;
    json_t *items;
    size_t failures;
};

static json_t *issuer_details(struct cli *c, const struct unit *issuer)
{
    char *path = cl_printf("status/issuers/%s.json", issuer->name);
    json_t *status = cli_state_json(c, path);
    json_t *part = json_incref(json_object_get(status, "status"));

    json_decref(status);
    cl_free(path);
    return part;
}

static void looked(struct cl_op *op, const struct cl_err *err)
{
    struct looking *l = op->user;

    (void)err;
    for (size_t i = 0; i < l->op.n; i++) {
        const struct preflight_finding *f = &l->op.findings[i];
        l->failures += f->certain;
        if (l->c->output == CLI_JSON) {
            (void)json_array_append_new(l->items, json_pack("{s:s,s:s,s:b,s:s,s:s}", "object",
                                                            l->unit->display, "name", f->identifier,
                                                            "certain", (int)f->certain, "reason",
                                                            f->reason, "message", f->text));
        } else {
            (void)fprintf(l->c->out, "%s: preflight %s %s: %s%s%s\n", l->unit->display,
                          f->certain ? "failure" : "warning", f->reason, f->identifier,
                          f->identifier[0] != '\0' ? ": " : "", f->text);
        }
    }
    if (l->op.n == 0 && l->c->output != CLI_JSON) {
        (void)fprintf(l->c->out, "%s: preflight found nothing\n", l->unit->display);
    }
    loop_stop(l->loop);
}

size_t plan_preflight(struct cli *c, struct unit *u, json_t *items)
{
    struct unit *issuer = unit_issuer(u);
    struct preflight_inputs in;
    struct http_params params = {.user_agent = "certloop/" CERTLOOP_VERSION};
    struct looking l = {.c = c, .unit = u, .items = items};
    struct cl_err err = {0};

    if (issuer == NULL || issuer->instance == NULL || issuer->instance->ops->type != ISSUER_ACME) {
        return 0;
    }
    json_t *details = issuer_details(c, issuer);
    preflight_inputs_init(&in, u, u->w->object, issuer->instance->object, details);
    json_decref(details);
    in.params.daemon_runs = cli_daemon_alive(c, NULL);
    l.op.op = (struct cl_op){.done = looked, .user = &l};
    /* A loop of its own: in the daemon's, its passes would go on, and let this unit go. */
    l.loop = loop_create();
    struct http *http = http_create(l.loop, &params, &err);
    if (http == NULL) {
        (void)cli_error(c, 1, "%s", err.text);
        l.failures++;
    } else {
        struct solvers *s = solvers_create(l.loop, http, &u->d->paths, u->d->config);
        preflight_start(s, &in.params, &l.op);
        loop_run(l.loop);
        solvers_destroy(s);
    }
    http_destroy(http);
    loop_destroy(l.loop);
    preflight_inputs_deinit(&in);
    return l.failures;
}
