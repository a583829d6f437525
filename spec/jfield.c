/* SPDX-License-Identifier: Apache-2.0 */
/* jfield: structs to JSON and back through tables, and small helpers around jansson. Running out
 * of memory inside jansson ends the process, as it does in cl_alloc. */
#include "spec/jfield.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_hash.h"

#include <limits.h>
#include <string.h>

/* ---- jansson ---- */

void json_put(json_t *o, const char *key, json_t *take_value)
{
    int rc = json_object_set_new(o, key, take_value);

    cl_assert(rc == 0);
}

json_t *json_text(const char *s)
{
    const char *given = s != NULL ? s : "";
    json_t *text = json_string(given);

    if (text == NULL) { /* not UTF-8 */
        char *clean = cl_clean_dup(given, strlen(given));

        text = json_string(clean);
        cl_free(clean);
    }
    cl_assert(text != NULL);
    return text;
}

json_t *json_time(cl_time t)
{
    char text[CL_TIME_TEXT];

    return t == 0 || t == CL_NEVER ? json_null() : json_text(cl_time_format(t, text));
}

json_t *json_strv(const struct cl_strv *v)
{
    json_t *array = json_array();

    for (size_t i = 0; i < v->len; i++) {
        int rc = json_array_append_new(array, json_text(v->items[i]));

        cl_assert(rc == 0);
    }
    return array;
}

json_t *json_parse_object(const char *text, struct cl_err *err)
{
    json_error_t at;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &at);

    if (o == NULL) {
        char what[CL_CLEAN_TEXT];

        (void)cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "line %d, column %d: %s", at.line,
                      at.column, cl_clean(what, sizeof(what), at.text, strlen(at.text)));
        return NULL;
    }
    if (!json_is_object(o)) {
        (void)cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "not an object");
        json_decref(o);
        return NULL;
    }
    return o;
}

/* ---- members ---- */

#define AT(type, record, f) ((type *)(void *)((char *)(record) + (f)->offset))
#define CONST_AT(type, record, f) \
    ((type const *)(const void *)((const char *)(record) + (f)->offset))

static json_t *write_text(const struct jfield *f, const char *s)
{
    bool out = (s == NULL && f->type == JF_TEXT) || (f->omit_empty && cl_str_empty(s));

    return out ? NULL : json_text(s);
}

static json_t *write_number(const struct jfield *f, json_int_t n)
{
    return n == 0 && f->omit_empty ? NULL : json_integer(n);
}

/* NULL: leave it out. */
static json_t *write_one(const struct jfield *f, const void *record)
{
    switch (f->type) {
    case JF_TEXT:
    case JF_WORD:
        return write_text(f, *CONST_AT(char *, record, f));
    case JF_HASH:
        return write_text(f, CONST_AT(char, record, f));
    case JF_STRV: {
        const struct cl_strv *v = CONST_AT(struct cl_strv, record, f);
        return v->len == 0 && f->omit_empty ? NULL : json_strv(v);
    }
    case JF_TIME: {
        cl_time t = *CONST_AT(cl_time, record, f);
        return t == 0 && f->omit_empty ? NULL : json_time(t);
    }
    case JF_LONG:
        return write_number(f, *CONST_AT(long, record, f));
    case JF_INT:
        return write_number(f, *CONST_AT(int, record, f));
    case JF_UNSIGNED:
        return write_number(f, *CONST_AT(unsigned, record, f));
    case JF_BOOL: {
        bool on = *CONST_AT(bool, record, f);
        return !on && f->omit_empty ? NULL : json_boolean(on);
    }
    }
    cl_impossible("type of a JSON field");
}

void jtable_write(const struct jtable *t, json_t *o, const void *record)
{
    for (size_t i = 0; i < t->n; i++) {
        json_t *value = write_one(&t->rows[i], record);

        if (value != NULL) {
            json_put(o, t->rows[i].key, value);
        }
    }
}

static int read_strv(const json_t *value, struct cl_strv *v)
{
    if (!json_is_array(value)) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *s = json_string_value(json_array_get(value, i));

        if (s == NULL) {
            return -1;
        }
        cl_strv_add(v, s);
    }
    return 0;
}

static int read_text(const struct jfield *f, const json_t *value, void *record)
{
    const char *s = json_string_value(value);

    if (s == NULL) {
        return -1;
    }
    if (f->type == JF_TIME) {
        return cl_time_parse(s, AT(cl_time, record, f));
    }
    if (f->type == JF_HASH) {
        return cl_format(AT(char, record, f), CL_SHA256_TEXT, "%s", s);
    }
    cl_free(*AT(char *, record, f));
    *AT(char *, record, f) = cl_strdup(s);
    return 0;
}

