/* SPDX-License-Identifier: Apache-2.0 */
/* cli_objects: see the header. */
#include "reconciler/cli/cli_objects.h"

#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "reconciler/inventory.h"
#include "spec/base/cl_alloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MAX ((size_t)16 << 20)
#define HEARTBEAT_LATE (90 * CL_SECOND)

cl_time cli_now(void)
{
    struct loop *l = loop_create();
    cl_time now = loop_now(l);
    loop_destroy(l);
    return now;
}

/* ---- names ---- */

char *cli_full_name(struct cli *c, const char *name)
{
    if (strchr(name, '/') != NULL || cl_str_empty(c->namespace_)) {
        return cl_strdup(name);
    }
    return cl_printf("%s/%s", c->namespace_, name);
}

/* ---- status files ---- */

void cli_objects_deinit(struct cli_objects *l)
{
    for (size_t i = 0; i < l->len; i++) {
        status_deinit(&l->items[i].status);
        json_decref(l->items[i].json);
        cl_free(l->items[i].display);
    }
    cl_free(l->items);
    memset(l, 0, sizeof(*l));
}

json_t *cli_state_json(struct cli *c, const char *relative)
{
    char *path = paths_state(&c->paths, relative);
    struct cl_buf text;
    struct cl_err err = {0};
    json_t *root = NULL;
    if (disk_read(path, STATUS_MAX, &text, NULL, &err) == 0) {
        root = json_loadb(cl_buf_str(&text), text.len, 0, NULL);
        cl_buf_deinit(&text);
    }
    cl_free(path);
    return root;
}

bool cli_daemon_alive(struct cli *c, json_t **ret_daemon)
{
    json_t *d = cli_state_json(c, "status/_daemon.json");
    cl_time beat = 0;
    bool stopped = json_is_true(json_object_get(d, "stopped"));
    const char *text = json_string_value(json_object_get(d, "heartbeat"));
    bool alive = !stopped && text != NULL && cl_time_parse(text, &beat) == 0 &&
                 cli_now() - beat < HEARTBEAT_LATE;
    if (ret_daemon != NULL) {
        *ret_daemon = d;
    } else {
        json_decref(d);
    }
    return alive;
}

static bool selected(struct cli *c, const struct cli_object *o, const struct cl_strv *names,
                     const struct cl_strv *labelled)
{
    if (names != NULL && names->len > 0) {
        bool found = false;
        for (size_t i = 0; i < names->len && !found; i++) {
            char *full = cli_full_name(c, names->items[i]);
            found = cl_streq(full, o->display);
            cl_free(full);
        }
        if (!found) {
            return false;
        }
    } else if (c->namespace_ != NULL && !c->all_namespaces &&
               !cl_streq(c->namespace_, cl_str_or(o->status.namespace_, ""))) {
        return false;
    }
    return c->labels.len == 0 || cl_strv_has(labelled, o->display);
}

struct search {
    struct cli *c;
    bool issuers;
    const struct cl_strv *names, *labelled;
    struct cli_objects *ret;
};

static void load_one(const struct search *s, const char *path)
{
    struct cl_buf text;
    struct cl_err err = {0};
    struct cli_object o = {.is_issuer = s->issuers};

    if (disk_read(path, STATUS_MAX, &text, NULL, &err) < 0) {
        return; /* it was just removed */
    }
    if (status_from_json(cl_buf_str(&text), &o.status, &err) < 0) {
        (void)cli_error(s->c, 0, "%s: %s", path, err.text);
        cl_buf_deinit(&text);
        return;
    }
    o.json = json_loadb(cl_buf_str(&text), text.len, 0, NULL);
    cl_buf_deinit(&text);
    const char *ns = cl_str_or(o.status.namespace_, "");
    o.display = cl_printf("%s%s%s", ns, ns[0] != '\0' ? "/" : "", cl_str_or(o.status.name, ""));
    if (!selected(s->c, &o, s->names, s->labelled)) {
        struct cli_objects one = {.items = cl_new(struct cli_object), .len = 1};
        one.items[0] = o;
        cli_objects_deinit(&one);
        return;
    }
    struct cli_objects *l = s->ret;
    l->items = cl_reallocarray(l->items, l->len + 1, sizeof(*l->items));
    l->items[l->len++] = o;
}

