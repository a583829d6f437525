/* SPDX-License-Identifier: Apache-2.0 */
/* The life of objects, through the whole daemon: files that move, come and go, memories that are
 * damaged, outputs that two want, requests and a Configuration that changes. */
#include "tests/unit/reconciler_fixture.h"

static char *uid_of(const struct world *w, const char *name)
{
    char *relative = cl_printf("state/status/%s.json", name);
    char *uid = world_json(w, relative, "metadata", "uid");
    cl_free(relative);
    return uid;
}

static void gone_long_ago(struct world *w, const char *name)
{
    struct unit *u = cert(w, name);
    u->absent_since -= CL_MINUTE;
    inventory_scan(w->d->inventory);
    inventory_scan(w->d->inventory);
}

static bool web_absent(struct world *w)
{
    return cert(w, "web") != NULL && cert(w, "web")->absent_since > 0;
}

static bool web_gone(struct world *w)
{
    return cert(w, "web") == NULL;
}

/* ---- files ---- */

static bool web_in_b(struct world *w)
{
    return cert(w, "web") != NULL && cl_streq(cert(w, "web")->file, "b.yaml") &&
           cert(w, "web")->absent_since == 0 && cert(w, "other") != NULL;
}

static bool b_rejected(struct world *w)
{
    size_t pos = 0;
    const struct file_entry *e;
    while ((e = inventory_next(w->d->inventory, &pos)) != NULL) {
        if (cl_streq(e->name, "b.yaml")) {
            return e->state == FILE_REJECTED;
        }
    }
    return false;
}

static void an_object_that_moves_to_another_file_stays_the_same(void **state)
{
    struct world *w = *state;
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    char *uid = uid_of(w, "web");
    put(w, "specs/b.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, b_rejected));
    put(w, "specs/a.yaml", CERT("other", "other.test", ""));
    assert_true(comes(w, web_in_b));
    assert_true(comes(w, web_ready));
    char *now = uid_of(w, "web");
    assert_string_equal(uid, now);
    assert_int_equal(cert(w, "web")->summary.revision, 1);
    cl_free(now);
    cl_free(uid);
}

static bool a_rejected(struct world *w)
{
    return cert(w, "web")->rejection != NULL;
}

static bool a_accepted(struct world *w)
{
    return cert(w, "web")->rejection == NULL;
}

static void a_file_that_may_be_trusted_again_is_in_force_again(void **state)
{
    struct world *w = *state;
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    assert_int_equal(chmod(in(w, "specs/a.yaml"), 0666), 0);
    assert_true(comes(w, a_rejected));
    assert_int_equal(chmod(in(w, "specs/a.yaml"), 0644), 0);
    assert_true(comes(w, a_accepted));
}

static void an_object_that_was_declared_before_it_is_recalled_is_one(void **state)
{
    struct world *w = *state;
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    size_t before = w->d->units.count;
    struct unit *u = cert(w, "web");
    inventory_recall(w->d->inventory);
    assert_int_equal(w->d->units.count, before);
    assert_ptr_equal(cert(w, "web"), u);
}

/* ---- memory ---- */

static void a_memory_that_cannot_be_read_now_is_not_a_new_object(void **state)
{
    struct world *w = *state;
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    char *uid = uid_of(w, "web");
    assert_int_equal(rename(in(w, "state/memory/web.json"), in(w, "kept")), 0);
    assert_int_equal(mkdir(in(w, "state/memory/web.json"), 0700), 0);
    inventory_reparse(w->d->inventory);
    inventory_scan(w->d->inventory);
    assert_null(cert(w, "web")->w);
    assert_int_equal(rmdir(in(w, "state/memory/web.json")), 0);
    assert_int_equal(rename(in(w, "kept"), in(w, "state/memory/web.json")), 0);
    inventory_scan(w->d->inventory);
    assert_true(comes(w, web_ready));
    char *now = uid_of(w, "web");
    assert_string_equal(uid, now);
    cl_free(now);
    cl_free(uid);
}

static void a_damaged_memory_costs_no_certificate(void **state)
{
    struct world *w = *state;
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    char *uid = uid_of(w, "web");
    stop(w);
    put(w, "state/memory/web.json", "{ not json");
    start(w);
    assert_true(comes(w, web_ready));
    char *now = uid_of(w, "web");
    assert_string_equal(uid, now);
    assert_int_equal(cert(w, "web")->summary.revision, 1);
    cl_free(now);
    cl_free(uid);
}

/* ---- removed, and declared again ---- */

static void a_certificate_declared_again_takes_over_what_it_left(void **state)
{
    struct world *w = *state;
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    assert_int_equal(unlink(in(w, "specs/a.yaml")), 0);
    assert_true(comes(w, web_absent));
    gone_long_ago(w, "web");
    assert_true(comes(w, web_gone));
    assert_int_not_equal(access(in(w, "state/status/web.json"), F_OK), 0);
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    char *trigger = world_json(w, "state/archive/web/2/manifest.json", "trigger", NULL);
    assert_string_equal(trigger, "Adopted");
    cl_free(trigger);
}

/* ---- outputs ---- */

static void put_with_output(struct world *w, const char *file, const char *text)
{
    char *with = cl_printf("%s  outputs: [{directory: %s/out/tls}]\n", text, w->root);
    put(w, file, with);
    cl_free(with);
}

static bool web2_conflicts(struct world *w)
{
    return cert(w, "web2") != NULL && cert(w, "web2")->conflict != NULL;
}

static bool web2_ready(struct world *w)
{
    return ready(w, "web2");
}

static void an_output_that_one_gives_up_goes_to_the_other(void **state)
{
    struct world *w = *state;
    put_with_output(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    put_with_output(w, "specs/b.yaml", CERT("web2", "web.test", ""));
    assert_true(comes(w, web2_conflicts));
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web2_ready));
    assert_null(cert(w, "web2")->conflict);
    assert_int_equal(w->d->conflicts, 0);
}

