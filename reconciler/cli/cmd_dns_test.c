/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns_test: certloop dns test PROVIDER ZONE: is a provider fit for certificates? Two values are
 * added at a name that nobody has, one is removed, the other has to survive, then nothing may be
 * left. What was added is removed whatever happens. */
#include "backends/rt/loop.h"
#include "reconciler/cli/cmd_dns.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define VISIBLE_WITHIN (3 * CL_MINUTE) /* unless the description says otherwise */
#define DETAIL_MAX 512

struct test {
    struct dns_session s;
    const char *provider;
    char *fqdn, *zone;
    char *values[2];
    size_t n;         /* of them, as many as the provider has room for at a name */
    bool out[2];      /* may be at the provider */
    bool ask_servers; /* name servers, too */
    cl_time patience;
    /* What the name servers have to show. */
    const struct cl_strv *there, *gone;
    bool seen, answered;
    char detail[DETAIL_MAX];
};

static void step(struct test *t, const char *what)
{
    (void)fprintf(t->s.c->out, "%-44s ", what);
    (void)fflush(t->s.c->out);
}

static int done(struct test *t, const char *how)
{
    (void)fprintf(t->s.c->out, "%s\n", how);
    (void)fflush(t->s.c->out);
    return 0;
}

/* The step of before has failed: says so on its line, and why below. */
static int failed(struct test *t)
{
    (void)done(t, t->s.interrupted ? "stopped" : "FAILED");
    return dns_session_failed(&t->s);
}

/* ---- what is there ---- */

static bool wrong(struct test *t, const struct cl_strv *values, const char *where)
{
    cl_strv_for_each(value, t->there) {
        if (!cl_strv_has(values, value)) {
            (void)cl_format(t->detail, sizeof t->detail, "%s: %s is not there", where, value);
            return true;
        }
    }
    cl_strv_for_each(value, t->gone) {
        if (cl_strv_has(values, value)) {
            (void)cl_format(t->detail, sizeof t->detail, "%s: %s is still there", where, value);
            return true;
        }
    }
    return false;
}

static void judge_table(void *user, const struct dns_table *table)
{
    struct test *t = user;

    t->seen = true;
    t->answered = false;
    for (size_t i = 0; i < table->n; i++) {
        const struct dns_view *v = &table->views[i];
        char where[128];
        (void)cl_format(where, sizeof where, "%s %s", v->ns, v->server);
        if (v->sight == DNS_SIGHT_LAME || v->sight == DNS_SIGHT_SILENT) {
            continue; /* dns check tells of these */
        }
        t->answered = true;
        t->seen = t->seen && !wrong(t, &v->values, where);
    }
    if (!t->answered) {
        t->seen = false;
        dns_table_summary(table, t->detail, sizeof t->detail);
    }
}

/* Until all name servers that answer show what they should. */
static int ask_servers(struct test *t)
{
    static const struct cl_strv NONE = {0};
    cl_time until = loop_now(t->s.loop) + t->patience;

    for (unsigned round = 1;; round++) {
        t->seen = false;
        if (dns_session_look(&t->s, t->fqdn, &NONE, judge_table, t) < 0) {
            return failed(t);
        }
        if (t->seen) {
            return done(t, "yes");
        }
        if (loop_now(t->s.loop) >= until) {
            (void)done(t, "FAILED");
            return cli_error(t->s.c, 1, "%s; after %u rounds (--no-name-servers leaves this out)",
                             t->detail, round);
        }
        dns_session_pause(&t->s, dns_round_pause(round, false, t->s.traits.propagation_every));
        if (t->s.err.kind == CL_ERR_NONE && t->s.interrupted) {
            (void)cl_fail(&t->s.err, CL_ERR_CANCELLED, "Cancelled", "interrupted");
            return failed(t);
        }
    }
}

static int ask_provider(struct test *t)
{
    struct cl_strv values = {0};
    int code = 0;

    if (dns_session_list(&t->s, t->zone, t->fqdn, &values) < 0) {
        code = failed(t);
    } else if (wrong(t, &values, t->provider)) {
        (void)done(t, "FAILED");
        code = cli_error(t->s.c, 1, "%s", t->detail);
    } else {
        (void)done(t, "yes");
    }
    cl_strv_deinit(&values);
    return code;
}

/* Are exactly those of our values there that should be? */
static int expect(struct test *t, const char *what)
{
    struct cl_strv there = {0}, gone = {0};
    char text[96];
    int code = 0;

    for (size_t i = 0; i < t->n; i++) {
        cl_strv_add(t->out[i] ? &there : &gone, t->values[i]);
    }
    t->there = &there;
    t->gone = &gone;
    if (t->s.traits.lists) {
        (void)cl_format(text, sizeof text, "  the provider lists %s", what);
        step(t, text);
        code = ask_provider(t);
    }
    if (code == 0 && t->ask_servers) {
        (void)cl_format(text, sizeof text, "  the name servers show %s", what);
        step(t, text);
        code = ask_servers(t);
    }
    t->there = NULL;
    t->gone = NULL;
    cl_strv_deinit(&there);
    cl_strv_deinit(&gone);
    return code;
}

/* ---- changes ---- */

