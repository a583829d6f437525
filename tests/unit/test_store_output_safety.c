/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs under attack and by mistake: foreign files stay as they are, no link leads a privileged
 * daemon elsewhere, and nothing is written where programs are configured or run from. */
#include "tests/unit/output_fixture.h"

/* ---- foreign files ---- */

static void resolve_with(struct output_test *o)
{
    (void)add_output(o, below(&o->t, "srv/web"));
    resolve(o);
}

static void a_file_of_somebody_else_is_foreign_and_named(void **state)
{
    struct output_test *o = *state;

    put(&o->t, "srv/web/privkey.pem", "root:x:0:0:", 0600);
    resolve_with(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "privkey.pem was not written by certloop");
}

static void the_pair_of_other_names_is_foreign(void **state)
{
    struct output_test *o = *state;
    struct cert_spec s = spec_for("other.example.com");
    struct key *k = a_key();
    char *chain = ca_issue(&o->ca, &s, k, CL_DAY);
    char *key = pem_of(k);

    put(&o->t, "srv/web/fullchain.pem", chain, 0644);
    put(&o->t, "srv/web/privkey.pem", key, 0600);
    resolve_with(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "fullchain.pem was not written by certloop");
    cl_free(chain);
    cl_free_secret(key);
    key_destroy(k);
    spec_free(&s);
}

static void an_older_pair_of_the_same_names_is_taken_over(void **state)
{
    struct output_test *o = *state;

    put(&o->t, "srv/web/fullchain.pem", o->rev.fullchain_pem, 0644);
    put(&o->t, "srv/web/privkey.pem", cl_buf_str(&o->rev.key_pem), 0600);
    put(&o->t, "srv/web/chain.pem", o->ca.b, 0644);
    renew(o, 2);
    resolve_with(o);
    assert_verdict(o, 1, OUTPUT_MISSING, "cert.pem");
    write_all(o);
    assert_content(o, "srv/web/privkey.pem", cl_buf_str(&o->rev.key_pem));
}

static void a_key_that_is_not_the_certificates_makes_no_pair(void **state)
{
    struct output_test *o = *state;
    char *key = pem_of(o->ca.a_key);

    put(&o->t, "srv/web/fullchain.pem", o->rev.fullchain_pem, 0644);
    put(&o->t, "srv/web/privkey.pem", key, 0600);
    renew(o, 2);
    resolve_with(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "was not written by certloop");
    cl_free_secret(key);
}

static void the_very_same_bytes_are_ours_without_a_record(void **state)
{
    struct output_test *o = *state;

    resolve_with(o);
    write_all(o);
    cl_free(o->recs[1].directory);
    o->recs[1].directory = NULL; /* memory was lost */
    assert_verdict(o, 1, OUTPUT_IN_SYNC, "");
}

static void the_links_of_live_are_ours_without_a_record(void **state)
{
    struct output_test *o = *state;

    write_all(o);
    cl_free(o->recs[0].directory);
    o->recs[0].directory = NULL;
    write_file(below(&o->t, "state/live/web/privkey.pem"), "x", 1);
    assert_verdict(o, 0, OUTPUT_DIFFERS, "privkey.pem has other content");
}

static void taking_over_needs_the_spec_and_the_configuration(void **state)
{
    struct output_test *o = *state;

    put(&o->t, "srv/web/privkey.pem", "theirs", 0600);
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));
    out->take_over = true;
    resolve(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "privkey.pem");
    o->config.allow_take_over = true;
    resolve(o);
    assert_verdict(o, 1, OUTPUT_MISSING, "");
    out->take_over = false;
    resolve(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "privkey.pem");
    out->take_over = true;
    write_all(o);
    assert_content(o, "srv/web/privkey.pem", cl_buf_str(&o->rev.key_pem));
}

static void a_directory_or_fifo_under_a_wanted_name_is_foreign(void **state)
{
    struct output_test *o = *state;

    put(&o->t, "srv/web/cert.pem/x", "x", 0600);
    resolve_with(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "cert.pem exists and is not a file");
    struct disk_batch *b = disk_batch_create();
    disk_batch_remove_tree(b, below(&o->t, "srv/web/cert.pem"));
    commit(b);
    assert_int_equal(mkfifo(below(&o->t, "srv/web/cert.pem"), 0600), 0);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "cert.pem exists and is not a file");
}

static void a_dangling_link_of_somebody_else_is_foreign(void **state)
{
    struct output_test *o = *state;

    put(&o->t, "srv/web/x", "x", 0600);
    assert_int_equal(symlink("/nowhere/at/all", below(&o->t, "srv/web/cert.pem")), 0);
    resolve_with(o);
    assert_verdict(o, 1, OUTPUT_FOREIGN, "cert.pem is a link that certloop did not make");
}

static void writing_over_a_link_replaces_the_link_not_its_target(void **state)
{
    struct output_test *o = *state;
    struct output_spec *out = add_output(o, below(&o->t, "srv/web"));

    out->layout = LAYOUT_RENAME;
    write_all(o);
    put(&o->t, "victim", "precious", 0600);
    assert_int_equal(unlink(below(&o->t, "srv/web/cert.pem")), 0);
    assert_int_equal(symlink(below(&o->t, "victim"), below(&o->t, "srv/web/cert.pem")), 0);
    assert_verdict(o, 1, OUTPUT_DIFFERS, "cert.pem");
    write_all(o);
    assert_content(o, "victim", "precious");
    assert_verdict(o, 1, OUTPUT_IN_SYNC, "");
}

