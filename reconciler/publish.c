/* SPDX-License-Identifier: Apache-2.0 */
/* publish: the files about the daemon as a whole. Written at most once a second, never synced. */
#include "reconciler/publish.h"

#include "backends/rt/disk.h"
#include "backends/rt/sys.h"
#include "reconciler/inventory.h"
#include "reconciler/unit.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_log.h"

#include <string.h>

#define HEARTBEAT (30 * CL_SECOND)
/* What comes close together is told together, and hardly waited for; with many objects a little longer,
 * as each writing costs more. */
#define GATHER (100 * CL_MS)
#define GATHER_EACH (1 * CL_MS)
#define LATER \
    (5 * CL_MINUTE) /* for times alone: a CA is asked about some certificate all the time */

struct publish {
    struct daemon *d;
    struct loop_timer soon, heartbeat;
    cl_time last;
    struct http_server *server;
    char *listening; /* what the server was started for */
    char *listen_problem;
};

static void heartbeat_due(struct loop_timer *t);

struct publish *publish_create(struct daemon *d)
{
    struct publish *p = cl_new(struct publish);
    p->d = d;
    return p;
}

void publish_destroy(struct publish *p)
{
    if (p == NULL) {
        return;
    }
    loop_timer_stop(p->d->loop, &p->soon);
    loop_timer_stop(p->d->loop, &p->heartbeat);
    http_server_stop(p->server);
    cl_free(p->listening);
    cl_free(p->listen_problem);
    cl_free(p);
}

static void set_time(json_t *o, const char *key, cl_time t)
{
    char text[CL_TIME_TEXT];
    (void)json_object_set_new(
        o, key, t > 0 && t != CL_NEVER ? json_string(cl_time_format(t, text)) : json_null());
}

static void write_json(struct daemon *d, const char *relative, json_t *take_root)
{
    char *path = paths_state(&d->paths, relative);
    char *text = json_dumps(take_root, JSON_INDENT(2));
    struct cl_err err = {0};
    if (text != NULL && disk_write(path, text, strlen(text), d->status_mode, &err) < 0) {
        cl_log(CL_LOG_ERROR, "", err.reason, "%s", err.text);
    }
    cl_free(text);
    cl_free(path);
    json_decref(take_root);
}

/* ---- counts ---- */

struct counts {
    size_t total, ready, issuing, failed, stalled, issuers;
};

static bool is(const struct unit *u, enum condition_type t, enum condition_status s)
{
    return u->summary.conditions[t] == s;
}

static void count(struct daemon *d, struct counts *c)
{
    size_t pos = 0;
    void *value;
    memset(c, 0, sizeof(*c));
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (u->is_issuer) {
            c->issuers++;
            continue;
        }
        c->total++;
        c->ready += is(u, CONDITION_READY, STATUS_TRUE) ? 1u : 0u;
        c->issuing += u->issue != NULL ? 1u : 0u;
        c->failed += u->summary.failed_attempts > 0 ? 1u : 0u;
        c->stalled += is(u, CONDITION_STALLED, STATUS_TRUE) ? 1u : 0u;
    }
}

/* ---- _daemon.json ---- */

static json_t *watch_json(struct daemon *d)
{
    struct watch_info w = {0};
    struct inventory_info i;
    struct disk_fs_info fs = {0};
    struct cl_err err = {0};

    if (d->watch != NULL) {
        watch_info(d->watch, &w);
    }
    inventory_info(d->inventory, &i);
    (void)disk_fs_info(d->paths.specs, &fs, &err);
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:I,s:I}", "mode",
                  d->once ? "none" : (w.polling ? "poll" : "inotify"), "reason", w.reason, "fsType",
                  fs.name, "overflows", (json_int_t)w.overflows, "rearms", (json_int_t)w.rearms);
    set_time(o, "lastScan", i.last_scan);
    (void)json_object_set_new(o, "unavailable",
                              i.unavailable != NULL ? json_string(i.unavailable) : json_null());
    (void)json_object_set_new(o, "massDeletionHeld", json_boolean(i.prune_held));
    (void)json_object_set_new(o, "pendingDeletions", json_integer((json_int_t)i.pending_deletions));
    return o;
}

