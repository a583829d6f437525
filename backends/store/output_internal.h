/* SPDX-License-Identifier: Apache-2.0 */
/* output_internal: what resolving, checking, writing and adopting outputs share. */
#ifndef OUTPUT_INTERNAL_H
#define OUTPUT_INTERNAL_H

#include "backends/store/output.h"

#define OUTPUT_DATA "..data" /* the link that is swapped (Kubernetes' AtomicWriter layout) */
#define OUTPUT_FILE_MAX ((size_t)1 << 20)

/* One file that an output should have, before there is any content. Borrowed from the spec. */
struct output_rule {
    const char *name;
    enum output_part parts[PARTS];
    size_t n_parts;
    const char *mode; /* octal text or NULL */
};
/* One directory with its files. */
struct output_target {
    char *directory;
    bool live;                      /* below LIVE: certloop's own */
    const struct output_spec *spec; /* NULL for the default output */
    struct output_rule *rules;
    size_t n_rules;
};
struct output_targets {
    struct output_target *items;
    size_t len;
};
/** The directories of @o, each once, with all files that the spec asks for. */
void output_targets(const struct paths *p, const struct object *o, struct output_targets *ret);
void output_targets_deinit(struct output_targets *t);
bool output_rule_has(const struct output_rule *rule, enum output_part part);
/** "NAME", or "NAMESPACE_NAME" for an object with a namespace; owned. */
char *output_scoped_name(const struct object *o, const char *name);

/** May a spec have an output there at all? Reason "OutputForbidden". */
int output_directory_allowed(const struct paths *p, const struct config *config,
                             const struct output_target *target, struct cl_err *err);
/** Is every component of @directory a directory, or a link of somebody who may redirect certloop
 *  (root, or its own user)? Reason "OutputUnsafe". */
int output_directory_safe(const char *directory, struct cl_err *err);

/** The name that DIR/NAME links to below ..data, i.e. is it a visible link of the layout? */
bool output_is_data_link(const char *directory, const char *name);
/** Does DIR/..data exist without a single file of @plan: the set of another Certificate? */
bool output_data_is_foreign(const struct output_plan *plan);

/** Does @chain_pem stand for exactly the names of @wanted (facts of another certificate)? */
bool output_same_names(const struct cert_facts *a, const struct cert_facts *b);

#endif
