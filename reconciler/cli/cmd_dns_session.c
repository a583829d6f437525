/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns_session: one operation after the other, for commands: each is started and the loop runs until
 * it has ended. */
#include "backends/dns/dns_described.h"
#include "backends/rt/disk.h"
#include "reconciler/cli/cli_objects.h"
#include "reconciler/cli/cmd_dns.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

#include <signal.h>
#include <string.h>

#define LOGOUT_TIME CL_SECOND
#define EPOCH_MAX 253402300799ULL /* the last second of the year 9999 */

/* ---- one operation ---- */

static void note_end(struct dns_session *s, const struct cl_err *err)
{
    s->err = err != NULL ? *err : (struct cl_err){0};
    s->running = NULL;
    loop_stop(s->loop);
}

static int await(struct dns_session *s, struct cl_op *op)
{
    s->running = op;
    if (s->interrupted && !s->ending) {
        cl_op_cancel(op);
    }
    while (s->running != NULL) {
        loop_run(s->loop);
    }
    s->running = NULL; /* it is, but gcc 12 sees a pointer to a variable of the caller */
    return s->err.kind == CL_ERR_NONE ? 0 : -1;
}

static void interrupt(void *user, int signum)
{
    struct dns_session *s = user;

    (void)signum;
    s->interrupted = true;
    if (s->running != NULL && !s->ending) {
        cl_op_cancel(s->running);
    }
}

static void simply_ended(struct cl_op *op, const struct cl_err *err)
{
    note_end(op->user, err);
}

struct cut {
    struct dns_zone_cut_op op;
    char *zone;
};

static void cut_found(struct cl_op *op, const struct cl_err *err)
{
    struct cut *cut = cl_container(op, struct cut, op.op);

    cut->zone = err == NULL ? cl_strdup(cut->op.zone) : NULL;
    note_end(op->user, err);
}

struct zone_find {
    struct dns_zone_op op;
    char *zone;
};

static void zone_found(struct cl_op *op, const struct cl_err *err)
{
    struct zone_find *find = cl_container(op, struct zone_find, op.op);

    find->zone = err == NULL ? cl_strdup(find->op.zone) : NULL;
    note_end(op->user, err);
}

int dns_session_zone(struct dns_session *s, const char *fqdn, const char *zone, char **ret)
{
    struct cut cut = {.op.op = {.done = cut_found, .user = s}};
    struct zone_find find = {
        .op = {.op = {.done = zone_found, .user = s}, .fqdn = fqdn, .soa_zone = zone}};
    const char *parent = strchr(fqdn, '.');

    if (zone == NULL && parent != NULL) {
        dns_zone_cut_start(s->resolver, parent + 1, &cut.op);
        (void)await(s,
                    &cut.op.op); /* without a name server that knows, the provider alone is asked */
        find.op.soa_zone = cut.zone;
    }
    dns_head(s->provider)->ops->zone(s->provider, &find.op);
    int rc = await(s, &find.op.op);
    cl_free(cut.zone);
    *ret = find.zone;
    return rc;
}

int dns_session_apply(struct dns_session *s, const char *zone, const struct dns_change *changes,
                      size_t n)
{
    struct dns_apply_op apply = {.op = {.done = simply_ended, .user = s},
                                 .zone = zone,
                                 .changes = changes,
                                 .n = n,
                                 .detail = s->detail,
                                 .detail_user = s->detail_user};

    dns_head(s->provider)->ops->apply(s->provider, &apply);
    return await(s, &apply.op);
}

struct listing {
    struct dns_list_op op;
    struct cl_strv *ret;
};

static void listed(struct cl_op *op, const struct cl_err *err)
{
    struct listing *list = cl_container(op, struct listing, op.op);

    for (size_t i = 0; err == NULL && i < list->op.values.len; i++) {
        cl_strv_add(list->ret, list->op.values.items[i]);
    }
    note_end(op->user, err);
}

int dns_session_list(struct dns_session *s, const char *zone, const char *fqdn, struct cl_strv *ret)
{
    struct listing list = {.op = {.op = {.done = listed, .user = s}, .zone = zone, .fqdn = fqdn},
                           .ret = ret};

    dns_head(s->provider)->ops->list(s->provider, &list.op);
    return await(s, &list.op.op);
}

