/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: every member survives a restart exactly, and what is damaged or newer is said so. */
#include "backends/store/memory.h"
#include "tests/unit/store_fixture.h"

static struct memory a_memory(void)
{
    struct memory m;

    memory_init(&m);
    m.uid = cl_strdup("0198-x");
    m.generation = 3;
    m.created = NOW + 1;
    m.deleted_at = NOW + 2;
    m.canonical = cl_strdup("{\"kind\":\"Certificate\",\"spec\":{\"dnsNames\":[\"\xc3\xa4\"]}}");
    m.source_path = cl_strdup("web.yaml");
    (void)cl_format(m.source_sha256, sizeof(m.source_sha256), "%064d", 7);
    m.source_document = 2;
    m.source_line = 17;
    m.loaded_at = NOW + 3;
    m.handled_renew_annotation = cl_strdup("2026-10-06T12:00:00Z");
    m.handled_renew_request = NOW + 4;
    m.renew_requested = NOW + 5;
    m.failed_attempts = 4;
    m.verified_stamp = UINT64_MAX - 2;
    m.last_failure = NOW + 6;
    m.hold = (struct memory_hold){.kind = CL_ERR_PERMANENT,
                                  .failures = 2,
                                  .not_before = CL_NEVER,
                                  .first_failure = NOW + 7,
                                  .last_failure = NOW + 8};
    (void)cl_format(m.hold.inputs_hash, sizeof(m.hold.inputs_hash), "%064d", 8);
    (void)cl_fail(&m.hold.err, CL_ERR_PERMANENT, "RejectedIdentifier", "policy \"forbids\" it");
    m.hold.err.http_status = 400;
    m.hold.err.retry_at = NOW + 9;
    (void)cl_format(m.hold.err.type, sizeof(m.hold.err.type), "urn:x");
    (void)cl_format(m.hold.err.identifier, sizeof(m.hold.err.identifier), "example.com");
    (void)cl_format(m.hold.err.url, sizeof(m.hold.err.url), "https://ca.example/x");
    m.ari = (struct ari_state){.cert_id = cl_strdup("aki.serial"),
                               .start = NOW + 20,
                               .end = NOW + 21,
                               .selected = NOW + 22,
                               .urgent = true,
                               .explanation_url = cl_strdup("https://ca.example/why"),
                               .last_checked = NOW + 23,
                               .next_check = NOW + 24,
                               .failures = 3,
                               .last_error = cl_strdup("503"),
                               .renewed_at = NOW + 25};
    m.n_hooks = 1;
    m.hooks = cl_calloc(1, sizeof(*m.hooks));
    m.hooks[0] = (struct memory_hook){.id = cl_strdup("h1"),
                                      .revision = 5,
                                      .outputs_hash = cl_strdup("oh"),
                                      .failures = 1,
                                      .next_try = NOW + 10,
                                      .finished_at = NOW + 11,
                                      .exit_code = -9,
                                      .duration_ms = 412,
                                      .result = cl_strdup("Failed"),
                                      .name = cl_strdup("reload")};
    m.n_outputs = 1;
    m.outputs = cl_calloc(1, sizeof(*m.outputs));
    m.outputs[0] = (struct memory_output){.directory = cl_strdup("/x"),
                                          .content_hash = cl_strdup("ch"),
                                          .stamp_hash = UINT64_MAX - 1,
                                          .last_written = NOW + 12,
                                          .repairs = 6,
                                          .repairs_since = NOW + 13};
    cl_strv_add(&m.outputs[0].files, "cert.pem");
    cl_strv_add(&m.outputs[0].files, "privkey.pem");
    return m;
}

