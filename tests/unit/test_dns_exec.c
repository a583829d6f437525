/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of backends/dns/dns_exec: how each protocol calls, what ends mean, environment files. */
#include "backends/dns/dns_exec.h"
#include "spec/base/cl_alloc.h"
#include "spec/base/cl_buf.h"
#include "tests/unit/unit.h"

#include <string.h>

#define NOW (1000 * CL_DAY)

static struct dns_detail DETAIL = {.domain = (char[]){"a.example"},
                                   .token = (char[]){"TOKEN"},
                                   .key_authorization = (char[]){"TOKEN.KEY"},
                                   .certificate = (char[]){"web"}};

static struct dns_exec_params params(enum dns_exec_protocol protocol, struct cl_strv *command)
{
    static const struct cl_strv NONE = {0};
    return (struct dns_exec_params){.command = command,
                                    .cleanup_command = &NONE,
                                    .protocol = protocol,
                                    .script = "dns_cf",
                                    .runner = "/share/runner.sh",
                                    .env = &NONE};
}

/* "ARG ARG | ENV ENV | INPUT" */
static char *call_text(enum dns_exec_protocol protocol, bool present, const char *fqdn,
                       const char *program)
{
    struct cl_strv command = {0};
    struct dns_exec_call call;
    struct cl_err err = {0};
    const struct dns_exec_subject s = {.present = present,
                                       .fqdn = fqdn,
                                       .zone = "example",
                                       .value = "VALUE",
                                       .detail = &DETAIL,
                                       .auth_output = "said",
                                       .ttl = 60};

    if (program != NULL) {
        cl_strv_add(&command, program);
    }
    struct dns_exec_params p = params(protocol, &command);
    int rc = dns_exec_call_of(&p, &s, &call, &err);
    cl_strv_deinit(&command);
    if (rc < 0) {
        return cl_strdup(err.reason);
    }
    char *argv = cl_strv_join(&call.argv, " "), *env = cl_strv_join(&call.env, " ");
    char *text = cl_printf("%s|%s|%s", argv, env, cl_str_or(call.input, ""));
    cl_free(argv);
    cl_free(env);
    dns_exec_call_deinit(&call);
    return text;
}

