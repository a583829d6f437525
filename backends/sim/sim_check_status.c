/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check_status: status files: they parse, and Ready is never True for what has expired. */
#include "backends/sim/sim_check.h"
#include "backends/sim/sim_fs.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define OVERVIEWS 50u
#define GRACE (2 * CL_SECOND)        /* a busy loop may be that late */
#define AFTER_START (30 * CL_SECOND) /* a daemon that was dead needs a moment */

static json_t *load(const char *path)
{
    const struct sim_blob *b = sim_fs_get(path);

    return b != NULL ? json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static const json_t *condition(const json_t *root, const char *type)
{
    const json_t *list = json_object_get(json_object_get(root, "status"), "conditions");
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c)
    {
        if (cl_streq(json_string_value(json_object_get(c, "type")), type)) {
            return c;
        }
    }
    return NULL;
}

static const char *member(const json_t *o, const char *key)
{
    return cl_str_or(json_string_value(json_object_get(o, key)), "");
}

static struct sim_status *entry(const char *path)
{
    struct sim_status *s = cl_map_get(&sim->check->status, path);

    if (s == NULL) {
        s = cl_new(struct sim_status);
        (void)cl_map_set(&sim->check->status, path, s);
    }
    return s;
}

void sim_check_status(const char *path)
{
    bool certificate = strchr(path + strlen(SIM_STATE "/status/"), '/') == NULL &&
                       path[strlen(SIM_STATE "/status/")] != '_';

    if (!cl_str_ends(path, ".json")) {
        return;
    }
    if (sim_fs_get(path) == NULL) {
        cl_free(cl_map_remove(&sim->check->status, path));
        return;
    }
    if (path[strlen(SIM_STATE "/status/")] == '_' && ++sim->check->overviews % OVERVIEWS != 0) {
        return; /* written every second, long, and of one make: a sample will do */
    }
    json_t *root = load(path);
    if (root == NULL) {
        sim_violated("StatusParses", "%s is no JSON", path);
        return;
    }
    if (certificate) {
        struct sim_status *s = entry(path);
        cl_time until = 0;
        s->ready = cl_streq(member(condition(root, "Ready"), "status"), "True");
        bool expired = cl_streq(member(condition(root, "Ready"), "reason"), "Expired");
        sim->check->expired += expired && !s->expired ? 1 : 0;
        s->expired = expired;
        (void)cl_time_parse(member(json_object_get(root, "status"), "notAfter"), &until);
        s->not_after = until;
        if (s->ready) {
            sim->check->next_expiry = cl_time_min(sim->check->next_expiry, until);
        }
    }
    json_decref(root);
}

void sim_check_expiry(void)
{
    SIM_WORLD();
    struct sim_check *c = sim->check;
    cl_time now = sim_wall();
    const char *path;
    size_t pos = 0;
    void *value;

    if (now < c->next_expiry + GRACE || sim->now < c->alive_since + AFTER_START) {
        return;
    }
    c->next_expiry = CL_NEVER;
    while (cl_map_next(&c->status, &pos, &path, &value)) {
        const struct sim_status *s = value;
        if (s->ready && s->not_after + GRACE <= now) {
            sim_violated("ReadyIsNotExpired", "%s says Ready, but its certificate has expired",
                         path);
        } else if (s->ready) {
            c->next_expiry = cl_time_min(c->next_expiry, s->not_after);
        }
    }
}

static char *status_path(const char *name)
{
    return cl_str_starts(name, "issuer/")
               ? cl_printf(SIM_STATE "/status/issuers/%s.json", name + strlen("issuer/"))
               : cl_printf(SIM_STATE "/status/%s.json", name);
}

char *sim_condition(const char *name, const char *type, const char *field)
{
    SIM_WORLD();
    char *path = status_path(name);
    json_t *root = load(path);
    char *text = cl_strdup(member(condition(root, type), field));

    json_decref(root);
    cl_free(path);
    return text;
}

long sim_revision(const char *name)
{
    SIM_WORLD();
    char *path = status_path(name);
    json_t *root = load(path);
    json_int_t n = json_integer_value(json_object_get(json_object_get(root, "status"), "revision"));

    json_decref(root);
    cl_free(path);
    return (long)n;
}

char *sim_status_member(const char *name, const char *dotted)
{
    SIM_WORLD();
    char *path = status_path(name);
    json_t *root = load(path);
    json_t *at = json_object_get(root, "status");
    struct cl_strv keys = {0};
    char *text;

    cl_strv_split(&keys, dotted, ".");
    cl_strv_for_each(key, &keys) {
        uint64_t index = 0;
        at = json_is_array(at) && cl_parse_u64(key, 1000, &index) == 0 ? json_array_get(at, index)
                                                                       : json_object_get(at, key);
    }
    if (json_is_string(at)) {
        text = cl_strdup(json_string_value(at));
    } else {
        text = at != NULL ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : cl_strdup("");
    }
    cl_strv_deinit(&keys);
    json_decref(root);
    cl_free(path);
    return text;
}
