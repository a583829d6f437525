/* SPDX-License-Identifier: Apache-2.0 */
/* status_write: the status as a Kubernetes-shaped JSON object. Members that mean "nothing" are null
 * where a reader expects them (issuance, times, certificate) and left out where they are rare. */
#include "spec/base/cl_assert.h"
#include "spec/cert_facts_json.h"
#include "spec/status.h"
#include "spec/status_fields.h"

static json_t *record(const struct jtable *t, const void *members)
{
    json_t *o = json_object();

    jtable_write(t, o, members);
    return o;
}

static void append(json_t *array, json_t *take_item)
{
    int rc = json_array_append_new(array, take_item);

    cl_assert(rc == 0);
}

static json_t *conditions(const struct status *s)
{
    json_t *array = json_array();

    for (unsigned t = 0; t < CONDITION_COUNT; t++) {
        const struct condition *c = &s->conditions[t];
        json_t *o;

        if (c->status == STATUS_ABSENT) {
            continue;
        }
        o = json_object();
        json_put(o, "type", json_text(condition_type_name((enum condition_type)t)));
        json_put(o, "status", json_text(condition_status_name(c->status)));
        jtable_write(&STATUS_CONDITION, o, c);
        append(array, o);
    }
    return array;
}

static json_t *events(const struct status *s)
{
    json_t *array = json_array();

    for (size_t i = 0; i < s->n_events; i++) {
        json_t *o = json_object();

        json_put(o, "time", json_null()); /* holds the place; the table fills it */
        json_put(o, "type", json_text(s->events[i].warning ? "Warning" : "Normal"));
        jtable_write(&STATUS_EVENT, o, &s->events[i]);
        append(array, o);
    }
    return array;
}

static json_t *certificate(const struct status *s)
{
    json_t *o = json_object();

    if (!s->has_cert) {
        json_decref(o);
        return json_null();
    }
    cert_facts_write(o, &s->cert);
    if (s->issuer_name != NULL) {
        json_put(o, "issuerRef", record(&STATUS_ISSUER_REF, s));
    }
    return o;
}

static json_t *last_error(const struct status_error *e)
{
    json_t *o = json_object();

    json_put(o, "class", json_text(cl_err_kind_name(e->kind)));
    jtable_write(&STATUS_ERROR, o, e);
    if (e->authorizations != NULL) {
        json_put(o, "authorizations", json_incref(e->authorizations));
    }
    return o;
}

/* The members that only a Certificate has, in two halves around the schedule. */
static void put_certificate_times(json_t *o, const struct status *s)
{
    jtable_write(&STATUS_VALIDITY, o, s);
    if (s->last_error.kind != CL_ERR_NONE) {
        json_put(o, "lastError", last_error(&s->last_error));
    }
}

static void put_certificate_parts(json_t *o, const struct status *s)
{
    json_put(o, "certificate", certificate(s));
    json_put(o, "outputs", jtable_write_list(&STATUS_OUTPUT, s->outputs, s->n_outputs));
    json_put(o, "hooks", jtable_write_list(&STATUS_HOOK, s->hooks, s->n_hooks));
    if (s->n_probes > 0) {
        json_put(o, "probes", jtable_write_list(&STATUS_PROBE, s->probes, s->n_probes));
    }
}

static json_t *status_member(const struct status *s)
{
    json_t *o = json_object();
    bool certificate_kind = s->kind == SPEC_CERTIFICATE;

    json_put(o, "observedGeneration", json_integer(s->observed_generation));
    json_put(o, "source",
             s->source.path != NULL ? record(&STATUS_SOURCE, &s->source) : json_null());
    if (certificate_kind && s->issuer_name != NULL) {
        json_put(o, "issuerRef", record(&STATUS_ISSUER_REF, s));
    }
    json_put(o, "conditions", conditions(s));
    if (certificate_kind) {
        put_certificate_times(o, s);
    }
    jtable_write(&STATUS_SCHEDULE, o, s);
    if (certificate_kind) {
        put_certificate_parts(o, s);
    }
    if (s->details != NULL) {
        int rc = json_object_update_missing(o, s->details); /* never over a member of ours */

        cl_assert(rc == 0);
    }
    if (certificate_kind) {
        json_put(o, "issuance", s->issuance != NULL ? json_incref(s->issuance) : json_null());
    }
    json_put(o, "events", events(s));
    if (s->warnings.len > 0) {
        json_put(o, "warnings", json_strv(&s->warnings));
    }
    return o;
}

char *status_to_json(const struct status *s)
{
    json_t *o = json_object();

    json_put(o, "apiVersion", json_text("certloop/v1"));
    json_put(o, "kind", json_text(spec_kind_name(s->kind)));
    json_put(o, "metadata", record(&STATUS_METADATA, s));
    json_put(o, "status", status_member(s));
    char *text = json_print(o, JSON_INDENT(2), true);
    json_decref(o);
    return text;
}
