/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_spec: any bytes as a spec file. What is accepted must come back from its canonical form with
 * the same bytes, and from its YAML with the same meaning. */
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/spec_check.h"
#include "spec/spec_parse.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_object(const struct object *o)
{
    struct object *back = NULL;
    char problem[300];
    char *text = object_to_canonical(o);
    int rc = object_from_canonical(text, &back, NULL);

    cl_assert(rc == 0);
    char *again = object_to_canonical(back);
    cl_assert(strcmp(text, again) == 0 && strcmp(o->spec_hash, back->spec_hash) == 0);
    cl_free(object_to_yaml(o));
    if (o->kind == SPEC_CERTIFICATE) {
        (void)cert_spec_acme_problem(o->cert, NULL, problem, sizeof(problem));
    }
    cl_free(again);
    cl_free(text);
    object_destroy(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spec_problems problems = {0};
    struct object_list objects;
    struct config *config = NULL;

    if (spec_parse((const char *)data, size, NULL, &objects, &problems) == 0) {
        for (size_t i = 0; i < objects.len; i++) {
            check_object(objects.items[i]);
        }
    } else {
        cl_assert(problems.len > 0);
    }
    object_list_deinit(&objects);
    spec_problems_deinit(&problems);
    if (spec_parse_config((const char *)data, size, &config, &problems) == 0) {
        config_destroy(config);
    }
    spec_problems_deinit(&problems);
    return 0;
}
