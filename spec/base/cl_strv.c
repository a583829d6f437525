/* SPDX-License-Identifier: Apache-2.0 */
/* cl_strv: a vector of owned strings; also used as a set of names, where order does not count. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_map.h"
#include "spec/base/cl_str.h"

#include <stdlib.h>
#include <string.h>

void cl_strv_deinit(struct cl_strv *v)
{
    for (size_t i = 0; i < v->len; i++) {
        cl_free(v->items[i]);
    }
    cl_free(v->items);
    *v = (struct cl_strv){0};
}

void cl_strv_add(struct cl_strv *v, const char *s)
{
    cl_strv_take(v, cl_strdup(s));
}

void cl_strv_take(struct cl_strv *v, char *take_s)
{
    if (v->len == v->cap) {
        v->cap = v->cap == 0 ? 4 : v->cap * 2;
        v->items = cl_reallocarray(v->items, v->cap, sizeof(v->items[0]));
    }
    v->items[v->len++] = take_s;
}

bool cl_strv_has(const struct cl_strv *v, const char *s)
{
    for (size_t i = 0; i < v->len; i++) {
        if (strcmp(v->items[i], s) == 0) {
            return true;
        }
    }
    return false;
}

void cl_strv_remove(struct cl_strv *v, const char *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < v->len; i++) {
        if (cl_streq(v->items[i], s)) {
            cl_free(v->items[i]);
        } else {
            v->items[kept++] = v->items[i];
        }
    }
    v->len = kept;
}

void cl_strv_copy(struct cl_strv *dst, const struct cl_strv *src)
{
    *dst = (struct cl_strv){0};
    if (src->len > 0) {
        dst->items = cl_reallocarray(NULL, src->len, sizeof(dst->items[0]));
        dst->cap = src->len;
    }
    for (size_t i = 0; i < src->len; i++) {
        dst->items[dst->len++] = cl_strdup(src->items[i]);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void cl_strv_sort(struct cl_strv *v)
{
    if (v->len > 1) {
        qsort(v->items, v->len, sizeof(v->items[0]), compare);
    }
}

void cl_strv_dedupe(struct cl_strv *v)
{
    struct cl_map seen = {0};
    size_t kept = 0;

    for (size_t i = 0; i < v->len; i++) {
        if (cl_map_set(&seen, v->items[i], v) != NULL) {
            cl_free(v->items[i]);
        } else {
            v->items[kept++] = v->items[i];
        }
    }
    v->len = kept;
    cl_map_deinit(&seen);
}

bool cl_strv_equal(const struct cl_strv *a, const struct cl_strv *b)
{
    if (a->len != b->len) {
        return false;
    }
    for (size_t i = 0; i < a->len; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool cl_strv_equal_set(const struct cl_strv *a, const struct cl_strv *b)
{
    struct cl_strv x;
    struct cl_strv y;

    if (cl_strv_equal(a, b)) {
        return true;
    }
    cl_strv_copy(&x, a);
    cl_strv_copy(&y, b);
    cl_strv_dedupe(&x);
    cl_strv_dedupe(&y);
    cl_strv_sort(&x);
    cl_strv_sort(&y);
    bool equal = cl_strv_equal(&x, &y);
    cl_strv_deinit(&x);
    cl_strv_deinit(&y);
    return equal;
}

char *cl_strv_join(const struct cl_strv *v, const char *separator)
{
    size_t separator_len = strlen(separator);
    size_t total = 1;

    for (size_t i = 0; i < v->len; i++) {
        total += strlen(v->items[i]) + separator_len;
    }
    char *text = cl_malloc(total);
    char *end = text;
    for (size_t i = 0; i < v->len; i++) {
        if (i > 0) {
            memcpy(end, separator, separator_len);
            end += separator_len;
        }
        size_t len = strlen(v->items[i]);
        memcpy(end, v->items[i], len);
        end += len;
    }
    *end = '\0';
    return text;
}

void cl_strv_split(struct cl_strv *v, const char *s, const char *separators)
{
    while (*s != '\0') {
        size_t n = strcspn(s, separators);

        if (n > 0) {
            cl_strv_take(v, cl_strndup(s, n));
        }
        s += n + (s[n] != '\0' ? 1 : 0);
    }
}