/* ---- requests and keys ---- */

static bool second_revision(struct world *w)
{
    return ready(w, "web") && cert(w, "web")->summary.revision == 2;
}

static void the_key_of_a_superseded_revision_is_kept_for_a_week(void **state)
{
    struct world *w = *state;
    struct cl_err err = {0};
    put(w, "specs/a.yaml", CERT("web", "web.test", ""));
    assert_true(comes(w, web_ready));
    put(w, "state/requests/r1", "{\"verb\": \"renew\", \"objects\": [\"web\"]}");
    assert_true(comes(w, second_revision));
    assert_int_equal(access(in(w, "state/requests/r1.done"), F_OK), 0);
    struct unit *u = cert(w, "web");
    assert_int_equal(unit_wake(u, &err), 0);
    assert_int_equal(archive_load(&w->d->paths, "web", &u->w->rev, &err), 0);
    cl_time issued = u->w->rev.manifest->issued_at;
    act_tidy(u, issued + 7 * CL_DAY - 1);
    assert_true(cl_list_empty(&w->d->loose));
    act_tidy(u, issued + 7 * CL_DAY);
    assert_false(cl_list_empty(&w->d->loose));
    stop(w);
    assert_int_not_equal(access(in(w, "state/archive/web/1/privkey.pem"), F_OK), 0);
    assert_int_equal(access(in(w, "state/archive/web/2/privkey.pem"), F_OK), 0);
}

/* ---- Issuers ---- */

static const struct unit *late(const struct world *w)
{
    return unit_find(w->d, true, "late");
}

/* On disk, not only in the daemon: an object at rest is read again from there. */
static bool late_failed_twice(struct world *w)
{
    struct memory m;
    struct cl_err err = {0};
    const char *path = in(w, "state/memory/_issuers/late.json");
    bool twice = late(w) != NULL && memory_load(path, &m, &err) == 0;
    if (twice) {
        twice = m.hold.failures >= 2;
        memory_deinit(&m);
    }
    return twice;
}

static bool own_ready(struct world *w)
{
    return issuer_unit_ready(unit_find(w->d, true, "own"));
}

static bool late_ready(struct world *w)
{
    return issuer_unit_ready(late(w)) && !unit_running(late(w));
}

static void copy_file(struct world *w, const char *from, const char *to)
{
    struct cl_buf text;
    assert_int_equal(disk_read(in(w, from), 65536, &text, NULL, NULL), 0);
    put(w, to, cl_buf_str(&text));
    assert_int_equal(chmod(in(w, to), 0600), 0);
    cl_buf_deinit(&text);
}

static void a_secret_that_comes_late_is_found_and_failures_before_are_counted(void **state)
{
    struct world *w = *state;
    put(w, "specs/late.yaml",
        "apiVersion: certloop/v1\nkind: Issuer\nmetadata: {name: late}\n"
        "spec: {ca: {secretName: pair}}\n");
    assert_true(comes(w, late_failed_twice));

    assert_true(comes(w, own_ready));
    assert_int_equal(mkdir(in(w, "secrets/pair"), 0700), 0);
    copy_file(w, "state/ca/own/ca.crt", "secrets/pair/tls.crt");
    copy_file(w, "state/ca/own/ca.key", "secrets/pair/tls.key");
    daemon_reload(w->d);
    assert_true(comes(w, late_ready));
}

/* ---- the Configuration ---- */

static void an_invalid_configuration_keeps_the_last_good_one(void **state)
{
    struct world *w = *state;
    const struct config *before = w->d->config;
    put(w, "etc/config.yaml",
        "apiVersion: certloop/v1\nkind: Configuration\nspec: {nonsense: 1}\n");
    config_file_changed(w->d);
    assert_ptr_equal(w->d->config, before);
    assert_non_null(strstr(w->d->config_problem, "config.yaml:3:"));
    put(w, "etc/config.yaml",
        "apiVersion: certloop/v1\nkind: Configuration\nspec: {acceptEphemeralState: true}\n");
    config_file_changed(w->d);
    assert_null(w->d->config_problem);
    assert_ptr_not_equal(w->d->config, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_that_moves_to_another_file_stays_the_same),
        TEST(a_file_that_may_be_trusted_again_is_in_force_again),
        TEST(an_object_that_was_declared_before_it_is_recalled_is_one),
        TEST(a_memory_that_cannot_be_read_now_is_not_a_new_object),
        TEST(a_damaged_memory_costs_no_certificate),
        TEST(a_certificate_declared_again_takes_over_what_it_left),
        TEST(an_output_that_one_gives_up_goes_to_the_other),
        TEST(the_key_of_a_superseded_revision_is_kept_for_a_week),
        TEST(a_secret_that_comes_late_is_found_and_failures_before_are_counted),
        TEST(an_invalid_configuration_keeps_the_last_good_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
