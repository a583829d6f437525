/* SPDX-License-Identifier: Apache-2.0 */
/* spec_parse: a file -> objects. Parse the whole text, decode each document by the table of its kind,
 * apply the rules between fields, take the hash. Any error anywhere: no object at all. */
#include "spec/spec_parse.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_document.h"
#include "spec/spec_rules.h"
#include "spec/spec_tables.h"

#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_MAX 240 /* a file name with what is appended to it */

static const struct yaml_limits FILE_LIMITS = {.bytes = SPEC_FILE_MAX, .nodes = 20000, .depth = 32};

/* ---- apiVersion and kind ---- */

static const struct {
    const char *name;
    enum spec_api api;
} APIS[] = {{"certloop/v1", SPEC_API_CERTLOOP}, {"cert-manager.io/v1", SPEC_API_CERT_MANAGER}};

const char *document_api_name(enum spec_api api)
{
    return APIS[api].name;
}

static const char *text_at(const struct yaml_node *n, const char *key)
{
    const struct yaml_node *value = yaml_get(n, key);

    return value != NULL && value->kind == YAML_SCALAR ? value->text : NULL;
}

/* Reports at the value of @key, or at the document if it is absent. */
static void __attribute__((format(printf, 4, 5)))
complain(struct spec_problems *problems, const struct yaml_node *doc, const char *key,
         const char *fmt, ...)
{
    const struct yaml_node *value = yaml_get(doc, key);
    const struct yaml_node *at = value != NULL ? value : doc;
    char text[500];
    va_list ap;

    va_start(ap, fmt);
    (void)cl_formatv(text, sizeof(text), fmt, ap);
    va_end(ap);
    spec_problems_add(problems, false, at->line, at->column, "%s", text);
}

static bool find_api(const struct yaml_node *doc, struct spec_problems *problems,
                     enum spec_api *ret)
{
    static const char *const NAMES[] = {"certloop/v1", "cert-manager.io/v1", NULL};
    const char *text = text_at(doc, "apiVersion");

    for (size_t i = 0; text != NULL && i < sizeof(APIS) / sizeof(APIS[0]); i++) {
        if (strcmp(text, APIS[i].name) == 0) {
            *ret = APIS[i].api;
            return true;
        }
    }
    if (text == NULL) {
        complain(problems, doc, "apiVersion", "apiVersion: required: %s or %s", NAMES[0], NAMES[1]);
        return false;
    }
    const char *near = cl_str_suggest(text, NAMES);
    if (near == NULL && cl_str_starts(text, "cert-manager.io/")) {
        near = NAMES[1];
    }
    complain(problems, doc, "apiVersion", "apiVersion: \"%s\" is not known; use %s", text,
             near != NULL ? near : "certloop/v1 or cert-manager.io/v1");
    return false;
}

static bool find_kind(const struct yaml_node *doc, bool config, struct spec_problems *problems,
                      enum spec_kind *ret)
{
    static const char *const OBJECTS[] = {"Certificate", "Issuer", "ClusterIssuer", NULL};
    const char *text = text_at(doc, "kind");

    for (unsigned k = 0; text != NULL && k < SPEC_KINDS; k++) {
        if (strcmp(text, spec_kind_name((enum spec_kind)k)) == 0 &&
            (k == SPEC_CONFIGURATION) == config) {
            *ret = (enum spec_kind)k;
            return true;
        }
    }
    if (config) {
        complain(problems, doc, "kind",
                 "kind: this file holds one document of kind Configuration%s%s",
                 text != NULL ? ", not " : "", cl_str_or(text, ""));
    } else if (text == NULL) {
        complain(problems, doc, "kind", "kind: required: Certificate, Issuer or ClusterIssuer");
    } else if (strcmp(text, "Configuration") == 0) {
        complain(problems, doc, "kind",
                 "kind: a Configuration is not read from the spec directory; it is the file that "
                 "--config names");
    } else {
        const char *near = cl_str_suggest(text, OBJECTS);
        complain(problems, doc, "kind", "kind: \"%s\" is not known; %s", text,
                 near != NULL ? near : "Certificate, Issuer and ClusterIssuer are");
    }
    return false;
}

/* ---- documents ---- */

static void check_top_keys(const struct document *d)
{
    static const char *const KEYS[] = {"apiVersion", "kind", "metadata", "spec", NULL};

    for (size_t i = 0; i < d->root->len; i++) {
        const struct yaml_node *key = d->root->keys[i];
        bool status = d->c.api == SPEC_API_CERT_MANAGER && strcmp(key->text, "status") == 0;
        bool known = status;

        for (size_t k = 0; KEYS[k] != NULL; k++) {
            known |= strcmp(key->text, KEYS[k]) == 0;
        }
        if (!known && key->kind == YAML_SCALAR) {
            const char *near = cl_str_suggest(key->text, KEYS);
            spec_problems_add(d->c.problems, false, key->line, key->column,
                              "%s: unknown field%s%s%s", key->text,
                              near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                              near != NULL ? "?" : "");
        }
    }
}

