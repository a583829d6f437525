/* SPDX-License-Identifier: Apache-2.0 */
/* observe_hooks: which hooks and probes are due for what lies in the outputs now, and how the last
 * runs ended. */
#include "hooks/hook.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct memory_hook *memory_hook_find(struct memory *m, const char *id)
{
    for (size_t i = 0; i < m->n_hooks; i++) {
        if (cl_streq(m->hooks[i].id, id)) {
            return &m->hooks[i];
        }
    }
    return NULL;
}

struct memory_hook *memory_hook_add(struct memory *m, const char *id, const char *name)
{
    struct memory_hook *rec = memory_hook_find(m, id);
    if (rec != NULL) {
        return rec;
    }
    m->hooks = cl_reallocarray(m->hooks, m->n_hooks + 1, sizeof(*m->hooks));
    rec = &m->hooks[m->n_hooks++];
    memset(rec, 0, sizeof(*rec));
    rec->id = cl_strdup(id);
    rec->name = cl_strdup(name);
    return rec;
}

void due_hook_load(struct unit *u, size_t index, struct due_hook *ret)
{
    const struct hook_spec *spec = &u->w->object->cert->hooks.items[index];
    memset(ret, 0, sizeof(*ret));
    ret->usable = hook_resolve(u->d->config, spec, &ret->resolved, &ret->err) == 0;
    if (ret->usable) {
        ret->id = hook_identity(&ret->resolved);
    } else {
        memset(&ret->resolved, 0, sizeof(ret->resolved));
        ret->id = cl_printf("missing:%s", cl_str_or(spec->name, "inline"));
    }
    ret->rec = memory_hook_find(&u->w->memory, ret->id);
}

void due_hook_deinit(struct due_hook *h)
{
    if (h->usable) {
        hook_spec_deinit(&h->resolved);
    }
    cl_free(h->id);
}

char *probe_id(const struct probe_spec *p)
{
    return cl_printf("probe:%s/%s", p->connect, cl_str_or(p->server_name, ""));
}

bool hook_done(const struct unit *u, const struct memory_hook *rec, unsigned when)
{
    if (rec == NULL) {
        return false;
    }
    return cl_streq(rec->outputs_hash, u->w->outputs_hash) ||
           ((when & HOOK_OUTPUT_CHANGED) == 0 && rec->revision == u->w->rev.number);
}

/* One that is pending: since when does it fail, and when is it tried next? */
static void count_hook(const struct memory_hook *rec, unsigned *pending, unsigned *failed,
                       cl_time *next)
{
    bool fresh = rec == NULL || rec->failures == 0;
    cl_time at = fresh ? 0 : rec->next_try;
    *next = *pending == 0 ? at : cl_time_min(*next, at);
    *pending += 1;
    *failed += fresh ? 0u : 1u;
}

void observe_hooks(struct unit *u, struct observation *seen)
{
    struct facts *f = &seen->facts;
    const struct hook_list *hooks = &u->w->object->cert->hooks;

    f->hooks_message = seen->hooks_message;
    for (size_t i = 0; i < hooks->len; i++) {
        if ((hooks->items[i].when & (HOOK_ISSUED | HOOK_OUTPUT_CHANGED)) == 0) {
            continue;
        }
        struct due_hook h;
        unsigned failed = f->hooks_failed;
        due_hook_load(u, i, &h);
        f->hooks_total++;
        if (!hook_done(u, h.rec, hooks->items[i].when)) {
            count_hook(h.rec, &f->hooks_pending, &f->hooks_failed, &f->hooks_next);
        }
        if (f->hooks_failed > failed && seen->hooks_message[0] == '\0') {
            (void)cl_format(seen->hooks_message, sizeof(seen->hooks_message), "%s: %s",
                            cl_str_or(h.rec->name, "hook"), cl_str_or(h.rec->result, "failed"));
        }
        due_hook_deinit(&h);
    }
}

void observe_probes(struct unit *u, struct observation *seen)
{
    struct facts *f = &seen->facts;
    const struct probe_list *probes = &u->w->object->cert->probes;

    f->probes_message = seen->probes_message;
    for (size_t i = 0; i < probes->len; i++) {
        char *id = probe_id(&probes->items[i]);
        const struct memory_hook *rec = memory_hook_find(&u->w->memory, id);
        unsigned mismatch = f->probes_mismatch;
        f->probes_total++;
        if (!hook_done(u, rec, HOOK_OUTPUT_CHANGED)) {
            count_hook(rec, &f->probes_pending, &f->probes_mismatch, &f->probes_next);
        }
        if (f->probes_mismatch > mismatch) {
            (void)cl_format(seen->probes_message, sizeof(seen->probes_message), "%s: %s",
                            probes->items[i].connect, cl_str_or(rec->result, ""));
        } else if (f->probes_mismatch == 0 && rec != NULL && seen->probes_message[0] == '\0') {
            (void)cl_format(seen->probes_message, sizeof(seen->probes_message), "%s %s",
                            probes->items[i].connect, cl_str_or(rec->result, ""));
        }
        cl_free(id);
    }
}
