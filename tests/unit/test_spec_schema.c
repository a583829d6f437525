/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of spec/spec_schema: the tables are sound, and records are copied and freed by them. */
#include "spec/spec_tables.h"
#include "tests/unit/spec_fixture.h"

#include <stdlib.h>

/* Everything a row must have, in this table and those below it. */
static void check_table(const struct schema *schema)
{
    assert_non_null(schema->name);
    for (const struct schema_field *f = schema->fields; f->key != NULL; f++) {
        if ((f->flags & FIELD_IGNORED) == 0 && cl_str_empty(f->doc)) {
            fail_msg("%s.%s has no documentation", schema->name, f->key);
        }
        for (const struct schema_field *g = schema->fields; g < f; g++) {
            assert_string_not_equal(f->key, g->key);
        }
        assert_true(f->offset + f->size <= schema->size);
        assert_true(f->type != FIELD_LONG || f->max > 0);
        assert_true(f->type != FIELD_WORD || f->words != NULL);
        assert_true((f->type != FIELD_LIST && f->type != FIELD_KEYED) || f->sub != NULL ||
                    (f->flags & FIELD_UNSUPPORTED) != 0);
        assert_true(f->type != FIELD_KEYED || f->sub == NULL || f->sub->key_value != NULL);
        if (f->sub != NULL) {
            check_table(f->sub);
        }
    }
}

static void every_row_of_every_table_is_complete(void **state)
{
    (void)state;
    check_table(&SCHEMA_METADATA);
    for (unsigned k = 0; k < SPEC_KINDS; k++) {
        check_table(schema_of_kind((enum spec_kind)k));
        assert_non_null(spec_kind_name((enum spec_kind)k));
    }
}

static char *print(const struct schema *schema, const void *record)
{
    json_t *o = schema_print(schema, record);
    char *text = json_dumps(o, JSON_SORT_KEYS);

    json_decref(o);
    return text;
}

static void expect_equal_copy(const struct schema *schema, const void *record)
{
    char copy[4096];

    assert_true(schema->size <= sizeof(copy));
    memset(copy, 0xA5, sizeof(copy));
    schema_copy(schema, copy, record);
    char *a = print(schema, record), *b = print(schema, copy);
    assert_string_equal(a, b);
    free(a);
    free(b);
    schema_deinit(schema, copy);
    for (size_t i = 0; i < schema->size; i++) {
        assert_int_equal(copy[i], 0);
    }
}

static void a_copy_is_equal_and_shares_nothing(void **state)
{
    struct config *config = config_of(
        "  allowInlineHooks: true\n"
        "  hooks: {a: {exec: [b, c]}, d: {signal: {pidFile: /e}}, f: {systemd: {unit: g}}}\n"
        "  defaults: {solvers: [{selector: {matchLabels: {a: b}}, http01: {webroot: /x}}], hooks: "
        "[{name: x}], privateKey: {algorithm: RSA}}\n");
    struct parsed p = parse_cert(
        "  subject: {organizations: [a, b]}\n"
        "  outputs: [{directory: /etc/x/y, files: {a: key, b: {parts: cert, mode: \"0640\"}}}]\n"
        "  hooks: [{exec: [a]}]\n  probes: [\":443\"]\n",
        config);

    (void)state;
    expect_equal_copy(&SCHEMA_CONFIGURATION, config);
    expect_equal_copy(&SCHEMA_CERTIFICATE, p.objects.items[0]->cert);
    expect_equal_copy(&SCHEMA_METADATA, &p.objects.items[0]->metadata);
    assert_string_equal(p.objects.items[0]->cert->probes.items[0].connect, "localhost:443");
    parsed_deinit(&p);
    config_destroy(config);
}

static void algorithms_have_names(void **state)
{
    (void)state;
    assert_string_equal(key_algorithm_name(KEY_ED25519), "Ed25519");
    assert_null(key_algorithm_name(KEY_DEFAULT));
    cert_spec_destroy(NULL);
    issuer_spec_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_every_table_is_complete),
        cmocka_unit_test(a_copy_is_equal_and_shares_nothing),
        cmocka_unit_test(algorithms_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
