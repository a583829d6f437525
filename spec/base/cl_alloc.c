/* SPDX-License-Identifier: Apache-2.0 */
/* cl_alloc: allocation that does not return on failure. The function table is process-wide by
 * design (see the header); it is set once before the first allocation. */
#include "spec/base/cl_alloc.h"

#include "spec/base/cl_assert.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void fail_default(size_t size)
{
    /* A local array, not stdio on the heap: there may be no memory left for a stream buffer. */
    char line[96];
    int n = snprintf(line, sizeof(line), "certloop: out of memory (%zu bytes); exiting\n", size);

    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0) {
        /* nobody to tell; the exit code says it too */
    }
    _exit(EX_OSERR);
}

static struct cl_alloc_funcs active = {realloc, free, fail_default};

void cl_alloc_set(const struct cl_alloc_funcs *funcs)
{
    active.realloc = funcs->realloc != NULL ? funcs->realloc : realloc;
    active.free = funcs->free != NULL ? funcs->free : free;
    active.failed = funcs->failed != NULL ? funcs->failed : fail_default;
}

static void *need(void *old, size_t size)
{
    /* realloc(p, 0) may free p and return NULL; one byte keeps the meaning the same everywhere. */
    void *p = active.realloc(old, size != 0 ? size : 1);

    if (p == NULL) {
        active.failed(size);
        abort(); /* failed() must not return */
    }
    return p;
}

static size_t product(size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total)) {
        active.failed(SIZE_MAX);
        abort();
    }
    return total;
}

/* ---- what stays ---- */

/* One range of addresses, so that cl_free sees by a comparison what lies in it. Pages of it that were
 * never used cost nothing. A full range, larger things, replaced functions (the simulator) and
 * AddressSanitizer use the heap. */
#define KEEP_RANGE ((size_t)64 << 20)
#define KEEP_PAGE ((size_t)4096) /* holds blocks of one class */
#define KEEP_PAGES (KEEP_RANGE / KEEP_PAGE)
#define KEEP_STEP 16u /* a class: multiples of it */
#define KEEP_MAX 1024u

#if defined(__SANITIZE_ADDRESS__)
#    define KEEP_OFF 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define KEEP_OFF 1
#    endif
#endif
#ifndef KEEP_OFF
#    define KEEP_OFF 0
#endif

struct kept {
    struct kept *next;
};

static struct {
    char *start; /* NULL: not there yet, or not to be had */
    size_t pages;
    bool tried;
    struct kept *unused[KEEP_MAX / KEEP_STEP + 1];
    unsigned char class[KEEP_PAGES];
} keep;

static bool is_kept(const void *p)
{
    /* Other threads ask, too, about what is theirs: it never lies in the range. */
    uintptr_t start = (uintptr_t)__atomic_load_n(&keep.start, __ATOMIC_RELAXED);

    return start != 0 && (uintptr_t)p - start < KEEP_RANGE;
}

static void keep_push(size_t class, void *p)
{
    struct kept *k = p;

    k->next = keep.unused[class];
    keep.unused[class] = k;
}

static void keep_more(size_t class)
{
    size_t size = class * KEEP_STEP;

    if (!keep.tried) {
        char *range = calloc(1, KEEP_RANGE + KEEP_PAGE); /* address space, until it is touched */
        size_t skip = KEEP_PAGE - (uintptr_t)range % KEEP_PAGE;
        keep.tried = true;
        __atomic_store_n(&keep.start, range != NULL ? range + skip : NULL, __ATOMIC_RELAXED);
    }
    if (keep.start == NULL || keep.pages == KEEP_PAGES) {
        return;
    }
    keep.class[keep.pages] = (unsigned char)class;
    char *page = keep.start + keep.pages++ * KEEP_PAGE;
    for (size_t at = KEEP_PAGE / size * size; at > 0; at -= size) {
        keep_push(class, page + at - size); /* the first is taken first */
    }
}

static void *keep_block(size_t class)
{
    if (keep.unused[class] == NULL) {
        keep_more(class);
    }
    struct kept *k = keep.unused[class];
    if (k != NULL) {
        keep.unused[class] = k->next;
    }
    return k;
}

void *cl_keep(size_t size)
{
    size_t class = (size + KEEP_STEP - 1) / KEEP_STEP;
    bool fits = !KEEP_OFF && size > 0 && size <= KEEP_MAX && active.realloc == realloc;
    void *p = fits ? keep_block(class) : NULL;

    if (p == NULL) {
        return cl_calloc(1, size);
    }
    memset(p, 0, class * KEEP_STEP);
    return p;
}

char *cl_keep_dup(const char *s)
{
    if (s == NULL) {
        return NULL;
    }
    size_t size = strlen(s) + 1;
    char *copy = cl_keep(size);

    memcpy(copy, s, size);
    return copy;
}

static void keep_free(void *p)
{
    keep_push(keep.class[(size_t)((char *)p - keep.start) / KEEP_PAGE], p);
}

/* ---- what passes ---- */

void *cl_malloc(size_t size)
{
    return need(NULL, size);
}

void *cl_calloc(size_t n, size_t size)
{
    size_t total = product(n, size);
    void *p = need(NULL, total);

    memset(p, 0, total);
    return p;
}

void *cl_realloc(void *p, size_t size)
{
    cl_assert(!is_kept(p));
    return need(p, size);
}

void *cl_reallocarray(void *p, size_t n, size_t size)
{
    cl_assert(!is_kept(p));
    return need(p, product(n, size));
}

void cl_free(void *p)
{
    if (is_kept(p)) {
        keep_free(p);
    } else if (p != NULL) {
        active.free(p);
    }
}
