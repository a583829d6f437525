/* SPDX-License-Identifier: Apache-2.0 */
/* spec_decode: trees -> records through the tables. All problems of a tree are reported, each with
 * the path and the position of the value that it is about. Single values are in spec_scalar.c. */
#include "spec/spec_decode.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 64 /* of one table */
#define TEXT_MAX 600

static void decode_record(const struct schema_context *c, const struct schema *schema,
                          struct yaml_node *node, const struct place *at, void *record);
static void decode_fields(const struct schema_context *c, const struct schema *schema,
                          struct yaml_node *map, const struct place *at, void *record);

/* ---- places ---- */

static void add_place(struct cl_buf *b, const struct place *p)
{
    if (p->up != NULL) {
        add_place(b, p->up);
    }
    if (p->key == NULL) {
        (void)cl_buf_addf(b, "[%zu]", p->index);
    } else if (strpbrk(p->key, ".[ ") != NULL && p->up != NULL) {
        (void)cl_buf_addf(b, "[\"%s\"]", p->key);
    } else {
        (void)cl_buf_addf(b, "%s%s", p->up != NULL ? "." : "", p->key);
    }
}

void decode_problem(const struct schema_context *c, bool warning, const struct yaml_node *node,
                    const struct place *at, const char *fmt, ...)
{
    struct cl_buf path;
    char text[TEXT_MAX];
    va_list ap;

    cl_buf_init(&path, (size_t)1 << 16);
    add_place(&path, at);
    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof(text), fmt, ap);
    va_end(ap);
    spec_problems_add(c->problems, warning, node->line, node->column, "%s: %s", cl_buf_str(&path),
                      text);
    cl_buf_deinit(&path);
}

/* ---- composite values ---- */

static bool expect(const struct schema_context *c, const struct yaml_node *node,
                   enum yaml_kind kind, const struct place *at, const char *what)
{
    if (node->kind == kind) {
        return true;
    }
    decode_problem(c, false, node, at, "expected %s", what);
    return false;
}

static void decode_strv(const struct schema_context *c, const struct schema_field *f,
                        struct yaml_node *node, const struct place *at, void *record)
{
    struct cl_strv *v = schema_member(f, record);

    if (!expect(c, node, YAML_LIST, at, "a list of strings")) {
        return;
    }
    for (size_t i = 0; i < node->len; i++) {
        const struct place item = {at, NULL, i};
        char *text = decode_string(c, f, node->items[i], &item);

        if (text != NULL && *text == '\0') {
            decode_problem(c, false, node->items[i], &item, "must not be empty");
            cl_free(text);
        } else if (text != NULL) {
            cl_strv_take(v, text);
        }
    }
    if ((f->flags & FIELD_SET) != 0) {
        cl_strv_dedupe(v);
    }
}

static int compare_pairs(const void *a, const void *b)
{
    const struct string_pair *x = a, *y = b;

    return strcmp(x->key, y->key);
}

static void decode_map(const struct schema_context *c, const struct schema_field *f,
                       struct yaml_node *node, const struct place *at, void *record)
{
    struct string_map *m = schema_member(f, record);

    if (!expect(c, node, YAML_MAP, at, "a mapping of strings") || node->len == 0) {
        return;
    }
    m->items = cl_calloc(node->len, sizeof(m->items[0]));
    for (size_t i = 0; i < node->len; i++) {
        const struct place item = {at, node->keys[i]->text, 0};
        char *text = decode_string(c, f, node->items[i], &item);

        if (text != NULL) {
            m->items[m->len].key = cl_strdup(node->keys[i]->text);
            m->items[m->len++].value = text;
        }
    }
    qsort(m->items, m->len, sizeof(m->items[0]), compare_pairs);
}

/* Reserves room for @n records; returns the first. */
static char *make_list(const struct schema_field *f, void *record, size_t n)
{
    char *list = n > 0 ? cl_calloc(n, f->sub->size) : NULL;

    memcpy(schema_member(f, record), &list, sizeof(list));
    memcpy((char *)record + f->count_offset, &n, sizeof(n));
    return list;
}

static void decode_list(const struct schema_context *c, const struct schema_field *f,
                        struct yaml_node *node, const struct place *at, void *record)
{
    if ((f->flags & FIELD_ONE) != 0 && node->kind != YAML_LIST) {
        const struct place item = {at, NULL, 0};

        decode_record(c, f->sub, node, &item, make_list(f, record, 1));
        return;
    }
    if (!expect(c, node, YAML_LIST, at, "a list")) {
        return;
    }
    char *list = make_list(f, record, node->len);
    for (size_t i = 0; i < node->len; i++) {
        const struct place item = {at, NULL, i};

        decode_record(c, f->sub, node->items[i], &item, list + i * f->sub->size);
    }
}

