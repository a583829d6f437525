/* SPDX-License-Identifier: Apache-2.0 */
/* status_read: a status file back into the struct, for the command line and for what the daemon
 * keeps over a restart (transition times, events). Members that no table knows become details. */
#include "spec/base/cl_alloc.h"
#include "spec/cert_facts_json.h"
#include "spec/status.h"
#include "spec/status_fields.h"

#include <string.h>

static int bad(struct cl_err *err, const char *what)
{
    return cl_fail(err, CL_ERR_LOCAL, "InvalidStatus", "%s", what);
}

/* Takes a member out of @o; NULL if it is absent or null. The caller owns it. */
static json_t *take(json_t *o, const char *key)
{
    json_t *value = json_object_get(o, key);

    if (value != NULL) {
        (void)json_incref(value);
        (void)json_object_del(o, key);
    }
    if (json_is_null(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

static int read_kind(const json_t *root, enum spec_kind *ret, struct cl_err *err)
{
    const char *kind = json_string_value(json_object_get(root, "kind"));

    for (unsigned k = 0; k < SPEC_KINDS; k++) {
        if (cl_streq(kind, spec_kind_name((enum spec_kind)k))) {
            *ret = (enum spec_kind)k;
            return 0;
        }
    }
    return bad(err, "kind: not one that has a status");
}

static int read_condition(const json_t *o, struct status *s, struct cl_err *err)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    const char *value = json_string_value(json_object_get(o, "status"));

    for (unsigned t = 0; t < CONDITION_COUNT; t++) {
        struct condition *c = &s->conditions[t];

        if (!cl_streq(type, condition_type_name((enum condition_type)t)) ||
            c->status != STATUS_ABSENT) {
            continue;
        }
        for (unsigned v = STATUS_TRUE; v <= STATUS_UNKNOWN; v++) {
            if (cl_streq(value, condition_status_name((enum condition_status)v))) {
                c->status = (enum condition_status)v;
                return jtable_read(&STATUS_CONDITION, o, c, err);
            }
        }
        return bad(err, "conditions: status is not True, False or Unknown");
    }
    return 0; /* of a later version */
}

static int read_conditions(const json_t *array, struct status *s, struct cl_err *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (read_condition(json_array_get(array, i), s, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_events(const json_t *array, struct status *s, struct cl_err *err)
{
    size_t n = json_array_size(array);

    for (size_t i = n > STATUS_EVENTS ? n - STATUS_EVENTS : 0; i < n; i++) {
        const json_t *o = json_array_get(array, i);
        struct status_event *e = &s->events[s->n_events++];

        e->warning = cl_streq(json_string_value(json_object_get(o, "type")), "Warning");
        if (jtable_read(&STATUS_EVENT, o, e, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_last_error(const json_t *o, struct status *s, struct cl_err *err)
{
    s->last_error.kind = cl_err_kind_from_name(json_string_value(json_object_get(o, "class")));
    if (s->last_error.kind == CL_ERR_NONE) {
        s->last_error.kind = CL_ERR_INTERNAL; /* a class of a later version */
    }
    json_t *authorizations = json_object_get(o, "authorizations");
    s->last_error.authorizations =
        json_is_array(authorizations) ? json_incref(authorizations) : NULL;
    if (jtable_read(&STATUS_ERROR, o, &s->last_error, err) < 0) {
        return -1;
    }
    return name_problems_read(json_object_get(o, "subproblems"), &s->last_error.names, err);
}

static int read_source(const json_t *o, struct status *s, struct cl_err *err)
{
    return jtable_read(&STATUS_SOURCE, o, &s->source, err);
}

static int read_issuer_ref(const json_t *o, struct status *s, struct cl_err *err)
{
    return jtable_read(&STATUS_ISSUER_REF, o, s, err);
}

static int read_certificate(const json_t *o, struct status *s, struct cl_err *err)
{
    json_t *issuer_ref = json_object_get(o, "issuerRef");

    s->has_cert = true;
    if (json_is_object(issuer_ref) &&
        (jtable_read(&STATUS_USED_ISSUER, issuer_ref, s, err) < 0 ||
         (s->issuer_name == NULL && jtable_read(&STATUS_ISSUER_REF, issuer_ref, s, err) < 0))) {
        return -1;
    }
    if (cl_streq(s->used_issuer, s->issuer_name) && cl_streq(s->used_kind, s->issuer_kind)) {
        jtable_free(&STATUS_USED_ISSUER, s); /* the same needs no words */
    }
    if (jtable_read(&STATUS_EXTRA, o, s, err) < 0) {
        return -1;
    }
    return cert_facts_read(o, &s->cert, err);
}

static int read_outputs(const json_t *array, struct status *s, struct cl_err *err)
{
    void *items = NULL;
    int rc = jtable_read_list(&STATUS_OUTPUT, array, &items, &s->n_outputs, err);

    s->outputs = items;
    return rc;
}

static int read_hooks(const json_t *array, struct status *s, struct cl_err *err)
{
    void *items = NULL;
    int rc = jtable_read_list(&STATUS_HOOK, array, &items, &s->n_hooks, err);

    s->hooks = items;
    return rc;
}

static int read_probes(const json_t *array, struct status *s, struct cl_err *err)
{
    void *items = NULL;
    int rc = jtable_read_list(&STATUS_PROBE, array, &items, &s->n_probes, err);

    s->probes = items;
    return rc;
}

static int read_warnings(const json_t *array, struct status *s, struct cl_err *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (text == NULL) {
            return bad(err, "warnings: not texts");
        }
        cl_strv_add(&s->warnings, text);
    }
    return 0;
}

/* The members of status that are objects or arrays; the rest is in tables or in details. */
static const struct {
    const char *key;
    json_type type;
    bool certificate_only; /* an Issuer may have details of this name */
    int (*read)(const json_t *value, struct status *s, struct cl_err *err);
} MEMBERS[] = {
    {"source", JSON_OBJECT, false, read_source},
    {"issuerRef", JSON_OBJECT, true, read_issuer_ref},
    {"conditions", JSON_ARRAY, false, read_conditions},
    {"lastError", JSON_OBJECT, true, read_last_error},
    {"certificate", JSON_OBJECT, true, read_certificate},
    {"outputs", JSON_ARRAY, true, read_outputs},
    {"hooks", JSON_ARRAY, true, read_hooks},
    {"probes", JSON_ARRAY, true, read_probes},
    {"events", JSON_ARRAY, false, read_events},
    {"warnings", JSON_ARRAY, false, read_warnings},
};

static int read_member(json_t *o, size_t i, struct status *s, struct cl_err *err)
{
    json_t *value = take(o, MEMBERS[i].key);
    int rc = 0;

    if (value != NULL && json_typeof(value) != MEMBERS[i].type) {
        rc = bad(err, "not what belongs there");
    } else if (value != NULL) {
        rc = MEMBERS[i].read(value, s, err);
    }
    json_decref(value);
    if (rc < 0) {
        cl_wrap(err, "%s", MEMBERS[i].key);
    }
    return rc;
}

static int read_table(const struct jtable *t, json_t *o, struct status *s, struct cl_err *err)
{
    int rc = jtable_read(t, o, s, err);

    jtable_drop(t, o);
    return rc;
}

/* Empties @o of everything that the struct has a place for; what stays are the details. */
static int read_status(json_t *o, struct status *s, struct cl_err *err)
{
    bool certificate_kind = s->kind == SPEC_CERTIFICATE;
    json_t *generation = take(o, "observedGeneration");

    s->observed_generation = (long)json_integer_value(generation);
    json_decref(generation);
    if (read_table(&STATUS_SCHEDULE, o, s, err) < 0 ||
        (certificate_kind && read_table(&STATUS_VALIDITY, o, s, err) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        if ((certificate_kind || !MEMBERS[i].certificate_only) && read_member(o, i, s, err) < 0) {
            return -1;
        }
    }
    s->persist_records = certificate_kind ? take(o, "persistRecords") : NULL;
    s->issuance = certificate_kind ? take(o, "issuance") : NULL;
    if (json_object_size(o) > 0) {
        s->details = json_incref(o);
    }
    return 0;
}

int status_from_json(const char *text, struct status *ret, struct cl_err *err)
{
    json_t *root = json_parse_object(text, err);
    struct status s;
    int rc = -1;

    status_init(&s);
    if (root != NULL) {
        json_t *metadata = json_object_get(root, "metadata");
        json_t *status = json_object_get(root, "status");

        if (!json_is_object(metadata) || !json_is_object(status)) {
            (void)bad(err, "metadata or status is missing");
        } else if (read_kind(root, &s.kind, err) == 0 &&
                   jtable_read(&STATUS_METADATA, metadata, &s, err) == 0) {
            rc = read_status(status, &s, err);
        }
    }
    json_decref(root);
    if (rc < 0) {
        cl_wrap(err, "status file");
        status_deinit(&s);
        return -1;
    }
    *ret = s;
    return 0;
}
