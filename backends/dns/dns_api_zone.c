/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_zone: which zone of the provider holds a name?
 *
 *  soa     the zone as the DNS shows it; with a call it is looked up there, and if it is not found (a
 *          hidden primary, split horizon) the other candidates are
 *  list    the longest of the zones that the provider lists
 *  probe   the provider is asked for one candidate after the other
 *  labels  so many labels of the name;  none: the API takes full names;  config: an input says it
 *
 * What was found is kept for an hour. */
#include "backends/dns/dns_api.h"
#include "backends/dns/lang/dns_encode.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define KEEP CL_HOUR

static void probe_next(struct api_run *run);
static void listed(struct api_run *run);
static void probed(struct api_run *run);

static int not_found(struct api_run *run, struct cl_err *err)
{
    if (run->zone_err.kind != CL_ERR_NONE) {
        *err = run->zone_err; /* what the provider said is worth more */
        return -1;
    }
    if (run->wanted_zone != NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "ZoneNotFound", "zone: this account has no zone %s",
                       run->wanted_zone);
    }
    return cl_fail(err, CL_ERR_PERMANENT, "ZoneNotFound",
                   "zone: this account has no zone that holds %s", run->fqdn);
}

static void give_up(struct api_run *run)
{
    struct cl_err err = {0};

    (void)not_found(run, &err);
    api_run_end(run, &err);
}

/* zone.name, zone.dot and the attributes. */
static void set_zone(struct api_run *run, const char *name, const json_t *attributes)
{
    json_t *zone = json_object();
    char *dot = cl_printf("%s.", name);

    (void)json_object_update(zone, dns_mut(attributes));
    (void)json_object_set_new(zone, "name", json_string(name));
    (void)json_object_set_new(zone, "dot", json_string(dot));
    dns_env_set(&run->env, "zone", dns_value_json(zone));
    cl_free(dot);
    cl_free(run->zone);
    run->zone = cl_strdup(name);
}

static void found(struct api_run *run, const char *name, json_t *take_attributes)
{
    struct api_zone *z = cl_map_get(&run->p->zones, name);

    if (z == NULL) {
        z = cl_new(struct api_zone);
        z->foreign = -1;
        (void)cl_map_set(&run->p->zones, name, z);
    }
    json_decref(z->attributes);
    z->attributes = take_attributes;
    z->at = loop_now(run->p->loop);
    set_zone(run, name, z->attributes);
    run->zone_done(run);
}

/* zone.set with `item`; NULL and err. New reference. */
static json_t *attributes_of(struct api_run *run, const json_t *item, struct cl_err *err)
{
    const struct dns_assign *set = &run->p->a->zone.set;
    struct dns_env scope = {.up = &run->env};
    struct dns_eval ev = api_eval(run->p, &scope, NULL);
    json_t *all = json_object();

    dns_env_set(&scope, "item", dns_value_ref(dns_mut(item)));
    for (size_t i = 0; i < set->len; i++) {
        struct dns_value v = {0};
        if (dns_tpl_render(set->values[i], &ev, &v, NULL, err) < 0) {
            json_decref(all);
            dns_env_deinit(&scope);
            return NULL;
        }
        (void)json_object_set(all, set->names[i], v.json != NULL ? v.json : json_null());
        dns_value_deinit(&v);
    }
    dns_env_deinit(&scope);
    return all;
}

/* The name of a listed zone, plain and owned; NULL: `where` says it is none. */
static char *zone_name(struct api_run *run, const json_t *item, struct cl_err *err)
{
    const struct dns_api *a = run->p->a;
    struct dns_env scope = {.up = &run->env};
    struct dns_eval ev = api_eval(run->p, &scope, NULL);
    struct dns_value value = dns_value_ref(dns_mut(item));
    char *text = NULL;
    char *name = NULL;

    dns_env_set(&scope, "item", dns_value_copy(&value));
    if (dns_where_holds(a->zone.where, &value, &ev, err) == 1) {
        if (a->zone.name == NULL) {
            text = dns_value_string(&value, NULL);
        } else {
            (void)dns_tpl_text(a->zone.name, &ev, &text, err);
        }
    }
    if (text != NULL) {
        name = dns_name_plain(text);
        cl_free(text);
    }
    dns_value_deinit(&value);
    dns_env_deinit(&scope);
    return name;
}

