/* SPDX-License-Identifier: Apache-2.0 */
/* dns_registry: instances by identity, their going after a while, descriptions and resolvers. */
#include "backends/dns/dns_registry.h"

#include "backends/dns/dns_registry_impl.h"
#include "backends/store/secrets.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_assert.h"
#include "spec/base/cl_hash.h"

#include <string.h>

#define LINGER (5 * CL_MINUTE)            /* of an instance nobody uses: caches, sessions */
#define DESCRIPTION_LIFE (30 * CL_SECOND) /* a changed file counts after this */
#define IDENTITY_MAX ((size_t)1 << 20)

struct dns_registry_entry {
    struct dns_handle handle;
    struct dns_registry *r;
    unsigned refs;
    cl_time idle_since;
    bool pinned; /* the responder answers as long as the process lives */
};
struct dns_cached_description {
    struct dns_description *description;
    cl_time loaded_at;
};

/* ---- gathering ---- */

void dns_opening_mix(struct dns_opening *o, const char *name, const char *value)
{
    (void)cl_buf_addf(&o->identity, "%s=%zu:%s\n", name, value != NULL ? strlen(value) : 0,
                      cl_str_or(value, ""));
}

int dns_opening_secret(struct dns_opening *o, const struct secret_ref *ref, const char *key,
                       struct cl_buf *ret, struct cl_err *err)
{
    int rc = secret_read(o->r->paths, o->r->config, o->namespace_, ref, key, ret, NULL, err);

    if (rc == 0) {
        dns_opening_mix(o, key, cl_buf_str(ret));
    }
    return rc;
}

int dns_opening_optional(struct dns_opening *o, const char *directory, const char *file,
                         struct cl_buf *ret, struct cl_err *err)
{
    struct cl_err own = {0};
    char *name = cl_strdup(directory), *key = cl_strdup(file);
    const struct secret_ref ref = {.name = name, .key = key};
    int rc = secret_read(o->r->paths, o->r->config, o->namespace_, &ref, NULL, ret, NULL, &own);

    cl_free(name);
    cl_free(key);
    if (rc == 0) {
        dns_opening_mix(o, file, cl_buf_str(ret));
        return 1;
    }
    if (cl_streq(own.reason, "SecretNotFound")) {
        return 0;
    }
    if (err != NULL) {
        *err = own;
    }
    return -1;
}

/* "https://host:port" of a URL; a name without scheme is one by https. Owned. */
static char *origin_of(const char *endpoint)
{
    const char *rest = strstr(endpoint, "://");
    size_t scheme = rest != NULL ? (size_t)(rest - endpoint) : 0;
    const char *host = rest != NULL ? rest + 3 : endpoint;
    char *origin = cl_printf("%.*s://%.*s", (int)(rest != NULL ? scheme : 5),
                             rest != NULL ? endpoint : "https", (int)strcspn(host, "/?#"), host);

    return cl_str_lower(origin);
}

int dns_opening_origin(struct dns_opening *o, const char *endpoint, const char *directory,
                       struct cl_err *err)
{
    struct cl_buf text = {0};
    struct cl_strv lines = {0};
    char *origin = origin_of(endpoint);
    bool found = false;
    int rc =
        directory != NULL ? dns_opening_optional(o, directory, "allowed-origins", &text, err) : 0;

    cl_strv_split(&lines, rc == 1 ? cl_buf_str(&text) : "", " \t\r\n");
    cl_strv_for_each(line, &lines) {
        char *allowed = origin_of(line);
        found |= strcmp(allowed, origin) == 0;
        cl_free(allowed);
    }
    cl_strv_deinit(&lines);
    cl_buf_deinit(&text);
    if (rc >= 0 && !found) {
        rc = cl_fail(err, CL_ERR_PERMANENT, "OriginRefused",
                     "the spec wants the secrets of %s sent to %s; put that line into the file "
                     "%s/%s/allowed-origins to allow it, or move the endpoint there",
                     cl_str_or(directory, "(none)"), origin, o->r->paths->secrets,
                     cl_str_or(directory, "NAME"));
    }
    cl_free(origin);
    return rc < 0 ? -1 : 0;
}

static void opening_deinit(struct dns_opening *o)
{
    cl_buf_deinit(&o->identity);
    for (size_t i = 0; i < DNS_SECRETS_MAX; i++) {
        cl_buf_deinit(&o->secrets[i]);
    }
    for (size_t i = 0; i < o->env.len; i++) {
        cl_wipe(o->env.items[i], strlen(o->env.items[i]));
    }
    cl_strv_deinit(&o->env);
    dns_credentials_destroy(o->credentials);
    dns_description_unref(o->description);
}

