/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_dirs: which directories may be used together. The spec directory must not hold what the
 * daemon itself writes: every status would look like a changed spec. */
#include "backends/rt/disk.h"
#include "reconciler/daemon.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define DEPTH_MAX 128 /* of a path; more is a loop */

/* @path, or what there is of it: a directory that is made later is made in that one. */
static char *existing(const char *path)
{
    char *p = cl_strdup(path);
    struct disk_stat st;
    char *slash;

    while ((disk_stat(p, &st, NULL) < 0 || st.type == DISK_NONE) &&
           (slash = strrchr(p, '/')) != NULL && slash != p) {
        *slash = '\0';
    }
    return p;
}

/* Is @path @dir or below it, whatever links lead there? By walking up from it. */
static bool is_below(const char *path, const char *dir)
{
    struct disk_stat want;
    struct disk_stat at = {0};
    struct disk_stat below = {0};
    bool found = false;

    if (disk_stat(dir, &want, NULL) < 0 || want.type != DISK_DIR) {
        return false;
    }
    char *p = existing(path);
    for (int i = 0; i < DEPTH_MAX && !found && disk_stat(p, &at, NULL) == 0 &&
                    at.type == DISK_DIR && (at.dev != below.dev || at.ino != below.ino);
         i++) {
        found = at.dev == want.dev && at.ino == want.ino;
        below = at;
        char *up = cl_printf("%s/..", p);
        cl_free(p);
        p = up;
    }
    cl_free(p);
    return found;
}

int daemon_check_directories(const struct daemon *d, struct cl_err *err)
{
    char *specs = cl_printf("%s/", d->paths.specs);
    char *state = cl_printf("%s/", d->paths.state);
    char *live = cl_printf("%s/", d->paths.live);
    bool overlap = cl_str_starts(state, specs) || cl_str_starts(live, specs) ||
                   cl_str_starts(specs, state) || is_below(state, specs) || is_below(live, specs) ||
                   is_below(specs, state);
    cl_free(specs);
    cl_free(state);
    cl_free(live);
    if (overlap) {
        return cl_fail(err, CL_ERR_PERMANENT, "DirectoriesOverlap",
                       "the spec directory %s and the state directory %s must not contain each "
                       "other: every status would look like a changed spec",
                       d->paths.specs, d->paths.state);
    }
    return 0;
}
