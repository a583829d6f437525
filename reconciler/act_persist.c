/* SPDX-License-Identifier: Apache-2.0 */
/* act_persist: looks at a record of dns-persist-01 that ends soon, outside of any order: where a provider
 * is given, a later one is published; otherwise a person may have done so meanwhile. What is seen goes
 * into the memory, and the plan says the rest. */
#include "backends/solvers/solvers.h"
#include "reconciler/act.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

struct persist_run {
    struct unit *u;
    struct cl_op op;
    struct persist_proof before, after;
};

static void end(struct persist_run *r)
{
    struct unit *u = r->u;

    u->persist = NULL;
    persist_proof_deinit(&r->before);
    persist_proof_deinit(&r->after);
    cl_free(r);
    daemon_wake_unit(u->d, u);
}

static void set_text(char **field, const char *value)
{
    cl_free(*field);
    *field = cl_strdup(value);
}

static void looked(struct cl_op *op, const struct cl_err *err)
{
    struct persist_run *r = op->user;
    struct unit *u = r->u;
    char when[CL_TIME_TEXT];

    if (err != NULL && err->kind == CL_ERR_CANCELLED) {
        end(r);
        return;
    }
    if (err != NULL) {
        set_text(&r->before.problem, err->text);
        r->before.checked_at = loop_now(u->d->loop);
        persist_proofs_put(&u->w->memory.persist, &r->before);
        cl_log(CL_LOG_DEBUG, u->display, err->reason, "%s", err->text);
    } else {
        if (r->after.until == 0 || r->after.until > r->before.until) {
            unit_event(u, false, "PersistRecordRenewed", "%s holds until %s", r->after.record,
                       r->after.until == 0 ? "further notice"
                                           : cl_time_format(r->after.until, when));
        }
        persist_proofs_put(&u->w->memory.persist, &r->after);
    }
    unit_memory_changed(u);
    end(r);
}

/* The solver that the name has now, if it is proved by such a record still. */
static const struct solver_spec *solver_of(struct unit *u, const struct persist_proof *p)
{
    struct cl_strv types = {0};
    char *name = persist_proof_name(p);

    cl_strv_add(&types, "dns-persist-01");
    const struct solver_spec *s =
        solver_pick(u->w->object, observe_issuer_solvers(unit_issuer(u)), name, &types, NULL);
    cl_strv_deinit(&types);
    cl_free(name);
    return s;
}

void act_persist(struct unit *u, const struct persist_proof *p)
{
    const struct solver_spec *solver = solver_of(u, p);

    if (solver == NULL) { /* nobody needs it any more */
        persist_proofs_drop(&u->w->memory.persist, p);
        unit_memory_changed(u);
        daemon_wake_unit(u->d, u);
        return;
    }
    struct persist_run *r = cl_new(struct persist_run);
    r->u = u;
    persist_proof_copy(&r->before, p);
    u->persist = r;
    const struct solver_challenge c = {
        .type = "dns-persist-01",
        .identifier = r->before.identifier,
        .solver = solver,
        .namespace_ = u->namespace_,
        .certificate = u->key,
        .account_url = r->before.account_url,
        .wildcard = r->before.wildcard,
        .issuers = &r->before.issuers,
        .proof = &r->after,
    };
    r->op = (struct cl_op){.done = looked, .user = r};
    solvers_present(u->d->solvers, &c, &r->op);
}

void act_persist_cancel(struct unit *u)
{
    if (u->persist != NULL) {
        cl_op_cancel(&u->persist->op);
    }
}