static int load_directory(const struct search *s, const char *dir, bool top)
{
    struct cl_strv entries = {0};
    struct cl_err err = {0};
    if (disk_list(dir, &entries, &err) < 0) {
        return cl_streq(err.reason, "NotFound") && !top ? 0 : cli_error(s->c, 1, "%s", err.text);
    }
    cl_strv_for_each(name, &entries) {
        char *path = cl_printf("%s/%s", dir, name);
        struct disk_stat st;
        if (name[0] == '_' || name[0] == '.' || disk_stat(path, &st, &err) < 0) {
            /* not an object */
        } else if (st.type == DISK_DIR && top && !cl_streq(name, "issuers")) {
            (void)load_directory(s, path, false);
        } else if (st.type == DISK_FILE && cl_str_ends(name, ".json")) {
            load_one(s, path);
        }
        cl_free(path);
    }
    cl_strv_deinit(&entries);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cli_object *)a)->display, ((const struct cli_object *)b)->display);
}

/* Names of the objects that carry all labels asked for with -l, from the spec directory. */
static void find_labelled(struct cli *c, struct cl_strv *ret);

int cli_objects_load(struct cli *c, bool issuers, const struct cl_strv *names,
                     struct cli_objects *ret, struct cl_strv *ret_missing)
{
    struct cl_strv labelled = {0};
    char *dir = paths_state(&c->paths, issuers ? "status/issuers" : "status");

    if (c->labels.len > 0) {
        find_labelled(c, &labelled);
    }
    memset(ret, 0, sizeof(*ret));
    const struct search s = {c, issuers, names, &labelled, ret};
    int rc = load_directory(&s, dir, true);
    cl_free(dir);
    cl_strv_deinit(&labelled);
    if (ret->len > 1) {
        qsort(ret->items, ret->len, sizeof(*ret->items), by_name);
    }
    for (size_t i = 0; ret_missing != NULL && names != NULL && i < names->len; i++) {
        char *full = cli_full_name(c, names->items[i]);
        bool found = false;
        for (size_t k = 0; k < ret->len && !found; k++) {
            found = cl_streq(ret->items[k].display, full);
        }
        if (!found) {
            cl_strv_add(ret_missing, full);
        }
        cl_free(full);
    }
    return rc;
}

/* ---- spec files ---- */

struct config *cli_config(struct cli *c)
{
    struct cl_buf text;
    struct cl_err err = {0};
    struct config *config = NULL;
    struct spec_problems problems = {0};
    int rc;

    if (disk_read(c->paths.config, SPEC_FILE_MAX, &text, NULL, &err) == 0) {
        rc = spec_parse_config(cl_buf_str(&text), text.len, &config, &problems);
        cl_buf_deinit(&text);
    } else if (cl_streq(err.reason, "NotFound")) {
        rc = spec_parse_config(NULL, 0, &config, &problems);
    } else {
        (void)cli_error(c, 1, "%s", err.text);
        return NULL;
    }
    for (size_t i = 0; rc < 0 && i < problems.len; i++) {
        (void)cli_error(c, 1, "%s:%u:%u: %s", c->paths.config, problems.items[i].line,
                        problems.items[i].column, problems.items[i].text);
    }
    spec_problems_deinit(&problems);
    if (config != NULL) {
        config->zone_exists = zones_exists;
        cl_strv_for_each(root, &c->output_roots) {
            cl_strv_add(&config->output_roots, root);
        }
    }
    return config;
}

void cli_declarations_deinit(struct cli_declarations *l)
{
    for (size_t i = 0; i < l->len; i++) {
        cl_free(l->items[i].display);
        cl_free(l->items[i].file);
    }
    cl_free(l->items);
    memset(l, 0, sizeof(*l));
}

static bool has_labels(struct cli *c, const struct object *o)
{
    for (size_t i = 0; i < c->labels.len; i++) {
        const char *equals = strchr(c->labels.items[i], '=');
        char *key = cl_strndup(c->labels.items[i], (size_t)(equals - c->labels.items[i]));
        bool same = cl_streq(string_map_get(&o->metadata.labels, key), equals + 1);
        cl_free(key);
        if (!same) {
            return false;
        }
    }
    return true;
}

struct visit {
    struct cli_declarations *certificates; /* or NULL */
    struct cl_strv *labelled;              /* or NULL */
    struct cli *c;
};

static void visit_file(struct visit *v, const struct config *config, const char *name)
{
    char *path = cl_printf("%s/%s", v->c->paths.specs, name);
    struct cl_buf text;
    struct cl_err err = {0};
    struct object_list objects = {0};
    struct spec_problems problems = {0};

    if (disk_read(path, SPEC_FILE_MAX, &text, NULL, &err) == 0) {
        if (spec_parse(cl_buf_str(&text), text.len, config, &objects, &problems) < 0 &&
            v->certificates != NULL) {
            v->certificates->broken++;
        }
        for (size_t i = 0; i < objects.len; i++) {
            const struct object *o = objects.items[i];
            char *display = object_display_name(o);
            if (v->labelled != NULL && has_labels(v->c, o)) {
                cl_strv_add(v->labelled, display);
            }
            if (v->certificates != NULL && o->kind == SPEC_CERTIFICATE) {
                struct cli_declarations *l = v->certificates;
                l->items = cl_reallocarray(l->items, l->len + 1, sizeof(*l->items));
                struct cli_declared *d = &l->items[l->len++];
                d->display = cl_strdup(display);
                d->file = cl_strdup(name);
                cl_sha256_hex(cl_buf_str(&text), text.len, d->sha256);
            }
            cl_free(display);
        }
        cl_buf_deinit(&text);
    }
    object_list_deinit(&objects);
    spec_problems_deinit(&problems);
    cl_free(path);
}

