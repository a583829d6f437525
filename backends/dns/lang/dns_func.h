/* SPDX-License-Identifier: Apache-2.0 */
/* dns_func: what the functions of the expression language share. Private to dns_func*.c. */
#ifndef DNS_FUNC_H
#define DNS_FUNC_H

#include "backends/dns/lang/dns_expr.h"

#define DNS_ANY 64u /* arguments at most where any number may be given */

#define DNS_FN(name_)                                                                        \
    static int fn_##name_(const struct dns_eval *ev, const struct dns_value *args, size_t n, \
                          struct dns_value *ret, struct cl_err *err)
/* For functions that do not need all of it. */
#define DNS_FN_UNUSED() ((void)ev, (void)n, (void)err)

extern const struct dns_function DNS_FUNCTIONS_TEXT[];
extern const struct dns_function DNS_FUNCTIONS_LIST[];
extern const struct dns_function DNS_FUNCTIONS_CRYPTO[];

/** The text of an argument. Owned; wipe with cl_free_secret. */
static inline char *dns_arg(const struct dns_value *args, size_t i)
{
    return dns_value_string(&args[i], NULL);
}
/** The text of an argument, which may hold NUL. */
static inline char *dns_argn(const struct dns_value *args, size_t i, size_t *ret_len)
{
    return dns_value_string(&args[i], ret_len);
}
/** A whole number, or -1 and @err. */
int dns_arg_int(const struct dns_value *args, size_t i, long long *ret, struct cl_err *err);

#endif