/* ---- links in the way ---- */

static int put_plan(struct output_test *o, size_t i, struct cl_err *err)
{
    struct disk_batch *b = disk_batch_create();

    if (output_put(&o->t.paths, &o->plans.items[i], b, err) < 0) {
        disk_batch_destroy(b);
        return -1;
    }
    commit(b);
    return 0;
}

static void a_component_that_is_somebodys_link_is_refused_also_for_removing(void **state)
{
    struct output_test *o = *state;
    struct cl_err err = {0};

    if (geteuid() != 0) {
        skip(); /* giving a link away needs root */
    }
    put(&o->t, "victim/web/x", "x", 0600);
    put(&o->t, "srv/x", "x", 0600);
    resolve_with(o);
    write_all(o);
    struct disk_batch *b = disk_batch_create();
    disk_batch_remove_tree(b, below(&o->t, "srv"));
    commit(b);
    assert_int_equal(symlink(below(&o->t, "victim"), below(&o->t, "srv")), 0);
    assert_int_equal(lchown(below(&o->t, "srv"), 65534, 65534), 0);
    assert_int_equal(put_plan(o, 1, &err), -1);
    assert_string_equal(err.reason, "OutputUnsafe");
    assert_has(err.text, below(&o->t, "srv"));
    put(&o->t, "victim/web/privkey.pem", "precious", 0600);
    b = disk_batch_create();
    output_remove(&o->recs[1], b);
    commit(b);
    assert_content(o, "victim/web/privkey.pem", "precious");
    assert_false(exists(&o->t, "victim/web/cert.pem"));
}

static void a_link_of_root_is_followed(void **state)
{
    struct output_test *o = *state;

    put(&o->t, "elsewhere/x", "x", 0600);
    assert_int_equal(symlink("elsewhere", below(&o->t, "srv")), 0);
    resolve_with(o);
    assert_int_equal(put_plan(o, 1, NULL), 0);
    assert_true(exists(&o->t, "elsewhere/web/privkey.pem"));
}

static void a_file_in_the_place_of_a_directory_is_refused(void **state)
{
    struct output_test *o = *state;
    struct cl_err err = {0};

    put(&o->t, "srv", "a file", 0600);
    resolve_with(o);
    assert_int_equal(put_plan(o, 1, &err), -1);
    assert_string_equal(err.reason, "OutputUnsafe");
}

/* ---- places ---- */

static void places_where_programs_obey_files_and_certloops_own_are_never_outputs(void **state)
{
    struct output_test *o = *state;
    static const struct {
        const char *directory; /* "@/X" is below the test's root */
        bool allowed;
    } CASES[] = {
        {"/etc/nginx/tls", true},  {"/etc", false},
        {"/etc/", false},          {"/", false},
        {"/run", false},           {"/usr/lib/x", false}, /* in no root */
        {"/etcetera/x", false},    {"relative/x", false},
        {"/etc/../usr", false},    {"/etc/./x", false},
        {"/etc/cron.d", false},    {"/etc/cron.daily/x", false},
        {"/etc/sudoers.d", false}, {"/etc/systemd/system", false},
        {"/etc/profile.d", false}, {"/etc/ssh", false},
        {"/etc/pam.d", false},     {"@/srv/.ssh", false},
        {"@/specs", false},        {"@/specs/x", false},
        {"@/secrets/x", false},    {"@/etc", false}, /* where the Configuration is */
        {"@/state", false},        {"@/state/archive/web/1", false},
        {"@/state/live", false},   {"@/state/live/another-name", true},
        {"@/hooks/x", false},      {"@/srv/specs", true},
    };

    cl_strv_add(&o->config.output_roots, "/etc");
    cl_strv_add(&o->config.output_roots, "/run/");
    cl_strv_add(&o->config.hook_directories, below(&o->t, "hooks"));
    struct output_spec *out = add_output(o, "/x");
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct cl_err err = {0};
        const char *d = CASES[i].directory;
        cl_free(out->directory);
        out->directory = d[0] == '@' ? cl_printf("%s%s", o->t.root, d + 1) : cl_strdup(d);
        output_plans_deinit(&o->plans);
        int rc = output_resolve(&o->t.paths, &o->config, &o->object, &o->rev, &o->plans, &err);
        if (rc != (CASES[i].allowed ? 0 : -1)) {
            fail_msg("%s: %s", d, err.text);
        }
        if (rc < 0) {
            assert_string_equal(err.reason, "OutputForbidden");
            assert_int_equal(err.kind, CL_ERR_PERMANENT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        output_test(a_file_of_somebody_else_is_foreign_and_named),
        output_test(the_pair_of_other_names_is_foreign),
        output_test(an_older_pair_of_the_same_names_is_taken_over),
        output_test(a_key_that_is_not_the_certificates_makes_no_pair),
        output_test(the_very_same_bytes_are_ours_without_a_record),
        output_test(the_links_of_live_are_ours_without_a_record),
        output_test(taking_over_needs_the_spec_and_the_configuration),
        output_test(a_directory_or_fifo_under_a_wanted_name_is_foreign),
        output_test(a_dangling_link_of_somebody_else_is_foreign),
        output_test(writing_over_a_link_replaces_the_link_not_its_target),
        output_test(a_component_that_is_somebodys_link_is_refused_also_for_removing),
        output_test(a_link_of_root_is_followed),
        output_test(a_file_in_the_place_of_a_directory_is_refused),
        output_test(places_where_programs_obey_files_and_certloops_own_are_never_outputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
