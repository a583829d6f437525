/* SPDX-License-Identifier: Apache-2.0 */
/* unit_standby: the second certificate of a Certificate (spec.standby). It is a unit like any other,
 * with an archive, a memory, renewals and a status of its own under KEY~standby, and without outputs.
 * Putting it into use copies its pair into a new revision of its owner: one rename of `current`. */
#include "backends/crypto/cert.h"
#include "reconciler/issue_run.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define SUFFIX "~standby" /* no object has a '~' in its name */

bool standby_is_key(const char *key)
{
    return cl_str_ends(key, SUFFIX);
}

bool standby_is_of(const char *key, const struct object *o)
{
    size_t len = strlen(o->key);
    return o->kind == SPEC_CERTIFICATE && o->cert->standby.name != NULL &&
           strncmp(key, o->key, len) == 0 && strcmp(key + len, SUFFIX) == 0;
}

struct unit *standby_of(const struct unit *u)
{
    char *key = cl_printf("%s" SUFFIX, u->key);
    struct unit *found = unit_find(u->d, false, key);
    cl_free(key);
    return found;
}

struct unit *standby_owner(const struct unit *u)
{
    char *key = cl_strndup(u->key, strlen(u->key) - strlen(SUFFIX));
    struct unit *found = unit_find(u->d, false, key);
    cl_free(key);
    return found;
}

bool standby_declare(struct unit *u, const char *file, const char sha256[CL_SHA256_TEXT],
                     cl_time now)
{
    struct object *o = u->is_issuer ? NULL : object_standby(u->w->object);
    struct unit *s = u->is_issuer || u->is_standby ? NULL : standby_of(u);

    if (o == NULL) {
        if (s != NULL && !s->ending) {
            cl_log(CL_LOG_NOTICE, s->display, "Removed", "the spec has no standby any more");
            s->ending = true;
            daemon_wake_unit(u->d, s);
        }
        return true;
    }
    if (s == NULL) {
        char *key = cl_printf("%s" SUFFIX, u->key);
        char *name = cl_printf("%s" SUFFIX, u->name);
        s = unit_create(u->d, false, key, u->namespace_, name);
        cl_free(name);
        cl_free(key);
    }
    if (s->ending) { /* comes back after its end */
        object_destroy(o);
        return false;
    }
    return unit_declare(s, o, file, sha256, now);
}

/* ---- the step SWITCH ---- */

static struct manifest *take_manifest(struct unit *u, struct revision *rev)
{
    struct manifest *m = rev->manifest;

    rev->manifest = NULL;
    m->revision = archive_last_revision(&u->d->paths, u->key) + 1;
    cl_free(m->uid);
    m->uid = cl_strdup(u->w->memory.uid);
    cl_free(m->trigger);
    m->trigger = cl_strdup(reason_token(REASON_STANDBY_IN_USE));
    (void)cl_format(m->spec_hash, sizeof(m->spec_hash), "%s", u->w->object->spec_hash);
    return m;
}

void act_switch(struct unit *u, cl_time now)
{
    struct unit *s = standby_of(u);
    struct revision rev = {0};
    struct cl_err err = {0};

    if (s == NULL || archive_load(&u->d->paths, s->key, &rev, &err) < 0) {
        cl_log(CL_LOG_ERROR, u->display, cl_str_or(err.reason, "StandbyMissing"),
               "the standby cannot be read: %s", err.text);
        return;
    }
    if (rev.state != REVISION_OK || !cl_streq(rev.manifest->request, u->w->wanted_request)) {
        revision_deinit(&rev);
        return; /* its own unit tells why, and orders another one */
    }
    struct issue_run *r = cl_new(struct issue_run);
    r->u = u;
    r->started = now;
    r->show_at = CL_NEVER;
    u->issue = r;
    u->d->issuing++;
    observe_inputs_hash(u, r->inputs_hash);
    r->pending.key_pem = rev.key_pem;
    rev.key_pem = (struct cl_buf){0};
    if (key_from_pem(cl_buf_str(&r->pending.key_pem), &r->key, &err) < 0 ||
        cert_guard(rev.fullchain_pem, u->w->object->cert, r->key, now, &r->cert, &err) < 0) {
        revision_deinit(&rev);
        issue_fail(r, &err);
        return;
    }
    r->manifest = take_manifest(u, &rev);
    issue_archive(r, rev.fullchain_pem, rev.ca_pem);
    revision_deinit(&rev);
}
