/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_get: tables of Certificates, Issuers and files. */
#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "reconciler/cli/cli_objects.h"
#include "reconciler/inventory.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_hash.h"

#include <string.h>

static const char *word(const struct status *s, enum condition_type t)
{
    return s->conditions[t].status == STATUS_ABSENT
               ? "-"
               : condition_status_name(s->conditions[t].status);
}

/* What a person wants to know first: why it is not fine, or that it is. */
static const char *first_reason(const struct status *s)
{
    static const enum condition_type order[] = {
        CONDITION_SPEC_INVALID, CONDITION_STALLED,         CONDITION_READY,
        CONDITION_DEPLOYED,     CONDITION_RENEWAL_OVERDUE, CONDITION_DNS_RECORD_REQUIRED};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const struct condition *k = &s->conditions[order[i]];
        bool good_when_true = order[i] == CONDITION_READY || order[i] == CONDITION_DEPLOYED;
        if (k->status != STATUS_ABSENT && (k->status == STATUS_TRUE) != good_when_true) {
            if (order[i] == CONDITION_READY &&
                s->conditions[CONDITION_ISSUING].status == STATUS_FALSE) {
                return cl_str_or(s->conditions[CONDITION_ISSUING].reason, k->reason);
            }
            return cl_str_or(k->reason, "-");
        }
    }
    return cl_str_or(s->conditions[CONDITION_READY].reason, "-");
}

static void certificate_row(struct cli *c, struct cli_table *t, const struct cli_object *o)
{
    const struct status *s = &o->status;
    char expires[CL_DURATION_TEXT];
    char renews[CL_DURATION_TEXT];

    (void)cli_relative(s->not_after, expires);
    (void)cli_relative(s->renewal_time, renews);
    if (c->output == CLI_WIDE) {
        char *names = cl_strv_join(&s->cert.dns_names, ",");
        char revision[24];
        (void)cl_format(revision, sizeof(revision), "%ld", s->revision);
        cli_table_row(t, o->display, word(s, CONDITION_READY), word(s, CONDITION_DEPLOYED),
                      cl_str_or(s->issuer_name, "-"), expires, renews, first_reason(s), revision,
                      names, cl_str_or(s->source.path, "-"), NULL);
        cl_free(names);
    } else {
        cli_table_row(t, o->display, word(s, CONDITION_READY), word(s, CONDITION_DEPLOYED),
                      cl_str_or(s->issuer_name, "-"), expires, renews, first_reason(s), NULL);
    }
}

static void print_table(struct cli *c, const struct cli_objects *l, bool issuers)
{
    struct cli_table t = {0};
    if (issuers) {
        cli_table_row(&t, "NAME", "READY", "REASON", "MESSAGE", NULL);
    } else if (c->output == CLI_WIDE) {
        cli_table_row(&t, "NAME", "READY", "DEPLOYED", "ISSUER", "EXPIRES", "RENEWS", "REASON",
                      "REVISION", "DNSNAMES", "FILE", NULL);
    } else {
        cli_table_row(&t, "NAME", "READY", "DEPLOYED", "ISSUER", "EXPIRES", "RENEWS", "REASON",
                      NULL);
    }
    for (size_t i = 0; i < l->len; i++) {
        const struct status *s = &l->items[i].status;
        if (issuers) {
            cli_table_row(&t, l->items[i].display, word(s, CONDITION_READY),
                          cl_str_or(s->conditions[CONDITION_READY].reason, "-"),
                          cl_str_or(s->conditions[CONDITION_READY].message, "-"), NULL);
        } else {
            certificate_row(c, &t, &l->items[i]);
        }
    }
    cli_table_print(c, &t);
}

static void print_yaml(struct cli *c, json_t *v, int depth)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach(v, key, value)
        {
            bool deep = (json_is_object(value) && json_object_size(value) > 0) ||
                        (json_is_array(value) && json_array_size(value) > 0);
            (void)fprintf(c->out, "%*s%s:%s", depth * 2, "", key, deep ? "\n" : " ");
            print_yaml(c, value, depth + 1);
        }
    } else if (json_is_array(v) && json_array_size(v) > 0) {
        json_array_foreach(v, i, value)
        {
            char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
            (void)fprintf(c->out, "%*s- %s\n", depth * 2, "", cl_str_or(text, ""));
            cl_free(text);
        }
    } else {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        (void)fprintf(c->out, "%s\n", cl_str_or(text, ""));
        cl_free(text);
    }
}

