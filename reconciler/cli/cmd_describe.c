/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_describe: one object in full, events, and the daemon at a glance. */
#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/describe.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

static void line(struct cli *c, const char *name, const char *value)
{
    (void)fprintf(c->out, "%-14s %s\n", name, value);
}

static void time_line(struct cli *c, const char *name, cl_time t)
{
    char text[CL_TIME_TEXT];
    char relative[CL_DURATION_TEXT];
    if (t == 0) {
        return;
    }
    (void)fprintf(c->out, "%-14s %s (%s)\n", name, cl_time_format(t, text),
                  cli_relative(t, relative));
}

static void print_conditions(struct cli *c, const struct status *s)
{
    struct cli_table t = {0};
    (void)fprintf(c->out, "\nConditions\n");
    cli_table_row(&t, "  TYPE", "STATUS", "REASON", "SINCE", "MESSAGE", NULL);
    for (enum condition_type k = 0; k < CONDITION_COUNT; k++) {
        const struct condition *d = &s->conditions[k];
        char since[CL_DURATION_TEXT];
        char *type = cl_printf("  %s", condition_type_name(k));
        if (d->status != STATUS_ABSENT) {
            cli_table_row(&t, type, condition_status_name(d->status), cl_str_or(d->reason, ""),
                          cli_relative(d->last_transition, since), cl_str_or(d->message, ""), NULL);
        }
        cl_free(type);
    }
    cli_table_print(c, &t);
}

static void print_certificate(struct cli *c, const struct status *s)
{
    if (!s->has_cert) {
        return;
    }
    char *names = cl_strv_join(&s->cert.dns_names, ", ");
    (void)fprintf(c->out, "\nCertificate revision %ld\n", s->revision);
    line(c, "  names", names);
    line(c, "  serial", cl_str_or(s->cert.serial, "-"));
    line(c, "  issuer", cl_str_or(s->cert.issuer, "-"));
    (void)fprintf(c->out, "%-14s %s %ld\n", "  key", cl_str_or(s->cert.key_algorithm, "-"),
                  s->cert.key_size);
    time_line(c, "  not before", s->not_before);
    time_line(c, "  not after", s->not_after);
    time_line(c, "  renewal", s->renewal_time == CL_NEVER ? 0 : s->renewal_time);
    cl_free(names);
}

static void print_outputs(struct cli *c, const struct status *s)
{
    char at[CL_DURATION_TEXT];
    if (s->n_outputs > 0) {
        (void)fprintf(c->out, "\nOutputs\n");
    }
    for (size_t i = 0; i < s->n_outputs; i++) {
        const struct status_output *o = &s->outputs[i];
        char *files = cl_strv_join(&o->files, " ");
        (void)fprintf(c->out, "  %s: %s (%s, written %s)\n", o->directory, files,
                      o->in_sync ? "in sync" : "not in sync", cli_relative(o->last_written, at));
        cl_free(files);
    }
    if (s->n_hooks + s->n_probes > 0) {
        (void)fprintf(c->out, "\nHooks and probes\n");
    }
    for (size_t i = 0; i < s->n_hooks; i++) {
        const struct status_hook *h = &s->hooks[i];
        (void)fprintf(c->out, "  %s: %s, exit code %d, %ld ms, revision %ld (%s)\n", h->name,
                      cl_str_or(h->result, "Pending"), h->exit_code, h->duration_ms, h->revision,
                      cli_relative(h->finished_at, at));
    }
    for (size_t i = 0; i < s->n_probes; i++) {
        const struct status_probe *p = &s->probes[i];
        (void)fprintf(c->out, "  %s: %s (%s)\n", p->connect,
                      cl_str_or(p->message, "not probed yet"), cli_relative(p->checked_at, at));
    }
}

static void print_error(struct cli *c, const struct status *s)
{
    const struct status_error *e = &s->last_error;
    if (e->kind == CL_ERR_NONE) {
        return;
    }
    (void)fprintf(c->out, "\nLast error (%s)\n", cl_err_kind_name(e->kind));
    line(c, "  reason", cl_str_or(e->reason, "-"));
    if (!cl_str_empty(e->identifier)) {
        line(c, "  name", e->identifier);
    }
    line(c, "  detail", cl_str_or(e->detail, "-"));
    if (!cl_str_empty(e->hint)) {
        line(c, "  see", e->hint);
    }
    (void)fprintf(c->out, "%-14s %ld\n", "  attempts", s->failed_attempts);
    time_line(c, "  last failure", s->last_failure);
}

static void print_event(struct cli *c, const char *prefix, const struct status_event *e)
{
    char at[CL_TIME_TEXT];
    (void)fprintf(c->out, "%s%s %-7s %s: %s\n", prefix, cl_time_format(e->time, at),
                  e->warning ? "Warning" : "Normal", e->reason, cl_str_or(e->message, ""));
}