static int gather(struct dns_opening *o, struct cl_err *err)
{
    const struct dns_opener *opener = dns_opener_of(o->spec->type);
    char type[16];

    cl_buf_init_secret(&o->identity, IDENTITY_MAX);
    if (opener == NULL) {
        return cl_fail(err, CL_ERR_PERMANENT, "ProviderUnknown", "the dns01 solver is empty");
    }
    (void)cl_format(type, sizeof(type), "%u", (unsigned)o->spec->type);
    dns_opening_mix(o, "type", type);
    if (opener->gather(o, err) < 0) {
        char *label = dns01_label(o->spec);
        cl_wrap(err, "dns01 %s", label);
        cl_free(label);
        return -1;
    }
    return 0;
}

/* ---- instances ---- */

static void entry_free(struct dns_registry_entry *e)
{
    struct dns_provider *p = e->handle.provider;

    (void)cl_map_remove(&e->r->entries, e->handle.identity);
    dns_head(p)->ops->destroy(p);
    cl_free(e->handle.identity);
    cl_free(e->handle.solver);
    cl_free(e->handle.namespace_);
    cl_free(e);
}

static void sweep_due(struct loop_timer *t)
{
    struct dns_registry *r = t->user;
    cl_time now = loop_now(r->loop), next = CL_NEVER;
    size_t pos = 0;
    void *value;

    while (cl_map_next(&r->entries, &pos, NULL, &value)) {
        struct dns_registry_entry *e = value;
        if (e->refs > 0 || e->pinned) {
            continue;
        }
        if (e->idle_since + LINGER <= now) {
            entry_free(e);
        } else {
            next = cl_time_min(next, e->idle_since + LINGER);
        }
    }
    loop_at(r->loop, &r->sweep, next, sweep_due, r);
}

static struct dns_registry_entry *entry_make(struct dns_opening *o, const char *identity,
                                             struct cl_err *err)
{
    struct dns_provider *p = NULL;

    if (dns_opener_of(o->spec->type)->make(o, &p, err) < 0) {
        char *label = dns01_label(o->spec);
        cl_wrap(err, "dns01 %s", label);
        cl_free(label);
        return NULL;
    }
    struct dns_registry_entry *e = cl_new(struct dns_registry_entry);
    e->r = o->r;
    e->pinned = o->spec->type == DNS01_RESPONDER;
    e->handle = (struct dns_handle){
        .provider = p,
        .identity = cl_strdup(identity),
        .solver = dns01_to_json(o->spec),
        .namespace_ = cl_strdup(cl_str_or(o->namespace_, "")),
        .entry = e,
    };
    cl_list_init(&e->handle.waiting);
    dns_head(p)->ops->traits(p, &e->handle.traits);
    (void)cl_map_set(&o->r->entries, identity, e);
    return e;
}

int dns_registry_open(struct dns_registry *r, const struct dns01_spec *s, const char *namespace_,
                      struct dns_handle **ret, struct cl_err *err)
{
    struct dns_opening o = {.r = r, .spec = s, .namespace_ = namespace_};
    struct dns_registry_entry *e = NULL;
    char identity[CL_SHA256_TEXT];

    if (gather(&o, err) == 0) {
        cl_sha256_hex(cl_buf_str(&o.identity), o.identity.len, identity);
        e = cl_map_get(&r->entries, identity);
        e = e != NULL ? e : entry_make(&o, identity, err);
    }
    opening_deinit(&o);
    if (e == NULL) {
        return -1;
    }
    *ret = dns_handle_ref(&e->handle);
    return 0;
}

int dns_registry_check(struct dns_registry *r, const struct dns01_spec *s, const char *namespace_,
                       struct cl_err *err)
{
    struct dns_opening o = {.r = r, .spec = s, .namespace_ = namespace_};
    int rc = gather(&o, err);

    opening_deinit(&o);
    return rc;
}

struct dns_handle *dns_handle_ref(struct dns_handle *h)
{
    h->entry->refs++;
    return h;
}

void dns_handle_unref(struct dns_handle *h)
{
    struct dns_registry_entry *e = h->entry;
    struct dns_registry *r = e->r;

    cl_assert(e->refs > 0);
    if (--e->refs > 0) {
        return;
    }
    e->idle_since = loop_now(r->loop);
    loop_at(r->loop, &r->sweep, e->idle_since + LINGER, sweep_due, r);
}

/* ---- descriptions ---- */

static void description_drop(struct dns_registry *r, const char *name)
{
    struct dns_cached_description *c = cl_map_remove(&r->descriptions, name);

    if (c != NULL) {
        dns_description_unref(c->description);
        cl_free(c);
    }
}