static void print_objects(struct cli *c, const struct cli_objects *l, bool issuers)
{
    json_t *items;
    switch (c->output) {
    case CLI_JSON:
        items = json_array();
        for (size_t i = 0; i < l->len; i++) {
            (void)json_array_append(items, l->items[i].json);
        }
        cli_print_json(c, json_pack("{s:s,s:s,s:o}", "apiVersion", "certloop/v1", "kind", "List",
                                    "items", items));
        break;
    case CLI_YAML:
        for (size_t i = 0; i < l->len; i++) {
            (void)fprintf(c->out, "---\n");
            print_yaml(c, l->items[i].json, 0);
        }
        break;
    case CLI_NAME:
        for (size_t i = 0; i < l->len; i++) {
            (void)fprintf(c->out, "%s/%s\n", issuers ? "issuer" : "certificate",
                          l->items[i].display);
        }
        break;
    case CLI_TABLE:
    case CLI_WIDE:
        print_table(c, l, issuers);
        break;
    }
}

/* The line under a table: brakes and rejected files are not to be overlooked. */
static void print_foot(struct cli *c)
{
    json_t *daemon = cli_state_json(c, "status/_daemon.json");
    json_t *objects = json_object_get(daemon, "objects");
    json_int_t rejected = json_integer_value(json_object_get(objects, "invalidFiles"));
    if (rejected > 0) {
        (void)fprintf(c->out, "%lld files rejected: certloop get files\n", (long long)rejected);
    }
    json_decref(daemon);
}

static void print_suspended(struct cli *c)
{
    json_t *daemon = cli_state_json(c, "status/_daemon.json");
    const char *suspend = json_string_value(json_object_get(daemon, "suspend"));
    if (suspend != NULL && !cl_streq(suspend, "None")) {
        (void)fprintf(c->out, "SUSPENDED by the Configuration: %s\n", suspend);
    }
    json_decref(daemon);
}

/* ---- files ---- */

/* The set hash that a daemon with exactly this directory in force would show. */
static int print_set_hash(struct cli *c, const char *dir)
{
    struct cl_strv names = {0};
    struct cl_strv lines = {0};
    struct cl_err err = {0};
    char hex[CL_SHA256_TEXT];

    if (disk_list(dir, &names, &err) < 0) {
        return cli_error(c, 1, "%s", err.text);
    }
    cl_strv_for_each(name, &names) {
        struct cl_buf text;
        char *path = cl_printf("%s/%s", dir, name);
        if (inventory_name_ok(name) && disk_read(path, SPEC_FILE_MAX, &text, NULL, &err) == 0) {
            cl_sha256_hex(cl_buf_str(&text), text.len, hex);
            cl_strv_take(&lines, cl_printf("%s %s\n", name, hex));
            cl_buf_deinit(&text);
        }
        cl_free(path);
    }
    cl_strv_sort(&lines);
    char *joined = cl_strv_join(&lines, "");
    (void)fprintf(c->out, "%s\n", cl_sha256_hex(joined, strlen(joined), hex));
    cl_free(joined);
    cl_strv_deinit(&lines);
    cl_strv_deinit(&names);
    return 0;
}

