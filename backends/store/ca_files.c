/* SPDX-License-Identifier: Apache-2.0 */
/* ca_files: directories of YAML files -> the catalog. */
#include "backends/store/ca_files.h"

#include "backends/rt/disk.h"
#include "spec/base/cl_alloc.h"

#define FILE_MAX ((size_t)64 << 10)

static void note(struct cl_strv *problems, const char *path, const struct spec_problems *found)
{
    for (size_t i = 0; problems != NULL && i < found->len; i++) {
        const struct spec_problem *p = &found->items[i];
        cl_strv_take(problems, cl_printf("%s:%u:%u: %s", path, p->line, p->column, p->text));
    }
}

static void load_file(const char *path, struct ca_catalog *ret, struct cl_strv *problems)
{
    struct cl_buf text;
    struct cl_err err = {0};
    struct known_ca k;
    struct spec_problems found = {0};

    if (disk_read(path, FILE_MAX, &text, NULL, &err) < 0) {
        if (problems != NULL) {
            cl_strv_add(problems, err.text);
        }
        return;
    }
    if (known_ca_parse(cl_buf_str(&text), text.len, &k, &found) == 0) {
        ca_catalog_add(ret, &k);
    } else {
        note(problems, path, &found);
    }
    spec_problems_deinit(&found);
    cl_buf_deinit(&text);
}

void ca_files_load(const struct cl_strv *dirs, struct ca_catalog *ret, struct cl_strv *ret_problems)
{
    struct cl_strv seen = {0};

    *ret = (struct ca_catalog){0};
    cl_strv_for_each(dir, dirs) {
        struct cl_strv names = {0};
        struct cl_err err = {0};
        if (disk_list(dir, &names, &err) < 0) {
            continue; /* not installed, or not for us: nothing is known then */
        }
        cl_strv_for_each(name, &names) {
            if (name[0] != '.' && cl_str_ends(name, ".yaml") && !cl_strv_has(&seen, name)) {
                char *path = cl_printf("%s/%s", dir, name);
                cl_strv_add(&seen, name);
                load_file(path, ret, ret_problems);
                cl_free(path);
            }
        }
        cl_strv_deinit(&names);
    }
    cl_strv_deinit(&seen);
}
