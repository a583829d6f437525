/* SPDX-License-Identifier: Apache-2.0 */
/* act_adopt: the step ADOPT: a valid pair that lies in an output, or that the same object had under
 * another name, becomes a revision, without a CA. */
#include "reconciler/adopt.h"
#include "reconciler/inventory.h"
#include "reconciler/issue_run.h"
#include "reconciler/issuer_choice.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* The pair of @old, if it answers what @u asks for, from the issuer that @u would ask. */
static bool take_from(struct unit *u, const struct unit *old, const char *identity,
                      struct revision *ret)
{
    struct cl_err err = {0};

    if (old == u || old->is_issuer || old->absent_since == 0 ||
        !cl_streq(old->namespace_, u->namespace_) ||
        archive_load(&u->d->paths, old->key, ret, &err) < 0) {
        return false;
    }
    if (ret->state == REVISION_OK && cl_streq(ret->manifest->request, u->w->wanted_request) &&
        cl_streq(ret->manifest->issuer_identity, identity)) {
        return true;
    }
    revision_deinit(ret);
    return false;
}

/* An object that has just appeared and asks for what one asks for that has just gone: it was
 * renamed, or moved. */
static bool find_renamed(struct unit *u, struct revision *ret)
{
    struct unit *issuer = unit_issuer(u);
    struct issuer_facts f = {0};
    size_t pos = 0;
    void *value;

    if (issuer == NULL || u->w->rev.state == REVISION_OK ||
        !inventory_any_absent(u->d->inventory)) {
        return false;
    }
    issuer_unit_facts(issuer, &f);
    while (cl_map_next(&u->d->units, &pos, NULL, &value)) {
        if (take_from(u, value, f.identity, ret)) {
            return true;
        }
    }
    return false;
}

int adoptable_find(struct unit *u, struct adoptable *ret, struct cl_err *err)
{
    struct revision rev = {0};

    memset(ret, 0, sizeof(*ret));
    int rc = output_find_pair(&u->d->paths, u->w->object, &ret->chain_pem, &ret->key_pem, err);
    if (rc == 0 || !find_renamed(u, &rev)) {
        return rc;
    }
    ret->chain_pem = cl_strdup(rev.fullchain_pem);
    ret->ca_pem = cl_strdup(rev.ca_pem);
    cl_buf_init_secret(&ret->key_pem, rev.key_pem.len + 1);
    (void)cl_buf_add(&ret->key_pem, rev.key_pem.data, rev.key_pem.len);
    revision_deinit(&rev);
    return 0;
}

void adoptable_deinit(struct adoptable *a)
{
    cl_free(a->chain_pem);
    cl_free(a->ca_pem);
    cl_buf_deinit(&a->key_pem);
}

void act_adopt(struct unit *u, cl_time now)
{
    struct cl_err err = {0};
    struct adoptable pair;
    struct unit *issuer = unit_issuer(u);

    u->w->adopt_checked = false;
    if (adoptable_find(u, &pair, &err) != 0) {
        return; /* it went away: the next pass plans without it */
    }
    struct issue_run *r = cl_new(struct issue_run);
    r->u = u;
    r->started = now;
    r->show_at = CL_NEVER;
    u->issue = r;
    u->d->issuing++;
    observe_inputs_hash(u, r->inputs_hash);
    r->pending.key_pem = pair.key_pem;
    pair.key_pem = (struct cl_buf){0};
    if (key_from_pem(cl_buf_str(&r->pending.key_pem), &r->key, &err) < 0 ||
        cert_guard(pair.chain_pem, u->w->object->cert, r->key, now, &r->cert, &err) < 0) {
        adoptable_deinit(&pair);
        issue_fail(r, &err);
        return;
    }
    struct issuer_facts f = {0};
    if (issuer != NULL) {
        issuer_unit_facts(issuer, &f);
    }
    struct manifest *m = cl_new(struct manifest);
    m->schema = MANIFEST_SCHEMA;
    m->revision = archive_last_revision(&u->d->paths, u->key) + 1;
    m->uid = cl_strdup(u->w->memory.uid);
    m->issuer_name = cl_strdup(cl_str_or(issuer_choice_ref(u)->name, ""));
    m->issuer_kind = cl_strdup("Issuer");
    m->issuer_identity = cl_strdup(f.identity);
    m->trigger = cl_strdup("Adopted");
    m->issued_at = now;
    m->adopted = true;
    (void)cl_format(m->spec_hash, sizeof(m->spec_hash), "%s", u->w->object->spec_hash);
    m->request = cl_strdup(u->w->wanted_request);
    cert_facts_copy(&m->cert, &r->cert);
    r->manifest = m;
    issue_archive(r, pair.chain_pem, pair.ca_pem);
    adoptable_deinit(&pair);
}
