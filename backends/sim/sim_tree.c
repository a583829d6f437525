/* SPDX-License-Identifier: Apache-2.0 */
/* sim_tree: reading, and nothing else: what is simulated never changes a file. */
#include "backends/sim/sim_tree.h"

#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t)16 << 20)

char *sim_tree_file(const char *path)
{
    FILE *f = fopen(path, "re");
    struct cl_buf b;
    char chunk[4096];
    size_t n;

    if (f == NULL) {
        (void)fprintf(stderr, "certloop-simulate: cannot read %s\n", path);
        return NULL;
    }
    cl_buf_init(&b, FILE_BYTES_MAX);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        (void)cl_buf_add(&b, chunk, n);
    }
    (void)fclose(f); /* opened for reading: nothing to lose */
    return cl_buf_take(&b);
}

int sim_tree_read(const char *dir, const char *as, const char *suffix, struct cl_strv *ret)
{
    DIR *d = opendir(dir);
    struct cl_strv names = {0};
    const struct dirent *e;

    if (d == NULL) {
        return -1;
    }
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] != '.' && cl_str_ends(e->d_name, suffix)) {
            cl_strv_add(&names, e->d_name);
        }
    }
    (void)closedir(d);
    cl_strv_sort(&names);
    cl_strv_for_each(name, &names) {
        char *path = cl_printf("%s/%s", dir, name);
        struct stat st;
        char *text = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? sim_tree_file(path) : NULL;
        if (text != NULL) {
            cl_strv_take(ret, cl_printf("%s/%s", as, name));
            cl_strv_take(ret, text);
        }
        cl_free(path);
    }
    cl_strv_deinit(&names);
    return 0;
}

bool sim_tree_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}
