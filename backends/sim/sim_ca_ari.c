/* SPDX-License-Identifier: Apache-2.0 */
/* sim_ca_ari: renewal information (RFC 9773): a window for each certificate, all of them in the past
 * after a mass revocation, and the account of what replaced what. */
#include "backends/sim/sim_ca.h"
#include "backends/sim/sim_crypto.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* As large CAs do it: around two thirds of the lifetime, a thirtieth of it wide. */
static void usual_window(const struct sim_issued *c, cl_time *start, cl_time *end)
{
    cl_time lifetime = c->not_after - c->not_before;

    *start = c->not_before + lifetime * 2 / 3 - lifetime / 60;
    *end = *start + lifetime / 30;
}

bool sim_ca_revoked(const struct sim_ca *ca, cl_time issued_at)
{
    return ca->revoked_at != 0 && sim->now >= ca->revoked_at && issued_at < ca->revoked_at;
}

void sim_ca_note_certificate(struct sim_ca *ca, struct sim_order *o, const struct toy_cert *leaf)
{
    struct sim_issued *c = cl_new(struct sim_issued);
    char *id = toy_cert_ari_id(leaf);

    c->order = o;
    c->not_before = leaf->not_before;
    c->not_after = leaf->not_after;
    c->issued_at = sim->now;
    (void)cl_map_set(&ca->issued, id, c);
    cl_free(id);
    if (o->replaces != NULL) {
        struct sim_issued *old = cl_map_get(&ca->issued, o->replaces);
        old->replaced = true;
        ca->n_replaced++;
        ca->n_revoked_replaced += sim_ca_revoked(ca, old->issued_at) ? 1 : 0;
    }
}

int sim_ca_take_replaces(struct sim_ca *ca, const struct sim_post *p, struct sim_order *o,
                         struct sim_response *res)
{
    const char *id = json_string_value(json_object_get(p->payload, "replaces"));
    const struct sim_issued *old = id != NULL ? cl_map_get(&ca->issued, id) : NULL;
    bool shared = false;

    if (id == NULL) {
        return 0;
    }
    if (old == NULL || ca->renewal_every == 0) {
        sim_ca_problem(res, 400, "malformed", "replaces: there is no such certificate");
        return -1;
    }
    if (old->order->account != p->account) {
        sim_ca_problem(res, 403, "unauthorized", "replaces: the certificate is another account's");
        return -1;
    }
    cl_strv_for_each(name, &o->identifiers) {
        shared = shared || cl_strv_has(&old->order->identifiers, name);
    }
    if (!shared) {
        sim_ca_problem(res, 400, "malformed", "replaces: the certificate shares no identifier");
        return -1;
    }
    if (old->replaced) {
        sim_ca_problem(res, 409, "alreadyReplaced", "the certificate was replaced already");
        return -1;
    }
    o->replaces = cl_strdup(id);
    return 0;
}

void sim_ca_renewal_info(struct sim_ca *ca, const char *id, struct sim_response *res)
{
    const struct sim_issued *c = cl_map_get(&ca->issued, id);
    char from[CL_TIME_TEXT], until[CL_TIME_TEXT], seconds[24];
    cl_time start = 0, end = 0;

    ca->n_renewal_info++;
    if (c == NULL) {
        sim_ca_problem(res, 404, "malformed", "no such certificate");
        return;
    }
    usual_window(c, &start, &end);
    bool revoked = sim_ca_revoked(ca, c->issued_at);
    if (revoked) {
        start = ca->revoked_at - 2 * CL_HOUR;
        end = ca->revoked_at - CL_HOUR;
    }
    json_t *body = json_pack("{s:{s:s,s:s}}", "suggestedWindow", "start",
                             cl_time_format(start, from), "end", cl_time_format(end, until));
    if (revoked) {
        (void)json_object_set_new(body, "explanationURL", json_string("https://status.test/1"));
    }
    (void)cl_format(seconds, sizeof seconds, "%lld", (long long)(ca->renewal_every / CL_SECOND));
    sim_response_header(res, "retry-after", seconds);
    sim_ca_json(res, 200, body);
}
