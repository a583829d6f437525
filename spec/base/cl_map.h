/* SPDX-License-Identifier: Apache-2.0 */
/* cl_map: string key -> pointer. Keys are copied; values are borrowed. Iteration order is
 * insertion order, so that runs are reproducible. Zeroed = empty. */
#ifndef CL_MAP_H
#define CL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cl_map_entry {
    char *key; /* NULL = removed */
    void *value;
    uint32_t hash;
};
struct cl_map {
    struct cl_map_entry *entries; /* in insertion order, with holes */
    size_t used;                  /* entries including holes */
    size_t count;                 /* live entries */
    size_t entries_cap;
    uint32_t *slots;
    size_t slots_cap;
    bool keep; /* set while empty: its keys stay (cl_keep) */
};
void cl_map_deinit(struct cl_map *m);
void *cl_map_get(const struct cl_map *m, const char *key); /* NULL if absent */
/** Sets key to value (not NULL) and returns the previous value or NULL. */
void *cl_map_set(struct cl_map *m, const char *key, void *value);
void *cl_map_remove(struct cl_map *m, const char *key); /* previous value or NULL */
/** Iteration: start with *i = 0; returns false at the end. Removing the current key is allowed. */
bool cl_map_next(const struct cl_map *m, size_t *i, const char **ret_key, void **ret_value);

#endif
