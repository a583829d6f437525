/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check: a monitoring plug-in (monitoring-plugins.org guidelines): one line, performance data
 * after "|", exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. From files alone. */
#include "backends/rt/disk.h"
#include "reconciler/cli/cli_objects.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

struct threshold { /* a share of the lifetime, or a time */
    uint64_t percent;
    cl_time left;
};
struct check {
    struct cli *c;
    struct threshold warn, crit;
    cl_time grace, now;
    enum level worst;
    struct cl_strv messages;
    struct cl_buf perf;
    size_t ok, total;
};

static int parse_threshold(struct cli *c, const char *flag, const char *text, struct threshold *ret)
{
    size_t len = strlen(text);
    memset(ret, 0, sizeof(*ret));
    if (len > 1 && text[len - 1] == '%') {
        char *digits = cl_strndup(text, len - 1);
        int rc = cl_parse_u64(digits, 100, &ret->percent);
        cl_free(digits);
        if (rc == 0) {
            return 0;
        }
    } else if (cl_duration_parse(text, &ret->left) == 0) {
        return 0;
    }
    return cli_usage(c, "%s %s: expected a share such as 25%% or a time such as 14d", flag, text);
}

static cl_time limit(const struct threshold *t, const struct status *s)
{
    return t->left > 0 ? t->left : (s->not_after - s->not_before) * (cl_time)t->percent / 100;
}

/* "|", newlines and markup would break the line or the page that shows it. */
static char *plain(const char *text)
{
    char *copy = cl_strdup(text);
    for (char *p = copy; *p != '\0'; p++) {
        if (*p == '|' || *p == '\n' || *p == '<' || *p == '>') {
            *p = ' ';
        }
    }
    return copy;
}

static void say(struct check *k, enum level level, const char *display, const char *text)
{
    /* What is certainly wrong outranks what is not known, though its code is smaller. */
    static const int RANK[] = {
        [LEVEL_OK] = 0, [LEVEL_WARNING] = 1, [LEVEL_UNKNOWN] = 2, [LEVEL_CRITICAL] = 3};
    char *clean = plain(text);
    k->worst = RANK[level] > RANK[k->worst] ? level : k->worst;
    cl_strv_take(&k->messages, cl_printf("%s: %s", display, clean));
    cl_free(clean);
}

static bool is(const struct status *s, enum condition_type t, enum condition_status v)
{
    return s->conditions[t].status == v;
}

static void check_not_ready(struct check *k, const struct cli_object *o)
{
    const struct status *s = &o->status;
    const struct condition *ready = &s->conditions[CONDITION_READY];
    bool first = !s->has_cert;
    bool young = first && k->now - s->created < k->grace;
    const char *why = !cl_str_empty(s->conditions[CONDITION_ISSUING].message)
                          ? s->conditions[CONDITION_ISSUING].message
                          : cl_str_or(ready->message, "not Ready");
    char *text = cl_printf("%s %s", cl_str_or(ready->reason, "NotReady"), why);
    say(k, young && !is(s, CONDITION_STALLED, STATUS_TRUE) ? LEVEL_WARNING : LEVEL_CRITICAL,
        o->display, text);
    cl_free(text);
}

static void check_conditions(struct check *k, const struct cli_object *o)
{
    static const struct {
        enum condition_type type;
        enum condition_status bad;
    } WARN[] = {{CONDITION_STALLED, STATUS_TRUE},
                {CONDITION_RENEWAL_OVERDUE, STATUS_TRUE},
                {CONDITION_DNS_RECORD_REQUIRED, STATUS_TRUE},
                {CONDITION_DEPLOYED, STATUS_FALSE},
                {CONDITION_SPEC_INVALID, STATUS_TRUE}};
    for (size_t i = 0; i < sizeof(WARN) / sizeof(WARN[0]); i++) {
        const struct condition *c = &o->status.conditions[WARN[i].type];
        if (c->status == WARN[i].bad) {
            char *text = cl_printf("%s %s: %s", condition_type_name(WARN[i].type),
                                   cl_str_or(c->reason, ""), cl_str_or(c->message, ""));
            say(k, LEVEL_WARNING, o->display, text);
            cl_free(text);
        }
    }
}

static void check_one(struct check *k, const struct cli_object *o)
{
    const struct status *s = &o->status;
    size_t before = k->messages.len;
    cl_time left = s->not_after - k->now;

    k->total++;
    if (s->has_cert && left <= 0) {
        say(k, LEVEL_CRITICAL, o->display, "the certificate has expired");
    } else if (!is(s, CONDITION_READY, STATUS_TRUE)) {
        check_not_ready(k, o);
    } else if (left < limit(&k->crit, s) || left < limit(&k->warn, s)) {
        char left_text[CL_DURATION_TEXT];
        char *text = cl_printf("expires %s", cli_relative(s->not_after, left_text));
        say(k, left < limit(&k->crit, s) ? LEVEL_CRITICAL : LEVEL_WARNING, o->display, text);
        cl_free(text);
    }
    check_conditions(k, o);
    if (s->has_cert) {
        (void)cl_buf_addf(&k->perf, " '%s'=%llds;%lld;%lld;0;", o->display,
                          (long long)(left / CL_SECOND),
                          (long long)(limit(&k->warn, s) / CL_SECOND),
                          (long long)(limit(&k->crit, s) / CL_SECOND));
    }
    k->ok += k->messages.len == before ? 1u : 0u;
}

