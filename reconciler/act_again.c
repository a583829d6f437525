/* SPDX-License-Identifier: Apache-2.0 */
/* act_again: two ways in which an issuance goes on in another way than it began.
 *
 * Another chain of the same certificate is wanted: as long as the CA's URL of it is known and works, it
 * is downloaded again, with the key that is there; no order is made. If it is gone, a new one is made.
 *
 * The CA refuses some of the names (RFC 8555 6.7.1), and the spec allows a certificate without them:
 * the failure is remembered, so that all are tried again when its backoff ends, and an order for the
 * others is made at once, unless the current certificate has them already. */
#include "reconciler/issue_run.h"
#include "reconciler/issuer_choice.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"
#include "spec/spec_acme.h"

#include <string.h>

#define REDUCTIONS_MAX 3u /* orders for fewer and fewer names in one go */

static const struct acme_spec *acme_spec_of(const struct issue_run *r)
{
    return r->instance->ops->type == ISSUER_ACME ? &r->instance->object->issuer->acme : NULL;
}

const char *issue_profile(const struct issue_run *r)
{
    const struct acme_spec *acme = acme_spec_of(r);

    return acme != NULL ? acme_profile_of(r->u->w->object->cert, acme) : NULL;
}

void issue_manifest_acme(const struct issue_run *r, struct manifest *m)
{
    const struct acme_spec *acme = acme_spec_of(r);
    const struct manifest *before = r->u->w->rev.manifest;

    if (acme == NULL) {
        return;
    }
    m->profile = cl_strdup(r->pending.profile);
    m->chain = chain_preference_text(acme_chain_of(issue_wanted(r)->cert, acme));
    m->certificate_url = cl_strdup(r->issue.used_certificate_url);
    cl_strv_copy(&m->warnings, &r->issue.warnings);
    cl_strv_copy(&m->missing_names, &r->pending.missing);
    if (r->reduced != NULL) {
        m->full_request = cl_strdup(r->pending.request);
    }
    if (r->certificate_url != NULL && before != NULL && m->order_url == NULL) {
        m->order_url = cl_strdup(before->order_url);
    }
}

void issue_results_deinit(struct issue_run *r)
{
    cl_free(r->issue.fullchain_pem);
    cl_free(r->issue.ca_pem);
    cl_free(r->issue.used_order_url);
    cl_free(r->issue.used_account_url);
    cl_free(r->issue.used_certificate_url);
    persist_proofs_deinit(&r->issue.proofs);
    name_problems_deinit(&r->issue.names);
    json_decref(r->issue.failed_view);
    cl_strv_deinit(&r->issue.warnings);
    r->issue = (struct issue_op){0};
}

/* Key and request go, what is known of the wish stays. */
static void begin_again(struct issue_run *r)
{
    issue_results_deinit(r);
    if (r->pending_on_disk) {
        issue_drop_pending(r);
        r->pending_on_disk = false;
    }
    key_destroy(r->key);
    r->key = NULL;
    cl_buf_deinit(&r->pending.key_pem);
    cl_buf_init_secret(&r->pending.key_pem, 64 * 1024);
    cl_free(r->pending.csr);
    r->pending.csr = NULL;
    r->pending.csr_len = 0;
    cl_free(r->pending.order_url);
    cl_free(r->pending.account_url);
    r->pending.order_url = NULL;
    r->pending.account_url = NULL;
    issue_make_key(r);
}

/* ---- another chain ---- */

bool issue_take_archived(struct issue_run *r)
{
    const struct awake *w = r->u->w;
    const struct manifest *m = w->rev.manifest;
    struct cl_err err = {0};

    if (w->rev.state != REVISION_OK || m == NULL || m->certificate_url == NULL ||
        !cl_streq(m->issuer_identity, r->pending.issuer_identity) ||
        key_from_pem(cl_buf_str(&w->rev.key_pem), &r->key, &err) < 0) {
        return false;
    }
    if (m->missing_names.len > 0) {
        r->reduced = object_without_names(w->object, &m->missing_names);
        cl_strv_copy(&r->pending.missing, &m->missing_names);
    }
    (void)cl_buf_adds(&r->pending.key_pem, cl_buf_str(&w->rev.key_pem));
    r->certificate_url = cl_strdup(m->certificate_url);
    return true;
}