static void every_member_survives(void **state)
{
    (void)state;
    struct memory m = a_memory();
    struct memory q;
    char *text = memory_to_json(&m);

    assert_int_equal(memory_from_json(text, &q, NULL), 0);
    char *again = memory_to_json(&q);
    assert_string_equal(again, text);
    assert_string_equal(q.canonical, m.canonical);
    assert_string_equal(q.handled_renew_annotation, m.handled_renew_annotation);
    assert_int_equal(q.handled_renew_request, NOW + 4);
    assert_int_equal(q.source_line, 17);
    assert_string_equal(q.source_sha256, m.source_sha256);
    assert_int_equal(q.hold.kind, CL_ERR_PERMANENT);
    assert_true(q.hold.not_before == CL_NEVER);
    assert_string_equal(q.hold.inputs_hash, m.hold.inputs_hash);
    assert_int_equal(q.hold.err.kind, CL_ERR_PERMANENT);
    assert_string_equal(q.hold.err.reason, "RejectedIdentifier");
    assert_string_equal(q.hold.err.text, "policy \"forbids\" it");
    assert_string_equal(q.hold.err.type, "urn:x");
    assert_string_equal(q.hold.err.identifier, "example.com");
    assert_string_equal(q.hold.err.url, "https://ca.example/x");
    assert_int_equal(q.hold.err.http_status, 400);
    assert_int_equal(q.hold.err.retry_at, NOW + 9);
    assert_string_equal(q.ari.cert_id, "aki.serial");
    assert_int_equal(q.ari.selected, NOW + 22);
    assert_int_equal(q.ari.start, NOW + 20);
    assert_int_equal(q.ari.end, NOW + 21);
    assert_true(q.ari.urgent);
    assert_string_equal(q.ari.last_error, "503");
    assert_int_equal(q.ari.next_check, NOW + 24);
    assert_int_equal(q.ari.renewed_at, NOW + 25);
    assert_int_equal(q.hooks[0].exit_code, -9);
    assert_int_equal(q.hooks[0].next_try, NOW + 10);
    assert_string_equal(q.hooks[0].name, "reload");
    assert_true(q.outputs[0].stamp_hash == UINT64_MAX - 1);
    assert_true(q.verified_stamp == UINT64_MAX - 2);
    assert_int_equal(q.outputs[0].files.len, 2);
    assert_int_equal(q.outputs[0].repairs_since, NOW + 13);
    cl_free(text);
    cl_free(again);
    memory_deinit(&m);
    memory_deinit(&q);
}

static void an_empty_memory_survives_too(void **state)
{
    (void)state;
    struct memory m;
    struct memory q;

    memory_init(&m);
    char *text = memory_to_json(&m);
    assert_int_equal(memory_from_json(text, &q, NULL), 0);
    assert_int_equal(q.hold.kind, CL_ERR_NONE);
    assert_null(q.canonical);
    assert_int_equal(q.n_hooks, 0);
    cl_free(text);
    memory_deinit(&m);
    memory_deinit(&q);
}

static void a_damaged_or_newer_file_is_an_error_that_names_it(void **state)
{
    const struct store_test *t = *state;
    static const struct {
        const char *text, *reason;
    } CASES[] = {
        {"", "StateCorrupt"},
        {"null", "StateCorrupt"},
        {"{\"schema\":\"1\"}", "StateCorrupt"},
        {"{\"schema\":1,\"generation\":\"x\"}", "StateCorrupt"},
        {"{\"schema\":1,\"created\":\"yesterday\"}", "StateCorrupt"},
        {"{\"schema\":1,\"created\":-5}", "StateCorrupt"},
        {"{\"schema\":1,\"hooks\":[{\"revision\":[]}]}", "StateCorrupt"},
        {"{\"schema\":1,\"outputs\":[{\"files\":7}]}", "StateCorrupt"},
        {"{\"schema\":1} x", "StateCorrupt"},
        {"{\"schema\":2}", "StateTooNew"},
    };
    struct memory m;

    assert_int_equal(memory_load(below(t, "none.json"), &m, NULL), 1);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = {0};
        put(t, "m.json", CASES[i].text, 0600);
        assert_int_equal(memory_load(below(t, "m.json"), &m, &err), -1);
        assert_string_equal(err.reason, CASES[i].reason);
        assert_has(err.text, "/m.json");
    }
}

static void strange_numbers_of_a_stamp_only_cost_a_look_at_the_files(void **state)
{
    const struct store_test *t = *state;
    struct memory m;

    put(t, "m.json", "{\"schema\":1,\"outputs\":[{\"directory\":\"/x\",\"stamp\":\"-1\"}]}", 0600);
    assert_int_equal(memory_load(below(t, "m.json"), &m, NULL), 0);
    assert_int_equal(m.outputs[0].stamp_hash, 0);
    memory_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_survives),
        cmocka_unit_test(an_empty_memory_survives_too),
        store_test(a_damaged_or_newer_file_is_an_error_that_names_it),
        store_test(strange_numbers_of_a_stamp_only_cost_a_look_at_the_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
