/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_recall: at start, units from memory/: a file that is broken or unreadable now keeps the
 * objects it declared last. */
#include "reconciler/inventory_internal.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

static void recall_one(struct inventory *i, bool is_issuer, const char *key)
{
    struct daemon *d = i->d;
    struct memory m;
    struct object *o = NULL;
    struct cl_err err = {0};
    char *path = paths_memory(&d->paths, key, is_issuer ? SPEC_ISSUER : SPEC_CERTIFICATE);

    memory_init(&m);
    if (unit_find(d, is_issuer, key) != NULL) {
        /* a file was faster */
    } else if (memory_load(path, &m, &err) == 0 &&
               object_from_canonical(m.canonical, &o, &err) == 0) {
        bool standby = !is_issuer && standby_is_key(key);
        char *name = cl_printf("%s%s", o->metadata.name, standby ? strrchr(key, '~') : "");
        struct unit *u = unit_create(d, is_issuer, key, o->metadata.namespace_, name);
        cl_free(name);
        u->file = cl_keep_dup(cl_str_or(m.source_path, ""));
        inventory_entry(i, u->file)->declared++;
        if (!is_issuer) {
            unit_claim_written(u, o, &m);
        }
        /* A day of it is no news: clocks are corrected. */
        d->clock_floor = cl_time_max(d->clock_floor, m.last_failure - CL_DAY);
        d->clock_floor = cl_time_max(d->clock_floor, m.loaded_at - CL_DAY);
        daemon_wake_unit(d, u);
    } else {
        cl_log(CL_LOG_WARNING, key, cl_str_or(err.reason, "StateCorrupt"),
               "memory not usable, the spec file decides: %s", err.text);
    }
    object_destroy(o);
    memory_deinit(&m);
    cl_free(path);
}

static void recall_kind(struct inventory *i, bool is_issuer)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    char *dir = paths_state(&i->d->paths, is_issuer ? "memory/_issuers" : "memory");

    if (disk_list(dir, &names, &err) < 0 && !cl_streq(err.reason, "NotFound")) {
        cl_log(CL_LOG_ERROR, "", err.reason, "%s", err.text);
    }
    cl_strv_for_each(name, &names) {
        if (name[0] != '.' && name[0] != '_' && cl_str_ends(name, ".json")) {
            char *key = cl_strndup(name, strlen(name) - strlen(".json"));
            recall_one(i, is_issuer, key);
            cl_free(key);
        }
    }
    cl_strv_deinit(&names);
    cl_free(dir);
}

void inventory_recall(struct inventory *i)
{
    recall_kind(i, true);
    recall_kind(i, false);
}
