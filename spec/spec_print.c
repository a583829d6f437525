/* SPDX-License-Identifier: Apache-2.0 */
/* spec_print: records -> JSON through the tables. What is empty and has no default is left out, so
 * that a field which a later version adds does not change what is printed for old specs. */
#include "spec/jfield.h"
#include "spec/spec_schema.h"

#include <string.h>

static json_t *print_fields(const struct schema *schema, const void *record);

static json_t *print_text(const struct schema_field *f, const void *record)
{
    const char *text;

    memcpy(&text, schema_member_const(f, record), sizeof(text));
    return cl_str_empty(text) ? NULL : json_text(text);
}

static json_t *print_bool(const struct schema_field *f, const void *record)
{
    bool on = *(const bool *)schema_member_const(f, record);

    return on ? json_true() : f->def != NULL ? json_false() : NULL;
}

static json_t *print_long(const struct schema_field *f, const void *record)
{
    long n;

    memcpy(&n, schema_member_const(f, record), sizeof(n));
    return n != 0 || f->def != NULL ? json_integer(n) : NULL;
}

static json_t *print_duration(const struct schema_field *f, const void *record)
{
    char text[CL_DURATION_TEXT];
    cl_time d;

    memcpy(&d, schema_member_const(f, record), sizeof(d));
    return d != 0 || f->def != NULL ? json_text(cl_duration_format(d, text)) : NULL;
}

static json_t *print_word(const struct schema_field *f, const void *record)
{
    const char *name = schema_word_name(f->words, schema_word_get(f, record));

    return name != NULL ? json_text(name) : NULL;
}

static void add(json_t *list, json_t *take_item)
{
    (void)json_array_append_new(list, take_item);
}

static json_t *print_flags(const struct schema_field *f, const void *record)
{
    json_t *list = json_array();
    unsigned bits = schema_word_get(f, record);

    for (const struct schema_word *w = f->words; w->name != NULL; w++) {
        if ((bits & w->value) != 0) {
            add(list, json_text(w->name));
        }
    }
    return list;
}

static json_t *print_words(const struct schema_field *f, const void *record)
{
    json_t *list = json_array();
    size_t n = schema_count(f, record);

    for (size_t i = 0; i < n; i++) {
        unsigned value;
        memcpy(&value, (const char *)schema_member_const(f, record) + i * sizeof(value),
               sizeof(value));
        add(list, json_text(schema_word_name(f->words, value)));
    }
    return list;
}

static json_t *print_strv(const struct schema_field *f, const void *record)
{
    const struct cl_strv *v = schema_member_const(f, record);

    return v->len > 0 || f->def != NULL ? json_strv(v) : NULL;
}

static json_t *print_map(const struct schema_field *f, const void *record)
{
    const struct string_map *m = schema_member_const(f, record);

    if (m->len == 0) {
        return NULL;
    }
    json_t *o = json_object();
    for (size_t i = 0; i < m->len; i++) {
        json_put(o, m->items[i].key, json_text(m->items[i].value));
    }
    return o;
}

/* Was the mapping given? Without a tag: is there anything in it? */
static json_t *print_struct(const struct schema_field *f, const void *record)
{
    if (f->tag_size > 0) {
        const struct schema_field tag = {.offset = f->tag_offset, .size = f->tag_size};

        return schema_word_get(&tag, record) == f->tag
                   ? print_fields(f->sub, schema_member_const(f, record))
                   : NULL;
    }
    json_t *o = print_fields(f->sub, schema_member_const(f, record));
    if (json_object_size(o) == 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *print_list(const struct schema_field *f, const void *record)
{
    size_t n = schema_count(f, record);

    if (n == 0) {
        return NULL;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        add(list, print_fields(f->sub, schema_entry(f, record, i)));
    }
    return list;
}

static json_t *print_keyed(const struct schema_field *f, const void *record)
{
    size_t n = schema_count(f, record);

    if (n == 0) {
        return NULL;
    }
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++) {
        const void *entry = schema_entry(f, record, i);
        const char *key;

        memcpy(&key, (const char *)entry + f->sub->key_offset, sizeof(key));
        json_put(o, key, print_fields(f->sub, entry));
    }
    return o;
}

typedef json_t *print_fn(const struct schema_field *f, const void *record);
static print_fn *const PRINT[] = {
    [FIELD_TEXT] = print_text,   [FIELD_BOOL] = print_bool,
    [FIELD_LONG] = print_long,   [FIELD_DURATION] = print_duration,
    [FIELD_WORD] = print_word,   [FIELD_FLAGS] = print_flags,
    [FIELD_STRV] = print_strv,   [FIELD_MAP] = print_map,
    [FIELD_WORDS] = print_words, [FIELD_STRUCT] = print_struct,
    [FIELD_LIST] = print_list,   [FIELD_KEYED] = print_keyed,
    [FIELD_ANY] = NULL,
};

static json_t *print_fields(const struct schema *schema, const void *record)
{
    json_t *o = json_object();

    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        bool member = f->size > 0 || (f->type == FIELD_STRUCT && f->sub != NULL);

        if (member && (f->flags & FIELD_UNSUPPORTED) == 0) {
            json_t *value = PRINT[f->type](f, record);
            if (value != NULL) {
                json_put(o, f->key, value);
            }
        }
    }
    return o;
}

json_t *schema_print(const struct schema *schema, const void *record)
{
    return print_fields(schema, record);
}