bool issue_anew(struct issue_run *r, const struct cl_err *err)
{
    bool passing =
        err->kind == CL_ERR_CANCELLED || err->kind == CL_ERR_BUSY ||
        err->kind == CL_ERR_RATE_LIMITED ||
        (err->kind == CL_ERR_TRANSIENT && err->http_status != 404 && err->http_status != 410);

    if (r->certificate_url == NULL || passing || r->cancelled) {
        return false;
    }
    unit_event(r->u, false, "Reissuing",
               "the certificate cannot be downloaded again for its other chains (%s); a new one is "
               "ordered",
               err->text);
    cl_free(r->certificate_url);
    r->certificate_url = NULL;
    begin_again(r);
    return true;
}

/* ---- fewer names ---- */

/* Has the current certificate all of these names, and is it none that must be replaced anyway? */
static bool has_them_already(const struct issue_run *r, const struct cert_spec *s)
{
    const struct manifest *m = r->u->w->rev.manifest;

    if (!cl_streq(r->pending.trigger, reason_token(REASON_NAMES_MISSING)) || m == NULL) {
        return false;
    }
    cl_strv_for_each(name, &s->dns_names) {
        if (!cl_strv_has(&m->cert.dns_names, name)) {
            return false;
        }
    }
    cl_strv_for_each(ip, &s->ip_addresses) {
        if (!cl_strv_has(&m->cert.ip_addresses, ip)) {
            return false;
        }
    }
    return true;
}

static void blame(struct cl_strv *missing, const struct issue_run *r)
{
    const struct cert_spec *s = r->u->w->object->cert;

    for (size_t i = 0; i < r->issue.names.len; i++) {
        const char *name = r->issue.names.items[i].identifier;
        if (cl_strv_has(&s->dns_names, name) || cl_strv_has(&s->ip_addresses, name)) {
            cl_strv_add(missing, name);
        }
    }
    cl_strv_dedupe(missing);
}

/* The spec without what is to blame now and was before; NULL: that leads nowhere. */
static struct object *reduce(const struct issue_run *r, struct cl_strv *ret_missing)
{
    struct object *reduced = NULL;

    cl_strv_copy(ret_missing, &r->pending.missing);
    blame(ret_missing, r);
    if (ret_missing->len > r->pending.missing.len) {
        reduced = object_without_names(r->u->w->object, ret_missing);
    }
    if (reduced != NULL && has_them_already(r, reduced->cert)) {
        object_destroy(reduced);
        reduced = NULL;
    }
    return reduced;
}

bool issue_without_names(struct issue_run *r, const struct cl_err *err)
{
    struct unit *u = r->u;
    struct cl_strv missing = {0};
    char at[CL_TIME_TEXT];

    if (!u->w->object->cert->allow_subset_of_names || r->cancelled || u->ending ||
        r->reductions == REDUCTIONS_MAX ||
        (err->kind != CL_ERR_VALIDATION && err->kind != CL_ERR_PERMANENT)) {
        return false;
    }
    struct object *reduced = reduce(r, &missing);
    if (reduced == NULL) {
        cl_strv_deinit(&missing);
        return false;
    }
    issue_remember_failure(r, err, loop_now(u->d->loop));
    char *names = cl_strv_join(&missing, ", ");
    unit_event(
        u, true, reason_token(REASON_NAMES_MISSING),
        "without %.300s, which the CA refused (%s), a certificate for the other %zu names is "
        "ordered; all are tried again at %s",
        names, err->reason, reduced->cert->dns_names.len + reduced->cert->ip_addresses.len,
        cl_time_format(issuer_choice_hold(u)->not_before, at));
    cl_free(names);
    object_destroy(r->reduced);
    r->reduced = reduced;
    r->reductions++;
    cl_strv_deinit(&r->pending.missing);
    r->pending.missing = missing;
    begin_again(r);
    return true;
}
