/* SPDX-License-Identifier: Apache-2.0 */
/* spec_standby: the Certificate behind spec.standby: what its owner asks for, from another Issuer,
 * and nothing else of it: it is kept in the archive and goes nowhere by itself. */
#include "spec/base/cl_alloc.h"
#include "spec/spec_document.h"
#include "spec/spec_tables.h"

bool issuer_ref_same(const struct issuer_ref *a, const struct issuer_ref *b)
{
    bool cluster_a = cl_streq(a->kind, "ClusterIssuer");
    bool cluster_b = cl_streq(b->kind, "ClusterIssuer");

    return a->name != NULL && cl_streq(a->name, b->name) && cluster_a == cluster_b;
}

struct object *object_standby(const struct object *o)
{
    if (o->kind != SPEC_CERTIFICATE || o->cert->standby.name == NULL) {
        return NULL;
    }
    /* What the shallow copy does not show is not copied. */
    struct cert_spec shown = *o->cert;
    shown.secret_name = NULL;
    shown.issuer_ref = o->cert->standby;
    shown.fallback_issuers = (struct issuer_ref_list){0};
    shown.standby = (struct issuer_ref){0};
    shown.outputs = (struct output_list){0};
    shown.combined = (struct combined_list){0};
    shown.hooks = (struct hook_list){0};
    shown.probes = (struct probe_list){0};
    struct metadata metadata = o->metadata;
    metadata.annotations = (struct string_map){0};

    struct object *copy = cl_new(struct object);
    copy->api = o->api;
    copy->kind = o->kind;
    copy->key = cl_strdup(o->key);
    copy->document = o->document;
    copy->line = o->line;
    copy->cert = cl_new(struct cert_spec);
    schema_copy(&SCHEMA_METADATA, &copy->metadata, &metadata);
    schema_copy(&SCHEMA_CERTIFICATE, copy->cert, &shown);
    object_take_hash(copy);
    return copy;
}
