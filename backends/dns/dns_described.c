/* SPDX-License-Identifier: Apache-2.0 */
/* dns_described: makes a provider of a description and credentials: inputs as variables, the origins
 * that they and the description name, and the table of functions. */
#include "backends/dns/dns_described.h"

#include "backends/dns/dns_api.h"
#include "backends/dns/dns_credentials_impl.h"
#include "backends/dns/dns_origin.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"

#include <string.h>

cl_time api_now(const struct api *p)
{
    return p->fixed_now != 0 ? p->fixed_now : loop_now(p->loop);
}

static void mask(char *text, const char *secret)
{
    size_t len = strlen(secret);
    char *at = text;

    while (len >= 4 && (at = strstr(at, secret)) != NULL) {
        size_t stars = len < 3 ? len : 3;
        memset(at, '*', stars);
        memmove(at + stars, at + len, strlen(at + len) + 1);
        at += stars;
    }
}

void api_redact(const struct api *p, const struct cl_strv *more, char *text)
{
    for (size_t i = 0; i < p->secrets.len; i++) {
        mask(text, p->secrets.items[i]);
    }
    for (size_t i = 0; more != NULL && i < more->len; i++) {
        mask(text, more->items[i]);
    }
    for (size_t i = 0; i < p->session.env.len; i++) {
        char *secret = dns_value_string(&p->session.env.vars[i].value, NULL);
        mask(text, secret);
        cl_free_secret(secret);
    }
}

static void collect_secrets(struct api *p, const json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;

    if (json_is_string(value) && json_string_length(value) >= 4) {
        cl_strv_add(&p->secrets, json_string_value(value));
    }
    json_object_foreach(dns_mut(value), key, member)
    {
        collect_secrets(p, member);
    }
}

static void set_inputs(struct api *p)
{
    for (size_t i = 0; i < p->d->n_inputs; i++) {
        const struct dns_input *in = &p->d->inputs[i];
        json_t *value = json_object_get(p->credentials->values, in->name);
        char *name = cl_printf("cred.%s", in->name);
        const char *text = json_string_value(value);
        size_t len = text != NULL ? strlen(text) : 0;
        struct dns_value v = dns_value_ref(value);
        if (len > 0 && (cl_str_starts(text, "https://") || cl_str_starts(text, "http://")) &&
            text[len - 1] == '/') { /* a base may end with a slash or not */
            dns_value_deinit(&v);
            v = dns_value_textn(text, len - 1);
        }
        v.secret = in->secret;
        dns_env_set(&p->inputs, name, v);
        cl_free(name);
        if (in->secret) {
            collect_secrets(p, value);
        }
    }
}

/* Every URL of the description, rendered with nothing but the inputs: what stays of an absolute one is
 * where requests may go. */
static void add_origin(struct api *p, const struct dns_tpl *t)
{
    struct dns_eval ev = api_eval(p, &p->inputs, NULL);
    char *url = NULL;

    if (t == NULL || dns_tpl_text(t, &ev, &url, NULL) < 0) {
        return;
    }
    char *origin = dns_url_origin(url);
    if (origin != NULL && !cl_strv_has(&p->origins, origin)) {
        cl_strv_add(&p->origins, origin);
    }
    cl_free(origin);
    cl_free_secret(url);
}

static int check_origins(struct api *p, const struct dns_described_params *params,
                         struct cl_err *err)
{
    add_origin(p, p->a->request.base);
    for (size_t i = 0; i < p->a->n_urls; i++) {
        add_origin(p, p->a->urls[i]);
    }
    if (p->origins.len == 0) {
        return cl_fail(err, CL_ERR_PERMANENT, "CredentialInvalid",
                       "%s: the address of the API is no URL: it has to start with https:// (or "
                       "http://)",
                       p->d->name);
    }
    for (size_t i = 0; params->origins != NULL && i < params->origins->len; i++) {
        if (dns_origin_map_check(params->origins->items[i], err) < 0) {
            return -1;
        }
        cl_strv_add(&p->origin_map, params->origins->items[i]);
    }
    return 0;
}

