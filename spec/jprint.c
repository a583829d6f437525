/* SPDX-License-Identifier: Apache-2.0 */
/* jprint: JSON values as text, in jansson's own layout. Printing status and memory is a good part of
 * what a pass costs, and jansson hands out its text in pieces of one or two bytes. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"
#include "spec/jfield.h"

#include <stdlib.h>
#include <string.h>

#define PRINT_MAX ((size_t)64 << 20)
#define INDENT_MASK 0x1FU /* the lower bits of jansson's flags */

struct printer {
    struct cl_buf text;
    size_t indent; /* columns for each level; 0 = all on one line */
    bool compact, sorted;
};

static void print_value(struct printer *p, const json_t *v, size_t depth);

/* For iterating, which changes nothing, but asks for it. */
static json_t *mutable(const json_t *v)
{
    json_t *same;
    memcpy(&same, &v, sizeof(same));
    return same;
}

static void put(struct printer *p, const char *s, size_t len)
{
    int rc = cl_buf_add(&p->text, s, len);
    cl_assert(rc == 0);
}

static void new_line(struct printer *p, size_t depth)
{
    static const char SPACES[] = "                                ";

    put(p, "\n", 1);
    for (size_t left = p->indent * depth; left > 0;) {
        size_t n = left < sizeof(SPACES) - 1 ? left : sizeof(SPACES) - 1;
        put(p, SPACES, n);
        left -= n;
    }
}

/* Before a member: what parts it from the one before, or from the bracket. */
static void separate(struct printer *p, bool first, size_t depth)
{
    if (!first) {
        put(p, ",", 1);
    }
    if (p->indent > 0) {
        new_line(p, depth);
    } else if (!first && !p->compact) {
        put(p, " ", 1);
    }
}

static void print_escape(struct printer *p, unsigned char c)
{
    static const char SHORT[] = "\"\\\b\f\n\r\t";
    static const char LETTERS[] = "\"\\bfnrt";
    const char *at = memchr(SHORT, c, sizeof(SHORT) - 1);
    char text[8] = {'\\'};

    if (at != NULL) {
        text[1] = LETTERS[at - SHORT];
        put(p, text, 2);
    } else {
        (void)cl_format(text, sizeof(text), "\\u%04X", c);
        put(p, text, 6);
    }
}

static void print_string(struct printer *p, const char *s, size_t len)
{
    size_t from = 0;

    put(p, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            put(p, s + from, i - from);
            print_escape(p, c);
            from = i + 1;
        }
    }
    put(p, s + from, len - from);
    put(p, "\"", 1);
}

static void print_array(struct printer *p, const json_t *v, size_t depth)
{
    size_t n = json_array_size(v);

    put(p, "[", 1);
    for (size_t i = 0; i < n; i++) {
        separate(p, i == 0, depth + 1);
        print_value(p, json_array_get(v, i), depth + 1);
    }
    if (n > 0 && p->indent > 0) {
        new_line(p, depth);
    }
    put(p, "]", 1);
}

static int by_key(const void *a, const void *b)
{
    const char *x = *(const char *const *)a;
    const char *y = *(const char *const *)b;
    return strcmp(x, y);
}

static void print_member(struct printer *p, const char *key, const json_t *v, bool first,
                         size_t depth)
{
    separate(p, first, depth + 1);
    print_string(p, key, strlen(key));
    put(p, ": ", p->compact ? 1 : 2);
    print_value(p, v, depth + 1);
}

static void print_sorted(struct printer *p, const json_t *v, size_t depth)
{
    size_t n = json_object_size(v);
    const char **keys = cl_calloc(n, sizeof(*keys));
    const char *key;
    json_t *member;
    size_t used = 0;

    json_object_foreach(mutable(v), key, member)
    {
        keys[used++] = key;
    }
    qsort(keys, n, sizeof(*keys), by_key);
    for (size_t i = 0; i < n; i++) {
        print_member(p, keys[i], json_object_get(v, keys[i]), i == 0, depth);
    }
    cl_free(keys);
}

static void print_object(struct printer *p, const json_t *v, size_t depth)
{
    size_t n = json_object_size(v);
    const char *key;
    json_t *member;
    bool first = true;

    put(p, "{", 1);
    if (p->sorted && n > 1) {
        print_sorted(p, v, depth);
    } else {
        json_object_foreach(mutable(v), key, member)
        {
            print_member(p, key, member, first, depth);
            first = false;
        }
    }
    if (n > 0 && p->indent > 0) {
        new_line(p, depth);
    }
    put(p, "}", 1);
}

static void print_number(struct printer *p, const json_t *v)
{
    char text[64];
    size_t len = json_dumpb(v, text, sizeof(text), JSON_ENCODE_ANY);

    cl_assert(len > 0 && len <= sizeof(text));
    put(p, text, len);
}

static void print_value(struct printer *p, const json_t *v, size_t depth)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        print_object(p, v, depth);
        break;
    case JSON_ARRAY:
        print_array(p, v, depth);
        break;
    case JSON_STRING:
        print_string(p, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        print_number(p, v);
        break;
    case JSON_TRUE:
        put(p, "true", 4);
        break;
    case JSON_FALSE:
        put(p, "false", 5);
        break;
    case JSON_NULL:
        put(p, "null", 4);
        break;
    }
}

char *json_print(const json_t *o, size_t flags, bool newline)
{
    struct printer p = {
        .indent = flags & INDENT_MASK,
        .compact = (flags & JSON_COMPACT) != 0,
        .sorted = (flags & JSON_SORT_KEYS) != 0,
    };

    cl_buf_init(&p.text, PRINT_MAX);
    print_value(&p, o, 0);
    if (newline) {
        put(&p, "\n", 1);
    }
    return cl_buf_take(&p.text);
}