static int visit_all(struct visit *v)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    struct config *config = cli_config(v->c);
    if (config == NULL || disk_list(v->c->paths.specs, &names, &err) < 0) {
        config_destroy(config);
        return -1;
    }
    cl_strv_for_each(name, &names) {
        if (inventory_name_ok(name)) {
            visit_file(v, config, name);
        }
    }
    cl_strv_deinit(&names);
    config_destroy(config);
    return 0;
}

static void find_labelled(struct cli *c, struct cl_strv *ret)
{
    struct visit v = {.c = c, .labelled = ret};
    (void)visit_all(&v);
}

int cli_declarations_load(struct cli *c, struct cli_declarations *ret)
{
    struct visit v = {.c = c, .certificates = ret};
    memset(ret, 0, sizeof(*ret));
    return visit_all(&v);
}

/* ---- printing ---- */

void cli_table_row(struct cli_table *t, ...)
{
    va_list ap;
    const char *cell;
    size_t n = 0;
    va_start(ap, t);
    while ((cell = va_arg(ap, const char *)) != NULL) {
        cl_strv_add(&t->cells, cell[0] != '\0' ? cell : "-");
        n++;
    }
    va_end(ap);
    t->columns = n;
}

static size_t width(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xc0u) != 0x80u ? 1u : 0u; /* code points */
    }
    return n;
}

static const char *cell_color(const struct cli *c, const char *cell)
{
    if (!c->color) {
        return "";
    }
    if (cl_streq(cell, "True") || cl_streq(cell, "OK")) {
        return "\x1b[32m";
    }
    return cl_streq(cell, "False") || cl_streq(cell, "Rejected") ? "\x1b[31m" : "";
}

void cli_table_print(struct cli *c, struct cli_table *t)
{
    size_t *widest = cl_calloc(t->columns + 1, sizeof(*widest));
    for (size_t i = 0; i < t->cells.len; i++) {
        size_t w = width(t->cells.items[i]);
        size_t *column = &widest[i % t->columns];
        *column = w > *column ? w : *column;
    }
    for (size_t i = 0; i < t->cells.len; i++) {
        size_t column = i % t->columns;
        const char *cell = t->cells.items[i];
        const char *color = cell_color(c, cell);
        bool last = column + 1 == t->columns;
        (void)fprintf(c->out, "%s%s%s", color, cell, color[0] != '\0' ? "\x1b[0m" : "");
        if (last) {
            (void)fputc('\n', c->out);
        } else {
            (void)fprintf(c->out, "%*s", (int)(widest[column] - width(cell)) + 3, "");
        }
    }
    cl_free(widest);
    cl_strv_deinit(&t->cells);
}

const char *cli_relative(cl_time t, char buf[CL_DURATION_TEXT])
{
    cl_time now = cli_now();
    cl_time d = t > now ? t - now : now - t;
    cl_time unit = d >= CL_DAY * 2 ? CL_DAY : (d >= CL_HOUR * 2 ? CL_HOUR : CL_MINUTE);
    const char *letter = unit == CL_DAY ? "d" : (unit == CL_HOUR ? "h" : "m");

    if (t == 0 || t == CL_NEVER) {
        (void)cl_format(buf, CL_DURATION_TEXT, "-");
    } else if (d < 2 * CL_MINUTE) {
        (void)cl_format(buf, CL_DURATION_TEXT, t > now ? "in %lds" : "%lds ago",
                        (long)(d / CL_SECOND));
    } else {
        (void)cl_format(buf, CL_DURATION_TEXT, t > now ? "in %ld%s" : "%ld%s ago", (long)(d / unit),
                        letter);
    }
    return buf;
}

void cli_print_json(struct cli *c, json_t *take_root)
{
    char *text = json_dumps(take_root, JSON_INDENT(2));
    if (text != NULL) {
        (void)fprintf(c->out, "%s\n", text);
        cl_free(text); /* jansson uses cl_alloc (cli_main) */
    }
    json_decref(take_root);
}
