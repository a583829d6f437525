/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_watch: which directories are watched, and who is told what a hint says. */
#include "reconciler/config_file.h"
#include "reconciler/inventory.h"
#include "reconciler/requests.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

/* Something vanished from the live directory: its owners look at once. */
static void live_changed(struct daemon *d, const char *name)
{
    char *prefix = cl_printf("%s/%s/", d->paths.live, name);
    const char *path;
    size_t pos = 0;
    void *owner;
    while (cl_map_next(&d->claims, &pos, &path, &owner)) {
        if (cl_str_starts(path, prefix)) {
            daemon_wake_unit(d, owner);
        }
    }
    cl_free(prefix);
}

static void hinted(void *user, const char *dir, const char *name, enum watch_hint hint)
{
    struct daemon *d = user;
    size_t specs = strlen(d->paths.specs);

    if (d->stopping || !d->scanned) { /* the first scan sees everything */
        return;
    }
    if (cl_streq(dir, d->paths.specs)) {
        inventory_look(d->inventory, name, hint);
    } else if (cl_str_starts(dir, d->paths.specs) && dir[specs] == '/') {
        char *relative = cl_printf("%s/%s", dir + specs + 1, cl_str_or(name, ""));
        inventory_look(d->inventory, relative, name == NULL ? WATCH_RESCAN : hint);
        cl_free(relative);
    } else if (cl_streq(dir, d->paths.live)) {
        if (name != NULL && hint == WATCH_GONE) {
            live_changed(d, name);
        } else if (hint == WATCH_RESCAN) {
            daemon_wake_all(d);
        }
    } else if (cl_str_ends(dir, "/requests")) {
        requests_scan(d->requests);
    } else {
        config_file_changed(d);
    }
}

void daemon_watch(struct daemon *d)
{
    d->watch = watch_create(d->loop, hinted, d);
    char *requests = paths_state(&d->paths, "requests");
    char *config_dir = config_file_directory(d);
    watch_add(d->watch, d->paths.specs);
    watch_add(d->watch, d->paths.live);
    watch_add(d->watch, requests);
    if (!cl_streq(config_dir, d->paths.specs)) {
        watch_add(d->watch, config_dir);
    }
    cl_free(config_dir);
    cl_free(requests);
}
