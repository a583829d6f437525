/* SPDX-License-Identifier: Apache-2.0 */
/* spec_scalar: single values of the tables: strings, booleans, numbers, durations, words. Scalars are
 * strict: what is not a string by YAML 1.2 is not taken for one, so that a mode or a serial number
 * never changes on its way through another tool. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_decode.h"

#include <string.h>

/* The text of a scalar that is a string; borrowed. NULL: reported. */
static const char *string_of(const struct schema_context *c, const struct yaml_node *node,
                             const struct place *at, const char *expected)
{
    if (node->kind == YAML_SCALAR && yaml_scalar_type(node) == YAML_STRING) {
        return node->text;
    }
    if (node->kind == YAML_SCALAR && !yaml_is_null(node)) {
        decode_problem(c, false, node, at, "expected %s; write it in quotes: \"%s\"", expected,
                       node->text);
    } else {
        decode_problem(c, false, node, at, "expected %s", expected);
    }
    return NULL;
}

/* Lists the words, those not supported left out. */
static void unknown_word(const struct schema_context *c, const struct schema_word *words,
                         const struct yaml_node *node, const struct place *at)
{
    const char *names[40];
    struct cl_buf list;
    size_t n = 0;

    cl_buf_init(&list, 400);
    for (const struct schema_word *w = words; w->name != NULL; w++) {
        cl_assert(n + 1 < sizeof(names) / sizeof(names[0]));
        names[n++] = w->name;
        if (!w->unsupported) {
            (void)cl_buf_addf(&list, "%s%s", list.len > 0 ? ", " : "", w->name);
        }
    }
    names[n] = NULL;
    const char *near = cl_str_suggest(node->text, names);
    decode_problem(c, false, node, at, "\"%s\" is not one of %s%s%s%s", node->text,
                   cl_buf_str(&list), near != NULL ? "; did you mean " : "",
                   near != NULL ? near : "", near != NULL ? "?" : "");
    cl_buf_deinit(&list);
}

static const struct schema_word *find_word(const struct schema_word *words, const char *name)
{
    for (; words->name != NULL; words++) {
        if (strcmp(words->name, name) == 0) {
            return words;
        }
    }
    return NULL;
}

/* NULL: reported. */
static const struct schema_word *word_of(const struct schema_context *c,
                                         const struct schema_field *f, const struct yaml_node *node,
                                         const struct place *at)
{
    const char *text = string_of(c, node, at, "a string");
    const struct schema_word *word = text != NULL ? find_word(f->words, text) : NULL;

    if (text != NULL && word == NULL) {
        unknown_word(c, f->words, node, at);
    } else if (word != NULL && word->unsupported) {
        decode_problem(c, false, node, at, "%s is not supported by this version of certloop", text);
        return NULL;
    }
    return word;
}

char *decode_string(const struct schema_context *c, const struct schema_field *f,
                    const struct yaml_node *node, const struct place *at)
{
    const char *text = string_of(c, node, at, "a string");
    char why[300] = "";

    if (text == NULL) {
        return NULL;
    }
    if (f->words != NULL && find_word(f->words, text) == NULL) {
        unknown_word(c, f->words, node, at);
        return NULL;
    }
    if (f->value == NULL || *text == '\0') {
        return cl_strdup(text);
    }
    char *normal = f->value(text, why, sizeof(why));
    if (normal == NULL) {
        decode_problem(c, false, node, at, "%s", why);
    }
    return normal;
}

static void set_text(const struct schema_field *f, void *record, char *take_text)
{
    memcpy(schema_member(f, record), &take_text, sizeof(take_text));
}

void decode_text(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record)
{
    set_text(f, record, decode_string(c, f, node, at));
}

void decode_bool(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record)
{
    if (node->kind != YAML_SCALAR || yaml_scalar_type(node) != YAML_BOOL) {
        decode_problem(c, false, node, at, "expected true or false (YAML 1.2)");
        return;
    }
    *(bool *)schema_member(f, record) = yaml_is_true(node);
}

void decode_long(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record)
{
    uint64_t n = 0;
    bool is_int = node->kind == YAML_SCALAR && yaml_scalar_type(node) == YAML_INT;

    if (!is_int) {
        decode_problem(c, false, node, at, "expected a number%s",
                       node->kind == YAML_SCALAR && !node->plain ? " without quotes" : "");
        return;
    }
    if (cl_parse_u64(node->text, (uint64_t)f->max, &n) < 0 || (long)n < f->min) {
        decode_problem(c, false, node, at, "%s is not a number from %ld to %ld", node->text, f->min,
                       f->max);
        return;
    }
    long value = (long)n;
    memcpy(schema_member(f, record), &value, sizeof(value));
}

