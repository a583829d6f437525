/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_probe: is the new certificate served? Asked when no hook is pending; a server may take a
 * moment to reload, so a mismatch is looked at again soon, for a while, and then on the usual curve. */
#include "reconciler/deploy_internal.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"

struct probe_run {
    struct deploy_run *run;
    struct probe_op op;
    char *id, *connect;
    cl_time within;
};
static void probe_done(struct cl_op *op, const struct cl_err *err)
{
    struct probe_run *p = op->user;
    struct deploy_run *run = p->run;
    struct unit *u = run->u;
    cl_time now = loop_now(u->d->loop);
    char text[260];
    bool ok = err == NULL && p->op.matches;

    if (ok) {
        (void)cl_format(text, sizeof(text), "serves serial %s", p->op.serial);
    } else {
        (void)cl_format(text, sizeof(text), "%s", err != NULL ? err->text : p->op.message);
    }
    struct memory_hook *rec = memory_hook_find(&u->w->memory, p->id);
    cl_time since =
        rec != NULL && rec->failures > 0 && rec->first_failure > 0 ? rec->first_failure : now;
    /* Within the first minutes a server may still be reloading: look again soon. */
    cl_time soon = now - since < p->within ? now + 2 * CL_SECOND : 0;
    const struct result r = {ok, text, ok ? 0 : 1, now - run->started, soon};
    deploy_record(run, p->id, p->connect, &r);
    rec = memory_hook_find(&u->w->memory, p->id);
    rec->first_failure = ok ? 0 : since;
    if (ok) {
        unit_event(u, false, "Probed", "%s %s", p->connect, text);
    } else if (rec->failures == 1 || soon == 0) {
        unit_event(u, true, "ProbeMismatch", "%s: %s", p->connect, text);
    }
    cl_free(p->id);
    cl_free(p->connect);
    cl_free(p);
    deploy_release(run);
}

void deploy_probes(struct deploy_run *run, cl_time now)
{
    struct unit *u = run->u;
    const struct probe_list *probes = &u->w->object->cert->probes;

    for (size_t i = 0; i < probes->len; i++) {
        char *id = probe_id(&probes->items[i]);
        const struct memory_hook *rec = memory_hook_find(&u->w->memory, id);
        bool done = rec != NULL && cl_streq(rec->outputs_hash, u->w->outputs_hash);
        if (done || (rec != NULL && rec->failures > 0 && rec->next_try > now)) {
            cl_free(id);
            continue;
        }
        struct probe_run *p = cl_new(struct probe_run);
        char *sni = probe_default_name(u->w->object->cert);
        p->run = run;
        p->id = id;
        p->connect = cl_strdup(probes->items[i].connect);
        p->within = probes->items[i].within;
        p->op.op = (struct cl_op){.done = probe_done, .user = p};
        run->outstanding++;
        probe_start(u->d->http, u->d->loop, &probes->items[i], sni, u->w->rev.manifest->cert.sha256,
                    &p->op);
        cl_free(sni);
    }
}
