/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dns_change: certloop dns add|remove|list: one change by hand, through the engine that the daemon
 * uses: the zone is found, the values at the name are read, and only what is named is touched. */
#include "backends/dns/dns_described.h"
#include "backends/dns/wire/dns_resolve.h"
#include "reconciler/cli/cmd_dns.h"
#include "spec/base/cl_alloc.h"
#include "version.h"

#include <string.h>

struct change {
    struct cli *c;
    struct loop *loop;
    struct http *http;
    struct dns_resolver *resolver;
    struct dns_provider *provider;
    const char *verb;
    char *fqdn, *zone;
    struct dns_change wanted;
    struct dns_zone_cut_op cut;
    struct dns_zone_op find;
    struct dns_apply_op apply;
    struct dns_list_op list;
    struct loop_timer settle;
    int code;
};

static void start(struct change *ch);

static void trace(void *user, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "%s\n", line);
}

static void stop(struct change *ch, int code)
{
    ch->code = code;
    loop_stop(ch->loop);
}

static void failed(struct change *ch, const struct cl_err *err)
{
    char when[CL_TIME_TEXT];

    (void)cli_error(ch->c, 1, "%s (%s)", err->text, err->reason);
    if (err->retry_at != 0) {
        (void)fprintf(stderr, "not before %s\n", cl_time_format(err->retry_at, when));
    }
    stop(ch, 1);
}

static void applied(struct cl_op *op, const struct cl_err *err)
{
    struct change *ch = op->user;

    if (err != NULL) {
        failed(ch, err);
        return;
    }
    (void)fprintf(ch->c->out, "%s: %s in zone %s: done\n", ch->verb, ch->fqdn, ch->zone);
    stop(ch, 0);
}

static void listed(struct cl_op *op, const struct cl_err *err)
{
    struct change *ch = op->user;

    if (err != NULL) {
        failed(ch, err);
        return;
    }
    cl_strv_for_each(value, &ch->list.values) {
        char *clean = cl_clean_dup(value, strlen(value));
        (void)fprintf(ch->c->out, "%s\n", clean);
        cl_free(clean);
    }
    stop(ch, 0);
}

static void zone_found(struct cl_op *op, const struct cl_err *err)
{
    struct change *ch = op->user;
    const struct dns_provider_ops *ops = dns_head(ch->provider)->ops;

    if (err != NULL) {
        failed(ch, err);
        return;
    }
    cl_free(ch->zone);
    ch->zone = cl_strdup(ch->find.zone);
    if (cl_streq(ch->verb, "list")) {
        ch->list = (struct dns_list_op){
            .op = {.done = listed, .user = ch}, .zone = ch->zone, .fqdn = ch->fqdn};
        ops->list(ch->provider, &ch->list);
        return;
    }
    ch->apply = (struct dns_apply_op){
        .op = {.done = applied, .user = ch}, .zone = ch->zone, .changes = &ch->wanted, .n = 1};
    ops->apply(ch->provider, &ch->apply);
}

static void find_zone(struct change *ch)
{
    ch->find = (struct dns_zone_op){
        .op = {.done = zone_found, .user = ch}, .fqdn = ch->fqdn, .soa_zone = ch->zone};
    dns_head(ch->provider)->ops->zone(ch->provider, &ch->find);
}

/* Without a name server that knows, the provider is asked alone. */
static void cut_found(struct cl_op *op, const struct cl_err *err)
{
    struct change *ch = op->user;

    if (err == NULL) {
        ch->zone = cl_strdup(ch->cut.zone);
    }
    find_zone(ch);
}

static void start(struct change *ch)
{
    struct dns_resolver_params params = {0};
    const char *parent = strchr(ch->fqdn, '.');
    struct cl_err err = {0};

    if (ch->zone != NULL || parent == NULL ||
        dns_resolver_create(ch->loop, ch->http, &params, &ch->resolver, &err) < 0) {
        find_zone(ch);
        return;
    }
    ch->cut = (struct dns_zone_cut_op){.op = {.done = cut_found, .user = ch}};
    dns_zone_cut_start(ch->resolver, parent + 1, &ch->cut);
}

static void settled(struct loop_timer *t)
{
    loop_stop(((struct change *)t->user)->loop);
}