static void print_hook_output(struct cli *c, const struct cli_object *o)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    const char *ns = cl_str_or(o->status.namespace_, "");
    char *dir = cl_printf("%s/archive/%s%s%s/hooks", c->paths.state, ns, ns[0] != '\0' ? "_" : "",
                          o->status.name);
    if (disk_list(dir, &names, &err) == 0) {
        cl_strv_for_each(name, &names) {
            struct cl_buf text;
            char *path = cl_printf("%s/%s", dir, name);
            if (name[0] != '.' && disk_read(path, 64 * 1024, &text, NULL, &err) == 0) {
                char *clean = cl_malloc(CL_CLEAN_TEXT);
                const char *from = cl_buf_str(&text);
                size_t skip = text.len > 400 ? text.len - 400 : 0;
                (void)fprintf(c->out, "\nOutput of the last hook run (%s)\n  %s\n", path,
                              cl_clean(clean, CL_CLEAN_TEXT, from + skip, text.len - skip));
                cl_free(clean);
                cl_buf_deinit(&text);
            }
            cl_free(path);
        }
    }
    cl_strv_deinit(&names);
    cl_free(dir);
}

static void describe(struct cli *c, const struct cli_object *o)
{
    const struct status *s = &o->status;
    char sha[16];

    line(c, "Name", o->display);
    line(c, "Kind", spec_kind_name(s->kind));
    (void)cl_format(sha, sizeof(sha), "%.12s", s->source.sha256);
    (void)fprintf(c->out, "%-14s %s line %u (sha256 %s)\n", "Declared in",
                  cl_str_or(s->source.path, "-"), s->source.line, sha);
    (void)fprintf(c->out, "%-14s %ld\n", "Generation", s->generation);
    if (!o->is_issuer) {
        line(c, "Issuer", cl_str_or(s->issuer_name, "-"));
    }
    if (s->deleted > 0) {
        time_line(c, "Removed", s->deleted);
    }
    if (s->next_reconcile == CL_NEVER || s->next_reconcile == 0) {
        (void)fprintf(c->out, "%-14s after a change (%s)\n", "Next look",
                      cl_str_or(s->next_reconcile_reason, "-"));
    } else {
        char text[CL_TIME_TEXT];
        char relative[CL_DURATION_TEXT];
        (void)fprintf(
            c->out, "%-14s %s (%s): %s\n", "Next look", cl_time_format(s->next_reconcile, text),
            cli_relative(s->next_reconcile, relative), cl_str_or(s->next_reconcile_reason, "-"));
    }
    print_conditions(c, s);
    print_certificate(c, s);
    print_outputs(c, s);
    print_error(c, s);
    describe_authorizations(c, o->json);
    cl_strv_for_each(w, &s->warnings) {
        (void)fprintf(c->out, "\nWarning: %s\n", w);
    }
    (void)fprintf(c->out, "\nEvents\n");
    for (size_t i = 0; i < s->n_events; i++) {
        print_event(c, "  ", &s->events[i]);
    }
    print_hook_output(c, o);
}

int cmd_describe(struct cli *c)
{
    struct cli_objects l;
    bool found = false;

    if (c->args.len != 1) {
        return cli_usage(c, "name one object");
    }
    for (int issuers = 0; issuers < 2; issuers++) {
        int rc = cli_objects_load(c, issuers == 1, &c->args, &l, NULL);
        for (size_t i = 0; rc == 0 && i < l.len; i++) {
            found = true;
            if (c->output == CLI_JSON) {
                cli_print_json(c, json_incref(l.items[i].json));
            } else {
                describe(c, &l.items[i]);
            }
        }
        cli_objects_deinit(&l);
        if (rc != 0) {
            return rc;
        }
    }
    if (!found) {
        return cli_error(c, 1, "there is no object %s in %s/status; certloop get lists them",
                         c->args.items[0], c->paths.state);
    }
    return 0;
}

/* ---- events ---- */

struct following {
    struct cli *c;
    struct loop *loop;
    struct loop_timer timer;
    cl_time shown; /* events up to here are printed */
    bool json;
};

static void show_event(struct following *f, const char *display, const struct status_event *e,
                       json_t *all)
{
    char at[CL_TIME_TEXT];
    if (f->json) {
        (void)json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s?}", "object", display,
                                                   "time", cl_time_format(e->time, at), "type",
                                                   e->warning ? "Warning" : "Normal", "reason",
                                                   e->reason, "message", e->message));
    } else {
        char *prefix = cl_printf("%-24s ", display);
        print_event(f->c, prefix, e);
        cl_free(prefix);
    }
}