static bool fits(const struct api_run *run, const char *name)
{
    if (run->wanted_zone != NULL) {
        return cl_streq(name, run->wanted_zone);
    }
    return dns_is_within(run->fqdn, name);
}

/* The longest fitting zone among the items of the last call; NULL if none fits. Borrowed. */
static const json_t *pick(struct api_run *run, char **ret_name, struct cl_err *err)
{
    const struct dns_value *items = dns_env_get(&run->env, "items");
    const json_t *best = NULL;

    *ret_name = NULL;
    for (size_t i = 0; items != NULL && i < json_array_size(items->json); i++) {
        const json_t *item = json_array_get(items->json, i);
        char *name = zone_name(run, item, err);
        if (name != NULL && fits(run, name) &&
            (*ret_name == NULL || strlen(name) > strlen(*ret_name))) {
            cl_free(*ret_name);
            *ret_name = name;
            best = item;
            name = NULL;
        }
        cl_free(name);
    }
    return best;
}

/* Takes the picked zone; false: there is none, or @err. */
static bool take_picked(struct api_run *run, struct cl_err *err)
{
    char *name = NULL;
    const json_t *item = pick(run, &name, err);
    json_t *attributes = NULL;

    if (item != NULL) {
        attributes = attributes_of(run, item, err);
    }
    if (attributes != NULL) {
        found(run, name, attributes);
    }
    cl_free(name);
    return attributes != NULL;
}

static void listed(struct api_run *run)
{
    struct cl_err err = {0};

    if (!take_picked(run, &err)) {
        if (err.kind != CL_ERR_NONE) {
            cl_wrap(&err, "zone");
            api_run_end(run, &err);
            return;
        }
        give_up(run);
    }
}

/* "a.b.c", "b.c": what could be the zone, the likely one first. */
static void make_candidates(struct api_run *run)
{
    if (run->wanted_zone != NULL) {
        cl_strv_add(&run->candidates, run->wanted_zone);
        return;
    }
    if (run->soa_zone != NULL && dns_is_within(run->fqdn, run->soa_zone)) {
        cl_strv_add(&run->candidates, run->soa_zone);
    }
    for (const char *at = run->fqdn; at != NULL && strchr(at, '.') != NULL;
         at = strchr(at, '.') + 1) {
        if (*at != '_' && *at != '*' && !cl_strv_has(&run->candidates, at)) {
            cl_strv_add(&run->candidates, at);
        }
    }
}

static void probe_next(struct api_run *run)
{
    if (run->candidate == run->candidates.len) {
        give_up(run);
        return;
    }
    const char *name = run->candidates.items[run->candidate++];
    dns_env_set_text(&run->env, "candidate", name);
    set_zone(run, name, NULL);
    api_env_name(run->p, &run->env, run->fqdn, name);
    api_run_try(run, "zone", &run->p->a->zone.call, &run->env, probed);
}

/* Refused as unknown or not ours is an answer; a broken line or a rejected key is not. */
static bool means_no(const struct cl_err *err)
{
    return cl_streq(err->reason, "ProviderRefused") ||
           (cl_streq(err->reason, "ProviderDenied") && err->http_status == 403);
}

static void probed(struct api_run *run)
{
    const struct api_exec *x = &run->exec;
    const struct dns_call *last = &run->p->a->zone.call.items[run->p->a->zone.call.len - 1];
    struct cl_err err = {0};

    if (x->err.kind != CL_ERR_NONE && !means_no(&x->err)) {
        api_run_end(run, &x->err);
        return;
    }
    if (x->err.kind != CL_ERR_NONE) {
        run->zone_err = x->err;
        probe_next(run);
        return;
    }
    run->zone_err.kind = CL_ERR_NONE;
    if (x->absent) {
        probe_next(run);
        return;
    }
    if (last->items != NULL) {
        if (!take_picked(run, &err)) {
            probe_next(run);
        }
        return;
    }
    json_t *attributes = attributes_of(run, NULL, &err);
    if (attributes == NULL) {
        api_run_end(run, &err);
        return;
    }
    char *name = cl_strdup(run->candidates.items[run->candidate - 1]);
    found(run, name, attributes);
    cl_free(name);
}

/* ---- without asking ---- */

static void settle(struct api_run *run, const char *name)
{
    struct cl_err err = {0};
    json_t *attributes = NULL;

    set_zone(run, name, NULL);
    api_env_name(run->p, &run->env, run->fqdn, name);
    attributes = attributes_of(run, NULL, &err);
    if (attributes == NULL) {
        api_run_end(run, &err);
        return;
    }
    found(run, name, attributes);
}

