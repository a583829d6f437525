/* SPDX-License-Identifier: Apache-2.0 */
/* act_pending: the durable record of an issuance under way: taken over after a restart or a storm,
 * made anew, given up. */
#include "reconciler/issue_run.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

char *issue_identity(const struct issue_run *r)
{
    struct issuer_facts f = {0};
    r->instance->ops->facts(r->instance->issuer, r->started, &f);
    return cl_strdup(f.identity);
}

/* Does the record on disk still answer what is wanted, from the same issuer? */
static bool resumable(const struct issue_run *r, const struct pending *p)
{
    struct issuer_facts f = {0};
    r->instance->ops->facts(r->instance->issuer, r->started, &f);
    return cl_streq(p->request, r->u->w->wanted_request) &&
           cl_streq(p->issuer_identity, f.identity) &&
           cl_streq(p->issuer_name, r->instance->object->metadata.name);
}

struct abandon_run {
    struct cl_op op;
    struct loose loose;
    struct daemon *d;
    struct instance *instance;
};

static void abandoned(struct cl_op *op, const struct cl_err *err)
{
    struct abandon_run *a = op->user;
    if (err != NULL) {
        cl_log(CL_LOG_DEBUG, "", err->reason, "old order not given up: %s", err->text);
    }
    daemon_loose_end(a->d, &a->loose);
    instance_unref(a->instance);
    cl_free(a);
}

/* Pending authorizations of an order that nobody will finish are not left behind (best effort). */
void issue_abandon(struct issue_run *r, const struct pending *p)
{
    struct issuer_facts f = {0};
    r->instance->ops->facts(r->instance->issuer, r->started, &f);
    if (p->order_url == NULL || r->instance->ops->abandon == NULL ||
        !cl_streq(p->issuer_identity, f.identity)) {
        return;
    }
    struct abandon_run *a = cl_new(struct abandon_run);
    a->instance = instance_ref(r->instance);
    a->d = r->u->d;
    a->op = (struct cl_op){.done = abandoned, .user = a};
    daemon_loose(a->d, &a->loose, &a->op);
    r->instance->ops->abandon(r->instance->issuer, p->order_url, &a->op);
}

bool issue_take_pending(struct issue_run *r)
{
    struct unit *u = r->u;
    struct cl_err err = {0};
    int rc = pending_load(&u->d->paths, u->key, &r->pending, &err);
    if (rc < 0) {
        cl_log(CL_LOG_WARNING, u->display, err.reason, "starting anew: %s", err.text);
        memset(&r->pending, 0, sizeof(r->pending));
        return false;
    }
    if (rc == 0 && resumable(r, &r->pending) &&
        key_from_pem(cl_buf_str(&r->pending.key_pem), &r->key, &err) == 0) {
        r->pending_on_disk = true;
        return true;
    }
    if (rc == 0) {
        issue_abandon(r, &r->pending);
        pending_deinit(&r->pending);
        memset(&r->pending, 0, sizeof(r->pending));
    }
    return false;
}

void issue_new_pending(struct issue_run *r, const struct plan *p)
{
    struct unit *u = r->u;
    struct issuer_facts f = {0};
    r->instance->ops->facts(r->instance->issuer, r->started, &f);
    r->pending.issuer_name = cl_strdup(r->instance->object->metadata.name);
    r->pending.issuer_identity = cl_strdup(f.identity);
    r->pending.spec_hash = cl_strdup(u->w->object->spec_hash);
    r->pending.request = cl_strdup(u->w->wanted_request);
    r->pending.trigger = cl_strdup(reason_token(p->trigger));
    r->pending.attempt = u->w->memory.failed_attempts + 1;
    r->pending.started_at = r->started;
    cl_buf_init_secret(&r->pending.key_pem, 64 * 1024);
}

void issue_drop_pending(struct issue_run *r)
{
    struct cl_err err = {0};
    struct disk_batch *b = disk_batch_create();
    pending_drop(&r->u->d->paths, r->u->key, b);
    if (disk_commit_now(b, &err) < 0) {
        cl_log(CL_LOG_WARNING, r->u->display, err.reason, "pending order not dropped: %s",
               err.text);
    }
}

#define AUTHORIZATIONS_MAX ((size_t)64 * 1024)

void issue_keep_authorizations(struct issue_run *r)
{
    struct memory *m = &r->u->w->memory;
    json_t *open = json_array();
    size_t i;
    json_t *z;

    json_array_foreach(json_object_get(r->issue.failed_view, "authorizations"), i, z)
    {
        if (!cl_streq(json_string_value(json_object_get(z, "state")), "valid")) {
            (void)json_array_append(open, z);
        }
    }
    cl_free(m->last_authorizations);
    m->last_authorizations = json_array_size(open) > 0 ? json_dumps(open, JSON_COMPACT) : NULL;
    if (m->last_authorizations != NULL && strlen(m->last_authorizations) > AUTHORIZATIONS_MAX) {
        cl_free(m->last_authorizations);
        m->last_authorizations = NULL;
    }
    json_decref(open);
}
