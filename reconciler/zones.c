/* SPDX-License-Identifier: Apache-2.0 */
/* zones: reads TZif files; "UTC" and POSIX texts need none. */
#include "reconciler/zones.h"

#include "backends/rt/disk.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_str.h"

#include <string.h>

#define DIRECTORY "/usr/share/zoneinfo"
#define NAMES DIRECTORY "/tzdata.zi" /* every zone and link of the database, as text */
#define ZONE_MAX ((size_t)256 << 10)
#define NAMES_MAX ((size_t)1 << 20)

static struct cl_tz *load(const char *name)
{
    struct cl_tz *zone = cl_streq(name, "UTC") || strpbrk(name, "0123456789,<") != NULL
                             ? cl_tz_parse_posix(name)
                             : NULL;
    struct cl_buf bytes = {0};
    struct cl_err err = {0};

    if (zone == NULL && strstr(name, "..") == NULL) {
        char *path = cl_printf(DIRECTORY "/%s", name);
        if (disk_read(path, ZONE_MAX, &bytes, NULL, &err) == 0) {
            zone = cl_tz_parse(bytes.data, bytes.len);
        }
        cl_free(path);
        cl_buf_deinit(&bytes);
    }
    return zone;
}

const struct cl_tz *zones_get(struct zones *z, const char *name)
{
    struct cl_tz *zone = cl_map_get(&z->by_name, name);

    if (zone == NULL && (zone = load(name)) != NULL) {
        (void)cl_map_set(&z->by_name, name, zone);
    }
    return zone;
}

void zones_deinit(struct zones *z)
{
    size_t pos = 0;
    const char *name;
    void *zone;

    while (cl_map_next(&z->by_name, &pos, &name, &zone)) {
        cl_tz_destroy(zone);
    }
    cl_map_deinit(&z->by_name);
}

/* Lines "Z NAME ..." and "L TARGET NAME"; the name that differs least. */
static void nearest(char *text, const char *name, char *best, size_t size)
{
    unsigned least = 4;
    char *next = NULL;

    for (char *line = text; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        const char *candidate = NULL;
        if (line[0] == 'Z' && line[1] == ' ') {
            candidate = line + 2;
        } else if (line[0] == 'L' && line[1] == ' ' && strrchr(line + 2, ' ') != NULL) {
            candidate = strrchr(line + 2, ' ') + 1;
        }
        if (candidate != NULL) {
            char *one = cl_strndup(candidate, strcspn(candidate, " "));
            unsigned distance = cl_str_distance(one, name);
            if (distance < least) {
                least = distance;
                (void)cl_format(best, size, "%s", one);
            }
            cl_free(one);
        }
    }
}

bool zones_exists(const char *name, char *hint, size_t size)
{
    struct cl_tz *zone = load(name);
    struct cl_buf names = {0};
    struct cl_err err = {0};
    char best[64] = "";

    if (zone != NULL) {
        cl_tz_destroy(zone);
        return true;
    }
    if (disk_read(NAMES, NAMES_MAX, &names, NULL, &err) < 0) {
        (void)cl_format(hint, size,
                        "; is tzdata installed? A POSIX TZ text such as "
                        "\"CET-1CEST,M3.5.0,M10.5.0/3\" needs none");
        return false;
    }
    if (names.data != NULL) {
        nearest(names.data, name, best, sizeof best);
    }
    cl_buf_deinit(&names);
    (void)cl_format(hint, size, "%s%s%s", best[0] != '\0' ? "; did you mean " : "", best,
                    best[0] != '\0' ? "?" : "");
    return false;
}
