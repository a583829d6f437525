/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/status: conditions, events, and the status file there and back. */
#include "spec/base/cl_alloc.h"
#include "spec/status.h"
#include "tests/unit/unit.h"

#include <string.h>

#define NOW INT64_C(1795516948000) /* 2026-11-24T10:42:28Z */

/* ---- conditions ---- */

static void the_transition_time_moves_only_with_the_value(void **state)
{
    struct status s;
    struct condition *c = &s.conditions[CONDITION_READY];

    (void)state;
    status_init(&s);
    s.observed_generation = 3;
    assert_true(status_set(&s, CONDITION_READY, STATUS_FALSE, "DoesNotExist", "none yet", NOW));
    assert_false(
        status_set(&s, CONDITION_READY, STATUS_FALSE, "DoesNotExist", "none yet", NOW + 1));
    assert_true(status_set(&s, CONDITION_READY, STATUS_FALSE, "Expired", NULL, NOW + 2));
    assert_int_equal(c->last_transition, NOW);
    assert_string_equal(c->message, "");
    assert_int_equal(c->observed_generation, 3);
    assert_true(status_set(&s, CONDITION_READY, STATUS_TRUE, "Ready", NULL, NOW + 3));
    assert_int_equal(c->last_transition, NOW + 3);
    status_deinit(&s);
}

static void an_abnormal_condition_disappears_when_it_no_longer_holds(void **state)
{
    struct status s;

    (void)state;
    status_init(&s);
    assert_false(status_set(&s, CONDITION_STALLED, STATUS_FALSE, "Fine", NULL, NOW));
    assert_true(status_set(&s, CONDITION_STALLED, STATUS_TRUE, "RejectedIdentifier", NULL, NOW));
    assert_true(status_set(&s, CONDITION_STALLED, STATUS_FALSE, "Fine", NULL, NOW));
    assert_int_equal(s.conditions[CONDITION_STALLED].status, STATUS_ABSENT);
    assert_null(s.conditions[CONDITION_STALLED].reason);
    status_deinit(&s);
}

static void a_message_may_be_set_to_itself(void **state)
{
    struct status s;

    (void)state;
    status_init(&s);
    (void)status_set(&s, CONDITION_READY, STATUS_TRUE, "Ready", "xx and more", NOW);
    assert_true(status_set(&s, CONDITION_READY, STATUS_TRUE, "Ready",
                           s.conditions[CONDITION_READY].message + 3, NOW));
    assert_string_equal(s.conditions[CONDITION_READY].message, "and more");
    status_deinit(&s);
}

/* ---- events ---- */

static void only_the_newest_events_are_kept_oldest_first(void **state)
{
    struct status s;

    (void)state;
    status_init(&s);
    for (int i = 0; i < STATUS_EVENTS + 5; i++) {
        status_event(&s, NOW + i, false, "Tick", "number %d", i);
    }
    assert_int_equal(s.n_events, STATUS_EVENTS);
    assert_string_equal(s.events[0].message, "number 5");
    assert_string_equal(s.events[STATUS_EVENTS - 1].message, "number 24");
    status_deinit(&s);
}

static void a_repeated_event_moves_its_time_instead_of_filling_the_list(void **state)
{
    struct status s;

    (void)state;
    status_init(&s);
    status_event(&s, NOW, true, "Backoff", "attempt failed");
    status_event(&s, NOW + CL_HOUR, true, "Backoff", "attempt failed");
    assert_int_equal(s.n_events, 1);
    assert_int_equal(s.events[0].time, NOW + CL_HOUR);
    status_event(&s, NOW, false, "Backoff", "attempt failed");
    assert_int_equal(s.n_events, 2);
    status_deinit(&s);
}

/* ---- the file ---- */

static void a_pending_status(struct status *s)
{
    status_init(s);
    s->name = cl_strdup("example-com");
    s->namespace_ = cl_strdup("");
    s->uid = cl_strdup("0198-uid");
    s->generation = 1;
    s->observed_generation = 1;
    s->created = NOW;
    s->source.path = cl_strdup("/etc/acme.d/example-com.yaml");
    s->source.line = 1;
    (void)cl_format(s->source.sha256, sizeof(s->source.sha256), "9f2c");
    (void)cl_format(s->source.spec_hash, sizeof(s->source.spec_hash), "41aa");
    s->source.loaded_at = NOW;
    (void)status_set(s, CONDITION_RECONCILING, STATUS_TRUE, "Pending", "Waiting", NOW);
    (void)status_set(s, CONDITION_READY, STATUS_FALSE, "DoesNotExist", "None yet", NOW);
    s->next_reconcile = CL_NEVER;
    s->next_reconcile_reason = cl_strdup("SpecChange");
    status_event(s, NOW, false, "Pending", "Seen");
}