bool document_start(struct document *d, struct yaml_node *root, bool config, bool trusted,
                    struct spec_problems *problems)
{
    *d = (struct document){.root = root, .c = {.problems = problems, .trusted = trusted}};

    if (root->kind != YAML_MAP) {
        spec_problems_add(problems, false, root->line, root->column,
                          "expected a mapping with apiVersion, kind, metadata and spec");
        return false;
    }
    if (!find_api(root, problems, &d->c.api) || !find_kind(root, config, problems, &d->c.kind)) {
        return false;
    }
    if (config && d->c.api != SPEC_API_CERTLOOP) {
        complain(problems, root, "apiVersion", "apiVersion: a Configuration is of certloop/v1");
        return false;
    }
    check_top_keys(d);
    return true;
}

struct yaml_node *document_spec(const struct document *d)
{
    struct yaml_node *spec = yaml_get(d->root, "spec");

    if (spec != NULL && spec->kind == YAML_MAP) {
        return spec;
    }
    complain(d->c.problems, d->root, "spec", "spec: %s",
             spec == NULL ? "required" : "expected a mapping");
    return NULL;
}

static void decode_metadata(const struct document *d, struct metadata *m)
{
    struct yaml_node *node = yaml_get(d->root, "metadata");

    if (node == NULL) {
        complain(d->c.problems, d->root, "metadata", "metadata: required");
        return;
    }
    schema_decode(&d->c, &SCHEMA_METADATA, node, "metadata", m);
}

static void check_metadata(const struct document *d, struct object *o)
{
    struct metadata *m = &o->metadata;
    const char *temporary =
        string_map_get(&m->annotations, "cert-manager.io/issue-temporary-certificate");

    if (m->namespace_ == NULL) {
        m->namespace_ = cl_strdup("");
    }
    if (o->kind == SPEC_CLUSTER_ISSUER && *m->namespace_ != '\0') {
        const struct yaml_node *at = yaml_get(yaml_get(d->root, "metadata"), "namespace");

        spec_problems_add(d->c.problems, true, at->line, at->column,
                          "metadata.namespace: a ClusterIssuer has none; ignored");
        m->namespace_[0] = '\0';
    }
    if (cl_streq(temporary, "true")) {
        const struct yaml_node *at = yaml_get(yaml_get(d->root, "metadata"), "annotations");

        spec_problems_add(d->c.problems, true, at->line, at->column,
                          "metadata.annotations: temporary certificates are not supported by this "
                          "version of certloop; ignored");
    }
    o->key = *m->namespace_ != '\0' ? cl_printf("%s_%s", m->namespace_, cl_str_or(m->name, ""))
                                    : cl_strdup(cl_str_or(m->name, ""));
    if (strlen(o->key) > KEY_BYTES_MAX) {
        complain(d->c.problems, d->root, "metadata",
                 "metadata.name: longer than 240 bytes with the namespace");
    }
}

/* Warnings about this document are kept with the object, for its status. */
static void keep_warnings(struct object *o, const struct spec_problems *p, size_t from)
{
    for (size_t i = from; i < p->len; i++) {
        if (p->items[i].warning) {
            cl_strv_add(&o->warnings, p->items[i].text);
        }
    }
}

struct object *document_decode(const struct document *d, const struct config *config)
{
    struct object *o = cl_new(struct object);
    size_t before = d->c.problems->len;
    struct rules r = {.c = d->c, .config = config, .spec = document_spec(d)};

    o->api = d->c.api;
    o->kind = d->c.kind;
    o->line = d->root->line;
    decode_metadata(d, &o->metadata);
    check_metadata(d, o);
    if (o->kind == SPEC_CERTIFICATE) {
        o->cert = cl_new(struct cert_spec);
    } else {
        o->issuer = cl_new(struct issuer_spec);
    }
    if (r.spec != NULL && o->kind == SPEC_CERTIFICATE) {
        schema_decode(&r.c, &SCHEMA_CERTIFICATE, yaml_get(d->root, "spec"), "spec", o->cert);
        r.has_errors = problems_have_error(d->c.problems, before);
        rules_certificate(&r, o->cert);
    } else if (r.spec != NULL) {
        schema_decode(&r.c, &SCHEMA_ISSUER, yaml_get(d->root, "spec"), "spec", o->issuer);
        rules_issuer(&r, o->issuer);
        rules_rehearsal(&r, &o->issuer->acme.rehearse_with, o->metadata.name);
    }
    keep_warnings(o, d->c.problems, before);
    return o;
}

