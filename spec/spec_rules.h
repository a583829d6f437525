/* SPDX-License-Identifier: Apache-2.0 */
/* spec_rules: what happens to a decoded record before it is an object: defaults of the Configuration,
 * normal forms, rules between fields. Private to spec/. */
#ifndef SPEC_RULES_H
#define SPEC_RULES_H

#include "spec/spec_schema.h"

struct rules {
    struct schema_context c;
    const struct config *config;  /* NULL: the built-in defaults */
    const struct yaml_node *spec; /* the mapping at "spec" */
    bool has_errors; /* the fields themselves are wrong: what is missing may only be misspelt */
};

/** Adds a problem at the value named by @path, which starts at "spec" ("spec.outputs[0].mode"); if
 *  there is none, at the nearest mapping around it. */
void rules_problem(const struct rules *r, bool warning, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** Is there a value at @path? */
bool rules_given(const struct rules *r, const char *path);
/** The default of the Configuration, or the built-in one. */
const char *rules_http01_listen(const struct rules *r);
const char *rules_tlsalpn01_listen(const struct rules *r);

/* Each reports through rules_problem. */
void rules_certificate(const struct rules *r, struct cert_spec *s);
void rules_issuer(const struct rules *r, struct issuer_spec *s);
void rules_config(const struct rules *r, struct config *c);

/* Parts. @path is that of the value. */
void rules_solvers(const struct rules *r, struct solver_list *l, const char *path);
/** Where entry @i of @l is: those of the Configuration itself have names. */
void rules_solver_path(const struct rules *r, const struct solver_list *l, size_t i,
                       const char *path, char *buf, size_t size);
/** Takes over what the Configuration says of a solver that @s names; then @s has no name any more. True: it
 *  had one, and there is nothing else to check. */
bool rules_named_solver(const struct rules *r, const struct solver_list *l, struct solver_spec *s,
                        const char *path);
void rules_dns01(const struct rules *r, struct dns01_spec *d, const char *path);
void rules_propagation(const struct rules *r, const struct propagation_spec *p, const char *path);
void rules_secret_ref(const struct rules *r, struct secret_ref *ref, const char *path);
void rules_output(const struct rules *r, struct output_spec *o, const char *path);
void rules_hook(const struct rules *r, const struct hook_spec *h, const char *path);
void rules_private_key(const struct rules *r, struct private_key_spec *k, const char *path);

/** Copies what the Configuration says into what @s leaves open. The key comes before its rules; the
 *  rest after the rules for what the spec says itself, which do not bind the Configuration. */
void rules_merge_key(const struct rules *r, struct private_key_spec *k);
void rules_merge(const struct rules *r, struct cert_spec *s);

#endif
