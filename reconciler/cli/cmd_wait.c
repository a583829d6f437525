/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_wait: until a condition is true for the bytes that are on disk now. */
#include "backends/rt/watch.h"
#include "reconciler/cli/cli_objects.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

struct wanted { /* one Certificate */
    char *display;
    char sha256[CL_SHA256_TEXT]; /* of the bytes that must be in force; "" = any */
    char *file;
    char last[256]; /* why it is not there yet */
};
struct waiting {
    struct cli *c;
    struct loop *loop;
    struct watch *watch;
    struct loop_timer timeout, poll;
    struct loop_task look;
    struct wanted *items;
    size_t len;
    enum condition_type type;
    enum condition_status status;
    bool keep_waiting;
    int exit_code;
};

/* ---- what to wait for ---- */

static int parse_for(struct waiting *w, const char *text)
{
    const char *name = cl_str_starts(text, "condition=") ? text + strlen("condition=") : NULL;
    w->status = STATUS_TRUE;
    for (enum condition_type t = 0; name != NULL && t < CONDITION_COUNT; t++) {
        size_t len = strlen(condition_type_name(t));
        if (strncmp(name, condition_type_name(t), len) != 0) {
            continue;
        }
        if (name[len] == '\0' || cl_streq(name + len, "=True")) {
            w->type = t;
            return 0;
        }
        if (cl_streq(name + len, "=False")) {
            w->type = t;
            w->status = STATUS_FALSE;
            return 0;
        }
    }
    return cli_usage(w->c, "--for %s: expected condition=Ready, condition=Deployed, ...", text);
}

static void add(struct waiting *w, const char *display, const char *file, const char *sha256)
{
    w->items = cl_reallocarray(w->items, w->len + 1, sizeof(*w->items));
    struct wanted *i = &w->items[w->len++];
    memset(i, 0, sizeof(*i));
    i->display = cl_strdup(display);
    i->file = cl_strdup(file);
    (void)cl_format(i->sha256, sizeof(i->sha256), "%s", cl_str_or(sha256, ""));
}

static const struct cli_declared *find(const struct cli_declarations *l, const char *display)
{
    for (size_t i = 0; i < l->len; i++) {
        if (cl_streq(l->items[i].display, display)) {
            return &l->items[i];
        }
    }
    return NULL;
}

static int choose(struct waiting *w)
{
    struct cli_declarations declared;
    int rc = cli_declarations_load(w->c, &declared);
    bool readable = rc == 0;

    cl_strv_for_each(name, &w->c->args) {
        char *full = cli_full_name(w->c, name);
        const struct cli_declared *d = find(&declared, full);
        add(w, full, d != NULL ? d->file : NULL, d != NULL ? d->sha256 : NULL);
        cl_free(full);
    }
    for (size_t i = 0; w->c->args.len == 0 && i < declared.len; i++) {
        add(w, declared.items[i].display, declared.items[i].file, declared.items[i].sha256);
    }
    rc = 0;
    if (w->c->args.len == 0 && declared.broken > 0 && !w->keep_waiting) {
        rc = cli_error(w->c, 1, "%zu spec files do not parse: certloop validate %s",
                       declared.broken, w->c->paths.specs);
    } else if (w->len == 0) {
        rc = cli_error(w->c, 1, readable ? "no Certificate is declared in %s" : "cannot read %s",
                       w->c->paths.specs);
    }
    cli_declarations_deinit(&declared);
    return rc;
}

/* ---- looking ---- */

/* The daemon has looked at these bytes and does not take them. */
static const char *rejected(struct waiting *w, const struct wanted *i, json_t **ret_summary)
{
    size_t k;
    json_t *v;
    *ret_summary = cli_state_json(w->c, "status/_summary.json");
    json_array_foreach(json_object_get(*ret_summary, "rejected"), k, v)
    {
        if (i->file != NULL && cl_streq(json_string_value(json_object_get(v, "path")), i->file) &&
            cl_streq(json_string_value(json_object_get(v, "sha256")), i->sha256)) {
            return json_string_value(json_object_get(v, "message"));
        }
    }
    return NULL;
}

enum look { LOOK_TRUE, LOOK_NOT_YET, LOOK_NEVER };

static enum look look_at_status(struct waiting *w, struct wanted *i, const struct status *s)
{
    const struct condition *c = &s->conditions[w->type];
    const struct condition *stalled = &s->conditions[CONDITION_STALLED];
    const struct condition *issuing = &s->conditions[CONDITION_ISSUING];

    if (i->sha256[0] != '\0' && strcmp(s->source.sha256, i->sha256) != 0) {
        (void)cl_format(i->last, sizeof(i->last), "the daemon has not taken the file as it is now");
        return strcmp(s->source.pending_sha256, i->sha256) == 0 ? LOOK_NEVER : LOOK_NOT_YET;
    }
    if (c->status == w->status) {
        return LOOK_TRUE;
    }
    (void)cl_format(i->last, sizeof(i->last), "%s is %s/%s: %s", condition_type_name(w->type),
                    c->status == STATUS_ABSENT ? "absent" : condition_status_name(c->status),
                    cl_str_or(c->reason, ""),
                    w->type == CONDITION_READY && !cl_str_empty(issuing->message)
                        ? issuing->message
                        : cl_str_or(c->message, ""));
    if (stalled->status == STATUS_TRUE && !w->keep_waiting) {
        (void)cl_format(i->last, sizeof(i->last), "Stalled/%s: %s", stalled->reason,
                        cl_str_or(stalled->message, ""));
        return LOOK_NEVER;
    }
    return LOOK_NOT_YET;
}

