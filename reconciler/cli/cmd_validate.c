/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_validate: the daemon's own decoding and checks, over files or directories, and what can only
 * be seen over several files: duplicates, Issuers that are missing or cannot do what is asked. */
#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "backends/solvers/solvers.h"
#include "reconciler/cli/cli_objects.h"
#include "reconciler/inventory.h"
#include "spec/base/cl_alloc.h"
#include "spec/spec_check.h"

#include <string.h>

struct validation {
    struct cli *c;
    struct config *config;
    struct object_list all; /* of all files; owned */
    struct cl_strv files;   /* for each object */
    json_t *problems;
    unsigned errors, warnings, checked;
    bool whole; /* a directory was given: what is not in it is missing */
};

static void complain(struct validation *v, const char *file, unsigned line, unsigned column,
                     bool warning, const char *text)
{
    const char *severity = warning ? "warning" : "error";
    v->errors += warning ? 0u : 1u;
    v->warnings += warning ? 1u : 0u;
    if (v->c->output == CLI_JSON) {
        (void)json_array_append_new(v->problems, json_pack("{s:s,s:i,s:i,s:s,s:s}", "file", file,
                                                           "line", (int)line, "column", (int)column,
                                                           "severity", severity, "message", text));
    } else {
        (void)fprintf(v->c->out, "%s:%u:%u: %s: %s\n", file, line, column, severity, text);
    }
}

static void keep_objects(struct validation *v, const char *file, struct object_list *l)
{
    for (size_t i = 0; i < l->len; i++) {
        v->all.items = cl_reallocarray(v->all.items, v->all.len + 1, sizeof(*v->all.items));
        v->all.items[v->all.len++] = l->items[i];
        cl_strv_add(&v->files, file);
        cl_strv_for_each(w, &l->items[i]->warnings) {
            complain(v, file, l->items[i]->line, 1, true, w);
        }
        l->items[i] = NULL;
    }
    l->len = 0;
}

static void check_file(struct validation *v, const char *path)
{
    struct cl_buf text;
    struct cl_err err = {0};
    struct object_list objects = {0};
    struct spec_problems problems = {0};

    v->checked++;
    if (disk_read(path, SPEC_FILE_MAX, &text, NULL, &err) < 0) {
        complain(v, path, 1, 1, false, err.text);
        return;
    }
    if (cl_streq(path, v->c->paths.config)) { /* what --config names holds no objects */
        struct config *config = NULL;
        (void)spec_parse_config(cl_buf_str(&text), text.len, &config, &problems);
        config_destroy(config);
    } else {
        (void)spec_parse(cl_buf_str(&text), text.len, v->config, &objects, &problems);
    }
    for (size_t i = 0; i < problems.len; i++) {
        const struct spec_problem *p = &problems.items[i];
        complain(v, path, p->line, p->column, p->warning, p->text);
    }
    keep_objects(v, path, &objects);
    cl_buf_deinit(&text);
    object_list_deinit(&objects);
    spec_problems_deinit(&problems);
}

static void check_path(struct validation *v, const char *path)
{
    struct disk_stat st;
    struct cl_err err = {0};
    struct cl_strv names = {0};

    if (disk_stat(path, &st, &err) < 0 || st.type == DISK_NONE) {
        complain(v, path, 1, 1, false, st.type == DISK_NONE ? "no such file" : err.text);
        return;
    }
    if (st.type != DISK_DIR) {
        check_file(v, path);
        return;
    }
    if (disk_list(path, &names, &err) < 0) {
        complain(v, path, 1, 1, false, err.text);
        return;
    }
    v->whole = true;
    cl_strv_for_each(name, &names) {
        if (inventory_name_ok(name)) {
            char *file = cl_printf("%s/%s", path, name);
            check_file(v, file);
            cl_free(file);
        }
    }
    cl_strv_deinit(&names);
}

/* ---- over all files ---- */

static bool same_kind(const struct object *a, const struct object *b)
{
    return (a->kind == SPEC_CERTIFICATE) == (b->kind == SPEC_CERTIFICATE);
}

static void check_duplicates(struct validation *v)
{
    struct cl_map seen = {0};
    for (size_t i = 0; i < v->all.len; i++) {
        const struct object *o = v->all.items[i];
        char *key = cl_printf("%d:%s", o->kind == SPEC_CERTIFICATE, o->key);
        const char *first = cl_map_get(&seen, key);
        if (first != NULL) {
            char *text = cl_printf("%s %s is already declared in %s", spec_kind_name(o->kind),
                                   o->metadata.name, first);
            complain(v, v->files.items[i], o->line, 1, false, text);
            cl_free(text);
        } else {
            cl_map_set(&seen, key, v->files.items[i]);
        }
        cl_free(key);
    }
    cl_map_deinit(&seen);
}

static const struct object *find_issuer(const struct validation *v, const struct object *cert,
                                        const struct issuer_ref *ref)
{
    const struct object *global = NULL;
    for (size_t i = 0; i < v->all.len; i++) {
        const struct object *o = v->all.items[i];
        if (same_kind(o, cert) || !cl_streq(o->metadata.name, ref->name)) {
            continue;
        }
        if (cl_streq(o->metadata.namespace_, cert->metadata.namespace_) &&
            !cl_streq(ref->kind, "ClusterIssuer")) {
            return o;
        }
        global = o->metadata.namespace_[0] == '\0' ? o : global;
    }
    return global;
}

