/* SPDX-License-Identifier: Apache-2.0 */
/* spec: freeing and naming what the tables describe. */
#include "spec/spec.h"

#include "spec/base/cl_alloc.h"
#include "spec/spec_parse.h"
#include "spec/spec_tables.h"

#include <string.h>

const char *string_map_get(const struct string_map *m, const char *key)
{
    size_t low = 0, high = m->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(key, m->items[middle].key);

        if (order == 0) {
            return m->items[middle].value;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

bool secret_ref_given(const struct secret_ref *r)
{
    return r->name != NULL || r->file != NULL || r->env != NULL || r->credential != NULL;
}

void cert_spec_destroy(struct cert_spec *s)
{
    if (s != NULL) {
        schema_deinit(&SCHEMA_CERTIFICATE, s);
        cl_free(s);
    }
}

void issuer_spec_destroy(struct issuer_spec *s)
{
    if (s != NULL) {
        schema_deinit(&SCHEMA_ISSUER, s);
        cl_free(s);
    }
}

void config_destroy(struct config *c)
{
    if (c != NULL) {
        schema_deinit(&SCHEMA_CONFIGURATION, c);
        cl_free(c);
    }
}

void object_destroy(struct object *o)
{
    if (o == NULL) {
        return;
    }
    schema_deinit(&SCHEMA_METADATA, &o->metadata);
    cl_free(o->key);
    cl_strv_deinit(&o->warnings);
    if (o->kind == SPEC_CERTIFICATE) {
        cert_spec_destroy(o->cert);
    } else {
        issuer_spec_destroy(o->issuer);
    }
    cl_free(o);
}

void object_list_deinit(struct object_list *l)
{
    for (size_t i = 0; i < l->len; i++) {
        object_destroy(l->items[i]);
    }
    cl_free(l->items);
    *l = (struct object_list){0};
}

const char *spec_kind_name(enum spec_kind kind)
{
    static const char *const NAMES[SPEC_KINDS] = {
        [SPEC_CERTIFICATE] = "Certificate",
        [SPEC_ISSUER] = "Issuer",
        [SPEC_CLUSTER_ISSUER] = "ClusterIssuer",
        [SPEC_CONFIGURATION] = "Configuration",
    };

    return NAMES[kind];
}

const char *key_algorithm_name(enum key_algorithm a)
{
    return schema_word_name(WORDS_KEY_ALGORITHM, a);
}

char *object_display_name(const struct object *o)
{
    const char *ns = cl_str_or(o->metadata.namespace_, "");

    return cl_printf("%s%s%s", ns, *ns != '\0' ? "/" : "", cl_str_or(o->metadata.name, ""));
}