void api_free(struct api *p)
{
    size_t i = 0;
    const char *key = NULL;
    void *value = NULL;

    api_session_deinit(p);
    api_limits_deinit(p);
    while (cl_map_next(&p->zones, &i, &key, &value)) {
        struct api_zone *z = value;
        json_decref(z->attributes);
        cl_strv_deinit(&z->ours);
        cl_free(z);
    }
    cl_map_deinit(&p->zones);
    cl_map_deinit(&p->uncommitted);
    dns_env_deinit(&p->inputs);
    dns_credentials_destroy(p->credentials);
    for (size_t k = 0; k < p->secrets.len; k++) {
        cl_wipe(p->secrets.items[k], strlen(p->secrets.items[k]));
    }
    cl_strv_deinit(&p->secrets);
    cl_strv_deinit(&p->origins);
    cl_strv_deinit(&p->origin_map);
    dns_description_unref(p->d);
    cl_free(p->head.name);
    cl_free(p);
}

static void destroy(struct dns_provider *provider)
{
    struct api *p = (struct api *)(void *)provider;

    cl_assert(cl_list_empty(&p->runs));
    if (p->session.exec != NULL) {
        p->dying = true;
        api_exec_cancel(p->session.exec);
        return;
    }
    api_free(p);
}

static void traits(struct dns_provider *provider, struct dns_traits *ret)
{
    const struct api *p = (const struct api *)(void *)provider;
    const struct dns_description *d = p->d;

    *ret = (struct dns_traits){.values_per_name = d->model == DNS_SLOT ? d->slot_values : 0,
                               .batches = d->batches || d->model == DNS_ZONEFILE,
                               .lists = d->lists,
                               .sequential = d->limits.concurrency == 1,
                               .concurrency = d->limits.concurrency,
                               .anycast = d->propagation.anycast,
                               .ttl = dns_description_ttl(d, p->ttl) * d->ttl.unit,
                               .propagation_wait = d->propagation.wait,
                               .propagation_timeout = d->propagation.timeout,
                               .propagation_every = d->propagation.every};
}

static void idle(struct dns_provider *provider)
{
    api_session_idle((struct api *)(void *)provider);
}

void dns_described_settle(struct dns_provider *provider, struct loop *l)
{
    struct api *p = (struct api *)(void *)provider;

    if (p->session.exec != NULL) {
        p->settling = true;
        loop_run(l);
        p->settling = false;
    }
}

static const struct dns_provider_ops OPS = {.kind = "described",
                                            .traits = traits,
                                            .zone = api_zone_start,
                                            .apply = api_apply_start,
                                            .list = api_list_start,
                                            .idle = idle,
                                            .destroy = destroy};
static const struct dns_provider_ops OPS_BLIND = {.kind = "described",
                                                  .traits = traits,
                                                  .zone = api_zone_start,
                                                  .apply = api_apply_start,
                                                  .idle = idle,
                                                  .destroy = destroy};

struct dns_provider *dns_described_create(const struct dns_described_params *params,
                                          struct cl_err *err)
{
    struct api *p = cl_new(struct api);

    p->d = dns_description_ref(params->description);
    p->a = p->d->api;
    p->head.ops = p->d->lists ? &OPS : &OPS_BLIND;
    p->head.name = cl_strdup(p->d->name);
    p->loop = params->loop;
    p->http = params->http;
    p->credentials = params->take_credentials;
    p->trust = params->trust;
    p->fixed_now = params->fixed_now;
    p->ttl = params->ttl;
    p->trace = params->trace;
    p->trace_user = params->trace_user;
    p->session.env.up = &p->inputs;
    cl_list_init(&p->session.waiting);
    cl_list_init(&p->runs);
    cl_rng_seed(&p->rng, loop_entropy(p->loop));
    set_inputs(p);
    if (check_origins(p, params, err) < 0) {
        api_free(p);
        return NULL;
    }
    return (struct dns_provider *)(void *)p;
}