static void each_protocol_is_called_as_by_its_client(void **state)
{
#define CERTBOT_ENV                                                                         \
    "CERTBOT_DOMAIN=a.example CERTBOT_IDENTIFIER=a.example CERTBOT_VALIDATION=VALUE "       \
    "CERTBOT_REMAINING_CHALLENGES=0 CERTBOT_ALL_DOMAINS=a.example CERTBOT_ALL_IDENTIFIERS=" \
    "a.example"
    static const struct {
        enum dns_exec_protocol protocol;
        const char *present, *cleanup;
    } CASES[] = {
        {EXEC_LEGO, "/hook present _acme-challenge.a.example. VALUE||",
         "/hook cleanup _acme-challenge.a.example. VALUE||"},
        {EXEC_LEGO_RAW, "/hook present -- a.example TOKEN TOKEN.KEY||",
         "/hook cleanup -- a.example TOKEN TOKEN.KEY||"},
        {EXEC_CERTBOT, "/hook|" CERTBOT_ENV "|", "/hook|" CERTBOT_ENV " CERTBOT_AUTH_OUTPUT=said|"},
        {EXEC_DEHYDRATED, "/hook deploy_challenge a.example TOKEN VALUE||",
         "/hook clean_challenge a.example TOKEN VALUE||"},
        {EXEC_MOD_MD, "/hook setup a.example VALUE||", "/hook teardown a.example VALUE||"},
        {EXEC_UACME, "/hook begin dns-01 a.example TOKEN VALUE||",
         "/hook done dns-01 a.example TOKEN VALUE||"},
        {EXEC_ACMETOOL, "/hook challenge-dns-start a.example  VALUE||",
         "/hook challenge-dns-stop a.example  VALUE||"},
        {EXEC_CERTLOOP,
         "/hook||{\"version\":1,\"action\":\"present\",\"type\":\"dns-01\",\"fqdn\":\"_acme-"
         "challenge.a.example.\",\"zoneHint\":\"example.\",\"value\":\"VALUE\",\"ttl\":60,"
         "\"certificate\":\"web\"}\n",
         "/hook||{\"version\":1,\"action\":\"cleanup\",\"type\":\"dns-01\",\"fqdn\":\"_acme-"
         "challenge.a.example.\",\"zoneHint\":\"example.\",\"value\":\"VALUE\",\"ttl\":60,"
         "\"certificate\":\"web\"}\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *present = call_text(CASES[i].protocol, true, "_acme-challenge.a.example", "/hook");
        char *cleanup = call_text(CASES[i].protocol, false, "_acme-challenge.a.example", "/hook");
        assert_string_equal(present, CASES[i].present);
        assert_string_equal(cleanup, CASES[i].cleanup);
        cl_free(present);
        cl_free(cleanup);
    }
}

static void scripts_of_acme_sh_are_sourced_by_it_or_by_the_runner(void **state)
{
    (void)state;
    char *own = call_text(EXEC_ACME_SH, true, "_acme-challenge.a.example", NULL);
    assert_string_equal(own, "/bin/sh /share/runner.sh|CERTLOOP_SCRIPT=dns_cf "
                             "CERTLOOP_FUNCTION=dns_cf_add CERTLOOP_FQDN=_acme-challenge.a.example "
                             "CERTLOOP_VALUE=VALUE|");
    cl_free(own);
    char *real = call_text(EXEC_ACME_SH, false, "t.example", "/opt/acme.sh/acme.sh");
    assert_non_null(strstr(real, "/opt/acme.sh/acme.sh eval "));
    assert_non_null(strstr(real, "CERTLOOP_FUNCTION=dns_cf_rm CERTLOOP_FQDN=t.example"));
    cl_free(real);
}

static void a_hook_that_is_told_a_domain_cannot_write_elsewhere(void **state)
{
    (void)state;
    char *text = call_text(EXEC_CERTBOT, true, "target.example.net", "/hook");
    assert_string_equal(text, "ProtocolTooNarrow");
    cl_free(text);
    text = call_text(EXEC_LEGO, true, "target.example.net", "/hook");
    assert_string_equal(text, "/hook present target.example.net. VALUE||");
    cl_free(text);
}

static void ends_mean_what_the_protocol_says(void **state)
{
    static const struct {
        enum dns_exec_protocol protocol;
        int code;
        const char *output, *reason; /* NULL: success */
        cl_time retry_at;
    } CASES[] = {
        {EXEC_LEGO, 0, "{\"status\":\"error\"}", NULL, 0},
        {EXEC_LEGO, 1, "", "HookFailed", 0},
        {EXEC_ACMETOOL, 42, "", "HookUnsupported", 0},
        {EXEC_CERTLOOP, 0, "", NULL, 0},
        {EXEC_CERTLOOP, 0, "talk\n{\"status\":\"ok\"}\n", NULL, 0},
        {EXEC_CERTLOOP, 0, "{\"status\":\"error\",\"message\":\"no zone\"}", "HookFailed", 0},
        {EXEC_CERTLOOP, 0, "{\"status\":\"retry\",\"retryAfter\":30}", "HookRetry",
         NOW + 30 * CL_SECOND},
        {EXEC_CERTLOOP, 75, "", "HookRetry", 0},
        {EXEC_CERTLOOP, 64, "", "HookUnsupported", 0},
        {EXEC_CERTLOOP, 1, "{\"status\":\"ok\"}", "HookFailed", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = {0};
        int rc = dns_exec_judge(CASES[i].protocol, CASES[i].code, CASES[i].output, NOW, &err);
        assert_int_equal(rc, CASES[i].reason != NULL ? -1 : 0);
        assert_string_equal(err.reason, cl_str_or(CASES[i].reason, ""));
        assert_int_equal(err.retry_at, CASES[i].retry_at);
    }
}

static void what_a_hook_says_is_cleaned_and_other_hooks_are_not_quoted(void **state)
{
    struct cl_err err = {0};
    (void)state;
    assert_int_equal(dns_exec_judge(EXEC_CERTLOOP, 1,
                                    "{\"status\":\"error\",\"message\":\"\\u001b[31mred\"}", NOW,
                                    &err),
                     -1);
    assert_non_null(strstr(err.text, "\\x1B[31mred"));
    assert_int_equal(dns_exec_judge(EXEC_LEGO, 1, "password=hunter2", NOW, &err), -1);
    assert_null(strstr(err.text, "hunter2"));
}

static void environment_files_are_lines(void **state)
{
    struct cl_strv env = {0};
    struct cl_err err = {0};
    (void)state;
    assert_int_equal(dns_exec_env_parse(
                         "# comment\n\nA=1\nexport B=\"two words\"\r\n  C='x=y'\nD=\n", &env, &err),
                     0);
    char *text = cl_strv_join(&env, "|");
    assert_string_equal(text, "A=1|B=two words|C=x=y|D=");
    cl_free(text);
    cl_strv_deinit(&env);
    assert_int_equal(dns_exec_env_parse("A=1\nsecret words\n", &env, &err), -1);
    assert_string_equal(err.reason, "CredentialInvalid");
    assert_null(strstr(err.text, "secret"));
    cl_strv_deinit(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_protocol_is_called_as_by_its_client),
        cmocka_unit_test(scripts_of_acme_sh_are_sourced_by_it_or_by_the_runner),
        cmocka_unit_test(a_hook_that_is_told_a_domain_cannot_write_elsewhere),
        cmocka_unit_test(ends_mean_what_the_protocol_says),
        cmocka_unit_test(what_a_hook_says_is_cleaned_and_other_hooks_are_not_quoted),
        cmocka_unit_test(environment_files_are_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
