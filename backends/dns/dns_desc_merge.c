/* SPDX-License-Identifier: Apache-2.0 */
/* dns_desc_merge: `extends`: a description that says only where it differs. The mappings request, credentials,
 * ttl, limits and propagation are merged member by member; everything else is replaced as a whole,
 * a null removes. Another model takes the place of the one that was there. */
#include "backends/dns/dns_api_desc.h"
#include "spec/base/cl_alloc.h"

static struct yaml_node *clone(const struct yaml_node *n)
{
    struct yaml_node *c = cl_new(struct yaml_node);

    *c = *n;
    c->text = cl_strdup(n->text);
    c->cap = n->len;
    c->items = n->len > 0 ? cl_calloc(n->len, sizeof(struct yaml_node *)) : NULL;
    c->keys =
        n->len > 0 && n->kind == YAML_MAP ? cl_calloc(n->len, sizeof(struct yaml_node *)) : NULL;
    for (size_t i = 0; i < n->len; i++) {
        c->items[i] = clone(n->items[i]);
        if (c->keys != NULL) {
            c->keys[i] = clone(n->keys[i]);
        }
    }
    return c;
}

void dns_yaml_destroy(struct yaml_node *n)
{
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; n->items != NULL && i < n->len; i++) {
        dns_yaml_destroy(n->items[i]);
        if (n->kind == YAML_MAP) {
            dns_yaml_destroy(n->keys[i]);
        }
    }
    cl_free(n->items);
    cl_free(n->keys);
    cl_free(n->text);
    cl_free(n);
}

static void drop(struct yaml_node *map, const char *key)
{
    for (size_t i = 0; map->keys != NULL && i < map->len; i++) {
        if (cl_streq(map->keys[i]->text, key)) {
            dns_yaml_destroy(map->keys[i]);
            dns_yaml_destroy(map->items[i]);
            for (size_t k = i + 1; k < map->len; k++) {
                map->keys[k - 1] = map->keys[k];
                map->items[k - 1] = map->items[k];
            }
            map->len--;
            return;
        }
    }
}

static void put(struct yaml_node *map, const struct yaml_node *key, struct yaml_node *take_item)
{
    drop(map, key->text);
    map->items = cl_reallocarray(map->items, map->len + 1, sizeof(struct yaml_node *));
    map->keys = cl_reallocarray(map->keys, map->len + 1, sizeof(struct yaml_node *));
    map->keys[map->len] = clone(key);
    map->items[map->len++] = take_item;
    map->cap = map->len;
}

static bool one_of(const char *key, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (cl_streq(key, *words)) {
            return true;
        }
    }
    return false;
}

static void overlay(struct yaml_node *base, const struct yaml_node *child, bool top)
{
    static const char *const DEEP[] = {"request", "credentials", "ttl",
                                       "limits",  "propagation", NULL};
    static const char *const MODELS[] = {"records", "rrset", "delta", "zonefile", "slot", NULL};
    static const char *const OWN[] = {"extends", NULL};

    for (size_t i = 0; i < child->len; i++) {
        const struct yaml_node *key = child->keys[i];
        struct yaml_node *there = yaml_get(base, key->text);
        if (top && one_of(key->text, OWN)) {
            continue;
        }
        for (size_t m = 0; top && one_of(key->text, MODELS) && MODELS[m] != NULL; m++) {
            drop(base, MODELS[m]);
            there = NULL;
        }
        if (yaml_is_null(child->items[i])) {
            drop(base, key->text);
        } else if (top && one_of(key->text, DEEP) && there != NULL && there->kind == YAML_MAP &&
                   child->items[i]->kind == YAML_MAP) {
            overlay(there, child->items[i], false);
        } else {
            put(base, key, clone(child->items[i]));
        }
    }
}

struct yaml_node *dns_yaml_merge(const struct yaml_node *base, const struct yaml_node *child)
{
    struct yaml_node *merged = clone(base);

    drop(merged, "tested"); /* what was tested was the other one */
    overlay(merged, child, true);
    return merged;
}