static void show_events(struct following *f)
{
    struct cli_objects l;
    cl_time newest = f->shown;
    json_t *all = json_array();

    if (cli_objects_load(f->c, false, &f->c->args, &l, NULL) != 0) {
        l.len = 0;
    }
    for (size_t i = 0; i < l.len; i++) {
        const struct status *s = &l.items[i].status;
        for (size_t k = 0; k < s->n_events; k++) {
            if (s->events[k].time > f->shown) {
                newest = cl_time_max(newest, s->events[k].time);
                show_event(f, l.items[i].display, &s->events[k], all);
            }
        }
    }
    cli_objects_deinit(&l);
    f->shown = newest;
    if (f->json) {
        cli_print_json(f->c, all);
    } else {
        json_decref(all);
    }
    (void)fflush(f->c->out);
}

static void follow_due(struct loop_timer *t)
{
    struct following *f = t->user;
    show_events(f);
    loop_at(f->loop, &f->timer, loop_now(f->loop) + CL_SECOND, follow_due, f);
}

int cmd_events(struct cli *c)
{
    struct following f = {.c = c, .json = c->output == CLI_JSON};
    show_events(&f);
    if (cli_flag_given(c, "--follow")) {
        f.loop = loop_create();
        loop_at(f.loop, &f.timer, loop_now(f.loop) + CL_SECOND, follow_due, &f);
        loop_run(f.loop);
        loop_destroy(f.loop);
    }
    return 0;
}

/* ---- status ---- */

static void print_next(struct cli *c)
{
    struct cli_objects l;
    cl_time after = 0;
    (void)fprintf(c->out, "\nNext\n");
    if (cli_objects_load(c, false, NULL, &l, NULL) != 0) {
        return;
    }
    for (int n = 0; n < 5; n++) {
        const struct cli_object *best = NULL;
        for (size_t i = 0; i < l.len; i++) {
            cl_time at = l.items[i].status.next_reconcile;
            if (at > after && at != CL_NEVER &&
                (best == NULL || at < best->status.next_reconcile)) {
                best = &l.items[i];
            }
        }
        if (best == NULL) {
            break;
        }
        char at[CL_TIME_TEXT];
        after = best->status.next_reconcile;
        (void)fprintf(c->out, "  %s %s: %s\n", cl_time_format(after, at), best->display,
                      cl_str_or(best->status.next_reconcile_reason, ""));
    }
    cli_objects_deinit(&l);
}

static json_int_t number(const json_t *d, const char *object, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(d, object), key));
}

static void print_daemon(struct cli *c, json_t *d, bool alive)
{
    size_t i;
    json_t *v;
    json_t *watch = json_object_get(d, "watch");

    (void)fprintf(c->out, "certloop %s, pid %lld: %s, last heartbeat %s\n",
                  cl_str_or(json_string_value(json_object_get(d, "version")), "?"),
                  (long long)json_integer_value(json_object_get(d, "pid")),
                  alive ? "running" : "not running",
                  cl_str_or(json_string_value(json_object_get(d, "heartbeat")), "never"));
    (void)fprintf(c->out, "watching %s by %s %s\n",
                  cl_str_or(json_string_value(json_object_get(d, "specs")), "?"),
                  cl_str_or(json_string_value(json_object_get(watch, "mode")), "?"),
                  cl_str_or(json_string_value(json_object_get(watch, "reason")), ""));
    (void)fprintf(
        c->out,
        "certificates %lld: %lld ready, %lld issuing, %lld failed, %lld stalled; "
        "issuers %lld; rejected files %lld\n",
        (long long)number(d, "objects", "total"), (long long)number(d, "objects", "ready"),
        (long long)number(d, "objects", "issuing"), (long long)number(d, "objects", "failed"),
        (long long)number(d, "objects", "stalled"), (long long)number(d, "objects", "issuers"),
        (long long)number(d, "objects", "invalidFiles"));
    json_array_foreach(json_object_get(d, "conditions"), i, v)
    {
        (void)fprintf(c->out, "! %s: %s\n", json_string_value(json_object_get(v, "type")),
                      json_string_value(json_object_get(v, "message")));
    }
}

int cmd_status(struct cli *c)
{
    json_t *d = NULL;
    json_t *summary;
    size_t i;
    json_t *v;

    if (c->args.len > 0) {
        return cmd_describe(c);
    }
    bool alive = cli_daemon_alive(c, &d);
    if (d == NULL) {
        return cli_error(c, 3, "no daemon has run on the state directory %s", c->paths.state);
    }
    if (c->output == CLI_JSON) {
        cli_print_json(c, d);
        return alive ? 0 : 3;
    }
    print_daemon(c, d, alive);
    summary = cli_state_json(c, "status/_summary.json");
    json_array_foreach(json_object_get(summary, "rejected"), i, v)
    {
        (void)fprintf(c->out, "rejected: %s: %s\n", json_string_value(json_object_get(v, "path")),
                      json_string_value(json_object_get(v, "message")));
    }
    json_decref(summary);
    json_decref(d);
    print_next(c);
    return alive ? 0 : 3;
}
