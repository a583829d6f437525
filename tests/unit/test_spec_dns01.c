/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of dns01 solvers in specs: the forms that are accepted, what they mean, what is refused. */
#include "spec/spec_dns01.h"
#include "tests/unit/spec_fixture.h"

#define SOLVER(text) "  solvers: [{dns01: " text "}]\n"
#define INLINE "  allowInlineHooks: true\n"

static const struct dns01_spec *dns01_of(const struct parsed *p)
{
    assert_int_equal(p->objects.items[0]->cert->solvers.len, 1);
    assert_true(p->objects.items[0]->cert->solvers.items[0].has_dns01);
    return &p->objects.items[0]->cert->solvers.items[0].dns01;
}

static void a_provider_reads_its_credentials_from_the_directory_of_its_name(void **state)
{
    struct parsed p = parse_cert(SOLVER("{provider: cloudflare}"), NULL);
    const struct dns01_spec *s = dns01_of(&p);
    struct dns01_input inputs[DNS01_INPUTS_MAX];

    (void)state;
    assert_int_equal(s->type, DNS01_PROVIDER);
    assert_string_equal(dns01_provider(s), "cloudflare");
    assert_string_equal(dns01_credentials(s), "cloudflare");
    assert_true(s->cname_follow);
    assert_int_equal(dns01_inputs(s, inputs), 0);
    parsed_deinit(&p);
}

static void a_provider_with_everything(void **state)
{
    struct parsed p = parse_cert(
        SOLVER("{provider: ovh, credentialsRef: {name: my-ovh}, config: {region: eu}, "
               "cnameStrategy: None, propagation: {check: recursive, servers: [192.0.2.53, "
               "\"2001:db8::1\"], timeout: 10m, interval: 5s, settle: 10s, wait: 3s}}"),
        NULL);
    const struct solver_spec *solver = &p.objects.items[0]->cert->solvers.items[0];
    const struct dns01_spec *s = dns01_of(&p);
    struct dns01_input inputs[DNS01_INPUTS_MAX];
    struct propagation_spec check;

    (void)state;
    assert_string_equal(dns01_credentials(s), "my-ovh");
    assert_false(s->cname_follow);
    assert_int_equal(dns01_inputs(s, inputs), 1);
    assert_string_equal(inputs[0].name, "region");
    assert_string_equal(inputs[0].value, "eu");
    dns01_propagation(solver, &check);
    assert_int_equal(check.check, DNS_CHECK_RECURSIVE);
    assert_string_equal(check.servers.items[0], "192.0.2.53:53");
    assert_string_equal(check.servers.items[1], "[2001:db8::1]:53");
    assert_int_equal(check.timeout, 10 * CL_MINUTE);
    assert_int_equal(check.interval, 5 * CL_SECOND);
    assert_int_equal(check.settle, 10 * CL_SECOND);
    assert_int_equal(check.wait, 3 * CL_SECOND);
    parsed_deinit(&p);
}

static void the_challenge_may_be_a_younger_one(void **state)
{
    struct parsed p = parse_cert(SOLVER("{provider: ovh, challenge: dns-account-01}"), NULL);
    struct parsed q = parse_cert(SOLVER("{challenge: dns-persist-01}"), NULL);
    struct parsed r =
        parse_cert(SOLVER("{provider: ovh, challenge: dns-persist-01, persistFor: 90d}"), NULL);
    struct parsed s = parse_cert(SOLVER("{provider: ovh}"), NULL);

    (void)state;
    assert_string_equal(dns01_challenge_type(dns01_of(&p)), "dns-account-01");
    assert_string_equal(dns01_challenge_type(dns01_of(&q)), "dns-persist-01");
    assert_int_equal(dns01_of(&q)->type, DNS01_NONE); /* a person publishes */
    assert_int_equal(dns01_of(&r)->persist_for, 90 * CL_DAY);
    assert_string_equal(dns01_challenge_type(dns01_of(&s)), "dns-01");
    parsed_deinit(&p);
    parsed_deinit(&q);
    parsed_deinit(&r);
    parsed_deinit(&s);
}

