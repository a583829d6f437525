/* SPDX-License-Identifier: Apache-2.0 */
/* report_ari: status.acme of a Certificate. */
#include "reconciler/core/ari.h"
#include "reconciler/report.h"
#include "spec/jfield.h"

static json_t *renewal_info(const struct ari_state *s, const char *cert_id)
{
    json_t *window = json_object();
    json_t *o = json_object();

    json_put(window, "start", json_time(s->start));
    json_put(window, "end", json_time(s->end));
    json_put(o, "certID", json_text(cert_id));
    json_put(o, "suggestedWindow", window);
    json_put(o, "selectedTime", json_time(s->selected));
    json_put(o, "urgent", json_boolean(s->urgent));
    json_put(o, "explanationURL", json_text(s->explanation_url));
    json_put(o, "lastChecked", json_time(s->last_checked));
    json_put(o, "nextCheck", json_time(s->next_check));
    json_put(o, "lastError", json_text(s->last_error));
    return o;
}

json_t *report_acme(const struct unit *u)
{
    const struct manifest *m = u->w->rev.manifest;
    const struct ari_state *s = &u->w->memory.ari;
    json_t *acme = json_object();

    json_put(acme, "accountURI", json_text(m->account_url));
    if (s->next_check != 0 && cl_streq(s->cert_id, m->cert.ari_cert_id)) {
        json_put(acme, "ari", renewal_info(s, m->cert.ari_cert_id));
    }
    json_t *o = json_object();
    json_put(o, "acme", acme);
    return o;
}
