/* SPDX-License-Identifier: Apache-2.0 */
/* dns_where: predicates over answers: a mapping of paths to what has to be there. */
#ifndef DNS_WHERE_H
#define DNS_WHERE_H

#include "backends/dns/lang/dns_template.h"

/* {a.b.c: 1000, "@Status": [OK, DONE], error: null}: every path has one of its values, compared as
 * text; what is missing is "" (null). A number in a path counts entries of a list, from 0. */
struct dns_where {
    struct cl_strv *paths; /* each path in its parts */
    struct dns_tpl **expected;
    size_t len;
    unsigned line, column;
};
struct dns_where *dns_where_compile(const struct yaml_node *node, struct spec_problems *problems);
void dns_where_destroy(struct dns_where *w); /* NULL is fine */
/** 1 = it holds (a NULL predicate does), 0, or -1 and @err. */
int dns_where_holds(const struct dns_where *w, const struct dns_value *value,
                    const struct dns_eval *ev, struct cl_err *err);

#endif
