/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules_solver: solvers that a spec takes from the Configuration by their name. The content goes
 * into the spec before its hash is taken, so that a change of the Configuration is seen as a change of
 * each spec; only whoever may write the Configuration decides what runs. */
#include "spec/base/cl_alloc.h"
#include "spec/spec_rules.h"
#include "spec/spec_tables.h"

#include <string.h>

#define PATH_SIZE 700

static bool keyed(const struct rules *r, const struct solver_list *l)
{
    return r->config != NULL && l == &r->config->solvers;
}

void rules_solver_path(const struct rules *r, const struct solver_list *l, size_t i,
                       const char *path, char *buf, size_t size)
{
    if (keyed(r, l)) {
        (void)cl_format(buf, size, "%s[\"%s\"]", path, cl_str_or(l->items[i].name, ""));
    } else {
        (void)cl_format(buf, size, "%s[%zu]", path, i);
    }
}

static const struct solver_spec *find(const struct rules *r, const char *name)
{
    for (size_t i = 0; r->config != NULL && i < r->config->solvers.len; i++) {
        if (cl_streq(r->config->solvers.items[i].name, name)) {
            return &r->config->solvers.items[i];
        }
    }
    return NULL;
}

static void unknown(const struct rules *r, const char *name, const char *path)
{
    size_t n = r->config != NULL ? r->config->solvers.len : 0;
    const char **names = cl_calloc(n + 1, sizeof(*names));
    char at[PATH_SIZE];

    for (size_t i = 0; i < n; i++) {
        names[i] = cl_str_or(r->config->solvers.items[i].name, "");
    }
    const char *near = cl_str_suggest(name, names);
    (void)cl_format(at, sizeof(at), "%s.name", path);
    rules_problem(r, false, at, "the Configuration has no solver %s%s%s%s", name,
                  near != NULL ? "; did you mean "
                  : n == 0     ? "; it has none under spec.solvers"
                               : "",
                  near != NULL ? near : "", near != NULL ? "?" : "");
    cl_free(names);
}

bool rules_named_solver(const struct rules *r, const struct solver_list *l, struct solver_spec *s,
                        const char *path)
{
    static const char *const OWN[] = {"http01", "dns01", "tlsalpn01", "selfCheck",
                                      "waitInsteadOfSelfCheck"};
    char at[PATH_SIZE];

    if (s->name == NULL || keyed(r, l)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(OWN) / sizeof(OWN[0]); i++) {
        (void)cl_format(at, sizeof(at), "%s.%s", path, OWN[i]);
        if (rules_given(r, at)) {
            rules_problem(r, false, at,
                          "a solver with a name is the Configuration's: it may have a selector "
                          "beside it, nothing else");
            return true;
        }
    }
    const struct solver_spec *named = find(r, s->name);
    if (named == NULL) {
        unknown(r, s->name, path);
        return true;
    }
    (void)cl_format(at, sizeof(at), "%s.selector", path);
    bool own_selector = rules_given(r, at);
    struct solver_spec taken;
    schema_copy(&SCHEMA_SOLVER, &taken, named);
    if (own_selector) {
        struct solver_selector theirs = taken.selector;
        taken.selector = s->selector;
        s->selector = theirs;
    }
    schema_deinit(&SCHEMA_SOLVER, s);
    *s = taken;
    cl_free(s->name);
    s->name = NULL;
    return true;
}
