/* SPDX-License-Identifier: Apache-2.0 */
/* cl_map: entries in insertion order, found through a table of slots with linear probing. A slot
 * holds the entry's position + 1. A removed entry stays as a hole until the next rebuild, which
 * only cl_map_set does: so removing during an iteration is safe. */
#include "spec/base/cl_map.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define FIRST_SLOTS 16u

static uint32_t hash_key(const char *s)
{
    uint32_t h = UINT32_C(0x811C9DC5);

    for (; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * UINT32_C(0x01000193);
    }
    /* FNV is weak in the low bits, which pick the slot. */
    h ^= h >> 16;
    h *= UINT32_C(0x7FEB352D);
    return h ^ (h >> 15);
}

void cl_map_deinit(struct cl_map *m)
{
    for (size_t i = 0; i < m->used; i++) {
        cl_free(m->entries[i].key);
    }
    cl_free(m->entries);
    cl_free(m->slots);
    *m = (struct cl_map){0};
}

static struct cl_map_entry *find(const struct cl_map *m, const char *key, uint32_t hash)
{
    if (m->count == 0) {
        return NULL;
    }
    size_t mask = m->slots_cap - 1;
    for (size_t i = hash & mask; m->slots[i] != 0; i = (i + 1) & mask) {
        struct cl_map_entry *e = &m->entries[m->slots[i] - 1];

        if (e->hash == hash && e->key != NULL && strcmp(e->key, key) == 0) {
            return e;
        }
    }
    return NULL;
}

static void put_slot(struct cl_map *m, size_t entry)
{
    size_t mask = m->slots_cap - 1;
    size_t i = m->entries[entry].hash & mask;

    while (m->slots[i] != 0) {
        i = (i + 1) & mask;
    }
    m->slots[i] = (uint32_t)(entry + 1);
}

/* Squeezes the holes out and sizes both arrays for at least one more entry at load <= 1/2. */
static void rebuild(struct cl_map *m)
{
    size_t live = 0;

    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key != NULL) {
            m->entries[live++] = m->entries[i];
        }
    }
    cl_assert(live == m->count && live < UINT32_MAX / 4);
    m->used = live;

    size_t slots = FIRST_SLOTS;
    while (slots < 4 * (live + 1)) {
        slots *= 2;
    }
    if (slots != m->slots_cap) {
        cl_free(m->slots);
        m->slots = cl_calloc(slots, sizeof(m->slots[0]));
        m->slots_cap = slots;
        m->entries_cap = slots / 2;
        m->entries = cl_reallocarray(m->entries, m->entries_cap, sizeof(m->entries[0]));
    } else {
        memset(m->slots, 0, slots * sizeof(m->slots[0]));
    }
    for (size_t i = 0; i < live; i++) {
        put_slot(m, i);
    }
}

void *cl_map_get(const struct cl_map *m, const char *key)
{
    const struct cl_map_entry *e = m->count == 0 ? NULL : find(m, key, hash_key(key));

    return e != NULL ? e->value : NULL;
}

void *cl_map_set(struct cl_map *m, const char *key, void *value)
{
    uint32_t hash = hash_key(key);
    struct cl_map_entry *e = find(m, key, hash);

    cl_assert(value != NULL);
    if (e != NULL) {
        void *old = e->value;
        e->value = value;
        return old;
    }
    if (m->used == m->entries_cap) {
        rebuild(m);
    }
    m->entries[m->used] =
        (struct cl_map_entry){m->keep ? cl_keep_dup(key) : cl_strdup(key), value, hash};
    put_slot(m, m->used);
    m->used++;
    m->count++;
    return NULL;
}

void *cl_map_remove(struct cl_map *m, const char *key)
{
    struct cl_map_entry *e = find(m, key, hash_key(key));

    if (e == NULL) {
        return NULL;
    }
    void *old = e->value;
    cl_free(e->key); /* @key may be this very string: not used below */
    e->key = NULL;
    e->value = NULL;
    m->count--;
    return old;
}

bool cl_map_next(const struct cl_map *m, size_t *i, const char **ret_key, void **ret_value)
{
    while (*i < m->used) {
        const struct cl_map_entry *e = &m->entries[(*i)++];

        if (e->key != NULL) {
            if (ret_key != NULL) {
                *ret_key = e->key;
            }
            if (ret_value != NULL) {
                *ret_value = e->value;
            }
            return true;
        }
    }
    return false;
}