/* Names of files, and notes with them, may hold anything. */
static json_t *clean_text(const char *name)
{
    char *clean = cl_clean_dup(name, strlen(name));
    json_t *v = json_string(clean);
    cl_free(clean);
    return v;
}

static json_t *clean_list(const struct cl_strv *v)
{
    json_t *a = json_array();
    cl_strv_for_each(s, v) {
        (void)json_array_append_new(a, clean_text(s));
    }
    return a;
}

static json_t *conditions_json(const struct publish *p)
{
    struct daemon *d = p->d;
    struct inventory_info i;
    json_t *a = json_array();

    inventory_info(d->inventory, &i);
    if (i.unavailable != NULL) {
        (void)json_array_append_new(a, json_pack("{s:s,s:s,s:s,s:s}", "type", "SpecDirUnavailable",
                                                 "status", "True", "reason", "SpecDirUnavailable",
                                                 "message", i.unavailable));
    }
    if (d->config_problem != NULL) {
        (void)json_array_append_new(a, json_pack("{s:s,s:s,s:s,s:s}", "type",
                                                 "ConfigurationInvalid", "status", "True", "reason",
                                                 "InvalidSpec", "message", d->config_problem));
    }
    if (p->listen_problem != NULL) {
        (void)json_array_append_new(a, json_pack("{s:s,s:s,s:s,s:s}", "type", "MetricsUnavailable",
                                                 "status", "True", "reason", "ListenFailed",
                                                 "message", p->listen_problem));
    }
    if (d->ephemeral_state) {
        (void)json_array_append_new(
            a, json_pack("{s:s,s:s,s:s,s:s}", "type", "StateNotPersistent", "status", "True",
                         "reason", "StateNotPersistent", "message",
                         "the state directory is on a file system that does not survive a restart; "
                         "every restart would order again"));
    }
    return a;
}

static void write_daemon(struct publish *p)
{
    struct daemon *d = p->d;
    struct counts c;
    struct inventory_info i;

    count(d, &c);
    inventory_info(d->inventory, &i);
    json_t *o = json_pack("{s:s,s:s,s:s,s:I}", "apiVersion", "certloop/v1", "kind", "Daemon",
                          "version", d->version, "pid", (json_int_t)sys_pid());
    (void)json_object_set_new(o, "mode", json_string(d->once ? "once" : "daemon"));
    set_time(o, "startedAt", d->started_at);
    set_time(o, "heartbeat", loop_now(d->loop));
    (void)json_object_set_new(o, "stopped", json_boolean(d->stopping));
    (void)json_object_set_new(o, "specs", json_string(d->paths.specs));
    (void)json_object_set_new(o, "watch", watch_json(d));
    (void)json_object_set_new(
        o, "objects",
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "total", (json_int_t)c.total, "ready",
                  (json_int_t)c.ready, "issuing", (json_int_t)c.issuing, "failed",
                  (json_int_t)c.failed, "stalled", (json_int_t)c.stalled, "issuers",
                  (json_int_t)c.issuers, "invalidFiles", (json_int_t)i.rejected));
    (void)json_object_set_new(o, "conditions", conditions_json(p));
    (void)json_object_set_new(o, "ignoredFiles", clean_list(inventory_ignored(d->inventory)));
    (void)json_object_set_new(o, "notes", clean_list(&d->notes));
    (void)json_object_set_new(o, "restartRequired", clean_list(&d->restart_required));
    (void)json_object_set_new(
        o, "suspend",
        json_string((const char *const[]){"None", "Issue", "Deploy", "All"}[d->config->suspend]));
    (void)json_object_set_new(o, "clock",
                              json_pack("{s:I}", "suspendJumps", (json_int_t)d->clock_jumps));
    (void)json_object_set_new(o, "specSetSha256", json_string(inventory_set_sha256(d->inventory)));
    write_json(d, "status/_daemon.json", o);
}

static void write_textfile(struct daemon *d)
{
    struct cl_buf b;
    struct cl_err err = {0};
    if (cl_str_empty(d->config->metrics_textfile)) {
        return;
    }
    cl_buf_init(&b, 64u << 20);
    metrics_render(d, &b);
    if (disk_write(d->config->metrics_textfile, cl_buf_str(&b), b.len, 0644, &err) < 0) {
        cl_log(CL_LOG_ERROR, "", err.reason, "metrics not written: %s", err.text);
    }
    cl_buf_deinit(&b);
}