static void a_fresh_certificate_is_written_exactly_so(void **state)
{
    static const char EXPECTED[] = "{\n"
                                   "  \"apiVersion\": \"certloop/v1\",\n"
                                   "  \"kind\": \"Certificate\",\n"
                                   "  \"metadata\": {\n"
                                   "    \"name\": \"example-com\",\n"
                                   "    \"namespace\": \"\",\n"
                                   "    \"uid\": \"0198-uid\",\n"
                                   "    \"generation\": 1,\n"
                                   "    \"creationTimestamp\": \"2026-11-24T10:42:28Z\"\n"
                                   "  },\n"
                                   "  \"status\": {\n"
                                   "    \"observedGeneration\": 1,\n"
                                   "    \"source\": {\n"
                                   "      \"path\": \"/etc/acme.d/example-com.yaml\",\n"
                                   "      \"document\": 0,\n"
                                   "      \"line\": 1,\n"
                                   "      \"sha256\": \"9f2c\",\n"
                                   "      \"specHash\": \"41aa\",\n"
                                   "      \"loadedAt\": \"2026-11-24T10:42:28Z\"\n"
                                   "    },\n"
                                   "    \"conditions\": [\n"
                                   "      {\n"
                                   "        \"type\": \"Ready\",\n"
                                   "        \"status\": \"False\",\n"
                                   "        \"reason\": \"DoesNotExist\",\n"
                                   "        \"message\": \"None yet\",\n"
                                   "        \"lastTransitionTime\": \"2026-11-24T10:42:28Z\",\n"
                                   "        \"observedGeneration\": 1\n"
                                   "      },\n"
                                   "      {\n"
                                   "        \"type\": \"Reconciling\",\n"
                                   "        \"status\": \"True\",\n"
                                   "        \"reason\": \"Pending\",\n"
                                   "        \"message\": \"Waiting\",\n"
                                   "        \"lastTransitionTime\": \"2026-11-24T10:42:28Z\",\n"
                                   "        \"observedGeneration\": 1\n"
                                   "      }\n"
                                   "    ],\n"
                                   "    \"notBefore\": null,\n"
                                   "    \"notAfter\": null,\n"
                                   "    \"renewalTime\": null,\n"
                                   "    \"revision\": 0,\n"
                                   "    \"failedIssuanceAttempts\": 0,\n"
                                   "    \"lastFailureTime\": null,\n"
                                   "    \"nextReconcileTime\": null,\n"
                                   "    \"nextReconcileReason\": \"SpecChange\",\n"
                                   "    \"lastReconcileTime\": null,\n"
                                   "    \"certificate\": null,\n"
                                   "    \"outputs\": [],\n"
                                   "    \"hooks\": [],\n"
                                   "    \"issuance\": null,\n"
                                   "    \"events\": [\n"
                                   "      {\n"
                                   "        \"time\": \"2026-11-24T10:42:28Z\",\n"
                                   "        \"type\": \"Normal\",\n"
                                   "        \"reason\": \"Pending\",\n"
                                   "        \"message\": \"Seen\"\n"
                                   "      }\n"
                                   "    ]\n"
                                   "  }\n"
                                   "}\n";
    struct status s;

    (void)state;
    a_pending_status(&s);
    char *text = status_to_json(&s);
    assert_string_equal(text, EXPECTED);
    cl_free(text);
    status_deinit(&s);
}