static enum look look_at(struct waiting *w, struct wanted *i)
{
    struct cli_objects l;
    struct cl_strv name = {0};
    json_t *summary = NULL;
    enum look result = LOOK_NOT_YET;

    cl_strv_add(&name, i->display);
    (void)cl_format(i->last, sizeof(i->last), "it has no status yet: does a daemon run on %s?",
                    w->c->paths.state);
    if (cli_objects_load(w->c, false, &name, &l, NULL) == 0 && l.len == 1) {
        result = look_at_status(w, i, &l.items[0].status);
    }
    cli_objects_deinit(&l);
    cl_strv_deinit(&name);
    const char *why = result == LOOK_TRUE ? NULL : rejected(w, i, &summary);
    if (why != NULL && !w->keep_waiting) {
        (void)cl_format(i->last, sizeof(i->last), "SpecInvalid: %s", why);
        result = LOOK_NEVER;
    } else if (result == LOOK_NEVER && w->keep_waiting) {
        result = LOOK_NOT_YET;
    }
    json_decref(summary);
    return result;
}

static void finish(struct waiting *w, int exit_code)
{
    w->exit_code = exit_code;
    loop_stop(w->loop);
}

static void look_due(struct loop_task *t)
{
    struct waiting *w = t->user;
    bool all = true;
    for (size_t i = 0; i < w->len; i++) {
        enum look k = look_at(w, &w->items[i]);
        if (k == LOOK_NEVER) {
            (void)cli_error(w->c, 1, "%s: %s", w->items[i].display, w->items[i].last);
            finish(w, 1);
            return;
        }
        if (k == LOOK_NOT_YET) {
            all = false;
            break; /* the others can wait until this one is there */
        }
    }
    if (all) {
        finish(w, 0);
    }
}

static void hinted(void *user, const char *dir, const char *name, enum watch_hint hint)
{
    struct waiting *w = user;
    (void)dir;
    (void)name;
    (void)hint;
    loop_defer(w->loop, &w->look, look_due, w);
}

static void poll_due(struct loop_timer *t)
{
    struct waiting *w = t->user;
    loop_defer(w->loop, &w->look, look_due, w);
    loop_at(w->loop, &w->poll, loop_now(w->loop) + CL_SECOND, poll_due, w);
}

static void timeout_due(struct loop_timer *t)
{
    struct waiting *w = t->user;
    for (size_t i = 0; i < w->len; i++) {
        if (look_at(w, &w->items[i]) != LOOK_TRUE) {
            (void)cli_error(w->c, 1, "timed out: %s: %s", w->items[i].display, w->items[i].last);
        }
    }
    finish(w, 1);
}

static void watch_namespaces(struct waiting *w)
{
    char *status = paths_state(&w->c->paths, "status");
    watch_add(w->watch, status);
    for (size_t i = 0; i < w->len; i++) {
        const char *slash = strchr(w->items[i].display, '/');
        if (slash != NULL) {
            char *dir = cl_printf("%s/%.*s", status, (int)(slash - w->items[i].display),
                                  w->items[i].display);
            watch_add(w->watch, dir);
            cl_free(dir);
        }
    }
    cl_free(status);
}

static void print_result(struct waiting *w)
{
    for (size_t i = 0; i < w->len && w->exit_code == 0; i++) {
        (void)fprintf(w->c->out, "certificate/%s %s=%s\n", w->items[i].display,
                      condition_type_name(w->type), condition_status_name(w->status));
    }
}

int cmd_wait(struct cli *c)
{
    struct waiting w = {.c = c, .keep_waiting = cli_flag_given(c, "--keep-waiting")};
    const char *text = "condition=Ready";
    cl_time timeout = 5 * CL_MINUTE;

    (void)cli_flag_value(c, "--for", &text);
    if (parse_for(&w, text) != 0) {
        return EXIT_USAGE;
    }
    if (cli_flag_value(c, "--timeout", &text) && cl_duration_parse(text, &timeout) < 0) {
        return cli_usage(c, "--timeout %s: expected a duration such as 5m", text);
    }
    w.exit_code = choose(&w);
    if (w.exit_code == 0) {
        w.loop = loop_create();
        w.watch = watch_create(w.loop, hinted, &w);
        watch_namespaces(&w);
        loop_at(w.loop, &w.timeout, loop_now(w.loop) + timeout, timeout_due, &w);
        loop_at(w.loop, &w.poll, loop_now(w.loop), poll_due, &w);
        loop_run(w.loop);
        loop_timer_stop(w.loop, &w.timeout);
        loop_timer_stop(w.loop, &w.poll);
        loop_task_cancel(&w.look);
        watch_destroy(w.watch);
        loop_destroy(w.loop);
        print_result(&w);
    }
    for (size_t i = 0; i < w.len; i++) {
        cl_free(w.items[i].display);
        cl_free(w.items[i].file);
    }
    cl_free(w.items);
    return w.exit_code;
}
