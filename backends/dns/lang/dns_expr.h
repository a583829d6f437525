/* SPDX-License-Identifier: Apache-2.0 */
/* dns_expr: the expression language of descriptions: paths (a.b[0]['x-y']), literals ('text', 12,
 * true, false, null) and calls f(a, b). No operators, no loops, no functions of the user: every
 * evaluation ends, in time proportional to its text and its data. */
#ifndef DNS_EXPR_H
#define DNS_EXPR_H

#include "backends/dns/lang/dns_env.h"
#include "spec/base/cl_err.h"

#define DNS_EXPR_DEPTH 32

enum dns_expr_kind { DNS_EXPR_LITERAL, DNS_EXPR_VARIABLE, DNS_EXPR_GET, DNS_EXPR_CALL };
struct dns_function;
struct dns_expr {
    enum dns_expr_kind kind;
    unsigned offset;                     /* of its first byte in the text, from 0 */
    struct dns_value literal;            /* LITERAL */
    char *name;                          /* VARIABLE */
    const struct dns_function *function; /* CALL */
    struct dns_expr **args;              /* CALL: arguments; GET: what, then which member */
    size_t n_args;
};
/**
 * Parses all of @text (@len bytes). Returns NULL and in @err CL_ERR_SPEC "ExpressionInvalid" what is
 * wrong, in *ret_offset where (bytes from the start).
 */
struct dns_expr *dns_expr_parse(const char *text, size_t len, unsigned *ret_offset,
                                struct cl_err *err);
void dns_expr_destroy(struct dns_expr *e); /* NULL is fine */
/** Evaluates. 0 and *ret (owned), or -1 with CL_ERR_LOCAL "ExpressionFailed". What a path does not
 *  find is null. */
int dns_expr_eval(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                  struct cl_err *err);
/** The member @key (text or index, negative from the end) of a value; null if there is none. */
struct dns_value dns_value_get(const struct dns_value *v, const struct dns_value *key);

/* ---- functions (dns_func*.c) ---- */
struct dns_function {
    const char *name;
    unsigned min_args, max_args;
    /** Arguments are evaluated already; *ret is null at the call. May be NULL: see lazy. */
    int (*call)(const struct dns_eval *ev, const struct dns_value *args, size_t n,
                struct dns_value *ret, struct cl_err *err);
    /* Its result says too little about the arguments to be secret: eq, len, ... */
    bool opens;
    /* Evaluates its own arguments: default, when. */
    int (*lazy)(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                struct cl_err *err);
    const char *signature; /* "join(separator, values...)" */
};
const struct dns_function *dns_function_find(const char *name);
/** The nearest name for did-you-mean, or NULL. */
const char *dns_function_suggest(const char *name);
/** All functions, in tables that end with a NULL name; NULL after the last. */
extern const struct dns_function *const DNS_FUNCTION_TABLES[];

#endif
