/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_renew: what is asked of a running daemon: renew, prune. A request is a file renamed into
 * STATE/requests; the answer is ID.done. */
#include "backends/rt/disk.h"
#include "backends/rt/loop.h"
#include "backends/rt/sys.h"
#include "backends/rt/watch.h"
#include "reconciler/cli/cli_planner.h"
#include "spec/base/cl_alloc.h"

#include <string.h>
#include <unistd.h>

#define COSTS_SHOWN 20u
#define ANSWER_TIMEOUT (5 * CL_SECOND)

struct asking {
    struct loop *loop;
    struct loop_timer timeout;
    struct watch *watch;
    char *answer_path;
    bool answered;
    cl_time patience;
};

static void look(struct asking *a)
{
    struct disk_stat st;
    struct cl_err err = {0};
    if (disk_stat(a->answer_path, &st, &err) == 0 && st.type == DISK_FILE) {
        a->answered = true;
        loop_stop(a->loop);
    }
}

static void hinted(void *user, const char *dir, const char *name, enum watch_hint hint)
{
    (void)dir;
    (void)name;
    (void)hint;
    look(user);
}

static void timeout_due(struct loop_timer *t)
{
    struct asking *a = t->user;
    loop_stop(a->loop);
}

/* A command that writes state as root becomes the owner of the state first, so that the daemon can
 * read what it left. */
static int become_owner(struct cli *c)
{
    struct disk_stat st;
    struct cl_err err = {0};
    char *dir = paths_state(&c->paths, "requests");
    int rc = disk_stat(dir, &st, &err);
    cl_free(dir);
    if (rc < 0 || st.type != DISK_DIR) {
        return cli_error(c, 1, "%s/requests is missing: has a daemon run on this state?",
                         c->paths.state);
    }
    if (sys_uid() == 0 && st.uid != 0 && sys_become(st.uid, st.gid, &err) < 0) {
        return cli_error(c, EXIT_NOPERMISSION, "%s", err.text);
    }
    return 0;
}

static int print_answer(struct cli *c, const char *path)
{
    struct cl_buf text;
    struct cl_err err = {0};
    size_t i;
    json_t *v;
    int rc = 0;

    if (disk_read(path, (size_t)16 << 20, &text, NULL, &err) < 0) {
        return cli_error(c, 1, "%s", err.text);
    }
    json_t *root = json_loadb(cl_buf_str(&text), text.len, 0, NULL);
    cl_buf_deinit(&text);
    json_array_foreach(json_object_get(root, "answers"), i, v)
    {
        bool ok = json_is_true(json_object_get(v, "accepted"));
        rc = ok ? rc : 1;
        if (c->output != CLI_JSON) {
            const char *message = cl_str_or(json_string_value(json_object_get(v, "message")), "");
            char clean[CL_CLEAN_TEXT]; /* others may write into that directory, too */
            (void)fprintf(ok ? c->out : stderr, "%s: %s\n", ok ? "accepted" : "refused",
                          cl_clean(clean, sizeof(clean), message, strlen(message)));
        }
    }
    if (c->output == CLI_JSON) {
        cli_print_json(c, json_incref(root));
    }
    json_decref(root);
    return rc;
}

static int wait_for_answer(struct cli *c, struct asking *a, const char *dir)
{
    a->loop = loop_create();
    a->watch = watch_create(a->loop, hinted, a);
    watch_add(a->watch, dir);
    loop_at(a->loop, &a->timeout, loop_now(a->loop) + a->patience, timeout_due, a);
    look(a);
    if (!a->answered) {
        loop_run(a->loop);
    }
    loop_timer_stop(a->loop, &a->timeout);
    watch_destroy(a->watch);
    loop_destroy(a->loop);
    if (a->answered) {
        return print_answer(c, a->answer_path);
    }
    if (cli_daemon_alive(c, NULL)) {
        return cli_error(
            c, 1,
            "the daemon has not answered within %lld s; what was asked goes on as soon "
            "as it can",
            (long long)(a->patience / CL_SECOND));
    }
    return cli_error(c, 1,
                     "no daemon runs on this state; the request stays and is handled at its "
                     "start");
}

