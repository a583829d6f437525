/* SPDX-License-Identifier: Apache-2.0 */
/* dns_func: finds functions by name, and the two that decide which of their arguments count. */
#include "backends/dns/lang/dns_func.h"

#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

/* default(a, b, ...): the first that is neither null nor "". */
static int lazy_default(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                        struct cl_err *err)
{
    for (size_t i = 0; i < e->n_args; i++) {
        dns_value_deinit(ret);
        if (dns_expr_eval(e->args[i], ev, ret, err) < 0) {
            return -1;
        }
        if (!dns_value_is_empty(ret)) {
            break;
        }
    }
    return 0;
}

/* when(a, ..., value): value if all others are true, else "". */
static int lazy_when(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                     struct cl_err *err)
{
    for (size_t i = 0; i + 1 < e->n_args; i++) {
        struct dns_value v = {0};
        if (dns_expr_eval(e->args[i], ev, &v, err) < 0) {
            return -1;
        }
        bool holds = dns_value_is_true(&v);
        dns_value_deinit(&v);
        if (!holds) {
            *ret = dns_value_text("");
            return 0;
        }
    }
    return dns_expr_eval(e->args[e->n_args - 1], ev, ret, err);
}

static const struct dns_function LAZY[] = {
    {"default", 2, DNS_ANY, NULL, false, lazy_default, "default(value, otherwise...)"},
    {"when", 2, DNS_ANY, NULL, false, lazy_when, "when(condition..., value)"},
    {0},
};

const struct dns_function *const DNS_FUNCTION_TABLES[] = {
    LAZY, DNS_FUNCTIONS_TEXT, DNS_FUNCTIONS_LIST, DNS_FUNCTIONS_CRYPTO, NULL};

const struct dns_function *dns_function_find(const char *name)
{
    for (size_t t = 0; DNS_FUNCTION_TABLES[t] != NULL; t++) {
        for (const struct dns_function *f = DNS_FUNCTION_TABLES[t]; f->name != NULL; f++) {
            if (strcmp(f->name, name) == 0) {
                return f;
            }
        }
    }
    return NULL;
}

const char *dns_function_suggest(const char *name)
{
    const char *names[128];
    size_t n = 0;

    for (size_t t = 0; DNS_FUNCTION_TABLES[t] != NULL; t++) {
        for (const struct dns_function *f = DNS_FUNCTION_TABLES[t]; f->name != NULL && n < 127;
             f++) {
            names[n++] = f->name;
        }
    }
    names[n] = NULL;
    return cl_str_suggest(name, names);
}

int dns_arg_int(const struct dns_value *args, size_t i, long long *ret, struct cl_err *err)
{
    char clean[CL_CLEAN_TEXT];

    if (dns_value_as_int(&args[i], ret)) {
        return 0;
    }
    char *text = dns_value_string(&args[i], NULL);
    (void)cl_fail(err, CL_ERR_LOCAL, "ExpressionFailed", "\"%s\" is no whole number",
                  args[i].secret ? "***" : cl_clean(clean, sizeof clean, text, strlen(text)));
    cl_free_secret(text);
    return -1;
}
