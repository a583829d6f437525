/* SPDX-License-Identifier: Apache-2.0 */
/* spec_fixture: parse a text, then look at objects and problems. A problem is written as the tests
 * compare it: "LINE:COLUMN: TEXT", warnings with "warning: " before TEXT. */
#ifndef SPEC_FIXTURE_H
#define SPEC_FIXTURE_H

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "spec/spec_parse.h"
#include "tests/unit/unit.h"

#include <string.h>

struct parsed {
    int rc;
    struct object_list objects;
    struct spec_problems problems;
};

static inline void parsed_deinit(struct parsed *p)
{
    object_list_deinit(&p->objects);
    spec_problems_deinit(&p->problems);
}

static inline struct parsed parse_with(const char *text, const struct config *config)
{
    struct parsed p = {0};

    p.rc = spec_parse(text, strlen(text), config, &p.objects, &p.problems);
    assert_true(p.rc == 0 || p.objects.len == 0); /* all or nothing */
    return p;
}

/* All problems, one a line. Owned. */
static inline char *problems_text(const struct spec_problems *p)
{
    struct cl_buf b;

    cl_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < p->len; i++) {
        const struct spec_problem *one = &p->items[i];
        (void)cl_buf_addf(&b, "%u:%u: %s%s\n", one->line, one->column,
                          one->warning ? "warning: " : "", one->text);
    }
    return cl_buf_take(&b);
}

/* The text is accepted with exactly these objects; the caller frees. */
static inline struct parsed parse_ok(const char *text, const struct config *config, size_t objects)
{
    struct parsed p = parse_with(text, config);
    char *problems = problems_text(&p.problems);

    if (p.rc != 0) {
        print_message("%s\n%s", text, problems);
    }
    cl_free(problems);
    assert_int_equal(p.rc, 0);
    assert_int_equal(p.objects.len, objects);
    return p;
}

/* The problems are exactly @expected. */
static inline void expect_problems(const char *text, const struct config *config,
                                   const char *expected)
{
    struct parsed p = parse_with(text, config);
    char *problems = problems_text(&p.problems);

    if (strcmp(problems, expected) != 0) {
        print_message("%s\n", text);
    }
    assert_string_equal(problems, expected);
    cl_free(problems);
    parsed_deinit(&p);
}

/* A Certificate with @spec ("key: value" lines, indented by two) after its four first lines; the
 * spec starts in line 5. Owned. */
static inline char *cert_text(const char *spec)
{
    return cl_printf("apiVersion: certloop/v1\nkind: Certificate\nmetadata: {name: x}\nspec:\n"
                     "  dnsNames: [example.com]\n%s",
                     spec);
}

/* The same for other APIs; metadata and names are given. */
static inline char *object_text(const char *api, const char *kind, const char *spec)
{
    return cl_printf("apiVersion: %s\nkind: %s\nmetadata: {name: x}\nspec:\n%s", api, kind, spec);
}

static inline void expect_cert_problems(const char *spec, const struct config *config,
                                        const char *expected)
{
    char *text = cert_text(spec);

    expect_problems(text, config, expected);
    cl_free(text);
}

static inline struct parsed parse_cert(const char *spec, const struct config *config)
{
    char *text = cert_text(spec);
    struct parsed p = parse_ok(text, config, 1);

    cl_free(text);
    return p;
}

/* A Configuration of these lines below spec, indented by two. */
static inline struct config *config_of(const char *spec)
{
    struct spec_problems problems = {0};
    struct config *config = NULL;
    char *text = cl_printf("apiVersion: certloop/v1\nkind: Configuration\nspec:\n%s", spec);
    int rc = spec_parse_config(text, strlen(text), &config, &problems);
    char *list = problems_text(&problems);

    assert_string_equal(list, "");
    assert_int_equal(rc, 0);
    cl_free(list);
    cl_free(text);
    spec_problems_deinit(&problems);
    return config;
}

#endif