struct locating {
    struct dns_locate_op op;
    void (*fn)(void *user, const struct dns_locate_op *found);
    void *user;
};

static void located(struct cl_op *op, const struct cl_err *err)
{
    struct locating *l = cl_container(op, struct locating, op.op);

    if (err == NULL) {
        l->fn(l->user, &l->op);
    }
    note_end(op->user, err);
}

int dns_session_locate(struct dns_session *s, const char *fqdn,
                       void (*fn)(void *user, const struct dns_locate_op *found), void *user)
{
    struct locating l = {.op.op = {.done = located, .user = s}, .fn = fn, .user = user};

    dns_locate_start(s->resolver, fqdn, DNS_FOLLOW_EXPLICIT, &l.op);
    return await(s, &l.op.op);
}

struct look {
    struct dns_propagation_op op;
    void (*fn)(void *user, const struct dns_table *table);
    void *user;
};

static void looked(struct cl_op *op, const struct cl_err *err)
{
    struct look *look = cl_container(op, struct look, op.op);

    if (err == NULL && look->op.table != NULL) {
        look->fn(look->user, look->op.table);
    }
    note_end(op->user, err);
}

int dns_session_look(struct dns_session *s, const char *fqdn, const struct cl_strv *values,
                     void (*fn)(void *user, const struct dns_table *table), void *user)
{
    const struct dns_propagation_params p = {.mode = DNS_PROPAGATION_AUTHORITATIVE, .once = true};
    struct look look = {.op.op = {.done = looked, .user = s}, .fn = fn, .user = user};

    dns_propagation_start(s->resolver, fqdn, values, &p, &look.op);
    return await(s, &look.op.op);
}

struct pause {
    struct cl_op op;
    struct dns_session *s;
    struct loop_timer timer;
};

static void paused(struct loop_timer *t)
{
    cl_op_done(&((struct pause *)t->user)->op, NULL);
}

static void pause_cancel(struct cl_op *op)
{
    struct pause *p = op->impl;

    loop_at(p->s->loop, &p->timer, 0, paused, p);
}

void dns_session_pause(struct dns_session *s, cl_time delay)
{
    struct pause p = {.op = {.done = simply_ended, .user = s, .cancel = pause_cancel}, .s = s};

    p.op.impl = &p;
    loop_at(s->loop, &p.timer, loop_now(s->loop) + delay, paused, &p);
    (void)await(s, &p.op);
}

int dns_session_failed(struct dns_session *s)
{
    char when[CL_TIME_TEXT];

    if (s->interrupted && s->err.kind == CL_ERR_CANCELLED) {
        return cli_error(s->c, 1, "interrupted");
    }
    (void)cli_error(s->c, 1, "%s (%s)", s->err.text, s->err.reason);
    if (s->err.retry_at != 0) {
        (void)fprintf(stderr, "not before %s\n", cl_time_format(s->err.retry_at, when));
    }
    return 1;
}

/* ---- open and close ---- */

static int make_resolver(struct dns_session *s, struct cl_err *err)
{
    const struct config_dns *c = &s->config->dns;
    struct dns_zone_servers *zones = c->n_zones > 0 ? cl_calloc(c->n_zones, sizeof(*zones)) : NULL;
    struct dns_resolver_params p = {.zones = zones, .zones_len = c->n_zones};

    for (size_t i = 0; i < c->n_zones; i++) {
        zones[i] =
            (struct dns_zone_servers){.zone = c->zones[i].zone, .servers = c->zones[i].servers};
    }
    for (size_t i = 0; i + 1 < s->c->flags.len; i += 2) {
        if (cl_streq(s->c->flags.items[i], "--resolver")) {
            cl_strv_add(&p.recursive, s->c->flags.items[i + 1]);
        }
    }
    for (size_t i = 0; p.recursive.len == 0 && i < c->resolvers.len; i++) {
        cl_strv_add(&p.recursive, c->resolvers.items[i]);
    }
    int rc = dns_resolver_create(s->loop, s->http, &p, &s->resolver, err);
    cl_strv_deinit(&p.recursive);
    cl_free(zones);
    return rc;
}