static void the_form_of_bind(void **state)
{
    struct parsed p = parse_cert(
        SOLVER("{rfc2136: {nameserver: \"10.0.0.53:53\", tsigKeyName: Acme., tsigAlgorithm: "
               "HMACSHA512, tsigSecretSecretRef: {name: bind}}}"),
        NULL);
    const struct dns01_spec *s = dns01_of(&p);
    char *label = dns01_label(s);

    (void)state;
    assert_int_equal(s->type, DNS01_RFC2136);
    assert_null(dns01_provider(s));
    assert_string_equal(s->rfc2136.nameserver, "10.0.0.53:53");
    assert_string_equal(s->rfc2136.key_name, "acme");
    assert_string_equal(s->rfc2136.algorithm, "HMACSHA512");
    assert_string_equal(s->rfc2136.secret.key, "secret");
    assert_string_equal(s->rfc2136.protocol, "UDP");
    assert_string_equal(label, "rfc2136 10.0.0.53:53");
    cl_free(label);
    parsed_deinit(&p);
}

static void cert_managers_forms_are_described_providers(void **state)
{
    static const struct {
        const char *form, *provider, *inputs;
    } CASES[] = {
        {"{cloudflare: {apiTokenSecretRef: {name: cf, key: token}}}", "cloudflare",
         "CF_DNS_API_TOKEN=cf/token"},
        {"{cloudflare: {email: a@b.example, apiKeySecretRef: {name: cf, key: key}}}", "cloudflare",
         "CF_API_EMAIL=a@b.example CF_API_KEY=cf/key"},
        {"{route53: {region: eu-west-1, accessKeyID: AK, hostedZoneID: Z1, "
         "secretAccessKeySecretRef: {name: aws, key: sak}}}",
         "route53", "AWS_ACCESS_KEY_ID=AK AWS_SECRET_ACCESS_KEY=aws/sak AWS_HOSTED_ZONE_ID=Z1"},
        {"{azureDNS: {clientID: c, tenantID: t, subscriptionID: s, resourceGroupName: r, "
         "environment: AzurePublicCloud, clientSecretSecretRef: {name: az, key: s}}}",
         "azuredns",
         "AZURE_CLIENT_ID=c AZURE_TENANT_ID=t AZURE_SUBSCRIPTION_ID=s AZURE_RESOURCE_GROUP=r "
         "AZURE_CLIENT_SECRET=az/s"},
        {"{cloudDNS: {project: p, serviceAccountSecretRef: {name: g, key: key.json}}}", "gcloud",
         "GCE_PROJECT=p GCE_SERVICE_ACCOUNT_FILE=g/key.json"},
        {"{digitalocean: {tokenSecretRef: {name: do, key: t}}}", "digitalocean",
         "DO_AUTH_TOKEN=do/t"},
        {"{akamai: {serviceConsumerDomain: h, clientTokenSecretRef: {name: a, key: x}, "
         "clientSecretSecretRef: {name: a, key: y}, accessTokenSecretRef: {name: a, key: z}}}",
         "edgedns",
         "AKAMAI_HOST=h AKAMAI_CLIENT_TOKEN=a/x AKAMAI_CLIENT_SECRET=a/y AKAMAI_ACCESS_TOKEN=a/z"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *spec = cl_printf("  solvers: [{dns01: %s}]\n", CASES[i].form);
        struct parsed p = parse_cert(spec, NULL);
        const struct dns01_spec *s = dns01_of(&p);
        struct dns01_input inputs[DNS01_INPUTS_MAX];
        size_t n = dns01_inputs(s, inputs);
        struct cl_buf text;

        cl_buf_init(&text, 4096);
        for (size_t k = 0; k < n; k++) {
            const struct secret_ref *ref = inputs[k].secret;
            (void)cl_buf_addf(&text, "%s%s=%s%s%s", k > 0 ? " " : "", inputs[k].name,
                              ref != NULL ? ref->name : inputs[k].value, ref != NULL ? "/" : "",
                              ref != NULL ? ref->key : "");
        }
        assert_string_equal(dns01_provider(s), CASES[i].provider);
        assert_null(dns01_credentials(s));
        assert_string_equal(cl_buf_str(&text), CASES[i].inputs);
        cl_buf_deinit(&text);
        cl_free(spec);
        parsed_deinit(&p);
    }
}

static void a_program_is_run_only_if_the_configuration_allows_it(void **state)
{
    struct config *allowed = config_of(INLINE);
    static const char PROGRAM[] =
        SOLVER("{exec: {command: [/usr/local/bin/hook], protocol: lego}}");

    (void)state;
    expect_cert_problems(
        PROGRAM, NULL,
        "6:28: spec.solvers[0].dns01.exec: a spec may run a program of its own only with "
        "allowInlineHooks: true in the Configuration; it can name one that the Configuration has "
        "under solvers\n");
    struct parsed p = parse_cert(PROGRAM, allowed);
    const struct dns01_spec *s = dns01_of(&p);
    assert_int_equal(s->exec.protocol, EXEC_LEGO);
    assert_int_equal(s->exec.timeout, 2 * CL_MINUTE);
    parsed_deinit(&p);
    config_destroy(allowed);
}

static void the_defaults_of_the_configuration_may_name_a_program(void **state)
{
    struct config *c = config_of(
        "  defaults: {solvers: [{dns01: {exec: {protocol: acme.sh, script: dns_cf, envFile: "
        "/etc/certloop/secrets/cf.env, env: {A: b}, sequential: true}}}]}\n");
    struct parsed p = parse_cert("", c);
    const struct dns01_spec *s = dns01_of(&p);

    (void)state;
    assert_int_equal(s->exec.protocol, EXEC_ACME_SH);
    assert_string_equal(s->exec.script, "dns_cf");
    assert_string_equal(s->exec.env.items[0].value, "b");
    assert_true(s->exec.sequential);
    parsed_deinit(&p);
    config_destroy(c);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *solver, *problem;
    } CASES[] = {
        {"{}", "6:21: spec.solvers[0].dns01: needs provider: NAME, rfc2136, responder"},
        {"{provider: a, exec: {command: [b]}}", "spec.solvers[0].dns01: give one of provider"},
        {"{webhook: {groupName: a}}", "spec.solvers[0].dns01.webhook: needs Kubernetes"},
        {"{provider: Not/Aname}", "spec.solvers[0].dns01.provider: "},
        {"{provder: x}", "unknown field; did you mean provider?"},
        {"{rfc2136: {}}", "spec.solvers[0].dns01.rfc2136.nameserver: required"},
        {"{rfc2136: {nameserver: a, tsigKeyName: k}}", "tsigKeyName and tsigSecretSecretRef go"},
        {"{rfc2136: {nameserver: a, tsigAlgorithm: SHA}}", "spec.solvers[0].dns01.rfc2136."},
        {"{rfc2136: {nameserver: a}, credentialsRef: {name: x}}", "belong to provider"},
        {"{cloudflare: {}}", "give one of apiTokenSecretRef and apiKeySecretRef"},
        {"{cloudflare: {apiKeySecretRef: {name: a, key: b}}}", "apiKeySecretRef needs email"},
        {"{digitalocean: {}}", "spec.solvers[0].dns01.digitalocean: needs tokenSecretRef"},
        {"{route53: {role: x, accessKeyID: y, secretAccessKeySecretRef: {name: z, key: k}}}",
         "role: not supported by this version"},
        {"{acmeDNS: {}}", "spec.solvers[0].dns01.acmeDNS: needs host"},
        {"{acmeDNS: {host: ftp://x}}", "acmeDNS.host: expected a URL that starts with http"},
        {"{httpreq: {}}", "spec.solvers[0].dns01.httpreq: needs url"},
        {"{responder: {}}", "needs zones here, or dns.responder in the Configuration"},
        {"{responder: {listen: \":53\"}}", "needs zones: the names that are delegated to it"},
        {"{provider: a, propagation: {check: wait}}", "propagation: check: wait needs wait"},
        {"{provider: a, propagation: {check: recursive}}", "needs servers"},
        {"{provider: a, propagation: {check: doh, servers: [192.0.2.1]}}", "https://"},
        {"{provider: a, propagation: {check: none, servers: [192.0.2.1]}}", "servers are asked"},
        {"{provider: a, nameservers: [resolver.example]}", "expected the address of a resolver"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *spec = cl_printf("  solvers: [{dns01: %s}]\n", CASES[i].solver);
        char *text = cert_text(spec);
        struct parsed p = parse_with(text, NULL);
        char *problems = problems_text(&p.problems);

        if (strstr(problems, CASES[i].problem) == NULL) {
            fail_msg("%s\n%s", spec, problems);
        }
        cl_free(problems);
        parsed_deinit(&p);
        cl_free(text);
        cl_free(spec);
    }
}

static void the_check_is_put_together_from_all_its_forms(void **state)
{
    static const struct {
        const char *solver;
        enum dns_check check;
        cl_time wait, timeout;
        const char *server;
    } CASES[] = {
        {"dns01: {provider: a}", DNS_CHECK_AUTHORITATIVE, 0, 0, NULL},
        {"dns01: {provider: a}, selfCheck: {mode: None}", DNS_CHECK_NONE, 0, 0, NULL},
        {"dns01: {provider: a}, waitInsteadOfSelfCheck: 90s", DNS_CHECK_WAIT, 90 * CL_SECOND, 0,
         NULL},
        {"dns01: {provider: a, nameservers: [\"192.0.2.1:5353\"]}", DNS_CHECK_RECURSIVE, 0, 0,
         "192.0.2.1:5353"},
        {"dns01: {provider: a, nameservers: [\"https://doh.example/q\"]}", DNS_CHECK_DOH, 0, 0,
         "https://doh.example/q"},
        {"dns01: {provider: a, propagation: {timeout: 5m}}, selfCheck: {mode: Recursive, "
         "nameservers: [192.0.2.1], timeout: 7m}",
         DNS_CHECK_RECURSIVE, 0, 5 * CL_MINUTE, "192.0.2.1:53"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *spec = cl_printf("  solvers: [{%s}]\n", CASES[i].solver);
        struct parsed p = parse_cert(spec, NULL);
        struct propagation_spec check;

        dns01_propagation(&p.objects.items[0]->cert->solvers.items[0], &check);
        assert_int_equal(check.check, CASES[i].check);
        assert_int_equal(check.wait, CASES[i].wait);
        assert_int_equal(check.timeout, CASES[i].timeout);
        assert_int_equal(check.servers.len, CASES[i].server != NULL);
        if (CASES[i].server != NULL) {
            assert_string_equal(check.servers.items[0], CASES[i].server);
        }
        parsed_deinit(&p);
        cl_free(spec);
    }
}

static void a_solver_survives_a_journal(void **state)
{
    static const char *const FORMS[] = {
        "{provider: ovh, config: {region: eu}, cnameStrategy: None}",
        "{rfc2136: {nameserver: \"10.0.0.53\"}}",
        "{exec: {command: [/bin/hook, a], protocol: certbot, env: {X: y}}}",
        "{acmeDNS: {host: \"https://auth.example.org\", allowFrom: [192.0.2.0/24]}}",
        "{httpreq: {url: \"http://127.0.0.1:80\", mode: RAW, credentialsRef: h}}",
        "{cloudflare: {apiTokenSecretRef: {name: cf, key: token}}}",
        "{responder: {listen: \"127.0.0.1:53\", zones: [acme.example.org]}}",
    };
    struct config *config = config_of(INLINE);

    (void)state;
    for (size_t i = 0; i < COUNT(FORMS); i++) {
        char *spec = cl_printf("  solvers: [{dns01: %s}]\n", FORMS[i]);
        struct parsed p = parse_cert(spec, config);
        char *text = dns01_to_json(dns01_of(&p));
        struct dns01_spec back;
        struct cl_err err = {0};

        assert_int_equal(dns01_from_json(text, &back, &err), 0);
        assert_int_equal(back.type, dns01_of(&p)->type);
        char *again = dns01_to_json(&back);
        assert_string_equal(again, text);
        cl_free(again);
        cl_free(text);
        dns01_spec_deinit(&back);
        parsed_deinit(&p);
        cl_free(spec);
    }
    config_destroy(config);
}

static void a_damaged_journal_is_an_error(void **state)
{
    static const char *const TEXTS[] = {"", "{}", "[]", "{\"provider\":1}", "{\"x\":1}", "{"};
    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        struct dns01_spec s;
        struct cl_err err = {0};
        assert_int_equal(dns01_from_json(TEXTS[i], &s, &err), -1);
        assert_string_equal(err.reason, "StateCorrupt");
    }
}

static void http01_has_no_self_check(void **state)
{
    (void)state;
    expect_cert_problems("  solvers: [{http01: {}, selfCheck: {mode: Authoritative}}]\n", NULL,
                         "6:37: spec.solvers[0].selfCheck: with http01 there is mode: None only\n");
    expect_cert_problems("  solvers: [{http01: {}, dns01: {provider: x}}]\n", NULL,
                         "6:13: spec.solvers[0]: give http01 or dns01, not both\n");
}

static void the_configuration_says_where_to_ask(void **state)
{
    struct config *c =
        config_of("  providerDirectories: [/srv/providers]\n"
                  "  dns:\n    resolvers: [127.0.0.1]\n    zones: [{zone: Example.org, servers: "
                  "[\"127.0.0.1:5353\"]}]\n    responder: {listen: \"127.0.0.1:53\", zones: "
                  "[_acme-challenge.example.org]}\n");
    (void)state;
    assert_string_equal(c->provider_directories.items[0], "/srv/providers");
    assert_string_equal(c->dns.resolvers.items[0], "127.0.0.1:53");
    assert_int_equal(c->dns.n_zones, 1);
    assert_string_equal(c->dns.zones[0].zone, "example.org");
    assert_string_equal(c->dns.zones[0].servers.items[0], "127.0.0.1:5353");
    assert_string_equal(c->dns.responder.zones.items[0], "_acme-challenge.example.org");
    struct parsed p = parse_cert(SOLVER("{responder: {}}"), c);
    assert_int_equal(dns01_of(&p)->type, DNS01_RESPONDER);
    parsed_deinit(&p);
    config_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_provider_reads_its_credentials_from_the_directory_of_its_name),
        cmocka_unit_test(a_provider_with_everything),
        cmocka_unit_test(the_challenge_may_be_a_younger_one),
        cmocka_unit_test(the_form_of_bind),
        cmocka_unit_test(cert_managers_forms_are_described_providers),
        cmocka_unit_test(a_program_is_run_only_if_the_configuration_allows_it),
        cmocka_unit_test(the_defaults_of_the_configuration_may_name_a_program),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_check_is_put_together_from_all_its_forms),
        cmocka_unit_test(a_solver_survives_a_journal),
        cmocka_unit_test(a_damaged_journal_is_an_error),
        cmocka_unit_test(http01_has_no_self_check),
        cmocka_unit_test(the_configuration_says_where_to_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