/* A mapping's entries in the order of their keys. */
struct entry {
    struct yaml_node *key, *value;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return strcmp(x->key->text, y->key->text);
}

static void decode_entry(const struct schema_context *c, const struct schema *sub,
                         const struct entry *e, const struct place *at, void *record)
{
    const struct place item = {at, e->key->text, 0};
    char why[200] = "";
    char *key = sub->key_value(e->key->text, why, sizeof(why));

    if (key == NULL) {
        decode_problem(c, false, e->key, &item, "%s", why);
        return;
    }
    memcpy((char *)record + sub->key_offset, &key, sizeof(key));
    decode_record(c, sub, e->value, &item, record);
}

static void decode_keyed(const struct schema_context *c, const struct schema_field *f,
                         struct yaml_node *node, const struct place *at, void *record)
{
    if (!expect(c, node, YAML_MAP, at, "a mapping") || node->len == 0) {
        return;
    }
    struct entry *entries = cl_calloc(node->len, sizeof(*entries));
    char *list = make_list(f, record, node->len);
    for (size_t i = 0; i < node->len; i++) {
        entries[i] = (struct entry){node->keys[i], node->items[i]};
    }
    qsort(entries, node->len, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < node->len; i++) {
        decode_entry(c, f->sub, &entries[i], at, list + i * f->sub->size);
    }
    cl_free(entries);
}

static void set_tag(const struct schema_field *f, void *record)
{
    char *member = (char *)record + f->tag_offset;

    if (f->tag_size == sizeof(bool)) {
        *(bool *)member = true;
    } else if (f->tag_size > 0) {
        memcpy(member, &f->tag, sizeof(f->tag));
    }
}

static void decode_struct(const struct schema_context *c, const struct schema_field *f,
                          struct yaml_node *node, const struct place *at, void *record)
{
    bool boolean =
        f->tag_size > 0 && node->kind == YAML_SCALAR && yaml_scalar_type(node) == YAML_BOOL;

    if (boolean && !yaml_is_true(node)) {
        return; /* "generate: false" is as if it were not there */
    }
    set_tag(f, record);
    if (boolean) {
        decode_fields(c, f->sub, NULL, at, schema_member(f, record));
        return;
    }
    decode_record(c, f->sub, node, at, schema_member(f, record));
}

typedef void decode_fn(const struct schema_context *c, const struct schema_field *f,
                       struct yaml_node *node, const struct place *at, void *record);
static decode_fn *const DECODE[] = {
    [FIELD_TEXT] = decode_text,   [FIELD_BOOL] = decode_bool,
    [FIELD_LONG] = decode_long,   [FIELD_DURATION] = decode_duration,
    [FIELD_WORD] = decode_word,   [FIELD_FLAGS] = decode_flags,
    [FIELD_STRV] = decode_strv,   [FIELD_MAP] = decode_map,
    [FIELD_WORDS] = decode_words, [FIELD_STRUCT] = decode_struct,
    [FIELD_LIST] = decode_list,   [FIELD_KEYED] = decode_keyed,
    [FIELD_ANY] = NULL,
};

/* ---- fields ---- */

/* false, "", [] and {} ask for what is done anyway. */
static bool asks_nothing(const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR) {
        return node->len == 0;
    }
    if (yaml_scalar_type(node) == YAML_BOOL) {
        return !yaml_is_true(node);
    }
    return *node->text == '\0';
}

/* Flags that end the matter. */
static bool decided_by_flags(const struct schema_context *c, const struct schema_field *f,
                             const struct yaml_node *key, const struct yaml_node *node,
                             const struct place *at)
{
    if ((f->flags & FIELD_REFUSED) != 0 ||
        ((f->flags & FIELD_COMPAT) != 0 && c->api != SPEC_API_CERT_MANAGER) ||
        ((f->flags & FIELD_CONFIG) != 0 && c->kind != SPEC_CONFIGURATION)) {
        decode_problem(c, false, key, at, "%s", f->doc);
        return true;
    }
    if ((f->flags & FIELD_UNSUPPORTED) != 0) {
        if (!asks_nothing(node)) {
            decode_problem(c, false, key, at, "not supported by this version of certloop");
        }
        return true;
    }
    if ((f->flags & FIELD_WARN) != 0) {
        decode_problem(c, true, key, at, "%s", f->doc);
        return true;
    }
    return (f->flags & FIELD_IGNORED) != 0;
}

static const struct schema_field *find_field(const struct schema *schema, const char *key)
{
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if (strcmp(f->key, key) == 0 || (f->alias != NULL && strcmp(f->alias, key) == 0)) {
            return f;
        }
    }
    return NULL;
}

