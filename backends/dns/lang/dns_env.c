/* SPDX-License-Identifier: Apache-2.0 */
/* dns_env: scopes of variables. A handful of names each: looked for one after the other. */
#include "backends/dns/lang/dns_env.h"

#include "spec/base/cl_alloc.h"

#include <string.h>

void dns_env_deinit(struct dns_env *e)
{
    for (size_t i = 0; i < e->len; i++) {
        cl_free(e->vars[i].name);
        dns_value_deinit(&e->vars[i].value);
    }
    cl_free(e->vars);
    e->vars = NULL;
    e->len = 0;
    e->cap = 0;
}

void dns_env_set(struct dns_env *e, const char *name, struct dns_value take_value)
{
    for (size_t i = 0; i < e->len; i++) {
        if (cl_streq(e->vars[i].name, name)) {
            dns_value_deinit(&e->vars[i].value);
            e->vars[i].value = take_value;
            return;
        }
    }
    if (e->len == e->cap) {
        e->cap = e->cap == 0 ? 8 : 2 * e->cap;
        e->vars = cl_reallocarray(e->vars, e->cap, sizeof *e->vars);
    }
    e->vars[e->len++] = (struct dns_var){.name = cl_strdup(name), .value = take_value};
}

void dns_env_set_text(struct dns_env *e, const char *name, const char *text)
{
    dns_env_set(e, name, dns_value_text(text));
}

const struct dns_value *dns_env_get(const struct dns_env *e, const char *name)
{
    for (; e != NULL; e = e->up) {
        for (size_t i = 0; i < e->len; i++) {
            if (strcmp(e->vars[i].name, name) == 0) {
                return &e->vars[i].value;
            }
        }
    }
    return NULL;
}

const struct dns_value *dns_env_member(const struct dns_env *e, const char *scope,
                                       const char *member)
{
    size_t len = strlen(scope);

    for (; e != NULL; e = e->up) {
        for (size_t i = 0; i < e->len; i++) {
            const char *name = e->vars[i].name;
            if (strncmp(name, scope, len) == 0 && name[len] == '.' &&
                strcmp(name + len + 1, member) == 0) {
                return &e->vars[i].value;
            }
        }
    }
    return NULL;
}