/* Logs out, if the provider has sessions; a short while is enough for that one request. */
static void close_provider(struct change *ch)
{
    const struct dns_provider_ops *ops = dns_head(ch->provider)->ops;

    if (ops->idle != NULL) {
        ops->idle(ch->provider);
        loop_at(ch->loop, &ch->settle, loop_now(ch->loop) + CL_SECOND, settled, ch);
        dns_described_settle(ch->provider, ch->loop);
        loop_timer_stop(ch->loop, &ch->settle);
    }
    ops->destroy(ch->provider);
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

static int open_provider(struct change *ch, const char *name)
{
    struct cli *c = ch->c;
    struct cl_strv map = {0};
    struct cl_err err = {0};
    struct dns_credentials *credentials = NULL;
    const char *path = NULL;
    const char *now = NULL;
    uint64_t epoch = 0;
    int code = origins(c, &map);
    struct dns_description *d = code == 0 ? dns_cmd_open(c, name, &code) : NULL;

    if (d != NULL && cli_flag_value(c, "--now", &now) &&
        cl_parse_u64(now, 253402300799ULL, &epoch) < 0) {
        code = cli_usage(c, "--now %s: expected seconds since 1970", now);
    }
    if (d != NULL && code == 0) {
        credentials = cli_flag_value(c, "--credentials", &path)
                          ? dns_credentials_from_path(d, path, &err)
                          : dns_credentials_from_env(d, &err);
        code = credentials == NULL ? cli_error(c, 1, "%s", err.text) : 0;
    }
    if (credentials != NULL) {
        struct dns_described_params p = {.loop = ch->loop,
                                         .http = ch->http,
                                         .description = d,
                                         .take_credentials = credentials,
                                         .origins = &map,
                                         .fixed_now = (cl_time)epoch * CL_SECOND,
                                         .trace = cli_flag_given(c, "-v") ? trace : NULL};
        ch->provider = dns_described_create(&p, &err);
        code = ch->provider == NULL ? cli_error(c, 1, "%s", err.text) : 0;
    }
    if (code == 0 && d != NULL && cl_streq(ch->verb, "list") && !d->lists) {
        code = cli_error(c, 1, "%s cannot tell which values are there", name);
    }
    dns_description_unref(d);
    cl_strv_deinit(&map);
    return code;
}

static int run(struct change *ch)
{
    struct http_params params = {.user_agent = "certloop/" CERTLOOP_VERSION};
    struct cl_err err = {0};
    int code = 0;

    ch->loop = loop_create();
    ch->http = http_create(ch->loop, &params, &err);
    if (ch->http == NULL) {
        code = cli_error(ch->c, 1, "%s", err.text);
    } else {
        code = open_provider(ch, ch->c->args.items[1]);
    }
    if (code == 0) {
        start(ch);
        loop_run(ch->loop);
        code = ch->code;
    }
    if (ch->provider != NULL) {
        close_provider(ch);
    }
    dns_resolver_destroy(ch->resolver);
    http_destroy(ch->http);
    loop_destroy(ch->loop);
    return code;
}

int dns_cmd_change(struct cli *c, const char *verb)
{
    struct change ch = {.c = c, .verb = verb};
    const char *zone = NULL;
    bool list = cl_streq(verb, "list");

    if (list ? c->args.len != 3 : c->args.len < 4) {
        return cli_usage(c, "%s needs PROVIDER, FQDN%s", verb, list ? "" : " and VALUE");
    }
    ch.fqdn = cl_str_lower(cl_strdup(c->args.items[2]));
    size_t len = strlen(ch.fqdn);
    if (len > 0 && ch.fqdn[len - 1] == '.') {
        ch.fqdn[len - 1] = '\0';
    }
    if (cli_flag_value(c, "--zone", &zone)) {
        ch.zone = cl_strdup(zone);
    }
    ch.wanted.fqdn = ch.fqdn;
    struct cl_strv *values = cl_streq(verb, "add") ? &ch.wanted.add : &ch.wanted.remove;
    for (size_t i = 3; i < c->args.len; i++) {
        cl_strv_add(values, c->args.items[i]);
    }
    int code = run(&ch);
    cl_strv_deinit(&ch.wanted.add);
    cl_strv_deinit(&ch.wanted.remove);
    cl_free(ch.fqdn);
    cl_free(ch.zone);
    return code;
}