bool problems_have_error(const struct spec_problems *p, size_t from)
{
    for (size_t i = from; i < p->len; i++) {
        if (!p->items[i].warning) {
            return true;
        }
    }
    return false;
}

/* ---- files ---- */

struct file {
    const struct config *config;
    struct object_list objects;
    struct spec_problems *problems;
};

static void add_object(struct file *f, struct object *take_o)
{
    for (size_t i = 0; i < f->objects.len; i++) {
        const struct object *o = f->objects.items[i];

        if (o->kind == take_o->kind && strcmp(o->key, take_o->key) == 0 && *o->key != '\0') {
            spec_problems_add(f->problems, false, take_o->line, 1,
                              "metadata.name: %s %s is declared twice in this file, first in line "
                              "%u",
                              spec_kind_name(o->kind), o->metadata.name, o->line);
        }
    }
    take_o->document = (unsigned)f->objects.len;
    f->objects.items =
        cl_reallocarray(f->objects.items, f->objects.len + 1, sizeof(f->objects.items[0]));
    f->objects.items[f->objects.len++] = take_o;
}

static void read_document(struct file *f, struct yaml_node *root, bool in_list)
{
    struct document d;
    const struct yaml_node *items = yaml_get(root, "items");
    const char *kind = text_at(root, "kind");

    if (!in_list && kind != NULL && strcmp(kind, "List") == 0) {
        if (items == NULL || items->kind != YAML_LIST) {
            complain(f->problems, root, "items", "items: expected a list of objects");
            return;
        }
        for (size_t i = 0; i < items->len; i++) {
            read_document(f, items->items[i], true);
        }
        return;
    }
    if (document_start(&d, root, false, false, f->problems)) {
        add_object(f, document_decode(&d, f->config));
    }
}

static int compare_problems(const void *a, const void *b)
{
    const struct spec_problem *x = a, *y = b;

    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    if (x->column != y->column) {
        return x->column < y->column ? -1 : 1;
    }
    return strcmp(x->text, y->text);
}

void problems_sort(struct spec_problems *p)
{
    if (p->len > 1) {
        qsort(p->items, p->len, sizeof(p->items[0]), compare_problems);
    }
}

int spec_parse(const char *text, size_t len, const struct config *config, struct object_list *ret,
               struct spec_problems *problems)
{
    struct file f = {.config = config, .problems = problems};
    struct yaml_documents documents;
    size_t before = problems->len;

    *ret = (struct object_list){0};
    (void)yaml_parse(text, len, &FILE_LIMITS, &documents, problems);
    for (size_t i = 0; i < documents.len; i++) {
        read_document(&f, documents.items[i], false);
    }
    yaml_documents_deinit(&documents);
    bool failed = problems_have_error(problems, before);
    problems_sort(problems);
    if (failed) {
        object_list_deinit(&f.objects);
        return -1;
    }
    for (size_t i = 0; i < f.objects.len; i++) {
        object_take_hash(f.objects.items[i]);
    }
    *ret = f.objects;
    return 0;
}

/* ---- the Configuration ---- */

static void decode_config(const struct document *d, struct yaml_node *spec, struct config *c)
{
    struct rules r = {.c = d->c, .spec = spec};

    schema_decode(&d->c, &SCHEMA_CONFIGURATION, spec, "spec", c);
    r.config = c;
    rules_config(&r, c);
}

int spec_parse_config(const char *text, size_t len, struct config **ret,
                      struct spec_problems *problems)
{
    static const char EMPTY[] = "{apiVersion: certloop/v1, kind: Configuration, spec: {}}";
    struct config *c = cl_new(struct config);
    struct yaml_documents documents;
    struct document d;
    size_t before = problems->len;

    if (text == NULL) {
        text = EMPTY;
        len = strlen(EMPTY);
    }
    (void)yaml_parse(text, len, &FILE_LIMITS, &documents, problems);
    if (documents.len > 1) {
        spec_problems_add(problems, false, documents.items[1]->line, documents.items[1]->column,
                          "a Configuration is one document");
    } else if (documents.len == 0 && !problems_have_error(problems, before)) {
        spec_problems_add(problems, false, 1, 1,
                          "the file is empty; remove it, or declare a "
                          "Configuration");
    } else if (documents.len == 1 &&
               document_start(&d, documents.items[0], true, false, problems)) {
        struct yaml_node *spec = document_spec(&d);
        if (spec != NULL) {
            decode_config(&d, spec, c);
        }
    }
    yaml_documents_deinit(&documents);
    problems_sort(problems);
    if (problems_have_error(problems, before)) {
        config_destroy(c);
        return -1;
    }
    *ret = c;
    return 0;
}