static int get_files(struct cli *c)
{
    json_t *summary = cli_state_json(c, "status/_summary.json");
    json_t *rejected = json_object_get(summary, "rejected");
    const char *dir = NULL;
    struct cli_table t = {0};
    struct cl_strv in_force = {0};
    size_t i;
    json_t *v;

    if (cli_flag_value(c, "--hash", &dir)) {
        json_decref(summary);
        return print_set_hash(c, dir);
    }
    if (summary == NULL) {
        return cli_error(c, 1, "no status in %s: has a daemon run on this state?", c->paths.state);
    }
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_pack("{s:O?,s:O?}", "rejected", rejected, "specSetSha256",
                                    json_object_get(summary, "specSetSha256")));
        json_decref(summary);
        return 0;
    }
    cli_table_row(&t, "FILE", "STATE", "MESSAGE", NULL);
    json_array_foreach(json_object_get(summary, "objects"), i, v)
    {
        const char *file = json_string_value(json_object_get(v, "file"));
        if (!cl_str_empty(file) && !json_is_true(json_object_get(v, "specInvalid")) &&
            !cl_strv_has(&in_force, file)) {
            cl_strv_add(&in_force, file);
        }
    }
    cl_strv_sort(&in_force);
    cl_strv_for_each(file, &in_force) {
        cli_table_row(&t, file, "InForce", "", NULL);
    }
    json_array_foreach(rejected, i, v)
    {
        cli_table_row(&t, json_string_value(json_object_get(v, "path")), "Rejected",
                      json_string_value(json_object_get(v, "message")), NULL);
    }
    cli_table_print(c, &t);
    (void)fprintf(c->out, "set %s\n",
                  cl_str_or(json_string_value(json_object_get(summary, "specSetSha256")), "-"));
    cl_strv_deinit(&in_force);
    json_decref(summary);
    return 0;
}

/* ---- -w ---- */

struct watching {
    struct cli *c;
    bool issuers;
    struct loop *loop;
    struct loop_timer timer;
    char *last;
};

static void print_again(struct loop_timer *t)
{
    struct watching *w = t->user;
    struct cli_objects l;
    char *text = NULL;
    size_t size = 0;
    FILE *screen = w->c->out;
    FILE *memory = open_memstream(&text, &size);

    if (memory != NULL) {
        w->c->out = memory;
        if (cli_objects_load(w->c, w->issuers, &w->c->args, &l, NULL) == 0) {
            print_objects(w->c, &l, w->issuers);
        }
        cli_objects_deinit(&l);
        w->c->out = screen;
        (void)fclose(memory);
        if (!cl_streq(text, w->last)) {
            (void)fprintf(screen, "%s%s", w->last != NULL ? "\n" : "", text);
            (void)fflush(screen);
            cl_free(w->last);
            w->last = cl_strdup(text);
        }
        cl_free(text);
    }
    loop_at(w->loop, &w->timer, loop_now(w->loop) + CL_SECOND, print_again, w);
}

static int watch(struct cli *c, bool issuers)
{
    struct watching w = {.c = c, .issuers = issuers, .loop = loop_create()};
    loop_at(w.loop, &w.timer, loop_now(w.loop), print_again, &w);
    loop_run(w.loop);
    return 0;
}

static bool is_word(const char *arg, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (cl_streq(arg, *words)) {
            return true;
        }
    }
    return false;
}

static void drop_first(struct cl_strv *v)
{
    cl_free(v->items[0]);
    memmove(v->items, v->items + 1, (v->len - 1) * sizeof(*v->items));
    v->len--;
}

int cmd_get(struct cli *c)
{
    static const char *const CERTS[] = {"certificates", "certificate", "cert", "certs", NULL};
    static const char *const ISSUERS[] = {"issuers", "issuer", "clusterissuers", NULL};
    static const char *const FILES[] = {"files", "file", NULL};
    struct cli_objects l;
    struct cl_strv missing = {0};
    bool issuers = false;

    if (c->args.len > 0 && is_word(c->args.items[0], FILES)) {
        return get_files(c);
    }
    if (c->args.len > 0 &&
        (is_word(c->args.items[0], CERTS) || is_word(c->args.items[0], ISSUERS))) {
        issuers = is_word(c->args.items[0], ISSUERS);
        drop_first(&c->args);
    }
    if (cli_flag_given(c, "-w")) {
        return watch(c, issuers);
    }
    int rc = cli_objects_load(c, issuers, &c->args, &l, &missing);
    if (rc == 0) {
        bool people = c->output == CLI_TABLE || c->output == CLI_WIDE;
        if (people) {
            print_suspended(c);
        }
        print_objects(c, &l, issuers);
        if (people && c->args.len == 0 && !issuers) {
            print_foot(c);
        }
    }
    cl_strv_for_each(name, &missing) {
        rc = cli_error(c, 1, "there is no %s %s in %s/status", issuers ? "Issuer" : "Certificate",
                       name, c->paths.state);
    }
    cl_strv_deinit(&missing);
    cli_objects_deinit(&l);
    return rc;
}
