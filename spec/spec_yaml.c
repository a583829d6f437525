/* SPDX-License-Identifier: Apache-2.0 */
/* spec_yaml: see the header. Events of libyaml are turned into a tree by one recursive function,
 * bounded by depth and by number of nodes. Positions are libyaml's marks: a byte order mark and line
 * breaks that only YAML 1.1 knows are kept from it, so its lines and columns are the editor's. */
#include "spec/spec_yaml.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_map.h"
#include "spec/spec_utf8.h"
#include "spec/spec_yaml_hint.h"

#include <string.h>
#include <yaml.h>

#define KEY_MAX 512       /* bytes; libyaml itself stops at 1024 for simple keys */
#define KEYS_IN_A_ROW 12u /* up to here a mapping is searched without an index */

struct builder {
    yaml_parser_t parser;
    const char *text;
    struct yaml_limits limits;
    size_t nodes;
    bool complained; /* something is wrong, but parsing goes on */
    struct spec_problems *problems;
};

static struct yaml_node *build(struct builder *b, yaml_event_t *event, unsigned depth);

static void node_destroy(struct yaml_node *n)
{
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; i < n->len; i++) {
        if (n->keys != NULL) {
            node_destroy(n->keys[i]);
        }
        node_destroy(n->items[i]);
    }
    cl_free(n->keys);
    cl_free(n->items);
    cl_free(n->text);
    cl_free(n);
}

void yaml_documents_deinit(struct yaml_documents *d)
{
    for (size_t i = 0; i < d->len; i++) {
        node_destroy(d->items[i]);
    }
    cl_free(d->items);
    *d = (struct yaml_documents){0};
}

static void complain_at(struct builder *b, const yaml_mark_t *at, const char *text)
{
    spec_problems_add(b->problems, false, (unsigned)at->line + 1, (unsigned)at->column + 1, "%s",
                      text);
    b->complained = true;
}

/* libyaml gave up: say where and why, and what people usually mean. */
static void report_parser(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    char text[400];

    yaml_hint(b->text, p->problem != NULL ? p->problem : "unreadable",
              p->context != NULL ? p->context : "", p->problem_mark.line, text, sizeof(text));
    complain_at(b, &p->problem_mark, text);
}

/* The next event; false at an error, which is reported. */
static bool next_event(struct builder *b, yaml_event_t *ret)
{
    if (yaml_parser_parse(&b->parser, ret) == 1) {
        return true;
    }
    report_parser(b);
    return false;
}

static struct yaml_node *node_create(struct builder *b, const yaml_event_t *event, unsigned depth)
{
    if (depth > b->limits.depth) {
        complain_at(b, &event->start_mark, "nested too deeply");
        return NULL;
    }
    if (++b->nodes > b->limits.nodes) {
        complain_at(b, &event->start_mark, "too many values in one file; split it");
        return NULL;
    }
    struct yaml_node *n = cl_new(struct yaml_node);
    n->line = (unsigned)event->start_mark.line + 1;
    n->column = (unsigned)event->start_mark.column + 1;
    return n;
}

static void refuse_properties(struct builder *b, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL) {
        complain_at(b, &event->start_mark, "anchors (&name) are not accepted in a spec");
    }
    if (tag != NULL) {
        complain_at(b, &event->start_mark, "tags (!name) are not accepted in a spec");
    }
}

/* Escapes can produce what the file itself may not hold. */
static bool scalar_allowed(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_sequence(s + i, len - i, &code);

        if (n == 0 || !utf8_allowed(code)) {
            return false;
        }
        i += n;
    }
    return true;
}

static struct yaml_node *build_scalar(struct builder *b, const yaml_event_t *event, unsigned depth)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct yaml_node *n = node_create(b, event, depth);

    if (n == NULL) {
        return NULL;
    }
    refuse_properties(b, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (!scalar_allowed(value, len)) {
        complain_at(b, &event->start_mark, "the value holds a control character");
    }
    n->kind = YAML_SCALAR;
    n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->text = cl_strndup(value, len);
    return n;
}

static void append(struct yaml_node *parent, struct yaml_node *take_key,
                   struct yaml_node *take_item)
{
    if (parent->len == parent->cap) {
        parent->cap = parent->cap == 0 ? 4 : parent->cap * 2;
        parent->items = cl_reallocarray(parent->items, parent->cap, sizeof(parent->items[0]));
        if (parent->kind == YAML_MAP) {
            parent->keys = cl_reallocarray(parent->keys, parent->cap, sizeof(parent->keys[0]));
        }
    }
    if (parent->kind == YAML_MAP) {
        parent->keys[parent->len] = take_key;
    }
    parent->items[parent->len++] = take_item;
}

static struct yaml_node *find_key(const struct yaml_node *map, const struct cl_map *index,
                                  const char *key)
{
    return map->len <= KEYS_IN_A_ROW ? yaml_key(map, key) : cl_map_get(index, key);
}

/* Reports a key that cannot be one; the mapping goes on. */
static void check_key(struct builder *b, const struct yaml_node *map, const struct cl_map *index,
                      struct yaml_node *key)
{
    const struct yaml_node *first;

