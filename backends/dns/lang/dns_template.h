/* SPDX-License-Identifier: Apache-2.0 */
/* dns_template: templates: a string with ${expression}s in it, or any YAML value of such strings.
 *
 *  - A string that is exactly one ${...} keeps the type of its value; else everything becomes text.
 *    "$${" writes "${".
 *  - {$each: LIST, $as: NAME, $do: TEMPLATE} yields a list, and inside a list its entries; `n` counts
 *    from 1.
 *  - {$if: VALUE, $then: TEMPLATE, $else: TEMPLATE} yields one of the two; without $else the entry or
 *    member is left out.
 *  - Keys of mappings are templates, too. */
#ifndef DNS_TEMPLATE_H
#define DNS_TEMPLATE_H

#include "backends/dns/lang/dns_expr.h"
#include "spec/spec_yaml.h"

enum dns_tpl_kind {
    DNS_TPL_LITERAL,
    DNS_TPL_STRING,
    DNS_TPL_LIST,
    DNS_TPL_MAP,
    DNS_TPL_EACH,
    DNS_TPL_IF
};
struct dns_part {
    char *text;            /* literal text, if expr is NULL */
    struct dns_expr *expr; /* its offset counts from the start of the string */
};
struct dns_tpl {
    enum dns_tpl_kind kind;
    unsigned line, column;  /* where it stands; from 1 */
    json_t *literal;        /* LITERAL */
    struct dns_part *parts; /* STRING */
    size_t n_parts;
    struct dns_tpl **keys;  /* MAP: strings, beside items */
    struct dns_tpl **items; /* LIST, MAP; EACH: list, body; IF: condition, then, else or NULL */
    size_t len;
    char *as; /* EACH */
};

/** Compiles a YAML value. Everything wrong in it is reported; then NULL comes back. */
struct dns_tpl *dns_tpl_compile(const struct yaml_node *node, struct spec_problems *problems);
/** Compiles a string that is no YAML node. NULL and @err. */
struct dns_tpl *dns_tpl_compile_text(const char *text, struct cl_err *err);
void dns_tpl_destroy(struct dns_tpl *t); /* NULL is fine */

/** Renders. *ret is owned; 0 or -1. A template that leaves itself out yields null and *ret_omit
 *  (may be NULL). */
int dns_tpl_render(const struct dns_tpl *t, const struct dns_eval *ev, struct dns_value *ret,
                   bool *ret_omit, struct cl_err *err);
/** Renders to text. *ret is owned. */
int dns_tpl_text(const struct dns_tpl *t, const struct dns_eval *ev, char **ret,
                 struct cl_err *err);
/** Renders a URL: what is interpolated is percent-encoded, unless the string starts with it.
 *  *ret is owned. */
int dns_tpl_url(const struct dns_tpl *t, const struct dns_eval *ev, char **ret, struct cl_err *err);
/** Is what it yields true? (dns_value_is_true; a NULL template is true). 1, 0 or -1. */
int dns_tpl_true(const struct dns_tpl *t, const struct dns_eval *ev, struct cl_err *err);
/** Calls @fn for each expression in it, also inside expressions, outer first. */
void dns_tpl_walk(const struct dns_tpl *t,
                  void (*fn)(void *user, const struct dns_tpl *t, const struct dns_expr *e),
                  void *user);

#endif
