/* SPDX-License-Identifier: Apache-2.0 */
/* act_adopt: the step ADOPT: a valid pair that lies in an output becomes a revision, without a CA. */
#include "reconciler/issue_run.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

void act_adopt(struct unit *u, cl_time now)
{
    struct cl_err err = {0};
    char *chain = NULL;
    struct cl_buf key_pem = {0};
    struct unit *issuer = unit_issuer(u);

    u->w->adopt_checked = false;
    if (output_find_pair(&u->d->paths, u->w->object, &chain, &key_pem, &err) != 0) {
        return; /* it went away: the next pass plans without it */
    }
    struct issue_run *r = cl_new(struct issue_run);
    r->u = u;
    r->started = now;
    r->show_at = CL_NEVER;
    u->issue = r;
    u->d->issuing++;
    observe_inputs_hash(u, r->inputs_hash);
    r->pending.key_pem = key_pem;
    if (key_from_pem(cl_buf_str(&r->pending.key_pem), &r->key, &err) < 0 ||
        cert_guard(chain, u->w->object->cert, r->key, now, &r->cert, &err) < 0) {
        cl_free(chain);
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
    m->issuer_name = cl_strdup(cl_str_or(u->w->object->cert->issuer_ref.name, ""));
    m->issuer_kind = cl_strdup("Issuer");
    m->issuer_identity = cl_strdup(f.identity);
    m->trigger = cl_strdup("Adopted");
    m->issued_at = now;
    m->adopted = true;
    (void)cl_format(m->spec_hash, sizeof(m->spec_hash), "%s", u->w->object->spec_hash);
    m->request = cl_strdup(u->w->wanted_request);
    cert_facts_copy(&m->cert, &r->cert);
    r->manifest = m;
    issue_archive(r, chain, NULL);
    cl_free(chain);
}