int cli_ask(struct cli *c, json_t *take_request, cl_time patience)
{
    struct asking a = {.patience = patience};
    struct cl_err err = {0};
    int rc = become_owner(c);
    char *dir = paths_state(&c->paths, "requests");
    char *path = cl_printf("%s/%ld-%lld", dir, sys_pid(), (long long)cli_now());
    char *text = json_dumps(take_request, JSON_COMPACT);

    a.answer_path = cl_printf("%s.done", path);
    if (rc == 0 && text != NULL) {
        rc = disk_write(path, text, strlen(text), 0640, &err) < 0
                 ? cli_error(c, EXIT_NOPERMISSION,
                             "%s; this needs write access to %s: be root, or in its group",
                             err.text, dir)
                 : wait_for_answer(c, &a, dir);
    }
    cl_free(a.answer_path);
    cl_free(text);
    cl_free(path);
    cl_free(dir);
    json_decref(take_request);
    return rc;
}

/* ---- renew ---- */

static char *key_of(const struct cli_object *o)
{
    const char *ns = cl_str_or(o->status.namespace_, "");
    return cl_printf("%s%s%s", ns, ns[0] != '\0' ? "_" : "", o->status.name);
}

/* What the CA will count, and until when it holds some of them. */
static void print_cost(struct cli *c, const json_t *keys)
{
    struct cli_planner p;
    size_t held = 0;
    cl_time last = 0;
    size_t i;
    json_t *key;
    char at[CL_TIME_TEXT];

    if (cli_planner_open(c, &p) == 0) {
        json_array_foreach(keys, i, key)
        {
            struct unit *u = unit_find(p.d, false, json_string_value(key));
            struct observation seen;
            struct plan plan;
            struct cl_err err = {0};
            if (u == NULL || cli_planner_plan(&p, u, true, &seen, &plan, &err) < 0) {
                continue;
            }
            char *cost = cli_planner_cost(&p, u);
            if (cost[0] != '\0' && i < COSTS_SHOWN) {
                (void)fprintf(stderr, "%s: costs %s\n", u->display, cost);
            }
            cl_free(cost);
            if (u->ledger.n > 0 && u->ledger.turn > p.now) {
                held++;
                last = cl_time_max(last, u->ledger.turn);
            }
        }
    }
    if (held > 0) {
        (void)fprintf(stderr, "%zu of them are held by limits of the CA, the last until %s.\n",
                      held, cl_time_format(last, at));
    }
    cli_planner_close(&p);
}