int dns_session_open(struct dns_session *s, struct cli *c)
{
    struct http_params params = {.user_agent = "certloop/" CERTLOOP_VERSION};
    struct cl_err err = {0};

    *s = (struct dns_session){.c = c, .loop = loop_create()};
    s->config = cli_config(c);
    if (s->config == NULL) {
        return EXIT_CONFIGURATION;
    }
    s->http = http_create(s->loop, &params, &err);
    if (s->http == NULL || make_resolver(s, &err) < 0 ||
        loop_signal(s->loop, SIGINT, interrupt, s, &err) < 0 ||
        loop_signal(s->loop, SIGTERM, interrupt, s, &err) < 0) {
        return cli_error(c, 1, "%s", err.text);
    }
    return 0;
}

static void trace(void *user, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "%s\n", line);
}

static int origins(struct cli *c, struct cl_strv *ret)
{
    struct cl_err err = {0};

    for (size_t i = 0; i + 1 < c->flags.len; i += 2) {
        if (!cl_streq(c->flags.items[i], "--origin")) {
            continue;
        }
        if (dns_origin_map_check(c->flags.items[i + 1], &err) < 0) {
            return cli_usage(c, "--origin %s", err.text);
        }
        cl_strv_add(ret, c->flags.items[i + 1]);
    }
    return 0;
}

static struct dns_credentials *credentials_of(struct dns_session *s,
                                              const struct dns_description *d, struct cl_err *err)
{
    struct cl_err own = {0};
    struct disk_stat st = {0};
    struct dns_credentials *ret = NULL;
    const char *path = NULL;

    if (cli_flag_value(s->c, "--credentials", &path)) {
        return dns_credentials_from_path(d, path, err);
    }
    ret = dns_credentials_from_env(d, &own);
    char *dir = cl_printf("%s/%s", s->c->paths.secrets, d->name);
    if (ret == NULL && disk_stat(dir, &st, NULL) == 0 && st.type == DISK_DIR) {
        ret = dns_credentials_from_dir(d, dir, &own); /* where the daemon has them */
    }
    *err = ret == NULL ? own : *err;
    cl_free(dir);
    return ret;
}

int dns_session_provider(struct dns_session *s, const char *name)
{
    struct cl_strv map = {0};
    struct cl_err err = {0};
    struct dns_credentials *credentials = NULL;
    const char *now = NULL;
    uint64_t epoch = 0;
    int code = origins(s->c, &map);
    struct dns_description *d = code == 0 ? dns_cmd_open(s->c, name, &code) : NULL;

    if (d != NULL && cli_flag_value(s->c, "--now", &now) &&
        cl_parse_u64(now, EPOCH_MAX, &epoch) < 0) {
        code = cli_usage(s->c, "--now %s: expected seconds since 1970", now);
    }
    if (d != NULL && code == 0) {
        credentials = credentials_of(s, d, &err);
        code = credentials == NULL ? cli_error(s->c, 1, "%s", err.text) : 0;
    }
    if (credentials != NULL) {
        struct dns_described_params p = {.loop = s->loop,
                                         .http = s->http,
                                         .description = d,
                                         .take_credentials = credentials,
                                         .origins = &map,
                                         .fixed_now = (cl_time)epoch * CL_SECOND,
                                         .trace = cli_flag_given(s->c, "-v") ? trace : NULL};
        s->provider = dns_described_create(&p, &err);
        code = s->provider == NULL ? cli_error(s->c, 1, "%s", err.text) : 0;
    }
    if (s->provider != NULL) {
        dns_head(s->provider)->ops->traits(s->provider, &s->traits);
    }
    dns_description_unref(d);
    cl_strv_deinit(&map);
    return code;
}

static void logout_over(struct loop_timer *t)
{
    loop_stop(((struct dns_session *)t->user)->loop);
}

/* A short while is enough for the one request of a logout. */
static void close_provider(struct dns_session *s)
{
    const struct dns_provider_ops *ops = dns_head(s->provider)->ops;
    struct loop_timer timer = {0};

    if (ops->idle != NULL) {
        ops->idle(s->provider);
        loop_at(s->loop, &timer, loop_now(s->loop) + LOGOUT_TIME, logout_over, s);
        dns_described_settle(s->provider, s->loop);
        loop_timer_stop(s->loop, &timer);
    }
    ops->destroy(s->provider);
}

void dns_session_close(struct dns_session *s)
{
    if (s->provider != NULL) {
        close_provider(s);
    }
    dns_resolver_destroy(s->resolver);
    http_destroy(s->http);
    loop_destroy(s->loop);
    config_destroy(s->config);
}