    b->complained |= key->kind != YAML_SCALAR;
    if (key->kind != YAML_SCALAR) {
        spec_problems_add(b->problems, false, key->line, key->column, "a key must be a string");
        key->text = cl_strdup(""); /* every key has a text */
        return;
    }
    if (strlen(key->text) > KEY_MAX) {
        spec_problems_add(b->problems, false, key->line, key->column, "the key is too long");
        b->complained = true;
        return;
    }
    first = find_key(map, index, key->text);
    if (first != NULL) {
        char text[CL_CLEAN_TEXT];

        spec_problems_add(b->problems, false, key->line, key->column,
                          "duplicate key %s, first given in line %u",
                          cl_clean(text, sizeof(text), key->text, strlen(key->text)), first->line);
        b->complained = true;
    }
}

static void index_keys(const struct yaml_node *map, struct cl_map *index)
{
    size_t from = map->len == KEYS_IN_A_ROW + 1 ? 0 : map->len - 1;

    for (size_t i = from; map->len > KEYS_IN_A_ROW && i < map->len; i++) {
        if (map->keys[i]->kind == YAML_SCALAR && cl_map_get(index, map->keys[i]->text) == NULL) {
            (void)cl_map_set(index, map->keys[i]->text, map->keys[i]);
        }
    }
}

/* Entries up to the end event. False if the tree cannot be finished. */
static bool build_members(struct builder *b, struct yaml_node *n, unsigned depth)
{
    struct cl_map index = {0};
    struct yaml_node *key = NULL;
    bool done = false;
    yaml_event_t event;

    while (!done && next_event(b, &event)) {
        if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            done = true;
            break;
        }
        struct yaml_node *item = build(b, &event, depth + 1);
        if (item == NULL) {
            break;
        }
        if (n->kind == YAML_LIST || key != NULL) {
            append(n, key, item);
            if (key != NULL) {
                index_keys(n, &index);
            }
            key = NULL;
        } else {
            check_key(b, n, &index, item);
            key = item;
        }
    }
    node_destroy(key);
    cl_map_deinit(&index);
    return done;
}

/* Consumes @event. NULL if there is no tree to go on with. */
static struct yaml_node *build(struct builder *b, yaml_event_t *event, unsigned depth)
{
    struct yaml_node *n = NULL;

    if (event->type == YAML_SCALAR_EVENT) {
        n = build_scalar(b, event, depth);
    } else if (event->type == YAML_ALIAS_EVENT) {
        complain_at(b, &event->start_mark,
                    "aliases (*name) are not accepted in a spec; a name that starts with * needs "
                    "quotes, as in \"*.example.com\"");
        n = node_create(b, event, depth);
        if (n != NULL) {
            n->text = cl_strdup("");
        }
    } else {
        n = node_create(b, event, depth);
        if (n != NULL && event->type == YAML_MAPPING_START_EVENT) {
            n->kind = YAML_MAP;
            refuse_properties(b, event, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag);
        } else if (n != NULL) {
            n->kind = YAML_LIST;
            refuse_properties(b, event, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag);
        }
        if (n != NULL && !build_members(b, n, depth)) {
            node_destroy(n);
            n = NULL;
        }
    }
    yaml_event_delete(event);
    return n;
}

static bool build_documents(struct builder *b, struct yaml_documents *ret)
{
    yaml_event_t event;
    bool end = false;

    while (!end && next_event(b, &event)) {
        yaml_event_type_t type = event.type;

        end = type == YAML_STREAM_END_EVENT;
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
            type == YAML_DOCUMENT_END_EVENT || end) {
            yaml_event_delete(&event);
            continue;
        }
        struct yaml_node *root = build(b, &event, 1);
        if (root == NULL) {
            return false;
        }
        if (yaml_is_null(root)) {
            node_destroy(root);
            continue;
        }
        ret->items = cl_reallocarray(ret->items, ret->len + 1, sizeof(ret->items[0]));
        ret->items[ret->len++] = root;
    }
    return end;
}

int yaml_parse(const char *text, size_t len, const struct yaml_limits *limits,
               struct yaml_documents *ret, struct spec_problems *problems)
{
    struct builder b = {.limits = *limits, .problems = problems};
    unsigned line = 0, column = 0;
    char why[120];

    *ret = (struct yaml_documents){0};
    if (len > limits->bytes) {
        spec_problems_add(problems, false, 1, 1, "the file is larger than %zu KiB",
                          limits->bytes / 1024);
        return -1;
    }
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        text += 3;
        len -= 3;
    }
    if (!utf8_check(text, len, &line, &column, why, sizeof(why))) {
        spec_problems_add(problems, false, line, column, "%s", why);
        return -1;
    }
    char *copy = cl_strndup(text, len); /* the hints read lines, so it must end */
    b.text = copy;
    int ok = yaml_parser_initialize(&b.parser);
    cl_assert(ok == 1);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)copy, len);
    bool whole = build_documents(&b, ret);
    yaml_parser_delete(&b.parser);
    cl_free(copy);
    if (!whole) {
        yaml_documents_deinit(ret);
        return -1;
    }
    return b.complained ? 1 : 0;
}

struct yaml_node *yaml_key(const struct yaml_node *n, const char *key)
{
    for (size_t i = 0; n != NULL && n->kind == YAML_MAP && i < n->len; i++) {
        if (n->keys[i]->kind == YAML_SCALAR && strcmp(n->keys[i]->text, key) == 0) {
            return n->keys[i];
        }
    }
    return NULL;
}

struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
    for (size_t i = 0; n != NULL && n->kind == YAML_MAP && i < n->len; i++) {
        if (n->keys[i]->kind == YAML_SCALAR && strcmp(n->keys[i]->text, key) == 0) {
            return yaml_is_null(n->items[i]) ? NULL : n->items[i];
        }
    }
    return NULL;
}
