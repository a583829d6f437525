/* SPDX-License-Identifier: Apache-2.0 */
/* propagation_view: one row for each address that is asked. */
#include "backends/solvers/propagation_view.h"

#define VALUES_SHOWN 8U

static json_t *values_of(const struct dns_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->values.len && i < VALUES_SHOWN; i++) {
        (void)json_array_append_new(list, json_text(v->values.items[i]));
    }
    return list;
}

static json_t *row(const struct dns_view *v)
{
    json_t *o = json_object();

    json_put(o, "nameServer", json_text(v->ns));
    json_put(o, "address", json_text(v->server));
    json_put(o, "seen", json_boolean(v->sight == DNS_SIGHT_GOOD));
    json_put(o, "state", json_text(dns_sight_name(v->sight)));
    if (v->sight == DNS_SIGHT_MISSING) {
        json_put(o, "values", values_of(v));
    } else if (v->sight != DNS_SIGHT_GOOD && v->detail[0] != '\0') {
        json_put(o, "error", json_text(v->detail));
    }
    json_put(o, "rounds", json_integer(v->rounds));
    return o;
}

json_t *propagation_view(const struct dns_table *t)
{
    if (t == NULL) {
        return NULL;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < t->n; i++) {
        (void)json_array_append_new(list, row(&t->views[i]));
    }
    return list;
}