static int add_all(struct test *t)
{
    struct dns_change change = {.fqdn = t->fqdn};

    step(t, t->n == 2 ? "add two values" : "add a value");
    for (size_t i = 0; i < t->n; i++) {
        t->out[i] = true; /* from now on it may be there */
        cl_strv_add(&change.add, t->values[i]);
    }
    int rc = dns_session_apply(&t->s, t->zone, &change, 1);
    cl_strv_deinit(&change.add);
    return rc < 0 ? failed(t) : done(t, "done");
}

static int remove_one(struct test *t, size_t i, const char *what)
{
    struct dns_change change = {.fqdn = t->fqdn};

    step(t, what);
    cl_strv_add(&change.remove, t->values[i]);
    int rc = dns_session_apply(&t->s, t->zone, &change, 1);
    cl_strv_deinit(&change.remove);
    if (rc < 0) {
        return failed(t);
    }
    t->out[i] = false;
    return done(t, "done");
}

/* After a failure: nothing of ours stays, if that can be had. */
static int clean_up(struct test *t, int code)
{
    struct dns_change change = {.fqdn = t->fqdn};

    t->s.ending = true;
    for (size_t i = 0; i < t->n; i++) {
        if (t->out[i]) {
            cl_strv_add(&change.remove, t->values[i]);
        }
    }
    if (change.remove.len > 0) {
        char *values = cl_strv_join(&change.remove, " ");
        step(t, "clean up");
        if (dns_session_apply(&t->s, t->zone, &change, 1) == 0) {
            (void)done(t, "done");
        } else {
            (void)failed(t);
            (void)cli_error(t->s.c, 1, "may be left, remove it later: certloop dns remove %s %s %s",
                            t->provider, t->fqdn, values);
        }
        code = code == 0 ? 1 : code;
        cl_free(values);
    }
    cl_strv_deinit(&change.remove);
    return code;
}

static int run_steps(struct test *t)
{
    int code = 0;

    step(t, "find the zone");
    const char *given = NULL;
    (void)cli_flag_value(t->s.c, "--zone", &given);
    if (dns_session_zone(&t->s, t->fqdn, given, &t->zone) < 0) {
        return failed(t);
    }
    (void)done(t, t->zone);
    code = add_all(t);
    code = code == 0 ? expect(t, t->n == 2 ? "both" : "it") : code;
    if (code == 0 && t->n == 2) {
        code = remove_one(t, 0, "remove the first");
        code = code == 0 ? expect(t, "the second alone") : code;
    }
    if (code == 0) {
        code = remove_one(t, t->n - 1, t->n == 2 ? "remove the second" : "remove it");
        code = code == 0 ? expect(t, "nothing of it") : code;
    }
    return code;
}

/* ---- start ---- */

static char *random_value(struct loop *l)
{
    uint64_t bits[4];

    for (size_t i = 0; i < 4; i++) {
        bits[i] = loop_entropy(l);
    }
    return cl_base64url(bits, sizeof bits); /* 43 characters, as a challenge has */
}

static int prepare(struct test *t, const char *zone)
{
    struct cli *c = t->s.c;
    const char *text = NULL;
    uint64_t entropy = loop_entropy(t->s.loop);

    if (cli_flag_value(c, "--name", &text)) {
        t->fqdn = dns_cmd_name(text);
    } else {
        char *name = cl_printf("_acme-challenge.certloop-test-%08x.%s",
                               (unsigned)(entropy & UINT32_MAX), zone);
        t->fqdn = dns_cmd_name(name);
        cl_free(name);
    }
    t->n = t->s.traits.values_per_name == 1 ? 1 : 2;
    for (size_t i = 0; i < t->n; i++) {
        t->values[i] = random_value(t->s.loop);
    }
    t->ask_servers = !cli_flag_given(c, "--no-name-servers");
    t->patience = t->s.traits.propagation_timeout > 0 ? t->s.traits.propagation_timeout
                                                      : (cl_time)VISIBLE_WITHIN;
    if (cli_flag_value(c, "--timeout", &text) && cl_duration_parse(text, &t->patience) < 0) {
        return cli_usage(c, "--timeout %s: expected a duration as 5m", text);
    }
    if (!t->ask_servers && !t->s.traits.lists) {
        return cli_usage(c, "%s cannot tell which values are there, so the name servers have to",
                         t->provider);
    }
    (void)fprintf(c->out, "%s: at most %s a check, at %s\n", t->provider,
                  cl_duration_format(t->patience, (char[CL_DURATION_TEXT]){0}), t->fqdn);
    if (t->n == 1) {
        (void)fprintf(c->out, "It has room for one value at a name: one is tried.\n");
    }
    return 0;
}

int dns_cmd_test(struct cli *c)
{
    struct test t = {0};

    if (c->args.len != 3) {
        return cli_usage(c, "test needs PROVIDER and ZONE");
    }
    t.provider = c->args.items[1];
    int code = dns_session_open(&t.s, c);
    code = code == 0 ? dns_session_provider(&t.s, t.provider) : code;
    code = code == 0 ? prepare(&t, c->args.items[2]) : code;
    if (code == 0) {
        code = clean_up(&t, run_steps(&t));
        (void)fprintf(c->out, "%s\n", code == 0 ? "PASSED" : "NOT PASSED");
    }
    dns_session_close(&t.s);
    cl_free(t.fqdn);
    cl_free(t.zone);
    cl_free(t.values[0]);
    cl_free(t.values[1]);
    return code;
}