static void unknown_key(const struct schema_context *c, const struct schema *schema,
                        const struct yaml_node *key, const struct place *at)
{
    const char *keys[FIELDS_MAX + 1];
    size_t n = 0;

    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if ((f->flags & (FIELD_IGNORED | FIELD_REFUSED)) == 0) {
            keys[n++] = f->key;
        }
    }
    keys[n] = NULL;
    const char *near = cl_str_suggest(key->text, keys);
    decode_problem(c, false, key, at, "unknown field%s%s%s", near != NULL ? "; did you mean " : "",
                   near != NULL ? near : "", near != NULL ? "?" : "");
}

/* An absent field. */
static void decode_default(const struct schema_context *c, const struct schema_field *f,
                           const struct yaml_node *map, const struct place *at, void *record)
{
    const char *def =
        c->api == SPEC_API_CERT_MANAGER && f->def_compat != NULL ? f->def_compat : f->def;

    if ((f->flags & FIELD_REQUIRED) != 0 && map != NULL) {
        decode_problem(c, false, map, at, "required");
    } else if (f->type == FIELD_STRUCT && f->sub != NULL && f->tag_size == 0 &&
               (f->flags & (FIELD_OPTIONAL | FIELD_UNSUPPORTED | FIELD_WARN)) == 0) {
        decode_fields(c, f->sub, NULL, at, schema_member(f, record));
    } else if (def != NULL && f->size > 0) {
        decode_default_value(f, def, record);
    }
}

/* A mapping on its way into a record. */
struct mapping {
    const struct schema_context *c;
    const struct schema *schema;
    const struct place *at;
    void *record;
    uint64_t seen; /* a bit for each field that was decoded */
};

static void decode_key(struct mapping *m, struct yaml_node *key, struct yaml_node *value)
{
    const struct schema_field *f = find_field(m->schema, key->text);
    const struct place here = {m->at, key->text, 0};

    if (f == NULL) {
        unknown_key(m->c, m->schema, key, &here);
        return;
    }
    if (yaml_is_null(value) && (f->flags & FIELD_REFUSED) == 0) {
        return;
    }
    uint64_t bit = UINT64_C(1) << (size_t)(f - m->schema->fields);
    if ((m->seen & bit) != 0) {
        if (f->alias != NULL) { /* else a duplicate key, which the parser reported */
            decode_problem(m->c, false, key, &here, "given twice: %s and %s are the same", f->key,
                           f->alias);
        }
        return;
    }
    bool empty = f->type == FIELD_TEXT && value->kind == YAML_SCALAR && *value->text == '\0';
    if (!decided_by_flags(m->c, f, key, value, &here) && !empty) {
        m->seen |= bit;
        DECODE[f->type](m->c, f, value, &here, m->record);
    }
    if (strcmp(key->text, f->key) != 0) { /* an alias: later rules look for the key */
        cl_free(key->text);
        key->text = cl_strdup(f->key);
    }
}

static void decode_fields(const struct schema_context *c, const struct schema *schema,
                          struct yaml_node *map, const struct place *at, void *record)
{
    struct mapping m = {.c = c, .schema = schema, .at = at, .record = record};

    for (size_t i = 0; map != NULL && i < map->len; i++) {
        if (map->keys[i]->kind == YAML_SCALAR) { /* else reported by the parser */
            decode_key(&m, map->keys[i], map->items[i]);
        }
    }
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        size_t index = (size_t)(f - schema->fields);
        const struct place here = {at, f->key, 0};

        cl_assert(index < FIELDS_MAX);
        if ((m.seen & UINT64_C(1) << index) == 0) {
            decode_default(c, f, map, &here, record);
        }
    }
}

static void decode_record(const struct schema_context *c, const struct schema *schema,
                          struct yaml_node *node, const struct place *at, void *record)
{
    const char *brief = node->kind == YAML_SCALAR ? schema->short_scalar
                        : node->kind == YAML_LIST ? schema->short_list
                                                  : NULL;

    if (brief != NULL && !yaml_is_null(node)) {
        const struct schema_field *f = find_field(schema, brief);

        decode_fields(c, schema, NULL, at, record);
        DECODE[f->type](c, f, node, at, record);
        return;
    }
    bool is_map = expect(c, node, YAML_MAP, at, "a mapping");
    decode_fields(c, schema, is_map ? node : NULL, at, record);
}

void schema_decode(const struct schema_context *context, const struct schema *schema,
                   struct yaml_node *node, const char *path, void *record)
{
    const struct place root = {NULL, path, 0};

    decode_record(context, schema, node, &root, record);
}
