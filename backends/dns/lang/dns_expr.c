/* SPDX-License-Identifier: Apache-2.0 */
/* dns_expr: evaluation. Recursion is bounded by the depth that the parser allows. */
#include "backends/dns/lang/dns_expr.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/base/cl_str.h"

#include <string.h>

static int eval_get(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                    struct cl_err *err);
static int eval_call(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                     struct cl_err *err);

int dns_expr_eval(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                  struct cl_err *err)
{
    const struct dns_value *found = NULL;

    memset(ret, 0, sizeof *ret);
    switch (e->kind) {
    case DNS_EXPR_LITERAL:
        *ret = dns_value_copy(&e->literal);
        return 0;
    case DNS_EXPR_VARIABLE:
        found = dns_env_get(ev->env, e->name);
        if (found != NULL) {
            *ret = dns_value_copy(found);
        }
        return 0;
    case DNS_EXPR_GET:
        return eval_get(e, ev, ret, err);
    case DNS_EXPR_CALL:
        return eval_call(e, ev, ret, err);
    }
    return 0;
}

struct dns_value dns_value_get(const struct dns_value *v, const struct dns_value *key)
{
    struct dns_value found = {0};

    if (json_is_object(v->json)) {
        char *name = dns_value_string(key, NULL);
        found.json = json_incref(json_object_get(v->json, name));
        cl_free_secret(name);
    } else if (json_is_array(v->json)) {
        long long index = 0;
        long long size = (long long)json_array_size(v->json);
        if (dns_value_as_int(key, &index) && index < size && index >= -size) {
            index = index < 0 ? index + size : index;
            found.json = json_incref(json_array_get(v->json, (size_t)index));
        }
    }
    found.secret = v->secret;
    return found;
}

static int eval_get(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                    struct cl_err *err)
{
    const struct dns_expr *of = e->args[0];
    struct dns_value base = {0};
    struct dns_value key = {0};

    if (dns_expr_eval(e->args[1], ev, &key, err) < 0) {
        return -1;
    }
    if (of->kind == DNS_EXPR_VARIABLE) { /* cred.x and session.x are variables of their own */
        char *member = dns_value_string(&key, NULL);
        const struct dns_value *found = dns_env_member(ev->env, of->name, member);
        cl_free_secret(member);
        if (found != NULL) {
            dns_value_deinit(&key);
            *ret = dns_value_copy(found);
            return 0;
        }
    }
    if (dns_expr_eval(of, ev, &base, err) < 0) {
        dns_value_deinit(&key);
        return -1;
    }
    *ret = dns_value_get(&base, &key);
    dns_value_deinit(&base);
    dns_value_deinit(&key);
    return 0;
}

static int eval_call(const struct dns_expr *e, const struct dns_eval *ev, struct dns_value *ret,
                     struct cl_err *err)
{
    struct dns_value *args = NULL;
    size_t done = 0;
    bool secret = false;
    int rc = 0;

    if (e->function->lazy != NULL) {
        return e->function->lazy(e, ev, ret, err);
    }
    args = cl_calloc(e->n_args + 1, sizeof *args);
    for (; rc == 0 && done < e->n_args; done++) {
        rc = dns_expr_eval(e->args[done], ev, &args[done], err);
        secret = secret || args[done].secret;
    }
    if (rc == 0) {
        rc = e->function->call(ev, args, e->n_args, ret, err);
        if (rc < 0) {
            cl_wrap(err, "%s()", e->function->name);
            dns_value_deinit(ret);
        } else {
            ret->secret = ret->secret || (secret && !e->function->opens);
        }
    }
    for (size_t i = 0; i < e->n_args; i++) {
        dns_value_deinit(&args[i]);
    }
    cl_free(args);
    return rc;
}

void dns_expr_destroy(struct dns_expr *e)
{
    if (e == NULL) {
        return;
    }
    for (size_t i = 0; i < e->n_args; i++) {
        dns_expr_destroy(e->args[i]);
    }
    cl_free(e->args);
    cl_free(e->name);
    dns_value_deinit(&e->literal);
    cl_free(e);
}