static bool confirmed(struct cli *c, const json_t *keys)
{
    size_t n = json_array_size(keys);
    char answer[8] = "";
    print_cost(c, keys);
    if (cli_flag_given(c, "--yes")) {
        return true;
    }
    (void)fprintf(stderr, "This asks the CA for %zu new certificates (%zu orders). ", n, n);
    if (isatty(STDIN_FILENO) != 1) {
        (void)fprintf(stderr, "Give --yes to do it.\n");
        return false;
    }
    (void)fprintf(stderr, "Continue? [y/N] ");
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static int explain(struct cli *c)
{
    struct cli_objects l;
    char renews[CL_DURATION_TEXT];
    (void)cli_usage(c, "certloop renews by itself; name the Certificates to renew out of turn");
    if (cli_objects_load(c, false, NULL, &l, NULL) == 0) {
        for (size_t i = 0; i < l.len; i++) {
            (void)fprintf(stderr, "  %s: renewal %s\n", l.items[i].display,
                          cli_relative(l.items[i].status.renewal_time, renews));
        }
    }
    cli_objects_deinit(&l);
    return EXIT_USAGE;
}

int cmd_renew(struct cli *c)
{
    struct cli_objects l;
    struct cl_strv missing = {0};
    const char *issuer = NULL;
    bool many = cli_flag_given(c, "--all") || cli_flag_value(c, "--issuer", &issuer);
    json_t *keys = json_array();
    int rc;

    if (!many && c->args.len == 0) {
        json_decref(keys);
        return explain(c);
    }
    rc = cli_objects_load(c, false, many ? NULL : &c->args, &l, &missing);
    cl_strv_for_each(name, &missing) {
        rc = cli_error(c, 1, "there is no Certificate %s", name);
    }
    for (size_t i = 0; rc == 0 && i < l.len; i++) {
        if (issuer == NULL || cl_streq(l.items[i].status.issuer_name, issuer)) {
            char *key = key_of(&l.items[i]);
            (void)json_array_append_new(keys, json_string(key));
            cl_free(key);
        }
    }
    if (rc == 0 && json_array_size(keys) == 0) {
        rc = cli_error(c, 1, "no Certificate fits");
    }
    if (rc == 0 && many && !confirmed(c, keys)) {
        rc = 1;
    }
    if (rc == 0) {
        rc = cli_ask(c, json_pack("{s:s,s:O}", "verb", "renew", "objects", keys), ANSWER_TIMEOUT);
    }
    json_decref(keys);
    cl_strv_deinit(&missing);
    cli_objects_deinit(&l);
    return rc;
}

/* ---- prune ---- */

/* Archives that no object in the summary uses. */
static void find_orphans(struct cli *c, json_t *summary, struct cl_strv *ret)
{
    struct cl_strv names = {0};
    struct cl_err err = {0};
    char *dir = paths_state(&c->paths, "archive");
    if (disk_list(dir, &names, &err) == 0) {
        cl_strv_for_each(name, &names) {
            size_t i;
            json_t *v;
            bool used = name[0] == '.';
            json_array_foreach(json_object_get(summary, "objects"), i, v)
            {
                const char *ns = cl_str_or(json_string_value(json_object_get(v, "namespace")), "");
                char *key = cl_printf("%s%s%s", ns, ns[0] != '\0' ? "_" : "",
                                      json_string_value(json_object_get(v, "name")));
                used = used || cl_streq(key, name);
                cl_free(key);
            }
            if (!used) {
                cl_strv_take(ret, cl_printf("%s/%s", dir, name));
            }
        }
    }
    cl_strv_deinit(&names);
    cl_free(dir);
}

int cmd_prune(struct cli *c)
{
    json_t *daemon = cli_state_json(c, "status/_daemon.json");
    json_t *summary = cli_state_json(c, "status/_summary.json");
    json_t *watch = json_object_get(daemon, "watch");
    struct cl_strv orphans = {0};
    json_int_t pending = json_integer_value(json_object_get(watch, "pendingDeletions"));
    bool held = json_is_true(json_object_get(watch, "massDeletionHeld"));
    int rc = 0;

    if (daemon == NULL || summary == NULL) {
        rc = cli_error(c, 1, "no status in %s: has a daemon run on this state?", c->paths.state);
    } else {
        find_orphans(c, summary, &orphans);
    }
    if (rc == 0 && c->output == CLI_JSON && !cli_flag_given(c, "--yes")) {
        json_t *list = json_array();
        cl_strv_for_each(o, &orphans) {
            (void)json_array_append_new(list, json_string(o));
        }
        cli_print_json(c, json_pack("{s:I,s:b,s:o}", "pendingDeletions", pending, "held", held,
                                    "orphans", list));
    } else if (rc == 0 && !cli_flag_given(c, "--yes")) {
        (void)fprintf(c->out, "%lld objects are no longer declared%s\n", (long long)pending,
                      held ? "; their removal is held, because they are most of all: certloop "
                             "prune --yes lets it go ahead"
                           : "");
        cl_strv_for_each(o, &orphans) {
            (void)fprintf(c->out,
                          "orphan %s: no Certificate uses it; remove it by hand if it is "
                          "not needed\n",
                          o);
        }
    } else if (rc == 0) {
        rc = cli_ask(c, json_pack("{s:s}", "verb", "prune"), ANSWER_TIMEOUT);
    }
    cl_strv_deinit(&orphans);
    json_decref(daemon);
    json_decref(summary);
    return rc;
}
