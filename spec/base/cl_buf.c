/* SPDX-License-Identifier: Apache-2.0 */
/* cl_buf: a growing byte buffer with a mandatory maximum. Capacity doubles; a secret buffer never
 * uses realloc, which could leave a copy behind. */
#include "spec/base/cl_buf.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <stdio.h>
#include <string.h>

#define FIRST_CAP 64u

void cl_wipe(void *p, size_t len)
{
    if (len > 0) {
        explicit_bzero(p, len);
    }
}

void cl_free_secret(char *s)
{
    if (s != NULL) {
        cl_wipe(s, strlen(s));
        cl_free(s);
    }
}

void cl_buf_init(struct cl_buf *b, size_t max)
{
    *b = (struct cl_buf){.max = max};
}

void cl_buf_init_secret(struct cl_buf *b, size_t max)
{
    *b = (struct cl_buf){.max = max, .secret = true};
}

static void release(struct cl_buf *b)
{
    if (b->secret && b->data != NULL) {
        cl_wipe(b->data, b->cap);
    }
    cl_free(b->data);
}

void cl_buf_deinit(struct cl_buf *b)
{
    release(b);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}

void cl_buf_reset(struct cl_buf *b)
{
    if (b->data != NULL) {
        if (b->secret) {
            cl_wipe(b->data, b->cap);
        }
        b->data[0] = '\0';
    }
    b->len = 0;
}

/* Makes room for @more bytes and a NUL. */
static int reserve(struct cl_buf *b, size_t more)
{
    if (more > b->max || b->len > b->max - more) {
        return -1;
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap) {
        return 0;
    }
    size_t cap = b->cap < FIRST_CAP / 2 ? FIRST_CAP : b->cap * 2;
    if (cap < need) {
        cap = need;
    }
    if (cap - 1 > b->max) {
        cap = b->max + 1; /* >= need, as len + more <= max */
    }
    if (b->secret) {
        char *fresh = cl_malloc(cap);

        if (b->data != NULL) {
            memcpy(fresh, b->data, b->len);
        }
        release(b);
        b->data = fresh;
    } else {
        b->data = cl_realloc(b->data, cap);
    }
    b->cap = cap;
    return 0;
}

void cl_buf_reserve(struct cl_buf *b, size_t len)
{
    (void)reserve(b, len < b->max - b->len ? len : b->max - b->len);
}

int cl_buf_add(struct cl_buf *b, const void *data, size_t len)
{
    if (reserve(b, len) < 0) {
        return -1;
    }
    if (len > 0) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int cl_buf_adds(struct cl_buf *b, const char *s)
{
    return cl_buf_add(b, s, strlen(s));
}

int cl_buf_addf(struct cl_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int rc = cl_buf_addv(b, fmt, ap);
    va_end(ap);
    return rc;
}

int cl_buf_addv(struct cl_buf *b, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    cl_assert(n >= 0);
    if (reserve(b, (size_t)n) < 0) {
        return -1;
    }
    (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return 0;
}

char *cl_buf_take(struct cl_buf *b)
{
    char *data = b->data;

    b->data = NULL;
    b->len = 0;
    b->cap = 0;
    return data != NULL ? data : cl_strdup("");
}

const char *cl_buf_str(const struct cl_buf *b)
{
    return b->data != NULL ? b->data : "";
}