void decode_duration(const struct schema_context *c, const struct schema_field *f,
                     struct yaml_node *node, const struct place *at, void *record)
{
    cl_time d = 0;

    if (node->kind != YAML_SCALAR || yaml_scalar_type(node) != YAML_STRING ||
        cl_duration_parse(node->text, &d) < 0) {
        decode_problem(c, false, node, at, "expected a duration such as 90d, 2160h or 1h30m");
        return;
    }
    memcpy(schema_member(f, record), &d, sizeof(d));
}

static void set_word(const struct schema_field *f, void *record, unsigned value)
{
    if (f->size == sizeof(bool)) {
        *(bool *)schema_member(f, record) = value != 0;
    } else {
        memcpy(schema_member(f, record), &value, sizeof(value));
    }
}

void decode_word(const struct schema_context *c, const struct schema_field *f,
                 struct yaml_node *node, const struct place *at, void *record)
{
    const struct schema_word *word = word_of(c, f, node, at);

    if (word != NULL && f->size > 0) {
        set_word(f, record, word->value);
    }
}

void decode_flags(const struct schema_context *c, const struct schema_field *f,
                  struct yaml_node *node, const struct place *at, void *record)
{
    unsigned bits = 0;

    if (node->kind != YAML_LIST || node->len == 0) {
        decode_problem(c, false, node, at, "expected a list of words");
        return;
    }
    for (size_t i = 0; i < node->len; i++) {
        const struct place item = {at, NULL, i};
        const struct schema_word *word = word_of(c, f, node->items[i], &item);

        bits |= word != NULL ? word->value : 0;
    }
    memcpy(schema_member(f, record), &bits, sizeof(bits));
}

void decode_words(const struct schema_context *c, const struct schema_field *f,
                  struct yaml_node *node, const struct place *at, void *record)
{
    struct yaml_node *one[] = {node};
    bool is_list = node->kind == YAML_LIST;
    struct yaml_node **items = is_list ? node->items : one;
    size_t len = is_list ? node->len : 1, n = 0, room = f->size / sizeof(unsigned);
    unsigned values[16] = {0};

    cl_assert(room <= sizeof(values) / sizeof(values[0]));
    if (len == 0) {
        decode_problem(c, false, node, at, "must not be empty");
    }
    for (size_t i = 0; i < len; i++) {
        const struct place item = {at, NULL, i};
        const struct schema_word *word = word_of(c, f, items[i], is_list ? &item : at);
        bool repeated = false;

        for (size_t k = 0; word != NULL && k < n; k++) {
            repeated |= values[k] == word->value;
        }
        if (repeated) {
            decode_problem(c, false, items[i], &item, "%s is given twice", word->name);
        } else if (word != NULL && n < room) {
            values[n++] = word->value;
        }
    }
    memcpy(schema_member(f, record), values, f->size);
    memcpy((char *)record + f->count_offset, &n, sizeof(n));
}

/* ---- defaults ---- */

static void default_number(const struct schema_field *f, const char *def, void *record)
{
    uint64_t n = 0;
    cl_time d = 0;
    int rc;

    if (f->type == FIELD_LONG) {
        rc = cl_parse_u64(def, (uint64_t)f->max, &n);
        long value = (long)n;
        memcpy(schema_member(f, record), &value, sizeof(value));
    } else {
        rc = cl_duration_parse(def, &d);
        memcpy(schema_member(f, record), &d, sizeof(d));
    }
    cl_assert(rc == 0);
}

static void default_words(const struct schema_field *f, const char *def, void *record)
{
    struct cl_strv names = {0};
    unsigned bits = 0;

    cl_strv_split(&names, def, ",");
    cl_strv_for_each(name, &names) {
        const struct schema_word *word = find_word(f->words, name);

        cl_assert(word != NULL);
        bits |= word->value;
    }
    set_word(f, record, bits);
    cl_strv_deinit(&names);
}

void decode_default_value(const struct schema_field *f, const char *def, void *record)
{
    switch (f->type) {
    case FIELD_TEXT:
        set_text(f, record, cl_strdup(def));
        return;
    case FIELD_BOOL:
        *(bool *)schema_member(f, record) = cl_streq(def, "true");
        return;
    case FIELD_LONG:
    case FIELD_DURATION:
        default_number(f, def, record);
        return;
    case FIELD_WORD:
    case FIELD_FLAGS:
        default_words(f, def, record);
        return;
    case FIELD_STRV:
        cl_strv_split(schema_member(f, record), def, ",");
        return;
    case FIELD_MAP:
    case FIELD_WORDS:
    case FIELD_STRUCT:
    case FIELD_LIST:
    case FIELD_KEYED:
    case FIELD_ANY:
        break;
    }
    cl_impossible("a default for a composite field");
}
