/* SPDX-License-Identifier: Apache-2.0 */
/* cl_str: copying, comparing, formatting and suggesting. Encodings are in cl_encode.c, cleaning of
 * foreign text in cl_clean.c, vectors in cl_strv.c. */
#include "spec/base/cl_str.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

char *cl_strdup(const char *s)
{
    return s != NULL ? cl_strndup(s, strlen(s)) : NULL;
}

char *cl_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = cl_malloc(len + 1);

    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *cl_printf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    cl_assert(n >= 0);

    char *s = cl_malloc((size_t)n + 1);
    va_start(ap, fmt);
    (void)vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

bool cl_streq(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool cl_str_starts(const char *s, const char *prefix)
{
    return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool cl_str_ends(const char *s, const char *suffix)
{
    size_t len = s != NULL ? strlen(s) : 0;
    size_t n = strlen(suffix);

    return s != NULL && len >= n && memcmp(s + len - n, suffix, n) == 0;
}

bool cl_str_empty(const char *s)
{
    return s == NULL || *s == '\0';
}

const char *cl_str_or(const char *s, const char *otherwise)
{
    return cl_str_empty(s) ? otherwise : s;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char *cl_str_lower(char *s)
{
    for (char *p = s; *p != '\0'; p++) {
        *p = lower(*p);
    }
    return s;
}

/* Drops a UTF-8 sequence that a cut at the end of @s has left incomplete. */
static void drop_partial(char *s, size_t len)
{
    size_t tail = 0; /* continuation bytes at the end */

    while (tail < len && tail < 3 && ((unsigned char)s[len - 1 - tail] & 0xC0) == 0x80) {
        tail++;
    }
    if (tail == len) {
        return;
    }
    unsigned char lead = (unsigned char)s[len - 1 - tail];
    size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (want > tail) {
        s[len - 1 - tail] = '\0';
    }
}

int cl_formatv(char *buf, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(buf, size, fmt, ap);

    cl_assert(n >= 0 && size > 0);
    if ((size_t)n < size) {
        return 0;
    }
    drop_partial(buf, size - 1);
    return -1;
}

int cl_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int rc = cl_formatv(buf, size, fmt, ap);
    va_end(ap);
    return rc;
}

int cl_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (cl_str_empty(s)) {
        return -1;
    }
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value) || value > max) {
            return -1;
        }
    }
    *ret = value;
    return 0;
}

bool cl_mem_equal(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < len; i++) {
        difference |= (unsigned char)(x[i] ^ y[i]);
    }
    return difference == 0;
}

#define DISTANCE_MAX 255u

unsigned cl_str_distance(const char *a, const char *b)
{
    unsigned row[DISTANCE_MAX + 1]; /* of the matrix; row[j]: a[0..i) to b[0..j) */
    size_t la = strnlen(a, DISTANCE_MAX);
    size_t lb = strnlen(b, DISTANCE_MAX);

    if (la == DISTANCE_MAX || lb == DISTANCE_MAX) {
        return cl_streq(a, b) ? 0 : DISTANCE_MAX; /* not worth a look: nobody mistypes that */
    }
    for (size_t j = 0; j <= lb; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 0; i < la; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < lb; j++) {
            unsigned replaced = diagonal + (a[i] == b[j] ? 0u : 1u);
            unsigned shifted = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

            diagonal = row[j + 1];
            row[j + 1] = replaced < shifted ? replaced : shifted;
        }
    }
    return row[lb];
}

const char *cl_str_suggest(const char *s, const char *const *candidates)
{
    size_t len = strlen(s);
    unsigned best = (unsigned)(len < 4 ? 1 : len < 8 ? 2 : 3) + 1; /* typing slips, not synonyms */
    const char *found = NULL;

    for (; *candidates != NULL; candidates++) {
        if (strcasecmp(s, *candidates) == 0) {
            return *candidates;
        }
        unsigned d = cl_str_distance(s, *candidates);
        if (d < best && d < len) {
            best = d;
            found = *candidates;
        }
    }
    return found;
}
