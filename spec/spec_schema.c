/* SPDX-License-Identifier: Apache-2.0 */
/* spec_schema: access to the members that the tables describe, freeing and copying. */
#include "spec/spec_schema.h"

#include "spec/base/cl_alloc.h"

#include <string.h>

void *schema_member(const struct schema_field *f, void *record)
{
    return (char *)record + f->offset;
}

const void *schema_member_const(const struct schema_field *f, const void *record)
{
    return (const char *)record + f->offset;
}

/* Enums are read and written as bytes: they have the size of unsigned, booleans one byte. */
unsigned schema_word_get(const struct schema_field *f, const void *record)
{
    unsigned value = 0;

    if (f->size == sizeof(bool)) {
        return *(const bool *)schema_member_const(f, record) ? 1 : 0;
    }
    memcpy(&value, schema_member_const(f, record), sizeof(value));
    return value;
}

size_t schema_count(const struct schema_field *f, const void *record)
{
    size_t n;

    memcpy(&n, (const char *)record + f->count_offset, sizeof(n));
    return n;
}

static void *items(const struct schema_field *f, const void *record)
{
    void *p;

    memcpy(&p, (const char *)record + f->offset, sizeof(p));
    return p;
}

const void *schema_entry(const struct schema_field *f, const void *record, size_t i)
{
    return (const char *)items(f, record) + i * f->sub->size;
}

const char *schema_word_name(const struct schema_word *words, unsigned value)
{
    for (; words->name != NULL; words++) {
        if (words->value == value) {
            return words->name;
        }
    }
    return NULL;
}

/* Without a member there is nothing to free, print or copy. */
static bool has_member(const struct schema_field *f)
{
    return f->size > 0;
}

static void free_fields(const struct schema *schema, void *record);

static void free_list(const struct schema_field *f, void *record)
{
    char *list = items(f, record);
    size_t n = schema_count(f, record);

    for (size_t i = 0; i < n; i++) {
        free_fields(f->sub, list + i * f->sub->size);
    }
    cl_free(list);
}

static void free_map(struct string_map *m)
{
    for (size_t i = 0; i < m->len; i++) {
        cl_free(m->items[i].key);
        cl_free(m->items[i].value);
    }
    cl_free(m->items);
}

static void free_field(const struct schema_field *f, void *record)
{
    switch (f->type) {
    case FIELD_TEXT:
        cl_free(items(f, record));
        break;
    case FIELD_STRV:
        cl_strv_deinit(schema_member(f, record));
        break;
    case FIELD_MAP:
        free_map(schema_member(f, record));
        break;
    case FIELD_STRUCT:
        free_fields(f->sub, schema_member(f, record));
        break;
    case FIELD_LIST:
    case FIELD_KEYED:
        free_list(f, record);
        break;
    case FIELD_BOOL:
    case FIELD_LONG:
    case FIELD_DURATION:
    case FIELD_WORD:
    case FIELD_FLAGS:
    case FIELD_WORDS:
    case FIELD_ANY:
        break;
    }
}

static bool owns(const struct schema_field *f)
{
    return f->sub != NULL && f->type == FIELD_STRUCT ? (f->flags & FIELD_UNSUPPORTED) == 0
                                                     : has_member(f);
}

static void free_fields(const struct schema *schema, void *record)
{
    if (schema->key_value != NULL) { /* KEYED: the key has no row */
        char *key;
        memcpy(&key, (char *)record + schema->key_offset, sizeof(key));
        cl_free(key);
    }
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if (owns(f)) {
            free_field(f, record);
        }
    }
}

void schema_deinit(const struct schema *schema, void *record)
{
    free_fields(schema, record);
    memset(record, 0, schema->size);
}

/* ---- copying: the bytes first, then what they point to ---- */

static void copy_fields(const struct schema *schema, void *dst, const void *src);

static void copy_text(void *dst, const void *src, size_t offset)
{
    char *text;

    memcpy(&text, (const char *)src + offset, sizeof(text));
    text = cl_strdup(text);
    memcpy((char *)dst + offset, &text, sizeof(text));
}

static void copy_list(const struct schema_field *f, void *dst, const void *src)
{
    size_t n = schema_count(f, src);
    char *list = n > 0 ? cl_calloc(n, f->sub->size) : NULL;

    for (size_t i = 0; i < n; i++) {
        memcpy(list + i * f->sub->size, schema_entry(f, src, i), f->sub->size);
        copy_fields(f->sub, list + i * f->sub->size, schema_entry(f, src, i));
    }
    memcpy((char *)dst + f->offset, &list, sizeof(list));
}

static void copy_map(struct string_map *dst, const struct string_map *src)
{
    dst->items = src->len > 0 ? cl_calloc(src->len, sizeof(dst->items[0])) : NULL;
    dst->len = src->len;
    for (size_t i = 0; i < src->len; i++) {
        dst->items[i].key = cl_strdup(src->items[i].key);
        dst->items[i].value = cl_strdup(src->items[i].value);
    }
}

static void copy_field(const struct schema_field *f, void *dst, const void *src)
{
    switch (f->type) {
    case FIELD_TEXT:
        copy_text(dst, src, f->offset);
        break;
    case FIELD_STRV:
        cl_strv_copy(schema_member(f, dst), schema_member_const(f, src));
        break;
    case FIELD_MAP:
        copy_map(schema_member(f, dst), schema_member_const(f, src));
        break;
    case FIELD_STRUCT:
        copy_fields(f->sub, schema_member(f, dst), schema_member_const(f, src));
        break;
    case FIELD_LIST:
    case FIELD_KEYED:
        copy_list(f, dst, src);
        break;
    case FIELD_BOOL:
    case FIELD_LONG:
    case FIELD_DURATION:
    case FIELD_WORD:
    case FIELD_FLAGS:
    case FIELD_WORDS:
    case FIELD_ANY:
        break; /* came with the bytes */
    }
}

static void copy_fields(const struct schema *schema, void *dst, const void *src)
{
    if (schema->key_value != NULL) {
        copy_text(dst, src, schema->key_offset);
    }
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if (owns(f)) {
            copy_field(f, dst, src);
        }
    }
}

void schema_copy(const struct schema *schema, void *dst, const void *src)
{
    memcpy(dst, src, schema->size);
    copy_fields(schema, dst, src);
}