/* The status is only worth something if a daemon keeps it. */
static void check_daemon(struct check *k)
{
    json_t *d = NULL;
    size_t i;
    json_t *v;
    bool alive = cli_daemon_alive(k->c, &d);
    const char *mode = json_string_value(json_object_get(d, "mode"));
    const char *beat = json_string_value(json_object_get(d, "heartbeat"));
    cl_time last = 0;

    if (d == NULL) {
        say(k, LEVEL_UNKNOWN, "daemon", "no status: has a daemon run on this state directory?");
    } else if (!alive && beat != NULL && cl_time_parse(beat, &last) == 0) {
        /* A one-shot run from cron is expected once a day or oftener. */
        cl_time late = cl_streq(mode, "once") ? 26 * CL_HOUR : 5 * CL_MINUTE;
        if (k->now - last > late) {
            char *text = cl_printf("no heartbeat since %s; the figures are old", beat);
            say(k, LEVEL_UNKNOWN, "daemon", text);
            cl_free(text);
        }
    }
    json_array_foreach(json_object_get(d, "conditions"), i, v)
    {
        const char *message = json_string_value(json_object_get(v, "message"));
        say(k, LEVEL_WARNING, json_string_value(json_object_get(v, "type")),
            cl_str_or(message, ""));
    }
    if (json_integer_value(json_object_get(json_object_get(d, "objects"), "invalidFiles")) > 0) {
        say(k, LEVEL_WARNING, "specs", "files are rejected: certloop get files");
    }
    json_decref(d);
}

static int print_check(struct check *k)
{
    static const char *const WORDS[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    char *details = cl_strv_join(&k->messages, "; ");
    if (k->c->output == CLI_JSON) {
        json_t *list = json_array();
        cl_strv_for_each(m, &k->messages) {
            (void)json_array_append_new(list, json_string(m));
        }
        cli_print_json(k->c, json_pack("{s:s,s:i,s:I,s:I,s:o}", "status", WORDS[k->worst],
                                       "exitCode", (int)k->worst, "total", (json_int_t)k->total,
                                       "ok", (json_int_t)k->ok, "messages", list));
    } else {
        (void)fprintf(k->c->out, "%s: %zu of %zu certificates are fine%s%s", WORDS[k->worst], k->ok,
                      k->total, details[0] != '\0' ? "; " : "", details);
        (void)fprintf(k->c->out, k->perf.len > 0 ? " |%s\n" : "\n", cl_buf_str(&k->perf));
    }
    cl_free(details);
    return (int)k->worst;
}

/* There is nothing to judge by. */
static int print_nothing(struct check *k, const char *why)
{
    k->worst = LEVEL_UNKNOWN;
    if (k->c->output == CLI_JSON) {
        cl_strv_add(&k->messages, why);
        int rc = print_check(k);
        cl_strv_deinit(&k->messages);
        return rc;
    }
    (void)fprintf(k->c->out, "UNKNOWN: %s\n", why);
    return LEVEL_UNKNOWN;
}

static int declared_in(struct cli *c, const char *file)
{
    struct cli_declarations l;
    const char *base = strrchr(file, '/');
    base = base != NULL ? base + 1 : file;
    if (cli_declarations_load(c, &l) < 0) {
        return cli_error(c, LEVEL_UNKNOWN, "cannot read %s", c->paths.specs);
    }
    for (size_t i = 0; i < l.len; i++) {
        if (cl_streq(l.items[i].file, base)) {
            cl_strv_add(&c->args, l.items[i].display);
        }
    }
    cli_declarations_deinit(&l);
    return c->args.len > 0 ? 0 : cli_error(c, LEVEL_UNKNOWN, "%s declares no Certificate", file);
}

int cmd_check(struct cli *c)
{
    struct check k = {.c = c, .now = cli_now(), .grace = 15 * CL_MINUTE};
    struct cli_objects l;
    struct cl_strv missing = {0};
    const char *warn = "25%";
    const char *crit = "12%";
    const char *text = NULL;

    (void)cli_flag_value(c, "-w", &warn);
    (void)cli_flag_value(c, "-c", &crit);
    if (parse_threshold(c, "-w", warn, &k.warn) != 0 ||
        parse_threshold(c, "-c", crit, &k.crit) != 0 ||
        (cli_flag_value(c, "--grace", &text) && cl_duration_parse(text, &k.grace) < 0)) {
        return LEVEL_UNKNOWN;
    }
    if (cli_flag_value(c, "--file", &text) && declared_in(c, text) != 0) {
        return LEVEL_UNKNOWN;
    }
    cl_buf_init(&k.perf, 1 << 20);
    if (cli_objects_load(c, false, &c->args, &l, &missing) != 0) {
        char *why = cl_printf("no status in %s", c->paths.state);
        (void)print_nothing(&k, why);
        cl_free(why);
        cl_buf_deinit(&k.perf);
        return LEVEL_UNKNOWN;
    }
    for (size_t i = 0; i < l.len; i++) {
        if (l.items[i].status.deleted == 0) { /* what is being removed is nobody's alarm */
            check_one(&k, &l.items[i]);
        }
    }
    cl_strv_for_each(name, &missing) {
        say(&k, LEVEL_CRITICAL, name, "there is no such Certificate");
    }
    check_daemon(&k);
    if (k.total == 0 && missing.len == 0) {
        say(&k, LEVEL_WARNING, "specs", "no Certificate is declared");
    }
    int rc = print_check(&k);
    cl_buf_deinit(&k.perf);
    cl_strv_deinit(&k.messages);
    cl_strv_deinit(&missing);
    cli_objects_deinit(&l);
    return rc;
}
