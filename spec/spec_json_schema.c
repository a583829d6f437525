/* SPDX-License-Identifier: Apache-2.0 */
/* spec_json_schema: walks the tables. */
#include "spec/spec_json_schema.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"
#include "spec/spec_tables.h"

#define DIALECT "http://json-schema.org/draft-07/schema#"
/* cl_duration_parse. */
#define DURATION_PATTERN "^0$|^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$"

/* Records become definitions: many fields share one. */
#define MOST_RECORDS 256
struct builder {
    bool compat; /* documents of cert-manager.io */
    json_t *definitions;
    struct {
        const struct schema *schema;
        bool compat;
        char name[80];
    } known[MOST_RECORDS];
    size_t n_known;
};

static json_t *object_of(struct builder *b, const struct schema *schema);
static json_t *record_of(struct builder *b, const struct schema *schema);

/* ---- single values ---- */

static json_t *words_of(const struct schema_word *words)
{
    json_t *list = json_array();
    for (; words->name != NULL; words++) {
        if (!words->unsupported) {
            json_array_append_new(list, json_string(words->name));
        }
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *text_of(const struct schema_field *f)
{
    return f->words != NULL ? words_of(f->words) : json_pack("{s:s}", "type", "string");
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s,s:o}", "type", "array", "items", items);
}

static json_t *either(json_t *one, json_t *other)
{
    return json_pack("{s:[o,o]}", "anyOf", one, other);
}

static json_t *long_of(const struct schema_field *f)
{
    json_t *out = json_pack("{s:s}", "type", "integer");
    if (f->max != 0) {
        json_object_set_new(out, "minimum", json_integer(f->min));
        json_object_set_new(out, "maximum", json_integer(f->max));
    }
    return out;
}

static json_t *entries_of(struct builder *b, const struct schema_field *f)
{
    if (f->type == FIELD_KEYED) {
        return json_pack("{s:s,s:o}", "type", "object", "additionalProperties",
                         record_of(b, f->sub));
    }
    json_t *list = list_of(record_of(b, f->sub));
    return (f->flags & FIELD_ONE) != 0 ? either(record_of(b, f->sub), list) : list;
}

static json_t *value_of(struct builder *b, const struct schema_field *f)
{
    switch (f->type) {
    case FIELD_TEXT:
        return text_of(f);
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_LONG:
        return long_of(f);
    case FIELD_DURATION:
        return json_pack("{s:s,s:s}", "type", "string", "pattern", DURATION_PATTERN);
    case FIELD_WORD:
        return words_of(f->words);
    case FIELD_STRV:
        return (f->flags & FIELD_ONE) != 0 ? either(text_of(f), list_of(text_of(f)))
                                           : list_of(text_of(f));
    case FIELD_FLAGS:
    case FIELD_WORDS:
        return list_of(words_of(f->words));
    case FIELD_MAP:
        return json_pack("{s:s,s:{s:[s,s,s]}}", "type", "object", "additionalProperties", "type",
                         "string", "number", "boolean");
    case FIELD_STRUCT:
        return record_of(b, f->sub);
    case FIELD_LIST:
    case FIELD_KEYED:
        return entries_of(b, f);
    case FIELD_ANY:
        break;
    }
    return json_object();
}

static json_t *default_of(const struct schema_field *f, const char *def)
{
    switch (f->type) {
    case FIELD_BOOL:
        return json_boolean(cl_streq(def, "true"));
    case FIELD_LONG: {
        uint64_t value = 0;
        return cl_parse_u64(def, INT32_MAX, &value) == 0 ? json_integer((json_int_t)value) : NULL;
    }
    case FIELD_STRV:
    case FIELD_FLAGS:
    case FIELD_WORDS: {
        struct cl_strv parts = {0};
        json_t *list = json_array();
        cl_strv_split(&parts, def, ",");
        for (size_t i = 0; i < parts.len; i++) {
            json_array_append_new(list, json_string(parts.items[i]));
        }
        cl_strv_deinit(&parts);
        return list;
    }
    case FIELD_TEXT:
    case FIELD_DURATION:
    case FIELD_WORD:
        return json_string(def);
    case FIELD_MAP:
    case FIELD_STRUCT:
    case FIELD_LIST:
    case FIELD_KEYED:
    case FIELD_ANY:
        break;
    }
    return NULL;
}

/* ---- records ---- */

static bool offered(const struct schema_field *f, bool compat)
{
    if ((f->flags & (FIELD_COMPAT | FIELD_IGNORED | FIELD_WARN)) != 0) {
        return compat || (f->flags & FIELD_COMPAT) == 0;
    }
    return (f->flags & (FIELD_UNSUPPORTED | FIELD_REFUSED | FIELD_CONFIG)) == 0;
}

static json_t *property_of(struct builder *b, const struct schema_field *f)
{
    const char *def = b->compat && f->def_compat != NULL ? f->def_compat : f->def;
    json_t *out = value_of(b, f);
    if (f->doc != NULL && (f->flags & (FIELD_IGNORED | FIELD_WARN)) == 0) {
        json_object_set_new(out, "description", json_string(f->doc));
    }
    if (def != NULL) {
        json_object_set_new(out, "default", default_of(f, def));
    }
    return out;
}

static json_t *object_of(struct builder *b, const struct schema *schema)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if (!offered(f, b->compat)) {
            continue;
        }
        json_object_set_new(properties, f->key, property_of(b, f));
        if (f->alias != NULL) {
            json_object_set_new(properties, f->alias, property_of(b, f));
        } else if ((f->flags & FIELD_REQUIRED) != 0) {
            json_array_append_new(required, json_string(f->key));
        }
    }
    json_t *out = json_pack("{s:s,s:o,s:b}", "type", "object", "properties", properties,
                            "additionalProperties", 0);
    if (json_array_size(required) > 0) {
        json_object_set(out, "required", required);
    }
    json_decref(required);
    return out;
}

