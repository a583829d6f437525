/* SPDX-License-Identifier: Apache-2.0 */
/* dns_where: predicates. Everything is compared as text, since one API says 1 where the next says "1". */
#include "backends/dns/lang/dns_where.h"

#include "spec/base/cl_alloc.h"

struct dns_where *dns_where_compile(const struct yaml_node *node, struct spec_problems *problems)
{
    struct dns_where *w = NULL;
    bool good = true;

    if (node->kind != YAML_MAP || node->len == 0) {
        spec_problems_add(problems, false, node->line, node->column,
                          "expected a mapping of paths to values, as {status: ok}");
        return NULL;
    }
    w = cl_new(struct dns_where);
    w->line = node->line;
    w->column = node->column;
    w->paths = cl_calloc(node->len, sizeof *w->paths);
    w->expected = cl_calloc(node->len, sizeof(struct dns_tpl *));
    w->len = node->len;
    for (size_t i = 0; i < node->len; i++) {
        cl_strv_split(&w->paths[i], node->keys[i]->text, ".");
        w->expected[i] = dns_tpl_compile(node->items[i], problems);
        good = good && w->expected[i] != NULL;
    }
    if (!good) {
        dns_where_destroy(w);
        return NULL;
    }
    return w;
}

void dns_where_destroy(struct dns_where *w)
{
    if (w == NULL) {
        return;
    }
    for (size_t i = 0; i < w->len; i++) {
        cl_strv_deinit(&w->paths[i]);
        dns_tpl_destroy(w->expected[i]);
    }
    cl_free(w->paths);
    cl_free(w->expected);
    cl_free(w);
}

static struct dns_value follow(const struct dns_value *from, const struct cl_strv *path)
{
    struct dns_value at = dns_value_copy(from);

    for (size_t i = 0; i < path->len; i++) {
        struct dns_value key = dns_value_text(path->items[i]);
        struct dns_value next = dns_value_get(&at, &key);
        dns_value_deinit(&key);
        dns_value_deinit(&at);
        at = next;
    }
    return at;
}

static bool is_one_of(const struct dns_value *got, const struct dns_value *wanted)
{
    if (!json_is_array(wanted->json)) {
        return dns_value_same(got, wanted);
    }
    for (size_t i = 0; i < json_array_size(wanted->json); i++) {
        struct dns_value one = dns_value_ref(json_array_get(wanted->json, i));
        bool same = dns_value_same(got, &one);
        dns_value_deinit(&one);
        if (same) {
            return true;
        }
    }
    return false;
}

int dns_where_holds(const struct dns_where *w, const struct dns_value *value,
                    const struct dns_eval *ev, struct cl_err *err)
{
    for (size_t i = 0; w != NULL && i < w->len; i++) {
        struct dns_value wanted = {0};
        if (dns_tpl_render(w->expected[i], ev, &wanted, NULL, err) < 0) {
            return -1;
        }
        struct dns_value got = follow(value, &w->paths[i]);
        bool holds = is_one_of(&got, &wanted);
        dns_value_deinit(&got);
        dns_value_deinit(&wanted);
        if (!holds) {
            return 0;
        }
    }
    return 1;
}