static const char *last_labels(const char *name, unsigned labels)
{
    const char *at = name + strlen(name);

    while (at > name) {
        if (at[-1] == '.' && --labels == 0) {
            break;
        }
        at--;
    }
    return at;
}

/* zone.name gives one name or a list of them. */
static void settle_config(struct api_run *run)
{
    struct dns_eval ev = api_eval(run->p, &run->env, NULL);
    struct dns_value v = {0};
    struct cl_err err = {0};
    char *best = NULL;

    if (dns_tpl_render(run->p->a->zone.name, &ev, &v, NULL, &err) < 0) {
        api_run_end(run, &err);
        return;
    }
    json_t *names = dns_json_list(v.json);
    for (size_t i = 0; i < json_array_size(names); i++) {
        char *text = dns_json_string(json_array_get(names, i), NULL);
        char *name = dns_name_plain(text);
        cl_free(text);
        if (fits(run, name) && (best == NULL || strlen(name) > strlen(best))) {
            cl_free(best);
            best = cl_strdup(name);
        }
        cl_free(name);
    }
    json_decref(names);
    dns_value_deinit(&v);
    if (best == NULL) {
        give_up(run);
        return;
    }
    settle(run, best);
    cl_free(best);
}

static void start_known(struct api_run *run)
{
    struct cl_err err = {0};
    const char *zone = cl_str_or(run->wanted_zone, run->soa_zone);

    switch (run->p->d->zone_by) {
    case DNS_ZONE_LABELS:
        settle(run, run->wanted_zone != NULL ? run->wanted_zone
                                             : last_labels(run->fqdn, run->p->a->zone.labels));
        return;
    case DNS_ZONE_NONE:
        settle(run, cl_str_or(zone, run->fqdn));
        return;
    case DNS_ZONE_CONFIG:
        settle_config(run);
        return;
    case DNS_ZONE_SOA:
    case DNS_ZONE_LIST:
    case DNS_ZONE_PROBE:
        break;
    }
    if (zone == NULL) {
        (void)cl_fail(&err, CL_ERR_TRANSIENT, "ZoneUnknown",
                      "zone: the DNS did not say which zone holds %s, and this provider cannot be "
                      "asked",
                      run->fqdn);
        api_run_end(run, &err);
        return;
    }
    settle(run, zone);
}

static bool take_cached(struct api_run *run)
{
    const char *name = cl_str_or(run->wanted_zone, run->soa_zone);
    struct api_zone *z = name != NULL ? cl_map_get(&run->p->zones, name) : NULL;

    if (z == NULL || loop_now(run->p->loop) - z->at > KEEP) {
        return false;
    }
    set_zone(run, name, z->attributes);
    return true;
}

static void begin(struct api_run *run)
{
    const struct dns_api *a = run->p->a;

    if (take_cached(run)) {
        run->zone_done(run);
        return;
    }
    if (a->zone.call.len == 0) {
        start_known(run);
        return;
    }
    if (run->p->d->zone_by == DNS_ZONE_LIST) {
        set_zone(run, cl_str_or(cl_str_or(run->wanted_zone, run->soa_zone), run->fqdn), NULL);
        api_env_name(run->p, &run->env, run->fqdn, run->zone);
        api_run_step(run, "zone", &a->zone.call, &run->env, listed);
        return;
    }
    make_candidates(run);
    probe_next(run);
}

void api_run_zone(struct api_run *run, void (*done)(struct api_run *run))
{
    run->zone_done = done;
    api_run_later(run, 0, begin);
}

static void zone_found(struct api_run *run)
{
    struct dns_zone_op *op = cl_container(run->op, struct dns_zone_op, op);
    char *zone = run->zone;

    run->zone = NULL;
    op->zone = zone;
    api_run_end(run, NULL);
    cl_free(zone);
}

void api_zone_start(struct dns_provider *provider, struct dns_zone_op *op)
{
    struct api *p = (struct api *)(void *)provider;
    struct api_run *run = api_run_new(p, RUN_ZONE, &op->op);

    op->zone = NULL;
    run->fqdn = dns_name_plain(op->fqdn);
    run->soa_zone = op->soa_zone != NULL ? dns_name_plain(op->soa_zone) : NULL;
    api_run_zone(run, zone_found);
}