static const struct schema_field *field_named(const struct schema *schema, const char *key)
{
    const struct schema_field *f = schema->fields;
    while (f->key != NULL && !cl_streq(f->key, key)) {
        f++;
    }
    return f->key != NULL ? f : NULL;
}

/* Of a lone scalar that stands for the field. */
static json_t *scalar_of(struct builder *b, const struct schema_field *f)
{
    return f->type == FIELD_WORDS || f->type == FIELD_FLAGS ? words_of(f->words) : value_of(b, f);
}

/* The mapping, or what may stand for it. */
static json_t *definition_of(struct builder *b, const struct schema *schema)
{
    json_t *out = object_of(b, schema);
    const struct schema_field *f =
        schema->short_scalar != NULL ? field_named(schema, schema->short_scalar) : NULL;
    if (f != NULL) {
        out = either(scalar_of(b, f), out);
    }
    f = schema->short_list != NULL ? field_named(schema, schema->short_list) : NULL;
    return f != NULL ? either(value_of(b, f), out) : out;
}

static const char *known_name(const struct builder *b, const struct schema *schema)
{
    for (size_t i = 0; i < b->n_known; i++) {
        if (b->known[i].schema == schema && b->known[i].compat == b->compat) {
            return b->known[i].name;
        }
    }
    return NULL;
}

/* A reference to the definition, which is made at the first one. */
static json_t *record_of(struct builder *b, const struct schema *schema)
{
    const char *name = known_name(b, schema);
    if (name == NULL && b->n_known == MOST_RECORDS) {
        return definition_of(b, schema);
    }
    if (name == NULL) {
        char *mine = b->known[b->n_known].name;
        (void)cl_format(mine, sizeof(b->known[0].name), "%s-%zu", schema->name, b->n_known);
        b->known[b->n_known].schema = schema;
        b->known[b->n_known].compat = b->compat;
        b->n_known++;
        json_object_set_new(b->definitions, mine, definition_of(b, schema));
        name = mine;
    }
    return json_pack("{s:[{s:o}]}", "allOf", "$ref", json_sprintf("#/definitions/%s", name));
}

/* ---- documents ---- */

static json_t *spec_when(struct builder *b, const char *api, enum spec_kind kind, bool compat)
{
    b->compat = compat;
    json_t *spec = record_of(b, schema_of_kind(kind));
    b->compat = false;
    return json_pack("{s:{s:{s:{s:s}}},s:{s:{s:o}}}", "if", "properties", "apiVersion", "const",
                     api, "then", "properties", "spec", spec);
}

static json_t *document_of(struct builder *b, enum spec_kind kind)
{
    json_t *properties = json_pack("{s:{s:s}}", "kind", "const", spec_kind_name(kind));
    json_t *out = json_pack("{s:s,s:o,s:[s,s,s]}", "type", "object", "properties", properties,
                            "required", "apiVersion", "kind", "spec");
    json_object_set_new(properties, "spec", json_pack("{s:s}", "type", "object"));
    if (kind == SPEC_CONFIGURATION) {
        json_object_set_new(properties, "apiVersion", json_pack("{s:s}", "const", "certloop/v1"));
        json_object_set_new(properties, "spec", record_of(b, schema_of_kind(kind)));
        json_object_set_new(properties, "metadata", json_pack("{s:s}", "type", "object"));
        return out;
    }
    json_object_set_new(properties, "apiVersion",
                        json_pack("{s:[s,s]}", "enum", "certloop/v1", "cert-manager.io/v1"));
    b->compat = true; /* what Kubernetes adds is accepted and ignored in both */
    json_object_set_new(properties, "metadata", record_of(b, &SCHEMA_METADATA));
    b->compat = false;
    json_array_append_new(json_object_get(out, "required"), json_string("metadata"));
    json_object_set_new(out, "allOf",
                        json_pack("[o,o]", spec_when(b, "certloop/v1", kind, false),
                                  spec_when(b, "cert-manager.io/v1", kind, true)));
    return out;
}

static json_t *finished(struct builder *b, json_t *out, json_t *title)
{
    json_object_set_new(out, "$schema", json_string(DIALECT));
    json_object_set_new(out, "title", title);
    json_object_set_new(out, "definitions", b->definitions);
    cl_free(b);
    return out;
}

static struct builder *builder_create(void)
{
    struct builder *b = cl_new(struct builder);
    b->definitions = json_object();
    return b;
}

json_t *spec_json_schema(enum spec_kind kind)
{
    struct builder *b = builder_create();
    return finished(b, document_of(b, kind), json_sprintf("certloop %s", spec_kind_name(kind)));
}

json_t *spec_json_schema_all(void)
{
    static const enum spec_kind KINDS[] = {SPEC_CERTIFICATE, SPEC_ISSUER, SPEC_CLUSTER_ISSUER};
    struct builder *b = builder_create();
    json_t *names = json_array();
    json_t *cases = json_array();
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        const char *name = spec_kind_name(KINDS[i]);
        json_array_append_new(names, json_string(name));
        json_array_append_new(cases, json_pack("{s:{s:{s:{s:s}}},s:o}", "if", "properties", "kind",
                                               "const", name, "then", document_of(b, KINDS[i])));
    }
    return finished(b,
                    json_pack("{s:s,s:[s,s],s:{s:{s:o}},s:o}", "type", "object", "required",
                              "apiVersion", "kind", "properties", "kind", "enum", names, "allOf",
                              cases),
                    json_string("certloop specs"));
}