struct dns_description *dns_registry_description(struct dns_registry *r, const char *name,
                                                 struct cl_err *err)
{
    struct dns_cached_description *c = cl_map_get(&r->descriptions, name);
    cl_time now = loop_now(r->loop);

    if (c != NULL && now - c->loaded_at < DESCRIPTION_LIFE && now >= c->loaded_at) {
        return c->description;
    }
    description_drop(r, name);
    struct dns_description *d =
        dns_description_open(&r->config->provider_directories, name, NULL, err);
    if (d == NULL) {
        return NULL;
    }
    c = cl_new(struct dns_cached_description);
    c->description = d;
    c->loaded_at = now;
    (void)cl_map_set(&r->descriptions, name, c);
    return d;
}

/* ---- resolvers ---- */

/* The servers that the solver or the Configuration names, by address. Borrowed. */
static const struct cl_strv *recursive_servers(const struct dns_registry *r,
                                               const struct solver_spec *s)
{
    struct propagation_spec p;

    dns01_propagation(s, &p);
    if (p.check == DNS_CHECK_RECURSIVE && s->dns01.propagation.servers.len > 0) {
        return &s->dns01.propagation.servers;
    }
    if (p.check == DNS_CHECK_RECURSIVE && s->self_check.servers.len > 0) {
        return &s->self_check.servers;
    }
    if (s->dns01.nameservers.len > 0 && !cl_str_starts(s->dns01.nameservers.items[0], "https://")) {
        return &s->dns01.nameservers;
    }
    return &r->config->dns.resolvers;
}

int dns_registry_resolver(struct dns_registry *r, const struct solver_spec *s,
                          struct dns_resolver **ret, struct cl_err *err)
{
    const struct config_dns *c = &r->config->dns;
    const struct cl_strv *recursive = recursive_servers(r, s);
    struct dns_zone_servers *zones = c->n_zones > 0 ? cl_calloc(c->n_zones, sizeof(*zones)) : NULL;
    struct dns_resolver_params p = {
        .recursive = *recursive, .zones = zones, .zones_len = c->n_zones};
    char *servers = cl_strv_join(recursive, " ");
    struct cl_buf key;
    int rc = 0;

    cl_buf_init(&key, (size_t)1 << 20);
    (void)cl_buf_adds(&key, servers);
    cl_free(servers);
    for (size_t i = 0; i < c->n_zones; i++) {
        zones[i] =
            (struct dns_zone_servers){.zone = c->zones[i].zone, .servers = c->zones[i].servers};
        servers = cl_strv_join(&c->zones[i].servers, " ");
        (void)cl_buf_addf(&key, "|%s %s", c->zones[i].zone, servers);
        cl_free(servers);
    }
    *ret = cl_map_get(&r->resolvers, cl_buf_str(&key));
    if (*ret == NULL) {
        rc = dns_resolver_create(r->loop, r->http, &p, ret, err);
        if (rc == 0) {
            (void)cl_map_set(&r->resolvers, cl_buf_str(&key), *ret);
        }
    }
    cl_buf_deinit(&key);
    cl_free(zones);
    return rc;
}

/* ---- life ---- */

struct dns_registry *dns_registry_create(struct loop *l, struct http *http, const struct paths *p,
                                         const struct config *config)
{
    struct dns_registry *r = cl_new(struct dns_registry);

    r->loop = l;
    r->http = http;
    r->paths = p;
    r->config = config;
    return r;
}

void dns_registry_configure(struct dns_registry *r, const struct config *config)
{
    size_t pos = 0;
    const char *name;

    r->config = config;
    while (cl_map_next(&r->descriptions, &pos, &name, NULL)) {
        description_drop(r, name);
    }
}

void dns_registry_destroy(struct dns_registry *r)
{
    size_t pos = 0;
    const char *key;
    void *value;

    if (r == NULL) {
        return;
    }
    loop_timer_stop(r->loop, &r->sweep);
    while (cl_map_next(&r->entries, &pos, NULL, &value)) {
        struct dns_registry_entry *e = value;
        if (e->refs == 0) { /* else somebody waits for it to the end of the process */
            entry_free(e);
        }
    }
    pos = 0;
    while (cl_map_next(&r->descriptions, &pos, &key, NULL)) {
        description_drop(r, key);
    }
    pos = 0;
    while (cl_map_next(&r->resolvers, &pos, NULL, &value)) {
        dns_resolver_destroy(value);
    }
    cl_map_deinit(&r->entries);
    cl_map_deinit(&r->descriptions);
    cl_map_deinit(&r->resolvers);
    cl_free(r);
}
