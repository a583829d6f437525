/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/dns_registry: what a solver may combine, and when two share an instance. */
#include "backends/dns/dns_registry.h"
#include "tests/unit/rt_fixture.h"

static const char DESCRIPTION[] =
    "provider: house\n"
    "credentials: {url: {env: HOUSE_URL}, token: {secret: true, env: HOUSE_TOKEN}, region: "
    "{optional: true}}\n"
    "request: {base: \"${cred.url}/api\"}\n"
    "slot:\n"
    "  values: 1\n"
    "  set: {GET: /set, query: {t: \"${cred.token}\", v: \"${value}\", r: \"${cred.region}\"}}\n"
    "  clear: {GET: /clear, query: {t: \"${cred.token}\"}}\n";

struct opening {
    struct rt *rt;
    struct paths paths;
    struct config config;
    struct http *http;
    struct dns_registry *registry;
};

static int setup(void **state)
{
    struct opening *o = cl_new(struct opening);
    const struct http_params params = {.user_agent = "test"};
    void *rt = NULL;
    struct cl_err err = {0};

    assert_int_equal(rt_setup(&rt), 0);
    o->rt = rt;
    o->paths.state = cl_printf("%s/state", o->rt->dir);
    o->paths.secrets = cl_printf("%s/secrets", o->rt->dir);
    assert_ok(disk_mkdirs, rt_path(o->rt, "secrets/house"), 0755);
    assert_ok(disk_mkdirs, rt_path(o->rt, "providers"), 0755);
    rt_put(o->rt, "providers/house.yaml", DESCRIPTION);
    cl_strv_add(&o->config.provider_directories, rt_path(o->rt, "providers"));
    o->http = http_create(o->rt->loop, &params, &err);
    o->registry = dns_registry_create(o->rt->loop, o->http, &o->paths, &o->config);
    *state = o;
    return 0;
}

static int teardown(void **state)
{
    struct opening *o = *state;
    void *rt = o->rt;

    dns_registry_destroy(o->registry);
    http_destroy(o->http);
    cl_strv_deinit(&o->config.provider_directories);
    cl_free(o->paths.state);
    cl_free(o->paths.secrets);
    cl_free(o);
    return rt_teardown(&rt);
}

/* The identity of what {provider: NAME, config: {KEY: VALUE}} opens, owned; or the error's reason. */
static char *open_house(struct opening *o, const char *provider, const char *key, const char *value,
                        struct cl_err *err)
{
    struct string_pair pair = {.key = cl_strdup(key), .value = cl_strdup(value)};
    char *name = cl_strdup(provider);
    const struct dns01_spec s = {.type = DNS01_PROVIDER,
                                 .provider = name,
                                 .config = {.items = &pair, .len = key != NULL ? 1 : 0}};
    struct dns_handle *h = NULL;
    char *result;

    memset(err, 0, sizeof(*err));
    if (dns_registry_open(o->registry, &s, "", &h, err) == 0) {
        result = cl_strdup(h->identity);
        dns_handle_unref(h);
    } else {
        result = cl_strdup(err->reason);
    }
    cl_free(name);
    cl_free(pair.key);
    cl_free(pair.value);
    return result;
}

static void expect(struct opening *o, const char *provider, const char *key, const char *value,
                   const char *reason, const char *text)
{
    struct cl_err err;
    char *got = open_house(o, provider, key, value, &err);

    assert_string_equal(got, reason);
    if (strstr(err.text, text) == NULL) {
        fail_msg("%s", err.text);
    }
    cl_free(got);
}

static void a_missing_input_is_named_with_its_place(void **state)
{
    struct opening *o = *state;

    expect(o, "house", NULL, NULL, "CredentialMissing", "secrets/house");
    expect(o, "hous", NULL, NULL, "ProviderUnknown", "house");
}

static void credentials_are_found_by_either_name_and_one_set_is_one_instance(void **state)
{
    struct opening *o = *state;
    struct cl_err err;

    rt_put(o->rt, "secrets/house/url", "http://127.0.0.1:1\n");
    rt_put(o->rt, "secrets/house/HOUSE_TOKEN", "first-token-of-house\n");
    char *a = open_house(o, "house", NULL, NULL, &err);
    char *b = open_house(o, "house", NULL, NULL, &err);
    assert_int_equal(strlen(a), 64);
    assert_string_equal(a, b);
    rt_put(o->rt, "secrets/house/HOUSE_TOKEN", "second-token-of-house\n");
    char *c = open_house(o, "house", NULL, NULL, &err);
    assert_int_equal(strlen(c), 64);
    assert_string_not_equal(a, c);
    char *d = open_house(o, "house", "region", "eu", &err);
    assert_int_equal(strlen(d), 64);
    assert_string_not_equal(c, d);
    cl_free(a);
    cl_free(b);
    cl_free(c);
    cl_free(d);
}

static void an_endpoint_of_the_spec_needs_the_consent_of_the_secrets(void **state)
{
    struct opening *o = *state;
    struct cl_err err;

    rt_put(o->rt, "secrets/house/token", "token-of-the-house\n");
    expect(o, "house", "url", "https://evil.example/x", "OriginRefused", "https://evil.example;");
    rt_put(o->rt, "secrets/house/allowed-origins", "https://other.example\n");
    expect(o, "house", "url", "https://evil.example", "OriginRefused", "allowed-origins");
    expect(o, "house", "HOUSE_URL", "https://other.example.evil.example", "OriginRefused", "");
    expect(o, "house", "url", "https://other.example@evil.example", "OriginRefused", "");
    char *ok = open_house(o, "house", "url", "https://other.example/v2", &err);
    assert_int_equal(strlen(ok), 64);
    cl_free(ok);
}

static void nothing_in_the_spec_is_looked_past(void **state)
{
    struct opening *o = *state;

    rt_put(o->rt, "secrets/house/url", "http://127.0.0.1:1\n");
    rt_put(o->rt, "secrets/house/token", "token-of-the-house\n");
    expect(o, "house", "regoin", "eu", "CredentialInvalid", "no input for regoin");
    expect(o, "house", "token", "in-the-spec", "CredentialInvalid", "is a secret");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_missing_input_is_named_with_its_place),
        T(credentials_are_found_by_either_name_and_one_set_is_one_instance),
        T(an_endpoint_of_the_spec_needs_the_consent_of_the_secrets),
        T(nothing_in_the_spec_is_looked_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