/* ---- when ---- */

void publish_now(struct daemon *d)
{
    struct publish *p = d->publish;
    if (d->read_only || p == NULL) {
        return;
    }
    loop_timer_stop(d->loop, &p->soon);
    p->last = loop_now(d->loop);
    publish_summary(d);
    write_daemon(p);
    write_textfile(d);
    loop_at(d->loop, &p->heartbeat, p->last + HEARTBEAT, heartbeat_due, p);
}

static void soon_due(struct loop_timer *t)
{
    struct publish *p = t->user;
    publish_now(p->d);
}

static void heartbeat_due(struct loop_timer *t)
{
    struct publish *p = t->user;
    p->last = loop_now(p->d->loop);
    if (p->listen_problem != NULL) { /* the port may be free by now */
        cl_free(p->listening);
        p->listening = NULL;
        publish_listen(p->d);
    }
    write_daemon(p);
    write_textfile(p->d);
    sys_notify("WATCHDOG=1");
    loop_at(p->d->loop, &p->heartbeat, p->last + HEARTBEAT, heartbeat_due, p);
}

static void publish_within(struct daemon *d, cl_time delay)
{
    struct publish *p = d->publish;
    if (d->read_only || p == NULL) {
        return;
    }
    cl_time each = (cl_time)d->units.count * GATHER_EACH;
    cl_time when = cl_time_max(p->last + CL_SECOND, loop_now(d->loop) + delay) + each;
    if (cl_heap_contains(&p->soon.node) && p->soon.node.when <= when) {
        return;
    }
    loop_at(d->loop, &p->soon, when, soon_due, p);
}

void publish_changed(struct daemon *d)
{
    publish_within(d, GATHER);
}

void publish_later(struct daemon *d)
{
    publish_within(d, LATER);
}

/* ---- the listener ---- */

static bool ready_one(struct daemon *d, const char *name)
{
    size_t pos = 0;
    void *value;
    while (cl_map_next(&d->units, &pos, NULL, &value)) {
        const struct unit *u = value;
        if (!u->is_issuer && cl_streq(u->display, name)) {
            return is(u, CONDITION_READY, STATUS_TRUE);
        }
    }
    return false;
}

static void answer(void *user, const struct http_server_request *req,
                   struct http_server_response *res)
{
    struct daemon *d = user;
    struct counts c;

    res->status = 200;
    res->content_type = "text/plain; charset=utf-8";
    if (cl_streq(req->path, "/metrics")) {
        res->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_render(d, &res->body);
    } else if (cl_streq(req->path, "/healthz")) {
        (void)cl_buf_adds(&res->body, "ok\n");
    } else if (cl_streq(req->path, "/readyz")) {
        count(d, &c);
        bool ready = req->query_name != NULL ? ready_one(d, req->query_name)
                                             : d->scanned && c.ready == c.total;
        res->status = ready ? 200 : 503;
        (void)cl_buf_addf(&res->body, "%s: %zu of %zu certificates are Ready\n",
                          ready ? "ready" : "not ready", c.ready, c.total);
    } else {
        res->status = 404;
        (void)cl_buf_adds(&res->body, "try /metrics, /healthz or /readyz\n");
    }
}

void publish_listen(struct daemon *d)
{
    struct publish *p = d->publish;
    const char *listen = cl_str_or(d->cli_metrics, d->config->metrics_listen);
    struct http_server_handler h = {.handle = answer, .user = d};
    struct cl_err err = {0};

    if (cl_streq(cl_str_or(listen, ""), cl_str_or(p->listening, ""))) {
        return;
    }
    http_server_stop(p->server);
    p->server = NULL;
    cl_free(p->listening);
    p->listening = cl_strdup(listen);
    cl_free(p->listen_problem);
    p->listen_problem = NULL;
    if (!cl_str_empty(listen) && http_server_start(d->loop, listen, &h, &p->server, &err) < 0) {
        p->listen_problem = cl_strdup(err.text);
        cl_log(CL_LOG_ERROR, "", err.reason, "metrics listener: %s", err.text);
    }
}
