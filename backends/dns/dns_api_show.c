/* SPDX-License-Identifier: Apache-2.0 */
/* dns_api_show: the requests of a description as they would be sent, with <NAME> for inputs and for what only
 * an answer can say. Nothing is sent. */
#include "backends/dns/dns_api.h"
#include "backends/dns/dns_api_values.h"
#include "spec/base/cl_alloc.h"

#include <string.h>

#define SHOW_NOW ((cl_time)1700000000 * CL_SECOND)
#define SHOW_VALUE "gfj9Xq...Rg85nM"

static void place(struct dns_env *env, const char *scope, const char *name)
{
    char *full = cl_printf("%s%s", scope, name);
    char *text = cl_printf("<%s%s>", strcmp(scope, "cred.") == 0 ? "" : scope, name);

    dns_env_set_text(env, full, text);
    cl_free(text);
    cl_free(full);
}

/* Everything that some call sets. */
static void place_sets(struct dns_env *env, const char *scope, const struct dns_calls *calls)
{
    for (size_t i = 0; i < calls->len; i++) {
        const struct dns_call *c = &calls->items[i];
        for (size_t k = 0; k < c->set.len; k++) {
            place(env, scope, c->set.names[k]);
        }
        place_sets(env, scope, &c->each_do);
    }
}

static void place_zone(const struct dns_api *a, struct dns_env *env, const char *zone)
{
    json_t *object = json_object();
    char *dot = cl_printf("%s.", zone);

    (void)json_object_set_new(object, "name", json_string(zone));
    (void)json_object_set_new(object, "dot", json_string(dot));
    for (size_t i = 0; i < a->zone.set.len; i++) {
        char *text = cl_printf("<zone.%s>", a->zone.set.names[i]);
        (void)json_object_set_new(object, a->zone.set.names[i], json_string(text));
        cl_free(text);
    }
    dns_env_set(env, "zone", dns_value_json(object));
    dns_env_set_text(env, "candidate", zone);
    cl_free(dot);
}

static void place_values(struct api *p, struct dns_env *env)
{
    struct dns_value wire = api_wire(p, SHOW_VALUE);
    static const char *const LISTS[] = {"values", "old", "adds", "removes"};
    json_t *one = json_array();

    (void)json_array_append(one, wire.json);
    for (size_t i = 0; i < sizeof LISTS / sizeof LISTS[0]; i++) {
        dns_env_set(env, LISTS[i], dns_value_ref(one));
    }
    dns_env_set(env, "value", dns_value_copy(&wire));
    dns_env_set_text(env, "id", "<id>");
    dns_env_set(env, "page", dns_value_int(1));
    dns_env_set(env, "ttl", dns_value_int(dns_description_ttl(p->d, 0)));
    dns_env_set(env, "old_ttl", dns_value_int(dns_description_ttl(p->d, 0)));
    const struct dns_value *name = dns_env_get(env, "name");
    json_t *changes = json_pack("[{s:s,s:O,s:I,s:O,s:O,s:O,s:O}]", "action", "put", "name",
                                name->json, "ttl", (json_int_t)dns_description_ttl(p->d, 0),
                                "values", one, "old", one, "adds", one, "removes", one);
    dns_env_set(env, "changes", dns_value_json(changes));
    json_decref(one);
    dns_value_deinit(&wire);
}

static void show_calls(struct api *p, struct dns_env *env, const char *step,
                       const struct dns_calls *calls, struct cl_buf *ret);

/* "%3Czone.id%3E" is "<zone.id>" again. */
static void unescape(char *line)
{
    char *to = line;

    for (const char *from = line; *from != '\0'; from++) {
        bool open = strncmp(from, "%3C", 3) == 0;
        if (open || strncmp(from, "%3E", 3) == 0) {
            *to++ = open ? '<' : '>';
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void show_call(struct api *p, struct dns_env *env, const char *step,
                      const struct dns_call *c, struct cl_buf *ret)
{
    struct api_request r = {0};
    struct cl_err err = {0};
    struct api_render in = {
        .p = p, .env = env, .call = c, .plain = c->plain || cl_str_starts(step, "login")};

    (void)cl_buf_addf(ret, "# %s, line %u\n", step, c->line);
    if (api_request_render(&in, &r, &err) < 0) {
        (void)cl_buf_addf(ret, "%s (needs real inputs to be shown: %s)\n\n", c->method, err.text);
    } else {
        char *line = api_request_line(p, &r);
        unescape(line);
        (void)cl_buf_addf(ret, "%s\n\n", line);
        cl_free(line);
    }
    api_request_deinit(&r);
}

static void show_calls(struct api *p, struct dns_env *env, const char *step,
                       const struct dns_calls *calls, struct cl_buf *ret)
{
    for (size_t i = 0; i < calls->len; i++) {
        const struct dns_call *c = &calls->items[i];
        struct dns_eval ev = api_eval(p, env, NULL);
        for (size_t k = 0; k < c->let.len; k++) {
            struct dns_value v = {0};
            if (dns_tpl_render(c->let.values[k], &ev, &v, NULL, NULL) == 0) {
                dns_env_set(env, c->let.names[k], v);
            }
        }
        if (c->each != NULL) {
            place(env, "", c->each_as);
            show_calls(p, env, step, &c->each_do, ret);
        }
        if (c->method != NULL) {
            show_call(p, env, step, c, ret);
        }
    }
}

static void show_all(struct api *p, struct dns_env *env, struct cl_buf *ret)
{
    const struct dns_api *a = p->a;
    const char *model = dns_model_name(p->d->model);
    const struct {
        const char *part, *name;
        const struct dns_calls *calls;
    } steps[] = {{NULL, "login", &a->login.calls},
                 {NULL, "zone", &a->zone.call},
                 {model, "read", &a->get},
                 {model, "create", &a->create},
                 {model, "add", &a->add},
                 {model, "put", &a->put},
                 {model, "change", &a->change},
                 {model, "set", &a->set},
                 {model, "batch", &a->batch},
                 {model, "remove", &a->remove},
                 {model, "delete", &a->drop},
                 {model, "clear", &a->clear},
                 {NULL, "wait", &a->wait},
                 {NULL, "commit", &a->commit},
                 {NULL, "login.logout", &a->login.logout}};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        place_sets(env, "", steps[i].calls);
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char *step = steps[i].part != NULL ? cl_printf("%s.%s", steps[i].part, steps[i].name)
                                           : cl_strdup(steps[i].name);
        show_calls(p, env, step, steps[i].calls, ret);
        cl_free(step);
    }
}

void dns_described_show(const struct dns_description *d, const char *zone, const char *fqdn,
                        struct cl_buf *ret)
{
    struct api p = {.d = dns_mut(d),
                    .a = d->api,
                    .fixed_now = SHOW_NOW,
                    .loop = loop_create(),
                    .showing = true};
    struct dns_env env = {0};

    for (size_t i = 0; i < d->n_inputs; i++) {
        place(&env, "cred.", d->inputs[i].name);
    }
    place_sets(&env, "session.", &d->api->login.calls);
    place_zone(d->api, &env, zone);
    api_env_name(&p, &env, fqdn, zone);
    place_values(&p, &env);
    show_all(&p, &env, ret);
    dns_env_deinit(&env);
    loop_destroy(p.loop);
}
