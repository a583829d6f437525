/* SPDX-License-Identifier: Apache-2.0 */
/* unit_declare: what a declaration in a file means for its unit: uid, generation, memory, and the
 * output paths it claims. */
#include "reconciler/act.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_parse.h"

#include <string.h>

static void make_uid(struct daemon *d, char uid[40])
{
    uint64_t a = cl_rng_next(&d->rng);
    uint64_t b = cl_rng_next(&d->rng);
    (void)cl_format(uid, 40, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                    (unsigned)(a >> 16) & 0xffffu, (unsigned)a & 0xfffu,
                    0x8000u | ((unsigned)(b >> 48) & 0x3fffu),
                    (unsigned long long)(b & 0xffffffffffffULL));
}

/* Who found one of these paths taken looks again. */
static void wake_conflicted(struct daemon *d)
{
    size_t i = 0;
    void *value;
    while (d->conflicts > 0 && cl_map_next(&d->units, &i, NULL, &value)) {
        struct unit *u = value;
        if (u->conflict != NULL) {
            daemon_wake_unit(d, u);
        }
    }
}

/* @o: what was claimed for; NULL = whatever it was (the unit rests). */
void unit_release_claims(struct unit *u, const struct object *o)
{
    if (u->is_issuer) {
        return;
    }
    if (o != NULL) {
        struct cl_strv claims = {0};
        output_claims(&u->d->paths, o, &claims);
        cl_strv_for_each(path, &claims) {
            if (cl_map_get(&u->d->claims, path) == u) {
                cl_map_remove(&u->d->claims, path);
            }
        }
        cl_strv_deinit(&claims);
        wake_conflicted(u->d);
        return;
    }
    size_t i = 0;
    const char *path;
    void *owner;
    while (cl_map_next(&u->d->claims, &i, &path, &owner)) {
        if (owner == u) {
            cl_map_remove(&u->d->claims, path);
        }
    }
    wake_conflicted(u->d);
}

void unit_forget_conflict(struct unit *u)
{
    if (u->conflict != NULL) {
        u->d->conflicts--;
        cl_free(u->conflict);
        u->conflict = NULL;
    }
}

/* The incumbent keeps a path that two objects want (D0 9). */
void unit_claim(struct unit *u, const struct object *o)
{
    struct cl_strv claims = {0};
    if (u->is_issuer || u->is_standby) {
        return;
    }
    unit_forget_conflict(u);
    output_claims(&u->d->paths, o, &claims);
    cl_strv_for_each(path, &claims) {
        struct unit *owner = cl_map_get(&u->d->claims, path);
        if (owner == NULL) {
            cl_map_set(&u->d->claims, path, u);
        } else if (owner != u && u->conflict == NULL) {
            u->conflict = cl_printf("%s is already written by Certificate %s; give one of the two "
                                    "another secretName or output directory",
                                    path, owner->display);
            u->d->conflicts++;
        }
    }
    cl_strv_deinit(&claims);
}

/* Who has written a path before is its incumbent after a restart, too. */
void unit_claim_written(struct unit *u, const struct object *o, const struct memory *m)
{
    struct cl_strv claims = {0};
    struct cl_strv written = {0};
    for (size_t i = 0; i < m->n_outputs; i++) {
        cl_strv_for_each(file, &m->outputs[i].files) {
            cl_strv_take(&written, cl_printf("%s/%s", m->outputs[i].directory, file));
        }
    }
    output_claims(&u->d->paths, o, &claims);
    cl_strv_for_each(path, &claims) {
        if (cl_strv_has(&written, path) && cl_map_get(&u->d->claims, path) == NULL) {
            cl_map_set(&u->d->claims, path, u);
        }
    }
    cl_strv_deinit(&written);
    cl_strv_deinit(&claims);
}

/* Forgets what was derived from the previous spec. */
static void forget_derived(struct awake *w)
{
    cl_free(w->wanted_request);
    w->wanted_request = NULL;
    output_plans_deinit(&w->plans);
    memset(&w->plans, 0, sizeof(w->plans));
    w->plans_valid = false;
    w->adopt_checked = false;
}

