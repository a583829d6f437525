/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run: run, run --once. */
#include "reconciler/cli/cli.h"
#include "reconciler/daemon.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

#include <signal.h>
#include <string.h>

struct run {
    struct cli *c;
    struct loop *loop;
    struct daemon *d;
    struct loop_timer timeout, poll;
    struct cl_strv lines;
    enum daemon_outcome outcome;
    bool once, timed_out;
};

static void stopped(void *user)
{
    struct run *r = user;
    loop_stop(r->loop);
}

static void terminate(void *user, int signum)
{
    struct run *r = user;
    (void)signum;
    daemon_stop(r->d, stopped, r);
}

static void hang_up(void *user, int signum)
{
    struct run *r = user;
    (void)signum;
    daemon_reload(r->d);
}

/* ---- --once ---- */

static void once_ended(struct run *r)
{
    loop_timer_stop(r->loop, &r->timeout);
    loop_timer_stop(r->loop, &r->poll);
    daemon_stop(r->d, stopped, r);
}

static void settle(struct run *r)
{
    if (!r->once || r->outcome != OUTCOME_WORKING || r->d->stopping) {
        return;
    }
    r->outcome = daemon_outcome(r->d, &r->lines);
    if (r->outcome != OUTCOME_WORKING) {
        once_ended(r);
    }
}

static void idle(void *user)
{
    settle(user);
}

static void poll_due(struct loop_timer *t)
{
    struct run *r = t->user;
    loop_at(r->loop, &r->poll, loop_now(r->loop) + CL_SECOND, poll_due, r);
    settle(r);
}

static void timeout_due(struct loop_timer *t)
{
    struct run *r = t->user;
    r->timed_out = true;
    r->outcome = daemon_verdict(r->d, &r->lines);
    once_ended(r);
}

static int once_exit(struct run *r)
{
    cl_strv_for_each(line, &r->lines) {
        (void)fprintf(stderr, "certloop run: %s\n", line);
    }
    if (r->timed_out) {
        (void)fprintf(stderr, "certloop run: the time given by --timeout is over\n");
    }
    return r->outcome == OUTCOME_ALL_DONE ? 0 : (r->outcome == OUTCOME_WAITING ? 2 : 1);
}

/* ---- both ---- */

static int watch_signals(struct run *r, struct cl_err *err)
{
    if (loop_signal(r->loop, SIGTERM, terminate, r, err) < 0 ||
        loop_signal(r->loop, SIGINT, terminate, r, err) < 0 ||
        loop_signal(r->loop, SIGHUP, hang_up, r, err) < 0) {
        return -1;
    }
    return 0;
}

static int start(struct run *r, cl_time timeout)
{
    struct cli *c = r->c;
    struct cl_err err = {0};
    struct daemon_options o = {.specs = c->paths.specs,
                               .state = c->paths.state,
                               .secrets = c->paths.secrets,
                               .config = c->paths.config,
                               .live = c->paths.live,
                               .output_roots = &c->output_roots,
                               .metrics = c->metrics,
                               .version = CERTLOOP_VERSION,
                               .built_at = (cl_time)CERTLOOP_BUILD_EPOCH * CL_SECOND,
                               .once = r->once};

    r->loop = loop_create();
    if (watch_signals(r, &err) < 0 || daemon_create(r->loop, &o, &r->d, &err) < 0) {
        return cli_error(c, cl_streq(err.reason, "Locked") ? EXIT_LOCKED : EXIT_CONFIGURATION, "%s",
                         err.text);
    }
    if (r->once) {
        r->d->idle = idle;
        r->d->idle_user = r;
        loop_at(r->loop, &r->timeout, loop_now(r->loop) + timeout, timeout_due, r);
        loop_at(r->loop, &r->poll, loop_now(r->loop) + CL_SECOND, poll_due, r);
    }
    daemon_start(r->d);
    loop_run(r->loop);
    return r->once ? once_exit(r) : 0;
}

int cmd_run(struct cli *c)
{
    struct run r = {.c = c, .once = cli_flag_given(c, "--once")};
    cl_time timeout = 15 * CL_MINUTE;
    const char *text = NULL;

    if (c->args.len > 0) {
        return cli_usage(c, "unexpected argument %s", c->args.items[0]);
    }
    if (cli_flag_value(c, "--timeout", &text) && cl_duration_parse(text, &timeout) < 0) {
        return cli_usage(c, "--timeout %s: expected a duration such as 15m", text);
    }
    int rc = start(&r, timeout);
    cl_strv_deinit(&r.lines);
    if (r.d != NULL && daemon_busy(r.d)) {
        return rc; /* what could not be ended in time dies with the process */
    }
    daemon_destroy(r.d);
    loop_destroy(r.loop);
    return rc;
}
