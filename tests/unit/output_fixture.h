/* SPDX-License-Identifier: Apache-2.0 */
/* output_fixture: an archived certificate for example.com, a spec to give it outputs, and a writer
 * that records what it wrote as the reconciler does. */
#ifndef OUTPUT_FIXTURE_H
#define OUTPUT_FIXTURE_H

#include "backends/store/output.h"
#include "tests/unit/store_fixture.h"

#define RECS 4

struct output_test {
    struct store_test t;
    struct test_ca ca;
    struct config config;
    struct cert_spec spec;
    struct object object;
    struct revision rev;
    struct output_plans plans;
    struct memory_output recs[RECS]; /* by index of the plan; directory NULL = never written */
};

static inline void renew(struct output_test *o, long number)
{
    revision_deinit(&o->rev);
    archive_one(&o->t, &o->ca, "example.com", number, 3);
    assert_int_equal(archive_load(&o->t.paths, "web", &o->rev, NULL), 0);
    assert_int_equal(o->rev.state, REVISION_OK);
    output_plans_deinit(&o->plans);
    assert_int_equal(output_resolve(&o->t.paths, &o->config, &o->object, &o->rev, &o->plans, NULL),
                     0);
}

static inline int output_setup(void **state)
{
    static char key[] = "web";
    static char none[] = "";
    struct output_test *o = cl_new(struct output_test);
    void *t = NULL;

    assert_int_equal(store_setup(&t), 0);
    memcpy(&o->t, t, sizeof(o->t));
    cl_free(t);
    ca_init(&o->ca);
    o->spec = spec_for("example.com");
    o->object = (struct object){.kind = SPEC_CERTIFICATE,
                                .metadata = {.name = key, .namespace_ = none},
                                .key = key,
                                .cert = &o->spec};
    cl_strv_add(&o->config.output_roots, o->t.root);
    assert_int_equal(paths_prepare(&o->t.paths, NULL, NULL), 0);
    renew(o, 1);
    *state = o;
    return 0;
}

static inline int output_teardown(void **state)
{
    struct output_test *o = *state;
    struct store_test *t = cl_new(struct store_test);

    for (size_t i = 0; i < o->spec.outputs.len; i++) {
        struct output_spec *out = &o->spec.outputs.items[i];
        for (size_t k = 0; k < out->n_files; k++) {
            cl_free(out->files[k].name);
            cl_free(out->files[k].mode);
        }
        cl_free(out->files);
        cl_free(out->directory);
        cl_free(out->mode);
        cl_free(out->cert_mode);
        cl_free(out->owner);
        cl_free(out->group);
    }
    cl_free(o->spec.outputs.items);
    for (size_t i = 0; i < RECS; i++) {
        cl_free(o->recs[i].directory);
        cl_free(o->recs[i].content_hash);
        cl_strv_deinit(&o->recs[i].files);
    }
    output_plans_deinit(&o->plans);
    revision_deinit(&o->rev);
    spec_free(&o->spec);
    cl_strv_deinit(&o->config.output_roots);
    cl_strv_deinit(&o->config.hook_directories);
    cl_free(o->config.defaults.key_group);
    ca_deinit(&o->ca);
    memcpy(t, &o->t, sizeof(*t));
    cl_free(o);
    *state = t;
    return store_teardown(state);
}

static inline struct output_spec *add_output(struct output_test *o, const char *directory)
{
    struct output_list *l = &o->spec.outputs;

    l->items = cl_reallocarray(l->items, l->len + 1, sizeof(*l->items));
    l->items[l->len] = (struct output_spec){.directory = cl_strdup(directory)};
    return &l->items[l->len++];
}

static inline struct output_file *add_file(struct output_spec *out, const char *name, size_t n, ...)
{
    va_list ap;

    out->files = cl_reallocarray(out->files, out->n_files + 1, sizeof(*out->files));
    struct output_file *f = &out->files[out->n_files++];
    *f = (struct output_file){.name = cl_strdup(name), .n_parts = n};
    va_start(ap, n);
    for (size_t i = 0; i < n; i++) {
        f->parts[i] = (enum output_part)va_arg(ap, int);
    }
    va_end(ap);
    return f;
}

static inline void resolve(struct output_test *o)
{
    struct cl_err err = {0};

    output_plans_deinit(&o->plans);
    if (output_resolve(&o->t.paths, &o->config, &o->object, &o->rev, &o->plans, &err) < 0) {
        fail_msg("output_resolve: %s: %s", err.reason, err.text);
    }
}

static inline unsigned planned_mode(const struct output_plan *p, const char *name)
{
    for (size_t i = 0; i < p->n_files; i++) {
        if (cl_streq(p->files[i].name, name)) {
            return p->files[i].mode;
        }
    }
    fail_msg("no %s in the plan", name);
    return 0;
}

static inline void record(struct memory_output *rec, const struct output_plan *plan)
{
    cl_free(rec->directory);
    cl_free(rec->content_hash);
    cl_strv_deinit(&rec->files);
    *rec = (struct memory_output){.directory = cl_strdup(plan->directory),
                                  .content_hash = cl_strdup(plan->content_hash)};
    for (size_t i = 0; i < plan->n_files; i++) {
        cl_strv_add(&rec->files, plan->files[i].name);
    }
    rec->stamp_hash = output_stamp(rec);
}

/* Resolves, writes all plans in one batch, and records them. */
static inline void write_all(struct output_test *o)
{
    struct disk_batch *b = disk_batch_create();
    struct cl_err err = {0};

    resolve(o);
    for (size_t i = 0; i < o->plans.len; i++) {
        if (output_put(&o->t.paths, &o->plans.items[i], b, &err) < 0) {
            fail_msg("output_put: %s: %s", err.reason, err.text);
        }
    }
    commit(b);
    for (size_t i = 0; i < o->plans.len; i++) {
        record(&o->recs[i], &o->plans.items[i]);
    }
}

static inline void assert_verdict(const struct output_test *o, size_t i, enum output_verdict wanted,
                                  const char *part)
{
    const struct memory_output *rec = o->recs[i].directory != NULL ? &o->recs[i] : NULL;
    char detail[200];
    enum output_verdict v = output_check(&o->plans.items[i], rec, detail);

    if (v != wanted || strstr(detail, part) == NULL) {
        fail_msg("verdict %d (wanted %d): \"%s\" (wanted \"%s\")", (int)v, (int)wanted, detail,
                 part);
    }
}

static inline void assert_content(const struct output_test *o, const char *file, const char *wanted)
{
    char *text = get(&o->t, file);

    assert_string_equal(text, wanted);
    cl_free(text);
}

static inline void assert_content_exists(const struct output_test *o, const char *file)
{
    char *text = get(&o->t, file);

    assert_has(text, "-----BEGIN CERTIFICATE-----");
    cl_free(text);
}

#define output_test(f) cmocka_unit_test_setup_teardown(f, output_setup, output_teardown)

#endif
