/* SPDX-License-Identifier: Apache-2.0 */
/* cl_alloc: allocation that does not return on failure.
 *
 * The daemon is crash-only: every state on disk is safe to be killed in, so running out of memory
 * ends the process (exit 71, EX_OSERR) and the supervisor starts it again. The simulator replaces
 * the functions, fails the N-th call and checks that nothing is lost. */
#ifndef CL_ALLOC_H
#define CL_ALLOC_H

#include <stddef.h>

struct cl_alloc_funcs {
    void *(*realloc)(void *p, size_t size); /* p NULL: new; may return NULL */
    void (*free)(void *p);
    void (*failed)(size_t size); /* must not return */
};

/** Replaces the functions; NULL members keep the default. Before the first allocation only. */
void cl_alloc_set(const struct cl_alloc_funcs *funcs);

void *cl_malloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *cl_calloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *cl_realloc(void *p, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
/** n * size with overflow check; for arrays. */
void *cl_reallocarray(void *p, size_t n, size_t size)
    __attribute__((returns_nonnull, alloc_size(2, 3)));
void cl_free(void *p);

/** A zeroed object of type T. */
#define cl_new(T) ((T *)cl_calloc(1, sizeof(T)))

/* For small things that stay as long as an object is declared. They lie close together, apart from
 * the passing load: a string that stays behind amid the remains of an order would hold on to the
 * whole page. Freed by cl_free. On the loop's thread only. */
/** Zeroed. */
void *cl_keep(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
/** NULL for NULL. */
char *cl_keep_dup(const char *s);
#define cl_keep_new(T) ((T *)cl_keep(sizeof(T)))

#endif
