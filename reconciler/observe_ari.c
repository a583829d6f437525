/* SPDX-License-Identifier: Apache-2.0 */
/* observe_ari: renewal information (RFC 9773) as facts: the instant that was picked, when to ask
 * again, and what an order would replace. */
#include "reconciler/core/ari.h"
#include "reconciler/observe.h"
#include "spec/base/cl_alloc.h"

/* Does the Issuer in force say that its CA is not to be asked? While there is none yet, what is known
 * goes on to count. */
static bool refused(const struct unit *issuer)
{
    const struct instance *i = issuer != NULL ? issuer->instance : NULL;

    return i != NULL && (i->ops->type != ISSUER_ACME ||
                         i->object->issuer->acme.renewal_source == RENEWAL_SOURCE_NONE);
}

static void take_state(const struct ari_state *s, struct facts *f)
{
    f->ari_selected = s->selected;
    f->ari_window_end = s->end;
    f->ari_urgent = s->urgent;
    f->ari_explanation = cl_str_or(s->explanation_url, "");
    f->ari_renewed_at = s->renewed_at;
}

void observe_ari(struct unit *u, cl_time now, struct observation *seen)
{
    struct unit *issuer = unit_issuer(u);
    const struct manifest *m = u->w->rev.state == REVISION_OK ? u->w->rev.manifest : NULL;
    const struct ari_state *s = &u->w->memory.ari;
    struct issuer_facts info = {0};
    struct facts *f = &seen->facts;

    f->ari_explanation = "";
    if (m == NULL || refused(issuer)) {
        return;
    }
    if (ari_known(s, &m->cert)) {
        take_state(s, f);
    }
    f->ari_polling = u->ari != NULL;
    if (issuer == NULL) {
        return;
    }
    issuer_unit_facts(issuer, &info);
    f->replaces = observe_replaces(u, info.identity);
    cl_time poll = ari_poll_at(s, &m->cert, m->issued_at);
    bool ours = cl_str_empty(m->issuer_identity) || cl_streq(m->issuer_identity, info.identity);
    if (info.renewal_info && ours && poll != CL_NEVER && now < m->cert.not_after) {
        f->ari_poll_at = cl_time_max(poll, u->ari_turn);
    }
}

static bool shares_a_name(const struct cert_facts *cert, const struct cert_spec *spec)
{
    cl_strv_for_each(dns, &spec->dns_names) {
        if (cl_strv_has(&cert->dns_names, dns)) {
            return true;
        }
    }
    cl_strv_for_each(ip, &spec->ip_addresses) {
        if (cl_strv_has(&cert->ip_addresses, ip)) {
            return true;
        }
    }
    return false;
}

/* RFC 9773 5: the same CA, the same account (the issuer looks at that), a common identifier. */
const char *observe_replaces(struct unit *u, const char *identity)
{
    const struct manifest *m = u->w->rev.state == REVISION_OK ? u->w->rev.manifest : NULL;
    bool fits = m != NULL && !m->adopted && m->account_url != NULL && !refused(unit_issuer(u)) &&
                cl_streq(m->issuer_identity, identity) && !cl_str_empty(m->cert.ari_cert_id) &&
                shares_a_name(&m->cert, u->w->object->cert);

    return fits ? m->cert.ari_cert_id : NULL;
}