/* Fallbacks and standby are asked late: that they are not there should be known before. */
static void check_other(struct validation *v, size_t at, const struct issuer_ref *ref,
                        const char *what)
{
    const struct object *o = v->all.items[at];
    const struct object *issuer = ref->name != NULL ? find_issuer(v, o, ref) : NULL;
    char problem[320];
    char text[500];

    if (ref->name != NULL && issuer == NULL && v->whole) {
        (void)cl_format(text, sizeof(text), "%s: %s names Issuer %s, and there is none here",
                        o->metadata.name, what, ref->name);
        complain(v, v->files.items[at], o->line, 1, true, text);
    } else if (issuer != NULL && issuer->issuer->type == ISSUER_ACME &&
               cert_spec_acme_problem(o->cert, &issuer->issuer->acme.solvers, problem,
                                      sizeof(problem))) {
        (void)cl_format(text, sizeof(text), "%s: %s names Issuer %s, which cannot sign this: %s",
                        o->metadata.name, what, ref->name, problem);
        complain(v, v->files.items[at], o->line, 1, true, text);
    }
}

static void check_others(struct validation *v, size_t at)
{
    const struct cert_spec *s = v->all.items[at]->cert;

    for (size_t i = 0; i < s->fallback_issuers.len; i++) {
        check_other(v, at, &s->fallback_issuers.items[i], "fallbackIssuerRefs");
    }
    check_other(v, at, &s->standby, "standby");
}

static void check_issuers(struct validation *v)
{
    char text[400];
    for (size_t i = 0; i < v->all.len; i++) {
        const struct object *o = v->all.items[i];
        if (o->kind != SPEC_CERTIFICATE) {
            continue;
        }
        const struct object *issuer = find_issuer(v, o, &o->cert->issuer_ref);
        check_others(v, i);
        if (issuer == NULL && v->whole) {
            (void)cl_format(text, sizeof(text),
                            "%s: no Issuer named %s here; the certificate waits until there is one",
                            o->metadata.name, cl_str_or(o->cert->issuer_ref.name, "?"));
            complain(v, v->files.items[i], o->line, 1, true, text);
        } else if (issuer != NULL && issuer->issuer->type == ISSUER_ACME &&
                   cert_spec_acme_problem(o->cert, &issuer->issuer->acme.solvers, text,
                                          sizeof(text))) {
            complain(v, v->files.items[i], o->line, 1, false, text);
        }
    }
}

/* ---- what a dns01 solver needs ---- */

/* Where specs are checked, the secrets need not be; where they are, a missing one is told. */
static bool is_of_this_host(const struct validation *v, const struct cl_err *err)
{
    struct disk_stat st;
    bool secret = cl_streq(err->reason, "SecretNotFound") ||
                  cl_streq(err->reason, "CredentialMissing") ||
                  cl_streq(err->reason, "SecretForbidden");
    return !secret || (disk_stat(v->c->paths.secrets, &st, NULL) == 0 && st.type == DISK_DIR);
}

static void check_solvers(struct validation *v, struct solvers *solvers, size_t at)
{
    const struct object *o = v->all.items[at];
    const struct solver_list *l =
        o->kind == SPEC_CERTIFICATE
            ? &o->cert->solvers
            : (o->issuer->type == ISSUER_ACME ? &o->issuer->acme.solvers : NULL);

    for (size_t i = 0; l != NULL && i < l->len; i++) {
        struct cl_err err = {0};
        if (solvers_check(solvers, &l->items[i], o->metadata.namespace_, &err) < 0 &&
            is_of_this_host(v, &err)) {
            bool wrong = cl_streq(err.reason, "ProviderUnknown") ||
                         cl_streq(err.reason, "CredentialInvalid") ||
                         cl_streq(err.reason, "OriginRefused");
            char *text = cl_printf("%s: %s", o->metadata.name, err.text);
            complain(v, v->files.items[at], o->line, 1, !wrong, text);
            cl_free(text);
        }
    }
}

static void check_all_solvers(struct validation *v)
{
    struct loop *l = loop_create();
    struct solvers *solvers = solvers_create(l, NULL, &v->c->paths, v->config);

    for (size_t i = 0; i < v->all.len; i++) {
        check_solvers(v, solvers, i);
    }
    solvers_destroy(solvers);
    loop_destroy(l);
}

int cmd_validate(struct cli *c)
{
    struct validation v = {.c = c, .problems = json_array()};
    int rc;

    if (c->args.len == 0) {
        json_decref(v.problems);
        return cli_usage(c, "name at least one file or directory");
    }
    v.config = cli_config(c);
    if (v.config == NULL) {
        json_decref(v.problems);
        return 1;
    }
    cl_strv_for_each(path, &c->args) {
        check_path(&v, path);
    }
    check_duplicates(&v);
    check_issuers(&v);
    check_all_solvers(&v);
    rc = v.errors > 0 ? 1 : 0;
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_pack("{s:b,s:i,s:i,s:i,s:O}", "valid", rc == 0, "files",
                                    (int)v.checked, "errors", (int)v.errors, "warnings",
                                    (int)v.warnings, "problems", v.problems));
    } else {
        (void)fprintf(c->out, "%u files, %zu objects: %u errors, %u warnings\n", v.checked,
                      v.all.len, v.errors, v.warnings);
    }
    json_decref(v.problems);
    object_list_deinit(&v.all);
    cl_strv_deinit(&v.files);
    config_destroy(v.config);
    return rc;
}