static int read_number(const struct jfield *f, const json_t *value, void *record)
{
    json_int_t n = json_integer_value(value);

    if (!json_is_integer(value)) {
        return -1;
    }
    if (f->type == JF_LONG && n >= LONG_MIN && n <= LONG_MAX) {
        *AT(long, record, f) = (long)n;
        return 0;
    }
    if (f->type == JF_INT && n >= INT_MIN && n <= INT_MAX) {
        *AT(int, record, f) = (int)n;
        return 0;
    }
    if (f->type == JF_UNSIGNED && n >= 0 && n <= (json_int_t)UINT_MAX) {
        *AT(unsigned, record, f) = (unsigned)n;
        return 0;
    }
    return -1;
}

static int read_one(const struct jfield *f, const json_t *value, void *record)
{
    switch (f->type) {
    case JF_TEXT:
    case JF_WORD:
    case JF_HASH:
    case JF_TIME:
        return read_text(f, value, record);
    case JF_STRV:
        return read_strv(value, AT(struct cl_strv, record, f));
    case JF_LONG:
    case JF_INT:
    case JF_UNSIGNED:
        return read_number(f, value, record);
    case JF_BOOL:
        *AT(bool, record, f) = json_is_true(value);
        return json_is_boolean(value) ? 0 : -1;
    }
    cl_impossible("type of a JSON field");
}

int jtable_read(const struct jtable *t, const json_t *o, void *record, struct cl_err *err)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct jfield *f = &t->rows[i];
        const json_t *value = json_object_get(o, f->key);

        if (value != NULL && !json_is_null(value) && read_one(f, value, record) < 0) {
            return cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "%s: not what belongs there", f->key);
        }
        if (f->type == JF_WORD && *AT(char *, record, f) == NULL) {
            *AT(char *, record, f) = cl_strdup("");
        }
    }
    return 0;
}

void jtable_free(const struct jtable *t, void *record)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct jfield *f = &t->rows[i];

        if (f->type == JF_TEXT || f->type == JF_WORD) {
            cl_free(*AT(char *, record, f));
            *AT(char *, record, f) = NULL;
        } else if (f->type == JF_STRV) {
            cl_strv_deinit(AT(struct cl_strv, record, f));
        }
    }
}

static void copy_one(const struct jfield *f, void *dst, const void *src)
{
    switch (f->type) {
    case JF_TEXT:
    case JF_WORD:
        *AT(char *, dst, f) = cl_strdup(*CONST_AT(char *, src, f));
        break;
    case JF_HASH:
        memcpy(AT(char, dst, f), CONST_AT(char, src, f), CL_SHA256_TEXT);
        break;
    case JF_STRV:
        cl_strv_copy(AT(struct cl_strv, dst, f), CONST_AT(struct cl_strv, src, f));
        break;
    case JF_TIME:
        *AT(cl_time, dst, f) = *CONST_AT(cl_time, src, f);
        break;
    case JF_LONG:
        *AT(long, dst, f) = *CONST_AT(long, src, f);
        break;
    case JF_INT:
        *AT(int, dst, f) = *CONST_AT(int, src, f);
        break;
    case JF_UNSIGNED:
        *AT(unsigned, dst, f) = *CONST_AT(unsigned, src, f);
        break;
    case JF_BOOL:
        *AT(bool, dst, f) = *CONST_AT(bool, src, f);
        break;
    }
}

void jtable_copy(const struct jtable *t, void *dst, const void *src)
{
    for (size_t i = 0; i < t->n; i++) {
        copy_one(&t->rows[i], dst, src);
    }
}

void jtable_drop(const struct jtable *t, json_t *o)
{
    for (size_t i = 0; i < t->n; i++) {
        (void)json_object_del(o, t->rows[i].key);
    }
}

/* ---- arrays of records ---- */

json_t *jtable_write_list(const struct jtable *t, const void *items, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        jtable_write(t, o, (const char *)items + i * t->size);
        int rc = json_array_append_new(array, o);
        cl_assert(rc == 0);
    }
    return array;
}

int jtable_read_list(const struct jtable *t, const json_t *array, void **ret, size_t *ret_n,
                     struct cl_err *err)
{
    if (array == NULL || json_is_null(array)) {
        return 0;
    }
    if (!json_is_array(array)) {
        return cl_fail(err, CL_ERR_LOCAL, "InvalidJSON", "not an array");
    }
    if (json_array_size(array) > 0) {
        *ret_n = json_array_size(array);
        *ret = cl_calloc(*ret_n, t->size);
    }
    for (size_t i = 0; i < *ret_n; i++) {
        if (jtable_read(t, json_array_get(array, i), (char *)*ret + i * t->size, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void jtable_free_list(const struct jtable *t, void *take_items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        jtable_free(t, (char *)take_items + i * t->size);
    }
    cl_free(take_items);
}
