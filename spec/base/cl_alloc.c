/* SPDX-License-Identifier: Apache-2.0 */
/* cl_alloc: allocation that does not return on failure. The function table is process-wide by
 * design (see the header); it is set once before the first allocation. */
#include "spec/base/cl_alloc.h"

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
    return need(p, size);
}

void *cl_reallocarray(void *p, size_t n, size_t size)
{
    return need(p, product(n, size));
}

void cl_free(void *p)
{
    if (p != NULL) {
        active.free(p);
    }
}
