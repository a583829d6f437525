/* SPDX-License-Identifier: Apache-2.0 */
/* spec_canonical: objects -> canonical JSON (sorted keys, compact) and back, and YAML for people. The
 * same tables print and read, so what comes back is equal, and printing it again gives the same
 * bytes. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"
#include "spec/jfield.h"
#include "spec/spec_document.h"
#include "spec/spec_parse.h"
#include "spec/spec_tables.h"

#include <string.h>

#define YAML_MAX_BYTES ((size_t)16 << 20)
#define CANONICAL (JSON_COMPACT | JSON_SORT_KEYS)

/* Defaults of the Configuration and all that is implied make it longer than its source. */
static const struct yaml_limits CANONICAL_LIMITS = {
    .bytes = (size_t)8 << 20, .nodes = 200000, .depth = 40};

static json_t *print_spec(const struct object *o)
{
    const void *record =
        o->kind == SPEC_CERTIFICATE ? (const void *)o->cert : (const void *)o->issuer;

    return schema_print(schema_of_kind(o->kind), record);
}

static json_t *print_object(const struct object *o)
{
    json_t *root = json_object();

    json_put(root, "apiVersion", json_text(document_api_name(o->api)));
    json_put(root, "kind", json_text(spec_kind_name(o->kind)));
    json_put(root, "metadata", schema_print(&SCHEMA_METADATA, &o->metadata));
    json_put(root, "spec", print_spec(o));
    return root;
}

void object_take_hash(struct object *o)
{
    json_t *spec = print_spec(o);
    char *text = json_print(spec, CANONICAL, false);

    (void)cl_sha256_hex(text, strlen(text), o->spec_hash);
    cl_free(text);
    json_decref(spec);
}

char *object_to_canonical(const struct object *o)
{
    json_t *root = print_object(o);
    char *text = json_print(root, CANONICAL, false);

    json_decref(root);
    return text;
}

int object_from_canonical(const char *text, struct object **ret, struct cl_err *err)
{
    struct spec_problems problems = {0};
    struct yaml_documents documents;
    struct document d;
    struct object *o = NULL;

    (void)yaml_parse(text, strlen(text), &CANONICAL_LIMITS, &documents, &problems);
    if (documents.len != 1 && !problems_have_error(&problems, 0)) {
        spec_problems_add(&problems, false, 1, 1, "expected one object");
    } else if (documents.len == 1 &&
               document_start(&d, documents.items[0], false, true, &problems)) {
        o = document_decode(&d, NULL);
    }
    yaml_documents_deinit(&documents);
    if (problems_have_error(&problems, 0)) {
        problems_sort(&problems);
        size_t first = 0;
        while (problems.items[first].warning) {
            first++;
        }
        (void)cl_fail(err, CL_ERR_SPEC, "InvalidSpec", "remembered spec: %s",
                      problems.items[first].text);
        spec_problems_deinit(&problems);
        object_destroy(o);
        return -1;
    }
    spec_problems_deinit(&problems);
    cl_assert(o != NULL); /* no object without a problem */
    object_take_hash(o);
    *ret = o;
    return 0;
}

/* ---- YAML for people ---- */

static void write_value(struct cl_buf *b, json_t *value, unsigned indent, bool in_list);

/* Quoted as JSON unless it cannot be taken for anything but this string: every JSON string is a
 * double-quoted YAML scalar. */
static void write_string(struct cl_buf *b, const char *s)
{
    static const char SAFE[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@+";
    struct yaml_node n = {.kind = YAML_SCALAR, .plain = true};
    bool safe = *s != '\0' && s[strspn(s, SAFE)] == '\0' && strchr("-@+", *s) == NULL;

    n.text = cl_strdup(s);
    safe = safe && yaml_scalar_type(&n) == YAML_STRING;
    cl_free(n.text);
    if (safe) {
        (void)cl_buf_adds(b, s);
        return;
    }
    json_t *text = json_text(s);
    char *quoted = json_print(text, JSON_ENCODE_ANY, false);
    (void)cl_buf_adds(b, quoted);
    cl_free(quoted);
    json_decref(text);
}

static void write_indent(struct cl_buf *b, unsigned indent)
{
    (void)cl_buf_addf(b, "%*s", (int)indent, "");
}

static void write_mapping(struct cl_buf *b, json_t *o, unsigned indent, bool in_list)
{
    const char *key;
    json_t *value;
    bool first = in_list; /* continues the line of "- " */

    json_object_foreach(o, key, value)
    {
        if (!first) {
            write_indent(b, indent);
        }
        first = false;
        write_string(b, key);
        (void)cl_buf_adds(b, ":");
        write_value(b, value, indent, false);
    }
}

static void write_list(struct cl_buf *b, json_t *list, unsigned indent)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        write_indent(b, indent);
        (void)cl_buf_adds(b, "-");
        write_value(b, json_array_get(list, i), indent, true);
    }
}

/* Scalars, and mappings and lists without entries. */
static void write_scalar(struct cl_buf *b, json_t *value)
{
    if (json_is_string(value)) {
        write_string(b, json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)cl_buf_addf(b, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        (void)cl_buf_adds(b, json_is_true(value) ? "true" : "false");
    } else {
        (void)cl_buf_adds(b, json_is_array(value) ? "[]" : "{}");
    }
}

static void write_value(struct cl_buf *b, json_t *value, unsigned indent, bool in_list)
{
    if (json_is_object(value) && json_object_size(value) > 0) {
        (void)cl_buf_adds(b, in_list ? " " : "\n");
        write_mapping(b, value, indent + 2, in_list);
    } else if (json_is_array(value) && json_array_size(value) > 0) {
        (void)cl_buf_adds(b, "\n");
        write_list(b, value, indent + 2);
    } else {
        (void)cl_buf_adds(b, " ");
        write_scalar(b, value);
        (void)cl_buf_adds(b, "\n");
    }
}

char *object_to_yaml(const struct object *o)
{
    json_t *root = print_object(o);
    struct cl_buf b;

    cl_buf_init(&b, YAML_MAX_BYTES);
    write_mapping(&b, root, 0, false);
    json_decref(root);
    return cl_buf_take(&b);
}