static void a_full_status(struct status *s)
{
    a_pending_status(s);
    s->deleted = NOW;
    (void)cl_format(s->source.pending_sha256, sizeof(s->source.pending_sha256), "bad0");
    s->issuer_name = cl_strdup("letsencrypt");
    s->issuer_kind = cl_strdup("Issuer");
    s->not_before = NOW;
    s->not_after = NOW + 90 * CL_DAY;
    s->renewal_time = NOW + 60 * CL_DAY;
    s->revision = 2;
    s->failed_attempts = 1;
    s->last_failure = NOW;
    s->last_error =
        (struct status_error){.kind = CL_ERR_RATE_LIMITED,
                              .http_status = 429,
                              .retry_after = NOW + CL_DAY,
                              .type = cl_strdup("urn:ietf:params:acme:error:rateLimited"),
                              .detail = cl_strdup("too many")};
    s->has_cert = true;
    s->cert.serial = cl_strdup("04d1");
    cl_strv_add(&s->cert.dns_names, "example.com");
    s->cert.key_algorithm = cl_strdup("ECDSA");
    s->outputs = cl_new(struct status_output);
    s->n_outputs = 1;
    s->outputs[0].directory = cl_strdup("/etc/haproxy/certs");
    cl_strv_add(&s->outputs[0].files, "fullchain.pem");
    s->outputs[0].in_sync = true;
    s->hooks = cl_new(struct status_hook);
    s->n_hooks = 1;
    s->hooks[0] = (struct status_hook){.name = cl_strdup("reload"),
                                       .revision = 2,
                                       .result = cl_strdup("Failed"),
                                       .exit_code = -1,
                                       .duration_ms = 412,
                                       .finished_at = NOW};
    s->probes = cl_new(struct status_probe);
    s->n_probes = 1;
    s->probes[0] =
        (struct status_probe){.connect = cl_strdup(":443"), .matches = true, .checked_at = NOW};
    cl_strv_add(&s->warnings, "secretTemplate has no meaning here");
    s->issuance = json_pack("{s:i}", "attempt", 1);
    s->last_error.authorizations = json_pack("[{s:s}]", "state", "invalid");
    s->persist_records = json_pack("[{s:s}]", "record", "_validation-persist.example.com");
    s->details = json_pack("{s:{s:s}}", "acme", "accountURI", "https://ca.example/acct/1");
    status_event(s, NOW, true, "RateLimited", "Waiting");
}

static void every_member_survives_the_way_through_the_file(void **state)
{
    struct status s;
    struct status back;
    struct cl_err err;

    (void)state;
    a_full_status(&s);
    char *text = status_to_json(&s);
    assert_int_equal(status_from_json(text, &back, &err), 0);
    char *again = status_to_json(&back);
    assert_string_equal(again, text);
    assert_int_equal(back.kind, SPEC_CERTIFICATE);
    assert_int_equal(back.deleted, NOW);
    assert_string_equal(back.source.pending_sha256, "bad0");
    assert_string_equal(back.issuer_name, "letsencrypt");
    assert_int_equal(back.last_error.kind, CL_ERR_RATE_LIMITED);
    assert_int_equal(back.last_error.http_status, 429);
    assert_true(back.has_cert);
    assert_int_equal(back.hooks[0].exit_code, -1);
    assert_true(back.probes[0].matches);
    assert_true(back.events[1].warning);
    assert_int_equal(back.warnings.len, 1);
    assert_int_equal(back.conditions[CONDITION_RECONCILING].status, STATUS_TRUE);
    assert_int_equal(back.conditions[CONDITION_STALLED].status, STATUS_ABSENT);
    cl_free(text);
    cl_free(again);
    status_deinit(&s);
    status_deinit(&back);
}

static void members_stand_where_a_reader_looks_for_them(void **state)
{
    struct status s;

    (void)state;
    a_full_status(&s);
    char *text = status_to_json(&s);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *st = json_object_get(root, "status");
    const char *class = NULL;
    const char *account = NULL;
    const char *issuer = NULL;
    int retry = 0;
    assert_int_equal(json_unpack(st, "{s:{s:s,s:i},s:{s:s},s:{s:{s:s}}}", "lastError", "class",
                                 &class, "status", &retry, "acme", "accountURI", &account,
                                 "certificate", "issuerRef", "name", &issuer),
                     0);
    assert_string_equal(class, "RateLimited");
    assert_int_equal(retry, 429);
    assert_string_equal(account, "https://ca.example/acct/1");
    assert_string_equal(issuer, "letsencrypt");
    json_decref(root);
    cl_free(text);
    status_deinit(&s);
}