static void renew_annotation(struct unit *u, cl_time now)
{
    struct memory *m = &u->w->memory;
    const char *asked =
        string_map_get(&u->w->object->metadata.annotations, "certloop/renew-requested-at");
    if (asked == NULL || cl_streq(asked, m->handled_renew_annotation)) {
        return;
    }
    if (m->handled_renew_annotation != NULL || archive_last_revision(&u->d->paths, u->key) > 0) {
        m->renew_requested = now;
        unit_event(u, false, "RenewRequested", "renewal asked for by annotation (%s)", asked);
    }
    cl_free(m->handled_renew_annotation);
    m->handled_renew_annotation = cl_strdup(asked);
}

static void adopt_object(struct unit *u, struct object *take_o)
{
    struct object *old = u->w->object;
    if (old != NULL) {
        unit_release_claims(u, old);
    }
    u->w->object = take_o;
    if (old != NULL && !act_issue_keeps(u, old)) {
        object_destroy(old);
    }
    forget_derived(u->w);
    unit_claim(u, u->w->object);
}

/* A memory that was damaged or lost under us makes no other object of it: the archive has its uid. */
static char *find_uid(struct unit *u, const struct cl_err *why)
{
    struct revision rev = {0};
    struct cl_err err = {0};
    char fresh[40];
    char *uid = NULL;

    bool known = cl_streq(why->reason, "StateCorrupt") || u->summary.generation > 0;
    if (!u->is_issuer && known && archive_load(&u->d->paths, u->key, &rev, &err) == 0) {
        uid = rev.manifest != NULL ? cl_strdup(rev.manifest->uid) : NULL;
        revision_deinit(&rev);
    }
    if (uid == NULL) {
        make_uid(u->d, fresh);
        uid = cl_strdup(fresh);
    }
    return uid;
}

bool unit_declare(struct unit *u, struct object *take_o, const char *file,
                  const char sha256[CL_SHA256_TEXT], cl_time now)
{
    struct cl_err err = {0};
    bool fresh = false;

    if (unit_wake(u, &err) < 0) { /* new, or its memory is lost */
        if (!unit_is_lost(&err)) {
            cl_log(CL_LOG_ERROR, u->display, err.reason, "not declared yet: %s", err.text);
            object_destroy(take_o);
            return false;
        }
        u->w = cl_new(struct awake);
        memory_init(&u->w->memory);
        unit_load_status(u);
        fresh = true;
    }
    struct memory *m = &u->w->memory;
    if (fresh) {
        m->uid = find_uid(u, &err);
        m->created = now;
    }
    char *canonical = object_to_canonical(take_o);
    struct object *old = u->w->object;
    bool respec = old == NULL || strcmp(old->spec_hash, take_o->spec_hash) != 0;
    bool changed = respec || !cl_streq(m->canonical, canonical) ||
                   !cl_streq(m->source_path, file) || strcmp(m->source_sha256, sha256) != 0 ||
                   m->source_document != take_o->document || m->source_line != take_o->line;
    if (respec) {
        m->generation++;
        cl_log(CL_LOG_INFO, u->display, old == NULL ? "Declared" : "SpecChanged",
               "generation %ld from %s line %u", m->generation, file, take_o->line);
    }
    if (changed) {
        cl_free(m->canonical);
        m->canonical = canonical;
        cl_free(m->source_path);
        m->source_path = cl_strdup(file);
        memcpy(m->source_sha256, sha256, CL_SHA256_TEXT);
        m->source_document = take_o->document;
        m->source_line = take_o->line;
        m->loaded_at = now;
        m->deleted_at = 0;
        unit_memory_changed(u);
    } else {
        cl_free(canonical);
    }
    cl_free(u->file);
    u->file = cl_keep_dup(file);
    cl_free(u->rejection);
    u->rejection = NULL;
    u->absent_since = 0;
    u->absent_scans = 0;
    adopt_object(u, take_o);
    act_project_afresh(u);
    renew_annotation(u, now);
    daemon_wake_unit(u->d, u);
    return standby_declare(u, file, sha256, now);
}