static void an_issuer_has_no_members_of_a_certificate(void **state)
{
    struct status s;
    struct status back;

    (void)state;
    status_init(&s);
    s.kind = SPEC_ISSUER;
    s.name = cl_strdup("letsencrypt");
    (void)status_set(&s, CONDITION_READY, STATUS_TRUE, "ACMEAccountRegistered", NULL, NOW);
    s.details = json_pack("{s:{s:s},s:i,s:s}", "acme", "uri", "https://ca.example/acct/1",
                          "references", 2, "conditions", "never over a member of the struct");
    char *text = status_to_json(&s);
    assert_non_null(strstr(text, "\"kind\": \"Issuer\""));
    assert_non_null(strstr(text, "\"references\": 2"));
    assert_non_null(strstr(text, "\"source\": null"));
    assert_null(strstr(text, "revision"));
    assert_null(strstr(text, "issuance"));
    assert_null(strstr(text, "outputs"));
    assert_null(strstr(text, "never over"));
    assert_int_equal(status_from_json(text, &back, NULL), 0);
    assert_int_equal(back.kind, SPEC_ISSUER);
    assert_int_equal(json_integer_value(json_object_get(back.details, "references")), 2);
    assert_int_equal(json_object_size(back.details), 2);
    cl_free(text);
    status_deinit(&s);
    status_deinit(&back);
}

static void text_that_is_not_utf_8_does_not_break_the_file(void **state)
{
    struct status s;

    (void)state;
    a_pending_status(&s);
    (void)status_set(&s, CONDITION_READY, STATUS_FALSE, "Bad", "\xFF\n", NOW);
    char *text = status_to_json(&s);
    assert_non_null(strstr(text, "\"message\": \"\\\\xFF\\\\x0A\""));
    cl_free(text);
    status_deinit(&s);
}

static void a_file_of_a_later_version_is_read_as_far_as_it_is_understood(void **state)
{
    static const char TEXT[] =
        "{\"kind\":\"Certificate\",\"metadata\":{\"name\":\"a\",\"color\":\"red\"},\"status\":{"
        "\"conditions\":[{\"type\":\"Purple\",\"status\":\"Very\"},"
        "{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Ready\"}],"
        "\"lastError\":{\"class\":\"Cosmic\"},\"mood\":\"good\"}}";
    struct status s;

    (void)state;
    assert_int_equal(status_from_json(TEXT, &s, NULL), 0);
    assert_string_equal(s.name, "a");
    assert_int_equal(s.conditions[CONDITION_READY].status, STATUS_TRUE);
    assert_int_equal(s.last_error.kind, CL_ERR_INTERNAL);
    assert_string_equal(json_string_value(json_object_get(s.details, "mood")), "good");
    status_deinit(&s);
}

static void broken_files_are_refused_and_leave_the_result_alone(void **state)
{
    static const char *const BAD[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"kind\":\"Certificate\",\"metadata\":{}}",
        "{\"kind\":\"Pod\",\"metadata\":{},\"status\":{}}",
        "{\"kind\":\"Certificate\",\"metadata\":{\"name\":7},\"status\":{}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"notAfter\":\"soon\"}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"conditions\":{}}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"conditions\":[{\"type\":\"Ready\","
        "\"status\":\"Maybe\"}]}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"outputs\":[{\"directory\":\"/x\","
        "\"inSync\":1}]}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"hooks\":[{\"name\":\"x\","
        "\"exitCode\":4294967296}]}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"warnings\":[\"a\",1]}}",
        "{\"kind\":\"Certificate\",\"metadata\":{},\"status\":{\"source\":{\"line\":-1}}}",
    };
    struct status s;

    (void)state;
    status_init(&s);
    s.generation = 77;
    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct cl_err err;

        assert_int_equal(status_from_json(BAD[i], &s, &err), -1);
        assert_true(cl_str_starts(err.text, "status file: "));
        assert_int_equal(s.generation, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transition_time_moves_only_with_the_value),
        cmocka_unit_test(an_abnormal_condition_disappears_when_it_no_longer_holds),
        cmocka_unit_test(a_message_may_be_set_to_itself),
        cmocka_unit_test(only_the_newest_events_are_kept_oldest_first),
        cmocka_unit_test(a_repeated_event_moves_its_time_instead_of_filling_the_list),
        cmocka_unit_test(a_fresh_certificate_is_written_exactly_so),
        cmocka_unit_test(every_member_survives_the_way_through_the_file),
        cmocka_unit_test(members_stand_where_a_reader_looks_for_them),
        cmocka_unit_test(an_issuer_has_no_members_of_a_certificate),
        cmocka_unit_test(text_that_is_not_utf_8_does_not_break_the_file),
        cmocka_unit_test(a_file_of_a_later_version_is_read_as_far_as_it_is_understood),
        cmocka_unit_test(broken_files_are_refused_and_leave_the_result_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
